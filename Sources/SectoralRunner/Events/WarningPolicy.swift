/// `--warn-error` and `--warn-error-options`: which warnings are errors and which are not shown.
package struct WarningPolicy: Sendable, Hashable {
  package enum Disposition: Sendable, Hashable {
    case warn
    case error
    case silence
  }

  /// Which events a key of `--warn-error-options` names.
  package enum Scope: Sendable, Hashable {
    case all
    /// Event names; `Deprecations` stands for all events of that group.
    case names([String])

    package static var none: Scope { .names([]) }
  }

  package var error: Scope
  package var warn: [String]
  package var silence: [String]
  /// The behaviour flag `require_all_warnings_handled_by_warn_error`.
  package var coversEveryWarning: Bool

  package init(
    error: Scope = .none,
    warn: [String] = [],
    silence: [String] = [],
    coversEveryWarning: Bool = false
  ) {
    self.error = error
    self.warn = warn
    self.silence = silence
    self.coversEveryWarning = coversEveryWarning
  }

  package static let group = "Deprecations"

  /// Warnings that dbt only shows, whatever the options say, unless they are to cover every warning.
  private static let onlyShown: Set<String> = [
    "FreshnessConfigProblem", "GetMetaKeyWarning", "MicrobatchModelNoEventTimeInputs",
    "SemanticValidationFailure", "WarnStateTargetEqual",
  ]

  /// A named event beats the group, the group beats all; among equals silence beats warn beats
  /// error.
  package func disposition(of name: String) -> Disposition {
    if !coversEveryWarning, Self.onlyShown.contains(name) { return .warn }
    if let named = disposition(listing: name) { return named }
    if EventCatalog.isDeprecation(name), let grouped = disposition(listing: Self.group) {
      return grouped
    }
    return error == .all ? .error : .warn
  }

  /// Whether test results that would warn fail instead.
  package var failsWarningTests: Bool { disposition(of: "LogTestResult") == .error }

  private func disposition(listing name: String) -> Disposition? {
    if silence.contains(name) { return .silence }
    if warn.contains(name) { return .warn }
    if case .names(let names) = error, names.contains(name) { return .error }
    return nil
  }
}
