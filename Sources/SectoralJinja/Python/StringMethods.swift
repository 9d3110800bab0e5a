/// Methods of `str`.
enum StringMethods {
  static func has(_ name: KnownName) -> Bool {
    switch name {
    case .capitalize, .casefold, .center, .count, .encode, .endswith, .expandtabs, .find, .format,
      .format_map, .index, .isalnum, .isalpha, .isascii, .isdecimal, .isdigit, .isidentifier,
      .islower, .isnumeric, .isprintable, .isspace, .istitle, .isupper, .join, .ljust, .lower,
      .lstrip, .maketrans, .partition, .removeprefix, .removesuffix, .replace, .rfind, .rindex,
      .rjust, .rpartition, .rsplit, .rstrip, .split, .splitlines, .startswith, .strip, .swapcase,
      .title, .translate, .upper, .zfill:
      true
    default: false
    }
  }

  static func call(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    switch name {
    case .lower, .upper, .title, .capitalize, .casefold, .swapcase:
      _ = try arguments.positional("str.\(name)", 0...0)
      return .string(changedCase(name, text))
    case .isalnum, .isalpha, .isascii, .isdecimal, .isdigit, .isidentifier, .islower, .isnumeric,
      .isprintable, .isspace, .istitle, .isupper:
      _ = try arguments.positional("str.\(name)", 0...0)
      return .bool(has(name, text))
    case .strip, .lstrip, .rstrip:
      return .string(try stripped(name, text, arguments))
    case .split, .rsplit: return try split(name, text, arguments)
    case .splitlines:
      let values = try arguments.bound("splitlines", ["keepends"])
      let keeps = try (values[0] ?? .bool(false)).expectInt() != 0
      return .list(lines(text, keepEnds: keeps).map { .string($0) })
    case .partition, .rpartition: return try partition(name, text, arguments)
    case .replace:
      let values = try arguments.positional("replace", 2...3)
      let old = try values[0].expectString(
        "replace() argument 1 must be str, not \(values[0].typeName)"
      )
      let new = try values[1].expectString(
        "replace() argument 2 must be str, not \(values[1].typeName)"
      )
      let count = values.count > 2 ? try values[2].expectInt() : -1
      return .string(try replaced(text, old, new, count, interpreter.limits))
    case .startswith, .endswith: return try affix(name, text, arguments)
    case .find, .rfind, .index, .rindex, .count: return try search(name, text, arguments)
    case .join:
      let values = try arguments.positional("str.join", 1...1)
      switch values[0] {
      case .int, .float, .bool, .none, .bigInt: throw .type("can only join an iterable")
      default: break
      }
      var parts: [String] = []
      for (index, item) in try interpreter.items(of: values[0]).enumerated() {
        parts.append(
          try item.expectString(
            "sequence item \(index): expected str instance, \(item.typeName) found"
          )
        )
      }
      return .string(try interpreter.joined(parts, separator: text))
    case .center, .ljust, .rjust, .zfill: return try padded(name, text, arguments, interpreter)
    case .expandtabs:
      let values = try arguments.bound("expandtabs", ["tabsize"])
      return .string(try expandTabs(text, try values[0]?.expectInt() ?? 8, interpreter))
    case .removeprefix, .removesuffix:
      let values = try arguments.positional("str.\(name)", 1...1)
      let affix = try values[0].expectString(
        "\(name)() argument must be str, not \(values[0].typeName)"
      )
      let bytes = text.utf8.count
      guard !affix.isEmpty, affix.utf8.count <= bytes else { return .string(text) }
      if name == .removeprefix {
        return .string(
          text.utf8.starts(with: affix.utf8) ? text.text(in: affix.utf8.count..<bytes) : text
        )
      }
      let end = bytes - affix.utf8.count
      return .string(text.text(in: end..<bytes).isSame(as: affix) ? text.text(in: 0..<end) : text)
    case .format:
      return .string(try StringFormat.format(text, arguments, interpreter))
    case .format_map:
      let values = try arguments.positional("str.format_map", 1...1)
      return .string(
        try StringFormat.format(
          text,
          Arguments([], keyword: try interpreter.keywordPairs(values[0])),
          interpreter
        )
      )
    case .maketrans: return try makeTranslation(arguments, interpreter)
    case .translate:
      let values = try arguments.positional("str.translate", 1...1)
      return .string(try translated(text, values[0], interpreter))
    case .encode:
      throw .type("bytes are not supported: str.encode() is not available in templates")
    default:
      throw .type("'str' object has no method '\(name)'")
    }
  }

