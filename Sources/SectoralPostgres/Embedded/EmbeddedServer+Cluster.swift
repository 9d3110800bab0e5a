internal import CPostgres

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

extension EmbeddedServer {
  /// Makes a cluster if there is none. An interrupted attempt leaves no half cluster: it is made
  /// beside its place and moved there at the end.
  func ensureCluster() throws(EmbeddedServerError) {
    if Paths.exists("\(dataDirectory)/PG_VERSION"), Paths.exists("\(dataDirectory)/global") {
      return
    }
    if Paths.exists(dataDirectory) {
      let place = try moveClusterAway()
      report(.recreated(reason: "\(dataDirectory) holds no cluster", movedTo: place))
    }
    report(.creatingCluster(directory: dataDirectory))
    // A killed command's initdb may be writing for a moment yet: each attempt has its own name, and
    // what cannot be removed now can be the next time.
    for name in Paths.entries(directory) where name.hasPrefix("data.new") {
      _ = cpq_remove_tree("\(directory)/\(name)")
    }
    let unfinished = "\(directory)/data.new-\(getpid())-\(UInt16.random(in: 0...UInt16.max))"
    try makeDirectory(unfinished, owner: account)
    var program = Program(path: binaries.path(of: "initdb"))
    program.account = account
    program.parentDeathSignal = SIGKILL
    program.arguments = [
      "--pgdata=\(unfinished)", "--username=\(EmbeddedEndpoint.superuser)", "--auth=trust",
      "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=4", "--no-instructions",
    ]
    let (status, output) = try program.runToEnd()
    guard status == 0 else {
      _ = cpq_remove_tree(unfinished)
      throw EmbeddedServerError(
        .creation,
        "initdb could not make a cluster in \(directory)",
        log: output.lastLines(6),
        hint: Self.hint(forOutput: output)
      )
    }
    guard rename(unfinished, dataDirectory) == 0 else {
      throw EmbeddedServerError(
        .creation,
        "cannot move \(unfinished) to \(dataDirectory): \(systemMessage(errno))"
      )
    }
  }

  private static func hint(forOutput output: String) -> String {
    if output.contains("No space left") || output.contains("quota exceeded") {
      return "the disk is full: a cluster needs 50 MB; make room, or take another place with"
        + " SECTORAL_DB_HOME"
    }
    if output.contains("could not look up effective user ID") {
      return "the user has no name: add a line for it to /etc/passwd, or run as another user"
    }
    return "read what initdb says above"
  }

  /// Puts a cluster that does not work out of the way; only the last one is kept.
  ///
  /// - Returns: where it went.
  func moveClusterAway() throws(EmbeddedServerError) -> String {
    let place = "\(directory)/data.broken"
    try remove(place)
    guard rename(dataDirectory, place) == 0 else {
      throw EmbeddedServerError(
        .creation,
        "cannot move \(dataDirectory) to \(place): \(systemMessage(errno))"
      )
    }
    return place
  }

  private func remove(_ path: String) throws(EmbeddedServerError) {
    guard cpq_remove_tree(path) == 0 else {
      throw EmbeddedServerError(.creation, "cannot remove \(path): \(systemMessage(errno))")
    }
  }

  // MARK: Directories

  func prepareDirectories() throws(EmbeddedServerError) {
    guard plannedEndpoint.socketFile.utf8.count <= 107 else {
      throw EmbeddedServerError(
        .directory,
        "the path of the socket would be longer than 107 bytes: \(plannedEndpoint.socketFile)",
        hint: "take a shorter runtime directory"
      )
    }
    // For root the way to the data must be open to the server's account; the data itself is not.
    try makeDirectories(directory, mode: account == nil ? 0o700 : 0o755)
    try requireSafe(directory, owner: geteuid())
    if let account { try requireWay(to: directory, for: account) }
    try makeDirectories(configuration.runtimeDirectory, mode: account == nil ? 0o700 : 0o755)
    try requireSafe(configuration.runtimeDirectory, owner: geteuid())
    if let account { try requireWay(to: configuration.runtimeDirectory, for: account) }
    try makeDirectory(socketDirectory, owner: account)
    try requireSafe(socketDirectory, owner: account?.user ?? geteuid())
  }

  /// Makes a directory and those above it; what is there stays as it is.
  private func makeDirectories(_ path: String, mode: mode_t) throws(EmbeddedServerError) {
    if mkdir(path, mode) == 0 {
      // Whatever the umask says: the server's account must get through.
      if account != nil { chmod(path, mode) }
      return
    }
    switch errno {
    case EEXIST:
      return
    case ENOENT where path.contains("/"):
      let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      guard !parent.isEmpty else { break }
      try makeDirectories(String(parent), mode: mode)
      if mkdir(path, mode) == 0 {
        if account != nil { chmod(path, mode) }
        return
      }
      if errno == EEXIST { return }
    default:
      break
    }
    throw EmbeddedServerError(
      .directory,
      "cannot make the directory \(path): \(systemMessage(errno))",
      hint: "take another place with SECTORAL_DB_HOME"
    )
  }

  /// Makes a directory that only the server may enter.
  private func makeDirectory(_ path: String, owner: ServerAccount?) throws(EmbeddedServerError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw EmbeddedServerError(
        .directory,
        "cannot make the directory \(path): \(systemMessage(errno))"
      )
    }
    var status = stat()
    // Still root's: made just now, by us or by another command.
    guard let owner, lstat(path, &status) == 0, status.st_uid == geteuid() else { return }
    guard lchown(path, owner.user, owner.group) == 0 else {
      throw EmbeddedServerError(
        .directory,
        "cannot give \(path) to \(owner.name): \(systemMessage(errno))"
      )
    }
  }

  /// Refuses a directory that others could have put there, or put something into: in a directory for
  /// all, such as /tmp, somebody may have been there first.
  private func requireSafe(_ path: String, owner: uid_t) throws(EmbeddedServerError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      throw EmbeddedServerError(.directory, "cannot look at \(path): \(systemMessage(errno))")
    }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == owner, status.st_mode & 0o022 == 0
    else {
      throw EmbeddedServerError(
        .directory,
        "\(path) is not a directory that is ours alone",
        hint: "see who made it (ls -ld \(path)), and remove it"
      )
    }
  }

  /// Refuses a place that the server's account cannot get to, such as below root's home.
  private func requireWay(to path: String, for account: ServerAccount) throws(EmbeddedServerError) {
    var end = path.startIndex
    repeat {
      end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
      let part = String(path[..<end])
      var status = stat()
      guard stat(part, &status) == 0 else { return }
      let bit: mode_t =
        status.st_uid == account.user ? 0o100 : status.st_gid == account.group ? 0o010 : 0o001
      guard status.st_mode & bit != 0 else {
        throw EmbeddedServerError(
          .directory,
          "'\(account.name)', which Postgres runs as, may not enter \(part)",
          hint: "root's server needs a place that is open to others: set SECTORAL_DB_HOME to one,"
            + " such as /var/lib/sectoral"
        )
      }
    } while end != path.endIndex
  }
}
