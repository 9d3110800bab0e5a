import SectoralArtifacts
import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// Checks the profile, the project, what else is needed, and the connection, each for itself.
  func debug() throws(Failures) -> ExitStatus {
    var problems: [String] = []
    let loader = WorkspaceLoader(settings())
    var profile: Profile?
    do throws(Failure) {
      profile = try loader.loadProfile(toleratesBadProject: true)
    } catch {
      problems.append("Profile loading failed for the following reason:\n\(error.text())\n")
    }
    if let profile {
      invocation.secrets.add(profile.secrets, passwords: profile.commonPasswords)
    }
    reportArguments()
    if flags.printsConfigDirectory { return showProfilesFolder() }
    line("dbt version: \(WorkspaceLoader.compatibleVersion)")
    line("project directory: \(flags.projectDirectory)")
    let folder = flags.profilesDirectory.isEmpty ? "(none)" : flags.profilesDirectory
    line("Using profiles dir at \(folder)")
    line("Using profiles.yml file at \(flags.profilesDirectory)/profiles.yml")
    line("Using dbt_project.yml file at \(flags.projectDirectory)/dbt_project.yml")
    if let profile {
      line("adapter type: \(profile.type)")
      line("adapter version: \(Self.adapterVersion(profile.type))")
    }
    if flags.debugsConnectionOnly {
      line("Skipping steps before connection verification")
    } else {
      let promoted = warn(try checkFiles(profile, loader, &problems))
      guard promoted.isEmpty else { throw Failures(promoted) }
    }
    if let profile {
      checkConnection(profile, &problems)
    } else {
      line("Connection test skipped since no profile was found")
    }
    if problems.isEmpty {
      verdict("All checks passed!")
      return .success
    }
    verdict("\(problems.count) check\(problems.count == 1 ? "" : "s") failed:")
    for problem in problems { verdict(problem) }
    return .failure
  }

  /// `debug --config-dir`: how to open the folder with profiles.yml.
  private func showProfilesFolder() -> ExitStatus {
    #if os(macOS)
    let opener = "open"
    #else
    let opener = "xdg-open"
    #endif
    events.emit(
      .other(
        name: "OpenCommand",
        text: "To view your profiles.yml file, run:\n\n\(opener) \(flags.profilesDirectory)",
        data: [
          "open_cmd": .string(opener), "profiles_dir": .string(flags.profilesDirectory),
        ]
      )
    )
    return .success
  }

  private func line(_ text: String) { events.emit(.debugCmdOut(text)) }

  private func verdict(_ text: String) { events.emit(.debugCmdResult(text)) }

  /// `profiles.yml file [OK found and valid]`
  private func check(_ subject: String, _ verdict: String, _ isOK: Bool, after: String = "") {
    events.emit(.debugCmdCheck(subject: subject, verdict: verdict, isOK: isOK, after: after))
  }

  /// Returns what there is to warn of in dbt_project.yml.
  private func checkFiles(
    _ profile: Profile?,
    _ loader: WorkspaceLoader,
    _ problems: inout [String]
  ) throws(Failures) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    line("Configuration:")
    if let profile, profile.file == nil {
      check("  profiles.yml file", "not found: the embedded server is used", true)
    } else {
      check(
        "  profiles.yml file",
        profile == nil ? "ERROR invalid" : "OK found and valid",
        profile != nil
      )
    }
    do throws(Failure) {
      warnings = try loader.checkProject(profile)
      check("  dbt_project.yml file", "OK found and valid", true)
    } catch {
      // As dbt: templates that cannot be rendered end the command.
      guard error.kind != .compilation else { throw Failures([error]) }
      let isThere = FileSystem.exists("\(flags.projectDirectory)/dbt_project.yml")
      check("  dbt_project.yml file", isThere ? "ERROR invalid" : "ERROR not found", false)
      problems.append("Project loading failed for the following reason:\n\(error.text())")
    }
    line("Required dependencies:")
    let hasGit = (invocation.environment["PATH"] ?? "").split(separator: ":").contains {
      FileSystem.exists("\($0)/git")
    }
    check(" - git", hasGit ? "OK found" : "not found", hasGit, after: "\n")
    return warnings
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
      check("  Connection test:", "OK connection ok", true, after: "\n")
    } catch let error as WarehouseError {
      check("  Connection test:", "ERROR", false, after: "\n")
      let hint = error.hint.map { "\n  hint: \($0)" } ?? ""
      problems.append(Self.unreachable("Database Error\n\(error.message)\(hint)"))
    } catch let failure as Failure {
      check("  Connection test:", "ERROR", false, after: "\n")
      problems.append(Self.unreachable(failure.text()))
    } catch { preconditionFailure("an error of an unknown kind: \(error)") }
  }

  private static func unreachable(_ reason: String) -> String {
    let lines = reason.split(separator: "\n", omittingEmptySubsequences: false)
    return """
      sectoral was unable to connect to the specified database.
      The database returned the following error:

        >\(lines.joined(separator: "\n  "))

      Check the target's credentials in profiles.yml and try again.

      """
  }
}
