import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// A node whose file was read and whose template was not yet rendered.
final class Draft: Sendable {
  let node: Node
  let package: Package
  let patch: Patch?
  /// Generic tests are rendered from their parts.
  let test: GenericTestDraft?
  /// The configuration of a generic test's entry, or of the properties entry.
  let propertiesLayer: ConfigLayer?

  init(
    node: Node,
    package: Package,
    patch: Patch?,
    test: GenericTestDraft? = nil,
    propertiesLayer: ConfigLayer? = nil
  ) {
    self.node = node
    self.package = package
    self.patch = patch
    self.test = test
    self.propertiesLayer = propertiesLayer
  }
}

/// Renders nodes as reading a project does: references, configuration, names.
struct NodeReader {
  let workspace: Workspace
  let thread: RenderingThread
  let emit: @Sendable (ContextEvent, Node) throws(TemplateError) -> Void

  /// What there is to say of a node that could be read.
  struct Remarks: Sendable {
    /// The levels of the root project's tree that applied.
    var levels: [ConfigTree.Level] = []
    /// Configurations that look like slips of the hand.
    var warnings: [Diagnostic] = []
    /// What dbt's JSON schemas do not know of the node's own configuration.
    var custom: [NamedWarning] = []
    /// Calls of what does not exist, which will be errors when the node is compiled.
    var unknownCalls: [Diagnostic] = []
  }

  /// Fills in what the node's template, its properties and the project files say about it.
  func read(_ draft: Draft) throws(Failure) -> Remarks {
    var remarks = Remarks()
    let node = draft.node
    let context = ParseContext(thread, node: node, packageName: node.packageName) {
      [emit] event throws(TemplateError) in
      try emit(event, node)
    }
    if node.resourceType == .model, node.language == "python" {
      try readPython(node, context)
    }
    context.earlyConfig = { firstConfig(of: node, draft, []) }
    do {
      if let test = draft.test {
        try test.render(in: context)
      } else if node.resourceType != .seed, node.language == "sql" || node.resourceType == .function
      {
        remarks.unknownCalls = try renderBody(of: node, context)
      }
    } catch {
      throw failure(error, node)
    }
    node.refs = context.refs
    node.refSpans = context.refSpans
    node.sources = context.sources
    node.sourceSpans = context.sourceSpans
    node.metrics = context.metrics
    node.functions = context.functions
    node.dependsOnMacros = context.macroIDs
    // The file was rendered as the model that it would be by itself.
    draft.patch?.version?.apply(to: node)
    let used = configure(node, draft, context.configCalls)
    context.earlyConfig = nil
    context.forget(Names.model)
    try checkConfiguration(used.builder, node)
    do {
      // dbt renders them, and notes what they refer to, before it reads the properties and again then.
      if node.version != nil
        || draft.test == nil && draft.propertiesLayer?.values.isEmpty == false
      {
        try renderHooks(firstConfig(of: node, draft, context.configCalls), of: node, context)
      }
      try renderHooks(node.config, of: node, context)
      try nameRelation(of: node, by: used.builder.config, context)
    } catch {
      throw failure(error, node)
    }
    if node.resourceType == .seed, !context.refs.isEmpty || !context.sources.isEmpty {
      let place = context.refSpans.first ?? context.sourceSpans.first
      throw Failure(
        .parsing,
        subject: node.words,
        Diagnostic(
          id: "seed.depends",
          message: "Seeds cannot depend on other nodes: dbt encountered a ref() or source() in a "
            + "hook of a seed",
          span: place.flatMap { $0 } ?? node.declaration,
          hint: "seeds are loaded before anything else: take the ref() out of their hooks"
        )
      )
    }
    node.sources = context.sources
    node.sourceSpans = context.sourceSpans
    if isReadStatically(node) { node.mergeSources() }
    let written = context.sources.count
    // dbt notes those of a version twice: in the model's name, and in its own.
    for _ in 0..<(node.version == nil ? 1 : 2) {
      for text in node.constraintTargets {
        guard let reference = ReferenceText(text) else { throw Self.badForeignKey(text, node) }
        context.note(reference, at: node.declaration, repeats: true)
      }
    }
    node.refs = context.refs
    node.refSpans = context.refSpans
    node.sources += context.sources[written...]
    node.sourceSpans += context.sourceSpans.dropFirst(written)
    node.dependsOnMacros = context.macroIDs
    remarks.levels = used.levels
    if SchemaWarnings.apply(to: context.workspace) {
      if node.resourceType == .model, node.packageName == context.workspace.root.name {
        remarks.custom = SchemaWarnings.ofCalls(context.configCalls, node.originalFilePath)
      }
    } else {
      remarks.warnings = used.builder.misspelt()
    }
    return remarks
  }

