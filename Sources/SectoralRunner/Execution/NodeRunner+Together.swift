import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// Several nodes in one transaction, on a database where a commit takes a second and a view a millisecond.
///
/// Nothing of it shows but the number of commits: if anything goes wrong, nothing of all is left (there are no
/// savepoints to go back to), and each node is run by itself.
extension NodeRunner {
  /// So many nodes go together at most: until the commit their locks are held.
  static let most = 50
  /// In bytes of its file: a seed that takes time is better off alone.
  private static let largestSeed = 200_000

  /// Whether a node's work is small, all in one transaction, and the same when it is done once more.
  static func joins(_ node: Node, _ state: RunState) -> Bool {
    let workspace = state.project.workspace
    guard state.isExecuting, [.build, .run, .seed].contains(state.engine.invocation.command),
      workspace.canBeBuiltTwice(node),
      node.database?.lowercased() == workspace.profile.database.lowercased()
    else { return false }
    switch node.resourceType {
    case .model:
      guard node.materialized == "view", !(node.config["contract"]?["enforced"]?.bool ?? false),
        node.pointerNode(to: workspace.relation(of: node)) == nil
      else { return false }
      return state.cache.kind(of: workspace.relation(of: node)).map { $0 == .view } ?? true
    case .seed:
      let path = "\(node.rootPath ?? workspace.root.definition.root)/\(node.originalFilePath)"
      return FileSystem.size(path).map { $0 <= largestSeed } ?? false
    case .function: return true
    default: return false
    }
  }

  /// Runs nodes that `joins` says yes of. nil for those that were not begun because the run was stopped.
  func run(together nodes: [Node]) -> [NodeResult?] {
    guard nodes.count > 1 else { return nodes.map { run($0) } }
    var begun: [Begun] = []
    var results: [NodeResult] = []
    var sessions: [WarehouseSession] = []
    var isCommitted = false
    do throws(Failure) {
      for node in nodes {
        let next = begin(node)
        begun.append(next)
        let session = state.session(
          node.uniqueID,
          node: next.progress,
          thread: thread.threadName,
          comment: comments
        )
        session.continueTransaction(of: sessions.last)
        sessions.append(session)
        var result = newResult(next)
        try run(node, session, next.progress, &result)
        results.append(result)
      }
      do throws(WarehouseError) {
        try sessions.last?.endSharedTransaction()
      } catch {
        throw Failure(.database, Diagnostic(id: "database.commit", message: error.message))
      }
      isCommitted = true
    } catch {
      let words = error.diagnostics.first?.message ?? ""
      events.emit(
        .note("Running \(nodes.count) nodes one by one that were to share a transaction: \(words)"),
        thread: thread.threadName,
        level: .debug
      )
    }
    let isInDoubt = sessions.last?.isInDoubt ?? false
    for session in sessions.reversed() { session.releaseShared(isCommitted: isCommitted) }
    if isCommitted {
      for index in results.indices { end(begun[index], &results[index]) }
      return results
    }
    return nodes.indices.map { index in
      if index < begun.count { return run(begun[index], isInDoubt: isInDoubt) }
      return state.engine.invocation.cancellation.isCancelled ? nil : run(nodes[index])
    }
  }
}
