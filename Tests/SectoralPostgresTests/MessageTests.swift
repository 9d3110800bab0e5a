import SectoralPostgres
import SectoralWarehouse
import Testing

/// Several texts in one message, and sessions that are made new with the next text.
struct MessageTests {
  private func connect(
    _ change: (inout PostgresCredentials) -> Void = { _ in }
  ) throws -> PostgresConnection {
    var credentials = try TestServer.credentials()
    credentials.autocommit = true
    change(&credentials)
    return try PostgresWarehouse(credentials).connect(name: "model.test.m")
  }

  private func value(_ sql: String, _ connection: PostgresConnection) throws -> String? {
    let rows = try connection.execute(sql, fetch: true, limit: nil).table.rows
    return rows.first?.first ?? nil
  }

  @Test func eachTextHasItsAnswer() throws {
    let connection = try connect()
    let result = connection.execute(
      together: [
        "BEGIN", "create temp table t (i int) -- to the end of the line",
        "/* why */ insert into t values (1), (2);",
        "select * from t; select i from t where i > 1",
      ],
      fetch: true,
      limit: nil
    )
    #expect(result.failure == nil)
    #expect(result.responses.map(\.message) == ["BEGIN", "CREATE TABLE", "INSERT 0 2", "SELECT 1"])
    #expect(result.table.rows == [["2"]])
    #expect(connection.isInTransaction)
  }

  @Test func whatFailsIsNamedAndStopsTheRest() throws {
    let connection = try connect()
    let result = connection.execute(
      together: ["BEGIN", "select 1", "select 1 / 0", "select 2"],
      fetch: true,
      limit: nil
    )
    #expect(result.responses.map(\.message) == ["BEGIN", "SELECT 1"])
    #expect(result.failure?.part == 2)
    #expect(result.failure?.sqlState == "22012")
    #expect(result.failure?.sql == "select 1 / 0")
  }

  /// Faults with a place say the same as if the text had been sent alone.
  @Test(arguments: [
    "selec 1", "select 1 from nowhere", "select 'ü', nothing",
    "select\n  a,\n  b\nfrom (select 1) as t",
    "select (1", "select 1,\r\n\tx\r\n", "select '" + String(repeating: "x", count: 90) + "', here",
    "select here, '" + String(repeating: "x", count: 90) + "'",
    "select '" + String(repeating: "x", count: 90) + "', here, '"
      + String(repeating: "y", count: 90) + "'",
    "/* {\"app\": \"dbt\"} */\ncreate table x as (select * from nowhere.at_all\n);",
  ])
  func placesCountFromTheTextsOwnBeginning(_ sql: String) throws {
    let connection = try connect()
    let alone = connection.execute(together: [sql], fetch: false, limit: nil).failure
    #expect(alone != nil)
    for texts in [["select 'ä'", sql], ["select 1", "select 2 -- end", sql, "select 3"]] {
      let error = connection.execute(together: texts, fetch: false, limit: nil).failure
      #expect(error?.part == texts.firstIndex(of: sql))
      #expect(error?.message == alone?.message)
      #expect(error?.position == alone?.position)
      #expect(error?.report == alone?.report)
      #expect(error?.sql == sql)
      #expect(error?.sqlState == alone?.sqlState)
    }
  }

  @Test(
    .serialized,
    arguments: [
      "create temp table t ()", "set search_path to public", "set role pg_monitor",
      "prepare p as select 1", "listen x", "begin; create temp table t (); commit; begin",
      "select pg_advisory_lock(77)", "begin; set search_path to public",
      "begin; select pg_advisory_lock(77)", "begin; create temp table t ()", "begin; selec",
      "begin; declare c cursor with hold for select 1; commit",
    ]
  )
  func theNextNodeFindsNothingOfTheLast(_ sql: String) throws {
    for texts in [[sql], sql.split(separator: ";").map(String.init)] {
      let connection = try connect { $0.searchPath = "pg_catalog" }
      let other = try connect()
      _ = connection.execute(together: texts, fetch: false, limit: nil)
      try connection.resetSession()
      // Twice: nobody may have used it.
      try connection.resetSession()
      let settings = """
        select concat_ws(' ', current_setting('search_path'), current_setting('role'),
          (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors),
          (select count(*) from pg_listening_channels()), to_regclass('pg_temp.t'))
        """
      #expect(try value(settings, connection) == "pg_catalog none 0 0 0")
      #expect(!connection.isInTransaction)
      #expect(try value("select pg_try_advisory_lock(77)", other) == "t")
      _ = try value("select pg_advisory_unlock(77)", other)
    }
  }

  @Test func aResetIsNotUndoneWithTheNextNode() throws {
    let connection = try connect()
    _ = try connection.execute("set search_path to public", fetch: false, limit: nil)
    for _ in 0..<2 {
      try connection.resetSession()
      _ = connection.execute(together: ["begin", "select 1"], fetch: false, limit: nil)
    }
    try connection.resetSession()
    #expect(try value("show search_path", connection) == "\"$user\", public")
  }

  @Test func theNextTransactionBeginsWithTheNodesOwnStatement() throws {
    let connection = try connect()
    _ = connection.execute(together: ["begin", "select 1"], fetch: false, limit: nil)
    try connection.resetSession()
    let result = connection.execute(
      together: ["begin", "set transaction isolation level serializable"],
      fetch: false,
      limit: nil
    )
    #expect(result.failure == nil)
  }

  @Test func whatFailsIsCountedWithoutTheReset() throws {
    let connection = try connect()
    for sql in ["select nothing", "select 1 / 0", "selec"] {
      _ = try connection.execute("set search_path to public", fetch: false, limit: nil)
      try connection.resetSession()
      let error = connection.execute(
        together: ["begin", sql, "commit"],
        fetch: false,
        limit: nil
      ).failure
      #expect(error?.part == 1)
      #expect(error?.sql == sql)
      _ = connection.execute(together: ["rollback"], fetch: false, limit: nil)
    }
  }

  @Test func settlingLetsGoAtOnce() throws {
    let connection = try connect()
    let other = try connect()
    _ = connection.execute(
      together: ["begin", "select pg_advisory_lock(78)"],
      fetch: false,
      limit: nil
    )
    try connection.resetSession()
    #expect(connection.isInTransaction)
    try connection.settleSession()
    #expect(!connection.isInTransaction)
    #expect(try value("select pg_try_advisory_lock(78)", other) == "t")
  }

  /// A message whose grammar is wrong is not run at all, what was owed before it neither.
  @Test func aResetThatDidNotComeAboutIsOwedStill() throws {
    let connection = try connect()
    _ = try connection.execute("set search_path to public", fetch: false, limit: nil)
    try connection.resetSession()
    _ = connection.execute(together: ["selec"], fetch: false, limit: nil)
    #expect(try value("show search_path", connection) == "\"$user\", public")
  }

  @Test func aSessionThatTheServerEndedIsDoubtful() throws {
    let connection = try connect()
    #expect(!connection.isDoubtful)
    let process = connection.serverProcess
    _ = try value("select pg_terminate_backend(\(process), 5000)", try connect())
    #expect(connection.isDoubtful)
  }
}
