import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// compile, show, run, test, build, seed.
  func runNodes(_ project: Project) throws -> ExitStatus {
    if flags.inline != nil { return try runInline(project) }
    events.emit(.foundStats(Self.counts(project.manifest)))
    let selected = try select(project)
    let isExecuting = ![.compile, .show, .docsGenerate].contains(invocation.command)
    let runnable = self.runnable(selected, project)
    let nodes = selected.compactMap { runnable[$0] }
    guard !nodes.isEmpty else {
      try events.warn(
        "NothingToDo",
        Diagnostic(
          id: "select.nothing",
          severity: .warning,
          message: "Nothing to do. Try checking your model configs and model specification args"
        )
      )
      try writeResults([], project, elapsed: events.now.seconds(since: startedAt))
      return .success
    }
    var graph = project.graph
    if invocation.command == .build { graph = graph.withTestEdges() }
    // A build runs the unit tests of a model right before it, not as steps of their own.
    var steps = selected
    for id in selected where runnable[id] == nil { steps.remove(id) }
    var unitTests: [String: [Node]] = [:]
    if invocation.command == .build {
      let models = Set(nodes.map(\.uniqueID))
      for (id, node) in runnable where node.resourceType == .unitTest {
        guard let model = node.dependsOnNodes.first, models.contains(model) else { continue }
        steps.remove(id)
        unitTests[model, default: []].append(node)
      }
      for key in unitTests.keys { unitTests[key]?.sort { $0.uniqueID < $1.uniqueID } }
    }
    let plan =
      invocation.command == .clone
      ? ExecutionPlan(unordered: steps) : ExecutionPlan(graph: graph, selected: steps)
    let lineCount = nodes.count { hasLines($0, isExecuting: isExecuting) }
    events.emit(.formatting)
    events.emit(
      .concurrencyLine(
        threads: project.workspace.profile.threads,
        target: project.workspace.profile.targetName,
        // As dbt: the unit tests of a build belong to their models.
        nodeCount: lineCount - unitTests.values.reduce(0) { $0 + $1.count }
      )
    )
    events.emit(.formatting)
    if invocation.command == .clone {
      project.compiler.deferral = try deferral(project, selected)
    } else {
      try prepareDeferral(project, selected)
    }

    let warehouse = lazyWarehouse(project)
    let state = RunState(
      engine: self,
      project: project,
      warehouse: warehouse,
      selectedResources: nodes.map(\.uniqueID),
      total: lineCount,
      isExecuting: isExecuting
    )
    invocation.cancellation.onCancel { [weak state] in state?.cancelAll() }
    let executionStart = events.now
    let main = NodeRunner(
      state,
      threadName: Event.mainThread,
      comments: QueryComments(project.workspace)
    )
    var startFailed = false
    if isExecuting {
      try warehouse.connect()
      try QueryComments(project.workspace).check()
      if invocation.command != .sourceFreshness { try prepareSchemas(state, nodes) }
      if runsHooks { startFailed = try runHooks("on-run-start", state, main) }
    }
    if startFailed, flags.behavior["skip_nodes_if_on_run_start_fails"] {
      for node in nodes { state.add(skipped(node, state, message: nil)) }
    } else {
      execute(plan, runnable, unitTests, state)
    }
    let interrupted = invocation.cancellation.isCancelled && !failFastStopped(state)
    // As dbt: whoever stops a run wants it to stop.
    var endTrouble: Failure?
    if isExecuting, !interrupted, runsHooks {
      do throws(Failure) { _ = try runHooks("on-run-end", state, main) } catch {
        endTrouble = error
      }
    }
    let status = try finish(
      state,
      nodes,
      elapsed: events.now.seconds(since: executionStart),
      interrupted: interrupted
    )
    // A hook that cannot even be compiled takes no result away.
    if let endTrouble { throw endTrouble }
    return status
  }

  private func hasLines(_ node: Node, isExecuting: Bool) -> Bool {
    NodeRunner.hasLines(node, isExecuting: isExecuting, command: invocation.command)
  }

  /// Whether a node counts among the results: an ephemeral model where it is shown, or is to blame.
  private func hasResult(_ node: Node, _ result: NodeResult) -> Bool {
    guard node.isEphemeralModel else { return true }
    switch invocation.command {
    case .show: return true
    case .compile, .docsGenerate: return result.status.isFailure
    default: return false
    }
  }

  private var runsHooks: Bool {
    switch invocation.command {
    case .clone: false
    case .sourceFreshness: flags.behavior["source_freshness_run_project_hooks"]
    default: true
    }
  }

  private func failFastStopped(_ state: RunState) -> Bool {
    (flags.failFast ?? false) && state.results.contains { $0.status.isFailure }
  }

  /// What can run of a selection: nodes, and unit tests as the nodes that run them.
  private func runnable(_ selected: MemberSet, _ project: Project) -> [MemberID: Node] {
    var nodes: [MemberID: Node] = [:]
    let graph = project.graph
    for id in selected {
      switch graph[id] {
      // There is nothing of an ephemeral model that could be cloned.
      case .node(let node) where invocation.command == .clone && node.isEphemeralModel: continue
      case .node(let node): nodes[id] = node
      case .resource(let resource) where resource.resourceType == .unitTest:
        nodes[id] = project.compiler.node(for: resource)
      case .resource(let resource) where invocation.command == .build:
        guard [.exposure, .savedQuery].contains(resource.resourceType) else { continue }
        nodes[id] = project.compiler.standIn(for: resource)
      case .source(let source) where invocation.command == .sourceFreshness:
        guard Freshness.isChecked(source.freshness) else { continue }
        nodes[id] = project.workspace.node(for: source)
      case .resource, .source: continue
      }
    }
    return nodes
  }

  /// Runs a model's unit tests until one fails. Returns whether the model may be built.
  private func pass(_ tests: [Node], _ runner: NodeRunner, _ state: RunState) -> Bool {
    var hasFailed = false
    for test in tests {
      guard !hasFailed, !invocation.cancellation.isCancelled else {
        skip(test, runner, state)
        continue
      }
      let result = runner.run(test)
      state.add(result)
      hasFailed = result.status.isFailure
    }
    return !hasFailed
  }

  /// Leaves a unit test out, and keeps that as its result.
  private func skip(_ test: Node, _ runner: NodeRunner, _ state: RunState) {
    let result = skipped(test, state, message: nil, thread: runner.thread.threadName)
    state.add(result)
    tell(result, state)
  }

  /// Says of a node that it is skipped: as in dbt, between the events of a node that runs.
  private func tell(_ skipped: NodeResult, _ state: RunState) {
    var info = skipped.node
    info.phase = .started
    events.emit(.nodeStart(info), thread: skipped.threadID)
    events.emit(.skippingDetails(skipped, state.nextPosition()), thread: skipped.threadID)
    events.emit(.nodeFinished(skipped), thread: skipped.threadID)
  }

  private func execute(
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
    scheduler.run(threads: min(threads, order.count)) { number in
      NodeRunner(state, threadName: "Thread-\(number + 1) (worker)", comments: comments)
    } work: { [self] runner, index in
      guard let node = order[index] else { return }
      if let reason = state.skipReason(node.uniqueID) {
        for test in unitTests[node.uniqueID] ?? [] { skip(test, runner, state) }
        var result = skipped(node, state, message: nil, thread: runner.thread.threadName)
        if case .ephemeral(let failed) = reason {
          result.skippedByEphemeral = true
          result.message = failed.message
          result.diagnostics = failed.diagnostics
        }
        // An ephemeral model has no result of its own.
        if hasResult(node, result) { state.add(result) }
        if hasLines(node, isExecuting: state.isExecuting) { tell(result, state) }
        return
      }
      let isTested = pass(unitTests[node.uniqueID] ?? [], runner, state)
      let result =
        isTested
        ? runner.run(node)
        : skipped(node, state, message: nil, thread: runner.thread.threadName)
      if !isTested { tell(result, state) }
      // Cut off by Ctrl-C: as dbt, results are of what came to its own end.
      if result.status == .error, cancellation.isCancelled, !failFast { return }
      // An ephemeral model only becomes part of others: it has no result of its own.
      if hasResult(node, result) { state.add(result) }
      guard result.status.isFailure else { return }
      // A model that is not built because of its unit tests has not failed: there is nothing behind it.
      // What is only compiled needs no parent, unless that is a part of it.
      let goesOn = isTested && node.isOptional || !state.isExecuting && !node.isEphemeralModel
      if ![.test, .clone, .sourceFreshness].contains(command), !goesOn {
        let dependents = scheduler.descendants(of: index).compactMap { order[$0]?.uniqueID }
        if state.isExecuting, node.isEphemeralModel, dependents.isEmpty { state.add(result) }
        state.skip(dependents, because: node.isEphemeralModel ? .ephemeral(result) : .failed)
        events.emit(.markSkippedChildren(result))
      }
      // `compile` tells of every node that cannot be compiled; dbt stops at the first.
      if failFast || command == .show {
        scheduler.stop()
        if failFast, !cancellation.isCancelled {
          state.events.reportFailure(result)
          cancellation.cancel()
        }
      }
    } idle: {
      state.workerIsIdle()
    }
    if cancellation.isCancelled, !failFast { return }
    for index in scheduler.untaken {
      guard let node = order[index] else { continue }
      let message = failFast ? "Skipping due to fail_fast" : nil
      if state.isExecuting { state.add(skipped(node, state, message: message)) }
    }
  }

  /// `thread`: the worker that came upon the node; nobody's where a run has ended before.
  private func skipped(
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
      compiled: [.seed, .exposure, .savedQuery].contains(node.resourceType) ? nil : false
    )
  }

  // MARK: Before and after the nodes

  /// Creates the schemas that are missing, and reads what stands in all of them.
  private func prepareSchemas(_ state: RunState, _ nodes: [Node]) throws {
    let workspace = state.project.workspace
    let stores = flags.storeFailures ?? false
    func schemas(of nodes: [Node]) -> [Relation] {
      var found: [Relation] = []
      var known: Set<[String]> = []
      for node in nodes where node.isRelational || (node.resourceType == .test && stores) {
        guard let schema = node.schema, known.insert([node.database ?? "", schema]).inserted
        else { continue }
        var relation = workspace.relation(of: node)
        relation.identifier = nil
        found.append(relation)
      }
      return found
    }
    let wanted = schemas(of: nodes)
    let listed =
      flags.populateCache
      ? (flags.cacheSelectedOnly ? wanted : schemas(of: state.project.manifest.nodes)) : []
    guard !wanted.isEmpty || !listed.isEmpty else { return }
    try state.withSession(
      "master",
      node: nil,
      progress: nil,
      thread: Event.mainThread,
      comment: QueryComments(workspace)
    ) { (session) throws(Failure) in
      try state.mainContext(session).prepareSchemas(wanted, listing: listed)
    }
  }

  /// Returns whether a hook failed.
  private func runHooks(
    _ kind: String,
    _ state: RunState,
    _ main: NodeRunner
  ) throws(Failure) -> Bool {
    let workspace = state.project.workspace
    let hooks = state.project.manifest.nodes.filter {
      $0.resourceType == .operation && $0.tags.contains(kind)
    }.sorted { a, b in
      let rootName = workspace.root.name
      if (a.packageName == rootName) != (b.packageName == rootName) {
        return b.packageName == rootName
      }
      return (a.packageName, a.hookIndex ?? 0) < (b.packageName, b.hookIndex ?? 0)
    }
    guard !hooks.isEmpty else { return false }
    if kind == "on-run-end" { events.emit(.formatting) }
    let session = state.mainSession("master")
    defer { session.release() }
    var failed = false
    // Hooks at the start are no results to those at the end, unless they failed.
    let results = state.results.filter {
      $0.node.resourceType != "operation" || $0.status != .success
    }
    for (index, hook) in hooks.enumerated() {
      let position = Position(index + 1, of: hooks.count)
      if failed {
        var info = NodeInfo(hook, workspace)
        info.phase = .finished(.skipped)
        let result = NodeResult(
          node: info,
          status: .skipped,
          message: "\(info.label ?? hook.name) skipped",
          failures: 1
        )
        events.emit(.logHookEndLine(result, position))
        state.add(result)
        continue
      }
      let result = try main.runHook(hook, session, position: position) { context in
        if kind == "on-run-end" { context.addResults(results.map(\.forTemplates)) }
      }
      failed = result.status == .error
      state.add(result)
    }
    if kind == "on-run-start" { events.emit(.formatting) }
    return failed
  }

  private func finish(
    _ state: RunState,
    _ nodes: [Node],
    elapsed: Double,
    interrupted: Bool
  ) throws -> ExitStatus {
    var results = state.results
    try writeManifest(state.project)
    if state.isExecuting, !interrupted { addCosts(state, elapsed: elapsed, to: &results) }
    if invocation.command == .sourceFreshness {
      return try finishFreshness(state, elapsed: elapsed, interrupted: interrupted)
    }
    try writeResults(results, state.project, elapsed: events.now.seconds(since: startedAt))
    if !state.isExecuting {
      let failed = results.filter { $0.status == .error }
      guard failed.isEmpty else {
        events.emit(
          .mainEncounteredError(
            failed.flatMap { result in
              result.diagnostics.map {
                CommandFailure(
                  head: result.message?.split(separator: "\n").first.map(String.init),
                  diagnostic: $0
                )
              }
            }
          )
        )
        return .unusable
      }
      return try present(state, nodes)
    }
    if flags.showsSeeds { try showSeeds(state, nodes) }
    events.reportResults(
      results.filter { $0.node.materialized != "ephemeral" },
      // As dbt: what was cloned is not counted.
      elapsed: invocation.command == .clone ? nil : elapsed,
      interrupted: interrupted
    )
    if interrupted { return .failure }
    return results.isSuccess ? .success : .failure
  }

  // MARK: compile and show

  private func present(_ state: RunState, _ nodes: [Node]) throws -> ExitStatus {
    if invocation.command == .docsGenerate { return .success }
    // dbt prints the nodes that the selection names; ours, too, where it only describes them.
    let named = nodes.filter { node in flags.select.contains { $0.contains(node.name) } }
    if invocation.command == .compile {
      for node in named {
        guard let sql = node.compiledCode else { continue }
        events.emit(
          .compiledNode(
            name: node.name,
            sql: sql,
            format: flags.printFormat,
            uniqueID: node.uniqueID
          )
        )
      }
      return .success
    }
    let shown = named.isEmpty ? nodes.filter { $0.resourceType != .test } : named
    var results = state.results
    for node in shown {
      let version = node.version.map { ".v\($0.pythonText)" } ?? ""
      let (sql, response) = try preview(node, name: node.name + version, state)
      // As dbt: what was sent is what the results show.
      for index in results.indices where results[index].uniqueID == node.uniqueID {
        results[index].compiledCode = sql
        results[index].adapterResponse = response
      }
    }
    try writeResults(results, state.project, elapsed: events.now.seconds(since: startedAt))
    return .success
  }

  /// Prints rows of a node. Returns the query that gave them, and what the server said to it.
  private func preview(
    _ node: Node,
    name: String?,
    _ state: RunState
  ) throws -> (sql: String, response: AdapterResponse) {
    let session = state.mainSession(node.uniqueID)
    defer { session.release() }
    let context = state.mainContext(session, node: node)
    let compiled: CompiledSQL
    if node.resourceType == .seed {
      let sql = "select * from \(state.project.workspace.relation(of: node).rendered)"
      compiled = CompiledSQL(text: sql, ownText: sql, ctes: [])
    } else if let known = state.compiled(node.uniqueID) {
      compiled = known
      context.compiledCode = known.text
    } else {
      compiled = try state.project.compiler.compile(context)
    }
    let (table, response, sql) = try context.preview(compiled, limit: flags.limit)
    events.emit(.showNode(Preview(nodeName: name, table: table, format: flags.printFormat)))
    return (sql, response)
  }

  private func showSeeds(_ state: RunState, _ nodes: [Node]) throws {
    for node in nodes where node.resourceType == .seed {
      let session = state.mainSession(node.uniqueID)
      defer { session.release() }
      let relation = state.project.workspace.relation(of: node)
      do throws(WarehouseError) {
        let sql = "select * from \(relation.rendered) order by random() limit 10"
        let table = try session.execute(sql, fetch: true).table
        events.emit(
          .seedSample(relation: "\(node.schema ?? "").\(node.alias)", table: table)
        )
      } catch {
        throw Failure(
          .database,
          subject: node.words,
          Diagnostic(id: "seed.show", message: error.message)
        )
      }
    }
  }

  private func runInline(_ project: Project) throws -> ExitStatus {
    let text = flags.inline ?? ""
    let node = Node(
      uniqueID: "sql_operation.\(project.workspace.root.name).inline_query",
      resourceType: .sqlOperation,
      name: "inline_query",
      packageName: project.workspace.root.name,
      path: "sql/inline_query",
      originalFilePath: "from remote system.sql",
      fqn: [project.workspace.root.name, "sql", "inline_query"],
      checksum: Checksum(name: "sha256", checksum: Digest.sha256(text.utf8)),
      rawCode: text,
      createdAt: Double(startedAt.microseconds) / 1e6
    )
    let file = SourceFile(path: "--inline", text: text)
    node.source = TextSpan(file: file, start: 0, end: file.bytes.count)
    node.database = project.workspace.profile.database
    node.schema = project.workspace.profile.schema
    node.config = ConfigSchema.of(.sqlOperation).defaults
    events.emit(.foundStats(Self.counts(project.manifest, inlineQueries: 1)))
    events.emit(.formatting)
    events.emit(
      .concurrencyLine(
        threads: project.workspace.profile.threads,
        target: project.workspace.profile.targetName,
        nodeCount: 1
      )
    )
    events.emit(.formatting)
    let state = RunState(
      engine: self,
      project: project,
      warehouse: lazyWarehouse(project),
      isExecuting: false
    )
    invocation.cancellation.onCancel { [weak state] in state?.cancelAll() }
    try prepareDeferral(project, project.graph.emptySet)
    let runner = NodeRunner(
      state,
      threadName: "Thread-1 (worker)",
      comments: QueryComments(project.workspace)
    )
    let result = runner.run(node)
    try writeResults([result], project, elapsed: events.now.seconds(since: startedAt))
    guard result.status == .success, let sql = node.compiledCode else {
      let head = result.message?.split(separator: "\n").first.map(String.init) ?? ""
      let isUnread = head.hasPrefix(Failure.Kind.compilation.rawValue)
      events.emit(
        .mainEncounteredError(
          result.diagnostics.map {
            // Names that are missing are dbt's errors of compiling; all others it meets before.
            let isParsing = isUnread && $0.id != "jinja.undefined"
            return CommandFailure(
              head: isParsing ? "Error parsing inline query" : head,
              diagnostic: $0
            )
          }
        )
      )
      return .unusable
    }
    if invocation.command == .show {
      var shown = result
      let (sql, response) = try preview(node, name: nil, state)
      shown.compiledCode = sql
      shown.adapterResponse = response
      try writeResults([shown], project, elapsed: events.now.seconds(since: startedAt))
    } else {
      events.emit(.compiledNode(name: nil, sql: sql, format: flags.printFormat, uniqueID: nil))
    }
    return .success
  }

  /// `compile --no-introspect` asks nothing.
  private func lazyWarehouse(_ project: Project) -> LazyWarehouse {
    LazyWarehouse(
      provider,
      project.workspace.profile,
      isForbidden: invocation.command == .compile && !flags.introspect
    )
  }

  static func counts(_ manifest: Manifest, inlineQueries: Int = 0) -> [ResourceCount] {
    var counts: [ResourceType: Int] = [:]
    // Kinds come in the order in which dbt meets them: what has files of its own first, then what
    // only properties name.
    var withFile: Set<ResourceType> = []
    for node in manifest.nodes where node.isEnabled {
      counts[node.resourceType, default: 0] += 1
      let isNamedOnly =
        node.resourceType == .test
        ? node.testMetadata != nil
        : node.resourceType == .snapshot && !node.originalFilePath.hasSuffix(".sql")
      if !isNamedOnly { withFile.insert(node.resourceType) }
    }
    let kinds: [ResourceType] = [.model, .snapshot, .analysis, .test, .seed, .operation]
    let ordered =
      kinds.filter(withFile.contains) + [.test, .snapshot].filter { !withFile.contains($0) }
    let ofNodes = ordered.map { ResourceCount($0.rawValue, counts[$0] ?? 0) }
    let ofOthers = [
      ResourceCount("sql operation", inlineQueries),
      ResourceCount("source", manifest.sources.count),
      ResourceCount("exposure", manifest.exposures.count),
      ResourceCount("metric", manifest.metrics.count),
      ResourceCount("macro", manifest.macros.count),
      ResourceCount("group", manifest.groups.count),
      ResourceCount("semantic model", manifest.semanticModels.count),
      ResourceCount("saved query", manifest.savedQueries.count),
      ResourceCount("unit test", manifest.unitTests.count),
    ]
    return (ofNodes + ofOthers).filter { $0.count > 0 || $0.kind == "macro" }
  }
}

extension NodeResult {
  /// What `results` of on-run-end shows.
  fileprivate var forTemplates: RunResultView {
    RunResultView(
      uniqueID: uniqueID,
      status: status.rawValue,
      message: message,
      failures: failures,
      executionTime: executionTime,
      threadID: threadID,
      adapterResponse: adapterResponse,
      timing: timing.map { step in
        func moment(_ time: Timestamp) -> (microseconds: Int, text: String) {
          (Int(time.microseconds), time.iso8601)
        }
        return RunResultView.Timing(
          name: step.name.rawValue,
          startedAt: moment(step.startedAt),
          completedAt: moment(step.completedAt)
        )
      }
    )
  }
}
