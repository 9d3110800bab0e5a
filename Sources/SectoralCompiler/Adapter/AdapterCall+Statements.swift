import BigInt
import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// Methods that send SQL.
extension AdapterCall {
  static let statementMethods: [String: AdapterObject.Method] = [
    "execute": .init(.noResult) { (call) throws(TemplateError) in
      // `may_wait` is ours: nobody looks at the answer before the next statement.
      let arguments = try call.bound(
        ["sql", "auto_begin", "fetch", "limit", "may_wait"],
        required: 1
      )
      let sql = try call.interpreter.string(arguments.value(0))
      let opens = try arguments.isTrue(1, call.interpreter)
      let fetch = try arguments.isTrue(2, call.interpreter)
      let limit = arguments.optional(3)?.pythonInt
      if !fetch, try arguments.isTrue(4, call.interpreter) {
        let session = try call.session()
        let answer = try call.onWarehouse { (session) throws(WarehouseError) in
          try session.executeLater(sql, opensTransaction: opens)
        }
        let response = ResponseObject(answer) { () throws(WarehouseError) in try session.flush() }
        return .tuple([.object(response), .object(TableObject(ResultTable()))])
      }
      let result = try call.onWarehouse { (session) throws(WarehouseError) in
        try session.execute(sql, opensTransaction: opens, fetch: fetch, limit: limit)
      }
      return .tuple([
        .object(ResponseObject(result.response)),
        .object(TableObject(fetch ? result.table : ResultTable())),
      ])
    },
    "commit": .init(.nothing) { (call) throws(TemplateError) in
      let session = try call.session()
      guard session.isMarkedOpen else {
        throw TemplateError(
          .internalError,
          id: "run.no-transaction",
          "Tried to commit transaction on connection \"\(session.name)\", but it does not have one "
            + "open!",
          hint: "adapter.commit() ends what a statement with auto_begin began"
        )
      }
      try call.onWarehouse { (session) throws(WarehouseError) in try session.commit() }
      return .string("")
    },
    "add_query": .init(.noCursor) { (call) throws(TemplateError) in
      let arguments = try call.bound(
        ["sql", "auto_begin", "bindings", "abridge_sql_log"],
        required: 1
      )
      var sql = try call.interpreter.string(arguments.value(0))
      let opens = arguments[1] == nil ? true : try arguments.isTrue(1, call.interpreter)
      guard let bindings = arguments.optional(2) else {
        let result = try call.onWarehouse { (session) throws(WarehouseError) in
          try session.execute(sql, opensTransaction: opens, fetch: true)
        }
        return .tuple([.none, .object(CursorObject(result.response, result.table))])
      }
      sql = try SQLLiteral(adapterType: call.adapterType)
        .bind(sql, call.interpreter.iterate(bindings), call.interpreter)
      let response = try call.onWarehouse { (session) throws(WarehouseError) in
        try session.executeOne(sql, opensTransaction: opens)
      }
      return .tuple([.none, .object(CursorObject(response, ResultTable()))])
    },
    "get_column_schema_from_query": .init(.emptyList) { (call) throws(TemplateError) in
      let sql = try call.interpreter.string(call.bound(["sql"]).value(0))
      // A snapshot asks twice.
      if let known = call.host.session?.columns(of: sql) { return .list(known) }
      let changes = call.host.session?.changeCount
      let result = try call.onWarehouse { (session) throws(WarehouseError) in
        try session.execute(sql, opensTransaction: true, fetch: true)
      }
      var columns: [Value] = []
      for column in result.table.columns {
        try call.noteUnknownType(of: column)
        let type = Column.translate(column.driverTypeName(call.adapterType))
        let column = Column(name: column.name, dtype: type)
        columns.append(.object(ColumnObject(column, adapterType: call.adapterType)))
      }
      if let session = call.host.session, let changes, session.collectsStatements {
        session.keep(columns, of: sql, since: changes)
      }
      return .list(columns)
    },
    "run_sql_for_tests": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["sql", "fetch", "conn"])
      let sql = try call.interpreter.string(arguments.value(0))
      let fetch = try call.interpreter.string(arguments.value(1))
      let result = try call.onWarehouse { (session) throws(WarehouseError) in
        try session.execute(sql, opensTransaction: true, fetch: true)
      }
      let rows = TableObject(result.table).dataRows()
      return fetch == "one" ? rows.first ?? .none : fetch == "all" ? .list(rows) : .none
    },
    // Ours: a line of the log, for which not all of `model` need be made.
    "announce_main": .init(.nothing) { (call) throws(TemplateError) in
      let language = try call.interpreter.string(call.bound(["language"]).value(0))
      let id = call.host.currentNode?.uniqueID ?? ""
      try call.host.emit(.log("Writing runtime \(language) for node \"\(id)\"", info: false))
      return .none
    },
    // Ours: the bulk load of seeds.
    "copy_csv_rows": .init(.nothing) { (call) throws(TemplateError) in try call.copyRows() },
  ]

  /// Tells that the driver has no name for a type: errors of contracts show its number.
  private func noteUnknownType(of column: ResultColumn) throws(TemplateError) {
    guard let code = column.unknownTypeCode(adapterType) else { return }
    try host.emit(
      .notice(
        name: "TypeCodeNotFound",
        message: "The `type_code` \(code) was not recognized, so errors of enforced contracts and "
          + "`data_type` in what `get_column_schema_from_query` gives name the number.",
        data: ["type_code": Int(code).map(Datum.int) ?? .string(code)]
      )
    )
  }

  /// `copy_csv_rows(relation, table, columns)`: loads a table with one COPY; gives the number of
  /// rows.
  ///
  /// `columns` is a list of names, which are quoted, or the list's text as it should stand in SQL.
  private func copyRows() throws(TemplateError) -> Value {
    let arguments = try bound(["relation", "agate_table", "column_names"])
    let relation = try self.relation(arguments.value(0), "relation")
    guard let table = arguments.value(1).object(TableObject.self) else {
      throw .typeError("copy_csv_rows() needs a table, not \(arguments.value(1).typeName)")
    }
    let columns: String
    if let text = arguments.value(2).asString {
      columns = text
    } else {
      var names: [String] = []
      for name in try interpreter.iterate(arguments.value(2)) {
        names.append("\"\(try interpreter.string(name))\"")
      }
      columns = names.joined(separator: ", ")
    }
    var options = "format csv"
    if let delimiter = table.seed?.copyDelimiter, delimiter != UInt8(ascii: ",") {
      options += ", delimiter '\(Character(Unicode.Scalar(delimiter)))'"
    }
    let next = try chunks(of: table)
    let again = try chunks(of: table)
    let types = table.seed?.columns.map(\.valueType)
    let (count, isConverted) = try onWarehouse { (session) throws(WarehouseError) in
      try session.copy(
        into: relation.relation,
        columns: columns,
        types: types,
        options: options,
        next: next,
        again: again
      )
    }
    if isConverted {
      let name = host.currentNode?.name ?? relation.relation.identifier ?? ""
      try host.emit(
        .warning(
          name: "JinjaLogWarning",
          message: "The table of seed '\(name)' has the types of an earlier file: values were "
            + "converted to them, numbers rounded; 'seed --full-refresh --select \(name)' makes it anew"
        )
      )
    }
    return .int(count)
  }

  /// Pieces of CSV text of about a quarter of a megabyte.
  private func chunks(of table: TableObject) throws(TemplateError) -> () -> [UInt8]? {
    if let seed = table.seed {
      let zone = seed.columns.contains(where: \.isZoned) ? try sessionZone() : nil
      var piece = 0
      return {
        guard piece < seed.pieceCount else { return nil }
        defer { piece += 1 }
        return seed.copyPiece(piece) { instant in
          zone.map { $0.phases[$0.phase(atUTC: instant)].offset } ?? 0
        }
      }
    }
    var row = 0
    let step = max(1, 200_000 / max(1, table.columnNames.count * 8))
    let rows = table.cellRows()
    var lines: [[UInt8]] = []
    for cells in rows {
      var fields: [String] = []
      for value in cells {
        guard !value.isNone else {
          fields.append("")
          continue
        }
        let text = try interpreter.string(value)
        fields.append(
          "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
        )
      }
      lines.append(Array((fields.joined(separator: ",") + "\n").utf8))
    }
    return {
      guard row < lines.count else { return nil }
      let end = min(row + step, lines.count)
      defer { row = end }
      return Array(lines[row..<end].joined())
    }
  }

  /// The zone in which the server reads and shows times; nil stands for UTC.
  func sessionZone() throws(TemplateError) -> ZoneData? {
    let result = try onWarehouse { (session) throws(WarehouseError) in
      try session.execute("show timezone", fetch: true)
    }
    guard let name = result.table.rows.first?.first ?? nil else { return nil }
    if ["utc", "etc/utc", "gmt"].contains(name.lowercased()) { return nil }
    return ZoneTables.named(name)
  }
}

