import SectoralText

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Turns the text of a template into the arenas of a `ProgramBuilder`, in one pass.
///
/// Text between tags is copied; each tag is lexed into `tokens` as a whole and then parsed by
/// recursive descent. Names are recorded as events for the `NameResolver`. A mistake ends its tag
/// and parsing goes on behind it, so that all of them are reported.
struct Parser {
  /// The file's bytes; `base` to `limit` are the template.
  let bytes: UnsafeBufferPointer<UInt8>
  let base: Int
  let limit: Int
  let file: SourceFile
  let environment: Environment
  let options: Options

  var builder = ProgramBuilder()
  var diagnostics: [Diagnostic] = []
  var events = ContiguousArray<NameEvent>()
  var scopes = ContiguousArray<NameScope>()
  var currentScope: Int32 = 0
  /// Indexes of `builder.functions` being parsed, outermost first.
  var functionStack: [Int32] = []

  /// Where the text goes on.
  var offset: Int
  /// Text up to here, from the last tag's end, belongs to that tag (`-%}`, trim_blocks).
  var lineStarting = true

  /// The tag being parsed, and where in it.
  var tokens = ContiguousArray<Token>()
  var cursor = 0
  /// The token at the cursor; the tag's end once all are taken.
  var current = Token(kind: .end, start: 0, end: 0, value: 0)
  var tagStart = 0
  var isStatementTag = false

  /// Statements and list items waiting for their parent.
  var pending = ContiguousArray<Int32>()
  var depth = 0
  /// How many `if` and inline `if` surround: unknown filters are allowed there until they run.
  var softDepth = 0
  /// What stands here is escaped.
  var escaping = Escaping.off
  var loopDepth = 0
  var nameTable: NameTable
  /// How often `loop` was mentioned: a loop whose body does not mention it needs no loop object.
  var loopMentions = 0
  /// The index of the name `loop`, as the text mentions it.
  var loopName: Int32 = -1
  /// The name of call blocks.
  private var knownCallerName: Int32 = -1

  mutating func callerName() -> Int32 {
    if knownCallerName < 0 { knownCallerName = addName("caller") }
    return knownCallerName
  }
  /// End tags whose beginning had a mistake, not to be reported again.
  var orphanedEnds: [Symbol: Int] = [:]
  /// Names of the filters and tests already referred to.
  var filterIndexes: [Int32: Int32] = [:]
  var testIndexes: [Int32: Int32] = [:]
  /// An end tag was met that is that of a block further out.
  var endsOuterBlock = false
  /// A line, and an offset in it.
  private var knownLine = (number: 1, offset: 0)
  /// The last end tag that fits no block, and what was said of it.
  var lastMismatch: (start: Int, problem: Failure)?
  /// The blocks being parsed, for messages about missing ends.
  var openTags: [(name: String, start: Int, end: Int)] = []

  init(
    file: SourceFile,
    bytes: UnsafeBufferPointer<UInt8>,
    range: Range<Int>,
    environment: Environment
  ) {
    self.file = file
    self.bytes = bytes
    self.environment = environment
    options = environment.options
    base = range.lowerBound
    var limit = range.upperBound
    if !options.keepTrailingNewline, limit > base {
      if bytes[limit - 1] == UInt8(ascii: "\n") {
        limit -= 1
        if limit > base, bytes[limit - 1] == UInt8(ascii: "\r") { limit -= 1 }
      } else if bytes[limit - 1] == UInt8(ascii: "\r") {
        limit -= 1
      }
    }
    self.limit = limit
    offset = base
    let size = limit - base
    builder.nodes.reserveCapacity(16 + size / 8)
    builder.extra.reserveCapacity(16 + size / 16)
    builder.text.reserveCapacity(size)
    events.reserveCapacity(16 + size / 24)
    nameTable = NameTable()
    // Enough for most templates: growing costs more than the memory.
    builder.names.reserveCapacity(24 + size / 128)
    builder.symbols.reserveCapacity(24 + size / 128)
    builder.constants.reserveCapacity(16 + size / 128)
    builder.functions.reserveCapacity(8)
    builder.parameters.reserveCapacity(8)
    scopes.reserveCapacity(16)
    tokens.reserveCapacity(32)
    pending.reserveCapacity(32)
    if options.autoescape { escaping = .on }
  }

  /// A mistake, on its way to the tag that holds it.
  struct Failure: Error {
    let index: Int
  }

