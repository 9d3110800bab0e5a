import SectoralJinja
import SectoralPython
import SectoralYAML

/// `invocation_args_dict` as templates see it, with the types that dbt's options have: what can be given
/// several times is a tuple, a moment a `datetime`, a sample an object of two moments.
enum InvocationArguments {
  private static let repeatable = [
    "exclude", "exclude_resource_types", "models", "output_keys", "resource_types", "select",
  ]
  private static let moments = ["event_time_end", "event_time_start"]

  /// `arguments`: as run_results.json has them.
  static func value(_ arguments: DatumMap) -> Value {
    let dict = DictValue()
    for (key, value) in arguments.entries { dict[key] = Value(value) }
    for key in repeatable {
      guard case .list(let items)? = dict[key] else { continue }
      dict[key] = .tuple(items.items)
    }
    for key in moments {
      guard let time = arguments[key]?.string.flatMap(EventTimeWindow.time) else { continue }
      dict[key] = .object(DateTimeObject(local: time, zone: nil))
    }
    if let sample = arguments["sample"]?.map.flatMap(EventTimeWindow.init(layout:)) {
      dict["sample"] = .object(SampleObject(sample))
    }
    return .dict(dict)
  }
}

/// The time of `--sample`: `start` and `end`, in UTC.
final class SampleObject: ContextObject {
  private let start: Value
  private let end: Value

  init(_ window: EventTimeWindow) {
    let zone = PytzUTC()
    start = .object(DateTimeObject(local: window.start, zone: zone))
    end = .object(DateTimeObject(local: window.end, zone: zone))
    super.init()
  }

  override var typeName: String { "SampleWindow" }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let start = try interpreter.repr(start)
    return try "SampleWindow(start=\(start), end=\(interpreter.repr(end)))"
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name {
    case "start": start
    case "end": end
    default: nil
    }
  }
}
