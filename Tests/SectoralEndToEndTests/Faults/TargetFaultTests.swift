import Foundation
import Testing

/// What stands in the target's way: names that are taken, policies, sessions that may not write.
struct TargetFaultTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  /// What no model is, no model replaces.
  @Test(arguments: [
    ("sequence", "create sequence s.m"),
    ("composite type", "create type s.m as (id int)"),
    ("index", "create table s.other (id int); create index m on s.other (id)"),
    (
      "foreign table",
      "create foreign data wrapper idle; create server files foreign data wrapper idle; "
        + "create foreign table s.m (id int) server files options (filename '/dev/null')"
    ),
  ])
  func aNameIsTaken(_ kind: String, _ setup: String) async throws {
    let project = try await FaultProject(
      "taken",
      on: server,
      files: ["models/m.sql": "{{ config(materialized='table') }} select 1 as id\n"]
    )
    try await project.sql(setup)
    let before = try await project.sql("select oid, relkind from pg_class where relname = 'm'")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("relation \"m\" already exists"), "\(result)")
    #expect(result.output.contains(" \(kind) has this name"), "\(result)")
    let after = try await project.sql("select oid, relkind from pg_class where relname = 'm'")
    #expect(after == before)
    #expect(try await project.leftovers() == "")
  }

  /// Rows of a seed meet the policies of its table; COPY would be refused.
  @Test func aSeedUnderRowLevelSecurity() async throws {
    let project = try await FaultProject(
      "rows",
      on: server,
      files: ["seeds/rows.csv": "id,name\n1,\"a,\"\"b\"\n2,\n"]
    )
    try await project.sql("create role owner_of_\(project.database) login")
    let profiles = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
    try project.write(
      profiles.replacing("user: \(FaultServer.user)", with: "user: owner_of_\(project.database)"),
      to: "profiles.yml"
    )
    let administrator = profiles
    func asAdministrator(_ text: String) async throws -> String {
      let own = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
      try project.write(administrator, to: "profiles.yml")
      defer { try? project.write(own, to: "profiles.yml") }
      return try await project.sql(text)
    }
    _ = try await asAdministrator("grant all on schema s to owner_of_\(project.database)")
    #expect(try await project.run(["seed"]).exitCode == 0)
    _ = try await asAdministrator(
      """
      alter table s.rows enable row level security;
      alter table s.rows force row level security;
      create policy small on s.rows using (true) with check (id < 100);
      """
    )
    let again = try await project.run(["seed"])
    #expect(again.exitCode == 0, "\(again)")
    #expect(
      try await asAdministrator("select string_agg(r::text, ';' order by id) from s.rows as r")
        == #"(1,"a,""b");(2,)"#
    )
    try project.write("id,name\n500,c\n", to: "seeds/rows.csv")
    let refused = try await project.run(["seed"])
    #expect(refused.exitCode == 1, "\(refused)")
    #expect(refused.output.contains("hint: no policy of the table"), "\(refused)")
    #expect(try await asAdministrator("select count(*) from s.rows") == "2")
  }

  @Test func aSessionThatMayNotWrite() async throws {
    let project = try await FaultProject(
      "readonly",
      on: server,
      files: ["models/m.sql": "{{ config(materialized='table') }} select 1 as id\n"]
    )
    try await project.sql(
      "alter database \(project.database) set default_transaction_read_only = on"
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("in a read-only transaction"), "\(result)")
    #expect(result.output.contains("hint: nothing can be written there"), "\(result)")
  }
}
