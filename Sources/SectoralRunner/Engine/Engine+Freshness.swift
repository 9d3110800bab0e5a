import SectoralArtifacts
import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralYAML

extension Engine {
  /// Asks the database once when all the sources were written whose age it knows by itself. Each is asked for
  /// alone where that fails.
  func askForLastModified(_ nodes: [Node], _ state: RunState) throws {
    guard state.project.workspace.profile.type == "redshift" else { return }
    let sources = nodes.compactMap { state.project.manifest.source($0.uniqueID) }
      .filter(\.isAskedOfMetadata)
    events.emit(
      .note("Pulling freshness from warehouse metadata tables for \(sources.count) sources")
    )
    guard !sources.isEmpty else { return }
    let session = state.mainSession("master")
    defer { session.release() }
    do throws(Failure) {
      state.keepLastModified(
        try state.mainContext(session).lastModified(of: sources, now: events.now.isoWithOffset)
      )
    } catch {
      events.emit(
        .note("Metadata freshness could not be computed in batch: \(error.text())"),
        thread: Event.mainThread,
        level: .warn
      )
    }
  }

  /// Writes sources.json, and says how `source freshness` went.
  func finishFreshness(
    _ state: RunState,
    elapsed: Double,
    interrupted: Bool,
    manifest: Result<Bool, any Error>
  ) throws -> ExitStatus {
    _ = try manifest.get()
    let sources = state.results.filter { $0.node.resourceType == "source" }
    try writeFreshness(sources, state.project)
    events.emit(.formatting)
    let hooks = state.results.count - sources.count
    events.emit(
      .finishedRunningStats(
        [ResourceCount("project hook", hooks), ResourceCount("source", sources.count)]
          .filter { $0.count > 0 },
        elapsed: elapsed
      )
    )
    try tellOfManifest(manifest, state.project)
    if flags.writeJSON || flags.freshnessPath != nil {
      tellOf("FreshnessResult", at: freshnessPath(state.project))
    }
    let failed = state.results.filter { $0.status == .error || $0.status == .runtimeError }
    for result in failed { events.reportFailure(result) }
    if interrupted { events.emit(.note(Self.interruptedWords)) }
    events.emit(.other(name: "FreshnessCheckComplete", text: "Done."))
    return failed.isEmpty && !interrupted ? .success : .failure
  }

  /// As dbt: a source whose query failed has no entry.
  func writeFreshness(_ results: [NodeResult], _ project: Project) throws {
    let rows = results.compactMap { result -> FreshnessRow? in
      guard let freshness = result.freshness else { return nil }
      return FreshnessRow(
        uniqueID: result.uniqueID,
        maxLoadedAt: freshness.maxLoadedAt.isoWithOffset,
        snapshottedAt: freshness.snapshottedAt.isoWithOffset,
        age: freshness.age,
        status: result.status.rawValue,
        criteria: freshness.criteria,
        timing: result.timing.map(\.row),
        threadID: result.threadID,
        executionTime: result.executionTime,
        adapterResponse: result.adapterResponse
      )
    }
    let bytes = SourcesWriter.bytes(
      rows,
      metadata(project),
      elapsed: events.now.seconds(since: startedAt)
    )
    guard flags.writeJSON || flags.freshnessPath != nil else { return }
    try FileSystem.write(bytes, to: freshnessPath(project))
  }

  /// Tells that a file of its own is on its way out.
  func warnOfFreshnessPath() throws(PromotedWarning) {
    guard let path = flags.freshnessPath else { return }
    try events.warn(
      "CustomOutputPathInSourceFreshnessDeprecation",
      Diagnostic(
        id: "freshness.output",
        severity: .warning,
        message: "Custom output path usage `--output \(path)` usage detected in "
          + "`dbt source freshness` command.",
        hint: "use --target-path for the folder of all artifacts"
      ),
      details: ["path": .string(path)]
    )
  }

  private func freshnessPath(_ project: Project) -> String {
    flags.freshnessPath.map { FileSystem.absolute($0, from: flags.projectDirectory) }
      ?? "\(project.targetPath)/sources.json"
  }
}
