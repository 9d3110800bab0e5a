package import SectoralProject
import SectoralText

/// Who depends on whom, among everything enabled that a project holds.
///
/// Members stand in the order of their unique ids (by code points, as Python sorts); edges are two
/// arrays per direction. A value: it never changes.
package struct Graph: Sendable {
  package let members: [GraphMember]
  private let places: [String: MemberID]
  private let forward: Adjacency
  private let backward: Adjacency

  /// Dependencies on what the manifest does not hold are left out; whoever resolved the references
  /// has reported them.
  package init(_ manifest: Manifest) {
    var members = manifest.nodes.filter(\.isEnabled).map(GraphMember.node)
    members += manifest.sources.map(GraphMember.source)
    for list in [
      manifest.exposures, manifest.metrics, manifest.semanticModels, manifest.savedQueries,
      manifest.unitTests, manifest.functions,
    ] {
      members += list.map(GraphMember.resource)
    }
    let ids = members.map(\.uniqueID)
    members = ids.orderByCodePoints().map { members[$0] }
    var places = [String: MemberID](minimumCapacity: members.count)
    for (index, member) in members.enumerated() { places[member.uniqueID] = MemberID(index) }
    var edges: [(from: Int32, to: Int32)] = []
    edges.reserveCapacity(members.count * 2)
    for (index, member) in members.enumerated() {
      for parent in member.dependsOnNodes {
        if let place = places[parent] { edges.append((place.index, Int32(index))) }
      }
    }
    self.init(members: members, places: places, edges: edges)
  }

  private init(
    members: [GraphMember],
    places: [String: MemberID],
    edges: [(from: Int32, to: Int32)]
  ) {
    self.members = members
    self.places = places
    forward = Adjacency(count: members.count, edges: edges)
    backward = Adjacency(count: members.count, edges: edges.map { ($0.to, $0.from) })
  }

  package var count: Int { members.count }
  package var ids: some Sequence<MemberID> { (0..<members.count).lazy.map { MemberID($0) } }

  package func id(of uniqueID: String) -> MemberID? { places[uniqueID] }

  package subscript(id: MemberID) -> GraphMember { members[id.offset] }

  /// In the order of unique ids, each once.
  package func successors(of id: MemberID) -> some Sequence<MemberID> {
    forward[id.offset].lazy.map { MemberID(Int($0)) }
  }

  /// In the order of unique ids, each once.
  package func predecessors(of id: MemberID) -> some Sequence<MemberID> {
    backward[id.offset].lazy.map { MemberID(Int($0)) }
  }

  package func predecessorCount(of id: MemberID) -> Int { backward[id.offset].count }

  package var emptySet: MemberSet { MemberSet(count: members.count) }

  /// Everything that depends on some of these members, by at most so many edges; without the
  /// members themselves, unless they depend on each other.
  package func descendants(of members: some Sequence<MemberID>, depth: Int? = nil) -> MemberSet {
    reachable(from: members, along: forward, depth: depth)
  }

  /// Everything that some of these members depend on, by at most so many edges.
  package func ancestors(of members: some Sequence<MemberID>, depth: Int? = nil) -> MemberSet {
    reachable(from: members, along: backward, depth: depth)
  }

  private func reachable(
    from members: some Sequence<MemberID>,
    along edges: Adjacency,
    depth: Int?
  ) -> MemberSet {
    var found = emptySet
    var frontier = members.map(\.index)
    var step = 0
    while !frontier.isEmpty, step < depth ?? .max {
      var next: [Int32] = []
      for index in frontier {
        for target in edges[Int(index)] where found.insert(MemberID(Int(target))) {
          next.append(target)
        }
      }
      frontier = next
      step += 1
    }
    return found
  }

  /// This graph with the edges by which `build` makes a node wait for the tests of what it depends
  /// on: from each data test to every node that is downstream of all of the test's parents. Exposures
  /// functions and the like are no nodes, as in dbt: they wait for nothing but what they depend on.
  ///
  /// Only the first of such nodes on each path get an edge; the others wait through them. A graph
  /// with a cycle is returned as it is.
  package func withTestEdges() -> Graph {
    guard let below = DescendantTable(self) else { return self }
    var edges: [(from: Int32, to: Int32)] = []
    for id in ids {
      for successor in successors(of: id) { edges.append((id.index, successor.index)) }
    }
    for test in ids where self[test].resourceType == .test {
      let parents = Array(predecessors(of: test))
      // What is below a parent's descendant is below the parent.
      let lowest = parents.filter { parent in
        !parents.contains { $0 != parent && below.contains($0, under: parent) }
      }
      guard !lowest.isEmpty else { continue }
      let first =
        lowest.count == 1 ? Array(successors(of: lowest[0])) : below.firstCommon(under: lowest)
      for node in gatedNodes(from: first) { edges.append((test.index, node.index)) }
    }
    return Graph(members: members, places: places, edges: edges)
  }

  /// The nodes among these members, and in place of others the first nodes below them.
  private func gatedNodes(from members: [MemberID]) -> [MemberID] {
    var found: [MemberID] = []
    var seen = emptySet
    var waiting = members
    while let member = waiting.popLast() {
      guard !self[member].isTest, seen.insert(member) else { continue }
      if case .node(let node) = self[member], node.resourceType != .function {
        found.append(member)
      } else {
        waiting += successors(of: member)
      }
    }
    return found
  }

  /// Members before everything that depends on them; nil when there is a cycle.
  func topologicalOrder() -> [MemberID]? {
    var waitingFor = ids.map { predecessorCount(of: $0) }
    var order = ids.filter { waitingFor[$0.offset] == 0 }
    var next = 0
    while next < order.count {
      for successor in successors(of: order[next]) {
        waitingFor[successor.offset] -= 1
        if waitingFor[successor.offset] == 0 { order.append(successor) }
      }
      next += 1
    }
    return order.count == count ? order : nil
  }
}

