import BigInt
import SectoralJinja

/// The methods of Python's `Decimal`, but for its transcendental functions.
enum DecimalMethods {
  static func method(_ name: String, of value: DecimalNumber) -> Value? {
    if let answer = constant(name, value) { return .constant(name, answer) }
    switch name {
    case "quantize":
      return .function(name) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(name, arguments, ["exp", "rounding"], required: 1)
        let model = try operand(arguments, 0)
        guard model.kind == .finite, value.kind == .finite else {
          guard model.isNaN || value.isNaN || model.kind == value.kind else {
            throw DecimalObject.invalidOperation()
          }
          return .decimal(value.isNaN ? value : model)
        }
        return .decimal(
          try quantized(value, places: -model.exponent, rounding(arguments, 1))
        )
      }
    case "to_integral_value", "to_integral", "to_integral_exact":
      return .function(name) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(name, arguments, ["rounding"])
        let mode = try rounding(arguments, 0)
        guard value.kind == .finite, value.exponent < 0 else { return .decimal(value) }
        return .decimal(value.quantized(places: 0, mode))
      }
    case "sqrt":
      return .function(name) { arguments, _ throws(TemplateError) in
        _ = try CallArguments(name, arguments, [])
        guard let root = value.squareRoot else { throw DecimalObject.invalidOperation() }
        return .decimal(root)
      }
    case "copy_sign", "compare", "max", "min", "remainder_near", "same_quantum":
      return .function(name) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(name, arguments, ["other"], required: 1)
        return try binary(name, value, operand(arguments, 0))
      }
    case "scaleb":
      return .function(name) { arguments, _ throws(TemplateError) in
        let power = try CallArguments(name, arguments, ["other"], required: 1).int(0)
        guard abs(power) <= 2_000_054 else { throw DecimalObject.invalidOperation() }
        return .decimal(try DecimalObject.checked(value.scaled(by: power)))
      }
    default: return nil
    }
  }

  /// Methods without arguments.
  private static func constant(_ name: String, _ value: DecimalNumber) -> Value? {
    switch name {
    case "normalize": .decimal(value.normalized)
    case "is_nan", "is_qnan": .bool(value.isNaN)
    case "is_snan": .bool(false)
    case "is_zero": .bool(value.isZero)
    case "is_infinite": .bool(value.kind == .infinity)
    case "is_finite": .bool(value.kind == .finite)
    case "is_signed": .bool(value.isNegative)
    case "is_normal": .bool(value.kind == .finite && !value.isZero)
    case "is_subnormal": .bool(false)
    case "is_canonical": .bool(true)
    case "conjugate", "canonical": .decimal(value)
    case "copy_abs": .decimal(value.withSign(false))
    case "copy_negate": .decimal(value.withSign(!value.isNegative))
    case "adjusted": .int(value.adjusted)
    case "as_tuple": tuple(value)
    case "as_integer_ratio": ratio(value)
    case "number_class": .string(className(value))
    default: nil
    }
  }

  private static func operand(
    _ arguments: CallArguments,
    _ index: Int
  )
    throws(TemplateError) -> DecimalNumber
  {
    if let number = DecimalObject.number(of: arguments.value(index)) { return number }
    throw .typeError(
      "conversion from \(arguments.value(index).typeName) to Decimal is not supported"
    )
  }

  private static func rounding(
    _ arguments: CallArguments,
    _ index: Int
  )
    throws(TemplateError) -> DecimalRounding
  {
    guard let value = arguments.optional(index) else { return .halfEven }
    if let mode = value.asString.flatMap(DecimalRounding.init(rawValue:)) { return mode }
    throw .typeError(
      "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   "
        + "ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]"
    )
  }

  /// An error where the result would need more digits than a number has.
  static func quantized(
    _ value: DecimalNumber,
    places: Int,
    _ mode: DecimalRounding
  ) throws(TemplateError) -> DecimalNumber {
    guard value.isZero || value.adjusted + places < DecimalNumber.precision else {
      throw DecimalObject.invalidOperation()
    }
    let result = value.quantized(places: places, mode)
    guard result.coefficient < DecimalNumber.power(DecimalNumber.precision) else {
      throw DecimalObject.invalidOperation()
    }
    return result
  }

  private static func binary(
    _ name: String,
    _ value: DecimalNumber,
    _ other: DecimalNumber
  )
    throws(TemplateError) -> Value
  {
    switch name {
    case "copy_sign": return .decimal(value.withSign(other.isNegative))
    case "same_quantum":
      return .bool(value.kind == other.kind && value.exponent == other.exponent)
    case "remainder_near":
      guard let (quotient, remainder) = value.dividedTruncating(by: other) else {
        throw DecimalObject.invalidOperation()
      }
      // The nearest multiple: half of the divisor decides, a tie goes to the even one.
      let divisor = other.withSign(remainder.isNegative)
      let excess = (remainder + remainder).magnitude.compare(to: other.magnitude) ?? 0
      let isOdd = !((quotient.truncated ?? 0) % 2).isZero
      return .decimal(excess > 0 || (excess == 0 && isOdd) ? remainder - divisor : remainder)
    default:
      guard let comparison = value.compare(to: other) else {
        return .decimal(name == "compare" ? .notANumber : value.isNaN ? other : value)
      }
      if name == "compare" { return .decimal(DecimalNumber(comparison)) }
      return .decimal((comparison >= 0) == (name == "max") ? value : other)
    }
  }

  private static func tuple(_ value: DecimalNumber) -> Value {
    let digits = value.coefficient.description.utf8.map { Value.int(Int($0) - 48) }
    let exponent: Value =
      switch value.kind {
      case .finite: .int(value.exponent)
      case .infinity: .string("F")
      case .notANumber: .string("n")
      }
    return .object(
      NamedTuple(
        "DecimalTuple",
        [
          ("sign", .int(value.isNegative ? 1 : 0)),
          ("digits", .tuple(value.isNaN ? [] : digits)), ("exponent", exponent),
        ]
      )
    )
  }

  /// nil for what is no fraction.
  private static func ratio(_ value: DecimalNumber) -> Value? {
    guard value.kind == .finite else { return nil }
    let places = max(0, -value.exponent)
    let numerator = value.coefficient * DecimalNumber.power(max(0, value.exponent))
    let denominator = DecimalNumber.power(places)
    let common = numerator.greatestCommonDivisor(with: denominator)
    return .tuple([
      .integer(BigInt(sign: value.isNegative ? .minus : .plus, magnitude: numerator / common)),
      .integer(BigInt(denominator / common)),
    ])
  }

  private static func className(_ value: DecimalNumber) -> String {
    let sign = value.isNegative ? "-" : "+"
    switch value.kind {
    case .notANumber: return "NaN"
    case .infinity: return sign + "Infinity"
    case .finite: return sign + (value.isZero ? "Zero" : "Normal")
    }
  }
}

extension DecimalNumber {
  /// The same number with that sign; zero keeps it.
  func withSign(_ isNegative: Bool) -> DecimalNumber {
    kind == .finite
      ? DecimalNumber(isNegative: isNegative, coefficient: coefficient, exponent: exponent)
      : DecimalNumber(kind: kind, isNegative: isNegative)
  }
}
