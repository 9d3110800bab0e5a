import Foundation
import Testing

/// `deps` on packages of every kind.
struct DepsTests {
  static let list = """
    packages:
      - package: acme/alpha
        version: [">=0.1.0", "<1.0.0"]
      - local: ./lp

    """

  @Test func installsAndLocksAsDbtDoes() async throws {
    let project = try PackageProject([
      "packages.yml": Self.list, "lp/dbt_project.yml": "name: lp\nversion: '1.0'\n",
    ])
    project.hub.publish("acme/alpha", ["0.1.0": [:], "0.9.0": [:], "1.1.0": [:], "2.0.0-rc1": [:]])
    let first = try await project.run("deps")
    #expect(first.exitCode == 0, "\(first)")
    // Without the times in front.
    let lines = first.output.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0.dropFirst(10)) }
    #expect(
      lines.contains([
        "Updating lock file in file path: \(project.folder)/package-lock.yml",
        "Installing acme/alpha",
        "Installed from version 0.9.0",
        "Updated version available: 1.1.0",
        "Installing ./lp",
        "Installed from <local @ ./lp>",
        "",
        "Updates available for packages: ['acme/alpha']",
      ]),
      "\(first)"
    )
    #expect(project.version("alpha") == "0.9.0")
    #expect(project.text("dbt_packages/lp/dbt_project.yml")?.hasPrefix("name: lp") == true)
    // The check sum is the one that dbt-core 1.11 writes for this list.
    #expect(
      project.text("package-lock.yml") == """
        packages:
          - name: alpha
            package: acme/alpha
            version: 0.9.0
          - local: ./lp
            name: lp
        sha1_hash: 94b7bca6bdf15c12eabb27553d372560e86a1112

        """
    )
    #expect(
      project.names() == [
        "dbt_packages", "dbt_project.yml", "logs", "lp", "package-lock.yml", "packages.yml",
      ]
    )

    // A newer version within the range: the lock file holds, until it is told not to.
    project.hub.publish("acme/alpha", ["0.9.0": [:], "0.9.1": [:]])
    #expect(try await project.run("deps").exitCode == 0)
    #expect(project.version("alpha") == "0.9.0")
    #expect(try await project.run("deps", "--upgrade").exitCode == 0)
    #expect(project.version("alpha") == "0.9.1")
    // And a changed list is resolved again.
    try project.write(Self.list.replacing("<1.0.0", with: "<0.9.1"), to: "packages.yml")
    let last = try await project.run("deps")
    #expect(last.output.contains("Updating lock file"), "\(last)")
    #expect(project.version("alpha") == "0.9.0")
  }

  @Test func lockOnlyInstallsNothing() async throws {
    let project = try PackageProject([
      "packages.yml": "packages:\n  - package: acme/alpha\n    version: 1.0.0\n"
    ])
    project.hub.publish("acme/alpha", ["1.0.0": [:]])
    #expect(try await project.run("deps", "--lock").exitCode == 0)
    // As dbt-core 1.11 writes it.
    #expect(
      project.text("package-lock.yml") == """
        packages:
          - name: alpha
            package: acme/alpha
            version: 1.0.0
        sha1_hash: 45dc8bf507bfa83648bfd389de54649a0949895f

        """
    )
    #expect(!project.names().contains("dbt_packages"))
  }

  @Test func packagesOfPackagesNarrowOneAnother() async throws {
    let project = try PackageProject([
      "dependencies.yml": "packages:\n  - package: acme/beta\n    version: 0.5.0\n"
    ])
    project.hub.publish("acme/alpha", ["0.1.0": [:], "0.9.0": [:], "1.1.0": [:]])
    project.hub.publish(
      "acme/beta",
      ["0.5.0": [:]],
      packages: ["0.5.0": #"[{"package": "acme/alpha", "version": [">=0.1.0", "<1.0.0"]}]"#]
    )
    let result = try await project.run("deps")
    #expect(result.exitCode == 0, "\(result)")
    #expect(project.version("alpha") == "0.9.0")
    #expect(project.names(in: "dbt_packages") == ["alpha", "beta"])
  }

  @Test func addPackageKeepsComments() async throws {
    let project = try PackageProject([
      "packages.yml": """
      # What we use.
      packages:
        # The first.
        - package: acme/alpha
          version: [">=0.1.0", "<2.0.0"]  # as it is

      """
    ])
    project.hub.publish("acme/alpha", ["1.0.0": [:]])
    project.hub.publish("acme/beta", ["1.0.0": [:], "2.0.0": [:]])
    #expect(try await project.run("deps", "--add-package", "acme/beta@1.0.0").exitCode == 0)
    #expect(
      project.text("packages.yml") == """
        # What we use.
        packages:
          # The first.
          - package: acme/alpha
            version: [">=0.1.0", "<2.0.0"]  # as it is
          - package: acme/beta
            version: 1.0.0

        """
    )
    #expect(project.version("beta") == "1.0.0")
    let replaced = try await project.run("deps", "--add-package", "acme/beta@>=1.0.0,<3.0.0")
    #expect(replaced.output.contains("Found duplicate package in packages.yml, removing"))
    #expect(
      project.text("packages.yml") == """
        packages:
          - package: acme/alpha
            version:
              - '>=0.1.0'
              - <2.0.0
          - package: acme/beta
            version:
              - '>=1.0.0'
              - <3.0.0

        """
    )
    #expect(project.version("beta") == "2.0.0")
    // What cannot be resolved is not written either.
    let before = project.text("packages.yml")
    #expect(try await project.run("deps", "--add-package", "acme/beta@7.0.0").exitCode == 2)
    #expect(try await project.run("deps", "--add-package", "acme/beta").exitCode == 2)
    #expect(project.text("packages.yml") == before)
    #expect(project.version("beta") == "2.0.0")
  }

  @Test func gitPackagesByTagBranchAndCommit() async throws {
    var project = try PackageProject([:])
    let address = try project.repository(
      "tools",
      [
        [
          "dbt_project.yml": "name: tools\nversion: '1'\n",
          "inner/pkg/dbt_project.yml": "name: inner\nversion: '1'\n", "inner/other.txt": "x",
        ], ["dbt_project.yml": "name: tools\nversion: '2'\n"],
      ]
    )
    let path = String(address.dropFirst(7))
    let commit = try project.git(path, "rev-parse", "v1")
    project.environment["DBT_ENV_SECRET_PLACE"] = address
    let cases: [(entry: String, version: String)] = [
      ("revision: v1", "1"), ("revision: main\n    warn-unpinned: false", "2"),
      ("revision: \(commit)", "1"), ("revision: \(commit.prefix(9))", "1"),
      ("revision: v2", "2"), ("warn_unpinned: false", "2"),
    ]
    for (entry, version) in cases {
      try project.write(
        "packages:\n  - git: \"{{ env_var('DBT_ENV_SECRET_PLACE') }}\"\n    \(entry)\n",
        to: "packages.yml"
      )
      let result = try await project.run("deps")
      #expect(result.exitCode == 0, "\(entry): \(result)")
      #expect(!result.output.contains(path), "\(result)")
      #expect(!result.output.contains("not pinned"), "\(result)")
      #expect(
        project.text("dbt_packages/tools/dbt_project.yml")?.contains("version: '\(version)'")
          == true,
        "\(entry)"
      )
      #expect(!project.names(in: "dbt_packages/tools").contains(".git"))
      // The secret stays a template.
      let lock = try #require(project.text("package-lock.yml"))
      #expect(lock.contains("  - git: '{{ env_var(''DBT_ENV_SECRET_PLACE'') }}'\n"), "\(lock)")
      #expect(version == "2" || lock.contains("    revision: \(commit)\n"), "\(lock)")
    }
    try project.write(
      "packages:\n  - git: \(address)\n    revision: v1\n    subdirectory: inner/pkg\n",
      to: "packages.yml"
    )
    let result = try await project.run("deps")
    #expect(result.output.contains("and subdirectory inner/pkg"), "\(result)")
    #expect(project.names(in: "dbt_packages") == ["inner"])
    // Again from the lock file, and with a warning where nothing is pinned.
    #expect(try await project.run("deps").exitCode == 0)
    try project.write("packages:\n  - git: \(address)\n", to: "packages.yml")
    let unpinned = try await project.run("deps")
    #expect(unpinned.output.contains("is not pinned, using HEAD"), "\(unpinned)")
    #expect(try await project.run("--warn-error", "deps", "--upgrade").exitCode == 2)
  }

  @Test func tarballs() async throws {
    let project = try PackageProject([:])
    project.hub.publish("acme/alpha", ["1.0.0": ["macros/a.sql": "{% macro a() %}1{% endmacro %}"]])
    project.hub.answer("/moved", .redirection("/tar/alpha-1.0.0.tar.gz"))
    try project.write(
      "packages:\n  - tarball: \(project.hub.address)/moved\n    name: alpha\n",
      to: "packages.yml"
    )
    let result = try await project.run("deps")
    #expect(result.exitCode == 0, "\(result)")
    #expect(project.version("alpha") == "1.0.0")
    #expect(project.text("dbt_packages/alpha/macros/a.sql") == "{% macro a() %}1{% endmacro %}")
  }

  @Test func noPackagesAndOtherFolders() async throws {
    let project = try PackageProject(["dbt_project.yml": "packages-install-path: pk\n"])
    let none = try await project.run("deps")
    #expect(none.exitCode == 0)
    #expect(none.output.contains("No packages were found in packages.yml"))
    try project.write("packages:\n  - local: lp\n", to: "packages.yml")
    try project.write("name: lp\n", to: "lp/dbt_project.yml")
    try project.write("x", to: "pk/stray/file")
    #expect(try await project.run("deps").exitCode == 0)
    #expect(project.names(in: "pk") == ["lp"])
  }

  @Test func oneAtATime() async throws {
    let project = try PackageProject([
      "packages.yml": "packages:\n  - package: acme/alpha\n    version: 1.0.0\n"
    ])
    project.hub.publish("acme/alpha", ["1.0.0": [:]])
    try await withThrowingTaskGroup(of: Sectoral.Result.self) { group in
      for _ in 0..<4 { group.addTask { try await project.run("deps") } }
      for try await result in group { #expect(result.exitCode == 0, "\(result)") }
    }
    #expect(project.version("alpha") == "1.0.0")
    #expect(!project.names().contains { $0.hasPrefix(".dbt_packages") })
  }
}
