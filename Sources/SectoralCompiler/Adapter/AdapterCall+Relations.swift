import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// Methods about relations: the cache, columns, schemas, and what macros do to them.
extension AdapterCall {
  static let relationMethods: [String: AdapterObject.Method] = [
    "get_relation": .init(.nothing) { (call) throws(TemplateError) in
      let arguments = try call.bound(["database", "schema", "identifier"])
      return try call.cachedRelation(
        database: call.part(arguments, 0),
        schema: call.schema(arguments, 1),
        identifier: call.part(arguments, 2)
      )
    },
    "already_exists": .init(.bool(false)) { (call) throws(TemplateError) in
      let arguments = try call.bound(["schema", "name"])
      let found = try call.cachedRelation(
        database: call.host.invocation.target["database"]?.string,
        schema: call.schema(arguments, 0),
        identifier: call.part(arguments, 1)
      )
      return .bool(!found.isNone)
    },
    "cache_added": .init { (call) throws(TemplateError) in
      let value = try call.bound(["relation"]).value(0)
      guard !value.isNone else {
        throw .compilation(
          "Attempted to cache a null relation for \(call.host.currentNode?.name ?? "None")"
        )
      }
      let relation = try call.relation(value, "relation")
      call.host.session?.cache.add(relation.relation)
      return .string("")
    },
    "cache_dropped": .init { (call) throws(TemplateError) in
      let value = try call.bound(["relation"]).value(0)
      guard !value.isNone else {
        throw .compilation(
          "Attempted to drop a null relation for \(call.host.currentNode?.name ?? "None")"
        )
      }
      let relation = try call.relation(value, "relation")
      call.host.session?.cache.drop(relation.relation)
      return .string("")
    },
    "cache_renamed": .init { (call) throws(TemplateError) in
      let arguments = try call.bound(["from_relation", "to_relation"])
      guard !arguments.value(0).isNone, !arguments.value(1).isNone else {
        let from = try call.interpreter.string(arguments.value(0))
        let to = try call.interpreter.string(arguments.value(1))
        throw .compilation(
          "Attempted to rename \(from) to \(to) for \(call.host.currentNode?.name ?? "None")"
        )
      }
      let from = try call.relation(arguments.value(0), "from_relation")
      let to = try call.relation(arguments.value(1), "to_relation")
      call.host.session?.cache.rename(from.relation, to: to.relation)
      return .string("")
    },
    "get_columns_in_relation": .init(.emptyList) { (call) throws(TemplateError) in
      try call.columnList(of: call.bound(["relation"]).value(0))
    },
    "get_columns_in_table": .init(.emptyList) { (call) throws(TemplateError) in
      let arguments = try call.bound(["schema", "identifier"])
      try call.host.emit(
        .warning(
          name: "AdapterDeprecationWarning",
          message: "The adapter function `adapter.get_columns_in_table` is deprecated and will be "
            + "removed in a future release of dbt. Please use `adapter.get_columns_in_relation` "
            + "instead."
        )
      )
      let relation = call.relation(
        database: call.host.invocation.target["database"]?.string,
        schema: try call.part(arguments, 0),
        identifier: try call.part(arguments, 1)
      )
      return .list(try call.columns(of: call.object(relation)))
    },
    "get_missing_columns": .init(.emptyList) { (call) throws(TemplateError) in
      let arguments = try call.bound(["from_relation", "to_relation"])
      _ = try call.relation(arguments.value(0), "from_relation")
      _ = try call.relation(arguments.value(1), "to_relation")
      let known = Set(
        try call.columns(of: arguments.value(1)).compactMap {
          $0.object(ColumnObject.self)?.column.name
        }
      )
      return .list(
        try call.columns(of: arguments.value(0)).filter {
          $0.object(ColumnObject.self).map { !known.contains($0.column.name) } ?? false
        }
      )
    },
    "expand_target_column_types": .init(.nothing) { (call) throws(TemplateError) in
      let arguments = try call.bound(["from_relation", "to_relation"])
      _ = try call.relation(arguments.value(0), "from_relation")
      _ = try call.relation(arguments.value(1), "to_relation")
      try call.widenColumns(of: arguments.value(1), like: arguments.value(0))
      return .none
    },
    "drop_relation": .init(.nothing) { (call) throws(TemplateError) in
      let value = try call.bound(["relation"]).value(0)
      let relation = try call.relation(value, "relation")
      guard relation.relation.type != nil else {
        throw .compilation(
          "Tried to drop relation \(relation.rendered), but its type is null.",
          hint: "give the relation a type: api.Relation.create(…, type='table')"
        )
      }
      let turn = call.dropTurn(of: relation.relation)
      try call.onWarehouse { (session) throws(WarehouseError) in try session.take(turn) }
      let result = try call.callMacro("drop_relation", [("relation", value)])
      try call.onceRun { $0.drop(relation.relation) }
      return result
    },
    "rename_relation": .init(.nothing) { (call) throws(TemplateError) in
      let arguments = try call.bound(["from_relation", "to_relation"])
      let from = try call.relation(arguments.value(0), "from_relation")
      let to = try call.relation(arguments.value(1), "to_relation")
      let result = try call.callMacro(
        "rename_relation",
        [("from_relation", arguments.value(0)), ("to_relation", arguments.value(1))]
      )
      try call.onceRun { $0.rename(from.relation, to: to.relation) }
      return result
    },
    "truncate_relation": .init(.nothing) { (call) throws(TemplateError) in
      let value = try call.bound(["relation"]).value(0)
      return try call.callMacro("truncate_relation", [("relation", value)])
    },
    "create_schema": .init(.nothing) { (call) throws(TemplateError) in
      let relation = try call.relation(call.bound(["relation"]).value(0), "relation")
      try call.host.emit(.creation(of: relation.relation))
      try call.using(relation.relation.database) { () throws(TemplateError) in
        _ = try call.callMacro("create_schema", [("relation", call.schemaOf(relation))])
      }
      try call.onWarehouse { (session) throws(WarehouseError) in try session.commitIfOpen() }
      return .none
    },
    "drop_schema": .init(.nothing) { (call) throws(TemplateError) in
      let relation = try call.relation(call.bound(["relation"]).value(0), "relation")
      try call.using(relation.relation.database) { () throws(TemplateError) in
        _ = try call.callMacro("drop_schema", [("relation", call.schemaOf(relation))])
      }
      try call.onWarehouse { (session) throws(WarehouseError) in try session.commitIfOpen() }
      call.host.session?.cache.dropSchema(
        database: relation.relation.database,
        schema: relation.relation.schema
      )
      return .none
    },
    "check_schema_exists": .init(.bool(false)) { (call) throws(TemplateError) in
      let arguments = try call.bound(["database", "schema"])
      let relation = call.relation(
        database: try call.part(arguments, 0),
        schema: try call.part(arguments, 1),
        identifier: "INFORMATION_SCHEMA"
      )
      let information = try call.interpreter.call(
        call.interpreter.attribute("information_schema", of: call.object(relation)),
        Arguments()
      )
      let value = try call.callMacro(
        "check_schema_exists",
        [("information_schema", information), ("schema", arguments.value(1))]
      )
      let table = try call.table(value, from: "check_schema_exists")
      return .bool(table.cellRows().first?.first?.pythonInt.map { $0 > 0 } ?? false)
    },
  ]

