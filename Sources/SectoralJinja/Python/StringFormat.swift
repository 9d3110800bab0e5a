import BigInt

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Python's `'{}'.format(…)`.
enum StringFormat {
  static func format(
    _ format: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter,
    escapes: Bool = false
  )
    throws(TemplateError) -> String
  {
    var automatic = 0
    return try expand(
      Array(format.unicodeScalars),
      arguments,
      interpreter,
      &automatic,
      depth: 2,
      escapes: escapes
    )
  }

  private static func expand(
    _ scalars: [Unicode.Scalar],
    _ arguments: Arguments,
    _ interpreter: Interpreter,
    _ automatic: inout Int,
    depth: Int,
    escapes: Bool
  ) throws(TemplateError) -> String {
    guard depth > 0 else { throw .value("Max string recursion exceeded") }
    var out = String.UnicodeScalarView()
    var written = 0
    var position = 0
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      if scalar == "}" {
        guard position < scalars.count, scalars[position] == "}" else {
          throw .value("Single '}' encountered in format string")
        }
        position += 1
        out.append("}")
        continue
      }
      guard scalar == "{" else {
        out.append(scalar)
        continue
      }
      guard position < scalars.count else {
        throw .value("Single '{' encountered in format string")
      }
      if scalars[position] == "{" {
        position += 1
        out.append("{")
        continue
      }
      // The field: name, !conversion, :specification, with fields inside the specification.
      var name: [Unicode.Scalar] = []
      var conversion: Unicode.Scalar?
      var specification: [Unicode.Scalar] = []
      var brackets = false
      while position < scalars.count, brackets || ![":", "!", "}"].contains(scalars[position]) {
        if scalars[position] == "{" { throw .value("unexpected '{' in field name") }
        if scalars[position] == "[" { brackets = true }
        if scalars[position] == "]" { brackets = false }
        name.append(scalars[position])
        position += 1
      }
      if position < scalars.count, scalars[position] == "!" {
        guard position + 1 < scalars.count else {
          throw .value("expected '}' before end of string")
        }
        conversion = scalars[position + 1]
        position += 2
        guard position < scalars.count, scalars[position] == ":" || scalars[position] == "}" else {
          throw .value("expected ':' after conversion specifier")
        }
      }
      if position < scalars.count, scalars[position] == ":" {
        position += 1
        var nested = 0
        while position < scalars.count {
          if scalars[position] == "{" { nested += 1 }
          if scalars[position] == "}" {
            if nested == 0 { break }
            nested -= 1
          }
          specification.append(scalars[position])
          position += 1
        }
      }
      guard position < scalars.count else { throw .value("expected '}' before end of string") }
      position += 1
      var value = try field(name, arguments, interpreter, &automatic)
      switch conversion {
      case nil: break
      case "s": value = .string(try interpreter.text(of: value))
      case "r": value = .string(try interpreter.reprText(of: value))
      case "a": value = .string(try interpreter.reprText(of: value).withASCIIEscapes)
      case let other?:
        throw .value("Unknown conversion specifier \(String(other))")
      }
      let text =
        specification.contains("{")
        ? try expand(
          specification,
          arguments,
          interpreter,
          &automatic,
          depth: depth - 1,
          escapes: escapes
        )
        : String(String.UnicodeScalarView(specification))
      var piece = try formatted(value, text, interpreter)
      if escapes, !value.isMarkup { piece = BuiltinFilters.escaped(piece) }
      written += piece.utf8.count
      try interpreter.checkLength(written)
      try interpreter.charge(.string(piece))
      out.append(contentsOf: piece.unicodeScalars)
    }
    return String(out)
  }

  private static func field(
    _ name: [Unicode.Scalar],
    _ arguments: Arguments,
    _ interpreter: Interpreter,
    _ automatic: inout Int
  ) throws(TemplateError) -> Value {
    var position = 0
    var first = ""
    while position < name.count, name[position] != ".", name[position] != "[" {
      first.unicodeScalars.append(name[position])
      position += 1
    }
    var value: Value
    if name.isEmpty || Int(first) != nil {
      let index: Int
      if let number = Int(first) {
        guard automatic <= 0 else {
          throw .value(
            "cannot switch from automatic field numbering to manual field specification"
          )
        }
        automatic = -1
        index = number
      } else {
        guard automatic >= 0 else {
          throw .value(
            "cannot switch from manual field specification to automatic field numbering"
          )
        }
        index = automatic
        automatic += 1
      }
      guard index >= 0, index < arguments.positional.count else {
        throw TemplateError(
          .index,
          id: "jinja.index-error",
          "Replacement index \(index) out of range for positional args tuple"
        )
      }
      value = arguments.positional[index]
    } else {
      guard let found = arguments[keyword: first] else {
        throw TemplateError(
          .key,
          id: "jinja.key-error",
          try interpreter.reprText(of: .string(first))
        )
      }
      value = found
    }
    while position < name.count {
      if name[position] == "." {
        position += 1
        var attribute = ""
        while position < name.count, name[position] != ".", name[position] != "[" {
          attribute.unicodeScalars.append(name[position])
          position += 1
        }
        guard !attribute.isEmpty else { throw .value("Empty attribute in format string") }
        value = try interpreter.attribute(Symbol(attribute), attribute, of: value)
      } else {
        position += 1
        var key = ""
        while position < name.count, name[position] != "]" {
          key.unicodeScalars.append(name[position])
          position += 1
        }
        guard position < name.count else { throw .value("Missing ']' in format string") }
        position += 1
        value = try interpreter.subscriptValue(value, Int(key).map(Value.int) ?? .string(key))
      }
    }
    return value
  }

  /// `format(value, specification)`
  static func formatted(
    _ value: Value,
    _ specification: String,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    if case .object(let object) = value {
      if let text = try object.formatted(specification, interpreter) { return text }
    }
    if specification.isEmpty { return try interpreter.text(of: value) }
    switch value {
    case .string, .int, .bigInt, .float, .bool: break
    default:
      throw .type("unsupported format string passed to \(value.typeName).__format__")
    }
    let specification = try FormatSpecification(parsing: specification, for: value)
    try specification.check(interpreter)
    if case .string(let text) = value {
      return try specification.format(text)
    }
    guard let number = value.number else { return try interpreter.text(of: value) }
    return try specification.format(number, interpreter)
  }
}

