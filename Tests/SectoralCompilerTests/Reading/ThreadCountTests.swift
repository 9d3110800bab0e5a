import Foundation
import SectoralArtifacts
import SectoralProject
import SectoralText
import SectoralYAML
import Testing

@testable import SectoralCompiler

/// What is read and written does not depend on how many threads do it.
struct ThreadCountTests {
  private static let widths = [1, 2, 3, 8]

  @Test
  func `One thread and many write the same manifest`() throws {
    let project = try WideProject(models: 150)
    defer { project.remove() }
    let manifests = try Self.widths.map { width in
      try Threads.$width.withValue(width) { try project.manifest() }
    }
    let root = try JSON.parse(manifests[0])
    #expect(root["nodes"]?.map?.count == 150 * 4 + 1)
    #expect(root["parent_map"]?.map?.count == 150 * 5 + 2)
    for (manifest, width) in zip(manifests, Self.widths) {
      #expect(manifest == manifests[0], "on \(width) threads")
    }
  }

  @Test
  func `One thread and many report the same mistakes in the same order`() throws {
    let project = try WideProject(models: 60, isBroken: true)
    defer { project.remove() }
    let reports = Self.widths.map { width in
      Threads.$width.withValue(width) { () -> [String] in
        do {
          _ = try project.manifest()
          return []
        } catch let refusal as ProjectReader.Refusal {
          return refusal.failures.map { $0.text() }
        } catch {
          return ["\(error)"]
        }
      }
    }
    #expect(reports[0].count > 60)
    for (report, width) in zip(reports, Self.widths) {
      #expect(report == reports[0], "on \(width) threads")
    }
  }
}

/// A project of many models with sources, tests and descriptions, in a folder of its own.
private struct WideProject {
  private let folder: String

  init(models: Int, isBroken: Bool = false) throws {
    folder = FileManager.default.temporaryDirectory.path + "/sectoral-wide-\(UUID().uuidString)"
    var files = [
      "dbt_project.yml": """
      name: wide
      profile: wide
      models: {wide: {+tags: [all], +meta: {owner: team}}}
      """,
      "profiles.yml": """
      wide: {outputs: {dev: {type: postgres, host: h, user: u, password: p, port: 1, dbname: d,
        schema: s, threads: 4}}, target: dev}
      """,
      "macros/noted.sql": "{% macro noted(name) %}{{ name | upper }}{% endmacro %}",
      "models/words.md": "{% docs key %}The key.{% enddocs %}",
      "seeds/start.csv": "id\n1\n",
    ]
    for index in 0..<models {
      let parent = index == 0 ? "source('raw', 't0')" : "ref('m\(index * 7 / 10)')"
      let fault =
        isBroken && index % 2 == 0 ? "{{ ref('nothing_\(index)') }} {{ 1 | nothing }}" : ""
      files["models/f\(index % 9)/m\(index).sql"] = """
        {{ config(materialized='\(index % 3 == 0 ? "table" : "view")', meta={'at': \(index)}) }}
        select id, {{ noted('n\(index)') }} as name from {{ \(parent) }} \(fault)
        """
      files["models/f\(index % 9)/m\(index).yml"] = """
        models:
          - name: m\(index)
            description: Number \(index).
            columns:
              - name: id
                description: "{{ doc('key') }}"
                data_tests:
                  - unique
                  - not_null: {config: {where: "id > \(index)"\(isBroken ? ", limit: many" : "")}}
                  - accepted_values: {arguments: {values: ['a', \(index), "it's"]}}
        """
    }
    let tables = (0...models).map { "{name: t\($0)}" }.joined(separator: ", ")
    files["models/sources.yml"] = "sources: [{name: raw, tables: [\(tables)]}]"
    for (path, text) in files {
      try FileSystem.write(Array(text.utf8), to: "\(folder)/\(path)")
    }
  }

  func remove() { try? FileSystem.removeTree(folder) }

  /// The bytes of the manifest.json that is written of it.
  func manifest() throws -> [UInt8] {
    let workspace = try WorkspaceLoader(
      WorkspaceLoader.Settings(
        projectDirectory: folder,
        profilesDirectory: folder,
        givenProfilesDirectory: folder,
        profile: nil,
        target: nil,
        threads: nil,
        vars: [:],
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
    let manifest = try ProjectReader(workspace) { _, _ in }.read().manifest
    let path = "\(folder)/target/manifest.json"
    let metadata = ArtifactMetadata(
      dbtVersion: "",
      generatedAt: "",
      invocationID: "",
      invocationStartedAt: "",
      environment: [:]
    )
    try ManifestWriter(manifest, metadata, quoting: [:]).write(to: path)
    return try FileSystem.read(path)
  }
}
