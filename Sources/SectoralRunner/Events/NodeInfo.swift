import SectoralProject
package import SectoralYAML

/// What events say about a node: enough for `node_info` of JSON logs and for the words of console
/// lines, and cheap to copy.
package struct NodeInfo: Sendable {
  /// Where a node stands; the texts are dbt's `node_status`.
  package enum Phase: Sendable, Hashable {
    case none
    case started
    case compiling
    case executing
    case finished(RunStatus)
  }

  /// What does not change while a node runs.
  private struct Facts {
    var uniqueID: String
    /// dbt's word: `model`, `seed`, `snapshot`, `test`, `unit_test`, `operation`, `exposure`, ...
    var resourceType: String
    var packageName: String
    var name: String
    /// What lines call it where that is not the name: `orders::my_case` for a unit test,
    /// `lab.on-run-start.0` for a hook, `raw.orders` for a source.
    var label: String?
    /// Relative to the folder of its kind (`staging/stg_orders.sql`).
    var path: String
    /// Relative to the project (`models/staging/stg_orders.sql`).
    var originalFilePath: String
    /// `view`, `table`, `incremental`, ... or the resource's own word (`seed`, `test`); empty when it
    /// has none.
    var materialized: String
    /// `sql`; the console says it in front of the materialization.
    var language: String
    var database: String
    var schema: String
    var alias: String
    /// With quotes; nil for what is no relation of its own.
    var relationName: String?
    /// Whether the database differs from the target's: only then lines show it.
    var showsDatabase: Bool
    var checksum: String
    var meta: DatumMap
    /// The node a generic test belongs to.
    var attachedNode: String?
    /// A model that is built in batches.
    var isBatched: Bool
    /// Name and owner of the group that the node belongs to.
    var group: DatumMap?
    var snapshotConfig: DatumMap = [:]
  }

  /// Facts in one place for all copies: events are copied from hand to hand.
  private final class Shared: Sendable {
    let facts: Facts
    init(_ facts: Facts) { self.facts = facts }
  }

  private var shared: Shared
  package var phase: Phase
  package var startedAt: Timestamp?
  package var finishedAt: Timestamp?

  package init(
    uniqueID: String,
    resourceType: String,
    packageName: String,
    name: String,
    label: String? = nil,
    path: String = "",
    originalFilePath: String = "",
    materialized: String = "",
    language: String = "sql",
    database: String = "",
    schema: String = "",
    alias: String = "",
    relationName: String? = nil,
    showsDatabase: Bool = false,
    checksum: String = "",
    meta: DatumMap = DatumMap(),
    attachedNode: String? = nil,
    isBatched: Bool = false,
    phase: Phase = .none,
    startedAt: Timestamp? = nil,
    finishedAt: Timestamp? = nil
  ) {
    shared = Shared(
      Facts(
        uniqueID: uniqueID,
        resourceType: resourceType,
        packageName: packageName,
        name: name,
        label: label,
        path: path,
        originalFilePath: originalFilePath,
        materialized: materialized,
        language: language,
        database: database,
        schema: schema,
        alias: alias,
        relationName: relationName,
        showsDatabase: showsDatabase,
        checksum: checksum,
        meta: meta,
        attachedNode: attachedNode,
        isBatched: isBatched
      )
    )
    self.phase = phase
    self.startedAt = startedAt
    self.finishedAt = finishedAt
  }

  private mutating func change(_ body: (inout Facts) -> Void) {
    var changed = shared.facts
    body(&changed)
    shared = Shared(changed)
  }

  /// Takes over the kind and the names of what was made to be run.
  mutating func become(_ node: Node) {
    change { facts in
      facts.materialized = node.materialized
      facts.path = node.path
      facts.alias = node.alias
      facts.database = node.database ?? ""
    }
  }

  package var uniqueID: String { shared.facts.uniqueID }
  package var resourceType: String { shared.facts.resourceType }
  package var packageName: String { shared.facts.packageName }
  package var name: String { shared.facts.name }
  package var label: String? {
    get { shared.facts.label }
    set { if newValue != label { change { $0.label = newValue } } }
  }
  package var path: String { shared.facts.path }
  package var originalFilePath: String { shared.facts.originalFilePath }
  package var materialized: String { shared.facts.materialized }
  package var language: String { shared.facts.language }
  package var database: String { shared.facts.database }
  package var schema: String { shared.facts.schema }
  package var alias: String { shared.facts.alias }
  package var relationName: String? {
    get { shared.facts.relationName }
    set { if newValue != relationName { change { $0.relationName = newValue } } }
  }
  package var showsDatabase: Bool {
    get { shared.facts.showsDatabase }
    set { if newValue != showsDatabase { change { $0.showsDatabase = newValue } } }
  }
  package var checksum: String { shared.facts.checksum }
  package var meta: DatumMap { shared.facts.meta }
  package var attachedNode: String? { shared.facts.attachedNode }
  package var isBatched: Bool { shared.facts.isBatched }
  package var group: DatumMap? {
    get { shared.facts.group }
    set { if newValue != group { change { $0.group = newValue } } }
  }
  /// Of snapshots: their settings, which dbt tells with the result.
  package var snapshotConfig: DatumMap {
    get { shared.facts.snapshotConfig }
    set { if newValue != snapshotConfig { change { $0.snapshotConfig = newValue } } }
  }
}

/// A node under work: what events about it carry at this moment, whoever emits them.
final class NodeProgress: Sendable {
  private let state: SleepingMutex<NodeInfo>

  init(_ info: NodeInfo) { state = SleepingMutex(info) }

  var info: NodeInfo { state.withLock { $0 } }

  /// Notes that the work goes on to another phase. Returns what is said of the node from here on.
  func enter(_ phase: NodeInfo.Phase) -> NodeInfo {
    state.withLock { info in
      info.phase = phase
      return info
    }
  }
}
