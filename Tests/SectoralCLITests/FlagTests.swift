import SectoralGraph
import SectoralRunner
import SectoralText
import SectoralYAML
import Testing

@testable import sectoral

struct FlagTests {
  /// Resolves what a user typed, as `Session` does.
  private func resolve(
    _ arguments: [String],
    environment: [String: String] = [:],
    project: String? = nil,
    profiles: String? = nil,
    directories: [String] = []
  ) throws -> ResolvedFlags {
    let line = try CommandLineArguments(arguments)
    let parsed = try line.parsed()
    let command = try #require(parsed as? any EngineCommand)
    var files: [String: String] = [:]
    if let project { files["/work/project/dbt_project.yml"] = project }
    if let profiles { files["/home/user/.dbt/profiles.yml"] = profiles }
    let known = files
    var resolver = FlagResolver(
      command: command.engineCommand.which,
      commandLine: CommandLineArguments.flags(of: parsed),
      environment: environment,
      files: FileQuestions(
        currentDirectory: "/work/project/models",
        homeDirectory: "/home/user",
        exists: { known[$0] != nil || directories.contains($0) },
        read: { known[$0] }
      ),
      invocationCommand: "sectoral " + arguments.joined(separator: " ")
    )
    return try resolver.resolve()
  }

  @Test func defaultsAreDbts() throws {
    let flags = try resolve(["run"]).flags
    #expect(flags.which == "run")
    #expect(flags.logFormat == .default)
    #expect(flags.logFormatFile == .debug)
    #expect(flags.logLevel == .info)
    #expect(flags.logLevelFile == .debug)
    #expect(flags.printerWidth == 80)
    #expect(flags.indirectSelection == .eager)
    #expect(flags.debug == nil)
    #expect(flags.writeJSON)
    #expect(flags.projectDirectory == "/work/project/models")
    #expect(flags.profilesDirectory == "/home/user/.dbt")
    #expect(flags.logPath == "/work/project/models/logs")
  }

  @Test func theNearestProjectAboveIsMeant() throws {
    let flags = try resolve(["run"], project: "name: p\nlog-path: l").flags
    #expect(flags.projectDirectory == "/work/project")
    #expect(flags.logPath == "/work/project/l")
  }

  /// Arguments, environment, flags of the project, the printer width that results.
  static let precedence: [([String], [String: String], String, Int)] = [
    (["run"], [:], "", 80),
    (["run"], [:], "flags: {printer_width: 90}", 90),
    (["run"], ["DBT_PRINTER_WIDTH": "100"], "flags: {printer_width: 90}", 100),
    (
      ["run"], ["DBT_PRINTER_WIDTH": "100", "DBT_ENGINE_PRINTER_WIDTH": "110"],
      "flags: {printer_width: 90}", 110
    ),
    (["run", "--printer-width", "120"], ["DBT_PRINTER_WIDTH": "100"], "", 120),
    (["--printer-width=130", "run"], ["DBT_PRINTER_WIDTH": "100"], "", 130),
    (["run"], ["DBT_PRINTER_WIDTH": ""], "", 80),
  ]

  @Test(arguments: precedence)
  func commandLineBeatsEnvironmentBeatsProject(
    _ arguments: [String],
    _ environment: [String: String],
    _ project: String,
    _ width: Int
  ) throws {
    let flags = try resolve(arguments, environment: environment, project: project).flags
    #expect(flags.printerWidth == width)
  }

  @Test func valuesOfSelectGoToTheNextOption() throws {
    let flags = try resolve([
      "-x", "run", "--select", "a", "b c", "+d", "--exclude", "e", "-s", "f", "--full-refresh",
    ]).flags
    #expect(flags.select == ["a", "b", "c", "+d", "f"])
    #expect(flags.exclude == ["e"])
    #expect(flags.fullRefresh == true)
    #expect(flags.failFast == true)
  }

  @Test func twinsTakeAFlagBack() throws {
    let environment = ["DBT_DEBUG": "yes", "DBT_WRITE_JSON": "Off"]
    let flags = try resolve(["--no-debug", "run"], environment: environment).flags
    #expect(flags.debug == false)
    #expect(!flags.writeJSON)
    #expect(try resolve(["run", "--no-print", "-q", "-t", "prod"]).flags.print == false)
  }

  @Test func varsAreYAML() throws {
    let flags = try resolve(["run", "--vars", "{a: 1, b: [x, true]}"]).flags
    #expect(flags.vars["a"] == .int(1))
    #expect(flags.vars["b"] == .list([.string("x"), .bool(true)]))
    #expect(try resolve(["run", "--vars", "a: 2"]).flags.vars["a"] == .int(2))
    #expect(try resolve(["run", "--vars", ""]).flags.vars.isEmpty)
  }

