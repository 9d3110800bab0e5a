import SectoralProject
import SectoralText
import SectoralYAML

/// Reads semantic models, metrics and saved queries: the semantic layer, which is validated and
/// written to the manifests, not run.
struct SemanticReader {
  let workspace: Workspace
  let descriptions: DescriptionRenderer
  let createdAt: Double

  func read(
    _ files: [PropertiesFile],
    into manifest: inout Manifest,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) {
    var created: [PlainResource] = []
    for file in files {
      for (name, entry) in file.entries("semantic_models") {
        if Self.isOfOldSpec(entry, in: "semantic_models") {
          warnings.append(oldSpelling("semantic model", name, entry))
          continue
        }
        keep(in: \.semanticModels, &manifest, &failures) { () throws(Failure) in
          let (model, metrics) = try semanticModel(name, entry, file)
          if model.isEnabled { created += metrics }
          return model
        }
      }
      for (name, entry) in file.entries("metrics") {
        if Self.isOfOldSpec(entry, in: "metrics") {
          warnings.append(oldSpelling("metric", name, entry))
          continue
        }
        keep(in: \.metrics, &manifest, &failures) { () throws(Failure) in
          try metric(name, entry, file)
        }
      }
      for (name, entry) in file.entries("saved_queries") {
        keep(in: \.savedQueries, &manifest, &failures) { () throws(Failure) in
          try savedQuery(name, entry, file)
        }
      }
    }
    for metric in created { keep(in: \.metrics, &manifest, &failures) { metric } }
  }

  /// Whether an entry is written as it was before the semantic layer.
  static func isOfOldSpec(_ entry: YAMLNode, in section: String) -> Bool {
    func has(_ keys: String...) -> Bool { keys.contains { entry[$0] != nil } }
    return switch section {
    case "semantic_models": entry["model"]?.string == nil && has("table", "node_relation")
    case "metrics":
      !has("type_params") && has("calculation_method", "expression", "timestamp", "dimensions")
    default: false
    }
  }

  private func keep(
    in list: WritableKeyPath<Manifest, [PlainResource]>,
    _ manifest: inout Manifest,
    _ failures: inout [Failure],
    make: () throws(Failure) -> PlainResource
  ) {
    do {
      let resource = try make()
      if !resource.isEnabled {
        manifest.disabledResources.append(resource)
      } else if let other = manifest[keyPath: list].first(where: {
        $0.uniqueID == resource.uniqueID
      }) {
        failures.append(PlainResourceReader.twice(resource, other))
      } else {
        manifest[keyPath: list].append(resource)
      }
    } catch { failures.append(error) }
  }

  private func oldSpelling(_ kind: String, _ name: String, _ entry: YAMLNode) -> NamedWarning {
    NamedWarning(
      "GenericJSONSchemaValidationDeprecation",
      Diagnostic(
        id: "semantic.old-spec",
        severity: .warning,
        message:
          "the \(kind) '\(name)' is written in a spec that dbt no longer reads, and is left out",
        span: entry["name"]?.span ?? entry.span,
        hint: "write it for the semantic layer: type and type_params"
      )
    )
  }

  // MARK: Parts

  private func problem(_ message: String, at node: YAMLNode, hint: String? = nil) -> Failure {
    Failure(
      .parsing,
      Diagnostic(id: "semantic.bad-entry", message: message, span: node.span, hint: hint)
    )
  }

  private func resource(
    _ type: ResourceType,
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile,
    config: ConfigBuilder,
    fields: DatumMap
  ) throws(Failure) -> PlainResource {
    let faults = Self.faults(ofName: name)
    guard faults.isEmpty else {
      throw problem(
        "The \(type.rawValue.replacing("_", with: " ")) name '\(name)' is invalid.  It "
          + faults.joined(separator: "\n"),
        at: entry["name"] ?? entry,
        hint: "put such a text into 'label', and give it a plain name"
      )
    }
    let problems = config.problems(of: "\(type.rawValue) \(name)", isBare: true)
    guard problems.isEmpty else { throw Failure(.plain, problems) }
    let resource = PlainResource(
      uniqueID: "\(type.rawValue).\(file.package).\(name)",
      resourceType: type,
      name: name,
      packageName: file.package,
      originalFilePath: file.file.originalFilePath,
      fqn: [file.package] + file.folders + [name],
      declaration: (entry["name"] ?? entry).span,
      fields: fields
    )
    resource.config = config.config
    resource.written = entry
    return resource
  }

