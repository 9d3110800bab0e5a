import Foundation
import Testing

/// What is read from Redshift's system tables and its SHOW statements.
@Suite(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftMetadataTests {
  private static let freshness = """
    sources:
      - name: raw
        schema: "{{ target.schema }}"
        freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}
        tables:
          - name: orders
          - name: users
          - {name: old, loaded_at_field: written_at}

    """

  /// Sources without a column for it: Redshift knows when they were written, and is asked once.
  @Test(arguments: [false, true]) func freshnessOfMetadata(_ isShown: Bool) async throws {
    let name = "rs_fresh_\(isShown)"
    let project = try RedshiftProject(
      name,
      settings: ["datasharing: \(isShown)"],
      [
        "seeds/orders.csv": "id\n1\n", "seeds/users.csv": "id\n1\n",
        "seeds/old.csv": "id,written_at\n1,2020-01-01 00:00:00\n",
        "models/sources.yml": Self.freshness,
      ]
    )
    let seed = try await project.run("seed")
    #expect(seed.exitCode == 0, "\(seed)")
    let sent = try await project.statements {
      let result = try await project.run("source", "freshness")
      #expect(result.exitCode == 1, "\(result)")
      #expect(
        result.output.contains("Pulling freshness from warehouse metadata tables for 2 sources"),
        "\(result)"
      )
      for (table, status) in [("orders", "PASS"), ("users", "PASS"), ("old", "ERROR STALE")] {
        #expect(result.output.contains("\(status) freshness of raw.\(table) "), "\(result)")
      }
    }
    #expect(sent.count { $0.text.hasPrefix(isShown ? "show tables" : "select place.") } == 1)
    #expect(sent.count == 2, "\(sent)")
  }

  /// A table that was never written to, as far as Redshift remembers.
  @Test func freshnessOfWhatNobodyRemembers() async throws {
    let project = try RedshiftProject("rs_fresh_never", ["models/sources.yml": Self.freshness])
    let result = try await project.run("source", "freshness", "--select", "source:raw.orders")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("the database has no record of when"), "\(result)")
    #expect(result.output.contains("models/sources.yml:6:"), "\(result)")
  }

  /// SHOW GRANTS tells users, groups and roles in words of its own; `docs generate` takes kinds from SHOW TABLES.
  @Test func dataSharing() async throws {
    let project = try RedshiftProject(
      "rs_sharing",
      settings: ["datasharing: true"],
      [
        "dbt_project.yml":
          "name: rs_sharing\nprofile: warehouse\nflags: {redshift_grants_extended: true}\n",
        "models/t.sql":
          "{{ config(materialized='incremental', unique_key='a', grants={'select': ['reporter', 'group:readers', 'role:analyst']}) }} select 1 as a, 'x'::varchar(7) as b, 1.5::numeric(9,2) as c",
        "models/v.sql": "select a from {{ ref('t') }}",
        "models/late.sql": "{{ config(bind=false) }} select a from {{ ref('t') }}",
        "models/mv.sql":
          "{{ config(materialized='materialized_view') }} select a from {{ ref('t') }}",
        "macros/create_grantees.sql": """
        {% macro create_grantees() %}
          {% for what in ["user reporter password 'Rep0rter'", "group readers", "role analyst"] %}
            {% do run_query("create " ~ what) %}
          {% endfor %}
        {% endmacro %}
        """,
      ]
    )
    try await project.makeGrantees()
    let first = try await project.statements {
      let result = try await project.run("run")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(
      first.contains {
        $0.text
          == "grant select on \"dev\".\"rs_sharing\".\"t\" to reporter, GROUP readers, ROLE analyst"
      },
      "\(first)"
    )
    let second = try await project.statements {
      let result = try await project.run("run", "--select", "t")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(second.contains { $0.text.hasPrefix("show grants") }, "\(second)")
    #expect(!second.contains { $0.text.hasPrefix("grant") || $0.text.hasPrefix("revoke") })

    let docs = try await project.run("docs", "generate")
    #expect(docs.exitCode == 0, "\(docs)")
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(project.folder)/target/catalog.json"))
    let catalog = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    let nodes = try #require(catalog["nodes"] as? [String: [String: Any]])
    let kinds = nodes.mapValues { ($0["metadata"] as? [String: Any])?["type"] as? String }
    #expect(kinds["model.rs_sharing.t"] == "BASE TABLE", "\(kinds)")
    #expect(kinds["model.rs_sharing.v"] == "VIEW", "\(kinds)")
    #expect(kinds["model.rs_sharing.late"] == "LATE BINDING VIEW", "\(kinds)")
    #expect(kinds["model.rs_sharing.mv"] == "MATERIALIZED VIEW", "\(kinds)")
    let columns = try #require(nodes["model.rs_sharing.t"]?["columns"] as? [String: [String: Any]])
    let types = columns.mapValues { $0["type"] as? String }
    #expect(types == ["a": "integer", "b": "character varying(7)", "c": "numeric(9,2)"])
  }

  /// The types of a contract have the names of dbt's driver for Redshift.
  @Test func namesOfTypes() async throws {
    let project = try RedshiftProject(
      "rs_types",
      [
        "models/m.sql":
          "{{ config(materialized='table', contract={'enforced': true}) }} select 1::smallint as a, now()::timestamptz as b",
        "models/m.yml": """
        models:
          - name: m
            columns: [{name: a, data_type: bigint}, {name: b, data_type: timestamp}]
        """,
      ]
    )
    let result = try await project.run("run")
    #expect(result.exitCode == 1, "\(result)")
    for row in ["SMALLINT        | BIGINT", "TIMESTAMPTZ     | TIMESTAMP"] {
      #expect(result.output.contains(row), "\(result)")
    }
  }
}
