import BigInt

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Python's operators.
extension Interpreter {
  func arithmetic(
    _ operation: BinaryOperator,
    _ left: Value,
    _ right: Value
  )
    throws(TemplateError) -> Value
  {
    if let a = left.number, let b = right.number { return try arithmetic(operation, a, b) }
    if case .undefined(let undefined) = left { throw undefinedError(undefined) }
    if operation == .modulo, case .string(let format) = left {
      return .string(try PercentFormat.format(format, right, self))
    }
    if case .undefined(let undefined) = right { throw undefinedError(undefined) }
    if case .object(let object) = left,
      let result = try object.operate(operation, right, reversed: false, self)
    {
      return result
    }
    if case .object(let object) = right,
      let result = try object.operate(operation, left, reversed: true, self)
    {
      return result
    }
    switch (operation, left, right) {
    case (.add, .string(let a), .string(let b)): return try joined(a, b)
    case (.add, .list(let a), .list(let b)): return .list(try joined(a.items, b.items))
    case (.add, .tuple(let a), .tuple(let b)): return .tuple(try joined(a.items, b.items))
    case (.subtract, .set(let a), .set(let b)):
      try account(left)
      return .set(SetValue(a.items.filter { !b.contains($0) }))
    case (.multiply, .string(let text), _) where right.isInteger:
      return .string(try repeated(text, right))
    case (.multiply, _, .string(let text)) where left.isInteger:
      return .string(try repeated(text, left))
    case (.multiply, .list(let list), _) where right.isInteger:
      return .list(ListValue(try repeated(list.items, right)))
    case (.multiply, _, .list(let list)) where left.isInteger:
      return .list(ListValue(try repeated(list.items, left)))
    case (.multiply, .tuple(let tuple), _) where right.isInteger:
      return .tuple(TupleValue(try repeated(tuple.items, right)))
    case (.multiply, _, .tuple(let tuple)) where left.isInteger:
      return .tuple(TupleValue(try repeated(tuple.items, left)))
    case (.add, .string, _):
      throw .type("can only concatenate str (not \"\(right.typeName)\") to str")
    case (.add, .list, _):
      throw .type("can only concatenate list (not \"\(right.typeName)\") to list")
    case (.add, .tuple, _):
      throw .type("can only concatenate tuple (not \"\(right.typeName)\") to tuple")
    case (.multiply, .string, _), (.multiply, .list, _), (.multiply, .tuple, _):
      throw .type("can't multiply sequence by non-int of type '\(right.typeName)'")
    case (.multiply, _, .string), (.multiply, _, .list), (.multiply, _, .tuple):
      throw .type("can't multiply sequence by non-int of type '\(left.typeName)'")
    default:
      throw .type(
        "unsupported operand type(s) for \(operation.symbol): '\(left.typeName)' and "
          + "'\(right.typeName)'"
      )
    }
  }

  private func joined(_ a: [Value], _ b: [Value]) throws(TemplateError) -> [Value] {
    try checkItems(a.count + b.count)
    try account(bytes: (a.count + b.count) &* 24)
    return a + b
  }

  private func repetitions(_ value: Value, of size: Int) throws(TemplateError) -> Int {
    guard let count = value.asInt else {
      if case .bigInt(let big) = value, big.value < 0 { return 0 }
      throw .overflow("cannot fit 'int' into an index-sized integer")
    }
    guard count > 0, size > 0 else { return 0 }
    guard count <= limits.repetition / size else {
      throw .limit("the repetition is larger than \(limits.repetition)")
    }
    return count
  }

  private func repeated(_ text: String, _ count: Value) throws(TemplateError) -> String {
    let count = try repetitions(count, of: text.utf8.count)
    try account(bytes: count &* text.utf8.count)
    return String(repeating: text, count: count)
  }

  private func repeated(_ items: [Value], _ count: Value) throws(TemplateError) -> [Value] {
    let count = try repetitions(count, of: items.count * 8)
    try account(bytes: count &* items.count &* 24)
    var result: [Value] = []
    result.reserveCapacity(count * items.count)
    for _ in 0..<count { result += items }
    return result
  }

  private func arithmetic(
    _ operation: BinaryOperator,
    _ left: Number,
    _ right: Number
  )
    throws(TemplateError) -> Value
  {
    switch (left, right) {
    case (.int(let a), .int(let b)):
      if let result = try small(operation, a, b) { return result }
      return try big(operation, BigInt(a), BigInt(b))
    case (.float, _), (_, .float):
      return try floating(operation, left.finiteDouble(), right.finiteDouble())
    default: return try big(operation, left.big, right.big)
    }
  }