/// `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`
struct FormatSpecification {
  var fill: Unicode.Scalar = " "
  var align: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var isZeroPadded = false
  /// `z`: what is rounded to zero has no minus.
  var hidesNegativeZero = false
  var width: Int?
  var grouping: Unicode.Scalar?
  var precision: Int?
  var kind: Unicode.Scalar?
  private var typeName = "str"

  init() {}

  init(parsing text: String, for value: Value) throws(TemplateError) {
    typeName = value.typeName
    let scalars = Array(text.unicodeScalars)
    var position = 0
    func isAlign(_ index: Int) -> Bool {
      index < scalars.count && ["<", ">", "^", "="].contains(scalars[index])
    }
    func invalid() -> TemplateError {
      .value("Invalid format specifier '\(text)' for object of type '\(value.typeName)'")
    }
    func digits() throws(TemplateError) -> Int? {
      var result: Int?
      while position < scalars.count, ("0"..."9").contains(scalars[position]) {
        let (product, overflow) = (result ?? 0).multipliedReportingOverflow(by: 10)
        guard !overflow, product < 1 << 40 else {
          throw .value("Too many decimal digits in format string")
        }
        result = product + Int(scalars[position].value - 48)
        position += 1
      }
      return result
    }
    if isAlign(1) {
      fill = scalars[0]
      align = scalars[1]
      position = 2
    } else if isAlign(0) {
      align = scalars[0]
      position = 1
    }
    if position < scalars.count, ["+", "-", " "].contains(scalars[position]) {
      sign = scalars[position]
      position += 1
    }
    if position < scalars.count, scalars[position] == "z" {
      hidesNegativeZero = true
      position += 1
    }
    if position < scalars.count, scalars[position] == "#" {
      isAlternate = true
      position += 1
    }
    if position < scalars.count, scalars[position] == "0" {
      isZeroPadded = true
      position += 1
      if align == nil {
        if case .string = value {} else { align = "=" }
        fill = "0"
      }
    }
    width = try digits()
    if position < scalars.count, [",", "_"].contains(scalars[position]) {
      grouping = scalars[position]
      position += 1
      if position < scalars.count, [",", "_"].contains(scalars[position]) {
        throw .value(
          scalars[position] == grouping
            ? "Cannot specify '\(String(scalars[position]))' with '\(String(scalars[position]))'."
            : "Cannot specify both ',' and '_'."
        )
      }
    }
    if position < scalars.count, scalars[position] == "." {
      position += 1
      guard let digits = try digits() else { throw .value("Format specifier missing precision") }
      precision = digits
    }
    if position < scalars.count {
      guard position == scalars.count - 1 else { throw invalid() }
      kind = scalars[position]
    }
  }

