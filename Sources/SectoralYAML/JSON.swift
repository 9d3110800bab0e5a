import SectoralText

/// JSON as Python's `json` module reads and writes it.
public enum JSON {
  /// Deeper nesting is refused, so that no input can exhaust the stack.
  public static let maximumDepth = 512

  /// The text of `json.dumps(value)`: `{"a": 1, "b": null}`; dates become their ISO text.
  ///
  /// `asciiOnly` writes everything beyond ASCII as `\uXXXX`, as `ensure_ascii` does.
  public static func text(
    of datum: Datum,
    sortKeys: Bool = false,
    asciiOnly: Bool = true
  ) -> String {
    var buffer = JSONBuffer(asciiOnly: asciiOnly)
    buffer.append(datum, sortKeys: sortKeys)
    return String(decoding: buffer.finish(), as: UTF8.self)
  }

  public static func parse(_ text: String) throws(JSONError) -> Datum {
    try parse(Array(text.utf8))
  }

  /// Reads UTF-8; invalid sequences in texts become U+FFFD, a byte order mark is skipped.
  public static func parse(_ bytes: [UInt8]) throws(JSONError) -> Datum {
    let result: Result<Datum, JSONError> = bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(bytes: buffer)
      do throws(JSONError) {
        return .success(try parser.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// Why a text is no JSON, in Python's words.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  /// `Expecting ',' delimiter`.
  public let message: String
  public let byteOffset: Int
  /// From 1, in characters.
  public let line: Int
  public let column: Int
  /// From 0, in characters.
  public let characterOffset: Int

  /// `Expecting value: line 1 column 1 (char 0)`.
  public var description: String {
    "\(message): line \(line) column \(column) (char \(characterOffset))"
  }
}

/// Bytes of JSON under construction.
///
/// The array is longer than what was written, so that an addition is a bounds check and a copy
/// (half the time of appending to it, measured on a manifest of 26 MB).
public struct JSONBuffer: Sendable {
  private var storage: [UInt8]
  private var count = 0
  private let asciiOnly: Bool

  public init(asciiOnly: Bool, capacity: Int = 256) {
    self.asciiOnly = asciiOnly
    storage = Self.room(max(64, capacity))
  }

  /// What was written so far: a copy.
  public var bytes: [UInt8] { Array(storage[..<count]) }

  /// What was written, without a copy; the buffer is empty afterwards.
  public mutating func finish() -> [UInt8] {
    var bytes: [UInt8] = []
    swap(&bytes, &storage)
    bytes.removeLast(bytes.count - count)
    count = 0
    return bytes
  }

  /// Appends text that is JSON already.
  public mutating func append(raw text: StaticString) {
    append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func append(_ value: Int) { append(digits: value.description) }

  public mutating func append(_ value: Bool) {
    if value { append(raw: "true") } else { append(raw: "false") }
  }

  public mutating func append(_ value: Double) {
    if value.isNaN {
      append(raw: "NaN")
    } else if value.isInfinite {
      if value < 0 { append(raw: "-Infinity") } else { append(raw: "Infinity") }
    } else {
      append(digits: value.description)
    }
  }

  public mutating func append(_ datum: Datum, sortKeys: Bool = false) {
    switch datum {
    case .null: append(raw: "null")
    case .bool(let bool): append(bool)
    case .int(let int): append(int)
    case .bigInt(let text): append(digits: text)
    case .float(let double): append(double)
    case .string(let text), .date(let text): append(quoted: text)
    case .list(let items):
      append(raw: "[")
      var isFirst = true
      for item in items {
        if isFirst { isFirst = false } else { append(raw: ", ") }
        append(item, sortKeys: sortKeys)
      }
      append(raw: "]")
    case .map(let map):
      append(raw: "{")
      var isFirst = true
      for (key, value) in sortKeys ? map.sortedEntries : map.entries {
        if isFirst { isFirst = false } else { append(raw: ", ") }
        append(quoted: key)
        append(raw: ": ")
        append(value, sortKeys: sortKeys)
      }
      append(raw: "}")
    }
  }

  /// Appends a text in quotes, escaped as far as need be.
  public mutating func append(quoted text: String) {
    var text = text
    text.withUTF8 { utf8 in
      let end = firstSpecial(in: utf8, from: 0)
      if end == utf8.count {
        makeRoom(utf8.count + 2)
        storage.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          base[count] = UInt8(ascii: "\"")
          if let start = utf8.baseAddress { (base + count + 1).update(from: start, count: end) }
          base[count + end + 1] = UInt8(ascii: "\"")
        }
        count += end + 2
      } else {
        append(raw: "\"")
        append(escaping: utf8, firstSpecial: end)
        append(raw: "\"")
      }
    }
  }

  // MARK: Storage

  private static func room(_ capacity: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: capacity) { $1 = capacity }
  }

  private mutating func makeRoom(_ added: Int) {
    guard count + added > storage.count else { return }
    var larger = Self.room(max(count + added, 2 * storage.count))
    larger.withUnsafeMutableBufferPointer { target in
      storage.withUnsafeBufferPointer { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        target.update(from: source, count: count)
      }
    }
    storage = larger
  }

  private mutating func append(_ utf8: UnsafeBufferPointer<UInt8>) {
    guard let start = utf8.baseAddress else { return }
    makeRoom(utf8.count)
    storage.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      (base + count).update(from: start, count: utf8.count)
    }
    count += utf8.count
  }

  private mutating func append(digits text: String) {
    var text = text
    text.withUTF8 { append($0) }
  }

  // MARK: Escapes

  private mutating func append(
    escaping utf8: UnsafeBufferPointer<UInt8>,
    firstSpecial: Int
  ) {
    var start = 0
    var index = firstSpecial
    while true {
      append(UnsafeBufferPointer(rebasing: utf8[start..<index]))
      guard index < utf8.count else { return }
      start = appendEscape(of: utf8, at: index)
      index = self.firstSpecial(in: utf8, from: start)
    }
  }

  /// The offset of the first byte that cannot stand as it is; eight bytes a step.
  private func firstSpecial(in utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var index = start
    let ones: UInt64 = 0x0101_0101_0101_0101
    let high: UInt64 = 0x8080_8080_8080_8080
    let base = UnsafeRawPointer(utf8.baseAddress)
    while index + 8 <= utf8.count, let base {
      let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      // A zero byte of x shows as a high bit of (x - ones) & ~x.
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let delete = word ^ (ones &* 0x7F)
      var special = ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
      special |= (word &- (ones &* 0x20)) & ~word
      if asciiOnly { special |= word | ((delete &- ones) & ~delete) }
      if special & high != 0 { break }
      index += 8
    }
    while index < utf8.count, !isSpecial(utf8[index]) { index += 1 }
    return index
  }

  private func isSpecial(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
      || (asciiOnly && byte >= 0x7F)
  }

  /// Appends the escape of the character at `index` and returns the offset of the next one.
  private mutating func appendEscape(of utf8: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    switch utf8[index] {
    case UInt8(ascii: "\""): append(raw: "\\\"")
    case UInt8(ascii: "\\"): append(raw: "\\\\")
    case UInt8(ascii: "\n"): append(raw: "\\n")
    case UInt8(ascii: "\r"): append(raw: "\\r")
    case UInt8(ascii: "\t"): append(raw: "\\t")
    case 0x08: append(raw: "\\b")
    case 0x0C: append(raw: "\\f")
    case let byte where byte < 0x80: append(escape: UInt16(byte))
    default:
      var end = index + 1
      while end < utf8.count, utf8[end] & 0xC0 == 0x80 { end += 1 }
      // The text is a String's, so it is one whole scalar.
      for unit in String(decoding: utf8[index..<end], as: UTF8.self).utf16 { append(escape: unit) }
      return end
    }
    return index + 1
  }

  private mutating func append(escape unit: UInt16) {
    append(raw: "\\u")
    for shift in [12, 8, 4, 0] as [UInt16] {
      let digit = UInt8(truncatingIfNeeded: unit >> shift) & 15
      makeRoom(1)
      storage[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      count += 1
    }
  }
}

extension DatumMap {
  /// Entries by key in the order of code points, as Python sorts them.
  var sortedEntries: [(key: String, value: Datum)] {
    entries.sorted { $0.key.precedesByCodePoints($1.key) }
  }
}

/// A recursive-descent reader.
struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  var at = 0
  var depth = 0

  init(bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
  }

  mutating func document() throws(JSONError) -> Datum {
    skipBlanks()
    let value = try value()
    skipBlanks()
    if at < bytes.count { throw error("Extra data", at) }
    return value
  }

  mutating func value() throws(JSONError) -> Datum {
    guard at < bytes.count else { throw error("Expecting value", at) }
    switch bytes[at] {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "t") where skip("true"): return .bool(true)
    case UInt8(ascii: "f") where skip("false"): return .bool(false)
    case UInt8(ascii: "n") where skip("null"): return .null
    case UInt8(ascii: "N") where skip("NaN"): return .float(.nan)
    case UInt8(ascii: "I") where skip("Infinity"): return .float(.infinity)
    case UInt8(ascii: "-") where skip("-Infinity"): return .float(-.infinity)
    default: return try number()
    }
  }

