import Foundation
import Testing

/// What can go wrong while packages are installed: each an error that helps, and the old packages in
/// their place.
struct DepsFaultTests {
  /// A project with alpha 1.0.0 installed and locked, and a list that asks for another version.
  private static func updated(_ name: String = #function) async throws -> PackageProject {
    let project = try PackageProject(
      ["packages.yml": "packages:\n  - package: acme/alpha\n    version: 1.0.0\n"],
      name: name
    )
    project.hub.publish("acme/alpha", ["1.0.0": [:], "1.1.0": [:]])
    let result = try await project.run("deps")
    try #require(result.exitCode == 0, "\(result)")
    try project.write(
      "packages:\n  - package: acme/alpha\n    version: 1.1.0\n",
      to: "packages.yml"
    )
    return project
  }

  private static func expectUntouched(_ project: PackageProject, _ result: Sectoral.Result) {
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("hint:"), "\(result)")
    #expect(project.version("alpha") == "1.0.0", "\(result)")
    #expect(project.text("package-lock.yml")?.contains("version: 1.0.0") == true, "\(result)")
    #expect(!project.names().contains { $0.hasPrefix(".dbt_packages") }, "\(result)")
  }

  static let archive = "/tar/alpha-1.1.0.tar.gz"

  @Test func passingTroubleIsWaitedOut() async throws {
    let project = try await Self.updated()
    let good = PackageHub.Answer.body(
      TarGzip.make([("a/dbt_project.yml", "name: alpha\n"), ("a/version.txt", "1.1.0")])
    )
    project.hub.answer(
      Self.archive,
      .status(500),
      .half(Array(repeating: 0, count: 1000)),
      good
    )
    let result = try await project.run("deps")
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("Trying again (2 of 5)"), "\(result)")
    #expect(result.output.contains("Trying again (3 of 5)"), "\(result)")
    #expect(project.version("alpha") == "1.1.0")
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var path = archive
    var answer: PackageHub.Answer
    var says: String
  }

  static let faults: [Fault] = [
    Fault(testDescription: "500", answer: .status(500), says: "answers with status 500"),
    Fault(
      testDescription: "half",
      answer: .half(Array(repeating: 0, count: 1000)),
      says: "could not fetch"
    ),
    Fault(testDescription: "silence", answer: .silence, says: "could not fetch"),
    Fault(testDescription: "gone", answer: .status(404), says: "answers with status 404"),
    Fault(testDescription: "refused", answer: .status(403), says: "access is refused"),
    Fault(testDescription: "page", answer: .text("<html>"), says: "it is no .tar.gz file"),
    Fault(
      testDescription: "damaged",
      answer: .body(Array(TarGzip.make([("a/dbt_project.yml", "name: alpha\n")]).dropLast(9))),
      says: "damaged"
    ),
    Fault(
      testDescription: "outside",
      answer: .body(TarGzip.make([("a/dbt_project.yml", "name: alpha"), ("a/../../x", "x")])),
      says: "which would be written outside the package"
    ),
    Fault(
      testDescription: "absolute",
      answer: .body(TarGzip.make([("/tmp/x", "x")])),
      says: "which would be written outside the package"
    ),
    Fault(
      testDescription: "link out",
      answer: .body(
        TarGzip.make([("a/dbt_project.yml", .file, "name: alpha"), ("a/x", .link, "../../up")])
      ),
      says: "which leads out of the package"
    ),
    Fault(
      testDescription: "behind a link",
      answer: .body(
        TarGzip.make([("a/sub", .folder, ""), ("a/x", .link, "sub"), ("a/x/y", .file, "y")])
      ),
      says: "behind a link"
    ),
    Fault(
      testDescription: "no package",
      answer: .body(TarGzip.make([("a/readme", "x")])),
      says: "There is no dbt_project.yml in the package acme/alpha"
    ),
    Fault(
      testDescription: "the name of the project",
      answer: .body(TarGzip.make([("a/dbt_project.yml", "name: proj\n"), ("a/x", "x")])),
      says: "same name as the root project"
    ),
    Fault(
      testDescription: "the hub has trouble",
      path: "/api/v1/acme/alpha.json",
      answer: .status(503),
      says: "The package hub could not be asked about acme/alpha"
    ),
    Fault(
      testDescription: "no JSON",
      path: "/api/v1/acme/alpha.json",
      answer: .text("<html>"),
      says: "gives no JSON"
    ),
    Fault(
      testDescription: "other JSON",
      path: "/api/v1/acme/alpha.json",
      answer: .text("[1]"),
      says: "answers with something else than a package"
    ),
  ]

  @Test(arguments: faults)
  func failedDownload(_ fault: Fault) async throws {
    let name = "fault_" + fault.testDescription.filter(\.isLetter)
    let project = try await Self.updated(name)
    project.hub.answer(fault.path, fault.answer)
    let result = try await project.run("deps")
    Self.expectUntouched(project, result)
    #expect(result.output.contains(fault.says), "\(result)")
  }

  @Test func wrongCheckSum() async throws {
    let project = try await Self.updated()
    project.hub.publish("acme/alpha", ["1.1.0": [:]], sha1: String(repeating: "0", count: 40))
    let result = try await project.run("deps")
    Self.expectUntouched(project, result)
    #expect(result.output.contains("does not have the check sum"), "\(result)")
  }

  @Test func noNetwork() async throws {
    var project = try await Self.updated()
    // A port that nobody listens on, and a proxy that is none.
    for (name, value) in [
      ("DBT_PACKAGE_HUB_URL", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1"),
    ] {
      let before = project.environment
      project.environment[name] = value
      let result = try await project.run("deps")
      Self.expectUntouched(project, result)
      #expect(result.output.contains("HTTPS_PROXY"), "\(result)")
      project.environment = before
    }
  }

  @Test func killedInTheMiddleAndFullDisk() async throws {
    let project = try await Self.updated()
    // Small files only: as a full disk, it stops the download's unpacking.
    project.hub.publish(
      "acme/alpha",
      ["1.1.0": ["big.txt": String(repeating: "x", count: 3_000_000)]]
    )
    let full = try await project.run("deps", shell: "ulimit -f 1000; exec \"$@\"")
    Self.expectUntouched(project, full)
    project.hub.answer(Self.archive, .status(500))
    let killed = try await Sectoral.run(
      ["deps"],
      in: project.folder,
      home: project.home,
      environment: project.environment,
      interrupt: .init(signal: SIGKILL, after: "Trying again")
    )
    #expect(killed.signal == SIGKILL)
    #expect(project.version("alpha") == "1.0.0")
    let stopped = try await Sectoral.run(
      ["deps"],
      in: project.folder,
      home: project.home,
      environment: project.environment,
      interrupt: .init(signal: SIGINT, after: "Trying again")
    )
    #expect(stopped.exitCode == 2, "\(stopped)")
    #expect(project.version("alpha") == "1.0.0")
    project.hub.publish("acme/alpha", ["1.1.0": [:]])
    #expect(try await project.run("deps").exitCode == 0)
    #expect(project.version("alpha") == "1.1.0")
    #expect(!project.names().contains { $0.hasPrefix(".dbt_packages") })
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    var packages: String
    var says: [String]
    var files: [String: String] = [:]

    var testDescription: String { says[0] }
  }

  static let mistakes: [Mistake] = [
    Mistake(
      packages: "- package: acme/alfa\n    version: 1.0.0",
      says: ["Package acme/alfa was not found", "did you mean 'acme/alpha'?", "packages.yml:2:5"]
    ),
    Mistake(
      packages: "- package: acme/alpha\n    version: 9.9.9",
      says: ["Requested range: =9.9.9, =9.9.9", "Compatible versions: ['1.0.0', '1.1.0']"]
    ),
    Mistake(
      packages: "- package: acme/alpha\n    version: '>=1.0'",
      says: ["\">=1.0\" is not a valid semantic version."]
    ),
    Mistake(
      packages: "- package: acme/alpha\n    version: [\">=2.0.0\", \"<1.0.0\"]",
      says: ["satisfactory version from options: ['>=2.0.0', '<1.0.0']"]
    ),
    Mistake(
      packages:
        "- package: acme/alpha\n    version: 1.0.0\n  - package: acme/narrow\n    version: 1.0.0",
      says: [
        "options: ['=1.0.0', '=1.1.0']",
        "packages.yml:2 asks for 1.0.0; the package narrow asks for 1.1.0",
      ]
    ),
    Mistake(
      packages: "- package: acme/new\n    version: '>=1.0.0'",
      says: ["1.0.0 is there, but asks for dbt >=2.0.0, and this is 1.11"]
    ),
    Mistake(
      packages: "- package: acme/early\n    version: '>=0.1.0'",
      says: ["write install-prerelease: true"]
    ),
    Mistake(
      packages: "- package: acme/circle\n    version: 1.0.0",
      says: ["in a circle: acme/circle --> acme/back --> acme/circle"]
    ),
    Mistake(
      packages:
        "- package: acme/clash\n    version: 1.0.0\n  - package: acme/alpha\n    version: 1.0.0",
      says: ["Found duplicate project \"alpha\"", "acme/clash and acme/alpha"]
    ),
    Mistake(
      packages: "- packag: acme/alpha\n    version: 1.0.0\n  - package: alpha\n    version: 1.0.0",
      says: ["did you mean 'package'?", "packages.yml:4:14", "write namespace/alpha"]
    ),
    Mistake(
      packages: "- package: acme/alpha\n    version: 1.0.0\n    subdirectory: x",
      says: ["'subdirectory' is unexpected in a hub package"]
    ),
    Mistake(packages: "- package: acme/alpha", says: ["'version' is a required property"]),
    Mistake(packages: "- local: ./none", says: ["No dbt_project.yml found at expected path"]),
    Mistake(
      packages: "- local: ./twin",
      says: ["same name as the root project \"proj\""],
      files: ["twin/dbt_project.yml": "name: proj\n"]
    ),
    Mistake(
      packages: "- local: ./a\n  - local: ./b",
      says: ["Found duplicate project \"same\"", "./a and ./b"],
      files: ["a/dbt_project.yml": "name: same\n", "b/dbt_project.yml": "name: same\n"]
    ),
    Mistake(
      packages: "- local: ./lp",
      says: ["cannot be specified in both", "dependencies.yml:1:1"],
      files: ["dependencies.yml": "packages:\n  - local: ./lp\n"]
    ),
    Mistake(
      packages: "- local: \"{{ var('where') }}\"",
      says: ["Required var 'where' not found", "--vars '{where: "]
    ),
    Mistake(
      packages: "- git: file:///nowhere/at/all\n    revision: v1",
      says: ["Error checking out spec='v1'", "git ls-remote"]
    ),
    Mistake(
      packages: "- git: --upload-pack=touch x\n    revision: v1",
      says: ["begins with a dash"]
    ),
    Mistake(packages: "- git: ext::sh -c touch% x", says: ["transport 'ext' not allowed"]),
  ]

  @Test(arguments: mistakes.indices)
  func mistakeInTheList(_ index: Int) async throws {
    let mistake = Self.mistakes[index]
    let project = try await Self.updated("mistake_\(index)")
    let hub = project.hub
    hub.publish(
      "acme/narrow",
      ["1.0.0": [:]],
      packages: ["1.0.0": #"[{"package": "acme/alpha", "version": "1.1.0"}]"#]
    )
    hub.publish("acme/new", ["1.0.0": [:]], requires: ["1.0.0": #"[">=2.0.0"]"#])
    hub.publish("acme/early", ["1.0.0-b1": [:]])
    hub.publish("acme/clash", ["1.0.0": [:]], project: "alpha")
    for (name, other) in [("circle", "back"), ("back", "circle")] {
      hub.publish(
        "acme/\(name)",
        ["1.0.0": [:]],
        packages: ["1.0.0": #"[{"package": "acme/\#(other)", "version": "1.0.0"}]"#]
      )
    }
    for (file, text) in mistake.files { try project.write(text, to: file) }
    try project.write("packages:\n  \(mistake.packages)\n", to: "packages.yml")
    let result = try await project.run("deps")
    Self.expectUntouched(project, result)
    for words in mistake.says { #expect(result.output.contains(words), "\(result)") }
  }

  @Test func gitIsMissingOrHasNoSuchPlace() async throws {
    var project = try await Self.updated()
    let address = try project.repository("tools", [["dbt_project.yml": "name: tools\n"]])
    for (entry, says) in [
      ("revision: v7", "did you mean 'v1'?"),
      ("revision: v1\n    subdirectory: none", "Directory does not exist: \"none\""),
    ] {
      try project.write("packages:\n  - git: \(address)\n    \(entry)\n", to: "packages.yml")
      let result = try await project.run("deps")
      Self.expectUntouched(project, result)
      #expect(result.output.contains(says), "\(result)")
    }
    project.environment["PATH"] = "/nonexistent"
    let result = try await project.run("deps")
    Self.expectUntouched(project, result)
    #expect(result.output.contains("Could not find command"), "\(result)")
  }

  @Test func renamedPackagesAreMentioned() async throws {
    let project = try PackageProject([
      "packages.yml": "packages:\n  - package: acme/old\n    version: 1.0.0\n"
    ])
    project.hub.publish("acme/old", ["1.0.0": [:]], further: #""redirectname": "new", "#)
    let result = try await project.run("deps")
    #expect(result.exitCode == 0, "\(result)")
    #expect(result.output.contains("deprecated in favor of `acme/new`"), "\(result)")
  }
}
