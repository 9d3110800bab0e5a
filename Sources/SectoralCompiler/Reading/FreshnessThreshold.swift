import SectoralProject
import SectoralText
import SectoralYAML

/// When the rows of a source are too old, as one level of a file says it, or all of them together.
struct FreshnessThreshold {
  private static let nothing: Datum = ["count": .null, "period": .null]
  private static let limits = ["warn_after", "error_after"]

  private var parts: DatumMap = [
    "warn_after": nothing, "error_after": nothing, "filter": .null,
  ]

  /// What one level says; parts that it leaves out say nothing.
  init(parts said: DatumMap) {
    for (key, value) in said.entries where parts[key] != nil {
      guard let limit = value.map else {
        parts[key] = value
        continue
      }
      parts[key] = ["count": limit["count"] ?? .null, "period": limit["period"] ?? .null]
    }
  }

  /// In the shape of the manifest.
  var datum: Datum { .map(parts) }

  /// Whether there is an age at which something happens.
  var saysSomething: Bool { Self.limits.contains { Self.isComplete(parts[$0]) } }

  private static func isComplete(_ limit: Datum?) -> Bool {
    limit?["count"]?.isNull == false && limit?["period"]?.isNull == false
  }

  /// Joins the levels of a source and its table, weak to strong.
  ///
  /// Null at a level says that the rows have no age, until a lower level names one; null for a single
  /// limit takes that limit away.
  static func joined(_ levels: [YAMLNode?]) throws(Failure) -> FreshnessThreshold? {
    var joined: FreshnessThreshold? = FreshnessThreshold(parts: [:])
    for level in levels {
      guard let level else {
        // As a level that is there and says nothing.
        if let upper = joined { joined = upper.updated(by: FreshnessThreshold(parts: [:])) }
        continue
      }
      try check(level)
      guard let said = level.datum.map.map(FreshnessThreshold.init(parts:)) else {
        joined = nil
        continue
      }
      joined = joined.map { $0.updated(by: said) } ?? (said.saysSomething ? said : nil)
    }
    return joined
  }

  private func updated(by lower: FreshnessThreshold) -> FreshnessThreshold {
    var result = self
    if let filter = lower.parts["filter"], !filter.isNull { result.parts["filter"] = filter }
    for key in Self.limits {
      let own = parts[key] ?? .null
      let said = lower.parts[key] ?? .null
      result.parts[key] = said.isNull || Self.isComplete(said) ? said : own
    }
    return result
  }

  private static func check(_ level: YAMLNode) throws(Failure) {
    for key in limits {
      guard let limit = level[key], !limit.isNull, limit.mapping?.isEmpty != true else { continue }
      // Half a limit is none, as in dbt.
      guard let count = limit["count"], let period = limit["period"] else { continue }
      guard ["minute", "hour", "day"].contains(period.datum.pythonText), count.int != nil else {
        throw failure(
          "bad-threshold",
          "\(key) must have a whole number as 'count' and minute, hour or day as 'period'",
          limit
        )
      }
    }
  }

  private static func failure(
    _ id: String,
    _ message: String,
    _ place: YAMLNode
  ) -> Failure {
    Failure(
      .parsing,
      Diagnostic(id: "source.\(id)", message: message, span: place.span)
    )
  }
}
