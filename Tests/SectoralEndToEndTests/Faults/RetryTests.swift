import Foundation
import Testing

/// Errors that pass: what is tried again, what is not, and that nothing happens twice.
struct RetryTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  /// A model that appends one row in each run.
  private static func appending(_ extra: String = "", config: String = "") -> String {
    """
    {{ config(materialized='incremental'\(config)) }}
    select 1 as id\(extra) -- appending
    """
  }

  private func project(
    _ name: String,
    ports: [String: Int] = [:],
    _ model: String = RetryTests.appending()
  ) async throws -> FaultProject {
    let project = try await FaultProject(
      name,
      on: server,
      ports: ports,
      files: ["models/m.sql": model]
    )
    // Fails as often as the sequence says, whatever becomes of the transaction.
    try await project.sql(
      """
      create sequence s.calls;
      create function s.fails(times int, code text) returns int language plpgsql as $$
      begin
        if nextval('s.calls') <= times then
          raise exception using errcode = code, message = 'a fault of the test';
        end if;
        return 1;
      end $$;
      create function s.dies(times int) returns int language plpgsql as $$
      begin
        if nextval('s.calls') <= times then
          perform pg_terminate_backend(pg_backend_pid());
          perform pg_sleep(5);
        end if;
        return 1;
      end $$;
      """
    )
    return project
  }

  private func rows(_ project: FaultProject) async throws -> String {
    try await project.sql("select count(*) from s.m")
  }

  @Test(arguments: ["40P01", "40001"])
  func aConflictPasses(_ code: String) async throws {
    let project = try await project("conflict", Self.appending(", s.fails(2, '\(code)') as ok"))
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("Trying model.faulty.m again in "), "\(result)")
    #expect(result.output.contains("(2 of 5): a fault of the test"), "\(result)")
    #expect(try await rows(project) == "1")
    #expect(try await project.sql("select last_value from s.calls") == "3")
    #expect(try runResults(in: project.folder)["model.faulty.m"]?.status == "success")
    // The relation is known as what it is now, not as what the failed attempts made of it.
    let again = try await project.run(["run"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await rows(project) == "2")
  }

  /// An update sends several statements as one text.
  @Test(arguments: ["append", "merge", "delete+insert"])
  func aConflictOfAnUpdatePasses(_ strategy: String) async throws {
    let key = strategy == "append" ? "" : ", unique_key='id'"
    let project = try await project(
      "update",
      "{{ config(materialized='incremental', incremental_strategy='\(strategy)'\(key)) }}\n"
        + "select 1 as id, 1 as ok\n"
    )
    #expect(try await project.run(["run"]).exitCode == 0)
    try await project.sql(
      """
      create function s.refuse() returns trigger language plpgsql as
        $$ begin perform s.fails(2, '40P01'); return new; end $$;
      create trigger refuse before insert or update on s.m for each row execute function s.refuse();
      """
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("(2 of 5): a fault of the test"), "\(result)")
    #expect(try await rows(project) == (strategy == "append" ? "2" : "1"))
  }

  @Test func otherErrorsDoNot() async throws {
    let project = try await project("others", Self.appending(", s.fails(9, '55P03') as ok"))
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    #expect(try await project.sql("select last_value from s.calls") == "1")
  }

  @Test func noMoreOftenThanIsSaid() async throws {
    let config = ", meta={'sectoral': {'retries': 1}}"
    let project = try await project(
      "limit",
      Self.appending(", s.fails(9, '40P01') as ok", config: config)
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("(1 of 1)"), "\(result)")
    #expect(try await project.sql("select last_value from s.calls") == "2")
    try project.write(Self.appending(", s.fails(9, '40P01') as ok"), to: "models/m.sql")
    let never = try await project.run(["run"], environment: ["SECTORAL_RETRIES": "0"])
    #expect(never.exitCode == 1, "\(never)")
    #expect(try await project.sql("select last_value from s.calls") == "3")
  }

  @Test func anAdministratorEndsTheSession() async throws {
    let project = try await project("killed", Self.appending(", s.dies(1) as ok"))
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(
      result.output.contains("terminating connection due to administrator command"),
      "\(result)"
    )
    #expect(try await rows(project) == "1")
  }

  /// Whether the server had got as far as COMMIT nobody knows; building the model once more does no harm.
  @Test(arguments: ["materialized='table'", "materialized='incremental', unique_key='id'"])
  func aConnectionBreaksOnTheWay(_ config: String) async throws {
    let proxy = try CutProxy(to: server.port, cutting: .request("-- appending"))
    defer { proxy.close() }
    let model = "{{ config(\(config)) }}\nselect 1 as id -- appending\n"
    let project = try await project("cut", ports: ["cut": proxy.port], model)
    let result = try await project.run(["run", "--target", "cut"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("Trying model.faulty.m again in "), "\(result)")
    #expect(proxy.cuts == 1)
    #expect(try await rows(project) == "1")
  }

  /// The transaction was committed, and nobody can say so: it is found out by looking.
  @Test(arguments: ["materialized='table'", "materialized='incremental', unique_key='id'"])
  func allAnswersAreLost(_ config: String) async throws {
    let proxy = try CutProxy(
      to: server.port,
      cutting: .silence(tag: "COMMIT", after: "-- appending")
    )
    defer { proxy.close() }
    let model = "{{ config(\(config)) }}\nselect 1 as id -- appending\n"
    let project = try await project("silent", ports: ["cut": proxy.port], model)
    let result = try await project.run(["run", "--target", "cut"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(proxy.cuts == 1)
    #expect(try await rows(project) == "1")
    let again = try await project.run(["run"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await rows(project) == "1")
  }

  /// The number of a transaction of several messages is known before its last.
  @Test func theLastMessageOfAnUpdateIsLost() async throws {
    for place in [
      CutProxy.Place.request("insert into"), .silence(tag: "COMMIT", after: "insert into"),
    ] {
      let proxy = try CutProxy(to: server.port, cutting: place)
      defer { proxy.close() }
      let project = try await project("update", ports: ["cut": proxy.port])
      try await project.run(["run"])
      let result = try await project.run(["run", "--target", "cut"])
      #expect(result.exitCode == 0, "\(result)")
      #expect(proxy.cuts == 1)
      #expect(try await rows(project) == "2")
    }
  }

  /// The worst place: the server has done it all, and nobody was told.
  @Test func theAnswerToACommitIsLost() async throws {
    let proxy = try CutProxy(
      to: server.port,
      cutting: .answer(tag: "COMMIT", after: "-- appending")
    )
    defer { proxy.close() }
    let project = try await project("answer", ports: ["cut": proxy.port])
    try await project.run(["run"])
    let result = try await project.run(["run", "--target", "cut"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(proxy.cuts == 1)
    #expect(
      result.output.contains(
        "model.faulty.m: the connection broke during COMMIT; the server says it was carried out"
      ),
      "\(result)"
    )
    #expect(try await rows(project) == "2")
    #expect(try runResults(in: project.folder)["model.faulty.m"]?.message == "INSERT 0 1")
  }

  /// The server sends the transaction's number before it begins to commit.
  @Test func aConnectionBreaksWhileTheServerCommits() async throws {
    let proxy = try CutProxy(
      to: server.port,
      cutting: .later(.milliseconds(700), after: "-- appending")
    )
    defer { proxy.close() }
    let project = try await project("during", ports: ["cut": proxy.port])
    try await project.run(["run"])
    try await project.sql(
      """
      create function s.slow() returns trigger language plpgsql as $$
      begin
        if nextval('s.calls') = 1 then perform pg_sleep(3); end if;
        return null;
      end $$;
      create constraint trigger slow after insert on s.m initially deferred
      for each row execute function s.slow();
      """
    )
    let result = try await project.run(["run", "--target", "cut"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(proxy.cuts == 1)
    // Whichever way it went, once.
    #expect(try await rows(project) == "2")
  }

  /// The server goes on with a statement for somebody who is gone: it is stopped, and begun again.
  @Test func aConnectionBreaksInALongStatement() async throws {
    let proxy = try CutProxy(
      to: server.port,
      cutting: .later(.milliseconds(700), after: "-- appending")
    )
    defer { proxy.close() }
    let project = try await project("long", ports: ["cut": proxy.port])
    try await project.run(["run"])
    try project.write(Self.appending(" from pg_sleep(4)"), to: "models/m.sql")
    let result = try await project.run(["run", "--target", "cut"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(proxy.cuts == 1)
    #expect(result.output.contains("again in"), "\(result)")
    #expect(try await rows(project) == "2")
  }

  /// Nothing tells what became of the transaction, and doing it again could do it twice: the user is told.
  @Test func anOutcomeThatNobodyKnows() async throws {
    let proxy = try CutProxy(
      to: server.port,
      cutting: .silence(tag: "COMMIT", after: "-- appending")
    )
    defer { proxy.close() }
    let project = try await project("unknown", ports: ["cut": proxy.port])
    let result = try await project.run(["run", "--target", "cut"])
    #expect(proxy.cuts == 1)
    #expect(try await rows(project) == "1")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("the answer to COMMIT was lost"), "\(result)")
    #expect(result.output.contains("= hint: look at what stands there"), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
  }

  /// A statement outside of transactions is repeated alone; what came before it is not.
  @Test func aHookOutsideOfTheTransaction() async throws {
    let hooks = [
      "insert into s.log values (1)", "insert into s.log select s.fails(1, '40P01') + 1",
    ]
    .map { "{'sql': \"\($0)\", 'transaction': False}" }.joined(separator: ", ")
    let project = try await project(
      "hook",
      "{{ config(materialized='table', post_hook=[\(hooks)]) }}\nselect 1 as id\n"
    )
    try await project.sql("create table s.log (i int)")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(try await project.sql("select string_agg(i::text, ' ' order by i) from s.log") == "1 2")
  }

  /// What was done outside of the transaction is done: the node is not run again.
  @Test func effectsThatStayAreNotRepeated() async throws {
    let hook = "{'sql': \"insert into s.log values (1)\", 'transaction': False}"
    let project = try await project(
      "effects",
      "{{ config(materialized='table', pre_hook=[\(hook)]) }}\nselect s.dies(1) as id\n"
    )
    try await project.sql("create table s.log (i int)")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    #expect(try await project.sql("select count(*) from s.log") == "1")
    let again = try await project.run(["run"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await project.leftovers() == "")
  }

  @Test func ctrlCEndsThePause() async throws {
    let project = try await project("pause", Self.appending(", s.dies(9) as ok"))
    let result = try await project.run(
      ["run"],
      interrupt: Sectoral.Interrupt(after: "(3 of 5)")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(!result.output.contains("(4 of 5)"), "\(result)")
  }

  /// The server is gone without a word: it takes no request to cancel either.
  @Test func ctrlCWhileNothingComesBack() async throws {
    let (result, cuts) = try await FaultProject.run(
      "still",
      untilSilenceOf: server,
      interrupt: Sectoral.Interrupt(after: "pg_sleep(3)")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Exited because of keyboard interrupt"), "\(result)")
    #expect(cuts == 1)
  }

  @Test(.serialized, arguments: ["fast", "immediate"])
  func theServerRestarts(_ mode: String) async throws {
    let server = try FaultServer()
    defer { server.stop() }
    let project = try await FaultProject(
      "restart",
      on: server,
      files: ["models/quick.sql": "{{ config(materialized='table') }} select 1 as id\n"]
    )
    try await project.addModelsThatWaitForARestart(parent: "quick")
    async let running = project.run(["run"])
    try await project.waitForModelsThatWait()
    try server.restart(mode)
    let result = try await running
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("again in"), "\(result)")
    #expect(try await project.leftovers() == "")
  }
}
