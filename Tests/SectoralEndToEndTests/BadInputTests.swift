import Testing

/// Mistakes that are found while the project is read: no database is touched.
struct BadInputTests {
  @Test(
    arguments: templates + references + properties + emptySections + emptyKeys + projectValues
      + projects + settings
  )
  func isRefused(_ input: BadInput) async throws {
    try await input.check(in: TestHome.shared.get())
  }

  static let model = "select 1 as id\n"

  // MARK: Templates

  static let templates = [
    BadInput(
      name: "unclosed-if",
      files: ["models/a.sql": "select 1 as a\n1️⃣{% if true %}\nwhere 1=1\n"],
      says: [
        "Compilation Error in model a (models/a.sql)", "Unexpected end of template.",
        "The innermost block that needs to be closed is 'if'.",
      ]
    ),
    BadInput(
      name: "unclosed-expression",
      files: ["models/a.sql": "select 1️⃣{{ ref('b') as a\n"],
      says: ["unexpected end of template"],
      hint: "close it with '}}'"
    ),
    BadInput(
      name: "unclosed-comment",
      files: ["models/a.sql": "select 1 as a 1️⃣{# hm\n"],
      says: ["Missing end of comment tag"]
    ),
    BadInput(
      name: "unclosed-string",
      files: ["models/a.sql": "select {{ 1️⃣'abc }} as a\n"],
      says: [
        "Compilation Error in model a (models/a.sql)", "unexpected end of template in a string",
      ]
    ),
    BadInput(
      name: "unclosed-macro",
      files: ["macros/m.sql": "1️⃣{% macro m() %}\n 1\n", "models/a.sql": model],
      says: ["Reached EOF without finding a close tag for macro (searched from line 1)"]
    ),
    BadInput(
      name: "tag-of-a-macro-unclosed",
      files: [
        "macros/m.sql": "{% macro m() %}\n1️⃣{% if true }\n1{% endif %}\n{% endmacro",
        "models/a.sql": model,
      ],
      says: ["the tag is never closed"],
      hint: "close it with '%}'"
    ),
    BadInput(
      name: "endif-missing-in-macro",
      files: [
        "macros/m.sql": "{% macro m(a) %}\n{% if a %}\n1\n{% else %}\n2\n{% 1️⃣endmacro %}\n",
        "models/a.sql": model,
      ],
      says: [
        "Encountered unknown tag 'endmacro'. You probably made a nesting mistake.",
        "The innermost block that needs to be closed is 'if'.",
      ],
      hint: "close the 'if' of line 2 first, with '{% endif %}'"
    ),
    BadInput(
      name: "endcall-missing-in-materialization",
      files: [
        "macros/m.sql":
          "{% materialization m, default %}\n{% for x in [1] %}\n{% call statement('main') %}\n1\n"
          + "{% 1️⃣endfor %}\n{{ return({}) }}\n{% endmaterialization %}\n",
        "models/a.sql": model,
      ],
      says: ["Encountered unknown tag 'endfor'.", "needs to be closed is 'call'."],
      hint: "close the 'call' of line 3 first, with '{% endcall %}'"
    ),
    BadInput(
      name: "endfor-for-endif-in-macro",
      files: [
        "macros/m.sql": "{% macro m(a) %}\n{% if a %}\n1\n{% 1️⃣endfor %}\n{% endmacro %}\n",
        "models/a.sql": model,
      ],
      says: ["Encountered unknown tag 'endfor'.", "needs to be closed is 'if'."],
      hint: "close the 'if' of line 2 first, with '{% endif %}'"
    ),
    BadInput(
      name: "unclosed-string-among-others",
      files: [
        "models/a.sql":
          "select *\nfrom {{ ref(1️⃣'b) }}\nwhere c = 'd'\nand e in {{ ref('f') }}\nand g = 'h'\n"
      ],
      says: ["unexpected end of template in a string"],
      hint: "close the string with '"
    ),
    BadInput(
      name: "unclosed-string-to-the-end",
      files: ["models/a.sql": "from {{ ref(1️⃣'b) }}\nwhere c = 'd'\nand e = 'f'\n"],
      says: ["unexpected end of template in a string"],
      hint: "close the string with '"
    ),
    BadInput(
      name: "endif-alone",
      files: ["models/a.sql": "select 1 as a\n{% 1️⃣endif %}\n"],
      says: ["Encountered unknown tag 'endif'."]
    ),
    BadInput(
      name: "unknown-tag",
      files: ["models/a.sql": "select 1 as a {% 1️⃣foo %}\n"],
      says: ["Encountered unknown tag 'foo'."]
    ),
    BadInput(
      name: "unknown-filter",
      files: ["models/a.sql": "select\n  {{ 'x' | 1️⃣uper }} as a\n"],
      says: ["No filter named 'uper'"],
      hint: "did you mean 'upper'?"
    ),
    BadInput(
      name: "unknown-filter-in-a-macro-that-nobody-calls",
      files: [
        "macros/m.sql": "{% macro m(a) %}\n  {{ a | 1️⃣uper }}\n{% endmacro %}\n",
        "models/a.sql": model,
      ],
      command: ["--warn-error", "parse"],
      exitCode: 0,
      says: ["No filter named 'uper'"],
      hint: "did you mean 'upper'?"
    ),
    BadInput(
      name: "unknown-filter-in-a-macro",
      files: [
        "macros/m.sql": "{% macro m(a) %}\n  {{ a | 1️⃣uper }}\n{% endmacro %}\n",
        "models/a.sql": "select {{ m('x') }} as a\n",
      ],
      says: ["Compilation Error in model a (models/a.sql)", "  No filter named 'uper'"],
      hint: "did you mean 'upper'?"
    ),
    BadInput(
      name: "config-without-arguments",
      files: ["models/a.sql": "{{ 1️⃣config() }}select 1 as id\n"],
      says: ["Invalid inline model config"],
      hint: "say what is to be set"
    ),
    BadInput(
      name: "config-of-numbers",
      files: ["models/a.sql": "{{ 1️⃣config({1: 2}) }}select 1 as id\n"],
      says: ["Invalid inline model config: a key of it is no text"]
    ),
    BadInput(
      name: "config-get-of-nothing",
      files: ["models/a.sql": "select {{ 1️⃣config.get() }} as id\n"],
      says: ["get", "'name'"]
    ),
    BadInput(
      name: "too-many-arguments",
      files: [
        "models/a.sql": "select\n  {{ 1️⃣m(1, 2) }} as a\n",
        "macros/m.sql": "{% macro m(x) %}{{ x }}{% endmacro %}\n",
      ],
      says: ["takes not more than 1 argument(s)"]
    ),
    BadInput(
      name: "unknown-argument",
      files: [
        "models/a.sql": "select\n  {{ 1️⃣m(y=2) }} as a\n",
        "macros/m.sql": "{% macro m(x) %}{{ x }}{% endmacro %}\n",
      ],
      says: ["takes no keyword argument 'y'"]
    ),
    BadInput(
      name: "recursive-macro",
      files: [
        "macros/m.sql": "{% macro m(x) %}{{ 1️⃣m(x + 1) }}{% endmacro %}\n",
        "models/a.sql": "select {{ m(1) }} as a\n",
      ],
      says: ["Compilation Error in model a (models/a.sql)"]
    ),
    BadInput(
      name: "mutually-recursive-macros",
      files: [
        "macros/m.sql":
          "{% macro m(x) %}{{ n(x) }}{% endmacro %}\n{% macro n(x) %}{{ m(x) }}{% endmacro %}\n",
        "models/a.sql": "select {{ m(1) }} as a\n",
      ],
      says: ["Compilation Error in model a (models/a.sql)"]
    ),
    BadInput(
      name: "endless-output",
      files: ["models/a.sql": "{% set x = 1️⃣'x' * 100000000000 %}select 1 as a\n"],
      says: ["Compilation Error in model a (models/a.sql)"]
    ),
    BadInput(
      name: "endless-list",
      files: ["models/a.sql": "{% set x = 1️⃣range(100000000000) | list %}select 1 as a\n"],
      says: ["Compilation Error in model a (models/a.sql)"]
    ),
    BadInput(
      name: "endless-number",
      files: ["models/a.sql": "{% set x = 1️⃣10 ** 10000000000 %}select 1 as a\n"],
      says: ["Compilation Error in model a (models/a.sql)"]
    ),
    BadInput(
      name: "raised-by-a-macro",
      files: [
        "macros/m.sql":
          "{% macro m() %}\n  {{ 1️⃣exceptions.raise_compiler_error('my words') }}\n{% endmacro %}\n",
        "models/a.sql": "select 1 as a\n{{ m() }}\n",
      ],
      says: [
        "Compilation Error in model a (models/a.sql)", "my words",
        "called from model a (models/a.sql:2:4)",
      ]
    ),
  ]

