import Foundation
import Testing

/// A project for each kind of mistake that must be told with its place and advice, and one that has
/// them all.
struct BadInputAudit {
  @Test(arguments: kinds)
  func isTold(_ input: BadInput) async throws {
    try await input.check(in: TestHome.shared.get())
  }

  /// Two packages, each with a model `shared`.
  private static let packages: [String: String] = [
    "dbt_packages/one/dbt_project.yml": BadInput.projectFile(name: "one"),
    "dbt_packages/two/dbt_project.yml": BadInput.projectFile(
      "models: {+schema: two}\n",
      name: "two"
    ),
    "dbt_packages/one/models/shared.sql": "select 1 as id\n",
    "dbt_packages/two/models/shared.sql": "select 1 as id\n",
    "packages.yml": "packages:\n  - local: one\n  - local: two\n",
  ]

  private static let model = "select 1 as id\n"

  private static func files(_ more: [String: String]) -> [String: String] {
    ["models/a.sql": model].merging(more) { _, new in new }
  }

  static let kinds = [
    BadInput(
      name: "ambiguous-ref",
      files: packages.merging(["models/a.sql": "select *\nfrom {{ 1️⃣ref('shared') }}\n"]) { $1 },
      says: [
        "When referencing 'shared', dbt found nodes in multiple packages: 'model.one.shared', "
          + "'model.two.shared'",
        "with the package name first: 'one' or 'two'",
      ],
      hint: "write ref('one', 'shared'); they are at dbt_packages/one/models/shared.sql:1:1 and "
        + "dbt_packages/two/models/shared.sql:1:1"
    ),
    BadInput(
      name: "cycle",
      files: [
        "models/a.sql": "select *\nfrom {{ 1️⃣ref('c') }}\n",
        "models/b.sql": "select * from {{ ref('a') }}\n",
        "models/c.sql": "select * from {{ ref('b') }}\n",
      ],
      says: ["Found a cycle: model.faulty.a --> model.faulty.b --> model.faulty.c"],
      hint: "the cycle goes on at models/b.sql:1:18, then models/c.sql:1:18"
    ),
    BadInput(
      name: "two-cycles",
      files: [
        "models/a.sql": "select * from {{ ref('b') }}\n",
        "models/b.sql": "select * from {{ ref('a') }}\n",
        "models/c.sql": "select * from {{ 1️⃣ref('c') }}\n",
        "models/d.sql": "select * from {{ ref('b') }} {{ ref('c') }}\n",
      ],
      says: [
        "Found a cycle: model.faulty.a --> model.faulty.b", "Found a cycle: model.faulty.c",
      ],
      hint: "'{{ this }}' is its own table"
    ),
    BadInput(
      name: "version-not-found",
      files: [
        "models/m_v1.sql": model, "models/m_v2.sql": model,
        "models/s.yml": "models: [{name: m, versions: [{v: 1}, {v: 2}]}]\n",
        "models/b.sql": "select * from {{ 1️⃣ref('m', v=3) }}\n",
      ],
      says: ["depends on a node named 'm' with version '3' which was not found"],
      hint: "there is no such version; these there are: 1, 2"
    ),
    BadInput(
      name: "version-of-a-plain-model",
      files: files(["models/b.sql": "select * from {{ 1️⃣ref('a', v=1) }}\n"]),
      says: ["depends on a node named 'a' with version '1' which was not found"],
      hint: "'a' has no versions: leave 'v' out"
    ),
    BadInput(
      name: "source-twice",
      files: files([
        "models/s.yml": "sources: [{name: s, tables: [{name: t}]}]\n",
        "models/t.yml": "sources:\n  - name: s\n    tables: [1️⃣{name: t}]\n",
      ]),
      says: ["dbt found two sources with the name \"s_t\"."],
      hint: "the other is at models/s.yml:1:30"
    ),
    BadInput(
      name: "exposure-twice",
      files: files([
        "models/s.yml": "exposures:\n  - {name: e, type: ml, owner: {name: x}}\n",
        "models/t.yml": "exposures:\n  - 1️⃣{name: e, type: ml, owner: {name: x}}\n",
      ]),
      says: ["dbt found two exposures with the name \"e\".", "- exposure.faulty.e (models/t.yml)"],
      hint: "the other is at models/s.yml:2:5"
    ),
    BadInput(
      name: "unit-test-twice",
      files: files([
        "models/s.yml":
          "unit_tests:\n  - {name: u, model: a, given: [], expect: {rows: []}}\n"
          + "  - {name: 1️⃣u, model: a, given: [], expect: {rows: []}}\n"
      ]),
      says: ["with the name \"u\"."],
      hint: "the other is at models/s.yml:2:12"
    ),
    BadInput(
      name: "docs-block-twice",
      files: files([
        "models/d.md": "{% docs x %}a{% enddocs %}\n1️⃣{% docs x %}b{% enddocs %}\n"
      ]),
      says: ["dbt found two docs with the name \"x\"."],
      hint: "the other is at models/d.md:1:1"
    ),
    BadInput(
      name: "misspelt-config-in-a-call",
      files: [
        "models/a.sql": "{{ config(\n  1️⃣materialised='table', my_own=1\n) }}\nselect 1 as id\n"
      ],
      exitCode: 0,
      says: ["[WARNING]", "Custom key `materialised` found in a config"],
      hint: "did you mean 'materialized'?"
    ),
    BadInput(
      name: "misspelt-config-of-an-entry",
      files: files([
        "models/s.yml": "models:\n  - name: a\n    config: {tags: [x], 1️⃣materialised: table}\n"
      ]),
      exitCode: 0,
      says: ["[WARNING]", "Custom key `materialised` found in a config"],
      hint: "did you mean 'materialized'?"
    ),
    BadInput(
      name: "misspelt-config-of-the-project",
      files: files([
        "models/b.sql": model,
        "dbt_project.yml": BadInput.projectFile("models:\n  faulty:\n    +1️⃣materialised: table\n"),
      ]),
      exitCode: 0,
      says: ["[WARNING]", "Custom key `materialised` found in a config"],
      hint: "did you mean 'materialized'?"
    ),
    BadInput(
      name: "misspelt-config-of-a-test",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n"
          + "          - not_null: {config: {1️⃣severty: warn}}\n"
      ]),
      exitCode: 0,
      says: ["[WARNING]", "Custom key `severty` found in a config"],
      hint: "did you mean 'severity'?"
    ),
    BadInput(
      name: "wrong-types",
      files: files([
        "models/s.yml": """
        models:
          - name: a
            description: 1️⃣[1]
            config: x
            columns: [{name: id, data_type: 3, meta: [1]}]
        sources: [{name: s, schema: 5, tables: [{name: t, identifier: 6, columns: x}]}]
        exposures: [{name: e, type: ml, owner: {name: x}, depends_on: ref('a')}]
        """
      ]),
      says: [
        "at path ['description']: [1] is not of type 'string'",
        "at path ['config']: 'x' is not of type 'object'",
        "at path ['columns'][0]['data_type']: 3 is not valid under any of the given schemas",
        "at path ['columns'][0]['meta']: [1] is not of type 'object'",
        "at path ['schema']: 5 is not valid", "at path ['tables'][0]['identifier']: 6 is not valid",
        "at path ['tables'][0]['columns']: 'x' is not of type 'array'",
        "at path ['depends_on']: \"ref('a')\" is not of type 'array'",
      ]
    ),
    BadInput(
      name: "misspelt-keys-of-other-kinds",
      files: files([
        "models/s.yml": """
        unit_tests: [{name: u, model: a, given: [], expect: {rows: [{id: 1}]}, 1️⃣overides: {}}]
        """
      ]),
      says: ["Additional properties are not allowed ('overides' was unexpected)"],
      hint: "did you mean 'overrides'?"
    ),
    BadInput(
      name: "missing-macro",
      files: [
        "models/a.sql": "select\n  {{ 1️⃣cents_to_dolars('x') }} as a\n",
        "macros/m.sql": "{% macro cents_to_dollars(c) %}{{ c }}{% endmacro %}\n",
      ],
      exitCode: 0,
      says: ["calls 'cents_to_dolars', which is undefined: compiling it will fail"],
      hint: "did you mean 'cents_to_dollars'?"
    ),
    BadInput(
      name: "macro-of-a-missing-package",
      files: ["models/a.sql": "select\n  {{ 1️⃣dbt_utils.star('x') }} as a\n"],
      exitCode: 0,
      says: ["calls 'dbt_utils.star', which is undefined"],
      hint: "no package 'dbt_utils' is installed: add it to packages.yml"
    ),
    BadInput(
      name: "missing-generic-test",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n"
          + "          - 1️⃣uniqe\n"
      ]),
      exitCode: 0,
      says: ["'test_uniqe' is undefined"],
      hint: "did you mean 'unique'?"
    ),
    BadInput(
      name: "every-node-that-cannot-be-compiled",
      files: [
        "models/a.sql": "select {{ nothing() }}\n",
        "models/b.sql": "select {{ ref('a') }}{{ none_such() }}\n",
      ],
      command: ["compile"],
      says: ["'nothing' is undefined", "'none_such' is undefined", "2 errors in all"]
    ),
    BadInput(
      name: "packages-not-installed",
      files: [
        "packages.yml": "packages:\n  - 1️⃣package: dbt-labs/dbt_utils\n    version: 1.1.1\n",
        "models/a.sql": "select {{ ref('of_the_package') }}\n",
        "models/b.sql": "select 1 {% 1️⃣foo %}\n".replacingOccurrences(of: "1️⃣", with: ""),
      ],
      says: [
        "dbt found 1 package(s) specified in packages.yml, but only 0 package(s) installed",
        "Encountered unknown tag 'foo'.", "2 errors in all",
      ],
      hint: "run 'sectoral deps'"
    ),
    BadInput(
      name: "keys-and-types-of-the-semantic-layer",
      files: files([
        "models/s.yml": """
        semantic_models:
          - name: s
            model: ref('a')
            entities: [{name: id, type: primary, 1️⃣exprr: id}]
            measures: [{name: n, agg: sum, expr: [1], agg_params: {percentil: 0.5}}]
            dimensions: [{name: d, type: time, type_params: {}}]
        metrics:
          - {name: m, label: M, type: simple, type_params: {measure: {name: n, filtr: x}}}
          - {name: k, label: 3, type: simple, type_params: {mesure: n}}
        saved_queries:
          - name: q
            query_params: {metrics: m, limit: "3"}
            exports: [{name: e, configs: {}}]
        groups:
          - {name: g, owner: {name: x}, meta: 3}
        exposures:
          - {name: e, type: dashbord, owner: x, description: , tags: a}
        functions:
          - {name: f, returns: {type: int}, arguments: [{name: x}]}

        """
      ]),
      says: [
        "at path ['entities'][0]: Additional properties are not allowed ('exprr' was unexpected)",
        "['measures'][0]['expr']: [1] is not valid", "('percentil' was unexpected)",
        "'time_granularity' is a required property", "('filtr' was unexpected)",
        "['label']: 3 is not of type 'string'", "('mesure' was unexpected)",
        "did you mean 'measure'?", "['query_params']['metrics']: 'm' is not of type 'array'",
        "['query_params']['limit']: '3' is not valid", "('configs' was unexpected)",
        "('meta' was unexpected)", "'dashbord' is not one of ['dashboard'",
        "did you mean 'dashboard'?", "['owner']: 'x' is not of type 'object'",
        "['description']: None is not of type 'string'", "['tags']: 'a' is not of type 'array'",
        "['returns']: 'data_type' is a required property",
        "['arguments'][0]: 'data_type' is a required property", "18 errors in all",
      ],
      hint: "did you mean 'expr'?"
    ),
    BadInput(
      name: "references-of-the-semantic-layer",
      files: files([
        "models/s.yml": """
        exposures:
          - name: e
            type: dashboard
            owner: {name: x}
            depends_on: [metric('gone')]
        semantic_models:
          - name: orders
            model: ref('aa')
          - name: sales
            model: ref('a')
            entities: [{name: id, type: primary}]
            measures: [{name: total, agg: sum}, {name: total, agg: min}]
        metrics:
          - {name: m, label: M, type: simple, type_params: {measure: totals}}
          - {name: k, label: M, type: ratio, type_params: {numerator: m, denominator: other}}
        saved_queries:
          - name: q
            query_params: {metrics: [m, 1️⃣mm]}

        """
      ]),
      says: [
        "--> models/s.yml:5:26", "--> models/s.yml:8:17", "--> models/s.yml:12:23",
        "--> models/s.yml:14:62", "--> models/s.yml:15:22", "--> models/s.yml:15:79",
        "--> models/s.yml:18:33",
      ],
      hint: "did you mean 'm'?"
    ),
    BadInput(
      name: "hooks-that-are-no-texts",
      files: files([
        "dbt_project.yml": BadInput.projectFile(
          "on-run-start: 1️⃣[{sql: select 1}, select 2]\non-run-end: {sql: select 3}\n"
        )
      ]),
      says: ["on-run-start", "on-run-end", "2 errors in all"],
      hint: "text or a list of texts"
    ),
    BadInput(
      name: "models-in-another-database",
      files: files([
        "models/b.sql": "1️⃣{{ config(database='elsewhere') }} select 1 as id\n"
      ]),
      command: ["compile", "--select", "a"],
      says: ["Cross-db references not allowed in postgres (elsewhere vs "]
    ),
    BadInput(
      name: "packages-that-are-no-list",
      files: files(["packages.yml": "packages: 1️⃣3\n", "models/b.sql": "{% foo %}\n"]),
      command: ["compile"],
      says: [
        "The packages.yml file in this project is malformed: 'packages' is a number",
        "Encountered unknown tag 'foo'.",
      ],
      hint: "write a list"
    ),
    BadInput(
      name: "packages-that-are-no-yaml",
      files: files(["packages.yml": "packages:\n1️⃣\t- a\n", "models/b.sql": "{% foo %}\n"]),
      command: ["ls"],
      says: ["Syntax error near line", "Encountered unknown tag 'foo'."]
    ),
    BadInput(
      name: "packages-of-unknown-kinds-and-keys",
      files: files([
        "packages.yml": "packages:\n  - 1️⃣pakage: a/b\n    version: 1.0.0\n  - 3\n"
          + "  - local: one\n    path: x\n  - git: \"{{ env_var('NOT_THERE') }}\"\n"
      ]),
      says: [
        "names no package", "an entry is a number", "'path' is unexpected in a local package",
        "Env var required but not provided: 'NOT_THERE'", "4 errors in all",
      ],
      hint: "did you mean 'package'?"
    ),
    BadInput(
      name: "packages-of-an-installed-package",
      files: packages.merging(["dbt_packages/one/packages.yml": "1️⃣pckages: []\n"]) { $1 },
      says: ["Additional properties are not allowed ('pckages' was unexpected)"],
      hint: "did you mean 'packages'?"
    ),
    BadInput(
      name: "dependencies-and-packages",
      files: packages.merging(["dependencies.yml": "1️⃣packages: []\n"]) { $1 },
      says: ["cannot be specified in both packages.yml and dependencies.yml"],
      hint: "keep the list in one of them"
    ),
    BadInput(
      name: "jinja-inside-yaml",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      enabled: \"{{ var('x' 1️⃣}}\"\n"
          + "      alias: \"{{ env_var('NOT_THERE') }}\"\n"
      ]),
      says: [
        "Could not render {{ var('x' }}",
        "Could not render {{ env_var('NOT_THERE') }}: Env var required but not provided: 'NOT_THERE'",
      ]
    ),
    BadInput(
      name: "jinja-inside-the-project-file",
      files: files([
        "dbt_project.yml": BadInput.projectFile(
          "modls: {}\nmodels:\n  faulty:\n    +enabled: \"{{ 1️⃣env_var('NOT_THERE') }}\"\n"
            + "    +tags: \"{{ x( }}\"\n"
        ),
        "models/b.sql": "select {{ ref('c') }}\n",
      ]),
      says: [
        "Env var required but not provided: 'NOT_THERE'", "Could not render {{ x( }}",
        "('modls' was unexpected)", "'c' which was not found",
      ]
    ),
    BadInput(
      name: "bad-selection-and-state-with-all-else",
      files: files([
        "models/b.sql": "select {{ 1️⃣ref('c') }}\n",
        "selectors.yml": "selectors: [{name: x, definition: {method: tagg, value: x}}]\n",
        "old/manifest.json":
          "{\"metadata\": {\"dbt_schema_version\": "
          + "\"https://schemas.getdbt.com/dbt/manifest/v99.json\"}}",
      ]),
      command: ["ls", "--select", "@a+", "--exclude", "nomethod:x", "--state", "old"],
      says: [
        "'c' which was not found", "'tagg' is not a valid method name", "Invalid node spec @a+",
        "'nomethod' is not a valid method name", "--> selectors.yml:1:44", "--> --select:1:1",
        "--> --exclude:1:1", "but found \"https://schemas.getdbt.com/dbt/manifest/v99.json\"",
      ]
    ),
    all,
  ]

  /// One mistake of every kind. The two warnings aside, each is an error of one run.
  static let all = BadInput(
    name: "all-of-them",
    files: packages.merging([
      "dbt_project.yml": BadInput.projectFile(
        "modls: {}\nmodel-paths: [models]\nmodels:\n  faulty: {+enabled: \"{{ env_var('GONE') }}\"}\n"
      ),
      "macros/m.sql": "{% macro m(x) %}{{ x }}{% endmacro %}\n{% macro m() %}{% endmacro %}\n",
      "macros/n.sql": "{% macro n( %}{% endmacro %}\n",
      "models/ambiguous.sql": "select {{ ref('shared') }}\n",
      "models/args.sql": "select {{ config(enabled='maybe') }}\n",
      "models/calls.sql": "select {{ one.none_such() }} {{ helper(1, 2) }}\n",
      "macros/h.sql": "{% macro helper(x) %}{{ x }}{% endmacro %}\n",
      "models/cycle_a.sql": "select {{ ref('cycle_b') }}\n",
      "models/cycle_b.sql": "select {{ ref('cycle_a') }}\n",
      "models/disabled.sql": "{{ config(enabled=false) }} select 1\n",
      "models/of_disabled.sql": "select {{ ref('disabled') }}\n",
      "models/x/twice.sql": model, "models/y/twice.sql": model,
      "models/missing.sql": "select {{ ref('twic') }}\n",
      "models/own.sql": model, "models/of_private.sql": "select {{ ref('own') }}\n",
      "models/v_v1.sql": model, "models/of_version.sql": "select {{ ref('v', v=7) }}\n",
      "models/jinja.sql": "select 1 {% foo %}\n",
      "models/s.yml": """
      groups: [{name: g, owner: {name: x}}]
      models:
        - {name: own, access: private, config: {group: g}}
        - {name: v, versions: [{v: 1}]}
        - name: missing
          config: {alias: "{{ var('x' }}"}
      seeds: 3
      """,
      "models/t.yml": "models: [\n",
      "selectors.yml": "selectors: [{name: x, definition: {method: tagg, value: x}}]\n",
    ]) { $1 },
    command: ["ls", "--select", "nomethod:x"],
    says: [
      "('modls' was unexpected)", "Env var required but not provided: 'GONE'",
      "dbt found multiple macros named \"m\"", "macros/n.sql:1:", "nodes in multiple packages",
      "at path ['enabled']: 'maybe' is not of type 'boolean'",
      "takes not more than 1 argument(s)", "Found a cycle: model.faulty.cycle_a",
      "named 'disabled' which is disabled", "dbt found two models with the name \"twice\"",
      "named 'twic' which was not found", "private to the 'g' group",
      "with version '7' which was not found", "Encountered unknown tag 'foo'.",
      "Could not render {{ var('x' }}", "the value of 'seeds' is not a list", "models/t.yml:",
      "'tagg' is not a valid method name", "'nomethod' is not a valid method name",
    ]
  )
}
