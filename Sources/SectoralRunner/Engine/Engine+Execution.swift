import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// The nodes of a run, on its workers.
extension Engine {
  /// Runs a model's unit tests until one fails: the model may be built unless that is returned.
  func firstFailure(of tests: [Node], _ runner: NodeRunner, _ state: RunState) -> NodeResult? {
    var failure: NodeResult?
    for test in tests {
      guard failure == nil, !invocation.cancellation.isCancelled else {
        skip(test, runner, state)
        continue
      }
      let result = runner.run(test)
      state.add(result)
      guard result.status.isFailure else { continue }
      failure = result
      events.emit(.markSkippedChildren(result))
    }
    return failure
  }

  /// Leaves a unit test out, and keeps that as its result.
  func skip(_ test: Node, _ runner: NodeRunner, _ state: RunState) {
    let result = skipped(test, state, message: nil, thread: runner.thread.threadName)
    state.add(result)
    tell(result, state)
    mark(result)
  }

  /// Says that what hangs on a node is not to run: as dbt, also where nothing does, and where it runs.
  private func mark(_ result: NodeResult) {
    switch result.status {
    case .error, .partialSuccess: break
    case .fail, .skipped: guard invocation.command == .build else { return }
    default: return
    }
    events.emit(.markSkippedChildren(result))
  }

  /// Says of a node that it is skipped: as in dbt, between the events of a node that runs, and with the
  /// failure of the ephemeral model that is to blame, which has no line of its own.
  func tell(_ skipped: NodeResult, because cause: NodeResult? = nil, _ state: RunState) {
    var info = skipped.node
    info.phase = .started
    events.emit(.nodeStart(info), thread: skipped.threadID)
    events.emit(.skippingDetails(skipped, state.nextPosition()), thread: skipped.threadID)
    if let cause, cause.status == .error { events.reportFailure(cause, isApart: false) }
    var finished = skipped
    if skipped.ephemeralStatus != nil { finished.node.phase = .started }
    events.emit(.nodeFinished(finished), thread: skipped.threadID)
  }

  /// The same of an ephemeral model, which has no line of its own.
  private func note(_ skipped: NodeResult) {
    var skipped = skipped
    skipped.node.phase = .started
    events.emit(.nodeStart(skipped.node), thread: skipped.threadID)
    events.emit(.nodeFinished(skipped), thread: skipped.threadID)
  }

