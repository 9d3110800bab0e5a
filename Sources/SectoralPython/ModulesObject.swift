package import SectoralJinja

/// `modules`: the parts of Python's library that templates may use, each made at its first use.
package final class ModulesObject: MappingObject {
  private var made: [String: Value] = [:]
  private let onUse: ((String, Interpreter) throws(TemplateError) -> Void)?

  /// `onUse`: called with the name of each module that a template asks for.
  package init(onUse: ((String, Interpreter) throws(TemplateError) -> Void)? = nil) {
    self.onUse = onUse
    super.init()
  }

  package override var keys: [String] { ["pytz", "datetime", "re", "itertools"] }

  package override func member(
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    try onUse?(name, interpreter)
    if let value = made[name] { return value }
    let value: Value
    switch name {
    case "datetime": value = .object(ModuleObject(Self.datetime))
    case "pytz": value = .object(PytzModule())
    case "re": value = .object(RegexModule())
    case "itertools": value = .object(ItertoolsModule())
    default: return nil
    }
    made[name] = value
    return value
  }

  private static var datetime: [(String, Value)] {
    [
      ("date", .object(DateClass())), ("datetime", .object(DateTimeClass())),
      ("time", .object(TimeClass())), ("timedelta", .object(TimeDeltaClass())),
      ("tzinfo", .object(TimeZoneClass())),
    ]
  }
}

/// A dictionary of ready values.
final class ModuleObject: MappingObject {
  private let members: [(name: String, value: Value)]

  package init(_ members: [(String, Value)]) {
    self.members = members.map { (name: $0.0, value: $0.1) }
    super.init()
  }

  package override var keys: [String] { members.map(\.name) }

  package override func member(
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    members.first { $0.name == name }?.value
  }
}

/// A class of Python that templates can name but have no use for.
package final class ClassName: PythonObject {
  private let module: String
  private let name: String

  package init(inModule module: String, name: String) {
    self.module = module
    self.name = name
    super.init()
  }

  package override var typeName: String { "type" }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class '\(module).\(name)'>"
  }
}
