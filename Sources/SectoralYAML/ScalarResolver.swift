/// What a plain scalar means in YAML 1.1, as PyYAML's `SafeLoader` decides it.
enum ScalarResolver {
  enum Resolution {
    case value(Datum)
    case text
    /// `<<`, special as a key and an error as a value.
    case merge
    /// `=`, which PyYAML resolves to a tag that nothing constructs.
    case valueKey
    /// Looks like a number or a date, but there is no such: the sentence Python says.
    case invalid(String)
  }

  typealias Bytes = UnsafeBufferPointer<UInt8>

  static func resolve(_ text: Bytes) -> Resolution {
    guard let first = text.first else { return .value(.null) }
    switch first {
    case UInt8(ascii: "~"): return text.count == 1 ? .value(.null) : .text
    case UInt8(ascii: "="): return text.count == 1 ? .valueKey : .text
    case UInt8(ascii: "<"): return equals(text, "<<") ? .merge : .text
    case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "y"), UInt8(ascii: "Y"),
      UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"),
      UInt8(ascii: "o"), UInt8(ascii: "O"):
      guard text.count <= 5 else { return .text }
      if equals(text, "null") || equals(text, "Null") || equals(text, "NULL") {
        return .value(.null)
      }
      return bool(text).map { .value(.bool($0)) } ?? .text
    case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      return number(text) ?? timestamp(text) ?? .text
    default: return .text
    }
  }

  /// `yes`, `No`, `TRUE`, `off`: lower case, upper case or with a capital.
  static func bool(_ text: Bytes) -> Bool? {
    guard (2...5).contains(text.count) else { return nil }
    let rest = text.dropFirst()
    let isLower = rest.allSatisfy { isLowerLetter($0) }
    let isUpper = text.allSatisfy { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    guard isLower || isUpper else { return nil }
    func means(_ word: StaticString) -> Bool {
      text.count == word.utf8CodeUnitCount
        && text.indices.allSatisfy { text[$0] | 0x20 == word.utf8Start[$0] }
    }
    if means("yes") || means("true") || means("on") { return true }
    if means("no") || means("false") || means("off") { return false }
    return nil
  }

  // MARK: Numbers

  /// nil when the text is not shaped like a number.
  static func number(_ text: Bytes) -> Resolution? {
    var at = 0
    var isNegative = false
    if text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
      isNegative = text[0] == UInt8(ascii: "-")
      at = 1
    }
    guard at < text.count else { return nil }
    if text[at] == UInt8(ascii: ".") { return dotted(text, at: at, isNegative: isNegative) }
    guard isDigit(text[at]) else { return nil }

    if text[at] == UInt8(ascii: "0"), at + 2 < text.count || at + 1 < text.count {
      let marker = text[at + 1]
      if marker == UInt8(ascii: "b") || marker == UInt8(ascii: "x") {
        let radix = marker == UInt8(ascii: "b") ? 2 : 16
        let digits = text[(at + 2)...]
        guard !digits.isEmpty,
          digits.allSatisfy({ $0 == underscore || (digit($0) ?? 99) < radix })
        else { return nil }
        return integer(digits, radix: radix, isNegative: isNegative)
      }
    }

    // Everything else begins with digits and underscores.
    var end = at
    while end < text.count, isDigit(text[end]) || text[end] == underscore { end += 1 }
    if end == text.count {
      let digits = text[at...]
      if text[at] != UInt8(ascii: "0") || digits.count == 1 {
        return integer(digits, radix: 10, isNegative: isNegative)
      }
      guard digits.allSatisfy({ $0 == underscore || $0 < UInt8(ascii: "8") }) else { return nil }
      return integer(digits, radix: 8, isNegative: isNegative)
    }
    switch text[end] {
    case UInt8(ascii: "."):
      var index = end + 1
      while index < text.count, isDigit(text[index]) || text[index] == underscore { index += 1 }
      guard isExponentOrEnd(text, at: index) else { return nil }
      return float(text)
    case UInt8(ascii: ":"):
      return sexagesimal(text, from: at, firstEnd: end, isNegative: isNegative)
    default: return nil
    }
  }

  /// `.5`, `.inf`, `-.Inf`, `.nan`.
  private static func dotted(_ text: Bytes, at: Int, isNegative: Bool) -> Resolution? {
    let rest = Bytes(rebasing: text[(at + 1)...])
    if equals(rest, "inf") || equals(rest, "Inf") || equals(rest, "INF") {
      return .value(.float(isNegative ? -Double.infinity : .infinity))
    }
    guard at == 0, let first = rest.first else { return nil }
    if equals(rest, "nan") || equals(rest, "NaN") || equals(rest, "NAN") {
      return .value(.float(.nan))
    }
    guard isDigit(first) else { return nil }
    var index = 1
    while index < text.count, isDigit(text[index]) || text[index] == underscore { index += 1 }
    return isExponentOrEnd(text, at: index) ? float(text) : nil
  }

  private static func isExponentOrEnd(_ text: Bytes, at start: Int) -> Bool {
    if start == text.count { return true }
    guard start + 2 < text.count, text[start] | 0x20 == UInt8(ascii: "e"),
      text[start + 1] == UInt8(ascii: "-") || text[start + 1] == UInt8(ascii: "+")
    else { return false }
    return text[(start + 2)...].allSatisfy(isDigit)
  }

  private static func float(_ text: Bytes) -> Resolution {
    let cleaned = String(decoding: text.filter { $0 != underscore }, as: UTF8.self)
    guard let value = Double(cleaned) ?? Double(cleaned + "0") else {
      return .invalid("could not convert string to float: '\(cleaned)'")
    }
    return .value(.float(value))
  }

  private static func sexagesimal(
    _ text: Bytes,
    from start: Int,
    firstEnd: Int,
    isNegative: Bool
  ) -> Resolution? {
    var parts = [text[start..<firstEnd]]
    var index = firstEnd
    while index < text.count, text[index] == UInt8(ascii: ":") {
      var end = index + 1
      while end < text.count, isDigit(text[end]), end - index <= 2 { end += 1 }
      guard end > index + 1 else { return nil }
      if end - index == 3, text[index + 1] > UInt8(ascii: "5") { return nil }
      parts.append(text[(index + 1)..<end])
      index = end
    }
    if index < text.count {
      guard text[index] == UInt8(ascii: ".") else { return nil }
      let fraction = text[(index + 1)...]
      guard fraction.allSatisfy({ isDigit($0) || $0 == underscore }) else { return nil }
      let last = parts.removeLast()
      parts.append(text[last.startIndex...])
      var value = 0.0
      var base = 1.0
      for part in parts.reversed() {
        guard case .value(.float(let digit)) = float(Bytes(rebasing: part)) else { return nil }
        value += digit * base
        base *= 60
      }
      return .value(.float(isNegative ? -value : value))
    }
    guard text[start] != UInt8(ascii: "0") else { return nil }
    var big = BigDecimalInteger()
    for byte in parts[0] where byte != underscore {
      big.multiply(by: 10, adding: Int(byte & 15))
    }
    for part in parts.dropFirst() {
      big.multiply(by: 60, adding: part.reduce(0) { $0 * 10 + Int($1 & 15) })
    }
    return .value(big.datum(isNegative: isNegative))
  }

  private static func integer(
    _ digits: Slice<Bytes>,
    radix: Int,
    isNegative: Bool
  ) -> Resolution {
    var magnitude: UInt64 = 0
    var overflows = false
    var isEmpty = true
    for byte in digits where byte != underscore {
      isEmpty = false
      let product = magnitude.multipliedReportingOverflow(by: UInt64(radix))
      let sum = product.partialValue.addingReportingOverflow(UInt64(digit(byte) ?? 0))
      overflows = overflows || product.overflow || sum.overflow
      magnitude = sum.partialValue
    }
    if isEmpty {
      return .invalid("invalid literal for int() with base \(radix): ''")
    }
    if !overflows {
      if !isNegative, let value = Int(exactly: magnitude) { return .value(.int(value)) }
      if isNegative, magnitude <= UInt64(Int.max) + 1 {
        return .value(.int(Int(truncatingIfNeeded: 0 &- magnitude)))
      }
    }
    var big = BigDecimalInteger()
    for byte in digits where byte != underscore {
      big.multiply(by: radix, adding: Int(digit(byte) ?? 0))
    }
    return .value(big.datum(isNegative: isNegative))
  }

  // MARK: Dates

  /// nil when the text is not shaped like a date or a time.
  static func timestamp(_ text: Bytes) -> Resolution? {
    guard text.count >= 8, text[4] == UInt8(ascii: "-") else { return nil }
    var reader = DigitReader(text: text)
    guard let year = reader.digits(4...4), reader.skip("-") else { return nil }
    let monthStart = reader.at
    guard let month = reader.digits(1...2), reader.skip("-") else { return nil }
    guard let day = reader.digits(1...2) else { return nil }
    if reader.isAtEnd {
      guard reader.at - monthStart == 5 else { return nil }
      return date(year, month, day).map { .invalid($0) }
        ?? .value(.date(String(decoding: text, as: UTF8.self)))
    }
    if !reader.skip("T"), !reader.skip("t"), !reader.skipBlanks() { return nil }
    guard let hour = reader.digits(1...2), reader.skip(":"), let minute = reader.digits(2...2),
      reader.skip(":"), let second = reader.digits(2...2)
    else { return nil }
    var microsecond = 0
    if reader.skip(".") {
      let fraction = reader.allDigits()
      for index in 0..<6 {
        microsecond = microsecond * 10 + (index < fraction.count ? Int(fraction[index] & 15) : 0)
      }
    }
    var zone = ""
    if !reader.isAtEnd {
      _ = reader.skipBlanks()
      if reader.skip("Z") {
        zone = "+00:00"
      } else {
        let isNegative = reader.skip("-")
        guard isNegative || reader.skip("+"), let hours = reader.digits(1...2) else { return nil }
        var minutes = 0
        if reader.skip(":") {
          guard let value = reader.digits(2...2) else { return nil }
          minutes = value
        }
        let total = (hours * 60 + minutes) * (isNegative ? -1 : 1)
        if abs(total) >= 24 * 60 {
          return .invalid("the offset of a time zone must be less than 24 hours")
        }
        zone = (total < 0 ? "-" : "+") + padded(abs(total) / 60) + ":" + padded(abs(total) % 60)
      }
      guard reader.isAtEnd else { return nil }
    }
    if let problem = date(year, month, day) { return .invalid(problem) }
    if hour > 23 { return .invalid("hour must be in 0..23") }
    if minute > 59 { return .invalid("minute must be in 0..59") }
    if second > 59 { return .invalid("second must be in 0..59") }
    var iso = "\(padded(year, 4))-\(padded(month))-\(padded(day))"
    iso += "T\(padded(hour)):\(padded(minute)):\(padded(second))"
    if microsecond > 0 { iso += "." + padded(microsecond, 6) }
    return .value(.date(iso + zone))
  }

  /// What is wrong with a day of the calendar, or nil.
  private static func date(_ year: Int, _ month: Int, _ day: Int) -> String? {
    if year < 1 { return "year 0 is out of range" }
    guard (1...12).contains(month) else { return "month must be in 1..12" }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...lengths[month - 1]).contains(day) ? nil : "day is out of range for month"
  }

  private static func padded(_ value: Int, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  // MARK: Bytes

  private static let underscore = UInt8(ascii: "_")

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func isLowerLetter(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func equals(_ text: Bytes, _ word: StaticString) -> Bool {
    text.count == word.utf8CodeUnitCount
      && text.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: text.count))
  }
}

