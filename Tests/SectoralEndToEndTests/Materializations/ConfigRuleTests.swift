import Foundation
import Testing

/// Configurations that dbt-core 1.11.16 refuses when it reads a project, and in which words.
struct ConfigRuleTests {
  private static func snapshot(_ config: String) -> [String: String] {
    ["snapshots/s.sql": "{% snapshot s %}{{ config(\(config)) }} select 1 as id{% endsnapshot %}\n"]
  }

  private static func function(_ properties: String) -> [String: String] {
    [
      "functions/f.sql": "select 1\n",
      "functions/f.yml": "functions:\n  - name: f\n\(properties)\n",
    ]
  }

  private static func model(_ config: String, _ columns: String = "") -> [String: String] {
    [
      "models/m.sql": "{{ config(\(config)) }} select 1 as id\n",
      "models/m.yml":
        "models:\n  - name: m\n    config: {contract: {enforced: true}}\n\(columns)\n",
    ]
  }

  @Test(arguments: [
    (
      snapshot("strategy='check', check_cols='all'"),
      "Snapshots must be configured with a 'strategy' and 'unique_key'."
    ),
    (
      snapshot("unique_key='id'"),
      "Snapshots must be configured with a 'strategy' and 'unique_key'."
    ),
    (
      snapshot("unique_key='id', strategy='timestamp'"),
      "the timestamp strategy must specify an updated_at configuration."
    ),
    (
      snapshot("unique_key='id', strategy='check'"),
      "the check strategy must specify a check_cols configuration."
    ),
    (
      snapshot("unique_key='id', strategy='check', check_cols='all', materialized='table'"),
      "A snapshot must have a materialized value of 'snapshot'"
    ),
    (function("    arguments: []"), "'returns' is a required property"),
    (
      function("    arguments: [{name: x}]\n    returns: {data_type: int}"),
      "'data_type' is a required property"
    ),
    (
      function("    config: {volatility: foo}\n    returns: {data_type: int}"),
      "has invalid value 'foo'"
    ),
    (model("materialized='table'"), "Contract enforcement failed for: (models/m.sql)"),
    (
      model("materialized='incremental'", "    columns: [{name: id, data_type: int}]"),
      "must set on_schema_change to 'append_new_columns' or 'fail'"
    ),
  ])
  func refuses(_ files: [String: String], _ words: String) async throws {
    let home = try TestHome.shared.get()
    var files = files
    files["dbt_project.yml"] = "name: rules\nprofile: none_rules\n"
    let folder = try home.folder("rules-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let run = try await Sectoral.run(["parse"], in: folder, home: home)
    #expect(run.exitCode == 2, "\(run)")
    #expect(run.output.contains(words), "\(run)")
    #expect(run.output.contains("hint: "), "\(run)")
  }

  @Test func constraintsOfViewsAreWarnedOf() async throws {
    let home = try TestHome.shared.get()
    var files = Self.model(
      "materialized='view'",
      "    columns: [{name: id, data_type: int, constraints: [{type: not_null}]}]"
    )
    files["dbt_project.yml"] = "name: rules\nprofile: none_rules\n"
    let folder = try home.folder("rules-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let run = try await Sectoral.run(["parse"], in: folder, home: home)
    #expect(run.exitCode == 0, "\(run)")
    let words = "Constraint types are not supported for view materializations and will be ignored."
    #expect(run.output.contains(words), "\(run)")
  }
}
