package import SectoralJinja

/// Python's `timedelta`.
package final class TimeDeltaObject: Object {
  package let microseconds: Int

  package init(microseconds: Int) {
    self.microseconds = microseconds
    super.init()
  }

  private var days: Int {
    CalendarMath.floorDivide(microseconds, CalendarMath.microsecondsPerDay)
  }
  private var secondsOfDay: Int {
    (microseconds - days * CalendarMath.microsecondsPerDay) / 1_000_000
  }
  private var fraction: Int { CalendarMath.floorModulo(microseconds, 1_000_000) }

  package override var typeName: String { "datetime.timedelta" }
  package override var isTrue: Bool { microseconds != 0 }

  var text: String {
    let seconds = secondsOfDay
    var text = "\(seconds / 3600):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if fraction != 0 { text += "." + padded(fraction, 6) }
    return days == 0 ? text : "\(days) day\(abs(days) == 1 ? "" : "s"), " + text
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { text }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let parts = [("days", days), ("seconds", secondsOfDay), ("microseconds", fraction)]
      .filter { $0.1 != 0 }.map { "\($0.0)=\($0.1)" }
    return "datetime.timedelta(\(parts.isEmpty ? "0" : parts.joined(separator: ", ")))"
  }

  package override func isEqual(to other: Value) -> Bool {
    other.object(TimeDeltaObject.self)?.microseconds == microseconds
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(microseconds)
    return true
  }

  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    other.object(TimeDeltaObject.self).map { order(microseconds, $0.microseconds) }
  }

  package override func negated(_ interpreter: Interpreter) throws(TemplateError) -> Value? {
    .timeDelta(-microseconds)
  }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let delta = other.object(TimeDeltaObject.self) {
      let (left, right) =
        reversed ? (delta.microseconds, microseconds) : (microseconds, delta.microseconds)
      if [.divide, .floorDivide, .modulo].contains(operation), right == 0 {
        throw .python(.zeroDivision, "integer division or modulo by zero")
      }
      switch operation {
      case .add: return try .timeDelta(checked(left.addingReportingOverflow(right)))
      case .subtract: return try .timeDelta(checked(left.subtractingReportingOverflow(right)))
      case .divide: return .float(Double(left) / Double(right))
      case .floorDivide: return .int(CalendarMath.floorDivide(left, right))
      case .modulo: return .timeDelta(CalendarMath.floorModulo(left, right))
      default: return nil
      }
    }
    if let int = other.pythonInt {
      switch operation {
      case .multiply:
        return try .timeDelta(checked(microseconds.multipliedReportingOverflow(by: int)))
      case .divide where !reversed:
        guard int != 0 else { throw .python(.zeroDivision, "division by zero") }
        return .timeDelta(roundHalfEven(Double(microseconds) / Double(int)))
      case .floorDivide where !reversed:
        guard int != 0 else { throw .python(.zeroDivision, "integer division or modulo by zero") }
        return .timeDelta(CalendarMath.floorDivide(microseconds, int))
      default: return nil
      }
    }
    if case .float(let double) = other {
      switch operation {
      case .multiply: return try .timeDelta(micros(Double(microseconds) * double))
      case .divide where !reversed:
        guard double != 0 else { throw .python(.zeroDivision, "division by zero") }
        return try .timeDelta(micros(Double(microseconds) / double))
      default: return nil
      }
    }
    return nil
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "days": return .int(days)
    case "seconds": return .int(secondsOfDay)
    case "microseconds": return .int(fraction)
    case "total_seconds": return .constant("total_seconds", .float(Double(microseconds) / 1e6))
    default: return nil
    }
  }

  package override var numericValue: Value? { nil }
}

private func order(_ a: Int, _ b: Int) -> Int { a == b ? 0 : a < b ? -1 : 1 }

private func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
  guard !result.overflow else { throw .python(.overflow, "date value out of range") }
  return result.partialValue
}

private func roundHalfEven(_ double: Double) -> Int { Int(double.rounded(.toNearestOrEven)) }

private func micros(_ double: Double) throws(TemplateError) -> Int {
  guard abs(double) < 9e18 else { throw .python(.overflow, "date value out of range") }
  return roundHalfEven(double)
}

