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

  /// `isForbidden`: nothing may be asked (`--no-introspect`); whoever tries meets an error.
  init(_ provider: any WarehouseProvider, _ profile: Profile, isForbidden: Bool = false) {
    self.provider = provider
    self.profile = profile
    self.isForbidden = isForbidden
    adapterType = profile.type
  }

  /// Starts what must be started, with the errors that a command should end with.
  func connect() throws(Failure) {
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
    try started().open(name: name)
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
