import SectoralProject
import SectoralRunner
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// The `data` of an event in JSON logs, under dbt's field names.
enum EventData {
  static func data(of event: Event, words: EventWords) -> DatumMap {
    var data = fields(of: event.message, isQuiet: words.isQuiet)
    switch event.message {
    case .mainEncounteredError(let failures):
      data["exc"] = .string(words.blocks(failures))
    case .commandCompleted: data["completed_at"] = .string(event.timestamp.iso8601)
    case .endRunResult: data["generated_at"] = .string(event.timestamp.iso8601)
    case .showNode(let preview): data["preview"] = .string(words.preview(preview))
    case .seedSample(let table): data["msg"] = .string(words.rows(table))
    default: break
    }
    if let group = group(in: event.message) { data["group"] = .map(group) }
    for (key, value) in event.details.entries { data[key] = value }
    if let node = event.node { data["node_info"] = .map(nodeInfo(node)) }
    return data
  }

  /// Of the node whose result an event tells.
  private static func group(in message: EventMessage) -> DatumMap? {
    switch message {
    case .logNodeResult(let result, _), .skippingDetails(let result, _),
      .runResultFailure(let result), .runResultWarning(let result), .runResultError(let result),
      .runResultWarningMessage(let result):
      result.node.group
    default: nil
    }
  }

