import Foundation
import SectoralWarehouse
import Synchronization
import Testing

@testable import SectoralPostgres

/// The private server: starting, sharing, recovering, stopping.
struct EmbeddedServerTests {
  private func query(
    _ cluster: TestCluster,
    _ sql: String,
    database: String = "postgres"
  ) throws
    -> String?
  {
    var credentials = cluster.server.plannedEndpoint.credentials(database: database)
    credentials.autocommit = true
    let connection = try PostgresWarehouse(credentials).connect(name: "test")
    defer { connection.close() }
    return try connection.execute(sql, fetch: true, limit: 1).table.rows.first?.first ?? nil
  }

  private func error(_ body: () throws -> Void) -> EmbeddedServerError? {
    do {
      try body()
    } catch {
      return error as? EmbeddedServerError
    }
    return nil
  }

  private func serverProcess(_ cluster: TestCluster) throws -> pid_t {
    try #require(cluster.server.registration()).server
  }

  private func arguments(
    _ cluster: TestCluster,
    _ command: String,
    idle: Int = 0,
    _ sql: String? = nil
  )
    -> [String]
  {
    [command, cluster.state, cluster.runtime, String(idle)] + (sql.map { [$0] } ?? [])
  }

  // MARK: Starting

  @Test(arguments: [nil, "nobody"])
  func makesAClusterAndListensOnASocketOnly(_ account: String?) throws {
    let cluster = try TestCluster(isEmpty: true) { $0.accountName = account }
    #expect(try !cluster.server.status().isRunning)
    #expect(!FileManager.default.fileExists(atPath: cluster.server.directory))
    let lease = try cluster.server.holdLease()
    let endpoint = try cluster.server.start()
    #expect(
      cluster.events == [.creatingCluster(directory: cluster.server.dataDirectory), .starting]
    )
    #expect(try query(cluster, "show listen_addresses") == "")
    #expect(try query(cluster, "show fsync") == "off")
    #expect(try query(cluster, "show server_encoding") == "UTF8")
    #expect(try query(cluster, "select current_user") == "sectoral")
    var status = stat()
    #expect(stat(endpoint.socketDirectory, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(stat(cluster.server.dataDirectory, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(status.st_uid != 0)
    if geteuid() == 0 {
      #expect(
        (account.map { [$0] } ?? ["postgres", "nobody"]).contains(cluster.server.account?.name)
      )
      #expect(status.st_uid == cluster.server.account?.user)
    }
    #expect(try cluster.server.start() == endpoint)
    #expect(cluster.events.count == 2)
    lease.release()
  }

  @Test func aWarehouseStartsItMakesTheDatabaseAndKeepsIt() throws {
    let cluster = try TestCluster()
    var warehouse: EmbeddedWarehouse? = EmbeddedWarehouse(
      server: cluster.server,
      database: "a \"b\" 'c'"
    )
    let connection = try #require(try warehouse?.connect(name: "test"))
    let name = try connection.execute("select current_database()", fetch: true, limit: 1).table
    #expect(name.rows == [["a \"b\" 'c'"]])
    let other = EmbeddedWarehouse(server: cluster.server, database: "a \"b\" 'c'")
    try other.open(name: "second").close()
    #expect(cluster.events == [.starting])
    #expect(try cluster.server.status().isInUse)
    #expect(try cluster.server.status().databases.map(\.name) == ["a \"b\" 'c'"])
    connection.close()
    warehouse = nil
    withExtendedLifetime(other) {}
  }

  @Test func aWarehouseFindsAServerThatWasStoppedBehindItsBack() throws {
    let cluster = try TestCluster()
    let warehouse = EmbeddedWarehouse(server: cluster.server, database: "project")
    try warehouse.open(name: "first").close()
    #expect(try cluster.server.stop(evenIfInUse: true))
    try warehouse.open(name: "second").close()
    try cluster.server.reset(database: "project")
    try warehouse.open(name: "third").close()
  }

  @Test func manyThreadsOpenOneWarehouse() throws {
    let cluster = try TestCluster()
    let warehouse = EmbeddedWarehouse(server: cluster.server, database: "project")
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      do {
        let connection = try warehouse.connect(name: "thread \(index)")
        let table = try connection.execute("select \(index)", fetch: true, limit: 1).table
        if table.rows != [[String(index)]] { failures.withLock { $0.append("\(table.rows)") } }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(cluster.events == [.starting])
  }

  @Test func manyStartersShareOneServer() throws {
    let cluster = try TestCluster(isEmpty: true)
    let tools = try (0..<4).map { _ in
      try TestTool.Running(arguments(cluster, "hold", "select pg_postmaster_start_time()"))
    }
    // Each keeps it until all have seen it.
    let starts = tools.map { tool in
      var text = ""
      while !text.contains("+00") {
        let piece = tool.readSome()
        if piece.isEmpty { break }
        text += piece
      }
      return text.split(separator: "\n").last.map(String.init) ?? ""
    }
    for tool in tools {
      tool.closeInput()
      #expect(tool.wait() == 0)
    }
    #expect(Set(starts).count == 1, "\(starts)")
  }

  @Test func databaseNamesAreShortAndTellProjectsApart() {
    let name = EmbeddedServer.databaseName(project: "My-Proj\u{E9}ct", directory: "/a/b")
    #expect(name.hasPrefix("my_proj_ct_") && name.utf8.count == 11 + 8)
    #expect(name != EmbeddedServer.databaseName(project: "My-Proj\u{E9}ct", directory: "/a/c"))
    let long = EmbeddedServer.databaseName(
      project: String(repeating: "x", count: 200),
      directory: "/"
    )
    #expect(long.utf8.count == 63)
    #expect(EmbeddedServer.databaseName(project: "1", directory: "/").hasPrefix("p1_"))
    #expect(EmbeddedServer.databaseName(project: "", directory: "/").hasPrefix("p_"))
  }

  // MARK: Recovery

  @Test func startsAgainAfterTheServerWasKilled() throws {
    let cluster = try TestCluster()
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    try cluster.server.ensureDatabase(named: "project")
    _ = try query(cluster, "create table t as select 1", database: "project")
    let process = try serverProcess(cluster)
    kill(process, SIGKILL)
    _ = try cluster.server.start()
    #expect(try serverProcess(cluster) != process)
    // Nothing was lost, and no cluster was made anew.
    #expect(try query(cluster, "select * from t", database: "project") == "1")
    #expect(cluster.events == [.starting, .starting])
    lease.release()
  }

  @Test func startsAgainAfterTheSupervisorWasKilled() throws {
    let cluster = try TestCluster()
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    let old = try #require(cluster.server.registration())
    kill(old.supervisor, SIGKILL)
    _ = try cluster.server.start()
    _ = try query(cluster, "select 1")
    eventually { kill(old.server, 0) != 0 }
    lease.release()
  }

  @Test func theToolsDeathLeavesAServerThatStops() throws {
    let cluster = try TestCluster()
    let tool = try TestTool.Running(arguments(cluster, "hold", "select pg_backend_pid()"))
    eventually { cluster.server.runningEndpoint() != nil }
    let process = try serverProcess(cluster)
    kill(tool.process.processIdentifier, SIGKILL)
    _ = tool.wait()
    eventually { kill(process, 0) != 0 }
    #expect(try !cluster.server.status().isRunning)
    // It went in order: nothing is left to recover.
    #expect(
      !FileManager.default.fileExists(atPath: cluster.server.dataDirectory + "/postmaster.pid")
    )
  }

  @Test func aToolKilledWhileStartingIsInNobodysWay() throws {
    let cluster = try TestCluster(isEmpty: true)
    // Somewhere in initdb, in the start of the supervisor, or of the server.
    for milliseconds: UInt32 in [20, 200, 1500, 30, 60, 90] {
      let tool = try TestTool.Running(arguments(cluster, "start"))
      usleep(milliseconds * 1000)
      kill(tool.process.processIdentifier, SIGKILL)
      _ = tool.wait()
    }
    let (status, output) = try TestTool.run(arguments(cluster, "query", "select 'works'"))
    #expect(status == 0 && output.hasSuffix("works\n"), "\(output)")
  }

  @Test func aStalePidFileIsInNobodysWay() throws {
    let cluster = try TestCluster()
    // The number is that of a living process which is no server: our own.
    let file = cluster.server.dataDirectory + "/postmaster.pid"
    try "\(getpid())\n\(cluster.server.dataDirectory)\n".write(
      toFile: file,
      atomically: false,
      encoding: .utf8
    )
    let socket = cluster.server.plannedEndpoint.socketFile
    try "\(getpid())\n".write(toFile: socket + ".lock", atomically: false, encoding: .utf8)
    try "".write(toFile: socket, atomically: false, encoding: .utf8)
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    #expect(try query(cluster, "select 1") == "1")
    #expect(cluster.events == [.starting])
    lease.release()
  }

  @Test(arguments: ["PG_VERSION", "global/pg_control", "base"])
  func aDamagedClusterIsMadeAnewAndKept(_ victim: String) throws {
    let cluster = try TestCluster()
    let data = cluster.server.dataDirectory
    try FileManager.default.removeItem(atPath: "\(data)/\(victim)")
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    #expect(try query(cluster, "select 1") == "1")
    let moved = cluster.events.contains {
      if case .recreated(_, let place) = $0 { return FileManager.default.fileExists(atPath: place) }
      return false
    }
    #expect(moved, "\(cluster.events)")
    lease.release()
  }

  @Test func anInterruptedInitdbLeavesNoHalfCluster() throws {
    let cluster = try TestCluster(isEmpty: true)
    try cluster.server.prepareDirectories()
    let unfinished = cluster.server.directory + "/data.new-1-1"
    try FileManager.default.createDirectory(atPath: unfinished, withIntermediateDirectories: true)
    try "x".write(toFile: unfinished + "/PG_VERSION", atomically: false, encoding: .utf8)
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    #expect(try query(cluster, "select 1") == "1")
    #expect(!FileManager.default.fileExists(atPath: unfinished))
    lease.release()
  }

  @Test func aWrongSettingIsAnErrorAndCostsNoCluster() throws {
    let cluster = try TestCluster { $0.settings["no_such_setting"] = "1" }
    let lease = try cluster.server.holdLease()
    let failure = error { _ = try cluster.server.start() }
    #expect(failure?.kind == .start)
    #expect(failure?.message.contains("no_such_setting") == true, "\(String(describing: failure))")
    #expect(cluster.events == [.starting])
    lease.release()
  }

  // MARK: Databases

  @Test func resetEmptiesOneDatabaseOnly() throws {
    let cluster = try TestServer.cluster()
    for name in ["reset_a", "reset_b"] {
      try cluster.server.ensureDatabase(named: name)
      try cluster.server.ensureDatabase(named: name)
      _ = try query(cluster, "create table t as select 1", database: name)
    }
    let open = try PostgresWarehouse(
      cluster.server.plannedEndpoint.credentials(database: "reset_a")
    ).connect(name: "in the way")
    try cluster.server.reset(database: "reset_a")
    #expect(throws: WarehouseError.self) {
      try query(cluster, "select * from t", database: "reset_a")
    }
    #expect(try query(cluster, "select * from t", database: "reset_b") == "1")
    open.close()
  }

  // MARK: Stopping

  @Test func stopsWhenAskedUnlessInUse() throws {
    let cluster = try TestCluster(idle: .seconds(900))
    #expect(try !cluster.server.stop(evenIfInUse: false))
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    let process = try serverProcess(cluster)
    #expect(error { try cluster.server.stop(evenIfInUse: false) }?.kind == .inUse)
    #expect(try cluster.server.status().isRunning)
    lease.release()
    #expect(try cluster.server.stop(evenIfInUse: false))
    #expect(kill(process, 0) != 0)
    #expect(try !cluster.server.status().isRunning)
    #expect(try !cluster.server.stop(evenIfInUse: false))
    let again = try cluster.server.holdLease()
    _ = try cluster.server.start()
    #expect(try cluster.server.stop(evenIfInUse: true))
    again.release()
  }

  @Test(arguments: [Duration.zero, .seconds(1)])
  func stopsByItselfWhenIdleAndNotBefore(_ idle: Duration) throws {
    let cluster = try TestCluster(idle: idle)
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    let process = try serverProcess(cluster)
    usleep(2_500_000)
    #expect(kill(process, 0) == 0)
    lease.release()
    eventually { kill(process, 0) != 0 }
    // And comes back.
    let again = try cluster.server.holdLease()
    _ = try cluster.server.start()
    #expect(try query(cluster, "select 1") == "1")
    again.release()
  }

  @Test func supervisorRefusesStrangeArguments() throws {
    for arguments in [[], ["x"], Array(repeating: "x", count: 7)] {
      let (status, _) = try TestTool.run(["supervise"] + arguments)
      #expect(status == 2)
    }
  }

  // MARK: What is missing

  @Test func tellsWhichPackageIsMissing() throws {
    let failure = error {
      _ = try ServerBinaries.find(
        EmbeddedConfiguration(
          stateDirectory: "/nowhere",
          runtimeDirectory: "/nowhere",
          supervisor: [],
          binaryDirectory: "/nowhere"
        )
      )
    }
    #expect(failure?.kind == .notInstalled)
    #expect(failure?.message.contains("/nowhere") == true)
  }

  @Test func anUnknownAccountIsAnError() throws {
    guard geteuid() == 0 else { return }
    for name in ["no_such_account", "root"] {
      let failure = error { _ = try ServerAccount.needed(preferring: name) }
      #expect(failure?.kind == .account && failure?.hint != nil)
    }
  }

  @Test func placesThatCannotWorkAreRefused() throws {
    let long = try TestCluster(isEmpty: true) {
      $0.runtimeDirectory += "/" + String(repeating: "x", count: 100)
    }
    #expect(error { _ = try long.server.holdLease() }?.message.contains("107 bytes") == true)

    let file = try TestCluster(isEmpty: true) { $0.stateDirectory = "/proc/version/x" }
    #expect(error { _ = try file.server.holdLease() }?.kind == .directory)

    let shared = try TestCluster(isEmpty: true)
    try FileManager.default.createDirectory(
      atPath: shared.runtime,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o777]
    )
    chmod(shared.runtime, 0o777)
    #expect(error { _ = try shared.server.holdLease() }?.message.contains("ours alone") == true)

    guard geteuid() == 0 else { return }
    let closed = try TestCluster(isEmpty: true)
    chmod(closed.directory, 0o700)
    let failure = error { _ = try closed.server.holdLease() }
    #expect(failure?.kind == .directory && failure?.message.contains("may not enter") == true)
  }

  @Test func standardPlacesFollowTheEnvironment() {
    let own = EmbeddedConfiguration.standard(
      environment: [
        "SECTORAL_DB_HOME": "/data/x", "SECTORAL_DB_BIN": "/opt/pg/bin", "PATH": "/bin",
        "SECTORAL_DB_IDLE_SECONDS": "1.5", "SECTORAL_DB_ACCOUNT": "db",
      ],
      supervisor: ["/bin/sectoral", "db", "_supervise"]
    )
    #expect(own.stateDirectory == "/data/x")
    #expect(own.binaryDirectory == "/opt/pg/bin" && own.accountName == "db")
    #expect(own.idleTimeout == .milliseconds(1500))
    let other = EmbeddedConfiguration.standard(
      environment: ["SECTORAL_DB_HOME": "/data/y"],
      supervisor: ["x"]
    )
    #expect(other.runtimeDirectory != own.runtimeDirectory)
    let plain = EmbeddedConfiguration.standard(
      environment: ["HOME": "/tmp", "SECTORAL_DB_IDLE_SECONDS": "soon"],
      supervisor: ["x"]
    )
    #expect(plain.idleTimeout == .seconds(900))
    if geteuid() == 0 {
      #expect(plain.stateDirectory == "/var/lib/sectoral/postgres")
    } else {
      #expect(plain.stateDirectory == "/tmp/.local/state/sectoral/postgres")
    }
  }
}
