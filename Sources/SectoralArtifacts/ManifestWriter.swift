package import SectoralProject
import SectoralText
package import SectoralYAML

/// Writes manifest.json v12 and semantic_manifest.json, straight to bytes.
package struct ManifestWriter {
  private let manifest: Manifest
  private let metadata: ArtifactMetadata
  private let quoting: DatumMap

  /// `quoting` is the project's, as the metadata shows it.
  package init(_ manifest: Manifest, _ metadata: ArtifactMetadata, quoting: DatumMap) {
    self.manifest = manifest
    self.metadata = metadata
    self.quoting = quoting
  }

  package func bytes() -> [UInt8] {
    var out = JSONBuffer(asciiOnly: false, capacity: 4096 * (manifest.nodes.count + 600))
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
    let functions = manifest.nodes.filter { $0.resourceType == .function }
    let nodes =
      functions.isEmpty ? manifest.nodes : manifest.nodes.filter { $0.resourceType != .function }
    write("nodes", nodes, id: \.uniqueID, to: &out) { $0.layout() }
    write("sources", manifest.sources, id: \.uniqueID, to: &out) { $0.layout() }
    write("macros", manifest.macros, id: \.uniqueID, to: &out) { $0.layout() }
    write("docs", manifest.docs, id: \.uniqueID, to: &out) { $0.layout() }
    write("exposures", manifest.exposures, id: \.uniqueID, to: &out) { $0.layout() }
    write("metrics", manifest.metrics, id: \.uniqueID, to: &out) { $0.layout() }
    write("groups", manifest.groups, id: \.uniqueID, to: &out) { $0.layout() }
    out.append(raw: ", \"selectors\": ")
    out.append(.map(manifest.selectors))
    writeDisabled(to: &out)
    writeMaps(to: &out)
    write("saved_queries", manifest.savedQueries, id: \.uniqueID, to: &out) { $0.layout() }
    write("semantic_models", manifest.semanticModels, id: \.uniqueID, to: &out) { $0.layout() }
    write("unit_tests", manifest.unitTests, id: \.uniqueID, to: &out) { $0.layout() }
    write("functions", functions, id: \.uniqueID, to: &out) { $0.layout() }
    out.append(raw: "}")
    return out.finish()
  }

  private func write<Resource>(
    _ key: StaticString,
    _ resources: [Resource],
    id: (Resource) -> String,
    to out: inout JSONBuffer,
    layout: (Resource) -> DatumMap
  ) {
    out.append(raw: ", \"")
    out.append(raw: key)
    out.append(raw: "\": {")
    var isFirst = true
    for resource in resources {
      if isFirst { isFirst = false } else { out.append(raw: ", ") }
      out.append(quoted: id(resource))
      out.append(raw: ": ")
      out.append(.map(layout(resource)))
    }
    out.append(raw: "}")
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
        out.append(raw: ": ")
        out.append(.strings(list))
      }
      out.append(raw: "}")
    }
    append("parent_map", parents.lazy.map { ($0.id, $0.parents.sortedOnce()) })
    append("child_map", parents.lazy.map { ($0.id, (children[$0.id] ?? []).sortedOnce()) })
    var members: [String: [String]] = [:]
    for node in manifest.nodes {
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
    return out.finish()
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
