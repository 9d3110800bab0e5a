import SectoralJinja
import SectoralText
import Testing

@testable import SectoralCompiler

struct SeedTableTests {
  private func seed(
    _ text: String,
    delimiter: Character = ",",
    textColumns: Set<String> = []
  ) throws -> SeedTable {
    try SeedTable(
      SourceFile(path: "seeds/x.csv", text: text),
      delimiter: delimiter.asciiValue ?? 44,
      textColumns: textColumns
    )
  }

  private func copied(_ seed: SeedTable) -> String {
    String(decoding: seed.copyText(rows: 0..<seed.rowCount), as: UTF8.self)
  }

  /// A value, the type that the column gets on Postgres, and what is loaded.
  @Test(arguments: [
    ("1", "integer", "1"), (" 1 ", "integer", "1"), ("+1", "integer", "1"), ("-1", "integer", "-1"),
    ("\"1,000\"", "integer", "1000"), ("1.0", "integer", "1"), ("1.", "integer", "1"),
    (".5", "float8", "0.5"), ("$5", "integer", "5"), ("5%", "integer", "5"),
    ("\"$1,234.50\"", "float8", "1234.50"), ("1e5", "integer", "100000"), ("-$5", "integer", "-5"),
    ("$-5", "integer", "-5"), ("(5)", "text", "\"(5)\""), ("1_000", "integer", "1000"),
    ("0x1", "text", "\"0x1\""), ("007", "integer", "007"), ("９", "integer", "9"),
    ("1 000", "text", "\"1 000\""), ("inf", "integer", "Infinity"), ("NaN", "integer", "NaN"),
    ("null", "integer", ""), ("NULL", "integer", ""), (" null", "integer", ""),
    ("none", "text", "\"none\""), ("-", "text", "\"-\""), ("true", "boolean", "true"),
    ("TRUE", "boolean", "true"), (" False ", "boolean", "false"), ("t", "text", "\"t\""),
    ("1.2.3", "text", "\"1.2.3\""), ("€5", "integer", "5"), ("₹5", "text", "\"₹5\""),
    ("5 %", "integer", "5"), ("%", "text", "\"%\""), ("--5", "integer", "5"),
    ("- 5", "integer", "-5"), ("1-", "text", "\"1-\""), ("sNaN", "text", "\"sNaN\""),
    ("1e-5", "float8", "0.00001"), ("0.10", "float8", "0.10"), ("5\u{A0}", "integer", "5"),
    ("123456789012345678901", "integer", "123456789012345678901"),
    ("1.0000000000000000000000000000001", "integer", "1"),
    ("2024-01-02", "date", "2024-01-02"), ("2024-1-2", "date", "2024-01-02"),
    (" 2024-01-02", "date", "2024-01-02"), ("2024-02-30", "text", "\"2024-02-30\""),
    ("24-01-02", "text", "\"24-01-02\""), ("20240102", "integer", "20240102"),
    ("2024-01-02 03:04:05", "timestamp without time zone", "2024-01-02 03:04:05"),
    ("2024-1-2  3:4:5", "timestamp without time zone", "2024-01-02 03:04:05"),
    ("2024-01-02T03:04:05", "timestamp without time zone", "2024-01-02 03:04:05"),
    ("2024-01-02T03:04:05.123456789", "timestamp without time zone", "2024-01-02 03:04:05.123456"),
    ("2024-01-02T03:04:05+02:00", "timestamp without time zone", "2024-01-02 01:04:05"),
    ("2024-W01-1T03", "timestamp without time zone", "2024-01-01 03:00:00"),
    ("20240102T0304", "timestamp without time zone", "2024-01-02 03:04:00"),
    ("2024-123T03.5", "timestamp without time zone", "2024-05-02 03:30:00"),
    ("2024-01-02T24:00:00", "text", "\"2024-01-02T24:00:00\""),
    ("2024-01-02T3:04:05", "text", "\"2024-01-02T3:04:05\""),
    ("2024-01-02 03:04", "text", "\"2024-01-02 03:04\""), ("12:30:00", "text", "\"12:30:00\""),
    ("2024/01/02", "text", "\"2024/01/02\""), ("\"a\"\"b\"", "text", "\"a\"\"b\""),
    (" x", "text", "\" x\""), ("x\"y", "text", "\"x\"\"y\""), ("\"x\"y", "text", "\"xy\""),
  ])
  func valuesFindTheirType(_ value: String, _ type: String, _ loaded: String) throws {
    let seed = try seed("a\n\(value)\n")
    #expect(seed.sqlType(0, adapterType: "postgres") == type)
    #expect(copied(seed) == loaded + "\n")
  }