extension WarehouseSession {
  /// Loads rows with one COPY; returns their number, and whether they had to be converted.
  ///
  /// What COPY does not take may pass as an INSERT, which dbt sends; then the rows come by way of a
  /// temporary table. Into a table under row-level security the server copies none from whoever is
  /// subject to it, and of a table with the types of an earlier file it takes no `2.5` for an integer
  /// (an INSERT rounds).
  ///
  /// `types`: those of the values, in the order of the columns; nil where a value is text, which is read as
  /// its column says. `again`: gives the same pieces as `next`.
  fileprivate func copy(
    into relation: Relation,
    columns: String,
    types: [String?]?,
    options: String,
    next: () -> [UInt8]?,
    again: () -> [UInt8]?
  ) throws(WarehouseError) -> (count: Int, isConverted: Bool) {
    func copy(
      _ table: String,
      _ next: () -> [UInt8]?
    ) throws(WarehouseError) -> Int {
      let sql = "copy \(table) (\(columns)) from stdin with (\(options))"
      return try copyIn(sql, opensTransaction: true) { () throws(WarehouseError) in next() }
    }
    // A new table has no policies, and the types of the file.
    guard isCollecting, cache.kind(of: relation) != nil else {
      return (try copy(relation.rendered, next), false)
    }
    _ = try executeLater("savepoint sectoral_copy", opensTransaction: true)
    let hasTypes = types?.contains { $0 != nil } ?? false
    var isConverted = false
    let refusal: WarehouseError
    do throws(WarehouseError) {
      return (try copy(relation.rendered, next), false)
    } catch {
      refusal = error
      switch error.sqlState {
      case "0A000": break
      case "22P02" where hasTypes, "22007" where hasTypes: isConverted = true
      default: throw error
      }
    }
    try execute("rollback to savepoint sectoral_copy")
    var sample = "select \(columns) from \(relation.rendered) limit 0"
    if isConverted, let types {
      let values = zip(try execute(sample, fetch: true).table.columns, types).map { column, type in
        let name = "\"\(column.name.replacing("\"", with: "\"\""))\""
        return type.map { "null::\($0) as \(name)" } ?? name
      }
      sample = "select \(values.joined(separator: ", ")) from \(relation.rendered) limit 0"
    }
    try execute("create temporary table sectoral_rows on commit drop as \(sample)")
    let rows = "pg_temp.sectoral_rows"
    do throws(WarehouseError) { _ = try copy(rows, again) } catch {
      // Text that is not what its column holds: the user's table is named, not ours.
      throw error.sqlState == refusal.sqlState ? refusal : error
    }
    let insert = "insert into \(relation.rendered) (\(columns)) select \(columns) from \(rows)"
    return (try execute(insert).response.rowsAffected, isConverted)
  }
}

