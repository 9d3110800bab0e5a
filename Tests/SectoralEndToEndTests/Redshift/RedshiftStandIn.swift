import Foundation
import Glibc
import Synchronization
import Testing

/// The stand-in for Redshift of the testbed: it refuses what Redshift refuses, and logs every statement.
/// It is started by the first test that needs it, and ends with the test run.
final class RedshiftStandIn: Sendable {
  static let shared: Result<RedshiftStandIn, any Error> = Result {
    let standIn = try RedshiftStandIn()
    atexit { (try? RedshiftStandIn.shared.get())?.stop() }
    return standIn
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
    // Its own server listens 10,000 above, its control port one above.
    port = Int.random(in: 10_000..<12_500) * 2
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
    try script(["start", "--port", "\(port)", "--database", Self.database] + logins)
  }

  private func script(_ arguments: [String]) throws {
    try PasswordServer.run(
      "/usr/bin/env",
      // Its server runs under another account, which must be able to reach its folder.
      ["STANDIN_HOME=\(folder)", "TMPDIR=/tmp", "/bin/bash", Self.script] + arguments
    )
  }

  func stop() {
    try? script(["stop"])
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

  /// Arms a fault for the statements that a pattern fits: `drop-mid-query*2@users_merged`.
  func arm(_ fault: String) throws {
    let spec = fault.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? fault
    let program =
      "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='POST')).read()"
    try PasswordServer.run(
      "/usr/bin/env",
      ["python3", "-c", program, "http://127.0.0.1:\(port + 1)/fault?spec=\(spec)"]
    )
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
    copying: String? = nil,
    profile: String = "warehouse",
    settings: [String] = [],
    _ files: [String: String] = [:]
  ) throws {
    self.name = name
    standIn = try RedshiftStandIn.shared.get()
    user = try standIn.takeUser()
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
            port: \(standIn.port)
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
    let shown = try await run(
      "show",
      "--quiet",
      "--inline",
      query,
      "--output",
      "json",
      "--limit",
      "-1"
    )
    try #require(shown.exitCode == 0, "\(shown)")
    let value = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
    let rows = try #require((value as? [String: Any])?["show"] as? [[String: Any]])
    return rows.map { row in
      row.sorted { $0.key < $1.key }.map { "\($0.value)" }.joined(separator: "|")
    }
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
