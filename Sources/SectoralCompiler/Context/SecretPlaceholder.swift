import SectoralYAML

/// What templates see of a secret of the environment, in dbt's spelling. The secret itself is put in
/// once the template has ended, so that no filter can take it apart and so past the mask.
enum SecretPlaceholder {
  private static let prefix = "DBT_ENV_SECRET_"
  private static let start = "$$$DBT_SECRET_START$$$"
  private static let end = "$$$DBT_SECRET_END$$$"

  static func stands(for variable: String) -> Bool { variable.hasPrefix(prefix) }

  static func text(of variable: String) -> String { start + variable + end }

  /// A rendered value with its secrets.
  static func revealed(_ datum: Datum, _ environment: [String: String]) -> Datum {
    switch datum {
    case .string(let text) where text.contains(start):
      var text = text
      for (name, secret) in environment where stands(for: name) {
        text.replace(Self.text(of: name), with: secret)
      }
      return .string(text)
    case .list(let items): return .list(items.map { revealed($0, environment) })
    case .map(let map):
      return .map(
        DatumMap(
          lastWins: map.entries.map { (key: $0.key, value: revealed($0.value, environment)) }
        )
      )
    default: return datum
    }
  }
}
