/// A point of the calendar and the clock, taken apart for formatting.
struct Moment {
  var year = 1900
  var month = 1
  var day = 1
  var hour = 0
  var minute = 0
  var second = 0
  var microsecond = 0
  /// Seconds east of UTC; nil: naive.
  var offset: Int?
  var zoneName: String?

  static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  static let weekdays = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]

  init() {}

  /// `local`: Microseconds since 1970 on the clock's own face.
  init(local: Int) {
    let days = CalendarMath.floorDivide(local, CalendarMath.microsecondsPerDay)
    (year, month, day) = CalendarMath.date(ofDay: days)
    let time = local - days * CalendarMath.microsecondsPerDay
    microsecond = time % 1_000_000
    let seconds = time / 1_000_000
    hour = seconds / 3600
    minute = seconds / 60 % 60
    second = seconds % 60
  }

  var dayNumber: Int { CalendarMath.day(year, month, day) }
  var timeOfDay: Int { ((hour * 60 + minute) * 60 + second) * 1_000_000 + microsecond }
  var local: Int { dayNumber * CalendarMath.microsecondsPerDay + timeOfDay }

  // MARK: ISO

  var isoDate: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

  /// - Returns: nil for an unknown specification.
  func isoTime(_ precision: String = "auto") -> String? {
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

  /// `+02:00`, with seconds where the offset has them.
  static func isoOffset(_ seconds: Int, separator: String = ":") -> String {
    let size = abs(seconds)
    var text = (seconds < 0 ? "-" : "+") + padded(size / 3600, 2) + separator
    text += padded(size / 60 % 60, 2)
    if size % 60 != 0 { text += separator + padded(size % 60, 2) }
    return text
  }

  // MARK: strftime

  /// As glibc formats in the C locale, with Python's `%f`, `%z`, `%Z`.
  func formatted(_ format: String) -> String {
    var out = ""
    let scalars = Array(format.unicodeScalars)
    var index = 0
    while index < scalars.count {
      guard scalars[index] == "%", index + 1 < scalars.count else {
        out.unicodeScalars.append(scalars[index])
        index += 1
        continue
      }
      var next = index + 1
      var flag: Unicode.Scalar?
      if "-_0^#".unicodeScalars.contains(scalars[next]), next + 1 < scalars.count {
        flag = scalars[next]
        next += 1
      }
      if let text = directive(scalars[next], flag: flag) {
        out += text
      } else {
        for scalar in scalars[index...next] { out.unicodeScalars.append(scalar) }
      }
      index = next + 1
    }
    return out
  }

  private func directive(_ letter: Unicode.Scalar, flag: Unicode.Scalar?) -> String? {
    func number(_ value: Int, _ width: Int, padding: Character = "0") -> String {
      switch flag {
      case "-": return String(value)
      case "_": return padded(value, width, with: " ")
      case "0": return padded(value, width)
      default: return padded(value, width, with: padding)
      }
    }
    func text(_ text: String) -> String {
      switch flag {
      case "^": text.uppercased()
      case "#": letter == "p" || letter == "Z" ? text.lowercased() : text.uppercased()
      default: text
      }
    }
    let weekday = CalendarMath.weekday(dayNumber)
    let dayOfYear = dayNumber - CalendarMath.day(year, 1, 1) + 1
    let twelve = hour % 12 == 0 ? 12 : hour % 12
    switch letter {
    case "a": return text(String(Moment.weekdays[weekday].prefix(3)))
    case "A": return text(Moment.weekdays[weekday])
    case "b", "h": return text(String(Moment.months[month - 1].prefix(3)))
    case "B": return text(Moment.months[month - 1])
    case "c": return formatted("%a %b %e %H:%M:%S %Y")
    case "C": return number(year / 100, 2)
    case "d": return number(day, 2)
    case "D", "x": return formatted("%m/%d/%y")
    case "e": return number(day, 2, padding: " ")
    case "f": return padded(microsecond, 6)
    case "F": return formatted("%Y-%m-%d")
    case "g": return number(CalendarMath.isoWeek(dayNumber).year % 100, 2)
    case "G": return number(CalendarMath.isoWeek(dayNumber).year, 1)
    case "H": return number(hour, 2)
    case "I": return number(twelve, 2)
    case "j": return number(dayOfYear, 3)
    case "k": return number(hour, 2, padding: " ")
    case "l": return number(twelve, 2, padding: " ")
    case "m": return number(month, 2)
    case "M": return number(minute, 2)
    case "n": return "\n"
    case "p": return text(hour < 12 ? "AM" : "PM")
    case "P": return hour < 12 ? "am" : "pm"
    case "r": return formatted("%I:%M:%S %p")
    case "R": return formatted("%H:%M")
    case "s": return String(CalendarMath.utc(fromLocal: (local - microsecond) / 1_000_000))
    case "S": return number(second, 2)
    case "t": return "\t"
    case "T", "X": return formatted("%H:%M:%S")
    case "u": return number(weekday + 1, 1)
    case "U": return number((dayOfYear + 6 - (weekday + 1) % 7) / 7, 2)
    case "V": return number(CalendarMath.isoWeek(dayNumber).week, 2)
    case "w": return number((weekday + 1) % 7, 1)
    case "W": return number((dayOfYear + 6 - weekday) / 7, 2)
    case "y": return number(CalendarMath.floorModulo(year, 100), 2)
    case "Y": return number(year, 1)
    case "z": return offset.map { Moment.isoOffset($0, separator: "") } ?? ""
    case "Z": return text(zoneName ?? "")
    case "%": return "%"
    default: return nil
    }
  }
}

