import SectoralProject
import Testing

@testable import SectoralPackages

/// Ranges as dbt shows and reduces them.
struct VersionRangeTests {
  static let cases: [(demands: [String], shown: String, isSatisfiable: Bool)] = [
    (["1.0.0"], "=1.0.0, =1.0.0", true), (["=1.0.0", "1.0.0"], "=1.0.0, =1.0.0", true),
    ([">=0.1.0"], ">=0.1.0", true), (["<2.0.0"], "<2.0.0", true),
    ([">=1.0.0", "<2.0.0"], ">=1.0.0, <2.0.0", true),
    ([">=1.0.0", ">1.0.0", "<=2.0.0", "<2.0.0"], ">1.0.0, <2.0.0", true),
    ([">=2.0.0", "<1.0.0"], ">=2.0.0, <1.0.0", false),
    ([">1.0.0", "<=1.0.0"], ">1.0.0, <=1.0.0", false),
    ([">=1.0.0", "<=1.0.0"], ">=1.0.0, <=1.0.0", true),
    (["1.0.0", "1.1.0"], "=1.1.0, =1.0.0", false),
    ([">=1.0.0-rc1", "<1.0.0"], ">=1.0.0-rc1, <1.0.0", true),
  ]

  @Test(arguments: cases.indices)
  func reduces(_ index: Int) throws {
    let (demands, shown, isSatisfiable) = Self.cases[index]
    let range = try VersionRange(demands)
    #expect(range.description == shown)
    #expect(range.isSatisfiable == isSatisfiable, "\(demands)")
  }

  @Test(arguments: ["foo", "1.0", ">=1", "~1.0.0", "", "1.0.0.0"])
  func refuses(_ text: String) {
    #expect(throws: VersionRange.NotAVersion.self) { try VersionRange([text]) }
  }
}
