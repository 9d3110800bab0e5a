import SectoralPython

/// How the texts of a CSV file are read.
enum CellText {
  typealias Bytes = UnsafeBufferPointer<UInt8>

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func trimmed(_ bytes: Bytes) -> Bytes {
    var start = 0
    var end = bytes.count
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return Bytes(rebasing: bytes[start..<end])
  }

  private static func matches(_ bytes: Bytes, _ word: StaticString) -> Bool {
    let bytes = trimmed(bytes)
    guard bytes.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] | 0x20 != word.utf8Start[index] { return false }
    return true
  }

  /// Blank, or `null` in any case.
  static func isNull(_ bytes: Bytes) -> Bool {
    if bytes.isEmpty { return true }
    // Most cells begin with something that no NULL begins with.
    guard isBlank(bytes[0]) || bytes[0] | 0x20 == UInt8(ascii: "n") else { return false }
    return trimmed(bytes).isEmpty || matches(bytes, "null")
  }

  static func isTrue(_ bytes: Bytes) -> Bool { matches(bytes, "true") }
  static func isFalse(_ bytes: Bytes) -> Bool { matches(bytes, "false") }

  /// Digits, with a sign before and at most one point between: what any database reads as it is.
  static func isPlainNumber(_ bytes: Bytes, allowsPoint: Bool) -> Bool {
    var index = 0
    if bytes.count > 1, bytes[0] == UInt8(ascii: "-") { index = 1 }
    guard index < bytes.count, bytes.count < 28, (48...57).contains(bytes[index]) else {
      return false
    }
    var sawPoint = !allowsPoint
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else if !(48...57).contains(bytes[index]) {
        return false
      }
      index += 1
    }
    return bytes[index - 1] != UInt8(ascii: ".")
  }

  private static let currencySigns: Set<Unicode.Scalar> = [
    "؋", "$", "ƒ", "៛", "¥", "₡", "₱", "£", "€", "¢", "﷼", "₪", "₩", "₭", "₮", "₦", "฿", "₤", "₫",
  ]

  /// A number with thousands separators, percent and currency signs.
  static func number(_ text: String) -> DecimalNumber? {
    // What holds no digit is a number only when it is called infinity or nan.
    var scalars = Array(text.unicodeScalars)[...]
    func strip(_ isCut: (Unicode.Scalar) -> Bool) {
      while let first = scalars.first, isCut(first) { scalars.removeFirst() }
      while let last = scalars.last, isCut(last) { scalars.removeLast() }
    }
    strip { $0.properties.isWhitespace }
    strip { $0 == "%" }
    var isNegative = false
    if scalars.first == "-" {
      isNegative = true
      scalars.removeFirst()
    }
    strip { currencySigns.contains($0) }
    var plain = ""
    plain.unicodeScalars.append(contentsOf: scalars.lazy.filter { $0 != "," })
    guard plain.lowercased() != "snan", let number = DecimalNumber(plain) else { return nil }
    return isNegative ? DecimalNumber(-1) * number : DecimalNumber(1) * number
  }

  /// `2024-01-02`, a day that exists.
  static func isISODate(_ bytes: Bytes) -> Bool {
    guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else {
      return false
    }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in bytes[range] {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int(byte) - 48
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else {
      return false
    }
    return year >= 1 && (1...12).contains(month) && day >= 1
      && day <= CalendarMath.days(inMonth: month, year)
  }

  /// `2024-01-02 03:04:05`
  static func isPlainTime(_ bytes: Bytes) -> Bool {
    guard bytes.count == 19, bytes[10] == 32, bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), isISODate(Bytes(rebasing: bytes[0..<10]))
    else { return false }
    func number(at index: Int) -> Int? {
      let (tens, ones) = (bytes[index], bytes[index + 1])
      guard (48...57).contains(tens), (48...57).contains(ones) else { return nil }
      return Int(tens - 48) * 10 + Int(ones - 48)
    }
    guard let hour = number(at: 11), let minute = number(at: 14), let second = number(at: 17)
    else { return false }
    return hour < 24 && minute < 60 && second < 60
  }

  /// Whether it begins like a date: with two digits, perhaps behind blanks.
  static func mayBeTime(_ bytes: Bytes) -> Bool {
    let bytes = trimmed(bytes)
    return bytes.count >= 5 && bytes.count < 80 && (48...57).contains(bytes[0])
      && (48...57).contains(bytes[1])
  }

  private static func stripped(_ text: String) -> String {
    var text = Substring(text)
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  // Both are right: a format that is not gives nothing.
  private static let dateFormat = try? DateFormat("%Y-%m-%d")
  private static let timeFormat = try? DateFormat("%Y-%m-%d %H:%M:%S")

  static func date(_ text: String) -> Moment? { parse(stripped(text), dateFormat) }

  static func time(_ text: String, _ type: TableType) -> Moment? {
    type == .dateTime
      ? parse(stripped(text), timeFormat) : ISODateTime.parse(stripped(text))
  }

  private static func parse(_ text: String, _ format: DateFormat?) -> Moment? {
    guard let format else { return nil }
    do throws(DateParser.Failure) {
      return try DateParser.parse(text, format)
    } catch {
      return nil
    }
  }

  static func appendQuoted(_ bytes: Bytes, _ out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    if bytes.contains(UInt8(ascii: "\"")) {
      for byte in bytes {
        if byte == UInt8(ascii: "\"") { out.append(byte) }
        out.append(byte)
      }
    } else {
      out.append(contentsOf: bytes)
    }
    out.append(UInt8(ascii: "\""))
  }
}

