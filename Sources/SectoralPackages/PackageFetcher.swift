internal import SectoralHTTP
internal import SectoralProject
internal import SectoralText

/// Gets the files of packages into a folder for the time of one command.
final class PackageFetcher {
  /// Absolute; made when something is put there.
  private let folder: String
  private let root: String
  private let world: PackageWorld
  private let http: HTTPClient
  private var count = 0
  private var checkouts: [String: (folder: String, commit: String)] = [:]
  private var tarballs: [String: String] = [:]

  init(folder: String, root: String, world: PackageWorld, http: HTTPClient) {
    self.folder = folder
    self.root = root
    self.world = world
    self.http = http
  }

  private func newFolder() -> String {
    count += 1
    return "\(folder)/\(count)"
  }

  /// The folder of the package within a fresh checkout, and the commit; each revision is fetched once.
  func checkout(_ entry: PackageEntry) throws(Failure) -> (folder: String, commit: String) {
    guard case .git(let url, let subdirectory) = entry.source else {
      preconditionFailure("only git packages are checked out")
    }
    let key = "\(url)\n\(subdirectory ?? "")\n\(entry.revision ?? "")"
    if let known = checkouts[key] { return known }
    let whole = newFolder()
    let commit = try GitRepository(world: world).checkOut(entry, url: url, into: whole)
    var place = whole
    if let subdirectory {
      place = FileSystem.absolute(subdirectory, from: whole)
      guard place.hasPrefix(whole + "/"), FileSystem.isFolder(place) else {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "packages.no-subdirectory",
            message: "Directory does not exist: \"\(subdirectory)\" in \(entry.place) at "
              + "\(entry.revision ?? "HEAD")",
            span: entry.span,
            hint: "check subdirectory:, which starts at the top of the repository"
          )
        )
      }
    }
    checkouts[key] = (place, commit)
    // The lock file asks for the commit itself.
    checkouts["\(url)\n\(subdirectory ?? "")\n\(commit)"] = (place, commit)
    return (place, commit)
  }

  /// The folder of an unpacked archive that packages.yml names.
  func tarball(_ entry: PackageEntry) throws(Failure) -> String {
    if let known = tarballs[entry.place] { return known }
    let folder = try unpack(entry.place, sha1: nil, what: entry.name ?? entry.place, entry)
    tarballs[entry.place] = folder
    return folder
  }

  /// The folder of a hub package.
  func archive(
    of version: Hub.Version,
    _ name: String,
    _ entry: PackageEntry
  ) throws(Failure) -> String {
    try unpack(version.tarball, sha1: version.sha1, what: "\(name) \(version.text)", entry)
  }

  private func unpack(
    _ url: String,
    sha1: String?,
    what: String,
    _ entry: PackageEntry
  ) throws(Failure) -> String {
    world.report(.download(url))
    var archive: TarArchive?
    var problem: TarArchive.Problem?
    var hasWrongSum = false
    do throws(HTTPError) {
      _ = try http.get(
        url,
        check: { response throws(HTTPError) in
          (archive, problem, hasWrongSum) = (nil, nil, false)
          if let sha1, Digest.sha1(response.body) != sha1 {
            hasWrongSum = true
            throw HTTPError(
              reason: .truncated,
              message: "the archive at \(url) does not have the check sum that the hub gives"
            )
          }
          do throws(TarArchive.Problem) {
            archive = try TarArchive(gzip: response.body)
          } catch {
            problem = error
            throw HTTPError(
              reason: error.isPassing ? .truncated : .other,
              message: "the archive at \(url) cannot be used: \(error.message)"
            )
          }
        },
        onRetry: { attempt, error in world.report(.retry(attempt, error.message)) }
      )
    } catch {
      if world.isCancelled() { throw Interrupted.failure }
      let hint =
        hasWrongSum
        ? "the archive changed after it was published: try again, or if you trust its source, "
          + "install it with git: and a revision" : problem?.hint ?? error.hint
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.download",
          message: "The package \(what) could not be downloaded: \(error.message)",
          span: entry.span,
          hint: hint
        )
      )
    }
    let place = newFolder()
    // `get` only comes back when `check` was content.
    try archive?.extract(into: place)
    return place
  }
}
