import SectoralJinja
import SectoralText
import Testing

struct RenderingTests {
  @Test func rendersAnExpression() throws {
    let environment = Environment()
    let template = try environment.compile(SourceFile(path: "t", text: "{{ 1 + 2 }}"))
    #expect(try Interpreter(environment).render(template, scope: Scope()) == "3")
  }
}
