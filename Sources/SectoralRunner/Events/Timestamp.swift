/// An instant in UTC with the precision that logs and artifacts show.
package struct Timestamp: Sendable, Hashable, Comparable {
  /// Since 1970-01-01T00:00:00Z.
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

  /// Seconds from `start` to here.
  package func seconds(since start: Timestamp) -> Double {
    Double(microseconds - start.microseconds) / 1_000_000
  }

  /// `2024-05-01T10:00:00.123456Z`
  package var iso8601: String { isoWithoutZone + "Z" }

  /// `2024-05-01T10:00:00.123456`, as node_info has it.
  package var isoWithoutZone: String {
    let (days, time) = dayAndMicrosecond
    let (year, month, day) = Self.civil(fromDays: days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + "\(Self.clock(time)).\(padded(time % 1_000_000, 6))"
  }

  /// `10:00:00`
  package var time: String { Self.clock(dayAndMicrosecond.microsecond) }

  /// `10:00:00.123456`
  package var timeWithMicroseconds: String {
    let time = dayAndMicrosecond.microsecond
    return "\(Self.clock(time)).\(padded(time % 1_000_000, 6))"
  }

  private var dayAndMicrosecond: (day: Int64, microsecond: Int64) {
    let perDay: Int64 = 86_400_000_000
    let day = microseconds >= 0 ? microseconds / perDay : (microseconds - perDay + 1) / perDay
    return (day, microseconds - day * perDay)
  }

  private static func clock(_ microsecond: Int64) -> String {
    let seconds = microsecond / 1_000_000
    return
      "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  }

  /// The proleptic Gregorian date of a day number; the year is counted from March so that the leap
  /// day comes last, and 400 years are one era of 146,097 days.
  private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

private func padded(_ number: Int64, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
