/// A flag of dbt's as data: how its value reads and where else than on the command line it may be
/// set.
struct FlagDefinition: Sendable {
  enum Kind: Sendable, Hashable {
    case flag
    case text
    /// Made absolute.
    case path
    /// A directory that has to be there.
    case directory
    case integer
    case choice([String])
    case texts
    case choices([String])
    /// A YAML mapping.
    case map
    case moment
  }

  /// dbt's name, in snake case.
  let name: String
  let kind: Kind
  /// `DBT_{NAME}` and `DBT_ENGINE_{NAME}` set it.
  let hasVariable: Bool
  /// `flags:` of dbt_project.yml sets it.
  let isProjectFlag: Bool

  init(_ name: String, _ kind: Kind, variable: Bool = true, project: Bool = false) {
    self.name = name
    self.kind = kind
    hasVariable = variable
    isProjectFlag = project
  }

  /// `--log-format`
  var option: String { "--" + name.split(separator: "_").joined(separator: "-") }
  var variable: String { "DBT_" + name.uppercased() }
  var engineVariable: String { "DBT_ENGINE_" + name.uppercased() }
}

/// All flags of all commands.
enum FlagTable {
  static let resourceTypes = [
    "metric", "semantic_model", "saved_query", "source", "analysis", "function", "model", "test",
    "unit_test", "exposure", "snapshot", "seed", "default",
  ]
  private static let formats = ["text", "debug", "json", "default"]
  private static let levels = ["debug", "info", "warn", "error", "none"]

  /// Accepted by every command, before its name and after.
  static let global: [FlagDefinition] = [
    FlagDefinition("cache_selected_only", .flag, project: true),
    FlagDefinition("debug", .flag, project: true),
    FlagDefinition("defer", .flag),
    FlagDefinition("defer_state", .text),
    FlagDefinition("fail_fast", .flag, project: true),
    FlagDefinition("favor_state", .flag),
    FlagDefinition(
      "indirect_selection",
      .choice(["eager", "cautious", "buildable", "empty"]),
      project: true
    ),
    FlagDefinition("log_cache_events", .flag),
    FlagDefinition("log_file_max_bytes", .integer),
    FlagDefinition("log_format", .choice(formats), project: true),
    FlagDefinition("log_format_file", .choice(formats), project: true),
    FlagDefinition("log_level", .choice(levels), project: true),
    FlagDefinition("log_level_file", .choice(levels), project: true),
    FlagDefinition("log_path", .path),
    FlagDefinition("macro_debugging", .flag),
    FlagDefinition("partial_parse", .flag, project: true),
    FlagDefinition("partial_parse_file_path", .path),
    FlagDefinition("partial_parse_file_diff", .flag),
    FlagDefinition("populate_cache", .flag, project: true),
    FlagDefinition("print", .flag),
    FlagDefinition("printer_width", .integer, project: true),
    FlagDefinition("profile", .text),
    FlagDefinition("quiet", .flag),
    FlagDefinition("record_timing_info", .path, variable: false),
    FlagDefinition("send_anonymous_usage_stats", .flag, project: true),
    FlagDefinition("single_threaded", .flag),
    FlagDefinition("show_all_deprecations", .flag, variable: false),
    FlagDefinition("show_resource_report", .flag),
    FlagDefinition("state", .text),
    FlagDefinition("static_parser", .flag, project: true),
    FlagDefinition("target", .text),
    FlagDefinition("use_colors", .flag, project: true),
    FlagDefinition("use_colors_file", .flag, project: true),
    FlagDefinition("use_experimental_parser", .flag, project: true),
    FlagDefinition("use_fast_test_edges", .flag),
    FlagDefinition("upload_to_artifacts_ingest_api", .flag),
    FlagDefinition("version", .flag, variable: false),
    FlagDefinition("version_check", .flag, project: true),
    FlagDefinition("warn_error", .flag, project: true),
    FlagDefinition("warn_error_options", .map, project: true),
    FlagDefinition("write_json", .flag, project: true),
  ]

