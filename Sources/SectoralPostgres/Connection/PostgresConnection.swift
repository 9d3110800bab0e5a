internal import CPostgres
package import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A connection to a Postgres server, or to one that speaks its protocol.
///
/// It belongs to one thread at a time; every call blocks until the server has answered. Only the
/// `canceller` may be used from other threads.
package final class PostgresConnection: WarehouseConnection {
  /// What the connection is for.
  package let name: String
  package var canceller: any StatementCanceller { statementCanceller }

  /// Whether a `BEGIN` goes out before the next statement.
  ///
  /// dbt's driver sends one before the first statement of a connection and takes no notice of a
  /// `COMMIT` that is sent as text: what follows that commit runs in autocommit mode. So this is
  /// set when the connection is opened (unless the profile says `autocommit`), and never again
  /// before `resetSession()`.
  package private(set) var beginsBeforeNextStatement: Bool

  let statementCanceller: PostgresCanceller
  /// nil after `close()`.
  private(set) var handle: OpaquePointer?
  private let credentials: PostgresCredentials
  private let notices: Unmanaged<NoticeSink>
  private var knownTypes: [UInt32: PostgresType] = [:]
  /// What makes the session as good as a new one; it goes with the next text.
  private var owed: [String] = []
  /// Whether all that was sent since the session was new can be undone by a ROLLBACK.
  var isUndoable = true
  /// What a new session is told before anything else.
  private var preparation: [String] = []

  /// Connects, once.
  package init(
    credentials: PostgresCredentials,
    name: String,
    onNotice: (@Sendable (PostgresNotice, String) -> Void)? = nil
  ) throws(WarehouseError) {
    try Self.loadLibrary()
    let notices = Unmanaged.passRetained(NoticeSink(connection: name, handler: onNotice))
    let handle: OpaquePointer
    do throws(WarehouseError) {
      handle = try Self.connect(credentials, notices: notices)
    } catch {
      notices.release()
      throw error
    }
    self.name = name
    self.credentials = credentials
    self.notices = notices
    self.handle = handle
    statementCanceller = PostgresCanceller(connection: handle)
    beginsBeforeNextStatement = !credentials.autocommit
    do throws(WarehouseError) {
      try prepareSession()
    } catch {
      close()
      throw error
    }
  }

  deinit {
    close()
    notices.release()
  }

  package func close() {
    guard let handle else { return }
    statementCanceller.close()
    cpq_finish(handle)
    self.handle = nil
  }

  package var isInTransaction: Bool {
    guard let handle else { return false }
    switch Int(cpq_transaction_status(handle)) {
    case CPQ_TRANSACTION_ACTIVE, CPQ_TRANSACTION_OPEN, CPQ_TRANSACTION_FAILED: return true
    default: return false
    }
  }

  /// Whether the server can still be reached, as far as is known.
  package var isOpen: Bool {
    guard let handle else { return false }
    return Int(cpq_status(handle)) == CPQ_CONNECTION_OK
  }

  /// The process id of the server's end, as in `pg_stat_activity.pid`.
  package var serverProcess: Int? { handle.map { Int(cpq_backend_pid($0)) } }

  /// 150004 for 15.4.
  package var serverVersion: Int? { handle.map { Int(cpq_server_version($0)) } }

  package func execute(
    _ sql: String,
    fetch: Bool,
    limit: Int?
  ) throws(WarehouseError)
    -> (response: AdapterResponse, table: ResultTable)
  {
    let result = execute(together: [sql], fetch: fetch, limit: limit)
    if let failure = result.failure { throw failure }
    guard let response = result.responses.last else {
      preconditionFailure("a text without an answer is a failure")
    }
    return (response, result.table)
  }

  package func execute(together texts: [String], fetch: Bool, limit: Int?) -> MessageResult {
    var result = MessageResult()
    var lead = 0
    do throws(WarehouseError) {
      try beginIfDue()
      lead = owed.count
      let outcome = try run(Message(owed + texts), fetch: fetch, limit: limit) { answered in
        if answered.count >= lead { owed = [] }
        result.responses = Array(answered.dropFirst(lead))
      }
      note(texts)
      if fetch, !outcome.columns.isEmpty { result.table = try table(of: outcome) }
    } catch {
      note(texts)
      result.failure = error
      result.failure?.part = error.part.map { $0 - lead }
    }
    return result
  }

  /// The rows as templates are to see them, with the names of their types.
  private func table(of outcome: Outcome) throws(WarehouseError) -> ResultTable {
    let types = try types(outcome.columns.map(\.type))
    let columns = zip(outcome.columns, types).map { column, type in
      ResultColumn(name: column.name, kind: type.kind, typeName: type.name)
    }
    var rows = outcome.rows
    for (column, type) in types.enumerated() {
      guard let form = type.form else { continue }
      for row in rows.indices {
        if let cell = rows[row][column] { rows[row][column] = form.rewrite(cell) }
      }
    }
    return ResultTable(columns: columns, rows: rows)
  }

  /// Leaves an open transaction, if there is one.
  package func rollback() throws(WarehouseError) {
    if isInTransaction { _ = try run("ROLLBACK", fetch: false, limit: nil) }
  }

  /// Left to the next text: it saves the way there and back.
  ///
  /// Within a transaction that is left, settings, temporary tables and all else are undone with it; what
  /// is not are locks that functions take for the session.
  package func resetSession() throws(WarehouseError) {
    guard isOpen, let version = serverVersion else {
      throw WarehouseError(kind: .lost, message: "the connection is closed")
    }
    guard version >= 90_000 else {
      throw WarehouseError(kind: .statement, message: "the server knows no DISCARD")
    }
    // A reset that was owed and never came about is owed still.
    let wasReset = owed.isEmpty
    let locks = "SELECT pg_catalog.pg_advisory_unlock_all()"
    // DISCARD ALL in its parts, which can go with other statements. Plans need not be thrown away.
    let parts =
      isUndoable && wasReset
      ? [locks]
      : [
        "SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "DEALLOCATE ALL", "CLOSE ALL",
        "UNLISTEN *", locks, "DISCARD TEMP", "DISCARD SEQUENCES",
      ] + preparation
    // In a transaction of its own: it is not to be undone with the next node's, nor to be that one's
    // first statement.
    owed = (isInTransaction ? ["ROLLBACK"] : []) + ["BEGIN"] + parts + ["COMMIT"]
    isUndoable = true
    beginsBeforeNextStatement = !credentials.autocommit
  }

  package func settleSession() throws(WarehouseError) {
    guard !owed.isEmpty else { return }
    _ = try run(Message(owed), fetch: false, limit: nil)
    owed = []
  }

  /// Whether something came from the server that nobody asked for: it may have ended the session.
  package var isDoubtful: Bool {
    guard let handle else { return true }
    var descriptor = pollfd(fd: cpq_socket(handle), events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) != 0
  }

  func beginIfDue() throws(WarehouseError) {
    guard beginsBeforeNextStatement else { return }
    try settleSession()
    _ = try run("BEGIN", fetch: false, limit: nil)
    beginsBeforeNextStatement = false
  }

  /// Looks at what was sent: whether it ended a transaction.
  private func note(_ texts: [String]) {
    guard isUndoable else { return }
    isUndoable = isInTransaction && texts.allSatisfy { Self.staysInTransaction($0) }
  }

  /// `commit`, and `end and chain`.
  private static let endings = [Array("commit".utf8), Array("chain".utf8)]

  /// Whether a text surely ends no transaction: one statement without such words in it.
  private static func staysInTransaction(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      var end = bytes.count
      while end > 0, bytes[end - 1] <= 32 || bytes[end - 1] == UInt8(ascii: ";") { end -= 1 }
      for index in 0..<end {
        // A semicolon before the end may stand before a second statement.
        if bytes[index] == UInt8(ascii: ";") { return false }
        guard bytes[index] | 0x20 == UInt8(ascii: "c") else { continue }
        for word in endings where index + word.count <= end {
          if word.indices.allSatisfy({ bytes[index + $0] | 0x20 == word[$0] }) { return false }
        }
      }
      return true
    }
  }
}

