import BigInt

extension Value {
  /// Python's `==`.
  public func isEqual(to other: Value) -> Bool {
    switch (self, other) {
    case (.string(let a), .string(let b)): return a.isSame(as: b)
    case (.int(let a), .int(let b)): return a == b
    case (.undefined, .undefined), (.none, .none): return true
    case (.list(let a), .list(let b)): return a === b || Value.areEqual(a.items, b.items)
    case (.tuple(let a), .tuple(let b)): return a === b || Value.areEqual(a.items, b.items)
    case (.dict(let a), .dict(let b)): return a === b || Value.areEqual(a, b)
    case (.set(let a), .set(let b)):
      return a === b || (a.count == b.count && a.items.allSatisfy { b.contains($0) })
    case (.object(let a), _): return a.isEqual(to: other)
    case (_, .object(let b)): return b.isEqual(to: self)
    default: break
    }
    guard let a = number, let b = other.number else { return false }
    return a.isEqual(to: b)
  }

  private static func areEqual(_ a: [Value], _ b: [Value]) -> Bool {
    guard a.count == b.count else { return false }
    let walk = ValueWalk.current
    guard walk.enter(a.count) else { return false }
    defer { walk.leave() }
    for index in a.indices where !a[index].isEqual(to: b[index]) { return false }
    return true
  }

  private static func areEqual(_ a: DictValue, _ b: DictValue) -> Bool {
    guard a.count == b.count else { return false }
    let walk = ValueWalk.current
    guard walk.enter(a.count) else { return false }
    defer { walk.leave() }
    for (key, value) in a.pairs {
      guard let other = b[key], value.isEqual(to: other) else { return false }
    }
    return true
  }

  /// Whether the value can be a key: lists, dictionaries and sets cannot.
  public var isHashable: Bool {
    switch self {
    case .list, .dict, .set: return false
    case .tuple(let tuple):
      let walk = ValueWalk.current
      guard walk.enter(tuple.items.count) else { return false }
      defer { walk.leave() }
      return tuple.items.allSatisfy(\.isHashable)
    case .object(let object):
      var hasher = Hasher()
      return object.hash(into: &hasher)
    default: return true
    }
  }

  /// Equal values have equal hashes; nil: unhashable.
  var pythonHash: Int? {
    var hasher = Hasher()
    return hash(into: &hasher) ? hasher.finalize() : nil
  }

  static func hash(of text: String) -> Int {
    var hasher = Hasher()
    hash(text, into: &hasher)
    return hasher.finalize()
  }

  static func hash(_ text: String, into hasher: inout Hasher) {
    // The bytes, not the String: Swift would hash the normal form.
    let done: Void? = text.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if done == nil { for byte in text.utf8 { hasher.combine(byte) } }
  }

  private func hash(into hasher: inout Hasher) -> Bool {
    switch self {
    case .string(let text): Value.hash(text, into: &hasher)
    case .undefined: hasher.combine(0)
    case .none: hasher.combine(1)
    case .bool(let bool): hasher.combine(bool ? 1 : 0)
    case .int(let int): hasher.combine(int)
    case .bigInt(let big): hasher.combine(big.value)
    case .float(let double):
      if let int = Int(exactly: double) {
        hasher.combine(int)
      } else if let big = BigInt(exactly: double) {
        hasher.combine(big)
      } else {
        hasher.combine(double)
      }
    case .tuple(let tuple):
      let walk = ValueWalk.current
      guard walk.enter(tuple.items.count) else { return false }
      defer { walk.leave() }
      for item in tuple.items where !item.hash(into: &hasher) { return false }
    case .list, .dict, .set: return false
    case .object(let object): return object.hash(into: &hasher)
    }
    return true
  }
}

/// A number of Python's tower: what `bool`, `int` and `float` values are in arithmetic.
enum Number {
  case int(Int)
  case big(BigInt)
  case float(Double)

  func isEqual(to other: Number) -> Bool {
    switch (self, other) {
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a == b
    case (.big(let a), .big(let b)): a == b
    case (.int, .big), (.big, .int): false
    case (.float(let a), .int(let b)), (.int(let b), .float(let a)):
      Int(exactly: a) == b
    case (.float(let a), .big(let b)), (.big(let b), .float(let a)):
      BigInt(exactly: a) == b
    }
  }

  var double: Double {
    switch self {
    case .int(let int): Double(int)
    case .big(let big): big.nearestDouble
    case .float(let double): double
    }
  }

  var big: BigInt {
    switch self {
    case .int(let int): BigInt(int)
    case .big(let big): big
    case .float(let double): BigInt(double)
    }
  }
}

extension BigInt {
  /// The nearest double, ties to even; infinite when there is none.
  var nearestDouble: Double {
    let shift = magnitude.bitWidth - 63
    guard shift > 0 else { return Double(Int(self)) }
    guard shift < 1100 else { return self < 0 ? -.infinity : .infinity }
    var top = UInt64(magnitude >> shift)
    // A sticky bit stands for what was cut off.
    if magnitude.trailingZeroBitCount < shift { top |= 1 }
    let result = Double(top) * Double(sign: .plus, exponent: shift, significand: 1)
    return self < 0 ? -result : result
  }
}

extension Value {
  var number: Number? {
    switch self {
    case .int(let int): .int(int)
    case .bool(let bool): .int(bool ? 1 : 0)
    case .float(let double): .float(double)
    case .bigInt(let big): .big(big.value)
    default: nil
    }
  }
}
