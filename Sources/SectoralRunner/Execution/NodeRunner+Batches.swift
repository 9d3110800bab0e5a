import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension NodeRunner {
  /// Builds a microbatch model: batch after batch, each with statements of its own.
  ///
  /// A batch that fails leaves the others alone, except for the first one: after that nothing is
  /// known to be ready for them.
  func runBatches(
    of node: Node,
    _ config: MicrobatchConfig,
    _ context: RunContext,
    _ progress: NodeProgress,
    _ result: inout NodeResult
  ) throws(Failure) {
    let retried = state.engine.invocation.retried
    let earlier = retried?.batches[node.uniqueID]
    let updates = try context.updatesTable()
    let windows =
      earlier?.failed
      ?? config.windows(
        state.flags.sample ?? state.flags.eventTimes,
        isIncremental: updates,
        now: retried?.startedAt ?? Int(state.engine.startedAt.microseconds)
      )
    let batches = Batch.batches(windows, config.size)
    var failed: [(batch: Batch, result: NodeResult)] = []
    var done = BatchResults()
    try timed(progress, &result) { (result) throws(Failure) in
      for batch in batches {
        let hasNoStart = failed.contains { $0.batch.isFirst }
        let ended =
          hasNoStart || state.engine.invocation.cancellation.isCancelled
          ? skip(batch, of: result.node)
          : run(batch, of: node, result.node, updates: updates || !batch.isFirst)
        if ended.status == .success {
          done.successful.append(batch.window)
        } else {
          done.failed.append(batch.window)
          if ended.status == .error { failed.append((batch, ended)) }
        }
      }
    }
    done.successful += earlier?.successful ?? []
    result.batchResults = done
    result.failures = 0
    let ended = windows.count - done.failed.count
    switch ended {
    case windows.count:
      result.status = .success
      result.message = "SUCCESS"
    case 0:
      result.status = .error
      result.message = "ERROR"
    default:
      result.status = .partialSuccess
      result.message = "PARTIAL SUCCESS (\(ended)/\(windows.count))"
    }
    result.diagnostics = failed.isEmpty ? [] : [Self.summary(of: failed)]
    if result.status == .success, let session = context.session {
      try pointToLatestVersion(node, session, progress)
    }
  }

  private func run(
    _ batch: Batch,
    of node: Node,
    _ model: NodeInfo,
    updates: Bool
  ) -> NodeResult {
    var info = model
    let startedAt = events.now
    info.startedAt = startedAt
    info.phase = .started
    let position = Position(batch.index + 1, of: batch.total)
    events.emit(.logStartBatch(info, batch: batch.label, position), thread: thread.threadName)
    let progress = NodeProgress(info)
    var result = NodeResult(node: info, status: .success, threadID: thread.threadName)
    do throws(Failure) {
      try withSession(node, progress) { (session) throws(Failure) in
        let files = NodeFiles(node, state.project, batch: batch.label)
        let context = context(of: node, session, progress, files)
        context.batch = batch
        events.emit(.nodeCompiling(progress.enter(.compiling)), thread: thread.threadName)
        let compiled = try state.project.compiler.compile(context)
        try files.writeCompiled(compiled.text, node)
        if updates { context.continueTable() }
        events.emit(.nodeExecuting(progress.enter(.executing)), thread: thread.threadName)
        let materialized = try context.materialize(compiled)
        result.adapterResponse = materialized.response
        result.message = materialized.message
        for relation in materialized.relations { state.cache.add(relation) }
      }
    } catch {
      result.status = .error
      result.tell(of: error)
    }
    let finishedAt = events.now
    result.executionTime = finishedAt.seconds(since: startedAt)
    result.node.finishedAt = finishedAt
    result.node.phase = .finished(result.status)
    if result.status == .error {
      events.emit(.batchFailed(result, batch: batch.label), thread: thread.threadName)
    }
    events.emit(
      .logBatchResult(result, batch: batch.label, position),
      thread: thread.threadName
    )
    return result
  }

  private func skip(_ batch: Batch, of model: NodeInfo) -> NodeResult {
    let result = NodeResult(node: model, status: .skipped, threadID: thread.threadName)
    events.emit(
      .logBatchResult(
        result,
        batch: batch.label,
        Position(batch.index + 1, of: batch.total)
      ),
      thread: thread.threadName
    )
    return result
  }

  /// What the end of a run says about batches that failed.
  private static func summary(of failed: [(batch: Batch, result: NodeResult)]) -> Diagnostic {
    let lines = failed.map { batch, result in
      let message = result.diagnostics.first?.message ?? "failed"
      return "batch \(batch.label): \(message.prefix { $0 != "\n" })"
    }
    return Diagnostic(
      id: "microbatch.failed",
      message: lines.joined(separator: "\n"),
      hint: lines.prefix(5).joined(separator: "; ")
        + (lines.count > 5 ? "; and \(lines.count - 5) more" : "")
        + ". 'retry' runs what failed and was skipped, and leaves the other batches alone"
    )
  }
}
