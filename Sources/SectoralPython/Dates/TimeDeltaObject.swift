import BigInt
package import SectoralJinja

/// Python's `timedelta`.
package final class TimeDeltaObject: Object {
  /// At most a thousand million days either way, which 64 bits do not hold.
  package let microseconds: Int128

  package init(microseconds: Int128) {
    self.microseconds = microseconds
    super.init()
  }

  private static let perDay = Int128(CalendarMath.microsecondsPerDay)
  static let largest = 1_000_000_000 * perDay - 1
  static let smallest = -999_999_999 * perDay

  var days: Int { Int(floorDivided(microseconds, by: Self.perDay)) }
  private var timeOfDay: Int {
    Int(microseconds - floorDivided(microseconds, by: Self.perDay) * Self.perDay)
  }
  private var secondsOfDay: Int { timeOfDay / 1_000_000 }
  private var fraction: Int { timeOfDay % 1_000_000 }

  package override var typeName: String { "datetime.timedelta" }
  package override var isTrue: Bool { microseconds != 0 }

  var text: String {
    let seconds = secondsOfDay
    var text = "\(seconds / 3600):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if fraction != 0 { text += "." + padded(fraction, 6) }
    return days == 0 ? text : "\(days) day\(abs(days) == 1 ? "" : "s"), " + text
  }

  var pythonText: String {
    let parts = [("days", days), ("seconds", secondsOfDay), ("microseconds", fraction)]
      .filter { $0.1 != 0 }.map { "\($0.0)=\($0.1)" }
    return "datetime.timedelta(\(parts.isEmpty ? "0" : parts.joined(separator: ", ")))"
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    pythonText
  }

  package override func isEqual(to other: Value) -> Bool {
    other.object(TimeDeltaObject.self)?.microseconds == microseconds
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(microseconds)
    return true
  }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    other.object(TimeDeltaObject.self).map { order(microseconds, $0.microseconds) }
  }

  package override func operate(
    _ operation: UnaryOperator,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch operation {
    case .negate: try .timeDelta(-microseconds)
    case .affirm: .object(self)
    case .magnitude: try .timeDelta(microseconds < 0 ? -microseconds : microseconds)
    }
  }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let delta = other.object(TimeDeltaObject.self) {
      let (left, right) =
        reversed ? (delta.microseconds, microseconds) : (microseconds, delta.microseconds)
      return try combine(operation, left, right, interpreter)
    }
    switch other {
    case .float(let double): return try scaled(operation, by: double, reversed: reversed)
    case .int, .bool, .bigInt:
      return try scaled(operation, by: BigInt(pythonInteger: other), reversed: reversed)
    default: return nil
    }
  }

  private func combine(
    _ operation: BinaryOperator,
    _ left: Int128,
    _ right: Int128,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch operation {
    case .add: return try .timeDelta(left + right)
    case .subtract: return try .timeDelta(left - right)
    case .divide:
      // Python's zero has the sign of the quotient.
      if left == 0, right < 0 { return .float(-0.0) }
      return try interpreter.operate(
        .divide,
        .integer(BigInt(left)),
        .integer(BigInt(right))
      )
    case .floorDivide, .modulo:
      guard right != 0 else {
        throw .python(.zeroDivision, "integer division or modulo by zero")
      }
      let quotient = floorDivided(left, by: right)
      return operation == .modulo
        ? try .timeDelta(left - quotient * right) : .integer(BigInt(quotient))
    default: return nil
    }
  }

  private func scaled(
    _ operation: BinaryOperator,
    by factor: BigInt?,
    reversed: Bool
  ) throws(TemplateError) -> Value? {
    guard let factor else { return nil }
    let own = BigInt(microseconds)
    switch operation {
    case .multiply: return try .timeDelta(exactly: own * factor)
    case .divide where !reversed:
      guard !factor.isZero else { throw .python(.zeroDivision, "division by zero") }
      return try .timeDelta(exactly: dividedToNearestEven(own, factor))
    case .floorDivide where !reversed:
      guard !factor.isZero else {
        throw .python(.zeroDivision, "integer division or modulo by zero")
      }
      return try .timeDelta(exactly: floorDivided(own, by: factor))
    default: return nil
    }
  }

  /// Exact: the float is taken as the fraction that it is.
  private func scaled(
    _ operation: BinaryOperator,
    by factor: Double,
    reversed: Bool
  ) throws(TemplateError) -> Value? {
    guard operation == .multiply || (operation == .divide && !reversed) else { return nil }
    guard let (numerator, denominator) = factor.integerRatio else {
      throw factor.isNaN
        ? .valueError("cannot convert NaN to integer ratio")
        : .python(.overflow, "cannot convert Infinity to integer ratio")
    }
    let own = BigInt(microseconds)
    if operation == .multiply {
      return try .timeDelta(exactly: dividedToNearestEven(own * numerator, denominator))
    }
    guard !numerator.isZero else { throw .python(.zeroDivision, "division by zero") }
    return try .timeDelta(exactly: dividedToNearestEven(own * denominator, numerator))
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "days": return .int(days)
    case "seconds": return .int(secondsOfDay)
    case "microseconds": return .int(fraction)
    case "total_seconds":
      return .function("total_seconds") { arguments, interpreter throws(TemplateError) in
        _ = try CallArguments("total_seconds", arguments, [])
        return try interpreter.operate(
          .divide,
          .integer(BigInt(self.microseconds)),
          .int(1_000_000)
        )
      }
    default: return try TimeDeltaClass().attribute(name, interpreter)
    }
  }

  package override var numericValue: Value? { nil }
}

