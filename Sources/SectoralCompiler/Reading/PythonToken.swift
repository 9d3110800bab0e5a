import SectoralProject
import SectoralText

/// A word of Python's grammar, as far as calls with literals need it.
struct PythonToken {
  enum Kind {
    case name, number, symbol
    /// A text that is a literal: `text` is its value.
    case text
    /// A text with expressions in it.
    case formatted
  }

  let kind: Kind
  let text: String
  let span: TextSpan
  /// Whether nothing stands before it in its line.
  let isAtMargin: Bool

  /// The words of a piece of Python, without comments, blanks and ends of lines.
  static func all(in span: TextSpan) throws(Failure) -> [PythonToken] {
    var scanner = Scanner(span: span)
    return try scanner.tokens()
  }

  private struct Scanner {
    let span: TextSpan
    private let bytes: [UInt8]
    private var offset: Int

    init(span: TextSpan) {
      self.span = span
      bytes = span.file.bytes
      offset = span.start
    }

    private func at(_ index: Int) -> UInt8 { index < span.end ? bytes[index] : 0 }

    private static func isNamePart(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        true
      default: false
      }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    mutating func tokens() throws(Failure) -> [PythonToken] {
      var found: [PythonToken] = []
      while offset < span.end {
        let start = offset
        let byte = bytes[start]
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0C, 0x0D, UInt8(ascii: "\\"):
          offset += 1
          continue
        case UInt8(ascii: "#"):
          while offset < span.end, bytes[offset] != 0x0A { offset += 1 }
          continue
        default: break
        }
        var kind = Kind.symbol
        var text: String?
        if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
          (kind, text) = (.text, try string(prefix: ""))
        } else if Self.isDigit(byte) || byte == UInt8(ascii: ".") && Self.isDigit(at(start + 1)) {
          kind = .number
          while Self.isNamePart(at(offset)) || at(offset) == UInt8(ascii: ".") { offset += 1 }
        } else if Self.isNamePart(byte) {
          kind = .name
          while Self.isNamePart(at(offset)) { offset += 1 }
          let word = String(decoding: bytes[start..<offset], as: UTF8.self).lowercased()
          let isQuote = at(offset) == UInt8(ascii: "'") || at(offset) == UInt8(ascii: "\"")
          if isQuote, word.count <= 2, word.allSatisfy({ "rbuft".contains($0) }) {
            text = try string(prefix: word)
            kind = word.contains("f") || word.contains("b") ? .formatted : .text
          }
        } else {
          offset += 1
        }
        found.append(
          PythonToken(
            kind: kind,
            text: text ?? String(decoding: bytes[start..<offset], as: UTF8.self),
            span: TextSpan(file: span.file, start: start, end: offset),
            isAtMargin: start == span.start || bytes[start - 1] == 0x0A
          )
        )
      }
      return found
    }

    /// The value of the text that begins here.
    private mutating func string(prefix: String) throws(Failure) -> String {
      let start = offset
      let quote = bytes[offset]
      let isLong = at(offset + 1) == quote && at(offset + 2) == quote
      let width = isLong ? 3 : 1
      offset += width
      var value: [UInt8] = []
      while offset < span.end {
        let byte = bytes[offset]
        if byte == quote, !isLong || at(offset + 1) == quote && at(offset + 2) == quote {
          offset += width
          return String(decoding: value, as: UTF8.self)
        }
        if byte == 0x0A, !isLong { break }
        if byte == UInt8(ascii: "\\"), offset + 1 < span.end {
          value +=
            prefix.contains("r") ? [byte, bytes[offset + 1]] : Self.escaped(bytes[offset + 1])
          offset += 2
        } else {
          value.append(byte)
          offset += 1
        }
      }
      throw Failure(
        .parsing,
        Diagnostic(
          id: "python.text",
          message: "this text is never closed",
          span: TextSpan(file: span.file, start: start, end: start + width)
        )
      )
    }

    /// What a backslash and a byte stand for; those with digits are left as they are.
    private static func escaped(_ byte: UInt8) -> [UInt8] {
      switch byte {
      case 0x0A: []
      case UInt8(ascii: "n"): [0x0A]
      case UInt8(ascii: "r"): [0x0D]
      case UInt8(ascii: "t"): [0x09]
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): [byte]
      default: [UInt8(ascii: "\\"), byte]
      }
    }
  }
}