  // MARK: Case

  static func changedCase(_ name: KnownName, _ text: String) -> String {
    switch name {
    case .lower: return text.isASCIIText ? text.lowercased() : lower(text)
    case .upper: return text.uppercased()
    case .casefold: return folded(text)
    default: break
    }
    if let ascii = changedASCIICase(name, text) { return ascii }
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var isStart = true
    for (index, scalar) in scalars.enumerated() {
      let properties = scalar.properties
      switch name {
      case .capitalize, .title:
        result.append(
          contentsOf: isStart ? properties.titlecaseMapping.unicodeScalars : lower(scalars, index)
        )
        isStart = name == .title ? !scalar.isCased : false
      default:
        if properties.isUppercase {
          result.append(contentsOf: lower(scalars, index))
        } else if properties.isLowercase {
          result.append(contentsOf: properties.uppercaseMapping.unicodeScalars)
        } else {
          result.append(scalar)
        }
      }
    }
    return String(result)
  }

  /// nil: not ASCII.
  private static func changedASCIICase(_ name: KnownName, _ text: String) -> String? {
    guard text.isASCIIText else { return nil }
    var isStart = true
    return text.mappingASCII { byte in
      let isUpper = byte >= 65 && byte <= 90
      let isLower = byte >= 97 && byte <= 122
      switch name {
      case .swapcase: return isUpper || isLower ? byte ^ 0x20 : byte
      case .capitalize:
        defer { isStart = false }
        return isStart ? (isLower ? byte ^ 0x20 : byte) : isUpper ? byte ^ 0x20 : byte
      default:
        defer { isStart = !(isUpper || isLower) }
        return isStart ? (isLower ? byte ^ 0x20 : byte) : isUpper ? byte ^ 0x20 : byte
      }
    }
  }

  private static func lower(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    for index in scalars.indices { result.append(contentsOf: lower(scalars, index)) }
    return String(result)
  }

