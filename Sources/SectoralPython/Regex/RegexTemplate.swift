import SectoralJinja

/// A replacement: text with references to groups.
struct RegexTemplate {
  private enum Part {
    case text(String)
    case group(Int)
  }
  private var parts: [Part] = []
  private var literal = String.UnicodeScalarView()

  init(_ source: String, _ pattern: RegexPattern) throws(TemplateError) {
    let scalars = Array(source.unicodeScalars)
    var index = 0
    while index < scalars.count {
      guard scalars[index] == "\\" else {
        literal.append(scalars[index])
        index += 1
        continue
      }
      guard index + 1 < scalars.count else {
        throw Self.failure("bad escape (end of pattern)", index)
      }
      switch scalars[index + 1] {
      case "g": try reference(scalars, &index, pattern)
      case "0"..."9": try number(scalars, &index, pattern)
      default: try escape(scalars, &index)
      }
    }
    flush()
  }

  private static func failure(_ message: String, _ position: Int) -> TemplateError {
    .python(.regularExpression, "\(message) at position \(position)")
  }

  private mutating func flush() {
    if !literal.isEmpty { parts.append(.text(String(literal))) }
    literal = String.UnicodeScalarView()
  }

  private mutating func add(
    group number: Int,
    _ pattern: RegexPattern,
    at position: Int
  )
    throws(TemplateError)
  {
    guard number <= pattern.groupCount else {
      throw Self.failure("invalid group reference \(number)", position)
    }
    flush()
    parts.append(.group(number))
  }

  /// `\\g<name>`, `\\g<1>`
  private mutating func reference(
    _ scalars: [Unicode.Scalar],
    _ index: inout Int,
    _ pattern: RegexPattern
  ) throws(TemplateError) {
    let start = index + 3
    guard index + 2 < scalars.count, scalars[index + 2] == "<" else {
      throw Self.failure("missing <", index + 2)
    }
    guard let end = scalars[start...].firstIndex(of: ">") else {
      throw Self.failure(
        start == scalars.count ? "missing group name" : "missing >, unterminated name",
        start
      )
    }
    let letters = scalars[start..<end]
    let name = String(String.UnicodeScalarView(letters))
    guard let first = letters.first else { throw Self.failure("missing group name", start) }
    index = end + 1
    if letters.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(name) {
      return try add(group: number, pattern, at: start)
    }
    guard first == "_" || first.properties.isXIDStart,
      letters.allSatisfy({ $0 == "_" || $0.properties.isXIDContinue })
    else { throw Self.failure("bad character in group name '\(name)'", start) }
    guard let known = pattern.names.first(where: { $0.name == name }) else {
      throw .python(.index, "unknown group name '\(name)'")
    }
    try add(group: known.group, pattern, at: start)
  }

  /// `\\1`, `\\12`; three octal digits, or a zero before, are a character.
  private mutating func number(
    _ scalars: [Unicode.Scalar],
    _ index: inout Int,
    _ pattern: RegexPattern
  ) throws(TemplateError) {
    let start = index + 1
    func digit(_ offset: Int, below limit: Int) -> Int? {
      guard start + offset < scalars.count else { return nil }
      let value = Int(scalars[start + offset].value) - 48
      return (0..<limit).contains(value) ? value : nil
    }
    let first = digit(0, below: 10) ?? 0
    if first == 0 {
      var value = 0
      var count = 1
      while count < 3, let next = digit(count, below: 8) {
        value = value * 8 + next
        count += 1
      }
      literal.append(Unicode.Scalar(UInt8(value)))
      index = start + count
    } else if first < 8, let second = digit(1, below: 8), let third = digit(2, below: 8) {
      let value = first * 64 + second * 8 + third
      guard value <= 0o377 else {
        throw Self.failure(
          "octal escape value \\\(first)\(second)\(third) outside of range 0-0o377",
          index
        )
      }
      literal.append(Unicode.Scalar(UInt8(value)))
      index = start + 3
    } else if let second = digit(1, below: 10) {
      try add(group: first * 10 + second, pattern, at: start)
      index = start + 2
    } else {
      try add(group: first, pattern, at: start)
      index = start + 1
    }
  }

  private mutating func escape(
    _ scalars: [Unicode.Scalar],
    _ index: inout Int
  )
    throws(TemplateError)
  {
    let letter = scalars[index + 1]
    switch letter {
    case "n": literal.append("\n")
    case "t": literal.append("\t")
    case "r": literal.append("\r")
    case "a": literal.append("\u{07}")
    case "b": literal.append("\u{08}")
    case "f": literal.append("\u{0C}")
    case "v": literal.append("\u{0B}")
    case "\\": literal.append("\\")
    case "a"..."z", "A"..."Z": throw Self.failure("bad escape \\\(letter)", index)
    default: literal.append(contentsOf: ["\\", letter])
    }
    index += 2
  }

  func expanded(_ subject: RegexSubject, _ spans: [Range<Int>?]) -> String {
    var out = ""
    for part in parts {
      switch part {
      case .text(let text): out += text
      case .group(let number): out += subject.text(spans[number])
      }
    }
    return out
  }
}
