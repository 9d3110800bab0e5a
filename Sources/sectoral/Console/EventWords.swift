import SectoralRunner
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// Puts events into words: the one place that does.
struct EventWords: Sendable {
  var paint: Paint
  /// Of the dotted lines.
  var width: Int
  var tables: TablePrinter
  /// `--quiet`: what was asked for is printed without a title.
  var isQuiet: Bool

  init(
    paint: Paint = .none,
    width: Int = 80,
    tables: TablePrinter = .compact,
    isQuiet: Bool = false
  ) {
    self.paint = paint
    self.width = width
    self.tables = tables
    self.isQuiet = isQuiet
  }

  /// The text of an event, without time; it may hold several lines.
  func text(of event: Event) -> String {
    switch event.message {
    case .mainReportVersion(let version): "Running with dbt=\(version)"
    case .mainReportArgs(let arguments):
      "running sectoral with arguments {\(arguments.map(Self.argument).joined(separator: ", "))}"
    case .adapterRegistered(let name, let version): "Registered adapter: \(name)=\(version)"
    case .foundStats(let counts):
      "Found " + Self.list(counts)
    case .concurrencyLine(let threads, let target, _):
      "Concurrency: \(threads) threads (target='\(target)')"
    case .formatting: ""
    case .note(let text), .output(let text), .debugCmdOut(let text), .debugCmdResult(let text):
      text
    case .debugCmdCheck(let subject, let verdict, let isOK, let after):
      "\(subject) [\(paint(verdict, isOK ? .green : .red))]\(after)"
    case .mainEncounteredError(let failures): encountered(failures)
    case .mainKeyboardInterrupt: "ctrl-c"
    case .commandCompleted(let command, let success, let elapsed):
      "Command `sectoral \(command)` \(success ? "succeeded" : "failed") at "
        + "\(event.timestamp.timeWithMicroseconds) after "
        + "\(TextLayout.fixed(elapsed, digits: 2)) seconds"
    case .artifactWritten(let type, let path): "Wrote artifact \(type) to \(path)"
    case .parsePerfInfoPath(let path): "Performance info: \(path)"
    case .nodeStart(let node): "Began running node \(node.uniqueID)"
    case .nodeCompiling(let node): "Began compiling node \(node.uniqueID)"
    case .writingInjectedSQL(let node): "Writing injected SQL for node \"\(node.uniqueID)\""
    case .nodeExecuting(let node): "Began executing node \(node.uniqueID)"
    case .nodeFinished(let result): "Finished running node \(result.node.uniqueID)"
    case .logStartLine(let node, let position):
      line("START \(Self.description(of: node))", position, "RUN")
    case .logNodeResult(let result, let position): resultLine(result, position)
    case .skippingDetails(let result, let position): skipLine(result, position)
    case .logStartBatch(let node, let batch, let position):
      "Batch " + line("START \(Self.description(of: batch, node))", position, "RUN")
    case .logBatchResult(let result, let batch, let position):
      batchLine(result, batch, position)
    case .batchFailed(let result, let batch):
      withDetails("Batch \(batch): \(Self.told(result))", result.diagnostics)
    case .logHookStartLine(let node, let position):
      line(clippedHook("START hook: \(node.label ?? node.name)"), position, "RUN")
    case .logHookEndLine(let result, let position): hookLine(result, position)
    case .logCancelLine(let name):
      "\(TextLayout.dotted("CANCEL query \(name)", width: width)) [\(paint("CANCEL", .red))]"
    case .markSkippedChildren(let result):
      "Marking all children of '\(result.uniqueID)' to be skipped because of status "
        + "'\(result.status.rawValue)'." + (result.message.map { "  Reason: \($0)." } ?? "")
    case .nodeFailed(let result): result.message ?? ""
    case .endRunResult: "Command end result"
    case .finishedRunningStats(let counts, let elapsed): finished(counts, elapsed)
    case .endOfRunSummary(let errors, let partial, let warnings, let interrupted):
      verdict(errors: errors, partial: partial, warnings: warnings, interrupted: interrupted)
    case .runResultFailure(let result): paint("Failure in \(Self.whereabouts(result.node))", .red)
    case .runResultWarning(let result):
      paint("Warning in \(Self.whereabouts(result.node))", .yellow)
    case .runResultError(let result): "  " + withDetails(Self.told(result), result.diagnostics)
    case .runResultErrorNoMessage(let result): "  Status: \(result.status.rawValue)"
    case .runResultWarningMessage(let result): result.message ?? ""
    case .sqlCompiledPath(_, let path): "  compiled code at \(path)"
    case .checkNodeTestFailure(_, let relation): boxed("select * from \(relation)")
    case .statsLine(let stats):
      "Done. PASS=\(stats.pass) WARN=\(stats.warn) ERROR=\(stats.error) SKIP=\(stats.skip) "
        + "NO-OP=\(stats.noOp) TOTAL=\(stats.total)"
    case .compiledNode(let name, let sql, let format, _): compiled(name, sql, format)
    case .showNode(let preview): rows(preview)
    case .seedHeader(let relation): Self.seedHeader(relation)
    case .seedRule(let relation): Self.seedRule(relation)
    case .seedSample(let table): Self.withoutLastLineEnd(rows(table))
    case .listCmdOut(let text), .printEvent(let text): text
    case .buildingCatalog: "Building catalog"
    case .checkCleanPath(let path): "Checking \(path)/*"
    case .confirmCleanPath(let path): "Cleaned \(path)/*"
    case .protectedCleanPath(let path): "ERROR: not cleaning \(path)/* because it is protected"
    case .finishedCleanPaths: "Finished cleaning all paths."
    case .jinjaLogInfo(let text), .jinjaLogDebug(let text): text
    case .newConnection(let type, let name): "Acquiring new \(type) connection '\(name)'"
    case .connectionReused(let former, let name):
      "Re-using an available connection from the pool (formerly \(former), now \(name))"
    case .newConnectionOpening(let state):
      "Opening a new connection, currently in state \(state)"
    case .connectionUsed(let type, let name): "Using \(type) connection \"\(name)\""
    case .connectionClosed(let name): "On \(name): Close"
    case .connectionClosedInCleanup(let name): "Connection '\(name)' was properly closed."
    case .sqlQuery(let name, let sql): "On \(name): \(sql)"
    case .sqlQueryStatus(let status, let elapsed):
      "SQL status: \(status) in \(TextLayout.fixed(elapsed, digits: 3)) seconds"
    case .sqlCommit(let name): "On \(name): COMMIT"
    case .rollback(let name): "On \(name): ROLLBACK"
    case .warning(let name, let diagnostic): warning(name, diagnostic)
    case .deprecation(let name, let diagnostic): deprecation(name, diagnostic)
    case .deprecationsSummary(let counts, let isWhole): deprecations(counts, isWhole: isWhole)
    case .other(_, let text, _): text
    }
  }

