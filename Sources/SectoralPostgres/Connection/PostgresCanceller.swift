internal import CPostgres
internal import SectoralWarehouse
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Stops the statement that a connection is running, and only that one.
///
/// The lock is held while the request is on its way, and the connection takes it before and after
/// each statement: a request can neither be sent when nothing runs nor hit a later statement. A request to a
/// server that is gone holds it for minutes; `abandon()` does without.
final class PostgresCanceller: StatementCanceller {
  /// Sendable because the key belongs to the canceller alone, which touches it under its lock.
  private struct State: ~Copyable, @unchecked Sendable {
    /// libpq's copy of the server's address and of the backend's key; nil after `close()`.
    var key: OpaquePointer?
    var isRunning = false
    var wasRequested = false
  }

  /// The connection itself.
  private struct Link {
    /// nil after `close()`.
    var socket: Int32?
    /// A request went out, and nobody has taken it yet.
    var isUnheard = false
    var isAbandoned = false
  }

  private let state: Mutex<State>
  private let link: Mutex<Link>

  init(connection: OpaquePointer) {
    state = Mutex(State(key: cpq_get_cancel(connection)))
    link = Mutex(Link(socket: cpq_socket(connection)))
  }

  func cancel() {
    state.withLock { state in
      guard state.isRunning, let key = state.key else { return }
      state.wasRequested = true
      link.withLock { $0.isUnheard = true }
      // Whether it worked shows in how the statement ends.
      var words = [CChar](repeating: 0, count: 256)
      let wasHeard = cpq_cancel(key, &words, 256) == 1
      link.withLock { $0.isUnheard = !wasHeard }
    }
  }

  func abandon() {
    link.withLock { link in
      guard link.isUnheard, let socket = link.socket else { return }
      link.isAbandoned = true
      // Whoever waits for the answer meets the end of the connection.
      _ = shutdown(socket, Int32(SHUT_RDWR))
    }
  }

  private var isAbandoned: Bool { link.withLock { $0.isAbandoned } }

  /// Whether the running statement should stop; for loops on our side.
  var isRequested: Bool { state.withLock { $0.wasRequested } }

  func statementBegins() {
    state.withLock { state in
      state.isRunning = true
      state.wasRequested = false
    }
  }

  /// - Returns: whether it was asked to stop.
  func statementEnded() -> Bool {
    // The request may still be on its way.
    if isAbandoned { return true }
    return state.withLock { state in
      state.isRunning = false
      return state.wasRequested
    }
  }

  func close() {
    let isAbandoned = link.withLock { link in
      link.socket = nil
      return link.isAbandoned
    }
    // Whoever still sends the request has the key.
    if isAbandoned { return }
    state.withLock { state in
      if let key = state.key { cpq_free_cancel(key) }
      state.key = nil
    }
  }

  deinit { close() }
}
