/// What kind of thing a relation is; the texts are dbt's.
public enum RelationType: String, Sendable, Hashable, CaseIterable {
  case table
  case view
  case cte
  case materializedView = "materialized_view"
  case ephemeral
  case external
  case pointerTable = "pointer_table"
  case function
}

/// One flag per part of a relation's name.
public struct NamePolicy: Sendable, Hashable {
  public var database: Bool
  public var schema: Bool
  public var identifier: Bool

  public init(database: Bool = true, schema: Bool = true, identifier: Bool = true) {
    self.database = database
    self.schema = schema
    self.identifier = identifier
  }
}

/// A time window on a relation's event-time column, as microbatch and `--sample` put it.
public struct EventTimeFilter: Sendable, Hashable {
  public var field: String
  /// As printed into SQL: `2024-01-01 00:00:00+00:00`.
  public var start: String?
  public var end: String?

  public init(field: String, start: String?, end: String?) {
    self.field = field
    self.start = start
    self.end = end
  }
}

/// The name of a table or view, and how it is written in SQL.
public struct Relation: Sendable, Hashable {
  public var database: String?
  public var schema: String?
  public var identifier: String?
  public var type: RelationType?
  public var quotePolicy: NamePolicy
  public var includePolicy: NamePolicy
  /// `--empty` renders as a subquery of that many rows.
  public var limit: Int?
  public var eventTimeFilter: EventTimeFilter?
  /// Redshift writes no alias behind a limited relation.
  public var aliasesSubqueries: Bool

  public init(
    database: String?,
    schema: String?,
    identifier: String?,
    type: RelationType? = nil,
    quotePolicy: NamePolicy = NamePolicy(),
    includePolicy: NamePolicy = NamePolicy(),
    limit: Int? = nil,
    eventTimeFilter: EventTimeFilter? = nil,
    aliasesSubqueries: Bool = true
  ) {
    self.database = database
    self.schema = schema
    self.identifier = identifier
    self.type = type
    self.quotePolicy = quotePolicy
    self.includePolicy = includePolicy
    self.limit = limit
    self.eventTimeFilter = eventTimeFilter
    self.aliasesSubqueries = aliasesSubqueries
  }

  /// The dotted name with its quotes: `"db"."schema"."table"`. As dbt, quotes inside a name are not
  /// doubled here; what would break out of the quotes is refused when the project is parsed.
  public var rendered: String {
    var out = ""
    func append(_ part: String?, included: Bool, quoted: Bool) {
      guard included, let part else { return }
      if !out.isEmpty { out += "." }
      if quoted {
        out += "\""
        out += part
        out += "\""
      } else {
        out += part
      }
    }
    append(database, included: includePolicy.database, quoted: quotePolicy.database)
    append(schema, included: includePolicy.schema, quoted: quotePolicy.schema)
    append(identifier, included: includePolicy.identifier, quoted: quotePolicy.identifier)
    return out
  }

  /// What stands in a `from` clause: the name, or a subquery where rows are limited or filtered.
  public var sql: String {
    var text = rendered
    let name = identifier ?? ""
    if let limit {
      let alias = aliasesSubqueries ? " _dbt_limit_subq_\(name)" : ""
      text =
        limit == 0
        ? "(select * from \(text) where false limit 0)\(alias)"
        : "(select * from \(text) limit \(limit))\(alias)"
    }
    if let filter = eventTimeFilter {
      var conditions: [String] = []
      if let start = filter.start { conditions.append("\(filter.field) >= '\(start)'") }
      if let end = filter.end { conditions.append("\(filter.field) < '\(end)'") }
      if !conditions.isEmpty {
        let alias = aliasesSubqueries ? " _dbt_et_filter_subq_\(name)" : ""
        text = "(select * from \(text) where \(conditions.joined(separator: " and ")))\(alias)"
      }
    }
    return text
  }
}
