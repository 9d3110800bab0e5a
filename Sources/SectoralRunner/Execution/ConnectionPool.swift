import SectoralProject
import SectoralWarehouse
import Synchronization

/// Keeps connections for the next node: opening one costs the server five milliseconds, making one
/// as good as new a tenth of one.
///
/// A node still has its connection to itself, and finds nothing of the node before in it: neither
/// temporary tables nor settings nor a transaction. While nodes follow on nodes, a session is made new
/// together with the next node's first statement; whoever has nothing to do calls `settle()`, so that
/// nobody waits for locks that an idle session holds.
final class ConnectionPool: Warehouse {
  private let warehouse: any Warehouse
  private let state = Mutex(State())

  private struct State {
    var idle: [Idle] = []
    /// Whether nodes follow on nodes.
    var isBusy = false
    var wasConnected = false
    var refusal: WarehouseError?
    var sessions: Set<Int> = []
  }

  /// A connection that nobody uses.
  ///
  /// Unchecked: whoever takes it out of the list is the only one to have it.
  private struct Idle: @unchecked Sendable {
    let connection: any WarehouseConnection
    /// Who had it last.
    let name: String
    /// Whether it has let go of all that its last node left behind.
    let isSettled: Bool
  }

  init(_ warehouse: any Warehouse) { self.warehouse = warehouse }

  var adapterType: String { warehouse.adapterType }
  var bulkLoader: (any BulkLoader)? { warehouse.bulkLoader }
  var queryCosts: (any QueryCostReader)? { warehouse.queryCosts }
  /// The sessions that were opened, as the server knows them.
  var serverSessions: [Int] { state.withLock { $0.sessions.sorted() } }

