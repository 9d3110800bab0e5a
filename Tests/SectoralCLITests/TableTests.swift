import SectoralRunner
import SectoralWarehouse
import Testing

@testable import sectoral

/// Tables are compared with what dbt-core 1.11 printed.
struct TableTests {
  private func table(_ columns: [(String, ValueKind)], _ rows: [[String?]]) -> ResultTable {
    ResultTable(
      columns: columns.map { ResultColumn(name: $0.0, kind: $0.1, typeName: "") },
      rows: rows
    )
  }

  @Test func alignsByKind() {
    let rows = table(
      [("id", .integer), ("name", .text), ("amount", .decimal), ("day", .date)],
      [
        ["1", "Ann", "1.50", "2024-01-01"], ["2", "Bob", nil, "2024-01-02"],
        ["3", "Zoë", "1000000.25", "2024-01-03"],
      ]
    )
    #expect(
      TablePrinter.compact.print(rows) == """
        | id | name |       amount |        day |
        | -- | ---- | ------------ | ---------- |
        |  1 | Ann  |         1.50 | 2024-01-01 |
        |  2 | Bob  |              | 2024-01-02 |
        |  3 | Zoë  | 1,000,000.25 | 2024-01-03 |

        """
    )
    #expect(TablePrinter.full.print(rows).contains("|  3 | Zoë  | 1000000.25 | 2024-01-03 |"))
  }

  @Test func hidesWhatDbtHides() {
    let rows = table(
      [
        ("x", .integer), ("big", .integer), ("fl", .decimal), ("n4", .decimal), ("t1", .text),
        ("t2", .text), ("t3", .text),
      ],
      [["1", "12345", "0.5", "1234.5678", "a", "b", "c"]]
    )
    #expect(
      TablePrinter.compact.print(rows) == """
        | x |   big |  fl |         n4 | t1 | t2 | ... |
        | - | ----- | --- | ---------- | -- | -- | --- |
        | 1 | 12345 | 0.5 | 1,234.568… | a  | b  | ... |

        """
    )
    #expect(
      TablePrinter.full.print(rows) == """
        | x |   big |  fl |        n4 | t1 | t2 | t3 |
        | - | ----- | --- | --------- | -- | -- | -- |
        | 1 | 12345 | 0.5 | 1234.5678 | a  | b  | c  |

        """
    )
  }

  @Test func shortensLongTexts() {
    let rows = table(
      [("a", .text), ("c", .boolean), ("ts", .timestampWithZone)],
      [[String(repeating: "x", count: 60), "t", "2024-01-01 10:00:00+00"], ["b", "f", nil]]
    )
    #expect(
      TablePrinter.compact.print(rows) == """
        | a                    |     c |                   ts |
        | -------------------- | ----- | -------------------- |
        | xxxxxxxxxxxxxxxxx... |  True | 2024-01-01 10:00:... |
        | b                    | False |                      |

        """
    )
  }

  @Test func roundsAsDbtDoes() {
    let rows = table([("a", .decimal)], [["1.5"], ["1000.123456"], [nil]])
    #expect(
      TablePrinter.compact.print(rows) == """
        |          a |
        | ---------- |
        |     1.500… |
        | 1,000.123… |
        |            |

        """
    )
    #expect(
      TablePrinter.compact.print(table([("a", .decimal)], [["100.00"], ["7"], ["-0.00"]])) == """
        |   a |
        | --- |
        | 100 |
        |   7 |
        |   0 |

        """
    )
  }

  @Test func emptyResultsHaveAHeader() {
    #expect(TablePrinter.compact.print(table([("a", .integer)], [])) == "| a |\n| - |\n")
    #expect(TablePrinter.full.print(table([], [])) == "|  |\n|  |\n")
  }

  @Test func controlCharactersStayInTheirCell() {
    let text = TablePrinter.full.print(table([("a", .text)], [["x\ny\u{1B}[31m"]]))
    #expect(
      text == "| a           |\n| ----------- |\n| x\\ny\u{FFFD}[31m |\n"
        || text.contains("x\\ny\u{FFFD}")
    )
    #expect(text.split(separator: "\n").count == 3)
  }

  @Test func jsonHasTypedValues() {
    let rows = table(
      [
        ("a", .integer), ("b", .decimal), ("c", .boolean), ("d", .date), ("e", .timestamp),
        ("f", .timestampWithZone), ("g", .json), ("h", .text),
      ],
      [
        [
          "1", "1.50", "t", "2024-01-01", "2024-01-01 10:00:00.5", "2024-01-01 10:00:00+00",
          "{\"a\": [1]}", nil,
        ]
      ]
    )
    let text = EventWords().text(
      of: Event(
        .showNode(
          Preview(nodeName: "v", uniqueID: "model.lab.v", table: rows, format: .json)
        ),
        timestamp: Fixture.moment
      )
    )
    #expect(
      text == """
        {
          "node": "v",
          "show": [
            {
              "a": 1,
              "b": 1.5,
              "c": true,
              "d": "2024-01-01",
              "e": "2024-01-01T10:00:00.500000",
              "f": "2024-01-01T10:00:00+00:00",
              "g": "{\\"a\\": [1]}",
              "h": null
            }
          ]
        }
        """
    )
  }

  @Test func previewsNameTheNode() {
    let rows = table([("a", .integer)], [["1"]])
    #expect(
      Fixture.line(
        .showNode(
          Preview(
            nodeName: nil,
            uniqueID: "sql_operation.lab.inline_query",
            table: rows,
            format: .text
          )
        )
      ) == "Previewing inline node:\n| a |\n| - |\n| 1 |\n\n"
    )
    #expect(
      Fixture.line(.seedHeader(relation: "dev.people")).hasSuffix(
        "Random sample of table: dev.people\n"
      )
    )
    #expect(
      Fixture.line(.seedRule(relation: "dev.people")).hasSuffix(
        " ----------------------------------\n"
      )
    )
    #expect(Fixture.line(.seedSample(rows)).hasPrefix("| a |"))
  }
}
