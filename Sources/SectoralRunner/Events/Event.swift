package import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// How loud an event is.
package enum EventLevel: Int, Sendable, Hashable, Comparable {
  case debug
  case info
  case warn
  case error

  package static func < (a: EventLevel, b: EventLevel) -> Bool { a.rawValue < b.rawValue }

  /// dbt's word, as in `--log-level` and JSON logs.
  package var word: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warn: "warn"
    case .error: "error"
    }
  }
}

/// Something that happened, as data: what, when, on which thread, about which node.
package struct Event: Sendable {
  package var message: EventMessage
  package var level: EventLevel
  package var timestamp: Timestamp
  /// `MainThread`, `Thread-1 (worker)`.
  package var thread: String
  package var node: NodeInfo?
  /// What dbt's JSON log has beside the message; for warnings, whose messages are text.
  package var details: DatumMap

  package init(
    _ message: EventMessage,
    level: EventLevel? = nil,
    timestamp: Timestamp,
    thread: String = Event.mainThread,
    node: NodeInfo? = nil,
    details: DatumMap = DatumMap()
  ) {
    self.message = message
    self.level = level ?? message.level
    self.timestamp = timestamp
    self.thread = thread
    self.node = node ?? message.node
    self.details = details
  }

  package static let mainThread = "MainThread"
}

/// A running number within a known total, as `3 of 15`.
package struct Position: Sendable, Hashable {
  package var index: Int
  package var total: Int

  package init(_ index: Int, of total: Int) {
    self.index = index
    self.total = total
  }
}

/// How many resources there are of a kind; `kind` is dbt's singular word (`model`, `data test`,
/// `table model`, `project hook`).
package struct ResourceCount: Sendable, Hashable {
  package var kind: String
  package var count: Int

  package init(_ kind: String, _ count: Int) {
    self.kind = kind
    self.count = count
  }
}

/// The numbers of the last line, `Done. PASS=.. WARN=..`.
package struct RunStatistics: Sendable, Hashable {
  package var pass = 0
  package var warn = 0
  package var error = 0
  package var skip = 0
  package var noOp = 0

  package init() {}

  package init(of results: some Sequence<NodeResult>) {
    for result in results {
      switch result.status {
      case .success, .pass: pass += 1
      case .warn: warn += 1
      case .error, .fail, .runtimeError, .partialSuccess: error += 1
      case .skipped: skip += 1
      case .noOp: noOp += 1
      }
    }
  }

  package var total: Int { pass + warn + error + skip + noOp }
}

/// An error that ends a command: dbt's head line and what is to be said below it.
package struct CommandFailure: Error, Sendable {
  /// `Compilation Error`, `Parsing Error`, `Runtime Error in model orders (models/orders.sql)`;
  /// nil where dbt prints the bare message.
  package var head: String?
  package var diagnostic: Diagnostic

  package init(head: String?, diagnostic: Diagnostic) {
    self.head = head
    self.diagnostic = diagnostic
  }
}

/// What `compile` and `show` print for a node.
package enum PrintFormat: String, Sendable, Hashable {
  case text
  case json
}

/// Rows that a command prints: `show` and `seed --show`.
package struct Preview: Sendable {
  /// nil for `--inline`.
  package var nodeName: String?
  package var uniqueID: String
  package var table: ResultTable
  package var format: PrintFormat

  package init(nodeName: String?, uniqueID: String, table: ResultTable, format: PrintFormat) {
    self.nodeName = nodeName
    self.uniqueID = uniqueID
    self.table = table
    self.format = format
  }
}

