package import SectoralJinja

/// Python's `tzinfo`: what a zone-aware datetime carries. On its own it is the abstract class's
/// instance, which knows no offset.
package class TimeZoneObject: PythonObject {
  package override var typeName: String { "datetime.tzinfo" }

  /// What a zone says of a datetime, or of a time without a date; in microseconds.
  package struct Answer {
    /// East of UTC; nil: unknown.
    package var offset: Int?
    package var daylight: Int?
    package var abbreviation: String?
  }

  /// Of the datetimes that carry this object.
  package var current: Answer { Answer() }
  /// Of a time without a date.
  package var dateless: Answer { current }
  package final var offset: Int? { current.offset }
  package final var daylight: Int? { current.daylight }
  package final var abbreviation: String? { current.abbreviation }

  /// What the zone says of a datetime that may carry another zone.
  ///
  /// `isDaylight`: For times that the clock shows twice; nil: those are an error.
  package func answer(
    _ time: DateTimeObject,
    isDaylight: Bool?
  )
    throws(TemplateError) -> Answer
  { current }

  /// The wall clock's microseconds, and the zone object that the result carries.
  package func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    (utc + (offset ?? 0), self)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let text = name.name
    switch text {
    case "utcoffset", "dst", "tzname":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let answer = try self.answer(CallArguments(text, arguments, ["dt", "is_dst"], required: 1))
        switch text {
        case "utcoffset": return try .offset(answer.offset)
        case "dst": return try .offset(answer.daylight)
        default: return .text(answer.abbreviation)
        }
      }
    case "fromutc":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["dt"], required: 1)
        return try self.fromUTC(arguments.value(0))
      }
    default: return nil
    }
  }

  private func answer(_ arguments: CallArguments) throws(TemplateError) -> Answer {
    let value = arguments.value(0)
    if value.isNone { return dateless }
    guard let time = value.object(DateTimeObject.self) else {
      throw .typeError(
        "\(arguments.function)(dt) argument must be a datetime instance or None, "
          + "not \(value.typeName)"
      )
    }
    let isDaylight: Bool? = if case .bool(let bool) = arguments.value(1) { bool } else { nil }
    return try answer(time, isDaylight: isDaylight)
  }

  /// `fromutc(dt)`: the datetime must carry this zone.
  package func fromUTC(_ value: Value) throws(TemplateError) -> Value {
    guard let time = value.object(DateTimeObject.self) else {
      throw .typeError("fromutc: argument must be a datetime instance, not \(value.typeName)")
    }
    guard time.zone === self else {
      throw .valueError("fromutc: dt.tzinfo is not self")
    }
    let (local, zone) = fromUTC(time.local)
    return try .dateTime(local, zone)
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
  private let microseconds: Int
  private let name: String?

  /// `microseconds`: Beyond the seconds, with the same sign.
  package init(seconds: Int, microseconds: Int = 0, name: String? = nil) {
    self.microseconds = seconds * 1_000_000 + microseconds
    self.name = name
    super.init()
  }

  package override var typeName: String { "datetime.timezone" }
  package override var current: Answer {
    Answer(offset: microseconds, daylight: nil, abbreviation: shownName)
  }
  private var shownName: String {
    if let name { return name }
    if microseconds == 0 { return "UTC" }
    return "UTC"
      + Moment.isoOffset(microseconds / 1_000_000, fraction: microseconds % 1_000_000)
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    shownName
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    if microseconds == 0, name == nil { return "datetime.timezone.utc" }
    let delta = TimeDeltaObject(microseconds: Int128(microseconds)).pythonText
    let suffix = try name.map { name throws(TemplateError) in
      ", " + (try interpreter.repr(.string(name)))
    }
    return "datetime.timezone(\(delta)\(suffix ?? ""))"
  }
  package override func isEqual(to other: Value) -> Bool {
    other.object(FixedZone.self).map { $0.microseconds == microseconds } ?? false
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(microseconds)
    return true
  }
}
