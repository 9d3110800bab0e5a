import Foundation
import Testing

/// The JSON log tells what happened in dbt's order.
struct EventOrderTests {
  private struct Entry {
    let name: String
    let message: String
    let data: [String: Any]
  }

  private static let files = [
    "models/a.sql": "{{ config(materialized='table') }} select 1 as id\n",
    "models/b.sql": "select * from {{ ref('a') }}\n",
    "macros/m.sql":
      "{% macro fails() %}{{ exceptions.raise_compiler_error('no') }}{% endmacro %}\n",
  ]

  /// What a command logs, events of single statements aside.
  private func log(
    _ arguments: [String],
    _ files: [String: String] = files,
    exitCode: Int32 = 0
  ) async throws -> [Entry] {
    let project = try SmallProject("events_\(UInt32.random(in: 0...UInt32.max))", files)
    let result = try await project.run(arguments + ["--log-format-file", "json", "--threads", "1"])
    #expect(result.exitCode == exitCode, "\(result)")
    let text = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      let event = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [String: Any]]
      )
      return Entry(
        name: event["info"]?["name"] as? String ?? "",
        message: event["info"]?["msg"] as? String ?? "",
        data: event["data"] ?? [:]
      )
    }
  }

  @Test func aSchemaThatIsMade() async throws {
    let files = ["models/a.sql": "{{ config(schema='extra') }} select 1 as id\n"]
    let log = try await log(["run"], files)
    let made = log.filter { $0.name == "SchemaCreation" }
    let extra = made.compactMap { ($0.data["relation"] as? [String: String])?["schema"] }
    #expect(extra.count { $0.hasSuffix("_extra") } == 1)
    #expect(made.allSatisfy { $0.message.hasPrefix("Creating schema \"database: \"") })
  }

  /// Whatever fails of tests is said to keep what hangs on it from running, though nothing does.
  @Test func aTestThatFails() async throws {
    let files = ["tests/t.sql": "select nope", "tests/u.sql": "select 1 as id"]
    let log = try await log(["test"], files, exitCode: 1)
    let marks = log.filter { $0.name == "MarkSkippedChildren" }
    #expect(marks.map { $0.data["status"] as? String } == ["error"])
  }

  @Test func aRun() async throws {
    let log = try await log(["run"])
    let first = try #require(log.firstIndex { $0.name == "NodeStart" })
    let ofStatements = ["ConnectionUsed", "SQLQuery", "SQLQueryStatus"]
    let told = log[first...].filter { !ofStatements.contains($0.name) }
    let queries = log.indices.filter { log[$0].name == "SQLQuery" }
    #expect(!queries.isEmpty && queries.allSatisfy { log[$0 - 1].name == "ConnectionUsed" })
    #expect(queries.allSatisfy { log[$0 - 1].data["conn_type"] as? String == "postgres" })
    #expect(
      told.map(\.name) == [
        "NodeStart", "LogStartLine", "NodeCompiling", "WritingInjectedSQLForNode", "NodeExecuting",
        "JinjaLogDebug", "ConnectionReused", "SQLCommit", "ConnectionClosed", "LogModelResult",
        "NodeFinished", "NodeStart", "LogStartLine", "NodeCompiling", "WritingInjectedSQLForNode",
        "NodeExecuting", "JinjaLogDebug", "ConnectionReused", "SQLCommit", "ConnectionClosed",
        "LogModelResult", "NodeFinished", "ConnectionClosedInCleanup", "Formatting",
        "FinishedRunningStats", "EndRunResult", "ArtifactWritten", "ArtifactWritten",
        "ArtifactWritten", "Formatting", "EndOfRunSummary", "Formatting", "StatsLine",
        "ResourceReport", "CommandCompleted",
      ]
    )
    let reused = try #require(told.last { $0.name == "ConnectionReused" }?.data)
    #expect((reused["orig_conn_name"] as? String)?.hasSuffix(".a") == true)
    #expect((reused["conn_name"] as? String)?.hasSuffix(".b") == true)
    #expect(
      told.compactMap { $0.data["artifact_type"] as? String }
        == ["WritableManifest", "SemanticManifest", "RunExecutionResult"]
    )
    let opened = log.map(\.name).filter { $0.hasPrefix("NewConnection") }
    #expect(opened == ["NewConnection", "NewConnectionOpening"])
    // It is said before it is sent.
    let commit = try #require(log.firstIndex { $0.name == "SQLCommit" })
    #expect(
      log[(commit + 1)...].contains { $0.name == "SQLQuery" && $0.message.hasSuffix(": COMMIT") }
    )
  }

  /// The answer to the query is in the event of its node.
  @Test func aShow() async throws {
    let log = try await log(["show", "--inline", "select 1 as id union all select 2"])
    let finished = try #require(log.first { $0.name == "NodeFinished" })
    let result = finished.data["run_result"] as? [String: Any]
    let response = try #require(result?["adapter_response"] as? [String: Any])
    #expect(response["_message"] as? String == "SELECT 2")
    let names = log.map(\.name).filter {
      ["NodeFinished", "EndRunResult", "ShowNode"].contains($0)
    }
    #expect(names == ["NodeFinished", "EndRunResult", "ShowNode"])
  }

  @Test func operationsThatFail() async throws {
    let failed = try await log(["run-operation", "fails"], exitCode: 1)
    let trace = try #require(failed.first { $0.name == "LogDebugStackTrace" })
    #expect(trace.message.contains("in macro fails (macros/m.sql:1:"))
    #expect(trace.data["exc_info"] as? String == trace.message)
    let missing = try await log(["run-operation", "none_such"], exitCode: 2)
    let told = missing.map(\.name).filter { $0.hasSuffix("Error") || $0.hasSuffix("Trace") }
    #expect(
      told == ["RunningOperationCaughtError", "LogDebugStackTrace", "MainEncounteredError"]
    )
  }
}
