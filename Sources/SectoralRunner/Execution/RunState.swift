import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Why a node is not run.
enum SkipReason: Sendable {
  case failed
  /// An ephemeral model, which has no result of its own: those that need it tell its error.
  case ephemeral(NodeResult)
}

/// What the workers of one run share.
final class RunState: Sendable {
  let engine: Engine
  let project: Engine.Project
  let pool: ConnectionPool
  private let groups: [String: DatumMap]
  let cache = RelationCache()
  let selectedResources: [String]
  /// How many nodes get a line of their own.
  let total: Int
  let isExecuting: Bool
  /// Told of every result at once; nil: nothing is executed, or no files are to be written.
  let journal: RunJournal?
  /// Nodes whose rows are asked for, to be printed.
  let shown: Set<String>

  private struct Shared {
    var results: [NodeResult] = []
    var nextIndex = 0
    var workersRun = false
    var previews: [String: QueryPreview] = [:]
    /// Ephemeral models whose files in target/compiled are written.
    var writtenEphemerals: Set<String> = []
    /// Why a node is not to run: the status of what failed above it.
    var skipped: [String: SkipReason] = [:]
    /// When sources were written last, of those that the database was asked of together.
    var lastModified: [String: LoadedAt] = [:]
    var cancellers: [ObjectIdentifier: any StatementCanceller] = [:]
    /// The node that each worker asked the database for last.
    var lastNodes: [String: String] = [:]
  }
  private let shared = SleepingMutex(Shared())

  init(
    engine: Engine,
    project: Engine.Project,
    warehouse: any Warehouse,
    selectedResources: [String] = [],
    total: Int = 0,
    isExecuting: Bool,
    shown: Set<String> = [],
    journal: RunJournal? = nil
  ) {
    self.shown = shown
    self.journal = journal
    self.engine = engine
    self.project = project
    pool = ConnectionPool(warehouse)
    groups = Dictionary(
      project.manifest.groups.map { ($0.name, Self.layout(ofGroup: $0)) },
      uniquingKeysWith: { first, _ in first }
    )
    self.selectedResources = selectedResources
    self.total = total
    self.isExecuting = isExecuting
  }

  /// Whether the file of an ephemeral model, which is compiled for others, is still to be written.
  func isFirstToWrite(_ uniqueID: String) -> Bool {
    shared.withLock { $0.writtenEphemerals.insert(uniqueID).inserted }
  }

  /// What events say of a node.
  func info(of node: Node) -> NodeInfo {
    var info = NodeInfo(node, project.workspace)
    if node.resourceType == .snapshot { info.snapshotConfig = node.config }
    guard !groups.isEmpty else { return info }
    // A generic test belongs to the group of what it tests.
    let tested = node.attachedNode.flatMap { project.compiler.manifest.node($0) }
    let name = node.config["group"]?.string ?? tested?.config["group"]?.string
    if let name { info.group = groups[name] }
    return info
  }

  /// As dbt's logs: whatever the owner has, as text.
  private static func layout(ofGroup group: PlainResource) -> DatumMap {
    let owner = (group.fields["owner"]?.map ?? [:]).entries.filter { !$0.value.isNull }
    return [
      "name": .string(group.name), "package_name": .string(group.packageName),
      "owner": .map(
        DatumMap(
          owner.map { (key: $0.key, value: .string($0.value.string ?? $0.value.pythonString)) }
        )
      ),
    ]
  }

  /// Whether no connection can be had, for any node.
  var isUnreachable: Bool { pool.refusal != nil }

  var queryCosts: (any QueryCostReader)? { pool.queryCosts }
  var serverSessions: [Int] { pool.serverSessions }

  deinit { closeConnections() }

  /// Closes the connections that nobody uses; whoever needs one later opens another.
  func closeConnections() {
    for name in pool.closeAll() { events.emit(.connectionClosedInCleanup(name: name)) }
  }

  var events: EventBus { engine.events }
  var flags: InvocationFlags { engine.flags }

  /// Keeps the rows of a node until all have run: `show`.
  func keep(_ preview: QueryPreview, of id: String) {
    shared.withLock { $0.previews[id] = preview }
  }

  func preview(of id: String) -> QueryPreview? { shared.withLock { $0.previews[id] } }

