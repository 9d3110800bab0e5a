import Foundation
import Testing

/// A small project with a mistake in it, and how the tool must speak of it.
struct BadInput: Sendable, CustomTestStringConvertible {
  /// A folder's name too.
  var name: String
  /// Text by path. `1️⃣` marks the place that the message must name, and is taken out.
  var files: [String: String]
  /// What stands in some of the files before: a first run, which succeeds.
  var before: [String: String]?
  var command = ["parse"]
  var environment: [String: String] = [:]
  var exitCode: Int32 = 2
  /// What must be among the words, each on one line of the message.
  var says: [String]
  /// What to do next.
  var hint: String?
  /// What must not be said, as it is only a consequence.
  var neverSays: [String] = []

  var testDescription: String { name }

  static let mark = "1️⃣"

  /// The least that makes a project.
  static func projectFile(_ more: String = "", name: String = "faulty") -> String {
    "name: \(name)\nversion: '1.0'\nprofile: \(name)\n\(more)"
  }

  /// The files without the mark, with a project file where none is given.
  var cleanFiles: [String: String] {
    var files = files.mapValues { $0.replacingOccurrences(of: Self.mark, with: "") }
    if files["dbt_project.yml"] == nil { files["dbt_project.yml"] = Self.projectFile() }
    if files["dbt_project.yml"] == "" { files["dbt_project.yml"] = nil }
    let runs = ["build", "run", "test", "seed", "snapshot", "show", "run-operation"]
    if runs.contains(command.first ?? ""), files["profiles.yml"] == nil {
      // One database for all, which is quicker; a schema for each.
      let schema = name.replacingOccurrences(of: "-", with: "_")
      files["profiles.yml"] = """
        faulty:
          target: local
          outputs:
            local: {type: postgres, embedded: true, dbname: faults, schema: \(schema)}

        """
    }
    return files
  }

  /// `models/a.sql:2:6` and the line that stands there.
  var place: (words: String, line: String)? {
    for (path, text) in files {
      guard let mark = text.range(of: Self.mark) else { continue }
      // Of a line end of Windows, the line feed alone counts.
      let before = text[..<mark.lowerBound].unicodeScalars
      let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
      let lead = lines.last.map { String($0) } ?? ""
      let rest = text[mark.upperBound...].unicodeScalars.prefix { $0 != "\n" && $0 != "\r" }
      return (
        "\(path):\(lines.count):\(lead.unicodeScalars.count + 1)", "\(lead)\(String(rest))"
      )
    }
    return nil
  }

  /// Runs the command in a folder of its own, and judges the end.
  func check(in home: TestHome) async throws {
    let folder = "bad-\(name)-\(UInt32.random(in: 0...UInt32.max))"
    if let before {
      let path = try home.folder(folder, files: cleanFiles.merging(before) { _, first in first })
      let first = try await Sectoral.run(command, in: path, home: home, environment: environment)
      #expect(first.exitCode == 0, "the first run must succeed\n\(first)")
    }
    let path = try home.folder(folder, files: cleanFiles)
    let result = try await Sectoral.run(
      command,
      in: path,
      home: home,
      environment: environment
    )
    expect(result)
  }

  /// Judges what the tool said.
  func expect(_ result: Sectoral.Result, sourceLocation: SourceLocation = #_sourceLocation) {
    let text = result.output + result.errors
    func require(_ condition: Bool, _ words: String) {
      #expect(condition, "\(words)\n\(result)", sourceLocation: sourceLocation)
    }
    require(result.exitCode == exitCode, "the exit code must be \(exitCode)")
    let lines = text.split(whereSeparator: \.isNewline)
    for words in says {
      require(lines.contains { $0.contains(words) }, "must say: \(words)")
    }
    for words in neverSays { require(!text.contains(words), "must not say: \(words)") }
    if let place {
      require(
        lines.contains {
          $0.contains("--> ")
            && ($0.hasSuffix(" \(place.words)") || $0.hasSuffix("/\(place.words)"))
        },
        "must name the place \(place.words)"
      )
      // Tabs and the like are shown as blanks.
      let shown = place.line.replacingOccurrences(of: "\t", with: "    ")
      require(lines.contains { $0.hasSuffix("| \(shown)") }, "must show the line: \(shown)")
    }
    if let hint {
      require(
        lines.contains { $0.contains("= hint: ") && $0.contains(hint) },
        "must advise: \(hint)"
      )
    }
  }
}
