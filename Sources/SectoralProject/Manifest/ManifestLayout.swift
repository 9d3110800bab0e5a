import SectoralText
package import SectoralYAML

// The objects of manifest.json, field by field in dbt's order. They live here and not beside the
// writer because templates see the same dictionaries (`model`, `graph.nodes`).

extension Node {
  /// The node's object in the manifest; also the template variable `model`.
  package func layout() -> DatumMap {
    var map = DatumMap()
    map.reserveCapacity(44)
    func put(_ key: String, _ value: Datum) { map.append(key, value) }
    put("database", .optional(database))
    put("schema", .optional(schema))
    put("name", .string(name))
    put("resource_type", .string(resourceType.rawValue))
    put("package_name", .string(packageName))
    put("path", .string(path))
    put("original_file_path", .string(originalFilePath))
    put("unique_id", .string(uniqueID))
    put("fqn", .strings(fqn))
    put("alias", .string(alias))
    put("checksum", .map(["name": .string(checksum.name), "checksum": .string(checksum.checksum)]))
    var settings = config
    for (key, value) in changedSettings.entries { settings[key] = value }
    put("config", .map(settings))
    put("tags", .strings(tags))
    put("description", .string(description))
    put("columns", .map(columns))
    put("meta", meta)
    put("group", .optional(group))
    put("docs", config["docs"] ?? .map(["show": .bool(true), "node_color": .null]))
    put("patch_path", .optional(patchPath))
    put("build_path", .optional(buildPath))
    put("unrendered_config", .map(unrenderedConfig))
    put("created_at", .float(createdAt))
    put("relation_name", .optional(relationName))
    put("raw_code", .string(rawCode))
    put("doc_blocks", .strings(docBlocks))
    if resourceType == .seed {
      put("root_path", .optional(rootPath))
      put("depends_on", .map(["macros": .strings(dependsOnMacros)]))
      return map
    }
    put("language", .optional(language))
    put("refs", .list(refs.map(\.layout)))
    put("sources", .list(sources.map { .strings($0) }))
    put("metrics", .list(metrics.map { .strings($0) }))
    put("functions", .list(functions.map { .strings($0) }))
    put(
      "depends_on",
      .map(["macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes)])
    )
    put("compiled_path", .optional(compiledPath))
    if isCompiled {
      put("compiled", .bool(true))
      put("compiled_code", .optional(compiledCode))
      put("extra_ctes_injected", .bool(true))
      put(
        "extra_ctes",
        .list(extraCTEs.map { .map(["id": .string($0.uniqueID), "sql": .string($0.sql)]) })
      )
    }
    let contract =
      config["contract"]?.map ?? ["enforced": .bool(false), "alias_types": .bool(true)]
    put(
      "contract",
      .map([
        "enforced": contract["enforced"] ?? .bool(false),
        "alias_types": contract["alias_types"] ?? .bool(true),
        "checksum": .optional(contractChecksum),
      ])
    )
    switch resourceType {
    case .model:
      put("access", .string(access))
      put("constraints", .list(constraints))
      put("version", version ?? .null)
      put("latest_version", latestVersion ?? .null)
      put("deprecation_date", .optional(deprecationDate))
      put("primary_key", .strings(primaryKey))
      put("time_spine", timeSpine ?? .null)
    case .test where testMetadata != nil:
      put("column_name", .optional(columnName))
      put("file_key_name", .optional(fileKeyName))
      put("attached_node", .optional(attachedNode))
      if let testMetadata {
        put(
          "test_metadata",
          .map([
            "name": .string(testMetadata.name), "kwargs": .map(testMetadata.arguments),
            "namespace": .optional(testMetadata.namespace),
          ])
        )
      }
    case .operation:
      put("index", hookIndex.map(Datum.int) ?? .null)
    default: break
    }
    for (key, value) in extraFields.entries { put(key, value) }
    return map
  }
}

extension Node {
  /// The template variable `model`: what has no value is left out, as is what is null in the parts that
  /// dbt knows of. Users' own mappings (`meta`, arguments of tests) are kept as they are.
  ///
  /// `config`: in place of the node's own, for instance that of a batch.
  package func templateLayout(config: DatumMap? = nil) -> DatumMap {
    var map = layout()
    let schema = ConfigSchema.of(resourceType)
    var settings = (config ?? self.config).filter { !$1.isNull || schema[$0] == nil }
    for key in ["docs", "contract", "snapshot_meta_column_names"] {
      if let part = settings[key] { settings[key] = part.omittingNulls }
    }
    for key in ["pre-hook", "post-hook"] {
      if let hooks = settings[key] { settings[key] = hooks.omittingNullsOfItems }
    }
    if let freshness = settings["freshness"] {
      settings["freshness"] = .map(
        (freshness.map ?? [:]).mapValues { $0.omittingNulls }
      )
    }
    map["config"] = .map(settings)
    map["columns"] = .map(
      columns.mapValues { column in
        guard let parts = column.omittingNulls.map else { return column }
        return .map(parts.mapValues(of: "constraints") { $0.omittingNullsOfItems })
      }
    )
    for key in ["docs", "contract", "test_metadata", "time_spine", "returns"] {
      if let part = map[key] { map[key] = part.omittingNulls }
    }
    for key in ["constraints", "refs", "arguments"] {
      if let items = map[key] { map[key] = items.omittingNullsOfItems }
    }
    return map.filter { !$1.isNull }
  }
}

extension Datum {
  /// A mapping without the entries that are null; anything else as it is.
  fileprivate var omittingNulls: Datum {
    if case .map(let map) = self { .map(map.filter { !$1.isNull }) } else { self }
  }

  /// The same for each mapping of a list.
  fileprivate var omittingNullsOfItems: Datum {
    if case .list(let items) = self { .list(items.map(\.omittingNulls)) } else { self }
  }
}

extension DatumMap {
  fileprivate func filter(_ isKept: (String, Datum) -> Bool) -> DatumMap {
    DatumMap(entries.filter { isKept($0.key, $0.value) })
  }

  fileprivate func mapValues(_ change: (Datum) -> Datum) -> DatumMap {
    DatumMap(entries.map { (key: $0.key, value: change($0.value)) })
  }

  fileprivate func mapValues(of key: String, _ change: (Datum) -> Datum) -> DatumMap {
    guard let value = self[key] else { return self }
    var map = self
    map[key] = change(value)
    return map
  }
}

extension Reference {
  package var layout: Datum {
    .map([
      "name": .string(name), "package": .optional(package), "version": version ?? .null,
    ])
  }
}

extension SourceTable {
  /// The source's object in the manifest.
  package func layout() -> DatumMap {
    [
      "database": .optional(database), "schema": .string(schema), "name": .string(name),
      "resource_type": "source", "package_name": .string(packageName),
      "path": .string(originalFilePath), "original_file_path": .string(originalFilePath),
      "unique_id": .string(uniqueID), "fqn": .strings(fqn), "source_name": .string(sourceName),
      "source_description": .string(sourceDescription), "loader": .string(loader),
      "identifier": .string(identifier), "quoting": .map(quoting),
      "loaded_at_field": .optional(loadedAtField), "loaded_at_query": .optional(loadedAtQuery),
      "freshness": freshness, "external": external, "description": .string(description),
      "columns": .map(columns), "meta": .map(meta), "source_meta": .map(sourceMeta),
      "tags": .strings(tags), "config": .map(config), "patch_path": .optional(patchPath),
      "unrendered_config": .map(unrenderedConfig), "relation_name": .optional(relationName),
      "created_at": .float(createdAt), "unrendered_database": .optional(unrenderedDatabase),
      "unrendered_schema": .optional(unrenderedSchema), "doc_blocks": .strings(docBlocks),
    ]
  }
}

extension Macro {
  /// The macro's object in the manifest.
  package func layout() -> DatumMap {
    [
      "name": .string(name), "resource_type": "macro", "package_name": .string(packageName),
      "path": .string(originalFilePath), "original_file_path": .string(originalFilePath),
      "unique_id": .string(uniqueID), "macro_sql": .string(text.text),
      "depends_on": .map(["macros": .strings(dependsOnMacros)]),
      "description": .string(description), "meta": .map(meta), "docs": .map(docs),
      "config": .map(["meta": .map(meta), "docs": .map(docs)]),
      "patch_path": .optional(patchPath), "arguments": .list(arguments),
      "created_at": .float(createdAt),
      "supported_languages": supportedLanguages.map { .strings($0) } ?? .null,
    ]
  }
}

extension DocBlock {
  /// The block's object in the manifest.
  package func layout() -> DatumMap {
    [
      "name": .string(name), "resource_type": "doc", "package_name": .string(packageName),
      "path": .string(path), "original_file_path": .string(originalFilePath),
      "unique_id": .string(uniqueID), "block_contents": .string(contents),
    ]
  }
}

extension PlainResource {
  /// The resource's object in the manifest.
  package func layout() -> DatumMap {
    var map: DatumMap = [
      "name": .string(name), "resource_type": .string(resourceType.rawValue),
      "package_name": .string(packageName), "path": .string(path),
      "original_file_path": .string(originalFilePath), "unique_id": .string(uniqueID),
    ]
    if resourceType == .unitTest {
      map["fqn"] = .strings(fqn)
      for (key, value) in fields.entries { map[key] = value }
      map["depends_on"] = .map([
        "macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes),
      ])
      map["config"] = .map(config)
      return map
    }
    if resourceType == .group {
      for (key, value) in fields.entries { map[key] = value }
      map["config"] = .map(config)
      return map
    }
    map["fqn"] = .strings(fqn)
    if [.metric, .semanticModel, .savedQuery].contains(resourceType) {
      for (key, value) in fields.entries {
        switch key {
        case "config": map[key] = .map(config)
        case "tags": map[key] = .strings(tags)
        case "refs": map[key] = .list(refs.map(\.layout))
        case "depends_on":
          map[key] = .map([
            "macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes),
          ])
        default: map[key] = value
        }
      }
      return map
    }
    // Own fields stand between the common ones.
    let last: Set = ["unrendered_config", "url", "metrics", "created_at"]
    for (key, value) in fields.entries where !last.contains(key) { map[key] = value }
    map["tags"] = .strings(tags)
    map["config"] = .map(config)
    map["unrendered_config"] = fields["unrendered_config"]
    map["url"] = fields["url"]
    map["depends_on"] = .map([
      "macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes),
    ])
    map["refs"] = .list(refs.map(\.layout))
    map["sources"] = .list(sources.map { .strings($0) })
    map["metrics"] = fields["metrics"]
    map["created_at"] = fields["created_at"]
    return map
  }

  /// Below the resource directory, which is the part of the file's path that the fqn leaves out.
  /// Relative to the folder of its kind.
  package var path: String {
    let file = originalFilePath.split(separator: "/").last.map(String.init) ?? originalFilePath
    return (fqn.dropFirst().dropLast() + [file]).joined(separator: "/")
  }
}

extension Datum {
  /// A string, or null.
  package static func optional(_ text: String?) -> Datum { text.map(Datum.string) ?? .null }
  package static func strings(_ texts: [String]) -> Datum { .list(texts.map(Datum.string)) }
}
