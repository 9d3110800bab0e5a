import SectoralProject
package import SectoralWarehouse
package import SectoralYAML

/// One entry of sources.json: how old the newest row of a source is.
package struct FreshnessRow: Sendable {
  package var uniqueID: String
  /// ISO 8601 with an offset.
  package var maxLoadedAt: String
  package var snapshottedAt: String
  /// In seconds.
  package var age: Double
  package var status: String
  package var criteria: Datum
  package var timing: [RunResultRow.Timing]
  package var threadID: String
  /// In seconds.
  package var executionTime: Double
  package var adapterResponse: AdapterResponse?

  package init(
    uniqueID: String,
    maxLoadedAt: String,
    snapshottedAt: String,
    age: Double,
    status: String,
    criteria: Datum,
    timing: [RunResultRow.Timing],
    threadID: String,
    executionTime: Double,
    adapterResponse: AdapterResponse?
  ) {
    self.uniqueID = uniqueID
    self.maxLoadedAt = maxLoadedAt
    self.snapshottedAt = snapshottedAt
    self.age = age
    self.status = status
    self.criteria = criteria
    self.timing = timing
    self.threadID = threadID
    self.executionTime = executionTime
    self.adapterResponse = adapterResponse
  }

  fileprivate var layout: DatumMap {
    [
      "unique_id": .string(uniqueID), "max_loaded_at": .string(maxLoadedAt),
      "snapshotted_at": .string(snapshottedAt), "max_loaded_at_time_ago_in_s": .float(age),
      "status": .string(status), "criteria": criteria,
      "adapter_response": .map(adapterResponse.layout), "timing": timing.layout,
      "thread_id": .string(threadID), "execution_time": .float(executionTime),
    ]
  }
}

/// Writes sources.json v3.
package enum SourcesWriter {
  /// `elapsed` is in seconds.
  package static func bytes(
    _ rows: [FreshnessRow],
    _ metadata: ArtifactMetadata,
    elapsed: Double
  ) -> [UInt8] {
    var out = JSONBuffer(asciiOnly: false)
    out.append(
      .map([
        "metadata": .map(metadata.layout(.sources)),
        "results": .list(rows.map { .map($0.layout) }),
        "elapsed_time": .float(elapsed),
      ])
    )
    return metadata.mask.json(out.finish())
  }
}
