import SectoralText
import SectoralYAML
import Testing

struct YAMLParserTests {
  @Test func tryout() {
    for text in ["a: {{ x }}\nb: 1", "a: 'x\nb: 1\n", "a: b\n\tc: d\n", "a: 1\na: 2\n", "ü: [1, é, &x {k: v}, *x]\n<<: {z: 1}\nb: 2020-01-01T1:02:03.5Z", "a: {% if x %}", "a: {{ var('a', 'b') }}", "a: b: c", "- a\n b: c", "--- 1\n--- 2", "a: {{ x }} foo", "a: [1, 2\nb: 3", "", "models:\n  - name: x\n   description: y"] {
      let (root, diagnostics) = YAMLParser.parse(text)
      print(root.map { "\($0.datum)" } ?? "nil")
      for d in diagnostics { print(DiagnosticFormatter().format(d)) }
    }
  }
}
