package import SectoralProject
import SectoralText
package import SectoralWarehouse
import SectoralYAML

// `latest_version_pointer` (dbt 1.12): a view under a model's name without a version, which shows the
// latest version. It is made by the materialization of views, right after that version.

extension Workspace {
  var pointsToLatestVersions: Bool {
    invocation.behavior["latest_version_pointer_enabled_by_default"]?.bool ?? false
  }
}

extension Node {
  func hasLatestVersionPointer(byDefault: Bool) -> Bool {
    guard resourceType == .model, isEnabled, !isEphemeralModel, let version, let latestVersion,
      version.pythonText == latestVersion.pythonText
    else { return false }
    return config["latest_version_pointer"]?["enabled"]?.bool ?? byDefault
  }

  /// The node that builds the pointer, for a run alone; nil where the model has none.
  ///
  /// As dbt's it has the model's configuration without hooks and comments. The contract is left out
  /// too: the rows that are shown have met it.
  package func pointerNode(to relation: Relation) -> Node? {
    guard let latestVersionPointer else { return nil }
    let sql = "select * from \(relation.rendered)"
    let node = Node(
      uniqueID: "\(uniqueID)__latest_version_pointer",
      resourceType: resourceType,
      name: name,
      packageName: packageName,
      path: path,
      originalFilePath: originalFilePath,
      fqn: fqn,
      checksum: checksum,
      rawCode: sql,
      createdAt: createdAt,
      config: config
    )
    for key in ["pre-hook", "post-hook"] { node.config[key] = .list([]) }
    node.config["persist_docs"] = .map(DatumMap())
    node.config["contract"] = ["enforced": .bool(false), "alias_types": .bool(true)]
    node.declaration = declaration ?? source
    (node.database, node.schema, node.alias) = (database, schema, latestVersionPointer)
    (node.version, node.latestVersion) = (version, latestVersion)
    node.tags = tags
    node.compiledCode = sql
    node.isCompiled = true
    return node
  }
}

/// Pointers must not take the name of a relation that the project builds.
struct LatestVersionPointers {
  let workspace: Workspace

  func check(_ nodes: [Node], _ failures: inout [Failure]) {
    let pointing = nodes.filter { $0.isEnabled && $0.latestVersionPointer != nil }
    guard !pointing.isEmpty else { return }
    var owners = Dictionary(
      nodes.lazy.filter(\.isEnabled).compactMap { node in node.relationName.map { ($0, node) } },
      uniquingKeysWith: { first, _ in first }
    )
    for node in pointing {
      var relation = workspace.relation(of: node)
      relation.identifier = node.latestVersionPointer
      guard let owner = owners[relation.rendered] else {
        owners[relation.rendered] = node
        continue
      }
      let message =
        owner === node
        ? "Cannot create latest version pointer: the latest version of '\(node.name)' is already "
          + "aliased to '\(node.alias)'."
        : "Cannot create latest version pointer: \(relation.rendered), the pointer of "
          + "'\(node.name)', is also the place of\n- \(owner.uniqueID) (\(owner.originalFilePath))"
      failures.append(
        Failure(
          .compilation,
          subject: node.words,
          Diagnostic(
            id: "version.pointer-taken",
            message: message,
            span: node.declaration ?? node.source,
            hint:
              "set latest_version_pointer: {enabled: false}, or give it another 'alias'"
          )
        )
      )
    }
  }
}
