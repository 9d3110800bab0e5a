import SectoralJinja
import SectoralPython
import SectoralWarehouse

/// A materialized view of Redshift: what its model says, or what the database has.
///
/// What is compared, and that a change of the query is none, is as in dbt-redshift 1.11.
struct RedshiftMaterializedView {
  /// How rows are spread over the nodes of the cluster: `even`, `all`, `key`; `auto` may stand.
  private var distStyle = "even"
  private var distKey: String?
  private var sortKey: [String] = []
  private var refreshesItself = false
  /// The database does not tell.
  private var isBackedUp = true
  /// The quoted name.
  private var path = ""
  private var query = ""
  /// The database does not have it: it went with what it read.
  private var isMissing = false

  /// `model`: the node as a dictionary.
  init(model: Value, _ interpreter: Interpreter) throws(TemplateError) {
    guard case .dict(let node) = model, case .dict(let config)? = node["config"] else {
      throw .typeError("from_config() needs a node: config.model")
    }
    let names = [node["database"], node["schema"], node["alias"] ?? node["name"]]
    path = names.compactMap { $0?.asString }.map { "\"\($0)\"" }.joined(separator: ".")
    query = Self.trimmed(node["compiled_code"]?.asString ?? "")
    if let dist = config["dist"]?.asString, !dist.isEmpty {
      let style = dist.lowercased()
      if style == "auto" {
        throw .runtime("Redshift materialized views do not support a `diststyle` of `auto`.")
      }
      let isStyle = ["even", "all"].contains(style)
      distStyle = isStyle ? style : "key"
      distKey = isStyle ? nil : dist
    }
    if let sort = config["sort"], !sort.isNone {
      if let column = sort.asString {
        // Ours: `auto` leaves it to Redshift.
        sortKey = column.lowercased() == "auto" ? [] : [column]
      } else {
        sortKey = try Self.texts(interpreter.iterate(sort), interpreter)
      }
    }
    refreshesItself = try Self.bool(config["auto_refresh"], "auto_refresh", interpreter) ?? false
    isBackedUp = try Self.bool(config["backup"], "backup", interpreter) ?? true
  }

  /// `standing`: what `redshift__describe_materialized_view` gives.
  init(standing: Value, _ interpreter: Interpreter) throws(TemplateError) {
    let found = try Self.rows(standing, "materialized_view").first
    isMissing = found == nil
    let view = found ?? [:]
    if let dist = view["diststyle"], !dist.isEmpty {
      // `EVEN`, `KEY(country)`, `AUTO(ALL)`.
      let style = dist.prefix { $0 != "(" }.lowercased()
      distStyle = style
      if style == "key" { distKey = String(dist.dropFirst("KEY(".count).dropLast()) }
    }
    refreshesItself = ["t", "true"].contains(view["autorefresh"]?.lowercased() ?? "")
    var places: [(place: Int, column: String)] = []
    for row in try Self.rows(standing, "columns") {
      guard let place = row["sort_key_position"].flatMap({ Int($0) }), place > 0,
        let column = row["column"]
      else { continue }
      places.append((place, column))
    }
    sortKey = places.sorted { $0.place < $1.place }.map(\.column)
    // Redshift shows the table behind a materialized view no more since patch 206: the view's text does.
    if sortKey.isEmpty, let text = try Self.rows(standing, "query").first?["definition"] {
      sortKey = Self.sortKey(in: text)
    }
  }

