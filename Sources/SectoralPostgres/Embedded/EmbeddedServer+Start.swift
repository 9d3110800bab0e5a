internal import CPostgres
internal import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

extension EmbeddedServer {
  /// Starts the server unless it runs, and waits until it takes connections.
  ///
  /// Commands that call it at the same time share one server. What an earlier server left behind
  /// when it or the machine went down is put right; a cluster that cannot be started is moved away
  /// and made anew. Hold a lease, or the server may stop again at once.
  package func start() throws(EmbeddedServerError) -> EmbeddedEndpoint {
    try prepareDirectories()
    if let endpoint = runningEndpoint() { return endpoint }
    let lock = try lockForStarting()
    defer { lock.release() }
    // Another command may have started it while we waited.
    if let endpoint = try endpointOfLivingSupervisor() { return endpoint }
    var mayRecreate = true
    var hasReported = false
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: configuration.startTimeout)
    while true {
      try endOrphan()
      try removeStaleSocket()
      try ensureCluster()
      if !hasReported {
        report(.starting)
        hasReported = true
      }
      switch try launch(until: deadline) {
      case .ready:
        return plannedEndpoint
      case .failed(let failure):
        if failure.mayPassByWaiting, clock.now < deadline {
          usleep(100_000)
        } else if failure.isDamage, mayRecreate {
          mayRecreate = false
          let place = try moveClusterAway()
          report(.recreated(reason: failure.reason, movedTo: place))
        } else {
          throw EmbeddedServerError(
            .start,
            "the private Postgres server did not start: \(failure.reason)",
            log: failure.log,
            hint: failure.hint ?? "read \(logFile)"
          )
        }
      }
    }
  }

  /// Stops the server.
  ///
  /// - Parameter evenIfInUse: Whether to take it away from commands that are using it.
  /// - Returns: whether it was running.
  /// - Throws: `.inUse` when others use it and it is not to be taken from them.
  @discardableResult
  package func stop(evenIfInUse: Bool) throws(EmbeddedServerError) -> Bool {
    guard Paths.exists(supervisorFile) else { return false }
    let lock = try lockForStarting()
    defer { lock.release() }
    let lease = try FileLock.acquire(leaseFile, .exclusive, waits: false)
    defer { lease?.release() }
    let hasSupervisor = try isSupervisorAlive()
    if lease == nil, !evenIfInUse, hasSupervisor {
      throw EmbeddedServerError(
        .inUse,
        "another command is using the server",
        hint: "wait for it to end, or end it, and try again"
      )
    }
    if hasSupervisor { try stopSupervisor() }
    let hadOrphan = try endOrphan()
    return hasSupervisor || hadOrphan
  }

  private func lockForStarting() throws(EmbeddedServerError) -> FileLock {
    if let lock = try FileLock.acquire(startLockFile, .exclusive, waits: false) { return lock }
    report(.waiting)
    guard let lock = try FileLock.acquire(startLockFile, .exclusive, waits: true) else {
      preconditionFailure("a lock that is waited for is got")
    }
    return lock
  }
}

// MARK: - The supervisor and what it leaves

extension EmbeddedServer {
  private func isSupervisorAlive() throws(EmbeddedServerError) -> Bool {
    guard let lock = try FileLock.acquire(supervisorFile, .exclusive, waits: false) else {
      return true
    }
    lock.release()
    return false
  }

  /// Waits for a server whose supervisor lives; stops one that does not answer.
  private func endpointOfLivingSupervisor() throws(EmbeddedServerError) -> EmbeddedEndpoint? {
    let clock = ContinuousClock()
    let begin = clock.now
    while try isSupervisorAlive() {
      let waited = begin.duration(to: clock.now)
      guard let endpoint = registration()?.endpoint(of: self) else {
        // It has just been started, by a command that was killed while it held the lock.
        if waited > .seconds(5) { break }
        usleep(2000)
        continue
      }
      switch probe(endpoint) {
      case .accepting: return endpoint
      case .refusing(let error):
        throw EmbeddedServerError(error, doing: "the private server refuses connections")
      case .notNow where waited > configuration.startTimeout: try stopSupervisor()
      // Its socket may have been removed with the directory, at the end of a login session.
      case .none where waited > .seconds(5): try stopSupervisor()
      case .none, .notNow: usleep(2000)
      }
    }
    return nil
  }

