import SectoralJinja
import SectoralText
import Testing

/// Renders a template with a context, for tests.
func render(
  _ text: String,
  _ values: [String: Value] = [:],
  options: Options = Options(),
  undefined: UndefinedKind? = nil
) throws(TemplateError) -> String {
  let environment = Environment(options)
  let template = try environment.compile(SourceFile(path: "t.sql", text: text))
  var symbols: [Symbol: Value] = [:]
  for (name, value) in values { symbols[Symbol(name)] = value }
  return try Interpreter(environment).render(
    template,
    scope: DictionaryScope(symbols),
    undefined: undefined
  )
}

/// The error that a template ends in.
func failure(
  _ text: String,
  _ values: [String: Value] = [:],
  options: Options = Options()
) -> TemplateError? {
  do throws(TemplateError) {
    _ = try render(text, values, options: options)
    return nil
  } catch {
    return error
  }
}

/// "line:column" of an error.
func place(_ error: TemplateError?) -> String? {
  error?.diagnostic.span.map { "\($0.position.line):\($0.position.column)" }
}

struct HostTests {
  @Test func returnEndsTheInnermostMacro() throws {
    let values: [String: Value] = [
      "return": .function("return") { (arguments, interpreter) throws(TemplateError) in
        throw .returning(arguments.positional.first ?? .none)
      }
    ]
    let text = """
      {%- macro inner(x) %}text{{ return([x, 1]) }}never{% endmacro -%}
      {%- macro outer() %}{% for i in range(3) %}{% if i == 1 %}{{ return(inner(i)) }}{% endif %}
      {%- endfor %}{% endmacro -%}
      {{ outer()[0] + 1 }}{{ inner('a') }}{{ inner('b') | length }}
      """
    #expect(try render(text, values) == "2['a', 1]2")
  }

  @Test func returnPassesThroughCallBlocks() throws {
    let values: [String: Value] = [
      "return": .function("return") { (arguments, interpreter) throws(TemplateError) in
        throw .returning(arguments.positional.first ?? .none)
      }
    ]
    let text = """
      {%- macro each() %}[{{ caller() }}]{% endmacro -%}
      {%- macro find() %}{% call each() %}{{ return(7) }}{% endcall %}{% endmacro -%}
      {{ find() + 1 }}
      """
    // The innermost macro that runs is `each`, whose value the call block then prints.
    #expect(try render(text.replacing("{{ find() + 1 }}", with: "{{ find() }}"), values) == "7")
  }

  @Test func silentUndefinedIsForTheTextAlone() throws {
    #expect(try render("a{{ x }}{{ x.y }}{{ x() }}{{ x.y(1)['z'] }}b", undefined: .silent) == "ab")
    let environment = Environment()
    let macros = try environment.compile(
      SourceFile(path: "m.sql", text: "{% macro m() %}{{ nope.attr }}{% endmacro %}")
    )
    let definition = try #require(macros.definitions.first)
    let interpreter = Interpreter(environment)
    let model = try environment.compile(SourceFile(path: "model.sql", text: "x\n  {{ m() }}"))
    let scope = DictionaryScope([
      "m": interpreter.macro(definition, of: macros, scope: Scope(), label: "macro m")
    ])
    do throws(TemplateError) {
      _ = try interpreter.render(model, scope: scope, undefined: .silent, label: "model x")
      Issue.record("no error")
    } catch {
      #expect(error.kind == .undefined)
      #expect(error.diagnostic.span?.file.path == "m.sql")
      #expect(error.diagnostic.trail.map(\.label) == ["macro m", "model x"])
      #expect(error.diagnostic.trail.last?.span?.position.line == 2)
      #expect(error.diagnostic.trail.last?.span?.position.column == 6)
    }
  }

