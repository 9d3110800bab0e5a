import SectoralWarehouse
import Testing

@testable import SectoralRunner

/// From what the database says of statements to what it says of nodes.
@Suite struct NodeCostTests {
  private func cost(
    _ node: String?,
    executed: Int,
    scanned: Int? = nil,
    spilled: Int? = nil
  ) -> QueryCost {
    let comment = node.map { "/* {\"app\": \"dbt\", \"node_id\": \"\($0)\"} */" }
    return QueryCost(
      text: "\(comment ?? "/* nobody's */")\nselect 1",
      elapsedMicroseconds: executed + 10_000,
      queuedMicroseconds: 10_000,
      executedMicroseconds: executed,
      scannedBytes: scanned,
      spilledBytes: spilled
    )
  }

  @Test func statementsOfANodeAddUp() {
    let nodes = NodeCost.byNode([
      cost("model.p.a", executed: 1_000_000, scanned: 5),
      cost("model.p.b", executed: 5_000),
      cost("model.p.a", executed: 500_000, scanned: 7, spilled: 3 << 20),
      cost(nil, executed: 9_000_000),
    ])
    #expect(nodes.keys.sorted() == ["model.p.a", "model.p.b"])
    #expect(
      nodes["model.p.a"]
        == NodeCost(
          queryCount: 2,
          elapsedMicroseconds: 1_520_000,
          queuedMicroseconds: 20_000,
          executedMicroseconds: 1_500_000,
          scannedBytes: 12,
          spilledBytes: 3 << 20
        )
    )
    #expect(nodes["model.p.b"]?.scannedBytes == nil)
  }

  @Test func theDearestComeFirst() {
    let nodes = NodeCost.byNode(
      (1...25).map { cost("model.p.m\($0)", executed: $0 * 1_000_000, scanned: 1_500_000) }
    )
    let lines = NodeCost.table(nodes, limit: 2)
    #expect(
      lines == [
        "node          queries  executed  queued  scanned  spilled",
        "model.p.m25         1   25.00 s  0.01 s   1.5 MB        -",
        "model.p.m24         1   24.00 s  0.01 s   1.5 MB        -",
        "23 others                                                ",
        "all 25 nodes       25  325.00 s  0.25 s  37.5 MB        -",
      ]
    )
  }

  static let comments: [(String, String?)] = [
    ("/* {\"node_id\": \"model.p.a\"} */ select 1", "model.p.a"),
    ("/* {\"node_id\":\"test.p.t.1\"} */", "test.p.t.1"),
    ("/* {\"connection_name\": \"master\"} */ select '\"x\"'", nil), ("select 1", nil),
  ]

  @Test(arguments: comments)
  func commentsNameTheNode(_ text: String, _ node: String?) {
    #expect(NodeCost.node(of: text) == node)
  }
}