  // MARK: References

  static let references = [
    BadInput(
      name: "misspelt-ref",
      files: [
        "models/orders.sql": model, "models/b.sql": "select *\nfrom {{ 1️⃣ref('order') }}\n",
      ],
      says: [
        "Compilation Error",
        "Model 'model.faulty.b' (models/b.sql) depends on a node named 'order' which was not found",
      ],
      hint: "did you mean 'orders'?"
    ),
    BadInput(
      name: "misspelt-ref-in-a-test",
      files: [
        "models/orders.sql": model, "tests/t.sql": "select * from {{ 1️⃣ref('order') }}\n",
      ],
      exitCode: 0,
      says: [
        "[WARNING]",
        "Test 'test.faulty.t' (tests/t.sql) depends on a node named 'order' which was not found",
      ],
      hint: "did you mean 'orders'?"
    ),
    BadInput(
      name: "source-without-name",
      files: [
        "models/a.sql": "select * from {{ source('s', 't') }}\n",
        "models/s.yml": "sources:\n  - 1️⃣nam: s\n    tables: [{name: t}]\n",
      ],
      says: ["a list element for 'sources' does not have a name attribute."],
      hint: "add 'name:'",
      neverSays: ["depends on a source"]
    ),
    BadInput(
      name: "misspelt-source",
      files: [
        "models/b.sql": "select *\nfrom {{ 1️⃣source('raw', 'pric') }}\n",
        "models/s.yml": "sources:\n  - name: raw\n    tables:\n      - name: prices\n",
      ],
      says: [
        "Model 'model.faulty.b' (models/b.sql) depends on a source named 'raw.pric' which was not found"
      ],
      hint: "did you mean"
    ),
    BadInput(
      name: "disabled-ref",
      files: [
        "models/a.sql": "select * from {{ 1️⃣ref('b') }}\n",
        "models/b.sql": "{{ config(enabled=false) }}select 1 as b\n",
      ],
      says: ["depends on a node named 'b' which is disabled"]
    ),
    BadInput(
      name: "ref-with-three-arguments",
      files: ["models/a.sql": "select * from {{ 1️⃣ref('a', 'b', 'c') }}\n"],
      says: ["ref() takes at most two arguments (3 given)"]
    ),
    BadInput(
      name: "ref-without-arguments",
      files: ["models/a.sql": "select * from {{ 1️⃣ref() }}\n"],
      says: ["ref() takes at most two arguments (0 given)"]
    ),
    BadInput(
      name: "ref-of-a-number",
      files: ["models/a.sql": "select * from {{ 1️⃣ref(1) }}\n"],
      says: ["The name argument to ref() must be a string, got <class 'int'>"]
    ),
    BadInput(
      name: "source-with-one-argument",
      files: ["models/a.sql": "select * from {{ 1️⃣source('a') }}\n"],
      says: ["source() takes exactly two arguments (1 given)"]
    ),
    BadInput(
      name: "duplicate-model",
      files: ["models/x/a.sql": model, "models/y/a.sql": model],
      says: [
        "Compilation Error", "dbt found two models with the name \"a\".",
        "- model.faulty.a (models/y/a.sql)", "- model.faulty.a (models/x/a.sql)",
      ]
    ),
    BadInput(
      name: "unknown-access",
      files: [
        "models/a.sql": model,
        "models/s.yml": "models:\n  - name: a\n    access: 1️⃣privat\n",
      ],
      says: ["at path ['access']: 'privat' is not one of ['private', 'protected', 'public']"],
      hint: "did you mean 'private'?"
    ),
    BadInput(
      name: "private-ref",
      files: [
        "models/a.sql": model, "models/b.sql": "select *\nfrom {{ 1️⃣ref('a') }}\n",
        "models/s.yml":
          "groups: [{name: g, owner: {name: x}}]\nmodels: [{name: a, access: private, group: g}]\n",
      ],
      says: ["the referenced node is private to the 'g' group"],
      hint: "put both into one group"
    ),
    BadInput(
      name: "unknown-group",
      files: [
        "models/a.sql": model, "models/s.yml": "models: [{name: a, group: nope}]\n",
      ],
      says: ["Invalid group 'nope', expected one of []"],
      hint: "declare it under 'groups:'"
    ),
    BadInput(
      name: "mistakes-of-every-kind",
      files: [
        "macros/m.sql": "{% macro m( %}{% endmacro %}\n",
        "macros/n.sql": "{% macro n() %}{{ m() }}{% endmacro %}\n",
        "models/a.sql": "select {{ ref('nowhere') }}\n",
        "models/b.sql": "select 1 as a {% foo %}\n",
        "models/c.sql": "select {{ n() }} as a\n",
        "models/s.yml": "models: 3\n", "models/t.yml": "models: [\n",
      ],
      says: [
        "5 errors in all", "macros/m.sql:1:", "Encountered unknown tag 'foo'.",
        "'nowhere' which was not found", "models/s.yml:1:", "models/t.yml:",
      ]
    ),
    BadInput(
      name: "variables-twice",
      files: [
        "dbt_project.yml": BadInput.projectFile("vars: 1️⃣{x: 1}\n"), "vars.yml": "vars: {y: 2}\n",
        "models/a.sql": model,
      ],
      says: ["Variables are defined both in vars.yml and under 'vars' in dbt_project.yml"],
      hint: "keep them in one place: vars.yml has 1 of them"
    ),
    BadInput(
      name: "variables-without-a-heading",
      files: ["vars.yml": "1️⃣x: 1\n", "models/a.sql": model],
      says: ["the key 'x' means nothing in vars.yml"],
      hint: "put all variables under 'vars:'"
    ),
    BadInput(
      name: "duplicate-relation",
      files: [
        "models/a.sql": model, "models/b.sql": "{{ config(alias='a') }}select 1 as a\n",
      ],
      says: [
        "dbt found two resources with the database representation",
        "- model.faulty.b (models/b.sql)",
      ]
    ),
    BadInput(
      name: "pointer-takes-a-place",
      files: [
        "models/a_v1.sql": model, "models/b.sql": "{{ config(alias='a') }}select 1 as a\n",
        "models/s.yml":
          "models:\n  - name: a\n    config: {latest_version_pointer: true}\n    versions: [{v: 1}]\n",
      ],
      says: [
        "Cannot create latest version pointer: \"", "- model.faulty.b (models/b.sql)",
      ],
      hint: "or give it another 'alias'"
    ),
    BadInput(
      name: "pointer-to-itself",
      files: [
        "models/a_v1.sql": model,
        "models/s.yml":
          "models:\n  - name: a\n    config: {latest_version_pointer: true, alias: a}\n"
          + "    versions: [{v: 1}]\n",
      ],
      says: ["the latest version of 'a' is already aliased to 'a'"]
    ),
    BadInput(
      name: "unknown-choice-on-error",
      files: ["models/a.sql": "{{ 1️⃣config(on_error='continu') }}\nselect 1 as a\n"],
      says: ["at path ['on_error']: 'continu' is not one of ['skip_children', 'continue']"],
      hint: "did you mean 'continue'?"
    ),
    properties(
      "bad-version-pointer",
      "models:\n  - name: a\n    config: {latest_version_pointer: 1️⃣{name: b}}\n",
      ["at path ['latest_version_pointer']: {'name': 'b'} is not valid"],
      hint: "a mapping with the keys 'enabled' and 'alias'"
    ),
    BadInput(
      name: "duplicate-macro",
      files: [
        "models/a.sql": model,
        "macros/m.sql": "{% macro m() %}1{% endmacro %}\n{% macro m() %}2{% endmacro %}\n",
      ],
      says: ["dbt found multiple macros named \"m\" in the project \"faulty\"."]
    ),
    BadInput(
      name: "missing-docs-block",
      files: [
        "models/a.sql": model,
        "models/s.yml": "models:\n  - name: a\n    description: \"{{ doc('nope') }}\"\n",
      ],
      says: ["Documentation for 'nope' not found"]
    ),
    BadInput(
      name: "missing-environment-variable",
      files: ["models/a.sql": "select\n  '{{ 1️⃣env_var('NO_SUCH_VAR') }}' as a\n"],
      says: ["Env var required but not provided: 'NO_SUCH_VAR'"]
    ),
  ]

