package import SectoralJinja
package import SectoralProject
package import SectoralPython
import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// What one thread needs to render templates, whatever node they belong to.
package final class RenderingThread {
  package let workspace: Workspace
  package let interpreter: Interpreter
  package let threadName: String
  let base: BaseContext
  private var macroValues: [ObjectIdentifier: Value] = [:]
  private var namespaceValues: [String: Value] = [:]
  private var namingMacros: [String: [NamingMacro: MacroEntry]] = [:]
  private var dispatched: [Dispatch: Value] = [:]
  /// Whether a context of this thread has ever given members of packages other values.
  fileprivate(set) var hasMemberOverrides = false

  /// What is asked of `adapter.dispatch`, for a node of a package.
  private struct Dispatch: Hashable {
    let name: String
    let namespace: String?
    let package: String
  }

  package init(_ workspace: Workspace, threadName: String) {
    self.workspace = workspace
    self.threadName = threadName
    interpreter = Interpreter(workspace.environment)
    base = BaseContext(workspace.invocation, threadName: threadName)
  }

  /// The naming macro that counts for a package, where it is not the built-in one.
  func replacement(of naming: NamingMacro, for package: String) -> MacroEntry? {
    if let known = namingMacros[package] { return known[naming] }
    var found: [NamingMacro: MacroEntry] = [:]
    for naming in NamingMacro.allCases {
      found[naming] = workspace.macros.replacement(of: naming, for: package)
    }
    namingMacros[package] = found
    return found[naming]
  }

  func value(of entry: MacroEntry) -> Value {
    let id = ObjectIdentifier(entry)
    if let known = macroValues[id] { return known }
    let value = Value.object(MacroObject(entry))
    macroValues[id] = value
    return value
  }

  /// What `adapter.dispatch` finds for a node of a package.
  func dispatch(
    _ name: String,
    namespace: String?,
    for package: String
  ) throws(TemplateError) -> Value {
    let question = Dispatch(name: name, namespace: namespace, package: package)
    if let known = dispatched[question] { return known }
    if name.contains(".") {
      throw .compilation(
        "In adapter.dispatch, got a macro name of \"\(name)\", but \".\" is not a valid macro name "
          + "component. Did you mean `adapter.dispatch(\"\(name.split(separator: ".").last ?? "")\", "
          + "macro_namespace=\"\(name.split(separator: ".").first ?? "")\")`?"
      )
    }
    let (entry, tried) = workspace.macros.dispatch(name, namespace: namespace, for: package)
    guard let entry else {
      throw .compilation(
        "In dispatch: No macro named '\(name)' found within namespace: '\(namespace ?? "None")'\n"
          + "    Searched for: \(tried.map { "'\($0)'" }.joined(separator: ", "))",
        hint: "write a macro named 'default__\(name)', or install the package that has it"
      )
    }
    let value = value(of: entry)
    dispatched[question] = value
    return value
  }

  func namespace(_ name: String) -> Value {
    if let known = namespaceValues[name] { return known }
    let value = Value.object(NamespaceObject(name, self))
    namespaceValues[name] = value
    return value
  }
}

