import SectoralArtifacts
import SectoralCompiler
import SectoralGraph
import SectoralJinja
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// run-operation: calls a macro, or sends SQL, outside of any node.
  func runOperation(_ name: String?, _ project: Project) throws -> ExitStatus {
    // A retry of what went well: as dbt, without a word, and its results stay.
    if invocation.retried?.uniqueIDs.isEmpty == true { return .success }
    events.emit(.foundStats(Self.counts(project.manifest)))
    let workspace = project.workspace
    let entry: MacroEntry?
    do throws(Failure) {
      entry = try name.map { (name) throws(Failure) in try operation(name, workspace) }
    } catch {
      tellOfTrouble(Self.withoutMacro(name ?? ""))
      throw error
    }
    let state = try connectedState(project)
    let session = state.mainSession(
      entry.map { "macro_\($0.macro.name)" } ?? "sql_operation"
    )
    let context = state.mainContext(session)
    let startedAt = events.now
    let root = workspace.root.name
    var info = NodeInfo(
      uniqueID: entry?.macro.uniqueID ?? "sql_operation.\(root).inline",
      resourceType: entry == nil ? "sql_operation" : "macro",
      packageName: entry?.macro.packageName ?? root,
      name: entry?.macro.name ?? "inline",
      path: entry?.macro.originalFilePath ?? "",
      originalFilePath: entry?.macro.originalFilePath ?? ""
    )
    info.startedAt = startedAt
    var result = NodeResult(
      node: info,
      status: .success,
      failures: 0,
      threadID: Event.mainThread,
      compiled: false
    )
    var trouble: Failure?
    do throws(Failure) {
      try context.clearTransaction()
      if let entry {
        try context.runOperation(entry, arguments: flags.operationArguments)
      } else {
        let response = try context.runOperation(sql: flags.operationSQL ?? "")
        result.message = response?.message
        result.adapterResponse = response
      }
    } catch {
      trouble = error
      result.status = .error
      result.failures = 1
    }
    session.release()
    let finishedAt = events.now
    result.executionTime = finishedAt.seconds(since: startedAt)
    result.timing = [
      TimingInfo(name: .compile, startedAt: startedAt, completedAt: startedAt),
      TimingInfo(name: .execute, startedAt: startedAt, completedAt: finishedAt),
    ]
    result.node.finishedAt = finishedAt
    result.node.phase = .finished(result.status)
    if let trouble { tellOfTrouble(trouble) }
    try writeResults([result], project, elapsed: finishedAt.seconds(since: self.startedAt))
    tellOfResults(project, type: "RunResultsArtifact")
    return trouble == nil ? .success : .failure
  }

  /// What dbt says first of an operation whose macro is missing; what to do about it comes with the second.
  private static func withoutMacro(_ name: String) -> Failure {
    let parts = name.split(separator: ".", maxSplits: 1)
    let place = parts.count == 2 ? "the \"\(parts[0])\" package" : "any package"
    let message =
      "dbt could not find a macro with the name \"\(parts.last ?? "")\" in \(place)"
    return Failure(.runtime, Diagnostic(id: "operation.no-macro", message: message))
  }

  /// What an operation met, and for the log the calls that led there.
  private func tellOfTrouble(_ trouble: Failure) {
    let text = trouble.text()
    let told = "Encountered an error while running operation: \(text)"
    events.emit(
      .other(name: "RunningOperationCaughtError", text: told, data: ["exc": .string(text)])
    )
    let trace = trouble.diagnostics.map { DiagnosticFormatter().format($0) }
      .joined(separator: "\n\n")
    events.emit(
      .other(name: "LogDebugStackTrace", text: trace, data: ["exc_info": .string(trace)])
    )
  }

  /// A state for a job outside of any node; the database has answered.
  private func connectedState(_ project: Project) throws -> RunState {
    try project.warehouse.connect()
    let state = RunState(
      engine: self,
      project: project,
      warehouse: project.warehouse,
      isExecuting: true
    )
    state.listens()
    return state
  }

  private func operation(_ name: String, _ workspace: Workspace) throws(Failure) -> MacroEntry {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    let entry =
      parts.count == 2
      ? workspace.macros.member(Symbol(parts[1]), of: parts[0]) : workspace.macros.find(name)
    if let entry { return entry }
    let names = workspace.macros.names(for: workspace.root.name)
    throw Failure(
      .compilation,
      Diagnostic(
        id: "operation.no-macro",
        message: "dbt could not find a macro with the name '\(parts.last ?? name)' in "
          + (parts.count == 2 ? "the '\(parts[0])' package" : "any package")
          + ". This can happen when calling a macro that does not exist. Check for typos and/or "
          + "install package dependencies with \"dbt deps\".",
        hint: Spelling.nearest(to: parts.last ?? name, among: names)
          .map { "did you mean '\($0)'?" }
      )
    )
  }

  // MARK: docs generate

  /// Compiles, asks the database what stands in it, and writes catalog.json.
  func generateDocs(_ project: Project) throws -> ExitStatus {
    if flags.compilesForDocs {
      let status = try runNodes(project)
      guard status == .success else { return status }
    }
    try copyAssets(project)
    var catalog = Catalog()
    if !flags.emptyCatalog {
      events.emit(.buildingCatalog)
      try fillCatalog(&catalog, project)
      try stopIfInterrupted()
      for error in catalog.errors {
        try events.warn(
          "CatalogGenerationError",
          Diagnostic(
            id: "catalog.error",
            severity: .warning,
            message: "Encountered an error while generating catalog: \(error)"
          )
        )
      }
    }
    let path = "\(project.targetPath)/catalog.json"
    try FileSystem.write(CatalogWriter.bytes(catalog, metadata(project)), to: path)
    if !catalog.errors.isEmpty {
      let noun = catalog.errors.count == 1 ? "failure" : "failures"
      events.emit(
        .other(
          name: "WriteCatalogFailure",
          text: "dbt encountered \(catalog.errors.count) \(noun) while writing the catalog"
        )
      )
    }
    tellOf("CatalogArtifact", at: path)
    events.emit(
      .other(
        name: "CatalogWritten",
        text: "Catalog written to \(path)",
        data: ["path": .string(path)]
      )
    )
    return catalog.errors.isEmpty ? .success : .failure
  }

  private func copyAssets(_ project: Project) throws(Failure) {
    let root = project.workspace.root.definition.root
    for asset in project.workspace.root.definition.assetPaths {
      let source = FileSystem.absolute(asset, from: root)
      // What is outside of the project has no place of its own in the target folder.
      guard source.hasPrefix("\(root)/"), FileSystem.exists(source) else { continue }
      let target = "\(project.targetPath)/\(source.dropFirst(root.count + 1))"
      guard FileSystem.isFolder(source) else {
        try FileSystem.write(try FileSystem.read(source), to: target)
        continue
      }
      try FileSystem.removeTree(target)
      for file in FileSystem.files(below: source) {
        try FileSystem.write(try FileSystem.read("\(source)/\(file)"), to: "\(target)/\(file)")
      }
    }
  }

  private func fillCatalog(_ catalog: inout Catalog, _ project: Project) throws {
    let workspace = project.workspace
    var wanted: Set<String>?
    if flags.compilesForDocs,
      !flags.select.isEmpty || !flags.exclude.isEmpty || flags.selector != nil
    {
      let graph = project.graph
      wanted = Set(try select(project, types: nil).map { graph[$0].uniqueID })
    }
    var relations: [(id: String, relation: Relation)] = []
    for node in project.manifest.nodes
    where [.model, .seed, .snapshot, .test].contains(node.resourceType) && node.isRelational {
      relations.append((node.uniqueID, workspace.relation(of: node)))
    }
    for source in project.manifest.sources {
      relations.append((source.uniqueID, workspace.relation(of: source)))
    }
    if let wanted { relations.removeAll { !wanted.contains($0.id) } }
    guard !relations.isEmpty else { return }
    let state = try connectedState(project)
    let session = state.mainSession("generate_catalog")
    defer { session.release() }
    let context = state.mainContext(session)
    var databases: [String] = []
    for (_, relation) in relations where !databases.contains(relation.database ?? "") {
      databases.append(relation.database ?? "")
    }
    for database in databases {
      let own = relations.filter { ($0.relation.database ?? "") == database }
      do throws(Failure) {
        catalog.add(try context.catalog(of: own.map(\.relation)), matching: own)
      } catch {
        catalog.errors.append(error.text())
      }
    }
  }
}

extension Catalog {
  /// Takes the rows of the relations that the project knows.
  fileprivate mutating func add(
    _ table: ResultTable,
    matching relations: [(id: String, relation: Relation)]
  ) {
    var ids: [[String]: [String]] = [:]
    for (id, relation) in relations {
      let key = [relation.database, relation.schema, relation.identifier].map {
        ($0 ?? "").lowercased()
      }
      ids[key, default: []].append(id)
    }
    let names = table.columns.map { $0.name.lowercased() }
    for row in table.rows {
      let cells = Dictionary(zip(names, row), uniquingKeysWith: { first, _ in first })
      func cell(_ name: String) -> String? { cells[name] ?? nil }
      let key = ["table_database", "table_schema", "table_name"].map {
        (cell($0) ?? "").lowercased()
      }
      for id in ids[key] ?? [] { add(cells, to: id) }
    }
  }
}
