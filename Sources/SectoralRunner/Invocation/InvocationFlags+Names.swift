import SectoralCompiler
import SectoralGraph
import SectoralProject
package import SectoralYAML

extension InvocationFlags {
  /// `args` of run_results.json: every flag of the command under dbt's name, sorted; flags that
  /// nobody set and that have no default are left out.
  package var asArguments: [(name: String, value: Datum)] {
    var arguments: [(name: String, value: Datum)] = []
    for (name, commands, value) in Self.recorded where commands.isEmpty || commands.contains(which)
    {
      guard let value = value(self), !value.isNull else { continue }
      arguments.append((name: name, value: value))
    }
    for name in BehaviorFlags.recorded {
      arguments.append((name: name, value: .bool(behavior[name])))
    }
    arguments.append((name: "strict_mode", value: .bool(false)))
    return arguments.sorted { $0.name < $1.name }
  }

  /// `asArguments` as they stand in run_results.json: dbt writes those of `run-operation` by another
  /// rule, with flags that nobody set as false, without arguments where there are none, and without what is
  /// neither a plain value nor a plain dictionary there.
  package var asResultArguments: [(name: String, value: Datum)] {
    guard which == "run-operation" else { return asArguments }
    var arguments = asArguments.filter {
      !Self.unwrittenOfOperations.contains($0.name) && !($0.name == "args" && $0.value == .map([:]))
    }
    let written = Set(arguments.map(\.name))
    for name in Self.falseUnlessSet where !written.contains(name) {
      arguments.append((name: name, value: .bool(false)))
    }
    return arguments.sorted { $0.name < $1.name }
  }

  private static let unwrittenOfOperations: Set<String> = ["strict_mode", "warn_error_options"]
  private static let falseUnlessSet: [String] = [
    "debug", "fail_fast", "full_refresh", "log_cache_events", "single_threaded", "store_failures",
    "use_experimental_parser",
  ]

  /// `flags.NAME` in templates: dbt shows this set and nothing else; nil is undefined there.
  package func templateValue(_ name: String) -> Datum? { Self.templateValues[name]?(self) }

  /// The names that `flags` has in templates.
  package static var templateNames: [String] { templateValues.keys.sorted() }

  private typealias Reader = @Sendable (InvocationFlags) -> Datum?

  private static let templateValues: [String: Reader] = [
    "WHICH": { .string($0.which) },
    "INVOCATION_COMMAND": { .string($0.invocationCommand) },
    "CACHE_SELECTED_ONLY": { .bool($0.cacheSelectedOnly) },
    "DEBUG": { .bool($0.debug ?? false) },
    "FAIL_FAST": { .bool($0.failFast ?? false) },
    "FULL_REFRESH": { .bool($0.fullRefresh ?? false) },
    "STORE_FAILURES": { .bool($0.storeFailures ?? false) },
    "EMPTY": { withEmpty.contains($0.which) ? .bool($0.empty ?? false) : .null },
    "INDIRECT_SELECTION": { .string($0.indirectSelection.rawValue) },
    "INTROSPECT": { .bool($0.introspect) },
    "LOG_CACHE_EVENTS": { .bool($0.logCacheEvents ?? false) },
    "LOG_FORMAT": { .string($0.logFormat.rawValue) },
    "LOG_PATH": { $0.logPath.map(Datum.string) ?? .null },
    "PARTIAL_PARSE": { .bool($0.partialParse) },
    "PRINTER_WIDTH": { .int($0.printerWidth) },
    "PROFILES_DIR": { .string($0.profilesDirectory) },
    "QUIET": { .bool($0.quiet) },
    "SEND_ANONYMOUS_USAGE_STATS": { .bool($0.sendAnonymousUsageStats) },
    "STATIC_PARSER": { .bool($0.staticParser) },
    "TARGET_PATH": { $0.writtenTargetPath.map(Datum.string) ?? .null },
    "USE_COLORS": { .bool($0.useColors) },
    "USE_EXPERIMENTAL_PARSER": { .bool($0.useExperimentalParser ?? false) },
    "VERSION_CHECK": { .bool($0.versionCheck) },
    "WARN_ERROR": { $0.warnError.map(Datum.bool) ?? .null },
    "WARN_ERROR_OPTIONS": { .map($0.warnErrorOptions) },
    "WRITE_JSON": { .bool($0.writeJSON) },
    "NO_PRINT": { _ in .null },
  ]

  /// `--warn-error-options` in the shape of run_results.json.
  package var warnErrorOptions: DatumMap {
    guard warnError != true else {
      return ["error": .list([]), "warn": .list([]), "silence": .list([])]
    }
    let error: Datum =
      switch warnings.error {
      case .all: .string("all")
      case .names(let names): .strings(names)
      }
    return ["error": error, "warn": .strings(warnings.warn), "silence": .strings(warnings.silence)]
  }

  private static let building: Set<String> = ["build"]
  private static let withResourceTypes: Set<String> = ["build", "list", "clone", "test"]
  private static let withSelection: Set<String> = [
    "build", "generate", "compile", "show", "list", "run", "clone", "seed", "snapshot", "freshness",
    "test",
  ]
  private static let withStatements = withSelection.subtracting(["clone", "list"])
  private static let withEmpty: Set<String> = ["build", "compile", "run", "snapshot"]
  private static let withOutput: Set<String> = ["compile", "show"]

