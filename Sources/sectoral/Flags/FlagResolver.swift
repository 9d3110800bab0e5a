import SectoralGraph
import SectoralPackages
import SectoralRunner
import SectoralText
import SectoralYAML

/// What a flag was given as on the command line.
enum RawFlag: Sendable, Hashable {
  case bool(Bool)
  case text(String)
  case texts([String])
}

/// A deprecated spelling among flags and variables.
struct FlagDeprecation {
  let name: String
  let diagnostic: Diagnostic
  /// What dbt's JSON log has beside the message.
  let details: DatumMap

  init(_ name: String, _ diagnostic: Diagnostic, details: DatumMap = DatumMap()) {
    self.name = name
    self.diagnostic = diagnostic
    self.details = details
  }
}

/// The questions that resolving flags asks the file system.
struct FileQuestions: Sendable {
  var currentDirectory: String
  var homeDirectory: String
  var exists: @Sendable (String) -> Bool
  var read: @Sendable (String) -> String?
}

/// Flags, and what the user should know about how they were given.
struct ResolvedFlags: Sendable {
  var flags: InvocationFlags
  /// What templates see through `env_var`.
  var environment: [String: String]
  var deprecations: [FlagDeprecation]
  /// Whether somebody asked for colours, or against them.
  var colorsAreExplicit: Bool
  var fileColorsAreExplicit: Bool
  /// `--full-table`, or nil: as the output is.
  var fullTable: Bool?
  /// Where artifacts are, as far as dbt_project.yml says it without a template.
  var targetPath: String
  /// Something dbt_project.yml itself says wrong about flags.
  var failure: CommandFailure?
}

/// Weighs the four places a flag can be set: command line, environment, project, default.
struct FlagResolver {
  var command: String
  var commandLine: [String: RawFlag]
  var environment: [String: String]
  var files: FileQuestions
  /// The whole command line, for the record.
  var invocationCommand: String
  /// A command that does not need the directories it is pointed to.
  var toleratesMissingDirectories = false

  private enum Origin {
    case commandLine
    case environment
    case project
  }

  private enum Value {
    case bool(Bool)
    case int(Int)
    case text(String)
    case texts([String])
    case map(DatumMap)
  }

  private var settings: ProjectSettings = ProjectSettings()
  private var deprecations: [FlagDeprecation] = []
  private var values: [String: (value: Value, origin: Origin)] = [:]

  init(
    command: String,
    commandLine: [String: RawFlag],
    environment: [String: String],
    files: FileQuestions,
    invocationCommand: String,
    toleratesMissingDirectories: Bool = false
  ) {
    self.command = command
    self.commandLine = commandLine
    self.environment = environment
    self.files = files
    self.invocationCommand = invocationCommand
    self.toleratesMissingDirectories = toleratesMissingDirectories
  }

  mutating func resolve() throws(UsageError) -> ResolvedFlags {
    renameVariables()
    for flag in FlagTable.all {
      if let raw = commandLine[flag.name] {
        values[flag.name] = (try value(of: flag, raw), .commandLine)
      } else if flag.hasVariable, let text = variable(flag) {
        values[flag.name] = (try value(of: flag, text, isVariable: true), .environment)
      }
    }
    let project = try directories()
    settings = ProjectSettings.read(
      projectDirectory: project.project,
      profilesDirectory: project.profiles,
      files: files
    )
    for flag in FlagTable.all where flag.isProjectFlag && values[flag.name] == nil {
      guard let datum = settings.flags[flag.name] else { continue }
      values[flag.name] = (try value(of: flag, datum), .project)
    }
    var flags = InvocationFlags()
    flags.projectDirectory = project.project
    flags.profilesDirectory = project.profiles
    if case .text(let text)? = commandLine["profiles_dir"] {
      flags.givenProfilesDirectory = text
    } else if text("profiles_dir") != nil {
      flags.givenProfilesDirectory = project.profiles
    }
    try assign(to: &flags)
    try check(flags)
    if let wrong = settings.wrongFlag {
      deprecations.append(FlagDeprecation("ProjectWarning", wrong))
    }
    if settings.usesProfilesConfig {
      deprecations.append(
        FlagDeprecation(
          "ProjectFlagsMovedDeprecation",
          Diagnostic(
            id: "flags.moved",
            severity: .warning,
            message: "User config should be moved from the 'config' key in profiles.yml to the "
              + "'flags' key in dbt_project.yml."
          )
        )
      )
    }
    checkNamespace()
    return ResolvedFlags(
      flags: flags,
      environment: mirroredEnvironment(),
      deprecations: deprecations,
      colorsAreExplicit: isSetByUser("use_colors"),
      fileColorsAreExplicit: isSetByUser("use_colors_file") || isSetByUser("use_colors"),
      fullTable: bool("full_table"),
      targetPath: flags.targetPath
        ?? Paths.join(flags.projectDirectory, settings.targetPath ?? "target"),
      failure: settings.failure
    )
  }

