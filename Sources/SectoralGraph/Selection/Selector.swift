package import SectoralProject
import SectoralText

/// Evaluates selections on a graph.
package struct Selector {
  /// A criterion that matches nothing; `raw` as the user wrote it.
  package struct EmptyCriterion: Sendable, Hashable {
    package let raw: String

    package var message: String {
      "The selection criterion '\(raw)' does not match any enabled nodes"
    }
  }

  package let graph: Graph
  private let matcher: MethodMatcher
  private let selectors: SelectorFile
  /// Promises that were broken by changes of models, found by comparing with an earlier state.
  package private(set) var brokenContracts: [BrokenContract] = []
  /// Seeds of which it is not known whether they have changed.
  package private(set) var seedRemarks: [SeedRemark] = []
  /// In the order of evaluation.
  package private(set) var emptyCriteria: [EmptyCriterion] = []

  /// - Parameters:
  ///   - graph: Without the edges of tests.
  ///   - projectName: What `package:this` means.
  ///   - fileExists: Whether there is such a path below the project's root.
  ///   - manifest: What the graph was made of.
  ///   - selectors: What `selector:` names.
  ///   - state: What `state:`, `result:` and `source_status:` compare with.
  package init(
    graph: Graph,
    projectName: String,
    fileExists: @escaping (String) -> Bool,
    manifest: Manifest = Manifest(),
    selectors: SelectorFile = SelectorFile(),
    state: PreviousState = PreviousState()
  ) {
    self.graph = graph
    self.selectors = selectors
    matcher = MethodMatcher(
      graph: graph,
      projectName: projectName,
      fileExists: fileExists,
      state: StateMatcher(graph: graph, manifest: manifest, state: state)
    )
  }

  /// Everything that the selection names, of every type.
  package mutating func evaluate(_ spec: SelectionSpec) throws(Failure) -> MemberSet {
    try result(of: spec).direct
  }

  /// The part of a selection that a command works on.
  package func filter(
    _ selection: MemberSet,
    types: Set<ResourceType>,
    keepsEmpty: Bool
  ) -> MemberSet {
    var kept = selection
    for id in selection {
      let member = graph[id]
      if !types.contains(member.resourceType) || (!keepsEmpty && member.isEmpty) { kept.remove(id) }
    }
    return kept
  }

  // MARK: Evaluation

  /// What is selected, and the tests of it that were left out because of another parent.
  private struct Outcome {
    var direct: MemberSet
    var indirect: MemberSet
  }

  private mutating func result(of spec: SelectionSpec) throws(Failure) -> Outcome {
    let parts: [SelectionSpec]
    let raw: String?
    let mode: IndirectSelection
    let combine: (inout MemberSet, MemberSet) -> Void
    switch spec {
    case .criterion(let criterion): return try result(of: criterion)
    case .union(let specs, let text, let indirect):
      (parts, raw, mode) = (specs, text, indirect)
      combine = { $0.formUnion($1) }
    case .intersection(let specs, let text, let indirect):
      (parts, raw, mode) = (specs, text, indirect)
      combine = { $0.formIntersection($1) }
    case .difference(let specs, let indirect):
      (parts, raw, mode) = (specs, nil, indirect)
      combine = { $0.subtract($1) }
    }
    var direct: MemberSet?
    var all: MemberSet?
    var problems: [Failure] = []
    for part in parts {
      let outcome: Outcome
      do {
        outcome = try result(of: part)
      } catch {
        problems.append(error)
        continue
      }
      let both = outcome.direct.union(outcome.indirect)
      if direct == nil {
        direct = outcome.direct
        all = both
      } else {
        combine(&direct!, outcome.direct)  // Both were set in the first round.
        combine(&all!, both)
      }
    }
    if let together = Failure(problems) { throw together }
    var outcome = Outcome(direct: direct ?? graph.emptySet, indirect: all ?? graph.emptySet)
    outcome.indirect.subtract(outcome.direct)
    admitIndirect(into: &outcome, mode)
    if let raw, outcome.direct.isEmpty { emptyCriteria.append(EmptyCriterion(raw: raw)) }
    return outcome
  }

  private mutating func result(of criterion: Criterion) throws(Failure) -> Outcome {
    let matched = try matched(by: criterion)
    var selected = matched
    if criterion.takesChildrensParents {
      let below = graph.descendants(of: matched).union(matched)
      selected.formUnion(below)
      selected.formUnion(graph.ancestors(of: below))
    }
    if let depth = criterion.parentsDepth {
      selected.formUnion(graph.ancestors(of: matched, depth: depth))
    }
    if let depth = criterion.childrenDepth {
      selected.formUnion(graph.descendants(of: matched, depth: depth))
    }
    var outcome = Outcome(direct: selected, indirect: graph.emptySet)
    let mode = criterion.indirectSelection
    if mode == .empty { return outcome }
    let reachable = mode == .buildable ? buildable(from: selected) : selected
    for id in graph.descendants(of: selected, depth: 1) where graph[id].isTest {
      if mode == .eager || reachable.isSuperset(of: graph.predecessors(of: id)) {
        outcome.direct.insert(id)
      } else if !selected.contains(id) {
        outcome.indirect.insert(id)
      }
    }
    return outcome
  }

  private mutating func matched(by criterion: Criterion) throws(Failure) -> MemberSet {
    switch criterion.method {
    case .selector:
      return try result(of: try selectors.selector(criterion.value, at: criterion.span).definition)
        .direct
    case .state:
      let (members, broken) = try matcher.state.changes(criterion)
      if seedRemarks.isEmpty { seedRemarks = try matcher.state.largeSeeds() }
      for contract in broken where !brokenContracts.contains(where: { $0.isSame(as: contract) }) {
        if contract.isVersioned { throw contract.failure }
        brokenContracts.append(contract)
      }
      return members
    default: return try matcher.matches(criterion)
    }
  }

  /// Takes in the tests whose parents became selected by the combination.
  private func admitIndirect(into outcome: inout Outcome, _ mode: IndirectSelection) {
    let reachable: MemberSet
    switch mode {
    case .cautious: reachable = outcome.direct
    case .buildable: reachable = buildable(from: outcome.direct)
    case .eager, .empty: return
    }
    for id in outcome.indirect where reachable.isSuperset(of: graph.predecessors(of: id)) {
      outcome.direct.insert(id)
      outcome.indirect.remove(id)
    }
  }

  /// What would be there if the selection were built: itself, what it depends on, all sources.
  private func buildable(from selected: MemberSet) -> MemberSet {
    var set = selected.union(graph.ancestors(of: selected))
    for id in graph.ids where graph[id].resourceType == .source { set.insert(id) }
    return set
  }
}
