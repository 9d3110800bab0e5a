import SectoralJinja
import SectoralText

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Our side of Benchmarks/jinja/bench.py: reads requests as lines of JSON, and answers each.
///
///     {"template": "...", "context": {...}}         → {"output": "..."}
///     {"measure": "render", "repetitions": 100}      → {"nanoseconds": 1234, "allocations": 56}
///
/// What is measured is `compile`, `render` or `both`, of the template given last: CPU time, and what
/// malloc was asked for (null unless allocations.c is preloaded), of all repetitions together.
@main
struct JinjaBenchmark {
  private let environment = Environment()
  private let interpreter: Interpreter
  private var file = SourceFile(path: "template", text: "")
  private var template: Template?
  private var scope = Scope()

  private init() { interpreter = Interpreter(environment) }

  static func main() throws {
    var benchmark = JinjaBenchmark()
    while let line = readLine() {
      guard case .dict(let request) = try JSONText.value(of: Array(line.utf8)) else {
        throw BadRequest()
      }
      let answer = Value.dict(try benchmark.answer(request))
      print(try JSONText.text(of: answer, benchmark.interpreter))
      fflush(nil)
    }
  }

  private struct BadRequest: Error {}

  private mutating func answer(_ request: DictValue) throws -> [(String, Value)] {
    if let text = request["template"]?.asString {
      file = SourceFile(path: "template", text: text)
      var values: [Symbol: Value] = [:]
      if case .dict(let context)? = request["context"] {
        for (name, value) in context.pairs { values[Symbol(name.asString ?? "")] = value }
      }
      scope = DictionaryScope(values)
      let template = try environment.compile(file)
      self.template = template
      return [("output", .string(try interpreter.render(template, scope: scope)))]
    }
    guard let template, case .int(let repetitions)? = request["repetitions"] else {
      throw BadRequest()
    }
    let before = Self.allocations()
    let start = Self.processorTime()
    switch request["measure"]?.asString {
    case "compile":
      for _ in 0..<repetitions { _ = try environment.compile(file) }
    case "render":
      for _ in 0..<repetitions { _ = try interpreter.render(template, scope: scope) }
    case "both":
      for _ in 0..<repetitions {
        _ = try interpreter.render(environment.compile(file), scope: scope)
      }
    default: throw BadRequest()
    }
    let nanoseconds = Self.processorTime() - start
    return [
      ("nanoseconds", .int(nanoseconds)),
      ("allocations", before.flatMap { a in Self.allocations().map { .int($0 - a) } } ?? .none),
    ]
  }

  private static func processorTime() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
  }

  /// The counter of allocations.c, when that is preloaded.
  private static let counter = dlsym(nil, "allocation_count").map {
    unsafeBitCast($0, to: (@convention(c) () -> Int).self)
  }

  private static func allocations() -> Int? { counter.map { $0() } }
}
