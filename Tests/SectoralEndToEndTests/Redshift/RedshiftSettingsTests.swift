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

  /// A session is told once for all nodes of a group that it serves; statements of others are in none of it.
  @Test func queryGroupsOfNodes() async throws {
    let check = "{{ check_group('it\\\\'s heavy') }}"
    func model(_ settings: String) -> String {
      "{{ config(materialized='table'\(settings)) }} select 1 as a"
    }
    let heavy = ", query_group=\"it's heavy\", post_hook=\"\(check)\""
    let project = try RedshiftProject(
      "rs_groups",
      settings: ["query_group: nightly"],
      [
        "macros/check.sql": """
        {% macro check_group(wanted) %}{% if execute %}
          {% set found = run_query("select current_setting('query_group') as g").rows[0]['g'] %}
          {% if found != wanted %}{{ exceptions.raise_compiler_error('in ' ~ found) }}{% endif %}
        {% endif %}{% endmacro %}
        """,
        "models/a.sql": model(heavy), "models/b.sql": model(heavy), "models/c.sql": model(heavy),
        "models/d.sql": model(heavy.replacing("post_hook", with: "pre_hook")),
        "models/e.sql": model(", post_hook=\"{{ check_group('nightly') }}\""),
        // What a hook says is left alone, and forgotten with the node.
        "models/f.sql": model(
          ", query_group=\"it's heavy\", pre_hook=\"set query_group to 'mine'\""
            + ", post_hook=\"{{ check_group('mine') }}\""
        ),
        "models/g.sql": model(", post_hook=\"{{ check_group('nightly') }}\""),
      ]
    )
    let sent = try await project.statements {
      let result = try await project.run("run", "--threads", "1")
      #expect(result.exitCode == 0, "\(result)")
    }
    let settings = sent.map(\.text).filter {
      $0.hasPrefix("set query_group") || $0.hasPrefix("reset")
    }
    let (usual, own) = ("set query_group to 'nightly'", "set query_group to 'it''s heavy'")
    #expect(
      settings == [usual, own, usual, own, "set query_group to 'mine'", usual],
      "\(sent)"
    )
  }

  /// A node that is in a group of its own can be run again like others.
  @Test func aGroupIsSetAgainAfterAConflict() async throws {
    let project = try RedshiftProject(
      "rs_group_again",
      on: RedshiftStandIn.faulty,
      [
        "models/m.sql": """
        {{ config(materialized='table', query_group='heavy', post_hook="{{ note() }}") }} select 1 as a
        """,
        "macros/note.sql": """
        {% macro note() %}
          create table {{ this.schema }}.seen as select current_setting('query_group') as g
        {% endmacro %}
        """,
      ]
    )
    try project.standIn.arm("serializable*1@create table.*rs_group_again")
    let result = try await project.run("run")
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("Retrying query due to error"), "\(result)")
    #expect(try project.standIn.control.takeArmed().isEmpty)
    #expect(try await project.rows("select g from rs_group_again.seen") == ["heavy"])
  }

  /// Without `autocommit` what nobody commits is undone, as in dbt.
  @Test func withoutAutocommitNothingIsKeptThatNobodyCommits() async throws {
    let macro = """
      {% macro mark() %}{% do run_query("update " ~ target.schema ~ ".t set a = 2") %}{% endmacro %}
      {% macro make() %}{% do run_query("create database never_made") %}{% endmacro %}
      """
    for (setting, kept) in [("true", "2"), ("false", "1")] {
      let project = try RedshiftProject(
        "rs_kept_\(setting)",
        settings: ["autocommit: \(setting)"],
        Self.models.merging(["macros/mark.sql": macro]) { $1 }
      )
      for arguments in [["run"], ["run-operation", "mark"]] {
        let result = try await Sectoral.run(arguments, in: project.folder, home: project.home)
        #expect(result.exitCode == 0, "\(result)")
      }
      #expect(try await project.rows("select a from \(project.schema).t") == [kept])
      guard setting == "false" else { continue }
      let made = try await project.run("run-operation", "make")
      #expect(made.exitCode == 1)
      #expect(
        made.output.contains("CREATE DATABASE cannot run inside a transaction block"),
        "\(made)"
      )
    }
  }

  /// `retry_all`: whatever the database refuses is tried as often as `retries` says.
  @Test(arguments: [true, false]) func retryAll(_ isOn: Bool) async throws {
    let project = try RedshiftProject(
      "rs_retry_\(isOn)",
      settings: ["retry_all: \(isOn)", "retries: 2"],
      ["models/m.sql": "select 1 as a from nowhere"]
    )
    let sent = try await project.statements {
      let result = try await project.run("run")
      #expect(result.exitCode == 1, "\(result)")
      let words = "(2 of 2): Retrying query due to error: relation \"nowhere\""
      #expect(result.output.contains(words) == isOn, "\(result)")
    }
    #expect(sent.count { $0.text.hasPrefix("create view") } == (isOn ? 3 : 1), "\(sent)")
  }

  /// With both settings every statement stands alone, as in dbt; with `autocommit: false` none does that
  /// changes several things.
  @Test(.serialized, arguments: [(nil, false), ("true", false), ("false", true)])
  func autocommit(_ setting: String?, _ begins: Bool) async throws {
    let project = try RedshiftProject(
      "rs_commit_\(setting ?? "unset")",
      on: RedshiftStandIn.solitary,
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
