import ArgumentParser
import SectoralArtifacts
import SectoralProject
import SectoralRunner
import SectoralText
import SectoralYAML

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One call of the program, from its arguments to its exit code.
struct Session {
  let arguments: [String]
  let environment: [String: String]
  let output: FileDescriptor
  let errors: FileDescriptor

  func run() -> ExitStatus {
    do throws(UsageError) {
      guard !arguments.isEmpty else {
        output.write(RootCommand.helpMessage(columns: output.columns) + "\n")
        return .unusable
      }
      let line = try CommandLineArguments(arguments)
      return try run(line)
    } catch {
      errors.write(error.text)
      return .unusable
    }
  }

  private func run(_ line: CommandLineArguments) throws(UsageError) -> ExitStatus {
    if line.asksForVersion {
      output.write(Version.report)
      return .success
    }
    let parsed: any ParsableCommand
    do {
      parsed = try line.parsed()
    } catch {
      return try say(error, line.command)
    }
    let given = CommandLineArguments.flags(of: parsed)
    if given["version"] != nil {
      output.write(Version.report)
      return .success
    }
    switch parsed {
    case let command as CompletionCommand: return try completion(command)
    case let command as InitCommand: return try start(command, given)
    case let command as any EngineCommand: return try engine(command, given, line)
    case is RetryCommand: return try retry(given)
    case is DocsCommand.Serve:
      throw UsageError(
        "There is no documentation page yet, so there is nothing to serve. 'sectoral docs generate' "
          + "writes manifest.json and catalog.json, which other tools show.",
        command: "docs serve"
      )
    default:
      // `help`, and groups of commands: their own run asks for a help text.
      var command = parsed
      do {
        try command.run()
        return .success
      } catch {
        return try say(error, line.command)
      }
    }
  }

  /// A request for help, or a mistake.
  private func say(_ error: any Error, _ command: String?) throws(UsageError) -> ExitStatus {
    guard RootCommand.exitCode(for: error).isSuccess else {
      throw usageError(RootCommand.message(for: error), command)
    }
    output.write(RootCommand.fullMessage(for: error, columns: output.columns) + "\n")
    return .success
  }

  /// The parser's words, and dbt's frame around them.
  private func usageError(_ message: String, _ command: String?) -> UsageError {
    let known =
      RootCommand.configuration.subcommands.flatMap {
        [$0.configuration.commandName ?? ""] + $0.configuration.aliases
      }
    if let command, let first = command.split(separator: " ").first.map(String.init),
      !known.contains(first)
    {
      let guess = Spelling.nearest(to: first, among: known)
      return UsageError(
        "No such command '\(first)'." + (guess.map { " Did you mean '\($0)'?" } ?? "")
      )
    }
    let isSentence = message.last.map { ".?!".contains($0) } ?? false
    return UsageError(isSentence ? message : message + ".", command: command)
  }

  // MARK: Commands that need no engine

  private func completion(_ command: CompletionCommand) throws(UsageError) -> ExitStatus {
    let name = command.shell ?? Paths.lastComponent(of: environment["SHELL"] ?? "")
    guard let script = CompletionScripts.script(for: name) else {
      throw UsageError(
        "Invalid value for 'SHELL': '\(name)' is not one of 'bash', 'zsh', 'fish'.",
        command: "completion"
      )
    }
    output.write(script)
    return .success
  }

  private func start(
    _ command: InitCommand,
    _ given: [String: RawFlag]
  ) throws(UsageError) -> ExitStatus {
    var resolver = resolver("init", given, toleratesMissingDirectories: true)
    let resolved = try resolver.resolve()
    let files = ProcessEnvironment.files(environment)
    var directory = files.currentDirectory
    if case .text(let path)? = given["project_dir"] { directory = Paths.join(directory, path) }
    let (events, _) = sinks(
      resolved,
      invocationID: ProcessEnvironment.randomUUID(),
      writesFile: false
    )
    defer { events.close() }
    let starter = ProjectStarter(directory: directory, events: events)
    return try starter.run(name: command.projectName ?? askedName(directory))
  }

