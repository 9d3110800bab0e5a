import ArgumentParser
import SectoralRunner

struct DepsCommand: EngineCommand {
  static let configuration = CommandConfiguration(
    commandName: "deps",
    abstract: "Install the packages that packages.yml names.",
    discussion: """
      EXAMPLES:
        sectoral deps                           as package-lock.yml has them
        sectoral deps --upgrade                 the newest versions that packages.yml allows
        sectoral deps --add-package dbt-labs/dbt_utils@1.3.0
        sectoral deps --source git --add-package https://git.example.com/team/tools.git@v2.1

      A failure leaves the installed packages as they are. Git packages are fetched by the user's \
      own git; DBT_PACKAGE_HUB_URL names another hub than dbt's.
      """
  )

  @Flag(help: "Ignore package-lock.yml: take the newest versions that packages.yml allows.")
  var upgrade = false
  @Flag(help: "Write package-lock.yml and install nothing.")
  var lock = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Put a package into packages.yml first.", valueName: "name@version")
  )
  var addPackage: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Where that package comes from: hub, git or local. (default: hub)",
      valueName: "source"
    ),
    completion: .list(["hub", "git", "local"])
  )
  var source: String?
  @OptionGroup var project: ProjectOptions
  @OptionGroup var global: GlobalOptions

  var engineCommand: Command { .deps }
}
