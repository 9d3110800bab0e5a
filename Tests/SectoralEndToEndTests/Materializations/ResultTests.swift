import Foundation
import Testing

/// What run_results.json and the console say, as dbt-core 1.11.16 does.
struct ResultTests {
  private func results(_ project: SmallProject) throws -> [String: [String: Any]] {
    let results = try #require(
      try project.json("target/run_results.json")["results"] as? [[String: Any]]
    )
    return Dictionary(
      results.compactMap { result in
        (result["unique_id"] as? String).map { (String($0.split(separator: ".")[2]), result) }
      },
      uniquingKeysWith: { first, _ in first }
    )
  }

  private func timing(_ result: [String: Any]?) -> [String] {
    (result?["timing"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  /// What a materialization of the project returned is looked at before whether it ran anything.
  @Test func materializationsReturnRelations() async throws {
    let invalid = "Invalid return value from materialization, "
    let cases = [
      ("{'relations': [this]}", nil),
      ("{'relations': []}", nil),
      ("''", "The materialization (\"m2\") did not explicitly return a list of relations to add"),
      ("5", invalid + "expected a dict with key \"relations\", got: 5"),
      ("none", invalid + "expected a dict with key \"relations\", got: None"),
      ("[1, 'x']", invalid + "expected a dict with key \"relations\", got: [1, 'x']"),
      ("{}", invalid + "\"relations\" not found, got keys: []"),
      ("{'a': 1, 'b': 2}", invalid + "\"relations\" not found, got keys: ['a', 'b']"),
      ("{'relations': 'x'}", invalid + "\"relations\" not a list, got: x"),
      ("{'relations': none}", invalid + "\"relations\" not a list, got: None"),
      ("{'relations': (1,)}", invalid + "\"relations\" not a list, got: (1,)"),
      ("{'relations': [this, 'x']}", invalid + "\"relations\" contains non-Relation: x"),
      ("{'relations': [none]}", invalid + "\"relations\" contains non-Relation: None"),
    ]
    var files: [String: String] = [:]
    var macros = ""
    for (index, (returned, _)) in cases.enumerated() {
      macros += """
        {% materialization m\(index), default %}
          {% if '\(index)' in ('0', '1') %}{% call statement('main') %}select 1{% endcall %}{% endif %}
          {{ return(\(returned)) }}
        {% endmaterialization %}

        """
      files["models/n\(index).sql"] = "{{ config(materialized='m\(index)') }} select 1"
    }
    files["macros/m.sql"] = macros
    let project = try SmallProject("returned", files)
    _ = try await project.run("run")
    let results = try results(project)
    for (index, (returned, words)) in cases.enumerated() {
      let message = try #require(results["n\(index)"]?["message"] as? String)
      #expect(message.contains(words ?? "SELECT 1"), "\(returned): \(message)")
    }
  }

  /// Templates take a source's name as the adapter quotes, freshness as the project does.
  @Test func freshnessQuotesAsTheProject() async throws {
    let project = try SmallProject(
      "quoted_freshness",
      [
        "dbt_project.yml": "quoting: {database: false, schema: false, identifier: false}\n",
        "macros/m.sql": """
        {% macro make() %}
          {% do run_query("create schema if not exists " ~ target.schema) %}
          {% do run_query("create table " ~ target.schema ~ ".events as select now()::timestamp as at") %}
        {% endmacro %}
        """,
        "models/s.yml": """
        sources:
          - name: raw
            schema: "{{ target.schema }}"
            tables:
              - {name: Events, config: {loaded_at_field: at, freshness: {warn_after: {count: 1, period: day}}}}
        """,
      ]
    )
    let made = try await project.run("run-operation", "make")
    #expect(made.exitCode == 0, "\(made)")
    let asked = try await project.run("source", "freshness")
    #expect(asked.exitCode == 0, "\(asked)")
    #expect(asked.output.contains("PASS freshness of raw.Events"), "\(asked)")
  }

  /// `docs generate` counts models without text, as dbt does; `compile` does not.
  @Test func docsCountEmptyModels() async throws {
    let project = try SmallProject(
      "empty_models",
      ["models/a.sql": "select 1 as id", "models/none.sql": "\n", "analyses/an.sql": ""]
    )
    let docs = try await project.run("docs", "generate")
    #expect(docs.exitCode == 0, "\(docs)")
    #expect(
      try results(project).mapValues { $0["status"] as? String } == [
        "a": "success", "none": "success", "an": "success",
      ]
    )
    _ = try await project.run("compile")
    #expect(try results(project).keys.sorted() == ["a"])
  }

  @Test func buildListsWhatNeedsNothing() async throws {
    let project = try SmallProject(
      "no_ops",
      [
        "models/a.sql": "select 1 as id",
        "models/b.sql": "select 1 / {{ var('n', 1) }} as id from {{ ref('a') }}",
        "models/b.yml": """
        models: [{name: b, config: {materialized: table}}]
        exposures:
          - {name: board, type: dashboard, owner: {name: x}, depends_on: [ref('b')]}
          - {name: free, type: notebook, owner: {name: x}}
        """,
      ]
    )
    let build = try await project.run("build", "--threads", "1")
    #expect(build.exitCode == 0, "\(build)")
    for line in [
      "1 of 4 NO-OP exposure free ..................................................... [NO-OP in ",
      "4 of 4 NO-OP exposure board .................................................... [NO-OP in ",
      "Finished running 2 exposures, 1 table model, 1 view model in ",
      "Done. PASS=2 WARN=0 ERROR=0 SKIP=0 NO-OP=2 TOTAL=4",
    ] {
      #expect(build.output.contains(line), "\(line)\n\(build)")
    }
    let board = try results(project)["board"]
    #expect(board?["status"] as? String == "no-op")
    #expect(board?["message"] as? String == "NO-OP")
    #expect(board?["failures"] as? Int == 0)
    #expect(board?["compiled"] is NSNull)
    #expect(timing(board) == ["compile", "execute"])

    // What stands above it failed: then it is skipped.
    let failed = try await project.run("build", "--threads", "1", "--vars", "n: 0")
    #expect(failed.output.contains("4 of 4 SKIP exposure board"), "\(failed)")
    #expect(failed.exitCode == 1)
    #expect(try results(project)["board"]?["thread_id"] as? String == "Thread-1 (worker)")
    let run = try await project.run("run")
    #expect(!run.output.contains("NO-OP exposure"), "\(run)")
  }

  @Test func showNeedsAName() async throws {
    let project = try SmallProject("show_direct", ["models/a.sql": "select 1 as id"])
    let nothing = try await project.run("show")
    #expect(nothing.exitCode == 2)
    #expect(
      nothing.output.contains(
        "Runtime Error\n  Either --select or --inline must be passed to show"
      ),
      "\(nothing)"
    )
    let failed = try await project.run("show", "--inline", "select nope")
    #expect(failed.exitCode == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(project.folder)/target/run_results.json"))
    let direct = try await project.run(
      "show",
      "--quiet",
      "--inline-direct",
      "select g as n from generate_series(1, 9) as g",
      "--limit",
      "2",
      "--output",
      "json"
    )
    #expect(direct.exitCode == 0, "\(direct)")
    let value = try JSONSerialization.jsonObject(with: Data(direct.output.utf8)) as? [String: Any]
    #expect((value?["show"] as? [[String: Int]])?.map { $0["n"] } == [1, 2])
    let wrong = try await project.run("show", "--inline-direct", "select nope")
    #expect(wrong.exitCode == 2)
    #expect(wrong.output.contains("Database Error"), "\(wrong)")

    let shown = try await project.run("show", "--inline", "select 1 as id")
    #expect(shown.output.contains("Found 1 model, 1 sql operation, "), "\(shown)")
    let inline = try results(project)["inline_query"]
    #expect((inline?["adapter_response"] as? [String: Any])?["code"] as? String == "SELECT")
    #expect(timing(inline) == ["compile", "execute"])
  }

  @Test func compileSaysNothingOfEphemeralModels() async throws {
    let project = try SmallProject(
      "compiled",
      [
        "models/e.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
        "models/a.sql": "select * from {{ ref('e') }}", "functions/f.sql": "select 1",
        "functions/f.yml": "functions: [{name: f, returns: {data_type: int}}]",
      ]
    )
    let compile = try await project.run("compile")
    #expect(compile.exitCode == 0, "\(compile)")
    #expect(try results(project).keys.sorted() == ["a", "f"])
    // As dbt: functions are not counted.
    #expect(compile.output.contains("Found 2 models, 477 macros\n"), "\(compile)")
    #expect(timing(try results(project)["a"]) == ["compile", "execute"])
    let function = try await project.run("build", "--select", "f")
    #expect(
      function.output.contains(
        "1 of 1 OK created function public.f ............................................ [SUCCESS in "
      ),
      "\(function)"
    )
    #expect(try results(project)["f"]?["message"] as? String == "CREATE FUNCTION")
  }

  @Test func storedFailuresHaveTheirPlace() async throws {
    let project = try SmallProject(
      "stored",
      [
        "models/a.sql": "select null::int as id",
        "models/a.yml": """
        models:
          - name: a
            columns:
              - name: id
                data_tests:
                  - not_null: {name: by_flag}
                  - not_null: {name: never, config: {store_failures: false}}
                  - not_null: {name: broken, config: {where: nope}}
        """,
      ]
    )
    _ = try await project.run("run")
    let test = try await project.run("test", "--store-failures")
    #expect(test.exitCode == 1, "\(test)")
    let audit = "\"\(try project.database)\".\"public_dbt_test__audit\""
    let results = try results(project)
    #expect(results["by_flag"]?["relation_name"] as? String == "\(audit).\"by_flag\"")
    // With the flag it has a place, where nothing is.
    #expect(results["never"]?["relation_name"] as? String == "\(audit).\"never\"")
    for name in ["by_flag", "broken"] {
      #expect(test.output.contains("  select * from \(audit).\"\(name)\"\n"), "\(test)")
    }
    #expect(test.output.contains("Found 1 model, 3 data tests, "), "\(test)")
  }

  @Test func indexesOfAllKinds() async throws {
    let project = try SmallProject(
      "indexes",
      [
        "models/a.sql": """
        {{ config(materialized='table', indexes=[
          {'columns': ['lower(name) varchar_pattern_ops', 'id desc nulls last']},
          {'columns': ['id'], 'unique': true, 'include': ['name'], 'where': 'id > 0',
            'nulls_distinct': false, 'with': {'fillfactor': 70}},
          {'columns': ['id'], 'type': 'hash'},
        ]) }}
        select 1 as id, 'a'::varchar as name
        """,
        "models/m.sql": """
        {{ config(materialized='materialized_view', indexes=[
          {'columns': ['name', 'id'], 'include': ['more']}]) }}
        select id, name, 1 as more from {{ ref('a') }}
        """,
      ]
    )
    for _ in 1...2 {
      let run = try await project.run("run")
      #expect(run.exitCode == 0, "\(run)")
    }
    let rows = try await project.rows(
      "select regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') as d from pg_indexes "
        + "where tablename in ('a', 'm') order by 1"
    )
    #expect(
      rows.compactMap { $0["d"] as? String } == [
        "CREATE INDEX ON public.a USING btree (lower((name)::text) varchar_pattern_ops, "
          + "id DESC NULLS LAST)",
        "CREATE INDEX ON public.a USING hash (id)",
        "CREATE INDEX ON public.m USING btree (name, id) INCLUDE (more)",
        "CREATE UNIQUE INDEX ON public.a USING btree (id) INCLUDE (name) NULLS NOT DISTINCT "
          + "WITH (fillfactor='70') WHERE (id > 0)",
      ]
    )
    // What is as it should be is refreshed, and not made again.
    let again = try await project.run("run", "--select", "m")
    #expect(again.output.contains("[REFRESH MATERIALIZED VIEW in "), "\(again)")
    try project.write(
      """
      {{ config(materialized='materialized_view', indexes=[{'columns': ['id'], 'unique': true}]) }}
      select id, name, 1 as more from {{ ref('a') }}
      """,
      to: "models/m.sql"
    )
    let changed = try await project.run("run", "--select", "m")
    #expect(changed.output.contains("[CREATE INDEX in "), "\(changed)")
  }

  @Test func textTypesOfContracts() async throws {
    let project = try SmallProject(
      "types",
      [
        "models/a.sql": "{{ config(materialized='table') }} select 'x'::text as id, 1::int as n",
        "models/a.yml": """
        models:
          - name: a
            config: {contract: {enforced: true}}
            columns: [{name: id, data_type: string}, {name: n, data_type: Integer}]
        """,
      ]
    )
    let run = try await project.run("run")
    #expect(run.exitCode == 0, "\(run)")
    let rows = try await project.rows("select pg_typeof(id)::text as t from {{ ref('a') }}")
    #expect(rows.first?["t"] as? String == "text")
    let model = try #require(
      (try project.json("target/manifest.json")["nodes"] as? [String: [String: Any]])?[
        "model.types.a"
      ]
    )
    let columns = try #require(model["columns"] as? [String: [String: Any]])
    #expect(columns["id"]?["data_type"] as? String == "string")
  }
}
