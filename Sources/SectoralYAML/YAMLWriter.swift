/// Writes data as PyYAML's `safe_dump` does: block style, lines folded near 80 characters.
public enum YAMLWriter {
  /// `indentsLists` sets the items of a list in a mapping two columns to the right of its key.
  public static func text(
    of datum: Datum,
    sortKeys: Bool = false,
    indentsLists: Bool = false
  ) -> String {
    var emitter = Emitter(sortKeys: sortKeys, indentsLists: indentsLists)
    emitter.document(datum)
    return emitter.out
  }
}

/// The state of the pen: where it stands, and what stands before it.
private struct Emitter {
  let sortKeys: Bool
  let indentsLists: Bool
  var out = ""
  private var column = 0
  private var indent: Int?
  /// The last thing written was blank.
  private var isAfterBlank = true
  /// Nothing but indentation and `-`, `?`, `:` stands on the line.
  private var isIndentation = true

  init(sortKeys: Bool, indentsLists: Bool) {
    self.sortKeys = sortKeys
    self.indentsLists = indentsLists
  }

  mutating func document(_ datum: Datum) {
    let isOpenEnded = node(datum, inMapping: false)
    if column > 0 { breakLine() }
    if isOpenEnded { out += "...\n" }
  }

  // MARK: Nodes

  /// Returns true for a plain scalar, which at the root needs an end mark.
  private mutating func node(_ datum: Datum, inMapping: Bool) -> Bool {
    switch datum {
    case .list(let items):
      if items.isEmpty { write("[]", afterBlank: true) } else { list(items, inMapping: inMapping) }
    case .map(let map):
      if map.isEmpty { write("{}", afterBlank: true) } else { mapping(map) }
    default: return scalar(Scalar(datum), isSimpleKey: false)
    }
    return false
  }

  private mutating func list(_ items: [Datum], inMapping: Bool) {
    let outer = indent
    let isIndentless = inMapping && !isIndentation && !indentsLists
    indent = outer.map { isIndentless ? $0 : $0 + 2 } ?? 0
    for item in items {
      beginLine()
      write("-", afterBlank: true, isIndentation: true)
      _ = node(item, inMapping: false)
    }
    indent = outer
  }

  private mutating func mapping(_ map: DatumMap) {
    let outer = indent
    indent = outer.map { $0 + 2 } ?? 0
    for (key, value) in sortKeys ? map.sortedEntries : map.entries {
      beginLine()
      let name = Scalar(.string(key))
      if name.canBeSimpleKey {
        _ = scalar(name, isSimpleKey: true)
        write(":", afterBlank: false)
      } else {
        write("?", afterBlank: true, isIndentation: true)
        _ = scalar(name, isSimpleKey: false)
        beginLine()
        write(":", afterBlank: true, isIndentation: true)
      }
      _ = node(value, inMapping: true)
    }
    indent = outer
  }

  private mutating func scalar(_ scalar: Scalar, isSimpleKey: Bool) -> Bool {
    let outer = indent
    indent = outer.map { $0 + 2 } ?? 2
    defer { indent = outer }
    switch scalar.style(isSimpleKey: isSimpleKey) {
    case .plain: plain(scalar.text, mayFold: !isSimpleKey)
    case .singleQuoted:
      singleQuoted(scalar.text, mayFold: !isSimpleKey)
      return false
    case .doubleQuoted:
      doubleQuoted(scalar.text, mayFold: !isSimpleKey)
      return false
    }
    return true
  }

  // MARK: Scalars

  private static let width = 80

  private mutating func plain(_ text: [Unicode.Scalar], mayFold: Bool) {
    if !isAfterBlank { write(scalars: [" "]) }
    isAfterBlank = false
    isIndentation = false
    for run in Run.split(text) {
      if run.kind == .blanks, run.range.count == 1, column > Self.width, mayFold {
        beginLine()
        isAfterBlank = false
        isIndentation = false
      } else {
        write(scalars: text[run.range])
      }
    }
  }