/// The context in which the templates of one node run: who the node is, what the names in its
/// templates mean, and what became known while they ran. Belongs to one thread.
package class NodeContext: Scope, ContextHost {
  package let thread: RenderingThread
  /// nil for what runs in no node's name: operations of the engine itself.
  package let node: Node?
  package let packageName: String
  /// Whose macros come first, and whose variables count: those of the node's package, and while a
  /// macro runs that the adapter called, those of the macro's.
  private(set) var macroPackage: String
  /// The macro that the adapter or `run-operation` called, while it runs: as in dbt it is `model` then, and
  /// there is no `this`.
  private(set) var ownMacro: Macro?
  package let emitEvent: (ContextEvent) throws(TemplateError) -> Void
  package let results = StatementResults()
  /// How many macros deep the evaluation is.
  var macroDepth = 0
  private var memo: [Symbol: Value] = [:]
  /// Names that this context gives other values than the usual ones (unit tests, on-run-end).
  package var extraMembers: [Symbol: Value] = [:]
  /// The same for members of packages: `package.macro`.
  var memberOverrides: [String: [Symbol: Value]] = [:] {
    didSet { thread.hasMemberOverrides = true }
  }
  /// Values that a unit test gives to variables and environment variables.
  var variableOverrides = DatumMap()
  var environmentOverrides: [String: String] = [:]
  package private(set) var usedEnvironmentVariables: Set<String> = []

  package var workspace: Workspace { thread.workspace }
  package var interpreter: Interpreter { thread.interpreter }

  package init(
    _ thread: RenderingThread,
    node: Node?,
    packageName: String,
    emit: @escaping (ContextEvent) throws(TemplateError) -> Void
  ) {
    self.thread = thread
    self.node = node
    self.packageName = packageName
    macroPackage = packageName
    self.emitEvent = emit
    super.init()
    thread.base.reset()
  }

  var variables: DatumMap {
    var vars = workspace.vars(for: macroPackage)
    for (key, value) in variableOverrides.entries { vars[key] = value }
    return vars
  }

  // MARK: What flavours say

  package var isExecuting: Bool { false }
  package var session: WarehouseSession? { nil }
  /// Told where the texts come from that are rendered in this context; nil: nobody asks.
  package var origins: TextOrigins? { nil }
  /// A member of the context that depends on the flavour or the node.
  package func member(_ name: Symbol) -> Value? { nil }
  package func writeRunFile(_ text: String) throws(TemplateError) {}
  package func swapSettings(dependents: [Relation]) -> SwapSettings { SwapSettings() }
  package func builds(schema: String, table: String) -> Bool { false }
  package func ownSetting(_ name: String) -> Datum? { nil }
  package func loadSeed() throws(TemplateError) -> SeedTable {
    throw .compilation("load_agate_table can only be called for a seed")
  }
  /// A macro was called by the node's own text, not by another macro.
  func calledDirectly(_ macro: Macro) {
    guard let node, !node.dependsOnMacros.contains(macro.uniqueID) else { return }
    node.dependsOnMacros.append(macro.uniqueID)
  }

  // MARK: Scope

  package override final func lookup(_ name: Symbol) -> Value? {
    if let known = memo[name] { return known }
    guard let value = extraMembers[name] ?? find(name) else { return nil }
    memo[name] = value
    return value
  }

  /// Gives a name of this context another value, from now on.
  func define(_ name: Symbol, _ value: Value) {
    extraMembers[name] = value
    memo[name] = value
  }

  /// Forgets the value that a name had: it is looked up anew when it is next used.
  func forget(_ name: Symbol) { memo[name] = nil }

  private func find(_ name: Symbol) -> Value? {
    switch workspace.macros.resolve(name, for: macroPackage) {
    case .macro(let entry)?: return thread.value(of: entry)
    case .namespace(let package)?: return member(name) ?? thread.namespace(package)
    case nil: break
    }
    return builtin(name)
  }

  /// A member that is no macro: what `builtins` holds.
  package func builtin(_ name: Symbol) -> Value? {
    if let value = member(name) ?? commonMember(name) { return value }
    return thread.base.lookup(name)
  }

  /// The names that have a value here, what is no macro first, in dbt's order: what `builtins.keys()`
  /// and `context.keys()` give.
  func names(builtinsOnly: Bool) -> [String] {
    let ordered = Names.ordered.filter { builtin($0) != nil }
    var others = Names.members + thread.base.names
    if !builtinsOnly {
      others += extraMembers.keys
      others += workspace.macros.symbols(for: macroPackage)
    }
    let present = Set(others).subtracting(ordered).filter { name in
      builtinsOnly
        ? name != Names.builtins && name != Names.context && builtin(name) != nil
        : lookup(name) != nil
    }
    return ordered.map(\.name) + present.map(\.name).sorted()
  }

  private func commonMember(_ name: Symbol) -> Value? {
    switch name {
    case Names.execute: return .bool(isExecuting)
    case Names.context: return .object(ContextDictionary(self, builtinsOnly: false))
    case Names.builtins: return .object(ContextDictionary(self, builtinsOnly: true))
    case Names.variable: return .object(VariableObject(self))
    case Names.render:
      return .function("render") { [unowned self] arguments, interpreter throws(TemplateError) in
        guard let text = arguments.positional.first?.asString else { return .string("") }
        return .string(try render(text: text))
      }
    case Names.database: return .string(node?.database ?? workspace.profile.database)
    case Names.schema: return .string(node?.schema ?? workspace.profile.schema)
    case Names.deferRelation: return Value.none
    default: return nil
    }
  }

  // MARK: ContextHost

  package var invocation: Invocation { workspace.invocation }
  package var threadName: String { thread.threadName }
  package var currentNode: CurrentNode? {
    node.map {
      CurrentNode(
        uniqueID: $0.uniqueID,
        resourceType: $0.resourceType.rawValue,
        name: $0.name,
        originalFilePath: $0.originalFilePath
      )
    }
  }
  package var allowsSecrets: Bool { false }

  package func environmentVariable(_ name: String) -> String? {
    if let value = environmentOverrides[name] { return value }
    usedEnvironmentVariables.insert(name)
    return workspace.processEnvironment[name]
  }

  package func emit(_ event: ContextEvent) throws(TemplateError) { try emitEvent(event) }

  package func callMacro(
    _ name: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard let entry = workspace.macros.find(name) else { return nil }
    // What the adapter calls is no doing of the node's, and looks around from where it stands.
    return try looking(from: place(of: entry)) { () throws(TemplateError) in
      try callForItself(entry, arguments)
    }
  }

  /// The same of a macro that works for the current node, which it sees.
  func callMacroForNode(
    _ name: String,
    _ arguments: Arguments
  ) throws(TemplateError) -> Value? {
    guard let entry = workspace.macros.find(name) else { return nil }
    return try looking(from: place(of: entry)) { () throws(TemplateError) in
      try call(entry, arguments, isNoted: false)
    }
  }

  private func place(of entry: MacroEntry) -> String {
    workspace.macros.isInternal(entry) ? workspace.root.name : entry.macro.packageName
  }

  /// Calls a macro for which no node is at work.
  func callForItself(
    _ entry: MacroEntry,
    _ arguments: Arguments
  ) throws(TemplateError) -> Value {
    let names = [Names.this, Names.model, Names.compiledCode]
    let before = ownMacro
    ownMacro = entry.macro
    for name in names { forget(name) }
    defer {
      ownMacro = before
      for name in names { forget(name) }
    }
    return try call(entry, arguments, isNoted: false)
  }

  /// Runs `body` with another package's macros first.
  private func looking<Result>(
    from package: String,
    _ body: () throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    let before = macroPackage
    guard package != before else { return try body() }
    macroPackage = package
    memo = [:]
    defer {
      macroPackage = before
      memo = [:]
    }
    return try body()
  }

  package func dispatch(
    _ name: String,
    namespace: String?,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    try thread.dispatch(name, namespace: namespace, for: macroPackage)
  }

  // MARK: Running templates

  /// Calls a macro in this context.
  package final func call(
    _ entry: MacroEntry,
    _ arguments: Arguments,
    isNoted: Bool = true
  ) throws(TemplateError) -> Value {
    if macroDepth == 0, isNoted { calledDirectly(entry.macro) }
    if let native = entry.native, let value = try native.call(in: self, arguments) { return value }
    macroDepth += 1
    defer { macroDepth -= 1 }
    let (template, definition) = try entry.definition()
    return try interpreter.invoke(
      definition,
      of: template,
      scope: self,
      arguments,
      label: entry.label
    )
  }

  /// Runs `body` with this context as the interpreter's host.
  package final func hosting<Result>(
    _ body: () throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    let before = (interpreter.host, interpreter.origins)
    interpreter.host = self
    interpreter.origins = origins
    defer { (interpreter.host, interpreter.origins) = before }
    return try body()
  }

  /// Renders a text that came from a value, not from a file.
  ///
  /// `label`: what the text as a whole is called; nil: it stands somewhere in the node's files.
  package final func render(text: String, label: String? = nil) throws(TemplateError) -> String {
    let path = label ?? node?.originalFilePath ?? "<text>"
    let isTemplate = YAMLRenderer.isTemplate(text)
    guard isTemplate || label != nil else { return text }
    let file = SourceFile(path: path, bytes: Array(text.utf8), isExcerpt: label == nil)
    guard isTemplate else {
      origins?.add(text, from: TextSpan(file: file, start: 0, end: file.bytes.count))
      return text
    }
    let template = try workspace.environment.compile(file)
    return try hosting { () throws(TemplateError) in
      try interpreter.render(template, scope: self)
    }
  }
}

