package import SectoralProject
package import SectoralYAML

/// The run_results.json of an earlier run.
package struct EarlierRunResults: Sendable {
  package struct Row: Sendable {
    package let uniqueID: String
    package let status: String
    /// Of microbatch models: which batches went well and which did not.
    package let batches: Datum
  }

  package let path: String
  package let rows: [Row]
  /// The flags of that run, under dbt's names.
  package let arguments: DatumMap
  /// When that run, or the first of those that it retried, was called; ISO 8601.
  package let invocationStartedAt: String?

  package static let versions = 4...6

  package init(path: String) throws(Failure) {
    let bytes = try FileSystem.read(path)
    var metadata = Datum.null
    var rows: [Row] = []
    var arguments = DatumMap()
    do throws(JSONError) {
      try JSONReader.read(bytes) { (reader) throws(JSONError) in
        guard reader.isObject else { return }
        try reader.members { (key, reader) throws(JSONError) in
          switch key {
          case "metadata": metadata = try reader.value()
          case "args": arguments = try reader.value().map ?? [:]
          case "results":
            try reader.items { (reader) throws(JSONError) in
              rows.append(try Self.row(&reader))
            }
          default: return
          }
        }
      }
    } catch {
      throw ArtifactFailure.notJSON(error, path, bytes)
    }
    _ = try ArtifactFailure.version(
      of: metadata["dbt_schema_version"]?.string,
      path: path,
      bytes: bytes,
      artifact: "run-results",
      accepted: Self.versions
    )
    self.path = path
    self.rows = rows
    self.arguments = arguments
    invocationStartedAt = metadata["invocation_started_at"]?.string
  }

  init(path: String, rows: [Row], arguments: DatumMap, invocationStartedAt: String?) {
    self.path = path
    self.rows = rows
    self.arguments = arguments
    self.invocationStartedAt = invocationStartedAt
  }

  private static func row(_ reader: inout JSONReader) throws(JSONError) -> Row {
    var id = ""
    var status = ""
    var batches = Datum.null
    try reader.members { (key, reader) throws(JSONError) in
      switch key {
      case "unique_id": id = try reader.value().string ?? ""
      case "status": status = try reader.value().string ?? ""
      case "batch_results": batches = try reader.value()
      default: return
      }
    }
    return Row(uniqueID: id, status: status, batches: batches)
  }
}

/// The sources.json of an earlier `source freshness`.
package struct EarlierSources: Sendable {
  package struct Row: Sendable {
    package let uniqueID: String
    package let status: String
    /// ISO 8601 with an offset; nil where the query failed.
    package let maxLoadedAt: String?
  }

  package let rows: [Row]

  package static let versions = 1...3

  package init(path: String) throws(Failure) {
    let bytes = try FileSystem.read(path)
    let root: Datum
    do throws(JSONError) { root = try JSON.parse(bytes) } catch {
      throw ArtifactFailure.notJSON(error, path, bytes)
    }
    _ = try ArtifactFailure.version(
      of: root["metadata"]?["dbt_schema_version"]?.string,
      path: path,
      bytes: bytes,
      artifact: "sources",
      accepted: Self.versions
    )
    rows = (root["results"]?.list ?? []).map { item in
      Row(
        uniqueID: item["unique_id"]?.string ?? "",
        status: item["status"]?.string ?? "",
        maxLoadedAt: item["max_loaded_at"]?.string
      )
    }
  }
}
