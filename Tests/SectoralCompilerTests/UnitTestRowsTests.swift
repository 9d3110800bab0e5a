import SectoralYAML
import Testing

@testable import SectoralCompiler

struct UnitTestRowsTests {
  @Test func equalRowsInAnyOrderDoNotDiffer() {
    let difference = RowDifference(
      columns: ["id"],
      actual: [["2"], ["1"], [nil]],
      expected: [[nil], ["1"], ["2"]]
    )
    #expect(difference.isEmpty)
  }

  @Test func differencesAreMarkedRowByRow() {
    let difference = RowDifference(
      columns: ["n", "name"],
      actual: [["3", "X"], ["6", "Y"], ["9", "Z"]],
      expected: [["3", "X"], ["7", "Y"], ["8", "W"]]
    )
    // A line end of csv files is one character.
    let rows = difference.text.split { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    #expect(
      rows == [
        "actual differs from expected:", "@@ ,n  ,name", "   ,3  ,X", "→  ,7→6,Y",
        "---,8  ,W", "+++,9  ,Z",
      ]
    )
  }

  @Test(arguments: [
    ("a,b\n1,x\n", [["1", "x"]]),
    ("a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n2,\n", [["1", "x, \"y\""], ["2", nil]]),
    ("a,b", []), ("", []),
  ])
  func csvBecomesRows(_ text: String, _ expected: [[String?]]) {
    let rows = UnitTestReader.csv(text).map { row in ["a", "b"].map { row[$0]?.string } }
    #expect(rows == expected)
  }
}
