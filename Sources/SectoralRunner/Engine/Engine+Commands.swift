import SectoralCompiler
import SectoralGraph
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  // MARK: ls

  func list(_ project: Project) throws -> ExitStatus {
    let selected = try select(project)
    guard !selected.isEmpty else {
      try events.warn(
        "NoNodesSelected",
        Diagnostic(
          id: "select.nothing", severity: .warning, message: "No nodes selected!",
          hint: "check --select, --exclude and --resource-type"))
      return .success
    }
    for line in project.graph.lines(for: selected, as: flags.listOutput, keys: flags.outputKeys) {
      events.emit(.listCmdOut(line))
    }
    return .success
  }

  // MARK: clean

  func clean() throws -> ExitStatus {
    let raw = try ProjectDefinition.parse(root: flags.projectDirectory)
    let root = flags.projectDirectory
    let targets = raw["clean-targets"]?.datum.texts ?? [raw["target-path"]?.string ?? "target"]
    let keys = ["model-paths", "seed-paths", "test-paths", "analysis-paths", "macro-paths", "snapshot-paths"]
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
            message: "dbt will not clean the following directories outside the project: ['\(target)']",
            span: raw["clean-targets"]?.span,
            hint: "use --no-clean-project-files-only where that is what you want"))
      } else if path == root || protected.contains(where: { $0 == path || $0.hasPrefix(path + "/") }) {
        refused.append(
          Diagnostic(
            id: "clean.protected",
            message: "dbt will not clean the following source paths: ['\(target)']",
            span: raw["clean-targets"]?.span, hint: "take it out of 'clean-targets'"))
      }
    }
    guard refused.isEmpty else { throw Failure(.runtime, refused) }
    for target in targets {
      let path = FileSystem.absolute(target, from: root)
      events.emit(.checkCleanPath(path))
      try FileSystem.removeTree(path)
      events.emit(.confirmCleanPath(path))
    }
    events.emit(.finishedCleanPaths)
    return .success
  }

  // MARK: debug

  func debug() -> ExitStatus {
    func line(_ text: String) { events.emit(.debugCmdOut(text)) }
    var problems: [String] = []
    func describe(_ failure: Failure) -> String { failure.text() }
    if !flags.debugsConnectionOnly {
      line("dbt version: \(WorkspaceLoader.compatibleVersion)")
      line("project directory: \(flags.projectDirectory)")
      line("Using profiles dir at \(flags.profilesDirectory.isEmpty ? "(none)" : flags.profilesDirectory)")
      line("Using profiles.yml file at \(flags.profilesDirectory)/profiles.yml")
      line("Using dbt_project.yml file at \(flags.projectDirectory)/dbt_project.yml")
    }
    do {
      let (_, profile) = try WorkspaceLoader(settings()).loadProfile()
      if !flags.debugsConnectionOnly {
        line("adapter type: \(profile.type)")
        line("adapter version: \(Self.adapterVersion(profile.type))")
        line("Configuration:")
        line(
          "  profiles.yml file [\(profile.file == nil ? "not found: the embedded server is used" : "OK found and valid")]")
        line("  dbt_project.yml file [OK found and valid]")
        line("Required dependencies:")
        line(" - git [\(Self.isOnPath("git", invocation.environment) ? "OK found" : "not found")]")
        line("Connection:")
        for (key, value) in profile.targetVariable.entries
        where !["type", "threads", "name", "target_name", "profile_name", "dbname"].contains(key) {
          line("  \(key): \(value.pythonText)")
        }
      }
      do {
        let warehouse = try provider.warehouse(for: profile)
        let connection = try warehouse.open(name: "debug")
        defer { connection.close() }
        _ = try connection.execute("select 1 as id", fetch: true, limit: nil)
        events.emit(.debugCmdResult("  Connection test: [OK connection ok]"))
      } catch let error as WarehouseError {
        events.emit(.debugCmdResult("  Connection test: [ERROR]"))
        problems.append(error.message)
      } catch let failure as Failure {
        events.emit(.debugCmdResult("  Connection test: [ERROR]"))
        problems.append(describe(failure))
      } catch { preconditionFailure("an error of an unknown kind: \(error)") }
    } catch {
      problems.append(describe(error))
    }
    if problems.isEmpty {
      events.emit(.debugCmdResult("All checks passed!"))
      return .success
    }
    events.emit(.debugCmdResult("\(problems.count) check\(problems.count == 1 ? "" : "s") failed:"))
    for problem in problems { events.emit(.debugCmdResult(problem)) }
    return .failure
  }

  private static func isOnPath(_ program: String, _ environment: [String: String]) -> Bool {
    (environment["PATH"] ?? "").split(separator: ":").contains {
      FileSystem.exists("\($0)/\(program)")
    }
  }

  // MARK: db

  func database(_ action: DatabaseAction) throws -> ExitStatus {
    let (_, profile) = try WorkspaceLoader(settings()).loadProfile()
    let text = try provider.perform(
      action, for: profile, projectDirectory: flags.projectDirectory)
    if !text.isEmpty { events.emit(.listCmdOut(text)) }
    return .success
  }
}
