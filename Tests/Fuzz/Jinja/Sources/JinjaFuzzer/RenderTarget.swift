import SectoralJinja
import SectoralText

/// Any bytes as a template: it renders, or ends in an error, within bounds.
///
/// The first byte chooses options.
func fuzzRender(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let flags = start[0]
  var options = Options()
  options.trimBlocks = flags & 1 != 0
  options.lstripBlocks = flags & 2 != 0
  options.undefined =
    switch flags >> 2 & 7 {
    case 0: .strict
    case 1: .chainable
    case 2: .debug
    case 3: .silent
    default: .standard
    }
  options.limits.steps = 200_000
  options.limits.outputBytes = 1 << 20
  options.limits.repetition = 1 << 18
  options.limits.rangeSize = 10_000
  options.limits.integerBits = 1 << 14
  options.limits.allocation = 64 << 20
  let text = UnsafeBufferPointer(start: start + 1, count: count - 1)
  let file = SourceFile(path: "input", bytes: Array(text))
  // The template can include, import and extend itself.
  let holder = Holder()
  let environment = Environment(options) { (name) throws(TemplateError) in
    name == "input" || name.isEmpty ? holder.template : nil
  }
  guard let template = try? environment.compile(file) else { return 0 }
  holder.template = template
  defer { holder.template = nil }
  let interpreter = Interpreter(environment)
  do {
    if flags & 32 != 0 {
      let value = try interpreter.evaluate(template, scope: scope())
      _ = try interpreter.repr(value)
    } else {
      _ = try interpreter.render(template, scope: scope())
    }
  } catch {
    guard !error.diagnostic.message.isEmpty else { fatalError("an error without a message") }
  }
  return 0
}

/// One thread only.
private final class Holder: @unchecked Sendable {
  var template: Template?
}

private func scope() -> Scope {
  DictionaryScope([
    "n": .int(3), "x": .float(1.5), "s": .string("some text"), "u": .string("é😀ß"),
    "big": .int(.max), "small": .int(.min), "yes": .bool(true), "nothing": .none,
    "list": .list([.int(1), .string("two"), .none, .list([.float(3)])]),
    "pairs": .list([.tuple([.string("a"), .int(1)]), .tuple([.string("b"), .int(2)])]),
    "d": .dict([("a", .int(1)), ("b", .list([.int(2)]))]),
    "rows": .list((0..<3).map { .dict([("id", .int($0)), ("name", .string("row \($0)"))]) }),
    "set": .set(SetValue([.int(1), .string("a")])),
    "f": .function("f") { (arguments, _) throws(TemplateError) in
      arguments.positional.first ?? .none
    },
  ])
}
