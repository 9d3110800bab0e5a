package import SectoralProject
package import SectoralText
import SectoralYAML

/// A change of a model that breaks what others were promised.
package struct BrokenContract: Sendable {
  package let uniqueID: String
  /// `dim_customers (models/dim_customers.sql)`
  package let subject: String
  package let isVersioned: Bool
  /// Each a heading, with lines below it.
  package let breakages: [Breakage]

  package struct Breakage: Sendable, Hashable {
    let heading: String
    var lines: [String] = []
  }

  fileprivate init(_ model: DatumMap, _ breakages: [Breakage]) {
    uniqueID = model["unique_id"]?.string ?? ""
    subject = "\(model["name"]?.string ?? "") (\(model["original_file_path"]?.string ?? ""))"
    isVersioned = !(model["version"] ?? .null).isNull
    self.breakages = breakages
  }

  /// A model with a contract that is no longer there.
  init(removed model: DatumMap, isDisabled: Bool) {
    let id = model["unique_id"]?.string ?? ""
    let what = isDisabled ? "disabled" : "deleted or renamed"
    self.init(model, [Breakage(heading: "Contracted model '\(id)' was \(what).")])
  }

  func isSame(as other: BrokenContract) -> Bool {
    uniqueID == other.uniqueID && breakages == other.breakages
  }

  /// The list that dbt prints.
  private var list: String {
    breakages.map { breakage in
      let lines = breakage.lines.map { "\n    - \($0)" }.joined()
      return "  - \(breakage.heading)" + (lines.isEmpty ? "" : ": \(lines)")
    }.joined(separator: "\n")
  }

  /// Of a model without versions: what the user should know.
  package var warning: Diagnostic {
    Diagnostic(
      id: "contract.breaking-change",
      severity: .warning,
      message: """
        Breaking change to contracted, unversioned model \(subject)
        While comparing to previous project state, dbt detected a breaking change to an \
        unversioned model.
        \(list)
        """,
      hint: "give the model versions, so that those who read it can move when they are ready"
    )
  }

  /// Of a model with versions: a version that is published does not change.
  package var failure: Failure {
    Failure(
      .contract,
      subject: "model \(subject)",
      Diagnostic(
        id: "contract.breaking-change",
        message: """
          While comparing to previous project state, dbt detected a breaking change to an enforced \
          contract.
          \(list)
          Consider making an additive (non-breaking) change instead, if possible.
          """,
        hint: "otherwise leave this version as it is, and make a new one"
      )
    )
  }
}

/// Whether the contract of a model is what it was.
struct ContractComparison {
  let isSame: Bool
  /// Set where somebody who relies on the old contract is let down.
  let breakage: BrokenContract?

  init(new: DatumMap, old: DatumMap, enforcedTypes: Set<String>) {
    let (new, old) = (Contract(new), Contract(old))
    guard old.isEnforced else {
      isSame = !new.isEnforced
      breakage = nil
      return
    }
    guard new.isEnforced else {
      isSame = false
      breakage = BrokenContract(
        new.model,
        [
          .init(
            heading: "Contract enforcement was removed: Previously, this model had an enforced "
              + "contract. It is no longer configured to enforce its contract, and this is a "
              + "breaking change."
          )
        ]
      )
      return
    }
    isSame = new.hasSameContents(as: old)
    let breakages = isSame ? [] : Self.breakages(new, old, enforcedTypes)
    breakage = breakages.isEmpty ? nil : BrokenContract(new.model, breakages)
  }

