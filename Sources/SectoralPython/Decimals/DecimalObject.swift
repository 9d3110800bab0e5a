import BigInt
package import SectoralJinja

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Python's `Decimal`: the numbers of query results.
package final class DecimalObject: Object {
  package let value: DecimalNumber

  package init(_ value: DecimalNumber) {
    self.value = value
    super.init()
  }

  package override var typeName: String { "decimal.Decimal" }
  package override var isTrue: Bool { !value.isZero }
  package override var numericValue: Value? {
    // Nobody counts with integers of thousands of digits.
    guard value.exponent <= 5000, value.isIntegral, let int = value.truncated else {
      return .float(value.double)
    }
    // Beyond what a float holds exactly the digits count for more than the point.
    if value.exponent < 0, int.bitWidth <= 53 { return .float(Double(int)) }
    return .integer(int)
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    value.description
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "Decimal('\(value.description)')"
  }

  package override func isEqual(to other: Value) -> Bool { order(to: other) == 0 }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    if value.isNaN || other.object(DecimalObject.self)?.value.isNaN == true {
      throw Self.invalidOperation()
    }
    return order(to: other)
  }

  func order(to other: Value) -> Int? {
    switch other {
    case .float(let double):
      double.isNaN ? nil : DecimalNumber(exactly: double).flatMap { value.compare(to: $0) }
    default: Self.number(of: other).flatMap { value.compare(to: $0) }
    }
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    // As the engine hashes ints and floats: equal numbers must hash equally.
    if value.exponent <= 5000, value.isIntegral, let int = value.truncated {
      if let small = Int(exactly: int) { hasher.combine(small) } else { hasher.combine(int) }
    } else {
      hasher.combine(value.double)
    }
    return true
  }

  package override func operate(
    _ operation: UnaryOperator,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch operation {
    case .negate: .decimal(-value)
    case .affirm: .decimal(-(-value))
    case .magnitude: .decimal(value.magnitude)
    }
  }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard let operand = Self.number(of: other) else { return nil }
    let (left, right) = reversed ? (operand, value) : (value, operand)
    let result: DecimalNumber
    switch operation {
    case .add: result = left + right
    case .subtract: result = left - right
    case .multiply: result = left * right
    case .divide:
      guard let quotient = left.divided(by: right) else {
        throw left.isZero
          ? Self.invalidOperation("DivisionUndefined") : Self.failure("DivisionByZero")
      }
      result = quotient
    case .floorDivide, .modulo:
      guard let division = left.dividedTruncating(by: right) else {
        throw operation == .modulo || left.isZero
          ? Self.invalidOperation(left.isZero ? "DivisionUndefined" : "InvalidOperation")
          : Self.failure("DivisionByZero")
      }
      result = operation == .modulo ? division.remainder : division.quotient
    case .power: result = try Self.power(left, right)
    }
    if result.isNaN, !left.isNaN, !right.isNaN { throw Self.invalidOperation() }
    return .decimal(try Self.checked(result))
  }

  private static func power(
    _ base: DecimalNumber,
    _ exponent: DecimalNumber
  )
    throws(TemplateError) -> DecimalNumber
  {
    if base.isNaN || exponent.isNaN { return .notANumber }
    if exponent.isIntegral, let power = exponent.truncated.flatMap({ Int(exactly: $0) }) {
      guard let result = base.raised(to: power) else { throw invalidOperation() }
      return result
    }
    guard !base.isNegative || base.isZero else { throw invalidOperation() }
    if exponent.compare(to: DecimalNumber(coefficient: 5, exponent: -1)) == 0,
      let root = base.squareRoot
    {
      return root
    }
    // Other fractional powers have the digits of a float.
    return DecimalNumber(pow(base.double, exponent.double).description) ?? .notANumber
  }

  /// An error where the exponent is larger than Python's numbers may have.
  static func checked(_ number: DecimalNumber) throws(TemplateError) -> DecimalNumber {
    guard number.kind == .finite else { return number }
    guard number.isZero || number.adjusted <= 999_999 else { throw failure("Overflow") }
    guard number.exponent < -1_000_026 else { return number }
    return number.quantized(places: 1_000_026)
  }

  static func failure(_ name: String) -> TemplateError {
    .python(ErrorKind(rawValue: name), "[<class 'decimal.\(name)'>]")
  }

  static func invalidOperation(_ detail: String = "InvalidOperation") -> TemplateError {
    .python(ErrorKind(rawValue: "InvalidOperation"), "[<class 'decimal.\(detail)'>]")
  }

  package override func rounded(
    toPlaces places: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard abs(places) < 1000 else { throw Self.invalidOperation() }
    return .decimal(try DecimalMethods.quantized(value, places: places, .halfEven))
  }

  package override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  {
    if specification.isEmpty { return value.description }
    guard let format = DecimalFormat(specification) else {
      throw .valueError("invalid format string")
    }
    return format.text(value)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "real": return .object(self)
    case "imag": return .decimal(DecimalNumber(0))
    default: return DecimalMethods.method(name.name, of: value)
    }
  }

  /// Ints, bools and decimals; floats do not mix with decimals.
  package static func number(of value: Value) -> DecimalNumber? {
    switch value {
    case .int(let int): DecimalNumber(int)
    case .bool(let bool): DecimalNumber(bool ? 1 : 0)
    case .bigInt(let big): DecimalNumber(big.value)
    case .object(let object): (object as? DecimalObject)?.value
    default: nil
    }
  }
}

extension DecimalNumber {
  /// The float's exact value.
  package init?(exactly double: Double) {
    guard double.isFinite else {
      self.init(double.isNaN ? "NaN" : double < 0 ? "-Infinity" : "Infinity")
      return
    }
    guard let (numerator, denominator) = double.integerRatio else { return nil }
    // The denominator is a power of two: as many fives make it one of ten.
    let places = denominator.bitWidth - 2
    self.init(
      isNegative: double.sign == .minus,
      coefficient: numerator.magnitude * BigUInt(5).power(places),
      exponent: -places
    )
  }
}

extension Value {
  package static func decimal(_ number: DecimalNumber) -> Value { .object(DecimalObject(number)) }
}
