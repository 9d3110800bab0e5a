import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Set once, by Ctrl-C or fail-fast; read by every worker between its steps.
package final class CancellationFlag: Sendable {
  private struct State {
    var isCancelled = false
    var handlers: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  package init() {}

  package var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Returns early on cancellation.
  func sleep(seconds: Double) {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: .milliseconds(Int(seconds * 1000)))
    while !isCancelled, clock.now < end { usleep(20_000) }
  }

  /// The first call runs the handlers, on the caller's thread.
  package func cancel() {
    let handlers = state.withLock { state -> [@Sendable () -> Void] in
      guard !state.isCancelled else { return [] }
      state.isCancelled = true
      defer { state.handlers = [] }
      return state.handlers
    }
    for handler in handlers { handler() }
  }

  /// Registers what is to happen on cancellation (`PQcancel` on every connection); runs it at once
  /// when that has come already.
  package func onCancel(_ handler: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state -> Bool in
      if state.isCancelled { return true }
      state.handlers.append(handler)
      return false
    }
    if isLate { handler() }
  }
}