  /// The columns of `[compound] sortkey (a, b)` before the query of `create materialized view`; an
  /// interleaved key is not listed as a key elsewhere either.
  private static func sortKey(in text: String) -> [String] {
    let words = text.lowercased()
    guard let query = words.range(of: "select"),
      let key = words.range(of: "sortkey", in: words.startIndex..<query.lowerBound),
      !words[..<key.lowerBound].contains("interleaved"),
      let open = words[key.upperBound..<query.lowerBound].firstIndex(of: "("),
      let close = words[open...].firstIndex(of: ")")
    else { return [] }
    return words[words.index(after: open)..<close].split(separator: ",").map {
      trimmed(String($0)).filter { $0 != "\"" }
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  private static func texts(
    _ values: [Value],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [String] {
    var texts: [String] = []
    for value in values { texts.append(try interpreter.string(value)) }
    return texts
  }

  /// `true`, or the word for it.
  private static func bool(
    _ value: Value?,
    _ setting: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Bool? {
    guard let value, !value.isNone else { return nil }
    guard let word = value.asString else { return try interpreter.isTrue(value) }
    switch trimmed(word).lowercased() {
    case "true": return true
    case "false", "": return false
    default:
      throw .valueError(
        "Invalid boolean string value: \(trimmed(word).lowercased()) (`\(setting)` is true or false)"
      )
    }
  }

  /// The rows of one table of a description, by the names of columns.
  private static func rows(
    _ description: Value,
    _ key: String
  ) throws(TemplateError) -> [[String: String]] {
    guard case .dict(let dict) = description else {
      throw .typeError("the description of a materialized view must be a dictionary of tables")
    }
    guard case .object(let object)? = dict[key], let table = object as? TableObject else {
      return []
    }
    let names = table.columnNames.map { $0.lowercased() }
    return table.cellRows().map { cells in
      var row: [String: String] = [:]
      for (name, cell) in zip(names, cells) {
        switch cell {
        case .bool(let flag): row[name] = flag ? "t" : "f"
        case .string(let text): row[name] = text
        default: row[name] = cell.pythonInt.map { String($0) }
        }
      }
      return row
    }
  }

  // MARK: For templates

  private var dist: Value {
    Self.record(
      "RedshiftDistConfig",
      [("diststyle", .string(distStyle)), ("distkey", .text(distKey))]
    )
  }

  private var sort: Value {
    Self.record(
      "RedshiftSortConfig",
      [
        ("sortstyle", .string(sortKey.isEmpty ? "auto" : "compound")),
        ("sortkey", sortKey.isEmpty ? .none : .tuple(sortKey.map(Value.string))),
      ]
    )
  }

  /// What `create materialized view` is written from.
  var value: Value {
    Self.record(
      "RedshiftMaterializedViewConfig",
      [
        ("path", .string(path)), ("query", .string(query)), ("backup", .bool(isBackedUp)),
        ("autorefresh", .bool(refreshesItself)), ("dist", dist), ("sort", sort),
      ]
    )
  }

  /// What must change so that `standing` becomes this one; none where nothing must.
  func changes(from standing: RedshiftMaterializedView) -> Value {
    func change(_ isOne: Bool, _ name: String, _ context: Value, refreshes: Bool) -> Value {
      guard isOne else { return .none }
      return Self.record(
        "Redshift\(name)ConfigChange",
        [
          ("action", .string("alter")), ("context", context),
          ("requires_full_refresh", .bool(refreshes)),
        ]
      )
    }
    let switches = refreshesItself != standing.refreshesItself
    let spreads =
      distStyle != standing.distStyle || distKey?.lowercased() != standing.distKey?.lowercased()
    let sorts = sortKey.map { $0.lowercased() } != standing.sortKey.map { $0.lowercased() }
    guard switches || spreads || sorts || standing.isMissing else { return .none }
    return Self.record(
      "RedshiftMaterializedViewConfigChangeset",
      [
        (
          "autorefresh",
          change(switches, "AutoRefresh", .bool(refreshesItself), refreshes: false)
        ),
        ("dist", change(spreads, "Dist", dist, refreshes: true)),
        ("sort", change(sorts, "Sort", sort, refreshes: true)),
        ("requires_full_refresh", .bool(spreads || sorts)), ("has_changes", .bool(true)),
        ("is_missing", .bool(standing.isMissing)),
      ]
    )
  }

  private static func record(_ typeName: String, _ fields: [(String, Value)]) -> Value {
    .object(RecordObject(fields, typeName: typeName))
  }
}

extension String {
  /// The first place of a text within a range.
  fileprivate func range(
    of text: String,
    in bounds: Range<Index>? = nil
  ) -> Range<Index>? {
    self[bounds ?? startIndex..<endIndex].firstRange(of: text)
  }
}
