import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralWarehouse
package import SectoralYAML

/// A stretch of time, its end excluded, in microseconds since 1970, UTC.
package struct EventTimeWindow: Sendable, Hashable {
  package var start: Int
  package var end: Int

  package init(start: Int, end: Int) {
    self.start = start
    self.end = end
  }

  /// The rows of this time, of a relation with such a column.
  func filter(on field: String) -> EventTimeFilter {
    EventTimeFilter(
      field: field,
      start: Self.text(start, separator: " "),
      end: Self.text(end, separator: " ")
    )
  }

  func clipped(to other: EventTimeWindow) -> EventTimeWindow {
    EventTimeWindow(start: max(start, other.start), end: min(end, other.end))
  }

  /// `2024-01-01T00:00:00+00:00`, as artifacts have it.
  package var isoTexts: (start: String, end: String) { (Self.text(start), Self.text(end)) }

  /// `2024-01-01T00:00:00`, as they are given on the command line.
  package var localTexts: (start: String, end: String) {
    (String(isoTexts.start.dropLast(6)), String(isoTexts.end.dropLast(6)))
  }

  /// As run_results.json has a sample.
  package var layout: Datum {
    .map(["start": .string(isoTexts.start), "end": .string(isoTexts.end)])
  }

  /// Of what `layout` gives.
  init?(layout: DatumMap) {
    guard
      let start = layout["start"]?.string.flatMap(Self.instant),
      let end = layout["end"]?.string.flatMap(Self.instant)
    else { return nil }
    self.init(start: start, end: end)
  }

  private static func text(_ time: Int, separator: String = "T") -> String {
    let moment = Moment(local: time)
    return moment.isoDate + separator + (moment.isoTime() ?? "") + "+00:00"
  }

  /// The moment of `2024-01-01`, `2024-01-01T10:00:00` and their like, as the clock shows it: an
  /// offset says nothing, as in dbt. nil for anything else.
  package static func time(of text: String) -> Int? {
    let value = Value.isoDate(text)
    if let moment = value.object(DateTimeObject.self) { return moment.local }
    return value.object(DateObject.self).map { $0.day * CalendarMath.microsecondsPerDay }
  }

  /// The moment of the same texts, where an offset does count; without one it is UTC.
  package static func instant(of text: String) -> Int? {
    Value.isoDate(text).object(DateTimeObject.self)?.utc ?? time(of: text)
  }
}

/// How long the batches of a model are.
package enum BatchSize: String, Sendable, CaseIterable {
  case hour
  case day
  case month
  case year

  private static let hourLength = 3_600_000_000

  /// The start of the batch in which a moment lies.
  func start(of time: Int) -> Int {
    switch self {
    case .hour: return CalendarMath.floorDivide(time, Self.hourLength) * Self.hourLength
    case .day:
      let day = CalendarMath.microsecondsPerDay
      return CalendarMath.floorDivide(time, day) * day
    case .month, .year:
      let moment = Moment(local: time)
      let month = self == .year ? 1 : moment.month
      return CalendarMath.day(moment.year, month, 1) * CalendarMath.microsecondsPerDay
    }
  }

  /// The start of another batch: so many after (before: negative) that of a moment.
  func start(of time: Int, offsetBy count: Int) -> Int {
    moved(start(of: time), by: count)
  }

  /// So much later (earlier: negative); in a shorter month its last day, and never before the first
  /// day that there is.
  package func moved(_ time: Int, by count: Int) -> Int {
    // More than there are in all the years that a calendar has.
    let count = min(max(count, -100_000_000), 100_000_000)
    let day = CalendarMath.microsecondsPerDay
    let first = CalendarMath.firstDay * day
    switch self {
    case .hour: return max(first, time + count * Self.hourLength)
    case .day: return max(first, time + min(max(count, -4_000_000), 4_000_000) * day)
    case .month, .year:
      let moment = Moment(local: time)
      let months = moment.year * 12 + moment.month - 1 + count * (self == .year ? 12 : 1)
      guard months >= 12 else { return first }
      let (year, month) = (min(months / 12, 9999), months % 12 + 1)
      let date = min(moment.day, CalendarMath.days(inMonth: month, year))
      return CalendarMath.day(year, month, date) * day + moment.timeOfDay
    }
  }

  /// The first start of a batch that is not before a moment.
  func ceiling(of time: Int) -> Int {
    let start = start(of: time)
    return start == time ? time : moved(start, by: 1)
  }

  /// How a batch is shown, and its file called: `2024`, `2024-01`, `2024-01-01`, `2024-01-01T16`.
  func label(of start: Int) -> String {
    let moment = Moment(local: start)
    return switch self {
    case .year: String(moment.isoDate.prefix(4))
    case .month: String(moment.isoDate.prefix(7))
    case .day: moment.isoDate
    case .hour: "\(moment.isoDate)T\(moment.isoTime("hours") ?? "")"
    }
  }
}

