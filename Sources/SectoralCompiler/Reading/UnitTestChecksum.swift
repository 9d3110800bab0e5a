import SectoralProject
import SectoralText
import SectoralYAML

/// The digest by which a changed unit test is known: that of everything but its description and
/// configuration, in the words in which Python prints dbt's objects, so that a manifest that dbt
/// wrote can be compared with.
enum UnitTestChecksum {
  static func of(
    model: String,
    versions: Datum,
    given: [Datum],
    expect: Datum,
    overrides: Datum
  ) -> String {
    let inputs = given.map { item in
      "UnitTestInputFixture(input=\((item["input"] ?? .null).pythonRepr), \(fixture(item)))"
    }
    var text = "\(model)-\(self.versions(versions))-[\(inputs.joined(separator: ", "))]"
    text += "-UnitTestOutputFixture(\(fixture(expect)))-\(self.overrides(overrides))"
    for item in given where !(item["fixture"] ?? .null).isNull {
      text += "-\((item["rows"] ?? .null).pythonRepr)"
    }
    return Digest.sha256(text.utf8)
  }

  private static func fixture(_ item: Datum) -> String {
    let format =
      switch item["format"]?.string {
      case "csv": "<UnitTestFormat.CSV: 'csv'>"
      case "sql": "<UnitTestFormat.SQL: 'sql'>"
      default: "<UnitTestFormat.Dict: 'dict'>"
      }
    return "rows=\((item["rows"] ?? .null).pythonRepr), format=\(format), "
      + "fixture=\((item["fixture"] ?? .null).pythonRepr)"
  }

  private static func versions(_ datum: Datum) -> String {
    guard case .map(let map) = datum else { return "None" }
    return "UnitTestNodeVersions(include=\((map["include"] ?? .null).pythonRepr), "
      + "exclude=\((map["exclude"] ?? .null).pythonRepr))"
  }

  private static func overrides(_ datum: Datum) -> String {
    guard case .map(let map) = datum else { return "None" }
    let parts = ["macros", "vars", "env_vars"].map { key in
      "\(key)=\((map[key] ?? .map(DatumMap())).pythonRepr)"
    }
    return "UnitTestOverrides(\(parts.joined(separator: ", ")))"
  }
}