  mutating func fail(
    _ message: String,
    id: String = "jinja.syntax",
    at range: Range<Int>,
    hint: String? = nil
  ) -> Failure {
    diagnostics.append(
      Diagnostic(
        id: id,
        message: message,
        span: TextSpan(file: file, start: range.lowerBound, end: range.upperBound),
        hint: hint
      )
    )
    return Failure(index: diagnostics.count - 1)
  }

  mutating func fail(
    _ message: String,
    id: String = "jinja.syntax",
    at token: Token,
    hint: String? = nil
  ) -> Failure {
    fail(message, id: id, at: Int(token.start)..<Int(token.end), hint: hint)
  }

  // MARK: The whole template

  mutating func parseTemplate() {
    builder.functions.append(Function(kind: .root, name: -1))
    functionStack.append(0)
    openScope(function: 0)
    let body = parseStatements(until: [])
    closeScope()
    builder.functions[0].body = body
    builder.functions[0].start = Int32(base)
    builder.functions[0].end = Int32(limit)
    functionStack.removeLast()
  }

  /// For a text that cannot be read: a template without contents.
  mutating func parseNothing() {
    builder.functions.append(Function(kind: .root, name: -1))
    builder.functions[0].body = addNode(.sequence, a: 0, b: 0, start: base, end: base)
  }

  // MARK: Text

  /// Parses statements up to a tag in `ends`, whose name is then the token at the cursor, or to
  /// the end of the text.
  ///
  /// Gives the sequence; `tokens` is empty when the text ended first.
  mutating func parseStatements(until ends: [KnownName]) -> NodeID {
    let mark = pending.count
    let start = offset
    defer { pending.removeLast(pending.count - mark) }
    while true {
      guard let tag = nextTag() else {
        tokens.removeAll(keepingCapacity: true)
        cursor = 0
        break
      }
      switch tag {
      case .comment: continue
      case .output:
        let saved = pending.count
        do throws(Failure) {
          try lexTag(isStatement: false)
          let expression = try parseTuple()
          try expectEnd()
          pending.append(
            addNode(
              escaping == .off ? .output : .outputEscaped,
              flag: escaping.rawValue,
              a: expression,
              start: tagStart,
              end: offset
            )
          )
        } catch {
          pending.removeLast(pending.count - saved)
          blameOpenString(for: error)
          skipTag()
        }
      case .statement:
        let saved = pending.count
        do throws(Failure) {
          try lexTag(isStatement: true)
          let word = current
          guard word.kind == .name else { throw fail("tag name expected", at: word) }
          let symbol = builder.symbols[Int(word.value)]
          if let known = word.known, ends.contains(known) {
            return sequence(from: mark, start: start)
          }
          if let name = definitionEnd, builder.names[Int(word.value)] == name {
            return sequence(from: mark, start: start)
          }
          if let statement = try parseStatement(symbol) { pending.append(statement) }
        } catch {
          pending.removeLast(pending.count - saved)
          if endsOuterBlock {
            endsOuterBlock = false
            offset = tagStart
            return sequence(from: mark, start: start)
          }
          blameOpenString(for: error)
          skipTag()
        }
      }
    }
    return sequence(from: mark, start: start)
  }

  /// What was said of an end tag that fits no block, behind the beginning of the open one: its own
  /// end, if that is missing, is no further mistake.
  func mismatch(behind start: Int) -> Failure? {
    lastMismatch.flatMap { $0.start >= start ? $0.problem : nil }
  }

  /// The line of an offset; cheap for those that come one after the other.
  mutating func line(at offset: Int) -> Int {
    let known = knownLine.offset
    let between = bytes[min(known, offset)..<max(known, offset)].count { $0 == UInt8(ascii: "\n") }
    knownLine = (knownLine.number + (offset < known ? -between : between), offset)
    return knownLine.number
  }

  /// A quote that is missing makes a string of everything up to the next one, and what is wrong shows
  /// far behind: the string is to blame that goes on behind the end of its line's tag.
  private mutating func blameOpenString(for failure: Failure) {
    guard let place = diagnostics[failure.index].span?.start,
      let open = tokens.first(where: { $0.kind == .string && runsOn($0) })?.start, open < place
    else { return }
    let start = Int(open)
    diagnostics[failure.index].span = TextSpan(file: file, start: start, end: start + 1)
    diagnostics[failure.index].hint = Self.closing(bytes[start])
  }

