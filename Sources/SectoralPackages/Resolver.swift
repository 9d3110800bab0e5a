internal import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// A package of which it is known what exactly will be installed.
struct ResolvedPackage {
  enum Content {
    /// The version's text and its archive; nil where only the lock file was read.
    case hub(Hub.Version)
    case git(commit: String)
    case local
    case tarball
  }

  let entry: PackageEntry
  /// The folder it is installed in.
  let name: String
  let content: Content
  /// Where its files are already: a checkout, an unpacked archive, a local folder.
  var folder: String?
}

/// Finds out which packages a list of entries amounts to, those that packages ask for included.
///
/// As dbt does it: entries are taken in order, everything known so far about a package narrows its
/// version, and the entries of that version follow once the whole list is through. Nothing is taken
/// back, so the outcome does not depend on luck, and a conflict is reported with all who are part
/// of it.
struct Resolver {
  let root: String
  let rootName: String
  let world: PackageWorld
  let hub: Hub
  let fetcher: PackageFetcher
  let render: PackageRenderer

  /// What is known about one package: all entries that ask for it.
  private struct Demand {
    var entries: [PackageEntry]
    var resolved: ResolvedPackage?
    /// Versions whose own entries were read already.
    var expanded: Set<String> = []
    /// Keys of the packages that it asks for.
    var needs: [String] = []
  }

  /// `asLocked`: The entries are those of a lock file: all of them, exactly.
  func resolve(_ entries: [PackageEntry], asLocked: Bool) throws -> [ResolvedPackage] {
    if asLocked {
      var found: [ResolvedPackage] = []
      for entry in entries { found.append(try resolved(Demand(entries: [entry]))) }
      try checkNames(found)
      return found
    }
    var order: [String] = []
    var demands: [String: Demand] = [:]
    var pending = entries
    while !pending.isEmpty {
      var next: [PackageEntry] = []
      for entry in pending {
        let key = Self.key(entry)
        if demands[key] == nil { order.append(key) }
        var demand = demands[key] ?? Demand(entries: [])
        demand.entries.append(entry)
        let resolved = try self.resolved(demand)
        demand.resolved = resolved
        if demand.expanded.insert(Self.identity(resolved)).inserted {
          var own = try self.entries(of: resolved)
          for index in own.indices {
            own[index].demander = resolved.name
            // A reader of the message has no file of the hub's.
            if case .hub = resolved.content { own[index].span = resolved.entry.span }
          }
          demand.needs = own.map(Self.key)
          next += own
        }
        demands[key] = demand
      }
      pending = next
    }
    for key in order {
      if let path = Self.cycle(from: key, demands) { throw cycle(path, demands) }
    }
    let found = order.compactMap { demands[$0]?.resolved }
    try checkNames(found)
    return found
  }

  /// Entries with the same key ask for the same package.
  private static func key(_ entry: PackageEntry) -> String {
    switch entry.source {
    case .hub(let name): return name
    case .git(let url, let subdirectory):
      let bare = url.hasSuffix(".git") ? String(url.dropLast(4)) : url
      return subdirectory.map { "\(bare)/\($0)" } ?? bare
    case .local(let path): return path
    case .tarball(let url): return url
    }
  }

  private static func identity(_ package: ResolvedPackage) -> String {
    switch package.content {
    case .hub(let version): version.text
    case .git(let commit): commit
    case .local, .tarball: ""
    }
  }

  // MARK: One package

  private func resolved(_ demand: Demand) throws -> ResolvedPackage {
    // There is at least the entry that was just added.
    guard let entry = demand.entries.first else { preconditionFailure("no demand") }
    switch entry.source {
    case .hub(let name): return try hubPackage(name, demand)
    case .git:
      if demand.resolved == nil || demand.entries.count == 1 { return try gitPackage(demand) }
      try checkRevisions(demand)
      return try demand.resolved ?? gitPackage(demand)
    case .local(let path):
      let folder = FileSystem.absolute(path, from: root)
      return ResolvedPackage(
        entry: entry,
        name: try projectName(folder, entry),
        content: .local,
        folder: folder
      )
    case .tarball:
      if let resolved = demand.resolved { return resolved }
      let folder = try fetcher.tarball(entry)
      // The reader of entries sees to it that there is a name.
      let name = entry.name ?? ""
      return ResolvedPackage(entry: entry, name: name, content: .tarball, folder: folder)
    }
  }

