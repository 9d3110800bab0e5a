import Foundation
import Glibc
import Synchronization
import Testing

/// The stand-in for Redshift of the testbed: it refuses what Redshift refuses, and logs every statement.
/// It is started by the first test that needs it, and ends with the test run.
final class RedshiftStandIn: Sendable {
  static let shared = started()
  /// Another one, for those who make it fail: a fault may meet whoever comes first.
  static let faulty = started()
  /// Another one, for those whose statements stand alone and are not sent again: in the Postgres below,
  /// questions about the catalog lock the views that they look at, which may end in a deadlock with others.
  static let solitary = started()
  /// Another one, for those that come one after the other, and want every statement to be carried out.
  static let undisturbed = started()

  private static let running = Mutex<[RedshiftStandIn]>([])

  private static func started() -> Result<RedshiftStandIn, any Error> {
    Result {
      let standIn = try RedshiftStandIn()
      running.withLock { others in
        if others.isEmpty {
          atexit { for standIn in RedshiftStandIn.running.withLock({ $0 }) { standIn.stop() } }
        }
        others.append(standIn)
      }
      return standIn
    }
  }

  /// Where it lies, beside the checkout; see CONTRIBUTING.md.
  private static let script: String = {
    let shared =
      ProcessInfo.processInfo.environment["SECTORAL_SHARED"] ?? "\(Sectoral.repository)/../shared"
    return "\(shared)/testbed/redshift/standin.sh"
  }()
  static let isThere = access(script, X_OK) == 0
  static let whyNot: Comment = "the testbed (shared/testbed/redshift) is not beside this checkout"

  static let database = "dev"
  static let password = "Passw0rd"

  let port: Int
  private let folder: String
  private let users: [String]
  private let nextUser = Mutex(0)

  private init() throws {
    var template = Array("/tmp/sectoral-rs-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    users = (1...60).map { "tester\($0)" }
    // Its Python packages are installed once, beside those of other uses of it.
    let cache =
      ProcessInfo.processInfo.environment["XDG_CACHE_HOME"]
      ?? "\(ProcessInfo.processInfo.environment["HOME"] ?? "/tmp")/.cache"
    let packages = "\(cache)/sectoral-testbed/redshift-venv"
    let wanted = Self.script.replacing("standin.sh", with: "requirements.txt")
    let install = """
      cmp -s "$2" "$1/requirements.txt" && exit
      python3 -m venv "$1" && "$1/bin/pip" -q install --disable-pip-version-check -r "$2" \
        && cp "$2" "$1/requirements.txt"
      """
    try PasswordServer.run("/bin/bash", ["-c", install, "install", packages, wanted])
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/redshift-venv",
      withDestinationPath: packages
    )
    let logins = users.flatMap { ["--user", "\($0):\(Self.password)"] }
    // Somebody else may have a port: its own server listens 10,000 above, its control port one above.
    var tries = 0
    while true {
      tries += 1
      let port = Int.random(in: 10_000..<12_500) * 2
      do {
        try Self.script(
          ["start", "--port", "\(port)", "--database", Self.database] + logins,
          in: folder
        )
        self.port = port
        return
      } catch {
        try? Self.script(["stop"], in: folder)
        if tries == 3 { throw error }
      }
    }
  }

  private static func script(_ arguments: [String], in folder: String) throws {
    try PasswordServer.run(
      "/usr/bin/env",
      // Its server runs under another account, which must be able to reach its folder.
      ["STANDIN_HOME=\(folder)", "TMPDIR=/tmp", "/bin/bash", script] + arguments
    )
  }

