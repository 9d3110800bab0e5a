import SectoralCompiler
import SectoralPostgres
import SectoralProject
import SectoralRedshift
import SectoralRunner
import SectoralText
import SectoralWarehouse
import SectoralYAML

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Opens the databases that profiles name: through libpq, or the private server.
struct ProfileWarehouses: WarehouseProvider {
  /// The hidden command that runs the private server's supervisor.
  static let supervisorCommand = "_supervise"

  let environment: [String: String]
  /// Told in the middle of a start that takes longer than one expects.
  let announce: @Sendable (String) -> Void
  /// Ctrl-C.
  let isCancelled: @Sendable () -> Bool

  private func server() throws(Failure) -> EmbeddedServer {
    let program = CommandLine.arguments.first ?? "sectoral"
    let configuration = EmbeddedConfiguration.standard(
      environment: environment,
      supervisor: [Self.executablePath ?? program, Self.supervisorCommand]
    )
    let announce = announce
    do throws(EmbeddedServerError) {
      return try EmbeddedServer(configuration) { event in
        switch event {
        case .waiting: announce("Waiting for another command that starts or stops the server")
        case .creatingCluster(let directory):
          announce("Creating the private Postgres cluster in \(directory) (once, about a second)")
        case .starting: break
        case .recreated(let reason, let place):
          announce(
            "The private Postgres cluster would not start (\(reason)): it was moved to \(place) and "
              + "an empty one was made; 'seed' and 'run' bring back what was in it"
          )
        }
      }
    } catch { throw Failure(error) }
  }

  private static var executablePath: String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
    guard count > 0 else { return nil }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func embeddedDatabase(projectName: String, projectDirectory: String) -> String {
    EmbeddedServer.databaseName(project: projectName, directory: projectDirectory)
  }

  func warehouse(for profile: Profile) throws(Failure) -> any Warehouse {
    let keys = profile.credentials
    func text(_ key: String) -> String? { keys[key]?.string }
    guard profile.isEmbedded else {
      if profile.type == "redshift" { return try redshift(profile) }
      var credentials = PostgresCredentials(
        host: text("host") ?? "",
        port: keys["port"]?.int ?? 5432,
        user: text("user") ?? "",
        password: text("password"),
        database: profile.database,
        connectTimeout: keys["connect_timeout"]?.int ?? 10,
        keepalivesIdle: keys["keepalives_idle"]?.int ?? 0,
        sslMode: text("sslmode"),
        sslCertificate: text("sslcert"),
        sslKey: text("sslkey"),
        sslRootCertificate: text("sslrootcert"),
        searchPath: text("search_path"),
        applicationName: text("application_name"),
        role: text("role"),
        // The session of a node sends BEGIN where dbt's driver does.
        retries: keys["retries"]?.int ?? 1,
        autocommit: true
      )
      credentials.looksUpHosts = environment["PGHOSTADDR"]?.isEmpty ?? true
      return PostgresWarehouse(credentials, isCancelled: isCancelled)
    }
    let searchPath = text("search_path")
    let role = text("role")
    let warehouse = EmbeddedWarehouse(
      server: try server(),
      database: profile.database,
      adjust: { credentials in
        credentials.searchPath = searchPath
        credentials.role = role
        credentials.autocommit = true
      }
    )
    do throws(WarehouseError) {
      try warehouse.open(name: "start").close()
    } catch { throw Failure(error) }
    return warehouse
  }

  // MARK: db

