import SectoralProject
import SectoralText

/// Whatever depends on itself: every cycle of a project, with the places of its references.
struct DependencyCycles {
  /// Something with dependencies, as far as messages need it.
  private struct Member {
    let id: String
    let parents: [String]
    let node: Node?
    let resource: PlainResource?
  }

  private let members: [Member]
  /// For each member those that depend on it, in the order of the members.
  private let children: [[Int]]

  init(_ manifest: Manifest) {
    var members: [Member] = []
    // Nothing depends on a test.
    for node in manifest.nodes where node.isEnabled && node.resourceType != .test {
      members.append(
        Member(id: node.uniqueID, parents: node.dependsOnNodes, node: node, resource: nil)
      )
    }
    for list in [manifest.metrics, manifest.semanticModels, manifest.savedQueries] {
      for resource in list {
        members.append(
          Member(
            id: resource.uniqueID,
            parents: resource.dependsOnNodes,
            node: nil,
            resource: resource
          )
        )
      }
    }
    members.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    let places = Dictionary(
      members.enumerated().map { ($1.id, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    var children = [[Int]](repeating: [], count: members.count)
    for (index, member) in members.enumerated() {
      for parent in member.parents {
        if let place = places[parent] { children[place].append(index) }
      }
    }
    self.members = members
    self.children = children
  }

  /// One error for each group of members that all depend on each other.
  func failures() -> [Failure] { cycles().map { Failure(.runtime, diagnostic($0)) } }

  /// What is left of the project when everything that has no parents, or no children, is taken away
  /// again and again: the cycles, and what stands between them.
  private func remaining() -> [Bool] {
    var isLeft = [Bool](repeating: true, count: members.count)
    var parents = [[Int]](repeating: [], count: members.count)
    for (index, list) in children.enumerated() {
      for child in list { parents[child].append(index) }
    }
    for (before, after) in [(parents, children), (children, parents)] {
      var waiting = before.map(\.count)
      var free = before.indices.filter { before[$0].isEmpty }
      while let next = free.popLast() {
        isLeft[next] = false
        for other in after[next] {
          waiting[other] -= 1
          if waiting[other] == 0 { free.append(other) }
        }
      }
    }
    return isLeft
  }

  private func cycles() -> [[Int]] {
    let isLeft = remaining()
    var cycles: [[Int]] = []
    var isTold = [Bool](repeating: false, count: members.count)
    for start in members.indices where isLeft[start] && !isTold[start] {
      guard let path = path(from: start, among: isLeft) else { continue }
      // Other ways round through the same members say nothing new.
      if !path.contains(where: { isTold[$0] }) { cycles.append(path) }
      for index in path { isTold[index] = true }
    }
    return cycles
  }

  /// The shortest way from a member back to itself.
  private func path(from start: Int, among isLeft: [Bool]) -> [Int]? {
    var cameFrom: [Int: Int] = [:]
    var queue = [start]
    var next = 0
    while next < queue.count {
      let index = queue[next]
      next += 1
      for child in children[index] where isLeft[child] {
        if child == start {
          var path = [index]
          while path[0] != start, let before = cameFrom[path[0]] { path.insert(before, at: 0) }
          return path
        }
        guard cameFrom[child] == nil else { continue }
        cameFrom[child] = index
        queue.append(child)
      }
    }
    return nil
  }

  private func diagnostic(_ cycle: [Int]) -> Diagnostic {
    // Each member refers to the one before it.
    let places = cycle.indices.map { index in
      place(in: members[cycle[index]], of: members[cycle[(index + cycle.count - 1) % cycle.count]])
    }
    let others = places.dropFirst().compactMap { $0?.placeText }
    var hint =
      "a model cannot read itself; in an incremental model, '{{ this }}' is its own table"
    if cycle.count > 1 {
      hint = "remove one of the references, for instance by moving what both need to a third model"
      if !others.isEmpty {
        hint += "; the cycle goes on at \(others.joined(separator: ", then "))"
      }
    }
    return Diagnostic(
      id: "graph.cycle",
      message: "Found a cycle: \(cycle.map { members[$0].id }.joined(separator: " --> "))",
      span: places.first ?? nil,
      hint: hint
    )
  }

  /// Where a member's text refers to another; otherwise where the member is written.
  private func place(in member: Member, of parent: Member) -> TextSpan? {
    guard let node = member.node else { return member.resource?.declaration }
    let name = parent.node?.name ?? parent.resource?.name ?? ""
    if let index = node.refs.firstIndex(where: { $0.name == name }), index < node.refSpans.count,
      let span = node.refSpans[index]
    {
      return span
    }
    return node.source ?? node.declaration
  }
}