  /// A whole column's type, over several values.
  @Test(arguments: [
    ("1\n1.5", "float8"), ("1\ntrue", "text"), ("2024-01-01\n2024-01-01 10:00:00", "text"),
    ("1.0\n2.0", "integer"), ("1\n\n2", "integer"), ("null\nx", "text"), ("", "integer"),
    ("2024-01-01T00\n2024-01-01 10:00:00", "text"), ("true\n\nFALSE", "boolean"),
  ])
  func columnsTakeTheTypeThatAllValuesFit(_ values: String, _ type: String) throws {
    #expect(try seed("a\n\(values)\n").sqlType(0, adapterType: "postgres") == type)
  }

  @Test(arguments: [
    ("a,b\n1\n", "1,\n"), ("a,b\n1,2\n\n3,4\n", "1,2\n,\n3,4\n"), ("a,b\r\n1,2\r\n", "1,2\n"),
    ("a,b\r1,2\r", "1,2\n"), ("\u{FEFF}a,b\n1,2\n", "1,2\n"), ("a,b\n1,2", "1,2\n"),
    ("a,b\n\"x\r\ny\",2\n", "\"x\ny\",2\n"), ("a,b\n\"x,2\n", "\"x,2\n\",\n"), ("a\n", ""),
    ("a,b\n,\n", ",\n"), ("a\n1\n\n\n", "1\n\n\n"), ("a,b\n1,\n", "1,\n"),
  ])
  func filesAreReadAsPythonReadsThem(_ text: String, _ loaded: String) throws {
    #expect(copied(try seed(text)) == loaded)
  }

  @Test func namesAreMadeUnique() throws {
    #expect(try seed("a,a,,a_2\n").columns.map(\.name) == ["a", "a_2", "c", "a_2_2"])
  }

  @Test func columnsWithATypeStayText() throws {
    let seed = try seed("a,b\n01,null\n", textColumns: ["a", "b"])
    #expect(seed.columns.map(\.type) == [.text, .text])
    #expect(copied(seed) == "\"01\",\n")
    #expect(seed.sqlType(0, adapterType: "redshift") == "varchar(2)")
    #expect(seed.sqlType(1, adapterType: "redshift") == "varchar(64)")
  }

  @Test func otherDelimitersWork() throws {
    #expect(copied(try seed("a;b\n1;x,y\n", delimiter: ";")) == "1;\"x,y\"\n")
    #expect(copied(try seed("a.b\n1.x,y\n", delimiter: ".")) == "1,\"x,y\"\n")
  }

