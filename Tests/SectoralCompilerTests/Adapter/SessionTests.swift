import SectoralWarehouse
import Synchronization
import Testing

@testable import SectoralCompiler

struct SessionTests {
  private func session(
    _ warehouse: ScriptedWarehouse,
    style: TransactionStyle? = nil,
    comment: QueryComment? = nil
  ) -> WarehouseSession {
    WarehouseSession(
      name: "model.p.m",
      warehouse: warehouse,
      cache: RelationCache(),
      style: style,
      comment: { () throws(WarehouseError) in comment }
    )
  }

  @Test func postgresBeginsOnceAndCommitsByText() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse)
    #expect(warehouse.sent.isEmpty)
    try session.execute("a")
    try session.execute("b", opensTransaction: true)
    try session.execute("c", opensTransaction: true)
    try session.commit()
    try session.execute("d")
    try session.execute("e", opensTransaction: true)
    session.release()
    #expect(
      warehouse.sent == ["BEGIN", "a", "b", "c", "COMMIT", "d", "e", "ROLLBACK", "<closed>"]
    )
  }

  @Test func whatWasNeverMarkedIsNotRolledBack() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse)
    try session.execute("select 1")
    session.release()
    session.release()
    #expect(warehouse.sent == ["BEGIN", "select 1", "<closed>"])
  }

  @Test func hooksClearTheTransactionFirst() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse)
    try session.clearTransaction()
    try session.execute("vacuum")
    session.release()
    #expect(warehouse.sent == ["BEGIN", "COMMIT", "vacuum", "<closed>"])
  }

  @Test func statementsThatMayWaitGoWithTheNext() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse)
    session.collectsStatements = true
    var order: [String] = []
    let first = try session.executeLater("create table t ();", opensTransaction: true)
    session.afterwards { order.append("created") }
    let second = try session.executeLater("alter table t rename to u", opensTransaction: true)
    #expect(warehouse.sent.isEmpty && first.response == nil && order.isEmpty)
    try session.commit()
    #expect(
      warehouse.sent == ["BEGIN", "create table t ();", "alter table t rename to u", "COMMIT"]
    )
    #expect(first.response != nil && second.response != nil && order == ["created"])
    // Now each stands alone.
    _ = try session.executeLater("vacuum", opensTransaction: false)
    #expect(warehouse.sent.last == "vacuum")
  }

  @Test func severalStatementsInOneTextDoNotWait() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse)
    session.collectsStatements = true
    _ = try session.executeLater("a;", opensTransaction: true)
    _ = try session.executeLater("b; c", opensTransaction: true)
    #expect(warehouse.sent == ["BEGIN", "a;", "b; c"])
  }

  @Test func whatWaitsFailsWithItsOwnError() throws {
    let warehouse = ScriptedWarehouse()
    warehouse.state.withLock {
      $0.failures = [("second", WarehouseError(kind: .statement, message: "no", position: 12))]
    }
    let session = session(warehouse, comment: QueryComment(text: "c"))
    session.collectsStatements = true
    var isDone = false
    let first = try session.executeLater("first", opensTransaction: true)
    _ = try session.executeLater("second", opensTransaction: true)
    session.afterwards { isDone = true }
    let error = #expect(throws: WarehouseError.self) { try session.commit() }
    #expect(error?.sql == "second" && error?.position == 4)
    #expect(first.response != nil && !isDone)
    #expect(!warehouse.sent.contains("COMMIT"))
  }

  @Test func anAttemptThatIsRefusedIsUndone() throws {
    let warehouse = ScriptedWarehouse()
    warehouse.state.withLock {
      $0.failures = [
        ("drop", WarehouseError(kind: .statement, sqlState: "2BP01", message: "in use"))
      ]
    }
    let session = session(warehouse)
    session.collectsStatements = true
    _ = try session.executeLater("create", opensTransaction: true)
    let answer = try session.attempt(["lock", "drop"], main: 1, reasons: ["2BP01"]) {
      (answer) throws(WarehouseError) in
      answer.response = try session.execute("do").response
    }
    try session.commit()
    #expect(answer.response != nil)
    #expect(
      warehouse.sent == [
        "BEGIN", "create", "savepoint sectoral_attempt", "lock", "drop",
        "rollback to savepoint sectoral_attempt", "do", "COMMIT",
      ]
    )
  }

  @Test func committingNothingIsAnError() throws {
    let session = session(ScriptedWarehouse())
    try session.commitIfOpen()
    let error = #expect(throws: WarehouseError.self) { try session.commit() }
    #expect(
      error?.message
        == "Tried to commit transaction on connection \"model.p.m\", but it does not have one open!"
    )
  }

  @Test func autocommitSendsNoTransactionStatements() throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse, style: .postgresAutocommit)
    try session.execute("a", opensTransaction: true)
    try session.commit()
    try session.execute("b", opensTransaction: true)
    session.release()
    #expect(warehouse.sent == ["a", "b", "<closed>"])
  }

  @Test func redshiftSplitsTexts() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let session = session(warehouse)
    try session.execute("select ';' ; -- note;\n/* ; */ insert $$;$$;\n  ;-- end")
    #expect(warehouse.sent == ["select ';' ;", "-- note;\n/* ; */ insert $$;$$;"])
  }

  @Test func aTransactionOfOneStatementIsThatStatement() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let session = session(warehouse)
    session.collectsStatements = true
    let answer = try session.executeLater("insert", opensTransaction: true)
    #expect(warehouse.sent.isEmpty)
    try session.commit()
    #expect(answer.response?.message == "SUCCESS")
    session.release()
    #expect(warehouse.sent == ["insert", "<closed>"])
  }

  @Test func redshiftBeginsWithTheFirstChange() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let session = session(warehouse)
    session.collectsStatements = true
    try session.execute("-- what is there\nselect 1", opensTransaction: true, fetch: true)
    #expect(!(try #require(session.connection).isInTransaction))
    _ = try session.executeLater("create; insert", opensTransaction: true)
    try session.execute("select 2", opensTransaction: true, fetch: true)
    _ = try session.executeLater("drop", opensTransaction: false)
    try session.commit()
    try session.execute("vacuum")
    #expect(
      warehouse.sent == [
        "-- what is there\nselect 1", "BEGIN", "create;", "insert", "select 2", "drop", "COMMIT",
        "vacuum",
      ]
    )
  }

  @Test func whatOnlyReadsNeedsNoTransaction() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let session = session(warehouse)
    try session.clearTransaction()
    try session.execute("select 1", opensTransaction: true, fetch: true)
    try session.execute("commit;")
    try session.execute("vacuum")
    session.release()
    #expect(warehouse.sent == ["select 1", "vacuum", "<closed>"])
  }

  @Test func aCommitOfHooksEndsTheTransaction() throws {
    let warehouse = ScriptedWarehouse(adapterType: "redshift")
    let session = session(warehouse)
    session.collectsStatements = true
    _ = try session.executeLater("a", opensTransaction: true)
    _ = try session.executeLater("b", opensTransaction: true)
    try session.execute("commit;")
    try session.execute("vacuum")
    #expect(warehouse.sent == ["BEGIN", "a", "b", "COMMIT", "vacuum"])
    #expect(!session.isMarkedOpen)
  }

  @Test(arguments: [
    ("select 1", true), ("  (select 1)", true), ("with a as (select 1) select * from a", true),
    ("/* x */ -- y\nSHOW tables", true), ("select a into b from c", false), ("-- nothing", false),
    ("create table a as (select 1)", false), ("insert into a select 1", false), ("", false),
    ("select 'x' as intone", true),
  ])
  func queriesAreKnownByTheirWords(_ sql: String, _ isQuery: Bool) {
    #expect(StatementSplitter.isQuery(sql) == isQuery)
  }

  @Test(arguments: [
    ("select E'\\'; x'; y", 2), ("select e'\\''; select 'x'", 2), ("select nice'\\'; y", 2),
    ("select 'a''; b'", 1), ("select $x$;$x$ -- ;", 1), ("select \"a;b\" /* ; */;", 1),
  ])
  func semicolonsInTextsSplitNothing(_ sql: String, _ count: Int) {
    #expect(StatementSplitter.statements(in: sql).count == count)
  }

  /// In Redshift every text has escapes, and names have none.
  @Test(arguments: [
    ("select '\\'; x'; y", 2), ("select 'a\\\\'; y", 2), ("select \"a\\\"; y", 2),
    ("select 'a''; b'", 1),
  ])
  func backslashesOfRedshift(_ sql: String, _ count: Int) {
    #expect(StatementSplitter.statements(in: sql, hasEscapes: true).count == count)
  }

  @Test(arguments: [
    ("select 1", false, "/* c */\nselect 1"), ("select 1", true, "select 1\n/* c */"),
    ("select 1; \n", true, "select 1\n/* c */;"),
  ])
  func commentsGoWithStatements(_ sql: String, _ isAppended: Bool, _ expected: String) throws {
    let warehouse = ScriptedWarehouse()
    let session = session(warehouse, comment: QueryComment(text: "c", isAppended: isAppended))
    try session.execute(sql)
    #expect(warehouse.sent == ["BEGIN", expected])
  }

  @Test func positionsOfErrorsCountWithoutTheComment() throws {
    let warehouse = ScriptedWarehouse()
    warehouse.state.withLock {
      $0.failures = [("selec", WarehouseError(kind: .statement, message: "no", position: 9))]
    }
    let session = session(warehouse, comment: QueryComment(text: "c"))
    let error = #expect(throws: WarehouseError.self) { try session.execute("selec 1") }
    #expect(error?.position == 1)
    #expect(error?.sql == "selec 1")
  }

  @Test func eventsTellTheStory() throws {
    nonisolated(unsafe) var events: [String] = []
    let session = WarehouseSession(
      name: "n",
      warehouse: ScriptedWarehouse(),
      cache: RelationCache(),
      onEvent: { event in
        switch event {
        case .noted(let text): events.append("noted \(text)")
        case .opened(let name, _): events.append("opened \(name)")
        case .statement(_, let sql): events.append(sql)
        case .succeeded(_, let response, _): events.append(response.message)
        case .failed: events.append("failed")
        case .committing: events.append("committing")
        case .rolledBack: events.append("rolled back")
        case .closed: events.append("closed")
        }
      }
    )
    try session.execute("select 1", opensTransaction: true)
    try session.commit()
    session.release()
    #expect(
      events == ["opened n", "select 1", "SELECT 0", "committing", "COMMIT", "SELECT 0", "closed"]
    )
  }
}

