internal import CZlib

/// Unpacks gzip.
enum Gunzip {
  enum Problem: Error {
    case notGzip
    /// The data ends too early, or its check sum is wrong.
    case damaged
    case tooLarge
  }

  /// `limit`: How many bytes may come out: a small file can hold a very large one.
  static func unpack(_ bytes: [UInt8], limit: Int) throws(Problem) -> [UInt8] {
    guard bytes.starts(with: [0x1F, 0x8B]) else { throw .notGzip }
    var stream = z_stream()
    // 16 beside the window's 15: a gzip header is expected, and its check sum is checked.
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, size) == Z_OK else { throw .damaged }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    var status = Z_OK
    var input = bytes
    let isTooLarge = input.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress
      stream.avail_in = uInt(input.count)
      while true {
        let made = chunk.withUnsafeMutableBufferPointer { chunk in
          stream.next_out = chunk.baseAddress
          stream.avail_out = uInt(chunk.count)
          status = inflate(&stream, Z_NO_FLUSH)
          return chunk.count - Int(stream.avail_out)
        }
        output += chunk[..<made]
        if output.count > limit { return true }
        if status == Z_STREAM_END {
          // Several members may follow one another.
          guard stream.avail_in > 0, inflateReset(&stream) == Z_OK else { return false }
          guard stream.next_in.pointee == 0x1F else { return false }
          continue
        }
        if status != Z_OK || made == 0 && stream.avail_in == 0 { return false }
      }
    }
    if isTooLarge { throw .tooLarge }
    guard status == Z_STREAM_END else { throw .damaged }
    return output
  }
}