// MARK: - Opening

extension PostgresConnection {
  private static func loadLibrary() throws(WarehouseError) {
    var words = [CChar](repeating: 0, count: 512)
    guard cpq_load(&words, words.count) == 0 else {
      throw .missingLibrary(String(nulTerminated: words))
    }
  }

  private static func connect(
    _ credentials: PostgresCredentials,
    notices: Unmanaged<NoticeSink>
  ) throws(WarehouseError) -> OpaquePointer {
    let parameters = credentials.connectionParameters
    for (keyword, value) in parameters where value.utf8.contains(0) {
      throw .unavailable(
        "`\(keyword)` holds a NUL character",
        hint: "remove it from the profile's output"
      )
    }
    let keywords = CStringList(parameters.map(\.keyword))
    let values = CStringList(parameters.map(\.value))
    guard let handle = cpq_connect_start(keywords.pointers, values.pointers) else {
      throw .unavailable("out of memory", hint: "close other programs and try again")
    }
    // At once: without it libpq prints every notice on stderr.
    _ = cpq_set_notice_receiver(handle, NoticeSink.receiver, notices.toOpaque())
    _ = cpq_set_error_verbosity(handle, Int32(CPQ_ERRORS_VERBOSE))
    let failure = waitUntilConnected(handle, timeout: credentials.connectTimeout)
    guard let failure else {
      _ = cpq_set_error_verbosity(handle, Int32(CPQ_ERRORS_DEFAULT))
      return handle
    }
    let needsPassword = cpq_needs_password(handle) == 1
    cpq_finish(handle)
    throw WarehouseError(
      connecting: failure,
      needsPassword: needsPassword,
      credentials: credentials
    )
  }