  // MARK: Lines of nodes

  /// `3 of 15 {text} ........ [{status}]`
  private func line(
    _ text: String,
    _ position: Position,
    _ status: String,
    in seconds: Double? = nil,
    _ color: Paint.Color? = nil
  ) -> String {
    let shown = color.map { paint(status, $0) } ?? status
    let time = seconds.map { " in \(TextLayout.fixed($0, digits: 2))s" } ?? ""
    let dots = TextLayout.dotted("\(position.index) of \(position.total) \(text)", width: width)
    return "\(dots) [\(shown)\(time)]"
  }

  private func resultLine(_ result: NodeResult, _ position: Position) -> String {
    let node = result.node
    let time = result.executionTime
    if result.status == .noOp {
      let kind = node.resourceType.split(separator: "_").joined(separator: " ")
      return line("NO-OP \(kind) \(node.name)", position, "NO-OP", in: time, .yellow)
    }
    switch node.resourceType {
    case "test", "unit_test": return testLine(result, position)
    case "source": return freshnessLine(result, position)
    default: break
    }
    let verbs: (done: String, doing: String)
    let subject: String
    switch node.resourceType {
    case "seed": (verbs, subject) = (("loaded", "loading"), Self.description(of: node))
    case "snapshot": (verbs, subject) = (("snapshotted", "snapshotting"), Self.relation(of: node))
    default: (verbs, subject) = (("created", "creating"), Self.description(of: node))
    }
    switch result.status {
    case .error, .fail, .runtimeError:
      return line("ERROR \(verbs.doing) \(subject)", position, "ERROR", in: time, .red)
    case .partialSuccess:
      let status = (result.message ?? "PARTIAL SUCCESS").uppercased()
      return line("PARTIALLY \(verbs.done) \(subject)", position, status, in: time, .yellow)
    default:
      let status = node.resourceType == "function" ? "SUCCESS" : result.message ?? "OK"
      return line("OK \(verbs.done) \(subject)", position, status, in: time, .green)
    }
  }

