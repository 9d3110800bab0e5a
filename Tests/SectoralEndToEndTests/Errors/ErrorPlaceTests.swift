import Testing

/// Where an error of the server points: one case for each place that it can come from. `1️⃣` stands where
/// the message must point.
struct ErrorPlaceTests {
  @Test(arguments: text + macros + settings + tests + materializations + commands)
  func pointsAt(_ input: BadInput) async throws {
    try await input.check(in: TestHome.shared.get())
  }

  private static let noColumn = "column \"nope\" does not exist"
  private static let noTable = "relation \"nothing\" does not exist"

  private static func input(
    _ name: String,
    _ files: [String: String],
    before: [String: String]? = nil,
    command: [String] = ["build"],
    exitCode: Int32 = 1,
    _ says: String...,
    hint: String? = nil
  ) -> BadInput {
    BadInput(
      name: "place-\(name)",
      files: files,
      before: before,
      command: command,
      exitCode: exitCode,
      says: says,
      hint: hint
    )
  }

  private static func model(
    _ name: String,
    _ text: String,
    _ says: String...,
    hint: String? = nil
  )
    -> BadInput
  {
    var input = input(name, ["models/a.sql": text], hint: hint)
    input.says = says.isEmpty ? [noColumn] : says
    return input
  }

  // MARK: The model's own text

  static let text = [
    model("plain", "select\n  1 as id,\n  1️⃣nope as x\n"),
    model(
      "below-a-loop",
      "select\n{% for c in [1, 2] %}\n  {{ c }} as c{{ c }},\n{% endfor %}\n  1️⃣nope\n"
    ),
    model(
      "in-a-loop",
      "select\n{% for c in [1, 2] -%}\n  1️⃣nope + {{ c }} as c{{ c }}{{ ',' if not loop.last }}\n{% endfor %}\n"
    ),
    model(
      "below-an-expression-of-many-lines",
      "{{ config(\n  materialized = 'table'\n) }}\nselect\n  {{\n    [\n      '1 as a',\n      '2 as b'\n    ] | join(',\\n  ')\n  }},\n  1️⃣nope\n"
    ),
    model("below-a-comment", "{# several\n   lines #}\n-- {{ 1 }}\n/* é\n */ select 1️⃣nope\n"),
    model(
      "whitespace-control",
      "{%- set x = 1 -%}\n\n\n  select\n  {{- ' ' -}}\n  1 as a,\n\n  1️⃣nope\n"
    ),
    model("tabs", "select\n\t1 as a,\t1️⃣nope as {{ 'b' }}\n"),
    model("characters-of-many-bytes", "select 'é€𝄞' as \"ü\", '{{ '漢字' }}' as b, 1️⃣nope as c\n"),
    model(
      "windows",
      "{{ config(materialized='table') }}\r\n{% if true %}\r\nselect\r\n  'é' as a,\r\n\t1️⃣nope as {{ 'b' }}\r\n{% endif %}\r\n"
    ),
    model("value", "{% set name = 'nope' %}\nselect\n  1 as a, {{ 1️⃣name }}\n"),
    model(
      "set-block",
      "{% set list %}\n  1 as a,\n  1️⃣nope as b\n{% endset %}\nselect\n{{ list }}\n"
    ),
    model("end-of-input", "select (1 + {{ 1️⃣1 }}\n", "syntax error at"),
    model(
      "comma",
      "select\n  1 as a,\n1️⃣from (select 1) t\n",
      "syntax error at or near \"from\"",
      hint: "a comma too many"
    ),
    model(
      "quotes",
      "select\n  1 as a\nwhere 'x' = 1️⃣\"abcdef\"\n",
      "column \"abcdef\" does not exist",
      hint: "single quotes"
    ),
    model(
      "type",
      "select 1::1️⃣integr as a\n",
      "type \"integr\" does not exist",
      hint: "did you mean 'integer'?"
    ),
    input(
      "name-of-a-model",
      ["models/a.sql": "select * from 1️⃣orders\n", "models/b/orders.sql": "select 1 as id\n"],
      "relation \"orders\" does not exist",
      hint: "write {{ ref('orders') }}"
    ),
    input(
      "name-like-that-of-a-model",
      ["models/a.sql": "select * from 1️⃣oders\n", "models/b/orders.sql": "select 1 as id\n"],
      "relation \"oders\" does not exist",
      hint: "did you mean {{ ref('orders') }}?"
    ),
    input(
      "model-that-was-not-built",
      [
        "models/a.sql": "select *\nfrom {{ 1️⃣ref('orders') }}\n",
        "models/orders.sql": "select 1 as id\n",
      ],
      command: ["build", "--select", "a"],
      "orders\" does not exist",
      hint: "add --select +a"
    ),
    input(
      "source-that-is-not-there",
      [
        "models/a.sql": "select *\nfrom {{ 1️⃣source('raw', 'prices') }}\n",
        "models/s.yml": "sources:\n  - name: raw\n    tables:\n      - name: prices\n",
      ],
      "prices\" does not exist",
      hint: "check its `schema` and `identifier`"
    ),
    input(
      "below-ctes",
      [
        "models/e.sql": "{{ config(materialized='ephemeral') }}select 1 as id\n",
        "models/f.sql": "{{ config(materialized='ephemeral') }}select 2 as id\n",
        "models/a.sql":
          "-- é\nwith own as (select {{ 1 }} as one)\nselect 1️⃣nope\nfrom {{ ref('e') }}, {{ ref('f') }}, own\n",
      ],
      noColumn
    ),
    input(
      "ephemeral",
      [
        "models/e.sql":
          "{{ config(materialized='ephemeral') }}\nselect {{ 1 }} as a,\n  1️⃣nope as x\n",
        "models/f.sql": "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('e') }}\n",
        "models/a.sql": "with own as (select 1 as one)\nselect * from {{ ref('f') }}, own\n",
      ],
      noColumn,
      "ephemeral model e, which a refers to"
    ),
  ]

