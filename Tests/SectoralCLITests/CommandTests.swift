import SectoralRunner
import SectoralText
import SectoralYAML
import Testing

@testable import sectoral

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A directory that is gone after the test.
struct TemporaryDirectory {
  let path: String

  init() throws {
    let base = ProcessEnvironment.variables["TMPDIR"] ?? "/tmp"
    var template = Array("\(base)/sectoral-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Failure.notMade }
    path = String(cString: made)
  }

  enum Failure: Error { case notMade }

  func remove() {
    let sink = RecordingSink()
    let bus = EventBus(sinks: [sink], clock: { Fixture.moment })
    _ = Cleaning(
      projectDirectory: "/",
      targets: [path],
      sourcePaths: [],
      projectFilesOnly: false
    ).run(events: bus)
  }
}

struct CommandTests {
  @Test func initWritesAProject() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sink = RecordingSink()
    let bus = EventBus(sinks: [sink], clock: { Fixture.moment })
    let starter = ProjectStarter(directory: directory.path, events: bus)
    #expect(try starter.run(name: "shop") == .success)
    let project = try #require(TextFile.read(directory.path + "/shop/dbt_project.yml"))
    let (root, diagnostics) = YAMLParser.parse(
      SourceFile(path: "dbt_project.yml", text: project)
    )
    #expect(diagnostics.isEmpty)
    #expect(root?.datum["name"] == .string("shop"))
    for (path, text) in StarterFiles.all(project: "shop") {
      #expect(TextFile.read("\(directory.path)/shop/\(path)") == text)
      if path.hasSuffix(".yml") {
        #expect(YAMLParser.parse(SourceFile(path: path, text: text)).diagnostics.isEmpty)
      }
    }

    #expect(TextFile.create(directory.path + "/shop/mine.txt", "mine") == nil)
    #expect(try starter.run(name: "shop") == .success)
    guard case .output(let text)? = sink.events.last?.message else {
      Issue.record("nothing was said")
      return
    }
    #expect(text == "A project called shop already exists here.")
    #expect(TextFile.read(directory.path + "/shop/mine.txt") == "mine")
  }

