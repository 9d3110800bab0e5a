internal import CPostgres
internal import SectoralWarehouse
internal import Synchronization

/// Stops the statement that a connection is running, and only that one.
///
/// The lock is held while the request is on its way, and the connection takes it before and after
/// each statement: a request can neither be sent when nothing runs nor hit a later statement.
final class PostgresCanceller: StatementCanceller {
  /// Sendable because the key belongs to the canceller alone, which touches it under its lock.
  private struct State: ~Copyable, @unchecked Sendable {
    /// libpq's copy of the server's address and of the backend's key; nil after `close()`.
    var key: OpaquePointer?
    var isRunning = false
    var wasRequested = false
  }

  private let state: Mutex<State>

  init(connection: OpaquePointer) {
    state = Mutex(State(key: cpq_get_cancel(connection)))
  }

  func cancel() {
    state.withLock { state in
      guard state.isRunning, let key = state.key else { return }
      state.wasRequested = true
      // Whether it worked shows in how the statement ends.
      var words = [CChar](repeating: 0, count: 256)
      _ = cpq_cancel(key, &words, 256)
    }
  }

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
    state.withLock { state in
      state.isRunning = false
      return state.wasRequested
    }
  }

  func close() {
    state.withLock { state in
      if let key = state.key { cpq_free_cancel(key) }
      state.key = nil
    }
  }

  deinit { close() }
}