  func add(_ result: NodeResult) {
    shared.withLock { $0.results.append(result) }
    journal?.append(
      result.uniqueID,
      status: result.status.rawValue,
      batches: result.batchResults?.layout
    )
  }
  var results: [NodeResult] { shared.withLock { $0.results } }

  /// The results, which are no longer here.
  func takeResults() -> [NodeResult] {
    shared.withLock { shared in
      defer { shared.results = [] }
      return shared.results
    }
  }

  func keepLastModified(_ moments: [String: LoadedAt]) {
    shared.withLock { $0.lastModified = moments }
  }

  func lastModified(of id: String) -> LoadedAt? { shared.withLock { $0.lastModified[id] } }

  /// The running number of the next line.
  func nextPosition() -> Position {
    shared.withLock { shared in
      shared.nextIndex += 1
      return Position(shared.nextIndex, of: total)
    }
  }

  func skip(_ ids: [String], because reason: SkipReason) {
    shared.withLock { shared in
      for id in ids where shared.skipped[id] == nil { shared.skipped[id] = reason }
    }
  }

  /// The same, whatever was said of the nodes before.
  func skipAnew(_ ids: [String], because reason: SkipReason) {
    shared.withLock { shared in
      for id in ids { shared.skipped[id] = reason }
    }
  }

  /// nil: to be run.
  func skipReason(_ id: String) -> SkipReason? { shared.withLock { $0.skipped[id] } }

  /// A session for one node or job; its statements can be cancelled from outside.
  func session(
    _ name: String,
    node: NodeProgress?,
    thread: String,
    comment: QueryComments?,
    retries: Retries? = nil
  ) -> WarehouseSession {
    let events = events
    let resource = node.flatMap { project.compiler.manifest.node($0.info.uniqueID) }
    let source = comment?.source(connection: name, node: resource, thread: thread)
    let session = WarehouseSession(
      name: name,
      warehouse: pool,
      cache: cache,
      style: TransactionStyle(project.workspace),
      comment: { () throws(WarehouseError) in try source?.comment() },
      onEvent: { [adapterType = pool.adapterType, sslMode] event in
        Self.emit(event, of: adapterType, to: events, node: node?.info, thread: thread)
        if case .opened = event, let sslMode {
          let text = "Redshift adapter: Establishing connection using sslmode '\(sslMode)'"
          events.emit(.note(text), node: node?.info, thread: thread, level: .debug)
        }
      }
    )
    let retries = retries ?? Retries(of: nil, engine.invocation.environment)
    session.waits = { [weak self] error, attempt in
      self?.waits(error, attempt, retries, name: name, node: node?.info, thread: thread) ?? false
    }
    let key = ObjectIdentifier(session)
    if node != nil { shared.withLock { $0.lastNodes[thread] = name } }
    // Hooks at the end of a run go on where a node has stopped the others.
    let flag =
      node == nil ? engine.invocation.interruption : engine.invocation.cancellation
    session.isStopped = { flag.isCancelled }
    session.didOpen = { [weak self] canceller in
      self?.shared.withLock { $0.cancellers[key] = canceller }
      // Cancelled between the node's start and its connection: nothing may run on.
      if let canceller, self?.engine.invocation.cancellation.isCancelled ?? false {
        canceller.cancel()
      }
    }
    return session
  }

  /// What the profile says of TLS, which logs tell of Redshift's connections.
  private var sslMode: String? {
    guard pool.adapterType == "redshift" else { return nil }
    return project.workspace.profile.credentials["sslmode"]?.string ?? "prefer"
  }

  /// Whether the server was there at all.
  var wasConnected: Bool { pool.wasConnected }

  /// A session for a job of the main thread.
  func mainSession(_ name: String) -> WarehouseSession {
    session(
      name,
      node: nil,
      thread: Event.mainThread,
      comment: QueryComments(project.workspace)
    )
  }

  /// A context for a job of the main thread, on a session that the caller releases.
  func mainContext(_ session: WarehouseSession, node: Node? = nil) -> RunContext {
    let events = events
    return RunContext(
      RenderingThread(project.workspace, threadName: Event.mainThread),
      compiler: project.compiler,
      node: node,
      session: session,
      selectedResources: [],
      emit: { (event) throws(TemplateError) in
        try Engine.forward(event, to: events, node: nil, thread: Event.mainThread)
      }
    )
  }

