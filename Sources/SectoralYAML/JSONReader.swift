/// Reads of a JSON document only what is wanted: a large artifact is walked over much faster than
/// it is turned into values.
///
/// Everything that is passed over is checked for its brackets and texts alone.
public struct JSONReader {
  private var parser: JSONParser

  private init(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) {
    parser = JSONParser(bytes: bytes)
    if offset > 0 { parser.at = offset }
    parser.skipBlanks()
  }

  /// Runs `body` on a reader that stands at the value which begins at `offset`; 0 is the document.
  public static func read<Result>(
    _ bytes: [UInt8],
    at offset: Int = 0,
    _ body: (inout JSONReader) throws(JSONError) -> Result
  ) throws(JSONError) -> Result {
    // Through a result: the closure of the standard library does not hand typed errors on.
    let result = bytes.withUnsafeBufferPointer { buffer -> Swift.Result<Result, JSONError> in
      var reader = JSONReader(buffer, at: offset)
      do throws(JSONError) { return .success(try body(&reader)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// The byte where the value at hand begins.
  public var offset: Int { parser.at }

  public var isObject: Bool { parser.peek == UInt8(ascii: "{") }

  /// The value at hand, whole.
  public mutating func value() throws(JSONError) -> Datum { try parser.value() }

  /// Goes through the members of the object at hand. What `body` does not read is passed over.
  public mutating func members(
    _ body: (String, inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard isObject else { throw parser.error("Expecting an object", parser.at) }
    try parser.enter()
    if try closes(UInt8(ascii: "}")) { return }
    while true {
      let key = try parser.key()
      let start = parser.at
      try body(key, &self)
      if parser.at == start { try skip() }
      if try ends(UInt8(ascii: "}")) { return }
    }
  }

  /// Goes through the items of the list at hand. What `body` does not read is passed over.
  public mutating func items(
    _ body: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard parser.peek == UInt8(ascii: "[") else {
      throw parser.error("Expecting a list", parser.at)
    }
    try parser.enter()
    if try closes(UInt8(ascii: "]")) { return }
    while true {
      let start = parser.at
      try body(&self)
      if parser.at == start { try skip() }
      if try ends(UInt8(ascii: "]")) { return }
    }
  }

  /// Passes over the value at hand.
  public mutating func skip() throws(JSONError) {
    let bytes = parser.bytes
    let start = parser.at
    var at = start
    var depth = 0
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        at += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // The end of what holds a number or a word.
        if depth == 0 { return try stop(at, start) }
        depth -= 1
        at += 1
        if depth == 0 { return try stop(at, start) }
      case UInt8(ascii: "\""):
        at += 1
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
          at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        at += 1
        if depth == 0 { return try stop(at, start) }
      case UInt8(ascii: ",") where depth == 0: return try stop(at, start)
      default: at += 1
      }
    }
    guard depth == 0 else { throw parser.error("Unterminated value starting at", start) }
    try stop(at, start)
  }

  private mutating func stop(_ at: Int, _ start: Int) throws(JSONError) {
    guard at <= parser.bytes.count, at > start else {
      throw parser.error("Expecting value", start)
    }
    parser.at = at
  }

  /// Right behind the opening bracket.
  private mutating func closes(_ bracket: UInt8) throws(JSONError) -> Bool {
    guard parser.peek == bracket else { return false }
    parser.at += 1
    parser.depth -= 1
    return true
  }

  /// Behind a member or an item.
  private mutating func ends(_ bracket: UInt8) throws(JSONError) -> Bool {
    parser.skipBlanks()
    if parser.peek == bracket {
      parser.at += 1
      parser.depth -= 1
      return true
    }
    guard parser.peek == UInt8(ascii: ",") else {
      throw parser.error("Expecting ',' delimiter", parser.at)
    }
    parser.at += 1
    parser.skipBlanks()
    return false
  }
}
