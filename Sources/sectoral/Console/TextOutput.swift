#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where text goes: a file descriptor, or a test's memory.
protocol TextOutput: Sendable {
  /// Writes all of it; false when the other end is gone or the disk is full.
  @discardableResult func write(_ text: String) -> Bool
}

/// A file descriptor that somebody else opened and closes.
struct FileDescriptor: TextOutput {
  let number: Int32

  static let standardOutput = FileDescriptor(number: STDOUT_FILENO)
  static let standardError = FileDescriptor(number: STDERR_FILENO)

  @discardableResult func write(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { buffer in
      var offset = 0
      while offset < buffer.count {
        let start = UnsafeRawBufferPointer(buffer).baseAddress.map { $0 + offset }
        let written = systemWrite(number, start, buffer.count - offset)
        if written < 0 {
          if errno == EINTR || errno == EAGAIN { continue }
          return false
        }
        offset += written
      }
      return true
    }
  }

  var isTerminal: Bool { isatty(number) == 1 }

  /// Columns of the terminal; nil when it is none or does not say.
  var columns: Int? {
    var size = winsize()
    guard ioctl(number, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

private func systemWrite(_ number: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
  #if canImport(Glibc)
  Glibc.write(number, start, count)
  #else
  Darwin.write(number, start, count)
  #endif
}