  /// Cancels every running statement, and says so: as dbt of the last node of each worker, also where that
  /// has just ended.
  ///
  /// Again and again until the workers have ended: what was asked for between two statements of a
  /// node finds nothing to cancel, and the next statement may be a long one.
  func cancelAll() {
    // A server that is gone takes no request: its connections are given up.
    Threads.detached { [weak self] in
      usleep(5_000_000)
      while let self {
        for canceller in shared.withLock({ Array($0.cancellers.values) }) { canceller.abandon() }
        usleep(200_000)
      }
    }
    let nodes = shared.withLock { shared in
      defer { shared.lastNodes = [:] }
      return shared.lastNodes.values.sorted()
    }
    for name in nodes { events.emit(.logCancelLine(connectionName: name)) }
    cancelRunning()
    Threads.detached { [weak self] in
      while let self, shared.withLock({ $0.workersRun }) {
        usleep(50_000)
        cancelRunning()
      }
    }
  }

  /// Cancels what runs as soon as the nodes, or all, are to end.
  func listens() {
    let invocation = engine.invocation
    invocation.cancellation.onCancel { [weak self] in self?.cancelAll() }
    // After --fail-fast has stopped the nodes, hooks may still run.
    invocation.interruption.onCancel { [weak self] in self?.cancelAll() }
  }

  private func cancelRunning() {
    for canceller in shared.withLock({ Array($0.cancellers.values) }) { canceller.cancel() }
    // The server takes no notice of a request that overtakes its statement: ask again.
    usleep(50_000)
    for canceller in shared.withLock({ Array($0.cancellers.values) }) { canceller.cancel() }
  }

  /// While workers run, a cancellation is repeated; hooks at the end of a run are not to be met.
  func workersRun(_ run: Bool) {
    shared.withLock { $0.workersRun = run }
    pool.isBusy(run)
  }

  /// A worker has nothing to do: what sessions without a node hold is let go.
  func workerIsIdle() { pool.settle() }

  /// What a session did, as an event.
  static func emit(
    _ event: SessionEvent,
    of adapterType: String,
    to events: EventBus,
    node: NodeInfo?,
    thread: String
  ) {
    switch event {
    case .opened(let name, let former?):
      events.emit(.connectionReused(former: former, name: name), node: node, thread: thread)
    case .opened(let name, nil):
      events.emit(.newConnection(type: adapterType, name: name), node: node, thread: thread)
      events.emit(.newConnectionOpening(state: "init"), node: node, thread: thread)
    case .statement(let name, let sql):
      events.emit(.connectionUsed(type: adapterType, name: name), node: node, thread: thread)
      events.emit(.sqlQuery(connectionName: name, sql: sql), node: node, thread: thread)
    case .succeeded(_, let response, let elapsed):
      events.emit(
        .sqlQueryStatus(status: response.message, elapsed: elapsed.seconds),
        node: node,
        thread: thread
      )
    case .failed(_, let error, let elapsed):
      events.emit(
        .sqlQueryStatus(status: "ERROR: \(error.message)", elapsed: elapsed.seconds),
        node: node,
        thread: thread
      )
    case .committing(let name):
      events.emit(.sqlCommit(connectionName: name), node: node, thread: thread)
    case .rolledBack(let name):
      events.emit(.rollback(connectionName: name), node: node, thread: thread)
    case .closed(let name):
      events.emit(.connectionClosed(name: name), node: node, thread: thread)
    case .noted(let text):
      events.emit(.note(text), node: node, thread: thread, level: .warn)
    }
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}

extension TransactionStyle {
  init(_ workspace: Workspace) {
    let profile = workspace.profile
    let autocommits = profile.credentials["autocommit"]?.bool ?? (profile.type == "redshift")
    let behavior = workspace.invocation.behavior
    if profile.type == "redshift" {
      let skips = behavior["redshift_skip_autocommit_transaction_statements"]?.bool ?? false
      self =
        !autocommits
        ? .redshiftWithoutAutocommit : skips ? .redshiftWithoutTransactions : .redshift
    } else {
      let skips = behavior["postgres_skip_autocommit_transaction_statements"]?.bool ?? true
      self = autocommits && skips ? .postgresAutocommit : .postgres
    }
  }
}
