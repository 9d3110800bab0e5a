internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// An advisory lock on a file (`flock`), held until it is released or the process ends, however it
/// ends.
final class FileLock: Sendable {
  enum Mode: Sendable { case shared, exclusive }

  /// -1 after the release.
  private let descriptor: Mutex<Int32>
  private let touchesAtEnd: Bool

  /// Locks the file, which is made when it is not there.
  ///
  /// - Parameters:
  ///   - path: The file; its contents do not matter.
  ///   - mode: Many can hold it shared, one exclusively.
  ///   - waits: Whether to wait until others release it.
  ///   - touches: Whether to note the time in the file, now and at the end.
  /// - Returns: nil when others hold it and there is no waiting.
  /// - Throws: `.directory` when there can be no such file.
  static func acquire(
    _ path: String,
    _ mode: Mode,
    waits: Bool,
    touches: Bool = false
  ) throws(EmbeddedServerError) -> FileLock? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw EmbeddedServerError(
        .directory,
        "cannot open \(path): \(systemMessage(errno))",
        hint: "check who owns the directory, and that the disk is not full"
      )
    }
    let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
    while flock(descriptor, operation) != 0 {
      if errno == EINTR { continue }
      let number = errno
      close(descriptor)
      if number == EWOULDBLOCK { return nil }
      throw EmbeddedServerError(
        .directory,
        "cannot lock \(path): \(systemMessage(number))",
        hint: "put the state directory on a local file system (SECTORAL_DB_HOME)"
      )
    }
    if touches { _ = futimens(descriptor, nil) }
    return FileLock(descriptor: descriptor, touchesAtEnd: touches)
  }

  private init(descriptor: Int32, touchesAtEnd: Bool) {
    self.descriptor = Mutex(descriptor)
    self.touchesAtEnd = touchesAtEnd
  }

  func release() {
    descriptor.withLock { descriptor in
      guard descriptor >= 0 else { return }
      if touchesAtEnd { _ = futimens(descriptor, nil) }
      close(descriptor)
      descriptor = -1
    }
  }

  /// Puts a text into the file instead of what is there.
  func write(_ text: String) {
    descriptor.withLock { descriptor in
      _ = ftruncate(descriptor, 0)
      var text = text
      text.withUTF8 { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }
  }

  /// Lets a program that this process turns into (`exec`) go on holding it.
  func surviveExecution() {
    descriptor.withLock { _ = fcntl($0, F_SETFD, 0) }
  }

  deinit { release() }
}

/// Keeps the private server from stopping while somebody uses it, until it is released.
package final class EmbeddedServerLease: Sendable {
  private let lock: FileLock

  init(_ lock: FileLock) { self.lock = lock }

  package func release() { lock.release() }

  /// Lets the program that this process turns into (`exec`) hold it further, as psql should.
  package func surviveExecution() { lock.surviveExecution() }
}