  func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    while true {
      if let kept = takeIdle(name) { return kept }
      if let connection = try openUnlessIdle(name) {
        return Lent(connection, self, as: name, formerly: nil)
      }
    }
  }

  /// Opens a connection; nil when that takes long and another one is free meanwhile: a pooler in front of the
  /// server may have no session for us but those that we keep.
  private func openUnlessIdle(_ name: String) throws(WarehouseError) -> (any WarehouseConnection)? {
    let start = ContinuousClock.now
    let isNeedless = SleepingMutex(false)
    let connection: any WarehouseConnection
    do throws(WarehouseError) {
      connection = try openFirst(name) { [self] in
        guard ContinuousClock.now - start > .seconds(1), state.withLock({ !$0.idle.isEmpty }) else {
          return false
        }
        isNeedless.withLock { $0 = true }
        return true
      }
    } catch {
      guard error.kind == .cancelled, isNeedless.withLock({ $0 }) else { throw error }
      return nil
    }
    let session = connection.serverSession
    state.withLock { state in
      state.wasConnected = true
      if let session { state.sessions.insert(session) }
    }
    return connection
  }

  /// A connection that nobody uses, and that is still one.
  private func takeIdle(_ name: String) -> Lent? {
    while let kept = state.withLock({ $0.idle.popLast() }) {
      if kept.connection.isDoubtful {
        do throws(WarehouseError) {
          try kept.connection.settleSession()
          _ = try kept.connection.execute("select 1", fetch: false, limit: nil)
        } catch {
          kept.connection.close()
          continue
        }
      }
      return Lent(kept.connection, self, as: name, formerly: kept.name)
    }
    return nil
  }

  /// A connection to a server that was there before, or is asked for the first time: where nobody
  /// answered, the nodes that follow do not wait for the same again.
  private func openFirst(
    _ name: String,
    unless isNeedless: @escaping @Sendable () -> Bool
  ) throws(WarehouseError) -> any WarehouseConnection {
    if let refusal { throw refusal }
    do throws(WarehouseError) { return try warehouse.open(name: name, unless: isNeedless) } catch {
      if error.kind == .connection, error.transience != .crowded {
        state.withLock { if !$0.wasConnected { $0.refusal = $0.refusal ?? error } }
      }
      throw error
    }
  }

  /// Why there was no connection; nil: there was one, or nobody asked.
  var refusal: WarehouseError? { state.withLock { $0.wasConnected ? nil : $0.refusal } }

  /// Whether a connection was ever had.
  var wasConnected: Bool { state.withLock { $0.wasConnected } }

  func outcome(
    of transaction: TransactionMark
  ) throws(WarehouseError) -> TransactionOutcome {
    try warehouse.outcome(of: transaction)
  }

  func end(session: Int) throws(WarehouseError) -> Bool { try warehouse.end(session: session) }

  func adviceOnLostCommit(session: Int?) -> String {
    warehouse.adviceOnLostCommit(session: session)
  }

  /// Whether nodes follow on nodes: what the sessions of the last ones hold is then let go together with
  /// the next ones' statements.
  func isBusy(_ isBusy: Bool) {
    state.withLock { $0.isBusy = isBusy }
    if !isBusy { settle() }
  }

  /// Makes the sessions that nobody uses let go of what they hold.
  func settle() {
    while let kept = state.withLock({ state in
      state.idle.firstIndex { !$0.isSettled }.map { state.idle.remove(at: $0) }
    }) {
      keep(kept.connection, kept.name, isSettled: true)
    }
  }

  /// Closes what is kept; connections that are lent out are closed when they come back. Returns who had
  /// them last.
  @discardableResult
  func closeAll() -> [String] {
    let kept = state.withLock { state in
      defer { state.idle = [] }
      return state.idle
    }
    for item in kept { item.connection.close() }
    return kept.map(\.name)
  }

  fileprivate func takeBack(_ connection: any WarehouseConnection, _ name: String) {
    do throws(WarehouseError) {
      try connection.resetSession()
      keep(connection, name, isSettled: !state.withLock { $0.isBusy })
    } catch {
      // A connection that cannot be made as good as new is no loss.
      connection.close()
    }
  }

  private func keep(_ connection: any WarehouseConnection, _ name: String, isSettled: Bool) {
    do throws(WarehouseError) {
      if isSettled { try connection.settleSession() }
      let item = Idle(connection: connection, name: name, isSettled: isSettled)
      state.withLock { $0.idle.append(item) }
    } catch {
      connection.close()
    }
  }

  /// A connection of the pool in the hands of one node.
  private final class Lent: WarehouseConnection {
    private let connection: any WarehouseConnection
    private let pool: ConnectionPool
    private let name: String
    let formerName: String?
    private var isClosed = false

    init(
      _ connection: any WarehouseConnection,
      _ pool: ConnectionPool,
      as name: String,
      formerly formerName: String?
    ) {
      self.connection = connection
      self.pool = pool
      self.name = name
      self.formerName = formerName
    }

    func execute(
      _ sql: String,
      fetch: Bool,
      limit: Int?
    ) throws(WarehouseError)
      -> (response: AdapterResponse, table: ResultTable)
    {
      try connection.execute(sql, fetch: fetch, limit: limit)
    }

    func execute(together texts: [String], fetch: Bool, limit: Int?) -> MessageResult {
      connection.execute(together: texts, fetch: fetch, limit: limit)
    }

    func copyIn(
      _ sql: String,
      next: () throws(WarehouseError) -> [UInt8]?
    )
      throws(WarehouseError) -> Int
    {
      try connection.copyIn(sql, next: next)
    }

    var canceller: any StatementCanceller { connection.canceller }
    var isInTransaction: Bool { connection.isInTransaction }
    var isUndoable: Bool { connection.isUndoable }
    func resetSession() throws(WarehouseError) { try connection.resetSession() }
    func settleSession() throws(WarehouseError) { try connection.settleSession() }
    var isDoubtful: Bool { connection.isDoubtful }
    func statement(choosingQueryGroup group: String?) -> String? {
      connection.statement(choosingQueryGroup: group)
    }
    var serverSession: Int? { connection.serverSession }
    // With the reset that follows.
    var leavesTransactionWhenClosed: Bool { true }

    func close() {
      guard !isClosed else { return }
      isClosed = true
      pool.takeBack(connection, name)
    }
  }
}
