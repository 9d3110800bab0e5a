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
    if value.isIntegral, let int = value.truncated.flatMap({ Int(exactly: $0) }) {
      return value.exponent >= 0 ? .int(int) : .float(Double(int))
    }
    return .float(value.double)
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
  { order(to: other) }

  func order(to other: Value) -> Int? {
    switch other {
    case .float(let double):
      double.isNaN ? nil : DecimalNumber(exactly: double).flatMap { value.compare(to: $0) }
    default: Self.number(of: other).flatMap { value.compare(to: $0) }
    }
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    // As the engine hashes ints and floats: equal numbers must hash equally.
    if value.isIntegral, let int = value.truncated {
      if let small = Int(exactly: int) { hasher.combine(small) } else { hasher.combine(int) }
    } else {
      hasher.combine(value.double)
    }
    return true
  }

  package override func negated(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    .decimal(-value)
  }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard let operand = Self.number(of: other) else { return nil }
    let (left, right) = reversed ? (operand, value) : (value, operand)
    switch operation {
    case .add: return .decimal(left + right)
    case .subtract: return .decimal(left - right)
    case .multiply: return .decimal(left * right)
    case .divide:
      guard let quotient = left.divided(by: right) else { throw Self.divisionByZero }
      return .decimal(quotient)
    case .floorDivide:
      guard let result = left.dividedTruncating(by: right) else { throw Self.divisionByZero }
      return .decimal(result.quotient)
    case .modulo:
      guard let result = left.dividedTruncating(by: right) else { throw Self.divisionByZero }
      return .decimal(result.remainder)
    case .power:
      guard right.isIntegral, let power = right.truncated.flatMap({ Int(exactly: $0) }) else {
        return .decimal(DecimalNumber(pow(left.double, right.double).description) ?? .notANumber)
      }
      guard let result = left.raised(to: power) else { throw Self.divisionByZero }
      return .decimal(result)
    }
  }

  package override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  {
    if specification.isEmpty { return value.description }
    if let format = DecimalFormat(specification) { return format.text(value) }
    // Scientific notation and the like are those of floats.
    let format = try interpreter.attribute("format", of: .string("{:\(specification)}"))
    return try interpreter.string(
      interpreter.call(format, Arguments([.float(value.double)]))
    )
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let value = value
    switch name.name {
    case "normalize":
      return .function("normalize") { _, _ throws(TemplateError) in .decimal(value.normalized) }
    case "quantize":
      return .function("quantize") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("quantize", arguments, ["exp", "rounding"], required: 1)
        guard let model = Self.number(of: arguments.value(0)) else {
          throw .typeError(
            "conversion from \(arguments.value(0).typeName) to Decimal is not supported"
          )
        }
        return .decimal(value.quantized(places: -model.exponent))
      }
    case "to_integral_value":
      return .function("to_integral_value") { _, _ throws(TemplateError) in
        .decimal(value.quantized(places: 0))
      }
    case "is_nan": return .constant("is_nan", .bool(value.isNaN))
    case "is_zero": return .constant("is_zero", .bool(value.isZero))
    case "is_infinite": return .constant("is_infinite", .bool(value.kind == .infinity))
    case "is_finite": return .constant("is_finite", .bool(value.kind == .finite))
    case "is_signed": return .constant("is_signed", .bool(value.isNegative))
    case "real": return .object(self)
    case "imag": return .decimal(DecimalNumber(0))
    default: return nil
    }
  }

  private static var divisionByZero: TemplateError {
    .python(.zeroDivision, "[<class 'decimal.DivisionByZero'>]")
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
    if double == 0 {
      self.init(0)
      return
    }
    let significand = BigUInt(double.significandBitPattern) + (double.isNormal ? 1 << 52 : 0)
    let exponent = (double.isNormal ? Int(double.exponent) : -1022) - 52
    if exponent >= 0 {
      self.init(
        isNegative: double < 0,
        coefficient: significand << exponent,
        exponent: 0
      )
    } else {
      self.init(
        isNegative: double < 0,
        coefficient: significand * BigUInt(5).power(-exponent),
        exponent: exponent
      )
    }
  }
}

extension Value {
  package static func decimal(_ number: DecimalNumber) -> Value { .object(DecimalObject(number)) }
}
