/// What transactions a connection begins and ends by itself.
package struct TransactionStyle: Sendable, Hashable {
  /// The driver sends one BEGIN before the first statement of a connection.
  package var driverBegins: Bool
  /// A statement that opens a transaction has BEGIN sent with the first statement that changes something.
  package var beginsLate: Bool
  /// So does every other statement that is no query: what nobody commits is undone.
  package var alwaysBegins: Bool
  /// Ending a transaction sends COMMIT or ROLLBACK.
  package var sendsEnd: Bool
  /// Texts of several statements are taken as so many statements.
  package var splitsStatements: Bool
  /// The driver tells which command was run.
  package var namesCommands: Bool

  package init(
    driverBegins: Bool,
    beginsLate: Bool = false,
    alwaysBegins: Bool = false,
    sendsEnd: Bool,
    splitsStatements: Bool = false,
    namesCommands: Bool = true
  ) {
    self.driverBegins = driverBegins
    self.beginsLate = beginsLate
    self.alwaysBegins = alwaysBegins
    self.sendsEnd = sendsEnd
    self.splitsStatements = splitsStatements
    self.namesCommands = namesCommands
  }

  package static let postgres = TransactionStyle(driverBegins: true, sendsEnd: true)
  /// `autocommit: true` without transaction statements.
  package static let postgresAutocommit = TransactionStyle(driverBegins: false, sendsEnd: false)
  package static let redshift = TransactionStyle(
    driverBegins: false,
    beginsLate: true,
    sendsEnd: true,
    splitsStatements: true,
    namesCommands: false
  )
  /// `autocommit: false`: the driver opens a transaction for whatever comes.
  package static let redshiftWithoutAutocommit = TransactionStyle(
    driverBegins: false,
    beginsLate: true,
    alwaysBegins: true,
    sendsEnd: true,
    splitsStatements: true,
    namesCommands: false
  )
  package static let redshiftWithoutTransactions = TransactionStyle(
    driverBegins: false,
    sendsEnd: false,
    splitsStatements: true,
    namesCommands: false
  )
}
