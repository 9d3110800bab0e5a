import SectoralCompiler
import SectoralGraph
import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// Compiles and executes nodes on one worker thread.
final class NodeRunner {
  let state: RunState
  let thread: RenderingThread
  let comments: QueryComments

  init(_ state: RunState, threadName: String, comments: QueryComments) {
    self.state = state
    self.comments = comments
    thread = RenderingThread(state.project.workspace, threadName: threadName)
  }

  var events: EventBus { state.events }
  private var workspace: Workspace { state.project.workspace }

  /// Whether a node has lines and counts of its own.
  static func hasLines(_ node: Node, isExecuting: Bool, command: Command) -> Bool {
    isExecuting && !node.isEphemeralModel && command != .clone
  }

  private func hasLines(_ node: Node) -> Bool {
    Self.hasLines(
      node,
      isExecuting: state.isExecuting,
      command: state.engine.invocation.command
    )
  }

  /// A node whose work has begun.
  struct Begun {
    let node: Node
    let info: NodeInfo
    let startedAt: Timestamp
    /// nil for what has no lines of its own.
    let position: Position?
    let progress: NodeProgress
  }

  /// Runs one node to its end; never throws: what went wrong is the result.
  func run(_ node: Node) -> NodeResult {
    if [.exposure, .savedQuery].contains(node.resourceType) { return pass(by: node) }
    return run(begin(node))
  }

  /// Says that a node begins.
  func begin(_ node: Node) -> Begun {
    var info = state.info(of: node)
    let startedAt = events.now
    info.startedAt = startedAt
    info.phase = .started
    let position = hasLines(node) ? state.nextPosition() : nil
    events.emit(.nodeStart(info), thread: thread.threadName)
    if let position {
      events.emit(.logStartLine(info, position), thread: thread.threadName)
    }
    return Begun(
      node: node,
      info: info,
      startedAt: startedAt,
      position: position,
      progress: NodeProgress(info)
    )
  }

  /// Does the work of a node that has begun. `isInDoubt`: whether it may have been done already.
  func run(_ begun: Begun, isInDoubt: Bool = false) -> NodeResult {
    let (node, progress) = (begun.node, begun.progress)
    var result = newResult(begun)
    do {
      try withSession(node, progress, isInDoubt: isInDoubt) { (session) throws(Failure) in
        result = newResult(begun)
        try run(node, session, progress, &result)
      }
    } catch {
      result.status = node.resourceType == .source ? .runtimeError : .error
      result.tell(of: error)
      result.failures = nil
      result.adapterResponse = nil
      if node.resourceType == .test { result.failuresRelation = node.relationName }
      var failed = result
      failed.node = progress.info
      events.emit(.nodeFailed(failed), thread: thread.threadName)
    }
    end(begun, &result)
    return result
  }

  func newResult(_ begun: Begun) -> NodeResult {
    NodeResult(node: begun.info, status: .success, threadID: thread.threadName)
  }

  /// Says what came of a node.
  func end(_ begun: Begun, _ result: inout NodeResult) {
    let node = begun.node
    let finishedAt = events.now
    result.executionTime = finishedAt.seconds(since: begun.startedAt)
    result.node.finishedAt = finishedAt
    result.node.phase = .finished(result.status)
    // As dbt: of a unit test that could not be run, nothing was compiled.
    let isUnread = node.resourceType == .unitTest && result.status == .error
    if node.isCompiled, !isUnread {
      result.compiled = true
      result.compiledCode = node.compiledCode
      result.compiledPath = node.compiledPath
      result.node.relationName = node.relationName
    } else if ![.seed, .source, .unitTest].contains(node.resourceType) {
      result.compiled = false
    }
    let finished = result
    // As dbt, which speaks of the node that was made of a unit test once that has been run.
    if node.resourceType == .unitTest, !isUnread {
      result.node.become(node)
      result.node.phase = .none
    }
    if let position = begun.position {
      events.emit(.logNodeResult(result, position), thread: thread.threadName)
    }
    events.emit(.nodeFinished(finished), thread: thread.threadName)
  }

  /// Does a node's work on a connection, again where that is safe and promises something.
  func withSession(
    _ node: Node,
    _ progress: NodeProgress,
    isInDoubt: Bool = false,
    _ body: (WarehouseSession) throws(Failure) -> Void
  ) throws(Failure) {
    try state.withSession(
      node.uniqueID,
      node: node,
      progress: progress,
      thread: thread.threadName,
      comment: comments,
      isInDoubt: isInDoubt,
      body
    )
  }

