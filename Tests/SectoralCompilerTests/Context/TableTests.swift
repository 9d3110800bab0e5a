import SectoralJinja
import SectoralWarehouse
import Synchronization
import Testing

@testable import SectoralCompiler

struct TableTests {
  private static let result = ResultTable(
    columns: [
      ResultColumn(name: "a", kind: .integer, typeName: "int4"),
      ResultColumn(name: "b", kind: .text, typeName: "text"),
      ResultColumn(name: "c", kind: .decimal, typeName: "numeric"),
    ],
    rows: [["1", "x", "1.5"], [nil, "null", "2.00"]]
  )

  private static func outcome(
    _ text: String,
    _ result: ResultTable = result
  ) -> (
    text: String, host: TestHost
  ) {
    let host = TestHost()
    let warehouse = ScriptedWarehouse()
    warehouse.state.withLock { $0.answers = [("q", result)] }
    host.session = WarehouseSession(name: "n", warehouse: warehouse, cache: RelationCache())
    let text = host.outcome("{% set t = adapter.execute('q', fetch=true)[1] %}" + text)
    return (text, host)
  }

  @Test(arguments: [
    Case(
      "{{ t.column_names }} {{ t.rows | length }} {{ t | length }} {{ t.columns | length }}",
      "('a', 'b', 'c') 2 2 3"
    ),
    Case(
      "{{ t.columns[0].values() }} {{ t.columns['b'].values() }} {{ t.columns[0].name }} {{ t.columns[1].index }}",
      "(1, None) ('x', 'null') a 1"
    ),
    Case("{{ t.columns | map(attribute='name') | list }}", "['a', 'b', 'c']"),
    Case(
      "{{ t.rows[0] }} {{ t.rows[0].values() }} {{ t.rows[0].keys() }}",
      "<agate.Row: (1, 'x', Decimal('1.5'))> (1, 'x', Decimal('1.5')) ('a', 'b', 'c')"
    ),
    Case(
      "{{ t.rows[0]['b'] }} {{ t.rows[0].b }} {{ t.rows[0][2] }} {{ t.rows[-1][1] }} {{ t.rows[0].get('zz', 'dd') }} {{ t.rows[0]['zz'] is defined }}",
      "x x 1.5 null dd False"
    ),
    Case(
      "{{ t.rows[0].dict() }} {{ t.rows[0].items() }}",
      "{'a': 1, 'b': 'x', 'c': Decimal('1.5')} (('a', 1), ('b', 'x'), ('c', Decimal('1.5')))"
    ),
    Case("{{ t.columns[0] }} {{ t.columns.keys() }}", "<agate.Column: (1, None)> ('a', 'b', 'c')"),
    Case(
      "{% for row in t.rows %}{{ row[0] }}-{{ row.b }};{% endfor %}{% for row in t %}{{ row.c }},{% endfor %}",
      "1-x;None-null;1.5,2.00,"
    ),
    Case(
      "{% for a, b, c in t.rows %}{{ b }}{% endfor %} {{ t.rows[0] | join('|') }} {{ 1 in t.rows[0] }}",
      "xnull 1|x|1.5 True"
    ),
    Case(
      "{{ t.rows | map(attribute='b') | list }} {{ t.rows | map(attribute=0) | list }}",
      "['x', 'null'] [1, None]"
    ),
    Case(
      "{{ t.select(['a', 'c']).column_names }} {{ t.select('b').column_names }} {{ t.exclude(['a']).column_names }}",
      "('a', 'c') ('b',) ('b', 'c')"
    ),
    Case(
      "{{ t.rename({'a': 'q'}).column_names }} {{ t.rename(column_names=['x', 'y', 'z']).column_names }}",
      "('q', 'b', 'c') ('x', 'y', 'z')"
    ),
    Case(
      "{{ t.rename(['x']) }}",
      "ValueError: column_names and column_types must be the same length."
    ),
    Case("{{ t.select(['zz']) }}", "KeyError: the table has no column 'zz'"),
    Case(
      "{{ t.limit(1).rows | length }} {{ t.order_by('a', reverse=true).rows[0][0] }} {{ t.order_by('b').rows[0].b }}",
      "1 None null"
    ),
    Case(
      "{{ t.distinct('b').rows | length }} {{ t.group_by('b').keys() }} {{ t.group_by('b')['x'].rows | length }}",
      "2 ('x', 'null') 1"
    ),
    Case(
      "{{ t.merge([t, t.rename({'c': 'z'})]).column_names }} {{ t.merge([t, t]).rows | length }}",
      "('a', 'b', 'c', 'z') 4"
    ),
    Case(
      "{{ t.columns['c'].values_without_nulls() | sum }} {{ t.columns[2].values() | max }} {{ t.rows[0][2] * 2 }} {{ t.rows[0][2] | float }} {{ t.rows[0][2] | int }} {{ t.rows[0][2] > 1 }}",
      "3.50 2.00 3.0 1.5 1 True"
    ),
    Case(
      "{{ t }}",
      "| column | data_type |\n| ------ | --------- |\n| a      | Integer   |\n| b      | Text      |\n| c      | Number    |\n"
    ),
    Case("{{ t.to_csv('x') }}", "DbtRuntimeError: the table method 'to_csv' is not supported"),
    Case(
      "{% macro keep(row) %}{{ return(row.b == 'x') }}{% endmacro %}{{ t.where(keep).rows | length }}",
      "1"
    ),
    Case(
      "{{ t.join(t.select(['b', 'c']).rename({'c': 'd'}), 'b').rows[0].values() }}",
      "(1, 'x', Decimal('1.5'), Decimal('1.5'))"
    ),
    Case(
      "{{ t.columns.values()[0].values_sorted() }} {{ t.columns[0].values_distinct() }}",
      "[1, None] (1, None)"
    ),
    Case("{{ t.rows[0:1] | length }}", "1"),
  ])
  func tablesBehaveAsTheLibrarys(_ test: Case) {
    #expect(Self.outcome(test.template).text == test.expected)
  }

