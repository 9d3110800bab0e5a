import Foundation
import Testing

/// What dbt-core's functional tests ask of runs, on small projects in the embedded database.
struct RunBehaviourTests {
  @Test func hooksOfTheProjectComeFirstAndAreNumberedThrough() async throws {
    let project = try SmallProject(
      "hook_order",
      [
        "dbt_project.yml": "on-run-start: [\"select 'own'\", \"select 'own too'\"]\n",
        "packages.yml": "packages: [{local: a_pkg}, {local: z_pkg}]\n",
        "a_pkg/dbt_project.yml": "name: a_pkg\non-run-start: [\"select 'a'\"]\n",
        "z_pkg/dbt_project.yml": "name: z_pkg\non-run-start: [\"select 'z'\"]\n",
        "models/one.sql": "select 1 as one",
      ]
    )
    let installed = try await project.run("deps")
    #expect(installed.exitCode == 0, "\(installed)")
    let result = try await project.run("run")
    #expect(result.exitCode == 0, "\(result)")
    let started = result.output.split(separator: "\n").compactMap { line -> String? in
      guard let range = line.firstRange(of: "START hook: ") else { return nil }
      return line[range.upperBound...].split(separator: " ").first.map(String.init)
    }
    #expect(
      started == [
        "hook_order.on-run-start.0", "hook_order.on-run-start.1", "a_pkg.on-run-start.2",
        "z_pkg.on-run-start.3",
      ]
    )
  }

  /// A package may replace what the adapter calls, and finds its own macros and variables there.
  @Test func macrosThatTheAdapterCallsSeeTheirOwnPackage() async throws {
    let project = try SmallProject(
      "adapter_package",
      [
        "dbt_project.yml": "vars: {who: root, pkg: {who: package}}\n",
        "packages.yml": "packages: [{local: pkg}]\n",
        "pkg/dbt_project.yml": "name: pkg\n",
        "pkg/macros/truncate.sql": """
        {% macro helper() %}of the package{% endmacro %}
        {% macro truncate_relation(relation) %}
          {{ return(adapter.dispatch('truncate_relation')(relation)) }}
        {% endmacro %}
        {% macro postgres__truncate_relation(relation) %}
          {% do log('truncates ' ~ helper() ~ ' ' ~ elsewhere() ~ ' ' ~ var('who'), info=true) %}
          {{ return(adapter.dispatch('truncate_relation', 'dbt')(relation)) }}
        {% endmacro %}
        """,
        "macros/helper.sql": """
        {% macro helper() %}of the project{% endmacro %}
        {% macro elsewhere() %}(called from the project){% endmacro %}
        """,
        "seeds/s.csv": "id\n1\n",
        "models/m.sql": """
        select '{{ helper() }} {{ adapter.get_columns_in_relation(ref('s'))|length }} {{ helper() }}' as a
        """,
      ]
    )
    let installed = try await project.run("deps")
    #expect(installed.exitCode == 0, "\(installed)")
    let built = try await project.run("build")
    #expect(built.exitCode == 0, "\(built)")
    let result = try await project.run("seed")
    #expect(
      result.output.contains("truncates of the package (called from the project) package"),
      "\(result)"
    )
    let rows = try await project.rows("select a from {{ ref('m') }}")
    #expect(rows.first?["a"] as? String == "of the project 1 of the project")
  }

  @Test func snapshotsMayEndWithAComment() async throws {
    let project = try SmallProject(
      "snapshot_comment",
      [
        "snapshots/s.sql": """
        {% snapshot s %}
          {{ config(unique_key='id', strategy='check', check_cols=['kind']) }}
          select 1 as id, 'a' as kind
          -- the last line
        {% endsnapshot %}
        """
      ]
    )
    // The second one asks for the columns of the query.
    for _ in 1...2 {
      let result = try await project.run("snapshot")
      #expect(result.exitCode == 0, "\(result)")
    }
  }

  @Test func unitTestsOverrideMacrosAndPlainMembers() async throws {
    let project = try SmallProject(
      "unit_overrides",
      [
        "models/m.sql": "select '{{ invocation_id }}' as run, '{{ type_numeric() }}' as type",
        "models/m.yml": """
        unit_tests:
          - name: overridden
            model: m
            given: []
            overrides: {macros: {invocation_id: 123, type_numeric: number}}
            expect: {rows: [{run: '123', type: number}]}
        """,
      ]
    )
    let result = try await project.run("test")
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func unitTestsOverrideMacrosOfPackages() async throws {
    let project = try SmallProject(
      "unit_overrides_package",
      [
        "packages.yml": "packages: [{local: pkg}]\n",
        "pkg/dbt_project.yml": "name: pkg\n",
        "pkg/macros/key.sql": """
        {% macro key(x) %}{{ return(adapter.dispatch('key', 'pkg')(x)) }}{% endmacro %}
        {% macro default__key(x) %}'{{ x }}'{% endmacro %}
        {% macro other(x) %}'{{ x }}'{% endmacro %}
        """,
        "models/m.sql": """
        select {{ pkg.key(1) }} as a, {{ pkg['key'](1) }} as b, {{ dbt.type_int() }} as c, {{ pkg.other(2) }} as d
        """,
        "models/m.yml": """
        unit_tests:
          - name: overridden
            model: m
            given: []
            overrides: {macros: {pkg.key: "'x'", dbt.type_int: "'y'"}}
            expect: {rows: [{a: x, b: x, c: y, d: '2'}]}
          - name: plain
            model: m
            given: []
            overrides: {macros: {type_int: "'z'"}}
            expect: {rows: [{a: '1', b: '1', c: z, d: '2'}]}
        """,
      ]
    )
    let installed = try await project.run("deps")
    #expect(installed.exitCode == 0, "\(installed)")
    let result = try await project.run("test", "--threads", "1")
    #expect(result.exitCode == 0, "\(result)")
  }

  /// `this` first, then inputs in the order of their references; what is not read need not be there.
  @Test func unitTestsHaveTheInputsThatAreRead() async throws {
    let project = try SmallProject(
      "unit_inputs",
      [
        "models/one.sql": "select 1 as id",
        "models/two.sql": "{{ config(alias='second') }} select 2 as id",
        "models/unread.sql": "select 3 as id",
        "models/m.sql": """
        {{ config(materialized='incremental') }}
        select id from {{ ref('two') }} union all select id from {{ ref('one') }}
        union all select id from {{ source('raw', 'table') }}
        {% if var('reads', false) %} union all select id from {{ ref('unread') }} {% endif %}
        """,
        "models/m.yml": """
        sources:
          - name: raw
            schema: "{{ target.schema }}"
            tables: [{name: table, identifier: one}]
        unit_tests:
          - name: read
            model: m
            overrides: {macros: {is_incremental: true}}
            given:
              - {input: ref('one'), rows: [{id: 1}]}
              - {input: ref('unread'), rows: [{id: 3}]}
              - {input: ref('two'), rows: [{id: 2}]}
              - {input: this, rows: []}
              - {input: "source('raw', 'table')", rows: [{id: 4}]}
            expect: {rows: [{id: 1}, {id: 2}, {id: 4}]}
        """,
      ]
    )
    let built = try await project.run("run", "--exclude", "unread")
    try #require(built.exitCode == 0, "\(built)")
    let result = try await project.run("test")
    #expect(result.exitCode == 0, "\(result)")
    let results = try project.json("target/run_results.json")["results"] as? [[String: Any]]
    let sql = try #require(results?.first?["compiled_code"] as? String)
    let inputs = sql.split(separator: "-- Fixture for ").dropFirst()
      .map { $0.prefix { $0 != "\n" } }
    #expect(inputs == ["m", "two", "one", "table"])
    #expect(sql.contains("__dbt__cte__second as ("), "as dbt, by its alias")
    for name in inputs {
      let file = "\(project.folder)/target/compiled/unit_inputs/models/m.yml/\(name).sql"
      let text = try? String(contentsOfFile: file, encoding: .utf8)
      #expect(text?.hasPrefix("\n-- Fixture for \(name)\n") == true, "\(file)")
    }
  }

  /// As dbt: only where there is a selection, and of nothing but `compile`.
  @Test func ephemeralModelsAreResultsOfCompile() async throws {
    let project = try SmallProject(
      "ephemeral_results",
      ["models/e.sql": "{{ config(materialized='ephemeral') }} select 1 as one"]
    )
    let model = "model.ephemeral_results.e"
    for (command, expected) in [
      (["compile"], []), (["compile", "--select", "e"], [model]), (["run", "--select", "e"], []),
    ] {
      let result = try await project.run(command)
      #expect(result.exitCode == 0, "\(result)")
      let results = try project.json("target/run_results.json")["results"] as? [[String: Any]]
      #expect(results?.compactMap { $0["unique_id"] as? String } == expected)
    }
  }

  /// It is written once, at the end, whatever the end is.
  @Test(arguments: [
    ("one", ["--select", "a"], 0), ("none", ["--select", "none_such"], 0), ("all", [], 2),
    ("wrong", ["--select", "nomethod:x"], 2),
    ("inline", ["--inline", "select {{ nothing() }}"], 2),
  ])
  func compileWritesTheManifest(
    _ name: String,
    _ arguments: [String],
    _ exitCode: Int32
  ) async throws {
    let project = try SmallProject(
      "compile_manifest_\(name)",
      ["models/a.sql": "select 1 as one", "models/b.sql": "{{ nothing() }}"]
    )
    let result = try await project.run(["compile"] + arguments)
    #expect(result.exitCode == exitCode, "\(result)")
    let nodes = try project.json("target/manifest.json")["nodes"] as? [String: [String: Any]]
    let a = nodes?.first { $0.key.hasSuffix(".a") }?.value
    #expect(a != nil)
    #expect(
      (a?["compiled_code"] as? String) == (["one", "all"].contains(name) ? "select 1 as one" : nil)
    )
  }

  @Test func whatCannotBeWrittenAtTheEndIsNotForgotten() async throws {
    let project = try SmallProject(
      "unwritten",
      ["models/a.sql": "select 1 as one", "models/b.sql": "select 1/0 as one"]
    )
    try project.write("{{ config(materialized='table') }} select 1/0 as one", to: "models/b.sql")
    // A folder stands where the file should be: as on a full disk, it cannot be written.
    let blocked = "\(project.folder)/target/run_results.json"
    try FileManager.default.createDirectory(
      atPath: "\(blocked)/x",
      withIntermediateDirectories: true
    )
    let run = try await project.run("run")
    #expect(run.exitCode == 2, "\(run)")
    #expect(run.output.contains("run_results.json"), "\(run)")
    try FileManager.default.removeItem(atPath: blocked)
    try project.write("select 2 as one", to: "models/b.sql")
    let retry = try await project.run("retry")
    #expect(retry.exitCode == 0, "\(retry)")
    // The flags that were recorded have dbt's default of colours; a pipe gets none.
    #expect(!retry.output.contains("\u{1B}"), "\(retry)")
    let results = try project.json("target/run_results.json")["results"] as? [[String: Any]]
    #expect(results?.compactMap { $0["unique_id"] as? String } == ["model.unwritten.b"])
    #expect(!FileManager.default.fileExists(atPath: "\(project.folder)/target/run_results.journal"))
  }

  /// What another's failure cuts off has not failed itself: it is skipped, and `retry` does it.
  @Test func failFastSkipsWhatItCutsOff() async throws {
    let project = try SmallProject(
      "fail_fast",
      [
        "dbt_project.yml": "models: {+materialized: table}\n",
        "models/fails.sql": "select 1 / (id - 1) as id from (select 1 as id, pg_sleep(1)) as t",
        "models/slow.sql": "select 1 as id from pg_sleep(600)",
        "models/slow_child.sql": "select * from {{ ref('slow') }}",
      ]
    )
    let result = try await project.run("run", "--fail-fast", "--threads", "2")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("Done. PASS=0 WARN=0 ERROR=1 SKIP=2"), "\(result)")
    let results = try #require(
      try project.json("target/run_results.json")["results"] as? [[String: Any]]
    )
    let messages = results.map { result in
      let name = (result["unique_id"] as? String)?.split(separator: ".").last ?? ""
      let status = result["status"] as? String ?? ""
      return status == "skipped" ? "\(name) \(result["message"] ?? "")" : "\(name) \(status)"
    }
    let skipped = "Skipping due to fail_fast"
    #expect(messages.sorted() == ["fails error", "slow \(skipped)", "slow_child \(skipped)"])
  }

  @Test func failFastTellsOfAUnitTestAtOnce() async throws {
    let project = try SmallProject(
      "fail_fast_unit",
      [
        "models/m.sql": "select 1 as id",
        "models/m.yml": """
        unit_tests:
        - {name: wrong, model: m, given: [], expect: {rows: [{id: 2}]}}
        """,
      ]
    )
    let result = try await project.run("build", "--fail-fast")
    #expect(result.exitCode == 1, "\(result)")
    // When it happens, and in the sum.
    #expect(result.output.ranges(of: "Failure in unit_test wrong").count == 2, "\(result)")
  }

  @Test func operationsThatFailNameTheirMacro() async throws {
    let project = try SmallProject(
      "failing_operation",
      [
        "macros/m.sql":
          "{% macro boom() %}{{ exceptions.raise_compiler_error('no way') }}{% endmacro %}"
      ]
    )
    let result = try await project.run("run-operation", "boom")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("Compilation Error in macro boom (macros/m.sql)\n  no way"))
  }

  @Test func debugFindsTheOnlyProfileWithoutAProject() async throws {
    let project = try SmallProject("only_profile", [:])
    try FileManager.default.removeItem(atPath: "\(project.folder)/dbt_project.yml")
    for (profiles, words) in [
      (
        """
        only:
          target: dev
          outputs:
            dev: {type: postgres, host: /nowhere, port: 1, user: u, password: p, dbname: d, schema: s}
        """,
        "profiles.yml file [OK found and valid]"
      ),
      (
        "one: {outputs: {}}\ntwo: {outputs: {}}\n",
        "there is no dbt_project.yml here that names a profile, and profiles.yml has several:\n"
          + "   - one\n   - two\n"
      ),
    ] {
      try project.write(profiles, to: "profiles.yml")
      let result = try await project.run("debug", "--profiles-dir", ".")
      #expect(result.exitCode == 1, "\(result)")
      #expect(result.output.contains(words), "\(result)")
      #expect(result.output.contains("dbt_project.yml file [ERROR not found]"), "\(result)")
    }
  }

  @Test func compileAsksNothingWithoutIntrospection() async throws {
    let project = try SmallProject(
      "no_introspect",
      [
        "models/a.sql": "select 1 as one",
        "models/b.sql": "{% if execute %}{% do run_query('select 1') %}{% endif %}select 1 as one",
      ]
    )
    let refused = try await project.run("compile", "--no-introspect")
    #expect(refused.exitCode == 2)
    #expect(refused.output.contains("connection never acquired for thread"))
    let quiet = try await project.run("--quiet", "compile", "--select", "a")
    #expect(quiet.output == "select 1 as one\n")
    let inline = try await project.run("compile", "--inline", "select {{ ref('x') }}")
    #expect(inline.exitCode == 2)
    #expect(inline.output.contains("Error parsing inline query"))
  }

  @Test func warningsComeBeforeTheErrorsThatEndTheCommand() async throws {
    let project = try SmallProject(
      "warned_first",
      [
        "models/m.sql": "select * from {{ ref('nothing') }}",
        "models/m.yml": "model: []\nmodels: [{name: m, descripton: d}]\n",
      ]
    )
    let result = try await project.run("parse")
    #expect(result.exitCode == 2)
    let warning = try #require(result.output.firstRange(of: "descripton"))
    let error = try #require(result.output.firstRange(of: "Encountered an error:"))
    #expect(warning.lowerBound < error.lowerBound)
    let promoted = try await project.run("--warn-error", "parse")
    for text in ["which was not found", "descripton", "errors in all"] {
      #expect(promoted.output.contains(text), "\(promoted)")
    }
  }

  @Test func secretVariablesAreMasked() async throws {
    let project = try SmallProject(
      "secret_vars",
      ["models/m.sql": "select '{{ var('DBT_ENV_SECRET_simple') }}' as it, {{ var('gone') }}"]
    )
    let vars = "{DBT_ENV_SECRET_simple: abcdef, unused: def}"
    let result = try await project.run("run", "--vars", vars)
    #expect(result.exitCode == 1)
    #expect(result.output.contains("\"DBT_ENV_SECRET_simple\": \"*****\""))
    #expect(!result.output.contains("abcdef"))
    let arguments = try project.json("target/run_results.json")["args"] as? [String: Any]
    let shown = arguments?["vars"] as? [String: String]
    #expect(shown == ["DBT_ENV_SECRET_simple": "*****", "unused": "def"])
  }

  /// What a template saw of the node's SQL before there was any does not stay.
  @Test func modelsMayLookAtTheirOwnSQL() async throws {
    let project = try SmallProject(
      "own_sql",
      [
        "macros/m.sql": """
        {% macro look() %}{% if sql and compiled_code and model.compiled_code %}seen{% endif %}{% endmacro %}
        """,
        "models/m.sql": """
        {{ config(post_hook="create table {{ this.schema }}.{{ look() }} as select 1 as n") }}
        {{ look() }} select 1 as n
        """,
      ]
    )
    let result = try await project.run("run")
    #expect(result.exitCode == 0, "\(result)")
    let seen = try await project.run("show", "--inline", "select n from {{ target.schema }}.seen")
    #expect(seen.exitCode == 0, "\(seen)")
  }

  /// A macro of the project may write the verdict of a test as text.
  @Test func verdictsOfTestsAreReadAsPythonDoes() async throws {
    let project = try SmallProject(
      "verdicts",
      ["macros/m.sql": "", "tests/t.sql": "select 1 as n"]
    )
    let cases: [(warn: String, error: String, exitCode: Int32)] = [
      ("'y'", "'n'", 0), ("'off'", "'TRUE'", 1), ("'x'", "false", 1), ("0", "2", 1),
    ]
    for (warn, error, exitCode) in cases {
      try project.write(
        """
        {% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}
        select 3 as failures, \(warn) as should_warn, \(error) as should_error
        {% endmacro %}
        """,
        to: "macros/m.sql"
      )
      let result = try await project.run("test")
      #expect(result.exitCode == exitCode, "\(result)")
      #expect(result.output.contains("'get_test_sql' returns 'x'") == (warn == "'x'"), "\(result)")
    }
  }

  @Test func ephemeralModelsBehindAFailedUnitTestHaveNoLine() async throws {
    let project = try SmallProject(
      "ephemeralunit",
      [
        "models/e.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('a') }}",
        "models/a.sql": "select 1 as id",
        "models/on_e.sql": "select * from {{ ref('e') }}",
        "models/e.yml": """
        unit_tests:
          - name: wrong
            model: e
            given: [{input: ref('a'), rows: [{id: 1}]}]
            expect: {rows: [{id: 2}]}
        """,
      ]
    )
    let result = try await project.run("build")
    #expect(result.exitCode == 1, "\(result)")
    #expect(!result.output.contains(".e .."), "\(result)")
    #expect(result.output.contains(".on_e due to ephemeral model status 'skipped'"), "\(result)")
    #expect(result.output.contains("PASS=1 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=3"), "\(result)")
  }

  /// Without `--full-refresh`; dbt fails where a materialized view becomes an incremental model.
  @Test func modelsMayBecomeAnyOtherKind() async throws {
    let kinds = [
      "view": "v", "table": "r", "incremental": "r", "materialized_view": "m",
    ]
    var files: [String: String] = [:]
    for before in kinds.keys {
      for after in kinds.keys {
        files["models/\(before)_to_\(after).sql"] =
          "{{ config(materialized='\(after)' if var('later', false) else '\(before)') }}\n"
          + "select {{ 2 if var('later', false) else 1 }} as id\n"
      }
    }
    let project = try SmallProject("otherkinds", files)
    #expect(try await project.run("run").exitCode == 0)
    let again = try await project.run("run", "--vars", "later: true")
    #expect(again.exitCode == 0, "\(again)")
    let relations = try await project.rows(
      """
      select relname, relkind::text from pg_class
      where relnamespace = '{{ target.schema }}'::regnamespace and relkind in ('r', 'v', 'm') order by 1
      """
    )
    let found = relations.compactMap { row in
      (row["relname"] as? String).flatMap { name in (row["relkind"] as? String).map { (name, $0) } }
    }
    let expected = kinds.keys.flatMap { before in
      kinds.map { after, kind in ("\(before)_to_\(after)", kind) }
    }
    #expect(Dictionary(uniqueKeysWithValues: found) == Dictionary(uniqueKeysWithValues: expected))
    // A table that becomes an incremental model gets a row more, as everything else is made anew.
    let counts = expected.map {
      "select '\($0.0)' as name, count(*) as n from {{ ref('\($0.0)') }}"
    }
    let rows = try await project.rows(
      "select string_agg(name, ', ' order by name) as grown from (\(counts.joined(separator: " union all "))) as x where n > 1"
    )
    #expect(rows.first?["grown"] as? String == "incremental_to_incremental, table_to_incremental")
  }

  /// As by dbt, whose INSERT the server converts.
  @Test func seedsAreConvertedToTheTypesOfTheirTable() async throws {
    let project = try SmallProject(
      "seedconverted",
      [
        "dbt_project.yml": "seeds: {seedconverted: {+quote_columns: true}}\n",
        "seeds/s.csv": "id,a count,day,note,flag\n1,2,2024-01-01,7,true\n",
      ]
    )
    #expect(try await project.run("seed").exitCode == 0)
    try project.write(
      "id,a count,day,note,flag\n1,2.5,2024-01-01 10:30:00,7.50,false\n2,,,,\n3,3.4,2024-05-01 00:00:00,1,true\n",
      to: "seeds/s.csv"
    )
    let again = try await project.run("seed")
    #expect(again.exitCode == 0, "\(again)")
    #expect(again.output.contains("'seed --full-refresh --select s' makes it anew"), "\(again)")
    let rows = try await project.rows(
      "select string_agg(s::text, ';' order by id) as found from {{ ref('s') }} as s"
    )
    #expect(rows.first?["found"] as? String == "(1,3,2024-01-01,8,f);(2,,,,);(3,3,2024-05-01,1,t)")
    // What an INSERT does not convert either leaves the old rows.
    try project.write("id,a count,day,note,flag\n1,1,true,7,true\n", to: "seeds/s.csv")
    let refused = try await project.run("seed")
    #expect(refused.exitCode == 1, "\(refused)")
    #expect(
      refused.output.contains("column \"day\" is of type date but expression is of type boolean"),
      "\(refused)"
    )
    #expect(refused.output.contains("the table has the types of an earlier file"), "\(refused)")
    let kept = try await project.rows("select count(*) as n from {{ ref('s') }}")
    #expect(kept.first?["n"] as? Int == 3)
    #expect(try await project.run("seed", "--full-refresh").exitCode == 0)
  }

  @Test func freshnessTellsOfHooksThatItLeavesOut() async throws {
    let project = try SmallProject(
      "freshness_hooks",
      [
        "dbt_project.yml": """
        on-run-start: ["select 1"]
        flags: {source_freshness_run_project_hooks: false}

        """,
        "models/s.yml": "sources: [{name: s, tables: [{name: t}]}]\n",
      ]
    )
    let result = try await project.run("source", "freshness")
    #expect(result.output.contains("SourceFreshnessProjectHooksNotRun: 1 occurrence"), "\(result)")
  }

  /// As dbt, which counts what was run before it says what ended the command.
  @Test func whatEndsACommandComesBelowTheCount() async throws {
    let project = try SmallProject("counts_nothing", ["models/a.sql": "select 1 as id"])
    for words in [["run", "--defer"], ["build", "--defer", "--state", "nowhere"]] {
      let result = try await project.run(words)
      #expect(result.exitCode == 2, "\(result)")
      let count = try #require(result.output.firstRange(of: "Finished running  in "), "\(result)")
      let error = try #require(result.output.firstRange(of: "Encountered an error:"), "\(result)")
      #expect(count.upperBound < error.lowerBound)
    }
    let compiled = try await project.run("compile", "--defer")
    #expect(!compiled.output.contains("Finished running"), "\(compiled)")
  }

  /// What `--fail-fast` cuts off is left as what had not begun, and the failure is told once all have ended.
  @Test func whatFailFastCutsOffIsLeft() async throws {
    let project = try SmallProject(
      "stopped_early",
      [
        "models/bad.sql": "{{ config(materialized='table') }} select 1/0 as id",
        "models/slow.sql": "{{ config(materialized='table') }} select pg_sleep(600)::text as id",
        "models/on_slow.sql":
          "{{ config(materialized='ephemeral') }} select * from {{ ref('slow') }}",
        "models/last.sql": "select * from {{ ref('on_slow') }}",
      ]
    )
    let result = try await project.run("run", "--fail-fast", "--threads", "2")
    #expect(result.exitCode == 1, "\(result)")
    #expect(
      result.output.contains("Done. PASS=0 WARN=0 ERROR=1 SKIP=3 NO-OP=0 TOTAL=4"),
      "\(result)"
    )
    let tail = try #require(result.output.firstRange(of: "Failure in model bad"), "\(result)")
    #expect(!result.output[tail.upperBound...].contains("[ERROR in"), "\(result)")
    let results = try project.json("target/run_results.json")["results"] as? [[String: Any]]
    let messages = Dictionary(
      uniqueKeysWithValues: (results ?? []).map {
        ($0["unique_id"] as? String ?? "", $0["message"] as? String ?? "")
      }
    )
    #expect(messages.count == 4)
    for name in ["slow", "on_slow", "last"] {
      #expect(messages["model.stopped_early.\(name)"] == "Skipping due to fail_fast", "\(messages)")
    }
  }
}
