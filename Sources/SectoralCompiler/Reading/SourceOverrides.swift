import SectoralProject
import SectoralText
import SectoralYAML

/// The entries with `overrides: package`, which replace keys of that package's sources.
struct SourceOverrides {
  struct Override {
    let entry: YAMLNode
    /// The file that it stands in.
    let path: String
    var tables: [String: YAMLNode] = [:]
    var isUsed = false
    var usedTables: Set<String> = []
  }

  private var overrides: [[String]: Override] = [:]
  /// Entries that override the same source.
  private(set) var duplicates: [Failure] = []

  init(_ files: [PropertiesFile]) {
    for file in files {
      for entry in file.root?["sources"]?.sequence ?? [] {
        guard let name = entry["name"]?.string, let target = entry["overrides"]?.string else {
          continue
        }
        var override = Override(entry: entry, path: file.file.originalFilePath)
        for table in entry["tables"]?.sequence ?? [] {
          if let name = table["name"]?.datum.pythonText { override.tables[name] = table }
        }
        if let other = overrides[[target, name]] {
          duplicates.append(Self.twice(name, entry, override.path, other))
        }
        overrides[[target, name]] = override
      }
    }
  }

  private static func twice(
    _ name: String,
    _ entry: YAMLNode,
    _ path: String,
    _ other: Override
  ) -> Failure {
    Failure(
      .compilation,
      Diagnostic(
        id: "source.two-overrides",
        message: "dbt found two schema.yml entries for the same source named \(name) in package "
          + "\(entry["overrides"]?.string ?? ""). Sources may only be overridden a single time. To fix "
          + "this, remove the source entry for \(name) in one of these files:\n"
          + " - \(other.path)\n - \(path)",
        span: entry.span,
        hint: "the other entry is at \(other.entry.span.placeText)"
      )
    )
  }

  mutating func source(_ name: String, in package: String) -> Override? {
    overrides[[package, name]]?.isUsed = true
    return overrides[[package, name]]
  }

  mutating func table(_ table: String, of name: String, in package: String) -> YAMLNode? {
    overrides[[package, name]]?.usedTables.insert(table)
    return overrides[[package, name]]?.tables[table]
  }

  /// Every key that the override has replaces that of the entry.
  static func join(
    _ override: YAMLNode?,
    over entry: YAMLNode,
    leaving left: String? = nil
  ) -> YAMLNode {
    guard let override else { return entry }
    var pairs = entry.mapping ?? []
    for pair in override.mapping ?? [] {
      let key = pair.key.keyText
      guard key != "name", key != "overrides", key != left else { continue }
      if let index = pairs.firstIndex(where: { $0.key.keyText == key }) {
        pairs[index] = pair
      } else {
        pairs.append(pair)
      }
    }
    return YAMLNode(.mapping(pairs), at: entry.span)
  }

  /// Overrides of what is not there.
  var unused: [NamedWarning] {
    var lines: [String] = []
    var place: TextSpan?
    for (key, override) in overrides.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let words = "\(key[0]).\(key[1])"
      if !override.isUsed {
        lines.append("  - Source \(words) (in \(override.path))")
        place = place ?? override.entry.span
      }
      for (name, table) in override.tables.sorted(by: { $0.key < $1.key })
      where override.isUsed && !override.usedTables.contains(name) {
        lines.append("  - Source table \(words).\(name) (in \(override.path))")
        place = place ?? table.span
      }
    }
    guard !lines.isEmpty else { return [] }
    return [
      NamedWarning(
        "UnusedTables",
        Diagnostic(
          id: "source.unused-override",
          severity: .warning,
          message: "During parsing, dbt encountered source overrides that had no target:\n"
            + lines.joined(separator: "\n"),
          span: place
        )
      )
    ]
  }
}