  private func unknownKind() -> TemplateError {
    .value(
      "Unknown format code '\(kind.map { String($0) } ?? "")' for object of type '\(typeName)'"
    )
  }

  func signText(isNegative: Bool) -> String {
    isNegative ? "-" : sign == "-" ? "" : String(sign)
  }

  /// Text in its width.
  func padded(_ text: String, default: Unicode.Scalar = "<") -> String {
    let missing = (width ?? 0) - text.unicodeScalars.count
    guard missing > 0 else { return text }
    func fill(_ count: Int) -> String { String(repeating: String(self.fill), count: count) }
    switch align ?? `default` {
    case ">", "=": return fill(missing) + text
    case "^": return fill(missing / 2) + text + fill(missing - missing / 2)
    default: return text + fill(missing)
    }
  }

  /// For `%`: a sign, then zeros or blanks.
  func paddedNumber(sign: String, _ digits: String, isLeft: Bool) -> String {
    let missing = (width ?? 0) - sign.utf8.count - digits.utf8.count
    guard missing > 0 else { return sign + digits }
    if isLeft { return sign + digits + String(repeating: " ", count: missing) }
    if isZeroPadded { return sign + String(repeating: "0", count: missing) + digits }
    return String(repeating: " ", count: missing) + sign + digits
  }

  func format(_ text: String) throws(TemplateError) -> String {
    guard kind == nil || kind == "s" else { throw unknownKind() }
    if sign != "-" { throw .value("Sign not allowed in string format specifier") }
    if align == "=" {
      throw .value("'=' alignment not allowed in string format specifier")
    }
    if isAlternate { throw .value("Alternate form (#) not allowed in string format specifier") }
    if let grouping { throw .value("Cannot specify '\(String(grouping))' with 's'.") }
    let cut = precision.map { String(text.unicodeScalars.prefix($0)) } ?? text
    return padded(cut)
  }

  /// Refuses widths and precisions that nobody means.
  func check(_ interpreter: Interpreter) throws(TemplateError) {
    guard width ?? 0 <= interpreter.limits.repetition else {
      throw .limit("the width of a format is larger than \(interpreter.limits.repetition)")
    }
    guard precision ?? 0 <= interpreter.limits.formatPrecision else {
      throw .limit("the precision of a format is larger than \(interpreter.limits.formatPrecision)")
    }
  }

  func format(_ number: Number, _ interpreter: Interpreter) throws(TemplateError) -> String {
    switch number {
    case .float(let double): return try format(double)
    case .int, .big:
      switch kind {
      case "e", "E", "f", "F", "g", "G", "%": return try format(number.finiteDouble())
      case nil, "d", "n", "b", "o", "x", "X", "c": return try format(number.big, interpreter)
      default: throw unknownKind()
      }
    }
  }

