#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What counts as whitespace for Python's `str`.
func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
    0x205F, 0x3000:
    true
  default: false
  }
}

extension Unicode.Scalar {
  /// `str.isprintable` of one character.
  var isPythonPrintable: Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }

  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDecimal: Bool { properties.generalCategory == .decimalNumber }

  var isPythonDigit: Bool {
    properties.numericType == .decimal || properties.numericType == .digit
  }

  var isPythonNumeric: Bool { properties.numericType != nil }

  /// A letter with case: what `title` and `istitle` look at.
  var isCased: Bool { properties.isCased }
}

extension String {
  var isASCIIText: Bool {
    utf8.withContiguousStorageIfAvailable { bytes in bytes.allSatisfy { $0 < 0x80 } }
      ?? utf8.allSatisfy { $0 < 0x80 }
  }

  /// An ASCII text with each byte changed to another ASCII byte.
  @inline(__always)
  func mappingASCII(_ change: (UInt8) -> UInt8) -> String {
    String(unsafeUninitializedCapacity: utf8.count) { buffer in
      var count = 0
      for byte in utf8 {
        buffer[count] = change(byte)
        count += 1
      }
      return count
    }
  }

  /// Python's `len`.
  var scalarCount: Int {
    utf8.withContiguousStorageIfAvailable { bytes in
      var count = 0
      for byte in bytes where byte & 0xC0 != 0x80 { count += 1 }
      return count
    } ?? unicodeScalars.count
  }

  /// The character at a Python index.
  func character(at key: Value) -> String? {
    if isASCIIText {
      guard let index = key.index(in: utf8.count) else { return nil }
      let position = utf8.index(utf8.startIndex, offsetBy: index)
      return String(Unicode.Scalar(utf8[position]))
    }
    guard let index = key.index(in: unicodeScalars.count) else { return nil }
    return String(unicodeScalars[unicodeScalars.index(unicodeScalars.startIndex, offsetBy: index)])
  }

  /// Order by code points, which is the order of UTF-8 bytes: -1, 0, 1.
  func ordered(against other: String) -> Int {
    var a = self
    var b = other
    return a.withUTF8 { left in
      b.withUTF8 { right in
        let common = min(left.count, right.count)
        if common > 0, let x = left.baseAddress, let y = right.baseAddress {
          let result = memcmp(x, y, common)
          if result != 0 { return result < 0 ? -1 : 1 }
        }
        return left.count < right.count ? -1 : left.count == right.count ? 0 : 1
      }
    }
  }

  /// Byte offset of the first occurrence within a byte range.
  func find(_ needle: String, in range: Range<Int>) -> Int? {
    var text = self
    var part = needle
    return text.withUTF8 { bytes in
      part.withUTF8 { wanted in Bytes.find(wanted, in: bytes, range) }
    }
  }

  /// Byte offset of the last occurrence within a byte range.
  func findLast(_ needle: String, in range: Range<Int>) -> Int? {
    var text = self
    var part = needle
    return text.withUTF8 { bytes in
      part.withUTF8 { wanted in
        Bytes.findLast(wanted, in: bytes, range)
      }
    }
  }

  /// The text of a byte range that begins and ends between characters.
  func text(in range: Range<Int>) -> String {
    if range.count == utf8.count { return self }
    let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
    let end = utf8.index(start, offsetBy: range.count)
    return String(self[start..<end])
  }

  /// `str.replace`
  func replacing(_ old: String, with new: String, count: Int = -1) -> String {
    if count == 0 || (old.isEmpty && new.isEmpty) { return self }
    var text = self
    var part = old
    var replacement = new
    return text.withUTF8 { bytes in
      part.withUTF8 { wanted in
        replacement.withUTF8 { with in
          Bytes.replace(wanted, by: with, in: bytes, count: count)
        }
      }
    } ?? self
  }

  /// `str.split(separator, limit)`; limit -1: no limit.
  func split(on separator: String, limit: Int) -> [String] {
    pieces(between: separator, limit: limit) { $0 }
  }

  /// The same as values.
  func pieces(between separator: String, limit: Int) -> [Value] {
    pieces(between: separator, limit: limit) { .string($0) }
  }

