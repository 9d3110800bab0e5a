/// Why the same statements may work in a moment, with nobody having changed anything.
public enum Transience: Sendable, Hashable {
  /// The server gave up this transaction for the sake of another one: a deadlock, a conflict between
  /// transactions, two that made the same thing at once. What the transaction did is undone.
  case conflict
  /// The connection is gone, or the server takes none at the moment: it restarts, an administrator
  /// ended the session, the network failed.
  case outage
  /// The server is there, and has no connection left.
  case crowded
}

extension WarehouseError {
  /// nil: the same statements would fail again.
  ///
  /// Not among them: lock timeouts (55P03), which are either the user's own wish or were waited for
  /// already, statement timeouts (57014), full disks (53100), and what the server says of wrong
  /// passwords, databases and names.
  public var transience: Transience? {
    switch kind {
    case .cancelled: return nil
    // Its database was dropped; whether its transaction was committed is not known; it was idle, or took, longer
    // than the server allows a transaction, and would again.
    case .lost:
      return ["57P04", "08007", "25P03", "25P04"].contains(sqlState) ? nil : .outage
    case .connection, .statement: break
    }
    guard let sqlState else {
      // Without the server's word: refused, unreachable, timed out.
      return kind == .connection && context == nil ? .outage : nil
    }
    switch sqlState {
    case "40001", "40P01": return .conflict
    case "53300": return .crowded
    // Ended by an administrator, by a crash, not yet ready; ended because it was idle.
    case "57P01", "57P02", "57P03", "57P05": return .outage
    // How pgbouncer says that it lost the server, or waited for one in vain.
    case "08P01":
      return kind == .connection || Self.poolerWords.contains(where: message.contains)
        ? .outage : nil
    case "23505":
      // Two sessions made the same schema, table or type at the same moment.
      return Self.catalogKeys.contains(where: message.contains) ? .conflict : nil
    case "XX000": return Self.conflictWords.contains(where: said) ? .conflict : nil
    case "08007": return nil
    default: return sqlState.hasPrefix("08") ? .outage : nil
    }
  }

  private func said(_ words: String) -> Bool {
    message.contains(words) || detail?.contains(words) == true
  }

  private static let poolerWords = [
    "server conn crashed", "server_login", "query_wait_timeout", "pgbouncer",
  ]
  private static let catalogKeys = [
    "\"pg_class_relname_nsp_index\"", "\"pg_type_typname_nsp_index\"",
    "\"pg_namespace_nspname_index\"", "\"pg_proc_proname_args_nsp_index\"",
  ]
  /// An object that another session changed or dropped between two looks at it; the rest is how
  /// Redshift says 40001.
  private static let conflictWords = [
    "tuple concurrently updated", "tuple concurrently deleted", "could not open relation with OID",
    "cache lookup failed for relation", "cache lookup failed for type",
    "Serializable isolation violation", "conflict with concurrent transaction",
    "could not complete because of conflict", "dropped by concurrent transaction",
  ]
}

/// A transaction whose COMMIT was sent, as the server knows it.
public enum TransactionMark: Sendable, Hashable {
  /// It wrote nothing.
  case empty
  /// The server's number of it.
  case number(String)
  /// The server had not told the number yet: its process, and when the process was sent the statements.
  case process(Int, since: ContinuousClock.Instant)
}

/// What came of a transaction.
public enum TransactionOutcome: Sendable, Hashable {
  case committed
  case undone
  case unknown
}

/// What can be said of a text without taking it apart.
public enum StatementWords {
  /// `commit`, and `end and chain`.
  private static let endings = [Array("commit".utf8), Array("chain".utf8)]

  /// With what a statement begins that ends a transaction.
  private static let enders: Set<String> = ["commit", "end", "rollback", "abort", "prepare"]

