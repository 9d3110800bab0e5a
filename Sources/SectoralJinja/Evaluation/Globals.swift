/// The engine's own functions: `range`, `dict`, `namespace`, `cycler`, `joiner`, `lipsum`.
enum Globals {
  static func lookup(_ symbol: Symbol) -> Value? {
    if symbol.known == .namespace { return namespace }
    switch symbol {
    case Names.range: return range
    case Names.dict: return dictionary
    case Names.cycler: return cycler
    case Names.joiner: return joiner
    case Names.lipsum: return lipsum
    default: return nil
    }
  }

  private enum Names {
    static let range = Symbol("range")
    static let dict = Symbol("dict")
    static let cycler = Symbol("cycler")
    static let joiner = Symbol("joiner")
    static let lipsum = Symbol("lipsum")
  }

  private static var range: Value {
    .function("range") { (arguments, interpreter) throws(TemplateError) in
      let values = arguments.positional
      guard arguments.keyword.isEmpty else { throw .type("range() takes no keyword arguments") }
      guard (1...3).contains(values.count) else {
        throw .type(
          values.isEmpty
            ? "range expected at least 1 argument, got 0"
            : "range expected at most 3 arguments, got \(values.count)"
        )
      }
      var bounds: [Int] = []
      for value in values {
        bounds.append(try value.expectInt())
      }
      let start = values.count > 1 ? bounds[0] : 0
      let stop = values.count > 1 ? bounds[1] : bounds[0]
      let step = values.count > 2 ? bounds[2] : 1
      guard step != 0 else { throw .value("range() arg 3 must not be zero") }
      guard let range = RangeValue(start: start, stop: stop, step: step),
        range.count <= interpreter.limits.rangeSize
      else {
        throw .overflow(
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE "
            + "(\(interpreter.limits.rangeSize))."
        )
      }
      return .object(range)
    }
  }

  private static var dictionary: Value {
    .object(DictType())
  }

  private static var namespace: Value {
    .passing("namespace") { (arguments, interpreter) throws(TemplateError) in
      .object(NamespaceValue(try makeDict(arguments, interpreter)))
    }
  }

  fileprivate static func makeDict(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> DictValue
  {
    guard arguments.positional.count <= 1 else {
      throw .type("dict expected at most 1 argument, got \(arguments.positional.count)")
    }
    let result = DictValue()
    if let source = arguments.positional.first {
      try DictMethods.update(result, with: source, interpreter)
    }
    for (name, value) in arguments.keyword { result[name] = value }
    return result
  }

  private static var cycler: Value {
    .passing("cycler") { (arguments, interpreter) throws(TemplateError) in
      guard !arguments.positional.isEmpty else {
        throw TemplateError(
          ErrorKind(rawValue: "RuntimeError"),
          id: "jinja.no-items",
          "at least one item has to be provided"
        )
      }
      return .object(CyclerValue(arguments.positional))
    }
  }

  private static var joiner: Value {
    .passing("joiner") { (arguments, interpreter) throws(TemplateError) in
      let values = try arguments.bound("joiner", ["sep"])
      return .object(JoinerValue(values[0] ?? .string(", ")))
    }
  }

  private static var lipsum: Value {
    .function("lipsum") { (arguments, interpreter) throws(TemplateError) in
      let values = try arguments.bound("lipsum", ["n", "html", "min", "max"])
      let count = try values[0]?.expectInt() ?? 5
      let words = "lorem ipsum dolor sit amet consectetur adipiscing elit"
      return .string(
        Array(repeating: words, count: min(max(count, 0), 1000)).joined(separator: "\n\n")
      )
    }
  }
}

/// `dict` itself: a call makes a dictionary, `dict.fromkeys` too.
private final class DictType: Object {
  override var typeName: String { "type" }
  override var isCallable: Bool { true }
  override var takesMarkup: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    .dict(try Globals.makeDict(arguments, interpreter))
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    name.known == .fromkeys ? .object(BoundMethod(.dict(DictValue()), .fromkeys)) : nil
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class 'dict'>"
  }
}

/// `namespace(a=1)`: attributes that inner scopes can assign.
final class NamespaceValue: Object {
  private let values: DictValue

  init(_ values: DictValue) { self.values = values }

  override var typeName: String { "Namespace" }
  override var describedTypeName: String { "jinja2.utils.Namespace" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    values[name.name]
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    try interpreter.requireHashable(key)
    return values[key]
  }

