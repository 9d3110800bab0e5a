import SectoralRunner

/// The last line of a terminal while nodes run: how many are done, how long it takes, what runs.
struct LiveLine: Sendable {
  private struct Running {
    var uniqueID: String
    var name: String
    var since: Timestamp
  }

  private var running: [Running] = []
  private var done = 0
  private var failed = 0
  private var total = 0
  private var start: Timestamp?
  private let paint: Paint
  private let isPlain: Bool

  /// - Parameters:
  ///   - paint: Colours of the terminal.
  ///   - isPlain: ASCII alone, for terminals without UTF-8.
  init(paint: Paint, isPlain: Bool) {
    self.paint = paint
    self.isPlain = isPlain
  }

  /// Takes note of an event.
  mutating func observe(_ event: Event) {
    switch event.message {
    case .logStartLine(let node, let position), .logHookStartLine(let node, let position):
      if start == nil { start = event.timestamp }
      if node.resourceType != "operation" { total = max(total, position.total) }
      running.append(
        Running(
          uniqueID: node.uniqueID,
          name: node.label ?? node.name,
          since: event.timestamp
        )
      )
    case .logNodeResult(let result, _), .skippingDetails(let result, _):
      running.removeAll { $0.uniqueID == result.uniqueID }
      done += 1
      if result.status.isFailure, result.status != .skipped { failed += 1 }
    case .logHookEndLine(let result, _):
      running.removeAll { $0.uniqueID == result.uniqueID }
    case .finishedRunningStats, .endOfRunSummary, .mainEncounteredError:
      running = []
      start = nil
    default: break
    }
  }

  /// Whether the event's own line is left out: that a node starts is shown here.
  func replaces(_ event: Event) -> Bool {
    switch event.message {
    case .logStartLine, .logHookStartLine: true
    default: false
    }
  }

  /// The text, at most so many columns wide; nil when there is nothing to tell.
  func text(at now: Timestamp, columns: Int) -> String? {
    guard let start, !running.isEmpty, columns >= 20 else { return nil }
    let elapsed = now.seconds(since: start)
    var head = "\(spinner(elapsed)) "
    if total > 0 { head += "\(done)/\(total)  " }
    head += Self.clock(elapsed)
    if failed > 0 { head += "  \(failed) failed" }
    let room = columns - TextLayout.columns(head) - 3
    let names = running.sorted { ($0.since, $0.uniqueID) < ($1.since, $1.uniqueID) }
      .map { "\($0.name) \(Self.clock(now.seconds(since: $0.since)))" }
    let shown = TextLayout.clipped(names.joined(separator: ", "), columns: max(0, room))
    let tail = isPlain ? shown.split(separator: "…").joined() : shown
    return paint(head, failed > 0 ? .red : .cyan) + (room > 8 ? "  " + paint(tail, .dim) : "")
  }

  private func spinner(_ elapsed: Double) -> String {
    let frames =
      isPlain ? ["|", "/", "-", "\\"] : ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
    return frames[Int(max(0, elapsed) * 10) % frames.count]
  }

  /// `4.2s`, `3m04s`.
  private static func clock(_ elapsed: Double) -> String {
    guard elapsed >= 60 else { return TextLayout.fixed(max(0, elapsed), digits: 1) + "s" }
    let seconds = Int(elapsed)
    return "\(seconds / 60)m\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)s"
  }
}
