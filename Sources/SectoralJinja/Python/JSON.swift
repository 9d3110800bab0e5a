import BigInt

/// JSON text: Python's `json.dumps` and `json.loads`.
public enum JSONText {
  /// Why a text is not JSON.
  public struct Failure: Error {
    /// One line, without a full stop.
    public let message: String
    /// In bytes.
    public let offset: Int
  }

  /// The value that a JSON text describes; objects keep the order of their keys.
  public static func value(of text: [UInt8]) throws(Failure) -> Value {
    try JSONReader.value(of: text)
  }

  /// `indent`: What a level of nesting is indented by; nil: all on one line.
  /// `sortsKeys`: Otherwise keys keep their order.
  public static func text(
    of value: Value,
    indent: String? = nil,
    sortsKeys: Bool = false,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    let output = interpreter.output
    let mark = output.count
    do throws(TemplateError) {
      try write(value, indent, sortsKeys, 0, interpreter)
    } catch {
      output.truncate(to: mark)
      throw error
    }
    return output.take(from: mark)
  }

  private static func write(
    _ value: Value,
    _ indent: String?,
    _ sortsKeys: Bool,
    _ depth: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) {
    let output = interpreter.output
    switch value {
    case .none: output.append("null" as StaticString)
    case .bool(let bool): output.append(bool ? "true" : "false" as StaticString)
    case .int, .bigInt: try interpreter.write(value)
    case .float(let double):
      output.append(
        double.isNaN
          ? "NaN"
          : double.isInfinite ? (double < 0 ? "-Infinity" : "Infinity") : PythonFloat.repr(double)
      )
    case .string(let text): write(text, output)
    case .list(let list): try write(list.items, indent, sortsKeys, depth, interpreter)
    case .tuple(let tuple): try write(tuple.items, indent, sortsKeys, depth, interpreter)
    case .dict(let dictionary):
      try write(dictionary.pairs, indent, sortsKeys, depth, interpreter)
    case .object(let object) where object.isMapping:
      var pairs: [(key: Value, value: Value)] = []
      for key in try object.iterate(interpreter) ?? [] {
        pairs.append((key: key, value: try object.item(key, interpreter) ?? .none))
      }
      try write(pairs, indent, sortsKeys, depth, interpreter)
    case .object(let object):
      if let markup = object as? MarkupValue { return write(markup.text, output) }
      if let group = object as? GroupValue {
        try write(
          group.iterate(interpreter) ?? [],
          indent,
          sortsKeys,
          depth,
          interpreter
        )
        return
      }
      throw .type("Object of type \(value.typeName) is not JSON serializable")
    default: throw .type("Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private static func breakLine(_ indent: String?, _ depth: Int, _ output: Output) {
    guard let indent else { return }
    output.append(UInt8(ascii: "\n"))
    for _ in 0..<depth { output.append(indent) }
  }

  private static func write(
    _ items: [Value],
    _ indent: String?,
    _ sortsKeys: Bool,
    _ depth: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) {
    let output = interpreter.output
    guard !items.isEmpty else { return output.append("[]" as StaticString) }
    try interpreter.checkStack()
    try interpreter.countStep()
    guard depth < interpreter.limits.valueDepth else { throw interpreter.valueTooDeep() }
    output.append("[" as StaticString)
    for (index, item) in items.enumerated() {
      if index > 0 { output.append(indent == nil ? ", " : "," as StaticString) }
      try interpreter.countSteps(1)
      breakLine(indent, depth + 1, output)
      try write(item, indent, sortsKeys, depth + 1, interpreter)
    }
    breakLine(indent, depth, output)
    output.append("]" as StaticString)
  }

  private static func write(
    _ pairs: [(key: Value, value: Value)],
    _ indent: String?,
    _ sortsKeys: Bool,
    _ depth: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) {
    let output = interpreter.output
    guard !pairs.isEmpty else { return output.append("{}" as StaticString) }
    try interpreter.checkStack()
    try interpreter.countStep()
    guard depth < interpreter.limits.valueDepth else { throw interpreter.valueTooDeep() }
    var order = Array(pairs.indices)
    if sortsKeys {
      let sorted = try Sorting.sorted(
        order.map { .int($0) },
        reverse: false,
        interpreter
      ) { (index) throws(TemplateError) in pairs[index.asInt ?? 0].key }
      order = sorted.map { $0.asInt ?? 0 }
    }
    output.append("{" as StaticString)
    for (position, index) in order.enumerated() {
      if position > 0 { output.append(indent == nil ? ", " : "," as StaticString) }
      try interpreter.countSteps(1)
      breakLine(indent, depth + 1, output)
      switch pairs[index].key {
      case .string(let text): write(text, output)
      case .none: output.append("\"null\"" as StaticString)
      case .bool(let bool): output.append(bool ? "\"true\"" : "\"false\"" as StaticString)
      case .int, .bigInt, .float:
        output.append(UInt8(ascii: "\""))
        try interpreter.write(pairs[index].key)
        output.append(UInt8(ascii: "\""))
      default:
        throw .type(
          "keys must be str, int, float, bool or None, not \(pairs[index].key.typeName)"
        )
      }
      output.append(": " as StaticString)
      try write(pairs[index].value, indent, sortsKeys, depth + 1, interpreter)
    }
    breakLine(indent, depth, output)
    output.append("}" as StaticString)
  }

  private static func write(_ text: String, _ output: Output) {
    output.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output.append("\\\"" as StaticString)
      case "\\": output.append("\\\\" as StaticString)
      case "\n": output.append("\\n" as StaticString)
      case "\r": output.append("\\r" as StaticString)
      case "\t": output.append("\\t" as StaticString)
      case "\u{8}": output.append("\\b" as StaticString)
      case "\u{C}": output.append("\\f" as StaticString)
      case _ where scalar.value >= 0x20 && scalar.value < 0x7F:
        output.append(UInt8(truncatingIfNeeded: scalar.value))
      default:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          output.append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        }
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}

/// JSON as values of the template language.
private struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0

  static func value(of text: [UInt8]) throws(JSONText.Failure) -> Value {
    var reader = JSONReader(bytes: text)
    let value = try reader.value()
    reader.skipSpace()
    guard reader.offset == text.count else {
      throw reader.failure("unexpected text behind the value")
    }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ message: String) -> JSONText.Failure {
    JSONText.Failure(message: message, offset: offset)
  }

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

  private mutating func value() throws(JSONText.Failure) -> Value {
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

  private mutating func number() throws(JSONText.Failure) -> Value {
    let start = offset
    while offset < bytes.count, "0123456789+-.eE".utf8.contains(bytes[offset]) { offset += 1 }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if let int = Int(text) { return .int(int) }
    if !text.contains("."), !text.contains("e"), !text.contains("E"),
      text.utf8.count <= Limits().integerDigits, let big = BigInt(text)
    {
      return .integer(big)
    }
    guard let double = Double(text) else { throw failure("not a JSON value") }
    return .float(double)
  }

  private mutating func array() throws(JSONText.Failure) -> Value {
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

  private mutating func object() throws(JSONText.Failure) -> Value {
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

  private mutating func string() throws(JSONText.Failure) -> String {
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

  private mutating func unit() throws(JSONText.Failure) -> UInt32 {
    guard offset + 4 <= bytes.count,
      let code = UInt32(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw failure("bad \\u escape") }
    offset += 4
    return code
  }
}
