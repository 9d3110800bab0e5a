import SectoralJinja
import SectoralProject
import SectoralPython
import SectoralText
import SectoralYAML

/// What dbt asks of the configuration of models that are built in batches.
struct MicrobatchRules {
  let workspace: Workspace

  /// Checks all such models, and writes their `begin` as dbt does.
  func check(_ manifest: Manifest, _ failures: inout [Failure]) -> [NamedWarning] {
    let models = manifest.nodes.filter(\.isMicrobatch)
    guard workspace.buildsInBatches else { return models.isEmpty ? [] : [ownStrategy] }
    var warnings: [NamedWarning] = []
    for model in models {
      let count = failures.count
      check(model, &failures)
      guard failures.count == count else { continue }
      let inputs = model.dependsOnNodes
      let hasEventTime = inputs.contains { id in
        (manifest.node(id)?.config ?? manifest.source(id)?.config)?["event_time"]?.string != nil
      }
      if !hasEventTime { warnings.append(unfiltered(model)) }
    }
    // dbt counts whatever has the setting.
    let concurrent = manifest.nodes.filter {
      $0.resourceType != .test && $0.resourceType != .function && $0.isEnabled
        && $0.config["concurrent_batches"] == .bool(true)
    }
    if !concurrent.isEmpty { warnings.append(sequential(concurrent)) }
    return warnings
  }

  private func check(_ model: Node, _ failures: inout [Failure]) {
    func fail(_ id: String, _ rest: String, hint: String) {
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: id,
            message: "Microbatch model '\(model.name)' \(rest)",
            span: model.source ?? model.declaration,
            hint: hint
          )
        )
      )
    }
    let config = model.config
    switch config["event_time"] ?? .null {
    case .string: break
    case .null:
      fail(
        "microbatch.event-time",
        "must provide an 'event_time' (string) config that indicates the name of the event time "
          + "column.",
        hint: "for instance event_time='created_at', a column of the model's own rows"
      )
    case let other:
      fail(
        "microbatch.event-time",
        "must provide an 'event_time' config of type string, but got: \(other.pythonClass).",
        hint: "name a column: event_time='created_at'"
      )
    }
    checkBegin(of: model) { fail("microbatch.begin", $0, hint: $1) }
    if config["batch_size"]?.string.flatMap(BatchSize.init) == nil {
      let names = BatchSize.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      fail(
        "microbatch.batch-size",
        "must provide a 'batch_size' config that is one of [\(names)], but got: "
          + "\((config["batch_size"] ?? .null).pythonString).",
        hint: "for instance batch_size='day'"
      )
    }
    switch config["lookback"] ?? .null {
    case .int, .null: break
    case let other:
      fail(
        "microbatch.lookback",
        "must provide the optional 'lookback' config as type int, but got: \(other.pythonClass)).",
        hint: "it is a number of batches: lookback=1"
      )
    }
    switch config["concurrent_batches"] ?? .null {
    case .bool, .null: break
    case let other:
      fail(
        "microbatch.concurrent-batches",
        "optional 'concurrent_batches' config must be of type `bool` if specified, but got: "
          + "\(other.pythonClass)).",
        hint: "write concurrent_batches=false, or leave it out"
      )
    }
  }

  private func checkBegin(of model: Node, _ fail: (_ rest: String, _ hint: String) -> Void) {
    let hint = "for instance begin='2024-01-01': where the first batch of an empty table starts"
    switch model.config["begin"] ?? .null {
    case .null:
      fail(
        "must provide a 'begin' (datetime) config that indicates the earliest timestamp the "
          + "microbatch model should be built from.",
        hint
      )
    case .date(let text), .string(let text):
      guard let iso = Self.isoText(text) else {
        fail(
          "must provide a 'begin' config of valid datetime (ISO format), but got: \(text).",
          hint
        )
        return
      }
      model.config["begin"] = .date(iso)
    case let other:
      fail(
        "must provide a 'begin' config of type datetime, but got: \(other.pythonClass).",
        hint
      )
    }
  }

  /// `2024-01-01T00:00:00`: a day is its first moment.
  private static func isoText(_ text: String) -> String? {
    let value = Value.isoDate(text)
    if let moment = value.object(DateTimeObject.self) { return try? moment.isoText() }
    return value.object(DateObject.self).map { "\($0.isoText)T00:00:00" }
  }

  private func unfiltered(_ model: Node) -> NamedWarning {
    NamedWarning(
      "MicrobatchModelNoEventTimeInputs",
      Diagnostic(
        id: "microbatch.no-event-time-inputs",
        severity: .warning,
        message: "The microbatch model '\(model.name)' has no 'ref' or 'source' input with an "
          + "'event_time' configuration. \nThis means no filtering can be applied and can result in "
          + "unexpected duplicate records in the resulting microbatch model.",
        span: model.source ?? model.declaration,
        hint: "give the models and sources that it reads the config event_time"
      ),
      details: ["model_name": .string(model.name)]
    )
  }

  private func sequential(_ models: [Node]) -> NamedWarning {
    let plural = models.count == 1 ? "" : "s"
    return NamedWarning(
      "InvalidConcurrentBatchesConfig",
      Diagnostic(
        id: "microbatch.concurrent-batches",
        severity: .warning,
        message: "Found \(models.count) microbatch model\(plural) with the `concurrent_batches` "
          + "config set to true, but the \(workspace.profile.type) adapter does not support running "
          + "batches concurrently. Batches will be run sequentially.",
        span: models[0].source ?? models[0].declaration
      ),
      details: [
        "num_models": .int(models.count), "adapter_type": .string(workspace.profile.type),
      ]
    )
  }

  private var ownStrategy: NamedWarning {
    NamedWarning(
      "MicrobatchMacroOutsideOfBatchesDeprecation",
      Diagnostic(
        id: "microbatch.own-strategy",
        severity: .warning,
        message: "The use of a custom microbatch macro outside of batched execution is deprecated. "
          + "To use it with batched execution, set "
          + "`flags.require_batched_execution_for_custom_microbatch_strategy` to `True` in "
          + "`dbt_project.yml`. In the future this will be the default behavior.",
        span: workspace.macros.find("get_incremental_microbatch_sql")?.macro.span
      )
    )
  }
}

extension Datum {
  /// `<class 'int'>`, as Python names the type of a value.
  fileprivate var pythonClass: String {
    let name =
      switch self {
      case .null: "NoneType"
      case .bool: "bool"
      case .int, .bigInt: "int"
      case .float: "float"
      case .string: "str"
      case .date(let text): text.utf8.count == 10 ? "datetime.date" : "datetime.datetime"
      case .list: "list"
      case .map: "dict"
      }
    return "<class '\(name)'>"
  }
}
