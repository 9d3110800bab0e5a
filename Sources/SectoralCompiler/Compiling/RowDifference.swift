/// Two sets of rows side by side, whatever their order: what is in both, in one, or nearly in both.
package struct RowDifference {
  private enum Line {
    case same([String])
    case changed([(old: String, new: String)])
    case onlyActual([String])
    case onlyExpected([String])
  }

  private let columns: [String]
  private var lines: [Line] = []

  package init(columns: [String], actual: [[String?]], expected: [[String?]]) {
    self.columns = columns
    func texts(_ rows: [[String?]]) -> [[String]] {
      rows.map { $0.map { $0 ?? "NULL" } }.sorted { $0.lexicographicallyPrecedes($1) }
    }
    var missing = texts(expected)
    var surplus: [[String]] = []
    var same: [[String]] = []
    for row in texts(actual) {
      if let index = missing.firstIndex(of: row) {
        missing.remove(at: index)
        same.append(row)
      } else {
        surplus.append(row)
      }
    }
    var found: [(key: [String], line: Line)] = same.map { ($0, .same($0)) }
    for row in missing {
      func agreement(_ other: [String]) -> Int { zip(row, other).count { $0 == $1 } }
      let best = surplus.indices.max { agreement(surplus[$0]) < agreement(surplus[$1]) }
      if let best, agreement(surplus[best]) > 0 {
        found.append((row, .changed(Array(zip(row, surplus[best]).map { ($0, $1) }))))
        surplus.remove(at: best)
      } else {
        found.append((row, .onlyExpected(row)))
      }
    }
    for row in surplus { found.append((row, .onlyActual(row))) }
    found.sort { $0.key.lexicographicallyPrecedes($1.key) }
    lines = found.map(\.line)
  }

  /// Whether both hold the same rows.
  package var isEmpty: Bool {
    lines.allSatisfy { if case .same = $0 { true } else { false } }
  }

  /// A table: `→` before rows with changed cells (`expected→actual`), `+++` before rows that were not
  /// expected, `---` before those that are missing; rows in both stand near the others alone.
  package var text: String {
    var table: [[String]] = [["@@"] + columns]
    var leftOut = false
    for (index, line) in lines.enumerated() {
      switch line {
      case .same(let cells):
        let neighbours = lines[max(0, index - 1)...min(lines.count - 1, index + 1)]
        let isNear = neighbours.contains { if case .same = $0 { false } else { true } }
        guard isNear else {
          if !leftOut { table.append(["..."] + columns.map { _ in "..." }) }
          leftOut = true
          continue
        }
        table.append([""] + cells)
      case .changed(let cells):
        table.append(["→"] + cells.map { $0.old == $0.new ? $0.old : "\($0.old)→\($0.new)" })
      case .onlyActual(let cells): table.append(["+++"] + cells)
      case .onlyExpected(let cells): table.append(["---"] + cells)
      }
      leftOut = false
    }
    var widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    // Nothing stands behind the last column.
    if let last = widths.indices.last { widths[last] = 0 }
    let rows = table.map { row in
      zip(row, widths).map { text, width in
        text + String(repeating: " ", count: max(0, width - text.count))
      }.joined(separator: ",")
    }
    // As dbt, whose rows end as those of csv files do.
    return "\n\nactual differs from expected:\n\n" + rows.joined(separator: "\r\n") + "\r\n\n"
  }
}
