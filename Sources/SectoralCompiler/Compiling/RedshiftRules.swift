import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// What Redshift takes of the settings that say where rows lie, and of names.
///
/// Checked of a node before its first statement, and not when the project is read: dbt runs the other
/// models of such a project.
enum RedshiftRules {
  /// What a node's settings cannot be, at the place where the setting is written.
  ///
  /// `queryColumns`: those of its query, where they are known; a contract's are stronger.
  static func check(
    _ node: Node,
    queryColumns: [String]?,
    in workspace: Workspace
  ) throws(Failure) {
    if let problem = problem(of: node) ?? missing(queryColumns, node) {
      throw failure(problem, node, workspace)
    }
  }

  /// The same of a seed, whose columns stand in its file.
  static func check(
    _ seed: Node,
    columns: [String],
    in workspace: Workspace
  ) throws(Failure) {
    guard let dist = seed.config["dist"]?.string,
      !["auto", "even", "all"].contains(folded(dist)),
      let problem = missing([dist], "dist", of: "seed's file", columns, "dist is one of them")
    else { return }
    throw failure(problem, seed, workspace)
  }

  private static func failure(
    _ problem: Problem,
    _ node: Node,
    _ workspace: Workspace
  ) -> Failure {
    Failure(
      .compilation,
      subject: node.words,
      Diagnostic(
        id: "redshift.\(problem.setting.replacing("_", with: "-"))",
        message: problem.message,
        span: place(of: problem.setting, of: node, workspace),
        hint: problem.hint
      )
    )
  }

  private typealias Problem = (setting: String, message: String, hint: String)

  /// Names are cut at so many bytes, keys may have so many columns.
  static let longestName = 127
  private static let mostInterleaved = 8
  private static let mostColumns = 400

  private static func problem(of node: Node) -> Problem? {
    guard node.isRelational, !node.isEphemeralModel else { return nil }
    if let schema = node.schema, schema.utf8.count > longestName {
      return (
        "schema",
        tooLong("Schema name", schema),
        "give it a shorter one: schema: …, or the macro generate_schema_name"
      )
    }
    if node.alias.utf8.count > longestName {
      return (
        "alias",
        tooLong("Relation name", node.alias),
        "give it a shorter one: alias: …"
      )
    }
    guard hasKeys(node) || ["snapshot", "seed"].contains(node.materialized) else { return nil }
    return distProblem(node) ?? sortProblem(node) ?? backupProblem(node)
  }

  /// As dbt, which counts characters where Redshift counts bytes.
  private static func tooLong(_ what: String, _ name: String) -> String {
    let unit = name.unicodeScalars.count > longestName ? "" : " of one byte"
    return "\(what) '\(name)' is longer than \(longestName) characters\(unit): it has "
      + "\(name.utf8.count) bytes"
  }

  /// Whether it is a model that is stored by keys.
  private static func hasKeys(_ node: Node) -> Bool {
    ["table", "incremental", "materialized_view"].contains(node.materialized)
  }

  private static func distProblem(_ node: Node) -> Problem? {
    switch node.config["dist"] ?? .null {
    case .null: return nil
    case .string(let text):
      let style = text.lowercased().filter { !$0.isWhitespace }
      if style == "auto", node.materialized == "materialized_view" {
        return (
          "dist", "Redshift materialized views do not support a `diststyle` of `auto`.",
          "dist is 'even', 'all' or a column of the view"
        )
      }
      if ["auto", "even", "all"].contains(style) { return nil }
      if text.contains(",") {
        return (
          "dist", "dist: '\(text)' names several columns, and a table has one distribution key",
          "name the column that its joins use"
        )
      }
      return missing([text], "dist", "dist is 'auto', 'even', 'all' or one of them", node)
    case let other:
      return (
        "dist", "dist: \(other.pythonRepr) is no text",
        "dist is 'auto', 'even', 'all' or the name of one column"
      )
    }
  }

