import SectoralProject
import SectoralYAML

/// What stands in the database for the project's resources.
package struct Catalog: Sendable {
  private var tables: [String: Table] = [:]
  private var order: [String] = []
  /// What could not be asked, in the words of the database.
  package var errors: [String] = []

  private struct Table: Sendable {
    var metadata: DatumMap
    var columns = DatumMap()
    var stats: DatumMap
  }

  package init() {}

  /// Takes one row of the catalog query: a column of the relation of a resource.
  package mutating func add(_ cells: [String: String?], to id: String) {
    func cell(_ name: String) -> Datum { .optional(cells[name] ?? nil) }
    if tables[id] == nil {
      order.append(id)
      tables[id] = Table(
        metadata: [
          "type": cell("table_type"), "schema": cell("table_schema"), "name": cell("table_name"),
          "database": cell("table_database"), "comment": cell("table_comment"),
          "owner": cell("table_owner"),
        ],
        stats: Self.stats(cells)
      )
    }
    guard let name = cells["column_name"] ?? nil else { return }
    let index = (cells["column_index"] ?? nil).flatMap { Int($0) }
    tables[id]?.columns[name] = .map([
      "type": cell("column_type"), "index": index.map(Datum.int) ?? .null,
      "name": .string(name), "comment": cell("column_comment"),
    ])
  }

  /// Columns named `stats:id:property`, which Redshift's query has.
  private static func stats(_ cells: [String: String?]) -> DatumMap {
    var found: [String: [String: String]] = [:]
    for (name, value) in cells {
      let parts = name.split(separator: ":", maxSplits: 2).map(String.init)
      guard parts.count == 3, parts[0] == "stats" else { continue }
      found[parts[1], default: [:]][parts[2]] = value
    }
    var stats = DatumMap()
    for (id, properties) in found.sorted(by: { $0.key < $1.key }) {
      let isIncluded = ["t", "true", "1"].contains((properties["include"] ?? "").lowercased())
      guard isIncluded else { continue }
      let text = properties["value"]
      let value = text.flatMap { Int($0).map(Datum.int) ?? Double($0).map(Datum.float) }
      stats[id] = .map([
        "id": .string(id), "label": .string(properties["label"] ?? id),
        "value": value ?? .optional(text), "include": .bool(true),
        "description": .optional(properties["description"]),
      ])
    }
    stats["has_stats"] = .map([
      "id": "has_stats", "label": "Has Stats?", "value": .bool(!stats.entries.isEmpty),
      "include": .bool(false),
      "description": "Indicates whether there are statistics for this table",
    ])
    return stats
  }

  fileprivate func layouts(ofSources: Bool) -> DatumMap {
    var map = DatumMap()
    for id in order where id.hasPrefix("source.") == ofSources {
      guard let table = tables[id] else { continue }
      map[id] = .map([
        "metadata": .map(table.metadata), "columns": .map(table.columns),
        "stats": .map(table.stats), "unique_id": .string(id),
      ])
    }
    return map
  }
}

/// Writes catalog.json v1.
package enum CatalogWriter {
  package static func bytes(_ catalog: Catalog, _ metadata: ArtifactMetadata) -> [UInt8] {
    var out = JSONBuffer(asciiOnly: false)
    out.append(
      .map([
        "metadata": .map(metadata.layout(.catalog)),
        "nodes": .map(catalog.layouts(ofSources: false)),
        "sources": .map(catalog.layouts(ofSources: true)),
        "errors": catalog.errors.isEmpty ? .null : .strings(catalog.errors),
      ])
    )
    return metadata.mask.json(out.finish())
  }
}
