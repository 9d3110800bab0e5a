/// Reads ISO 8601 as Python 3.11's `fromisoformat`: nil when the text is none, and a message when
/// it names a day or time that does not exist.
package enum ISOFormat {
  package static func date(_ text: String) -> Result<Moment, PythonValueError>? {
    var reader = Reader(text)
    guard let moment = reader.date(), reader.isAtEnd else { return nil }
    return checked(moment)
  }

  package static func time(_ text: String) -> Result<Moment, PythonValueError>? {
    var reader = Reader(text)
    if reader.peek == UInt8(ascii: "T") { reader.index += 1 }
    var moment = Moment()
    guard reader.time(into: &moment), reader.isAtEnd else { return nil }
    return checked(moment)
  }

  package static func dateTime(_ text: String) -> Result<Moment, PythonValueError>? {
    var reader = Reader(text)
    guard var moment = reader.date() else { return nil }
    if !reader.isAtEnd {
      // Any one character may separate the two.
      reader.index += 1
      while !reader.isAtEnd, reader.bytes[reader.index] & 0xC0 == 0x80 { reader.index += 1 }
      guard reader.time(into: &moment), reader.isAtEnd else { return nil }
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

  private struct Reader {
    let bytes: [UInt8]
    var index = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { index >= bytes.count }
    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func number(_ count: Int) -> Int? {
      guard index + count <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[index..<index + count] {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int(byte) - 48
      }
      index += count
      return value
    }

    mutating func skip(_ byte: UInt8) -> Bool {
      guard peek == byte else { return false }
      index += 1
      return true
    }

    mutating func date() -> Moment? {
      var moment = Moment()
      guard let year = number(4) else { return nil }
      moment.year = year
      let hasDash = skip(UInt8(ascii: "-"))
      if skip(UInt8(ascii: "W")) {
        guard let week = number(2), (1...53).contains(week) else { return nil }
        var weekday = 1
        if hasDash ? skip(UInt8(ascii: "-")) : peek.map({ (48...57).contains($0) }) ?? false {
          guard let day = number(1), (1...7).contains(day) else { return nil }
          weekday = day
        }
        let day = CalendarMath.day(isoYear: year, week: week, weekday: weekday)
        (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
        return moment
      }
      guard let month = number(2) else { return nil }
      if hasDash, !skip(UInt8(ascii: "-")) { return nil }
      guard let day = number(2) else { return nil }
      moment.month = month
      moment.day = day
      return moment
    }

    mutating func time(into moment: inout Moment) -> Bool {
      guard clock(into: &moment) else { return false }
      guard let sign = peek else { return true }
      if sign == UInt8(ascii: "Z") {
        index += 1
        moment.offset = 0
        return true
      }
      guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
      index += 1
      var offset = Moment()
      guard clock(into: &offset) else { return false }
      let seconds = offset.timeOfDay / 1_000_000
      moment.offset = sign == UInt8(ascii: "-") ? -seconds : seconds
      return true
    }

    private mutating func clock(into moment: inout Moment) -> Bool {
      guard let hour = number(2) else { return false }
      moment.hour = hour
      let hasColon = skip(UInt8(ascii: ":"))
      guard hasColon || peek.map({ (48...57).contains($0) }) ?? false else { return true }
      guard let minute = number(2) else { return false }
      moment.minute = minute
      guard hasColon ? skip(UInt8(ascii: ":")) : peek.map({ (48...57).contains($0) }) ?? false
      else { return true }
      guard let second = number(2) else { return false }
      moment.second = second
      guard skip(UInt8(ascii: ".")) || skip(UInt8(ascii: ",")) else { return true }
      var count = 0
      var value = 0
      while let byte = peek, (48...57).contains(byte) {
        if count < 6 { value = value * 10 + Int(byte) - 48 }
        count += 1
        index += 1
      }
      guard count > 0 else { return false }
      for _ in min(count, 6)..<6 { value *= 10 }
      moment.microsecond = value
      return true
    }
  }
}
