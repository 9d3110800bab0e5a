package import SectoralYAML

// What semantic_manifest.json holds.

extension Manifest {
  /// The models that say they are a time spine.
  package var timeSpines: [Node] {
    nodes.filter { $0.resourceType == .model && !($0.timeSpine ?? .null).isNull }
  }

  /// The companion file for the semantic layer.
  package func semanticLayout() -> DatumMap {
    let spines = timeSpines.map { node -> Datum in
      let column = node.timeSpine?["standard_granularity_column"] ?? .null
      let granularity = column.string.flatMap { node.columns[$0]?["granularity"] }
      return [
        "node_relation": node.semanticRelation,
        "primary_column": ["name": column, "time_granularity": granularity ?? .null],
        "custom_granularities": .list(
          (node.timeSpine?["custom_granularities"]?.list ?? []).map { part -> Datum in
            ["name": part["name"] ?? .null, "column_name": part["column_name"] ?? .null]
          }
        ),
      ]
    }
    let old = nodes.filter(\.isOldTimeSpine).prefix(semanticModels.isEmpty ? 0 : 1).map {
      node -> Datum in
      ["location": .optional(node.relationName), "column_name": "date_day", "grain": "day"]
    }
    return [
      "semantic_models": .list(semanticModels.map { .map($0.semanticModelLayout) }),
      "metrics": .list(metrics.map { .map($0.metricLayout) }),
      "project_configuration": [
        "time_spine_table_configurations": .list(Array(old)), "metadata": .null,
        "dsi_package_version": [
          "major_version": "0", "minor_version": "9", "patch_version": "0",
        ],
        "time_spines": .list(spines),
      ],
      "saved_queries": .list(savedQueries.map { .map($0.savedQueryLayout) }),
    ]
  }
}

extension Node {
  /// Where the node's relation is, as the semantic layer writes it.
  package var semanticRelation: Datum {
    .map([
      "alias": .string(alias), "schema_name": .optional(schema), "database": .optional(database),
      "relation_name": .optional(relationName),
    ])
  }

  /// By its name alone, as before time spines were described.
  package var isOldTimeSpine: Bool {
    resourceType == .model && name == "metricflow_time_spine" && (timeSpine ?? .null).isNull
  }
}

extension PlainResource {
  private func picked(_ keys: [String]) -> DatumMap {
    var map: DatumMap = ["name": .string(name)]
    for key in keys { map[key] = fields[key] ?? .null }
    return map
  }

  private var metaConfig: Datum { ["meta": config["meta"] ?? .map(DatumMap())] }

  fileprivate var semanticModelLayout: DatumMap {
    var map = picked([
      "defaults", "description", "node_relation", "primary_entity", "entities", "measures",
      "dimensions", "label", "metadata",
    ])
    for key in ["entities", "measures"] {
      map[key] = .list(
        (map[key]?.list ?? []).map { part -> Datum in
          var part = part.map ?? DatumMap()
          part["metadata"] = .null
          return .map(part)
        }
      )
    }
    map["config"] = metaConfig
    return map
  }

  fileprivate var metricLayout: DatumMap {
    var map = picked([
      "description", "type", "type_params", "filter", "metadata", "label", "time_granularity",
    ])
    var parameters = map["type_params"]?.map ?? DatumMap()
    parameters["metric_aggregation_params"] = nil
    if var cumulative = parameters["cumulative_type_params"]?.map {
      cumulative["metric"] = nil
      parameters["cumulative_type_params"] = .map(cumulative)
    }
    map["type_params"] = .map(parameters)
    map["config"] = metaConfig
    return map
  }

  fileprivate var savedQueryLayout: DatumMap {
    var map = picked(["description", "query_params", "label", "metadata", "exports"])
    map["exports"] = .list(
      (map["exports"]?.list ?? []).map { export -> Datum in
        let config = export["config"]
        return [
          "name": export["name"] ?? .null,
          "config": [
            "export_as": config?["export_as"] ?? .null,
            "schema_name": config?["schema_name"] ?? .null, "alias": config?["alias"] ?? .null,
          ],
        ]
      }
    )
    map["tags"] = .strings(tags)
    return map
  }
}
