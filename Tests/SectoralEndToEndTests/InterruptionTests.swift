import Foundation
import Glibc
import SectoralTestSupport
import Testing

/// Runs that are stopped, killed, or short of room: what stood before stands afterwards.
struct InterruptionTests {
  private let home: TestHome

  init() throws { home = try TestHome.shared.get() }

  /// A project with the table `kept` of three rows, built once.
  private func built(_ name: String, _ more: [String: String] = [:]) async throws -> String {
    var files = [
      "dbt_project.yml": BadInput.projectFile(
        "models: {faulty: {+materialized: table}}\n"
      ),
      "models/kept.sql": "select generate_series(1, 3) as id\n",
    ]
    files.merge(more) { _, new in new }
    let folder = try home.folder("\(name)-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    try #require(result.exitCode == 0, "\(result)")
    return folder
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  /// One number that a query gives.
  private func ask(_ sql: String, in folder: String) async throws -> Int? {
    let result = try await Sectoral.run(
      ["show", "--inline", "select (\(sql)) as answer", "--output", "json", "--quiet"],
      in: folder,
      home: home
    )
    struct Rows: Decodable {
      struct Row: Decodable { var answer: Int? }
      var show: [Row]
    }
    guard let rows = try? JSONDecoder().decode(Rows.self, from: Data(result.output.utf8)) else {
      Issue.record("no answer: \(result)")
      return nil
    }
    return rows.show.first?.answer
  }

  private func expectKept(_ folder: String, rows: Int = 3) async throws {
    #expect(try await ask("select count(*) from {{ target.schema }}.kept", in: folder) == rows)
    let left = try await ask(
      "select count(*) from pg_class where relname like '%\\_\\_dbt\\_%'",
      in: folder
    )
    #expect(left == 0)
  }

  static let slow = "select 1 as id, pg_sleep(600)::text as nothing\n"

  @Test(arguments: [SIGINT, SIGTERM])
  func stoppingKeepsTheOldTable(_ signal: Int32) async throws {
    let folder = try await built(
      "stop",
      [
        "dbt_project.yml": BadInput.projectFile(
          """
          on-run-end: ["create table {{ target.schema }}.hooked as select 1 as x"]
          models: {faulty: {+materialized: table}}

          """
        ),
        "models/after.sql": "select * from {{ ref('kept') }}\n",
        "models/quick.sql": "select 1 as id\n",
      ]
    )
    _ = try await ask("1", in: folder)
    try write(
      "-- depends_on: {{ ref('quick') }}\n" + Self.slow,
      to: "\(folder)/models/kept.sql"
    )
    try write(
      BadInput.projectFile(
        """
        on-run-end: ["create table {{ target.schema }}.hooked_twice as select 1 as x"]
        models: {faulty: {+materialized: table}}

        """
      ),
      to: "\(folder)/dbt_project.yml"
    )
    let result = try await Sectoral.run(
      ["run", "--threads", "2"],
      in: folder,
      home: home,
      interrupt: Sectoral.Interrupt(signal: signal, after: "2 of 3 START")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(!result.timedOut)
    #expect(result.output.contains("Exited because of keyboard interrupt"), "\(result)")
    #expect(result.output.contains("Done. PASS=1 WARN=0 ERROR=0 SKIP=0"), "\(result)")
    #expect(!result.output.contains("on-run-end"), "\(result)")
    let results = try runResults(in: folder)
    #expect(results.keys.sorted() == ["model.faulty.quick"])
    try await expectKept(folder)
    // What was asked of the server has ended there, too.
    #expect(
      try await ask(
        "select count(*) from pg_stat_activity where datname = current_database() "
          + "and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()",
        in: folder
      ) == 0
    )
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func retryDoesWhatAStoppedRunHadNotComeTo(_ signal: Int32) async throws {
    let folder = try await built("stopretry")
    try write("-- depends_on: {{ ref('first') }}\n" + Self.slow, to: "\(folder)/models/kept.sql")
    try write("select 1 as id\n", to: "\(folder)/models/first.sql")
    try write("select * from {{ ref('kept') }}\n", to: "\(folder)/models/after.sql")
    try write("-- {{ ref('first') }}\nselect 2 as id\n", to: "\(folder)/models/late.sql")
    let result = try await Sectoral.run(
      ["run", "--threads", "1"],
      in: folder,
      home: home,
      interrupt: Sectoral.Interrupt(signal: signal, after: "2 of 4 START")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(!result.output.contains("3 of 4 START"), "\(result)")
    #expect(try runResults(in: folder).keys.sorted() == ["model.faulty.first"])
    try write("select 1 as id\n", to: "\(folder)/models/kept.sql")
    let retried = try await Sectoral.run(["retry"], in: folder, home: home)
    #expect(retried.exitCode == 0, "\(retried)")
    #expect(
      try runResults(in: folder).keys.sorted()
        == ["model.faulty.after", "model.faulty.kept", "model.faulty.late"]
    )
    // What was done has been done.
    let again = try await Sectoral.run(["retry"], in: folder, home: home)
    #expect(again.output.contains("Nothing to do"), "\(again)")
  }

  /// Nobody waits for a server that says nothing.
  @Test(arguments: [["run"], ["docs", "generate"], ["source", "freshness"]])
  func stoppingBeforeTheServerAnswers(_ command: [String]) async throws {
    let server = try LoopbackSocket(listens: true)
    defer { server.close() }
    let folder = try home.folder(
      "silent-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "profiles.yml": """
        faulty:
          target: local
          outputs:
            local:
              {type: postgres, host: 127.0.0.1, port: \(server.port),
               user: u, password: x, dbname: d, schema: s, connect_timeout: 600}

        """, "models/a.sql": "select 1 as id\n",
        "models/s.yml": """
        sources:
          - name: raw
            tables:
              - name: t
                config: {loaded_at_field: at, freshness: {warn_after: {count: 1, period: day}}}

        """,
      ]
    )
    let result = try await Sectoral.run(
      command,
      in: folder,
      home: home,
      interrupt: Sectoral.Interrupt(after: "Found 1 model")
    )
    #expect(!result.timedOut)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Exited because of keyboard interrupt"), "\(result)")
    #expect(!result.output.contains("Database Error"), "\(result)")
  }

  @Test func aCancelLineNamesTheNode() async throws {
    let folder = try await built("cancel")
    try write(Self.slow, to: "\(folder)/models/kept.sql")
    // The statement is in the log once it has been sent.
    let result = try await Sectoral.run(
      ["run", "--log-level", "debug"],
      in: folder,
      home: home,
      interrupt: Sectoral.Interrupt(after: "pg_sleep")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("CANCEL query model.faulty.kept"), "\(result)")
    try await expectKept(folder)
  }

  @Test func aKilledRunIsRecoveredFrom() async throws {
    let folder = try await built("kill")
    try write(
      "select 1 as id, pg_sleep(2)::text as nothing\n",
      to: "\(folder)/models/kept.sql"
    )
    let result = try await Sectoral.run(
      ["run", "--log-level", "debug"],
      in: folder,
      home: home,
      interrupt: Sectoral.Interrupt(signal: SIGKILL, after: "pg_sleep")
    )
    #expect(result.signal == SIGKILL, "\(result)")
    try await expectKept(folder)
    try write("select generate_series(1, 5) as id\n", to: "\(folder)/models/kept.sql")
    let next = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(next.exitCode == 0, "\(next)")
    try await expectKept(folder, rows: 5)
  }

  @Test(arguments: [
    "select nope as id\n", "select 1 / (n - n) as id from (select 1 as n) t\n", "select 1 as id,\n",
    "{{ config(post_hook='select nope') }}\nselect 1 as id\n",
    "{{ config(pre_hook='select nope') }}\nselect 1 as id\n",
    "{{ config(indexes=[{'columns': ['nope']}]) }}\nselect 1 as id\n",
    "{{ config(materialized='view') }}\nselect nope as id\n",
    "{{ config(materialized='incremental') }}\nselect id, nope from {{ this }}\n",
    "{{ config(materialized='incremental', unique_key='nope') }}\nselect 1 as id\n",
  ])
  func aFailedRebuildKeepsTheOldTable(_ sql: String) async throws {
    let folder = try await built("rebuild")
    try write(sql, to: "\(folder)/models/kept.sql")
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("Database Error in model kept (models/kept.sql)"), "\(result)")
    try await expectKept(folder)
  }

  @Test func aSeedThatDoesNotLoadKeepsItsTable() async throws {
    let folder = try await built("seed", ["seeds/rows.csv": "a\n1\n2\n"])
    let first = try await Sectoral.run(["seed"], in: folder, home: home)
    #expect(first.exitCode == 0, "\(first)")
    try write("a\n1\nx\n3\n", to: "\(folder)/seeds/rows.csv")
    let second = try await Sectoral.run(["seed"], in: folder, home: home)
    #expect(second.exitCode == 1, "\(second)")
    #expect(try await ask("select count(*) from {{ target.schema }}.rows", in: folder) == 2)
    let third = try await Sectoral.run(["seed", "--full-refresh"], in: folder, home: home)
    #expect(third.exitCode == 0, "\(third)")
    #expect(try await ask("select count(*) from {{ target.schema }}.rows", in: folder) == 3)
  }

  // MARK: What stands where the model goes

  @Test func anotherKindOfRelationGivesWay() async throws {
    let folder = try await built("kinds")
    // An incremental model takes a table that stands there for its own, and appends; as dbt's does.
    let kinds = [
      ("view", "v", 3), ("table", "r", 3), ("incremental", "r", 6), ("view", "v", 3),
      ("incremental", "r", 3),
    ]
    for (kind, letter, rows) in kinds {
      try write(
        "{{ config(materialized='\(kind)') }}\nselect generate_series(1, 3) as id\n",
        to: "\(folder)/models/kept.sql"
      )
      let result = try await Sectoral.run(["run"], in: folder, home: home)
      #expect(result.exitCode == 0, "\(result)")
      try await expectKept(folder, rows: rows)
      #expect(
        try await ask(
          "select count(*) from pg_class where relname = 'kept' and relkind = '\(letter)' "
            + "and relnamespace = '{{ target.schema }}'::regnamespace",
          in: folder
        ) == 1
      )
    }
  }

  // MARK: Disks

  @Test func aFullDiskWhileReading() async throws {
    let folder = try await built("disk")
    try write(
      "select 1 as id -- \(String(repeating: "x", count: 100_000))\n",
      to: "\(folder)/models/kept.sql"
    )
    let result = try await Sectoral.run(
      ["run"],
      in: folder,
      home: home,
      shell: "ulimit -f 40; exec \"$@\""
    )
    #expect(result.exitCode == 2, "\(result)")
    let text = result.output + result.errors
    #expect(text.contains("could not write"), "\(result)")
    #expect(text.contains("manifest.json"), "\(result)")
    #expect(text.contains("hint: "), "\(result)")
    try await expectKept(folder)
  }

  @Test func aFullDiskWhileRunning() async throws {
    let folder = try await built("disk")
    try write(
      "select 1 as id -- \(String(repeating: "x", count: 100_000))\n",
      to: "\(folder)/models/kept.sql"
    )
    let result = try await Sectoral.run(
      ["run", "--no-write-json"],
      in: folder,
      home: home,
      shell: "ulimit -f 40; exec \"$@\""
    )
    #expect(result.exitCode == 1, "\(result)")
    let text = result.output + result.errors
    #expect(text.contains("could not write"), "\(result)")
    #expect(text.contains("hint: "), "\(result)")
    try await expectKept(folder)
  }

  /// There was room for all but what is written at the end: what was done is told, and older results stay whole.
  @Test func aFullDiskAtTheEnd() async throws {
    let folder = try await built("disk")
    let before = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/run_results.json"))
    // The manifest holds what was compiled, too.
    for number in 1...6 {
      try write(
        "select \(number) as id -- {{ 'x' * 300000 }}\n",
        to: "\(folder)/models/long\(number).sql"
      )
    }
    let result = try await Sectoral.run(
      ["run"],
      in: folder,
      home: home,
      shell: "ulimit -f 1400; exec \"$@\""
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Done. PASS=7 WARN=0 ERROR=0 SKIP=0"), "\(result)")
    #expect(result.output.contains("could not write"), "\(result)")
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/run_results.json")) == before
    )
    // The notes of the run know that all is done.
    let retried = try await Sectoral.run(["retry"], in: folder, home: home)
    #expect(retried.output.contains("Nothing to do"), "\(retried)")
    try await expectKept(folder)
  }

  @Test func aFullDiskBehindTheOutput() async throws {
    let folder = try await built("output")
    let result = try await Sectoral.run(
      ["run"],
      in: folder,
      home: home,
      shell: "exec \"$@\" > /dev/full"
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.errors.contains("No space left on device"), "\(result)")
    try await expectKept(folder)
  }

  @Test func aFileWhereTheTargetGoes() async throws {
    let folder = try home.folder(
      "target-file",
      files: [
        "dbt_project.yml": BadInput.projectFile(), "models/a.sql": "select 1 as id\n",
        "target": "not a folder\n", "logs": "not a folder\n",
      ]
    )
    let result = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("\(folder)/target"), "\(result)")
    #expect(result.output.contains("= hint: a file stands where a folder must be"), "\(result)")
  }

  // MARK: Names and places

  @Test func aFolderWithBlanksAndAccents() async throws {
    let folder = try home.folder(
      "Ein Ordner/für ärgerliche “Namen” 数据",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "models/mit blank/größe.sql": "select 1 as id\n",
        "models/schema.yml":
          "models:\n  - name: größe\n    columns:\n      - name: id\n        data_tests: [unique]\n",
      ]
    )
    let result = try await Sectoral.run(["build"], in: folder, home: home)
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func aLinkToAProject() async throws {
    let folder = try await built("linked")
    let link = "\(folder)-link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder)
    let result = try await Sectoral.run(["build"], in: link, home: home)
    #expect(result.exitCode == 0, "\(result)")
    try await expectKept(link)
  }

  @Test func aLargeModel() async throws {
    let folder = try home.folder(
      "large",
      files: [
        "dbt_project.yml": BadInput.projectFile(),
        "models/a.sql": "select {{ 1 }} as id\n-- \(String(repeating: "x", count: 10 << 20))\n",
      ]
    )
    let result = try await Sectoral.run(["build", "--quiet"], in: folder, home: home)
    #expect(result.exitCode == 0)
  }

  @Test(arguments: [
    "models/a.sql", "models/s.yml", "macros/m.sql", "dbt_project.yml", "seeds/s.csv",
    "models/d.md", "tests/t.sql", "profiles.yml", "analyses/x.sql",
  ])
  func bytesThatAreNoText(_ path: String) async throws {
    let starts: [String: String] = [
      "models/s.yml": "models:\n  - name: ", "dbt_project.yml": "name: faulty\nversion: ",
      "seeds/s.csv": "a,b\n1,", "profiles.yml": "faulty:\n  target: ",
      "macros/m.sql": "{% macro m() %}\n", "models/d.md": "{% docs d %}\n",
    ]
    let ends: [String: String] = [
      "macros/m.sql": "{% endmacro %}", "models/d.md": "{% enddocs %}",
    ]
    let folder = try home.folder(
      "bytes-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": BadInput.projectFile(), "models/good.sql": "select 1 as id\n",
      ]
    )
    let file = URL(fileURLWithPath: "\(folder)/\(path)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    var bytes = Data((starts[path] ?? "select 1 as a -- ").utf8)
    bytes += [0xFF, 0xFE, 0x0A]
    bytes += Data((ends[path] ?? "").utf8)
    try bytes.write(to: file)
    let result = try await Sectoral.run(["parse"], in: folder, home: home)
    #expect(result.exitCode == 2, "\(result)")
    let text = result.output + result.errors
    #expect(text.contains("0xff") || text.contains("UTF-8 octet"), "\(result)")
    #expect(text.contains("= hint: "), "\(result)")
    #expect(text.contains("\(path):"), "\(result)")
  }

  @Test func nothingToDo() async throws {
    let empty = try home.folder("nothing", files: ["dbt_project.yml": BadInput.projectFile()])
    let first = try await Sectoral.run(["run"], in: empty, home: home)
    #expect(first.exitCode == 0, "\(first)")
    #expect(first.output.contains("Nothing to do."), "\(first)")
    let blank = try home.folder(
      "blank",
      files: ["dbt_project.yml": BadInput.projectFile(), "models/a.sql": ""]
    )
    let second = try await Sectoral.run(["build"], in: blank, home: home)
    #expect(second.exitCode == 0, "\(second)")
    #expect(second.output.contains("Nothing to do."), "\(second)")
  }

  /// A rebuilt table takes the views on it along; they are made anew, not renamed.
  @Test func viewsOnATableAreMadeAnew() async throws {
    let folder = try await built(
      "views",
      [
        "models/seen.sql": "{{ config(materialized='view') }}select * from {{ ref('kept') }}\n",
        "models/last.sql": "select * from {{ ref('seen') }}\n",
      ]
    )
    let again = try await Sectoral.run(["run"], in: folder, home: home)
    #expect(again.exitCode == 0, "\(again)")
    try await expectKept(folder)
    #expect(try await ask("select count(*) from {{ target.schema }}.last", in: folder) == 3)
  }

  @Test func twoCommandsShareOneServer() async throws {
    // A home of its own: neither finds a server running.
    let home = try TestHome()
    let folders = try (1...2).map { number in
      try home.folder(
        "twin\(number)",
        files: [
          "dbt_project.yml": BadInput.projectFile(name: "twin\(number)"),
          "models/a.sql": "select 1 as id\n",
          "models/s.yml":
            "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n",
        ]
      )
    }
    async let one = Sectoral.run(["build"], in: folders[0], home: home)
    async let two = Sectoral.run(["build"], in: folders[1], home: home)
    for result in try await [one, two] { #expect(result.exitCode == 0, "\(result)") }
    let status = try await Sectoral.run(["db", "status"], in: folders[0], home: home)
    #expect(status.output.contains("twin1"), "\(status)")
    #expect(status.output.contains("twin2"), "\(status)")
  }
}
