import SectoralWarehouse
import Testing

@testable import SectoralPostgres

/// Values that dbt's driver makes Python values of, and dbt texts again.
struct DriverTextTests {
  /// Expressions, and what dbt 1.11 makes of them in a result.
  private static let recorded: [(sql: String, text: String)] = [
    (#"array[1,2,null]"#, #"[1, 2, null]"#),
    (
      #"array['a','b "x"','é',NULL,'NULL','','a,b','{','\']"#,
      #"["a", "b \"x\"", "\u00e9", null, "NULL", "", "a,b", "{", "\\"]"#
    ),
    (#"array[1.5,2::numeric]"#, #"[1.5, 2.0]"#),
    (#"array[1.5,2]::float8[]"#, #"[1.5, 2.0]"#),
    (#"array['NaN','Infinity']::float8[]"#, #"[NaN, Infinity]"#),
    (#"array['NaN','2.50','1e30']::numeric[]"#, #"[NaN, 2.5, 1e+30]"#),
    (#"array[true,false,null]"#, #"[true, false, null]"#),
    (#"array[date '2024-01-02']"#, #"["2024-01-02"]"#),
    (
      #"array[timestamp '2024-01-02 03:04:05.5',timestamp '2024-01-02']"#,
      #"["2024-01-02T03:04:05.500000", "2024-01-02T00:00:00"]"#
    ),
    (#"array[timestamptz '2024-01-02 03:04:05+02']"#, #"["2024-01-02T01:04:05+00:00"]"#),
    (#"array[[1,2],[3,4]]"#, #"[[1, 2], [3, 4]]"#),
    (#"'{}'::int[]"#, #"[]"#),
    (#"'[0:1]={1,2}'::int[]"#, #"[1, 2]"#),
    (#"array['x']::varchar[]"#, #"["x"]"#),
    (#"array['x']::name[]"#, #"["x"]"#),
    (
      #"array[uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']"#,
      #"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"#
    ),
    (#"array['{"a":1}']::jsonb[]"#, #"[{"a": 1}]"#),
    (#"array['{"a":1}']::json[]"#, #"[{"a": 1}]"#),
    (#"array[time '10:00']"#, #"["10:00:00"]"#),
    (#"array[interval '1 day']"#, #"["1 day, 0:00:00"]"#),
    (#"array['a']::char(3)[]"#, #"["a  "]"#),
    (#"array['a']::"char"[]"#, #"["a"]"#),
    (#"array['1.2.3.4']::inet[]"#, #"["1.2.3.4"]"#),
    (#"array[1]::oid[]"#, #"[1]"#),
    (#"array[1::int2,2]"#, #"[1, 2]"#),
    (#"array[9223372036854775807]"#, #"[9223372036854775807]"#),
    (#"interval '1 day 2 hours'"#, #"1 day, 2:00:00"#),
    (#"time '10:11:12'"#, #"10:11:12"#),
    (#"'{"a":[1,2.50],"b":"é"}'::json"#, #"{"a": [1, 2.5], "b": "\u00e9"}"#),
    (#"'{"a":1}'::jsonb"#, #"{"a": 1}"#),
    (#"'10.0.0.0/8'::cidr"#, #"10.0.0.0/8"#),
    (#"row(1,2)"#, #"(1,2)"#),
    (#"array[row(1,2)]"#, #"{"(1,2)"}"#),
    (#"interval '1 day 2 hours'"#, #"1 day, 2:00:00"#),
    (#"interval '-1 hour'"#, #"-1 day, 23:00:00"#),
    (#"interval '1 year 2 mons 3 days 04:05:06.5'"#, #"428 days, 4:05:06.500000"#),
    (#"interval '0'"#, #"0:00:00"#),
    (#"interval '-3 days +02:00'"#, #"-3 days, 2:00:00"#),
    (#"interval '100 hours'"#, #"4 days, 4:00:00"#),
    (#"interval '1.25 seconds'"#, #"0:00:01.250000"#),
    (#"interval '-1 year -2 mons'"#, #"-425 days, 0:00:00"#),
    (#"interval '-00:00:00.5'"#, #"-1 day, 23:59:59.500000"#),
    (#"interval '-00:30'"#, #"-1 day, 23:30:00"#),
    (#"interval '2 days'"#, #"2 days, 0:00:00"#),
    (#"interval '-1 days'"#, #"-1 day, 0:00:00"#),
    (#"interval '1 mon'"#, #"30 days, 0:00:00"#),
    (#"time '10:11:12'"#, #"10:11:12"#),
    (#"time '10:11:12.5'"#, #"10:11:12.500000"#),
    (#"timetz '10:11:12+02'"#, #"10:11:12+02:00"#),
    (#"timetz '10:11:12.25+05:30'"#, #"10:11:12.250000+05:30"#),
    (#"time '24:00'"#, #"00:00:00"#),
    (
      #"array[interval '1 day', '-1 hour', null]"#, #"["1 day, 0:00:00", "-1 day, 23:00:00", null]"#
    ),
    (#"array[time '10:11:12.5']"#, #"["10:11:12.500000"]"#),
    (
      #"array[timestamptz '2024-01-02 03:04:05.123456+05:30']"#,
      #"["2024-01-01T21:34:05.123456+00:00"]"#
    ),
    (
      #"array[-0.0::float8, 1e-7, 123456789012345680, 1e22,1e16,0.1]"#,
      #"[-0.0, 1e-07, 1.2345678901234568e+17, 1e+22, 1e+16, 0.1]"#
    ),
    (#"array[1e-7::numeric,100000000000000000000, 0.1]"#, #"[1e-07, 1e+20, 0.1]"#),
    (#"array[array['a','b'],array['c',null]]"#, #"[["a", "b"], ["c", null]]"#),
    (#"array[null]::text[]"#, #"[null]"#),
    (#"array['{"a": 1.50}','null','"x"']::jsonb[]"#, #"[{"a": 1.5}, null, "x"]"#),
    (#"array[1.5]::float4[]"#, #"[1.5]"#),
    (#"array['10.0.0.0/8']::cidr[]"#, #"["10.0.0.0/8"]"#),
    (#"array['x'::xml]"#, #"{x}"#),
    (#"array['{"a":"é"}']::json[]"#, #"[{"a": "\u00e9"}]"#),
    (#"array['(1,2)'::point]"#, #"{"(1,2)"}"#),
    (#"array['08:00:2b:01:02:03'::macaddr]"#, #"["08:00:2b:01:02:03"]"#),
    (#"int4range(1,5)"#, #"[1, 5)"#),
    (#"'(,]'::int8range"#, #"(None, None)"#),
    (#"'empty'::int4range"#, #"empty"#),
    (#"'(1.50,2]'::numrange"#, #"(1.50, 2]"#),
    (#"daterange('2020-01-01',null)"#, #"[2020-01-01, None)"#),
    (#"daterange('-infinity','infinity')"#, #"[0001-01-01, 9999-12-31)"#),
    (
      #"tsrange('2020-01-01 01:02:03.5','2020-02-01')"#,
      #"[2020-01-01 01:02:03.500000, 2020-02-01 00:00:00)"#
    ),
    (
      #"tstzrange('2020-01-01 00:00+02','2020-02-01')"#,
      #"[2019-12-31 22:00:00+00:00, 2020-02-01 00:00:00+00:00)"#
    ),
    (#"array[int4range(1,5), null]"#, #"["[1, 5)", null]"#),
    (#"array[tsrange('2020-01-01',null)]"#, #"["[2020-01-01 00:00:00, None)"]"#),
    (#"'{[1,3),[5,7)}'::int4multirange"#, #"{[1,3),[5,7)}"#),
  ]

  @Test func writesWhatDbtWrites() throws {
    let connection = try PostgresWarehouse(TestServer.credentials()).connect(name: "test")
    defer { connection.close() }
    _ = try connection.execute("set timezone to 'UTC'", fetch: false, limit: nil)
    let list = Self.recorded.map(\.sql).joined(separator: ", ")
    let table = try connection.execute("select \(list)", fetch: true, limit: nil).table
    for (index, expected) in Self.recorded.enumerated() {
      #expect(table.rows[0][index] == expected.text, "\(expected.sql)")
    }
  }

  @Test(arguments: [
    "", "{", "}", "{{", "{\"", "{\"a", "{\"\\", "[0:1]", "[0:1]={1", "{a}}", "x", "NULL", "{,}",
    "1 day",
    "1", "a:b:c", "9999999999999999999999 days", "1:2:3:4", "-", "::", "{\"a\": \"", "[\"\\u12",
    "[\"\\", "99999999999:00:00", "24:", "infinity", "[,", "[,)", ",", "[1,2,3)",
  ])
  func strangeTextsDoNoHarm(_ text: String) {
    let forms: [DriverText] = [
      .time, .interval, .date, .timestamp(hasZone: true), .json, .array(.integer), .array(.float),
      .array(.boolean), .array(.json), .array(.timestamp), .array(.text(.interval)),
      .range(nil), .range(.timestamp(hasZone: true)),
    ]
    for form in forms { _ = form.rewrite(text) }
  }
}
