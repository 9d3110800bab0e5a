/// The text of one file, and where its lines begin.
///
/// `path` is what a user should read: relative to the project's root where there is one.
public final class SourceFile: Sendable {
  public let path: String
  public let bytes: [UInt8]

  /// The text is a value that is written somewhere in the file, and not what the file holds.
  public let isExcerpt: Bool

  /// Words after whose colon something stands that is not for everybody's eyes: `password`.
  private let secretKeys: [String]

  /// `bytes`: UTF-8; invalid sequences are kept and shown as U+FFFD.
  public init(
    path: String,
    bytes: [UInt8],
    isExcerpt: Bool = false,
    secretKeys: [String] = []
  ) {
    self.path = path
    self.bytes = bytes
    self.isExcerpt = isExcerpt
    self.secretKeys = secretKeys
  }

  public convenience init(path: String, text: String) {
    self.init(path: path, bytes: Array(text.utf8))
  }

  /// The whole text; invalid UTF-8 is repaired.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The file up to its last blanks: so dbt reads YAML, and a block text at the end has no line end.
  public var withoutFinalBlanks: SourceFile {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 0x20 || (0x09...0x0D).contains(bytes[end - 1]) { end -= 1 }
    return end == bytes.count
      ? self
      : SourceFile(
        path: path,
        bytes: Array(bytes[..<end]),
        isExcerpt: isExcerpt,
        secretKeys: secretKeys
      )
  }

  /// Whether a secret is written in a byte range. A template is none: it only says where one is.
  func holdsSecret(in range: Range<Int>) -> Bool {
    guard !secretKeys.isEmpty else { return false }
    let text = text(in: range)
    return secretKeys.contains { key in
      text.ranges(of: key).contains { place in
        let rest = text[place.upperBound...].drop { "\"' ".contains($0) }
        return rest.hasPrefix(":") && !rest.dropFirst().drop { "\"' ".contains($0) }.hasPrefix("{{")
      }
    }
  }

  /// The text of a byte range, clamped to the file.
  public func text(in range: Range<Int>) -> String {
    String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
  }

  /// Line and column of a byte offset, both from 1, the column in characters (Unicode scalars).
  public func position(at byteOffset: Int) -> (line: Int, column: Int) {
    let end = min(max(byteOffset, 0), bytes.count)
    var line = 1
    var lineStart = 0
    for index in 0..<end where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    let column = bytes[lineStart..<end].count { $0 & 0xC0 != 0x80 } + 1
    return (line, column)
  }

  /// The byte range of a line (from 1), without its line end.
  public func lineRange(_ line: Int) -> Range<Int> {
    var current = 1
    var start = 0
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\n") {
        if current == line { return trimmingCarriageReturn(start..<index) }
        current += 1
        start = index + 1
      }
      index += 1
    }
    return current == line ? trimmingCarriageReturn(start..<bytes.count) : bytes.count..<bytes.count
  }

  /// The byte offset of a line and column (both from 1, the column in scalars), clamped.
  public func offset(line: Int, column: Int) -> Int {
    let range = lineRange(line)
    var index = range.lowerBound
    var remaining = column - 1
    while index < range.upperBound, remaining > 0 {
      index += 1
      while index < range.upperBound, bytes[index] & 0xC0 == 0x80 { index += 1 }
      remaining -= 1
    }
    return index
  }

  private func trimmingCarriageReturn(_ range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty, bytes[range.upperBound - 1] == UInt8(ascii: "\r") else { return range }
    return range.lowerBound..<range.upperBound - 1
  }
}

/// A byte range of a file.
public struct TextSpan: Sendable {
  public let file: SourceFile
  public let start: Int
  public let end: Int

  /// - Parameters: Byte offsets; `end` is exclusive.
  public init(file: SourceFile, start: Int, end: Int) {
    self.file = file
    self.start = start
    self.end = max(start, end)
  }

  public var text: String { file.text(in: start..<end) }
  /// Line and column (from 1) of the first byte.
  public var position: (line: Int, column: Int) { file.position(at: start) }
  /// `models/a.sql:2:6`
  public var placeText: String {
    let (line, column) = position
    return "\(file.path):\(line):\(column)"
  }

  /// The first place in this span where a word stands by itself, behind another where that is given;
  /// nil where there is none.
  public func place(of word: String, after key: String? = nil) -> TextSpan? {
    var from = start
    if let key {
      guard let found = place(of: key) else { return nil }
      from = found.end
    }
    func isWordByte(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte == UInt8(ascii: "_") || byte >= 0x80
    }
    let wanted = Array(word.utf8)
    guard let first = wanted.first else { return nil }
    let bytes = file.bytes
    while from + wanted.count <= end {
      let to = from + wanted.count
      if bytes[from] == first, bytes[from..<to].elementsEqual(wanted),
        from == start || !isWordByte(bytes[from - 1]), to == end || !isWordByte(bytes[to])
      {
        return TextSpan(file: file, start: from, end: to)
      }
      from += 1
    }
    return nil
  }
}
