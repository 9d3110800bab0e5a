package import BigInt

/// A decimal number that keeps its digits: `2.0` and `2.00` are equal and print differently.
///
/// Arithmetic rounds to 28 digits, half to even, as Python's `decimal` does by default.
package struct DecimalNumber: Sendable {
  package enum Kind: Sendable { case finite, infinity, notANumber }

  package let kind: Kind
  package let isNegative: Bool
  /// Value = coefficient × 10^exponent.
  package let coefficient: BigUInt
  package let exponent: Int

  static let precision = 28

  package init(isNegative: Bool = false, coefficient: BigUInt, exponent: Int) {
    kind = .finite
    self.isNegative = isNegative
    self.coefficient = coefficient
    self.exponent = exponent
  }

  init(kind: Kind, isNegative: Bool = false) {
    self.kind = kind
    self.isNegative = isNegative
    coefficient = 0
    exponent = 0
  }

  package init(_ int: Int) {
    self.init(isNegative: int < 0, coefficient: BigUInt(int.magnitude), exponent: 0)
  }

  package init(_ int: BigInt) {
    self.init(isNegative: int.sign == .minus, coefficient: int.magnitude, exponent: 0)
  }

  package static let notANumber = DecimalNumber(kind: .notANumber)

  /// Reads what Python's `Decimal(text)` reads: `-1.50`, `1e5`, `NaN`, `Infinity`.
  package init?(_ text: some StringProtocol) {
    var bytes = DecimalNumber.plainBytes(of: text)[...]
    func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
    while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    var negative = false
    if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      negative = first == UInt8(ascii: "-")
      bytes.removeFirst()
    }
    switch String(decoding: bytes, as: UTF8.self).lowercased() {
    case "inf", "infinity":
      self.init(kind: .infinity, isNegative: negative)
      return
    case "nan", "snan":
      self.init(kind: .notANumber, isNegative: negative)
      return
    default: break
    }
    var small: UInt = 0
    var digits: [UInt8] = []
    var count = 0
    var exponent = 0
    var sawPoint = false
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      if byte >= 48, byte <= 57 {
        count += 1
        if count <= 18 {
          small = small * 10 + UInt(byte - 48)
        } else {
          if digits.isEmpty { digits = Array(String(small).utf8) }
          digits.append(byte)
        }
        if sawPoint { exponent -= 1 }
      } else if byte == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else {
        break
      }
      index += 1
    }
    guard count > 0 else { return nil }
    if index < bytes.endIndex {
      guard bytes[index] | 0x20 == UInt8(ascii: "e"),
        let power = Int(String(decoding: bytes[(index + 1)...], as: UTF8.self)),
        abs(power) < 2_000_000
      else { return nil }
      exponent += power
    }
    let coefficient =
      digits.isEmpty
      ? BigUInt(small) : BigUInt(String(decoding: digits, as: UTF8.self), radix: 10) ?? 0
    self.init(isNegative: negative, coefficient: coefficient, exponent: exponent)
  }

  /// The bytes without underscores, which Python allows anywhere, and with the digits and blanks of
  /// other scripts as those of ASCII.
  private static func plainBytes(of text: some StringProtocol) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.contains(where: { $0 >= 0x80 || $0 == UInt8(ascii: "_") }) else { return bytes }
    var out: [UInt8] = []
    for scalar in text.unicodeScalars where scalar != "_" {
      if scalar.isASCII {
        out.append(UInt8(scalar.value))
      } else if scalar.properties.numericType == .decimal,
        let value = scalar.properties.numericValue
      {
        out.append(48 + UInt8(value))
      } else {
        out.append(scalar.properties.isWhitespace ? 32 : UInt8(ascii: "?"))
      }
    }
    return out
  }

  package var isZero: Bool { kind == .finite && coefficient.isZero }
  package var isNaN: Bool { kind == .notANumber }
  var signed: BigInt { BigInt(sign: isNegative ? .minus : .plus, magnitude: coefficient) }

  init(signed: BigInt, exponent: Int) {
    self.init(isNegative: signed.sign == .minus, coefficient: signed.magnitude, exponent: exponent)
  }

  // MARK: Text

  /// As Python's `str`.
  package var description: String {
    let sign = isNegative ? "-" : ""
    switch kind {
    case .infinity: return sign + "Infinity"
    case .notANumber: return "NaN"
    case .finite: break
    }
    let digits = coefficient.description
    let leftDigits = exponent + digits.utf8.count
    let point =
      if exponent <= 0, leftDigits > -6 { leftDigits } else { 1 }
    var out = sign
    if point <= 0 {
      out += "0." + String(repeating: "0", count: -point) + digits
    } else if point >= digits.utf8.count {
      out += digits + String(repeating: "0", count: point - digits.utf8.count)
    } else {
      let cut = digits.utf8.index(digits.startIndex, offsetBy: point)
      out += digits[..<cut] + "." + digits[cut...]
    }
    if point != leftDigits {
      let power = leftDigits - point
      out += "E" + (power < 0 ? "" : "+") + String(power)
    }
    return out
  }

  /// Without an exponent: `1E+3` as `1000`.
  package var plainText: String {
    guard kind == .finite else { return description }
    guard exponent > 0 else {
      let digits = coefficient.description
      guard exponent < 0 else { return (isNegative ? "-" : "") + digits }
      let padded =
        String(repeating: "0", count: max(0, 1 - exponent - digits.utf8.count)) + digits
      let cut = padded.utf8.index(padded.endIndex, offsetBy: exponent)
      return (isNegative ? "-" : "") + padded[..<cut] + "." + padded[cut...]
    }
    return (isNegative ? "-" : "") + coefficient.description
      + (isZero ? "" : String(repeating: "0", count: exponent))
  }

  package var double: Double {
    switch kind {
    case .infinity: isNegative ? -.infinity : .infinity
    case .notANumber: .nan
    case .finite: Double("\(isNegative ? "-" : "")\(coefficient)e\(exponent)") ?? .nan
    }
  }

  package var isIntegral: Bool {
    guard kind == .finite else { return false }
    if -exponent > coefficient.bitWidth { return isZero }
    return exponent >= 0 || isZero || (coefficient % Self.power(-exponent)).isZero
  }

  /// Towards zero; nil for infinities and NaN.
  package var truncated: BigInt? {
    guard kind == .finite else { return nil }
    let magnitude =
      exponent >= 0 ? coefficient * Self.power(exponent) : coefficient / Self.power(-exponent)
    return BigInt(sign: isNegative ? .minus : .plus, magnitude: magnitude)
  }

  /// Without trailing zeros: `1.50` as `1.5`, `100` as `1E+2`.
  package var normalized: DecimalNumber {
    guard kind == .finite else { return self }
    if isZero { return DecimalNumber(isNegative: isNegative, coefficient: 0, exponent: 0) }
    let shown = rounded
    var digits = shown.coefficient
    var exponent = shown.exponent
    while true {
      let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 10)
      guard remainder.isZero else { break }
      digits = quotient
      exponent += 1
    }
    return DecimalNumber(isNegative: isNegative, coefficient: digits, exponent: exponent)
  }

  // MARK: Arithmetic

  package static prefix func - (a: DecimalNumber) -> DecimalNumber {
    switch a.kind {
    case .finite:
      DecimalNumber(
        isNegative: !a.isNegative && !a.isZero,
        coefficient: a.coefficient,
        exponent: a.exponent
      ).rounded
    case .infinity: DecimalNumber(kind: .infinity, isNegative: !a.isNegative)
    case .notANumber: a
    }
  }

  package var magnitude: DecimalNumber { isNegative ? -self : rounded }

  package static func + (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
    if a.isNaN || b.isNaN { return .notANumber }
    if a.kind == .infinity {
      return b.kind == .infinity && a.isNegative != b.isNegative ? .notANumber : a
    }
    if b.kind == .infinity { return b }
    // A number so small that it cannot show needs to be there, not to have its value: exponents may
    // lie a million apart.
    let reach = precision + 3
    if !a.isZero, !b.isZero, abs(a.adjusted - b.adjusted) > 2 * reach + 60 {
      let (large, small) = a.adjusted > b.adjusted ? (a, b) : (b, a)
      if large.adjusted - large.exponent < reach, small.exponent < large.exponent {
        let trace = DecimalNumber(
          isNegative: small.isNegative,
          coefficient: 1,
          exponent: large.adjusted - 2 * reach
        )
        return large + trace
      }
    }
    let exponent = min(a.exponent, b.exponent)
    let sum =
      a.signed * BigInt(power(a.exponent - exponent))
      + b.signed * BigInt(power(b.exponent - exponent))
    return DecimalNumber(signed: sum, exponent: exponent).rounded
  }

  package static func - (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
    if b.kind == .finite {
      return a
        + DecimalNumber(
          isNegative: !b.isNegative,
          coefficient: b.coefficient,
          exponent: b.exponent
        )
    }
    return a + -b
  }

  package static func * (a: DecimalNumber, b: DecimalNumber) -> DecimalNumber {
    if a.isNaN || b.isNaN { return .notANumber }
    let negative = a.isNegative != b.isNegative
    if a.kind == .infinity || b.kind == .infinity {
      return a.isZero || b.isZero
        ? .notANumber : DecimalNumber(kind: .infinity, isNegative: negative)
    }
    return DecimalNumber(
      isNegative: negative,
      coefficient: a.coefficient * b.coefficient,
      exponent: a.exponent + b.exponent
    ).rounded
  }

  /// nil: division by zero.
  package func divided(by b: DecimalNumber) -> DecimalNumber? {
    if isNaN || b.isNaN { return .notANumber }
    let negative = isNegative != b.isNegative
    if kind == .infinity {
      return b.kind == .infinity
        ? .notANumber : DecimalNumber(kind: .infinity, isNegative: negative)
    }
    if b.kind == .infinity {
      return DecimalNumber(isNegative: negative, coefficient: 0, exponent: 0)
    }
    guard !b.isZero else { return nil }
    let ideal = exponent - b.exponent
    if isZero { return DecimalNumber(isNegative: negative, coefficient: 0, exponent: ideal) }
    let shift = max(
      0,
      b.coefficient.description.utf8.count - coefficient.description.utf8.count
        + Self.precision + 1
    )
    var (quotient, remainder) = (coefficient * Self.power(shift)).quotientAndRemainder(
      dividingBy: b.coefficient
    )
    var exponent = ideal - shift
    if remainder.isZero {
      while exponent < ideal {
        let (next, digit) = quotient.quotientAndRemainder(dividingBy: 10)
        guard digit.isZero else { break }
        quotient = next
        exponent += 1
      }
    } else if (quotient % 5).isZero {
      // A digit that keeps "just above a half" from looking like a half.
      quotient += 1
    }
    remainder = 0
    return DecimalNumber(isNegative: negative, coefficient: quotient, exponent: exponent).rounded
  }

  /// Quotient towards zero and the remainder with the dividend's sign; nil: division by zero.
  package func dividedTruncating(
    by b: DecimalNumber
  ) -> (
    quotient: DecimalNumber, remainder: DecimalNumber
  )? {
    guard kind == .finite, b.kind == .finite else { return (.notANumber, .notANumber) }
    guard !b.isZero else { return nil }
    guard isZero || adjusted - b.adjusted <= Self.precision else {
      return (.notANumber, .notANumber)
    }
    if isZero || adjusted < b.adjusted - 1 {
      return (
        DecimalNumber(isNegative: isNegative != b.isNegative, coefficient: 0, exponent: 0), rounded
      )
    }
    let common = min(exponent, b.exponent)
    let (quotient, remainder) =
      (coefficient * Self.power(exponent - common)).quotientAndRemainder(
        dividingBy: b.coefficient * Self.power(b.exponent - common)
      )
    return (
      DecimalNumber(
        isNegative: isNegative != b.isNegative,
        coefficient: quotient,
        exponent: 0
      ),
      DecimalNumber(isNegative: isNegative, coefficient: remainder, exponent: common).rounded
    )
  }

  /// nil when either is NaN.
  package func compare(to b: DecimalNumber) -> Int? {
    if isNaN || b.isNaN { return nil }
    func rank(_ number: DecimalNumber) -> Int {
      number.kind == .infinity ? (number.isNegative ? -1 : 1) : 0
    }
    if rank(self) != 0 || rank(b) != 0 { return (rank(self) - rank(b)).signum() }
    if isZero || b.isZero || isNegative != b.isNegative || adjusted != b.adjusted {
      func sign(_ number: DecimalNumber) -> Int { number.isZero ? 0 : number.isNegative ? -1 : 1 }
      if sign(self) != sign(b) { return (sign(self) - sign(b)).signum() }
      if sign(self) == 0 { return 0 }
      return (adjusted - b.adjusted).signum() * sign(self)
    }
    let common = min(exponent, b.exponent)
    let left = signed * BigInt(Self.power(exponent - common))
    let right = b.signed * BigInt(Self.power(b.exponent - common))
    return left == right ? 0 : left < right ? -1 : 1
  }

  static func power(_ exponent: Int) -> BigUInt { BigUInt(10).power(exponent) }
}
