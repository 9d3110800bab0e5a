import SectoralWarehouse
import Synchronization

/// Keeps connections for the next node: opening one costs the server five milliseconds, making one
/// as good as new a tenth of one.
///
/// A node still has its connection to itself, and finds nothing of the node before in it: neither
/// temporary tables nor settings nor a transaction.
final class ConnectionPool: Warehouse {
  private let warehouse: any Warehouse
  private let idle = Mutex<[Idle]>([])

  /// A connection that nobody uses.
  ///
  /// Unchecked: whoever takes it out of the list is the only one to have it.
  private struct Idle: @unchecked Sendable {
    let connection: any WarehouseConnection
  }

  init(_ warehouse: any Warehouse) { self.warehouse = warehouse }

  var adapterType: String { warehouse.adapterType }

  func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    if let kept = idle.withLock({ $0.popLast() }) {
      return Lent(kept.connection, self)
    }
    return Lent(try warehouse.open(name: name), self)
  }

  /// Closes what is kept; connections that are lent out are closed when they come back.
  func closeAll() {
    let kept = idle.withLock { idle in
      defer { idle = [] }
      return idle
    }
    for item in kept { item.connection.close() }
  }

  fileprivate func takeBack(_ connection: any WarehouseConnection) {
    do throws(WarehouseError) {
      try connection.resetSession()
      let item = Idle(connection: connection)
      idle.withLock { $0.append(item) }
    } catch {
      // A connection that cannot be made as good as new is no loss.
      connection.close()
    }
  }

  /// A connection of the pool in the hands of one node.
  private final class Lent: WarehouseConnection {
    private let connection: any WarehouseConnection
    private let pool: ConnectionPool
    private var isClosed = false

    init(_ connection: any WarehouseConnection, _ pool: ConnectionPool) {
      self.connection = connection
      self.pool = pool
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
    func resetSession() throws(WarehouseError) { try connection.resetSession() }

    func close() {
      guard !isClosed else { return }
      isClosed = true
      pool.takeBack(connection)
    }
  }
}
