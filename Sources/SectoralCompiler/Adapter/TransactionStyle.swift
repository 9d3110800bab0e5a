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