  // MARK: Reading one value

  private func variable(_ flag: FlagDefinition) -> String? {
    let text = environment[flag.engineVariable] ?? environment[flag.variable]
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  private func value(of flag: FlagDefinition, _ raw: RawFlag) throws(UsageError) -> Value {
    switch raw {
    case .bool(let bool): return .bool(bool)
    case .text(let text): return try value(of: flag, text, isVariable: false)
    case .texts(let texts):
      // Nothing is a word as well: `--select ''` selects nothing, not everything.
      let words = texts.flatMap {
        $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      }
      if case .choices(let choices) = flag.kind {
        return .texts(
          try words.mapEach { word throws(UsageError) in try one(word, of: choices, flag) }
        )
      }
      return .texts(words)
    }
  }

  private func value(
    of flag: FlagDefinition,
    _ text: String,
    isVariable: Bool
  ) throws(UsageError) -> Value {
    switch flag.kind {
    case .flag:
      guard let bool = Self.boolean(text) else {
        throw invalid(flag, "'\(text)' is not a valid boolean.", isVariable: isVariable)
      }
      return .bool(bool)
    case .text, .moment:
      if flag.kind == .moment { try checkMoment(text, flag) }
      return .text(text)
    case .path: return .text(absolute(text))
    case .directory:
      let path = absolute(text)
      let isTolerated =
        toleratesMissingDirectories && (command == "init" || flag.name != "project_dir")
      if !isTolerated, !files.exists(path) {
        throw invalid(flag, "Path '\(text)' does not exist.", isVariable: isVariable)
      }
      return .text(path)
    case .integer:
      guard let int = Int(text) else {
        throw invalid(flag, "'\(text)' is not a valid integer.", isVariable: isVariable)
      }
      return .int(int)
    case .choice(let choices): return .text(try one(text, of: choices, flag))
    case .texts: return .texts(text.split(separator: " ").map(String.init))
    case .choices(let choices):
      let words = text.split(separator: " ").map(String.init)
      return .texts(
        try words.mapEach { word throws(UsageError) in try one(word, of: choices, flag) }
      )
    case .map: return .map(try map(text, flag))
    }
  }

  private func value(of flag: FlagDefinition, _ datum: Datum) throws(UsageError) -> Value {
    switch (flag.kind, datum) {
    case (.flag, .bool(let bool)): return .bool(bool)
    case (.integer, .int(let int)): return .int(int)
    case (.map, .map(let map)): return .map(map)
    case (.map, .null): return .map(DatumMap())
    case (_, .string(let text)): return try value(of: flag, text, isVariable: false)
    default:
      throw UsageError(
        "Invalid value for the flag '\(flag.name)' in dbt_project.yml: "
          + "\(JSON.text(of: datum)).",
        command: command
      )
    }
  }

  private func one(
    _ word: String,
    of choices: [String],
    _ flag: FlagDefinition
  ) throws(UsageError) -> String {
    let lowered = word.lowercased()
    guard choices.contains(lowered) else {
      let list = choices.map { "'\($0)'" }.joined(separator: ", ")
      throw invalid(flag, "'\(word)' is not one of \(list).", isVariable: false)
    }
    return lowered
  }

  private func map(_ text: String, _ flag: FlagDefinition) throws(UsageError) -> DatumMap {
    let file = SourceFile(path: flag.option, text: text)
    let (root, diagnostics) = YAMLParser.parse(file)
    if let error = diagnostics.first(where: { $0.severity == .error }) {
      let place = error.span.map { " (column \($0.position.column))" } ?? ""
      throw invalid(
        flag,
        "String '\(text)' is not valid YAML: \(error.message)\(place).",
        isVariable: false
      )
    }
    switch root?.datum {
    case nil, .null: return DatumMap()
    case .map(let map): return map
    case .some:
      throw invalid(
        flag,
        "String '\(text)' is not a YAML mapping; write '{name: value}'.",
        isVariable: false
      )
    }
  }

  private func checkMoment(_ text: String, _ flag: FlagDefinition) throws(UsageError) {
    let shape = String(text.map { $0.isNumber ? "0" : $0 })
    guard ["0000-00-00", "0000-00-00T00:00:00", "0000-00-00 00:00:00"].contains(shape) else {
      throw invalid(
        flag,
        "'\(text)' does not match the formats '%Y-%m-%d', '%Y-%m-%dT%H:%M:%S', "
          + "'%Y-%m-%d %H:%M:%S'.",
        isVariable: false
      )
    }
  }

  private func invalid(_ flag: FlagDefinition, _ why: String, isVariable: Bool) -> UsageError {
    var names = "'\(flag.option)'"
    if flag.name.hasSuffix("resource_types") { names += " / '\(flag.option.dropLast())'" }
    if isVariable { names += " (env var: '\(flag.variable)')" }
    return UsageError("Invalid value for \(names): \(why)", command: command)
  }

  /// Click's words for true and false, in any case.
  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "true", "t", "yes", "y", "on": true
    case "0", "false", "f", "no", "n", "off": false
    default: nil
    }
  }

  // MARK: Reading resolved values

  private func isSetByUser(_ name: String) -> Bool { values[name] != nil }

  private func bool(_ name: String) -> Bool? {
    if case .bool(let bool)? = values[name]?.value { bool } else { nil }
  }

  private func int(_ name: String) -> Int? {
    if case .int(let int)? = values[name]?.value { int } else { nil }
  }

  private func text(_ name: String) -> String? {
    if case .text(let text)? = values[name]?.value { text } else { nil }
  }

  private func texts(_ name: String) -> [String] {
    if case .texts(let texts)? = values[name]?.value { texts } else { [] }
  }

  private func map(_ name: String) -> DatumMap? {
    if case .map(let map)? = values[name]?.value { map } else { nil }
  }

  // MARK: Putting them together

  private mutating func assign(to flags: inout InvocationFlags) throws(UsageError) {
    flags.which = command
    flags.invocationCommand = invocationCommand
    flags.writtenTargetPath = text("target_path")
    flags.targetPath = flags.writtenTargetPath.map { relativeToProject($0, flags) }
    flags.logPath =
      text("log_path") ?? Paths.join(flags.projectDirectory, settings.logPath ?? "logs")
    flags.statePath = text("state")
    flags.deferStatePath = text("defer_state")
    flags.profile = text("profile")
    flags.target = text("target")
    flags.threads = int("threads")
    flags.vars = map("vars") ?? DatumMap()
    flags.select = texts("select")
    flags.exclude = texts("exclude")
    flags.models = texts("models")
    flags.selector = text("selector")
    flags.resourceTypes = texts("resource_types")
    flags.excludeResourceTypes = texts("exclude_resource_types")
    flags.indirectSelection =
      text("indirect_selection").flatMap(IndirectSelection.init) ?? flags.indirectSelection
    flags.fullRefresh = bool("full_refresh")
    flags.failFast = bool("fail_fast")
    flags.storeFailures = bool("store_failures")
    flags.empty = bool("empty")
    flags.defersToState = bool("defer") ?? false
    flags.favorState = bool("favor_state") ?? false
    flags.introspect = bool("introspect") ?? true
    flags.injectEphemeralCTEs = bool("inject_ephemeral_ctes") ?? true
    if ["build", "run"].contains(command) {
      flags.eventTimes = try EventTimeFlags.window(
        start: text("event_time_start"),
        end: text("event_time_end"),
        command: command
      )
      flags.sample = try EventTimeFlags.sample(
        text("sample"),
        now: ProcessEnvironment.now(),
        command: command
      )
    }
    flags.exportSavedQueries = bool("export_saved_queries") ?? false
    flags.includeSavedQuery = bool("include_saved_query") ?? false
    flags.operationArguments = map("args") ?? DatumMap()
    flags.operationSQL = text("sql")
    flags.compilesForDocs = bool("compile") ?? true
    flags.emptyCatalog = bool("empty_catalog") ?? false
    flags.inline = text("inline")
    flags.inlineDirect = text("inline_direct")
    flags.limit = int("limit") ?? flags.limit
    flags.outputKeys = texts("output_keys")
    flags.showsSeeds = bool("show") ?? false
    flags.debugsConnectionOnly = bool("connection") ?? false
    flags.printsConfigDirectory = bool("config_dir") ?? false
    flags.cleanProjectFilesOnly = bool("clean_project_files_only") ?? true
    flags.upgradesPackages = bool("upgrade") ?? false
    flags.locksPackagesOnly = bool("lock") ?? false
    flags.addedPackage = text("add_package")
    flags.addedPackageSource =
      text("source").flatMap(AddedPackageSource.init) ?? flags.addedPackageSource
    try assignOutput(to: &flags)
    assignLogging(to: &flags)
    assignSwitches(to: &flags)
    flags.warnings = try warningPolicy(flags.behavior)
  }

  private func assignOutput(to flags: inout InvocationFlags) throws(UsageError) {
    if command == "freshness" {
      flags.freshnessPath = text("output")
      return
    }
    guard let output = text("output")?.lowercased() else { return }
    let definition = FlagDefinition("output", .text)
    if command == "list" {
      let choices = ["json", "name", "path", "selector"]
      flags.listOutput =
        ListOutput(rawValue: try one(output, of: choices, definition)) ?? .selector
    } else {
      flags.printFormat =
        PrintFormat(rawValue: try one(output, of: ["json", "text"], definition)) ?? .text
    }
  }

  /// The file follows the console where only the console was told something.
  private func assignLogging(to flags: inout InvocationFlags) {
    func follower(_ leader: String, _ follower: String) -> String? {
      isSetByUser(follower) ? text(follower) : text(leader)
    }
    flags.debug = bool("debug")
    flags.quiet = bool("quiet") ?? false
    flags.print = bool("print") ?? true
    flags.logFormat = text("log_format").flatMap(LogFormat.init) ?? .default
    flags.logFormatFile =
      follower("log_format", "log_format_file").flatMap(LogFormat.init) ?? .debug
    flags.logLevel = text("log_level").flatMap(LogLevel.init) ?? .info
    flags.logLevelFile = follower("log_level", "log_level_file").flatMap(LogLevel.init) ?? .debug
    flags.logFileMaxBytes = int("log_file_max_bytes") ?? flags.logFileMaxBytes
    flags.logCacheEvents = bool("log_cache_events")
    flags.printerWidth = int("printer_width").map { max(1, $0) } ?? flags.printerWidth
    flags.useColors = bool("use_colors") ?? true
    flags.useColorsFile = bool("use_colors_file") ?? bool("use_colors") ?? true
  }

  private func assignSwitches(to flags: inout InvocationFlags) {
    flags.showAllDeprecations = bool("show_all_deprecations") ?? false
    flags.showResourceReport = bool("show_resource_report") ?? false
    flags.warnError = bool("warn_error")
    flags.writeJSON = bool("write_json") ?? true
    flags.versionCheck = bool("version_check") ?? true
    flags.populateCache = bool("populate_cache") ?? true
    flags.cacheSelectedOnly = bool("cache_selected_only") ?? false
    flags.singleThreaded = bool("single_threaded") ?? false
    flags.useFastTestEdges = bool("use_fast_test_edges") ?? false
    flags.partialParse = bool("partial_parse") ?? true
    flags.partialParseFileDiff = bool("partial_parse_file_diff") ?? true
    flags.partialParseFilePath = text("partial_parse_file_path")
    flags.staticParser = bool("static_parser") ?? true
    flags.useExperimentalParser = bool("use_experimental_parser")
    flags.macroDebugging = bool("macro_debugging") ?? false
    flags.sendAnonymousUsageStats = bool("send_anonymous_usage_stats") ?? true
    flags.uploadToArtifactsIngestAPI = bool("upload_to_artifacts_ingest_api") ?? false
    flags.recordTimingInfo = text("record_timing_info")
    flags.sqlparse = map("sqlparse") ?? flags.sqlparse
    flags.behavior = BehaviorFlags(projectFlags: settings.flags)
  }

  private mutating func warningPolicy(
    _ behavior: BehaviorFlags
  ) throws(UsageError) -> WarningPolicy {
    let coversAll = behavior["require_all_warnings_handled_by_warn_error"]
    // The command line's choice silences the other place's: only two on one level contradict.
    if let one = values["warn_error"]?.origin, let other = values["warn_error_options"]?.origin,
      (one == .project) == (other == .project)
    {
      throw UsageError("warn_error_options: not allowed with argument warn_error", command: command)
    }
    if let options = map("warn_error_options"), values["warn_error"]?.origin != .commandLine,
      values["warn_error"]?.origin != .environment
    {
      var policy = try WarnErrorOptions.parse(options, command: command)
      let renamed = [("include", "error"), ("exclude", "warn")].filter { options[$0.0] != nil }
      if !renamed.isEmpty {
        deprecations.append(
          FlagDeprecation(
            "WEOIncludeExcludeDeprecation",
            Diagnostic(
              id: "flags.include-exclude",
              severity: .warning,
              message: renamed.map { "The key `\($0)` of warn_error_options is now `\($1)`." }
                .joined(separator: " ")
            ),
            details: [
              "found_include": .bool(options["include"] != nil),
              "found_exclude": .bool(options["exclude"] != nil),
            ]
          )
        )
      }
      deprecations += WarnErrorOptions.unknownKeys(options)
        .map { FlagDeprecation("CustomKeyInObjectDeprecation", $0) }
      policy.coversEveryWarning = coversAll
      return policy
    }
    return WarningPolicy(
      error: bool("warn_error") == true ? .all : .none,
      coversEveryWarning: coversAll
    )
  }

  private func check(_ flags: InvocationFlags) throws(UsageError) {
    for (name, isGiven) in [("select", !flags.select.isEmpty), ("selector", flags.selector != nil)]
    where isGiven && flags.inline != nil {
      throw UsageError("inline: not allowed with argument \(name)", command: command)
    }
    for (name, isGiven) in [
      ("select", !flags.select.isEmpty), ("resource_type", !flags.resourceTypes.isEmpty),
    ] where isGiven && !flags.models.isEmpty {
      throw UsageError(
        "\"models\" and \"\(name)\" are mutually exclusive arguments",
        command: command
      )
    }
    if bool("static") == true {
      throw UsageError(
        "--static puts the documentation page and what it shows into one file, and there is no such "
          + "page yet. Without --static, manifest.json and catalog.json are written.",
        command: "docs generate"
      )
    }
    if let threads = flags.threads, threads < 1 {
      throw UsageError(
        "Invalid value for '--threads': \(threads) is not in the range x>=1.",
        command: command
      )
    }
  }

  // MARK: Directories

  private func directories() throws(UsageError) -> (project: String, profiles: String) {
    let current = files.currentDirectory
    let project: String
    if let given = text("project_dir") {
      project = given
    } else {
      var directory = current
      while !files.exists(Paths.join(directory, "dbt_project.yml")), directory != "/" {
        directory = Paths.parent(of: directory)
      }
      project = files.exists(Paths.join(directory, "dbt_project.yml")) ? directory : current
    }
    let profiles: String
    if let given = text("profiles_dir") {
      profiles = given
    } else if files.exists(Paths.join(current, "profiles.yml")) {
      profiles = current
    } else {
      profiles = Paths.join(files.homeDirectory, ".dbt")
    }
    return (project, profiles)
  }

  private func absolute(_ path: String) -> String {
    if path == "~" || path.hasPrefix("~/") {
      return Paths.normalized(files.homeDirectory + path.dropFirst())
    }
    return Paths.join(files.currentDirectory, path)
  }

  /// `--target-path` is relative to the project, unlike the other paths.
  private func relativeToProject(_ path: String, _ flags: InvocationFlags) -> String {
    guard let raw = commandLine["target_path"], case .text(let text) = raw, !text.hasPrefix("/"),
      !text.hasPrefix("~")
    else { return path }
    return Paths.join(flags.projectDirectory, text)
  }

  // MARK: Environment

  private mutating func renameVariables() {
    for (old, name, isInverted) in FlagTable.renamedVariables {
      guard let text = environment[old], !text.isEmpty,
        let flag = FlagTable.global.first(where: { $0.name == name })
      else { continue }
      let new = "DBT_ENGINE_" + flag.variable.dropFirst(4)
      deprecations.append(
        FlagDeprecation(
          "EnvironmentVariableRenamed",
          Diagnostic(
            id: "flags.variable-renamed",
            severity: .warning,
            message: "The environment variable `\(old)` has been renamed as `\(new)`. "
              + "If `\(old)` is currently set, its value will be used instead of `\(new)`.",
            hint: "set `\(new)` and unset `\(old)`"
          ),
          details: ["old_name": .string(old), "new_name": .string(new)]
        )
      )
      var value = text
      if isInverted, let bool = Self.boolean(text) { value = bool ? "0" : "1" }
      // The old one starts at the current folder, the new one at the project.
      if flag.name == "state" { value = absolute(text) }
      environment[flag.variable] = value
    }
    let tracking = environment["DO_NOT_TRACK"]?.lowercased() ?? ""
    if ["1", "t", "true", "y", "yes"].contains(tracking) {
      environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "0"
    }
  }

  private mutating func checkNamespace() {
    let known = Set(FlagTable.variables.map { "DBT_ENGINE_" + $0.dropFirst(4) })
    for name in environment.keys.sorted()
    where name.hasPrefix("DBT_ENGINE_") && !known.contains(name) {
      deprecations.append(
        FlagDeprecation(
          "EnvironmentVariableNamespaceDeprecation",
          Diagnostic(
            id: "flags.variable-namespace",
            severity: .warning,
            message: "Found custom environment variable `\(name)`. The prefix `DBT_ENGINE_` is "
              + "reserved for variables of the engine.",
            hint: "rename `\(name)`"
          ),
          details: ["env_var": .string(name), "reserved_prefix": "DBT_ENGINE"]
        )
      )
    }
  }

  /// For variables of flags, both spellings have the value.
  private func mirroredEnvironment() -> [String: String] {
    var mirrored = environment
    for flag in FlagTable.all where flag.hasVariable {
      guard let value = environment[flag.engineVariable] ?? environment[flag.variable] else {
        continue
      }
      mirrored[flag.engineVariable] = value
      mirrored[flag.variable] = value
    }
    return mirrored
  }
}

extension Array {
  /// `map` with a typed error.
  fileprivate func mapEach<T, E: Error>(_ transform: (Element) throws(E) -> T) throws(E) -> [T] {
    var out: [T] = []
    out.reserveCapacity(count)
    for element in self { out.append(try transform(element)) }
    return out
  }
}
