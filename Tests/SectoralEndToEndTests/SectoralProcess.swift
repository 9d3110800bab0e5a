import Dispatch
import Foundation
import Glibc
import Synchronization

/// A home of its own for the processes of a test: nothing of the person who runs the tests is seen
/// or changed, and the embedded server that is started in it ends with it.
final class TestHome: Sendable {
  /// A short path: a Unix socket's may have 107 bytes.
  let path: String

  init() throws {
    var template = Array("/tmp/sectoral-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    // As root the server runs under another account, which must be able to pass through.
    chmod(path, 0o755)
    for folder in ["home", "state", "run", "config"] {
      mkdir("\(path)/\(folder)", folder == "run" ? 0o700 : 0o755)
    }
  }

  deinit { clear() }

  /// Stops the server, should one have been started, and removes the folder.
  private func clear() {
    // Whatever goes wrong here, the server stops by itself when nobody uses it.
    _ = try? Sectoral.runBlocking(["db", "stop"], in: path, home: environment)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// One home for all tests that only build projects: the database of each project is its own.
  /// It is cleared when the tests end.
  static let shared: Result<TestHome, any Error> = Result {
    let home = try TestHome()
    atexit { (try? TestHome.shared.get())?.clear() }
    return home
  }

  /// What a process needs to know to stay in here.
  var environment: [String: String] {
    [
      "HOME": "\(path)/home", "XDG_STATE_HOME": "\(path)/state", "XDG_RUNTIME_DIR": "\(path)/run",
      "XDG_CONFIG_HOME": "\(path)/config", "TMPDIR": path,
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
      "LANG": "C.UTF-8", "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    ]
  }

  /// Makes a folder with the files given, and returns its path.
  func folder(_ name: String, files: [String: String] = [:]) throws -> String {
    let folder = "\(path)/\(name)"
    for (file, text) in files {
      let full = URL(fileURLWithPath: "\(folder)/\(file)")
      try FileManager.default.createDirectory(
        at: full.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: full)
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }
}

/// Why a process could not be run; that it failed is a result, not an error.
enum SectoralError: Error, CustomStringConvertible {
  case system(String, Int32)
  case notBuilt(String)
  case failed(String)

  var description: String {
    switch self {
    case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
    case .failed(let words): words
    case .notBuilt(let path): "there is no executable at \(path): build the product sectoral first"
    }
  }
}

/// The built executable, run as a user runs it.
struct Sectoral: Sendable {
  /// What a process left behind.
  struct Result: Sendable, CustomStringConvertible {
    var arguments: [String]
    var output = ""
    var errors = ""
    /// The exit code; nil if a signal ended the process.
    var exitCode: Int32?
    /// The signal that ended the process.
    var signal: Int32?
    /// Whether it had to be killed because the time was up.
    var timedOut = false

    var description: String {
      let end =
        timedOut ? "timed out" : exitCode.map { "exit code \($0)" } ?? "signal \(signal ?? 0)"
      return "sectoral \(arguments.joined(separator: " ")): \(end)\n\(output)\(errors)"
    }
  }

  /// The root of the repository, where the market project lies.
  static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// The executable beside the test bundle.
  static var executable: String {
    get throws {
      let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      let path = bundle.deletingLastPathComponent().appendingPathComponent("sectoral").path
      guard access(path, X_OK) == 0 else { throw SectoralError.notBuilt(path) }
      return path
    }
  }

  /// Runs the executable to its end.
  ///
  /// `environment` is added to what the home sets, and stronger; nothing else is inherited. The
  /// process finds its input empty unless `input` says otherwise, is killed after `timeout`, and
  /// gets the signal of `interrupt` once it has printed the text of it. `shell` is what a shell does
  /// before it becomes the executable, `"$@"`: limits, redirections.
  static func run(
    _ arguments: [String],
    in directory: String,
    home: TestHome,
    environment: [String: String] = [:],
    input: String = "",
    timeout: Duration = .seconds(300),
    interrupt: Interrupt? = nil,
    shell: String? = nil
  ) async throws -> Result {
    let variables = home.environment.merging(environment) { _, new in new }
    // A thread of its own: the pool of the tests has no more threads than there are cores.
    let result: Swift.Result<Result, any Error> = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          returning: .init {
            try runBlocking(
              arguments,
              in: directory,
              home: variables,
              input: input,
              timeout: timeout,
              interrupt: interrupt,
              shell: shell
            )
          }
        )
      }
    }
    withExtendedLifetime(home) {}
    return try result.get()
  }

  /// A signal, and the output after which it is sent.
  struct Interrupt: Sendable {
    var signal: Int32 = SIGINT
    var after: String
    /// Sends it once more, after this output.
    var againAfter: String?
  }

  fileprivate static func runBlocking(
    _ arguments: [String],
    in directory: String,
    home variables: [String: String],
    input: String = "",
    timeout: Duration = .seconds(60),
    interrupt: Interrupt? = nil,
    shell: String? = nil
  ) throws -> Result {
    let executable = try executable
    let inputPipe = try ProcessPipe()
    let outputPipe = try ProcessPipe()
    let errorPipe = try ProcessPipe()
    defer { for pipe in [inputPipe, outputPipe, errorPipe] { pipe.close() } }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, inputPipe.readEnd, 0)
    posix_spawn_file_actions_adddup2(&actions, outputPipe.writeEnd, 1)
    posix_spawn_file_actions_adddup2(&actions, errorPipe.writeEnd, 2)

    let attributes = ShellAttributes()
    signal(SIGPIPE, SIG_IGN)

    // env changes the folder, and then becomes the executable: the process stays the same.
    let through = shell.map { ["/bin/sh", "-c", $0, "sh"] } ?? []
    let command = ["/usr/bin/env", "-C", directory] + through + [executable] + arguments
    var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    argv.append(nil)
    var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") }
    envp.append(nil)
    defer { for pointer in argv + envp { free(pointer) } }

    var process: pid_t = 0
    let code = ProcessPipe.lock.withLock { _ in
      posix_spawn(&process, command[0], &actions, &attributes.value, argv, envp)
    }
    guard code == 0 else { throw SectoralError.system("posix_spawn", code) }
    inputPipe.closeReadEnd()
    outputPipe.closeWriteEnd()
    errorPipe.closeWriteEnd()

    var result = Result(arguments: arguments)
    var output: [UInt8] = []
    var errors: [UInt8] = []
    var pendingInput = Array(input.utf8)[...]
    var pendingInterrupt = interrupt
    let start = ContinuousClock.now
    var status: Int32 = 0
    // Not until the pipes are closed: a server that was started on the way may hold them open.
    while true {
      let ended = waitpid(process, &status, WNOHANG) == process
      inputPipe.write(&pendingInput)
      outputPipe.read(into: &output)
      errorPipe.read(into: &errors)
      if ended { break }
      if let awaited = pendingInterrupt,
        contains(awaited.after, in: output) || contains(awaited.after, in: errors)
      {
        kill(process, awaited.signal)
        pendingInterrupt = awaited.againAfter.map { Interrupt(signal: awaited.signal, after: $0) }
      }
      if !result.timedOut, ContinuousClock.now - start > timeout {
        result.timedOut = true
        kill(process, SIGKILL)
      }
      ProcessPipe.wait(for: [outputPipe, errorPipe])
    }
    result.output = String(decoding: output, as: UTF8.self)
    result.errors = String(decoding: errors, as: UTF8.self)
    // The macros of wait.h, which Swift does not see.
    if status & 0x7f == 0 {
      result.exitCode = (status >> 8) & 0xff
    } else {
      result.signal = status & 0x7f
    }
    return result
  }

