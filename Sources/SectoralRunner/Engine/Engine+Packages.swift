import SectoralCompiler
import SectoralPackages
import SectoralProject
import SectoralText
import SectoralYAML

extension Engine {
  // MARK: deps

  func installPackages() throws -> ExitStatus {
    let loader = WorkspaceLoader(settings())
    let root = try loader.loadDefinition(toleratesMissingVariables: true)
    let promoted = warn(root.namedWarnings)
    guard promoted.isEmpty else { throw Failures(promoted) }
    var settings = PackageManager.Settings(
      root: root.root,
      projectName: root.name,
      installPath: FileSystem.absolute(root.packagesInstallPath, from: root.root)
    )
    settings.upgrades = flags.upgradesPackages
    settings.locksOnly = flags.locksPackagesOnly
    settings.added = flags.addedPackage.map { ($0, flags.addedPackageSource) }
    let events = events
    let cancellation = invocation.cancellation
    let world = PackageWorld(
      environment: invocation.environment,
      isCancelled: { cancellation.isCancelled },
      pause: { cancellation.sleep(seconds: $0) },
      dbtVersion: flags.versionCheck ? WorkspaceLoader.compatibleVersion : nil,
      report: { Self.forward($0, to: events) },
      warn: { name, diagnostic in try events.warn(name, diagnostic) }
    )
    try PackageManager(settings, world: world) { node throws(Failure) in
      try loader.renderPackages(node)
    }.run()
    return .success
  }

  private static func forward(_ event: PackageEvent, to events: EventBus) {
    func say(_ name: String, _ text: String, _ data: DatumMap = DatumMap()) {
      events.emit(.other(name: name, text: text, data: data))
    }
    switch event {
    case .noPackages:
      say("DepsNoPackagesFound", "Warning: No packages were found in packages.yml")
    case .createdFile(let name): events.emit(.note("Created \(name)"))
    case .duplicateRemoved(let entry, let file):
      say(
        "DepsFoundDuplicatePackage",
        "Found duplicate package in \(file), removing: \(entry)",
        ["removed_package": .string(entry)]
      )
    case .packageAdded(let name, let version, let path):
      say(
        "DepsAddPackage",
        "Added new package \(name)@\(version) to \(path)",
        [
          "package_name": .string(name), "version": .string(version),
          "packages_filepath": .string(path),
        ]
      )
    case .updatingLock(let path):
      say(
        "DepsLockUpdating",
        "Updating lock file in file path: \(path)",
        ["lock_filepath": .string(path)]
      )
    case .installing(let name):
      say("DepsStartPackageInstall", "Installing \(name)", ["package_name": .string(name)])
    case .installed(let what):
      say("DepsInstallInfo", "Installed from \(what)", ["version_name": .string(what)])
    case .subdirectory(let path):
      say("DepsListSubdirectory", "and subdirectory \(path)", ["subdirectory": .string(path)])
    case .updateAvailable(let version):
      say(
        "DepsUpdateAvailable",
        "Updated version available: \(version)",
        ["version_latest": .string(version)]
      )
    case .upToDate: say("DepsUpToDate", "Up to date!")
    case .updatesAvailable(let names):
      let list = Datum.list(names.map(Datum.string))
      events.emit(.formatting)
      say(
        "DepsNotifyUpdatesAvailable",
        "Updates available for packages: \(list.pythonRepr)\n"
          + "Update your versions in packages.yml, then run sectoral deps",
        ["packages": list]
      )
    case .hubRequest(let url):
      say(
        "RegistryProgressGETRequest",
        "Making package registry request: GET \(url)",
        ["url": .string(url)]
      )
    case .hubResponse(let url, let status):
      say(
        "RegistryProgressGETResponse",
        "Response from registry: GET \(url) \(status)",
        ["url": .string(url), "resp_code": .int(status)]
      )
    case .retry(let attempt, let why):
      // dbt tells it to the log file alone; but somebody is waiting.
      events.emit(
        .other(
          name: "RetryExternalCall",
          text: "Trying again (\(attempt + 1) of 5): \(why)",
          data: ["attempt": .int(attempt), "max": .int(5)]
        ),
        level: .info
      )
    case .download(let url): say("RecordRetryException", "Downloading \(url)")
    case .checkout(let what):
      say("GitProgressCheckoutRevision", "Checking out \(what).", ["revision": .string(what)])
    case .linked(let path): say("DepsCreatingLocalSymlink", "Linking the local package \(path).")
    case .copied(let path):
      say("DepsSymlinkNotAvailable", "A link is not possible here: copying \(path).")
    case .waiting:
      events.emit(.note("Waiting for another command that installs packages here"))
    }
  }
}
