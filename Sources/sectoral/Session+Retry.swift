import SectoralArtifacts
import SectoralCompiler
import SectoralProject
import SectoralRunner
import SectoralText
import SectoralYAML

extension Session {
  /// `retry`: the command of the last run, with its flags, on what did not go well.
  func retry(_ given: [String: RawFlag]) throws(UsageError) -> ExitStatus {
    let start = ProcessEnvironment.now()
    var ownResolver = resolver("retry", given, toleratesMissingDirectories: false)
    let own = try ownResolver.resolve()
    var call = EngineCall(command: .run, words: RetryCommand.words, flags: own)
    do throws(Failure) {
      let earlier = try previousResults(own)
      let which = earlier.arguments["which"]?.string ?? ""
      guard let command = Self.retriable(which, earlier.arguments) else {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "retry.command",
            message: "the last run was '\(which)', which cannot be retried",
            hint: "retry works after build, clone, compile, docs generate, run, run-operation, "
              + "seed, snapshot and test"
          )
        )
      }
      call.command = command
      var flags = Self.flags(of: earlier.arguments)
      for (name, flag) in given { flags[name] = flag }
      do throws(UsageError) {
        var again = resolver(which, flags, toleratesMissingDirectories: false)
        call.flags = try again.resolve()
      } catch {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "retry.flags",
            message: "the flags of the last run cannot be used: \(error.message)",
            hint: "\(earlier.path) has them under 'args'"
          )
        )
      }
      if case .runOperation(let name) = command { call.flags.flags.operationName = name }
      let warningsFail = call.flags.flags.warnError ?? false
      let rows = earlier.rows.filter { row in
        // Hooks run with every command: they are not asked for by name.
        !row.uniqueID.hasPrefix("operation.")
          && (Self.unfinished.contains(row.status) || (warningsFail && row.status == "warn"))
      }
      let batches = rows.compactMap { row -> (String, BatchResults)? in
        guard let batches = BatchResults(row.batches), !batches.successful.isEmpty,
          !batches.failed.isEmpty
        else { return nil }
        return (row.uniqueID, batches)
      }
      call.retried = Retried(
        uniqueIDs: rows.map(\.uniqueID),
        batches: Dictionary(batches, uniquingKeysWith: { first, _ in first }),
        startedAt: earlier.invocationStartedAt.flatMap(Self.moment)
      )
    } catch {
      call.failure = CommandFailure(
        head: error.kind.rawValue,
        diagnostic: error.diagnostics.first
          ?? Diagnostic(id: "retry.failed", message: error.text())
      )
    }
    return run(call, since: start)
  }

  /// Microseconds since 1970 of `2024-01-01T10:00:00.123456Z`.
  private static func moment(_ text: String) -> Int? {
    EventTimeWindow.instant(of: text.hasSuffix("Z") ? text.dropLast() + "+00:00" : text)
  }

  private static let unfinished: Set = [
    "error", "fail", "skipped", "runtime error", "partial success",
  ]

  private func previousResults(_ own: ResolvedFlags) throws(Failure) -> EarlierRunResults {
    let folder =
      own.flags.statePath.map { Paths.join(own.flags.projectDirectory, $0) } ?? own.targetPath
    let journal = "\(folder)/run_results.journal"
    if FileSystem.exists(journal) {
      guard !RunJournal.isWritten(journal) else {
        throw Failure(
          .runtime,
          Diagnostic(
            id: "retry.running",
            message: "the last run has not ended yet",
            hint: "wait for its end, or give each run a folder of its own with --target-path"
          )
        )
      }
      return try EarlierRunResults(journal: journal)
    }
    let path = "\(folder)/run_results.json"
    let root = own.flags.projectDirectory + "/"
    let shown = folder.hasPrefix(root) ? String(folder.dropFirst(root.count)) : folder
    guard FileSystem.exists(path) else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "retry.no-run",
          message: "Could not find previous run in '\(shown)' target directory",
          hint:
            "\(path) is not there: run a command first, or name the folder of its run_results.json with --state"
        )
      )
    }
    return try EarlierRunResults(path: path)
  }

  private static func retriable(_ which: String, _ arguments: DatumMap) -> Command? {
    switch which {
    case "build": .build
    case "clone": .clone
    case "compile": .compile
    case "generate": .docsGenerate
    case "run": .run
    case "seed": .seed
    case "snapshot": .snapshot
    case "test": .test
    case "run-operation": arguments["macro"]?.string.map(Command.runOperation)
    default: nil
    }
  }

  /// Where things are is the retry's own to say, and what it writes to the terminal and the log file; the
  /// rest is as it was.
  private static let ownFlags: Set = [
    "log_path", "profiles_dir", "project_dir", "target_path", "warn_error", "sqlparse", "version",
    "use_colors", "use_colors_file", "debug", "quiet", "log_cache_events", "log_file_max_bytes",
    "log_format", "log_format_file", "log_level", "log_level_file",
  ]

  /// Recorded flags, as if they stood on the command line.
  private static func flags(of arguments: DatumMap) -> [String: RawFlag] {
    var flags: [String: RawFlag] = [:]
    for definition in FlagTable.all where !ownFlags.contains(definition.name) {
      switch arguments[definition.name] {
      case .bool(let bool)?: flags[definition.name] = .bool(bool)
      case .string(let text)?: flags[definition.name] = .text(text)
      case .int(let int)?: flags[definition.name] = .text(String(int))
      case .list(let items)? where !items.isEmpty:
        flags[definition.name] = .texts(items.compactMap(\.string))
      case .map(let map)? where map.values.contains { $0 != .list([]) }:
        flags[definition.name] = .text(JSON.text(of: .map(map)))
      default: continue
      }
    }
    return flags
  }
}
