package import SectoralJinja

/// `Decimal`: dbt gives templates no way to make one, the `jinja` tool does.
package final class DecimalClass: PythonObject {
  package override init() { super.init() }

  package override var typeName: String { "type" }
  package override var isCallable: Bool { true }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class 'decimal.Decimal'>"
  }

  package override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let value = try CallArguments("Decimal", arguments, ["value"])[0] ?? .int(0)
    if let number = DecimalObject.number(of: value) { return .decimal(number) }
    if case .float(let double) = value, let number = DecimalNumber(exactly: double) {
      return .decimal(number)
    }
    guard let text = value.asString else {
      throw .typeError("conversion from \(value.typeName) to Decimal is not supported")
    }
    guard let number = DecimalNumber(text) else {
      throw .python(
        ErrorKind(rawValue: "InvalidOperation"),
        "[<class 'decimal.ConversionSyntax'>]"
      )
    }
    return .decimal(number)
  }
}
