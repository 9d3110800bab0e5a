import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  // MARK: Selection

  /// The members that the command works on; what matches nothing is a warning.
  func select(_ project: Project) throws -> MemberSet {
    try select(project, types: try resourceTypes())
  }

  /// The same of other kinds than the command's own; nil stands for every kind.
  func select(_ project: Project, types: Set<ResourceType>?) throws -> MemberSet {
    if let retried = invocation.retried { return selection(of: retried, project) }
    let indirect = flags.indirectSelection
    var selector = Selector(
      graph: project.graph,
      projectName: project.workspace.root.name,
      fileExists: { [root = project.workspace.root.definition.root] in
        FileSystem.exists("\(root)/\($0)")
      },
      manifest: project.manifest,
      selectors: project.selectors,
      state: project.state
    )
    let file = project.selectors
    let spec: SelectionSpec
    if let name = flags.selector {
      spec = try file.selector(name).definition
    } else if flags.select.isEmpty, flags.exclude.isEmpty, flags.models.isEmpty,
      let named = file.byDefault
    {
      events.emit(.note("Using default selector \(named.name)"))
      spec = named.definition
    } else {
      spec = try SelectionSpec.commandLine(
        select: flags.models.isEmpty ? flags.select : flags.models,
        exclude: flags.exclude,
        indirectSelection: indirect
      )
    }
    let all = try selector.evaluate(spec)
    for contract in selector.brokenContracts {
      try events.warn("UnversionedBreakingChange", contract.warning)
    }
    for seed in selector.seedRemarks { try events.warn(seed.name, seed.diagnostic) }
    for criterion in selector.emptyCriteria {
      try events.warn(
        "NoNodesForSelectionCriteria",
        Diagnostic(
          id: "select.no-match",
          severity: .warning,
          message: criterion.message,
          hint: near(criterion.raw, project)
        ),
        details: ["spec_raw": .string(criterion.raw)]
      )
    }
    guard let types else { return all }
    return selector.filter(
      all,
      types: types,
      keepsEmpty: invocation.command == .list || invocation.command == .docsGenerate
    )
  }

  private func near(_ raw: String, _ project: Project) -> String? {
    let name = raw.filter { $0 != "+" && $0 != "@" }
    return Spelling.nearest(to: name, among: project.manifest.nodes.map(\.name))
      .map { "did you mean '\($0)'?" }
  }

  /// What is retried and still there.
  private func selection(of retried: Retried, _ project: Project) -> MemberSet {
    var set = project.graph.emptySet
    for id in retried.uniqueIDs {
      if let member = project.graph.id(of: id) { set.insert(member) }
    }
    return set
  }

  func selectorFile(_ workspace: Workspace) throws(Failure) -> SelectorFile {
    for name in ["selectors.yml", "selectors.yaml"] {
      let path = "\(workspace.root.definition.root)/\(name)"
      guard FileSystem.exists(path) else { continue }
      let file = SourceFile(path: name, bytes: try FileSystem.read(path)).withoutFinalBlanks
      let (node, diagnostics) = YAMLParser.parse(file)
      let errors = diagnostics.filter { $0.severity == .error }
      guard errors.isEmpty, let node else { throw Failure(.runtime, errors) }
      let rendered = try WorkspaceLoader(settings()).render(node, for: workspace)
      return try SelectorFile(rendered, indirectSelection: flags.indirectSelection)
    }
    return SelectorFile()
  }

  private func resourceTypes() throws -> Set<ResourceType> {
    var types: Set<ResourceType>
    var everything: Set<ResourceType> = []
    switch invocation.command {
    case .run: return [.model]
    case .seed: return [.seed]
    case .snapshot: return [.snapshot]
    case .sourceFreshness: return [.source]
    case .clone: types = [.model, .seed, .snapshot]
    case .docsGenerate:
      return [.model, .test, .snapshot, .analysis, .seed, .function, .operation]
    case .compile: return [.model, .test, .snapshot, .analysis, .seed, .function, .operation]
    case .show: return [.model, .test, .snapshot, .analysis, .seed]
    case .test: types = [.test, .unitTest]
    case .build:
      types = [.model, .snapshot, .seed, .test, .unitTest, .exposure, .savedQuery, .function]
    default:
      types = [
        .model, .snapshot, .seed, .test, .source, .exposure, .metric, .savedQuery, .semanticModel,
        .unitTest, .function,
      ]
      everything = [.analysis]
    }
    let wanted = flags.models.isEmpty ? flags.resourceTypes : ["model"]
    let all = types.union(everything)
    let defaults = types
    func named(_ name: String) throws -> Set<ResourceType> {
      if name == "all" { return all }
      if name == "default" { return defaults }
      guard let type = ResourceType(rawValue: name) else {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "select.unknown-type",
            message: "'\(name)' is no resource type",
            hint: Spelling.nearest(to: name, among: all.map(\.rawValue))
              .map { "did you mean '\($0)'?" }
          )
        )
      }
      return [type]
    }
    if !wanted.isEmpty { types = try wanted.reduce(into: []) { $0.formUnion(try named($1)) } }
    for name in flags.excludeResourceTypes { types.subtract(try named(name)) }
    if invocation.command == .test { types.formIntersection(defaults) }
    return types
  }

  // MARK: ls

  func list(_ project: Project) throws -> ExitStatus {
    events.emit(.foundStats(Self.counts(project.manifest)))
    let selected = try select(project)
    try prepareDeferral(project, selected)
    guard !selected.isEmpty else {
      try events.warn(
        "NoNodesSelected",
        Diagnostic(id: "select.nothing", severity: .warning, message: "No nodes selected!")
      )
      return .success
    }
    let graph = project.graph
    for id in selected {
      let member = graph[id]
      let line: String =
        switch flags.listOutput {
        case .selector: member.selectorText
        case .name: member.searchName
        case .path: member.originalFilePath
        case .json: member.listingJSON(keys: flags.outputKeys)
        }
      events.emit(.listCmdOut(line))
    }
    return .success
  }

  // MARK: clean

  func clean() throws -> ExitStatus {
    let raw = try ProjectDefinition.parse(root: flags.projectDirectory)
    // A project that cannot be read further can be cleaned all the same.
    if let definition = try? WorkspaceLoader(settings()).loadDefinition() {
      let promoted = warn(definition.namedWarnings)
      guard promoted.isEmpty else { throw Failures(promoted) }
    }
    let root = flags.projectDirectory
    let targets = raw["clean-targets"]?.datum.texts ?? [raw["target-path"]?.string ?? "target"]
    let keys = [
      "model-paths", "seed-paths", "test-paths", "analysis-paths", "macro-paths", "snapshot-paths",
    ]
    let defaults = ["models", "seeds", "tests", "analyses", "macros", "snapshots"]
    var protected: Set<String> = []
    for (key, fallback) in zip(keys, defaults) {
      for path in raw[key]?.datum.texts ?? [fallback] {
        protected.insert(FileSystem.absolute(path, from: root))
      }
    }
    var refused: [Diagnostic] = []
    for target in targets {
      let path = FileSystem.absolute(target, from: root)
      if flags.cleanProjectFilesOnly, path != root, !path.hasPrefix(root + "/") {
        refused.append(
          Diagnostic(
            id: "clean.outside",
            message:
              "dbt will not clean the following directories outside the project: ['\(target)']",
            span: raw["clean-targets"]?.span,
            hint: "use --no-clean-project-files-only where that is what you want"
          )
        )
      } else if path == root
        || protected.contains(where: { $0 == path || $0.hasPrefix(path + "/") })
      {
        refused.append(
          Diagnostic(
            id: "clean.protected",
            message: "dbt will not clean the following source paths: ['\(target)']",
            span: raw["clean-targets"]?.span,
            hint: "take it out of 'clean-targets'"
          )
        )
      }
    }
    guard refused.isEmpty else { throw Failure(.runtime, refused) }
    let installPath = raw["packages-install-path"]?.string ?? "dbt_packages"
    if targets.contains("dbt_modules"), !targets.contains(installPath) {
      let promoted = warn([
        NamedWarning(
          "PackageInstallPathDeprecation",
          Diagnostic(
            id: "clean.install-path",
            severity: .warning,
            message: "The default packages install path has changed from `dbt_modules` to "
              + "`dbt_packages`.",
            span: raw["clean-targets"]?.span,
            hint: "name `\(installPath)` under `clean-targets`"
          )
        )
      ])
      guard promoted.isEmpty else { throw Failures(promoted) }
    }
    for target in targets {
      let path = FileSystem.absolute(target, from: root)
      events.emit(.checkCleanPath(path))
      try FileSystem.removeTree(path)
      events.emit(.confirmCleanPath(path))
    }
    events.emit(.finishedCleanPaths)
    return .success
  }

  // MARK: db

  func database(_ action: DatabaseAction) throws -> ExitStatus {
    let (_, profile) = try WorkspaceLoader(settings()).loadProfile()
    let text = try provider.perform(
      action,
      for: profile,
      projectDirectory: flags.projectDirectory
    )
    if !text.isEmpty { events.emit(.output(text)) }
    return .success
  }
}
