public import SectoralText

/// What a filter does: the value before the pipe, the arguments behind the name.
public typealias FilterBody =
  @Sendable (Value, Arguments, Interpreter) throws(TemplateError) -> Value

/// What a test answers of the value before `is`.
public typealias TestBody =
  @Sendable (Value, Arguments, Interpreter) throws(TemplateError) -> Bool

/// Finds templates for `include`, `import` and `extends`; nil: there is none of that name.
public typealias Loader = @Sendable (String) throws(TemplateError) -> Template?

/// What templates are compiled for: options, filters, tests. Immutable, shared by all threads.
public final class Environment: Sendable {
  /// How templates are read, and what they may do.
  public let options: Options
  let loader: Loader?
  private let filters: [String: Filter]
  private let tests: [String: Test]

  /// `filters`: Besides the built-in ones, and before them.
  /// `tests`: Likewise.
  public init(
    _ options: Options = Options(),
    filters: [String: FilterBody] = [:],
    tests: [String: TestBody] = [:],
    loader: Loader? = nil
  ) {
    self.options = options
    self.filters = filters.mapValues { Filter($0) }
    self.tests = tests.mapValues { Test($0) }
    self.loader = loader
  }

  /// Compiles a file, or a byte range of it: a macro block keeps its place in its file.
  ///
  /// Throws the first mistake; `parse` gives them all.
  public func compile(
    _ file: SourceFile,
    in range: Range<Int>? = nil
  ) throws(TemplateError)
    -> Template
  {
    let (template, diagnostics) = parse(file, in: range)
    // As in Jinja, names are looked at once the text has been read: mistakes of syntax come first.
    var first = diagnostics.first
    if let name = first, Self.kind(of: name) == .assertion {
      first = diagnostics.first { Self.kind(of: $0) == .syntax } ?? name
    }
    if let first { throw TemplateError(Self.kind(of: first), first) }
    return template
  }

  private static func kind(of diagnostic: Diagnostic) -> ErrorKind {
    switch diagnostic.id {
    case "jinja.limit-exceeded": .limit
    case let id where assertions.contains(id): .assertion
    default: .syntax
    }
  }

  /// What is wrong with names in a text that can be read: the ids of such diagnostics. Of a macro's text it
  /// matters to whoever calls the macro.
  public static let assertions: Set<String> = [
    "jinja.unknown-filter", "jinja.unknown-test", "jinja.duplicate-block", "jinja.repeated-name",
  ]

  /// Compiles what can be understood of a file and lists all mistakes.
  ///
  /// A template with mistakes lacks the tags that hold them.
  public func parse(
    _ file: SourceFile,
    in range: Range<Int>? = nil
  ) -> (
    template: Template, diagnostics: [Diagnostic]
  ) {
    let whole = 0..<file.bytes.count
    var range = range?.clamped(to: whole) ?? whole
    return file.bytes.withUnsafeBufferPointer { bytes in
      // A byte order mark is no text.
      if range.lowerBound == 0, bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB,
        bytes[2] == 0xBF
      {
        range = min(3, range.upperBound)..<range.upperBound
      }
      var parser = Parser(file: file, bytes: bytes, range: range, environment: self)
      if let invalid = firstInvalidByte(bytes, range) {
        _ = parser.fail(
          "not valid UTF-8",
          id: "jinja.invalid-utf8",
          at: invalid..<invalid + 1,
          hint: "save the file as UTF-8"
        )
        parser.parseNothing()
      } else if range.count > Int(Int32.max) / 2 {
        _ = parser.fail("the file is too large", id: "jinja.limit-exceeded", at: 0..<0)
        parser.parseNothing()
      } else {
        parser.parseTemplate()
        NameResolver.resolve(&parser)
      }
      let program = Program(file: file, options: options, builder: parser.builder)
      if parser.diagnostics.isEmpty { return (Template(program: program), []) }
      // In the order of the text, whatever order they were found in.
      let diagnostics = parser.diagnostics.enumerated().sorted {
        ($0.element.span?.start ?? 0, $0.offset) < ($1.element.span?.start ?? 0, $1.offset)
      }
      return (Template(program: program), diagnostics.map(\.element))
    }
  }

  private func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    var index = range.lowerBound
    let raw = UnsafeRawBufferPointer(bytes)
    while index < range.upperBound {
      while index + 8 <= range.upperBound,
        raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        index += 8
      }
      guard index < range.upperBound else { break }
      let byte = bytes[index]
      if byte < 0x80 {
        index += 1
        continue
      }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
      guard byte >= 0xC2, byte < 0xF5, index + length <= range.upperBound else { return index }
      for position in 1..<length where bytes[index + position] & 0xC0 != 0x80 { return index }
      let second = bytes[index + 1]
      if byte == 0xE0 && second < 0xA0 || byte == 0xED && second > 0x9F
        || byte == 0xF0 && second < 0x90 || byte == 0xF4 && second > 0x8F
      {
        return index
      }
      index += length
    }
    return nil
  }

  // MARK: Names

  func filter(named name: String) -> Filter? { filters[name] ?? BuiltinFilters.table[name] }
  func test(named name: String) -> Test? { tests[name] ?? BuiltinTests.table[name] }

  func nearestFilter(to name: String) -> String? {
    Self.nearest(to: name, among: Array(BuiltinFilters.table.keys) + Array(filters.keys))
  }

  func nearestTest(to name: String) -> String? {
    Self.nearest(to: name, among: Array(BuiltinTests.table.keys) + Array(tests.keys))
  }

  static func nearest(to name: String, among names: [String]) -> String? {
    Spelling.nearest(to: name, among: names.sorted())
  }
}
