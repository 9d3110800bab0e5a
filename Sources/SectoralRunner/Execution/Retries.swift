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
  /// `isInDoubt`: whether it may have been done already.
  /// `isIdempotent`: whether it may be done twice; of nodes that is known.
  func withSession(
    _ name: String,
    node: Node?,
    progress: NodeProgress?,
    thread: String,
    comment: QueryComments?,
    isInDoubt: Bool = false,
    isIdempotent: Bool = false,
    _ body: (WarehouseSession) throws(Failure) -> Void
  ) throws(Failure) {
    let retries = Retries(of: node, engine.invocation.environment)
    var wasInDoubt = isInDoubt
    var wasSurprised = false
    var first: WarehouseError?
    for attempt in 1... {
      let session = session(
        name,
        node: progress,
        thread: thread,
        comment: comment,
        retries: retries
      )
      if let node, project.workspace.isMadeByOneTransaction(node) {
        let relation = project.workspace.relation(of: node)
        if cache.kind(of: relation) == nil {
          session.outcomeByLooking = { [self] number in
            outcome(ofMaking: relation, by: number, name, progress, thread)
          }
        }
      }
      do throws(Failure) {
        if wasInDoubt, let node {
          _ = try session.lookAgain(
            for: project.workspace.relation(of: node),
            database: project.workspace.profile.database
          )
        }
        try body(session)
        session.release()
        return
      } catch {
        let cause = session.failure
        wasInDoubt = session.isInDoubt
        let isRepeatable =
          wasInDoubt
          ? node.map(project.workspace.canBeBuiltTwice) ?? isIdempotent : session.leavesNothing
        session.release()
        guard isRepeatable, let cause else { throw error }
        if cause.isSurprise, !wasSurprised, retries.limit > 0, let node, node.isRelational {
          wasSurprised = true
          switch try look(at: project.workspace.relation(of: node), name, progress, thread) {
          case .changed: continue
          case .occupied(let kind): throw error.withHint(ofOccupant: kind)
          case .asKnown: break
          }
        }
        guard
          waits(cause, attempt, retries, name: name, node: progress?.info, thread: thread)
        else { throw error.following(first, by: cause) }
        first = first ?? cause
      }
    }
  }

  /// What came of a transaction that was to make a relation where none stood.
  private func outcome(
    ofMaking relation: Relation,
    by lost: Int?,
    _ name: String,
    _ progress: NodeProgress?,
    _ thread: String
  ) -> TransactionOutcome {
    guard let lost else { return .unknown }
    do {
      guard try pool.end(session: lost) else { return .unknown }
      let session = session(name, node: progress, thread: thread, comment: nil)
      defer { session.release() }
      _ = try session.lookAgain(for: relation, database: project.workspace.profile.database)
      session.cache.keepChanges()
      return cache.kind(of: relation) == nil ? .undone : .committed
    } catch { return .unknown }
  }

  /// What stands under a relation's name after all: it may have been made or dropped since the relations were
  /// listed, by another process or by what another node did; that is then known.
  private func look(
    at relation: Relation,
    _ name: String,
    _ progress: NodeProgress?,
    _ thread: String
  ) throws(Failure) -> SecondLook {
    let session = session(name, node: progress, thread: thread, comment: nil)
    let look: SecondLook
    do throws(Failure) {
      look = try session.lookAgain(
        for: relation,
        database: project.workspace.profile.database
      )
    } catch {
      session.release()
      throw error
    }
    // Seen, not done: it is not to be taken back with the session's transaction.
    session.cache.keepChanges()
    session.release()
    if case .changed = look {
      events.emit(
        .note("Trying \(name) again: \(relation.rendered) is not what it was when the run began"),
        node: progress?.info,
        thread: thread,
        level: .warn
      )
    }
    return look
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
    let (transience, retries) = retry(after: error, retries)
    guard !cancellation.isCancelled, let transience,
      // A server that never answered is as likely to be the wrong one.
      error.kind != .connection || transience == .crowded || wasConnected,
      let pause = retries.pause(before: attempt, for: transience)
    else { return false }
    let tenths = Int((pause * 10).rounded(.up))
    events.emit(
      .note(
        "Trying \(name) again in \(tenths / 10).\(tenths % 10) s (\(attempt) of \(retries.limit)): "
          + (pool.adapterType == "redshift" ? "Retrying query due to error: " : "")
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

extension RunState {
  /// What an error that may pass is like, and how often something is tried because of it.
  ///
  /// `retry_all` of Redshift's profile: every refusal of the database, as often as the profile's `retries` say.
  private func retry(
    after error: WarehouseError,
    _ retries: Retries
  ) -> (transience: Transience?, retries: Retries) {
    let transience = error.transience ?? (error.sqlState == "08007" ? .outage : nil)
    let credentials = project.workspace.profile.credentials
    guard transience == nil, error.kind == .statement, pool.adapterType == "redshift",
      credentials["retry_all"]?.bool ?? false
    else { return (transience, retries) }
    return (.outage, Retries(limit: credentials["retries"]?.int ?? 1))
  }
}

extension WarehouseError {
  /// Something stands where nothing was known to stand, is gone, or is of another kind.
  fileprivate var isSurprise: Bool {
    // The last: what is written for the columns of a table that is gone has none.
    kind == .statement && ["42P07", "42P01", "42809", "42601"].contains(sqlState)
  }
}

extension Workspace {
  /// Whether a node that was built leaves the same when it is built once more: there are no hooks, and it
  /// is known what its materialization does.
  func canBeBuiltTwice(_ node: Node) -> Bool {
    guard isBuiltAsKnown(node) else { return false }
    switch node.materialized {
    case "table", "view", "materialized_view", "seed", "snapshot", "test", "function": return true
    case "incremental": return node.config["unique_key"].map { !$0.isNull } ?? false
    default: return false
    }
  }

  /// Whether a node whose relation does not stand yet makes it in its first and only transaction.
  func isMadeByOneTransaction(_ node: Node) -> Bool {
    profile.type == "redshift" && node.resourceType == .model && node.materialized == "incremental"
      && isBuiltAsKnown(node)
  }

  /// Whether there are no hooks, and the materialization is one of ours.
  private func isBuiltAsKnown(_ node: Node) -> Bool {
    for key in ["pre-hook", "post-hook"] {
      if case .list(let hooks)? = node.config[key], !hooks.isEmpty { return false }
    }
    guard let macro = macros.materialization(node.materialized)?.macro else { return false }
    return ["dbt", "dbt_postgres", "dbt_redshift"].contains(macro.packageName)
  }
}

/// What a second look at a relation's name showed.
private enum SecondLook {
  case asKnown
  case changed
  /// Something of the name that no model is, and none replaces.
  case occupied(by: String)

  /// Their kinds, by the letters of pg_class. dbt's lists do not have them either.
  static let occupants: [String: String] = [
    "f": "foreign table", "S": "sequence", "i": "index", "I": "index", "c": "composite type",
  ]
}

extension Failure {
  /// A server that cannot be reached any longer said before why: that is worth more than that nobody answers.
  fileprivate func following(_ first: WarehouseError?, by last: WarehouseError) -> Failure {
    guard last.kind == .connection, let first, first.kind != .connection, first.sqlState != nil,
      !diagnostics.isEmpty
    else { return self }
    var failure = self
    failure.diagnostics[0].message += "\nbefore it went away, the server said: \(first.message)"
    return failure
  }

  fileprivate func withHint(ofOccupant kind: String) -> Failure {
    var failure = self
    guard !failure.diagnostics.isEmpty, failure.diagnostics[0].hint == nil else { return self }
    let article = kind == "index" ? "an" : "a"
    failure.diagnostics[0].hint =
      "\(article) \(kind) has this name, and is not replaced by a model: drop or rename it, or give the "
      + "model another alias"
    return failure
  }
}

extension WarehouseSession {
  /// Sets right what is known of a relation: after a transaction of which nobody knows what came of it, or
  /// where another process was.
  ///
  /// `database`: the one that sessions are on. Of others, which Redshift can write to, nothing is known.
  fileprivate func lookAgain(
    for relation: Relation,
    database: String
  ) throws(Failure) -> SecondLook {
    guard relation.database?.lowercased() == database.lowercased() else { return .asKnown }
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
      let kind = try execute(kindQuery(of: relation), fetch: true).table.rows.first?.first ?? nil
      guard let kind else {
        cache.drop(relation)
        return known == nil ? .asKnown : .changed
      }
      if let occupant = SecondLook.occupants[kind] { return .occupied(by: occupant) }
      var found = relation
      found.type = kind == "v" ? .view : kind == "m" ? .materializedView : .table
      cache.add(found)
      return known == found.type ? .asKnown : .changed
    } catch { throw Failure(.database, Diagnostic(id: "database.look", message: error.message)) }
  }

  /// Asks for the letter of a relation's kind. To Redshift a materialized view is a view, whose text
  /// gives it away.
  private func kindQuery(of relation: Relation) -> String {
    let literals = SQLLiteral(adapterType: warehouse.adapterType)
    let place =
      "n.nspname = \(literals.quoted(relation.schema ?? "")) "
      + "and c.relname = \(literals.quoted(relation.identifier ?? ""))"
    guard warehouse.adapterType == "redshift" else {
      return """
        select c.relkind from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where \(place)
        """
    }
    return """
      select case when v.definition ilike '%create materialized view%' then 'm' else c.relkind end
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      left join pg_views as v on v.schemaname = n.nspname and v.viewname = c.relname
      where \(place)
      """
  }
}
