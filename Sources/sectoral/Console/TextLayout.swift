/// Plain text in columns: padding, wrapping, plurals, numbers.
enum TextLayout {
  /// `text ....` up to the width; a longer text keeps one blank.
  static func dotted(_ text: String, width: Int) -> String {
    let count = text.unicodeScalars.count + 1
    return text + " " + String(repeating: ".", count: max(0, width - count))
  }

  /// Breaks each line at blanks so that it fits the width; words longer than the width stay whole.
  static func wrapped(_ text: String, width: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { wrappedLine($0, width: width) }.joined(separator: "\n")
  }

  private static func wrappedLine(_ line: Substring, width: Int) -> String {
    guard line.unicodeScalars.count > width else { return String(line) }
    var lines: [String] = []
    var current = ""
    for word in line.split(separator: " ", omittingEmptySubsequences: false) {
      if current.isEmpty, lines.isEmpty || !word.isEmpty {
        current = String(word)
      } else if current.unicodeScalars.count + 1 + word.unicodeScalars.count <= width {
        current += " " + word
      } else {
        lines.append(current)
        current = String(word)
      }
    }
    lines.append(current)
    return lines.joined(separator: "\n")
  }

  static func indented(_ text: String, by blanks: Int = 2) -> String {
    let lead = String(repeating: " ", count: blanks)
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { lead + $0 }.joined(separator: "\n")
  }

  static func plural(_ count: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? singular : plural ?? singular + "s")"
  }

  /// A number with so many digits behind the point.
  static func fixed(_ number: Double, digits: Int) -> String {
    guard number.isFinite, abs(number) < 1e12 else { return String(number) }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((abs(number) * scale).rounded(.toNearestOrEven))
    let unit = Int64(scale)
    let fraction = String(scaled % unit)
    let sign = number < 0 && scaled != 0 ? "-" : ""
    let zeros = String(repeating: "0", count: max(0, digits - fraction.utf8.count))
    return digits == 0 ? "\(sign)\(scaled)" : "\(sign)\(scaled / unit).\(zeros)\(fraction)"
  }

  /// The columns a text takes on a terminal; wide characters count twice, marks not at all.
  static func columns(_ text: some StringProtocol) -> Int {
    var count = 0
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F: continue
      case 0x20..<0x300: count += 1
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        count += 2
      default:
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: continue
        default: count += 1
        }
      }
    }
    return count
  }

  /// At most so many columns; what is cut off is shown as an ellipsis.
  static func clipped(_ text: String, columns limit: Int) -> String {
    guard columns(text) > limit else { return text }
    guard limit > 0 else { return "" }
    var out = ""
    var used = 0
    for character in text {
      let width = columns(String(character))
      guard used + width < limit else { break }
      out.append(character)
      used += width
    }
    return out + "…"
  }
}