func padded(_ value: Int, _ width: Int, with padding: Character = "0") -> String {
  let digits = String(value.magnitude)
  let sign = value < 0 ? "-" : ""
  let missing = width - digits.utf8.count - sign.utf8.count
  guard missing > 0 else { return sign + digits }
  return sign + String(repeating: padding, count: missing) + digits
}

/// Reads dates by a format, as Python's `strptime`.
struct DateParser {
  private let text: [Unicode.Scalar]
  private var index = 0
  private var moment = Moment()
  private var hourOfTwelve: Int?
  private var isAfternoon: Bool?
  private var dayOfYear: Int?
  private var weekday: Int?
  private var week: (number: Int, startsMonday: Bool)?
  private var isoYear: Int?
  private var isoWeek: Int?
  private var sawYear = false

  enum Failure: Error {
    case mismatch
    case badDirective(String)
    case unconverted(String)
    case outOfRange(String)
  }

  private init(_ text: String) { self.text = Array(text.unicodeScalars) }

  static func parse(_ text: String, _ format: String) throws(Failure) -> Moment {
    var parser = DateParser(text)
    try parser.run(Array(format.unicodeScalars))
    if parser.index < parser.text.count {
      var rest = ""
      rest.unicodeScalars.append(contentsOf: parser.text[parser.index...])
      throw .unconverted(rest)
    }
    return try parser.finished()
  }

  private mutating func run(_ format: [Unicode.Scalar]) throws(Failure) {
    var position = 0
    while position < format.count {
      let scalar = format[position]
      if scalar == "%" {
        guard position + 1 < format.count else { throw .badDirective("%") }
        try read(format[position + 1])
        position += 2
      } else if scalar.properties.isWhitespace {
        guard index < text.count, text[index].properties.isWhitespace else { throw .mismatch }
        while index < text.count, text[index].properties.isWhitespace { index += 1 }
        while position < format.count, format[position].properties.isWhitespace { position += 1 }
      } else {
        guard index < text.count,
          text[index].properties.lowercaseMapping == scalar.properties.lowercaseMapping
        else { throw .mismatch }
        index += 1
        position += 1
      }
    }
  }

  private mutating func read(_ letter: Unicode.Scalar) throws(Failure) {
    switch letter {
    case "Y":
      moment.year = try number(exactly: 4)
      sawYear = true
    case "y":
      let year = try number(exactly: 2)
      moment.year = year < 69 ? 2000 + year : 1900 + year
      sawYear = true
    case "m": moment.month = try number(1...12, 2)
    case "d": moment.day = try number(1...31, 2, allowsBlank: true)
    case "H": moment.hour = try number(0...23, 2)
    case "I": hourOfTwelve = try number(1...12, 2)
    case "M": moment.minute = try number(0...59, 2)
    case "S": moment.second = try number(0...61, 2)
    case "f": moment.microsecond = try fraction()
    case "j": dayOfYear = try number(1...366, 3)
    case "w":
      let day = try number(0...6, 1)
      weekday = (day + 6) % 7
    case "u": weekday = try number(1...7, 1) - 1
    case "U": week = (try number(0...53, 2), false)
    case "W": week = (try number(0...53, 2), true)
    case "V": isoWeek = try number(1...53, 2)
    case "G": isoYear = try number(exactly: 4)
    case "p":
      isAfternoon = try word(["am", "pm"]) == 1
    case "b": moment.month = try word(Moment.months.map { String($0.prefix(3)) }) + 1
    case "B": moment.month = try word(Moment.months) + 1
    case "a": weekday = try word(Moment.weekdays.map { String($0.prefix(3)) })
    case "A": weekday = try word(Moment.weekdays)
    case "c": try run(Array("%a %b %d %H:%M:%S %Y".unicodeScalars))
    case "x": try run(Array("%m/%d/%y".unicodeScalars))
    case "X": try run(Array("%H:%M:%S".unicodeScalars))
    case "z": try readOffset()
    case "Z": moment.zoneName = ["utc", "gmt"][try word(["utc", "gmt"])].uppercased()
    case "%":
      guard index < text.count, text[index] == "%" else { throw .mismatch }
      index += 1
    default: throw .badDirective(String(letter))
    }
  }

  private func digit(at position: Int) -> Int? {
    guard position < text.count, ("0"..."9").contains(text[position]) else { return nil }
    return Int(text[position].value) - 48
  }

