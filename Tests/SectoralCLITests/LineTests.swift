import SectoralRunner
import SectoralText
import Testing

@testable import sectoral

/// Lines are compared with what dbt-core 1.11 printed for a small project, but for the time.
struct LineTests {
  static let lines: [(EventMessage, String)] = [
    (.mainReportVersion(version: "1.11.16"), "Running with dbt=1.11.16"),
    (
      .adapterRegistered(name: "postgres", version: "1.11.0"),
      "Registered adapter: postgres=1.11.0"
    ),
    (
      .foundStats([
        ResourceCount("model", 7), ResourceCount("data test", 6), ResourceCount("seed", 1),
        ResourceCount("analysis", 2), ResourceCount("saved_query", 2), ResourceCount("macro", 477),
        ResourceCount("unit test", 1),
      ]),
      "Found 7 models, 6 data tests, 1 seed, 2 analyses, 2 saved queries, 477 macros, 1 unit test"
    ),
    (
      .concurrencyLine(threads: 4, target: "dev", nodeCount: 13),
      "Concurrency: 4 threads (target='dev')"
    ),
    (.formatting, ""),
    (
      .logHookStartLine(Fixture.hook("lab.on-run-start.0"), Position(1, of: 1)),
      "1 of 1 START hook: lab.on-run-start.0 .......................................... [RUN]"
    ),
    (
      .logHookEndLine(
        NodeResult(
          node: Fixture.hook("lab.on-run-start.0"),
          status: .success,
          executionTime: 0.009
        ),
        Position(1, of: 1)
      ),
      "1 of 1 OK hook: lab.on-run-start.0 ............................................. [OK in 0.01s]"
    ),
    (
      .logHookEndLine(
        NodeResult(node: Fixture.hook("lab.on-run-start.2"), status: .skipped),
        Position(3, of: 3)
      ),
      "3 of 3 SKIP hook: lab.on-run-start.2 ........................................... [SKIP in 0.00s]"
    ),
    (
      .logStartLine(Fixture.model("bad"), Position(1, of: 15)),
      "1 of 15 START sql view model dev.bad ........................................... [RUN]"
    ),
    (
      .logNodeResult(
        NodeResult(
          node: Fixture.model("bad"),
          status: .success,
          message: "CREATE VIEW",
          executionTime: 0.13
        ),
        Position(1, of: 15)
      ),
      "1 of 15 OK created sql view model dev.bad ...................................... [CREATE VIEW in 0.13s]"
    ),
    (
      .logNodeResult(
        NodeResult(
          node: Fixture.model("badt", "table"),
          status: .error,
          message: "Database Error",
          executionTime: 0.12
        ),
        Position(2, of: 15)
      ),
      "2 of 15 ERROR creating sql table model dev.badt ................................ [ERROR in 0.12s]"
    ),
    (
      .logStartLine(Fixture.seed, Position(3, of: 15)),
      "3 of 15 START seed file dev.people ............................................. [RUN]"
    ),
    (
      .logNodeResult(
        NodeResult(
          node: Fixture.seed,
          status: .success,
          message: "INSERT 3",
          executionTime: 0.12
        ),
        Position(3, of: 15)
      ),
      "3 of 15 OK loaded seed file dev.people ......................................... [INSERT 3 in 0.12s]"
    ),
    (
      .logStartLine(Fixture.unitTest, Position(4, of: 15)),
      "4 of 15 START unit_test v::ut .................................................. [RUN]"
    ),
    (
      .logNodeResult(
        NodeResult(node: Fixture.unitTest, status: .pass, failures: 0, executionTime: 0.1),
        Position(4, of: 15)
      ),
      "4 of 15 PASS v::ut ............................................................. [PASS in 0.10s]"
    ),
    (
      .skippingDetails(
        NodeResult(node: Fixture.model("child"), status: .skipped),
        Position(5, of: 15)
      ),
      "5 of 15 SKIP relation dev.child ................................................ [SKIP]"
    ),
    (
      .skippingDetails(
        NodeResult(node: Fixture.test("not_null_t_amount"), status: .skipped),
        Position(14, of: 15)
      ),
      "14 of 15 SKIP test not_null_t_amount ........................................... [SKIP]"
    ),
    (
      .skippingDetails(
        NodeResult(node: Fixture.test("on_e"), status: .skipped, ephemeralStatus: .skipped),
        Position(9, of: 15)
      ),
      "9 of 15 SKIP relation dev_dbt_test__audit.on_e due to ephemeral model status 'skipped'  [ERROR SKIP]"
    ),
    (
      .logNodeResult(
        NodeResult(
          node: Fixture.test("accepted_values_t_name__Ann"),
          status: .fail,
          failures: 2,
          executionTime: 0.04
        ),
        Position(12, of: 14)
      ),
      "12 of 14 FAIL 2 accepted_values_t_name__Ann .................................... [FAIL 2 in 0.04s]"
    ),
    (
      .logNodeResult(
        NodeResult(
          node: Fixture.test("not_null_t_amount"),
          status: .warn,
          failures: 1,
          executionTime: 0.04
        ),
        Position(13, of: 14)
      ),
      "13 of 14 WARN 1 not_null_t_amount .............................................. [WARN 1 in 0.04s]"
    ),
    (
      .logNodeResult(
        NodeResult(node: Fixture.test("broken"), status: .error, executionTime: 0.06),
        Position(7, of: 15)
      ),
      "7 of 15 ERROR broken ........................................................... [ERROR in 0.06s]"
    ),
    (
      .logCancelLine(connectionName: "model.lab.slow"),
      "CANCEL query model.lab.slow .................................................... [CANCEL]"
    ),
    (
      .logStartLine(
        Fixture.test("a_name_that_is_by_far_longer_than_the_whole_width_of_the_printed_line_is"),
        Position(1, of: 1)
      ),
      "1 of 1 START test a_name_that_is_by_far_longer_than_the_whole_width_of_the_printed_line_is  [RUN]"
    ),
    (
      .finishedRunningStats(
        [
          ResourceCount("incremental model", 1), ResourceCount("project hook", 2),
          ResourceCount("seed", 1), ResourceCount("table model", 2), ResourceCount("test", 7),
          ResourceCount("unit_test", 1), ResourceCount("view model", 3),
        ],
        elapsed: 0.42
      ),
      "Finished running 1 incremental model, 2 project hooks, 1 seed, 2 table models, 7 data tests, "
        + "1 unit test, 3 view models in 0 hours 0 minutes and 0.42 seconds (0.42s)."
    ),
    (
      .finishedRunningStats([ResourceCount("test", 1)], elapsed: 3725.5),
      "Finished running 1 test in 1 hours 2 minutes and 5.50 seconds (3725.50s)."
    ),
    (
      .endOfRunSummary(errors: 2, partialSuccesses: 0, warnings: 1, interrupted: false),
      "Completed with 2 errors, 0 partial successes, and 1 warning:"
    ),
    (
      .endOfRunSummary(errors: 0, partialSuccesses: 0, warnings: 2, interrupted: false),
      "Completed with 2 warnings:"
    ),
    (
      .endOfRunSummary(errors: 0, partialSuccesses: 0, warnings: 0, interrupted: false),
      "Completed successfully"
    ),
    (
      .endOfRunSummary(errors: 1, partialSuccesses: 0, warnings: 0, interrupted: true),
      "Exited because of keyboard interrupt"
    ),
    (
      .statsLine(
        RunStatistics(
          of: [
            NodeResult(node: Fixture.seed, status: .success),
            NodeResult(node: Fixture.test("a"), status: .fail),
            NodeResult(node: Fixture.test("b"), status: .skipped),
          ])
      ), "Done. PASS=1 WARN=0 ERROR=1 SKIP=1 NO-OP=0 TOTAL=3"
    ),
    (
      .warning(
        name: "NothingToDo",
        Diagnostic(
          id: "x",
          severity: .warning,
          message: "Nothing to do. Try checking your model configs and model specification args"
        )
      ),
      "Nothing to do. Try checking your model configs and model specification args"
    ),
    (
      .warning(
        name: "UnusedResourceConfigPath",
        Diagnostic(id: "x", severity: .warning, message: "paths:\n- models.lab")
      ),
      "[WARNING]: paths:\n- models.lab"
    ),
    (
      .deprecation(
        name: "MissingArgumentsPropertyInGenericTestDeprecation",
        Diagnostic(
          id: "x",
          severity: .warning,
          message: "Found top-level arguments to test `accepted_values` defined on 't' in package "
            + "'lab' (models/schema.yml). Arguments to generic tests should be nested under the "
            + "`arguments` property."
        )
      ),
      """
      [WARNING][MissingArgumentsPropertyInGenericTestDeprecation]: Deprecated
      functionality
      Found top-level arguments to test `accepted_values` defined on 't' in package
      'lab' (models/schema.yml). Arguments to generic tests should be nested under the
      `arguments` property.
      """
    ),
    (
      .mainEncounteredError([
        CommandFailure(
          head: "Compilation Error",
          diagnostic: Diagnostic(id: "x", message: "Model 'a' depends on\nnothing")
        )
      ]), "Encountered an error:\nCompilation Error\n  Model 'a' depends on\n  nothing"
    ),
    (.checkCleanPath("/p/target"), "Checking /p/target/*"),
    (.protectedCleanPath("/p"), "ERROR: not cleaning /p/* because it is protected"),
    (
      .sqlQueryStatus(status: "CREATE VIEW", elapsed: 0.0034),
      "SQL status: CREATE VIEW in 0.003 seconds"
    ),
  ]