  func stop() {
    try? Self.script(["stop"], in: folder)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// A user that no one else has: the log tells statements apart by it.
  func takeUser() throws -> String {
    try nextUser.withLock { next in
      try #require(next < users.count, "the stand-in needs more users")
      defer { next += 1 }
      return users[next]
    }
  }

  /// A statement as the stand-in saw it.
  struct Statement: Decodable, CustomStringConvertible {
    var pid: Int
    var user: String
    var sql: String
    /// `accepted`, `translated`, `rejected`, `error`, `dropped`.
    var outcome: String
    var rule: String?
    var error: String?
    /// How long it took.
    var ms: Double?

    var wasRun: Bool { ["accepted", "translated"].contains(outcome) }

    /// Without the query comment, on one line.
    var text: String {
      var text = sql.drop { $0.isWhitespace }
      if text.hasPrefix("/*"), let end = text.firstRange(of: "*/") {
        text = text[end.upperBound...]
      }
      return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The node that its comment names.
    var node: String? {
      guard let start = sql.firstRange(of: "\"node_id\": \"") else { return nil }
      return String(sql[start.upperBound...].prefix { $0 != "\"" })
    }

    var description: String {
      "\(pid) \(outcome) \(text)" + (error.map { " -- \($0)" } ?? "")
    }
  }

  /// All that a user sent, in the order in which it was answered.
  func statements(of user: String) throws -> [Statement] {
    let log = try String(contentsOfFile: "\(folder)/redshift/statements.jsonl", encoding: .utf8)
    return try log.split(separator: "\n").compactMap { line in
      guard line.contains("\"\(user)\"") else { return nil }
      let statement = try JSONDecoder().decode(Statement.self, from: Data(line.utf8))
      return statement.user == user ? statement : nil
    }
  }

  var control: StandInControl { StandInControl(port: port + 1, folder: folder) }

  /// Arms a fault for the statements that a pattern fits: `drop-mid-query*2@users_merged`.
  func arm(_ fault: String) throws { try control.arm(fault) }
}

/// The switches of a stand-in.
struct StandInControl {
  let port: Int
  /// Where answers are put.
  let folder: String

  func arm(_ fault: String) throws {
    let spec = fault.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? fault
    _ = try ask("POST", "fault?spec=\(spec)")
  }

  /// The faults that are armed and have not met anyone yet; none is afterwards.
  func takeArmed() throws -> [String] {
    struct Status: Decodable { var faults: [String] }
    let status = try JSONDecoder().decode(Status.self, from: ask("GET", "status"))
    _ = try ask("POST", "clear")
    return status.faults
  }

  private func ask(_ method: String, _ path: String) throws -> Data {
    let answer = "\(folder)/answer-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: answer) }
    let program = """
      import sys, urllib.request as r
      open(sys.argv[3], "wb").write(r.urlopen(r.Request(sys.argv[1], method=sys.argv[2])).read())
      """
    try PasswordServer.run(
      "/usr/bin/env",
      ["python3", "-c", program, "http://127.0.0.1:\(port)/\(path)", method, answer]
    )
    return try Data(contentsOf: URL(fileURLWithPath: answer))
  }
}

/// A project that is built on the stand-in, as a user and in a schema of its own.
struct RedshiftProject {
  let standIn: RedshiftStandIn
  let home: TestHome
  let folder: String
  let name: String
  let user: String
  /// Where its relations are.
  var schema: String { name }

  /// `copying`: a project of the repository; `files` are added, and stronger. `profile`: the profile's
  /// name where the project does not take the one that is made here. `settings`: further lines of the
  /// target.
  init(
    _ name: String,
    on standIn: Result<RedshiftStandIn, any Error> = RedshiftStandIn.shared,
    copying: String? = nil,
    profile: String = "warehouse",
    settings: [String] = [],
    _ files: [String: String] = [:]
  ) throws {
    self.name = name
    self.standIn = try standIn.get()
    user = try self.standIn.takeUser()
    home = try TestHome.shared.get()
    var files = files
    if let copying {
      let source = copying == "." ? Sectoral.repository : "\(Sectoral.repository)/\(copying)"
      try FileManager.default.createDirectory(
        atPath: "\(home.path)/\(name)",
        withIntermediateDirectories: true
      )
      let parts =
        copying == "."
        ? ["dbt_project.yml", "models", "macros", "seeds", "tests", "Examples/data"]
        : try FileManager.default.contentsOfDirectory(atPath: source)
      for part in parts where !["target", "logs"].contains(part) {
        let place = URL(fileURLWithPath: "\(home.path)/\(name)/\(part)")
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(),
          withIntermediateDirectories: true
        )
        try FileManager.default.copyItem(atPath: "\(source)/\(part)", toPath: place.path)
      }
    } else if files["dbt_project.yml"] == nil {
      files["dbt_project.yml"] = "name: \(name)\nprofile: \(profile)\n"
    }
    let more = settings.map { "\n      \($0)" }.joined()
    files["profiles.yml"] = """
      \(profile):
        target: prod
        outputs:
          prod:
            type: redshift
            host: 127.0.0.1
            port: \(self.standIn.port)
            user: \(user)
            password: \(RedshiftStandIn.password)
            dbname: \(RedshiftStandIn.database)
            schema: \(name)
            sslmode: require
            threads: 4\(more)

      """
    folder = try home.folder(name, files: files)
  }

  @discardableResult
  func run(_ arguments: String...) async throws -> Sectoral.Result {
    try await Sectoral.run(arguments, in: folder, home: home)
  }

  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
  }

  /// Two of the market project's years: the stand-in takes minutes to look at the inserts of all.
  func shortenMarket() throws {
    for file in ["stock_prices", "market_indices", "macro_series"] {
      let path = "\(folder)/Examples/data/\(file).csv"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      let kept = lines.filter { line in
        line == lines[0]
          || line.split(separator: ",").dropFirst().first.map { $0 < "2002" } ?? false
      }
      try Data((kept.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
  }

  /// Those whom Examples/redshift grants to.
  func makeGrantees() async throws {
    let made = try await run("run-operation", "create_grantees")
    // Another test may have been quicker.
    #expect(made.exitCode == 0 || made.output.contains("already exists"), "\(made)")
  }

  /// What `body` sent.
  func statements(
    of body: () async throws -> Void
  ) async throws -> [RedshiftStandIn.Statement] {
    let before = try standIn.statements(of: user).count
    try await body()
    return Array(try standIn.statements(of: user).dropFirst(before))
  }

  /// A query's rows, as text with bars between the cells.
  func rows(_ query: String) async throws -> [String] {
    try ShownRows.lines(
      of: try await Sectoral.run(ShownRows.arguments(query), in: folder, home: home)
    )
  }

  /// The status and message of each node of the last command, by its name.
  func results() throws -> [String: (status: String, message: String)] {
    let results = try runResults(in: folder)
    return Dictionary(
      uniqueKeysWithValues: results.map {
        ($0.key.split(separator: ".").prefix(3).last.map(String.init) ?? $0.key, $0.value)
      }
    )
  }
}
