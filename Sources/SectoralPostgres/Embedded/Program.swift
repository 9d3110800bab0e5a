internal import CPostgres

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// An account of the system that a program runs as.
struct ServerAccount: Sendable, Hashable {
  let name: String
  let user: uid_t
  let group: gid_t

  /// nil when the caller is not root: the server then runs as the caller.
  static func needed(preferring name: String?) throws(EmbeddedServerError) -> ServerAccount? {
    guard geteuid() == 0 else { return nil }
    for candidate in name.map({ [$0] }) ?? ["postgres", "nobody"] {
      if let account = named(candidate), account.user != 0 { return account }
    }
    throw EmbeddedServerError(
      .account,
      name.map { "there is no account '\($0)' to run Postgres as, or it is root's" }
        ?? "Postgres does not run as root, and there is neither an account 'postgres' nor 'nobody'",
      hint: "install the package (apt-get install postgresql), which makes the account, or name"
        + " another one with SECTORAL_DB_ACCOUNT"
    )
  }
}

extension ServerAccount {
  private static func named(_ name: String) -> ServerAccount? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    // Without the `_r`, two threads would share one answer.
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
      return nil
    }
    return ServerAccount(name: name, user: entry.pw_uid, group: entry.pw_gid)
  }

  /// The home directory of a user, as the system knows it.
  static func home(of user: uid_t) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    return buffer.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress,
        getpwuid_r(user, &entry, start, buffer.count, &found) == 0, found != nil,
        let home = entry.pw_dir
      else { return nil }
      return String(cString: home)
    }
  }
}

/// Another program, and how to start it.
struct Program {
  var path: String
  /// Without the program's own name.
  var arguments: [String] = []
  var environment: [String] = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"]
  var directory: String? = "/"
  var account: ServerAccount?
  /// -1 is /dev/null.
  var output: Int32 = -1
  var error: Int32 = -1
  /// Becomes descriptor 3.
  var extra: Int32 = -1
  var isDetached = false
  var parentDeathSignal: Int32 = 0

  /// - Returns: the process id; a program that is not detached must be waited for.
  func start() throws(EmbeddedServerError) -> pid_t {
    let arguments = CStringList([path] + arguments)
    let environment = CStringList(environment)
    var step: Int32 = 0
    var number: Int32 = 0
    let process = path.withCString { path in
      func start(_ directory: UnsafePointer<CChar>?) -> pid_t {
        var program = cpq_program(
          path: path,
          arguments: arguments.pointers,
          environment: environment.pointers,
          directory: directory,
          input: -1,
          output: output,
          error: error,
          extra: extra,
          changes_account: account == nil ? 0 : 1,
          user: account?.user ?? 0,
          group: account?.group ?? 0,
          is_detached: isDetached ? 1 : 0,
          parent_death_signal: parentDeathSignal
        )
        return cpq_start(&program, &step, &number)
      }
      return directory.map { $0.withCString { start($0) } } ?? start(nil)
    }
    guard process < 0 else { return process }
    let reason = systemMessage(number)
    switch Int(step) {
    case CPQ_STEP_GROUPS, CPQ_STEP_GROUP, CPQ_STEP_USER:
      throw EmbeddedServerError(
        .account,
        "cannot run Postgres as '\(account?.name ?? "")': \(reason)",
        hint: "this root may not change its account (a container without SETUID?): run the command"
          + " as another user, or name another account with SECTORAL_DB_ACCOUNT"
      )
    case CPQ_STEP_EXECUTE:
      throw EmbeddedServerError(.start, "cannot execute \(path): \(reason)")
    case CPQ_STEP_DIRECTORY:
      throw EmbeddedServerError(.directory, "cannot enter \(directory ?? ""): \(reason)")
    default:
      throw EmbeddedServerError(.start, "cannot start \(path): \(reason)")
    }
  }

  /// Runs it to its end.
  ///
  /// - Returns: its exit status (128 + the signal's number when one ended it), and what it wrote.
  func runToEnd() throws(EmbeddedServerError) -> (status: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw EmbeddedServerError(.start, "cannot start \(path): \(systemMessage(errno))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var program = self
    program.output = ends[1]
    program.error = ends[1]
    let process: pid_t
    do throws(EmbeddedServerError) {
      process = try program.start()
    } catch {
      close(ends[1])
      throw error
    }
    close(ends[1])
    let output = FileHandleReader.readAll(ends[0])
    return (Self.wait(process), String(decoding: output, as: UTF8.self))
  }

  /// Waits for a child to end.
  static func wait(_ process: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      if errno != EINTR { return -1 }
    }
    return exitStatus(status)
  }

  static func exitStatus(_ status: Int32) -> Int32 {
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// The arguments of a running process; nil when there is none, or they cannot be read.
  static func arguments(of process: pid_t) -> [String]? {
    guard let bytes = Paths.contents("/proc/\(process)/cmdline"), !bytes.isEmpty else { return nil }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  static func isAlive(_ process: pid_t) -> Bool {
    process > 0 && (kill(process, 0) == 0 || errno == EPERM)
  }
}