/// Python's `date`.
package final class DateObject: Object {
  /// Days since 1970-01-01.
  package let day: Int

  package init(day: Int) {
    self.day = day
    super.init()
  }

  var moment: Moment { Moment(local: day * CalendarMath.microsecondsPerDay) }

  package override var typeName: String { "datetime.date" }
  /// `2024-01-02`.
  package var isoText: String { moment.isoDate }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    isoText
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let moment = moment
    return "datetime.date(\(moment.year), \(moment.month), \(moment.day))"
  }
  package override func isEqual(to other: Value) -> Bool {
    other.object(DateObject.self)?.day == day
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(day)
    return true
  }
  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  {
    if other.object(DateTimeObject.self) != nil {
      throw .typeError("can't compare datetime.datetime to datetime.date")
    }
    return other.object(DateObject.self).map { order(day, $0.day) }
  }
  package override func formatted(
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String?
  { specification.isEmpty ? isoText : moment.formatted(specification) }

  package override func operate(
    _ operation: BinaryOperator,
    _ other: Value,
    reversed: Bool,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let delta = other.object(TimeDeltaObject.self) {
      let days = CalendarMath.floorDivide(delta.microseconds, CalendarMath.microsecondsPerDay)
      switch operation {
      case .add: return try .date(day + days)
      case .subtract where !reversed: return try .date(day - days)
      default: return nil
      }
    }
    if operation == .subtract, !reversed, let date = other.object(DateObject.self) {
      return .timeDelta((day - date.day) * CalendarMath.microsecondsPerDay)
    }
    return nil
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    let text = name.name
    if let value = calendarAttribute(text, moment) { return value }
    switch text {
    case "isoformat": return .constant(text, .string(isoText))
    case "ctime": return .constant(text, .string(moment.formatted("%c")))
    case "strftime":
      let moment = moment
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["format"], required: 1)
        return .string(moment.formatted(try arguments.string(0)))
      }
    case "replace":
      let moment = moment
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["year", "month", "day"])
        var copy = moment
        copy.year = try arguments.int(0, default: copy.year)
        copy.month = try arguments.int(1, default: copy.month)
        copy.day = try arguments.int(2, default: copy.day)
        return try .date(copy)
      }
    default: return try DateClass().attribute(name, interpreter)
    }
  }
}

/// Python's `datetime`.
package final class DateTimeObject: Object {
  /// Microseconds since 1970-01-01 00:00 on the wall clock of the zone.
  package let local: Int
  let zone: TimeZoneObject?

  init(local: Int, zone: TimeZoneObject?) {
    self.local = local
    self.zone = zone
    super.init()
  }

  /// nil: naive, or a zone that knows no offset.
  var utc: Int? { zone?.offset.map { local - $0 * 1_000_000 } }

  var moment: Moment {
    var moment = Moment(local: local)
    moment.offset = zone?.offset
    moment.zoneName = zone?.abbreviation
    return moment
  }

  func isoText(
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

/// Python's `time`.
package final class TimeObject: Object {
  let microseconds: Int
  let zone: TimeZoneObject?

  init(_ microseconds: Int, _ zone: TimeZoneObject?) {
    self.microseconds = microseconds
    self.zone = zone
    super.init()
  }

  var moment: Moment {
    var moment = Moment(local: microseconds)
    moment.year = 1900
    moment.offset = zone?.offset
    moment.zoneName = zone?.abbreviation
    return moment
  }

  private func isoText(_ precision: String = "auto") throws(TemplateError) -> String {
    guard let time = moment.isoTime(precision) else {
      throw .valueError("Unknown timespec value")
    }
    return time + (zone?.offset.map { Moment.isoOffset($0) } ?? "")
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
    return "datetime.time(\(text))"
  }
  package override func isEqual(to other: Value) -> Bool {
    other.object(TimeObject.self)?.microseconds == microseconds
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(microseconds)
    return true
  }
  package override func compare(
    to other: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Int?
  { other.object(TimeObject.self).map { order(microseconds, $0.microseconds) } }
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
    case "tzinfo": return zone.map(Value.object) ?? Value.none
    case "utcoffset":
      return .constant(text, zone?.offset.map { .timeDelta(seconds: $0) } ?? .none)
    case "tzname": return .constant(text, .text(zone?.abbreviation))
    case "isoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timespec"])
        return .string(try self.isoText(try arguments.optionalString(0) ?? "auto"))
      }
    case "strftime":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["format"], required: 1)
        return .string(moment.formatted(try arguments.string(0)))
      }
    case "replace":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(
          text,
          arguments,
          ["hour", "minute", "second", "microsecond", "tzinfo", "fold"]
        )
        var copy = moment
        copy.hour = try arguments.int(0, default: copy.hour)
        copy.minute = try arguments.int(1, default: copy.minute)
        copy.second = try arguments.int(2, default: copy.second)
        copy.microsecond = try arguments.int(3, default: copy.microsecond)
        try copy.verify()
        let zone = arguments[4] == nil ? self.zone : try timeZone(arguments.value(4))
        return .object(TimeObject(copy.timeOfDay, zone))
      }
    default: return nil
    }
  }
}

