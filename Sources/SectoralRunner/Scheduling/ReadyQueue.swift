/// Which of the selected nodes may run next: state with rules and no threads.
///
/// Nodes are indexes, in the order in which they are preferred: by depth, then by unique id.
package struct ReadyQueue: Sendable {
  private let successors: [[Int]]
  private var waitingFor: [Int]
  private var isTaken: [Bool]
  private var isDone: [Bool]
  /// Ready nodes, largest first, so that the next one is at the end.
  private var ready: [Int] = []
  private var unfinished: Int

  /// - Parameter successors: for each node the nodes that wait for it.
  package init(successors: [[Int]]) {
    self.successors = successors
    waitingFor = Array(repeating: 0, count: successors.count)
    isTaken = Array(repeating: false, count: successors.count)
    isDone = isTaken
    unfinished = successors.count
    for targets in successors {
      for target in targets { waitingFor[target] += 1 }
    }
    for index in successors.indices.reversed() where waitingFor[index] == 0 { ready.append(index) }
  }

  package var isFinished: Bool { unfinished == 0 }
  package var hasReady: Bool { !ready.isEmpty }

  /// Takes the preferred one of the ready nodes.
  package mutating func take() -> Int? {
    guard let index = ready.popLast() else { return nil }
    isTaken[index] = true
    return index
  }

  /// Takes the preferred one, and with it, where `joins` says so of it, as many others of the same kind
  /// that are ready as `limit` allows.
  package mutating func take(joining joins: (Int) -> Bool, limit: Int) -> [Int] {
    guard let first = take() else { return [] }
    guard limit > 1, joins(first) else { return [first] }
    let others = Set(ready.reversed().lazy.filter(joins).prefix(limit - 1))
    ready.removeAll(where: others.contains)
    for index in others { isTaken[index] = true }
    return [first] + others.sorted()
  }

  /// A taken node ended, well or not: what waited for it becomes ready.
  package mutating func finish(_ index: Int) {
    guard !isDone[index] else { return }
    isDone[index] = true
    unfinished -= 1
    for target in successors[index] {
      waitingFor[target] -= 1
      if waitingFor[target] == 0 { insert(target) }
    }
  }

  /// All nodes below a node.
  package func descendants(of index: Int) -> [Int] {
    var seen: Set<Int> = []
    var stack = successors[index]
    while let next = stack.popLast() {
      if seen.insert(next).inserted { stack += successors[next] }
    }
    return seen.sorted()
  }

  /// The nodes that nobody has taken yet.
  package var untaken: [Int] { isTaken.indices.filter { !isTaken[$0] } }

  private mutating func insert(_ index: Int) {
    var low = 0
    var high = ready.count
    while low < high {
      let middle = (low + high) / 2
      if ready[middle] > index { low = middle + 1 } else { high = middle }
    }
    ready.insert(index, at: low)
  }
}
