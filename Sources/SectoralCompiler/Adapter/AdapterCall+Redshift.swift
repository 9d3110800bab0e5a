import SectoralJinja
import SectoralPython
import SectoralYAML

/// Methods that Redshift alone has.
extension AdapterCall {
  static let redshiftMethods: [String: AdapterObject.Method] = [
    "drop_without_cascade": .init { (call) throws(TemplateError) in
      .bool(call.host.invocation.behavior["drop_without_cascade"]?.bool ?? false)
    },
    "use_show_apis": .init { (call) throws(TemplateError) in
      .bool(call.host.invocation.target["datasharing"]?.bool ?? false)
    },
    "use_grants_extended": .init { (call) throws(TemplateError) in
      .bool(BehaviorObject.isOn("redshift_grants_extended", call.host.invocation) ?? false)
    },
    "transform_show_tables_for_list_relations": .init { (call) throws(TemplateError) in
      let value = try call.bound(["show_tables"]).value(0)
      return try call.relations(listedBy: call.table(value, from: "show tables"))
    },
    "combine_show_tables_and_function_relations": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["table_and_view_relations", "function_relations"])
      return try TableObject.merged([arguments.value(0), arguments.value(1)])
    },
    "build_catalog_from_show_tables_and_svv_columns": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["show_tables_results", "svv_columns"])
      var tables: [TableObject] = []
      for value in try call.interpreter.iterate(arguments.value(0)) {
        tables.append(try call.table(value, from: "show tables"))
      }
      return try call.catalog(
        of: tables,
        columns: call.table(arguments.value(1), from: "svv_redshift_columns")
      )
    },
  ]

  /// What each privilege is granted to, in order.
  func grants(_ rows: [(privilege: Value, grantee: Value)]) -> Value {
    let grants = DictValue()
    for (privilege, grantee) in rows {
      if case .list(let list)? = grants[privilege] {
        list.items.append(grantee)
      } else {
        grants[privilege] = .list([grantee])
      }
    }
    return .dict(grants)
  }

  /// The same of `show grants` and of svv_relation_privileges, which tell users, roles and groups apart.
  ///
  /// Left out is what `grants:` cannot name (the public, roles of the system and of data shares) and who runs
  /// this. `show grants` tells a group as a role whose name begins with a slash.
  func grants(toIdentitiesIn table: TableObject) throws(TemplateError) -> Value {
    let places = try places(of: ["identity_name", "identity_type", "privilege_type"], in: table)
    let isExtended = BehaviorObject.isOn("redshift_grants_extended", host.invocation) ?? false
    let runner = (host.invocation.target["user"]?.string ?? "").lowercased()
    let rows = table.cellRows().compactMap { row -> (privilege: Value, grantee: Value)? in
      let name = row[places[0]].asString ?? ""
      let type = (row[places[1]].asString ?? "").lowercased()
      let isRunner = type == "user" && name.lowercased() == runner
      guard !isRunner, type != "public", !name.hasPrefix("ds:"), !name.hasPrefix("sys:") else {
        return nil
      }
      let privilege = Value.string((row[places[2]].asString ?? "").lowercased())
      if !isExtended { return type == "user" ? (privilege, .string(name)) : nil }
      if type == "role", name.hasPrefix("/") {
        return (privilege, .string("group:\(name.dropFirst())"))
      }
      return (privilege, .string("\(type):\(name)"))
    }
    return grants(rows)
  }

  /// The places of columns in a table; an error names the one that is missing.
  func places(
    of names: [String],
    in table: TableObject
  ) throws(TemplateError) -> [Int] {
    var places: [Int] = []
    for name in names {
      guard let place = table.columnNames.firstIndex(of: name) else {
        throw .compilation(
          "adapter.\(self.name)() needs the column '\(name)'; the table has "
            + table.columnNames.joined(separator: ", ")
        )
      }
      places.append(place)
    }
    return places
  }

  /// `show tables` as the table that `list_relations_without_caching` gives.
  private func relations(listedBy table: TableObject) throws(TemplateError) -> Value {
    let places = try places(
      of: ["database_name", "table_name", "schema_name", "table_type"],
      in: table
    )
    let subtype = table.columnNames.firstIndex(of: "table_subtype")
    let rows = table.cellRows().map { row in
      let isMaterialized =
        subtype.flatMap { row[$0].asString?.uppercased() } == "MATERIALIZED VIEW"
      let isView = row[places[3]].asString?.uppercased() == "VIEW"
      let type = isMaterialized ? "materialized_view" : isView ? "view" : "table"
      return places.prefix(3).map { row[$0] } + [.string(type)]
    }
    return .object(
      TableObject(
        names: ["database", "name", "schema", "type"],
        types: [.text, .text, .text, .text],
        rows: rows
      )
    )
  }

  /// Columns joined to the tables they belong to, as the rows of a catalog.
  private func catalog(
    of tables: [TableObject],
    columns: TableObject
  ) throws(TemplateError)
    -> Value
  {
    var known: [[String]: [Value]] = [:]
    for table in tables {
      let places = try places(
        of: ["database_name", "schema_name", "table_name", "table_type", "remarks", "owner"],
        in: table
      )
      let subtype = table.columnNames.firstIndex(of: "table_subtype")
      for row in table.cellRows() {
        let cells = places.map { row[$0] }
        let kind = subtype.flatMap { Self.kind(row[$0]) } ?? Self.kind(cells[3]) ?? "BASE TABLE"
        known[Self.key(cells)] = [.string(kind), cells[4], cells[5]]
      }
    }
    let places = try places(
      of: [
        "database_name", "schema_name", "table_name", "column_name", "ordinal_position",
        "data_type", "remarks",
      ],
      in: columns
    )
    let rows = columns.cellRows().compactMap { row -> [Value]? in
      let cells = places.map { row[$0] }
      guard let table = known[Self.key(cells)] else { return nil }
      return Array(cells[0...2]) + table + Array(cells[3...6])
    }
    return .object(
      TableObject(
        names: [
          "table_database", "table_schema", "table_name", "table_type", "table_comment",
          "table_owner", "column_name", "column_index", "column_type", "column_comment",
        ],
        types: [.text, .text, .text, .text, .text, .text, .text, .number, .text, .text],
        rows: rows
      )
    )
  }

  /// `table_type` or `table_subtype` of `show tables` as a catalog says it; nil for words that it leaves to
  /// the other one (`REGULAR VIEW`).
  private static func kind(_ word: Value) -> String? {
    let word = (word.asString ?? "").uppercased()
    return word == "TABLE"
      ? "BASE TABLE" : ["VIEW", "MATERIALIZED VIEW", "LATE BINDING VIEW"].first { $0 == word }
  }

  /// By database, schema and name, which come first.
  private static func key(_ cells: [Value]) -> [String] {
    cells.prefix(3).map { ($0.asString ?? "").lowercased() }
  }
}
