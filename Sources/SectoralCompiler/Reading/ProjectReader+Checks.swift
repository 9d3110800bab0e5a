import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  func unusedPatches(_ patches: inout Patches) -> [NamedWarning] {
    patches.all.filter { !$0.isUsed && Patches.nodeSections.contains($0.section) }.map { patch in
      NamedWarning(
        "NoNodeForYamlKey",
        Diagnostic(
          id: "properties.no-node",
          severity: .warning,
          message:
            "Did not find matching node for patch with name '\(patch.version?.testName ?? patch.name)' in the "
            + "'\(patch.section)' section of file '\(patch.file.originalFilePath)'",
          span: patch.entry["name"]?.span ?? patch.entry.span
        )
      )
    }
  }

  /// Generic tests of which there is no macro.
  func unknownTests(_ drafts: [Draft]) -> [Diagnostic] {
    drafts.compactMap { draft in
      guard let test = draft.test, draft.node.isEnabled,
        test.macro(in: workspace.macros, for: draft.node.packageName) == nil
      else { return nil }
      var unknown = Compiler.unknownTest(test, draft.node, workspace).diagnostic
      unknown.severity = .warning
      return unknown
    }
  }

  /// The kinds of which every node says what applied to it.
  private static let checkedTrees: Set<ResourceType> = [
    .model, .seed, .snapshot, .test, .analysis, .function,
  ]

  func unusedConfigPaths(_ used: Set<[String]>) -> [NamedWarning] {
    let trees = workspace.root.definition.trees
    let unused = trees.filter { Self.checkedTrees.contains($0.key) }.values
      .flatMap(\.root.configuredBelow)
      .filter { level in !used.contains { $0.starts(with: level.path) } }
      .sorted { $0.path.lexicographicallyPrecedes($1.path) }
    guard let first = unused.first else { return [] }
    return [
      NamedWarning(
        "UnusedResourceConfigPath",
        Diagnostic(
          id: "project.unused-path",
          severity: .warning,
          message:
            "Configuration paths exist in your dbt_project.yml file which do not apply to any "
            + "resources.\nThere are \(unused.count) unused configuration paths:\n"
            + unused.map { "- \($0.path.joined(separator: "."))" }.joined(separator: "\n"),
          span: first.layer.origin ?? workspace.root.definition.file.startSpan
        )
      )
    ]
  }

  func inferPrimaryKeys(_ manifest: Manifest) {
    var byModel: [String: [Node]] = [:]
    for node in manifest.nodes {
      if let attached = node.attachedNode { byModel[attached, default: []].append(node) }
    }
    let (nodes, tests) = (manifest.nodes, byModel)
    Threads.forEach(nodes.count, by: 64) { index in
      let node = nodes[index]
      guard node.resourceType == .model else { return }
      node.primaryKey = PrimaryKey.infer(node, tests: tests[node.uniqueID] ?? [])
    }
  }
}
