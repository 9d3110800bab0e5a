internal import CPostgres
internal import SectoralWarehouse

extension WarehouseError {
  /// What a failed result says.
  init(result: OpaquePointer, sql: String) {
    func field(_ code: Int) -> String? {
      guard let text = cpq_result_error_field(result, Int32(code)) else { return nil }
      let value = String(cString: text)
      return value.isEmpty ? nil : value
    }
    guard let message = field(CPQ_DIAG_MESSAGE_PRIMARY) else {
      self.init(
        libraryWords: cpq_result_error_message(result).map { String(cString: $0) } ?? "",
        kind: .statement,
        sql: sql
      )
      return
    }
    var context = field(CPQ_DIAG_CONTEXT)
    if let query = field(CPQ_DIAG_INTERNAL_QUERY) {
      context = context.map { "\($0)\nQUERY:  \(query)" } ?? "QUERY:  \(query)"
    }
    self.init(
      kind: .statement,
      sqlState: field(CPQ_DIAG_SQLSTATE),
      message: message,
      detail: field(CPQ_DIAG_MESSAGE_DETAIL),
      hint: field(CPQ_DIAG_MESSAGE_HINT),
      position: field(CPQ_DIAG_STATEMENT_POSITION).flatMap { Int($0) },
      context: context,
      report: cpq_result_error_message(result).flatMap { Self.report(String(cString: $0)) },
      sql: sql
    )
  }

  /// `ERROR:  relation …` without its first word, in whatever language.
  private static func report(_ words: String) -> String? {
    guard let colon = words.firstIndex(of: ":"),
      words[..<colon].allSatisfy({ $0.isLetter })
    else { return nil }
    let text = words[words.index(after: colon)...].trimmingBlanks()
    return text.isEmpty ? nil : String(text)
  }

  /// What libpq itself says, when the server could not.
  init(libraryWords words: String, kind: Kind, sql: String) {
    let lines = words.split(separator: "\n").map { $0.trimmingBlanks() }
    self.init(
      kind: kind,
      message: lines.first.map(String.init) ?? "the connection to the server was lost",
      detail: lines.count > 1 ? lines.dropFirst().joined(separator: " ") : nil,
      sql: sql
    )
  }

  /// What libpq says about a connection that could not be opened. Its words come with the verbose
  /// form of the server's report, the only way to the SQLSTATE at this stage.
  init(connecting words: String, needsPassword: Bool, credentials: PostgresCredentials) {
    var message: [Substring] = []
    var details: [Substring] = []
    var sqlState: String?
    for line in words.split(separator: "\n") {
      if line.hasPrefix("\t") {
        details.append(line.trimmingBlanks())
      } else if line.hasPrefix("DETAIL:") || line.hasPrefix("HINT:") {
        details.append(line.drop { $0 != ":" }.dropFirst().trimmingBlanks())
      } else if line.isSourceLocation {
        continue
      } else if let (code, rest) = line.splitAtSQLState() {
        sqlState = code
        message.append(rest)
      } else {
        message.append(line.trimmingBlanks())
      }
    }
    // libpq ends the talk before the server can refuse an empty password with this code.
    if needsPassword, sqlState == nil { sqlState = "28P01" }
    let advice = Self.advice(sqlState: sqlState, credentials: credentials)
    self.init(
      kind: .connection,
      sqlState: sqlState,
      message: message.isEmpty
        ? "could not connect to the server" : message.joined(separator: "; "),
      detail: details.isEmpty ? nil : details.joined(separator: " "),
      hint: advice
    )
  }

  /// No server and no network: what is wrong lies on this machine.
  static func unavailable(_ message: String, hint: String) -> WarehouseError {
    WarehouseError(kind: .connection, message: message, hint: hint)
  }

  private static func advice(sqlState: String?, credentials: PostgresCredentials) -> String {
    switch sqlState {
    case "28P01":
      "check `user` and `password` of the profile's output"
    case "28000":
      "check `user` and `sslmode` of the profile's output, and the server's pg_hba.conf"
    case "3D000":
      "create the database (createdb \(credentials.database)) or correct `dbname` in the profile's output"
    case "53300":
      "the server has no connection left: use fewer `threads`, or raise its max_connections"
    case "57P03":
      "the server is starting or stopping: try again in a moment"
    case nil:
      "check that the server runs, and `host` and `port` of the profile's output"
    default:
      "check the profile's output"
    }
  }

  /// Whether another attempt to connect can end differently without anybody's doing.
  var mayPassByWaiting: Bool {
    guard kind == .connection, !isMissingLibrary else { return false }
    // 28: the server knows us and refuses; 3D: no such database; 42: no such role to set.
    guard let sqlState else { return true }
    return !["28", "3D", "42", "22"].contains(String(sqlState.prefix(2)))
  }

  /// Ctrl-C came while a server was waited for. The code is SQL's for statements that are cancelled.
  static var givenUpConnecting: WarehouseError {
    WarehouseError(
      kind: .cancelled,
      sqlState: "57014",
      message: "interrupted before the server answered"
    )
  }

  private var isMissingLibrary: Bool { context == Self.missingLibraryMark }

  private static let missingLibraryMark = "loading libpq"

  static func missingLibrary(_ words: String) -> WarehouseError {
    var error = WarehouseError.unavailable(
      "the Postgres client library could not be loaded: \(words)",
      hint: "install it: apt-get install libpq5"
    )
    error.context = missingLibraryMark
    return error
  }
}

extension Substring {
  /// `LOCATION:  auth_failed, auth.c:326`, in whatever language.
  fileprivate var isSourceLocation: Bool {
    guard let colon = lastIndex(of: ":"), self[index(after: colon)...].allSatisfy(\.isNumber) else {
      return false
    }
    return self[..<colon].hasSuffix(".c") && contains(":  ")
  }

  /// Takes the code out of `…: FATAL:  28P01: password authentication failed`.
  fileprivate func splitAtSQLState() -> (code: String, rest: Substring)? {
    let bytes = Array(utf8)
    guard bytes.count >= 9 else { return nil }
    func isCode(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
    }
    for start in 0...(bytes.count - 9)
    where bytes[start] == 0x3A && bytes[start + 1] == 0x20 && bytes[start + 2] == 0x20
      && bytes[start + 8] == 0x3A && bytes[(start + 3)..<(start + 8)].allSatisfy(isCode)
    {
      let code = String(decoding: bytes[(start + 3)..<(start + 8)], as: UTF8.self)
      let before = String(decoding: bytes[..<(start + 3)], as: UTF8.self)
      let after = String(decoding: bytes[(start + 9)...], as: UTF8.self)
      return (code, before[...] + after[...].trimmingBlanks())
    }
    return nil
  }

  fileprivate func trimmingBlanks() -> Substring {
    var text = self
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text
  }
}

extension String {
  /// Its last lines, without empty ones.
  func lastLines(_ count: Int) -> String {
    split(separator: "\n").filter { !$0.trimmingBlanks().isEmpty }.suffix(count)
      .joined(separator: "\n")
  }

  func trimmingEnd() -> String {
    var text = self[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
