package import SectoralJinja

/// `re.IGNORECASE` and its like: an int that prints its name.
package final class RegexFlag: PythonObject {
  let value: Int

  package init(_ value: Int) {
    self.value = value
    super.init()
  }

  static let names: [(value: Int, name: String)] = [
    (RegexPattern.ascii, "ASCII"), (RegexPattern.ignoreCase, "IGNORECASE"),
    (RegexPattern.locale, "LOCALE"), (RegexPattern.unicode, "UNICODE"),
    (RegexPattern.multiline, "MULTILINE"), (RegexPattern.dotAll, "DOTALL"),
    (RegexPattern.verbose, "VERBOSE"), (0, "NOFLAG"),
  ]

  package override var typeName: String { "RegexFlag" }
  package override var isTrue: Bool { value != 0 }
  package override var numericValue: Value? { .int(value) }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "re." + (Self.names.first { $0.value == value }?.name ?? "\(value)")
  }

  package override func isEqual(to other: Value) -> Bool {
    other.pythonInt == value
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    // As the engine hashes the int.
    hasher.combine(value)
    return true
  }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  { other.pythonInt.map { order(value, $0) } }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    let other = other.object(RegexFlag.self).map { Value.int($0.value) } ?? other
    guard other.isNumber else { return nil }
    return reversed
      ? try interpreter.operate(operation, other, .int(value))
      : try interpreter.operate(operation, .int(value), other)
  }
}

extension CallArguments {
  func flags(_ index: Int) throws(TemplateError) -> Int { try int(index) }
}
