import Foundation
import Testing

/// What dbt has from versions after 1.11, on Postgres.
struct LaterFeatureTests {
  private let home: TestHome

  init() throws { home = try TestHome.shared.get() }

  private func project(
    _ name: String,
    _ more: String = "",
    _ files: [String: String]
  ) throws -> String {
    var files = files
    files["dbt_project.yml"] = BadInput.projectFile(more)
    return try home.folder("\(name)-\(UInt32.random(in: 0...UInt32.max))", files: files)
  }

  @discardableResult
  private func run(
    _ arguments: [String],
    in folder: String,
    exitCode: Int32 = 0
  ) async throws -> Sectoral.Result {
    let result = try await Sectoral.run(arguments, in: folder, home: home)
    try #require(result.exitCode == exitCode, "\(result)")
    return result
  }

  private func sql(_ text: String, in folder: String) async throws -> String {
    let arguments = ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1", "-c", text]
    return try await run(arguments, in: folder).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Status by name, as run_results.json has it.
  private func statuses(_ folder: String) throws -> [String: String] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/run_results.json"))
    let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let results = try #require(root["results"] as? [[String: Any]])
    return Dictionary(
      results.compactMap { result in
        guard let id = result["unique_id"] as? String, let status = result["status"] as? String
        else { return nil }
        return (id.split(separator: ".").dropFirst(2).joined(separator: "."), status)
      },
      uniquingKeysWith: { first, _ in first }
    )
  }

  private func rewrite(_ path: String, in folder: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(path)"))
  }

  // MARK: on_error

  /// `base` fails, and so does `strict` where it is asked to.
  private static func failing(_ choice: String, strict: String = "1") -> [String: String] {
    [
      "models/base.sql": "{{ config(on_error='\(choice)') }} select 1/0 as id",
      "models/strict.sql": "select 1/\(strict) as id",
      "models/child.sql": "-- depends_on: {{ ref('base') }}\nselect 1 as id",
      "models/grandchild.sql": "select * from {{ ref('child') }}",
      "models/both.sql":
        "-- depends_on: {{ ref('base') }} {{ ref('strict') }}\nselect 1 as id",
    ]
  }

  struct Choice: Sendable {
    var files: [String: String]
    var arguments = ["run"]
    var expected: [String: String]
  }

  @Test(arguments: [
    Choice(
      files: failing("skip_children"),
      expected: [
        "base": "error", "strict": "success", "child": "skipped", "grandchild": "skipped",
        "both": "skipped",
      ]
    ),
    Choice(
      files: failing("continue"),
      expected: [
        "base": "error", "strict": "success", "child": "success", "grandchild": "success",
        "both": "success",
      ]
    ),
    // One parent that insists is enough.
    Choice(
      files: failing("continue", strict: "0"),
      expected: [
        "base": "error", "strict": "error", "child": "success", "grandchild": "success",
        "both": "skipped",
      ]
    ),
    // --fail-fast is stronger.
    Choice(
      files: failing("continue"),
      arguments: ["run", "--fail-fast", "--threads", "1"],
      expected: [
        "base": "error", "strict": "skipped", "child": "skipped", "grandchild": "skipped",
        "both": "skipped",
      ]
    ),
  ])
  func childrenOfAFailedModel(_ choice: Choice) async throws {
    let folder = try project("on-error", Self.tables, choice.files)
    let result = try await run(choice.arguments, in: folder, exitCode: 1)
    #expect(try statuses(folder) == choice.expected, "\(result)")
  }

  /// A model that its unit tests keep from being built is not one that failed.
  @Test func failedUnitTestsSkipChildren() async throws {
    var files = Self.failing("continue")
    files["models/base.sql"] = "{{ config(on_error='continue') }} select 1 as id"
    files["models/u.yml"] = """
      unit_tests:
        - {name: wrong, model: base, given: [], expect: {rows: [{id: 2}]}}
      """
    let folder = try project("on-error-unit", Self.tables, files)
    try await run(["build"], in: folder, exitCode: 1)
    let found = try statuses(folder)
    #expect(found["base"] == "skipped")
    #expect(found["child"] == "skipped")
    #expect(found["strict"] == "success")
  }

