import SectoralJinja
import SectoralPython
package import SectoralWarehouse

/// How a finished relation takes the place of the standing one.
extension AdapterCall {
  static let swapMethods: [String: AdapterObject.Method] = [
    // Ours: dbt's two renames and the drop that follows, without their gaps.
    "swap_relation": .init(.nothing) { (call) throws(TemplateError) in try call.swap() }
  ]

  /// `swap_relation(existing, intermediate, target, backup)`: existing is None where nothing stands.
  ///
  /// dbt's way, where the model asks for it or the database has no better: the existing relation
  /// is renamed to backup, which the caller drops after its commit.
  private func swap() throws(TemplateError) -> Value {
    let arguments = try bound(["existing", "intermediate", "target", "backup"])
    let existing = arguments.value(0)
    let (intermediate, target) = (arguments.value(1), arguments.value(2))
    guard !existing.isNone else { return try rename(intermediate, to: target) }
    let standing = try relation(existing, "existing").relation
    let cache = try session().cache
    let settings = host.swapSettings(dependents: cache.dependents(of: standing))
    guard adapterType == "postgres", settings.keepsDependents else {
      _ = try rename(existing, to: arguments.value(3))
      return try rename(intermediate, to: target)
    }
    let new = try relation(target, "target").relation
    let built = try relation(intermediate, "intermediate").relation
    let swap = PostgresSwap(
      standing: standing,
      intermediate: built,
      target: new,
      backup: try relation(arguments.value(3), "backup").relation,
      rebuilt: settings.rebuilt,
      patience: settings.patience
    )
    try onWarehouse { (session) throws(WarehouseError) in
      _ = try session.execute(swap.sql, opensTransaction: true)
    }
    cache.swap(built, into: new)
    return .none
  }

  private func rename(_ from: Value, to: Value) throws(TemplateError) -> Value {
    host.session?.cache.rename(
      try relation(from, "from_relation").relation,
      to: try relation(to, "to_relation").relation
    )
    return try callMacro("rename_relation", [("from_relation", from), ("to_relation", to)])
  }
}

/// What a model says about taking its old relation's place.
package struct SwapSettings: Sendable {
  /// `meta.sectoral.dependents`: `keep` is our way, `cascade` dbt's, which drops what hangs on the
  /// old relation.
  package var keepsDependents = true
  /// `meta.sectoral.swap_timeout`: how long locks are asked for, in seconds.
  package var patience = 300
  /// Those of its dependents that this run builds anew.
  package var rebuilt: [Relation] = []

  package init() {}
}
