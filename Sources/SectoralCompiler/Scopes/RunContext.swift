package import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// The context in which a node's templates run when it is compiled and executed: references are
/// relations, and macros may query the database.
package final class RunContext: NodeContext {
  package let compiler: Compiler
  private let ownSession: WarehouseSession?
  /// The unique ids of the command's selection.
  private let selectedResources: [String]
  /// Ephemeral models that the node's SQL refers to, in the order of first use.
  package private(set) var ephemeralReferences: [Node] = []
  /// The node's SQL, once it is compiled. The names that show it may have been looked up before.
  package var compiledCode: String? {
    didSet { for name in [Names.sql, Names.compiledCode, Names.model] { forget(name) } }
  }
  /// What references mean while a unit test compiles the node.
  var unitTestInputs: UnitTestInputs?
  /// The part of a microbatch model that this context builds.
  package var batch: Batch?
  /// `defer_relation`: what `clone` makes a copy of.
  package var deferRelation: Relation?
  /// Where run files go; nil: nowhere.
  package var writeFile: ((String) throws(Failure) -> Void)?
  package var loadSeedTable: (() throws(Failure) -> SeedTable)?

  package init(
    _ thread: RenderingThread,
    compiler: Compiler,
    node: Node?,
    session: WarehouseSession?,
    selectedResources: [String],
    emit: @escaping (ContextEvent) throws(TemplateError) -> Void
  ) {
    self.compiler = compiler
    self.ownSession = session
    self.selectedResources = selectedResources
    super.init(
      thread,
      node: node,
      packageName: node?.packageName ?? thread.workspace.root.name,
      emit: emit
    )
  }

  package override var isExecuting: Bool { true }

  /// Whether macros that are called count as the node's: while it is compiled, and, of tests, while
  /// the materialization runs.
  var notesCalls = false

  override func calledDirectly(_ macro: Macro) {
    if notesCalls { super.calledDirectly(macro) }
  }

  package override var session: WarehouseSession? { ownSession }

  private let knownOrigins = TextOrigins()
  package override var origins: TextOrigins? { knownOrigins }

  package override func writeRunFile(_ text: String) throws(TemplateError) {
    guard let writeFile else { return }
    do { try writeFile(text) } catch { throw TemplateError(error) }
  }

  package override func ownSetting(_ name: String) -> Datum? {
    node?.meta.map?["sectoral"]?.map?[name]
  }

  package override func swapSettings(dependents: [Relation]) -> SwapSettings {
    var settings = SwapSettings()
    settings.keepsDependents = ownSetting("dependents")?.string != "cascade"
    settings.keepsGrants = node?.config["grants"]?.map?.isEmpty ?? true
    settings.hooksFollow =
      !(node?.config["post-hook"]?.list?.isEmpty ?? true)
      || workspace.packages.contains { !$0.definition.onRunEnd.isEmpty }
    if let patience = ownSetting("swap_timeout")?.int { settings.patience = max(0, patience) }
    func relations(of node: Node) -> [Relation] {
      dependents.filter { node.isAt(schema: $0.schema, identifier: $0.identifier) }
    }
    if !dependents.isEmpty {
      for id in selectedResources {
        guard let node = compiler.manifest.node(id), node.isRelational else { continue }
        settings.rebuilt += relations(of: node)
      }
      // As dbt: what the project builds on a seed goes with it, to be built again.
      if node?.resourceType == .seed {
        settings.dropped = compiler.manifest.nodes.filter(\.isRelational).flatMap(relations)
      }
    }
    return settings
  }

  package override func builds(schema: String, table: String) -> Bool {
    compiler.manifest.nodes.contains {
      $0.isRelational && $0.isAt(schema: schema, identifier: table)
    }
  }

  package override func loadSeed() throws(TemplateError) -> SeedTable {
    guard let loadSeedTable else { return try super.loadSeed() }
    do {
      let table = try loadSeedTable()
      if let node, workspace.profile.type == "redshift" {
        try RedshiftRules.check(node, columns: table.columns.map(\.name), in: workspace)
      }
      return table
    } catch { throw TemplateError(error) }
  }

  /// Lists and dictionaries of the configuration that the node's template was given, and may have changed:
  /// as in dbt, all reads of a setting give the same one.
  private var lentSettings: [String: Value] = [:]

  fileprivate func lend(_ setting: Datum, _ name: String) -> Value {
    switch setting {
    case .list, .map: break
    default: return Value(setting)
    }
    if let known = lentSettings[name] { return known }
    let value = Value(setting)
    lentSettings[name] = value
    return value
  }

  /// Notes on the node what its template made of the settings that it was given.
  func keepChangedSettings() {
    guard let node, batch == nil, unitTestInputs == nil else { return }
    for (name, value) in lentSettings {
      // What data cannot hold stays the template's own.
      guard let changed = try? Datum(value, .yaml, interpreter), let own = node.config[name],
        changed != own
      else { continue }
      node.changedSettings[name] = changed
    }
  }

  package override func member(_ name: Symbol) -> Value? {
    switch name {
    case Names.ref:
      let body: ReferenceFunction.Body = {
        [unowned self] arguments, interpreter throws(TemplateError) in
        try relation(of: try Reference(arguments, interpreter), interpreter)
      }
      return .object(ReferenceFunction(self, body))
    case Names.source:
      return .function("source") { [unowned self] arguments, interpreter throws(TemplateError) in
        try relation(ofSource: try sourceArguments(arguments), interpreter)
      }
    case Names.function:
      return .function("function") { [unowned self] arguments, interpreter throws(TemplateError) in
        try relation(
          ofFunction: arguments.positional.compactMap(\.asString),
          interpreter
        )
      }
    case Names.metric:
      return .function(name.name) { [unowned self] arguments, _ throws(TemplateError) in
        let names = try metricArguments(arguments)
        let metric = compiler.manifest.metrics.first { metric in
          metric.name == names.last && (names.count == 1 || metric.packageName == names[0])
        }
        guard let metric else {
          throw .compilation(
            "\(node?.words ?? "the query") depends on a metric named '\(names.last ?? "")' which was "
              + "not found"
          )
        }
        return .object(MetricObject(names, metric))
      }
    case Names.config: return .object(RunConfigObject(self))
    case Names.this:
      if ownMacro != nil { return nil }
      if let name = unitTestInputs?.this { return cte(name) }
      guard let node, node.resourceType != .operation else { return Value.none }
      return .object(
        RelationObject(workspace.relation(of: node), adapterType: workspace.profile.type)
      )
    case Names.model:
      if let ownMacro { return Value(omittingNulls: ownMacro.layout()) }
      guard let node else { return .dict([]) }
      let (config, compiledCode, batch) = (config, compiledCode, batch)
      // Materializations hand it on, and most have no use for it.
      return .dict(
        DictValue(later: {
          var layout = node.templateLayout(config: config)
          if let compiledCode {
            layout["compiled_code"] = .string(compiledCode)
            layout["compiled_sql"] = .string(compiledCode)
          }
          if node.config["contract"]?["alias_types"]?.bool ?? true { layout.translateColumnTypes() }
          let model = DictValue(layout.entries.map { ($0.key, Value($0.value)) })
          if let batch { Self.add(batch, to: model) }
          return model
        })
      )
    case Names.graph:
      return compiler.sharesGraph ? compiler.sharedGraph.get { graph } : graph
    case Names.deferRelation: return deferRelation.map { relationValue($0) } ?? Value.none
    case Names.preHooks: return hooks("pre-hook")
    case Names.postHooks: return hooks("post-hook")
    case Names.compiledCode where ownMacro != nil: return nil
    case Names.sql, Names.compiledCode: return compiledCode.map(Value.string) ?? Value.none
    case Names.selectedResources: return .list(selectedResources.map(Value.string))
    default: return nil
    }
  }

  private func hooks(_ key: String) -> Value {
    guard node?.resourceType != .test else { return .list([]) }
    let list: [Datum] = config[key]?.list ?? []
    return .list(
      list.map { (hook: Datum) -> Value in
        // As dbt: what is null is not there.
        var map: DatumMap = hook.map ?? [:]
        for (key, value) in map.entries where value.isNull { map[key] = nil }
        return Value(.map(map))
      }
    )
  }

  /// The node's configuration, as it is for this batch.
  var config: DatumMap {
    guard let node else { return DatumMap() }
    return batch.map { node.config(of: $0) } ?? node.config
  }

  private var graph: Value {
    let manifest = compiler.manifest
    func dictionary(_ pairs: [(String, DatumMap)]) -> Value {
      .dict(pairs.map { ($0.0, Value($0.1)) })
    }
    let (functions, nodes) = (
      manifest.nodes.filter { $0.resourceType == .function },
      manifest.nodes.filter { $0.resourceType != .function }
    )
    return .dict([
      ("exposures", dictionary(manifest.exposures.map { ($0.uniqueID, $0.layout()) })),
      ("functions", dictionary(functions.map { ($0.uniqueID, $0.layout()) })),
      ("groups", dictionary(manifest.groups.map { ($0.uniqueID, $0.layout()) })),
      ("metrics", dictionary(manifest.metrics.map { ($0.uniqueID, $0.layout()) })),
      ("nodes", dictionary(nodes.map { ($0.uniqueID, $0.layout()) })),
      ("sources", dictionary(manifest.sources.map { ($0.uniqueID, $0.layout()) })),
      ("semantic_models", dictionary(manifest.semanticModels.map { ($0.uniqueID, $0.layout()) })),
      ("saved_queries", dictionary(manifest.savedQueries.map { ($0.uniqueID, $0.layout()) })),
    ])
  }

  // MARK: References

  /// Puts relations in the place of the `ref('…')` and `source('…', '…')` of foreign keys.
  func resolveConstraints() throws(Failure) {
    guard let node, node.resourceType == .model else { return }
    do throws(TemplateError) {
      if let resolved = try resolved(node.constraints) { node.constraints = resolved }
      for (name, column) in node.columns.entries {
        guard var map = column.map, let resolved = try resolved(map["constraints"]?.list ?? [])
        else { continue }
        map["constraints"] = .list(resolved)
        node.columns[name] = .map(map)
      }
    } catch {
      throw Failure(error, node: node)
    }
  }

  /// nil: nothing to resolve.
  private func resolved(_ constraints: [Datum]) throws(TemplateError) -> [Datum]? {
    var changed = constraints
    var isChanged = false
    for (index, constraint) in constraints.enumerated() {
      guard var map = constraint.map, let to = map["to"]?.string.flatMap(ReferenceText.init) else {
        continue
      }
      let value =
        switch to {
        case .ref(let reference): try relation(of: reference, interpreter)
        case .source(let names): try relation(ofSource: names, interpreter)
        }
      guard case .object(let object) = value, let relation = object as? RelationObject else {
        continue
      }
      map["to"] = .string(relation.relation.rendered)
      changed[index] = .map(map)
      isChanged = true
    }
    return isChanged ? changed : nil
  }

  private func relation(
    of reference: Reference,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard case .node(let target) = compiler.references.node(reference, from: packageName) else {
      throw TemplateError(
        .compilation,
        id: "ref.not-found",
        "\(node?.words ?? "the query") depends on \(reference.words) which was not found",
        span: interpreter.currentSpan,
        hint: compiler.references.near(reference.name).map { "did you mean '\($0)'?" }
      )
    }
    if let node, node.resourceType != .sqlOperation,
      !node.dependsOnNodes.contains(target.uniqueID)
    {
      throw TemplateError(
        .compilation,
        id: "ref.not-inferred",
        "dbt was unable to infer all dependencies for the model \"\(node.name)\".\nThis typically "
          + "happens when ref() is placed within a conditional block.\n\nTo fix this, add the "
          + "following hint to the top of the model \"\(node.name)\":\n\n-- depends_on: "
          + "{{ ref('\(reference.name)') }}",
        span: interpreter.currentSpan
      )
    }
    try noteUnpinned(reference, target)
    if unitTestInputs != nil { return try input(target.uniqueID, reference.name, interpreter) }
    if target.isEphemeralModel {
      // A hook, or a macro that `run-operation` calls.
      if node.map({ $0.resourceType == .operation }) ?? true {
        throw .compilation(
          "Operations can not ref() ephemeral nodes, but \(target.name) is ephemeral"
        )
      }
      if !ephemeralReferences.contains(where: { $0 === target }) {
        ephemeralReferences.append(target)
      }
      let relation = Relation(
        database: nil,
        schema: nil,
        identifier: "__dbt__cte__\(target.alias)",
        type: .cte,
        quotePolicy: NamePolicy(database: false, schema: false, identifier: false),
        aliasesSubqueries: workspace.aliasesSubqueries
      )
      return input(relation, target.config)
    }
    return input(try deferredRelation(of: target) ?? workspace.relation(of: target), target.config)
  }

  /// Tells of a version that is newer than the one that a reference without a version means.
  private func noteUnpinned(_ reference: Reference, _ target: Node) throws(TemplateError) {
    guard reference.version == nil, let version = target.version else { return }
    let all = compiler.references.versions(of: target, named: reference.name)
    guard let newest = all.compactMap(\.version).max(by: { $0.isOlderVersion(than: $1) }),
      version.isOlderVersion(than: newest)
    else { return }
    let (name, package) = (target.name, target.packageName)
    let (own, next) = (version.pythonText, newest.pythonText)
    try emit(
      .notice(
        name: "UnpinnedRefNewVersionAvailable",
        message: "While compiling '\(node?.name ?? "")':\nFound an unpinned reference to versioned "
          + "model '\(name)' in project '\(package)'.\nResolving to latest version: \(name).v\(own)\n"
          + "A prerelease version \(next) is available. It has not yet been marked 'latest' by its "
          + "maintainer.\nWhen that happens, this reference will resolve to \(name).v\(next) instead."
          + "\n\n  Try out v\(next): {{ ref('\(package)', '\(name)', v='\(next)') }}\n  Pin to  "
          + "v\(own): {{ ref('\(package)', '\(name)', v='\(own)') }}\n",
        data: [
          "ref_node_name": .string(name), "ref_node_package": .string(package),
          "ref_node_version": .string(own), "ref_max_version": .string(next),
        ]
      )
    )
  }

  /// A relation that the node reads: none of its rows with `--empty`, those of a time where the node
  /// is built by time.
  private func input(_ relation: Relation, _ config: DatumMap) -> Value {
    var relation = relation
    if workspace.flags.isEmpty { relation.limit = 0 }
    relation.eventTimeFilter = eventTimeFilter(config)
    return .object(RelationObject(relation, adapterType: workspace.profile.type))
  }

  private func cte(_ name: String) -> Value {
    .object(
      RelationObject(
        Relation(
          database: nil,
          schema: nil,
          identifier: name,
          type: .cte,
          quotePolicy: NamePolicy(database: false, schema: false, identifier: false)
        ),
        adapterType: workspace.profile.type
      )
    )
  }

  /// What the unit test gives for a reference.
  private func input(
    _ id: String,
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    if let known = unitTestInputs?.use(id) { return cte(known) }
    throw TemplateError(
      .compilation,
      id: "unit-test.no-input",
      "the model reads '\(name)', for which the unit test gives no rows",
      span: interpreter.currentSpan,
      hint: "add it to 'given'; rows: [] are enough where none are needed"
    )
  }

  private func relation(
    ofFunction names: [String],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard let target = compiler.references.function(names, from: packageName) else {
      throw TemplateError(
        .compilation,
        id: "function.not-found",
        "\(node?.words ?? "the query") depends on a function named "
          + "'\(names.joined(separator: "."))' which was not found",
        span: interpreter.currentSpan,
        hint: compiler.references.nearFunction(names.last ?? "").map { "did you mean '\($0)'?" }
      )
    }
    var relation = try deferredRelation(of: target) ?? workspace.relation(of: target)
    relation.type = .function
    return .object(RelationObject(relation, adapterType: workspace.profile.type))
  }

  private func relation(
    ofSource names: [String],
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    guard case .source(let target) = compiler.references.source(names, from: packageName) else {
      throw TemplateError(
        .compilation,
        id: "source.not-found",
        "\(node?.words ?? "the query") depends on a source named '\(names.joined(separator: "."))' "
          + "which was not found",
        span: interpreter.currentSpan
      )
    }
    if unitTestInputs != nil {
      return try input(target.uniqueID, names.joined(separator: "."), interpreter)
    }
    return input(workspace.relation(of: target), target.config)
  }
}

