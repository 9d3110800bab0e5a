import SectoralProject
import SectoralText
import SectoralYAML

/// The contract of a model: what it promises about its columns.
enum Contract {
  /// A digest that changes when the contract does; the text is that of dbt, Python's `repr` of
  /// constraints included.
  static func checksum(of node: Node) -> String {
    var text = ""
    let columns = node.columns.entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (name, column) in columns {
      text += "|\(name)\(column["data_type"].map(\.pythonText) ?? "None")"
      text += repr(column["constraints"]?.list ?? [], "ColumnLevelConstraint")
    }
    if ["table", "incremental"].contains(node.materialized) {
      text += node.materialized + repr(node.constraints, "ModelLevelConstraint")
    }
    return Digest.sha256(Array(text.utf8))
  }

  private static func repr(_ constraints: [Datum], _ type: String) -> String {
    let items = constraints.map { constraint in
      let kind = constraint["type"]?.pythonText ?? ""
      let fields = [
        "name", "expression", "warn_unenforced", "warn_unsupported", "to", "to_columns", "columns",
      ].compactMap { key in constraint[key].map { "\(key)=\($0.pythonRepr)" } }
      return "\(type)(type=<ConstraintType.\(kind): '\(kind)'>, "
        + fields.joined(separator: ", ") + ")"
    }
    return "[" + items.joined(separator: ", ") + "]"
  }
}
