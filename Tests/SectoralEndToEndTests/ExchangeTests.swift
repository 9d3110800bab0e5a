import Foundation
import Testing

/// The cheap ways to rebuild a relation, and what is done where they are refused.
struct ExchangeTests {
  private let home: TestHome

  init() throws { home = try TestHome.shared.get() }

  private func built(_ model: String) async throws -> String {
    let folder = try home.folder(
      "exchange-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile("models: {faulty: {+materialized: table}}\n"),
        "models/kept.sql": model,
      ]
    )
    try await run(["run"], in: folder)
    return folder
  }

  @discardableResult
  private func run(_ arguments: [String], in folder: String) async throws -> String {
    let result = try await Sectoral.run(arguments, in: folder, home: home)
    try #require(result.exitCode == 0, "\(result)")
    return result.output
  }

  private func sql(_ text: String, in folder: String) async throws -> String {
    let arguments = ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1", "-c", text]
    return try await run(arguments, in: folder)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func model(_ text: String, in folder: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/models/kept.sql"))
  }

  @Test func readersAlwaysFindAPlainTable() async throws {
    let folder = try await built("select 1 as id")
    let reads = "select count(*) from kept;\nselect pg_sleep(0.005);\n"
    async let reading = Sectoral.run(
      ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1"],
      in: folder,
      home: home,
      input: String(repeating: reads, count: 400)
    )
    async let again: Void = {
      for _ in 1...4 { try await run(["run"], in: folder) }
    }()
    _ = try await again
    let result = try await reading
    #expect(result.exitCode == 0, "\(result)")
    #expect(Set(result.output.split(separator: "\n")) == ["1"])
  }

  /// A view that nobody knew of when the run began is in the way of the plain exchange.
  @Test func aViewThatCameMeanwhileStays() async throws {
    let folder = try await built("select 1 as id")
    let hook = "create view hanging as select id from {{ this }}"
    try model("{{ config(pre_hook=\"\(hook)\") }} select 2 as id", in: folder)
    let output = try await run(["run"], in: folder)
    #expect(output.contains("[SELECT 1 in"))
    #expect(try await sql("select id from hanging", in: folder) == "2")
    let left = "select count(*) from pg_class where relname like '%\\_\\_dbt\\_%'"
    #expect(try await sql(left, in: folder) == "0")
  }

  @Test func aViewIsReplacedInItsPlace() async throws {
    let view = "{{ config(materialized='view') }} select"
    let folder = try await built("\(view) 1 as id")
    let before = try await sql(
      "comment on view kept is 'mine'; select 'kept'::regclass::oid",
      in: folder
    )
    try model("\(view) 2 as id, 'x' as more", in: folder)
    let output = try await run(["run"], in: folder)
    #expect(output.contains("[CREATE VIEW in"))
    let seen = "select 'kept'::regclass::oid, obj_description('kept'::regclass), id, more from kept"
    #expect(try await sql(seen, in: folder) == "\(before)|mine|2|x")
    // Other columns: the view is made anew.
    try model("\(view) 'y' as other", in: folder)
    #expect(try await run(["run"], in: folder).contains("[CREATE VIEW in"))
    #expect(try await sql("select * from kept", in: folder) == "y")
  }

  /// A view gets another text, comes, or goes, while the exchange waits for it: what it says from then on
  /// counts, not what was read before.
  @Test(arguments: [
    ("create or replace view hanging as select 7 as id", "7"),
    ("drop view hanging", ""),
    ("drop view hanging; create view hanging as select 8 as id", "8"),
    ("create view more as select id from kept", "2"),
  ])
  func aViewThatChangesMeanwhile(_ change: String, _ expected: String) async throws {
    let folder = try await built("select 1 as id")
    _ = try await sql("create view hanging as select id from kept", in: folder)
    try model("select 2 as id", in: folder)
    // Holds the view until somebody waits for it, and changes it at that moment.
    let waits = "begin;\n\(change);\n\(Self.untilSomebodyWaits);\ncommit;"
    async let changing: String = sql(waits, in: folder)
    // The exchange must find the view as it was.
    try await waitsForSomebody(in: folder)
    try await run(["run"], in: folder)
    _ = try await changing
    #expect(try await sql("select id from kept", in: folder) == "2")
    let shown = "select id from hanging"
    if expected.isEmpty {
      #expect(try await sql("select to_regclass('hanging') is null", in: folder) == "t")
    } else {
      #expect(try await sql(shown, in: folder) == expected)
    }
  }

  /// Who has a view comes to its table while the exchange waits for the view: in a schema of the project, and in
  /// one that is not looked at.
  @Test(arguments: ["public", "bi"])
  func whoHasAViewComesToItsTable(_ schema: String) async throws {
    let folder = try await built("select 1 as id")
    let view = "\(schema).hanging"
    _ = try await sql(
      "create schema if not exists \(schema); create view \(view) as select id from kept",
      in: folder
    )
    try model("select 2 as id", in: folder)
    // The one to notice, should the two wait for each other, is the reader.
    let waits = """
      set deadlock_timeout = '100ms';
      begin;
      alter view \(view) owner to current_user;
      \(Self.untilSomebodyWaits);
      select id from kept;
      commit;
      """
    async let reading = sql(waits, in: folder)
    try await waitsForSomebody(in: folder)
    try await run(["run"], in: folder)
    #expect(try await reading == "1")
    #expect(try await sql("select id from \(view)", in: folder) == "2")
  }

  /// Nobody but a session itself can put its temporary view on another table: the rows come to the old one.
  @Test func temporaryViewsOfOthersStay() async throws {
    let folder = try await built("select 1 as id")
    let holds = """
      begin;
      create temp view mine as select id from kept;
      commit;
      do $$ begin
        for turn in 1..30000 loop
          perform pg_sleep(0.01);
          exit when exists (select from pg_class where relname = 'done');
        end loop;
      end $$;
      select id from mine;
      """
    async let looking = sql(holds, in: folder)
    try await waitsForSomebody(in: folder)
    try model("select 2 as id, 'x' as more", in: folder)
    try await run(["run"], in: folder)
    try model("select 'a' as id", in: folder)
    let misfit = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(misfit.exitCode == 1, "\(misfit)")
    #expect(misfit.output.contains("temporary views of another session hang on it"), "\(misfit)")
    _ = try await sql("create table done ()", in: folder)
    #expect(try await looking == "2")
  }

  /// All threads are at tables under one view of somebody else's, which each of them changes under the others.
  @Test func tablesUnderOneView() async throws {
    let folder = try await built("select 0 as id")
    let names = (1...12).map { "t\($0)" }
    for name in names {
      let file = URL(fileURLWithPath: "\(folder)/models/\(name).sql")
      try Data("select 1 as id".utf8).write(to: file)
    }
    try await run(["run"], in: folder)
    let parts = names.map { "select id from \($0)" }.joined(separator: " union all ")
    _ = try await sql("create schema bi; create view bi.whole as \(parts)", in: folder)
    try await run(["run", "--threads", "8"], in: folder)
    #expect(try await sql("select sum(id) from bi.whole", in: folder) == "12")
  }

  private static let untilSomebodyWaits = """
    do $$ begin
      for turn in 1..3000 loop
        perform pg_sleep(0.01);
        exit when exists (select from pg_locks where not granted and database = (
          select oid from pg_database where datname = current_database()));
      end loop;
    end $$
    """

  /// Until another session has come to ``untilSomebodyWaits``.
  private func waitsForSomebody(in folder: String) async throws {
    while try await sql(
      "select count(*) from pg_stat_activity where query like '%for turn in%' and state = 'active' "
        + "and pid <> pg_backend_pid() and datname = current_database()",
      in: folder
    ) == "0" {}
  }
}