  // MARK: selector: among other criteria

  static let selections: [(words: [String], names: [String])] = [
    (["--select", "selector:marts"], ["b", "c"]),
    (["--select", "+selector:marts"], ["a", "b", "c"]),
    (["--select", "1+selector:late"], ["b", "c"]),
    (["--select", "selector:early+"], ["a", "b", "c"]),
    (["--select", "selector:early+1"], ["a", "b"]),
    (["--select", "@selector:late"], ["a", "b", "c"]),
    (["--select", "selector:marts,b"], ["b"]),
    (["--select", "selector:late", "d"], ["c", "d"]),
    (["--select", "selector:marts", "--exclude", "selector:late"], ["b"]),
    (["--exclude", "selector:marts"], ["a", "d"]),
    (["--select", "selector:both"], ["a", "c"]),
    (["--selector", "both"], ["a", "c"]),
  ]

  @Test(arguments: selections)
  func selectorsAmongOtherCriteria(_ words: [String], _ names: [String]) async throws {
    let folder = try project(
      "selectors",
      "",
      [
        "models/a.sql": "select 1 as id",
        "models/b.sql": "{{ config(tags='mart') }} select * from {{ ref('a') }}",
        "models/c.sql": "{{ config(tags='mart') }} select * from {{ ref('b') }}",
        "models/d.sql": "select 1 as id",
        "selectors.yml": """
        selectors:
          - {name: marts, definition: {tag: mart}}
          - {name: late, definition: c}
          - {name: early, definition: a}
          - name: both
            definition:
              union: [{method: selector, value: late}, {method: selector, value: early}]
        """,
      ]
    )
    let result = try await run(["-q", "ls", "--output", "name"] + words, in: folder)
    #expect(result.output == names.map { $0 + "\n" }.joined(), "\(result)")
  }

  @Test func selectorsThatAreNotThereAreNamed() async throws {
    let folder = try project("no-selector", "", ["models/a.sql": "select 1 as id"])
    let result = try await run(["ls", "--select", "selector:nope"], in: folder, exitCode: 2)
    #expect(result.output.contains("Could not find selector named nope"), "\(result)")
  }

  // MARK: run-operation --sql

  @Test func operationsOfPlainSQL() async throws {
    let folder = try project(
      "operation-sql",
      "",
      [
        "models/a.sql": "select 1 as id",
        "macros/m.sql": "{% macro name_of() %}kept{% endmacro %}",
      ]
    )
    let text = "create table {{ target.schema }}.{{ name_of() }} as select 5 as id"
    try await run(["run-operation", "--sql", text], in: folder)
    #expect(try await sql("select id from kept", in: folder) == "5")
    let refused = ["run-operation", "--sql", "drop table kept; select 1/0"]
    try await run(refused, in: folder, exitCode: 1)
    #expect(try await sql("select id from kept", in: folder) == "5")
  }

  // MARK: latest_version_pointer

  private static let versions = """
    models:
      - name: orders
        latest_version: 1
        config: {latest_version_pointer: {enabled: true}}
        versions: [{v: 1}, {v: 2}]
    """

  private static let ordersFiles = [
    "models/orders_v1.sql": "select 1 as id", "models/orders_v2.sql": "select 2 as id, 'b' as name",
    "models/orders.yml": versions,
  ]

  private static let tables = "models: {faulty: {+materialized: table}}\n"

