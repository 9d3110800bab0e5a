package import SectoralJinja

/// The arguments of a call, bound to the names of the parameters as Python binds them.
package struct CallArguments {
  package let function: String
  private let names: [String]
  private let values: [Value?]

  /// `parameters`: names in order; the first `required` of them must be given.
  package init(
    _ function: String,
    _ arguments: Arguments,
    _ parameters: [String],
    required: Int = 0
  ) throws(TemplateError) {
    self.function = function
    names = parameters
    values = try arguments.bound(function, parameters, required: required)
  }

  /// As the initializer, where the parameters from `positional` on take their value by name alone.
  package init(
    _ function: String,
    _ arguments: Arguments,
    _ parameters: [String],
    required: Int = 0,
    positional: Int
  ) throws(TemplateError) {
    guard arguments.positional.count <= positional else {
      throw .typeError(
        "\(function)() takes at most \(positional) positional arguments "
          + "(\(arguments.positional.count) given)"
      )
    }
    try self.init(function, arguments, parameters, required: required)
  }

  /// nil: not given.
  package subscript(index: Int) -> Value? { values[index] }

  /// A parameter that was given, or `none`.
  package func value(_ index: Int) -> Value { values[index] ?? .none }

  /// nil for what is absent or none.
  package func optional(_ index: Int) -> Value? {
    guard let value = values[index], !value.isNone else { return nil }
    return value
  }

  package func string(_ index: Int) throws(TemplateError) -> String {
    guard let text = value(index).asString else {
      throw .typeError(
        "\(function)(): '\(names[index])' must be a text, not \(value(index).typeName)"
      )
    }
    return text
  }

  package func optionalString(_ index: Int) throws(TemplateError) -> String? {
    optional(index) == nil ? nil : try string(index)
  }

  package func int(_ index: Int, default fallback: Int = 0) throws(TemplateError) -> Int {
    guard let value = values[index] else { return fallback }
    guard let int = value.pythonInt else {
      if case .bigInt = value {
        throw .python(.overflow, "Python int too large to convert to C ssize_t")
      }
      throw .typeError(
        "'\(value.typeName)' object cannot be interpreted as an integer"
      )
    }
    return int
  }

  /// An int that Python's own code keeps in 32 bits.
  package func smallInt(_ index: Int, default fallback: Int = 0) throws(TemplateError) -> Int {
    if case .bigInt? = values[index] {
      throw .python(.overflow, "Python int too large to convert to C long")
    }
    let int = try int(index, default: fallback)
    guard Int32(exactly: int) != nil else {
      throw .python(
        .overflow,
        int > 0 ? "signed integer is greater than maximum" : "signed integer is less than minimum"
      )
    }
    return int
  }

  package func isTrue(_ index: Int, _ interpreter: Interpreter) throws(TemplateError) -> Bool {
    guard let value = values[index] else { return false }
    return try interpreter.isTrue(value)
  }
}

extension Value {
  /// An int, or what Python counts as one: a bool, a flag of `re`.
  package var pythonInt: Int? {
    switch self {
    case .int(let int): int
    case .bool(let bool): bool ? 1 : 0
    case .object(let object as RegexFlag): object.value
    default: nil
    }
  }

  var isNumber: Bool {
    switch self {
    case .int, .bool, .bigInt, .float: true
    case .object(let object): object.numericValue != nil
    default: false
    }
  }

  /// The object of a host's class.
  package func object<Class: Object>(_ type: Class.Type) -> Class? {
    guard case .object(let object) = self else { return nil }
    return object as? Class
  }

  /// Text, or none.
  package static func text(_ string: String?) -> Value { string.map(Value.string) ?? .none }

  /// A method without arguments that gives a value already known.
  package static func constant(_ name: String, _ value: Value) -> Value {
    .function(name) { _, _ throws(TemplateError) in value }
  }
}
