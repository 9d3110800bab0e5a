import CPCRE2

/// A regular expression compiled by PCRE2, with Python's syntax and meaning.
package final class RegexPattern {
  struct Failure: Error {
    let message: String
  }

  let source: String
  let flags: Int
  /// Named groups and their numbers.
  let names: [(name: String, group: Int)]
  let groupCount: Int
  /// Where the parenthesis of each group closes, in characters of the pattern.
  let closingOrder: [Int: Int]
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
    closingOrder = translator.closings
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