extension SeedTable.Column {
  /// As what dbt's driver sends the values; nil for text, of which the server finds out by itself.
  fileprivate var valueType: String? {
    switch type {
    case .text, .integer: nil
    case .number: "numeric"
    case .boolean: "boolean"
    case .date: "date"
    case .dateTime, .isoDateTime: "timestamp"
    }
  }
}

/// The cursor that `add_query` gives: rows to fetch, and what the server said.
final class CursorObject: ContextObject {
  private let response: AdapterResponse
  private let table: TableObject
  private let columns: [ResultColumn]
  private var position = 0

  init(_ response: AdapterResponse, _ result: ResultTable) {
    self.response = response
    table = TableObject(result)
    columns = result.columns
    super.init()
  }

  override var typeName: String { "cursor" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    switch text {
    case "rowcount": return .int(response.rowsAffected)
    case "statusmessage": return .string(response.message)
    case "description":
      return .tuple(
        columns.map {
          .tuple([.string($0.name), .string($0.typeName)] + .init(repeating: .none, count: 5))
        }
      )
    case "fetchone":
      return .function(text) { _, _ throws(TemplateError) in self.take(1).first ?? .none }
    case "fetchall":
      return .function(text) { _, _ throws(TemplateError) in .list(self.take(.max)) }
    case "fetchmany":
      return .function(text) { arguments, _ throws(TemplateError) in
        .list(self.take(try CallArguments(text, arguments, ["size"]).int(0, default: 1)))
      }
    case "close": return .constant(text, .none)
    default: return nil
    }
  }

