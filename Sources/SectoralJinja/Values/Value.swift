public import BigInt

/// A value of the template language, with Python's semantics.
///
/// Lists, dictionaries and sets are mutable by reference, as in Python. Values belong to one
/// thread: what crosses threads is a `Template` and whatever data the host makes values from.
public enum Value {
  /// What a missing name, attribute or item gives.
  case undefined(Undefined)
  /// `none`
  case none
  /// `true` and `false`, which are integers in arithmetic.
  case bool(Bool)
  /// An integer of up to 64 bits.
  case int(Int)
  /// Only beyond 64 bits: every result that fits is `int`.
  case bigInt(BigInteger)
  /// A floating-point number.
  case float(Double)
  /// Text, counted in code points.
  case string(String)
  /// A list, by reference.
  case list(ListValue)
  /// A tuple.
  case tuple(TupleValue)
  /// A dictionary, by reference.
  case dict(DictValue)
  /// A set, by reference.
  case set(SetValue)
  /// Everything else: objects and functions of the host and of the engine.
  case object(Object)
}

/// An integer that needs more than 64 bits.
public final class BigInteger {
  /// The number.
  public let value: BigInt
  /// A number of any size.
  public init(_ value: BigInt) { self.value = value }
}

/// Python's `list`.
public final class ListValue {
  /// What the list holds, in its order.
  @exclusivity(unchecked) public var items: [Value]
  /// A list of these items.
  public init(_ items: [Value] = []) { self.items = items }
  deinit { ValueWalk.end(&items) }
}

/// Python's `tuple`.
public final class TupleValue {
  /// What the tuple holds, in its order.
  @exclusivity(unchecked) public private(set) var items: [Value]
  /// A tuple of these items.
  public init(_ items: [Value]) { self.items = items }
  deinit { ValueWalk.end(&items) }
}

extension Value {
  /// Whether the value is missing.
  public var isUndefined: Bool { if case .undefined = self { true } else { false } }
  /// Whether the value is None.
  public var isNone: Bool { if case .none = self { true } else { false } }
  /// The text of a string; of markup, too, which is one.
  public var asString: String? {
    if case .string(let string) = self { return string }
    return text
  }

  /// A list of these items.
  public static func list(_ items: [Value]) -> Value { .list(ListValue(items)) }
  /// A tuple of these items.
  public static func tuple(_ items: [Value]) -> Value { .tuple(TupleValue(items)) }
  /// A dictionary of these pairs.
  public static func dict(_ pairs: [(String, Value)]) -> Value { .dict(DictValue(pairs)) }
  /// A function of the host.
  public static func function(_ name: String, _ body: @escaping NativeBody) -> Value {
    .object(NativeFunction(name, body))
  }

  /// A function of the engine that hands on what it gets, markup too.
  static func passing(_ name: String, _ body: @escaping NativeBody) -> Value {
    .object(NativeFunction(passing: name, body))
  }

  /// An integer of any size, as `int` when it fits.
  public static func integer(_ value: BigInt) -> Value {
    Int(exactly: value).map(Value.int) ?? .bigInt(BigInteger(value))
  }

  /// Python's name of the value's type: `str`, `NoneType`.
  public var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int, .bigInt: "int"
    case .float: "float"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .set: "set"
    case .object(let object): object.typeName
    }
  }

  /// How messages of Jinja call the value: `dict object`, `None`.
  var describedType: String {
    switch self {
    case .none: "None"
    case .object(let object): "\(object.describedTypeName) object"
    default: "\(typeName) object"
    }
  }
}
