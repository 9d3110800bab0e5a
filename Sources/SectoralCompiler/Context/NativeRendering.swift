import BigInt
package import SectoralJinja
import SectoralPython

/// Rendering that keeps types: how the texts of YAML files become values.
///
/// `as_bool`, `as_number` and `as_native` ask for the value that a text spells; without them a text
/// stays a text.
package enum NativeRendering {
  /// Filters for environments whose templates yield text.
  package static let textFilters: [String: FilterBody] = [
    "as_text": identity, "as_bool": identity, "as_native": identity, "as_number": identity,
    "is_list": isList,
  ]

  /// Filters for environments whose templates yield values; `finish` does what they ask for.
  package static let nativeFilters: [String: FilterBody] = [
    "as_text": { (value, _, interpreter) throws(TemplateError) in
      .string(try interpreter.string(value))
    },
    "as_bool": { (value, _, interpreter) throws(TemplateError) in
      try mark(value, .bool, interpreter)
    },
    "as_native": { (value, _, interpreter) throws(TemplateError) in
      try mark(value, .native, interpreter)
    },
    "as_number": { (value, _, interpreter) throws(TemplateError) in
      try mark(value, .number, interpreter)
    },
    "is_list": isList,
  ]

  @Sendable private static func identity(
    _ value: Value,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value { value }

  @Sendable private static func isList(
    _ value: Value,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    if case .list = value { .bool(true) } else { .bool(false) }
  }

  private static func mark(
    _ value: Value,
    _ wanted: NativeMark.Wanted,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let raw = value.object(NativeMark.self)?.value ?? value
    return .object(NativeMark(raw, text: try interpreter.string(raw), wanted))
  }

  /// The value of a template that was one expression.
  package static func finish(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    guard let mark = value.object(NativeMark.self) else { return value }
    let raw = mark.text
    let result = mark.value.asString == nil ? mark.value : PythonLiteral.value(raw)
    let name: String
    switch (mark.wanted, result) {
    case (.native, _): return result ?? mark.value
    case (.bool, .bool?): return result ?? .none
    case (.number, .int?), (.number, .bigInt?), (.number, .float?): return result ?? .none
    case (.bool, _): name = "bool"
    case (.number, _): name = "number"
    }
    throw .compilation(
      "Could not convert value '\(raw)' into type '\(name)'",
      hint: mark.wanted == .bool ? "spell it True or False" : nil
    )
  }
}

/// A value that a filter asked to be taken for what its text spells. Until the template ends it is that
/// text, as the filters of dbt make it: `x in y | as_bool` looks for a part of a text.
final class NativeMark: ContextObject {
  enum Wanted { case native, bool, number }

  let value: Value
  let text: String
  let wanted: Wanted

  init(_ value: Value, text: String, _ wanted: Wanted) {
    self.value = value
    self.text = text
    self.wanted = wanted
  }

  override var typeName: String { "str" }
  override var isTrue: Bool { !text.isEmpty }
  override var length: Int? { text.unicodeScalars.count }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try interpreter.repr(.string(text))
  }
  override func isEqual(to other: Value) -> Bool {
    Value.string(text).isEqual(to: other.object(NativeMark.self).map { .string($0.text) } ?? other)
  }
  override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Bool? {
    needle.asString.map { $0.isEmpty || text.firstRange(of: $0) != nil }
  }
  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    try interpreter.attribute(name, of: .string(text))
  }
}

/// Reads a Python literal, as `ast.literal_eval` does: numbers, texts, `True`, `False`, `None`,
/// lists, tuples, dictionaries, sets.
struct PythonLiteral {
  private let bytes: [UInt8]
  private var index = 0