  /// `showsTree`: whether what is shown unrendered has the project's tree in it, too.
  private func config(
    _ type: ResourceType,
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile,
    showsTree: Bool = false
  ) -> ConfigBuilder {
    var builder = ConfigBuilder(type)
    let fqn = [file.package] + file.folders + [name]
    let levels = workspace.configLevels(of: type, for: fqn, in: file.package)
    for level in levels.own {
      builder.add(level.layer, unrendered: showsTree ? level.unrendered : [:])
    }
    var own = entry["config"]?.datum.map ?? DatumMap()
    // The meta beside the configuration of a metric is the metric's alone.
    for key in type == .metric ? ["group"] : ["group", "meta"] {
      if own[key] == nil, let value = entry[key]?.datum, !value.isNull { own[key] = value }
    }
    builder.add(ConfigLayer(own, origin: entry.span))
    for level in levels.root {
      builder.add(level.layer, unrendered: showsTree ? level.unrendered : [:])
    }
    return builder
  }

  private func text(_ node: YAMLNode?) -> Datum {
    guard let node, !node.isNull else { return .null }
    return .string(node.datum.pythonText)
  }

  /// One of dbt's own words, however it is written.
  private func word(_ node: YAMLNode?) -> Datum {
    guard case .string(let text) = text(node) else { return .null }
    return .string(text.lowercased())
  }

  /// The same, where it must be one of these; the first if nothing is said.
  private func word(_ node: YAMLNode?, of words: [String]) throws(Failure) -> Datum {
    guard let node, !node.isNull else { return .string(words[0]) }
    let word = node.datum.pythonText.lowercased()
    if words.contains(word) { return .string(word) }
    throw problem(
      "Invalid enum value: `\(node.datum.pythonText)`",
      at: node,
      hint: Spelling.nearest(to: word, among: words).map { "did you mean '\($0)'?" }
        ?? "it is one of " + words.joined(separator: ", ")
    )
  }

  private func description(_ entry: YAMLNode, _ file: PropertiesFile) throws(Failure) -> Datum {
    guard let node = entry["description"], !node.isNull else { return .null }
    return .string(try descriptions.render(node, package: file.package).text)
  }

  /// A filter is one text or several, all of which must hold.
  static func filter(_ node: YAMLNode?) -> Datum {
    guard let node, !node.isNull else { return .null }
    let texts = node.sequence?.map(\.datum.pythonText) ?? [node.datum.pythonText]
    return ["where_filters": .list(texts.map { ["where_sql_template": .string($0)] })]
  }

  /// `7 days`
  private func window(_ node: YAMLNode?) throws(Failure) -> Datum {
    guard let node, !node.isNull else { return .null }
    let parts = node.datum.pythonText.split(separator: " ")
    guard parts.count == 2, let count = Int(parts[0]) else {
      throw problem(
        "Invalid window (\(node.datum.pythonText)) in cumulative/conversion metric. Should be of the "
          + "form `<count> <granularity>`, e.g., `28 days`",
        at: node
      )
    }
    let plain = ["day", "week", "month", "quarter", "year", "hour", "minute", "second"]
    var grain = parts[1].lowercased()
    if grain.hasSuffix("s"), plain.contains(String(grain.dropLast())) { grain.removeLast() }
    return ["count": .int(count), "granularity": .string(grain)]
  }

