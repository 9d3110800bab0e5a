/// A zone's rule in the way of POSIX's TZ variable: `EST5EDT,M3.2.0,M11.1.0`.
struct ZoneRule {
  /// When in a year the clock changes.
  struct Change {
    enum Day {
      /// Week 5 is the last; Sunday is 0.
      case weekday(month: Int, week: Int, day: Int)
      /// From 1, without the leap day.
      case fixed(Int)
      /// From 0.
      case dayOfYear(Int)
    }
    var day: Day
    /// Seconds after midnight of the clock that is left; may be negative, or beyond a day.
    var time: Int

    /// Seconds since 1970 on the clock that is left.
    func seconds(in year: Int) -> Int {
      let first = CalendarMath.day(year, 1, 1)
      let number: Int
      switch day {
      case .dayOfYear(let index): number = first + index
      case .fixed(let index):
        number = first + index - 1 + (CalendarMath.isLeap(year) && index >= 60 ? 1 : 0)
      case .weekday(let month, let week, let weekday):
        let start = CalendarMath.day(year, month, 1)
        let lead = (weekday - (CalendarMath.weekday(start) + 1) % 7 + 7) % 7
        var index = lead + (week - 1) * 7
        while index >= CalendarMath.days(inMonth: month, year) { index -= 7 }
        number = start + index
      }
      return number * 86_400 + time
    }
  }

  let standard: ZoneFile.LocalType
  let daylight: (type: ZoneFile.LocalType, start: Change, end: Change)?

  /// nil: not such a rule.
  init?(_ text: Substring) {
    var rest = text.utf8[...]
    guard let name = Self.name(&rest), let offset = Self.offset(&rest) else { return nil }
    standard = ZoneFile.LocalType(offset: -offset, isDaylight: false, abbreviation: name)
    guard !rest.isEmpty else {
      daylight = nil
      return
    }
    guard let other = Self.name(&rest) else { return nil }
    var ahead = -offset + 3600
    if rest.first != UInt8(ascii: ",") {
      guard let given = Self.offset(&rest) else { return nil }
      ahead = -given
    }
    guard let start = Self.change(&rest), let end = Self.change(&rest), rest.isEmpty else {
      return nil
    }
    daylight = (
      ZoneFile.LocalType(offset: ahead, isDaylight: true, abbreviation: other), start, end
    )
  }

  private typealias Bytes = Substring.UTF8View

  private static func name(_ rest: inout Bytes) -> String? {
    if rest.first == UInt8(ascii: "<") {
      guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return nil }
      let name = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      return String(name)
    }
    let name = rest.prefix { (65...90).contains($0) || (97...122).contains($0) }
    guard name.count >= 3 else { return nil }
    rest = rest[name.endIndex...]
    return String(name)
  }

  private static func number(_ rest: inout Bytes) -> Int? {
    let digits = rest.prefix { (48...57).contains($0) }
    guard digits.count <= 4, let value = Int(String(digits) ?? "") else { return nil }
    rest = rest[digits.endIndex...]
    return value
  }

  private static func take(_ byte: Character, _ rest: inout Bytes) -> Bool {
    guard rest.first == byte.asciiValue else { return false }
    rest.removeFirst()
    return true
  }

  /// `5`, `-3:30`, `+1:00:30`, in seconds.
  private static func offset(_ rest: inout Bytes) -> Int? {
    let isNegative = take("-", &rest)
    if !isNegative { _ = take("+", &rest) }
    guard let hours = number(&rest) else { return nil }
    var seconds = hours * 3600
    if take(":", &rest) {
      guard let minutes = number(&rest) else { return nil }
      seconds += minutes * 60
      if take(":", &rest) {
        guard let more = number(&rest) else { return nil }
        seconds += more
      }
    }
    return isNegative ? -seconds : seconds
  }

  /// `,M3.2.0/2`, `,J60`, `,59/24`.
  private static func change(_ rest: inout Bytes) -> Change? {
    guard take(",", &rest) else { return nil }
    let day: Change.Day
    if take("M", &rest) {
      guard let month = number(&rest), take(".", &rest), let week = number(&rest),
        take(".", &rest), let weekday = number(&rest), (1...12).contains(month),
        (1...5).contains(week), (0...6).contains(weekday)
      else { return nil }
      day = .weekday(month: month, week: week, day: weekday)
    } else if take("J", &rest) {
      guard let index = number(&rest), (1...365).contains(index) else { return nil }
      day = .fixed(index)
    } else {
      guard let index = number(&rest), (0...365).contains(index) else { return nil }
      day = .dayOfYear(index)
    }
    var time = 7200
    if take("/", &rest) {
      guard let given = offset(&rest) else { return nil }
      time = given
    }
    return Change(day: day, time: time)
  }
}