  func perform(
    _ action: DatabaseAction,
    for profile: Profile,
    projectDirectory: String
  ) throws(Failure) -> String {
    if !profile.isEmbedded {
      if case .psql = action {
      } else {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "db.not-embedded",
            message:
              "the target '\(profile.targetName)' of profile '\(profile.profileName)' is not "
              + "the embedded server",
            span: profile.file?.startSpan,
            hint: "'sectoral db' is for targets with 'embedded: true'; choose one with --target"
          )
        )
      }
    }
    do {
      switch action {
      case .status: return try status(try server(), profile)
      case .start:
        let server = try server()
        let lease = try server.holdLease()
        let endpoint = try server.start()
        try server.ensureDatabase(named: profile.database)
        withExtendedLifetime(lease) {}
        return "The server listens on \(endpoint.socketDirectory); this project's database is "
          + "\(profile.database)"
      case .stop:
        let stopped = try server().stop(evenIfInUse: false)
        return stopped ? "The server was stopped" : "The server was not running"
      case .reset:
        let server = try server()
        let lease = try server.holdLease()
        _ = try server.start()
        try server.reset(database: profile.database)
        withExtendedLifetime(lease) {}
        return "The database \(profile.database) is empty; 'sectoral build' fills it"
      case .psql(let arguments): return try psql(arguments, profile)
      }
    } catch let error as EmbeddedServerError {
      throw Failure(error)
    } catch let error as Failure {
      throw error
    } catch { preconditionFailure("an error of an unknown kind: \(error)") }
  }

  private func status(
    _ server: EmbeddedServer,
    _ profile: Profile
  ) throws(EmbeddedServerError)
    -> String
  {
    let status = try server.status()
    guard let endpoint = status.endpoint else {
      return "The server is not running; any command that needs it starts it"
    }
    var lines = [
      "The server runs: Postgres \(status.version ?? "?")"
        + (status.serverProcess.map { ", process \($0)" } ?? ""),
      "  socket     \(endpoint.socketDirectory)", "  user       \(endpoint.user)",
      "  data       \(server.dataDirectory)", "  in use     \(status.isInUse ? "yes" : "no")",
    ]
    for database in status.databases {
      let mark = database.name == profile.database ? " (this project)" : ""
      lines.append("  database   \(database.name), \(database.bytes / 1_048_576) MB\(mark)")
    }
    return lines.joined(separator: "\n")
  }

  private func psql(_ arguments: [String], _ profile: Profile) throws -> String {
    var own: [String]
    var held: EmbeddedServerLease?
    defer { withExtendedLifetime(held) {} }
    var program = "psql"
    if profile.isEmbedded {
      let server = try server()
      let lease = try server.holdLease()
      let endpoint = try server.start()
      try server.ensureDatabase(named: profile.database)
      // psql takes this process over: the server must not stop while it is open.
      lease.surviveExecution()
      held = lease
      program = server.binaries.path(of: "psql")
      own = endpoint.psqlArguments(database: profile.database)
    } else {
      let keys = profile.credentials
      var place = (keys["host"]?.string ?? "", keys["port"]?.int ?? 5432)
      var login = (keys["user"]?.string ?? "", keys["password"]?.string)
      if profile.type == "redshift" {
        let warehouse = try redshift(profile)
        do throws(WarehouseError) {
          let found = try warehouse.login()
          place = (found.host, found.port)
          login = (found.user, found.password)
        } catch { throw Failure(error) }
      }
      own = ["-h", place.0, "-p", String(place.1), "-U", login.0, "-d", profile.database]
      if let password = login.1 { setenv("PGPASSWORD", password, 1) }
    }
    own = ["psql"] + own + arguments
    let pointers = own.map { strdup($0) } + [nil]
    execvp("psql", pointers)
    execvp(program, pointers)
    throw Failure(
      .runtime,
      Diagnostic(
        id: "db.no-psql",
        message: "psql could not be run: \(String(cString: strerror(errno)))",
        hint: "install it: apt-get install postgresql-client"
      )
    )
  }
}

extension Failure {
  init(_ error: EmbeddedServerError) {
    self.init(
      .runtime,
      Diagnostic(
        id: "embedded.\(error.kind)",
        message: ([error.message] + (error.log.map { [$0] } ?? [])).joined(separator: "\n"),
        hint: error.hint
      )
    )
  }

  init(_ error: WarehouseError) {
    var lines = [error.message]
    if let detail = error.detail { lines.append(detail) }
    self.init(
      .database,
      Diagnostic(
        id: "database.connection",
        message: lines.joined(separator: "\n"),
        hint: error.hint
      )
    )
  }
}
