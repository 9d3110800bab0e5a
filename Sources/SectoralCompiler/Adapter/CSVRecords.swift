import SectoralText

/// The cells of a block, one after the other in one buffer.
struct OpenedBlock: Sendable {
  let rows: Range<Int>
  private var bytes: [UInt8] = []
  /// Where each cell ends; the first is an end at 0.
  private var ends: [Int] = [0]

  init(_ block: SeedBlock, of file: SourceFile, _ delimiter: UInt8, columnCount: Int) {
    rows = block.firstRow..<(block.firstRow + block.rowCount)
    bytes.reserveCapacity(block.bytes.count)
    ends.reserveCapacity(block.rowCount * columnCount + 1)
    file.bytes.withUnsafeBufferPointer { text in
      var records = CSVRecords(text, delimiter)
      var index = block.bytes.lowerBound
      while index < block.bytes.upperBound {
        var count = 0
        index = records.next(from: index) { cell, _ in
          bytes.append(contentsOf: cell)
          ends.append(bytes.count)
          count += 1
        }
        for _ in count..<max(count, columnCount) { ends.append(bytes.count) }
      }
    }
  }

  func withCell<Result>(_ cell: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    let range = ends[cell]..<ends[cell + 1]
    return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
  }
}

/// Goes through CSV as Python's `csv` module does with its defaults: fields in double quotes may hold
/// delimiters, line ends and doubled quotes; a quote inside of an unquoted field is itself.
struct CSVRecords {
  private let text: UnsafeBufferPointer<UInt8>
  private let delimiter: UInt8
  /// A field that does not stand in the file as it is.
  private var field: [UInt8] = []
  /// Whether the last record, or a field of it, is one that Postgres reads otherwise.
  private(set) var isPeculiar = false

  init(_ text: UnsafeBufferPointer<UInt8>, _ delimiter: UInt8) {
    self.text = text
    self.delimiter = delimiter
  }

  /// Reads one record and its line end; returns where the next one begins.
  ///
  /// `cell`: Gets each field, and whether it stood in quotes.
  @inline(__always)
  mutating func next(
    from start: Int,
    _ cell: (UnsafeBufferPointer<UInt8>, Bool) -> Void
  ) -> Int {
    let count = text.count
    let quote = UInt8(ascii: "\"")
    var index = start
    isPeculiar = false
    // A blank line is a record without fields.
    if text[index] == 10 || text[index] == 13 {
      isPeculiar = true
      return afterLineEnd(index)
    }
    while true {
      if index < count, text[index] == quote {
        index = readQuoted(from: index + 1)
        field.withUnsafeBufferPointer { cell($0, true) }
      } else {
        let fieldStart = index
        while index < count {
          let byte = text[index]
          if byte == delimiter || byte == 10 || byte == 13 { break }
          if byte == quote || byte == UInt8(ascii: "\\") { isPeculiar = true }
          index += 1
        }
        cell(UnsafeBufferPointer(rebasing: text[fieldStart..<index]), false)
      }
      guard index < count else { return index }
      if text[index] != delimiter { return afterLineEnd(index) }
      index += 1
    }
  }

  private mutating func afterLineEnd(_ index: Int) -> Int {
    guard text[index] == 13 else { return index + 1 }
    isPeculiar = true
    return index + 1 < text.count && text[index + 1] == 10 ? index + 2 : index + 1
  }

  /// Reads what stands between quotes and behind them, up to the delimiter. A quote that is never
  /// closed ends with the file.
  private mutating func readQuoted(from start: Int) -> Int {
    field.removeAll(keepingCapacity: true)
    let quote = UInt8(ascii: "\"")
    var index = start
    var isClosed = false
    while index < text.count, !isClosed {
      let byte = text[index]
      if byte == quote {
        if index + 1 < text.count, text[index + 1] == quote {
          field.append(quote)
          index += 2
        } else {
          index += 1
          isClosed = true
        }
      } else if byte == 13 {
        // Line ends inside of quotes are read as plain newlines.
        isPeculiar = true
        field.append(10)
        index += index + 1 < text.count && text[index + 1] == 10 ? 2 : 1
      } else {
        field.append(byte)
        index += 1
      }
    }
    if !isClosed { isPeculiar = true }
    while index < text.count, text[index] != delimiter, text[index] != 10, text[index] != 13 {
      isPeculiar = true
      field.append(text[index])
      index += 1
    }
    return index
  }
}
