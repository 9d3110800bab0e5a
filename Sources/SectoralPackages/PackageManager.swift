internal import SectoralHTTP
package import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// `deps`: from the list in packages.yml to a folder of packages.
///
/// The order makes sure that a failure changes nothing: everything is resolved, then everything is
/// fetched, and only then packages.yml, the lock file and the packages' folder are exchanged.
package struct PackageManager {
  package struct Settings {
    /// The project's folder, absolute.
    package var root: String
    package var projectName: String
    /// Absolute.
    package var installPath: String
    /// Ignore the lock file.
    package var upgrades = false
    /// Write the lock file and install nothing.
    package var locksOnly = false
    package var added: (package: String, source: AddedPackageSource)?

    package init(root: String, projectName: String, installPath: String) {
      self.root = root
      self.projectName = projectName
      self.installPath = installPath
    }
  }

  private let settings: Settings
  private let world: PackageWorld
  private let render: PackageRenderer
  private let http: HTTPClient
  private let hub: Hub

  /// `render`: For packages.yml and package-lock.yml, secrets included.
  package init(_ settings: Settings, world: PackageWorld, render: @escaping PackageRenderer) {
    self.settings = settings
    self.world = world
    self.render = render
    http = HTTPClient(
      environment: world.environment,
      isCancelled: world.isCancelled,
      pause: world.pause
    )
    hub = Hub(http: http, world: world)
  }

  package func run() throws {
    let folder = try InstallFolder(settings.installPath, world: world)
    var edit: PackagesEdit?
    if let (package, source) = settings.added {
      edit = try PackagesEdit(adding: package, from: source, root: settings.root)
    }
    let entries =
      try edit.map(self.entries)
      ?? PackagesFile.read(
        root: settings.root,
        render: render
      ).entries
    if let edit { announce(edit) }
    guard !entries.isEmpty else {
      world.report(.noPackages)
      if !settings.locksOnly { try folder.exchange() }
      return
    }
    let fetcher = PackageFetcher(
      folder: folder.workFolder,
      root: settings.root,
      world: world,
      http: http
    )
    let resolver = Resolver(
      root: settings.root,
      rootName: settings.projectName,
      world: world,
      hub: hub,
      fetcher: fetcher,
      render: render
    )
    let checkSum = PackageLock.checkSum(of: entries)
    let lock =
      settings.upgrades || edit != nil
      ? nil : try PackageLock.read(root: settings.root, render: render)
    let isCurrent = lock?.checkSum == checkSum
    let packages = try resolver.resolve(
      isCurrent ? lock?.entries ?? [] : entries,
      asLocked: isCurrent
    )
    let lockPath = "\(settings.root)/\(PackageLock.fileName)"
    if !isCurrent { world.report(.updatingLock(path: lockPath)) }
    if !settings.locksOnly { try install(packages, into: folder, fetcher) }
    if world.isCancelled() { throw Interrupted.failure }
    if let edit { try FileSystem.write(Array(edit.text.utf8), to: edit.path) }
    if !isCurrent {
      try FileSystem.write(PackageLock.bytes(packages, checkSum: checkSum), to: lockPath)
    }
    if !settings.locksOnly { try folder.exchange() }
  }

  private func entries(_ edit: PackagesEdit) throws(Failure) -> [PackageEntry] {
    let name = FileSystem.name(of: edit.path)
    let node = YAMLParser.parse(SourceFile(path: name, text: edit.text)).root
    guard let list = node?["packages"] else { return [] }
    return try PackagesFile.entries(of: list, name, render)
  }

  private func announce(_ edit: PackagesEdit) {
    let name = FileSystem.name(of: edit.path)
    if edit.isNew { world.report(.createdFile(name)) }
    for entry in edit.removed { world.report(.duplicateRemoved(entry: entry, file: name)) }
    world.report(.packageAdded(name: edit.name, version: edit.version, path: edit.path))
  }

  // MARK: Installing

  private func install(
    _ packages: [ResolvedPackage],
    into folder: borrowing InstallFolder,
    _ fetcher: PackageFetcher
  ) throws {
    var outdated: [String] = []
    var projects: [String: PackageEntry] = [:]
    for package in packages {
      if world.isCancelled() { throw Interrupted.failure }
      let entry = package.entry
      switch (entry.source, package.content) {
      case (.hub(let name), .hub(let version)):
        world.report(.installing(name))
        let files = try fetcher.archive(of: version, name, entry)
        try check(files, entry, &projects)
        try folder.add(files, as: package.name)
        world.report(.installed(from: "version \(version.text)"))
        if let latest = try latest(name, entry), latest.version > version.version {
          world.report(.updateAvailable(latest.text))
          outdated.append(name)
        } else {
          world.report(.upToDate)
        }
      case (.git(_, let subdirectory), .git(let commit)):
        world.report(.installing(subdirectory.map { "\(entry.place)/\($0)" } ?? entry.place))
        try check(package.folder, entry, &projects)
        if let files = package.folder { try folder.add(files, as: package.name) }
        world.report(.installed(from: "revision \(commit)"))
        if let subdirectory { world.report(.subdirectory(subdirectory)) }
      case (.tarball(let url), _):
        world.report(.installing(package.name))
        try check(package.folder, entry, &projects)
        if let files = package.folder { try folder.add(files, as: package.name) }
        world.report(.installed(from: "tarball (url: \(url))"))
      default:
        world.report(.installing(entry.place))
        try check(package.folder, entry, &projects)
        if let files = package.folder {
          let isLink = try folder.link(files, as: package.name)
          world.report(isLink ? .linked(files) : .copied(files))
        }
        world.report(.installed(from: "<local @ \(entry.place)>"))
      }
    }
    if !outdated.isEmpty { world.report(.updatesAvailable(outdated)) }
  }

  private func latest(_ name: String, _ entry: PackageEntry) throws(Failure) -> Hub.Version? {
    Resolver.candidates(
      try hub.package(name, at: entry.span),
      world,
      takesPrereleases: entry.installsPrereleases
    ).last
  }

  /// Two packages may be installed in folders of their own and yet be called the same.
  private func check(
    _ folder: String?,
    _ entry: PackageEntry,
    _ projects: inout [String: PackageEntry]
  ) throws(Failure) {
    guard let folder else { return }
    guard FileSystem.exists("\(folder)/dbt_project.yml") else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.no-project",
          message: "There is no dbt_project.yml in the package \(entry.place)",
          span: entry.span,
          hint: "it is no package: check the entry"
        )
      )
    }
    let raw = try ProjectDefinition.parse(root: folder, shownFolder: "\(entry.place)/")
    guard let name = raw["name"]?.string else { return }
    if name == settings.projectName {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.same-name-as-root",
          message: "Found a dependency with the same name as the root project \"\(name)\". Package "
            + "names must be unique in a project. Please rename one of these packages.",
          span: entry.span,
          hint: "the name stands in dbt_project.yml"
        )
      )
    }
    if let other = projects.updateValue(entry, forKey: name) {
      throw Failure(.runtime, Resolver.sameName(name, other, entry))
    }
  }
}
