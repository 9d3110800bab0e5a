import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// Refuses a `show` that says of nothing what is to be shown.
  func checkShow() throws(Failure) {
    guard flags.select.isEmpty, flags.selector == nil, flags.inline == nil,
      invocation.retried == nil
    else { return }
    throw Failure(
      .runtime,
      Diagnostic(
        id: "show.nothing",
        message: "Either --select or --inline must be passed to show",
        hint: "for instance: sectoral show --select orders"
      )
    )
  }

  /// `show --inline-direct`: sends a text as it is, without reading the project's resources.
  func showDirect(_ sql: String) throws -> ExitStatus {
    let workspace = try loadWorkspace()
    guard workspace.profile.problems.isEmpty else { throw Failures(workspace.profile.problems) }
    events.emit(
      .adapterRegistered(
        name: workspace.profile.type,
        version: Self.adapterVersion(workspace.profile.type)
      )
    )
    let name = "show"
    let events = events
    let comment = QueryComments(workspace)
      .source(connection: name, node: nil, thread: Event.mainThread)
    let session = WarehouseSession(
      name: name,
      warehouse: LazyWarehouse(provider, workspace.profile),
      cache: RelationCache(),
      style: TransactionStyle(workspace),
      comment: { () throws(WarehouseError) in try comment?.comment() },
      onEvent: { event in
        RunState.emit(
          event,
          of: workspace.profile.type,
          to: events,
          node: nil,
          thread: Event.mainThread
        )
      }
    )
    defer { session.release() }
    let cancellation = invocation.cancellation
    session.didOpen = { canceller in
      guard let canceller else { return }
      cancellation.onCancel { canceller.cancel() }
    }
    do throws(WarehouseError) {
      let table = try session.execute(
        sql,
        fetch: true,
        limit: flags.limit < 0 ? nil : flags.limit
      ).table
      let preview = Preview(
        nodeName: nil,
        uniqueID: "direct-query",
        table: table,
        format: flags.printFormat
      )
      events.emit(.showNode(preview))
    } catch {
      throw Failure(.database, Diagnostic(id: "show.direct", message: error.message))
    }
    return .success
  }

  // MARK: compile and show

  func present(_ state: RunState, _ nodes: [Node]) {
    if [.compile, .docsGenerate].contains(invocation.command) {
      for node in named(among: nodes) {
        events.emit(
          .compiledNode(
            name: node.name,
            // A seed has none.
            sql: node.compiledCode ?? "",
            format: flags.printFormat,
            uniqueID: node.uniqueID
          )
        )
      }
      return
    }
    for node in nodes where !state.shown.contains(node.uniqueID) {
      events.emit(.note("Excluded node '\(node.name)' from results"), level: .debug)
    }
    for node in nodes {
      let version = node.version.map { ".v\($0.pythonText)" } ?? ""
      show(node, name: node.name + version, state)
    }
  }

  /// dbt prints the nodes that the selection names; ours, too, where it only describes them.
  private func named(among nodes: [Node]) -> [Node] {
    nodes.filter { node in flags.select.contains { $0.contains(node.name) } }
  }

  /// The ids of those whose rows `show` asks for.
  func shown(among nodes: [Node]) -> Set<String> {
    guard invocation.command == .show else { return [] }
    let named = named(among: nodes)
    let shown = named.isEmpty ? nodes.filter { $0.resourceType != .test } : named
    return Set(shown.map(\.uniqueID))
  }

  /// Prints the rows of a node.
  private func show(_ node: Node, name: String?, _ state: RunState) {
    guard let preview = state.preview(of: node.uniqueID) else { return }
    events.emit(
      .showNode(
        Preview(
          nodeName: name,
          uniqueID: node.uniqueID,
          table: preview.table,
          format: flags.printFormat
        )
      )
    )
  }

  /// Shows rows of the seeds that were loaded, in the order in which they were.
  func showSeeds(_ state: RunState, _ nodes: [Node]) throws {
    let byID = Dictionary(uniqueKeysWithValues: nodes.map { ($0.uniqueID, $0) })
    for result in state.results where !result.status.isFailure {
      guard let node = byID[result.uniqueID], node.resourceType == .seed else { continue }
      let session = state.mainSession(node.uniqueID)
      defer { session.release() }
      let relation = state.project.workspace.relation(of: node)
      do throws(WarehouseError) {
        let sql = "select * from \(relation.rendered) order by random() limit 10"
        let table = try session.execute(sql, fetch: true).table
        let name = "\(node.schema ?? "").\(node.alias)"
        events.emit(.formatting)
        events.emit(.seedHeader(relation: name))
        events.emit(.seedRule(relation: name))
        events.emit(.seedSample(table))
        events.emit(.formatting)
      } catch {
        throw Failure(
          .database,
          subject: node.words,
          Diagnostic(id: "seed.show", message: error.message)
        )
      }
    }
  }

  func runInline(_ project: Project) throws -> ExitStatus {
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
      warehouse: project.warehouse,
      isExecuting: false,
      shown: shown(among: [node])
    )
    state.listens()
    try prepareDeferral(project, project.graph.emptySet)
    if asksWithoutExecuting { try reachServer(state) }
    let runner = NodeRunner(
      state,
      threadName: "Thread-1 (worker)",
      comments: QueryComments(project.workspace)
    )
    let executionStart = events.now
    var result = runner.run(node)
    if let preview = state.preview(of: node.uniqueID) { result.compiledCode = preview.sql }
    state.closeConnections()
    // Those of `show` are written once its rows are there: whatever fails leaves none.
    if invocation.command != .show || result.status == .success {
      try writeResults([result], project, elapsed: events.now.seconds(since: startedAt))
    }
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
    events.emit(
      .endRunResult([result], success: true, elapsed: events.now.seconds(since: executionStart))
    )
    tellOfResults(project)
    if invocation.command == .show {
      show(node, name: nil, state)
    } else {
      events.emit(
        .compiledNode(
          name: nil,
          sql: sql,
          format: flags.printFormat,
          uniqueID: node.uniqueID
        )
      )
    }
    return .success
  }
}
