import SectoralJinja
import SectoralWarehouse
import SectoralYAML

/// Relations of other databases. With `datasharing` Redshift makes them while their database is the session's:
/// https://docs.aws.amazon.com/redshift/latest/dg/r_USE_command.html.
extension WarehouseSession {
  /// Does something while `database` is the session's.
  ///
  /// `target`: the profile's, which says which one it is otherwise. After an error the session is not used
  /// again, and nothing is set back.
  func using<Result>(
    _ database: String?,
    _ target: DatumMap,
    _ body: () throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    let own = target["database"]?.string ?? target["dbname"]?.string ?? ""
    guard style.beginsLate || style.splitsStatements, target["datasharing"]?.bool ?? false,
      let database, database.lowercased() != own.lowercased()
    else { return try body() }
    let quoted = database.lowercased().replacing("\"", with: "\"\"")
    _ = try execute("use \"\(quoted)\"", autoBegin: false, fetch: false)
    let result = try body()
    do throws(WarehouseError) {
      try flush()
      try commitIfOpen()
    } catch { throw .warehouse(error) }
    _ = try execute("reset use", autoBegin: false, fetch: false)
    return result
  }
}
