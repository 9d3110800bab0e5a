import ArgumentParser

/// `sectoral`: what it is, and its commands.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sectoral",
    abstract:
      "Builds and tests data projects on Postgres and Redshift, dbt's projects as they are.",
    usage: "sectoral [OPTIONS] [COMMAND] [ARGS]...",
    discussion: """
      EXAMPLES:
        sectoral init my_project && cd my_project && sectoral build
        sectoral build --select +orders
        sectoral show --select orders --limit 20
        sectoral run --help                     the flags of a command

      Without a profile, a private Postgres server is used and started when needed. Global flags \
      stand before a command or after it; environment variables DBT_... and 'flags:' of \
      dbt_project.yml set them too.
      """,
    subcommands: [
      BuildCommand.self, RunCommand.self, TestCommand.self, SeedCommand.self, SnapshotCommand.self,
      CompileCommand.self, ShowCommand.self, ListCommand.self, ParseCommand.self, DebugCommand.self,
      DepsCommand.self, CleanCommand.self, InitCommand.self, DocsCommand.self,
      RunOperationCommand.self, RetryCommand.self, CloneCommand.self, SourceCommand.self,
      DatabaseCommand.self,
      CompletionCommand.self,
    ],
    helpNames: [.short, .long]
  )
}

/// Prints the script that teaches a shell our commands.
struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Print the completion script of a shell: bash, zsh or fish.",
    discussion: """
      EXAMPLES:
        sectoral completion bash > ~/.local/share/bash-completion/completions/sectoral
        sectoral completion zsh > ~/.zfunc/_sectoral
        sectoral completion fish > ~/.config/fish/completions/sectoral.fish
      """
  )

  @Argument(
    help: "bash, zsh or fish; else the one of $SHELL.",
    completion: .list(["bash", "zsh", "fish"])
  )
  var shell: String?
}

/// Starts a project.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a small project that builds at once.",
    discussion: """
      EXAMPLES:
        sectoral init my_project
        cd my_project && sectoral build
      """
  )

  @Argument(help: ArgumentHelp("Letters, digits and underscores.", valueName: "name"))
  var projectName: String?
  @Flag(
    name: [.customShort("s"), .long],
    help: "Nothing to skip: no profile is needed. Accepted because dbt has it."
  )
  var skipProfileSetup = false
  @OptionGroup var project: ProjectOptions
  @OptionGroup var global: GlobalOptions
}
