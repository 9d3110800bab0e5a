import SectoralProject
import SectoralWarehouse

/// The columns of a node's query, which Redshift's keys must be among.
extension RunContext {
  /// What the text of the query tells, where nothing of the project's comes between it and the table.
  func columnsKnown(of compiled: CompiledSQL, by materialization: MacroEntry) -> [String]? {
    guard workspace.macros.isInternal(materialization),
      let maker = workspace.macros.dispatch(
        "create_table_as",
        namespace: "dbt",
        for: workspace.root.name
      ).entry, workspace.macros.isInternal(maker)
    else { return nil }
    return QueryColumns.names(of: compiled.text, hasEscapes: true)
  }

  /// Asks the database, on another session: the node's has come to an end. nil where it says nothing; the error
  /// that is explained is told in any case.
  func askedColumns(of compiled: CompiledSQL?) -> [String]? {
    guard let compiled, let session else { return nil }
    do throws(WarehouseError) {
      let connection = try session.warehouse.open(name: session.name)
      defer { connection.close() }
      return try connection.execute(
        "select * from (\n\(compiled.text)\n) as query where false limit 0",
        fetch: true,
        limit: nil
      ).table.columns.map(\.name)
    } catch { return nil }
  }
}
