import Foundation
import Testing

/// The rows of a query, as `show` prints them.
enum ShownRows {
  /// What asks for all of them.
  static func arguments(_ query: String) -> [String] {
    ["show", "--quiet", "--inline", query, "--output", "json", "--limit", "-1"]
  }

  static func rows(of result: Sectoral.Result) throws -> [[String: Any]] {
    try #require(result.exitCode == 0, "\(result)")
    let value = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require((value as? [String: Any])?["show"] as? [[String: Any]])
  }

  /// Each row as text: its cells in the order of their names, with bars between them.
  static func lines(of result: Sectoral.Result) throws -> [String] {
    try rows(of: result).map { row in
      row.sorted { $0.key < $1.key }.map { "\($0.value)" }.joined(separator: "|")
    }
  }
}
