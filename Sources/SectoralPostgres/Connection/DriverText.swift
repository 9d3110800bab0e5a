/// How a value that Python has a type of its own for is written by dbt: its driver makes a Python
/// value of the server's text, and dbt a text of that again.
///
/// What cannot be read stays as the server wrote it.
enum DriverText: Sendable, Hashable {
  /// `10:11:12.5` → `10:11:12.500000`
  case time
  /// `1 mon 02:00:00` → `30 days, 2:00:00`
  case interval
  /// `infinity` → `9999-12-31`
  case date
  case timestamp(hasZone: Bool)
  /// `[1,)` → `[1, None)`, with each bound in its own form.
  indirect case range(DriverText?)
  /// Objects and lists as Python's `json.dumps`; numbers, texts and the like as they are.
  case json
  /// `{1,NULL}` → `[1, null]`
  indirect case array(Element)

  enum Element: Sendable, Hashable {
    case integer
    case float
    case boolean
    case json
    /// A timestamp in ISO 8601 with a `T`.
    case timestamp
    case text(DriverText?)
  }

  func rewrite(_ text: String) -> String {
    switch self {
    case .time: Self.time(text) ?? text
    case .interval: Self.interval(text) ?? text
    case .date:
      switch text {
      case "infinity": "9999-12-31"
      case "-infinity": "0001-01-01"
      default: text
      }
    case .timestamp(let hasZone):
      switch text {
      case "infinity": "9999-12-31 23:59:59.999999" + (hasZone ? "+00" : "")
      case "-infinity": "0001-01-01 00:00:00" + (hasZone ? "+00" : "")
      default: text
      }
    case .range(let bound): Self.range(text, of: bound) ?? text
    case .json:
      text.utf8.first.map { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") } ?? false
        ? Self.json(text) ?? text : text
    case .array(let element): Self.array(text, of: element) ?? text
    }
  }
}

// MARK: - Times

extension DriverText {
  private static func time(_ text: String) -> String? {
    let clockEnd = text.firstIndex { $0 == "+" || $0 == "-" } ?? text.endIndex
    var clock = String(text[..<clockEnd])
    if clock.hasPrefix("24:") { clock = "00:" + clock.dropFirst(3) }
    return clock.withSixDigits + zone(text[clockEnd...])
  }

  /// `+02` → `+02:00`
  private static func zone(_ text: Substring) -> String {
    text.count == 3 ? text + ":00" : "\(text)"
  }

  fileprivate static func isoTimestamp(_ text: String) -> String? {
    guard let blank = text.firstIndex(of: " "), !text.hasSuffix("BC") else { return nil }
    guard let time = time(String(text[text.index(after: blank)...])) else { return nil }
    return "\(text[..<blank])T\(time)"
  }

