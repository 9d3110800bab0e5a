import SectoralProject

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Ctrl-C and termination: the first asks the run to stop, the second ends the process.
enum Interruption {
  /// The writing end of the pipe that the handler tells of a signal; set once, before the handler
  /// is installed, and only read afterwards.
  nonisolated(unsafe) private static var pipeEnd: Int32 = -1

  private final class Watcher: Sendable {
    let pipe: Int32
    let first: @Sendable () -> Void
    let second: @Sendable () -> Void

    init(pipe: Int32, first: @escaping @Sendable () -> Void, second: @escaping @Sendable () -> Void)
    {
      self.pipe = pipe
      self.first = first
      self.second = second
    }
  }

  /// - Parameters:
  ///   - first: Called on a thread of its own, which may wait.
  ///   - second: Called on another one; it is expected not to return.
  static func watch(
    first: @escaping @Sendable () -> Void,
    second: @escaping @Sendable () -> Void
  ) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    pipeEnd = ends[1]
    let watcher = Watcher(pipe: ends[0], first: first, second: second)
    let context = Unmanaged.passRetained(watcher).toOpaque()
    var thread = pthread_t()
    let status = pthread_create(
      &thread,
      nil,
      { context in
        // Balances passRetained above.
        guard let context else { return nil }
        let watcher = Unmanaged<Watcher>.fromOpaque(context).takeRetainedValue()
        Interruption.wait(watcher.pipe)
        // A server that is gone keeps it waiting; nobody else is to be.
        Threads.detached { watcher.first() }
        Interruption.wait(watcher.pipe)
        watcher.second()
        return nil
      },
      context
    )
    guard status == 0 else {
      Unmanaged<Watcher>.fromOpaque(context).release()
      return
    }
    pthread_detach(thread)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      var action = sigaction()
      #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = { Interruption.note($0) }
      #else
      action.__sigaction_u.__sa_handler = { Interruption.note($0) }
      #endif
      action.sa_flags = SA_RESTART
      // A signal that is ignored from the start (nohup) stays so.
      var former = sigaction()
      sigaction(number, nil, &former)
      #if canImport(Glibc)
      if former.__sigaction_handler.sa_handler.map({ unsafeBitCast($0, to: Int.self) }) == 1 {
        continue
      }
      #endif
      sigaction(number, &action, nil)
    }
  }

  /// In the signal handler: nothing but a write is allowed here.
  private static func note(_ number: Int32) {
    var byte = UInt8(truncatingIfNeeded: number)
    let error = errno
    _ = write(pipeEnd, &byte, 1)
    errno = error
  }

  private static func wait(_ pipe: Int32) {
    var byte: UInt8 = 0
    while read(pipe, &byte, 1) < 0, errno == EINTR {}
  }
}
