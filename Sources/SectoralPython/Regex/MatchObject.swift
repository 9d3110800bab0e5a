package import SectoralJinja

/// A match.
package final class MatchObject: PythonObject {
  private let pattern: PatternObject
  private let subject: RegexSubject
  private let spans: [Range<Int>?]
  /// Where the search was allowed to look.
  private let limits: Range<Int>

  package init(
    _ pattern: PatternObject,
    _ subject: RegexSubject,
    _ spans: [Range<Int>?],
    within limits: Range<Int>
  ) {
    self.pattern = pattern
    self.subject = subject
    self.spans = spans
    self.limits = limits
    super.init()
  }

  package override var typeName: String { "re.Match" }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let (start, end) = positions(0)
    return "<re.Match object; span=(\(start), \(end)), match="
      + "\(try interpreter.repr(group(0)))>"
  }

  private func group(_ index: Int, default fallback: Value = .none) -> Value {
    spans[index].map { .string(subject.text($0)) } ?? fallback
  }

  private func positions(_ index: Int) -> (start: Int, end: Int) {
    guard let span = spans[index] else { return (-1, -1) }
    return (subject.position(of: span.lowerBound), subject.position(of: span.upperBound))
  }

  private func known(_ key: Value) -> Int? {
    if let number = key.pythonInt, spans.indices.contains(number) { return number }
    if let name = key.asString, let known = pattern.pattern.names.first(where: { $0.name == name })
    {
      return known.group
    }
    return nil
  }

  private func index(_ key: Value) throws(TemplateError) -> Int {
    if let index = known(key) { return index }
    throw .python(.index, "no such group")
  }

  /// The group that was closed last: of those that end farthest, the one whose parenthesis closes
  /// last in the pattern.
  private var lastGroup: Int? {
    let order = pattern.pattern.closingOrder
    return spans.indices.dropFirst().filter { spans[$0] != nil }.max {
      let (a, b) = (spans[$0]?.upperBound ?? 0, spans[$1]?.upperBound ?? 0)
      return a == b ? (order[$0] ?? 0) < (order[$1] ?? 0) : a < b
    }
  }

  package override func item(
    _ key: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    // Outside of the groups there is nothing, as Jinja takes an IndexError for.
    known(key).map { group($0) }
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    let make: (@escaping NativeBody) -> Value = { .function(text, $0) }
    switch text {
    case "string": return .string(subject.text)
    case "re": return .object(pattern)
    case "pos": return .int(subject.position(of: limits.lowerBound))
    case "endpos": return .int(subject.position(of: limits.upperBound))
    case "lastindex": return lastGroup.map(Value.int) ?? Value.none
    case "lastgroup":
      let last = lastGroup
      return .text(pattern.pattern.names.first { $0.group == last }?.name)
    case "regs":
      return .tuple(
        spans.indices.map {
          let (start, end) = positions($0)
          return .tuple([.int(start), .int(end)])
        }
      )
    case "group":
      return make { arguments, _ throws(TemplateError) in
        switch arguments.positional.count {
        case 0: return self.group(0)
        case 1: return self.group(try self.index(arguments.positional[0]))
        default:
          var groups: [Value] = []
          for key in arguments.positional { groups.append(self.group(try self.index(key))) }
          return .tuple(groups)
        }
      }
    case "groups":
      return make { arguments, _ throws(TemplateError) in
        let fallback = try CallArguments(text, arguments, ["default"]).value(0)
        return .tuple(self.spans.indices.dropFirst().map { self.group($0, default: fallback) })
      }
    case "groupdict":
      return make { arguments, _ throws(TemplateError) in
        let fallback = try CallArguments(text, arguments, ["default"]).value(0)
        return .dict(
          self.pattern.pattern.names.map { ($0.name, self.group($0.group, default: fallback)) }
        )
      }
    case "start", "end", "span":
      return make { arguments, _ throws(TemplateError) in
        let key = try CallArguments(text, arguments, ["group"])[0] ?? .int(0)
        let (start, end) = self.positions(try self.index(key))
        return text == "start"
          ? .int(start) : text == "end" ? .int(end) : .tuple([.int(start), .int(end)])
      }
    case "expand":
      return make { arguments, _ throws(TemplateError) in
        let template = try CallArguments(text, arguments, ["template"], required: 1).string(0)
        return .string(
          try RegexTemplate(template, self.pattern.pattern).expanded(self.subject, self.spans)
        )
      }
    default: return nil
    }
  }
}
