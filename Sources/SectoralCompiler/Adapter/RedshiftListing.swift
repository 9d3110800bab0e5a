import SectoralJinja
import SectoralProject
import SectoralWarehouse
import SectoralYAML

/// What stands in the schemas of a project, by one query for all of them: `list_relations_without_caching` asks
/// for one schema, and every statement passes through the leader node.
extension RunContext {
  /// Whether the project lists relations as Redshift's macro does, and with no `show tables`, which takes one
  /// schema at a time.
  var listsTogether: Bool {
    let macro = "list_relations_without_caching"
    guard workspace.profile.type == "redshift",
      !(workspace.profile.credentials["datasharing"]?.bool ?? false),
      let entry = workspace.macros.find(macro),
      let target = workspace.macros.dispatch(macro, namespace: "dbt", for: workspace.root.name)
        .entry
    else { return false }
    return workspace.macros.internalNames.contains(entry.macro.packageName)
      && target.macro.packageName == "dbt_redshift"
  }

  func listTogether(
    _ schemas: [Relation],
    _ session: WarehouseSession
  ) throws(TemplateError) {
    guard let database = schemas.first?.database else { return }
    var rows: [String: [[String?]]] = [:]
    do throws(WarehouseError) {
      let sql = Self.query(schemas.compactMap(\.schema), database: database)
      for row in try session.execute(sql, fetch: true).table.rows {
        rows[(row[2] ?? "").lowercased(), default: []].append(row)
      }
    } catch { throw .warehouse(error) }
    for schema in schemas {
      fill(schema, with: rows[(schema.schema ?? "").lowercased()] ?? [], session)
    }
  }

  private static func query(_ schemas: [String], database: String) -> String {
    let literals = SQLLiteral(adapterType: "redshift")
    let names = schemas.map { literals.quoted($0.lowercased()) }.joined(separator: ", ")
    return """
      select
        listed.table_catalog,
        listed.table_name,
        listed.table_schema,
        case
          when listed.table_type = 'BASE TABLE' then 'table'
          when viewed.view_definition ilike '%create materialized view%' then 'materialized_view'
          else 'view'
        end
      from information_schema.tables as listed
      left join information_schema.views as viewed
        on viewed.table_schema = listed.table_schema
        and viewed.table_name = listed.table_name
      where lower(listed.table_schema) in (\(names))
        and listed.table_type in ('BASE TABLE', 'VIEW')
      union all
      select distinct \(literals.quoted(database)), routine.proname, place.nspname, 'function'
      from pg_proc as routine
      join pg_namespace as place on place.oid = routine.pronamespace
      where lower(place.nspname) in (\(names))
      """
  }
}
