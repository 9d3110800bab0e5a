package import SectoralProject
import SectoralText
package import SectoralYAML

/// Writes manifest.json v12 and semantic_manifest.json, straight to bytes.
package struct ManifestWriter: Sendable {
  private let manifest: Manifest
  private let metadata: ArtifactMetadata
  private let quoting: DatumMap

  /// `quoting` is the project's, as the metadata shows it.
  package init(_ manifest: Manifest, _ metadata: ArtifactMetadata, quoting: DatumMap) {
    self.manifest = manifest
    self.metadata = metadata
    self.quoting = quoting
  }

  /// The file as a whole, for those who do not write it.
  package func bytes() -> [UInt8] { parts().flatMap { metadata.mask.json($0.bytes) } }

  /// What was written, for the next time.
  package struct Written: Sendable {
    fileprivate let file: WrittenFile
    fileprivate let changes: [Int?]
  }

  /// Writes manifest.json; its parts are made on all cores.
  ///
  /// `earlier`: the same manifest as it was written before, from which the parts come that have not
  /// changed since.
  @discardableResult package func write(
    to path: String,
    earlier: Written? = nil
  ) throws(Failure) -> Written {
    let parts = parts()
    let changes = parts.map { $0.changes() }
    let known = earlier.flatMap { earlier in
      earlier.file.isUntouched && earlier.changes.count == parts.count ? earlier : nil
    }
    let file = try FileSystem.write(
      parts: parts.count,
      longest: known == nil ? parts.firstIndex { $0.isLong } : nil,
      to: path
    ) { index in
      if let known, let change = changes[index], change == known.changes[index],
        let bytes = known.file.part(index)
      {
        return bytes
      }
      return metadata.mask.json(parts[index].bytes)
    }
    return Written(file: file, changes: changes)
  }

  /// A piece of the file that can be made by itself.
  private struct Part: Sendable {
    var isLong = false
    /// Another number where its bytes may be others; nil: they always may.
    var changes: @Sendable () -> Int? = { 0 }
    let append: @Sendable (inout JSONBuffer) -> Void

    var bytes: [UInt8] {
      var out = JSONBuffer(asciiOnly: false, capacity: 1 << 16)
      append(&out)
      return out.finish()
    }
  }

  /// The same parts whatever the number of threads.
  private func parts() -> [Part] {
    let functions = manifest.nodes.filter { $0.resourceType == .function }
    let nodes =
      functions.isEmpty ? manifest.nodes : manifest.nodes.filter { $0.resourceType != .function }
    var head = Part { writeHead(to: &$0) }
    head.changes = { nil }
    var parts = [head]
    func add<Resource: Sendable>(
      _ key: StaticString,
      _ resources: [Resource],
      id: @escaping @Sendable (Resource) -> String,
      changes: @escaping @Sendable (Resource) -> Int = { _ in 0 },
      layout: @escaping @Sendable (Resource) -> DatumMap
    ) {
      parts += Self.parts(key, resources, id: id, changes: changes, layout: layout)
    }
    add(
      "nodes",
      nodes,
      id: { $0.uniqueID },
      changes: { $0.changes },
      layout: { $0.layout() }
    )
    add("sources", manifest.sources, id: { $0.uniqueID }, layout: { $0.layout() })
    add("macros", manifest.macros, id: { $0.uniqueID }, layout: { $0.layout() })
    add("docs", manifest.docs, id: { $0.uniqueID }, layout: { $0.layout() })
    add("exposures", manifest.exposures, id: { $0.uniqueID }, layout: { $0.layout() })
    add("metrics", manifest.metrics, id: { $0.uniqueID }, layout: { $0.layout() })
    add("groups", manifest.groups, id: { $0.uniqueID }, layout: { $0.layout() })
    parts.append(
      Part { out in
        out.append(raw: ", \"selectors\": ")
        out.append(.map(manifest.selectors))
        writeDisabled(to: &out)
      }
    )
    parts.append(Part(isLong: true) { writeMaps(to: &$0) })
    add("saved_queries", manifest.savedQueries, id: { $0.uniqueID }, layout: { $0.layout() })
    add("semantic_models", manifest.semanticModels, id: { $0.uniqueID }, layout: { $0.layout() })
    add("unit_tests", manifest.unitTests, id: { $0.uniqueID }, layout: { $0.layout() })
    add(
      "functions",
      functions,
      id: { $0.uniqueID },
      changes: { $0.changes },
      layout: { $0.layout() }
    )
    parts.append(Part { $0.append(raw: "}") })
    return parts
  }

  private func writeHead(to out: inout JSONBuffer) {
    out.append(raw: "{\"metadata\": ")
    var head = metadata.layout(.manifest)
    head["project_name"] = .string(manifest.projectName)
    head["project_id"] = .string(Digest.md5(manifest.projectName.utf8))
    head["user_id"] = .null
    head["send_anonymous_usage_stats"] = .bool(false)
    head["adapter_type"] = .string(manifest.adapterType)
    head["quoting"] = .map(quoting)
    head["run_started_at"] = .string(
      String(metadata.invocationStartedAt.dropLast()) + "+00:00"
    )
    out.append(.map(head))
  }

  /// How many resources are written into one part: some hundred kilobytes.
  private static let resourcesInPart = 64

  private static func parts<Resource: Sendable>(
    _ key: StaticString,
    _ resources: [Resource],
    id: @escaping @Sendable (Resource) -> String,
    changes: @escaping @Sendable (Resource) -> Int,
    layout: @escaping @Sendable (Resource) -> DatumMap
  ) -> [Part] {
    stride(from: 0, to: max(1, resources.count), by: resourcesInPart).map { start in
      let end = min(start + resourcesInPart, resources.count)
      var part = Part { out in
        if start == 0 {
          out.append(raw: ", \"")
          out.append(raw: key)
          out.append(raw: "\": {")
        }
        for index in start..<end {
          if index > 0 { out.append(raw: ", ") }
          out.append(quoted: id(resources[index]))
          out.append(raw: ": ")
          out.append(.map(layout(resources[index])))
        }
        if end == resources.count { out.append(raw: "}") }
      }
      part.changes = { resources[start..<end].reduce(0) { $0 + changes($1) } }
      return part
    }
  }

  /// Id to a list: several files may define a disabled resource.
  private func writeDisabled(to out: inout JSONBuffer) {
    var disabled: [(id: String, layouts: [Datum])] = []
    var index: [String: Int] = [:]
    func add(_ id: String, _ layout: DatumMap) {
      if let known = index[id] {
        disabled[known].layouts.append(.map(layout))
      } else {
        index[id] = disabled.count
        disabled.append((id, [.map(layout)]))
      }
    }
    for node in manifest.disabledNodes { add(node.uniqueID, node.layout()) }
    for source in manifest.disabledSources { add(source.uniqueID, source.layout()) }
    for resource in manifest.disabledResources { add(resource.uniqueID, resource.layout()) }
    out.append(raw: ", \"disabled\": ")
    out.append(.map(DatumMap(lastWins: disabled.map { (key: $0.id, value: .list($0.layouts)) })))
  }

  private func writeMaps(to out: inout JSONBuffer) {
    var parents: [(id: String, parents: [String])] = []
    for node in manifest.nodes { parents.append((node.uniqueID, node.dependsOnNodes)) }
    for source in manifest.sources { parents.append((source.uniqueID, [])) }
    for list in [
      manifest.exposures, manifest.metrics, manifest.semanticModels, manifest.savedQueries,
      manifest.unitTests, manifest.functions,
    ] {
      for resource in list { parents.append((resource.uniqueID, resource.dependsOnNodes)) }
    }
    var children: [String: [String]] = Dictionary(minimumCapacity: parents.count)
    for (id, list) in parents {
      for parent in list { children[parent, default: []].append(id) }
    }
    func append(_ key: StaticString, _ lists: some Sequence<(String, [String])>) {
      out.append(raw: ", \"")
      out.append(raw: key)
      out.append(raw: "\": {")
      var isFirst = true
      for (id, list) in lists {
        if isFirst { isFirst = false } else { out.append(raw: ", ") }
        out.append(quoted: id)
        out.append(raw: ": [")
        for index in list.indices {
          if index > 0 { out.append(raw: ", ") }
          out.append(quoted: list[index])
        }
        out.append(raw: "]")
      }
      out.append(raw: "}")
    }
    append("parent_map", parents.lazy.map { ($0.id, $0.parents.sortedOnce()) })
    append("child_map", parents.lazy.map { ($0.id, (children[$0.id] ?? []).sortedOnce()) })
    var members: [String: [String]] = [:]
    // Functions may name a group, and are not listed in it.
    for node in manifest.nodes where node.resourceType != .function {
      if let group = node.group { members[group, default: []].append(node.uniqueID) }
    }
    for list in [manifest.savedQueries, manifest.semanticModels, manifest.metrics] {
      for resource in list {
        guard let group = resource.config["group"]?.string else { continue }
        members[group, default: []].append(resource.uniqueID)
      }
    }
    append("group_map", manifest.groups.map { ($0.name, members[$0.name] ?? []) })
  }

  /// The companion file for the semantic layer.
  package func semanticBytes() -> [UInt8] {
    var out = JSONBuffer(asciiOnly: false, capacity: 1024)
    out.append(.map(manifest.semanticLayout()))
    return metadata.mask.json(out.finish())
  }
}

extension [String] {
  /// In order, and each once. Most lists have one element.
  fileprivate func sortedOnce() -> [String] {
    if count <= 1 { return self }
    var result: [String] = []
    for text in sorted() where text != result.last { result.append(text) }
    return result
  }
}
