/// HTML, as far as filters touch it.
enum Markup {
  /// Without tags, comments and entities, blanks made single.
  static func stripped(_ text: String) -> String {
    let scalars = String(
      decoding: withoutTags(withoutComments(Array(text.utf8))),
      as: UTF8.self
    ).unicodeScalars
    let words = scalars.split(whereSeparator: isPythonSpace).map { String($0) }
    return unescaped(words.joined(separator: " "))
  }

  /// As if the first comment were taken out until there is none: what is left of one may begin
  /// another.
  private static func withoutComments(_ bytes: [UInt8]) -> [UInt8] {
    let opening = Array("<!--".utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      result.append(bytes[position])
      position += 1
      guard result.last == UInt8(ascii: "-"), result.suffix(4).elementsEqual(opening) else {
        continue
      }
      guard let end = find("-->", bytes, position) else {
        return result + bytes[position...]
      }
      result.removeLast(4)
      position = end + 3
    }
    return result
  }

  private static func withoutTags(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while let start = find("<", bytes, position) {
      guard let end = find(">", bytes, start) else { break }
      result += bytes[position..<start]
      position = end + 1
    }
    return result + bytes[position...]
  }

  private static func find(_ word: String, _ bytes: [UInt8], _ start: Int) -> Int? {
    guard start <= bytes.count else { return nil }
    let wanted = Array(word.utf8)
    return bytes.withUnsafeBufferPointer { bytes in
      wanted.withUnsafeBufferPointer { Bytes.find($0, in: bytes, start..<bytes.count) }
    }
  }

  private static let entities: [String: String] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}",
    "copy": "\u{A9}", "reg": "\u{AE}", "hellip": "\u{2026}", "mdash": "\u{2014}",
    "ndash": "\u{2013}", "euro": "\u{20AC}", "laquo": "\u{AB}", "raquo": "\u{BB}",
    "times": "\u{D7}", "deg": "\u{B0}", "middot": "\u{B7}", "bull": "\u{2022}",
    "lsquo": "\u{2018}", "rsquo": "\u{2019}", "ldquo": "\u{201C}", "rdquo": "\u{201D}",
  ]

  static func unescaped(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var result = ""
    var rest = Substring(text)
    while let mark = rest.firstIndex(of: "&") {
      result += rest[..<mark]
      let behind = rest[rest.index(after: mark)...]
      guard let end = behind.prefix(32).firstIndex(of: ";") else {
        result += "&"
        rest = behind
        continue
      }
      let name = String(behind[..<end])
      if let text = entity(name) {
        result += text
        rest = behind[behind.index(after: end)...]
      } else {
        result += "&"
        rest = behind
      }
    }
    return result + rest
  }

  private static func entity(_ name: String) -> String? {
    guard name.hasPrefix("#") else { return entities[name] }
    let digits = name.dropFirst()
    let code =
      digits.hasPrefix("x") || digits.hasPrefix("X")
      ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return code.flatMap(Unicode.Scalar.init).map { String($0) }
  }

  /// Addresses made links in text that is escaped already.
  static func linked(
    _ escaped: String,
    limit: Value?,
    rel: String,
    target: String?,
    schemes: [String],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    var result = ""
    var word = ""
    let attributes =
      (rel.isEmpty ? "" : " rel=\"\(BuiltinFilters.escaped(rel))\"")
      + (target.map { " target=\"\(BuiltinFilters.escaped($0))\"" } ?? "")
    func flush() throws(TemplateError) {
      // Brackets and points around a word are taken off one by one.
      let length = word.utf8.count
      try interpreter.countSteps(length &* length >> 8)
      let link = try link(word, limit, attributes, schemes, interpreter)
      try interpreter.checkLength(result.utf8.count + link.utf8.count)
      result += link
      word = ""
    }
    for scalar in escaped.unicodeScalars {
      if isPythonSpace(scalar) {
        try flush()
        result.unicodeScalars.append(scalar)
      } else {
        word.unicodeScalars.append(scalar)
      }
    }
    try flush()
    return result
  }

  private static func link(
    _ word: String,
    _ limit: Value?,
    _ attributes: String,
    _ schemes: [String],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    var head = ""
    var middle = word
    var tail = ""
    var trimmed = true
    while trimmed {
      trimmed = false
      for lead in ["(", "&lt;", "<"] where middle.hasPrefix(lead) {
        head += lead
        middle = String(middle.dropFirst(lead.count))
        trimmed = true
      }
    }
    trimmed = true
    while trimmed {
      trimmed = false
      for end in [")", ".", ",", "\n", "&gt;", ">"] where middle.hasSuffix(end) {
        tail = end + tail
        middle = String(middle.dropLast(end.count))
        trimmed = true
      }
    }
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
      var missing =
        middle.split(on: open, limit: -1).count - middle.split(on: close, limit: -1).count
      while missing > 0, let hit = tail.find(close, in: 0..<tail.utf8.count) {
        let end = hit + close.utf8.count
        middle += tail.text(in: 0..<end)
        tail = tail.text(in: end..<tail.utf8.count)
        missing -= 1
      }
    }
    func shown(_ address: String) throws(TemplateError) -> String {
      guard let limit,
        try interpreter.compare(.greater, .int(address.scalarCount), limit)
      else { return address }
      let cut = try interpreter.slice(.string(address), .none, limit, .none)
      return (cut.asString ?? "") + "..."
    }
    let lower = middle.lowercased()
    if lower.hasPrefix("http://") || lower.hasPrefix("https://") || lower.hasPrefix("www."),
      isAddress(lower)
    {
      if lower.hasPrefix("www.") {
        middle = "<a href=\"https://\(middle)\"\(attributes)>\(try shown(middle))</a>"
      } else {
        middle = "<a href=\"\(middle)\"\(attributes)>\(try shown(middle))</a>"
      }
    } else if lower.hasPrefix("mailto:"), isMail(String(middle.dropFirst(7))) {
      middle = "<a href=\"\(middle)\">\(middle.dropFirst(7))</a>"
    } else if middle.contains("@"), !lower.hasPrefix("www."), !middle.contains(":"),
      isMail(middle)
    {
      middle = "<a href=\"mailto:\(middle)\">\(middle)</a>"
    } else {
      for scheme in schemes where middle.hasPrefix(scheme) && middle != scheme {
        middle = "<a href=\"\(middle)\"\(attributes)>\(middle)</a>"
        break
      }
    }
    return head + middle + tail
  }

  private static func isAddress(_ text: String) -> Bool {
    var rest = Substring(text)
    for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
      rest = rest.dropFirst(scheme.count)
    }
    let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != ":" }
    return host.contains(".") || host == "localhost"
      ? !host.hasPrefix(".") && !host.hasSuffix(".") : text.hasPrefix("http") && !host.isEmpty
  }

  private static func isMail(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".")
      && !parts[1].hasPrefix(".") && !parts[1].hasSuffix(".")
  }
}

