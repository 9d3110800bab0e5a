/// The names of the columns that a query gives, where its text alone tells them.
///
/// It would rather not know than be wrong: nil for a `*` whose columns stand elsewhere, for an expression
/// without a name of its own, and for whatever it does not understand.
struct QueryColumns {
  /// `hasEscapes`: whether a backslash in `'…'` goes with what follows it, as in Redshift.
  static func names(of sql: String, hasEscapes: Bool) -> [String]? {
    let tokens = SQLTokens.tokens(of: sql, hasEscapes: hasEscapes)
    guard tokens.allSatisfy({ $0.text != ";" }) else { return nil }
    return QueryColumns().columns(tokens[...])
  }

  private typealias Token = SQLTokens.Token
  /// The columns of the CTEs so far; nil where they are not known.
  private var known: [String: [String]?] = [:]

  private static let clauses: Set<String> = [
    "from", "where", "group", "having", "qualify", "window", "order", "limit", "offset", "fetch",
    "union", "except", "intersect", "minus", "for", "into",
  ]
  /// What may stand before a word that is no alias, or is itself none.
  private static let reserved: Set<String> = [
    "all", "and", "any", "as", "at", "between", "both", "by", "case", "collate", "cross", "day",
    "distinct", "div", "double", "else", "end", "escape", "exists", "false", "filter", "hour",
    "ilike", "in", "interval", "is", "isnull", "like", "minute", "month", "not", "notnull", "null",
    "or", "over", "precision", "second", "similar", "some", "sysdate", "then", "time", "to", "true",
    "user", "varying", "when", "within", "without", "with", "year", "zone", "prior", "character",
    "current_date", "current_time", "current_timestamp", "current_user", "session_user",
    "localtime", "localtimestamp", "date", "timestamp", "timestamptz", "timetz", "numeric",
  ]

  private func columns(_ tokens: ArraySlice<Token>) -> [String]? {
    guard let first = tokens.first else { return nil }
    if first.text == "(", let end = closing(tokens, tokens.startIndex) {
      let next = tokens[(end + 1)...].first
      guard next.map({ $0.isWord && Self.clauses.contains($0.text) }) ?? true else { return nil }
      return columns(tokens[(tokens.startIndex + 1)..<end])
    }
    if first.isWord, first.text == "with" { return columnsBehindCTEs(tokens.dropFirst()) }
    guard first.isWord, first.text == "select" else { return nil }
    var rest = tokens.dropFirst()
    switch rest.first?.text {
    case "distinct"?:
      rest = rest.dropFirst()
      if rest.first?.text == "on" { return nil }
    case "all"?: rest = rest.dropFirst()
    case "top"?: rest = rest.dropFirst(2)
    default: break
    }
    let depth = first.depth
    let end = endOfClause(rest, depth)
    if end < rest.endIndex, rest[end].text == "into" { return nil }
    let source = source(rest[end...], depth)
    var names: [String] = []
    for item in split(rest[..<end], depth) {
      guard let found = self.names(of: item, source) else { return nil }
      names += found
    }
    return names.isEmpty ? nil : names
  }

  private func columnsBehindCTEs(_ tokens: ArraySlice<Token>) -> [String]? {
    var inner = self
    var rest = tokens
    if rest.first?.text == "recursive" { return nil }
    while true {
      guard let name = rest.popFirst()?.name else { return nil }
      var own: [String]?
      if rest.first?.text == "(" {
        guard let end = closing(rest, rest.startIndex) else { return nil }
        own = rest[(rest.startIndex + 1)..<end].compactMap(\.name)
        rest = rest[(end + 1)...]
      }
      guard rest.popFirst()?.text == "as", rest.first?.text == "(",
        let end = closing(rest, rest.startIndex)
      else { return nil }
      inner.known[name] = .some(own ?? inner.columns(rest[(rest.startIndex + 1)..<end]))
      rest = rest[(end + 1)...]
      guard rest.first?.text == "," else { break }
      rest = rest.dropFirst()
    }
    return inner.columns(rest)
  }

  /// The names that one item of a select list gives.
  private func names(of item: ArraySlice<Token>, _ source: Source?) -> [String]? {
    guard let last = item.last else { return nil }
    let before = item.dropLast().last
    if last.text == "*", !last.isWord {
      guard let source else { return nil }
      if item.count == 1 { return source.columns }
      guard item.count == 3, before?.text == ".", let owner = item.first?.name,
        source.names.contains(owner)
      else { return nil }
      return source.columns
    }
    guard let name = last.name, !last.isNumber, last.isQuoted || !Self.reserved.contains(name)
    else {
      return nil
    }
    guard let before else { return [name] }
    if before.isWord, before.text == "as", before.depth == last.depth { return [name] }
    if before.text == "." {
      // Nothing but a column with its table.
      let isPath = item.enumerated().allSatisfy { index, token in
        index.isMultiple(of: 2) ? token.name != nil && !token.isNumber : token.text == "."
      }
      return isPath ? [name] : nil
    }
    let endsExpression =
      before.text == ")" || before.isText || before.isQuoted
      || (before.isWord && (before.text == "end" || !Self.reserved.contains(before.text)))
    return endsExpression ? [name] : nil
  }

