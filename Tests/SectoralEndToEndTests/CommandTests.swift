import Foundation
import Testing

/// Commands beside `build`, on a small project in the embedded database.
struct CommandTests {
  @Test func snapshotKeepsOldRows() async throws {
    let project = try SmallProject(
      "snapshot_history",
      [
        "seeds/orders.csv": "id,status\n1,open\n2,open\n",
        "snapshots/history.yml": """
        snapshots:
          - name: order_history
            relation: ref('orders')
            config: {strategy: check, unique_key: id, check_cols: [status]}
        """,
      ]
    )
    for seed in ["id,status\n1,open\n2,open\n", "id,status\n1,closed\n2,open\n"] {
      try project.write(seed, to: "seeds/orders.csv")
      for command in ["seed", "snapshot"] {
        let result = try await project.run(command)
        #expect(result.exitCode == 0, "\(result)")
      }
    }
    let rows = try await project.rows(
      "select id, status, dbt_valid_to is null as is_current from {{ ref('order_history') }} "
        + "order by id, dbt_valid_from"
    )
    #expect(rows.map { $0["status"] as? String } == ["open", "closed", "open"])
  }

  @Test func oldPackageFolderAmongCleanTargetsIsToldOfByCleanAlone() async throws {
    let project = try SmallProject(
      "clean_targets",
      [
        "dbt_project.yml": "clean-targets: [target, dbt_modules]\n",
        "models/a.sql": "select 1 as id",
      ]
    )
    for (command, isToldOf) in [("parse", false), ("clean", true)] {
      let result = try await project.run(command)
      #expect(result.exitCode == 0, "\(result)")
      #expect(result.output.contains("PackageInstallPathDeprecation") == isToldOf, "\(result)")
    }
    try project.write(
      "name: clean_targets\nprofile: none\nclean-targets: [dbt_modules, dbt_packages]\n",
      to: "dbt_project.yml"
    )
    let result = try await project.run("clean")
    #expect(!result.output.contains("PackageInstallPathDeprecation"), "\(result)")
  }

  @Test func columnsOfAnotherDatabaseAreNotTakenFromThisOne() async throws {
    let project = try SmallProject(
      "other_database",
      [
        "models/sources.yml": """
        sources: [{name: s, database: elsewhere, schema: public, tables: [{name: t}]}]

        """,
        "models/a.sql": """
        {% set found = adapter.get_columns_in_relation(source('s', 't')) %}
        select {{ found | length }} as n

        """,
      ]
    )
    let result = try await project.run("compile")
    #expect(result.exitCode != 0, "\(result)")
    #expect(result.output.contains("cross-database references are not implemented"), "\(result)")
  }

  @Test func catalogHoldsColumnsAndViewsAreForgottenWithTheirTables() async throws {
    let project = try SmallProject(
      "catalog_columns",
      [
        "models/base.sql": "{{ config(materialized='table') }} select 1 as id, 'a' as name",
        "models/above.sql": "select id from {{ ref('base') }}",
        "models/late.sql": "-- depends_on: {{ ref('above') }}\nselect 1 as one",
        "tests/kept.sql":
          "{{ config(store_failures=true) }} select id from {{ ref('base') }} where id > 1",
      ]
    )
    // A table's replacement takes its views along: the second run must not look for them.
    for _ in 1...2 {
      let result = try await project.run("run")
      #expect(result.exitCode == 0, "\(result)")
    }
    _ = try await project.run("test")
    let result = try await project.run("docs", "generate")
    #expect(result.exitCode == 0, "\(result)")
    let catalog = try project.json("target/catalog.json")
    let nodes = try #require(catalog["nodes"] as? [String: [String: Any]])
    let models = ["above", "base", "late"].map { "model.catalog_columns.\($0)" }
    #expect(nodes.keys.sorted() == models + ["test.catalog_columns.kept"])
    let columns = nodes["model.catalog_columns.base"]?["columns"] as? [String: [String: Any]]
    #expect(columns?["name"]?["type"] as? String == "text")
  }