  @Test func macrosOfAByteRangeKeepTheirPlaces() throws {
    let file = SourceFile(
      path: "macros/x.sql",
      text:
        "-- text\n{% macro a() %}1{% endmacro %}\n{% macro b(x, y=2) %}\n  {{ x + none }}{% endmacro %}\n"
    )
    let (blocks, diagnostics) = BlockScanner.blocks(in: file, tags: ["macro"])
    #expect(diagnostics.isEmpty)
    #expect(blocks.map(\.signature.text) == ["a()", "b(x, y=2)"])
    let environment = Environment()
    let whole = blocks[1].whole
    let template = try environment.compile(file, in: whole.start..<whole.end)
    let definition = try #require(template.definitions.first)
    #expect(definition.name == "b")
    #expect(definition.parameters == ["x", "y"])
    #expect(definition.span.position.line == 3)
    do throws(TemplateError) {
      _ = try Interpreter(environment).invoke(
        definition,
        of: template,
        scope: Scope(),
        Arguments([.int(1)]),
        label: "macro b"
      )
      Issue.record("no error")
    } catch {
      #expect(error.diagnostic.message == "unsupported operand type(s) for +: 'int' and 'NoneType'")
      #expect(error.diagnostic.span?.position.line == 4)
      #expect(error.diagnostic.span?.position.column == 6)
    }
  }

  @Test func definitionTagsAndAnnotations() throws {
    var options = Options()
    options.definitionTags = [
      DefinitionTag(tag: "test", prefix: "test_", signature: .macro),
      DefinitionTag(tag: "materialization", prefix: "materialization_", signature: .name),
    ]
    let environment = Environment(options)
    let text = """
      {% test unique(model: relation, column_name: optional[str] = none) %}t {{ model }}{% endtest %}
      {% materialization view, adapter='x', supported_languages=['sql'] %}m{% endmaterialization %}
      {% macro m(a: dict[str, list[int]] = {}) %}{% endmacro %}
      """
    let template = try environment.compile(SourceFile(path: "m.sql", text: text))
    #expect(
      template.definitions.map(\.name) == ["test_unique", "materialization_view", "m"]
    )
    let value = try Interpreter(environment).invoke(
      template.definitions[0],
      of: template,
      scope: Scope(),
      Arguments([.int(5)]),
      label: "test"
    )
    #expect(value.asString == "t 5")
  }

  @Test func nativeEvaluation() throws {
    let environment = Environment()
    let interpreter = Interpreter(environment)
    func value(_ text: String) throws -> Value {
      try interpreter.evaluate(
        environment.compile(SourceFile(path: "t", text: text)),
        scope: DictionaryScope(["x": .int(3)])
      )
    }
    #expect(try value("{{ x }}").isEqual(to: .int(3)))
    #expect(try value("{{ [x, 'a'] }}").isEqual(to: .list([.int(3), .string("a")])))
    #expect(try value("{{ x }}y").asString == "3y")
    #expect(try value("plain").asString == "plain")
    #expect(try value("").asString == "")
  }

  @Test func staticCalls() throws {
    let text = """
      {{ ref('a') }} {% if x %}{{ source("s", 't') }}{% endif %}{{ config(enabled=true, n=1) }}
      {% macro m() %}{{ adapter.dispatch('m', macro_namespace='p')(ref(y)) }}{% endmacro %}
      """
    let template = try Environment().compile(SourceFile(path: "t", text: text))
    let calls = template.staticCalls
    #expect(
      calls.map { $0.path.joined(separator: ".") } == [
        "ref", "source", "config", "adapter.dispatch", "ref",
      ]
    )
    guard case .string("a")? = calls[0].positional[0] else {
      Issue.record("not a constant")
      return
    }
    #expect(calls[2].keyword.map(\.name) == ["enabled", "n"])
    #expect(calls[4].positional[0] == nil)
  }

  @Test func hostFunctionsMayRender() throws {
    let environment = Environment()
    let inner = try environment.compile(SourceFile(path: "inner", text: "<{{ a }}>"))
    let values: [Symbol: Value] = [
      "render": .function("render") { (arguments, interpreter) throws(TemplateError) in
        .string(
          try interpreter.render(
            inner,
            scope: DictionaryScope(["a": arguments.positional.first ?? .none])
          )
        )
      }
    ]
    let outer = try environment.compile(
      SourceFile(path: "outer", text: "a{{ render(1) ~ render('x') }}b{{ render(2) }}")
    )
    #expect(
      try Interpreter(environment).render(outer, scope: DictionaryScope(values)) == "a<1><x>b<2>"
    )
  }

  @Test(arguments: [
    ("{{ d is mapping }}", "True", 0), ("{{ d.a }}", "1", 1), ("{{ d['b'] }}{{ d.a }}", "21", 1),
    ("{{ d | length }}", "2", 1), ("{% for k in d %}{{ k }}{% endfor %}", "ab", 1),
    ("{% set _ = d.update({'c': 3}) %}{{ d.items() | list }}", "[('a', 1), ('b', 2), ('c', 3)]", 1),
    ("{{ d.pop('a') }}{{ d }}", "1{'b': 2}", 1), ("{{ 1 if d else 2 }}", "1", 1),
    ("{{ d == {'a': 1, 'b': 2} }}", "True", 1), ("{{ dict(d, a=5) }}", "{'a': 5, 'b': 2}", 1),
    ("{% set _ = d.clear() %}{{ d }}", "{}", 1),
  ])
  func aDictionaryIsMadeWhenItIsLookedAt(text: String, expected: String, times: Int) throws {
    var made = 0
    let dictionary = DictValue(later: {
      made += 1
      return DictValue([("a", .int(1)), ("b", .int(2))])
    })
    #expect(try render(text, ["d": .dict(dictionary)]) == expected)
    #expect(made == times)
  }

  @Test func manyThreadsRenderOneTemplate() async throws {
    let environment = Environment()
    let template = try environment.compile(
      SourceFile(
        path: "t",
        text: "{% macro m(a, b='a long enough constant') %}{{ a }}{{ b }}{% endmacro %}"
          + "{% for i in range(50) %}{{ m(i) }}{% endfor %}"
      )
    )
    let texts = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<16 {
        group.addTask { try Interpreter(environment).render(template, scope: Scope()) }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(texts.count == 1)
  }
}

