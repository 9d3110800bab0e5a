/// An element of the XML that AWS's older services answer with: its name, its text, and what stands
/// in it. Attributes and namespaces mean nothing there.
package struct XMLElement: Sendable {
  package var name: String
  package var text = ""
  package var children: [XMLElement] = []

  /// The first element of that name, here or further in.
  package func first(_ name: String) -> XMLElement? {
    for child in children {
      if child.name == name { return child }
      if let found = child.first(name) { return found }
    }
    return nil
  }

  /// The text of the first element of that name.
  package func text(_ name: String) -> String? { first(name)?.text }

  /// All elements of that name, here or further in.
  package func all(_ name: String) -> [XMLElement] {
    children.flatMap { ($0.name == name ? [$0] : []) + $0.all(name) }
  }

  /// Reads a document; nil where it is none.
  package static func parse(_ bytes: [UInt8]) -> XMLElement? {
    var open = [XMLElement(name: "")]
    var index = 0
    func find(_ mark: StaticString, from start: Int) -> Int? {
      let length = mark.utf8CodeUnitCount
      var place = start
      while place + length <= bytes.count {
        if (0..<length).allSatisfy({ bytes[place + $0] == mark.utf8Start[$0] }) { return place }
        place += 1
      }
      return nil
    }
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "<") else {
        let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        open[open.count - 1].text += decoded(bytes[index..<end])
        index = end
        continue
      }
      let rest = bytes[index...]
      if rest.starts(with: "<!--".utf8) {
        guard let end = find("-->", from: index) else { return nil }
        index = end + 3
        continue
      }
      if rest.starts(with: "<![CDATA[".utf8) {
        guard let end = find("]]>", from: index) else { return nil }
        open[open.count - 1].text += String(decoding: bytes[(index + 9)..<end], as: UTF8.self)
        index = end + 3
        continue
      }
      guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return nil }
      let tag = bytes[(index + 1)..<end]
      index = end + 1
      if tag.first == UInt8(ascii: "?") || tag.first == UInt8(ascii: "!") { continue }
      let isEnd = tag.first == UInt8(ascii: "/")
      let name = (isEnd ? tag.dropFirst() : tag).prefix { $0 > 32 && $0 != UInt8(ascii: "/") }
      let word = String(decoding: name, as: UTF8.self)
      if isEnd {
        guard open.count > 1, open[open.count - 1].name == word else { return nil }
        let closed = open.removeLast()
        open[open.count - 1].children.append(closed)
      } else if tag.last == UInt8(ascii: "/") {
        open[open.count - 1].children.append(XMLElement(name: word))
      } else {
        // Deeper than any answer: not ours to read.
        guard open.count < 100 else { return nil }
        open.append(XMLElement(name: word))
      }
    }
    return open.count == 1 ? open[0].children.first : nil
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var out = ""
    var rest = text[...]
    while let mark = rest.firstIndex(of: "&") {
      out += rest[..<mark]
      guard let end = rest[mark...].firstIndex(of: ";") else { break }
      let name = rest[rest.index(after: mark)..<end]
      rest = rest[rest.index(after: end)...]
      switch name {
      case "lt": out += "<"
      case "gt": out += ">"
      case "amp": out += "&"
      case "quot": out += "\""
      case "apos": out += "'"
      default:
        let number =
          name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
        if let scalar = number.flatMap(Unicode.Scalar.init) {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + rest
  }
}