/// Names of the context that this target looks for.
enum Names {
  static let execute: Symbol = "execute"
  static let context: Symbol = "context"
  static let builtins: Symbol = "builtins"
  static let variable: Symbol = "var"
  static let render: Symbol = "render"
  static let database: Symbol = "database"
  static let schema: Symbol = "schema"
  static let deferRelation: Symbol = "defer_relation"
  static let ref: Symbol = "ref"
  static let source: Symbol = "source"
  static let metric: Symbol = "metric"
  static let function: Symbol = "function"
  static let config: Symbol = "config"
  static let adapter: Symbol = "adapter"
  static let this: Symbol = "this"
  static let model: Symbol = "model"
  static let graph: Symbol = "graph"
  static let preHooks: Symbol = "pre_hooks"
  static let postHooks: Symbol = "post_hooks"
  static let sql: Symbol = "sql"
  static let compiledCode: Symbol = "compiled_code"
  static let selectedResources: Symbol = "selected_resources"
  /// What a context of some kind may have besides the base context's names.
  static let members: [Symbol] = [
    execute, context, builtins, variable, render, database, schema, deferRelation, ref, source,
    metric, function, config, this, model, graph, preHooks, postHooks, sql, compiledCode,
    selectedResources,
  ]
  /// The context's names without macros, as dbt puts them into it one after the other.
  static let ordered: [Symbol] = [
    "dbt_version", "var", "env_var", "return", "fromjson", "tojson", "fromyaml", "toyaml", "set",
    "set_strict", "zip", "zip_strict", "log", "run_started_at", "invocation_id", "thread_id",
    "modules", "flags", "print", "diff_of_two_dicts", "local_md5", "target", "project_name",
    "dbt_metadata_envs", "invocation_args_dict", "load_result", "store_result",
    "store_raw_result", "validation", "write", "render", "try_or_compiler_error",
    "load_agate_table", "ref", "source", "metric", "function", "config", "execute", "exceptions",
    "database", "schema", "adapter", "api", "column", "env", "graph", "model", "pre_hooks",
    "post_hooks", "sql", "sql_now", "adapter_macro", "selected_resources", "submit_python_job",
    "compiled_code", "this", "defer_relation",
  ]
}

