import SectoralJinja
import SectoralPython
import SectoralText
package import SectoralWarehouse
import SectoralYAML

/// How a finished relation takes the place of the standing one.
extension AdapterCall {
  static let swapMethods: [String: AdapterObject.Method] = [
    // Ours: dbt's two renames and the drop that follows, without their gaps.
    "swap_relation": .init(.nothing) { (call) throws(TemplateError) in try call.swap() },
    // Ours: a view changes in its place where its columns allow it.
    "replace_view": .init(.nothing) { (call) throws(TemplateError) in try call.replaceView() },
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
    guard settings.keepsDependents else {
      _ = try rename(existing, to: arguments.value(3))
      return try rename(intermediate, to: target)
    }
    guard adapterType == "postgres" else {
      // In the transaction that made the new one: whoever reads meets the old relation or the new one, and
      // there is nothing to be dropped afterwards.
      _ = try drop(existing, standing)
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
      keepsGrants: settings.keepsGrants,
      patience: settings.patience
    )
    let isPlain =
      standing.type == .table && built.type == .table && cache.dependents(of: standing).isEmpty
    try onWarehouse { (session) throws(WarehouseError) in
      guard isPlain else {
        try exchange(swap, session, hooksFollow: settings.hooksFollow)
        return
      }
      _ = try session.attempt(
        swap.plainStatements,
        reasons: PostgresSwap.plainRefusals
      ) { _ throws(WarehouseError) in
        try exchange(swap, session, hooksFollow: settings.hooksFollow)
      }
    }
    if !settings.dropped.isEmpty {
      // They stay in the cache: one that somebody else's view stands on stays where it is.
      _ = try onWarehouse { (session) throws(WarehouseError) in
        try session.executeLater(
          PostgresSwap.dropping(settings.dropped),
          opensTransaction: true
        )
      }
    }
    try onceRun { $0.swap(built, into: new) }
    return .none
  }

  /// Rights on a table whose row-level security goes with it go as well, for whether a hook makes both again
  /// is not known here.
  ///
  /// A foreign key that does not fit the new table is gone where the project builds the table that pointed,
  /// as it is with dbt: what made the key makes it again. A key of anybody else's table keeps the old one.
  private func exchange(
    _ swap: PostgresSwap,
    _ session: WarehouseSession,
    hooksFollow: Bool
  ) throws(WarehouseError) {
    let answered: String?
    do throws(WarehouseError) {
      let answer = try session.execute(
        "\(swap.sql);\n\(PostgresSwap.lost)",
        opensTransaction: true,
        fetch: true
      )
      answered = answer.table.rows.first?.first ?? nil
    } catch {
      throw PostgresSwap.withoutOwnContext(error)
    }
    let lost = try? JSON.parse(answered ?? "{}")
    let new = [swap.target.schema, swap.target.identifier].compactMap(\.self).joined(separator: ".")
    if let grants = lost?["grants"]?.list, !grants.isEmpty {
      let message =
        "the rights that somebody gave on \(new) went with its row-level security, for without it they would "
        + "show all rows: \(grants.compactMap(\.string).joined(separator: "; ")). To keep them, make the "
        + "policies in a post-hook, and give the rights there or in the model's `grants`."
      do throws(TemplateError) {
        try host.emit(
          hooksFollow
            ? .log(message, info: false) : .warning(name: "JinjaLogWarning", message: message)
        )
      } catch {
        // With --warn-error: the table and its rights stay.
        throw WarehouseError(kind: .statement, message: error.diagnostic.message)
      }
    }
    for key in lost?["keys"]?.list ?? [] {
      guard let schema = key["schema"]?.string, let table = key["table"]?.string,
        let name = key["name"]?.string, let reason = key["reason"]?.string
      else { continue }
      let words =
        "the foreign key \(name) of \(schema).\(table) does not fit the new \(new): \(reason)"
      guard host.builds(schema: schema, table: table) else {
        throw WarehouseError(
          kind: .statement,
          sqlState: "2BP01",
          message: words,
          hint: "Drop it first, or set meta.sectoral.dependents to cascade on the model, and it is "
            + "dropped as dbt does."
        )
      }
      try? host.emit(.log("\(words). It is gone until \(table) is built again.", info: false))
    }
  }

