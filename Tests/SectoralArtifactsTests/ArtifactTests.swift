import Foundation
import SectoralArtifacts
import SectoralProject
import SectoralText
import SectoralYAML
import Testing

struct ArtifactTests {
  private let metadata = ArtifactMetadata(
    dbtVersion: "1.11.0",
    generatedAt: "2024-01-02T03:04:05.000006Z",
    invocationID: "id",
    invocationStartedAt: "2024-01-02T03:04:04.000000Z",
    environment: ["team": "ö\"x"]
  )

  private func node(_ type: ResourceType, _ name: String, parents: [String] = []) -> Node {
    let node = Node(
      uniqueID: "\(type.rawValue).p.\(name)",
      resourceType: type,
      name: name,
      packageName: "p",
      path: "\(name).sql",
      originalFilePath: "models/\(name).sql",
      fqn: ["p", name],
      checksum: .none,
      rawCode: "select \"é\"\n\t\u{1}\\",
      createdAt: 1.5
    )
    node.dependsOnNodes = parents
    return node
  }

  private func written(_ manifest: Manifest) throws -> Datum {
    let quoting: DatumMap = ["database": .bool(true)]
    return try JSON.parse(ManifestWriter(manifest, metadata, quoting: quoting).bytes())
  }

  @Test func theManifestHasDbtsKeysInDbtsOrder() throws {
    let root = try written(Manifest())
    #expect(
      root.map?.keys == [
        "metadata", "nodes", "sources", "macros", "docs", "exposures", "metrics", "groups",
        "selectors", "disabled", "parent_map", "child_map", "group_map", "saved_queries",
        "semantic_models", "unit_tests", "functions",
      ]
    )
    let head = root["metadata"]
    #expect(
      head?["dbt_schema_version"] == "https://schemas.getdbt.com/dbt/manifest/v12.json"
    )
    #expect(head?["env"]?["team"] == "ö\"x")
    #expect(head?["run_started_at"] == "2024-01-02T03:04:04.000000+00:00")
  }

  /// What has not changed since comes from the file as it was, unless somebody wrote into it.
  @Test(arguments: [false, true]) func aManifestIsWrittenAgainWithWhatHasChanged(
    isTampered: Bool
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/manifest.json"
    var manifest = Manifest()
    manifest.nodes = (0..<300).map { node(.model, "m\($0)", parents: ["model.p.m\($0 / 2)"]) }
    manifest.buildIndexes()
    let writer = ManifestWriter(manifest, metadata, quoting: [:])
    let first = try writer.write(to: path)
    let before = try FileSystem.read(path)
    #expect(before == writer.bytes())
    if isTampered { try Data(before.map { _ in 0x20 }).write(to: URL(fileURLWithPath: path)) }
    for index in [3, 200] {
      manifest.nodes[index].compiledCode = "select \(index)"
      manifest.nodes[index].isCompiled = true
    }
    let second = try writer.write(to: path, earlier: first)
    let after = try FileSystem.read(path)
    #expect(after == writer.bytes())
    #expect(after != before)
    manifest.nodes[299].changedSettings = ["tags": .strings(["late"])]
    try writer.write(to: path, earlier: second)
    #expect(try FileSystem.read(path) == writer.bytes())
    #expect(try FileSystem.read(path) != after)
  }

  @Test func theProjectIsKnownByTheDigestOfItsName() throws {
    var manifest = Manifest()
    manifest.projectName = "lab"
    #expect(
      try written(manifest)["metadata"]?["project_id"] == "f9664ea1803311b35f81d07d8c9e072d"
    )
  }

  @Test func parentsAndChildrenAreSortedAndSaidOnce() throws {
    var manifest = Manifest()
    manifest.nodes = [
      node(.model, "c", parents: ["model.p.b", "model.p.a", "model.p.b", "source.p.s.t"]),
      node(.model, "b", parents: ["model.p.a"]), node(.model, "a"),
      node(.test, "t", parents: ["model.p.a"]),
    ]
    manifest.sources = [
      SourceTable(
        uniqueID: "source.p.s.t",
        sourceName: "s",
        name: "t",
        packageName: "p",
        originalFilePath: "models/s.yml",
        fqn: ["p", "s", "t"],
        createdAt: 1,
        declaration: nil,
        identifier: "t",
        schema: "s"
      )
    ]
    let root = try written(manifest)
    #expect(root["parent_map"]?["model.p.c"]?.texts == ["model.p.a", "model.p.b", "source.p.s.t"])
    #expect(root["parent_map"]?["source.p.s.t"]?.texts == [])
    #expect(root["child_map"]?["model.p.a"]?.texts == ["model.p.b", "model.p.c", "test.p.t"])
    #expect(root["child_map"]?["model.p.c"]?.texts == [])
    #expect(root["nodes"]?["model.p.c"]?["raw_code"] == "select \"é\"\n\t\u{1}\\")
  }

  @Test func disabledResourcesAreListsById() throws {
    var manifest = Manifest()
    manifest.disabledNodes = [node(.model, "a"), node(.model, "b"), node(.model, "a")]
    let disabled = try written(manifest)["disabled"]
    #expect(disabled?["model.p.a"]?.list?.count == 2)
    #expect(disabled?["model.p.b"]?.list?.count == 1)
  }

  @Test func compiledFieldsAppearOnceCompiled() throws {
    var manifest = Manifest()
    let model = node(.model, "a")
    manifest.nodes = [model]
    #expect(try written(manifest)["nodes"]?["model.p.a"]?["compiled_code"] == nil)
    model.isCompiled = true
    model.compiledCode = "select 1"
    model.extraCTEs = [ExtraCTE(uniqueID: "model.p.e", sql: " __dbt__cte__e as (\nx\n)")]
    let object = try written(manifest)["nodes"]?["model.p.a"]
    #expect(object?["compiled"] == .bool(true))
    #expect(object?["compiled_code"] == "select 1")
    #expect(object?["extra_ctes_injected"] == .bool(true))
    #expect(object?["extra_ctes"]?.list?.first?["id"] == "model.p.e")
  }

  @Test(arguments: [1, 2, 300]) func runResultsHaveDbtsKeys(rows: Int) throws {
    let row = RunResultRow(
      uniqueID: "model.p.a",
      status: "success",
      timing: [.init(name: "compile", startedAt: "x", completedAt: "y")],
      threadID: "Thread-1",
      executionTime: 0.25,
      adapterResponse: nil,
      message: nil,
      failures: nil,
      compiled: true,
      compiledCode: "select 1",
      relationName: "\"d\".\"s\".\"a\""
    )
    let path = FileManager.default.temporaryDirectory.path + "/results-\(UUID().uuidString).json"
    defer { try? FileSystem.removeTree(path) }
    try RunResultsWriter.write(
      rows,
      rows: { _ in row },
      metadata,
      elapsed: 1.5,
      arguments: ["which": "run"],
      to: path
    )
    let root = try JSON.parse(FileSystem.read(path))
    #expect(root["results"]?.list?.count == rows)
    #expect(root.map?.keys == ["metadata", "results", "elapsed_time", "args"])
    #expect(root["elapsed_time"] == .float(1.5))
    let result = try #require(root["results"]?.list?.first)
    #expect(
      result.map?.keys == [
        "status", "timing", "thread_id", "execution_time", "adapter_response", "message",
        "failures", "unique_id", "compiled", "compiled_code", "relation_name", "batch_results",
      ]
    )
    #expect(result["adapter_response"] == .map([:]))
    #expect(result["timing"]?.list?.first?["completed_at"] == "y")
  }

  @Test func theEmptySemanticManifestIsJSON() throws {
    let root = try JSON.parse(ManifestWriter(Manifest(), metadata, quoting: [:]).semanticBytes())
    #expect(
      root.map?.keys == ["semantic_models", "metrics", "project_configuration", "saved_queries"]
    )
  }
}
