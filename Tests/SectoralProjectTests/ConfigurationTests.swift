import SectoralProject
import SectoralText
import SectoralYAML
import Testing

struct VersionTests {
  /// In ascending order, as semver.org gives it.
  static let ascending = [
    "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "1.11.0",
  ]

  @Test
  func `Versions are in semver's order`() throws {
    let versions = try Self.ascending.map { try #require(SemanticVersion($0)) }
    for (index, version) in versions.enumerated() {
      for (other, second) in versions.enumerated() {
        #expect((version < second) == (index < other))
      }
    }
  }

  @Test(arguments: ["", "a", "1.2.3.4", "1..2", "-1"])
  func `What is no version is refused`(text: String) {
    #expect(SemanticVersion(text) == nil)
  }

  @Test(arguments: [
    (">=1.3.0", "1.3.0", true), (">1.3.0", "1.3.0", false), ("<2.0", "1.11.16", true),
    ("<=1.11", "1.11.1", false), (">=1.6.0rc2", "1.6.0-rc1", false), (">=1.6.0rc2", "1.6.0", true),
    ("1.11.0", "1.11.0", true), ("=1.11.0", "1.11.1", false),
  ])
  func `A specifier admits versions`(specifier: String, version: String, admitted: Bool) throws {
    let specifier = try #require(VersionSpecifier(specifier))
    #expect(specifier.admits(try #require(SemanticVersion(version))) == admitted)
  }
}

struct ConfigTests {
  static func layer(_ yaml: String) throws -> ConfigLayer {
    let (node, diagnostics) = YAMLParser.parse(SourceFile(path: "x.yml", text: yaml))
    #expect(diagnostics.isEmpty)
    return ConfigLayer(try #require(node?.datum.map), origin: node?.span)
  }

  static func joined(_ layers: String...) throws -> ConfigBuilder {
    var builder = ConfigBuilder(.model)
    for yaml in layers { builder.add(try layer(yaml)) }
    return builder
  }

  @Test(arguments: [
    // Each kind of joining (spec: project, section 6): the weak layer, the strong one, the key, and
    // what comes of it.
    ("schema: a", "schema: b", "schema", "'b'"),
    ("tags: a", "tags: [b, c]", "tags", "['a', 'b', 'c']"),
    ("meta: {a: 1, b: 2}", "meta: {b: 3}", "meta", "{'a': 1, 'b': 3}"),
    ("grants: {select: [a]}", "grants: {select: b}", "grants", "{'select': ['b']}"),
    ("grants: {select: [a]}", "grants: {+select: b}", "grants", "{'select': ['a', 'b']}"),
    (
      "pre_hook: one", "pre-hook: {sql: two, transaction: false}", "pre-hook",
      "[{'sql': 'one', 'transaction': True, 'index': None}, "
        + "{'sql': 'two', 'transaction': False, 'index': None}]"
    ),
    ("anything: [1]", "anything: [2]", "anything", "[2]"),
  ])
  func `A stronger layer joins a weaker one`(
    weak: String,
    strong: String,
    key: String,
    expected: String
  ) throws {
    #expect(try Self.joined(weak, strong).config[key]?.pythonRepr == expected)
  }

  @Test
  func `A value of the wrong type is told with its place and what to write`() throws {
    let builder = try Self.joined("enabled: 'false'")
    let problem = try #require(builder.problems(of: "model x").first)
    #expect(problem.message == "at path ['enabled']: 'false' is not of type 'boolean'")
    #expect(problem.span?.position.line == 1)
    #expect(problem.hint?.hasPrefix("write enabled: false without quotes") == true)
  }

  @Test
  func `A tree gives the levels that lead to a resource`() throws {
    let yaml = """
      +schema: root
      shop:
        staging:
          +materialized: view
          tags: [a]
          orders: {enabled: false}
      """
    let file = SourceFile(path: "dbt_project.yml", text: yaml)
    let tree = ConfigTree(try #require(YAMLParser.parse(file).0), key: "models")
    let levels = tree.levels(for: ["shop", "staging", "orders"])
    #expect(levels.map(\.path.last) == ["models", "shop", "staging", "orders"])
    #expect(levels[2].layer.values["materialized"]?.string == "view")
    #expect(levels[3].layer.values["enabled"]?.bool == false)
    #expect(tree.levels(for: ["shop", "marts"]).count == 2)
    #expect(tree.configuredPaths.count == 3)
  }
}

struct ProjectDefinitionTests {
  static func problems(_ yaml: String) throws -> [Diagnostic] {
    let (node, _) = YAMLParser.parse(SourceFile(path: "dbt_project.yml", text: yaml))
    do {
      return try ProjectDefinition(root: "/nowhere", node: try #require(node)).problems
    } catch let failure as Failure {
      return failure.diagnostics
    }
  }

  @Test(arguments: [
    ("name: 1x", "project.bad-name", 1), ("name: shop\nmodel-path: [a]", "project.unknown-key", 2),
    ("name: shop\nconfig-version: 1", "project.config-version", 2),
    ("name: shop\nmodel-paths: [/etc]", "project.path-outside", 2),
    ("name: shop\nmodel-paths: [a]\nsource-paths: [b]", "project.both-names", 3),
  ])
  func `A mistake in the project's file is told at its line`(
    yaml: String,
    id: String,
    line: Int
  )
    throws
  {
    let problem = try #require(try Self.problems(yaml).first)
    #expect(problem.id == id)
    #expect(problem.span?.position.line == line)
    #expect(problem.hint != nil)
  }

  @Test(arguments: ["name: shop", "name: shop\nmodel-paths: ['.', 'a/../b', models]"])
  func `A right one is taken`(yaml: String) throws {
    #expect(try Self.problems(yaml).isEmpty)
  }
}
