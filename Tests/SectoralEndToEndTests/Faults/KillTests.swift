import Foundation
import Glibc
import SectoralTestSupport
import Testing

/// The tool is killed, with no time for last words: whatever it was doing, nothing half-made stands under
/// a model's name, and the next run clears away what is left.
struct KillTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  /// Every way to build something, and both ways past the end of the transaction.
  private static let files: [String: String] = [
    "dbt_project.yml": """
    on-run-start: ["create table if not exists {{ target.schema }}.hooked (i int)"]
    on-run-end: ["select count(*) from {{ target.schema }}.hooked"]
    models: {faulty: {+materialized: table}}

    """,
    "seeds/rows.csv": "id,name\n"
      + (1...400).map { "\($0),name \($0)\n" }.joined(),
    "models/plain.sql": "select id, name from {{ ref('rows') }}\n",
    "models/indexed.sql":
      "{{ config(indexes=[{'columns': ['id'], 'unique': true}]) }}\nselect * from {{ ref('plain') }}\n",
    "models/seen.sql":
      "{{ config(materialized='view') }}\nselect * from {{ ref('indexed') }} where id % 2 = 0\n",
    "models/kept.sql":
      "{{ config(materialized='materialized_view') }}\nselect count(*) as n from {{ ref('seen') }}\n",
    "models/cascading.sql":
      "{{ config(meta={'sectoral': {'dependents': 'cascade'}}) }}\nselect * from {{ ref('plain') }}\n",
    "models/hooked_outside.sql": """
    {{ config(
      pre_hook=[{'sql': 'select 1', 'transaction': False}],
      post_hook=[{'sql': 'analyze {{ this }}', 'transaction': False}]
    ) }}
    select * from {{ ref('indexed') }}

    """,
    "models/merged.sql": """
    {{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
    select id, name || '!' as name from {{ ref('plain') }}

    """,
    "models/\(String(repeating: "long_", count: 11))name.sql": "select * from {{ ref('plain') }}\n",
    "functions/doubled.sql": "select n * 2",
    "functions/doubled.yml": """
    functions:
      - name: doubled
        arguments: [{name: n, data_type: integer}]
        returns: {data_type: integer}

    """,
    "models/calling.sql": "select {{ function('doubled') }}(id) as id from {{ ref('plain') }}\n",
    "snapshots/taken.yml": """
    snapshots:
      - name: taken
        relation: ref('plain')
        config: {unique_key: id, strategy: check, check_cols: [name]}

    """,
    "models/tests.yml": """
    models:
      - name: plain
        columns:
          - name: id
            data_tests: [unique, not_null]
      - name: merged
        columns:
          - name: id
            data_tests:
              - unique: {config: {store_failures: true}}

    """,
  ]

  private func contents(_ project: FaultProject) async throws -> String {
    let names =
      [
        "rows", "plain", "indexed", "seen", "kept", "cascading", "hooked_outside", "merged",
        "calling",
      ]
      + ["\(String(repeating: "long_", count: 11))name"]
    let digests = names.map {
      "select '\($0)' as name, md5(string_agg(t::text, ',' order by t::text)) as digest from s.\($0) t"
    }
    let taken = "select 'taken', md5(string_agg(id || name, ',' order by id)) from s.taken"
    return try await project.sql(
      "select string_agg(name || ' ' || coalesce(digest, '-'), e'\\n' order by name) from ("
        + (digests + [taken, "select 'doubled', s.doubled(21)::text"]).joined(
          separator: " union all "
        ) + ") as a"
    )
  }

  /// What stands, and of which kind.
  private func relations(_ project: FaultProject) async throws -> String {
    try await project.sql(
      "select string_agg(relname || ' ' || relkind::text, e'\\n' order by relname) from pg_class c "
        + "join pg_namespace n on n.oid = c.relnamespace where nspname like 's%' and relkind <> 'i'"
    )
  }

  /// The server may go on with what it was sent: until it has noticed that nobody waits.
  private func untilNobodyIsLeft(_ project: FaultProject) async throws {
    try await project.wait(
      until: "not exists (select from pg_stat_activity where datname = current_database() "
        + "and pid <> pg_backend_pid() and backend_type = 'client backend')",
      "the sessions of the killed process end"
    )
  }

  @Test(arguments: Array(UInt64(1)...4))
  func killedAtAnyMoment(_ seed: UInt64) async throws {
    let project = try await FaultProject("kill\(seed)", on: server, threads: 3, files: Self.files)
    let first = try await project.run(["build"])
    try #require(first.exitCode == 0, "\(first)")
    let expected = try await contents(project)
    let standing = try await relations(project)
    var random = SplitMix(seed: seed)
    let clock = ContinuousClock()
    let start = clock.now
    try await project.run(["build"])
    let whole =
      Double((clock.now - start).components.attoseconds) / 1e18
      + Double((clock.now - start).components.seconds)
    // Five for each seed: twenty in all.
    for number in 1...5 {
      let moment = whole * random.fraction()
      let killed = try await Sectoral.run(
        ["build"],
        in: project.folder,
        home: project.home,
        shell: "\"$@\" & sleep \(String(format: "%.3f", moment)); kill -9 $! 2>/dev/null; wait $!"
      )
      try await untilNobodyIsLeft(project)
      // Whatever came to its end is whole, and what did not is as it was.
      #expect(try await contents(project) == expected, "killed after \(moment) s\n\(killed)")
      let again = try await project.run([number % 2 == 0 ? "build" : "retry"])
      #expect(again.exitCode == 0, "killed after \(moment) s\n\(again)")
      #expect(try await contents(project) == expected)
      #expect(try await relations(project) == standing)
      #expect(try await project.leftovers() == "")
    }
  }

  private static var slowFiles: [String: String] {
    var files = Self.files
    files["models/slow.sql"] = "select id from {{ ref('plain') }}, (select pg_sleep(600)) as a\n"
    files["models/after.sql"] = "select * from {{ ref('slow') }}\n"
    return files
  }

  /// Ends the statements that build the slow model, which sleep for longer than any machine takes to get to
  /// the next step. Not their sessions: a lost connection is a reason to try again.
  private static let sleepers = "select pg_cancel_backend(pid) \(asleep)"
  private static let asleep =
    "from pg_stat_activity where query like '%pg_sleep(600)%' "
    + "and pid <> pg_backend_pid() and datname = current_database()"

  /// `retry` does what a killed run had not come to, and nothing else.
  @Test func killedAndRetried() async throws {
    let project = try await FaultProject("retried", on: server, threads: 1, files: Self.slowFiles)
    let first = try await project.run(["build", "--exclude", "slow", "after"])
    #expect(first.exitCode == 0, "\(first)")
    let killed = try await project.run(
      ["build", "--log-level", "debug", "--select", "rows", "plain", "slow+"],
      interrupt: Sectoral.Interrupt(signal: SIGKILL, after: "pg_sleep")
    )
    #expect(killed.signal == SIGKILL, "\(killed)")
    // The server goes on until it has something to tell.
    try await project.sql(Self.sleepers)
    try await untilNobodyIsLeft(project)
    try project.write("select id from {{ ref('plain') }}\n", to: "models/slow.sql")
    let again = try await project.run(["retry"])
    #expect(again.exitCode == 0, "\(again)")
    let done = try runResults(in: project.folder)
    #expect(
      done.keys.sorted().filter { !$0.hasPrefix("operation.") }
        == ["model.faulty.after", "model.faulty.slow"]
    )
    #expect(try await project.leftovers() == "")
    // There is nothing left to do, and what the killed run noted is gone.
    let third = try await project.run(["retry"])
    #expect(third.output.contains("Nothing to do."), "\(third)")
  }

  @Test func aRunThatGoesOnIsNotRetried() async throws {
    let project = try await FaultProject("goes_on", on: server, threads: 1, files: Self.slowFiles)
    async let running = project.run(
      ["build", "--select", "+slow"]
    )
    try await project.wait(
      until: "exists (select \(Self.asleep))",
      "the run comes to the slow model"
    )
    let again = try await project.run(["retry"])
    #expect(again.exitCode == 2, "\(again)")
    #expect(again.output.contains("the last run has not ended yet"), "\(again)")
    try await project.sql(Self.sleepers)
    _ = try await running
  }

  /// A run that is stopped can still say what it did.
  @Test func stoppedAndRetried() async throws {
    let project = try await FaultProject("stopped", on: server, threads: 3, files: Self.slowFiles)
    let stopped = try await project.run(
      ["build", "--log-level", "debug"],
      interrupt: Sectoral.Interrupt(after: "pg_sleep")
    )
    #expect(stopped.exitCode == 2, "\(stopped)")
    let done = try runResults(in: project.folder)
    #expect(done["seed.faulty.rows"]?.status == "success")
    #expect(done["model.faulty.slow"] == nil)
    try project.write("select id from {{ ref('plain') }}\n", to: "models/slow.sql")
    let again = try await project.run(["build"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(try await project.leftovers() == "")
  }
}
