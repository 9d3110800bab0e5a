import Foundation
import Testing

/// What goes wrong on a cluster: the run ends right, or says exactly what is left.
///
/// One after the other, on a stand-in of their own: a fault meets whoever comes first.
@Suite(.serialized, .enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftFaultTests {
  /// A fault of the stand-in, and the statements that it waits for.
  struct Fault: Sendable, CustomTestStringConvertible {
    var fault: String
    /// `{x}` is the relation `x`.
    var statement: String
    /// Which node the statement is to be of.
    var testDescription: String { "\(fault) at \(statement)" }

    init(_ fault: String, _ statement: String) {
      self.fault = fault
      self.statement = statement
    }

    /// A word for the schema.
    var name: String {
      let words = "\(fault)_\(statement)".lowercased().map {
        $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_"
      }
      return "f_" + String(words).split(separator: "_").joined(separator: "_")
    }
  }

  /// A project of each kind of node. Everything is told apart by the variable `value`.
  private struct Project {
    let project: RedshiftProject
    private static let kinds = ["added", "bound", "kept", "replaced", "rows", "stood"]

    init(_ name: String) throws {
      project = try RedshiftProject(
        name,
        on: RedshiftStandIn.faulty,
        [
          "seeds/rows.csv": "id,what\n1,a\n2,b\n",
          "models/stood.sql": """
          {{ config(materialized='table') }}
          select id, {{ var('value', 1) }} as v from {{ ref('rows') }}
          """,
          "models/bound.sql": """
          {{ config(materialized='view') }} select id, {{ var('value', 1) }} as v from {{ ref('rows') }}
          """,
          "models/added.sql": """
          {{ config(materialized='incremental', incremental_strategy='append') }}
          select 1 as id, {{ var('value', 1) }} as v from {{ ref('stood') }} where id = 1
          """,
          "models/replaced.sql": """
          {{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='id') }}
          select id, v from {{ ref('stood') }}
          """,
          "snapshots/kept.yml": """
          snapshots:
            - name: kept
              relation: ref('stood')
              config: {strategy: check, check_cols: [v], unique_key: id}
          """,
        ]
      )
    }

    /// What the tables hold; `i` of `added` stands for its runs.
    func rows() async throws -> [String] {
      let s = project.schema
      return try await project.rows(
        """
        select 'stood ' || id || ' ' || v as x from \(s).stood
        union all select 'bound ' || id || ' ' || v from \(s).bound
        union all select 'added ' || id || ' ' || v from \(s).added
        union all select 'replaced ' || id || ' ' || v from \(s).replaced
        union all select 'kept ' || id || ' ' || v || case when dbt_valid_to is null then ' now' else ' then' end
          from \(s).kept
        union all select 'rows ' || id || ' ' || what from \(s).rows
        order by 1
        """
      )
    }

    static let afterOne = [
      "added 1 1", "bound 1 1", "bound 2 1", "kept 1 1 now", "kept 2 1 now", "replaced 1 1",
      "replaced 2 1", "rows 1 a", "rows 2 b", "stood 1 1", "stood 2 1",
    ]
    static let afterTwo = [
      "added 1 1", "added 1 2", "bound 1 2", "bound 2 2", "kept 1 1 then", "kept 1 2 now",
      "kept 2 1 then", "kept 2 2 now", "replaced 1 2", "replaced 2 2", "rows 1 a", "rows 2 b",
      "stood 1 2", "stood 2 2",
    ]

    /// Nothing but the project's relations is there.
    func nothingElseIsThere() async throws {
      let left = try await project.rows(
        "select table_name from information_schema.tables where table_schema = '\(project.schema)' order by 1"
      )
      #expect(left == Self.kinds, "\(left)")
    }

    func arm(_ fault: Fault) throws {
      var pattern = fault.statement
      for kind in Self.kinds {
        pattern.replace("{\(kind)}", with: "\"\(project.schema)\"\\.\"\(kind)\"")
        pattern.replace("{\(kind)__dbt_tmp}", with: "\"\(kind)__dbt_tmp")
      }
      try project.standIn.arm("\(fault.fault)@\(pattern)")
    }

    /// Builds with another value while a fault is armed, which has to meet the build.
    func build(_ fault: Fault, value: Int, _ arguments: String...) async throws -> Sectoral.Result {
      try arm(fault)
      var result: Sectoral.Result?
      let sent = try await project.statements {
        result = try await Sectoral.run(
          ["build", "--vars", "{value: \(value)}"] + arguments,
          in: project.folder,
          home: project.home
        )
      }
      #expect(try project.standIn.control.takeArmed().isEmpty, "the fault met nobody: \(sent)")
      let isMet = sent.contains { statement in
        if fault.fault.hasPrefix("slow-leader") { return statement.ms ?? 0 >= 1000 }
        return statement.rule == "fault" || statement.outcome == "dropped"
      }
      #expect(isMet, "the fault did not show: \(sent)")
      return try #require(result)
    }
  }

  /// Faults that pass: what they meet is done again, and its rows are there once.
  @Test(arguments: [
    Fault("concurrent-conflict", "create +table.*{stood__dbt_tmp}"),
    Fault("serializable", "insert into.*{added}"),
    Fault("serializable", "delete from.*{replaced}"),
    Fault("oid-not-found", "drop table.*{stood}"),
    Fault("table-dropped", "rename to \"stood\""),
    Fault("drop-connection", "create +table.*{stood__dbt_tmp}"),
    Fault("drop-mid-query", "create +table.*{stood__dbt_tmp}"),
    Fault("drop-mid-query", "rename to \"stood\""),
    Fault("drop-mid-query*3", "create +table.*{stood__dbt_tmp}"),
    Fault("drop-connection", "insert into.*{added}"),
    Fault("drop-mid-query", "insert into.*{added}"),
    Fault("drop-mid-query", "insert into.*{replaced}"),
    Fault("drop-mid-query", "insert into.*{kept}"),
    Fault("drop-mid-query", "insert into.*{rows}"),
    Fault("drop-connection", "create or replace view.*{bound}"),
    Fault("drop-mid-query", "create or replace view.*{bound}"),
    // The answer to a COMMIT is lost, of what can be built once more: carried out, and not.
    Fault("drop-mid-query", "^commit"),
    Fault("drop-connection", "^commit"),
    Fault("slow-leader:1", "create +table.*{stood__dbt_tmp}"),
  ])
  func whatPassesIsDoneAgain(_ fault: Fault) async throws {
    let project = try Project(fault.name)
    let first = try await project.project.run("build")
    #expect(first.exitCode == 0, "\(first)")
    #expect(try await project.rows() == Project.afterOne)
    let second = try await project.build(fault, value: 2)
    #expect(second.exitCode == 0, "\(second)")
    #expect(try await project.rows() == Project.afterTwo)
    try await project.nothingElseIsThere()
  }

  /// The same where nothing stands yet.
  @Test(arguments: [
    Fault("drop-mid-query", "create schema"),
    Fault("drop-mid-query", "create +table.*{rows}"),
    Fault("drop-connection", "create +table.*{added}"),
    Fault("drop-mid-query", "create +table.*{added}"),
    Fault("drop-mid-query", "create view.*{bound}"),
    Fault("drop-connection", "^commit"),
    Fault("drop-mid-query", "^commit"),
    Fault("serializable", "^commit"),
  ])
  func whatPassesIsDoneAgainAtFirst(_ fault: Fault) async throws {
    let project = try Project("first_\(fault.name)")
    let first = try await project.build(fault, value: 1)
    #expect(first.exitCode == 0, "\(first)")
    #expect(try await project.rows() == Project.afterOne)
    try await project.nothingElseIsThere()
  }

  /// Faults that do not pass: what stood stands, and the error says what it was.
  @Test(arguments: [
    (Fault("query-cancelled*20", "create +table.*{stood__dbt_tmp}"), "cancelled on user's request"),
    (Fault("wlm-abort*20", "create +table.*{stood__dbt_tmp}"), "canceled by WLM abort action"),
    (Fault("disk-full*20", "create +table.*{stood__dbt_tmp}"), "Disk Full"),
    (Fault("disk-full*20", "rename to \"stood\""), "Disk Full"),
    (Fault("serializable*20", "drop table.*{stood}"), "Serializable isolation violation"),
  ])
  func whatStaysWrongLeavesTheOldTable(_ fault: Fault, _ words: String) async throws {
    let project = try Project("still_\(fault.name)")
    let first = try await project.project.run("build")
    #expect(first.exitCode == 0, "\(first)")
    try project.project.write("select 1 as id, 1 as v", to: "models/bound.sql")
    try project.arm(fault)
    let second = try await Sectoral.run(
      ["build", "--vars", "{value: 2}"],
      in: project.project.folder,
      home: project.project.home,
      environment: ["SECTORAL_RETRIES": "1"]
    )
    #expect(second.exitCode == 1, "\(second)")
    #expect(second.output.contains(words), "\(second)")
    #expect(
      try project.project.standIn.control.takeArmed() == [String(fault.fault.prefix { $0 != "*" })]
    )
    for node in ["added", "replaced", "kept"] {
      #expect(try project.project.results()[node]?.status == "skipped")
    }
    #expect(
      try await project.rows().filter { !$0.hasPrefix("bound") }
        == Project.afterOne.filter { !$0.hasPrefix("bound") }
    )
    try await project.nothingElseIsThere()
  }

  /// The answer to a COMMIT is lost, and what it ended must not be done twice: nobody knows what came of
  /// it, and the error says how to find out.
  @Test(arguments: [
    (Fault("drop-mid-query", "^commit"), ["added 1 1", "added 1 2"]),
    (Fault("drop-connection", "^commit"), ["added 1 1"]),
  ])
  func aLostCommitIsTold(_ fault: Fault, _ rows: [String]) async throws {
    let project = try Project("told_\(fault.name)")
    let first = try await project.project.run("build")
    #expect(first.exitCode == 0, "\(first)")
    let second = try await project.build(fault, value: 2, "--select", "added")
    #expect(second.exitCode == 1, "\(second)")
    for words in [
      "the answer to COMMIT was lost", "either all of it was carried out or nothing",
      "sys_transaction_history", "session_id = ",
    ] {
      #expect(second.output.contains(words), "\(words): \(second)")
    }
    #expect(try await project.rows().filter { $0.hasPrefix("added") } == rows)
    try await project.nothingElseIsThere()
  }

  /// dbt-redshift drops one relation at a time; here nobody waits for a drop that takes long.
  @Test func dropsDoNotWaitForEachOther() async throws {
    let project = try RedshiftProject(
      "drops",
      on: RedshiftStandIn.faulty,
      [
        "models/a.sql": "{{ config(materialized='table') }} select 1 as x",
        "models/b.sql": "{{ config(materialized='table') }} select 1 as x",
      ]
    )
    let first = try await project.run("run")
    #expect(first.exitCode == 0, "\(first)")
    // The drop of `a` is under way when that of `b` begins, and ends after it.
    try project.standIn.arm("slow-leader:4@drop table.*\"a\"")
    try project.standIn.arm("slow-leader:1@create +table.*\"b__dbt_tmp")
    let sent = try await project.statements {
      let second = try await project.run("run")
      #expect(second.exitCode == 0, "\(second)")
    }
    #expect(try project.standIn.control.takeArmed().isEmpty)
    let drops = sent.filter { $0.text.hasPrefix("drop table") }.map(\.text)
    #expect(drops.count == 2, "\(sent)")
    #expect(drops.first?.contains("\"b\"") == true, "\(drops)")
  }

  /// The cluster takes no more connections for a moment.
  @Test func aFullClusterIsWaitedFor() async throws {
    let project = try Project("crowded")
    let first = try await project.project.run("build")
    #expect(first.exitCode == 0, "\(first)")
    try project.project.standIn.arm("connection-limit*3")
    let second = try await project.project.run("build", "--vars", "{value: 2}")
    #expect(second.exitCode == 0, "\(second)")
    #expect(try project.project.standIn.control.takeArmed().isEmpty)
    #expect(try await project.rows() == Project.afterTwo)
  }

  /// It takes none at all: the error names the limit and what to do.
  @Test func aClusterThatStaysFull() async throws {
    let project = try RedshiftProject(
      "stays_full",
      on: RedshiftStandIn.faulty,
      settings: ["retries: 0"],
      ["models/m.sql": "select 1 as a"]
    )
    try project.standIn.arm("connection-limit*999")
    let run = try await Sectoral.run(
      ["run"],
      in: project.folder,
      home: project.home,
      environment: ["SECTORAL_RETRIES": "0"]
    )
    #expect(try project.standIn.control.takeArmed() == ["connection-limit"])
    #expect(run.exitCode != 0, "\(run)")
    #expect(run.output.contains("connection limit \"500\" exceeded"), "\(run)")
    #expect(run.output.contains("use fewer 'threads'"), "\(run)")
  }
}
