import Testing

@testable import SectoralCompiler

/// Names that are made of a relation's name and a suffix.
struct LongNameTests {
  private func joined(_ name: String, _ suffix: String = "__dbt_tmp") -> String {
    RelationName.joined(name, suffix, limit: 63)
  }

  @Test func whatFitsIsAsInDBT() {
    #expect(joined("orders") == "orders__dbt_tmp")
    let longest = String(repeating: "a", count: 54)
    #expect(joined(longest) == longest + "__dbt_tmp")
  }

  @Test func namesThatBeginAlikeStayApart() {
    let stem = String(repeating: "a", count: 58)
    let names = Set((0..<1000).map { joined("\(stem)\($0)") })
    #expect(names.count == 1000)
    #expect(names.allSatisfy { $0.utf8.count == 63 && $0.hasSuffix("__dbt_tmp") })
    #expect(joined(stem + "1") == joined(stem + "1"))
    #expect(joined(stem + "1", "__dbt_backup") != joined(stem + "1"))
  }

  @Test func bytesCount() {
    // 40 characters, 80 bytes.
    let umlauts = String(repeating: "ü", count: 40)
    let name = joined(umlauts)
    #expect(name.utf8.count <= 63)
    #expect(name.hasSuffix("__dbt_tmp"))
    #expect(name.hasPrefix(String(repeating: "ü", count: 20)))
    #expect(!name.unicodeScalars.contains("\u{FFFD}"))
  }

  @Test func aSuffixThatLeavesNoRoom() {
    let suffix = String(repeating: "s", count: 63)
    #expect(joined("orders", suffix) == suffix)
    #expect(joined("orders", String(repeating: "s", count: 60)).utf8.count == 63)
  }
}
