import SectoralJinja
import SectoralText
import Testing

/// What a render held is free once its interpreter is.
struct ReleaseTests {
  @Test(arguments: [
    "{% macro m() %}x{% endmacro %}{{ m() }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set n = namespace() %}{% set n.self = n %}",
    "{% for x in [1] %}{{ loop.nothing.more }}{% endfor %}",
  ])
  func scopesAreReleased(_ text: String) throws {
    weak var released: DictionaryScope?
    do {
      let scope = DictionaryScope([:])
      released = scope
      let environment = Environment()
      let template = try environment.compile(SourceFile(path: "t", text: text))
      _ = try? Interpreter(environment).render(template, scope: scope)
    }
    #expect(released == nil)
  }
}
