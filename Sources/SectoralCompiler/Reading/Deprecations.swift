import SectoralProject
import SectoralText
import SectoralYAML

/// What dbt says of models whose `deprecation_date` is set: on them, and on models that refer to
/// them.
struct DeprecationDates {
  let references: ReferenceIndex
  /// Microseconds since 1970.
  let now: Int

  func warnings(_ manifest: Manifest) -> [NamedWarning] {
    guard manifest.nodes.contains(where: { $0.deprecationDate != nil }) else { return [] }
    var warnings: [NamedWarning] = []
    for node in manifest.nodes where node.resourceType == .model {
      if let date = node.deprecationDate, isPast(date) {
        warnings.append(
          warning(
            "DeprecatedModel",
            "Model \(node.searchName) has passed its deprecation date of \(date). "
              + "This model should be disabled or removed.",
            at: node.declaration,
            details: [
              "model_name": .string(node.name),
              "model_version": .string(node.version?.pythonText ?? ""),
              "deprecation_date": .string(date),
            ]
          )
        )
      }
      var seen: Set<String> = []
      for (index, reference) in node.refs.enumerated() {
        guard case .node(let target) = references.node(reference, from: node.packageName),
          target.resourceType == .model, let date = target.deprecationDate,
          seen.insert(target.uniqueID).inserted
        else { continue }
        var text = "While compiling '\(node.name)': Found a reference to \(target.searchName), "
        text +=
          isPast(date)
          ? "which was deprecated on '\(date)'. " : "which is slated for deprecation on '\(date)'. "
        if let version = target.version, let latest = target.latestVersion,
          version.pythonText != latest.pythonText
        {
          text += "A new version of '\(target.name)' is available. "
          text += isPast(date) ? "Migrate now: " : "Try it out: "
          text += "{{ ref('\(target.packageName)', '\(target.name)', v='\(latest.pythonText)') }}."
        }
        let span = index < node.refSpans.count ? node.refSpans[index] : nil
        warnings.append(
          warning(
            isPast(date) ? "DeprecatedReference" : "UpcomingReferenceDeprecation",
            text,
            at: span ?? node.declaration,
            details: [
              "model_name": .string(node.name),
              "ref_model_package": .string(target.packageName),
              "ref_model_name": .string(target.name),
              "ref_model_version": .string(target.version?.pythonText ?? ""),
              "ref_model_latest_version": .string(target.latestVersion?.pythonText ?? ""),
              "ref_model_deprecation_date": .string(date),
            ]
          )
        )
      }
    }
    return warnings
  }

  private func warning(
    _ name: String,
    _ message: String,
    at span: TextSpan?,
    details: DatumMap
  ) -> NamedWarning {
    NamedWarning(
      name,
      Diagnostic(id: "model.deprecated", severity: .warning, message: message, span: span),
      details: details
    )
  }

  private func isPast(_ date: String) -> Bool {
    (Timestamp(date)?.microseconds).map { $0 < now } ?? false
  }
}

extension Datum {
  /// A date or a point in time as the manifest writes it, with its zone; UTC where none is given.
  var timestamp: String? {
    switch self {
    case .date(let text), .string(let text): Timestamp(text)?.text ?? text
    case .null: nil
    default: pythonText
    }
  }
}

/// `2024-01-02`, `2024-01-02T03:04:05.678+02:00`
private struct Timestamp {
  let text: String
  let microseconds: Int

  init?(_ given: String) {
    let bytes = Array(given.utf8)
    func number(_ range: Range<Int>) -> Int? {
      guard range.upperBound <= bytes.count else { return nil }
      return Int(String(decoding: bytes[range], as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-")
    else { return nil }
    var seconds = Self.days(year, month, day) * 86400
    var fraction = 0
    guard bytes.count > 10 else {
      text = "\(given)T00:00:00+00:00"
      microseconds = seconds * 1_000_000
      return
    }
    guard let hour = number(11..<13), let minute = number(14..<16) else { return nil }
    seconds += hour * 3600 + minute * 60
    var index = 16
    if index < bytes.count, bytes[index] == UInt8(ascii: ":") {
      guard let second = number(17..<19) else { return nil }
      seconds += second
      index = 19
      if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
        let digits = bytes[(index + 1)...].prefix { (0x30...0x39).contains($0) }
        let padded = (digits + [UInt8](repeating: 0x30, count: 6)).prefix(6)
        fraction = Int(String(decoding: padded, as: UTF8.self)) ?? 0
        index += 1 + digits.count
      }
    }
    var head = String(decoding: bytes[..<index], as: UTF8.self)
    head = String(head.map { $0 == " " ? "T" : $0 })
    let zone = String(decoding: bytes[index...], as: UTF8.self)
    if zone.isEmpty || zone == "Z" {
      text = head + "+00:00"
    } else {
      let digits = zone.dropFirst().filter { $0 != ":" }
      guard zone.hasPrefix("+") || zone.hasPrefix("-"), let hours = Int(digits.prefix(2)) else {
        return nil
      }
      let offset = hours * 3600 + (Int(digits.dropFirst(2)) ?? 0) * 60
      seconds -= zone.hasPrefix("-") ? -offset : offset
      text = head + zone
    }
    microseconds = seconds * 1_000_000 + fraction
  }

  /// Days since 1970 in the proleptic Gregorian calendar.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
