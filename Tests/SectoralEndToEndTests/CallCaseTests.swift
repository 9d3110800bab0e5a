import Foundation
import SectoralYAML
import Testing

/// Command lines beside what dbt-core answered (Tests/Conformance/call_cases.py records).
struct CallCaseTests {
  static let folder = "\(Sectoral.repository)/Tests/Conformance/Calls"

  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".case") }.map { String($0.dropLast(5)) }.sorted()

  @Test(arguments: names) func answersAsRecorded(_ name: String) async throws {
    let home = try TestHome.shared.get()
    let text = try String(contentsOfFile: "\(Self.folder)/\(name).case", encoding: .utf8)
    let record = Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name).json")))
    let call = try CallCase(text, database: "calls_\(UInt32.random(in: 0...UInt32.max))")
    let project = try home.folder("calls-\(name)", files: call.files)
    var expected = try #require(try JSON.parse(record).list)[...]
    var last = ""
    for step in call.steps {
      if case .files = step {
        let answer = expected.popFirst()
        #expect(CallCase.files(of: "\(project)/target") == Self.lines(answer?["out"]), "\(last)")
        continue
      }
      if case .results = step {
        let answer = expected.popFirst()
        let results = try CallCase.results(of: "\(project)/target")
        #expect(results == Self.lines(answer?["out"]), "\(last)")
        continue
      }
      guard case .command(let line, let comparesWords) = step else {
        try step.obey(in: project)
        continue
      }
      last = line
      let next = expected.popFirst()
      let answer = try #require(next, "not recorded: \(line)")
      try #require(answer["command"]?.string == line)
      let (variables, words) = CallCase.words(of: line)
      let run = try await Sectoral.run(
        words,
        in: project,
        home: home,
        environment: [
          "DBT_USE_COLORS": "0", "NO_COLOR": "1", "DBT_VERSION_CHECK": "0",
        ].merging(variables) { $1 }
      )
      #expect(run.exitCode == answer["exit"]?.int.map(Int32.init), "\(line)\n\(run)")
      guard comparesWords else { continue }
      let ours = CallCase.even(run.output, project)
      #expect(ours == Self.lines(answer["out"]), "\(line)\n\(run)")
      #expect(CallCase.even(run.errors, project) == Self.lines(answer["err"]), "\(line)\n\(run)")
    }
    #expect(expected.isEmpty)
  }

  private static func lines(_ datum: Datum?) -> [String]? { datum?.list?.compactMap(\.string) }
}

/// A project and the command lines that are given in it.
struct CallCase {
  enum Step {
    /// Of some commands the exit code alone counts.
    case command(String, comparesWords: Bool)
    /// What stands in target/, which is cleared.
    case files
    /// What run_results.json says.
    case results
    case keep
    case write(String, String)
    case remove(String)

    /// What stands between the commands.
    func obey(in project: String) throws {
      let manager = FileManager.default
      switch self {
      case .command, .files, .results: break
      case .keep:
        try? manager.removeItem(atPath: "\(project)/state")
        try manager.copyItem(atPath: "\(project)/target", toPath: "\(project)/state")
      case .write(let path, let text):
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(project)/\(path)"))
      case .remove(let path): try manager.removeItem(atPath: "\(project)/\(path)")
      }
    }
  }

  var files: [String: String]
  var steps: [Step] = []