  mutating func enter() throws(JSONError) {
    depth += 1
    if depth > JSON.maximumDepth {
      throw error("Nested more than \(JSON.maximumDepth) deep", at)
    }
    at += 1
    skipBlanks()
  }

  private mutating func array() throws(JSONError) -> Datum {
    var items: [Datum] = []
    try members(until: UInt8(ascii: "]")) { (parser) throws(JSONError) in
      items.append(try parser.value())
    }
    return .list(items)
  }

  private mutating func object() throws(JSONError) -> Datum {
    var entries: [(key: String, value: Datum)] = []
    try members(until: UInt8(ascii: "}")) { (parser) throws(JSONError) in
      let key = try parser.key()
      entries.append((key, try parser.value()))
    }
    return .map(DatumMap(lastWins: entries))
  }

  /// A member's name, the colon and the blanks behind it.
  mutating func key() throws(JSONError) -> String {
    guard peek == UInt8(ascii: "\"") else {
      throw error("Expecting property name enclosed in double quotes", at)
    }
    let key = try string()
    skipBlanks()
    guard peek == UInt8(ascii: ":") else { throw error("Expecting ':' delimiter", at) }
    at += 1
    skipBlanks()
    return key
  }

  /// What stands between commas, up to and including the closing bracket.
  private mutating func members(
    until close: UInt8,
    _ member: (inout Self) throws(JSONError) -> Void
  ) throws(JSONError) {
    try enter()
    defer { depth -= 1 }
    if peek == close {
      at += 1
      return
    }
    while true {
      try member(&self)
      skipBlanks()
      if peek == close {
        at += 1
        return
      }
      guard peek == UInt8(ascii: ",") else { throw error("Expecting ',' delimiter", at) }
      at += 1
      skipBlanks()
    }
  }

