import SectoralJinja
package import SectoralProject
import SectoralText
package import SectoralWarehouse
import SectoralYAML

/// What a materialization left behind.
package struct Materialized: Sendable {
  package var relations: [Relation]
  /// Of the statement `main`.
  package var response: AdapterResponse?
  /// What was stored as the response of `main`, as text: a macro may have said something else than
  /// the server.
  package var message: String?
}

/// What a data test found.
package struct TestOutcome: Sendable {
  package var failures: Int
  package var shouldWarn: Bool
  package var shouldError: Bool
  package var response: AdapterResponse?
}

extension RunContext {
  /// Runs the node's materialization; the node must have been compiled in this context.
  ///
  /// `other`: a materialization in place of the node's own, for `clone`.
  package func materialize(
    _ compiled: CompiledSQL?,
    as other: String? = nil
  ) throws(Failure) -> Materialized {
    guard let node else { preconditionFailure("only nodes are materialized") }
    let name = other ?? node.materialized
    guard let entry = workspace.macros.materialization(name) else {
      let types = workspace.macros.prefixes.reversed().map { "'\($0)'" }.joined(separator: " and ")
      throw Failure(
        .compilation,
        subject: node.words,
        Diagnostic(
          id: "materialization.not-found",
          message: "No materialization '\(name)' was found for adapter "
            + "\(workspace.profile.type)! (searched types \(types))",
          span: node.source ?? node.declaration,
          hint: Spelling.nearest(to: name, among: workspace.macros.materializationNames)
            .map { "did you mean '\($0)'?" }
        )
      )
    }
    if workspace.macros.isLent(entry, as: name) {
      do throws(TemplateError) {
        try emit(
          .warning(
            name: "PackageMaterializationOverrideDeprecation",
            message: "Installed package '\(entry.macro.packageName)' is overriding the built-in "
              + "materialization '\(name)'. Overrides of built-in materializations from installed "
              + "packages will be deprecated in future versions of dbt."
          )
        )
      } catch { throw failure(error, nil) }
    }
    if let languages = entry.macro.supportedLanguages, let own = node.language,
      !languages.contains(own)
    {
      let list = languages.map { "'\($0)'" }.joined(separator: ", ")
      throw Failure(
        .runtime,
        subject: node.words,
        Diagnostic(
          id: "materialization.language",
          message: "Materialization \"\(entry.macro.name)\" only supports languages [\(list)]; "
            + "got \"\(own)\"",
          span: node.declaration,
          hint: "\(workspace.profile.type) runs SQL: write the node in SQL, or disable it here"
        )
      )
    }
    if workspace.profile.type == "redshift" {
      try RedshiftRules.check(
        node,
        queryColumns: compiled.flatMap { columnsKnown(of: $0, by: entry) },
        in: workspace
      )
    }
    do throws(TemplateError) {
      // As dbt: what a test's materialization calls directly counts as called by the test.
      notesCalls = node.resourceType == .test
      macroDepth = -1
      defer { macroDepth = 0 }
      session?.collectsStatements = true
      defer { session?.collectsStatements = false }
      session?.queryGroup = ownQueryGroup
      defer { session?.queryGroup = nil }
      let value = try inOwnDatabase { () throws(TemplateError) in
        try hosting { () throws(TemplateError) in try call(entry, Arguments()) }
      }
      do throws(WarehouseError) { try session?.flush() } catch { throw .warehouse(error) }
      let relations = try relations(in: value, node)
      if !results.hasMain, [.model, .seed, .snapshot].contains(node.resourceType),
        !workspace.macros.isInternal(entry)
      {
        throw TemplateError(
          .runtime,
          id: "materialization.no-main",
          "main is not being called during running \(node.resourceType.rawValue)",
          hint: "wrap the statement that builds the node into {% call statement('main') %}"
        )
      }
      return Materialized(
        relations: relations,
        response: results.mainResponse,
        message: try results.mainMessage(interpreter)
      )
    } catch {
      throw failure(error, compiled)
    }
  }

  private func inOwnDatabase<Result>(
    _ body: () throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    guard let session, let node, node.isRelational else { return try body() }
    return try session.using(node.database, workspace.invocation.target, body)
  }

  /// What a materialization returned: `{'relations': [...]}`, a list of relations and of nothing else.
  private func relations(in value: Value, _ node: Node) throws(TemplateError) -> [Relation] {
    if node.resourceType == .test { return [] }
    func wrong(_ words: String) -> TemplateError {
      .compilation(words, hint: "end it with {{ return({'relations': [this]}) }}")
    }
    if case .string = value {
      throw wrong(
        "The materialization (\"\(node.materialized)\") did not explicitly return a list of "
          + "relations to add to the cache."
      )
    }
    let invalid = "Invalid return value from materialization, "
    guard case .dict(let dict) = value else {
      throw wrong(
        invalid + "expected a dict with key \"relations\", got: \(try interpreter.string(value))"
      )
    }
    guard let list = dict["relations"] else {
      let keys = try interpreter.iterate(value).map { (key) throws(TemplateError) in
        try interpreter.repr(key)
      }
      throw wrong(
        invalid + "\"relations\" not found, got keys: [\(keys.joined(separator: ", "))]"
      )
    }
    guard case .list = list else {
      throw wrong(invalid + "\"relations\" not a list, got: \(try interpreter.string(list))")
    }
    return try interpreter.iterate(list).map { (item) throws(TemplateError) in
      guard case .object(let object) = item, let relation = (object as? RelationObject)?.relation
      else {
        throw wrong(
          invalid + "\"relations\" contains non-Relation: \(try interpreter.string(item))"
        )
      }
      return relation
    }
  }

