import SectoralJinja
import SectoralText

/// Renders templates from the command line.
@main
struct Jinja {
  private static let usage = """
    usage: jinja TEMPLATE [options]
           jinja --batch < requests.jsonl

    Renders a template file (- for standard input) to standard output. It includes, imports and
    extends files of its own folder.

      -c, --context FILE        names for the template: a mapping in a .yaml, .yml or JSON file;
                                may be given again, later files win
      -D, --define NAME=VALUE   one more name; the value is read as YAML: 3, true, [1, 2], text
      --strict                  a name that is not defined is an error wherever it is used
      --undefined KIND          default, strict, chainable, debug (prints {{ name }}), silent
      --native                  a template that is one expression gives its value, as repr
      --autoescape              escape what is put out for HTML
      --trim-blocks             drop the line end behind a block tag
      --lstrip-blocks           drop the blanks before a block tag that begins a line
      --keep-trailing-newline   keep the template's last line end
      --modules                 add 'modules', dbt's mapping of Python modules (datetime, pytz,
                                re, itertools), and the constructor 'Decimal'
      --batch                   answer requests, one JSON object a line:
                                {"template": "...", "templates": {"name": "..."},
                                 "context": {...}, "options": {"trim_blocks": true, ...}}
                                with {"output": "..."} or {"error": {"kind": "...",
                                "message": "...", "template": "...", "line": 1, "column": 1}}.
                                Options are those above, spelt with underscores.

    Ends with 2, and says where, when the template has a mistake.

    examples:
      jinja model.sql --context ctx.yaml --define schema=dev --strict
      echo '{{ 2 ** 100 }}' | jinja -
    """

  /// What the arguments ask for.
  private struct Request {
    var path: String?
    var options = Options()
    let context = DictValue()
    var definitions: [(name: String, value: Value)] = []
    var isNative = false
    var hasModules = false
  }

  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.contains("--help") || arguments.contains("-h") {
      System.write(usage + "\n")
    } else if arguments == ["--batch"] {
      Batch.run()
    } else {
      run(request(Array(arguments)))
    }
  }

  private static func request(_ arguments: [String]) -> Request {
    var request = Request()
    var arguments = arguments[...]
    while let argument = arguments.popFirst() {
      func value() -> String {
        guard let value = arguments.popFirst() else { System.fail("\(argument) needs a value") }
        return value
      }
      switch argument {
      case "--strict": request.options.undefined = .strict
      case "--undefined":
        let name = value()
        guard let kind = UndefinedKind(option: name) else {
          System.fail("--undefined is default, strict, chainable, debug or silent, not '\(name)'")
        }
        request.options.undefined = kind
      case "--trim-blocks": request.options.trimBlocks = true
      case "--lstrip-blocks": request.options.lstripBlocks = true
      case "--keep-trailing-newline": request.options.keepTrailingNewline = true
      case "--autoescape": request.options.autoescape = true
      case "--native": request.isNative = true
      case "--modules": request.hasModules = true
      case "--context", "-c":
        for (key, value) in ContextData.read(value()).pairs { request.context[key] = value }
      case "--define", "-D":
        let parts = value().split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { System.fail("--define needs NAME=VALUE") }
        let name = String(parts[0])
        request.definitions.append((name, ContextData.defined(name, String(parts[1]))))
      default:
        guard request.path == nil, argument == "-" || !argument.hasPrefix("-") else {
          System.fail("unknown argument '\(argument)'; jinja --help lists what there is")
        }
        request.path = argument
      }
    }
    return request
  }

  private static func run(_ request: Request) {
    guard let path = request.path else { System.fail(usage) }
    guard let bytes = System.read(path) else { System.fail("cannot read '\(path)'") }
    for (name, value) in request.definitions { request.context[name] = value }
    if request.hasModules { ContextData.addModules(to: request.context) }
    let file = SourceFile(path: path, bytes: bytes)
    let scope = ContextData.scope(request.context)
    var folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    if folder.isEmpty { folder = path.hasPrefix("/") ? "" : "." }
    let base = folder
    let environment = TemplateLoader.environment(request.options) { name in
      // Includes stay inside the template's folder.
      guard !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
        let bytes = System.read(base + "/" + name)
      else { return nil }
      return SourceFile(path: base == "." ? name : base + "/" + name, bytes: bytes)
    }
    do throws(TemplateError) {
      let (template, mistakes) = environment.parse(file)
      guard mistakes.isEmpty else {
        var shown = mistakes.prefix(20).map { DiagnosticFormatter().format($0) }
        if mistakes.count > shown.count {
          shown.append("and \(mistakes.count - shown.count) more mistakes")
        }
        System.fail(shown.joined(separator: "\n\n"))
      }
      let interpreter = Interpreter(environment)
      if request.isNative {
        let value = try interpreter.evaluate(template, scope: scope)
        System.write(try interpreter.repr(value) + "\n")
      } else {
        System.write(try interpreter.render(template, scope: scope))
      }
    } catch {
      System.fail(DiagnosticFormatter().format(error.diagnostic))
    }
  }
}