/// For each member that is no test, which others are downstream of it: a row of bits each.
private struct DescendantTable {
  private let graph: Graph
  /// The members that are no tests, in topological order.
  private let members: [MemberID]
  /// The row and bit of a member; -1 for tests.
  private var places: [Int]
  private let width: Int
  private var bits: [UInt64]

  init?(_ graph: Graph) {
    guard let order = graph.topologicalOrder() else { return nil }
    self.graph = graph
    members = order.filter { !graph[$0].isTest }
    places = [Int](repeating: -1, count: graph.count)
    for (place, id) in members.enumerated() { places[id.offset] = place }
    width = (members.count + 63) / 64
    bits = [UInt64](repeating: 0, count: width * members.count)
    for (place, id) in members.enumerated().reversed() {
      for successor in graph.successors(of: id) {
        let below = places[successor.offset]
        guard below >= 0 else { continue }
        bits[place * width + below / 64] |= 1 << UInt64(below % 64)
        for word in 0..<width { bits[place * width + word] |= bits[below * width + word] }
      }
    }
  }

  func contains(_ member: MemberID, under parent: MemberID) -> Bool {
    let row = places[parent.offset]
    let place = places[member.offset]
    guard row >= 0, place >= 0 else { return false }
    return bits[row * width + place / 64] & (1 << UInt64(place % 64)) != 0
  }

  /// The members downstream of all these parents that depend on no other such member.
  func firstCommon(under parents: [MemberID]) -> [MemberID] {
    let rows = parents.map { places[$0.offset] }
    guard rows.allSatisfy({ $0 >= 0 }) else { return [] }
    let common = (0..<width).map { word in
      rows.reduce(~0 as UInt64) { $0 & bits[$1 * width + word] }
    }
    var found: [MemberID] = []
    for word in 0..<width {
      var rest = common[word]
      while rest != 0 {
        let member = members[word * 64 + rest.trailingZeroBitCount]
        rest &= rest - 1
        let isFirst = graph.predecessors(of: member).allSatisfy { predecessor in
          let place = places[predecessor.offset]
          return place < 0 || common[place / 64] & (1 << UInt64(place % 64)) == 0
        }
        if isFirst { found.append(member) }
      }
    }
    return found
  }
}

/// Edges of one direction: the targets of all members in one array.
private struct Adjacency: Sendable {
  private let offsets: [Int32]
  private let targets: [Int32]

  init(count: Int, edges: [(from: Int32, to: Int32)]) {
    // Each member's targets side by side: counted, then put where they belong.
    var ends = [Int32](repeating: 0, count: count + 1)
    for edge in edges { ends[Int(edge.from) + 1] += 1 }
    for index in 0..<count { ends[index + 1] += ends[index] }
    var targets = [Int32](repeating: 0, count: edges.count)
    var next = ends
    for edge in edges {
      targets[Int(next[Int(edge.from)])] = edge.to
      next[Int(edge.from)] += 1
    }
    // In order, and each once.
    var offsets = [Int32](repeating: 0, count: count + 1)
    var kept = 0
    for index in 0..<count {
      let own = Int(ends[index])..<Int(ends[index + 1])
      if own.count > 1 { targets[own].sort() }
      let first = kept
      for place in own where kept == first || targets[kept - 1] != targets[place] {
        targets[kept] = targets[place]
        kept += 1
      }
      offsets[index + 1] = Int32(kept)
    }
    targets.removeSubrange(kept...)
    self.offsets = offsets
    self.targets = targets
  }

  subscript(index: Int) -> ArraySlice<Int32> {
    targets[Int(offsets[index])..<Int(offsets[index + 1])]
  }
}
