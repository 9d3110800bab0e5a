import SectoralProject
import SectoralText
import SectoralYAML

/// What the configuration of snapshots, functions and contracted models must say before they can
/// run.
enum ConfigRules {
  static func check(_ manifest: Manifest, _ failures: inout [Failure]) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    for node in manifest.nodes {
      switch node.resourceType {
      case .snapshot: report(snapshotProblem(node.config), of: node, "snapshot.config", &failures)
      case .function: report(functionProblem(node), of: node, "function.config", &failures)
      case .model where node.config["contract"]?["enforced"]?.bool ?? false:
        report(contractProblem(node), of: node, "contract.config", &failures)
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
    _ failures: inout [Failure]
  ) {
    guard let problem else { return }
    failures.append(
      Failure(
        .parsing,
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

  private static func functionProblem(_ node: Node) -> Problem? {
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
    if node.columns.isEmpty, node.patchPath != nil {
      return (
        "Contract enforcement failed for: (\(node.originalFilePath))\nConstraints must be defined "
          + "in a `yml` schema configuration file like `schema.yml`.",
        "describe every column with its data_type in a properties file"
      )
    }
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
