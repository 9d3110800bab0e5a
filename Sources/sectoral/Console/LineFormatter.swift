import SectoralArtifacts
import SectoralRunner
import SectoralYAML

/// Makes log lines of events, in one of dbt's three formats.
struct LineFormatter: Sendable {
  enum Style: Sendable, Hashable {
    /// `10:00:00  message`, in UTC.
    case text
    /// `10:00:00.123456 [info ] [MainThread]: message`, in local time.
    case debug
    case json
  }

  var style: Style
  var words: EventWords
  var secrets = Secrets()
  var invocationID: String
  var processID: Int = 0
  /// `DBT_ENV_CUSTOM_ENV_*`, the prefix removed.
  var customEnvironment: [String: String] = [:]
  /// Of local time, east of UTC.
  var secondsFromUTC: Int = 0

  /// The line with its end; several lines where the message has some.
  func line(for event: Event) -> String {
    let text = words.text(of: event)
    var line = ""
    line.reserveCapacity(text.utf8.count + 64)
    switch style {
    case .text where event.message.isOutput: line += text
    case .text:
      if words.paint.isOn { line += "\u{1B}[0m" }
      line += event.timestamp.time
      line += "  "
      line += text
    case .debug:
      if case .mainReportVersion = event.message { line += header(at: event.timestamp) }
      line += localTime(event)
      line += " ["
      line += levelName(event)
      line += "] ["
      line += threadName(event)
      line += "]: "
      line += text
    case .json: line += json(event, text)
    }
    line += "\n"
    return secrets.mask(line)
  }

  /// What the debug format writes in front of an invocation's first line.
  func header(at timestamp: Timestamp) -> String {
    let rule = String(repeating: "=", count: 30)
    let time = local(timestamp).timeWithMicroseconds
    return "\n\n\(rule) \(time) | \(invocationID) \(rule)\n"
  }

  private func local(_ timestamp: Timestamp) -> Timestamp {
    Timestamp(microseconds: timestamp.microseconds + Int64(secondsFromUTC) * 1_000_000)
  }

  private func localTime(_ event: Event) -> String { local(event.timestamp).timeWithMicroseconds }

  private func levelName(_ event: Event) -> String { Self.padded(event.level.word, to: 5) }

  private func threadName(_ event: Event) -> String {
    Self.padded(String(event.thread.prefix(10)), to: 10)
  }

  private static func padded(_ word: String, to width: Int) -> String {
    // Names of threads are ours: a character is a byte.
    let missing = width - word.utf8.count
    return missing > 0 ? word + String(repeating: " ", count: missing) : word
  }

  private func json(_ event: Event, _ text: String) -> String {
    let extra = customEnvironment.map { (key: $0.key, value: Datum.string($0.value)) }
    let info: DatumMap = [
      "category": .string(""), "code": .string(event.message.code),
      "extra": .map(DatumMap(extra)), "invocation_id": .string(invocationID),
      "level": .string(event.level.word), "msg": .string(text),
      "name": .string(event.message.name), "pid": .int(processID),
      "thread": .string(event.thread), "ts": .string(event.timestamp.iso8601),
    ]
    return JSON.text(
      of: .map(["data": .map(EventData.data(of: event, words: words)), "info": .map(info)]),
      sortKeys: true
    )
  }
}

extension EventMessage {
  /// What a command was asked to print: it has no time in front and `--quiet` does not hide it.
  var isOutput: Bool {
    switch self {
    case .compiledNode, .showNode, .listCmdOut, .printEvent, .output, .seedSample: true
    default: false
    }
  }

  /// Deleting files is never logged to a file: that may be one of them.
  var isKeptOutOfFile: Bool {
    switch self {
    case .checkCleanPath, .confirmCleanPath, .protectedCleanPath, .finishedCleanPaths: true
    default: false
    }
  }
}
