#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The proleptic Gregorian calendar. Days count from 1970-01-01.
package enum CalendarMath {
  package static let microsecondsPerDay = 86_400_000_000
  package static let firstDay = day(1, 1, 1)
  package static let lastDay = day(9999, 12, 31)

  package static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    // Years that begin in March put the leap day last.
    let shifted = month <= 2 ? year - 1 : year
    let era = floorDivide(shifted, 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  package static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
    let year = yearOfEra + era * 400
    return month < 10 ? (year, month + 3, dayOfMonth) : (year + 1, month - 9, dayOfMonth)
  }

  package static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  package static func days(inMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Monday is 0.
  package static func weekday(_ day: Int) -> Int { floorModulo(day + 3, 7) }

  /// ISO year, week and weekday (Monday is 1).
  package static func isoWeek(_ day: Int) -> (year: Int, week: Int, weekday: Int) {
    let weekday = weekday(day)
    let thursday = day - weekday + 3
    let year = date(ofDay: thursday).year
    return (year, (thursday - self.day(year, 1, 1)) / 7 + 1, weekday + 1)
  }

  package static func weeks(inISOYear year: Int) -> Int { isoWeek(day(year, 12, 28)).week }

  package static func day(isoYear: Int, week: Int, weekday: Int) -> Int {
    let fourth = day(isoYear, 1, 4)
    return fourth - self.weekday(fourth) + (week - 1) * 7 + weekday - 1
  }

  package static func floorDivide(_ a: Int, _ b: Int) -> Int {
    let quotient = a / b
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
  }

  package static func floorModulo(_ a: Int, _ b: Int) -> Int { a - floorDivide(a, b) * b }

  /// Microseconds since 1970, UTC.
  package static func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
  }

  /// The machine's offset from UTC, in seconds, and the zone's abbreviation at that instant.
  package static func localOffset(atUTC seconds: Int) -> (seconds: Int, name: String) {
    var instant = time_t(seconds)
    var parts = tm()
    guard localtime_r(&instant, &parts) != nil else { return (0, "UTC") }
    let name = parts.tm_zone.map { String(cString: $0) } ?? "UTC"
    return (parts.tm_gmtoff, name)
  }

  /// The instant, in seconds since 1970, at which the machine's clock shows that time.
  package static func utc(fromLocal seconds: Int) -> Int {
    var guess = seconds - localOffset(atUTC: seconds).seconds
    guess = seconds - localOffset(atUTC: guess).seconds
    return guess
  }
}
