import SectoralWarehouse
import SectoralYAML

/// What a node's statements took together, as the database has it.
package struct NodeCost: Sendable, Hashable {
  package var queryCount = 0
  package var elapsedMicroseconds = 0
  package var queuedMicroseconds = 0
  package var executedMicroseconds = 0
  package var scannedBytes: Int?
  package var spilledBytes: Int?

  mutating func add(_ cost: QueryCost) {
    queryCount += 1
    elapsedMicroseconds += cost.elapsedMicroseconds
    queuedMicroseconds += cost.queuedMicroseconds
    executedMicroseconds += cost.executedMicroseconds
    if let bytes = cost.scannedBytes { scannedBytes = (scannedBytes ?? 0) + bytes }
    if let bytes = cost.spilledBytes { spilledBytes = (spilledBytes ?? 0) + bytes }
  }

  /// Further members of `adapter_response`; times are in seconds.
  var layout: DatumMap {
    [
      "query_count": .int(queryCount), "elapsed_time": .float(Double(elapsedMicroseconds) / 1e6),
      "queue_time": .float(Double(queuedMicroseconds) / 1e6),
      "execution_time": .float(Double(executedMicroseconds) / 1e6),
      "bytes_scanned": scannedBytes.map { .int($0) } ?? .null,
      "bytes_spilled": spilledBytes.map { .int($0) } ?? .null,
    ]
  }

  /// The node that a statement's comment names: `"node_id": "model.p.m"`, as in dbt's own comment.
  static func node(of text: String) -> String? {
    guard let key = text.firstRange(of: "\"node_id\":"),
      let open = text[key.upperBound...].firstIndex(of: "\"")
    else { return nil }
    let name = text[text.index(after: open)...].prefix { $0 != "\"" }
    return name.isEmpty ? nil : String(name)
  }

  static func byNode(_ costs: [QueryCost]) -> [String: NodeCost] {
    var nodes: [String: NodeCost] = [:]
    for cost in costs {
      if let node = node(of: cost.text) { nodes[node, default: NodeCost()].add(cost) }
    }
    return nodes
  }

  /// The dearest nodes as a table, and the sum of all.
  static func table(_ nodes: [String: NodeCost], limit: Int = 20) -> [String] {
    let ranked = nodes.sorted {
      $0.value.executedMicroseconds == $1.value.executedMicroseconds
        ? $0.key < $1.key : $0.value.executedMicroseconds > $1.value.executedMicroseconds
    }
    var total = NodeCost()
    for (_, cost) in ranked {
      total.queryCount += cost.queryCount
      total.queuedMicroseconds += cost.queuedMicroseconds
      total.executedMicroseconds += cost.executedMicroseconds
      if let bytes = cost.scannedBytes { total.scannedBytes = (total.scannedBytes ?? 0) + bytes }
      if let bytes = cost.spilledBytes { total.spilledBytes = (total.spilledBytes ?? 0) + bytes }
    }
    var rows = [["node", "queries", "executed", "queued", "scanned", "spilled"]]
    for (name, cost) in ranked.prefix(limit) { rows.append([name] + cost.cells) }
    if ranked.count > limit {
      rows.append(["\(ranked.count - limit) others", "", "", "", "", ""])
    }
    rows.append(["all \(ranked.count) nodes"] + total.cells)
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let blanks = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + blanks : blanks + row[column]
      }.joined(separator: "  ")
    }
  }

  private var cells: [String] {
    [
      String(queryCount), Self.seconds(executedMicroseconds), Self.seconds(queuedMicroseconds),
      Self.size(scannedBytes), Self.size(spilledBytes),
    ]
  }

  private static func seconds(_ microseconds: Int) -> String {
    let hundredths = (microseconds + 5000) / 10_000
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
  }

  private static func size(_ bytes: Int?) -> String {
    guard let bytes else { return "-" }
    var number = Double(bytes)
    for unit in ["B", "kB", "MB", "GB", "TB"] {
      if number < 1000 || unit == "TB" {
        return unit == "B" ? "\(bytes) B" : "\(Double(Int(number * 10)) / 10) \(unit)"
      }
      number /= 1000
    }
    return "\(bytes) B"
  }
}
