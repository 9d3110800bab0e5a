internal import CPostgres
internal import SectoralText
internal import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A private Postgres server, one per user and major version, that is started when it is needed and
/// stops when nobody uses it.
///
/// The state directory holds, per major version:
///
/// | file | what |
/// |---|---|
/// | `data` | the cluster; all in it can be made again by `seed` and `run` |
/// | `lock` | locked by who starts or stops the server |
/// | `lease` | locked, shared, by who uses the server; its time is that of the last use |
/// | `supervisor` | locked by the process that watches the server; tells where the socket is |
/// | `server.log` | what the server says |
///
/// The server listens on a Unix socket in a directory that only its owner may enter, and on no
/// network address. So it asks for no password.
package struct EmbeddedServer: Sendable {
  package let configuration: EmbeddedConfiguration
  package let binaries: ServerBinaries
  /// Who the server runs as; nil is the caller.
  let account: ServerAccount?
  let report: @Sendable (EmbeddedServerEvent) -> Void

  /// Finds Postgres; starts nothing and writes nothing.
  package init(
    _ configuration: EmbeddedConfiguration,
    report: @escaping @Sendable (EmbeddedServerEvent) -> Void = { _ in }
  ) throws(EmbeddedServerError) {
    self.configuration = configuration
    self.report = report
    binaries = try ServerBinaries.find(configuration)
    account = try ServerAccount.needed(preferring: configuration.accountName)
  }

  // MARK: Places

  /// All files of one major version.
  package var directory: String { "\(configuration.stateDirectory)/\(binaries.majorVersion)" }
  package var dataDirectory: String { "\(directory)/data" }
  package var logFile: String { "\(directory)/server.log" }
  var startLockFile: String { "\(directory)/lock" }
  var leaseFile: String { "\(directory)/lease" }
  var supervisorFile: String { "\(directory)/supervisor" }
  var socketDirectory: String { "\(configuration.runtimeDirectory)/\(binaries.majorVersion)" }

  /// Where the next server will listen.
  var plannedEndpoint: EmbeddedEndpoint {
    EmbeddedEndpoint(
      socketDirectory: socketDirectory,
      port: EmbeddedEndpoint.standardPort,
      user: EmbeddedEndpoint.superuser,
      majorVersion: binaries.majorVersion
    )
  }

  // MARK: Use

  /// Keeps the server from stopping. To be taken before the server is asked for, and kept while it
  /// is used.
  package func holdLease() throws(EmbeddedServerError) -> EmbeddedServerLease {
    try prepareDirectories()
    // Waits while a supervisor is stopping the server.
    guard let lock = try FileLock.acquire(leaseFile, .shared, waits: true, touches: true) else {
      preconditionFailure("a lock that is waited for is got")
    }
    return EmbeddedServerLease(lock)
  }

  /// The server's address if it runs and takes connections.
  package func runningEndpoint() -> EmbeddedEndpoint? {
    guard let endpoint = registration()?.endpoint(of: self), case .accepting = probe(endpoint)
    else {
      return nil
    }
    return endpoint
  }

  /// A name of at most 63 bytes for the database of a project.
  ///
  /// - Parameters:
  ///   - project: Its name.
  ///   - directory: Its absolute path: two checkouts have two databases.
  /// - Returns: a name that needs no quotes.
  package static func databaseName(project: String, directory: String) -> String {
    let hash = Digest.sha256(directory.utf8).prefix(8)
    var name = ""
    for scalar in project.unicodeScalars {
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      name += isPlain ? String(scalar).lowercased() : "_"
    }
    if name.first.map({ !$0.isLetter }) ?? true { name = "p" + name }
    return "\(name.prefix(63 - 9))_\(hash)"
  }

  /// What is known about the server; starts nothing.
  package struct Status: Sendable {
    package struct Database: Sendable, Hashable {
      package let name: String
      package let bytes: Int
    }

    package var endpoint: EmbeddedEndpoint?
    package var serverProcess: Int?
    package var supervisorProcess: Int?
    /// As the server says, `15.4 (Debian 15.4-1)`.
    package var version: String?
    package var databases: [Database] = []
    /// Whether a command is using it now.
    package var isInUse = false
    package var isRunning: Bool { endpoint != nil }
  }

  package func status() throws(EmbeddedServerError) -> Status {
    var status = Status()
    guard Paths.exists(supervisorFile), let endpoint = runningEndpoint() else { return status }
    status.endpoint = endpoint
    if let registration = registration() {
      status.supervisorProcess = Int(registration.supervisor)
      status.serverProcess = Int(registration.server)
    }
    if let lease = try FileLock.acquire(leaseFile, .exclusive, waits: false) {
      lease.release()
    } else {
      status.isInUse = true
    }
    do throws(WarehouseError) {
      let connection = try administrator(endpoint)
      defer { connection.close() }
      let databases = try connection.execute(
        """
        select datname, pg_database_size(oid), current_setting('server_version')
        from pg_database where not datistemplate and datname <> 'postgres' order by 1
        """,
        fetch: true,
        limit: nil
      )
      status.databases = databases.table.rows.map {
        Status.Database(name: $0[0] ?? "", bytes: $0[1].flatMap { Int($0) } ?? 0)
      }
      status.version = try connection.execute("show server_version", fetch: true, limit: 1)
        .table.rows.first?[0]
    } catch {
      throw EmbeddedServerError(error, doing: "cannot ask the server for its databases")
    }
    return status
  }
}

