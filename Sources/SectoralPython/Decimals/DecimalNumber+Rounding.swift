import BigInt

/// How a number that lies between two others becomes one of them; by Python's names.
package enum DecimalRounding: String, Sendable {
  case ceiling = "ROUND_CEILING"
  case floor = "ROUND_FLOOR"
  case up = "ROUND_UP"
  case down = "ROUND_DOWN"
  case halfUp = "ROUND_HALF_UP"
  case halfDown = "ROUND_HALF_DOWN"
  case halfEven = "ROUND_HALF_EVEN"
  case upFromZeroOrFive = "ROUND_05UP"

  /// a/b, both positive.
  func divide(_ a: BigUInt, _ b: BigUInt, isNegative: Bool) -> BigUInt {
    let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
    guard !remainder.isZero else { return quotient }
    let twice = remainder * 2
    let isUp =
      switch self {
      case .ceiling: !isNegative
      case .floor: isNegative
      case .up: true
      case .down: false
      case .halfUp: twice >= b
      case .halfDown: twice > b
      case .halfEven: twice > b || (twice == b && !(quotient % 2).isZero)
      case .upFromZeroOrFive: (quotient % 5).isZero
      }
    return isUp ? quotient + 1 : quotient
  }
}

extension DecimalNumber {
  /// With exactly `digits` places behind the point.
  package func quantized(
    places digits: Int,
    _ rounding: DecimalRounding = .halfEven
  ) -> DecimalNumber {
    guard kind == .finite else { return self }
    let result: BigUInt
    if isZero {
      result = 0
    } else if exponent >= -digits {
      result = coefficient * Self.power(exponent + digits)
    } else if -exponent - digits > coefficient.bitWidth + 2 {
      // So far behind the point that only its being there counts.
      result = rounding.divide(1, 10, isNegative: isNegative)
    } else {
      result = rounding.divide(
        coefficient,
        Self.power(-exponent - digits),
        isNegative: isNegative
      )
    }
    return DecimalNumber(isNegative: isNegative, coefficient: result, exponent: -digits)
  }

  /// Cut to the precision, half to even.
  var rounded: DecimalNumber {
    guard kind == .finite, coefficient.bitWidth > 90 else { return self }
    return rounded(toDigits: Self.precision)
  }

  /// With at most so many significant digits, half to even.
  func rounded(toDigits limit: Int) -> DecimalNumber {
    guard kind == .finite else { return self }
    let count = coefficient.description.utf8.count
    guard count > limit else { return self }
    let excess = count - limit
    var digits = DecimalRounding.halfEven.divide(
      coefficient,
      Self.power(excess),
      isNegative: isNegative
    )
    var exponent = exponent + excess
    if digits == Self.power(limit) {
      digits /= 10
      exponent += 1
    }
    return DecimalNumber(isNegative: isNegative, coefficient: digits, exponent: exponent)
  }

  /// Times 10^power, exactly.
  func scaled(by power: Int) -> DecimalNumber {
    guard kind == .finite else { return self }
    return DecimalNumber(
      isNegative: isNegative,
      coefficient: coefficient,
      exponent: exponent + power
    )
  }

  /// The exponent of the first digit.
  package var adjusted: Int {
    kind == .finite ? exponent + coefficient.description.utf8.count - 1 : 0
  }

  /// nil: not a number.
  package func raised(to power: Int) -> DecimalNumber? {
    guard kind == .finite, power.magnitude <= 999_999_999 else { return nil }
    if isZero {
      if power < 0 {
        return DecimalNumber(kind: .infinity, isNegative: isNegative && power % 2 != 0)
      }
      return power == 0 ? nil : DecimalNumber(isNegative: false, coefficient: 0, exponent: 0)
    }
    // With digits to spare: each step is rounded.
    let spare = Self.precision + 14
    func product(_ a: DecimalNumber, _ b: DecimalNumber) -> DecimalNumber {
      DecimalNumber(
        isNegative: a.isNegative != b.isNegative,
        coefficient: a.coefficient * b.coefficient,
        exponent: a.exponent + b.exponent
      ).rounded(toDigits: spare)
    }
    var result = DecimalNumber(1)
    var base = self
    var rest = power.magnitude
    while rest > 0 {
      if rest & 1 == 1 { result = product(result, base) }
      rest >>= 1
      if rest > 0 { base = product(base, base) }
    }
    return power < 0 ? DecimalNumber(1).divided(by: result) : result.rounded
  }

  /// nil: of a negative number.
  package var squareRoot: DecimalNumber? {
    if isNaN { return self }
    if isZero {
      return DecimalNumber(
        isNegative: isNegative,
        coefficient: 0,
        exponent: CalendarMath.floorDivide(exponent, 2)
      )
    }
    if isNegative { return nil }
    guard kind == .finite else { return self }
    // Enough digits for the integer root to have all that are shown, and one to round by.
    let ideal = CalendarMath.floorDivide(exponent, 2)
    var shift = max(0, 2 * (Self.precision + 1) - coefficient.description.utf8.count)
    if (exponent - shift) % 2 != 0 { shift += 1 }
    let scaled = coefficient * Self.power(shift)
    var root = scaled.squareRoot()
    var exponent = (exponent - shift) / 2
    if root * root == scaled {
      while exponent < ideal {
        let (next, digit) = root.quotientAndRemainder(dividingBy: 10)
        guard digit.isZero else { break }
        root = next
        exponent += 1
      }
    } else if (root % 5).isZero {
      // A digit that keeps "just above a half" from looking like a half.
      root += 1
    }
    return DecimalNumber(isNegative: false, coefficient: root, exponent: exponent).rounded
  }
}
