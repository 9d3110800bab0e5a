import ArgumentParser

/// The flags that every command takes, before its name and after; values are read and checked by
/// `FlagResolver`, because the environment and the project can set them too.
struct GlobalOptions: ParsableArguments {
  // What is said, and where.
  @Flag(
    name: [.customShort("d"), .long],
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Print debug messages too."
  )
  var debug: Bool?
  @Flag(
    name: [.customShort("q"), .long],
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Print errors alone, and what a command was asked to print."
  )
  var quiet: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Whether print() in templates prints."
  )
  var print: Bool?
  @Option(parsing: .unconditional, help: "Lines on the console: text, debug, json or default.")
  var logFormat: String?
  @Option(parsing: .unconditional, help: "Lines in the log file; follows --log-format.")
  var logFormatFile: String?
  @Option(
    parsing: .unconditional,
    help: "Print from this level on: debug, info, warn, error or none."
  )
  var logLevel: String?
  @Option(parsing: .unconditional, help: "Level of the log file; follows --log-level.")
  var logLevelFile: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Where dbt.log goes.", valueName: "directory"),
    completion: .directory
  )
  var logPath: String?
  @Option(parsing: .unconditional, help: .hidden) var logFileMaxBytes: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Log the relation cache's doings."
  )
  var logCacheEvents: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Colours; without this flag only a terminal gets them, unless NO_COLOR is set."
  )
  var useColors: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Colours in the log file.")
  var useColorsFile: Bool?
  @Option(parsing: .unconditional, help: "Width of the dotted lines.")
  var printerWidth: String?

  // The profile and the state.
  @Option(parsing: .unconditional, help: "Profile to use instead of the project's.")
  var profile: String?
  @Option(
    name: [.customShort("t"), .long],
    parsing: .unconditional,
    help: "Output of the profile to use."
  )
  var target: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Artifacts of an earlier run, to compare with.", valueName: "directory"),
    completion: .directory
  )
  var state: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Take what is not selected from the state's relations."
  )
  var `defer`: Bool?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("State for --defer alone.", valueName: "directory"),
    completion: .directory
  )
  var deferState: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "With --defer: even what exists in the target."
  )
  var favorState: Bool?

  // The run.
  @Flag(
    name: [.customShort("x"), .long],
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Stop at the first failure."
  )
  var failFast: Bool?
  @Option(
    parsing: .unconditional,
    help: "Which tests go with a selection: eager, cautious, buildable or empty."
  )
  var indirectSelection: String?
  @Flag(help: "Turn warnings into errors.")
  var warnError = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Which warnings are errors: '{error: all, warn: [NothingToDo], silence: [...]}'.",
      valueName: "yaml"
    )
  )
  var warnErrorOptions: String?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Print each deprecation, not just the first of a kind."
  )
  var showAllDeprecations: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Write manifest.json and run_results.json."
  )
  var writeJson: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Check require-dbt-version of the project."
  )
  var versionCheck: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Read what relations exist before the run."
  )
  var populateCache: Bool?
  @Flag(
    inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Of the selected nodes' schemas alone."
  )
  var cacheSelectedOnly: Bool?

  // Accepted because scripts written for dbt pass them; parsing is quick enough without.
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden) var partialParse: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var partialParseFileDiff: Bool?
  @Option(parsing: .unconditional, help: .hidden) var partialParseFilePath: String?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden) var staticParser: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var useExperimentalParser: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden) var macroDebugging: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden) var singleThreaded: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var useFastTestEdges: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var sendAnonymousUsageStats: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var uploadToArtifactsIngestApi: Bool?
  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: .hidden)
  var showResourceReport: Bool?
  @Option(name: [.customShort("r"), .long], parsing: .unconditional, help: .hidden)
  var recordTimingInfo: String?

  @Flag(
    name: [.customShort("V"), .customShort("v"), .long],
    help: "Print the version and exit."
  )
  var version = false
}
