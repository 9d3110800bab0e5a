import SectoralJinja

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Python's `tzinfo`: what a zone-aware datetime carries. On its own it is the abstract class's
/// instance, which knows no offset.
class TimeZoneObject: ContextObject {
  override var typeName: String { "datetime.tzinfo" }

  /// Seconds east of UTC; nil: unknown.
  var offset: Int? { nil }
  var daylightSeconds: Int? { nil }
  var abbreviation: String? { nil }

  /// The wall clock's microseconds, and the zone object that the result carries.
  func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    (utc + (offset ?? 0) * 1_000_000, self)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "utcoffset":
      return .function("utcoffset") { _, _ throws(TemplateError) in
        self.offset.map { .timeDelta(seconds: $0) } ?? .none
      }
    case "dst":
      return .function("dst") { _, _ throws(TemplateError) in
        self.daylightSeconds.map { .timeDelta(seconds: $0) } ?? .none
      }
    case "tzname":
      return .function("tzname") { _, _ throws(TemplateError) in .text(self.abbreviation) }
    case "fromutc":
      return .function("fromutc") { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("fromutc", arguments, ["dt"], required: 1)
        guard let time = arguments.value(0).object(DateTimeObject.self) else {
          throw .typeError("fromutc: argument must be a datetime")
        }
        let (local, zone) = self.fromUTC(time.local)
        return try .dateTime(local, zone)
      }
    default: return nil
    }
  }
}

/// `datetime.timezone`: a constant offset.
final class FixedZone: TimeZoneObject {
  private let seconds: Int
  private let name: String?

  init(seconds: Int, name: String? = nil) {
    self.seconds = seconds
    self.name = name
    super.init()
  }

  override var typeName: String { "datetime.timezone" }
  override var offset: Int? { seconds }
  override var abbreviation: String? {
    name ?? (seconds == 0 ? "UTC" : "UTC" + Moment.isoOffset(seconds))
  }

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    abbreviation ?? ""
  }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    if seconds == 0, name == nil { return "datetime.timezone.utc" }
    let delta = try TimeDeltaObject(microseconds: seconds * 1_000_000).repr(interpreter)
    let suffix = try name.map { name throws(TemplateError) in
      ", " + (try interpreter.repr(.string(name)))
    }
    return "datetime.timezone(\(delta)\(suffix ?? ""))"
  }
  override func isEqual(to other: Value) -> Bool {
    other.object(FixedZone.self).map { $0.seconds == seconds } ?? false
  }
  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(seconds)
    return true
  }
}

/// pytz's zones: UTC, constant offsets, and one phase (offset and abbreviation) of a named zone.
class PytzZone: TimeZoneObject {
  /// `zone.localize(naive)`.
  func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
    try .dateTime(local, self)
  }

  func normalize(_ time: DateTimeObject) throws(TemplateError) -> Value {
    guard let utc = time.utc else {
      throw .valueError("Naive time - no tzinfo set")
    }
    let (local, zone) = fromUTC(utc)
    return try .dateTime(local, zone)
  }

  var zoneName: String? { nil }

  override func attribute(
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
final class PytzUTC: PytzZone {
  override var typeName: String { "pytz.UTC" }
  override var offset: Int? { 0 }
  override var daylightSeconds: Int? { 0 }
  override var abbreviation: String? { "UTC" }
  override var zoneName: String? { "UTC" }
  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { "UTC" }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String { "<UTC>" }
  override func isEqual(to other: Value) -> Bool { other.object(PytzUTC.self) != nil }
  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine("UTC")
    return true
  }
}

/// `pytz.FixedOffset(minutes)`.
final class PytzFixedOffset: PytzZone {
  private let minutes: Int

  init(minutes: Int) {
    self.minutes = minutes
    super.init()
  }

