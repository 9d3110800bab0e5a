package import SectoralProject
package import SectoralWarehouse
package import SectoralYAML

/// One entry of run_results.json (spec: artifacts, section 9).
package struct RunResultRow: Sendable {
  package struct Timing: Sendable {
    package var name: String
    package var startedAt: String
    package var completedAt: String

    package init(name: String, startedAt: String, completedAt: String) {
      self.name = name
      self.startedAt = startedAt
      self.completedAt = completedAt
    }
  }

  package var uniqueID: String
  package var status: String
  package var timing: [Timing]
  package var threadID: String
  /// In seconds.
  package var executionTime: Double
  package var adapterResponse: AdapterResponse?
  package var message: String?
  package var failures: Int?
  /// nil for what cannot be compiled.
  package var compiled: Bool?
  package var compiledCode: String?
  package var relationName: String?
  /// `batch_results`: of models that are built in batches.
  package var batches: Datum?
  /// Ours: further members of `adapter_response`, where the target asks for what statements took.
  package var cost: DatumMap?

  package init(
    uniqueID: String,
    status: String,
    timing: [Timing],
    threadID: String,
    executionTime: Double,
    adapterResponse: AdapterResponse?,
    message: String?,
    failures: Int?,
    compiled: Bool?,
    compiledCode: String?,
    relationName: String?,
    batches: Datum? = nil,
    cost: DatumMap? = nil
  ) {
    self.uniqueID = uniqueID
    self.status = status
    self.timing = timing
    self.threadID = threadID
    self.executionTime = executionTime
    self.adapterResponse = adapterResponse
    self.message = message
    self.failures = failures
    self.compiled = compiled
    self.compiledCode = compiledCode
    self.relationName = relationName
    self.batches = batches
    self.cost = cost
  }

  fileprivate var layout: DatumMap {
    var response = adapterResponse.layout
    for (key, value) in cost?.entries ?? [] { response[key] = value }
    return [
      "status": .string(status), "timing": timing.layout,
      "thread_id": .string(threadID), "execution_time": .float(executionTime),
      "adapter_response": .map(response), "message": .optional(message),
      "failures": failures.map(Datum.int) ?? .null, "unique_id": .string(uniqueID),
      "compiled": compiled.map(Datum.bool) ?? .null, "compiled_code": .optional(compiledCode),
      "relation_name": .optional(relationName), "batch_results": batches ?? .null,
    ]
  }
}

extension [RunResultRow.Timing] {
  var layout: Datum {
    .list(
      map {
        .map([
          "name": .string($0.name), "started_at": .string($0.startedAt),
          "completed_at": .string($0.completedAt),
        ])
      }
    )
  }
}

extension AdapterResponse? {
  var layout: DatumMap {
    guard let self else { return [:] }
    var layout: DatumMap = ["_message": .string(self.message)]
    // Redshift's driver does not tell it.
    if !self.code.isEmpty { layout["code"] = .string(self.code) }
    layout["rows_affected"] = .int(self.rowsAffected)
    if self.showsNoQueryID { layout["query_id"] = .null }
    return layout
  }
}

/// Writes run_results.json v6.
package enum RunResultsWriter {
  private static let rowsInPart = 128

  /// `rows` gives so many rows in the order of completion, from any thread; `elapsed` is in seconds;
  /// `arguments` holds every flag with its value. The file's parts are made on all cores.
  package static func write(
    _ rowCount: Int,
    rows: @escaping @Sendable (Int) -> RunResultRow,
    _ metadata: ArtifactMetadata,
    elapsed: Double,
    arguments: DatumMap,
    to path: String
  ) throws(Failure) {
    let count = (rowCount + rowsInPart - 1) / rowsInPart
    try FileSystem.write(parts: count + 2, to: path) { part in
      var out = JSONBuffer(asciiOnly: false, capacity: 1 << 16)
      switch part {
      case 0:
        out.append(raw: "{\"metadata\": ")
        out.append(.map(metadata.layout(.runResults)))
        out.append(raw: ", \"results\": [")
      case count + 1:
        out.append(raw: "], \"elapsed_time\": ")
        out.append(elapsed)
        out.append(raw: ", \"args\": ")
        out.append(.map(arguments))
        out.append(raw: "}")
      default:
        let start = (part - 1) * rowsInPart
        for index in start..<min(start + rowsInPart, rowCount) {
          if index > 0 { out.append(raw: ", ") }
          out.append(.map(rows(index).layout))
        }
      }
      return metadata.mask.json(out.finish())
    }
  }
}
