import Foundation
import Glibc
import Testing

/// The stand-ins of AWS and of Redshift side by side: logins by the one serve for the other, which reads
/// what lies in the one's S3. Started by the first test that needs them; they end with the test run.
final class RedshiftOnAWS: Sendable {
  static let shared: Result<RedshiftOnAWS, any Error> = Result {
    let both = try RedshiftOnAWS()
    atexit { (try? RedshiftOnAWS.shared.get())?.stop() }
    return both
  }

  /// Where they lie, beside the checkout; see CONTRIBUTING.md.
  private static let testbed: String = {
    let shared =
      ProcessInfo.processInfo.environment["SECTORAL_SHARED"] ?? "\(Sectoral.repository)/../shared"
    return "\(shared)/testbed"
  }()
  static let isThere =
    access("\(testbed)/aws.sh", X_OK) == 0 && access("\(testbed)/redshift/standin.sh", X_OK) == 0
  static let whyNot: Comment = "the testbed (shared/testbed) is not beside this checkout"

  static let bucket = "staging"

  let port: Int
  private let folder: String
  /// What a client of AWS needs to know.
  let environment: [String: String]

  private init() throws {
    var template = Array("/tmp/sectoral-ra-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SectoralError.system("mkdtemp", errno) }
    folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
    // The stand-in's own server listens 10,000 above, its control port one above.
    port = Int.random(in: 12_500..<15_000) * 2
    let cluster = """
      import boto3
      redshift = boto3.client("redshift")
      for name in ("analytics", "sleeper"):
          redshift.create_cluster(ClusterIdentifier=name, NodeType="ra3.large", DBName="dev",
                                  MasterUsername="awsuser", MasterUserPassword="Passw0rd1")
      redshift.pause_cluster(ClusterIdentifier="sleeper")
      boto3.client("s3").create_bucket(Bucket="\(Self.bucket)")
      """
    try Data(cluster.utf8).write(to: URL(fileURLWithPath: "\(folder)/cluster.py"))
    let objects = """
      import boto3
      for entry in boto3.client("s3").list_objects_v2(Bucket="\(Self.bucket)").get("Contents", []):
          print(entry["Key"])
      """
    try Data(objects.utf8).write(to: URL(fileURLWithPath: "\(folder)/objects.py"))
    // Whoever logs on is let in: the passwords are AWS's own. Python's packages are installed once.
    let script = """
      set -e
      "$1/aws.sh" start --auth
      "$1/aws.sh" env > env
      . ./env
      "$1/aws.sh" python cluster.py
      # Its server runs under another account, which must be able to reach its folder.
      export STANDIN_HOME=$PWD TMPDIR=/tmp
      packages=${XDG_CACHE_HOME:-$HOME/.cache}/sectoral-testbed/redshift-venv
      mkdir -p "$packages"
      ln -s "$packages" redshift-venv
      "$1/redshift/standin.sh" start --port \(port) --database dev --auth trust \\
        --user awsuser:x --user tester:x
      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/start.sh"))
    environment = try Self.start(folder)
  }

  private static func start(_ folder: String) throws -> [String: String] {
    try bash("start.sh", in: folder)
    let text = try String(contentsOfFile: "\(folder)/env", encoding: .utf8)
    var variables: [String: String] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("export ") {
      let pair = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
      if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
    }
    return variables
  }

  /// Runs a script of the folder there.
  private static func bash(_ script: String, in folder: String) throws {
    let command = "cd '\(folder)' && . ./\(script) '\(testbed)' > \(script).log 2>&1"
    try PasswordServer.run(
      "/usr/bin/env",
      [
        "SECTORAL_AWS_INSTANCE=\(folder.dropFirst("/tmp/".count))", "/bin/bash", "-c", command,
        "bash", testbed,
      ]
    )
  }

  func stop() {
    let script = """
      STANDIN_HOME=$PWD "$1/redshift/standin.sh" stop
      "$1/aws.sh" stop
      """
    try? Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/stop.sh"))
    try? Self.bash("stop.sh", in: folder)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Arms a fault of Redshift's for the statements that a pattern fits.
  func arm(_ fault: String) throws {
    try StandInControl(port: port + 1, folder: folder).arm(fault)
  }

  /// The keys of all objects in the bucket.
  func objects(below prefix: String) throws -> [String] {
    let script = "set -e; . ./env; \"$1/aws.sh\" python objects.py > objects.txt"
    let name = "objects-\(UUID().uuidString).sh"
    try Data(script.replacing("objects.txt", with: "\(name).txt").utf8)
      .write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    try Self.bash(name, in: folder)
    return try String(contentsOfFile: "\(folder)/\(name).txt", encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
  }

  /// What was sent with a text in it, in order.
  func statements(with text: String) throws -> [String] {
    struct Statement: Decodable { var sql: String }
    let log = try String(contentsOfFile: "\(folder)/redshift/statements.jsonl", encoding: .utf8)
    return try log.split(separator: "\n").compactMap { line in
      let statement = try JSONDecoder().decode(Statement.self, from: Data(line.utf8))
      return statement.sql.contains(text) ? statement.sql : nil
    }
  }
}

/// A project whose targets log on by way of AWS.
struct AWSProject {
  let both: RedshiftOnAWS
  let home: TestHome
  let folder: String
  let name: String

  init(_ name: String, _ files: [String: String]) throws {
    self.name = name
    let both = try RedshiftOnAWS.shared.get()
    self.both = both
    home = try TestHome.shared.get()
    var files = files
    files["dbt_project.yml"] =
      "name: \(name)\nprofile: warehouse\n" + (files["dbt_project.yml"] ?? "")
    func target(_ target: String, _ settings: [String: String]) -> String {
      var all = [
        "type": "redshift", "host": "127.0.0.1", "port": "\(both.port)", "dbname": "dev",
        "schema": name, "threads": "2", "user": "tester", "password": "x",
      ]
      all.merge(settings) { _, new in new }
      let lines = all.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
      return "    \(target):\n" + lines.map { "      \($0.key): \($0.value)\n" }.joined()
    }
    let load = "iam_role: 'arn:aws:iam::123456789012:role/copy', min_bytes: 100"
    let iam = ["method": "iam", "cluster_id": "analytics", "password": ""]
    files["profiles.yml"] =
      "warehouse:\n  target: iam\n  outputs:\n"
      + target("iam", iam)
      + target(
        "role",
        ["method": "iam_role", "cluster_id": "analytics", "user": "", "password": ""]
      )
      + target("password", [:])
      + target("misspelt", ["sslmod": "require"])
      + target("costs", ["query_costs": "true"])
      + target("wrong_cluster", iam.merging(["cluster_id": "analytic"]) { $1 })
      + target(
        "asleep",
        iam.merging(["cluster_id": "sleeper", "port": "1", "retries": "0"]) { $1 }
      )
      + target("load", ["bulk_load": "{bucket: \(RedshiftOnAWS.bucket), prefix: \(name), \(load)}"])
      + target(
        "no_bucket",
        ["bulk_load": "{bucket: nowhere-\(name.replacing("_", with: "-")), \(load)}"]
      )
    folder = try home.folder(name, files: files)
  }

  func run(
    _ arguments: String...,
    environment: [String: String?] = [:]
  ) async throws -> Sectoral.Result {
    var variables = both.environment
    for (key, value) in environment { variables[key] = value }
    return try await Sectoral.run(arguments, in: folder, home: home, environment: variables)
  }

  func rows(_ query: String) async throws -> String {
    let shown = try await Sectoral.run(
      ShownRows.arguments(query) + ["--target", "password"],
      in: folder,
      home: home,
      environment: both.environment
    )
    return try ShownRows.lines(of: shown).joined(separator: "\n")
  }
}
