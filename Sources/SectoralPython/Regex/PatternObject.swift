package import SectoralJinja

/// A compiled pattern.
package final class PatternObject: PythonObject {
  let pattern: RegexPattern

  package init(_ pattern: RegexPattern) {
    self.pattern = pattern
    super.init()
  }

  package override var typeName: String { "re.Pattern" }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let names = [
      (RegexPattern.ignoreCase, "re.IGNORECASE"), (RegexPattern.multiline, "re.MULTILINE"),
      (RegexPattern.dotAll, "re.DOTALL"), (RegexPattern.verbose, "re.VERBOSE"),
      (RegexPattern.ascii, "re.ASCII"),
    ].filter { pattern.flags & $0.0 != 0 }.map(\.1)
    let flags = names.isEmpty ? "" : ", " + names.joined(separator: "|")
    return "re.compile(\(try interpreter.repr(.string(pattern.source)))\(flags))"
  }

  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(PatternObject.self)?.pattern else { return false }
    return other.source == pattern.source && other.flags == pattern.flags
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(pattern.source)
    return true
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "pattern": return .string(pattern.source)
    case "flags":
      let isASCII = pattern.flags & RegexPattern.ascii != 0
      return .int(pattern.flags | (isASCII ? 0 : RegexPattern.unicode))
    case "groups": return .int(pattern.groupCount)
    case "groupindex": return .dict(pattern.names.map { ($0.name, .int($0.group)) })
    case "match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        try self.run(text, arguments, interpreter)
      }
    default: return nil
    }
  }

  // MARK: Methods

  func run(
    _ method: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    switch method {
    case "sub", "subn":
      let bound = try CallArguments(method, arguments, ["repl", "string", "count"], required: 2)
      return try substitute(method, bound, interpreter)
    case "split":
      let bound = try CallArguments(method, arguments, ["string", "maxsplit"], required: 1)
      return try split(subject(bound, 0), limit: bound.int(1))
    default:
      let bound = try CallArguments(method, arguments, ["string", "pos", "endpos"], required: 1)
      let subject = try subject(bound, 0)
      let start = subject.byteOffset(of: bound[1] == nil ? 0 : try bound.int(1))
      let end = subject.byteOffset(of: bound[2] == nil ? .max : try bound.int(2))
      return try find(method, subject, start, end)
    }
  }

  private func subject(
    _ arguments: CallArguments,
    _ index: Int
  ) throws(TemplateError)
    -> RegexSubject
  {
    guard let text = arguments.value(index).asString else {
      throw .typeError(
        "expected string or bytes-like object, got '\(arguments.value(index).typeName)'"
      )
    }
    return RegexSubject(text)
  }

  private func find(
    _ method: String,
    _ subject: RegexSubject,
    _ start: Int,
    _ end: Int
  )
    throws(TemplateError) -> Value
  {
    switch method {
    case "findall":
      return .list(
        try matches(subject, from: start, to: end).map { spans in
          switch spans.count {
          case 1: .string(subject.text(spans[0]))
          case 2: .string(subject.text(spans[1]))
          default: .tuple(spans.dropFirst().map { .string(subject.text($0)) })
          }
        }
      )
    case "finditer":
      return .object(
        IteratorObject(
          "callable_iterator",
          items: try matches(subject, from: start, to: end).map {
            .object(MatchObject(self, subject, $0, within: start..<max(start, end)))
          }
        )
      )
    default:
      let anchoring: RegexPattern.Anchoring =
        method == "match" ? .start : method == "fullmatch" ? .whole : .anywhere
      guard let spans = try match(subject, start, end, anchoring) else { return .none }
      return .object(MatchObject(self, subject, spans, within: start..<max(start, end)))
    }
  }

  private func match(
    _ subject: RegexSubject,
    _ start: Int,
    _ end: Int,
    _ anchoring: RegexPattern.Anchoring = .anywhere,
    notEmptyAtStart: Bool = false
  ) throws(TemplateError) -> [Range<Int>?]? {
    do throws(RegexPattern.Failure) {
      return try pattern.match(
        subject.bytes,
        from: start,
        to: end,
        anchoring,
        notEmptyAtStart: notEmptyAtStart
      )
    } catch {
      throw .python(.regularExpression, error.message)
    }
  }

  /// All matches one after the other; an empty one may follow a longer one, but not itself.
  private func matches(
    _ subject: RegexSubject,
    from start: Int,
    to end: Int,
    limit: Int = 0
  ) throws(TemplateError) -> [[Range<Int>?]] {
    var found: [[Range<Int>?]] = []
    var position = start
    var wasEmpty = false
    while limit == 0 || found.count < limit {
      guard let spans = try match(subject, position, end, notEmptyAtStart: wasEmpty),
        let whole = spans[0]
      else { break }
      found.append(spans)
      position = whole.upperBound
      wasEmpty = whole.isEmpty
    }
    return found
  }

  private func split(_ subject: RegexSubject, limit: Int) throws(TemplateError) -> Value {
    guard limit >= 0 else { return .list([.string(subject.text)]) }
    var parts: [Value] = []
    var position = 0
    for spans in try matches(subject, from: 0, to: subject.bytes.count, limit: limit) {
      guard let whole = spans[0] else { continue }
      parts.append(.string(subject.text(position..<whole.lowerBound)))
      for span in spans.dropFirst() {
        parts.append(span.map { .string(subject.text($0)) } ?? Value.none)
      }
      position = whole.upperBound
    }
    parts.append(.string(subject.text(position..<subject.bytes.count)))
    return .list(parts)
  }

  private func substitute(
    _ method: String,
    _ arguments: CallArguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let subject = try subject(arguments, 1)
    let limit = try arguments.int(2)
    let found =
      limit < 0 ? [] : try matches(subject, from: 0, to: subject.bytes.count, limit: limit)
    let template = try arguments.value(0).asString.map { text throws(TemplateError) in
      try RegexTemplate(text, pattern)
    }
    var out = ""
    var position = 0
    for spans in found {
      guard let whole = spans[0] else { continue }
      out += subject.text(position..<whole.lowerBound)
      if let template {
        out += template.expanded(subject, spans)
      } else {
        let match = Value.object(
          MatchObject(self, subject, spans, within: 0..<subject.bytes.count)
        )
        let value = try interpreter.call(arguments.value(0), Arguments([match]))
        if !value.isNone { out += try interpreter.string(value) }
      }
      position = whole.upperBound
    }
    out += subject.text(position..<subject.bytes.count)
    return method == "subn" ? .tuple([.string(out), .int(found.count)]) : .string(out)
  }
}

/// A text that is searched, with its bytes.
package final class RegexSubject {
  let text: String
  let bytes: [UInt8]
  private let isASCII: Bool

  package init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
    isASCII = bytes.allSatisfy { $0 < 0x80 }
  }

  func text(_ range: Range<Int>?) -> String {
    range.map { String(decoding: bytes[$0], as: UTF8.self) } ?? ""
  }

  /// Characters before a byte.
  func position(of byteOffset: Int) -> Int {
    isASCII ? byteOffset : bytes[..<byteOffset].count { $0 & 0xC0 != 0x80 }
  }

  /// The byte at which a character begins, clamped.
  func byteOffset(of position: Int) -> Int {
    if position <= 0 { return 0 }
    if isASCII { return min(position, bytes.count) }
    var rest = position
    for (index, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
      if rest == 0 { return index }
      rest -= 1
    }
    return bytes.count
  }
}
