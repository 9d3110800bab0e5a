import BigInt

/// Python's `'%s' % value`.
enum PercentFormat {
  static func format(
    _ format: String,
    _ value: Value,
    _ interpreter: Interpreter,
    escapes: Bool = false
  )
    throws(TemplateError) -> String
  {
    var formatter = Formatter(format, value, interpreter, escapes)
    let mark = interpreter.output.count
    do throws(TemplateError) {
      try formatter.run()
    } catch {
      interpreter.output.truncate(to: mark)
      throw error
    }
    return interpreter.output.take(from: mark)
  }

  private struct Formatter {
    private let bytes: [UInt8]
    private let value: Value
    private let interpreter: Interpreter
    private let escapes: Bool
    private let arguments: [Value]?
    private var next = 0
    private var usesMapping = false
    private var position = 0
    private let out: Output

    init(_ format: String, _ value: Value, _ interpreter: Interpreter, _ escapes: Bool) {
      bytes = Array(format.utf8)
      self.value = value
      self.interpreter = interpreter
      out = interpreter.output
      self.escapes = escapes
      if case .tuple(let tuple) = value { arguments = tuple.items } else { arguments = nil }
    }

    private mutating func argument() throws(TemplateError) -> Value {
      if let arguments {
        guard next < arguments.count else {
          throw .type("not enough arguments for format string")
        }
        next += 1
        return arguments[next - 1]
      }
      guard next == 0 else { throw .type("not enough arguments for format string") }
      next = 1
      return value
    }