  /// Runs a data test's materialization and reads its one row.
  package func runTest(_ compiled: CompiledSQL) throws(Failure) -> TestOutcome {
    _ = try materialize(compiled)
    guard let node else { preconditionFailure("only nodes are tested") }
    func problem(_ message: String, hint: String? = nil) -> Failure {
      Failure(
        .internalError,
        subject: node.words,
        Diagnostic(
          id: "test.bad-result",
          message: message,
          span: node.declaration ?? node.source,
          hint: hint
        )
      )
    }
    guard let table = results.table("main") else {
      throw problem("dbt internally failed to execute \(node.uniqueID): No results returned")
    }
    guard table.rows.count == 1, table.columns.count == 3 else {
      throw problem(
        "dbt internally failed to execute \(node.uniqueID): Returned \(table.rows.count) rows and "
          + "\(table.columns.count) columns, but expected 1 row and 3 columns",
        hint: "the macro get_test_sql must select failures, should_warn and should_error"
      )
    }
    let row = table.rows[0]
    guard let text = row[0] else {
      throw problem(
        "the test's fail_calc gave null, and must give a number",
        hint: "write, for instance, fail_calc: \"coalesce(sum(n), 0)\""
      )
    }
    guard let failures = Int(text) ?? Double(text).map({ Int($0) }) else {
      throw problem("the test's fail_calc gave '\(text)', and must give a whole number")
    }
    // A macro of the project may have written them: what Python reads as true or false, or a number.
    func verdict(_ cell: String?) throws(Failure) -> Bool {
      guard let cell else { return false }
      switch cell.lowercased() {
      case "t", "true", "1", "yes", "y", "on": return true
      case "f", "false", "0", "no", "n", "off": return false
      default: if let number = Double(cell) { return number != 0 }
      }
      throw Failure(
        .compilation,
        subject: node.words,
        Diagnostic(
          id: "test.bad-verdict",
          message: "Macro 'get_test_sql' returns '\(cell)'.  It is not type 'bool' and cannot not "
            + "be converted reliably to a bool.",
          span: node.declaration ?? node.source,
          hint: "select should_warn and should_error as booleans"
        )
      )
    }
    return TestOutcome(
      failures: failures,
      shouldWarn: try verdict(row[1]),
      shouldError: try verdict(row[2]),
      response: results.mainResponse
    )
  }

  /// Renders an on-run hook. What goes wrong here ends the command, as in dbt: hooks that fail are
  /// those whose statements do.
  package func renderHook() throws(Failure) -> CompiledSQL {
    guard let node else { preconditionFailure("hooks are nodes") }
    do throws(TemplateError) {
      let text = try compiler.renderBody(of: node, self)
      return CompiledSQL(text: text, ownText: text, ctes: [], origins: origins)
    } catch {
      throw failure(error, nil)
    }
  }

  /// Sends an on-run hook. Blank text is sent nowhere.
  package func runHook(_ hook: CompiledSQL) throws(Failure) -> AdapterResponse? {
    guard let session else { preconditionFailure("hooks run with a session") }
    let sql = String(hook.text.trimmingBlanks)
    guard !sql.isEmpty else { return nil }
    do throws(WarehouseError) {
      return try session.execute(sql).response
    } catch {
      throw failure(TemplateError.warehouse(error), hook)
    }
  }

  /// Ends the transaction that the driver began, so that every statement of hooks and operations
  /// stands alone.
  package func clearTransaction() throws(Failure) {
    guard let session else { preconditionFailure("transactions need a session") }
    do throws(WarehouseError) { try session.clearTransaction() } catch {
      throw Failure(TemplateError.warehouse(error), node: node)
    }
  }

  /// Runs a query for its rows: `show`.
  package func preview(
    _ compiled: CompiledSQL,
    limit: Int
  ) throws(Failure) -> QueryPreview {
    guard let session else { preconditionFailure("previews need a session") }
    do throws(TemplateError) {
      return try hosting { () throws(TemplateError) in
        let header = node?.config["sql_header"]?.string
        guard
          let value = try callMacroForNode(
            "get_show_sql",
            Arguments([
              .string(compiled.text), header.map(Value.string) ?? .none,
              limit < 0 ? .none : .int(limit),
            ])
          )
        else { throw .compilation("the macro get_show_sql is missing") }
        let sql = try interpreter.string(value)
        do throws(WarehouseError) {
          let answer = try session.execute(sql, fetch: true)
          return QueryPreview(table: answer.table, response: answer.response, sql: sql)
        } catch { throw TemplateError.warehouse(error) }
      }
    } catch {
      throw failure(error, compiled)
    }
  }

