package import SectoralJinja

/// Python's `tzinfo`: what a zone-aware datetime carries. On its own it is the abstract class's
/// instance, which knows no offset.
package class TimeZoneObject: PythonObject {
  package override var typeName: String { "datetime.tzinfo" }

  /// Seconds east of UTC; nil: unknown.
  package var offset: Int? { nil }
  package var daylightSeconds: Int? { nil }
  package var abbreviation: String? { nil }

  /// The wall clock's microseconds, and the zone object that the result carries.
  package func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    (utc + (offset ?? 0) * 1_000_000, self)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "utcoffset":
      return .function("utcoffset") { _, _ throws(TemplateError) in
        self.offset.map { .timeDelta(seconds: $0) } ?? .none
      }
    case "dst":
      return .function("dst") { _, _ throws(TemplateError) in
        self.daylightSeconds.map { .timeDelta(seconds: $0) } ?? .none
      }
    case "tzname":
      return .function("tzname") { _, _ throws(TemplateError) in .text(self.abbreviation) }
    case "fromutc":
      return .function("fromutc") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("fromutc", arguments, ["dt"], required: 1)
        guard let time = arguments.value(0).object(DateTimeObject.self) else {
          throw .typeError("fromutc: argument must be a datetime")
        }
        let (local, zone) = self.fromUTC(time.local)
        return try .dateTime(local, zone)
      }
    default: return nil
    }
  }
}

final class TimeZoneClass: DateTypeClass {
  override var name: String { "tzinfo" }
  override var methods: Set<String> { ["utcoffset", "tzname", "dst", "fromutc"] }
  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  { .object(TimeZoneObject()) }
}

/// `datetime.timezone`: a constant offset.
package final class FixedZone: TimeZoneObject {
  private let seconds: Int
  private let name: String?

  package init(seconds: Int, name: String? = nil) {
    self.seconds = seconds
    self.name = name
    super.init()
  }

  package override var typeName: String { "datetime.timezone" }
  package override var offset: Int? { seconds }
  package override var abbreviation: String? {
    name ?? (seconds == 0 ? "UTC" : "UTC" + Moment.isoOffset(seconds))
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    abbreviation ?? ""
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    if seconds == 0, name == nil { return "datetime.timezone.utc" }
    let delta = try TimeDeltaObject(microseconds: seconds * 1_000_000).repr(interpreter)
    let suffix = try name.map { name throws(TemplateError) in
      ", " + (try interpreter.repr(.string(name)))
    }
    return "datetime.timezone(\(delta)\(suffix ?? ""))"
  }
  package override func isEqual(to other: Value) -> Bool {
    other.object(FixedZone.self).map { $0.seconds == seconds } ?? false
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(seconds)
    return true
  }
}
