import SectoralWarehouse
import Testing

/// Which errors may pass by themselves.
struct TransienceTests {
  private static let cases: [(WarehouseError.Kind, String?, String, Transience?)] = [
    (.statement, "40P01", "deadlock detected", .conflict),
    (.statement, "40001", "could not serialize access due to concurrent update", .conflict),
    (.statement, "XX000", "tuple concurrently updated", .conflict),
    (.statement, "XX000", "1023", nil),
    (
      .statement, "23505",
      "duplicate key value violates unique constraint \"pg_namespace_nspname_index\"", .conflict
    ),
    (.statement, "23505", "duplicate key value violates unique constraint \"orders_pkey\"", nil),
    (.statement, "55P03", "canceling statement due to lock timeout", nil),
    (.statement, "57014", "canceling statement due to statement timeout", nil),
    (.cancelled, "57014", "canceling statement due to user request", nil),
    (.statement, "53100", "could not extend file", nil),
    (.statement, "08007", "the answer to COMMIT was lost", nil),
    (.lost, nil, "server closed the connection unexpectedly", .outage),
    (.lost, "57P01", "terminating connection due to administrator command", .outage),
    (.lost, "57P04", "terminating connection because the database was dropped", nil),
    (.lost, "25P03", "terminating connection due to idle-in-transaction timeout", nil),
    (.lost, "57P05", "terminating connection due to idle-session timeout", .outage),
    (.statement, "08P01", "server conn crashed?", .outage),
    (.statement, "08P01", "invalid message format", nil),
    (.connection, nil, "connection refused", .outage),
    (.connection, "53300", "sorry, too many clients already", .crowded),
    (.connection, "57P03", "the database system is starting up", .outage),
    (.connection, "28P01", "password authentication failed", nil),
    (.connection, "3D000", "database does not exist", nil),
  ]

  @Test(arguments: cases.indices)
  func isKnownByItsCode(_ index: Int) {
    let (kind, code, message, expected) = Self.cases[index]
    let error = WarehouseError(kind: kind, sqlState: code, message: message)
    #expect(error.transience == expected, "\(code ?? "") \(message)")
  }

  @Test func redshiftSaysItInTheDetail() {
    let error = WarehouseError(
      kind: .statement,
      sqlState: "XX000",
      message: "1023",
      detail:
        "Serializable isolation violation on table - 100201, transactions forming the cycle are"
    )
    #expect(error.transience == .conflict)
  }

  @Test(arguments: [
    ("insert into t values (1)", true), ("drop table t", true), ("call p()", false),
    ("create index concurrently i on t (a)", false), ("vacuum t", false),
    ("select 1; select 2", false),
    ("DO $$ begin end $$", false), ("-- words\nvacuum", false), ("commit", false),
  ])
  func standsOrFallsAsAWhole(_ text: String, _ expected: Bool) {
    #expect(StatementWords.isAllOrNothing(text) == expected)
  }

  @Test(arguments: [
    ("insert into t values (1)", true), ("delete from t; insert into t values (1);", true),
    ("/* {\"app\": \"dbt\"} */ delete from t;\n-- end\n insert into t select 1", true),
    ("commit", false), ("insert into t values (1); COMMIT; select 1", false),
    ("rollback; insert into t values (1)", false), ("select 1;\n-- so\nEnd", false),
    ("select 1; /* c */ abort; select 2", false), ("select 1; prepare transaction 'x'", false),
    ("select 1; rollback and chain", false), ("do $$ begin perform 1; commit; end $$", false),
    ("select ';' || 'a'; select 2", true), ("select 1 /* open ; ", true),
  ])
  func staysInItsTransaction(_ text: String, _ expected: Bool) {
    #expect(StatementWords.staysInTransaction(text) == expected)
  }

  @Test(arguments: [
    ("/* c */\n-- d\nselect 1", true), ("BEGIN", true), ("create  table a as (select 1)", true),
    ("insert into a select 1", true), ("drop table if exists a cascade", true),
    ("create temporary table a as (select 1)", false), ("create table #a (b int)", false),
    ("select 1 into a", false), ("set query_group to 'x'", false), ("/* open", false),
    ("select set_config('a', 'b', false)", false), ("call p()", false),
    ("declare c cursor for select 1", false),
    ("prepare p as select 1", false), ("reset all", false), ("lock a", false),
  ])
  func sessionsThatAreAsTheyWere(_ text: String, _ expected: Bool) {
    #expect(StatementWords.leavesSessionAsItWas(text) == expected)
  }
}