  override func setItem(
    _ key: Value,
    _ value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError)
  {
    try interpreter.requireHashable(key)
    try interpreter.account(bytes: 64)
    values[key] = value
  }

  override func setAttribute(
    _ name: Symbol,
    _ value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError)
  {
    values[name.name] = value
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<Namespace " + (try interpreter.reprText(of: .dict(values))) + ">"
  }
}

/// `cycler('a', 'b')`
final class CyclerValue: Object {
  private var items: [Value]
  private var position = 0

  init(_ items: [Value]) { self.items = items }
  deinit { ValueWalk.end(&items) }

  override var typeName: String { "Cycler" }
  override var describedTypeName: String { "jinja2.utils.Cycler" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.known {
    case .current: return items[position]
    case .next:
      return .function("next") { [self] (arguments, interpreter) throws(TemplateError) in
        defer { position = (position + 1) % items.count }
        return items[position]
      }
    case .reset:
      return .function("reset") { [self] (arguments, interpreter) throws(TemplateError) in
        position = 0
        return .none
      }
    case .items: return .tuple(items)
    default: return nil
    }
  }
}

/// `joiner(', ')`: nothing the first time it is called, then its text.
final class JoinerValue: Object {
  private var separator: Value
  private var isUsed = false

  init(_ separator: Value) { self.separator = separator }
  deinit {
    var items = [separator]
    separator = .none
    ValueWalk.end(&items)
  }

  override var typeName: String { "Joiner" }
  override var describedTypeName: String { "jinja2.utils.Joiner" }
  override var isCallable: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    defer { isUsed = true }
    return isUsed ? separator : .string("")
  }
}

/// `range(...)`
final class RangeValue: Object {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int

  /// nil: more elements than an integer counts.
  init?(start: Int, stop: Int, step: Int) {
    let (distance, overflow) =
      step > 0
      ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    guard !overflow, step != .min else { return nil }
    self.start = start
    self.stop = stop
    self.step = step
    let size = abs(step)
    count = distance <= 0 ? 0 : (distance - 1) / size + 1
  }

  private init(start: Int, step: Int, count: Int) {
    self.start = start
    self.step = step
    self.count = count
    // The end may lie beyond the integers.
    let (distance, isFar) = step.multipliedReportingOverflow(by: count)
    let (stop, isBeyond) = start.addingReportingOverflow(distance)
    self.stop = isFar || isBeyond ? (step > 0 ? .max : .min) : stop
  }

  func element(_ index: Int) -> Int { start + index * step }

  func sliced(_ indexes: [Int]) -> Object {
    let first = indexes.first.map(element) ?? start
    let stride = indexes.count > 1 ? element(indexes[1]) - first : step
    return RangeValue(start: first, step: stride, count: indexes.count)
  }

  override var typeName: String { "range" }
  override var length: Int? { count }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    (0..<count).map { .int(element($0)) }
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    key.index(in: count).map { .int(element($0)) }
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.known {
    case .start: .int(start)
    case .stop: .int(stop)
    case .step: .int(step)
    case .count:
      .function("count") { [self] (arguments, interpreter) throws(TemplateError) in
        let value = try arguments.positional("range.count", 1...1)[0]
        return .int(try contains(value, interpreter) == true ? 1 : 0)
      }
    case .index:
      .function("index") { [self] (arguments, interpreter) throws(TemplateError) in
        let value = try arguments.positional("range.index", 1...1)[0]
        guard try contains(value, interpreter) == true, let int = value.asInt else {
          throw .value("\(try interpreter.reprText(of: value)) is not in range")
        }
        return .int((int - start) / step)
      }
    default: nil
    }
  }

  override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Bool?
  {
    guard case .int(let value) = needle else { return nil }
    guard count > 0 else { return false }
    let last = element(count - 1)
    guard step > 0 ? value >= start && value <= last : value <= start && value >= last else {
      return false
    }
    let (distance, isFar) = value.subtractingReportingOverflow(start)
    return isFar ? (0..<count).contains { element($0) == value } : distance % step == 0
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))"
  }

  override func isEqual(to other: Value) -> Bool {
    guard case .object(let object) = other, let range = object as? RangeValue else { return false }
    guard count == range.count else { return false }
    return count == 0 || (start == range.start && (count == 1 || step == range.step))
  }

  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(count)
    return true
  }
}
