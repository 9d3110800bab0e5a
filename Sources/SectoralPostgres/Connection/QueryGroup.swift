import SectoralWarehouse

/// Which query group a session of Redshift is in: the queue of the workload management in which its statements
/// wait, and the label under which the system tables show them.
///
/// A group that was set within a transaction is that of before when the transaction is left.
package struct QueryGroup {
  /// The statement that gives what every session begins with.
  private let usual: String
  /// The statement that gave the group; nil: nobody knows which it is.
  private var current: String?
  /// The same, of the open transaction.
  private var pending: String?

  /// `preparation`: what a new session is told.
  init(preparation: [String]) {
    usual = preparation.last { StatementWords.queryGroupSetting($0) != nil } ?? Self.reset
    current = usual
  }

  package static func set(_ group: String) -> String {
    "set query_group to \(TextLiteral.redshift.quoted(group))"
  }
  private static let reset = "reset query_group"

  /// `group`: nil for the usual one. nil where the session is in it.
  func statement(choosing group: String?) -> String? {
    let wanted = group.map(Self.set) ?? usual
    return (pending ?? current) == wanted ? nil : wanted
  }

  /// Notes what came of texts that were sent together.
  mutating func note(_ texts: [String], hasFailed: Bool, isInTransaction: Bool) {
    for text in texts {
      if let setting = StatementWords.queryGroupSetting(text) {
        pending = setting
      } else if pending != nil, text.prefix(8).lowercased() == "rollback" {
        transactionIsLeft()
      }
    }
    guard let setting = pending else { return }
    if hasFailed {
      transactionIsLeft()
    } else if !isInTransaction {
      (current, pending) = (setting, nil)
    }
  }

  mutating func transactionIsLeft() {
    guard pending != nil else { return }
    (current, pending) = (nil, nil)
  }
}
