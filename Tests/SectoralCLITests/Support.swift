import SectoralRunner
import SectoralText
import SectoralYAML
import Synchronization

@testable import sectoral

/// Keeps what is written to it.
final class RecordingOutput: TextOutput {
  private let state = Mutex("")

  var text: String { state.withLock { $0 } }

  @discardableResult func write(_ text: String) -> Bool {
    state.withLock { $0 += text }
    return true
  }
}

/// Keeps the events.
final class RecordingSink: EventSink {
  private let state = Mutex<[Event]>([])

  var events: [Event] { state.withLock { $0 } }
  var names: [String] { events.map(\.message.name) }

  func emit(_ event: Event, _ text: String?) { state.withLock { $0.append(event) } }
}

enum Fixture {
  /// 2024-05-01T10:00:00.123456Z
  static let moment = Timestamp(microseconds: 1_714_557_600_123_456)

  static func model(
    _ name: String,
    _ materialized: String = "view",
    phase: NodeInfo.Phase = .none
  ) -> NodeInfo {
    NodeInfo(
      uniqueID: "model.lab.\(name)",
      resourceType: "model",
      packageName: "lab",
      name: name,
      path: "\(name).sql",
      originalFilePath: "models/\(name).sql",
      materialized: materialized,
      database: "lab",
      schema: "dev",
      alias: name,
      relationName: "\"lab\".\"dev\".\"\(name)\"",
      checksum: "99c0",
      phase: phase
    )
  }

  static func test(_ name: String, path: String = "models/schema.yml") -> NodeInfo {
    NodeInfo(
      uniqueID: "test.lab.\(name)",
      resourceType: "test",
      packageName: "lab",
      name: name,
      path: "\(name).sql",
      originalFilePath: path,
      materialized: "test",
      database: "lab",
      schema: "dev_dbt_test__audit",
      alias: name,
      attachedNode: "model.lab.v"
    )
  }

  static let seed = NodeInfo(
    uniqueID: "seed.lab.people",
    resourceType: "seed",
    packageName: "lab",
    name: "people",
    path: "people.csv",
    originalFilePath: "seeds/people.csv",
    materialized: "seed",
    database: "lab",
    schema: "dev",
    alias: "people",
    relationName: "\"lab\".\"dev\".\"people\""
  )

  static let unitTest = NodeInfo(
    uniqueID: "unit_test.lab.v.ut",
    resourceType: "unit_test",
    packageName: "lab",
    name: "ut",
    label: "v::ut",
    originalFilePath: "models/schema.yml",
    materialized: "unit"
  )

  static func hook(_ label: String) -> NodeInfo {
    NodeInfo(
      uniqueID: "operation.lab.\(label)",
      resourceType: "operation",
      packageName: "lab",
      name: label.split(separator: ".").joined(separator: "-"),
      label: label,
      originalFilePath: "./dbt_project.yml",
      materialized: "view"
    )
  }

  /// The text of one event, as the plain console prints it.
  static func line(_ message: EventMessage, words: EventWords = EventWords()) -> String {
    let formatter = LineFormatter(style: .text, words: words, invocationID: "id")
    return formatter.line(for: Event(message, timestamp: moment))
  }

  /// What a console prints of the events that `emit` sends.
  static func console(
    words: EventWords = EventWords(),
    level: EventLevel? = .info,
    _ emit: (EventBus) -> Void
  ) -> String {
    let output = RecordingOutput()
    let console = Console(
      output: output,
      formatter: LineFormatter(style: .text, words: words, invocationID: "id"),
      minimumLevel: level,
      clock: { moment }
    )
    let bus = EventBus(sinks: [console], clock: { moment })
    emit(bus)
    bus.close()
    return output.text
  }
}
