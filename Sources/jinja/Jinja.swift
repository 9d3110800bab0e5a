import SectoralJinja
import SectoralPython
import SectoralText

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// `jinja model.sql --context ctx.json --define k=v --strict`, and `jinja --batch` for JSON lines.
@main
struct Jinja {
  static let usage = """
    usage: jinja TEMPLATE [--context FILE.json] [--define NAME=VALUE]... [--strict]
                 [--trim-blocks] [--lstrip-blocks] [--keep-trailing-newline] [--modules]
           jinja --batch < requests.jsonl

    Renders a template (- for standard input). With --batch each line of the input is an object
    {"template": "...", "templates": {"name": "..."}, "context": {...}, "options": {...}}
    and is answered with {"output": "..."} or {"error": {...}}.

    --modules (in a batch: "options": {"modules": true}) adds 'modules', dbt's mapping of Python
    modules (datetime, pytz, re, itertools), and the constructor 'Decimal'.
    """

  static func main() {
    var arguments = CommandLine.arguments.dropFirst()
    var path: String?
    var options = Options()
    var context = DictValue()
    var definitions: [(String, Value)] = []
    var repetitions: Int?
    var hasModules = false
    while let argument = arguments.popFirst() {
      switch argument {
      case "--batch":
        Batch.run()
        return
      case "--help", "-h":
        print(usage)
        return
      case "--strict": options.undefined = .strict
      case "--trim-blocks": options.trimBlocks = true
      case "--lstrip-blocks": options.lstripBlocks = true
      case "--keep-trailing-newline": options.keepTrailingNewline = true
      case "--modules": hasModules = true
      case "--context", "-c":
        guard let file = arguments.popFirst(), let bytes = read(file) else {
          fail("cannot read the context file")
        }
        do throws(JSONText.Failure) {
          guard case .dict(let dictionary) = try JSONText.value(of: bytes) else {
            fail("\(file): the context must be a JSON object")
          }
          context = dictionary
        } catch {
          let position = SourceFile(path: file, bytes: bytes).position(at: error.offset)
          fail("\(file):\(position.line):\(position.column): \(error.message)")
        }
      case "--define", "-D":
        let parts = (arguments.popFirst() ?? "").split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { fail("--define needs NAME=VALUE") }
        definitions.append((String(parts[0]), .string(String(parts[1]))))
      case "--measure":
        repetitions = arguments.popFirst().flatMap { Int($0) }
      default:
        guard path == nil, argument == "-" || !argument.hasPrefix("-") else {
          fail("unknown argument '\(argument)'\n\(usage)")
        }
        path = argument
      }
    }
    guard let path else { fail(usage) }
    guard let bytes = read(path) else { fail("cannot read '\(path)'") }
    for (name, value) in definitions { context[name] = value }
    if hasModules { Renderer.addModules(to: context) }
    if let repetitions {
      measure(
        SourceFile(path: path, bytes: bytes),
        Renderer.scope(context),
        options,
        repetitions
      )
      return
    }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    render(
      SourceFile(path: path, bytes: bytes),
      Renderer.scope(context),
      options,
      folder: folder.isEmpty ? "." : folder
    )
  }

  private static func render(
    _ file: SourceFile,
    _ scope: Scope,
    _ options: Options,
    folder: String
  ) {
    let holder = EnvironmentHolder()
    let environment = Environment(options) { (name) throws(TemplateError) in
      // Includes stay inside the template's folder.
      guard !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
        let bytes = read(folder + "/" + name)
      else { return nil }
      return try holder.environment?.compile(SourceFile(path: folder + "/" + name, bytes: bytes))
    }
    holder.environment = environment
    do throws(TemplateError) {
      let template = try environment.compile(file)
      write(try Interpreter(environment).render(template, scope: scope))
    } catch {
      fail(DiagnosticFormatter().format(error.diagnostic))
    }
  }

  /// Prints the nanoseconds of a compilation and of a render, each the best of five runs.
  private static func measure(
    _ file: SourceFile,
    _ scope: Scope,
    _ options: Options,
    _ repetitions: Int
  ) {
    let environment = Environment(options)
    let clock = ContinuousClock()
    func best(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> Int64 {
      var best = Int64.max
      for _ in 0..<5 {
        let start = clock.now
        for _ in 0..<repetitions { try body() }
        let (seconds, attoseconds) = (clock.now - start).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        best = min(best, nanoseconds / Int64(max(1, repetitions)))
      }
      return best
    }
    do throws(TemplateError) {
      let template = try environment.compile(file)
      let compile = try best { () throws(TemplateError) in _ = try environment.compile(file) }
      let interpreter = Interpreter(environment)
      let render = try best { () throws(TemplateError) in
        _ = try interpreter.render(template, scope: scope)
      }
      write("{\"compile\": \(compile), \"render\": \(render)}\n")
    } catch {
      fail(DiagnosticFormatter().format(error.diagnostic))
    }
  }

  static func read(_ path: String) -> [UInt8]? {
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { if descriptor != 0 { close(descriptor) } }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = readSome(descriptor, &buffer)
      guard count >= 0 else { return nil }
      if count == 0 { return result }
      result += buffer[..<count]
    }
  }

