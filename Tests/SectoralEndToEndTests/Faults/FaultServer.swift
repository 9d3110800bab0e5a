import Foundation
import Glibc
import Testing

/// A Postgres server that tests may restart, fill up, and take connections from.
final class FaultServer: Sendable {
  /// For tests that leave the server alone; each has a database of its own.
  static let shared: Result<FaultServer, any Error> = Result {
    let server = try FaultServer()
    atexit { (try? FaultServer.shared.get())?.stop() }
    return server
  }

  static let user = "analyst"

  let port: Int
  let folder: String
  private let programs: String

  /// `walFolder`: where the write-ahead log goes, an empty folder of the server's user.
  convenience init(_ settings: [String] = [], walFolder: String? = nil) throws {
    try self.init(port: try PasswordServer.freePort())
    try run(
      "initdb",
      ["-D", data, "-U", Self.user, "-A", "trust", "-N", "-E", "UTF8", "--no-locale"]
        + (walFolder.map { ["--waldir", $0] } ?? [])
    )
    try configure(
      ["port = \(port)", "listen_addresses = '127.0.0.1'", "unix_socket_directories = '\(folder)'"]
        + ["fsync = off", "max_connections = 60", "max_prepared_transactions = 40"] + settings
    )
    try start()
  }

  /// A hot standby, on the same port of 127.0.0.2.
  convenience init(standbyOf primary: FaultServer) throws {
    try self.init(port: primary.port)
    try run(
      "pg_basebackup",
      ["-h", "127.0.0.1", "-p", "\(port)", "-U", Self.user, "-D", data, "-R", "-X", "stream"]
    )
    try configure(["listen_addresses = '127.0.0.2'", "unix_socket_directories = '\(folder)'"])
    try start()
  }

