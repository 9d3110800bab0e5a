package import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// `adapter`: what templates may ask the database and its dialect.
///
/// While a project is read nothing reaches the database: such methods then give a constant.
package final class AdapterObject: Object {
  package let adapterType: String
  /// The methods that were asked for: each is made once, for all nodes of the thread.
  private var known: [Symbol: Value] = [:]

  package init(_ adapterType: String) {
    self.adapterType = adapterType
    super.init()
  }

  package override var typeName: String { "RuntimeDatabaseWrapper" }

  /// A method: what it does when it runs, and what it gives while a project is read.
  struct Method: Sendable {
    enum WhileReading: Sendable {
      case runs, nothing
      case bool(Bool)
      case emptyList, noResult, noCursor
    }

    let whileReading: WhileReading
    let body: @Sendable (AdapterCall) throws(TemplateError) -> Value

    init(
      _ whileReading: WhileReading = .runs,
      _ body: @escaping @Sendable (AdapterCall) throws(TemplateError) -> Value
    ) {
      self.whileReading = whileReading
      self.body = body
    }
  }

  private static let methods: [String: Method] =
    AdapterCall.dialectMethods
    .merging(AdapterCall.relationMethods) { $1 }
    .merging(AdapterCall.statementMethods) { $1 }
    .merging(AdapterCall.snapshotMethods) { $1 }
    .merging(AdapterCall.swapMethods) { $1 }
    .merging(AdapterCall.stagingMethods) { $1 }

  /// Methods that send what waits when they need it.
  private static let lazyMethods: Set<String> = Set(AdapterCall.dialectMethods.keys).union([
    "execute", "commit", "rename_relation", "drop_relation", "swap_relation",
    "replace_view", "prepare_staging", "announce_main", "drop_without_cascade", "use_show_apis",
    "use_grants_extended",
  ])
  /// Methods that only look into the cache.
  private static let cacheMethods: Set<String> = ["get_relation", "already_exists"]

  private static let redshiftMethods: [String: Method] =
    AdapterCall.redshiftMethods.merging(AdapterCall.seedMethods) { $1 }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    if let known = known[name] { return known }
    let text = name.name
    switch text {
    case "Relation": return .object(RelationClass(adapterType))
    case "Column": return .object(ColumnClass(adapterType))
    case "behavior": return .object(BehaviorObject(interpreter.contextHost.invocation))
    case "config": return .object(AdapterConfigObject(interpreter.contextHost.invocation))
    default: break
    }
    guard
      let method = Self.methods[text]
        ?? (adapterType == "redshift" ? Self.redshiftMethods[text] : nil)
    else { return nil }
    if text == "parse_index", adapterType == "redshift" { return nil }
    let function = function(text, method)
    known[name] = function
    return function
  }

  private func function(_ name: String, _ method: Method) -> Value {
    let adapterType = adapterType
    let sendsWhatWaits = !Self.lazyMethods.contains(name)
    let asksCache = Self.cacheMethods.contains(name)
    return .function(name) { arguments, interpreter throws(TemplateError) in
      if !interpreter.contextHost.isExecuting {
        switch method.whileReading {
        case .runs: break
        case .nothing: return Value.none
        case .bool(let bool): return .bool(bool)
        case .emptyList: return .list([])
        case .noResult: return .tuple([.string(""), .object(TableObject(ResultTable()))])
        case .noCursor: return .tuple([.none, .none])
        }
      }
      let call = AdapterCall(
        name: name,
        adapterType: adapterType,
        arguments: arguments,
        interpreter: interpreter
      )
      if sendsWhatWaits, let session = call.host.session, session.hasAfterwards || !asksCache {
        try call.onWarehouse { (session) throws(WarehouseError) in try session.flush() }
      }
      return try method.body(call)
    }
  }
}

/// One call of an adapter's method.
struct AdapterCall {
  let name: String
  let adapterType: String
  let arguments: Arguments
  let interpreter: Interpreter

  var host: any ContextHost { interpreter.contextHost }

  func bound(_ parameters: [String], required: Int? = nil) throws(TemplateError) -> CallArguments {
    try CallArguments(name, arguments, parameters, required: required ?? parameters.count)
  }

  func session() throws(TemplateError) -> WarehouseSession {
    guard let session = host.session else {
      throw .runtime(
        "adapter.\(name)() needs a connection to the database, and there is none here",
        hint: "put the call behind {% if execute %}"
      )
    }
    return session
  }

  /// Runs something on the connection; the database's error becomes the template's.
  func onWarehouse<Result>(
    _ body: (WarehouseSession) throws(WarehouseError) -> Result
  )
    throws(TemplateError) -> Result
  {
    let session = try session()
    do throws(WarehouseError) {
      return try body(session)
    } catch {
      throw .warehouse(error)
    }
  }

