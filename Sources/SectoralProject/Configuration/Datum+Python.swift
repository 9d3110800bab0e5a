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
    var out = ""
    appendPythonQuoted(text, to: &out)
    return out
  }

  /// Adds a text as Python's `repr` quotes it.
  package static func appendPythonQuoted(_ text: String, to out: inout String) {
    let bytes = text.utf8
    // Nearly all texts are as they are between quotes.
    if bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x27 && $0 != 0x5C }) {
      out += "'"
      out += text
      out += "'"
      return
    }
    let hasDouble = bytes.contains(UInt8(ascii: "\""))
    let quote: Unicode.Scalar = bytes.contains(UInt8(ascii: "'")) && !hasDouble ? "\"" : "'"
    out.unicodeScalars.append(quote)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case quote: out += "\\\(quote)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        out += "\\x" + (digits.count == 1 ? "0" : "") + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out.unicodeScalars.append(quote)
  }
}
