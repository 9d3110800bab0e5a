internal import SectoralWarehouse
internal import Synchronization

/// What is known of a server, and of the way to it, once one connection has looked.
package final class ServerTraits: Sendable {
  struct Found: Sendable {
    /// A pooler stands in front: a transaction's session of the server is not the next one's.
    var isPooled: Bool
    /// Where it runs: `client_connection_check_interval` is refused elsewhere.
    var isLinux: Bool
  }

  private struct State {
    var found: Found?
    var refusesOptions = false
  }

  private let state = Mutex(State())

  package init() {}

  /// `look`: asks the server, if nobody has.
  func found(_ look: () throws(WarehouseError) -> Found) throws(WarehouseError) -> Found {
    if let known = state.withLock({ $0.found }) { return known }
    let found = try look()
    state.withLock { $0.found = found }
    return found
  }

  var refusesOptions: Bool { state.withLock { $0.refusesOptions } }
  func refuseOptions() { state.withLock { $0.refusesOptions = true } }
}
