import CCrypto

/// Digests as lower-case hexadecimal text.
public enum Digest {
  public static func sha256(_ bytes: some Sequence<UInt8>) -> String {
    hexadecimal(of: bytes, length: 32, sectoral_sha256)
  }

  public static func sha1(_ bytes: some Sequence<UInt8>) -> String {
    hexadecimal(of: bytes, length: 20, sectoral_sha1)
  }

  public static func md5(_ bytes: some Sequence<UInt8>) -> String {
    hexadecimal(of: bytes, length: 16, sectoral_md5)
  }

  /// The code of a message under a key, as 32 bytes (RFC 2104).
  public static func hmacSHA256(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: 32)
    Array(message).withUnsafeBufferPointer { message in
      key.withUnsafeBufferPointer { key in
        sectoral_hmac_sha256(
          key.baseAddress,
          key.count,
          message.baseAddress,
          message.count,
          &output
        )
      }
    }
    return output
  }

  /// Bytes as lower-case hexadecimal text.
  public static func hexadecimal(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      let digits: StaticString = "0123456789abcdef"
      for (index, byte) in bytes.enumerated() {
        text[index * 2] = digits.utf8Start[Int(byte >> 4)]
        text[index * 2 + 1] = digits.utf8Start[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }

  private static func hexadecimal(
    of bytes: some Sequence<UInt8>,
    length: Int,
    _ digest: (UnsafeRawPointer?, Int, UnsafeMutablePointer<UInt8>?) -> Void
  ) -> String {
    var output = [UInt8](repeating: 0, count: length)
    let contiguous: Void? = bytes.withContiguousStorageIfAvailable { buffer in
      digest(buffer.baseAddress, buffer.count, &output)
    }
    if contiguous == nil {
      Array(bytes).withUnsafeBufferPointer { digest($0.baseAddress, $0.count, &output) }
    }
    return hexadecimal(output)
  }
}
