package import SectoralJinja

/// pytz's zones: UTC, constant offsets, and one phase (offset and abbreviation) of a named zone.
package class PytzZone: TimeZoneObject {
  /// `zone.localize(naive)`.
  package func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
    try .dateTime(local, self)
  }

  package func normalize(_ time: DateTimeObject) throws(TemplateError) -> Value {
    guard let utc = time.utc else {
      throw .valueError("Naive time - no tzinfo set")
    }
    let (local, zone) = fromUTC(utc)
    return try .dateTime(local, zone)
  }

  package var zoneName: String? { nil }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "zone": return .text(zoneName)
    case "localize":
      return .function("localize") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("localize", arguments, ["dt", "is_dst"], required: 1)
        guard let time = arguments.value(0).object(DateTimeObject.self) else {
          throw .typeError("localize() needs a datetime, not \(arguments.value(0).typeName)")
        }
        guard time.zone == nil else {
          throw .valueError("Not naive datetime (tzinfo is already set)")
        }
        let isDaylight =
          arguments[1] == nil
          ? false : arguments.value(1).isNone ? nil : try arguments.isTrue(1, interpreter)
        return try self.localize(time.local, isDaylight: isDaylight)
      }
    case "normalize":
      return .function("normalize") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("normalize", arguments, ["dt", "is_dst"], required: 1)
        guard let time = arguments.value(0).object(DateTimeObject.self) else {
          throw .typeError("normalize() needs a datetime, not \(arguments.value(0).typeName)")
        }
        return try self.normalize(time)
      }
    default: return try super.attribute(name, interpreter)
    }
  }
}

/// `pytz.utc`.
package final class PytzUTC: PytzZone {
  package override var typeName: String { "pytz.UTC" }
  package override var offset: Int? { 0 }
  package override var daylightSeconds: Int? { 0 }
  package override var abbreviation: String? { "UTC" }
  package override var zoneName: String? { "UTC" }
  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { "UTC" }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String { "<UTC>" }
  package override func isEqual(to other: Value) -> Bool { other.object(PytzUTC.self) != nil }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine("UTC")
    return true
  }
}

/// `pytz.FixedOffset(minutes)`.
package final class PytzFixedOffset: PytzZone {
  private let minutes: Int

  package init(minutes: Int) {
    self.minutes = minutes
    super.init()
  }

  package override var typeName: String { "pytz._FixedOffset" }
  package override var offset: Int? { minutes * 60 }
  package override var daylightSeconds: Int? { 0 }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "pytz.FixedOffset(\(minutes))"
  }
  package override func isEqual(to other: Value) -> Bool {
    other.object(PytzFixedOffset.self).map { $0.minutes == minutes } ?? false
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(minutes)
    return true
  }
}

/// A named zone in one of its phases; `timezone(name)` gives it in the first one, which is local
/// mean time, as pytz does.
package final class PytzNamedZone: PytzZone {
  private let data: ZoneData
  private let phase: Int

  package init(_ data: ZoneData, phase: Int) {
    self.data = data
    self.phase = phase
    super.init()
  }

  private var current: ZoneData.Phase { data.phases[phase] }
  package override var typeName: String { data.name }
  package override var offset: Int? { current.offset }
  package override var daylightSeconds: Int? { current.isDaylight ? 3600 : 0 }
  package override var abbreviation: String? { current.abbreviation }
  package override var zoneName: String? { data.name }

  package override func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    let phase = data.phase(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    return (utc + data.phases[phase].offset * 1_000_000, PytzNamedZone(data, phase: phase))
  }

  package override func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
    let seconds = CalendarMath.floorDivide(local, 1_000_000)
    let candidates = data.phases(atLocal: seconds)
    if candidates.count == 1 {
      return try .dateTime(local, PytzNamedZone(data, phase: candidates[0]))
    }
    guard let isDaylight else {
      let shown = Moment(local: local)
      throw .python(
        ErrorKind(rawValue: candidates.isEmpty ? "NonExistentTimeError" : "AmbiguousTimeError"),
        "\(shown.isoDate) \(shown.isoTime() ?? "")"
      )
    }
    if candidates.isEmpty {
      // A skipped hour is read by the clock that is asked for: before the jump, or after it.
      let before = data.phase(atUTC: seconds - data.phases[phase].offset - 86_400)
      let after = data.phase(atUTC: seconds - data.phases[phase].offset + 86_400)
      let chosen = data.phases[before].isDaylight == isDaylight ? before : after
      return try .dateTime(local, PytzNamedZone(data, phase: chosen))
    }
    let chosen =
      candidates.first { data.phases[$0].isDaylight == isDaylight }
      ?? (isDaylight ? candidates[0] : candidates[candidates.count - 1])
    return try .dateTime(local, PytzNamedZone(data, phase: chosen))
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    data.name
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let offset = TimeDeltaObject(microseconds: current.offset * 1_000_000).text
    let sign = current.offset >= 0 ? "+" : ""
    return "<DstTzInfo '\(data.name)' \(current.abbreviation)\(sign)\(offset) "
      + "\(current.isDaylight ? "DST" : "STD")>"
  }
  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(PytzNamedZone.self) else { return false }
    return other.data.name == data.name && other.phase == phase
  }
  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(data.name)
    hasher.combine(phase)
    return true
  }
}
