/// The filters of Jinja, by name.
enum BuiltinFilters {
  static let table: [String: Filter] = {
    var table = FilterTable()
    addTextFilters(&table)
    addNumberFilters(&table)
    addSequenceFilters(&table)
    addMarkupFilters(&table)
    return table.filters
  }()
}

/// Filters being listed.
struct FilterTable {
  var filters: [String: Filter] = [:]

  /// Adds a filter with named parameters.
  ///
  /// `names`: The first is the one that messages show.
  /// `parameters`: Without the value before the pipe.
  /// `required`: How many of them have no default.
  mutating func add(
    _ names: [String],
    _ parameters: [String] = [],
    required: Int = 0,
    _ body:
      @escaping @Sendable (Value, BoundArguments, Interpreter) throws(TemplateError) -> Value
  ) {
    let function = "do_\(names[0])"
    // Closures with typed errors are named before they are stored: put into an optional directly,
    // they crash the compiler (6.3.1).
    let bare: FilterBody = { (value, arguments, interpreter) throws(TemplateError) in
      if !arguments.isEmpty { _ = try arguments.bound(function, parameters) }
      return try body(value, BoundArguments.none, interpreter)
    }
    let bound: FilterBody = { (value, arguments, interpreter) throws(TemplateError) in
      let values = try arguments.matched({ function }, parameters, required)
      return try body(value, values, interpreter)
    }
    let filter = parameters.isEmpty ? Filter(bare) : Filter(bound)
    for name in names { filters[name] = filter }
  }

  /// Adds a filter that looks at its arguments itself.
  mutating func addOpen(_ name: String, _ body: @escaping FilterBody) {
    filters[name] = Filter(body)
  }
}

extension Interpreter {
  /// `str(value)`, as filters on text begin.
  func soft(_ value: Value) throws(TemplateError) -> String { try text(of: value) }

  func flag(_ value: Value?, default isDefault: Bool = false) throws(TemplateError) -> Bool {
    guard let value else { return isDefault }
    return try truth(value)
  }

  /// The value of an attribute path: `a.b.0`.
  func value(
    at path: [Value],
    of item: Value,
    default fallback: Value?
  ) throws(TemplateError)
    -> Value
  {
    var result = item
    for part in path {
      result = try subscriptValue(result, part)
      if let fallback, result.isUndefined { result = fallback }
    }
    return result
  }

  /// The parts of an attribute's name: digits are indexes.
  func path(_ attribute: Value) throws(TemplateError) -> [Value] {
    switch attribute {
    case .none: return []
    case .string(let text): return Self.parts(text)
    default: return [attribute]
    }
  }

  static func parts(_ text: String) -> [Value] {
    text.split(on: ".", limit: -1).map { part in
      if !part.isEmpty, part.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let index = Int(part) {
        return .int(index)
      }
      return .string(part)
    }
  }

  /// What strings are compared by unless case matters.
  func ignoringCase(_ value: Value) -> Value {
    if case .string(let text) = value {
      return .string(StringMethods.changedCase(.lower, text))
    }
    return value
  }
}
