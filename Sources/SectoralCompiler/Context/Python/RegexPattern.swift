import CPCRE2

/// A regular expression compiled by PCRE2, with Python's syntax and meaning.
final class RegexPattern {
  struct Failure: Error {
    let message: String
  }

  let source: String
  let flags: Int
  /// Named groups and their numbers.
  let names: [(name: String, group: Int)]
  let groupCount: Int
  private let code: OpaquePointer
  private let data: OpaquePointer

  // The values of Python's flags.
  static let ignoreCase = 2
  static let locale = 4
  static let multiline = 8
  static let dotAll = 16
  static let unicode = 32
  static let verbose = 64
  static let ascii = 256

  init(_ source: String, flags: Int) throws(Failure) {
    var translator = RegexTranslator(source, flags: flags)
    let pattern = try translator.translated()
    let flags = translator.flags
    self.source = source
    self.flags = flags
    var options = PCRE2_UTF | PCRE2_DUPNAMES
    options &= ~PCRE2_DUPNAMES
    if flags & Self.ascii == 0 { options |= PCRE2_UCP }
    if flags & Self.ignoreCase != 0 { options |= PCRE2_CASELESS }
    if flags & Self.multiline != 0 { options |= PCRE2_MULTILINE }
    if flags & Self.dotAll != 0 { options |= PCRE2_DOTALL }
    if flags & Self.verbose != 0 { options |= PCRE2_EXTENDED }
    var error: Int32 = 0
    var offset = 0
    let context = pcre2_compile_context_create_8(nil)
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    defer { pcre2_compile_context_free_8(context) }
    let bytes = Array(pattern.utf8)
    guard let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, context) else {
      throw Failure(
        message: Self.message(error)
          + " at position \(String(decoding: bytes.prefix(offset), as: UTF8.self).unicodeScalars.count)"
      )
    }
    guard let data = pcre2_match_data_create_from_pattern_8(code, nil) else {
      pcre2_code_free_8(code)
      throw Failure(message: "out of memory")
    }
    self.code = code
    self.data = data
    var count: UInt32 = 0
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
    groupCount = Int(count)
    names = Self.names(of: code)
  }

  deinit {
    pcre2_match_data_free_8(data)
    pcre2_code_free_8(code)
  }

  private static func names(of code: OpaquePointer) -> [(name: String, group: Int)] {
    var count: UInt32 = 0
    var size: UInt32 = 0
    var table: UnsafePointer<UInt8>?
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &count)
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
    guard let table else { return [] }
    return (0..<Int(count)).map { index in
      let entry = table + index * Int(size)
      return (String(cString: entry + 2), Int(entry[0]) << 8 | Int(entry[1]))
    }.sorted { $0.group < $1.group }
  }

  /// Python's words for the commonest mistakes.
  private static func message(_ code: Int32) -> String {
    switch code {
    case 106: return "unterminated character set"
    case 109: return "nothing to repeat"
    case 114: return "missing ), unterminated subpattern"
    case 115: return "invalid group reference"
    case 122: return "unbalanced parenthesis"
    case 125: return "look-behind requires fixed-width pattern"
    case 143: return "redefinition of group name"
    default:
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = pcre2_get_error_message_8(code, &buffer, buffer.count)
      return count > 0 ? String(decoding: buffer.prefix(Int(count)), as: UTF8.self) : "bad pattern"
    }
  }

  enum Anchoring { case anywhere, start, whole }

  /// The spans of the groups in bytes, whole match first; nil: no match.
  ///
  /// `notEmptyAtStart`: Refuses an empty match at `start` itself.
  func match(
    _ subject: [UInt8],
    from start: Int,
    to end: Int,
    _ anchoring: Anchoring = .anywhere,
    notEmptyAtStart: Bool = false
  ) throws(Failure) -> [Range<Int>?]? {
    guard start <= end else { return nil }
    var options = UInt32(PCRE2_NO_UTF_CHECK)
    switch anchoring {
    case .anywhere: break
    case .start: options |= PCRE2_ANCHORED
    case .whole: options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED
    }
    if notEmptyAtStart { options |= UInt32(PCRE2_NOTEMPTY_ATSTART) }
    let result = pcre2_match_8(code, subject, end, start, options, data, nil)
    guard result >= 0 else {
      if result == PCRE2_ERROR_NOMATCH { return nil }
      throw Failure(
        message: "the expression needs too many steps on this text (PCRE2 error \(result))"
      )
    }
    guard let vector = pcre2_get_ovector_pointer_8(data) else { return nil }
    return (0...groupCount).map { group in
      let (lower, upper) = (vector[group * 2], vector[group * 2 + 1])
      return group < Int(result) && lower != Int.max.asUnset && lower <= upper ? lower..<upper : nil
    }
  }
}

extension Int {
  /// PCRE2_UNSET: all bits set.
  fileprivate var asUnset: Int { Int(bitPattern: UInt.max) }
}

/// Writes Python's syntax as PCRE2's, and refuses what Python does not know.
private struct RegexTranslator {
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
