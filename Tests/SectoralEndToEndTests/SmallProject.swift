import Foundation
import Testing

/// A project of its own: names of projects are names of databases.
struct SmallProject {
  let home: TestHome
  let folder: String
  let name: String

  init(_ name: String, _ files: [String: String]) throws {
    self.name = name
    home = try TestHome.shared.get()
    var files = files
    let definition = files["dbt_project.yml"] ?? ""
    files["dbt_project.yml"] = "name: \(name)\nprofile: none_\(name)\n" + definition
    folder = try home.folder(name, files: files)
  }

  func run(_ arguments: String...) async throws -> Sectoral.Result { try await run(arguments) }

  func run(_ arguments: [String]) async throws -> Sectoral.Result {
    try await Sectoral.run(arguments, in: folder, home: home)
  }

  func rows(_ query: String) async throws -> [[String: Any]] {
    try ShownRows.rows(of: try await run(ShownRows.arguments(query)))
  }

  /// Where it was built.
  var database: String {
    get throws {
      let nodes = try json("target/manifest.json")["nodes"] as? [String: [String: Any]]
      return try #require(nodes?.values.first?["database"] as? String)
    }
  }

  func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
  }

  func json(_ file: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }
}
