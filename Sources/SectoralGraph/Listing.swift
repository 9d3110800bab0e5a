import SectoralProject
import SectoralYAML

extension GraphMember {
  /// The line of `ls`: a word of the selection language that selects this member.
  package var selectorText: String {
    switch self {
    case .source(let source): "source:\(source.packageName).\(source.sourceName).\(source.name)"
    case .node: fqn.joined(separator: ".")
    case .resource(let resource):
      switch resource.resourceType {
      case .unitTest: "unit_test:\(resource.packageName).\(resource.versionedName)"
      case .function: fqn.joined(separator: ".")
      default: "\(resource.resourceType.rawValue):\(resource.packageName).\(resource.name)"
      }
    }
  }

  /// The line of `ls --output name`: with the version of models, with the source of tables.
  package var searchName: String {
    switch self {
    case .node(let node): node.searchName
    case .source(let source): "\(source.sourceName).\(source.name)"
    case .resource(let resource): resource.name
    }
  }

  /// The line of `ls --output json`: what `--output-keys` names, dots reaching into mappings, and
  /// dbt's choice where it names nothing.
  package func listingJSON(keys: [String]) -> String {
    let layout = layout
    var row: [(key: String, value: Datum)] = []
    if keys.isEmpty {
      let known: Set = [
        "alias", "name", "package_name", "depends_on", "tags", "config", "resource_type",
        "source_name", "original_file_path", "unique_id",
      ]
      row = layout.entries.filter { known.contains($0.key) }
    } else {
      for key in keys {
        if let value = layout[key] {
          row.append((key, value))
        } else if let value = layout.value(at: key) {
          row.append((key, value))
        }
      }
    }
    return JSON.text(of: .map(DatumMap(lastWins: row)))
  }
}

extension PlainResource {
  /// Unit tests of versioned models carry the version in their name.
  fileprivate var versionedName: String {
    guard let version = fields["version"], !version.isNull else { return name }
    return "\(name)_v\(version.pythonText)"
  }
}

extension DatumMap {
  fileprivate func value(at path: String) -> Datum? {
    var datum = Datum.map(self)
    for key in path.split(separator: "." as Character) {
      guard let next = datum[String(key)] else { return nil }
      datum = next
    }
    return datum
  }
}
