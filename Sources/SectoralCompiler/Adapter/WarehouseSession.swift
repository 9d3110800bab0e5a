package import SectoralJinja
package import SectoralWarehouse

/// What happened on a node's connection, for the log.
package enum SessionEvent: Sendable {
  /// `formerly`: who had the connection before; nil: it is new.
  case opened(connection: String, formerly: String?)
  /// About to be sent.
  case statement(connection: String, sql: String)
  case succeeded(connection: String, response: AdapterResponse, elapsed: Duration)
  case failed(connection: String, error: WarehouseError, elapsed: Duration)
  /// About to be committed.
  case committing(connection: String)
  case rolledBack(connection: String)
  case closed(connection: String)
  /// Something that the user should know of.
  case noted(String)
}

/// The connection of one node: opened at its first statement, closed when the node ends.
///
/// Statements whose answer nobody needs at once wait for the next one, and go to the server in one
/// message with it: a model is mostly one message, from BEGIN to COMMIT.
///
/// Belongs to one thread; only the canceller it hands out may be used from others.
package final class WarehouseSession {
  /// `model.p.m`, `list_db_schema`, `master`.
  package let name: String
  package let warehouse: any Warehouse
  package let cache: RelationCache
  let style: TransactionStyle
  private let onEvent: (SessionEvent) -> Void
  /// Asked before every statement; nil: no comment.
  package var comment: () throws(WarehouseError) -> QueryComment?
  /// Given what can cancel the connection, and nil when it is closed.
  package var didOpen: ((any StatementCanceller)?) -> Void = { _ in }
  /// Asked before every statement: a cancellation that comes between two of them stops the next.
  package var isStopped: () -> Bool = { false }
  /// Told of an error that may pass, and how often that happened: waits, and says whether to go on.
  package var waits: (WarehouseError, _ attempt: Int) -> Bool = { _, _ in false }

  var connection: (any WarehouseConnection)? { didSet { hasChosenGroup = false } }
  private var driverBegan = false
  /// Says what came of a session's only transaction where the server keeps no record of it, by a look at what
  /// stands; given the session's number. nil: nothing shows it.
  package var outcomeByLooking: ((_ session: Int?) -> TransactionOutcome)?
  /// The last error, which is what a failed node failed with.
  package private(set) var failure: WarehouseError?
  /// Whether the connection that broke had left something, or may have.
  private var hasLeftSomething = false
  /// Whether nobody knows if the session's transaction was committed.
  package private(set) var isInDoubt = false
  /// The query group that statements are to be in; nil: the profile's.
  package var queryGroup: String? { didSet { hasChosenGroup = false } }
  /// Whether the connection was told: what a hook says of it then is left alone.
  private var hasChosenGroup = false
  /// Whether statements may wait: while a materialization runs, which ends with `flush()`.
  package var collectsStatements = false
  var waiting: [Statement] = []
  /// What is to be done when all that waits was run.
  private var afterwards: [() -> Void] = []
  /// How many statements were asked for that may have changed something.
  package private(set) var changeCount = 0
  /// The columns of relations as they were at a count of changes.
  private var knownColumns: (changeCount: Int, columns: [String: [Value]]) = (0, [:])
  /// A statement opened a transaction that nobody ended: what `adapter.commit()` looks at.
  package internal(set) var isMarkedOpen = false
  /// A transaction is open that the server does not know of: BEGIN goes with its first statement.
  var owesBegin = false
  /// Something was committed, or stood alone and may have been.
  var hasChangedForGood = false
  /// Whether the session's transaction is part of one with those of other nodes: see `continueTransaction`.
  package internal(set) var sharesTransaction = false
  /// The names that the open transaction has to itself; see `DropTurns`.
  var turn: Set<String> = []

  package init(
    name: String,
    warehouse: any Warehouse,
    cache: RelationCache,
    style: TransactionStyle? = nil,
    comment: @escaping () throws(WarehouseError) -> QueryComment? = { nil },
    onEvent: @escaping (SessionEvent) -> Void = { _ in }
  ) {
    self.name = name
    self.warehouse = warehouse
    self.cache = cache.forSession()
    self.style = style ?? (warehouse.adapterType == "redshift" ? .redshift : .postgres)
    self.comment = comment
    self.onEvent = onEvent
  }

  package var isOpen: Bool { connection != nil }

  /// Whether the server holds nothing of what the session did, once it is released: all of it can be done
  /// again.
  package var leavesNothing: Bool {
    if style.beginsLate { return !hasLeftSomething && !hasChangedForGood }
    return !hasLeftSomething && connection?.isUndoable ?? true
  }

  // MARK: Statements

  /// Runs a text with the query comment.
  ///
  /// `opensTransaction`: `auto_begin`: marks the transaction open.
  @discardableResult
  package func execute(
    _ sql: String,
    opensTransaction: Bool = false,
    fetch: Bool = false,
    limit: Int? = nil
  ) throws(WarehouseError) -> (response: AdapterResponse, table: ResultTable) {
    if opensTransaction || sharesTransaction { try begin() }
    guard style.splitsStatements else {
      return try send(sql, fetch: fetch, limit: limit, commented: true)
    }
    let texts = StatementSplitter.statements(in: sql, hasEscapes: true)
    if let last = texts.last {
      for text in texts.dropLast() where try endTransaction(with: text) == nil {
        try prepare(for: text)
        if isMarkedOpen, !owesBegin {
          waiting.append(try statement(text, commented: true))
        } else {
          _ = try send(text, fetch: false, limit: nil, commented: true)
        }
      }
      if let ended = try endTransaction(with: last) { return ended }
      try prepare(for: last)
      return try send(last, fetch: fetch, limit: limit, commented: true)
    }
    throw WarehouseError(
      kind: .statement,
      message: "the text holds no statement",
      sql: sql
    )
  }

  /// The same for callers inside of templates, whose errors are templates' errors.
  package func execute(
    _ sql: String,
    autoBegin: Bool,
    fetch: Bool
  ) throws(TemplateError) -> (
    response: AdapterResponse, table: ResultTable
  ) {
    do throws(WarehouseError) {
      return try execute(sql, opensTransaction: autoBegin, fetch: fetch)
    } catch {
      throw .warehouse(error)
    }
  }

  /// Runs one statement, which is not looked into.
  ///
  /// `commented`: Whether the query comment goes with it; without it as dbt's inserts of seeds are sent.
  /// `abridged`: Whether logs show its beginning alone.
  package func executeOne(
    _ sql: String,
    opensTransaction: Bool,
    commented: Bool = false,
    abridged: Bool = false
  )
    throws(WarehouseError) -> AdapterResponse
  {
    if opensTransaction { try begin() }
    try prepare(for: sql)
    return try send(
      sql,
      fetch: false,
      limit: nil,
      commented: commented,
      abridged: abridged
    ).response
  }

  /// Loads rows by way of files; returns what the user should know all the same.
  package func load(_ rows: BulkLoad, with loader: any BulkLoader) throws(BulkLoadError) -> [String]
  {
    do throws(WarehouseError) { try begin() } catch { throw BulkLoadError(error) }
    return try loader.load(rows) { sql throws(WarehouseError) in try execute(sql) }
  }

  /// Loads rows with `COPY … FROM STDIN`; returns their number.
  package func copyIn(
    _ sql: String,
    opensTransaction: Bool,
    next: () throws(WarehouseError) -> [UInt8]?
  ) throws(WarehouseError) -> Int {
    if opensTransaction { try begin() }
    changeCount += 1
    try flush()
    let connection = try ready()
    if style.driverBegins, !driverBegan {
      _ = try connection.execute("BEGIN", fetch: false, limit: nil)
      driverBegan = true
    }
    onEvent(.statement(connection: name, sql: sql))
    let clock = ContinuousClock()
    let start = clock.now
    do throws(WarehouseError) {
      let count = try connection.copyIn(sql, next: next)
      onEvent(
        .succeeded(
          connection: name,
          response: AdapterResponse(
            message: "COPY \(count)",
            code: "COPY",
            rowsAffected: count
          ),
          elapsed: clock.now - start
        )
      )
      return count
    } catch {
      onEvent(.failed(connection: name, error: error, elapsed: clock.now - start))
      failure = error
      throw error
    }
  }

  /// A relation's columns, if nothing was asked for since they were looked up.
  func columns(of relation: String) -> [Value]? {
    knownColumns.changeCount == changeCount ? knownColumns.columns[relation] : nil
  }

  /// Keeps a relation's columns until something may change them.
  ///
  /// `changes`: the count before they were looked up, which itself changes nothing.
  func keep(_ columns: [Value], of relation: String, since changes: Int) {
    if knownColumns.changeCount != changes { knownColumns = (changes, [:]) }
    knownColumns.columns[relation] = columns
    changeCount = changes
  }

  /// Runs a statement whose answer nobody needs at once: it waits for the next one, if it can.
  package func executeLater(
    _ sql: String,
    opensTransaction: Bool
  ) throws(WarehouseError) -> StatementAnswer {
    if style.beginsLate { return try putOff(sql, opensTransaction: opensTransaction) }
    guard mayWait(sql) else {
      let result = try execute(sql, opensTransaction: opensTransaction)
      return StatementAnswer(result.response)
    }
    if opensTransaction { try begin() }
    let statement = try statement(sql, commented: true)
    waiting.append(statement)
    return statement.answer
  }

  /// Only within the driver's transaction: there it makes no difference when a statement is run, as long
  /// as the order stays. And only single statements, whose answers can be told apart.
  private func mayWait(_ sql: String) -> Bool {
    isCollecting && StatementSplitter.statements(in: sql).count == 1
  }

  var isCollecting: Bool {
    if style.beginsLate { return collectsStatements && isMarkedOpen }
    guard collectsStatements, style.driverBegins, !style.splitsStatements else { return false }
    return !driverBegan || connection?.isInTransaction == true
  }

  /// Tries statements, each a single one, when the next statement is sent. Where the server refuses them
  /// for one of `reasons` (SQLSTATEs), nothing of them stays, and `otherwise` is done in their place; at
  /// once where statements stand alone.
  ///
  /// `main`: the number of the one whose answer is wanted; `otherwise` may set it.
  package func attempt(
    _ statements: [String],
    main: Int = 0,
    reasons: Set<String>,
    otherwise: @escaping (StatementAnswer) throws(WarehouseError) -> Void
  ) throws(WarehouseError) -> StatementAnswer {
    let answer = StatementAnswer()
    if style.beginsLate {
      return try attemptFirst(statements, main: main, reasons: reasons, otherwise, answer)
    }
    guard isCollecting else {
      try flush()
      try otherwise(answer)
      return answer
    }
    try begin()
    let attempt = Attempt(reasons) { () throws(WarehouseError) in try otherwise(answer) }
    let texts =
      ["savepoint \(Self.savepoint)"] + statements + ["release savepoint \(Self.savepoint)"]
    for (index, text) in texts.enumerated() {
      var statement = try statement(text, commented: true)
      statement.attempt = attempt
      if index == main + 1 { statement.answer = answer }
      waiting.append(statement)
    }
    return answer
  }

  private static let savepoint = "sectoral_attempt"

  /// Whether something is to be done when all that waits was run.
  package var hasAfterwards: Bool { !afterwards.isEmpty }

  /// Does something once what was asked for so far was run: at once when nothing waits, and not at all
  /// when it fails.
  package func afterwards(_ body: @escaping () -> Void) {
    if waiting.isEmpty { body() } else { afterwards.append(body) }
  }

  /// Sends what waits.
  package func flush() throws(WarehouseError) {
    if !waiting.isEmpty { _ = try sendAll([], fetch: false, limit: nil) }
  }

  func statement(_ sql: String, commented: Bool) throws(WarehouseError) -> Statement {
    if !style.beginsLate || !StatementSplitter.leavesRelations(sql) { changeCount += 1 }
    let comment = commented ? try self.comment() : nil
    return Statement(sql: sql, text: comment.map { Self.join(sql, $0) } ?? sql, comment: comment)
  }

  func send(
    _ sql: String,
    fetch: Bool,
    limit: Int?,
    commented: Bool,
    abridged: Bool = false
  )
    throws(WarehouseError) -> (response: AdapterResponse, table: ResultTable)
  {
    var statement = try statement(sql, commented: commented)
    statement.isAbridged = abridged
    let table = try sendAll([statement], fetch: fetch, limit: limit)
    guard let response = statement.answer.response else {
      preconditionFailure("a statement without an answer is a failure")
    }
    return (response, table)
  }

  /// Sends what waits and `last` in one message, with the driver's BEGIN in front.
  ///
  /// `attempt`: how often it was refused.
  private func sendAll(
    _ last: [Statement],
    fetch: Bool,
    limit: Int?,
    attempt: Int = 0
  ) throws(WarehouseError) -> ResultTable {
    let connection = try ready()
    let statements = waiting + last
    let standsAlone = !connection.isInTransaction
    // One statement is a transaction by itself.
    let isAlone =
      style.beginsLate && statements.count == 3 && statements[0].isBegin && statements[2].isCommit
      && last.count == 1
    let sent = isAlone ? [statements[1]] : statements
    let afterwards = afterwards
    waiting = []
    self.afterwards = []
    let begins = style.driverBegins && !driverBegan
    driverBegan = driverBegan || begins
    var lead = begins ? ["BEGIN"] : []
    if let setting = try choiceOfGroup(before: sent, on: connection) { lead.append(setting) }
    for statement in sent {
      if statement.isCommit { onEvent(.committing(connection: name)) }
      onEvent(.statement(connection: name, sql: statement.shown))
    }
    if isAlone { onEvent(.committing(connection: name)) }
    let clock = ContinuousClock()
    let start = clock.now
    let result = connection.execute(
      together: lead + sent.map(\.text),
      fetch: fetch,
      limit: limit
    )
    let isFirstChange = !hasChangedForGood
    if style.beginsLate { note(sent, result, wasWithin: !standsAlone) }
    // They come back together.
    let elapsed = clock.now - start
    for (statement, response) in zip(sent, result.responses.dropFirst(lead.count)) {
      statement.answer.response = style.namesCommands ? response : response.withoutCommand
      onEvent(.succeeded(connection: name, response: response, elapsed: elapsed))
    }
    guard let failure = result.failure else {
      self.failure = nil
      if isAlone { statements[2].answer.response = sent[0].answer.response }
      if !connection.isInTransaction { giveBackTurn() }
      for body in afterwards { body() }
      return result.table
    }
    hasChosenGroup = false
    let part = failure.part.map { $0 - lead.count } ?? result.responses.count - lead.count
    let failed = sent[min(max(part, 0), sent.count - 1)]
    let error = Self.withoutComment(failure, failed.sql, failed.comment)
    onEvent(.failed(connection: name, error: error, elapsed: elapsed))
    self.failure = error
    if error.kind == .lost, let commit = statements.last, commit.isCommit, error.sqlState == nil {
      // What stood alone was no transaction that the server could be asked about.
      try settle(isAlone ? nil : result.transaction, error, isFirst: isFirstChange)
      commit.answer.response = AdapterResponse(message: "COMMIT", code: "COMMIT", rowsAffected: -1)
      if isAlone {
        sent[0].answer.response = AdapterResponse(message: "SUCCESS", code: "", rowsAffected: -1)
      }
      for body in afterwards { body() }
      return ResultTable()
    }
    if error.transience == .conflict, standsAlone, !begins, sent.count == 1,
      StatementWords.isAllOrNothing(failed.sql), waits(error, attempt + 1)
    {
      waiting = Array(statements.dropLast(last.count))
      self.afterwards = afterwards
      return try sendAll(last, fetch: fetch, limit: limit, attempt: attempt + 1)
    }
    guard error.kind == .statement, let attempt = failed.attempt,
      error.sqlState.map(attempt.reasons.contains) ?? false
    else { throw error }
    if style.beginsLate {
      // It was the first in its transaction.
      if connection.isInTransaction {
        _ = try connection.execute("ROLLBACK", fetch: false, limit: nil)
      }
      owesBegin = true
    } else {
      _ = try connection.execute(
        "rollback to savepoint \(Self.savepoint)",
        fetch: false,
        limit: nil
      )
    }
    try attempt.otherwise()
    let rest = statements.drop { $0.attempt !== attempt }.drop { $0.attempt === attempt }
    waiting += rest.dropLast(last.count)
    self.afterwards += afterwards
    if rest.isEmpty, waiting.isEmpty {
      for body in self.afterwards { body() }
      self.afterwards = []
      return ResultTable()
    }
    return try sendAll(last, fetch: fetch, limit: limit)
  }

  /// What is to be sent before statements so that they are in the session's query group, if anything is.
  ///
  /// Statements that go with others anyway, or surely may, take it with them: it is sent by itself before those
  /// that Redshift wants alone.
  private func choiceOfGroup(
    before sent: [Statement],
    on connection: any WarehouseConnection
  ) throws(WarehouseError) -> String? {
    guard !hasChosenGroup else { return nil }
    hasChosenGroup = true
    guard let setting = connection.statement(choosingQueryGroup: queryGroup) else { return nil }
    let text = try comment().map { Self.join(setting, $0) } ?? setting
    onEvent(.statement(connection: name, sql: text))
    if sent.count > 1 || sent.allSatisfy({ StatementWords.mayFollowInOneMessage($0.sql) }) {
      return text
    }
    _ = try connection.execute(text, fetch: false, limit: nil)
    return nil
  }

  /// A connection broke, and the answer to a COMMIT with it: asks what came of the transaction.
  ///
  /// Returns when it was committed; what follows goes to another connection.
  ///
  /// `isFirst`: whether the session had changed nothing for good before.
  private func settle(
    _ transaction: TransactionMark?,
    _ lost: WarehouseError,
    isFirst: Bool
  ) throws(WarehouseError) {
    let session = connection?.serverSession
    connection?.close()
    connection = nil
    didOpen(nil)
    hasLeftSomething = true
    var error = lost
    var outcome: TransactionOutcome?
    for attempt in 1... {
      guard let transaction else { break }
      do throws(WarehouseError) {
        outcome = try warehouse.outcome(of: transaction)
        break
      } catch {
        guard error.transience != nil, waits(error, attempt) else { break }
      }
    }
    if outcome ?? .unknown == .unknown, isFirst, let outcomeByLooking {
      outcome = outcomeByLooking(session)
    }
    switch outcome {
    case .committed:
      failure = nil
      hasChangedForGood = true
      onEvent(
        .noted("\(name): the connection broke during COMMIT; the server says it was carried out")
      )
      return
    case .undone:
      hasLeftSomething = false
      if isFirst { hasChangedForGood = false }
    case .unknown, nil:
      isInDoubt = true
      error.message +=
        "; the answer to COMMIT was lost, and the server cannot say whether it was "
        + "carried out"
      error.report = nil
      error.hint = warehouse.adviceOnLostCommit(session: session)
      // SQL's code for a transaction of which that is not known.
      error.sqlState = "08007"
    }
    failure = error
    throw error
  }

  static func join(_ sql: String, _ comment: QueryComment) -> String {
    let text = "/* \(comment.text) */"
    guard comment.isAppended else { return "\(text)\n\(sql)" }
    var body = Substring(sql)
    while let last = body.last, last.isWhitespace { body.removeLast() }
    guard body.last == ";" else { return "\(body)\n\(text)" }
    body.removeLast()
    return "\(body)\n\(text);"
  }

  /// The error as of the statement that the user wrote: the position counts without the comment.
  private static func withoutComment(
    _ error: WarehouseError,
    _ sql: String,
    _ comment: QueryComment?
  ) -> WarehouseError {
    var error = error
    if let comment, !comment.isAppended, let position = error.position {
      let lead = "/* \(comment.text) */\n".unicodeScalars.count
      error.position = position > lead ? position - lead : nil
    }
    error.sql = sql
    return error
  }

  /// Opens the connection, of which the next statement would make use.
  func open() throws(WarehouseError) { _ = try ready() }

  /// The connection, which is opened now if it is not open.
  private func ready() throws(WarehouseError) -> any WarehouseConnection {
    if isStopped() {
      throw WarehouseError(
        kind: .cancelled,
        sqlState: "57014",
        message: "canceling statement due to user request"
      )
    }
    if let connection { return connection }
    let connection: any WarehouseConnection
    do throws(WarehouseError) { connection = try warehouse.open(name: name) } catch {
      failure = error
      throw error
    }
    self.connection = connection
    onEvent(.opened(connection: name, formerly: connection.formerName))
    didOpen(connection.canceller)
    return connection
  }

  // MARK: Transactions

  /// Opens a transaction; nothing happens when one is open.
  package func begin() throws(WarehouseError) {
    guard !isMarkedOpen else { return }
    owesBegin = style.beginsLate && !(sharesTransaction && connection?.isInTransaction == true)
    isMarkedOpen = true
  }

  /// `adapter.commit()`: ends the transaction. From then on every statement of a connection whose
  /// driver began by itself stands alone.
  package func commit() throws(WarehouseError) {
    guard isMarkedOpen else {
      throw WarehouseError(
        kind: .statement,
        message: "Tried to commit transaction on connection \"\(name)\", but it does not have one "
          + "open!"
      )
    }
    if sharesTransaction {
      // The last of those that share it ends it.
      try flush()
      isMarkedOpen = false
      return
    }
    if owesBegin {
      // Nothing changed.
      owesBegin = false
      try flush()
    } else if style.sendsEnd {
      // Should the connection break before COMMIT is sent, nothing was done for certain.
      if style.beginsLate, !(waiting.count == 2 && waiting[0].isBegin) { try flush() }
      _ = try send("COMMIT", fetch: false, limit: nil, commented: false)
    } else {
      onEvent(.committing(connection: name))
    }
    isMarkedOpen = false
    giveBackTurn()
  }

  package func commitIfOpen() throws(WarehouseError) {
    if isMarkedOpen { try commit() }
  }

  /// Begins and commits nothing, so that what follows is autocommitted: hooks of a run and
  /// operations start with this.
  package func clearTransaction() throws(WarehouseError) {
    try begin()
    try commit()
  }

  /// Ends the node's use of the connection: an open transaction is rolled back.
  ///
  /// Never throws: a connection that does not even take a ROLLBACK is closed all the same, which is
  /// the server's own rollback.
  package func release() {
    waiting = []
    afterwards = []
    if leavesNothing { cache.takeBack() } else { cache.keepChanges() }
    defer {
      owesBegin = false
      giveBackTurn()
    }
    guard let connection else {
      isMarkedOpen = false
      return
    }
    if isMarkedOpen, style.sendsEnd || driverBegan, !style.beginsLate || connection.isInTransaction
    {
      do throws(WarehouseError) {
        if !connection.leavesTransactionWhenClosed {
          _ = try connection.execute("ROLLBACK", fetch: false, limit: nil)
        }
        onEvent(.rolledBack(connection: name))
      } catch {
        onEvent(.failed(connection: name, error: error, elapsed: .zero))
      }
    }
    didOpen(nil)
    connection.close()
    self.connection = nil
    driverBegan = false
    isMarkedOpen = false
    onEvent(.closed(connection: name))
  }
}