  private func runsOn(_ string: Token) -> Bool {
    let text = bytes[Int(string.start)..<Int(string.end)]
    guard let line = text.firstIndex(of: UInt8(ascii: "\n")) else { return false }
    return zip(text[..<line], text[..<line].dropFirst()).contains {
      $1 == UInt8(ascii: "}") && ($0 == UInt8(ascii: "}") || $0 == UInt8(ascii: "%"))
    }
  }

  static func closing(_ quote: UInt8) -> String {
    "close the string with \(Character(Unicode.Scalar(quote)))"
  }

  /// The end tag of the definition tag being parsed (`endtest`), if that is the innermost block.
  var definitionEnd: String?

  private mutating func sequence(from mark: Int, start: Int) -> NodeID {
    let count = pending.count - mark
    if count == 1 { return pending[mark] }
    let first = builder.extra.count
    builder.extra.append(contentsOf: pending[mark...])
    return addNode(
      .sequence,
      a: Int32(first),
      b: Int32(count),
      start: min(start, limit),
      end: offset
    )
  }

  private enum TagKind { case output, statement, comment }

  /// Takes the text up to the next tag and the tag's opening delimiter.
  private mutating func nextTag() -> TagKind? {
    while true {
      let textStart = offset
      var found = textStart
      search: while true {
        guard found < limit,
          let hit = memchr(bytes.baseAddress! + found, Int32(UInt8(ascii: "{")), limit - found)
        else {
          found = limit
          break
        }
        // memchr found it inside the buffer, so the base address exists.
        found = UnsafeRawPointer(hit) - UnsafeRawPointer(bytes.baseAddress!)
        if found + 1 < limit {
          switch bytes[found + 1] {
          case UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#"): break search
          default: break
          }
        }
        found += 1
      }
      guard found < limit else {
        addText(textStart..<limit)
        offset = limit
        return nil
      }
      let delimiter = bytes[found + 1]
      var textEnd = found
      var inside = found + 2
      let sign = inside < limit ? bytes[inside] : 0
      if sign == UInt8(ascii: "-") {
        textEnd = trimmedEnd(textStart..<found)
        inside += 1
      } else if sign == UInt8(ascii: "+") {
        inside += 1
      } else if options.lstripBlocks, delimiter != UInt8(ascii: "{") {
        textEnd = endWithoutIndentation(textStart..<found)
      }
      addText(textStart..<textEnd)
      tagStart = found
      offset = inside
      switch delimiter {
      case UInt8(ascii: "#"):
        skipComment()
        return .comment
      case UInt8(ascii: "{"):
        return .output
      default:
        if let contents = rawBegin() {
          takeRaw(from: contents)
          continue
        }
        return .statement
      }
    }
  }

  private func trimmedEnd(_ range: Range<Int>) -> Int {
    var end = range.upperBound
    while end > range.lowerBound {
      let width = whitespaceWidth(before: end, from: range.lowerBound)
      if width == 0 { break }
      end -= width
    }
    return end
  }

