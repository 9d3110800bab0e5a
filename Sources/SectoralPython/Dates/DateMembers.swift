package import SectoralJinja

func order(_ a: Int, _ b: Int) -> Int { a == b ? 0 : a < b ? -1 : 1 }

func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
  guard !result.overflow else { throw .python(.overflow, "date value out of range") }
  return result.partialValue
}

func roundHalfEven(_ double: Double) -> Int { Int(double.rounded(.toNearestOrEven)) }

func micros(_ double: Double) throws(TemplateError) -> Int {
  guard abs(double) < 9e18 else { throw .python(.overflow, "date value out of range") }
  return roundHalfEven(double)
}

func calendarAttribute(_ name: String, _ moment: Moment) -> Value? {
  switch name {
  case "year": return .int(moment.year)
  case "month": return .int(moment.month)
  case "day": return .int(moment.day)
  case "weekday": return .constant(name, .int(CalendarMath.weekday(moment.dayNumber)))
  case "isoweekday": return .constant(name, .int(CalendarMath.weekday(moment.dayNumber) + 1))
  case "toordinal":
    return .constant(name, .int(moment.dayNumber - CalendarMath.firstDay + 1))
  case "isocalendar":
    let week = CalendarMath.isoWeek(moment.dayNumber)
    return .constant(name, .tuple([.int(week.year), .int(week.week), .int(week.weekday)]))
  case "timetuple", "utctimetuple":
    let dayOfYear = moment.dayNumber - CalendarMath.day(moment.year, 1, 1) + 1
    return .constant(
      name,
      .tuple(
        [
          moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second,
          CalendarMath.weekday(moment.dayNumber), dayOfYear, -1,
        ].map(Value.int)
      )
    )
  default: return nil
  }
}

func clockAttribute(_ name: String, _ moment: Moment) -> Value? {
  switch name {
  case "hour": .int(moment.hour)
  case "minute": .int(moment.minute)
  case "second": .int(moment.second)
  case "microsecond": .int(moment.microsecond)
  case "fold": .int(0)
  default: nil
  }
}

func timeZone(_ value: Value) throws(TemplateError) -> TimeZoneObject? {
  if value.isNone { return nil }
  guard let zone = value.object(TimeZoneObject.self) else {
    throw .typeError(
      "tzinfo argument must be None or of a tzinfo subclass, not type '\(value.typeName)'"
    )
  }
  return zone
}

extension Moment {
  func verify() throws(TemplateError) {
    do throws(PythonValueError) { try check() } catch { throw .valueError(error.message) }
  }
}

extension Value {
  static func timeDelta(_ microseconds: Int) -> Value {
    .object(TimeDeltaObject(microseconds: microseconds))
  }
  static func timeDelta(seconds: Int) -> Value { timeDelta(seconds * 1_000_000) }

  /// A date by its day since 1970; an error beyond the years 1 to 9999.
  package static func date(_ day: Int) throws(TemplateError) -> Value {
    guard (CalendarMath.firstDay...CalendarMath.lastDay).contains(day) else {
      throw .python(.overflow, "date value out of range")
    }
    return .object(DateObject(day: day))
  }

  static func date(_ moment: Moment) throws(TemplateError) -> Value {
    try moment.verify()
    return .object(DateObject(day: moment.dayNumber))
  }

  static func dateTime(_ local: Int, _ zone: TimeZoneObject?) throws(TemplateError) -> Value {
    let day = CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay)
    guard (CalendarMath.firstDay...CalendarMath.lastDay).contains(day) else {
      throw .python(.overflow, "date value out of range")
    }
    return .object(DateTimeObject(local: local, zone: zone))
  }

  static func dateTime(_ moment: Moment, _ zone: TimeZoneObject?) throws(TemplateError) -> Value {
    try moment.verify()
    return .object(DateTimeObject(local: moment.local, zone: zone))
  }

  /// `zone`: nil: the machine's own, as a constant offset.
  static func dateTime(utc: Int, in zone: Value?) throws(TemplateError) -> Value {
    if let zone, let zone = try timeZone(zone) {
      let (local, result) = zone.fromUTC(utc)
      return try dateTime(local, result)
    }
    let offset = CalendarMath.localOffset(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    return try dateTime(
      utc + offset.seconds * 1_000_000,
      FixedZone(seconds: offset.seconds, name: offset.name)
    )
  }

  /// A date, datetime or text from the ISO text of a `Datum.date`.
  package static func isoDate(_ text: String) -> Value {
    if text.utf8.count == 10, case .success(let moment)? = ISOFormat.date(text) {
      return .object(DateObject(day: moment.dayNumber))
    }
    guard case .success(let moment)? = ISOFormat.dateTime(text) else { return .string(text) }
    let zone = moment.offset.map { FixedZone(seconds: $0) }
    return .object(DateTimeObject(local: moment.local, zone: zone))
  }
}

/// A class of the datetime module: called it makes an instance, and its methods may be called with
/// the instance as the first argument.
class DateTypeClass: PythonObject {
  var name: String { "" }
  override var typeName: String { "type" }
  override var isCallable: Bool { true }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class 'datetime.\(name)'>"
  }
  override func isEqual(to other: Value) -> Bool {
    other.object(DateTypeClass.self).map { $0.name == name } ?? false
  }
  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(name)
    return true
  }

  /// Names of methods that instances have.
  var methods: Set<String> { [] }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard methods.contains(name.name) else { return nil }
    let owner = self.name
    return .function(name.name) { arguments, interpreter throws(TemplateError) in
      guard let instance = arguments.positional.first else {
        throw .typeError("unbound method \(owner).\(name.name)() needs an argument")
      }
      return try interpreter.call(
        interpreter.attribute(name, of: instance),
        Arguments(Array(arguments.positional.dropFirst()), keyword: arguments.keyword)
      )
    }
  }

  /// A number of seconds since 1970, as microseconds.
  func timestamp(_ value: Value) throws(TemplateError) -> Int {
    if let int = value.pythonInt, abs(int) < 1 << 40 { return int * 1_000_000 }
    if case .float(let double) = value { return try micros(double * 1e6) }
    if let decimal = value.object(DecimalObject.self) {
      return try micros(decimal.value.double * 1e6)
    }
    throw .typeError("'\(value.typeName)' object cannot be interpreted as an integer")
  }
}