  private static func contains(_ text: String, in bytes: [UInt8]) -> Bool {
    String(decoding: bytes, as: UTF8.self).contains(text)
  }
}

/// A pipe that no other process inherits. Reading and writing wait for nothing.
private final class ProcessPipe {
  /// Held while processes are started, and while a pipe exists that they would inherit.
  static let lock = Mutex(())

  private(set) var readEnd: Int32
  private(set) var writeEnd: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    try Self.lock.withLock { _ in
      guard pipe(&ends) == 0 else { throw SectoralError.system("pipe", errno) }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  func closeReadEnd() {
    if readEnd >= 0 { Glibc.close(readEnd) }
    readEnd = -1
  }

  func closeWriteEnd() {
    if writeEnd >= 0 { Glibc.close(writeEnd) }
    writeEnd = -1
  }

  func close() {
    closeReadEnd()
    closeWriteEnd()
  }

  /// Appends what there is to read now.
  func read(into bytes: inout [UInt8]) {
    guard readEnd >= 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while isReady(readEnd, for: Int16(POLLIN)) {
      let count = Glibc.read(readEnd, &buffer, buffer.count)
      guard count > 0 else {
        if count == 0 { closeReadEnd() }
        return
      }
      bytes += buffer[..<count]
    }
  }

  /// Writes what fits now, and closes the pipe after the last byte.
  func write(_ bytes: inout ArraySlice<UInt8>) {
    guard writeEnd >= 0 else { return }
    while !bytes.isEmpty, isReady(writeEnd, for: Int16(POLLOUT)) {
      // At most what a pipe that is ready takes without blocking.
      let chunk = bytes.prefix(Int(PIPE_BUF))
      let count = chunk.withUnsafeBytes { Glibc.write(writeEnd, $0.baseAddress, $0.count) }
      guard count > 0 else { return closeWriteEnd() }
      bytes = bytes.dropFirst(count)
    }
    if bytes.isEmpty { closeWriteEnd() }
  }

  private func isReady(_ end: Int32, for events: Int16) -> Bool {
    var descriptor = pollfd(fd: end, events: events, revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }

  /// Sleeps until one of the pipes has something to read, or for a hundredth of a second.
  static func wait(for pipes: [ProcessPipe]) {
    var descriptors = pipes.map { pollfd(fd: $0.readEnd, events: Int16(POLLIN), revents: 0) }
    _ = poll(&descriptors, nfds_t(descriptors.count), 10)
  }
}
