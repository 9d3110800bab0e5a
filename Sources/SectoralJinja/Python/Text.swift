import BigInt

/// Python's `str` and `repr`, written to the output.
extension Interpreter {
  /// Writes `str(value)`.
  func write(_ value: Value) throws(TemplateError) {
    switch value {
    case .string(let text): output.append(text)
    case .int(let int): output.append(int)
    case .none: output.append("None" as StaticString)
    case .bool(let bool): output.append(bool ? "True" : "False" as StaticString)
    case .float(let double): output.append(PythonFloat.repr(double))
    case .undefined(let undefined): try write(undefined)
    case .bigInt(let big): output.append(try decimalText(big.value))
    case .object(let object):
      try checkStack()
      output.append(try object.string(self))
    case .list, .tuple, .dict, .set: try writeRepr(value)
    }
  }

  private func write(_ undefined: Undefined) throws(TemplateError) {
    switch undefined.kind {
    case .standard, .chainable, .silent: break
    case .strict: throw undefinedError(undefined)
    case .debug: output.append("{{ \(undefined.debugText) }}")
    }
  }

  /// Writes `repr(value)`.
  func writeRepr(_ value: Value) throws(TemplateError) {
    switch value {
    case .string(let text): appendRepr(text)
    case .list(let list):
      try writeNested(ObjectIdentifier(list), "[...]") { () throws(TemplateError) in
        output.append("[" as StaticString)
        try writeItems(list.items)
        output.append("]" as StaticString)
      }
    case .tuple(let tuple):
      try writeNested(ObjectIdentifier(tuple), "(...)") { () throws(TemplateError) in
        output.append("(" as StaticString)
        try writeItems(tuple.items)
        output.append(tuple.items.count == 1 ? ",)" : ")" as StaticString)
      }
    case .set(let set):
      guard set.count > 0 else { return output.append("set()" as StaticString) }
      try writeNested(ObjectIdentifier(set), "{...}") { () throws(TemplateError) in
        output.append("{" as StaticString)
        try writeItems(set.items)
        output.append("}" as StaticString)
      }
    case .dict(let dictionary):
      try writeNested(ObjectIdentifier(dictionary), "{...}") { () throws(TemplateError) in
        output.append("{" as StaticString)
        var isFirst = true
        try countSteps(dictionary.count)
        for (key, value) in dictionary.pairs {
          if !isFirst { output.append(", " as StaticString) }
          isFirst = false
          try writeRepr(key)
          output.append(": " as StaticString)
          try writeRepr(value)
        }
        output.append("}" as StaticString)
      }
    case .object(let object):
      try checkStack()
      output.append(try object.repr(self))
    case .undefined(let undefined):
      if undefined.kind == .strict || undefined.kind == .debug {
        output.append("Undefined" as StaticString)
      } else {
        output.append("Undefined" as StaticString)
      }
    default: try write(value)
    }
  }

  private func writeItems(_ items: [Value]) throws(TemplateError) {
    try countSteps(items.count)
    for index in items.indices {
      if index > 0 { output.append(", " as StaticString) }
      try writeRepr(items[index])
    }
  }

  private func writeNested(
    _ container: ObjectIdentifier,
    _ recursive: StaticString,
    _ body: () throws(TemplateError) -> Void
  ) throws(TemplateError) {
    if printing.contains(container) { return output.append(recursive) }
    try checkStack()
    try countStep()
    guard printing.count < limits.valueDepth else { throw valueTooDeep() }
    printing.append(container)
    defer { printing.removeLast() }
    try body()
  }

  /// `str(value)`
  func text(of value: Value) throws(TemplateError) -> String {
    switch value {
    case .string(let text): return text
    case .object(let object):
      try checkStack()
      return try object.string(self)
    default:
      return try captured { (interpreter) throws(TemplateError) in
        try interpreter.write(value)
      }
    }
  }

  /// `repr(value)`
  func reprText(of value: Value) throws(TemplateError) -> String {
    try captured { (interpreter) throws(TemplateError) in try interpreter.writeRepr(value) }
  }

  private func captured(
    _ body: (Interpreter) throws(TemplateError) -> Void
  )
    throws(TemplateError) -> String
  {
    let mark = output.count
    do throws(TemplateError) {
      try body(self)
    } catch {
      output.truncate(to: mark)
      throw error
    }
    let text = output.take(from: mark)
    if text.utf8.count > 15 { try account(bytes: text.utf8.count) }
    return text
  }

