#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Files and the two ways out.
enum System {
  /// nil: cannot be read. `-` is the standard input.
  static func read(_ path: String) -> [UInt8]? {
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { if descriptor != 0 { close(descriptor) } }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = readSome(descriptor, &buffer)
      guard count >= 0 else { return nil }
      if count == 0 { return result }
      result += buffer[..<count]
    }
  }

  private static func readSome(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
    #if canImport(Glibc)
    Glibc.read(descriptor, &buffer, buffer.count)
    #else
    Darwin.read(descriptor, &buffer, buffer.count)
    #endif
  }

  static func write(_ text: String, to descriptor: Int32 = 1) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count, let base = bytes.baseAddress {
        let count = systemWrite(descriptor, base + offset, bytes.count - offset)
        guard count > 0 else { exit(2) }
        offset += count
      }
    }
  }

  private static func systemWrite(
    _ descriptor: Int32,
    _ base: UnsafePointer<UInt8>,
    _ count: Int
  ) -> Int {
    #if canImport(Glibc)
    Glibc.write(descriptor, base, count)
    #else
    Darwin.write(descriptor, base, count)
    #endif
  }

  static func fail(_ message: String) -> Never {
    write(message + "\n", to: 2)
    exit(2)
  }
}
