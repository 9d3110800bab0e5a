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
  package var iso8601: String { text(date: true, microseconds: true, zone: true) }

  /// `2024-05-01T10:00:00.123456`, as node_info has it.
  package var isoWithoutZone: String { text(date: true, microseconds: true) }

  /// `10:00:00`
  package var time: String { text() }

  /// `10:00:00.123456`
  package var timeWithMicroseconds: String { text(microseconds: true) }

  /// Four of these are made for each node, two for each line of the log: digit by digit, in place.
  private func text(date: Bool = false, microseconds: Bool = false, zone: Bool = false) -> String {
    let (days, time) = dayAndMicrosecond
    return String(unsafeUninitializedCapacity: 32) { bytes in
      var digits = Digits(bytes: bytes)
      if date {
        let (year, month, day) = Self.civil(fromDays: days)
        digits.append(year, width: 4, then: "-")
        digits.append(month, width: 2, then: "-")
        digits.append(day, width: 2, then: "T")
      }
      let seconds = time / 1_000_000
      digits.append(seconds / 3600, width: 2, then: ":")
      digits.append(seconds / 60 % 60, width: 2, then: ":")
      digits.append(seconds % 60, width: 2, then: microseconds ? "." : nil)
      if microseconds { digits.append(time % 1_000_000, width: 6, then: zone ? "Z" : nil) }
      return digits.count
    }
  }

  private var dayAndMicrosecond: (day: Int64, microsecond: Int64) {
    let perDay: Int64 = 86_400_000_000
    let day = microseconds >= 0 ? microseconds / perDay : (microseconds - perDay + 1) / perDay
    return (day, microseconds - day * perDay)
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

/// Numbers with leading zeros, written one after the other.
private struct Digits {
  let bytes: UnsafeMutableBufferPointer<UInt8>
  var count = 0

  /// `number` with at least `width` digits, at most nine: no year of a 64-bit clock has more.
  mutating func append(_ number: Int64, width: Int, then mark: Unicode.Scalar?) {
    var length = width
    var limit = Int64(1)
    for _ in 0..<width { limit *= 10 }
    while number.magnitude >= limit.magnitude, length < 9 {
      limit *= 10
      length += 1
    }
    var rest = number.magnitude
    for index in (count..<count + length).reversed() {
      bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    count += length
    if let mark {
      bytes[count] = UInt8(mark.value)
      count += 1
    }
  }
}
