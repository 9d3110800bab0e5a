import Foundation
import SectoralJinja
import SectoralText
import Synchronization
import Testing

/// A template that meets one limit, and what the error says.
struct LimitCase: Sendable, CustomTestStringConvertible {
  let template: String
  let message: String
  let limits: Limits

  init(_ template: String, _ message: String, _ change: (inout Limits) -> Void) {
    self.template = template
    self.message = message
    var limits = Limits()
    change(&limits)
    self.limits = limits
  }

  var testDescription: String { String(template.prefix(80)) }

  /// Two values that hold themselves twice over, forty levels deep.
  private static func doubled(_ value: String, _ use: String) -> String {
    "{% set ns = namespace(x=\(value), y=\(value)) %}{% for i in range(40) %}"
      + "{% set ns.x = (ns.x, ns.x) %}{% set ns.y = (ns.y, ns.y) %}{% endfor %}" + use
  }

  /// A list in a list in a list.
  private static func nested(_ use: String) -> String {
    "{% set ns = namespace(x=[], y=[]) %}{% for i in range(30) %}{% set ns.x = [ns.x] %}"
      + "{% set ns.y = [ns.y] %}{% endfor %}" + use
  }

  static let calls: [LimitCase] = [
    LimitCase("{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", "nested more than 20 deep")
    {
      $0.callDepth = 20
    },
    LimitCase(
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
      "nested more than 20 deep"
    ) { $0.callDepth = 20 },
    LimitCase(
      "{% for x in [[[[[[]]]]]] recursive %}{{ loop(x) }}{% endfor %}",
      "nested more than 3 deep"
    ) { $0.callDepth = 3 },
    LimitCase("{% include 'main' %}", "nested more than 20 deep") { $0.callDepth = 20 },
    LimitCase("{% import 'main' as m %}", "nested more than 20 deep") { $0.callDepth = 20 },
    LimitCase("{% extends 'main' %}", "nested more than 20 deep") { $0.callDepth = 20 },
    LimitCase(
      "{% block a %}{{ self.a() }}{% endblock %}",
      "nested more than 20 deep"
    ) { $0.callDepth = 20 },
  ]

  static let nesting: [LimitCase] = [
    "{{ " + String(repeating: "(", count: 30) + "1" + String(repeating: ")", count: 30) + " }}",
    "{{ " + String(repeating: "[", count: 30) + String(repeating: "]", count: 30) + " }}",
    "{{ " + String(repeating: "-", count: 30) + "1 }}",
    "{{ " + String(repeating: "not ", count: 30) + "1 }}",
    "{{ 1" + String(repeating: " if 1 else 1", count: 30) + " }}",
    "{{ f" + String(repeating: "(f", count: 30) + String(repeating: ")", count: 30) + " }}",
    String(repeating: "{% if 1 %}", count: 30) + String(repeating: "{% endif %}", count: 30),
    String(repeating: "{% for x in y %}", count: 30)
      + String(repeating: "{% endfor %}", count: 30),
    "{% set " + String(repeating: "(", count: 30) + "a" + String(repeating: ",)", count: 30)
      + " = 1 %}",
    "{% macro m(a: " + String(repeating: "list[", count: 30) + "x"
      + String(repeating: "]", count: 30)
      + ") %}{% endmacro %}",
  ].map { LimitCase($0, "nested too deeply") { $0.nestingDepth = 20 } }

  static let steps: [LimitCase] = [
    "{% for i in range(900) %}{% for j in range(900) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{% endmacro %}{% for i in range(90000) %}{{ m() }}{% endfor %}",
    "{% for i in range(90000) if false %}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% for i in range(900) %}{{ s | length }}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% for i in range(900) %}{{ s.count('y') }}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% for i in range(900) %}{{ 'y' in s }}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% for i in range(900) %}{{ s[5] }}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% for i in range(900) %}{% set t = s[1:] %}{% endfor %}",
    "{% set s = 'x' * 1000000 %}{% set t = 'x' * 1000000 %}"
      + "{% for i in range(900) %}{% if s == t %}{% endif %}{% endfor %}",
    "{% set l = [1] * 100000 %}{% for i in range(900) %}{{ 2 in l }}{% endfor %}",
    "{% set l = [1] * 100000 %}{% for i in range(900) %}{{ l.index(1, 5) }}{% endfor %}",
    "{% set l = [1] * 100000 %}{% for i in range(900) %}{{ l | sum }}{% endfor %}",
    "{{ range(90000) | map('string') | select('eq', 'x') | list }}",
    doubled("1", "{{ ns.x }}"), doubled("1", "{{ ns.x | tojson }}"),
    doubled("1", "{{ ns.x | pprint }}"), doubled("1", "{{ ns.x | string | length }}"),
    "{{ ('(' * 10000) | urlize }}",
    "{% set n = 2 ** 200000 %}{% for i in range(900) %}{% set m = n * 3 %}{% endfor %}",
  ].map { LimitCase($0, "ran for more than 50000 steps") { $0.steps = 50_000 } }

