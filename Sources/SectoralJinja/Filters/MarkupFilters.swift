extension BuiltinFilters {
  static func addMarkupFilters(_ table: inout FilterTable) {
    table.add(["escape", "e"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      interpreter.markup(try interpreter.escapedText(of: value))
    }
    table.add(["forceescape"]) { (value, arguments, interpreter) throws(TemplateError) in
      interpreter.markup(escaped(try interpreter.soft(value)))
    }
    table.add(["safe"]) { (value, arguments, interpreter) throws(TemplateError) in
      interpreter.markup(try interpreter.soft(value))
    }
    table.add(["striptags"]) { (value, arguments, interpreter) throws(TemplateError) in
      .string(Markup.stripped(try interpreter.soft(value)))
    }
    table.add(["tojson"], ["indent"]) { (value, arguments, interpreter) throws(TemplateError) in
      var indent: String?
      switch arguments[0] {
      case nil, .none?: break
      // Text alone has nothing to indent, whatever the width is.
      case _ where value.text != nil: break
      case .string(let text)?: indent = text
      case .undefined(let undefined)?: throw interpreter.undefinedError(undefined)
      case let width?:
        indent = String(repeating: " ", count: max(0, min(64, try width.expectInt())))
      }
      let text = try JSONText.text(of: value, indent: indent, sortsKeys: true, interpreter)
      return interpreter.markup(
        text.replacing("&", with: "\\u0026").replacing("<", with: "\\u003c")
          .replacing(">", with: "\\u003e").replacing("'", with: "\\u0027")
      )
    }
    table.add(["xmlattr"], ["autospace"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      var parts: [String] = []
      for (name, value) in try attributes(of: value, interpreter)
      where !value.isNone && !value.isUndefined {
        guard let key = name.text else {
          throw .type("expected string or bytes-like object, got '\(name.typeName)'")
        }
        if key.unicodeScalars.contains(where: {
          $0 == " " || (9...13).contains($0.value) || $0 == "/" || $0 == ">" || $0 == "="
        }) {
          throw .value(
            "Invalid character in attribute name: \(try interpreter.reprText(of: .string(key)))"
          )
        }
        parts.append("\(escaped(key))=\"\(try interpreter.escapedText(of: value))\"")
        if let part = parts.last { try interpreter.account(bytes: part.utf8.count) }
      }
      let text = try interpreter.joined(parts, separator: " ")
      let isSpaced = try interpreter.flag(arguments[0], default: true)
      let attributes = isSpaced && !text.isEmpty ? " " + text : text
      return interpreter.escapes ? interpreter.markup(attributes) : .string(attributes)
    }
    table.add(["urlencode"]) { (value, arguments, interpreter) throws(TemplateError) in
      switch value {
      case .dict(let dictionary):
        return .string(
          try query(dictionary.pairs.map { ($0.key, $0.value) }, interpreter)
        )
      case .list, .tuple, .set, .object, .undefined:
        var pairs: [(Value, Value)] = []
        guard let items = try iterated(value, interpreter) else { break }
        for item in items {
          let pair = try interpreter.items(of: item)
          guard pair.count == 2 else {
            throw .value("not enough values to unpack (expected 2, got \(pair.count))")
          }
          pairs.append((pair[0], pair[1]))
        }
        return .string(try query(pairs, interpreter))
      default: break
      }
      return .string(quoted(try interpreter.soft(value), slash: true))
    }
    table.add(
      ["urlize"],
      ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"],
      markup: .itself
    ) {
      (value, arguments, interpreter) throws(TemplateError) in
      let limit = arguments[0].flatMap { $0.isNone ? nil : $0 }
      var rel: Set<String> = ["noopener"]
      if let value = arguments[3], !value.isNone {
        rel.formUnion(try interpreter.soft(value).split(separator: " ").map(String.init))
      }
      if try interpreter.flag(arguments[1]) { rel.insert("nofollow") }
      var target: String?
      if let value = arguments[2], !value.isNone { target = try interpreter.soft(value) }
      var schemes: [String] = []
      if let value = arguments[4], !value.isNone {
        for scheme in try interpreter.items(of: value) {
          let text = try interpreter.soft(scheme)
          guard isScheme(text) else {
            throw .filterArgument(
              "\(try interpreter.reprText(of: scheme)) is not a valid URI scheme prefix."
            )
          }
          schemes.append(text)
        }
      }
      let linked = try Markup.linked(
        interpreter.escapedText(of: value),
        limit: limit,
        rel: rel.sorted().joined(separator: " "),
        target: target,
        schemes: schemes,
        interpreter
      )
      return interpreter.escapes ? interpreter.markup(linked) : .string(linked)
    }
    table.add(["pprint"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      .string(try PrettyPrint.text(of: value, interpreter))
    }
  }

  /// `mailto:`, `ftp://`: two letters at least, a colon, up to two slashes.
  private static func isScheme(_ text: String) -> Bool {
    var rest = text.unicodeScalars[...]
    var slashes = 0
    while rest.last == "/", slashes < 2 {
      rest.removeLast()
      slashes += 1
    }
    guard rest.popLast() == ":", rest.count >= 2 else { return false }
    return rest.allSatisfy {
      $0 == "_" || $0 == "." || $0 == "+" || $0 == "-" || $0.isPythonAlpha || $0.isPythonNumeric
    }
  }

  /// The pairs of a mapping.
  private static func attributes(
    of value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [(Value, Value)] {
    switch value {
    case .dict(let dictionary): return dictionary.pairs.map { ($0.key, $0.value) }
    case .object(let object) where object.isMapping:
      var pairs: [(Value, Value)] = []
      for key in try object.iterate(interpreter) ?? [] {
        pairs.append((key, try object.item(key, interpreter) ?? .none))
      }
      return pairs
    case .undefined(let undefined): throw interpreter.undefinedError(undefined)
    default:
      throw TemplateError(
        .attribute,
        id: "jinja.attribute-error",
        "'\(value.typeName)' object has no attribute 'items'"
      )
    }
  }

  /// nil: not iterable, or a mapping.
  private static func iterated(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [Value]? {
    guard case .object(let object) = value else { return try interpreter.items(of: value) }
    return object.isMapping ? nil : try object.iterate(interpreter)
  }

  static func escaped(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count + 16)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): out += Array("&amp;".utf8)
      case UInt8(ascii: "<"): out += Array("&lt;".utf8)
      case UInt8(ascii: ">"): out += Array("&gt;".utf8)
      case UInt8(ascii: "'"): out += Array("&#39;".utf8)
      case UInt8(ascii: "\""): out += Array("&#34;".utf8)
      default: out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func query(
    _ pairs: [(Value, Value)],
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    var parts: [String] = []
    for (key, value) in pairs {
      let name = quoted(try interpreter.soft(key), slash: false)
      let text = quoted(try interpreter.soft(value), slash: false)
      parts.append("\(name)=\(text)".replacing("%20", with: "+"))
      try interpreter.account(bytes: name.utf8.count &+ text.utf8.count)
    }
    return try interpreter.joined(parts, separator: "&")
  }

  private static func quoted(_ text: String, slash: Bool) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "~"):
        out.append(byte)
      case UInt8(ascii: "/") where slash: out.append(byte)
      default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
