extension Moment {
  /// As glibc formats in the C locale, with Python's `%f`, `%z`, `%Z`.
  package func formatted(_ format: String) -> String {
    // The C library stops at a NUL.
    let scalars = Array(format.unicodeScalars.prefix { $0 != "\0" })
    var out = ""
    var index = 0
    while index < scalars.count {
      guard scalars[index] == "%", index + 1 < scalars.count else {
        out.unicodeScalars.append(scalars[index])
        index += 1
        continue
      }
      var directive = Directive()
      let next = directive.read(scalars, from: index + 1)
      if next < scalars.count, let text = text(directive, scalars[next]) {
        out += text
      } else {
        for scalar in scalars[index..<min(next + 1, scalars.count)] {
          out.unicodeScalars.append(scalar)
        }
      }
      index = next + 1
    }
    return out
  }

  /// What stands between `%` and the letter.
  private struct Directive {
    var padding: Unicode.Scalar?
    var isUpper = false
    var isSwapped = false
    var width = 0
    var modifier: Unicode.Scalar?
    var isPlain: Bool { padding == nil && !isUpper && !isSwapped && width == 0 && modifier == nil }

    /// The index of the letter.
    mutating func read(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
      var index = start
      while index < scalars.count {
        switch scalars[index] {
        case "-", "_", "0": padding = scalars[index]
        case "^": isUpper = true
        case "#": isSwapped = true
        case "1"..."9":
          // A width of thousands is a mistake, and would cost memory.
          width = min(width * 10 + Int(scalars[index].value) - 48, 1000)
          while index + 1 < scalars.count, ("0"..."9").contains(scalars[index + 1]) {
            index += 1
            width = min(width * 10 + Int(scalars[index].value) - 48, 1000)
          }
        case "E", "O": modifier = scalars[index]
        default: return index
        }
        index += 1
        if modifier != nil { return index }
      }
      return index
    }

    func number(_ value: Int, _ digits: Int, padding fallback: Character = "0") -> String {
      switch padding {
      case "-": padded(value, width, with: " ")
      case "_": padded(value, max(digits, width), with: " ")
      case "0": padded(value, max(digits, width))
      default: padded(value, max(digits, width), with: fallback)
      }
    }

    func text(_ text: String, swappedIsLower: Bool = false) -> String {
      var text = text
      if isSwapped {
        text = swappedIsLower ? text.lowercased() : text.uppercased()
      } else if isUpper {
        text = text.uppercased()
      }
      return filled(text)
    }

    func filled(_ text: String) -> String {
      let missing = width - text.unicodeScalars.count
      return missing > 0
        ? String(repeating: padding == "0" ? "0" : " ", count: missing) + text : text
    }

    func allows(_ letter: Unicode.Scalar) -> Bool {
      switch modifier {
      case "E": !"aAbBdDeFgGhHIjklmMSUVwWsf".unicodeScalars.contains(letter)
      case "O": !"aAcDFxXYsf".unicodeScalars.contains(letter)
      default: true
      }
    }
  }

  private func text(_ directive: Directive, _ letter: Unicode.Scalar) -> String? {
    guard directive.allows(letter) else { return nil }
    let number = directive.number
    func whole(_ format: String) -> String {
      let text = formatted(format)
      return directive.filled(directive.isUpper ? text.uppercased() : text)
    }
    let weekday = CalendarMath.weekday(dayNumber)
    let dayOfYear = dayNumber - CalendarMath.day(year, 1, 1) + 1
    let twelve = hour % 12 == 0 ? 12 : hour % 12
    switch letter {
    case "a": return directive.text(String(Moment.weekdays[weekday].prefix(3)))
    case "A": return directive.text(Moment.weekdays[weekday])
    case "b", "h": return directive.text(String(Moment.months[month - 1].prefix(3)))
    case "B": return directive.text(Moment.months[month - 1])
    case "c": return whole("%a %b %e %H:%M:%S %Y")
    case "C": return number(year / 100, 1, "0")
    case "d": return number(day, 2, "0")
    case "D", "x": return whole("%m/%d/%y")
    case "e": return number(day, 2, " ")
    // Python's own, which knows no flags.
    case "f": return directive.isPlain ? padded(microsecond, 6) : nil
    case "F": return whole("%Y-%m-%d")
    case "g": return number(CalendarMath.isoWeek(dayNumber).year % 100, 2, "0")
    case "G": return number(CalendarMath.isoWeek(dayNumber).year, 1, "0")
    case "H": return number(hour, 2, "0")
    case "I": return number(twelve, 2, "0")
    case "j": return number(dayOfYear, 3, "0")
    case "k": return number(hour, 2, " ")
    case "l": return number(twelve, 2, " ")
    case "m": return number(month, 2, "0")
    case "M": return number(minute, 2, "0")
    case "n": return directive.filled("\n")
    case "p": return directive.text(hour < 12 ? "AM" : "PM", swappedIsLower: true)
    case "P": return directive.filled(hour < 12 ? "am" : "pm")
    case "r": return whole("%I:%M:%S %p")
    case "R": return whole("%H:%M")
    case "s":
      return number(CalendarMath.utc(fromLocal: (local - microsecond) / 1_000_000), 1, "0")
    case "S": return number(second, 2, "0")
    case "t": return directive.filled("\t")
    case "T", "X": return whole("%H:%M:%S")
    case "u": return number(weekday + 1, 1, "0")
    case "U": return number((dayOfYear + 6 - (weekday + 1) % 7) / 7, 2, "0")
    case "V": return number(CalendarMath.isoWeek(dayNumber).week, 2, "0")
    case "w": return number((weekday + 1) % 7, 1, "0")
    case "W": return number((dayOfYear + 6 - weekday) / 7, 2, "0")
    case "y": return number(year % 100, 2, "0")
    case "Y": return number(year, 1, "0")
    case "z":
      guard directive.isPlain || offset == nil else { return libraryOffset(directive) }
      return offset.map {
        Moment.isoOffset($0, fraction: offsetFraction, separator: "")
      } ?? ""
    case "Z":
      // With a flag it is the C library that answers, which knows the machine's zone alone.
      guard directive.isPlain || offset == nil else {
        return directive.text(CalendarMath.localOffset(atUTC: 0).name, swappedIsLower: true)
      }
      return directive.filled(zoneName ?? "")
    case "%": return directive.filled("%")
    default: return nil
    }
  }

  /// `%-z` and its like reach the C library, to which Python gives no offset.
  private func libraryOffset(_ directive: Directive) -> String {
    let lead = String(repeating: " ", count: max(0, directive.width - 1))
    return directive.padding == "-" ? lead + "+0" : lead + "+" + directive.number(0, 4)
  }
}

package func padded(_ value: Int, _ width: Int, with padding: Character = "0") -> String {
  let digits = String(value.magnitude)
  let sign = value < 0 ? "-" : ""
  let missing = width - digits.utf8.count - sign.utf8.count
  guard missing > 0 else { return sign + digits }
  return sign + String(repeating: padding, count: missing) + digits
}