  static let comparisons: [LimitCase] = [
    doubled("1", "{{ ns.x == ns.y }}"), doubled("1", "{{ ns.x != ns.y }}"),
    doubled("1", "{{ ns.x < ns.y }}"), doubled("1", "{{ [ns.x] in [[ns.y]] }}"),
    doubled("1", "{{ {ns.x: 1} }}"), doubled("1", "{{ {}.get(ns.x) }}"),
    doubled("1", "{{ [ns.x, ns.y] | unique | list }}"),
    doubled("1", "{{ [ns.x].index(ns.y) }}"), doubled("1", "{{ [ns.x].count(ns.y) }}"),
  ].map { LimitCase($0, "too large to be compared") { $0.steps = 1_000_000 } }

  static let depth: [LimitCase] = [
    "{{ ns.x }}", "{{ ns.x | tojson }}", "{{ ns.x == ns.y }}", "{{ ns.x < ns.y }}",
    "{{ ns.x in [ns.y] }}", "{{ ns.x | string }}", "{{ '%s' % [ns.x] }}",
    "{{ '{}'.format(ns.x) }}", "{{ ns.x ~ '' }}",
  ].map { LimitCase(nested($0), "nested more than 20 deep") { $0.valueDepth = 20 } }

  static let loops: [LimitCase] = [
    "{% for i in range(101) %}{% endfor %}", "{% for i in [1] * 101 %}{{ loop.index }}{% endfor %}",
    "{% set l = [1] %}{% for i in l %}{% do l.append(i) %}{% endfor %}",
  ].map { LimitCase($0, "the loop ran more than 100 times") { $0.loopIterations = 100 } }

  static let ranges: [LimitCase] = [
    "{{ range(101) | list }}", "{{ range(0, 1000, 2) }}", "{{ range(9223372036854775807) }}",
  ].map { LimitCase($0, "Range too big") { $0.rangeSize = 100 } }

  static let output: [LimitCase] =
    [
      "{% for i in range(100) %}0123456789abcdef{% endfor %}",
      "{% for i in range(100) %}{{ '0123456789abcdef' }}{% endfor %}",
      "{% set x %}{% for i in range(100) %}0123456789abcdef{% endfor %}{% endset %}",
      "{{ range(1000) | list }}", "{{ range(1000) | list | tojson }}",
      "{{ range(1000) | join(',') }}", "{{ '%s%s' | format('a' * 600, 'b' * 600) }}",
      "{{ [1] | tojson(indent='x' * 2000) }}",
    ].map { LimitCase($0, "the output is larger than 1000 bytes") { $0.outputBytes = 1000 } }
    + [
      "{% set ns = namespace(s='0123456789') %}{% for i in range(40) %}"
        + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      "{% set ns = namespace(s='0123456789') %}{% for i in range(40) %}"
        + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{{ '0123456789'.join(['a'] * 200) | length }}",
      "{{ '{0}{0}'.format('a' * 600) | length }}",
      "{{ ('\n' * 50) | indent(50, blank=true) | length }}",
      "{{ ('a ' * 50) | wordwrap(1, wrapstring='x' * 100) | length }}",
      "{{ ('a' * 50).translate({97: 'x' * 100}) | length }}",
      "{{ ('\t' * 50).expandtabs(100) | length }}",
      "{{ ('http://a.bc ' * 50) | urlize(target='x' * 100) | length }}",
    ].map { LimitCase($0, "a string would be longer than 1000 bytes") { $0.outputBytes = 1000 } }

