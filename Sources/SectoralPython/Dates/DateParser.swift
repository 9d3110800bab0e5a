/// Reads dates by a format, as Python's `strptime`.
package struct DateParser {
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

  package enum Failure: Error {
    case mismatch
    case badDirective(String)
    case unconverted(String)
    case outOfRange(String)
  }

  private init(_ text: String) { self.text = Array(text.unicodeScalars) }

  package static func parse(_ text: String, _ format: String) throws(Failure) -> Moment {
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
