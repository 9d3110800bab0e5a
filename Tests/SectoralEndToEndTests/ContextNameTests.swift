import Foundation
import Testing

/// Everything that dbt gives templates is there, while a project is read and while it runs.
struct ContextNameTests {
  /// Names of the context and their members, one a line; `table` is the answer to a query.
  static let names: [String] = {
    let path = "\(Sectoral.repository)/Tests/Conformance/context_names.txt"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }()

  @Test func allAreDefined() async throws {
    #expect(Self.names.count > 280)
    let project = try SmallProject(
      "context_names",
      ["models/a.sql": Self.model(Self.names)]
    )
    let run = try await project.run("run")
    try #require(run.exitCode == 0, "\(run)")
    #expect(run.output.contains("missing while parsing: []"), "\(run)")
    #expect(run.output.contains("missing while running: []"), "\(run)")
  }

  /// In the order in which dbt has them; `graph` has all kinds of resources.
  @Test func namesComeInDbtsOrder() async throws {
    let project = try SmallProject(
      "context_order",
      [
        "models/a.sql": """
        {% if execute %}
        {{ log('first ' ~ (builtins.keys() | list)[:4], info=true) }}
        {{ log('last ' ~ (builtins.keys() | list)[-4:], info=true) }}
        {{ log('graph ' ~ (graph.keys() | list), info=true) }}
        {{ log('metrics ' ~ (graph.metrics.keys() | list), info=true) }}
        {{ log('semantic ' ~ (graph.semantic_models.keys() | list), info=true) }}
        {{ log('own ' ~ ('builtins' in builtins.keys()) ~ ('ref' in context.keys()), info=true) }}
        {% endif %}
        select 1 as id, now() as at
        """,
        "models/s.yml": """
        models:
          - name: a
            columns: [{name: at, granularity: day}]
            time_spine: {standard_granularity_column: at}
        semantic_models:
          - name: sm
            model: ref('a')
            defaults: {agg_time_dimension: at}
            entities: [{name: id, type: primary}]
            dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
            measures: [{name: total, agg: count, expr: id}]
        metrics:
          - {name: all_of, label: All, type: simple, type_params: {measure: total}}
        """,
      ]
    )
    let run = try await project.run("compile")
    try #require(run.exitCode == 0, "\(run)")
    for words in [
      "first ['dbt_version', 'var', 'env_var', 'return']",
      "last ['submit_python_job', 'compiled_code', 'this', 'defer_relation']",
      "graph ['exposures', 'functions', 'groups', 'metrics', 'nodes', 'sources', "
        + "'semantic_models', 'saved_queries']",
      "metrics ['metric.context_order.all_of']",
      "semantic ['semantic_model.context_order.sm']", "own FalseTrue",
    ] {
      #expect(run.output.contains(words), "\(run)")
    }
  }

  /// The test itself tells what is not there.
  @Test func whatIsNotThereIsTold() async throws {
    let project = try SmallProject(
      "context_names_missing",
      ["models/a.sql": Self.model(["target.name", "no_such_name", "adapter.no_such_method"])]
    )
    let run = try await project.run("run")
    #expect(
      run.output.contains("missing while running: ['no_such_name', 'adapter.no_such_method']"),
      "\(run)"
    )
  }

  private static func model(_ names: [String]) -> String {
    let checks = names.map { name in
      let check = "{% if \(name) is undefined %}{% do missing.append('\(name)') %}{% endif %}"
      return name.hasPrefix("table.") ? "{% if execute %}\(check){% endif %}" : check
    }
    return """
      {% set missing = [] %}
      {% set table = run_query("select 1 as a, 'x' as b union all select 2, 'y'") %}
      \(checks.joined(separator: "\n"))
      {% set stage = 'running' if execute else 'parsing' %}
      {{ log('missing while ' ~ stage ~ ': ' ~ missing, info=true) }}
      select 1 as id
      """
  }
}
