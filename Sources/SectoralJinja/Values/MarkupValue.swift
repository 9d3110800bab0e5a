/// Text that is safe in HTML: what escaping filters give, and what is not escaped again.
///
/// A string in all it does, except that what is put into it is escaped first.
final class MarkupValue: Object {
  let text: String

  init(_ text: String) { self.text = text }

  override var typeName: String { "Markup" }
  override var describedTypeName: String { "markupsafe.Markup" }
  override var length: Int? { text.scalarCount }

  private static func value(_ text: String) -> Value { .object(MarkupValue(text)) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard let known = name.known, Self.has(known) else { return nil }
    return .object(MarkupMethod(self, known))
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    key.isInteger ? text.character(at: key).map(Self.value) : nil
  }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    text.unicodeScalars.map { .string(String($0)) }
  }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "Markup(" + (try interpreter.reprText(of: .string(text))) + ")"
  }

  override func isEqual(to other: Value) -> Bool { other.text.map { $0.isSame(as: text) } ?? false }

  override func hash(into hasher: inout Hasher) -> Bool {
    Value.hash(text, into: &hasher)
    return true
  }

  override func contains(
    _ needle: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Bool? {
    try interpreter.contains(.string(text), needle)
  }

  override func compare(
    to other: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Int? {
    other.text.map { text.ordered(against: $0) }
  }

  override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String? {
    try StringFormat.formatted(.string(text), specification, interpreter)
  }

  override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch operation {
    case .add:
      guard let added = other.text else { return nil }
      let safe = other.isMarkup ? added : BuiltinFilters.escaped(added)
      guard
        case .string(let result) = try reversed
          ? interpreter.joined(safe, text) : interpreter.joined(text, safe)
      else { return nil }
      return Self.value(result)
    case .multiply where other.isInteger:
      guard case .string(let result) = try interpreter.arithmetic(.multiply, .string(text), other)
      else { return nil }
      return Self.value(result)
    case .modulo where !reversed:
      return Self.value(
        try PercentFormat.format(text, other, interpreter, escapes: true)
      )
    default: return nil
    }
  }
}

/// A method of markup taken as a value.
private final class MarkupMethod: Object {
  private let receiver: MarkupValue
  private let method: KnownName

  init(_ receiver: MarkupValue, _ method: KnownName) {
    self.receiver = receiver
    self.method = method
  }

  override var typeName: String { "method" }
  override var isCallable: Bool { true }
  override var takesMarkup: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    try receiver.call(method, arguments, interpreter)
  }
}

extension MarkupValue {
  private static func has(_ name: KnownName) -> Bool {
    name == .striptags || name == .unescape || StringMethods.has(name)
  }

  fileprivate func call(
    _ name: KnownName,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    var arguments = arguments
    func escape(_ position: Int) throws(TemplateError) {
      guard arguments.positional.indices.contains(position),
        arguments.positional[position].text != nil
      else { return }
      arguments.positional[position] = .string(
        try interpreter.escapedText(of: arguments.positional[position])
      )
    }
    switch name {
    case .striptags: return .string(Markup.stripped(text))
    case .unescape: return .string(Markup.unescaped(text))
    case .format:
      return .object(
        MarkupValue(try StringFormat.format(text, arguments, interpreter, escapes: true))
      )
    case .join:
      var items: [Value] = []
      for item in try interpreter.items(of: arguments.positional("str.join", 1...1)[0]) {
        items.append(.string(try interpreter.escapedText(of: item)))
      }
      arguments = Arguments([.list(items)])
    case .replace, .center, .ljust, .rjust: try escape(1)
    default: break
    }
    let result = try Methods.call(name, .string(text), arguments.withoutMarkup, interpreter)
    switch (name, result) {
    case (.encode, _): return result
    case (_, .string(let text)): return Self.value(text)
    case (_, .list(let list)): return .list(Self.marked(list.items))
    case (_, .tuple(let tuple)): return .tuple(Self.marked(tuple.items))
    default: return result
    }
  }

  private static func marked(_ items: [Value]) -> [Value] {
    items.map { $0.asString.map(value) ?? $0 }
  }
}

extension Value {
  /// A string's text, or markup's.
  var text: String? {
    switch self {
    case .string(let text): text
    case .object(let object): (object as? MarkupValue)?.text
    default: nil
    }
  }

  var isMarkup: Bool {
    if case .object(let object) = self { object is MarkupValue } else { false }
  }

  /// Markup as the string it is.
  var withoutMarkup: Value {
    if case .object(let object) = self, let markup = object as? MarkupValue {
      return .string(markup.text)
    }
    return self
  }
}

extension Arguments {
  /// With strings in place of markup, for those that know strings only.
  var withoutMarkup: Arguments {
    Arguments(
      positional.map(\.withoutMarkup),
      keyword: keyword.map { (name: $0.name, value: $0.value.withoutMarkup) }
    )
  }
}

extension Interpreter {
  func markup(_ text: String) -> Value {
    usesMarkup = true
    return .object(MarkupValue(text))
  }

  /// The text of a value with the characters of HTML escaped, unless it is markup.
  func escapedText(of value: Value) throws(TemplateError) -> String {
    if case .object(let object) = value, object is MarkupValue || object is ModuleValue {
      return try object.string(self)
    }
    return BuiltinFilters.escaped(try text(of: value))
  }
}
