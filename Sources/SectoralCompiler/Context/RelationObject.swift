package import SectoralJinja
import SectoralPython
package import SectoralWarehouse

/// A relation as templates see it: what `ref`, `source`, `this` and `api.Relation.create` give.
package final class RelationObject: Object {
  package let relation: Relation
  package let adapterType: String
  /// The view of an information schema; nil for ordinary relations.
  let informationSchema: InformationSchema?
  let isDbtCreated: Bool
  let catalog: Value

  struct InformationSchema: Hashable {
    var view: String?
  }

  package convenience init(_ relation: Relation, adapterType: String) {
    self.init(
      relation,
      adapterType: adapterType,
      informationSchema: nil,
      isDbtCreated: false,
      catalog: .none
    )
  }

  private init(
    _ relation: Relation,
    adapterType: String,
    informationSchema: InformationSchema?,
    isDbtCreated: Bool,
    catalog: Value
  ) {
    self.relation = relation
    self.adapterType = adapterType
    self.informationSchema = informationSchema
    self.isDbtCreated = isDbtCreated
    self.catalog = catalog
    super.init()
  }

  private func with(_ change: (inout Relation) -> Void) -> Value {
    var copy = relation
    change(&copy)
    return .object(
      RelationObject(
        copy,
        adapterType: adapterType,
        informationSchema: informationSchema,
        isDbtCreated: isDbtCreated,
        catalog: catalog
      )
    )
  }

  // MARK: As a Python object

  package override var typeName: String {
    informationSchema != nil ? "InformationSchema" : RelationClass.name(adapterType)
  }

  /// The dotted name, of information schemas with the view behind it.
  package var rendered: String {
    guard let view = informationSchema?.view else { return relation.rendered }
    return relation.rendered + "." + view
  }

  package override func string(_ interpreter: Interpreter) throws(TemplateError) -> String {
    informationSchema == nil ? relation.sql : rendered
  }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<\(typeName) \(rendered)>"
  }

  package override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(RelationObject.self) else { return false }
    return other === self
      || (other.relation == relation && other.informationSchema == informationSchema
        && other.isDbtCreated == isDbtCreated && other.adapterType == adapterType)
  }

  package override func hash(into hasher: inout Hasher) -> Bool {
    hasher.combine(relation.rendered)
    return true
  }

  /// Packages recognise a relation by its being a mapping with `metadata`.
  package override var isMapping: Bool { true }

  /// A relation is no dictionary, but packages read it like one.
  package override func item(
    _ key: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    guard let name = key.asString else { return nil }
    if name == "metadata" { return metadata }
    return try attribute(Symbol(name), interpreter)
  }

  package override func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? {
    throw notADictionary
  }

  private var notADictionary: TemplateError {
    .compilation(
      "The object (\"\(rendered)\") was used as a dictionary. This capability has been removed "
        + "from objects of this type."
    )
  }

  private var metadata: Value {
    .dict([("type", .string(RelationClass.name(adapterType)))])
  }

  // MARK: Members

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  {
    switch name.name {
    case "database": return .text(relation.database)
    case "schema": return .text(relation.schema)
    case "identifier", "table", "name": return .text(relation.identifier)
    case "type": return .text(relation.type?.rawValue)
    case "is_table": return .bool(relation.type == .table)
    case "is_view": return .bool(relation.type == .view)
    case "is_cte": return .bool(relation.type == .cte)
    case "is_materialized_view": return .bool(relation.type == .materializedView)
    case "is_pointer": return .bool(relation.type == .pointerTable)
    case "is_function": return .bool(relation.type == .function)
    case "can_be_renamed": return .bool(canBeRenamed)
    case "can_be_replaced": return .bool(canBeReplaced)
    case "renameable_relations": return .list(renameableTypes.map { .string($0.rawValue) })
    case "replaceable_relations": return .list(replaceableTypes.map { .string($0.rawValue) })
    case "dbt_created": return .bool(isDbtCreated)
    case "limit": return relation.limit.map(Value.int) ?? Value.none
    case "require_alias": return .bool(relation.aliasesSubqueries)
    case "catalog": return catalog
    case "quote_character": return .string("\"")
    case "path": return .object(PathObject(relation))
    case "include_policy": return .object(PolicyObject(relation.includePolicy))
    case "quote_policy": return .object(PolicyObject(relation.quotePolicy))
    case "event_time_filter": return eventTimeFilter
    case "information_schema_view" where informationSchema != nil:
      return .text(informationSchema?.view)
    default:
      return method(name) ?? RelationClass(adapterType).member(name)
    }
  }

  private var eventTimeFilter: Value {
    guard let filter = relation.eventTimeFilter else { return .none }
    return .dict([
      ("field_name", .string(filter.field)), ("start", .text(filter.start)),
      ("end", .text(filter.end)),
    ])
  }

  private func method(_ name: Symbol) -> Value? {
    let make: (@escaping NativeBody) -> Value = { .function(name.name, $0) }
    switch name.name {
    case "render", "render_limited", "render_event_time_filtered":
      let text = name == "render" ? rendered : relation.sql
      return make { _, _ throws(TemplateError) in .string(text) }
    case "include":
      return make { arguments, interpreter throws(TemplateError) in
        let policy = try self.policy(self.relation.includePolicy, "include", arguments, interpreter)
        return self.with { $0.includePolicy = policy }
      }
    case "quote":
      return make { arguments, interpreter throws(TemplateError) in
        let policy = try self.policy(self.relation.quotePolicy, "quote", arguments, interpreter)
        return self.with { $0.quotePolicy = policy }
      }
    case "incorporate":
      return make { arguments, interpreter throws(TemplateError) in
        try self.updated(arguments, isStrict: false, "incorporate", interpreter)
      }
    case "replace":
      return make { arguments, interpreter throws(TemplateError) in
        try self.updated(arguments, isStrict: true, "\(self.typeName).__init__", interpreter)
      }
    case "replace_path":
      return make { arguments, interpreter throws(TemplateError) in
        var copy = self.relation
        try copy.setPath(arguments.keyword, isStrict: true)
        return self.with { $0 = copy }
      }
    case "without_identifier":
      return make { _, _ throws(TemplateError) in
        self.with {
          $0.includePolicy.identifier = false
          $0.identifier = nil
        }
      }
    case "information_schema":
      return make { arguments, _ throws(TemplateError) in
        let arguments = try CallArguments("information_schema", arguments, ["view_name"])
        return self.informationSchemaObject(view: try arguments.optionalString(0))
      }
    case "information_schema_only":
      return make { _, _ throws(TemplateError) in
        self.informationSchemaObject(view: nil)
      }
    case "matches":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          "matches",
          arguments,
          ["database", "schema", "identifier"]
        )
        return .bool(
          try self.matches(
            database: try arguments.optionalString(0),
            schema: try arguments.optionalString(1),
            identifier: try arguments.optionalString(2)
          )
        )
      }
    case "get":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("get", arguments, ["key", "default"], required: 1)
        let key = try arguments.string(0)
        if key == "metadata" { return self.metadata }
        return try self.attribute(Symbol(key), interpreter) ?? arguments.value(1)
      }
    case "quoted":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("quoted", arguments, ["identifier"], required: 1)
        return .string("\"\(try interpreter.string(arguments.value(0)))\"")
      }
    case "to_dict":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("to_dict", arguments, ["omit_none"])
        return self.dictionary(omittingNone: try arguments.isTrue(0, interpreter))
      }
    case "get_materialized_view_config_change_collection" where adapterType == "postgres":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          name.name,
          arguments,
          ["relation_results", "relation_config"],
          required: 2
        )
        return try IndexChanges(
          standing: arguments.value(0),
          model: arguments.value(1),
          interpreter
        ).value
      }
    case "from_config" where adapterType == "redshift":
      return make { arguments, interpreter throws(TemplateError) in
        let model = try CallArguments(name.name, arguments, ["config"], required: 1).value(0)
        return try RedshiftMaterializedView(model: model, interpreter).value
      }
    case "materialized_view_config_changeset" where adapterType == "redshift":
      return make { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          name.name,
          arguments,
          ["relation_results", "relation_config"],
          required: 2
        )
        let standing = try RedshiftMaterializedView(
          standing: arguments.value(0),
          interpreter
        )
        return try RedshiftMaterializedView(model: arguments.value(1), interpreter)
          .changes(from: standing)
      }
    case "keys", "values", "items":
      return make { _, _ throws(TemplateError) in
        throw self.notADictionary
      }
    default: return nil
    }
  }

  private func policy(
    _ start: NamePolicy,
    _ function: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> NamePolicy {
    let arguments = try CallArguments(
      "BaseRelation.\(function)",
      arguments,
      ["database", "schema", "identifier"]
    )
    var policy = start
    if arguments.optional(0) != nil { policy.database = try arguments.isTrue(0, interpreter) }
    if arguments.optional(1) != nil { policy.schema = try arguments.isTrue(1, interpreter) }
    if arguments.optional(2) != nil { policy.identifier = try arguments.isTrue(2, interpreter) }
    return policy
  }

  private func updated(
    _ arguments: Arguments,
    isStrict: Bool,
    _ function: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    _ = try CallArguments(
      function,
      Arguments(arguments.positional),
      []
    )
    var fields = RelationFields(relation, catalog: catalog, isDbtCreated: isDbtCreated)
    var view = informationSchema
    for (name, value) in arguments.keyword {
      if name == "information_schema_view", view != nil {
        view?.view = value.asString
      } else if try !fields.set(name, value, typeName, interpreter), isStrict {
        throw .typeError("\(function)() got an unexpected keyword argument '\(name)'")
      }
    }
    try fields.check(adapterType)
    return .object(
      RelationObject(
        fields.relation,
        adapterType: adapterType,
        informationSchema: view,
        isDbtCreated: fields.isDbtCreated,
        catalog: fields.catalog
      )
    )
  }

  private func informationSchemaObject(view: String?) -> Value {
    let schema = Relation(
      database: relation.database,
      schema: nil,
      identifier: "INFORMATION_SCHEMA",
      type: .view,
      quotePolicy: NamePolicy(
        database: relation.quotePolicy.database,
        schema: relation.quotePolicy.schema,
        identifier: false
      ),
      includePolicy: NamePolicy(
        database: relation.includePolicy.database,
        schema: false,
        identifier: true
      )
    )
    return .object(
      RelationObject(
        schema,
        adapterType: adapterType,
        informationSchema: InformationSchema(view: view),
        isDbtCreated: false,
        catalog: .none
      )
    )
  }

  private func dictionary(omittingNone: Bool) -> Value {
    let pairs: [(String, Value)] = [
      ("path", PathObject(relation).dictionary),
      ("type", .text(relation.type?.rawValue)),
      ("quote_character", .string("\"")),
      ("include_policy", PolicyObject(relation.includePolicy).dictionary),
      ("quote_policy", PolicyObject(relation.quotePolicy).dictionary),
      ("dbt_created", .bool(isDbtCreated)),
      ("limit", relation.limit.map(Value.int) ?? .none),
      ("event_time_filter", eventTimeFilter),
      ("require_alias", .bool(relation.aliasesSubqueries)),
      ("catalog", catalog),
      ("renameable_relations", .list(renameableTypes.map { .string($0.rawValue) })),
      ("replaceable_relations", .list(replaceableTypes.map { .string($0.rawValue) })),
    ]
    return .dict(omittingNone ? pairs.filter { !$0.1.isNone } : pairs)
  }

  private var renameableTypes: [RelationType] { informationSchema == nil ? [.table, .view] : [] }
  private var replaceableTypes: [RelationType] {
    if informationSchema != nil { return [] }
    return adapterType == "redshift" ? [.view] : [.table, .view]
  }
  package var canBeRenamed: Bool { relation.type.map(renameableTypes.contains) ?? false }
  package var canBeReplaced: Bool { relation.type.map(replaceableTypes.contains) ?? false }

  /// Whether this is the relation of that path. A name that fits but for its case, where case
  /// counts, is an error rather than a guess.
  package func matches(
    database: String?,
    schema: String?,
    identifier: String?
  )
    throws(TemplateError) -> Bool
  {
    let searched = [database, schema, identifier]
    guard searched.contains(where: { $0 != nil }) else {
      throw .runtime("Tried to match relation, but no search path was passed!")
    }
    let own = [relation.database, relation.schema, relation.identifier]
    var isApproximate = true
    var isExact = true
    for (wanted, part) in zip(searched, own) {
      guard let wanted else { continue }
      if wanted.lowercased() != (part ?? "").lowercased() { isApproximate = false }
      // dbt_created relations are those whose unquoted names the database folds.
      if isDbtCreated, wanted.lowercased() == (part ?? "").lowercased() { continue }
      if wanted != part { isExact = false }
    }
    if isApproximate, !isExact {
      var target = relation
      target.database = database ?? relation.database
      target.schema = schema ?? relation.schema
      target.identifier = identifier ?? relation.identifier
      target.quotePolicy = NamePolicy()
      throw .approximateMatch(searched: target, found: relation)
    }
    return isExact
  }
}