extension Node {
  fileprivate func isAt(schema: String?, identifier: String?) -> Bool {
    identifier?.lowercased() == alias.lowercased()
      && schema?.lowercased() == self.schema?.lowercased()
  }
}

extension DatumMap {
  /// Types of columns that only dbt knows (`string`) become the database's.
  fileprivate mutating func translateColumnTypes() {
    guard var columns = self["columns"]?.map else { return }
    for (name, column) in columns.entries {
      guard var map = column.map, let type = map["data_type"]?.string else { continue }
      let translated = Column.translate(type)
      guard translated != type else { continue }
      map["data_type"] = .string(translated)
      columns[name] = .map(map)
    }
    self["columns"] = .map(columns)
  }
}

extension TemplateError {
  /// A failure of the engine on its way through a template.
  init(_ failure: Failure) {
    let first = failure.diagnostics.first
    let kind: ErrorKind =
      switch failure.kind {
      case .database: .database
      case .runtime: .runtime
      case .parsing: .parsing
      default: .compilation
      }
    self.init(
      kind,
      id: first?.id ?? "run.error",
      first?.message ?? failure.kind.rawValue,
      span: first?.span,
      hint: first?.hint
    )
  }
}

/// `config` at run time: reads the merged configuration; calls do nothing.
private final class RunConfigObject: Object {
  private unowned let context: RunContext