  /// Writes a string as Python's `repr` does: quoted, with escapes.
  private func appendRepr(_ text: String) {
    var hasSingle = false
    var isPlain = true
    var hasDouble = false
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "'"): hasSingle = true
      case UInt8(ascii: "\""): hasDouble = true
      case UInt8(ascii: "\\"), 0..<0x20, 0x7F...: isPlain = false
      default: break
      }
    }
    let quote = hasSingle && !hasDouble ? UInt8(ascii: "\"") : UInt8(ascii: "'")
    output.append(quote)
    if isPlain, !(hasSingle && hasDouble) {
      output.append(text)
    } else {
      for scalar in text.unicodeScalars { appendEscaped(scalar, quote) }
    }
    output.append(quote)
  }

  private func appendEscaped(_ scalar: Unicode.Scalar, _ quote: UInt8) {
    switch scalar {
    case "\\": output.append("\\\\" as StaticString)
    case "\n": output.append("\\n" as StaticString)
    case "\r": output.append("\\r" as StaticString)
    case "\t": output.append("\\t" as StaticString)
    case _ where scalar.value == UInt32(quote):
      output.append(UInt8(ascii: "\\"))
      output.append(quote)
    case _ where scalar.isPythonPrintable: output.append(String(scalar))
    default: output.append(scalar.pythonEscape)
    }
  }
}

extension String {
  /// A `repr` as `ascii` gives it: everything beyond ASCII escaped.
  var withASCIIEscapes: String {
    if isASCIIText { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isASCII {
        result.unicodeScalars.append(scalar)
      } else {
        result += scalar.pythonEscape
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// `\xe9`, `\u20ac`, `\U0001f40e`
  fileprivate var pythonEscape: String {
    let (prefix, width) = value < 0x100 ? ("\\x", 2) : value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
    let digits = String(value, radix: 16)
    return prefix + String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Python's way of writing floats.
enum PythonFloat {
  static func repr(_ double: Double) -> String {
    if double.isNaN { return "nan" }
    if double.isInfinite { return double < 0 ? "-inf" : "inf" }
    let magnitude = abs(double)
    if magnitude >= 1e16 || (magnitude < 1e-4 && magnitude > 0) { return exponential(double) }
    let text = double.description
    // Swift turns to exponents a little later than Python on one side.
    return text.contains("e") ? plain(text) : text
  }

  /// Swift's shortest digits in exponential form, whichever form it chose itself.
  private static func exponential(_ double: Double) -> String {
    let text = double.description
    if let mark = text.firstIndex(of: "e") {
      var mantissa = text[..<mark]
      if mantissa.hasSuffix(".0") { mantissa = mantissa.dropLast(2) }
      let exponent = Int(text[text.index(after: mark)...]) ?? 0
      let digits = String(exponent.magnitude)
      return mantissa + (exponent < 0 ? "e-" : "e+") + (digits.count < 2 ? "0" : "") + digits
    }
    var digits = text.filter { $0 != "-" && $0 != "." }
    let point =
      (text.firstIndex(of: ".").map { text[..<$0].filter { $0 != "-" }.count })
      ?? digits.count
    let leading = digits.prefix { $0 == "0" }.count
    digits = String(digits.dropFirst(leading))
    let exponent = point - leading - 1
    while digits.last == "0", digits.count > 1 { digits.removeLast() }
    let first = digits.prefix(1)
    let rest = digits.dropFirst()
    let shown = String(exponent.magnitude)
    return (double < 0 ? "-" : "") + first + (rest.isEmpty ? "" : "." + rest)
      + (exponent < 0 ? "e-" : "e+") + (shown.count < 2 ? "0" : "") + shown
  }

  private static func plain(_ text: String) -> String {
    guard let mark = text.firstIndex(of: "e"),
      let exponent = Int(text[text.index(after: mark)...])
    else { return text }
    let isNegative = text.hasPrefix("-")
    let mantissa = text[..<mark].filter { $0 != "-" }
    let parts = mantissa.split(separator: ".")
    let whole = String(parts[0])
    var fraction = parts.count > 1 ? String(parts[1]) : ""
    if fraction == "0" { fraction = "" }
    var digits = whole + fraction
    var point = whole.count + exponent
    if point <= 0 {
      digits = String(repeating: "0", count: 1 - point) + digits
      point = 1
    }
    if digits.count < point { digits += String(repeating: "0", count: point - digits.count) }
    let head = digits.prefix(point)
    let tail = digits.dropFirst(point)
    return (isNegative ? "-" : "") + head + "." + (tail.isEmpty ? "0" : tail)
  }
}