  /// Creates the schemas that are missing, and notes in the cache what stands in others.
  ///
  /// - Parameters: relations without an identifier.
  package func prepareSchemas(
    _ schemas: [Relation],
    listing listed: [Relation]
  ) throws(Failure) {
    guard let session else { preconditionFailure("schemas are prepared with a session") }
    do throws(TemplateError) {
      try hosting { () throws(TemplateError) in
        do throws(WarehouseError) { try session.open() } catch { throw .warehouse(error) }
        var existing: [String: Set<String>] = [:]
        // Of the name of a schema that is too long, the error of its first node tells.
        let longest = workspace.profile.type == "redshift" ? RedshiftRules.longestName : .max
        for schema in schemas where (schema.schema ?? "").utf8.count <= longest {
          let database = schema.database ?? ""
          if existing[database] == nil {
            let names = try table("list_schemas", [.string(database)]).rows.compactMap {
              $0.first ?? nil
            }
            existing[database] = Set(names.map { $0.lowercased() })
          }
          if existing[database]?.contains((schema.schema ?? "").lowercased()) ?? false { continue }
          try emit(.creation(of: schema))
          try session.using(database, workspace.invocation.target) { () throws(TemplateError) in
            _ = try callMacro("create_schema", Arguments([relationValue(schema)]), interpreter)
          }
          // Where a commit costs, all schemas come with one.
          if !session.style.beginsLate { try commitIfOpen(session) }
        }
        try commitIfOpen(session)
        if listsTogether {
          try listTogether(listed, session)
        } else {
          for schema in listed {
            let rows = try table("list_relations_without_caching", [relationValue(schema)])
            fill(schema, with: rows.rows, session)
          }
        }
        if !listed.isEmpty { try noteLinks(in: workspace.profile.database, session) }
      }
    } catch {
      throw failure(error, nil)
    }
  }

  private func commitIfOpen(_ session: WarehouseSession) throws(TemplateError) {
    do throws(WarehouseError) { try session.commitIfOpen() } catch { throw .warehouse(error) }
  }

  /// Notes in the cache what a schema holds: rows of database, name, schema and kind.
  func fill(_ schema: Relation, with rows: [[String?]], _ session: WarehouseSession) {
    session.cache.fill(
      database: schema.database,
      schema: schema.schema,
      with: rows.compactMap { row in
        guard row.count >= 4, let name = row[1] else { return nil }
        return Relation(
          database: schema.database,
          schema: row[2] ?? schema.schema,
          identifier: name,
          type: row[3].flatMap { RelationType(rawValue: $0) },
          quotePolicy: NamePolicy(),
          aliasesSubqueries: workspace.aliasesSubqueries
        )
      }
    )
  }

  /// Which views go with a relation when it is dropped with cascade.
  private func noteLinks(
    in database: String?,
    _ session: WarehouseSession
  ) throws(TemplateError) {
    func relation(_ schema: String?, _ name: String?) -> Relation? {
      guard let schema, let name else { return nil }
      return Relation(database: database, schema: schema, identifier: name)
    }
    for row in try table("get_relations", []).rows where row.count >= 4 {
      guard let dependent = relation(row[0], row[1]), let referenced = relation(row[2], row[3])
      else { continue }
      session.cache.link(from: dependent, to: referenced)
    }
  }

  func relationValue(_ relation: Relation) -> Value {
    .object(RelationObject(relation, adapterType: workspace.profile.type))
  }

  /// The table that a built-in macro returns.
  func table(_ macro: String, _ arguments: [Value]) throws(TemplateError) -> ResultTable {
    guard case .object(let object)? = try callMacro(macro, Arguments(arguments), interpreter),
      let table = object as? TableObject
    else { throw .compilation("the macro \(macro) must return a table") }
    if let result = table.result { return result }
    // Put together by the macro: joined, filtered.
    var rows: [[String?]] = []
    for cells in table.cellRows() {
      var row: [String?] = []
      for cell in cells { row.append(cell.isNone ? nil : try interpreter.string(cell)) }
      rows.append(row)
    }
    return ResultTable(
      columns: table.columnNames.map { ResultColumn(name: $0, kind: .text, typeName: "text") },
      rows: rows
    )
  }
}

extension MacroCatalog {
  /// The names of all materializations for this adapter.
  package var materializationNames: Set<String> {
    var names: Set<String> = []
    for table in tables.values {
      for entry in table.values where entry.macro.name.hasPrefix("materialization_") {
        let rest = entry.macro.name.dropFirst("materialization_".count)
        for prefix in prefixes where rest.hasSuffix("_\(prefix)") {
          names.insert(String(rest.dropLast(prefix.count + 1)))
        }
      }
    }
    return names
  }
}
