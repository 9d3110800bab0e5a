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
  let credentials: PostgresCredentials
  private let notices: Unmanaged<NoticeSink>
  private var knownTypes: [UInt32: PostgresType] = [:]
  /// What makes the session as good as a new one; it goes with the next text.
  private var owed: [String] = []
  /// Whether all that was sent since the session was new can be undone by a ROLLBACK.
  package internal(set) var isUndoable = true
  /// Whether nothing that was sent since the session was new can have left a setting, a temporary table or
  /// the like in it: what a server without DISCARD needs to serve another node.
  private var isAsNew = true
  /// Redshift's alone; nil elsewhere.
  private var queryGroup: QueryGroup?
  /// What a new session is told before anything else.
  private var preparation: [String] = []
  /// What every transaction is told at its beginning: behind a pooler the next one comes to another
  /// session of the server.
  private var prelude: [String] = []
  /// The same for a statement outside of transactions, as far as it needs it.
  private var settings: [String] = []
  private var isPooled = false
  /// Asked while the connection is being opened: whether nobody waits for it any longer.
  private var isGivenUp: (@Sendable () -> Bool)?
  /// The number of the transaction that is open, once the server has told it.
  private var openTransaction: TransactionMark?

  /// Connects, once.
  ///
  /// `traits`: what is known of the server from other connections.
  /// `isCancelled`: Ctrl-C; the wait for the server ends within a tenth of a second of it.
  package init(
    credentials: PostgresCredentials,
    name: String,
    traits: ServerTraits = ServerTraits(),
    onNotice: (@Sendable (PostgresNotice, String) -> Void)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(WarehouseError) {
    try Self.loadLibrary()
    let notices = Unmanaged.passRetained(NoticeSink(connection: name, handler: onNotice))
    let handle: OpaquePointer
    var credentials = credentials
    do throws(WarehouseError) {
      if traits.refusesOptions { credentials.sendsSearchPath = false }
      do throws(WarehouseError) {
        handle = try Self.connect(credentials, notices: notices, isCancelled)
      } catch {
        // pgbouncer takes no `options`.
        guard credentials.sendsSearchPath, error.message.contains("startup parameter") else {
          throw error
        }
        traits.refuseOptions()
        credentials.sendsSearchPath = false
        handle = try Self.connect(credentials, notices: notices, isCancelled)
      }
    } catch {
      notices.release()
      throw error
    }
    self.name = name
    self.credentials = credentials
    self.notices = notices
    self.handle = handle
    serverProcess = Int(cpq_backend_pid(handle))
    serverVersion = Int(cpq_server_version(handle))
    statementCanceller = PostgresCanceller(connection: handle)
    beginsBeforeNextStatement = !credentials.autocommit
    if !hasDiscard { queryGroup = QueryGroup(preparation: credentials.preparation) }
    isGivenUp = isCancelled
    do throws(WarehouseError) {
      try prepareSession(traits)
    } catch {
      close()
      throw error
    }
    isGivenUp = nil
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
  ///
  /// libpq forgets it, and the version, when the connection breaks.
  package let serverProcess: Int
  package var serverSession: Int? { serverProcess }

  /// 150004 for 15.4; Redshift says 80002.
  package let serverVersion: Int
  private var hasDiscard: Bool { serverVersion >= 90_000 }

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
    if !hasDiscard { noteState(texts) }
    var result = MessageResult()
    var isWithin = false
    let start = ContinuousClock.now
    var witness: Int?
    // What is sent, and which of `texts` it is; nil for what nobody asked for.
    var origins: [Int?] = []
    do throws(WarehouseError) {
      try beginIfDue()
      // Some statements may only be sent alone.
      if !owed.isEmpty, texts.first != "BEGIN" { try settleSession() }
      let lead = owed.count
      isWithin = (owed.isEmpty && isInTransaction) || texts.first == "BEGIN"
      let commit = fetch ? nil : witnessedCommit(in: texts)
      let asksEarly = commit == nil && isWithin && openTransaction == nil && mayAsk(before: texts)
      if !isWithin { openTransaction = nil }
      var parts = owed
      origins = owed.map { _ in nil }
      func add(_ own: [String]) {
        parts += own
        origins += own.map { _ in nil }
      }
      if !isWithin, let first = texts.first, StatementWords.standsInTransactions(first) {
        add(settings)
      }
      for (index, text) in texts.enumerated() {
        // The next transaction cannot see temporary tables, and the pooler's session would keep them.
        if isPooled, text == "COMMIT" { add(["DISCARD TEMP"]) }
        if index == commit {
          witness = parts.count
          add([Self.witness])
        }
        if asksEarly, index == texts.count - 1 {
          witness = parts.count
          add([Self.question])
        }
        parts.append(text)
        origins.append(index)
        if index == 0, text == "BEGIN" { add(prelude) }
      }
      let outcome = try run(
        Message(parts, witness: witness),
        fetch: fetch,
        limit: limit
      ) { answered, transaction in
        if answered.count >= lead { owed = [] }
        result.responses = zip(answered, origins).compactMap { $1 == nil ? nil : $0 }
        result.transaction = transaction
      }
      if commit != nil {
        openTransaction = nil
      } else if case .number? = result.transaction {
        openTransaction = result.transaction
      }
      note(texts, isWithin: isInTransaction)
      queryGroup?.note(texts, hasFailed: false, isInTransaction: isInTransaction)
      if fetch, !outcome.columns.isEmpty { result.table = try table(of: outcome) }
    } catch {
      var error = error
      // What fails before a text fails in its place.
      error.part = error.part.map { part in
        origins.dropFirst(part).lazy.compactMap { $0 }.first ?? max(0, texts.count - 1)
      }
      // What comes after the one that failed was never run; and a COMMIT that the server refuses leaves
      // nothing.
      let last = min(error.part ?? 0, texts.count - 1)
      if last >= 0, texts[last] == "COMMIT", error.sqlState != nil {
        note(Array(texts[..<last]), isWithin: isWithin)
      } else {
        note(
          last < 0 ? [] : Array(texts[...last]),
          isWithin: isOpen ? isInTransaction : isWithin
        )
      }
      result.failure = error
      queryGroup?.note(texts, hasFailed: true, isInTransaction: isInTransaction)
      if error.kind == .lost, result.transaction == nil, tellsTransactions {
        result.transaction =
          openTransaction ?? .process(serverProcess, since: start)
      }
    }
    return result
  }

  /// Which of the texts is the COMMIT whose transaction's number is asked for: its answer may be lost.
  private func witnessedCommit(in texts: [String]) -> Int? {
    tellsTransactions ? texts.firstIndex(of: "COMMIT") : nil
  }

  private var tellsTransactions: Bool {
    guard let handle, serverVersion >= 100_000 else { return false }
    return Int(cpq_transaction_status(handle)) != CPQ_TRANSACTION_FAILED
  }

  /// Whether a query may come before the last text: not in a transaction's beginning, where `set transaction`
  /// is to stand before all queries.
  private func mayAsk(before texts: [String]) -> Bool {
    guard tellsTransactions, let last = texts.last, texts.first != "BEGIN" || texts.count > 2 else {
      return false
    }
    let word = last.drop { $0.isWhitespace }.prefix { $0.isLetter }.lowercased()
    return !["set", "rollback", "begin", "start"].contains(word)
  }

  private static let question = "select pg_catalog.txid_current_if_assigned()"

  /// The server sends what it has once that fills its buffer of 8 kB: the second row takes the first
  /// one, and the answers before it, to the client before the COMMIT behind them is carried out.
  private static let witness = """
    \(question), pg_catalog.repeat(' ', 8192) union all \
    select null, pg_catalog.repeat(' ', 8192)
    """

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
    guard isOpen else {
      throw WarehouseError(kind: .lost, message: "the connection is closed")
    }
    if !hasDiscard, !isAsNew {
      throw WarehouseError(kind: .statement, message: "the server knows no DISCARD")
    }
    if isInTransaction { queryGroup?.transactionIsLeft() }
    beginsBeforeNextStatement = !credentials.autocommit
    guard hasDiscard, !isPooled else {
      openTransaction = nil
      // The next transaction has another session of the server, of which nothing is known; or the session
      // needs nothing.
      owed = isInTransaction ? ["ROLLBACK"] : []
      isUndoable = true
      return
    }
    openTransaction = nil
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
  }

  package func settleSession() throws(WarehouseError) {
    guard !owed.isEmpty else { return }
    _ = try run(Message(owed), fetch: false, limit: nil)
    owed = []
  }

  /// Notes what statements leave in the session; of query groups that is known.
  private func noteState(_ texts: [String]) {
    for text in texts where isAsNew && StatementWords.queryGroupSetting(text) == nil {
      isAsNew = StatementWords.leavesSessionAsItWas(text)
    }
  }

  package func statement(choosingQueryGroup group: String?) -> String? {
    queryGroup?.statement(choosing: group)
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
    _ = try run(Message(["BEGIN"] + prelude), fetch: false, limit: nil)
    beginsBeforeNextStatement = false
  }

  /// Looks at what was sent: whether it ended a transaction.
  ///
  /// `isWithin`: whether a transaction is open; or was, when the connection broke: that undid it.
  private func note(_ texts: [String], isWithin: Bool) {
    guard isUndoable else { return }
    isUndoable = isWithin && texts.allSatisfy { StatementWords.staysInTransaction($0) }
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
    notices: Unmanaged<NoticeSink>,
    _ isCancelled: @Sendable () -> Bool
  ) throws(WarehouseError) -> OpaquePointer {
    var addresses: ServerAddresses?
    if credentials.looksUpHosts {
      let found = try ServerAddresses(
        of: credentials.host,
        timeout: credentials.connectTimeout,
        isCancelled
      )
      guard !found.places.isEmpty else {
        var error = WarehouseError(
          connecting: found.report(""),
          needsPassword: false,
          credentials: credentials
        )
        error.hint = "check `host` of the profile's output, and that this machine can look it up"
        throw error
      }
      addresses = found
    }
    while true {
      let attempt = try attempt(addresses, credentials, notices: notices, isCancelled)
      if case .connected(let handle) = attempt { return handle }
      guard case .silent(let place, let words) = attempt,
        addresses?.giveUp(place, saying: words) == true
      else { throw attempt.error(addresses, credentials) }
    }
  }

  /// What came of asking a server for a connection.
  private enum Attempt {
    case connected(OpaquePointer)
    /// An address did not answer in its time.
    case silent(ServerAddresses.Place, words: String)
    case refused(words: String, needsPassword: Bool)

    func error(
      _ addresses: ServerAddresses?,
      _ credentials: PostgresCredentials
    ) -> WarehouseError {
      let (words, needsPassword) =
        switch self {
        case .connected: ("", false)
        case .silent(_, let words): (words, false)
        case .refused(let words, let needsPassword): (words, needsPassword)
        }
      return WarehouseError(
        connecting: addresses?.report(words) ?? words,
        needsPassword: needsPassword,
        credentials: credentials
      )
    }
  }

  private static func attempt(
    _ addresses: ServerAddresses?,
    _ credentials: PostgresCredentials,
    notices: Unmanaged<NoticeSink>,
    _ isCancelled: @Sendable () -> Bool
  ) throws(WarehouseError) -> Attempt {
    let parameters =
      (addresses?.parameters ?? [("host", credentials.host)]) + credentials.connectionParameters
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
    let failure: (words: String, place: ServerAddresses.Place?)?
    do throws(WarehouseError) {
      failure = try waitUntilConnected(handle, timeout: credentials.connectTimeout, isCancelled)
    } catch {
      cpq_finish(handle)
      throw error
    }
    guard let failure else {
      _ = cpq_set_error_verbosity(handle, Int32(CPQ_ERRORS_DEFAULT))
      if let patience = credentials.patience { limitSilence(handle, seconds: patience) }
      return .connected(handle)
    }
    let needsPassword = cpq_needs_password(handle) == 1
    cpq_finish(handle)
    if let place = failure.place { return .silent(place, words: failure.words) }
    return .refused(words: failure.words, needsPassword: needsPassword)
  }

  /// What was sent and is not acknowledged counts as lost after `seconds`; the system's default is a quarter of
  /// an hour, and keepalives do not look at it.
  ///
  /// 0: the system's default.
  static func limitSilence(_ handle: OpaquePointer, seconds: Int) {
    #if os(Linux)
    var milliseconds = UInt32(clamping: seconds * 1000)
    // Refused by a Unix socket, which needs no such thing.
    _ = setsockopt(
      cpq_socket(handle),
      Int32(IPPROTO_TCP),
      TCP_USER_TIMEOUT,
      &milliseconds,
      socklen_t(MemoryLayout<UInt32>.size)
    )
    #endif
  }

  /// The address that libpq is at.
  private static func place(_ handle: OpaquePointer) -> ServerAddresses.Place {
    func text(_ words: UnsafePointer<CChar>?) -> String { words.map { String(cString: $0) } ?? "" }
    let address = text(cpq_host_address(handle))
    return ServerAddresses.Place(
      host: text(cpq_host(handle)),
      address: address.isEmpty ? nil : address
    )
  }

  /// - Returns: libpq's words when it failed, and the address that did not answer if that was why.
  private static func waitUntilConnected(
    _ handle: OpaquePointer,
    timeout: Int,
    _ isCancelled: @Sendable () -> Bool
  ) throws(WarehouseError) -> (words: String, place: ServerAddresses.Place?)? {
    func words() -> String { cpq_error_message(handle).map { String(cString: $0) } ?? "" }
    guard Int(cpq_status(handle)) != CPQ_CONNECTION_BAD else { return (words(), nil) }
    let clock = ContinuousClock()
    // As libpq does, for each address, and not less than two seconds.
    func newDeadline() -> ContinuousClock.Instant? {
      timeout > 0 ? clock.now.advanced(by: .seconds(max(timeout, 2))) : nil
    }
    var deadline = newDeadline()
    var place = Self.place(handle)
    var stage = CPQ_POLLING_WRITING
    while stage != CPQ_POLLING_OK {
      if stage == CPQ_POLLING_FAILED { return (words(), nil) }
      if isCancelled() { throw .givenUpConnecting }
      let events = stage == CPQ_POLLING_READING ? POLLIN : POLLOUT
      var descriptor = pollfd(fd: cpq_socket(handle), events: Int16(events), revents: 0)
      // Not longer than somebody waits after Ctrl-C.
      var patience: Int32 = 100
      if let deadline {
        let left = clock.now.duration(to: deadline)
        guard left > .zero else {
          // libpq's words stop where the reason belongs: `connection to server at … failed:`.
          let words = words().trimmingEnd()
          let link = words.hasSuffix(":") ? " " : "\n"
          return ("\(words)\(link)timeout expired after \(timeout) seconds", place)
        }
        patience = Int32(min(Double(patience), left / .milliseconds(1) + 1))
      }
      let ready = poll(&descriptor, 1, patience)
      guard ready > 0 else { continue }
      stage = Int(cpq_connect_poll(handle))
      let next = Self.place(handle)
      if next != place { (place, deadline) = (next, newDeadline()) }
    }
    return nil
  }

  /// Gives a new session what dbt's driver gives it: dates in ISO form, and the profile's role. And the
  /// server's own watch over the connection: it stops what runs for a client that is gone.
  private func prepareSession(_ traits: ServerTraits) throws(WarehouseError) {
    var settings: [String] = []
    if let handle, let style = cpq_parameter_status(handle, "DateStyle"),
      !String(cString: style).hasPrefix("ISO")
    {
      settings.append("datestyle to 'ISO'")
    }
    if !credentials.sendsSearchPath, let path = credentials.searchPath, !path.isEmpty {
      settings.append("search_path to \(path)")
    }
    if let role = credentials.role, !role.isEmpty { settings.append("role \(role)") }
    let needed = settings
    do throws(WarehouseError) {
      if serverVersion >= 90_000 {
        var hasLooked = false
        let found = try traits.found { () throws(WarehouseError) in
          hasLooked = true
          return try look()
        }
        isPooled = found.isPooled
        // A pooler takes everybody, and lets them wait for a session at their first statement.
        if isPooled, !hasLooked { _ = try run("select 1", fetch: false, limit: nil) }
        if serverVersion >= 140_000, found.isLinux {
          settings.append("client_connection_check_interval to '2s'")
        }
      }
      if isPooled {
        prelude = settings.map { "set local \($0)" } + credentials.preparation
        self.settings = needed.map { "set local \($0)" }
        return
      }
      preparation = settings.map { "set \($0)" } + credentials.preparation
      if !needed.isEmpty || !credentials.preparation.isEmpty {
        _ = try run(Message(preparation), fetch: false, limit: nil)
      } else if !preparation.isEmpty {
        owed = ["BEGIN"] + preparation + ["COMMIT"]
      }
    } catch {
      guard error.kind != .cancelled else { throw error }
      var refused = error
      refused.kind = .connection
      refused.hint = refused.hint ?? Self.advice(onPreparing: error)
      throw refused
    }
  }

  private static func advice(onPreparing error: WarehouseError) -> String? {
    if error.message.contains("query_wait_timeout") {
      return
        "the pooler had no session of the server to give: check that the server runs, and the pooler's "
        + "pool size"
    }
    return error.kind == .lost ? nil : "check `role` of the profile's output"
  }

  /// A pooler makes up the process that it names when a connection is opened.
  private func look() throws(WarehouseError) -> ServerTraits.Found {
    let sql = "select pg_catalog.pg_backend_pid(), pg_catalog.version()"
    let row = try run(sql, fetch: true, limit: nil).rows.first ?? []
    return ServerTraits.Found(
      isPooled: row.first.flatMap { $0 } != String(serverProcess),
      isLinux: row.last.flatMap { $0 }?.contains("linux") ?? false
    )
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
    answered: ([AdapterResponse], TransactionMark?) -> Void = { _, _ in }
  ) throws(WarehouseError) -> Outcome {
    let handle = try send(message.text)
    if let isGivenUp { try waitForAnswer(handle, unless: isGivenUp) }
    // Rows that are not kept are not collected by libpq either.
    if !fetch || limit != nil { _ = cpq_set_single_row_mode(handle) }
    var reader = ResultReader(sql: message.text, fetch: fetch, limit: limit)
    reader.witness = message.witness
    while let result = cpq_get_result(handle) {
      reader.read(result, of: handle)
      cpq_clear(result)
    }
    let last = message.parts.count - 1
    let responses = reader.responses
    do throws(WarehouseError) {
      try finish(message.text, failure: reader.failure)
    } catch {
      answered(Array(responses.prefix(last)), reader.transaction)
      throw message.narrowed(error, answered: responses.count)
    }
    guard !reader.isEmptyQuery, responses.count > last else {
      answered(Array(responses.prefix(last)), reader.transaction)
      var error = WarehouseError(
        kind: .statement,
        message: "can't execute an empty query",
        hint: "the text holds nothing but blanks and comments",
        sql: message.parts[last]
      )
      error.part = last
      throw error
    }
    answered(responses.prefix(last) + responses.suffix(1), reader.transaction)
    return reader.outcome
  }

  private func waitForAnswer(
    _ handle: OpaquePointer,
    unless isGivenUp: () -> Bool
  ) throws(WarehouseError) {
    while cpq_is_busy(handle) == 1 {
      if isGivenUp() { throw .givenUpConnecting }
      var descriptor = pollfd(fd: cpq_socket(handle), events: Int16(POLLIN), revents: 0)
      // What went wrong is told with the result.
      if poll(&descriptor, 1, 100) > 0, cpq_consume_input(handle) == 0 { return }
    }
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
  /// Which statement tells the number of the transaction, and what it said.
  var witness: Int?
  private(set) var transaction: TransactionMark?
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
    if witness == responses.count, transaction == nil, rowCount > 0 {
      transaction = Self.cell(result, row: 0, column: 0).map { .number($0) } ?? .empty
    }
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
