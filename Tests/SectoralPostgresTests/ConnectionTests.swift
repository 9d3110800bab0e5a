import Foundation
import Glibc
import SectoralPostgres
import SectoralTestSupport
import SectoralWarehouse
import Synchronization
import Testing

/// Statements, values and errors on a connection.
struct ConnectionTests {
  private func connect(
    _ change: (inout PostgresCredentials) -> Void = { _ in },
    onNotice: (@Sendable (PostgresNotice, String) -> Void)? = nil
  ) throws -> PostgresConnection {
    var credentials = try TestServer.credentials()
    credentials.autocommit = true
    change(&credentials)
    return try PostgresWarehouse(credentials, onNotice: onNotice).connect(name: "model.test.m")
  }

  private func error(_ body: () throws -> Void) -> WarehouseError? {
    do {
      try body()
    } catch {
      return error as? WarehouseError
    }
    return nil
  }

  // MARK: Results

  struct Response: Sendable, CustomTestStringConvertible {
    let sql: String
    let message: String
    let code: String
    let rows: Int
    var testDescription: String { sql }
  }

  @Test(arguments: [
    Response(sql: "select 1", message: "SELECT 1", code: "SELECT", rows: 1),
    Response(
      sql: "create temp view v as select 1",
      message: "CREATE VIEW",
      code: "CREATE VIEW",
      rows: -1
    ),
    Response(
      sql: "create temp table t as select generate_series(1, 99)",
      message: "SELECT 99",
      code: "SELECT",
      rows: 99
    ),
    Response(
      sql: "create temp table t (i int); insert into t values (1), (2), (3)",
      message: "INSERT 0 3",
      code: "INSERT",
      rows: 3
    ),
    Response(
      sql: "select 1; select * from generate_series(1, 7); create temp table u ()",
      message: "CREATE TABLE",
      code: "CREATE TABLE",
      rows: -1
    ),
    Response(
      sql: "create temp table u (); select * from generate_series(1, 7);",
      message: "SELECT 7",
      code: "SELECT",
      rows: 7
    ),
    Response(sql: "show server_version", message: "SHOW", code: "SHOW", rows: 1),
    Response(sql: "begin", message: "BEGIN", code: "BEGIN", rows: -1),
    Response(sql: "commit", message: "COMMIT", code: "COMMIT", rows: -1),
  ])
  func answersAsTheDriverOfDbt(_ expected: Response) throws {
    for (fetch, limit) in [(false, nil), (true, nil), (true, 2)] as [(Bool, Int?)] {
      let connection = try connect()
      let response = try connection.execute(expected.sql, fetch: fetch, limit: limit).response
      #expect(
        response
          == AdapterResponse(
            message: expected.message,
            code: expected.code,
            rowsAffected: expected.rows
          )
      )
      connection.close()
    }
  }

  struct Value: Sendable, CustomTestStringConvertible {
    let sql: String
    let kind: ValueKind
    let type: String
    let text: String?
    var testDescription: String { sql }
    init(_ sql: String, _ kind: ValueKind, _ type: String, _ text: String?) {
      self.sql = sql
      self.kind = kind
      self.type = type
      self.text = text
    }
  }

  @Test func givesValuesTheirKinds() throws {
    let values = [
      Value("1::int2", .integer, "int2", "1"), Value("1", .integer, "int4", "1"),
      Value("9223372036854775807", .integer, "int8", "9223372036854775807"),
      Value("1::oid", .integer, "oid", "1"),
      Value("1.10", .decimal, "numeric", "1.10"), Value("0.1::float8", .decimal, "float8", "0.1"),
      Value("1.5::float4", .decimal, "float4", "1.5"), Value("true", .boolean, "bool", "t"),
      Value("date '2024-02-29'", .date, "date", "2024-02-29"),
      Value("timestamp '2024-02-29 12:00:00.5'", .timestamp, "timestamp", "2024-02-29 12:00:00.5"),
      Value(
        "timestamptz '2024-02-29 12:00:00+02'",
        .timestampWithZone,
        "timestamptz",
        "2024-02-29 10:00:00+00"
      ),
      Value("'{\"a\": 1}'::json", .json, "json", "{\"a\": 1}"),
      Value("'{\"a\":1}'::jsonb", .json, "jsonb", "{\"a\": 1}"),
      Value("'é\u{1F600}'::text", .text, "text", "é\u{1F600}"),
      Value("'x'::varchar(10)", .text, "varchar", "x"), Value("''", .text, "text", ""),
      Value("null::int", .integer, "int4", nil), Value("'ok'::mood", .text, "mood", "ok"),
      Value("time '10:11:12'", .text, "time", "10:11:12"),
      Value("interval '1 day'", .text, "interval", "1 day, 0:00:00"),
      Value("array[1, 2]", .json, "_int4", "[1, 2]"), Value("'3'::small", .integer, "int4", "3"),
    ]
    let connection = try connect()
    _ = try connection.execute(
      """
      set timezone to 'UTC';
      create type pg_temp.mood as enum ('ok');
      create domain pg_temp.small as int
      """,
      fetch: false,
      limit: nil
    )
    let list = values.enumerated().map { index, value in
      let sql = value.sql.replacingOccurrences(of: "::mood", with: "::pg_temp.mood")
      return "\(sql.replacingOccurrences(of: "::small", with: "::pg_temp.small")) as c\(index)"
    }
    let sql = "select \(list.joined(separator: ", "))"
    for limit in [nil, 1] {
      let table = try connection.execute(sql, fetch: true, limit: limit).table
      #expect(table.columns.map(\.name) == values.indices.map { "c\($0)" })
      for (index, value) in values.enumerated() {
        #expect(table.columns[index].kind == value.kind, "\(value.sql)")
        #expect(table.columns[index].typeName == value.type, "\(value.sql)")
        #expect(table.rows[0][index] == value.text, "\(value.sql)")
      }
    }
  }

  @Test func keepsAtMostTheLimitAndCountsAll() throws {
    let connection = try connect()
    let sql = "select i, i % 2 = 0 from generate_series(1, 1000) i"
    let (response, table) = try connection.execute(sql, fetch: true, limit: 3)
    #expect(table.rows == [["1", "f"], ["2", "t"], ["3", "f"]])
    #expect(response.message == "SELECT 1000" && response.rowsAffected == 1000)
    #expect(try connection.execute(sql, fetch: true, limit: 0).table.rows.isEmpty)
    #expect(try connection.execute(sql, fetch: true, limit: 0).table.columns.count == 2)
    #expect(try connection.execute(sql, fetch: true, limit: nil).table.rows.count == 1000)
    #expect(try connection.execute(sql, fetch: false, limit: nil).table.columns.isEmpty)
    let empty = try connection.execute("select 1 as a where false", fetch: true, limit: 5).table
    #expect(empty.columns.map(\.name) == ["a"] && empty.rows.isEmpty)
  }

  @Test func onlyTheLastResultCounts() throws {
    let connection = try connect()
    for limit in [nil, 10] {
      let table = try connection.execute(
        "select 1 as a, 2 as b; select 'x' as c from generate_series(1, 3)",
        fetch: true,
        limit: limit
      ).table
      #expect(table.columns.map(\.name) == ["c"])
      #expect(table.rows == [["x"], ["x"], ["x"]])
      let none = try connection.execute(
        "select 1 as a; create temp table t\(limit ?? 0) ()",
        fetch: true,
        limit: limit
      )
      #expect(none.table.columns.isEmpty && none.table.rows.isEmpty)
    }
  }

  // MARK: Transactions

  @Test func beginsOnceUnlessAutocommit() throws {
    let connection = try connect { $0.autocommit = false }
    #expect(!connection.isInTransaction)
    _ = try connection.execute("select 1", fetch: true, limit: nil)
    #expect(connection.isInTransaction)
    _ = try connection.execute("COMMIT", fetch: false, limit: nil)
    #expect(!connection.isInTransaction)
    _ = try connection.execute("select 1", fetch: true, limit: nil)
    #expect(!connection.isInTransaction)
    try connection.resetSession()
    _ = try connection.execute("select 1", fetch: true, limit: nil)
    #expect(connection.isInTransaction)
    try connection.rollback()
    #expect(!connection.isInTransaction)

    let automatic = try connect()
    _ = try automatic.execute("select 1", fetch: true, limit: nil)
    #expect(!automatic.isInTransaction)
  }

  @Test func aFailedTransactionIsStillOne() throws {
    let connection = try connect { $0.autocommit = false }
    #expect(error { _ = try connection.execute("selec", fetch: false, limit: nil) } != nil)
    #expect(connection.isInTransaction)
    let second = error { _ = try connection.execute("select 1", fetch: false, limit: nil) }
    #expect(second?.sqlState == "25P02")
    try connection.rollback()
    #expect(!connection.isInTransaction)
    _ = try connection.execute("select 1", fetch: false, limit: nil)
  }

  @Test func resettingForgetsTheSession() throws {
    let connection = try connect { $0.searchPath = "pg_catalog" }
    _ = try connection.execute(
      "create temp table t (); set search_path to public",
      fetch: false,
      limit: nil
    )
    try connection.resetSession()
    let path = try connection.execute("show search_path", fetch: true, limit: nil).table
    #expect(path.rows == [["pg_catalog"]])
    let gone = error { _ = try connection.execute("select * from t", fetch: true, limit: nil) }
    #expect(gone?.sqlState == "42P01")
  }

  // MARK: Settings of the profile

  @Test func passesTheProfilesSettings() throws {
    let connection = try connect {
      $0.searchPath = "\"a  b\", \"c d\",public"
      $0.applicationName = "it's me"
      $0.keepalivesIdle = 30
      $0.role = "pg_monitor"
    }
    let rows = try connection.execute(
      "select current_setting('search_path'), current_setting('application_name'), current_role,"
        + " current_setting('client_encoding'), current_setting('datestyle')",
      fetch: true,
      limit: nil
    ).table.rows
    #expect(rows == [["\"a  b\", \"c d\",public", "it's me", "pg_monitor", "UTF8", "ISO, MDY"]])
  }

  @Test func datesAreIsoWhateverTheServerPrefers() throws {
    let name = "dates_\(UInt32.random(in: 0...UInt32.max))"
    let administrator = try connect()
    _ = try administrator.execute("create database \(name)", fetch: false, limit: nil)
    _ = try administrator.execute(
      "alter database \(name) set datestyle to 'German'",
      fetch: false,
      limit: nil
    )
    let connection = try connect { $0.database = name }
    let rows = try connection.execute("select date '2024-02-29'", fetch: true, limit: nil).table
      .rows
    #expect(rows == [["2024-02-29"]])
    connection.close()
    _ = try administrator.execute("drop database \(name) with (force)", fetch: false, limit: nil)
  }

  @Test func anUnknownRoleIsAnErrorOfTheConnection() throws {
    let failure = error { _ = try connect { $0.role = "no_such_role" } }
    #expect(failure?.kind == .connection)
    #expect(failure?.message.contains("no_such_role") == true)
    #expect(failure?.hint != nil)
  }

  /// Somebody listens and says nothing.
  @Test func aServerThatDoesNotAnswer() throws {
    let server = try LoopbackSocket(listens: true)
    defer { server.close() }
    let failure = error {
      _ = try connect {
        $0.host = "127.0.0.1"
        $0.port = server.port
        $0.connectTimeout = 2
        $0.retries = 0
      }
    }
    #expect(failure?.kind == .connection)
    let words =
      "connection to server at \"127.0.0.1\", port \(server.port) failed: "
      + "timeout expired after 2 seconds"
    #expect(failure?.message == words)
  }

  @Test func noticesGoToTheHandler() throws {
    let seen = Mutex<[String]>([])
    let connection = try connect(onNotice: { notice, name in
      seen.withLock { $0.append("\(name): \(notice.severity): \(notice.message)") }
    })
    _ = try connection.execute("drop table if exists no_such_table", fetch: false, limit: nil)
    #expect(
      seen.withLock { $0 }
        == ["model.test.m: NOTICE: table \"no_such_table\" does not exist, skipping"]
    )
  }

  // MARK: Errors

  @Test func anErrorOfAStatementTellsAllTheServerSaid() throws {
    let connection = try connect()
    let sql = "-- é\u{1F600}\nselect 1;\nselect nam from (select 1 as name) x"
    let failure = try #require(error { _ = try connection.execute(sql, fetch: true, limit: 5) })
    #expect(failure.kind == .statement)
    #expect(failure.sqlState == "42703")
    #expect(failure.message == "column \"nam\" does not exist")
    #expect(failure.hint == "Perhaps you meant to reference the column \"x.name\".")
    let position = try #require(failure.position)
    #expect(
      String(String.UnicodeScalarView(Array(sql.unicodeScalars)[(position - 1)...])).hasPrefix(
        "nam from"
      )
    )
    #expect(failure.sql == sql)
    _ = try connection.execute("select 1", fetch: false, limit: nil)
  }

  @Test func errorsHaveDetailAndContext() throws {
    let connection = try connect()
    _ = try connection.execute(
      """
      create temp table t (i int primary key);
      create function pg_temp.f() returns int language plpgsql as 'begin return 1 / 0; end';
      """,
      fetch: false,
      limit: nil
    )
    let duplicate = error {
      _ = try connection.execute("insert into t values (1), (1)", fetch: false, limit: nil)
    }
    #expect(duplicate?.sqlState == "23505")
    #expect(duplicate?.detail == "Key (i)=(1) already exists.")
    let division = error {
      _ = try connection.execute("select pg_temp.f()", fetch: true, limit: nil)
    }
    #expect(division?.sqlState == "22012")
    #expect(division?.context?.contains("line 1 at RETURN") == true)
  }

  @Test func anErrorAmongRowsIsAnError() throws {
    let connection = try connect()
    for limit in [nil, 3] {
      let failure = error {
        _ = try connection.execute(
          "select 1 / (500 - i) from generate_series(1, 1000) i",
          fetch: true,
          limit: limit
        )
      }
      #expect(failure?.sqlState == "22012")
    }
  }

  @Test(arguments: ["", "  \n", "-- nothing", "/* nothing */"])
  func anEmptyTextIsRefused(_ sql: String) throws {
    let connection = try connect()
    let failure = error { _ = try connection.execute(sql, fetch: false, limit: nil) }
    #expect(failure?.message == "can't execute an empty query")
  }

  @Test func textsWithNulAreRefused() throws {
    let connection = try connect()
    let failure = error { _ = try connection.execute("select '\0'", fetch: false, limit: nil) }
    #expect(failure?.kind == .statement && failure?.message.contains("NUL") == true)
    let opening = error { _ = try connect { $0.database = "a\0b" } }
    #expect(opening?.kind == .connection && opening?.message.contains("`dbname`") == true)
  }

  @Test(arguments: ["copy (select 1) to stdout", "create temp table t (i int); copy t from stdin"])
  func copiesWithoutAPartnerEnd(_ sql: String) throws {
    let connection = try connect()
    let failure = error { _ = try connection.execute(sql, fetch: false, limit: nil) }
    #expect(failure?.kind == .statement && failure?.message.hasPrefix("COPY") == true)
    #expect(try connection.execute("select 1", fetch: true, limit: nil).table.rows == [["1"]])
  }

  @Test func aClosedConnectionSaysSo() throws {
    let connection = try connect()
    connection.close()
    connection.close()
    connection.canceller.cancel()
    #expect(
      error { _ = try connection.execute("select 1", fetch: false, limit: nil) }?.kind == .lost
    )
    #expect(!connection.isInTransaction)
  }

  @Test func aLostConnectionIsToldApart() throws {
    let connection = try connect()
    let process = connection.serverProcess
    let other = try connect()
    _ = try other.execute("select pg_terminate_backend(\(process), 10000)", fetch: true, limit: nil)
    let failure = error { _ = try connection.execute("select 1", fetch: false, limit: nil) }
    #expect(failure?.kind == .lost)
    #expect(!connection.isOpen)
    let itself = try connect()
    let suicide = error {
      _ = try itself.execute("select pg_terminate_backend(pg_backend_pid())", fetch: true, limit: 1)
    }
    #expect(suicide?.kind == .lost && suicide?.sqlState == "57P01")
  }

  // MARK: Cancelling

  @Test func aStatementIsCancelledFromAnotherThread() throws {
    let connection = try connect()
    let canceller = connection.canceller
    canceller.cancel()
    let thread = Thread {
      // Until it is seen to have worked: the first may come before the statement does.
      for _ in 0..<200 {
        canceller.cancel()
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    thread.start()
    let failure = error { _ = try connection.execute("select pg_sleep(60)", fetch: true, limit: 1) }
    thread.cancel()
    #expect(failure?.kind == .cancelled && failure?.sqlState == "57014")
  }

  @Test func aTimeoutIsNoCancellation() throws {
    let connection = try connect()
    _ = try connection.execute("set statement_timeout to 20", fetch: false, limit: nil)
    let failure = error { _ = try connection.execute("select pg_sleep(60)", fetch: true, limit: 1) }
    #expect(failure?.kind == .statement && failure?.sqlState == "57014")
  }

  // MARK: COPY

  private static func chunks(_ texts: [String]) -> () throws(WarehouseError) -> [UInt8]? {
    var rest = texts[...]
    return { () throws(WarehouseError) -> [UInt8]? in rest.popFirst().map { Array($0.utf8) } }
  }

  @Test func copiesChunksWhereverTheyAreCut() throws {
    let connection = try connect()
    _ = try connection.execute(
      "create temp table t (i int, name text)",
      fetch: false,
      limit: nil
    )
    let rows = try connection.copyIn(
      "copy t from stdin with (format csv)",
      next: Self.chunks(["1,on", "e\n2,\"tw\n", "o\"\n", "", "3,\n"])
    )
    #expect(rows == 3)
    let big = (0..<200_000).map { "\($0),some text here\n" }.joined()
    #expect(try connection.copyIn("copy t from stdin csv", next: Self.chunks([big])) == 200_000)
    let table = try connection.execute(
      "select * from t where name !~ 'some' or name is null order by i",
      fetch: true,
      limit: nil
    ).table
    #expect(table.rows == [["1", "one"], ["2", "tw\no"], ["3", nil]])
    #expect(try connection.copyIn("copy t from stdin csv", next: Self.chunks([])) == 0)
  }

  @Test func aBadRowTellsItsLineAndLeavesNothing() throws {
    let connection = try connect()
    _ = try connection.execute("create temp table t (i int)", fetch: false, limit: nil)
    let failure = error {
      _ = try connection.copyIn("copy t from stdin csv", next: Self.chunks(["1\n2\n", "x\n4\n"]))
    }
    #expect(failure?.kind == .statement && failure?.sqlState == "22P02")
    #expect(failure?.context == "COPY t, line 3, column i: \"x\"")
    #expect(
      try connection.execute("select count(*) from t", fetch: true, limit: nil).table.rows == [
        ["0"]
      ]
    )
  }

  @Test func anAbortedCopyLeavesNothing() throws {
    let connection = try connect()
    _ = try connection.execute("create temp table t (i int)", fetch: false, limit: nil)
    var count = 0
    let failure = error {
      _ = try connection.copyIn("copy t from stdin csv") { () throws(WarehouseError) -> [UInt8]? in
        count += 1
        if count == 3 { throw WarehouseError(kind: .statement, message: "bad file") }
        return Array("1\n".utf8)
      }
    }
    #expect(failure?.message == "bad file")
    #expect(
      try connection.execute("select count(*) from t", fetch: true, limit: nil).table.rows == [
        ["0"]
      ]
    )
  }

  @Test func aCopyIsCancelledBetweenChunks() throws {
    let connection = try connect()
    _ = try connection.execute("create temp table t (i int)", fetch: false, limit: nil)
    let canceller = connection.canceller
    let failure = error {
      _ = try connection.copyIn("copy t from stdin csv") { () throws(WarehouseError) -> [UInt8]? in
        canceller.cancel()
        return Array("1\n".utf8)
      }
    }
    #expect(failure?.kind == .cancelled)
    #expect(try connection.execute("select 1", fetch: true, limit: nil).table.rows == [["1"]])
  }

  @Test func aConnectionLostInACopyIsToldSo() throws {
    let connection = try connect()
    _ = try connection.execute("create temp table t (i int)", fetch: false, limit: nil)
    let process = connection.serverProcess
    let other = try connect()
    var chunks = 0
    let failure = error {
      _ = try connection.copyIn("copy t from stdin csv") { () throws(WarehouseError) -> [UInt8]? in
        chunks += 1
        if chunks == 2 {
          _ = try other.execute(
            "select pg_terminate_backend(\(process), 10000)",
            fetch: true,
            limit: nil
          )
        }
        return chunks < 100 ? Array(repeating: "1\n", count: 100_000).joined().utf8.map { $0 } : nil
      }
    }
    #expect(failure?.kind == .lost, "\(String(describing: failure))")
  }

  @Test(arguments: ["select 1", "copy (select 1) to stdout", "selec"])
  func onlyACopyFromStdinCopies(_ sql: String) throws {
    let connection = try connect()
    let failure = error { _ = try connection.copyIn(sql, next: Self.chunks(["1\n"])) }
    #expect(failure?.kind == .statement)
    #expect(try connection.execute("select 1", fetch: true, limit: nil).table.rows == [["1"]])
  }

  // MARK: No connection

  @Test func noServerNoDatabaseNoUser() throws {
    let database = error { _ = try connect { $0.database = "no_such_database" } }
    #expect(database?.kind == .connection && database?.sqlState == "3D000")
    #expect(database?.message.contains("database \"no_such_database\" does not exist") == true)
    #expect(database?.message.contains("3D000") == false)
    #expect(database?.hint?.contains("createdb") == true)

    let user = error { _ = try connect { $0.user = "no_such_user" } }
    #expect(user?.kind == .connection && user?.sqlState == "28000")

    let server = error {
      _ = try connect {
        $0.host = "127.0.0.1"
        $0.port = 1
      }
    }
    #expect(server?.kind == .connection && server?.sqlState == nil)
    #expect(server?.message.contains("Connection refused") == true)
    #expect(server?.hint?.contains("`host`") == true)

    let mode = error { _ = try connect { $0.sslMode = "no_such_mode" } }
    #expect(mode?.kind == .connection && mode?.message.contains("no_such_mode") == true)
  }

  @Test func aWrongPasswordIsToldAndNotShown() throws {
    let administrator = try connect()
    _ = try administrator.execute(
      "create role with_password login password 'hunter2'",
      fetch: false,
      limit: nil
    )
    let right = try connect {
      $0.user = "with_password"
      $0.password = "hunter2"
    }
    #expect(right.isOpen)
    for password in ["swordfish", nil] {
      let failure = error {
        _ = try connect {
          $0.user = "with_password"
          $0.password = password
          $0.retries = 3
        }
      }
      #expect(failure?.kind == .connection)
      #expect(failure?.message.contains("password") == true)
      #expect(!"\(String(describing: failure))".contains("swordfish"))
      #expect(failure?.sqlState == "28P01")
      if password != nil {
        #expect(
          failure?.message.hasSuffix("authentication failed for user \"with_password\"") == true
        )
        #expect(failure?.hint?.contains("`password`") == true)
      }
    }
  }

  @Test func onlyWhatMayPassIsTriedAgain() throws {
    let waits = Mutex<[Int]>([])
    func attempt(_ change: (inout PostgresCredentials) -> Void) throws -> [Int] {
      var credentials = try TestServer.credentials()
      credentials.retries = 3
      change(&credentials)
      let warehouse = PostgresWarehouse(
        credentials,
        wait: { seconds in waits.withLock { $0.append(seconds) } }
      )
      #expect(throws: WarehouseError.self) { try warehouse.open(name: "x") }
      return waits.withLock { seen in
        defer { seen = [] }
        return seen
      }
    }
    #expect(try attempt { $0.host = "/nowhere" } == [1, 4, 9])
    #expect(try attempt { $0.database = "no_such_database" } == [])
    #expect(try attempt { $0.user = "no_such_user" } == [])
  }

  @Test func noPasswordIsShown() throws {
    var credentials = try TestServer.credentials()
    credentials.password = "hunter2"
    var dumped = ""
    dump(credentials, to: &dumped)
    dump(PostgresWarehouse(credentials), to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"] {
      #expect(!text.contains("hunter2"))
    }
  }
}
