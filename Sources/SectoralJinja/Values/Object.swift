/// A value of the host: subclasses say what attributes, items and calls do.
///
/// The defaults are those of a plain Python object: true, equal only to itself, not callable.
open class Object {
  /// An object with the defaults.
  public init() {}

  /// Python's name of the type, for messages.
  open var typeName: String { "object" }

  /// As Jinja's messages call the type: with its module, where it has one.
  var describedTypeName: String { typeName }

  /// Whether a call gets markup as such; others get the string that it is.
  var takesMarkup: Bool { false }

  /// nil: no such attribute (the engine then tries an item, then makes an undefined).
  open func attribute(_ name: Symbol, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    nil
  }

  /// nil: no such item.
  open func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }

  /// `object[key] = value`, as methods of Python's would do it.
  open func setItem(
    _ key: Value,
    _ value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError)
  {
    throw .type("'\(typeName)' object does not support item assignment")
  }

  /// `{% set object.name = value %}`; only a namespace takes it unless the host says otherwise.
  open func setAttribute(
    _ name: Symbol,
    _ value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError)
  {
    throw TemplateError(
      .runtime,
      id: "jinja.not-a-namespace",
      "cannot assign attribute on non-namespace object"
    )
  }

  /// Whether `x is callable` holds.
  open var isCallable: Bool { false }

  /// `object(...)`
  open func call(_ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) -> Value
  {
    throw .type("'\(typeName)' object is not callable")
  }

  /// nil: not iterable.
  open func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? { nil }

  /// An iterator gives each item once, by `next`, and may never end; `iterate` gives what is left.
  open var isIterator: Bool { false }

  /// The next item of an iterator; nil: no more.
  open func next(_ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }

  /// nil: has no length.
  open var length: Int? { nil }

  /// The object's truth: false where it has a length of zero.
  open var isTrue: Bool { length.map { $0 != 0 } ?? true }

  /// True for what `x is mapping` holds of; `**x` then uses `iterate` for keys and `item`.
  open var isMapping: Bool { false }

  /// `x is sequence`: has a length and items.
  open var isSequence: Bool { length != nil }

  /// `str(object)`
  open func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try repr(interpreter)
  }

  /// `repr(object)`
  open func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<\(typeName) object>"
  }

  /// Python's `==`.
  open func isEqual(to other: Value) -> Bool {
    if case .object(let object) = other { object === self } else { false }
  }

  /// Equal objects must hash equally; nil: unhashable.
  open func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(ObjectIdentifier(self))
    return true
  }

  /// `needle in self`; nil: look through `iterate`.
  open func contains(_ needle: Value, _ interpreter: Interpreter) throws(TemplateError) -> Bool? {
    nil
  }

  /// An operator with this object on one side; nil: not supported between these.
  ///
  /// `reversed`: The object stands on the right.
  open func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { nil }

  /// `-self`, `+self`, `self | abs`; nil: not supported.
  open func operate(
    _ operation: UnaryOperator,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { nil }

  /// `self | round(places)`; nil: `numericValue` is rounded.
  open func rounded(
    toPlaces places: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { nil }

  /// Order against another value, for `<`, `sort` and their like: -1, 0, 1; nil: no order.
  open func compare(to other: Value, _ interpreter: Interpreter) throws(TemplateError) -> Int? {
    nil
  }

  /// The object as a number for `| int`, `| float`, `%d`; nil: not a number.
  open var numericValue: Value? { nil }

  /// `'{:spec}'.format(self)`; nil: no format specification is understood but the empty one.
  open func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  { nil }
}

/// Operators that objects can take part in.
public enum BinaryOperator: UInt8, Sendable {
  /// `+`
  case add
  /// `-`
  case subtract
  /// `*`
  case multiply
  /// `/`
  case divide
  /// `//`
  case floorDivide
  /// `%`
  case modulo
  /// `**`
  case power

  var symbol: String {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .floorDivide: "//"
    case .modulo: "%"
    case .power: "** or pow()"
    }
  }
}

/// Operators that stand before one object, and the absolute value.
public enum UnaryOperator: UInt8, Sendable {
  case negate, affirm, magnitude
}

/// What a function of the host does with its arguments.
public typealias NativeBody = (Arguments, Interpreter) throws(TemplateError) -> Value

