import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// What comes before the nodes of a run and after them.
extension Engine {
  /// Creates the schemas that are missing, and reads what stands in all of them.
  func prepareSchemas(_ state: RunState, _ nodes: [Node]) throws {
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
    try prepare(wanted, listing: listed, state)
  }

  /// Opens the first connection, for a command that needs no schema. As dbt: without a server the command
  /// ends, and no node is to blame.
  func reachServer(_ state: RunState) throws { try prepare([], listing: [], state) }

  private func prepare(_ schemas: [Relation], listing: [Relation], _ state: RunState) throws {
    try state.withSession(
      "master",
      node: nil,
      progress: nil,
      thread: Event.mainThread,
      comment: QueryComments(state.project.workspace),
      isIdempotent: true
    ) { (session) throws(Failure) in
      try state.mainContext(session).prepareSchemas(schemas, listing: listing)
    }
  }

  /// Refuses what stands in another database than the target's. As dbt, which asks for all schemas before
  /// it begins, also where a command only compiles.
  func checkDatabases(_ project: Project, _ nodes: [Node]) throws(Failure) {
    let profile = project.workspace.profile
    guard profile.type == "postgres", flags.populateCache, invocation.command != .sourceFreshness,
      invocation.command != .compile || flags.introspect
    else { return }
    let strangers = (flags.cacheSelectedOnly ? nodes : project.manifest.nodes).filter { node in
      guard node.isRelational, let database = node.database else { return false }
      return database.lowercased() != profile.database.lowercased()
    }
    guard !strangers.isEmpty else { return }
    throw Failure(
      .compilation,
      strangers.map { node in
        Diagnostic(
          id: "run.cross-database",
          message: "Cross-db references not allowed in postgres (\(node.database ?? "") vs "
            + "\(profile.database)): \(node.words)",
          span: node.source ?? node.declaration,
          hint: "a connection sees one database: use '\(profile.database)', or another target"
        )
      }
    )
  }

  /// Tells that hooks of the project are left out by `source freshness`.
  func warnOfHooksLeftOut(_ project: Project) throws {
    let hook = project.manifest.nodes.first { node in
      node.resourceType == .operation
        && ["on-run-start", "on-run-end"].contains(where: node.tags.contains)
    }
    guard let hook else { return }
    try events.warn(
      "SourceFreshnessProjectHooksNotRun",
      Diagnostic(
        id: "freshness.hooks",
        severity: .warning,
        message: "In a future version of dbt, the `source freshness` command will start running "
          + "`on-run-start` and `on-run-end` hooks by default.",
        span: hook.declaration ?? hook.source,
        hint: "set 'source_freshness_run_project_hooks: true' under 'flags:' in dbt_project.yml"
      )
    )
  }

  /// Returns whether a hook failed. `hasResults`: whether those at the end see what came of the nodes; as
  /// dbt, not where all of them were skipped because of a hook at the start.
  func runHooks(
    _ kind: String,
    _ state: RunState,
    _ main: NodeRunner,
    hasResults: Bool = true
  ) throws(Failure) -> Bool {
    let workspace = state.project.workspace
    let hooks = state.project.manifest.nodes.filter {
      $0.resourceType == .operation && $0.tags.contains(kind)
    }.sorted { a, b in
      let rootName = workspace.root.name
      if (a.packageName == rootName) != (b.packageName == rootName) {
        return a.packageName == rootName
      }
      return (a.packageName, a.hookIndex ?? 0) < (b.packageName, b.hookIndex ?? 0)
    }
    guard !hooks.isEmpty else { return false }
    if kind == "on-run-end" { events.emit(.formatting) }
    let session = state.mainSession("master")
    defer { session.release() }
    var failed = false
    // Hooks at the start are no results to those at the end, but for the one that failed.
    let results =
      hasResults
      ? state.results.filter { $0.node.resourceType != "operation" || $0.status == .error } : []
    for (index, hook) in hooks.enumerated() {
      let position = Position(index + 1, of: hooks.count)
      if failed {
        var info = NodeInfo(hook, workspace)
        info.label = NodeInfo.label(ofHook: hook, position)
        info.phase = .finished(.skipped)
        let result = NodeResult(
          node: info,
          status: .skipped,
          message: "\(info.label ?? hook.name) skipped",
          failures: 1,
          compiled: false
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