  private static func breakages(
    _ new: Contract,
    _ old: Contract,
    _ enforcedTypes: Set<String>
  ) -> [BrokenContract.Breakage] {
    var removed: [String] = []
    var retyped: [String] = []
    var columnConstraints: [String] = []
    let enforces = old.enforcesConstraints && new.enforcesConstraints
    for (name, column) in old.columns {
      guard let successor = new.columns.first(where: { $0.name == name }) else {
        removed.append(name)
        continue
      }
      if Contract.baseType(column.type) != Contract.baseType(successor.column.type) {
        retyped.append("\(name) (\(column.type) -> \(successor.column.type))")
      }
      guard enforces else { continue }
      for constraint in column.constraints where !successor.column.constraints.contains(constraint)
      {
        guard enforcedTypes.contains(constraint.type) else { continue }
        columnConstraints.append("'\(constraint.title)' constraint on column \(name)")
      }
    }
    var modelConstraints: [String] = []
    for constraint in old.constraints where enforces && !new.constraints.contains(constraint) {
      guard enforcedTypes.contains(constraint.type) else { continue }
      let columns = constraint.columns.map { "'\($0)'" }.joined(separator: ", ")
      modelConstraints.append("'\(constraint.title)' constraint on columns [\(columns)]")
    }
    var materialization: [String] = []
    let hasConstraints =
      !old.constraints.isEmpty || old.columns.contains { !$0.column.constraints.isEmpty }
    if old.enforcesConstraints, !new.enforcesConstraints, hasConstraints {
      materialization = ["\(old.materialized) -> \(new.materialized)"]
    }
    return [
      BrokenContract.Breakage(heading: "Columns were removed", lines: removed),
      .init(heading: "Columns with data_type changes", lines: retyped),
      .init(heading: "Enforced column level constraints were removed", lines: columnConstraints),
      .init(heading: "Enforced model level constraints were removed", lines: modelConstraints),
      .init(heading: "Materialization changed with enforced constraints", lines: materialization),
    ].filter { !$0.lines.isEmpty }
  }
}

/// What a model of a manifest promises.
private struct Contract {
  struct Constraint: Equatable {
    let type: String
    let name: String?
    let columns: [String]
    /// Everything that is set, by key.
    let fields: DatumMap

    init(_ datum: Datum) {
      type = datum["type"]?.string ?? ""
      name = datum["name"]?.string
      columns = datum["columns"]?.list?.compactMap(\.string) ?? []
      fields = DatumMap(
        (datum.map ?? [:]).entries.filter { key, value in
          !value.isNull && value != .list([]) && !(key.hasPrefix("warn_") && value == .bool(true))
        }
      )
    }

    /// As dbt names it.
    var title: String { name ?? "ConstraintType.\(type)" }

    static func == (a: Constraint, b: Constraint) -> Bool { a.fields == b.fields }
  }

  struct Column: Equatable {
    let type: String
    let constraints: [Constraint]
  }

  let model: DatumMap
  let isEnforced: Bool
  let materialized: String
  let columns: [(name: String, column: Column)]
  let constraints: [Constraint]

  init(_ model: DatumMap) {
    self.model = model
    isEnforced = model["contract"]?["enforced"]?.bool ?? false
    materialized = model["config"]?["materialized"]?.string ?? "view"
    columns = (model["columns"]?.map ?? [:]).entries.map { name, column in
      (
        name,
        Column(
          type: column["data_type"]?.string ?? "None",
          constraints: (column["constraints"]?.list ?? []).map(Constraint.init)
        )
      )
    }
    constraints = (model["constraints"]?.list ?? []).map(Constraint.init)
  }

  /// Views promise their columns alone.
  var enforcesConstraints: Bool { ["table", "incremental"].contains(materialized) }

  /// What dbt makes the contract's checksum of.
  func hasSameContents(as other: Contract) -> Bool {
    guard columns.count == other.columns.count,
      columns.allSatisfy({ name, column in
        other.columns.first { $0.name == name }?.column == column
      }),
      enforcesConstraints == other.enforcesConstraints
    else { return false }
    return !enforcesConstraints
      || (materialized == other.materialized && constraints == other.constraints)
  }

  /// `varchar` of `VARCHAR(10)`.
  static func baseType(_ type: String) -> String {
    String((type.split(separator: "(").first ?? "").trimmingBlanks).lowercased()
  }
}
