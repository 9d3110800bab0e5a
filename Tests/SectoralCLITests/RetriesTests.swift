import SectoralWarehouse
import Testing

@testable import SectoralRunner

/// The pauses between attempts.
struct RetriesTests {
  @Test func pausesGrowUpToALimit() {
    let retries = Retries(limit: 8)
    func pauses(_ transience: Transience) -> [Double?] {
      (1...9).map { retries.pause(before: $0, for: transience, random: { 1 }) }
    }
    let conflicts = pauses(.conflict).map { $0.map { ($0 * 10).rounded() / 10 } }
    #expect(conflicts == [0.1, 0.3, 0.9, 2.7, 8, 8, 8, 8, nil])
    #expect(pauses(.outage) == [1, 2, 4, 8, 16, 20, 20, 20, nil])
  }

  @Test func noneWhereNoneAreWanted() {
    #expect(Retries(limit: 0).pause(before: 1, for: .conflict) == nil)
    #expect(Retries(of: nil, [Retries.variable: "0"]).limit == 0)
    #expect(Retries(of: nil, [:]).limit == Retries.standardLimit)
    #expect(Retries(limit: -3).limit == 0)
  }
}