  private static func badForeignKey(_ text: String, _ node: Node) -> Failure {
    Failure(
      .parsing,
      Diagnostic(
        id: "constraint.target",
        message: "Invalid 'ref' or 'source' syntax on foreign key constraint 'to' on "
          + "\(node.resourceType.rawValue) \(node.name): \(text).",
        span: node.declaration,
        hint: "write to: ref('model'), or to: source('source', 'table')"
      )
    )
  }

  private func readPython(_ node: Node, _ context: ParseContext) throws(Failure) {
    guard let span = node.source else { return }
    do throws(Failure) {
      guard !YAMLRenderer.isTemplate(node.rawCode) else {
        throw Failure(
          .parsing,
          Diagnostic(
            id: "python.template",
            message: "No jinja in python model code is allowed",
            span: span
          )
        )
      }
      let model = try PythonModel(span)
      do {
        try model.note(in: context, workspace.environment, thread.interpreter)
      } catch { throw failure(error, node) }
    } catch {
      throw Failure(error.kind, subject: error.subject ?? node.words, error.diagnostics)
    }
  }

  /// Whether dbt makes a set of what sources the node names. Looked at only where that matters.
  private func isReadStatically(_ node: Node) -> Bool {
    guard node.resourceType == .model, Set(node.sources).count < node.sources.count else {
      return false
    }
    let names: [Symbol] = ["ref", "source", "config"]
    for package in [workspace.root.name, node.packageName] {
      let table = workspace.macros.tables[package] ?? [:]
      if names.contains(where: { table[$0] != nil }) { return false }
    }
    return StaticModel.accepts(node.rawCode)
  }

  /// Returns the calls in it of what does not exist.
  private func renderBody(
    of node: Node,
    _ context: ParseContext
  ) throws(TemplateError) -> [Diagnostic] {
    guard let span = node.source, YAMLRenderer.isTemplate(node.rawCode) else { return [] }
    let template = try workspace.environment.compile(span.file, in: span.start..<span.end)
    // What a hook calls may be there only when it runs: `results`.
    var unknown: [(name: String, place: TextSpan?)] = []
    if node.resourceType != .operation {
      thread.interpreter.silentCall = { unknown.append(($0, $1)) }
    }
    defer { thread.interpreter.silentCall = nil }
    _ = try context.hosting { () throws(TemplateError) in
      try thread.interpreter.render(template, scope: context, undefined: .silent)
    }
    // A call in a loop is one mistake.
    var told: Set<Int?> = []
    return unknown.filter { told.insert($0.place?.start).inserted }.map { name, place in
      Diagnostic(
        id: "macro.not-found",
        severity: .warning,
        message: "\(node.words) calls '\(name)', which is undefined: compiling it will fail",
        span: place,
        hint: workspace.macros.hint(forUnknown: name, in: node.packageName)
      )
    }
  }

  /// Hooks are rendered too: what they refer to must be built before.
  private func renderHooks(
    _ config: DatumMap,
    of node: Node,
    _ context: ParseContext
  ) throws(TemplateError) {
    for key in ["pre-hook", "post-hook"] {
      for hook in config[key]?.list ?? [] {
        guard let sql = hook["sql"]?.string, YAMLRenderer.isTemplate(sql) else { continue }
        let template = try workspace.environment.compile(
          SourceFile(path: "\(node.originalFilePath) (\(key))", text: sql)
        )
        _ = try context.hosting { () throws(TemplateError) in
          try thread.interpreter.render(template, scope: context, undefined: .silent)
        }
      }
    }
  }

