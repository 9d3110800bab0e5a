public import SectoralText

/// A place in a template through which a piece of text came.
public struct TextOrigin: Sendable {
  /// The word that was copied, or the expression whose value this is.
  public let span: TextSpan
  /// Copied byte by byte, and not the value of an expression.
  public let isVerbatim: Bool
  /// The name of the function or macro whose call gave the text: `dbt_utils.star`.
  public let callee: String?
  /// `macro clean_name`; nil for the text of a template itself.
  public let label: String?
}

/// Notes which places of which templates wrote which bytes, while an interpreter has it
/// (`Interpreter.origins`), and tells of any text made meanwhile where it came from.
///
/// A macro's text becomes a value before it is written, and a value may be joined with others, kept in a
/// variable, handed to a function: so every text that a template made is kept together with its pieces,
/// and a value is known again by its text.
///
/// Unchecked because it is filled in place: it belongs to the thread that renders, and others only read it,
/// once that has ended.
public final class TextOrigins: @unchecked Sendable {
  private struct Piece {
    var offset: Int32
    let length: Int32
    let node: NodeID
    /// Index of `programs`; below zero, of `files` (-1: the first).
    let program: Int32
    let function: Int32
    /// How many texts there were before the value was made.
    let textsBefore: Int32
  }

  private struct Text {
    let text: String
    let pieces: Range<Int>
  }

  private var programs: [Program] = []
  private var numbers: [ObjectIdentifier: Int32] = [:]
  /// The program of the piece before.
  private var last: Int32?
  /// Texts that are a part of a file, and were never rendered.
  private var files: [TextSpan] = []
  /// Of the output as it stands.
  private var written: ContiguousArray<Piece> = []
  private var kept: ContiguousArray<Piece> = []
  private var texts: ContiguousArray<Text> = []
  private var bytes = 0
  /// In bytes of all texts; what is made beyond it has no origin but the expression that wrote it.
  private let limit: Int

  public init(limit: Int = 16 << 20) { self.limit = limit }

  // MARK: While rendering

  var textCount: Int { texts.count }

  /// The template's own text was written.
  func note(text node: NodeID, in frame: Frame, at offset: Int, _ length: Int) {
    forget(from: offset)
    append(node, frame, offset, length, textsBefore: 0)
  }

  /// The value of an expression was written, which began when there were so many texts.
  func note(
    value node: NodeID,
    in frame: Frame,
    from mark: Int,
    of output: Output,
    textsBefore: Int
  ) {
    // A macro of the same template writes where it stands.
    if let last = written.last, last.offset >= mark { keep(output.text(from: mark), from: mark) }
    append(node, frame, mark, output.count - mark, textsBefore: textsBefore)
  }

  /// What was written from `mark` on was taken away, and is a value now.
  func keep(_ text: String, from mark: Int) {
    guard let last = written.last, last.offset >= mark else { return }
    var first = written.count - 1
    while first > 0, written[first - 1].offset >= mark { first -= 1 }
    defer { written.removeSubrange(first...) }
    let length = text.utf8.count
    guard length > 0, bytes + length <= limit else { return }
    bytes += length
    let start = kept.count
    for var piece in written[first...] where Int(piece.offset) - mark < length {
      piece.offset -= Int32(mark)
      kept.append(piece)
    }
    texts.append(Text(text: text, pieces: start..<kept.count))
  }

  /// What was written from `mark` on is gone.
  func forget(from mark: Int) {
    while let last = written.last, last.offset >= mark { written.removeLast() }
  }

  private func append(
    _ node: NodeID,
    _ frame: Frame,
    _ offset: Int,
    _ length: Int,
    textsBefore: Int
  ) {
    guard length > 0, bytes <= limit else { return }
    written.append(
      Piece(
        offset: Int32(offset),
        length: Int32(length),
        node: node,
        program: number(of: frame.program),
        function: frame.function,
        textsBefore: Int32(textsBefore)
      )
    )
  }

  private func number(of program: Program) -> Int32 {
    if let last, programs[Int(last)] === program { return last }
    let next = Int32(programs.count)
    let number = numbers[ObjectIdentifier(program), default: next]
    if number == next {
      numbers[ObjectIdentifier(program)] = next
      programs.append(program)
    }
    last = number
    return number
  }

  // MARK: Looking back

  /// Notes a text that is a part of a file as it stands there.
  public func add(_ text: String, from span: TextSpan) {
    files.append(span)
    let start = kept.count
    kept.append(
      Piece(
        offset: 0,
        length: Int32(text.utf8.count),
        node: -1,
        program: -Int32(files.count),
        function: 0,
        textsBefore: 0
      )
    )
    texts.append(Text(text: text, pieces: start..<kept.count))
  }

