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

  /// From so many rows on. The server guesses 200 different keys in a table that nobody has analysed, and may
  /// look up each key in the old table where going through that once is cheaper; with fewer rows both
  /// take less time than `analyze` (Benchmarks/bench_incremental.py).
  private static let worthAnalysing = 10_000

  /// `prepare_staging(relation, unique_key)`: gathers statistics of the keys of a table that the last
  /// `run_query` made, where it has many rows. Goes to the server with the next statement.
  private func prepareStaging() throws(TemplateError) -> Value {
    let arguments = try bound(["relation", "unique_key"])
    let keys: [String]
    switch arguments.value(1) {
    case .string(let key): keys = [key]
    case let list where list.isNone: keys = []
    case let list: keys = try interpreter.iterate(list).compactMap(\.asString)
    }
    guard adapterType == "postgres", !keys.isEmpty,
      host.ownSetting("staging")?.string != "plain",
      let rows = host.results.lastQueryResponse?.rowsAffected, rows >= Self.worthAnalysing
    else { return .none }
    let staging = try relation(arguments.value(0), "relation").relation
    // Keys may be expressions, of which a temporary table has no statistics.
    let columns = keys.allSatisfy(\.isColumnName) ? " (\(keys.joined(separator: ", ")))" : ""
    _ = try onWarehouse { (session) throws(WarehouseError) in
      try session.executeLater("analyze \(staging.rendered)\(columns)", opensTransaction: true)
    }
    return .none
  }
}

extension String {
  /// Whether it is a name, in quotes or without, and no expression.
  fileprivate var isColumnName: Bool {
    if count > 2, first == "\"", last == "\"" { return !dropFirst().dropLast().contains("\"") }
    return first.map { $0.isLetter || $0 == "_" } ?? false
      && allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
  }
}