struct RelationCacheTests {
  private func relation(
    _ name: String,
    schema: String = "s",
    type: RelationType = .table
  )
    -> Relation
  { Relation(database: "d", schema: schema, identifier: name, type: type) }

  private func name(_ match: RelationCache.Match) -> String {
    switch match {
    case .none: "none"
    case .relation(let relation): relation.rendered
    case .approximate(let relation): "approximately \(relation.rendered)"
    case .several(let relations): "\(relations.count)"
    }
  }

  @Test func findsWhatASchemaHolds() {
    let cache = RelationCache()
    #expect(!cache.isLoaded(database: "d", schema: "s"))
    cache.fill(database: "D", schema: "S", with: [relation("a"), relation("B")])
    #expect(cache.isLoaded(database: "d", schema: "s"))
    func find(_ identifier: String, quoting: NamePolicy = NamePolicy()) -> String {
      name(cache.find(database: "d", schema: "s", identifier: identifier, quoting: quoting))
    }
    #expect(find("a") == #""d"."s"."a""#)
    #expect(find("b") == #"approximately "d"."s"."B""#)
    #expect(find("A") == #"approximately "d"."s"."a""#)
    #expect(find("A", quoting: NamePolicy(identifier: false)) == #""d"."s"."a""#)
    #expect(find("c") == "none")
  }