  /// Name, the commands that have it (none: all), value.
  private static let recorded: [(String, Set<String>, Reader)] = [
    ("args", ["run-operation"], { .map($0.operationArguments) }),
    ("cache_selected_only", [], { .bool($0.cacheSelectedOnly) }),
    ("clean_project_files_only", ["clean"], { .bool($0.cleanProjectFilesOnly) }),
    ("compile", ["generate"], { .bool($0.compilesForDocs) }),
    ("debug", [], { $0.debug.map(Datum.bool) }),
    ("defer", [], { .bool($0.defersToState) }),
    ("defer_state", [], { $0.deferStatePath.map(Datum.string) }),
    ("empty", withEmpty, { .bool($0.empty ?? false) }),
    ("empty_catalog", ["generate"], { .bool($0.emptyCatalog) }),
    ("event_time_end", ["build", "run"], { $0.eventTimes.map { .string($0.localTexts.end) } }),
    ("event_time_start", ["build", "run"], { $0.eventTimes.map { .string($0.localTexts.start) } }),
    ("exclude", withSelection, { .strings($0.exclude) }),
    ("exclude_resource_types", withResourceTypes, { .strings($0.excludeResourceTypes) }),
    ("export_saved_queries", building, { .bool($0.exportSavedQueries) }),
    ("fail_fast", [], { $0.failFast.map(Datum.bool) }),
    ("favor_state", [], { .bool($0.favorState) }),
    ("full_refresh", [], { $0.fullRefresh.map(Datum.bool) }),
    ("include_saved_query", building, { .bool($0.includeSavedQuery) }),
    ("indirect_selection", [], { .string($0.indirectSelection.rawValue) }),
    ("inject_ephemeral_ctes", ["compile"], { .bool($0.injectEphemeralCTEs) }),
    ("inline", withOutput, { $0.inline.map(Datum.string) }),
    ("introspect", [], { .bool($0.introspect) }),
    ("invocation_command", [], { .string($0.invocationCommand) }),
    ("limit", ["show"], { .int($0.limit) }),
    ("log_cache_events", [], { $0.logCacheEvents.map(Datum.bool) }),
    ("log_file_max_bytes", [], { .int($0.logFileMaxBytes) }),
    ("log_format", [], { .string($0.logFormat.rawValue) }),
    ("log_format_file", [], { .string($0.logFormatFile.rawValue) }),
    ("log_level", [], { .string($0.logLevel.rawValue) }),
    ("log_level_file", [], { .string($0.logLevelFile.rawValue) }),
    ("log_path", [], { $0.logPath.map(Datum.string) }),
    ("macro", ["run-operation"], { $0.operationName.map(Datum.string) }),
    ("macro_debugging", [], { .bool($0.macroDebugging) }),
    ("models", ["list"], { $0.models.isEmpty ? nil : .strings($0.models) }),
    ("output", withOutput, { .string($0.printFormat.rawValue) }),
    ("output", ["list"], { .string($0.listOutput.rawValue) }),
    ("output", ["freshness"], { $0.freshnessPath.map(Datum.string) }),
    ("output_keys", ["list"], { .strings($0.outputKeys) }),
    ("partial_parse", [], { .bool($0.partialParse) }),
    ("partial_parse_file_diff", [], { .bool($0.partialParseFileDiff) }),
    ("partial_parse_file_path", [], { $0.partialParseFilePath.map(Datum.string) }),
    ("populate_cache", [], { .bool($0.populateCache) }),
    ("print", [], { .bool($0.print) }),
    ("printer_width", [], { .int($0.printerWidth) }),
    ("profile", [], { $0.profile.map(Datum.string) }),
    ("profiles_dir", [], { .string($0.profilesDirectory) }),
    ("project_dir", [], { .string($0.projectDirectory) }),
    ("quiet", [], { .bool($0.quiet) }),
    ("record_timing_info", [], { $0.recordTimingInfo.map(Datum.string) }),
    ("resource_types", withResourceTypes, { .strings($0.resourceTypes) }),
    ("sample", ["build", "run"], { $0.sample.map(\.layout) }),
    ("select", withSelection, { .strings($0.select) }),
    ("selector", withSelection, { $0.selector.map(Datum.string) }),
    ("send_anonymous_usage_stats", [], { .bool($0.sendAnonymousUsageStats) }),
    ("show", ["build", "seed"], { .bool($0.showsSeeds) }),
    ("show_all_deprecations", [], { .bool($0.showAllDeprecations) }),
    ("show_resource_report", [], { .bool($0.showResourceReport) }),
    ("single_threaded", [], { $0.singleThreaded ? .bool(true) : nil }),
    ("sqlparse", withStatements, { .map($0.sqlparse) }),
    ("state", [], { $0.statePath.map(Datum.string) }),
    ("static", ["generate"], { _ in .bool(false) }),
    ("static_parser", [], { .bool($0.staticParser) }),
    ("store_failures", ["build", "test"], { $0.storeFailures.map(Datum.bool) }),
    ("target", [], { $0.target.map(Datum.string) }),
    ("target_path", [], { $0.writtenTargetPath.map(Datum.string) }),
    ("threads", [], { $0.threads.map(Datum.int) }),
    ("upload_to_artifacts_ingest_api", [], { .bool($0.uploadToArtifactsIngestAPI) }),
    ("use_colors", [], { .bool($0.useColors) }),
    ("use_colors_file", [], { .bool($0.useColorsFile) }),
    ("use_experimental_parser", [], { $0.useExperimentalParser.map(Datum.bool) }),
    ("use_fast_test_edges", [], { .bool($0.useFastTestEdges) }),
    ("vars", [], { .map($0.vars.hidingSecrets) }),
    ("version_check", [], { .bool($0.versionCheck) }),
    ("warn_error", [], { $0.warnError.map(Datum.bool) }),
    ("warn_error_options", [], { .map($0.warnErrorOptions) }),
    ("which", [], { .string($0.which) }),
    ("write_json", [], { .bool($0.writeJSON) }),
  ]
}

extension Datum {
  fileprivate static func strings(_ texts: [String]) -> Datum { .list(texts.map(Datum.string)) }
}
