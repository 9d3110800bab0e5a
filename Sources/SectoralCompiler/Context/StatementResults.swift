package import SectoralJinja
import SectoralPython
package import SectoralWarehouse

/// What `store_result` keeps for `load_result`: the results of a node's statements by name.
package final class StatementResults {
  private var results: [String: Value] = [:]
  private var loaded: Set<String> = []
  private var tables: [String: TableObject] = [:]
  private var main: Value?
  private var queryResponse: Value?
  /// The response of the statement `main`, which becomes the node's result; nil where a macro stored
  /// something of its own.
  package var mainResponse: AdapterResponse? {
    main?.object(ResponseObject.self)?.answer.response
  }

  package init() {}

  /// Whether a materialization stored the result that every materialization owes.
  package var hasMain: Bool { results["main"] != nil }

  func store(_ name: String, response: Value, table: TableObject) {
    results[name] = .object(StoredResult(response: response, table: table))
    tables[name] = table
    loaded.remove(name)
    if name == "main" { main = response }
    if name == "run_query_statement" { queryResponse = response }
  }

  /// What the server said to the last `run_query`; nil where it was not ours, or was not run yet.
  var lastQueryResponse: AdapterResponse? {
    queryResponse?.object(ResponseObject.self)?.answer.response
  }

  /// The response of `main` as Python's `str` gives it: the node's message.
  func mainMessage(_ interpreter: Interpreter) throws(TemplateError) -> String? {
    guard let main else { return nil }
    // No message where the server carried it out and the answer was lost.
    if let response = main.object(ResponseObject.self) { return response.answer.response?.message }
    return try interpreter.string(main)
  }

  /// The server's rows of a stored result; nil when there is no such result.
  package func table(_ name: String) -> ResultTable? { tables[name]?.result }

  /// A result is given once; only `main` may be read again.
  func load(_ name: String) throws(TemplateError) -> Value {
    guard let result = results[name] else { return .none }
    guard name != "main" else { return result }
    guard loaded.insert(name).inserted else {
      throw .compilation(
        "The 'statement' result named '\(name)' has already been loaded into a variable",
        hint: "keep it: {% set result = load_result('\(name)') %}"
      )
    }
    return result
  }
}

/// What `load_result` gives: `response`, `table`, and `data`, the rows as tuples.
private final class StoredResult: MappingObject {
  private let response: Value
  private let table: TableObject
  /// Made when asked for: a seed may have a million rows.
  private lazy var data = Value.list(table.dataRows())

  init(response: Value, table: TableObject) {
    self.response = response
    self.table = table
    super.init()
  }

  override var keys: [String] { ["response", "data", "table"] }

  override func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    switch name {
    case "response": response
    case "data": data
    case "table": .object(table)
    default: nil
    }
  }
}

/// `load_result('main').response`: what the server said, printed as its message.
package final class ResponseObject: Object {
  package let answer: StatementAnswer
  /// Sends the statement if it still waits.
  private let flush: () throws(WarehouseError) -> Void

  package init(
    _ answer: StatementAnswer,
    flush: @escaping () throws(WarehouseError) -> Void = { () throws(WarehouseError) in }
  ) {
    self.answer = answer
    self.flush = flush
    super.init()
  }

  package convenience init(_ response: AdapterResponse) { self.init(StatementAnswer(response)) }

  /// What was said; a statement that waits is sent for it.
  package func response() throws(TemplateError) -> AdapterResponse {
    if let response = answer.response { return response }
    do throws(WarehouseError) { try flush() } catch { throw .warehouse(error) }
    guard let response = answer.response else {
      throw .runtime("the statement was not run: its transaction ended before")
    }
    return response
  }

  package override var typeName: String { "AdapterResponse" }
  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try response().message
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let response = try response()
    let message = try interpreter.repr(.string(response.message))
    let code = try interpreter.repr(.string(response.code))
    return "AdapterResponse(_message=\(message), code=\(code), "
      + "rows_affected=\(response.rowsAffected), query_id=None)"
  }
  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "_message", "message": .string(try response().message)
    case "code": .string(try response().code)
    case "rows_affected": .int(try response().rowsAffected)
    case "query_id": Value.none
    default: nil
    }
  }
}

/// The functions `store_result`, `store_raw_result` and `load_result`.
enum ResultFunctions {
  @Sendable static func storeResult(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "store_result",
      arguments,
      ["name", "response", "agate_table"],
      required: 2
    )
    interpreter.contextHost.results.store(
      try arguments.string(0),
      response: arguments.value(1),
      table: try table(arguments, 2)
    )
    return .string("")
  }

  @Sendable static func storeRawResult(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments(
      "store_raw_result",
      arguments,
      ["name", "message", "code", "rows_affected", "agate_table"],
      required: 1
    )
    let rows: Int
    switch arguments.value(3) {
    case .string(let text): rows = Int(text) ?? -1
    case let value: rows = value.pythonInt ?? -1
    }
    let response = ResponseObject(
      AdapterResponse(
        message: try arguments.optional(1).map { value throws(TemplateError) in
          try interpreter.string(value)
        } ?? "",
        code: try arguments.optional(2).map { value throws(TemplateError) in
          try interpreter.string(value)
        } ?? "",
        rowsAffected: rows
      )
    )
    interpreter.contextHost.results.store(
      try arguments.string(0),
      response: .object(response),
      table: try table(arguments, 4)
    )
    return .string("")
  }

  @Sendable static func loadResult(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let name = try CallArguments("load_result", arguments, ["name"], required: 1).string(0)
    return try interpreter.contextHost.results.load(name)
  }

  private static func table(
    _ arguments: CallArguments,
    _ index: Int
  ) throws(TemplateError)
    -> TableObject
  {
    guard let value = arguments.optional(index) else { return TableObject(ResultTable()) }
    guard let table = value.object(TableObject.self) else {
      throw .typeError(
        "\(arguments.function)(): 'agate_table' must be a table, not \(value.typeName)"
      )
    }
    return table
  }
}
