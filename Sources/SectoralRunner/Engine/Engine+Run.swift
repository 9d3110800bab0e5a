import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// compile, show, run, test, build, seed.
  func runNodes(_ project: Project) throws -> ExitStatus {
    // A query that went well is not retried.
    if flags.inline != nil, invocation.retried?.uniqueIDs.isEmpty != true {
      return try runInline(project)
    }
    let graph = invocation.command == .build ? project.graph.withTestEdges() : project.graph
    // Nothing reads it before the command ends.
    let summary = Threads.begin { [invocation] in
      Result {
        try self.writeGraphSummary(
          project,
          withTestEdges: invocation.command == .build ? graph : nil
        )
      }
    }
    let status = Result { try runNodes(project, graph) }
    try summary.wait().get()
    return try status.get()
  }

  private func runNodes(_ project: Project, _ graph: Graph) throws -> ExitStatus {
    if invocation.command == .sourceFreshness {
      try warnOfFreshnessPath()
      if !runsHooks { try warnOfHooksLeftOut(project) }
    }
    events.emit(
      .foundStats(Self.counts(project.manifest, inlineQueries: flags.inline == nil ? 0 : 1))
    )
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
      if invocation.command == .sourceFreshness {
        try writeFreshness([], project)
        events.emit(.other(name: "FreshnessCheckComplete", text: "Done."))
      } else {
        if invocation.command == .docsGenerate { try writeManifest(project) }
        try writeResults([], project, elapsed: events.now.seconds(since: startedAt))
        // As dbt: two commands sum up all the same.
        if [.seed, .clone].contains(invocation.command) {
          events.reportResults([], elapsed: 0, countsKinds: false)
        } else {
          events.emit(.endRunResult([], success: true, elapsed: 0))
        }
      }
      return .success
    }
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
        nodeCount: nodes.count { !$0.isEphemeralModel }
          - unitTests.values.reduce(0) { $0 + $1.count }
      )
    )
    events.emit(.formatting)
    var hasBegun = false
    let start = events.now
    // As dbt, which counts what was run also where it came to nothing.
    defer {
      if !hasBegun, isExecuting, invocation.command != .clone {
        events.emit(.formatting)
        events.emit(.finishedRunningStats([], elapsed: events.now.seconds(since: start)))
      }
    }
    if invocation.command == .clone {
      project.compiler.deferral = try deferral(project, selected)
    } else {
      try prepareDeferral(project, selected)
    }

    try checkDatabases(project, nodes)
    let journal = isExecuting ? try journal(of: nodes, project) : nil
    // Of a run that came to no node, the results before it stay the last; of one that did, the notes stay
    // until its results are written: the disk may be full.
    defer { if !hasBegun { journal?.remove() } }
    let warehouse = project.warehouse
    let state = RunState(
      engine: self,
      project: project,
      warehouse: warehouse,
      selectedResources: nodes.map(\.uniqueID),
      total: lineCount,
      isExecuting: isExecuting,
      shown: shown(among: nodes),
      journal: journal
    )
    state.listens()
    let executionStart = events.now
    let main = NodeRunner(
      state,
      threadName: Event.mainThread,
      comments: QueryComments(project.workspace)
    )
    var startFailed = false
    if isExecuting {
      try warehouse.connect()
      try stopIfInterrupted()
      try QueryComments(project.workspace).check()
      if invocation.command == .sourceFreshness {
        try reachServer(state)
      } else {
        try prepareSchemas(state, nodes)
      }
      try waitForManifest()
      if runsHooks { startFailed = try runHooks("on-run-start", state, main) }
    }
    if asksWithoutExecuting { try reachServer(state) }
    if invocation.command == .sourceFreshness { try askForLastModified(nodes, state) }
    hasBegun = true
    let isSkipped = startFailed && flags.behavior["skip_nodes_if_on_run_start_fails"]
    if isSkipped {
      for node in nodes {
        var result = skipped(node, state, message: nil)
        state.add(result)
        result.node.phase = .none
        events.emit(.skippingDetails(result, state.nextPosition()))
      }
    } else {
      execute(plan, runnable, unitTests, state)
    }
    let interrupted = isInterrupted
    // As dbt: whoever stops a run wants it to stop.
    var endTrouble: Failure?
    if isExecuting, !interrupted, runsHooks {
      do throws(Failure) {
        _ = try runHooks("on-run-end", state, main, hasResults: !isSkipped)
      } catch {
        endTrouble = error
      }
    }
    let status = try finish(
      state,
      nodes,
      elapsed: events.now.seconds(since: executionStart),
      // Or meanwhile, by whoever did not wait for the hooks.
      interrupted: isInterrupted
    )
    // Whoever ends the process now need not wait until ten thousand results are taken apart.
    Threads.discard(state.takeResults())
    // A hook that cannot even be compiled takes no result away.
    if let endTrouble, !isInterrupted { throw endTrouble }
    return status
  }

  /// Whether a command that only compiles will ask the server all the same. `compile` does where a template
  /// asks.
  var asksWithoutExecuting: Bool {
    switch invocation.command {
    case .show: true
    case .docsGenerate: flags.populateCache && !flags.emptyCatalog
    default: false
    }
  }

  func hasLines(_ node: Node, isExecuting: Bool) -> Bool {
    NodeRunner.hasLines(node, isExecuting: isExecuting, command: invocation.command)
  }

  /// Whether a node counts among the results: an ephemeral model where it is shown, is to blame, or may
  /// have been asked for by name.
  func hasResult(_ node: Node, _ result: NodeResult) -> Bool {
    guard node.isEphemeralModel else { return true }
    switch invocation.command {
    case .show: return true
    // As dbt: as soon as there is a selection.
    case .compile: return !flags.select.isEmpty || result.status.isFailure
    case .docsGenerate: return result.status.isFailure
    default: return false
    }
  }

  var runsHooks: Bool {
    switch invocation.command {
    case .clone: false
    case .sourceFreshness: flags.behavior["source_freshness_run_project_hooks"]
    default: true
    }
  }

  /// What can run of a selection: nodes, and unit tests as the nodes that run them.
  func runnable(_ selected: MemberSet, _ project: Project) -> [MemberID: Node] {
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

  private func finish(
    _ state: RunState,
    _ nodes: [Node],
    elapsed: Double,
    interrupted: Bool
  ) throws -> ExitStatus {
    let project = state.project
    let manifest = Threads.begin { Result { try self.writeManifestFile(project) } }
    var results = state.results
    if state.isExecuting, !interrupted { addCosts(state, elapsed: elapsed, to: &results) }
    state.closeConnections()
    if invocation.command == .sourceFreshness {
      return try finishFreshness(
        state,
        elapsed: elapsed,
        interrupted: interrupted,
        manifest: manifest.wait()
      )
    }
    for index in results.indices where !state.shown.isEmpty {
      // As dbt: what was sent is what the results show.
      guard let preview = state.preview(of: results[index].uniqueID) else { continue }
      results[index].compiledCode = preview.sql
    }
    let failed =
      state.isExecuting
      ? []
      : results.withUnsafeBufferPointer { results in
        results.indices.filter { results[$0].status == .error }.map { results[$0] }
      }
    let written = Result {
      // Of `show`, whatever fails leaves none.
      guard invocation.command != .show || failed.isEmpty else { return }
      try writeResults(results, project, elapsed: events.now.seconds(since: startedAt))
    }
    let manifestWritten = manifest.wait()
    let isWritten = Result {
      _ = try manifestWritten.get()
      try written.get()
    }
    // What was done is told also where the disk has no room for it.
    if !state.isExecuting { try isWritten.get() }
    // The results of a run that was stopped do not say what it had not come to: its notes do.
    if !interrupted, case .success = isWritten { state.journal?.remove() }
    guard state.isExecuting else {
      if interrupted {
        events.emit(.note(Self.interruptedWords))
        return .failure
      }
      guard failed.isEmpty else {
        // All that were begun say the same of the server.
        let told = state.isUnreachable ? failed.prefix(1) : failed[...]
        events.emit(
          .mainEncounteredError(
            told.flatMap { result in
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
      events.emit(.endRunResult(results, success: true, elapsed: elapsed))
      try tellOfManifest(manifestWritten, project)
      tellOfResults(project)
      present(state, nodes)
      return .success
    }
    // Ephemeral models count where `--fail-fast` left them alone, and where one is to blame for itself.
    let told = results.filter { $0.node.materialized != "ephemeral" || $0.status.isFailure }
    try events.reportResults(
      told,
      elapsed: elapsed,
      // As dbt: what was cloned is not counted.
      countsKinds: invocation.command != .clone,
      // As dbt: of nothing but ephemeral models there is nothing to say.
      hasVerdict: !told.isEmpty || interrupted || [.seed, .clone].contains(invocation.command),
      interrupted: interrupted
    ) {
      guard case .success = isWritten else { return }
      try tellOfManifest(manifestWritten, project)
      tellOfResults(project)
      if flags.showsSeeds { try showSeeds(state, nodes) }
    }
    try isWritten.get()
    if interrupted { return .failure }
    return results.isSuccess ? .success : .failure
  }

  /// Whether dbt, which reads one properties file after the other, meets a generic test before a snapshot:
  /// in a file the tests of models and seeds come first, then snapshots, then all other tests.
  private static func testsComeFirst(_ manifest: Manifest) -> Bool {
    func isNamedOnly(_ node: Node) -> Bool { !node.originalFilePath.hasSuffix(".sql") }
    let snapshot = manifest.nodes.first { $0.resourceType == .snapshot && isNamedOnly($0) }
    let test = manifest.nodes.first { node in
      guard node.resourceType == .test, isNamedOnly(node), let tested = node.attachedNode else {
        return false
      }
      return tested.hasPrefix("model.") || tested.hasPrefix("seed.")
    }
    guard let snapshot, let test else { return false }
    return test.originalFilePath <= snapshot.originalFilePath
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
    let named: [ResourceType] =
      testsComeFirst(manifest) ? [.test, .snapshot] : [.snapshot, .test]
    let ordered = kinds.filter(withFile.contains) + named.filter { !withFile.contains($0) }
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
