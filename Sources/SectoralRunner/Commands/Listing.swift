package import SectoralYAML

/// A node as `ls` prints it.
package struct ListedNode: Sendable {
  package var uniqueID: String
  package var resourceType: String
  package var packageName: String
  package var name: String
  /// Of a versioned model.
  package var version: String?
  /// Of a source.
  package var sourceName: String?
  package var fqn: [String]
  package var originalFilePath: String
  /// The node as manifest.json has it; read for `--output json` alone.
  package var json: DatumMap

  package init(
    uniqueID: String,
    resourceType: String,
    packageName: String,
    name: String,
    version: String? = nil,
    sourceName: String? = nil,
    fqn: [String],
    originalFilePath: String,
    json: DatumMap = DatumMap()
  ) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.packageName = packageName
    self.name = name
    self.version = version
    self.sourceName = sourceName
    self.fqn = fqn
    self.originalFilePath = originalFilePath
    self.json = json
  }

  /// The line of `--output`.
  package func line(_ output: ListOutput, keys: [String]) -> String {
    switch output {
    case .selector: selector
    case .name: searchName
    case .path: originalFilePath
    case .json: JSON.text(of: .map(keys.isEmpty ? usualMembers : members(keys)))
    }
  }

  private var selector: String {
    switch resourceType {
    case "source": "source:\(packageName).\(sourceName ?? "").\(name)"
    case "exposure", "metric", "saved_query", "semantic_model":
      "\(resourceType):\(packageName).\(name)"
    case "unit_test":
      "unit_test:\(packageName).\(name)\(version.map { "_v\($0)" } ?? "")"
    default: fqn.joined(separator: ".")
    }
  }

  private var searchName: String {
    if let sourceName { return "\(sourceName).\(name)" }
    return version.map { "\(name).v\($0)" } ?? name
  }

  private static let usualKeys: Set<String> = [
    "alias", "name", "package_name", "depends_on", "tags", "config", "resource_type", "source_name",
    "original_file_path", "unique_id",
  ]

  private var usualMembers: DatumMap {
    DatumMap(json.entries.filter { Self.usualKeys.contains($0.key) })
  }

  /// Dotted keys are looked up from level to level and keep their dotted name.
  private func members(_ keys: [String]) -> DatumMap {
    var members = DatumMap()
    for key in keys {
      var value: Datum? = json[key]
      if value == nil {
        value = .map(json)
        for part in key.split(separator: ".") { value = value?[String(part)] }
      }
      if let value { members[key] = value }
    }
    return members
  }
}

extension EventBus {
  /// Prints what `ls` found, one line per node, in the given order (sorted by unique_id).
  package func reportList(_ nodes: [ListedNode], output: ListOutput, keys: [String]) {
    for node in nodes { emit(.listCmdOut(node.line(output, keys: keys))) }
  }
}
