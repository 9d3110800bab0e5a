import Foundation
import Testing

/// Commands that go by what an earlier run left behind.
struct StateCommandTests {
  /// A project whose schema is that of an environment: `--vars {environment: …}`.
  private func project(_ name: String, _ models: [String: String]) throws -> SmallProject {
    var files = [
      "dbt_project.yml": """
      models: {+schema: "{{ var('environment', 'dev') }}"}
      seeds: {+schema: "{{ var('environment', 'dev') }}"}
      """,
      "seeds/numbers.csv": "n\n1\n2\n",
    ]
    for (model, sql) in models { files["models/\(model).sql"] = sql }
    return try SmallProject(name, files)
  }

  private let production = "{environment: prod}"

  @Test func referencesGoToTheOtherEnvironment() async throws {
    let project = try project(
      "defer_references",
      [
        "first": "select * from {{ ref('numbers') }}", "second": "select * from {{ ref('first') }}",
        "third": "select n from {{ ref('second') }}",
      ]
    )
    let built = try await project.run("build", "--vars", production, "--target-path", "prod")
    try #require(built.exitCode == 0, "\(built)")
    func compiled(_ arguments: String...) async throws -> String {
      let result = try await project.run(
        ["compile", "--quiet", "--select", "second", "--state", "prod"] + arguments
      )
      #expect(result.exitCode == 0, "\(result)")
      let path = "\(project.folder)/target/compiled/defer_references/models/second.sql"
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    #expect(try await compiled().contains("_dev\".\"first\""))
    #expect(try await compiled("--defer").contains("_prod\".\"first\""))
    // What is there wins, unless the state is to be favoured.
    let first = try await project.run("run", "--select", "first", "--defer", "--state", "prod")
    #expect(first.exitCode == 0, "\(first)")
    #expect(try await compiled("--defer").contains("_dev\".\"first\""))
    #expect(try await compiled("--defer", "--favor-state").contains("_prod\".\"first\""))
    #expect(try await compiled("--defer", "--no-defer").contains("_dev\".\"first\""))
    let third = try await project.run("run", "--select", "third", "--defer", "--state", "prod")
    #expect(third.exitCode == 0, "\(third)")
    #expect(try await project.rows("select count(*) as n from {{ ref('third') }}").count == 1)
    let without = try await project.run("run", "--defer")
    #expect(without.exitCode == 2)
    #expect(without.output.contains("--state or --defer-state are required for deferral"))
    let empty = try await project.run("run", "--defer", "--state", "models")
    #expect(empty.exitCode == 2)
    #expect(empty.output.contains("Could not find manifest in --state path: \"models\""))
  }

  @Test func clonesAreViewsOfTheOtherEnvironment() async throws {
    let project = try project(
      "clone_views",
      ["first": "{{ config(materialized='table') }}select * from {{ ref('numbers') }}"]
    )
    let built = try await project.run("build", "--vars", production, "--target-path", "prod")
    try #require(built.exitCode == 0, "\(built)")
    let cloned = try await project.run("clone", "--state", "prod")
    #expect(cloned.exitCode == 0, "\(cloned)")
    let rows = try await project.rows("select sum(n) as total from {{ ref('first') }}")
    #expect(rows.first?["total"] as? Double == 3)
    let again = try await project.run("clone", "--state", "prod")
    #expect(again.output.contains("already exists"))
    let results = try #require(try project.json("target/run_results.json")["results"] as? [Any])
    #expect(results.count == 2)

    // Where the other environment is this one, nothing reads itself.
    let same = try await project.run(
      "clone",
      "--state",
      "prod",
      "--full-refresh",
      "--vars",
      production
    )
    #expect(same.exitCode == 0, "\(same)")
    #expect(same.output.contains("skipping clone for relation"), "\(same)")
  }

  @Test func aRetryRunsWhatDidNotGoWell() async throws {
    let project = try project(
      "retry_failed",
      [
        "good": "select 1 as n", "bad": "select 1 / n as n from {{ ref('numbers') }} where n > x",
        "below": "select * from {{ ref('bad') }}",
      ]
    )
    let failed = try await project.run("build", "--threads", "1")
    #expect(failed.exitCode == 1, "\(failed)")
    try project.write("select 1 / n as n from {{ ref('numbers') }}", to: "models/bad.sql")
    let retried = try await project.run("retry")
    #expect(retried.exitCode == 0, "\(retried)")
    let results = try #require(
      try project.json("target/run_results.json")["results"] as? [[String: Any]]
    )
    let ids = results.compactMap { $0["unique_id"] as? String }.sorted()
    #expect(ids == ["model.retry_failed.bad", "model.retry_failed.below"])
    let arguments = try #require(
      try project.json("target/run_results.json")["args"] as? [String: Any]
    )
    #expect(arguments["which"] as? String == "build")
    #expect(arguments["threads"] as? Int == 1)
    let nothing = try await project.run("retry")
    #expect(nothing.exitCode == 0, "\(nothing)")
    #expect(nothing.output.contains("Nothing to do"))
    let lost = try await project.run("retry", "--state", "models")
    #expect(lost.exitCode == 2)
    #expect(lost.output.contains("Could not find previous run in 'models' target directory"))
  }

  /// An operation is called again with its arguments, and not at all where it went well.
  @Test func anOperationIsRetriedWithItsArguments() async throws {
    let project = try SmallProject(
      "retry_operation",
      [
        "macros/divide.sql": """
        {% macro divide(by=1) %}{{ print('asked') }}{% do run_query('select 1 / ' ~ by) %}{% endmacro %}
        """
      ]
    )
    for (by, exitCode, output) in [("0", 1, "division by zero"), ("2", 0, "")] {
      let first = try await project.run("run-operation", "divide", "--args", "{by: \(by)}")
      #expect(first.exitCode == Int32(exitCode), "\(first)")
      let again = try await project.run("retry")
      #expect(again.exitCode == Int32(exitCode), "\(again)")
      #expect(again.output.contains("asked") == (exitCode == 1), "\(again)")
      #expect(exitCode == 0 || again.output.contains(output), "\(again)")
    }
  }

  /// The batches of a retry end where those of the run did, and it writes as its own flags say.
  @Test func batchesAreRetriedAsOfTheFirstRun() async throws {
    let project = try project(
      "retry_batches",
      [
        "batched": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', batch_size='day',
                  begin='2020-01-01', event_time='at', unique_key='n') }}
        select 1 as n, nothing as at
        """
      ]
    )
    let range = ["--event-time-start", "2020-01-01", "--event-time-end", "2020-01-03"]
    let failed = try await project.run(["--quiet", "run", "--log-format-file", "json"] + range)
    #expect(failed.exitCode == 1, "\(failed)")
    var results = try project.json("target/run_results.json")
    var metadata = try #require(results["metadata"] as? [String: Any])
    metadata["invocation_started_at"] = "2020-01-02T10:00:00.123456Z"
    results["metadata"] = metadata
    var arguments = try #require(results["args"] as? [String: Any])
    arguments["event_time_start"] = nil
    arguments["event_time_end"] = nil
    results["args"] = arguments
    let text = String(decoding: try JSONSerialization.data(withJSONObject: results), as: UTF8.self)
    try project.write(text, to: "target/run_results.json")
    let retried = try await project.run("retry")
    #expect(retried.output.contains("Batch 1 of 2 START"), "\(retried)")
  }

  @Test func freshnessIsAskedAndKept() async throws {
    let project = try project(
      "freshness_sources",
      ["reader": "select * from {{ source('raw', 'old') }}"]
    )
    try project.write(
      """
      sources:
        - name: raw
          schema: "{{ target.schema }}_dev"
          tables:
            - name: old
              identifier: numbers
              loaded_at_field: "timestamp '2020-01-01 00:00:00'"
              config: {freshness: {warn_after: {count: 1, period: day}}}
            - name: stale
              identifier: numbers
              loaded_at_query: "select timestamp '2020-01-01' + max(n) * interval '1 day' from {{ this }}"
              config: {freshness: {error_after: {count: 1, period: day}}}
            - name: fresh
              identifier: numbers
              loaded_at_field: now()
              config: {freshness: {error_after: {count: 1, period: day}, filter: n > 1}}
            - name: unchecked
      """,
      to: "models/sources.yml"
    )
    let seeded = try await project.run("seed")
    try #require(seeded.exitCode == 0, "\(seeded)")
    let result = try await project.run("source", "freshness", "--threads", "1")
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("1 of 3 PASS freshness of raw.fresh"))
    #expect(result.output.contains("2 of 3 WARN freshness of raw.old"))
    #expect(result.output.contains("3 of 3 ERROR STALE freshness of raw.stale"))
    let file = try project.json("target/sources.json")
    let rows = try #require(file["results"] as? [[String: Any]])
    #expect(rows.map { $0["status"] as? String } == ["pass", "warn", "error"])
    #expect(rows.last?["max_loaded_at"] as? String == "2020-01-03T00:00:00+00:00")
    let warned = try await project.run("source", "freshness", "--select", "source:raw.old")
    #expect(warned.exitCode == 0, "\(warned)")

    // Fresher than what the state knows: here only what the state does not have at all.
    let folder = "\(project.folder)/earlier"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["sources.json", "manifest.json"] {
      try FileManager.default.copyItem(
        atPath: "\(project.folder)/target/\(name)",
        toPath: "\(folder)/\(name)"
      )
    }
    _ = try await project.run("source", "freshness")
    let fresher = try await project.run(
      "ls",
      "--quiet",
      "--select",
      "source_status:fresher",
      "--state",
      "earlier"
    )
    #expect(
      fresher.output.split(separator: "\n").map(String.init) == [
        "source:freshness_sources.raw.fresh", "source:freshness_sources.raw.stale",
      ]
    )
  }

  /// `{}` keeps the source's threshold, null takes it away; a macro of old that returns a table works.
  @Test func thresholdsOfTheSourceHoldForItsTables() async throws {
    let project = try project("freshness_thresholds", ["one": "select 1 as one"])
    try FileManager.default.createDirectory(
      atPath: "\(project.folder)/macros",
      withIntermediateDirectories: true
    )
    try project.write(
      """
      {% macro collect_freshness(source, loaded_at_field, filter) %}
        {% call statement('collect_freshness', fetch_result=true, auto_begin=false) %}
          select max({{ loaded_at_field }}), now() from {{ source }}
        {% endcall %}
        {{ return(load_result('collect_freshness').table) }}
      {% endmacro %}
      """,
      to: "macros/freshness.sql"
    )
    try project.write(
      """
      sources:
        - name: raw
          schema: "{{ target.schema }}_dev"
          loaded_at_field: "now() - interval '30 hours'"
          config: {freshness: {warn_after: {count: 12, period: hour}, error_after: {count: 24, period: hour}}}
          tables:
            - {name: kept, identifier: numbers, config: {freshness: {error_after: {}}}}
            - {name: unset, identifier: numbers, config: {freshness: {error_after: null}}}
      """,
      to: "models/sources.yml"
    )
    let seeded = try await project.run("seed")
    try #require(seeded.exitCode == 0, "\(seeded)")
    let result = try await project.run(
      ["source", "freshness", "--threads", "1", "--log-format-file", "json"]
    )
    #expect(result.exitCode == 1, "\(result)")
    let log = try String(contentsOfFile: "\(project.folder)/logs/dbt.log", encoding: .utf8)
    let lines = log.split(separator: "\n").filter { $0.contains("\"LogFreshnessResult\"") }
    #expect(lines.count == 2)
    #expect(lines.first?.contains("\"source_name\": \"raw\"") ?? false)
    #expect(lines.first?.contains("\"table_name\": \"kept\"") ?? false)
    #expect(lines.first?.contains("\"status\": \"error\"") ?? false)
    #expect(result.output.contains("ERROR STALE freshness of raw.kept"))
    #expect(result.output.contains("WARN freshness of raw.unset"))
    #expect(result.output.contains("CollectFreshnessReturnSignature"))
  }
}