  // MARK: Macros

  static let macros = [
    input(
      "macro",
      [
        "macros/m.sql": "{% macro total(x) %}\n  sum({{ x }}) + 1️⃣nope\n{% endmacro %}\n",
        "models/a.sql": "select\n  {{ total(1) }} as a\n",
      ],
      noColumn,
      "in macro total (macros/m.sql:2:",
      "called from model a (models/a.sql:2:6)"
    ),
    input(
      "argument",
      [
        "macros/m.sql": "{% macro total(x) %}sum({{ x }}){% endmacro %}\n",
        "models/a.sql": "select\n  {{ total('1️⃣nope') }} as a\n",
      ],
      noColumn,
      "macro total (macros/m.sql:1:28)"
    ),
    input(
      "macro-of-a-macro",
      [
        "macros/m.sql":
          "{% macro outer(x) %}\n  ({{ inner(x) }})\n{% endmacro %}\n\n{% macro inner(x) %}\n  {{ x }} * 1️⃣nope\n{% endmacro %}\n",
        "models/a.sql": "select\n  1 as one,\n  {{ outer(1) }} as a\n",
      ],
      noColumn,
      "in macro inner (macros/m.sql:6:",
      "called from macro outer (macros/m.sql:2:7)",
      "called from model a (models/a.sql:3:6)"
    ),
    input(
      "macro-in-a-variable",
      [
        "macros/m.sql":
          "{% macro columns() %}\n  1 as first_column,\n  1️⃣nope as second_column\n{% endmacro %}\n",
        "models/a.sql": "{% set c = columns() | trim %}\nselect\n  {{ c }}\n",
      ],
      noColumn,
      "in macro columns (macros/m.sql:3:"
    ),
    input(
      "joined-texts",
      [
        "macros/m.sql": "{% macro term(x) %}coalesce({{ x }}, 1️⃣nope){% endmacro %}\n",
        "models/a.sql":
          "{% set parts = [] %}\n{% for i in [1, 2] %}{% do parts.append(term(i) ~ ' as c' ~ i) %}{% endfor %}\nselect {{ parts | join(', ') }}\n",
      ],
      noColumn,
      "macros/m.sql:1:"
    ),
    input(
      "call-block",
      [
        "macros/m.sql": "{% macro around() %}({{ caller() }}){% endmacro %}\n",
        "models/a.sql": "select\n  {% call around() %}1 + 1️⃣nope{% endcall %} as a\n",
      ],
      noColumn
    ),
    input(
      "macro-of-a-package",
      [
        "dbt_project.yml": BadInput.projectFile("dispatch: []\n"),
        "dbt_packages/tools/dbt_project.yml": "name: tools\nversion: '1.0'\n",
        "dbt_packages/tools/macros/m.sql":
          "{% macro star() %}{{ return(adapter.dispatch('star', 'tools')()) }}{% endmacro %}\n\n{% macro default__star() %}\n  1 as a,\n  1️⃣nope as b\n{% endmacro %}\n",
        "packages.yml": "packages:\n  - local: dbt_packages/tools\n",
        "models/a.sql": "select {{ tools.star() }}\n",
      ],
      noColumn,
      "in macro default__star (dbt_packages/tools/macros/m.sql:5:",
      "model a (models/a.sql:1:11)"
    ),
    input(
      "built-in-macro",
      ["models/a.sql": "select\n  {{ dbt.dateadd('day', 1, '1️⃣nope') }} as a\n"],
      noColumn
    ),
    input(
      "query-of-a-macro",
      [
        "macros/m.sql":
          "{% macro names() %}\n  {% if execute %}\n  {% set q %}\n    select\n      1️⃣nope\n  {% endset %}\n  {% do run_query(q) %}\n  {% endif %}\n{% endmacro %}\n",
        "models/a.sql": "{{ names() }}\nselect 1 as a\n",
      ],
      noColumn,
      "in macro names (macros/m.sql:7:",
      "called from model a (models/a.sql:1:4)"
    ),
    input(
      "literal-query",
      [
        "macros/m.sql":
          "{% macro names() %}{% if execute %}\n  {% do run_query('select 1️⃣nope from pg_class') %}\n{% endif %}{% endmacro %}\n",
        "models/a.sql": "{{ names() }}\nselect 1 as a\n",
      ],
      noColumn,
      "model a (models/a.sql:1:4)"
    ),
    input(
      "statement-of-a-macro",
      [
        "macros/m.sql":
          "{% macro names() %}\n  {% call statement('n', fetch_result=True) %}\n    select 'é', 1️⃣nope\n  {% endcall %}\n{% endmacro %}\n",
        "models/a.sql": "{{ names() }}\nselect 1 as a\n",
      ],
      noColumn,
      "in macro names (macros/m.sql:2:",
      "called from model a (models/a.sql:1:4)"
    ),
    input(
      "own-materialization",
      [
        "macros/m.sql":
          "{% materialization plain, default %}\n  {% call statement('main') %}\n    create or replace view {{ this }} as ({{ sql }}) 1️⃣whatever\n  {% endcall %}\n  {{ return({'relations': [this]}) }}\n{% endmaterialization %}\n",
        "models/a.sql": "{{ config(materialized='plain') }}\nselect 1 as a\n",
      ],
      "syntax error at or near \"whatever\""
    ),
    input(
      "model-of-an-own-materialization",
      [
        "macros/m.sql":
          "{% materialization plain, default %}\n  {% call statement('main') %}\n    create or replace view {{ this }} as ({{ sql }})\n  {% endcall %}\n  {{ return({'relations': [this]}) }}\n{% endmaterialization %}\n",
        "models/a.sql": "{{ config(materialized='plain') }}\nselect {{ 1 }} as a,\n  1️⃣nope\n",
      ],
      noColumn
    ),
    input(
      "macro-forgotten",
      [
        "macros/m.sql": "{% macro cents(x) %}{{ x }} / 100{% endmacro %}\n",
        "models/a.sql": "select 1️⃣cents(1) as a\n",
      ],
      "function cents(integer) does not exist",
      hint: "write {{ cents(…) }}"
    ),
  ]

