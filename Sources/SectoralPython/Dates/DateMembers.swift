package import SectoralJinja

// What the types of the datetime module have in common.

func order<Number: Comparable>(_ a: Number, _ b: Number) -> Int { a == b ? 0 : a < b ? -1 : 1 }

func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
  guard !result.overflow else { throw .python(.overflow, "date value out of range") }
  return result.partialValue
}

/// The day, unless it lies outside of the years 1 to 9999; in the words of the constructors.
func checkedDay(_ day: Int) throws(TemplateError) -> Int {
  guard (CalendarMath.firstDay...CalendarMath.lastDay).contains(day) else {
    let year = day > 0 ? CalendarMath.date(ofDay: min(day, 1 << 40)).year : 0
    throw .valueError("year \(year) is out of range")
  }
  return day
}

/// A number of seconds since 1970, as microseconds; the nearest, of two the even one.
func timestamp(_ value: Value) throws(TemplateError) -> Int {
  switch value {
  case .bool(let bool): return bool ? 1_000_000 : 0
  case .int(let int):
    guard abs(int) < 1 << 43 else { throw .valueError("year is out of range") }
    return int * 1_000_000
  case .float(let double):
    guard double.isFinite else {
      throw double.isNaN
        ? .valueError("Invalid value NaN (not a number)")
        : .python(.overflow, "cannot convert float infinity to integer")
    }
    guard abs(double) < 0x1p43 else {
      throw double.magnitude < 0x1p56
        ? .valueError("year is out of range")
        : .python(.overflow, "timestamp out of range for platform time_t")
    }
    let whole = double.rounded(.towardZero)
    return Int(whole) * 1_000_000 + Int(((double - whole) * 1e6).rounded(.toNearestOrEven))
  case .bigInt: throw .python(.overflow, "timestamp out of range for platform time_t")
  default:
    throw .typeError("'\(value.typeName)' object cannot be interpreted as an integer")
  }
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
  case "ctime":
    return .constant(name, .string(moment.formatted("%a %b %e %T ") + padded(moment.year, 4)))
  case "isocalendar":
    let week = CalendarMath.isoWeek(moment.dayNumber)
    return .constant(
      name,
      .object(
        NamedTuple(
          "datetime.IsoCalendarDate",
          [
            ("year", .int(week.year)), ("week", .int(week.week)), ("weekday", .int(week.weekday)),
          ]
        )
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
  default: nil
  }
}

func strftimeMethod(_ moment: Moment) -> Value {
  .function("strftime") { arguments, _ throws(TemplateError) in
    let arguments = try CallArguments("strftime", arguments, ["format"], required: 1)
    guard let format = arguments.value(0).asString else {
      throw .typeError("strftime() argument 1 must be str, not \(arguments.value(0).typeName)")
    }
    return .string(moment.formatted(format))
  }
}

/// The moment that an ISO text names, for the `fromisoformat` of each type.
func isoMoment(
  _ function: String,
  _ arguments: Arguments,
  _ read: (String) -> Result<Moment, PythonValueError>?,
  _ interpreter: Interpreter
) throws(TemplateError) -> Moment {
  let value = try CallArguments(function, arguments, ["date_string"], required: 1).value(0)
  guard let text = value.asString else {
    throw .typeError("fromisoformat: argument must be str")
  }
  switch read(text) {
  case .success(let moment)?: return moment
  case .failure(let error)?: throw .valueError(error.message)
  case nil:
    throw .valueError("Invalid isoformat string: \(try interpreter.repr(value))")
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

  /// Takes year, month and day from the first three arguments.
  mutating func setDate(_ arguments: CallArguments) throws(TemplateError) {
    year = try arguments.smallInt(0, default: year)
    month = try arguments.smallInt(1, default: month)
    day = try arguments.smallInt(2, default: day)
  }

  /// Takes hour, minute, second and microsecond from the arguments that begin at `first`.
  mutating func setTime(_ arguments: CallArguments, from first: Int) throws(TemplateError) {
    hour = try arguments.smallInt(first, default: hour)
    minute = try arguments.smallInt(first + 1, default: minute)
    second = try arguments.smallInt(first + 2, default: second)
    microsecond = try arguments.smallInt(first + 3, default: microsecond)
  }

  /// `zone`: What the moment's zone says of itself.
  mutating func setZone(_ zone: TimeZoneObject?) {
    guard let offset = zone?.offset else {
      zoneName = zone?.abbreviation
      return
    }
    self.offset = offset / 1_000_000
    offsetFraction = offset % 1_000_000
    zoneName = zone?.abbreviation
  }

  /// The zone of a moment that was read from text.
  package var zone: TimeZoneObject? {
    offset.map { FixedZone(seconds: $0, microseconds: offsetFraction, name: zoneName) }
  }

  /// Python's `struct_time`.
  func structTime(isDaylight: Int) -> Value {
    let names = [
      "tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday",
      "tm_isdst",
    ]
    let values = [
      year, month, day, hour, minute, second, CalendarMath.weekday(dayNumber),
      dayNumber - CalendarMath.day(year, 1, 1) + 1, isDaylight,
    ]
    return .object(
      NamedTuple("time.struct_time", zip(names, values).map { ($0.0, .int($0.1)) })
    )
  }
}

/// The `fold` argument: 0 or 1.
func fold(
  _ arguments: CallArguments,
  _ index: Int,
  default fallback: Int
) throws(TemplateError)
  -> Int
{
  let fold = try arguments.smallInt(index, default: fallback)
  guard fold == 0 || fold == 1 else { throw .valueError("fold must be either 0 or 1") }
  return fold
}

extension Value {
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

  /// The result of arithmetic; an error beyond the years 1 to 9999.
  static func dateTime(_ local: Int, _ zone: TimeZoneObject?) throws(TemplateError) -> Value {
    let day = CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay)
    guard (CalendarMath.firstDay...CalendarMath.lastDay).contains(day) else {
      throw .python(.overflow, "date value out of range")
    }
    return .object(DateTimeObject(local: local, zone: zone))
  }

  static func dateTime(
    _ moment: Moment,
    _ zone: TimeZoneObject?,
    fold: Int = 0
  ) throws(TemplateError) -> Value {
    try moment.verify()
    return .object(DateTimeObject(local: moment.local, zone: zone, fold: fold))
  }

  /// `zone`: nil: the machine's own, as a constant offset.
  static func dateTime(utc: Int, in zone: TimeZoneObject?) throws(TemplateError) -> Value {
    if let zone {
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
    return .object(DateTimeObject(local: moment.local, zone: moment.zone))
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
}
