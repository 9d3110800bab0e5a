package import SectoralYAML

extension Datum {
  /// As Python's `str` prints the value, collections included.
  package var pythonString: String {
    switch self {
    case .list, .map: pythonRepr
    default: pythonText
    }
  }

  /// As Python's `repr` prints the value.
  package var pythonRepr: String {
    switch self {
    case .string(let text), .date(let text): Self.pythonQuoted(text)
    case .list(let items): "[" + items.map(\.pythonRepr).joined(separator: ", ") + "]"
    case .map(let map):
      "{"
        + map.entries.map { "\(Self.pythonQuoted($0.key)): \($0.value.pythonRepr)" }
        .joined(separator: ", ") + "}"
    default: pythonText
    }
  }

  /// A text as Python's `repr` quotes it.
  package static func pythonQuoted(_ text: String) -> String {
    let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    var out = quote
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where String(scalar) == quote: out += "\\\(quote)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\x" + (digits.count == 1 ? "0" : "") + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + quote
  }
}
