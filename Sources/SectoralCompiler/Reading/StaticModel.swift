/// Whether dbt reads a model without rendering it, which shows in one thing: the sources that such a
/// model names are then a set.
///
/// That is so where all its templates are expressions, each a literal or one call of `ref`, `source`
/// or `config` with literals: texts, lists, dictionaries, `True` and `False`; numbers as versions only.
/// Anything else, a `{%`, a `{{-`, a number in a `config`, a hook, makes dbt render it.
struct StaticModel {
  private let bytes: [UInt8]
  private var offset = 0

  static func accepts(_ code: String) -> Bool {
    var reader = StaticModel(bytes: Array(code.utf8))
    return reader.file()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func at(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

  private mutating func file() -> Bool {
    while offset < bytes.count {
      guard bytes[offset] == UInt8(ascii: "{") else {
        offset += 1
        continue
      }
      switch at(offset + 1) {
      case UInt8(ascii: "%"): return false
      case UInt8(ascii: "#"):
        offset += 2
        while offset < bytes.count,
          !(bytes[offset] == UInt8(ascii: "#") && at(offset + 1) == UInt8(ascii: "}"))
        {
          offset += 1
        }
        offset += 2
      case UInt8(ascii: "{"):
        offset += 2
        guard expression(), take("}"), take("}", skippingSpace: false) else { return false }
      default: offset += 1
      }
    }
    return true
  }

  private mutating func expression() -> Bool {
    if value(inConfig: false) { return true }
    let word = word()
    guard ["ref", "source", "config"].contains(word), take("(") else { return false }
    while !take(")") {
      guard argument(of: word) else { return false }
      if !take(",") {
        guard take(")") else { return false }
        break
      }
    }
    return true
  }

  private mutating func argument(of function: String) -> Bool {
    let start = offset
    let key = word()
    if !key.isEmpty, take("=") {
      switch function {
      case "config": return !["pre_hook", "post_hook"].contains(key) && value(inConfig: true)
      case "ref": return ["v", "version"].contains(key) && value(inConfig: false)
      default: return false
      }
    }
    offset = start
    return function != "config" && text()
  }

  /// A literal. `inConfig`: numbers are none.
  private mutating func value(inConfig: Bool) -> Bool {
    if text() { return true }
    let start = offset
    if ["True", "False"].contains(word()) { return true }
    offset = start
    if !inConfig, number() { return true }
    if take("[") { return items(until: "]", inConfig) { $0.value(inConfig: inConfig) } }
    if take("{") {
      return items(until: "}", inConfig) {
        $0.text() && $0.take(":") && $0.value(inConfig: inConfig)
      }
    }
    return false
  }

  private mutating func items(
    until end: Character,
    _ inConfig: Bool,
    _ item: (inout StaticModel) -> Bool
  ) -> Bool {
    while !take(end) {
      guard item(&self) else { return false }
      if !take(",") { return take(end) }
    }
    return true
  }

  private mutating func skipSpace() {
    while offset < bytes.count, bytes[offset] == 0x20 || (0x09...0x0D).contains(bytes[offset]) {
      offset += 1
    }
  }

  private mutating func take(_ character: Character, skippingSpace: Bool = true) -> Bool {
    let start = offset
    if skippingSpace { skipSpace() }
    if offset < bytes.count, bytes[offset] == character.asciiValue {
      offset += 1
      return true
    }
    offset = start
    return false
  }

  private mutating func word() -> String {
    skipSpace()
    let start = offset
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"):
        offset += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9") where offset > start: offset += 1
      default: return String(decoding: bytes[start..<offset], as: UTF8.self)
      }
    }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private mutating func number() -> Bool {
    skipSpace()
    let start = offset
    if at(offset) == UInt8(ascii: "-") { offset += 1 }
    let digits = offset
    while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(at(offset))
      || (offset > digits && at(offset) == UInt8(ascii: "."))
    {
      offset += 1
    }
    if offset > digits { return true }
    offset = start
    return false
  }

  private mutating func text() -> Bool {
    let start = offset
    skipSpace()
    let quote = at(offset)
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      offset = start
      return false
    }
    offset += 1
    while offset < bytes.count, bytes[offset] != quote {
      offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
    offset += 1
    return offset <= bytes.count
  }
}