  // MARK: Settings

  static let settings = [
    input(
      "type-of-an-argument",
      [
        "functions/f.sql": "select price * 2\n",
        "functions/f.yml": """
        functions:
          - name: f
            arguments: [{name: price, data_type: 1️⃣floatt}]
            returns: {data_type: float}
        """,
      ],
      "type floatt does not exist",
      hint: "did you mean 'float'?"
    ),
    input(
      "pre-hook",
      [
        "models/a.sql":
          "{{ config(\n  pre_hook=[\"select 1\", \"select 1️⃣nope\"]\n) }}\nselect 1 as a\n"
      ],
      noColumn
    ),
    input(
      "post-hook-with-a-template",
      [
        "models/a.sql":
          "{{ config(materialized='table',\n  post_hook=\"update {{ this }} set 1️⃣nope = 1\") }}\nselect 1 as a\n"
      ],
      "column \"nope\" of relation \"a\" does not exist"
    ),
    input(
      "hook-in-the-properties",
      [
        "models/a.sql": "{{ config(materialized='table') }}\nselect 1 as a\n",
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      post_hook:\n        - select 1\n        - \"update {{ this }} set 1️⃣nope = 1\"\n",
      ],
      "column \"nope\" of relation \"a\" does not exist"
    ),
    input(
      "hook-in-the-project",
      [
        "models/a.sql": "select 1 as a\n",
        "dbt_project.yml": BadInput.projectFile(
          "models:\n  faulty:\n    +pre-hook:\n      - \"select '{{ this.name }}', 1️⃣nope\"\n"
        ),
      ],
      noColumn
    ),
    input(
      "hook-of-many-lines",
      [
        "models/a.sql": "select 1 as a\n",
        "dbt_project.yml": BadInput.projectFile(
          "models:\n  faulty:\n    +pre-hook: |\n      select\n        '{{ this.name }}',\n        1️⃣nope\n"
        ),
      ],
      noColumn
    ),
    input(
      "macro-of-a-hook",
      [
        "macros/m.sql": "{% macro note() %}\n  select 1, 1️⃣nope\n{% endmacro %}\n",
        "models/a.sql": "{{ config(pre_hook=\"{{ note() }}\") }}\nselect 1 as a\n",
      ],
      noColumn,
      "in macro note (macros/m.sql:2:",
      "model a (models/a.sql:1:"
    ),
    input(
      "start-of-the-run",
      [
        "models/a.sql": "select 1 as a\n",
        "dbt_project.yml": BadInput.projectFile(
          "on-run-start:\n  - select 1\n  - \"select {{ 1 }}, 1️⃣nope\"\n"
        ),
      ],
      noColumn
    ),
    input(
      "macro-at-the-end-of-the-run",
      [
        "macros/m.sql": "{% macro note() %}\n  select 1, 1️⃣nope\n{% endmacro %}\n",
        "models/a.sql": "select 1 as a\n",
        "dbt_project.yml": BadInput.projectFile("on-run-end: [\"{{ note() }}\"]\n"),
      ],
      noColumn,
      "in macro note (macros/m.sql:2:"
    ),
    input(
      "index",
      [
        "models/a.sql":
          "{{ config(materialized='table',\n  indexes=[{'columns': ['a']}, {'columns': ['1️⃣nope']}]) }}\nselect 1 as a\n"
      ],
      "column \"nope\" does not exist"
    ),
    input(
      "grant",
      [
        "models/a.sql": "select 1 as a\n",
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      grants: {select: [1️⃣nobody_here]}\n",
      ],
      "role \"nobody_here\" does not exist",
      hint: "create the role"
    ),
    input(
      "header",
      [
        "models/a.sql":
          "{{ config(materialized='table', sql_header='select 1️⃣nope;') }}\nselect 1 as a\n"
      ],
      noColumn
    ),
    input(
      "header-block",
      [
        "models/a.sql":
          "{{ config(materialized='table') }}\n{% call set_sql_header(config) %}\n  set local work_mem to '1MB';\n  select 1️⃣nope;\n{% endcall %}\nselect 1 as a\n"
      ],
      noColumn
    ),
    input(
      "unique-key",
      [
        "models/a.sql":
          "{{ config(materialized='incremental', unique_key='1️⃣nope') }}\nselect 1 as a\n"
      ],
      before: [
        "models/a.sql":
          "{{ config(materialized='incremental', unique_key='a') }}\nselect 1 as a\n"
      ],
      "nope\" does not exist"
    ),
    input(
      "data-type-of-a-contract",
      [
        "models/a.sql": "{{ config(materialized='table') }}\nselect 1 as a\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n      - {name: a, data_type: 1️⃣integr}\n",
      ],
      "type \"integr\" does not exist",
      hint: "did you mean 'integer'?"
    ),
    input(
      "not-null",
      [
        "models/a.sql": "{{ config(materialized='table') }}\nselect null::int as a, 7 as b\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n      - name: a\n        data_type: integer\n        constraints:\n          - type: 1️⃣not_null\n      - {name: b, data_type: integer}\n",
      ],
      "null value in column \"a\"",
      "Failing row contains (null, 7)."
    ),
    input(
      "check",
      [
        "models/a.sql": "{{ config(materialized='table') }}\nselect -1 as a, 7 as b\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n      - name: a\n        data_type: integer\n        constraints:\n          - {type: not_null}\n          - {type: 1️⃣check, expression: 'a > 0'}\n      - {name: b, data_type: integer}\n",
      ],
      "violates check constraint",
      "Failing row contains (-1, 7)."
    ),
    input(
      "unique",
      [
        "models/a.sql":
          "{{ config(materialized='table') }}\nselect 1 as a, 2 as b union all select 1, 2\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    constraints:\n      - type: 1️⃣unique\n        columns: [a, b]\n    columns:\n      - {name: a, data_type: integer}\n      - {name: b, data_type: integer}\n",
      ],
      "duplicate key value violates unique constraint",
      "Key (a, b)=(1, 2) already exists."
    ),
    input(
      "mismatch-of-a-contract",
      [
        "models/a.sql": "{{ config(materialized='table') }}\nselect 1 as a, 'x' as c\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n      - name: a\n        data_type: 1️⃣text\n",
      ],
      "This model has an enforced contract that failed.",
      "| a ",
      "data type mismatch"
    ),
  ]

