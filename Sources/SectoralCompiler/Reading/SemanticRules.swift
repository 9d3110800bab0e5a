import SectoralProject
import SectoralText
import SectoralYAML

/// What the semantic layer must be like beyond what it refers to: names and labels that tell things
/// apart, and conversion metrics that can be counted.
enum SemanticRules {
  static func check(_ manifest: Manifest, _ failures: inout [Failure]) {
    // As dbt: one without the other is not looked at.
    guard !manifest.metrics.isEmpty, !manifest.semanticModels.isEmpty else { return }
    for model in manifest.semanticModels { checkNames(in: model, &failures) }
    for resource in manifest.metrics + manifest.savedQueries {
      checkName(resource.name, resource.declaration, &failures)
    }
    checkLabels(of: manifest.metrics, "metric", &failures)
    checkLabels(of: manifest.semanticModels, "semantic model", &failures)
    for model in manifest.semanticModels {
      checkParts(of: model, &failures)
      checkTimes(of: model, &failures)
      checkPrimaryEntity(of: model, &failures)
      checkPercentiles(of: model, &failures)
    }
    checkEntities(of: manifest.semanticModels, &failures)
    let names = groupableNames(manifest)
    for query in manifest.savedQueries { checkGroups(of: query, names, &failures) }
    for metric in manifest.metrics where metric.fields["type"]?.string == "conversion" {
      checkConversion(metric, manifest.semanticModels, &failures)
    }
  }

  private static func report(
    _ id: String,
    _ message: String,
    at place: TextSpan?,
    hint: String,
    _ failures: inout [Failure]
  ) {
    failures.append(
      Failure(
        .parsing,
        Diagnostic(
          id: "semantic." + id,
          message: "Semantic Manifest validation failed.\n" + message,
          span: place,
          hint: hint
        )
      )
    )
  }

  // MARK: Names

  /// What a semantic model holds has names of its own.
  private static func checkNames(in model: PlainResource, _ failures: inout [Failure]) {
    checkName(model.name, model.declaration, &failures)
    var seen: Set<String> = []
    let parts = ["entities", "measures", "dimensions"]
    for name in parts.flatMap({ model.fields[$0]?.list ?? [] }).compactMap({ $0["name"]?.string }) {
      let place = model.place(of: name, below: "entities", "measures", "dimensions")
      checkName(name, place, &failures)
      if seen.insert(name).inserted { continue }
      report(
        "names",
        "The name '\(name)' in the semantic model '\(model.name)' is used twice",
        at: place,
        hint: "rename one of them",
        &failures
      )
    }
  }

  private static let periods: Set = [
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month",
    "quarter", "year",
  ]

