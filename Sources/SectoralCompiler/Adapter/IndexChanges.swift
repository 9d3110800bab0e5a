import SectoralJinja
import SectoralPython
import SectoralWarehouse

/// What must be done to the indexes of a materialized view so that they are what its configuration
/// says. Names do not count: each index that is made gets a new one.
struct IndexChanges {
  /// What is compared; the server lists columns that are only included with the others.
  private struct Index: Hashable {
    var columns: [String]
    var isUnique: Bool
    var method: String
  }

  private var dropped: [(name: String, index: Index)] = []
  /// With the entry of the configuration.
  private var created: [(entry: Value, index: Index)] = []

  /// `standing`: `{'indexes': table}`, as `postgres__describe_materialized_view` gives it.
  /// `model`: the node as a dictionary.
  init(standing: Value, model: Value, _ interpreter: Interpreter) throws(TemplateError) {
    let known = try Self.standing(standing)
    let wanted = try Self.wanted(model, interpreter)
    dropped = known.filter { known in !wanted.contains { $0.index == known.index } }
    for (entry, index) in wanted
    where !known.contains(where: { $0.index == index })
      && !created.contains(where: { $0.index == index })
    {
      created.append((entry, index))
    }
  }

  private static func standing(
    _ value: Value
  ) throws(TemplateError) -> [(name: String, index: Index)] {
    guard case .dict(let dict) = value, case .object(let object)? = dict["indexes"],
      let table = object as? TableObject, let result = table.result
    else { throw .typeError("the indexes of a materialized view must be a table") }
    let names = result.columns.map { $0.name.lowercased() }
    return result.rows.map { row in
      func cell(_ name: String) -> String {
        names.firstIndex(of: name).flatMap { row[$0] } ?? ""
      }
      let columns = cell("column_names").split(separator: ",").map { $0.lowercased() }
      let isUnique = ["t", "true", "1"].contains(cell("unique").lowercased())
      return (
        cell("name"),
        Index(columns: columns.sorted(), isUnique: isUnique, method: cell("method").lowercased())
      )
    }
  }

  private static func wanted(
    _ model: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [(entry: Value, index: Index)] {
    guard case .dict(let node) = model, case .dict(let config)? = node["config"],
      let list = config["indexes"], !list.isNone
    else { return [] }
    var indexes: [(entry: Value, index: Index)] = []
    for item in try interpreter.iterate(list) {
      guard case .dict(let entry) = item, let columns = entry["columns"] else {
        throw .compilation(
          "Could not parse index config: \(try interpreter.repr(item))",
          hint: "write indexes=[{'columns': ['a', 'b'], 'type': 'btree', 'unique': false}]"
        )
      }
      var names: [String] = []
      for list in [columns, entry["include"] ?? .list([])] {
        for column in try interpreter.iterate(list) {
          names.append(try interpreter.string(column).lowercased())
        }
      }
      let method = entry["type"].flatMap(\.asString) ?? "btree"
      let isUnique = try entry["unique"].map { value throws(TemplateError) in
        try interpreter.isTrue(value)
      }
      let index = Index(
        columns: names.sorted(),
        isUnique: isUnique ?? false,
        method: method.lowercased()
      )
      indexes.append((item, index))
    }
    return indexes
  }

  /// What the macros see; none where nothing is to be done.
  var value: Value {
    guard !dropped.isEmpty || !created.isEmpty else { return .none }
    let changes =
      dropped.map { Self.change("drop", name: $0.name, $0.index) }
      + created.map { Self.change("create", name: "", $0.index, entry: $0.entry) }
    return .object(
      RecordObject(
        [
          ("indexes", .list(changes)), ("requires_full_refresh", .bool(false)),
          ("has_changes", .bool(true)),
        ],
        typeName: "PostgresMaterializedViewConfigChangeCollection"
      )
    )
  }

  private static func change(
    _ action: String,
    name: String,
    _ index: Index,
    entry: Value? = nil
  ) -> Value {
    let columns = Value.list(index.columns.map(Value.string))
    let context = RecordObject(
      [
        ("name", .string(name)), ("column_names", columns), ("unique", .bool(index.isUnique)),
        ("method", .string(index.method)),
        (
          "as_node_config",
          entry
            ?? .dict([
              ("columns", columns), ("unique", .bool(index.isUnique)),
              ("type", .string(index.method)),
            ])
        ),
      ],
      typeName: "PostgresIndexConfig"
    )
    return .object(
      RecordObject(
        [
          ("action", .string(action)), ("context", .object(context)),
          ("requires_full_refresh", .bool(false)),
        ],
        typeName: "PostgresIndexConfigChange"
      )
    )
  }
}
