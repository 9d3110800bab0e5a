package import SectoralJinja

/// Python's `date`.
package final class DateObject: Object {
  /// Days since 1970-01-01.
  package let day: Int

  package init(day: Int) {
    self.day = day
    super.init()
  }

  package var moment: Moment { Moment(local: day * CalendarMath.microsecondsPerDay) }

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
      let days = delta.days
      switch operation {
      case .add: return try .date(day + days)
      case .subtract where !reversed: return try .date(day - days)
      default: return nil
      }
    }
    if operation == .subtract, !reversed, let date = other.object(DateObject.self) {
      return try .timeDelta(Int128((day - date.day) * CalendarMath.microsecondsPerDay))
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
    let moment = moment
    if let value = calendarAttribute(text, moment) { return value }
    switch text {
    case "isoformat": return .constant(text, .string(isoText))
    case "strftime": return strftimeMethod(moment)
    case "timetuple": return .constant(text, moment.structTime(isDaylight: -1))
    case "replace":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["year", "month", "day"])
        var copy = moment
        try copy.setDate(arguments)
        return try .date(copy)
      }
    default: return try DateClass().attribute(name, interpreter)
    }
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
    var moment = Moment()
    try moment.setDate(
      CallArguments("date", arguments, ["year", "month", "day"], required: 3)
    )
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
    case "resolution": return try .timeDelta(Int128(CalendarMath.microsecondsPerDay))
    case "today":
      return .function(text) { arguments, _ throws(TemplateError) in
        _ = try CallArguments(text, arguments, [])
        return try Self.localDate(CalendarMath.now())
      }
    case "fromisoformat":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let moment = try isoMoment(text, arguments, ISOFormat.date, interpreter)
        return try .date(moment)
      }
    case "fromordinal":
      return .function(text) { arguments, _ throws(TemplateError) in
        try .date(Self.day(ofOrdinal: arguments))
      }
    case "fromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let value = try CallArguments(text, arguments, ["timestamp"], required: 1).value(0)
        return try Self.localDate(timestamp(value))
      }
    case "fromisocalendar":
      return .function(text) { arguments, _ throws(TemplateError) in
        try .date(Self.day(ofISOCalendar: arguments))
      }
    default: return try super.attribute(name, interpreter)
    }
  }

  private static func localDate(_ utc: Int) throws(TemplateError) -> Value {
    let offset = CalendarMath.localOffset(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    let day = CalendarMath.floorDivide(
      utc + offset.seconds * 1_000_000,
      CalendarMath.microsecondsPerDay
    )
    return .object(DateObject(day: try checkedDay(day)))
  }

  static func day(ofOrdinal arguments: Arguments) throws(TemplateError) -> Int {
    let ordinal = try CallArguments("fromordinal", arguments, ["ordinal"], required: 1).smallInt(0)
    guard ordinal >= 1 else { throw .valueError("ordinal must be >= 1") }
    return try checkedDay(ordinal + CalendarMath.firstDay - 1)
  }

  static func day(ofISOCalendar arguments: Arguments) throws(TemplateError) -> Int {
    let arguments = try CallArguments(
      "fromisocalendar",
      arguments,
      ["year", "week", "day"],
      required: 3
    )
    let (year, week, day) = (
      try arguments.smallInt(0), try arguments.smallInt(1), try arguments.smallInt(2)
    )
    guard (1...9999).contains(year) else { throw .valueError("Year is out of range: \(year)") }
    guard week >= 1, week <= CalendarMath.weeks(inISOYear: year) else {
      throw .valueError("Invalid week: \(week)")
    }
    guard (1...7).contains(day) else {
      throw .valueError("Invalid weekday: \(day) (range is [1, 7])")
    }
    return try checkedDay(CalendarMath.day(isoYear: year, week: week, weekday: day))
  }
}
