extension Moment {
  /// As glibc formats in the C locale, with Python's `%f`, `%z`, `%Z`.
  package func formatted(_ format: String) -> String {
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
