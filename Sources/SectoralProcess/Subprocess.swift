#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Another program, run to its end with its output kept.
package struct Subprocess {
  package struct Result {
    /// Exit status; 128 and the signal's number where one ended it.
    package var status: Int32
    package var output: String
    package var errors: String
  }

  /// A path, or a name to look up on PATH.
  package let program: String
  package let environment: [String: String]
  package let isCancelled: @Sendable () -> Bool

  package init(
    program: String,
    environment: [String: String],
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.program = program
    self.environment = environment
    self.isCancelled = isCancelled
  }

  /// Runs it; nil when there is no such program.
  ///
  /// The terminal is left to it: git and ssh ask for passwords and passphrases there.
  package func run(_ arguments: [String]) -> Result? {
    guard let path = path else { return nil }
    var outputEnds: [Int32] = [-1, -1]
    var errorEnds: [Int32] = [-1, -1]
    guard pipe(&outputEnds) == 0 else { return nil }
    guard pipe(&errorEnds) == 0 else {
      for end in outputEnds { close(end) }
      return nil
    }
    for end in outputEnds + errorEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer {
      close(outputEnds[0])
      close(errorEnds[0])
    }
    let process = spawn(path, arguments, output: outputEnds[1], errors: errorEnds[1])
    close(outputEnds[1])
    close(errorEnds[1])
    guard let process else { return nil }
    var output: [UInt8] = []
    var errors: [UInt8] = []
    collect(process, (outputEnds[0], errorEnds[0]), &output, &errors)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    return Result(
      status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
      output: String(decoding: output, as: UTF8.self),
      errors: String(decoding: errors, as: UTF8.self)
    )
  }

  private var path: String? {
    if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
    let folders = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
    return folders.lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  private func spawn(
    _ path: String,
    _ arguments: [String],
    output: Int32,
    errors: Int32
  ) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What we ignore, it need not.
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    sigaddset(&defaults, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    let list: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    let variables: [UnsafeMutablePointer<CChar>?] =
      environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in list + variables { free(pointer) } }
    var process: pid_t = 0
    guard posix_spawn(&process, path, &actions, &attributes, list, variables) == 0 else {
      return nil
    }
    return process
  }

  /// Reads both pipes to their ends; a cancelled program is asked to stop.
  private func collect(
    _ process: pid_t,
    _ ends: (Int32, Int32),
    _ output: inout [UInt8],
    _ errors: inout [UInt8]
  ) {
    var open = [ends.0, ends.1]
    var chunk = [UInt8](repeating: 0, count: 65536)
    var isAskedToStop = false
    while !open.isEmpty {
      var polled = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let ready = poll(&polled, nfds_t(polled.count), 200)
      if isCancelled(), !isAskedToStop {
        isAskedToStop = true
        kill(process, SIGTERM)
      }
      guard ready > 0 else { continue }
      for entry in polled where entry.revents != 0 {
        let count = read(entry.fd, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        if count <= 0 {
          open.removeAll { $0 == entry.fd }
        } else if entry.fd == ends.0 {
          output += chunk[..<count]
        } else {
          errors += chunk[..<count]
        }
      }
    }
  }
}
