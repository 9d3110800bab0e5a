import Foundation
import SectoralJinja
import SectoralText
import SectoralYAML
import Testing

@testable import SectoralCompiler

/// Expressions of the base context, against what dbt-core printed for them
/// (Recorded/record_base_context.py).
struct RecordedContextTests {
  private struct Recorded {
    let expression: String
    /// nil: an error.
    let output: String?
  }

  /// Functions whose result does not depend on the project.
  private static let functions = [
    "fromjson", "tojson", "fromyaml", "toyaml", "set", "set_strict", "zip", "zip_strict",
    "local_md5", "diff_of_two_dicts", "try_or_compiler_error", "modules", "range",
  ]

  private static func cases() throws -> [Recorded] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Recorded/base-context.jsonl")
    let text = try String(contentsOf: file, encoding: .utf8)
    return try text.split(separator: "\n").compactMap { line in
      guard case .map(let entry) = try JSON.parse(String(line)),
        case .string(let expression)? = entry["case"]
      else { return nil }
      let name = expression.prefix { $0.isLetter || $0 == "_" || $0.isNumber }
      guard functions.contains(String(name)) else { return nil }
      if case .string(let output)? = entry["output"] {
        return Recorded(expression: expression, output: output)
      }
      return Recorded(expression: expression, output: nil)
    }
  }

  @Test func functionsGiveWhatDbtPrinted() throws {
    let cases = try Self.cases()
    #expect(cases.count > 60)
    for recorded in cases {
      let text = "{% set r = \(recorded.expression) %}{{ r ~ '|' ~ [r] }}"
      do throws(TemplateError) {
        let output = try TestHost().render(text)
        #expect(output == recorded.output, "\(recorded.expression)")
      } catch {
        #expect(recorded.output == nil, "\(recorded.expression): \(error.diagnostic.message)")
      }
    }
  }
}