  /// What goes to the database: the file's own text where that means the same, and else what
  /// `copyText` makes of it.
  @Test(arguments: [
    ("a,b\n1,x\n2,\"y, z\"\n", true), ("a,b\n1,x\n2,", true), ("a,b\n1.5,x\n2.0,y\n", true),
    ("a,b\n1,\"say \"\"so\"\"\"\n", true), ("a,b\n2024-01-02,2024-01-02 03:04:05\n", true),
    ("a,b\nTrue, x \n", true), ("a,b\n$5,2024-1-2\nx,y\n", true),
    ("a,b\n1,null\n", false), ("a,b\n1,\"\"\n", false), ("a,b\n1, \n", false), ("a,b\n1\n", false),
    ("a,b\n1,x\n\n2,y\n", false), ("a,b\r\n1,x\r\n", false), ("a,b\n1.0,x\n", false),
    ("a,b\n$5,x\n", false), ("a,b\n1,2024-1-2\n", false), ("a,b\n1,x\"y\n", false),
    ("a,b\n1,\"x\"y\n", false), ("a,b\n1,\\.\n", false), ("a,b\n1,\"x\n", false),
    ("a,b\n1,2024-01-02T03:04:05\n", false),
  ])
  func theFileItselfIsSentWhereItMeansTheSame(_ text: String, _ isSent: Bool) throws {
    let seed = try seed(text)
    let pieces = (0..<seed.pieceCount).map { String(decoding: seed.copyPiece($0), as: UTF8.self) }
    #expect((pieces.joined() == text.dropFirst(text.contains("\r") ? 5 : 4)) == isSent)
    if !isSent { #expect(pieces.joined() == copied(seed)) }
  }

  /// A file that two threads look at, cut where a guess says, gives what one gives.
  @Test(arguments: [
    "1,\"a\nb\"", "1,x\"y", "1,\"x", "1,2", "1.5,\"a,\"\"b\"",
  ])
  func largeFilesAreCutBetweenRecords(_ odd: String) throws {
    let plain = String(repeating: "17,some words that fill a line\n", count: 50_000)
    let text = "a,b\n\(plain)\(odd)\n\(plain)\(odd)\n\(plain)"
    let seed = try seed(text)
    let isClosed = odd != "1,\"x"
    #expect(seed.rowCount == (isClosed ? 150_002 : 100_001))
    #expect(seed.value(row: 49_999, column: 1).asString == "some words that fill a line")
    let last = seed.value(row: seed.rowCount - 1, column: 1).asString
    #expect(last == "some words that fill a line")
  }

  @Test(arguments: [
    ("a,b\n1,2\n1,2,3\n", "seed.too-many-values", 3), ("", "seed.empty", 1),
    ("\na\n", "seed.no-header", 1),
  ])
  func mistakesHaveAPlace(_ text: String, _ id: String, _ line: Int) throws {
    let error = #expect(throws: SeedError.self) { try seed(text) }
    #expect(error?.diagnostic.id == id)
    #expect(error?.diagnostic.span?.position.line == line)
  }

  @Test func otherEncodingsAreRefused() throws {
    let file = SourceFile(path: "x.csv", bytes: Array("a\nb\n".utf8) + [0xE9, 10])
    let error = #expect(throws: SeedError.self) { try SeedTable(file) }
    #expect(error?.diagnostic.id == "seed.not-utf8")
    #expect(error?.diagnostic.span?.position.line == 3)
  }

  @Test func anyBytesAreReadOrRefused() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      let count = Int.random(in: 0...40, using: &generator)
      let bytes = (0..<count).map { _ -> UInt8 in
        [34, 44, 10, 13, 49, 46, 45, 84, 97, 0xC3, 0xA9, 32].randomElement(using: &generator) ?? 0
      }
      if let seed = try? SeedTable(SourceFile(path: "x.csv", bytes: bytes)) {
        _ = seed.copyText(rows: 0..<seed.rowCount)
        for row in 0..<seed.rowCount {
          for column in seed.columns.indices { _ = seed.value(row: row, column: column) }
        }
      }
    }
  }

  @Test func templatesSeeValues() throws {
    let host = TestHost()
    host.seed = try seed("id,price,day,ok,name\n1,2.50,2024-01-02,true,x\n2,,,,\n")
    #expect(
      try host.render(
        "{% set t = load_agate_table() %}{{ t.column_names }} {{ t.rows | length }} "
          + "{{ t.rows[0].values() }} {{ t.rows[1].values() }}"
      )
        == "('id', 'price', 'day', 'ok', 'name') 2 (Decimal('1'), Decimal('2.50'), "
        + "datetime.date(2024, 1, 2), True, 'x') (Decimal('2'), None, None, None, None)"
    )
    #expect(
      try host.render(
        "{% set t = load_agate_table() %}{% for c in t.column_names %}"
          + "{{ adapter.convert_type(t, loop.index0) }};{% endfor %}"
      )
        == "integer;float8;date;boolean;text;"
    )
  }
}