  override var typeName: String { "pytz._FixedOffset" }
  override var offset: Int? { minutes * 60 }
  override var daylightSeconds: Int? { 0 }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "pytz.FixedOffset(\(minutes))"
  }
  override func isEqual(to other: Value) -> Bool {
    other.object(PytzFixedOffset.self).map { $0.minutes == minutes } ?? false
  }
  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(minutes)
    return true
  }
}

/// A named zone in one of its phases; `timezone(name)` gives it in the first one, which is local
/// mean time, as pytz does.
final class PytzNamedZone: PytzZone {
  private let data: ZoneData
  private let phase: Int

  init(_ data: ZoneData, phase: Int) {
    self.data = data
    self.phase = phase
    super.init()
  }

  private var current: ZoneData.Phase { data.phases[phase] }
  override var typeName: String { data.name }
  override var offset: Int? { current.offset }
  override var daylightSeconds: Int? { current.isDaylight ? 3600 : 0 }
  override var abbreviation: String? { current.abbreviation }
  override var zoneName: String? { data.name }

  override func fromUTC(_ utc: Int) -> (local: Int, zone: TimeZoneObject) {
    let phase = data.phase(atUTC: CalendarMath.floorDivide(utc, 1_000_000))
    return (utc + data.phases[phase].offset * 1_000_000, PytzNamedZone(data, phase: phase))
  }

  override func localize(_ local: Int, isDaylight: Bool?) throws(TemplateError) -> Value {
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

  override func string(_ interpreter: Interpreter) throws(TemplateError) -> String { data.name }
  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    let offset = TimeDeltaObject(microseconds: current.offset * 1_000_000).text
    let sign = current.offset >= 0 ? "+" : ""
    return "<DstTzInfo '\(data.name)' \(current.abbreviation)\(sign)\(offset) "
      + "\(current.isDaylight ? "DST" : "STD")>"
  }
  override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(PytzNamedZone.self) else { return false }
    return other.data.name == data.name && other.phase == phase
  }
  override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(data.name)
    hasher.combine(phase)
    return true
  }
}

/// The history of a zone, read from the machine's zoneinfo.
final class ZoneData: Sendable {
  struct Phase: Sendable {
    var offset: Int
    var isDaylight: Bool
    var abbreviation: String
  }

  let name: String
  let phases: [Phase]
  private let transitions: [(time: Int, phase: Int)]

  /// nil when the bytes are no TZif file.
  init?(name: String, tzif bytes: [UInt8]) {
    guard let (phases, transitions) = ZoneData.read(bytes) else { return nil }
    self.name = name
    self.phases = phases
    self.transitions = transitions
  }

