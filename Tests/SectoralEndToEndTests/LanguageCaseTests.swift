import Foundation
import SectoralYAML
import Testing

/// Small projects beside what dbt-core made of them (Tests/Conformance/language_cases.py records).
struct LanguageCaseTests {
  static let folder = "\(Sectoral.repository)/Tests/Conformance/Language"

  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".case") }.map { String($0.dropLast(5)) }.sorted()

  @Test(arguments: names) func readsAsRecorded(_ name: String) async throws {
    let home = try TestHome.shared.get()
    let text = try String(contentsOfFile: "\(Self.folder)/\(name).case", encoding: .utf8)
    let project = try home.folder("language-\(name)", files: Self.files(of: text))
    let record = try JSON.parse(
      Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name).json")))
    )
    let run = try await Sectoral.run(
      ["parse", "--log-format", "json", "--profiles-dir", "profiles", "--show-all-deprecations"],
      in: project,
      home: home
    )
    guard record["error"] == nil else {
      #expect(run.exitCode == 2, "dbt-core refuses this: \(run)")
      return
    }
    guard run.exitCode == 0 else {
      Issue.record("dbt-core accepts this: \(run)")
      return
    }
    let warnings = Self.warnings(in: run.output)
    #expect(warnings == Set((record["warnings"]?.list ?? []).compactMap(\.string)))
    let manifest = Self.parts(try Self.read("\(project)/target/manifest.json"))
    expectEqual(manifest, record["manifest"] ?? .map([:]), at: "manifest")
    if let semantic = record["semantic_manifest"] {
      let own = Self.cleaned(try Self.read("\(project)/target/semantic_manifest.json"))
      expectEqual(own, semantic, at: "semantic_manifest")
    }
  }

  /// What templates see of their node, while they are read and while they are compiled.
  @Test func modelInTemplatesIsAsRecorded() async throws {
    let home = try TestHome.shared.get()
    let base = "\(Sectoral.repository)/Tests/Conformance/model_in_templates"
    let files = Self.files(of: try String(contentsOfFile: "\(base).case", encoding: .utf8))
    let project = try home.folder("model-in-templates", files: files)
    let run = try await Sectoral.run(
      ["compile", "--no-introspect", "--profiles-dir", "profiles"],
      in: project,
      home: home
    )
    try #require(run.exitCode == 0, "\(run)")
    let recorded = try #require(try Self.read("\(base).json").map)
    var seen: Set<String> = []
    for line in run.output.split(separator: "\n") {
      guard let start = line.range(of: "DUMP ") else { continue }
      let words = line[start.upperBound...].split(separator: " ", maxSplits: 2)
      let key = "\(words[0]) \(words[1])"
      guard let expected = recorded[key], seen.insert(key).inserted else { continue }
      var own = try #require(try JSON.parse(Array(words[2].utf8)).map)
      own = DatumMap(own.entries.filter { $0.key != "created_at" })
      expectEqual(.map(own), expected, at: key)
    }
    #expect(seen == Set(recorded.keys))
  }

  private func expectEqual(_ own: Datum, _ recorded: Datum, at path: String) {
    if let own = own.map, let recorded = recorded.map {
      for key in Set(own.keys + recorded.keys).sorted() {
        expectEqual(own[key] ?? .null, recorded[key] ?? .null, at: "\(path)/\(key)")
      }
    } else {
      #expect(own == recorded, "\(path)")
    }
  }

  // MARK: Files

  private static let profile = """
    p:
      target: dev
      outputs:
        dev: {type: postgres, host: localhost, port: 1, user: u, password: x, dbname: d, schema: s}

    """

  private static func files(of text: String) -> [String: String] {
    var files = [
      "dbt_project.yml": "name: p\nprofile: p\nversion: '1.0'\n", "profiles/profiles.yml": profile,
    ]
    var name: String?
    var lines: [Substring] = []
    func end() {
      if let name { files[name] = lines.map { $0 + "\n" }.joined() }
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("== ") {
        end()
        name = String(line.dropFirst(3))
        lines = []
      } else {
        lines.append(line)
      }
    }
    if lines.last == "" { lines.removeLast() }
    end()
    return files
  }

  private static func read(_ path: String) throws -> Datum {
    try JSON.parse(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
  }

  private static func warnings(in log: String) -> Set<String> {
    var names: Set<String> = []
    for line in log.split(separator: "\n") {
      guard let info = (try? JSON.parse(Array(line.utf8)))?["info"],
        info["level"]?.string == "warn", let name = info["name"]?.string
      else { continue }
      names.insert(name)
    }
    return names.subtracting(["DeprecationsSummary", "Note"])
  }

  // MARK: The same cuts as in the record

  private static let sections = [
    "nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled",
    "parent_map", "child_map", "group_map", "saved_queries", "semantic_models", "unit_tests",
    "functions",
  ]
  private static let internals = [
    "macro.dbt.", "macro.dbt_postgres.", "macro.dbt_redshift.", "doc.dbt.",
  ]
  private static let dropped: Set = ["created_at", "root_path", "macro_sql"]

  private static func parts(_ manifest: Datum) -> Datum {
    var parts = DatumMap()
    for section in sections {
      var part = DatumMap()
      for (key, value) in (manifest[section]?.map ?? [:]).entries
      where !internals.contains(where: key.hasPrefix) {
        var value = cleaned(value)
        if section == "nodes", var node = value.map, var depends = node["depends_on"]?.map,
          let macros = depends["macros"]?.list
        {
          depends["macros"] = .list(sorted(macros))
          node["depends_on"] = .map(depends)
          value = .map(node)
        }
        if section == "group_map", let members = value.list { value = .list(sorted(members)) }
        if !isEmpty(value) { part[key] = value }
      }
      if !part.isEmpty { parts[section] = .map(part) }
    }
    return .map(parts)
  }

  private static func sorted(_ texts: [Datum]) -> [Datum] {
    texts.sorted { ($0.string ?? "").utf8.lexicographicallyPrecedes(($1.string ?? "").utf8) }
  }

  private static func isEmpty(_ value: Datum) -> Bool {
    switch value {
    case .null, .string(""): true
    case .list(let items): items.isEmpty
    case .map(let map): map.isEmpty
    default: false
    }
  }

  private static func cleaned(_ value: Datum) -> Datum {
    switch value {
    case .list(let items): return .list(items.map(cleaned))
    case .map(let map):
      var out = DatumMap()
      for (key, value) in map.entries where !dropped.contains(key) {
        var value = value
        if key == "columns", let columns = value.map {
          value = .list(columns.values.map(sortingTags))
        }
        let cleaned = cleaned(value)
        if !isEmpty(cleaned) { out[key] = cleaned }
      }
      return .map(out)
    default: return value
    }
  }

  private static func sortingTags(_ column: Datum) -> Datum {
    guard var map = column.map, let tags = map["tags"]?.list else { return column }
    let sorted = Datum.list(tags.sorted { ($0.string ?? "") < ($1.string ?? "") })
    map["tags"] = sorted
    if var config = map["config"]?.map {
      config["tags"] = sorted
      map["config"] = .map(config)
    }
    return .map(map)
  }
}
