package import SectoralYAML

/// How a configuration of a stronger level joins that of a weaker one (spec: project, section 6).
package enum ConfigMerge: Sendable {
  case replace
  /// Lists grow; a scalar counts as a list of one.
  case append
  /// Mappings join, key by key.
  case update
  /// Per privilege: replaced, or grown where the key is written `+select`.
  case grants
}

/// What values a configuration takes.
package enum ConfigType: Sendable {
  case any
  case bool
  case text
  case int
  case map
  case textOrList
  case listOfText
  case hooks
  case severity
  case access
  case docs
  case onError
  case versionPointer
}

/// A configuration that dbt knows, with its default.
package struct ConfigField: Sendable {
  package let name: String
  package let initial: Datum
  package let merge: ConfigMerge
  package let type: ConfigType
  package let isNullable: Bool

  init(
    _ name: String,
    _ initial: Datum = .null,
    _ type: ConfigType,
    merge: ConfigMerge = .replace,
    nullable: Bool = true
  ) {
    self.name = name
    self.initial = initial
    self.merge = merge
    self.type = type
    // What is joined with what was there before needs something to join.
    self.isNullable = nullable && merge == .replace
  }
}

/// The configurations of each kind of resource, in dbt's order of declaration.
package struct ConfigSchema: Sendable {
  package let fields: [ConfigField]
  /// What dbt knows from a later version on: without a default, so that a configuration which does not
  /// use them is that of dbt 1.11.
  package let laterFields: [ConfigField]
  /// A configuration with nothing but defaults, in the order of the fields.
  package let defaults: DatumMap
  private let indexes: [String: Int]

  init(_ fields: [ConfigField], later laterFields: [ConfigField] = []) {
    self.fields = fields
    self.laterFields = laterFields
    defaults = DatumMap(fields.map { (key: $0.name, value: $0.initial) })
    indexes = Dictionary(
      fields.enumerated().map { ($1.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  package subscript(name: String) -> ConfigField? {
    indexes[name].map { fields[$0] } ?? laterFields.first { $0.name == name }
  }

  package static func of(_ type: ResourceType) -> ConfigSchema {
    switch type {
    case .model: model
    case .seed: seed
    case .snapshot: snapshot
    case .test: test
    case .source: source
    case .function: function
    case .analysis, .operation, .sqlOperation: node
    case .exposure: exposure
    case .group: group
    case .savedQuery: savedQuery
    case .unitTest: unitTest
    default: plain
    }
  }

  private static let emptyMap = Datum.map(DatumMap())
  private static let emptyList = Datum.list([])

  private static let common: [ConfigField] = [
    ConfigField("enabled", .bool(true), .bool, nullable: false),
    ConfigField("alias", .text),
    ConfigField("schema", .text),
    ConfigField("database", .text),
    ConfigField("tags", emptyList, .textOrList, merge: .append),
    ConfigField("meta", emptyMap, .map, merge: .update),
    ConfigField("group", .text),
    ConfigField("static_analysis", .any),
  ]

  private static func nodeFields(materialized: String) -> [ConfigField] {
    common + [
      ConfigField("materialized", .string(materialized), .text, nullable: false),
      ConfigField("incremental_strategy", .text),
      ConfigField("batch_size", .any),
      ConfigField("lookback", .int(1), .any),
      ConfigField("begin", .any),
      ConfigField("persist_docs", emptyMap, .map, nullable: false),
      ConfigField("post-hook", emptyList, .hooks, merge: .append),
      ConfigField("pre-hook", emptyList, .hooks, merge: .append),
      ConfigField("quoting", emptyMap, .map, merge: .update),
      ConfigField("column_types", emptyMap, .map, merge: .update),
      ConfigField("full_refresh", .bool),
      ConfigField("unique_key", .textOrList),
      ConfigField("on_schema_change", "ignore", .text),
      ConfigField("on_configuration_change", "apply", .text),
      ConfigField("grants", emptyMap, .map, merge: .grants),
      ConfigField("packages", emptyList, .textOrList, merge: .append),
      ConfigField("docs", ["show": .bool(true), "node_color": .null], .docs, merge: .update),
      ConfigField(
        "contract",
        ["enforced": .bool(false), "alias_types": .bool(true)],
        .map,
        merge: .update
      ),
      ConfigField("event_time", .any),
      ConfigField("concurrent_batches", .any),
    ]
  }

  private static let node = ConfigSchema(nodeFields(materialized: "view"))
  private static let model = ConfigSchema(
    nodeFields(materialized: "view") + [
      ConfigField("access", "protected", .access),
      ConfigField("freshness", .any),
    ],
    later: [
      ConfigField("on_error", .onError),
      ConfigField("latest_version_pointer", .null, .versionPointer, merge: .update),
    ]
  )
  private static let seed = ConfigSchema(
    nodeFields(materialized: "seed") + [
      ConfigField("delimiter", ",", .text),
      ConfigField("quote_columns", .bool),
    ]
  )
  private static let function = ConfigSchema(
    nodeFields(materialized: "function") + [
      ConfigField("type", "scalar", .text), ConfigField("volatility", .text),
      ConfigField("runtime_version", .text), ConfigField("entry_point", .text),
    ]
  )
  private static let snapshot = ConfigSchema(
    nodeFields(materialized: "snapshot") + [
      ConfigField("strategy", .text),
      ConfigField("target_schema", .text),
      ConfigField("target_database", .text),
      ConfigField("updated_at", .text),
      ConfigField("check_cols", .textOrList),
      ConfigField(
        "snapshot_meta_column_names",
        [
          "dbt_valid_to": .null, "dbt_valid_from": .null, "dbt_scd_id": .null,
          "dbt_updated_at": .null, "dbt_is_deleted": .null,
        ],
        .map
      ),
      ConfigField("dbt_valid_to_current", .text),
    ]
  )
  private static let test = ConfigSchema(
    common.map { $0.name == "schema" ? ConfigField("schema", "dbt_test__audit", .text) : $0 } + [
      ConfigField("materialized", "test", .text, nullable: false),
      ConfigField("severity", "ERROR", .severity, nullable: false),
      ConfigField("store_failures", .bool),
      ConfigField("store_failures_as", .text),
      ConfigField("where", .text),
      ConfigField("limit", .int),
      ConfigField("fail_calc", "count(*)", .text, nullable: false),
      ConfigField("warn_if", "!= 0", .text, nullable: false),
      ConfigField("error_if", "!= 0", .text, nullable: false),
    ]
  )
  private static let threshold: Datum = ["count": .null, "period": .null]
  private static let source = ConfigSchema([
    ConfigField("enabled", .bool(true), .bool, nullable: false),
    ConfigField("event_time", .any),
    ConfigField(
      "freshness",
      ["warn_after": threshold, "error_after": threshold, "filter": .null],
      .any
    ),
    ConfigField("loaded_at_field", .text),
    ConfigField("loaded_at_query", .text),
    ConfigField("meta", emptyMap, .map, merge: .update),
    ConfigField("tags", emptyList, .textOrList),
    ConfigField("static_analysis", .any),
  ])
  private static let exposure = ConfigSchema([
    ConfigField("enabled", .bool(true), .bool, nullable: false),
    ConfigField("tags", emptyList, .textOrList, merge: .append),
    ConfigField("meta", emptyMap, .map, merge: .update),
  ])
  private static let group = ConfigSchema([ConfigField("meta", emptyMap, .map, merge: .update)])
  private static let unitTest = ConfigSchema([
    ConfigField("tags", emptyList, .textOrList, merge: .append),
    ConfigField("meta", emptyMap, .map, merge: .update),
    ConfigField("enabled", .bool(true), .bool, nullable: false),
    ConfigField("static_analysis", .any),
  ])
  private static let savedQuery = ConfigSchema(
    plain.fields + [
      ConfigField("export_as", .text), ConfigField("schema", .text),
      ConfigField("cache", ["enabled": .bool(false)], .map),
    ]
  )
  private static let plain = ConfigSchema([
    ConfigField("enabled", .bool(true), .bool, nullable: false),
    ConfigField("group", .text),
    ConfigField("meta", emptyMap, .map, merge: .update),
  ])
}

extension ConfigField {
  fileprivate init(_ name: String, _ type: ConfigType) { self.init(name, .null, type) }
}

extension Datum: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, Datum)...) {
    self = .map(DatumMap(elements.map { (key: $0.0, value: $0.1) }))
  }
}