  /// A part of a relation's name. As dbt, which compares them in lower case: only a text has one.
  private func part(_ arguments: CallArguments, _ index: Int) throws(TemplateError) -> String? {
    guard let value = arguments.optional(index), !value.isNone else { return nil }
    if let text = value.asString { return text }
    _ = try interpreter.attribute("lower", of: value)
    throw noText(value)
  }

  private func schema(_ arguments: CallArguments, _ index: Int) throws(TemplateError) -> String {
    guard let name = try part(arguments, index) else { throw noText(.none) }
    return name
  }

  private func noText(_ value: Value) -> TemplateError {
    .compilation(
      "'\(value.typeName)' object has no attribute 'lower'",
      hint: "adapter.\(name)() takes names: texts"
    )
  }

  private func using(
    _ database: String?,
    _ body: () throws(TemplateError) -> Void
  ) throws(TemplateError) {
    guard let session = host.session else { return try body() }
    try session.using(database, host.invocation.target, body)
  }

  private func schemaOf(_ relation: RelationObject) -> Value {
    var copy = relation.relation
    copy.identifier = nil
    copy.includePolicy.identifier = false
    return object(copy)
  }

  // MARK: The cache

  func cachedRelation(
    database: String?,
    schema: String?,
    identifier: String?
  )
    throws(TemplateError) -> Value
  {
    let cache = try session().cache
    if !cache.isLoaded(database: database, schema: schema) {
      cache.fill(
        database: database,
        schema: schema,
        with: try list(database: database, schema: schema)
      )
    }
    let quoting = host.invocation.quoting
    switch cache.find(
      database: database,
      schema: schema,
      identifier: identifier,
      quoting: quoting
    )
    {
    case .none: return .none
    case .relation(let relation): return object(relation)
    case .approximate(let found):
      let searched = Relation(database: database, schema: schema, identifier: identifier)
      throw .approximateMatch(searched: searched, found: found)
    case .several(let relations):
      var texts: [String] = []
      for relation in relations { texts.append(try interpreter.repr(object(relation))) }
      throw .compilation(
        "get_relation returned more than one relation with the given args. Please specify a "
          + "database or schema to narrow down the result set.\n"
          + "[\(texts.joined(separator: ", "))]"
      )
    }
  }

