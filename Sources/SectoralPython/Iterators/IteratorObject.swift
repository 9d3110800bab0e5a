package import SectoralJinja

/// A Python iterator: gives each item once, and may never end.
package final class IteratorObject: Object {
  private let name: String
  /// How it prints itself; nil: as an object without more to say.
  private let text: ((Interpreter) throws(TemplateError) -> String)?
  private let pull: () throws(TemplateError) -> Value?
  private var isFinished = false

  /// What an endless iterator may give before a template that drains it is stopped.
  private static let limit = 1_000_000

  package init(
    _ name: String,
    text: ((Interpreter) throws(TemplateError) -> String)? = nil,
    _ pull: @escaping () throws(TemplateError) -> Value?
  ) {
    self.name = name
    self.text = text
    self.pull = pull
    super.init()
  }

  package convenience init(_ name: String, items: [Value]) {
    var index = 0
    self.init(name) { () throws(TemplateError) in
      guard index < items.count else { return nil }
      index += 1
      return items[index - 1]
    }
  }

  package override var typeName: String { name }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try text?(interpreter) ?? "<\(name) object>"
  }

  package override var isIterator: Bool { true }
  package override func next(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    try next()
  }

  /// Takes items until the one that is looked for, as Python does.
  package override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Bool?
  {
    var count = 0
    while let item = try next() {
      if item.isEqual(to: needle) { return true }
      count += 1
      if count >= Self.limit { throw endless }
    }
    return false
  }

  package override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    try drained()
  }

  package func next() throws(TemplateError) -> Value? {
    guard !isFinished else { return nil }
    let value = try pull()
    if value == nil { isFinished = true }
    return value
  }

  package func drained() throws(TemplateError) -> [Value] {
    var items: [Value] = []
    while let item = try next() {
      guard items.count < Self.limit else { throw endless }
      items.append(item)
    }
    return items
  }

  private var endless: TemplateError {
    TemplateError(
      .limit,
      id: "python.endless-iterator",
      "the iterator '\(name)' does not end, or has more than \(Self.limit) items",
      hint: "take a part of it with itertools.islice"
    )
  }

  /// The items of anything iterable, one after the other.
  package static func over(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> IteratorObject
  {
    if let iterator = value.object(IteratorObject.self) { return iterator }
    return IteratorObject("iterator", items: try interpreter.iterate(value))
  }
}
