import Foundation
import Testing

/// A project with packages in a folder of its own, and a hub beside it.
struct PackageProject {
  let home: TestHome
  let folder: String
  let hub: PackageHub
  var environment: [String: String] = [:]

  init(_ files: [String: String], name: String = #function) throws {
    home = try TestHome.shared.get()
    hub = try PackageHub()
    let name = "deps_" + String(name.prefix { $0 != "(" })
    var files = files
    files["dbt_project.yml"] =
      "name: proj\nprofile: none_\(name)\n" + (files["dbt_project.yml"] ?? "")
    folder = try home.folder(name, files: files)
    environment["DBT_PACKAGE_HUB_URL"] = hub.address
  }

  func run(_ arguments: String..., shell: String? = nil) async throws -> Sectoral.Result {
    try await Sectoral.run(
      arguments,
      in: folder,
      home: home,
      environment: environment,
      shell: shell
    )
  }

  func write(_ text: String, to file: String) throws {
    let url = URL(fileURLWithPath: "\(folder)/\(file)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try Data(text.utf8).write(to: url)
  }

  func text(_ file: String) -> String? {
    try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
  }

  /// The version that a hub package was installed in.
  func version(_ package: String) -> String? { text("dbt_packages/\(package)/version.txt") }

  /// The names in a folder, hidden ones too.
  func names(in path: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(path)")) ?? []).sorted()
  }

  /// A git repository with a commit for each of the maps of files, tagged v1, v2, ...; its address.
  func repository(_ name: String, _ commits: [[String: String]]) throws -> String {
    let path = try home.folder("\(folder.split(separator: "/").last ?? "")_\(name)")
    try git(path, "init", "--quiet", "--initial-branch=main")
    for (index, files) in commits.enumerated() {
      for (file, text) in files {
        let url = URL(fileURLWithPath: "\(path)/\(file)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(),
          withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
      }
      try git(path, "add", ".")
      try git(path, "commit", "--quiet", "-m", "change \(index + 1)")
      try git(path, "tag", "v\(index + 1)")
    }
    return "file://\(path)"
  }

  @discardableResult
  func git(_ path: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-C", path, "-c", "user.name=Test", "-c", "user.email=test@example.com"] + arguments
    process.environment = home.environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "git \(arguments)")
    return String(decoding: data, as: UTF8.self).filter { $0 != "\n" }
  }
}
