import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse
import SectoralYAML

/// How often something is tried again, and after what pauses.
struct Retries: Sendable {
  static let standardLimit = 5
  /// The environment variable that sets another limit for all nodes.
  static let variable = "SECTORAL_RETRIES"

  /// 0: never.
  let limit: Int

  init(limit: Int) { self.limit = max(0, limit) }

  /// `meta.sectoral.retries` of the node, the environment's, or the usual number.
  init(of node: Node?, _ environment: [String: String]) {
    let own = node?.meta.map?["sectoral"]?.map?["retries"]?.int
    self.init(limit: own ?? environment[Self.variable].flatMap { Int($0) } ?? Self.standardLimit)
  }

  /// In seconds; nil: not again.
  ///
  /// A conflict passes as soon as the other transaction ends; a server needs some seconds to start.
  /// The pauses of several nodes differ: they would meet again otherwise.
  ///
  /// `attempt`: counts from 1.
  func pause(
    before attempt: Int,
    for transience: Transience,
    random: () -> Double = { Double.random(in: 0.5...1) }
  ) -> Double? {
    guard attempt <= limit else { return nil }
    let (first, factor, most) =
      switch transience {
      case .conflict: (0.1, 3.0, 8.0)
      case .outage, .crowded: (1.0, 2.0, 20.0)
      }
    var pause = first
    for _ in 1..<max(attempt, 1) where pause < most { pause *= factor }
    return min(pause, most) * random()
  }
}

extension RunState {
  /// Does something on a session, and again where the error may pass and nothing of the first time is
  /// left on the server.
  ///
  /// `body` may be called several times; each time the session is a new one.
  func withSession(
    _ name: String,
    node: Node?,
    progress: NodeProgress?,
    thread: String,
    comment: QueryComments?,
    _ body: (WarehouseSession) throws(Failure) -> Void
  ) throws(Failure) {
    let retries = Retries(of: node, engine.invocation.environment)
    var wasInDoubt = false
    var wasSurprised = false
    for attempt in 1... {
      let session = session(
        name,
        node: progress,
        thread: thread,
        comment: comment,
        retries: retries
      )
      do throws(Failure) {
        if wasInDoubt, let node {
          _ = try session.lookAgain(for: project.workspace.relation(of: node))
        }
        try body(session)
        session.release()
        return
      } catch {
        let cause = session.failure
        wasInDoubt = session.isInDoubt
        let isRepeatable =
          wasInDoubt ? node.map(project.workspace.canBeBuiltTwice) ?? false : session.leavesNothing
        session.release()
        guard isRepeatable, let cause else { throw error }
        if cause.isSurprise, !wasSurprised, retries.limit > 0, let node, node.isRelational {
          wasSurprised = true
          if try hasChanged(project.workspace.relation(of: node), name, progress, thread) {
            continue
          }
        }
        guard
          waits(cause, attempt, retries, name: name, node: progress?.info, thread: thread)
        else { throw error }
      }
    }
  }

  /// Whether another process has made or dropped a relation since the relations were listed, which is then
  /// known.
  private func hasChanged(
    _ relation: Relation,
    _ name: String,
    _ progress: NodeProgress?,
    _ thread: String
  ) throws(Failure) -> Bool {
    let session = session(name, node: progress, thread: thread, comment: nil)
    let hasChanged: Bool
    do throws(Failure) { hasChanged = try session.lookAgain(for: relation) } catch {
      session.release()
      throw error
    }
    // Seen, not done: it is not to be taken back with the session's transaction.
    session.cache.keepChanges()
    session.release()
    if hasChanged {
      events.emit(
        .note("Trying \(name) again: another process has changed \(relation.rendered)"),
        node: progress?.info,
        thread: thread,
        level: .warn
      )
    }
    return hasChanged
  }

  /// Whether something is tried again, after a pause that Ctrl-C ends.
  func waits(
    _ error: WarehouseError,
    _ attempt: Int,
    _ retries: Retries,
    name: String,
    node: NodeInfo?,
    thread: String
  ) -> Bool {
    let cancellation = engine.invocation.cancellation
    guard !cancellation.isCancelled,
      let transience = error.transience ?? (error.sqlState == "08007" ? .outage : nil),
      // A server that never answered is as likely to be the wrong one.
      error.kind != .connection || transience == .crowded || wasConnected,
      let pause = retries.pause(before: attempt, for: transience)
    else { return false }
    let tenths = Int((pause * 10).rounded(.up))
    events.emit(
      .note(
        "Trying \(name) again in \(tenths / 10).\(tenths % 10) s (\(attempt) of \(retries.limit)): "
          + error.message
      ),
      node: node,
      thread: thread,
      level: .warn
    )
    cancellation.sleep(seconds: pause)
    return !cancellation.isCancelled
  }
}

extension WarehouseError {
  /// Something stands where nothing was known to stand, is gone, or is of another kind.
  fileprivate var isSurprise: Bool {
    kind == .statement && ["42P07", "42P01", "42809"].contains(sqlState)
  }
}

extension Workspace {
  /// Whether a node that was built leaves the same when it is built once more: there are no hooks, and it
  /// is known what its materialization does.
  func canBeBuiltTwice(_ node: Node) -> Bool {
    for key in ["pre-hook", "post-hook"] {
      if case .list(let hooks)? = node.config[key], !hooks.isEmpty { return false }
    }
    guard let macro = macros.materialization(node.materialized)?.macro,
      ["dbt", "dbt_postgres", "dbt_redshift"].contains(macro.packageName)
    else { return false }
    switch node.materialized {
    case "table", "view", "materialized_view", "seed", "snapshot", "test": return true
    case "incremental": return node.config["unique_key"].map { !$0.isNull } ?? false
    default: return false
    }
  }
}

extension WarehouseSession {
  /// Sets right what is known of a relation: after a transaction of which nobody knows what came of it, or
  /// where another process was. Returns whether it was wrong.
  fileprivate func lookAgain(for relation: Relation) throws(Failure) -> Bool {
    guard warehouse.adapterType == "postgres" else { return false }
    func literal(_ text: String?) -> String {
      "'\((text ?? "").replacing("'", with: "''"))'"
    }
    let sql = """
      select c.relkind from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = \(literal(relation.schema)) and c.relname = \(literal(relation.identifier))
      """
    var known: RelationType?
    if case .relation(let found) = cache.find(
      database: relation.database,
      schema: relation.schema,
      identifier: relation.identifier,
      quoting: relation.quotePolicy
    ) {
      known = found.type
    }
    do throws(WarehouseError) {
      let kind = try execute(sql, fetch: true).table.rows.first?.first ?? nil
      guard let kind else {
        cache.drop(relation)
        return known != nil
      }
      var found = relation
      found.type = kind == "v" ? .view : kind == "m" ? .materializedView : .table
      cache.add(found)
      return known != found.type
    } catch { throw Failure(.database, Diagnostic(id: "database.look", message: error.message)) }
  }
}
