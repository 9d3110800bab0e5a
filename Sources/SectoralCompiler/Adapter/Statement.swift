package import SectoralWarehouse

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

/// What the server says to a statement, once it was run.
package final class StatementAnswer {
  package var response: AdapterResponse?

  package init(_ response: AdapterResponse? = nil) { self.response = response }
}

/// A statement on its way to the server.
struct Statement {
  /// As the caller gave it.
  let sql: String
  /// With its comment.
  let text: String
  let comment: QueryComment?
  var answer = StatementAnswer()
  /// Whether logs show its beginning alone: it is long, and holds rows.
  var isAbridged = false
  /// What it is a part of.
  var attempt: Attempt?

  /// Those that begin and end a session's transaction, as only sessions send them.
  var isBegin: Bool { comment == nil && sql == "BEGIN" }
  var isCommit: Bool { comment == nil && sql == "COMMIT" }

  /// As logs show it.
  var shown: String { isAbridged ? String(text.prefix(512)) + "..." : text }
}

/// Statements in a savepoint, or at the start of a transaction, in whose place something else is done where the server refuses them.
final class Attempt {
  let reasons: Set<String>
  let otherwise: () throws(WarehouseError) -> Void

  init(_ reasons: Set<String>, otherwise: @escaping () throws(WarehouseError) -> Void) {
    self.reasons = reasons
    self.otherwise = otherwise
  }
}
