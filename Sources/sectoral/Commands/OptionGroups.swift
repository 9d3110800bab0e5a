import ArgumentParser

// Commands list all their groups: a group of groups would be shorter, but what swift-argument-parser
// checks of each command in a debug build multiplies with every level, to seconds for each process.

/// Where the project is and what is set in it.
struct ProjectOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Where dbt_project.yml is; else this directory or the nearest above that has one.",
      valueName: "directory"
    ),
    completion: .directory
  )
  var projectDir: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Where profiles.yml is; else this directory, else ~/.dbt.",
      valueName: "directory"
    ),
    completion: .directory
  )
  var profilesDir: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Variables of the project: '{name: value}'.", valueName: "yaml")
  )
  var vars: String?
}

/// Where artifacts go.
struct TargetOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Where artifacts go, instead of target/.", valueName: "directory"),
    completion: .directory
  )
  var targetPath: String?
}

struct ThreadOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many nodes run at once.", valueName: "number")
  )
  var threads: String?
}

/// What a command works on.
struct SelectionOptions: ParsableArguments {
  @Option(
    name: [
      .customShort("s", allowingJoined: true), .customShort("m", allowingJoined: true), .long,
      .customLong("models"), .customLong("model"),
    ],
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What to work on: names, paths, tag:nightly, +orders, orders+, @orders.",
      valueName: "selection"
    )
  )
  var select: [String] = []
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
}

struct ResourceTypeOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("resource-type")],
    parsing: .upToNextOption,
    help: ArgumentHelp("Keep these kinds alone: model, test, seed, ...", valueName: "kind")
  )
  var resourceTypes: [String] = []
  @Option(
    name: [.long, .customLong("exclude-resource-type")],
    parsing: .upToNextOption,
    help: ArgumentHelp("Leave these kinds out.", valueName: "kind")
  )
  var excludeResourceTypes: [String] = []
}

struct FullRefreshOptions: ParsableArguments {
  @Flag(
    name: [.customShort("f"), .long],
    help: "Build incremental models from scratch; drop and reload seeds."
  )
  var fullRefresh = false
}

struct EmptyOptions: ParsableArguments {
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Read no rows: a dry run.")
  var empty: Bool?
}

/// Microbatches and samples.
struct WindowOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("First moment microbatch models build.", valueName: "datetime")
  )
  var eventTimeStart: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The moment before which they stop.", valueName: "datetime")
  )
  var eventTimeEnd: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Read the rows of a time window alone: '3 days'.", valueName: "window")
  )
  var sample: String?
}

struct StoreFailuresOptions: ParsableArguments {
  @Flag(help: "Keep the failing rows of tests in tables.")
  var storeFailures = false
}

struct ShowSeedsOptions: ParsableArguments {
  @Flag(help: "Print some rows of each loaded seed.")
  var show = false
}

/// Flags of dbt's statement splitter, which is not needed here.
struct StatementOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: .hidden) var sqlparse: String?
}

/// What `compile` and `show` have in common.
struct InlineOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("A template instead of nodes.", valueName: "template")
  )
  var inline: String?
  @Option(parsing: .unconditional, help: "text or json.")
  var output: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Allow queries while compiling."
  )
  var introspect: Bool?
}
