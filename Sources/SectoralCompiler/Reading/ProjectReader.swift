import SectoralJinja
package import SectoralProject
package import SectoralText
import SectoralWarehouse
import SectoralYAML
import Synchronization

/// A warning by dbt's event name, so that the warn-error options can address it.
package struct NamedWarning: Sendable {
  package let name: String
  package let diagnostic: Diagnostic

  package init(_ name: String, _ diagnostic: Diagnostic) {
    self.name = name
    self.diagnostic = diagnostic
  }
}

/// Reads a workspace's files into a manifest: every mistake is found in one pass.
package struct ProjectReader {
  package struct Result: Sendable {
    package var manifest: Manifest
    package var warnings: [NamedWarning]
    package var references: ReferenceIndex
    /// The parts of generic tests, which are compiled from them.
    package var tests: TestParts
  }

  private let workspace: Workspace
  private let createdAt: Double
  private let emit: @Sendable (ContextEvent, Node) -> Void

  package init(
    _ workspace: Workspace,
    emit: @escaping @Sendable (ContextEvent, Node) -> Void
  ) {
    self.workspace = workspace
    self.createdAt = Double(workspace.invocation.startedAt) / 1e6
    self.emit = emit
  }

  package func read() throws(Failures) -> Result {
    var failures: [Failure] = []
    var warnings = workspace.warnings.map { NamedWarning("ProjectWarning", $0) }
    var manifest = Manifest()
    manifest.projectName = workspace.root.name
    manifest.adapterType = workspace.profile.type

    let properties = readProperties()
    for file in properties {
      failures += file.failures
      warnings += file.warnings.map { NamedWarning(PropertiesFile.warningName($0), $0) }
    }
    manifest.docs = docsBlocks(&failures)
    let descriptions = DescriptionRenderer(
      docs: Dictionary(
        manifest.docs.map { ($0.uniqueID, $0) },
        uniquingKeysWith: { first, _ in first }
      ),
      rootName: workspace.root.name,
      environment: workspace.environment
    )

    var patches = Patches(properties, &failures)
    patchMacros(patches, descriptions, &warnings, &failures)
    refuseVersions(patches, &failures)
    var drafts = nodeDrafts(patches, descriptions, &failures)
    let overrides = SourceOverrides(properties)
    warnings += overrides.warnings
    let sources = SourceReader(
      workspace: workspace,
      descriptions: descriptions,
      overrides: overrides,
      createdAt: createdAt
    ).read(properties, &failures)
    let renderers = PackageRenderers(workspace)
    drafts += genericTests(drafts, patches, sources, renderers, &failures)
    drafts += hookDrafts()

    let used = render(drafts, &failures)
    collectDuplicates(drafts, &failures)
    warnings += unusedPatches(&patches)
    warnings += unusedConfigPaths(used)

    for draft in drafts {
      if draft.node.isEnabled {
        manifest.nodes.append(draft.node)
      } else {
        manifest.disabledNodes.append(draft.node)
      }
    }
    for source in sources {
      if source.table.isEnabled {
        manifest.sources.append(source.table)
      } else {
        manifest.disabledSources.append(source.table)
      }
    }
    manifest.macros = workspace.allMacros.map(\.macro)
    readPlainResources(properties, descriptions, into: &manifest, &failures)
    manifest.buildIndexes()

    let references = ReferenceIndex(
      manifest,
      rootName: workspace.root.name,
      prefersOwnPackage: workspace.invocation
        .behavior["require_ref_searches_node_package_before_root"]?.bool ?? false
    )
    warnings += references.resolve(&manifest, &failures)
    UnitTestReader.resolve(&manifest, references, &failures)
    manifest.buildIndexes()
    inferPrimaryKeys(manifest)
    if !workspace.macroProblems.isEmpty {
      // What a damaged file no longer defines is missed all over the project: that says nothing new.
      failures.removeAll { failure in failure.diagnostics.allSatisfy(\.isOfMissingMacro) }
      failures.insert(Failure(.compilation, workspace.macroProblems), at: 0)
    }
    guard failures.isEmpty else { throw Failures(failures) }
    let tests = TestParts(
      Dictionary(
        drafts.compactMap { draft in draft.test.map { (draft.node.uniqueID, $0) } },
        uniquingKeysWith: { first, _ in first }
      )
    )
    return Result(manifest: manifest, warnings: warnings, references: references, tests: tests)
  }

  // MARK: Properties and docs

  private func readProperties() -> [PropertiesFile] {
    var inputs: [(ProjectFile, Package)] = []
    for package in workspace.packages {
      for file in package.files where file.kind == .properties { inputs.append((file, package)) }
    }
    let slots = Slots<PropertiesFile>(inputs.count)
    let workspace = workspace
    let work = inputs
    Threads.forEach(work.count) {
      PackageRenderers(workspace)
    } _: { renderers, index in
      let (file, package) = work[index]
      let renderer = renderers.renderer(of: package.name)
      slots.set(index, PropertiesFile(file, package: package.name, renderer: renderer))
    }
    return slots.values
  }

  private func docsBlocks(_ failures: inout [Failure]) -> [DocBlock] {
    var blocks = [Self.overview]
    var seen: [String: DocBlock] = [:]
    for package in workspace.packages {
      for file in package.files where file.kind == .docs {
        let (found, diagnostics) = BlockScanner.blocks(in: file.file, tags: ["docs"])
        let errors = diagnostics.filter { $0.severity == .error }
        if !errors.isEmpty { failures.append(Failure(.compilation, errors)) }
        for block in found {
          let name = String(block.signature.text.trimmingBlanks)
          let doc = DocBlock(
            uniqueID: "doc.\(package.name).\(name)",
            name: name,
            packageName: package.name,
            path: file.path,
            originalFilePath: file.originalFilePath,
            contents: String(block.contents.text.trimmingBlanks)
          )
          if let other = seen[doc.uniqueID] {
            failures.append(
              Failure(
                .compilation,
                Diagnostic(
                  id: "docs.duplicate",
                  message: "dbt found two docs with the name \"\(name)\".\n\nSince these resources "
                    + "have the same name, dbt will be unable to find the correct resource\n"
                    + "when looking for doc(\"\(name)\").",
                  span: block.whole,
                  hint: "the other one is in \(other.originalFilePath): rename one"
                )
              )
            )
            continue
          }
          seen[doc.uniqueID] = doc
          blocks.append(doc)
        }
      }
    }
    return blocks
  }

  /// The start page of a docs site, for projects that have none of their own.
  private static let overview = DocBlock(
    uniqueID: "doc.dbt.__overview__",
    name: "__overview__",
    packageName: "dbt",
    path: "overview.md",
    originalFilePath: "docs/overview.md",
    contents: """
      ### What this project builds

      Every model, seed, source and test of the project has a page here with its description, its
      columns and its SQL. Write a docs block named `__overview__` to put a start page of your own in
      this place.
      """
  )

  /// Known to the language, and still to come: said, not left out.
  private func refuseVersions(_ patches: Patches, _ failures: inout [Failure]) {
    for patch in patches.all where patch.section == "models" {
      guard let versions = patch.entry["versions"], !versions.isNull else { continue }
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: "properties.not-yet",
            message: "model versions are not supported yet ('\(patch.name)' has them)",
            span: versions.span,
            hint: "keep such projects on dbt for now; docs/compatibility.md lists what is missing"
          )
        )
      )
    }
  }

  private func patchMacros(
    _ patches: Patches,
    _ descriptions: DescriptionRenderer,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) {
    for patch in patches.all where patch.section == "macros" {
      guard let macro = workspace.macros.tables[patch.package]?[Symbol(patch.name)]?.macro else {
        let names = workspace.macros.tables[patch.package]?.values.map(\.macro.name) ?? []
        let hint =
          names.contains("test_\(patch.name)")
          ? "a generic test is a macro whose name begins with 'test_': write 'test_\(patch.name)'"
          : Spelling.nearest(to: patch.name, among: names).map { "did you mean '\($0)'?" }
        warnings.append(
          NamedWarning(
            "MacroNotFoundForPatch",
            Diagnostic(
              id: "properties.no-macro",
              severity: .warning,
              message: "Found patch for macro \"\(patch.name)\" which was not found",
              span: patch.entry["name"]?.span ?? patch.entry.span,
              hint: hint
            )
          )
        )
        continue
      }
      patch.isUsed = true
      do {
        macro.description = try descriptions.render(
          patch.entry["description"],
          package: patch.package
        ).text
      } catch { failures.append(error) }
      var meta = patch.entry["meta"]?.datum.map ?? DatumMap()
      for (key, value) in (patch.entry["config"]?["meta"]?.datum.map ?? [:]).entries {
        meta[key] = value
      }
      macro.meta = meta
      for (key, value) in (patch.entry["docs"]?.datum.map ?? [:]).entries {
        macro.docs[key] = value
      }
      macro.arguments = (patch.entry["arguments"]?.sequence ?? []).map { argument in
        .map([
          "name": argument["name"]?.datum ?? .null, "type": argument["type"]?.datum ?? .null,
          "description": argument["description"]?.datum ?? "",
        ])
      }
      macro.patchPath = patch.path
    }
  }

  // MARK: Nodes

  private func nodeDrafts(
    _ patches: Patches,
    _ descriptions: DescriptionRenderer,
    _ failures: inout [Failure]
  ) -> [Draft] {
    var drafts: [Draft] = []
    for package in workspace.packages {
      let shapes = PropertyShapes(descriptions: descriptions, package: package.name)
      for file in package.files {
        let type: ResourceType
        switch file.kind {
        case .model: type = .model
        case .seed: type = .seed
        case .analysis: type = .analysis
        case .singularTest: type = .test
        case .function: type = .function
        case .snapshot:
          drafts += snapshotDrafts(file, package, patches, shapes, &failures)
          continue
        default: continue
        }
        let node = node(of: file, type, package)
        drafts.append(draft(node, package, patches, shapes, &failures))
      }
      drafts += yamlSnapshotDrafts(package, patches, shapes, &failures)
    }
    return drafts
  }

  /// Snapshots that a properties entry defines: those with a `relation`.
  private func yamlSnapshotDrafts(
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

  private func node(of file: ProjectFile, _ type: ResourceType, _ package: Package) -> Node {
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
  private func prepared(_ node: Node) -> Node {
    node.database = workspace.profile.database
    node.schema = workspace.profile.schema
    node.config = ConfigSchema.of(node.resourceType).defaults
    return node
  }

  private func snapshotDrafts(
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

  /// Joins a node with its properties entry.
  private func draft(
    _ node: Node,
    _ package: Package,
    _ patches: Patches,
    _ shapes: PropertyShapes,
    _ failures: inout [Failure]
  ) -> Draft {
    let patch = patches.find(node)
    guard let patch else { return Draft(node: node, package: package, patch: nil) }
    patch.isUsed = true
    node.patchPath = patch.path
    let entry = patch.entry
    do {
      let (text, blocks) = try shapes.descriptions.render(
        entry["description"],
        package: package.name
      )
      node.description = text
      node.docBlocks = blocks
      node.columns = try shapes.columns(entry["columns"])
    } catch { failures.append(error) }
    node.constraints = PropertyShapes.constraints(entry["constraints"], isModelLevel: true)
    node.latestVersion = entry["latest_version"]?.datum
    node.deprecationDate = entry["deprecation_date"]?.datum.pythonText
    node.timeSpine = entry["time_spine"]?.datum
    if node.resourceType == .function { node.extraFields = Self.signature(entry) }
    if var spine = node.timeSpine?.map, spine["custom_granularities"] == nil {
      spine["custom_granularities"] = .list([])
      node.timeSpine = .map(spine)
    }

    var values = DatumMap()
    var origins: [String: TextSpan] = [:]
    for (key, value) in entry["config"]?.mapping ?? [] {
      values[key.keyText] = value.datum
      origins[key.keyText] = value.span
    }
    for key in ["meta", "docs", "group", "access", "contract"] {
      guard let value = entry[key] else { continue }
      if values[key] != nil {
        failures.append(
          Failure(
            .parsing,
            Diagnostic(
              id: "properties.key-twice",
              message: "'\(key)' of \(node.name) is given both as a property and under 'config'",
              span: value.span,
              hint: "keep the one under 'config'"
            )
          )
        )
      }
      values[key] = value.datum
      origins[key] = value.span
    }
    return Draft(
      node: node,
      package: package,
      patch: patch,
      propertiesLayer: ConfigLayer(values, origin: entry.span, origins: origins)
    )
  }

  /// What a function takes and gives back.
  private static func signature(_ entry: YAMLNode) -> DatumMap {
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

  private func hookDrafts() -> [Draft] {
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

  // MARK: Generic tests

  private func genericTests(
    _ drafts: [Draft],
    _ patches: Patches,
    _ sources: [SourceReader.Entry],
    _ renderers: PackageRenderers,
    _ failures: inout [Failure]
  ) -> [Draft] {
    var tests: [Draft] = []
    for draft in drafts {
      guard let patch = draft.patch else { continue }
      let node = draft.node
      guard node.resourceType != .test, node.resourceType != .analysis else { continue }
      let target = TestTarget(
        name: node.version.map { "\(node.name)_v\($0.pythonText)" } ?? node.name,
        reference: Reference(name: node.name, version: node.version),
        source: nil,
        attachedNode: node.uniqueID,
        file: patch.file,
        package: draft.package,
        fileKeyName: patch.fileKeyName,
        tags: [],
        group: nil
      )
      tests += self.tests(in: patch.entry, target, renderers, &failures)
    }
    // dbt makes the tests of an entry that describes nothing, too, and then finds nothing to test.
    for patch in patches.all
    where !patch.isUsed && ["models", "seeds", "snapshots"].contains(patch.section) {
      guard let package = workspace.package(patch.package) else { continue }
      let target = TestTarget(
        name: patch.name,
        reference: Reference(name: patch.name),
        source: nil,
        attachedNode: nil,
        file: patch.file,
        package: package,
        fileKeyName: patch.fileKeyName,
        tags: [],
        group: nil
      )
      tests += self.tests(in: patch.entry, target, renderers, &failures)
    }
    for source in sources {
      let table = source.table
      let target = TestTarget(
        name: "\(table.sourceName)_\(table.name)",
        reference: nil,
        source: [table.sourceName, table.name],
        attachedNode: nil,
        file: source.file,
        package: source.package,
        fileKeyName: "sources.\(table.sourceName)",
        tags: table.inheritedTags,
        group: nil
      )
      tests += self.tests(in: source.entry, target, renderers, &failures)
    }
    return tests
  }

  private struct TestTarget {
    let name: String
    let reference: Reference?
    let source: [String]?
    let attachedNode: String?
    let file: ProjectFile
    let package: Package
    let fileKeyName: String
    let tags: [String]
    let group: String?
  }

  private func tests(
    in entry: YAMLNode,
    _ target: TestTarget,
    _ renderers: PackageRenderers,
    _ failures: inout [Failure]
  ) -> [Draft] {
    var drafts: [Draft] = []
    func add(_ holder: YAMLNode, column: String?, tags: [String]) {
      let old = holder["tests"]
      let new = holder["data_tests"]
      if let old, new != nil {
        failures.append(
          Failure(
            .parsing,
            Diagnostic(
              id: "test.both-names",
              message: "Invalid test config: cannot have both 'tests' and 'data_tests' defined",
              span: old.span,
              hint: "move everything below 'data_tests'"
            )
          )
        )
      }
      guard let list = new ?? old, !list.isNull else { return }
      guard let items = list.sequence else {
        failures.append(
          Failure(
            .parsing,
            Diagnostic(
              id: "test.not-a-list",
              message: "Invalid models config given in \(target.file.originalFilePath) - at path "
                + "['data_tests']: \(list.datum.pythonRepr) is not of type 'array'",
              span: list.span,
              hint: "write each test as '- unique'"
            )
          )
        )
        return
      }
      for item in items {
        do {
          let test = try GenericTestEntry(
            item,
            file: target.file.originalFilePath,
            renderer: renderers.renderer(of: target.package.name)
          )
          drafts.append(try draft(test, target, column: column, tags: tags))
        } catch { failures.append(error) }
      }
    }
    if let columns = entry["columns"], !columns.isNull, columns.sequence == nil {
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: "properties.columns",
            message: "Invalid models config given in \(target.file.originalFilePath) - at path "
              + "['columns']: \(columns.datum.pythonRepr) is not of type 'array'",
            span: columns.span,
            hint: "write each column as '- name: …'"
          )
        )
      )
    }
    add(entry, column: nil, tags: [])
    for column in entry["columns"]?.sequence ?? [] {
      guard let name = column["name"]?.datum.pythonText else { continue }
      let quotes = column["quote"]?.bool ?? false
      let tags =
        (column["tags"]?.datum.texts ?? []) + (column["config"]?["tags"]?.datum.texts ?? [])
      add(column, column: quotes ? "\"\(name)\"" : name, tags: tags)
    }
    return drafts
  }

  private func draft(
    _ test: GenericTestEntry,
    _ target: TestTarget,
    column: String?,
    tags: [String]
  ) throws(Failure) -> Draft {
    let columnName = test.columnName ?? column
    var call: String
    if let source = target.source {
      call = "source('\(source[0])', '\(source[1])')"
    } else {
      let version = target.reference?.version.map { ", version='\($0.pythonText)'" } ?? ""
      call = "ref('\(target.reference?.name ?? "")'\(version))"
    }
    let model = "{{ get_where_subquery(\(call)) }}"
    var arguments = DatumMap()
    if let columnName { arguments["column_name"] = .string(columnName) }
    for (key, value) in test.arguments.entries { arguments[key] = value }
    let name = GenericTestName(
      test: test.name,
      namespace: test.namespace,
      isSource: target.source != nil,
      target: target.name,
      arguments: arguments,
      model: model,
      customName: test.customName
    )
    arguments["model"] = .string(model)
    let alias = name.short == name.full ? nil : name.short
    let file = target.file
    let node = Node(
      uniqueID: "test.\(target.package.name).\(name.full).\(name.hash)",
      resourceType: .test,
      name: name.full,
      packageName: target.package.name,
      path: "\(name.short).sql",
      originalFilePath: file.originalFilePath,
      // dbt drops the first folder, whatever the resource path is.
      fqn: [target.package.name]
        + file.originalFilePath.split(separator: "/").dropFirst().dropLast().map(String.init)
        + [name.full],
      checksum: .none,
      rawCode: test.rawCode(alias: alias),
      createdAt: createdAt
    )
    node.declaration = test.span
    node.columnName = column
    node.fileKeyName = target.fileKeyName
    node.attachedNode = target.attachedNode
    node.testMetadata = TestMetadata(
      name: test.name,
      namespace: test.namespace,
      arguments: arguments
    )
    var config = test.config
    if let alias, config["alias"] == nil { config["alias"] = .string(alias) }
    node.tags = target.tags + tags
    if let description = test.description {
      node.description = description.datum.pythonText
    }
    return Draft(
      node: prepared(node),
      package: target.package,
      patch: nil,
      test: GenericTestDraft(
        namespace: test.namespace,
        macroName: "test_\(test.name)",
        arguments: arguments,
        target: target.reference,
        source: target.source,
        place: test.span
      ),
      propertiesLayer: ConfigLayer(config, origin: test.span, origins: test.configOrigins)
    )
  }

  // MARK: Rendering

  /// Renders all drafts on all cores. Returns the configuration paths that applied somewhere.
  private func render(_ drafts: [Draft], _ failures: inout [Failure]) -> Set<[String]> {
    let slots = Slots<(Failure?, Set<[String]>)>(drafts.count)
    let workspace = workspace
    let emit = emit
    Threads.forEach(drafts.count) {
      RenderingThread(workspace, threadName: "MainThread")
    } _: { thread, index in
      let reader = NodeReader(workspace: workspace, thread: thread, emit: emit)
      do throws(Failure) {
        slots.set(index, (nil, try reader.read(drafts[index])))
      } catch {
        slots.set(index, (error, []))
      }
    }
    // The built-in macros' dependencies need every template once: the same cores, the same wait.
    let macros = workspace.allMacros
    Threads.forEach(macros.count) {
      ()
    } _: { _, index in
      macros[index].macro.dependsOnMacros = workspace.macros.staticDependencies(of: macros[index])
    }
    var used: Set<[String]> = []
    for (failure, paths) in slots.values {
      if let failure { failures.append(failure) }
      used.formUnion(paths)
    }
    return used
  }

  private func collectDuplicates(_ drafts: [Draft], _ failures: inout [Failure]) {
    var byID: [String: Node] = [:]
    var byRelation: [String: Node] = [:]
    for node in drafts.map(\.node) where node.isEnabled {
      if let other = byID[node.uniqueID] {
        // Two equal entries of one test are one test.
        if node.testMetadata != nil { continue }
        failures.append(
          Failure(
            .compilation,
            Diagnostic(
              id: "node.duplicate",
              message:
                "dbt found two \(node.resourceType.plural) with the name \"\(node.name)\".\n\n"
                + "Since these resources have the same name, dbt will be unable to find the correct "
                + "resource\nwhen looking for ref(\"\(node.name)\").\n\nTo fix this, change the name "
                + "of one of these resources:\n- \(other.uniqueID) (\(other.originalFilePath))\n"
                + "- \(node.uniqueID) (\(node.originalFilePath))",
              span: node.declaration,
              hint: "rename one of the files; the other is \(other.originalFilePath)"
            )
          )
        )
        continue
      }
      byID[node.uniqueID] = node
      guard let relation = node.relationName else { continue }
      if let other = byRelation[relation] {
        failures.append(
          Failure(
            .compilation,
            Diagnostic(
              id: "node.same-relation",
              message: "dbt found two resources with the database representation \"\(relation)\".\n"
                + "dbt cannot create two resources with identical database representations. To fix "
                + "this,\nchange the configuration of one of these resources:\n"
                + "- \(other.uniqueID) (\(other.originalFilePath))\n"
                + "- \(node.uniqueID) (\(node.originalFilePath))",
              span: node.declaration,
              hint: "give one of them another alias or schema"
            )
          )
        )
      } else {
        byRelation[relation] = node
      }
    }
  }

  // MARK: Checks

  private func unusedPatches(_ patches: inout Patches) -> [NamedWarning] {
    patches.all.filter { !$0.isUsed && Patches.nodeSections.contains($0.section) }.map { patch in
      NamedWarning(
        "NoNodeForYamlKey",
        Diagnostic(
          id: "properties.no-node",
          severity: .warning,
          message: "Did not find matching node for patch with name '\(patch.name)' in the "
            + "'\(patch.section)' section of file '\(patch.file.originalFilePath)'",
          span: patch.entry["name"]?.span ?? patch.entry.span
        )
      )
    }
  }

  private func unusedConfigPaths(_ used: Set<[String]>) -> [NamedWarning] {
    let trees = workspace.root.definition.trees
    let unused = trees.filter { $0.key != .source && $0.key != .exposure }.values
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

  private func inferPrimaryKeys(_ manifest: Manifest) {
    var byModel: [String: [Node]] = [:]
    for node in manifest.nodes {
      if let attached = node.attachedNode { byModel[attached, default: []].append(node) }
    }
    for node in manifest.nodes where node.resourceType == .model {
      node.primaryKey = PrimaryKey.infer(node, tests: byModel[node.uniqueID] ?? [])
    }
  }

  private func readPlainResources(
    _ files: [PropertiesFile],
    _ descriptions: DescriptionRenderer,
    into manifest: inout Manifest,
    _ failures: inout [Failure]
  ) {
    let reader = PlainResourceReader(
      workspace: workspace,
      descriptions: descriptions,
      createdAt: createdAt
    )
    for file in files { reader.read(file, into: &manifest, &failures) }
    let unitTests = UnitTestReader(
      workspace: workspace,
      descriptions: descriptions,
      createdAt: createdAt
    )
    for file in files { unitTests.read(file, into: &manifest, &failures) }
  }
}

/// The renderers of properties files that one thread uses, with the contexts that they need kept alive.
private final class PackageRenderers {
  private let workspace: Workspace
  private let target: DatumMap
  private var contexts: [String: (renderer: YAMLRenderer, context: ConfigurationContext)] = [:]

  init(_ workspace: Workspace) {
    self.workspace = workspace
    target = workspace.profile.targetVariable
  }

  func renderer(of package: String) -> YAMLRenderer {
    if let known = contexts[package] { return known.renderer }
    let context = ConfigurationContext(
      workspace.invocation,
      environment: workspace.processEnvironment,
      vars: workspace.vars(for: package),
      subject: "<Configuration>",
      members: [
        "target": Value(target), "env": Value(target),
        "project_name": .string(workspace.root.name),
      ]
    )
    let renderer = context.renderer(workspace.nativeEnvironment)
    contexts[package] = (renderer, context)
    return renderer
  }
}

/// The properties entries of nodes and macros, found by section, package and name.
struct Patches {
  static let nodeSections = [
    "models", "seeds", "snapshots", "analyses", "functions", "data_tests", "tests",
  ]
  let all: [Patch]
  private let index: [String: Patch]

  init(_ files: [PropertiesFile], _ failures: inout [Failure]) {
    var all: [Patch] = []
    var index: [String: Patch] = [:]
    for file in files {
      for section in Self.nodeSections + ["macros"] {
        for (name, entry) in file.entries(section) {
          let patch = Patch(
            section: section,
            name: name,
            entry: entry,
            file: file.file,
            package: file.package
          )
          all.append(patch)
          let key = "\(section)|\(file.package)|\(name)"
          if let other = index[key] {
            let (line, column) = other.entry.span.position
            failures.append(
              Failure(
                .compilation,
                Diagnostic(
                  id: "properties.duplicate",
                  message: "dbt found two schema.yml entries for the same resource named \(name). "
                    + "Resources and their associated columns may only be described a single time. "
                    + "To fix this, remove one of the resource entries for \(name) in this file:\n"
                    + " - \(file.file.originalFilePath)",
                  span: entry["name"]?.span ?? entry.span,
                  hint: "the other entry is at \(other.file.file.path):\(line):\(column)"
                )
              )
            )
          } else {
            index[key] = patch
          }
        }
      }
    }
    self.all = all
    self.index = index
  }

  func find(_ node: Node) -> Patch? {
    let sections: [String] =
      switch node.resourceType {
      case .model: ["models"]
      case .seed: ["seeds"]
      case .snapshot: ["snapshots"]
      case .analysis: ["analyses"]
      case .test: ["data_tests", "tests"]
      case .function: ["functions"]
      default: []
      }
    for section in sections {
      if let patch = index["\(section)|\(node.packageName)|\(node.name)"] { return patch }
    }
    return nil
  }
}

/// The parts of the generic tests, by unique id.
package struct TestParts: Sendable {
  let drafts: [String: GenericTestDraft]

  init(_ drafts: [String: GenericTestDraft]) { self.drafts = drafts }
}

extension SourceFile {
  /// Where a text stands, as it is, for the first time.
  func range(of text: String) -> Range<Int>? {
    let wanted = Array(text.utf8)
    guard let first = wanted.first, wanted.count <= bytes.count else { return nil }
    var start = 0
    while let next = bytes[start...(bytes.count - wanted.count)].firstIndex(of: first) {
      if bytes[next..<next + wanted.count].elementsEqual(wanted) {
        return next..<next + wanted.count
      }
      start = next + 1
      if start > bytes.count - wanted.count { return nil }
    }
    return nil
  }
}

/// Results of parallel work, stored by index.
///
/// Unchecked: every index is written by one thread alone, and read when all threads have ended.
final class Slots<Value>: @unchecked Sendable {
  private var storage: UnsafeMutableBufferPointer<Value?>

  init(_ count: Int) {
    storage = .allocate(capacity: count)
    storage.initialize(repeating: nil)
  }

  func set(_ index: Int, _ value: Value) { storage[index] = value }

  var values: [Value] { storage.compactMap { $0 } }

  deinit {
    storage.deinitialize()
    storage.deallocate()
  }
}

extension Diagnostic {
  /// Whether it may come from a macro that could not be read.
  fileprivate var isOfMissingMacro: Bool {
    id == "jinja.undefined" || message.hasPrefix("In dispatch: No macro named")
  }
}

extension ConfigTree.Level {
  /// The levels from here down that set something.
  var configuredBelow: [ConfigTree.Level] {
    (layer.values.isEmpty || path.count == 1 ? [] : [self])
      + below.values.flatMap(\.configuredBelow)
  }
}
