/// A point of the calendar and the clock, taken apart for formatting.
package struct Moment {
  package var year = 1900
  package var month = 1
  package var day = 1
  package var hour = 0
  package var minute = 0
  package var second = 0
  package var microsecond = 0
  /// Seconds east of UTC; nil: naive.
  package var offset: Int?
  /// Microseconds that the offset has beyond its whole seconds, with the same sign.
  package var offsetFraction = 0
  package var zoneName: String?

  package static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  package static let weekdays = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]

  package init() {}

  /// `local`: Microseconds since 1970 on the clock's own face.
  package init(local: Int) {
    let days = CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay)
    (year, month, day) = CalendarMath.date(ofDay: days)
    let time = local - days * CalendarMath.microsecondsPerDay
    microsecond = time % 1_000_000
    let seconds = time / 1_000_000
    hour = seconds / 3600
    minute = seconds / 60 % 60
    second = seconds % 60
  }

  package var dayNumber: Int { CalendarMath.day(year, month, day) }
  package var timeOfDay: Int { ((hour * 60 + minute) * 60 + second) * 1_000_000 + microsecond }
  package var local: Int { dayNumber * CalendarMath.microsecondsPerDay + timeOfDay }

  package var isoDate: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

  /// - Returns: nil for an unknown specification.
  package func isoTime(_ precision: String = "auto") -> String? {
    let hours = padded(hour, 2)
    let minutes = hours + ":" + padded(minute, 2)
    let seconds = minutes + ":" + padded(second, 2)
    switch precision {
    case "auto": return microsecond == 0 ? seconds : seconds + "." + padded(microsecond, 6)
    case "hours": return hours
    case "minutes": return minutes
    case "seconds": return seconds
    case "milliseconds": return seconds + "." + padded(microsecond / 1000, 3)
    case "microseconds": return seconds + "." + padded(microsecond, 6)
    default: return nil
    }
  }

  /// `+02:00`, with seconds where the offset has them; empty for naive moments.
  package var isoZone: String {
    offset.map { Moment.isoOffset($0, fraction: offsetFraction) } ?? ""
  }

  /// `fraction`: Microseconds beyond the whole seconds, with the same sign.
  package static func isoOffset(
    _ seconds: Int,
    fraction: Int = 0,
    separator: String = ":"
  ) -> String {
    let size = abs(seconds)
    var text = (seconds < 0 || fraction < 0 ? "-" : "+") + padded(size / 3600, 2) + separator
    text += padded(size / 60 % 60, 2)
    if size % 60 != 0 || fraction != 0 { text += separator + padded(size % 60, 2) }
    if fraction != 0 { text += "." + padded(abs(fraction), 6) }
    return text
  }
}

extension Moment {
  /// Refuses what no calendar or clock shows, in Python's words.
  package func check() throws(PythonValueError) {
    func fail(_ message: String) -> PythonValueError { PythonValueError(message: message) }
    guard (1...9999).contains(year) else { throw fail("year \(year) is out of range") }
    guard (1...12).contains(month) else { throw fail("month must be in 1..12") }
    guard day >= 1, day <= CalendarMath.days(inMonth: month, year) else {
      throw fail("day is out of range for month")
    }
    guard (0...23).contains(hour) else { throw fail("hour must be in 0..23") }
    guard (0...59).contains(minute) else { throw fail("minute must be in 0..59") }
    guard (0...59).contains(second) else { throw fail("second must be in 0..59") }
    guard (0...999_999).contains(microsecond) else {
      throw fail("microsecond must be in 0..999999")
    }
    if let offset, abs(offset) >= 86_400 {
      let delta = TimeDeltaObject(microseconds: Int128(offset * 1_000_000 + offsetFraction))
      throw fail(
        "offset must be a timedelta strictly between -timedelta(hours=24) and "
          + "timedelta(hours=24), not \(delta.pythonText)."
      )
    }
  }
}

/// The message of a Python ValueError.
package struct PythonValueError: Error {
  package let message: String
}