struct ErrorTests {
  @Test func placesAndHints() {
    #expect(place(failure("a\n  {{ x | uper }}")) == "2:10")
    #expect(failure("{{ x | uper }}")?.diagnostic.hint == "did you mean 'upper'?")
    #expect(failure("{{ x | uper }}")?.diagnostic.id == "jinja.unknown-filter")
    #expect(place(failure("{% if true %}\n{{ a.b }}{% endif %}")) == "2:4")
    #expect(place(failure("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}")) == "2:4")
    #expect(
      failure("{% macro m(name) %}{% endmacro %}{{ m(nmae=1) }}")?.diagnostic.hint
        == "did you mean 'name'?"
    )
    #expect(failure("{% fro x in y %}")?.diagnostic.hint == "did you mean 'for'?")
  }

  @Test func allMistakesAreReported() {
    let text =
      "{{ 1 + }}\n{% for x of y %}{{ x }}{% endfor %}\n{{ a | nope }}\n{% if %}{% endif %}\n{{ 'x"
    let (_, diagnostics) = Environment().parse(SourceFile(path: "t", text: text))
    #expect(diagnostics.map { $0.span?.position.line } == [1, 2, 3, 4, 5])
  }

  @Test func theHintOfUndefinedNames() {
    var options = Options()
    options.undefinedHint = "Check the spelling."
    #expect(
      failure("{{ foo() }}", options: options)?.diagnostic.message
        == "'foo' is undefined. Check the spelling."
    )
  }

  @Test func theTrailNamesTheMacros() {
    let text = """
      {% macro a(x) %}
        {{ x.y.z }}
      {% endmacro %}
      {% macro b() %}{{ a({}) }}{% endmacro %}
      {{ b() }}
      """
    let error = failure(text)
    #expect(place(error) == "2:6")
    #expect(error?.diagnostic.trail.map(\.label) == ["macro a", "macro b", "template"])
    #expect(error?.diagnostic.trail.compactMap { $0.span?.position.line } == [2, 4, 5])
  }
}