  @Test(arguments: lines)
  func saysWhatDbtSays(_ message: EventMessage, _ expected: String) {
    #expect(Fixture.line(message) == "10:00:00  \(expected)\n")
  }

  @Test func printsWhatWasAskedForWithoutTime() {
    #expect(Fixture.line(.printEvent("printed")) == "printed\n")
    #expect(Fixture.line(.listCmdOut("lab.v")) == "lab.v\n")
    #expect(
      Fixture.line(
        .compiledNode(name: "v", sql: "select 1", format: .text, uniqueID: "model.lab.v")
      )
        == "Compiled node 'v' is:\nselect 1\n"
    )
    #expect(
      Fixture.line(
        .compiledNode(name: "v", sql: "select \"é\"", format: .json, uniqueID: "model.lab.v")
      )
        == "{\n  \"node\": \"v\",\n  \"compiled\": \"select \\\"\\u00e9\\\"\"\n}\n"
    )
    #expect(
      Fixture.line(
        .compiledNode(
          name: nil,
          sql: "select 1",
          format: .text,
          uniqueID: "sql_operation.lab.inline_query"
        )
      )
        == "Compiled inline node is:\nselect 1\n"
    )
  }

  @Test func paintsTheStatusAlone() {
    let words = EventWords(paint: Paint(isOn: true))
    let result = NodeResult(
      node: Fixture.model("t", "table"),
      status: .success,
      message: "SELECT 3",
      executionTime: 0.06
    )
    #expect(
      Fixture.line(.logNodeResult(result, Position(11, of: 14)), words: words)
        == "\u{1B}[0m10:00:00  11 of 14 OK created sql table model dev.t "
        + "...................................... [\u{1B}[32mSELECT 3\u{1B}[0m in 0.06s]\n"
    )
    #expect(
      Fixture.line(.formatting, words: words) == "\u{1B}[0m10:00:00  \n"
    )
  }

  @Test func showsPlaceAndHintBelowAnError() {
    let file = SourceFile(path: "models/child.sql", text: "select *\nfrom {{ ref('bda') }}\n")
    let diagnostic = Diagnostic(
      id: "ref.unknown",
      message: "no node named 'bda'",
      span: TextSpan(file: file, start: 21, end: 26),
      hint: "did you mean 'bad'?"
    )
    #expect(
      Fixture.line(
        .mainEncounteredError([
          CommandFailure(head: "Compilation Error", diagnostic: diagnostic),
          CommandFailure(head: "Parsing Error", diagnostic: Diagnostic(id: "y", message: "two")),
        ])
      )
        == """
        10:00:00  Encountered an error:
        Compilation Error
          no node named 'bda'
           --> models/child.sql:2:13
            |
          2 | from {{ ref('bda') }}
            |             ^^^^^
            = hint: did you mean 'bad'?

        Parsing Error
          two

        2 errors in all

        """
    )
  }

  @Test func showsTheDatabaseOnlyWhereItIsAnother() {
    var node = Fixture.model("t", "table")
    node.showsDatabase = true
    #expect(EventWords.description(of: node) == "sql table model lab.dev.t")
  }
}
