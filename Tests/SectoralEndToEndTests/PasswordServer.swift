import Foundation
import Glibc
import SectoralTestSupport

/// A Postgres server as others have it: TCP, and a password. It ends with the test run.
final class PasswordServer: Sendable {
  static let shared: Result<PasswordServer, any Error> = Result {
    let server = try PasswordServer()
    atexit { (try? PasswordServer.shared.get())?.stop() }
    return server
  }

  static let user = "analyst"
  static let password = "right-password"

  let port: Int
  private let folder: String
  private let programs: String

  private init() throws {
    var template = Array("/tmp/sectoral-pw-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    programs = try Self.findPrograms()
    port = try Self.freePort()
    try Data("\(Self.password)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/password"))
    if getuid() == 0 {
      // Postgres refuses to run as root.
      for path in [folder, "\(folder)/password"] {
        try Self.run("/bin/chown", ["postgres", path])
      }
    }
    try start(
      "initdb",
      [
        "-D", "\(folder)/data", "-U", Self.user, "-A", "scram-sha-256",
        "--pwfile", "\(folder)/password", "-N", "-E", "UTF8", "--no-locale",
      ]
    )
    try start(
      "pg_ctl",
      [
        "-D", "\(folder)/data", "-l", "\(folder)/log", "-w",
        "-o", "-p \(port) -c listen_addresses=127.0.0.1 -k \(folder) -c fsync=off", "start",
      ]
    )
  }

  func stop() {
    // The folder goes away in any case, and the server with it.
    try? start("pg_ctl", ["-D", "\(folder)/data", "-m", "immediate", "stop"])
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// A profile of this server.
  func profile(
    password: String = PasswordServer.password,
    database: String = "postgres",
    port: Int? = nil
  )
    -> String
  {
    """
    faulty:
      target: dev
      outputs:
        dev:
          type: postgres
          host: 127.0.0.1
          port: \(port ?? self.port)
          user: \(Self.user)
          password: \(password)
          dbname: \(database)
          schema: s
          threads: 2

    """
  }

  private func start(_ program: String, _ arguments: [String]) throws {
    let path = "\(programs)/\(program)"
    if getuid() == 0 {
      try Self.run("/sbin/runuser", ["-u", "postgres", "--", path] + arguments)
    } else {
      try Self.run(path, arguments)
    }
  }

  /// Not with Foundation's `Process`, which waits until every child of the child has gone.
  static func run(_ path: String, _ arguments: [String]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for number in Int32(0)...2 {
      posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
    }
    // A server must not hold what the test runner was given: locks, pipes.
    for number in Int32(3)..<256 where fcntl(number, F_GETFD) == 0 {
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }
    let attributes = ShellAttributes()
    let command = ["/usr/bin/env", "-C", "/", path] + arguments
    var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    argv.append(nil)
    let variables = ProcessInfo.processInfo.environment
    var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") }
    envp.append(nil)
    defer { for pointer in argv + envp { free(pointer) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, command[0], &actions, &attributes.value, argv, envp)
    guard code == 0 else { throw SectoralError.system("posix_spawn \(path)", code) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else {
      throw SectoralError.failed("\(path) \(arguments.joined(separator: " ")): status \(status)")
    }
  }

  /// The server's programs: those of the search path, or the newest of Debian's.
  static func findPrograms() throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    // All of them: there may be links to some.
    let given = path.split(separator: ":").first { directory in
      ["initdb", "pg_ctl", "pg_basebackup"].allSatisfy { access("\(directory)/\($0)", X_OK) == 0 }
    }
    if let given { return String(given) }
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    guard let newest = versions.compactMap(Int.init).max() else {
      throw SectoralError.failed("\(root): Postgres is not installed")
    }
    return "\(root)/\(newest)/bin"
  }

  /// A port that nobody listens at now.
  static func freePort() throws -> Int {
    let socket = try LoopbackSocket(listens: false)
    defer { socket.close() }
    return socket.port
  }
}
