import Foundation
import Testing

/// Whole projects on the stand-in for Redshift.
@Suite(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftBuildTests {
  /// Builds a project, and gives what was sent.
  private func build(
    _ project: RedshiftProject,
    _ arguments: String...
  ) async throws -> [RedshiftStandIn.Statement] {
    let sent = try await project.statements {
      let result = try await Sectoral.run(
        ["build"] + arguments,
        in: project.folder,
        home: project.home
      )
      #expect(result.exitCode == 0, "\(result)")
    }
    let refused = sent.filter { !$0.wasRun }
    #expect(refused.isEmpty, "\(refused)")
    return sent
  }

  @Test func jaffleShop() async throws {
    let project = try RedshiftProject(
      "rs_jaffle",
      copying: "Examples/jaffle_shop",
      profile: "jaffle_shop_example"
    )
    _ = try await build(project)
    let orders = try await project.rows("select count(*), sum(total_amount) from rs_jaffle.orders")
    _ = try await build(project)
    #expect(
      try await project.rows("select count(*), sum(total_amount) from rs_jaffle.orders") == orders
    )
  }

  @Test func everyFeature() async throws {
    let project = try RedshiftProject(
      "rs_features",
      copying: "Examples/redshift",
      profile: "redshift_features"
    )
    try await project.makeGrantees()
    let first = try await build(project)
    func sent(_ sent: [RedshiftStandIn.Statement], _ start: String) -> [String] {
      sent.map(\.text).filter { $0.hasPrefix(start) }
    }

    // Where the rows lie, as the database tells it.
    let tables = try await project.rows(
      "select \"table\" || ' ' || diststyle || ' ' || coalesce(sortkey1, '-') as t from svv_table_info "
        + "where \"schema\" = 'rs_features' order by 1"
    )
    for expected in [
      "users_everywhere ALL user_id", "orders_by_user KEY(user_id) happened_on",
      "events_even EVEN INTERLEAVED", "user_facts KEY(user_id) user_id",
      "orders_replaced KEY(user_id) happened_at", "users_over_time KEY(user_id) dbt_valid_from",
    ] {
      #expect(tables.contains { $0.hasPrefix(expected) }, "\(expected): \(tables)")
    }
    #expect(first.contains { $0.text.contains("backup no diststyle key distkey (user_id)") })

    // Views that Redshift binds to their tables, and views that it does not.
    let views = sent(first, "create view")
    #expect(views.filter { $0.hasSuffix("with no schema binding") }.count == 3, "\(views)")

    // Who may read; comments.
    let grants = sent(first, "grant")
    for expected in [
      "grant select on \"dev\".\"rs_features\".\"orders_by_user\" to reporter, GROUP readers, ROLE analyst",
      "grant insert on \"dev\".\"rs_features\".\"orders_replaced\" to ROLE analyst",
    ] {
      #expect(grants.contains(expected), "\(grants)")
    }
    let comments = sent(first, "comment on")
    #expect(comments.contains { $0.contains("column") && $0.contains("bound_users") })
    #expect(
      !comments.contains { $0.contains("column") && $0.contains("stg_events") },
      "\(comments)"
    )

    // Nothing changed: nothing is made anew that stands, nothing granted again, nothing dropped.
    let second = try await build(project)
    #expect(sent(second, "grant").filter { $0.contains("orders_replaced") }.isEmpty)
    // What a materialized view reads was made anew: so is the view.
    #expect(sent(second, "create materialized view").count == 2, "\(second)")
    #expect(sent(second, "create schema").isEmpty)
    #expect(sent(second, "comment on").allSatisfy { !$0.contains("orders_replaced") })

    // More came, and the query of one model has a column more.
    _ = try await build(project, "--vars", "{until: '2024-01-05', with_kinds: true}")
    let counts = try await project.rows(
      "select (select count(*) from rs_features.log_appended) as a, "
        + "(select count(*) from rs_features.orders_replaced) as b, "
        + "(select sum(kinds) from rs_features.users_merged) as c, "
        + "(select count(*) from rs_features.events_by_year) as d"
    )
    #expect(counts == ["10|5|9.0|8"], "\(counts)")
  }

  /// Changes to a materialized view: what can be switched is, the rest is made anew.
  @Test func materializedViewsFollowTheirConfiguration() async throws {
    let project = try RedshiftProject(
      "rs_refreshed",
      [
        "models/base.sql": "{{ config(materialized='table') }} select 1 as id, 2 as other",
        "models/mv.sql": "{{ config(materialized='materialized_view') }}\n"
          + "select id, other from {{ ref('base') }}",
        "macros/mv.sql": "",
      ]
    )
    _ = try await build(project)
    func config(_ settings: String) throws {
      try project.write(
        "{{ config(materialized='materialized_view', \(settings)) }}\n"
          + "select id, other from {{ ref('base') }}",
        to: "models/mv.sql"
      )
    }
    func sent(_ arguments: String...) async throws -> [String] {
      try await project.statements {
        let result = try await Sectoral.run(
          ["run", "--select", "mv"] + arguments,
          in: project.folder,
          home: project.home
        )
        #expect(result.exitCode == 0, "\(result)")
      }.map(\.text).filter { !$0.hasPrefix("select") && !["BEGIN", "COMMIT"].contains($0) }
    }
    let name = "\"dev\".\"rs_refreshed\".\"mv\""
    #expect(try await sent() == ["refresh materialized view \(name)"])
    try config("auto_refresh=true")
    #expect(try await sent() == ["alter materialized view \(name) auto refresh yes"])
    try config("auto_refresh=true, dist='id', sort=['other']")
    let made = try await sent()
    #expect(
      made.contains { $0.hasPrefix("create materialized view") && $0.contains("distkey (id)") }
    )
    // As it stands now, nothing is to be done: Redshift refreshes it by itself, and so does a run.
    #expect(try await sent() == ["refresh materialized view \(name)"])
    // Not applied where the model says so.
    try config("dist='even', on_configuration_change='continue'")
    #expect(try await sent().isEmpty)
    try config("dist='auto'")
    let refused = try await project.run("run", "--select", "mv")
    #expect(refused.exitCode == 1)
    #expect(refused.output.contains("do not support a `diststyle` of `auto`"), "\(refused)")
  }

  /// Spectrum's tables and those of data shares are not in the stand-in: names and statements alone.
  @Test func externalSources() async throws {
    let project = try RedshiftProject(
      "rs_external",
      copying: "Examples/redshift",
      profile: "redshift_features",
      settings: ["ra3_node: true"]
    )
    let result = try await project.run(
      "compile",
      "--vars",
      "{has_external: true}",
      "--select",
      "external"
    )
    #expect(result.exitCode == 0, "\(result)")
    let compiled = "\(project.folder)/target/compiled/redshift_features/models/external"
    let shared = try String(contentsOfFile: "\(compiled)/shared_prices.sql", encoding: .utf8)
    #expect(shared.contains("from \"market\".\"public\".\"prices\""))
    let spectrum = try String(contentsOfFile: "\(compiled)/spectrum_clicks.sql", encoding: .utf8)
    #expect(spectrum.contains("from \"dev\".\"spectrum\".\"clicks\""))
  }
}
