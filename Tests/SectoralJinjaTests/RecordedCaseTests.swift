import Foundation
import SectoralJinja
import SectoralText
import Testing

/// The templates under Cases/topics, against what Jinja2 itself made of them (Cases/generate.py).
struct RecordedCaseTests {
  @Test(arguments: RecordedCase.topics)
  func agreesWithJinja(_ topic: String) throws {
    let known = try RecordedCase.knownDifferences()
    for recorded in try RecordedCase.read(topic) where !known.contains(recorded.template) {
      let result = recorded.render()
      #expect(
        result == recorded.expected,
        "\(topic): \(recorded.template)"
      )
    }
  }

  @Test func differencesAreFew() throws {
    #expect(try RecordedCase.reasons().count <= 10)
  }
}

/// One template and what it gives: its text, or the kind of its error.
struct RecordedCase {
  enum Outcome: Equatable, CustomStringConvertible {
    case output(String)
    case error(kind: String)

    var description: String {
      switch self {
      case .output(let text): "output \(text.debugDescription)"
      case .error(let kind): "error \(kind)"
      }
    }
  }

  let template: String
  let templates: [String: String]
  let options: Options
  let expected: Outcome

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Cases")

  static let topics: [String] = {
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder.appending(path: "recorded"),
      includingPropertiesForKeys: nil
    )
    return (files ?? []).filter { $0.pathExtension == "jsonl" }
      .map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }()

  /// What differs on purpose, paragraph by paragraph, each with its reason.
  static func reasons() throws -> [String] {
    let text = try String(
      contentsOf: folder.appending(path: "known-differences.txt"),
      encoding: .utf8
    )
    // The first paragraph says what the file is.
    return Array(text.components(separatedBy: "\n\n").dropFirst())
  }

  static func knownDifferences() throws -> Set<String> {
    let text = try String(
      contentsOf: folder.appending(path: "known-differences.txt"),
      encoding: .utf8
    )
    return Set(text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") })
  }

  static func read(_ topic: String) throws -> [RecordedCase] {
    let data = try Data(contentsOf: folder.appending(path: "recorded/\(topic).jsonl"))
    return try data.split(separator: UInt8(ascii: "\n")).map { line in
      let value = try JSONText.value(of: Array(line))
      return RecordedCase(try #require(dictionary(value)))
    }
  }

  private static func dictionary(_ value: Value?) -> DictValue? {
    if case .dict(let dictionary)? = value { dictionary } else { nil }
  }

  private init(_ line: DictValue) {
    template = line["template"]?.asString ?? ""
    var templates: [String: String] = [:]
    for (key, value) in Self.dictionary(line["templates"])?.pairs ?? [] {
      templates[key.asString ?? ""] = value.asString
    }
    self.templates = templates
    var options = Options()
    let wanted = Self.dictionary(line["options"])
    func flag(_ name: String) -> Bool {
      if case .bool(let bool)? = wanted?[name] { bool } else { false }
    }
    options.trimBlocks = flag("trim_blocks")
    options.lstripBlocks = flag("lstrip_blocks")
    options.keepTrailingNewline = flag("keep_trailing_newline")
    options.autoescape = flag("autoescape")
    switch wanted?["undefined"]?.asString {
    case "strict": options.undefined = .strict
    case "chainable": options.undefined = .chainable
    case "debug": options.undefined = .debug
    default: break
    }
    self.options = options
    if let error = Self.dictionary(line["error"]) {
      expected = .error(kind: error["kind"]?.asString ?? "")
    } else {
      expected = .output(line["output"]?.asString ?? "")
    }
  }

  func render() -> Outcome {
    do throws(TemplateError) {
      return .output(try text())
    } catch {
      // What went wrong must have a place.
      #expect(error.diagnostic.span != nil, "\(template): \(error.diagnostic.message)")
      return .error(kind: error.kind.rawValue)
    }
  }

  private func text() throws(TemplateError) -> String {
    let templates = templates
    let plain = Environment(options)
    let environment = Environment(options) { (name) throws(TemplateError) in
      guard let text = templates[name] else { return nil }
      return try plain.compile(SourceFile(path: name, text: text))
    }
    let template = try environment.compile(SourceFile(path: "template", text: template))
    return try Interpreter(environment).render(template, scope: Self.context())
  }

  /// A fresh copy each time: templates change the values.
  private static func context() -> Scope {
    let file = folder.appending(path: "recorded/context.json")
    guard let data = try? Data(contentsOf: file), let value = try? JSONText.value(of: Array(data)),
      let dictionary = dictionary(value)
    else { return Scope() }
    var values: [Symbol: Value] = [:]
    for (key, value) in dictionary.pairs { values[Symbol(key.asString ?? "")] = value }
    // As Cases/generate.py adds it: there is no other way to a set.
    values["set"] = .function("set") { (arguments, interpreter) throws(TemplateError) in
      var items: [Value] = []
      if let argument = arguments.positional.first { items = try interpreter.iterate(argument) }
      for item in items where !item.isHashable {
        throw TemplateError(.type, id: "jinja.type-error", "unhashable type")
      }
      return .set(SetValue(items))
    }
    return DictionaryScope(values)
  }
}
