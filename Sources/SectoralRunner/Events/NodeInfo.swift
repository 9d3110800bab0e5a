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

  package var uniqueID: String
  /// dbt's word: `model`, `seed`, `snapshot`, `test`, `unit_test`, `operation`, `exposure`, ...
  package var resourceType: String
  package var packageName: String
  package var name: String
  /// What lines call it where that is not the name: `orders::my_case` for a unit test,
  /// `lab.on-run-start.0` for a hook, `raw.orders` for a source.
  package var label: String?
  /// Relative to the folder of its kind (`staging/stg_orders.sql`).
  package var path: String
  /// Relative to the project (`models/staging/stg_orders.sql`).
  package var originalFilePath: String
  /// `view`, `table`, `incremental`, ... or the resource's own word (`seed`, `test`); empty when it
  /// has none.
  package var materialized: String
  /// `sql`; the console says it in front of the materialization.
  package var language: String
  package var database: String
  package var schema: String
  package var alias: String
  /// With quotes; nil for what is no relation of its own.
  package var relationName: String?
  /// Whether the database differs from the target's: only then lines show it.
  package var showsDatabase: Bool
  package var checksum: String
  package var meta: DatumMap
  /// The node a generic test belongs to.
  package var attachedNode: String?
  /// A model that is built in batches.
  package var isBatched: Bool
  /// Name and owner of the group that the node belongs to.
  package var group: DatumMap?

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
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.packageName = packageName
    self.name = name
    self.label = label
    self.path = path
    self.originalFilePath = originalFilePath
    self.materialized = materialized
    self.language = language
    self.database = database
    self.schema = schema
    self.alias = alias
    self.relationName = relationName
    self.showsDatabase = showsDatabase
    self.checksum = checksum
    self.meta = meta
    self.attachedNode = attachedNode
    self.isBatched = isBatched
    self.phase = phase
    self.startedAt = startedAt
    self.finishedAt = finishedAt
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