  init(_ context: RunContext) {
    self.context = context
    super.init()
  }

  override var typeName: String { "RuntimeConfigObject" }
  override var isCallable: Bool { true }

  private var config: DatumMap { context.config }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value { .string("") }

  /// `config.get` knows hooks by their names with an underscore, and by no others.
  private func read(_ name: String, in map: DatumMap) -> Datum? {
    switch name {
    case "pre_hook", "post_hook": map[ConfigBuilder.canonicalKey(name)]
    case "pre-hook", "post-hook": nil
    case "snapshot_table_column_names": map[name] ?? snapshotColumnNames
    default: map[name]
    }
  }

  /// What a snapshot's own columns are called: the configured names, and the usual ones for the rest.
  private var snapshotColumnNames: Datum? {
    guard context.node?.resourceType == .snapshot else { return nil }
    let given = config["snapshot_meta_column_names"]?.map ?? DatumMap()
    var names = DatumMap()
    for name in [
      "dbt_valid_to", "dbt_valid_from", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted",
    ] {
      names[name] = .string(given[name]?.string ?? name)
    }
    return .map(names)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name {
    case "get", "meta_get":
      let fromMeta = name == "meta_get"
      return .function(name.name) { [unowned self] arguments, _ throws(TemplateError) in
        let bound = try CallArguments(
          name.name,
          arguments,
          ["name", "default", "validator"],
          required: 1
        )
        let key = try bound.string(0)
        let value = fromMeta ? config["meta"]?[key] : read(key, in: config)
        guard let value else { return bound.value(1) }
        return fromMeta ? Value(value) : context.lend(value, ConfigBuilder.canonicalKey(key))
      }
    case "require", "meta_require":
      let fromMeta = name == "meta_require"
      return .function(name.name) { [unowned self] arguments, _ throws(TemplateError) in
        let bound = try CallArguments(name.name, arguments, ["name", "validator"], required: 1)
        let key = try bound.string(0)
        if let value = fromMeta ? config["meta"]?[key] : read(key, in: config) {
          return fromMeta ? Value(value) : context.lend(value, ConfigBuilder.canonicalKey(key))
        }
        throw .compilation(
          "Model '\(context.node?.uniqueID ?? "")' does not define a required config parameter "
            + "'\(key)'.",
          hint: "add \(key) to its config()"
        )
      }
    case "model": return context.node.map { Value($0.layout()) } ?? Value.none
    case "set":
      return .function("set") { _, _ in .string("") }
    case "persist_relation_docs", "persist_column_docs":
      let key = name == "persist_relation_docs" ? "relation" : "columns"
      return .function(name.name) { [unowned self] _, _ throws(TemplateError) in
        switch config["persist_docs"] {
        case .map(let map)?: return .bool(map[key]?.bool ?? false)
        case nil, .null?: return .bool(false)
        case let other?:
          throw .compilation(
            "Invalid value provided for 'persist_docs'. Expected dict but received "
              + other.kindName
          )
        }
      }
    default: return nil
    }
  }
}