  /// Joins all layers. Returns the builder and the levels of the root project's tree that applied.
  private func configure(
    _ node: Node,
    _ draft: Draft,
    _ calls: [ConfigLayer]
  ) -> (builder: ConfigBuilder, levels: [ConfigTree.Level]) {
    var builder = ConfigBuilder(node.resourceType)
    let isFunction = node.resourceType == .function
    let treeType = Self.treeType(of: node)
    let ownLevels = draft.package.definition.trees[treeType]?.levels(for: node.fqn) ?? []
    if isFunction {
      // What dbt shows of them unrendered comes from the tree of the models.
      for level in draft.package.definition.trees[.model]?.levels(for: node.fqn) ?? [] {
        builder.add(ConfigLayer([:]), unrendered: level.unrendered)
      }
    }
    for level in ownLevels {
      builder.add(level.layer, unrendered: isFunction ? [:] : level.unrendered)
    }
    var rootLevels = ownLevels
    let written = WrittenConfigs(workspace: workspace, interpreter: thread.interpreter)
    if node.resourceType == .model, node.language == "python",
      draft.propertiesLayer?.values["materialized"] == nil
    {
      builder.add(ConfigLayer(["materialized": "table"]))
    }
    var calls = calls
    if let layer = draft.propertiesLayer, !layer.values.isEmpty, let test = draft.test,
      test.isRendered(workspace, for: node.packageName)
    {
      // dbt puts what a generic test's entry says before and behind the call of its macro, so that it has
      // the last word, and twice what adds up; but not of the two commonest, which it does not render.
      calls = [layer] + calls + [layer]
      if written.isOn { builder.add(ConfigLayer([:]), unrendered: layer.values) }
    } else if let layer = draft.propertiesLayer {
      builder.add(
        layer,
        unrendered: draft.patch?.writtenConfig.map { WrittenConfigs.merge($0, over: layer.values) }
      )
    }
    builder.add(
      calls: calls,
      unrendered: written.isOn && !calls.isEmpty ? written.call(in: node) : nil
    )
    if draft.package.name != workspace.root.name {
      let trees = workspace.root.definition.trees
      rootLevels = trees[treeType]?.levels(for: node.fqn) ?? []
      for level in rootLevels {
        builder.add(level.layer, unrendered: isFunction ? [:] : level.unrendered)
      }
      if isFunction {
        for level in trees[.model]?.levels(for: node.fqn) ?? [] {
          builder.add(ConfigLayer([:]), unrendered: level.unrendered)
        }
      }
    }
    var config = builder.config
    if node.resourceType == .test {
      switch (config["store_failures_as"]?.string, config["store_failures"]?.bool) {
      case (let kind?, _): config["store_failures"] = .bool(kind != "ephemeral")
      case (nil, let flag?): config["store_failures_as"] = flag ? "table" : "ephemeral"
      default: break
      }
    }
    if node.version != nil || draft.test == nil && setsNothing(draft, calls) {
      keepEarlier(of: node, draft, calls, in: &config)
    }
    node.config = config
    node.unrenderedConfig = builder.unrendered
    if node.resourceType == .model, config["contract"]?["enforced"]?.bool == true {
      node.contractChecksum = Contract.checksum(of: node)
    }
    var tags: [String] = []
    // dbt joins the tags twice: first without those of the properties entry.
    var early: [String] = []
    if node.version != nil
      || draft.test == nil && draft.propertiesLayer?.values["tags"] != nil && !calls.isEmpty
    {
      early = firstConfig(of: node, draft, calls)["tags"]?.texts ?? []
    }
    // Of a generic test what its entry says, and the column or source that it is of, comes first, sorted.
    let said =
      draft.test == nil
      ? node.tags
      : Set(node.tags + (draft.propertiesLayer?.values["tags"]?.texts ?? [])).sorted()
    for tag in said + early + (config["tags"]?.texts ?? []) where !tags.contains(tag) {
      tags.append(tag)
    }
    node.tags = tags
    return (builder, rootLevels)
  }

