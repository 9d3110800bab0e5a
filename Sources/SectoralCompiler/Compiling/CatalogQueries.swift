import SectoralJinja
package import SectoralProject
import SectoralText
package import SectoralWarehouse
package import SectoralYAML

extension RunContext {
  /// What the database says of relations and their columns; all of one database.
  ///
  /// As dbt: by relation up to a hundred of them, by schema beyond.
  package func catalog(of relations: [Relation]) throws(Failure) -> ResultTable {
    guard let first = relations.first else { return ResultTable() }
    do throws(TemplateError) {
      return try hosting { () throws(TemplateError) in
        let information = try informationSchema(of: first)
        if relations.count <= 100 {
          return try table(
            "get_catalog_relations",
            [information, .list(relations.map(relationValue))]
          )
        }
        var schemas: [String] = []
        for relation in relations {
          if let schema = relation.schema, !schemas.contains(schema) { schemas.append(schema) }
        }
        return try table("get_catalog", [information, .list(schemas.map(Value.string))])
      }
    } catch {
      throw Failure(error, node: node)
    }
  }

  private func informationSchema(of relation: Relation) throws(TemplateError) -> Value {
    guard case .object(let object) = relationValue(relation),
      let method = try object.attribute("information_schema", interpreter)
    else { preconditionFailure("relations have an information schema") }
    return try interpreter.call(method, Arguments([]))
  }

  /// run-operation: calls a macro with arguments by name; what it returns is of no interest.
  package func runOperation(_ entry: MacroEntry, arguments: DatumMap) throws(Failure) {
    do throws(TemplateError) {
      _ = try hosting { () throws(TemplateError) in
        try callForItself(
          entry,
          Arguments([], keyword: arguments.entries.map { ($0.key, Value($0.value)) })
        )
      }
    } catch {
      var failure = self.failure(error, nil)
      // As dbt: what a template raised names the macro; refused statements and arguments do not.
      if failure.kind == .compilation, error.kind != .type, failure.subject == nil {
        failure.subject = "macro \(entry.macro.name) (\(entry.macro.originalFilePath))"
      }
      throw failure
    }
  }

  /// Sends a text of the command line, once its templates are rendered. Blank text is sent nowhere.
  package func runOperation(sql text: String) throws(Failure) -> AdapterResponse? {
    guard let session else { preconditionFailure("operations run with a session") }
    do throws(TemplateError) {
      let sql = String(try render(text: text, label: "--sql").trimmingBlanks)
      guard !sql.isEmpty else { return nil }
      do throws(WarehouseError) {
        return try session.execute(sql).response
      } catch {
        throw TemplateError.warehouse(error)
      }
    } catch {
      throw failure(error, nil)
    }
  }
}