  func execute(
    _ plan: ExecutionPlan,
    _ runnable: [MemberID: Node],
    _ unitTests: [String: [Node]],
    _ state: RunState
  ) {
    let scheduler = Scheduler(ReadyQueue(successors: plan.successors))
    let order = plan.order.map { runnable[$0] }
    invocation.cancellation.onCancel { [weak scheduler] in scheduler?.stop() }
    let comments = QueryComments(state.project.workspace)
    let isSequential = flags.singleThreaded || state.project.compiler.sharesGraph
    let threads = isSequential ? 1 : max(1, state.project.workspace.profile.threads)
    let failFast = flags.failFast ?? false
    let command = invocation.command
    let cancellation = invocation.cancellation
    state.workersRun(true)
    defer { state.workersRun(false) }
    // Nodes that nobody took, or that were cut off: they have no end of their own.
    let unended = SleepingMutex<[Int]>([])
    // What `--fail-fast` stopped at.
    let stopper = SleepingMutex<NodeResult?>(nil)
    // Takes a result in, and what follows from it for other nodes.
    // `failedTest`: the unit test that keeps the node from being built.
    @Sendable func settle(
      _ result: NodeResult,
      _ node: Node,
      _ index: Int,
      failedTest: NodeResult? = nil
    ) {
      // Cut off by Ctrl-C or another's failure: as dbt, results are of what came to its own end.
      let isCutOff = result.status == .error || result.status == .runtimeError
      if isCutOff, cancellation.isCancelled {
        unended.withLock { $0.append(index) }
        return
      }
      // An ephemeral model only becomes part of others: it has no result of its own.
      if hasResult(node, result) { state.add(result) }
      guard result.status.isFailure else { return }
      mark(result)
      // A model that is not built because of its unit tests has not failed: there is nothing behind it.
      // What is only compiled needs no parent, unless that is a part of it.
      let goesOn =
        failedTest == nil && node.isOptional || !state.isExecuting && !node.isEphemeralModel
      if ![.test, .clone, .sourceFreshness].contains(command), !goesOn {
        let dependents = scheduler.descendants(of: index).compactMap { order[$0]?.uniqueID }
        if state.isExecuting, node.isEphemeralModel, dependents.isEmpty { state.add(result) }
        state.skip(dependents, because: node.isEphemeralModel ? .ephemeral(result) : .failed)
      }
      if !state.isExecuting, state.isUnreachable { scheduler.stop() }
      // `compile` tells of every node that cannot be compiled; dbt stops at the first.
      if failFast || command == .show {
        scheduler.stop()
        let isFirst = stopper.withLock { stopper in
          guard failFast, stopper == nil else { return false }
          stopper = failedTest ?? result
          return true
        }
        if isFirst { cancellation.cancel() }
      }
    }
    @Sendable func joins(_ index: Int) -> Bool {
      guard let node = order[index], state.skipReason(node.uniqueID) == nil else { return false }
      return unitTests[node.uniqueID] == nil && NodeRunner.joins(node, state)
    }
    scheduler.run(
      threads: min(threads, order.count),
      limit: TransactionStyle(state.project.workspace).beginsLate ? NodeRunner.most : 1,
      joins: joins
    ) { [flags] number in
      NodeRunner(
        state,
        threadName: flags.singleThreaded ? Event.mainThread : "Thread-\(number + 1) (worker)",
        comments: comments
      )
    } work: { [self] runner, indexes in
      // Whoever stops a run hears no more of what it had not begun.
      if cancellation.isCancelled { return unended.withLock { $0 += indexes } }
      if indexes.count > 1 {
        let results = runner.run(together: indexes.compactMap { order[$0] })
        for (index, result) in zip(indexes, results) {
          guard let node = order[index] else { continue }
          if let result {
            settle(result, node, index)
          } else {
            unended.withLock { $0.append(index) }
          }
        }
        return
      }
      guard let index = indexes.first, let node = order[index] else { return }
      if let reason = state.skipReason(node.uniqueID) {
        for test in unitTests[node.uniqueID] ?? [] { skip(test, runner, state) }
        var result = skipped(node, state, message: nil, thread: runner.thread.threadName)
        var cause: NodeResult?
        if case .ephemeral(let model) = reason {
          cause = model
          result.ephemeralStatus = model.status
          if !node.isEphemeralModel {
            result.message =
              "Compilation Error in \(node.uniqueID), caused by compilation error in referenced "
              + "ephemeral model \(model.uniqueID)"
          }
        }
        // An ephemeral model has no result of its own.
        if hasResult(node, result) { state.add(result) }
        if hasLines(node, isExecuting: state.isExecuting) { tell(result, because: cause, state) }
        // As dbt, where what a build skips counts as the reason for what is skipped after it.
        if command == .build {
          if node.isEphemeralModel { note(result) }
          state.skipAnew(
            scheduler.descendants(of: index).compactMap { order[$0]?.uniqueID },
            because: node.isEphemeralModel ? .ephemeral(result) : .failed
          )
          mark(result)
        }
        return
      }
      if let failedTest = firstFailure(of: unitTests[node.uniqueID] ?? [], runner, state) {
        let result = skipped(node, state, message: nil, thread: runner.thread.threadName)
        if node.isEphemeralModel { note(result) } else { tell(result, state) }
        settle(result, node, index, failedTest: failedTest)
      } else {
        settle(runner.run(node), node, index)
      }
    } idle: {
      state.workerIsIdle()
    }
    let stop = stopper.withLock { $0 }
    if let stop { events.reportFailure(stop) }
    if isInterrupted { return }
    guard state.isExecuting else { return }
    let message = stop == nil ? nil : "Skipping due to fail_fast"
    for index in scheduler.untaken + unended.withLock({ $0 }) {
      guard let node = order[index] else { continue }
      var result = skipped(node, state, message: message)
      if node.isCompiled, result.compiled == false {
        result.compiled = true
        result.compiledCode = node.compiledCode
      }
      state.add(result)
    }
  }

  /// `thread`: the worker that came upon the node; nobody's where a run has ended before.
  func skipped(
    _ node: Node,
    _ state: RunState,
    message: String?,
    thread: String = Event.mainThread
  ) -> NodeResult {
    var info = state.info(of: node)
    info.phase = .finished(.skipped)
    return NodeResult(
      node: info,
      status: .skipped,
      message: message,
      threadID: thread,
      compiled: [.seed, .exposure, .savedQuery, .unitTest].contains(node.resourceType)
        ? nil : false
    )
  }
}