  /// Whether the file or its properties set something to nothing.
  private func setsNothing(_ draft: Draft, _ calls: [ConfigLayer]) -> Bool {
    calls.contains { $0.values.entries.contains(where: \.value.isNull) }
      || draft.propertiesLayer?.values.entries.contains(where: \.value.isNull) ?? false
  }

  /// As dbt, which configures a node three times, by the trees, with the file's calls, with its
  /// properties: what ends as nothing keeps what it was before, though the node's name does not.
  private func keepEarlier(
    of node: Node,
    _ draft: Draft,
    _ calls: [ConfigLayer],
    in config: inout DatumMap
  ) {
    let known = ConfigBuilder(node.resourceType).config
    for (isLast, earlier) in [
      (true, firstConfig(of: node, draft, calls)), (false, firstConfig(of: node, draft, [])),
    ] {
      for (key, value) in earlier.entries where !value.isNull && (isLast || key != "group") {
        guard let own = config[key] else {
          config[key] = value
          continue
        }
        if own.isNull, known[key] != nil { config[key] = value }
      }
    }
  }

  /// Which section of dbt_project.yml speaks of the node.
  private static func treeType(of node: Node) -> ResourceType {
    switch node.resourceType {
    // Of what has no section of its own, dbt takes that of the models.
    case .operation, .analysis, .sqlOperation: .model
    default: node.resourceType
    }
  }

  /// What dbt takes a node's configuration for until it has read the properties files: that of a version
  /// is until then the one of a model with the name of its file.
  private func firstConfig(of node: Node, _ draft: Draft, _ calls: [ConfigLayer]) -> DatumMap {
    var first = ConfigBuilder(node.resourceType)
    let file = FileSystem.name(of: node.originalFilePath).split(separator: ".").dropLast()
    let fqn =
      node.version == nil
      ? node.fqn : node.fqn.dropLast(2) + [file.joined(separator: ".")]
    func add(_ package: Package) {
      for level in package.definition.trees[Self.treeType(of: node)]?.levels(for: fqn) ?? [] {
        first.add(level.layer)
      }
    }
    add(draft.package)
    first.add(calls: calls)
    if draft.package.name != workspace.root.name { add(workspace.root) }
    return first.config
  }

  private func checkConfiguration(_ builder: ConfigBuilder, _ node: Node) throws(Failure) {
    let problems = builder.problems(of: "\(node.resourceType.rawValue) \(node.name)")
    guard problems.isEmpty else {
      throw Failure(
        .parsing,
        subject: node.words,
        problems.map { problem in
          var problem = problem
          problem.span = problem.span ?? node.source ?? node.declaration
          return problem
        }
      )
    }
  }

  // MARK: Names

  /// Database, schema, alias by the naming macros, and the relation's name.
  private func nameRelation(
    of node: Node,
    by config: DatumMap,
    _ context: ParseContext
  ) throws(TemplateError) {
    context.isNaming = true
    defer { context.isNaming = false }
    node.database = try name(
      .database,
      config["database"],
      node,
      context
    ) { custom in custom ?? workspace.profile.database }
    node.schema = try name(.schema, config["schema"], node, context) { custom in
      custom.map { "\(workspace.profile.schema)_\($0)" } ?? workspace.profile.schema
    }
    node.alias =
      try name(.alias, config["alias"], node, context) { custom in
        if let custom { return custom }
        guard let version = node.version else { return node.name }
        let text = version.pythonText.split(separator: ".", omittingEmptySubsequences: false)
        return "\(node.name)_v\(text.joined(separator: "_"))"
      } ?? node.name
    if node.resourceType == .snapshot {
      if let schema = config["target_schema"]?.string { node.schema = schema }
      if let database = config["target_database"]?.string { node.database = database }
    }
    // As dbt: with the flag a test has a relation's name also where it stores nothing.
    node.relationName =
      node.isRelational && node.resourceType != .function
        || workspace.flags.storesFailures && node.resourceType == .test
      ? workspace.relation(of: node).rendered : nil
    if node.hasLatestVersionPointer(byDefault: workspace.pointsToLatestVersions) {
      node.latestVersionPointer = try name(
        .latestVersionPointer,
        config["latest_version_pointer"]?["alias"],
        node,
        context
      ) { custom in custom ?? node.name }
    }
  }

