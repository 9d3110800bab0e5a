extension Timestamp {
  /// The first moment of the year 1: what a source without rows counts as loaded at.
  package static let yearOne = Timestamp(microseconds: -62_135_596_800_000_000)

  /// Reads what a database prints: `2024-05-01`, `2024-05-01 10:00:00.5`,
  /// `2024-05-01 10:00:00+02`, `…+05:30`; without an offset it is UTC.
  package init?(databaseText text: String) {
    var rest = text.utf8[...]
    func number(_ digits: Int) -> Int64? {
      let part = rest.prefix(digits)
      guard part.count == digits, let value = Int64(String(Substring(part))) else { return nil }
      rest = rest.dropFirst(digits)
      return value
    }
    func take(_ scalar: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: scalar) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    var seconds = Self.days(year, month, day) * 86_400
    var micros: Int64 = 0
    if take(" ") || take("T") {
      guard let hour = number(2), take(":"), let minute = number(2), take(":"),
        let second = number(2)
      else { return nil }
      seconds += hour * 3600 + minute * 60 + second
      if take(".") {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return nil }
        let six = (String(Substring(digits)) + "00000").prefix(6)
        micros = Int64(six) ?? 0
        rest = rest.dropFirst(digits.count)
      }
      let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
      if sign != 0 {
        guard let hours = number(2) else { return nil }
        var offset = hours * 3600
        if take(":") { offset += (number(2) ?? 0) * 60 }
        if take(":") { offset += number(2) ?? 0 }
        seconds -= sign * offset
      } else {
        _ = take("Z")
      }
    }
    guard rest.isEmpty else { return nil }
    self.init(microseconds: seconds * 1_000_000 + micros)
  }

  /// Days since 1970-01-01 of a proleptic Gregorian date.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// As sources.json has it: `2024-05-01T10:00:00+00:00`, microseconds only where there are some.
  package var isoWithOffset: String {
    let text = isoWithoutZone
    return (text.hasSuffix(".000000") ? String(text.dropLast(7)) : text) + "+00:00"
  }
}
