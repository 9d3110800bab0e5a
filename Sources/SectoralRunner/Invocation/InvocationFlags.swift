package import SectoralCompiler
package import SectoralGraph
package import SectoralPackages
package import SectoralYAML

package enum LogFormat: String, Sendable, Hashable, CaseIterable {
  case text
  case debug
  case json
  case `default`
}

package enum LogLevel: String, Sendable, Hashable, CaseIterable {
  case debug
  case info
  case warn
  case error
  case none
}

/// What `ls` prints for a node.
package enum ListOutput: String, Sendable, Hashable, CaseIterable {
  case selector
  case name
  case path
  case json
}

/// dbt's flags after command line, environment, project and defaults were weighed; nothing reads
/// them from elsewhere.
///
/// An optional is nil where nobody set the flag and dbt has no default: such a flag is left out of
/// run_results.json.
package struct InvocationFlags: Sendable {
  // Where things are; absolute paths. An empty profiles directory means none was found.
  package var projectDirectory = ""
  package var profilesDirectory = ""
  /// `--profiles-dir` or its variable, as it was written.
  package var givenProfilesDirectory: String?
  package var targetPath: String?
  /// The same as it was written, which is what templates see.
  package var writtenTargetPath: String?
  package var logPath: String?
  /// As they were written: relative to the project.
  package var statePath: String?
  package var deferStatePath: String?

  package var profile: String?
  package var target: String?
  package var threads: Int?
  package var vars = DatumMap()

  package var select: [String] = []
  package var exclude: [String] = []
  /// `ls --models`.
  package var models: [String] = []
  package var selector: String?
  package var resourceTypes: [String] = []
  package var excludeResourceTypes: [String] = []
  package var indirectSelection = IndirectSelection.eager

  package var fullRefresh: Bool?
  package var failFast: Bool?
  package var storeFailures: Bool?
  package var empty: Bool?
  package var defersToState = false
  package var favorState = false
  package var introspect = true
  package var injectEphemeralCTEs = true
  /// `--event-time-start` and `--event-time-end`.
  package var eventTimes: EventTimeWindow?
  package var sample: EventTimeWindow?
  package var exportSavedQueries = false
  package var includeSavedQuery = false

  /// `--args` of run-operation, and what it calls.
  package var operationArguments = DatumMap()
  package var operationName: String?
  /// `--sql` of run-operation.
  package var operationSQL: String?
  /// `--compile` and `--empty-catalog` of docs generate.
  package var compilesForDocs = true
  package var emptyCatalog = false

  package var inline: String?
  package var inlineDirect: String?
  package var limit = 5
  package var printFormat = PrintFormat.text
  package var listOutput = ListOutput.selector
  package var outputKeys: [String] = []
  /// `--show` of seed and build.
  package var showsSeeds = false
  /// `source freshness --output`.
  package var freshnessPath: String?
  /// `debug --connection`, `debug --config-dir`.
  package var debugsConnectionOnly = false
  package var printsConfigDirectory = false
  package var cleanProjectFilesOnly = true
  /// `deps --upgrade`, `--lock`, `--add-package` and its `--source`.
  package var upgradesPackages = false
  package var locksPackagesOnly = false
  package var addedPackage: String?
  package var addedPackageSource = AddedPackageSource.hub

  package var debug: Bool?
  package var quiet = false
  package var print = true
  package var logFormat = LogFormat.default
  package var logFormatFile = LogFormat.debug
  package var logLevel = LogLevel.info
  package var logLevelFile = LogLevel.debug
  package var logFileMaxBytes = 10_485_760
  package var logCacheEvents: Bool?
  package var printerWidth = 80
  package var useColors = true
  package var useColorsFile = true
  package var showAllDeprecations = false
  package var showResourceReport = false
  package var warnError: Bool?
  /// Both flags as one policy.
  package var warnings = WarningPolicy()

  package var writeJSON = true
  package var versionCheck = true
  package var populateCache = true
  package var cacheSelectedOnly = false
  package var singleThreaded = false
  package var useFastTestEdges = false

  // Accepted because dbt has them; they change nothing here.
  package var partialParse = true
  package var partialParseFileDiff = true
  package var partialParseFilePath: String?
  package var staticParser = true
  package var useExperimentalParser: Bool?
  package var macroDebugging = false
  package var sendAnonymousUsageStats = true
  package var uploadToArtifactsIngestAPI = false
  package var recordTimingInfo: String?
  package var sqlparse: DatumMap = ["MAX_GROUPING_DEPTH": .null, "MAX_GROUPING_TOKENS": .null]

  /// `flags:` of dbt_project.yml that are no command-line flags, over their defaults.
  package var behavior = BehaviorFlags()

  /// `build`, `run`, ...
  package var which = ""
  /// The program's name and its arguments.
  package var invocationCommand = ""

  package init() {}
}

/// The switches of `flags:` that change behaviour; the names are dbt's.
package struct BehaviorFlags: Sendable, Hashable {
  package private(set) var values: [String: Bool]

  package init() { values = Self.defaults }

  /// Takes over the known ones of `flags:`.
  package init(projectFlags: DatumMap) {
    self.init()
    for (key, value) in projectFlags.entries where values[key] != nil {
      if let bool = value.bool { values[key] = bool }
    }
  }

  package subscript(name: String) -> Bool { values[name] ?? false }

  package static let defaults: [String: Bool] = [
    "require_explicit_package_overrides_for_builtin_materializations": true,
    "require_resource_names_without_spaces": true,
    "source_freshness_run_project_hooks": true,
    "require_generic_test_arguments_property": true,
    "skip_nodes_if_on_run_start_fails": false,
    "state_modified_compare_more_unrendered_values": false,
    "state_modified_compare_vars": false,
    "require_batched_execution_for_custom_microbatch_strategy": false,
    "require_yaml_configuration_for_mf_time_spines": false,
    "require_nested_cumulative_type_params": false,
    "validate_macro_args": false,
    "require_all_warnings_handled_by_warn_error": false,
    "require_event_names_in_deprecations": false,
    "require_unique_project_resource_names": false,
    "require_ref_searches_node_package_before_root": false,
    "enable_truthy_nulls_equals_macro": false,
    "latest_version_pointer_enabled_by_default": false,
    "postgres_skip_autocommit_transaction_statements": true,
    "redshift_skip_autocommit_transaction_statements": false,
    "redshift_grants_extended": false,
  ]

  /// Those that are dbt-core's own; the others are its adapters', or of later versions.
  package static let ofCore = Set(recorded + ["require_event_names_in_deprecations"])

  /// Those that dbt writes into `args` of run_results.json.
  static let recorded: [String] = [
    "require_all_warnings_handled_by_warn_error",
    "require_batched_execution_for_custom_microbatch_strategy",
    "require_explicit_package_overrides_for_builtin_materializations",
    "require_generic_test_arguments_property",
    "require_nested_cumulative_type_params",
    "require_ref_searches_node_package_before_root",
    "require_resource_names_without_spaces",
    "require_unique_project_resource_names",
    "require_yaml_configuration_for_mf_time_spines",
    "skip_nodes_if_on_run_start_fails",
    "source_freshness_run_project_hooks",
    "state_modified_compare_more_unrendered_values",
    "state_modified_compare_vars",
    "validate_macro_args",
  ]
}