/// Python's `pprint.pformat`.
enum PrettyPrint {
  static func text(of value: Value, _ interpreter: Interpreter) throws(TemplateError) -> String {
    try format(value, 0, 0, interpreter)
  }

  /// `allowance`: Characters that follow on the last line.
  private static func format(
    _ value: Value,
    _ indent: Int,
    _ allowance: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    try interpreter.checkStack()
    let plain = try sortedRepr(value, interpreter)
    guard plain.scalarCount > 80 - indent - allowance else { return plain }
    switch value {
    case .dict(let dictionary) where dictionary.count > 0:
      let pairs = try sortedPairs(dictionary, interpreter)
      var lines: [String] = []
      for (index, pair) in pairs.enumerated() {
        let key = try sortedRepr(pair.key, interpreter)
        lines.append(
          key + ": "
            + (try format(
              pair.value,
              indent + 1 + key.scalarCount + 2,
              index == pairs.count - 1 ? allowance + 1 : 1,
              interpreter
            ))
        )
      }
      return "{" + (try join(lines, indent + 1, interpreter)) + "}"
    case .list(let list) where !list.items.isEmpty:
      return "[" + (try items(list.items, indent, allowance + 1, interpreter)) + "]"
    case .tuple(let tuple) where !tuple.items.isEmpty:
      let end = tuple.items.count == 1 ? ",)" : ")"
      return "(" + (try items(tuple.items, indent, allowance + end.count, interpreter)) + end
    default: return plain
    }
  }

  private static func items(
    _ items: [Value],
    _ indent: Int,
    _ allowance: Int,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    var lines: [String] = []
    for (index, item) in items.enumerated() {
      lines.append(
        try format(item, indent + 1, index == items.count - 1 ? allowance : 1, interpreter)
      )
    }
    return try join(lines, indent + 1, interpreter)
  }

  private static func join(
    _ lines: [String],
    _ indent: Int,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    try interpreter.joined(lines, separator: ",\n" + String(repeating: " ", count: indent))
  }

  private static func sortedPairs(
    _ dictionary: DictValue,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> [(key: Value, value: Value)]
  {
    let pairs = dictionary.pairs
    do throws(TemplateError) {
      let order = try Sorting.sorted(
        pairs.indices.map { .int($0) },
        reverse: false,
        interpreter
      ) { (index) throws(TemplateError) in pairs[index.asInt ?? 0].key }
      return order.map { pairs[$0.asInt ?? 0] }
    } catch {
      // Keys that have no order keep their own.
      return pairs
    }
  }

  private static func enclosed(
    _ opening: String,
    _ parts: [String],
    _ closing: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    opening + (try interpreter.joined(parts, separator: ", ")) + closing
  }

  private static func sortedRepr(
    _ value: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    try interpreter.checkStack()
    try interpreter.countStep()
    switch value {
    case .dict(let dictionary):
      var parts: [String] = []
      for pair in try sortedPairs(dictionary, interpreter) {
        parts.append(
          try sortedRepr(pair.key, interpreter) + ": " + sortedRepr(pair.value, interpreter)
        )
      }
      return try enclosed("{", parts, "}", interpreter)
    case .list(let list):
      var parts: [String] = []
      for item in list.items { parts.append(try sortedRepr(item, interpreter)) }
      return try enclosed("[", parts, "]", interpreter)
    default: return try interpreter.reprText(of: value)
    }
  }
}