  @Test func hooksAndOperationsLeaveWhatTheyWrote() async throws {
    let project = try SmallProject(
      "hooks_write",
      [
        "dbt_project.yml": """
        on-run-start: "create table if not exists {{ target.schema }}.audit (note text)"
        on-run-end: "insert into {{ target.schema }}.audit values ('ended')"
        query-comment: "{{ comment_text(target.name) }}"
        """,
        "models/one.sql": "select 1 as one",
        "macros/operations.sql": """
        {% macro comment_text(name) %}run on {{ name }}{% endmacro %}
        {% macro note(text) %}
          {% do run_query("insert into " ~ target.schema ~ ".audit values ('" ~ text ~ "')") %}
        {% endmacro %}
        """,
      ]
    )
    for arguments in [["run"], ["run-operation", "note", "--args", "{text: called}"]] {
      let result = try await Sectoral.run(arguments, in: project.folder, home: project.home)
      #expect(result.exitCode == 0, "\(result)")
    }
    let arguments = try #require(
      try project.json("target/run_results.json")["args"] as? [String: Any]
    )
    #expect(arguments["which"] as? String == "run-operation")
    #expect(arguments["fail_fast"] as? Bool == false)
    #expect(arguments["args"] as? [String: String] == ["text": "called"])
    let rows = try await project.rows("select note from {{ target.schema }}.audit order by note")
    #expect(rows.compactMap { $0["note"] as? String } == ["called", "ended"])
    let log = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    #expect(log.contains("/* run on "))
    let compile = try await project.run("compile")
    #expect(compile.exitCode == 0, "\(compile)")
    let nodes = try #require(try project.json("target/manifest.json")["nodes"] as? [String: Any])
    let paths = nodes.filter { $0.key.hasPrefix("operation.") }.values.compactMap {
      ($0 as? [String: Any])?["compiled_path"] as? String
    }
    #expect(paths.count == 2)
    #expect(paths.allSatisfy { $0.contains("/./dbt_project.yml/hooks/") }, "\(paths)")
    let missing = try await project.run("run-operation", "nott")
    #expect(missing.exitCode == 2)
    #expect(missing.output.contains("did you mean 'note'?"))
  }

  /// What a command took, types without a name, and the command as it was written.
  @Test func theLogHoldsWhatTheConsoleDoesNot() async throws {
    let project = try SmallProject(
      "log_details",
      [
        "models/prices.sql": "select cast('12.34' as money) as price",
        "models/schema.yml": """
        models:
          - name: prices
            config: {contract: {enforced: true}}
            columns: [{name: price, data_type: money}]
          - name: nothing
        """,
      ]
    )
    let result = try await project.run(
      ["run", "--select", "prices", "none_such", "--log-format-file", "json"]
    )
    #expect(result.exitCode == 0, "\(result)")
    #expect(!result.output.contains("Resource report"))
    let log = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    let events = try log.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    func data(_ name: String) throws -> [String: Any] {
      let event = try #require(
        events.first { ($0["info"] as? [String: Any])?["name"] as? String == name }
      )
      return try #require(event["data"] as? [String: Any])
    }
    #expect(try data("NoNodeForYamlKey")["patch_name"] as? String == "nothing")
    #expect(try data("NoNodesForSelectionCriteria")["spec_raw"] as? String == "none_such")
    #expect(try data("EndRunResult")["generated_at"] as? String != nil)
    #expect(try data("TypeCodeNotFound")["type_code"] as? Int == 790)
    #expect(try data("ResourceReport")["command_name"] as? String == "run")
    #expect(try data("ResourceReport")["command_success"] as? Bool == true)
    let listed = try await project.run("ls", "--show-resource-report", "--log-format", "json")
    #expect(listed.exitCode == 0)
    #expect(listed.output.contains("\"name\": \"ResourceReport\""))
    let last = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    #expect(last.contains("Command `sectoral ls` succeeded"))
  }

  @Test(arguments: [["docs", "generate", "--static"], ["docs", "serve", "--port", "8080"]])
  func thePageIsNotThereYet(_ arguments: [String]) async throws {
    let project = try SmallProject("no_page_\(arguments[1])", ["models/one.sql": "select 1 as n"])
    let result = try await project.run(arguments)
    #expect(result.exitCode == 2)
    #expect(
      result.errors.contains("no such page yet")
        || result.errors.contains("no documentation page yet")
    )
  }

  @Test func functionsAreMadeBeforeTheirUsers() async throws {
    let project = try SmallProject(
      "functions_first",
      [
        "functions/doubled.sql": "select price * 2",
        "functions/functions.yml": """
        functions:
          - name: doubled
            arguments: [{name: price, data_type: float}]
            returns: {data_type: float}
            config: {volatility: deterministic}
        """,
        "models/prices.sql": "select {{ function('doubled') }}(21) as price",
      ]
    )
    let result = try await project.run("build")
    #expect(result.exitCode == 0, "\(result)")
    let rows = try await project.rows("select price from {{ ref('prices') }}")
    #expect((rows.first?["price"] as? NSNumber)?.intValue == 42)
  }
}
