/// The commands the engine runs.
package enum Command: Sendable, Hashable {
  case parse
  case compile
  case run
  case test
  case build
  case seed
  case snapshot
  case docsGenerate
  case clone
  case sourceFreshness
  /// A macro by its name, or `package.name`.
  /// The macro; nil: `--sql` says what to send.
  case runOperation(String?)
  case list
  case show
  case debug
  case clean
  case deps
  case database(DatabaseAction)

  /// dbt's word for `which` in run_results.json and `flags.WHICH`.
  package var which: String {
    switch self {
    case .parse: "parse"
    case .compile: "compile"
    case .run: "run"
    case .test: "test"
    case .build: "build"
    case .seed: "seed"
    case .snapshot: "snapshot"
    case .docsGenerate: "generate"
    case .clone: "clone"
    case .sourceFreshness: "freshness"
    case .runOperation: "run-operation"
    case .list: "list"
    case .show: "show"
    case .debug: "debug"
    case .clean: "clean"
    case .deps: "deps"
    case .database: "db"
    }
  }
}

/// What `sectoral db` does with the embedded server.
package enum DatabaseAction: Sendable, Hashable {
  case status
  case start
  case stop
  /// Opens `psql` on the project's database, with these arguments behind the connection.
  case psql([String])
  /// Empties this project's database alone.
  case reset
}

/// How the process ends.
package enum ExitStatus: Int32, Sendable, Hashable {
  case success = 0
  /// The command ran, and reports failure.
  case failure = 1
  /// Anything else: usage, project, profile and parse errors, interruption.
  case unusable = 2
}
