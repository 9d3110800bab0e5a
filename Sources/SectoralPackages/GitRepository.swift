internal import SectoralProcess
internal import SectoralProject
internal import SectoralText

/// Packages out of git repositories, through the user's own git: whatever it may read, and by
/// whatever protocol, can be installed.
struct GitRepository {
  let world: PackageWorld

  /// Fetches one revision of a repository into a folder that does not exist yet, without its history.
  ///
  /// - Returns: The commit.
  func checkOut(_ entry: PackageEntry, url: String, into folder: String) throws(Failure) -> String {
    let revision = entry.revision ?? "HEAD"
    for text in [url, revision] where text.hasPrefix("-") {
      throw failed(entry, "'\(text)' begins with a dash", hint: "check the entry")
    }
    world.report(.checkout("\(entry.place) at \(revision)"))
    try FileSystem.makeFolder(folder)
    try must(entry, ["init", "--quiet", folder])
    try must(entry, ["-C", folder, "remote", "add", "origin", url])
    var options = ["--quiet", "--depth", "1", "--no-tags"]
    if case .git(_, let subdirectory?) = entry.source {
      // Of a large repository only this part is fetched, where the server can do that.
      try must(entry, ["-C", folder, "config", "remote.origin.promisor", "true"])
      try must(entry, ["-C", folder, "config", "remote.origin.partialclonefilter", "blob:none"])
      try must(entry, ["-C", folder, "sparse-checkout", "set", subdirectory])
      options.append("--filter=blob:none")
    }
    let commit = try fetch(entry, revision, into: folder, options)
    try must(
      entry,
      ["-C", folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", commit]
    )
    try FileSystem.removeTree("\(folder)/.git")
    return commit
  }

  /// The tag, the branch or the commit of a name, in this order.
  private func fetch(
    _ entry: PackageEntry,
    _ revision: String,
    into folder: String,
    _ options: [String]
  ) throws(Failure) -> String {
    let fetch = ["-C", folder, "fetch"] + options + ["origin"]
    var last: Subprocess.Result?
    for name in revision == "HEAD" ? [revision] : ["refs/tags/\(revision)", revision] {
      let result = try run(entry, fetch + [name])
      if result.status == 0 { return try commit("FETCH_HEAD", entry, folder) }
      last = result
      // A repository that cannot be reached need not be asked again.
      if !Self.lacksReference(result.errors) { throw failed(entry, result) }
    }
    // Abbreviated commits, and those that a server does not hand out alone.
    if Self.looksLikeCommit(revision) {
      try must(entry, ["-C", folder, "fetch", "--quiet", "origin", "+refs/*:refs/remotes/all/*"])
      let result = try run(entry, ["-C", folder, "rev-parse", "--verify", "\(revision)^{commit}"])
      if result.status == 0 { return result.output.filter { $0 != "\n" } }
    }
    throw notFound(entry, revision, last, folder)
  }

  private func commit(
    _ name: String,
    _ entry: PackageEntry,
    _ folder: String
  ) throws(Failure) -> String {
    try must(entry, ["-C", folder, "rev-parse", "--verify", "\(name)^{commit}"])
      .filter { $0 != "\n" }
  }

  private static func lacksReference(_ words: String) -> Bool {
    ["couldn't find remote ref", "not our ref", "Server does not allow request", "no such ref"]
      .contains { words.contains($0) }
  }

  private static func looksLikeCommit(_ text: String) -> Bool {
    text.utf8.count >= 4
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
  }

  // MARK: Running git

  @discardableResult
  private func must(_ entry: PackageEntry, _ arguments: [String]) throws(Failure) -> String {
    let result = try run(entry, arguments)
    guard result.status == 0 else { throw failed(entry, result) }
    return result.output
  }

  private func run(
    _ entry: PackageEntry,
    _ arguments: [String]
  ) throws(Failure) -> Subprocess.Result {
    var environment = world.environment
    // Inside a hook these would lead git to another repository than ours.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] { environment[name] = nil }
    environment["LC_ALL"] = "C"
    environment["LANGUAGE"] = nil
    let git = Subprocess(
      program: "git",
      environment: environment,
      isCancelled: world.isCancelled
    )
    guard let result = git.run(arguments) else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.no-git",
          message: "Could not find command, ensure it is in the user's PATH: \"git\"",
          span: entry.span,
          hint: "install git (Debian's package git): it fetches git packages"
        )
      )
    }
    if world.isCancelled() { throw Interrupted.failure }
    return result
  }

  // MARK: Errors

  private func failed(_ entry: PackageEntry, _ result: Subprocess.Result) -> Failure {
    let lines = result.errors.split(separator: "\n").map(String.init)
    var words = lines.joined(separator: "\n")
    if words.isEmpty { words = "git ends with status \(result.status)" }
    return failed(
      entry,
      words,
      hint: "try 'git ls-remote \(entry.place)': it must work without questions; "
        + "what is installed stays in place"
    )
  }

  private func failed(_ entry: PackageEntry, _ words: String, hint: String) -> Failure {
    Failure(
      .internalError,
      Diagnostic(
        id: "packages.git",
        message: "Error checking out spec='\(entry.revision ?? "None")' for repo "
          + "\(entry.place)\n\(words)",
        span: entry.span,
        hint: hint
      )
    )
  }

  private func notFound(
    _ entry: PackageEntry,
    _ revision: String,
    _ result: Subprocess.Result?,
    _ folder: String
  ) -> Failure {
    var hint = "name a branch, a tag or a commit that is in the repository"
    if let listed = try? run(entry, ["-C", folder, "ls-remote", "--heads", "--tags", "origin"]),
      listed.status == 0
    {
      let names = listed.output.split(separator: "\n").compactMap { line in
        line.split(separator: "/", maxSplits: 2).last.map(String.init)
      }.filter { !$0.hasSuffix("^{}") }
      if let near = Spelling.nearest(to: revision, among: names) {
        hint = "did you mean '\(near)'?"
      } else if !names.isEmpty {
        hint += ": \(names.suffix(8).joined(separator: ", "))"
      }
    }
    let words = result?.errors.split(separator: "\n").joined(separator: "\n")
    return failed(entry, words ?? "no such revision", hint: hint)
  }
}

/// Ctrl-C in the middle.
enum Interrupted {
  static var failure: Failure {
    Failure(
      .runtime,
      Diagnostic(
        id: "packages.interrupted",
        message: "Interrupted: the packages stay as they were",
        hint: "run the command again"
      )
    )
  }
}