  /// Years count 365 days and months 30, as in the driver.
  private static func interval(_ text: String) -> String? {
    var days = 0
    var microseconds = 0
    let words = text.split(separator: " ")
    var index = 0
    while index < words.count {
      let word = words[index]
      if word.contains(":") {
        guard let time = clock(word) else { return nil }
        microseconds += time
        index += 1
        continue
      }
      guard index + 1 < words.count, let number = Int(word), abs(number) < 1 << 40 else {
        return nil
      }
      switch words[index + 1] {
      case "year", "years": days += number * 365
      case "mon", "mons": days += number * 30
      case "day", "days": days += number
      default: return nil
      }
      index += 2
    }
    let dayLength = 86_400_000_000
    let whole =
      microseconds >= 0 ? microseconds / dayLength : -((dayLength - 1 - microseconds) / dayLength)
    days += whole
    microseconds -= whole * dayLength
    let seconds = microseconds / 1_000_000
    var out = days == 0 ? "" : "\(days) day\(abs(days) == 1 ? "" : "s"), "
    out += "\(seconds / 3600):\(twoDigits(seconds / 60 % 60)):\(twoDigits(seconds % 60))"
    let fraction = String(microseconds % 1_000_000)
    if fraction != "0" {
      out += "." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
    return out
  }

  /// `-04:05:06.5` in microseconds.
  private static func clock(_ word: Substring) -> Int? {
    let isNegative = word.first == "-"
    let parts = word.drop { $0 == "-" || $0 == "+" }.split(separator: ":")
    guard parts.count == 3, let hours = Int(parts[0]), let minutes = Int(parts[1]),
      hours < 1 << 32
    else { return nil }
    let seconds = parts[2].split(separator: ".")
    guard let whole = seconds.first.flatMap({ Int($0) }) else { return nil }
    var fraction = 0
    if seconds.count == 2 {
      let digits = seconds[1].prefix(6)
      guard let value = Int(digits + String(repeating: "0", count: 6 - digits.count)) else {
        return nil
      }
      fraction = value
    }
    let all = ((hours * 60 + minutes) * 60 + whole) * 1_000_000 + fraction
    return isNegative ? -all : all
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}

extension String {
  /// `10:11:12.5` → `10:11:12.500000`
  fileprivate var withSixDigits: String {
    guard let dot = lastIndex(of: ".") else { return self }
    let digits = distance(from: dot, to: endIndex) - 1
    return digits < 6 ? self + String(repeating: "0", count: 6 - digits) : self
  }
}

// MARK: - Ranges

extension DriverText {
  /// nil for what is not one, and for the empty one.
  ///
  /// The bounds are numbers, dates and timestamps: no comma stands within one.
  private static func range(_ text: String, of form: DriverText?) -> String? {
    let bounds = text.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
    guard let opening = text.first, let closing = text.last, bounds.count == 2 else { return nil }
    return "\(opening)\(bound(bounds[0], form)), \(bound(bounds[1], form))\(closing)"
  }

  private static func bound(_ text: Substring, _ form: DriverText?) -> String {
    if text.isEmpty { return "None" }
    let value = text.filter { $0 != "\"" }
    let rewritten = form?.rewrite(value) ?? value
    guard case .timestamp = form else { return rewritten }
    return isoTimestamp(rewritten)?.replacing("T", with: " ") ?? rewritten
  }
}

// MARK: - Lists and JSON

extension DriverText {
  /// Rewrites an array's text as a JSON list; nil when it is not one.
  private static func array(_ text: String, of element: Element) -> String? {
    var bytes = Array(text.utf8)[...]
    // Bounds that do not begin at 1 come first: [0:1]={1,2}
    if bytes.first == UInt8(ascii: "[") {
      guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      bytes = bytes[(equals + 1)...]
    }
    var out = ""
    var depth = 0
    while let byte = bytes.first {
      switch byte {
      case UInt8(ascii: "{"):
        depth += 1
        out += "["
        bytes.removeFirst()
      case UInt8(ascii: "}"):
        guard depth > 0 else { return nil }
        depth -= 1
        out += "]"
        bytes.removeFirst()
      case UInt8(ascii: ","):
        out += ", "
        bytes.removeFirst()
      default:
        guard depth > 0, let (value, isQuoted) = item(&bytes) else { return nil }
        out += !isQuoted && value == "NULL" ? "null" : json(value, as: element)
      }
    }
    return depth == 0 ? out : nil
  }

  private static func item(_ bytes: inout ArraySlice<UInt8>) -> (value: String, isQuoted: Bool)? {
    var value: [UInt8] = []
    guard bytes.first == UInt8(ascii: "\"") else {
      while let byte = bytes.first, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
        value.append(byte)
        bytes.removeFirst()
      }
      return (String(decoding: value, as: UTF8.self), false)
    }
    bytes.removeFirst()
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "\""):
        return (String(decoding: value, as: UTF8.self), true)
      case UInt8(ascii: "\\"):
        guard let next = bytes.popFirst() else { return nil }
        value.append(next)
      default:
        value.append(byte)
      }
    }
    return nil
  }

  private static func json(_ value: String, as element: Element) -> String {
    switch element {
    case .integer: value
    case .float: float(value)
    case .boolean: value == "t" ? "true" : "false"
    case .json: json(value) ?? value
    case .timestamp: quoted((isoTimestamp(value) ?? value).utf16)
    case .text(let form): quoted((form?.rewrite(value) ?? value).utf16)
    }
  }

  private static func float(_ text: String) -> String {
    guard let number = Double(text) else { return text }
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return "\(number)"
  }

  /// As `json.dumps`: everything outside ASCII is escaped. UTF-16, because a half of a pair that
  /// stands alone is valid in JSON and not in a `String`.
  private static func quoted(_ units: some Sequence<UInt16>) -> String {
    var out = "\""
    for unit in units {
      switch unit {
      case 0x22: out += "\\\""
      case 0x5C: out += "\\\\"
      case 0x0A: out += "\\n"
      case 0x0D: out += "\\r"
      case 0x09: out += "\\t"
      case 0x08: out += "\\b"
      case 0x0C: out += "\\f"
      case 0x20...0x7E: out.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    out += "\""
    return out
  }

  /// Writes JSON again as `json.dumps` does. It goes from token to token, so that no depth of nesting
  /// is too deep.
  private static func json(_ text: String) -> String? {
    var out = ""
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.first {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
        bytes.removeFirst()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        out += byte == UInt8(ascii: ",") ? ", " : ": "
        bytes.removeFirst()
      case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"):
        out.unicodeScalars.append(Unicode.Scalar(byte))
        bytes.removeFirst()
      case UInt8(ascii: "\""):
        guard let string = jsonString(&bytes) else { return nil }
        out += string
      default:
        let word = bytes.prefix {
          !$0.isJSONDelimiter
        }
        guard !word.isEmpty else { return nil }
        bytes = bytes[word.endIndex...]
        let token = String(decoding: word, as: UTF8.self)
        let isFloat = word.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
        out += isFloat && word.first.map { $0 < UInt8(ascii: "a") } == true ? float(token) : token
      }
    }
    return out
  }

  /// Copies a string, escapes and all, but for what `json.dumps` would write otherwise.
  private static func jsonString(_ bytes: inout ArraySlice<UInt8>) -> String? {
    var decoded: [UInt16] = []
    var plain: [UInt8] = []
    func flush() {
      decoded.append(contentsOf: String(decoding: plain, as: UTF8.self).utf16)
      plain = []
    }
    bytes.removeFirst()
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "\""):
        flush()
        return quoted(decoded)
      case UInt8(ascii: "\\"):
        guard let next = bytes.popFirst() else { return nil }
        switch next {
        case UInt8(ascii: "n"): plain.append(0x0A)
        case UInt8(ascii: "r"): plain.append(0x0D)
        case UInt8(ascii: "t"): plain.append(0x09)
        case UInt8(ascii: "b"): plain.append(0x08)
        case UInt8(ascii: "f"): plain.append(0x0C)
        case UInt8(ascii: "u"):
          guard let unit = UInt16(String(decoding: bytes.prefix(4), as: UTF8.self), radix: 16)
          else { return nil }
          bytes = bytes.dropFirst(4)
          flush()
          decoded.append(unit)
        default: plain.append(next)
        }
      default:
        plain.append(byte)
      }
    }
    return nil
  }
}

extension UInt8 {
  fileprivate var isJSONDelimiter: Bool {
    switch self {
    case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"),
      UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "}"),
      UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""):
      true
    default: false
    }
  }
}
