package import SectoralJinja
import SectoralPython
package import SectoralText
import Synchronization

/// The rows of a seed's CSV file, with the types that its columns turn out to have.
///
/// Cells stay the bytes they are until someone needs them otherwise: a big file is loaded without a
/// value for each.
package final class SeedTable: Sendable {
  package struct Column: Sendable {
    package var name: String
    package var type: TableType
    /// Of numbers: some value has digits behind the point.
    package var hasFraction = false
    /// Of times: some value says its offset from UTC.
    package var isZoned = false
    /// Of the longest text, in UTF-8.
    package var longestByteCount = 0
  }

  package let columns: [Column]
  package let rowCount: Int
  let file: SourceFile
  let delimiter: UInt8
  let blocks: [SeedBlock]
  /// The block that was looked into last: templates go through the rows in order.
  private let opened = Mutex<OpenedBlock?>(nil)

  /// `file`: UTF-8, with or without a byte order mark.
  /// `textColumns`: Columns whose type the project says: they are not looked into.
  package init(
    _ file: SourceFile,
    delimiter: UInt8 = UInt8(ascii: ","),
    textColumns: Set<String> = []
  )
    throws(SeedError)
  {
    let survey = try SeedSurvey(file, delimiter: delimiter, textColumns: textColumns)
    columns = survey.columns
    rowCount = survey.rowCount
    blocks = survey.blocks
    self.file = file
    self.delimiter = delimiter
  }

  // MARK: Cells

  /// A cell as a template's value.
  package func value(row: Int, column: Int) -> Value {
    withCell(row, column) { bytes in
      guard !CellText.isNull(bytes) else { return .none }
      let text = String(decoding: bytes, as: UTF8.self)
      switch columns[column].type {
      case .integer, .text: return .string(text)
      case .number: return .decimal(CellText.number(text) ?? .notANumber)
      case .boolean: return .bool(CellText.isTrue(bytes))
      case .date:
        guard let moment = CellText.date(text) else { return .string(text) }
        return .object(DateObject(day: moment.dayNumber))
      case .dateTime, .isoDateTime:
        guard let moment = CellText.time(text, columns[column].type) else { return .string(text) }
        return .object(
          DateTimeObject(
            local: moment.local,
            zone: moment.offset.map { FixedZone(seconds: $0) }
          )
        )
      }
    }
  }

  /// The type that the database should give the column.
  package func sqlType(_ column: Int, adapterType: String) -> String {
    columns[column].type.sqlType(
      hasFraction: columns[column].hasFraction,
      longestByteCount: columns[column].longestByteCount,
      adapterType: adapterType
    )
  }

  /// The rows as CSV for `COPY … (FORMAT csv)`: NULL is an empty field, texts stand in quotes.
  ///
  /// `utcOffset`: Seconds east of UTC of the session's zone at an instant: times that say
  /// their own zone are stored as that clock shows them.
  package func copyText(rows: Range<Int>, utcOffset: (Int) -> Int = { _ in 0 }) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(rows.count * columns.count * 8)
    for row in rows {
      for column in columns.indices {
        if column > 0 { out.append(copyDelimiter) }
        withCell(row, column) { bytes in
          guard !CellText.isNull(bytes) else { return }
          append(bytes, columns[column], utcOffset, &out)
        }
      }
      // A row of one NULL would be an empty line, which is a row all the same.
      out.append(UInt8(ascii: "\n"))
    }
    return out
  }

  /// How many pieces the rows come in for `COPY`.
  package var pieceCount: Int { blocks.count }

  /// A piece of the rows as `copyText` gives them; where the database reads the file's own text
  /// alike, which is the common case, that.
  package func copyPiece(_ index: Int, utcOffset: (Int) -> Int = { _ in 0 }) -> [UInt8] {
    let block = blocks[index]
    if copyDelimiter == delimiter, block.isReadAlike(by: columns) {
      return Array(file.bytes[block.bytes])
    }
    let first = block.firstRow
    return copyText(rows: first..<(first + block.rowCount), utcOffset: utcOffset)
  }

  /// What stands between the fields of `copyText`: the file's delimiter, unless it may be part of a value
  /// that is not quoted.
  package var copyDelimiter: UInt8 {
    ";|\t".utf8.contains(delimiter) ? delimiter : UInt8(ascii: ",")
  }

  private func withCell<Result>(
    _ row: Int,
    _ column: Int,
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    let block = opened.withLock { opened in
      if let opened, opened.rows.contains(row) { return opened }
      // The last block that begins at the row or before.
      var low = 0
      var high = blocks.count
      while low + 1 < high {
        let middle = (low + high) / 2
        if blocks[middle].firstRow <= row { low = middle } else { high = middle }
      }
      let block = OpenedBlock(blocks[low], of: file, delimiter, columnCount: columns.count)
      opened = block
      return block
    }
    return block.withCell((row - block.rows.lowerBound) * columns.count + column, body)
  }

  func append(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ column: Column,
    _ utcOffset: (Int) -> Int,
    _ out: inout [UInt8]
  ) {
    switch column.type {
    case .text, .integer: CellText.appendQuoted(bytes, &out)
    case .boolean: out.append(contentsOf: (CellText.isTrue(bytes) ? "true" : "false").utf8)
    case .number:
      if CellText.isPlainNumber(bytes, allowsPoint: column.hasFraction) {
        out.append(contentsOf: bytes)
        return
      }
      guard let number = CellText.number(String(decoding: bytes, as: UTF8.self)) else { return }
      if !column.hasFraction, let whole = number.truncated {
        out.append(contentsOf: whole.description.utf8)
      } else {
        out.append(contentsOf: number.description.utf8)
      }
    case .date:
      if CellText.isISODate(bytes) {
        out.append(contentsOf: bytes)
      } else if let moment = CellText.date(String(decoding: bytes, as: UTF8.self)) {
        out.append(contentsOf: moment.isoDate.utf8)
      }
    case .dateTime, .isoDateTime:
      if column.type == .dateTime, CellText.isPlainTime(bytes) {
        out.append(contentsOf: bytes)
        return
      }
      guard var moment = CellText.time(String(decoding: bytes, as: UTF8.self), column.type) else {
        return
      }
      if let offset = moment.offset {
        let utc = moment.local - offset * 1_000_000
        let shift = utcOffset(CalendarMath.floorDivide(utc, 1_000_000))
        moment = Moment(local: utc + shift * 1_000_000)
      }
      out.append(contentsOf: "\(moment.isoDate) \(moment.isoTime() ?? "")".utf8)
    }
  }
}

/// Why a seed's file cannot be read, with the place in the file.
package struct SeedError: Error, Sendable {
  package let diagnostic: Diagnostic
}

extension TableType {
  func sqlType(hasFraction: Bool, longestByteCount: Int, adapterType: String) -> String {
    switch self {
    case .integer: "integer"
    case .number: hasFraction ? "float8" : "integer"
    case .boolean: "boolean"
    case .date: "date"
    case .dateTime, .isoDateTime: "timestamp without time zone"
    case .text:
      adapterType == "redshift"
        ? "varchar(\(longestByteCount == 0 ? 64 : longestByteCount))" : "text"
    }
  }
}
