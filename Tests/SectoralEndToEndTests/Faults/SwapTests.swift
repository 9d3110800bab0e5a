import Foundation
import Synchronization
import Testing

/// Readers never find a table or view missing, empty or half there while it is rebuilt.
///
/// A hundred exchanges in the usual test run; `SECTORAL_SWAPS=1000` asks for as many as the promise says
/// (`make conformance`).
struct SwapTests {
  private static let swaps =
    ProcessInfo.processInfo.environment["SECTORAL_SWAPS"].flatMap { Int($0) } ?? 100
  private static let tables = 8
  private static let rows = 500

  private static let files: [String: String] = {
    var files: [String: String] = [:]
    for number in 1...tables {
      files["models/t\(number).sql"] = """
        {{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}]) }}
        select i as id, {{ modules.datetime.datetime.now().microsecond }} as stamp from generate_series(1, \(rows)) as i

        """
      files["models/v\(number).sql"] =
        "{{ config(materialized='view') }}\nselect id, stamp from {{ ref('t\(number)') }}\n"
    }
    return files
  }()

  private final class Flag: Sendable {
    let isDone = Atomic(false)
  }

  @Test func readersNoticeNothing() async throws {
    let project = try await FaultProject(
      "swaps",
      on: try FaultServer.shared.get(),
      threads: 4,
      files: Self.files
    )
    let first = try await project.run(["run"])
    try #require(first.exitCode == 0, "\(first)")
    // Queries of functions keep their plans from one call to the next.
    let counting = (1...Self.tables).map {
      "create function s.seen\($0)() returns text language plpgsql as $$ begin "
        + "return (select count(*) || '|' || count(distinct stamp) from s.v\($0)); end $$"
    }
    _ = try await project.sql(counting.joined(separator: "; "))
    // One stamp: a table is of one build, never of two.
    var reads = ""
    for number in 1...Self.tables {
      reads += "select count(*), count(distinct stamp) from s.t\(number);\n"
      reads += "select count(*), count(distinct stamp) from s.v\(number);\n"
      reads += "select s.seen\(number)();\n"
    }
    let script = String(repeating: reads, count: 5)
    let flag = Flag()
    let runs = (Self.swaps + 2 * Self.tables - 1) / (2 * Self.tables)
    await withTaskGroup(of: Int.self) { group in
      for _ in 1...4 {
        group.addTask {
          var count = 0
          while !flag.isDone.load(ordering: .relaxed) {
            guard
              let result = try? await Sectoral.run(
                ["db", "psql", "--", "-XAtqv", "ON_ERROR_STOP=1"],
                in: project.folder,
                home: project.home,
                input: script
              )
            else {
              Issue.record("psql could not be started")
              return count
            }
            #expect(result.exitCode == 0, "\(result)")
            let lines = result.output.split(separator: "\n")
            #expect(Set(lines) == ["\(Self.rows)|1"])
            count += lines.count
          }
          return count
        }
      }
      for _ in 1...runs {
        let result = try? await project.run(["run"])
        #expect(result?.exitCode == 0, "\(String(describing: result))")
      }
      flag.isDone.store(true, ordering: .relaxed)
      var reads = 0
      for await count in group { reads += count }
      #expect(reads > Self.swaps)
    }
    #expect(try await project.leftovers() == "")
  }
}