  @Test func theFileFollowsTheConsole() throws {
    let flags = try resolve(["run", "--log-format", "json", "--log-level", "warn"]).flags
    #expect(flags.logFormatFile == .json)
    #expect(flags.logLevelFile == .warn)
    let apart = try resolve(["run", "--log-format", "json", "--log-format-file", "text"]).flags
    #expect(apart.logFormatFile == .text)
    #expect(try resolve(["run", "--no-use-colors"]).flags.useColorsFile == false)
  }

  /// Arguments and environment that cannot be obeyed, and what is said.
  static let mistakes: [([String], [String: String], String)] = [
    (["foo"], [:], "No such command 'foo'"),
    (
      ["--debug", "run", "--debug"], [:],
      "debug was provided both before and after the subcommand, it can only be set either before "
        + "or after."
    ),
    (
      ["-t", "dev", "run", "--target=prod"], [:],
      "target was provided both before and after the subcommand, it can only be set either before "
        + "or after."
    ),
    (
      ["run", "--log-format", "xx"], [:],
      "Invalid value for '--log-format': 'xx' is not one of 'text', 'debug', 'json', 'default'."
    ),
    (
      ["run", "--threads", "abc"], [:],
      "Invalid value for '--threads': 'abc' is not a valid integer."
    ),
    (["run", "--threads", "0"], [:], "Invalid value for '--threads': 0 is not in the range x>=1."),
    (
      ["run"], ["DBT_DEBUG": "maybe"],
      "Invalid value for '--debug' (env var: 'DBT_DEBUG'): 'maybe' is not a valid boolean."
    ),
    (
      ["run", "--project-dir", "/nope"], [:],
      "Invalid value for '--project-dir': Path '/nope' does not exist."
    ),
    (
      ["run", "--warn-error", "--warn-error-options", "{error: all}"], [:],
      "warn_error_options: not allowed with argument warn_error"
    ),
    (
      ["run", "--warn-error-options", "{error: [NothingToDoo]}"], [:],
      "NothingToDoo is not a valid dbt error name. Did you mean NothingToDo?"
    ),
    (
      ["run", "--warn-error-options", "{warn: [NothingToDo]}"], [:],
      "Invalid value for '--warn-error-options': `warn` can only be specified if `error` is '*' or "
        + "'all', or if `error` or `silence` names 'Deprecations'."
    ),
    (
      ["show", "--inline", "select 1", "-s", "a"], [:], "inline: not allowed with argument select"
    ),
    (
      ["build", "--event-time-start", "2024-01-01"], [:],
      "The flag `--event-time-start` was specified, but `--event-time-end` was not. When specifying "
        + "`--event-time-start`, `--event-time-end` must also be present."
    ),
    (
      ["run", "--event-time-start", "2024-02-01", "--event-time-end", "2024-01-01"], [:],
      "Value for `--event-time-start` must be less than `--event-time-end`"
    ),
    (
      ["list", "--output", "xml"], [:],
      "Invalid value for '--output': 'xml' is not one of 'json', 'name', 'path', 'selector'."
    ),
    (
      ["run", "--vars", "[1]"], [:],
      "Invalid value for '--vars': String '[1]' is not a YAML mapping; write '{name: value}'."
    ),
    (["--target"], [:], "Option '--target' requires an argument."),
    (["--quiet"], [:], "Missing command."),
  ]

