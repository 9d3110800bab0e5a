import BigInt

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension BuiltinFilters {
  static func addNumberFilters(_ table: inout FilterTable) {
    table.add(["abs"]) { (value, arguments, interpreter) throws(TemplateError) in
      switch value.number {
      case .int(let int)?: return int == .min ? .integer(-BigInt(int)) : .int(abs(int))
      case .big(let big)?: return .integer(BigInt(big.magnitude))
      case .float(let double)?: return .float(abs(double))
      case nil: break
      }
      if case .object(let object) = value,
        let result = try object.operate(.magnitude, interpreter)
      {
        return result
      }
      throw .type("bad operand type for abs(): '\(value.typeName)'")
    }
    table.add(["int"], ["default", "base"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      let base = try arguments[1]?.expectInt() ?? 10
      return Numerals.int(value, base: base) ?? arguments[0] ?? .int(0)
    }
    table.add(["float"], ["default"]) { (value, arguments, interpreter) throws(TemplateError) in
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      return Numerals.float(value).map { .float($0) } ?? arguments[0] ?? .float(0)
    }
    table.add(["round"], ["precision", "method"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      let precision = try arguments[0]?.expectInt() ?? 0
      let method =
        try arguments[1].map { (value) throws(TemplateError) in
          try interpreter.soft(value)
        } ?? "common"
      guard ["common", "ceil", "floor"].contains(method) else {
        throw .filterArgument("method must be common, ceil or floor")
      }
      return try rounded(value, precision, method, interpreter)
    }
    table.add(["filesizeformat"], ["binary"]) {
      (value, arguments, interpreter) throws(TemplateError) in
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      guard let bytes = Numerals.float(value) else {
        guard case .string = value else {
          throw .type(
            "float() argument must be a string or a real number, not '\(value.typeName)'"
          )
        }
        throw .value(
          "could not convert string to float: \(try interpreter.reprText(of: value))"
        )
      }
      return .string(fileSize(bytes, binary: try interpreter.flag(arguments[0])))
    }
  }

  private static func rounded(
    _ value: Value,
    _ precision: Int,
    _ method: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    if method == "common" {
      switch value.number {
      case .float(let double)?: return .float(Numerals.round(double, precision))
      case .int(let int)?:
        return precision >= 0 ? .int(int) : .integer(Numerals.round(BigInt(int), precision))
      case .big(let big)?:
        return precision >= 0 ? value : .integer(Numerals.round(big, precision))
      case nil:
        if case .object(let object) = value {
          if let result = try object.rounded(toPlaces: precision, interpreter) { return result }
          if let number = object.numericValue?.number {
            return .float(Numerals.round(number.double, precision))
          }
        }
        throw .type("type \(value.typeName) doesn't define __round__ method")
      }
    }
    let scale = try interpreter.arithmetic(.power, .int(10), .int(precision))
    let scaled = try interpreter.arithmetic(.multiply, value, scale)
    guard let number = scaled.number else {
      throw .type("must be real number, not \(value.typeName)")
    }
    var whole = number.big
    if case .float(let double) = number {
      guard double.isFinite else {
        throw double.isNaN
          ? .value("cannot convert float NaN to integer")
          : .overflow("cannot convert float infinity to integer")
      }
      whole = BigInt(method == "ceil" ? double.rounded(.up) : double.rounded(.down))
    }
    return try interpreter.arithmetic(.divide, .integer(whole), scale)
  }

  private static func fileSize(_ bytes: Double, binary: Bool) -> String {
    let base: Double = binary ? 1024 : 1000
    let units =
      binary
      ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
      : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    if bytes == 1 { return "1 Byte" }
    if bytes < base {
      return FloatFormat.format(
        // Plus zero: an integer has no minus before its zero.
        bytes.rounded(.towardZero) + 0,
        kind: "f",
        precision: 0,
        isAlternate: false
      ) + " Bytes"
    }
    var unit = base
    for (index, name) in units.enumerated() {
      unit *= base
      if bytes < unit || index == units.count - 1 {
        return FloatFormat.format(
          base * bytes / unit,
          kind: "f",
          precision: 1,
          isAlternate: false
        ) + " " + name
      }
    }
    return ""
  }
}

/// Numbers in text, and rounding, as Python has them.
enum Numerals {
  /// `int(value)` in the way of the filter: text and floats too; nil: not a number.
  static func int(_ value: Value, base: Int) -> Value? {
    switch value {
    case .int, .bigInt: return value
    case .bool(let bool): return .int(bool ? 1 : 0)
    case .float(let double): return truncated(double)
    case .string(let text):
      if let parsed = parse(text, base: base) { return parsed }
      return float(value).flatMap(truncated)
    case .object(let object): return object.numericValue.flatMap { int($0, base: base) }
    default: return nil
    }
  }

  private static func truncated(_ double: Double) -> Value? {
    guard double.isFinite else { return nil }
    return Int(exactly: double.rounded(.towardZero)).map { .int($0) } ?? .integer(BigInt(double))
  }

  /// `int(text, base)`
  static func parse(_ text: String, base: Int) -> Value? {
    var digits = Substring(StringMethods.strip(text, left: true, right: true))
    var isNegative = false
    if digits.hasPrefix("-") || digits.hasPrefix("+") {
      isNegative = digits.hasPrefix("-")
      digits = digits.dropFirst()
    }
    var radix = base
    let prefix = digits.prefix(2).lowercased()
    for (mark, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
    where prefix == mark && (base == value || base == 0) {
      digits = digits.dropFirst(2)
      radix = value
      if digits.hasPrefix("_") { digits = digits.dropFirst() }
    }
    if radix == 0 { radix = 10 }
    guard (2...36).contains(radix), !digits.isEmpty, !digits.hasPrefix("_"),
      !digits.hasSuffix("_"), !digits.contains("__")
    else { return nil }
    var plain = ""
    for scalar in digits.unicodeScalars where scalar != "_" {
      if scalar.value < 0x80 {
        plain.unicodeScalars.append(scalar)
      } else if let numeric = scalar.properties.numericValue, scalar.isPythonDecimal {
        plain += String(Int(numeric))
      } else {
        return nil
      }
    }
    guard plain.utf8.allSatisfy({ $0 != 43 && $0 != 45 }),
      plain.utf8.count <= 4300 || (radix & (radix - 1) == 0 && plain.utf8.count <= 1 << 16),
      let magnitude = integer(plain, radix: radix)
    else { return nil }
    return .integer(isNegative ? -magnitude : magnitude)
  }

  private static func integer(_ digits: String, radix: Int) -> BigInt? {
    // BigInt knows the radixes below 36.
    if radix < 36 { return BigInt(digits, radix: radix) }
    var result = BigInt(0)
    for byte in digits.utf8 {
      guard let digit = Int(String(Unicode.Scalar(byte)), radix: radix) else { return nil }
      result = result * BigInt(radix) + BigInt(digit)
    }
    return result
  }

  /// `float(value)`; nil: not a number.
  static func float(_ value: Value) -> Double? {
    switch value {
    case .object(let object): return object.numericValue.flatMap(float)
    case .string(let text):
      let stripped = StringMethods.strip(text, left: true, right: true)
      let lower = decimals(stripped).lowercased()
      switch lower {
      case "inf", "+inf", "infinity", "+infinity": return .infinity
      case "-inf", "-infinity": return -.infinity
      case "nan", "+nan", "-nan": return .nan
      default: break
      }
      guard lower.utf8.allSatisfy({ isFloatByte($0) }), !lower.hasPrefix("_"),
        !lower.hasSuffix("_"), !lower.contains("__"), hasMantissa(lower)
      else { return nil }
      var plain = lower.replacing("_", with: "")
      if plain.hasPrefix(".") { plain = "0" + plain }
      plain = plain.replacing("-.", with: "-0.").replacing("+.", with: "+0.")
      plain = plain.replacing(".e", with: ".0e")
      if plain.hasSuffix(".") { plain += "0" }
      return Double(plain)
    default:
      guard let number = value.number, number.double.isFinite || value.isFloat else { return nil }
      return number.double
    }
  }

  /// The text with digits of other scripts as those of ASCII.
  private static func decimals(_ text: String) -> String {
    if text.isASCIIText { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar.isPythonDecimal, let value = scalar.properties.numericValue {
        result += String(Int(value))
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Whether there is a digit before the exponent.
  private static func hasMantissa(_ text: String) -> Bool {
    for byte in text.utf8 {
      if byte >= 48 && byte <= 57 { return true }
      if byte == UInt8(ascii: "e") { return false }
    }
    return false
  }

  private static func isFloatByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// `round(double, digits)`: half to even of the exact value.
  static func round(_ double: Double, _ digits: Int) -> Double {
    guard double.isFinite, double != 0, digits < 323 else { return double }
    if digits > 0 {
      return Double(
        FloatFormat.format(double, kind: "f", precision: digits, isAlternate: false)
      ) ?? double
    }
    if digits == 0 { return double.rounded(.toNearestOrEven) }
    guard digits > -309 else { return Double(signOf: double, magnitudeOf: 0) }
    let scale = BigInt(10).power(-digits)
    let whole = BigInt(double.rounded(.towardZero))
    let fraction = abs(double - double.rounded(.towardZero))
    var (quotient, rest) = whole.magnitude.quotientAndRemainder(dividingBy: scale.magnitude)
    let twice = rest * 2
    if twice > scale.magnitude
      || (twice == scale.magnitude && (fraction > 0 || quotient & 1 == 1))
    {
      quotient += 1
    }
    rest = quotient * scale.magnitude
    return Double(signOf: double, magnitudeOf: BigInt(rest).nearestDouble)
  }

  /// `round(integer, digits)` for negative digits.
  static func round(_ integer: BigInt, _ digits: Int) -> BigInt {
    guard digits > -5000 else { return 0 }
    let scale = BigInt(10).power(-digits).magnitude
    var (quotient, rest) = integer.magnitude.quotientAndRemainder(dividingBy: scale)
    rest *= 2
    if rest > scale || (rest == scale && quotient & 1 == 1) { quotient += 1 }
    let result = BigInt(quotient * scale)
    return integer < 0 ? -result : result
  }
}

extension Value {
  var isFloat: Bool { if case .float = self { true } else { false } }
}
