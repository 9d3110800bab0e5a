public import SectoralJinja

/// What this module's own classes derive from.
///
/// Swift 6.3 takes the initializer that a class inherits straight from a public one in another module
/// for an endless recursion; a class between the two keeps it from looking.
package class PythonObject: Object {
  package override init() { super.init() }
}

/// A dictionary whose members are made when they are asked for.
///
/// Open, because hosts derive their own namespaces from it.
open class MappingObject: Object {
  public override init() { super.init() }

  open var keys: [String] { [] }

  open func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    nil
  }

  open override var typeName: String { "dict" }
  open override var isMapping: Bool { true }
  open override var length: Int? { keys.count }

  open override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    keys.map(Value.string)
  }

  open override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value?
  {
    guard let name = key.asString else { return nil }
    return try member(name, interpreter)
  }

  open override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Bool?
  { needle.asString.map(keys.contains) ?? false }

  open override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try interpreter.repr(dictionary(interpreter))
  }

  private func dictionary(_ interpreter: Interpreter) throws(TemplateError) -> Value {
    var pairs: [(String, Value)] = []
    for key in keys { pairs.append((key, try member(key, interpreter) ?? .none)) }
    return .dict(pairs)
  }

  open override func attribute(
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
