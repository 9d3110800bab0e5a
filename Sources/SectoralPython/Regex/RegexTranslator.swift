/// Writes Python's syntax as PCRE2's, and refuses what Python does not know.
struct RegexTranslator {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var out = String.UnicodeScalarView()
  var flags: Int
  /// Groups to where they close.
  private(set) var closings: [Int: Int] = [:]
  private var groupCount = 0
  /// The groups that are open; nil for those that capture nothing.
  private var open: [Int?] = []

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
      case "(":
        let before = out.endIndex
        let letters = (peek(1), peek(2), peek(3))
        try group()
        if out.endIndex == before { break }
        // `(?P=name)` and `(?(1)` open and close no group of their own here.
        if letters.0 != "?" || (letters.1 == "P" && letters.2 == "<") {
          groupCount += 1
          open.append(groupCount)
        } else {
          open.append(nil)
          // The condition of `(?(1)a|b)` has a parenthesis of its own.
          if letters.1 == "(" { open.append(nil) }
        }
      case ")":
        if let group = open.popLast() ?? nil { closings[group] = index }
        out.append(scalar)
        index += 1
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
    return place < scalars.count && scalars[place] == "}"
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
    case "N": return try namedCharacter()
    case "s" where flags & RegexPattern.ascii == 0:
      // Python's blanks hold the separators of ASCII as well.
      let blanks = "\\s\\x1c-\\x1f"
      out.append(contentsOf: (inClass ? blanks : "[\(blanks)]").unicodeScalars)
    case "S" where flags & RegexPattern.ascii == 0 && !inClass:
      out.append(contentsOf: "[^\\s\\x1c-\\x1f]".unicodeScalars)
    case "1"..."9" where !inClass:
      try checkReference()
      out.append(contentsOf: ["\\", letter])
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

  /// `\\N{EM DASH}`
  private mutating func namedCharacter() throws(RegexPattern.Failure) {
    guard peek(2) == "{" else { throw fail("missing {", at: index + 2) }
    guard let end = scalars[(index + 3)...].firstIndex(of: "}") else {
      throw fail("missing }, unterminated name", at: index + 3)
    }
    let name = String(String.UnicodeScalarView(scalars[(index + 3)..<end])).uppercased()
    let found = (0...0x10FFFF as ClosedRange<UInt32>).lazy.compactMap(Unicode.Scalar.init)
      .first { $0.properties.name == name }
    guard let found else { throw fail("undefined character name '\(name)'") }
    out.append(contentsOf: "\\x{\(String(found.value, radix: 16))}".unicodeScalars)
    index = end + 1
  }

  /// A reference within the group that it means can match nothing.
  private func checkReference() throws(RegexPattern.Failure) {
    var number = 0
    var place = index + 1
    while place < min(index + 3, scalars.count), ("0"..."9").contains(scalars[place]) {
      number = number * 10 + Int(scalars[place].value) - 48
      place += 1
    }
    // Three octal digits are a character.
    guard place < index + 3 || place == scalars.count || !("0"..."7").contains(scalars[place])
    else { return }
    guard number <= groupCount else {
      throw fail("invalid group reference \(number)", at: index + 1)
    }
    if open.contains(number) { throw fail("cannot refer to an open group") }
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
    var removed = 0
    var kept = String.UnicodeScalarView()
    var added = 0
    var isRemoving = false
    index += 2
    while let letter = peek(0), letter != ")", letter != ":" {
      let flag: Int
      switch letter {
      case "i": flag = RegexPattern.ignoreCase
      case "m": flag = RegexPattern.multiline
      case "s": flag = RegexPattern.dotAll
      case "x": flag = RegexPattern.verbose
      case "a": flag = RegexPattern.ascii
      case "u": flag = RegexPattern.unicode
      case "L":
        throw fail("bad inline flags: cannot use 'L' flag with a str pattern", at: index + 1)
      case "-":
        flag = 0
        isRemoving = true
      default: throw fail("unknown extension ?\(letter)", at: start + 1)
      }
      if isRemoving { removed |= flag } else { added |= flag }
      guard added & removed == 0 else {
        throw fail("bad inline flags: flag turned on and off", at: index + 1)
      }
      guard
        added & (RegexPattern.ascii | RegexPattern.unicode)
          != RegexPattern.ascii | RegexPattern.unicode
      else {
        throw fail("bad inline flags: flags 'a', 'u' and 'L' are incompatible", at: index + 1)
      }
      if !["a", "u"].contains(letter) { kept.append(letter) }
      index += 1
    }
    guard let end = peek(0) else { throw fail("missing -, : or )") }
    index += 1
    if end == ")" {
      guard !isRemoving else { throw fail("missing :", at: index - 1) }
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
