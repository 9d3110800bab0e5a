import SectoralArtifacts
import SectoralRunner
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Testing

@testable import sectoral

struct LogTests {
  private func json(_ message: EventMessage, mask: SecretMask = .none) throws -> DatumMap {
    let formatter = LineFormatter(
      style: .json,
      words: EventWords(),
      secrets: Secrets(mask),
      invocationID: "4fb80286",
      processID: 4711,
      customEnvironment: ["TEAM": "data"]
    )
    let event = Event(message, timestamp: Fixture.moment, thread: "Thread-1 (worker)")
    let line = formatter.line(for: event)
    #expect(line.hasSuffix("}\n"))
    #expect(!line.dropLast().contains("\n"))
    return try #require(try JSON.parse(line).map)
  }

  @Test func jsonHasDbtsInfo() throws {
    let object = try json(.concurrencyLine(threads: 4, target: "dev", nodeCount: 13))
    #expect(object.keys == ["data", "info"])
    #expect(
      object["info"]
        == .map([
          "category": .string(""), "code": .string("Q027"),
          "extra": .map(["TEAM": .string("data")]),
          "invocation_id": .string("4fb80286"), "level": .string("info"),
          "msg": .string("Concurrency: 4 threads (target='dev')"),
          "name": .string("ConcurrencyLine"), "pid": .int(4711),
          "thread": .string("Thread-1 (worker)"), "ts": .string("2024-05-01T10:00:00.123456Z"),
        ])
    )
    #expect(
      object["data"]
        == .map(["num_threads": .int(4), "target_name": .string("dev"), "node_count": .int(13)])
    )
  }

  @Test func jsonDescribesTheNode() throws {
    var node = Fixture.model("bad", phase: .finished(.success))
    node.startedAt = Fixture.moment
    node.finishedAt = Fixture.moment
    let result = NodeResult(
      node: node,
      status: .success,
      message: "CREATE VIEW",
      executionTime: 0.25
    )
    let object = try json(.logNodeResult(result, Position(1, of: 14)))
    #expect(
      object["data"]
        == .map([
          "description": .string("sql view model dev.bad"), "execution_time": .float(0.25),
          "index": .int(1), "total": .int(14), "status": .string("CREATE VIEW"),
          "node_info": .map([
            "materialized": .string("view"), "meta": .map([:]), "node_checksum": .string("99c0"),
            "node_finished_at": .string("2024-05-01T10:00:00.123456"),
            "node_name": .string("bad"), "node_path": .string("bad.sql"),
            "node_relation": .map([
              "alias": .string("bad"), "database": .string("lab"),
              "relation_name": .string("\"lab\".\"dev\".\"bad\""), "schema": .string("dev"),
            ]),
            "node_started_at": .string("2024-05-01T10:00:00.123456"),
            "node_status": .string("success"), "resource_type": .string("model"),
            "unique_id": .string("model.lab.bad"),
          ]),
        ])
    )
  }

  @Test func jsonOfTestsHasTheirOwnFields() throws {
    let result = NodeResult(
      node: Fixture.test("not_null"),
      status: .warn,
      failures: 3,
      executionTime: 1
    )
    let object = try json(.logNodeResult(result, Position(2, of: 9)))
    #expect(object["info"]?["level"] == .string("warn"))
    #expect(object["data"]?["num_failures"] == .int(3))
    #expect(object["data"]?["num_models"] == .int(9))
    #expect(object["data"]?["attached_node"] == .string("model.lab.v"))
  }

  /// Events and the members that dbt-core 1.11 writes into their `data`.
  static let members: [(EventMessage, String)] = [
    (.mainReportVersion(version: "1"), "log_version version"),
    (.mainReportArgs([]), "args"),
    (.adapterRegistered(name: "postgres", version: "1"), "adapter_name adapter_version"),
    (.foundStats([]), "stat_line"),
    (.formatting, "msg"),
    (.newConnection(type: "postgres", name: "master"), "conn_name conn_type"),
    (.connectionUsed(type: "postgres", name: "master"), "conn_name conn_type"),
    (.sqlQuery(connectionName: "master", sql: "select 1"), "conn_name sql"),
    (.sqlQueryStatus(status: "SELECT 1", elapsed: 0.1), "elapsed query_id status"),
    (.newConnectionOpening(state: "init"), "connection_state"),
    (.connectionClosed(name: "master"), "conn_name"),
    (.rollback(connectionName: "master"), "conn_name"),
    (.sqlCommit(connectionName: "master"), "conn_name"),
    (.nodeStart(Fixture.seed), "node_info"),
    (
      .logHookStartLine(Fixture.hook("lab.on-run-start.0"), Position(1, of: 1)),
      "index node_info statement total"
    ),
    (
      .logHookEndLine(
        NodeResult(node: Fixture.hook("lab.on-run-start.0"), status: .success),
        Position(1, of: 1)
      ),
      "execution_time index node_info statement status total"
    ),
    (.logStartLine(Fixture.seed, Position(1, of: 1)), "description index node_info total"),
    (
      .logNodeResult(NodeResult(node: Fixture.seed, status: .success), Position(1, of: 1)),
      "execution_time index node_info relation result_message schema status total"
    ),
    (.nodeFinished(NodeResult(node: Fixture.seed, status: .success)), "node_info run_result"),
    (
      .skippingDetails(NodeResult(node: Fixture.seed, status: .skipped), Position(1, of: 1)),
      "index node_info node_name resource_type schema total"
    ),
    (.finishedRunningStats([], elapsed: 1), "execution execution_time stat_line"),
    (
      .endOfRunSummary(errors: 0, partialSuccesses: 0, warnings: 0, interrupted: false),
      "keyboard_interrupt num_errors num_partial_success num_warnings"
    ),
    (
      .runResultFailure(NodeResult(node: Fixture.seed, status: .error)),
      "node_info node_name path resource_type"
    ),
    (.runResultError(NodeResult(node: Fixture.seed, status: .error)), "msg node_info"),
    (.sqlCompiledPath(Fixture.seed, path: "p"), "node_info path"),
    (.checkNodeTestFailure(Fixture.seed, relation: "r"), "node_info relation_name"),
    (.statsLine(RunStatistics()), "stats"),
    (
      .commandCompleted(command: "run", success: true, elapsed: 1),
      "command completed_at elapsed success"
    ),
    (
      .compiledNode(name: "v", sql: "", format: .text, uniqueID: "model.lab.v"),
      "compiled is_inline node_name output_format quiet unique_id"
    ),
    (
      .showNode(
        Preview(
          nodeName: nil,
          uniqueID: "sql_operation.lab.inline_query",
          table: ResultTable(),
          format: .json
        )
      ), "is_inline node_name output_format preview quiet unique_id"
    ), (.seedHeader(relation: "s.t"), "header"), (.seedRule(relation: "s.t"), "msg"),
    (.seedSample(ResultTable()), "msg"),
    (.artifactWritten(type: "t", path: "p"), "artifact_path artifact_type"),
    (.listCmdOut("v"), "msg"), (.printEvent("v"), "msg"), (.debugCmdOut("v"), "msg"),
    (.checkCleanPath("p"), "path"), (.confirmCleanPath("p"), "path"), (.finishedCleanPaths, ""),
    (.parsePerfInfoPath("p"), "path"), (.mainEncounteredError([]), "errors exc"),
    (.deprecationsSummary([], isWhole: false), "show_all_hint summaries"),
  ]

  @Test(arguments: members)
  func jsonHasDbtsMembers(_ message: EventMessage, _ names: String) throws {
    let data = try #require(try json(message)["data"]?.map)
    #expect(data.keys.joined(separator: " ") == names)
  }

  @Test func warningsCarryTheirDetails() throws {
    let output = RecordingOutput()
    let console = Console(
      output: output,
      formatter: LineFormatter(style: .json, words: EventWords(), invocationID: "id"),
      minimumLevel: .info,
      clock: { Fixture.moment }
    )
    let bus = EventBus(sinks: [console], clock: { Fixture.moment })
    let file = SourceFile(path: "models/schema.yml", text: "models:\n  - name: ghost\n")
    let diagnostic = Diagnostic(
      id: "patch.no-node",
      severity: .warning,
      message: "no node",
      span: TextSpan(file: file, start: 18, end: 23)
    )
    try bus.warn("NoNodeForYamlKey", diagnostic, details: ["yaml_key": .string("models")])
    let data = try JSON.parse(output.text)["data"]
    #expect(
      data
        == .map([
          "msg": .string("no node"), "id": .string("patch.no-node"),
          "file": .string("models/schema.yml"), "line": .int(2), "column": .int(11),
          "yaml_key": .string("models"),
        ])
    )
  }

  @Test func secretsAreMasked() throws {
    let mask = SecretMask(environment: [
      "DBT_ENV_SECRET_A": "hunter2", "DBT_ENV_SECRET_B": "hunter22", "DBT_ENV_SECRET_C": "",
      "OTHER": "select",
    ])
    #expect(mask("select 'hunter2', 'hunter22hunter2'") == "select '*****', '**********'")
    let object = try json(.jinjaLogInfo("password hunter2"), mask: mask)
    #expect(object["info"]?["msg"] == .string("password *****"))
    #expect(object["data"]?["msg"] == .string("password *****"))
  }

  /// What could be a word of the project is hidden in texts of artifacts, and stays in names.
  @Test(arguments: [
    (#"{"name": "swordfish", "fqn": ["p", "swordfish"]}"#, nil),
    (#"{"relation_name": "\"db\".\"swordfish\".\"fct_swordfish_x\""}"#, nil),
    (#"{"message": "no swordfish here"}"#, #"{"message": "no ***** here"}"#),
    (#"{"sql": "select\nswordfish"}"#, #"{"sql": "select\n*****"}"#),
    (#"{"sql": "select my_swordfish, swordfishes"}"#, nil),
  ])
  func wordsInArtifacts(_ text: String, _ masked: String?) {
    let mask = SecretMask(environment: ["DBT_ENV_SECRET_A": "swordfish"])
    #expect(String(decoding: mask.json(Array(text.utf8)), as: UTF8.self) == masked ?? text)
    #expect(!mask(text).contains("swordfish"))
  }

  /// A password that is a common word is hidden where it stands as one.
  @Test(arguments: [
    ("model fct_unused_sources, schema unused", nil),
    ("the password of unused sources", nil),
    ("postgresql://u:unused@host/db", "postgresql://u:*****@host/db"),
    ("host=h password=unused user=unused", "host=h password=***** user=unused"),
    ("PGPASSWORD='unused'", "PGPASSWORD='*****'"),
    (#"{"password": "unused", "name": "unused"}"#, #"{"password": "*****", "name": "unused"}"#),
    ("alter role u password 'unused'", "alter role u password '*****'"),
    ("password=unused_too", nil),
  ])
  func passwordsThatAreWords(_ text: String, _ masked: String?) {
    let mask = SecretMask(secrets: [String](), passwords: ["unused"])
    #expect(mask(text) == masked ?? text)
    #expect(String(decoding: mask.json(Array(text.utf8)), as: UTF8.self) == masked ?? text)
  }

  @Test func theDebugFormatIsDbts() {
    let formatter = LineFormatter(
      style: .debug,
      words: EventWords(),
      invocationID: "af5e5d4d",
      secondsFromUTC: 7200
    )
    #expect(
      formatter.header(at: Fixture.moment)
        == "\n\n============================== 12:00:00.123456 | af5e5d4d "
        + "==============================\n"
    )
    let first = Event(.mainReportVersion(version: "1.11.16"), timestamp: Fixture.moment)
    #expect(
      formatter.line(for: first)
        == formatter.header(at: Fixture.moment)
        + "12:00:00.123456 [info ] [MainThread]: Running with dbt=1.11.16\n"
    )
    let event = Event(
      .sqlQuery(connectionName: "model.p.m", sql: "select\n1"),
      timestamp: Fixture.moment,
      thread: "Thread-1 (worker)"
    )
    #expect(
      formatter.line(for: event)
        == "12:00:00.123456 [debug] [Thread-1 (]: On model.p.m: select\n1\n"
    )
  }

  @Test func theLogFileTurnsOver() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let formatter = LineFormatter(style: .text, words: EventWords(), invocationID: "id")
    for number in 0..<9 {
      let log = LogFile(
        directory: directory.path + "/a/b",
        formatter: formatter,
        minimumLevel: .info,
        maximumBytes: 60,
        complain: { Issue.record("\($0)") }
      )
      log.emit(Event(.note("line \(number) ........................"), timestamp: Fixture.moment))
      log.emit(Event(.jinjaLogDebug("not here"), timestamp: Fixture.moment))
      log.emit(Event(.checkCleanPath("not here"), timestamp: Fixture.moment))
      log.close()
    }
    let path = directory.path + "/a/b/dbt.log"
    #expect(TextFile.read(path)?.contains("line 8") == true)
    #expect(TextFile.read(path + ".1")?.contains("line 7") == true)
    #expect(TextFile.read(path + ".5")?.contains("line 3") == true)
    #expect(TextFile.read(path + ".6") == nil)
    #expect(TextFile.read(path)?.contains("not here") == false)
  }

  @Test func aLogFileThatCannotBeWrittenIsSaidOnce() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    #expect(TextFile.create(directory.path + "/file", "x") == nil)
    let complaints = RecordingOutput()
    let log = LogFile(
      directory: directory.path + "/file/logs",
      formatter: LineFormatter(style: .text, words: EventWords(), invocationID: "id"),
      minimumLevel: .info,
      maximumBytes: 0,
      complain: { complaints.write($0 + "\n") }
    )
    for _ in 0..<3 { log.emit(Event(.note("x"), timestamp: Fixture.moment)) }
    log.close()
    #expect(complaints.text.split(separator: "\n").count == 1)
    #expect(complaints.text.contains("going on without it"))
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000Z"), (1_709_164_800_000_001, "2024-02-29T00:00:00.000001Z"),
    (-1, "1969-12-31T23:59:59.999999Z"), (4_102_444_799_000_000, "2099-12-31T23:59:59.000000Z"),
  ])
  func timestampsAreCalendarDates(_ microseconds: Int64, _ text: String) {
    #expect(Timestamp(microseconds: microseconds).iso8601 == text)
  }
}
