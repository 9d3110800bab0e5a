package import SectoralYAML

/// Everything that a project holds, with references resolved: the value that the stage of reading
/// hands to graph, compiler, runner and artifacts.
package struct Manifest: Sendable {
  /// In the order in which they were read; ids are unique.
  package var nodes: [Node] = []
  package var sources: [SourceTable] = []
  package var macros: [Macro] = []
  package var docs: [DocBlock] = []
  package var exposures: [PlainResource] = []
  package var metrics: [PlainResource] = []
  package var groups: [PlainResource] = []
  package var semanticModels: [PlainResource] = []
  package var savedQueries: [PlainResource] = []
  package var unitTests: [PlainResource] = []
  package var functions: [PlainResource] = []
  package var disabledNodes: [Node] = []
  package var disabledSources: [SourceTable] = []
  package var disabledResources: [PlainResource] = []
  /// selectors.yml, normalised: name to definition.
  package var selectors = DatumMap()
  package var projectName = ""
  package var adapterType = "postgres"

  package private(set) var nodeIndex: [String: Int] = [:]
  package private(set) var sourceIndex: [String: Int] = [:]

  package init() {}

  /// To be called when nodes and sources are complete.
  package mutating func buildIndexes() {
    nodeIndex = Dictionary(
      nodes.enumerated().map { ($1.uniqueID, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    sourceIndex = Dictionary(
      sources.enumerated().map { ($1.uniqueID, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  package func node(_ uniqueID: String) -> Node? { nodeIndex[uniqueID].map { nodes[$0] } }
  package func source(_ uniqueID: String) -> SourceTable? {
    sourceIndex[uniqueID].map { sources[$0] }
  }
}
