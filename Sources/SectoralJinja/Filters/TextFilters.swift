extension BuiltinFilters {
  static func addTextFilters(_ table: inout FilterTable) {
    for (name, method) in [
      ("upper", KnownName.upper), ("lower", .lower), ("capitalize", .capitalize),
    ] {
      table.add([name], markup: .kept) {
        (value, arguments, interpreter) throws(TemplateError) in
        .string(StringMethods.changedCase(method, try interpreter.soft(value)))
      }
    }
    table.add(["title"]) { (value, arguments, interpreter) throws(TemplateError) in
      .string(titled(try interpreter.soft(value)))
    }
    table.add(["trim"], ["chars"], markup: .kept) {
      (value, arguments, interpreter) throws(TemplateError) in
      let text = try interpreter.soft(value)
      switch arguments[0] {
      case nil, .none?: return .string(StringMethods.strip(text, left: true, right: true))
      case .string(let characters)?:
        return .string(StringMethods.strip(text, characters, left: true, right: true))
      default: throw .type("strip arg must be None or str")
      }
    }
    table.add(["replace"], ["old", "new", "count"], required: 2, markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      var text = try interpreter.soft(value)
      let old = try interpreter.soft(arguments[0] ?? .none)
      var new = try interpreter.soft(arguments[1] ?? .none)
      var isMarkup = false
      if interpreter.escapes {
        // One of them being markup makes all of it markup.
        isMarkup = value.isMarkup
        if !isMarkup, arguments[0]?.isMarkup == true || arguments[1]?.isMarkup == true {
          text = BuiltinFilters.escaped(text)
          isMarkup = true
        }
        if isMarkup { new = try interpreter.escapedText(of: arguments[1] ?? .none) }
      }
      var count = -1
      if let limit = arguments[2], !limit.isNone { count = try limit.expectInt() }
      let result = try StringMethods.replaced(text, old, new, count, interpreter.limits)
      return isMarkup ? interpreter.markup(result) : .string(result)
    }
    table.add(["string"], markup: .kept) { (value, arguments, interpreter) throws(TemplateError) in
      .string(try interpreter.soft(value))
    }
    table.add(["center"], ["width"], markup: .kept) {
      (value, arguments, interpreter) throws(TemplateError) in
      let width = try arguments[0]?.expectInt() ?? 80
      try interpreter.checkWidth(width)
      return .string(StringMethods.centered(try interpreter.soft(value), width))
    }
    table.add(["indent"], ["width", "first", "blank"], markup: .kept) {
      (value, arguments, interpreter) throws(TemplateError) in
      let text = try textOnly(value, interpreter) { type in
        "unsupported operand type(s) for +=: '\(type)' and 'str'"
      }
      let first = try interpreter.flag(arguments[1])
      let blank = try interpreter.flag(arguments[2])
      let indentation: String
      switch arguments[0] {
      case nil: indentation = "    "
      case .string(let text)?: indentation = text
      case let width?:
        let count = try width.expectInt()
        try interpreter.checkWidth(count)
        indentation = String(repeating: " ", count: max(0, count))
      }
      return .string(
        try indented(text, indentation, first: first, blank: blank, interpreter)
      )
    }
    table.add(["truncate"], ["length", "killwords", "end", "leeway"], markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      let length = arguments[0] ?? .int(255)
      let end = arguments[2] ?? .string("...")
      let leeway = arguments[3].flatMap { $0.isNone ? nil : $0 } ?? .int(5)
      let endLength = try interpreter.length(of: end)
      guard try interpreter.compare(.greaterOrEqual, length, .int(endLength)) else {
        throw TemplateError(
          ErrorKind(rawValue: "AssertionError"),
          id: "jinja.assertion",
          "expected length >= \(endLength), got \(try interpreter.soft(length))"
        )
      }
      guard try interpreter.compare(.greaterOrEqual, leeway, .int(0)) else {
        throw TemplateError(
          ErrorKind(rawValue: "AssertionError"),
          id: "jinja.assertion",
          "expected leeway >= 0, got \(try interpreter.soft(leeway))"
        )
      }
      let size = Value.int(try interpreter.length(of: value))
      guard try interpreter.compare(.greater, size, interpreter.arithmetic(.add, length, leeway))
      else { return value }
      guard length.isInteger else {
        throw .type("slice indices must be integers or None or have an __index__ method")
      }
      let text = try textOnly(value, interpreter) { type in
        "can only concatenate \(type) (not \"str\") to \(type)"
      }
      var cut = String(text.unicodeScalars.prefix(try length.expectInt() - endLength))
      if try !interpreter.flag(arguments[1]),
        let blank = cut.findLast(" ", in: 0..<cut.utf8.count)
      {
        cut = cut.text(in: 0..<blank)
      }
      guard value.isMarkup else {
        return try interpreter.arithmetic(.add, .string(cut), end)
      }
      return interpreter.markup(cut + (try interpreter.escapedText(of: end)))
    }
    table.add(["wordcount"]) { (value, arguments, interpreter) throws(TemplateError) in
      var count = 0
      var isInside = false
      for scalar in try interpreter.soft(value).unicodeScalars {
        let isWord = scalar == "_" || scalar.isPythonAlpha || scalar.isPythonNumeric
        if isWord, !isInside { count += 1 }
        isInside = isWord
      }
      return .int(count)
    }
    table.add(
      ["wordwrap"],
      ["width", "break_long_words", "wrapstring", "break_on_hyphens"]
    ) { (value, arguments, interpreter) throws(TemplateError) in
      if case .undefined(let undefined) = value { throw interpreter.undefinedError(undefined) }
      guard case .string(let text) = value else {
        throw TemplateError(
          .attribute,
          id: "jinja.attribute-error",
          "'\(value.typeName)' object has no attribute 'splitlines'"
        )
      }
      if text.isEmpty { return .string("") }
      if case .undefined(let undefined)? = arguments[0] {
        throw interpreter.undefinedError(undefined)
      }
      let width = try arguments[0]?.expectInt() ?? 79
      let breaksWords = try interpreter.flag(arguments[1], default: true)
      let breaksHyphens = try interpreter.flag(arguments[3], default: true)
      var separator = "\n"
      if let value = arguments[2], !value.isNone { separator = try interpreter.soft(value) }
      guard width > 0 else { throw .value("invalid width \(width) (must be > 0)") }
      var result = ""
      for (index, line) in StringMethods.lines(text, keepEnds: false).enumerated() {
        let wrapped = WordWrap.wrapped(
          line,
          width: width,
          breaksWords: breaksWords,
          breaksHyphens: breaksHyphens
        )
        // An empty line wraps into no lines at all, and stays.
        for (position, piece) in (wrapped.isEmpty ? [""] : wrapped).enumerated() {
          try interpreter.checkLength(
            result.utf8.count + separator.utf8.count + piece.utf8.count
          )
          if index > 0 || position > 0 { result += separator }
          result += piece
        }
      }
      return .string(result)
    }
    table.addOpen("format", markup: .itself) {
      (value, arguments, interpreter) throws(TemplateError) in
      guard arguments.positional.isEmpty || arguments.keyword.isEmpty else {
        throw .filterArgument(
          "can't handle positional and keyword arguments at the same time"
        )
      }
      let text = try PercentFormat.format(
        interpreter.soft(value),
        arguments.keyword.isEmpty
          ? .tuple(arguments.positional) : .dict(arguments.keyword.map { ($0.name, $0.value) }),
        interpreter,
        escapes: value.isMarkup
      )
      return value.isMarkup ? interpreter.markup(text) : .string(text)
    }
  }

  /// The text of a value that must be text.
  private static func textOnly(
    _ value: Value,
    _ interpreter: Interpreter,
    _ message: (String) -> String
  ) throws(TemplateError) -> String {
    switch value {
    case .string(let text): return text
    case _ where value.isMarkup: return value.text ?? ""
    case .undefined(let undefined): throw interpreter.undefinedError(undefined)
    case .list where message("").hasPrefix("unsupported"):
      // Python would add the line end to the list before it found no lines in it.
      throw TemplateError(
        .attribute,
        id: "jinja.attribute-error",
        "'list' object has no attribute 'splitlines'"
      )
    default: throw .type(message(value.typeName))
    }
  }

  /// Words begin after blanks, hyphens and opening brackets.
  private static func titled(_ text: String) -> String {
    var isStart = true
    if text.isASCIIText {
      return text.mappingASCII { byte in
        let isBreak =
          byte == 32 || (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 31)
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "(") || byte == UInt8(ascii: "{")
          || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "<")
        defer { isStart = isBreak }
        let isChanged = isStart ? byte >= 97 && byte <= 122 : byte >= 65 && byte <= 90
        return isChanged ? byte ^ 0x20 : byte
      }
    }
    var result = String.UnicodeScalarView()
    var word = String.UnicodeScalarView()
    func endWord() {
      guard let first = word.first else { return }
      result.append(contentsOf: first.properties.uppercaseMapping.unicodeScalars)
      let rest = String(String.UnicodeScalarView(word.dropFirst()))
      result.append(contentsOf: StringMethods.changedCase(.lower, rest).unicodeScalars)
      word = String.UnicodeScalarView()
    }
    for scalar in text.unicodeScalars {
      if isPythonSpace(scalar) || ["-", "(", "{", "[", "<"].contains(scalar) {
        endWord()
        result.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    endWord()
    return String(result)
  }

  private static func indented(
    _ text: String,
    _ indentation: String,
    first: Bool,
    blank: Bool,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    let lines = StringMethods.lines(text + "\n", keepEnds: false)
    var result = first ? indentation : ""
    for (index, line) in lines.enumerated() {
      if index > 0 {
        result += "\n"
        try interpreter.checkLength(result.utf8.count + indentation.utf8.count)
        if blank || !line.isEmpty { result += indentation }
      }
      result += line
    }
    return result
  }
}

