/// Splits a text into statements at semicolons outside of quotes and comments.
package enum StatementSplitter {
  /// Pieces without a statement, of blanks and comments alone, are left out.
  ///
  /// `hasEscapes`: whether a backslash in `'…'` goes with what follows it, as in Redshift.
  package static func statements(in sql: String, hasEscapes: Bool = false) -> [String] {
    let bytes = Array(sql.utf8)
    var statements: [String] = []
    var start = 0
    var index = 0
    var hasCode = false
    func finish(at end: Int) {
      let piece = bytes[start..<end]
      if hasCode { statements.append(String(decoding: trimmed(piece), as: UTF8.self)) }
      hasCode = false
    }
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: ";"):
        // The semicolon stays with its statement.
        finish(at: index + 1)
        index += 1
        start = index
        continue
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        hasCode = true
        let escapes = (hasEscapes && byte == UInt8(ascii: "'")) || isAfterE(bytes, index)
        index = end(ofQuoted: byte, bytes, index, hasEscapes: escapes)
        continue
      case UInt8(ascii: "-") where bytes[index...].starts(with: "--".utf8):
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
        continue
      case UInt8(ascii: "/") where bytes[index...].starts(with: "/*".utf8):
        index = end(ofComment: bytes, index)
        continue
      case UInt8(ascii: "$"):
        hasCode = true
        if let end = end(ofDollarQuoted: bytes, index) {
          index = end
          continue
        }
      case 9...13, 32: break
      default: hasCode = true
      }
      index += 1
    }
    finish(at: bytes.count)
    return statements
  }

  /// Whether a statement only reads, as far as its words tell: comments aside it begins with `select`, `with`
  /// or `show`, and has no word `into`.
  package static func isQuery(_ sql: String) -> Bool {
    var words: [Substring] = []
    var rest = sql[...]
    while words.isEmpty {
      rest = rest.drop { $0.isWhitespace || $0 == "(" }
      if rest.hasPrefix("--") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("/*") {
        guard let end = rest.firstRange(of: "*/") else { return false }
        rest = rest[end.upperBound...]
      } else {
        words = [rest.prefix { $0.isLetter }]
      }
    }
    guard ["select", "with", "show"].contains(words[0].lowercased()) else { return false }
    return !rest.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      .contains { $0.utf8.count == 4 && $0.lowercased() == "into" }
  }

  /// Whether a statement surely changes no relation that was there before: queries, and the making of a
  /// temporary table.
  static func leavesRelations(_ sql: String) -> Bool {
    if isQuery(sql) { return true }
    let words = sql.split(maxSplits: 3, whereSeparator: \.isWhitespace).prefix(3)
    return words.map { $0.lowercased() } == ["create", "temporary", "table"]
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, first == 32 || (9...13).contains(first) { bytes.removeFirst() }
    while let last = bytes.last, last == 32 || (9...13).contains(last) { bytes.removeLast() }
    return bytes
  }

  static func end(
    ofQuoted quote: UInt8,
    _ bytes: [UInt8],
    _ start: Int,
    hasEscapes: Bool
  ) -> Int {
    var index = start + 1
    // A doubled quote closes and opens again, which comes to the same.
    while index < bytes.count, bytes[index] != quote {
      index += hasEscapes && bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, bytes.count)
  }

  /// Whether the quote opens an `E'…'`, in which a backslash goes with what follows it.
  static func isAfterE(_ bytes: [UInt8], _ quote: Int) -> Bool {
    guard quote > 0, bytes[quote] == UInt8(ascii: "'"), bytes[quote - 1] | 0x20 == UInt8(ascii: "e")
    else { return false }
    guard quote > 1 else { return true }
    let before = bytes[quote - 2]
    return
      !(before >= 0x80 || (65...90).contains(before) || (97...122).contains(before)
      || (48...57).contains(before) || before == UInt8(ascii: "_") || before == UInt8(ascii: "$"))
  }

  static func end(ofComment bytes: [UInt8], _ start: Int) -> Int {
    var depth = 0
    var index = start
    while index < bytes.count {
      if bytes[index...].starts(with: "/*".utf8) {
        depth += 1
        index += 2
      } else if bytes[index...].starts(with: "*/".utf8) {
        depth -= 1
        index += 2
        if depth == 0 { return index }
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  /// nil where the dollar opens no quote, as in `$1`.
  static func end(ofDollarQuoted bytes: [UInt8], _ start: Int) -> Int? {
    var index = start + 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "$") {
      let byte = bytes[index]
      let isWord =
        byte >= 0x80 || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "_") || (index > start + 1 && (48...57).contains(byte))
      guard isWord else { return nil }
      index += 1
    }
    guard index < bytes.count else { return nil }
    let tag = bytes[start...index]
    index += 1
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "$"), bytes[index...].starts(with: tag) {
        return index + tag.count
      }
      index += 1
    }
    return bytes.count
  }
}