  private static func readSome(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
    #if canImport(Glibc)
    Glibc.read(descriptor, &buffer, buffer.count)
    #else
    Darwin.read(descriptor, &buffer, buffer.count)
    #endif
  }

  static func write(_ text: String, to descriptor: Int32 = 1) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count, let base = bytes.baseAddress {
        let count = systemWrite(descriptor, base + offset, bytes.count - offset)
        guard count > 0 else { exit(2) }
        offset += count
      }
    }
  }

  private static func systemWrite(
    _ descriptor: Int32,
    _ base: UnsafePointer<UInt8>,
    _ count: Int
  ) -> Int {
    #if canImport(Glibc)
    Glibc.write(descriptor, base, count)
    #else
    Darwin.write(descriptor, base, count)
    #endif
  }

  static func fail(_ message: String) -> Never {
    write(message + "\n", to: 2)
    exit(2)
  }
}

/// The loader needs the environment that needs the loader.
final class EnvironmentHolder: @unchecked Sendable {
  // Set once, before the first template is rendered, on the same thread.
  var environment: Environment?
}

enum Renderer {
  static func addModules(to context: DictValue) {
    context["modules"] = .object(ModulesObject())
    context["Decimal"] = .object(DecimalClass())
  }

  static func scope(_ context: DictValue) -> Scope {
    var values: [Symbol: Value] = [:]
    for (key, value) in context.pairs {
      if case .string(let name) = key { values[Symbol(name)] = value }
    }
    return DictionaryScope(values)
  }
}

/// Many templates, one per line, as the differential test asks for them.
enum Batch {
  static func run() {
    while let line = readLine() {
      guard !line.isEmpty else { continue }
      Jinja.write(answer(Array(line.utf8)) + "\n")
    }
  }

  private static func answer(_ line: [UInt8]) -> String {
    do throws(JSONText.Failure) {
      guard case .dict(let request) = try JSONText.value(of: line) else {
        return problem("BadRequest", "not an object")
      }
      return answer(request)
    } catch {
      return problem("BadRequest", error.message)
    }
  }

  private static func problem(_ kind: String, _ message: String) -> String {
    "{\"error\": {\"kind\": \(JSONWriter.quoted(kind)), "
      + "\"message\": \(JSONWriter.quoted(message)), \"template\": null, \"line\": null, "
      + "\"column\": null}}"
  }

  private static func answer(_ request: DictValue) -> String {
    var options = Options()
    if case .dict(let wanted)? = request["options"] {
      func flag(_ name: String, _ value: inout Bool) {
        if case .bool(let bool)? = wanted[name] { value = bool }
      }
      flag("trim_blocks", &options.trimBlocks)
      flag("lstrip_blocks", &options.lstripBlocks)
      flag("keep_trailing_newline", &options.keepTrailingNewline)
      switch wanted["undefined"]?.asString {
      case "strict": options.undefined = .strict
      case "chainable": options.undefined = .chainable
      case "debug": options.undefined = .debug
      case "silent": options.undefined = .silent
      default: break
      }
    }
    var sources: [String: String] = [:]
    if case .dict(let templates)? = request["templates"] {
      for (key, value) in templates.pairs { sources[key.asString ?? ""] = value.asString }
    }
    let texts = sources
    let holder = EnvironmentHolder()
    let environment = Environment(options) { (name) throws(TemplateError) in
      guard let text = texts[name] else { return nil }
      return try holder.environment?.compile(SourceFile(path: name, text: text))
    }
    holder.environment = environment
    let file = SourceFile(path: "template", text: request["template"]?.asString ?? "")
    var context = DictValue()
    if case .dict(let given)? = request["context"] { context = given }
    if case .dict(let wanted)? = request["options"], case .bool(true)? = wanted["modules"] {
      Renderer.addModules(to: context)
    }
    let scope = Renderer.scope(context)
    do throws(TemplateError) {
      let template = try environment.compile(file)
      let interpreter = Interpreter(environment)
      if case .bool(true)? = request["native"] {
        let value = try interpreter.evaluate(template, scope: scope)
        return "{\"output\": \(JSONWriter.quoted(try interpreter.repr(value)))}"
      }
      return "{\"output\": "
        + JSONWriter.quoted(try interpreter.render(template, scope: scope)) + "}"
    } catch {
      let diagnostic = error.diagnostic
      let place = diagnostic.span.map { span in
        let (line, column) = span.position
        return "\(JSONWriter.quoted(span.file.path)), \"line\": \(line), \"column\": \(column)"
      }
      return "{\"error\": {\"kind\": \(JSONWriter.quoted(error.kind.rawValue)), "
        + "\"message\": \(JSONWriter.quoted(diagnostic.message)), "
        + "\"template\": \(place ?? "null, \"line\": null, \"column\": null")}}"
    }
  }
}