/// Wraps a paragraph as Python's `textwrap` does with its blanks kept as they are.
enum WordWrap {
  static func wrapped(
    _ text: String,
    width: Int,
    breaksWords: Bool,
    breaksHyphens: Bool
  )
    -> [String]
  {
    var chunks = Array(chunks(Array(text.unicodeScalars), breaksHyphens).reversed())
    var lines: [String] = []
    while !chunks.isEmpty {
      if let last = chunks.last, isBlank(last), !lines.isEmpty { chunks.removeLast() }
      var line: [ArraySlice<Unicode.Scalar>] = []
      var length = 0
      while let chunk = chunks.last, length + chunk.count <= width {
        line.append(chunk)
        length += chunk.count
        chunks.removeLast()
      }
      if let chunk = chunks.last, chunk.count > width {
        let room = width - length
        if breaksWords {
          var end = room
          if breaksHyphens, chunk.count > room,
            let hyphen = chunk.prefix(room).lastIndex(of: "-"), hyphen > chunk.startIndex,
            chunk[..<hyphen].contains(where: { $0 != "-" })
          {
            end = hyphen - chunk.startIndex + 1
          }
          line.append(chunk.prefix(end))
          chunks[chunks.count - 1] = chunk.dropFirst(end)
        } else if line.isEmpty {
          line.append(chunks.removeLast())
        }
      }
      if let last = line.last, isBlank(last) { line.removeLast() }
      if !line.isEmpty {
        lines.append(String(String.UnicodeScalarView(line.joined())))
      }
    }
    return lines
  }

