import SectoralJinja

/// What the context's own classes derive from.
///
/// Swift 6.3 takes the initializer that an internal class inherits straight from a public one in
/// another module for an endless recursion; a class between the two keeps it from looking.
class ContextObject: Object {}

/// A dictionary whose members are made when they are asked for.
class MappingObject: ContextObject {
  var keys: [String] { [] }

  func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }

  override var typeName: String { "dict" }
  override var isMapping: Bool { true }
  override var length: Int? { keys.count }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    keys.map(Value.string)
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    guard let name = key.asString else { return nil }
    return try member(name, interpreter)
  }

  override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Bool?
  { needle.asString.map(keys.contains) ?? false }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try interpreter.repr(dictionary(interpreter))
  }

  private func dictionary(_ interpreter: Interpreter) throws(TemplateError) -> Value {
    var pairs: [(String, Value)] = []
    for key in keys { pairs.append((key, try member(key, interpreter) ?? .none)) }
    return .dict(pairs)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "keys", "values", "items", "copy":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let dictionary = try self.dictionary(interpreter)
        return try interpreter.call(interpreter.attribute(name, of: dictionary), arguments)
      }
    case "get":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["key", "default"], required: 1)
        return try self.item(arguments.value(0), interpreter) ?? arguments.value(1)
      }
    default: return try member(text, interpreter)
    }
  }
}