  @Test(arguments: ["bad name", "1st", "a-b", "../x", "", "a/b"])
  func initRefusesNames(_ name: String) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let bus = EventBus(sinks: [], clock: { Fixture.moment })
    #expect(throws: UsageError.self) {
      try ProjectStarter(directory: directory.path, events: bus).run(name: name)
    }
  }

  @Test func cleanDeletesItsTargets() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let target = directory.path + "/target"
    #expect(Directory.create(target + "/compiled/a"))
    #expect(TextFile.create(target + "/compiled/a/b.sql", "x") == nil)
    #expect(Directory.create(directory.path + "/elsewhere"))
    #expect(TextFile.create(directory.path + "/elsewhere/kept", "x") == nil)
    #expect(symlink(directory.path + "/elsewhere", target + "/link") == 0)
    let text = Fixture.console { bus in
      let cleaning = Cleaning(
        projectDirectory: directory.path,
        targets: [target, directory.path + "/absent"],
        sourcePaths: [directory.path + "/models"],
        projectFilesOnly: true
      )
      #expect(cleaning.run(events: bus) == .success)
    }
    #expect(!Directory.exists(target))
    #expect(TextFile.read(directory.path + "/elsewhere/kept") == "x")
    #expect(
      text == """
        10:00:00  Checking \(target)/*
        10:00:00  Cleaned \(target)/*
        10:00:00  Checking \(directory.path)/absent/*
        10:00:00  Cleaned \(directory.path)/absent/*
        10:00:00  Finished cleaning all paths.

        """
    )
  }

  /// Targets, files of the project only, what is refused.
  static let refusals: [([String], Bool, String?)] = [
    (["/p/target"], true, nil),
    (
      ["/p/target", "/p/models"], true,
      "dbt will not clean the following source paths: ['/p/models']"
    ),
    (["/p/src"], true, "dbt will not clean the following source paths: ['/p/src']"),
    (["/p/models/old"], true, nil),
    (
      ["/q", "/p/target"], true,
      "dbt will not clean the following directories outside the project: ['/q']"
    ),
    (["/q"], false, nil),
    (
      ["/p"], true, "dbt will not clean the following directories outside the project: ['/p']"
    ),
    (["/p"], false, "dbt will not clean the following source paths: ['/p']"),
    (["/"], false, "dbt will not clean the following source paths: ['/']"),
    (
      ["/pq"], true, "dbt will not clean the following directories outside the project: ['/pq']"
    ),
  ]

  @Test(arguments: refusals)
  func cleanRefusesWhatWouldHurt(_ targets: [String], _ isStrict: Bool, _ message: String?) {
    let cleaning = Cleaning(
      projectDirectory: "/p",
      targets: targets,
      sourcePaths: ["/p/models", "/p/src/seeds"],
      projectFilesOnly: isStrict
    )
    #expect(cleaning.refusal?.diagnostic.message == message)
  }

  @Test func listPrintsWhatDbtPrints() {
    let model = ListedNode(
      uniqueID: "model.lab.v",
      resourceType: "model",
      packageName: "lab",
      name: "v",
      fqn: ["lab", "staging", "v"],
      originalFilePath: "models/staging/v.sql",
      json: [
        "name": .string("v"), "resource_type": .string("model"), "database": .string("lab"),
        "config": .map(["materialized": .string("view")]),
      ]
    )
    #expect(model.line(.selector, keys: []) == "lab.staging.v")
    #expect(model.line(.name, keys: []) == "v")
    #expect(model.line(.path, keys: []) == "models/staging/v.sql")
    #expect(
      model.line(.json, keys: [])
        == #"{"name": "v", "resource_type": "model", "config": {"materialized": "view"}}"#
    )
    #expect(
      model.line(.json, keys: ["database", "config.materialized", "nothing"])
        == #"{"database": "lab", "config.materialized": "view"}"#
    )
    let source = ListedNode(
      uniqueID: "source.lab.raw.t",
      resourceType: "source",
      packageName: "lab",
      name: "t",
      sourceName: "raw",
      fqn: ["lab", "raw", "t"],
      originalFilePath: "models/s.yml"
    )
    #expect(source.line(.selector, keys: []) == "source:lab.raw.t")
    #expect(source.line(.name, keys: []) == "raw.t")
    let unit = ListedNode(
      uniqueID: "unit_test.lab.v.ut",
      resourceType: "unit_test",
      packageName: "lab",
      name: "ut",
      version: "2",
      fqn: ["lab", "v", "ut"],
      originalFilePath: "models/s.yml"
    )
    #expect(unit.line(.selector, keys: []) == "unit_test:lab.ut_v2")
    let versioned = ListedNode(
      uniqueID: "model.lab.d.v2",
      resourceType: "model",
      packageName: "lab",
      name: "d",
      version: "2",
      fqn: ["lab", "d", "v2"],
      originalFilePath: "models/d_v2.sql"
    )
    #expect(versioned.line(.name, keys: []) == "d.v2")
    #expect(versioned.line(.selector, keys: []) == "lab.d.v2")
  }

  @Test func debugEndsWithAVerdict() {
    func report(_ test: DebugReport.Check) -> (String, SectoralRunner.ExitStatus) {
      let report = DebugReport(
        system: "Linux",
        profilesDirectory: "/h/.dbt",
        profilesFile: "/h/.dbt/profiles.yml",
        projectFile: "/p/dbt_project.yml",
        adapterType: "postgres",
        adapterVersion: "1.11.0",
        profile: .passed,
        project: .passed,
        connection: [("host", "localhost")],
        connectionTest: test
      )
      var status = SectoralRunner.ExitStatus.unusable
      let text = Fixture.console { status = report.run(events: $0) }
      return (text, status)
    }
    let (good, status) = report(.passed)
    #expect(good.contains("10:00:00    Connection test: [OK connection ok]\n"))
    #expect(good.contains("10:00:00    profiles.yml file [OK found and valid]\n"))
    #expect(good.contains("10:00:00    host: localhost\n"))
    #expect(good.hasSuffix("10:00:00  All checks passed!\n"))
    #expect(status == .success)
    let (bad, failed) = report(.failed("connection refused"))
    #expect(bad.contains("10:00:00  1 check failed:\n10:00:00  connection refused\n"))
    #expect(failed == .failure)
  }

  @Test func everyGlobalFlagIsInTheTableAndOnTheCommandLine() throws {
    let parsed = try CommandLineArguments(["run"]).parsed()
    let run = try #require(parsed as? RunCommand)
    let labels = Mirror(reflecting: run.global).children.compactMap(\.label)
    let names = Set(
      labels.map { label in
        label.dropFirst().reduce(into: "") { out, character in
          out += character.isUppercase ? "_" + character.lowercased() : String(character)
        }
      }
    )
    #expect(names == Set(FlagTable.global.map(\.name)))
  }

  @Test func completionScriptsKnowTheCommands() {
    for shell in ["bash", "zsh", "fish"] {
      let script = CompletionScripts.script(for: shell) ?? ""
      #expect(script.contains("build"))
      #expect(script.contains("full-refresh"))
    }
    #expect(CompletionScripts.script(for: "cmd") == nil)
  }

  @Test func versionNamesBoth() {
    #expect(Version.report.contains("  - installed: 1.11.16\n"))
    #expect(Version.report.contains("sectoral 0.1.0"))
  }
}
