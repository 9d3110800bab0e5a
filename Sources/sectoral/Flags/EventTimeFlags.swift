import SectoralCompiler
import SectoralRunner
import SectoralText
import SectoralYAML

/// The windows of time that flags speak of.
enum EventTimeFlags {
  /// `--event-time-start` and `--event-time-end`, which are given together.
  static func window(
    start: String?,
    end: String?,
    command: String
  ) throws(UsageError) -> EventTimeWindow? {
    func lonely(_ given: String, _ missing: String) -> UsageError {
      UsageError(
        "The flag `--event-time-\(given)` was specified, but `--event-time-\(missing)` was not. "
          + "When specifying `--event-time-\(given)`, `--event-time-\(missing)` must also be present.",
        command: command
      )
    }
    func moment(_ text: String, _ name: String) throws(UsageError) -> Int {
      if let time = EventTimeWindow.time(of: text) { return time }
      throw UsageError(
        "Invalid value for '--event-time-\(name)': there is no such time as '\(text)'.",
        command: command
      )
    }
    switch (start, end) {
    case (nil, nil): return nil
    case (.some, nil): throw lonely("start", "end")
    case (nil, .some): throw lonely("end", "start")
    case (.some(let start), .some(let end)):
      let window = EventTimeWindow(
        start: try moment(start, "start"),
        end: try moment(end, "end")
      )
      if window.start < window.end { return window }
      throw UsageError(
        "Value for `--event-time-start` must be less than `--event-time-end`",
        command: command
      )
    }
  }

  /// `--sample`: `3 days`, counted back from now, or `{start: 2024-01-01, end: 2024-02-01}`.
  static func sample(
    _ text: String?,
    now: Timestamp,
    command: String
  ) throws(UsageError) -> EventTimeWindow? {
    guard let text else { return nil }
    func invalid(_ why: String) -> UsageError {
      UsageError("Invalid value for '--sample': \(why)", command: command)
    }
    let (root, diagnostics) = YAMLParser.parse(SourceFile(path: "--sample", text: text))
    if case .map(let map)? = root?.datum, diagnostics.allSatisfy({ $0.severity != .error }) {
      func moment(_ key: String) throws(UsageError) -> Int {
        switch map[key] {
        case nil:
          throw invalid("Field \"\(key)\" of type datetime is missing in SampleWindow instance")
        case .date(let text)?, .string(let text)?:
          if let time = EventTimeWindow.instant(of: text) { return time }
          fallthrough
        default:
          throw invalid(
            "Field \"\(key)\" of type datetime in SampleWindow has invalid value "
              + JSON.text(of: map[key] ?? .null)
          )
        }
      }
      return EventTimeWindow(start: try moment("start"), end: try moment("end"))
    }
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2 else {
      throw invalid(
        "Cannot load SAMPLE_WINDOW from '\(text)'. Must be of form 'DAYS_INT GRAIN_SIZE'."
      )
    }
    guard let count = Int(words[0]) else {
      throw invalid("Unable to convert '\(words[0])' to an integer.")
    }
    let grain = words[1].lowercased()
    guard let size = BatchSize(rawValue: grain.hasSuffix("s") ? String(grain.dropLast()) : grain)
    else {
      let sizes = BatchSize.allCases.map(\.rawValue)
      let names = (sizes + sizes.map { $0 + "s" }).map { "'\($0)'" }.joined(separator: ", ")
      throw invalid("Invalid grain size '\(words[1])'. Must be one of [\(names)].")
    }
    let end = Int(now.microseconds)
    let back = count == Int.min ? Int.max : -count
    return EventTimeWindow(start: size.moved(end, by: back), end: end)
  }
}