final class TimeDeltaClass: DateTypeClass {
  override var name: String { "timedelta" }
  override var methods: Set<String> { ["total_seconds"] }

  private static let names = [
    "days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks",
  ]
  /// Microseconds in each, and in which order Python adds them: fractions are summed as floats.
  private static let units: [(index: Int, size: Int)] = [
    (2, 1), (3, 1000), (1, 1_000_000), (4, 60_000_000), (5, 3_600_000_000),
    (0, CalendarMath.microsecondsPerDay), (6, 7 * CalendarMath.microsecondsPerDay),
  ]

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments("timedelta", arguments, Self.names)
    var whole: BigInt = 0
    var rest = 0.0
    for (index, size) in Self.units {
      guard let value = arguments[index] else { continue }
      if let int = BigInt(pythonInteger: value) {
        whole += int * BigInt(size)
      } else if case .float(let double) = value {
        guard double.isFinite else {
          throw double.isNaN
            ? .valueError("cannot convert float NaN to integer")
            : .python(.overflow, "cannot convert float infinity to integer")
        }
        let integral = double.rounded(.towardZero)
        whole += BigInt(integral) * BigInt(size)
        let part = (double - integral) * Double(size)
        let integralPart = part.rounded(.towardZero)
        whole += BigInt(integralPart)
        rest += part - integralPart
      } else {
        throw .typeError(
          "unsupported type for timedelta \(Self.names[index]) component: \(value.typeName)"
        )
      }
    }
    if rest != 0 {
      // A half goes to the even one of the sums, not of the fractions.
      let odd = whole % 2 == 0 ? 0.0 : 1.0
      var rounded = rest.rounded()
      if abs(rounded - rest) == 0.5 { rounded = 2 * ((rest + odd) * 0.5).rounded() - odd }
      whole += BigInt(rounded)
    }
    return try .timeDelta(exactly: whole)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "min": try .timeDelta(TimeDeltaObject.smallest)
    case "max": try .timeDelta(TimeDeltaObject.largest)
    case "resolution": try .timeDelta(1)
    default: try super.attribute(name, interpreter)
    }
  }
}

extension Value {
  /// An error beyond a thousand million days.
  package static func timeDelta(_ microseconds: Int128) throws(TemplateError) -> Value {
    guard (TimeDeltaObject.smallest...TimeDeltaObject.largest).contains(microseconds) else {
      let days = floorDivided(microseconds, by: Int128(CalendarMath.microsecondsPerDay))
      throw .python(.overflow, "days=\(days); must have magnitude <= 999999999")
    }
    return .object(TimeDeltaObject(microseconds: microseconds))
  }

  static func timeDelta(exactly microseconds: BigInt) throws(TemplateError) -> Value {
    guard microseconds.bitWidth <= 100 else {
      throw .python(.overflow, "Python int too large to convert to C int")
    }
    let words = microseconds.magnitude.words
    var size: Int128 = 0
    for word in words.reversed() { size = size << 64 | Int128(word) }
    return try timeDelta(microseconds < 0 ? -size : size)
  }
}

// MARK: Arithmetic

func floorDivided<Number: SignedInteger>(_ a: Number, by b: Number) -> Number {
  let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
  return remainder != 0 && (remainder < 0) != (b < 0) ? quotient - 1 : quotient
}

/// The nearest integer to a/b; of two, the even one.
func dividedToNearestEven(_ a: BigInt, _ b: BigInt) -> BigInt {
  let (a, b) = b < 0 ? (-a, -b) : (a, b)
  let quotient = floorDivided(a, by: b)
  let twice = 2 * (a - quotient * b)
  return twice > b || (twice == b && quotient % 2 != 0) ? quotient + 1 : quotient
}

extension BigInt {
  /// An int of Python's, of any size; bools count.
  init?(pythonInteger value: Value) {
    switch value {
    case .int(let int): self.init(int)
    case .bool(let bool): self.init(bool ? 1 : 0)
    case .bigInt(let big): self = big.value
    default: return nil
    }
  }
}

extension Double {
  /// The fraction that the float is, in lowest terms; nil for infinities and NaN.
  var integerRatio: (numerator: BigInt, denominator: BigInt)? {
    guard isFinite else { return nil }
    guard self != 0 else { return (0, 1) }
    var significand = BigInt(significandBitPattern) + (isNormal ? 1 << 52 : 0)
    var shift = (isNormal ? Int(exponent) : -1022) - 52
    let spare = significand.magnitude.trailingZeroBitCount
    significand >>= spare
    shift += spare
    if self < 0 { significand = -significand }
    return shift >= 0 ? (significand << shift, 1) : (significand, BigInt(1) << -shift)
  }
}