/// A project's macro as a value: calls run in the context of whoever is being rendered.
package final class MacroObject: Object {
  let entry: MacroEntry

  init(_ entry: MacroEntry) {
    self.entry = entry
    super.init()
  }

  package override var typeName: String { "MacroGenerator" }
  package override var isCallable: Bool { true }

  package override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard let context = interpreter.host as? NodeContext else {
      preconditionFailure("a macro was called outside of a node's context")
    }
    return try context.call(entry, arguments)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    name == "name" ? .string(entry.macro.name) : nil
  }
}

/// A package's macros: `dbt_utils.star`.
package final class NamespaceObject: MappingObject {
  private let name: String
  private unowned let thread: RenderingThread

  init(_ name: String, _ thread: RenderingThread) {
    self.name = name
    self.thread = thread
    super.init()
  }

  package override var isTrue: Bool { true }
  package override var keys: [String] { thread.workspace.macros.members(of: name) }

  package override func member(
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    macro(Symbol(name), interpreter)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    // The hot one: a macro by its name.
    if let value = macro(name, interpreter) { return value }
    return try super.attribute(name, interpreter)
  }

  private func macro(_ name: Symbol, _ interpreter: Interpreter) -> Value? {
    if thread.hasMemberOverrides, let context = interpreter.host as? NodeContext,
      let value = context.memberOverrides[self.name]?[name]
    {
      return value
    }
    return thread.workspace.macros.member(name, of: self.name).map { thread.value(of: $0) }
  }
}

