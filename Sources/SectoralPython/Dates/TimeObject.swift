package import SectoralJinja

/// Python's `time`.
package final class TimeObject: Object {
  package let microseconds: Int
  package let zone: TimeZoneObject?

  package init(_ microseconds: Int, _ zone: TimeZoneObject?) {
    self.microseconds = microseconds
    self.zone = zone
    super.init()
  }

  package var moment: Moment {
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
