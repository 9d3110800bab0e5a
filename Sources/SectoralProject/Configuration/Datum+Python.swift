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
    var out: [UInt8] = []
    appendPythonQuoted(text, to: &out)
    return String(decoding: out, as: UTF8.self)
  }

  /// Adds a text as Python's `repr` quotes it.
  package static func appendPythonQuoted(_ text: String, to out: inout [UInt8]) {
    let single = UInt8(ascii: "'")
    let double = UInt8(ascii: "\"")
    let quote =
      text.utf8.contains(single) && !text.utf8.contains(double) ? double : single
    out.append(quote)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): out += "\\\\".utf8
      case UInt8(ascii: "\n"): out += "\\n".utf8
      case UInt8(ascii: "\r"): out += "\\r".utf8
      case UInt8(ascii: "\t"): out += "\\t".utf8
      case quote:
        out.append(UInt8(ascii: "\\"))
        out.append(quote)
      case ..<0x20, 0x7F:
        let digits = String(byte, radix: 16)
        out += "\\x\(digits.count == 1 ? "0" : "")\(digits)".utf8
      default: out.append(byte)
      }
    }
    out.append(quote)
  }
}

extension DatumMap {
  /// Variables whose name says that they are secret lose their value: for what is printed or written.
  package var hidingSecrets: DatumMap {
    var shown = self
    for key in keys where key.hasPrefix("DBT_ENV_SECRET_") { shown[key] = .string("*****") }
    return shown
  }

  /// The values that such variables have.
  package var secretTexts: [String] {
    entries.filter { $0.key.hasPrefix("DBT_ENV_SECRET_") }.map(\.value.pythonText)
  }

  /// Variables as an error lists them: JSON, a line each, in the order of their names.
  package var listing: String {
    guard !isEmpty else { return "{}" }
    let lines = hidingSecrets.entries.sorted { $0.key < $1.key }.map { key, value in
      "    \(JSON.text(of: .string(key))): \(JSON.text(of: value, sortKeys: true))"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}"
  }
}