  // MARK: Where columns come from

  /// The one thing that a query reads.
  private struct Source {
    var names: Set<String>
    var columns: [String]
  }

  private func source(_ tokens: ArraySlice<Token>, _ depth: Int) -> Source? {
    guard tokens.first?.text == "from", tokens.first?.isWord ?? false else { return nil }
    var rest = tokens.dropFirst()
    rest = rest[..<endOfClause(rest, depth)]
    var names: Set<String> = []
    let columns: [String]?
    if rest.first?.text == "(" {
      guard let end = closing(rest, rest.startIndex) else { return nil }
      columns = self.columns(rest[(rest.startIndex + 1)..<end])
      rest = rest[(end + 1)...]
    } else {
      guard let name = rest.popFirst()?.name else { return nil }
      names = [name]
      columns = known[name] ?? nil
    }
    if rest.first?.text == "as" { rest = rest.dropFirst() }
    if let alias = rest.first?.name, rest.count == 1 {
      names = [alias]
      rest = rest.dropFirst()
    }
    guard rest.isEmpty, let columns else { return nil }
    return Source(names: names, columns: columns)
  }

  // MARK: Tokens

  private func closing(_ tokens: ArraySlice<Token>, _ opening: Int) -> Int? {
    tokens[(opening + 1)...].firstIndex {
      $0.text == ")" && !$0.isText && $0.depth == tokens[opening].depth
    }
  }

  /// Where the next clause begins; `is distinct from` begins none.
  private func endOfClause(_ tokens: ArraySlice<Token>, _ depth: Int) -> Int {
    tokens.indices.first { index in
      let token = tokens[index]
      guard token.isWord, token.depth == depth, Self.clauses.contains(token.text) else {
        return false
      }
      return
        !(token.text == "from" && index > tokens.startIndex
        && tokens[index - 1].text == "distinct")
    } ?? tokens.endIndex
  }

  private func split(_ tokens: ArraySlice<Token>, _ depth: Int) -> [ArraySlice<Token>] {
    tokens.split(omittingEmptySubsequences: false) {
      $0.text == "," && !$0.isText && $0.depth == depth
    }
  }
}

/// The words and signs of an SQL text, without its comments.
enum SQLTokens {
  struct Token {
    enum Kind { case word, number, quoted, text, sign }
    let kind: Kind
    /// Words in lower case, names without their quotes, texts as they are.
    let text: String
    /// How many parentheses are open around it; those of a pair have that of what is around them.
    let depth: Int

    var isWord: Bool { kind == .word }
    var isNumber: Bool { kind == .number }
    var isQuoted: Bool { kind == .quoted }
    var isText: Bool { kind == .text }
    /// As a name, which Redshift folds.
    var name: String? { isWord || isQuoted ? text.lowercased() : nil }
  }

  static func tokens(of sql: String, hasEscapes: Bool) -> [Token] {
    let bytes = Array(sql.utf8)
    var tokens: [Token] = []
    var depth = 0
    var index = 0
    func isWord(_ byte: UInt8) -> Bool {
      byte >= 0x80 || (65...90).contains(byte) || (97...122).contains(byte)
        || (48...57).contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }
    func add(_ kind: Token.Kind, _ end: Int) {
      var text = String(decoding: bytes[index..<end], as: UTF8.self)
      if kind == .word { text = text.lowercased() }
      if kind == .quoted {
        text = String(text.dropFirst().dropLast()).replacing("\"\"", with: "\"")
      }
      if text == ")", kind == .sign { depth -= 1 }
      tokens.append(Token(kind: kind, text: text, depth: depth))
      if text == "(", kind == .sign { depth += 1 }
      index = end
    }
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case 9...13, 32: index += 1
      case UInt8(ascii: "-") where bytes[index...].starts(with: "--".utf8):
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
      case UInt8(ascii: "/") where bytes[index...].starts(with: "/*".utf8):
        index = StatementSplitter.end(ofComment: bytes, index)
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        let isText = byte == UInt8(ascii: "'")
        var end = StatementSplitter.end(
          ofQuoted: byte,
          bytes,
          index,
          hasEscapes: isText && (hasEscapes || StatementSplitter.isAfterE(bytes, index))
        )
        while end < bytes.count, bytes[end] == byte {
          end = StatementSplitter.end(ofQuoted: byte, bytes, end, hasEscapes: isText && hasEscapes)
        }
        add(isText ? .text : .quoted, end)
      case UInt8(ascii: "$"):
        if let end = StatementSplitter.end(ofDollarQuoted: bytes, index) {
          add(.text, end)
        } else {
          add(.sign, index + 1)
        }
      default:
        guard isWord(byte) else {
          add(.sign, index + 1)
          continue
        }
        let end = bytes[index...].firstIndex { !isWord($0) } ?? bytes.count
        add((48...57).contains(byte) ? .number : .word, end)
      }
    }
    return tokens
  }
}
