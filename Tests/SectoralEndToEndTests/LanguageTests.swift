import Foundation
import Testing

/// A small project, and what its manifest must say: one row for each trait of dbt's that public
/// projects were found to rest upon.
struct LanguageCase: Sendable, CustomTestStringConvertible {
  var name: String
  var files: [String: String]
  var command = ["parse"]
  /// A node and the keys that lead to a value of it, with the value as JSON.
  var expected: [(node: String, path: [String], json: String)]

  var testDescription: String { name }
}

struct LanguageTests {
  private static let model = "select 1 as id\n"

  @Test(arguments: properties + templates + files)
  func isReadAsDbtReads(_ language: LanguageCase) async throws {
    let home = try TestHome.shared.get()
    var files = language.files
    files["dbt_project.yml"] =
      files["dbt_project.yml"] ?? "name: p\nversion: '1.0'\nvars: {n: 3, flag: true}\n"
    let folder = try home.folder("language-\(UInt32.random(in: 0...UInt32.max))", files: files)
    let result = try await Sectoral.run(language.command, in: folder, home: home)
    #expect(result.exitCode == 0, "\(result)")
    let manifest = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/target/manifest.json"))
    )
    for (node, path, json) in language.expected {
      let section = node.hasPrefix("unit_test.") ? "unit_tests" : "nodes"
      var value: Any? = ((manifest as? [String: Any])?[section] as? [String: Any])?[node]
      for key in path {
        value =
          (value as? [String: Any])?[key]
          ?? Int(key).flatMap { index in
            (value as? [Any]).flatMap { index < $0.count ? $0[index] : nil }
          }
      }
      #expect(try Self.text(value) == json, "\(node) \(path)")
    }
  }

  private static func text(_ value: Any?) throws -> String {
    guard let value else { return "missing" }
    let options: JSONSerialization.WritingOptions = [
      .fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes,
    ]
    return String(
      decoding: try JSONSerialization.data(withJSONObject: value, options: options),
      as: UTF8.self
    )
  }

  // MARK: Properties files

  private static func test(_ config: String, model: String = model) -> [String: String] {
    [
      "models/a.sql": model,
      "models/s.yml":
        "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n"
        + "          - accepted_values: {name: t, arguments: {values: [1]}, config: \(config)}\n",
    ]
  }

  static let properties = [
    LanguageCase(
      name: "test configurations are templates at their top",
      files: test(
        "{enabled: \"{{ var('flag') }}\", where: \"id > {{ var('n') }}\", limit: \"{{ var('n') }}\", "
          + "meta: {x: \"{{ var('n') }}\"}}"
      ),
      expected: [
        ("test.p.t.4dd9ecf570", ["config", "where"], "\"id > 3\""),
        ("test.p.t.4dd9ecf570", ["config", "limit"], "3"),
        ("test.p.t.4dd9ecf570", ["config", "meta", "x"], "\"{{ var('n') }}\""),
      ]
    ),
    LanguageCase(
      name: "settings among a test's arguments are settings",
      files: [
        "models/a.sql": model,
        "models/s.yml":
          "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests:\n"
          + "          - accepted_values: {name: t, arguments: {values: [1], where: '2', config: {limit: 3}}}\n",
      ],
      expected: [
        ("test.p.t.4dd9ecf570", ["config", "where"], "\"2\""),
        ("test.p.t.4dd9ecf570", ["config", "limit"], "3"),
      ]
    ),
    LanguageCase(
      name: "tests at the top of a properties file are passed over, whatever they are",
      files: [
        "models/a.sql": model, "tests/one.sql": model,
        "models/s.yml": "tests:\n  - not_null\n  - t: {x: 1}\n  - {name: one, description: no}\n",
        "models/t.yml": "data_tests:\n  - {name: one, description: said}\n",
      ],
      expected: [("test.p.one", ["description"], "\"said\"")]
    ),
    LanguageCase(
      name: "a generic test's own tags come twice",
      files: test("{tags: [x]}"),
      expected: [
        ("test.p.t.4dd9ecf570", ["config", "tags"], "[\"x\",\"x\"]"),
        ("test.p.t.4dd9ecf570", ["tags"], "[\"x\"]"),
      ]
    ),
    LanguageCase(
      name: "block texts lose their line end, descriptions keep it but at the end of the file",
      files: [
        "models/a.sql": model, "models/b.sql": model,
        "models/s.yml": """
        models:
          - name: a
            config:
              materialized: |
                table
            description: |
              first
          - name: b
            description: |
              last

        """,
      ],
      expected: [
        ("model.p.a", ["config", "materialized"], "\"table\""),
        ("model.p.a", ["description"], "\"first\\n\""), ("model.p.b", ["description"], "\"last\""),
      ]
    ),
    LanguageCase(
      name: "a column named description is a template like others",
      files: [
        "seeds/a.csv": "id,description\n1,x\n",
        "seeds/s.yml": """
        seeds:
          - name: a
            config:
              column_types:
                description: "{{ 'text' if var('flag') }}"

        """,
      ],
      expected: [("seed.p.a", ["config", "column_types", "description"], "\"text\"")]
    ),
    LanguageCase(
      name: "a block of statements gives the value that it prints",
      files: [
        "models/a.sql": model,
        "models/s.yml": """
        models:
          - name: a
            config:
              enabled: |
                {% if var('n') == 3 -%} {{ true | as_bool }} {%- else -%} {{ false | as_bool }} {%- endif -%}

        """,
      ],
      expected: [("model.p.a", ["config", "enabled"], "true")]
    ),
    LanguageCase(
      name: "as_bool makes a text of what it is given until the template ends",
      files: [
        "dbt_project.yml":
          "name: p\nversion: '1.0'\nmodels:\n  p:\n    other:\n"
          + "      +enabled: \"{{ 'x' in ['databricks', 'spark'] | as_bool() }}\"\n"
          + "    '+materialized': \"{{ 'table' if 'spark' in ['spark'] | as_bool else 'view' }}\"\n",
        "models/a.sql": model, "models/other/b.sql": model,
      ],
      expected: [
        ("model.p.a", ["config", "materialized"], "\"table\""), ("model.p.b", ["name"], "missing"),
      ]
    ),
    LanguageCase(
      name: "a disabled model does not disable the tests of an enabled one with its name",
      files: [
        "dbt_project.yml":
          "name: p\nversion: '1.0'\nmodels:\n  p:\n    other:\n      +enabled: false\n",
        "models/own/a.sql": model, "models/other/a.sql": model,
        "models/s.yml": "models:\n  - name: a\n    data_tests: [{unique: {column_name: id}}]\n",
      ],
      expected: [("test.p.unique_a_id.f6a5f640da", ["config", "enabled"], "true")]
    ),
    LanguageCase(
      name: "rows without nulls come first",
      files: [
        "models/a.sql": model,
        "models/s.yml": """
        unit_tests:
          - name: t
            model: a
            given: []
            expect: {rows: [{id: null}, {id: 1}]}

        """,
      ],
      expected: [
        ("unit_test.p.a.t", ["expect", "rows"], "[{\"id\":1},{\"id\":null}]"),
        (
          "unit_test.p.a.t", ["checksum"],
          "\"f6f31b1fe6514a8f0c01c892db3130d5625fc7eeb4a10e67417ff7ed2a357b39\""
        ),
      ]
    ),
  ]

  // MARK: Templates

  static let templates = [
    LanguageCase(
      name: "builtins.ref knows the configuration of the project and of its packages",
      files: [
        "models/a.sql": """
        {% set conf = builtins.ref.config %}
        {{ config(alias=conf.project_name ~ '_' ~ conf.dependencies['p'].version
          ~ '_' ~ conf.vars.to_dict()['n']) }}
        select 1 as id

        """
      ],
      expected: [("model.p.a", ["alias"], "\"p_1.0_3\"")]
    ),
    LanguageCase(
      name: "what is not set is not in `model`, and what people name themselves is",
      files: [
        "models/a.sql": """
        {{ config(own=none, meta={'x': none}) -}}
        -- {{ model.config.get('unique_key', 'other') }} {{ model.get('group', 'no group') }}
        -- {{ 'own' in model.config }} {{ model.meta }} {{ model.docs }} {{ model.refs }}
        select {{ ref('b').identifier }}

        """,
        "models/b.sql": model,
      ],
      command: ["compile"],
      expected: [
        (
          "model.p.a", ["compiled_code"],
          #""-- other no group\n-- True {'x': None} {'show': True} [{'name': 'b'}]\nselect b""#
        )
      ]
    ),
    LanguageCase(
      name: "a namespace that is no package's dispatches everywhere",
      files: [
        "macros/m.sql":
          "{% macro f() %}{{ return(adapter.dispatch('f', 'macros')()) }}{% endmacro %}\n"
          + "{% macro default__f() %}found{% endmacro %}\n",
        "models/a.sql": "{{ config(alias=f()) }}\n\(model)",
      ],
      expected: [("model.p.a", ["alias"], "\"found\"")]
    ),
    LanguageCase(
      name: "blanks of every script separate words",
      files: ["models/a.sql": "{{ config(alias=\u{00A0}'x' ~\u{3000}'y') }}\n\(model)"],
      expected: [("model.p.a", ["alias"], "\"xy\"")]
    ),
    LanguageCase(
      name: "a relation has no attribute that it lacks",
      files: ["models/a.sql": "{{ config(alias=this.nothing or this.name) }}\n\(model)"],
      expected: [("model.p.a", ["alias"], "\"a\"")]
    ),
    LanguageCase(
      name: "macros hand each other values through the context",
      files: [
        "macros/m.sql":
          "{% macro put() %}{% do context.update({'mine': 'given'}) %}{% endmacro %}\n",
        "models/a.sql": "{% do put() %}{{ config(alias=context.get('mine')) }}\n\(model)",
      ],
      expected: [("model.p.a", ["alias"], "\"given\"")]
    ),
    LanguageCase(
      name: "analyses are configured as models are",
      files: [
        "dbt_project.yml": "name: p\nversion: '1.0'\nmodels:\n  p:\n    +schema: meta\n",
        "analyses/a.sql": model,
      ],
      expected: [("analysis.p.a", ["config", "schema"], "\"meta\"")]
    ),
  ]

  // MARK: Files

  static let files = [
    LanguageCase(
      name: "vars.yml",
      files: [
        "dbt_project.yml":
          "name: p\nversion: '1.0'\nmodels:\n  p:\n    +alias: \"{{ var('early') }}\"\n",
        "vars.yml": "vars:\n  early: first\n  p:\n    late: last\n",
        "models/a.sql": "{{ config(meta={'x': var('late')}) }}\n\(model)",
      ],
      expected: [
        ("model.p.a", ["alias"], "\"first\""), ("model.p.a", ["config", "meta", "x"], "\"last\""),
      ]
    ),
    LanguageCase(
      name: "a package's dbt_project.yml does not see the variables of the command line",
      files: [
        "packages.yml": "packages: [{local: ./x}]\n",
        "dbt_packages/q/dbt_project.yml":
          "name: q\nversion: '1.0'\nmodels: {+alias: \"{{ var('v', 'own') }}_{{ 1 }}\"}\n",
        "dbt_packages/q/models/b.sql": "{{ config(meta={'x': var('v', 'own')}) }}\(model)",
      ],
      command: ["parse", "--vars", "v: given"],
      expected: [
        ("model.q.b", ["alias"], "\"own_1\""),
        ("model.q.b", ["config", "meta", "x"], "\"given\""),
      ]
    ),
    LanguageCase(
      name: "suffixes of templates, where the project asks for them",
      files: [
        "dbt_project.yml":
          "name: p\nversion: '1.0'\nflags:\n  allow_jinja_file_extensions: true\n",
        "models/a.sql.j2": model,
        "macros/m.sql.jinja2": "{% macro m() %}{% endmacro %}\n",
        "models/docs.md.jinja": "{% docs d %}hm{% enddocs %}\n",
        "models/s.yml": "models:\n  - name: a\n    description: \"{{ doc('d') }}\"\n",
      ],
      expected: [
        ("model.p.a", ["original_file_path"], "\"models/a.sql.j2\""),
        ("model.p.a", ["description"], "\"hm\""),
      ]
    ),
    LanguageCase(
      name: "other suffixes are left alone",
      files: ["models/a.sql": model, "models/b.sql.j2": model],
      expected: [("model.p.b", ["name"], "missing")]
    ),
  ]
}
