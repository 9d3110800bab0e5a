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

/// What a filter makes of markup before its pipe.
enum MarkupRule {
  /// It is a string like others.
  case string
  /// The string that comes of it is markup again.
  case kept
  /// The filter knows what it is.
  case itself

  func adapted(_ body: @escaping FilterBody) -> FilterBody {
    if self == .itself { return body }
    let isKept = self == .kept
    let result: FilterBody = { (value, arguments, interpreter) throws(TemplateError) in
      guard interpreter.usesMarkup else { return try body(value, arguments, interpreter) }
      let result = try body(value.withoutMarkup, arguments.withoutMarkup, interpreter)
      if isKept, value.isMarkup, case .string(let text) = result {
        return interpreter.markup(text)
      }
      return result
    }
    return result
  }
}

/// Filters being listed.
struct FilterTable {
  var filters: [String: Filter] = [:]

  /// Adds a filter with named parameters.
  ///
  /// `names`: The first is the one that messages show.
  /// `parameters`: Without the value before the pipe.
  /// `required`: How many of them have no default.
  /// `markup`: What becomes of markup before the pipe.
  mutating func add(
    _ names: [String],
    _ parameters: [String] = [],
    required: Int = 0,
    markup: MarkupRule = .string,
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
    let filter = Filter(
      markup.adapted(parameters.isEmpty ? bare : bound),
      goesThrough: !Self.quick.contains(names[0])
    )
    for name in names { filters[name] = filter }
  }

  /// Adds a filter that looks at its arguments itself.
  mutating func addOpen(
    _ name: String,
    markup: MarkupRule = .string,
    _ body: @escaping FilterBody
  ) {
    filters[name] = Filter(markup.adapted(body), goesThrough: !Self.quick.contains(name))
  }

  /// Those that look at one item, or take items when they are asked for and pay for each.
  private static let quick: Set<String> = [
    "default", "length", "first", "last", "random", "attr", "items", "map", "select", "reject",
    "selectattr", "rejectattr", "batch", "slice", "unique",
  ]
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
    if let text = value.text { return .string(StringMethods.changedCase(.lower, text)) }
    return value
  }
}