/// Reads digits and single marks from the front of a text.
private struct DigitReader {
  let text: UnsafeBufferPointer<UInt8>
  var at = 0

  var isAtEnd: Bool { at == text.count }

  private var isAtDigit: Bool {
    at < text.count && text[at] >= UInt8(ascii: "0") && text[at] <= UInt8(ascii: "9")
  }

  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard at < text.count, text[at] == UInt8(ascii: mark) else { return false }
    at += 1
    return true
  }

  mutating func skipBlanks() -> Bool {
    let start = at
    while at < text.count, text[at] == UInt8(ascii: " ") || text[at] == UInt8(ascii: "\t") {
      at += 1
    }
    return at > start
  }

  /// As many digits as there are, up to the upper bound; nil below the lower one.
  mutating func digits(_ count: ClosedRange<Int>) -> Int? {
    let start = at
    var value = 0
    while isAtDigit, at - start < count.upperBound {
      value = value * 10 + Int(text[at] & 15)
      at += 1
    }
    return at - start >= count.lowerBound ? value : nil
  }

  mutating func allDigits() -> [UInt8] {
    let start = at
    while isAtDigit { at += 1 }
    return Array(text[start..<at])
  }
}

/// An unsigned integer of any size that only has to become decimal digits.
struct BigDecimalInteger {
  /// Base 1,000,000,000, the smallest first.
  private var limbs: [UInt64] = []

  mutating func multiply(by factor: Int, adding addend: Int) {
    var carry = UInt64(addend)
    for index in limbs.indices {
      let value = limbs[index] * UInt64(factor) + carry
      limbs[index] = value % 1_000_000_000
      carry = value / 1_000_000_000
    }
    while carry > 0 {
      limbs.append(carry % 1_000_000_000)
      carry /= 1_000_000_000
    }
  }

  func datum(isNegative: Bool) -> Datum {
    guard let last = limbs.last else { return .int(0) }
    var digits = (isNegative ? "-" : "") + String(last)
    for limb in limbs.dropLast().reversed() {
      let text = String(limb)
      digits += String(repeating: "0", count: 9 - text.count) + text
    }
    return Int(digits).map { .int($0) } ?? .bigInt(digits)
  }
}
