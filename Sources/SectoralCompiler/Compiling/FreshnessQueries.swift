import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
import SectoralYAML

/// What the database says about the newest row of a source, or when it was written: its own texts of two moments.
package struct LoadedAt: Sendable {
  /// nil: the source has no rows.
  package var latest: String?
  package var now: String
  package var response: AdapterResponse?
}

extension SourceTable {
  /// Whether nothing says how its newest row is found.
  package var isAskedOfMetadata: Bool { loadedAtField == nil && loadedAtQuery == nil }
}

extension Workspace {
  /// A node that stands for a source while its freshness is asked for.
  package func node(for source: SourceTable) -> Node {
    let node = Node(
      uniqueID: source.uniqueID,
      resourceType: .source,
      name: source.name,
      packageName: source.packageName,
      path: source.originalFilePath,
      originalFilePath: source.originalFilePath,
      fqn: source.fqn,
      checksum: .none,
      rawCode: "",
      createdAt: source.createdAt,
      config: source.config
    )
    let relation = relation(of: source, over: quoting)
    node.database = source.database
    node.schema = source.schema
    node.alias = source.identifier
    node.relationName = source.relationName
    node.declaration = source.declaration
    node.config["quoting"] = [
      "database": .bool(relation.quotePolicy.database),
      "schema": .bool(relation.quotePolicy.schema),
      "identifier": .bool(relation.quotePolicy.identifier),
    ]
    return node
  }
}

extension RunContext {
  /// Asks for the newest row of a source: by its query, else by its column.
  package func loadedAt(of source: SourceTable) throws(Failure) -> LoadedAt {
    let filter = source.freshness["filter"] ?? .null
    let relation = relationValue(workspace.relation(of: source, over: workspace.quoting))
    let macro =
      source.loadedAtQuery == nil ? "collect_freshness" : "collect_freshness_custom_sql"
    var table: ResultTable?
    var response: AdapterResponse?
    do throws(TemplateError) {
      try hosting { () throws(TemplateError) in
        let arguments: [Value]
        if let query = source.loadedAtQuery {
          arguments = [relation, .string(try render(text: query))]
        } else if let field = source.loadedAtField {
          arguments = [relation, .string(field), filter.isNull ? Value.none : Value(filter)]
        } else {
          throw .runtime(
            "Could not compute freshness for source \(source.name): no 'loaded_at_field' provided "
              + "and \(workspace.profile.type) adapter does not support metadata-based freshness "
              + "checks.",
            hint: "add 'loaded_at_field' or 'loaded_at_query' to the config of the source"
          )
        }
        let answer = try self.answer(macro, arguments)
        table = answer.table?.result
        response = answer.response
      }
    } catch {
      throw failure(error, nil)
    }
    guard let table, table.rows.count == 1, table.rows[0].count == 2, let now = table.rows[0][1]
    else {
      throw Failure(
        .runtime,
        subject: node?.words,
        Diagnostic(
          id: "freshness.bad-result",
          message: "Got an invalid result from \"\(macro)\" macro: it must give one row with two "
            + "columns, and gave \(table?.rows.count ?? 0) rows with "
            + "\(table?.columns.count ?? 0) columns",
          span: source.declaration
        )
      )
    }
    return LoadedAt(latest: table.rows[0][0], now: now, response: response)
  }

  /// What a macro's query gave. A project's own macro may return the table itself, as dbt's did once.
  private func answer(
    _ macro: String,
    _ arguments: [Value]
  ) throws(TemplateError) -> (table: TableObject?, response: AdapterResponse?) {
    guard case .object(let result)? = try callMacro(macro, Arguments(arguments), interpreter) else {
      return (nil, nil)
    }
    if result is TableObject {
      try emit(
        .warning(
          name: "CollectFreshnessReturnSignature",
          message: "The macro '\(macro)' of this project returns a table. It is to return all that "
            + "`load_result` gave: `{{ return(load_result('collect_freshness')) }}`, without `.table`; "
            + "sources.json then has the server's answer as well."
        )
      )
    }
    let table = try result.attribute("table", interpreter)?.object(TableObject.self)
    let answer = try result.attribute("response", interpreter)
    return (
      table ?? (result as? TableObject), try answer?.object(ResponseObject.self)?.response()
    )
  }

  // MARK: By what the database knows of its tables

  /// When sources were written last, by id: one query for all of a database, or with `datasharing` of a schema.
  /// What the database keeps no record of is left out.
  ///
  /// `now`: the text of this moment, where the database does not tell its own.
  package func lastModified(
    of sources: [SourceTable],
    now: String
  ) throws(Failure) -> [String: LoadedAt] {
    let isShown = workspace.profile.credentials["datasharing"]?.bool ?? false
    var parts: [[String]: [SourceTable]] = [:]
    for source in sources {
      let part = [source.database ?? ""] + (isShown ? [source.schema] : [])
      parts[part, default: []].append(source)
    }
    var found: [String: LoadedAt] = [:]
    do throws(TemplateError) {
      try hosting { () throws(TemplateError) in
        for (part, sources) in parts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
          let answer = try isShown ? shown(part[0], part[1]) : recorded(sources)
          var byName: [[String]: LoadedAt] = [:]
          for row in answer.rows {
            byName[[row.schema, row.name].map { $0.lowercased() }] = LoadedAt(
              latest: row.moment,
              now: row.now ?? now,
              response: answer.response
            )
          }
          for source in sources {
            found[source.uniqueID] =
              byName[[source.schema, source.identifier].map { $0.lowercased() }]
          }
        }
      }
    } catch { throw failure(error, nil) }
    return found
  }

  /// A table, and when it was written last.
  private typealias Written = (schema: String, name: String, moment: String?, now: String?)

  private func recorded(
    _ sources: [SourceTable]
  ) throws(TemplateError) -> (rows: [Written], response: AdapterResponse?) {
    let relations = sources.map { relationValue(workspace.relation(of: $0)) }
    let information = try interpreter.call(
      interpreter.attribute("information_schema", of: relations[0]),
      Arguments()
    )
    return try written(
      "get_relation_last_modified",
      [information, .list(relations)],
      ["schema", "identifier", "last_modified", "snapshotted_at"]
    )
  }

  private func shown(
    _ database: String,
    _ schema: String
  ) throws(TemplateError) -> (rows: [Written], response: AdapterResponse?) {
    try written(
      "redshift__show_tables_from_schema",
      [.string(database), .string(schema)],
      ["schema_name", "table_name", "last_modified_time"]
    )
  }

  private func written(
    _ macro: String,
    _ arguments: [Value],
    _ columns: [String]
  ) throws(TemplateError) -> (rows: [Written], response: AdapterResponse?) {
    let answer = try self.answer(macro, arguments)
    let table = answer.table?.result ?? ResultTable()
    var places: [Int] = []
    for column in columns {
      guard let place = table.columns.firstIndex(where: { $0.name.lowercased() == column }) else {
        throw .compilation(
          "Got an invalid result from \"\(macro)\" macro: it must give a table with the columns "
            + "\(columns.joined(separator: ", ")), and gave "
            + (answer.table == nil
              ? "none" : "\(table.columns.map(\.name).joined(separator: ", "))")
        )
      }
      places.append(place)
    }
    func trimmed(_ text: String?) -> String {
      String((text ?? "").reversed().drop { $0 == " " }.reversed())
    }
    let rows = table.rows.map { row -> Written in
      (
        trimmed(row[places[0]]), trimmed(row[places[1]]), row[places[2]],
        places.count > 3 ? row[places[3]] : nil
      )
    }
    return (rows, answer.response)
  }
}
