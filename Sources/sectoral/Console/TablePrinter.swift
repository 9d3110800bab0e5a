import SectoralWarehouse
import SectoralYAML

/// Rows as a table of text: a header, a rule of dashes, a line per row.
struct TablePrinter: Sendable {
  /// More are hidden behind a last column `...`; nil shows all.
  var maximumColumns: Int?
  /// Longer texts end in `...`; nil shows them whole.
  var maximumWidth: Int?
  /// Digits behind the point; more are cut and marked `…`. nil prints numbers as the server does.
  var maximumPrecision: Int?

  /// dbt's limits: six columns, twenty characters, three digits, thousands apart.
  static let compact = TablePrinter(maximumColumns: 6, maximumWidth: 20, maximumPrecision: 3)
  static let full = TablePrinter()

  func print(_ table: ResultTable) -> String {
    let count = min(table.columns.count, maximumColumns ?? .max)
    var columns = (0..<count).map { index in
      let column = table.columns[index]
      let cells = texts(of: table.rows.map { $0[index] }, kind: column.kind)
      return shown([column.name] + cells)
    }
    var isText = table.columns.prefix(count).map { Self.isText($0.kind) }
    if count < table.columns.count {
      columns.append([String](repeating: "...", count: table.rows.count + 1))
      isText.append(true)
    }
    let widths = columns.map { cells in cells.map { TextLayout.columns($0) }.max() ?? 0 }
    func line(_ row: Int) -> String {
      let cells = columns.indices.map { column in
        let cell = columns[column][row]
        let pad = String(repeating: " ", count: widths[column] - TextLayout.columns(cell))
        return isText[column] ? cell + pad : pad + cell
      }
      return "| \(cells.joined(separator: " | ")) |\n"
    }
    let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: " | ")
    return line(0) + "| \(rule) |\n" + (0..<table.rows.count).map { line($0 + 1) }.joined()
  }

  private func shown(_ cells: [String]) -> [String] {
    guard let maximumWidth else {
      // A cell is a line: what would break the line is shown, not obeyed.
      return cells.map(TableCell.visible)
    }
    return cells.map { cell in
      let scalars = cell.unicodeScalars
      guard scalars.count > maximumWidth else { return cell }
      return String(String.UnicodeScalarView(scalars.prefix(maximumWidth - 3))) + "..."
    }
  }

  private func texts(of cells: [String?], kind: ValueKind) -> [String] {
    guard kind == .decimal, let maximumPrecision else {
      return cells.map { $0.map { TableCell.text($0, kind) } ?? "" }
    }
    let digits = cells.compactMap { $0.flatMap(DecimalText.init)?.fraction.utf8.count }.max() ?? 0
    return cells.map { cell in
      guard let cell else { return "" }
      guard let number = DecimalText(cell) else { return cell }
      return number.grouped(digits: min(digits, maximumPrecision))
        + (digits > maximumPrecision ? "…" : "")
    }
  }

  private static func isText(_ kind: ValueKind) -> Bool {
    switch kind {
    case .text, .json: true
    case .integer, .decimal, .boolean, .date, .timestamp, .timestampWithZone: false
    }
  }
}

/// One value of a result, for tables and for JSON.
enum TableCell {
  /// As Python prints the value the driver makes of it: `True`, `2024-01-01 10:00:00+00:00`.
  static func text(_ cell: String, _ kind: ValueKind) -> String {
    switch kind {
    case .boolean: cell.hasPrefix("t") ? "True" : "False"
    case .timestamp, .timestampWithZone: pythonTimestamp(cell, separator: " ")
    case .integer, .decimal, .date, .text, .json: cell
    }
  }

  /// For `--output json`: numbers and booleans as such, times in ISO form.
  static func datum(_ cell: String?, _ kind: ValueKind) -> Datum {
    guard let cell else { return .null }
    switch kind {
    case .integer: return Int(cell).map(Datum.int) ?? .bigInt(cell)
    case .decimal: return Double(cell).map(Datum.float) ?? .string(cell)
    case .boolean: return .bool(cell.hasPrefix("t"))
    case .timestamp, .timestampWithZone:
      return .string(pythonTimestamp(cell, separator: "T"))
    case .date, .text, .json: return .string(cell)
    }
  }

