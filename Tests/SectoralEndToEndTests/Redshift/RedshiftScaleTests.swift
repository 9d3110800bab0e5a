import Foundation
import Testing

/// How much is sent for many relations: as much as for few.
@Suite(.enabled(if: RedshiftStandIn.isThere, RedshiftStandIn.whyNot))
struct RedshiftScaleTests {
  @Test func lookingDoesNotGrowWithTheProject() async throws {
    var files = [
      "dbt_project.yml": """
      name: rs_many
      profile: warehouse
      models:
        rs_many:
      \((0..<6).map { "    part\($0): {+schema: part\($0)}" }.joined(separator: "\n"))
      """
    ]
    for number in 0..<120 {
      let config = ["", "{{ config(bind=false) }}", "{{ config(materialized='table') }}"][
        number % 3
      ]
      files["models/part\(number % 6)/m\(number).sql"] =
        "\(config) select \(number) as id, 'x' as word"
    }
    let project = try RedshiftProject("rs_many", files)
    func sent(_ arguments: String...) async throws -> [RedshiftStandIn.Statement] {
      try await project.statements {
        let result = try await Sectoral.run(
          arguments,
          in: project.folder,
          home: project.home
        )
        #expect(result.exitCode == 0, "\(result)")
      }
    }
    let first = try await sent("run")
    // Six schemas are one transaction, and what stands in them is one query.
    let around = first.filter {
      $0.node == nil && $0.text.lowercased() != "commit" && $0.text != "BEGIN"
    }
    #expect(around.filter { $0.text.hasPrefix("create schema") }.count == 6)
    #expect(around.count == 6 + 3, "\(around)")
    // Sessions serve one node after the other.
    #expect(Set(first.map(\.pid)).count <= 5, "\(first)")

    let one = try await sent("run", "--select", "m0")
    #expect(one.count == 3 + 1, "\(one)")

    let catalog = try await sent("docs", "generate", "--no-compile")
    #expect(catalog.count <= 4, "\(catalog)")
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(project.folder)/target/catalog.json"))
    let nodes = try #require(
      (JSONSerialization.jsonObject(with: data) as? [String: Any])?["nodes"] as? [String: Any]
    )
    #expect(nodes.count == 120)
    for number in 0..<3 {
      let node = try #require(nodes["model.rs_many.m\(number)"] as? [String: Any])
      let columns = try #require(node["columns"] as? [String: Any])
      #expect(columns.keys.sorted() == ["id", "word"], "\(node)")
    }
  }
}