  private static func fields(of message: EventMessage, isQuiet: Bool) -> DatumMap {
    switch message {
    case .mainReportVersion(let version):
      return ["version": .string("=\(version)"), "log_version": .int(3)]
    case .mainReportArgs(let arguments):
      let texts = arguments.map { (key: $0.name, value: Datum.string(text($0.value))) }
      return ["args": .map(DatumMap(texts))]
    case .adapterRegistered(let name, let version):
      return ["adapter_name": .string(name), "adapter_version": .string("=\(version)")]
    case .foundStats(let counts): return ["stat_line": .string(EventWords.list(counts))]
    case .concurrencyLine(let threads, let target, let nodes):
      return [
        "num_threads": .int(threads), "target_name": .string(target), "node_count": .int(nodes),
      ]
    case .formatting: return ["msg": .string("")]
    case .debugCmdCheck(let subject, let verdict, _, let after):
      return ["msg": .string("\(subject) [\(verdict)]\(after)")]
    case .note(let text), .output(let text), .debugCmdOut(let text), .listCmdOut(let text),
      .debugCmdResult(let text),
      .jinjaLogInfo(let text), .jinjaLogDebug(let text),
      .printEvent(let text):
      return ["msg": .string(text)]
    case .mainEncounteredError(let failures):
      // Beyond dbt's `exc`: each error with its place, for tools that point at it.
      return ["errors": .list(failures.map { .map(diagnosticFields($0.diagnostic)) })]
    case .mainKeyboardInterrupt: return [:]
    case .commandCompleted(let command, let success, let elapsed):
      return [
        "command": .string("sectoral \(command)"), "success": .bool(success),
        "elapsed": .float(elapsed),
      ]
    case .artifactWritten(let type, let path):
      return ["artifact_type": .string(type), "artifact_path": .string(path)]
    case .parsePerfInfoPath(let path), .checkCleanPath(let path), .confirmCleanPath(let path),
      .protectedCleanPath(let path):
      return ["path": .string(path)]
    case .nodeStart, .nodeCompiling, .nodeExecuting, .writingInjectedSQL: return [:]
    case .nodeFinished(let result): return ["run_result": .map(runResult(result))]
    case .logStartLine(let node, let position):
      return numbered(["description": .string(EventWords.description(of: node))], position)
    case .logNodeResult(let result, let position): return resultLine(result, position)
    case .skippingDetails(let result, let position):
      if let status = result.ephemeralStatus {
        return numbered(
          [
            "relation": .string(result.node.name), "schema": .string(result.node.schema),
            "status": .string(status.rawValue),
          ],
          position
        )
      }
      return numbered(
        [
          "node_name": .string(result.node.name), "schema": .string(result.node.schema),
          "resource_type": .string(result.node.resourceType),
        ],
        position
      )
    case .logStartBatch(let node, let batch, let position):
      return [
        "description": .string(EventWords.description(of: batch, node)),
        "batch_index": .int(position.index), "total_batches": .int(position.total),
      ]
    case .logBatchResult(let result, let batch, let position):
      return [
        "description": .string(EventWords.description(of: batch, result.node)),
        "status": .string(
          result.status.isFailure ? result.status.rawValue : result.message ?? ""
        ), "execution_time": .float(result.executionTime),
        "batch_index": .int(position.index), "total_batches": .int(position.total),
      ]
    case .batchFailed(let result, _):
      return ["unique_id": .string(result.uniqueID), "exc": .string(result.message ?? "")]
    case .logHookStartLine(let node, let position):
      return numbered(["statement": .string(node.label ?? node.name)], position)
    case .logHookEndLine(let result, let position):
      return numbered(
        [
          "statement": .string(result.node.label ?? result.node.name),
          "status": .string(result.status.rawValue),
          "execution_time": .float(result.executionTime),
        ],
        position
      )
    case .logCancelLine(let name): return ["conn_name": .string(name)]
    case .markSkippedChildren(let result):
      return [
        "unique_id": .string(result.uniqueID), "status": .string(result.status.rawValue),
        "run_result": .map(runResult(result)),
      ]
    case .nodeFailed(let result):
      return ["exc": .string(result.message ?? ""), "exc_info": .string("")]
    case .endRunResult(let results, let success, let elapsed):
      return [
        "results": .list(results.map { .map(runResult($0)) }), "success": .bool(success),
        "elapsed_time": .float(elapsed),
      ]
    case .finishedRunningStats(let counts, let elapsed):
      return [
        "stat_line": .string(EventWords.list(counts)),
        "execution": .string(EventWords.duration(elapsed)), "execution_time": .float(elapsed),
      ]
    case .endOfRunSummary(let errors, let partial, let warnings, let interrupted):
      return [
        "num_errors": .int(errors), "num_partial_success": .int(partial),
        "num_warnings": .int(warnings), "keyboard_interrupt": .bool(interrupted),
      ]
    case .runResultFailure(let result), .runResultWarning(let result):
      return [
        "node_name": .string(result.node.name), "path": .string(result.node.originalFilePath),
        "resource_type": .string(result.node.resourceType),
      ]
    case .runResultError(let result), .runResultWarningMessage(let result):
      return ["msg": .string(result.message ?? "")]
    case .runResultErrorNoMessage(let result): return ["status": .string(result.status.rawValue)]
    case .sqlCompiledPath(_, let path): return ["path": .string(path)]
    case .checkNodeTestFailure(_, let relation): return ["relation_name": .string(relation)]
    case .statsLine(let stats):
      return [
        "stats": .map([
          "error": .int(stats.error), "noop": .int(stats.noOp), "pass": .int(stats.pass),
          "skip": .int(stats.skip), "total": .int(stats.total), "warn": .int(stats.warn),
        ])
      ]
    case .compiledNode(let name, let sql, let format, let uniqueID):
      return [
        "node_name": .string(name ?? inlineName(uniqueID)), "compiled": .string(sql),
        "is_inline": .bool(name == nil), "output_format": .string(format.rawValue),
        "unique_id": .string(uniqueID), "quiet": .bool(isQuiet),
      ]
    case .showNode(let preview):
      return [
        "node_name": .string(preview.nodeName ?? inlineName(preview.uniqueID)),
        "is_inline": .bool(preview.nodeName == nil), "unique_id": .string(preview.uniqueID),
        "output_format": .string(preview.format.rawValue), "quiet": .bool(isQuiet),
      ]
    case .seedHeader(let relation): return ["header": .string(EventWords.seedHeader(relation))]
    case .seedRule(let relation): return ["msg": .string(EventWords.seedRule(relation))]
    case .seedSample: return [:]
    case .buildingCatalog, .finishedCleanPaths: return [:]
    case .newConnection(let type, let name), .connectionUsed(let type, let name):
      return ["conn_type": .string(type), "conn_name": .string(name)]
    case .connectionReused(let former, let name):
      return ["orig_conn_name": .string(former), "conn_name": .string(name)]
    case .newConnectionOpening(let state): return ["connection_state": .string(state)]
    case .connectionClosed(let name), .connectionClosedInCleanup(let name), .sqlCommit(let name),
      .rollback(let name):
      return ["conn_name": .string(name)]
    case .sqlQuery(let name, let sql): return ["conn_name": .string(name), "sql": .string(sql)]
    case .sqlQueryStatus(let status, let elapsed):
      return ["status": .string(status), "elapsed": .float(elapsed), "query_id": .string("")]
    case .warning(_, let diagnostic), .deprecation(_, let diagnostic):
      return diagnosticFields(diagnostic)
    case .deprecationsSummary(let counts, let isWhole):
      let summaries = counts.map { name, count in
        Datum.map([
          "event_name": .string(name), "occurrences": .int(count),
          "event_code": .string(EventCatalog.entry(named: name)?.code ?? ""),
        ])
      }
      return ["summaries": .list(summaries), "show_all_hint": .bool(!isWhole)]
    case .other(_, _, let data): return data
    }
  }

  /// `inline_query`
  private static func inlineName(_ uniqueID: String) -> String {
    uniqueID.split(separator: ".").last.map(String.init) ?? ""
  }

  private static func numbered(_ data: DatumMap, _ position: Position) -> DatumMap {
    var data = data
    data["index"] = .int(position.index)
    data["total"] = .int(position.total)
    return data
  }

