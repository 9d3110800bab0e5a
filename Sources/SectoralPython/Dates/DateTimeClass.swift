import SectoralJinja

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
      required: 3,
      positional: 8
    )
    var moment = Moment()
    try moment.setDate(arguments)
    try moment.setTime(arguments, from: 3)
    return try .dateTime(
      moment,
      timeZone(arguments.value(7)),
      fold: fold(arguments, 8, default: 0)
    )
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
    case "resolution": return try .timeDelta(1)
    case "now":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["tz"])
        return try Self.instant(CalendarMath.now(), in: timeZone(arguments.value(0)))
      }
    case "today":
      return .function(text) { arguments, _ throws(TemplateError) in
        _ = try CallArguments(text, arguments, [])
        return try Self.instant(CalendarMath.now(), in: nil)
      }
    case "utcnow":
      return .function(text) { arguments, _ throws(TemplateError) in
        _ = try CallArguments(text, arguments, [])
        return try .dateTime(CalendarMath.now(), nil)
      }
    case "fromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timestamp", "tz"], required: 1)
        let zone = try timeZone(arguments.value(1))
        return try Self.instant(Self.checked(timestamp(arguments.value(0))), in: zone)
      }
    case "utcfromtimestamp":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["timestamp"], required: 1)
        return try .dateTime(Self.checked(timestamp(arguments.value(0))), nil)
      }
    case "strptime":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        try Self.strptime(arguments, interpreter)
      }
    case "fromisoformat":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let moment = try isoMoment(text, arguments, ISOFormat.dateTime, interpreter)
        return try .dateTime(moment, moment.zone)
      }
    case "combine":
      return .function(text) { arguments, _ throws(TemplateError) in
        try Self.combine(CallArguments(text, arguments, ["date", "time", "tzinfo"], required: 2))
      }
    case "fromordinal":
      return .function(text) { arguments, _ throws(TemplateError) in
        try .dateTime(DateClass.day(ofOrdinal: arguments) * CalendarMath.microsecondsPerDay, nil)
      }
    case "fromisocalendar":
      return .function(text) { arguments, _ throws(TemplateError) in
        let day = try DateClass.day(ofISOCalendar: arguments)
        return try .dateTime(day * CalendarMath.microsecondsPerDay, nil)
      }
    default: return try super.attribute(name, interpreter)
    }
  }

  private static func checked(_ utc: Int) throws(TemplateError) -> Int {
    _ = try checkedDay(CalendarMath.floorDivide(utc, CalendarMath.microsecondsPerDay))
    return utc
  }

  private static func combine(_ arguments: CallArguments) throws(TemplateError) -> Value {
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
    let local = day * CalendarMath.microsecondsPerDay + time.microseconds
    return .object(DateTimeObject(local: local, zone: zone, fold: time.fold))
  }

  /// Naive local time without a zone, aware time with one.
  private static func instant(
    _ utc: Int,
    in zone: TimeZoneObject?
  ) throws(TemplateError)
    -> Value
  {
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
    guard arguments.keyword.isEmpty else {
      throw .typeError("datetime.strptime() takes no keyword arguments")
    }
    let bound = try arguments.bound("strptime", ["date_string", "format"], required: 2)
    var texts: [String] = []
    for (index, value) in bound.enumerated() {
      guard let text = value?.asString else {
        throw .typeError(
          "strptime() argument \(index + 1) must be str, not \(value?.typeName ?? "None")"
        )
      }
      texts.append(text)
    }
    let moment: Moment
    do throws(DateParser.Failure) {
      moment = try DateParser.parse(texts[0], texts[1])
    } catch {
      throw try error.templateError(text: texts[0], format: texts[1], interpreter)
    }
    return try .dateTime(moment, moment.zone)
  }
}

extension DateParser.Failure {
  fileprivate func templateError(
    text: String,
    format: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> TemplateError {
    switch self {
    case .mismatch:
      .valueError(
        "time data \(try interpreter.repr(.string(text))) does not match format "
          + (try interpreter.repr(.string(format)))
      )
    case .badDirective(let letter):
      .valueError("'\(letter)' is a bad directive in format '\(format)'")
    case .strayPercent: .valueError("stray %% in format '\(format)'")
    case .repeatedDirective(let letter):
      .python(
        .regularExpression,
        "redefinition of group name '\(letter)': '%\(letter)' may stand once in a format"
      )
    case .unconverted(let rest): .valueError("unconverted data remains: \(rest)")
    case .invalid(let message): .valueError(message)
    }
  }
}
