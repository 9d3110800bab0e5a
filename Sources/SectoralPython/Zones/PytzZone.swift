package import SectoralJinja

/// pytz's zones: UTC, constant offsets, and one phase (offset and abbreviation) of a named zone.
package class PytzZone: TimeZoneObject {
  package var zoneName: String? { nil }

  /// `zone.localize(naive)`.
  package func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
    try .dateTime(local, self)
  }

  /// The instant on this zone's clock.
  package func normalize(_ time: DateTimeObject) throws(TemplateError) -> Value {
    if time.zone === self { return .object(time) }
    let (local, zone) = fromUTC(time.utc ?? time.local)
    return try .dateTime(local, zone)
  }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "zone": return .text(zoneName)
    case "localize":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["dt", "is_dst"], required: 1)
        let time = try Self.dateTime(arguments)
        guard time.zone == nil else {
          throw .valueError("Not naive datetime (tzinfo is already set)")
        }
        let isDaylight =
          arguments[1] == nil
          ? false : arguments.value(1).isNone ? nil : try arguments.isTrue(1, interpreter)
        return try self.localize(time.local, isDaylight: isDaylight)
      }
    case "normalize":
      return .function(text) { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["dt", "is_dst"], required: 1)
        let time = try Self.dateTime(arguments)
        guard time.zone != nil else { throw .valueError("Naive time - no tzinfo set") }
        return try self.normalize(time)
      }
    default: return try super.attribute(name, interpreter)
    }
  }

  private static func dateTime(_ arguments: CallArguments) throws(TemplateError) -> DateTimeObject {
    if let time = arguments.value(0).object(DateTimeObject.self) { return time }
    throw .python(
      .attribute,
      "'\(arguments.value(0).typeName)' object has no attribute 'tzinfo': "
        + "\(arguments.function)() needs a datetime"
    )
  }
}

/// `pytz.utc`.
package final class PytzUTC: PytzZone {
  package override var typeName: String { "pytz.UTC" }
  package override var current: Answer { Answer(offset: 0, daylight: 0, abbreviation: "UTC") }
  package override var zoneName: String? { "UTC" }

  package override func fromUTC(_ value: Value) throws(TemplateError) -> Value {
    if let time = value.object(DateTimeObject.self), time.zone == nil {
      return try .dateTime(time.local, self)
    }
    return try super.fromUTC(value)
  }

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
  package override var current: Answer {
    Answer(offset: minutes * 60_000_000, daylight: 0, abbreviation: nil)
  }
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
/// mean time, as pytz does. A zone whose clock never changed has one phase and no daylight time.
package final class PytzNamedZone: PytzZone {
  private let data: ZoneData
  private let phase: Int

  package init(_ data: ZoneData, phase: Int) {
    self.data = data
    self.phase = phase
    super.init()
  }

  private var isStatic: Bool { !data.hasTransitions }
  package override var typeName: String { "pytz.tzfile.\(data.name)" }
  package override var zoneName: String? { data.name }

  package override var current: Answer { answer(phase) }
  package override var dateless: Answer {
    isStatic ? current : Answer(offset: nil, daylight: nil, abbreviation: data.name)
  }

  private func answer(_ phase: Int) -> Answer {
    let phase = data.phases[phase]
    return Answer(
      offset: phase.offset * 1_000_000,
      daylight: phase.daylight * 1_000_000,
      abbreviation: phase.abbreviation
    )
  }

  package override func answer(
    _ time: DateTimeObject,
    isDaylight: Bool?
  )
    throws(TemplateError) -> Answer
  {
    if isStatic || time.zone === self { return current }
    guard time.zone == nil else {
      throw .valueError("Not naive datetime (tzinfo is already set)")
    }
    return answer(try phase(atLocal: time.local, isDaylight: isDaylight))
  }

  package override func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    let phase = data.phase(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    return (utc + data.phases[phase].offset * 1_000_000, zone(phase))
  }

  package override func fromUTC(_ value: Value) throws(TemplateError) -> Value {
    guard let time = value.object(DateTimeObject.self),
      time.zone.map({ ($0 as? PytzNamedZone)?.data === data }) ?? true
    else { throw .valueError("fromutc: dt.tzinfo is not self") }
    let (local, zone) = fromUTC(time.local)
    return try .dateTime(local, zone)
  }

  private func zone(_ phase: Int) -> PytzNamedZone {
    phase == self.phase ? self : PytzNamedZone(data, phase: phase)
  }

  package override func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
    try .dateTime(local, zone(phase(atLocal: local, isDaylight: isDaylight)))
  }

  /// The phase in which the clock shows that time.
  ///
  /// `isDaylight`: Which to take of two, and from which side to look at a time that is skipped;
  /// nil: both are errors.
  private func phase(atLocal local: Int, isDaylight: Bool?) throws(TemplateError) -> Int {
    let seconds = CalendarMath.floorDivide(local, 1_000_000)
    let candidates = data.phases(atLocal: seconds)
    if candidates.count == 1 { return candidates[0] }
    guard let isDaylight else {
      let shown = Moment(local: local)
      throw .python(
        ErrorKind(rawValue: candidates.isEmpty ? "NonExistentTimeError" : "AmbiguousTimeError"),
        "\(shown.isoDate) \(shown.isoTime() ?? "")"
      )
    }
    if candidates.isEmpty {
      // Gaps are shorter than a day: some hours later, or before, the clock exists.
      var shifted = local
      for _ in 0..<8 {
        shifted += (isDaylight ? 6 : -6) * 3_600_000_000
        let near = data.phases(atLocal: CalendarMath.floorDivide(shifted, 1_000_000))
        if !near.isEmpty { return chosen(near, isDaylight) }
      }
      return data.phase(atUTC: seconds)
    }
    return chosen(candidates, isDaylight)
  }

  private func chosen(_ candidates: [Int], _ isDaylight: Bool) -> Int {
    let matching = candidates.filter { (data.phases[$0].daylight != 0) == isDaylight }
    let rest = matching.isEmpty ? candidates : matching
    // In order of the instant: daylight time looks for the earlier.
    return isDaylight ? rest[0] : rest[rest.count - 1]
  }

  package override func normalize(_ time: DateTimeObject) throws(TemplateError) -> Value {
    if isStatic { return try super.normalize(time) }
    let (local, zone) = fromUTC(time.utc ?? time.local)
    return try .dateTime(local, zone)
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    data.name
  }
  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    if isStatic { return "<StaticTzInfo '\(data.name)'>" }
    let phase = data.phases[phase]
    let offset = TimeDeltaObject(microseconds: Int128(phase.offset) * 1_000_000).text
    return "<DstTzInfo '\(data.name)' \(phase.abbreviation)\(phase.offset > 0 ? "+" : "")\(offset) "
      + "\(phase.daylight != 0 ? "DST" : "STD")>"
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
