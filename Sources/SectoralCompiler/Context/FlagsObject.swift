package import SectoralJinja
package import SectoralYAML

/// `flags`: the command's options as upper-case attributes.
package final class FlagsObject: Object {
  private let flags: DatumMap

  package init(_ flags: DatumMap) {
    self.flags = flags
    super.init()
  }

  package override var typeName: String { "Flags" }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  { flags[name.name].map { Value($0) } }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var parts: [String] = []
    for (key, value) in flags.entries {
      parts.append("\(key)=\(try interpreter.repr(Value(value)))")
    }
    return "Flags(\(parts.joined(separator: ", ")))"
  }
}
