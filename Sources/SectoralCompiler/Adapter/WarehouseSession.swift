package import SectoralJinja
package import SectoralWarehouse

/// What happened on a node's connection, for the log.
package enum SessionEvent: Sendable {
  case opened(connection: String)
  /// About to be sent.
  case statement(connection: String, sql: String)
  case succeeded(connection: String, response: AdapterResponse, elapsed: Duration)
  case failed(connection: String, error: WarehouseError, elapsed: Duration)
  case committed(connection: String)
  case rolledBack(connection: String)
  case closed(connection: String)
}

/// What transactions a connection begins and ends by itself.
package struct TransactionStyle: Sendable, Hashable {
  /// The driver sends one BEGIN before the first statement of a connection.
  package var driverBegins: Bool
  /// A statement that opens a transaction sends BEGIN.
  package var sendsBegin: Bool
  /// Ending a transaction sends COMMIT or ROLLBACK.
  package var sendsEnd: Bool
  /// Texts of several statements are sent one statement at a time.
  package var splitsStatements: Bool

  package init(
    driverBegins: Bool,
    sendsBegin: Bool,
    sendsEnd: Bool,
    splitsStatements: Bool = false
  ) {
    self.driverBegins = driverBegins
    self.sendsBegin = sendsBegin
    self.sendsEnd = sendsEnd
    self.splitsStatements = splitsStatements
  }

  package static let postgres = TransactionStyle(
    driverBegins: true,
    sendsBegin: false,
    sendsEnd: true
  )
  /// `autocommit: true` without transaction statements.
  package static let postgresAutocommit = TransactionStyle(
    driverBegins: false,
    sendsBegin: false,
    sendsEnd: false
  )
  package static let redshift = TransactionStyle(
    driverBegins: false,
    sendsBegin: true,
    sendsEnd: true,
    splitsStatements: true
  )
  package static let redshiftWithoutTransactions = TransactionStyle(
    driverBegins: false,
    sendsBegin: false,
    sendsEnd: false,
    splitsStatements: true
  )
}

/// A comment that goes with every statement.
package struct QueryComment: Sendable, Hashable {
  /// Without `/*` and `*/`.
  package var text: String
  package var isAppended: Bool

  package init(text: String, isAppended: Bool = false) {
    self.text = text
    self.isAppended = isAppended
  }
}