  /// The places that a byte of a text went through, the last one first: the template that the text as a
  /// whole is of, then what that put in, and so on. Empty where nothing is known.
  ///
  /// `text`: need not be one that was made while rendering; it is enough that it holds one.
  public func trace(_ offset: Int, in text: [UInt8]) -> [TextOrigin] {
    var trace: [TextOrigin] = []
    var whole = text[...]
    var place = offset
    var candidates = texts.indices
    var madeWithin = texts.endIndex
    while let (index, start) = holder(of: place, in: whole, candidates, madeWithin: madeWithin) {
      let pieces = kept[texts[index].pieces]
      let offset = place - start
      // What ends the text, as in `syntax error at end of input`, lies in its last piece.
      guard let piece = pieces.last(where: { $0.offset <= offset }) else { break }
      let inPiece = offset - Int(piece.offset)
      guard piece.program >= 0 else {
        let span = TextSpan.word(in: files[Int(-piece.program) - 1], at: inPiece, of: nil)
        trace.append(TextOrigin(span: span, isVerbatim: true, callee: nil, label: nil))
        break
      }
      let program = programs[Int(piece.program)]
      let node = program.nodes[Int(piece.node)]
      let span = program.span(of: piece.node)
      let isVerbatim = node.kind == .text
      trace.append(
        TextOrigin(
          span: isVerbatim ? .word(in: span, at: inPiece, of: Int(piece.length)) : span,
          isVerbatim: isVerbatim,
          callee: Self.callee(of: node, program),
          label: Self.label(of: program.functions[Int(piece.function)], program)
        )
      )
      if isVerbatim { break }
      let bytes = Array(texts[index].text.utf8)
      let end = min(Int(piece.offset + piece.length), bytes.count)
      whole = bytes[Int(piece.offset)..<max(Int(piece.offset), end)]
      place = Int(piece.offset) + inPiece
      candidates = texts.startIndex..<index
      madeWithin = Int(piece.textsBefore)
    }
    return trace
  }

  /// Shorter texts may stand in a longer one by chance, unless they were made for it.
  private static let telling = 16

  /// The longest of the texts that `whole` holds around a place, and where it begins; of those as long as
  /// each other the last one.
  ///
  /// `madeWithin`: texts from here on were made while the value was.
  private func holder(
    of place: Int,
    in whole: ArraySlice<UInt8>,
    _ candidates: Range<Int>,
    madeWithin: Int
  ) -> (index: Int, start: Int)? {
    var best: (index: Int, start: Int, length: Int)?
    let size = whole.trimmed.count
    for index in candidates.reversed() {
      let text = texts[index].text.utf8
      guard text.count > best?.length ?? 0 else { continue }
      let bytes = Array(text)
      let body = bytes[...].trimmed
      guard !body.isEmpty, body.count > best?.length ?? 0,
        index >= madeWithin || body.count >= Self.telling || body.count == size,
        let start = whole.start(of: body, around: place)
      else { continue }
      best = (index, start - body.startIndex, body.count)
    }
    return best.map { ($0.index, $0.start) }
  }

  private static func label(of function: Function, _ program: Program) -> String? {
    switch function.kind {
    case .root, .block: nil
    case .macro: "macro \(program.name(function))"
    case .caller: "call block"
    }
  }

  private static func callee(of node: Node, _ program: Program) -> String? {
    guard node.a >= 0 else { return nil }
    switch node.kind {
    case .call: return program.path(of: node.a)?.joined(separator: ".")
    case .callMethod:
      return program.path(of: node.a).map {
        ($0 + [program.names[Int(node.c)]]).joined(separator: ".")
      }
    case .filter: return callee(of: program.nodes[Int(node.a)], program)
    default: return nil
    }
  }
}

extension TextSpan {
  /// The word that begins at a byte of a piece of a file.
  ///
  /// `length`: of the piece as it was rendered, without the carriage returns.
  fileprivate static func word(in span: TextSpan, at offset: Int, of length: Int?) -> TextSpan {
    let bytes = span.file.bytes
    var start = span.start
    if length == span.end - span.start || length == nil {
      start = min(span.start + offset, span.end)
    } else {
      var left = offset
      while start < span.end, left > 0 {
        if bytes[start] == 0x0D, start + 1 < span.end, bytes[start + 1] == 0x0A { start += 1 }
        start += 1
        left -= 1
      }
    }
    var end = start
    while end < span.end, bytes[end].isWordByte { end += 1 }
    return TextSpan(file: span.file, start: start, end: max(start + 1, min(end, span.end)))
  }
}

extension UInt8 {
  /// Of a name or a number in SQL.
  fileprivate var isWordByte: Bool {
    self == 0x5F || (0x30...0x39).contains(self) || (0x61...0x7A).contains(self | 0x20)
      || self >= 0x80
  }

  fileprivate var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension ArraySlice<UInt8> {
  fileprivate var trimmed: ArraySlice<UInt8> {
    guard let first = firstIndex(where: { !$0.isBlank }),
      let last = lastIndex(where: { !$0.isBlank })
    else { return [] }
    return self[first...last]
  }

  /// Where a text begins that stands around a place; its end counts as a part of it.
  fileprivate func start(of text: ArraySlice<UInt8>, around place: Int) -> Int? {
    guard let head = text.first, text.count <= count else { return nil }
    let last = Swift.min(place, endIndex - text.count)
    let first = Swift.max(startIndex, place - text.count)
    guard first <= last else { return nil }
    for start in (first...last).reversed()
    where self[start] == head && self[start..<start + text.count] == text { return start }
    return nil
  }
}
