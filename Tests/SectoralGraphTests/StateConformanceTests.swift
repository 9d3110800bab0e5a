import Foundation
import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralYAML
import Testing

/// Edits of a project, and what dbt-core's `state:` selected after each; `Data/record_state.py`
/// recorded it.
struct StateConformanceTests {
  /// On dbt's own manifests.
  @Test(arguments: RecordedEdit.all) func comparesAsDbt(_ edit: RecordedEdit) throws {
    let project = Recording.manifest(edit.manifest)
    let earlier = try #require(RecordedEdit.bases[edit.base].recorded)
    for expected in edit.cases { check(expected, project, earlier, edit) }
  }

  /// On the project as a command reads it, beside dbt's manifest and beside our own.
  @Test(arguments: RecordedEdit.all.filter(\.isReadable))
  func readsAndComparesAsDbt(_ edit: RecordedEdit) throws {
    let project = try TemporaryProject.read(edit.plainFiles, vars: edit.vars, target: edit.target)
    let base = RecordedEdit.bases[edit.base]
    for earlier in [try #require(base.plain), try #require(base.own)] {
      for expected in edit.cases {
        check(expected, project, earlier, edit, among: Set(Graph(project).members.map(\.uniqueID)))
      }
    }
  }

  /// Manifests of before dbt 1.5 say nothing of access: what has none of its own is as it was.
  @Test(arguments: RecordedEdit.all.filter { $0.base == 0 })
  func modelsWithoutAccessAreAsBefore(_ edit: RecordedEdit) throws {
    let earlier = try #require(RecordedEdit.bases[0].withoutAccess)
    let project = Recording.manifest(edit.manifest)
    for expected in edit.cases where expected.select == "state:unmodified" {
      check(expected, project, earlier, edit)
    }
  }

  /// `known`: the resources that count, if not all do.
  private func check(
    _ expected: RecordedEdit.Case,
    _ project: Manifest,
    _ earlier: EarlierManifest,
    _ edit: RecordedEdit,
    among known: Set<String>? = nil
  ) {
    var state = PreviousState()
    state.manifest = earlier
    state.comparesMoreUnrenderedValues = edit.comparesMoreUnrenderedValues
    let graph = Graph(project)
    var selector = Selector(
      graph: graph,
      projectName: "lab",
      fileExists: { _ in true },
      manifest: project,
      state: state
    )
    let comment = Comment(rawValue: "\(edit.name): \(expected.select), \(earlier.path)")
    do throws(Failure) {
      let spec = try SelectionSpec.commandLine(
        select: [expected.select],
        exclude: [],
        indirectSelection: .eager
      )
      let ids = try selector.evaluate(spec).map { graph[$0] }
        .filter { $0.resourceType != .operation }.map(\.uniqueID)
      var wanted = Set(expected.ids ?? ["error: \(expected.error ?? "")"])
      if let known { wanted.formIntersection(known) }
      let missing = wanted.subtracting(ids).sorted()
      let extra = Set(ids).subtracting(wanted).sorted()
      #expect(missing.isEmpty, "missing, \(comment)")
      #expect(extra.isEmpty, "too many, \(comment)")
      #expect(selector.brokenContracts.map { lines($0.warning.message) } == expected.warnings)
    } catch {
      let text = lines(error.text())
      let wanted = expected.error.map(lines) ?? ["no error"]
      #expect(wanted.allSatisfy(text.contains), "\(text) \(comment)")
    }
  }

  private func lines(_ text: String) -> [String] { RecordedEdit.lines(text) }
}

/// One edit of the recorded project.
struct RecordedEdit: Sendable, CustomTestStringConvertible {
  struct Case: Sendable {
    let select: String
    let ids: [String]?
    let error: String?
    let warnings: [[String]]
  }

  let name: String
  /// dbt's manifest of the edited project.
  let manifest: DatumMap
  let files: [String: String]
  /// The place of the project before the edit among `bases`.
  let base: Int
  let vars: DatumMap
  let target: String?
  let cases: [Case]

