import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Synchronization

/// Runs one command, stage by stage: workspace, manifest, graph, selection, nodes, artifacts.
package final class Engine: Sendable {
  let invocation: Invocation
  let provider: any WarehouseProvider
  let startedAt: Timestamp

  package init(_ invocation: Invocation, provider: any WarehouseProvider) {
    self.invocation = invocation
    self.provider = provider
    startedAt = invocation.events.now
  }

  var flags: InvocationFlags { invocation.flags }
  var events: EventBus { invocation.events }

  /// What a command knows once the project is read.
  struct Project: Sendable {
    let workspace: Workspace
    let compiler: Compiler
    let warehouse: LazyWarehouse
    private let lazyGraph: Lazy<Graph>
    let targetPath: String
    let selectors: SelectorFile
    /// What the `--state` folder holds.
    let state: PreviousState

    init(
      workspace: Workspace,
      compiler: Compiler,
      warehouse: LazyWarehouse,
      targetPath: String,
      selectors: SelectorFile,
      state: PreviousState
    ) {
      self.workspace = workspace
      self.compiler = compiler
      self.warehouse = warehouse
      self.targetPath = targetPath
      self.selectors = selectors
      self.state = state
      let manifest = compiler.manifest
      lazyGraph = Lazy { Graph(manifest) }
    }

    var manifest: Manifest { compiler.manifest }
    /// Made when a command asks for it: `parse` does not.
    var graph: Graph { lazyGraph.value }
  }

  /// The project of the command, for as long as the engine lives: whoever ends the process after it
  /// need not wait until a hundred thousand objects are taken apart.
  private let project = Mutex<Project?>(nil)
  let manifestState = Mutex(ManifestState())

  package func run() -> ExitStatus {
    do {
      return try perform()
    } catch let failures as Failures {
      report(failures.list)
    } catch let failure as Failure {
      report([failure])
    } catch let promoted as PromotedWarning {
      events.emit(.mainEncounteredError([promoted.failure]))
    } catch {
      preconditionFailure("an error of an unknown kind: \(error)")
    }
    return .unusable
  }

  /// Runs the command, however it ends with a manifest.
  private func perform() throws -> ExitStatus {
    let status = Result { try performCommand() }
    let manifest = Result { try finishManifest(project.withLock { $0 }) }
    let result = try status.get()
    try manifest.get()
    return result
  }

  private func performCommand() throws -> ExitStatus {
    switch invocation.command {
    case .clean:
      reportArguments()
      return try clean()
    case .deps:
      reportArguments()
      return try installPackages()
    case .debug: return try debug()
    case .database(let action): return try database(action)
    case .parse:
      let project = try loadProject()
      let path = "\(project.targetPath)/perf_info.json"
      try writePerformance(to: path)
      events.emit(.parsePerfInfoPath(path))
      return .success
    case .list:
      return try list(try loadProject())
    case .show:
      if let sql = flags.inlineDirect { return try showDirect(sql) }
      try checkShow()
      return try runNodes(try loadProject())
    case .compile, .run, .test, .build, .seed, .snapshot:
      return try runNodes(try loadProject())
    case .docsGenerate: return try generateDocs(try loadProject())
    case .clone: return try runNodes(try loadProject())
    case .sourceFreshness: return try runNodes(try loadProject())
    case .runOperation(let name): return try runOperation(name, try loadProject())
    }
  }

  static let interruptedWords = "Exited because of keyboard interrupt"

  /// By Ctrl-C.
  var isInterrupted: Bool { invocation.interruption.isCancelled }

  /// Between the parts of a command.
  func stopIfInterrupted() throws(Failure) {
    guard isInterrupted else { return }
    throw Failure(.database, Diagnostic(id: "command.interrupted", message: "interrupted"))
  }

  private func report(_ failures: [Failure]) {
    // What nobody waits for any longer is no mistake.
    if isInterrupted, failures.allSatisfy({ $0.kind == .database }) {
      events.emit(.note(Self.interruptedWords))
      return
    }
    events.emit(
      .mainEncounteredError(
        failures.flatMap { failure in
          failure.diagnostics.map { diagnostic in
            CommandFailure(head: failure.heading, diagnostic: diagnostic)
          }
        }
      )
    )
  }

  // MARK: Reading

  func settings() -> WorkspaceLoader.Settings {
    var templateFlags = DatumMap()
    for name in InvocationFlags.templateNames {
      if let value = flags.templateValue(name) { templateFlags[name] = value }
    }
    var arguments = DatumMap()
    for (name, value) in flags.asArguments { arguments[name] = value }
    let provider = provider
    return WorkspaceLoader.Settings(
      projectDirectory: flags.projectDirectory,
      profilesDirectory: flags.profilesDirectory,
      givenProfilesDirectory: flags.givenProfilesDirectory,
      profile: flags.profile,
      target: flags.target,
      threads: flags.threads,
      vars: flags.vars,
      environment: invocation.environment,
      invocationID: invocation.id,
      startedAt: Int(startedAt.microseconds),
      flags: RenderingFlags(
        isFullRefresh: flags.fullRefresh ?? false,
        isEmpty: flags.empty ?? false,
        which: flags.which,
        storesFailures: flags.storeFailures ?? false,
        sample: flags.sample
      ),
      templateFlags: templateFlags,
      arguments: arguments,
      checksVersions: flags.versionCheck,
      isInterrupted: { [interruption = invocation.interruption] in interruption.isCancelled },
      embeddedDatabase: { name, folder in
        provider.embeddedDatabase(projectName: name, projectDirectory: folder)
      }
    )
  }

  /// Reads the project file and the profile.
  func loadWorkspace() throws -> Workspace {
    defer { reportArguments() }
    let workspace = try WorkspaceLoader(settings()).load()
    invocation.secrets.add(
      workspace.profile.secrets,
      passwords: workspace.profile.commonPasswords
    )
    return workspace
  }

  /// Tells with which arguments the command runs: once it is known what must not be said of them.
  func reportArguments() { events.emit(.mainReportArgs(flags.asArguments)) }

  private func loadProject() throws -> Project {
    let workspace = try loadWorkspace()
    if workspace.profile.isEmbedded, workspace.profile.file == nil {
      events.emit(
        .note(
          "No profile named '\(workspace.profile.profileName)' was found: using the embedded "
            + "Postgres ('sectoral db status' says where it is)"
        )
      )
    }
    events.emit(
      .adapterRegistered(
        name: workspace.profile.type,
        version: Self.adapterVersion(workspace.profile.type)
      )
    )
    events.emit(
      .other(
        name: "StateCheckVarsHash",
        text: "vars: \(Datum.map(flags.vars.hidingSecrets).pythonRepr), profile: "
          + "\(flags.profile ?? ""), target: \(flags.target ?? ""), version: "
          + WorkspaceLoader.compatibleVersion,
        data: [
          "checksum": "", "vars": .string(Datum.map(flags.vars.hidingSecrets).pythonRepr),
          "profile": .string(flags.profile ?? ""), "target": .string(flags.target ?? ""),
          "version": .string(WorkspaceLoader.compatibleVersion),
        ]
      ),
      level: .debug
    )
    // `compile --no-introspect` asks nothing.
    let warehouse = LazyWarehouse(
      provider,
      workspace.profile,
      isForbidden: invocation.command == .compile && !flags.introspect
    )
    // An embedded server is not started for a project that cannot be read.
    if [.run, .test, .build, .seed, .snapshot].contains(invocation.command),
      !workspace.profile.isEmbedded
    {
      warehouse.prepare()
    }
    let events = events
    var mistakes: [Failure] = []
    var selectors = SelectorFile()
    do throws(Failure) { selectors = try selectorFile(workspace) } catch { mistakes.append(error) }
    let reader = ProjectReader(workspace) { (event, node) throws(TemplateError) in
      // As dbt: no node is running yet.
      try Self.forward(event, to: events, node: nil, thread: Event.mainThread)
    }
    var read: ProjectReader.Result
    do throws(ProjectReader.Refusal) {
      read = try reader.read()
    } catch {
      // They are mended together.
      note(error.unknownCalls)
      let promoted = warn(error.warnings)
      try stopIfInterrupted()
      throw Failures(error.failures + mistakes + commandMistakes(workspace) + promoted)
    }
    if let leftovers = read.leftovers.take() { Threads.discard(leftovers) }
    try stopIfInterrupted()
    guard mistakes.isEmpty else { throw Failures(mistakes + warn(read.warnings)) }
    read.manifest.selectors = selectors.normalised
    for warning in selectors.warnings { events.emit(.warning(name: "Note", warning)) }
    // Whoever compiles meets them as errors, with all that led there.
    if invocation.command == .parse { note(read.unknownCalls) }
    let promoted = warn(read.warnings)
    guard promoted.isEmpty else { throw Failures(promoted) }
    let compiler = Compiler(workspace, read)
    let target = targetPath(workspace.root.definition)
    let project = Project(
      workspace: workspace,
      compiler: compiler,
      warehouse: warehouse,
      targetPath: target,
      selectors: selectors,
      state: try previousState(targetPath: target)
    )
    self.project.withLock { $0 = project }
    switch invocation.command {
    // Where nothing is changed in the warehouse the manifest is written once, with what was compiled.
    case .compile: manifestState.withLock { $0.isOwed = true }
    // The server's first answers are waited for meanwhile.
    case .run, .test, .build, .seed, .snapshot: beginManifest(project)
    // As dbt: it comes with what is compiled, and where nothing is, that of the run before stays.
    case .docsGenerate: break
    default: try writeManifest(project)
    }
    return project
  }

  private func note(_ calls: [Diagnostic]) {
    for call in calls { events.emit(.warning(name: "Note", call)) }
  }

  /// Emits warnings; returns those that `--warn-error` makes errors.
  func warn(_ warnings: [NamedWarning]) -> [Failure] {
    warnings.compactMap { warning in
      do throws(PromotedWarning) {
        try events.warn(warning.name, warning.diagnostic, details: warning.details)
        return nil
      } catch {
        return Failure(.compilation, error.failure.diagnostic)
      }
    }
  }

  /// What is wrong with the selection and the state that the command names, whatever the project holds.
  private func commandMistakes(_ workspace: Workspace) -> [Failure] {
    var mistakes: [Failure] = []
    for (select, exclude) in [(flags.select, []), ([], flags.exclude), (flags.models, [])] {
      do throws(Failure) {
        _ = try SelectionSpec.commandLine(
          select: select,
          exclude: exclude,
          indirectSelection: flags.indirectSelection
        )
      } catch { mistakes.append(error) }
    }
    guard let path = flags.statePath else { return mistakes }
    do throws(Failure) {
      _ = try PreviousState(
        folder: FileSystem.absolute(path, from: flags.projectDirectory),
        targetPath: targetPath(workspace.root.definition)
      )
    } catch { mistakes.append(error) }
    return mistakes
  }

  static func adapterVersion(_ type: String) -> String {
    type == "redshift" ? "1.11.1" : "1.11.0"
  }

  private func targetPath(_ root: ProjectDefinition) -> String {
    FileSystem.absolute(flags.targetPath ?? root.targetPath, from: root.root)
  }

  /// What a template said, as an event.
  static func forward(
    _ event: ContextEvent,
    to events: EventBus,
    node: NodeInfo?,
    thread: String
  ) throws(TemplateError) {
    switch event {
    case .log(let text, info: true): events.emit(.jinjaLogInfo(text), node: node, thread: thread)
    case .log(let text, info: false): events.emit(.jinjaLogDebug(text), node: node, thread: thread)
    case .print(let text): events.emit(.printEvent(text), node: node, thread: thread)
    case .notice(let name, let text, let data):
      events.emit(.other(name: name, text: text, data: data), node: node, thread: thread)
    case .warning(let name, let text):
      let diagnostic = Diagnostic(id: "template.warning", severity: .warning, message: text)
      do throws(PromotedWarning) {
        try events.warn(name, diagnostic, node: node, thread: thread)
      } catch {
        throw .compilation(error.failure.diagnostic.message)
      }
    }
  }

  // MARK: Artifacts

  func metadata(_ project: Project) -> ArtifactMetadata {
    let profile = project.workspace.profile
    return ArtifactMetadata(
      dbtVersion: WorkspaceLoader.compatibleVersion,
      generatedAt: events.now.iso8601,
      invocationID: invocation.id,
      invocationStartedAt: startedAt.iso8601,
      environment: project.workspace.invocation.metadataEnvironment,
      // Relations are found by these names in the next run, and by other tools.
      mask: invocation.secrets.mask.sparing([profile.database, profile.schema])
    )
  }

  /// Says that a run left its results.
  func tellOfResults(_ project: Project, type: String = "RunExecutionResult") {
    guard flags.writeJSON else { return }
    tellOf(type, at: "\(project.targetPath)/run_results.json")
  }

  /// `type`: as dbt calls what it writes.
  func tellOf(_ type: String, at path: String) {
    events.emit(.artifactWritten(type: type, path: path), level: .debug)
  }

  func writeResults(_ results: [NodeResult], _ project: Project, elapsed: Double) throws {
    guard flags.writeJSON else { return }
    try RunResultsWriter.write(
      results.count,
      // In place: a result is a large thing to copy.
      rows: { index in results.withUnsafeBufferPointer { $0[index].row } },
      metadata(project),
      elapsed: elapsed,
      arguments: recordedArguments,
      to: "\(project.targetPath)/run_results.json"
    )
    // What a run noted that was killed before is no longer the last that happened.
    RunJournal.discard(journalPath(project))
  }

  private func journalPath(_ project: Project) -> String {
    "\(project.targetPath)/run_results.journal"
  }

  /// The notes of a run that `retry` can take up should the process be killed.
  func journal(of nodes: [Node], _ project: Project) throws(Failure) -> RunJournal? {
    guard flags.writeJSON, invocation.command != .sourceFreshness else { return nil }
    try FileSystem.makeFolder(project.targetPath)
    return try RunJournal(
      metadata(project),
      arguments: recordedArguments,
      selected: nodes.map(\.uniqueID),
      to: journalPath(project)
    )
  }

  /// Every flag with its value.
  private var recordedArguments: DatumMap {
    var arguments = DatumMap()
    for (name, value) in flags.asResultArguments { arguments[name] = value }
    return arguments
  }

  private func writePerformance(to path: String) throws {
    guard flags.writeJSON else { return }
    var out = JSONBuffer(asciiOnly: false)
    out.append(
      .map([
        "command": .string(flags.which),
        "project_load_elapsed": .float(events.now.seconds(since: startedAt)),
      ])
    )
    try FileSystem.write(out.bytes, to: path)
  }
}