  /// `replace_view(existing, target, sql, intermediate, sql_beside, backup)`: `sql` creates the target,
  /// `sql_beside` the intermediate view. Gives the answer to the one that was run; None where the view
  /// cannot be replaced like that.
  private func replaceView() throws(TemplateError) -> Value {
    let arguments = try bound([
      "existing", "target", "sql", "intermediate", "sql_beside", "backup",
    ])
    let standing = try relation(arguments.value(0), "existing").relation
    let new = try relation(arguments.value(1), "target").relation
    let built = try relation(arguments.value(3), "intermediate").relation
    let beside = try interpreter.string(arguments.value(4))
    let session = try session()
    let settings = host.swapSettings(dependents: session.cache.dependents(of: standing))
    guard settings.keepsDependents, standing.type == .view,
      let inPlace = PostgresSwap.replacing(try interpreter.string(arguments.value(2)))
    else { return .none }
    guard adapterType == "postgres" else {
      return try replaceRedshiftView(
        arguments.value(0),
        with: inPlace,
        beside: beside,
        arguments.value(3),
        arguments.value(1)
      )
    }
    let swap = PostgresSwap(
      standing: standing,
      intermediate: built,
      target: new,
      backup: try relation(arguments.value(5), "backup").relation,
      rebuilt: settings.rebuilt,
      keepsGrants: settings.keepsGrants,
      patience: settings.patience
    )
    let answer = try onWarehouse { (session) throws(WarehouseError) in
      try session.attempt(
        [PostgresSwap.hurry, inPlace, PostgresSwap.calm],
        main: 1,
        reasons: PostgresSwap.refusals
      ) { answer throws(WarehouseError) in
        answer.response = try session.execute(beside, opensTransaction: true).response
        try exchange(swap, session, hooksFollow: settings.hooksFollow)
      }
    }
    return .object(
      ResponseObject(answer) { () throws(WarehouseError) in try session.flush() }
    )
  }

  /// Redshift replaces a view in its place if its columns stay the same ones; otherwise the new view is
  /// made beside the old one, which is then dropped.
  private func replaceRedshiftView(
    _ existing: Value,
    with inPlace: String,
    beside: String,
    _ intermediate: Value,
    _ target: Value
  ) throws(TemplateError) -> Value {
    let standing = try relation(existing, "existing").relation
    let built = try relation(intermediate, "intermediate").relation
    let new = try relation(target, "target").relation
    func texts(_ value: Value, _ macro: String, _ name: String) throws(TemplateError) -> String {
      try interpreter.string(callMacro(macro, [(name, value)]))
    }
    let drop = try texts(existing, "get_drop_sql", "relation")
    let rename = try interpreter.string(
      callMacro(
        "get_rename_view_sql",
        [
          ("relation", intermediate),
          ("new_name", .string("\"\(new.identifier ?? "")\"")),
        ]
      )
    )
    let turn = dropTurn(of: standing)
    let session = try session()
    let answer = try onWarehouse { (session) throws(WarehouseError) in
      let cache = session.cache
      return try session.attempt(
        [inPlace],
        reasons: PostgresSwap.refusals.union(["0A000"])
      ) { answer throws(WarehouseError) in
        answer.response = try session.execute(beside, opensTransaction: true).response
        try session.take(turn)
        for text in [drop, rename] { _ = try session.executeLater(text, opensTransaction: true) }
        session.afterwards {
          cache.drop(standing)
          cache.rename(built, to: new)
        }
      }
    }
    return .object(
      ResponseObject(answer) { () throws(WarehouseError) in try session.flush() }
    )
  }

  private func drop(_ value: Value, _ relation: Relation) throws(TemplateError) -> Value {
    let turn = dropTurn(of: relation)
    try onWarehouse { (session) throws(WarehouseError) in
      // What was asked for so far may take long, and nobody should wait for it.
      if !turn.isEmpty { try session.flush() }
      try session.take(turn)
    }
    let result = try callMacro("drop_relation", [("relation", value)])
    try onceRun { $0.drop(relation) }
    return result
  }

  private func rename(_ from: Value, to: Value) throws(TemplateError) -> Value {
    let old = try relation(from, "from_relation").relation
    let new = try relation(to, "to_relation").relation
    let result = try callMacro("rename_relation", [("from_relation", from), ("to_relation", to)])
    try onceRun { $0.rename(old, to: new) }
    return result
  }
}

/// What a model says about taking its old relation's place.
package struct SwapSettings: Sendable {
  /// `meta.sectoral.dependents`: `keep` is our way, `cascade` dbt's, which drops what hangs on the
  /// old relation.
  package var keepsDependents = true
  /// Whether rights stay that somebody else gave: where the model has `grants`, they say it all.
  package var keepsGrants = true
  /// Whether hooks come after the exchange, which may make what went with the old relation.
  package var hooksFollow = false
  /// `meta.sectoral.swap_timeout`: how long locks are asked for, in seconds.
  package var patience = 300
  /// Those of its dependents that this run builds anew.
  package var rebuilt: [Relation] = []
  /// Views on it that are not to stay, unless something else stands on them.
  package var dropped: [Relation] = []

  package init() {}
}