  /// Without a terminal nothing is asked: nil then.
  private func askedName(_ directory: String) -> String? {
    guard output.isTerminal, FileDescriptor(number: STDIN_FILENO).isTerminal else { return nil }
    if access(Paths.join(directory, "dbt_project.yml"), F_OK) == 0 { return nil }
    output.write("Enter a name for your project (letters, digits, underscore): ")
    return readLine()
  }

  // MARK: Commands of the engine

  private func check(operation name: String?, _ flags: InvocationFlags) throws(UsageError) {
    switch (name, flags.operationSQL) {
    case (nil, nil): throw UsageError("give a macro or --sql", command: "run-operation")
    case (_?, _?):
      throw UsageError("a macro and --sql exclude each other", command: "run-operation")
    case (nil, _?) where !flags.operationArguments.isEmpty:
      throw UsageError("--args is for macros, not for --sql", command: "run-operation")
    default: break
    }
  }

  private func engine(
    _ command: any EngineCommand,
    _ given: [String: RawFlag],
    _ line: CommandLineArguments
  ) throws(UsageError) -> ExitStatus {
    let start = ProcessEnvironment.now()
    let which = command.engineCommand.which
    var resolver = resolver(
      which,
      given,
      toleratesMissingDirectories: [.debug, .deps].contains(command.engineCommand)
    )
    var resolved = try resolver.resolve()
    if case .runOperation(let name) = command.engineCommand {
      resolved.flags.operationName = name
      try check(operation: name, resolved.flags)
    }
    if line.usesModelsOption {
      resolved.deprecations.append(
        FlagDeprecation(
          "ModelParamUsageDeprecation",
          Diagnostic(
            id: "flags.models",
            severity: .warning,
            message: "Usage of `--models`, `--model`, and `-m` is deprecated in favor of "
              + "`--select` or `-s`."
          )
        )
      )
    }
    return run(
      EngineCall(
        command: command.engineCommand,
        // As they were written: `ls` is not told of as `list`.
        words: line.command ?? type(of: command).words,
        flags: resolved
      ),
      since: start
    )
  }

  /// What the engine is asked for.
  struct EngineCall {
    var command: Command
    /// The name as the user wrote it.
    var words: String
    var flags: ResolvedFlags
    var retried: Retried?
    /// Why it cannot be asked at all.
    var failure: CommandFailure?
  }

  func run(_ call: EngineCall, since start: Timestamp) -> ExitStatus {
    let resolved = call.flags
    let id = ProcessEnvironment.randomUUID()
    let secrets = Secrets(SecretMask(environment: environment))
    secrets.add(resolved.flags.vars.secretTexts)
    let (events, console) = sinks(
      resolved,
      invocationID: id,
      secrets: secrets,
      writesFile: writesLogFile(call.command, resolved)
    )
    let cancellation = CancellationFlag()
    let interruption = CancellationFlag()
    interruption.onCancel { cancellation.cancel() }
    watchForInterruption(call.command, events, interruption)
    announce(call.command, events)
    let engine = Engine(
      Invocation(
        id: id,
        command: call.command,
        flags: resolved.flags,
        environment: resolved.environment,
        events: events,
        cancellation: cancellation,
        interruption: interruption,
        secrets: secrets,
        retried: call.retried
      ),
      provider: ProfileWarehouses(
        environment: resolved.environment,
        announce: { events.emit(.note($0)) },
        isCancelled: { interruption.isCancelled }
      )
    )
    // Never let go of, and with it the project: the process ends with the command, and taking so many
    // objects apart for that would be a twentieth of a parse.
    _ = Unmanaged.passRetained(engine)
    let status = firstTroubles(call, events) ?? engine.run()
    let elapsed = ProcessEnvironment.now().seconds(since: start)
    events.summarizeDeprecations()
    report(ProcessEnvironment.resources(), of: call, status, elapsed: elapsed, events)
    events.emit(
      .commandCompleted(
        command: call.words,
        success: status == .success,
        elapsed: elapsed
      )
    )
    events.close()
    if interruption.isCancelled { return .unusable }
    return status == .success && console.hasLostOutput ? .unusable : status
  }

