import Foundation
import Testing

/// Settings of the profile and of the project that show in what is sent.
@Suite(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftSettingsTests {
  private static let models = [
    "models/t.sql": "{{ config(materialized='table') }} select 1 as a",
    "models/v.sql": "select * from {{ ref('t') }}",
  ]

  @Test func everySessionIsTold() async throws {
    let project = try RedshiftProject(
      "rs_told",
      settings: ["role: tester1", "search_path: rs_told, public", "query_group: nightly"],
      Self.models
    )
    let sent = try await project.statements {
      let result = try await project.run("run")
      #expect(result.exitCode == 0, "\(result)")
    }
    let sessions = Dictionary(grouping: sent, by: \.pid)
    #expect(!sessions.isEmpty)
    for (_, statements) in sessions {
      let first = statements.prefix(3).map(\.text)
      #expect(
        first == [
          "set search_path to rs_told, public", "set role tester1", "set query_group to 'nightly'",
        ],
        "\(statements)"
      )
    }
    #expect(try await project.rows("select a from t") == ["1"])
  }

  /// With both settings every statement stands alone, as in dbt; with `autocommit: false` none does that
  /// changes several things.
  @Test(arguments: [(nil, false), ("true", false), ("false", true)])
  func autocommit(_ setting: String?, _ begins: Bool) async throws {
    let project = try RedshiftProject(
      "rs_commit_\(setting ?? "unset")",
      settings: setting.map { ["autocommit: \($0)"] } ?? [],
      Self.models.merging(
        [
          "dbt_project.yml": """
          name: rs_commit
          profile: warehouse
          flags: {redshift_skip_autocommit_transaction_statements: true}
          """
        ]
      ) { $1 }
    )
    for _ in 0..<2 {
      let sent = try await project.statements {
        let result = try await project.run("run")
        #expect(result.exitCode == 0, "\(result)")
      }
      #expect(sent.allSatisfy { $0.wasRun }, "\(sent)")
      #expect(sent.contains { $0.text == "BEGIN" } == begins, "\(sent)")
      #expect(sent.contains { $0.text == "COMMIT" } == begins, "\(sent)")
    }
    #expect(try await project.rows("select a from \(project.schema).v") == ["1"])
  }

  /// Texts with backslashes: Redshift has no `E'…'`, and takes a backslash for a sign of its own.
  @Test func backslashes() async throws {
    let project = try RedshiftProject(
      "rs_backslash",
      [
        "seeds/paths.csv": "id,path\n1,C:\\temp\\n\n2,it's \\'\n3,\\\n",
        "models/said.sql": "{{ config(materialized='table') }} select 'a\\\\b; c\\'; d' as text",
      ]
    )
    let sent = try await project.statements {
      let result = try await project.run("build")
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(!sent.contains { $0.text.contains(" E'") }, "\(sent)")
    #expect(
      try await project.rows("select path from rs_backslash.paths order by id")
        == ["C:\\temp\\n", "it's \\'", "\\"]
    )
    #expect(try await project.rows("select text from rs_backslash.said") == ["a\\b; c'; d"])
  }
}
