import BigInt

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension Parser {
  // MARK: Looking at tokens

  func token(ahead count: Int) -> Token { tokens[min(cursor + count, tokens.count - 1)] }

  @discardableResult
  mutating func advance() -> Token {
    let token = current
    move(to: cursor + 1)
    return token
  }

  /// Makes another token the current one; behind the last one stands the last one.
  mutating func move(to position: Int) {
    cursor = position
    current = tokens[min(position, tokens.count - 1)]
  }

  func symbol(of token: Token) -> KnownName? {
    token.known
  }

  /// Whether the token at the cursor is this word.
  @inline(__always)
  func isAt(_ word: KnownName) -> Bool { current.known == word }

  @inline(__always)
  func isAt(_ kind: Token.Kind) -> Bool { current.kind == kind }

  mutating func take(_ word: KnownName) -> Bool {
    guard current.known == word else { return false }
    move(to: cursor + 1)
    return true
  }

  mutating func take(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    move(to: cursor + 1)
    return true
  }

  @discardableResult
  mutating func expect(_ kind: Token.Kind) throws(Failure) -> Token {
    let token = current
    guard token.kind == kind else {
      throw fail("expected token \(kind.described), got \(described(token))", at: token)
    }
    move(to: cursor + 1)
    return token
  }

  /// The end of a tag that a body follows: as Jinja, with a colon before it for whoever thinks in Python.
  mutating func expectBody() throws(Failure) {
    if current.kind == .colon { move(to: cursor + 1) }
    try expectEnd()
  }

  mutating func expectEnd() throws(Failure) {
    let token = current
    guard token.kind == .end else {
      let tag = isStatementTag ? "statement block" : "print statement"
      throw fail("expected token 'end of \(tag)', got \(described(token))", at: token)
    }
    move(to: cursor + 1)
  }

  func described(_ token: Token) -> String {
    switch token.kind {
    case .end: isStatementTag ? "'end of statement block'" : "'end of print statement'"
    case .name: "'\(builder.names[Int(token.value)])'"
    case .string, .integer, .float:
      "'\(String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self))'"
    default: token.kind.described
    }
  }

  // MARK: Lexing

  /// Lexes the tag whose contents begin at `offset`, closing delimiter included.
  mutating func lexTag(isStatement: Bool) throws(Failure) {
    tokens.removeAll(keepingCapacity: true)
    cursor = 0
    isStatementTag = isStatement
    let close = isStatement ? UInt8(ascii: "%") : UInt8(ascii: "}")
    var index = offset
    // Brackets that are open: a tag does not end inside of them.
    var brackets = ContiguousArray<(byte: UInt8, start: Int)>()
    while true {
      while index < limit, bytes[index] < 0x80 ? isSpace(bytes[index]) : isWideSpace(&index) {
        index += 1
      }
      guard index < limit else {
        offset = limit
        let end = isStatement ? "%}" : "}}"
        if let open = brackets.last {
          throw fail(
            "unexpected end of template, '\(Character(Unicode.Scalar(open.byte)))' was never closed",
            id: "jinja.unclosed-tag",
            at: open.start..<open.start + 1
          )
        }
        throw fail(
          "unexpected end of template, the tag was never closed",
          id: "jinja.unclosed-tag",
          at: tagStart..<tagStart + 2,
          hint: "close it with '\(end)'"
        )
      }
      let byte = bytes[index]
      if brackets.isEmpty {
        var at = index
        if byte == UInt8(ascii: "-") || (byte == UInt8(ascii: "+") && isStatement) { at += 1 }
        if at + 1 < limit, bytes[at] == close, bytes[at + 1] == UInt8(ascii: "}") {
          tokens.append(Token(kind: .end, start: Int32(index), end: Int32(at + 2), value: 0))
          move(to: 0)
          offset = at + 2
          closeTag(sign: at > index ? byte : 0, trims: isStatement && options.trimBlocks)
          return
        }
      }
      let start = index
      var kind: Token.Kind
      var value: Int32 = 0
      var known: KnownName?
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"), 0x80...:
        kind = .name
        index = endOfName(from: index)
        if byte >= 0x80 || index == start {
          guard index > start else { throw unexpectedCharacter(at: start) }
        }
        value = nameTable.intern(bytes, start, index, &builder)
        known = builder.symbols[Int(value)].known
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        (kind, index, value) = try number(from: index)
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        kind = .string
        (index, value) = try string(from: index)
      default:
        let next = index + 1 < limit ? bytes[index + 1] : 0
        guard let (operatorKind, length) = operatorToken(byte, next) else {
          throw unexpectedCharacter(at: start)
        }
        kind = operatorKind
        index += length
        switch kind {
        case .leftParenthesis, .leftBracket, .leftBrace: brackets.append((byte, start))
        case .rightParenthesis, .rightBracket, .rightBrace:
          let opening: UInt8 =
            kind == .rightParenthesis ? 0x28 : kind == .rightBracket ? 0x5B : 0x7B
          let shown = Character(Unicode.Scalar(byte))
          guard let open = brackets.popLast() else {
            throw fail("unexpected '\(shown)'", at: start..<index)
          }
          if open.byte != opening {
            let wanted: Character =
              open.byte == 0x28 ? ")" : open.byte == 0x5B ? "]" : "}"
            throw fail("unexpected '\(shown)', expected '\(wanted)'", at: start..<index)
          }
        default: break
        }
      }
      tokens.append(
        Token(kind: kind, known: known, start: Int32(start), end: Int32(index), value: value)
      )
    }
  }

  /// Whether a blank of more than one byte begins at `index`, which is moved to its last byte.
  @inline(never)
  private func isWideSpace(_ index: inout Int) -> Bool {
    var width = 1
    while index + width < limit, bytes[index + width] & 0xC0 == 0x80 { width += 1 }
    guard isUnicodeSpace(at: index, width: width) else { return false }
    index += width - 1
    return true
  }

  private mutating func unexpectedCharacter(at start: Int) -> Failure {
    var end = start + 1
    while end < limit, bytes[end] & 0xC0 == 0x80 { end += 1 }
    let character = String(decoding: bytes[start..<end], as: UTF8.self)
    let shown = bytes[start] < 0x20 ? "\\x" + hexadecimal(bytes[start]) : character
    return fail("unexpected char '\(shown)'", id: "jinja.unexpected-character", at: start..<end)
  }

  private func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  private func endOfName(from start: Int) -> Int {
    var index = start
    while index < limit {
      switch bytes[index] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        index += 1
      case 0x80...:
        var end = index + 1
        while end < limit, bytes[end] & 0xC0 == 0x80 { end += 1 }
        guard
          let scalar = String(decoding: bytes[index..<end], as: UTF8.self).unicodeScalars.first,
          index == start ? scalar.properties.isXIDStart : scalar.properties.isXIDContinue
        else { return index }
        index = end
      default: return index
      }
    }
    return index
  }

  private func operatorToken(_ byte: UInt8, _ next: UInt8) -> (Token.Kind, Int)? {
    switch byte {
    case UInt8(ascii: "+"): (.add, 1)
    case UInt8(ascii: "-"): (.subtract, 1)
    case UInt8(ascii: "/"): next == byte ? (.floorDivide, 2) : (.divide, 1)
    case UInt8(ascii: "*"): next == byte ? (.power, 2) : (.multiply, 1)
    case UInt8(ascii: "%"): (.modulo, 1)
    case UInt8(ascii: "~"): (.tilde, 1)
    case UInt8(ascii: "["): (.leftBracket, 1)
    case UInt8(ascii: "]"): (.rightBracket, 1)
    case UInt8(ascii: "("): (.leftParenthesis, 1)
    case UInt8(ascii: ")"): (.rightParenthesis, 1)
    case UInt8(ascii: "{"): (.leftBrace, 1)
    case UInt8(ascii: "}"): (.rightBrace, 1)
    case UInt8(ascii: "="): next == byte ? (.equal, 2) : (.assign, 1)
    case UInt8(ascii: "!"): next == UInt8(ascii: "=") ? (.notEqual, 2) : nil
    case UInt8(ascii: ">"): next == UInt8(ascii: "=") ? (.greaterOrEqual, 2) : (.greater, 1)
    case UInt8(ascii: "<"): next == UInt8(ascii: "=") ? (.lessOrEqual, 2) : (.less, 1)
    case UInt8(ascii: "."): (.dot, 1)
    case UInt8(ascii: ":"): (.colon, 1)
    case UInt8(ascii: "|"): (.pipe, 1)
    case UInt8(ascii: ","): (.comma, 1)
    case UInt8(ascii: ";"): (.semicolon, 1)
    default: nil
    }
  }

  // MARK: Literals

  private func isDigit(_ index: Int, radix: UInt8 = 10) -> Bool {
    guard index < limit else { return false }
    switch bytes[index] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return bytes[index] - UInt8(ascii: "0") < radix
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
      return radix == 16
    default: return false
    }
  }

  /// Digits from `start` on, with single underscores between them.
  private func endOfDigits(from start: Int, radix: UInt8 = 10) -> Int {
    var index = start
    while isDigit(index, radix: radix)
      || (index > start && index < limit && bytes[index] == UInt8(ascii: "_")
        && isDigit(index + 1, radix: radix))
    {
      index += 1
    }
    return index
  }

  private mutating func number(
    from start: Int
  ) throws(Failure)
    -> (kind: Token.Kind, end: Int, constant: Int32)
  {
    let second = start + 1 < limit ? bytes[start + 1] | 0x20 : 0
    if bytes[start] == UInt8(ascii: "0"),
      let radix: UInt8 = second == UInt8(ascii: "x")
        ? 16 : second == UInt8(ascii: "o") ? 8 : second == UInt8(ascii: "b") ? 2 : nil
    {
      let first = start + 2 < limit && bytes[start + 2] == UInt8(ascii: "_") ? start + 3 : start + 2
      let end = endOfDigits(from: first, radix: radix)
      if end > first {
        return (.integer, end, addConstant(try integer(first..<end, radix: Int(radix))))
      }
    }
    var end = endOfDigits(from: start)
    var isFloat = false
    // A digit behind a dot (`x.0.5`) is an index, never a fraction.
    let afterDot = start > base && bytes[start - 1] == UInt8(ascii: ".")
    if !afterDot {
      if end < limit, bytes[end] == UInt8(ascii: "."), isDigit(end + 1) {
        isFloat = true
        end = endOfDigits(from: end + 1)
      }
      if end < limit, bytes[end] | 0x20 == UInt8(ascii: "e") {
        var exponent = end + 1
        if exponent < limit,
          bytes[exponent] == UInt8(ascii: "+") || bytes[exponent] == UInt8(ascii: "-")
        {
          exponent += 1
        }
        if isDigit(exponent) {
          isFloat = true
          end = endOfDigits(from: exponent)
        }
      }
    }
    if isFloat {
      let digits = bytes[start..<end].filter { $0 != UInt8(ascii: "_") }
      let double = Double(String(decoding: digits, as: UTF8.self)) ?? .infinity
      return (.float, end, addConstant(.float(double)))
    }
    if bytes[start] == UInt8(ascii: "0") {
      // Python has no octal `012`: only zeros may follow a zero.
      end = start + 1
      while end < limit,
        bytes[end] == UInt8(ascii: "0") || (bytes[end] == UInt8(ascii: "_") && isDigit(end + 1))
      {
        end += 1
      }
    }
    return (.integer, end, addConstant(try integer(start..<end, radix: 10)))
  }

  private mutating func integer(_ range: Range<Int>, radix: Int) throws(Failure) -> Value {
    let most = radix == 10 ? options.limits.integerDigits : options.limits.integerBits / 4
    guard range.count <= most else {
      throw fail(
        "the integer has more than \(most) digits",
        id: "jinja.limit-exceeded",
        at: range
      )
    }
    let digits = String(
      decoding: bytes[range].filter { $0 != UInt8(ascii: "_") },
      as: UTF8.self
    )
    if let small = Int(digits, radix: radix) { return .int(small) }
    return .integer(BigInt(digits, radix: radix) ?? 0)
  }

  private mutating func string(from start: Int) throws(Failure) -> (end: Int, constant: Int32) {
    let quote = bytes[start]
    var index = start + 1
    var isPlain = true
    while index < limit, bytes[index] != quote {
      if bytes[index] == UInt8(ascii: "\\") {
        isPlain = false
        index += 1
      } else if bytes[index] == 0x0D {
        isPlain = false
      }
      index += 1
    }
    guard index < limit else {
      // Point at the line, not at the rest of the file.
      offset = limit
      throw fail(
        "unexpected end of template in a string",
        id: "jinja.unclosed-string",
        at: start..<start + 1,
        hint: Self.closing(quote)
      )
    }
    let contents = bytes[start + 1..<index]
    let text =
      isPlain
      ? String(decoding: contents, as: UTF8.self)
      : try unescaped(Array(contents), at: start + 1)
    return (index + 1, addConstant(.string(text)))
  }

  /// A string's contents with Python's escapes resolved.
  private mutating func unescaped(_ source: [UInt8], at start: Int) throws(Failure) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      let byte = source[index]
      index += 1
      if byte == 0x0D {
        out.append(0x0A)
        if index < source.count, source[index] == 0x0A { index += 1 }
        continue
      }
      guard byte == UInt8(ascii: "\\"), index < source.count else {
        out.append(byte)
        continue
      }
      let escape = source[index]
      index += 1
      switch escape {
      case UInt8(ascii: "\n"): break
      case 0x0D: if index < source.count, source[index] == 0x0A { index += 1 }
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): out.append(escape)
      case UInt8(ascii: "a"): out.append(7)
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "v"): out.append(11)
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        var value = UInt32(escape - UInt8(ascii: "0"))
        var count = 1
        while count < 3, index < source.count, source[index] >= UInt8(ascii: "0"),
          source[index] <= UInt8(ascii: "7")
        {
          value = value * 8 + UInt32(source[index] - UInt8(ascii: "0"))
          index += 1
          count += 1
        }
        append(value, to: &out)
      case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
        let wanted = escape == UInt8(ascii: "x") ? 2 : escape == UInt8(ascii: "u") ? 4 : 8
        let digits = source[index..<min(index + wanted, source.count)]
        guard digits.count == wanted,
          let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
          value <= 0x10FFFF
        else {
          let letter = Character(Unicode.Scalar(escape))
          throw fail(
            "truncated \\\(letter) escape in a string",
            id: "jinja.bad-escape",
            at: start + index - 2..<start + index + digits.count
          )
        }
        index += wanted
        append(value, to: &out)
      default:
        out.append(UInt8(ascii: "\\"))
        out.append(escape)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private func append(_ code: UInt32, to out: inout [UInt8]) {
    // Lone surrogates have no place in UTF-8.
    let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
    out.append(contentsOf: String(scalar).utf8)
  }
}