  /// Tells what the command took: for the log, and on the console with `--show-resource-report`.
  private func report(
    _ resources: ProcessEnvironment.Resources,
    of call: EngineCall,
    _ status: ExitStatus,
    elapsed: Double,
    _ events: EventBus
  ) {
    // Counts are texts, as in dbt's log: there they are integers of 64 bits.
    let data: DatumMap = [
      "command_name": .string(call.words == RetryCommand.words ? call.words : call.command.which),
      "command_success": .bool(status == .success),
      "command_wall_clock_time": .float(elapsed),
      "process_in_blocks": .string(String(resources.blocksRead)),
      "process_kernel_time": .float(resources.kernelSeconds),
      "process_mem_max_rss": .string(String(resources.peakKilobytes)),
      "process_out_blocks": .string(String(resources.blocksWritten)),
      "process_user_time": .float(resources.userSeconds),
    ]
    events.emit(
      .other(
        name: "ResourceReport",
        text: "Resource report: \(JSON.text(of: .map(data)))",
        data: data
      ),
      level: call.flags.flags.showResourceReport ? .info : .debug
    )
  }

  private func watchForInterruption(
    _ command: Command,
    _ events: EventBus,
    _ interruption: CancellationFlag
  ) {
    // There Ctrl-C is psql's.
    if case .database(.psql) = command { return }
    let errors = errors
    Interruption.watch(
      first: {
        events.emit(
          .note("Stopping: running statements are cancelled. Ctrl-C again stops at once.")
        )
        interruption.cancel()
      },
      second: {
        errors.write("\nstopped at once; the database may still be finishing a statement\n")
        _exit(ExitStatus.unusable.rawValue)
      }
    )
  }

  func resolver(
    _ which: String,
    _ given: [String: RawFlag],
    toleratesMissingDirectories: Bool
  ) -> FlagResolver {
    FlagResolver(
      command: which,
      commandLine: given,
      environment: environment,
      files: ProcessEnvironment.files(environment),
      invocationCommand: (["sectoral"] + arguments).joined(separator: " "),
      toleratesMissingDirectories: toleratesMissingDirectories
    )
  }

  /// The line that opens every command but `db`.
  private func announce(_ command: Command, _ events: EventBus) {
    if case .database = command { return }
    events.emit(.mainReportVersion(version: ProductVersion.compatible))
  }

  /// What is wrong with the flags themselves; nil when the engine can start.
  private func firstTroubles(_ call: EngineCall, _ events: EventBus) -> ExitStatus? {
    let resolved = call.flags
    if let failure = resolved.failure ?? call.failure {
      events.emit(.mainEncounteredError([failure]))
      return .unusable
    }
    do throws(PromotedWarning) {
      for warning in resolved.deprecations {
        try events.warn(warning.name, warning.diagnostic, details: warning.details)
      }
    } catch {
      events.emit(.mainEncounteredError([error.failure]))
      return .unusable
    }
    return nil
  }

  /// Logs go to a project, or to where the user said; not into any directory one happens to be in.
  private func writesLogFile(_ command: Command, _ resolved: ResolvedFlags) -> Bool {
    if case .database = command { return false }
    let flags = resolved.flags
    let project = Paths.join(flags.projectDirectory, "dbt_project.yml")
    return access(project, F_OK) == 0
      || flags.logPath != Paths.join(flags.projectDirectory, "logs")
  }

  // MARK: Sinks