/// What an event is about. Cases are named after dbt's events; `name` and `code` are dbt's.
package enum EventMessage: Sendable {
  // The command.
  case mainReportVersion(version: String)
  case mainReportArgs([(name: String, value: Datum)])
  case adapterRegistered(name: String, version: String)
  /// Only kinds that exist, in the order to print.
  case foundStats([ResourceCount])
  case concurrencyLine(threads: Int, target: String, nodeCount: Int)
  /// A blank line.
  case formatting
  case note(String)
  /// The command ends: one or more errors, each with its place.
  case mainEncounteredError([CommandFailure])
  case mainKeyboardInterrupt
  case commandCompleted(command: String, success: Bool, elapsed: Double)
  case artifactWritten(type: String, path: String)
  case parsePerfInfoPath(String)

  // Nodes.
  /// A worker takes a node up; the live view counts it from here.
  case nodeStart(NodeInfo)
  case nodeCompiling(NodeInfo)
  /// A node's SQL is whole, ephemeral models included.
  case writingInjectedSQL(NodeInfo)
  case nodeExecuting(NodeInfo)
  indirect case nodeFinished(NodeResult)
  case logStartLine(NodeInfo, Position)
  /// The result line of a model, seed, snapshot, test, function or no-op: dbt's event is chosen by
  /// the kind of node and the status.
  indirect case logNodeResult(NodeResult, Position)
  indirect case skippingDetails(NodeResult, Position)
  /// One batch of a microbatch model: the node is the model, the label names the batch.
  case logStartBatch(NodeInfo, batch: String, Position)
  indirect case logBatchResult(NodeResult, batch: String, Position)
  /// Why a batch failed; its model may go on.
  indirect case batchFailed(NodeResult, batch: String)
  case logHookStartLine(NodeInfo, Position)
  indirect case logHookEndLine(NodeResult, Position)
  /// A running query is cancelled (fail-fast, Ctrl-C).
  case logCancelLine(connectionName: String)
  indirect case markSkippedChildren(NodeResult)
  /// A node ended with an error that is its result.
  indirect case nodeFailed(NodeResult)
  /// All results at the end of a run.
  case endRunResult([NodeResult], success: Bool, elapsed: Double)

  // The end of a run; `EventBus.reportResults` emits them in order.
  /// Labels as dbt sorts them: `incremental model`, `project hook`, `seed`, `table model`, ...
  case finishedRunningStats([ResourceCount], elapsed: Double)
  case endOfRunSummary(errors: Int, partialSuccesses: Int, warnings: Int, interrupted: Bool)
  indirect case runResultFailure(NodeResult)
  indirect case runResultWarning(NodeResult)
  indirect case runResultError(NodeResult)
  indirect case runResultErrorNoMessage(NodeResult)
  indirect case runResultWarningMessage(NodeResult)
  case sqlCompiledPath(NodeInfo, path: String)
  case checkNodeTestFailure(NodeInfo, relation: String)
  case statsLine(RunStatistics)

  // What commands print.
  case compiledNode(name: String?, sql: String, format: PrintFormat, uniqueID: String)
  case showNode(Preview)
  /// `seed --show`: the table's `schema.alias` and rows.
  case seedHeader(relation: String)
  case seedRule(relation: String)
  case seedSample(ResultTable)
  case listCmdOut(String)
  /// Text of `db` and `init`: no time in front, not hidden by `--quiet`.
  case output(String)
  /// A line of `debug`.
  case debugCmdOut(String)
  /// A check of `debug`: `profiles.yml file [OK found and valid]`; `after`: the blank line of the
  /// last of a group.
  case debugCmdCheck(subject: String, verdict: String, isOK: Bool, after: String)
  /// What `debug` came to.
  case debugCmdResult(String)
  case buildingCatalog
  case checkCleanPath(String)
  case confirmCleanPath(String)
  case protectedCleanPath(String)
  case finishedCleanPaths

  // Templates.
  case jinjaLogInfo(String)
  case jinjaLogDebug(String)
  case printEvent(String)

  // The warehouse.
  case newConnection(type: String, name: String)
  /// One of the pool, which another node or job had before.
  case connectionReused(former: String, name: String)
  case newConnectionOpening(state: String)
  case connectionUsed(type: String, name: String)
  case connectionClosed(name: String)
  /// The pool closed it at the end of the command.
  case connectionClosedInCleanup(name: String)
  case sqlQuery(connectionName: String, sql: String)
  case sqlQueryStatus(status: String, elapsed: Double)
  case sqlCommit(connectionName: String)
  case rollback(connectionName: String)

  // Warnings. `name` is one of `EventCatalog`'s; emitted through `EventBus.warn`.
  case warning(name: String, Diagnostic)
  /// The first of each name is printed, the rest are counted.
  case deprecation(name: String, Diagnostic)
  case deprecationsSummary([(name: String, count: Int)], isWhole: Bool)

  /// Any other of dbt's events, by its name.
  case other(name: String, text: String, data: DatumMap = DatumMap())
}