  // MARK: Properties files

  static func properties(
    _ name: String,
    _ text: String,
    _ says: [String],
    hint: String? = nil,
    file: String = "models/s.yml"
  )
    -> BadInput
  {
    BadInput(
      name: name,
      files: ["models/a.sql": model, file: text],
      says: says,
      hint: hint
    )
  }

  /// A section's key with nothing behind it.
  static let emptySections = [
    "models", "seeds", "snapshots", "analyses", "functions", "macros", "sources", "exposures",
    "groups", "metrics", "semantic_models", "saved_queries", "unit_tests",
  ].map { section in
    properties(
      "nothing-below-\(section)",
      "\(section): 1️⃣null\n",
      ["is invalid because the value of '\(section)' is not a list"],
      hint: "remove the key"
    )
  }

  /// What is null in a properties file and must not be.
  static let emptyKeys = [
    ("tests", "data_tests: 1️⃣null", "at path ['data_tests']: None is not of type 'array'"),
    ("old-tests", "tests: 1️⃣null", "at path ['tests']: None is not of type 'array'"),
    ("versions", "versions: 1️⃣null", "at path ['versions']: None is not of type 'array'"),
    ("access", "access: 1️⃣null", "at path ['access']: None is not of type 'string'"),
    ("column", "columns: [{name: 1️⃣null}]", "['columns'][0]['name']: None is not of type 'string'"),
    ("arguments", "data_tests: [{unique: 1️⃣null}]", "must be a dictionary, got nothing"),
    ("config", "data_tests: [{unique: {config: 1️⃣null}}]", "must be a dictionary, got nothing"),
    ("name", "data_tests: [{unique: {name: 1️⃣null}}]", "name of a test must be text, got nothing"),
    ("tags", "config: {tags: 1️⃣null}", "at path ['tags']: [None] is not valid"),
    ("meta", "config: {meta: 1️⃣null}", "at path ['meta']: None is not of type 'object'"),
    ("hook", "config: {pre_hook: 1️⃣null}", "at path ['pre-hook']: [None] is not valid"),
  ].map { name, text, says in
    properties("null-\(name)", "models:\n  - name: a\n    \(text)\n", [says])
  }

