import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  func unusedPatches(_ patches: inout Patches) -> [NamedWarning] {
    patches.all.filter { !$0.isUsed && Patches.nodeSections.contains($0.section) }.map { patch in
      if let node = patch.namesake {
        return misplaced(patch, node)
      }
      return NamedWarning(
        "NoNodeForYamlKey",
        Diagnostic(
          id: "properties.no-node",
          severity: .warning,
          message: "Did not find matching node for patch with name "
            + "'\(patch.version?.testName ?? patch.name)' in the '\(patch.section)' section of file "
            + "'\(patch.file.originalFilePath)'",
          span: patch.entry["name"]?.span ?? patch.entry.span
        ),
        details: [
          "patch_name": .string(patch.name), "yaml_key": .string(patch.section),
          "file_path": .string(patch.file.originalFilePath),
        ]
      )
    }
  }

  private func misplaced(_ patch: Patch, _ node: Node) -> NamedWarning {
    NamedWarning(
      "WrongResourceSchemaFile",
      Diagnostic(
        id: "properties.wrong-section",
        severity: .warning,
        message: "'\(patch.name)' is a \(node.resourceType.rawValue), and its entry stands in the "
          + "'\(patch.section)' section of \(patch.file.originalFilePath)",
        span: patch.entry["name"]?.span ?? patch.entry.span,
        hint: "put the entry under '\(node.resourceType.plural):'"
      ),
      details: [
        "patch_name": .string(patch.name), "resource_type": .string(node.resourceType.rawValue),
        "plural_resource_type": .string(node.resourceType.plural),
        "yaml_key": .string(patch.section), "file_path": .string(patch.file.originalFilePath),
      ]
    )
  }

  /// Names with blanks, and names that a model, a seed or a snapshot of one package share.
  func nameWarnings(_ nodes: [Node], _ failures: inout [Failure]) -> [NamedWarning] {
    spacedNames(nodes.filter(\.isEnabled), &failures) + sharedNames(nodes, &failures)
  }

  private func flag(_ name: String, default value: Bool) -> Bool {
    workspace.invocation.behavior[name]?.bool ?? value
  }

  private func spacedNames(_ nodes: [Node], _ failures: inout [Failure]) -> [NamedWarning] {
    let spaced = nodes.filter { $0.name.utf8.contains(UInt8(ascii: " ")) }
    guard let first = spaced.first else { return [] }
    let namesAll = spaced.count == 1 || workspace.invocation.flags["DEBUG"]?.bool == true
    let hint = "rename it: letters, digits and underscores are safe everywhere"
    guard !flag("require_resource_names_without_spaces", default: true) else {
      failures.append(
        Failure(
          .runtime,
          spaced.map { node in
            Diagnostic(
              id: "node.name-with-blanks",
              message: "Resource names cannot contain spaces:\n"
                + "  * '\(node.uniqueID)' (\(node.originalFilePath))",
              span: node.declaration ?? node.source,
              hint: hint
            )
          }
        )
      )
      return []
    }
    func warning(
      _ name: String,
      _ node: Node,
      _ message: String,
      _ details: DatumMap
    ) -> NamedWarning {
      NamedWarning(
        name,
        Diagnostic(
          id: "node.name-with-blanks",
          severity: .warning,
          message: message,
          span: node.declaration ?? node.source,
          hint: hint
        ),
        details: details
      )
    }
    return (namesAll ? spaced : [first]).map { node in
      warning(
        "SpacesInResourceNameDeprecation",
        node,
        "Found spaces in the name of `\(node.uniqueID)`",
        ["unique_id": .string(node.uniqueID), "level": "warn"]
      )
    } + [
      warning(
        "ResourceNamesWithSpacesDeprecation",
        first,
        "Spaces found in \(spaced.count) resource name(s). This is deprecated, and may lead to errors "
          + "when using dbt." + (namesAll ? "" : " Run again with `--debug` to see them all."),
        [
          "count_invalid_names": .int(spaced.count), "show_debug_hint": .bool(!namesAll),
          "level": "",
        ]
      )
    ]
  }

  private func sharedNames(_ nodes: [Node], _ failures: inout [Failure]) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    var known: [String: Node] = [:]
    for node in nodes
    where node.isEnabled && node.version == nil
      && [.model, .seed, .snapshot].contains(node.resourceType)
    {
      let key = "\(node.packageName).\(node.name)"
      guard let other = known[key] else {
        known[key] = node
        continue
      }
      // Two of one kind are an error of their own.
      guard other.resourceType != node.resourceType else { continue }
      var diagnostic = Diagnostic(
        id: "node.name-of-another-kind",
        severity: .warning,
        message: "Found resources with the same name '\(node.name)' in package "
          + "'\(node.packageName)': '\(other.uniqueID)' and '\(node.uniqueID)'. Please update one of "
          + "the resources to have a unique name.",
        span: node.declaration ?? node.source,
        hint:
          "the other is at \((other.declaration ?? other.source)?.placeText ?? other.originalFilePath)"
      )
      if flag("require_unique_project_resource_names", default: false) {
        diagnostic.severity = .error
        failures.append(Failure(.compilation, diagnostic))
      } else {
        warnings.append(NamedWarning("DuplicateNameDistinctNodeTypesDeprecation", diagnostic))
      }
    }
    return warnings
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

  /// The kinds whose settings are checked, in dbt's order.
  private static let checkedTrees: [ResourceType] = [
    .model, .seed, .snapshot, .source, .test, .unitTest, .metric, .semanticModel, .savedQuery,
    .exposure, .function,
  ]

  /// `used`: the paths that applied to nodes, which say so; of what else there is the names tell.
  func unusedConfigPaths(_ used: Set<[String]>, _ manifest: Manifest) -> [NamedWarning] {
    let trees = workspace.root.definition.trees
    var used = used
    func use(_ type: ResourceType, _ fqn: [String]) {
      for level in trees[type]?.levels(for: fqn) ?? [] { used.insert(level.path) }
    }
    for source in manifest.sources + manifest.disabledSources { use(.source, source.fqn) }
    let plain =
      manifest.metrics + manifest.semanticModels + manifest.savedQueries + manifest.exposures
      + manifest.unitTests + manifest.disabledResources
    for resource in plain { use(resource.resourceType, resource.fqn) }
    // To dbt, what is disabled is of every kind.
    let disabled =
      manifest.disabledNodes.map(\.fqn) + manifest.disabledSources.map(\.fqn)
      + manifest.disabledResources.map(\.fqn)
    for fqn in disabled {
      for type in Self.checkedTrees { use(type, fqn) }
    }
    let unused = Self.checkedTrees.compactMap { trees[$0] }.flatMap { tree in
      tree.root.configuredBelow
        .filter { level in !used.contains { $0.starts(with: level.path) } }
        .sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }
    guard let first = unused.first else { return [] }
    let names = unused.map { level in
      ([level.path[0].replacing("-", with: "_")] + level.path.dropFirst()).joined(separator: ".")
    }
    return [
      NamedWarning(
        "UnusedResourceConfigPath",
        Diagnostic(
          id: "project.unused-path",
          severity: .warning,
          message:
            "Configuration paths exist in your dbt_project.yml file which do not apply to any "
            + "resources.\nThere are \(unused.count) unused configuration paths:\n"
            + names.map { "- \($0)" }.joined(separator: "\n"),
          span: first.layer.origin ?? workspace.root.definition.file.startSpan
        ),
        details: ["unused_config_paths": .list(names.map(Datum.string))]
      )
    ]
  }

  func inferPrimaryKeys(_ manifest: Manifest) {
    var byModel: [String: [Node]] = [:]
    for node in manifest.nodes + manifest.disabledNodes {
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