  private mutating func singleQuoted(_ text: [Unicode.Scalar], mayFold: Bool) {
    write("'", afterBlank: true)
    for run in Run.split(text) {
      switch run.kind {
      case .blanks:
        let isInside = run.range.lowerBound > 0 && run.range.upperBound < text.count
        if run.range.count == 1, column > Self.width, mayFold, isInside {
          beginLine()
        } else {
          write(scalars: text[run.range])
        }
      case .breaks:
        // One more than there are: a single one would read as a blank.
        for _ in 0...run.range.count { breakLine() }
        beginLine()
      case .other:
        for scalar in text[run.range] { write(scalars: scalar == "'" ? ["'", "'"] : [scalar]) }
      }
    }
    write("'", afterBlank: false)
  }

  private mutating func doubleQuoted(_ text: [Unicode.Scalar], mayFold: Bool) {
    write("\"", afterBlank: true)
    var start = 0
    for end in 0...text.count {
      let scalar = end < text.count ? text[end] : nil
      if scalar.map(Self.needsEscape) ?? true {
        write(scalars: text[start..<max(start, end)])
        start = end
        if let scalar {
          write(scalars: Array(Self.escape(scalar).unicodeScalars)[...])
          start = end + 1
        }
      }
      if end > 0, end < text.count - 1, scalar == " " || start >= end,
        column + (end - start) > Self.width, mayFold
      {
        if start < end {
          write(scalars: text[start..<end])
          start = end
        }
        write(scalars: ["\\"])
        beginLine()
        isAfterBlank = false
        isIndentation = false
        if text[start] == " " { write(scalars: ["\\"]) }
      }
    }
    write("\"", afterBlank: false)
  }

  private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\"" || scalar == "\\" || scalar.value < 0x20 || scalar.value > 0x7E
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x00: return "\\0"
    case 0x07: return "\\a"
    case 0x08: return "\\b"
    case 0x09: return "\\t"
    case 0x0A: return "\\n"
    case 0x0B: return "\\v"
    case 0x0C: return "\\f"
    case 0x0D: return "\\r"
    case 0x1B: return "\\e"
    case 0x22: return "\\\""
    case 0x5C: return "\\\\"
    case 0x85: return "\\N"
    case 0xA0: return "\\_"
    case 0x2028: return "\\L"
    case 0x2029: return "\\P"
    case let value:
      let digits = String(value, radix: 16, uppercase: true)
      let (mark, width) = value <= 0xFF ? ("x", 2) : value <= 0xFFFF ? ("u", 4) : ("U", 8)
      return "\\\(mark)" + String(repeating: "0", count: width - digits.count) + digits
    }
  }

  // MARK: The pen

  private mutating func write(scalars: some Collection<Unicode.Scalar>) {
    out.unicodeScalars.append(contentsOf: scalars)
    column += scalars.count
  }

  private mutating func write(
    _ indicator: String,
    afterBlank: Bool,
    isIndentation: Bool = false
  ) {
    let text = afterBlank && !isAfterBlank ? " " + indicator : indicator
    out += text
    column += text.unicodeScalars.count
    isAfterBlank = false
    self.isIndentation = self.isIndentation && isIndentation
  }

  private mutating func breakLine() {
    out += "\n"
    column = 0
    isAfterBlank = true
    isIndentation = true
  }

  /// Goes to the indentation, on a new line unless nothing but indentation stands on this one.
  private mutating func beginLine() {
    let target = indent ?? 0
    if !isIndentation || column > target || (column == target && !isAfterBlank) { breakLine() }
    if column < target {
      out += String(repeating: " ", count: target - column)
      column = target
      isAfterBlank = true
    }
  }
}

/// A stretch of blanks, of line breaks, or of anything else.
private struct Run {
  enum Kind { case blanks, breaks, other }

  var kind: Kind
  var range: Range<Int>

