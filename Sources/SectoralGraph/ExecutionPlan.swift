/// The selected members of a graph in the order in which they should run, and who waits for whom.
///
/// The order is dbt's: by level, then by unique id. A level is the number of selected members above
/// on the longest path.
package struct ExecutionPlan: Sendable {
  package let order: [MemberID]
  /// For each place in `order` the places that wait for it: the selected members below it that are
  /// reached without passing another selected one. So members that were not selected still order
  /// those that were.
  package let successors: [[Int]]
  /// For each place in `order`.
  package let levels: [Int]

  /// - Parameters:
  ///   - graph: Without cycles; for `build` with the edges of tests.
  ///   - selected: What is to run.
  package init(graph: Graph, selected: MemberSet) {
    var levels = [Int32](repeating: 0, count: graph.count)
    var waitingFor = graph.ids.map { graph.predecessorCount(of: $0) }
    var ready = graph.ids.filter { waitingFor[$0.offset] == 0 }
    while let id = ready.popLast() {
      let below = levels[id.offset] + (selected.contains(id) ? 1 : 0)
      for successor in graph.successors(of: id) {
        levels[successor.offset] = max(levels[successor.offset], below)
        waitingFor[successor.offset] -= 1
        if waitingFor[successor.offset] == 0 { ready.append(successor) }
      }
    }
    let order = selected.sorted { (levels[$0.offset], $0) < (levels[$1.offset], $1) }
    var places = [Int](repeating: -1, count: graph.count)
    for (place, id) in order.enumerated() { places[id.offset] = place }

    // The place that last reached a member, so that no walk visits it twice.
    var visitor = [Int](repeating: -1, count: graph.count)
    var successors: [[Int]] = []
    successors.reserveCapacity(order.count)
    for (place, id) in order.enumerated() {
      var found: [Int] = []
      var stack = [id]
      while let next = stack.popLast() {
        for successor in graph.successors(of: next) where visitor[successor.offset] != place {
          visitor[successor.offset] = place
          if selected.contains(successor) {
            found.append(places[successor.offset])
          } else {
            stack.append(successor)
          }
        }
      }
      successors.append(found.sorted())
    }
    self.order = order
    self.successors = successors
    self.levels = order.map { Int(levels[$0.offset]) }
  }
}
