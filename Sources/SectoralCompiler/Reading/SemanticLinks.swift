import SectoralProject
import SectoralText
import SectoralYAML

/// Finds what semantic models, metrics and saved queries are made of.
struct SemanticLinks {
  let references: ReferenceIndex

  /// What dbt says of a semantic layer in older spellings.
  static func deprecations(_ manifest: Manifest, flags: DatumMap) -> [NamedWarning] {
    guard !manifest.metrics.isEmpty, !manifest.semanticModels.isEmpty else { return [] }
    func warning(
      _ name: String,
      _ id: String,
      _ message: String,
      _ place: TextSpan?,
      _ hint: String
    ) -> NamedWarning {
      NamedWarning(
        name,
        Diagnostic(
          id: "semantic." + id,
          severity: .warning,
          message: message,
          span: place,
          hint: hint
        )
      )
    }
    var warnings: [NamedWarning] = []
    let old = manifest.metrics.first { metric in
      let parameters = metric.fields["type_params"]
      return ["window", "grain_to_date"].contains { !(parameters?[$0] ?? .null).isNull }
    }
    if let old, flags["require_nested_cumulative_type_params"]?.bool != true {
      warnings.append(
        warning(
          "MFCumulativeTypeParamsDeprecation",
          "cumulative",
          "`window` and `grain_to_date` of a cumulative metric have moved from `type_params` to "
            + "`type_params.cumulative_type_params`.",
          old.declaration,
          "move them there"
        )
      )
    }
    if flags["require_yaml_configuration_for_mf_time_spines"]?.bool != true,
      let spine = manifest.nodes.first(where: \.isOldTimeSpine),
      !manifest.timeSpines.contains(where: { node in
        let column = node.timeSpine?["standard_granularity_column"]?.string
        return column.flatMap { node.columns[$0]?["granularity"]?.string } == "day"
      })
    {
      warnings.append(
        warning(
          "MFTimespineWithoutYamlConfigurationDeprecation",
          "time-spine",
          "The model '\(spine.name)' is a time spine because of its name alone, which is deprecated.",
          spine.declaration,
          "describe it with 'time_spine:' in a properties file"
        )
      )
    }
    return warnings
  }

