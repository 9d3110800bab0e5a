import SectoralProject
import SectoralText
import Synchronization

/// Rows of a seed's file that stand together.
struct SeedBlock: Sendable {
  /// Where they stand in the file.
  var bytes: Range<Int>
  var firstRow = 0
  var rowCount = 0
  /// Whether some row or field means something else to the database: a blank or short row, a quote
  /// inside of a field, `null`, a carriage return.
  var isPeculiar = false
  /// For each column, in what shapes its values stand.
  var shapes: [CellShapes]

  /// Whether the database makes of the file's own text what `SeedTable.copyText` would say.
  func isReadAlike(by columns: [SeedTable.Column]) -> Bool {
    guard !isPeculiar else { return false }
    for (shape, column) in zip(shapes, columns) {
      switch column.type {
      case .text, .integer, .boolean: break
      case .number:
        if shape.contains(.oddNumber) || (!column.hasFraction && shape.contains(.point)) {
          return false
        }
      case .date: if shape.contains(.oddDate) { return false }
      case .dateTime: if shape.contains(.oddTime) { return false }
      case .isoDateTime: return false
      }
    }
    return true
  }
}

/// Shapes of values that the database would read otherwise than agate does, or not at all.
struct CellShapes: OptionSet, Sendable {
  let rawValue: UInt8

  static let oddNumber = CellShapes(rawValue: 1)
  /// A number with a point in it.
  static let point = CellShapes(rawValue: 2)
  static let oddDate = CellShapes(rawValue: 4)
  static let oddTime = CellShapes(rawValue: 8)
}

/// One look at all of a seed's file: how many rows it has, of what types its columns are, and what of it
/// the database can be given as it is. Big files are looked at by two cores.
struct SeedSurvey {
  private(set) var columns: [SeedTable.Column] = []
  private(set) var rowCount = 0
  private(set) var blocks: [SeedBlock] = []

  private let file: SourceFile
  private let delimiter: UInt8

  private static let blockSize = 256 << 10
  /// Files above it are worth a second thread, in bytes.
  private static let largeSize = 4 << 20

  init(_ file: SourceFile, delimiter: UInt8, textColumns: Set<String>) throws(SeedError) {
    self.file = file
    self.delimiter = delimiter
    let start = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard start < file.bytes.count else {
      throw fail(
        "seed.empty",
        "the file is empty: a seed needs a line with the names of its columns",
        at: 0,
        hint: "write the names of the columns into the first line"
      )
    }
    let body = try readHead(from: start)
    let isText = columns.map { textColumns.contains($0.name) }
    let parts = survey(from: body, isText)
    if parts.contains(where: { !$0.isUTF8 }) { throw notUTF8() }
    for part in parts {
      for block in part.blocks {
        var moved = block
        moved.firstRow += rowCount
        blocks.append(moved)
      }
      rowCount += part.rowCount
      if let (place, count) = part.tooLong { throw tooManyValues(count, row: rowCount, at: place) }
    }
    for index in columns.indices {
      var sniffed = CellSniffer(isText: isText[index])
      for part in parts { sniffed.join(part.sniffers[index]) }
      sniffed.describe(&columns[index])
    }
  }