  init(_ text: String, database: String) throws {
    var sections: [String: [Substring]] = [
      "dbt_project.yml": ["name: p", "profile: p", "version: '1.0'"]
    ]
    var name: String?
    var place = "host: 127.0.0.1, port: 1, user: u, password: x, dbname: d"
    let whole = text.hasSuffix("\n") ? text.dropLast() : text[...]
    for line in whole.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("== ") {
        name = String(line.dropFirst(3))
        sections[name ?? ""] = []
      } else if line.hasPrefix("$ ! ") {
        let words = line.split(separator: " ", maxSplits: 4).dropFirst(2).map(String.init)
        switch words[0] {
        case "database": place = "embedded: true, dbname: \(database)"
        case "files": steps.append(.files)
        case "results": steps.append(.results)
        case "keep": steps.append(.keep)
        case "remove": steps.append(.remove(words[1]))
        case "write":
          let content = words[2].replacing("\\n", with: "\n") + "\n"
          steps.append(.write(words[1], content))
        default: throw SectoralError.failed("unknown order: \(line)")
        }
      } else if line.hasPrefix("$ ") || line.hasPrefix("$? ") {
        let command = String(line.drop { $0 != " " }.dropFirst())
        steps.append(.command(command, comparesWords: line.hasPrefix("$ ")))
      } else if let name {
        sections[name]?.append(line)
      }
    }
    sections["profiles.yml"] = [
      "p:", "  target: dev", "  outputs:",
      "    dev: &dev {type: postgres, \(place), schema: s, threads: 1}",
      "    other: {<<: *dev, schema: other}",
    ]
    files = sections.mapValues { $0.map { $0 + "\n" }.joined() }
  }

  static func files(of target: String) -> [String] {
    let manager = FileManager.default
    let unlisted: Set = ["partial_parse.msgpack", "perf_info.json", "graph_summary.json"]
    let found = (manager.enumerator(atPath: target)?.allObjects ?? []).compactMap { $0 as? String }
      .filter { path in
        var isFolder: ObjCBool = false
        _ = manager.fileExists(atPath: "\(target)/\(path)", isDirectory: &isFolder)
        return !isFolder.boolValue
          && !unlisted.contains(path.split(separator: "/").last.map(String.init) ?? "")
      }
    for path in found { try? manager.removeItem(atPath: "\(target)/\(path)") }
    return found.sorted()
  }

  /// A line for each node, but for times and the text of errors.
  static func results(of target: String) throws -> [String] {
    let path = "\(target)/run_results.json"
    guard FileManager.default.fileExists(atPath: path) else { return ["(none)"] }
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let results = try JSON.parse(bytes)["results"]?.list ?? []
    return results.map { result in
      let message = result["message"]?.string.map { text in
        String(
          text.drop(while: \.isWhitespace).split(separator: "\n", omittingEmptySubsequences: false)
            .first ?? ""
        )
      }
      var response = result["adapter_response"]?.map ?? DatumMap()
      response = DatumMap(response.entries.sorted { $0.key < $1.key })
      let facts: DatumMap = [
        "adapter_response": .map(response), "compiled": result["compiled"] ?? .null,
        "failures": result["failures"] ?? .null, "message": message.map(Datum.string) ?? .null,
        "relation_name": result["relation_name"] ?? .null, "status": result["status"] ?? .null,
        "thread_id": result["thread_id"] ?? .null,
        "timing": .list((result["timing"]?.list ?? []).map { $0["name"] ?? .null }),
      ]
      let text = JSON.text(of: .map(facts)).replacing(/calls_\d+/, with: "DATABASE")
      return "\(result["unique_id"]?.string ?? ""): \(text)"
    }.sorted()
  }

  /// Variables of the environment, and words, as a shell reads them.
  static func words(of line: String) -> (environment: [String: String], words: [String]) {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in line {
      if isEscaped {
        isEscaped = false
        word?.append(character)
      } else if quote == "\"", character == "\\" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word?.append(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == " " {
        if let whole = word { words.append(whole) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let whole = word { words.append(whole) }
    let variables = words.prefix { $0.prefixMatch(of: /[A-Z_]+=/) != nil }
    let environment = variables.map { variable in
      let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts[1]))
    }
    return (
      Dictionary(environment, uniquingKeysWith: { $1 }), Array(words.dropFirst(variables.count))
    )
  }

  /// The same cuts as in the record; nil where nothing is left.
  static func even(_ text: String, _ project: String) -> [String]? {
    var lines: [String] = []
    var isDeprecation = false
    for raw in text.replacing(project, with: "PROJECT")
      .replacing(/calls_\d+/, with: "DATABASE").split(
        separator: "\n",
        omittingEmptySubsequences: false
      )
    {
      var line = raw
      if let stamp = line.prefixMatch(of: /\d\d:\d\d:\d\d  ?/) {
        line = line[stamp.range.upperBound...]
        isDeprecation =
          line.hasPrefix("[WARNING]") && line.hasSuffix("]: Deprecated functionality")
        if isDeprecation { lines.append("(deprecation)") }
      }
      if isDeprecation {
        if line.hasPrefix("- ") { lines.append(String(line)) }
        continue
      }
      let evened = line.replacing(/\bin \d+\.\d\ds/, with: "in Ns")
        .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/, with: "TIME")
        .replacing(/[0-9a-f]{8}-[0-9a-f-]{27}/, with: "UUID")
        .replacing(/"pid": \d+/, with: "\"pid\": N")
        // As long as the name of the database.
        .replacing(/^ *-{20,}$/, with: "  ----")
      guard !isOwn(evened) else { continue }
      lines.append(String(evened.reversed().drop(while: \.isWhitespace).reversed()))
    }
    return lines.isEmpty ? nil : lines
  }

  /// What only one of the tools says (places and advice are ours), or what is another in each run.
  private static func isOwn(_ line: Substring) -> Bool {
    line.allSatisfy(\.isWhitespace) || line.contains("partial parsing")
      || line.prefixMatch(of: /Found \d| +(=|-->|\d* *\||\^)/) != nil
      || [
        "Running with ", "Registered adapter", "Concurrency: ", "Finished running ",
        "Performance info", "Usage: ", "Try '", "Waiting for another command",
      ].contains(where: line.hasPrefix)
  }
}
