import SectoralJinja

/// `modules.re`.
final class RegexModule: MappingObject {
  private var compiled: [String: RegexPattern] = [:]

  override var keys: [String] {
    Self.flags.keys.sorted() + [
      "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile",
      "purge", "template", "escape", "error", "Pattern", "Match", "RegexFlag",
    ]
  }

  private static let flags: [String: Int] = [
    "A": 256, "ASCII": 256, "I": 2, "IGNORECASE": 2, "L": 4, "LOCALE": 4, "M": 8, "MULTILINE": 8,
    "S": 16, "DOTALL": 16, "X": 64, "VERBOSE": 64, "U": 32, "UNICODE": 32, "NOFLAG": 0,
  ]

  override func member(_ text: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    if let flag = Self.flags[text] { return .int(flag) }
    let make: (@escaping NativeBody) -> Value = { .function(text, $0) }
    switch text {
    case "compile", "template":
      return make { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["pattern", "flags"], required: 1)
        return .object(try self.pattern(arguments.value(0), flags: arguments.int(1)))
      }
    case "escape":
      return make { arguments, _ throws(TemplateError) in
        let text = try CallArguments(text, arguments, ["pattern"], required: 1).string(0)
        return .string(Self.escaped(text))
      }
    case "purge":
      return make { _, _ throws(TemplateError) in
        self.compiled = [:]
        return .none
      }
    case "match", "fullmatch", "search", "findall", "finditer":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(text, arguments, ["pattern", "string", "flags"], required: 2)
        let pattern = try self.pattern(bound.value(0), flags: bound.int(2))
        return try pattern.run(text, Arguments([bound.value(1)]), interpreter)
      }
    case "sub", "subn":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(
          text,
          arguments,
          ["pattern", "repl", "string", "count", "flags"],
          required: 3
        )
        let pattern = try self.pattern(bound.value(0), flags: bound.int(4))
        return try pattern.run(
          text,
          Arguments([bound.value(1), bound.value(2), bound[3] ?? .int(0)]),
          interpreter
        )
      }
    case "split":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(
          text,
          arguments,
          ["pattern", "string", "maxsplit", "flags"],
          required: 2
        )
        let pattern = try self.pattern(bound.value(0), flags: bound.int(3))
        return try pattern.run(
          text,
          Arguments([bound.value(1), bound[2] ?? .int(0)]),
          interpreter
        )
      }
    case "error", "Pattern", "Match", "RegexFlag":
      return .object(ClassName(inModule: "re", name: text))
    default: return nil
    }
  }

  private func pattern(_ value: Value, flags: Int) throws(TemplateError) -> PatternObject {
    if let pattern = value.object(PatternObject.self) {
      guard flags == 0 else {
        throw .valueError("cannot process flags argument with a compiled pattern")
      }
      return pattern
    }
    guard let source = value.asString else {
      throw .typeError("first argument must be string or compiled pattern")
    }
    let key = "\(flags):\(source)"
    if let known = compiled[key] { return PatternObject(known) }
    do throws(RegexPattern.Failure) {
      let pattern = try RegexPattern(source, flags: flags)
      if compiled.count >= 512 { compiled = [:] }
      compiled[key] = pattern
      return PatternObject(pattern)
    } catch {
      throw .python(.regularExpression, error.message)
    }
  }

  static func escaped(_ text: String) -> String {
    let special: Set<Unicode.Scalar> = [
      "(", ")", "[", "]", "{", "}", "?", "*", "+", "-", "|", "^", "$", "\\", ".", "&", "~", "#",
      " ", "\t", "\n", "\r", "\u{0B}", "\u{0C}",
    ]
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if special.contains(scalar) { out.append("\\") }
      out.append(scalar)
    }
    return String(out)
  }
}

/// A compiled pattern.
final class PatternObject: ContextObject {
  let pattern: RegexPattern

  init(_ pattern: RegexPattern) {
    self.pattern = pattern
    super.init()
  }

  override var typeName: String { "re.Pattern" }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let names = [
      (RegexPattern.ignoreCase, "re.IGNORECASE"), (RegexPattern.multiline, "re.MULTILINE"),
      (RegexPattern.dotAll, "re.DOTALL"), (RegexPattern.verbose, "re.VERBOSE"),
      (RegexPattern.ascii, "re.ASCII"),
    ].filter { pattern.flags & $0.0 != 0 }.map(\.1)
    let flags = names.isEmpty ? "" : ", " + names.joined(separator: "|")
    return "re.compile(\(try interpreter.repr(.string(pattern.source)))\(flags))"
  }

  override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(PatternObject.self)?.pattern else { return false }
    return other.source == pattern.source && other.flags == pattern.flags
  }

  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(pattern.source)
    return true
  }

  override func attribute(
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
            .object(MatchObject(self, subject, $0))
          }
        )
      )
    default:
      let anchoring: RegexPattern.Anchoring =
        method == "match" ? .start : method == "fullmatch" ? .whole : .anywhere
      guard let spans = try match(subject, start, end, anchoring) else { return .none }
      return .object(MatchObject(self, subject, spans))
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
        let match = Value.object(MatchObject(self, subject, spans))
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
final class RegexSubject {
  let text: String
  let bytes: [UInt8]
  private let isASCII: Bool