  static let properties = [
    properties(
      "number-as-a-column",
      "models:\n  - name: a\n    columns: [{name: 1️⃣5}]\n",
      ["at path ['columns'][0]['name']: 5 is not of type 'string'"]
    ),
    properties(
      "latest-of-no-versions",
      "models:\n  - name: a\n    latest_version: 1️⃣1\n",
      ["latest_version: 1 is not one of model 'a' versions: []"]
    ),
    properties(
      "calculation-of-a-conversion",
      """
      metrics:
        - name: converted
          label: x
          type: conversion
          type_params:
            conversion_type_params:
              {entity: a, base_measure: b, conversion_measure: c, calculation: 1️⃣conversion}

      """,
      ["Invalid enum value: `conversion`"],
      hint: "did you mean 'conversions'?"
    ),
    properties(
      "unit-test-without-given",
      "unit_tests:\n  - 1️⃣name: u\n    model: a\n    expect: {rows: []}\n",
      ["the unit test 'u' is given nothing"]
    ),
    properties(
      "unit-test-without-rows",
      "unit_tests:\n  - name: u\n    model: a\n    given: []\n    expect: 1️⃣{rows: null}\n",
      ["the unit test 'u' does not say which rows it expects"]
    ),
    properties(
      "bad-indentation",
      "models:\n  - name: a\n   1️⃣description: b\n",
      [
        "Parsing Error", "Error reading faulty: s.yml - Runtime Error", "Syntax error near line 3",
        "did not find expected '-' indicator",
      ]
    ),
    properties(
      "bad-indentation-in-folder",
      "models:\n  - name: a\n   1️⃣description: b\n",
      ["Error reading faulty: marts/core/s.yml - Runtime Error"],
      file: "models/marts/core/s.yml"
    ),
    properties(
      "tab-in-yaml",
      "models:\n1️⃣\t- name: a\n",
      ["Syntax error near line 2", "found character that cannot start any token"],
      hint: "spaces"
    ),
    properties(
      "unclosed-quote-in-yaml",
      "models:\n  - name: 1️⃣\"a\n",
      ["while scanning a quoted scalar", "found unexpected end of stream"]
    ),
    properties(
      "entry-without-name",
      "models:\n  - 1️⃣description: a\n",
      [
        "The schema file at models/s.yml is invalid because a list element for 'models' does not "
          + "have a name attribute."
      ]
    ),
    properties(
      "models-not-a-list",
      "models:\n  1️⃣name: a\n",
      ["The schema file at models/s.yml is invalid because the value of 'models' is not a list"]
    ),
    properties(
      "file-not-a-dictionary",
      "1️⃣- name: a\n",
      ["Contents of file 'models/s.yml' are not valid. Dictionary expected."]
    ),
    properties(
      "columns-not-a-list",
      "models:\n  - name: a\n    columns: 1️⃣a\n",
      ["Invalid models config given in models/s.yml", "'a' is not of type 'array'"]
    ),
    properties(
      "tests-not-a-list",
      "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: 1️⃣unique\n",
      ["Invalid models config given in models/s.yml", "'unique' is not of type 'array'"]
    ),
    properties(
      "wrong-type-of-a-config",
      "models:\n  - name: a\n    config: {enabled: 1️⃣maybe}\n",
      ["'maybe' is not of type 'boolean'"]
    ),
    BadInput(
      name: "misspelt-key",
      files: [
        "models/a.sql": model, "models/s.yml": "models:\n  - name: a\n    1️⃣descriptoin: hello\n",
      ],
      exitCode: 0,
      says: ["[WARNING]", "Custom key `descriptoin` found in models"],
      hint: "did you mean 'description'?"
    ),
    BadInput(
      name: "misspelt-section",
      files: ["models/a.sql": model, "models/s.yml": "1️⃣modles:\n  - name: a\n"],
      exitCode: 0,
      says: ["[WARNING]", "modles"],
      hint: "did you mean 'models'?"
    ),
    BadInput(
      name: "entry-twice",
      files: [
        "models/a.sql": model, "models/s.yml": "models:\n  - name: a\n",
        "models/t.yml": "models:\n  - name: a\n",
      ],
      says: ["dbt found two schema.yml entries for the same resource named a."]
    ),
    BadInput(
      name: "wrong-type-in-config-call",
      files: ["models/a.sql": "{{ 1️⃣config(enabled='maybe') }}\nselect 1 as a\n"],
      says: ["at path ['enabled']: 'maybe' is not of type 'boolean'"]
    ),
    BadInput(
      name: "number-as-materialization",
      files: ["models/a.sql": "{{ 1️⃣config(materialized=5) }}\nselect 1 as a\n"],
      says: ["at path ['materialized']: 5 is not of type 'string'"]
    ),
    BadInput(
      name: "dictionary-as-tags",
      files: ["models/a.sql": "{{ 1️⃣config(tags={'a': 1}) }}\nselect 1 as a\n"],
      says: ["at path ['tags']", "is not valid under any of the given schemas"]
    ),
  ]

