import ArgumentParser
import SectoralRunner

/// A command that the engine runs with the flags alone.
protocol EngineCommand: ParsableCommand {
  var engineCommand: Command { get }
  /// The name as the user writes it: `run`, `db status`.
  static var words: String { get }
}

extension EngineCommand {
  static var words: String { configuration.commandName ?? "" }
}

struct BuildCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Load seeds, build models and test them, in the order of dependencies.",
    discussion: """
      EXAMPLES:
        sectoral build                          everything
        sectoral build --select +orders         orders and all it is made of
        sectoral build --select tag:nightly --exclude staging
        sectoral build --full-refresh --threads 8
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var resourceTypes: ResourceTypeOptions
  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var storeFailures: StoreFailuresOptions
  @OptionGroup var showSeeds: ShowSeedsOptions
  @OptionGroup var empty: EmptyOptions
  @OptionGroup var window: WindowOptions
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var exportSavedQueries: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var includeSavedQuery: Bool?
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .build }
}

struct RunCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Build models.",
    discussion: """
      EXAMPLES:
        sectoral run
        sectoral run --select staging +orders
        sectoral run --select orders --vars '{start_date: 2024-01-01}'
        sectoral run --target prod --fail-fast
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var empty: EmptyOptions
  @OptionGroup var window: WindowOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .run }
}

struct TestCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Test data in models, seeds and sources.",
    discussion: """
      EXAMPLES:
        sectoral test --select orders
        sectoral test --select source:raw
        sectoral test --store-failures
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var resourceTypes: ResourceTypeOptions
  @OptionGroup var storeFailures: StoreFailuresOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .test }
}

struct SeedCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Load CSV files as tables.",
    discussion: """
      EXAMPLES:
        sectoral seed
        sectoral seed --select stock_prices --full-refresh
        sectoral seed --show
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var showSeeds: ShowSeedsOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .seed }
}

struct SnapshotCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Record how the rows of tables changed.",
    discussion: """
      EXAMPLES:
        sectoral snapshot
        sectoral snapshot --select orders_history
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var empty: EmptyOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .snapshot }
}

/// Commands about documentation.
struct DocsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "docs",
    abstract: "Write down what the project is and what stands in the database.",
    subcommands: [Generate.self, Serve.self]
  )

  struct Generate: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "generate",
      abstract: "Write catalog.json: every relation of the project with its columns.",
      discussion: """
        EXAMPLES:
          sectoral docs generate
          sectoral docs generate --no-compile
        """
    )
    static let words = "docs generate"

    @OptionGroup var selection: SelectionOptions
    @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Compile all nodes first.")
    var compile: Bool?
    @Flag(help: "Write an empty catalog, without asking the database.")
    var emptyCatalog = false
    @Flag(help: .hidden) var `static` = false
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var project: ProjectOptions
    @OptionGroup var targetPath: TargetOptions
    @OptionGroup var statements: StatementOptions
    @OptionGroup var global: GlobalOptions

    var engineCommand: Command { .docsGenerate }
  }

  /// Known so that it can say that it is not there.
  struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "serve",
      abstract: "Not there yet: there is no documentation page.",
      shouldDisplay: false
    )

    @Argument(parsing: .allUnrecognized, help: .hidden) var rest: [String] = []
  }
}

struct RunOperationCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-operation",
    abstract: "Call a macro, or send SQL.",
    discussion: """
      EXAMPLES:
        sectoral run-operation grant_select
        sectoral run-operation drop_old_schemas --args '{days: 30, dry_run: true}'
        sectoral run-operation --sql "analyze {{ ref('orders') }}"
      """
  )

  @Argument(help: ArgumentHelp("Its name, or package.name.", valueName: "macro"))
  var macro: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("SQL to send instead, which may hold Jinja.", valueName: "sql")
  )
  var sql: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Its arguments: '{name: value}'.", valueName: "yaml")
  )
  var args: String?
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .runOperation(macro) }
}

struct CompileCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Write the SQL of models, tests and analyses to target/compiled.",
    discussion: """
      EXAMPLES:
        sectoral compile
        sectoral compile --select orders
        sectoral compile --inline "select * from {{ ref('orders') }}"
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var inline: InlineOptions
  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var empty: EmptyOptions
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var injectEphemeralCtes: Bool?
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .compile }
}

struct ShowCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print rows of a model, a seed or a template.",
    discussion: """
      EXAMPLES:
        sectoral show --select orders
        sectoral show --select orders --limit 20 --output json
        sectoral show --inline "select count(*) from {{ ref('orders') }}"
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var inline: InlineOptions
  @Option(parsing: .unconditional, help: .hidden) var inlineDirect: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many rows; -1 for all. (default: 5)", valueName: "number")
  )
  var limit: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "All columns and whole values, as on a terminal, or dbt's short table, as in a pipe."
  )
  var fullTable: Bool?
  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var statements: StatementOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .show }
}

struct ListCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List what is in the project.",
    discussion: """
      EXAMPLES:
        sectoral ls
        sectoral ls --select +orders --resource-type model
        sectoral ls --output json --output-keys name config.materialized
      """,
    aliases: ["ls"]
  )

  @Option(
    name: [.customShort("s", allowingJoined: true), .long],
    parsing: .upToNextOption,
    help: ArgumentHelp("What to list: names, paths, tag:nightly, +orders.", valueName: "selection")
  )
  var select: [String] = []
  @Option(
    name: [
      .customShort("m", allowingJoined: true), .customLong("models"), .customLong("model"),
    ],
    parsing: .upToNextOption,
    help: ArgumentHelp("The same, of models alone.", valueName: "selection")
  )
  var models: [String] = []
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("What to leave out of it.", valueName: "selection")
  )
  var exclude: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A selector of selectors.yml.", valueName: "name")
  )
  var selector: String?
  @OptionGroup var resourceTypes: ResourceTypeOptions
  @Option(parsing: .unconditional, help: "selector, name, path or json.")
  var output: String?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("With --output json: these keys alone.", valueName: "key")
  )
  var outputKeys: [String] = []
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .list }
}

struct ParseCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse",
    abstract: "Read the project, report every mistake in it and write manifest.json.",
    discussion: """
      EXAMPLES:
        sectoral parse
        sectoral parse --warn-error
      """
  )

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .parse }
}

struct DebugCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug",
    abstract: "Check the project, the profile and the connection.",
    discussion: """
      EXAMPLES:
        sectoral debug
        sectoral debug --connection --target prod
      """
  )

  @Flag(help: "Test the connection alone.")
  var connection = false
  @Flag(help: "Print where profiles.yml is expected and stop.")
  var configDir = false
  @OptionGroup var project: ProjectOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .debug }
}

struct CleanCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean",
    abstract: "Delete the project's clean-targets: target/ and installed packages as a rule.",
    discussion: """
      EXAMPLES:
        sectoral clean
      """
  )

  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Refuse to delete anything outside the project."
  )
  var cleanProjectFilesOnly: Bool?
  @OptionGroup var project: ProjectOptions
  @OptionGroup var targetPath: TargetOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .clean }
}
