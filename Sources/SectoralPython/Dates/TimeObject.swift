package import SectoralJinja

/// Python's `time`.
package final class TimeObject: Object {
  /// Since midnight.
  package let microseconds: Int
  package let zone: TimeZoneObject?
  let fold: Int

  package init(_ microseconds: Int, _ zone: TimeZoneObject?, fold: Int = 0) {
    self.microseconds = microseconds
    self.zone = zone
    self.fold = fold
    super.init()
  }

  package var moment: Moment {
    var moment = Moment(local: microseconds)
    moment.year = 1900
    if let offset = zone?.dateless.offset {
      moment.offset = offset / 1_000_000
      moment.offsetFraction = offset % 1_000_000
    }
    moment.zoneName = zone?.dateless.abbreviation
    return moment
  }

  /// On the clock of UTC; nil: naive, or the zone's offset depends on the date.
  private var utc: Int? { zone?.dateless.offset.map { microseconds - $0 } }

  private func isoText(_ precision: String = "auto") throws(TemplateError) -> String {
    let moment = moment
    guard let time = moment.isoTime(precision) else {
      throw .valueError("Unknown timespec value")
    }
    return time + moment.isoZone
  }

  package override var typeName: String { "datetime.time" }
  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try isoText()
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let moment = moment
    var parts = [moment.hour, moment.minute]
    if moment.second != 0 || moment.microsecond != 0 { parts.append(moment.second) }
    if moment.microsecond != 0 { parts.append(moment.microsecond) }
    var text = parts.map(String.init).joined(separator: ", ")
    if let zone { text += ", tzinfo=\(try zone.repr(interpreter))" }
    if fold != 0 { text += ", fold=\(fold)" }
    return "datetime.time(\(text))"
  }
  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(TimeObject.self) else { return false }
    if let a = utc, let b = other.utc { return a == b }
    return (utc == nil) == (other.utc == nil) && microseconds == other.microseconds
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(utc ?? microseconds)
    return true
  }
  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    guard let other = other.object(TimeObject.self) else { return nil }
    if let a = utc, let b = other.utc { return order(a, b) }
    guard utc == nil, other.utc == nil else {
      throw .typeError("can't compare offset-naive and offset-aware times")
    }
    return order(microseconds, other.microseconds)
  }
  package override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  { specification.isEmpty ? try isoText() : moment.formatted(specification) }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let text = name.name
    let moment = moment
    if let value = clockAttribute(text, moment) { return value }
    switch text {
    case "fold": return .int(fold)
    case "tzinfo": return zone.map(Value.object) ?? Value.none
    case "utcoffset": return .constant(text, try .offset(zone?.dateless.offset))
    case "dst": return .constant(text, try .offset(zone?.dateless.daylight))
    case "tzname": return .constant(text, .text(zone?.dateless.abbreviation))
    case "isoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timespec"])
        return .string(try self.isoText(timeSpecification(arguments, 0)))
      }
    case "strftime": return strftimeMethod(moment)
    case "replace":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, TimeClass.parameters, positional: 5)
        var copy = moment
        try copy.setTime(arguments, from: 0)
        try copy.verify()
        let zone = arguments[4] == nil ? self.zone : try timeZone(arguments.value(4))
        return .object(
          TimeObject(
            copy.timeOfDay,
            zone,
            fold: try SectoralPython.fold(arguments, 5, default: self.fold)
          )
        )
      }
    default: return try TimeClass().attribute(name, interpreter)
    }
  }
}

final class TimeClass: DateTypeClass {
  override var name: String { "time" }
  override var methods: Set<String> {
    ["isoformat", "strftime", "replace", "utcoffset", "dst", "tzname"]
  }

  static let parameters = ["hour", "minute", "second", "microsecond", "tzinfo", "fold"]

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments("time", arguments, Self.parameters, positional: 5)
    var moment = Moment()
    try moment.setTime(arguments, from: 0)
    try moment.verify()
    return .object(
      TimeObject(
        moment.timeOfDay,
        try timeZone(arguments.value(4)),
        fold: try fold(arguments, 5, default: 0)
      )
    )
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "min": return .object(TimeObject(0, nil))
    case "max": return .object(TimeObject(CalendarMath.microsecondsPerDay - 1, nil))
    case "resolution": return try .timeDelta(1)
    case "fromisoformat":
      return .function("fromisoformat") { arguments, interpreter throws(TemplateError) in
        let moment = try isoMoment("fromisoformat", arguments, ISOFormat.time, interpreter)
        return .object(TimeObject(moment.timeOfDay, moment.zone))
      }
    default: return try super.attribute(name, interpreter)
    }
  }
}