  // MARK: Project files

  static func project(
    _ name: String,
    _ text: String,
    _ says: [String],
    hint: String? = nil
  ) -> BadInput {
    BadInput(
      name: name,
      files: ["models/a.sql": model, "dbt_project.yml": text],
      says: says,
      hint: hint
    )
  }

  /// Values of dbt_project.yml that are of another kind, or nothing.
  static let projectValues = [
    ("config-version: 1️⃣'2'", "at path ['config-version']: '2' is not valid"),
    ("config-version: 1️⃣3", "config-version 3 is not supported"),
    ("query-comment: 1️⃣5", "at path ['query-comment']: 5 is not valid"),
    (
      "query-comment: 1️⃣{comment: null}", "at path ['query-comment']: {'comment': None} is not valid"
    ),
    ("query-comment: 1️⃣{other: x}", "at path ['query-comment']: {'other': 'x'} is not valid"),
    (
      "query-comment: 1️⃣{append: 'yes'}", "at path ['query-comment']: {'append': 'yes'} is not valid"
    ),
    ("dispatch: [1️⃣{macro_namespace: dbt}]", "Invalid project dispatch config"),
    ("dispatch: [1️⃣{macro_namespace: dbt, search_order: x}]", "Invalid project dispatch config"),
    ("dispatch: 1️⃣null", "at path ['dispatch']: None is not of type 'array'"),
    ("sources: 1️⃣null", "at path ['sources']: None is not of type 'object'"),
    ("restrict-access: 1️⃣null", "at path ['restrict-access']: None is not of type 'boolean'"),
  ].map { text, says in
    project(
      "project-" + text.filter { $0.isLetter || $0.isNumber || $0 == "-" },
      BadInput.projectFile(text + "\n"),
      [says]
    )
  }

