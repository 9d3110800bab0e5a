internal import SectoralWarehouse

extension EmbeddedServer {
  /// Makes a database if it is not there. The server must run.
  package func ensureDatabase(named name: String) throws(EmbeddedServerError) {
    try withAdministrator("cannot create the database \(name)") {
      connection throws(WarehouseError) in
      let found = try connection.execute(
        "select 1 from pg_database where datname = \(TextLiteral.postgres.quoted(name))",
        fetch: true,
        limit: 1
      )
      if found.table.rows.isEmpty { try Self.create(name, connection) }
    }
  }

  /// Drops a database with all that is in it, whoever is connected, and makes it anew.
  package func reset(database name: String) throws(EmbeddedServerError) {
    try withAdministrator("cannot empty the database \(name)") {
      connection throws(WarehouseError) in
      _ = try connection.execute(
        "drop database if exists \(Self.quoted(name)) with (force)",
        fetch: false,
        limit: nil
      )
      try Self.create(name, connection)
    }
  }

  private func withAdministrator(
    _ what: String,
    _ body: (PostgresConnection) throws(WarehouseError) -> Void
  ) throws(EmbeddedServerError) {
    let endpoint = registration()?.endpoint(of: self) ?? plannedEndpoint
    do throws(WarehouseError) {
      let connection = try administrator(endpoint)
      defer { connection.close() }
      try body(connection)
    } catch {
      throw EmbeddedServerError(error, doing: what)
    }
  }

  private static func create(
    _ name: String,
    _ connection: PostgresConnection
  )
    throws(WarehouseError)
  {
    do throws(WarehouseError) {
      // Nobody is ever connected to template0, which would make the server refuse.
      _ = try connection.execute(
        "create database \(quoted(name)) template template0",
        fetch: false,
        limit: nil
      )
    } catch {
      // Another command was quicker.
      guard error.sqlState == "42P04" || error.sqlState == "23505" else { throw error }
    }
  }

  private static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }
}