  /// Changes the cache when the statements that were asked for have been run.
  func onceRun(_ change: @escaping (RelationCache) -> Void) throws(TemplateError) {
    guard let session = host.session else { return }
    session.afterwards { [cache = session.cache] in change(cache) }
  }

  /// Calls the macro that does the work in SQL.
  func callMacro(
    _ macro: String,
    _ keyword: [(name: String, value: Value)]
  )
    throws(TemplateError) -> Value
  {
    guard let value = try host.callMacro(macro, Arguments([], keyword: keyword), interpreter)
    else {
      throw .compilation("adapter.\(name)() needs the macro '\(macro)', which was not found")
    }
    return value
  }

  func table(_ value: Value, from macro: String) throws(TemplateError) -> TableObject {
    guard let table = value.object(TableObject.self) else {
      throw .compilation(
        "the macro '\(macro)' must return a table, not \(value.typeName)",
        hint: "end it with {{ return(run_query(…)) }} or load_result(…).table"
      )
    }
    return table
  }

  func relation(_ value: Value, _ parameter: String) throws(TemplateError) -> RelationObject {
    guard let relation = value.object(RelationObject.self) else {
      throw .compilation(
        "'adapter.\(name)' expects argument '\(parameter)' to be of type '<class "
          + "'dbt.adapters.\(adapterType).relation.\(RelationClass.name(adapterType))'>', "
          + "instead got \(try interpreter.string(value)) (<class '\(value.typeName)'>)"
      )
    }
    return relation
  }

  func object(_ relation: Relation) -> Value {
    .object(RelationObject(relation, adapterType: adapterType))
  }

  /// A relation by its path, quoted as the project quotes.
  func relation(database: String?, schema: String?, identifier: String?) -> Relation {
    Relation(
      database: database,
      schema: schema,
      identifier: identifier,
      quotePolicy: host.invocation.quoting,
      aliasesSubqueries: adapterType != "redshift"
    )
  }
}

/// `adapter.behavior`: flags of the project that change what adapters do.
final class BehaviorObject: ContextObject {
  private let invocation: Invocation

  init(_ invocation: Invocation) {
    self.invocation = invocation
    super.init()
  }

  override var typeName: String { "Behavior" }

  private static let defaults: [String: Bool] = [
    "require_batched_execution_for_custom_microbatch_strategy": false,
    "enable_truthy_nulls_equals_macro": false,
  ]
  private static let postgres = ["postgres_skip_autocommit_transaction_statements": true]
  private static let redshift = [
    "redshift_skip_autocommit_transaction_statements": false, "redshift_grants_extended": false,
  ]

  static func isOn(_ name: String, _ invocation: Invocation) -> Bool? {
    let own = invocation.adapterType == "redshift" ? redshift : postgres
    guard let fallback = defaults[name] ?? own[name] else { return nil }
    return invocation.behavior[name]?.bool ?? fallback
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard let isOn = Self.isOn(name.name, invocation) else {
      throw .compilation(
        "The flag \(name.name) has not be registered.",
        hint: "behaviour flags are set under 'flags:' in dbt_project.yml"
      )
    }
    return .object(BehaviorFlagObject(name.name, isOn))
  }
}

/// `adapter.behavior.some_flag`: true or false, with `no_warn` for the same without a message.
final class BehaviorFlagObject: ContextObject {
  private let name: String
  private let isOn: Bool

  init(_ name: String, _ isOn: Bool) {
    self.name = name
    self.isOn = isOn
    super.init()
  }

  override var typeName: String { "BehaviorFlagRendered" }
  override var isTrue: Bool { isOn }
  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "no_warn", "setting": .bool(isOn)
    case "name": .string(self.name)
    default: nil
    }
  }
}

/// `adapter.config`: the project's quoting and the connection's fields but for secrets.
final class AdapterConfigObject: ContextObject {
  private let invocation: Invocation

  init(_ invocation: Invocation) {
    self.invocation = invocation
    super.init()
  }

  override var typeName: String { "RuntimeConfig" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let target = invocation.target
    switch name.name {
    case "quoting":
      return .dict([
        ("database", .bool(invocation.quoting.database)),
        ("schema", .bool(invocation.quoting.schema)),
        ("identifier", .bool(invocation.quoting.identifier)),
      ])
    case "credentials": return .object(CredentialsObject(target))
    case "project_name": return .string(invocation.projectName)
    case "profile_name", "target_name", "threads":
      return target[name.name].map { Value($0) } ?? Value.none
    case "args": return Value(invocation.arguments)
    case "cli_vars": return invocation.arguments["vars"].map { Value($0) } ?? .dict([])
    default: return nil
    }
  }
}

private final class CredentialsObject: ContextObject {
  private let fields: DatumMap

  init(_ fields: DatumMap) {
    self.fields = fields
    super.init()
  }

  override var typeName: String { "Credentials" }
  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  { fields[name.name].map { Value($0) } }
}
