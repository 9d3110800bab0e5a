import SectoralJinja
import SectoralPython
import SectoralWarehouse
import SectoralYAML

/// Methods for snapshots.
extension AdapterCall {
  static let snapshotMethods: [String: AdapterObject.Method] = [
    "get_hard_deletes_behavior": .init(.nothing) { (call) throws(TemplateError) in
      try call.hardDeletes(call.bound(["config"]).value(0))
    },
    "valid_snapshot_target": .init(.nothing) { (call) throws(TemplateError) in
      let arguments = try call.bound(["relation", "column_names"], required: 1)
      try call.checkSnapshot(
        arguments.value(0),
        names: arguments.value(1),
        columns: ["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"]
      )
      return .none
    },
    "assert_valid_snapshot_target_given_strategy": .init(.nothing) { (call) throws(TemplateError) in
      let arguments = try call.bound(["relation", "column_names", "strategy"])
      var columns = ["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"]
      let strategy = arguments.value(2)
      let mode: Value?
      if case .dict(let dict) = strategy {
        mode = dict["hard_deletes"]
      } else {
        mode = try call.interpreter.attribute("hard_deletes", of: strategy)
      }
      if mode?.asString == "new_record" { columns.append("dbt_is_deleted") }
      try call.checkSnapshot(arguments.value(0), names: arguments.value(1), columns: columns)
      return .none
    },
  ]

  private func hardDeletes(_ config: Value) throws(TemplateError) -> Value {
    func member(_ name: String) throws(TemplateError) -> Value? {
      if case .dict(let dict) = config { return dict[name] }
      let getter = try interpreter.attribute("get", of: config)
      let value = try interpreter.call(getter, Arguments([.string(name)]))
      return value.isNone || value.isUndefined ? nil : value
    }
    let old = try member("invalidate_hard_deletes")
    let mode = try member("hard_deletes")
    if let old, !old.isNone, let mode, !mode.isNone {
      throw .runtime(
        "You cannot set both the invalidate_hard_deletes and hard_deletes config properties on "
          + "the same snapshot.",
        hint: "hard_deletes: invalidate is the same as invalidate_hard_deletes: true"
      )
    }
    if let old, try interpreter.isTrue(old) { return .string("invalidate") }
    guard let mode, !mode.isNone else { return .string("ignore") }
    guard let text = mode.asString, ["ignore", "invalidate", "new_record"].contains(text) else {
      throw .runtime(
        "Invalid setting for property hard_deletes.",
        hint: "it must be ignore, invalidate or new_record"
      )
    }
    return mode
  }

  private func checkSnapshot(
    _ relation: Value,
    names: Value,
    columns required: [String]
  )
    throws(TemplateError)
  {
    var present: Set<String> = []
    for value in try columns(of: relation) {
      if let column = value.object(ColumnObject.self) {
        present.insert(column.column.name.lowercased())
      }
    }
    var missing: [String] = []
    for column in required {
      var name = column
      if case .dict(let dict) = names, let renamed = dict[column], !renamed.isNone {
        name = try interpreter.string(renamed)
      }
      if !present.contains(name.lowercased()) { missing.append("\"\(name)\"") }
    }
    guard missing.isEmpty else {
      throw .compilation(
        "Snapshot target is missing configured columns (missing \(missing.joined(separator: ", "))). "
          + "See https://docs.getdbt.com/docs/build/snapshots#snapshot-meta-fields for more "
          + "information.",
        hint: "the table was not made by a snapshot: rename it, or name the columns in "
          + "snapshot_meta_column_names"
      )
    }
  }
}