  private func measure(_ node: YAMLNode?) throws(Failure) -> Datum {
    guard let node, !node.isNull else { return .null }
    guard let name = node.string ?? node["name"]?.string else {
      throw problem("a measure needs a name", at: node, hint: "write 'measure: name'")
    }
    return [
      "name": .string(name), "filter": Self.filter(node["filter"]), "alias": text(node["alias"]),
      "join_to_timespine": node["join_to_timespine"]?.datum ?? .bool(false),
      "fill_nulls_with": node["fill_nulls_with"]?.datum ?? .null,
    ]
  }

  private func inputMetric(_ node: YAMLNode?) throws(Failure) -> Datum {
    guard let node, !node.isNull else { return .null }
    guard let name = node.string ?? node["name"]?.string else {
      throw problem("an input metric needs a name", at: node, hint: "write '- name: metric'")
    }
    return [
      "name": .string(name), "filter": Self.filter(node["filter"]), "alias": text(node["alias"]),
      "offset_window": try window(node["offset_window"]),
      "offset_to_grain": text(node["offset_to_grain"]),
    ]
  }

  // MARK: Semantic models

  private func semanticModel(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> (PlainResource, [PlainResource]) {
    guard let model = entry["model"], let text = model.string, let call = ReferenceText(text),
      case .ref(let reference) = call
    else {
      throw problem(
        "the semantic model '\(name)' names no model",
        at: entry["model"] ?? entry,
        hint: "write model: ref('…')"
      )
    }
    let builder = config(.semanticModel, name, entry, file)
    let meta = builder.config["meta"]?.map ?? DatumMap()
    func partConfig(_ part: YAMLNode) -> Datum {
      var joined = meta
      for (key, value) in (part["config"]?["meta"]?.datum.map ?? [:]).entries {
        joined[key] = value
      }
      return ["meta": .map(joined)]
    }
    func parts(
      _ key: String,
      _ kinds: [String],
      of kind: String,
      make: (YAMLNode) throws(Failure) -> DatumMap
    ) throws(Failure) -> Datum {
      var list: [Datum] = []
      for part in entry[key]?.sequence ?? [] {
        guard part["name"]?.string != nil, let value = part[kind]?.string?.lowercased(),
          kinds.contains(value)
        else {
          throw problem(
            "one of the \(key) of the semantic model '\(name)' lacks a name or a \(kind) that there is",
            at: part[kind] ?? part,
            hint: "\(kind) is one of \(kinds.joined(separator: ", "))"
          )
        }
        list.append(.map(try make(part)))
      }
      return .list(list)
    }
    let entities = try parts(
      "entities",
      ["primary", "foreign", "unique", "natural"],
      of: "type"
    ) { part throws(Failure) in
      [
        "name": self.text(part["name"]), "type": self.word(part["type"]),
        "description": try self.description(part, file), "label": self.text(part["label"]),
        "role": self.text(part["role"]), "expr": self.text(part["expr"]),
        "config": partConfig(part),
      ]
    }
    let aggregations = [
      "sum", "min", "max", "count_distinct", "sum_boolean", "average", "percentile", "median",
      "count",
    ]
    let measures = try parts("measures", aggregations, of: "agg") { part throws(Failure) in
      var additive = Datum.null
      if let node = part["non_additive_dimension"], !node.isNull {
        additive = [
          "name": self.text(node["name"]),
          "window_choice": node["window_choice"] == nil ? "min" : self.word(node["window_choice"]),
          "window_groupings": node["window_groupings"]?.datum ?? .list([]),
        ]
      }
      var parameters = Datum.null
      if let node = part["agg_params"], !node.isNull {
        parameters = [
          "percentile": node["percentile"]?.datum ?? .null,
          "use_discrete_percentile": node["use_discrete_percentile"]?.datum ?? .bool(false),
          "use_approximate_percentile": node["use_approximate_percentile"]?.datum ?? .bool(false),
        ]
      }
      return [
        "name": self.text(part["name"]), "agg": self.word(part["agg"]),
        "description": try self.description(part, file), "label": self.text(part["label"]),
        // dbt makes the metric, and forgets that it was asked to.
        "create_metric": .bool(false), "expr": self.text(part["expr"]),
        "agg_params": parameters, "non_additive_dimension": additive,
        "agg_time_dimension": self.text(part["agg_time_dimension"]), "config": partConfig(part),
      ]
    }
    let dimensions = try parts("dimensions", ["categorical", "time"], of: "type") {
      part throws(Failure) in
      var parameters = Datum.null
      if let node = part["type_params"], !node.isNull {
        var validity = Datum.null
        if let node = node["validity_params"], !node.isNull {
          validity = [
            "is_start": node["is_start"]?.datum ?? .bool(false),
            "is_end": node["is_end"]?.datum ?? .bool(false),
          ]
        }
        parameters = [
          "time_granularity": self.word(node["time_granularity"]), "validity_params": validity,
        ]
      }
      return [
        "name": self.text(part["name"]), "type": self.word(part["type"]),
        "description": try self.description(part, file), "label": self.text(part["label"]),
        "is_partition": part["is_partition"]?.datum ?? .bool(false), "type_params": parameters,
        "expr": self.text(part["expr"]), "metadata": .null, "config": partConfig(part),
      ]
    }
    var defaults = Datum.null
    if let node = entry["defaults"], !node.isNull {
      defaults = ["agg_time_dimension": self.text(node["agg_time_dimension"])]
    }
    let resource = try resource(
      .semanticModel,
      name,
      entry,
      file,
      config: builder,
      fields: [
        "model": .string(text), "node_relation": .null,
        "description": try description(entry, file), "label": self.text(entry["label"]),
        "defaults": defaults, "entities": entities, "measures": measures,
        "dimensions": dimensions, "metadata": .null, "depends_on": .null, "refs": .null,
        "created_at": .float(createdAt), "config": .null,
        "unrendered_config": .map(builder.unrendered),
        "primary_entity": self.text(entry["primary_entity"]),
        "group": builder.config["group"] ?? .null,
      ]
    )
    resource.refs = [reference]
    let created = try (entry["measures"]?.sequence ?? []).filter {
      $0["create_metric"]?.bool ?? false
    }
    .map { part throws(Failure) in try metric(of: part, meta, entry, file) }
    return (resource, created)
  }

  /// The metric of a measure with `create_metric: true`; `meta` is the semantic model's.
  private func metric(
    of part: YAMLNode,
    _ meta: DatumMap,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> PlainResource {
    let name = part["name"]?.string ?? ""
    // The measure's own meta stays with the measure.
    var builder = ConfigBuilder(.metric)
    let fqn = [file.package] + file.folders + [name]
    let levels = workspace.configLevels(of: .metric, for: fqn, in: file.package)
    for level in levels.own { builder.add(level.layer, unrendered: level.unrendered) }
    builder.add(ConfigLayer(["enabled": .bool(true), "meta": .map(meta)], origin: part.span))
    for level in levels.root { builder.add(level.layer, unrendered: level.unrendered) }
    let said = try description(part, file).string ?? ""
    var parameters = Self.emptyParameters
    parameters["measure"] = try measure(part["name"])
    parameters["expr"] = .string((part["expr"] ?? part["name"])?.datum.pythonText ?? name)
    return try resource(
      .metric,
      name,
      part,
      file,
      config: builder,
      fields: metricFields(
        description: .string(said.isEmpty ? "Metric created from measure \(name)" : said),
        label: .string(part["label"]?.string ?? name),
        type: "simple",
        parameters: parameters,
        entry: nil,
        builder: builder
      )
    )
  }

  // MARK: Metrics

  private static let emptyParameters: DatumMap = [
    "measure": .null, "input_measures": .list([]), "numerator": .null, "denominator": .null,
    "expr": .null, "window": .null, "grain_to_date": .null, "metrics": .list([]),
    "conversion_type_params": .null, "cumulative_type_params": .null,
    "metric_aggregation_params": .null,
  ]

  private func metricFields(
    description: Datum,
    label: Datum,
    type: Datum,
    parameters: DatumMap,
    entry: YAMLNode?,
    builder: ConfigBuilder
  ) -> DatumMap {
    // What stands beside the configuration counts where that has none.
    let meta = builder.config["meta"]?.map ?? [:]
    return [
      "description": description, "label": label, "type": type, "type_params": .map(parameters),
      "filter": Self.filter(entry?["filter"]), "metadata": .null,
      "time_granularity": text(entry?["time_granularity"]),
      "meta": meta.isEmpty ? entry?["meta"]?.datum ?? .map([:]) : .map(meta),
      "tags": .null, "config": .null,
      "unrendered_config": .map(builder.unrendered), "sources": .list([]), "depends_on": .null,
      "refs": .list([]), "metrics": .list([]), "created_at": .float(createdAt),
      "group": builder.config["group"] ?? .null,
    ]
  }

  private func metric(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> PlainResource {
    let types = ["simple", "ratio", "cumulative", "derived", "conversion"]
    guard let type = entry["type"]?.string?.lowercased(), types.contains(type) else {
      throw problem(
        "the metric '\(name)' must have a type: \(types.joined(separator: ", "))",
        at: entry["type"] ?? entry
      )
    }
    guard let given = entry["type_params"], given.mapping != nil else {
      throw problem(
        "the metric '\(name)' has no type_params",
        at: entry,
        hint: "a simple metric has type_params: {measure: …}"
      )
    }
    guard entry["label"]?.isNull == false else {
      throw problem("the metric '\(name)' has no label", at: entry, hint: "add 'label:'")
    }
    var parameters = Self.emptyParameters
    parameters["measure"] = try measure(given["measure"])
    parameters["numerator"] = try inputMetric(given["numerator"])
    parameters["denominator"] = try inputMetric(given["denominator"])
    parameters["expr"] = text(given["expr"])
    parameters["window"] = try window(given["window"])
    parameters["grain_to_date"] = text(given["grain_to_date"])
    var inputs: [Datum] = []
    for input in given["metrics"]?.sequence ?? [] { inputs.append(try inputMetric(input)) }
    parameters["metrics"] = .list(inputs)
    if let node = given["conversion_type_params"], !node.isNull {
      parameters["conversion_type_params"] = [
        "base_measure": try measure(node["base_measure"]),
        "conversion_measure": try measure(node["conversion_measure"]),
        "entity": text(node["entity"]),
        "calculation": try word(node["calculation"], of: ["conversion_rate", "conversions"]),
        "window": try window(node["window"]),
        "constant_properties": node["constant_properties"]?.datum ?? .null,
      ]
    }
    if type == "cumulative" {
      let node = given["cumulative_type_params"]
      parameters["cumulative_type_params"] = [
        "window": try window(node?["window"] ?? given["window"]),
        "grain_to_date": text(node?["grain_to_date"] ?? given["grain_to_date"]),
        "period_agg": try word(node?["period_agg"], of: ["first", "last", "average"]),
        "metric": .null,
      ]
    }
    let needed: [String] =
      switch type {
      case "simple", "cumulative": ["measure"]
      case "ratio": ["numerator", "denominator"]
      case "derived": ["expr"]
      default: ["conversion_type_params"]
      }
    for key in needed where (parameters[key] ?? .null).isNull {
      throw problem(
        "the \(type) metric '\(name)' has no '\(key)' in its type_params",
        at: given,
        hint: "add '\(key):' below type_params"
      )
    }
    let builder = config(.metric, name, entry, file, showsTree: true)
    let description = try description(entry, file)
    let metric = try resource(
      .metric,
      name,
      entry,
      file,
      config: builder,
      fields: metricFields(
        description: description.isNull ? "" : description,
        label: text(entry["label"]),
        type: .string(type),
        parameters: parameters,
        entry: entry,
        builder: builder
      )
    )
    metric.tags = entry["tags"]?.datum.string.map { [$0] } ?? entry["tags"]?.datum.texts ?? []
    return metric
  }

  /// What is wrong with a name: it begins with a letter, holds lower-case letters, digits and single
  /// underscores, and does not end with one.
  private static func faults(ofName name: String) -> [String] {
    let scalars = name.unicodeScalars
    func isLetter(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }
    var faults: [String] = []
    if name.contains(" ") { faults.append("cannot contain spaces") }
    if !scalars.allSatisfy({ $0 == "_" || isLetter($0) || ("0"..."9").contains($0) }) {
      faults.append("must contain only letters, numbers and underscores, and no capitals")
    }
    if scalars.count > 250 { faults.append("cannot contain more than 250 characters") }
    if !(scalars.first.map { isLetter(Unicode.Scalar(String($0).lowercased()) ?? $0) } ?? false) {
      faults.append("must begin with a letter")
    }
    if name.hasSuffix("_") { faults.append("cannot end with an underscore") }
    if name.firstRange(of: "__") != nil { faults.append("cannot contain two underscores in a row") }
    return faults
  }

  // MARK: Saved queries

  private func savedQuery(
    _ name: String,
    _ entry: YAMLNode,
    _ file: PropertiesFile
  ) throws(Failure) -> PlainResource {
    guard let query = entry["query_params"], query.mapping != nil else {
      throw problem(
        "the saved query '\(name)' has no query_params",
        at: entry,
        hint: "add 'query_params: {metrics: […]}'"
      )
    }
    let builder = config(.savedQuery, name, entry, file)
    let settings = builder.config
    var exports: [Datum] = []
    let names = ExportNames(workspace)
    for export in entry["exports"]?.sequence ?? [] {
      guard let exportName = export["name"]?.string else {
        throw problem("an export of the saved query '\(name)' has no name", at: export)
      }
      let own = export["config"]?.datum.map ?? DatumMap()
      let schema = [own["schema_name"], own["schema"], settings["schema"]].lazy
        .compactMap { $0 }.first { !$0.isNull }
      let kind = own["export_as"] ?? settings["export_as"] ?? .null
      let kinds = ["table", "view"]
      guard let written = kind.string?.lowercased(), kinds.contains(written) else {
        throw problem(
          "the export '\(exportName)' of the saved query '\(name)' has an invalid value for "
            + "export_as: \(kind.pythonRepr)",
          at: export["config"]?["export_as"] ?? export,
          hint: kind.string.flatMap { Spelling.nearest(to: $0, among: kinds) }
            .map { "did you mean '\($0)'?" } ?? "write 'export_as: table' or 'export_as: view'"
        )
      }
      let shown: DatumMap = [
        "export_as": .string(written),
        "schema_name": schema ?? .null, "alias": own["alias"] ?? .null,
        "database": own["database"] ?? .null,
      ]
      var layout: DatumMap = [
        "name": .string(exportName), "config": .map(shown), "unrendered_config": .map(own),
      ]
      try names.complete(&layout, at: export.span)
      exports.append(.map(layout))
    }
    let lists = ["metrics", "group_by", "order_by"].map { query[$0]?.datum ?? .list([]) }
    let saved = try resource(
      .savedQuery,
      name,
      entry,
      file,
      config: builder,
      fields: [
        "query_params": [
          "metrics": lists[0], "group_by": lists[1], "where": Self.filter(query["where"]),
          "order_by": lists[2], "limit": query["limit"]?.datum ?? .null,
        ],
        "exports": .list(exports), "description": try description(entry, file),
        "label": text(entry["label"]), "metadata": .null, "config": .null,
        "unrendered_config": .map(builder.unrendered), "group": settings["group"] ?? .null,
        "depends_on": .null, "created_at": .float(createdAt), "refs": .list([]), "tags": .null,
      ]
    )
    saved.tags = Set((settings["tags"]?.texts ?? []) + (entry["tags"]?.datum.texts ?? [])).sorted()
    return saved
  }
}
