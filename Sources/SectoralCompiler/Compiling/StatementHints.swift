import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// What to do next about a statement that the server refused, where that is known.
struct StatementHints {
  let compiler: Compiler
  let node: Node?
  let packageName: String

  /// `callee`: the function of the template that gave the text at the place of the error.
  func hint(for error: WarehouseError, at place: ErrorPlace?, callee: String?) -> String? {
    if let hint = hintOfSeed(error) { return hint }
    switch error.sqlState {
    case "42P01": return relation(error.message, callee)
    case "42703":
      // The server's own advice stands in its words.
      guard error.hint == nil, let place, place.isQuoted else { return nil }
      return "text stands in 'single quotes'; \"double quotes\" are for names"
    case "42883":
      let name = error.message.split(separator: "(").first?.split(separator: " ").last
      guard let name, compiler.workspace.macros.names(for: packageName).contains(String(name))
      else { return nil }
      return "there is a macro of that name: write {{ \(name)(…) }}"
    case "42704":
      if error.message.hasPrefix("role ") {
        return "create the role, or take it out of `grants`"
      }
      guard error.message.hasPrefix("type "), let name = error.message.namesOfThings.first else {
        return nil
      }
      return Spelling.nearest(to: name, among: Self.types).map { "did you mean '\($0)'?" }
    case "42501":
      return error.message.contains("row-level security")
        ? "no policy of the table lets the user of the profile write these rows: add one, or let the user "
          + "bypass row-level security"
        : "the user of the profile needs that right: an owner can grant it"
    case "25006":
      return
        "nothing can be written there: the server is a standby, or default_transaction_read_only is set "
        + "for the user or the database"
    case "3F000":
      return
        "a run makes the schemas of its nodes when it begins: somebody has dropped or renamed this one "
        + "since, or another name is meant"
    case "57014":
      guard error.message.contains("statement timeout") else { return nil }
      return
        "statement_timeout is set for the user, the database or the server: raise it there, or for this "
        + "node in a pre-hook: set local statement_timeout = '1h'"
    case "55P03":
      guard error.hint == nil else { return nil }
      return
        "another session holds a lock on it (pg_locks and pg_stat_activity tell which): run it again "
        + "later, or raise lock_timeout"
    case "25P03":
      return
        "templates took longer between two statements of a transaction than "
        + "idle_in_transaction_session_timeout allows: raise it for the user of the profile"
    case "25P04": return "the transaction took longer than transaction_timeout allows: raise it"
    case "53100":
      return "the disk of the server is full: make room there, and 'retry' does the rest"
    case "53400":
      guard error.message.contains("temp_file_limit") else { return nil }
      return "a higher work_mem needs fewer files; a superuser can raise temp_file_limit"
    case "42601": return place?.hintOfGrammar
    case "22012": return "nullif(…, 0) makes such a quotient null"
    default: return nil
    }
  }

  /// A table that is filled again keeps the columns of the file that it was made of.
  private func hintOfSeed(_ error: WarehouseError) -> String? {
    guard let node, node.resourceType == .seed else { return nil }
    let anew = "'seed --full-refresh --select \(node.name)' makes it anew"
    switch error.sqlState {
    case "42703": return "the table has the columns of an earlier file: \(anew)"
    case "22P02", "22003", "22007", "22008", "42804":
      // Types that are inferred fit the file that they are inferred of.
      return node.config["column_types"]?.map?.isEmpty ?? true
        ? "the table has the types of an earlier file: \(anew)"
        : "`column_types`, or a table that was made of an earlier file, gives the column a type that does not "
          + "fit; of the latter, \(anew)"
    default: return nil
    }
  }

  private func relation(_ message: String, _ callee: String?) -> String? {
    guard let full = message.quotedNames.first else { return nil }
    let parts = full.split(separator: ".").map(String.init)
    let name = parts.last ?? full
    let schema = parts.dropLast().last
    // A generic test names what it tests by its entry, not by a call.
    let parents = node?.dependsOnNodes ?? []
    let refers = parents.lazy.compactMap(compiler.manifest.node)
      .contains { $0.alias == name && (schema == nil || $0.schema == schema) }
    if callee == "ref" || refers {
      let way =
        node?.resourceType == .test
        ? "'build --select +\(node?.name ?? name)' makes it first"
        : "add --select +\(node?.name ?? name)"
      return "it has not been built here: \(way), or read it from another environment with --defer"
    }
    let reads = parents.lazy.compactMap(compiler.manifest.source)
      .contains { $0.identifier == name && (schema == nil || $0.schema == schema) }
    if callee == "source" || reads {
      return "the source's table is not in this database: check its `schema` and `identifier`"
    }
    if case .node = compiler.references.node(Reference(name: name), from: packageName) {
      return "'\(name)' is a node of the project: write {{ ref('\(name)') }}"
    }
    if let source = compiler.manifest.sources.first(where: { $0.name == name }) {
      return "it is a source: write {{ source('\(source.sourceName)', '\(name)') }}"
    }
    return compiler.references.near(name).map { "did you mean {{ ref('\($0)') }}?" }
  }

  private static let types = [
    "bigint", "boolean", "bytea", "character", "char", "date", "decimal", "double precision",
    "float", "integer", "int", "interval", "json", "jsonb", "numeric", "real", "smallint", "text",
    "time", "timestamp", "timestamptz", "uuid", "varchar", "super", "varbyte",
  ]
}

extension String {
  /// The names in a message of the server; of a type that does not exist also where it is not quoted,
  /// as among the arguments of a function.
  var namesOfThings: [String] {
    let (head, tail) = ("type ", " does not exist")
    guard !contains("\""), hasPrefix(head), hasSuffix(tail) else { return quotedNames }
    return [String(dropFirst(head.count).dropLast(tail.count))]
  }

  /// What stands between double quotes, in its order.
  var quotedNames: [String] {
    split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }
}