  static let projects = [
    BadInput(
      name: "no-project-file",
      files: ["models/a.sql": model, "dbt_project.yml": ""],
      says: ["Runtime Error", "No dbt_project.yml found at expected path"]
    ),
    project(
      "unknown-key-of-the-project",
      BadInput.projectFile("1️⃣modls:\n  faulty: {}\n"),
      ["Additional properties are not allowed ('modls' was unexpected)"],
      hint: "did you mean 'models'?"
    ),
    project(
      "wrong-type-in-the-project",
      BadInput.projectFile("model-paths: 1️⃣models\n"),
      ["at path ['model-paths']: 'models' is not valid under any of the given schemas"]
    ),
    project(
      "project-without-name",
      "version: '1.0'\nprofile: p\n",
      ["Required \"name\" field not present in project"]
    ),
    project(
      "project-with-a-bad-name",
      "name: 1️⃣my-project\nprofile: p\n",
      ["at path ['name']: 'my-project' does not match"]
    ),
    project("empty-project-file", "\n", ["dbt_project.yml does not parse to a dictionary"]),
    project("list-as-project", "1️⃣- a\n", ["dbt_project.yml does not parse to a dictionary"]),
    project(
      "bad-indentation-of-the-project",
      "name: p\n profile1️⃣: p\n",
      ["Syntax error near line 2", "mapping values are not allowed in this context"]
    ),
    project(
      "wrong-type-in-project-configs",
      BadInput.projectFile("models:\n  faulty:\n    +enabled: 1️⃣maybe\n"),
      ["'maybe' is not of type 'boolean'"]
    ),
    project(
      "version-too-old",
      BadInput.projectFile("require-dbt-version: '>=99.0.0'\n"),
      ["This version of dbt is not supported with the 'faulty' package."]
    ),
  ]

