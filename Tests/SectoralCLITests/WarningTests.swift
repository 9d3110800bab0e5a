import SectoralRunner
import SectoralText
import SectoralYAML
import Testing

@testable import sectoral

struct WarningTests {
  /// Options, event, what becomes of it.
  static let dispositions: [(String, String, WarningPolicy.Disposition)] = [
    ("{}", "NothingToDo", .warn),
    ("{error: all}", "NothingToDo", .error),
    ("{error: '*'}", "NothingToDo", .error),
    ("{error: all, warn: [NothingToDo]}", "NothingToDo", .warn),
    ("{error: all, silence: [NothingToDo]}", "NothingToDo", .silence),
    ("{error: [NothingToDo]}", "NothingToDo", .error),
    ("{error: [NothingToDo]}", "NoNodesSelected", .warn),
    ("{error: [Deprecations]}", "ModelParamUsageDeprecation", .error),
    ("{error: [Deprecations]}", "NothingToDo", .warn),
    ("{silence: [Deprecations]}", "ModelParamUsageDeprecation", .silence),
    (
      "{error: [ModelParamUsageDeprecation], silence: [Deprecations]}",
      "ModelParamUsageDeprecation",
      .error
    ),
    (
      "{error: [Deprecations], warn: [ModelParamUsageDeprecation]}", "ModelParamUsageDeprecation",
      .warn
    ),
    ("{include: all, exclude: [NothingToDo]}", "NothingToDo", .warn),
  ]

  @Test(arguments: dispositions)
  func namedBeatsGroupBeatsAll(
    _ options: String,
    _ name: String,
    _ expected: WarningPolicy.Disposition
  ) throws {
    let root = YAMLParser.parse(SourceFile(path: "options", text: options)).root
    let map = try #require(root?.datum.map)
    let policy = try WarnErrorOptions.parse(map, command: "run")
    #expect(policy.disposition(of: name) == expected)
  }

  private let notice = Diagnostic(id: "x", severity: .warning, message: "careful")

  @Test func promotedWarningsAreCompilationErrors() throws {
    let sink = RecordingSink()
    let bus = EventBus(
      sinks: [sink],
      policy: WarningPolicy(error: .all),
      clock: { Fixture.moment }
    )
    let error = #expect(throws: PromotedWarning.self) { try bus.warn("NothingToDo", notice) }
    #expect(error?.failure.head == "Compilation Error")
    #expect(error?.failure.diagnostic.message == "careful")
    let other = #expect(throws: PromotedWarning.self) { try bus.warn("ProjectWarning", notice) }
    #expect(other?.failure.diagnostic.message == "[WARNING]: careful")
    #expect(sink.events.isEmpty)
  }

  @Test func deprecationsAreShownOnceAndCounted() throws {
    let sink = RecordingSink()
    let bus = EventBus(sinks: [sink], clock: { Fixture.moment })
    for _ in 0..<3 { try bus.deprecate("SourceOverrideDeprecation", notice) }
    try bus.deprecate("ModelParamUsageDeprecation", notice)
    bus.close()
    #expect(
      sink.names == [
        "SourceOverrideDeprecation", "ModelParamUsageDeprecation", "DeprecationsSummary",
      ]
    )
    guard case .deprecationsSummary(let counts, _)? = sink.events.last?.message else {
      Issue.record("no summary")
      return
    }
    #expect(counts.map(\.count) == [1, 3])
  }

  @Test func allDeprecationsAreShownOnRequest() throws {
    let sink = RecordingSink()
    let bus = EventBus(sinks: [sink], showsAllDeprecations: true, clock: { Fixture.moment })
    for _ in 0..<3 { try bus.deprecate("SourceOverrideDeprecation", notice) }
    #expect(sink.events.count == 3)
  }

  @Test func silencedWarningsAreGone() throws {
    let sink = RecordingSink()
    let bus = EventBus(
      sinks: [sink],
      policy: WarningPolicy(silence: ["NothingToDo"]),
      clock: { Fixture.moment }
    )
    try bus.warn("NothingToDo", notice)
    bus.close()
    #expect(sink.events.isEmpty)
  }

  @Test func codesAndLevelsAreDbts() {
    #expect(EventCatalog.entry(named: "MainReportVersion")?.code == "A001")
    #expect(EventCatalog.entry(named: "StatsLine")?.level == .info)
    #expect(EventCatalog.names.count == 260)
    let failed = NodeResult(node: Fixture.test("a"), status: .fail)
    #expect(EventMessage.logNodeResult(failed, Position(1, of: 1)).name == "LogTestResult")
    #expect(EventMessage.logNodeResult(failed, Position(1, of: 1)).level == .error)
    #expect(EventMessage.logNodeResult(failed, Position(1, of: 1)).code == "Q007")
  }
}
