package import SectoralCompiler
package import SectoralProject
package import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// How a node ended; the texts are those of run_results.json.
package enum RunStatus: String, Sendable, Hashable, CaseIterable {
  case success
  case error
  case skipped
  case partialSuccess = "partial success"
  case pass
  case fail
  case warn
  case runtimeError = "runtime error"
  case noOp = "no-op"

  /// Whether a command with such a result ends with exit code 1 (skipped exposures aside).
  package var isFailure: Bool {
    switch self {
    case .error, .fail, .runtimeError, .partialSuccess, .skipped: true
    case .success, .pass, .warn, .noOp: false
    }
  }
}

/// One timed part of a node's work.
package struct TimingInfo: Sendable, Hashable {
  package enum Name: String, Sendable {
    case compile
    case execute
  }

  package var name: Name
  package var startedAt: Timestamp
  package var completedAt: Timestamp

  package init(name: Name, startedAt: Timestamp, completedAt: Timestamp) {
    self.name = name
    self.startedAt = startedAt
    self.completedAt = completedAt
  }
}

/// Which batches of a microbatch model went well.
package struct BatchResults: Sendable, Hashable {
  package var successful: [EventTimeWindow]
  package var failed: [EventTimeWindow]

  package init(successful: [EventTimeWindow] = [], failed: [EventTimeWindow] = []) {
    self.successful = successful
    self.failed = failed
  }

  /// Reads `batch_results` of run_results.json; nil for anything else.
  package init?(_ layout: Datum) {
    func windows(_ key: String) -> [EventTimeWindow]? {
      var windows: [EventTimeWindow] = []
      for pair in layout[key]?.list ?? [] {
        guard let texts = pair.list?.compactMap(\.string), texts.count == 2,
          let start = EventTimeWindow.time(of: texts[0]),
          let end = EventTimeWindow.time(of: texts[1])
        else { return nil }
        windows.append(EventTimeWindow(start: start, end: end))
      }
      return windows
    }
    guard layout.map != nil, let successful = windows("successful"), let failed = windows("failed")
    else { return nil }
    self.init(successful: successful, failed: failed)
  }

  /// As run_results.json has them.
  package var layout: Datum {
    func pairs(_ windows: [EventTimeWindow]) -> Datum {
      .list(windows.map { .list([.string($0.isoTexts.start), .string($0.isoTexts.end)]) })
    }
    return .map(["successful": pairs(successful), "failed": pairs(failed)])
  }
}

/// What became of one node: the source of its console lines, of its events and of its entry in
/// run_results.json.
package struct NodeResult: Sendable {
  /// With `phase` finished and both times set.
  package var node: NodeInfo
  package var status: RunStatus
  /// As run_results.json has it: the adapter's tag (`SELECT 99`), `Got 2 results, configured to
  /// fail if != 0`, or dbt's text of the error (`Database Error in model ...`).
  package var message: String?
  /// Rows a test found; 0 or 1 for hooks and operations.
  package var failures: Int?
  package var timing: [TimingInfo]
  /// `Thread-1 (worker)`; hooks: `main`.
  package var threadID: String
  /// In seconds.
  package var executionTime: Double
  /// nil is written as `{}`.
  package var adapterResponse: AdapterResponse?
  /// nil for what cannot be compiled (seeds, exposures).
  package var compiled: Bool?
  package var compiledCode: String?
  /// Relative to the project; nil when no file was written.
  package var compiledPath: String?
  package var batchResults: BatchResults?
  /// What its statements took, where that was asked for.
  package var cost: NodeCost?
  /// What was wrong, with its place, for the console; the message has dbt's words alone.
  package var diagnostics: [Diagnostic]
  /// The end of the message that lists macros; the console shows the diagnostics' trail instead.
  package var calls = ""
  /// The table a test's failing rows went to, with quotes.
  package var failuresRelation: String?
  /// For a node that is skipped because of an ephemeral model: how that one ended.
  package var ephemeralStatus: RunStatus?
  /// Of sources.
  package var freshness: Freshness?

  /// The words and places of the error that ended it.
  package mutating func tell(of error: Failure) {
    message = error.text(showsPlaces: false)
    diagnostics = error.diagnostics
    calls = error.callText
  }

  package init(
    node: NodeInfo,
    status: RunStatus,
    message: String? = nil,
    failures: Int? = nil,
    timing: [TimingInfo] = [],
    threadID: String = "main",
    executionTime: Double = 0,
    adapterResponse: AdapterResponse? = nil,
    compiled: Bool? = nil,
    compiledCode: String? = nil,
    compiledPath: String? = nil,
    batchResults: BatchResults? = nil,
    diagnostics: [Diagnostic] = [],
    failuresRelation: String? = nil,
    ephemeralStatus: RunStatus? = nil
  ) {
    self.node = node
    self.status = status
    self.message = message
    self.failures = failures
    self.timing = timing
    self.threadID = threadID
    self.executionTime = executionTime
    self.adapterResponse = adapterResponse
    self.compiled = compiled
    self.compiledCode = compiledCode
    self.compiledPath = compiledPath
    self.batchResults = batchResults
    self.diagnostics = diagnostics
    self.failuresRelation = failuresRelation
    self.ephemeralStatus = ephemeralStatus
  }

  package var uniqueID: String { node.uniqueID }
  package var relationName: String? { node.relationName }
}

extension Sequence where Element == NodeResult {
  /// dbt's rule for exit code 0: nothing failed and nothing but exposures was skipped.
  package var isSuccess: Bool {
    allSatisfy { result in
      !result.status.isFailure
        || (result.status == .skipped && result.node.resourceType == "exposure")
    }
  }
}
