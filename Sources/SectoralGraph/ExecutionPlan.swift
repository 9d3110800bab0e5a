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

  /// Members that do not wait for each other.
  package init(unordered selected: MemberSet) {
    order = Array(selected)
    successors = order.map { _ in [] }
    levels = order.map { _ in 0 }
  }

  /// - Parameters:
  ///   - graph: Without cycles; for `build` with the edges of tests.
  ///   - selected: What is to run.
  package init(graph: Graph, selected: MemberSet) {
    let topological = graph.topologicalOrder() ?? []
    var levels = [Int32](repeating: 0, count: graph.count)
    for id in topological {
      let below = levels[id.offset] + (selected.contains(id) ? 1 : 0)
      for successor in graph.successors(of: id) {
        levels[successor.offset] = max(levels[successor.offset], below)
      }
    }
    let order = selected.sorted { (levels[$0.offset], $0) < (levels[$1.offset], $1) }
    var places = [Int](repeating: -1, count: graph.count)
    for (place, id) in order.enumerated() { places[id.offset] = place }

    // From below: what is reached from a member that is not selected, as bits by place. Tests are
    // left out: what waits for a test is below the test's parents anyway.
    var reached: [MemberID: [UInt64]] = [:]
    var successors = [[Int]](repeating: [], count: order.count)
    let width = (order.count + 63) / 64
    for id in topological.reversed() {
      let place = places[id.offset]
      if place < 0, graph[id].isTest { continue }
      var bits: [UInt64] = []
      var found: [Int] = []
      for successor in graph.successors(of: id) {
        let below = places[successor.offset]
        if below >= 0 {
          found.append(below)
        } else if let more = reached[successor] {
          if bits.isEmpty {
            bits = more
          } else {
            for word in 0..<width { bits[word] |= more[word] }
          }
        }
      }
      if place < 0 {
        if bits.isEmpty {
          if found.isEmpty { continue }
          bits = [UInt64](repeating: 0, count: width)
        }
        for below in found { bits[below / 64] |= 1 << UInt64(below % 64) }
        reached[id] = bits
      } else {
        for word in bits.indices where bits[word] != 0 {
          var rest = bits[word]
          while rest != 0 {
            found.append(word * 64 + rest.trailingZeroBitCount)
            rest &= rest - 1
          }
        }
        found.sort()
        successors[place] = found.uniqued()
      }
    }
    self.order = order
    self.successors = successors
    self.levels = order.map { Int(levels[$0.offset]) }
  }
}

extension [Int] {
  /// A sorted array without repetitions.
  fileprivate func uniqued() -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(count)
    for item in self where item != result.last { result.append(item) }
    return result
  }
}
