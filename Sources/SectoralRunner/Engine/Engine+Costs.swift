import SectoralText
import SectoralWarehouse
import SectoralYAML

extension Engine {
  /// Adds what the database says that the nodes took, where the target asks for it, and shows it.
  ///
  /// What cannot be read takes no result away.
  func addCosts(_ state: RunState, elapsed: Double, to results: inout [NodeResult]) {
    guard let reader = state.queryCosts else { return }
    let nodes: [String: NodeCost]
    do throws(WarehouseError) {
      // Records lag, and a run's first session is older than its first node.
      nodes = NodeCost.byNode(
        try reader.costs(ofSessions: state.serverSessions, within: Int(elapsed) + 300)
      )
    } catch {
      events.emit(
        .note("What the nodes took could not be read (query_costs): \(error.message)")
      )
      return
    }
    for index in results.indices { results[index].cost = nodes[results[index].uniqueID] }
    guard !nodes.isEmpty else {
      events.emit(
        .note(
          "Nothing was found of what the nodes took: the query comment must hold \"node_id\", as dbt's "
            + "own does"
        )
      )
      return
    }
    events.emit(.formatting)
    events.emit(
      .other(
        name: "QueryCosts",
        text: NodeCost.table(nodes).joined(separator: "\n"),
        data: DatumMap(
          nodes.sorted { $0.key < $1.key }.map { (key: $0.key, value: Datum.map($0.value.layout)) }
        )
      )
    )
  }
}