  private func sinks(
    _ resolved: ResolvedFlags,
    invocationID: String,
    secrets: Secrets? = nil,
    writesFile: Bool
  ) -> (EventBus, Console) {
    let flags = resolved.flags
    let log = LogSettings(
      resolved: resolved,
      environment: environment,
      invocationID: invocationID,
      isTerminal: output.isTerminal,
      secrets: secrets ?? Secrets(SecretMask(environment: environment))
    )
    let output = output
    let errors = errors
    let console = Console(
      output: output,
      formatter: log.consoleFormatter,
      minimumLevel: log.consoleLevel,
      showsPrint: flags.print,
      showsCacheEvents: flags.logCacheEvents ?? false,
      live: log.liveLine,
      columns: { output.columns ?? 80 },
      clock: ProcessEnvironment.now,
      complain: { errors.write("error: \($0)\n") }
    )
    if log.liveLine != nil { console.startTicking() }
    var sinks: [any EventSink] = [console]
    if writesFile, let level = log.fileLevel, let directory = flags.logPath {
      sinks.append(
        LogFile(
          directory: directory,
          formatter: log.fileFormatter,
          minimumLevel: level,
          maximumBytes: flags.logFileMaxBytes,
          showsCacheEvents: flags.logCacheEvents ?? false,
          complain: { errors.write("warning: \($0)\n") }
        )
      )
    }
    let events = EventBus(
      sinks: sinks,
      policy: flags.warnings,
      showsAllDeprecations: flags.showAllDeprecations,
      clock: ProcessEnvironment.now
    )
    return (events, console)
  }
}

/// What the flags mean for the console and the log file.
struct LogSettings {
  let resolved: ResolvedFlags
  let environment: [String: String]
  let invocationID: String
  let isTerminal: Bool
  var secrets = Secrets()

  private var flags: InvocationFlags { resolved.flags }
  private var isDumb: Bool { ["dumb", ""].contains(environment["TERM"] ?? "") }

  /// Asked-for colours always; otherwise on a terminal that can, unless NO_COLOR is set.
  var consolePaint: Paint {
    guard flags.useColors, consoleStyle != .json else { return .none }
    if resolved.colorsAreExplicit { return Paint(isOn: true) }
    let refuses = !(environment["NO_COLOR"] ?? "").isEmpty
    return Paint(isOn: isTerminal && !isDumb && !refuses)
  }

  var consoleStyle: LineFormatter.Style {
    switch flags.logFormat {
    case .text, .default: .text
    case .debug: .debug
    case .json: .json
    }
  }

  /// nil: nothing at all.
  var consoleLevel: EventLevel? {
    if flags.logLevel == .none { return nil }
    if flags.debug == true { return .debug }
    if flags.quiet { return .error }
    return Self.level(flags.logLevel)
  }

  var fileLevel: EventLevel? {
    flags.debug == true && flags.logLevelFile != .none ? .debug : Self.level(flags.logLevelFile)
  }

  var consoleFormatter: LineFormatter { formatter(consoleStyle, consolePaint) }

  var fileFormatter: LineFormatter {
    let style: LineFormatter.Style =
      switch flags.logFormatFile {
      case .text: .text
      case .debug, .default: .debug
      case .json: .json
      }
    let isPainted = flags.useColorsFile && resolved.fileColorsAreExplicit && style != .json
    return formatter(style, Paint(isOn: isPainted))
  }

  var liveLine: LiveLine? {
    guard isTerminal, !isDumb, consoleStyle == .text, consoleLevel == .info else { return nil }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
    let isUTF8 = locale?.lowercased().contains("utf") ?? false
    return LiveLine(paint: consolePaint, isPlain: !isUTF8)
  }

  private func formatter(_ style: LineFormatter.Style, _ paint: Paint) -> LineFormatter {
    let isFull = resolved.fullTable ?? isTerminal
    let prefix = "DBT_ENV_CUSTOM_ENV_"
    let custom = environment.filter { $0.key.hasPrefix(prefix) }
      .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
    return LineFormatter(
      style: style,
      words: EventWords(
        paint: paint,
        width: flags.printerWidth,
        tables: isFull ? .full : .compact,
        isQuiet: flags.quiet
      ),
      secrets: secrets,
      invocationID: invocationID,
      processID: ProcessEnvironment.processID,
      customEnvironment: Dictionary(custom) { first, _ in first },
      secondsFromUTC: ProcessEnvironment.secondsFromUTC
    )
  }

  private static func level(_ level: LogLevel) -> EventLevel? {
    switch level {
    case .debug: .debug
    case .info: .info
    case .warn: .warn
    case .error: .error
    case .none: nil
    }
  }
}