  private func stopSupervisor() throws(EmbeddedServerError) {
    guard let process = registration()?.supervisor,
      Program.arguments(of: process)?.contains(directory) == true
    else {
      throw EmbeddedServerError(
        .inUse,
        "the cluster in \(directory) is used by a process that cannot be seen from here",
        hint: "another container or machine shares the directory: stop the server there, or take"
          + " another directory with SECTORAL_DB_HOME"
      )
    }
    kill(process, SIGTERM)
    // The supervisor itself loses patience with the server after 15 seconds.
    if try wait(.seconds(20), until: { () throws(EmbeddedServerError) in try !isSupervisorAlive() })
    {
      return
    }
    kill(process, SIGKILL)
    _ = try wait(.seconds(5), until: { () throws(EmbeddedServerError) in try !isSupervisorAlive() })
  }

  /// Ends a server without a supervisor, and removes the traces of one that is gone.
  ///
  /// - Returns: whether one was there.
  @discardableResult
  private func endOrphan() throws(EmbeddedServerError) -> Bool {
    let file = "\(dataDirectory)/postmaster.pid"
    guard let bytes = Paths.contents(file) else { return false }
    let line = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    // The number alone says nothing: it may long be another program's.
    guard let process = pid_t(line), Program.isAlive(process),
      Program.arguments(of: process)?.contains(dataDirectory) == true
    else {
      // Postgres does not start while the number in the file is that of any living process of ours.
      unlink(file)
      return false
    }
    func isGone() -> Bool { !Program.isAlive(process) }
    // It may be stopping already, because its supervisor ended.
    for (signal, patience) in [(SIGINT, 10), (SIGQUIT, 5), (SIGKILL, 5)] {
      kill(process, signal)
      if try wait(.seconds(patience), until: { () throws(EmbeddedServerError) in isGone() }) {
        unlink(file)
        return true
      }
    }
    throw EmbeddedServerError(
      .start,
      "an old server (process \(process)) does not end",
      hint: "end it by hand: kill -9 \(process)"
    )
  }

  /// As with the data directory, Postgres is too careful about the number in a left-over file.
  private func removeStaleSocket() throws(EmbeddedServerError) {
    let socket = plannedEndpoint.socketFile
    guard cpq_socket_answers(socket) == 0 else {
      throw EmbeddedServerError(
        .start,
        "another Postgres server listens at \(socket)",
        hint: "give each state directory a runtime directory of its own"
      )
    }
    unlink(socket)
    unlink(socket + ".lock")
  }

  private func wait(
    _ duration: Duration,
    until condition: () throws(EmbeddedServerError) -> Bool
  ) throws(EmbeddedServerError) -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: duration)
    while clock.now < deadline {
      if try condition() { return true }
      usleep(2000)
    }
    return try condition()
  }
}

// MARK: - Launching

extension EmbeddedServer {
  private enum Launch {
    case ready
    case failed(LaunchFailure)
  }