  private static func sortProblem(_ node: Node) -> Problem? {
    let kinds = ["compound", "interleaved"]
    let kind = node.config["sort_type"] ?? .null
    let columns: [String]
    switch node.config["sort"] ?? .null {
    case .null: columns = []
    case .string(let text):
      columns = text.split(separator: ",").map {
        String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
    case .list(let items) where !items.isEmpty && items.allSatisfy({ $0.string != nil }):
      columns = items.compactMap(\.string)
    case let other:
      return (
        "sort", "sort: \(other.pythonRepr) names no columns",
        "sort is a column, a list of columns, or 'auto'"
      )
    }
    let isAuto = columns.contains { $0.lowercased() == "auto" }
    switch kind {
    case .null: break
    case .string(let text) where kinds.contains(text.lowercased()):
      if isAuto {
        return (
          "sort_type", "sort: 'auto' and sort_type: '\(text)' exclude each other",
          "name the columns of the key, or leave sort_type out"
        )
      }
      if text.lowercased() == "interleaved" {
        if columns.count > mostInterleaved {
          return (
            "sort",
            "sort names \(columns.count) columns, and an interleaved sort key has at most "
              + "\(mostInterleaved)",
            "keep the columns that filters use most, or take sort_type: compound"
          )
        }
        if node.materialized == "materialized_view" {
          return (
            "sort_type", "a materialized view has no interleaved sort key",
            "take sort_type out of its configuration"
          )
        }
      }
    case .string("auto") where columns.isEmpty || isAuto: break
    case .string("auto"):
      return (
        "sort_type",
        "sort_type: 'auto' and sort: '\(columns.joined(separator: ", "))' exclude each other",
        "leave the choice to Redshift (sort: auto), or take sort_type out"
      )
    case let other:
      return (
        "sort_type", "sort_type: \(other.pythonRepr) is not known",
        "it is one of \(kinds.joined(separator: ", "))"
      )
    }
    guard !isAuto else {
      guard columns.count == 1 else {
        return (
          "sort", "sort: 'auto' stands among columns",
          "leave the choice to Redshift (sort: auto), or name the columns"
        )
      }
      return nil
    }
    if columns.count > mostColumns {
      return (
        "sort", "sort names \(columns.count) columns, and a sort key has at most \(mostColumns)",
        "keep the first few: those behind them hardly sort any more"
      )
    }
    let names = columns.map(folded)
    if let twice = columns.indices.first(where: { names[..<$0].contains(names[$0]) }) {
      return ("sort", "sort names '\(columns[twice])' twice", "name each column once")
    }
    return missing(columns, "sort", "sort names columns of the table", node)
  }

  private static func backupProblem(_ node: Node) -> Problem? {
    switch node.config["backup"] ?? .null {
    case .null, .bool: return nil
    case .string(let text) where ["true", "false"].contains(text.lowercased()): return nil
    case let other:
      return (
        "backup", "backup: \(other.pythonRepr) is neither true nor false", "write backup: false"
      )
    }
  }

  /// A key on a column that the model's contract does not have. Without a contract only the database knows
  /// the columns.
  private static func missing(
    _ columns: [String],
    _ setting: String,
    _ hint: String,
    _ node: Node
  ) -> Problem? {
    guard node.config["contract"]?["enforced"]?.bool ?? false, !node.columns.isEmpty else {
      return nil
    }
    return missing(columns, setting, of: "model's contract", Array(node.columns.keys), hint)
  }

  /// A key on a column that the query does not have.
  private static func missing(_ known: [String]?, _ node: Node) -> Problem? {
    guard let known, hasKeys(node) else { return nil }
    for setting in ["dist", "sort"] {
      if let problem = missing(
        keys(setting, of: node),
        setting,
        of: "model's query",
        known,
        "its columns are"
      ) {
        return problem
      }
    }
    return nil
  }

  /// The columns that a setting names.
  private static func keys(_ setting: String, of node: Node) -> [String] {
    let words: [String]
    switch node.config[setting] ?? .null {
    case .string(let text):
      words = setting == "dist" ? [text] : text.split(separator: ",").map { String($0) }
    case .list(let items): words = items.compactMap(\.string)
    default: words = []
    }
    let styles = setting == "dist" ? ["auto", "even", "all"] : ["auto"]
    return words.map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
      .filter { !styles.contains(folded($0)) }
  }

  private static func missing(
    _ columns: [String],
    _ setting: String,
    of owner: String,
    _ known: [String],
    _ hint: String
  ) -> Problem? {
    let names = Set(known.map(folded))
    guard let column = columns.first(where: { !names.contains(folded($0)) }) else { return nil }
    return (
      setting, "\(setting): '\(column)' is no column of the \(owner)",
      Spelling.nearest(to: column, among: known).map { "did you mean '\($0)'?" }
        ?? "\(hint): \(known.joined(separator: ", "))"
    )
  }

  private static func folded(_ column: String) -> String {
    column.lowercased().filter { $0 != "\"" && !$0.isWhitespace }
  }

  /// Where a setting is written: in the model's file, in the entry of its properties file, or in
  /// dbt_project.yml; the node itself where it comes from elsewhere.
  private static func place(
    of setting: String,
    of node: Node,
    _ workspace: Workspace
  ) -> TextSpan? {
    if let source = node.source, let span = find(setting, sign: "=", in: source.file, from: 0) {
      return span
    }
    if let entry = node.properties ?? node.declaration,
      let span = find(setting, sign: ":", in: entry.file, from: entry.start)
    {
      return span
    }
    let value = node.config[setting] ?? .null
    let texts = value.list?.compactMap(\.string) ?? [value.string].compactMap { $0 }
    let declared = DeclaredPlaces(node, workspace)
    return texts.lazy.compactMap { declared.setting(naming: $0, under: [setting]) }.first
      ?? node.declaration ?? node.source
  }

  /// The first `setting =` or `setting:` behind a place.
  private static func find(
    _ setting: String,
    sign: Character,
    in file: SourceFile,
    from start: Int
  ) -> TextSpan? {
    let text = file.text(in: start..<file.bytes.count)
    var rest = text[...]
    while let found = rest.firstRange(of: setting) {
      let before = text[..<found.lowerBound].last
      let isWord = !(before.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false)
      let after = text[found.upperBound...].drop { $0 == " " || $0 == "\"" || $0 == "'" }
      if isWord, let first = after.first, first == sign || first == ":" {
        let offset = start + text[..<found.lowerBound].utf8.count
        return TextSpan(file: file, start: offset, end: offset + setting.utf8.count)
      }
      rest = text[found.upperBound...]
    }
    return nil
  }

  /// What a refusal of the database has to do with the model's settings.
  ///
  /// `known`: asks for the columns of the node's query; nil where nobody can say.
  static func hint(
    for error: WarehouseError,
    of node: Node,
    in workspace: Workspace,
    known: () -> [String]?
  ) -> (hint: String, span: TextSpan?)? {
    guard error.sqlState == "42703" || error.message.contains("does not exist"),
      error.message.contains("key") || error.message.contains("column")
    else { return nil }
    for setting in ["dist", "sort"] {
      for column in keys(setting, of: node) where error.message.contains("\"\(folded(column))\"") {
        // Columns of the query are told with their place.
        guard error.position == nil else { continue }
        let known = known() ?? []
        let nearest =
          Spelling.nearest(to: column, among: known).map { ", did you mean '\($0)'?" }
          ?? (known.isEmpty ? "" : ", whose columns are \(known.joined(separator: ", "))")
        return (
          "'\(column)' stands in the model's setting `\(setting)`: it must be a column of its query"
            + nearest,
          place(of: setting, of: node, workspace)
        )
      }
    }
    return nil
  }
}
