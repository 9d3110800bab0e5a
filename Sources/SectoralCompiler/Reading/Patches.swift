import SectoralProject
import SectoralText
import SectoralYAML

/// The properties entries of nodes and macros, found by section, package and name.
struct Patches {
  static let nodeSections = [
    "models", "seeds", "snapshots", "analyses", "functions", "data_tests",
  ]
  let all: [Patch]
  private let index: [String: Patch]

  /// `stems`: the names of a package's model files, without their extensions. `keepsWritten`: whether
  /// patches know how their configurations are written.
  init(
    _ files: [PropertiesFile],
    stems: (_ package: String) -> Set<String>,
    keepsWritten: Bool,
    _ failures: inout [Failure]
  ) {
    var all: [Patch] = []
    var index: [String: Patch] = [:]
    var knownStems: [String: Set<String>] = [:]
    func add(_ patch: Patch, as name: String) {
      let key = "\(patch.section)|\(patch.package)|\(name)"
      guard let other = index[key] else {
        index[key] = patch
        all.append(patch)
        return
      }
      failures.append(Self.twice(patch, other))
    }
    for file in files {
      for section in Self.nodeSections + ["macros"] {
        for (name, entry) in file.entries(section) {
          func patch(_ entry: YAMLNode, _ version: ModelVersion? = nil) -> Patch {
            Patch(
              section: section,
              name: name,
              entry: entry,
              file: file.file,
              package: file.package,
              version: version,
              writtenConfig: keepsWritten && section != "data_tests"
                ? file.writtenConfig(section, name, version) : nil
            )
          }
          do {
            let path = file.file.originalFilePath
            guard section == "models",
              let versioned = try VersionedEntry(name: name, entry: entry, path: path)
            else {
              add(patch(entry), as: name)
              continue
            }
            let files = knownStems[file.package] ?? stems(file.package)
            knownStems[file.package] = files
            for item in versioned.versions {
              // The latest may stand in the file of the model's own name.
              let isPlain =
                item.version.isLatest && !files.contains(item.stem) && files.contains(name)
              add(patch(item.entry, item.version), as: isPlain ? name : item.stem)
            }
          } catch { failures.append(error) }
        }
      }
    }
    self.all = all
    self.index = index
  }

  /// Two entries for one resource.
  static func twice(_ patch: Patch, _ other: Patch) -> Failure {
    let (line, column) = other.entry.span.position
    return Failure(
      .compilation,
      Diagnostic(
        id: "properties.duplicate",
        message: "dbt found two schema.yml entries for the same resource named \(patch.name). "
          + "Resources and their associated columns may only be described a single time. "
          + "To fix this, remove one of the resource entries for \(patch.name) in this file:\n"
          + " - \(patch.file.originalFilePath)",
        span: patch.entry["name"]?.span ?? patch.entry.span,
        hint: "the other entry is at \(other.file.file.path):\(line):\(column)"
      )
    )
  }

  func find(_ node: Node) -> Patch? {
    let sections: [String] =
      switch node.resourceType {
      case .model: ["models"]
      case .seed: ["seeds"]
      case .snapshot: ["snapshots"]
      case .analysis: ["analyses"]
      case .test: ["data_tests"]
      case .function: ["functions"]
      default: []
      }
    for section in sections {
      if let patch = index["\(section)|\(node.packageName)|\(node.name)"] { return patch }
    }
    return nil
  }
}