  /// Asks the database what a schema holds.
  func list(database: String?, schema: String?) throws(TemplateError) -> [Relation] {
    var path = relation(database: database, schema: schema, identifier: nil)
    path.includePolicy.identifier = false
    let macro = "list_relations_without_caching"
    let table = try table(
      callMacro(macro, [("schema_relation", object(path))]),
      from: macro
    )
    return table.cellRows().compactMap { row in
      guard row.count >= 4 else { return nil }
      let type = row[3].asString.map { RelationType(rawValue: $0) ?? .external }
      return Relation(
        database: row[0].asString,
        schema: row[2].asString,
        identifier: row[1].asString,
        type: type,
        aliasesSubqueries: adapterType != "redshift"
      )
    }
  }

  // MARK: Columns

  func columns(of relation: Value) throws(TemplateError) -> [Value] {
    try interpreter.iterate(columnList(of: relation))
  }

  /// A materialization asks several times: the same answer holds until it changes something. A
  /// project's own macro may answer with anything.
  private func columnList(of relation: Value) throws(TemplateError) -> Value {
    let session = host.session
    let name = relation.object(RelationObject.self)?.rendered
    if let name, let known = session?.columns(of: name) { return .list(known) }
    let changes = session?.changeCount
    let found = try callMacro("get_columns_in_relation", [("relation", relation)])
    guard found.asString == nil else { return found }
    let columns = try interpreter.iterate(found)
    if let session, let changes, let name, session.collectsStatements {
      session.keep(columns, of: name, since: changes)
    }
    return .list(columns)
  }

  private func widenColumns(of target: Value, like source: Value) throws(TemplateError) {
    var wanted: [String: Column] = [:]
    for value in try columns(of: source) {
      guard let column = value.object(ColumnObject.self)?.column else { continue }
      wanted[column.name] = column
    }
    for value in try columns(of: target) {
      guard let column = value.object(ColumnObject.self)?.column, let goal = wanted[column.name],
        column.canExpand(to: goal)
      else { continue }
      let type = Column.stringType(goal.stringSize)
      try host.emit(
        .log(
          "Changing col type from \(column.dataType(adapterType)) to \(type) in table "
            + (try interpreter.string(target)),
          info: false
        )
      )
      _ = try callMacro(
        "alter_column_type",
        [
          ("relation", target), ("column_name", .string(column.name)),
          ("new_column_type", .string(type)),
        ]
      )
      // Postgres swaps the column for a wider one, and the old one takes the views on it along: the
      // cache must not go on naming them.
      if adapterType == "postgres", let relation = target.object(RelationObject.self) {
        host.session?.cache.dropDependents(of: relation.relation)
      }
    }
  }

  // MARK: Drops

  /// What a drop on Redshift has to itself: the views that go with the relation. Two transactions that
  /// drop the same ones in different orders would wait for each other.
  ///
  /// dbt-redshift lets one relation be dropped at a time instead, each in transactions of its own.
  func dropTurn(of relation: Relation) -> Set<String> {
    guard adapterType == "redshift",
      !(host.invocation.behavior["allow_concurrent_drops"]?.bool ?? false)
    else { return [] }
    let dependents = host.session?.cache.dependents(of: relation) ?? []
    return Set(dependents.map { $0.rendered.lowercased() })
  }
}
