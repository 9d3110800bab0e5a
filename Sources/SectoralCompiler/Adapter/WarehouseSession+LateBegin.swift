import SectoralWarehouse

/// Transactions of Redshift, where each costs: BEGIN goes out with the first statement that changes
/// something, what only reads before that stands alone, and a transaction of one statement is that
/// statement.
extension WarehouseSession {
  /// Puts the BEGIN that is owed in front of a statement that changes something.
  func prepare(for sql: String) throws(WarehouseError) {
    if style.alwaysBegins, !isMarkedOpen, waiting.isEmpty,
      !(connection?.isInTransaction ?? false)
    {
      owesBegin = true
    }
    guard owesBegin, !StatementSplitter.isQuery(sql) else { return }
    owesBegin = false
    waiting.append(Statement(sql: "BEGIN", text: "BEGIN", comment: nil))
  }

  /// A `commit;` of the user's, or of hooks outside of the transaction, ends the session's transaction; nil
  /// for other texts.
  func endTransaction(
    with sql: String
  ) throws(WarehouseError) -> (response: AdapterResponse, table: ResultTable)? {
    guard style.beginsLate else { return nil }
    let word = sql.lowercased().filter { !$0.isWhitespace && $0 != ";" }
    guard word == "commit" else { return nil }
    if isMarkedOpen {
      try commit()
    } else if connection?.isInTransaction == true || !waiting.isEmpty {
      // One that the user began.
      return nil
    }
    let response = AdapterResponse(message: "COMMIT", code: "COMMIT", rowsAffected: -1)
    return (style.namesCommands ? response : response.withoutCommand, ResultTable())
  }

  /// Runs a text whose answer nobody needs at once: within a transaction it waits for the next one.
  func putOff(
    _ sql: String,
    opensTransaction: Bool
  ) throws(WarehouseError) -> StatementAnswer {
    if opensTransaction { try begin() }
    let texts = StatementSplitter.statements(in: sql, hasEscapes: true)
    guard isCollecting, !texts.isEmpty, try endTransaction(with: texts[0]) == nil else {
      return StatementAnswer(try execute(sql, opensTransaction: opensTransaction).response)
    }
    var answer = StatementAnswer()
    for text in texts {
      try prepare(for: text)
      let statement = try statement(text, commented: true)
      waiting.append(statement)
      answer = statement.answer
    }
    return answer
  }

  /// `attempt` where there are no savepoints: what is tried must be the first in its transaction, which is
  /// left when it is refused.
  func attemptFirst(
    _ statements: [String],
    main: Int,
    reasons: Set<String>,
    _ otherwise: @escaping (StatementAnswer) throws(WarehouseError) -> Void,
    _ answer: StatementAnswer
  ) throws(WarehouseError) -> StatementAnswer {
    if sharesTransaction {
      // Refused, it takes the whole transaction with it, and each node is done by itself.
      try begin()
      for (index, text) in statements.enumerated() {
        try prepare(for: text)
        var statement = try statement(text, commented: true)
        if index == main { statement.answer = answer }
        waiting.append(statement)
      }
      return answer
    }
    let isFirst =
      waiting.isEmpty && (owesBegin || !isMarkedOpen) && !(connection?.isInTransaction ?? false)
    try begin()
    guard collectsStatements, isFirst else {
      try flush()
      try otherwise(answer)
      return answer
    }
    let attempt = Attempt(reasons) { () throws(WarehouseError) in try otherwise(answer) }
    for (index, text) in statements.enumerated() {
      try prepare(for: text)
      var statement = try statement(text, commented: true)
      statement.attempt = attempt
      if index == main { statement.answer = answer }
      waiting.append(statement)
    }
    return answer
  }

  /// Looks at what was sent: whether something of it stays, whatever becomes of the open transaction.
  func note(_ sent: [Statement], _ result: MessageResult, wasWithin: Bool) {
    var isWithin = wasWithin
    let answered = result.responses.count
    for (index, statement) in sent.enumerated() where index <= answered {
      // Without an answer only what stood alone, and was not refused, may have been done.
      let mayHaveBeenDone = index < answered || (result.failure?.kind == .lost && !isWithin)
      if statement.isBegin {
        isWithin = true
      } else if statement.isCommit {
        if index < answered { hasChangedForGood = true }
        isWithin = false
      } else if mayHaveBeenDone, !StatementSplitter.isQuery(statement.sql) {
        // TRUNCATE commits what was done before it.
        let word = statement.sql.drop { $0.isWhitespace }.prefix { $0.isLetter }.lowercased()
        if !isWithin || word == "truncate" { hasChangedForGood = true }
      }
    }
  }

  // MARK: Turns

  /// Waits until no other session drops one of these, and keeps others from it until the transaction ends.
  func take(_ names: Set<String>) throws(WarehouseError) {
    // Who has something and waits for more might wait in a circle.
    guard !names.isEmpty, turn.isEmpty else { return }
    turn = names
    DropTurns.shared.take(names)
  }

  func giveBackTurn() {
    guard !turn.isEmpty else { return }
    DropTurns.shared.giveBack(turn)
    turn = []
  }
}

extension AdapterResponse {
  /// As dbt's driver for Redshift tells it.
  var withoutCommand: AdapterResponse {
    AdapterResponse(message: "SUCCESS", code: "", rowsAffected: rowsAffected)
  }
}