extension TemplateError {
  /// A relation exists that differs from the one asked for in case alone.
  static func approximateMatch(searched: Relation, found: Relation) -> TemplateError {
    .compilation(
      """
      When searching for a relation, dbt found an approximate match. Instead of guessing \

      which relation to use, dbt will move on. Please delete \(found.rendered), or rename it to be \
      less ambiguous.
      Searched for: \(searched.rendered)
      Found: \(found.rendered)
      """
    )
  }
}

/// The fields of a relation while keyword arguments are put into them.
struct RelationFields {
  var relation: Relation
  var catalog: Value
  var isDbtCreated: Bool

  init(_ relation: Relation, catalog: Value = .none, isDbtCreated: Bool = false) {
    self.relation = relation
    self.catalog = catalog
    self.isDbtCreated = isDbtCreated
  }

  /// False when there is no such field.
  mutating func set(
    _ name: String,
    _ value: Value,
    _ typeName: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Bool {
    switch name {
    case "path":
      try relation.setPath(Self.parts(value, interpreter), isStrict: false)
    case "type":
      if value.isNone {
        relation.type = nil
      } else if let type = RelationType(rawValue: try interpreter.string(value)) {
        relation.type = type
      } else {
        throw .valueError(
          "Field \"type\" of type Optional[RelationType] in \(typeName) has invalid value "
            + (try interpreter.repr(value))
        )
      }
    case "quote_policy":
      try relation.quotePolicy.merge(Self.parts(value, interpreter), interpreter)
    case "include_policy":
      try relation.includePolicy.merge(Self.parts(value, interpreter), interpreter)
    case "limit": relation.limit = value.pythonInt
    case "require_alias": relation.aliasesSubqueries = try interpreter.isTrue(value)
    case "dbt_created": isDbtCreated = try interpreter.isTrue(value)
    case "catalog": catalog = value
    case "event_time_filter":
      guard !value.isNone else {
        relation.eventTimeFilter = nil
        break
      }
      relation.eventTimeFilter = EventTimeFilter(
        field: try Self.member("field_name", of: value, interpreter) ?? "",
        start: try Self.member("start", of: value, interpreter),
        end: try Self.member("end", of: value, interpreter)
      )
    case "quote_character", "renameable_relations", "replaceable_relations":
      break  // The same for all relations of these adapters.
    default: return false
    }
    return true
  }

  private static func member(
    _ name: StaticString,
    of value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> String? {
    let member = try interpreter.attribute(Symbol(stringLiteral: name), of: value)
    return member.isNone || member.isUndefined ? nil : try interpreter.string(member)
  }

  /// The parts of a dictionary, or of a Path or Policy object.
  private static func parts(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> [(name: String, value: Value)]
  {
    switch value {
    case .dict(let dict): dict.pairs.map { (name: $0.key.asString ?? "", value: $0.value) }
    case .object(let object as PathObject): object.parts
    case .object(let object as PolicyObject): object.parts
    case .none: []
    default: throw .typeError("'\(value.typeName)' object is not a mapping")
    }
  }

  /// Refuses what the database would cut.
  func check(_ adapterType: String) throws(TemplateError) {
    let limit = RelationClass.maximumNameLength(adapterType)
    guard let name = relation.identifier, relation.type != nil, name.utf8.count > limit else {
      return
    }
    let message = "Relation name '\(name)' is longer than \(limit) characters"
    guard name.unicodeScalars.count > limit else {
      // dbt counts characters, and the database cuts the name: the next run does not find its table.
      throw .runtime(
        "\(message) of one byte",
        hint: "it has \(name.utf8.count) bytes; set a shorter `alias`"
      )
    }
    throw .runtime(message)
  }
}

extension Relation {
  /// `isStrict`: whether unknown parts are mistakes; packages give others to `incorporate`.
  fileprivate mutating func setPath(
    _ parts: [(name: String, value: Value)],
    isStrict: Bool
  ) throws(TemplateError) {
    for (name, value) in parts {
      switch name {
      case "database": database = value.asString
      case "schema": schema = value.asString
      case "identifier": identifier = value.asString
      default:
        guard isStrict else { continue }
        throw .typeError("Path.__init__() got an unexpected keyword argument '\(name)'")
      }
    }
  }
}

extension NamePolicy {
  fileprivate mutating func merge(
    _ parts: [(name: String, value: Value)],
    _ interpreter: Interpreter
  ) throws(TemplateError) {
    for (name, value) in parts where !value.isNone {
      switch name {
      case "database": database = try interpreter.isTrue(value)
      case "schema": schema = try interpreter.isTrue(value)
      case "identifier": identifier = try interpreter.isTrue(value)
      default: break
      }
    }
  }
}

/// `relation.path`: the parts of a name.
final class PathObject: ContextObject {
  let parts: [(name: String, value: Value)]

  init(_ relation: Relation) {
    parts = [
      ("database", .text(relation.database)), ("schema", .text(relation.schema)),
      ("identifier", .text(relation.identifier)),
    ]
    super.init()
  }

  override var typeName: String { "Path" }
  var dictionary: Value { .dict(parts.map { ($0.name, $0.value) }) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    let text = name.name
    if let part = parts.first(where: { $0.name == text }) { return part.value }
    switch text {
    case "get_lowered_part":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let key = try CallArguments(text, arguments, ["key"], required: 1).string(0)
        guard let part = self.parts.first(where: { $0.name == key })?.value.asString else {
          return .none
        }
        return .string(part.lowercased())
      }
    case "get", "get_part":
      return .function(text) { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(text, arguments, ["key", "default"], required: 1)
        let key = try arguments.string(0)
        return self.parts.first { $0.name == key }?.value ?? arguments.value(1)
      }
    case "to_dict": return .constant(text, dictionary)
    default: return nil
    }
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    parts.first { $0.name == key.asString }?.value
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var texts: [String] = []
    for part in parts { texts.append("\(part.name)=\(try interpreter.repr(part.value))") }
    return "Path(\(texts.joined(separator: ", ")))"
  }

  override func isEqual(to other: Value) -> Bool {
    guard let other = other.object(PathObject.self) else { return false }
    return dictionary.isEqual(to: other.dictionary)
  }
}

/// `relation.quote_policy`, `relation.include_policy`.
final class PolicyObject: ContextObject {
  let policy: NamePolicy

  init(_ policy: NamePolicy) {
    self.policy = policy
    super.init()
  }

  override var typeName: String { "Policy" }
  var parts: [(name: String, value: Value)] {
    [
      ("database", .bool(policy.database)), ("schema", .bool(policy.schema)),
      ("identifier", .bool(policy.identifier)),
    ]
  }
  var dictionary: Value { .dict(parts.map { ($0.name, $0.value) }) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.name {
    case "database": return .bool(policy.database)
    case "schema": return .bool(policy.schema)
    case "identifier": return .bool(policy.identifier)
    case "to_dict": return .constant("to_dict", dictionary)
    case "get_part", "get":
      return .function(name.name) { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(name.name, arguments, ["key", "default"], required: 1)
        return try self.item(arguments.value(0), interpreter) ?? arguments.value(1)
      }
    default: return nil
    }
  }

  override func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? {
    parts.first { $0.name == key.asString }?.value
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var texts: [String] = []
    for part in parts { texts.append("\(part.name)=\(try interpreter.repr(part.value))") }
    return "Policy(\(texts.joined(separator: ", ")))"
  }

  override func isEqual(to other: Value) -> Bool {
    other.object(PolicyObject.self)?.policy == policy
  }
}

/// `api.Relation`: makes relations, and names the types that there are.
package final class RelationClass: Object {
  package let adapterType: String

  package init(_ adapterType: String) {
    self.adapterType = adapterType
    super.init()
  }

  static func name(_ adapterType: String) -> String {
    adapterType == "redshift" ? "RedshiftRelation" : "PostgresRelation"
  }

  static func maximumNameLength(_ adapterType: String) -> Int {
    adapterType == "redshift" ? 127 : 63
  }

  package override var typeName: String { "type" }

  package override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  { member(name) }

  package override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    "<class 'dbt.adapters.\(adapterType).relation.\(Self.name(adapterType))'>"
  }

  /// The members that the class and every relation have.
  func member(_ name: Symbol) -> Value? {
    let adapterType = adapterType
    switch name.name {
    case "Table": return .string("table")
    case "View": return .string("view")
    case "CTE": return .string("cte")
    case "MaterializedView": return .string("materialized_view")
    case "External": return .string("external")
    case "PointerTable": return .string("pointer_table")
    case "Function": return .string("function")
    case "get_relation_type":
      return .function("get_relation_type") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("RelationType", arguments, ["value"], required: 1)
        guard RelationType(rawValue: try arguments.string(0)) != nil else {
          throw .valueError(
            "\(try interpreter.repr(arguments.value(0))) is not a valid RelationType"
          )
        }
        return arguments.value(0)
      }
    case "create":
      return .function("create") { arguments, interpreter throws(TemplateError) in
        try Self.create(arguments, adapterType: adapterType, interpreter)
      }
    case "create_from":
      return .function("create_from") { arguments, interpreter throws(TemplateError) in
        try Self.create(from: arguments, adapterType: adapterType, interpreter)
      }
    case "add_ephemeral_prefix":
      return .function("add_ephemeral_prefix") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments("add_ephemeral_prefix", arguments, ["name"], required: 1)
        return .string("__dbt__cte__\(try interpreter.string(arguments.value(0)))")
      }
    case "scd_args":
      return .function("scd_args") { arguments, interpreter throws(TemplateError) in
        let arguments = try CallArguments(
          "scd_args",
          arguments,
          ["primary_key", "updated_at"],
          required: 2
        )
        if case .list(let keys) = arguments.value(0) {
          return .list(keys.items + [arguments.value(1)])
        }
        return .list([arguments.value(0), arguments.value(1)])
      }
    case "relation_max_name_length":
      return .constant(
        "relation_max_name_length",
        .int(Self.maximumNameLength(adapterType))
      )
    case "get_default_quote_policy", "get_default_include_policy":
      return .function(name.name) { _, _ throws(TemplateError) in
        .object(PolicyObject(NamePolicy()))
      }
    default: return nil
    }
  }

  private static func create(
    _ arguments: Arguments,
    adapterType: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let names = ["database", "schema", "identifier", "type"]
    guard arguments.positional.count <= names.count else {
      throw .typeError(
        "create() takes from 1 to 5 positional arguments but "
          + "\(arguments.positional.count + 1) were given"
      )
    }
    var fields = RelationFields(
      Relation(
        database: nil,
        schema: nil,
        identifier: nil,
        quotePolicy: interpreter.contextHost.invocation.quoting,
        aliasesSubqueries: adapterType != "redshift"
      )
    )
    let positional = zip(names, arguments.positional).map { (name: $0, value: $1) }
    for (name, value) in positional + arguments.keyword {
      switch name {
      case "database": fields.relation.database = try part(value, interpreter)
      case "schema": fields.relation.schema = try part(value, interpreter)
      case "identifier": fields.relation.identifier = try part(value, interpreter)
      default:
        // Fields that no relation has are dropped, as dbt does.
        _ = try fields.set(name, value, self.name(adapterType), interpreter)
      }
    }
    try fields.check(adapterType)
    return relation(fields, adapterType)
  }

  /// `create_from(config, node)`: the relation of a node's or source's dictionary.
  private static func create(
    from arguments: Arguments,
    adapterType: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard arguments.positional.count >= 2 else {
      throw .typeError(
        "create_from() missing 2 required positional arguments: 'quoting' and 'node'"
      )
    }
    let node = arguments.positional[1]
    func member(_ name: Symbol) throws(TemplateError) -> Value? {
      let value = try interpreter.attribute(name, of: node)
      return value.isNone || value.isUndefined ? nil : value
    }
    var identifier = try member("alias")
    if identifier == nil { identifier = try member("identifier") }
    if identifier == nil { identifier = try member("name") }
    var fields = RelationFields(
      Relation(
        database: try member("database")?.asString,
        schema: try member("schema")?.asString,
        identifier: identifier?.asString,
        quotePolicy: interpreter.contextHost.invocation.quoting,
        aliasesSubqueries: adapterType != "redshift"
      )
    )
    for (name, value) in arguments.keyword {
      _ = try fields.set(name, value, self.name(adapterType), interpreter)
    }
    try fields.check(adapterType)
    return relation(fields, adapterType)
  }

  private static func relation(_ fields: RelationFields, _ adapterType: String) -> Value {
    let object = RelationObject(fields.relation, adapterType: adapterType)
    return .object(object)
  }

  /// A part of a name; what is not text is written as text.
  private static func part(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> String?
  { value.isNone || value.isUndefined ? nil : try interpreter.string(value) }
}
