import SectoralJinja
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Synchronization
import Testing

@testable import SectoralCompiler

/// A template and what it should give.
struct Case: CustomTestStringConvertible, Sendable {
  let template: String
  let expected: String
  init(_ template: String, _ expected: String) {
    self.template = template
    self.expected = expected
  }
  var testDescription: String { template }
}

/// A host for templates of tests: macros are templates given as text, events are kept.
final class TestHost: ContextHost {
  var isExecuting = true
  let invocation: Invocation
  let threadName = "Thread-1 (worker)"
  var currentNode: CurrentNode? = CurrentNode(
    uniqueID: "model.shop.orders",
    resourceType: "model",
    name: "orders",
    originalFilePath: "models/orders.sql"
  )
  var allowsSecrets = false
  var session: WarehouseSession?
  var results = StatementResults()
  var environmentVariables: [String: String] = ["USER_NAME": "ada", "DBT_ENV_SECRET_KEY": "s3cret"]
  var events: [ContextEvent] = []
  var written: [String] = []
  var seed: SeedTable?
  /// Name to the text of the macro's template.
  var macros: [String: String] = [:]
  var calledMacros: [String] = []
  let base: BaseContext
  let environment: Environment
  lazy var interpreter = Interpreter(environment, host: self)

  init(
    adapterType: String = "postgres",
    quoting: NamePolicy = NamePolicy(),
    behavior: DatumMap = DatumMap()
  ) {
    invocation = Invocation(
      id: "0f0f0f0f-0000-4000-8000-000000000000",
      startedAt: 1_719_835_200_000_005,
      dbtVersion: "1.11.16",
      projectName: "shop",
      adapterType: adapterType,
      target: [
        "name": "dev", "schema": "public", "database": "db", "type": .string(adapterType),
        "threads": .int(4),
      ],
      flags: ["FULL_REFRESH": .bool(false), "WHICH": "run"],
      arguments: ["which": "run"],
      metadataEnvironment: ["TEAM": "data"],
      quoting: quoting,
      behavior: behavior
    )
    base = BaseContext(invocation, threadName: threadName)
    environment = Environment(Options(), filters: NativeRendering.textFilters)
  }

  func environmentVariable(_ name: String) -> String? { environmentVariables[name] }
  func emit(_ event: ContextEvent) throws(TemplateError) { events.append(event) }

  func callMacro(
    _ name: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    calledMacros.append(name)
    guard let text = macros[name] else { return nil }
    let template = try environment.compile(SourceFile(path: "macros/\(name).sql", text: text))
    guard let definition = template.definitions.first else { return nil }
    return try interpreter.invoke(
      definition,
      of: template,
      scope: base,
      arguments,
      label: "macro \(name)"
    )
  }

  func dispatch(
    _ name: String,
    namespace: String?,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  { .string("dispatched \(namespace ?? "-").\(name)") }

  func writeRunFile(_ text: String) throws(TemplateError) { written.append(text) }

  func swapSettings(dependents: [Relation]) -> SwapSettings { SwapSettings() }
  func builds(schema: String, table: String) -> Bool { false }
  func ownSetting(_ name: String) -> Datum? { nil }
  func loadSeed() throws(TemplateError) -> SeedTable {
    guard let seed else { throw .compilation("no seed here") }
    return seed
  }

  /// The text of a template.
  func render(_ text: String) throws(TemplateError) -> String {
    let template = try environment.compile(SourceFile(path: "test.sql", text: text))
    return try interpreter.render(template, scope: base)
  }

  /// The text, or the kind and message of the error.
  func outcome(_ text: String) -> String {
    do throws(TemplateError) {
      return try render(text)
    } catch {
      return "\(error.kind.rawValue): \(error.diagnostic.message)"
    }
  }

  var logged: [String] {
    events.map {
      switch $0 {
      case .log(let text, let info): "\(info ? "info" : "debug"): \(text)"
      case .print(let text): "print: \(text)"
      case .warning(let name, let text), .notice(let name, let text, _): "\(name): \(text)"
      }
    }
  }
}

/// A database that answers from a script and keeps what it was sent.
final class ScriptedWarehouse: Warehouse {
  let adapterType: String
  struct State {
    var sent: [String] = []
    var answers: [(contains: String, table: ResultTable)] = []
    var failures: [(contains: String, error: WarehouseError)] = []
    var copied: [UInt8] = []
  }
  let state = Mutex(State())

  init(adapterType: String = "postgres") { self.adapterType = adapterType }

  var sent: [String] { state.withLock { $0.sent } }

  func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    ScriptedConnection(self)
  }
}

private final class ScriptedConnection: WarehouseConnection {
  let warehouse: ScriptedWarehouse
  init(_ warehouse: ScriptedWarehouse) { self.warehouse = warehouse }

  func execute(
    _ sql: String,
    fetch: Bool,
    limit: Int?
  ) throws(WarehouseError) -> (
    response: AdapterResponse, table: ResultTable
  ) {
    let failure = warehouse.state.withLock { state in
      state.sent.append(sql)
      return state.failures.first { sql.contains($0.contains) }?.error
    }
    if let failure { throw failure }
    let table = warehouse.state.withLock { state in
      state.answers.first { sql.contains($0.contains) }?.table ?? ResultTable()
    }
    let response = AdapterResponse(
      message: "SELECT \(table.rows.count)",
      code: "SELECT",
      rowsAffected: table.rows.count
    )
    return (response, fetch ? table : ResultTable())
  }

  func copyIn(
    _ sql: String,
    next: () throws(WarehouseError) -> [UInt8]?
  ) throws(WarehouseError)
    -> Int
  {
    warehouse.state.withLock { $0.sent.append(sql) }
    var bytes: [UInt8] = []
    while let chunk = try next() { bytes += chunk }
    warehouse.state.withLock { $0.copied = bytes }
    return bytes.count { $0 == 10 }
  }

  var canceller: any StatementCanceller { NoCanceller() }
  var isInTransaction: Bool { false }
  var isUndoable: Bool { false }
  func resetSession() throws(WarehouseError) {
    warehouse.state.withLock { $0.sent.append("<reset>") }
  }
  func close() { warehouse.state.withLock { $0.sent.append("<closed>") } }
}

private struct NoCanceller: StatementCanceller {
  func cancel() {}
}
