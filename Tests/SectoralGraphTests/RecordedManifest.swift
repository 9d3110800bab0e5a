import Foundation
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralYAML
import Testing

/// What `Data/record.py` recorded: a project as dbt-core saw it, and what it selected.
struct Recording: Sendable {
  let manifest: Manifest
  let files: Set<String>
  let selectors: String
  let normalised: Datum
  let cases: [RecordedCase]

  static let shared = Recording()

  private init() {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Data/selection.json")
    var root = Datum.null
    do {
      root = try JSON.parse([UInt8](Data(contentsOf: url)))
    } catch {
      Issue.record("cannot read the recorded selections: \(error)")
    }
    manifest = Self.manifest(root["manifest"]?.map ?? [:])
    var files: Set<String> = []
    for file in root["files"]?.texts ?? [] {
      var path = file
      while !path.isEmpty {
        files.insert(path)
        path = FileSystem.parent(of: path)
      }
    }
    self.files = files
    selectors = root["selectors"]?.string ?? ""
    normalised = root["normalised"] ?? .null
    cases = (root["cases"]?.list ?? []).map(RecordedCase.init)
  }

  /// A manifest of the fields that selection reads; resources are lists, or mappings by unique id.
  static func manifest(_ map: DatumMap) -> Manifest {
    func items(_ key: String) -> [Datum] { map[key]?.list ?? map[key]?.map?.values ?? [] }
    var manifest = Manifest()
    manifest.projectName = "lab"
    manifest.nodes = items("nodes").map { item in
      let type = ResourceType(rawValue: item["resource_type"]?.string ?? "") ?? .model
      let node = Node(
        uniqueID: item.text("unique_id"),
        resourceType: type,
        name: item.text("name"),
        packageName: item.text("package_name"),
        path: item.text("path"),
        originalFilePath: item.text("original_file_path"),
        fqn: item["fqn"]?.texts ?? [],
        checksum: Checksum(
          name: item["checksum"]?.text("name") ?? "none",
          checksum: item["checksum"]?.text("checksum") ?? ""
        ),
        rawCode: item.text("raw_code"),
        createdAt: 0,
        config: item["config"]?.map ?? [:]
      )
      node.alias = item.text("alias")
      node.tags = item["tags"]?.texts ?? []
      node.unrenderedConfig = item["unrendered_config"]?.map ?? [:]
      node.description = item.text("description")
      node.columns = item["columns"]?.map ?? [:]
      node.constraints = item["constraints"]?.list ?? []
      node.contractChecksum = item["contract"]?["checksum"]?.string
      node.database = item["database"]?.string
      node.schema = item["schema"]?.string
      node.deprecationDate = item["deprecation_date"]?.string
      node.patchPath = item["patch_path"]?.string
      node.version = item["version"].flatMap { $0.isNull ? nil : $0 }
      node.latestVersion = item["latest_version"].flatMap { $0.isNull ? nil : $0 }
      node.dependsOnNodes = item["depends_on"]?["nodes"]?.texts ?? []
      node.dependsOnMacros = item["depends_on"]?["macros"]?.texts ?? []
      if let metadata = item["test_metadata"] {
        node.testMetadata = TestMetadata(
          name: metadata.text("name"),
          namespace: metadata["namespace"]?.string,
          arguments: metadata["kwargs"]?.map ?? [:]
        )
      }
      return node
    }
    manifest.disabledNodes = (map["disabled"]?.map?.keys ?? []).map { id in
      Node(
        uniqueID: id,
        resourceType: .model,
        name: id,
        packageName: "lab",
        path: "",
        originalFilePath: "",
        fqn: [],
        checksum: .none,
        rawCode: "",
        createdAt: 0
      )
    }
    manifest.sources = items("sources").map { item in
      let source = SourceTable(
        uniqueID: item.text("unique_id"),
        sourceName: item.text("source_name"),
        name: item.text("name"),
        packageName: item.text("package_name"),
        originalFilePath: item.text("original_file_path"),
        fqn: item["fqn"]?.texts ?? [],
        createdAt: 0,
        declaration: nil,
        identifier: item.text("identifier"),
        schema: item.text("schema")
      )
      source.database = item["database"]?.string
      source.unrenderedDatabase = item["unrendered_database"]?.string
      source.unrenderedSchema = item["unrendered_schema"]?.string
      source.unrenderedConfig = item["unrendered_config"]?.map ?? [:]
      source.quoting = item["quoting"]?.map ?? [:]
      source.freshness = item["freshness"] ?? .null
      source.external = item["external"] ?? .null
      source.loader = item.text("loader")
      source.loadedAtField = item["loaded_at_field"]?.string
      source.loadedAtQuery = item["loaded_at_query"]?.string
      source.description = item.text("description")
      source.columns = item["columns"]?.map ?? [:]
      source.tags = item["tags"]?.texts ?? []
      source.config = item["config"]?.map ?? [:]
      source.patchPath = item["patch_path"]?.string
      return source
    }
    func resources(_ key: String) -> [PlainResource] {
      items(key).map { item in
        let type = ResourceType(rawValue: item["resource_type"]?.string ?? "") ?? .exposure
        let resource = PlainResource(
          uniqueID: item.text("unique_id"),
          resourceType: type,
          name: item.text("name"),
          packageName: item.text("package_name"),
          originalFilePath: item.text("original_file_path"),
          fqn: item["fqn"]?.texts ?? [],
          declaration: nil,
          fields: item.map ?? [:]
        )
        resource.tags = item["tags"]?.texts ?? []
        resource.config = item["config"]?.map ?? [:]
        resource.dependsOnNodes = item["depends_on"]?["nodes"]?.texts ?? []
        resource.dependsOnMacros = item["depends_on"]?["macros"]?.texts ?? []
        return resource
      }
    }
    manifest.macros = items("macros").map { item in
      let file = SourceFile(path: "macros", text: item.text("macro_sql"))
      let macro = Macro(
        uniqueID: item.text("unique_id"),
        name: item.text("name"),
        packageName: item.text("package_name"),
        originalFilePath: "",
        span: TextSpan(file: file, start: 0, end: file.bytes.count),
        createdAt: 0
      )
      macro.dependsOnMacros = item["depends_on"]?["macros"]?.texts ?? []
      return macro
    }
    manifest.exposures = resources("exposures")
    manifest.metrics = resources("metrics")
    manifest.semanticModels = resources("semantic_models")
    manifest.savedQueries = resources("saved_queries")
    manifest.unitTests = resources("unit_tests")
    manifest.functions = resources("functions")
    manifest.buildIndexes()
    return manifest
  }
}