  // MARK: Tests

  static let tests = [
    input(
      "singular-test",
      [
        "models/a.sql": "select 1 as id\n",
        "tests/t.sql":
          "{{ config(severity='warn') }}\nselect *\nfrom {{ ref('a') }}\nwhere 1️⃣nope > 1\n",
      ],
      noColumn
    ),
    input(
      "own-generic-test",
      [
        "models/a.sql": "select 1 as id\n",
        "tests/generic/even.sql":
          "{% test even(model, column_name) %}\n  select {{ column_name }}\n  from {{ model }}\n  where 1️⃣nope % 2 = 1\n{% endtest %}\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [even]\n",
      ],
      noColumn,
      "in macro test_even (tests/generic/even.sql:4:",
      "called from test even_a_id (models/s.yml:5:22)"
    ),
    input(
      "built-in-test",
      [
        "models/a.sql": "select 1 as id\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: nope\n        data_tests:\n          - unique\n          - 1️⃣accepted_values: {arguments: {values: [1]}}\n",
      ],
      "Database Error in test accepted_values_a_nope__1 (models/s.yml)",
      noColumn
    ),
    input(
      "test-of-what-is-not-built",
      [
        "models/a.sql": "select 1 as id\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n          - 1️⃣not_null\n",
      ],
      command: ["test"],
      "Database Error in test not_null_a_id (models/s.yml)",
      hint: "it has not been built here: 'build --select +not_null_a_id' makes it first, or read "
        + "it from another environment with --defer"
    ),
    input(
      "where",
      [
        "models/a.sql": "select 1 as id\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n          - not_null:\n              config:\n                where: \"id > 0 and 1️⃣nope = 2\"\n",
      ],
      noColumn
    ),
    input(
      "argument-of-a-test",
      [
        "models/a.sql": "select 1 as id\n",
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n          - relationships:\n              arguments: {to: ref('a'), field: 1️⃣nope}\n",
      ],
      noColumn
    ),
    input(
      "row-of-a-unit-test",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        rows:\n          - {id: 1, n: 5}\n          - {id: 2, n: 1️⃣five}\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      "An error occurred during execution of unit test 'adds'.",
      "invalid input syntax for type integer: \"five\""
    ),
    input(
      "materialized-view-under-a-unit-test",
      [
        "models/b.sql": "{{ config(materialized='materialized_view') }}\nselect 1 as id\n",
        "models/a.sql": "select id from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: same\n    model: a\n    given:\n      - input: 1️⃣ref('b')\n        rows:\n          - {id: 1}\n    expect:\n      rows: [{id: 1}]\n",
      ],
      "Not able to get columns for unit test 'b'",
      "hint: the columns of a materialized view are not looked up"
    ),
    input(
      "expected-row-of-a-unit-test",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        format: csv\n        rows: |\n          id,n\n          1,5\n    expect:\n      format: csv\n      rows: |\n        id,n\n        1,1️⃣six\n",
      ],
      "invalid input syntax for type integer: \"six\""
    ),
    input(
      "fixture-of-a-unit-test",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "tests/fixtures/rows.sql": "select 1 as id,\n  1️⃣nope as n\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        format: sql\n        fixture: rows\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      noColumn
    ),
    input(
      "csv-fixture-of-a-unit-test",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "tests/fixtures/rows.csv": "id,n\n1,5\n2,1️⃣five\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        format: csv\n        fixture: rows\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      "invalid input syntax for type integer: \"five\""
    ),
    input(
      "model-of-a-unit-test",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\nwhere {{ 1 }} = 1️⃣nope\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        rows: [{id: 1, n: 5}]\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      noColumn,
      "unit test adds (models/s.yml:2:"
    ),
    input(
      "column-that-an-input-of-a-unit-test-lacks",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        rows:\n          - {id: 1}\n          - {id: 1, m: 1️⃣5}\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      "Compilation Error in model b (models/s.yml)",
      "Invalid column name: 'm' in unit test fixture for 'b'.",
      "unit test adds (models/s.yml:2:"
    ),
    input(
      "column-that-a-unit-test-expects-in-vain",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: ref('b')\n        rows: [{id: 1, n: 5}]\n    expect:\n      format: csv\n      rows: |\n        id,1️⃣m\n        1,6\n",
      ],
      "Runtime Error in unit_test adds (models/s.yml)",
      "Invalid column name: 'm' in unit test fixture for expected output."
    ),
    input(
      "input-of-a-unit-test-that-was-not-built",
      [
        "models/b.sql": "select 1 as id, 2 as n\n",
        "models/a.sql": "select id, n + 1 as n from {{ ref('b') }}\n",
        "models/s.yml":
          "unit_tests:\n  - name: adds\n    model: a\n    given:\n      - input: 1️⃣ref('b')\n        rows: [{id: 1, n: 5}]\n    expect:\n      rows: [{id: 1, n: 6}]\n",
      ],
      command: ["test"],
      "Not able to get columns for unit test 'b' from relation",
      hint: "'run --empty --select +b' makes it, without rows"
    ),
  ]

  // MARK: Materializations

  static let materializations = [
    input(
      "second-run-of-an-incremental-model",
      [
        "models/a.sql":
          "{{ config(materialized='incremental') }}\nselect 1 as a\n{% if is_incremental() %}\nwhere 1️⃣nope > (select max(a) from {{ this }})\n{% endif %}\n"
      ],
      before: ["models/a.sql": "{{ config(materialized='incremental') }}\nselect 1 as a\n"],
      noColumn
    ),
    input(
      "schema-that-changed",
      [
        "models/a.sql":
          "{{ config(materialized='incremental', on_schema_change='1️⃣fail') }}\nselect 1 as a, 2 as b\n"
      ],
      before: [
        "models/a.sql":
          "{{ config(materialized='incremental', on_schema_change='fail') }}\nselect 1 as a\n"
      ],
      "The source and target schemas on this incremental model are out of sync!"
    ),
    input(
      "snapshot",
      [
        "snapshots/s.sql":
          "{% snapshot s %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect 1 as id,\n  1️⃣nope as n\n{% endsnapshot %}\n"
      ],
      noColumn
    ),
    input(
      "second-run-of-a-snapshot",
      [
        "snapshots/s.sql":
          "{% snapshot s %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect 1 as id,\n  {{ 2 }} + 1️⃣nope as n\n{% endsnapshot %}\n"
      ],
      before: [
        "snapshots/s.sql":
          "{% snapshot s %}\n{{ config(unique_key='id', strategy='check', check_cols='all') }}\nselect 1 as id, 2 as n\n{% endsnapshot %}\n"
      ],
      noColumn
    ),
    input(
      "batch",
      [
        "models/a.sql":
          "{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id',\n  event_time='at', batch_size='day', begin='2024-01-01') }}\nselect 1 as id, timestamp '2024-01-01' as at,\n  1️⃣nope as n\n"
      ],
      command: [
        "build", "--event-time-start", "2024-01-01", "--event-time-end", "2024-01-02",
      ],
      noColumn
    ),
    input(
      "materialized-view",
      [
        "models/a.sql":
          "{{ config(materialized='materialized_view') }}\nselect {{ 1 }} as a,\n  1️⃣nope as b\n"
      ],
      noColumn
    ),
    input(
      "value-of-a-seed",
      [
        "seeds/s.csv": "id,n\n1,2\n1️⃣2,two\n",
        "seeds/s.yml": "seeds:\n  - name: s\n    config: {column_types: {n: integer}}\n",
      ],
      "invalid input syntax for type integer: \"two\"",
      hint: "`column_types`, or a table that was made of an earlier file, gives the column a type "
        + "that does not fit; of the latter, 'seed --full-refresh --select s' makes it anew"
    ),
    input(
      "types-of-an-earlier-seed",
      ["seeds/s.csv": "id,n\n1,2\n1️⃣2,two\n"],
      before: ["seeds/s.csv": "id,n\n1,2\n"],
      "invalid input syntax for type integer: \"two\"",
      "CONTEXT:  COPY s, line 2, column n",
      hint: "the table has the types of an earlier file: "
        + "'seed --full-refresh --select s' makes it anew"
    ),
    input(
      "columns-of-an-earlier-seed",
      ["seeds/s.csv": "1️⃣id,m\n1,2\n"],
      before: ["seeds/s.csv": "id,n\n1,2\n"],
      "column \"m\" of relation \"s\" does not exist",
      hint: "the table has the columns of an earlier file: "
        + "'seed --full-refresh --select s' makes it anew"
    ),
  ]

  // MARK: Commands

  static let commands = [
    input(
      "sql-of-an-operation",
      ["models/a.sql": "select 1 as a\n"],
      command: ["run-operation", "--sql", "select {{ 1 }}, nope"],
      noColumn,
      "--> --sql:1:17"
    ),
    input(
      "macro-of-an-operation",
      ["macros/m.sql": "{% macro m() %}\n  {% do run_query('select 1️⃣nope') %}\n{% endmacro %}\n"],
      command: ["run-operation", "m"],
      noColumn
    ),
    input(
      "inline-query",
      ["macros/m.sql": "{% macro m() %}\n  1️⃣nope\n{% endmacro %}\n"],
      command: ["show", "--inline", "select {{ m() }}"],
      exitCode: 2,
      noColumn,
      "in macro m (macros/m.sql:2:"
    ),
    input(
      "inline-text",
      ["models/a.sql": "select 1 as a\n"],
      command: ["show", "--inline", "select {{ 1 }},\n  nope"],
      exitCode: 2,
      noColumn,
      "2 |   nope"
    ),
    input(
      "inline-compilation",
      ["macros/m.sql": "{% macro m() %}\n  {% do run_query('select 1️⃣nope') %}\n{% endmacro %}\n"],
      command: ["compile", "--inline", "select {{ m() }}"],
      exitCode: 2,
      noColumn,
      "in macro m (macros/m.sql:2:"
    ),
  ]
}
