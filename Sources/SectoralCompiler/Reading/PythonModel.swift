import SectoralJinja
import SectoralProject
import SectoralText

/// What a model in Python says to dbt: its calls of `dbt.ref`, `dbt.source`, `dbt.config`,
/// `dbt.config.get` and `dbt.config.meta_get`, in the order of the text. Python is not run: arguments
/// must be literals.
struct PythonModel {
  struct Call {
    /// `ref`, `source`, `config`, `get` or `meta_get`.
    let function: String
    /// As a template writes them: keywords with their names, comments gone, texts in its quotes.
    let arguments: [String]
    let span: TextSpan
  }

  private(set) var calls: [Call] = []
  private let span: TextSpan
  private let tokens: [PythonToken]

  /// `span`: of the code in its file.
  init(_ span: TextSpan) throws(Failure) {
    self.span = span
    tokens = try PythonToken.all(in: span)
    guard !tokens.isEmpty else { return }
    try checkDefinition()
    var index = 0
    while index < tokens.count {
      if let call = try call(at: &index) { calls.append(call) } else { index += 1 }
    }
  }

  /// Notes the calls in the context of the node, as the same calls in a template.
  func note(
    in context: ParseContext,
    _ environment: Environment,
    _ interpreter: Interpreter
  ) throws(TemplateError) {
    func evaluate(_ text: String, at place: TextSpan) throws(TemplateError) {
      context.referencePlace = place
      defer { context.referencePlace = nil }
      let template = try environment.compile(
        SourceFile(path: place.file.path, text: "{{ \(text) }}")
      )
      _ = try context.hosting { () throws(TemplateError) in
        try interpreter.render(template, scope: context, undefined: .silent)
      }
    }
    for call in calls where !call.function.hasSuffix("get") {
      try evaluate("\(call.function)(\(call.arguments.joined(separator: ", ")))", at: call.span)
    }
    // The answers to these come with the compiled model.
    let asked = calls.filter { $0.function.hasSuffix("get") }
    guard let first = asked.first else { return }
    let lists = ["config": "get", "meta": "meta_get"].sorted { $0.key < $1.key }.map { kind, name in
      let own = asked.filter { $0.function == name }.map(\.arguments)
      let defaults = own.map { $0.count > 1 ? $0[1] : "none" }
      return "\(kind)_keys_used=[\(own.map { $0[0] }.joined(separator: ", "))], "
        + "\(kind)_keys_defaults=[\(defaults.joined(separator: ", "))]"
    }
    try evaluate("config(\(lists.joined(separator: ", ")))", at: first.span)
  }

  // MARK: Reading

  private func problem(_ id: String, _ message: String, at place: TextSpan? = nil) -> Failure {
    Failure(.parsing, Diagnostic(id: "python.\(id)", message: message, span: place ?? span))
  }

  /// `def model(dbt, session):` at the margin, once.
  private func checkDefinition() throws(Failure) {
    let places = tokens.indices.filter { index in
      tokens[index].isAtMargin && tokens[index].text == "def" && index + 2 < tokens.count
        && tokens[index + 1].text == "model" && tokens[index + 2].text == "("
    }
    guard places.count == 1, let start = places.first else {
      throw problem(
        "definitions",
        "dbt allows exactly one model defined per python file, found \(places.count)",
        at: places.last.map { tokens[$0].span }
      )
    }
    var names: [String] = []
    var depth = 0
    for index in (start + 2)..<tokens.count {
      let token = tokens[index]
      if "([{".contains(token.text) { depth += 1 }
      if ")]}".contains(token.text) { depth -= 1 }
      if depth == 0 { break }
      let before = tokens[index - 1].text
      if depth == 1, token.kind == .name, before == "(" || before == "," {
        names.append(token.text)
      }
    }
    if let first = names.first, first != "dbt" {
      throw problem(
        "first-parameter",
        "'dbt' not provided for model as the first argument",
        at: tokens[start].span
      )
    }
    guard names.count == 2 else {
      throw problem(
        "parameters",
        "model function should have two args, `dbt` and a session to current warehouse",
        at: tokens[start].span
      )
    }
  }

  private static let paths = [
    ["config", "get"], ["config", "meta_get"], ["ref"], ["source"], ["config"],
  ]

  /// The call that begins at a token; the index is then inside its arguments, which may hold others.
  private func call(at index: inout Int) throws(Failure) -> Call? {
    guard tokens[index].text == "dbt", tokens[index].kind == .name,
      index == 0 || tokens[index - 1].text != "."
    else { return nil }
    for path in Self.paths {
      let words = path.flatMap { [".", $0] } + ["("]
      let end = index + 1 + words.count
      guard end <= tokens.count, tokens[(index + 1)..<end].map(\.text) == words else { continue }
      let place = TextSpan(
        file: span.file,
        start: tokens[index].span.start,
        end: tokens[end - 2].span.end
      )
      let arguments = try arguments(from: end, of: place)
      let name = path[path.count - 1]
      if name.hasSuffix("get"), !(1...2).contains(arguments.count) {
        throw problem(
          "get",
          "dbt.config.\(name)() takes a key and a default (\(arguments.count) arguments given)",
          at: place
        )
      }
      index = end
      return Call(function: name, arguments: arguments, span: place)
    }
    return nil
  }

  private func arguments(from start: Int, of place: TextSpan) throws(Failure) -> [String] {
    var all: [String] = []
    var current: [String] = []
    var depth = 0
    for index in start..<tokens.count {
      let token = tokens[index]
      let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
      switch token.text {
      case ")" where token.kind == .symbol && depth == 0:
        if !current.isEmpty { all.append(current.joined(separator: " ")) }
        return all
      case "," where token.kind == .symbol && depth == 0:
        all.append(current.joined(separator: " "))
        current = []
        continue
      case "(" where token.kind == .symbol, "[" where token.kind == .symbol,
        "{" where token.kind == .symbol:
        depth += 1
      case ")" where token.kind == .symbol, "]" where token.kind == .symbol,
        "}" where token.kind == .symbol:
        depth -= 1
      default: break
      }
      let isKeyword = depth == 0 && current.isEmpty && next == "="
      let isLiteral = ["True", "False", "None"].contains(token.text)
      let isCall =
        token.kind == .symbol && token.text == "(" && index > start
        && tokens[index - 1].kind == .name
      guard token.kind != .formatted, token.kind != .name || isKeyword || isLiteral, !isCall else {
        throw problem(
          "literal",
          "the arguments of dbt.ref(), dbt.source(), dbt.config() and dbt.config.get() must be "
            + "literals, and '\(token.text)' is none",
          at: token.span
        )
      }
      current.append(token.kind == .text ? Self.quoted(token.text) : token.text)
    }
    throw problem("parenthesis", "this '(' is never closed", at: place)
  }

  /// A text in the quotes of templates.
  private static func quoted(_ text: String) -> String {
    var out = "'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'": out += "\\'"
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "'"
  }
}
