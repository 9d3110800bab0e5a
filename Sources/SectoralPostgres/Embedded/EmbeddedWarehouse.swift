package import SectoralWarehouse
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The private server as a warehouse: it is started at the first connection, and kept alive as long
/// as the warehouse is there.
package final class EmbeddedWarehouse: Warehouse {
  package var adapterType: String { "postgres" }
  package let server: EmbeddedServer
  package let database: String

  private struct Address {
    var endpoint: EmbeddedEndpoint
    /// Counts the addresses that this warehouse has had, from 1.
    var generation: Int
  }

  private struct State {
    var lease: EmbeddedServerLease?
    var address: Address?
  }

  private let state = Mutex(State())
  private let traits = ServerTraits()
  private let adjust: @Sendable (inout PostgresCredentials) -> Void
  private let onNotice: (@Sendable (PostgresNotice, String) -> Void)?

  /// Starts nothing yet.
  ///
  /// - Parameters:
  ///   - server: Where it lives and how it is run.
  ///   - database: The project's database, which is made when it is not there.
  ///   - onNotice: As for `PostgresWarehouse`.
  ///   - adjust: Sets what the profile says beside the address, such as `search_path`.
  package init(
    server: EmbeddedServer,
    database: String,
    onNotice: (@Sendable (PostgresNotice, String) -> Void)? = nil,
    adjust: @escaping @Sendable (inout PostgresCredentials) -> Void = { _ in }
  ) {
    self.server = server
    self.database = database
    self.onNotice = onNotice
    self.adjust = adjust
  }

  package func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    try connect(name: name)
  }

  package func outcome(
    of transaction: TransactionMark
  ) throws(WarehouseError) -> TransactionOutcome {
    let connection = try connect(name: "outcome")
    defer { connection.close() }
    return try connection.outcome(of: transaction) { _ = sleep(UInt32($0)) }
  }

  /// Opens a connection; one thread starts the server, the others wait for it.
  package func connect(name: String) throws(WarehouseError) -> PostgresConnection {
    var failed = 0
    var attempts = 0
    while true {
      let address: Address
      do throws(EmbeddedServerError) {
        address = try self.address(after: failed)
      } catch {
        throw error.asWarehouseError
      }
      do throws(WarehouseError) {
        return try connect(to: address.endpoint, name: name)
      } catch {
        // The first address may be that of a server that is gone, the second is one we have seen;
        // the third is for a server that was stopped in between.
        attempts += 1
        guard Self.isAbsence(error), attempts < 3 else { throw error }
        failed = address.generation
      }
    }
  }

  // `generation` is that of an address which did not work; 0 for none.
  private func address(after generation: Int) throws(EmbeddedServerError) -> Address {
    try state.withLock { state throws(EmbeddedServerError) in
      if let address = state.address, address.generation > generation { return address }
      if state.lease == nil { state.lease = try server.holdLease() }
      let next = (state.address?.generation ?? 0) + 1
      let address: Address
      // A server that runs and knows the database costs one connection, the one that is wanted.
      if next == 1, let registered = server.registration()?.endpoint(of: server) {
        address = Address(endpoint: registered, generation: next)
      } else {
        address = Address(endpoint: try server.start(), generation: next)
        try server.ensureDatabase(named: database)
      }
      state.address = address
      return address
    }
  }

  /// The server's address, if this warehouse has connected.
  package var endpoint: EmbeddedEndpoint? { state.withLock { $0.address?.endpoint } }

  private func connect(
    to endpoint: EmbeddedEndpoint,
    name: String
  ) throws(WarehouseError)
    -> PostgresConnection
  {
    var credentials = endpoint.credentials(database: database)
    adjust(&credentials)
    return try PostgresConnection(
      credentials: credentials,
      name: name,
      traits: traits,
      onNotice: onNotice
    )
  }

  /// No server, one that starts or stops, or one that does not know the database yet.
  private static func isAbsence(_ error: WarehouseError) -> Bool {
    guard error.kind == .connection else { return false }
    return ["57P03", "57P01", "3D000", nil].contains(error.sqlState)
  }
}
