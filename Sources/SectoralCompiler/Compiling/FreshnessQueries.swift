import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
import SectoralYAML

/// What the database says about the newest row of a source: its own texts of two moments.
package struct LoadedAt: Sendable {
  /// nil: the source has no rows.
  package var latest: String?
  package var now: String
  package var response: AdapterResponse?
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
    let relation = relation(of: source)
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
    let relation = relationValue(workspace.relation(of: source))
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
              + "and adapter does not support metadata-based freshness checks.",
            hint: "add 'loaded_at_field' or 'loaded_at_query' to the config of the source"
          )
        }
        // A project's own macro may return the table itself, as dbt's did once.
        guard case .object(let result)? = try callMacro(macro, Arguments(arguments), interpreter)
        else { return }
        let tableValue = try result.attribute("table", interpreter)
        table = ((tableValue?.object(TableObject.self)) ?? (result as? TableObject))?.result
        let answer = try result.attribute("response", interpreter)
        response = try answer?.object(ResponseObject.self)?.response()
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
}
