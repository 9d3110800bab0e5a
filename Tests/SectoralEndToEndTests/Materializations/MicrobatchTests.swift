import Foundation
import Testing

/// Microbatch models and samples; what is expected was recorded from dbt-core 1.11.16.
struct MicrobatchTests {
  private static let events = """
    {{ config(materialized='table', event_time='ts') }}
    select 1 as id, timestamp '2020-01-01 00:00:00' as ts
    union all select 2, timestamp '2020-01-02 00:00:00'
    union all select 3, timestamp '2020-01-03 00:00:00'

    """

  private static func model(_ config: String, _ query: String) -> String {
    "{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', "
      + "event_time='ts', batch_size='day', begin='2020-01-01'\(config)) }}\n\(query)\n"
  }

  private static let plain = "select * from {{ ref('events') }}"

  private func project(
    _ name: String,
    _ config: String = "",
    _ query: String = plain,
    _ more: [String: String] = [:]
  ) throws -> SmallProject {
    var files = more
    files["models/events.sql"] = Self.events
    files["models/batched.sql"] = Self.model(config, query)
    return try SmallProject("microbatch_\(name)", files)
  }

  private static let window = [
    "--event-time-start", "2020-01-01", "--event-time-end", "2020-01-04",
  ]

  private func result(_ project: SmallProject) throws -> [String: Any] {
    let results = try #require(
      try project.json("target/run_results.json")["results"] as? [[String: Any]]
    )
    return try #require(
      results.first { ($0["unique_id"] as? String)?.hasSuffix(".batched") ?? false }
    )
  }

  private func batches(_ result: [String: Any], _ key: String) throws -> [[String]] {
    let batches = try #require(result["batch_results"] as? [String: Any])
    return try #require(batches[key] as? [[String]])
  }

  private static func days(_ days: Int...) -> [[String]] {
    days.map { ["2020-01-0\($0)T00:00:00+00:00", "2020-01-0\($0 + 1)T00:00:00+00:00"] }
  }

  private func files(_ project: SmallProject, _ kind: String) throws -> [String] {
    let folder = "\(project.folder)/target/\(kind)/\(project.name)/models/batched"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test
  func buildsBatchAfterBatch() async throws {
    let hook = "insert into {{ target.schema }}.hooks values ('%s {{ model.batch.id }}')"
    let project = try project(
      "days",
      ", pre_hook=\"\(hook.replacing("%s", with: "pre"))\", "
        + "post_hook=\"\(hook.replacing("%s", with: "post"))\"",
      "-- {{ is_incremental() }} {{ ref('events').render() }} {{ model.batch.event_time_end }}\n"
        + "select *, '{{ model.batch.id }}' as batch from {{ ref('events') }}",
      ["dbt_project.yml": "on-run-start: create table if not exists hooks (x text)\n"]
    )
    let run = try await project.run(["run"] + Self.window)
    #expect(run.exitCode == 0, "\(run)")
    for line in [
      "2 of 2 START sql microbatch model public.batched ............................... [RUN]",
      "Batch 1 of 3 START batch 2020-01-01 of public.batched ................................ [RUN]",
      "Batch 1 of 3 OK created batch 2020-01-01 of public.batched ........................... "
        + "[SELECT 1 in ",
      "Batch 3 of 3 OK created batch 2020-01-03 of public.batched ........................... "
        + "[MERGE 1 in ",
      "2 of 2 OK created sql microbatch model public.batched .......................... "
        + "[SUCCESS in ",
      "Finished running 1 incremental model, 1 project hook, 1 table model in ",
    ] {
      #expect(run.output.contains(line), "\(line)\n\(run)")
    }
    let result = try result(project)
    #expect(result["status"] as? String == "success")
    #expect(result["message"] as? String == "SUCCESS")
    #expect(result["failures"] as? Int == 0)
    #expect(result["compiled"] as? Bool == false)
    #expect(result["compiled_code"] is NSNull)
    #expect((result["adapter_response"] as? [String: Any])?.isEmpty ?? false)
    #expect(try batches(result, "successful") == Self.days(1, 2, 3))
    #expect(try batches(result, "failed") == [])

    let names = ["batched_2020-01-01.sql", "batched_2020-01-02.sql", "batched_2020-01-03.sql"]
    #expect(try files(project, "compiled") == names)
    #expect(try files(project, "run") == names)
    let path = "target/compiled/\(project.name)/models/batched/batched_2020-01-02.sql"
    let compiled = try String(contentsOfFile: "\(project.folder)/\(path)", encoding: .utf8)
    let database = "\"\(try project.database)\".\"public\".\"events\""
    #expect(
      compiled == """

        -- True \(database) 2020-01-03 00:00:00+00:00
        select *, '20200102' as batch from (select * from \(database) where ts >= '2020-01-02 \
        00:00:00+00:00' and ts < '2020-01-03 00:00:00+00:00') _dbt_et_filter_subq_events
        """
    )
    let rows = try await project.rows(
      "select string_agg(id || batch, ' ' order by id) as r, "
        + "(select string_agg(x, ',') from hooks) as h from {{ ref('batched') }}"
    )
    #expect(rows.first?["r"] as? String == "120200101 220200102 320200103")
    #expect(rows.first?["h"] as? String == "pre 20200101,post 20200103")
  }

  @Test
  func retriesWhatFailed() async throws {
    let project = try project(
      "retry",
      "",
      "select *, {{ '1 / (id - 2)' if var('bad', false) else '1' }} as n from {{ ref('events') }}"
    )
    try #require(try await project.run(["run"] + Self.window).exitCode == 0)
    let failed = try await project.run(["run", "--vars", "bad: true"] + Self.window)
    #expect(failed.exitCode == 1, "\(failed)")
    for line in [
      "Batch 2 of 3 ERROR creating batch 2020-01-02 of public.batched ....................... "
        + "[ERROR in ",
      "division by zero",
      "2 of 2 PARTIALLY created sql microbatch model public.batched ................... "
        + "[PARTIAL SUCCESS (2/3) in ",
      "Completed with 1 partial success and 0 warnings",
      "Done. PASS=1 WARN=0 ERROR=1 SKIP=0 NO-OP=0 TOTAL=2",
    ] {
      #expect(failed.output.contains(line), "\(line)\n\(failed)")
    }
    #expect(try result(project)["status"] as? String == "partial success")
    #expect(try batches(result(project), "failed") == Self.days(2))

    let again = try await project.run("retry", "--vars", "bad: false")
    #expect(again.exitCode == 0, "\(again)")
    #expect(again.output.contains("Batch 1 of 1 OK created batch 2020-01-02"), "\(again)")
    // What went well before counts, too.
    #expect(try batches(result(project), "successful") == Self.days(2, 1, 3))
    let rows = try await project.rows("select count(*) as n from {{ ref('batched') }}")
    #expect(rows.first?["n"] as? Int == 3)
  }

  @Test
  func skipsTheRestWhenTheFirstBatchFails() async throws {
    let project = try project("first", "", "select 1 / (id - 1) as n, * from {{ ref('events') }}")
    let run = try await project.run(["run"] + Self.window)
    #expect(run.exitCode == 1, "\(run)")
    for line in [
      "Batch 1 of 3 ERROR creating batch 2020-01-01",
      "Batch 2 of 3 SKIP batch 2020-01-02 of public.batched ................................. "
        + "[SKIPPED in 0.00s]",
      "2 of 2 ERROR creating sql microbatch model public.batched",
    ] {
      #expect(run.output.contains(line), "\(line)\n\(run)")
    }
    #expect(try result(project)["message"] as? String == "ERROR")
    #expect(try batches(result(project), "failed") == Self.days(1, 2, 3))
  }

  @Test
  func buildsWhatIsDue() async throws {
    let project = try project("due", ", lookback=2")
    // Only the flags say what is built, and then what is due: two batches and the current one.
    try #require(try await project.run(["run"] + Self.window).exitCode == 0)
    let next = try await project.run("run", "--select", "batched")
    #expect(next.output.contains("Batch 3 of 3 OK created batch "), "\(next)")
    let ends = try batches(result(project), "successful").map { $0[1] }
    let today = try await project.rows(
      "select to_char(date_trunc('day', now() at time zone 'utc') + interval '1 day', "
        + "'YYYY-MM-DD') as d"
    )
    #expect(ends.last == "\(today.first?["d"] as? String ?? "")T00:00:00+00:00")
    // A plain compile knows of no batches.
    let compiled = try await project.run("compile", "--select", "batched")
    #expect(compiled.output.hasSuffix("\"\(try project.database)\".\"public\".\"events\"\n"))
  }

  @Test
  func ownStrategyRunsAtOnce() async throws {
    let macro = """
      {% macro get_incremental_microbatch_sql(arg_dict) %}
        {{ return(get_incremental_merge_sql(arg_dict)) }}
      {% endmacro %}
      """
    let project = try project("own", "", Self.plain, ["macros/own.sql": macro])
    let run = try await project.run("run")
    #expect(run.exitCode == 0, "\(run)")
    #expect(run.output.contains("OK created sql incremental model public.batched"), "\(run)")
    #expect(run.output.contains("MicrobatchMacroOutsideOfBatchesDeprecation"), "\(run)")
    try project.write(
      """
      name: microbatch_own
      profile: none_microbatch_own
      flags: {require_batched_execution_for_custom_microbatch_strategy: true}
      """,
      to: "dbt_project.yml"
    )
    let batched = try await project.run(["run"] + Self.window)
    #expect(batched.output.contains("Batch 3 of 3 OK created batch 2020-01-03"), "\(batched)")
  }

  @Test
  func samplesInputs() async throws {
    let project = try project(
      "sample",
      "",
      Self.plain,
      ["models/other.sql": "{{ config(materialized='table') }} select * from {{ ref('events') }}\n"]
    )
    try #require(try await project.run("run", "--select", "events").exitCode == 0)
    let run = try await project.run(
      "run",
      "--select",
      "other batched",
      "--sample",
      "{'start': '2020-01-02T10:00:00', 'end': '2020-01-03 05:00:00'}"
    )
    #expect(run.exitCode == 0, "\(run)")
    #expect(run.output.contains("Batch 2 of 2 OK created batch 2020-01-03"), "\(run)")
    let folder = "\(project.folder)/target/compiled/microbatch_sample/models"
    func text(_ file: String) throws -> String {
      try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
    }
    #expect(
      try text("other.sql").contains(
        "where ts >= '2020-01-02 10:00:00+00:00' and ts < '2020-01-03 05:00:00+00:00'"
      )
    )
    #expect(
      try text("batched/batched_2020-01-02.sql").contains(
        "where ts >= '2020-01-02 10:00:00+00:00' and ts < '2020-01-03 00:00:00+00:00'"
      )
    )
    let arguments = try project.json("target/run_results.json")["args"] as? [String: Any]
    #expect(
      arguments?["sample"] as? [String: String] == [
        "start": "2020-01-02T10:00:00+00:00", "end": "2020-01-03T05:00:00+00:00",
      ]
    )
    // All of the rows are old.
    try #require(
      try await project.run("run", "--select", "other", "--sample", "3 days").exitCode == 0
    )
    let rows = try await project.rows("select count(*) as n from {{ ref('other') }}")
    #expect(rows.first?["n"] as? Int == 0)
  }

  @Test(arguments: [
    (["--event-time-start", "2020-01-01"], "`--event-time-end` must also be present."),
    (
      ["--event-time-start", "2020-01-02", "--event-time-end", "2020-01-02 00:00:00"],
      "Value for `--event-time-start` must be less than `--event-time-end`"
    ),
    (["--event-time-start", "2020-02-30", "--event-time-end", "2020-04-01"], "2020-02-30"),
    (["--sample", "3 weeks"], "Invalid grain size 'weeks'."),
    (["--sample", "days"], "Must be of form 'DAYS_INT GRAIN_SIZE'."),
    (["--sample", "1.5 days"], "Unable to convert '1.5' to an integer."),
    (["--sample", "{start: 2020-01-02}"], "Field \"end\" of type datetime is missing"),
    (["--sample", "{start: x, end: 2020-01-02}"], "Field \"start\" of type datetime"),
  ])
  func refusesBadWindows(_ arguments: [String], _ words: String) async throws {
    let home = try TestHome.shared.get()
    let folder = try home.folder(
      "windows-\(UInt32.random(in: 0...UInt32.max))",
      files: ["dbt_project.yml": "name: windows\nprofile: none_windows\n"]
    )
    let run = try await Sectoral.run(["run"] + arguments, in: folder, home: home)
    #expect(run.exitCode == 2, "\(run)")
    #expect(run.errors.contains(words), "\(run)")
  }

  @Test(arguments: [
    (", batch_size='week'", "but got: week."), (", batch_size=none", "but got: None."),
    (", event_time=7", "'event_time' config of type string, but got: <class 'int'>."),
    (", begin='gibberish'", "of valid datetime (ISO format), but got: gibberish."),
    (", begin=5", "'begin' config of type datetime, but got: <class 'int'>."),
    (", lookback='a'", "'lookback' config as type int, but got: <class 'str'>)."),
    (", concurrent_batches='x'", "must be of type `bool` if specified, but got: <class 'str'>)."),
  ])
  func refusesBadConfigs(_ config: String, _ words: String) async throws {
    let home = try TestHome.shared.get()
    let kept = ["batch_size='day'", "event_time='ts'", "begin='2020-01-01'"].filter {
      !config.contains($0.prefix { $0 != "=" })
    }
    let model =
      "{{ config(materialized='incremental', incremental_strategy='microbatch', "
      + kept.joined(separator: ", ") + config + ") }}\nselect 1 as id\n"
    let folder = try home.folder(
      "batches-\(UInt32.random(in: 0...UInt32.max))",
      files: [
        "dbt_project.yml": "name: batches\nprofile: none_batches\n", "models/m.sql": model,
      ]
    )
    let run = try await Sectoral.run(["parse"], in: folder, home: home)
    #expect(run.exitCode == 2, "\(run)")
    #expect(run.output.contains("Microbatch model 'm' "), "\(run)")
    #expect(run.output.contains(words), "\(run)")
    #expect(run.output.contains("models/m.sql:1:"), "\(run)")
  }
}
