import Foundation
import SectoralRunner
import SectoralText
import SectoralYAML
import Testing

@testable import sectoral

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

  func remove() { try? FileManager.default.removeItem(atPath: path) }
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