  /// nil: the result needs a big integer.
  private func small(
    _ operation: BinaryOperator,
    _ a: Int,
    _ b: Int
  ) throws(TemplateError)
    -> Value?
  {
    switch operation {
    case .add:
      let (result, overflow) = a.addingReportingOverflow(b)
      return overflow ? nil : .int(result)
    case .subtract:
      let (result, overflow) = a.subtractingReportingOverflow(b)
      return overflow ? nil : .int(result)
    case .multiply:
      let (result, overflow) = a.multipliedReportingOverflow(by: b)
      return overflow ? nil : .int(result)
    case .divide:
      guard b != 0 else { throw .zeroDivision("division by zero") }
      // Beyond 2^53 both sides would be rounded before they are divided.
      if a.magnitude <= 1 << 53, b.magnitude <= 1 << 53 { return .float(Double(a) / Double(b)) }
      return nil
    case .floorDivide:
      guard b != 0 else { throw .zeroDivision("integer division or modulo by zero") }
      if a == .min, b == -1 { return nil }
      let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
      return .int(rest != 0 && (rest < 0) != (b < 0) ? quotient - 1 : quotient)
    case .modulo:
      guard b != 0 else { throw .zeroDivision("integer modulo by zero") }
      if b == -1 { return .int(0) }
      let rest = a % b
      return .int(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)
    case .power:
      if b < 0 {
        guard a != 0 else {
          throw .zeroDivision("0.0 cannot be raised to a negative power")
        }
        return .float(pow(Double(a), Double(b)))
      }
      var result = 1
      var base = a
      var exponent = b
      while exponent > 0 {
        if exponent & 1 == 1 {
          let (product, overflow) = result.multipliedReportingOverflow(by: base)
          if overflow { return nil }
          result = product
        }
        exponent >>= 1
        if exponent > 0 {
          let (square, overflow) = base.multipliedReportingOverflow(by: base)
          if overflow { return nil }
          base = square
        }
      }
      return .int(result)
    }
  }

