import SectoralProject
import SectoralText
import SectoralYAML

/// What the configuration of snapshots, functions and contracted models must say before they can
/// run.
enum ConfigRules {
  static func check(_ manifest: Manifest, _ failures: inout [Failure]) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    for node in manifest.nodes {
      if let color = node.config["docs"]?["node_color"]?.string {
        report(colorProblem(color), of: node, "docs.color", as: .plain, &failures)
      }
      if let freshness = node.config["freshness"], node.resourceType == .model {
        report(freshnessProblem(freshness), of: node, "model.freshness", as: .plain, &failures)
      }
      switch node.resourceType {
      case .seed, .test:
        report(kindProblem(node), of: node, "\(node.resourceType.rawValue).config", &failures)
      case .snapshot:
        report(snapshotProblem(node.config), of: node, "snapshot.config", as: .plain, &failures)
      case .function: report(functionProblem(node), of: node, "function.config", &failures)
      case .model where node.config["contract"]?["enforced"]?.bool ?? false:
        report(contractProblem(node), of: node, "contract.config", &failures)
        report(schemaChangeProblem(node), of: node, "contract.config", as: .plain, &failures)
        if let warning = unusedConstraints(node) { warnings.append(warning) }
      default: continue
      }
    }
    return warnings
  }

  private typealias Problem = (message: String, hint: String)

  private static func report(
    _ problem: Problem?,
    of node: Node,
    _ id: String,
    as kind: Failure.Kind = .parsing,
    _ failures: inout [Failure]
  ) {
    guard let problem else { return }
    failures.append(
      Failure(
        kind,
        subject: node.words,
        Diagnostic(
          id: id,
          message: problem.message,
          span: node.declaration ?? node.source,
          hint: problem.hint
        )
      )
    )
  }

  /// Seeds and tests have one materialization each.
  private static func kindProblem(_ node: Node) -> Problem? {
    let kind = node.resourceType.rawValue
    guard let written = node.config["materialized"]?.string, written != kind else { return nil }
    return (
      "at path []: A \(kind) must have a materialized value of '\(kind)'",
      "take 'materialized' out of the \(kind)'s configuration"
    )
  }

  private static func freshnessProblem(_ freshness: Datum) -> Problem? {
    let buildAfter = freshness["build_after"]
    let count = buildAfter?["count"] ?? .null
    let period = buildAfter?["period"] ?? .null
    if count.isNull, !period.isNull {
      return (
        "`freshness.build_after` must have a value for `count` if a `period` is provided",
        "for instance build_after: {count: 1, period: day}"
      )
    }
    if period.isNull, !count.isNull {
      return (
        "`freshness.build_after` must have a value for `period` if a `count` is provided",
        "period is minute, hour or day"
      )
    }
    if let text = period.string, !["minute", "hour", "day"].contains(text) {
      return (
        "`freshness.build_after` has the period '\(text)', which there is not",
        "period is minute, hour or day"
      )
    }
    return nil
  }

  private static func colorProblem(_ color: String) -> Problem? {
    let digits = color.dropFirst()
    let isHex =
      color.hasPrefix("#") && [3, 6].contains(digits.utf8.count)
      && digits.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    guard !isHex, !ColorNames.all.contains(color.lowercased()) else { return nil }
    return (
      "Invalid color name for docs.node_color: \(color). It is neither a valid HTML color name nor "
        + "a valid HEX code.",
      Spelling.nearest(to: color, among: ColorNames.all).map { "did you mean '\($0)'?" }
        ?? "write a name of CSS, or a code such as '#a0c4ff'"
    )
  }

  private static func snapshotProblem(_ config: DatumMap) -> Problem? {
    func lacks(_ name: String) -> Bool {
      switch config[name] {
      case nil, .null?, .string("")?, .list([])?: true
      default: false
      }
    }
    if let materialized = config["materialized"]?.string, materialized != "snapshot" {
      return (
        "A snapshot must have a materialized value of 'snapshot'",
        "take 'materialized' out of the snapshot's configuration"
      )
    }
    if lacks("strategy") || lacks("unique_key") {
      return (
        "Snapshots must be configured with a 'strategy' and 'unique_key'.",
        "for instance strategy='timestamp', unique_key='id', updated_at='updated_at'"
      )
    }
    switch config["strategy"]?.string {
    case "check" where lacks("check_cols"):
      return (
        "A snapshot configured with the check strategy must specify a check_cols configuration.",
        "a list of columns, or check_cols='all'"
      )
    case "timestamp" where lacks("updated_at"):
      return (
        "A snapshot configured with the timestamp strategy must specify an updated_at "
          + "configuration.",
        "the column that says when a row changed: updated_at='updated_at'"
      )
    case "timestamp" where !lacks("check_cols"):
      return (
        "A 'timestamp' snapshot should not have 'check_cols'",
        "take 'check_cols' out, or write strategy='check'"
      )
    default: return nil
    }
  }

  /// As in Python: what has a default comes last.
  private static func defaultsProblem(_ node: Node) -> Problem? {
    var hasDefault = false
    for argument in node.extraFields["arguments"]?.list ?? [] {
      if !(argument["default_value"] ?? .null).isNull {
        hasDefault = true
      } else if hasDefault {
        return (
          "Non-defaulted argument '\(argument["name"]?.string ?? "")' of function '\(node.name)' comes "
            + "after a defaulted argument. Non-defaulted arguments cannot come after defaulted "
            + "arguments. ",
          "put those with a default_value last"
        )
      }
    }
    return nil
  }

  private static func functionProblem(_ node: Node) -> Problem? {
    if let problem = defaultsProblem(node) { return problem }
    // Without an entry in a properties file nothing is known of it, which running it will say.
    guard node.patchPath != nil else { return nil }
    if (node.extraFields["returns"]?["data_type"] ?? .null).isNull {
      return (
        "the function '\(node.name)' does not say what it returns: 'returns' is a required property",
        "add returns: {data_type: integer}"
      )
    }
    for argument in node.extraFields["arguments"]?.list ?? [] {
      for key in ["name", "data_type"] where (argument[key] ?? .null).isNull {
        return (
          "an argument of the function '\(node.name)' is not described: '\(key)' is a required "
            + "property",
          "an argument is {name: price, data_type: numeric}"
        )
      }
    }
    let known = ["deterministic", "stable", "non-deterministic"]
    switch node.config["volatility"] ?? .null {
    case .null: return nil
    case .string(let text) where known.contains(text): return nil
    case let other:
      return (
        "Field \"volatility\" of type Optional[FunctionVolatility] in FunctionConfig has invalid "
          + "value \(other.pythonRepr)",
        "it is one of \(known.joined(separator: ", "))"
      )
    }
  }

  private static func contractProblem(_ node: Node) -> Problem? {
    if let language = node.language, language != "sql" {
      return (
        "Contract enforcement failed for: (\(node.originalFilePath))\nLanguage Error: Expected "
          + "'sql' but found '\(language)'",
        "contracts are for models in SQL: take 'contract' out"
      )
    }
    if let problem = constraintProblem(node) ?? primaryKeyProblem(node) { return problem }
    if node.columns.isEmpty, node.patchPath != nil {
      return (
        "Contract enforcement failed for: (\(node.originalFilePath))\nConstraints must be defined "
          + "in a `yml` schema configuration file like `schema.yml`.",
        "describe every column with its data_type in a properties file"
      )
    }
    return nil
  }

  private static func schemaChangeProblem(_ node: Node) -> Problem? {
    let mode = node.config["on_schema_change"]?.string ?? "ignore"
    if node.materialized == "incremental", !["append_new_columns", "fail"].contains(mode) {
      return (
        "Invalid value for on_schema_change: \(mode). Models materialized as incremental with "
          + "contracts enabled must set on_schema_change to 'append_new_columns' or 'fail'",
        "add on_schema_change='append_new_columns' to the model's config"
      )
    }
    return nil
  }

  /// Constraints are of kinds that there are.
  private static func constraintProblem(_ node: Node) -> Problem? {
    let kinds = ["not_null", "check", "unique", "primary_key", "foreign_key", "custom"]
    let columns = node.columns.entries.map { name, column in
      (place: "column \(name)", constraints: column["constraints"]?.list ?? [])
    }
    let all = columns + [(place: "model \(node.name)", constraints: node.constraints)]
    for (place, constraints) in all {
      for constraint in constraints where !kinds.contains(constraint["type"]?.string ?? "") {
        return (
          "Invalid constraint type on \(place): \((constraint["type"] ?? .null).pythonRepr)",
          "it is one of \(kinds.joined(separator: ", "))"
        )
      }
    }
    return nil
  }

  /// There is one primary key, in one place.
  private static func primaryKeyProblem(_ node: Node) -> Problem? {
    func isKey(_ constraint: Datum) -> Bool { constraint["type"]?.string == "primary_key" }
    let columns = node.columns.entries.filter { _, column in
      column["constraints"]?.list?.contains(where: isKey) ?? false
    }.map(\.key)
    guard !columns.isEmpty else { return nil }
    let head = "Primary key constraint error: (\(node.originalFilePath))\n"
    if columns.count > 1 {
      return (
        head + "Found \(columns.count) columns (\(Datum.strings(columns).pythonRepr)) with primary "
          + "key constraints defined. Primary keys for multiple columns must be defined as a model "
          + "level constraint.",
        "write constraints: [{type: primary_key, columns: [\(columns.joined(separator: ", "))]}] "
          + "beside 'columns'"
      )
    }
    guard node.constraints.contains(where: isKey) else { return nil }
    return (
      head
        + "Primary key constraints defined at the model level and the columns level. Primary keys "
        + "can be defined at the model level or the column level, not both.",
      "take one of the two out"
    )
  }

  /// Of a materialization that has no place for constraints. Only those of columns are warned of.
  private static func unusedConstraints(_ node: Node) -> NamedWarning? {
    guard !["table", "incremental"].contains(node.materialized) else { return nil }
    let all = node.columns.entries.flatMap { $0.value["constraints"]?.list ?? [] }
    guard all.contains(where: { $0["warn_unsupported"]?.bool ?? true }) else { return nil }
    return NamedWarning(
      "UnsupportedConstraintMaterialization",
      Diagnostic(
        id: "contract.unsupported-constraint",
        severity: .warning,
        message: "Constraint types are not supported for \(node.materialized) materializations and "
          + "will be ignored.  Set 'warn_unsupported: false' on this constraint to ignore this "
          + "warning.",
        span: node.declaration
      )
    )
  }
}
