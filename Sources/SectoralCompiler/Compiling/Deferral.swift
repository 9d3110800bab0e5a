import SectoralJinja
package import SectoralProject
package import SectoralWarehouse
package import SectoralYAML

/// What references mean to things that are not there: the relations of another environment, as its
/// manifest has them.
package struct Deferral: Sendable {
  /// The other manifest's object of a unique id.
  private let lookup: @Sendable (String) throws(Failure) -> DatumMap?
  /// Whether the other environment's relation is taken for whatever is not selected, even if there
  /// is one here.
  package let favorsState: Bool
  private let selected: Set<String>
  private let quoting: NamePolicy
  private let aliasesSubqueries: Bool

  /// - Parameters:
  ///   - favorsState: See the member.
  ///   - selected: The unique ids of what the command works on.
  ///   - workspace: How names are quoted.
  ///   - lookup: The other manifest's object of a unique id.
  package init(
    favorsState: Bool,
    selected: Set<String>,
    _ workspace: Workspace,
    lookup: @escaping @Sendable (String) throws(Failure) -> DatumMap?
  ) {
    self.lookup = lookup
    self.favorsState = favorsState
    self.selected = selected
    quoting = workspace.quoting
    aliasesSubqueries = workspace.aliasesSubqueries
  }

  func isSelected(_ node: Node) -> Bool { selected.contains(node.uniqueID) }

  /// The other environment's relation of a node; nil where it has none.
  package func relation(of node: Node) throws(Failure) -> Relation? {
    switch node.resourceType {
    case .model, .seed, .snapshot, .function: break
    default: return nil
    }
    guard let other = try lookup(node.uniqueID),
      let identifier = other["alias"]?.string ?? other["name"]?.string,
      other["config"]?["materialized"]?.string != "ephemeral"
    else { return nil }
    return Relation(
      database: other["database"]?.string,
      schema: other["schema"]?.string,
      identifier: identifier,
      quotePolicy: quoting,
      aliasesSubqueries: aliasesSubqueries
    )
  }
}

extension RunContext {
  /// What a reference means with `--defer`; nil: the node's own relation.
  func deferredRelation(of target: Node) throws(TemplateError) -> Relation? {
    guard let deferral = compiler.deferral else { return nil }
    let other: Relation?
    do throws(Failure) { other = try deferral.relation(of: target) } catch {
      throw TemplateError(error)
    }
    guard let other else { return nil }
    if deferral.favorsState, !deferral.isSelected(target) { return other }
    let own = workspace.relation(of: target)
    let call = AdapterCall(
      name: "get_relation",
      adapterType: workspace.profile.type,
      arguments: Arguments(),
      interpreter: interpreter
    )
    let found = try hosting { () throws(TemplateError) in
      try call.cachedRelation(
        database: own.database,
        schema: own.schema,
        identifier: own.identifier
      )
    }
    return found.isNone ? other : nil
  }
}