  @Test func pointerFollowsTheLatestVersion() async throws {
    let folder = try project("pointer", Self.tables, Self.ordersFiles)
    // The file of a version is found below its own name: nothing stands under the model's.
    let first = try await run(["run"], in: folder)
    #expect(first.output.contains("PASS=2"), "\(first)")
    #expect(try await sql("select id from orders", in: folder) == "1")
    // Built again: what was there stays there, and somebody's view on it.
    _ = try await sql(
      "create view readers as select * from orders; grant select on orders to public",
      in: folder
    )
    try rewrite("models/orders_v1.sql", in: folder, "select 3 as id")
    try await run(["run", "--select", "orders.v1"], in: folder)
    #expect(try await sql("select id from readers", in: folder) == "3")
    // Another version alone leaves it alone.
    try await run(["run", "--select", "orders.v2"], in: folder)
    #expect(try await sql("select id from orders", in: folder) == "3")
    // The next one becomes the latest.
    try rewrite(
      "models/orders.yml",
      in: folder,
      Self.versions.replacingOccurrences(of: "latest_version: 1", with: "latest_version: 2")
    )
    try await run(["run"], in: folder)
    #expect(try await sql("select id || name from orders", in: folder) == "2b")
    #expect(try await sql("select id from readers", in: folder) == "2")
    #expect(
      try await sql(
        "select string_agg(relname || relkind::text, ' ' order by relname) from pg_class "
          + "where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')",
        in: folder
      ) == "ordersv orders_v1r orders_v2r readersv"
    )
  }

  /// A rebuild in dbt's way takes the pointer with it, and makes it again.
  @Test func pointerComesBackAfterACascade() async throws {
    let folder = try project(
      "pointer-cascade",
      """
      flags: {latest_version_pointer_enabled_by_default: true}
      models: {faulty: {+materialized: table, +meta: {sectoral: {dependents: cascade}}}}

      """,
      [
        "models/orders.sql": "select 1 as id",
        "models/orders.yml":
          "models: [{name: orders, config: {alias: orders_old}, versions: [{v: 1, defined_in: orders}]}]\n",
      ]
    )
    for _ in 1...2 {
      try await run(["run"], in: folder)
      #expect(try await sql("select id from orders", in: folder) == "1")
    }
  }

  /// Its name: the configured one, or what the project's macro says; its grants are the model's, its
  /// hooks are not.
  @Test func pointerHasNameAndGrants() async throws {
    var files = Self.ordersFiles
    files["models/orders.yml"] = """
      models:
        - name: orders
          latest_version: 2
          config:
            latest_version_pointer: {enabled: true, alias: newest}
            grants: {select: [public]}
            post_hook: "create table if not exists hooked (name text); insert into hooked values ('{{ this.identifier }}')"
          versions: [{v: 1}, {v: 2}]
      """
    files["macros/name.sql"] = """
      {% macro generate_latest_version_pointer_alias(custom_alias_name=none, node=none) -%}
        {{ custom_alias_name or node.name }}_of_{{ node.version }}
      {%- endmacro %}
      """
    let folder = try project("pointer-name", Self.tables, files)
    try await run(["run", "--threads", "1"], in: folder)
    #expect(
      try await sql(
        "select id, has_table_privilege('public', 'newest_of_2', 'select') from newest_of_2",
        in: folder
      ) == "2|t"
    )
    #expect(
      try await sql("select string_agg(name, ' ' order by name) from hooked", in: folder)
        == "orders_v1 orders_v2"
    )
  }

  /// A microbatch model has its pointer when all batches are there.
  @Test func pointerOfAMicrobatchModel() async throws {
    let folder = try project(
      "pointer-batches",
      "",
      [
        "models/events_v1.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch',
          event_time='at', batch_size='day', begin='2024-01-01') }}
        select 1 as id, timestamp '2024-01-01 10:00' as at
        """,
        "models/events.yml": """
        models:
          - name: events
            config: {latest_version_pointer: true}
            versions: [{v: 1}]
        """,
      ]
    )
    try await run(
      ["run", "--event-time-start", "2024-01-01", "--event-time-end", "2024-01-02"],
      in: folder
    )
    #expect(try await sql("select count(*) from events", in: folder) == "1")
  }
}
