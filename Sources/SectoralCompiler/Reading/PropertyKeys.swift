import SectoralText
import SectoralYAML

/// The parts of properties entries that take dbt's keys and no others. What is not listed here may hold
/// keys of the user's own.
enum PropertyKeys {
  /// `path`: the keys that lead from the entry to the part; of lists, every item is meant.
  private typealias Part = (path: [String], keys: Set<String>)

  private static let docs: Set = ["show", "node_color"]
  private static let limit: Set = ["count", "period"]
  private static let freshness: Set = ["warn_after", "error_after", "filter"]
  private static let quoting: Set = ["database", "schema", "identifier", "column"]
  private static let described: [Part] = [(["docs"], docs), (["columns", "docs"], docs)]

  private static let bySection: [String: [Part]] = [
    "models": described + [
      (
        ["versions"],
        [
          "v", "defined_in", "description", "access", "config", "constraints", "docs", "data_tests",
          "tests", "columns", "deprecation_date",
        ]
      ),
      (["versions", "docs"], docs),
      (["time_spine"], ["standard_granularity_column", "custom_granularities"]),
      (["time_spine", "custom_granularities"], ["name", "column_name"]),
    ],
    "seeds": described, "snapshots": described, "analyses": described,
    "data_tests": [(["docs"], docs)],
    "macros": [(["docs"], docs), (["arguments"], ["name", "type", "description"])],
    "sources": [
      (
        [],
        [
          "name", "description", "meta", "database", "schema", "loader", "quoting", "freshness",
          "loaded_at_field", "loaded_at_field_present", "loaded_at_query", "tables", "tags",
          "config", "unrendered_database", "unrendered_schema",
        ]
      ), (["quoting"], quoting), (["freshness"], freshness), (["freshness", "warn_after"], limit),
      (["freshness", "error_after"], limit), (["tables", "quoting"], quoting),
      (["tables", "freshness"], freshness), (["tables", "freshness", "warn_after"], limit),
      (["tables", "freshness", "error_after"], limit), (["tables", "docs"], docs),
      (["tables", "columns", "docs"], docs),
    ],
    "unit_tests": [
      (
        [], ["name", "model", "given", "expect", "description", "overrides", "config", "versions"]
      ), (["given"], ["input", "rows", "format", "fixture"]),
      (["expect"], ["rows", "format", "fixture"]),
      (["overrides"], ["macros", "vars", "env_vars"]), (["versions"], ["include", "exclude"]),
    ],
  ]

  /// What is wrong with the keys of an entry; `file`: the path of its file.
  static func problems(of entry: YAMLNode, in section: String, _ file: String) -> [Diagnostic] {
    // Such entries have keys of their own.
    if section == "sources", entry["overrides"] != nil { return [] }
    var problems: [Diagnostic] = []
    for (path, keys) in bySection[section] ?? [] {
      visit(entry, path[...], place: "") { part, place in
        if section == "macros", path == ["arguments"], part["name"] == nil {
          problems.append(
            Diagnostic(
              id: "properties.missing-key",
              message:
                "Invalid macros config given in \(file) - at path \(place): 'name' is a required "
                + "property",
              span: part.span,
              hint: "add the argument's 'name:'"
            )
          )
        }
        for (key, _) in part.mapping ?? [] where !keys.contains(key.keyText) {
          problems.append(
            Diagnostic(
              id: "properties.unexpected-key",
              message: "Invalid \(section) config given in \(file) - at path "
                + "\(place.isEmpty ? "[]" : place): Additional properties are not allowed "
                + "('\(key.keyText)' was unexpected)",
              span: key.span,
              hint: Spelling.nearest(to: key.keyText, among: keys).map { "did you mean '\($0)'?" }
                ?? "the keys here are " + keys.sorted().joined(separator: ", ")
            )
          )
        }
      }
    }
    return problems
  }

  private static func visit(
    _ node: YAMLNode,
    _ path: ArraySlice<String>,
    place: String,
    _ body: (YAMLNode, String) -> Void
  ) {
    if let items = node.sequence {
      for (index, item) in items.enumerated() {
        visit(item, path, place: "\(place)[\(index)]", body)
      }
    } else if let key = path.first {
      guard let below = node[key] else { return }
      visit(below, path.dropFirst(), place: "\(place)['\(key)']", body)
    } else {
      body(node, place)
    }
  }
}
