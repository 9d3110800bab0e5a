package import SectoralYAML

/// How old the newest row of a source is.
package struct Freshness: Sendable {
  package var maxLoadedAt: Timestamp
  package var snapshottedAt: Timestamp
  /// As the source has them: `warn_after`, `error_after`, `filter`.
  package var criteria: Datum

  /// In seconds.
  package var age: Double { snapshottedAt.seconds(since: maxLoadedAt) }

  package var status: RunStatus {
    if exceeds(criteria["error_after"]) { return .error }
    return exceeds(criteria["warn_after"]) ? .warn : .pass
  }

  private func exceeds(_ threshold: Datum?) -> Bool {
    guard let count = threshold?["count"]?.int, let period = threshold?["period"]?.string,
      let seconds = Self.periods[period]
    else { return false }
    return age > Double(count * seconds)
  }

  private static let periods = ["minute": 60, "hour": 3600, "day": 86_400]

  /// Whether there is a threshold at all: otherwise nobody asks.
  static func isChecked(_ criteria: Datum) -> Bool {
    ["warn_after", "error_after"].contains { key in
      let threshold = criteria[key]
      return threshold?["count"]?.int != nil && threshold?["period"]?.string != nil
    }
  }
}
