import Foundation
import SectoralJinja
import SectoralText
import Testing

@testable import SectoralPython

/// The expressions under Cases/topics, against what Python made of them (Cases/record.py).
struct RecordedCaseTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Cases")

  static let topics: [String] = {
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder.appending(path: "recorded"),
      includingPropertiesForKeys: nil
    )
    return (files ?? []).filter { $0.pathExtension == "jsonl" }
      .map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }()

  /// Cases that differ on purpose, or from limits that known-differences.txt explains.
  static func knownDifferences() throws -> Set<String> {
    let text = try String(
      contentsOf: folder.appending(path: "known-differences.txt"),
      encoding: .utf8
    )
    return Set(text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("# ") })
  }

  /// As record.py has it.
  private static let prelude =
    "{% set dt = modules.datetime %}{% set date = dt.date %}{% set datetime = dt.datetime %}"
    + "{% set time = dt.time %}{% set timedelta = dt.timedelta %}{% set pytz = modules.pytz %}"
    + "{% set re = modules.re %}{% set it = modules.itertools %}{% set D = Decimal %}"
    + "{% set ny = pytz.timezone('America/New_York') %}"
    + "{% set x = datetime(2024, 7, 1, 12, 34, 56, 789) %}"

  @Test(arguments: topics)
  func agreesWithPython(_ topic: String) throws {
    let known = try Self.knownDifferences()
    let data = try Data(contentsOf: Self.folder.appending(path: "recorded/\(topic).jsonl"))
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard case .dict(let recorded) = try JSONText.value(of: Array(line)) else { continue }
      let text = recorded["case"]?.asString ?? ""
      if known.contains(text) { continue }
      let body = text.hasPrefix("{") ? text : "{% set r = \(text) %}{{ r }} ~ {{ [r] }}"
      let outcome = Modules.outcome(Self.prelude + body)
      if let output = recorded["output"]?.asString {
        #expect(outcome == output, "\(topic): \(text)")
      } else if case .dict(let error)? = recorded["error"] {
        // The words are our own, the kind is Python's.
        let kind = error["kind"]?.asString ?? ""
        #expect(outcome.hasPrefix(kind + ":"), "\(topic): \(text) gave \(outcome)")
      }
    }
  }
}
