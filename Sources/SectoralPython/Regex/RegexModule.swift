import SectoralJinja

/// `modules.re`.
final class RegexModule: MappingObject {
  private var compiled: [String: RegexPattern] = [:]

  override var keys: [String] {
    Self.flags.keys.sorted() + [
      "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer", "compile",
      "purge", "template", "escape", "error", "Pattern", "Match", "RegexFlag",
    ]
  }

  private static let flags: [String: Int] = [
    "A": 256, "ASCII": 256, "I": 2, "IGNORECASE": 2, "L": 4, "LOCALE": 4, "M": 8, "MULTILINE": 8,
    "S": 16, "DOTALL": 16, "X": 64, "VERBOSE": 64, "U": 32, "UNICODE": 32, "NOFLAG": 0,
  ]

  override func member(_ text: String, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    if let flag = Self.flags[text] { return .object(RegexFlag(flag)) }
    let make: (@escaping NativeBody) -> Value = { .function(text, $0) }
    switch text {
    case "compile", "template":
      return make { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["pattern", "flags"], required: 1)
        return .object(try self.pattern(arguments.value(0), flags: arguments.flags(1)))
      }
    case "escape":
      return make { arguments, _ throws(TemplateError) in
        let text = try CallArguments(text, arguments, ["pattern"], required: 1).string(0)
        return .string(Self.escaped(text))
      }
    case "purge":
      return make { _, _ throws(TemplateError) in
        self.compiled = [:]
        return .none
      }
    case "match", "fullmatch", "search", "findall", "finditer":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(text, arguments, ["pattern", "string", "flags"], required: 2)
        let pattern = try self.pattern(bound.value(0), flags: bound.flags(2))
        return try pattern.run(text, Arguments([bound.value(1)]), interpreter)
      }
    case "sub", "subn":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(
          text,
          arguments,
          ["pattern", "repl", "string", "count", "flags"],
          required: 3
        )
        let pattern = try self.pattern(bound.value(0), flags: bound.flags(4))
        return try pattern.run(
          text,
          Arguments([bound.value(1), bound.value(2), bound[3] ?? .int(0)]),
          interpreter
        )
      }
    case "split":
      return make { arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments(
          text,
          arguments,
          ["pattern", "string", "maxsplit", "flags"],
          required: 2
        )
        let pattern = try self.pattern(bound.value(0), flags: bound.flags(3))
        return try pattern.run(
          text,
          Arguments([bound.value(1), bound[2] ?? .int(0)]),
          interpreter
        )
      }
    case "error", "Pattern", "Match", "RegexFlag":
      return .object(ClassName(inModule: "re", name: text))
    default: return nil
    }
  }

  private func pattern(_ value: Value, flags: Int) throws(TemplateError) -> PatternObject {
    if let pattern = value.object(PatternObject.self) {
      guard flags == 0 else {
        throw .valueError("cannot process flags argument with a compiled pattern")
      }
      return pattern
    }
    guard flags & RegexPattern.locale == 0 else {
      throw .valueError("cannot use LOCALE flag with a str pattern")
    }
    guard
      flags & (RegexPattern.ascii | RegexPattern.unicode)
        != RegexPattern.ascii | RegexPattern.unicode
    else { throw .valueError("ASCII and UNICODE flags are incompatible") }
    guard let source = value.asString else {
      throw .typeError("first argument must be string or compiled pattern")
    }
    let key = "\(flags):\(source)"
    if let known = compiled[key] { return PatternObject(known) }
    do throws(RegexPattern.Failure) {
      let pattern = try RegexPattern(source, flags: flags)
      if compiled.count >= 512 { compiled = [:] }
      compiled[key] = pattern
      return PatternObject(pattern)
    } catch {
      throw .python(.regularExpression, error.message)
    }
  }

  static func escaped(_ text: String) -> String {
    let special: Set<Unicode.Scalar> = [
      "(", ")", "[", "]", "{", "}", "?", "*", "+", "-", "|", "^", "$", "\\", ".", "&", "~", "#",
      " ", "\t", "\n", "\r", "\u{0B}", "\u{0C}",
    ]
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if special.contains(scalar) { out.append("\\") }
      out.append(scalar)
    }
    return String(out)
  }
}