/// One batch of a model: what it reads, and where it stands among the others.
package struct Batch: Sendable {
  package let window: EventTimeWindow
  package let size: BatchSize
  /// Counted from 0.
  package let index: Int
  package let total: Int

  package var label: String { size.label(of: window.start) }
  /// As in names of temporary tables: the label without its hyphens.
  package var id: String { label.filter { $0 != "-" } }
  package var isFirst: Bool { index == 0 }
  package var isLast: Bool { index == total - 1 }

  package static func batches(_ windows: [EventTimeWindow], _ size: BatchSize) -> [Batch] {
    windows.enumerated().map { index, window in
      Batch(window: window, size: size, index: index, total: windows.count)
    }
  }
}

/// The configuration of a model that is built in batches.
package struct MicrobatchConfig: Sendable {
  package let eventTime: String
  package let size: BatchSize
  package let begin: Int
  package let lookback: Int

  package init(eventTime: String, size: BatchSize, begin: Int, lookback: Int) {
    self.eventTime = eventTime
    self.size = size
    self.begin = begin
    self.lookback = lookback
  }

  /// The windows of a run, in order.
  ///
  /// - Parameters:
  ///   - given: What the flags say is to be built; nil: what is due.
  ///   - isIncremental: Whether the table stands and is to be kept.
  ///   - now: When the command began.
  /// - Returns: At least one window.
  package func windows(
    _ given: EventTimeWindow?,
    isIncremental: Bool,
    now: Int
  ) -> [EventTimeWindow] {
    let end = size.ceiling(of: given?.end ?? now)
    let start =
      if let given {
        size.start(of: given.start)
      } else if isIncremental {
        size.start(of: end, offsetBy: -1 - lookback)
      } else {
        size.start(of: begin)
      }
    var windows: [EventTimeWindow] = []
    var next = start
    repeat {
      let after = size.moved(next, by: 1)
      windows.append(EventTimeWindow(start: next, end: after))
      next = after
    } while next < end
    windows[windows.count - 1].end = end
    return windows
  }
}

extension Node {
  /// Whether the model's strategy is that of batches.
  var isMicrobatch: Bool {
    resourceType == .model && materialized == "incremental"
      && config["incremental_strategy"]?.string == "microbatch"
  }

  /// Of a model whose configuration was checked when the project was read.
  package var microbatch: MicrobatchConfig? {
    guard isMicrobatch, let eventTime = config["event_time"]?.string,
      let size = config["batch_size"]?.string.flatMap(BatchSize.init),
      let begin = config["begin"]?.momentText.flatMap(EventTimeWindow.time)
    else { return nil }
    return MicrobatchConfig(
      eventTime: eventTime,
      size: size,
      begin: begin,
      lookback: config["lookback"]?.int ?? 1
    )
  }
}

extension Datum {
  /// A date, or a text that may be one.
  var momentText: String? {
    switch self {
    case .date(let text), .string(let text): text
    default: nil
    }
  }
}

extension Workspace {
  /// Whether microbatch models are built in batches: not if the project has a strategy of its own,
  /// unless it asks for that.
  package var buildsInBatches: Bool {
    invocation.behavior["require_batched_execution_for_custom_microbatch_strategy"]?.bool ?? false
      || !hasOwnMicrobatchStrategy
  }

  var hasOwnMicrobatchStrategy: Bool {
    let name = "get_incremental_microbatch_sql"
    guard let entry = macros.find(name) else { return false }
    return !macros.internalNames.contains(entry.macro.packageName)
  }
}
