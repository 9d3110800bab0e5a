import Foundation
import Testing

/// A second build with nothing changed: no statement that a build could do without.
///
/// In the stand-in's Postgres, unlike in Redshift, a look at the catalog locks the views it sees, and may end in
/// a deadlock with the builds of others: here are none.
@Suite(.serialized, .enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftRepeatTests {
  /// What a build over an earlier one has to do: tables and what reads them are made anew in a transaction,
  /// views are replaced where they stand, rows are added and exchanged.
  private static let needed = [
    "begin", "commit", "create or replace (view|function) .*",
    #"create table "dev"\."\w+"\."\w+__dbt_tmp" .*"#, #"alter table .*__dbt_tmp" rename to .*"#,
    "drop (table|view|materialized view) if exists .*", "create temporary table .*",
    "insert into .*",
    "delete from .*", "update .*", "merge into .*", "(create|refresh) materialized view .*",
    "(set|reset) query_group.*",
  ]

  /// `allowed`: what is needed besides.
  private func check(_ project: RedshiftProject, allowing allowed: [String] = []) async throws {
    let second = try await build(project)
    let standing = Set(
      try await project.rows(
        "select table_schema || '.' || table_name as name from information_schema.tables"
      )
    )
    /// Relations that were made within the build: they come without grants and comments.
    var made: Set<String> = []
    var dropped: Set<String> = []
    var temporary: Set<String> = []
    for statement in second {
      let text = statement.text.lowercased().trimmingCharacters(in: [";", " "])
      if text.hasPrefix("select") || text.hasPrefix("with") || text.hasPrefix("show") { continue }
      let relation = Self.relation(in: text)
      if text.hasPrefix("grant") || text.hasPrefix("comment on") {
        #expect(
          made.contains(relation),
          "what was granted or said stays with what stands: \(text)"
        )
        continue
      }
      #expect(
        (Self.needed + allowed).contains {
          text.range(of: "^(?s:\($0))$", options: .regularExpression) != nil
        },
        "needless: \(text)"
      )
      let name = text.split(separator: "\"").dropFirst().first.map(String.init) ?? ""
      if text.hasPrefix("create temporary") { temporary.insert(name) }
      if text.hasPrefix("drop"), relation.isEmpty {
        #expect(temporary.contains(name), "dropped, and was not there: \(text)")
      } else if text.hasPrefix("drop") {
        #expect(standing.contains(relation), "dropped, and was not there: \(text)")
        #expect(dropped.insert(relation).inserted, "dropped twice: \(text)")
      }
      // A view without schema binding that is replaced loses what was said of it.
      if text.hasPrefix("create"),
        !text.hasPrefix("create or replace") || text.hasSuffix("with no schema binding")
      {
        made.insert(relation.replacing("__dbt_tmp", with: ""))
      }
    }
    // One look is enough.
    let looks = second.filter { $0.text.hasPrefix("select") || $0.text.hasPrefix("show") }
    let twice = Dictionary(grouping: looks, by: \.sql).filter { $0.value.count > 1 }
    #expect(twice.isEmpty, "asked twice: \(twice.keys)")
  }

  /// `schema.name` of the first relation in a statement.
  private static func relation(in text: String) -> String {
    let names = text.matches(of: /"([^"]+)"\."([^"]+)"\."([^"]+)"/).first
    return names.map { "\($0.2).\($0.3)" } ?? ""
  }

  @Test func everyFeature() async throws {
    let project = try RedshiftProject(
      "rs_twice_features",
      on: RedshiftStandIn.undisturbed,
      copying: "Examples/redshift",
      profile: "redshift_features"
    )
    try await project.makeGrantees()
    _ = try await build(project)
    // To the stand-in the 'False' of the first build is shorter than that of a union: the column is widened
    // once.
    try await check(project, allowing: [#"alter table .*"dbt_is_deleted(__dbt_alter)?".*"#])
    try await check(project)
  }

  /// What a build sent, all of it carried out.
  private func build(_ project: RedshiftProject) async throws -> [RedshiftStandIn.Statement] {
    let sent = try await project.statements {
      let result = try await project.run("build")
      #expect(result.exitCode == 0, "\(result)")
    }
    let refused = sent.filter { !$0.wasRun }
    #expect(refused.isEmpty, "\(refused)")
    return sent
  }

  @Test func jaffleShop() async throws {
    let project = try RedshiftProject(
      "rs_twice_jaffle",
      on: RedshiftStandIn.undisturbed,
      copying: "Examples/jaffle_shop",
      profile: "jaffle_shop_example"
    )
    _ = try await build(project)
    try await check(project)
  }

  /// The only test that builds this project here: its schemas have names of their own.
  @Test func theMarketProject() async throws {
    let project = try RedshiftProject(
      "rs_twice_market",
      on: RedshiftStandIn.undisturbed,
      copying: ".",
      profile: "sectoral"
    )
    try project.shortenMarket()
    _ = try await build(project)
    try await check(project)
  }
}