  /// What a build says of a node that there is nothing to do for.
  private func pass(by node: Node) -> NodeResult {
    var info = state.info(of: node)
    let now = events.now
    info.startedAt = now
    info.phase = .started
    events.emit(.nodeStart(info), thread: thread.threadName)
    info.phase = .compiling
    events.emit(.nodeCompiling(info), thread: thread.threadName)
    info.phase = .executing
    events.emit(.nodeExecuting(info), thread: thread.threadName)
    info.finishedAt = now
    info.phase = .finished(.noOp)
    let timing = [TimingInfo.Name.compile, .execute].map {
      TimingInfo(name: $0, startedAt: now, completedAt: now)
    }
    let result = NodeResult(
      node: info,
      status: .noOp,
      message: "NO-OP",
      failures: 0,
      timing: timing,
      threadID: thread.threadName
    )
    let position = state.nextPosition()
    events.emit(.logNodeResult(result, position), thread: thread.threadName)
    events.emit(.nodeFinished(result), thread: thread.threadName)
    return result
  }

  func run(
    _ node: Node,
    _ session: WarehouseSession,
    _ progress: NodeProgress,
    _ result: inout NodeResult
  ) throws(Failure) {
    let threadName = thread.threadName
    let files = NodeFiles(node, state.project)
    let context = context(of: node, session, progress, files)

    switch state.engine.invocation.command {
    case .clone: return try clone(node, context, progress, &result)
    case .sourceFreshness: return try checkFreshness(node, context, progress, &result)
    default: break
    }
    if state.isExecuting, result.node.isBatched, let config = node.microbatch {
      return try runBatches(of: node, config, context, progress, &result)
    }
    var compiled: CompiledSQL?
    if node.resourceType != .seed {
      events.emit(.nodeCompiling(progress.enter(.compiling)), thread: threadName)
      let start = events.now
      defer {
        result.timing.append(
          TimingInfo(name: .compile, startedAt: start, completedAt: events.now)
        )
      }
      compiled = try state.project.compiler.compile(
        context,
        injects: state.flags.injectEphemeralCTEs
      )
      events.emit(.writingInjectedSQL(progress.info), thread: threadName)
      try files.writeCompiled(node)
      if let compiled { try files.writeInputs(compiled.inputs, of: node) }
      for cte in compiled?.ctes ?? [] where state.isFirstToWrite(cte.uniqueID) {
        guard let model = state.project.manifest.node(cte.uniqueID) else { continue }
        try NodeFiles(model, state.project).writeCompiled(model)
      }
    } else {
      events.emit(.nodeCompiling(progress.enter(.compiling)), thread: threadName)
      result.timing.append(
        TimingInfo(name: .compile, startedAt: events.now, completedAt: events.now)
      )
    }
    // What becomes part of others ends here, unless its rows are asked for.
    if node.isEphemeralModel, state.engine.invocation.command != .show { return }
    guard state.isExecuting else {
      events.emit(.nodeExecuting(progress.enter(.executing)), thread: threadName)
      let start = events.now
      defer {
        result.timing.append(
          TimingInfo(name: .execute, startedAt: start, completedAt: events.now)
        )
      }
      if state.shown.contains(node.uniqueID) { try preview(node, compiled, context, &result) }
      return
    }
    if state.engine.invocation.cancellation.isCancelled { throw Self.interrupted(node) }
    events.emit(.nodeExecuting(progress.enter(.executing)), thread: threadName)
    let start = events.now
    defer {
      result.timing.append(
        TimingInfo(name: .execute, startedAt: start, completedAt: events.now)
      )
    }
    if node.resourceType == .unitTest, let compiled {
      let outcome = try context.runUnitTest(compiled)
      result.adapterResponse = outcome.response
      result.failures = outcome.difference == nil ? 0 : 1
      result.status = outcome.difference == nil ? .pass : .fail
      result.message = outcome.difference
      return
    }
    if node.resourceType == .test, let compiled {
      try runTest(node, context, compiled, &result)
      return
    }
    let materialized = try context.materialize(compiled)
    result.adapterResponse = materialized.response
    result.message = materialized.message
    // What is not committed yet may be taken back.
    let cache = session.sharesTransaction ? session.cache : state.cache
    for relation in materialized.relations { cache.add(relation) }
    try pointToLatestVersion(node, session, progress)
  }

  /// Asks for the rows that `show` prints once all has run.
  private func preview(
    _ node: Node,
    _ compiled: CompiledSQL?,
    _ context: RunContext,
    _ result: inout NodeResult
  ) throws(Failure) {
    var shown = compiled
    if shown == nil {
      let sql = "select * from \(workspace.relation(of: node).rendered)"
      shown = CompiledSQL(text: sql, ownText: sql, ctes: [])
    }
    guard let shown else { return }
    let preview = try context.preview(shown, limit: state.flags.limit)
    result.adapterResponse = preview.response
    result.adapterResponse?.showsNoQueryID = true
    state.keep(preview, of: node.uniqueID)
  }