  @Test func cellsBecomeValuesOfTheirType() {
    func column(_ kind: ValueKind, _ typeName: String = "x") -> ResultColumn {
      ResultColumn(name: "c", kind: kind, typeName: typeName)
    }
    let result = ResultTable(
      columns: [
        column(.integer), column(.decimal, "float8"), column(.decimal, "numeric"),
        column(.boolean), column(.date), column(.timestamp), column(.timestampWithZone),
        column(.json), column(.integer), column(.text),
      ],
      rows: [
        [
          "5", "2", "2.50", "t", "2024-01-02", "2024-01-02 03:04:05.5",
          "2024-01-02 03:04:05+00", "{\"a\": 1}", nil, "",
        ]
      ]
    )
    let text = Self.outcome("{{ t.rows[0].values() }} {{ t.column_names }}", result).text
    #expect(
      text == "(5, Decimal('2.0'), Decimal('2.50'), True, datetime.date(2024, 1, 2), "
        + "datetime.datetime(2024, 1, 2, 3, 4, 5, 500000), datetime.datetime(2024, 1, 2, 3, 4, 5, "
        + "tzinfo=datetime.timezone.utc), '{\"a\": 1}', None, '') ('c', 'c_2', 'c_3', 'c_4', "
        + "'c_5', 'c_6', 'c_7', 'c_8', 'c_9', 'c_10')"
    )
  }

  @Test func tablesArePrinted() {
    let (_, host) = Self.outcome(
      "{% do t.print_table() %}{% do t.print_json() %}{% do t.print_csv() %}{% do t.print_table(max_rows=1, max_columns=2) %}"
    )
    #expect(
      host.logged == [
        "print: | a | b    |   c |\n| - | ---- | --- |\n| 1 | x    | 1.5 |\n|   | null | 2.0 |",
        "print: [{\"a\": 1, \"b\": \"x\", \"c\": 1.5}, {\"a\": null, \"b\": \"null\", \"c\": 2.0}]",
        "print: a,b,c\n1,x,1.5\n,null,2.00",
        "print: | a | b | ... |\n| - | - | --- |\n| 1 | x | ... |\n| ... | ... | ... |",
      ]
    )
  }

  /// As the library prints the same values.
  @Test func printedNumbersAreCutAndAligned() {
    let result = ResultTable(
      columns: [
        ResultColumn(name: "num", kind: .decimal, typeName: "numeric"),
        ResultColumn(name: "int", kind: .integer, typeName: "int4"),
        ResultColumn(name: "b", kind: .boolean, typeName: "bool"),
        ResultColumn(name: "f", kind: .decimal, typeName: "float8"),
        ResultColumn(name: "averyveryveryverylongname", kind: .text, typeName: "text"),
      ],
      rows: [
        ["1.23456", "1234567", "t", "1e15", "x"], ["100", "-5", "f", "0.000001", nil],
        ["1", nil, nil, nil, nil],
      ]
    )
    let (_, host) = Self.outcome("{% do t.print_table(max_rows=2) %}", result)
    #expect(
      host.logged == [
        """
        print: |      num |     int |     b |                    f | averyveryveryvery... |
        | -------- | ------- | ----- | -------------------- | -------------------- |
        |   1.235… | 1234567 |  True | 1,000,000,000,000... | x                    |
        | 100.000… |      -5 | False |               0.000… |                      |
        |      ... |     ... |   ... |                  ... | ...                  |
        """
      ]
    )
  }
}