  private func pieces<Piece>(
    between separator: String,
    limit: Int,
    _ piece: (String) -> Piece
  ) -> [Piece] {
    var text = self
    var part = separator
    return text.withUTF8 { bytes in
      part.withUTF8 { wanted in
        var pieces: [Piece] = []
        pieces.reserveCapacity(4)
        var start = 0
        while limit < 0 || pieces.count < limit,
          let hit = Bytes.find(wanted, in: bytes, start..<bytes.count)
        {
          pieces.append(piece(String(decoding: bytes[start..<hit], as: UTF8.self)))
          start = hit + wanted.count
        }
        pieces.append(piece(String(decoding: bytes[start...], as: UTF8.self)))
        return pieces
      }
    }
  }
}

/// Searching in bytes.
enum Bytes {
  static func matches(
    _ wanted: UnsafeBufferPointer<UInt8>,
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ start: Int
  ) -> Bool {
    for index in 0..<wanted.count where bytes[start + index] != wanted[index] { return false }
    return true
  }

  static func find(
    _ wanted: UnsafeBufferPointer<UInt8>,
    in bytes: UnsafeBufferPointer<UInt8>,
    _ range: Range<Int>
  ) -> Int? {
    guard range.count >= wanted.count else { return nil }
    guard let first = wanted.first, let base = bytes.baseAddress else { return range.lowerBound }
    var start = range.lowerBound
    let last = range.upperBound - wanted.count
    // Bytes compared in vain: many of them, and a slower search that never repeats itself is better.
    var wasted = 0
    while start <= last {
      guard let hit = memchr(base + start, Int32(first), last - start + 1) else { return nil }
      start = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
      var length = 1
      while length < wanted.count, bytes[start + length] == wanted[length] { length += 1 }
      if length == wanted.count { return start }
      wasted += length
      start += 1
      if wasted > 256 + 8 * (start - range.lowerBound) {
        return search(wanted, in: bytes, start..<range.upperBound, fromEnd: false)
      }
    }
    return nil
  }

  static func findLast(
    _ wanted: UnsafeBufferPointer<UInt8>,
    in bytes: UnsafeBufferPointer<UInt8>,
    _ range: Range<Int>
  ) -> Int? {
    guard range.count >= wanted.count else { return nil }
    if wanted.count > 8 { return search(wanted, in: bytes, range, fromEnd: true) }
    var start = range.upperBound - wanted.count
    while start >= range.lowerBound {
      if matches(wanted, bytes, start) { return start }
      start -= 1
    }
    return nil
  }

  /// Knuth, Morris and Pratt's search: linear, whatever the texts are.
  private static func search(
    _ wanted: UnsafeBufferPointer<UInt8>,
    in bytes: UnsafeBufferPointer<UInt8>,
    _ range: Range<Int>,
    fromEnd: Bool
  ) -> Int? {
    let length = wanted.count
    func needle(_ index: Int) -> UInt8 { wanted[fromEnd ? length - 1 - index : index] }
    var borders = [Int](repeating: 0, count: length)
    var matched = 0
    for index in 1..<length {
      while matched > 0, needle(index) != needle(matched) { matched = borders[matched - 1] }
      if needle(index) == needle(matched) { matched += 1 }
      borders[index] = matched
    }
    matched = 0
    for index in 0..<range.count {
      let position = fromEnd ? range.upperBound - 1 - index : range.lowerBound + index
      while matched > 0, bytes[position] != needle(matched) { matched = borders[matched - 1] }
      if bytes[position] == needle(matched) { matched += 1 }
      if matched == length { return fromEnd ? position : position - length + 1 }
    }
    return nil
  }

  /// nil: nothing to replace.
  static func replace(
    _ wanted: UnsafeBufferPointer<UInt8>,
    by new: UnsafeBufferPointer<UInt8>,
    in bytes: UnsafeBufferPointer<UInt8>,
    count: Int
  ) -> String? {
    var out: [UInt8] = []
    var done = 0
    if wanted.isEmpty {
      // Before each character, and at the end.
      var index = 0
      while index <= bytes.count, count < 0 || done < count {
        out += new
        done += 1
        guard index < bytes.count else { return String(decoding: out, as: UTF8.self) }
        var end = index + 1
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        out += bytes[index..<end]
        index = end
      }
      out += bytes[index...]
      return String(decoding: out, as: UTF8.self)
    }
    var start = 0
    while count < 0 || done < count, let hit = find(wanted, in: bytes, start..<bytes.count) {
      if done == 0 { out.reserveCapacity(bytes.count + new.count) }
      out += bytes[start..<hit]
      out += new
      start = hit + wanted.count
      done += 1
    }
    guard done > 0 else { return nil }
    out += bytes[start...]
    return String(decoding: out, as: UTF8.self)
  }
}