  private init(port: Int) throws {
    self.port = port
    var template = Array("/tmp/sectoral-fault-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    programs = try PasswordServer.findPrograms()
    if getuid() == 0 {
      // Postgres refuses to run as root.
      try PasswordServer.run("/bin/chown", ["postgres", folder])
    }
    chmod(folder, 0o755)
  }

  private func configure(_ lines: [String]) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(data)/postgresql.conf"))
    try file.seekToEnd()
    try file.write(contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
    try file.close()
  }

  func start() throws { try run("pg_ctl", ["-D", data, "-l", "\(folder)/log", "-w", "start"]) }

  /// A standby becomes a server of its own.
  func promote() throws { try run("pg_ctl", ["-D", data, "-w", "promote"]) }

  /// Ends at once, as if the machine had failed; `start` brings it back.
  func crash() throws { try run("pg_ctl", ["-D", data, "-m", "immediate", "stop"]) }

  private var data: String { "\(folder)/data" }

  func stop() {
    try? run("pg_ctl", ["-D", data, "-m", "immediate", "stop"])
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// `mode`: fast, immediate.
  func restart(_ mode: String) throws {
    try run("pg_ctl", ["-D", data, "-l", "\(folder)/log", "-w", "-m", mode, "restart"])
  }

  private func run(_ program: String, _ arguments: [String]) throws {
    let path = "\(programs)/\(program)"
    if getuid() == 0 {
      try PasswordServer.run("/sbin/runuser", ["-u", "postgres", "--", path] + arguments)
    } else {
      try PasswordServer.run(path, arguments)
    }
  }
}

/// A project on a `FaultServer`, in a database of its own. Its schema is `s`.
struct FaultProject: Sendable {
  let server: FaultServer
  let home: TestHome
  let folder: String
  let database: String

  /// `ports`: targets beside `direct`, by name.
  init(
    _ name: String,
    on server: FaultServer,
    threads: Int = 2,
    ports: [String: Int] = [:],
    profile: String = "",
    files: [String: String]
  ) async throws {
    self.server = server
    home = try TestHome.shared.get()
    database = "\(name)_\(UInt32.random(in: 0...UInt32.max))"
    var files = files
    files["dbt_project.yml"] = BadInput.projectFile(files["dbt_project.yml"] ?? "")
    var outputs = "faulty:\n  target: direct\n  outputs:\n"
    for (target, port) in ["direct": server.port, "bare": server.port].merging(
      ports,
      uniquingKeysWith: { $1 }
    ) {
      outputs += """
            \(target): {type: postgres, host: 127.0.0.1, port: \(port), user: \(FaultServer.user), \
        password: x, dbname: \(target == "bare" ? "postgres" : database), schema: s, \
        threads: \(threads), sslmode: disable\(target == "bare" ? "" : profile)}

        """
    }
    files["profiles.yml"] = outputs
    folder = try home.folder(database, files: files)
    _ = try await sql("create database \(database)", target: "bare")
    _ = try await sql("create schema s")
  }

  @discardableResult
  func run(
    _ arguments: [String],
    environment: [String: String] = [:],
    interrupt: Sectoral.Interrupt? = nil
  ) async throws -> Sectoral.Result {
    try await Sectoral.run(
      arguments,
      in: folder,
      home: home,
      environment: environment,
      interrupt: interrupt
    )
  }

  /// A copy of the target `direct` with something changed, such as its host.
  func add(target: String, replacing old: String, with new: String) throws {
    let profile = try String(contentsOfFile: "\(folder)/profiles.yml", encoding: .utf8)
    let line = profile.split(separator: "\n").first { $0.contains(" direct: {") } ?? ""
    try write(
      profile + line.replacing("direct:", with: "\(target):").replacing(old, with: new) + "\n",
      to: "profiles.yml"
    )
  }

  /// What psql prints, without layout.
  @discardableResult
  func sql(_ text: String, target: String = "direct") async throws -> String {
    let result = try await run(
      ["db", "psql", "--target", target, "--", "-XAtqv", "ON_ERROR_STOP=1", "-c", text]
    )
    try #require(result.exitCode == 0, "\(result)")
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Asks until the answer is yes.
  func wait(until condition: String, _ what: Comment) async throws {
    let end = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < end {
      if try await sql("select \(condition)") == "t" { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record(what)
  }

  /// Two tables, `m1` and `m2` behind `parent`, that wait until the server is started anew, and take no time
  /// after it; `after` reads one of them.
  func addModelsThatWaitForARestart(parent: String) async throws {
    let started = try await sql("select pg_postmaster_start_time()")
    for number in 1...2 {
      try write(
        """
        {{ config(materialized='table') }}
        select \(number) as id from pg_sleep(
          case when pg_postmaster_start_time() = '\(started)' then 100 else 0 end)
        -- {{ ref('\(parent)') }}

        """,
        to: "models/m\(number).sql"
      )
    }
    try write("select * from {{ ref('m1') }}\n", to: "models/after.sql")
  }

  /// Returns when both of them are at it.
  func waitForModelsThatWait() async throws {
    try await wait(
      until: "count(*) = 2 from pg_stat_activity where state = 'active' "
        + "and query like '%pg_sleep(%' and pid <> pg_backend_pid()",
      "two models are under way"
    )
  }

  /// A run of one table that takes 3 s, in the middle of which the server falls silent.
  static func run(
    _ name: String,
    untilSilenceOf server: FaultServer,
    interrupt: Sectoral.Interrupt
  ) async throws -> (result: Sectoral.Result, cuts: Int) {
    let proxy = try CutProxy(to: server.port, cutting: .stillness(after: "pg_sleep(3)"))
    defer { proxy.close() }
    let project = try await FaultProject(
      name,
      on: server,
      ports: ["still": proxy.port],
      files: [
        "models/slow.sql": "{{ config(materialized='table') }} select 1 as id from pg_sleep(3)"
      ]
    )
    let result = try await project.run(
      ["run", "--target", "still", "--log-level", "debug"],
      interrupt: interrupt
    )
    return (result, proxy.cuts)
  }

  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
  }

  /// Relations that only a run in progress may have.
  func leftovers() async throws -> String {
    try await sql(
      "select string_agg(relname, ', ' order by relname) from pg_class "
        + "where relname like '%\\_\\_dbt\\_%' or relname like '%\\_\\_sectoral\\_%'"
    )
  }
}