/// A function of the host.
public final class NativeFunction: Object {
  /// The name, for messages.
  public let name: String
  private let body: NativeBody
  private let keepsMarkup: Bool

  /// A function of that name.
  public init(_ name: String, _ body: @escaping NativeBody) {
    self.name = name
    self.body = body
    keepsMarkup = false
  }

  /// A function that hands on what it gets.
  init(passing name: String, _ body: @escaping NativeBody) {
    self.name = name
    self.body = body
    keepsMarkup = true
  }

  override var takesMarkup: Bool { keepsMarkup }

  /// "function"
  public override var typeName: String { "function" }
  /// A function is.
  public override var isCallable: Bool { true }

  /// Runs the function.
  public override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    try body(arguments, interpreter)
  }

  /// `<function name>`
  public override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<function \(name)>"
  }
}

/// Arguments of a call.
public struct Arguments {
  /// In the order of the call.
  public var positional: [Value]
  /// In the order of the call.
  public var keyword: [(name: String, value: Value)]

  /// Arguments as a call would give them.
  public init(_ positional: [Value] = [], keyword: [(name: String, value: Value)] = []) {
    self.positional = positional
    self.keyword = keyword
  }

  /// The value of a keyword argument.
  public subscript(keyword name: String) -> Value? { keyword.first { $0.name == name }?.value }

  /// Whether there are no arguments at all.
  public var isEmpty: Bool { positional.isEmpty && keyword.isEmpty }

  /// Arguments by parameter, as a Python function with these parameters would bind them.
  ///
  /// `function`: For messages: `join`.
  /// `parameters`: Names in order.
  /// `required`: How many of them have no default.
  ///
  /// Gives one value per parameter, nil where none was given.
  public func bound(
    _ function: @autoclosure () -> String,
    _ parameters: [String],
    required: Int = 0
  ) throws(TemplateError) -> [Value?] {
    let values = try matched(function, parameters, required)
    return parameters.indices.map { values[$0] }
  }

  /// As `bound`, without an array where there are no keywords.
  func matched(
    _ function: () -> String,
    _ parameters: [String],
    _ required: Int
  )
    throws(TemplateError) -> BoundArguments
  {
    if keyword.isEmpty, positional.count >= required, positional.count <= parameters.count {
      return BoundArguments(positional: positional, keyword: nil)
    }
    return BoundArguments(
      positional: [],
      keyword: try bound(function(), to: parameters, required: required)
    )
  }

  private func bound(
    _ function: String,
    to parameters: [String],
    required: Int
  )
    throws(TemplateError) -> [Value?]
  {
    guard positional.count <= parameters.count else {
      let least = required == parameters.count ? "" : "from \(required) to "
      let plural = parameters.count == 1 ? "" : "s"
      throw .type(
        "\(function)() takes \(least)\(parameters.count) positional argument\(plural) but "
          + "\(positional.count) \(positional.count == 1 ? "was" : "were") given"
      )
    }
    var result: [Value?] = positional
    result.reserveCapacity(parameters.count)
    while result.count < parameters.count { result.append(nil) }
    for (name, value) in keyword {
      guard let index = parameters.firstIndex(of: name) else {
        throw .type("\(function)() got an unexpected keyword argument '\(name)'")
      }
      guard result[index] == nil else {
        throw .type("\(function)() got multiple values for argument '\(name)'")
      }
      result[index] = value
    }
    let missing = parameters.indices.filter { $0 < required && result[$0] == nil }
    guard missing.isEmpty else {
      let names = missing.map { "'\(parameters[$0])'" }
      let listed =
        names.count == 1
        ? names[0] : names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
      throw .type(
        "\(function)() missing \(names.count) required positional "
          + "argument\(names.count == 1 ? "" : "s"): \(listed)"
      )
    }
    return result
  }
}

/// Arguments by the position of their parameter.
struct BoundArguments {
  static var none: BoundArguments { BoundArguments(positional: [], keyword: nil) }

  fileprivate let positional: [Value]
  fileprivate let keyword: [Value?]?

  /// nil where none was given.
  subscript(index: Int) -> Value? {
    if let keyword { return keyword[index] }
    return index < positional.count ? positional[index] : nil
  }
}
