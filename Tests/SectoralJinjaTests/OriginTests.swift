import Foundation
import SectoralText
import Testing

@testable import SectoralJinja

/// Where rendered text comes from.
struct OriginTests {
  /// A template, what is looked for in its text, and the places that it went through, the last one first:
  /// the macro, and what stands there.
  @Test(arguments: [
    ("a {{ 1 }} b", "1", ["1"]),
    ("a {{ 1 }} b", "b", ["b"]),
    ("{% set x %}lost{% endset %}{{ x }}!", "lost", ["x", "lost"]),
    ("{% set x %}lost{% endset %}{{ x }}!", "!", ["!"]),
    ("{% macro m() %}made{% endmacro %}{{ m() }}", "made", ["m()", "macro m: made"]),
    (
      "{% macro m(x) %}[{{ x }}]{% endmacro %}{% macro n() %}({{ m(1) }}){% endmacro %}<{{ n() }}>",
      "]", ["n()", "macro n: m(1)", "macro m: ]"]
    ),
    (
      "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ (m(1) ~ m(2)) | upper }}", "2",
      ["m(1) ~ m(2)) | upper", "macro m: x"]
    ),
    ("{% for i in [1, 2] %}{{ i }},{% endfor %}", "2", ["i"]),
    (
      "{% filter upper %}a{% endfilter %}b", "A",
      ["{% filter upper %}a{% endfilter %}"]
    ),
    (
      "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}", "x",
      ["m()", "macro m: caller()", "call block: x"]
    ),
    ("{{ '' }}a", "a", ["a"]),
    ("a\r\né b {{ 1 }}", "b", ["b"]),
    ("{% macro m() %}{{ return_nothing }}{% endmacro %}{{ m() }}a", "a", ["a"]),
  ])
  func isTraced(_ template: String, _ wanted: String, _ expected: [String]) throws {
    let environment = Environment()
    let interpreter = Interpreter(environment)
    let origins = TextOrigins()
    interpreter.origins = origins
    let compiled = try environment.compile(
      SourceFile(path: "t", text: "-- so that it is known\n\(template)")
    )
    // A statement is more than what was rendered.
    let text = "create view v as \(try interpreter.render(compiled, scope: Scope()))\n;"
    let place = try #require(text.range(of: wanted, options: .backwards))
    let offset = text.utf8.distance(from: text.startIndex, to: place.lowerBound)
    let trace = origins.trace(offset, in: Array(text.utf8)).map { origin in
      (origin.label.map { "\($0): " } ?? "") + origin.span.text
    }
    #expect(trace == expected)
  }

  @Test func aTextThatWasNotRenderedIsTraced() {
    let origins = TextOrigins()
    let file = SourceFile(path: "t", text: "-- é\nselect one, 2, two\n")
    origins.add("select one, 2, two", from: TextSpan(file: file, start: 6, end: 24))
    let sent = Array("create view v as select one, 2, two".utf8)
    #expect(origins.trace(sent.count - 3, in: sent).map(\.span.text) == ["two"])
    #expect(origins.trace(2, in: sent).isEmpty)
  }

  @Test func whatExceedsTheLimitHasNoOrigin() throws {
    let environment = Environment()
    let interpreter = Interpreter(environment)
    let origins = TextOrigins(limit: 8)
    interpreter.origins = origins
    let compiled = try environment.compile(SourceFile(path: "t", text: "select one"))
    let text = try interpreter.render(compiled, scope: Scope())
    #expect(origins.trace(7, in: Array(text.utf8)).isEmpty)
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
