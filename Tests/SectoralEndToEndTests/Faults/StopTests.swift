import Foundation
import Glibc
import SectoralTestSupport
import Testing

/// Ctrl-C and termination are heard whatever the tool is doing: it ends at once, what runs on the server is
/// cancelled, results are there, and nothing half-made stays.
struct StopTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  /// What the tool is doing when it is stopped. Each would go on for longer than a test waits.
  struct Moment: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let command: [String]
    /// The output after which it is stopped.
    let after: String
    var signal = SIGINT
    /// A schema s with the table `taken` and the view `slow`, which never ends, is there already.
    let files: [String: String]
    /// Whether there are results to be written.
    var hasResults = true

    init(
      _ description: String,
      _ command: [String],
      after: String,
      signal: Int32 = SIGINT,
      hasResults: Bool = true,
      _ files: [String: String]
    ) {
      testDescription = description
      self.command = command
      self.after = after
      self.signal = signal
      self.hasResults = hasResults
      self.files = files
    }
  }

  private static let marker = "{{ log('the loop begins', info=true) }}"
  /// Five billion rounds.
  private static let loop =
    marker + "{% for i in range(50000) %}{% for j in range(100000) %}{% set x = j * 2 %}"
    + "{% endfor %}{% endfor %}"
  private static let statements =
    "{% macro many() %}{% if execute %}\(marker){% for i in range(90000) %}"
    + "{% do run_query('select pg_sleep(0.01)') %}{% endfor %}{% endif %}{% endmacro %}"
  private static let table = "{{ config(materialized='table') }}\n"
  private static let source = """
    sources:
      - name: raw
        schema: s
        tables:
          - name: taken
            config:
              loaded_at_query: select max(at) as at from s.slow
              freshness: {warn_after: {count: 1, period: day}}

    """

  static let moments: [Moment] = [
    Moment(
      "a template of a model",
      ["run"],
      after: "the loop begins",
      ["models/a.sql": "{% if execute %}\(loop){% endif %}select 1 as id\n"]
    ),
    Moment(
      "a template of a model, by a scheduler",
      ["build"],
      after: "the loop begins",
      signal: SIGTERM,
      ["models/a.sql": "{% if execute %}\(loop){% endif %}select 1 as id\n"]
    ),
    Moment(
      "a template that is only compiled",
      ["compile"],
      after: "the loop begins",
      ["models/a.sql": "{% if execute %}\(loop){% endif %}select 1 as id\n"]
    ),
    Moment(
      "a template that is being read",
      ["parse"],
      after: "the loop begins",
      hasResults: false,
      ["models/a.sql": "\(loop)select 1 as id\n"]
    ),
    Moment(
      "a macro of a materialization that loops over statements",
      ["run"],
      after: "the loop begins",
      signal: SIGTERM,
      [
        "macros/many.sql": statements,
        "models/a.sql":
          "{{ config(materialized='table', pre_hook='{{ many() }}') }}\nselect 1 as id\n",
      ]
    ),
    Moment(
      "an operation that loops",
      ["run-operation", "many"],
      after: "the loop begins",
      ["macros/many.sql": "{% macro many() %}\(loop){% endmacro %}"]
    ),
    Moment(
      "an operation that loops over statements",
      ["run-operation", "many"],
      after: "the loop begins",
      signal: SIGTERM,
      ["macros/many.sql": statements]
    ),
    Moment(
      "a wait for a lock",
      ["run", "--log-level", "debug"],
      after: "drop table if exists s.taken",
      ["macros/many.sql": "", "models/a.sql": "select 1 as id\n"]
    ),
    Moment(
      "the hooks at the start",
      ["run"],
      after: "the loop begins",
      hasResults: false,
      [
        "dbt_project.yml": "on-run-start: ['{{ many() }}']\n",
        "macros/many.sql": statements, "models/a.sql": "select 1 as id\n",
      ]
    ),
    Moment(
      "a statement of the hooks at the start",
      ["run"],
      after: "START hook",
      [
        "dbt_project.yml": "on-run-start: [select * from s.slow]\n",
        "models/a.sql": "select 1 as id\n",
      ]
    ),
    Moment(
      "the hooks at the end",
      ["run"],
      after: "the loop begins",
      [
        "dbt_project.yml": "on-run-end: ['{{ many() }}']\n",
        "macros/many.sql": statements, "models/a.sql": "select 1 as id\n",
      ]
    ),
    Moment(
      "a template of the hooks at the end",
      ["run"],
      after: "the loop begins",
      signal: SIGTERM,
      [
        "dbt_project.yml": "on-run-end: ['{{ many() }}']\n",
        "macros/many.sql": "{% macro many() %}{% if execute %}\(loop){% endif %}{% endmacro %}",
        "models/a.sql": "select 1 as id\n",
      ]
    ),
    Moment(
      "the hooks at the end, after a node has stopped all others",
      ["run", "--fail-fast"],
      after: "START hook",
      [
        "dbt_project.yml": "on-run-end: [select * from s.slow]\n",
        "models/a.sql": "\(table)select 1 / 0 as id\n",
      ]
    ),
    Moment(
      "a test",
      ["test"],
      after: "START test",
      ["tests/a.sql": "select * from s.slow\n"]
    ),
    Moment(
      "a snapshot",
      ["snapshot"],
      after: "START snapshot",
      [
        "snapshots/a.yml": """
        snapshots:
          - name: a
            relation: source('raw', 'slow')
            config: {unique_key: id, strategy: check, check_cols: all}

        """,
        "models/raw.yml": "sources:\n  - name: raw\n    schema: s\n    tables: [name: slow]\n",
      ]
    ),
    Moment(
      "the age of a source",
      ["source", "freshness"],
      after: "START freshness",
      hasResults: false,
      ["models/raw.yml": source]
    ),
    Moment(
      "rows to be shown",
      ["show", "--inline", "select * from s.slow", "--log-level", "debug"],
      after: "limit 5",
      hasResults: false,
      [:]
    ),
    Moment(
      "rows of a query that is sent as it is",
      ["show", "--inline-direct", "select * from s.slow", "--log-level", "debug"],
      after: "from s.slow",
      hasResults: false,
      [:]
    ),
    Moment(
      "the catalog",
      ["docs", "generate", "--no-compile"],
      after: "the loop begins",
      hasResults: false,
      [
        "models/raw.yml": source,
        "macros/catalog.sql":
          "{% macro postgres__get_catalog_relations(information_schema, relations) %}\(marker)"
          + "{{ return(run_query('select * from s.slow')) }}{% endmacro %}",
      ]
    ),
    Moment(
      "a seed whose rows go to a server that takes its time",
      ["seed", "--log-level", "debug"],
      after: "from stdin",
      [
        "seeds/taken.csv": "id,name\n"
          + String(repeating: "1,\(String(repeating: "x", count: 4000))\n", count: 4000)
      ]
    ),
  ]

  private static let setup = """
    create table s.taken (id integer, at timestamp, name text);
    create function s.sleep() returns trigger language plpgsql as
      $$ begin perform pg_sleep(600); return new; end $$;
    create trigger slow before insert on s.taken for each row execute function s.sleep();
    create view s.slow as select 1 as id, now() as at from pg_sleep(600);
    """

  @Test(arguments: moments)
  func isHeard(_ moment: Moment) async throws {
    var files = moment.files
    let waitsForLock = moment.after.hasPrefix("drop")
    if waitsForLock {
      files["models/a.sql"] =
        "\(Self.table)-- {{ run_query('drop table if exists s.taken') }}\nselect 1 as id\n"
    }
    let project = try await FaultProject("stop", on: server, files: files)
    try await project.sql(Self.setup)
    if waitsForLock {
      // Held by nobody that could end: a prepared transaction.
      try await project.sql("begin; lock table s.taken; prepare transaction '\(project.database)'")
    }
    let result = try await project.run(
      moment.command,
      interrupt: Sectoral.Interrupt(signal: moment.signal, after: moment.after)
    )
    #expect(!result.timedOut)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Stopping: running statements are cancelled"), "\(result)")
    #expect(!result.output.contains("steps"), "\(result)")
    #expect(!result.output.contains("Completed successfully"), "\(result)")
    #expect(try await project.leftovers() == "")
    // Of the tool, and of what it asked for.
    try await project.wait(
      until: "not exists (select from pg_stat_activity where datname = current_database() "
        + "and pid <> pg_backend_pid() and backend_type = 'client backend')",
      "the sessions end"
    )
    if moment.hasResults { _ = try runResults(in: project.folder) }
    if waitsForLock { try await project.sql("rollback prepared '\(project.database)'") }
  }

  /// The server takes no request to cancel: the first Ctrl-C waits for it, the second does not.
  @Test func theSecondEndsAtOnce() async throws {
    let (result, _) = try await FaultProject.run(
      "second",
      untilSilenceOf: server,
      interrupt: Sectoral.Interrupt(after: "pg_sleep(3)", againAfter: "CANCEL query")
    )
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.errors.contains("stopped at once"), "\(result)")
  }
}
