import Foundation
import Glibc
import Testing

/// What servers do to those who build on them.
struct ServerFaultTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  private static let kept =
    "{{ config(materialized='table') }}\nselect generate_series(1, 3) as id\n"

  private func built(_ name: String, profile: String = "") async throws -> FaultProject {
    let project = try await FaultProject(
      name,
      on: server,
      profile: profile,
      files: ["models/kept.sql": Self.kept]
    )
    let result = try await project.run(["run"])
    try #require(result.exitCode == 0, "\(result)")
    return project
  }

  private func expectKept(_ project: FaultProject, rows: Int = 3) async throws {
    #expect(try await project.sql("select count(*) from s.kept") == "\(rows)")
    #expect(try await project.leftovers() == "")
  }

  @Test func aStatementTimeout() async throws {
    let project = try await built("timeout")
    try await project.sql("alter database \(project.database) set statement_timeout = '700ms'")
    try project.write(
      "{{ config(materialized='table') }}\nselect 1 as id from pg_sleep(20)\n",
      to: "models/kept.sql"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("canceling statement due to statement timeout"), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    try await expectKept(project)
  }

  /// Two runs of one project at once: both end well, or one says what it met; one whole result stands.
  @Test func twoBuildsAtOnce() async throws {
    var files: [String: String] = ["seeds/rows.csv": "id\n1\n2\n3\n"]
    for number in 1...6 {
      files["models/t\(number).sql"] =
        "{{ config(materialized='table') }}\nselect id, \(number) as n from {{ ref('rows') }}\n"
      files["models/v\(number).sql"] = "select * from {{ ref('t\(number)') }}\n"
      files["models/i\(number).sql"] =
        "{{ config(materialized='incremental', unique_key='id') }}\nselect * from {{ ref('v\(number)') }}\n"
    }
    let project = try await FaultProject("two", on: server, threads: 4, files: files)
    // First of all nothing stands there; then everything does.
    for _ in 1...3 {
      async let one = project.run(["build", "--target-path", "target1", "--log-path", "logs1"])
      async let two = project.run(["build", "--target-path", "target2", "--log-path", "logs2"])
      for result in try await [one, two] { #expect(result.exitCode == 0, "\(result)") }
      for number in 1...6 {
        for kind in ["t", "v", "i"] {
          #expect(
            try await project.sql("select count(*), min(n) from s.\(kind)\(number)")
              == "3|\(number)"
          )
        }
      }
      #expect(try await project.leftovers() == "")
    }
  }

  @Test func aFullDisk() async throws {
    let folder = "/tmp/sectoral-disk-\(UInt32.random(in: 0...UInt32.max))"
    mkdir(folder, 0o777)
    defer { rmdir(folder) }
    guard Glibc.mount("tmpfs", folder, "tmpfs", 0, "size=4m,mode=0777") == 0 else {
      print(
        "skipped: a file system of four megabytes cannot be mounted: \(String(cString: strerror(errno)))"
      )
      return
    }
    defer { umount2(folder, Int32(MNT_DETACH)) }
    let server = try FaultServer()
    defer { server.stop() }
    if getuid() == 0 { try PasswordServer.run("/bin/chown", ["postgres", folder]) }
    let project = try await FaultProject("full", on: server, files: ["models/kept.sql": Self.kept])
    try await project.sql("create tablespace small location '\(folder)'", target: "bare")
    try await project.sql("alter database \(project.database) set default_tablespace = small")
    let first = try await project.run(["run"])
    #expect(first.exitCode == 0, "\(first)")
    try project.write(
      "{{ config(materialized='table') }}\n"
        + "select i as id, repeat(md5(i::text), 10) as x from generate_series(1, 100000) as i\n",
      to: "models/kept.sql"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("No space left on device"), "\(result)")
    #expect(!result.output.contains("again in"), "\(result)")
    try await expectKept(project)
    // And once there is room again:
    try project.write(Self.kept, to: "models/kept.sql")
    let next = try await project.run(["run"])
    #expect(next.exitCode == 0, "\(next)")
    try await expectKept(project)
  }

  /// More threads than the server has connections: they wait for one another.
  @Test func tooManyConnections() async throws {
    var files: [String: String] = [:]
    for number in 1...8 {
      files["models/m\(number).sql"] =
        "{{ config(materialized='table') }}\nselect \(number) as id from pg_sleep(0.3)\n"
    }
    let project = try await FaultProject("crowd", on: server, threads: 8, files: files)
    try await project.sql(
      "create role narrow login connection limit 2; grant all on schema s to narrow"
    )
    let profile = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
    try project.write(
      profile.replacingOccurrences(of: "user: \(FaultServer.user)", with: "user: narrow"),
      to: "profiles.yml"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
  }
}
