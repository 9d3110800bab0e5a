import SectoralArtifacts
import SectoralProject
import SectoralText
import SectoralYAML

/// The methods that ask an earlier run: `state:`, `result:`, `source_status:`.
///
/// A class because what it works out for one criterion serves the next; belongs to one selector.
final class StateMatcher {
  private let graph: Graph
  private let manifest: Manifest
  private let state: PreviousState
  private var comparison: StateComparison?

  init(graph: Graph, manifest: Manifest, state: PreviousState) {
    self.graph = graph
    self.manifest = manifest
    self.state = state
  }

  /// Once somebody has asked what has changed.
  func largeSeeds() throws(Failure) -> [SeedRemark] { try comparison?.largeSeeds() ?? [] }

  func changes(_ criterion: Criterion) throws(Failure) -> (MemberSet, [BrokenContract]) {
    guard let earlier = state.manifest else {
      throw missing(
        "Got a state selector method, but no comparison manifest",
        "manifest.json",
        criterion
      )
    }
    guard let question = StateComparison.Question(rawValue: criterion.value) else {
      let names = StateComparison.Question.allCases.map(\.rawValue)
      throw criterion.invalid(
        "Got an invalid selector \"\(criterion.value)\", expected one of "
          + "\"[\(names.map { "'\($0)'" }.joined(separator: ", "))]\"",
        near: names
      )
    }
    if let comparison { return try comparison.members(question) }
    let comparison = try StateComparison(
      graph,
      manifest,
      earlier,
      comparesMoreUnrenderedValues: state.comparesMoreUnrenderedValues
    )
    self.comparison = comparison
    return try comparison.members(question)
  }

  func results(_ criterion: Criterion) throws(Failure) -> MemberSet {
    guard let results = state.runResults else {
      throw missing("No comparison run_results", "run_results.json", criterion, .internalError)
    }
    var set = graph.emptySet
    for row in results.rows where row.status == criterion.value {
      if let id = graph.id(of: row.uniqueID) { set.insert(id) }
    }
    return set
  }

  /// `fresher`: sources with newer rows than when the state was written.
  func sourceStatus(_ criterion: Criterion) throws(Failure) -> MemberSet {
    guard let before = state.sources else {
      throw missing(
        "No previous state comparison freshness results in sources.json",
        "sources.json",
        criterion,
        .internalError
      )
    }
    guard let now = state.currentSources else {
      throw Failure(
        .internalError,
        Diagnostic(
          id: "selection.no-state",
          message: "No current state comparison freshness results in sources.json",
          span: criterion.span,
          hint: "run 'source freshness' first: it writes sources.json to the target folder"
        )
      )
    }
    var set = graph.emptySet
    guard criterion.value == "fresher" else { return set }
    let known = Dictionary(before.rows.map { ($0.uniqueID, $0) }, uniquingKeysWith: { $1 })
    for row in now.rows {
      guard row.status != "runtime error", let id = graph.id(of: row.uniqueID) else { continue }
      guard let earlier = known[row.uniqueID]?.maxLoadedAt else {
        set.insert(id)
        continue
      }
      // All of them are written alike, in UTC: their order as texts is that in time.
      if let latest = row.maxLoadedAt, earlier.utf8.lexicographicallyPrecedes(latest.utf8) {
        set.insert(id)
      }
    }
    return set
  }

  private func missing(
    _ message: String,
    _ file: String,
    _ criterion: Criterion,
    _ kind: Failure.Kind = .runtime
  ) -> Failure {
    let hint =
      state.folder.map { "there is no \(file) in \($0)" }
      ?? "name the folder of an earlier run's artifacts with --state or DBT_STATE"
    return Failure(
      kind,
      Diagnostic(id: "selection.no-state", message: message, span: criterion.span, hint: hint)
    )
  }
}
