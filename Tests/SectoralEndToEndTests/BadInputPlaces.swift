import Foundation
import Testing

/// Mistakes in places where they are easily missed: beside other mistakes, in blocks and anchors of
/// YAML, in packages and versions, in profiles.yml.
struct BadInputPlaces {
  @Test(arguments: places)
  func isTold(_ input: BadInput) async throws {
    try await input.check(in: TestHome.shared.get())
  }

  private static let model = "select 1 as id\n"

  private static func files(_ more: [String: String]) -> [String: String] {
    ["models/a.sql": model].merging(more) { _, new in new }
  }

  private static func profile(_ output: String) -> String {
    "faulty:\n  target: dev\n  outputs:\n    dev:\n      type: postgres\n\(output)"
  }

  static let places = [
    BadInput(
      name: "profile-and-project",
      files: files([
        "models/a.sql": "select {{ ref('nothing') }}\n",
        "profiles.yml": profile(
          "      host: \"{{ 1️⃣env_var('NO_HOST') }}\"\n      port: \"{{ env_var('NO_PORT') }}\"\n"
            + "      user: [u]\n      password: x\n      dbname: d\n      database: e\n"
            + "      shema: s\n"
        ),
      ]),
      says: [
        "Env var required but not provided: 'NO_HOST'",
        "Env var required but not provided: 'NO_PORT'", "['u'] is not of type 'string'",
        "Got duplicate keys: (database, database)", "'schema' is a required property",
        "named 'nothing' which was not found", "6 errors in all",
      ],
      hint: "'shema' means nothing here: did you mean 'schema'?"
    ),
    BadInput(
      name: "profile-of-another-name-and-project",
      files: files([
        "models/a.sql": "select {{ 1️⃣ref('nothing') }}\n",
        "profiles.yml": "faulti:\n  outputs: {}\n",
      ]),
      says: ["Could not find profile named 'faulty'", "named 'nothing' which was not found"],
      hint: "did you mean 'faulti'?"
    ),
    BadInput(
      name: "template-in-a-literal-block",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      alias: |\n        one\n"
          + "        {{ 1️⃣env_var('NOT_THERE') }}\n"
      ]),
      says: ["Env var required but not provided: 'NOT_THERE'"]
    ),
    BadInput(
      name: "template-in-a-folded-block",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      alias: >-\n        {{ var('x', 1) }}\n"
          + "        {{ 1️⃣env_var('NOT_THERE') }}\n        {{ var('x', 1) }}\n"
      ]),
      says: ["Env var required but not provided: 'NOT_THERE'"]
    ),
    BadInput(
      name: "template-in-a-text-with-escapes",
      files: files([
        "models/s.yml":
          "models:\n  - name: a\n    config:\n      alias: \"\\t{{ 1️⃣env_var('NOT_THERE') }}\"\n"
      ]),
      says: ["Env var required but not provided: 'NOT_THERE'"]
    ),
    BadInput(
      name: "every-misspelt-key",
      files: files([
        "models/v_v1.sql": model,
        "models/s.yml": """
        anchors:
          - &column {name: id, descripton: x}
        models:
          - name: a
            colums: []
            columns: [*column]
          - name: v
            versions:
              - v: 1
                constraints: [{type: not_null, 1️⃣expresion: x}]
        sources:
          - name: s
            tables: [{name: t, freshnes: null}]
        """,
      ]),
      exitCode: 0,
      says: [
        "Custom key `descripton`", "Custom key `colums`", "Custom key `expresion`",
        "Custom key `freshnes`", "CustomKeyInObjectDeprecation: 4 occurrences",
      ],
      hint: "did you mean 'expression'?"
    ),
    BadInput(
      name: "every-unexpected-key",
      files: files([
        "models/v_v1.sql": model,
        "models/s.yml": """
        models:
          - name: v
            docs: {shw: true}
            versions: [{v: 1, 1️⃣colunms: []}]
            time_spine: {standard_granularity_columm: id}
        sources:
          - name: s
            freshnes: null
            tables: [{name: t, freshness: {warn_afte: {count: 1, period: day}}, quoting: {sche: true}}]
        exposures: [{name: e, type: ml, owner: {name: x, own: y}, enabled: false}]
        groups: [{name: g, owner: {name: x}, descripton: x}]
        macros: [{name: m, arguments: [{name: x, typ: text}]}]
        unit_tests:
          - name: u
            model: v
            given: [{input: this, row: []}]
            expect: {rows: [], formt: dict}
            overrides: {macro: {}}
            versions: {includ: [1]}
        """,
        "macros/m.sql": "{% macro m(x) %}{% endmacro %}\n",
      ]),
      says: [
        "at path ['docs']: Additional properties are not allowed ('shw' was unexpected)",
        "at path ['versions'][0]: Additional properties are not allowed ('colunms' was unexpected)",
        "at path ['time_spine']", "at path []: Additional properties are not allowed ('freshnes'",
        "at path ['tables'][0]['freshness']", "at path ['tables'][0]['quoting']", "('enabled' was",
        "('descripton' was unexpected)", "at path ['arguments'][0]", "at path ['given'][0]",
        "at path ['expect']", "at path ['overrides']", "at path ['versions']: Additional",
      ],
      hint: "did you mean 'columns'?"
    ),
    BadInput(
      name: "misspelt-key-of-a-package",
      files: [
        "dbt_packages/one/dbt_project.yml": BadInput.projectFile(name: "one"),
        "dbt_packages/one/models/b.sql": model,
        "dbt_packages/one/models/s.yml": "models:\n  - name: b\n    1️⃣colums: []\n",
        "packages.yml": "packages:\n  - local: one\n", "models/a.sql": model,
      ],
      exitCode: 0,
      says: ["Custom key `colums` found in models"],
      hint: "did you mean 'columns'?"
    ),
    BadInput(
      name: "three-entries-for-one",
      files: files([
        "models/s.yml": "models:\n  - name: a\n  - name: 1️⃣a\n",
        "models/t.yml": "models:\n  - name: a\n",
      ]),
      says: [
        "dbt found two schema.yml entries for the same resource named a", "2 errors in all",
      ],
      hint: "the other entry is at models/s.yml:2:5"
    ),
    BadInput(
      name: "exposure-of-a-private-model",
      files: files([
        "models/a.sql": "{{ config(access='private', group='g') }} select 1\n",
        "models/s.yml":
          "groups: [{name: g, owner: {name: x}}]\nexposures:\n"
          + "  - {name: e, type: ml, owner: {name: a}, depends_on: [ref('1️⃣a')]}\n",
      ]),
      says: ["Node exposure.faulty.e attempted to reference node model.faulty.a"]
    ),
    BadInput(
      name: "references-of-an-exposure",
      files: files([
        "models/s.yml":
          "exposures:\n  - name: e\n    type: ml\n    owner: {name: x}\n    depends_on:\n"
          + "      - ref('a')\n      - ref('1️⃣nothing')\n      - source('a', 'b')\n"
      ]),
      says: ["named 'nothing' which was not found", "source named 'a.b' which was not found"]
    ),
    BadInput(
      name: "group-in-a-config-call",
      files: files([
        "models/a.sql": "{{ config(\n  materialized='view',\n  group='1️⃣h'\n) }} select 1\n"
      ]),
      says: ["Invalid group 'h', expected one of []"]
    ),
    BadInput(
      name: "access-in-an-entry",
      files: files([
        "models/s.yml": "models:\n  - name: a\n    access: 1️⃣publik\n"
      ]),
      says: ["has an invalid value (publik) for the access field"],
      hint: "write private, protected or public"
    ),
    BadInput(
      name: "several-bad-selections",
      files: files([:]),
      command: [
        "ls", "--select", "resource_type:1️⃣modle".replacingOccurrences(of: "1️⃣", with: ""),
        "test_type:x", "source:a.b.c.d", "--exclude", "state:modified",
      ],
      says: [
        "Invalid resource_type selector \"modle\"", "Invalid test type selector x",
        "Invalid source selector value \"a.b.c.d\"",
        "Got a state selector method, but no comparison manifest", "--> --select:1:15",
        "--> --exclude:1:7",
      ],
      hint: "did you mean 'model'?"
    ),
    BadInput(
      name: "several-bad-operators",
      files: files([:]),
      command: ["ls", "--select", "@a+ nomethod:x", "nothing:y"],
      says: [
        "Invalid node spec @a+", "'nomethod' is not a valid method name",
        "'nothing' is not a valid method name",
      ]
    ),
    BadInput(
      name: "selector-without-definition",
      files: files([
        "selectors.yml": "selectors:\n  - name: a\n    1️⃣definiton: x\n  - definition: y\n"
      ]),
      command: ["ls"],
      says: ["a selector needs 'name:' and 'definition:'"],
      hint: "did you mean 'definition'?"
    ),
    BadInput(
      name: "state-of-another-version",
      files: files([
        "old/manifest.json":
          "{\"metadata\": {\"dbt_schema_version\": "
          + "\"1️⃣https://schemas.getdbt.com/dbt/manifest/v99.json\"}}"
      ]),
      command: ["ls", "--select", "state:modified", "--state", "old"],
      says: ["but found \"https://schemas.getdbt.com/dbt/manifest/v99.json\""],
      hint: "versions 4 to 12 can be read"
    ),
    BadInput(
      name: "missing-packages-by-name",
      files: files([
        "dbt_packages/two/dbt_project.yml": BadInput.projectFile(name: "two"),
        "packages.yml":
          "packages:\n  - local: ../two\n  - 1️⃣package: a/one\n    version: 1.0.0\n"
          + "  - git: https://x.example/three.git\n",
      ]),
      says: ["dbt found 3 package(s) specified in packages.yml, but only 1 package(s) installed"],
      hint: "run 'sectoral deps' to install a/one, https://x.example/three.git"
    ),
    BadInput(
      name: "unknown-calls-beside-errors",
      files: files([
        "macros/m.sql": "{% macro right() %}{% endmacro %}\n",
        "models/a.sql": "select {{ 1️⃣rigt() }}\n", "models/b.sql": "select {{ ref('nothing') }}\n",
      ]),
      says: ["named 'nothing' which was not found", "calls 'rigt', which is undefined"],
      hint: "did you mean 'right'?"
    ),
  ]

  @Test func bytesThatAreNoTextAreToldWithAllElse() async throws {
    let home = try TestHome.shared.get()
    let input = BadInput(
      name: "no-text",
      files: Self.files([
        "models/b.sql": "select {{ 1️⃣ref('nothing') }}\n",
        "models/c.sql": "select {{ ref('latin') }}\n",
      ]),
      says: [
        "'utf-8' codec can't decode byte 0xe9 in position 11: invalid byte",
        "--> models/latin.sql:1:12", "'utf-8' codec can't decode byte 0xff in position 0",
        "named 'nothing' which was not found", "3 errors in all",
      ],
      hint: "convert the file to UTF-8"
    )
    let path = try home.folder("bad-no-text", files: input.cleanFiles)
    let latin = Array("select 'caf".utf8) + [0xE9] + Array("'\n".utf8)
    try Data(latin).write(to: URL(fileURLWithPath: "\(path)/models/latin.sql"))
    try Data([0xFF, 0xFE, 0x6D, 0]).write(to: URL(fileURLWithPath: "\(path)/models/wide.yml"))
    input.expect(try await Sectoral.run(["parse"], in: path, home: home))
  }
}
