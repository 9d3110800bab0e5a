package import SectoralProject
import SectoralText
package import SectoralYAML

/// The manifest.json of an earlier run, of which only what is asked for is read.
///
/// Versions 4 to 12 are taken, as dbt-core does: what older ones name otherwise is known under its
/// present name.
package struct EarlierManifest: Sendable {
  /// The folder's file, as messages name it.
  package let path: String
  private let bytes: [UInt8]
  /// Where each resource's object begins, by unique id.
  private let offsets: [String: Int]
  private let disabledOffsets: [String: Int]
  private let macroOffsets: [String: Int]
  /// In the order of the file.
  package let resourceIDs: [String]
  package let disabledIDs: [String]
  package let version: Int

  package static let versions = 4...12

  /// Reads the file's outline.
  package init(path: String) throws(Failure) {
    try self.init(path: path, bytes: try FileSystem.read(path))
  }

  package init(path: String, bytes: [UInt8]) throws(Failure) {
    var outline = Outline()
    do throws(JSONError) {
      try JSONReader.read(bytes) { (reader) throws(JSONError) in try outline.read(&reader) }
    } catch {
      throw ArtifactFailure.notJSON(error, path, bytes)
    }
    version = try ArtifactFailure.version(
      of: outline.schemaVersion,
      path: path,
      bytes: bytes,
      artifact: "manifest",
      accepted: Self.versions
    )
    guard outline.hasNodes else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "artifact.incomplete",
          message: "\(path) is no manifest: it has no 'nodes'",
          hint: "take the manifest.json of a whole run's target folder"
        )
      )
    }
    self.path = path
    self.bytes = bytes
    offsets = outline.offsets
    disabledOffsets = outline.disabledOffsets
    macroOffsets = outline.macroOffsets
    // Metrics of the first kind are nothing that today's could be compared with.
    let drops = version <= 9
    resourceIDs = outline.ids.filter { !drops || !$0.hasPrefix("metric.") }
    disabledIDs = outline.disabledIDs
  }

  private struct Outline {
    var schemaVersion: String?
    var offsets: [String: Int] = [:]
    var disabledOffsets: [String: Int] = [:]
    var macroOffsets: [String: Int] = [:]
    var ids: [String] = []
    var disabledIDs: [String] = []
    var hasNodes = false

    mutating func read(_ reader: inout JSONReader) throws(JSONError) {
      guard reader.isObject else { return }
      try reader.members { (key, reader) throws(JSONError) in
        guard reader.isObject else { return }
        switch key {
        case "metadata":
          schemaVersion = try reader.value()["dbt_schema_version"]?.string
        case "nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries",
          "unit_tests", "functions":
          if key == "nodes" { hasNodes = true }
          try reader.members { (id, reader) throws(JSONError) in
            offsets[id] = reader.offset
            ids.append(id)
          }
        case "macros":
          try reader.members { (id, reader) throws(JSONError) in
            macroOffsets[id] = reader.offset
          }
        case "disabled":
          try reader.members { (id, reader) throws(JSONError) in
            disabledIDs.append(id)
            // A list: several files may define a disabled resource.
            guard !reader.isObject else {
              disabledOffsets[id] = reader.offset
              return
            }
            try reader.items { (reader) throws(JSONError) in
              if disabledOffsets[id] == nil { disabledOffsets[id] = reader.offset }
            }
          }
        default: return
        }
      }
    }
  }

  package func holds(_ id: String) -> Bool { offsets[id] != nil }

  /// An enabled resource's object, without what is large and nobody compares.
  package func resource(_ id: String) throws(Failure) -> DatumMap? {
    guard let offset = offsets[id] else { return nil }
    return try object(at: offset)
  }

  /// The same of what was disabled.
  package func disabledResource(_ id: String) throws(Failure) -> DatumMap? {
    guard let offset = disabledOffsets[id] else { return nil }
    return try object(at: offset)
  }

  package var macroIDs: some Collection<String> { macroOffsets.keys }

  /// The text of a macro with its tags.
  package func macroText(_ id: String) throws(Failure) -> String? {
    guard let offset = macroOffsets[id] else { return nil }
    var text: String?
    try reading { () throws(JSONError) in
      try JSONReader.read(bytes, at: offset) { (reader) throws(JSONError) in
        try reader.members { (key, reader) throws(JSONError) in
          if key == "macro_sql" { text = try reader.value().string }
        }
      }
    }
    return text
  }

  private static let skipped: Set = [
    "compiled_code", "compiled_sql", "injected_sql", "extra_ctes", "refs", "docs", "doc_blocks",
    "created_at", "compiled_path", "build_path", "root_path", "meta",
  ]

  private func object(at offset: Int) throws(Failure) -> DatumMap {
    var entries: [(key: String, value: Datum)] = []
    try reading { () throws(JSONError) in
      try JSONReader.read(bytes, at: offset) { (reader) throws(JSONError) in
        try reader.members { (key, reader) throws(JSONError) in
          guard !Self.skipped.contains(key) else { return }
          entries.append((key == "raw_sql" ? "raw_code" : key, try reader.value()))
        }
      }
    }
    return DatumMap(lastWins: entries)
  }

  private func reading(_ body: () throws(JSONError) -> Void) throws(Failure) {
    do throws(JSONError) { try body() } catch {
      throw ArtifactFailure.notJSON(error, path, bytes)
    }
  }
}