  /// Makes the view under the name without a version, once the latest one is built.
  func pointToLatestVersion(
    _ node: Node,
    _ session: WarehouseSession,
    _ progress: NodeProgress
  ) throws(Failure) {
    guard let pointer = node.pointerNode(to: workspace.relation(of: node)) else { return }
    let context = context(of: pointer, session, progress, NodeFiles(node, state.project))
    // target/run keeps what was run for the model itself.
    context.writeFile = nil
    context.compiledCode = pointer.rawCode
    for relation in try context.materialize(nil, as: "view").relations {
      state.cache.add(relation)
    }
  }

  /// A context in which the node is compiled and executed.
  func context(
    of node: Node,
    _ session: WarehouseSession,
    _ progress: NodeProgress,
    _ files: NodeFiles
  ) -> RunContext {
    let events = events
    let threadName = thread.threadName
    let context = RunContext(
      thread,
      compiler: state.project.compiler,
      node: node,
      session: session,
      selectedResources: state.selectedResources,
      emit: { (event) throws(TemplateError) in
        try Engine.forward(event, to: events, node: progress.info, thread: threadName)
      }
    )
    context.writeFile = { text throws(Failure) in try files.writeRun(text, node) }
    if node.resourceType == .seed {
      context.loadSeedTable = { () throws(Failure) in try files.loadSeed(node) }
    }
    return context
  }

  /// Notes when the work on a node began and ended; there is nothing to compile.
  func timed(
    _ progress: NodeProgress,
    _ result: inout NodeResult,
    _ body: (inout NodeResult) throws(Failure) -> Void
  ) throws(Failure) {
    let start = events.now
    events.emit(.nodeCompiling(progress.enter(.compiling)), thread: thread.threadName)
    result.timing.append(TimingInfo(name: .compile, startedAt: start, completedAt: start))
    events.emit(.nodeExecuting(progress.enter(.executing)), thread: thread.threadName)
    defer {
      result.timing.append(
        TimingInfo(name: .execute, startedAt: start, completedAt: events.now)
      )
    }
    try body(&result)
  }

  private func clone(
    _ node: Node,
    _ context: RunContext,
    _ progress: NodeProgress,
    _ result: inout NodeResult
  ) throws(Failure) {
    try timed(progress, &result) { (result) throws(Failure) in
      context.deferRelation = try state.project.compiler.deferral?.relation(of: node)
      // What the view materialization makes its view of, where tables cannot be cloned.
      context.compiledCode = context.deferRelation.map { "select * from \($0.rendered)" }
      let cloned = try context.materialize(nil, as: "clone")
      result.adapterResponse = cloned.response
      result.message = cloned.message ?? "No-op"
      for relation in cloned.relations { state.cache.add(relation) }
    }
  }

  private func checkFreshness(
    _ node: Node,
    _ context: RunContext,
    _ progress: NodeProgress,
    _ result: inout NodeResult
  ) throws(Failure) {
    guard let source = state.project.manifest.source(node.uniqueID) else {
      preconditionFailure("freshness is asked of sources alone")
    }
    try timed(progress, &result) { (result) throws(Failure) in
      let answer = try loadedAt(of: source, context, progress)
      func moment(_ text: String, _ what: String) throws(Failure) -> Timestamp {
        if let moment = Timestamp(databaseText: text) { return moment }
        throw Failure(
          .runtime,
          subject: node.words,
          Diagnostic(
            id: "freshness.no-timestamp",
            message: "Expected a timestamp value when querying field '\(what)' of table "
              + "\(node.relationName ?? node.name) but received '\(text)' instead",
            span: source.declaration,
            hint: "cast it, for instance loaded_at_field: \"\(what)::timestamp\""
          )
        )
      }
      let field = source.loadedAtField ?? "max_loaded_at"
      let freshness = Freshness(
        maxLoadedAt: try answer.latest.map { text throws(Failure) in try moment(text, field) }
          ?? .yearOne,
        snapshottedAt: try moment(answer.now, "snapshotted_at"),
        criteria: source.freshness
      )
      result.freshness = freshness
      result.status = freshness.status
      result.adapterResponse = answer.response
    }
  }