  /// Reads the names of the columns; returns where the rows begin.
  private mutating func readHead(from start: Int) throws(SeedError) -> Int {
    var names: [String] = []
    let end = file.bytes.withUnsafeBufferPointer { text in
      var records = CSVRecords(text, delimiter)
      return records.next(from: start) { cell, _ in
        names.append(String(decoding: cell, as: UTF8.self))
      }
    }
    guard !names.isEmpty else {
      if !isUTF8(0..<file.bytes.count) { throw notUTF8() }
      throw fail(
        "seed.no-header",
        "the first line is blank: it must hold the names of the columns",
        at: start,
        hint: "remove the blank line"
      )
    }
    if !isUTF8(start..<end) { throw notUTF8() }
    var taken: Set<String> = []
    for (index, head) in names.enumerated() {
      let base = head.isEmpty ? TableObject.letter(index) : head
      var name = base
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(base)_\(number)"
        number += 1
      }
      columns.append(SeedTable.Column(name: name, type: .text))
    }
    return end
  }

  // MARK: Parts

  /// What one thread found in its part of the file.
  private struct Part: Sendable {
    var end: Int
    var blocks: [SeedBlock] = []
    var rowCount = 0
    var sniffers: [CellSniffer]
    var isUTF8 = true
    /// The first record with more values than there are columns: where, and how many.
    var tooLong: (place: Int, count: Int)?
  }

  private func survey(from start: Int, _ isText: [Bool]) -> [Part] {
    let count = file.bytes.count
    guard count - start > Self.largeSize, Threads.coreCount > 1,
      let middle = likelyRecord(after: start + (count - start) / 2, from: start)
    else { return [part(start..<count, isText)] }
    let found = Mutex<[Part?]>([nil, nil])
    let (file, delimiter) = (file, delimiter)
    let ranges = [start..<middle, middle..<count]
    Threads.run(2) { number in
      let part = Self.part(ranges[number], isText, file, delimiter)
      found.withLock { $0[number] = part }
    }
    let parts = found.withLock { $0.compactMap { $0 } }
    // The guess was wrong where the first part's last record goes on behind it.
    if parts[0].tooLong == nil, parts[0].end != middle {
      return [parts[0], part(parts[0].end..<count, isText)]
    }
    return parts
  }

  /// Where a record begins, if quotes are used for nothing but quoting.
  private func likelyRecord(after offset: Int, from start: Int) -> Int? {
    file.bytes.withUnsafeBufferPointer { text in
      var quotes = 0
      for index in start..<offset { quotes += text[index] == UInt8(ascii: "\"") ? 1 : 0 }
      for index in offset..<text.count {
        if text[index] == UInt8(ascii: "\"") { quotes += 1 }
        if text[index] == 10, quotes % 2 == 0 { return index + 1 < text.count ? index + 1 : nil }
      }
      return nil
    }
  }

  private func part(_ range: Range<Int>, _ isText: [Bool]) -> Part {
    Self.part(range, isText, file, delimiter)
  }

  /// Reads the records that begin in the range.
  private static func part(
    _ range: Range<Int>,
    _ isText: [Bool],
    _ file: SourceFile,
    _ delimiter: UInt8
  ) -> Part {
    var part = Part(end: range.lowerBound, sniffers: isText.map { CellSniffer(isText: $0) })
    let columnCount = isText.count
    var sniffers = part.sniffers
    file.bytes.withUnsafeBufferPointer { text in
      var records = CSVRecords(text, delimiter)
      while part.end < range.upperBound {
        let start = part.end
        let blockEnd = min(range.upperBound, start + blockSize)
        var block = SeedBlock(bytes: start..<start, firstRow: part.rowCount, shapes: [])
        var end = start
        for index in sniffers.indices { sniffers[index].shapes = [] }
        sniffers.withUnsafeMutableBufferPointer { sniffers in
          while end < blockEnd {
            var count = 0
            var isPeculiar = false
            let next = records.next(from: end) { cell, isQuoted in
              if count < columnCount, sniffers[count].note(cell, isQuoted: isQuoted) {
                isPeculiar = true
              }
              count += 1
            }
            if count > columnCount {
              part.tooLong = (end, count)
              return
            }
            if isPeculiar || records.isPeculiar || count < columnCount { block.isPeculiar = true }
            block.rowCount += 1
            end = next
          }
        }
        part.end = end
        block.bytes = start..<end
        block.shapes = sniffers.map(\.shapes)
        part.rowCount += block.rowCount
        if !isUTF8(UnsafeBufferPointer(rebasing: text[block.bytes])) { part.isUTF8 = false }
        if block.rowCount > 0 { part.blocks.append(block) }
        if part.tooLong != nil || !part.isUTF8 { return }
      }
    }
    part.sniffers = sniffers
    return part
  }

  // MARK: What is wrong

  private static func isUTF8(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var seen: UInt8 = 0
    for byte in text { seen |= byte }
    return seen < 0x80 || String(validating: text, as: UTF8.self) != nil
  }

  private func isUTF8(_ range: Range<Int>) -> Bool {
    file.bytes.withUnsafeBufferPointer { Self.isUTF8(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  private func notUTF8() -> SeedError {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = file.bytes.makeIterator()
    var offset = 0
    while case .valid(let encoded) = parser.parseScalar(from: &iterator) { offset += encoded.count }
    return fail(
      "seed.not-utf8",
      "the file is not UTF-8: the byte at offset \(offset) does not belong there",
      at: offset,
      hint: "convert the file to UTF-8, for instance with iconv -f latin1 -t utf-8"
    )
  }

  private func tooManyValues(_ count: Int, row: Int, at place: Int) -> SeedError {
    // As all of the file is looked at for its encoding first.
    if !isUTF8(0..<file.bytes.count) { return notUTF8() }
    return fail(
      "seed.too-many-values",
      "Row \(row) has \(count) values, but Table only has \(columns.count) columns.",
      at: place,
      hint: "put double quotes around values that hold the delimiter "
        + "'\(Character(Unicode.Scalar(delimiter)))'"
    )
  }

  private func fail(_ id: String, _ message: String, at offset: Int, hint: String) -> SeedError {
    let line = file.position(at: offset).line
    let end = max(offset + 1, file.lineRange(line).upperBound)
    return SeedError(
      diagnostic: Diagnostic(
        id: id,
        message: message,
        span: TextSpan(file: file, start: offset, end: min(end, file.bytes.count)),
        hint: hint
      )
    )
  }
}