  static let repetition: [LimitCase] =
    [
      ("{{ 'ab' * 501 }}", "the repetition is larger"),
      ("{{ 501 * 'ab' }}", "the repetition is larger"),
      ("{{ [1] * 126 }}", "the repetition is larger"),
      ("{{ (1,) * 126 }}", "the repetition is larger"),
      ("{{ 'ab' * 9223372036854775807 }}", "the repetition is larger"),
      ("{{ 'a'.center(1001) }}", "the width is larger"),
      ("{{ 'a'.ljust(1001) }}", "the width is larger"),
      ("{{ 'a'.rjust(1001, '-') }}", "the width is larger"),
      ("{{ '1'.zfill(1001) }}", "the width is larger"),
      ("{{ 'a' | center(1001) }}", "the width is larger"),
      ("{{ 'a' | indent(1001) }}", "the width is larger"),
      ("{{ '\t'.expandtabs(1001) }}", "the width is larger"),
      ("{{ '%1000000000d' % 1 }}", "the width of a format is larger"),
      ("{{ '%-1000000000s' % 1 }}", "the width of a format is larger"),
      ("{{ '%*d' % (1000000000, 1) }}", "the width of a format is larger"),
      ("{{ '%*d' % (-9223372036854775808, 1) }}", "the width of a format is larger"),
      ("{{ '{:>999999999}'.format(1) }}", "the width of a format is larger"),
      ("{{ '{:>{}}'.format(1, 999999999) }}", "the width of a format is larger"),
      ("{{ '{:0999999999,}'.format(1) }}", "the width of a format is larger"),
      ("{{ ('a' * 100).replace('a', 'b' * 100) }}", "the replacement is larger"),
      ("{{ ('a' * 100) | replace('', 'b' * 100) }}", "the replacement is larger"),
      ("{{ [1] | batch(126, 0) | list }}", "the batch is larger"),
      (
        "{% set l = [1] %}{% for i in range(40) %}{% do l.extend(l) %}{% endfor %}",
        "a list would be longer"
      ),
      (
        "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}"
          + "{% set ns.l = ns.l + ns.l %}{% endfor %}", "a list would be longer"
      ),
    ].map { LimitCase($0.0, $0.1) { $0.repetition = 1000 } }

  static let allocation: [LimitCase] = [
    "{% set l = [] %}{% for i in range(10000) %}{% do l.append('0123456789abcdef' ~ i) %}{% endfor %}",
    "{% set l = [] %}{% for i in range(10000) %}{% do l.append([i]) %}{% endfor %}",
    "{% set d = {} %}{% for i in range(10000) %}{% do d.update({i: i}) %}{% endfor %}",
    "{% set d = {} %}{% for i in range(10000) %}{% do d.setdefault(i, i) %}{% endfor %}",
    "{% for i in range(100) %}{% set x = 'x' * 10000 %}{% endfor %}",
    "{{ (['0123456789'] * 1000) | map('center', 1000) | list | length }}",
    "{{ ('x' * 100000) | list | length }}", "{% for c in 'x' * 100000 %}{% endfor %}",
    "{% for i in range(10000) %}{{ f['name' ~ i] }}{% endfor %}",
  ].map { LimitCase($0, "made more than 200000 bytes of values") { $0.allocation = 200_000 } }

  static let integers: [LimitCase] =
    [
      "{{ 2 ** 1000 }}", "{{ 10 ** (10 ** 10) }}", "{{ 10 ** 10 ** 1000 }}",
      "{{ 2 ** 900 * 2 ** 900 }}",
      "{{ 9223372036854775807 ** 9223372036854775807 }}",
      "{% set ns = namespace(n=1) %}{% for i in range(5000) %}{% set ns.n = ns.n + ns.n %}{% endfor %}",
      "{{ 1 | round(2000, 'ceil') }}",
    ].map { LimitCase($0, "an integer is larger than 1000 bits") { $0.integerBits = 1000 } }
    + [
      "{{ 10 ** 100 }}", "{{ -(10 ** 100) }}", "{{ [10 ** 100] }}", "{{ '%d' % 10 ** 100 }}",
      "{{ '%d' % (10 ** 100) }}", "{{ '{:d}'.format(10 ** 100) }}",
      "{{ '{:,}'.format(10 ** 100) }}", "{{ (10 ** 100) | tojson }}", "{{ 10 ** 100 ~ '' }}",
    ].map { LimitCase($0, "the limit (100 digits)") { $0.integerDigits = 100 } }
    + [
      LimitCase("{{ 1" + String(repeating: "0", count: 100) + " }}", "more than 100 digits") {
        $0.integerDigits = 100
      },
      LimitCase("{{ 0x1" + String(repeating: "0", count: 250) + " }}", "more than 250 digits") {
        $0.integerBits = 1000
      },
    ]

  static let formats: [LimitCase] = [
    "{{ '%.101f' % 1 }}", "{{ '%.*f' % (101, 1) }}", "{{ '{:.101f}'.format(1.0) }}",
    "{{ '%.101d' % 1 }}",
  ].map {
    LimitCase($0, "the precision of a format is larger than 100") { $0.formatPrecision = 100 }
  }

