import Foundation
import Testing

/// A server and its hot standby.
struct StandbyTests {
  private static let files = [
    "models/first.sql": "{{ config(materialized='table') }}\nselect 1 as id\n",
    "models/seen.sql": "select * from {{ ref('first') }}\n",
  ]

  /// Whatever is written there is refused, with what to do; what only reads works.
  @Test func aStandbyOnlyReads() async throws {
    let primary = try FaultServer()
    defer { primary.stop() }
    let standby = try FaultServer(standbyOf: primary)
    defer { standby.stop() }
    let project = try await FaultProject("standby", on: primary, files: Self.files)
    try project.add(target: "standby", replacing: "127.0.0.1", with: "127.0.0.2")
    try project.add(target: "either", replacing: "127.0.0.1", with: "'127.0.0.2,127.0.0.1'")
    let built = try await project.run(["build"])
    #expect(built.exitCode == 0, "\(built)")
    try await caughtUp(project)
    let refused = try await project.run(["build", "--target", "standby"])
    #expect(refused.exitCode == 1, "\(refused)")
    #expect(refused.output.contains("in a read-only transaction"), "\(refused)")
    #expect(refused.output.contains("hint: nothing can be written there"), "\(refused)")
    for command in [["compile"], ["show", "--select", "seen"], ["docs", "generate"]] {
      let result = try await project.run(command + ["--target", "standby"])
      #expect(result.exitCode == 0, "\(result)")
    }
    // Of a list, the one that can be written to.
    let listed = try await project.run(
      ["build", "--target", "either"],
      environment: ["PGTARGETSESSIONATTRS": "read-write"]
    )
    #expect(listed.exitCode == 0, "\(listed)")
  }

  /// The server fails in the middle of a run, and its standby takes over.
  @Test func aFailover() async throws {
    let primary = try FaultServer()
    defer { primary.stop() }
    let standby = try FaultServer(standbyOf: primary)
    defer { standby.stop() }
    let project = try await FaultProject("failover", on: primary, files: Self.files)
    try await project.addModelsThatWaitForARestart(parent: "first")
    try project.add(target: "standby", replacing: "127.0.0.1", with: "127.0.0.2")
    try project.add(target: "either", replacing: "127.0.0.1", with: "'127.0.0.1,127.0.0.2'")
    // What was committed is on both.
    try await project.sql("alter system set synchronous_standby_names = '*'")
    try await project.sql("select pg_reload_conf()")
    async let running = project.run(
      ["build", "--target", "either"],
      environment: ["PGTARGETSESSIONATTRS": "read-write"]
    )
    try await project.waitForModelsThatWait()
    try primary.crash()
    try standby.promote()
    let result = try await running
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("again in"), "\(result)")
    #expect(
      try await project.sql(
        "select string_agg(relname, ' ' order by relname) from pg_class "
          + "where relnamespace = 's'::regnamespace",
        target: "standby"
      ) == "after first m1 m2 seen"
    )
  }

  private func caughtUp(_ project: FaultProject) async throws {
    try await project.wait(
      until: "pg_current_wal_lsn() <= (select replay_lsn from pg_stat_replication)",
      "the standby has it all"
    )
  }
}
