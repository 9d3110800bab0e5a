import ArgumentParser
import SectoralRunner

/// Runs again what did not go well.
struct RetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Run again what failed or was skipped in the last run.",
    discussion: """
      The command and its flags are those of the last run, as run_results.json has them; what is \
      given here comes on top.

      EXAMPLES:
        sectoral retry
        sectoral retry --threads 1
        sectoral retry --state artifacts/of/that/run
      """
  )
  static let words = "retry"

  @OptionGroup var fullRefresh: FullRefreshOptions
  @OptionGroup var common: NodeCommandOptions
}

struct CloneCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "clone",
    abstract: "Give this target the relations of another environment, without building them.",
    discussion: """
      On Postgres and Redshift, which cannot clone tables, views that read the other environment.

      EXAMPLES:
        sectoral clone --state prod-artifacts
        sectoral clone --state prod-artifacts --select +orders --full-refresh
      """
  )

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var resourceTypes: ResourceTypeOptions
  @Flag(name: [.customShort("f"), .long], help: "Replace relations that are there already.")
  var fullRefresh = false
  @OptionGroup var common: NodeCommandOptions

  var engineCommand: Command { .clone }
}

/// Commands about sources.
struct SourceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "source",
    abstract: "Look after the tables that the project reads.",
    subcommands: [Freshness.self]
  )

  struct Freshness: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "freshness",
      abstract: "Check how old the newest rows of sources are; writes sources.json.",
      discussion: """
        EXAMPLES:
          sectoral source freshness
          sectoral source freshness --select source:raw
          sectoral build --select source_status:fresher+ --state earlier-artifacts
        """,
      aliases: ["snapshot-freshness"]
    )
    static let words = "source freshness"

    @OptionGroup var selection: SelectionOptions
    @Option(
      name: [.customShort("o"), .long],
      parsing: .unconditional,
      help: ArgumentHelp("Where to write, instead of sources.json in target/.", valueName: "file")
    )
    var output: String?
    @OptionGroup var common: NodeCommandOptions

    var engineCommand: Command { .sourceFreshness }
  }
}