  func resolve(_ manifest: inout Manifest, _ failures: inout [Failure]) {
    var measures: [String: [PlainResource]] = [:]
    for model in manifest.semanticModels {
      references.resolve(model, &failures)
      if let id = model.dependsOnNodes.first, let node = manifest.node(id) {
        model.fields["node_relation"] = node.semanticRelation
      }
      for measure in model.fields["measures"]?.list ?? [] {
        measures[measure["name"]?.string ?? "", default: []].append(model)
      }
    }
    let metrics = Dictionary(
      manifest.metrics.map { ($0.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let disabled = manifest.disabledResources
    for metric in manifest.metrics { link(metric, metrics, measures, disabled, &failures) }
    for metric in manifest.metrics {
      var parameters = metric.fields["type_params"]?.map ?? DatumMap()
      var visited: Set<String> = []
      parameters["input_measures"] = .list(inputMeasures(of: metric, metrics, &visited))
      metric.fields["type_params"] = .map(parameters)
    }
    for query in manifest.savedQueries {
      for name in query.fields["query_params"]?["metrics"]?.texts ?? [] {
        guard let metric = metrics[name] else {
          failures.append(missing("metric", name, query, among: Array(metrics.keys)))
          continue
        }
        query.dependsOnNodes.append(metric.uniqueID)
      }
    }
    for exposure in manifest.exposures {
      for names in exposure.fields["metrics"]?.list ?? [] {
        guard let name = names.texts.last, let metric = metrics[name] else {
          failures.append(
            missing("metric", names.texts.last ?? "", exposure, among: Array(metrics.keys))
          )
          continue
        }
        exposure.dependsOnNodes.append(metric.uniqueID)
      }
    }
    for node in manifest.nodes where !node.metrics.isEmpty {
      for names in node.metrics {
        let name = names.last ?? ""
        guard let id = metrics[name]?.uniqueID else {
          failures.append(missingMetric(name, node, disabled, among: Array(metrics.keys)))
          continue
        }
        if !node.dependsOnNodes.contains(id) { node.dependsOnNodes.append(id) }
      }
    }
    checkTimeSpine(manifest, &failures)
    for node in manifest.timeSpines { checkColumns(ofTimeSpine: node, &failures) }
    SemanticRules.check(manifest, &failures)
  }

  private func link(
    _ metric: PlainResource,
    _ metrics: [String: PlainResource],
    _ measures: [String: [PlainResource]],
    _ disabled: [PlainResource],
    _ failures: inout [Failure]
  ) {
    func depend(on id: String) {
      if !metric.dependsOnNodes.contains(id) { metric.dependsOnNodes.append(id) }
    }
    for measure in Self.ownMeasures(of: metric) {
      let name = measure["name"]?.string ?? ""
      guard let models = measures[name] else {
        failures.append(missingMeasure(name, metric, disabled, among: Array(measures.keys)))
        continue
      }
      for model in models { depend(on: model.uniqueID) }
    }
    for input in Self.inputMetrics(of: metric) {
      let name = input["name"]?.string ?? ""
      guard let target = metrics[name] else {
        failures.append(missing("metric", name, metric, among: Array(metrics.keys)))
        continue
      }
      depend(on: target.uniqueID)
    }
  }

  private static func ownMeasures(of metric: PlainResource) -> [Datum] {
    let parameters = metric.fields["type_params"]
    let conversion = parameters?["conversion_type_params"]
    return [
      parameters?["measure"], conversion?["base_measure"], conversion?["conversion_measure"],
    ].compactMap { $0 }.filter { !$0.isNull }
  }

  private static func inputMetrics(of metric: PlainResource) -> [Datum] {
    let parameters = metric.fields["type_params"]
    let pair = [parameters?["numerator"], parameters?["denominator"]].compactMap { $0 }
    return pair.filter { !$0.isNull } + (parameters?["metrics"]?.list ?? [])
  }

  /// The measures below a metric, each once.
  private func inputMeasures(
    of metric: PlainResource,
    _ metrics: [String: PlainResource],
    _ visited: inout Set<String>
  ) -> [Datum] {
    guard visited.insert(metric.uniqueID).inserted else { return [] }
    defer { visited.remove(metric.uniqueID) }
    var found: [Datum] = []
    func add(_ measures: [Datum]) {
      for measure in measures where !found.contains(measure) { found.append(measure) }
    }
    add(Self.ownMeasures(of: metric))
    for input in Self.inputMetrics(of: metric) {
      guard let target = input["name"]?.string.flatMap({ metrics[$0] }) else { continue }
      add(inputMeasures(of: target, metrics, &visited))
    }
    return found
  }

  private func missing(
    _ kind: String,
    _ name: String,
    _ resource: PlainResource,
    among names: [String]
  ) -> Failure {
    Failure(
      .parsing,
      Diagnostic(
        id: "semantic.not-found",
        message: "The \(kind) `\(name)`, which \(resource.resourceType.rawValue) "
          + "`\(resource.name)` refers to, does not exist",
        span: resource.place(of: name, below: "type_params", "query_params", "depends_on"),
        hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
      )
    )
  }

  private func missingMeasure(
    _ name: String,
    _ metric: PlainResource,
    _ disabled: [PlainResource],
    among names: [String]
  ) -> Failure {
    let holder = disabled.first { resource in
      resource.resourceType == .semanticModel
        && (resource.fields["measures"]?.list ?? []).contains { $0["name"]?.string == name }
    }
    return Failure(
      .parsing,
      subject: "metric \(metric.name) (\(metric.originalFilePath))",
      Diagnostic(
        id: "semantic.not-found",
        message: holder.map {
          "The measure `\(name)` is referenced on disabled semantic model `\($0.name)`."
        } ?? "A semantic model having a measure `\(name)` does not exist but was referenced.",
        span: metric.place(of: name, below: "type_params"),
        hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
      )
    )
  }

  private func missingMetric(
    _ name: String,
    _ node: Node,
    _ disabled: [PlainResource],
    among names: [String]
  ) -> Failure {
    let isDisabled = disabled.contains { $0.resourceType == .metric && $0.name == name }
    return Failure(
      .compilation,
      Diagnostic(
        id: "metric.not-found",
        message: "\(node.resourceType.title) '\(node.uniqueID)' (\(node.originalFilePath)) depends "
          + "on a metric named '\(name)' which \(isDisabled ? "is disabled" : "was not found")",
        span: node.source ?? node.declaration,
        hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
      )
    )
  }

  /// The columns that a time spine names are there, and the standard one says how fine it is.
  private func checkColumns(ofTimeSpine node: Node, _ failures: inout [Failure]) {
    func report(_ message: String, _ hint: String) {
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: "semantic.time-spine",
            message: message,
            span: node.declaration,
            hint: hint
          )
        )
      )
    }
    let standard = node.timeSpine?["standard_granularity_column"]?.string ?? ""
    if node.columns[standard] == nil {
      report(
        "Time spine standard granularity column must be defined on the model. Got invalid column "
          + "name '\(standard)' for model '\(node.name)'.",
        "describe the column under 'columns', with its granularity"
      )
    } else if (node.columns[standard]?["granularity"] ?? .null).isNull {
      report(
        "Time spine standard granularity column must have a granularity defined. Please add one for "
          + "column '\(standard)' in model '\(node.name)'.",
        "add granularity: day, or what it is, to the column"
      )
    }
    let custom = (node.timeSpine?["custom_granularities"]?.list ?? []).compactMap { item in
      item["column_name"]?.string ?? item["name"]?.string
    }
    let missing = custom.filter { node.columns[$0] == nil }
    if !missing.isEmpty {
      report(
        "Time spine custom granularity columns do not exist in the model. Columns not found: "
          + missing.joined(separator: ", "),
        "describe them under 'columns'"
      )
    }
  }

  private func checkTimeSpine(_ manifest: Manifest, _ failures: inout [Failure]) {
    guard let model = manifest.semanticModels.first, manifest.timeSpines.isEmpty,
      !manifest.nodes.contains(where: { $0.isOldTimeSpine })
    else { return }
    failures.append(
      Failure(
        .parsing,
        Diagnostic(
          id: "semantic.no-time-spine",
          message:
            "The semantic layer requires a time spine model with granularity DAY or smaller in "
            + "the project, but none was found.",
          span: model.declaration,
          hint: "make a model of days, and describe it with "
            + "'time_spine: {standard_granularity_column: …}'"
        )
      )
    )
  }
}