  var testDescription: String { name }

  var comparesMoreUnrenderedValues: Bool {
    files["dbt_project.yml"]?.contains("more_unrendered_values: true") ?? false
  }

  /// A project before its edits, as manifests: read once for all of them.
  struct Base: Sendable {
    /// dbt's.
    let recorded: EarlierManifest?
    /// dbt's without what `plainFiles` leaves out and would count as a broken promise.
    let plain: EarlierManifest?
    /// dbt's without the access of models that all may use, as before there was any.
    let withoutAccess: EarlierManifest?
    /// Our own, of the plain files.
    let own: EarlierManifest?

    init(_ row: Datum, _ project: [String: String]) {
      var manifest = row["manifest"]?.map ?? [:]
      recorded = Self.earlier("dbt's", manifest)
      withoutAccess = Self.earlier("dbt's of old", Self.withoutAccess(manifest))
      if var nodes = manifest["nodes"]?.map {
        for id in nodes.keys where id.hasPrefix("model.lab.dim.") { nodes[id] = nil }
        manifest["nodes"] = .map(nodes)
      }
      plain = Self.earlier("dbt's, in part", manifest)
      own = try? Self.own(RecordedEdit.apply(row["changes"], to: project))
    }

    private static func withoutAccess(_ manifest: DatumMap) -> DatumMap {
      var manifest = manifest
      var nodes = manifest["nodes"]?.map ?? [:]
      for (id, node) in nodes.entries where node["access"] == "protected" {
        var fields = node.map ?? [:]
        fields["access"] = nil
        nodes[id] = .map(fields)
      }
      manifest["nodes"] = .map(nodes)
      return manifest
    }

    private static func earlier(_ path: String, _ manifest: DatumMap) -> EarlierManifest? {
      try? EarlierManifest(path: path, bytes: Array(JSON.text(of: .map(manifest)).utf8))
    }

    private static func own(_ files: [String: String]) throws -> EarlierManifest {
      let manifest = try TemporaryProject.read(RecordedEdit.plain(files), vars: [:], target: nil)
      let metadata = ArtifactMetadata(
        dbtVersion: "1.11.0",
        generatedAt: "",
        invocationID: "",
        invocationStartedAt: "2024-01-01T00:00:00Z",
        environment: [:]
      )
      return try EarlierManifest(
        path: "our own",
        bytes: ManifestWriter(manifest, metadata, quoting: [:]).bytes()
      )
    }
  }