struct BadInputTests {
  @Test(arguments: [
    String(repeating: "(", count: 10_000), "{{ " + String(repeating: "(", count: 10_000),
    "{{ " + String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
      + " }}",
    "{{ " + String(repeating: "[", count: 10_000),
    "{{ " + String(repeating: "-", count: 10_000) + "1 }}",
    "{{ " + String(repeating: "not ", count: 10_000) + "1 }}",
    "{{ " + String(repeating: "{1:", count: 5000) + " }}",
    String(repeating: "{% if true %}", count: 10_000),
    String(repeating: "{% for x in y %}", count: 1000)
      + String(repeating: "{% endfor %}", count: 1000),
    "{{ a" + String(repeating: ".b", count: 20_000) + " }}",
    "{{ a" + String(repeating: "|e", count: 20_000) + " }}",
    "{{ 1" + String(repeating: " + 1", count: 20_000) + " }}",
    "{{ 1" + String(repeating: " if 1 else 1", count: 5000) + " }}",
    "{% set " + String(repeating: "(", count: 5000) + "a = 1 %}",
    "{% macro m(a: " + String(repeating: "list[", count: 5000) + "%}{% endmacro %}",
    String(repeating: "{%", count: 5000), String(repeating: "{{", count: 5000),
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% call n() %}{{ m() }}{% endcall %}{% endmacro %}{% macro n() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{{ 'a' * 10000000000 }}", "{{ [1] * 10000000000 }}", "{{ 2 ** 100000000 }}",
    "{{ '%10000000000d' % 1 }}", "{{ '{:10000000000}'.format(1) }}",
    "{{ 'a'.center(10000000000) }}",
    "{{ range(10000000000) | list }}", "{{ 10 ** 10 ** 10 }}",
    "{{ ('a' * 10000000).replace('a', 'b' * 1000000) }}",
    "{% set a = [] %}{% do a.append(a) %}{{ a == [a] }}{{ a < a }}{{ a | tojson }}",
    "{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{{ 'x' * 100 }}{% endfor %}{% endfor %}",
    "a\u{0}b{{ \u{0} }}", "{{ 'a\u{0}' }}", "{{ 1 }}\r\n{{ 2 }}\r\n", "\u{FEFF}{{ 1 }}",
  ])
  func endsInAnErrorOrText(_ text: String) {
    var options = Options()
    options.limits.steps = 300_000
    options.limits.outputBytes = 4 << 20
    do throws(TemplateError) {
      _ = try render(text, options: options)
    } catch {
      #expect(error.diagnostic.span != nil, "\(text.prefix(40)): \(error.diagnostic.message)")
    }
  }

  @Test func invalidUTF8HasAPlace() {
    let file = SourceFile(path: "t", bytes: Array("ab\ncd".utf8) + [0xFF, 0x41])
    let (template, diagnostics) = Environment().parse(file)
    #expect(template.plainText == "" && !template.isSingleExpression)
    #expect(diagnostics.first?.id == "jinja.invalid-utf8")
    #expect(diagnostics.first?.span?.position.line == 2)
    #expect(diagnostics.first?.span?.position.column == 3)
  }

  @Test func lineEndsAndByteOrderMark() throws {
    #expect(try render("a\r\nb\rc{{ 1 }}\r\n") == "a\nb\nc1")
    #expect(try render("\u{FEFF}{{ 1 }}") == "1")
    #expect(place(failure("a\r\nb\r\n {{ x.y }}")) == "3:5")
  }

  /// No bytes make the parser trap.
  @Test(arguments: 0..<40)
  func anyBytesAreTaken(_ seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let pieces = [
      "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "'", "\"", "(", ")", "[", "]", "{",
      "}", ":", ",", ".", "|", "~", "=", "==", "if", "else", "elif", "endif", "for", "in", "endfor",
      "set", "endset", "macro", "endmacro", "call", "endcall", "raw", "endraw", "x", "y", "1",
      "2.5",
      "is", "not", "and", "or", "filter", "endfilter", "with", "endwith", "block", "endblock",
      "upper", "defined", "loop", "caller", "recursive", "é", "\u{0}", "\\", "**", "*", "do",
    ]
    for _ in 0..<60 {
      var text = ""
      for _ in 0..<next(60) { text += pieces[next(pieces.count)] + (next(3) == 0 ? " " : "") }
      let environment = Environment()
      let (template, _) = environment.parse(SourceFile(path: "t", text: text))
      _ = try? Interpreter(environment).render(template, scope: Scope())
      _ = BlockScanner.blocks(in: template.file, tags: ["macro", "block"])
      _ = template.staticCalls
    }
  }
}