  /// - Returns: libpq's words when it failed.
  private static func waitUntilConnected(_ handle: OpaquePointer, timeout: Int) -> String? {
    func words() -> String { cpq_error_message(handle).map { String(cString: $0) } ?? "" }
    guard Int(cpq_status(handle)) != CPQ_CONNECTION_BAD else { return words() }
    let clock = ContinuousClock()
    // As libpq does, not less than two seconds.
    let deadline = timeout > 0 ? clock.now.advanced(by: .seconds(max(timeout, 2))) : nil
    var stage = CPQ_POLLING_WRITING
    while stage != CPQ_POLLING_OK {
      if stage == CPQ_POLLING_FAILED { return words() }
      let events = stage == CPQ_POLLING_READING ? POLLIN : POLLOUT
      var descriptor = pollfd(fd: cpq_socket(handle), events: Int16(events), revents: 0)
      var patience: Int32 = -1
      if let deadline {
        let left = clock.now.duration(to: deadline)
        guard left > .zero else {
          return "\(words().trimmingEnd())\ntimeout expired after \(timeout) seconds"
        }
        patience = Int32(clamping: left.components.seconds * 1000) + 999
      }
      let ready = poll(&descriptor, 1, patience)
      if ready > 0 { stage = Int(cpq_connect_poll(handle)) }
    }
    return nil
  }

  /// Gives a new session what dbt's driver gives it: dates in ISO form, and the profile's role.
  private func prepareSession() throws(WarehouseError) {
    if let handle, let style = cpq_parameter_status(handle, "DateStyle"),
      !String(cString: style).hasPrefix("ISO")
    {
      preparation.append("SET DATESTYLE TO 'ISO'")
    }
    if let role = credentials.role, !role.isEmpty { preparation.append("set role \(role)") }
    preparation += credentials.preparation
    guard !preparation.isEmpty else { return }
    do throws(WarehouseError) {
      _ = try run(Message(preparation), fetch: false, limit: nil)
    } catch {
      var refused = error
      refused.kind = .connection
      refused.hint = refused.hint ?? "check `role` of the profile's output"
      throw refused
    }
  }
}

// MARK: - Statements

extension PostgresConnection {
  /// What came back for a text, before types have names.
  struct Outcome {
    var response = AdapterResponse(message: "", code: "", rowsAffected: -1)
    var columns: [(name: String, type: UInt32)] = []
    var rows: [[String?]] = []
    var rowCount = 0
  }

  /// Sends a text and reads all its results; the last one counts.
  func run(_ sql: String, fetch: Bool, limit: Int?) throws(WarehouseError) -> Outcome {
    try run(Message([sql]), fetch: fetch, limit: limit)
  }

  /// `answered`: told what the server said to the message's parts, all of them or those before the one
  /// that failed.
  func run(
    _ message: Message,
    fetch: Bool,
    limit: Int?,
    answered: ([AdapterResponse]) -> Void = { _ in }
  ) throws(WarehouseError) -> Outcome {
    let handle = try send(message.text)
    // Rows that are not kept are not collected by libpq either.
    if !fetch || limit != nil { _ = cpq_set_single_row_mode(handle) }
    var reader = ResultReader(sql: message.text, fetch: fetch, limit: limit)
    while let result = cpq_get_result(handle) {
      reader.read(result, of: handle)
      cpq_clear(result)
    }
    let last = message.parts.count - 1
    let responses = reader.responses
    do throws(WarehouseError) {
      try finish(message.text, failure: reader.failure)
    } catch {
      answered(Array(responses.prefix(last)))
      throw message.narrowed(error, answered: responses.count)
    }
    guard !reader.isEmptyQuery, responses.count > last else {
      answered(Array(responses.prefix(last)))
      var error = WarehouseError(
        kind: .statement,
        message: "can't execute an empty query",
        hint: "the text holds nothing but blanks and comments",
        sql: message.parts[last]
      )
      error.part = last
      throw error
    }
    answered(responses.prefix(last) + responses.suffix(1))
    return reader.outcome
  }

