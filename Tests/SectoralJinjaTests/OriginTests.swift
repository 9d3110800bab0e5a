import SectoralText
import Testing

@testable import SectoralJinja

/// Where rendered text comes from.
struct OriginTests {
  /// Each case: a template, and the pieces of its text with the text of the template behind them.
  @Test(arguments: [
    ("a {{ 1 }} b", ["a |a ", "1|1", " b| b"]),
    ("{% set x %}lost{% endset %}{{ x }}!", ["lost|x", "!|!"]),
    ("{% macro m() %}made{% endmacro %}{{ m() }}", ["made|m()"]),
    ("{% for i in [1, 2] %}{{ i }},{% endfor %}", ["1|i", ",|,", "2|i", ",|,"]),
    ("{% filter upper %}a{% endfilter %}b", ["A|{% filter upper %}a{% endfilter %}", "b|b"]),
    (
      "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}", ["<x>|m()"]
    ),
    ("{{ '' }}a", ["a|a"]),
  ])
  func arePieces(_ template: String, _ expected: [String]) throws {
    let environment = Environment()
    let interpreter = Interpreter(environment)
    let compiled = try environment.compile(SourceFile(path: "t", text: template))
    let (text, origins) = try interpreter.renderWithOrigins(compiled, scope: Scope())
    let bytes = Array(text.utf8)
    let found = origins.map { origin in
      let piece = String(
        decoding: bytes[origin.offset..<origin.offset + origin.length],
        as: UTF8.self
      )
      return "\(piece)|\(origin.span.text)"
    }
    #expect(found.map { $0.prefix(60) } == expected.map { $0.prefix(60) })
    #expect(origins.reduce(0) { $0 + $1.length } == bytes.count)
  }

  @Test func aMacroThatCallsItselfIsFoundByItsHost() throws {
    final class Names: Scope {
      var macro: Value?
      override func lookup(_ name: Symbol) -> Value? { name.name == "m" ? macro : nil }
    }
    let environment = Environment()
    let interpreter = Interpreter(environment)
    let template = try environment.compile(
      SourceFile(
        path: "t",
        text: "{% macro m(x) %}{{ x }}{{ m(x - 1) if x > 0 }}{% endmacro %}"
      )
    )
    let names = Names()
    let definition = try #require(template.definitions.first)
    names.macro = interpreter.macro(definition, of: template, scope: names, label: "macro m")
    let result = try interpreter.call(
      #require(names.macro),
      Arguments([.int(3)])
    )
    #expect(try interpreter.string(result) == "3210")
  }
}