  private func format(
    _ number: BigInt,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    guard precision == nil else {
      throw .value("Precision not allowed in integer format specifier")
    }
    if kind == "c" {
      guard sign == "-" else { throw .value("Sign not allowed with integer format specifier 'c'") }
      guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
        throw .overflow("%c arg not in range(0x110000)")
      }
      return padded(String(scalar))
    }
    let radix = kind == "b" ? 2 : kind == "o" ? 8 : kind == "x" || kind == "X" ? 16 : 10
    if radix != 10, grouping == "," {
      throw .value("Cannot specify ',' with '\(kind.map { String($0) } ?? "")'.")
    }
    try interpreter.charge(number, number)
    let digits =
      radix == 10
      ? try interpreter.decimalText(BigInt(number.magnitude))
      : String(number.magnitude, radix: radix, uppercase: kind == "X")
    let prefix = isAlternate && radix != 10 ? "0" + (kind.map { String($0) } ?? "") : ""
    return assembled(
      sign: signText(isNegative: number < 0) + prefix,
      whole: digits,
      rest: "",
      groupSize: radix == 10 ? 3 : 4
    )
  }

  private func format(_ double: Double) throws(TemplateError) -> String {
    var body: String
    let magnitude = abs(double)
    switch kind {
    case nil:
      if let precision {
        body = FloatFormat.format(
          magnitude,
          kind: "g",
          precision: max(precision, 1),
          isAlternate: isAlternate
        )
        // Without a type there is always a digit behind the point.
        if double.isFinite, !body.contains("."), !body.contains("e") { body += ".0" }
      } else {
        body = PythonFloat.repr(magnitude)
      }
    case "e", "E", "f", "F", "g", "G", "n":
      body = FloatFormat.format(
        magnitude,
        kind: kind == "n" ? "g" : kind ?? "g",
        precision: precision ?? 6,
        isAlternate: isAlternate
      )
    case "%":
      body =
        FloatFormat.format(
          magnitude * 100,
          kind: "f",
          precision: precision ?? 6,
          isAlternate: isAlternate
        ) + "%"
    default: throw unknownKind()
    }
    let whole = body.prefix { ("0"..."9").contains($0) }
    return assembled(
      sign: signText(
        isNegative: double.sign == .minus && !double.isNaN
          && !(hidesNegativeZero && !body.contains { ("1"..."9").contains($0) || $0 == "i" })
      ),
      whole: String(whole),
      rest: String(body.dropFirst(whole.count)),
      groupSize: 3
    )
  }

  private func assembled(sign: String, whole: String, rest: String, groupSize: Int) -> String {
    var whole = whole
    if let grouping {
      // Zeros that fill the width are grouped too.
      if align == "=", fill == "0", let width {
        let room = width - sign.utf8.count - rest.utf8.count
        // The fewest digits that fill the room together with their separators.
        var digits = max(whole.utf8.count, room - room / (groupSize + 1) + 1)
        while digits > whole.utf8.count, digits - 1 + (digits - 2) / groupSize >= room {
          digits -= 1
        }
        whole = String(repeating: "0", count: digits - whole.utf8.count) + whole
        return sign + grouped(whole, grouping, groupSize) + rest
      }
      whole = grouped(whole, grouping, groupSize)
    }
    let body = whole + rest
    if align == "=" {
      let missing = (width ?? 0) - sign.count - body.count
      if missing > 0 { return sign + String(repeating: String(fill), count: missing) + body }
      return sign + body
    }
    return padded(sign + body, default: ">")
  }

  private func grouped(_ digits: String, _ separator: Unicode.Scalar, _ size: Int) -> String {
    var result = ""
    let count = digits.utf8.count
    for (index, digit) in digits.unicodeScalars.enumerated() {
      if index > 0, (count - index) % size == 0 { result.unicodeScalars.append(separator) }
      result.unicodeScalars.append(digit)
    }
    return result
  }
}

/// Floats in C's formats, which Python shares.
enum FloatFormat {
  static func format(
    _ double: Double,
    kind: Unicode.Scalar,
    precision: Int,
    isAlternate: Bool
  )
    -> String
  {
    let isUpper = kind.properties.isUppercase
    if double.isNaN { return isUpper ? "NAN" : "nan" }
    if double.isInfinite { return isUpper ? "INF" : "inf" }
    let format = "%" + (isAlternate ? "#" : "") + ".*" + (kind == "F" ? "f" : String(kind))
    let size = 400 + precision
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
      // The allocation is not empty, so it has an address.
      guard let base = buffer.baseAddress else { return "" }
      let count = withVaList([Int32(precision), double]) {
        vsnprintf(base, size, format, $0)
      }
      return String(
        decoding: UnsafeRawBufferPointer(start: base, count: min(Int(count), size - 1)),
        as: UTF8.self
      )
    }
  }
}
