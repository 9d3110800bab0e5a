import SectoralRunner
import SectoralText
import SectoralYAML

/// Reads `--warn-error-options`.
enum WarnErrorOptions {
  private static let keys = ["error", "warn", "silence", "include", "exclude"]

  /// What is wrong with the keys that nothing reads: as dbt, they end no command.
  static func unknownKeys(_ map: DatumMap) -> [Diagnostic] {
    map.keys.filter { !keys.contains($0) }.map { key in
      Diagnostic(
        id: "flags.unknown-warn-error-key",
        severity: .warning,
        message: "The key `\(key)` of warn_error_options means nothing.",
        hint: Spelling.nearest(to: key, among: keys).map { "did you mean `\($0)`?" }
          ?? "use `error`, `warn` and `silence`"
      )
    }
  }

  static func parse(_ map: DatumMap, command: String) throws(UsageError) -> WarningPolicy {
    for (new, old) in [("error", "include"), ("warn", "exclude")]
    where map[new] != nil && map[old] != nil {
      throw UsageError(
        "Only `\(old)` or `\(new)` can be specified in `warn_error_options`, not both.",
        command: command
      )
    }
    var policy = WarningPolicy()
    let error = map["error"] ?? map["include"] ?? .null
    if case .string("all") = error {
      policy.error = .all
    } else if case .string("*") = error {
      policy.error = .all
    } else {
      policy.error = .names(try names(error, key: "error", command: command))
    }
    policy.warn = try names(
      map["warn"] ?? map["exclude"] ?? .null,
      key: "warn",
      command: command
    )
    policy.silence = try names(map["silence"] ?? .null, key: "silence", command: command)
    if !policy.warn.isEmpty, !allowsWarn(policy) {
      throw UsageError(
        "Invalid value for '--warn-error-options': `warn` can only be specified if `error` is "
          + "'*' or 'all', or if `error` or `silence` names 'Deprecations'.",
        command: command
      )
    }
    return policy
  }

  private static func allowsWarn(_ policy: WarningPolicy) -> Bool {
    switch policy.error {
    case .all: true
    case .names(let names):
      names.contains(WarningPolicy.group) || policy.silence.contains(WarningPolicy.group)
    }
  }

  private static func names(
    _ datum: Datum,
    key: String,
    command: String
  ) throws(UsageError) -> [String] {
    if datum.isNull { return [] }
    guard let list = datum.list, list.allSatisfy({ $0.string != nil }) else {
      throw UsageError(
        "Invalid value for '--warn-error-options': `\(key)` must be a list of event names.",
        command: command
      )
    }
    let names = list.compactMap(\.string)
    for name in names where name != WarningPolicy.group && EventCatalog.entry(named: name) == nil {
      let guess = Spelling.nearest(to: name, among: EventCatalog.names)
      throw UsageError(
        "\(name) is not a valid dbt error name."
          + (guess.map { " Did you mean \($0)?" } ?? ""),
        command: command
      )
    }
    return names
  }
}