  /// Control characters as their escapes, so that a cell cannot leave its line or drive the
  /// terminal.
  static func visible(_ cell: String) -> String {
    guard cell.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      return cell
    }
    var out = String.UnicodeScalarView()
    for scalar in cell.unicodeScalars {
      switch scalar.value {
      case 0x0A: out.append(contentsOf: "\\n".unicodeScalars)
      case 0x0D: out.append(contentsOf: "\\r".unicodeScalars)
      case 0x09: out.append(contentsOf: "\\t".unicodeScalars)
      case 0..<0x20, 0x7F: out.append("\u{FFFD}")
      default: out.append(scalar)
      }
    }
    return String(out)
  }

  /// The server writes `2024-01-02 03:04:05.5+00`; Python has six digits behind the point or none,
  /// and minutes in the zone.
  private static func pythonTimestamp(_ cell: String, separator: Character) -> String {
    guard let blank = cell.firstIndex(of: " ") else { return cell }
    var time = cell[cell.index(after: blank)...]
    var zone = ""
    if let sign = time.lastIndex(where: { $0 == "+" || $0 == "-" }) {
      zone = String(time[sign...])
      if !zone.contains(":") { zone += ":00" }
      time = time[..<sign]
    }
    if let point = time.firstIndex(of: ".") {
      let digits = time.distance(from: point, to: time.endIndex) - 1
      return cell[..<blank] + "\(separator)\(time)"
        + String(repeating: "0", count: max(0, 6 - digits)) + zone
    }
    return cell[..<blank] + "\(separator)\(time)\(zone)"
  }
}

/// A decimal number taken apart: sign, digits before and behind the point without idle zeros.
private struct DecimalText {
  var isNegative: Bool
  var whole: String
  var fraction: String

  /// nil for `NaN`, `Infinity` and whatever else is no plain number.
  init?(_ text: String) {
    var rest = text[...]
    isNegative = rest.hasPrefix("-")
    if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
    var exponent = 0
    if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      guard let power = Int(rest[rest.index(after: mark)...]), abs(power) < 400 else { return nil }
      exponent = power
      rest = rest[..<mark]
    }
    let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, rest.utf8.contains(where: { (48...57).contains($0) }),
      rest.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }), parts.count <= 2
    else { return nil }
    var digits = Array(first.utf8) + (parts.count > 1 ? Array(parts[1].utf8) : [])
    var point = first.utf8.count + exponent
    if point < 0 {
      digits.insert(contentsOf: [UInt8](repeating: 48, count: -point), at: 0)
      point = 0
    }
    if point > digits.count {
      digits.append(contentsOf: [UInt8](repeating: 48, count: point - digits.count))
    }
    let head = digits[..<point].drop { $0 == 48 }
    var tail = digits[point...]
    while tail.last == 48 { tail = tail.dropLast() }
    whole = head.isEmpty ? "0" : String(decoding: head, as: UTF8.self)
    fraction = String(decoding: tail, as: UTF8.self)
  }

  /// `1,234.50` with exactly so many digits behind the point, rounded half to even.
  func grouped(digits: Int) -> String {
    var number = Array(whole.utf8)
    let kept = fraction.utf8.prefix(digits)
    number += kept
    number += [UInt8](repeating: 48, count: digits - kept.count)
    let rest = fraction.utf8.dropFirst(digits)
    if let next = rest.first, let last = number.last {
      let isHalf = next == 53 && rest.dropFirst().isEmpty
      if next > 53 || (next == 53 && (!isHalf || (last - 48) % 2 == 1)) { Self.increment(&number) }
    }
    let split = number.count - digits
    var out = isNegative && number.contains(where: { $0 != 48 }) ? "-" : ""
    for (index, digit) in number[..<split].enumerated() {
      if index > 0, (split - index) % 3 == 0 { out += "," }
      out.unicodeScalars.append(Unicode.Scalar(digit))
    }
    if digits > 0 { out += "." + String(decoding: number[split...], as: UTF8.self) }
    return out
  }

  private static func increment(_ digits: inout [UInt8]) {
    var index = digits.count - 1
    while index >= 0 {
      if digits[index] < 57 {
        digits[index] += 1
        return
      }
      digits[index] = 48
      index -= 1
    }
    digits.insert(49, at: 0)
  }
}
