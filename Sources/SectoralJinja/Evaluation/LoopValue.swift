/// `loop`: where a loop stands.
final class LoopValue: Object {
  private var items: [Value]
  private let depth: Int
  @exclusivity(unchecked) var index = 0
  /// Where further items come from, in a loop with `if`.
  @exclusivity(unchecked) var ahead: FilteredItems?
  /// What went wrong with one that was only counted.
  @exclusivity(unchecked) private var failure: TemplateError?
  @exclusivity(unchecked) private var lastChanged: [Value]?
  /// For `loop(items)` in a recursive loop.
  @exclusivity(unchecked) var recursion: (loop: UnsafePointer<Loop>, frame: Frame)?

  init(_ items: [Value], ahead: FilteredItems?, depth: Int) {
    self.items = items
    self.ahead = ahead
    self.depth = depth
  }

  deinit {
    ValueWalk.end(&items)
    if var lastChanged { ValueWalk.end(&lastChanged) }
  }

  /// The item of a turn that begins; nil where there is none.
  func next(_ index: Int) throws(TemplateError) -> Value? {
    if let failure { throw failure }
    if index == items.count, let item = try ahead?.next() { items.append(item) }
    return index < items.count ? items[index] : nil
  }

  /// Looks ahead, from within a turn, until `count` items are known.
  private func know(_ count: Int) throws(TemplateError) {
    if let failure { throw failure }
    while items.count < count, let ahead {
      guard let item = try ahead.nextAhead() else { return }
      items.append(item)
    }
  }

  override var typeName: String { "LoopContext" }
  override var describedTypeName: String { "jinja2.runtime.LoopContext" }

  /// Something inside of the loop went through the rest of it.
  @exclusivity(unchecked) private(set) var isDrained = false

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    try know(.max)
    let rest = items[min(index + 1, items.count)...]
    index = items.count - 1
    isDrained = true
    return rest.map { .tuple([$0, .object(self)]) }
  }
  override var length: Int? {
    // An error is thrown by the next turn.
    do throws(TemplateError) { try know(.max) } catch { failure = error }
    return items.count
  }
  override var isSequence: Bool { false }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.known {
    case .revindex, .revindex0, .length: try know(.max)
    case .last, .nextitem: try know(index + 2)
    default: break
    }
    switch name.known {
    case .index: return .int(index + 1)
    case .index0: return .int(index)
    case .revindex: return .int(items.count - index)
    case .revindex0: return .int(items.count - index - 1)
    case .first: return .bool(index == 0)
    case .last: return .bool(index == items.count - 1)
    case .length: return .int(items.count)
    case .depth: return .int(depth + 1)
    case .depth0: return .int(depth)
    case .previtem:
      return index > 0
        ? items[index - 1]
        : .undefined(
          Undefined(
            name: "previtem",
            kind: interpreter.undefinedKind,
            message: "there is no previous item"
          )
        )
    case .nextitem:
      return index + 1 < items.count
        ? items[index + 1]
        : .undefined(
          Undefined(
            name: "nextitem",
            kind: interpreter.undefinedKind,
            message: "there is no next item"
          )
        )
    case .cycle:
      return .passing("cycle") { [self] (arguments, interpreter) throws(TemplateError) in
        guard !arguments.positional.isEmpty else { throw .type("no items for cycling given") }
        return arguments.positional[index % arguments.positional.count]
      }
    case .changed:
      return .passing("changed") { [self] (arguments, interpreter) throws(TemplateError) in
        let values = arguments.positional
        if let last = lastChanged,
          try interpreter.compare(.equal, .tuple(last), .tuple(values))
        {
          return .bool(false)
        }
        lastChanged = values
        return .bool(true)
      }
    default: return nil
    }
  }

  override var isCallable: Bool { recursion != nil }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    guard let recursion else {
      throw .type("The loop must have the 'recursive' marker to be called recursively.")
    }
    let iterable = try arguments.bound("loop", ["iterable"], required: 1)[0] ?? .none
    return try interpreter.recurse(recursion.loop, recursion.frame, iterable, depth: depth + 1)
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<LoopContext \(index + 1)/\(items.count)>"
  }
}
