import Foundation
import SectoralJinja
import SectoralText
import Testing

/// The code of the README and of the documentation's pages: it is here, so it compiles, and it does
/// what the pages say.
struct DocumentationTests {
  /// Every line of every Swift block of the pages stands in this file, in the same order.
  @Test(arguments: DocumentationTests.pages)
  func theCodeOfThePageIsTestedHere(_ page: URL) throws {
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
      .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    var block: [String]?
    for line in try String(contentsOf: page, encoding: .utf8).split(
      separator: "\n",
      omittingEmptySubsequences: true
    ) {
      if line == "```swift" {
        block = []
      } else if line == "```", let lines = block {
        #expect(
          Self.contains(here, lines),
          "\(page.lastPathComponent): \(lines.joined(separator: "\n"))"
        )
        block = nil
      } else {
        block?.append(line.trimmingCharacters(in: .whitespaces))
      }
    }
  }

  private static func contains(_ lines: [String], _ block: [String]) -> Bool {
    lines.indices.contains { lines[$0...].starts(with: block) }
  }

  static let pages: [URL] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources/SectoralJinja")
    let catalogue = folder.appending(path: "SectoralJinja.docc")
    let files =
      (try? FileManager.default.contentsOfDirectory(
        at: catalogue,
        includingPropertiesForKeys: nil
      )) ?? []
    return [folder.appending(path: "README.md")] + files.filter { $0.pathExtension == "md" }
  }()

  @Test func readme() throws {
    let environment = Environment(filters: [
      "shout": { (value, arguments, interpreter) throws(TemplateError) in
        .string(try interpreter.string(value).uppercased() + "!")
      }
    ])
    let template = try environment.compile(
      SourceFile(path: "hello.txt", text: "Hello {{ name | shout }}")
    )
    let scope = DictionaryScope(["name": .string("you")])
    let text = try Interpreter(environment).render(template, scope: scope)  // "Hello YOU!"
    #expect(text == "Hello YOU!")
  }

  @Test func overview() throws {
    let environment = Environment()
    let template = try environment.compile(SourceFile(path: "hello.txt", text: "Hello {{ name }}!"))
    let scope = DictionaryScope(["name": .string("world")])
    let text = try Interpreter(environment).render(template, scope: scope)  // "Hello world!"
    #expect(text == "Hello world!")
  }

  @Test func gettingStarted() throws {
    let environment = Environment()
    let file = SourceFile(
      path: "orders.sql",
      text: "select {{ columns | join(', ') }} from {{ table }}"
    )
    let template = try environment.compile(file)

    let scope = DictionaryScope([
      "columns": .list([.string("id"), .string("amount")]),
      "table": .string("orders"),
    ])
    let text = try Interpreter(environment).render(template, scope: scope)
    // "select id, amount from orders"
    #expect(text == "select id, amount from orders")

    let json = #"{"columns": ["id", "amount"], "table": "orders"}"#
    guard case .dict(let context) = try JSONText.value(of: Array(json.utf8)) else { return }
    let values = Dictionary(
      uniqueKeysWithValues: context.pairs.map { (Symbol($0.key.asString ?? ""), $0.value) }
    )
    let fromJSON = try Interpreter(environment).render(template, scope: DictionaryScope(values))
    #expect(fromJSON == text)

    let sum = try environment.compile(SourceFile(path: "sum", text: "{{ [1, 2] + [3] }}"))
    let value = try Interpreter(environment).evaluate(sum, scope: Scope())  // a list of three
    #expect(value.isEqual(to: .list([.int(1), .int(2), .int(3)])))
  }

  @Test func filtersAndLoaders() throws {
    let shouting = Environment(
      filters: [
        "shout": { (value, arguments, interpreter) throws(TemplateError) in
          .string(try interpreter.string(value).uppercased() + "!")
        }
      ],
      tests: [
        "shouted": { (value, arguments, interpreter) throws(TemplateError) in
          try interpreter.string(value).hasSuffix("!")
        }
      ]
    )
    let template = try shouting.compile(
      SourceFile(path: "t", text: "{{ 'a' | shout }}{{ 'a' is shouted }}")
    )
    #expect(try Interpreter(shouting).render(template, scope: Scope()) == "A!False")

    let base = try Environment().compile(
      SourceFile(path: "base", text: "<{% block body %}{% endblock %}>")
    )
    let loading = Environment { (name) throws(TemplateError) in name == "base" ? base : nil }
    let child = try loading.compile(
      SourceFile(path: "t", text: "{% extends 'base' %}{% block body %}b{% endblock %}")
    )
    #expect(try Interpreter(loading).render(child, scope: Scope()) == "<b>")
  }

  @Test func hostObjects() throws {
    let greet = Value.function("greet") { (arguments, interpreter) throws(TemplateError) in
      let values = try arguments.bound("greet", ["name", "greeting"], required: 1)
      let name = try interpreter.string(values[0] ?? .none)
      let greeting = try values[1].map { (value) throws(TemplateError) in
        try interpreter.string(value)
      }
      return .string("\(greeting ?? "Hello") \(name)")
    }
    let relation = Value.object(Relation(schema: "shop", name: "orders"))
    #expect(
      try render(
        "{{ greet('you') }} {{ greet('you', greeting='Hi') }} {{ relation }} {{ relation.name }}",
        ["greet": greet, "relation": relation]
      ) == "Hello you Hi you shop.orders orders"
    )
    let template = try Environment().compile(SourceFile(path: "t", text: "{{ version }}"))
    #expect(try Interpreter(Environment()).render(template, scope: Settings()) == "1.0")
  }

  @Test func limits() throws {
    var options = Options()
    options.limits.steps = 1_000_000
    options.limits.outputBytes = 1 << 20
    options.limits.allocation = 64 << 20
    let bounded = Environment(options)
    #expect(bounded.options.limits.steps == 1_000_000)
  }

  @Test func errors() throws {
    func report(_ error: TemplateError) -> String {
      let diagnostic = error.diagnostic
      if let span = diagnostic.span {
        let (line, column) = span.position
        let place = "\(span.file.path):\(line):\(column)"
        return "\(place): \(error.kind.rawValue): \(diagnostic.message)"
      }
      return diagnostic.message
    }
    let (_, diagnostics) = Environment().parse(
      SourceFile(path: "two.sql", text: "{{ 1 + }} {% if %}{% endif %}")
    )
    for diagnostic in diagnostics { print(DiagnosticFormatter().format(diagnostic)) }
    #expect(diagnostics.count == 2)
    let fail = Value.function("fail") { (arguments, interpreter) throws(TemplateError) in
      throw TemplateError(
        ErrorKind(rawValue: "DatabaseError"),
        id: "shop.database",
        "the database is away",
        hint: "start it"
      )
    }
    let error = try #require(failure("\n{{ fail() }}", ["fail": fail]))
    #expect(report(error) == "t.sql:2:4: DatabaseError: the database is away")
  }
}

final class Relation: Object {
  let schema: String
  let name: String

  init(schema: String, name: String) {
    self.schema = schema
    self.name = name
    super.init()
  }

  override var typeName: String { "Relation" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name {
    case "schema": .string(schema)
    case "name": .string(self.name)
    default: nil
    }
  }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "\(schema).\(name)"
  }
}

final class Settings: Scope {
  override func lookup(_ name: Symbol) -> Value? {
    name == "version" ? .string("1.0") : nil
  }
}
