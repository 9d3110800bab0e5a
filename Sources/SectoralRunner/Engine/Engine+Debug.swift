import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// Checks the profile, the project, what else is needed, and the connection, each for itself.
  func debug() -> ExitStatus {
    var problems: [String] = []
    line("dbt version: \(WorkspaceLoader.compatibleVersion)")
    line("project directory: \(flags.projectDirectory)")
    let folder = flags.profilesDirectory.isEmpty ? "(none)" : flags.profilesDirectory
    line("Using profiles dir at \(folder)")
    line("Using profiles.yml file at \(flags.profilesDirectory)/profiles.yml")
    line("Using dbt_project.yml file at \(flags.projectDirectory)/dbt_project.yml")
    let loader = WorkspaceLoader(settings())
    var profile: Profile?
    do throws(Failure) {
      profile = try loader.loadProfile(toleratesBadProject: true)
    } catch {
      problems.append("Profile loading failed for the following reason:\n\(error.text())")
    }
    if let profile {
      line("adapter type: \(profile.type)")
      line("adapter version: \(Self.adapterVersion(profile.type))")
    }
    if flags.debugsConnectionOnly {
      line("Skipping steps before connection verification")
    } else {
      checkFiles(profile, loader, &problems)
    }
    if let profile {
      checkConnection(profile, &problems)
    } else {
      line("Connection test skipped since no profile was found")
    }
    events.emit(.formatting)
    if problems.isEmpty {
      line("All checks passed!")
      return .success
    }
    line("\(problems.count) check\(problems.count == 1 ? "" : "s") failed:")
    for problem in problems { line(problem) }
    return .failure
  }

  private func line(_ text: String) { events.emit(.debugCmdOut(text)) }

  private func result(_ subject: String, _ verdict: String, _ isOK: Bool) {
    events.emit(.debugCmdResult(subject: subject, verdict: verdict, isOK: isOK))
  }

  private func checkFiles(
    _ profile: Profile?,
    _ loader: WorkspaceLoader,
    _ problems: inout [String]
  ) {
    line("Configuration:")
    if let profile, profile.file == nil {
      result("  profiles.yml file", "not found: the embedded server is used", true)
    } else {
      result(
        "  profiles.yml file",
        profile == nil ? "ERROR invalid" : "OK found and valid",
        profile != nil
      )
    }
    do throws(Failure) {
      try loader.checkProject(profile)
      result("  dbt_project.yml file", "OK found and valid", true)
    } catch {
      let isThere = FileSystem.exists("\(flags.projectDirectory)/dbt_project.yml")
      result("  dbt_project.yml file", isThere ? "ERROR invalid" : "ERROR not found", false)
      problems.append("Project loading failed for the following reason:\n\(error.text())")
    }
    line("Required dependencies:")
    let hasGit = (invocation.environment["PATH"] ?? "").split(separator: ":").contains {
      FileSystem.exists("\($0)/git")
    }
    result(" - git", hasGit ? "OK found" : "not found", hasGit)
    events.emit(.formatting)
  }

  private func checkConnection(_ profile: Profile, _ problems: inout [String]) {
    line("Connection:")
    let others = ["type", "threads", "name", "target_name", "profile_name", "dbname"]
    for (key, value) in profile.targetVariable.entries where !others.contains(key) {
      line("  \(key): \(value.pythonText)")
    }
    for (key, guess) in profile.unknownKeys {
      let words = guess.map { "did you mean '\($0)'?" } ?? "ignored"
      line("  \(key): no setting of \(profile.type), \(words)")
    }
    do {
      let warehouse = try provider.warehouse(for: profile)
      let connection = try warehouse.open(name: "debug")
      defer { connection.close() }
      _ = try connection.execute("select 1 as id", fetch: true, limit: nil)
      result("  Connection test:", "OK connection ok", true)
    } catch let error as WarehouseError {
      result("  Connection test:", "ERROR", false)
      problems.append(error.message + (error.hint.map { "\n  hint: \($0)" } ?? ""))
    } catch let failure as Failure {
      result("  Connection test:", "ERROR", false)
      problems.append(failure.text())
    } catch { preconditionFailure("an error of an unknown kind: \(error)") }
  }
}