  /// By the source's query or column; else by what the database knows of its tables.
  private func loadedAt(
    of source: SourceTable,
    _ context: RunContext,
    _ progress: NodeProgress
  ) throws(Failure) -> LoadedAt {
    guard source.isAskedOfMetadata, workspace.profile.type == "redshift" else {
      return try context.loadedAt(of: source)
    }
    if let filter = source.freshness["filter"], !filter.isNull {
      events.emit(
        .note(
          "A filter cannot be applied to a metadata freshness check on source '\(source.name)'."
        ),
        node: progress.info,
        thread: thread.threadName,
        level: .warn
      )
    }
    if let known = state.lastModified(of: source.uniqueID) { return known }
    let found = try context.lastModified(of: [source], now: events.now.isoWithOffset)
    if let known = found[source.uniqueID] { return known }
    throw Failure(
      .runtime,
      subject: context.node?.words,
      Diagnostic(
        id: "freshness.no-record",
        message:
          "Could not compute freshness for source \(source.name): the database has no record "
          + "of when \(source.relationName ?? source.identifier) was written",
        span: source.declaration,
        hint: "Redshift keeps a few days of them, for whoever may read sys_query_detail: add "
          + "'loaded_at_field' or 'loaded_at_query' to the config of the source"
      )
    )
  }

  static func interrupted(_ node: Node) -> Failure {
    Failure(
      .runtime,
      subject: node.words,
      Diagnostic(id: "run.interrupted", message: "the run was interrupted before this node ended")
    )
  }

  private func runTest(
    _ node: Node,
    _ context: RunContext,
    _ compiled: CompiledSQL,
    _ result: inout NodeResult
  ) throws(Failure) {
    let outcome = try context.runTest(compiled)
    result.failures = outcome.failures
    result.adapterResponse = outcome.response
    let noun = outcome.failures == 1 ? "result" : "results"
    let severity = (node.config["severity"]?.string ?? "ERROR").uppercased()
    if severity == "ERROR", outcome.shouldError {
      result.status = .fail
      result.message =
        "Got \(outcome.failures) \(noun), configured to fail if "
        + (node.config["error_if"]?.string ?? "!= 0")
    } else if outcome.shouldWarn {
      result.status =
        events.warningPolicy.disposition(of: "LogTestResult") == .error ? .fail : .warn
      let condition = node.config["warn_if"]?.string ?? "!= 0"
      result.message =
        "Got \(outcome.failures) \(noun), configured to "
        + (result.status == .fail ? "fail" : "warn") + " if \(condition)"
    } else {
      result.status = .pass
      result.failures = 0
    }
    if result.status == .fail || result.status == .warn {
      result.failuresRelation = node.relationName
    }
  }

  /// An on-run-start or on-run-end hook.
  func runHook(
    _ node: Node,
    _ session: WarehouseSession,
    position: Position,
    prepare: (RunContext) -> Void
  ) throws(Failure) -> NodeResult {
    var info = state.info(of: node)
    info.label = NodeInfo.label(ofHook: node, position)
    let startedAt = events.now
    info.startedAt = startedAt
    let events = events
    // As dbt, which counts hooks as begun once they are compiled.
    let forwarded = info
    let context = RunContext(
      thread,
      compiler: state.project.compiler,
      node: node,
      session: session,
      selectedResources: state.selectedResources,
      emit: { (event) throws(TemplateError) in
        try Engine.forward(event, to: events, node: forwarded, thread: Event.mainThread)
      }
    )
    prepare(context)
    if !session.isOpen { try context.clearTransaction() }
    let compilationStart = events.now
    let hook = try context.renderHook()
    node.compiledCode = hook.text
    node.isCompiled = true
    try NodeFiles(node, state.project).writeCompiled(node)
    events.emit(.writingInjectedSQL(info), thread: thread.threadName)
    info.phase = .started
    events.emit(.logHookStartLine(info, position))
    var result = NodeResult(node: info, status: .success, failures: 0, threadID: "main")
    result.compiled = true
    result.compiledCode = hook.text
    result.compiledPath = node.compiledPath
    let start = events.now
    do {
      _ = try context.runHook(hook)
      result.message = "\(info.label ?? node.name) passed"
    } catch {
      result.status = .error
      result.failures = 1
      result.message =
        "\(info.label ?? node.name) failed, error:\n "
        + error.diagnostics.map(\.message).joined(separator: "\n ")
      result.diagnostics = error.diagnostics
    }
    let finishedAt = events.now
    result.timing = [
      TimingInfo(name: .compile, startedAt: compilationStart, completedAt: start),
      TimingInfo(name: .execute, startedAt: start, completedAt: finishedAt),
    ]
    result.executionTime = finishedAt.seconds(since: startedAt)
    result.node.finishedAt = finishedAt
    result.node.phase = .finished(result.status)
    events.emit(.logHookEndLine(result, position))
    return result
  }
}
