import SectoralJinja
import SectoralText

/// `modules.pytz`.
final class PytzModule: MappingObject {
  private let utc = PytzUTC()
  private var zones: [String: PytzZone] = [:]
  private var allNames: [Value]?

  override var keys: [String] {
    [
      "timezone", "utc", "country_timezones", "country_names", "AmbiguousTimeError",
      "InvalidTimeError", "NonExistentTimeError", "UnknownTimeZoneError", "all_timezones",
      "all_timezones_set", "common_timezones", "common_timezones_set", "BaseTzInfo", "FixedOffset",
    ]
  }

  override func member(_ text: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    switch text {
    case "utc": return .object(utc)
    case "timezone":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let value = try CallArguments(text, arguments, ["zone"], required: 1).value(0)
        guard let name = value.asString else {
          throw .python(ErrorKind(rawValue: "UnknownTimeZoneError"), try interpreter.repr(value))
        }
        return .object(try self.zone(name))
      }
    case "FixedOffset":
      return .function(text) { arguments, _ throws(TemplateError) in
        let minutes = try CallArguments(text, arguments, ["offset"], required: 1).int(0)
        if minutes == 0 { return .object(self.utc) }
        guard abs(minutes) < 1440 else {
          throw .valueError("absolute offset is too large \(minutes)")
        }
        return .object(PytzFixedOffset(minutes: minutes))
      }
    case "all_timezones", "common_timezones": return .list(zoneNames(common: text.hasPrefix("c")))
    case "all_timezones_set", "common_timezones_set":
      return .set(SetValue(zoneNames(common: text.hasPrefix("c"))))
    case "country_names":
      return .object(CountryTable(ZoneTables.countryNames().map { ($0.code, .string($0.name)) }))
    case "country_timezones":
      return .object(
        CountryTable(
          ZoneTables.zonesByCountry().map { ($0.code, .list($0.zones.map(Value.string))) }
        )
      )
    case "AmbiguousTimeError", "InvalidTimeError", "NonExistentTimeError",
      "UnknownTimeZoneError", "BaseTzInfo":
      return .object(
        ClassName(inModule: text == "BaseTzInfo" ? "pytz.tzinfo" : "pytz.exceptions", name: text)
      )
    default: return nil
    }
  }

  private func zone(_ name: String) throws(TemplateError) -> PytzZone {
    if name.uppercased() == "UTC" { return utc }
    if let zone = zones[name] { return zone }
    guard let data = ZoneTables.named(name) else {
      let names = ZoneTables.allNames()
      let nearest = Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
      throw TemplateError(
        ErrorKind(rawValue: "UnknownTimeZoneError"),
        id: "python.unknown-time-zone",
        "'\(name)'",
        hint: names.isEmpty
          ? "the machine has no tables of time zones: install the package 'tzdata'" : nearest
      )
    }
    let zone = PytzNamedZone(data, phase: 0)
    zones[name] = zone
    return zone
  }

  private func zoneNames(common: Bool) -> [Value] {
    let all = allNames ?? ZoneTables.allNames().map(Value.string)
    allNames = all
    guard common else { return all }
    let countries = Set(ZoneTables.zonesByCountry().flatMap(\.zones))
    let extra: Set<String> = [
      "GMT", "UTC", "US/Alaska", "US/Arizona", "US/Central", "US/Eastern", "US/Hawaii",
      "US/Mountain", "US/Pacific", "Canada/Atlantic", "Canada/Central", "Canada/Eastern",
      "Canada/Mountain", "Canada/Newfoundland", "Canada/Pacific",
    ]
    return all.filter { $0.asString.map { countries.contains($0) || extra.contains($0) } ?? false }
  }
}

/// A table by upper-case country code that may also be called.
private final class CountryTable: MappingObject {
  private let entries: [(code: String, value: Value)]

  init(_ entries: [(String, Value)]) {
    self.entries = entries.map { (code: $0.0, value: $0.1) }
    super.init()
  }

  override var isCallable: Bool { true }
  override var keys: [String] { entries.map(\.code) }

  override func member(_ name: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    let code = name.uppercased()
    return entries.first { $0.code == code }?.value
  }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    let key = try CallArguments("country_timezones", arguments, ["iso3166_code"], required: 1)
      .value(0)
    guard let value = try item(key, interpreter) else {
      throw .python(.key, try interpreter.repr(key))
    }
    return value
  }
}