  @Test(arguments: mistakes)
  func mistakesAreSaid(
    _ arguments: [String],
    _ environment: [String: String],
    _ message: String
  ) throws {
    if arguments == ["foo"] {
      // The parser's own finding; Session words it.
      #expect(throws: (any Error).self) { try resolve(arguments) }
      return
    }
    let error = #expect(throws: UsageError.self) {
      try resolve(arguments, environment: environment)
    }
    #expect(error?.message == message)
  }

  @Test func usageErrorsHaveDbtsShape() {
    #expect(
      UsageError("No such option '--fooo'.", command: "run").text == """
        Usage: sectoral run [OPTIONS]
        Try 'sectoral run --help' for help.

        Error: No such option '--fooo'.

        """
    )
  }

  @Test func renamedVariablesStillCount() throws {
    let resolved = try resolve(
      ["run"],
      environment: ["DBT_NO_PRINT": "1", "DBT_ARTIFACT_STATE_PATH": "old"]
    )
    #expect(!resolved.flags.print)
    #expect(resolved.flags.statePath == "/work/project/models/old")
    #expect(
      resolved.deprecations.map(\.name) == [
        "EnvironmentVariableRenamed", "EnvironmentVariableRenamed",
      ]
    )
  }

  @Test func bothSpellingsOfAVariableAreSeenByTemplates() throws {
    let resolved = try resolve(["run"], environment: ["DBT_ENGINE_TARGET": "prod", "OTHER": "x"])
    #expect(resolved.flags.target == "prod")
    #expect(resolved.environment["DBT_TARGET"] == "prod")
    #expect(resolved.environment["OTHER"] == "x")
  }

  @Test func unknownEngineVariablesAreDeprecated() throws {
    let resolved = try resolve(["run"], environment: ["DBT_ENGINE_FOO": "1"])
    #expect(resolved.deprecations.map(\.name) == ["EnvironmentVariableNamespaceDeprecation"])
    #expect(
      resolved.deprecations.first?.details
        == ["env_var": "DBT_ENGINE_FOO", "reserved_prefix": "DBT_ENGINE"]
    )
  }

  @Test func profilesConfigStandsInForFlags() throws {
    let resolved = try resolve(
      ["run"],
      project: "name: p",
      profiles: "config: {fail_fast: true}\np: {}"
    )
    #expect(resolved.flags.failFast == true)
    #expect(resolved.deprecations.map(\.name) == ["ProjectFlagsMovedDeprecation"])
    let both = try resolve(
      ["run"],
      project: "flags: {debug: true}",
      profiles: "config: {fail_fast: true}"
    )
    #expect(both.failure != nil)
  }

  /// As dbt, which says nothing of it.
  @Test(arguments: [
    "fail_fast: 'yes'", "printer_width: '91'", "printer_width: true", "log_level: 1",
    "warn_error_options: all", "validate_macro_args: 'true'", "send_anonymous_usage_stats: ",
  ])
  func oneWrongFlagOfTheProjectLeavesAllOut(_ wrong: String) throws {
    let resolved = try resolve(
      ["run"],
      project: "name: p\nflags: {debug: true, require_generic_test_arguments_property: false, "
        + "\(wrong)}"
    )
    #expect(resolved.flags.debug == nil)
    #expect(resolved.flags.behavior["require_generic_test_arguments_property"])
    #expect(resolved.deprecations.map(\.name) == ["ProjectWarning"])
    #expect(resolved.deprecations.first?.diagnostic.span?.position.line == 2)
  }

  /// Flags of adapters, and unknown ones, are not dbt-core's to check.
  @Test func otherFlagsOfTheProjectMayBeAnything() throws {
    let flags = try resolve(
      ["run"],
      project: "flags: {debug: true, postgres_nothing: 5, redshift_grants_extended: 'no'}"
    ).flags
    #expect(flags.debug == true)
  }

  @Test func unknownKeysOfWarnErrorOptionsAreToldOf() throws {
    let resolved = try resolve(["run", "--warn-error-options", "{eror: all, silence: []}"])
    #expect(resolved.deprecations.map(\.name) == ["CustomKeyInObjectDeprecation"])
    #expect(resolved.deprecations.first?.diagnostic.hint == "did you mean `error`?")
  }

  @Test func behaviourFlagsComeFromTheProject() throws {
    let flags = try resolve(["run"], project: "flags: {validate_macro_args: true, foo: 1}").flags
    #expect(flags.behavior["validate_macro_args"])
    #expect(flags.behavior["require_resource_names_without_spaces"])
  }

  @Test func argumentsOfRunResultsAreDbts() throws {
    let flags = try resolve(
      ["run", "-f", "-s", "bad", "--vars", "{a: 1}", "--threads", "2", "-t", "dev"]
    ).flags
    let arguments = Dictionary(
      flags.asArguments.map { ($0.name, $0.value) },
      uniquingKeysWith: { first, _ in first }
    )
    #expect(arguments["which"] == .string("run"))
    #expect(arguments["select"] == .list([.string("bad")]))
    #expect(arguments["exclude"] == .list([]))
    #expect(arguments["full_refresh"] == .bool(true))
    #expect(arguments["vars"] == .map(["a": .int(1)]))
    #expect(arguments["threads"] == .int(2))
    #expect(arguments["target"] == .string("dev"))
    #expect(arguments["log_format_file"] == .string("debug"))
    #expect(arguments["require_generic_test_arguments_property"] == .bool(true))
    #expect(
      arguments["warn_error_options"]
        == .map(["error": .list([]), "warn": .list([]), "silence": .list([])])
    )
    for absent in ["debug", "fail_fast", "warn_error", "resource_types", "limit", "profile"] {
      #expect(arguments[absent] == nil, "\(absent) is not set")
    }
    #expect(flags.asArguments.map(\.name) == flags.asArguments.map(\.name).sorted())
  }

  @Test func templatesSeeDbtsFlags() throws {
    let flags = try resolve(["run", "-x"]).flags
    #expect(flags.templateValue("WHICH") == .string("run"))
    #expect(flags.templateValue("FAIL_FAST") == .bool(true))
    #expect(flags.templateValue("FULL_REFRESH") == .bool(false))
    #expect(flags.templateValue("THREADS") == nil)
  }
}