  private func endWithoutIndentation(_ range: Range<Int>) -> Int {
    var start = range.upperBound
    while start > range.lowerBound {
      let byte = bytes[start - 1]
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return start }
      guard isSpace(byte) else { return range.upperBound }
      start -= 1
    }
    return lineStarting ? start : range.upperBound
  }

  /// Bytes of the whitespace character that ends at `end`; 0 when there is none.
  private func whitespaceWidth(before end: Int, from start: Int) -> Int {
    let byte = bytes[end - 1]
    if byte < 0x80 { return isSpace(byte) ? 1 : 0 }
    var width = 1
    while width < 4, end - width > start, bytes[end - width] & 0xC0 == 0x80 { width += 1 }
    return isUnicodeSpace(at: end - width, width: width) ? width : 0
  }

  func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) || (byte >= 0x1C && byte <= 0x1F)
  }

  func isUnicodeSpace(at start: Int, width: Int) -> Bool {
    guard width > 1, start >= base, start + width <= limit else { return false }
    let text = String(decoding: bytes[start..<start + width], as: UTF8.self)
    return text.unicodeScalars.first.map(isPythonSpace) ?? false
  }

  /// Skips whitespace from `offset` on, as `-%}` asks.
  private mutating func skipSpace() {
    while offset < limit {
      let byte = bytes[offset]
      if byte < 0x80 {
        guard isSpace(byte) else { return }
        offset += 1
      } else {
        var width = 1
        while offset + width < limit, bytes[offset + width] & 0xC0 == 0x80 { width += 1 }
        guard isUnicodeSpace(at: offset, width: width) else { return }
        offset += width
      }
    }
  }

  /// Adds a text node with line ends made `\n`.
  private mutating func addText(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    lineStarting = false
    let first = builder.text.count
    let slice = bytes[range]
    if memchr(bytes.baseAddress! + range.lowerBound, 0x0D, range.count) == nil {
      builder.text.append(contentsOf: slice)
    } else {
      var index = range.lowerBound
      while index < range.upperBound {
        let byte = bytes[index]
        if byte == 0x0D {
          builder.text.append(0x0A)
          if index + 1 < range.upperBound, bytes[index + 1] == 0x0A { index += 1 }
        } else {
          builder.text.append(byte)
        }
        index += 1
      }
    }
    let length = builder.text.count - first
    pending.append(
      addNode(
        .text,
        a: Int32(first),
        b: Int32(length),
        start: range.lowerBound,
        end: range.upperBound
      )
    )
  }

  private mutating func skipComment() {
    var index = offset
    while index + 1 < limit {
      guard let hit = memchr(bytes.baseAddress! + index, Int32(UInt8(ascii: "#")), limit - index)
      else { break }
      index = UnsafeRawPointer(hit) - UnsafeRawPointer(bytes.baseAddress!)
      if index + 1 < limit, bytes[index + 1] == UInt8(ascii: "}") {
        let sign = index > offset ? bytes[index - 1] : 0
        offset = index + 2
        closeTag(sign: sign, trims: options.trimBlocks)
        return
      }
      index += 1
    }
    // Jinja takes an opening that ends the template for nothing.
    guard offset < limit else { return }
    _ = fail(
      "Missing end of comment tag",
      id: "jinja.unclosed-comment",
      at: tagStart..<tagStart + 2,
      hint: "close the comment with '#}'"
    )
    offset = limit
  }

  /// What a closing delimiter does to the text behind it.
  mutating func closeTag(sign: UInt8, trims: Bool) {
    lineStarting = false
    if sign == UInt8(ascii: "-") {
      let start = offset
      skipSpace()
      if offset > start { lineStarting = bytes[offset - 1] == UInt8(ascii: "\n") }
    } else if trims, sign != UInt8(ascii: "+"), offset < limit {
      if bytes[offset] == 0x0D, offset + 1 < limit, bytes[offset + 1] == 0x0A {
        offset += 2
        lineStarting = true
      } else if bytes[offset] == 0x0A || bytes[offset] == 0x0D {
        offset += 1
        lineStarting = true
      }
    }
  }

  // MARK: Raw blocks

  /// Where the contents begin when the tag at `offset` is `raw`.
  private mutating func rawBegin() -> Int? {
    guard let end = keywordTag("raw", at: offset) else { return nil }
    return end
  }

  /// The offset behind a tag that consists of the one word, or nil.
  private func keywordTag(_ word: StaticString, at start: Int) -> Int? {
    var index = start
    while index < limit, isSpace(bytes[index]) { index += 1 }
    let length = word.utf8CodeUnitCount
    guard index + length <= limit else { return nil }
    for position in 0..<length where bytes[index + position] != word.utf8Start[position] {
      return nil
    }
    index += length
    while index < limit, isSpace(bytes[index]) { index += 1 }
    if index < limit, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
      index += 1
    }
    guard index + 1 < limit, bytes[index] == UInt8(ascii: "%"),
      bytes[index + 1] == UInt8(ascii: "}")
    else { return nil }
    return index + 2
  }

  private mutating func takeRaw(from contents: Int) {
    let opening = tagStart
    offset = contents
    closeTag(sign: bytes[contents - 3], trims: false)
    let start = offset
    var index = start
    while index + 1 < limit {
      guard let hit = memchr(bytes.baseAddress! + index, Int32(UInt8(ascii: "{")), limit - index)
      else { break }
      index = UnsafeRawPointer(hit) - UnsafeRawPointer(bytes.baseAddress!)
      guard index + 1 < limit, bytes[index + 1] == UInt8(ascii: "%") else {
        index += 1
        continue
      }
      var inside = index + 2
      let sign = inside < limit ? bytes[inside] : 0
      if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { inside += 1 }
      guard let end = keywordTag("endraw", at: inside) else {
        index += 1
        continue
      }
      var textEnd = index
      if sign == UInt8(ascii: "-") {
        textEnd = trimmedEnd(start..<index)
      } else if options.lstripBlocks, sign != UInt8(ascii: "+") {
        textEnd = endWithoutIndentation(start..<index)
      }
      addText(start..<textEnd)
      offset = end
      closeTag(sign: bytes[end - 3], trims: options.trimBlocks)
      return
    }
    guard start < limit else { return }
    _ = fail(
      "missing end of raw directive",
      id: "jinja.unclosed-block",
      at: opening..<contents,
      hint: "close it with '{% endraw %}'"
    )
    offset = limit
  }

  // MARK: Nodes and scopes

  mutating func addNode(
    _ kind: Node.Kind,
    flag: UInt8 = 0,
    a: Int32 = -1,
    b: Int32 = -1,
    c: Int32 = -1,
    start: Int,
    end: Int
  ) -> NodeID {
    builder.nodes.append(
      Node(kind: kind, flag: flag, a: a, b: b, c: c, start: Int32(start), end: Int32(end))
    )
    return Int32(builder.nodes.count - 1)
  }

  mutating func addConstant(_ value: Value) -> Int32 {
    builder.constants.append(value)
    return Int32(builder.constants.count - 1)
  }

  /// Moves what is pending from `mark` on to `extra`; gives where it begins.
  mutating func flushPending(from mark: Int) -> Int32 {
    let first = Int32(builder.extra.count)
    builder.extra.append(contentsOf: pending[mark...])
    pending.removeLast(pending.count - mark)
    return first
  }

  func startOf(_ node: NodeID) -> Int { Int(builder.nodes[Int(node)].start) }
  func endOf(_ node: NodeID) -> Int { Int(builder.nodes[Int(node)].end) }

  private mutating func addName(_ name: String) -> Int32 {
    builder.names.append(name)
    builder.symbols.append(Symbol(name))
    return Int32(builder.names.count - 1)
  }

  /// Notes that the functions around mention `caller`, `varargs` or `kwargs`.
  mutating func noteSpecial(_ symbol: Symbol, _ name: Int32) {
    for index in functionStack.reversed() {
      let function = builder.functions[Int(index)]
      guard function.kind == .macro || function.kind == .caller else { return }
      let first = Int(function.firstParameter)
      let parameters = builder.parameters[first..<first + Int(function.parameterCount)]
      if parameters.contains(where: { $0.symbol == symbol.index }) { continue }
      switch symbol.known {
      case .caller: builder.functions[Int(index)].callerSlot = name
      case .varargs: builder.functions[Int(index)].varargsSlot = name
      default: builder.functions[Int(index)].kwargsSlot = name
      }
    }
  }

  mutating func openScope(function: Int32) {
    let id = Int32(scopes.count)
    scopes.append(
      NameScope(
        function: function,
        parent: scopes.isEmpty ? -1 : currentScope,
        firstEvent: Int32(events.count),
        softDepth: softDepth
      )
    )
    softDepth = 0
    events.append(NameEvent(kind: .child, value: id))
    currentScope = id
  }

  mutating func closeScope() {
    scopes[Int(currentScope)].endEvent = Int32(events.count)
    softDepth = scopes[Int(currentScope)].softDepth
    currentScope = scopes[Int(currentScope)].parent
  }

  /// Parses in a name scope of its own, which is closed also after a mistake. Returns what was
  /// parsed and the scope, for an owner that is known only now.
  mutating func inScope<Parsed>(
    _ parse: (inout Parser) throws(Failure) -> Parsed
  ) throws(Failure) -> (Parsed, scope: Int32) {
    openScope(function: functionStack[functionStack.count - 1])
    let scope = currentScope
    defer { while currentScope != scopes[Int(scope)].parent { closeScope() } }
    return (try parse(&self), scope)
  }

  mutating func record(_ kind: NameEvent.Kind, _ value: Int32) {
    events.append(NameEvent(kind: kind, value: value))
  }

  /// Leaves the current tag after a mistake.
  mutating func skipTag() {
    if let last = tokens.last, last.kind == .end, Int(last.end) <= offset { return }
    // The lexer gave up inside the tag: go on behind whatever looks like its end.
    let close = isStatementTag ? UInt8(ascii: "%") : UInt8(ascii: "}")
    var index = max(offset, tagStart + 2)
    while index + 1 < limit {
      if bytes[index] == close, bytes[index + 1] == UInt8(ascii: "}") {
        offset = index + 2
        return
      }
      index += 1
    }
    offset = limit
  }
}