  static let all =
    calls + nesting + steps + comparisons + depth + loops + ranges + output + repetition
    + allocation + integers + formats
}

/// How often the host was asked.
private final class Asked: Sendable {
  let count = Mutex(0)
}

struct LimitTests {
  @Test(arguments: LimitCase.all)
  func endsInAnErrorThatNamesThePlace(_ limited: LimitCase) throws {
    var options = Options()
    options.limits = limited.limits
    let file = SourceFile(path: "main", text: limited.template)
    let holder = TemplateHolder()
    let environment = Environment(options) { (name) throws(TemplateError) in holder.template }
    do throws(TemplateError) {
      let template = try environment.compile(file)
      holder.template = template
      let text = try Interpreter(environment).render(template, scope: limitScope())
      Issue.record("rendered \(text.utf8.count) bytes")
    } catch {
      #expect(error.diagnostic.message.contains(limited.message))
      #expect(error.diagnostic.span != nil)
    }
  }

  /// The host is asked in the middle of a render, wherever time goes.
  @Test(arguments: [
    "{% for i in range(9000) %}{% for j in range(90000) %}{% set x = j %}{% endfor %}{% endfor %}",
    "{% macro m() %}{% for i in range(9) %}{{ i }}{% endfor %}{% endmacro %}"
      + "{% for i in range(9000) %}{% for j in range(90000) %}{% set x = m() %}{% endfor %}{% endfor %}",
    "{% set s = 'x' * 1000000 %}"
      + "{% for i in range(90000) %}{% set x = s.replace('x', 'y') %}{% endfor %}",
  ])
  func endsWhenTheHostWantsItTo(_ text: String) throws {
    let asked = Asked()
    var options = Options()
    options.isStopped = {
      asked.count.withLock { count in
        count += 1
        return count > 3
      }
    }
    let environment = Environment(options)
    let file = SourceFile(path: "main", text: text)
    do throws(TemplateError) {
      let template = try environment.compile(file)
      _ = try Interpreter(environment).render(template, scope: limitScope())
      Issue.record("rendered to its end")
    } catch {
      #expect(error.diagnostic.id == "jinja.stopped")
      #expect(error.diagnostic.span != nil)
    }
    #expect(asked.count.withLock { $0 } == 4)
  }

  /// Values end without using up the stack, however deep they nest.
  @Test(arguments: [
    "[ns.x]", "(ns.x,)", "{'a': ns.x}", "namespace(x=ns.x)", "joiner(ns.x)", "cycler(ns.x)",
    "[ns.x] | select | list", "[ns.x] | map('default', 1)", "{'a': ns.x}.values()", "[ns.x].append",
    "[{'a': ns.x}] | groupby('b') | first", "cycler(ns.x).next",
  ])
  func deepValuesEnd(_ expression: String) throws {
    let text =
      "{% set ns = namespace(x=none) %}{% for i in range(30000) %}{% set ns.x = \(expression) %}"
      + "{% endfor %}done"
    #expect(try render(text) == "done")
  }

  @Test func aLoopInALoopVariableEnds() throws {
    let text =
      "{% set ns = namespace(x=none) %}{% for i in range(20000) %}{% for y in [ns.x] %}"
      + "{% set ns.x = loop %}{% endfor %}{% endfor %}done"
    #expect(try render(text) == "done")
  }