/// What keeps an artifact of an earlier run from being used.
enum ArtifactFailure {
  static func notJSON(_ error: JSONError, _ path: String, _ bytes: [UInt8]) -> Failure {
    let offset = min(error.byteOffset, bytes.count)
    // Around the place alone: the whole artifact may be one line of many megabytes.
    let file = SourceFile(path: path, bytes: bytes)
    return Failure(
      .runtime,
      Diagnostic(
        id: "artifact.not-json",
        message: "\(path) is no JSON: \(error)",
        span: bytes.count < 100_000
          ? TextSpan(file: file, start: offset, end: min(offset + 1, bytes.count)) : nil,
        hint: "the file may have been cut off; write it again with the command that makes it"
      )
    )
  }

  /// The number in `https://schemas.getdbt.com/dbt/manifest/v12.json`, if it can be read here.
  static func version(
    of schema: String?,
    path: String,
    bytes: [UInt8],
    artifact: String,
    accepted: ClosedRange<Int>
  ) throws(Failure) -> Int {
    var place: TextSpan {
      let file = SourceFile(path: path, bytes: bytes)
      let whole = TextSpan(file: file, start: 0, end: bytes.count)
      // The metadata stand first.
      return schema.flatMap { whole.place(of: $0) } ?? TextSpan(file: file, start: 0, end: 0)
    }
    let expected =
      "https://schemas.getdbt.com/dbt/\(artifact)/v\(accepted.upperBound).json"
    let tail = schema?.split(separator: "/").suffix(2).map(String.init) ?? []
    if tail.count == 2, tail[0] == artifact, tail[1].hasPrefix("v"), tail[1].hasSuffix(".json"),
      let number = Int(tail[1].dropFirst().dropLast(5))
    {
      if accepted.contains(number) { return number }
      throw Failure(
        .runtime,
        Diagnostic(
          id: "artifact.version",
          message: """
            Expected a schema version of "\(expected)" in \(path), but found "\(schema ?? "")". \
            Are you running with a different version of dbt?
            """,
          span: place,
          hint: "versions \(accepted.lowerBound) to \(accepted.upperBound) can be read; "
            + (number > accepted.upperBound
              ? "this one is newer: write the file again with this tool"
              : "write the file again with a later dbt, or with this tool")
        )
      )
    }
    throw Failure(
      .runtime,
      Diagnostic(
        id: "artifact.version",
        message: """
          Expected a schema version of "\(expected)" in \(path), but found \
          "\(schema ?? "None")". Are you running with a different version of dbt?
          """,
        span: place,
        hint: schema == nil
          ? "the file has no 'metadata' with a 'dbt_schema_version': is it such an artifact at all?"
          : "is it the right file?"
      )
    )
  }
}