  override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    take(.max)
  }

  private func take(_ count: Int) -> [Value] {
    let rows = table.dataRows().dropFirst(position).prefix(max(0, count))
    position += rows.count
    return Array(rows)
  }
}

/// Values written into SQL, as the Python driver writes bound parameters.
package struct SQLLiteral {
  private let texts: TextLiteral

  package init(adapterType: String) { texts = TextLiteral(adapterType: adapterType) }

  /// Puts the values in place of the `%s`; `%%` is a percent sign.
  func bind(
    _ sql: String,
    _ values: [Value],
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> String
  {
    var out = ""
    out.reserveCapacity(sql.utf8.count + values.count * 8)
    var rest = values[...]
    var parts = sql.split(separator: "%", omittingEmptySubsequences: false)[...]
    out += parts.popFirst() ?? ""
    while let part = parts.popFirst() {
      if part.hasPrefix("s") {
        guard let value = rest.popFirst() else {
          throw .runtime("not enough values for the placeholders of the statement")
        }
        out += try text(value, interpreter)
        out += part.dropFirst()
      } else if part.isEmpty {
        out += "%"
        out += parts.popFirst() ?? ""
      } else {
        throw .runtime(
          "unsupported placeholder '%\(part.prefix(1))' in a statement with bindings",
          hint: "use %s, and %% for a percent sign"
        )
      }
    }
    guard rest.isEmpty else {
      throw .runtime("not all values were used by the placeholders of the statement")
    }
    return out
  }

  func text(_ value: Value, _ interpreter: Interpreter) throws(TemplateError) -> String {
    switch value {
    case .none, .undefined: return "NULL"
    case .bool(let bool): return bool ? "true" : "false"
    case .int(let int): return int < 0 ? " \(int)" : String(int)
    case .bigInt(let big): return big.value.description
    case .float(let double):
      if double.isNaN { return "'NaN'::float" }
      if double.isInfinite { return double < 0 ? "'-Infinity'::float" : "'Infinity'::float" }
      return double < 0 ? " \(double)" : double.description
    case .string(let string): return quoted(string)
    case .list(let list):
      if list.items.isEmpty { return "'{}'" }
      var texts: [String] = []
      for item in list.items { texts.append(try text(item, interpreter)) }
      return "ARRAY[\(texts.joined(separator: ", "))]"
    case .tuple(let tuple):
      var texts: [String] = []
      for item in tuple.items { texts.append(try text(item, interpreter)) }
      return "(\(texts.joined(separator: ", ")))"
    case .object(let object as DecimalObject):
      guard object.value.kind == .finite else { return "'\(object.value.description)'::numeric" }
      return (object.value.isNegative ? " " : "") + object.value.description
    case .object(let object as DateObject): return "'\(object.isoText)'::date"
    case .object(let object as DateTimeObject):
      let type = object.zone == nil ? "timestamp" : "timestamptz"
      return "'\(try object.isoText())'::\(type)"
    case .object(let object as TimeObject): return "'\(try object.string(interpreter))'::time"
    case .object(let object as TimeDeltaObject):
      return "'\(Double(object.microseconds) / 1e6) seconds'::interval"
    case .dict, .set, .object:
      throw .runtime("can't adapt type '\(value.typeName)'", hint: "bind its text: value | string")
    }
  }

  package func quoted(_ text: String) -> String { texts.quoted(text) }
}