  static func split(_ text: [Unicode.Scalar]) -> [Run] {
    var runs: [Run] = []
    for (index, scalar) in text.enumerated() {
      let kind: Kind = scalar == " " ? .blanks : scalar == "\n" ? .breaks : .other
      if let last = runs.last, last.kind == kind {
        runs[runs.count - 1].range = last.range.lowerBound..<index + 1
      } else {
        runs.append(Run(kind: kind, range: index..<index + 1))
      }
    }
    return runs
  }
}

/// A scalar's text, and in which styles it reads back as what it is.
private struct Scalar {
  enum Style { case plain, singleQuoted, doubleQuoted }

  let text: [Unicode.Scalar]
  private var isMultiline = false
  private var allowsPlain = true
  private var allowsSingleQuotes = true

  init(_ datum: Datum) {
    let string: String
    switch datum {
    case .null: string = "null"
    case .bool(let bool): string = bool ? "true" : "false"
    case .float(let double): string = Self.text(of: double)
    case .int, .bigInt, .string, .date, .list, .map: string = datum.pythonText
    }
    text = Array(string.unicodeScalars)
    if case .string = datum {
      analyze()
      if !Self.resolvesToText(string) { allowsPlain = false }
    }
  }

  /// A key that YAML lets stand before its colon; PyYAML counts five more for the tag `!!str`.
  var canBeSimpleKey: Bool { text.count < 123 && !text.isEmpty && !isMultiline }

  func style(isSimpleKey: Bool) -> Style {
    if allowsPlain, !(isSimpleKey && (text.isEmpty || isMultiline)) { return .plain }
    if allowsSingleQuotes, !(isSimpleKey && isMultiline) { return .singleQuoted }
    return .doubleQuoted
  }

  private static func text(of double: Double) -> String {
    if double.isNaN { return ".nan" }
    if double.isInfinite { return double < 0 ? "-.inf" : ".inf" }
    let text = double.description
    // YAML 1.1 knows an exponent only after a point.
    guard !text.contains("."), let mark = text.firstIndex(of: "e") else { return text }
    return text[..<mark] + ".0" + text[mark...]
  }

  private static func resolvesToText(_ string: String) -> Bool {
    var string = string
    return string.withUTF8 { bytes in
      if case .text = ScalarResolver.resolve(bytes) { true } else { false }
    }
  }

  private mutating func analyze() {
    guard let first = text.first, let last = text.last else { return }
    let startsDocument =
      text.count >= 3 && (text[..<3] == ["-", "-", "-"] || text[..<3] == [".", ".", "."])
    if startsDocument { allowsPlain = false }
    for (index, scalar) in text.enumerated() {
      let isFollowedByBlank = index + 1 >= text.count || Self.isBlank(text[index + 1])
      if index == 0 {
        if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(scalar) { allowsPlain = false }
        if isFollowedByBlank, scalar == "?" || scalar == ":" || scalar == "-" {
          allowsPlain = false
        }
      } else if (scalar == ":" && isFollowedByBlank)
        || (scalar == "#" && Self.isBlank(text[index - 1]))
      {
        allowsPlain = false
      }
      if scalar == "\n" {
        isMultiline = true
        allowsPlain = false
        // Blanks before a break would be lost.
        if index > 0, text[index - 1] == " " { allowsSingleQuotes = false }
      } else if scalar.value < 0x20 || scalar.value > 0x7E {
        if [0x85, 0x2028, 0x2029].contains(scalar.value) { isMultiline = true }
        allowsPlain = false
        allowsSingleQuotes = false
      }
      if scalar == " ", index > 0, text[index - 1] == "\n" {
        allowsPlain = false
        allowsSingleQuotes = false
      }
    }
    if first == " " || first == "\n" || last == " " || last == "\n" { allowsPlain = false }
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    [0, 0x20, 0x09, 0x0D, 0x0A, 0x85, 0x2028, 0x2029].contains(scalar.value)
  }
}
