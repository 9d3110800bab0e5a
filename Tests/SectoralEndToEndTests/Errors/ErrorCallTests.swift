import Testing

/// The macros on an error's way, in `message` of run_results.json: as dbt-core 1.11.16 wrote them for these models
/// (which names a macro as Jinja has it, `dbt_macro__bare`).
struct ErrorCallTests {
  private static let macros = """
    {% macro raises() %}{{ exceptions.raise_compiler_error("no") }}{% endmacro %}
    {% macro outer() %}{{ adapter.dispatch('inner')() }}{% endmacro %}
    {% macro default__inner() %}{{ raises() }}{% endmacro %}
    {% macro unknown() %}{{ nowhere.at_all }}{% endmacro %}
    {% macro callsUnknown() %}{{ unknown() }}{% endmacro %}
    {% macro bare() %}{{ 1 }}{% endmacro %}
    {% macro arguments() %}{{ bare(1) }}{% endmacro %}
    {% macro queries() %}{{ run_query('select 1 / 0') }}{% endmacro %}
    """

  private static let plain = "{% if execute %}{{ NAME() }}{% endif %} select 1 as id"

  @Test(arguments: [
    (plain.replacing("NAME", with: "raises"), "no", ["in macro raises (macros/m.sql)"]),
    (
      plain.replacing("NAME", with: "outer"), "no",
      [
        "in macro raises (macros/m.sql)", "called by macro default__inner (macros/m.sql)",
        "called by macro outer (macros/m.sql)",
      ]
    ),
    // The built-in macros as well.
    (
      "{{ config(post_hook='{% if execute %}{{ raises() }}{% endif %}') }} select 1 as id", "no",
      [
        "in macro raises (macros/m.sql)",
        "called by macro run_hooks (macros/materializations/hooks.sql)",
        "called by macro materialization_table_default (macros/materializations/models/table.sql)",
      ]
    ),
    // Not the macro itself in which a name or a type is wrong, nor any for what the database or Python says.
    (plain.replacing("NAME", with: "unknown"), "'nowhere' is undefined", []),
    (
      plain.replacing("NAME", with: "callsUnknown"), "'nowhere' is undefined",
      ["in macro callsUnknown (macros/m.sql)"]
    ),
    (
      plain.replacing("NAME", with: "arguments"),
      "macro 'bare' takes not more than 0 argument(s)", ["in macro arguments (macros/m.sql)"]
    ),
    (plain.replacing("NAME", with: "queries"), "division by zero", []),
  ])
  func areListed(_ model: String, _ message: String, _ calls: [String]) async throws {
    let project = try SmallProject(
      "calls_\(UInt32.random(in: 0...UInt32.max))",
      [
        "dbt_project.yml": "models: {+materialized: table}\n", "macros/m.sql": Self.macros,
        "models/a.sql": model,
      ]
    )
    let result = try await project.run("run")
    #expect(result.exitCode == 1)
    // The console has places instead.
    #expect(!result.output.contains("> in macro"), "\(result)")
    let results = try project.json("target/run_results.json")["results"] as? [[String: Any]]
    let said = try #require(results?.first?["message"] as? String)
    let lines = said.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let list =
      calls.isEmpty ? [] : [""] + (calls + ["called by model a (models/a.sql)"]).map { "> \($0)" }
    #expect(lines.dropFirst() == ArraySlice(([message] + list).map { "  \($0)" }))
  }
}
