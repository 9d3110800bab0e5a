import SectoralJinja

/// `modules.itertools`.
final class ItertoolsModule: MappingObject {
  override var keys: [String] {
    [
      "count", "cycle", "repeat", "accumulate", "chain", "compress", "islice", "starmap", "tee",
      "zip_longest", "product", "permutations", "combinations", "combinations_with_replacement",
    ]
  }

  override func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    Self.functions[name].map { .object(ItertoolsFunction(name, $0)) }
  }

  private static let functions:
    [String:
      @Sendable (Arguments, Interpreter) throws(TemplateError)
      -> Value] = [
        "count": count, "cycle": cycle, "repeat": repeated, "accumulate": accumulate,
        "chain": chain, "compress": compress, "islice": islice, "starmap": starmap, "tee": tee,
        "zip_longest": zipLongest, "product": product, "permutations": permutations,
        "combinations": { (a, i) throws(TemplateError) in try combine("combinations", a, i) },
        "combinations_with_replacement": { (a, i) throws(TemplateError) in
          try combine("combinations_with_replacement", a, i)
        },
      ]

  static func iterator(
    _ name: String,
    _ pull: @escaping () throws(TemplateError) -> Value?
  ) -> Value { .object(IteratorObject("itertools." + name, pull)) }

  static func iterator(_ name: String, _ items: [Value]) -> Value {
    .object(IteratorObject("itertools." + name, items: items))
  }

  static func only(
    _ keyword: String,
    _ arguments: Arguments,
    _ function: String
  ) throws(TemplateError) {
    for (name, _) in arguments.keyword where name != keyword {
      throw .typeError("\(function)() got an unexpected keyword argument '\(name)'")
    }
  }

  @Sendable private static func count(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("count", arguments, ["start", "step"])
    var current = arguments[0] ?? .int(0)
    let step = arguments[1] ?? .int(1)
    for value in [current, step] where !value.isNumber {
      throw .typeError("a number is required")
    }
    let hasStep = !step.isEqual(to: .int(1))
    let text: (Interpreter) throws(TemplateError) -> String = {
      (interpreter) throws(TemplateError) in
      let suffix = hasStep ? ", " + (try interpreter.repr(step)) : ""
      return "count(\(try interpreter.repr(current))\(suffix))"
    }
    return .object(
      IteratorObject("itertools.count", text: text) { () throws(TemplateError) in
        let value = current
        current = try interpreter.operate(.add, value, step)
        return value
      }
    )
  }

  @Sendable private static func cycle(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let items = try interpreter.iterate(
      CallArguments("cycle", arguments, ["iterable"], required: 1).value(0)
    )
    var index = 0
    return iterator("cycle") { () throws(TemplateError) in
      guard !items.isEmpty else { return nil }
      defer { index = (index + 1) % items.count }
      return items[index]
    }
  }

  @Sendable private static func repeated(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("repeat", arguments, ["object", "times"], required: 1)
    let value = arguments.value(0)
    var rest = arguments[1] == nil ? nil : try arguments.int(1)
    let text: (Interpreter) throws(TemplateError) -> String = {
      (interpreter) throws(TemplateError) in
      "repeat(\(try interpreter.repr(value))\(rest.map { ", \(max(0, $0))" } ?? ""))"
    }
    return .object(
      IteratorObject("itertools.repeat", text: text) { () throws(TemplateError) in
        if let left = rest {
          guard left > 0 else { return nil }
          rest = left - 1
        }
        return value
      }
    )
  }

  @Sendable private static func accumulate(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "accumulate",
      arguments,
      ["iterable", "func", "initial"],
      required: 1
    )
    var total = arguments.optional(2)
    var items: [Value] = total.map { [$0] } ?? []
    for item in try interpreter.iterate(arguments.value(0)) {
      if let current = total {
        if let function = arguments.optional(1) {
          total = try interpreter.call(function, Arguments([current, item]))
        } else {
          total = try interpreter.operate(.add, current, item)
        }
      } else {
        total = item
      }
      items.append(total ?? .none)
    }
    return iterator("accumulate", items)
  }

  @Sendable private static func chain(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    guard arguments.keyword.isEmpty else { throw .typeError("chain() takes no keyword arguments") }
    return chained(arguments.positional, interpreter)
  }

  static func chained(_ parts: [Value], _ interpreter: Interpreter) -> Value {
    var rest = parts[...]
    var current: IteratorObject?
    return iterator("chain") { () throws(TemplateError) in
      while true {
        if let item = try current?.next() { return item }
        guard let part = rest.popFirst() else { return nil }
        current = try IteratorObject.over(part, interpreter)
      }
    }
  }

  @Sendable private static func compress(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("compress", arguments, ["data", "selectors"], required: 2)
    let data = try IteratorObject.over(arguments.value(0), interpreter)
    let selectors = try IteratorObject.over(arguments.value(1), interpreter)
    return iterator("compress") { () throws(TemplateError) in
      while let item = try data.next(), let selector = try selectors.next() {
        if try interpreter.isTrue(selector) { return item }
      }
      return nil
    }
  }

  @Sendable private static func islice(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let values = arguments.positional
    guard (2...4).contains(values.count), arguments.keyword.isEmpty else {
      throw .typeError("islice expected 2 to 4 arguments, got \(values.count)")
    }
    func bound(_ index: Int, default fallback: Int) throws(TemplateError) -> Int {
      guard index < values.count, !values[index].isNone else { return fallback }
      guard let int = values[index].pythonInt, int >= 0 else {
        throw .valueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
      }
      return int
    }
    let source = try IteratorObject.over(values[0], interpreter)
    let start = values.count == 2 ? 0 : try bound(1, default: 0)
    let stop = try bound(values.count == 2 ? 1 : 2, default: .max)
    let step = try bound(3, default: 1)
    guard step > 0 else {
      throw .valueError("Step for islice() must be a positive integer or None.")
    }
    var position = 0
    var wanted = start
    return iterator("islice") { () throws(TemplateError) in
      guard wanted < stop else { return nil }
      while let item = try source.next() {
        defer { position += 1 }
        if position == wanted {
          wanted += step
          return item
        }
      }
      return nil
    }
  }

  @Sendable private static func starmap(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("starmap", arguments, ["function", "iterable"], required: 2)
    let source = try IteratorObject.over(arguments.value(1), interpreter)
    return iterator("starmap") { () throws(TemplateError) in
      guard let item = try source.next() else { return nil }
      return try interpreter.call(arguments.value(0), Arguments(interpreter.iterate(item)))
    }
  }

  @Sendable private static func tee(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("tee", arguments, ["iterable", "n"], required: 1)
    let source = try IteratorObject.over(arguments.value(0), interpreter)
    let count = try arguments.int(1, default: 2)
    guard count >= 0 else { throw .valueError("n must be >= 0") }
    guard count <= 1000 else { throw .valueError("n must be at most 1000") }
    // What one of them has taken waits here for the others.
    let taken = ListValue()
    return .tuple(
      (0..<count).map { _ in
        var index = 0
        return iterator("_tee") { () throws(TemplateError) in
          if index == taken.items.count {
            guard let item = try source.next() else { return nil }
            taken.items.append(item)
          }
          index += 1
          return taken.items[index - 1]
        }
      }
    )
  }

  @Sendable private static func zipLongest(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    var columns: [[Value]] = []
    for value in arguments.positional { columns.append(try interpreter.iterate(value)) }
    try only("fillvalue", arguments, "zip_longest")
    let fill = arguments[keyword: "fillvalue"] ?? .none
    let count = columns.map(\.count).max() ?? 0
    return iterator(
      "zip_longest",
      (0..<count).map { row in .tuple(columns.map { row < $0.count ? $0[row] : fill }) }
    )
  }
}

/// A function of itertools; `chain` has a second constructor as an attribute.
private final class ItertoolsFunction: PythonObject {
  private let name: String
  private let body: @Sendable (Arguments, Interpreter) throws(TemplateError) -> Value

  init(
    _ name: String,
    _ body: @escaping @Sendable (Arguments, Interpreter) throws(TemplateError) -> Value
  ) {
    self.name = name
    self.body = body
    super.init()
  }

  override var typeName: String { "type" }
  override var isCallable: Bool { true }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class 'itertools.\(name)'>"
  }
  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  { try body(arguments, interpreter) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard self.name == "chain", name.name == "from_iterable" else { return nil }
    return .function("from_iterable") { arguments, interpreter throws(TemplateError) in
      let parts = try CallArguments("from_iterable", arguments, ["iterable"], required: 1).value(0)
      return ItertoolsModule.chained(try interpreter.iterate(parts), interpreter)
    }
  }
}
