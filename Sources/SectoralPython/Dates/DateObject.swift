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