  @Test(arguments: [
    "{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ [] | attr('__class__') }}",
    "{{ {} | attr('__class__') }}", "{{ {}.__class__ }}", "{{ 1.5.__class__ }}",
    "{{ [1] | map(attribute='__class__') | list }}",
    "{{ ['a'] | map('attr', '__class__') | list }}",
    "{{ [1] | selectattr('__class__') | list }}", "{{ [1] | rejectattr('__class__') | list }}",
    "{{ [1] | sort(attribute='__class__') }}", "{{ [1] | groupby('__class__') }}",
    "{{ [1] | sum(attribute='__class__') }}", "{{ [1, 2] | unique(attribute='__class__') | list }}",
    "{{ [1, 2] | min(attribute='__class__') }}", "{{ [1] | join(',', attribute='__class__') }}",
    "{{ '{0.__class__}'.format(1) }}", "{{ '{a.__class__}'.format(a=1) }}",
    "{{ '{0[__class__]}'.format('x') }}", "{{ '{0:{0.__class__}}'.format(1) }}",
    "{{ '{a.__class__}'.format_map({'a': 1}) }}", "{{ namespace().__class__ }}",
    "{{ range(3).__class__ }}", "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}", "{{ ''.upper.__self__ }}",
    "{{ self.__class__ }}{% block b %}{% endblock %}",
    // A host object that has every attribute it is asked for.
    "{{ o.__secret__ }}", "{{ o['__secret__'] }}", "{{ o | attr('__secret__') }}",
    "{{ o.__secret__() }}", "{{ o.a.__secret__ }}",
    "{{ [o] | map(attribute='__secret__') | list }}",
    "{{ [o] | map(attribute='a.__secret__') | list }}", "{{ '{0.__secret__}'.format(o) }}",
    "{% set n = '__sec' ~ 'ret__' %}{{ o[n] }}",
  ])
  func namesOfPythonsMachineryAreRefused(_ text: String) throws {
    let template = try Environment().compile(SourceFile(path: "t", text: text))
    do throws(TemplateError) {
      let result = try Interpreter(Environment()).render(template, scope: limitScope())
      Issue.record("rendered \(result)")
    } catch {
      #expect(error.kind == .security, "\(error.diagnostic.message)")
      #expect(error.diagnostic.span != nil)
    }
  }

  /// What fuzzing found, made small: these trapped or never ended once.
  @Test(
    arguments: [
      ("{{ 'z1' | int(base=36) }}", "1261"), ("{{ '0x1F' | int(base=36) }}", "42819"),
      ("{{ -1e300 | filesizeformat }}", nil),
      ("{{ 'abc' | truncate(9223372036854775807, leeway=5) }}", "abc"),
      ("{{ 'a'.center(-9223372036854775807 - 1) }}", "a"),
      ("{{ 'a'.zfill(-9223372036854775807 - 1) }}", "a"),
      (
        "{{ range(0, 9000000000000000000, 5000000000000000000)[1:] | list }}",
        "[5000000000000000000]"
      ),
      ("{{ '{:08,}'.format(1) }} {{ '{:07,}'.format(1) }}", "0,000,001 000,001"),
    ] as [(String, String?)]
  )
  func foundByFuzzing(_ text: String, _ expected: String?) throws {
    let result = try render(text)
    if let expected { #expect(result == expected) }
  }

  /// Time grows with the input, not with its square.
  @Test(arguments: LargeInput.all)
  func largeInputsEndSoon(_ input: LargeInput) {
    _ = try? render(input.text)
  }
}

/// A text that a quadratic algorithm would not survive.
struct LargeInput: Sendable, CustomTestStringConvertible {
  let text: String
  var testDescription: String { String(text.prefix(60)) }

  static let all: [LargeInput] = [
    String(repeating: "{{ a }}", count: 10_000),
    String(repeating: "{% if x %}y{% endif %}", count: 5_000),
    "{% if a %}" + String(repeating: "{% elif b %}", count: 10_000) + "{% endif %}",
    String(repeating: "{{ ", count: 10_000), String(repeating: "{# ", count: 10_000),
    String(repeating: "{% ! %}", count: 2_000), String(repeating: "{% endif %}", count: 2_000),
    String(repeating: "{% raw %}", count: 10_000), "{{ '" + String(repeating: "\\", count: 20_001),
    String(repeating: "{% set a%0 = 1 %}", count: 5_000),
    "{{ " + (0..<5_000).map { "a\($0)" }.joined(separator: " + ") + " }}",
    "{{ [" + String(repeating: "1, ", count: 20_000) + "] | length }}",
    "{{ ('<a>' * 20000) | striptags }}", "{{ ('<!--' * 20000) | striptags }}",
    "{{ ('&' * 60000) | striptags | length }}", "{{ ('x' * 60000) | wordwrap(1) | length }}",
    "{{ (('a' * 20000) ~ 'b').rfind(('a' * 10000) ~ 'c') }}",
    "{{ ('a' * 60000).find(('a' * 20000) ~ 'b') }}", "{{ '{:060000,}'.format(1) | length }}",
  ].map { LargeInput(text: $0) }
}

/// One thread only.
private final class TemplateHolder: @unchecked Sendable {
  var template: Template?
}

/// Has every attribute, itself.
private final class EveryName: Object {
  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { .object(self) }
}

private func limitScope() -> Scope {
  let values: [Symbol: Value] = [
    "o": .object(EveryName()),
    "f": .function("f") { (arguments, _) throws(TemplateError) in
      arguments.positional.first ?? .none
    },
  ]
  return DictionaryScope(values)
}