struct BlockScannerTests {
  @Test func findsBlocksAndTheirParts() {
    let text = """
      text {# {% macro no() %} #} {% raw %}{% macro no() %}{% endraw %}
      {%- snapshot orders -%} select {{ "%} {% endsnapshot %}" }} {%- endsnapshot -%}
      {% docs a_doc %}Some *text*{% enddocs %}
      {% macro m(a="%}") %}{% if a %}{% endif %}{% endmacro %}
      """
    let file = SourceFile(path: "t", text: text)
    let (blocks, _) = BlockScanner.blocks(in: file, tags: ["snapshot", "docs", "macro"])
    #expect(blocks.map(\.tag) == ["snapshot", "docs", "macro"])
    #expect(blocks.map(\.signature.text) == ["orders", "a_doc", "m(a=\"%}\")"])
    #expect(blocks[1].contents.text == "Some *text*")
    #expect(blocks[1].whole.text == "{% docs a_doc %}Some *text*{% enddocs %}")
  }

  @Test(arguments: [
    ("{% macro a() %}", "jinja.unclosed-block"), ("{% endmacro %}", "jinja.unknown-tag"),
    ("{% endif %}", "jinja.unexpected-end"), ("{% if x %}{% endfor %}", "jinja.unexpected-end"),
    ("{% macro a() %}{% macro b() %}{% endmacro %}", "jinja.nested-block"),
    ("{% if x %}{% macro b() %}{% endmacro %}{% endif %}", "jinja.nested-block"),
    ("{% marco a() %}", "jinja.unknown-tag"), ("{{ x", "jinja.unclosed-tag"),
    ("{# x", "jinja.unclosed-comment"), ("{% macro x(", "jinja.unclosed-tag"),
    ("{% raw %}", "jinja.unclosed-block"),
  ])
  func reportsMistakes(_ text: String, _ id: String) {
    let (_, diagnostics) = BlockScanner.blocks(
      in: SourceFile(path: "t", text: text),
      tags: ["macro"]
    )
    #expect(diagnostics.map(\.id).contains(id))
  }

  /// dbt takes the blanks that `{%-` and `-%}` eat for a part of the block, but for those that the
  /// tag before has eaten.
  @Test(arguments: [
    (
      "x\n\n{%- macro a() -%}\n{%- endmacro -%}\n\nx", "\n\n{%- macro a() -%}\n{%- endmacro -%}\n\n"
    ),
    ("\n\n{%- macro a() -%}\n{%- endmacro -%}\n\n", "{%- macro a() -%}\n{%- endmacro -%}"),
    ("\n{% macro a() %} x {% endmacro %}\n", "{% macro a() %} x {% endmacro %}"),
    ("{% set x = 1 -%}\n\n{%- macro a() %}{% endmacro %}", "{%- macro a() %}{% endmacro %}"),
    ("{# x #}\n{%- macro a() %}{% endmacro %}", "\n{%- macro a() %}{% endmacro %}"),
  ])
  func blanksThatTagsEatBelongToTheBlock(_ text: String, _ expected: String) {
    let file = SourceFile(path: "t", text: text)
    let (blocks, _) = BlockScanner.blocks(in: file, tags: ["macro"])
    #expect(blocks.map(\.trimming.text) == [expected])
  }

  @Test func contentsLackTheBlanksThatTagsEat() {
    let file = SourceFile(path: "t", text: "{% docs a -%}\n x \n{%- enddocs %}")
    #expect(BlockScanner.blocks(in: file, tags: ["docs"]).blocks.map(\.contents.text) == ["x"])
  }
}
