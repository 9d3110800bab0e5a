import Foundation
import SectoralJinja
import SectoralProject
import SectoralText
import Testing

@testable import SectoralCompiler

/// The built-in macros by name and arguments, beside those of dbt with its adapters for Postgres and
/// Redshift: whoever calls or replaces one writes the same.
struct SignatureTests {
  /// `package name(argument, other=default)`, one a line; materializations without arguments.
  static let expected: [String] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("signatures.txt").path
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }()

  @Test func allAreThere() throws {
    #expect(Self.expected.count == 567)
    var own: [String: String] = [:]
    for package in ["dbt", "dbt_postgres", "dbt_redshift"] {
      let reader = MacroReader(environment: Environment(Options()), createdAt: 0)
      for entry in reader.builtins(of: package) {
        own["\(package) \(entry.macro.name)"] = entry.macro.span.text
      }
    }
    for line in Self.expected {
      let name = String(line.prefix { $0 != "(" })
      guard let text = own[name] else {
        Issue.record("there is no macro \(name)")
        continue
      }
      guard line.hasSuffix(")") else { continue }
      let head = Self.plain(Self.head(of: text))
      let arguments = Self.plain(String(line.dropFirst(name.count)))
      #expect(head.hasSuffix(arguments), "\(name): \(head)")
    }
  }

  /// What stands in the opening tag.
  private static func head(of text: String) -> String {
    guard let open = text.range(of: "{%"),
      let close = text.range(of: "%}", range: open.upperBound..<text.endIndex)
    else { return "" }
    var head = text[open.upperBound..<close.lowerBound]
    if head.hasSuffix("-") { head = head.dropLast() }
    return String(head)
  }

  /// Without blanks, in lower case, with one kind of quotes.
  private static func plain(_ text: String) -> String {
    String(text.lowercased().filter { !$0.isWhitespace }.map { $0 == "\"" ? "'" : $0 })
  }
}