  private mutating func number(exactly count: Int) throws(Failure) -> Int {
    var value = 0
    for _ in 0..<count {
      guard let digit = digit(at: index) else { throw .mismatch }
      value = value * 10 + digit
      index += 1
    }
    return value
  }

  private mutating func number(
    _ range: ClosedRange<Int>,
    _ width: Int,
    allowsBlank: Bool = false
  ) throws(Failure) -> Int {
    if allowsBlank, index < text.count, text[index] == " ", let digit = digit(at: index + 1),
      digit > 0
    {
      index += 2
      return digit
    }
    // The longest run of digits that is in range, as the alternatives of Python's expression.
    for count in stride(from: width, through: 1, by: -1) {
      var value = 0
      var complete = true
      for offset in 0..<count {
        guard let digit = digit(at: index + offset) else {
          complete = false
          break
        }
        value = value * 10 + digit
      }
      if complete, range.contains(value) {
        index += count
        return value
      }
    }
    throw .mismatch
  }

  private mutating func fraction() throws(Failure) -> Int {
    var value = 0
    var count = 0
    while count < 6, let digit = digit(at: index) {
      value = value * 10 + digit
      count += 1
      index += 1
    }
    guard count > 0 else { throw .mismatch }
    for _ in count..<6 { value *= 10 }
    return value
  }

  /// The index of the word that stands here, in any case.
  private mutating func word(_ words: [String]) throws(Failure) -> Int {
    for (position, word) in words.enumerated() {
      let scalars = Array(word.lowercased().unicodeScalars)
      guard index + scalars.count <= text.count else { continue }
      let matches = scalars.indices.allSatisfy {
        text[index + $0].properties.lowercaseMapping == String(scalars[$0])
      }
      if matches {
        index += scalars.count
        return position
      }
    }
    throw .mismatch
  }

  private mutating func readOffset() throws(Failure) {
    guard index < text.count else { throw .mismatch }
    if text[index] == "Z" || text[index] == "z" {
      index += 1
      moment.offset = 0
      return
    }
    guard text[index] == "+" || text[index] == "-" else { throw .mismatch }
    let isNegative = text[index] == "-"
    index += 1
    var seconds = try number(exactly: 2) * 3600
    let hasColon = index < text.count && text[index] == ":"
    if hasColon { index += 1 }
    seconds += try number(0...59, 2) * 60
    if hasColon ? index < text.count && text[index] == ":" : digit(at: index) != nil {
      if hasColon { index += 1 }
      seconds += try number(0...59, 2)
    }
    moment.offset = isNegative ? -seconds : seconds
  }

  private mutating func finished() throws(Failure) -> Moment {
    if let twelve = hourOfTwelve {
      moment.hour = twelve % 12 + (isAfternoon == true ? 12 : 0)
    }
    if let isoYear, let isoWeek, let weekday {
      let day = CalendarMath.day(isoYear: isoYear, week: isoWeek, weekday: weekday + 1)
      (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
    } else if let dayOfYear {
      let day = CalendarMath.day(moment.year, 1, 1) + dayOfYear - 1
      (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
    } else if let week, let weekday, sawYear {
      let first = CalendarMath.day(moment.year, 1, 1)
      let startOfWeek = CalendarMath.weekday(first)
      let lead = week.startsMonday ? startOfWeek : (startOfWeek + 1) % 7
      let wanted = week.startsMonday ? weekday : (weekday + 1) % 7
      let day =
        week.number == 0
        ? first + wanted - lead
        : first + (7 - lead) % 7 + (week.number - 1) * 7 + wanted
      (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
    }
    guard (1...9999).contains(moment.year) else {
      throw .outOfRange("year \(moment.year) is out of range")
    }
    guard moment.day <= CalendarMath.days(inMonth: moment.month, moment.year) else {
      throw .outOfRange("day is out of range for month")
    }
    guard moment.second <= 59 else { throw .outOfRange("second must be in 0..59") }
    return moment
  }
}

/// Reads ISO 8601 as Python 3.11's `fromisoformat`: nil when the text is none, and a message when
/// it names a day or time that does not exist.
enum ISOFormat {
  static func date(_ text: String) -> Result<Moment, PythonValueError>? {
    var reader = Reader(text)
    guard let moment = reader.date(), reader.isAtEnd else { return nil }
    return checked(moment)
  }

  static func time(_ text: String) -> Result<Moment, PythonValueError>? {
    var reader = Reader(text)
    if reader.peek == UInt8(ascii: "T") { reader.index += 1 }
    var moment = Moment()
    guard reader.time(into: &moment), reader.isAtEnd else { return nil }
    return checked(moment)
  }

  static func dateTime(_ text: String) -> Result<Moment, PythonValueError>? {
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

/// The message of a Python ValueError.
struct PythonValueError: Error {
  let message: String
}

extension Moment {
  /// Refuses what no calendar or clock shows, in Python's words.
  func check() throws(PythonValueError) {
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
  }
}
