import Foundation
import Testing

/// The new rows of an incremental model before they are joined with the old ones.
struct StagingTests {
  /// `analyze` and what follows of it, as it was sent in the last run.
  private func analysed(_ project: SmallProject) throws -> [String] {
    let log = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    try FileManager.default.removeItem(atPath: "\(project.folder)/logs/dbt.log")
    return log.split(separator: "\n").compactMap { line in
      line.firstRange(of: "analyze \"").map { String(line[$0.lowerBound...]) }
    }
  }

  private func model(_ config: String, rows: Int, from first: Int = 1) -> String {
    """
    {{ config(materialized='incremental', \(config)) }}
    select n as id, n % 7 as "Part", '{{ is_incremental() }}' as made
    from generate_series({{ \(first) if is_incremental() else 1 }}, \(rows)) as s(n)
    """
  }

  @Test(arguments: ["delete+insert", "merge"])
  func areAnalysedWhereThereAreMany(_ strategy: String) async throws {
    let name = strategy == "merge" ? "staging_m" : "staging_d"
    let project = try SmallProject(
      name,
      [
        "models/one.sql": model(
          "unique_key='id', incremental_strategy='\(strategy)'",
          rows: 30_000,
          from: 15_001
        ),
        "models/two.sql": model(
          "unique_key=['\"Part\"', 'id'], incremental_strategy='\(strategy)'",
          rows: 30_000,
          from: 15_001
        ),
        "models/few.sql": model(
          "unique_key='id', incremental_strategy='\(strategy)'",
          rows: 30_000,
          from: 29_001
        ),
        "models/plain.sql": model(
          "unique_key='id', incremental_strategy='\(strategy)', meta={'sectoral': {'staging': 'plain'}}",
          rows: 30_000,
          from: 15_001
        ),
        "models/quoted.sql": model(
          "unique_key=['\"Key\"'], incremental_strategy='\(strategy)'",
          rows: 30_000,
          from: 15_001
        ).replacingOccurrences(of: "n as id", with: "n as id, n as \"Key\""),
        "models/appended.sql": model("incremental_strategy='append'", rows: 30_000, from: 30_001),
      ]
    )
    let first = try await project.run("run")
    #expect(first.exitCode == 0, "\(first)")
    #expect(try analysed(project).isEmpty)
    let second = try await project.run("run")
    #expect(second.exitCode == 0, "\(second)")
    let sent = try analysed(project).sorted()
    #expect(sent.count == 2, "\(sent)")
    #expect(sent.first?.hasPrefix("analyze \"one__dbt_tmp") ?? false && sent[0].contains(" (id)"))
    #expect(
      sent.last?.hasPrefix("analyze \"quoted__dbt_tmp") ?? false && sent[1].contains(" (\"Key\")")
    )
    let rows = try await project.rows(
      ["one", "two", "few", "plain", "quoted", "appended"].map {
        "select '\($0)' as name, count(*) as n, count(distinct id) as ids, "
          + "count(*) filter (where made = 'True') as new from {{ ref('\($0)') }}"
      }.joined(separator: " union all ") + " order by 1"
    )
    #expect(
      rows.map { "\($0["name"] ?? "") \($0["n"] ?? "") \($0["ids"] ?? "") \($0["new"] ?? "")" } == [
        "appended 30000 30000 0", "few 30000 30000 1000", "one 30000 30000 15000",
        "plain 30000 30000 15000", "quoted 30000 30000 15000", "two 30000 30000 15000",
      ]
    )
  }

  /// The plan of the delete: each new key looked up by itself, or all of them at once.
  @Test(arguments: [("plain", "Nested Loop"), ("analysed", "Hash Join")])
  func areJoinedByHash(_ staging: String, _ join: String) async throws {
    let project = try SmallProject(
      "staging_\(staging)",
      [
        "macros/explained.sql": """
        {% macro get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) %}
          {% set sql = dbt.default__get_delete_insert_merge_sql(
            target, source, unique_key, dest_columns, incremental_predicates) %}
          {% for row in run_query('explain ' ~ sql.split(';')[0]).rows %}
            {% do log('PLAN ' ~ row[0], info=True) %}
          {% endfor %}
          {{ return(sql) }}
        {% endmacro %}

        """,
        "models/one.sql": """
        {{ config(materialized='incremental', unique_key='id', indexes=[{'columns': ['id']}],
          post_hook='analyze {{ this }}',
          meta={'sectoral': {'staging': '\(staging)'}}) }}
        select n as id, md5(n::text) as payload
        from generate_series({{ 190001 if is_incremental() else 1 }}, 220000) as s(n)

        """,
      ]
    )
    let first = try await project.run("run")
    #expect(first.exitCode == 0, "\(first)")
    let second = try await project.run("run")
    #expect(second.exitCode == 0, "\(second)")
    let plan = second.output.split(separator: "\n").filter { $0.contains("PLAN ") }
    #expect(plan.contains { $0.contains(join) }, "\(second)")
    let other = join == "Hash Join" ? "Nested Loop" : "Hash Join"
    #expect(!plan.contains { $0.contains(other) }, "\(second)")
  }

  /// Keys that are null are equal to nothing, one key or two, few rows or many.
  @Test func nullsInKeysAreKept() async throws {
    let rows =
      "select case when n % 3 = 0 then null else n end as id, n % 2 as part, "
      + "'{{ is_incremental() }}' as made from generate_series(1, {{ var('rows') }}) as s(n)"
    let project = try SmallProject(
      "staging_nulls",
      [
        "models/deleted.sql":
          "{{ config(materialized='incremental', unique_key=['id', 'part']) }} \(rows)",
        "models/merged.sql":
          "{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }} \(rows)",
        "models/expression.sql":
          "{{ config(materialized='incremental', unique_key=\"coalesce(id, 0)\") }} \(rows)",
      ]
    )
    for count in [30, 30_000] {
      let vars = "{rows: \(count)}"
      let first = try await project.run("run", "--full-refresh", "--vars", vars)
      #expect(first.exitCode == 0, "\(first)")
      let second = try await project.run("run", "--vars", vars)
      #expect(second.exitCode == 0, "\(second)")
      let found = try await project.rows(
        ["deleted", "merged", "expression"].map {
          "select '\($0)' as name, count(*) as n, count(*) filter (where made = 'False') as old "
            + "from {{ target.schema }}.\($0)"
        }.joined(separator: " union all ") + " order by 1"
      )
      let nulls = count / 3
      #expect(
        found.map { "\($0["name"] ?? "") \($0["n"] ?? "") \($0["old"] ?? "")" } == [
          "deleted \(count + nulls) \(nulls)", "expression \(count) 0",
          "merged \(count + nulls) \(nulls)",
        ],
        "\(count) rows"
      )
    }
  }

  /// A project's own macro has the last word, also over many rows.
  @Test func aProjectsOwnMacroWins() async throws {
    let project = try SmallProject(
      "staging_own",
      [
        "macros/own.sql": """
        {% macro get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) %}
          insert into {{ target }} select id, "Part", 'own' from {{ source }}
        {% endmacro %}

        """,
        "models/one.sql": model("unique_key='id'", rows: 20_000),
      ]
    )
    for _ in 1...2 {
      let run = try await project.run("run")
      #expect(run.exitCode == 0, "\(run)")
    }
    let rows = try await project.rows(
      "select count(*) as n, count(*) filter (where made = 'own') as own from {{ ref('one') }}"
    )
    #expect("\(rows[0]["n"] ?? "") \(rows[0]["own"] ?? "")" == "40000 20000")
  }
}
