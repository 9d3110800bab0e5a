/// A shell pattern as Python's `fnmatch` reads it on Unix: `*`, `?`, `[seq]`, `[!seq]`, on the whole
/// text, with capitals apart.
struct WildcardPattern: Sendable {
  private enum Piece: Sendable {
    case scalar(Unicode.Scalar)
    case any
    case run
    case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  private let pieces: [Piece]
  /// The whole pattern, where nothing in it is special: most patterns are plain names.
  private let literal: String?
  /// Whether it is `*` and nothing else: what a command without a selection asks of every member.
  let matchesAll: Bool

  init(_ pattern: some StringProtocol) {
    guard Self.isSpecial(pattern) else {
      literal = String(pattern)
      matchesAll = false
      pieces = []
      return
    }
    literal = nil
    matchesAll = !pattern.isEmpty && pattern.utf8.allSatisfy { $0 == UInt8(ascii: "*") }
    var pieces: [Piece] = []
    let scalars = Array(pattern.unicodeScalars)
    var at = 0
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      switch scalar {
      case "*": pieces.append(.run)
      case "?": pieces.append(.any)
      case "[":
        if let (set, end) = Self.set(scalars, from: at) {
          pieces.append(set)
          at = end
        } else {
          pieces.append(.scalar("["))
        }
      default: pieces.append(.scalar(scalar))
      }
    }
    self.pieces = pieces
  }

  static func isSpecial(_ text: some StringProtocol) -> Bool {
    text.utf8.contains { byte in
      byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[")
        || byte == UInt8(ascii: "]")
    }
  }

  func matches(_ text: some StringProtocol) -> Bool {
    if let literal { return literal == text }
    if matchesAll { return true }
    let scalars = Array(text.unicodeScalars)
    var piece = 0
    var at = 0
    // Where the last `*` stands and how far it reached: the only place to come back to.
    var retry: (piece: Int, at: Int)?
    while at < scalars.count {
      if piece < pieces.count {
        if case .run = pieces[piece] {
          retry = (piece, at)
          piece += 1
          continue
        }
        if Self.matches(pieces[piece], scalars[at]) {
          piece += 1
          at += 1
          continue
        }
      }
      guard let last = retry else { return false }
      retry = (last.piece, last.at + 1)
      piece = last.piece + 1
      at = last.at + 1
    }
    return pieces[piece...].allSatisfy { if case .run = $0 { true } else { false } }
  }

  private static func matches(_ piece: Piece, _ scalar: Unicode.Scalar) -> Bool {
    switch piece {
    case .scalar(let expected): expected == scalar
    case .any: true
    case .run: false
    case .set(let ranges, let isNegated):
      ranges.contains { $0.contains(scalar) } != isNegated
    }
  }

  /// The set that begins behind a `[`, and the place behind its `]`; nil when none closes it.
  private static func set(_ scalars: [Unicode.Scalar], from start: Int) -> (Piece, Int)? {
    var at = start
    var isNegated = false
    if at < scalars.count, scalars[at] == "!" {
      isNegated = true
      at += 1
    }
    // A `]` right at the beginning belongs to the set.
    var end = at < scalars.count && scalars[at] == "]" ? at + 1 : at
    while end < scalars.count, scalars[end] != "]" { end += 1 }
    guard end < scalars.count else { return nil }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    while at < end {
      if at + 2 < end, scalars[at + 1] == "-" {
        // An empty range matches nothing.
        if scalars[at] <= scalars[at + 2] { ranges.append(scalars[at]...scalars[at + 2]) }
        at += 3
      } else {
        ranges.append(scalars[at]...scalars[at])
        at += 1
      }
    }
    return (.set(ranges, isNegated: isNegated), end + 1)
  }
}

/// A path with wildcards, as Python's `Path.glob` reads it: `*` stays within a folder, `**` spans
/// folders.
struct PathPattern: Sendable {
  private enum Segment: Sendable {
    case name(WildcardPattern)
    case folders
  }

  private let segments: [Segment]
  /// `models/*/` means no file.
  private let isOfFolders: Bool

  init(_ text: String) {
    isOfFolders = text.last == "/"
    segments = text.split(separator: "/").filter { $0 != "." }
      .map { $0 == "**" ? .folders : .name(WildcardPattern($0)) }
  }

  func matches(_ path: [Substring], isFolder: Bool) -> Bool {
    (isFolder || !isOfFolders) && matches(path[...], segments[...], isFolder)
  }

  private func matches(
    _ path: ArraySlice<Substring>,
    _ pattern: ArraySlice<Segment>,
    _ isFolder: Bool
  ) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    switch first {
    case .name(let name):
      guard let part = path.first, name.matches(part) else { return false }
      return matches(path.dropFirst(), pattern.dropFirst(), isFolder)
    case .folders:
      let rest = pattern.dropFirst()
      if rest.isEmpty { return isFolder }
      return path.indices.contains { matches(path[$0...], rest, isFolder) }
        || matches(path[path.endIndex...], rest, isFolder)
    }
  }
}
