import SectoralJinja
import SectoralText

/// Many templates, one request a line, as tests against Jinja itself ask for them.
///
/// A request is `{"template": "…", "templates": {"name": "…"}, "context": {…}, "options": {…}}`, of
/// which all but the template may be absent; the answer is `{"output": "…"}` or `{"error": {"kind":
/// "…", "message": "…", "template": "…", "line": 1, "column": 1}}`. Templates of the request are found
/// by `include`, `import` and `extends`; the one rendered is called `template` in errors.
enum Batch {
  /// A request that is none.
  private struct Refusal: Error {
    let message: String
  }

  static func run() {
    while let line = readLine() {
      guard !line.isEmpty else { continue }
      System.write(answer(Array(line.utf8)) + "\n")
    }
  }

  private static func answer(_ line: [UInt8]) -> String {
    let request: DictValue
    do throws(JSONText.Failure) {
      guard case .dict(let dictionary) = try JSONText.value(of: line) else {
        return error("BadRequest", "a request is a JSON object", at: nil)
      }
      request = dictionary
    } catch let failure {
      return error("BadRequest", failure.message, at: nil)
    }
    do throws(Refusal) {
      return try answer(request)
    } catch let refusal {
      return error("BadRequest", refusal.message, at: nil)
    }
  }

  private static func answer(_ request: DictValue) throws(Refusal) -> String {
    guard let template = request["template"]?.asString else {
      throw Refusal(message: "'template' is missing, or no text")
    }
    let context = try dictionary(request, "context")
    let (options, isNative, hasModules) = try options(of: request)
    if hasModules { ContextData.addModules(to: context) }
    var sources: [String: String] = [:]
    for (name, text) in try dictionary(request, "templates").pairs {
      guard let name = name.asString, let text = text.asString else {
        throw Refusal(message: "'templates' maps names to texts")
      }
      sources[name] = text
    }
    let texts = sources
    let environment = TemplateLoader.environment(options) { name in
      texts[name].map { SourceFile(path: name, text: $0) }
    }
    let scope = ContextData.scope(context)
    do throws(TemplateError) {
      let compiled = try environment.compile(SourceFile(path: "template", text: template))
      let interpreter = Interpreter(environment)
      let output =
        isNative
        ? try interpreter.repr(interpreter.evaluate(compiled, scope: scope))
        : try interpreter.render(compiled, scope: scope)
      return "{\"output\": \(JSONWriter.quoted(output))}"
    } catch let failure {
      let diagnostic = failure.diagnostic
      return error(failure.kind.rawValue, diagnostic.message, at: diagnostic.span)
    }
  }

  private static func dictionary(
    _ request: DictValue,
    _ name: String
  )
    throws(Refusal) -> DictValue
  {
    switch request[name] {
    case nil, .none?: return DictValue()
    case .dict(let dictionary)?: return dictionary
    default: throw Refusal(message: "'\(name)' is not an object")
    }
  }

  private static func options(
    of request: DictValue
  ) throws(Refusal) -> (options: Options, isNative: Bool, hasModules: Bool) {
    var options = Options()
    var isNative = false
    var hasModules = false
    for (key, value) in try dictionary(request, "options").pairs {
      let name = key.asString ?? ""
      func flag() throws(Refusal) -> Bool {
        guard case .bool(let bool) = value else {
          throw Refusal(message: "option '\(name)' is true or false")
        }
        return bool
      }
      switch name {
      case "trim_blocks": options.trimBlocks = try flag()
      case "lstrip_blocks": options.lstripBlocks = try flag()
      case "keep_trailing_newline": options.keepTrailingNewline = try flag()
      case "autoescape": options.autoescape = try flag()
      case "native": isNative = try flag()
      case "modules": hasModules = try flag()
      case "undefined":
        guard let kind = value.asString.flatMap(UndefinedKind.init(option:)) else {
          throw Refusal(
            message: "option 'undefined' is one of default, strict, chainable, debug, silent"
          )
        }
        options.undefined = kind
      default: throw Refusal(message: "there is no option '\(name)'")
      }
    }
    return (options, isNative, hasModules)
  }

  private static func error(_ kind: String, _ message: String, at span: TextSpan?) -> String {
    var place = "\"template\": null, \"line\": null, \"column\": null"
    if let span {
      let (line, column) = span.position
      place =
        "\"template\": \(JSONWriter.quoted(span.file.path)), "
        + "\"line\": \(line), \"column\": \(column)"
    }
    return "{\"error\": {\"kind\": \(JSONWriter.quoted(kind)), "
      + "\"message\": \(JSONWriter.quoted(message)), \(place)}}"
  }
}