  init(_ text: String) {
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

/// A replacement: text with references to groups.
struct RegexTemplate {
  private enum Part {
    case text(String)
    case group(Int)
  }
  private var parts: [Part] = []

  init(_ source: String, _ pattern: RegexPattern) throws(TemplateError) {
    let scalars = Array(source.unicodeScalars)
    var literal = String.UnicodeScalarView()
    var index = 0
    func fail(_ message: String) -> TemplateError {
      .python(.regularExpression, "\(message) at position \(index)")
    }
    func group(_ number: Int) throws(TemplateError) -> Part {
      guard number <= pattern.groupCount else { throw fail("invalid group reference \(number)") }
      return .group(number)
    }
    func flush(_ parts: inout [Part]) {
      if !literal.isEmpty { parts.append(.text(String(literal))) }
      literal = String.UnicodeScalarView()
    }
    while index < scalars.count {
      guard scalars[index] == "\\" else {
        literal.append(scalars[index])
        index += 1
        continue
      }
      guard index + 1 < scalars.count else { throw fail("bad escape (end of pattern)") }
      let letter = scalars[index + 1]
      switch letter {
      case "g":
        guard index + 2 < scalars.count, scalars[index + 2] == "<",
          let end = scalars[(index + 3)...].firstIndex(of: ">")
        else { throw fail("missing <") }
        let name = String(String.UnicodeScalarView(scalars[(index + 3)..<end]))
        flush(&parts)
        if let number = Int(name) {
          parts.append(try group(number))
        } else if let known = pattern.names.first(where: { $0.name == name }) {
          parts.append(.group(known.group))
        } else {
          throw .python(.index, "unknown group name '\(name)'")
        }
        index = end + 1
        continue
      case "1"..."9":
        var number = Int(letter.value) - 48
        var length = 2
        if index + 2 < scalars.count, ("0"..."9").contains(scalars[index + 2]) {
          number = number * 10 + Int(scalars[index + 2].value) - 48
          length = 3
        }
        flush(&parts)
        parts.append(try group(number))
        index += length
        continue
      case "0": literal.append("\0")
      case "n": literal.append("\n")
      case "t": literal.append("\t")
      case "r": literal.append("\r")
      case "a": literal.append("\u{07}")
      case "b": literal.append("\u{08}")
      case "f": literal.append("\u{0C}")
      case "v": literal.append("\u{0B}")
      case "\\": literal.append("\\")
      case "a"..."z", "A"..."Z": throw fail("bad escape \\\(letter)")
      default: literal.append(contentsOf: ["\\", letter])
      }
      index += 2
    }
    flush(&parts)
  }

  func expanded(_ subject: RegexSubject, _ spans: [Range<Int>?]) -> String {
    var out = ""
    for part in parts {
      switch part {
      case .text(let text): out += text
      case .group(let number): out += subject.text(spans[number])
      }
    }
    return out
  }
}

/// A match.
final class MatchObject: ContextObject {
  private let pattern: PatternObject
  private let subject: RegexSubject
  private let spans: [Range<Int>?]

  init(_ pattern: PatternObject, _ subject: RegexSubject, _ spans: [Range<Int>?]) {
    self.pattern = pattern
    self.subject = subject
    self.spans = spans
    super.init()
  }

  override var typeName: String { "re.Match" }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
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

  private func index(_ key: Value) throws(TemplateError) -> Int {
    if let number = key.pythonInt, spans.indices.contains(number) { return number }
    if let name = key.asString, let known = pattern.pattern.names.first(where: { $0.name == name })
    {
      return known.group
    }
    throw .python(.index, "no such group")
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    group(try index(key))
  }

  override func attribute(
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
    case "pos": return .int(0)
    case "endpos": return .int(subject.position(of: subject.bytes.count))
    case "lastindex":
      return spans.indices.dropFirst().last { spans[$0] != nil }.map(Value.int) ?? Value.none
    case "lastgroup":
      let last = spans.indices.dropFirst().last { spans[$0] != nil }
      return .text(pattern.pattern.names.first { $0.group == last }?.name)
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
