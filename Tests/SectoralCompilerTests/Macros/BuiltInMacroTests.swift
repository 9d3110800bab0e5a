import Foundation
import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Testing

@testable import SectoralCompiler

/// The built-in macros against what dbt-core 1.11 says of its own: names, files, direct calls, and
/// the text that calls give.
struct BuiltInMacroTests {
  /// What dbt has no macro of its own for, and what does it there.
  private static let additions = [
    "dbt_redshift.redshift__load_csv_rows": "dbt.default__load_csv_rows"
  ]

  @Test(arguments: ["postgres", "redshift"])
  func everyMacroIsWhereProjectsExpectIt(_ adapter: String) throws {
    let project = try MacroProject(adapter)
    let found = project.workspace.allMacros.map(\.macro).filter {
      $0.packageName != "probe" && Self.additions["\($0.packageName).\($0.name)"] == nil
    }
    let expected = try Recorded.macros().filter { $0.calls[adapter] != nil }
    #expect(found.count == expected.count)
    let places = Set(found.map { "\($0.packageName) \($0.originalFilePath) \($0.name)" })
    for macro in expected {
      #expect(places.contains("\(macro.package) \(macro.path) \(macro.name)"))
    }
  }

  @Test(arguments: ["postgres", "redshift"])
  func everyMacroCallsWhatDbtsCalls(_ adapter: String) throws {
    let project = try MacroProject(adapter)
    let catalog = project.workspace.macros
    let entries = Dictionary(
      project.workspace.allMacros.map { ("\($0.macro.packageName).\($0.macro.name)", $0) },
      uniquingKeysWith: { first, _ in first }
    )
    for macro in try Recorded.macros() {
      guard let calls = macro.calls[adapter],
        let entry = entries["\(macro.package).\(macro.name)"]
      else { continue }
      let found = catalog.staticDependencies(of: entry).map {
        let name = $0.replacing("macro.", with: "", maxReplacements: 1)
        return Self.additions[name] ?? name
      }
      // dbt takes any method of this name for the macro `replace`.
      #expect(
        Set(found).subtracting(["dbt.replace"]) == calls.subtracting(["dbt.replace"]),
        "\(macro.name)"
      )
    }
  }

  /// What the embedder wrote down is what the engine finds in the text.
  @Test(arguments: ["postgres", "redshift"])
  func theIndexAgreesWithTheTemplates(_ adapter: String) throws {
    let project = try MacroProject(adapter)
    for entry in project.workspace.allMacros {
      let (_, definition) = try entry.definition()
      if entry.macro.supportedLanguages == nil {
        #expect(definition.name == entry.macro.name)
      }
      let scanned = MacroEntry(entry.macro, environment: project.workspace.environment)
      let catalog = project.workspace.macros
      // A method of a local value that has a macro's name is no call that the embedder writes down.
      let methods: Set = ["macro.dbt.replace"]
      #expect(
        Set(catalog.staticDependencies(of: entry)).subtracting(methods)
          == Set(catalog.staticDependencies(of: scanned)).subtracting(methods),
        "\(entry.macro.name)"
      )
    }
  }

  @Test(arguments: ["postgres", "redshift"])
  func callsGiveWhatDbtGives(_ adapter: String) throws {
    let calls = try Recorded.calls(adapter)
    let project = try MacroProject(adapter, models: calls.map(\.model))
    let results = try project.compiledModels()
    for (call, result) in zip(calls, results) {
      // Names that would be cut carry a hash here (docs/compatibility.md).
      if call.text.contains("'t'*63") {
        #expect(result.text.contains("__dbt_tmp"), "\(call.text): \(result.text)")
        continue
      }
      #expect(call.accepts(result), "\(call.text): \(result.text)")
    }
  }
}

/// What was recorded from dbt-core; see Recorded/README.md.
private enum Recorded {
  struct Macro {
    let package: String
    let path: String
    let name: String
    /// By adapter; none where the adapter does not load the macro's package.
    let calls: [String: Set<String>]
  }

  /// A call, or a whole model, and what becomes of it.
  struct Call {
    enum Outcome {
      case value(Datum)
      case text(String)
      /// The text without blanks and comments: statements are spelled in our own way.
      case words(String)
      case failure
    }

    let text: String
    let model: String
    let outcome: Outcome

