import SectoralText
import Testing

struct SourceFileTests {
  /// A small generator of its own (xorshift), so that a seed gives the same text everywhere.
  struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  static let pieces = ["a", "select", " ", "\n", "\n\n", "\t", "é", "日", "🙂", "{{ ref('x') }}"]

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `Every character's place leads back to its offset`(seed: UInt64) {
    var random = Seeded(state: seed)
    let text = (0..<60).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
    let file = SourceFile(path: "x.sql", text: text)
    var offset = 0
    for scalar in text.unicodeScalars {
      let (line, column) = file.position(at: offset)
      #expect(file.offset(line: line, column: column) == offset)
      #expect(file.lineRange(line).lowerBound <= offset)
      #expect(offset <= file.lineRange(line).upperBound)
      offset += String(scalar).utf8.count
    }
  }

  @Test(arguments: [
    (0, 1, 1), (3, 1, 4), (4, 1, 5), (6, 2, 1), (9, 2, 3), (99, 3, 1), (-1, 1, 1),
  ])
  func `Places count from 1, in characters, and are clamped`(offset: Int, line: Int, column: Int) {
    let file = SourceFile(path: "x", text: "ab c\r\né;x\n")
    let place = file.position(at: offset)
    #expect(place.line == line)
    #expect(place.column == column)
  }

  @Test
  func `A line has no line end, and a line past the last is empty`() {
    let file = SourceFile(path: "x", text: "one\r\ntwo\n\nlast")
    #expect((1...5).map { file.text(in: file.lineRange($0)) } == ["one", "two", "", "last", ""])
  }
}

struct DiagnosticTests {
  static let file = SourceFile(
    path: "models/x.sql",
    text: "select 1\n\tfrom {{ reff('é') }} as a\n"
  )

  static func span(_ text: String) -> TextSpan {
    let start = file.bytes.indices.first { file.bytes[$0...].starts(with: text.utf8) } ?? 0
    return TextSpan(file: file, start: start, end: start + text.utf8.count)
  }

  @Test
  func `A diagnostic shows its line with carets, the way there and the hint`() {
    let diagnostic = Diagnostic(
      id: "jinja.undefined",
      message: "'reff' is undefined",
      span: Self.span("reff('é')"),
      hint: "did you mean 'ref'?",
      trail: [
        .init(label: "macro m", span: Self.span("select")), .init(label: "model x", span: nil),
      ]
    )
    #expect(
      DiagnosticFormatter().format(diagnostic) == """
        error[jinja.undefined]: 'reff' is undefined
         --> models/x.sql:2:10
          |
        2 |     from {{ reff('é') }} as a
          |             ^^^^^^^^^
          = in macro m (models/x.sql:1:1)
          = in model x
          = hint: did you mean 'ref'?
        """
    )
  }

  @Test
  func `A span over several lines is marked to the end of its first`() {
    let span = TextSpan(file: Self.file, start: 7, end: Self.file.bytes.count)
    let text = DiagnosticFormatter().details(of: Diagnostic(id: "a.b", message: "m", span: span))
    #expect(text.hasSuffix("1 | select 1\n  |        ^"))
  }

  @Test
  func `Control characters of a file never reach the terminal`() {
    let file = SourceFile(path: "x", text: "a \u{1B}[2J b")
    let span = TextSpan(file: file, start: 0, end: 1)
    let text = DiagnosticFormatter().format(Diagnostic(id: "a.b", message: "m", span: span))
    #expect(!text.contains("\u{1B}"))
  }
}

struct TextOrderTests {
  @Test(arguments: 0..<20)
  func `Texts are ordered as Python orders them`(seed: Int) {
    // Names with common beginnings, characters of one to four bytes, and combining marks, which
    // Swift's own order takes apart.
    var state = UInt64(seed) &* 6_364_136_223_846_793_005 &+ 1
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    let pieces = ["model.", "test.", "a", "b", "_", "0", "é", "e\u{301}", "ß", "中", "😀", ""]
    let texts = (0..<60).map { _ in (0..<next(9)).map { _ in pieces[next(pieces.count)] }.joined() }
    let ordered = texts.orderByCodePoints().map { texts[$0] }
    let byScalars = texts.sorted {
      $0.unicodeScalars.map(\.value).lexicographicallyPrecedes($1.unicodeScalars.map(\.value))
    }
    #expect(ordered.map { Array($0.utf8) } == byScalars.map { Array($0.utf8) })
    #expect(Set(texts.orderByCodePoints()) == Set(texts.indices))
  }
}

struct DigestTests {
  /// Of the empty text and of "abc", as the standards list them (RFC 1321, FIPS 180).
  @Test
  func `Digests are those of the standards`() {
    #expect(Digest.md5([]) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(Digest.md5("abc".utf8) == "900150983cd24fb0d6963f7d28e17f72")
    #expect(Digest.sha1("abc".utf8) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(
      Digest.sha256("abc".utf8)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
  }

  @Test
  func `A sequence without storage of its own has the same digest`() {
    #expect(Digest.sha256("abc".utf8.lazy.map { $0 }) == Digest.sha256("abc".utf8))
  }
}

struct SpellingTests {
  static let known = ["stg_orders", "stg_customers", "orders", "customers"]

  @Test(arguments: [
    ("stg_order", "stg_orders"), ("stg_odrers", "stg_orders"), ("Custmers", "customers"),
    ("ordres", "orders"),
  ])
  func `A slip of the hand finds what was meant`(written: String, meant: String) {
    #expect(Spelling.nearest(to: written, among: Self.known) == meant)
  }

  @Test(arguments: ["products", "x", "", "orders_by_customer_and_day"])
  func `Another word finds nothing`(written: String) {
    #expect(Spelling.nearest(to: written, among: Self.known) == nil)
  }
}
