import SectoralProject
import SectoralYAML

/// A resource beside the one of the earlier manifest that has the same id: what of them is the same,
/// by dbt's rules for each type.
struct Resemblance {
  let new: DatumMap
  /// nil: the resource is new.
  let old: DatumMap?
  let type: ResourceType
  let isGenericTest: Bool
  let comparesMoreUnrenderedValues: Bool

  // MARK: Which parts there are

  /// A node in the manifest's sense.
  var isNode: Bool {
    switch type {
    case .model, .seed, .snapshot, .test, .analysis, .operation, .sqlOperation, .function: true
    default: false
    }
  }

  var hasBody: Bool { isNode }
  var hasConfig: Bool { type != .unitTest }
  var hasDescriptions: Bool { isNode }
  var hasRelation: Bool { isNode || type == .source }

  // MARK: What is the same

  var hasSameContents: Bool {
    guard let old else { return !countsAsModifiedWhenNew }
    switch type {
    case .source:
      return hasSameRelation && hasSameConfig && same("fqn", "freshness", "quoting", "external")
    case .exposure:
      return hasSameConfig
        && same("fqn", "owner", "maturity", "url", "description", "label", "depends_on", "type")
    case .metric:
      return hasSameConfig
        && same("metadata", "type", "type_params", "description", "label")
    case .semanticModel:
      return hasSameConfig
        && same(
          "model",
          "description",
          "defaults",
          "entities",
          "dimensions",
          "measures",
          "primary_entity",
          "group"
        )
    case .savedQuery:
      return hasSameConfig && same("query_params", "description", "label", "group")
        && Self.exports(new) == Self.exports(old)
    case .unitTest: return same("checksum")
    default: break
    }
    if isGenericTest { return hasSameConfig && same("fqn") }
    guard hasSameBody, hasSameConfig, hasSamePersistedDescriptions, same("fqn"), hasSameRelation
    else { return false }
    if type == .model {
      return same("latest_version", "deprecation_date") && Self.access(new) == Self.access(old)
    }
    if type == .function { return hasSameSignature }
    return old["resource_type"] == new["resource_type"]
  }

  /// Manifests of before dbt 1.5 have no access: every model was what is the default since.
  private static func access(_ model: DatumMap) -> String {
    model["access"]?.string ?? "protected"
  }

  /// What is null was left out by an earlier version.
  private var hasSameSignature: Bool {
    guard let old, same("returns") else { return false }
    func arguments(_ map: DatumMap) -> [DatumMap] {
      (map["arguments"]?.list ?? []).map { argument in
        DatumMap(lastWins: (argument.map ?? [:]).entries.filter { !$0.value.isNull })
      }
    }
    return arguments(new) == arguments(old)
  }

  /// Other resources that are new count as the same.
  private var countsAsModifiedWhenNew: Bool { isNode || type == .unitTest }

  var hasSameBody: Bool {
    guard let old else { return false }
    return type == .seed ? new["checksum"] == old["checksum"] : new["raw_code"] == old["raw_code"]
  }

  var hasSameConfig: Bool {
    guard let old else { return false }
    let mine = new["unrendered_config"]?.map ?? [:]
    let other = old["unrendered_config"]?.map ?? [:]
    if isGenericTest {
      return Self.testConfigs.allSatisfy { mine[$0] == other[$0] }
    }
    let isCompared = { (key: String) in
      key == "tags" ? !isNode : !Self.uncomparedConfigs.contains(key)
    }
    return mine.entries.allSatisfy { !isCompared($0.key) || other[$0.key] == $0.value }
      && other.entries.allSatisfy { !isCompared($0.key) || mine[$0.key] != nil }
  }

  /// What the tests' results depend on.
  private static let testConfigs = [
    "severity", "where", "limit", "fail_calc", "warn_if", "error_if", "store_failures",
    "store_failures_as",
  ]

  /// Nor the tags of nodes.
  private static let uncomparedConfigs: Set = ["alias", "schema", "database", "group"]

  /// Descriptions count where `persist_docs` puts them into the database.
  var hasSamePersistedDescriptions: Bool {
    guard let old else { return false }
    let persisted = new["config"]?["persist_docs"]
    if persisted?["relation"]?.bool == true, new["description"] != old["description"] {
      return false
    }
    guard persisted?["columns"]?.bool == true else { return true }
    return Self.columnDescriptions(new) == Self.columnDescriptions(old)
  }

  private static func columnDescriptions(_ map: DatumMap) -> DatumMap {
    DatumMap(
      lastWins: (map["columns"]?.map ?? [:]).entries.map {
        (key: $0.key, value: $0.value["description"] ?? "")
      }
    )
  }

  /// What is written of the exports of a saved query, by name: the target fills in the rest.
  private static func exports(_ map: DatumMap) -> DatumMap {
    DatumMap(
      lastWins: (map["exports"]?.list ?? []).map {
        (key: $0["name"]?.string ?? "", value: $0["unrendered_config"] ?? .map([:]))
      }
    )
  }

  var hasSameRelation: Bool {
    guard let old else { return false }
    if type == .source {
      if comparesMoreUnrenderedValues {
        return same("unrendered_database", "unrendered_schema", "identifier")
      }
      return same("database", "schema", "identifier")
    }
    let mine = new["unrendered_config"]?.map ?? [:]
    let other = old["unrendered_config"]?.map ?? [:]
    return ["database", "schema", "alias"].allSatisfy { mine[$0] == other[$0] }
  }

  private func same(_ keys: String...) -> Bool {
    guard let old else { return false }
    // An older manifest leaves out what did not exist.
    return keys.allSatisfy { (new[$0] ?? .null) == (old[$0] ?? .null) }
  }
}
