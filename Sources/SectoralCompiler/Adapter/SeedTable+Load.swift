import SectoralText
import SectoralWarehouse

/// A seed's rows as files for a bulk load, and the way back from such a file to the seed's.
extension SeedTable {
  /// Pieces are not made larger, in bytes of the seed's file.
  private static let largestPiece = 64 << 20
  /// Clusters read as many files at once as they have slices; there are more than that, mostly.
  private static let usualPieceCount = 32

  var byteCount: Int { blocks.last.map { $0.bytes.upperBound } ?? 0 }

  /// How many blocks make a piece.
  private var blocksPerPiece: Int {
    let pieces = max(Self.usualPieceCount, byteCount / Self.largestPiece + 1)
    return max(1, (blocks.count + pieces - 1) / pieces)
  }

  private func blocks(of piece: Int) -> ArraySlice<SeedBlock> {
    let start = piece * blocksPerPiece
    return blocks[start..<min(start + blocksPerPiece, blocks.count)]
  }

  /// `fillsRelation`: Whether the relation is empty before.
  /// `utcOffset`: As `copyText` has it.
  func load(
    into relation: String,
    columns names: String,
    owner: String,
    utcOffset: @escaping @Sendable (Int) -> Int
  ) -> BulkLoad {
    let mark = nullMark
    return BulkLoad(
      relation: relation,
      columns: [names],
      owner: owner,
      rowCount: rowCount,
      byteCount: byteCount,
      pieceCount: (blocks.count + blocksPerPiece - 1) / blocksPerPiece,
      nullMark: mark,
      fillsRelation: true,
      piece: { self.piece($0, nullMark: Array(mark.utf8), utcOffset) }
    )
  }

  /// A text that stands nowhere in the file.
  private var nullMark: String {
    var mark = "<null>"
    var number = 0
    while contains(Array(mark.utf8)) {
      number += 1
      mark = "<null\(number)>"
    }
    return mark
  }

  private func contains(_ text: [UInt8]) -> Bool {
    file.bytes.withUnsafeBufferPointer { bytes in
      var index = 0
      while index + text.count <= bytes.count {
        if bytes[index] == text[0], text.indices.allSatisfy({ bytes[index + $0] == text[$0] }) {
          return true
        }
        index += 1
      }
      return false
    }
  }

  private func piece(
    _ number: Int,
    nullMark: [UInt8],
    _ utcOffset: (Int) -> Int
  ) -> [UInt8] {
    var out: [UInt8] = []
    for block in blocks(of: number) {
      out.reserveCapacity(out.count + block.bytes.count * 5 / 4)
      let opened = OpenedBlock(block, of: file, delimiter, columnCount: columns.count)
      var cell = 0
      for _ in 0..<block.rowCount {
        for (index, column) in columns.enumerated() {
          if index > 0 { out.append(UInt8(ascii: ",")) }
          opened.withCell(cell) { bytes in
            if CellText.isNull(bytes) {
              out += nullMark
            } else {
              append(bytes, column, utcOffset, &out)
            }
          }
          cell += 1
        }
        out.append(UInt8(ascii: "\n"))
      }
    }
    return out
  }

  /// Where a row of a piece stands in the seed's file: the record, and the text of one of its cells.
  func place(of fault: BulkLoadFault) -> (span: TextSpan, value: String?) {
    var left = fault.row
    for block in blocks(of: fault.piece) {
      guard left >= block.rowCount else {
        return place(row: left, of: block, column: fault.column)
      }
      left -= block.rowCount
    }
    return (TextSpan(file: file, start: 0, end: 0), nil)
  }

  private func place(
    row: Int,
    of block: SeedBlock,
    column: String
  ) -> (span: TextSpan, value: String?) {
    // Redshift folds names, unless it is told not to.
    let wanted =
      columns.firstIndex { $0.name == column }
      ?? columns.firstIndex { $0.name.lowercased() == column.lowercased() }
    return file.bytes.withUnsafeBufferPointer { text in
      var records = CSVRecords(text, delimiter)
      var start = block.bytes.lowerBound
      for _ in 0..<row { start = records.next(from: start) { _, _ in } }
      var value: String?
      var index = 0
      let end = records.next(from: start) { cell, _ in
        if index == wanted { value = String(decoding: cell, as: UTF8.self) }
        index += 1
      }
      var last = end
      while last > start, text[last - 1] == 10 || text[last - 1] == 13 { last -= 1 }
      return (TextSpan(file: file, start: start, end: last), value)
    }
  }
}
