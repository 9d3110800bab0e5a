internal import SectoralWarehouse

/// What Redshift's system tables say about a `COPY` that failed.
struct LoadErrors {
  let load: BulkLoad
  let parts: [String]

  /// So many are worth reading.
  static let limit = 5

  /// `parts`: The addresses of the parts.
  init(_ load: BulkLoad, _ parts: [String]) {
    self.load = load
    self.parts = parts
  }

  /// Asks on a connection of its own, as the load's transaction is broken. Empty where nothing is found.
  func read(
    _ open: (String) throws(WarehouseError) -> any WarehouseConnection
  ) -> [BulkLoadFault] {
    guard let first = parts.first, let connection = try? open("load errors") else { return [] }
    defer { connection.close() }
    let folder = String(first[...(first.lastIndex(of: "/") ?? first.startIndex)])
    let pattern = TextLiteral.redshift.quoted(
      folder.replacing("\\", with: "\\\\").replacing("%", with: "\\%")
        .replacing("_", with: "\\_") + "%"
    )
    // The first serves clusters and Serverless, the second old clusters.
    for (view, file, line, column, type, reason) in [
      (
        "sys_load_error_detail", "file_name", "line_number", "column_name", "column_type",
        "error_message"
      ),
      ("stl_load_errors", "filename", "line_number", "colname", "type", "err_reason"),
    ] {
      let sql =
        "select trim(\(file)), \(line), trim(\(column)), trim(\(type)), trim(\(reason)) from \(view) "
        + "where \(file) like \(pattern) order by 1, 2 limit \(Self.limit)"
      guard let answer = try? connection.execute(sql, fetch: true, limit: nil) else { continue }
      let faults = answer.table.rows.compactMap(fault)
      if !faults.isEmpty { return faults }
    }
    return []
  }

  private func fault(_ row: [String?]) -> BulkLoadFault? {
    guard row.count == 5, let file = row[0], let piece = parts.firstIndex(of: file),
      let line = row[1].flatMap({ Int($0) })
    else { return nil }
    return BulkLoadFault(
      piece: piece,
      row: self.row(atLine: line, of: piece),
      column: row[2] ?? "",
      type: row[3] ?? "",
      reason: row[4] ?? ""
    )
  }

  /// The record that holds a line, from 1, of a piece: texts may hold line ends.
  private func row(atLine line: Int, of piece: Int) -> Int {
    var row = 0
    var current = 1
    var isQuoted = false
    for byte in load.piece(piece) {
      if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if byte == UInt8(ascii: "\n") {
        if current == line { return row }
        current += 1
        if !isQuoted { row += 1 }
      }
    }
    return max(0, row - 1)
  }
}

extension String {
  fileprivate func replacing(_ part: Character, with other: String) -> String {
    split(separator: part, omittingEmptySubsequences: false).joined(separator: other)
  }
}
