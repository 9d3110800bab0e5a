import BigInt

/// The tests of Jinja: `x is defined`.
enum BuiltinTests {
  static let table: [String: Test] = {
    var table = TestTable()
    addTypeTests(&table)
    addComparisons(&table)
    return table.tests
  }()

  private static func addTypeTests(_ table: inout TestTable) {
    table.plain("defined") { !$0.isUndefined }
    table.plain("undefined") { $0.isUndefined }
    table.plain("none") { $0.isNone }
    table.plain("boolean") { if case .bool = $0 { true } else { false } }
    table.plain("true") { if case .bool(true) = $0 { true } else { false } }
    table.plain("false") { if case .bool(false) = $0 { true } else { false } }
    table.plain("string") { if case .string = $0 { true } else { $0.isMarkup } }
    table.plain("escaped") { $0.isMarkup }
    table.plain("integer") {
      switch $0 {
      case .int, .bigInt: true
      default: false
      }
    }
    table.plain("float") { if case .float = $0 { true } else { false } }
    table.plain("number") {
      if case .object(let object) = $0 { return object.numericValue != nil }
      return $0.number != nil
    }
    table.plain("mapping") {
      switch $0 {
      case .dict: true
      case .object(let object): object.isMapping
      default: false
      }
    }
    table.plain("sequence") {
      switch $0 {
      case .string, .list, .tuple, .dict: true
      case .undefined(let undefined): undefined.kind != .strict
      case .object(let object): object.isSequence
      default: false
      }
    }
    table.plain("callable") {
      switch $0 {
      case .object(let object): object.isCallable
      case .undefined: true
      default: false
      }
    }
    table.addOpen("iterable") { (value, arguments, interpreter) throws(TemplateError) in
      switch value {
      case .string, .list, .tuple, .dict, .set: return true
      case .undefined(let undefined):
        if undefined.kind == .strict { throw interpreter.undefinedError(undefined) }
        return true
      case .object(let object):
        if object.isIterator || object is LoopValue { return true }
        return try object.iterate(interpreter) != nil
      default: return false
      }
    }
    table.addOpen("lower") { (value, arguments, interpreter) throws(TemplateError) in
      try interpreter.charge(value)
      return StringMethods.has(.islower, try interpreter.text(of: value))
    }
    table.addOpen("upper") { (value, arguments, interpreter) throws(TemplateError) in
      try interpreter.charge(value)
      return StringMethods.has(.isupper, try interpreter.text(of: value))
    }
    addParity(&table, "odd", rest: 1)
    addParity(&table, "even", rest: 0)
    table.addOpen("divisibleby") { (value, arguments, interpreter) throws(TemplateError) in
      let other = try arguments.bound("test_divisibleby", ["num"], required: 1)[0] ?? .none
      return try interpreter.arithmetic(.modulo, value, other).isEqual(to: .int(0))
    }
  }

  private static func addComparisons(_ table: inout TestTable) {
    table.compared("eq", "equalto", "==") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.equal, a, b)
    }
    table.compared("ne", "!=") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.notEqual, a, b)
    }
    table.compared("lt", "lessthan", "<") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.less, a, b)
    }
    table.compared("le", "<=") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.lessOrEqual, a, b)
    }
    table.compared("gt", "greaterthan", ">") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.greater, a, b)
    }
    table.compared("ge", ">=") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.compare(.greaterOrEqual, a, b)
    }
    table.compared("in") { (a, b, interpreter) throws(TemplateError) in
      try interpreter.contains(b, a)
    }
    table.compared("sameas") { (a, b, interpreter) throws(TemplateError) in areSame(a, b) }
    table.addOpen("filter") { (value, arguments, interpreter) throws(TemplateError) in
      guard case .string(let name) = value else { return false }
      return interpreter.environment.filter(named: name) != nil
    }
    table.addOpen("test") { (value, arguments, interpreter) throws(TemplateError) in
      guard case .string(let name) = value else { return false }
      return interpreter.environment.test(named: name) != nil
    }
  }

  private static func addParity(_ table: inout TestTable, _ name: String, rest: Int) {
    table.addOpen(name) { (value, arguments, interpreter) throws(TemplateError) in
      _ = try arguments.bound("test_\(name)", [])
      let found = try interpreter.arithmetic(.modulo, value, .int(2))
      return found.isEqual(to: .int(rest))
    }
  }

  /// Python's `is`, as far as values here have an identity.
  private static func areSame(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.string(let x), .string(let y)): x.isSame(as: y)
    case (.float(let x), .float(let y)): x == y
    case (.list(let x), .list(let y)): x === y
    case (.tuple(let x), .tuple(let y)): x === y || (x.items.isEmpty && y.items.isEmpty)
    case (.dict(let x), .dict(let y)): x === y
    case (.set(let x), .set(let y)): x === y
    case (.object(let x), .object(let y)): x === y
    case (.undefined(let x), .undefined(let y)): x === y
    default: false
    }
  }
}

/// Tests being listed.
struct TestTable {
  var tests: [String: Test] = [:]

  /// A test of the value alone.
  mutating func plain(_ name: String, body: @escaping @Sendable (Value) -> Bool) {
    let test: TestBody = { (value, arguments, interpreter) throws(TemplateError) in
      _ = try arguments.bound("test_\(name)", [])
      return body(value)
    }
    tests[name] = Test(test)
  }

  /// A test against one other value.
  mutating func compared(
    _ names: String...,
    body: @escaping @Sendable (Value, Value, Interpreter) throws(TemplateError) -> Bool
  ) {
    for name in names {
      let test: TestBody = { (value, arguments, interpreter) throws(TemplateError) in
        let other = try arguments.bound(name, ["b"], required: 1)[0] ?? .none
        return try body(value, other, interpreter)
      }
      tests[name] = Test(test)
    }
  }

  /// A test that looks at its arguments itself.
  mutating func addOpen(_ name: String, _ body: @escaping TestBody) { tests[name] = Test(body) }
}