  private func gitPackage(_ demand: Demand) throws -> ResolvedPackage {
    try checkRevisions(demand)
    guard let entry = demand.entries.first else { preconditionFailure("no demand") }
    let isBranch = ["main", "master", "HEAD", nil].contains(entry.revision)
    if isBranch, demand.entries.allSatisfy(\.warnsUnpinned) {
      let pinned =
        entry.revision.map { "is pinned to the \"\($0)\" branch." }
        ?? "is not pinned, using HEAD (default branch)."
      try world.warn(
        "DepsUnpinned",
        Diagnostic(
          id: "packages.unpinned",
          severity: .warning,
          message: "The git package \"\(entry.place)\" \n\t\(pinned)\n"
            + "\tThis can introduce breaking changes into your project without warning!",
          span: entry.span,
          hint: "write revision: and a tag or a commit, or warn-unpinned: false"
        )
      )
    }
    let (folder, commit) = try fetcher.checkout(entry)
    let name = try projectName(folder, entry)
    return ResolvedPackage(entry: entry, name: name, content: .git(commit: commit), folder: folder)
  }

  private func checkRevisions(_ demand: Demand) throws(Failure) {
    let revisions = demand.entries.map { $0.revision ?? "HEAD" }
    guard Set(revisions).count > 1, let last = demand.entries.last else { return }
    throw Failure(
      .runtime,
      Diagnostic(
        id: "packages.revisions",
        message: "git dependencies should contain exactly one version. \(last.place) "
          + "contains: \(Datum.list(Set(revisions).sorted().map(Datum.string)).pythonRepr)",
        span: last.span,
        hint: "write the same revision everywhere: " + who(demand)
      )
    )
  }