// MARK: Shared members

private func calendarAttribute(_ name: String, _ moment: Moment) -> Value? {
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

private func clockAttribute(_ name: String, _ moment: Moment) -> Value? {
  switch name {
  case "hour": .int(moment.hour)
  case "minute": .int(moment.minute)
  case "second": .int(moment.second)
  case "microsecond": .int(moment.microsecond)
  case "fold": .int(0)
  default: nil
  }
}

private func timeZone(_ value: Value) throws(TemplateError) -> TimeZoneObject? {
  if value.isNone { return nil }
  guard let zone = value.object(TimeZoneObject.self) else {
    throw .typeError(
      "tzinfo argument must be None or of a tzinfo subclass, not type '\(value.typeName)'"
    )
  }
  return zone
}

extension Moment {
  fileprivate func verify() throws(TemplateError) {
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

  fileprivate static func date(_ moment: Moment) throws(TemplateError) -> Value {
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
  static func isoDate(_ text: String) -> Value {
    if text.utf8.count == 10, case .success(let moment)? = ISOFormat.date(text) {
      return .object(DateObject(day: moment.dayNumber))
    }
    guard case .success(let moment)? = ISOFormat.dateTime(text) else { return .string(text) }
    let zone = moment.offset.map { FixedZone(seconds: $0) }
    return .object(DateTimeObject(local: moment.local, zone: zone))
  }
}

// MARK: Classes

/// A class of the datetime module: called it makes an instance, and its methods may be called with
/// the instance as the first argument.
class DateTypeClass: ContextObject {
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

final class DateClass: DateTypeClass {
  override var name: String { "date" }
  override var methods: Set<String> {
    [
      "isoformat", "strftime", "replace", "weekday", "isoweekday", "toordinal", "isocalendar",
      "ctime", "timetuple",
    ]
  }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments("date", arguments, ["year", "month", "day"], required: 3)
    var moment = Moment()
    moment.year = try arguments.int(0)
    moment.month = try arguments.int(1)
    moment.day = try arguments.int(2)
    return try .date(moment)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "min": return try .date(CalendarMath.firstDay)
    case "max": return try .date(CalendarMath.lastDay)
    case "resolution": return .timeDelta(CalendarMath.microsecondsPerDay)
    case "today":
      return .function(text) { _, _ throws(TemplateError) in
        guard
          let now = try Value.dateTime(utc: CalendarMath.now(), in: nil).object(
            DateTimeObject.self
          )
        else { return .none }
        return try .date(now.moment)
      }
    case "fromisoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let text = try CallArguments(text, arguments, ["date_string"], required: 1).string(0)
        switch ISOFormat.date(text) {
        case .success(let moment)?: return try .date(moment)
        case .failure(let error)?: throw .valueError(error.message)
        case nil: throw .valueError("Invalid isoformat string: '\(text)'")
        }
      }
    case "fromordinal":
      return .function(text) { arguments, _ throws(TemplateError) in
        let ordinal = try CallArguments(text, arguments, ["ordinal"], required: 1).int(0)
        guard ordinal >= 1 else { throw .valueError("ordinal must be >= 1") }
        return try .date(min(ordinal, 1 << 40) + CalendarMath.firstDay - 1)
      }
    case "fromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let value = try CallArguments(text, arguments, ["timestamp"], required: 1).value(0)
        let utc = try self.timestamp(value)
        guard let time = try Value.dateTime(utc: utc, in: nil).object(DateTimeObject.self) else {
          return .none
        }
        return try .date(time.moment)
      }
    case "fromisocalendar":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["year", "week", "day"], required: 3)
        let (year, week, day) = (
          try arguments.int(0), try arguments.int(1), try arguments.int(2)
        )
        guard (1...9999).contains(year) else {
          throw .valueError("Year is out of range: \(year)")
        }
        guard (1...53).contains(week) else { throw .valueError("Invalid week: \(week)") }
        guard (1...7).contains(day) else {
          throw .valueError("Invalid weekday: \(day) (range is [1, 7])")
        }
        return try .date(CalendarMath.day(isoYear: year, week: week, weekday: day))
      }
    default: return try super.attribute(name, interpreter)
    }
  }
}

