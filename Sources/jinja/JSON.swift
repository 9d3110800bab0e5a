import BigInt
import SectoralJinja

/// JSON as values of the template language.
struct JSONReader {
  struct Failure: Error {
    let message: String
    let offset: Int
  }

  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0

  static func value(of text: [UInt8]) throws(Failure) -> Value {
    var reader = JSONReader(bytes: text)
    let value = try reader.value()
    reader.skipSpace()
    guard reader.offset == text.count else {
      throw reader.failure("unexpected text behind the value")
    }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ message: String) -> Failure { Failure(message: message, offset: offset) }

  private var current: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  private mutating func skipSpace() {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard offset + length <= bytes.count else { return false }
    for index in 0..<length where bytes[offset + index] != word.utf8Start[index] { return false }
    offset += length
    return true
  }

  private mutating func value() throws(Failure) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth < 500 else { throw failure("nested too deeply") }
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    default: break
    }
    if take("null") { return .none }
    if take("true") { return .bool(true) }
    if take("false") { return .bool(false) }
    if take("NaN") { return .float(.nan) }
    if take("Infinity") { return .float(.infinity) }
    if take("-Infinity") { return .float(-.infinity) }
    return try number()
  }

  private mutating func number() throws(Failure) -> Value {
    let start = offset
    while offset < bytes.count, "0123456789+-.eE".utf8.contains(bytes[offset]) { offset += 1 }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if let int = Int(text) { return .int(int) }
    if !text.contains("."), !text.contains("e"), !text.contains("E"), let big = BigInt(text) {
      return .integer(big)
    }
    guard let double = Double(text) else { throw failure("not a JSON value") }
    return .float(double)
  }

  private mutating func array() throws(Failure) -> Value {
    offset += 1
    var items: [Value] = []
    skipSpace()
    if take("]") { return .list(items) }
    while true {
      items.append(try value())
      skipSpace()
      if take("]") { return .list(items) }
      guard take(",") else { throw failure("expected ',' or ']'") }
    }
  }

  private mutating func object() throws(Failure) -> Value {
    offset += 1
    let result = DictValue()
    skipSpace()
    if take("}") { return .dict(result) }
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw failure("expected ':'") }
      result[key] = try value()
      skipSpace()
      if take("}") { return .dict(result) }
      guard take(",") else { throw failure("expected ',' or '}'") }
    }
  }

  private mutating func string() throws(Failure) -> String {
    offset += 1
    var out: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        continue
      }
      let escape = current
      offset += 1
      switch escape {
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "u"):
        var code = try unit()
        if code >= 0xD800, code < 0xDC00, take("\\u") {
          let low = try unit()
          code =
            low >= 0xDC00 && low < 0xE000 ? 0x10000 + (code - 0xD800) << 10 + low - 0xDC00 : 0xFFFD
        }
        out += Array(String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
      default: out.append(escape)
      }
    }
    throw failure("unclosed string")
  }

  private mutating func unit() throws(Failure) -> UInt32 {
    guard offset + 4 <= bytes.count,
      let code = UInt32(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw failure("bad \\u escape") }
    offset += 4
    return code
  }
}

/// JSON text of strings, for answers.
enum JSONWriter {
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