/// ISO 8601 with a `T`, in every shape that the standard allows: `2024-W01-1T03`, `20240102T0304`.
private enum ISODateTime {
  static func parse(_ text: String) -> Moment? {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
      var moment = date(Array(parts[0].utf8)), time(Array(parts[1].utf8), &moment)
    else { return nil }
    do throws(PythonValueError) {
      try moment.check()
      return moment
    } catch {
      return nil
    }
  }

  private static func number(_ bytes: some Collection<UInt8>) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var value = 0
    for byte in bytes {
      guard (48...57).contains(byte) else { return nil }
      value = value * 10 + Int(byte) - 48
    }
    return value
  }

  private static func date(_ bytes: [UInt8]) -> Moment? {
    let shape = String(
      decoding: bytes.map { (48...57).contains($0) ? UInt8(ascii: "0") : $0 },
      as: UTF8.self
    )
    func part(_ range: Range<Int>) -> Int { number(bytes[range]) ?? 0 }
    var moment = Moment()
    func set(day: Int) { (moment.year, moment.month, moment.day) = CalendarMath.date(ofDay: day) }
    switch shape {
    case "0000-00-00":
      (moment.year, moment.month, moment.day) = (part(0..<4), part(5..<7), part(8..<10))
    case "00000000":
      (moment.year, moment.month, moment.day) = (part(0..<4), part(4..<6), part(6..<8))
    case "0000-00": (moment.year, moment.month) = (part(0..<4), part(5..<7))
    case "0000": moment.year = part(0..<4)
    case "00": moment.year = part(0..<2) * 100 + 1
    case "0000-000", "0000000":
      let day = part(shape.utf8.count == 8 ? 5..<8 : 4..<7)
      let year = part(0..<4)
      guard year >= 1, day >= 1, day <= (CalendarMath.isLeap(year) ? 366 : 365) else { return nil }
      set(day: CalendarMath.day(year, 1, 1) + day - 1)
    case "0000-W00-0", "0000W000", "0000-W00", "0000W00":
      let isExtended = shape.utf8.contains(UInt8(ascii: "-"))
      let week = part(isExtended ? 6..<8 : 5..<7)
      let hasDay = shape.utf8.count > (isExtended ? 8 : 7)
      let day = hasDay ? part((bytes.count - 1)..<bytes.count) : 1
      guard (1...53).contains(week), (1...7).contains(day), part(0..<4) >= 1 else { return nil }
      set(day: CalendarMath.day(isoYear: part(0..<4), week: week, weekday: day))
    default: return nil
    }
    return moment
  }

  private static func time(_ bytes: [UInt8], _ moment: inout Moment) -> Bool {
    var clock = bytes[...]
    if clock.last == UInt8(ascii: "Z") {
      clock.removeLast()
      moment.offset = 0
    } else if let sign = clock.lastIndex(where: {
      $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
    }) {
      let zone = clock[(sign + 1)...].filter { $0 != UInt8(ascii: ":") }
      let hasColon = clock[(sign + 1)...].contains(UInt8(ascii: ":"))
      guard zone.count == 2 || zone.count == 4, let value = number(zone),
        !hasColon || (zone.count == 4 && clock[sign + 3] == UInt8(ascii: ":"))
      else { return false }
      let seconds = zone.count == 2 ? value * 3600 : value / 100 * 3600 + value % 100 * 60
      guard seconds < 86_400 else { return false }
      moment.offset = clock[sign] == UInt8(ascii: "-") ? -seconds : seconds
      clock = clock[..<sign]
    }
    var fraction: [UInt8] = []
    if let point = clock.firstIndex(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }) {
      fraction = Array(clock[(point + 1)...])
      guard number(fraction) != nil, fraction.count < 16 else { return false }
      clock = clock[..<point]
    }
    let parts = clock.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    let fields: [ArraySlice<UInt8>]
    if parts.count == 1 {
      guard clock.count % 2 == 0, clock.count <= 6 else { return false }
      fields = stride(from: clock.startIndex, to: clock.endIndex, by: 2).map { clock[$0..<$0 + 2] }
    } else {
      fields = parts
    }
    guard (1...3).contains(fields.count), fields.allSatisfy({ $0.count == 2 }) else { return false }
    let values = fields.compactMap { number($0) }
    guard values.count == fields.count else { return false }
    moment.hour = values[0]
    moment.minute = values.count > 1 ? values[1] : 0
    moment.second = values.count > 2 ? values[2] : 0
    guard !fraction.isEmpty else { return true }
    // A fraction belongs to the smallest unit that is written.
    var scale = 1
    for _ in fraction { scale *= 10 }
    let unit = [3600, 60, 1][values.count - 1]
    let micros =
      (number(fraction) ?? 0) * unit / scale * 1_000_000
      + (number(fraction) ?? 0) * unit % scale * 1_000_000 / scale
    let total = moment.timeOfDay + micros
    guard moment.hour < 24 else { return false }
    let shown = Moment(local: total)
    (moment.hour, moment.minute, moment.second, moment.microsecond) = (
      shown.hour, shown.minute, shown.second, shown.microsecond
    )
    return true
  }
}