  /// `builtIn`: what the built-in macro gives, for when no project replaces it: three
  /// template calls for each of thousands of nodes are saved.
  private func name(
    _ macro: NamingMacro,
    _ custom: Datum?,
    _ node: Node,
    _ context: ParseContext,
    builtIn: (String?) -> String
  ) throws(TemplateError) -> String? {
    guard let entry = thread.replacement(of: macro, for: node.packageName) else {
      return builtIn(custom?.string.map { String($0.trimmingBlanks) })
    }
    return try context.name(by: entry, custom, of: node.layout(), node.uniqueID)
  }

  private func failure(_ error: TemplateError, _ node: Node) -> Failure {
    Failure(error, node: node)
  }
}

extension Failure {
  /// A template's error, in the name of a node.
  init(_ error: TemplateError, node: Node?) {
    var diagnostic = error.diagnostic
    if diagnostic.span == nil { diagnostic.span = node?.source ?? node?.declaration }
    diagnostic.leaveBuiltIns()
    // The node's own text is named as the node; where nothing else led here, the place says it all.
    diagnostic.trail =
      diagnostic.trail.count { $0.label != "template" } == 0
      ? []
      : diagnostic.trail.map { frame in
        guard frame.label == "template", let node else { return frame }
        let words = "\(node.resourceType.rawValue) \(node.name)"
        return Diagnostic.Frame(label: words, span: frame.span)
      }
    if let node, node.resourceType == .test, node.source == nil, let entry = node.declaration {
      // A generic test: what it says begins with its entry in the properties file.
      if let span = diagnostic.span {
        if span.file !== entry.file || span.start != entry.start {
          let label = "\(node.resourceType.rawValue) \(node.name)"
          diagnostic.trail.append(Diagnostic.Frame(label: label, span: entry))
        }
      } else {
        diagnostic.span = entry
      }
    }
    let kind: Kind =
      switch error.kind {
      case .database: .database
      case .runtime: .runtime
      case .failFast: .failFast
      case .parsing: .parsing
      case .dependency: .dependency
      case .internalError: .internalError
      default: .compilation
      }
    self.init(kind, subject: node?.words, [diagnostic])
  }
}

extension Diagnostic {
  /// Points at the innermost place in a file of the project, should it be in a built-in macro, and
  /// takes what no user can open out of the trail.
  fileprivate mutating func leaveBuiltIns() {
    if let place = span, place.file.isBuiltIn {
      let own = trail.firstIndex { $0.span.map { !$0.file.isBuiltIn } ?? false }
      span = own.flatMap { trail[$0].span }
      trail.removeFirst(own ?? trail.count)
    }
    trail.removeAll { $0.span?.file.isBuiltIn ?? false }
    // A template by itself is the file that the place names.
    if trail.count == 1, trail[0].label == "template" { trail = [] }
  }
}

extension Node {
  /// `model orders (models/marts/orders.sql)`
  package var words: String { "\(resourceType.rawValue) \(name) (\(originalFilePath))" }
}

extension Node {
  /// What the foreign keys of a contract point to.
  fileprivate var constraintTargets: [String] {
    let all = constraints + columns.entries.flatMap { $0.value["constraints"]?.list ?? [] }
    return all.compactMap { $0["type"]?.string == "foreign_key" ? $0["to"]?.string : nil }
  }
}

extension Node {
  /// Leaves each source once, where it is first named.
  fileprivate func mergeSources() {
    var seen: Set<[String]> = []
    let kept = sources.indices.filter { seen.insert(sources[$0]).inserted }
    if sourceSpans.count == sources.count { sourceSpans = kept.map { sourceSpans[$0] } }
    sources = kept.map { sources[$0] }
  }
}
