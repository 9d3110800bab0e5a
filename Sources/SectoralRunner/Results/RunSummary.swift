extension EventBus {
  /// Emits the end of a run as dbt prints it: the counts, the verdict, every failure and warning
  /// with its message and compiled file, and the `Done.` line. Results are in the order of
  /// completion, hooks included; the time is in seconds.
  ///
  /// `countsKinds`: whether they are counted. `hasVerdict`: whether anything is said beyond that.
  /// `beforeVerdict`: says what comes between the counts and the verdict.
  package func reportResults(
    _ results: [NodeResult],
    elapsed: Double,
    countsKinds: Bool = true,
    hasVerdict: Bool = true,
    interrupted: Bool = false,
    beforeVerdict: () throws -> Void
  ) rethrows {
    let finished =
      countsKinds
      ? EventMessage.finishedRunningStats(Self.kindCounts(of: results), elapsed: elapsed) : nil
    // After an interruption the counts come last, as in dbt.
    if !interrupted, let finished {
      emit(.formatting)
      emit(finished)
    }
    emit(.endRunResult(results, success: results.isSuccess, elapsed: elapsed))
    try beforeVerdict()
    if hasVerdict {
      reportVerdict(on: results, interrupted: interrupted)
      emit(.statsLine(RunStatistics(of: results)))
    }
    if interrupted, let finished {
      emit(.formatting)
      emit(finished)
    }
  }

  /// The same, with nothing in between.
  package func reportResults(
    _ results: [NodeResult],
    elapsed: Double,
    countsKinds: Bool = true,
    interrupted: Bool = false
  ) {
    reportResults(
      results,
      elapsed: elapsed,
      countsKinds: countsKinds,
      interrupted: interrupted,
      beforeVerdict: {}
    )
  }

  /// The verdict and the failures alone, without counts: what `compile` and `show` print when
  /// something went wrong.
  package func reportVerdict(on results: [NodeResult], interrupted: Bool = false) {
    let partial = results.filter { $0.status == .partialSuccess }
    let warnings = results.filter { $0.status == .warn }
    let errors = results.filter { result in
      switch result.status {
      case .error, .fail, .runtimeError: true
      case .skipped: result.message != nil
      case .success, .pass, .warn, .noOp, .partialSuccess: false
      }
    }
    emit(.formatting)
    emit(
      .endOfRunSummary(
        errors: errors.count,
        partialSuccesses: partial.count,
        warnings: warnings.count,
        interrupted: interrupted
      )
    )
    for result in errors + partial { reportFailure(result) }
    for result in warnings { reportWarning(result) }
    emit(.formatting)
  }

  /// One failure: with `--fail-fast` it is printed when it happens, and again at the end.
  /// `isApart`: whether a blank line comes before it.
  package func reportFailure(_ result: NodeResult, isApart: Bool = true) {
    let result = result.afterwards
    // As dbt: the reason alone, for the log.
    guard result.status != .skipped else {
      emit(.formatting, level: .debug)
      if result.message != nil { emit(.runResultError(result), level: .debug) }
      return
    }
    if isApart { emit(.formatting) }
    // What cannot be asked of a source names it itself.
    if result.status != .runtimeError { emit(.runResultFailure(result)) }
    emit(result.message == nil ? .runResultErrorNoMessage(result) : .runResultError(result))
    reportWhereabouts(of: result)
  }

  private func reportWarning(_ result: NodeResult) {
    let result = result.afterwards
    emit(.formatting)
    emit(.runResultWarning(result))
    if result.message != nil { emit(.runResultWarningMessage(result)) }
    reportWhereabouts(of: result)
  }

  private func reportWhereabouts(of result: NodeResult) {
    if let path = result.compiledPath {
      emit(.formatting)
      emit(.sqlCompiledPath(result.node, path: path))
    }
    if let relation = result.failuresRelation {
      emit(.formatting)
      emit(.checkNodeTestFailure(result.node, relation: relation))
    }
  }

  /// How many results there are of each kind, sorted by kind: `table model`, `seed`, `test`.
  private static func kindCounts(of results: [NodeResult]) -> [ResourceCount] {
    var counts: [String: Int] = [:]
    for result in results {
      let kind =
        switch result.node.resourceType {
        case "model": "\(result.node.materialized) model"
        case "operation": "project hook"
        case "unit_test": "unit test"
        default: result.node.resourceType
        }
      counts[kind, default: 0] += 1
    }
    return counts.sorted { $0.key < $1.key }.map { ResourceCount($0.key, $0.value) }
  }
}

extension NodeResult {
  /// The result when its node is no longer at work: as in dbt, the node has no status of its own then,
  /// unless it is a hook.
  fileprivate var afterwards: NodeResult {
    var copy = self
    if node.resourceType != "operation" { copy.node.phase = .none }
    return copy
  }
}
