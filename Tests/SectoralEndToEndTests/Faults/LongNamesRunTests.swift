import Foundation
import Testing

/// Models whose names leave no room for a suffix, built side by side.
struct LongNamesRunTests {
  @Test func modelsThatBeginAlike() async throws {
    // 61 bytes in common; temporary names would be one and the same if they were only cut.
    let stem = String(repeating: "a_long_name_", count: 5) + "x"
    let wide = String(repeating: "größe_", count: 7)
    var files: [String: String] = [:]
    let names = (1...6).map { "\(stem)\($0)" } + (1...4).map { "\(wide)\($0)" }
    for (number, name) in names.enumerated() {
      let kind = number % 2 == 0 ? "table" : "incremental"
      files["models/\(name).sql"] = """
        {{ config(materialized='\(kind)', unique_key='id', indexes=[{'columns': ['id']}]) }}
        select \(number) as id, pg_sleep(0.05)::text as nothing

        """
    }
    let project = try await FaultProject(
      "names",
      on: try FaultServer.shared.get(),
      threads: 8,
      files: files
    )
    for arguments in [["run"], ["run"], ["run", "--full-refresh"]] {
      let result = try await project.run(arguments)
      #expect(result.exitCode == 0, "\(result)")
      for (number, name) in names.enumerated() {
        #expect(
          try await project.sql("select string_agg(id::text, ' ') from s.\"\(name)\"")
            == "\(number)"
        )
      }
      #expect(try await project.leftovers() == "")
    }
  }

  @Test func aNameThatTheServerWouldCut() async throws {
    let name = String(repeating: "ü", count: 40)
    let project = try await FaultProject(
      "cutname",
      on: try FaultServer.shared.get(),
      files: ["models/\(name).sql": "select 1 as id\n"]
    )
    let result = try await project.run(["run"])
    #expect(result.exitCode == 1, "\(result)")
    #expect(result.output.contains("is longer than 63 characters of one byte"), "\(result)")
    #expect(result.output.contains("= hint: it has 80 bytes; set a shorter `alias`"), "\(result)")
  }
}