  private static func isBlank(_ chunk: ArraySlice<Unicode.Scalar>) -> Bool {
    chunk.allSatisfy(isPythonSpace)
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value)
  }

  /// Words and the blanks between them; hyphenated words end behind their hyphens.
  private static func chunks(
    _ text: [Unicode.Scalar],
    _ breaksHyphens: Bool
  )
    -> [ArraySlice<Unicode.Scalar>]
  {
    var result: [ArraySlice<Unicode.Scalar>] = []
    var position = 0
    while position < text.count {
      var end = position + 1
      if isSpace(text[position]) {
        while end < text.count, isSpace(text[end]) { end += 1 }
      } else if breaksHyphens {
        end = endOfPart(text, position)
      } else {
        while end < text.count, !isSpace(text[end]) { end += 1 }
      }
      result.append(text[position..<end])
      position = end
    }
    return result
  }

  private static func isLetter(_ text: [Unicode.Scalar], _ index: Int) -> Bool {
    guard text.indices.contains(index) else { return false }
    let scalar = text[index]
    return scalar == "_" || (scalar.isPythonAlpha)
  }

  private static func isWord(_ text: [Unicode.Scalar], _ index: Int) -> Bool {
    guard text.indices.contains(index) else { return false }
    let scalar = text[index]
    return scalar == "_" || scalar.isPythonAlpha || scalar.isPythonNumeric
      || ["!", "\"", "'", "&", ".", ",", "?"].contains(scalar)
  }

  private static func endOfPart(_ text: [Unicode.Scalar], _ start: Int) -> Int {
    // A dash of two or more hyphens after a word stands alone.
    if text[start] == "-", start > 0, isWord(text, start - 1) {
      var end = start
      while end < text.count, text[end] == "-" { end += 1 }
      if end - start >= 2, end < text.count, isWord(text, end) || isLetter(text, end) {
        return end
      }
    }
    var end = start + 1
    while end < text.count, !isSpace(text[end]) {
      if text[end] == "-" {
        var run = end
        while run < text.count, text[run] == "-" { run += 1 }
        let length = run - end
        if length >= 2, isWord(text, end - 1), isWord(text, run) { return end }
        // One hyphen between letters: the part ends behind it.
        if length == 1, isLetter(text, end - 1), isLetter(text, end - 2),
          isLetter(text, end + 1),
          isLetter(text, end + 2) || text.indices.contains(end + 2) && text[end + 2] == "-"
        {
          return end + 1
        }
        end = run
        continue
      }
      end += 1
    }
    return end
  }
}
