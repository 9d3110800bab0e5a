import BigInt
import SectoralJinja
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
    var places = [Int](repeating: 0, count: columnCount)
    for column in 0..<columnCount where [.number, .integer].contains(table.columnTypes[column]) {
      rightAligned.insert(column)
      places[column] = min(
        maxPrecision,
        rows.map { Self.decimals($0[column]) }.max() ?? 0
      )
    }
    for row in rows {
      cells.append(
        (0..<columnCount).map { column in
          rightAligned.contains(column)
            ? number(row[column], places[column]) : cut(Self.plain(row[column]))
        }
      )
    }
    let hidesColumns = columnCount < table.columnNames.count
    if hidesColumns { for index in cells.indices { cells[index].append("...") } }
    var lines = TextTable.lines(cells, rightAligned: rightAligned)
    if rows.count < table.rowCount {
      let count = columnCount + (hidesColumns ? 1 : 0)
      lines.append("| " + [String](repeating: "...", count: count).joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n")
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

  /// With separators between thousands and as many places as the column's longest number has.
  private func number(_ value: Value, _ places: Int) -> String {
    guard let number = DecimalObject.number(of: value) else { return Self.plain(value) }
    guard number.kind == .finite else { return number.description }
    let isCut = Self.decimals(value) > places
    let text = number.quantized(places: places).plainText
    let parts = text.split(separator: ".", maxSplits: 1)
    var digits = Array(parts[0].drop { $0 == "-" })
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: index)
      index -= 3
    }
    let fraction = parts.count > 1 ? "." + parts[1] : ""
    return (text.hasPrefix("-") ? "-" : "") + String(digits) + fraction + (isCut ? "…" : "")
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
  static func of(_ datum: Datum) -> String { JSON.text(of: datum) }
}