/// The connection of one node: opened at its first statement, closed when the node ends.
///
/// Belongs to one thread; only the canceller it hands out may be used from others.
package final class WarehouseSession {
  /// `model.p.m`, `list_db_schema`, `master`.
  package let name: String
  package let warehouse: any Warehouse
  package let cache: RelationCache
  private let style: TransactionStyle
  private let onEvent: (SessionEvent) -> Void
  /// Asked before every statement; nil: no comment.
  package var comment: () throws(WarehouseError) -> QueryComment?
  /// Given what can cancel the connection, and nil when it is closed.
  package var didOpen: ((any StatementCanceller)?) -> Void = { _ in }
  /// Asked before every statement: a cancellation that comes between two of them stops the next.
  package var isStopped: () -> Bool = { false }

  private var connection: (any WarehouseConnection)?
  private var driverBegan = false
  /// A statement opened a transaction that nobody ended: what `adapter.commit()` looks at.
  package private(set) var isMarkedOpen = false

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
    self.cache = cache
    self.style = style ?? (warehouse.adapterType == "redshift" ? .redshift : .postgres)
    self.comment = comment
    self.onEvent = onEvent
  }

  package var isOpen: Bool { connection != nil }

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
    if opensTransaction { try begin() }
    guard style.splitsStatements else {
      return try send(sql, fetch: fetch, limit: limit, commented: true)
    }
    var result: (response: AdapterResponse, table: ResultTable)?
    for statement in StatementSplitter.statements(in: sql) {
      result = try send(statement, fetch: fetch, limit: limit, commented: true)
    }
    if let result { return result }
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

  /// Runs a statement without the query comment, as bulk loads are run.
  package func executeUncommented(
    _ sql: String,
    opensTransaction: Bool
  )
    throws(WarehouseError) -> AdapterResponse
  {
    if opensTransaction { try begin() }
    return try send(sql, fetch: false, limit: nil, commented: false).response
  }

  /// Loads rows with `COPY … FROM STDIN`; returns their number.
  package func copyIn(
    _ sql: String,
    opensTransaction: Bool,
    next: () throws(WarehouseError) -> [UInt8]?
  ) throws(WarehouseError) -> Int {
    if opensTransaction { try begin() }
    let connection = try ready()
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
      throw error
    }
  }

  private func send(
    _ sql: String,
    fetch: Bool,
    limit: Int?,
    commented: Bool
  )
    throws(WarehouseError) -> (response: AdapterResponse, table: ResultTable)
  {
    let connection = try ready()
    let comment = commented ? try self.comment() : nil
    let text = comment.map { Self.join(sql, $0) } ?? sql
    onEvent(.statement(connection: name, sql: text))
    let clock = ContinuousClock()
    let start = clock.now
    do throws(WarehouseError) {
      let result = try connection.execute(text, fetch: fetch, limit: limit)
      onEvent(
        .succeeded(connection: name, response: result.response, elapsed: clock.now - start)
      )
      return result
    } catch {
      let error = Self.withoutComment(error, sql, comment)
      onEvent(.failed(connection: name, error: error, elapsed: clock.now - start))
      throw error
    }
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

  /// The open connection, with the driver's BEGIN sent.
  private func ready() throws(WarehouseError) -> any WarehouseConnection {
    if isStopped() {
      throw WarehouseError(
        kind: .cancelled,
        sqlState: "57014",
        message: "canceling statement due to user request"
      )
    }
    let connection: any WarehouseConnection
    if let open = self.connection {
      connection = open
    } else {
      connection = try warehouse.open(name: name)
      self.connection = connection
      onEvent(.opened(connection: name))
      didOpen(connection.canceller)
    }
    if style.driverBegins, !driverBegan {
      _ = try connection.execute("BEGIN", fetch: false, limit: nil)
      driverBegan = true
    }
    return connection
  }

  // MARK: Transactions

  /// Opens a transaction; nothing happens when one is open.
  package func begin() throws(WarehouseError) {
    guard !isMarkedOpen else { return }
    if style.sendsBegin { _ = try send("BEGIN", fetch: false, limit: nil, commented: false) }
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
    if style.sendsEnd { _ = try send("COMMIT", fetch: false, limit: nil, commented: false) }
    isMarkedOpen = false
    onEvent(.committed(connection: name))
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
    guard let connection else { return }
    if isMarkedOpen, style.sendsEnd || driverBegan {
      do throws(WarehouseError) {
        _ = try connection.execute("ROLLBACK", fetch: false, limit: nil)
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

/// Splits a text into statements at semicolons outside of quotes and comments.
package enum StatementSplitter {
  /// Pieces without a statement, of blanks and comments alone, are left out.
  package static func statements(in sql: String) -> [String] {
    let bytes = Array(sql.utf8)
    var statements: [String] = []
    var start = 0
    var index = 0
    var hasCode = false
    func finish(at end: Int) {
      let piece = bytes[start..<end]
      if hasCode { statements.append(String(decoding: trimmed(piece), as: UTF8.self)) }
      hasCode = false
    }
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: ";"):
        // The semicolon stays with its statement.
        finish(at: index + 1)
        index += 1
        start = index
        continue
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        hasCode = true
        index = end(ofQuoted: byte, bytes, index)
        continue
      case UInt8(ascii: "-") where bytes[index...].starts(with: "--".utf8):
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        continue
      case UInt8(ascii: "/") where bytes[index...].starts(with: "/*".utf8):
        index = end(ofComment: bytes, index)
        continue
      case UInt8(ascii: "$"):
        hasCode = true
        if let end = end(ofDollarQuoted: bytes, index) {
          index = end
          continue
        }
      case 9...13, 32: break
      default: hasCode = true
      }
      index += 1
    }
    finish(at: bytes.count)
    return statements
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, first == 32 || (9...13).contains(first) { bytes.removeFirst() }
    while let last = bytes.last, last == 32 || (9...13).contains(last) { bytes.removeLast() }
    return bytes
  }

  private static func end(ofQuoted quote: UInt8, _ bytes: [UInt8], _ start: Int) -> Int {
    var index = start + 1
    // A doubled quote closes and opens again, which comes to the same.
    while index < bytes.count, bytes[index] != quote { index += 1 }
    return min(index + 1, bytes.count)
  }

  private static func end(ofComment bytes: [UInt8], _ start: Int) -> Int {
    var depth = 0
    var index = start
    while index < bytes.count {
      if bytes[index...].starts(with: "/*".utf8) {
        depth += 1
        index += 2
      } else if bytes[index...].starts(with: "*/".utf8) {
        depth -= 1
        index += 2
        if depth == 0 { return index }
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  /// nil where the dollar opens no quote, as in `$1`.
  private static func end(ofDollarQuoted bytes: [UInt8], _ start: Int) -> Int? {
    var index = start + 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "$") {
      let byte = bytes[index]
      let isWord =
        byte >= 0x80 || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "_") || (index > start + 1 && (48...57).contains(byte))
      guard isWord else { return nil }
      index += 1
    }
    guard index < bytes.count else { return nil }
    let tag = bytes[start...index]
    index += 1
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "$"), bytes[index...].starts(with: tag) {
        return index + tag.count
      }
      index += 1
    }
    return bytes.count
  }
}