/// `context` and `builtins`: the names of the context as a dictionary.
package final class ContextDictionary: MappingObject {
  private unowned let context: NodeContext
  private let builtinsOnly: Bool

  init(_ context: NodeContext, builtinsOnly: Bool) {
    self.context = context
    self.builtinsOnly = builtinsOnly
    super.init()
  }

  package override var isTrue: Bool { true }
  package override var keys: [String] { context.names(builtinsOnly: builtinsOnly) }

  package override func member(
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    builtinsOnly ? context.builtin(Symbol(name)) : context.lookup(Symbol(name))
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard name.name == "update" else { return try super.attribute(name, interpreter) }
    // Macros of one node hand each other values this way.
    return .function("update") { [unowned self] arguments, interpreter throws(TemplateError) in
      if case .dict(let given)? = arguments.positional.first {
        for (key, value) in given.pairs {
          if let name = key.asString { context.define(Symbol(name), value) }
        }
      }
      for (name, value) in arguments.keyword { context.define(Symbol(name), value) }
      return .none
    }
  }

  /// The context holds itself, so its members are not shown.
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    builtinsOnly ? "<builtins>" : "<context>"
  }
}

/// `var('name', default)`.
package final class VariableObject: Object {
  private unowned let context: NodeContext

  init(_ context: NodeContext) {
    self.context = context
    super.init()
  }

  package override var typeName: String { "Var" }
  package override var isCallable: Bool { true }

  package override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let bound = try CallArguments("var", arguments, ["var_name", "default"], required: 1)
    let name = try bound.string(0)
    let vars = context.variables
    guard let value = vars[name] else {
      if let fallback = bound[1] { return fallback }
      // While the project is read, a missing variable is not yet an error: the branch that asks for
      // it may never be run.
      if !context.isExecuting, !context.requiresVariables { return .none }
      let owner = context.currentNode.map(\.name) ?? "<Configuration>"
      throw .compilation(
        "Required var '\(name)' not found in config:\n"
          + "Vars supplied to \(owner) = \(vars.listing)",
        hint: Spelling.nearest(to: name, among: vars.keys).map { "did you mean '\($0)'?" }
          ?? "give it under 'vars:' in dbt_project.yml, with --vars, or as default: "
          + "var('\(name)', …)"
      )
    }
    if case .string(let text) = value { return .string(try context.render(text: text)) }
    return Value(value)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    guard name == "has_var" else { return nil }
    return .function("has_var") { [unowned context] arguments, _ in
      let name = arguments.positional.first?.asString ?? ""
      return .bool(context.variables[name] != nil)
    }
  }
}

extension NodeContext {
  /// Naming macros run while the project is read, but with the run-time rule for variables.
  var requiresVariables: Bool { (self as? ParseContext)?.isNaming ?? false }
}