  @Test func dropsGoThroughViews() {
    let cache = RelationCache()
    let (a, b, c) = (
      relation("a"), relation("b", type: .view), relation("c", schema: "t", type: .view)
    )
    cache.fill(database: "d", schema: "s", with: [a, b])
    cache.link(from: b, to: a)
    cache.link(from: c, to: b)
    cache.fill(database: "d", schema: "t", with: [c])
    cache.drop(a)
    #expect(cache.relations(database: "d", schema: "s")?.isEmpty == true)
    #expect(cache.relations(database: "d", schema: "t")?.isEmpty == true)
  }

  @Test func viewsFollowARename() {
    let cache = RelationCache()
    let (a, b, v) = (relation("a"), relation("b"), relation("v", type: .view))
    cache.fill(database: "d", schema: "s", with: [a, v])
    cache.link(from: v, to: a)
    cache.rename(a, to: b)
    #expect(cache.relations(database: "d", schema: "s")?.map(\.identifier) == ["b", "v"])
    cache.add(a)
    cache.drop(a)
    #expect(cache.relations(database: "d", schema: "s")?.map(\.identifier) == ["b", "v"])
    cache.drop(b)
    #expect(cache.relations(database: "d", schema: "s")?.isEmpty == true)
  }

  @Test func addedRelationsReplaceTheirNamesakes() {
    let cache = RelationCache()
    cache.fill(database: "d", schema: "s", with: [relation("a", type: .view)])
    cache.add(relation("a"))
    #expect(cache.relations(database: "d", schema: "s")?.map(\.type) == [.table])
    cache.dropSchema(database: "d", schema: "s")
    #expect(cache.relations(database: "d", schema: "s")?.isEmpty == true)
  }
}