  private mutating func number() throws(JSONError) -> Datum {
    let start = at
    if peek == UInt8(ascii: "-") { at += 1 }
    let digitsStart = at
    skipDigits()
    guard at > digitsStart else {
      at = start
      throw error("Expecting value", start)
    }
    // A leading zero stands alone; what follows it is "extra data".
    if bytes[digitsStart] == UInt8(ascii: "0") { at = digitsStart + 1 }
    var isFloat = false
    if peek == UInt8(ascii: "."), at + 1 < bytes.count, isDigit(bytes[at + 1]) {
      isFloat = true
      at += 1
      skipDigits()
    }
    if let marker = peek, marker | 0x20 == UInt8(ascii: "e") {
      var digits = at + 1
      if digits < bytes.count,
        bytes[digits] == UInt8(ascii: "+") || bytes[digits] == UInt8(ascii: "-")
      {
        digits += 1
      }
      if digits < bytes.count, isDigit(bytes[digits]) {
        isFloat = true
        at = digits
        skipDigits()
      }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isFloat { return .float(Double(text) ?? .nan) }
    return Int(text).map { .int($0) } ?? .bigInt(text)
  }

  mutating func string() throws(JSONError) -> String {
    let start = at
    at += 1
    var run = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"),
      bytes[at] >= 0x20
    { at += 1 }
    if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
      at += 1
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[run..<at - 1]), as: UTF8.self)
    }
    var text: [UInt8] = []
    while true {
      guard at < bytes.count else { throw error("Unterminated string starting at", start) }
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") { break }
      if byte < 0x20 { throw error("Invalid control character at", at) }
      if byte == UInt8(ascii: "\\") {
        text.append(contentsOf: bytes[run..<at])
        try escape(into: &text, stringStart: start)
        run = at
      } else {
        at += 1
      }
    }
    text.append(contentsOf: bytes[run..<at])
    at += 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func escape(
    into text: inout [UInt8],
    stringStart: Int
  ) throws(JSONError) {
    guard at + 1 < bytes.count else {
      throw error("Unterminated string starting at", stringStart)
    }
    let marker = bytes[at + 1]
    at += 2
    switch marker {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(marker)
    case UInt8(ascii: "n"): text.append(UInt8(ascii: "\n"))
    case UInt8(ascii: "r"): text.append(UInt8(ascii: "\r"))
    case UInt8(ascii: "t"): text.append(UInt8(ascii: "\t"))
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      var scalar = Unicode.Scalar(unit)
      if unit & 0xFC00 == 0xD800, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
        bytes[at + 1] == UInt8(ascii: "u")
      {
        let mark = at
        at += 2
        let low = try codeUnit()
        if low & 0xFC00 == 0xDC00 {
          scalar = Unicode.Scalar(0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF))
        } else {
          at = mark
        }
      }
      // Python keeps half a surrogate pair; a Swift text cannot.
      text.append(contentsOf: String(scalar ?? "\u{FFFD}").utf8)
    default: throw error("Invalid \\escape", at - 2)
    }
  }

  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy(isHexDigit),
      let unit = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
    else { throw error("Invalid \\uXXXX escape", at - 1) }
    at += 4
    return unit
  }

  var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
  }

  private mutating func skipDigits() {
    while at < bytes.count, isDigit(bytes[at]) { at += 1 }
  }

  mutating func skipBlanks() {
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r"): at += 1
      default: return
      }
    }
  }

  private mutating func skip(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard at + count <= bytes.count,
      bytes[at..<at + count].elementsEqual(
        UnsafeBufferPointer(start: word.utf8Start, count: count)
      )
    else { return false }
    at += count
    return true
  }

  func error(_ message: String, _ offset: Int) -> JSONError {
    let offset = min(offset, bytes.count)
    let before = bytes[..<offset]
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
    return JSONError(
      message: message,
      byteOffset: offset,
      line: line,
      column: column,
      characterOffset: before.count { $0 & 0xC0 != 0x80 }
    )
  }
}