  /// Whether a text surely ends no transaction: one statement without such words in it, or several of which
  /// none begins with one.
  public static func staysInTransaction(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      let end = endOfStatements(bytes)
      var isFirst = true
      for index in 0..<end {
        // It may stand in a string or in the body of a function as well: then more is refused than need be.
        if bytes[index] == UInt8(ascii: ";") {
          if isFirst, enders.contains(firstWord(bytes[..<end])) { return false }
          isFirst = false
          if enders.contains(firstWord(bytes[(index + 1)..<end])) { return false }
        }
        guard bytes[index] | 0x20 == UInt8(ascii: "c") else { continue }
        for word in endings where index + word.count <= end {
          if word.indices.allSatisfy({ bytes[index + $0] | 0x20 == word[$0] }) { return false }
        }
      }
      return true
    }
  }

  /// Whether a text is one statement: no semicolon stands before its end.
  private static func isSingle(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in !bytes[..<endOfStatements(bytes)].contains(UInt8(ascii: ";")) }
  }

  /// Without the blanks and semicolons at the end.
  private static func endOfStatements(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var end = bytes.count
    while end > 0, bytes[end - 1] <= 32 || bytes[end - 1] == UInt8(ascii: ";") { end -= 1 }
    return end
  }

  /// In lower case, after blanks, comments and semicolons.
  private static func firstWord(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    var rest = bytes
    while let byte = rest.first {
      if byte <= 32 || byte == UInt8(ascii: ";") {
        rest.removeFirst()
      } else if rest.starts(with: "--".utf8) {
        rest = rest.drop { $0 != UInt8(ascii: "\n") }
      } else if rest.starts(with: "/*".utf8) {
        rest.removeFirst(2)
        while !rest.isEmpty, !rest.starts(with: "*/".utf8) { rest.removeFirst() }
        rest = rest.dropFirst(2)
      } else {
        break
      }
    }
    return String(decoding: rest.prefix { isLetter($0) }, as: UTF8.self).lowercased()
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// Whether a text that stands alone has done nothing when the server refuses it: one statement, and
  /// none of those that come in several steps (`create index concurrently`, `vacuum`, `call`, `do`).
  public static func isAllOrNothing(_ text: String) -> Bool {
    let (first, _) = firstWords(text)
    // A comment in front hides the first word.
    return isSingle(text) && staysInTransaction(text) && standsInTransactions(text)
      && !["call", "do", "copy"].contains(first) && !first.hasPrefix("/*") && !first.hasPrefix("--")
  }

  /// Whether a statement may stand in a transaction, as far as its first words tell.
  public static func standsInTransactions(_ text: String) -> Bool {
    let (first, second) = firstWords(text)
    switch first {
    case "vacuum", "reindex", "cluster", "refresh", "call": return false
    case "create", "drop", "alter":
      if ["database", "tablespace", "system"].contains(second) { return false }
    default: break
    }
    return !text.lowercased().contains("concurrently")
  }

  /// Whether a session is surely as it was before a statement of Redshift's, once its transaction has ended: no
  /// setting, temporary table, cursor or prepared statement comes of it. Long texts are not looked through.
  public static func leavesSessionAsItWas(_ text: String) -> Bool {
    guard text.utf8.count < 1 << 16 else { return false }
    let rest = withoutComments(text.lowercased())
    guard harmless.contains(String(rest.prefix { $0.isLetter })) else { return false }
    return !["temp", "#", "set_config"].contains(where: rest.contains)
      && (rest.hasPrefix("insert") || rest.hasPrefix("merge") || !rest.contains("into"))
  }

  /// Whether a statement surely may stand behind another one in one message, which makes a transaction of them.
  public static func mayFollowInOneMessage(_ text: String) -> Bool {
    let words = withoutComments(text.prefix(1000).lowercased())
      .split(maxSplits: 3, whereSeparator: \.isWhitespace)
    switch words.first ?? "" {
    case "select", "with", "insert", "delete", "update", "merge", "begin": return true
    case "create":
      return ["table", "temporary", "view", "or"].contains(words.dropFirst().first ?? "")
    default: return false
    }
  }

  /// A statement that sets the session's query group, or takes it back, without comments; nil for others.
  public static func queryGroupSetting(_ text: String) -> String? {
    guard text.utf8.count < 4096 else { return nil }
    let statement = withoutComments(text)
    let words = statement.prefix(24).lowercased()
    return words.hasPrefix("set query_group") || words.hasPrefix("reset query_group")
      ? String(statement) : nil
  }

  /// From the first word on.
  private static func withoutComments(_ text: String) -> Substring {
    var rest = text[...]
    while true {
      rest = rest.drop { $0.isWhitespace || $0 == "(" }
      if rest.hasPrefix("--") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("/*"), let end = rest.firstRange(of: "*/") {
        rest = rest[end.upperBound...]
      } else {
        return rest
      }
    }
  }

  private static let harmless: Set<String> = [
    "select", "with", "show", "create", "drop", "alter", "grant", "revoke", "comment", "insert",
    "delete",
    "update", "merge", "truncate", "refresh", "analyze", "vacuum", "begin", "commit", "rollback",
  ]

  private static func firstWords(_ text: String) -> (String, String) {
    let words = text.prefix(200).split(maxSplits: 2, whereSeparator: \.isWhitespace)
    return (words.first?.lowercased() ?? "", words.dropFirst().first?.lowercased() ?? "")
  }
}
