internal import SectoralText

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Where the private server lives and how it is run.
package struct EmbeddedConfiguration: Sendable {
  /// Holds a cluster per major version of Postgres. For root it must not lie below a directory that
  /// the server's account may not enter, such as root's home.
  package var stateDirectory: String
  /// Holds the sockets; short, because the path of a Unix socket has at most 107 bytes.
  package var runtimeDirectory: String
  /// Where `postgres` and `initdb` are; nil looks for them.
  package var binaryDirectory: String?
  /// The directories to look for programs in, with colons between them.
  package var searchPath: String?
  /// For root: the account that the server runs as; nil takes `postgres`, else `nobody`.
  package var accountName: String?
  /// The server stops when nobody has used it for so long; zero stops it with its last user.
  package var idleTimeout: Duration
  /// How long the server may take until it answers.
  package var startTimeout: Duration
  /// The command that runs `EmbeddedSupervisor.run` with the arguments that are put behind it.
  package var supervisor: [String]
  /// Settings of the server, over our own.
  package var settings: [String: String]

  package init(
    stateDirectory: String,
    runtimeDirectory: String,
    supervisor: [String],
    binaryDirectory: String? = nil,
    searchPath: String? = nil,
    accountName: String? = nil,
    idleTimeout: Duration = .seconds(900),
    startTimeout: Duration = .seconds(60),
    settings: [String: String] = [:]
  ) {
    self.stateDirectory = stateDirectory
    self.runtimeDirectory = runtimeDirectory
    self.supervisor = supervisor
    self.binaryDirectory = binaryDirectory
    self.searchPath = searchPath
    self.accountName = accountName
    self.idleTimeout = idleTimeout
    self.startTimeout = startTimeout
    self.settings = settings
  }

  /// The usual places of the user who runs the command.
  ///
  /// These variables of the environment change them: `SECTORAL_DB_HOME` (the state directory),
  /// `SECTORAL_DB_BIN` (the folder of `postgres` and `initdb`), `SECTORAL_DB_ACCOUNT` (for root),
  /// `SECTORAL_DB_IDLE_SECONDS`.
  package static func standard(environment: [String: String], supervisor: [String]) -> Self {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    let user = geteuid()
    var runtime: String
    if user == 0 {
      runtime = access("/run", W_OK) == 0 ? "/run/sectoral" : "/tmp/sectoral-0"
    } else if let given = value("XDG_RUNTIME_DIR"), given.utf8.count <= 60,
      access(given, W_OK | X_OK) == 0
    {
      runtime = given + "/sectoral"
    } else {
      runtime = "/tmp/sectoral-\(user)"
    }
    let ownState = value("SECTORAL_DB_HOME").map { Paths.absolute($0) }
    let state: String
    if let ownState {
      state = ownState
    } else if user == 0 {
      state = "/var/lib/sectoral/postgres"
    } else if let given = value("XDG_STATE_HOME") {
      state = given + "/sectoral/postgres"
    } else if let home = value("HOME") ?? ServerAccount.home(of: user), access(home, W_OK) == 0 {
      state = home + "/.local/state/sectoral/postgres"
    } else {
      // A user without a home, as in many containers.
      runtime = "/tmp/sectoral-\(user)"
      state = runtime + "/postgres"
    }
    // Another cluster has another socket.
    if ownState != nil { runtime += "-" + Digest.sha256(state.utf8).prefix(8) }
    var configuration = EmbeddedConfiguration(
      stateDirectory: state,
      runtimeDirectory: runtime,
      supervisor: supervisor,
      binaryDirectory: value("SECTORAL_DB_BIN"),
      searchPath: value("PATH"),
      accountName: value("SECTORAL_DB_ACCOUNT")
    )
    if let seconds = value("SECTORAL_DB_IDLE_SECONDS").flatMap({ Double($0) }), seconds >= 0,
      seconds < 1e9
    {
      configuration.idleTimeout = .milliseconds(Int(seconds * 1000))
    }
    return configuration
  }

  /// The settings of a server whose contents can be made again at any time: nothing waits for the
  /// disk, and nothing is kept for replicas.
  static let standardSettings: [(name: String, value: String)] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "sectoral"),
    ("fsync", "off"),
    // Without fsync a commit costs one write, and what is committed outlives a killed server.
    ("synchronous_commit", "on"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_logical_replication_workers", "0"),
    ("jit", "off"),
    ("shared_buffers", "64MB"),
    ("max_connections", "100"),
    // Containers often have a /dev/shm of 64 MB, too small for parallel plans.
    ("dynamic_shared_memory_type", "sysv"),
    // Every rebuilt relation leaves dead rows in the catalogue; without an eager vacuum it grows
    // until `create table` takes twice the time.
    ("autovacuum_naptime", "15s"),
    // The same results on every machine.
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_min_messages", "warning"),
    ("log_min_error_statement", "panic"),
    ("log_line_prefix", "%m [%p] "),
  ]
}

/// Names of files and directories.
enum Paths {
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + path
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isExecutable(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      && access(path, X_OK) == 0
  }

  /// nil when it cannot be read.
  static func contents(_ path: String, from offset: Int = 0, limit: Int = 1 << 20) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    if offset > 0 { _ = lseek(descriptor, off_t(offset), SEEK_SET) }
    return FileHandleReader.readAll(descriptor, limit: limit)
  }

  static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// What is left on the disk of a path.
  static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// Names in a directory, without `.` and `..`; empty when it cannot be read.
  static func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}

enum FileHandleReader {
  /// Reads to the end, or to the limit.
  static func readAll(_ descriptor: Int32, limit: Int = .max) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < limit {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return bytes
  }
}

/// What the system says about an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }
