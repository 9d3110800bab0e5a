import SectoralYAML
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Hides secrets in whatever leaves the process: the values of environment variables `DBT_ENV_SECRET_*`,
/// and the profile's passwords.
///
/// A secret that is a word (a few letters and nothing else) may be part of the project's names as well. In
/// artifacts, which are read by programs, it is hidden within texts alone, as a word of its own: names, ids and
/// paths stay whole. Passwords that are common words are hidden where they stand as passwords.
package struct SecretMask: Sendable {
  package static let none = SecretMask(secrets: [])
  package static let replacement = "*****"
  private static let prefix = "DBT_ENV_SECRET_"

  private let secrets: Set<String>
  private let passwords: Set<String>
  /// Longest first, so that a secret that contains another goes as a whole.
  private let patterns: [[UInt8]]
  /// Those that may be looked for in JSON without meeting a number or a word of its grammar, or a name.
  private let patternsOfTexts: [[UInt8]]
  /// Those that may be names.
  private let patternsOfWords: [[UInt8]]
  private let patternsOfPasswords: [[UInt8]]

  /// `passwords`: hidden only where they stand as such: `password=…`, `://user:…@host`.
  package init(secrets: some Sequence<String>, passwords: some Sequence<String> = []) {
    self.secrets = Set(secrets.filter { !$0.isEmpty })
    self.passwords = Set(passwords.filter { !$0.isEmpty })
    patterns = Self.patterns(of: self.secrets)
    let texts = self.secrets.filter(Self.isText)
    patternsOfTexts = Self.patterns(of: texts.filter { !Self.isWord($0) })
    patternsOfWords = Self.patterns(of: texts.filter(Self.isWord))
    patternsOfPasswords = Self.patterns(of: self.passwords)
  }

  package init(environment: [String: String]) {
    self.init(secrets: environment.filter { $0.key.hasPrefix(Self.prefix) }.values)
  }

  package func adding(_ more: [String], passwords: [String] = []) -> SecretMask {
    SecretMask(secrets: secrets.union(more), passwords: self.passwords.union(passwords))
  }

  /// Whether a secret could be a word of any project.
  package static func isWord(_ secret: String) -> Bool {
    secret.utf8.count < 16 && secret.allSatisfy(\.isLetter)
  }

  /// The same without secrets that are a part of one of the names.
  package func sparing(_ names: [String]) -> SecretMask {
    let spared = secrets.filter { secret in names.contains { $0.contains(secret) } }
    return spared.isEmpty
      ? self : SecretMask(secrets: secrets.subtracting(spared), passwords: passwords)
  }

  /// A line as it is printed, JSON or not.
  package func callAsFunction(_ text: String) -> String {
    var text = text
    let found = text.withUTF8 { bytes in
      patterns.contains { Self.find($0, in: bytes) != nil }
        || patternsOfPasswords.contains { Self.find($0, in: bytes) != nil }
    }
    guard found else { return text }
    let bytes = Self.masked(Array(text.utf8), patterns)
    return String(decoding: Self.masked(bytes, patternsOfPasswords, Self.isPassword), as: UTF8.self)
  }

  /// A file of JSON, or a part of one that begins and ends between two values. It stays JSON.
  package func json(_ bytes: [UInt8]) -> [UInt8] {
    let bytes = Self.masked(Self.masked(bytes, patternsOfTexts), patternsOfWords, Self.isWithinText)
    return Self.masked(bytes, patternsOfPasswords, Self.isPassword)
  }

  /// Each secret as it is, and as JSON writes it.
  private static func patterns(of secrets: Set<String>) -> [[UInt8]] {
    var all: Set<[UInt8]> = []
    for secret in secrets {
      all.insert(Array(secret.utf8))
      for asciiOnly in [true, false] {
        var out = JSONBuffer(asciiOnly: asciiOnly)
        out.append(.string(secret))
        all.insert(Array(out.finish().dropFirst().dropLast()))
      }
    }
    return all.sorted { a, b in
      a.count != b.count ? a.count > b.count : a.lexicographicallyPrecedes(b)
    }
  }

  /// Not a number, not `true`, and long enough to be one.
  private static func isText(_ secret: String) -> Bool {
    secret.utf8.count >= 4 && !["true", "false", "null"].contains(secret)
      && !secret.allSatisfy { $0.isNumber || "+-.eE".contains($0) }
  }

  /// `counts`: whether what was found at a place is the secret.
  private static func masked(
    _ bytes: [UInt8],
    _ patterns: [[UInt8]],
    _ counts: (_ place: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool = { _, _ in true }
  ) -> [UInt8] {
    var bytes = bytes
    for pattern in patterns {
      var out: [UInt8] = []
      bytes.withUnsafeBufferPointer { all in
        var start = 0
        var kept = 0
        while let offset = find(pattern, in: UnsafeBufferPointer(rebasing: all[start...])) {
          let place = start + offset..<start + offset + pattern.count
          start = place.upperBound
          guard counts(place, all) else { continue }
          out += all[kept..<place.lowerBound]
          out += replacement.utf8
          kept = start
        }
        if kept > 0 { out += all[kept...] }
      }
      if !out.isEmpty { bytes = out }
    }
    return bytes
  }

  private static func isPartOfName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  /// Whether a place in JSON is a word of its own within a string of several: a message, a description, SQL.
  private static func isWithinText(
    _ place: Range<Int>,
    _ bytes: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    let (before, after) = (place.lowerBound - 1, place.upperBound)
    guard before >= 0, after < bytes.count, !isPartOfName(bytes[after]) else { return false }
    // The letter of `\n` and its like is none of the word.
    let isEscaped = before > 0 && bytes[before - 1] == UInt8(ascii: "\\")
    guard !isPartOfName(bytes[before]) || isEscaped else { return false }
    func isEnd(_ index: Int) -> Bool {
      bytes[index] == UInt8(ascii: "\"")
        && (index == 0 || bytes[index - 1] != UInt8(ascii: "\\"))
    }
    func isBlank(_ index: Int) -> Bool {
      bytes[index] == UInt8(ascii: " ")
        || bytes[index] == UInt8(ascii: "\\") && index + 1 < bytes.count
          && bytes[index + 1] == UInt8(ascii: "n")
    }
    var index = before
    while index >= 0, !isEnd(index) {
      if isBlank(index) { return true }
      index -= 1
    }
    index = after
    while index < bytes.count, !isEnd(index) {
      if isBlank(index) { return true }
      index += 1
    }
    return false
  }

  /// Whether a place is that of a password: `://user:…@`, `password=…`, `"password": "…"`, `password '…'`.
  private static func isPassword(
    _ place: Range<Int>,
    _ bytes: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    let after = place.upperBound < bytes.count ? bytes[place.upperBound] : UInt8(ascii: " ")
    var index = place.lowerBound - 1
    guard index >= 0, !isPartOfName(after) else { return false }
    if after == UInt8(ascii: "@"), bytes[index] == UInt8(ascii: ":") { return true }
    var isMarked = false
    while index >= 0, " \t\"'\\=:>".utf8.contains(bytes[index]) {
      isMarked = isMarked || bytes[index] > UInt8(ascii: " ")
      index -= 1
    }
    guard isMarked else { return false }
    let end = index + 1
    while index >= 0, isPartOfName(bytes[index]) { index -= 1 }
    let key = String(decoding: bytes[(index + 1)..<end], as: UTF8.self).lowercased()
    return keys.contains { key.hasSuffix($0) }
  }

  private static let keys = ["password", "passwd", "pwd", "pass", "secret", "token", "access_key"]

  /// The offset of the first place.
  private static func find(_ pattern: [UInt8], in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let base = bytes.baseAddress, let first = pattern.first else { return nil }
    var start = 0
    while bytes.count - start >= pattern.count {
      let candidates = bytes.count - start - pattern.count + 1
      guard let place = memchr(base + start, Int32(first), candidates) else { return nil }
      let offset = UnsafeRawPointer(place) - UnsafeRawPointer(base)
      if memcmp(base + offset, pattern, pattern.count) == 0 { return offset }
      start = offset + 1
    }
    return nil
  }
}

/// The secrets of an invocation: those of the environment, and in time those of the profile.
package final class Secrets: Sendable {
  private let state: Mutex<SecretMask>

  package init(_ mask: SecretMask = .none) { state = Mutex(mask) }

  package var mask: SecretMask { state.withLock { $0 } }

  package func add(_ secrets: [String], passwords: [String] = []) {
    guard !secrets.isEmpty || !passwords.isEmpty else { return }
    state.withLock { $0 = $0.adding(secrets, passwords: passwords) }
  }
}
