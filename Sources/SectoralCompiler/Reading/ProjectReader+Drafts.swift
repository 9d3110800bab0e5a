import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  func nodeDrafts(
    _ patches: Patches,
    _ descriptions: DescriptionRenderer,
    _ failures: inout [Failure]
  ) -> [Draft] {
    var drafts: [Draft] = []
    for package in workspace.packages {
      let shapes = PropertyShapes(descriptions: descriptions, package: package.name)
      let files = package.files
      let found = Threads.map(files.count, on: .deep) { index -> ([Draft], [Failure]) in
        var failures: [Failure] = []
        return (self.drafts(of: files[index], package, patches, shapes, &failures), failures)
      }
      for (fileDrafts, fileFailures) in found {
        drafts += fileDrafts
        failures += fileFailures
      }
      drafts += yamlSnapshotDrafts(package, patches, shapes, &failures)
    }
    settle(patches, descriptions, &drafts, &failures)
    for draft in drafts { draft.patch?.isUsed = true }
    return drafts
  }

  /// Settles what an entry describes where its name alone does not: it describes what a `ref` of its
  /// package would find, of whatever kind, or else of whatever package, and only then something that is
  /// disabled. A project may so describe a package's models; and a node that dbt_project.yml disables
  /// has no claim to its entry where another package has one of that name.
  private func settle(
    _ patches: Patches,
    _ descriptions: DescriptionRenderer,
    _ drafts: inout [Draft],
    _ failures: inout [Failure]
  ) {
    var owners: [ObjectIdentifier: [Int]] = [:]
    var named: [String: [Int]] = [:]
    let rank: [ResourceType: Int] = [.seed: 0, .snapshot: 1, .model: 2]
    for (index, draft) in drafts.enumerated() where rank[draft.node.resourceType] != nil {
      named[draft.node.name, default: []].append(index)
      if let patch = draft.patch { owners[ObjectIdentifier(patch), default: []].append(index) }
    }
    func strongest(_ candidates: [Int]) -> Int? {
      candidates.min { rank[drafts[$0].node.resourceType]! < rank[drafts[$1].node.resourceType]! }
    }
    for patch in patches.all
    where ["models", "seeds", "snapshots"].contains(patch.section) && patch.version == nil {
      let holders = owners[ObjectIdentifier(patch)] ?? []
      let candidates = named[patch.name] ?? []
      if !holders.isEmpty, candidates.count == 1 { continue }
      let enabled = candidates.filter { !isDisabledByTree(drafts[$0]) }
      let own = enabled.filter { drafts[$0].package.name == patch.package }
      guard let found = strongest(own) ?? enabled.first else { continue }
      let node = drafts[found].node
      if node.resourceType.plural != patch.section {
        patch.namesake = node
      } else if !holders.contains(found) {
        if let other = drafts[found].patch {
          failures.append(Patches.twice(patch, other))
          continue
        }
        let shapes = PropertyShapes(descriptions: descriptions, package: patch.package)
        drafts[found] = draft(node, drafts[found].package, patch, shapes, &failures)
      }
      let keepsTo = patch.namesake == nil ? own + [found] : []
      for holder in holders where !keepsTo.contains(holder) {
        let node = drafts[holder].node
        (node.patchPath, node.description, node.docBlocks) = (nil, "", [])
        (node.columns, node.constraints, node.timeSpine) = (DatumMap(), [], nil)
        (node.latestVersion, node.deprecationDate) = (nil, nil)
        drafts[holder] = Draft(node: node, package: drafts[holder].package, patch: nil)
      }
    }
  }

  /// Whether dbt_project.yml says so; what the file says itself is not known yet.
  private func isDisabledByTree(_ draft: Draft) -> Bool {
    func says(_ package: Package) -> Bool? {
      let levels = package.definition.trees[draft.node.resourceType]?.levels(for: draft.node.fqn)
      return levels?.compactMap { $0.layer.values["enabled"]?.bool }.last
    }
    if draft.package.name != workspace.root.name, let word = says(workspace.root) { return !word }
    let mayDiffer = draft.node.rawCode.firstRange(of: "enabled") != nil
    return !mayDiffer && says(draft.package) == false
  }

  private func drafts(
    of file: ProjectFile,
    _ package: Package,
    _ patches: Patches,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> [Draft] {
    let type: ResourceType
    switch file.kind {
    case .model: type = .model
    case .seed: type = .seed
    case .analysis: type = .analysis
    case .singularTest: type = .test
    case .function: type = .function
    case .snapshot: return snapshotDrafts(file, package, patches, shapes, &failures)
    default: return []
    }
    return [draft(node(of: file, type, package), package, patches, shapes, &failures)]
  }

  /// Snapshots that a properties entry defines: those with a `relation`.
  func yamlSnapshotDrafts(
    _ package: Package,
    _ patches: Patches,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> [Draft] {
    var drafts: [Draft] = []
    for patch in patches.all where patch.section == "snapshots" && patch.package == package.name {
      guard let relation = patch.entry["relation"] else { continue }
      guard let reference = relation.string else {
        failures.append(
          Failure(
            .parsing,
            Diagnostic(
              id: "snapshot.bad-relation",
              message: "the relation of the snapshot '\(patch.name)' must be text, and is "
                + relation.kindName,
              span: relation.span,
              hint: "write relation: ref('…') or source('…', '…')"
            )
          )
        )
        continue
      }
      let file = patch.file
      let code = "select * from {{ \(reference) }}"
      let folders = file.path.split(separator: "/").dropLast().map(String.init)
      let node = Node(
        uniqueID: "snapshot.\(package.name).\(patch.name)",
        resourceType: .snapshot,
        name: patch.name,
        packageName: package.name,
        path: "\(file.path)/\(patch.name).sql",
        originalFilePath: file.originalFilePath,
        fqn: [package.name] + folders + [patch.name],
        checksum: file.checksum,
        rawCode: code,
        createdAt: createdAt
      )
      let text = SourceFile(path: "\(file.file.path) (relation of \(patch.name))", text: code)
      node.source = TextSpan(file: text, start: 0, end: text.bytes.count)
      node.declaration = relation.span
      drafts.append(draft(prepared(node), package, patches, shapes, &failures))
    }
    return drafts
  }

  func node(of file: ProjectFile, _ type: ResourceType, _ package: Package) -> Node {
    let name = FileSystem.stem(of: file.path)
    let path = type == .analysis ? "analysis/\(file.path)" : file.path
    let folders = path.split(separator: "/").dropLast().map(String.init)
    var checksum = file.checksum
    if type == .seed, file.file.bytes.count > ProjectFiles.largestSeedWithChecksum {
      checksum = Checksum(name: "path", checksum: file.originalFilePath)
    }
    let node = Node(
      uniqueID: "\(type.rawValue).\(package.name).\(name)",
      resourceType: type,
      name: name,
      packageName: package.name,
      path: path,
      originalFilePath: file.originalFilePath,
      fqn: [package.name] + folders + [name],
      checksum: checksum,
      rawCode: type == .seed ? "" : file.text,
      createdAt: createdAt
    )
    node.source = type == .seed ? nil : file.span
    node.declaration = file.file.startSpan
    if type == .seed {
      node.rootPath = package.definition.root
      node.language = nil
    } else if file.path.hasSuffix(".py") {
      node.language = "python"
    }
    return prepared(node)
  }

  /// The names that a node has until its configuration is known.
  func prepared(_ node: Node) -> Node {
    node.database = workspace.profile.database
    node.schema = workspace.profile.schema
    node.config = ConfigSchema.of(node.resourceType).defaults
    return node
  }

  func snapshotDrafts(
    _ file: ProjectFile,
    _ package: Package,
    _ patches: Patches,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> [Draft] {
    let (blocks, diagnostics) = BlockScanner.blocks(in: file.file, tags: ["snapshot"])
    let errors = diagnostics.filter { $0.severity == .error }
    if !errors.isEmpty { failures.append(Failure(.compilation, errors)) }
    let folders = file.path.split(separator: "/").dropLast().map(String.init)
    return blocks.map { block in
      let name = String(block.signature.text.trimmingBlanks)
      let node = Node(
        uniqueID: "snapshot.\(package.name).\(name)",
        resourceType: .snapshot,
        name: name,
        packageName: package.name,
        path: file.path,
        originalFilePath: file.originalFilePath,
        fqn: [package.name] + folders + [FileSystem.stem(of: file.path), name],
        checksum: file.checksum,
        rawCode: block.contents.text,
        createdAt: createdAt
      )
      node.source = block.contents
      node.declaration = block.signature
      return draft(prepared(node), package, patches, shapes, &failures)
    }
  }

  private func draft(
    _ node: Node,
    _ package: Package,
    _ patches: Patches,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> Draft {
    draft(node, package, patches.find(node), shapes, &failures)
  }

  /// Joins a node with its properties entry.
  private func draft(
    _ node: Node,
    _ package: Package,
    _ patch: Patch?,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> Draft {
    guard let patch else { return Draft(node: node, package: package, patch: nil) }
    node.patchPath = patch.path
    let entry = patch.entry
    node.properties = entry.span
    do {
      // dbt keeps a function's description as it is written.
      let shapes =
        node.resourceType == .function
        ? PropertyShapes(descriptions: nil, package: package.name) : shapes
      let (text, blocks) = try shapes.description(entry["description"])
      node.description = text
      node.docBlocks = blocks
      node.columns = try shapes.columns(
        entry["columns"],
        joinsTags: node.resourceType != .analysis
      )
    } catch { failures.append(error) }
    node.constraints = PropertyShapes.constraints(entry["constraints"], isModelLevel: true)
    node.latestVersion = entry["latest_version"]?.datum
    node.deprecationDate = entry["deprecation_date"]?.datum.timestamp
    node.timeSpine = entry["time_spine"]?.datum
    if node.resourceType == .function { node.extraFields = Self.signature(entry) }
    if var spine = node.timeSpine?.map {
      let custom = (spine["custom_granularities"]?.list ?? []).map { part -> Datum in
        ["name": part["name"] ?? .null, "column_name": part["column_name"] ?? .null]
      }
      spine["custom_granularities"] = .list(custom)
      node.timeSpine = .map(spine)
    }

    var values = DatumMap()
    var origins: [String: TextSpan] = [:]
    do {
      let moved = try VersionedEntry.movingConfigs(of: entry, name: node.name)
      for (key, value) in moved["config"]?.mapping ?? [] {
        values[key.keyText] = value.datum
        origins[key.keyText] = value.span
      }
    } catch { failures.append(error) }
    return Draft(
      node: node,
      package: package,
      patch: patch,
      propertiesLayer: ConfigLayer(values, origin: entry.span, origins: origins)
    )
  }

  /// Takes back what docs blocks gave to the descriptions of what turned out to be disabled.
  func restoreDescriptions(_ drafts: [Draft], _ failures: inout [Failure]) {
    for draft in drafts where !draft.node.isEnabled {
      guard let entry = draft.patch?.entry else { continue }
      let shapes = PropertyShapes(descriptions: nil, package: draft.package.name)
      do {
        draft.node.description = try shapes.description(entry["description"]).text
        draft.node.columns = try shapes.columns(
          entry["columns"],
          joinsTags: draft.node.resourceType != .analysis
        )
        draft.node.docBlocks = []
      } catch { failures.append(error) }
    }
  }

  /// What a function takes and gives back.
  static func signature(_ entry: YAMLNode) -> DatumMap {
    let arguments = (entry["arguments"]?.sequence ?? []).map { argument -> Datum in
      .map([
        "name": argument["name"]?.datum ?? .null,
        "data_type": argument["data_type"]?.datum ?? .null,
        "description": argument["description"]?.datum ?? .null,
        "default_value": argument["default_value"]?.datum ?? .null,
      ])
    }
    return [
      "arguments": .list(arguments),
      "returns": .map([
        "data_type": entry["returns"]?["data_type"]?.datum ?? .null,
        "description": entry["returns"]?["description"]?.datum ?? .null,
      ]),
    ]
  }

  func hookDrafts() -> [Draft] {
    var drafts: [Draft] = []
    for package in workspace.packages {
      let definition = package.definition
      let checksum = Checksum(
        name: "sha256",
        checksum: Digest.sha256(definition.file.bytes[ProjectFiles.trimmed(definition.file.bytes)])
      )
      for (kind, hooks) in [
        ("on-run-start", definition.onRunStart), ("on-run-end", definition.onRunEnd),
      ] {
        for (index, sql) in hooks.enumerated() {
          let name = "\(package.name)-\(kind)-\(index)"
          let node = Node(
            uniqueID: "operation.\(package.name).\(name)",
            resourceType: .operation,
            name: name,
            packageName: package.name,
            path: "hooks/\(name).sql",
            originalFilePath: "./dbt_project.yml",
            fqn: [package.name, "hooks", name],
            checksum: checksum,
            rawCode: sql,
            createdAt: createdAt
          )
          if let place = definition.file.range(of: sql) {
            node.source = TextSpan(
              file: definition.file,
              start: place.lowerBound,
              end: place.upperBound
            )
          } else {
            // Written in more lines than YAML makes of it.
            let file = SourceFile(path: "\(definition.file.path) (\(kind))", text: sql)
            node.source = TextSpan(file: file, start: 0, end: file.bytes.count)
          }
          node.declaration = definition.file.startSpan
          node.tags = [kind]
          node.hookIndex = index
          drafts.append(Draft(node: prepared(node), package: package, patch: nil))
        }
      }
    }
    return drafts
  }
}
