import Foundation
import Glibc
import Testing

/// What servers do to those who build on them.
struct ServerFaultTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  private static let kept =
    "{{ config(materialized='table') }}\nselect generate_series(1, 3) as id\n"

  private func built(_ name: String, profile: String = "") async throws -> FaultProject {
    let project = try await FaultProject(
      name,
      on: server,
      profile: profile,
      files: ["models/kept.sql": Self.kept]
    )
    let result = try await project.run(["run"])
    try #require(result.exitCode == 0, "\(result)")
    return project
  }

  private func expectKept(_ project: FaultProject, rows: Int = 3) async throws {
    #expect(try await project.sql("select count(*) from s.kept") == "\(rows)")
    #expect(try await project.leftovers() == "")
  }

  @Test func aStatementTimeout() async throws {
    let project = try await built("timeout")
    try await project.sql("alter database \(project.database) set statement_timeout = '700ms'")
    try project.write(
      "{{ config(materialized='table') }}\nselect 1 as id from pg_sleep(20)\n",
      to: "models/kept.sql"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("canceling statement due to statement timeout"), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    try await expectKept(project)
  }

  /// The server ends a vacuum of its own when somebody waits for the table for a second, which an exchange does not
  /// do for the lock that it needs.
  @Test func anAutomaticVacuumGivesWay() async throws {
    let server = try FaultServer(["autovacuum_naptime = 1s"])
    defer { server.stop() }
    let config = "{{ config(materialized='table', meta={'sectoral': {'swap_timeout': 60}}) }}\n"
    let project = try await FaultProject(
      "vacuum",
      on: server,
      files: [
        "models/kept.sql": config
          + "select i as id, repeat('x', 200) as more from generate_series(1, 20000) as i\n"
      ]
    )
    let first = try await project.run(["run"])
    try #require(first.exitCode == 0, "\(first)")
    try await project.sql(
      """
      alter table s.kept set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
        autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
      delete from s.kept where id % 2 = 0;
      """
    )
    let vacuums =
      "select from pg_stat_activity where backend_type = 'autovacuum worker' and query like '%s.kept'"
    try await project.wait(until: "exists (\(vacuums))", "a vacuum begins")
    try project.write(config + "select 1 as id\n", to: "models/kept.sql")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
    try await expectKept(project, rows: 1)
  }

  /// Two runs of one project at once: both end well, or one says what it met; one whole result stands.
  @Test func twoBuildsAtOnce() async throws {
    var files: [String: String] = ["seeds/rows.csv": "id\n1\n2\n3\n"]
    for number in 1...6 {
      files["models/t\(number).sql"] =
        "{{ config(materialized='table') }}\nselect id, \(number) as n from {{ ref('rows') }}\n"
      files["models/v\(number).sql"] = "select * from {{ ref('t\(number)') }}\n"
      files["models/i\(number).sql"] =
        "{{ config(materialized='incremental', unique_key='id') }}\nselect * from {{ ref('v\(number)') }}\n"
    }
    files["snapshots/taken.yml"] = """
      snapshots:
        - name: taken
          relation: ref('t1')
          config: {unique_key: id, strategy: check, check_cols: all}

      """
    files["functions/doubled.sql"] = "select n * 2"
    files["functions/doubled.yml"] = """
      functions:
        - name: doubled
          arguments: [{name: n, data_type: integer}]
          returns: {data_type: integer}

      """
    files["models/kept.sql"] = """
      {{ config(materialized='materialized_view', schema='more') }}
      select sum({{ function('doubled') }}(id)) as n from {{ ref('t2') }}

      """
    let project = try await FaultProject("two", on: server, threads: 4, files: files)
    try await project.sql("drop schema s")
    // First of all nothing stands there, not even a schema; then everything does.
    for _ in 1...3 {
      async let one = project.run(["build", "--target-path", "target1", "--log-path", "logs1"])
      async let two = project.run(["build", "--target-path", "target2", "--log-path", "logs2"])
      for result in try await [one, two] { #expect(result.exitCode == 0, "\(result)") }
      for number in 1...6 {
        for kind in ["t", "v", "i"] {
          #expect(
            try await project.sql("select count(*), min(n) from s.\(kind)\(number)")
              == "3|\(number)"
          )
        }
      }
      #expect(try await project.sql("select count(*) from s.taken") == "3")
      #expect(try await project.sql("select n from s_more.kept") == "12")
      #expect(try await project.leftovers() == "")
    }
  }

  @Test func aFullDisk() async throws {
    let folder = "/tmp/sectoral-disk-\(UInt32.random(in: 0...UInt32.max))"
    mkdir(folder, 0o777)
    defer { rmdir(folder) }
    guard Glibc.mount("tmpfs", folder, "tmpfs", 0, "size=4m,mode=0777") == 0 else {
      print(
        "skipped: a file system of four megabytes cannot be mounted: \(String(cString: strerror(errno)))"
      )
      return
    }
    defer { umount2(folder, Int32(MNT_DETACH)) }
    let server = try FaultServer()
    defer { server.stop() }
    if getuid() == 0 { try PasswordServer.run("/bin/chown", ["postgres", folder]) }
    let project = try await FaultProject("full", on: server, files: ["models/kept.sql": Self.kept])
    try await project.sql("create tablespace small location '\(folder)'", target: "bare")
    try await project.sql("alter database \(project.database) set default_tablespace = small")
    let first = try await project.run(["run"])
    #expect(first.exitCode == 0, "\(first)")
    try project.write(
      "{{ config(materialized='table') }}\n"
        + "select i as id, repeat(md5(i::text), 10) as x from generate_series(1, 100000) as i\n",
      to: "models/kept.sql"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("No space left on device"), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    try await expectKept(project)
    // And once there is room again:
    try project.write(Self.kept, to: "models/kept.sql")
    let next = try await project.run(["run"])
    #expect(next.exitCode == 0, "\(next)")
    try await expectKept(project)
  }

  /// More threads than the server has connections: they wait for one another.
  @Test func tooManyConnections() async throws {
    var files: [String: String] = [:]
    for number in 1...8 {
      files["models/m\(number).sql"] =
        "{{ config(materialized='table') }}\nselect \(number) as id from pg_sleep(0.3)\n"
    }
    let project = try await FaultProject("crowd", on: server, threads: 8, files: files)
    try await project.sql(
      "create role narrow login connection limit 2; grant all on schema s to narrow"
    )
    let profile = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
    try project.write(
      profile.replacingOccurrences(of: "user: \(FaultServer.user)", with: "user: narrow"),
      to: "profiles.yml"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
  }

  /// No room for the write-ahead log: the server ends, and what it said is what the user is told. It says
  /// so to the session that writes the log; its own processes that would, and tell nobody, are kept from it.
  @Test func aFullDiskForTheLog() async throws {
    let folder = "/tmp/sectoral-wal-\(UInt32.random(in: 0...UInt32.max))"
    mkdir(folder, 0o777)
    defer { rmdir(folder) }
    guard Glibc.mount("tmpfs", folder, "tmpfs", 0, "size=64m,mode=0777") == 0 else {
      print("skipped: a small file system cannot be mounted: \(String(cString: strerror(errno)))")
      return
    }
    defer { umount2(folder, Int32(MNT_DETACH)) }
    mkdir("\(folder)/log", 0o700)
    if getuid() == 0 { try PasswordServer.run("/bin/chown", ["postgres", "\(folder)/log"]) }
    let server = try FaultServer(
      [
        "max_wal_size = 4GB", "wal_keep_size = 10GB", "checkpoint_timeout = 1h", "autovacuum = off",
        "wal_writer_delay = 10s", "wal_writer_flush_after = 1GB", "wal_buffers = 64kB",
        "bgwriter_lru_maxpages = 0",
      ],
      walFolder: "\(folder)/log"
    )
    defer { server.stop() }
    let project = try await FaultProject(
      "wal",
      on: server,
      files: [
        "models/kept.sql": Self.kept,
        "models/large.sql": """
        {{ config(materialized='table') }}
        select i as id, repeat(md5(i::text), 20) as x from generate_series(1, 150000) as i
        -- {{ ref('kept') }}

        """,
        "models/after.sql": "select count(*) as n from {{ ref('large') }}\n",
      ]
    )
    let result = try await project.run(["build"], environment: ["SECTORAL_RETRIES": "1"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("No space left on device"), "\(result)")
    let done = try runResults(in: project.folder)
    #expect(done["model.faulty.kept"]?.status == "success")
    #expect(done["model.faulty.large"]?.message.contains("No space left on device") == true)
    // And once there is room again:
    _ = Glibc.mount("tmpfs", folder, "tmpfs", UInt(MS_REMOUNT), "size=1g")
    try? server.start()
    let retried = try await project.run(["retry"])
    #expect(retried.exitCode == 0, "\(retried)")
    #expect(
      try runResults(in: project.folder).keys.sorted()
        == ["model.faulty.after", "model.faulty.large"]
    )
    #expect(try await project.sql("select n from s.after") == "150000")
    try await expectKept(project)
  }

  /// What a role, or the server, allows: the standing table stays, and the error says what to do.
  @Test(arguments: [
    (
      "statement_timeout = '1s'", "select 1 as id from pg_sleep(60)",
      "canceling statement due to statement timeout", "hint: statement_timeout is set"
    ),
    (
      "default_transaction_read_only = on", "select 1 as id", "in a read-only transaction",
      "hint: nothing can be written there"
    ),
    (
      "lock_timeout = '300ms'", "select 1 as id from {{ run_query('lock table s.locked') }} as t",
      "canceling statement due to lock timeout", "hint: another session holds a lock"
    ),
    (
      "temp_file_limit = '1MB'",
      "select md5(i::text) as id from generate_series(1, 300000) as i order by 1",
      "temporary file size exceeds temp_file_limit", "a superuser can raise temp_file_limit"
    ),
    (
      "idle_in_transaction_session_timeout = '100ms'",
      "{% for i in range(400) %}{% for j in range(10000) %}{% set x = j %}{% endfor %}{% endfor %}"
        + "{% do run_query('select 1') %}select 1 as id",
      "terminating connection due to idle-in-transaction timeout", "hint: templates took longer"
    ),
  ])
  func aRoleMayNot(_ setting: String, _ model: String, _ words: String, _ hint: String) async throws
  {
    let project = try await built("role")
    let user = "limited_\(project.database)"
    try await project.sql("create role \(user) login; alter role \(user) set \(setting)")
    try await project.sql("alter schema s owner to \(user); alter table s.kept owner to \(user)")
    try await project.sql("create table s.locked (); alter table s.locked owner to \(user)")
    try project.add(
      target: "limited",
      replacing: "user: \(FaultServer.user)",
      with: "user: \(user)"
    )
    try await project.sql("begin; lock table s.locked; prepare transaction '\(project.database)'")
    let before = model.hasPrefix("{%") ? "{% do run_query('select 1') %}" : ""
    try project.write(
      "{{ config(materialized='table') }}\n{% if execute %}\(before)\(model){% endif %}\n",
      to: "models/kept.sql"
    )
    let result = try await project.run(["run", "--target", "limited"])
    #expect(result.exitCode == 1, "\(result)")
    // Postgres 18 quotes the names of settings.
    #expect(result.output.replacing("\"", with: "").contains(words), "\(result)")
    #expect(result.output.contains(hint), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    try await expectKept(project)
    try await project.sql("rollback prepared '\(project.database)'")
  }

  /// Settings of a role that need not bother anybody.
  @Test(arguments: [
    "search_path = nowhere", "synchronous_commit = off", "standard_conforming_strings = off",
    "default_transaction_isolation = 'serializable'", "quote_all_identifiers = on",
    "datestyle = 'German'", "idle_session_timeout = '200ms'", "client_encoding = 'LATIN1'",
  ])
  func aRoleHas(_ setting: String) async throws {
    let project = try await FaultProject(
      "settings",
      on: server,
      files: [
        "models/kept.sql": Self.kept, "seeds/rows.csv": "id,name\n1,ä\\b'c\n2,\n",
        "models/slow.sql":
          "{{ config(materialized='table') }}\nselect 1 as id from pg_sleep(0.5)\n",
        "models/seen.sql":
          "-- {{ ref('slow') }} {{ ref('kept') }}\nselect * from {{ ref('rows') }}\n",
        "models/tests.yml":
          "models:\n  - name: seen\n    columns:\n      - name: id\n        data_tests: [unique]\n",
      ]
    )
    let user = "set_\(project.database)"
    try await project.sql("create role \(user) login; alter role \(user) set \(setting)")
    try await project.sql("alter schema s owner to \(user)")
    try project.add(
      target: "limited",
      replacing: "user: \(FaultServer.user)",
      with: "user: \(user)"
    )
    for _ in 1...2 {
      let result = try await project.run(["build", "--target", "limited"])
      #expect(result.exitCode == 0, "\(result)")
    }
    #expect(try await project.sql("select name from s.seen where id = 1") == "ä\\b'c")
    try await expectKept(project)
  }

  /// What a model selects to wait at a gate until it is opened.
  private static let wait = "select count(*) from public.gate"

  /// A lock that only a test lets go of.
  private func close(_ project: FaultProject) async throws {
    try await project.sql("create table if not exists public.gate ()")
    try await project.sql(
      "begin; lock table public.gate; prepare transaction '\(project.database)'"
    )
  }

  private func open(_ project: FaultProject) async throws {
    try await project.sql("rollback prepared '\(project.database)'")
  }

  private func untilWaiting(_ project: FaultProject, count: Int) async throws {
    try await project.wait(
      until: "count(*) = \(count) from pg_stat_activity where wait_event_type = 'Lock' "
        + "and datname = current_database()",
      "models wait at the gate"
    )
  }

  /// Somebody else is at work: what was dropped is made anew, and what does not fit is said.
  @Test func whatIsDroppedMeanwhileIsMadeAnew() async throws {
    var files: [String: String] = [:]
    let kinds = [
      "append": "", "merged": ", unique_key='id', incremental_strategy='merge'",
      "replaced": ", unique_key='id', incremental_strategy='delete+insert'",
    ]
    for (name, config) in kinds {
      files["models/\(name).sql"] =
        "{{ config(materialized='incremental'\(config)) }}\nselect 1 as id\n"
    }
    let project = try await FaultProject("dropped", on: server, threads: 3, files: files)
    let first = try await project.run(["run"])
    #expect(first.exitCode == 0, "\(first)")
    // The tables go while the new rows are being worked out.
    for (name, config) in kinds {
      try project.write(
        "{{ config(materialized='incremental'\(config)) }}\nselect 1 as id from (\(Self.wait)) as w\n",
        to: "models/\(name).sql"
      )
    }
    try await close(project)
    async let running = project.run(["run"])
    try await untilWaiting(project, count: 3)
    try await project.sql("drop table s.append, s.merged, s.replaced")
    try await open(project)
    let result = try await running
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("is not what it was when the run began"), "\(result)")
    for name in kinds.keys {
      #expect(try await project.sql("select count(*) from s.\(name)") == "1")
    }
    #expect(try await project.leftovers() == "")
  }

  @Test func aSchemaIsDroppedMeanwhile() async throws {
    let waiting = "{{ config(materialized='table') }}\nselect 1 as id from (\(Self.wait)) as w\n"
    let project = try await FaultProject(
      "schemas",
      on: server,
      threads: 1,
      files: [
        "models/a.sql": Self.kept, "models/b.sql": "-- {{ ref('a') }}\n\(waiting)",
        "models/c.sql": "-- {{ ref('b') }}\n\(waiting)",
      ]
    )
    try await close(project)
    async let running = project.run(["run"])
    try await untilWaiting(project, count: 1)
    try await project.sql("drop schema s cascade")
    try await open(project)
    let result = try await running
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("schema \"s\" does not exist"), "\(result)")
    #expect(result.output.contains("hint: a run makes the schemas of its nodes"), "\(result)")
    // A run makes what is missing, the schema first.
    let again = try await project.run(["run"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await project.leftovers() == "")
  }
}
