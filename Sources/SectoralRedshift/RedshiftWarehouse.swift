internal import SectoralAWS
internal import SectoralPostgres
package import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A Redshift database, over libpq, with logins as the profile's method says.
package struct RedshiftWarehouse: Warehouse {
  package var adapterType: String { "redshift" }
  let sessions: RedshiftSessions
  private let loader: S3Loader?
  package var bulkLoader: (any BulkLoader)? { loader }
  package var queryCosts: (any QueryCostReader)? {
    sessions.profile.readsQueryCosts ? SystemTables(sessions: sessions) : nil
  }

  /// `isCancelled`: Ctrl-C: nobody waits for the server any longer.
  package init(
    _ profile: RedshiftProfile,
    logins: RedshiftLogins,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    let sessions = RedshiftSessions(profile: profile, logins: logins, isCancelled: isCancelled)
    self.sessions = sessions
    loader = profile.bulkLoad.map {
      S3Loader($0, profile, account: logins.account) { name throws(WarehouseError) in
        try sessions.open(name: name)
      }
    }
  }

  package func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    try sessions.open(name: name)
  }

  /// https://docs.aws.amazon.com/redshift/latest/dg/r_STV_SESSIONS.html shows every user its own sessions, and
  /// `pg_terminate_backend` ends them.
  package func end(session: Int) throws(WarehouseError) -> Bool {
    let connection = try sessions.open(name: "outcome")
    defer { connection.close() }
    func ask(_ sql: String) throws(WarehouseError) -> [[String?]] {
      try connection.execute(sql, fetch: true, limit: nil).table.rows
    }
    for attempt in 0..<30 {
      if try ask("select 1 from stv_sessions where process = \(session)").isEmpty { return true }
      if attempt > 0 { _ = try ask("select pg_terminate_backend(\(session))") }
      sleep(1)
    }
    return false
  }

  /// Redshift gives a session no number of its transaction, and what it keeps of transactions only
  /// superusers may read: https://docs.aws.amazon.com/redshift/latest/dg/SYS_TRANSACTION_HISTORY.html.
  package func adviceOnLostCommit(session: Int?) -> String {
    var advice = "either all of it was carried out or nothing: look at what stands there"
    if let session {
      advice += """
        , or let a superuser ask: select status from sys_transaction_history where transaction_id = \
        (select transaction_id from sys_query_history where session_id = \(session) \
        order by start_time desc limit 1)
        """
    }
    return advice + "; then run it again"
  }

  /// Who sessions are, as AWS or the profile says.
  package func login() throws(WarehouseError) -> RedshiftLogin { try sessions.login() }
}

/// Opens sessions on a Redshift database.
struct RedshiftSessions: Sendable {
  let profile: RedshiftProfile
  let logins: RedshiftLogins
  var isCancelled: @Sendable () -> Bool = { false }

  func open(name: String) throws(WarehouseError) -> any WarehouseConnection {
    let login = try self.login()
    do throws(WarehouseError) {
      return try connect(login, name)
    } catch {
      // A login may have ended before its time: another one, once.
      guard error.isRefusal, logins.forget(login) else { throw explained(error) }
    }
    let second = try self.login()
    do throws(WarehouseError) {
      return try connect(second, name)
    } catch { throw explained(error) }
  }

  func login() throws(WarehouseError) -> RedshiftLogin {
    do throws(AWSError) {
      return try logins.login()
    } catch {
      throw WarehouseError(
        kind: error.kind == .cancelled ? .cancelled : .connection,
        message: "no login for \(profile.place): \(error.message)",
        hint: error.hint
      )
    }
  }

  private func connect(
    _ login: RedshiftLogin,
    _ name: String
  ) throws(WarehouseError) -> any WarehouseConnection {
    try PostgresWarehouse(
      credentials(login),
      adapterType: "redshift",
      isCancelled: isCancelled
    ).connect(name: name)
  }

  func credentials(_ login: RedshiftLogin) -> PostgresCredentials {
    var credentials = PostgresCredentials(
      host: login.host,
      port: login.port,
      user: login.user,
      password: login.password,
      database: profile.database,
      connectTimeout: profile.connectTimeout ?? 0,
      sslMode: sslMode,
      sslRootCertificate: profile.sslRootCertificate ?? defaultRootCertificate,
      searchPath: profile.searchPath,
      role: profile.role,
      retries: profile.retries,
      // The session of a node sends BEGIN where dbt's driver does.
      autocommit: true
    )
    // Redshift's documents name no settings that come with the connection: SET alone is sure.
    credentials.sendsSearchPath = false
    credentials.keepsAlive = profile.keepsAlive
    if profile.keepsAlive {
      credentials.keepalivesIdle = profile.keepaliveIdle ?? Self.keepaliveIdle
      credentials.keepalivesInterval = profile.keepaliveInterval
      credentials.keepalivesCount = profile.keepaliveCount
    }
    if let group = profile.queryGroup {
      credentials.preparation = [QueryGroup.set(group)]
    }
    return credentials
  }

  /// In seconds: load balancers and NAT gateways of AWS forget a connection after 350 without a word.
  static let keepaliveIdle = 200

  /// dbt's driver never does without TLS unless told to, and nor do passwords of AWS. On this machine
  /// nobody listens.
  private var sslMode: String {
    guard ["allow", "prefer"].contains(profile.sslMode) else { return profile.sslMode }
    let isLocal =
      profile.host == "localhost" || profile.host.hasPrefix("127.") || profile.host.hasPrefix("/")
    return isLocal && profile.method == .database ? profile.sslMode : "require"
  }

  /// libpq looks into ~/.postgresql alone; Redshift's certificates are signed by an authority that
  /// systems know.
  private var defaultRootCertificate: String? {
    guard profile.sslMode.hasPrefix("verify") else { return nil }
    let environment = logins.account.world.environment
    let places =
      [environment["PGSSLROOTCERT"], environment["SSL_CERT_FILE"]].compactMap { $0 } + [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
      ]
    return places.first { access($0, R_OK) == 0 }
  }

  /// The error with advice for Redshift.
  private func explained(_ error: WarehouseError) -> WarehouseError {
    guard error.kind == .connection else { return error }
    var error = error
    let words = error.message.lowercased()
    switch error.sqlState.map({ String($0.prefix(2)) }) {
    case "28"?:
      error.hint =
        profile.method == .database
        ? "check 'user' and 'password' of \(profile.place)"
        : "the login that AWS gave is refused: check 'host' against 'cluster_id'"
    case "3D"?:
      error.hint =
        "check 'dbname' of \(profile.place): a cluster has the database 'dev' until others are made"
    case "53"?: error.hint = "the cluster takes no more sessions: use fewer 'threads', or wait"
    case nil where words.contains("certificate") || words.contains("ssl"):
      error.hint =
        "check 'sslmode', and name the authority's certificates with 'sslrootcert' (Amazon's bundle: "
        + "see docs/redshift.md)"
    case nil:
      if let state = logins.state(), state.status != "available" {
        error.message =
          "the cluster '\(profile.clusterID ?? "")' is \(state.status): \(error.message)"
        error.hint = state.advice
      } else {
        error.hint =
          "check 'host' and 'port', that the cluster is not paused, and that its security group lets "
          + "this machine in"
      }
    default: break
    }
    return error
  }
}

extension WarehouseError {
  /// Whether the server knows the user and says no.
  fileprivate var isRefusal: Bool { kind == .connection && sqlState?.hasPrefix("28") ?? false }
}
