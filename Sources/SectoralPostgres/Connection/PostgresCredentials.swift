/// What a profile says about a Postgres server; the fields are those of dbt's `postgres` outputs.
package struct PostgresCredentials: Sendable, Hashable {
  /// A host name, an address, or the directory of a Unix socket.
  package var host: String
  package var port: Int
  package var user: String
  /// nil leaves it to libpq: a password file, or a server that asks for none.
  package var password: String?
  package var database: String
  /// For each look-up of a name and each address, in seconds; 0 waits without end.
  package var connectTimeout: Int
  /// Whether names are looked up here; else libpq knows the addresses (PGHOSTADDR).
  package var looksUpHosts = true
  /// Whether the system asks the other end now and then if it is still there.
  package var keepsAlive = true
  /// In seconds; 0: 60. The system's default is two hours, and so long a lost connection would be waited for.
  package var keepalivesIdle: Int
  /// In seconds; nil: 10.
  package var keepalivesInterval: Int?
  /// After so many questions without an answer the connection is lost; nil: 6.
  package var keepalivesCount: Int?
  package var sslMode: String?
  package var sslCertificate: String?
  package var sslKey: String?
  package var sslRootCertificate: String?
  package var searchPath: String?
  /// Whether it goes with the request for a connection.
  package var sendsSearchPath = true
  package var applicationName: String?
  /// Set after connecting, as it is written: an unquoted name is folded to lower case.
  package var role: String?
  /// Further statements that a new session is given.
  package var preparation: [String] = []
  /// How often a failed attempt to connect is repeated.
  package var retries: Int
  /// Without it one `BEGIN` is sent before the first statement of a connection, as dbt's driver
  /// does, so that the statements up to the first `COMMIT` are one transaction.
  package var autocommit: Bool

  package init(
    host: String,
    port: Int = 5432,
    user: String,
    password: String? = nil,
    database: String,
    connectTimeout: Int = 10,
    keepalivesIdle: Int = 0,
    sslMode: String? = nil,
    sslCertificate: String? = nil,
    sslKey: String? = nil,
    sslRootCertificate: String? = nil,
    searchPath: String? = nil,
    applicationName: String? = "dbt",
    role: String? = nil,
    retries: Int = 1,
    autocommit: Bool = false
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.database = database
    self.connectTimeout = connectTimeout
    self.keepalivesIdle = keepalivesIdle
    self.sslMode = sslMode
    self.sslCertificate = sslCertificate
    self.sslKey = sslKey
    self.sslRootCertificate = sslRootCertificate
    self.searchPath = searchPath
    self.applicationName = applicationName
    self.role = role
    self.retries = retries
    self.autocommit = autocommit
  }

  /// How the system finds out that the other end is gone, times in seconds; nil: it does not.
  private var pulse: (idle: Int, interval: Int, count: Int)? {
    guard keepsAlive else { return nil }
    return (
      keepalivesIdle > 0 ? keepalivesIdle : 60, keepalivesInterval ?? 10, keepalivesCount ?? 6
    )
  }

  /// After so many seconds without a word from the other end the connection is lost, be it that something was
  /// sent or not; nil: whenever the system thinks so.
  var patience: Int? { pulse.map { $0.idle + $0.interval * $0.count } }

  /// libpq's parameters, but for the host's. An empty value counts as not given.
  var connectionParameters: [(keyword: String, value: String)] {
    var parameters = [
      (keyword: "port", value: String(port)), ("user", user), ("dbname", database),
      ("client_encoding", "UTF8"),
    ]
    func add(_ keyword: String, _ value: String?) {
      if let value, !value.isEmpty { parameters.append((keyword, value)) }
    }
    add("password", password)
    if let pulse {
      add("keepalives_idle", String(pulse.idle))
      add("keepalives_interval", String(pulse.interval))
      add("keepalives_count", String(pulse.count))
    } else {
      add("keepalives", "0")
    }
    add("sslmode", sslMode)
    add("sslcert", sslCertificate)
    add("sslkey", sslKey)
    add("sslrootcert", sslRootCertificate)
    if sendsSearchPath, let searchPath, !searchPath.isEmpty {
      // The server splits the options at blanks that have no backslash before them.
      var escaped = "-c search_path="
      for scalar in searchPath.unicodeScalars {
        if scalar == " " { escaped += "\\" }
        escaped.unicodeScalars.append(scalar)
      }
      add("options", escaped)
    }
    add("application_name", applicationName)
    return parameters
  }
}

/// Credentials end up in logs and crash reports by way of `print` and `dump`; the password does not.
extension PostgresCredentials: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String { "\(user)@\(host):\(port)/\(database)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
