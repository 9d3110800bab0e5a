package import SectoralJinja
import SectoralPython
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// The names that every template sees, whoever renders it and wherever: made once per worker, and
/// asked last.
package final class BaseContext: Scope {
  private let values: [Symbol: Value]
  private let invocation: Invocation
  /// Dictionaries that a template may change: one copy per node, made at the first use.
  private var dictionaries: [Symbol: Value] = [:]

  package init(_ invocation: Invocation, threadName: String) {
    self.invocation = invocation
    var values = Self.functions
    let adapterType = invocation.adapterType
    let zone = PytzUTC()
    values["run_started_at"] = .object(
      DateTimeObject(local: invocation.startedAt, zone: zone)
    )
    values["invocation_id"] = .string(invocation.id)
    values["thread_id"] = .string(threadName)
    values["dbt_version"] = .string(invocation.dbtVersion)
    values["project_name"] = .string(invocation.projectName)
    values["flags"] = .object(FlagsObject(invocation.flags))
    let modules = ModulesObject { name, interpreter throws(TemplateError) in
      guard name == "itertools" else { return }
      try interpreter.contextHost.emit(
        .warning(
          name: "ModulesItertoolsUsageDeprecation",
          message: "Usage of itertools modules is deprecated. Please use the built-in functions "
            + "instead."
        )
      )
    }
    values["modules"] = .object(modules)
    values["exceptions"] = .object(ExceptionsObject())
    values["api"] = .object(APIObject(adapterType: adapterType))
    values["column"] = .object(ColumnClass(adapterType))
    values["adapter"] = .object(AdapterObject(adapterType))
    values["validation"] = .object(ValidationObject())
    values["sql_now"] = .string(adapterType == "redshift" ? "getdate()" : "now()")
    self.values = values
    super.init()
  }

  /// The names it has values for.
  package var names: [Symbol] {
    Array(values.keys) + [Self.target, Self.env, Self.invocationArguments, Self.metadata]
  }

  package override func lookup(_ name: Symbol) -> Value? {
    values[name] ?? dictionaries[name] ?? dictionary(name)
  }

  /// To be called when the worker turns to another node: what the last one changed is forgotten.
  package func reset() {
    if !dictionaries.isEmpty { dictionaries = [:] }
  }

  private func dictionary(_ name: Symbol) -> Value? {
    let value: Value
    switch name {
    case Self.target, Self.env: value = Value(invocation.target)
    case Self.invocationArguments: value = InvocationArguments.value(invocation.arguments)
    case Self.metadata: value = Value(invocation.metadataEnvironment)
    default: return nil
    }
    dictionaries[name] = value
    return value
  }

  private static let target: Symbol = "target"
  private static let env: Symbol = "env"
  private static let invocationArguments: Symbol = "invocation_args_dict"
  private static let metadata: Symbol = "dbt_metadata_envs"

  /// `builtins`: the members without macros.
  ///
  /// `extra`: What the node's own scope adds, `ref`, `source`, `config` and so on.
  package func builtins(_ extra: [(String, Value)] = []) -> Value {
    let dict = DictValue()
    for (name, value) in values { dict[name.name] = value }
    for name in [Self.target, Self.env, Self.invocationArguments, Self.metadata] {
      dict[name.name] = lookup(name)
    }
    for (name, value) in extra { dict[name] = value }
    return .dict(dict)
  }

  // MARK: Functions

  private static var functions: [Symbol: Value] {
    var values: [Symbol: Value] = [:]
    for (name, body) in bodies { values[Symbol(name)] = .function(name, body) }
    return values
  }

  private typealias Body = @Sendable (Arguments, Interpreter) throws(TemplateError) -> Value

  private static let bodies: [(name: String, body: Body)] = [
    ("return", returnValue), ("env_var", environmentVariable),
    ("fromjson", fromJSON), ("tojson", toJSON), ("fromyaml", fromYAML), ("toyaml", toYAML),
    ("set", makeSet), ("set_strict", makeStrictSet), ("zip", zipValues),
    ("zip_strict", zipStrictly), ("log", log), ("print", printMessage), ("local_md5", localMD5),
    ("diff_of_two_dicts", differenceOfDictionaries),
    ("try_or_compiler_error", tryOrCompilerError),
    ("store_result", ResultFunctions.storeResult),
    ("store_raw_result", ResultFunctions.storeRawResult),
    ("load_result", ResultFunctions.loadResult),
    ("load_agate_table", loadSeedTable), ("write", write),
    (
      "adapter_macro",
      { (_, _) throws(TemplateError) in
        throw .compilation(
          "The \"adapter_macro\" macro has been deprecated. Instead, use the `adapter.dispatch` "
            + "method to find a macro and call the result.",
          hint: "{{ adapter.dispatch('name', 'package')(arguments) }}"
        )
      }
    ),
    (
      "submit_python_job",
      { (_, _) throws(TemplateError) in
        throw .compilation("python models are not supported by this adapter")
      }
    ),
  ]

  @Sendable private static func returnValue(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    throw .returning(try CallArguments("return", arguments, ["data"], required: 1).value(0))
  }

  @Sendable private static func environmentVariable(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let arguments = try CallArguments("env_var", arguments, ["var", "default"], required: 1)
    let name = try arguments.string(0)
    let host = interpreter.contextHost
    let isSecret = SecretPlaceholder.stands(for: name)
    if isSecret, !host.allowsSecrets {
      throw TemplateError(
        .parsing,
        id: "compile.secret-env-var",
        "Secret env vars are allowed only in profiles.yml or packages.yml. Found '\(name)' "
          + "referenced elsewhere."
      )
    }
    if let value = host.environmentVariable(name) {
      return .string(isSecret ? SecretPlaceholder.text(of: name) : value)
    }
    if let fallback = arguments.optional(1) { return fallback }
    throw TemplateError(
      .parsing,
      id: "compile.missing-env-var",
      "Env var required but not provided: '\(name)'",
      hint: "set it in the environment, or give a default: env_var('\(name)', 'value')"
    )
  }

  // MARK: Formats

  @Sendable private static func fromJSON(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("fromjson", arguments, ["string", "default"], required: 1)
    guard let text = arguments.value(0).asString else {
      throw .typeError(
        "the JSON object must be str, bytes or bytearray, not \(arguments.value(0).typeName)"
      )
    }
    do throws(JSONError) {
      return Value(try JSON.parse(text))
    } catch {
      return arguments.value(1)
    }
  }

  @Sendable private static func toJSON(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "tojson",
      arguments,
      ["value", "default", "sort_keys"],
      required: 1
    )
    let sortKeys = try arguments.isTrue(2, interpreter)
    return .string(
      JSON.text(of: try Datum(arguments.value(0), .json, interpreter), sortKeys: sortKeys)
    )
  }

  @Sendable private static func fromYAML(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("fromyaml", arguments, ["value", "default"], required: 1)
    let (root, diagnostics) = YAMLParser.parse(try arguments.string(0), label: "fromyaml()")
    guard let root, !diagnostics.contains(where: { $0.severity == .error }) else {
      return arguments.value(1)
    }
    return Value(root.datum)
  }

  @Sendable private static func toYAML(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "toyaml",
      arguments,
      ["value", "default", "sort_keys"],
      required: 1
    )
    let sortKeys = try arguments.isTrue(2, interpreter)
    do throws(TemplateError) {
      return .string(
        YAMLWriter.text(of: try Datum(arguments.value(0), .yaml, interpreter), sortKeys: sortKeys)
      )
    } catch {
      // What YAML cannot say gives the default, as in dbt.
      return arguments.value(1)
    }
  }

  // MARK: Collections

  @Sendable private static func makeSet(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("set", arguments, ["value", "default"], required: 1)
    do throws(TemplateError) {
      return try set(of: arguments.value(0), interpreter)
    } catch  where error.kind == .type {
      return arguments.value(1)
    }
  }

  @Sendable private static func makeStrictSet(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("set_strict", arguments, ["value"], required: 1)
    do throws(TemplateError) {
      return try set(of: arguments.value(0), interpreter)
    } catch  where error.kind == .type {
      throw .compilation(error.diagnostic.message)
    }
  }

  private static func set(
    of value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let items = try interpreter.iterate(value)
    for item in items where !item.isHashable {
      throw .typeError("unhashable type: '\(item.typeName)'")
    }
    return .set(SetValue(items))
  }

  @Sendable private static func zipValues(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    for (name, _) in arguments.keyword where name != "default" {
      throw .typeError("zip() got an unexpected keyword argument '\(name)'")
    }
    do throws(TemplateError) {
      return try zipped(arguments.positional, interpreter)
    } catch  where error.kind == .type {
      return arguments[keyword: "default"] ?? .none
    }
  }

  @Sendable private static func zipStrictly(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    for (name, _) in arguments.keyword {
      throw .typeError("zip_strict() got an unexpected keyword argument '\(name)'")
    }
    do throws(TemplateError) {
      return try zipped(arguments.positional, interpreter)
    } catch  where error.kind == .type {
      throw .compilation(error.diagnostic.message)
    }
  }

  private static func zipped(
    _ values: [Value],
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    var sources: [IteratorObject] = []
    for value in values { sources.append(try IteratorObject.over(value, interpreter)) }
    return .object(
      IteratorObject("zip") { () throws(TemplateError) in
        var items: [Value] = []
        for source in sources {
          guard let item = try source.next() else { return nil }
          items.append(item)
        }
        return items.isEmpty ? nil : .tuple(items)
      }
    )
  }

  /// What the lists of the first hold and those of the second do not; case does not count.
  @Sendable private static func differenceOfDictionaries(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let arguments = try CallArguments(
      "diff_of_two_dicts",
      arguments,
      ["dict_a", "dict_b"],
      required: 2
    )
    guard case .dict(let left) = arguments.value(0), case .dict(let right) = arguments.value(1)
    else { throw .typeError("diff_of_two_dicts() needs two dictionaries") }
    func folded(_ values: [Value]) throws(TemplateError) -> Set<String> {
      var texts: Set<String> = []
      for value in values { texts.insert(try interpreter.string(value).lowercased()) }
      return texts
    }
    let result = DictValue()
    for (key, value) in left.pairs {
      let name = try interpreter.string(key).lowercased()
      var other: Value?
      for (otherKey, otherValue) in right.pairs
      where try interpreter.string(otherKey).lowercased() == name { other = otherValue }
      guard let other else {
        result[key] = value
        continue
      }
      let known = try folded(interpreter.iterate(other))
      var rest: [Value] = []
      for item in try interpreter.iterate(value)
      where !known.contains(try interpreter.string(item).lowercased()) { rest.append(item) }
      if !rest.isEmpty { result[key] = .list(rest) }
    }
    return .dict(result)
  }

  // MARK: Messages

  @Sendable private static func log(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("log", arguments, ["msg", "info"], required: 1)
    let message = try interpreter.string(arguments.value(0))
    let info = try arguments.isTrue(1, interpreter)
    if info { try sendStatements(interpreter) }
    try interpreter.contextHost.emit(.log(message, info: info))
    return .string("")
  }

  /// What a user reads must be so: `created` is not to be printed before the statement was run.
  private static func sendStatements(_ interpreter: Interpreter) throws(TemplateError) {
    do throws(WarehouseError) { try interpreter.contextHost.session?.flush() } catch {
      throw .warehouse(error)
    }
  }

  @Sendable private static func printMessage(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("print", arguments, ["msg"], required: 1)
    try sendStatements(interpreter)
    try interpreter.contextHost.emit(.print(try interpreter.string(arguments.value(0))))
    return .string("")
  }

  @Sendable private static func localMD5(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("local_md5", arguments, ["value"], required: 1)
    guard let text = arguments.value(0).asString else {
      throw .python(
        .attribute,
        "'\(arguments.value(0).typeName)' object has no attribute 'encode'"
      )
    }
    return .string(Digest.md5(text.utf8))
  }

  @Sendable private static func tryOrCompilerError(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard arguments.positional.count >= 2 else {
      throw .typeError("try_or_compiler_error() needs a message and a function")
    }
    do throws(TemplateError) {
      return try interpreter.call(
        arguments.positional[1],
        Arguments(Array(arguments.positional.dropFirst(2)), keyword: arguments.keyword)
      )
    } catch {
      throw .compilation(
        try interpreter.string(arguments.positional[0]),
        hint: error.diagnostic.message
      )
    }
  }

  // MARK: Files

  @Sendable private static func loadSeedTable(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    _ = try CallArguments("load_agate_table", arguments, [])
    return .object(TableObject(try interpreter.contextHost.loadSeed()))
  }

  @Sendable private static func write(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("write", arguments, ["payload"], required: 1)
    try interpreter.contextHost.writeRunFile(try interpreter.string(arguments.value(0)))
    return .string("")
  }
}

/// `validation.any(a, b)`, also written `validation.any[a, b]`: a check for `config.get`.
final class ValidationObject: ContextObject {
  override var typeName: String { "Validation" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  { name.name == "any" ? .object(AnyValidator()) : nil }

  private final class AnyValidator: ContextObject {
    override var isCallable: Bool { true }

    override func call(
      _ arguments: Arguments,
      _ interpreter: Interpreter
    ) throws(TemplateError)
      -> Value
    { checker(arguments.positional) }

    override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
      if case .tuple(let items) = key { return checker(items.items) }
      return checker([key])
    }

    private func checker(_ options: [Value]) -> Value {
      .function("validator") { arguments, interpreter throws(TemplateError) in
        let value = try CallArguments("validator", arguments, ["value"], required: 1).value(0)
        // Names of Python's types are undefined in templates: what they meant cannot be checked.
        let isAllowed = options.contains { $0.isUndefined || $0.isEqual(to: value) }
        guard !isAllowed else { return .none }
        throw .compilation(
          "Expected value \"\(try interpreter.string(value))\" to be one of "
            + (try interpreter.string(.tuple(options)))
        )
      }
    }
  }
}