    mutating func run() throws(TemplateError) {
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "%") {
          try conversion()
        } else {
          out.append(byte)
        }
      }
      let isMapping: Bool =
        switch value {
        case .dict, .list, .undefined: true
        case .object(let object): object.isMapping
        default: false
        }
      if !usesMapping, arguments.map({ next < $0.count }) ?? (next == 0 && !isMapping) {
        throw .type("not all arguments converted during string formatting")
      }
    }

    private mutating func conversion() throws(TemplateError) {
      if position < bytes.count, bytes[position] == UInt8(ascii: "s") {
        // The commonest one.
        position += 1
        let value = try argument()
        if escapes { return try write(interpreter.escapedText(of: value)) }
        return try interpreter.write(value)
      }
      var flags = FormatSpecification()
      var mapped: Value?
      if position < bytes.count, bytes[position] == UInt8(ascii: "(") {
        var depth = 1
        position += 1
        let start = position
        while position < bytes.count {
          let byte = bytes[position]
          position += 1
          if byte == UInt8(ascii: "(") { depth += 1 }
          if byte == UInt8(ascii: ")") {
            depth -= 1
            if depth == 0 { break }
          }
        }
        let key = String(decoding: bytes[start..<max(start, position - 1)], as: UTF8.self)
        guard depth == 0 else { throw .value("incomplete format key") }
        usesMapping = true
        switch value {
        case .dict(let dictionary): mapped = dictionary[key]
        case .object(let object) where object.isMapping:
          mapped = try object.item(.string(key), interpreter)
        case .undefined(let undefined): throw interpreter.undefinedError(undefined)
        default: throw .type("format requires a mapping")
        }
        // What comes without a key after this finds nothing.
        next = 1
        if mapped == nil {
          throw TemplateError(
            .key,
            id: "jinja.key-error",
            try interpreter.reprText(of: .string(key))
          )
        }
      }
      var isLeft = false
      flagLoop: while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: "-"): isLeft = true
        case UInt8(ascii: "+"): flags.sign = "+"
        case UInt8(ascii: " "): if flags.sign != "+" { flags.sign = " " }
        case UInt8(ascii: "#"): flags.isAlternate = true
        case UInt8(ascii: "0"): flags.isZeroPadded = true
        default: break flagLoop
        }
        position += 1
      }
      if let width = try number() {
        flags.width = Int(clamping: width.magnitude)
        if width < 0 { isLeft = true }
      }
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
        position += 1
        flags.precision = max(0, try number() ?? 0)
      }
      while position < bytes.count, "hlL".utf8.contains(bytes[position]) { position += 1 }
      guard position < bytes.count else { throw .value("incomplete format") }
      let kind = scalar()
      if kind == "%" {
        out.append(UInt8(ascii: "%"))
        return
      }
      try flags.check(interpreter)
      flags.align = isLeft ? "<" : ">"
      let value = if let mapped { mapped } else { try argument() }
      switch kind {
      case "s", "r", "a":
        var text =
          kind != "s"
          ? try interpreter.reprText(of: value)
          : try escapes ? interpreter.escapedText(of: value) : interpreter.text(of: value)
        if kind == "a" { text = text.withASCIIEscapes }
        if escapes, kind != "s" { text = BuiltinFilters.escaped(text) }
        if let precision = flags.precision {
          text = String(text.unicodeScalars.prefix(precision))
        }
        if flags.width == nil { return try write(text) }
        flags.isZeroPadded = false
        try write(flags.padded(text))
      case "c":
        switch value {
        case .string(let text) where text.unicodeScalars.count == 1: try write(flags.padded(text))
        case .int, .bool:
          let code = value.asInt ?? 0
          guard let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
            throw .overflow("%c arg not in range(0x110000)")
          }
          try write(flags.padded(String(scalar)))
        default: throw .type("%c requires int or char")
        }
      case "d", "i", "u", "x", "X", "o":
        let number = try integer(value, kind)
        let radix = kind == "x" || kind == "X" ? 16 : kind == "o" ? 8 : 10
        try interpreter.charge(number, number)
        var digits =
          radix == 10
          ? try interpreter.decimalText(BigInt(number.magnitude))
          : String(number.magnitude, radix: radix, uppercase: kind == "X")
        if let precision = flags.precision, digits.count < precision {
          digits = String(repeating: "0", count: precision - digits.count) + digits
        }
        let prefix = !flags.isAlternate ? "" : radix == 16 ? "0\(kind)" : radix == 8 ? "0o" : ""
        try write(
          flags.paddedNumber(
            sign: flags.signText(isNegative: number < 0) + prefix,
            digits,
            isLeft: isLeft
          )
        )
      case "e", "E", "f", "F", "g", "G":
        let double = try float(value)
        let body = FloatFormat.format(
          abs(double),
          kind: kind,
          precision: flags.precision ?? 6,
          isAlternate: flags.isAlternate
        )
        if !double.isFinite { flags.isZeroPadded = false }
        try write(
          flags.paddedNumber(
            sign: flags.signText(isNegative: double.sign == .minus && !double.isNaN),
            body,
            isLeft: isLeft
          )
        )
      default:
        throw .value(
          "unsupported format character '\(String(kind))' (0x\(String(kind.value, radix: 16))) "
            + "at index \(position - 1)"
        )
      }
    }

    /// The character at the position, which moves behind it.
    private mutating func scalar() -> Unicode.Scalar {
      let start = position
      position += 1
      if bytes[start] < 0x80 { return Unicode.Scalar(bytes[start]) }
      while position < bytes.count, bytes[position] & 0xC0 == 0x80 { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self).unicodeScalars.first
        ?? "\u{FFFD}"
    }

    private mutating func write(_ text: String) throws(TemplateError) {
      out.append(text)
      if out.isExceeded { throw interpreter.limitExceeded() }
    }

    private mutating func number() throws(TemplateError) -> Int? {
      if position < bytes.count, bytes[position] == UInt8(ascii: "*") {
        position += 1
        guard let width = try argument().asInt else { throw .type("* wants int") }
        return width
      }
      let start = position
      while position < bytes.count, bytes[position] >= 48, bytes[position] <= 57 { position += 1 }
      if start == position { return nil }
      guard let number = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
        throw .value("width too big")
      }
      return number
    }

    private func integer(_ value: Value, _ kind: Unicode.Scalar) throws(TemplateError) -> BigInt {
      var value = value
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      if case .object(let object) = value, let number = object.numericValue { value = number }
      switch value.number {
      case .int(let int)?: return BigInt(int)
      case .big(let big)?: return big
      case .float(let double)? where kind == "d" || kind == "i" || kind == "u":
        guard double.isFinite else {
          throw double.isNaN
            ? .value("cannot convert float NaN to integer")
            : .overflow("cannot convert float infinity to integer")
        }
        return BigInt(double)
      default:
        let wanted =
          kind == "d" || kind == "i" || kind == "u"
          ? "a real number is required" : "an integer is required"
        throw .type("%\(String(kind)) format: \(wanted), not \(value.typeName)")
      }
    }

    private func float(_ value: Value) throws(TemplateError) -> Double {
      var value = value
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      if case .object(let object) = value, let number = object.numericValue { value = number }
      guard let number = value.number else {
        throw .type("must be real number, not \(value.typeName)")
      }
      return try number.finiteDouble()
    }
  }
}
