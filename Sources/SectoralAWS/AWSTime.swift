#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Times as AWS writes them.
enum AWSTime {
  /// `20150830T123600Z`
  static func basic(_ time: Int) -> String {
    var seconds = time_t(time)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func padded(_ number: Int32, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return padded(parts.tm_year + 1900, 4) + padded(parts.tm_mon + 1, 2)
      + padded(parts.tm_mday, 2) + "T" + padded(parts.tm_hour, 2) + padded(parts.tm_min, 2)
      + padded(parts.tm_sec, 2) + "Z"
  }

  /// Reads `2015-08-30T12:36:00Z`, with or without fractions, with an offset instead of the `Z`; nil
  /// for anything else. In seconds since 1970.
  static func parse(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int32? {
      guard range.upperBound <= bytes.count else { return nil }
      return Int32(String(decoding: bytes[range], as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      bytes[4] == UInt8(ascii: "-"), bytes[13] == UInt8(ascii: ":")
    else { return nil }
    var parts = tm()
    parts.tm_year = year - 1900
    parts.tm_mon = month - 1
    parts.tm_mday = day
    parts.tm_hour = hour
    parts.tm_min = minute
    parts.tm_sec = second
    var time = Int(timegm(&parts))
    let zone = bytes[19...].drop { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    let offset = zone.filter { (0x30...0x39).contains($0) }
    if let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
      offset.count >= 4, let value = Int(String(decoding: offset.prefix(4), as: UTF8.self))
    {
      let seconds = (value / 100) * 3600 + (value % 100) * 60
      time -= sign == UInt8(ascii: "+") ? seconds : -seconds
    }
    return time
  }
}