  private func big(
    _ operation: BinaryOperator,
    _ a: BigInt,
    _ b: BigInt
  ) throws(TemplateError)
    -> Value
  {
    try charge(a, b)
    switch operation {
    case .add, .subtract:
      try checkBits(max(a.bitWidth, b.bitWidth) - 1)
      return .integer(operation == .add ? a + b : a - b)
    case .multiply:
      try checkBits(a.bitWidth + b.bitWidth)
      return .integer(a * b)
    case .divide:
      guard b != 0 else { throw .zeroDivision("division by zero") }
      return .float(try quotient(a, b))
    case .floorDivide, .modulo:
      guard b != 0 else {
        throw .zeroDivision(
          operation == .modulo ? "integer modulo by zero" : "integer division or modulo by zero"
        )
      }
      var (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
      if rest != 0, (rest < 0) != (b < 0) {
        quotient -= 1
        rest += b
      }
      return .integer(operation == .modulo ? rest : quotient)
    case .power:
      if b < 0 {
        return try floating(.power, Number.big(a).finiteDouble(), Number.big(b).finiteDouble())
      }
      guard let exponent = Int(exactly: b) else {
        if a == 0 || a == 1 { return .integer(a) }
        if a == -1 { return .int(b.isMultiple(of: 2) ? 1 : -1) }
        throw .limit("an integer is larger than \(limits.integerBits) bits")
      }
      // At least so many bits, and at most twice as many.
      let least = max(0, a.magnitude.bitWidth - 1)
      let (bits, overflow) = least.multipliedReportingOverflow(by: exponent)
      try checkBits(overflow ? .max : bits)
      try countSteps(bits >> 6 &* (bits >> 6) >> 6)
      let result = a.power(exponent)
      try checkBits(result.magnitude.bitWidth)
      return .integer(result)
    }
  }

  /// `a / b`, rounded once.
  private func quotient(_ a: BigInt, _ b: BigInt) throws(TemplateError) -> Double {
    let isNegative = (a < 0) != (b < 0)
    let dividend = a.magnitude
    let divisor = b.magnitude
    if dividend == 0 { return 0 }
    // Scale so that the integer quotient has 62 or 63 bits: more than a double holds.
    let shift = divisor.bitWidth - dividend.bitWidth + 62
    var (quotient, rest) =
      shift >= 0
      ? (dividend << shift).quotientAndRemainder(dividingBy: divisor)
      : dividend.quotientAndRemainder(dividingBy: divisor << -shift)
    // A sticky bit stands for what was cut off.
    if rest != 0 { quotient |= 1 }
    rest = 0
    let result = scalbn(Double(UInt64(quotient)), Int32(clamping: -shift))
    guard result.isFinite else { throw .overflow("integer division result too large for a float") }
    return isNegative ? -result : result
  }

  private func floating(
    _ operation: BinaryOperator,
    _ a: Double,
    _ b: Double
  )
    throws(TemplateError) -> Value
  {
    switch operation {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide:
      guard b != 0 else { throw .zeroDivision("float division by zero") }
      return .float(a / b)
    case .floorDivide, .modulo:
      guard b != 0 else {
        throw .zeroDivision(
          operation == .modulo ? "float modulo" : "float floor division by zero"
        )
      }
      var rest = fmod(a, b)
      var quotient = (a - rest) / b
      if rest != 0 {
        if (b < 0) != (rest < 0) {
          rest += b
          quotient -= 1
        }
      } else {
        rest = Double(signOf: b, magnitudeOf: 0)
      }
      if operation == .modulo { return .float(rest) }
      if quotient == 0 { return .float(Double(signOf: a / b, magnitudeOf: 0)) }
      let floored = quotient.rounded(.down)
      return .float(quotient - floored > 0.5 ? floored + 1 : floored)
    case .power:
      if a == 0, b < 0 { throw .zeroDivision("0.0 cannot be raised to a negative power") }
      if a < 0, b.isFinite, a.isFinite, b != b.rounded() {
        throw .value("a negative number cannot be raised to a fractional power")
      }
      let result = pow(a, b)
      if result.isInfinite, a.isFinite, b.isFinite {
        throw .overflow("(34, 'Numerical result out of range')")
      }
      return .float(result)
    }
  }

  func signed(_ value: Value, negative: Bool) throws(TemplateError) -> Value {
    switch value {
    case .int(let int):
      if !negative { return value }
      return int == .min ? .integer(-BigInt(int)) : .int(-int)
    case .bool(let bool): return .int(bool ? (negative ? -1 : 1) : 0)
    case .float(let double): return .float(negative ? -double : double)
    case .bigInt(let big): return negative ? .integer(-big.value) : value
    case .undefined(let undefined): throw undefinedError(undefined)
    case .object(let object):
      if let result = try object.operate(negative ? .negate : .affirm, self) { return result }
    default: break
    }
    throw .type("bad operand type for unary \(negative ? "-" : "+"): '\(value.typeName)'")
  }

  // MARK: Order

  /// -1, 0, 1, or 2 where neither holds (not a number, sets).
  func order(_ left: Value, _ right: Value, operator symbol: String) throws(TemplateError) -> Int {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
    case (.string(let a), .string(let b)):
      let common = min(a.utf8.count, b.utf8.count)
      if common >= 64 { try countSteps(common >> 6) }
      return a.ordered(against: b)
    case (.list(let a), .list(let b)): return try order(a.items, b.items, operator: symbol)
    case (.tuple(let a), .tuple(let b)): return try order(a.items, b.items, operator: symbol)
    case (.set(let a), .set(let b)):
      try countSteps((a.count + b.count) >> 2)
      let isSubset = a.items.allSatisfy { b.contains($0) }
      let isSuperset = b.items.allSatisfy { a.contains($0) }
      return isSubset ? (isSuperset ? 0 : -1) : isSuperset ? 1 : 2
    case (.undefined(let undefined), _), (_, .undefined(let undefined)):
      throw undefinedError(undefined)
    case (.object(let object), _):
      if let result = try object.compare(to: right, self) { return result }
    case (_, .object(let object)):
      if let result = try object.compare(to: left, self) { return -result }
    default: break
    }
    if let a = left.number, let b = right.number { return order(a, b) }
    throw .type(
      "'\(symbol)' not supported between instances of '\(left.typeName)' and '\(right.typeName)'"
    )
  }

  private func order(
    _ a: [Value],
    _ b: [Value],
    operator symbol: String
  ) throws(TemplateError)
    -> Int
  {
    try checkStack()
    try countStep()
    for index in 0..<min(a.count, b.count) where try !areEqual(a[index], b[index]) {
      return try order(a[index], b[index], operator: symbol)
    }
    return a.count < b.count ? -1 : a.count == b.count ? 0 : 1
  }

  private func order(_ a: Number, _ b: Number) -> Int {
    switch (a, b) {
    case (.float(let x), .float(let y)):
      return x < y ? -1 : x == y ? 0 : x > y ? 1 : 2
    case (.float(let x), _):
      if x.isNaN { return 2 }
      if x.isInfinite { return x < 0 ? -1 : 1 }
      if a.isEqual(to: b) { return 0 }
      let whole = BigInt(x.rounded(.down))
      return whole < b.big ? -1 : 1
    case (_, .float):
      let reversed = order(b, a)
      return reversed == 2 ? 2 : -reversed
    default:
      let x = a.big
      let y = b.big
      return x < y ? -1 : x == y ? 0 : 1
    }
  }
}

extension Number {
  /// As a double, or Python's complaint that it does not fit.
  func finiteDouble() throws(TemplateError) -> Double {
    guard case .big = self else { return double }
    let result = double
    guard result.isFinite else { throw .overflow("int too large to convert to float") }
    return result
  }
}
