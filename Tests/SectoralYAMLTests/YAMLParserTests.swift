import SectoralTestSupport
import SectoralText
import SectoralYAML
import Testing

struct YAMLParserTests {
  /// A mistake, the identity of its diagnostic, the text it points at, a piece of the hint.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let yaml: String
    let id: String
    let place: String
    let line: Int
    let column: Int
    var hint = ""

    var testDescription: String { yaml }
  }

  static let mistakes = [
    Mistake(
      yaml: "\u{FEFF}a: é\nb: {{ x }}\n",
      id: "yaml.unquoted-template",
      place: "{{ x }}",
      line: 2,
      column: 4,
      hint: "quote the template"
    ),
    Mistake(
      yaml: "\u{FEFF}a:\n    b: 1\n  c: 2\n",
      id: "yaml.syntax",
      place: "c",
      line: 3,
      column: 3,
      hint: "does not fit the block that begins on line 1"
    ),
    Mistake(
      yaml: "a: 1\nb: {{ x }}\n",
      id: "yaml.unquoted-template",
      place: "{{ x }}",
      line: 2,
      column: 4,
      hint: "quote the template: \"{{ x }}\""
    ),
    Mistake(
      yaml: "b: {{ var(\"x\") }}\n",
      id: "yaml.unquoted-template",
      place: "{{ var(\"x\") }}",
      line: 1,
      column: 4,
      hint: "'{{ var(\"x\") }}'"
    ),
    Mistake(
      yaml: "- {{ var('a', 'b') }}\n",
      id: "yaml.unquoted-template",
      place: "{{ var('a', 'b') }}",
      line: 1,
      column: 3,
      hint: "needs quotes"
    ),
    Mistake(
      yaml: "é: {{ x }} y\n",
      id: "yaml.unquoted-template",
      place: "{{ x }} y",
      line: 1,
      column: 4,
      hint: "\"{{ x }} y\""
    ),
    Mistake(
      yaml: "a: {% if x %}b{% endif %}\n",
      id: "yaml.unquoted-template",
      place: "{% if x %}b{% endif %}",
      line: 1,
      column: 4,
      hint: "needs quotes"
    ),
    Mistake(
      yaml: "[a, b]: c\n",
      id: "yaml.collection-key",
      place: "[a, b]",
      line: 1,
      column: 1,
      hint: "quote the key"
    ),
    Mistake(
      yaml: "a: 'x\nb: y\n",
      id: "yaml.syntax",
      place: "'",
      line: 1,
      column: 4,
      hint: "this quote is never closed"
    ),
    Mistake(
      yaml: "a: b\n\tc: d\n",
      id: "yaml.syntax",
      place: "\t",
      line: 2,
      column: 1,
      hint: "tabs"
    ),
    Mistake(
      yaml: "a:\n\tb: 1\n",
      id: "yaml.syntax",
      place: "\t",
      line: 2,
      column: 1,
      hint: "tabs"
    ),
    Mistake(
      yaml: "models:\n  - name: x\n   description: y\n",
      id: "yaml.syntax",
      place: "d",
      line: 3,
      column: 4,
      hint: "the block that begins on line 2"
    ),
    Mistake(yaml: "a: b: c\n", id: "yaml.syntax", place: ":", line: 1, column: 5, hint: "': '"),
    Mistake(yaml: "a: @b\n", id: "yaml.syntax", place: "@", line: 1, column: 4, hint: "'@'"),
    Mistake(
      yaml: "a: [1,\n  2\nb: 3\n",
      id: "yaml.syntax",
      place: ":",
      line: 3,
      column: 2,
      hint: "opened on line 1"
    ),
    Mistake(
      yaml: "x: &abc 1\ny: *abd\n",
      id: "yaml.undefined-alias",
      place: "*abd",
      line: 2,
      column: 4,
      hint: "'*abc'"
    ),
    Mistake(yaml: "&x [*x]", id: "yaml.recursive-alias", place: "*x", line: 1, column: 5),
    Mistake(yaml: "[&x 1, &x 2]", id: "yaml.duplicate-anchor", place: "&x 2", line: 1, column: 8),
    Mistake(
      yaml: "a: 1\n---\nb: 2\n",
      id: "yaml.several-documents",
      place: "---",
      line: 2,
      column: 1,
      hint: "'---'"
    ),
    Mistake(
      yaml: "a: !foo bar\n",
      id: "yaml.tag",
      place: "!foo bar",
      line: 1,
      column: 4,
      hint: "'!'"
    ),
    Mistake(
      yaml: "a: 2024-02-30\n",
      id: "yaml.invalid-value",
      place: "2024-02-30",
      line: 1,
      column: 4,
      hint: "\"2024-02-30\""
    ),
    Mistake(yaml: "a: {<<: 1}\n", id: "yaml.merge", place: "1", line: 1, column: 9, hint: "*name"),
    Mistake(
      yaml: "a: 1\nb: \u{1}\n",
      id: "yaml.encoding",
      place: "\u{1}",
      line: 2,
      column: 4,
      hint: "invisible"
    ),
    Mistake(
      yaml: "a: 1\nb: 2\na: 3\n",
      id: "yaml.duplicate-key",
      place: "a",
      line: 3,
      column: 1,
      hint: "line 1"
    ),
  ]

  @Test(arguments: mistakes) func namesPlaceAndNextStep(_ mistake: Mistake) throws {
    let (_, diagnostics) = YAMLParser.parse(mistake.yaml)
    #expect(diagnostics.count == 1, "\(diagnostics.map(\.message))")
    let diagnostic = try #require(diagnostics.first)
    let span = try #require(diagnostic.span)
    #expect(diagnostic.id == mistake.id)
    #expect(span.text == mistake.place)
    #expect(span.position == (mistake.line, mistake.column))
    #expect((diagnostic.hint ?? "").contains(mistake.hint), "\(diagnostic.hint ?? "no hint")")
    let isWarning = mistake.id == "yaml.duplicate-key"
    #expect(diagnostic.severity == (isWarning ? .warning : .error))
  }

  @Test func reportsEveryMistakeAboveTheGrammar() {
    let (root, diagnostics) = YAMLParser.parse("a: {{ x }}\nb: !foo 1\nc: 2024-13-01\nd: 1\nd: 2\n")
    #expect(root?["d"]?.int == 2)
    #expect(
      diagnostics.map(\.id) == [
        "yaml.unquoted-template", "yaml.tag", "yaml.invalid-value", "yaml.duplicate-key",
      ]
    )
  }

  @Test func knowsWhereValuesAreWritten() throws {
    let yaml = """
      models:
        - name: ölmarkt
          columns: [ä, "b c"]
          text: |
            é
        - name: 'x'
      last: {k: v}
      """
    let root = try #require(YAMLParser.parse(yaml).root)
    let models = try #require(root["models"]?.sequence)
    #expect(models[0]["name"]?.span.text == "ölmarkt")
    #expect(models[0]["name"]?.span.position ?? (0, 0) == (2, 11))
    #expect(models[0]["columns"]?.span.text == "[ä, \"b c\"]")
    #expect(models[0]["columns"]?.sequence?[1].span.text == "\"b c\"")
    #expect(models[0].entry("text")?.key.span.text == "text")
    #expect(models[1]["name"]?.span.text == "'x'")
    #expect(models[1].span.text == "name: 'x'")
    #expect(root["last"]?.span.text == "{k: v}")
    #expect(root["nothing"] == nil)
  }

  @Test func aliasesAreBounded() {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let items = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      yaml += "a\(level): &a\(level) [\(items)]\n"
    }
    let (root, diagnostics) = YAMLParser.parse(yaml)
    #expect(root == nil)
    #expect(diagnostics.map(\.id) == ["yaml.alias-limit"])
  }

  @Test(arguments: ["[", "{a: ", "- "]) func depthIsBounded(_ opening: String) {
    let (root, diagnostics) = YAMLParser.parse(String(repeating: opening, count: 100_000))
    #expect(root == nil)
    #expect(diagnostics.count == 1)
  }

  @Test func depthThroughAliasesIsBounded() {
    let deep = String(repeating: "[", count: 150) + String(repeating: "]", count: 150)
    let (_, diagnostics) = YAMLParser.parse(
      "a: &a \(deep)\nb: \(String(repeating: "[", count: 60))*a\(String(repeating: "]", count: 60))"
    )
    #expect(diagnostics.map(\.id) == ["yaml.too-deep"])
  }

  @Test(arguments: 0..<40) func noBytesMakeItTrap(seed: Int) {
    var generator = SplitMix(seed: UInt64(seed))
    let pieces: [[UInt8]] = [
      "a", ":", " ", "\n", "- ", "? ", "{", "}", "[", "]", ",", "'", "\"", "|", ">", "&a", "*a",
      "!",
      "!!int", "<<", "#", "\t", "é", "---\n", "...", "%", "\\", "{{ x }}", "  ", "1", ": ", "\r",
      "2024-01-01", "!!omap", "!!set",
    ].map { Array($0.utf8) }
    for _ in 0..<200 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<40, using: &generator) {
        if Int.random(in: 0..<12, using: &generator) == 0 {
          bytes.append(UInt8.random(in: 0...255, using: &generator))
        } else {
          bytes += pieces[Int.random(in: 0..<pieces.count, using: &generator)]
        }
      }
      let file = SourceFile(path: "random.yml", bytes: bytes)
      let (root, diagnostics) = YAMLParser.parse(file)
      #expect(root != nil || diagnostics.contains { $0.severity == .error })
      for diagnostic in diagnostics {
        #expect(!DiagnosticFormatter().format(diagnostic).isEmpty)
        if let span = diagnostic.span { #expect(span.end <= bytes.count && span.start >= 0) }
      }
      if let root {
        _ = YAMLWriter.text(of: root.datum)
        _ = JSON.text(of: root.datum)
      }
      _ = try? JSON.parse(bytes)
    }
  }

  @Test func depthOfJSONIsBounded() {
    #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[", count: 100_000)) }
  }

  @Test func manyKeys() throws {
    let yaml = (0..<3000).map { "k\($0 % 2000): \($0)\n" }.joined()
    let (root, diagnostics) = YAMLParser.parse(yaml)
    #expect(root?.mapping?.count == 2000)
    #expect(root?["k5"]?.int == 2005)
    #expect(diagnostics.count == 1000)
    let map = try #require(root?.datum.map)
    #expect(map.count == 2000)
    #expect(try JSON.parse(JSON.text(of: .map(map))) == .map(map))
  }
}