  /// One character's lower case; sigma has a form of its own at the end of words.
  private static func lower(
    _ scalars: [Unicode.Scalar],
    _ index: Int
  )
    -> String.UnicodeScalarView
  {
    guard scalars[index] == "\u{3A3}" else {
      return scalars[index].properties.lowercaseMapping.unicodeScalars
    }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }?.isCased ?? false
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.isCased ?? false
    return String.UnicodeScalarView([before && !after ? "\u{3C2}" : "\u{3C3}"])
  }

  private static func folded(_ text: String) -> String {
    if text.isASCIIText { return text.lowercased() }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "ß", "ẞ": result.append(contentsOf: "ss".unicodeScalars)
      case "ς": result.append("σ")
      default:
        result.append(
          contentsOf: scalar.properties.uppercaseMapping.unicodeScalars.flatMap {
            Array($0.properties.lowercaseMapping.unicodeScalars)
          }
        )
      }
    }
    return String(result)
  }

  // MARK: Classes of characters

  static func has(_ name: KnownName, _ text: String) -> Bool {
    let scalars = text.unicodeScalars
    switch name {
    case .isascii: return text.isASCIIText
    case .isprintable: return scalars.allSatisfy(\.isPythonPrintable)
    case .isidentifier:
      guard let first = scalars.first, first == "_" || first.properties.isXIDStart else {
        return false
      }
      return scalars.dropFirst().allSatisfy { $0.properties.isXIDContinue }
    case .islower, .isupper:
      var found = false
      for scalar in scalars {
        let properties = scalar.properties
        if name == .islower {
          if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
            return false
          }
          found = found || properties.isLowercase
        } else {
          if properties.isLowercase || properties.generalCategory == .titlecaseLetter {
            return false
          }
          found = found || properties.isUppercase
        }
      }
      return found
    case .istitle:
      var found = false
      var insideWord = false
      for scalar in scalars {
        let isUpper =
          scalar.properties.isUppercase || scalar.properties.generalCategory == .titlecaseLetter
        if isUpper {
          if insideWord { return false }
          insideWord = true
          found = true
        } else if scalar.properties.isLowercase {
          if !insideWord { return false }
          found = true
        } else {
          insideWord = false
        }
      }
      return found
    default: break
    }
    guard !scalars.isEmpty else { return false }
    switch name {
    case .isalpha: return scalars.allSatisfy(\.isPythonAlpha)
    case .isdecimal: return scalars.allSatisfy(\.isPythonDecimal)
    case .isdigit: return scalars.allSatisfy(\.isPythonDigit)
    case .isnumeric: return scalars.allSatisfy(\.isPythonNumeric)
    case .isspace: return scalars.allSatisfy(isPythonSpace)
    default: return scalars.allSatisfy { $0.isPythonAlpha || $0.isPythonNumeric }
    }
  }

  // MARK: Stripping, splitting

  private static func stripped(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments
  )
    throws(TemplateError) -> String
  {
    let values = try arguments.positional("\(name)", 0...1)
    switch values.first {
    case nil, .none?: return strip(text, left: name != .rstrip, right: name != .lstrip)
    case .string(let characters)?:
      return strip(text, characters, left: name != .rstrip, right: name != .lstrip)
    default: throw .type("\(name) arg must be None or str")
    }
  }

  /// Without the given characters at the ends; nil: whitespace.
  static func strip(
    _ text: String,
    _ characters: String? = nil,
    left: Bool,
    right: Bool
  )
    -> String
  {
    if characters == nil, !text.hasSpaceAtEnds { return text }
    let scalars = text.unicodeScalars
    let set = characters.map { Set($0.unicodeScalars) }
    func isStripped(_ scalar: Unicode.Scalar) -> Bool {
      set.map { $0.contains(scalar) } ?? isPythonSpace(scalar)
    }
    var start = scalars.startIndex
    var end = scalars.endIndex
    if left { while start < end, isStripped(scalars[start]) { scalars.formIndex(after: &start) } }
    if right {
      while start < end {
        let previous = scalars.index(before: end)
        guard isStripped(scalars[previous]) else { break }
        end = previous
      }
    }
    if start == scalars.startIndex, end == scalars.endIndex { return text }
    return String(text[start..<end])
  }

  private static func split(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments
  )
    throws(TemplateError) -> Value
  {
    let values = try arguments.bound("\(name)", ["sep", "maxsplit"])
    let limit = try values[1]?.expectInt() ?? -1
    switch values[0] {
    case nil, .none?:
      return .list(splitWhitespace(text, limit, fromRight: name == .rsplit).map { .string($0) })
    case .string(let separator)?:
      guard !separator.isEmpty else { throw .value("empty separator") }
      guard name == .rsplit, limit >= 0 else {
        return .list(text.pieces(between: separator, limit: limit))
      }
      let pieces = text.split(on: separator, limit: -1)
      guard pieces.count - 1 > limit else { return .list(pieces.map { .string($0) }) }
      // From the right: the first pieces stay joined. Overlapping separators are rare enough to
      // look for separately.
      return .list(rightSplit(text, separator, limit).map { .string($0) })
    case let other?: throw .type("must be str or None, not \(other.typeName)")
    }
  }

  private static func rightSplit(_ text: String, _ separator: String, _ limit: Int) -> [String] {
    var pieces: [String] = []
    var end = text.utf8.count
    while pieces.count < limit, let hit = text.findLast(separator, in: 0..<end) {
      pieces.append(text.text(in: hit + separator.utf8.count..<end))
      end = hit
    }
    pieces.append(text.text(in: 0..<end))
    return pieces.reversed()
  }

  private static func splitWhitespace(_ text: String, _ limit: Int, fromRight: Bool) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var pieces: [String] = []
    func string(_ range: Range<Int>) -> String {
      String(String.UnicodeScalarView(scalars[range]))
    }
    if fromRight {
      var end = scalars.count
      while true {
        while end > 0, isPythonSpace(scalars[end - 1]) { end -= 1 }
        guard end > 0 else { break }
        if limit >= 0, pieces.count >= limit {
          pieces.append(string(0..<end))
          break
        }
        var start = end
        while start > 0, !isPythonSpace(scalars[start - 1]) { start -= 1 }
        pieces.append(string(start..<end))
        end = start
      }
      return pieces.reversed()
    }
    var start = 0
    while true {
      while start < scalars.count, isPythonSpace(scalars[start]) { start += 1 }
      guard start < scalars.count else { break }
      if limit >= 0, pieces.count >= limit {
        pieces.append(string(start..<scalars.count))
        break
      }
      var end = start
      while end < scalars.count, !isPythonSpace(scalars[end]) { end += 1 }
      pieces.append(string(start..<end))
      start = end
    }
    return pieces
  }

  static func lines(_ text: String, keepEnds: Bool) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var result: [String] = []
    var start = 0
    var index = 0
    while index < scalars.count {
      let end = index
      switch scalars[index].value {
      case 0x0D:
        index += 1
        if index < scalars.count, scalars[index] == "\n" { index += 1 }
      case 0x0A, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029: index += 1
      default:
        index += 1
        continue
      }
      result.append(
        String(String.UnicodeScalarView(scalars[start..<(keepEnds ? index : end)]))
      )
      start = index
    }
    if start < scalars.count {
      result.append(String(String.UnicodeScalarView(scalars[start...])))
    }
    return result
  }

  private static func partition(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments
  )
    throws(TemplateError) -> Value
  {
    let values = try arguments.positional("str.\(name)", 1...1)
    let separator = try values[0].expectString("must be str, not \(values[0].typeName)")
    guard !separator.isEmpty else { throw .value("empty separator") }
    let count = text.utf8.count
    let hit =
      name == .partition
      ? text.find(separator, in: 0..<count) : text.findLast(separator, in: 0..<count)
    guard let hit else {
      return .tuple(
        (name == .partition ? [text, "", ""] : ["", "", text]).map { .string($0) }
      )
    }
    return .tuple([
      .string(text.text(in: 0..<hit)), .string(separator),
      .string(text.text(in: hit + separator.utf8.count..<count)),
    ])
  }

  /// `str.replace`, bounded.
  static func replaced(
    _ text: String,
    _ old: String,
    _ new: String,
    _ count: Int,
    _ limits: Limits
  ) throws(TemplateError) -> String {
    let size = text.utf8.count
    let most = old.isEmpty ? size + 1 : size / old.utf8.count
    guard new.utf8.count <= limits.repetition / max(1, most) || new.utf8.count <= old.utf8.count
    else {
      throw .limit("the replacement is larger than \(limits.repetition)")
    }
    return text.replacing(old, with: new, count: count)
  }

  // MARK: Searching

  /// A byte range for the optional start and end of a method; nil when start lies behind the end.
  private static func range(
    _ text: String,
    _ values: ArraySlice<Value>
  ) throws(TemplateError)
    -> (bytes: Range<Int>, isASCII: Bool)?
  {
    let isASCII = text.isASCIIText
    let count = isASCII ? text.utf8.count : text.scalarCount
    func bound(_ value: Value?, _ fallback: Int) throws(TemplateError) -> Int {
      switch value {
      case nil, .none?: return fallback
      case let value?:
        guard let index = value.asInt else {
          throw .type(
            "slice indices must be integers or None or have an __index__ method"
          )
        }
        return index < 0 ? max(0, index + count) : index
      }
    }
    let start = try bound(values.first, 0)
    let end = min(try bound(values.dropFirst().first, count), count)
    guard start <= end else { return nil }
    if isASCII { return (start..<end, true) }
    return (text.byteOffset(start)..<text.byteOffset(end), false)
  }

  private static func search(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments
  )
    throws(TemplateError) -> Value
  {
    let values = try arguments.positional("\(name)", 1...3)
    let needle = try values[0].expectString("must be str, not \(values[0].typeName)")
    guard let (bytes, isASCII) = try range(text, values.dropFirst()) else {
      if name == .count { return .int(0) }
      if name == .find || name == .rfind { return .int(-1) }
      throw .value("substring not found")
    }
    if name == .count {
      if needle.isEmpty {
        return .int((isASCII ? bytes.count : text.text(in: bytes).scalarCount) + 1)
      }
      var count = 0
      var start = bytes.lowerBound
      while let hit = text.find(needle, in: start..<bytes.upperBound) {
        count += 1
        start = hit + needle.utf8.count
      }
      return .int(count)
    }
    let hit =
      name == .find || name == .index
      ? text.find(needle, in: bytes) : text.findLast(needle, in: bytes)
    guard let hit else {
      if name == .find || name == .rfind { return .int(-1) }
      throw .value("substring not found")
    }
    return .int(isASCII ? hit : text.text(in: 0..<hit).scalarCount)
  }

  private static func affix(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments
  )
    throws(TemplateError) -> Value
  {
    let values = try arguments.positional("\(name)", 1...3)
    let affixes: [Value]
    switch values[0] {
    case .string(let affix) where values.count == 1:
      return .bool(
        name == .startswith ? text.hasBytes(of: affix, at: 0) : text.hasBytes(ofSuffix: affix)
      )
    case .string: affixes = [values[0]]
    case .tuple(let tuple): affixes = tuple.items
    default:
      throw .type(
        "\(name) first arg must be str or a tuple of str, not \(values[0].typeName)"
      )
    }
    guard let (bytes, _) = try range(text, values.dropFirst()) else { return .bool(false) }
    for affix in affixes {
      let wanted = try affix.expectString(
        "tuple for \(name) must only contain str, not \(affix.typeName)"
      )
      let length = wanted.utf8.count
      guard length <= bytes.count else { continue }
      let start = name == .startswith ? bytes.lowerBound : bytes.upperBound - length
      if text.find(wanted, in: start..<start + length) != nil { return .bool(true) }
    }
    return .bool(false)
  }

  // MARK: Padding

  private static func padded(
    _ name: KnownName,
    _ text: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let values = try arguments.positional("\(name)", name == .zfill ? 1...1 : 1...2)
    let width = try values[0].expectInt()
    var fill = " "
    if values.count > 1 {
      fill = try values[1].expectString(
        "The fill character must be a unicode character, not \(values[1].typeName)"
      )
      guard fill.unicodeScalars.count == 1 else {
        throw .type("The fill character must be exactly one character long")
      }
    }
    let length = text.scalarCount
    guard width > length else { return .string(text) }
    let missing = width - length
    try interpreter.checkWidth(width)
    func padding(_ count: Int) -> String { String(repeating: fill, count: count) }
    switch name {
    case .ljust: return .string(text + padding(missing))
    case .rjust: return .string(padding(missing) + text)
    case .zfill:
      let zeros = String(repeating: "0", count: missing)
      if let sign = text.unicodeScalars.first, sign == "-" || sign == "+" {
        return .string(String(sign) + zeros + text.text(in: 1..<text.utf8.count))
      }
      return .string(zeros + text)
    default: return .string(centered(text, width, fill))
    }
  }

  /// Python puts the odd blank on the left when the width is odd.
  static func centered(_ text: String, _ width: Int, _ fill: String = " ") -> String {
    let length = text.scalarCount
    guard width > length else { return text }
    let missing = width - length
    let left = missing / 2 + (missing & width & 1)
    return String(repeating: fill, count: left) + text
      + String(repeating: fill, count: missing - left)
  }

  private static func expandTabs(
    _ text: String,
    _ size: Int,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    try interpreter.checkWidth(size)
    var result = ""
    var column = 0
    for scalar in text.unicodeScalars {
      if scalar == "\t" {
        guard size > 0 else { continue }
        let count = size - column % size
        try interpreter.checkLength(result.utf8.count + count)
        result += String(repeating: " ", count: count)
        column += count
      } else {
        result.unicodeScalars.append(scalar)
        column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
      }
    }
    return result
  }

  // MARK: Translation

  private static func makeTranslation(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let values = try arguments.positional("maketrans", 1...3)
    let result = DictValue()
    if values.count == 1 {
      guard case .dict(let source) = values[0] else {
        throw .type(
          "if you give only one argument to maketrans it must be a dict"
        )
      }
      for (key, value) in source.pairs {
        if case .string(let text) = key {
          guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw .value("string keys in translate table must be of length 1")
          }
          result[.int(Int(scalar.value))] = value
        } else {
          result[key] = value
        }
      }
      return .dict(result)
    }
    let from = try values[0].expectString("maketrans() argument 1 must be str")
    let to = try values[1].expectString("maketrans() argument 2 must be str")
    guard from.unicodeScalars.count == to.unicodeScalars.count else {
      throw .value("the first two maketrans arguments must have equal length")
    }
    for (a, b) in zip(from.unicodeScalars, to.unicodeScalars) {
      result[.int(Int(a.value))] = .int(Int(b.value))
    }
    if values.count > 2 {
      for scalar in try values[2].expectString("maketrans() argument 3 must be str").unicodeScalars
      {
        result[.int(Int(scalar.value))] = Value.none
      }
    }
    return .dict(result)
  }

  private static func translated(
    _ text: String,
    _ table: Value,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    guard case .dict(let table) = table else {
      throw .type("'\(table.typeName)' object is not subscriptable")
    }
    var result = ""
    for scalar in text.unicodeScalars {
      switch table[.int(Int(scalar.value))] {
      case nil: result.unicodeScalars.append(scalar)
      case .none?: break
      case .string(let new)?:
        try interpreter.checkLength(result.utf8.count + new.utf8.count)
        result += new
      case .int(let code)?:
        guard let new = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
          throw .value("character mapping must be in range(0x110000)")
        }
        result.unicodeScalars.append(new)
      default: throw .type("character mapping must return integer, None or str")
      }
    }
    return result
  }
}

extension String {
  /// False: there is certainly nothing to strip.
  fileprivate var hasSpaceAtEnds: Bool {
    guard let first = utf8.first, let last = utf8.last else { return false }
    return first <= 0x20 || first >= 0x7F || last <= 0x20 || last >= 0x7F
  }

  /// Whether the bytes of the other string stand at an offset.
  func hasBytes(of other: String, at offset: Int) -> Bool {
    var text = self
    var part = other
    return text.withUTF8 { bytes in
      part.withUTF8 { wanted in
        offset >= 0 && wanted.count <= bytes.count - offset && Bytes.matches(wanted, bytes, offset)
      }
    }
  }

  func hasBytes(ofSuffix other: String) -> Bool {
    hasBytes(of: other, at: utf8.count - other.utf8.count)
  }

  /// The byte offset of a character offset.
  func byteOffset(_ scalars: Int) -> Int {
    let index = unicodeScalars.index(
      unicodeScalars.startIndex,
      offsetBy: scalars,
      limitedBy: unicodeScalars.endIndex
    )
    return utf8.distance(from: utf8.startIndex, to: index ?? utf8.endIndex)
  }
}