  private static func checkName(
    _ name: String,
    _ place: TextSpan?,
    _ failures: inout [Failure]
  ) {
    let bytes = Array(name.utf8)
    func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let underscore = UInt8(ascii: "_")
    let isPlain =
      bytes.count > 1 && isLetter(bytes[0]) && bytes.last != underscore
      && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == underscore }
      && !zip(bytes, bytes.dropFirst()).contains { $0 == underscore && $1 == underscore }
    let fault: String? =
      if !isPlain {
        "it must have two characters at least: lower case letters, digits and single underscores, a "
          + "letter first and no underscore last"
      } else if periods.contains(name) {
        "it is that of a time granularity"
      } else if ["metric_time", "mf_internal_uuid"].contains(name) {
        "it is reserved"
      } else {
        nil
      }
    guard let fault else { return }
    report("names", "Invalid name `\(name)`: \(fault)", at: place, hint: "rename it", &failures)
  }

  // MARK: Labels

  private static func checkLabels(
    of resources: [PlainResource],
    _ kind: String,
    _ failures: inout [Failure]
  ) {
    var known: [String: PlainResource] = [:]
    for resource in resources {
      guard let label = resource.fields["label"]?.string else { continue }
      guard let other = known[label] else {
        known[label] = resource
        continue
      }
      report(
        "labels",
        "Can't use label `\(label)` for  \(kind) `\(resource.name)` as it's already used for \(kind) "
          + "`\(other.name)`",
        at: resource.place(of: label, below: "label"),
        hint: "give one of them another label",
        &failures
      )
    }
  }

  /// Of the dimensions of one model, no two have one label; nor of its entities and measures.
  private static func checkParts(of model: PlainResource, _ failures: inout [Failure]) {
    for (kind, one) in [
      ("dimensions", "Dimension"), ("entities", "Entity"), ("measures", "Measure"),
    ] {
      let labels = (model.fields[kind]?.list ?? []).compactMap { $0["label"]?.string }
      var told: Set<String> = []
      for label in labels where told.insert(label).inserted {
        let count = labels.count { $0 == label }
        guard count > 1 else { continue }
        report(
          "labels",
          "\(one) labels must be unique within a semantic model. The label `\(label)` was used for "
            + "\(count) \(kind) on semantic model `\(model.name)`",
          at: model.place(of: label, below: kind),
          hint: "give each another label",
          &failures
        )
      }
    }
  }

  /// One entity has one label, in all models that name it.
  private static func checkEntities(of models: [PlainResource], _ failures: inout [Failure]) {
    var known: [String: (label: String, model: String)] = [:]
    for model in models {
      for entity in model.fields["entities"]?.list ?? [] {
        guard let name = entity["name"]?.string, let label = entity["label"]?.string else {
          continue
        }
        guard let other = known[name] else {
          known[name] = (label, model.name)
          continue
        }
        guard other.label != label else { continue }
        report(
          "labels",
          "Entities with the same name must have the same label or the label must be `None`. Entity "
            + "`\(name)` on semantic model `\(model.name)` has label `\(label)` but the same entity on "
            + "semantic model `\(other.model)` has label `\(other.label)`",
          at: model.place(of: label, below: "entities"),
          hint: "give the entity one label, or leave one of the two out",
          &failures
        )
      }
    }
  }

  // MARK: Models

  /// What is measured is aggregated over a time dimension of the model.
  private static func checkTimes(of model: PlainResource, _ failures: inout [Failure]) {
    let times = (model.fields["dimensions"]?.list ?? []).filter { $0["type"]?.string == "time" }
      .compactMap { $0["name"]?.string }
    func hint(_ name: String) -> String {
      Spelling.nearest(to: name, among: times).map { "did you mean '\($0)'?" }
        ?? "name a dimension of the model whose type is time"
    }
    let usual = model.fields["defaults"]?["agg_time_dimension"]?.string
    if let usual, !times.contains(usual) {
      report(
        "time",
        "Default aggregation time dimension was specified as '\(usual)' which doesn't exist as a time "
          + "dimension in semantic model named '\(model.name)'.",
        at: model.place(of: usual, below: "defaults") ?? model.declaration,
        hint: hint(usual),
        &failures
      )
    }
    for measure in model.fields["measures"]?.list ?? [] {
      let name = measure["name"]?.string ?? ""
      func place(_ name: String) -> TextSpan? {
        model.place(of: name, below: "measures") ?? model.declaration
      }
      guard let time = measure["agg_time_dimension"]?.string ?? usual else {
        report(
          "time",
          "Aggregation time dimension for measure \(name) is not set!",
          at: place(name),
          hint: "add 'defaults: {agg_time_dimension: …}' to the semantic model, or "
            + "'agg_time_dimension' to the measure",
          &failures
        )
        continue
      }
      // Of the default has been told.
      guard measure["agg_time_dimension"]?.string != nil, !times.contains(time) else { continue }
      report(
        "time",
        "In semantic model '\(model.name)', measure '\(name)' has the aggregation time dimension set "
          + "to '\(time)', which is not a valid time dimension in the semantic model",
        at: place(time),
        hint: hint(time),
        &failures
      )
    }
  }

  /// A model with dimensions has one primary entity.
  private static func checkPrimaryEntity(of model: PlainResource, _ failures: inout [Failure]) {
    let entities = (model.fields["entities"]?.list ?? []).filter {
      $0["type"]?.string == "primary"
    }.compactMap { $0["name"]?.string }
    let named = model.fields["primary_entity"]?.string
    if named == nil, entities.isEmpty, model.fields["dimensions"]?.list?.isEmpty == false {
      report(
        "primary-entity",
        "The semantic model \(model.name) contains dimensions, but it does not define a primary "
          + "entity.",
        at: model.declaration,
        hint: "give an entity the type 'primary', or add 'primary_entity: …' to the model",
        &failures
      )
    }
    if let named, let entity = entities.first {
      report(
        "primary-entity",
        "The semantic model `\(model.name)` has an entity named `\(entity)` with type primary but it "
          + "also has the `primary_entity` field set to `\(named)`.",
        at: model.place(of: named, below: "primary_entity") ?? model.declaration,
        hint: "keep one of them",
        &failures
      )
    }
    if entities.count > 1 {
      report(
        "primary-entity",
        "Semantic models can have only one primary entity. The semantic model `\(model.name)` has "
          + "\(entities.count): \(entities.joined(separator: ", "))",
        at: model.place(of: entities[1], below: "entities") ?? model.declaration,
        hint: "make the others 'unique' or 'foreign'",
        &failures
      )
    }
  }

  private static func number(_ datum: Datum?) -> Double? {
    switch datum {
    case .int(let int)?: Double(int)
    case .float(let double)?: double
    default: nil
    }
  }

  /// Percentiles have a number between 0 and 1, and nothing else has one.
  private static func checkPercentiles(of model: PlainResource, _ failures: inout [Failure]) {
    for measure in model.fields["measures"]?.list ?? [] {
      let name = measure["name"]?.string ?? ""
      let aggregation = measure["agg"]?.string ?? ""
      let parameters = measure["agg_params"] ?? .null
      let percentile = number(parameters["percentile"])
      let fault: (message: String, hint: String)? =
        switch (aggregation, percentile) {
        case ("percentile", nil):
          (
            "Measure '\(name)' uses a PERCENTILE aggregation, which requires "
              + "agg_params.percentile to be provided.",
            "for instance agg_params: {percentile: 0.95}"
          )
        case ("percentile", let number?) where number <= 0 || number >= 1:
          (
            "Percentile aggregation parameter for measure '\(name)' is '\(number)', but must be "
              + "between 0 and 1 (non-inclusive).",
            "0.95 is the 95th percentile; 0 is agg: min, 1 is agg: max"
          )
        case ("median", let number?) where number != 0.5:
          (
            "Measure '\(name)' uses a MEDIAN aggregation, while percentile is set to '\(number)', a "
              + "conflicting value.", "write agg: percentile, or take agg_params out"
          )
        case ("percentile", _), ("median", _), (_, nil): nil
        default:
          (
            "Measure '\(name)' with aggregation '\(aggregation)' uses agg_params (percentile) only "
              + "relevant to Percentile measures.", "write agg: percentile, or take agg_params out"
          )
        }
      guard let fault else { continue }
      report(
        "percentile",
        fault.message,
        at: model.place(of: name, below: "measures") ?? model.declaration,
        hint: fault.hint,
        &failures
      )
    }
  }

  // MARK: Saved queries

  /// By what a saved query may group: as dbt, any dimension, entity or metric that there is.
  private static func groupableNames(_ manifest: Manifest) -> Set<String> {
    let parts = manifest.semanticModels.flatMap { model in
      ["dimensions", "entities"].flatMap { model.fields[$0]?.list ?? [] }
    }
    return Set(parts.compactMap { $0["name"]?.string } + manifest.metrics.map(\.name))
      .union(["metric_time"])
  }

  private static func checkGroups(
    of query: PlainResource,
    _ names: Set<String>,
    _ failures: inout [Failure]
  ) {
    for group in query.fields["query_params"]?["group_by"]?.list ?? [] {
      guard let text = group.string else { continue }
      var hint =
        "write Dimension('entity__name'), TimeDimension('entity__name', 'day'), Entity('name') "
        + "or Metric('name', group_by=[…])"
      if let (kind, name) = call(text) {
        var parts = name.split(separator: "__").map(String.init)
        if let last = parts.last, parts.count > 1, !names.contains(last) { parts.removeLast() }
        let element = parts.last ?? ""
        let needsEntity = kind.hasSuffix("Dimension") && element != "metric_time"
        if names.contains(element), !needsEntity || parts.count == 2 { continue }
        if names.contains(element) {
          hint = "name the entity as well: '\(kind)('entity__\(element)')'"
        } else if let near = Spelling.nearest(to: element, among: names) {
          hint = "did you mean '\(near)'?"
        }
      }
      report(
        "group-by",
        "`\(text)` is not a valid group-by name.",
        at: query.place(of: text, below: "query_params") ?? query.declaration,
        hint: hint,
        &failures
      )
    }
  }

  /// What `Dimension('name', …)` and its like call, and with which name; nil for other texts.
  private static func call(_ text: String) -> (kind: String, name: String)? {
    let text = text.drop(while: \.isWhitespace)
    for kind in ["Dimension", "TimeDimension", "Entity", "Metric"] {
      guard text.hasPrefix(kind) else { continue }
      let rest = text.dropFirst(kind.count).drop(while: \.isWhitespace)
      guard rest.first == "(" else { continue }
      let argument = rest.dropFirst().drop(while: \.isWhitespace)
      guard let quote = argument.first, quote == "'" || quote == "\"" else { return nil }
      return (kind, String(argument.dropFirst().prefix { $0 != quote }))
    }
    return nil
  }

  // MARK: Conversion metrics

  private static func checkConversion(
    _ metric: PlainResource,
    _ models: [PlainResource],
    _ failures: inout [Failure]
  ) {
    let parameters = metric.fields["type_params"]?["conversion_type_params"] ?? .null
    func place(_ text: String) -> TextSpan? { metric.place(of: text, below: "type_params") }
    for (role, property) in [("base", "base_property"), ("conversion", "conversion_property")] {
      guard let name = parameters["\(role)_measure"]?["name"]?.string,
        let model = models.first(where: { $0.part(name, of: "measures") != nil }),
        let measure = model.part(name, of: "measures")
      else { continue }  // Told of by those who look for measures.
      let aggregation = measure["agg"]?.string ?? ""
      let isCount =
        ["count", "count_distinct"].contains(aggregation)
        || aggregation == "sum" && measure["expr"]?.pythonText == "1"
      if !isCount {
        report(
          "conversion",
          "For conversion metrics, the measure must be COUNT/SUM(1)/COUNT_DISTINCT. Measure: \(name) is "
            + "agg type: \(aggregation)",
          at: place(name),
          hint: "refer to a measure with agg: count",
          &failures
        )
      }
      if let entity = parameters["entity"]?.string, model.part(entity, of: "entities") == nil {
        report(
          "conversion",
          "Entity: \(entity) not found in \(role) semantic model: \(model.name).",
          at: place(entity),
          hint: "add it to the entities of \(model.name)",
          &failures
        )
      }
      for constant in parameters["constant_properties"]?.list ?? [] {
        guard let wanted = constant[property]?.string,
          model.part(wanted, of: "entities") == nil, model.part(wanted, of: "dimensions") == nil
        else { continue }
        report(
          "conversion",
          "The provided constant property: \(wanted), cannot be found in semantic model "
            + model.name,
          at: place(wanted),
          hint: "name an entity or a dimension of \(model.name)",
          &failures
        )
      }
    }
  }
}

extension PlainResource {
  /// What a semantic model holds below a key, by its name.
  fileprivate func part(_ name: String, of key: String) -> Datum? {
    fields[key]?.list?.first { $0["name"]?.string == name }
  }
}