extension EventMessage {
  /// dbt's name of the event.
  package var name: String {
    switch self {
    case .mainReportVersion: "MainReportVersion"
    case .mainReportArgs: "MainReportArgs"
    case .adapterRegistered: "AdapterRegistered"
    case .foundStats: "FoundStats"
    case .concurrencyLine: "ConcurrencyLine"
    case .formatting: "Formatting"
    case .note: "Note"
    case .mainEncounteredError: "MainEncounteredError"
    case .mainKeyboardInterrupt: "MainKeyboardInterrupt"
    case .commandCompleted: "CommandCompleted"
    case .artifactWritten: "ArtifactWritten"
    case .parsePerfInfoPath: "ParsePerfInfoPath"
    case .nodeStart: "NodeStart"
    case .nodeCompiling: "NodeCompiling"
    case .writingInjectedSQL: "WritingInjectedSQLForNode"
    case .nodeExecuting: "NodeExecuting"
    case .nodeFinished: "NodeFinished"
    case .logStartLine: "LogStartLine"
    case .logNodeResult(let result, _): Self.resultEventName(result)
    case .skippingDetails(let result, _):
      result.ephemeralStatus == nil ? "SkippingDetails" : "LogSkipBecauseError"
    case .logStartBatch: "LogStartBatch"
    case .logBatchResult: "LogBatchResult"
    case .batchFailed: "GenericExceptionOnRun"
    case .logHookStartLine: "LogHookStartLine"
    case .logHookEndLine: "LogHookEndLine"
    case .logCancelLine: "LogCancelLine"
    case .markSkippedChildren: "MarkSkippedChildren"
    case .nodeFailed: "CatchableExceptionOnRun"
    case .endRunResult: "EndRunResult"
    case .finishedRunningStats: "FinishedRunningStats"
    case .endOfRunSummary: "EndOfRunSummary"
    case .runResultFailure: "RunResultFailure"
    case .runResultWarning: "RunResultWarning"
    case .runResultError: "RunResultError"
    case .runResultErrorNoMessage: "RunResultErrorNoMessage"
    case .runResultWarningMessage: "RunResultWarningMessage"
    case .sqlCompiledPath: "SQLCompiledPath"
    case .checkNodeTestFailure: "CheckNodeTestFailure"
    case .statsLine: "StatsLine"
    case .compiledNode: "CompiledNode"
    case .showNode: "ShowNode"
    case .seedHeader: "SeedHeader"
    case .seedRule: "Formatting"
    case .seedSample: "PrintEvent"
    case .listCmdOut: "PrintEvent"
    case .output: "Note"
    case .debugCmdOut: "DebugCmdOut"
    case .debugCmdCheck(let subject, _, _, _):
      // As dbt: of the dependencies it speaks as of results.
      subject.hasPrefix(" - ") ? "DebugCmdResult" : "DebugCmdOut"
    case .debugCmdResult: "DebugCmdResult"
    case .buildingCatalog: "BuildingCatalog"
    case .checkCleanPath: "CheckCleanPath"
    case .confirmCleanPath: "ConfirmCleanPath"
    case .protectedCleanPath: "ProtectedCleanPath"
    case .finishedCleanPaths: "FinishedCleanPaths"
    case .jinjaLogInfo: "JinjaLogInfo"
    case .jinjaLogDebug: "JinjaLogDebug"
    case .printEvent: "PrintEvent"
    case .newConnection: "NewConnection"
    case .connectionReused: "ConnectionReused"
    case .newConnectionOpening: "NewConnectionOpening"
    case .connectionUsed: "ConnectionUsed"
    case .connectionClosed: "ConnectionClosed"
    case .connectionClosedInCleanup: "ConnectionClosedInCleanup"
    case .sqlQuery: "SQLQuery"
    case .sqlQueryStatus: "SQLQueryStatus"
    case .sqlCommit: "SQLCommit"
    case .rollback: "Rollback"
    case .warning(let name, _), .deprecation(let name, _): name
    case .deprecationsSummary: "DeprecationsSummary"
    case .other(let name, _, _): name
    }
  }

  /// dbt's code of the event (`Q012`); empty for a name dbt does not have.
  package var code: String { EventCatalog.entry(named: name)?.code ?? "" }

  package var level: EventLevel {
    switch self {
    case .logNodeResult(let result, _), .logBatchResult(let result, _, _):
      switch result.status {
      case .error, .fail, .runtimeError, .partialSuccess: .error
      case .warn: .warn
      case .success, .pass, .skipped, .noOp: .info
      }
    case .warning, .deprecation, .deprecationsSummary: .warn
    default: EventCatalog.entry(named: name)?.level ?? .info
    }
  }

  /// The node that the payload itself names.
  package var node: NodeInfo? {
    switch self {
    case .nodeStart(let node), .nodeCompiling(let node), .nodeExecuting(let node),
      .writingInjectedSQL(let node):
      node
    case .logStartLine(let node, _), .logHookStartLine(let node, _): node
    case .logStartBatch(let node, _, _): node
    case .logBatchResult(let result, _, _), .batchFailed(let result, _): result.node
    case .sqlCompiledPath(let node, _), .checkNodeTestFailure(let node, _): node
    case .nodeFinished(let result), .logNodeResult(let result, _), .nodeFailed(let result):
      result.node
    case .skippingDetails(let result, _): result.ephemeralStatus == nil ? result.node : nil
    case .logHookEndLine(let result, _): result.node
    case .runResultFailure(let result), .runResultWarning(let result): result.node
    case .runResultError(let result): result.status == .skipped ? nil : result.node
    case .runResultErrorNoMessage(let result): result.node
    case .runResultWarningMessage(let result): result.node
    default: nil
    }
  }

  private static func resultEventName(_ result: NodeResult) -> String {
    if result.status == .noOp { return "LogNodeNoOpResult" }
    return switch result.node.resourceType {
    case "seed": "LogSeedResult"
    case "snapshot": "LogSnapshotResult"
    case "test", "unit_test": "LogTestResult"
    case "function": "LogFunctionResult"
    case "source": "LogFreshnessResult"
    case "model": "LogModelResult"
    default: "LogNodeResult"
    }
  }
}