  /// Accepted behind the commands that have them.
  static let own: [FlagDefinition] = [
    FlagDefinition("add_package", .text, variable: false),
    FlagDefinition("args", .map, variable: false),
    FlagDefinition("clean_project_files_only", .flag),
    FlagDefinition("compile", .flag, variable: false),
    FlagDefinition("config_dir", .flag, variable: false),
    FlagDefinition("connection", .flag, variable: false),
    FlagDefinition("empty", .flag),
    FlagDefinition("empty_catalog", .flag, variable: false),
    FlagDefinition("event_time_end", .moment),
    FlagDefinition("event_time_start", .moment),
    FlagDefinition("exclude", .texts, variable: false),
    FlagDefinition("exclude_resource_types", .choices(resourceTypes)),
    FlagDefinition("export_saved_queries", .flag),
    FlagDefinition("full_refresh", .flag),
    FlagDefinition("full_table", .flag, variable: false),
    FlagDefinition("include_saved_query", .flag),
    FlagDefinition("inject_ephemeral_ctes", .flag, variable: false),
    FlagDefinition("inline", .text, variable: false),
    FlagDefinition("inline_direct", .text, variable: false),
    FlagDefinition("introspect", .flag),
    FlagDefinition("limit", .integer, variable: false),
    FlagDefinition("sql", .text, variable: false),
    FlagDefinition("lock", .flag, variable: false),
    FlagDefinition("models", .texts, variable: false),
    FlagDefinition("output", .text, variable: false),
    FlagDefinition("output_keys", .texts, variable: false),
    FlagDefinition("profiles_dir", .directory),
    FlagDefinition("project_dir", .directory),
    FlagDefinition("resource_types", .choices(resourceTypes + ["all"])),
    FlagDefinition("sample", .text),
    FlagDefinition("select", .texts, variable: false),
    FlagDefinition("selector", .text, variable: false),
    FlagDefinition("show", .flag, variable: false),
    FlagDefinition("skip_profile_setup", .flag, variable: false),
    FlagDefinition("source", .choice(["hub", "git", "local"]), variable: false),
    FlagDefinition("sqlparse", .map),
    FlagDefinition("static", .flag, variable: false),
    FlagDefinition("store_failures", .flag),
    FlagDefinition("target_path", .path),
    FlagDefinition("threads", .integer, variable: false),
    FlagDefinition("upgrade", .flag, variable: false),
    FlagDefinition("vars", .map, variable: false),
  ]

  static let all = global + own

  /// Spellings of a global flag on the command line: the flag, and whether a value follows.
  static let spellings: [String: (flag: FlagDefinition, takesValue: Bool)] = {
    var spellings: [String: (flag: FlagDefinition, takesValue: Bool)] = [:]
    for flag in global {
      spellings[flag.option] = (flag, flag.kind != .flag)
      if flag.kind == .flag { spellings["--no-" + flag.option.dropFirst(2)] = (flag, false) }
    }
    for (letter, name) in shorts {
      guard let entry = spellings["--" + name] else { continue }
      spellings["-\(letter)"] = entry
    }
    return spellings
  }()

  private static let shorts: [(Character, String)] = [
    ("d", "debug"), ("x", "fail-fast"), ("q", "quiet"), ("r", "record-timing-info"),
    ("t", "target"), ("V", "version"), ("v", "version"),
  ]

  /// Names of environment variables that dbt itself reads, all with the prefix `DBT_ENGINE_` too.
  static let variables: [String] =
    all.filter(\.hasVariable).map(\.variable) + ["DBT_HOST", "DBT_MACRO_DEBUGGING"]

  /// Older names of variables; the second of a pair has its sense turned round.
  static let renamedVariables: [(old: String, flag: String, isInverted: Bool)] = [
    ("DBT_NO_PRINT", "print", true), ("DBT_DEFER_TO_STATE", "defer", false),
    ("DBT_FAVOR_STATE_MODE", "favor_state", false), ("DBT_ARTIFACT_STATE_PATH", "state", false),
  ]
}
