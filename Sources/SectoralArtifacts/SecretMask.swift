import SectoralYAML
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Hides secrets in whatever leaves the process: the values of environment variables `DBT_ENV_SECRET_*`,
/// and the profile's passwords.
package struct SecretMask: Sendable {
  package static let none = SecretMask(secrets: [])
  package static let replacement = "*****"
  private static let prefix = "DBT_ENV_SECRET_"

  private let secrets: Set<String>
  /// Longest first, so that a secret that contains another goes as a whole.
  private let patterns: [[UInt8]]
  /// Those that may be looked for in JSON without meeting a number or a word of its grammar.
  private let patternsOfTexts: [[UInt8]]

  package init(secrets: some Sequence<String>) {
    self.secrets = Set(secrets.filter { !$0.isEmpty })
    patterns = Self.patterns(of: self.secrets)
    patternsOfTexts = Self.patterns(of: self.secrets.filter(Self.isText))
  }

  package init(environment: [String: String]) {
    self.init(secrets: environment.filter { $0.key.hasPrefix(Self.prefix) }.values)
  }

  package func adding(_ more: [String]) -> SecretMask { SecretMask(secrets: secrets.union(more)) }

  /// The same without secrets that are a part of one of the names.
  package func sparing(_ names: [String]) -> SecretMask {
    let spared = secrets.filter { secret in names.contains { $0.contains(secret) } }
    return spared.isEmpty ? self : SecretMask(secrets: secrets.subtracting(spared))
  }

  /// A line as it is printed, JSON or not.
  package func callAsFunction(_ text: String) -> String {
    guard !patterns.isEmpty else { return text }
    var text = text
    let found = text.withUTF8 { bytes in patterns.contains { Self.find($0, in: bytes) != nil } }
    guard found else { return text }
    return String(decoding: Self.masked(Array(text.utf8), patterns), as: UTF8.self)
  }

  /// A file of JSON, or a part of one that begins and ends between two values. It stays JSON.
  package func json(_ bytes: [UInt8]) -> [UInt8] { Self.masked(bytes, patternsOfTexts) }

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

  private static func masked(_ bytes: [UInt8], _ patterns: [[UInt8]]) -> [UInt8] {
    var bytes = bytes
    for pattern in patterns {
      var out: [UInt8] = []
      bytes.withUnsafeBufferPointer { all in
        var start = 0
        while let place = find(pattern, in: UnsafeBufferPointer(rebasing: all[start...])) {
          out += all[start..<(start + place)]
          out += replacement.utf8
          start += place + pattern.count
        }
        if start > 0 { out += all[start...] }
      }
      if !out.isEmpty { bytes = out }
    }
    return bytes
  }

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

  package func add(_ secrets: [String]) {
    guard !secrets.isEmpty else { return }
    state.withLock { $0 = $0.adding(secrets) }
  }
}
