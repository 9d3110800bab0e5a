import SectoralRunner
import SectoralText

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `init`: writes a small project that builds at once, with no profile and no questions.
struct ProjectStarter {
  /// Where the project's directory is made.
  let directory: String
  let events: EventBus

  // `name` is the project's and its directory's; nil when none was given.
  func run(name: String?) throws(UsageError) -> ExitStatus {
    guard let name = name?.trimmingBlanks, !name.isEmpty else {
      if access(Paths.join(directory, "dbt_project.yml"), F_OK) == 0 {
        events.emit(
          .output(
            "This directory holds a project already: nothing to do. Build it with "
              + "`sectoral build`."
          )
        )
        return .success
      }
      throw UsageError("Missing argument 'PROJECT_NAME'.", command: "init")
    }
    guard Self.isValid(name) else {
      throw UsageError(
        "\(name) is not a valid project name. Use letters, digits and underscores, and no digit "
          + "in front.",
        command: "init"
      )
    }
    let root = Paths.join(directory, name)
    var status = stat()
    guard lstat(root, &status) != 0 else {
      events.emit(.output("A project called \(name) already exists here."))
      return .success
    }
    for (path, text) in StarterFiles.all(project: name) {
      let file = Paths.join(root, path)
      let parent = Paths.parent(of: file)
      var problem: String?
      if Directory.create(parent) {
        problem = TextFile.create(file, text)
      } else {
        problem = String(cString: strerror(errno))
      }
      if let problem {
        let diagnostic = Diagnostic(
          id: "init.cannot-write",
          message: "cannot write \(file): \(problem)",
          hint: "choose a directory that you may write to and that has room"
        )
        events.emit(
          .mainEncounteredError([CommandFailure(head: "Runtime Error", diagnostic: diagnostic)])
        )
        return .unusable
      }
    }
    events.emit(
      .output(
        """
        Your new project "\(name)" was created!

        Build it, and look at a result:

          cd \(name)
          sectoral build
          sectoral show --select customer_orders

        No database is needed for that: without a profile, sectoral starts a private Postgres
        server. README.md in the project says how to use another one.
        """
      )
    )
    return .success
  }

  /// dbt's rule: letters, digits, underscores, no digit first; any script's letters.
  static func isValid(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, !first.properties.isDecimalDigit else {
      return false
    }
    return name.unicodeScalars.allSatisfy { scalar in
      scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.isDecimalDigit
    }
  }
}

extension Unicode.Scalar.Properties {
  fileprivate var isDecimalDigit: Bool { generalCategory == .decimalNumber }
}

extension String {
  fileprivate var trimmingBlanks: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text = text.dropFirst() }
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
