import Foundation
import Glibc
import SectoralTestSupport
import Testing

/// A pgbouncer in front of a server. It ends with its test.
final class Pooler: Sendable {
  static let program: String? = {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
    return folders.map { "\($0)/pgbouncer" }.first { access($0, X_OK) == 0 }
  }()

  let port: Int
  private let folder: String

  /// `mode`: transaction, session.
  /// `settings`: further lines, which are stronger.
  init(before server: FaultServer, mode: String, settings more: String = "") throws {
    guard let program = Self.program else { throw SectoralError.notBuilt("pgbouncer") }
    var template = Array("/tmp/sectoral-pool-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    port = try PasswordServer.freePort()
    let settings = """
      [databases]
      * = host=127.0.0.1 port=\(server.port)
      [pgbouncer]
      listen_addr = 127.0.0.1
      listen_port = \(port)
      unix_socket_dir =
      auth_type = any
      pool_mode = \(mode)
      default_pool_size = \(mode == "session" ? 20 : 3)
      logfile = \(folder)/log
      pidfile = \(folder)/pid
      \(more)

      """
    try Data(settings.replacingOccurrences(of: "* = ", with: "* = user=\(FaultServer.user) ").utf8)
      .write(to: URL(fileURLWithPath: "\(folder)/settings.ini"))
    if getuid() == 0 { try PasswordServer.run("/bin/chown", ["-R", "postgres", folder]) }
    try start(program)
  }

  private func start(_ program: String) throws {
    let user = getuid() == 0 ? ["-u", "postgres"] : []
    try PasswordServer.run(program, ["-d"] + user + ["\(folder)/settings.ini"])
    for _ in 0..<3000 {
      if access("\(folder)/pid", R_OK) == 0 { break }
      usleep(20_000)
    }
  }

  func restart() throws {
    guard let program = Self.program else { throw SectoralError.notBuilt("pgbouncer") }
    end()
    unlink("\(folder)/pid")
    try start(program)
  }

  func stop() {
    end()
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func end() {
    if let text = try? String(contentsOfFile: "\(folder)/pid", encoding: .utf8),
      let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
    {
      kill(process, SIGKILL)
    }
  }
}

/// Through a pooler every transaction may come to another session of the server.
@Suite(.enabled(if: Pooler.program != nil, "pgbouncer is not installed: apt-get install pgbouncer"))
struct PoolerTests {
  private static let files: [String: String] = {
    var files: [String: String] = [
      "dbt_project.yml": """
      on-run-start: ["create table if not exists {{ target.schema }}.hooked (i int)"]
      models: {faulty: {+materialized: table}}

      """,
      "seeds/rows.csv": "id,name\n1,a\n2,b\n3,c\n",
      "models/seen.sql": "{{ config(materialized='view') }}\nselect * from {{ ref('rows') }}\n",
      "models/kept.sql":
        "{{ config(materialized='materialized_view') }}\nselect count(*) as n from {{ ref('rows') }}\n",
      // Unqualified: the search path must hold wherever the statement is run.
      "models/path.sql": "-- {{ ref('rows') }}\nselect * from rows\n",
      "models/owned.sql": """
      {{ config(post_hook=[{'sql': 'analyze {{ this }}', 'transaction': False}]) }}
      select current_user::text as owner

      """,
      "snapshots/taken.yml": """
      snapshots:
        - name: taken
          relation: ref('rows')
          config: {unique_key: id, strategy: check, check_cols: all}

      """,
      "models/tests.yml": """
      models:
        - name: seen
          columns:
            - name: id
              data_tests: [unique, not_null]
      unit_tests:
        - name: unit
          model: seen
          given: [{input: ref('rows'), rows: [{id: 7, name: x}]}]
          expect: {rows: [{id: 7, name: x}]}

      """,
    ]
    for number in 1...4 {
      files["models/i\(number).sql"] = """
        {{ config(materialized='incremental', unique_key='id') }}
        select id, name, current_setting('DateStyle') as style from {{ ref('rows') }}

        """
      files["models/d\(number).sql"] = """
        {{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert',
          on_schema_change='append_new_columns') }}
        select id, name{{ ", 1 as more" if is_incremental() }} from {{ ref('rows') }}

        """
    }
    return files
  }()

  @Test(arguments: ["transaction", "session"])
  func everythingIsBuilt(_ mode: String) async throws {
    let server = try FaultServer.shared.get()
    let pooler = try Pooler(before: server, mode: mode)
    defer { pooler.stop() }
    let project = try await FaultProject(
      "pool",
      on: server,
      threads: 8,
      ports: ["pooled": pooler.port],
      profile: ", search_path: s, role: builder_\(mode)",
      files: Self.files
    )
    try await project.sql("create role builder_\(mode)", target: "bare")
    try await project.sql("alter schema s owner to builder_\(mode)")
    try await project.sql(
      "alter database \(project.database) set datestyle = 'German'",
      target: "bare"
    )
    for _ in 1...3 {
      let result = try await project.run(["build", "--target", "pooled"])
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(try await project.sql("select count(*) from s.d1 where more = 1") == "3")
    #expect(try await project.sql("select owner from s.owned") == "builder_\(mode)")
    #expect(
      try await project.sql(
        "select count(*) from pg_class where relnamespace = 's'::regnamespace and relowner <> "
          + "'builder_\(mode)'::regrole"
      ) == "0"
    )
    #expect(try await project.sql("select distinct style from s.i1") == "ISO, DMY")
    #expect(try await project.leftovers() == "")
  }

  @Test func theServerRestartsBehindThePooler() async throws {
    let server = try FaultServer()
    defer { server.stop() }
    let pooler = try Pooler(before: server, mode: "transaction")
    defer { pooler.stop() }
    var files: [String: String] = [:]
    for number in 1...8 {
      files["models/m\(number).sql"] =
        "{{ config(materialized='table') }}\nselect \(number) as id from pg_sleep(0.4)\n"
    }
    let project = try await FaultProject(
      "poolrestart",
      on: server,
      ports: ["pooled": pooler.port],
      files: files
    )
    async let running = project.run(["run", "--target", "pooled"])
    try await project.wait(
      until: "count(*) >= 2 from pg_class where relname ~ '^m[0-9]+$'",
      "two models"
    )
    try server.restart("fast")
    let result = try await running
    #expect(result.exitCode == 0, "\(result)")
    #expect(
      try await project.sql("select count(*) from pg_class where relname ~ '^m[0-9]+$'") == "8"
    )
  }

  @Test(arguments: ["transaction", "session"])
  func thePoolerRestarts(_ mode: String) async throws {
    let pooler = try Pooler(before: try server, mode: mode)
    defer { pooler.stop() }
    let project = try await slowProject("poolerrestart", pooler)
    async let running = project.run(["run", "--target", "pooled"])
    try await project.wait(until: Self.twoModels, "two models")
    try pooler.restart()
    let result = try await running
    #expect(result.exitCode == 0, "\(result)")
    #expect(try await project.leftovers() == "")
  }

  /// In session mode connections that nobody uses keep sessions from others: they are shared.
  @Test func fewerSessionsThanThreads() async throws {
    let pooler = try Pooler(before: try server, mode: "session", settings: "default_pool_size = 2")
    defer { pooler.stop() }
    let project = try await slowProject("sharedsessions", pooler)
    let result = try await project.run(["run", "--target", "pooled"])
    #expect(result.exitCode == 0, "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
  }

  @Test func nobodyGetsASessionInTime() async throws {
    let pooler = try Pooler(
      before: try server,
      mode: "transaction",
      settings: "default_pool_size = 1\nquery_wait_timeout = 1"
    )
    defer { pooler.stop() }
    let project = try await slowProject("nosession", pooler)
    let result = try await project.run(["run", "--target", "pooled"])
    #expect(result.exitCode == 0, "\(result)")
  }

  /// The pooler takes a connection at once, and its first statement waits.
  @Test func ctrlCWhileThePoolerWaitsForAServer() async throws {
    let closed = try LoopbackSocket(listens: true)
    defer { closed.close() }
    let pooler = try Pooler(
      before: try server,
      mode: "transaction",
      settings: "[databases]\n* = user=\(FaultServer.user) host=127.0.0.1 port=\(closed.port)"
    )
    defer { pooler.stop() }
    let project = try await slowProject("noserver", pooler)
    let result = try await project.run(
      ["run", "--target", "pooled"],
      interrupt: Sectoral.Interrupt(after: "Concurrency")
    )
    #expect(!result.timedOut)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Exited because of keyboard interrupt"), "\(result)")
  }

  private var server: FaultServer { get throws { try FaultServer.shared.get() } }

  private static let twoModels = "count(*) >= 2 from pg_class where relname ~ '^m[0-9]+$'"

  /// Eight models that take a moment, on four threads.
  private func slowProject(_ name: String, _ pooler: Pooler) async throws -> FaultProject {
    var files: [String: String] = [:]
    for number in 1...8 {
      files["models/m\(number).sql"] =
        "{{ config(materialized='table') }}\nselect \(number) as id from pg_sleep(0.4)\n"
    }
    return try await FaultProject(
      name,
      on: try server,
      threads: 4,
      ports: ["pooled": pooler.port],
      files: files
    )
  }
}
