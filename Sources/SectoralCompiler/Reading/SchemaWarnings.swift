import SectoralProject
import SectoralText
import SectoralYAML

/// What dbt warns of when it holds a project's files against its JSON schemas: on Redshift, not on
/// Postgres.
enum SchemaWarnings {
  static func apply(to workspace: Workspace) -> Bool { workspace.profile.type == "redshift" }

  // MARK: dbt_project.yml

  private static let hierarchies = [
    "seeds", "sources", "models", "snapshots", "tests", "exposures", "data_tests", "metrics",
    "unit_tests",
  ]

  /// `path`: that of dbt_project.yml, as dbt shows it.
  static func ofProject(_ root: YAMLNode, _ path: String) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    for section in hierarchies {
      guard let tree = root[section], let known = SchemaKeys.ofProject[section] else { continue }
      visit(tree, known, place: "", path, &warnings)
    }
    return warnings
  }

  private static func visit(
    _ tree: YAMLNode,
    _ known: Set<String>,
    place: String,
    _ path: String,
    _ warnings: inout [NamedWarning]
  ) {
    for (key, value) in tree.mapping ?? [] {
      let name = key.keyText
      if value.isNull || name.hasPrefix("+") && known.contains(String(name.dropFirst())) {
        continue
      }
      let place = place.isEmpty ? name : "\(place).\(name)"
      guard value.mapping == nil else {
        visit(value, known, place: place, path, &warnings)
        continue
      }
      if known.contains(name) {
        warnings.append(
          warning(
            "MissingPlusPrefixDeprecation",
            "no-plus",
            "The configuration `\(name)` at `\(place)` in file `\(path)` lacks its '+': without one it "
              + "may be a folder.",
            key,
            place,
            path,
            hint: "write '+\(name)'"
          )
        )
      } else {
        warnings.append(custom(key, in: known.map { "+\($0)" }, place, path))
      }
    }
  }

  // MARK: Properties files

  /// `path`: that of the file.
  static func ofProperties(_ root: YAMLNode, _ path: String) -> [NamedWarning] {
    var reader = PropertiesReader(path: path)
    for (key, _) in root.mapping ?? [] where !SchemaKeys.ofFile.contains(key.keyText) {
      reader.warnings.append(
        NamedWarning(
          "CustomTopLevelKeyDeprecation",
          Diagnostic(
            id: "properties.unknown-key",
            severity: .warning,
            message: "Unexpected top-level key \(key.keyText) in file `\(path)`",
            span: key.span,
            hint: Spelling.nearest(to: key.keyText, among: SchemaKeys.ofFile)
              .map { "did you mean '\($0)'?" } ?? "remove it"
          ),
          details: [
            "msg": .string("Unexpected top-level key \(key.keyText)"), "file": .string(path),
          ]
        )
      )
    }
    for (section, keys) in SchemaKeys.ofEntry {
      let config = SchemaKeys.ofConfig[section] ?? []
      for (index, entry) in (root[section]?.sequence ?? []).enumerated() {
        let place = "\(section)[\(index)]"
        reader.check(entry, keys, config, at: place)
        reader.checkColumns(of: entry, at: place)
        for (number, table) in (entry["tables"]?.sequence ?? []).enumerated() {
          let place = "\(place).tables[\(number)]"
          reader.check(table, SchemaKeys.ofTable, SchemaKeys.ofTableConfig, at: place)
          reader.checkColumns(of: table, at: place)
        }
      }
    }
    return reader.warnings.sorted {
      ($0.diagnostic.span?.start ?? 0) < ($1.diagnostic.span?.start ?? 0)
    }
  }

  private struct PropertiesReader {
    let path: String
    var warnings: [NamedWarning] = []

    mutating func checkColumns(of entry: YAMLNode, at place: String) {
      for (index, column) in (entry["columns"]?.sequence ?? []).enumerated() {
        check(
          column,
          SchemaKeys.ofColumn,
          SchemaKeys.ofColumnConfig,
          at: "\(place).columns[\(index)]"
        )
      }
    }

    mutating func check(
      _ part: YAMLNode,
      _ keys: Set<String>,
      _ config: Set<String>,
      at place: String
    ) {
      for (key, _) in part.mapping ?? [] where !keys.contains(key.keyText) {
        let name = key.keyText
        if name == "overrides", place.hasPrefix("sources") { continue }
        if config.contains(name) {
          warnings.append(
            warning(
              "PropertyMovedToConfigDeprecation",
              "loose-config",
              "`\(name)` is a top-level property of `\(place)` in file `\(path)`. It belongs into the "
                + "`config` there.",
              key,
              place,
              path,
              hint: "put 'config:' above it, and indent it"
            )
          )
        } else {
          warnings.append(
            warning(
              "CustomKeyInObjectDeprecation",
              "custom-key",
              "Custom key `\(name)` found at `\(place)` in file `\(path)`, which means nothing to dbt",
              key,
              place,
              path,
              hint: Spelling.nearest(to: name, among: keys.union(config))
                .map { "did you mean '\($0)'?" }
                ?? "what is your own belongs under 'config: {meta: …}'"
            )
          )
        }
      }
      for (key, _) in part["config"]?.mapping ?? [] where !config.contains(key.keyText) {
        warnings.append(custom(key, in: Array(config), "\(place).config", path))
      }
    }
  }

  // MARK: Models

  /// The `config()` calls of a model.
  static func ofCalls(_ calls: [ConfigLayer], _ path: String) -> [NamedWarning] {
    let known = SchemaKeys.ofConfig["models"] ?? []
    var seen: Set<String> = []
    return calls.flatMap { call in
      call.values.entries.map(\.key).filter { key in
        !known.contains(key) && !["pre-hook", "post-hook"].contains(key)
          && seen.insert(key).inserted
      }.map { key in
        custom(key, at: call.origin?.key(named: key), in: Array(known), "", path)
      }
    }
  }

  // MARK: Words

  private static func custom(
    _ key: YAMLNode,
    in known: [String],
    _ place: String,
    _ path: String
  ) -> NamedWarning {
    custom(key.keyText, at: key.span, in: known, place, path)
  }

  private static func custom(
    _ key: String,
    at span: TextSpan?,
    in known: [String],
    _ place: String,
    _ path: String
  ) -> NamedWarning {
    NamedWarning(
      "CustomKeyInConfigDeprecation",
      Diagnostic(
        id: "config.custom-key",
        severity: .warning,
        message: "Custom key `\(key)` found in `config` "
          + (place.isEmpty ? "" : "at path `\(place)` ")
          + "in file `\(path)`, which dbt does not know",
        span: span,
        hint: Spelling.nearest(to: key, among: known).map { "did you mean '\($0)'?" }
          ?? "what is your own belongs under 'meta'"
      ),
      details: details(key, place, path)
    )
  }

  private static func warning(
    _ name: String,
    _ id: String,
    _ message: String,
    _ key: YAMLNode,
    _ place: String,
    _ path: String,
    hint: String
  ) -> NamedWarning {
    NamedWarning(
      name,
      Diagnostic(
        id: "schema.\(id)",
        severity: .warning,
        message: message,
        span: key.span,
        hint: hint
      ),
      details: details(key.keyText, place, path)
    )
  }

  private static func details(_ key: String, _ place: String, _ path: String) -> DatumMap {
    ["key": .string(key), "key_path": .string(place), "file": .string(path)]
  }
}
