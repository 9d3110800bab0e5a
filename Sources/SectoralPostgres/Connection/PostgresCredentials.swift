/// What a profile says about a Postgres server; the fields are those of dbt's `postgres` outputs.
package struct PostgresCredentials: Sendable, Hashable {
  /// A host name, an address, or the directory of a Unix socket.
  package var host: String
  package var port: Int
  package var user: String
  /// nil leaves it to libpq: a password file, or a server that asks for none.
  package var password: String?
  package var database: String
  /// In seconds; 0 waits without end.
  package var connectTimeout: Int
  /// Whether the system asks the other end now and then if it is still there.
  package var keepsAlive = true
  /// In seconds; 0 leaves the system's default.
  package var keepalivesIdle: Int
  /// In seconds; nil leaves the system's default.
  package var keepalivesInterval: Int?
  /// After so many questions without an answer the connection is lost; nil leaves the system's default.
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

  /// libpq's parameters. An empty value counts as not given.
  var connectionParameters: [(keyword: String, value: String)] {
    var parameters = [
      (keyword: "host", value: host), ("port", String(port)), ("user", user),
      ("dbname", database), ("client_encoding", "UTF8"),
    ]
    func add(_ keyword: String, _ value: String?) {
      if let value, !value.isEmpty { parameters.append((keyword, value)) }
    }
    add("password", password)
    if !keepsAlive { add("keepalives", "0") }
    if let keepalivesInterval { add("keepalives_interval", String(keepalivesInterval)) }
    if let keepalivesCount { add("keepalives_count", String(keepalivesCount)) }
    if keepalivesIdle != 0 { add("keepalives_idle", String(keepalivesIdle)) }
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