final class DateTimeClass: DateTypeClass {
  override var name: String { "datetime" }
  override var methods: Set<String> {
    [
      "isoformat", "strftime", "replace", "weekday", "isoweekday", "toordinal", "isocalendar",
      "ctime", "timetuple", "date", "time", "timetz", "timestamp", "astimezone", "utcoffset",
      "tzname", "dst",
    ]
  }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments(
      "datetime",
      arguments,
      ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
      required: 3
    )
    var moment = Moment()
    moment.year = try arguments.int(0)
    moment.month = try arguments.int(1)
    moment.day = try arguments.int(2)
    moment.hour = try arguments.int(3)
    moment.minute = try arguments.int(4)
    moment.second = try arguments.int(5)
    moment.microsecond = try arguments.int(6)
    return try .dateTime(moment, timeZone(arguments.value(7)))
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "min": return try .dateTime(CalendarMath.firstDay * CalendarMath.microsecondsPerDay, nil)
    case "max":
      return try .dateTime((CalendarMath.lastDay + 1) * CalendarMath.microsecondsPerDay - 1, nil)
    case "resolution": return .timeDelta(1)
    case "now", "today":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["tz"])
        return try Self.instant(CalendarMath.now(), in: arguments.optional(0))
      }
    case "utcnow":
      return .function(text) { _, _ throws(TemplateError) in
        try .dateTime(CalendarMath.now(), nil)
      }
    case "fromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timestamp", "tz"], required: 1)
        return try Self.instant(self.timestamp(arguments.value(0)), in: arguments.optional(1))
      }
    case "utcfromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timestamp"], required: 1)
        return try .dateTime(self.timestamp(arguments.value(0)), nil)
      }
    case "strptime":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        try Self.strptime(arguments, interpreter)
      }
    case "fromisoformat":
      return .function(text) { arguments, _ throws(TemplateError) in
        let text = try CallArguments(text, arguments, ["date_string"], required: 1).string(0)
        switch ISOFormat.dateTime(text) {
        case .success(let moment)?:
          return try .dateTime(moment, moment.offset.map { FixedZone(seconds: $0) })
        case .failure(let error)?: throw .valueError(error.message)
        case nil: throw .valueError("Invalid isoformat string: '\(text)'")
        }
      }
    case "combine":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["date", "time", "tzinfo"], required: 2)
        guard let time = arguments.value(1).object(TimeObject.self) else {
          throw .typeError(
            "combine() argument 2 must be datetime.time, not \(arguments.value(1).typeName)"
          )
        }
        let day: Int
        if let date = arguments.value(0).object(DateObject.self) {
          day = date.day
        } else if let date = arguments.value(0).object(DateTimeObject.self) {
          day = date.moment.dayNumber
        } else {
          throw .typeError(
            "combine() argument 1 must be datetime.date, not \(arguments.value(0).typeName)"
          )
        }
        let zone = arguments[2] == nil ? time.zone : try timeZone(arguments.value(2))
        return try .dateTime(day * CalendarMath.microsecondsPerDay + time.microseconds, zone)
      }
    case "fromordinal":
      return .function(text) { arguments, _ throws(TemplateError) in
        let ordinal = try CallArguments(text, arguments, ["ordinal"], required: 1).int(0)
        guard ordinal >= 1 else { throw .valueError("ordinal must be >= 1") }
        let day = min(ordinal, 10_000_000) + CalendarMath.firstDay - 1
        return try .dateTime(day * CalendarMath.microsecondsPerDay, nil)
      }
    default: return try super.attribute(name, interpreter)
    }
  }

  /// Naive local time without a zone, aware time with one.
  private static func instant(_ utc: Int, in zone: Value?) throws(TemplateError) -> Value {
    if let zone { return try .dateTime(utc: utc, in: zone) }
    let offset = CalendarMath.localOffset(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    return try .dateTime(utc + offset.seconds * 1_000_000, nil)
  }

  private static func strptime(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let bound = try arguments.bound("strptime", ["date_string", "format"], required: 2)
    for (index, value) in bound.enumerated() where value?.asString == nil {
      throw .typeError(
        "strptime() argument \(index + 1) must be str, not \(value?.typeName ?? "None")"
      )
    }
    let text = bound[0]?.asString ?? ""
    let format = bound[1]?.asString ?? ""
    do throws(DateParser.Failure) {
      let moment = try DateParser.parse(text, format)
      return .object(
        DateTimeObject(local: moment.local, zone: moment.offset.map { FixedZone(seconds: $0) })
      )
    } catch {
      switch error {
      case .mismatch:
        throw .valueError(
          "time data \(try interpreter.repr(.string(text))) does not match format "
            + (try interpreter.repr(.string(format)))
        )
      case .badDirective(let letter):
        throw .valueError(
          letter == "%"
            ? "stray %% in format '\(format)'"
            : "'\(letter)' is a bad directive in format '\(format)'"
        )
      case .unconverted(let rest): throw .valueError("unconverted data remains: \(rest)")
      case .outOfRange(let message): throw .valueError(message)
      }
    }
  }
}

