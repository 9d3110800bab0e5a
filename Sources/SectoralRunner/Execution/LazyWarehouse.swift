import SectoralProject
import SectoralText
import SectoralWarehouse
import Synchronization

/// The profile's database, opened when somebody first needs it: a compile that queries nothing starts
/// no server.
final class LazyWarehouse: Warehouse {
  let adapterType: String
  private let provider: any WarehouseProvider
  private let profile: Profile
  private let isForbidden: Bool
  private let opened = Mutex<(any Warehouse)?>(nil)
  private let early = Mutex<Threads.Job<Early>?>(nil)
  private let first = Mutex<FirstConnection?>(nil)

  /// What came of connecting beforehand; no connection where the database could not be opened.
  private typealias Early = (opened: Result<Void, Failure>, connection: FirstConnection?)

  /// The connection that was opened beforehand, or why there is none.
  ///
  /// Unchecked: whoever takes it is the only one to have it.
  private struct FirstConnection: @unchecked Sendable {
    let result: Result<any WarehouseConnection, WarehouseError>
  }

  /// `isForbidden`: nothing may be asked (`--no-introspect`); whoever tries meets an error.
  init(_ provider: any WarehouseProvider, _ profile: Profile, isForbidden: Bool = false) {
    self.provider = provider
    self.profile = profile
    self.isForbidden = isForbidden
    adapterType = profile.type
  }

  /// Begins to connect, for a command that surely will: meanwhile the project is read. The first who opens a
  /// connection gets that one, and its error if there was one.
  func prepare() {
    let job = Threads.begin { [self] () -> Early in
      do throws(Failure) { try openDatabase() } catch { return (.failure(error), nil) }
      guard let warehouse = opened.withLock({ $0 }) else { preconditionFailure("just opened") }
      let connection = Result { () throws(WarehouseError) in try warehouse.open(name: "master") }
      return (.success(()), FirstConnection(result: connection))
    }
    early.withLock { $0 = job }
  }

  /// Starts what must be started, with the errors that a command should end with.
  func connect() throws(Failure) {
    if let job = early.withLock({ $0.take() }) {
      let (opened, connection) = job.wait()
      first.withLock { $0 = connection }
      try opened.get()
    }
    try openDatabase()
  }

  private func openDatabase() throws(Failure) {
    let result = opened.withLock { opened -> Result<Void, Failure> in
      guard opened == nil else { return .success(()) }
      do throws(Failure) {
        opened = try provider.warehouse(for: profile)
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Of the database, once a connection has been opened.
  var bulkLoader: (any BulkLoader)? { opened.withLock { $0 }?.bulkLoader }

  var queryCosts: (any QueryCostReader)? { opened.withLock { $0 }?.queryCosts }

  func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    try open(name: name, unless: { false })
  }

  func open(
    name: String,
    unless isNeedless: @escaping @Sendable () -> Bool
  ) throws(WarehouseError) -> any WarehouseConnection {
    let warehouse = try started()
    if let first = first.withLock({ $0.take() }) { return try first.result.get() }
    return try warehouse.open(name: name, unless: isNeedless)
  }

  func outcome(
    of transaction: TransactionMark
  ) throws(WarehouseError) -> TransactionOutcome {
    try started().outcome(of: transaction)
  }

  func end(session: Int) throws(WarehouseError) -> Bool { try started().end(session: session) }

  /// Of the database that the session was of.
  func adviceOnLostCommit(session: Int?) -> String {
    opened.withLock { $0 }?.adviceOnLostCommit(session: session) ?? ""
  }

  private func started() throws(WarehouseError) -> any Warehouse {
    guard !isForbidden else {
      throw WarehouseError(
        kind: .statement,
        message: "connection never acquired for thread: --no-introspect allows no queries here",
        hint: "leave --no-introspect out, or guard the query with a flag of your own"
      )
    }
    do throws(Failure) { try connect() } catch {
      throw WarehouseError(
        kind: .connection,
        message: error.diagnostics.map(\.message).joined(separator: "\n"),
        hint: error.diagnostics.first?.hint
      )
    }
    guard let warehouse = opened.withLock({ $0 }) else { preconditionFailure("just opened") }
    return warehouse
  }
}
