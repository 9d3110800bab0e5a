/// A column of a query's result.
public struct ResultColumn: Sendable, Hashable {
  public let name: String
  /// How values are to be read.
  public let kind: ValueKind
  /// The database's own name of the type (`int4`, `varchar`, `timestamptz`).
  public let typeName: String

  public init(name: String, kind: ValueKind, typeName: String) {
    self.name = name
    self.kind = kind
    self.typeName = typeName
  }
}

/// How the text of a result's cell becomes a value.
public enum ValueKind: Sendable, Hashable {
  case integer
  case decimal
  case boolean
  case date
  case timestamp
  case timestampWithZone
  case text
  case json
}

/// Rows of a query, in the order of the query; cells are the server's text, nil for NULL.
public struct ResultTable: Sendable {
  public var columns: [ResultColumn]
  public var rows: [[String?]]

  public init(columns: [ResultColumn] = [], rows: [[String?]] = []) {
    self.columns = columns
    self.rows = rows
  }
}

/// What the server said about a statement that worked.
public struct AdapterResponse: Sendable, Hashable {
  /// The command tag, `SELECT 99`.
  public var message: String
  /// The tag's words that are not numbers, `SELECT`.
  public var code: String
  /// -1 where the server gives no count.
  public var rowsAffected: Int
  /// Whether artifacts show the query's id though there is none: dbt's do for previews.
  public var showsNoQueryID = false

  public init(message: String, code: String, rowsAffected: Int) {
    self.message = message
    self.code = code
    self.rowsAffected = rowsAffected
  }
}

/// What the server, or the way to it, said about a statement that did not work.
public struct WarehouseError: Error, Sendable {
  public enum Kind: Sendable {
    /// No connection: wrong address, wrong password, server down.
    case connection
    /// The statement was refused.
    case statement
    /// The connection broke while a statement ran.
    case lost
    /// Stopped on our own request (Ctrl-C, fail-fast).
    case cancelled
  }

  public var kind: Kind
  public var sqlState: String?
  /// The primary message: one line, as the server words it.
  public var message: String
  public var detail: String?
  public var hint: String?
  /// In characters (Unicode scalars), from 1, in the statement as it was sent.
  public var position: Int?
  public var context: String?
  /// Everything that was said, as the client library lays it out, `LINE 3: …` with its caret
  /// included; without the severity.
  public var report: String?
  /// The statement as it was sent, without bound values.
  public var sql: String?
  /// Which of several texts that were sent together it is about.
  public var part: Int?

  public init(
    kind: Kind,
    sqlState: String? = nil,
    message: String,
    detail: String? = nil,
    hint: String? = nil,
    position: Int? = nil,
    context: String? = nil,
    report: String? = nil,
    sql: String? = nil
  ) {
    self.kind = kind
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.position = position
    self.context = context
    self.report = report
    self.sql = sql
  }
}

/// What came of texts that were sent together.
public struct MessageResult: Sendable {
  /// What the server said to each text, as far as they were run.
  public var responses: [AdapterResponse]
  /// The last text's rows.
  public var table: ResultTable
  /// Why one of them failed: none after it was run.
  public var failure: WarehouseError?
  /// The transaction that a COMMIT among them was to end, as far as the server told before it did.
  public var transaction: TransactionMark?

  public init(
    responses: [AdapterResponse] = [],
    table: ResultTable = ResultTable(),
    failure: WarehouseError? = nil
  ) {
    self.responses = responses
    self.table = table
    self.failure = failure
  }
}

/// A connection: owned by one thread, used synchronously.
public protocol WarehouseConnection: AnyObject {
  /// Sends one text, which may hold several statements; the result is the last one's.
  ///
  /// `fetch`: whether rows are wanted; without it they are dropped.
  /// `limit`: at most so many rows are kept.
  func execute(
    _ sql: String,
    fetch: Bool,
    limit: Int?
  ) throws(WarehouseError)
    -> (response: AdapterResponse, table: ResultTable)

  /// Sends several texts in one message, which saves the way there and back. Each but the last is one
  /// statement; the last may hold several. What fails names its text by number (`part`), and its
  /// position counts from there.
  func execute(together texts: [String], fetch: Bool, limit: Int?) -> MessageResult

  /// Bulk load: `sql` is a `COPY … FROM STDIN`; `next` gives chunks of bytes until nil.
  /// An error thrown by `next` aborts the copy. Returns the number of rows.
  func copyIn(
    _ sql: String,
    next: () throws(WarehouseError) -> [UInt8]?
  ) throws(WarehouseError) -> Int

  /// Can be called from any thread; makes a running statement end with `.cancelled`.
  var canceller: any StatementCanceller { get }

  /// The server's view of the transaction.
  var isInTransaction: Bool { get }

