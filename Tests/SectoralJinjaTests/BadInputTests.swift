import Foundation
import SectoralJinja
import SectoralText
import Testing

/// Mistakes of every kind: each ends in an error of its kind, at its place.
struct MistakeTests {
  /// `1️⃣` marks where the error is.
  @Test(arguments: [
    // What is not closed.
    ("a\n{{ 1️⃣", "TemplateSyntaxError"), ("{{ x1️⃣", "TemplateSyntaxError"),
    ("{{ 1️⃣'abc }}", "TemplateSyntaxError"), ("{{ (1 1️⃣}}", "TemplateSyntaxError"),
    ("{{ [1, 21️⃣ }}", "TemplateSyntaxError"),
    // Ends that do not match.
    ("{% if a %}{% 1️⃣endfor %}", "TemplateSyntaxError"),
    ("{% 1️⃣endif %}", "TemplateSyntaxError"),
    ("{% for x in y %}{% 1️⃣elif z %}{% endfor %}", "TemplateSyntaxError"),
    // Names that nobody knows.
    ("a\n\n{% 1️⃣nope %}", "TemplateSyntaxError"), ("{{ 1|1️⃣nope }}", "TemplateAssertionError"),
    ("{{ 1 is 1️⃣nope }}", "TemplateAssertionError"), ("{{ 1️⃣nope.x }}", "UndefinedError"),
    // Arguments.
    ("{{ f(a=1, 1️⃣a=2) }}", "TemplateAssertionError"),
    ("{{ 1|default(x=1, 1️⃣x=2) }}", "TemplateAssertionError"),
    ("{% macro m(a, 1️⃣a) %}{% endmacro %}", "TemplateAssertionError"),
    ("{{ 1️⃣range() }}", "TypeError"), ("{{ 1️⃣'a'|upper(1) }}", "TypeError"),
    ("{{ 1️⃣'a'|replace('b') }}", "TypeError"), ("{{ 1️⃣'a'.upper(1) }}", "TypeError"),
    ("{% macro m(a) %}{% endmacro %}\n{{ 1️⃣m(1, 2) }}", "TypeError"),
    ("{% macro m(a) %}{% endmacro %}\n{{ 1️⃣m(b=1) }}", "TypeError"),
    ("{{ 1️⃣1 is divisibleby }}", "TypeError"), ("{{ 1️⃣[].append(1, 2) }}", "TypeError"),
    // Values.
    ("{{ 1️⃣1 / 0 }}", "ZeroDivisionError"), ("{{ 1️⃣1 % 0 }}", "ZeroDivisionError"),
    ("{{ 1️⃣1 + 'a' }}", "TypeError"), ("{{ 1️⃣1 < 'a' }}", "TypeError"),
    ("{{ 1️⃣none() }}", "TypeError"), ("{% for x in 1️⃣5 %}{% endfor %}", "TypeError"),
    ("{{ 1️⃣{}.pop('a') }}", "KeyError"), ("{{ 1️⃣[].pop() }}", "IndexError"),
    ("{{ 1️⃣2.0 ** 10000 }}", "OverflowError"), ("{{ 1️⃣''.__class__ }}", "SecurityError"),
    ("{% include 'gone' %}", "TemplateNotFound"),
    // Recursion without end.
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "LimitExceeded"),
    (
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
      "LimitExceeded"
    ),
    // Bytes that are no text.
    ("{{ 'a1️⃣\u{0}", "TemplateSyntaxError"), ("{{ 1️⃣\u{0} }}", "TemplateSyntaxError"),
  ])
  func hasItsKindAndPlace(_ marked: String, _ kind: String) throws {
    let (text, place) = Self.unmarked(marked)
    let file = SourceFile(path: "t", text: text)
    do throws(TemplateError) {
      let environment = Environment()
      _ = try Interpreter(environment).render(environment.compile(file), scope: Scope())
      Issue.record("no error: \(text)")
    } catch {
      #expect(error.kind.rawValue == kind, "\(text): \(error.diagnostic.message)")
      let span = try #require(error.diagnostic.span, "\(text): no place")
      if let place {
        let expected = file.position(at: place)
        #expect(span.position.line == expected.line, "\(text): \(span.position)")
      }
    }
  }

  private static func unmarked(_ marked: String) -> (text: String, place: Int?) {
    guard let mark = marked.range(of: "1️⃣") else { return (marked, nil) }
    let before = marked[..<mark.lowerBound]
    return (String(before + marked[mark.upperBound...]), before.utf8.count)
  }

  @Test func theTrailIsShownWithItsPlaces() throws {
    let file = SourceFile(
      path: "models/b.sql",
      text: "{% macro a(x) %}\n  {{ x.y.z }}\n{% endmacro %}\nselect {{ a({}) }}"
    )
    let environment = Environment()
    do throws(TemplateError) {
      let template = try environment.compile(file)
      _ = try Interpreter(environment).render(template, scope: Scope(), label: "model b")
      Issue.record("no error")
    } catch {
      let shown = DiagnosticFormatter().format(error.diagnostic)
      #expect(shown.contains("--> models/b.sql:2:6"))
      #expect(shown.contains("2 |   {{ x.y.z }}"))
      #expect(shown.contains("  |      ^"))
      #expect(shown.contains("in macro a (models/b.sql:2:6)"))
      #expect(shown.contains("called from model b (models/b.sql:4:11)"))
    }
  }
}

/// Inputs of 10 MB: they end, in text or in an error with a place.
struct LargeInputTests {
  @Test(arguments: [
    ("", "select 1, 2, 3\n", "{{ 1 }}"), ("{# ", "comment ", ""), ("{# ", "comment ", "#}"),
    ("{% raw %}", "{{ x }} ", ""), ("{{ '", "text ", ""), ("{{ '", "text ", "' | length }}"),
    ("", "{ % # } ", ""), ("{{ ", "          ", "}}"), ("", "\r\n", ""), ("{{ ", "\u{0}", " }}"),
    ("", "é🐎", "{{ x"), ("{{ ", "aaaaaaaaaaaaaaaa", " }}"), ("{{ ", "1111111111", " }}"),
    ("", "{% for a in b %}{% if x %}{% endfor %}\n", ""), ("{{ f(", "a=1, ", ") }}"),
  ])
  func ends(_ head: String, _ piece: String, _ tail: String) {
    let count = (10 << 20) / piece.utf8.count
    let file = SourceFile(path: "t", text: head + String(repeating: piece, count: count) + tail)
    let environment = Environment()
    do throws(TemplateError) {
      _ = try Interpreter(environment).render(environment.compile(file), scope: Scope())
    } catch {
      #expect(error.diagnostic.span != nil, "\(head)\(piece)…\(tail)")
    }
  }

  /// Names that are all different: each is looked for among the others.
  @Test(arguments: [("{{ f(", "=1, ", ") }}"), ("{% macro m(", ", ", ") %}{% endmacro %}")])
  func namesEnd(_ head: String, _ separator: String, _ tail: String) {
    let names = (1...50_000).map { "a\($0)" }.joined(separator: separator)
    let file = SourceFile(path: "t", text: head + names + separator + tail)
    let (_, diagnostics) = Environment().parse(file)
    #expect(diagnostics.isEmpty, "\(diagnostics.first?.message ?? "")")
  }
}
