import Foundation
import Testing

/// How installed packages are read: whose variables, names, macros and settings count. What is
/// expected was recorded from dbt-core 1.11 on the same files.
struct PackageReadingTests {
  private static func manifest(
    of files: [String: String],
    name: String = #function,
    _ command: String = "parse"
  ) async throws -> [String: Any] {
    let project = try PackageProject(files, name: "read_" + name)
    let result = try await project.run(command, "--no-populate-cache")
    try #require(result.exitCode == 0, "\(result)")
    let text = try #require(project.text("target/manifest.json"))
    return try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    )
  }

  private static func node(
    _ id: String,
    _ manifest: [String: Any],
    in section: String = "nodes"
  ) throws -> [String: Any] {
    try #require((manifest[section] as? [String: Any])?[id] as? [String: Any])
  }

  private static func parents(_ id: String, _ manifest: [String: Any]) throws -> [String] {
    try #require(node(id, manifest)["depends_on"] as? [String: Any])["nodes"] as? [String] ?? []
  }

  static let variables: [(root: String, package: String, value: String)] = [
    ("", "x: own", "own"), ("", "{x: own, a: {x: scoped}}", "scoped"),
    ("x: root", "{x: own, a: {x: scoped}}", "root"),
    ("a: {x: root_scoped}", "x: own", "root_scoped"),
    ("{x: root, a: {x: root_scoped}}", "x: own", "root_scoped"),
    ("b: {x: other}", "x: own", "own"),
  ]

  @Test(arguments: variables.indices)
  func variablesOfAPackage(_ index: Int) async throws {
    let (root, package, value) = Self.variables[index]
    func vars(_ text: String) -> String {
      text.hasPrefix("{") ? "vars: \(text)\n" : text.isEmpty ? "" : "vars: {\(text)}\n"
    }
    let manifest = try await Self.manifest(
      of: [
        "dbt_project.yml": vars(root),
        "dbt_packages/a/dbt_project.yml": "name: a\n" + vars(package),
        "dbt_packages/a/models/m.sql": "{{ config(alias=var('x')) }} select 1",
      ],
      name: "vars_\(index)"
    )
    #expect(try Self.node("model.a.m", manifest)["alias"] as? String == value)
  }

  @Test func variablesFromTheirOwnFile() async throws {
    var files = [
      "vars.yml": "vars: {layer: gold, tag: one, a: {deep: yes_}}\n",
      "dbt_project.yml": "models: {+schema: \"{{ var('layer') }}\"}\n",
      "models/m.sql": "{{ config(alias=var('tag')) }} select 1",
      "dbt_packages/a/dbt_project.yml": "name: a\nmodels: {+alias: \"{{ var('own') }}\"}\n",
      "dbt_packages/a/vars.yml": "vars: {own: of_a}\n",
      "dbt_packages/a/models/n.sql": "{{ config(tags=var('deep')) }} select 1",
    ]
    let manifest = try await Self.manifest(of: files)
    let model = try Self.node("model.proj.m", manifest)
    #expect((model["schema"] as? String)?.hasSuffix("_gold") == true)
    #expect(model["alias"] as? String == "one")
    let other = try Self.node("model.a.n", manifest)
    #expect(other["alias"] as? String == "of_a")
    #expect(other["tags"] as? [String] == ["yes_"])
    // Not in both files.
    files["dbt_project.yml"] = "vars: {layer: silver}\n"
    let project = try PackageProject(files, name: "read_vars_twice")
    let result = try await project.run("parse")
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("both in vars.yml and under 'vars'"), "\(result)")
  }

  static let twoOfAName = [
    "models/both.sql": "select 1", "models/in_root.sql": "select * from {{ ref('both') }}",
    "models/named.sql": "select * from {{ ref('a', 'both') }}",
    "models/s.yml": "sources: [{name: s, tables: [{name: t}]}]",
    "dbt_packages/a/dbt_project.yml": "name: a\nmodels: {+schema: own}\n",
    "dbt_packages/a/models/both.sql": "select 2",
    "dbt_packages/a/models/in_a.sql":
      "select * from {{ ref('both') }} join {{ source('s', 't') }} using (x)",
    "dbt_packages/a/models/s.yml": "sources: [{name: s, tables: [{name: t}]}]",
  ]

  @Test func namesAreLookedForInTheRootFirst() async throws {
    let manifest = try await Self.manifest(of: Self.twoOfAName)
    #expect(try Self.parents("model.proj.in_root", manifest) == ["model.proj.both"])
    #expect(try Self.parents("model.proj.named", manifest) == ["model.a.both"])
    #expect(try Self.parents("model.a.in_a", manifest) == ["source.proj.s.t", "model.proj.both"])
  }

  @Test func orInThePackageFirst() async throws {
    var files = Self.twoOfAName
    files["dbt_project.yml"] = "flags: {require_ref_searches_node_package_before_root: true}\n"
    let manifest = try await Self.manifest(of: files)
    #expect(try Self.parents("model.proj.in_root", manifest) == ["model.proj.both"])
    #expect(try Self.parents("model.a.in_a", manifest) == ["source.a.s.t", "model.a.both"])
  }

  @Test func settingsOfTheRootAreStronger() async throws {
    let manifest = try await Self.manifest(of: [
      "dbt_project.yml": """
      quoting: {database: false}
      models:
        +tags: rt
        a: {+schema: asch, +meta: {from: root}, sub: {+materialized: table}, gone: {+enabled: false}}
      """,
      "macros/names.sql": """
      {% macro generate_alias_name(custom_alias_name=none, node=none) -%}
        r_{{ custom_alias_name or node.name }}
      {%- endmacro %}
      """,
      "dbt_packages/a/dbt_project.yml": """
      name: a
      quoting: {schema: false}
      models: {a: {+meta: {from: a, k: v}, +tags: [at]}}
      on-run-start: select 'a'
      """,
      "dbt_packages/a/macros/names.sql":
        "{% macro generate_schema_name(custom, node) %}from_a_{{ custom }}{% endmacro %}",
      "dbt_packages/a/models/m.sql":
        "{{ config(meta={'from': 'file'}, tags='inf', schema='file') }} select 1",
      "dbt_packages/a/models/sub/n.sql": "{{ config(materialized='ephemeral') }} select 1",
      "dbt_packages/a/models/gone.sql": "select 1",
      "dbt_packages/a/analyses/an.sql": "select 1",
      "dbt_packages/a/models/s.yml": "sources: [{name: s, tables: [{name: t}]}]",
    ])
    let model = try Self.node("model.a.m", manifest)
    #expect(model["alias"] as? String == "r_m")
    #expect(model["schema"] as? String == "from_a_asch")
    #expect(model["tags"] as? [String] == ["at", "inf", "rt"])
    #expect(
      (model["config"] as? [String: Any])?["meta"] as? [String: String]
        == ["from": "root", "k": "v"]
    )
    let other = try Self.node("model.a.n", manifest)["config"] as? [String: Any]
    #expect(other?["materialized"] as? String == "table")
    #expect((manifest["nodes"] as? [String: Any])?["model.a.gone"] == nil)
    // What has no tree of its own follows that of the models.
    for id in ["analysis.a.an", "operation.a.a-on-run-start-0"] {
      #expect(try Self.node(id, manifest)["schema"] as? String == "from_a_asch", "\(id)")
      #expect((try Self.node(id, manifest)["alias"] as? String)?.hasPrefix("r_") == true, "\(id)")
    }
    let source = try Self.node("source.a.s.t", manifest, in: "sources")
    #expect((source["relation_name"] as? String)?.hasSuffix(".\"s\".\"t\"") == true)
    #expect((source["relation_name"] as? String)?.hasPrefix("\"") == false)
  }

  @Test func sourcesOfAPackageCanBeOverridden() async throws {
    let manifest = try await Self.manifest(of: [
      "models/o.yml": """
      sources:
        - name: s
          overrides: a
          schema: other
          tables: [{name: t, description: over, columns: [{name: q}]}]
      """,
      "models/x.sql": "select * from {{ source('s', 't') }}",
      "dbt_packages/a/dbt_project.yml": "name: a\n",
      "dbt_packages/a/models/s.yml": """
      sources:
        - name: s
          tables: [{name: t, description: own, data_tests: [fine]}, {name: u}]
      """,
      "dbt_packages/a/tests/generic/t.sql":
        "{% test fine(model) %}select * from {{ model }}{% endtest %}",
    ])
    #expect((manifest["sources"] as? [String: Any])?.count == 2)
    for (table, text) in [("t", "over"), ("u", "")] {
      let source = try Self.node("source.a.s.\(table)", manifest, in: "sources")
      #expect(source["schema"] as? String == "other")
      #expect(source["description"] as? String == text)
    }
    #expect(try Self.parents("model.proj.x", manifest) == ["source.a.s.t"])
  }

  @Test func macrosAndHooksAreCompiled() async throws {
    let project = try PackageProject(
      [
        "dbt_project.yml": """
        dispatch: [{macro_namespace: a, search_order: [proj, b, a]}]
        on-run-end: ["select '{{ a.plain() }}'", "{{ log('x') }}"]
        """,
        "models/m.sql":
          "select {{ a.plain() }}, {{ a.first() }}, {{ a.second() }}, {{ a.third() }}",
        "macros/d.sql": "{% macro default__first() %}'root'{% endmacro %}",
        "dbt_packages/a/dbt_project.yml": "name: a\non-run-start: select 'start'\n",
        "dbt_packages/a/macros/m.sql": """
        {% macro plain() %}plain{% endmacro %}
        {% macro first() %}{{ adapter.dispatch('first', 'a')() }}{% endmacro %}
        {% macro second() %}{{ adapter.dispatch('second', 'a')() }}{% endmacro %}
        {% macro third() %}{{ adapter.dispatch('third', 'a')() }}{% endmacro %}
        {% macro default__first() %}'a'{% endmacro %}
        {% macro postgres__second() %}'a'{% endmacro %}
        {% macro default__third() %}'a'{% endmacro %}
        """,
        "dbt_packages/b/dbt_project.yml": "name: b\n",
        "dbt_packages/b/macros/m.sql": "{% macro default__second() %}'b'{% endmacro %}",
      ],
      name: "read_macros"
    )
    let result = try await project.run("compile", "--no-populate-cache")
    try #require(result.exitCode == 0, "\(result)")
    #expect(
      project.text("target/compiled/proj/models/m.sql") == "select plain, 'root', 'b', 'a'"
    )
    let hook = "dbt_project.yml/hooks/proj-on-run-end-0.sql"
    #expect(project.text("target/compiled/proj/\(hook)") == "select 'plain'")
    #expect(
      project.text("target/compiled/a/dbt_project.yml/hooks/a-on-run-start-0.sql")
        == "select 'start'"
    )
  }

  @Test func whatIsNotInstalledIsSaid() async throws {
    let project = try PackageProject(
      ["packages.yml": "packages:\n  - local: ./lp\n", "lp/dbt_project.yml": "name: lp\n"],
      name: "read_missing"
    )
    let missing = try await project.run("parse")
    #expect(missing.exitCode == 2)
    #expect(
      missing.output.contains(
        "dbt found 1 package(s) specified in packages.yml, but only 0 package(s) installed in "
          + "dbt_packages. Run \"dbt deps\" to install package dependencies."
      ),
      "\(missing)"
    )
    #expect(try await project.run("deps").exitCode == 0)
    #expect(try await project.run("parse").exitCode == 0)
    try project.write("name: lp\nrequire-dbt-version: '>=2.0.0'\n", to: "lp/dbt_project.yml")
    let refused = try await project.run("parse")
    #expect(refused.output.contains("not supported with the 'lp' package"), "\(refused)")
    #expect(try await project.run("--no-version-check", "parse").exitCode == 0)
  }
}
