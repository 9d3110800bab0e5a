/// What filters like `map` give: items that are made when they are asked for, and once.
final class GeneratorValue: Object {
  /// Makes the next item; nil: there are no more.
  typealias Step = (Interpreter) throws(TemplateError) -> Value?

  private var step: Step?
  private let label: String

  /// Keeps a step until it may end.
  private final class Remains: Object {
    let step: Step
    init(_ step: @escaping Step) { self.step = step }
  }

  deinit {
    // A generator over a generator over a generator would end by recursion.
    var remains = Self.remains(of: &step)
    ValueWalk.end(&remains)
  }

  /// In a function of its own: nothing else may hold the step when it ends.
  @inline(never)
  private static func remains(of step: inout Step?) -> [Value] {
    guard let last = step else { return [] }
    step = nil
    return [.object(Remains(last))]
  }

  init(label: String = "generator", _ step: @escaping Step) {
    self.label = label
    self.step = step
  }

  convenience init(_ items: [Value], label: String) {
    var position = 0
    let step: Step = { (interpreter) throws(TemplateError) in
      guard position < items.count else { return nil }
      position += 1
      return items[position - 1]
    }
    self.init(label: label, step)
  }

  /// Items that are all made when the first is asked for.
  convenience init(
    whole: @escaping (Interpreter) throws(TemplateError) -> [Value]
  ) {
    var items: [Value]?
    var position = 0
    let step: Step = { (interpreter) throws(TemplateError) in
      let all: [Value]
      if let items {
        all = items
      } else {
        all = try whole(interpreter)
        items = all
      }
      guard position < all.count else { return nil }
      position += 1
      return all[position - 1]
    }
    self.init(step)
  }

  /// What `prepared` makes of each item of `value`; nil leaves an item out.
  ///
  /// `prepared`: Called before the first item; nil: the generator is empty.
  convenience init(
    over value: Value,
    prepared:
      @escaping (Interpreter) throws(TemplateError)
      -> ((Value, Interpreter) throws(TemplateError) -> Value?)?
  ) {
    var transform: ((Value, Interpreter) throws(TemplateError) -> Value?)?
    var source: ItemSource?
    let step: Step = { (interpreter) throws(TemplateError) in
      if source == nil {
        guard let body = try prepared(interpreter) else { return nil }
        transform = body
        source = try ItemSource(value, interpreter)
      }
      guard let transform else { return nil }
      while let item = try source?.next(interpreter) {
        if let result = try transform(item, interpreter) { return result }
      }
      return nil
    }
    self.init(step)
  }

  override var typeName: String { label }
  override var isTrue: Bool { true }

  override var isIterator: Bool { true }

  override func next(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    guard let step else { return nil }
    do throws(TemplateError) {
      try interpreter.checkStack()
      if let item = try step(interpreter) { return item }
    } catch {
      // A generator that failed is at its end.
      self.step = nil
      throw error
    }
    self.step = nil
    return nil
  }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    var result: [Value] = []
    while let item = try next(interpreter) {
      try interpreter.countStep()
      try interpreter.account(item)
      result.append(item)
    }
    return result
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<\(label) object>"
  }
}

/// The items of a value one by one; an iterator's only as far as they are taken.
private struct ItemSource {
  private let iterator: Object?
  private var items: [Value] = []
  private var position = 0

  init(_ value: Value, _ interpreter: Interpreter) throws(TemplateError) {
    if case .object(let object) = value, object.isIterator {
      iterator = object
    } else {
      iterator = nil
      items = try interpreter.items(of: value)
    }
  }

  mutating func next(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    if let iterator { return try iterator.next(interpreter) }
    guard position < items.count else { return nil }
    try interpreter.countStep()
    position += 1
    return items[position - 1]
  }
}
