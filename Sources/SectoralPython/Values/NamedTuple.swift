package import SectoralJinja

/// A tuple whose items have names as well, such as Python's `struct_time`.
package final class NamedTuple: PythonObject {
  private let name: String
  private let fields: [(name: String, value: Value)]

  /// `name`: With its module: `time.struct_time`.
  init(_ name: String, _ fields: [(String, Value)]) {
    self.name = name
    self.fields = fields.map { (name: $0.0, value: $0.1) }
    super.init()
  }

  private var tuple: Value { .tuple(fields.map(\.value)) }

  package override var typeName: String { name }
  package override var length: Int? { fields.count }

  package override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    fields.map(\.value)
  }

  package override func item(
    _ key: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  { try interpreter.item(key, of: tuple) }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    if let field = fields.first(where: { $0.name == name.name }) { return field.value }
    guard name.name == "count" || name.name == "index" else { return nil }
    return try interpreter.attribute(name, of: tuple)
  }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var parts: [String] = []
    for field in fields { parts.append("\(field.name)=\(try interpreter.repr(field.value))") }
    return "\(name)(\(parts.joined(separator: ", ")))"
  }

  package override func isEqual(to other: Value) -> Bool {
    if let other = other.object(NamedTuple.self) { return tuple.isEqual(to: other.tuple) }
    return tuple.isEqual(to: other)
  }

  /// As a set or dictionary it finds itself, not the equal tuple: the engine hashes those its way.
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(name)
    return true
  }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    let other = other.object(NamedTuple.self)?.tuple ?? other
    guard case .tuple = other else { return nil }
    return try interpreter.compare(tuple, other)
  }
}
