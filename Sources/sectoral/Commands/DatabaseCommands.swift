import ArgumentParser
import SectoralRunner

/// The embedded Postgres server, by hand; commands start it by themselves.
struct DatabaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "db",
    abstract: "Look at, start, stop or empty the embedded Postgres server.",
    discussion: """
      EXAMPLES:
        sectoral db status
        sectoral db psql
        sectoral db psql -- -c 'select count(*) from staging.stg_orders'
        sectoral db reset
      """,
    subcommands: [Status.self, Start.self, Stop.self, Psql.self, Reset.self]
  )

  struct Status: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "status",
      abstract: "Say whether the server runs, where, and what is in it."
    )
    static let words = "db status"
    @OptionGroup var project: ProjectOptions
    @OptionGroup var global: GlobalOptions
    var engineCommand: Command { .database(.status) }
  }

  struct Start: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "start",
      abstract: "Start the server."
    )
    static let words = "db start"
    @OptionGroup var project: ProjectOptions
    @OptionGroup var global: GlobalOptions
    var engineCommand: Command { .database(.start) }
  }

  struct Stop: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "stop",
      abstract: "Stop the server; its data stays."
    )
    static let words = "db stop"
    @OptionGroup var project: ProjectOptions
    @OptionGroup var global: GlobalOptions
    var engineCommand: Command { .database(.stop) }
  }

  struct Psql: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "psql",
      abstract: "Open psql on this project's database.",
      discussion: "What stands behind -- is passed to psql."
    )
    static let words = "db psql"
    @Argument(parsing: .postTerminator, help: ArgumentHelp("For psql.", valueName: "argument"))
    var arguments: [String] = []
    @OptionGroup var project: ProjectOptions
    @OptionGroup var global: GlobalOptions
    var engineCommand: Command { .database(.psql(arguments)) }
  }

  struct Reset: EngineCommand {
    static let configuration = CommandConfiguration(
      commandName: "reset",
      abstract: "Empty this project's database, and no other."
    )
    static let words = "db reset"
    @OptionGroup var project: ProjectOptions
    @OptionGroup var global: GlobalOptions
    var engineCommand: Command { .database(.reset) }
  }
}