  func phase(atUTC seconds: Int) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].time <= seconds { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : transitions[low - 1].phase
  }

  /// The phases in which the wall clock shows that time: none in a gap, two in an overlap, earliest
  /// first.
  func phases(atLocal seconds: Int) -> [Int] {
    var found: [Int] = []
    for probe in [seconds - 86_400, seconds + 86_400] {
      let phase = phase(atUTC: probe - phases[self.phase(atUTC: probe)].offset)
      for candidate in [phase, self.phase(atUTC: probe)] where !found.contains(candidate) {
        let utc = seconds - phases[candidate].offset
        if self.phase(atUTC: utc) == candidate { found.append(candidate) }
      }
    }
    return found.sorted { seconds - phases[$0].offset < seconds - phases[$1].offset }
  }

  private static func read(_ bytes: [UInt8]) -> ([Phase], [(time: Int, phase: Int)])? {
    func header(at start: Int) -> [Int]? {
      guard start + 44 <= bytes.count, Array(bytes[start..<start + 4]) == Array("TZif".utf8) else {
        return nil
      }
      return (0..<6).map { integer(at: start + 20 + $0 * 4, size: 4) }
    }
    func integer(at start: Int, size: Int) -> Int {
      var value = 0
      for byte in bytes[start..<start + size] { value = value << 8 | Int(byte) }
      if size == 4, value > Int(Int32.max) { value -= 1 << 32 }
      return value
    }
    // utc flags, standard flags, leap seconds, times, types, characters
    guard var counts = header(at: 0) else { return nil }
    var start = 44
    var timeSize = 4
    if bytes[4] >= UInt8(ascii: "2") {
      start +=
        counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8 + counts[1] + counts[0]
      guard let second = header(at: start) else { return nil }
      counts = second
      start += 44
      timeSize = 8
    }
    let indexes = start + counts[3] * timeSize
    let types = indexes + counts[3]
    let characters = types + counts[4] * 6
    guard counts.allSatisfy({ $0 >= 0 }), characters + counts[5] <= bytes.count, counts[4] > 0
    else { return nil }
    let phases = (0..<counts[4]).map { index in
      let entry = types + index * 6
      let nameStart = min(characters + Int(bytes[entry + 5]), characters + counts[5])
      let name = bytes[nameStart..<characters + counts[5]].prefix { $0 != 0 }
      // Whole minutes, as pytz has them: local mean times would have seconds.
      let minutes = CalendarMath.floorDivide(integer(at: entry, size: 4) + 30, 60)
      return Phase(
        offset: minutes * 60,
        isDaylight: bytes[entry + 4] != 0,
        abbreviation: String(decoding: name, as: UTF8.self)
      )
    }
    var transitions: [(time: Int, phase: Int)] = []
    for index in 0..<counts[3] {
      let phase = Int(bytes[indexes + index])
      guard phase < phases.count else { return nil }
      transitions.append((integer(at: start + index * timeSize, size: timeSize), phase))
    }
    return (phases, transitions)
  }

  // MARK: The machine's zones

  private static let folders = [
    "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
  ]

  /// Names are found in any case, as pytz finds them. nil: no such zone.
  static func named(_ name: String) -> ZoneData? {
    guard !name.isEmpty, !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
      name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    for folder in folders {
      if let bytes = readFile("\(folder)/\(name)"), let data = ZoneData(name: name, tzif: bytes) {
        return data
      }
    }
    let lowered = name.lowercased()
    guard let exact = allNames().first(where: { $0.lowercased() == lowered }), exact != name else {
      return nil
    }
    return named(exact)
  }

  /// The names of all zones, sorted.
  static func allNames() -> [String] {
    var names: Set<String> = []
    for folder in folders {
      guard let text = table(["tzdata.zi"], in: folder) else { continue }
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        if words.count >= 2, words[0] == "Z" { names.insert(String(words[1])) }
        if words.count >= 3, words[0] == "L" { names.insert(String(words[2])) }
      }
      if !names.isEmpty { break }
    }
    return names.sorted()
  }

  /// Country codes with their zones, in the order of the table.
  static func zonesByCountry() -> [(code: String, zones: [String])] {
    var order: [String] = []
    var zones: [String: [String]] = [:]
    for folder in folders {
      guard let text = table(["zone.tab"], in: folder) else { continue }
      for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let fields = line.split(separator: "\t")
        guard fields.count >= 3 else { continue }
        let code = String(fields[0])
        if zones[code] == nil { order.append(code) }
        zones[code, default: []].append(String(fields[2]))
      }
      break
    }
    return order.map { ($0, zones[$0] ?? []) }
  }

  static func countryNames() -> [(code: String, name: String)] {
    for folder in folders {
      guard let text = table(["iso3166.tab"], in: folder) else { continue }
      return text.split(separator: "\n").compactMap { line in
        let fields = line.split(separator: "\t", maxSplits: 1)
        guard !line.hasPrefix("#"), fields.count == 2 else { return nil }
        return (String(fields[0]), String(fields[1]))
      }
    }
    return []
  }

  private static func table(_ names: [String], in folder: String) -> String? {
    for name in names {
      if let bytes = readFile("\(folder)/\(name)") { return String(decoding: bytes, as: UTF8.self) }
    }
    return nil
  }

  private static func readFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        // The buffer has bytes left, so it has an address.
        Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
      }
      if count <= 0 { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }
}
