/// What `debug` found out, said in dbt's order.
package struct DebugReport: Sendable {
  /// One check: nil is a success, a text what is wrong.
  package enum Check: Sendable, Hashable {
    case passed
    case failed(String)
  }

  /// Name and version of the operating system.
  package var system: String
  package var profilesDirectory: String
  package var profilesFile: String
  package var projectFile: String
  package var adapterType: String?
  package var adapterVersion: String?
  package var profile: Check
  package var project: Check
  /// Keys without secrets, in the adapter's order; nil when there is no profile to connect with.
  package var connection: [(key: String, value: String)]?
  /// nil when it was not tried.
  package var connectionTest: Check?
  /// `--connection`: the other checks are not shown.
  package var showsConnectionOnly: Bool

  package init(
    system: String,
    profilesDirectory: String,
    profilesFile: String,
    projectFile: String,
    adapterType: String?,
    adapterVersion: String?,
    profile: Check,
    project: Check,
    connection: [(key: String, value: String)]?,
    connectionTest: Check?,
    showsConnectionOnly: Bool = false
  ) {
    self.system = system
    self.profilesDirectory = profilesDirectory
    self.profilesFile = profilesFile
    self.projectFile = projectFile
    self.adapterType = adapterType
    self.adapterVersion = adapterVersion
    self.profile = profile
    self.project = project
    self.connection = connection
    self.connectionTest = connectionTest
    self.showsConnectionOnly = showsConnectionOnly
  }

  package func run(events: EventBus) -> ExitStatus {
    func say(_ text: String) { events.emit(.debugCmdOut(text)) }
    func show(_ subject: String, _ check: Check, good: String, bad: String) {
      events.emit(
        .debugCmdResult(
          subject: subject,
          verdict: check == .passed ? "OK \(good)" : "ERROR \(bad)",
          isOK: check == .passed
        )
      )
    }
    say("dbt version: \(ProductVersion.compatible)")
    say("sectoral version: \(ProductVersion.own)")
    say("os info: \(system)")
    say("Using profiles dir at \(profilesDirectory)")
    say("Using profiles.yml file at \(profilesFile)")
    say("Using dbt_project.yml file at \(projectFile)")
    if let adapterType { say("adapter type: \(adapterType)") }
    if let adapterVersion { say("adapter version: \(adapterVersion)") }
    if showsConnectionOnly {
      say("Skipping steps before connection verification")
    } else {
      say("Configuration:")
      show("  profiles.yml file", profile, good: "found and valid", bad: "invalid")
      show("  dbt_project.yml file", project, good: "found and valid", bad: "invalid")
    }
    if let connection {
      say("Connection:")
      for (key, value) in connection { say("  \(key): \(value)") }
    }
    if let connectionTest {
      show("  Connection test:", connectionTest, good: "connection ok", bad: "connection failed")
    }
    return verdict(events)
  }

  private func verdict(_ events: EventBus) -> ExitStatus {
    var checks: [Check] = connectionTest.map { [$0] } ?? []
    if !showsConnectionOnly { checks = [profile, project] + checks }
    let failures = checks.compactMap { check -> String? in
      if case .failed(let why) = check { why } else { nil }
    }
    events.emit(.formatting)
    guard !failures.isEmpty else {
      events.emit(.debugCmdOut("All checks passed!"))
      return .success
    }
    let noun = failures.count == 1 ? "check" : "checks"
    events.emit(.debugCmdOut("\(failures.count) \(noun) failed:"))
    for failure in failures { events.emit(.debugCmdOut(failure + "\n")) }
    return .failure
  }
}