  private func batchLine(_ result: NodeResult, _ batch: String, _ position: Position) -> String {
    let subject = Self.description(of: batch, result.node)
    let (words, status, color): (String, String, Paint.Color) =
      switch result.status {
      case .error, .fail, .runtimeError: ("ERROR creating", "ERROR", .red)
      case .skipped: ("SKIP", "SKIPPED", .yellow)
      default: ("OK created", result.message ?? "OK", .green)
      }
    return "Batch "
      + line("\(words) \(subject)", position, status, in: result.executionTime, color)
  }

  private func testLine(_ result: NodeResult, _ position: Position) -> String {
    let name = result.node.label ?? result.node.name
    let failures = result.failures ?? 0
    let (status, color): (String, Paint.Color) =
      switch result.status {
      case .fail: ("FAIL \(failures)", .red)
      case .warn: ("WARN \(failures)", .yellow)
      case .error, .runtimeError: ("ERROR", .red)
      default: ("PASS", .green)
      }
    return line("\(status) \(name)", position, status, in: result.executionTime, color)
  }

  private func freshnessLine(_ result: NodeResult, _ position: Position) -> String {
    let (status, color): (String, Paint.Color) =
      switch result.status {
      case .warn: ("WARN", .yellow)
      case .error: ("ERROR STALE", .red)
      case .runtimeError: ("ERROR", .red)
      default: ("PASS", .green)
      }
    let text = "\(status) \(Self.description(of: result.node))"
    return line(text, position, status, in: result.executionTime, color)
  }

  private func skipLine(_ result: NodeResult, _ position: Position) -> String {
    let node = result.node
    let relation = "relation \(node.schema).\(node.name)"
    let subject =
      switch node.resourceType {
      case "model", "seed", "snapshot": relation
      default: "\(node.resourceType) \(node.name)"
      }
    if let status = result.ephemeralStatus {
      // As dbt, of tests too.
      let text = "SKIP \(relation) due to ephemeral model status '\(status.rawValue)'"
      return line(text, position, "ERROR SKIP", .red)
    }
    return line("SKIP \(subject)", position, "SKIP", .yellow)
  }

  private func hookLine(_ result: NodeResult, _ position: Position) -> String {
    let (word, color): (String, Paint.Color) =
      switch result.status {
      case .skipped: ("SKIP", .yellow)
      case .success, .pass: ("OK", .green)
      default: ("ERROR", .red)
      }
    let text = clippedHook("\(word) hook: \(result.node.label ?? result.node.name)")
    return line(text, position, word, in: result.executionTime, color)
  }

