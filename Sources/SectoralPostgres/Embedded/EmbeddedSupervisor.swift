#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The process that watches a private server: a detached copy of the tool, in a session of its own.
///
/// It is the server's parent, so that the server gets a signal to stop should the supervisor be
/// killed. It stops the server when nobody has held the lease for the idle time, or when asked by
/// SIGTERM, and it ends with the server.
package enum EmbeddedSupervisor {
  /// What it has to do, as its arguments.
  struct Order {
    var directory: String
    var postgres: String
    var endpoint: EmbeddedEndpoint
    var account: ServerAccount?
    var idleTimeout: Duration
    var settings: [(name: String, value: String)]

    var arguments: [String] {
      let idle = idleTimeout.components
      return [
        directory, postgres, endpoint.socketDirectory, String(endpoint.port),
        String(endpoint.majorVersion),
        account.map { "\($0.user):\($0.group):\($0.name)" } ?? "self",
        String(idle.seconds * 1000 + idle.attoseconds / 1_000_000_000_000_000),
      ] + settings.map { "\($0.name)=\($0.value)" }
    }

    init(
      directory: String,
      postgres: String,
      endpoint: EmbeddedEndpoint,
      account: ServerAccount?,
      idleTimeout: Duration,
      settings: [(name: String, value: String)]
    ) {
      self.directory = directory
      self.postgres = postgres
      self.endpoint = endpoint
      self.account = account
      self.idleTimeout = idleTimeout
      self.settings = settings
    }

    init?(_ arguments: [String]) {
      guard arguments.count >= 7, let port = Int(arguments[3]), let version = Int(arguments[4]),
        let idle = Int(arguments[6]), idle >= 0
      else { return nil }
      directory = arguments[0]
      postgres = arguments[1]
      endpoint = EmbeddedEndpoint(
        socketDirectory: arguments[2],
        port: port,
        user: EmbeddedEndpoint.superuser,
        majorVersion: version
      )
      if arguments[5] != "self" {
        let parts = arguments[5].split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let user = uid_t(parts[0]), let group = gid_t(parts[1]) else {
          return nil
        }
        account = ServerAccount(name: String(parts[2]), user: user, group: group)
      }
      idleTimeout = .milliseconds(idle)
      settings = []
      for argument in arguments[7...] {
        guard let equals = argument.firstIndex(of: "=") else { return nil }
        settings.append(
          (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
        )
      }
    }
  }

  /// The life of the supervisor. To be called from the main thread, and with what
  /// `EmbeddedConfiguration.supervisor` had put behind it; the exit code is the result.
  package static func run(_ arguments: [String]) -> Int32 {
    guard let order = Order(arguments) else {
      say("these are not a supervisor's arguments: the program starts it itself when it needs it")
      return 2
    }
    do throws(EmbeddedServerError) {
      return try watch(order)
    } catch {
      say(error.message)
      return 1
    }
  }

  /// Tells the command that has started us, through descriptor 3.
  private static func say(_ words: String) {
    var line = words + "\n"
    line.withUTF8 { _ = write(3, $0.baseAddress, $0.count) }
  }

  private static func watch(_ order: Order) throws(EmbeddedServerError) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    umask(0o077)
    // Waited for below, so that none gets lost between two looks.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGCHLD, SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    sigprocmask(SIG_BLOCK, &signals, nil)

    // Others only look whether it is held, and release it at once.
    guard
      let lock = try FileLock.acquire("\(order.directory)/supervisor", .exclusive, waits: true)
    else {
      preconditionFailure("a lock that is waited for is got")
    }
    defer { lock.release() }
    lock.write("")
    let server = try startServer(order)
    lock.write(
      SupervisorRegistration(
        supervisor: getpid(),
        server: server,
        port: order.endpoint.port,
        socketDirectory: order.endpoint.socketDirectory
      ).text
    )

    var idle = IdleClock(file: "\(order.directory)/lease", timeout: order.idleTimeout)
    while true {
      var patience = idle.untilNextLook
      switch waitForSignal(&signals, &patience) {
      case SIGCHLD:
        if let status = ended(server) {
          say("the server ended with status \(status)")
          return 1
        }
      case SIGTERM, SIGINT:
        stop(server, &signals)
        return 0
      case 0:
        // Held until we are gone: a command that comes now waits, and then starts a new server.
        if let lease = try idle.look() {
          stop(server, &signals)
          lock.write("")
          lock.release()
          lease.release()
          return 0
        }
      default:
        break
      }
    }
  }

  private static func startServer(_ order: Order) throws(EmbeddedServerError) -> pid_t {
    let log = open(
      "\(order.directory)/server.log",
      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
      0o600
    )
    guard log >= 0 else {
      throw EmbeddedServerError(
        .directory,
        "cannot write \(order.directory)/server.log: \(systemMessage(errno))"
      )
    }
    defer { close(log) }
    var program = Program(path: order.postgres)
    program.account = order.account
    program.arguments = [
      "-D", "\(order.directory)/data", "-k", order.endpoint.socketDirectory, "-p",
      String(order.endpoint.port),
    ]
    for setting in order.settings {
      program.arguments += ["-c", "\(setting.name)=\(setting.value)"]
    }
    program.output = log
    program.error = log
    program.parentDeathSignal = SIGINT
    return try program.start()
  }

  /// - Returns: the exit status of a server that has ended.
  private static func ended(_ server: pid_t) -> Int32? {
    var status: Int32 = 0
    return waitpid(server, &status, WNOHANG) == server ? Program.exitStatus(status) : nil
  }

  /// A fast shutdown; a rude one for a server that does not obey.
  private static func stop(_ server: pid_t, _ signals: inout sigset_t) {
    for (signal, seconds) in [(SIGINT, 10), (SIGQUIT, 5), (SIGKILL, 5)] {
      kill(server, signal)
      let clock = ContinuousClock()
      let deadline = clock.now.advanced(by: .seconds(seconds))
      while clock.now < deadline {
        if ended(server) != nil { return }
        var patience = Duration.milliseconds(100)
        _ = waitForSignal(&signals, &patience)
      }
    }
  }

  /// - Returns: the signal's number, or 0 when the time is over.
  private static func waitForSignal(_ signals: inout sigset_t, _ patience: inout Duration) -> Int32
  {
    let parts = max(patience, .zero).components
    var time = timespec(
      tv_sec: time_t(parts.seconds),
      tv_nsec: Int(parts.attoseconds / 1_000_000_000)
    )
    let number = sigtimedwait(&signals, nil, &time)
    return number > 0 ? number : errno == EAGAIN ? 0 : -1
  }
}

/// Knows when a server has been without users for long enough.
private struct IdleClock {
  let file: String
  let timeout: Duration
  private let clock = ContinuousClock()
  private var nextLook: ContinuousClock.Instant

  init(file: String, timeout: Duration) {
    self.file = file
    self.timeout = timeout
    nextLook = clock.now
    postpone(by: timeout)
  }

  var untilNextLook: Duration { clock.now.duration(to: nextLook) }

  private mutating func postpone(by duration: Duration) {
    // Not busily, even where a server is to stop with its last user.
    nextLook = clock.now.advanced(by: max(duration, .milliseconds(50)))
  }

  /// - Returns: the lease, taken for good, when nobody has used the server for the time.
  mutating func look() throws(EmbeddedServerError) -> FileLock? {
    guard let lease = try FileLock.acquire(file, .exclusive, waits: false) else {
      postpone(by: timeout)
      return nil
    }
    // The file's time is that of the last command that came or went.
    var status = stat()
    if timeout > .zero, stat(file, &status) == 0 {
      let unused = Duration.seconds(time(nil) - status.st_mtim.tv_sec)
      if unused >= .zero, unused < timeout {
        lease.release()
        postpone(by: min(timeout - unused, timeout))
        return nil
      }
    }
    return lease
  }
}