  /// Sends a text, which from here on can be cancelled. To be followed by `finish`.
  func send(_ sql: String) throws(WarehouseError) -> OpaquePointer {
    guard let handle else {
      throw WarehouseError(kind: .lost, message: "the connection is closed", sql: sql)
    }
    guard !sql.utf8.contains(0) else {
      throw WarehouseError(
        kind: .statement,
        message: "the statement holds a NUL character",
        hint: "Postgres has no text with NUL characters: remove it",
        sql: sql
      )
    }
    statementCanceller.statementBegins()
    guard cpq_send_query(handle, sql) == 1 else {
      _ = statementCanceller.statementEnded()
      throw lost(sql)
    }
    return handle
  }

  /// Ends what `send` began, and throws what went wrong.
  func finish(_ sql: String, failure: WarehouseError?) throws(WarehouseError) {
    let wasCancelled = statementCanceller.statementEnded()
    guard var failure else {
      if !isOpen { throw lost(sql) }
      return
    }
    if wasCancelled, failure.sqlState == "57014" {
      failure.kind = .cancelled
    } else if !isOpen {
      failure.kind = .lost
    }
    throw failure
  }

  func lost(_ sql: String) -> WarehouseError {
    WarehouseError(
      libraryWords: handle.flatMap { cpq_error_message($0) }.map { String(cString: $0) } ?? "",
      kind: .lost,
      sql: sql
    )
  }

  /// Names and kinds of types; unknown ones are asked for once per connection.
  private func types(_ oids: [UInt32]) throws(WarehouseError) -> [PostgresType] {
    let unknown = Set(oids).filter { PostgresType.builtIn[$0] == nil && knownTypes[$0] == nil }
    if !unknown.isEmpty {
      let list = unknown.sorted().map(String.init).joined(separator: ", ")
      let found = try run(
        "select oid, typname from pg_catalog.pg_type where oid in (\(list))",
        fetch: true,
        limit: nil
      )
      for row in found.rows {
        if let oid = row[0].flatMap({ UInt32($0) }), let name = row[1] {
          knownTypes[oid] = PostgresType(name: name, kind: .text)
        }
      }
    }
    return oids.map { oid in
      PostgresType.builtIn[oid] ?? knownTypes[oid] ?? PostgresType(name: String(oid), kind: .text)
    }
  }
}

/// Collects the results of one text.
private struct ResultReader {
  let sql: String
  let fetch: Bool
  let limit: Int?
  var outcome = PostgresConnection.Outcome()
  /// The first thing that went wrong; the server runs nothing after it.
  var failure: WarehouseError?
  var isEmptyQuery = false
  /// What the server said to each statement so far.
  var responses: [AdapterResponse] = []
  /// Whether rows of a result came already that is not complete.
  private var isAmongRows = false

  init(sql: String, fetch: Bool, limit: Int?) {
    self.sql = sql
    self.fetch = fetch
    self.limit = limit
  }

  mutating func read(_ result: OpaquePointer, of connection: OpaquePointer) {
    switch Int(cpq_result_status(result)) {
    case CPQ_SINGLE_TUPLE:
      readRows(result)
      isAmongRows = true
    case CPQ_TUPLES_OK:
      readRows(result)
      isAmongRows = false
      outcome.response = Self.response(to: result, rows: outcome.rowCount)
      responses.append(outcome.response)
    case CPQ_COMMAND_OK:
      outcome = PostgresConnection.Outcome()
      outcome.response = Self.response(to: result, rows: nil)
      responses.append(outcome.response)
    case CPQ_EMPTY_QUERY:
      isEmptyQuery = true
    case CPQ_COPY_IN:
      _ = cpq_put_copy_end(connection, "no data is sent here")
      fail(
        "COPY … FROM STDIN gets no data here",
        hint: "load files through `sectoral seed`, or copy from a file that the server can read"
      )
    case CPQ_COPY_OUT, CPQ_COPY_BOTH:
      var buffer: UnsafeMutablePointer<CChar>?
      while cpq_get_copy_data(connection, &buffer) > 0 { cpq_free_memory(buffer) }
      fail(
        "COPY … TO STDOUT has nowhere to write to here",
        hint: "copy to a file of the server, or use `sectoral show`"
      )
    default:
      if failure == nil { failure = WarehouseError(result: result, sql: sql) }
    }
  }