  /// Hooks are named by their statement in older projects: never more than a line.
  private func clippedHook(_ text: String) -> String {
    let limit = max(10, width - 3)
    guard text.unicodeScalars.count > limit else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))) + "..."
  }

  /// `sql view model dev.orders`, `seed file dev.people`, `test not_null_orders_id`.
  static func description(of node: NodeInfo) -> String {
    switch node.resourceType {
    case "model":
      "\(node.language) \(node.isBatched ? "microbatch" : node.materialized) model "
        + relation(of: node)
    case "seed": "seed file \(relation(of: node))"
    case "snapshot": "snapshot \(relation(of: node))"
    case "function": "function \(relation(of: node))"
    case "source": "freshness of \(node.label ?? node.name)"
    default: "\(node.resourceType) \(node.label ?? node.name)"
    }
  }

  /// `batch 2024-01-01 of dev.events`
  static func description(of batch: String, _ node: NodeInfo) -> String {
    "batch \(batch) of \(relation(of: node))"
  }

  static func relation(of node: NodeInfo) -> String {
    let name = "\(node.schema).\(node.alias)"
    return node.showsDatabase ? "\(node.database).\(name)" : name
  }

  private static func whereabouts(_ node: NodeInfo) -> String {
    "\(node.resourceType) \(node.name) (\(node.originalFilePath))"
  }

  // MARK: The start and the end

  private static func argument(_ argument: (name: String, value: Datum)) -> String {
    let value: String =
      switch argument.value {
      case .string(let text): text
      case .bool(let bool): bool ? "True" : "False"
      case .null: "None"
      default: JSON.text(of: argument.value)
      }
    return "'\(argument.name)': '\(value)'"
  }

  /// `3 models`, `1 analysis`, `2 semantic models`.
  private static func counted(_ count: ResourceCount) -> String {
    let singular = count.kind.split(separator: "_").joined(separator: " ")
    let plural: String? =
      if singular == "analysis" {
        "analyses"
      } else if singular.hasSuffix("y") {
        singular.dropLast() + "ies"
      } else {
        nil
      }
    return TextLayout.plural(count.count, singular, plural)
  }

  /// `3 models, 1 seed, 2 data tests`.
  static func list(_ counts: [ResourceCount]) -> String {
    counts.map { count in
      count.kind == "test"
        ? TextLayout.plural(count.count, "test", "data tests") : counted(count)
    }.joined(separator: ", ")
  }

  private func finished(_ counts: [ResourceCount], _ elapsed: Double) -> String {
    "Finished running \(Self.list(counts))"
      + Self.duration(elapsed) + " (\(TextLayout.fixed(elapsed, digits: 2))s)."
  }

  /// ` in 0 hours 1 minutes and 2.50 seconds`, as dbt words it.
  static func duration(_ elapsed: Double) -> String {
    let minutes = Int(elapsed / 60)
    let seconds = TextLayout.fixed(elapsed - Double(minutes * 60), digits: 2)
    return " in \(minutes / 60) hours \(minutes % 60) minutes and \(seconds) seconds"
  }

  private func verdict(errors: Int, partial: Int, warnings: Int, interrupted: Bool) -> String {
    if interrupted { return paint("Exited because of keyboard interrupt", .yellow) }
    let warned = TextLayout.plural(warnings, "warning")
    let parted = TextLayout.plural(partial, "partial success", "partial successes")
    if errors > 0 {
      let failed = TextLayout.plural(errors, "error")
      return paint("Completed with \(failed), \(parted), and \(warned):", .red)
    }
    if partial > 0 { return paint("Completed with \(parted) and \(warned)", .yellow) }
    if warnings > 0 { return paint("Completed with \(warned):", .yellow) }
    return paint("Completed successfully", .green)
  }

  private func boxed(_ sql: String) -> String {
    let rule = "  " + String(repeating: "-", count: sql.unicodeScalars.count)
    return "  See test failures:\n\(rule)\n  \(sql)\n\(rule)"
  }

  // MARK: Errors and warnings

  private func encountered(_ failures: [CommandFailure]) -> String {
    // The head line is dbt's, however many there are: tools that read the output look for it.
    let sum = failures.count > 1 ? "\n\n\(failures.count) errors in all" : ""
    return "Encountered an error:\n" + blocks(failures) + sum
  }

  /// Each error below its head line.
  func blocks(_ failures: [CommandFailure]) -> String {
    failures.map { failure in
      let text = withDetails(failure.diagnostic.message, [failure.diagnostic], indent: 0)
      return failure.head.map { "\($0)\n\(TextLayout.indented(text))" } ?? text
    }.joined(separator: "\n\n")
  }

  private func warning(_ name: String, _ diagnostic: Diagnostic) -> String {
    let text = withDetails(diagnostic.message, [diagnostic])
    return EventCatalog.isPlain(name) ? text : "[\(paint("WARNING", .yellow))]: \(text)"
  }

  private func deprecation(_ name: String, _ diagnostic: Diagnostic) -> String {
    let title = deprecationTitle(name)
    // As dbt, which lets this one run on.
    let isWrapped = name != "ProjectFlagsMovedDeprecation"
    let message = diagnostic.message
    let text = isWrapped ? TextLayout.wrapped(message, width: width) : message
    return "\(title)\n\(withDetails(text, [diagnostic]))"
  }

  private func deprecations(_ counts: [(name: String, count: Int)], isWhole: Bool) -> String {
    let list = counts.map { name, count in
      "- \(name): \(TextLayout.plural(count, "occurrence"))"
    }
    let advice =
      "To see every occurrence instead of the first of each, run the command again with "
      + "`--show-all-deprecations`."
    return deprecationTitle("DeprecationsSummary") + "\nSummary of encountered deprecations:\n"
      + list.joined(separator: "\n")
      + (isWhole ? "" : "\n" + TextLayout.wrapped(advice, width: width))
  }

  /// Wrapped as plain text, coloured afterwards.
  private func deprecationTitle(_ name: String) -> String {
    let title = TextLayout.wrapped("[WARNING][\(name)]: Deprecated functionality", width: width)
    return "[\(paint("WARNING", .yellow))]" + title.dropFirst("[WARNING]".count)
  }

  /// The message without the macros on its way, which the places name.
  private static func told(_ result: NodeResult) -> String {
    let message = result.message ?? ""
    return message.hasSuffix(result.calls) ? String(message.dropLast(result.calls.count)) : message
  }

  /// The text, and below it the place and the hint of each diagnostic.
  private func withDetails(
    _ text: String,
    _ diagnostics: [Diagnostic],
    indent: Int = 2
  ) -> String {
    let formatter = DiagnosticFormatter(colors: paint.isOn)
    var out = text
    for diagnostic in diagnostics {
      let details = formatter.details(of: diagnostic)
      if !details.isEmpty { out += "\n" + TextLayout.indented(details, by: indent) }
    }
    return out
  }

  // MARK: What commands print

  private func compiled(_ name: String?, _ sql: String, _ format: PrintFormat) -> String {
    switch format {
    case .text:
      if isQuiet { return sql }
      return name.map { "Compiled node '\($0)' is:\n\(sql)" } ?? "Compiled inline node is:\n\(sql)"
    case .json:
      var object = DatumMap()
      if let name { object["node"] = .string(name) }
      object["compiled"] = .string(sql)
      return JSONText.encode(.map(object))
    }
  }

  static func seedHeader(_ relation: String) -> String { "Random sample of table: \(relation)" }

  static func seedRule(_ relation: String) -> String {
    String(repeating: "-", count: seedHeader(relation).unicodeScalars.count)
  }

  func rows(_ table: ResultTable) -> String { tables.print(table) }

  private static func withoutLastLineEnd(_ text: String) -> String {
    text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// The rows of `show` alone, without a word about them.
  func preview(_ preview: Preview) -> String {
    preview.format == .json ? JSON.text(of: rowsDatum(preview.table)) : rows(preview.table)
  }

  /// The rows of `show`, in the format that was asked for.
  func rows(_ preview: Preview) -> String {
    if preview.format == .json { return rowsJSON(preview) }
    if isQuiet { return tables.print(preview.table) }
    let title = preview.nodeName.map { "Previewing node '\($0)':" } ?? "Previewing inline node:"
    return "\(title)\n\(tables.print(preview.table))"
  }

  private func rowsDatum(_ table: ResultTable) -> Datum {
    .list(
      table.rows.map { row in
        Datum.map(
          DatumMap(
            zip(table.columns, row).map { (key: $0.name, value: TableCell.datum($1, $0.kind)) }
          )
        )
      }
    )
  }

  private func rowsJSON(_ preview: Preview) -> String {
    var object = DatumMap()
    if let name = preview.nodeName { object["node"] = .string(name) }
    object["show"] = rowsDatum(preview.table)
    return JSONText.encode(.map(object))
  }
}