  /// Whether all that was done since the session was new is undone when it ends now, or is already.
  var isUndoable: Bool { get }

  /// Makes the session as good as a new one, for the next node: leaves an open transaction, forgets
  /// temporary tables and settings. Cheaper than another connection. It may be left to the next text,
  /// or to `settleSession()`, whichever comes first.
  func resetSession() throws(WarehouseError)

  /// Does what `resetSession()` left for later: nobody else must wait for what the session holds.
  func settleSession() throws(WarehouseError)

  /// The statement after which those of the session belong to a query group (Redshift: the queue in which
  /// they wait, and the label under which system tables show them); nil: none is needed.
  ///
  /// `group`: nil for the one of the profile.
  func statement(choosingQueryGroup group: String?) -> String?

  /// Whether something came from the server that nobody asked for: it may have ended the session.
  var isDoubtful: Bool { get }

  /// The number by which the server knows the session; nil where it has none, or the connection is
  /// closed.
  var serverSession: Int? { get }

  /// The name under which it was lent before; nil: it is new.
  var formerName: String? { get }

  /// Whether `close()` leaves an open transaction by itself, in its own time.
  var leavesTransactionWhenClosed: Bool { get }

  func close()
}

extension WarehouseConnection {
  public var formerName: String? { nil }

  /// There are no such groups.
  public func statement(choosingQueryGroup group: String?) -> String? { nil }

  /// One after the other.
  public func execute(together texts: [String], fetch: Bool, limit: Int?) -> MessageResult {
    var result = MessageResult()
    for (index, text) in texts.enumerated() {
      let isLast = index == texts.count - 1
      do throws(WarehouseError) {
        let (response, table) = try execute(
          text,
          fetch: isLast && fetch,
          limit: isLast ? limit : nil
        )
        result.responses.append(response)
        result.table = table
      } catch {
        result.failure = error
        result.failure?.part = index
        return result
      }
    }
    return result
  }

  public func settleSession() throws(WarehouseError) {}
  public var isDoubtful: Bool { false }
  public var serverSession: Int? { nil }
  public var leavesTransactionWhenClosed: Bool { false }
}

/// Cancels what a connection is running; safe from any thread, harmless when nothing runs.
public protocol StatementCanceller: Sendable {
  func cancel()
  /// Gives the connection up, if a request to cancel has reached nobody: the statement ends at once, with an
  /// error. Nothing happens where the server has taken the request, however long it takes to stop.
  func abandon()
}

extension StatementCanceller {
  public func abandon() {}
}

/// A database that connections can be opened to; shared by all threads.
public protocol Warehouse: Sendable {
  /// `postgres` or `redshift`.
  var adapterType: String { get }
  /// `name`: what the connection is for, shown in logs (`model.p.m`).
  func open(name: String) throws(WarehouseError) -> any WarehouseConnection
  /// The same for whoever may come by another connection meanwhile: asked ten times a second while the server is
  /// waited for.
  func open(
    name: String,
    unless isNeedless: @escaping @Sendable () -> Bool
  ) throws(WarehouseError) -> any WarehouseConnection
  /// What came of a transaction whose COMMIT got no answer; asked on a connection of its own. A
  /// transaction that still runs is ended first: nobody waits for it any more.
  func outcome(of transaction: TransactionMark) throws(WarehouseError) -> TransactionOutcome
  /// Ends a session whose client is gone, by its number; a COMMIT that is under way may come to its end.
  /// Returns whether it has ended, so that what it did can be seen; false where nobody can know.
  func end(session: Int) throws(WarehouseError) -> Bool
  /// How the user finds out what `outcome` could not: whether the last COMMIT of a session, by its number,
  /// was carried out.
  func adviceOnLostCommit(session: Int?) -> String
  /// Reads what statements took; nil where nobody asks for it, or the database keeps no record.
  var queryCosts: (any QueryCostReader)? { get }
  /// What loads many rows; nil where statements, or `copyIn`, are all there is.
  var bulkLoader: (any BulkLoader)? { get }
}

extension Warehouse {
  public var bulkLoader: (any BulkLoader)? { nil }
  public var queryCosts: (any QueryCostReader)? { nil }

  public func open(
    name: String,
    unless isNeedless: @escaping @Sendable () -> Bool
  ) throws(WarehouseError) -> any WarehouseConnection {
    try open(name: name)
  }

  public func outcome(
    of transaction: TransactionMark
  ) throws(WarehouseError) -> TransactionOutcome {
    transaction == .empty ? .undone : .unknown
  }

  public func end(session: Int) throws(WarehouseError) -> Bool { false }

  public func adviceOnLostCommit(session: Int?) -> String {
    "look at what stands there, then run it again"
  }
}
