/// Reads dates by a format, as Python's `strptime`.
///
/// Python makes a regular expression of the format. A field that could have taken less gives some
/// back when what follows does not fit: `%Y%m%d` reads `202412` as the second of January.
package struct DateParser {
  private let text: [Unicode.Scalar]
  private let elements: [DateFormat.Element]
  private var fields: DateFields

  package enum Failure: Error {
    case mismatch
    case badDirective(String)
    case strayPercent
    case repeatedDirective(String)
    case unconverted(String)
    /// No such date, or a format that says too little.
    case invalid(String)
  }

  private init(_ text: String, _ format: DateFormat) {
    self.text = Array(text.unicodeScalars)
    elements = format.elements
    fields = DateFields(order: format.fields)
  }

  package static func parse(_ text: String, _ format: String) throws(Failure) -> Moment {
    try parse(text, DateFormat(format))
  }

  package static func parse(_ text: String, _ format: DateFormat) throws(Failure) -> Moment {
    var parser = DateParser(text, format)
    guard let end = parser.match(element: 0, at: 0) else { throw .mismatch }
    if end < parser.text.count {
      var rest = ""
      rest.unicodeScalars.append(contentsOf: parser.text[end...])
      throw .unconverted(rest)
    }
    return try parser.fields.moment()
  }

  /// Where the text ends that the elements from `first` on match; nil: they don't.
  ///
  /// Calls itself once for each field, of which there are few.
  private mutating func match(element first: Int, at start: Int) -> Int? {
    var position = start
    for index in first..<elements.count {
      switch elements[index] {
      case .literal(let scalar):
        guard position < text.count, text[position].isEqualIgnoringCase(to: scalar) else {
          return nil
        }
        position += 1
      case .blank:
        let end = text[position...].firstIndex { !$0.isPythonBlank } ?? text.count
        guard end > position else { return nil }
        // A day may begin with a blank, which then is not this element's.
        if index + 1 < elements.count, elements[index + 1] == .field(.day), end - position > 1,
          let rest = match(element: index + 1, at: end) ?? match(element: index + 1, at: end - 1)
        {
          return rest
        }
        position = end
      case .field(let field):
        for (length, value) in candidates(field, at: position) {
          fields[field] = value
          if field == .zone { fields.zoneName = string(position, length) }
          if let end = match(element: index + 1, at: position + length) { return end }
        }
        return nil
      }
    }
    return position
  }

  private func string(_ start: Int, _ length: Int) -> String {
    String(String.UnicodeScalarView(text[start..<start + length]))
  }

  // MARK: Fields

  /// What the field may take here, in the order of Python's alternatives.
  private func candidates(_ field: DateFormat.Field, at start: Int) -> [(length: Int, value: Int)] {
    switch field {
    case .year, .isoYear: return exactly(4, at: start)
    case .shortYear: return exactly(2, at: start)
    case .month, .twelveHour: return numbers(at: start, two: 1...12, one: 1...9)
    case .day:
      let found = numbers(at: start, two: 1...31, one: 1...9)
      if found.isEmpty, start < text.count, text[start] == " ", let digit = ascii(start + 1),
        digit > 0
      {
        return [(2, digit)]
      }
      return found
    case .hour: return numbers(at: start, two: 0...23, one: 0...9)
    case .minute: return numbers(at: start, two: 0...59, one: 0...9)
    case .second: return numbers(at: start, two: 0...61, one: 0...9)
    case .fraction: return fractions(at: start)
    case .dayOfYear: return numbers(at: start, three: 1...366, two: 1...99, one: 1...9)
    case .weekday: return numbers(at: start, one: 0...6)
    case .isoWeekday: return numbers(at: start, one: 1...7)
    case .weekFromSunday, .weekFromMonday: return numbers(at: start, two: 0...53, one: 0...9)
    case .isoWeek: return numbers(at: start, two: 1...53, one: 0...9)
    case .half: return words(["am", "pm"], at: start)
    case .shortMonth: return words(Self.shortMonths, at: start)
    case .monthName: return words(Moment.months, at: start)
    case .shortDay: return words(Self.shortDays, at: start)
    case .dayName: return words(Moment.weekdays, at: start)
    case .offset: return offsets(at: start)
    case .zone: return words(["utc", "gmt"], at: start)
    }
  }

  private static let shortMonths = Moment.months.map { String($0.prefix(3)) }
  private static let shortDays = Moment.weekdays.map { String($0.prefix(3)) }

  private func ascii(_ position: Int) -> Int? {
    guard position < text.count, ("0"..."9").contains(text[position]) else { return nil }
    return Int(text[position].value) - 48
  }

  /// A decimal digit of any script.
  private func digit(_ position: Int) -> Int? {
    if let digit = ascii(position) { return digit }
    guard position < text.count, !text[position].isASCII,
      text[position].properties.numericType == .decimal,
      let value = text[position].properties.numericValue
    else { return nil }
    return Int(value)
  }

  private func number(_ start: Int, _ count: Int) -> Int? {
    var value = 0
    for position in start..<start + count {
      guard let digit = digit(position) else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  private func exactly(_ count: Int, at start: Int) -> [(length: Int, value: Int)] {
    number(start, count).map { [(count, $0)] } ?? []
  }

  private func numbers(
    at start: Int,
    three: ClosedRange<Int>? = nil,
    two: ClosedRange<Int>? = nil,
    one: ClosedRange<Int>
  ) -> [(length: Int, value: Int)] {
    var found: [(length: Int, value: Int)] = []
    for (length, range) in [(3, three), (2, two), (1, one)] {
      if let range, let value = number(start, length), range.contains(value) {
        found.append((length, value))
      }
    }
    return found
  }

  /// One to six digits, as microseconds.
  private func fractions(at start: Int) -> [(length: Int, value: Int)] {
    var count = 0
    while count < 6, ascii(start + count) != nil { count += 1 }
    var found: [(length: Int, value: Int)] = []
    for length in stride(from: count, to: 0, by: -1) {
      var value = number(start, length) ?? 0
      for _ in length..<6 { value *= 10 }
      found.append((length, value))
    }
    return found
  }

  /// The longest of the words that stand here, in any case, and the index in the list; no word but
  /// the full name of May begins with another.
  private func words(_ words: [String], at start: Int) -> [(length: Int, value: Int)] {
    for (index, word) in words.enumerated() {
      let length = word.unicodeScalars.count
      guard start + length <= text.count else { continue }
      let matches = zip(text[start..<start + length], word.unicodeScalars).allSatisfy {
        $0.isEqualIgnoringCase(to: $1)
      }
      if matches { return [(length, index)] }
    }
    return []
  }

  fileprivate static let inconsistentColons = Int.min

  /// Microseconds east of UTC: `Z`, `+01:30`, `-0130`, with seconds and their fraction.
  private func offsets(at start: Int) -> [(length: Int, value: Int)] {
    guard start < text.count else { return [] }
    if text[start] == "Z" { return [(1, 0)] }
    guard text[start] == "+" || text[start] == "-", let hours = number(start + 1, 2) else {
      return []
    }
    let sign = text[start] == "-" ? -1 : 1
    func isColon(_ position: Int) -> Bool { position < text.count && text[position] == ":" }
    let hasColon = isColon(start + 3)
    var position = start + (hasColon ? 4 : 3)
    func sixty(_ position: Int) -> Int? { number(position, 2).flatMap { $0 < 60 ? $0 : nil } }
    guard let minutes = sixty(position) else { return [] }
    position += 2
    var seconds = hours * 3600 + minutes * 60
    var found = [(length: position - start, value: sign * seconds * 1_000_000)]
    let next = isColon(position) ? position + 1 : position
    guard let rest = sixty(next) else { return found }
    if hasColon != isColon(position) {
      // Python's expression reads it, and its arithmetic stumbles.
      return [(next + 2 - start, Self.inconsistentColons)] + found
    }
    position = next + 2
    seconds += rest
    found.insert((position - start, sign * seconds * 1_000_000), at: 0)
    guard position < text.count, text[position] == "." else { return found }
    for (length, micros) in fractions(at: position + 1).reversed() {
      found.insert(
        (position + 1 + length - start, sign * (seconds * 1_000_000 + micros)),
        at: 0
      )
    }
    return found
  }
}

/// What the fields of a text said, and the date that follows from it.
private struct DateFields {
  /// As they stand in the format: of two that say the same, the last counts.
  let order: [DateFormat.Field]
  private var values: [DateFormat.Field: Int] = [:]
  var zoneName: String?

  init(order: [DateFormat.Field]) { self.order = order }

  private func last(_ fields: DateFormat.Field...) -> DateFormat.Field? {
    order.last { fields.contains($0) }
  }

  subscript(_ field: DateFormat.Field) -> Int? {
    get { values[field] }
    set { values[field] = newValue }
  }

  private var year: Int? {
    last(.year, .shortYear) == .shortYear
      ? self[.shortYear].map { $0 < 69 ? 2000 + $0 : 1900 + $0 } : self[.year]
  }

  /// Monday is 0.
  private var weekday: Int? {
    guard let field = last(.dayName, .shortDay, .weekday, .isoWeekday), let value = self[field]
    else { return nil }
    switch field {
    case .weekday: return (value + 6) % 7
    case .isoWeekday: return value - 1
    default: return value
    }
  }

  private var month: Int? {
    guard let field = last(.month, .monthName, .shortMonth), let value = self[field] else {
      return nil
    }
    return field == .month ? value : value + 1
  }

  private var hour: Int? {
    guard let field = last(.hour, .twelveHour), let value = self[field] else { return nil }
    return field == .hour ? value : value % 12 + (self[.half] == 1 ? 12 : 0)
  }

  private func checkCombination() throws(DateParser.Failure) {
    let days = "and a weekday directive ('%A', '%a', '%w', or '%u')."
    if year == nil, self[.isoYear] != nil {
      guard self[.isoWeek] != nil, weekday != nil else {
        throw .invalid(
          "ISO year directive '%G' must be used with the ISO week directive '%V' \(days)"
        )
      }
      guard self[.dayOfYear] == nil else {
        throw .invalid(
          "Day of the year directive '%j' is not compatible with ISO year directive '%G'. Use "
            + "'%Y' instead."
        )
      }
    } else if self[.isoWeek] != nil, self[.weekFromMonday] ?? self[.weekFromSunday] == nil {
      throw .invalid(
        weekday == nil
          ? "ISO week directive '%V' must be used with the ISO year directive '%G' \(days)"
          : "ISO week directive '%V' is incompatible with the year directive '%Y'. Use the ISO "
            + "year '%G' instead."
      )
    }
  }

  func moment() throws(DateParser.Failure) -> Moment {
    try checkCombination()
    var moment = Moment()
    if let year { moment.year = year }
    if let month { moment.month = month }
    if let day = self[.day] { moment.day = day }
    if let hour { moment.hour = hour }
    if let minute = self[.minute] { moment.minute = minute }
    if let second = self[.second] { moment.second = second }
    if let fraction = self[.fraction] { moment.microsecond = fraction }
    if let offset = self[.offset] {
      guard offset != DateParser.inconsistentColons else {
        throw .invalid("Inconsistent use of : in the offset from UTC")
      }
      moment.offset = offset / 1_000_000
      moment.offsetFraction = offset % 1_000_000
      moment.zoneName = zoneName
    }
    if let day = day(inYear: moment.year) {
      guard (CalendarMath.firstDay...CalendarMath.lastDay).contains(day) else {
        throw .invalid("year is out of range")
      }
      (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day)
    }
    do throws(PythonValueError) { try moment.check() } catch { throw .invalid(error.message) }
    return moment
  }

  /// The day since 1970 where the text has it by another count than months.
  private func day(inYear year: Int) -> Int? {
    let first = CalendarMath.day(year, 1, 1)
    if let dayOfYear = self[.dayOfYear] { return first + dayOfYear - 1 }
    guard let weekday else { return nil }
    guard let field = last(.weekFromMonday, .weekFromSunday), let week = self[field] else {
      guard let isoYear = self[.isoYear], let isoWeek = self[.isoWeek] else { return nil }
      return CalendarMath.day(isoYear: isoYear, week: isoWeek, weekday: weekday + 1)
    }
    let shift = field == .weekFromMonday ? 0 : 1
    let lead = (CalendarMath.weekday(first) + shift) % 7
    let wanted = (weekday + shift) % 7
    return week == 0
      ? first + wanted - lead : first + (7 - lead) % 7 + (week - 1) * 7 + wanted
  }
}

extension Unicode.Scalar {
  /// Python's `\s`, which counts the separators of ASCII.
  var isPythonBlank: Bool {
    properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(self)
  }

  func isEqualIgnoringCase(to other: Unicode.Scalar) -> Bool {
    self == other || properties.lowercaseMapping == other.properties.lowercaseMapping
  }
}
