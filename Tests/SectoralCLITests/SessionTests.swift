import SectoralRunner
import Testing

@testable import sectoral

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The program as a user calls it, but for the commands that need the engine.
struct SessionTests {
  private func run(
    _ arguments: [String],
    environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String, errors: String) {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    func create(_ name: String) -> FileDescriptor {
      FileDescriptor(number: open("\(directory.path)/\(name)", O_RDWR | O_CREAT, 0o600))
    }
    let output = create("output")
    let errors = create("errors")
    let session = Session(
      arguments: arguments,
      environment: environment,
      output: output,
      errors: errors
    )
    let status = session.run()
    close(output.number)
    close(errors.number)
    return (
      status.rawValue, TextFile.read(directory.path + "/output") ?? "",
      TextFile.read(directory.path + "/errors") ?? ""
    )
  }

  @Test(arguments: [["--version"], ["-x", "--version"], ["run", "--version"], ["-q", "-V"]])
  func versionIsPrintedWhereverItStands(_ arguments: [String]) throws {
    let (status, output, errors) = try run(arguments)
    #expect(status == 0)
    #expect(output == Version.report)
    #expect(errors.isEmpty)
  }

  @Test(arguments: [
    ["--help"], ["-h"], ["help"], ["run", "--help"], ["db"], ["db", "psql", "-h"],
  ])
  func helpIsNoError(_ arguments: [String]) throws {
    let (status, output, errors) = try run(arguments)
    #expect(status == 0)
    #expect(output.contains("USAGE: sectoral"))
    #expect(errors.isEmpty)
  }

  @Test(arguments: ["build", "run", "test", "seed", "compile", "show", "list", "ls", "init", "db"])
  func everyCommandShowsExamples(_ command: String) throws {
    #expect(try run([command, "--help"]).output.contains("EXAMPLES:\n  sectoral "))
  }

  @Test func noCommandPrintsHelp() throws {
    let (status, output, _) = try run([])
    #expect(status == 2)
    #expect(output.contains("SUBCOMMANDS:"))
  }

  /// Arguments, the command whose help is named, what is wrong.
  static let mistakes: [([String], String?, String)] = [
    (["foo"], nil, "No such command 'foo'."),
    (["biuld"], nil, "No such command 'biuld'. Did you mean 'build'?"),
    (["run", "--fooo"], "run", "Unknown option '--fooo'."),
    (["run", "--selct", "a"], "run", "Unknown option '--selct'. Did you mean '--select'?"),
    (["run", "extra"], "run", "Unexpected argument 'extra'."),
    (["run", "--vars"], "run", "Missing value for '--vars <yaml>'."),
    (["run", "--limit", "3"], "run", "Unknown option '--limit'. Did you mean '--empty'?"),
    (["-x"], nil, "Missing command."),
    (
      ["completion", "cmd"], "completion",
      "Invalid value for 'SHELL': 'cmd' is not one of 'bash', 'zsh', 'fish'."
    ),
  ]

  @Test(arguments: mistakes)
  func mistakesGoToStandardError(
    _ arguments: [String],
    _ command: String?,
    _ message: String
  ) throws {
    let (status, output, errors) = try run(arguments)
    #expect(status == 2)
    #expect(output.isEmpty)
    let program = command.map { "sectoral \($0)" } ?? "sectoral"
    #expect(errors.contains("Try '\(program) --help' for help.\n\nError: "))
    // The parser's guesses may change; what is wrong may not.
    let said = message.components(beforeFirst: " Did you mean '--")
    #expect(errors.contains("\n\nError: \(said)"))
  }

  @Test func theUsersShellIsTheDefault() throws {
    #expect(
      try run(["completion"], environment: ["SHELL": "/usr/bin/fish"]).output.contains("complete")
    )
  }

  @Test func initNeedsANameOutsideAProject() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (status, _, errors) = try run(["init", "--project-dir", directory.path])
    #expect(status == 2)
    #expect(errors.contains("Error: Missing argument 'PROJECT_NAME'."))
    #expect(TextFile.create(directory.path + "/dbt_project.yml", "name: p\n") == nil)
    #expect(try run(["init", "--project-dir", directory.path]).status == 0)
  }

  @Test func initSaysWhatIsNext() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (status, output, _) = try run(["init", "shop", "--project-dir", directory.path])
    #expect(status == 0)
    #expect(output.contains("Your new project \"shop\" was created!"))
    #expect(output.contains("  sectoral build\n"))
    #expect(TextFile.read(directory.path + "/shop/dbt_project.yml") != nil)
  }
}

extension String {
  fileprivate func components(beforeFirst mark: String) -> String {
    var end = startIndex
    while end < endIndex, !self[end...].hasPrefix(mark) { end = index(after: end) }
    return String(self[..<end])
  }
}