/// Where a private server listens.
package struct EmbeddedEndpoint: Sendable, Hashable {
  static let standardPort = 5432
  static let superuser = "sectoral"

  package let socketDirectory: String
  package let port: Int
  package let user: String
  package let majorVersion: Int

  var socketFile: String { "\(socketDirectory)/.s.PGSQL.\(port)" }

  package func credentials(database: String) -> PostgresCredentials {
    PostgresCredentials(
      host: socketDirectory,
      port: port,
      user: user,
      database: database,
      retries: 0
    )
  }

  /// What psql needs to connect.
  package func psqlArguments(database: String) -> [String] {
    ["-h", socketDirectory, "-p", String(port), "-U", user, "-d", database]
  }
}

/// What a supervisor says about itself, in its lock file.
struct SupervisorRegistration {
  var supervisor: pid_t
  var server: pid_t
  var port: Int
  var socketDirectory: String

  var text: String { "\(supervisor)\n\(server)\n\(port)\n\(socketDirectory)\n" }

  init(supervisor: pid_t, server: pid_t, port: Int, socketDirectory: String) {
    self.supervisor = supervisor
    self.server = server
    self.port = port
    self.socketDirectory = socketDirectory
  }

  init?(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 5, let supervisor = pid_t(lines[0]), let server = pid_t(lines[1]),
      let port = Int(lines[2]), supervisor > 0, server > 0
    else { return nil }
    self.init(
      supervisor: supervisor,
      server: server,
      port: port,
      socketDirectory: String(lines[3])
    )
  }

  func endpoint(of server: EmbeddedServer) -> EmbeddedEndpoint {
    EmbeddedEndpoint(
      socketDirectory: socketDirectory,
      port: port,
      user: EmbeddedEndpoint.superuser,
      majorVersion: server.binaries.majorVersion
    )
  }
}

extension EmbeddedServer {
  func registration() -> SupervisorRegistration? {
    Paths.contents(supervisorFile).flatMap {
      SupervisorRegistration(String(decoding: $0, as: UTF8.self))
    }
  }

  /// How a server answers.
  enum Answer {
    /// Nobody listens.
    case none
    /// It is starting or stopping.
    case notNow
    case accepting
    case refusing(WarehouseError)
  }

  func probe(_ endpoint: EmbeddedEndpoint) -> Answer {
    guard cpq_socket_answers(endpoint.socketFile) == 1 else { return .none }
    do throws(WarehouseError) {
      try administrator(endpoint).close()
      return .accepting
    } catch {
      switch error.sqlState {
      case "57P03"?: return .notNow
      // All connections are taken: it works.
      case "53300"?: return .accepting
      // It went away between the two looks.
      case nil: return cpq_socket_answers(endpoint.socketFile) == 1 ? .refusing(error) : .none
      default: return .refusing(error)
      }
    }
  }

  /// A connection to the database that is always there.
  func administrator(_ endpoint: EmbeddedEndpoint) throws(WarehouseError) -> PostgresConnection {
    var credentials = endpoint.credentials(database: "postgres")
    credentials.autocommit = true
    credentials.applicationName = "sectoral"
    return try PostgresConnection(credentials: credentials, name: "embedded server")
  }
}