final class TimeClass: DateTypeClass {
  override var name: String { "time" }
  override var methods: Set<String> { ["isoformat", "strftime", "replace"] }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let arguments = try CallArguments(
      "time",
      arguments,
      ["hour", "minute", "second", "microsecond", "tzinfo", "fold"]
    )
    var moment = Moment()
    moment.hour = try arguments.int(0)
    moment.minute = try arguments.int(1)
    moment.second = try arguments.int(2)
    moment.microsecond = try arguments.int(3)
    try moment.verify()
    return .object(TimeObject(moment.timeOfDay, try timeZone(arguments.value(4))))
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
    case "fromisoformat":
      return .function("fromisoformat") { arguments, _ throws(TemplateError) in
        let text = try CallArguments("fromisoformat", arguments, ["time_string"], required: 1)
          .string(0)
        switch ISOFormat.time(text) {
        case .success(let moment)?:
          return .object(
            TimeObject(moment.timeOfDay, moment.offset.map { FixedZone(seconds: $0) })
          )
        case .failure(let error)?: throw .valueError(error.message)
        case nil: throw .valueError("Invalid isoformat string: '\(text)'")
        }
      }
    default: return try super.attribute(name, interpreter)
    }
  }
}

final class TimeDeltaClass: DateTypeClass {
  override var name: String { "timedelta" }
  override var methods: Set<String> { ["total_seconds"] }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let units = [
      CalendarMath.microsecondsPerDay, 1_000_000, 1, 1000, 60_000_000, 3_600_000_000,
      7 * CalendarMath.microsecondsPerDay,
    ]
    let names = [
      "days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks",
    ]
    let arguments = try CallArguments("timedelta", arguments, names)
    var whole = 0
    var rest = 0.0
    for (index, unit) in units.enumerated() {
      guard let value = arguments[index] else { continue }
      if let int = value.pythonInt {
        whole = try checked(
          whole.addingReportingOverflow(checked(int.multipliedReportingOverflow(by: unit)))
        )
      } else if case .float(let double) = value {
        rest += double * Double(unit)
      } else {
        throw .typeError(
          "unsupported type for timedelta \(names[index]) component: \(value.typeName)"
        )
      }
    }
    return try .timeDelta(checked(whole.addingReportingOverflow(micros(rest))))
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "min": .timeDelta(-999_999_999 * 1_000_000)
    case "resolution": .timeDelta(1)
    default: try super.attribute(name, interpreter)
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
