/// Writes Python's syntax as PCRE2's, and refuses what Python does not know.
struct RegexTranslator {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var out = String.UnicodeScalarView()
  var flags: Int

  init(_ source: String, flags: Int) {
    scalars = Array(source.unicodeScalars)
    self.flags = flags
  }

  mutating func translated() throws(RegexPattern.Failure) -> String {
    while index < scalars.count {
      let scalar = scalars[index]
      switch scalar {
      case "\\": try escape(inClass: false)
      case "[": try characterClass()
      case "(": try group()
      case "{" where isOpenRepeat():
        out.append(contentsOf: "{0,".unicodeScalars)
        index += 2
      case "#" where flags & RegexPattern.verbose != 0:
        // A comment may hold anything.
        while index < scalars.count, scalars[index] != "\n" {
          out.append(scalars[index])
          index += 1
        }
      default:
        out.append(scalar)
        index += 1
      }
    }
    return String(out)
  }

  private func fail(_ message: String, at position: Int? = nil) -> RegexPattern.Failure {
    RegexPattern.Failure(message: "\(message) at position \(position ?? index)")
  }

  private func peek(_ offset: Int) -> Unicode.Scalar? {
    index + offset < scalars.count ? scalars[index + offset] : nil
  }

  /// `{,3}`
  private func isOpenRepeat() -> Bool {
    guard peek(1) == "," else { return false }
    var place = index + 2
    while place < scalars.count, ("0"..."9").contains(scalars[place]) { place += 1 }
    return place > index + 2 && place < scalars.count && scalars[place] == "}"
  }

  private mutating func escape(inClass: Bool) throws(RegexPattern.Failure) {
    guard let letter = peek(1) else { throw fail("bad escape (end of pattern)") }
    func hexadecimal(_ count: Int) throws(RegexPattern.Failure) -> String {
      let start = index + 2
      let digits = scalars[min(start, scalars.count)..<min(start + count, scalars.count)]
      guard digits.count == count, digits.allSatisfy({ $0.properties.isASCIIHexDigit }) else {
        throw fail("incomplete escape \\\(letter)")
      }
      return String(String.UnicodeScalarView(digits))
    }
    switch letter {
    case "x", "u", "U":
      let digits = try hexadecimal(letter == "x" ? 2 : letter == "u" ? 4 : 8)
      out.append(contentsOf: "\\x{\(digits)}".unicodeScalars)
      index += 2 + digits.count
      return
    case "v": out.append(contentsOf: "\\x0b".unicodeScalars)
    case "Z":
      guard !inClass else { throw fail("bad escape \\Z") }
      out.append(contentsOf: "\\z".unicodeScalars)
    case "A", "B":
      guard !inClass else { throw fail("bad escape \\\(letter)") }
      out.append(contentsOf: ["\\", letter])
    case "a", "b", "f", "n", "r", "t", "d", "D", "w", "W", "s", "S", "0"..."9":
      out.append(contentsOf: ["\\", letter])
    case "a"..."z", "A"..."Z": throw fail("bad escape \\\(letter)")
    default:
      // A backslash before anything else makes it literal, outside of ASCII as well.
      if letter.isASCII { out.append("\\") }
      out.append(letter)
    }
    index += 2
  }

  private mutating func characterClass() throws(RegexPattern.Failure) {
    let start = index
    out.append("[")
    index += 1
    if peek(0) == "^" {
      out.append("^")
      index += 1
    }
    if peek(0) == "]" {
      out.append(contentsOf: ["\\", "]"])
      index += 1
    }
    while let scalar = peek(0), scalar != "]" {
      switch scalar {
      case "\\": try escape(inClass: true)
      case "[":
        out.append(contentsOf: ["\\", "["])
        index += 1
      default:
        out.append(scalar)
        index += 1
      }
    }
    guard peek(0) == "]" else { throw fail("unterminated character set", at: start) }
    out.append("]")
    index += 1
  }

  private mutating func group() throws(RegexPattern.Failure) {
    guard peek(1) != "*" else { throw fail("nothing to repeat", at: index + 1) }
    guard peek(1) == "?" else {
      out.append("(")
      index += 1
      return
    }
    guard let kind = peek(2) else { throw fail("unexpected end of pattern") }
    switch kind {
    case "#":
      while index < scalars.count, scalars[index] != ")" { index += 1 }
      guard index < scalars.count else { throw fail("missing ), unterminated comment") }
      index += 1
    case ":", "=", "!", ">", "(": copy(3)
    case "<":
      guard peek(3) == "=" || peek(3) == "!" else {
        throw fail("unknown extension ?<\(peek(3).map(String.init) ?? "")", at: index + 1)
      }
      copy(4)
    case "P":
      guard let next = peek(3), next == "<" || next == "=" else {
        throw fail("unknown extension ?P\(peek(3).map(String.init) ?? "")", at: index + 1)
      }
      copy(4)
    default: try inlineFlags()
    }
  }

  private mutating func copy(_ count: Int) {
    out.append(contentsOf: scalars[index..<min(index + count, scalars.count)])
    index += count
  }

  /// `(?i)`, `(?i-s:`; letters that PCRE2 does not know become options.
  private mutating func inlineFlags() throws(RegexPattern.Failure) {
    let start = index
    var kept = String.UnicodeScalarView()
    var added = 0
    var isRemoving = false
    index += 2
    while let letter = peek(0), letter != ")", letter != ":" {
      switch letter {
      case "i": added |= isRemoving ? 0 : RegexPattern.ignoreCase
      case "m": added |= isRemoving ? 0 : RegexPattern.multiline
      case "s": added |= isRemoving ? 0 : RegexPattern.dotAll
      case "x": added |= isRemoving ? 0 : RegexPattern.verbose
      case "a": added |= RegexPattern.ascii
      case "u", "L": added |= RegexPattern.unicode
      case "-": isRemoving = true
      default: throw fail("unknown extension ?\(letter)", at: start + 1)
      }
      if !["a", "u", "L"].contains(letter) { kept.append(letter) }
      index += 1
    }
    guard let end = peek(0) else { throw fail("missing -, : or )") }
    index += 1
    if end == ")" {
      // Python allows flags for the whole pattern at its start alone, in as many groups as one likes.
      guard out.isEmpty else {
        throw fail("global flags not at the start of the expression", at: start)
      }
      flags |= added
      return
    }
    out.append(contentsOf: "(?".unicodeScalars)
    out.append(contentsOf: kept)
    out.append(":")
  }
}