  private static func resultLine(_ result: NodeResult, _ position: Position) -> DatumMap {
    let node = result.node
    let time = Datum.float(result.executionTime)
    let status = Datum.string(result.status.rawValue)
    // Models carry the adapter's words as their status, unless they failed; functions do not.
    let spoken =
      switch result.status {
      case .noOp: Datum.string("")
      case _ where result.status.isFailure || node.resourceType == "function": status
      default: Datum.string(result.message ?? "")
      }
    switch node.resourceType {
    case "source":
      // `raw.orders`
      let source = node.label?.dropLast(node.name.count + 1) ?? ""
      return numbered(
        [
          "status": status, "source_name": .string(String(source)),
          "table_name": .string(node.name), "execution_time": time,
        ],
        position
      )
    case "test", "unit_test":
      return [
        "name": .string(node.label ?? node.name), "status": status, "index": .int(position.index),
        "num_models": .int(position.total), "execution_time": time,
        "num_failures": .int(result.failures ?? 0),
        "attached_node": .string(node.attachedNode ?? ""),
      ]
    case "seed":
      return numbered(
        [
          "status": status, "result_message": .string(result.message ?? ""),
          "schema": .string(node.schema), "relation": .string(node.alias), "execution_time": time,
        ],
        position
      )
    case "snapshot":
      let settings = withoutNulls(node.snapshotConfig).entries
      return numbered(
        [
          "description": .string(EventWords.relation(of: node)), "status": status,
          "result_message": .string(result.message ?? ""), "execution_time": time,
          "cfg": .map(DatumMap(settings.map { ($0.key, .string($0.value.pythonString)) })),
        ],
        position
      )
    default:
      return numbered(
        [
          "description": .string(EventWords.description(of: node)), "status": spoken,
          "execution_time": time,
        ],
        position
      )
    }
  }

  /// As dbt's: settings without a value are left out, at any depth.
  private static func withoutNulls(_ settings: DatumMap) -> DatumMap {
    func reduced(_ value: Datum) -> Datum {
      switch value {
      case .map(let map): .map(withoutNulls(map))
      case .list(let list): .list(list.map(reduced))
      default: value
      }
    }
    let set = settings.entries.filter { !$0.value.isNull }
    return DatumMap(set.map { (key: $0.key, value: reduced($0.value)) })
  }

  private static func runResult(_ result: NodeResult) -> DatumMap {
    let timing = result.timing.map { timing in
      Datum.map([
        "name": .string(timing.name.rawValue), "started_at": .string(timing.startedAt.iso8601),
        "completed_at": .string(timing.completedAt.iso8601),
      ])
    }
    var response = DatumMap()
    if let adapter = result.adapterResponse {
      response = [
        "_message": .string(adapter.message), "code": .string(adapter.code),
        // A number without a type of its own, so a float, as in dbt's.
        "rows_affected": .float(Double(adapter.rowsAffected)),
      ]
      if adapter.showsNoQueryID { response["query_id"] = .null }
    }
    return [
      "status": .string(result.status.rawValue), "message": .string(result.message ?? ""),
      "timing_info": .list(timing), "thread": .string(result.threadID),
      "execution_time": .float(result.executionTime), "adapter_response": .map(response),
      "num_failures": .int(result.failures ?? 0),
    ]
  }

  static func nodeInfo(_ node: NodeInfo) -> DatumMap {
    let status =
      switch node.phase {
      case .none: "None"
      case .started: "started"
      case .compiling: "compiling"
      case .executing: "executing"
      case .finished(let status): status.rawValue
      }
    return [
      "materialized": .string(node.materialized), "meta": .map(node.meta),
      "node_checksum": .string(node.checksum),
      "node_finished_at": .string(node.finishedAt?.isoWithoutZone ?? ""),
      "node_name": .string(node.name), "node_path": .string(node.path),
      "node_relation": .map([
        "alias": .string(node.alias), "database": .string(node.database),
        "relation_name": .string(node.relationName ?? ""), "schema": .string(node.schema),
      ]),
      "node_started_at": .string(node.startedAt?.isoWithoutZone ?? ""),
      "node_status": .string(status), "resource_type": .string(node.resourceType),
      "unique_id": .string(node.uniqueID),
    ]
  }

  /// The message, and where it is about: the place is ours, dbt's logs have none.
  private static func diagnosticFields(_ diagnostic: Diagnostic) -> DatumMap {
    var data: DatumMap = ["msg": .string(diagnostic.message), "id": .string(diagnostic.id)]
    if let hint = diagnostic.hint { data["hint"] = .string(hint) }
    if let span = diagnostic.span {
      let (line, column) = span.position
      data["file"] = .string(span.file.path)
      data["line"] = .int(line)
      data["column"] = .int(column)
    }
    return data
  }

  private static func text(_ value: Datum) -> String {
    switch value {
    case .string(let text): text
    case .bool(let bool): bool ? "True" : "False"
    default: JSON.text(of: value)
    }
  }
}
