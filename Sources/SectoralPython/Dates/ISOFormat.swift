/// Reads ISO 8601 as Python 3.11's `fromisoformat`: nil when the text is none, and a message when
/// it names a day or time that does not exist.
package enum ISOFormat {
  package static func date(_ text: String) -> Result<Moment, PythonValueError>? {
    let bytes = Array(text.utf8)
    var moment = Moment()
    guard readDate(bytes[...], &moment) else { return nil }
    return checked(moment)
  }

  package static func time(_ text: String) -> Result<Moment, PythonValueError>? {
    let bytes = Array(text.utf8)
    var moment = Moment()
    guard readTime(bytes.dropFirst(bytes.first == UInt8(ascii: "T") ? 1 : 0), &moment) else {
      return nil
    }
    return checked(moment)
  }

  package static func dateTime(_ text: String) -> Result<Moment, PythonValueError>? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 7 else { return nil }
    let end = dateLength(bytes)
    var moment = Moment()
    guard end <= bytes.count, readDate(bytes[..<end], &moment) else { return nil }
    if end < bytes.count {
      // Any one character may separate the two.
      var start = end + 1
      while start < bytes.count, bytes[start] & 0xC0 == 0x80 { start += 1 }
      guard start < bytes.count, readTime(bytes[start...], &moment) else { return nil }
    }
    return checked(moment)
  }

  private static func checked(_ moment: Moment) -> Result<Moment, PythonValueError> {
    do throws(PythonValueError) {
      try moment.check()
      return .success(moment)
    } catch {
      return .failure(error)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  /// How many of the bytes are the date. A hyphen after a week may begin the weekday or separate
  /// the time; digits after a week without hyphens may be the weekday or the hour.
  private static func dateLength(_ bytes: [UInt8]) -> Int {
    if bytes.count == 7 { return 7 }
    let (dash, week) = (UInt8(ascii: "-"), UInt8(ascii: "W"))
    if bytes[4] == dash {
      guard bytes[5] == week else { return 10 }
      guard bytes.count > 8, bytes[8] == dash else { return 8 }
      return bytes.count > 10 && isDigit(bytes[10]) ? 8 : 10
    }
    guard bytes[4] == week else { return 8 }
    var end = 7
    while end < bytes.count, isDigit(bytes[end]) { end += 1 }
    if end < 9 { return end }
    return end % 2 == 0 ? 7 : 8
  }

  private static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> Int? {
    let start = bytes.startIndex + offset
    guard start + count <= bytes.endIndex else { return nil }
    var value = 0
    for byte in bytes[start..<start + count] {
      guard isDigit(byte) else { return nil }
      value = value * 10 + Int(byte) - 48
    }
    return value
  }

  /// `2024-01-02`, `20240102`, `2024-W01-2`, `2024W012`, and weeks without a day.
  private static func readDate(_ bytes: ArraySlice<UInt8>, _ moment: inout Moment) -> Bool {
    guard let year = number(bytes, 0, 4), bytes.count >= 7 else { return false }
    let start = bytes.startIndex
    let hasDash = bytes[start + 4] == UInt8(ascii: "-")
    let rest = hasDash ? 5 : 4
    if bytes[start + rest] == UInt8(ascii: "W") {
      guard let week = number(bytes, rest + 1, 2) else { return false }
      var weekday = 1
      var end = rest + 3
      if end < bytes.count {
        if hasDash {
          guard bytes[start + end] == UInt8(ascii: "-") else { return false }
          end += 1
        }
        guard let day = number(bytes, end, 1), end + 1 == bytes.count else { return false }
        weekday = day
      }
      guard (1...9999).contains(year), (1...7).contains(weekday), week >= 1,
        week <= CalendarMath.weeks(inISOYear: year)
      else { return false }
      let day = CalendarMath.day(isoYear: year, week: week, weekday: weekday)
      (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
      return true
    }
    guard let month = number(bytes, rest, 2) else { return false }
    if hasDash, bytes.count != 10 || bytes[start + 7] != UInt8(ascii: "-") { return false }
    guard let day = number(bytes, hasDash ? 8 : 6, 2), bytes.count == (hasDash ? 10 : 8) else {
      return false
    }
    (moment.year, moment.month, moment.day) = (year, month, day)
    return true
  }

  private static func readTime(_ bytes: ArraySlice<UInt8>, _ moment: inout Moment) -> Bool {
    let zone = bytes.firstIndex { "+-Z".utf8.contains($0) }
    // Before a zone Python passes over one character that belongs to nothing.
    guard clock(bytes[..<(zone ?? bytes.endIndex)], &moment, allowsRest: zone != nil) else {
      return false
    }
    guard let zone else { return true }
    if bytes[zone] == UInt8(ascii: "Z") {
      moment.offset = 0
      return zone + 1 == bytes.endIndex
    }
    var offset = Moment()
    guard clock(bytes[(zone + 1)...], &offset, allowsRest: false) else { return false }
    let sign = bytes[zone] == UInt8(ascii: "-") ? -1 : 1
    moment.offset = sign * (offset.timeOfDay / 1_000_000)
    moment.offsetFraction = sign * offset.microsecond
    return true
  }

  /// `03`, `03:04`, `030405`, `03:04:05.678`.
  private static func clock(
    _ bytes: ArraySlice<UInt8>,
    _ moment: inout Moment,
    allowsRest: Bool
  ) -> Bool {
    var values = [0, 0, 0]
    var hasColon = true
    var index = 0
    func finish(_ isWhole: Bool) -> Bool {
      (moment.hour, moment.minute, moment.second) = (values[0], values[1], values[2])
      return isWhole || allowsRest
    }
    for part in 0..<3 {
      guard let value = number(bytes, index, 2) else { return false }
      values[part] = value
      index += 2
      guard index < bytes.count else { return finish(true) }
      let next = bytes[bytes.startIndex + index]
      if part == 0 { hasColon = next == UInt8(ascii: ":") }
      if index + 1 == bytes.count { return finish(false) }
      if hasColon, next == UInt8(ascii: ":") {
        // Behind the seconds Python takes a colon for the point, and needs none in `030405678`.
        index += 1
      } else if next == UInt8(ascii: ".") || next == UInt8(ascii: ",") {
        guard part == 2 else { return false }
        index += 1
      } else if hasColon {
        return false
      }
    }
    let count = min(6, bytes.count - index)
    guard var value = number(bytes, index, count) else { return false }
    for _ in count..<6 { value *= 10 }
    moment.microsecond = value
    index += count
    while index < bytes.count, isDigit(bytes[bytes.startIndex + index]) { index += 1 }
    return finish(index == bytes.count)
  }
}
