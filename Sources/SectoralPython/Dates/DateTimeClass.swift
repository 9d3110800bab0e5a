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