  private func projectName(_ folder: String, _ entry: PackageEntry) throws(Failure) -> String {
    let path = "\(folder)/dbt_project.yml"
    guard FileSystem.exists(path) else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.no-project",
          message: "No dbt_project.yml found at expected path \(path)\n"
            + "Verify that each entry within packages.yml (and their transitive dependencies) "
            + "contains a file named dbt_project.yml",
          span: entry.span,
          hint: entry.demander.map {
            "the package '\($0)' asks for it; paths of local packages start at the project's folder, "
              + "also in packages"
          } ?? "paths of local packages start at the project's folder"
        )
      )
    }
    let raw = try ProjectDefinition.parse(root: folder, shownFolder: "\(folder)/")
    guard let name = raw["name"]?.string, !name.isEmpty, !name.contains("/"), name != ".." else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.no-name",
          message: "Required \"name\" field not present in project",
          span: raw.span,
          hint: "a package needs a name in its dbt_project.yml"
        )
      )
    }
    return name
  }

  // MARK: Hub packages

  private func hubPackage(_ name: String, _ demand: Demand) throws -> ResolvedPackage {
    let range: VersionRange
    do throws(VersionRange.NotAVersion) {
      range = try VersionRange(demand.entries.flatMap(\.versions))
    } catch {
      throw badVersion(error.text, demand)
    }
    guard range.isSatisfiable else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.versions",
          message: "Version error for package \(name): Could not find a satisfactory version from "
            + "options: \(Datum.list(range.demands.map(Datum.string)).pythonRepr)",
          span: demand.entries.last?.span,
          hint: "change one of them: " + who(demand)
        )
      )
    }
    // There is at least the entry that was just added.
    guard let entry = demand.entries.first else { preconditionFailure("no demand") }
    let package = try hub.package(name, at: entry.span)
    if let successor = package.successor, demand.resolved == nil {
      try world.warn(
        "PackageRedirectDeprecation",
        Diagnostic(
          id: "packages.redirect",
          severity: .warning,
          message: "The `\(name)` package is deprecated in favor of `\(successor)`. Please update "
            + "your `packages.yml` configuration to use `\(successor)` instead.",
          span: entry.span
        )
      )
    }
    let takesPrereleases =
      range.namesPrerelease || demand.entries.contains(where: \.installsPrereleases)
    let candidates = Self.candidates(package, world, takesPrereleases: takesPrereleases)
    guard let best = candidates.last(where: { range.admits($0.version) }) else {
      throw noVersion(name, range, candidates, package, demand)
    }
    return ResolvedPackage(entry: entry, name: package.name, content: .hub(best), folder: nil)
  }

  /// Versions that may be installed here, the oldest first.
  static func candidates(
    _ package: Hub.Package,
    _ world: PackageWorld,
    takesPrereleases: Bool
  ) -> [Hub.Version] {
    let own = world.dbtVersion.flatMap { SemanticVersion($0) }
    return package.versions.filter { version in
      guard takesPrereleases || version.version.prerelease.isEmpty else { return false }
      guard let own else { return true }
      return version.requiredVersions.allSatisfy { VersionSpecifier($0)?.admits(own) ?? true }
    }.sorted { $0.version < $1.version }
  }

  private func noVersion(
    _ name: String,
    _ range: VersionRange,
    _ candidates: [Hub.Version],
    _ package: Hub.Package,
    _ demand: Demand
  ) -> Failure {
    let list = Datum.list(candidates.map { .string($0.text) }).pythonRepr
    var message =
      "Could not find a matching compatible version for package \(name)\n"
      + "  Requested range: \(range.description)\n  Compatible versions: \(list)"
    if world.dbtVersion != nil {
      message +=
        "\n\n  Not shown: package versions incompatible with installed version of dbt-core\n"
        + "  To include them, run 'dbt --no-version-check deps'"
    }
    var hint = "change the range: " + who(demand)
    if demand.entries.last?.span.file.path == PackageLock.fileName {
      hint = "the lock file names a version that is not to be had: run deps --upgrade"
    }
    let fitting = package.versions.filter { range.admits($0.version) }
    if let version = fitting.first(where: { !$0.version.prerelease.isEmpty }) {
      hint = "\(version.text) is there, before its release: write install-prerelease: true"
    } else if let version = fitting.last, let dbt = world.dbtVersion {
      hint =
        "\(version.text) is there, but asks for dbt "
        + "\(version.requiredVersions.joined(separator: ", ")), and this is \(dbt)"
    }
    return Failure(
      .runtime,
      Diagnostic(
        id: "packages.no-version",
        message: message,
        span: demand.entries.last?.span,
        hint: hint
      )
    )
  }

  private func badVersion(_ text: String, _ demand: Demand) -> Failure {
    Failure(
      .runtime,
      Diagnostic(
        id: "packages.bad-version",
        message: "\"\(text)\" is not a valid semantic version.",
        span: demand.entries.last?.span,
        hint: "write three numbers, for instance 1.0.0, or [\">=1.0.0\", \"<2.0.0\"]"
      )
    )
  }

  /// Who asks for what: `packages.yml:3 (=1.0.0), package beta (<0.9.0)`.
  private func who(_ demand: Demand) -> String {
    demand.entries.map { entry in
      let what =
        entry.versions.isEmpty
        ? entry.revision ?? "HEAD" : entry.versions.joined(separator: ",")
      let asker =
        entry.demander.map { "the package \($0)" }
        ?? "\(entry.span.file.path):\(entry.span.position.line)"
      return "\(asker) asks for \(what)"
    }.joined(separator: "; ")
  }

  // MARK: What a package asks for

  private func entries(of package: ResolvedPackage) throws -> [PackageEntry] {
    if case .hub(let version) = package.content {
      return try PackagesFile.entries(of: version.packages, "\(package.name)'s packages.yml") { $0 }
    }
    guard let folder = package.folder else { return [] }
    let file = try PackagesFile.read(root: folder, shownFolder: "\(folder)/", render: render)
    return file.entries
  }

  // MARK: The whole

  private static func cycle(from start: String, _ demands: [String: Demand]) -> [String]? {
    var path: [String] = []
    var finished: Set<String> = []
    func visit(_ key: String) -> [String]? {
      if let index = path.firstIndex(of: key) { return Array(path[index...]) + [key] }
      guard !finished.contains(key), path.count < 200 else { return nil }
      path.append(key)
      for need in demands[key]?.needs ?? [] {
        if let found = visit(need) { return found }
      }
      path.removeLast()
      finished.insert(key)
      return nil
    }
    return visit(start)
  }

  private func cycle(_ path: [String], _ demands: [String: Demand]) -> Failure {
    Failure(
      .runtime,
      Diagnostic(
        id: "packages.cycle",
        message: "Packages ask for one another in a circle: \(path.joined(separator: " --> "))",
        span: path.first.flatMap { demands[$0]?.entries.first?.span },
        hint: "one of them has to do without the other"
      )
    )
  }

  private func checkNames(_ packages: [ResolvedPackage]) throws(Failure) {
    var seen: [String: ResolvedPackage] = [:]
    for package in packages {
      if package.name == rootName {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "packages.same-name-as-root",
            message: "Found a dependency with the same name as the root project "
              + "\"\(package.name)\". Package names must be unique in a project. Please rename one "
              + "of these packages.",
            span: package.entry.span,
            hint: "the name stands in dbt_project.yml"
          )
        )
      }
      if let other = seen.updateValue(package, forKey: package.name) {
        throw Failure(.runtime, Self.sameName(package.name, other.entry, package.entry))
      }
    }
  }

  static func sameName(
    _ name: String,
    _ first: PackageEntry,
    _ second: PackageEntry
  ) -> Diagnostic {
    func place(_ entry: PackageEntry) -> String {
      switch entry.source {
      case .hub(let name): name
      case .git, .local, .tarball: entry.place
      }
    }
    return Diagnostic(
      id: "packages.same-name",
      message: "Found duplicate project \"\(name)\". This occurs when a dependency has the same "
        + "project name as some other dependency.",
      span: second.span,
      hint: "\(place(first)) and \(place(second)) cannot be installed together: keep one of them"
    )
  }
}