  /// nil when the text is no literal.
  static func value(_ text: String) -> Value? {
    var reader = PythonLiteral(bytes: Array(text.utf8))
    // Like literal_eval, indentation is not accepted but blanks at the start are cut.
    reader.skipBlanks()
    guard let value = reader.value(depth: 0) else { return nil }
    reader.skipBlanks()
    return reader.index == reader.bytes.count ? value : nil
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipBlanks() {
    while let byte = peek, byte == 32 || (9...13).contains(byte) { index += 1 }
  }

  private mutating func take(_ byte: Character) -> Bool {
    guard peek == byte.asciiValue else { return false }
    index += 1
    skipBlanks()
    return true
  }

  private mutating func value(depth: Int) -> Value? {
    guard depth < 100, let first = peek else { return nil }
    switch first {
    case UInt8(ascii: "["):
      index += 1
      return items(until: "]", depth).map { .list($0) }
    case UInt8(ascii: "("):
      index += 1
      skipBlanks()
      let start = index
      guard let values = items(until: ")", depth) else { return nil }
      let isGroup =
        values.count == 1
        && !bytes[start..<index].dropLast().reversed()
          .drop { $0 == 32 || $0 == UInt8(ascii: ")") }.starts(with: [UInt8(ascii: ",")])
      return isGroup ? values[0] : .tuple(values)
    case UInt8(ascii: "{"):
      index += 1
      return braces(depth)
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return string()
    case UInt8(ascii: "-"), UInt8(ascii: "+"):
      index += 1
      skipBlanks()
      guard let number = number() else { return nil }
      return first == UInt8(ascii: "-") ? negated(number) : number
    case 48...57, UInt8(ascii: "."): return number()
    default:
      for (word, value) in [("True", Value.bool(true)), ("False", .bool(false)), ("None", .none)]
      where bytes[index...].starts(with: word.utf8) {
        index += word.utf8.count
        return value
      }
      return nil
    }
  }

  private func negated(_ value: Value) -> Value? {
    switch value {
    case .int(let int): .int(-int)
    case .float(let double): .float(-double)
    case .bigInt(let big): .integer(-big.value)
    default: nil
    }
  }

  private mutating func items(until close: Character, _ depth: Int) -> [Value]? {
    skipBlanks()
    var values: [Value] = []
    while !take(close) {
      guard let value = value(depth: depth + 1) else { return nil }
      values.append(value)
      skipBlanks()
      if take(",") { continue }
      return take(close) ? values : nil
    }
    return values
  }

  private mutating func braces(_ depth: Int) -> Value? {
    skipBlanks()
    let dict = DictValue()
    if take("}") { return .dict(dict) }
    guard let first = value(depth: depth + 1) else { return nil }
    skipBlanks()
    guard take(":") else {
      if take("}") { return .set(SetValue([first])) }
      guard take(","), let rest = items(until: "}", depth) else { return nil }
      return .set(SetValue([first] + rest))
    }
    var key = first
    while true {
      guard key.isHashable, let value = value(depth: depth + 1) else { return nil }
      dict[key] = value
      skipBlanks()
      if take("}") { return .dict(dict) }
      guard take(",") else { return nil }
      if take("}") { return .dict(dict) }
      guard let next = self.value(depth: depth + 1) else { return nil }
      key = next
      skipBlanks()
      guard take(":") else { return nil }
    }
  }

  private mutating func number() -> Value? {
    let start = index
    while let byte = peek,
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
        || ((byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")) && index > start
          && bytes[index - 1] | 0x20 == UInt8(ascii: "e"))
    { index += 1 }
    var text = String(decoding: bytes[start..<index], as: UTF8.self)
    guard !text.hasSuffix("_"), !text.contains("__") else { return nil }
    text.removeAll { $0 == "_" }
    let lowered = text.lowercased()
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where lowered.hasPrefix(prefix) {
      return BigInt(String(lowered.dropFirst(2)), radix: radix).map { .integer($0) }
    }
    if text.utf8.allSatisfy({ (48...57).contains($0) }) {
      // Python refuses leading zeros.
      guard text == "0" || !text.hasPrefix("0") || text.allSatisfy({ $0 == "0" }) else {
        return nil
      }
      return BigInt(text, radix: 10).map { .integer($0) }
    }
    guard lowered.utf8.allSatisfy({ (48...57).contains($0) || ".e+-".utf8.contains($0) }) else {
      return nil
    }
    return Double(lowered.hasSuffix(".") ? lowered + "0" : lowered).map(Value.float)
  }

  private mutating func string() -> Value? {
    var out = ""
    repeat {
      guard let part = quoted() else { return nil }
      out += part
      skipBlanks()
    } while peek == UInt8(ascii: "'") || peek == UInt8(ascii: "\"")
    return .string(out)
  }

  private mutating func quoted() -> String? {
    guard let quote = peek else { return nil }
    index += 1
    var out: [UInt8] = []
    while let byte = peek {
      index += 1
      if byte == quote { return String(decoding: out, as: UTF8.self) }
      if byte == UInt8(ascii: "\n") { return nil }
      guard byte == UInt8(ascii: "\\"), let escaped = peek else {
        out.append(byte)
        continue
      }
      index += 1
      switch escaped {
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "\n"): break
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): out.append(escaped)
      case UInt8(ascii: "x"), UInt8(ascii: "u"):
        let count = escaped == UInt8(ascii: "x") ? 2 : 4
        guard index + count <= bytes.count,
          let code = UInt32(
            String(decoding: bytes[index..<index + count], as: UTF8.self),
            radix: 16
          ),
          let scalar = Unicode.Scalar(code)
        else { return nil }
        index += count
        out.append(contentsOf: String(Character(scalar)).utf8)
      default: out.append(contentsOf: [UInt8(ascii: "\\"), escaped])
      }
    }
    return nil
  }
}
