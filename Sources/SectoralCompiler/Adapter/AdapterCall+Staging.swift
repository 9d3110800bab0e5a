import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// What an incremental model's new rows need before they are joined with the old ones.
extension AdapterCall {
  static let stagingMethods: [String: AdapterObject.Method] = [
    // Ours: dbt leaves the server to guess.
    "prepare_staging": .init(.nothing) { (call) throws(TemplateError) in
      try call.prepareStaging()
    }
  ]

  /// From so many rows on. The server guesses 200 different keys in a table that nobody has analysed, and then
  /// deletes by looking each key up in the old table's index. `analyze` of 100,000 keys takes 0.03 s
  /// (Benchmarks/bench_incremental.py).
  private static let worthAnalysing = 10_000

  /// `prepare_staging(relation, unique_key)`: gathers statistics of the key of a table that the last
  /// `run_query` made, where it has many rows. Goes to the server with the next statement.
  ///
  /// Of a key of one column only: in `make bench-incremental` a merge by two columns once took 14 s with
  /// statistics, and 1.3 s without. Likely the server's estimates for several columns are at fault.
  private func prepareStaging() throws(TemplateError) -> Value {
    let arguments = try bound(["relation", "unique_key"])
    var key = arguments.value(1)
    if case .list(let list) = key, list.items.count == 1 { key = list.items[0] }
    guard adapterType == "postgres", case .string(let column) = key, column.isColumnName,
      host.ownSetting("staging")?.string != "plain",
      let rows = host.results.lastQueryResponse?.rowsAffected, rows >= Self.worthAnalysing
    else { return .none }
    let staging = try relation(arguments.value(0), "relation").relation
    _ = try onWarehouse { (session) throws(WarehouseError) in
      try session.executeLater("analyze \(staging.rendered) (\(column))", opensTransaction: true)
    }
    return .none
  }
}

extension String {
  /// Whether it is a name, in quotes or without, and no expression, of which there are no statistics.
  fileprivate var isColumnName: Bool {
    if count > 2, first == "\"", last == "\"" { return !dropFirst().dropLast().contains("\"") }
    return first.map { $0.isLetter || $0 == "_" } ?? false
      && allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
  }
}
