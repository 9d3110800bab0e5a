import SectoralJinja

/// A replacement: text with references to groups.
struct RegexTemplate {
  private enum Part {
    case text(String)
    case group(Int)
  }
  private var parts: [Part] = []

  init(_ source: String, _ pattern: RegexPattern) throws(TemplateError) {
    let scalars = Array(source.unicodeScalars)
    var literal = String.UnicodeScalarView()
    var index = 0
    func fail(_ message: String) -> TemplateError {
      .python(.regularExpression, "\(message) at position \(index)")
    }
    func group(_ number: Int) throws(TemplateError) -> Part {
      guard number <= pattern.groupCount else { throw fail("invalid group reference \(number)") }
      return .group(number)
    }
    func flush(_ parts: inout [Part]) {
      if !literal.isEmpty { parts.append(.text(String(literal))) }
      literal = String.UnicodeScalarView()
    }
    while index < scalars.count {
      guard scalars[index] == "\\" else {
        literal.append(scalars[index])
        index += 1
        continue
      }
      guard index + 1 < scalars.count else { throw fail("bad escape (end of pattern)") }
      let letter = scalars[index + 1]
      switch letter {
      case "g":
        guard index + 2 < scalars.count, scalars[index + 2] == "<",
          let end = scalars[(index + 3)...].firstIndex(of: ">")
        else { throw fail("missing <") }
        let name = String(String.UnicodeScalarView(scalars[(index + 3)..<end]))
        flush(&parts)
        if let number = Int(name) {
          parts.append(try group(number))
        } else if let known = pattern.names.first(where: { $0.name == name }) {
          parts.append(.group(known.group))
        } else {
          throw .python(.index, "unknown group name '\(name)'")
        }
        index = end + 1
        continue
      case "1"..."9":
        var number = Int(letter.value) - 48
        var length = 2
        if index + 2 < scalars.count, ("0"..."9").contains(scalars[index + 2]) {
          number = number * 10 + Int(scalars[index + 2].value) - 48
          length = 3
        }
        flush(&parts)
        parts.append(try group(number))
        index += length
        continue
      case "0": literal.append("\0")
      case "n": literal.append("\n")
      case "t": literal.append("\t")
      case "r": literal.append("\r")
      case "a": literal.append("\u{07}")
      case "b": literal.append("\u{08}")
      case "f": literal.append("\u{0C}")
      case "v": literal.append("\u{0B}")
      case "\\": literal.append("\\")
      case "a"..."z", "A"..."Z": throw fail("bad escape \\\(letter)")
      default: literal.append(contentsOf: ["\\", letter])
      }
      index += 2
    }
    flush(&parts)
  }

  func expanded(_ subject: RegexSubject, _ spans: [Range<Int>?]) -> String {
    var out = ""
    for part in parts {
      switch part {
      case .text(let text): out += text
      case .group(let number): out += subject.text(spans[number])
      }
    }
    return out
  }
}
