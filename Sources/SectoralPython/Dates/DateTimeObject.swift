import BigInt
package import SectoralJinja

/// Python's `datetime`.
package final class DateTimeObject: Object {
  /// Microseconds since 1970-01-01 00:00 on the wall clock of the zone.
  package let local: Int
  package let zone: TimeZoneObject?
  /// 1 for the second of two equal times of the clock; nothing but its text depends on it.
  let fold: Int

  package init(local: Int, zone: TimeZoneObject?, fold: Int = 0) {
    self.local = local
    self.zone = zone
    self.fold = fold
    super.init()
  }

  /// Microseconds since 1970; nil: naive, or a zone that knows no offset.
  package var utc: Int? { zone?.offset.map { local - $0 } }

  package var moment: Moment {
    var moment = Moment(local: local)
    moment.setZone(zone)
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
    return moment.isoDate + separator + time + moment.isoZone
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
    if fold != 0 { text += ", fold=\(fold)" }
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
      guard operation == .add || (operation == .subtract && !reversed) else { return nil }
      let shift = operation == .add ? delta.microseconds : -delta.microseconds
      guard let local = Int(exactly: Int128(local) + shift) else {
        throw .python(.overflow, "date value out of range")
      }
      return try .dateTime(local, zone)
    }
    guard operation == .subtract, !reversed, let other = other.object(DateTimeObject.self) else {
      return nil
    }
    if zone === other.zone { return try .timeDelta(Int128(local - other.local)) }
    if let a = utc, let b = other.utc { return try .timeDelta(Int128(a - b)) }
    guard utc == nil, other.utc == nil else {
      throw .typeError("can't subtract offset-naive and offset-aware datetimes")
    }
    return try .timeDelta(Int128(local - other.local))
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
    if let value = try zoneAttribute(text, moment) { return value }
    switch text {
    case "fold": return .int(fold)
    case "date":
      return .constant(
        text,
        .object(
          DateObject(day: CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay))
        )
      )
    case "time": return .constant(text, .object(TimeObject(moment.timeOfDay, nil, fold: fold)))
    case "timetz": return .constant(text, .object(TimeObject(moment.timeOfDay, zone, fold: fold)))
    case "isoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["sep", "timespec"])
        return .string(try self.isoFormat(arguments))
      }
    case "strftime": return strftimeMethod(moment)
    case "replace": return replaceMethod
    case "astimezone":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["tz"])
        return try .dateTime(utc: self.instant, in: timeZone(arguments.value(0)))
      }
    default: return try DateTimeClass().attribute(name, interpreter)
    }
  }

  private func zoneAttribute(
    _ name: String,
    _ moment: Moment
  )
    throws(TemplateError) -> Value?
  {
    switch name {
    case "tzinfo": return zone.map(Value.object) ?? Value.none
    case "utcoffset": return .constant(name, try .offset(zone?.offset))
    case "dst": return .constant(name, try .offset(zone?.daylight))
    case "tzname": return .constant(name, .text(zone?.abbreviation))
    case "timetuple":
      let daylight = zone == nil ? nil : zone?.daylight
      return .constant(name, moment.structTime(isDaylight: daylight.map { $0 == 0 ? 0 : 1 } ?? -1))
    case "utctimetuple":
      return .constant(name, Moment(local: utc ?? local).structTime(isDaylight: 0))
    case "timestamp":
      return .function(name) { arguments, interpreter throws(TemplateError) in
        _ = try CallArguments(name, arguments, [])
        if let utc = self.utc {
          return try interpreter.operate(.divide, .int(utc), .int(1_000_000))
        }
        let instant = self.instant
        let fraction = CalendarMath.floorModulo(instant, 1_000_000)
        return .float(Double((instant - fraction) / 1_000_000) + Double(fraction) / 1e6)
      }
    default: return nil
    }
  }

  private func isoFormat(_ arguments: CallArguments) throws(TemplateError) -> String {
    let separator = arguments[0] ?? .string("T")
    guard let text = separator.asString, text.unicodeScalars.count == 1 else {
      throw .typeError(
        "isoformat() argument 1 must be a unicode character, not \(separator.typeName)"
      )
    }
    return try isoText(separator: text, precision: timeSpecification(arguments, 1))
  }

  private var replaceMethod: Value {
    .function("replace") { arguments, _ throws(TemplateError) in
      let arguments = try CallArguments(
        "replace",
        arguments,
        ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
        positional: 8
      )
      var copy = self.moment
      try copy.setDate(arguments)
      try copy.setTime(arguments, from: 3)
      let zone = arguments[7] == nil ? self.zone : try timeZone(arguments.value(7))
      return try .dateTime(copy, zone, fold: SectoralPython.fold(arguments, 8, default: self.fold))
    }
  }

  /// Microseconds since 1970; naive times are the machine's.
  private var instant: Int {
    utc
      ?? CalendarMath.utc(fromLocal: CalendarMath.floorDivide(local, 1_000_000)) * 1_000_000
      + CalendarMath.floorModulo(local, 1_000_000)
  }
}

/// The `timespec` argument of `isoformat`.
func timeSpecification(_ arguments: CallArguments, _ index: Int) throws(TemplateError) -> String {
  guard let value = arguments[index] else { return "auto" }
  guard let text = value.asString else {
    throw .typeError(
      "isoformat() argument \(index + 1) must be str, not "
        + (value.isNone ? "None" : value.typeName)
    )
  }
  return text
}

extension Value {
  /// A `timedelta`, or none.
  static func offset(_ microseconds: Int?) throws(TemplateError) -> Value {
    guard let microseconds else { return .none }
    return try .timeDelta(Int128(microseconds))
  }
}
