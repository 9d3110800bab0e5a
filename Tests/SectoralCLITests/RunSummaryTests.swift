import SectoralRunner
import SectoralText
import Testing

@testable import sectoral

struct RunSummaryTests {
  static let results: [NodeResult] = [
    NodeResult(node: Fixture.seed, status: .success, message: "INSERT 3"),
    NodeResult(
      node: Fixture.model("badt", "table"),
      status: .error,
      message: "Database Error in model badt (models/badt.sql)\n  division by zero\n"
        + "  compiled code at target/run/lab/models/badt.sql",
      compiledPath: "target/compiled/lab/models/badt.sql"
    ),
    NodeResult(node: Fixture.model("child"), status: .skipped),
    NodeResult(
      node: Fixture.test("not_null_t_amount"),
      status: .warn,
      message: "Got 1 result, configured to warn if != 0",
      failures: 1,
      compiledPath: "target/compiled/lab/models/schema.yml/not_null_t_amount.sql",
      failuresRelation: "\"lab\".\"audit\".\"t\""
    ),
  ]

  @Test func endsARunAsDbtDoes() {
    let text = Fixture.console { $0.reportResults(Self.results, elapsed: 0.42) }
    let expected = """
      |
      |Finished running 1 seed, 1 table model, 1 test, 1 view model in 0 hours 0 minutes and 0.42 seconds (0.42s).
      |
      |Completed with 1 error, 0 partial successes, and 1 warning:
      |
      |Failure in model badt (models/badt.sql)
      |  Database Error in model badt (models/badt.sql)
        division by zero
        compiled code at target/run/lab/models/badt.sql
      |
      |  compiled code at target/compiled/lab/models/badt.sql
      |
      |Warning in test not_null_t_amount (models/schema.yml)
      |Got 1 result, configured to warn if != 0
      |
      |  compiled code at target/compiled/lab/models/schema.yml/not_null_t_amount.sql
      |
      |  See test failures:
        -------------------------------
        select * from "lab"."audit"."t"
        -------------------------------
      |
      |Done. PASS=1 WARN=1 ERROR=1 SKIP=1 NO-OP=0 TOTAL=4

      """
    #expect(text == stamped(expected))
  }

  @Test func quietKeepsFailuresAlone() {
    let text = Fixture.console(level: .error) { $0.reportResults(Self.results, elapsed: 0.42) }
    let expected = """
      |Failure in model badt (models/badt.sql)
      |  Database Error in model badt (models/badt.sql)
        division by zero
        compiled code at target/run/lab/models/badt.sql

      """
    #expect(text == stamped(expected))
  }

  @Test func nodesSkippedByFailFastCountAsErrorsButAreNotListed() {
    let skipped = NodeResult(
      node: Fixture.model("v"),
      status: .skipped,
      message: "Skipping due to fail_fast"
    )
    let text = Fixture.console { $0.reportResults([skipped], elapsed: 0.1) }
    #expect(text.contains("Completed with 1 error, 0 partial successes, and 0 warnings:"))
    #expect(!text.contains("Skipping due to fail_fast"))
    #expect(text.contains("Done. PASS=0 WARN=0 ERROR=0 SKIP=1 NO-OP=0 TOTAL=1"))
  }

  @Test(arguments: [
    (RunStatus.success, true), (.pass, true), (.warn, true), (.noOp, true), (.error, false),
    (.fail, false), (.skipped, false), (.partialSuccess, false), (.runtimeError, false),
  ])
  func exitCodeFollowsStatuses(_ status: RunStatus, _ isSuccess: Bool) {
    let results = [NodeResult(node: Fixture.seed, status: status)]
    #expect(results.isSuccess == isSuccess)
  }

  @Test func aSkippedExposureIsNoFailure() {
    let node = NodeInfo(
      uniqueID: "exposure.lab.e",
      resourceType: "exposure",
      packageName: "lab",
      name: "e"
    )
    #expect([NodeResult(node: node, status: .skipped)].isSuccess)
  }

  /// `|` stands for the time and two blanks.
  private func stamped(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("|") ? "10:00:00  " + $0.dropFirst() : String($0) }
      .joined(separator: "\n")
  }
}