extension NodeResult {
  fileprivate var row: RunResultRow {
    RunResultRow(
      uniqueID: uniqueID,
      status: status.rawValue,
      timing: timing.map(\.row),
      threadID: threadID,
      executionTime: executionTime,
      adapterResponse: adapterResponse,
      message: message,
      failures: failures,
      compiled: compiled,
      compiledCode: compiledCode,
      relationName: compiled == nil ? nil : relationName,
      batches: batchResults?.layout,
      cost: cost?.layout
    )
  }
}

extension TimingInfo {
  var row: RunResultRow.Timing {
    RunResultRow.Timing(
      name: name.rawValue,
      startedAt: startedAt.iso8601,
      completedAt: completedAt.iso8601
    )
  }
}

extension NodeInfo {
  /// Hooks are numbered through all packages.
  static func label(ofHook node: Node, _ position: Position) -> String {
    "\(node.packageName).\(node.tags.first ?? "").\(position.index - 1)"
  }

  /// What events say about a node of the manifest.
  init(_ node: Node, _ workspace: Workspace) {
    var label: String?
    if node.resourceType == .unitTest {
      let model = node.fqn.dropLast().last ?? ""
      // With the version of the model, where that has some.
      let name = node.uniqueID.dropFirst("unit_test.\(node.packageName).\(model).".count)
      label = "\(model)::\(name)"
    }
    if node.resourceType == .source {
      label = "\(node.fqn.dropLast().last ?? "").\(node.name)"
    }
    // They are not built: dbt says nothing of their kind and name.
    let isPassed = [.exposure, .savedQuery, .source, .unitTest].contains(node.resourceType)
    var path = node.path
    if node.resourceType == .unitTest {
      // That of the file that it is written in.
      let folders = workspace.package(node.packageName)?.definition.modelPaths ?? []
      let folder = folders.first { node.originalFilePath.hasPrefix("\($0)/") }
      path = String(node.originalFilePath.dropFirst(folder.map { $0.count + 1 } ?? 0))
    }
    self.init(
      uniqueID: node.uniqueID,
      resourceType: node.resourceType.rawValue,
      packageName: node.packageName,
      name: node.name,
      label: label,
      path: path,
      originalFilePath: node.originalFilePath,
      materialized: isPassed ? "" : node.materialized,
      language: node.language ?? "sql",
      database: node.resourceType == .unitTest ? "" : node.database ?? "",
      schema: node.schema ?? "",
      alias: isPassed ? "" : node.alias,
      relationName: node.relationName,
      showsDatabase: node.database != workspace.profile.database,
      checksum: node.checksum.checksum,
      meta: node.meta.map ?? DatumMap(),
      attachedNode: node.attachedNode,
      isBatched: node.microbatch != nil && workspace.buildsInBatches
    )
  }
}