  // MARK: Profiles and flags

  static func profile(
    _ name: String,
    _ text: String,
    _ says: [String],
    hint: String? = nil,
    command: [String] = ["parse"],
    environment: [String: String] = [:]
  ) -> BadInput {
    BadInput(
      name: name,
      files: ["models/a.sql": model, "profiles.yml": text],
      command: command,
      environment: environment,
      says: says,
      hint: hint
    )
  }

  static func output(_ more: String, type: String = "postgres") -> String {
    "faulty:\n  target: dev\n  outputs:\n    dev:\n      type: \(type)\n      host: localhost\n"
      + "      dbname: d\n      schema: s\n\(more)"
  }

  static let settings = [
    profile(
      "unknown-target",
      output("      user: u\n      password: p\n"),
      ["The profile 'faulty' does not have a target named 'prod'.", "- dev"],
      command: ["parse", "--target", "prod"]
    ),
    profile(
      "missing-key-of-the-profile",
      output("      password: p\n"),
      ["Credentials in profile \"faulty\", target \"dev\" invalid: 'user' is a required property"]
    ),
    profile(
      "wrong-type-of-the-port",
      output("      user: u\n      password: p\n      port: 1️⃣abc\n"),
      ["Credentials in profile \"faulty\", target \"dev\" invalid: 'abc' is not of type 'integer'"]
    ),
    profile(
      "wrong-type-of-threads",
      output("      user: u\n      password: p\n      threads: 1️⃣many\n"),
      ["'many' is not of type 'integer'"]
    ),
    profile(
      "unknown-adapter",
      output("      user: u\n", type: "1️⃣snowflake"),
      ["Could not find adapter type snowflake!"]
    ),
    profile(
      "no-outputs",
      "faulty:\n  target: dev\n",
      ["outputs not specified in profile 'faulty'"]
    ),
    profile(
      "bad-yaml-of-the-profile",
      "faulty:\n  target: dev\n 1️⃣outputs: x\n",
      ["Syntax error near line 3", "did not find expected key"]
    ),
    profile(
      "missing-variable-of-the-profile",
      output("      user: u\n      password: \"{{ env_var('NO_SUCH_PASSWORD') }}\"\n"),
      ["Env var required but not provided: 'NO_SUCH_PASSWORD'"]
    ),
    BadInput(
      name: "unknown-flag",
      files: ["models/a.sql": model],
      command: ["parse", "--no-such-flag"],
      says: ["--no-such-flag"]
    ),
    BadInput(
      name: "unknown-command",
      files: ["models/a.sql": model],
      command: ["prase"],
      says: ["prase"]
    ),
    BadInput(
      name: "bad-vars",
      files: ["models/a.sql": model],
      command: ["parse", "--vars", "{a: "],
      says: ["--vars"]
    ),
    BadInput(
      name: "unknown-selection-method",
      files: ["models/a.sql": model],
      command: ["ls", "--select", "nomethod:x"],
      says: ["'nomethod'"]
    ),
    BadInput(
      name: "misspelt-selection-method",
      files: ["models/a.sql": model],
      command: ["ls", "--select", "a +tagg:x,b"],
      says: ["'tagg' is not a valid method name", "--> --select:1:2", "1 | +tagg:x,b"],
      hint: "did you mean 'tag:'?"
    ),
    BadInput(
      name: "operation-of-nothing",
      files: ["models/a.sql": model],
      command: ["run-operation"],
      says: ["give a macro or --sql"]
    ),
    BadInput(
      name: "operation-twice",
      files: ["models/a.sql": model],
      command: ["run-operation", "m", "--sql", "select 1"],
      says: ["a macro and --sql exclude each other"]
    ),
  ]
}
