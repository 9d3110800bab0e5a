import SectoralArtifacts
import SectoralProject
import SectoralText
import SectoralYAML

/// Compares the project with the manifest of an earlier run: the method `state:`.
struct StateComparison {
  /// What stands behind `state:`.
  enum Question: String, CaseIterable {
    case new, old, modified, unmodified
    case body = "modified.body"
    case configs = "modified.configs"
    case persistedDescriptions = "modified.persisted_descriptions"
    case relation = "modified.relation"
    case macros = "modified.macros"
    case contract = "modified.contract"
  }

  let graph: Graph
  let manifest: Manifest
  let earlier: EarlierManifest
  let comparesMoreUnrenderedValues: Bool
  private let changedMacros: ChangedMacros

  init(
    _ graph: Graph,
    _ manifest: Manifest,
    _ earlier: EarlierManifest,
    comparesMoreUnrenderedValues: Bool
  ) throws(Failure) {
    self.graph = graph
    self.manifest = manifest
    self.earlier = earlier
    self.comparesMoreUnrenderedValues = comparesMoreUnrenderedValues
    changedMacros = try ChangedMacros(manifest, earlier)
  }

  /// What the question holds for, and the contracts that were broken on the way.
  func members(_ question: Question) throws(Failure) -> (MemberSet, [BrokenContract]) {
    if [.modified, .unmodified, .macros].contains(question) { try checkTests() }
    var set = graph.emptySet
    var broken: [BrokenContract] = []
    for id in graph.ids {
      if try holds(question, graph[id], &broken) { set.insert(id) }
    }
    if [.modified, .unmodified, .contract].contains(question) {
      broken += try removedContracts()
    }
    return (set, broken)
  }

  /// Whether a test has changed cannot be said where its macro is gone.
  private func checkTests() throws(Failure) {
    // Not by a manifest that leaves the built-in macros out.
    guard manifest.macros.contains(where: { $0.packageName == "dbt" }) else { return }
    let names = Set(manifest.macros.lazy.map(\.name).filter { $0.hasPrefix("test_") })
    for node in manifest.nodes {
      guard let test = node.testMetadata, !names.contains("test_\(test.name)") else { continue }
      throw Failure(
        .compilation,
        Diagnostic(
          id: "selection.no-test-macro",
          message:
            "Node '\(node.name)' (in \(node.originalFilePath)) depends on a macro or test that "
            + "does not exist. This can happen when a macro or generic test is removed but is still "
            + "referenced. Check for typos and/or install package dependencies with 'dbt deps'.",
          span: node.declaration,
          hint: "there is no test '\(test.name)' in the project or its packages"
        )
      )
    }
  }

  /// What can be said of seeds that are too large to be compared by their contents.
  func largeSeeds() throws(Failure) -> [SeedRemark] {
    var remarks: [SeedRemark] = []
    for node in manifest.nodes where node.resourceType == .seed {
      guard let old = try earlier.resource(node.uniqueID),
        let remark = SeedRemark(node, old["checksum"])
      else { continue }
      remarks.append(remark)
    }
    return remarks
  }

  private func holds(
    _ question: Question,
    _ member: GraphMember,
    _ broken: inout [BrokenContract]
  ) throws(Failure) -> Bool {
    switch question {
    case .new: return !earlier.holds(member.uniqueID)
    case .old: return earlier.holds(member.uniqueID)
    case .macros: return changedMacros.reach(member)
    default: break
    }
    let old = try earlier.resource(member.uniqueID)
    let new = member.layout
    let pair = Resemblance(
      new: new,
      old: old,
      type: member.resourceType,
      isGenericTest: member.node?.testMetadata != nil,
      comparesMoreUnrenderedValues: comparesMoreUnrenderedValues
    )
    switch question {
    case .modified, .unmodified:
      let contract = contractDiffers(new, old, &broken)
      let isModified = contract || !pair.hasSameContents || changedMacros.reach(member)
      return isModified == (question == .modified)
    case .body: return pair.hasBody && !pair.hasSameBody
    case .configs: return pair.hasConfig && !pair.hasSameConfig
    case .persistedDescriptions:
      return pair.hasDescriptions && !pair.hasSamePersistedDescriptions
    case .relation: return pair.hasRelation && !pair.hasSameRelation
    case .contract: return old == nil ? pair.isNode : contractDiffers(new, old, &broken)
    case .new, .old, .macros: return false
    }
  }

  // MARK: Contracts

  /// Redshift takes other constraints as hints to its planner.
  private static let enforcedByRedshift: Set = ["not_null"]
  private static let enforcedByPostgres: Set = [
    "not_null", "check", "unique", "primary_key", "foreign_key",
  ]

  private func contractDiffers(
    _ new: DatumMap,
    _ old: DatumMap?,
    _ broken: inout [BrokenContract]
  ) -> Bool {
    guard new["resource_type"]?.string == "model", let old else { return false }
    let comparison = ContractComparison(
      new: new,
      old: old,
      enforcedTypes: manifest.adapterType == "redshift"
        ? Self.enforcedByRedshift : Self.enforcedByPostgres
    )
    if let breakage = comparison.breakage { broken.append(breakage) }
    return !comparison.isSame
  }

  /// Models with a contract that are gone, or disabled.
  private func removedContracts() throws(Failure) -> [BrokenContract] {
    var broken: [BrokenContract] = []
    let disabled = Set(manifest.disabledNodes.map(\.uniqueID))
    for id in earlier.resourceIDs where id.hasPrefix("model.") && graph.id(of: id) == nil {
      guard let old = try earlier.resource(id), old["contract"]?["enforced"]?.bool == true
      else { continue }
      broken.append(BrokenContract(removed: old, isDisabled: disabled.contains(id)))
    }
    return broken
  }
}

/// The macros whose text is not what it was, and what calls them.
private struct ChangedMacros {
  private let changed: Set<String>
  private let calls: [String: [String]]

  /// Built-in macros are the tool's own, and as such no part of the project: they are not compared.
  /// (The manifest may come from dbt, whose built-in macros are written in other words.)
  init(_ manifest: Manifest, _ earlier: EarlierManifest) throws(Failure) {
    var changed: Set<String> = []
    var calls: [String: [String]] = [:]
    let known = Set(earlier.macroIDs)
    for macro in manifest.macros {
      calls[macro.uniqueID] = macro.dependsOnMacros
      guard !Self.builtIn.contains(macro.packageName) else { continue }
      if !known.contains(macro.uniqueID) {
        changed.insert(macro.uniqueID)
      } else if try earlier.macroText(macro.uniqueID) != macro.text.text {
        changed.insert(macro.uniqueID)
      }
    }
    // Everything that reaches a changed one.
    var callers: [String: [String]] = [:]
    for (caller, callees) in calls {
      for callee in callees { callers[callee, default: []].append(caller) }
    }
    var open = Array(changed)
    while let next = open.popLast() {
      for caller in callers[next] ?? [] where changed.insert(caller).inserted {
        open.append(caller)
      }
    }
    self.changed = changed
    self.calls = calls
  }

  private static let builtIn: Set = ["dbt", "dbt_postgres", "dbt_redshift"]

  func reach(_ member: GraphMember) -> Bool {
    guard !changed.isEmpty else { return false }
    switch member {
    case .node(let node): return node.dependsOnMacros.contains(where: changed.contains)
    case .resource(let resource):
      return resource.dependsOnMacros.contains(where: changed.contains)
    case .source: return false
    }
  }
}