/// One call of `dbt ls`, and what came of it.
struct RecordedCase: Sendable, CustomTestStringConvertible {
  var select: [String] = []
  var exclude: [String] = []
  var selector: String?
  var types: [String] = []
  var excludedTypes: [String] = []
  var mode = IndirectSelection.eager
  var output = "selector"
  var keys: [String] = []
  let lines: [String]?
  let error: String?
  let warnings: [String]
  let testDescription: String

  init(_ row: Datum) {
    let arguments = row["args"]?.texts ?? []
    testDescription = arguments.joined(separator: " ")
    lines = row["lines"]?.texts
    error = row["error"]?.string
    warnings = row["warnings"]?.texts ?? []
    var option = ""
    for argument in arguments {
      if argument.hasPrefix("--") {
        option = argument
        continue
      }
      switch option {
      case "--select": select.append(argument)
      case "--models":
        select.append(argument)
        types = ["model"]
      case "--exclude": exclude.append(argument)
      case "--selector": selector = argument
      case "--resource-type": types.append(argument)
      case "--exclude-resource-type": excludedTypes.append(argument)
      case "--indirect-selection": mode = IndirectSelection(rawValue: argument) ?? .eager
      case "--output": output = argument
      case "--output-keys": keys.append(argument)
      default: Issue.record("unknown option \(option)")
      }
    }
  }
}

extension Datum {
  fileprivate func text(_ key: String) -> String { self[key]?.string ?? "" }
}