  private func launch(until deadline: ContinuousClock.Instant) throws(EmbeddedServerError) -> Launch
  {
    // A log of a server that ran for months is cut here; nobody else writes to it now.
    if Paths.size(logFile) > 1 << 20 { rename(logFile, logFile + ".1") }
    let logStart = Paths.size(logFile)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw EmbeddedServerError(.start, "cannot make a pipe: \(systemMessage(errno))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    defer { close(ends[0]) }
    do throws(EmbeddedServerError) {
      try startSupervisor(reportingTo: ends[1])
      close(ends[1])
    } catch {
      close(ends[1])
      throw error
    }

    // The supervisor writes what goes wrong; the end of the pipe is its end.
    var words: [UInt8] = []
    let clock = ContinuousClock()
    while true {
      let answer = probe(plannedEndpoint)
      if case .accepting = answer { return .ready }
      var buffer = [UInt8](repeating: 0, count: 1024)
      let count = read(ends[0], &buffer, buffer.count)
      if count > 0 { words.append(contentsOf: buffer[..<count]) }
      let hasEnded = count == 0
      if case .refusing(let error) = answer {
        try stopSupervisor()
        return .failed(LaunchFailure(refusal: error))
      }
      if hasEnded || clock.now > deadline {
        if !hasEnded { try stopSupervisor() }
        return .failed(failure(logStart: logStart, words: words, timedOut: !hasEnded))
      }
      // Postgres is ready some 30 ms after its start.
      usleep(2000)
    }
  }

  private func failure(logStart: Int, words: [UInt8], timedOut: Bool) -> LaunchFailure {
    let log = Paths.contents(logFile, from: logStart) ?? []
    var failure = LaunchFailure(
      log: String(decoding: log, as: UTF8.self),
      supervisor: String(decoding: words, as: UTF8.self),
      timedOut: timedOut
    )
    // On a full disk the log cannot say so.
    if failure.hint == nil, let room = Paths.freeBytes(directory), room < 1 << 20 {
      failure = LaunchFailure(
        log: "FATAL:  No space left on device",
        supervisor: "",
        timedOut: false
      )
    }
    return failure
  }

  private func startSupervisor(reportingTo pipe: Int32) throws(EmbeddedServerError) {
    guard let path = configuration.supervisor.first else {
      preconditionFailure("a configuration names the command of the supervisor")
    }
    let order = EmbeddedSupervisor.Order(
      directory: directory,
      postgres: binaries.path(of: "postgres"),
      endpoint: plannedEndpoint,
      account: account,
      idleTimeout: configuration.idleTimeout,
      settings: EmbeddedConfiguration.standardSettings.map { ($0.name, $0.value) }
        + configuration.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    )
    var program = Program(path: path)
    program.arguments = configuration.supervisor.dropFirst() + order.arguments
    program.extra = pipe
    program.isDetached = true
    _ = try program.start()
  }
}

/// Why a server did not start, and what can be done about it.
struct LaunchFailure {
  var reason: String
  var log: String?
  var hint: String?
  /// Whether the cluster itself is to blame.
  var isDamage = false
  /// Whether what is in the way goes by itself: processes of a server that was killed.
  var mayPassByWaiting = false

  init(refusal error: WarehouseError) {
    reason = error.message
    log = error.detail
    // Files that are missing or not what they should be; the database we ask for is always there.
    isDamage = ["XX", "58", "3D"].contains(String((error.sqlState ?? "").prefix(2)))
  }

  init(log: String, supervisor: String, timedOut: Bool) {
    let lines = log.split(separator: "\n")
    let fault = lines.last {
      // Our own looking whether it is there already is answered with a FATAL, too.
      !$0.contains("the database system is")
        && ($0.contains("FATAL:") || $0.contains("PANIC:")
          || $0.contains("could not find the database"))
    }
    let words = supervisor.trimmingEnd()
    reason =
      fault.map { line in
        // 2024-01-01 00:00:00.000 UTC [123] FATAL:  …
        let start =
          line.firstRange(of: "FATAL:")?.upperBound ?? line.firstRange(of: "PANIC:")?.upperBound
        return String(line[(start ?? line.startIndex)...].drop { $0 == " " })
      } ?? (timedOut ? "it took too long" : words.isEmpty ? "it ended without a word" : words)
    self.log = lines.isEmpty ? nil : log.lastLines(10)
    let known = Self.notDamage.first {
      log.contains($0.words) || words.contains($0.words)
    }
    hint = known?.hint
    mayPassByWaiting =
      known == nil && (log.contains("is still in use") || log.contains("lock file \""))
    isDamage = fault != nil && known == nil && !timedOut && !mayPassByWaiting
  }

  /// What the machine or a setting is to blame for; everything else is the cluster's fault.
  private static let notDamage: [(words: String, hint: String?)] = [
    ("No space left on device", "the disk is full: make room, and try again"),
    ("Disk quota exceeded", "the disk quota is used up: make room, and try again"),
    (
      "Read-only file system",
      "the state directory cannot be written to: take another one with SECTORAL_DB_HOME"
    ),
    (
      "Permission denied", "the server's account may not read or write its files: check their owner"
    ),
    ("Operation not permitted", nil),
    (
      "has wrong ownership",
      "the server's directory belongs to another account: remove it, or run as its owner"
    ),
    ("shared memory", "the machine has too little shared memory"),
    ("Cannot allocate memory", "the machine has too little memory"),
    ("out of memory", "the machine has too little memory"),
    ("Too many open files", "raise the limit of open files (ulimit -n)"),
    ("could not create any Unix", nil),
    ("unrecognized configuration parameter", nil),
    ("invalid value for parameter", nil),
    ("configuration file", nil),
  ]
}