  private static let root: Datum = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Data/state.json")
    guard let data = try? Data(contentsOf: url), let root = try? JSON.parse([UInt8](data)) else {
      Issue.record("cannot read the recorded edits")
      return .null
    }
    return root
  }()

  private static let project = Dictionary(
    (root["files"]?.map ?? [:]).entries.map { ($0.key, $0.value.string ?? "") },
    uniquingKeysWith: { $1 }
  )

  static let bases: [Base] = (root["bases"]?.list ?? []).map { Base($0, project) }

  static let all: [RecordedEdit] = {
    let bases = root["bases"]?.list ?? []
    return (root["edits"]?.list ?? []).map { row in
      let index = row["base"]?.int ?? 0
      let base = bases[index]
      let baseFiles = apply(base["changes"], to: project)
      return RecordedEdit(
        name: row["name"]?.string ?? "",
        manifest: combined(base["manifest"]?.map ?? [:], row["manifest"]?.map ?? [:]),
        files: apply(row["changes"], to: baseFiles),
        base: index,
        vars: row["vars"]?.string.flatMap { YAMLParser.parse($0).root?.datum.map } ?? [:],
        target: row["target"]?.string,
        cases: (row["cases"]?.list ?? []).map { item in
          Case(
            select: item["select"]?.string ?? "",
            ids: item["ids"]?.texts,
            error: item["error"]?.string,
            warnings: (item["warnings"]?.texts ?? []).map { text in
              // Behind dbt's "[WARNING]: ", which has colours.
              lines(text.range(of: "]: ").map { String(text[$0.upperBound...]) } ?? text)
            }
          )
        }
      )
    }
  }()

  /// What changed in a manifest, put over the manifest.
  private static func combined(_ base: DatumMap, _ changes: DatumMap) -> DatumMap {
    var result = base
    for (section, changed) in changes.entries {
      var resources = result[section]?.map ?? [:]
      for (id, resource) in changed.map?.entries ?? [] {
        resources[id] = resource.isNull ? nil : resource
      }
      result[section] = .map(resources)
    }
    return result
  }

  /// Whether the parts that are left out of `plainFiles` are not what the edit is about.
  ///
  /// Nor of edits under `state_modified_compare_more_unrendered_values`: our manifests do not have
  /// the text of `config()` calls (docs/compatibility.md).
  var isReadable: Bool {
    !comparesMoreUnrenderedValues && cases.allSatisfy { $0.error?.contains("model dim") != true }
  }

  /// Without model versions and the semantic layer.
  var plainFiles: [String: String] { Self.plain(files) }

  fileprivate static func plain(_ files: [String: String]) -> [String: String] {
    var files = files
    for path in files.keys where path.hasPrefix("models/marts/dim_v") { files[path] = nil }
    files["models/marts/last.sql"] = nil
    func cut(_ path: String, from start: String, to end: String?) {
      guard let text = files[path], let first = text.range(of: start) else { return }
      let rest = first.upperBound..<text.endIndex
      let last = end.flatMap { text.range(of: $0, range: rest)?.lowerBound } ?? text.endIndex
      files[path]?.removeSubrange(first.lowerBound..<last)
    }
    cut("models/marts/schema.yml", from: "  - name: dim\n", to: "unit_tests:")
    cut("models/marts/schema.yml", from: "  - name: ut_last\n", to: "  - name: ut_csv")
    cut("models/more.yml", from: "models:\n  - name: spine", to: nil)
    return files
  }

  /// Without indentation and empty lines; dbt's advice at the end is not ours.
  static func lines(_ text: String) -> [String] {
    text.split(separator: "\n" as Character).map { line in
      String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty && !$0.hasPrefix("Otherwise, create a new model version") }
  }

  /// As the script does it: `[path, old, new]`, `[path, text]`, `[path, null]`.
  fileprivate static func apply(_ changes: Datum?, to files: [String: String]) -> [String: String] {
    var files = files
    for change in changes?.list ?? [] {
      guard let parts = change.list, let path = parts.first?.string else { continue }
      if parts.count == 2 {
        files[path] = parts[1].string
      } else if let old = parts[1].string, let new = parts[2].string,
        let range = files[path]?.range(of: old)
      {
        files[path]?.replaceSubrange(range, with: new)
      }
    }
    return files
  }
}

/// A project in a folder of its own.
struct TemporaryProject {
  let folder: URL

  init(_ files: [String: String]) throws {
    folder = URL.temporaryDirectory.appending(path: "state-\(UUID().uuidString)")
    for (path, text) in files {
      let url = folder.appending(path: path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: url)
    }
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  static func read(
    _ files: [String: String],
    vars: DatumMap,
    target: String?
  ) throws -> Manifest {
    let project = try TemporaryProject(files)
    defer { project.remove() }
    return try project.read(vars: vars, target: target)
  }

  private func read(vars: DatumMap, target: String?) throws -> Manifest {
    let path = folder.path(percentEncoded: false)
    let root = path.hasSuffix("/") ? String(path.dropLast()) : path
    let workspace = try WorkspaceLoader(
      WorkspaceLoader.Settings(
        projectDirectory: root,
        profilesDirectory: root,
        givenProfilesDirectory: root,
        profile: nil,
        target: target,
        threads: nil,
        vars: vars,
        environment: [:],
        invocationID: "",
        startedAt: 0,
        flags: RenderingFlags(),
        templateFlags: [:],
        arguments: [:],
        checksVersions: false,
        embeddedDatabase: { _, _ in "" }
      )
    ).load()
    return try ProjectReader(workspace) { _, _ in }.read().manifest
  }
}