    init(_ map: DatumMap) throws {
      let call = map["call"]?.string
      text = try #require(call ?? map["model"]?.string)
      model =
        call.map {
          "{% if execute %}{% set v = (\($0)) %}{{ tojson(v if (v is string or v is number "
            + "or v is none or v is boolean) else v | string) }}{% endif %}"
        } ?? text
      if let words = map["words"]?.string {
        outcome = .words(words)
      } else if let gives = map["gives"] {
        outcome = call == nil ? .text(try #require(gives.string)) : .value(gives)
      } else {
        outcome = .failure
      }
    }

    func accepts(_ result: CompiledModel) -> Bool {
      if case .failure = outcome { return result.failed }
      guard !result.failed else { return false }
      let value = try? JSON.parse(result.text)
      switch outcome {
      case .value(let expected): return value == expected
      case .text(let expected): return result.text == expected
      case .words(let expected): return Self.words(of: value?.string ?? result.text) == expected
      case .failure: return false
      }
    }

    private static func words(of sql: String) -> String {
      var words = ""
      for line in sql.split(separator: "\n") {
        let comment = line.range(of: "--")?.lowerBound ?? line.endIndex
        for character in line[..<comment] where !character.isWhitespace {
          if character != ";" || words.last != ";" { words.append(character) }
        }
      }
      return words.hasSuffix(";") ? String(words.dropLast()) : words
    }
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Recorded")

  private static func lines(_ name: String) throws -> [Substring] {
    try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n")
  }

  static func macros() throws -> [Macro] {
    try lines("macros.tsv").map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      var calls: [String: Set<String>] = [:]
      for (adapter, text) in zip(["postgres", "redshift"], fields[3...]) where text != "-" {
        calls[adapter] = Set(text.split(separator: " ").map(String.init))
      }
      return Macro(package: fields[0], path: fields[1], name: fields[2], calls: calls)
    }
  }

  static func calls(_ adapter: String) throws -> [Call] {
    try lines("\(adapter).jsonl").map { line in
      try Call(#require(try JSON.parse(String(line)).map))
    }
  }
}

/// What compiling a model came to.
private struct CompiledModel {
  let text: String
  var failed = false
}

/// A project of models in a folder of its own, and a database that is never asked.
private final class MacroProject {
  let workspace: Workspace
  private let folder: URL

  init(_ adapter: String, models: [String] = []) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "macros-\(UUID().uuidString)")
    self.folder = folder
    try FileManager.default.createDirectory(
      at: folder.appending(path: "models"),
      withIntermediateDirectories: true
    )
    func write(_ text: String, _ path: String) throws {
      try Data(text.utf8).write(to: folder.appending(path: path))
    }
    try write("name: probe\nversion: '1.0'\nprofile: probe\n", "dbt_project.yml")
    // As when the answers were recorded.
    let output =
      adapter == "redshift"
      ? "{type: redshift, host: localhost, port: 5439, user: u, password: p, dbname: db, "
        + "schema: dev, threads: 1}"
      : "{type: postgres, host: localhost, port: 5432, user: postgres, password: x, "
        + "dbname: postgres, schema: dev, threads: 1}"
    try write("probe:\n  target: dev\n  outputs:\n    dev: \(output)\n", "profiles.yml")
    for (index, model) in models.enumerated() {
      try write(model, "models/\(Self.name(index)).sql")
    }
    workspace = try WorkspaceLoader(
      WorkspaceLoader.Settings(
        projectDirectory: folder.path(),
        profilesDirectory: folder.path(),
        profile: nil,
        target: nil,
        threads: nil,
        vars: DatumMap(),
        environment: [:],
        invocationID: "00000000-0000-4000-8000-000000000000",
        startedAt: 1_719_835_200_000_000,
        flags: RenderingFlags(which: "compile"),
        templateFlags: ["FULL_REFRESH": .bool(false), "STORE_FAILURES": .bool(false)],
        arguments: DatumMap(),
        checksVersions: true,
        embeddedDatabase: { name, _ in name }
      )
    ).load()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func name(_ index: Int) -> String {
    let digits = String(index)
    return "p" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// The models' SQL in the order in which they were given.
  func compiledModels() throws -> [CompiledModel] {
    let read = try ProjectReader(workspace) { _, _ in }.read()
    let compiler = Compiler(workspace, read)
    let thread = RenderingThread(workspace, threadName: "MainThread")
    let session = WarehouseSession(
      name: "probe",
      warehouse: ScriptedWarehouse(adapterType: workspace.profile.type),
      cache: RelationCache()
    )
    let nodes = read.manifest.nodes.filter { $0.resourceType == .model }
      .sorted { $0.name < $1.name }
    return nodes.map { node in
      let context = RunContext(
        thread,
        compiler: compiler,
        node: node,
        session: session,
        selectedResources: [],
        emit: { _ in }
      )
      do throws(Failure) {
        return try CompiledModel(text: compiler.compile(context).text)
      } catch {
        return CompiledModel(
          text: error.diagnostics.map(\.message).joined(separator: "\n"),
          failed: true
        )
      }
    }
  }
}
