package import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A message that the server sends beside its answers: `NOTICE`, `WARNING`, `INFO`.
package struct PostgresNotice: Sendable, Hashable {
  /// As the server words it, in its language.
  package let severity: String
  package let message: String
  package let sqlState: String?
  package let detail: String?
  package let hint: String?
}

/// A Postgres database that connections can be opened to.
package struct PostgresWarehouse: Warehouse {
  package let adapterType: String
  package let credentials: PostgresCredentials
  /// Gets each notice with the name of its connection, on the thread of the connection.
  package let onNotice: (@Sendable (PostgresNotice, String) -> Void)?
  private let wait: @Sendable (_ seconds: Int) -> Void
  private let isCancelled: @Sendable () -> Bool
  private let traits = ServerTraits()

  /// Opens nothing yet.
  ///
  /// - Parameters:
  ///   - credentials: Where the database is.
  ///   - adapterType: `postgres`, or what else speaks its protocol.
  ///   - onNotice: Gets notices; without it they are dropped.
  ///   - isCancelled: Ctrl-C: nobody waits for the server any longer.
  ///   - wait: Sleeps before another attempt to connect; tests do without.
  package init(
    _ credentials: PostgresCredentials,
    adapterType: String = "postgres",
    onNotice: (@Sendable (PostgresNotice, String) -> Void)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    wait: (@Sendable (_ seconds: Int) -> Void)? = nil
  ) {
    self.credentials = credentials
    self.adapterType = adapterType
    self.onNotice = onNotice
    self.isCancelled = isCancelled
    self.wait =
      wait
      ?? { seconds in
        for _ in 0..<seconds * 20 where !isCancelled() { usleep(50_000) }
      }
  }

  package func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    try connect(name: name)
  }

  package func open(
    name: String,
    unless isNeedless: @escaping @Sendable () -> Bool
  ) throws(WarehouseError) -> any WarehouseConnection {
    try connect(name: name, unless: isNeedless)
  }

  /// Opens a connection; a failed attempt is repeated `retries` times after 1, 4, 9… seconds,
  /// unless the server's answer would be the same again. A server that is starting, or has no
  /// connection left, is asked again for as long as `connect_timeout` says, unless `retries` is 0.
  package func connect(
    name: String,
    unless isNeedless: @escaping @Sendable () -> Bool = { false }
  ) throws(WarehouseError) -> PostgresConnection {
    let isGivenUp: @Sendable () -> Bool = { [isCancelled] in isCancelled() || isNeedless() }
    var attempt = 1
    var waited = 0
    while true {
      do {
        return try PostgresConnection(
          credentials: credentials,
          name: name,
          traits: traits,
          onNotice: onNotice,
          isCancelled: isGivenUp
        )
      } catch {
        guard credentials.retries > 0, error.mayPassByWaiting else { throw error }
        let isBusy = error.sqlState == "57P03" || error.sqlState == "53300"
        guard
          attempt <= credentials.retries || (isBusy && waited < max(credentials.connectTimeout, 10))
        else { throw error }
        let pause = isBusy ? 1 : attempt * attempt
        wait(pause)
        if isGivenUp() { throw .givenUpConnecting }
        waited += pause
        attempt += 1
      }
    }
  }

  package func outcome(
    of transaction: TransactionMark
  ) throws(WarehouseError) -> TransactionOutcome {
    let connection = try connect(name: "outcome")
    defer { connection.close() }
    return try connection.outcome(of: transaction, wait: wait)
  }
}
