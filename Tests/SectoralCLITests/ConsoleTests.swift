import SectoralRunner
import SectoralText
import Testing

@testable import sectoral

struct ConsoleTests {
  @Test func quietHidesAllButErrorsAndOutput() {
    let text = Fixture.console(level: .error) { bus in
      bus.emit(.mainReportVersion(version: "1"))
      bus.emit(.listCmdOut("lab.v"))
      bus.emit(.printEvent("printed"))
      bus.emit(
        .logNodeResult(NodeResult(node: Fixture.test("a"), status: .fail), Position(1, of: 1))
      )
    }
    #expect(text.hasPrefix("lab.v\nprinted\n10:00:00  1 of 1 FAIL 0 a "))
  }

  @Test func noLevelLeavesNothing() {
    let text = Fixture.console(level: nil) { bus in
      bus.emit(.mainEncounteredError([]))
      bus.emit(.listCmdOut("lab.v"))
      bus.emit(.printEvent("printed"))
    }
    #expect(text.isEmpty)
  }

  @Test func theLiveLineStandsBelowWhatIsPrinted() {
    let output = RecordingOutput()
    let console = Console(
      output: output,
      formatter: LineFormatter(style: .text, words: EventWords(), invocationID: ""),
      minimumLevel: .info,
      live: LiveLine(paint: .none, isPlain: true),
      columns: { 60 },
      clock: { Fixture.moment }
    )
    let bus = EventBus(sinks: [console], clock: { Fixture.moment })
    let node = Fixture.model("orders", "table")
    bus.emit(.logStartLine(node, Position(1, of: 2)))
    #expect(output.text.isEmpty)
    #expect(console.tick())
    #expect(output.text == "\r| 0/2  0.0s  orders 0.0s\u{1B}[K")
    bus.emit(.note("hello"))
    #expect(
      output.text.hasSuffix("\r\u{1B}[K10:00:00  hello\n| 0/2  0.0s  orders 0.0s")
    )
    bus.emit(
      .logNodeResult(
        NodeResult(node: node, status: .success, message: "SELECT 1"),
        Position(1, of: 2)
      )
    )
    let end = output.text
    #expect(end.hasSuffix("[SELECT 1 in 0.00s]\n"))
    #expect(!end.contains("START"))
    #expect(console.tick())
    #expect(output.text == end)
    bus.close()
    #expect(!console.tick())
    #expect(output.text == end)
  }

  @Test(arguments: [20, 24, 40, 200])
  func theLiveLineFitsTheTerminal(_ columns: Int) throws {
    var live = LiveLine(paint: .none, isPlain: false)
    for index in 0..<8 {
      live.observe(
        Event(
          .logStartLine(Fixture.model("model_ü_\(index)_with_a_name"), Position(index, of: 1200)),
          timestamp: Fixture.moment
        )
      )
    }
    let later = Timestamp(microseconds: Fixture.moment.microseconds + 200_000_000)
    let text = try #require(live.text(at: later, columns: columns))
    #expect(TextLayout.columns(text) <= columns)
    #expect(text.contains("0/1200  3m20s"))
  }

  @Test func aLostReaderDoesNotStopTheRun() {
    struct Broken: TextOutput {
      @discardableResult func write(_ text: String) -> Bool { false }
    }
    let console = Console(
      output: Broken(),
      formatter: LineFormatter(style: .text, words: EventWords(), invocationID: ""),
      minimumLevel: .info,
      clock: { Fixture.moment }
    )
    let bus = EventBus(sinks: [console], clock: { Fixture.moment })
    bus.emit(.note("a"))
    bus.emit(.note("b"))
    bus.close()
  }

  /// Terminal, environment, arguments' say, whether there is colour.
  static let colors: [(Bool, [String: String], Bool?, Bool)] = [
    (true, ["TERM": "xterm"], nil, true), (false, ["TERM": "xterm"], nil, false),
    (true, ["TERM": "xterm", "NO_COLOR": "1"], nil, false),
    (true, ["TERM": "xterm", "NO_COLOR": ""], nil, true), (true, ["TERM": "dumb"], nil, false),
    (true, [:], nil, false), (false, [:], true, true), (true, ["TERM": "xterm"], false, false),
    (true, ["TERM": "xterm", "NO_COLOR": "1"], true, true),
  ]

  @Test(arguments: colors)
  func colorsAreForTerminals(
    _ isTerminal: Bool,
    _ environment: [String: String],
    _ asked: Bool?,
    _ expected: Bool
  ) {
    var flags = InvocationFlags()
    flags.useColors = asked ?? true
    let resolved = ResolvedFlags(
      flags: flags,
      environment: environment,
      deprecations: [],
      colorsAreExplicit: asked != nil,
      fileColorsAreExplicit: false,
      fullTable: nil,
      targetPath: "",
      failure: nil
    )
    let settings = LogSettings(
      resolved: resolved,
      environment: environment,
      invocationID: "id",
      isTerminal: isTerminal
    )
    #expect(settings.consolePaint.isOn == expected)
    #expect(!settings.fileFormatter.words.paint.isOn)
  }

  @Test func cancellationRunsItsHandlersOnce() {
    let flag = CancellationFlag()
    let calls = RecordingOutput()
    flag.onCancel { calls.write("a") }
    flag.cancel()
    flag.cancel()
    flag.onCancel { calls.write("b") }
    #expect(flag.isCancelled)
    #expect(calls.text == "ab")
  }
}
