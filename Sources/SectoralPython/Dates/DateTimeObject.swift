package import SectoralJinja

/// Python's `datetime`.
package final class DateTimeObject: Object {
  /// Microseconds since 1970-01-01 00:00 on the wall clock of the zone.
  package let local: Int
  package let zone: TimeZoneObject?

  package init(local: Int, zone: TimeZoneObject?) {
    self.local = local
    self.zone = zone
    super.init()
  }

  /// nil: naive, or a zone that knows no offset.
  package var utc: Int? { zone?.offset.map { local - $0 * 1_000_000 } }

  package var moment: Moment {
    var moment = Moment(local: local)
    moment.offset = zone?.offset
    moment.zoneName = zone?.abbreviation
    return moment
  }

  package func isoText(
    separator: String = "T",
    precision: String = "auto"
  ) throws(TemplateError)
    -> String
  {
    let moment = moment
    guard let time = moment.isoTime(precision) else {
      throw .valueError("Unknown timespec value")
    }
    return moment.isoDate + separator + time + (moment.offset.map { Moment.isoOffset($0) } ?? "")
  }

  package override var typeName: String { "datetime.datetime" }
  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    try isoText(separator: " ")
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let moment = moment
    var parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    if moment.second != 0 || moment.microsecond != 0 { parts.append(moment.second) }
    if moment.microsecond != 0 { parts.append(moment.microsecond) }
    var text = parts.map(String.init).joined(separator: ", ")
    if let zone { text += ", tzinfo=\(try zone.repr(interpreter))" }
    return "datetime.datetime(\(text))"
  }
  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(DateTimeObject.self) else { return false }
    if let a = utc, let b = other.utc { return a == b }
    return (utc == nil) == (other.utc == nil) && local == other.local
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(utc ?? local)
    return true
  }
  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    if other.object(DateObject.self) != nil {
      throw .typeError("can't compare datetime.datetime to datetime.date")
    }
    guard let other = other.object(DateTimeObject.self) else { return nil }
    if let a = utc, let b = other.utc { return order(a, b) }
    guard utc == nil, other.utc == nil else {
      throw .typeError("can't compare offset-naive and offset-aware datetimes")
    }
    return order(local, other.local)
  }
  package override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  { specification.isEmpty ? try isoText(separator: " ") : moment.formatted(specification) }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let delta = other.object(TimeDeltaObject.self) {
      switch operation {
      case .add:
        return try .dateTime(checked(local.addingReportingOverflow(delta.microseconds)), zone)
      case .subtract where !reversed:
        return try .dateTime(
          checked(local.subtractingReportingOverflow(delta.microseconds)),
          zone
        )
      default: return nil
      }
    }
    guard operation == .subtract, !reversed, let other = other.object(DateTimeObject.self) else {
      return nil
    }
    if zone === other.zone { return .timeDelta(local - other.local) }
    if let a = utc, let b = other.utc { return .timeDelta(a - b) }
    guard utc == nil, other.utc == nil else {
      throw .typeError("can't subtract offset-naive and offset-aware datetimes")
    }
    return .timeDelta(local - other.local)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let text = name.name
    let moment = moment
    if let value = calendarAttribute(text, moment) ?? clockAttribute(text, moment) {
      return value
    }
    switch text {
    case "tzinfo": return zone.map(Value.object) ?? Value.none
    case "date":
      return .constant(
        text,
        .object(
          DateObject(day: CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay))
        )
      )
    case "time": return .constant(text, .object(TimeObject(moment.timeOfDay, nil)))
    case "timetz": return .constant(text, .object(TimeObject(moment.timeOfDay, zone)))
    case "utcoffset":
      return .constant(text, zone?.offset.map { .timeDelta(seconds: $0) } ?? .none)
    case "dst":
      return .constant(text, zone?.daylightSeconds.map { .timeDelta(seconds: $0) } ?? .none)
    case "tzname": return .constant(text, .text(zone?.abbreviation))
    case "timestamp":
      let instant =
        utc ?? CalendarMath.utc(fromLocal: CalendarMath.floorDivide(local, 1_000_000)) * 1_000_000
        + CalendarMath.floorModulo(local, 1_000_000)
      return .constant(text, .float(Double(instant) / 1e6))
    case "ctime": return .constant(text, .string(moment.formatted("%c")))
    case "isoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["sep", "timespec"])
        return .string(
          try self.isoText(
            separator: try arguments.optionalString(0) ?? "T",
            precision: try arguments.optionalString(1) ?? "auto"
          )
        )
      }
    case "strftime":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["format"], required: 1)
        return .string(moment.formatted(try arguments.string(0)))
      }
    case "replace": return replaceMethod
    case "astimezone":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["tz"])
        return try self.converted(to: arguments.optional(0))
      }
    default: return try DateTimeClass().attribute(name, interpreter)
    }
  }

  private var replaceMethod: Value {
    .function("replace") { arguments, _ throws(TemplateError) in
      let arguments = try CallArguments(
        "replace",
        arguments,
        ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"]
      )
      var copy = self.moment
      copy.year = try arguments.int(0, default: copy.year)
      copy.month = try arguments.int(1, default: copy.month)
      copy.day = try arguments.int(2, default: copy.day)
      copy.hour = try arguments.int(3, default: copy.hour)
      copy.minute = try arguments.int(4, default: copy.minute)
      copy.second = try arguments.int(5, default: copy.second)
      copy.microsecond = try arguments.int(6, default: copy.microsecond)
      let zone = arguments[7] == nil ? self.zone : try timeZone(arguments.value(7))
      return try .dateTime(copy, zone)
    }
  }

  private func converted(to target: Value?) throws(TemplateError) -> Value {
    let instant: Int
    if let utc {
      instant = utc
    } else {
      let seconds = CalendarMath.floorDivide(local, 1_000_000)
      instant =
        CalendarMath.utc(fromLocal: seconds) * 1_000_000
        + CalendarMath.floorModulo(local, 1_000_000)
    }
    return try .dateTime(utc: instant, in: target)
  }
}
