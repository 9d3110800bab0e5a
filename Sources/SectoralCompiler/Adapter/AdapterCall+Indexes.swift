import SectoralJinja
import SectoralPython
import SectoralText
import SectoralWarehouse

extension AdapterCall {
  /// An entry of the config `indexes`. dbt has `columns`, `unique` and `type`; the others are ours.
  func parseIndex(_ raw: Value) throws(TemplateError) -> Value {
    func fail(_ path: String, _ problem: String) -> TemplateError {
      .compilation(
        "Could not parse index config: at path [\(path)]: \(problem)",
        hint:
          "an index is {columns: [a, b], unique: true, type: btree, include: [c], where: a > 0, "
          + "nulls_distinct: false, with: {fillfactor: 70}, tablespace: fast}"
      )
    }
    func list(_ value: Value, _ key: String) throws(TemplateError) -> [Value] {
      if case .list(let list) = value { return list.items }
      throw fail("'\(key)'", "\(try interpreter.repr(value)) is not of type 'array'")
    }
    func flag(_ value: Value, _ key: String) throws(TemplateError) -> Bool {
      if case .bool(let bool) = value { return bool }
      throw fail("'\(key)'", "\(try interpreter.repr(value)) is not of type 'boolean'")
    }
    func text(_ value: Value, _ key: String) throws(TemplateError) -> Value {
      if value.isNone || value.asString != nil { return value }
      throw fail(
        "'\(key)'",
        "\(try interpreter.repr(value)) is not valid under any of the given schemas"
      )
    }
    if raw.isNone { return .none }
    guard case .dict(let dict) = raw else {
      throw fail("", "\(try interpreter.repr(raw)) is not of type 'object'")
    }
    var columns: [Value]?
    var fields: [(String, Value)] = []
    for (key, value) in dict.pairs {
      let name = key.asString ?? ""
      switch name {
      case "columns": columns = try list(value, name)
      case "include": fields.append((name, .list(try list(value, name))))
      case "unique", "nulls_distinct": fields.append((name, .bool(try flag(value, name))))
      case "type", "where", "tablespace": fields.append((name, try text(value, name)))
      case "with":
        guard case .dict = value else {
          throw fail("'with'", "\(try interpreter.repr(value)) is not of type 'object'")
        }
        fields.append((name, value))
      default:
        throw fail(
          "",
          "Additional properties are not allowed (\(try interpreter.repr(key)) was unexpected)"
        )
      }
    }
    guard let columns else { throw fail("", "'columns' is a required property") }
    return .object(IndexObject(columns: columns, fields: fields))
  }
}

/// What `adapter.parse_index` gives.
final class IndexObject: ContextObject {
  private let columns: [Value]
  private let fields: [(name: String, value: Value)]

  init(columns: [Value], fields: [(String, Value)]) {
    self.columns = columns
    self.fields = fields
    super.init()
  }

  override var typeName: String { "PostgresIndexConfig" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name.name {
    case "columns": return .list(columns)
    case "unique": return field("unique") ?? .bool(false)
    case "type", "where", "tablespace", "include", "with", "nulls_distinct":
      return field(name.name) ?? Value.none
    case "render":
      return .function("render") { arguments, interpreter throws(TemplateError) in
        let relation = try CallArguments("render", arguments, ["relation"], required: 1).value(0)
        return .string(try self.name(for: relation, interpreter))
      }
    default: return nil
    }
  }

  private func field(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// A new name at every call: two runs never meet on one.
  private func name(
    for relation: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String {
    var parts: [String] = []
    for column in columns { parts.append(try interpreter.string(column)) }
    if let object = relation.object(RelationObject.self) {
      parts.append(object.rendered)
    } else {
      parts.append(try interpreter.string(relation))
    }
    for (name, value) in fields { parts.append("\(name) \(try interpreter.string(value))") }
    let now = Moment(local: CalendarMath.now())
    parts.append("\(now.isoDate)T\(now.isoTime("microseconds") ?? "")")
    return Digest.md5(parts.joined(separator: "_").utf8)
  }
}
