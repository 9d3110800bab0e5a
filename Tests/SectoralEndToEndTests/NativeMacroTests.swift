import Foundation
import Testing

/// Built-in macros whose usual case is told without their templates: a project's own still count.
struct NativeMacroTests {
  private static func macro(_ name: String, _ result: String) -> String {
    "{% macro \(name)(relation) %}{{ return('\(result)') }}{% endmacro %}"
  }

  @Test(arguments: [
    ("usual", "", "", "from \"DATABASE\".\"SCHEMA\".\"a\""),
    (
      "narrowed", "where: id > 1", "",
      "from (select * from \"DATABASE\".\"SCHEMA\".\"a\" where id > 1) dbt_subquery"
    ),
    ("blank", "where: ''", "", "from \"DATABASE\".\"SCHEMA\".\"a\""),
    (
      "replaced", "",
      macro("get_where_subquery", "(mine)"),
      "from (mine)"
    ),
    (
      "default", "",
      macro("default__get_where_subquery", "(own)"),
      "from (own)"
    ),
    (
      "postgres", "",
      macro("postgres__get_where_subquery", "(pg)"),
      "from (pg)"
    ),
  ])
  func aTestsRelation(name: String, config: String, macro: String, expected: String) async throws {
    let project = try SmallProject(
      "where_\(name)",
      [
        "models/a.sql": "select 1 as id",
        "macros/own.sql": macro,
        "models/a.yml": """
        models:
          - name: a
            columns: [{name: id, data_tests: [{not_null: {config: {\(config)}}}]}]
        """,
      ]
    )
    let result = try await project.run("compile", "--select", "not_null_a_id")
    #expect(result.exitCode == 0, "\(result)")
    let nodes = try #require(try project.json("target/manifest.json")["nodes"] as? [String: Any])
    let test = try #require(nodes.first { $0.key.hasPrefix("test.") }?.value as? [String: Any])
    let model = try #require(nodes.first { $0.key.hasPrefix("model.") }?.value as? [String: Any])
    let code = try #require(test["compiled_code"] as? String)
    let relation = try #require(model["relation_name"] as? String)
    let text = expected.replacing("\"DATABASE\".\"SCHEMA\".\"a\"", with: relation)
    #expect(code.contains("\n\(text)\n"), "\(code)")
    let calls = (test["depends_on"] as? [String: Any])?["macros"] as? [String] ?? []
    #expect(calls.contains { $0.hasSuffix(".get_where_subquery") })
  }
}
