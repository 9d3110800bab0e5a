/// Puts ephemeral models' SQL into a statement as CTEs (spec: artifacts, section 7).
package enum CTEInjection {
  /// The text of one CTE, as dbt writes it.
  package static func cte(name: String, sql: String) -> String { " \(name) as (\n\(sql)\n)" }

  /// `ctes`: complete texts, as `cte` makes them.
  package static func inject(_ ctes: [String], into sql: String) -> String {
    guard !ctes.isEmpty else { return sql }
    let bytes = Array(sql.utf8)
    let joined = ctes.joined(separator: ", ")
    var place = skipBlanksAndComments(bytes, from: 0)
    guard let afterWith = keyword("with", bytes, at: place) else {
      // In front of the first comment or word; each CTE's text begins with its own blank.
      place = skipBlanks(bytes, from: 0)
      let head = String(decoding: bytes[..<place], as: UTF8.self)
      let tail = String(decoding: bytes[place...], as: UTF8.self)
      return "\(head)with\(joined) \(tail)"
    }
    place = skipBlanks(bytes, from: afterWith)
    if let afterRecursive = keyword("recursive", bytes, at: place) {
      place = skipBlanks(bytes, from: afterRecursive)
    }
    let head = String(decoding: bytes[..<place], as: UTF8.self)
    let tail = String(decoding: bytes[place...], as: UTF8.self)
    return "\(head)\(joined), \(tail)"
  }

  /// The offset behind a keyword that stands at `index`, or nil.
  private static func keyword(_ word: String, _ bytes: [UInt8], at index: Int) -> Int? {
    let end = index + word.utf8.count
    guard end <= bytes.count else { return nil }
    for (offset, byte) in word.utf8.enumerated() where bytes[index + offset] | 0x20 != byte {
      return nil
    }
    if end < bytes.count {
      let next = bytes[end]
      let isWord =
        next == UInt8(ascii: "_") || (0x30...0x39).contains(next)
        || (0x61...0x7A).contains(next | 0x20) || next >= 0x80
      if isWord { return nil }
    }
    return end
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func skipBlanks(_ bytes: [UInt8], from start: Int) -> Int {
    bytes[start...].firstIndex { !isBlank($0) } ?? bytes.count
  }

  private static func skipBlanksAndComments(_ bytes: [UInt8], from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if isBlank(byte) {
        index += 1
      } else if byte == UInt8(ascii: "-"), index + 1 < bytes.count,
        bytes[index + 1] == UInt8(ascii: "-")
      {
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
      } else if byte == UInt8(ascii: "/"), index + 1 < bytes.count,
        bytes[index + 1] == UInt8(ascii: "*")
      {
        index += 2
        while index + 1 < bytes.count,
          bytes[index] != UInt8(ascii: "*") || bytes[index + 1] != UInt8(ascii: "/")
        {
          index += 1
        }
        index = min(index + 2, bytes.count)
      } else {
        break
      }
    }
    return index
  }
}
