import BigInt
import SectoralJinja
import SectoralPython
import SectoralYAML

/// Prints tables as the library of result tables does: bars between columns, numbers to the right.
struct TablePrinter {
  let maxRows: Int?
  let maxColumns: Int?
  let maxWidth: Int?
  let maxPrecision: Int

  func text(_ table: TableObject) -> String {
    let columnCount = min(maxColumns ?? .max, table.columnNames.count)
    let rows = table.cellRows().prefix(maxRows ?? .max)
    var rightAligned: Set<Int> = []
    var cells: [[String]] = [table.columnNames.prefix(columnCount).map(cut)]
    for _ in rows { cells.append([]) }
    for column in 0..<columnCount {
      let type = table.columnTypes[column]
      if type != .text { rightAligned.insert(column) }
      let precision = type == .number ? rows.map { Self.decimals($0[column]) }.max() ?? 0 : 0
      for (index, row) in rows.enumerated() {
        cells[index + 1].append(
          cut(type == .number ? number(row[column], precision) : Self.plain(row[column]))
        )
      }
    }
    let hidesColumns = columnCount < table.columnNames.count
    if hidesColumns { for index in cells.indices { cells[index].append("...") } }
    let hidesRows = rows.count < table.rowCount
    return TextTable.lines(cells, rightAligned: rightAligned, endsInDots: hidesRows)
      .joined(separator: "\n")
  }

  private func cut(_ text: String) -> String {
    guard let maxWidth, text.unicodeScalars.count > maxWidth else { return text }
    var out = ""
    out.unicodeScalars.append(contentsOf: text.unicodeScalars.prefix(max(0, maxWidth - 3)))
    return out + "..."
  }

  private static func decimals(_ value: Value) -> Int {
    guard let number = DecimalObject.number(of: value), number.kind == .finite else { return 0 }
    return max(0, -number.normalized.exponent)
  }

  /// With separators between thousands and as many places as the column's longest number has; an
  /// ellipsis where that is more than are shown.
  private func number(_ value: Value, _ precision: Int) -> String {
    guard let number = DecimalObject.number(of: value) else { return Self.plain(value) }
    guard number.kind == .finite else { return number.description }
    let text = number.quantized(places: min(precision, maxPrecision)).plainText
    return DecimalFormat.grouped(text) + (precision > maxPrecision ? "…" : "")
  }

  static func plain(_ value: Value) -> String {
    switch value {
    case .none, .undefined: ""
    case .bool(let bool): bool ? "True" : "False"
    case .int(let int): String(int)
    case .bigInt(let big): big.value.description
    case .float(let double): double.description
    case .string(let string): string
    case .object(let object as DecimalObject): object.value.description
    case .object(let object as DateObject): object.isoText
    case .object(let object as DateTimeObject):
      object.moment.isoDate + " " + (object.moment.isoTime() ?? "")
        + (object.moment.offset.map { Moment.isoOffset($0) } ?? "")
    default: ""
    }
  }
}

enum JSONText {
  static func of(_ datum: Datum) -> String { JSON.text(of: datum, asciiOnly: false) }
}
