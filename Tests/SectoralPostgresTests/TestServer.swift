import Foundation
import Synchronization
import Testing

@testable import SectoralPostgres

/// A private server in a directory of its own, for one test.
///
/// `initdb` runs once per test run; each cluster is a copy of what it makes.
final class TestCluster: Sendable {
  let directory: String
  let server: EmbeddedServer
  private let recorded: Events

  final class Events: Sendable {
    let all = Mutex<[EmbeddedServerEvent]>([])
  }

  var events: [EmbeddedServerEvent] { recorded.all.withLock { $0 } }
  var state: String { "\(directory)/state" }
  var runtime: String { "\(directory)/run" }

  // `isEmpty`: whether the server has to make the cluster itself.
  init(
    idle: Duration = .zero,
    isEmpty: Bool = false,
    change: (inout EmbeddedConfiguration) -> Void = { _ in }
  ) throws {
    directory = try Self.makeDirectory()
    var configuration = EmbeddedConfiguration(
      stateDirectory: "\(directory)/state",
      runtimeDirectory: "\(directory)/run",
      supervisor: [TestTool.path, "supervise"],
      searchPath: "/usr/local/bin:/usr/bin:/bin",
      idleTimeout: idle
    )
    change(&configuration)
    let recorded = Events()
    self.recorded = recorded
    do {
      server = try EmbeddedServer(configuration) { event in
        recorded.all.withLock { $0.append(event) }
      }
    } catch {
      Issue.record("these tests need a Postgres server: \(error.message); \(error.hint ?? "")")
      throw error
    }
    if !isEmpty { try Self.template.get().copy(to: self) }
  }

  deinit {
    _ = try? server.stop(evenIfInUse: true)
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Short, because the path of a socket must be.
  private static func makeDirectory() throws -> String {
    let path = "/tmp/sectoral-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    guard mkdir(path, 0o755) == 0, chmod(path, 0o755) == 0 else {
      throw EmbeddedServerError(.directory, "cannot make \(path)")
    }
    return path
  }

  private static let template: Result<TestCluster, any Error> = Result { () throws -> TestCluster in
    let cluster = try TestCluster(isEmpty: true)
    try cluster.server.prepareDirectories()
    try cluster.server.ensureCluster()
    atexit { _ = try? TestCluster.template.get().remove() }
    return cluster
  }

  func remove() {
    _ = try? server.stop(evenIfInUse: true)
    try? FileManager.default.removeItem(atPath: directory)
  }

  private func copy(to other: TestCluster) throws {
    try other.server.prepareDirectories()
    let (status, output) = try TestTool.run(
      ["-a", server.dataDirectory, other.server.dataDirectory],
      of: "/bin/cp"
    )
    guard status == 0 else { throw EmbeddedServerError(.creation, "cannot copy: \(output)") }
  }
}

/// The server that most tests share; it ends with the test run.
enum TestServer {
  private static let shared: Result<(TestCluster, EmbeddedServerLease), any Error> = Result {
    () throws -> (TestCluster, EmbeddedServerLease) in
    let cluster = try TestCluster()
    // One user of it has to give a password.
    let rules = "\(cluster.server.dataDirectory)/pg_hba.conf"
    let trusting = try String(contentsOfFile: rules, encoding: .utf8)
    try "local all with_password scram-sha-256\n\(trusting)".write(
      toFile: rules,
      atomically: false,
      encoding: .utf8
    )
    let lease = try cluster.server.holdLease()
    _ = try cluster.server.start()
    atexit { _ = try? TestServer.shared.get().0.remove() }
    return (cluster, lease)
  }

  static func cluster() throws -> TestCluster { try shared.get().0 }

  static func credentials() throws -> PostgresCredentials {
    try cluster().server.plannedEndpoint.credentials(database: "postgres")
  }
}

/// The program that stands for the tool.
enum TestTool {
  static let path: String = {
    let own = String(cString: realpath("/proc/self/exe", nil))
    let folder = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
    return "\(folder)/SectoralTestTool"
  }()

  static func run(
    _ arguments: [String],
    of path: String = path
  ) throws -> (
    status: Int32, output: String
  ) {
    let process = try Running(arguments, of: path)
    let output = process.readToEnd()
    return (process.wait(), output)
  }

  /// A process that has been started.
  final class Running {
    let process = Process()
    private let output = Pipe()
    private let input = Pipe()

    init(_ arguments: [String], of path: String = TestTool.path) throws {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
      process.standardOutput = output
      process.standardError = output
      process.standardInput = input
      try process.run()
    }

    func readToEnd() -> String {
      String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    /// The next piece of what it writes; empty at the end.
    func readSome() -> String {
      String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }

    func closeInput() { try? input.fileHandleForWriting.close() }

    func wait() -> Int32 {
      process.waitUntilExit()
      return process.terminationStatus
    }
  }
}

/// Waits for what must come, however slow the machine is.
func eventually(
  _ condition: () throws -> Bool,
  sourceLocation: SourceLocation = #_sourceLocation
) rethrows {
  for _ in 0..<3000 {
    if try condition() { return }
    usleep(10_000)
  }
  Issue.record("it did not come", sourceLocation: sourceLocation)
}
