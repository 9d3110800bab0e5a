package import SectoralJinja
import SectoralProject
import SectoralText

/// Every macro of an invocation, and the rules by which a name finds one
/// (spec: jinja_context, section 4; macros, section 0).
package final class MacroCatalog: Sendable {
  /// What a bare name in a template stands for.
  package enum Resolved: Sendable {
    case macro(MacroEntry)
    /// A package's name: its macros are the members.
    case namespace(String)
  }

  package typealias Table = [Symbol: MacroEntry]

  package let rootName: String
  /// Adapter first, then its parents, then `default`.
  package let prefixes: [String]
  /// All packages with macros, internal ones included.
  package let tables: [String: Table]
  /// The internal macros by bare name: the adapter's over its parent's over the global ones.
  package let internalTable: Table
  package let internalNames: [String]
  /// Whether packages may replace built-in materializations unasked
  /// (`require_explicit_package_overrides_for_builtin_materializations: false`).
  private let lendsMaterializations: Bool
  private let searchOrders: [String: [String]]
  /// Installed packages, by name.
  let importedNames: [String]
  /// The packages whose name is a member of the context.
  private let namespaceNames: [Symbol: String]

  /// `entries`: by package.
  /// `internalNames`: strongest first: `["dbt_postgres", "dbt"]`.
  package init(
    rootName: String,
    adapterType: String,
    entries: [String: [MacroEntry]],
    internalNames: [String],
    dispatch: [(namespace: String, searchOrder: [String])],
    lendsMaterializations: Bool = false
  ) {
    self.rootName = rootName
    self.lendsMaterializations = lendsMaterializations
    self.internalNames = internalNames
    prefixes =
      adapterType == "redshift" ? ["redshift", "postgres", "default"] : [adapterType, "default"]
    tables = entries.mapValues { list in
      Dictionary(list.map { ($0.symbol, $0) }, uniquingKeysWith: { _, last in last })
    }
    var internals: Table = [:]
    for name in internalNames.reversed() {
      for (symbol, entry) in tables[name] ?? [:] { internals[symbol] = entry }
    }
    internalTable = internals
    importedNames = entries.keys.filter { $0 != rootName && !internalNames.contains($0) }.sorted()
    namespaceNames = Dictionary(
      uniqueKeysWithValues: ([rootName, "dbt"] + importedNames).map { (Symbol($0), $0) }
    )
    searchOrders = Dictionary(
      dispatch.map { ($0.namespace, $0.searchOrder) },
      uniquingKeysWith: { _, last in last }
    )
  }

  /// A name in the context of a node of `package`: own macros, the root's, package names, the
  /// internal ones.
  package func resolve(_ name: Symbol, for package: String) -> Resolved? {
    if let entry = tables[package]?[name] { return .macro(entry) }
    if package != rootName, let entry = tables[rootName]?[name] { return .macro(entry) }
    if let text = namespaceNames[name] { return .namespace(text) }
    if let entry = internalTable[name] { return .macro(entry) }
    return nil
  }

  /// A member of a namespace: `dbt_utils.star`. `dbt` stands for all internal packages.
  package func member(_ name: Symbol, of namespace: String) -> MacroEntry? {
    if namespace == "dbt" { return internalTable[name] }
    return tables[namespace]?[name]
  }

  /// What a namespace holds, in order.
  package func members(of namespace: String) -> [String] {
    let table = namespace == "dbt" ? internalTable : tables[namespace] ?? [:]
    return table.keys.map(\.name).sorted()
  }

  /// Every name that `resolve` finds something for.
  package func symbols(for package: String) -> [Symbol] {
    Array((tables[package] ?? [:]).keys) + Array((tables[rootName] ?? [:]).keys)
      + Array(namespaceNames.keys) + Array(internalTable.keys)
  }

  /// The order in which the engine itself looks for a macro: root, imported packages, internal.
  package func find(_ name: String) -> MacroEntry? {
    let symbol = Symbol(name)
    if let entry = tables[rootName]?[symbol] { return entry }
    for package in importedNames {
      if let entry = tables[package]?[symbol] { return entry }
    }
    return internalTable[symbol]
  }

  /// A naming macro: an installed package's own counts for its nodes, else the root's, else the
  /// built-in one. nil: the built-in one as it is.
  func replacement(of naming: NamingMacro, for package: String) -> MacroEntry? {
    let symbol = Symbol(naming.rawValue)
    guard
      let entry = tables[package]?[symbol] ?? tables[rootName]?[symbol] ?? internalTable[symbol]
    else { return nil }
    if !internalNames.contains(entry.macro.packageName) { return entry }
    // The built-in macro dispatches: an implementation for the adapter or the default counts too.
    guard let target = dispatch(naming.rawValue, namespace: "dbt", for: package).entry else {
      return nil
    }
    return internalNames.contains(target.macro.packageName) ? nil : entry
  }

  /// What `adapter.dispatch(name, namespace)` finds for a node of `package`, and the candidates that
  /// were tried, for the message when it is nothing.
  package func dispatch(
    _ name: String,
    namespace: String?,
    for package: String
  )
    -> (entry: MacroEntry?, tried: [String])
  {
    var tried: [String] = []
    let names = prefixes.map { ($0, Symbol("\($0)__\(name)")) }
    guard let namespace, let order = searchOrder(of: namespace) else {
      for (prefix, symbol) in names {
        tried.append("\(prefix)__\(name)")
        if case .macro(let entry)? = resolve(symbol, for: package) { return (entry, tried) }
      }
      return (nil, tried)
    }
    for package in order {
      for (prefix, symbol) in names {
        tried.append("\(package).\(prefix)__\(name)")
        if let entry = member(symbol, of: package) { return (entry, tried) }
      }
    }
    return (nil, tried)
  }

  /// What a name that is dispatched would find if every package's macros counted.
  func implementation(of name: String) -> MacroEntry? {
    for prefix in prefixes {
      if let entry = find("\(prefix)__\(name)") { return entry }
    }
    return nil
  }

  /// Where to look for what is dispatched in a namespace. One that is no package's is as good as
  /// none: nil.
  func searchOrder(of namespace: String) -> [String]? {
    if let order = searchOrders[namespace] { return order }
    return namespaceNames[Symbol(namespace)] == nil ? nil : [rootName, namespace]
  }

  /// The materialization of a name: the adapter's over its parents' over `default`; at equal rank the
  /// root's, then the internal one; an imported package's only where no internal one has the name.
  package func materialization(_ name: String) -> MacroEntry? {
    for prefix in prefixes {
      let symbol = Symbol("materialization_\(name)_\(prefix)")
      if let entry = tables[rootName]?[symbol] { return entry }
      if lendsMaterializations || !isBuiltInMaterialization(name) {
        for package in importedNames {
          if let entry = tables[package]?[symbol] { return entry }
        }
      }
      if let entry = internalTable[symbol] { return entry }
    }
    return nil
  }

  /// Whether a macro is one of the tool's own.
  package func isInternal(_ entry: MacroEntry) -> Bool {
    internalNames.contains(entry.macro.packageName)
  }

  /// Whether a materialization of an installed package takes the place of a built-in one.
  package func isLent(_ entry: MacroEntry, as name: String) -> Bool {
    importedNames.contains(entry.macro.packageName) && isBuiltInMaterialization(name)
  }

  private func isBuiltInMaterialization(_ name: String) -> Bool {
    prefixes.contains { internalTable[Symbol("materialization_\(name)_\($0)")] != nil }
  }

  /// All names that a node of a package can call, for "did you mean".
  package func names(for package: String) -> [String] {
    var names = (tables[package] ?? [:]).values.map(\.macro.name)
    if package != rootName { names += (tables[rootName] ?? [:]).values.map(\.macro.name) }
    return names + internalTable.values.map(\.macro.name)
  }
}

extension MacroCatalog {
  /// What may have been meant by a name that a node of a package calls.
  func hint(forUnknown name: String, in package: String) -> String? {
    guard let dot = name.firstIndex(of: ".") else {
      return Spelling.nearest(to: name, among: names(for: package)).map { "did you mean '\($0)'?" }
        ?? "it is no macro of the project or its packages; those of a package are called "
        + "'package.macro'"
    }
    let namespace = String(name[..<dot])
    if let near = Spelling.nearest(to: namespace, among: namespaceNames.keys.map(\.name)) {
      return "did you mean '\(near)\(name[dot...])'?"
    }
    return "no package '\(namespace)' is installed: add it to packages.yml and run 'sectoral deps'"
  }
}

/// The macros that say where a node's relation goes.
enum NamingMacro: String, CaseIterable {
  case database = "generate_database_name"
  case schema = "generate_schema_name"
  case alias = "generate_alias_name"
  case latestVersionPointer = "generate_latest_version_pointer_alias"
}