  private mutating func fail(_ message: String, hint: String) {
    if failure == nil {
      failure = WarehouseError(kind: .statement, message: message, hint: hint, sql: sql)
    }
  }

  private mutating func readRows(_ result: OpaquePointer) {
    let columnCount = cpq_column_count(result)
    if !isAmongRows {
      outcome = PostgresConnection.Outcome()
      outcome.columns = (0..<columnCount).map { column in
        let name = cpq_column_name(result, column).map { String(cString: $0) } ?? ""
        return (name, cpq_column_type(result, column))
      }
    }
    let rowCount = cpq_row_count(result)
    outcome.rowCount += Int(rowCount)
    guard fetch else { return }
    for row in 0..<rowCount {
      if let limit, outcome.rows.count >= limit { return }
      var cells: [String?] = []
      cells.reserveCapacity(Int(columnCount))
      for column in 0..<columnCount {
        cells.append(Self.cell(result, row: row, column: column))
      }
      outcome.rows.append(cells)
    }
  }

  private static func cell(_ result: OpaquePointer, row: Int32, column: Int32) -> String? {
    guard cpq_is_null(result, row, column) == 0, let text = cpq_value(result, row, column) else {
      return nil
    }
    let count = Int(cpq_value_length(result, row, column))
    return text.withMemoryRebound(to: UInt8.self, capacity: count) {
      String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
    }
  }

  // `rows`: for results with rows, whose count is what came, whatever the tag says.
  private static func response(to result: OpaquePointer, rows: Int?) -> AdapterResponse {
    let tag = cpq_command_tag(result).map { String(cString: $0) } ?? ""
    let affected = cpq_affected_rows(result).flatMap { Int(String(cString: $0)) }
    let words = tag.split(separator: " ").filter { !$0.allSatisfy(\.isNumber) }
    return AdapterResponse(
      message: tag,
      code: words.joined(separator: " "),
      rowsAffected: rows ?? affected ?? -1
    )
  }
}

// MARK: - Helpers

/// Where the notices of a connection go.
final class NoticeSink {
  private let connection: String
  private let handler: (@Sendable (PostgresNotice, String) -> Void)?

  init(connection: String, handler: (@Sendable (PostgresNotice, String) -> Void)?) {
    self.connection = connection
    self.handler = handler
  }

  /// What libpq calls; the argument is an unretained sink.
  static let receiver: cpq_notice_receiver = { argument, result in
    guard let argument, let result else { return }
    let sink = Unmanaged<NoticeSink>.fromOpaque(argument).takeUnretainedValue()
    guard let handler = sink.handler else { return }
    func field(_ code: Int) -> String? {
      cpq_result_error_field(result, Int32(code)).map { String(cString: $0) }
    }
    let notice = PostgresNotice(
      severity: field(CPQ_DIAG_SEVERITY) ?? "",
      message: field(CPQ_DIAG_MESSAGE_PRIMARY) ?? "",
      sqlState: field(CPQ_DIAG_SQLSTATE),
      detail: field(CPQ_DIAG_MESSAGE_DETAIL),
      hint: field(CPQ_DIAG_MESSAGE_HINT)
    )
    handler(notice, sink.connection)
  }
}

/// Copies of texts as C wants them: an array of pointers that ends with NULL.
final class CStringList {
  private let owned: [UnsafeMutablePointer<CChar>?]
  let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>

  init(_ texts: [String]) {
    owned = texts.map { strdup($0) }
    pointers = .allocate(capacity: texts.count + 1)
    for (index, text) in owned.enumerated() {
      (pointers + index).initialize(to: UnsafePointer(text))
    }
    (pointers + texts.count).initialize(to: nil)
  }

  deinit {
    for text in owned { free(text) }
    pointers.deallocate()
  }
}

extension String {
  /// Up to the first NUL.
  init(nulTerminated characters: [CChar]) {
    let bytes = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    self = String(decoding: bytes, as: UTF8.self)
  }
}
