import SectoralJinja
package import SectoralProject
package import SectoralText
import SectoralWarehouse
package import SectoralYAML
import Synchronization

/// A warning by dbt's event name, so that the warn-error options can address it.
package struct NamedWarning: Sendable {
  package let name: String
  package let diagnostic: Diagnostic
  /// What dbt's JSON log has beside the message.
  package let details: DatumMap

  package init(_ name: String, _ diagnostic: Diagnostic, details: DatumMap = DatumMap()) {
    self.name = name
    self.diagnostic = diagnostic
    self.details = details
  }
}

extension ProjectDefinition {
  package var namedWarnings: [NamedWarning] {
    warnings.map { NamedWarning(Self.warningName($0), $0) }
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
    /// What will be an error when it is compiled, and is none yet.
    package var unknownCalls: [Diagnostic]
    /// What was only needed to get there: large, and to be taken apart by somebody with time.
    package var leftovers: Leftovers?
  }

  /// The files and drafts of a project that is read.
  package struct Leftovers: Sendable {
    fileprivate let properties: [PropertiesFile]
    fileprivate let drafts: [Draft]
    fileprivate let sources: [SourceReader.Entry]
  }

  /// Why a project cannot be read, and what there is to warn of besides.
  package struct Refusal: Error, Sendable {
    package var failures: [Failure]
    package var warnings: [NamedWarning]
    /// As those of a result, where no macro is missing for another reason.
    package var unknownCalls: [Diagnostic]
  }

  let workspace: Workspace
  let createdAt: Double
  let emit: ReadingEventHandler

  package init(
    _ workspace: Workspace,
    emit: @escaping ReadingEventHandler
  ) {
    self.workspace = workspace
    self.createdAt = Double(workspace.invocation.startedAt) / 1e6
    self.emit = emit
  }

  package func read() throws(Refusal) -> Result {
    var failures: [Failure] = []
    // Of macros: like calls of macros that there are not.
    let remarksOfMacros = workspace.warnings.filter(\.mattersToCallers)
    var warnings = workspace.warnings.filter { !$0.mattersToCallers }.map {
      NamedWarning(ProjectDefinition.warningName($0), $0)
    }
    var manifest = Manifest()
    manifest.projectName = workspace.root.name
    manifest.adapterType = workspace.profile.type

    let properties = readProperties()
    let holdsAgainstSchemas = SchemaWarnings.apply(to: workspace)
    if holdsAgainstSchemas {
      let root = workspace.root.definition
      warnings += SchemaWarnings.ofProject(root.raw, "\(root.root)/dbt_project.yml")
    }
    for file in properties {
      failures += file.failures
      var own = file.warnings
      if holdsAgainstSchemas, file.package == workspace.root.name, let raw = file.raw {
        own.removeAll { ["properties.unknown-key", "properties.misspelt-key"].contains($0.id) }
        warnings += SchemaWarnings.ofProperties(raw, file.file.originalFilePath)
      }
      warnings += own.map { NamedWarning(PropertiesFile.warningName($0), $0) }
    }
    manifest.docs = docsBlocks(&failures)
    let descriptions = DescriptionRenderer(
      docs: Dictionary(
        manifest.docs.map { ($0.uniqueID, $0) },
        uniquingKeysWith: { first, _ in first }
      ),
      workspace: workspace,
      target: workspace.profile.targetVariable
    )

    var patches = Patches(
      properties,
      stems: { name in
        let files = workspace.package(name)?.files ?? []
        return Set(files.lazy.filter { $0.kind == .model }.map { FileSystem.stem(of: $0.path) })
      },
      keepsWritten: workspace.invocation
        .behavior["state_modified_compare_more_unrendered_values"]?.bool ?? false,
      &failures
    )
    warnings += patchMacros(patches, descriptions, &failures)
    var drafts = nodeDrafts(patches, descriptions, &failures)
    let sources = SourceReader(
      workspace: workspace,
      descriptions: descriptions,
      createdAt: createdAt
    ).read(properties, &warnings, &failures)
    drafts += genericTests(drafts, patches, sources, descriptions, &warnings, &failures)
    drafts += hookDrafts()

    let remarks = render(drafts, &failures)
    restoreDescriptions(drafts, &failures)
    let unknownTests = checkNames(drafts, &patches, &warnings, &failures)
    let misspelt = ownMisspellings(remarks.warnings).map {
      NamedWarning("CustomKeyInConfigDeprecation", $0)
    }
    warnings += remarks.custom

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
    readPlainResources(properties, descriptions, into: &manifest, &warnings, &failures)
    let unused = unusedConfigPaths(Set(remarks.levels.map(\.path)), manifest)
    warnings += misspelt
    manifest.buildIndexes()

    let (rules, references) = Threads.both { [manifest] in
      var failures: [Failure] = []
      return (warnings: ConfigRules.check(manifest, &failures), failures: failures)
    } _: { [workspace, manifest] in
      ReferenceIndex(
        manifest,
        rootName: workspace.root.name,
        prefersOwnPackage: workspace.invocation
          .behavior["require_ref_searches_node_package_before_root"]?.bool ?? false,
        restrictingPackages: Set(
          workspace.packages.filter(\.definition.restrictsAccess).map(\.name)
        )
      )
    }
    warnings += rules.warnings
    failures += rules.failures
    warnings += references.resolve(&manifest, &failures)
    SemanticLinks(references: references).resolve(&manifest, &failures)
    for problem in failures.flatMap(\.diagnostics)
    where ["semantic.names", "semantic.labels", "semantic.conversion"].contains(problem.id) {
      // dbt tells each, and refuses the whole.
      var warning = problem
      warning.severity = .warning
      warnings.append(NamedWarning("SemanticValidationFailure", warning))
    }
    warnings += SemanticLinks.deprecations(manifest, flags: workspace.invocation.behavior)
    UnitTestReader.resolve(&manifest, references, &failures)
    warnings += DeprecationDates(references: references, now: workspace.invocation.startedAt)
      .warnings(manifest)
    let (_, (cycles, tests)) = Threads.both { [manifest] in
      warnings += MicrobatchRules(workspace: workspace).check(manifest, &failures)
      inferPrimaryKeys(manifest)
    } _: { [manifest, drafts] in
      (DependencyCycles(manifest).failures(), TestParts(drafts))
    }
    failures += cycles
    dropConsequences(
      &failures,
      hasUnreadFiles: properties.contains { $0.root == nil && !$0.failures.isEmpty }
        || workspace.projectProblems.flatMap(\.diagnostics).contains { $0.id == "file.not-utf8" },
      leavesOutSources: properties.contains(where: \.leavesOutSources)
    )
    failures.insert(contentsOf: workspace.projectProblems, at: 0)
    guard failures.isEmpty else {
      // Which settings no node uses is not known where nodes are missing: they go without.
      let losesMacros = workspace.lacksPackages || !workspace.macroProblems.isEmpty
      let calls = losesMacros ? [] : remarks.unknownCalls + unknownTests + remarksOfMacros
      throw Refusal(failures: failures, warnings: warnings, unknownCalls: calls)
    }
    return Result(
      manifest: manifest,
      warnings: warnings + unused,
      references: references,
      tests: tests,
      unknownCalls: remarks.unknownCalls + unknownTests + remarksOfMacros,
      leftovers: Leftovers(properties: properties, drafts: drafts, sources: sources)
    )
  }

  /// Looks for names that are used twice or are otherwise wrong. Returns the generic tests that no macro
  /// stands behind.
  private func checkNames(
    _ drafts: [Draft],
    _ patches: inout Patches,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) -> [Diagnostic] {
    let nodes = drafts.map(\.node)
    let reader = self
    let (twice, rest) = Threads.both {
      var failures: [Failure] = []
      collectDuplicates(drafts, &failures)
      collectAmbiguousEntries(drafts, &failures)
      LatestVersionPointers(workspace: workspace).check(nodes, &failures)
      return failures
    } _: {
      var failures: [Failure] = []
      let warnings = reader.nameWarnings(nodes, &failures)
      return (warnings: warnings, failures: failures, tests: reader.unknownTests(drafts))
    }
    failures += twice + rest.failures
    warnings += unusedPatches(&patches) + rest.warnings
    return rest.tests
  }

  /// Takes out what is only there because of another mistake, and adds those of macro files.
  private func dropConsequences(
    _ failures: inout [Failure],
    hasUnreadFiles: Bool,
    leavesOutSources: Bool
  ) {
    var lostIDs: Set<String> = []
    // A file that cannot be read may declare what others refer to.
    if hasUnreadFiles { lostIDs.formUnion(["source.not-found", "group.not-found"]) }
    // So may an entry that is left out.
    if failures.contains(where: { $0.diagnostics.contains { $0.id.hasPrefix("properties.") } }) {
      lostIDs.formUnion(["metric.not-found", "semantic.not-found", "group.not-found"])
    }
    if leavesOutSources { lostIDs.insert("source.not-found") }
    if workspace.lacksPackages { lostIDs.formUnion(["source.not-found", "ref.not-found"]) }
    let problems = workspace.macroProblems
    // What a damaged file no longer defines is missed all over the project.
    let losesMacros = workspace.lacksPackages || !problems.isEmpty
    let places = Set(problems.compactMap { $0.span?.start })
    for index in failures.indices {
      failures[index].diagnostics.removeAll { diagnostic in
        lostIDs.contains(diagnostic.id) || losesMacros && diagnostic.isOfMissingMacro
          // Whoever calls it meets the same mistake again.
          || problems.contains { problem in
            problem.message == diagnostic.message && problem.id == diagnostic.id
              && places.contains(diagnostic.span?.start ?? -1)
          }
      }
    }
    failures.removeAll(where: \.diagnostics.isEmpty)
    if !problems.isEmpty { failures.insert(Failure(.compilation, problems), at: 0) }
  }

  // MARK: Properties and docs

  private func readProperties() -> [PropertiesFile] {
    var inputs: [(ProjectFile, Package)] = []
    for package in workspace.packages {
      for file in package.files where file.kind == .properties { inputs.append((file, package)) }
    }
    let workspace = workspace
    let work = inputs
    return Threads.map(work.count, by: 1, on: .deep) {
      PackageRenderers(workspace)
    } _: { renderers, index in
      let (file, package) = work[index]
      let renderer = renderers.renderer(of: package.name)
      return PropertiesFile(file, package: package.name, renderer: renderer)
    }
  }

  // MARK: Rendering

  /// Renders all drafts on all cores. Returns what there is to say of them, each level once.
  private func render(_ drafts: [Draft], _ failures: inout [Failure]) -> NodeReader.Remarks {
    let workspace = workspace
    let emit = emit
    // The built-in macros' dependencies need every template once: the same cores, the same wait.
    let macros = workspace.allMacros
    let results = Threads.map(drafts.count + macros.count, on: .deep) {
      RenderingThread(workspace, threadName: "MainThread")
    } _: { thread, index -> Swift.Result<NodeReader.Remarks, Failure> in
      guard index < drafts.count else {
        let entry = macros[index - drafts.count]
        entry.macro.dependsOnMacros = workspace.macros.staticDependencies(of: entry)
        return .success(NodeReader.Remarks())
      }
      let reader = NodeReader(workspace: workspace, thread: thread, emit: emit)
      do throws(Failure) {
        return .success(try reader.read(drafts[index]))
      } catch {
        return .failure(error)
      }
    }
    var known: Set<ObjectIdentifier> = []
    var all = NodeReader.Remarks()
    for result in results {
      switch result {
      case .failure(let failure): failures.append(failure)
      case .success(let remarks):
        for level in remarks.levels where known.insert(ObjectIdentifier(level)).inserted {
          all.levels.append(level)
        }
        all.warnings += remarks.warnings
        all.custom += remarks.custom
        all.unknownCalls += remarks.unknownCalls
      }
    }
    return all
  }

  /// Each place once, in files of the root project: nobody mends those of packages.
  private func ownMisspellings(_ warnings: [Diagnostic]) -> [Diagnostic] {
    let packages = workspace.root.definition.packagesInstallPath + "/"
    var seen: Set<String> = []
    return warnings.filter { warning in
      guard let span = warning.span, !span.file.path.hasPrefix(packages) else { return false }
      return seen.insert(span.placeText).inserted
    }
  }

  private static func versionedAndPlain(_ node: Node, _ path: String) -> Failure {
    Failure(
      .parsing,
      Diagnostic(
        id: "version.and-plain",
        message: "dbt found versioned and unversioned models with the name \"\(node.name)\".\n\n"
          + "Since these resources have the same name, dbt will be unable to find the correct "
          + "resource\nwhen looking for ref('\(node.name)').\n\nTo fix this, change the name of the "
          + "unversioned resource\n\(node.uniqueID) (\(node.originalFilePath))\n"
          + "or add the unversioned model to the versions in \(path)",
        span: node.declaration
      )
    )
  }

  private func duplicateTest(_ node: Node, _ other: Node) -> Failure {
    let column = node.columnName.map { "column \"\($0)\" in " } ?? ""
    return Failure(
      .compilation,
      Diagnostic(
        id: "test.duplicate",
        message: "dbt found two data_tests with the name \"\(node.name)\" defined on \(column)"
          + "\"\(node.fileKeyName ?? "")\".\n\nSince these resources have the same name, dbt will be "
          + "unable to find the correct resource\nwhen running tests.\n\nTo fix this, change the "
          + "name of one of these resources:\n- \(other.uniqueID) (\(other.originalFilePath))\n"
          + "- \(node.uniqueID) (\(node.originalFilePath))",
        span: node.declaration,
        hint: "take one of them out, or give it another 'name:'; the other is at "
          + (other.declaration?.placeText ?? other.originalFilePath)
      )
    )
  }

  /// Several nodes of one id that are all disabled, and an entry that enables them.
  private func collectAmbiguousEntries(_ drafts: [Draft], _ failures: inout [Failure]) {
    let enabling = drafts.filter { draft in
      !draft.node.isEnabled && draft.test == nil
        && draft.propertiesLayer?.values["enabled"]?.bool == true
    }
    let groups = Dictionary(grouping: enabling, by: \.node.uniqueID).values.filter { $0.count > 1 }
    for group in groups.sorted(by: { $0[0].node.uniqueID < $1[0].node.uniqueID }) {
      let node = group[0].node
      failures.append(
        Failure(
          .parsing,
          Diagnostic(
            id: "node.several-disabled",
            message: "Found \(group.count) matching disabled nodes for "
              + "\(node.resourceType.rawValue) '\(node.name)': "
              + group.map(\.node.originalFilePath).joined(separator: ", "),
            span: group[0].propertiesLayer?.origin ?? node.declaration,
            hint: "enable one of them in its own file or in dbt_project.yml"
          )
        )
      )
    }
  }

  private func collectDuplicates(_ drafts: [Draft], _ failures: inout [Failure]) {
    var byID = [String: Node](minimumCapacity: drafts.count)
    var byRelation: [String: Node] = [:]
    let versioned = Dictionary(
      drafts.compactMap { draft in
        draft.patch?.version.map { ("\(draft.package.name).\($0.model)", draft) }
      },
      uniquingKeysWith: { first, _ in first }
    )
    for node in drafts.map(\.node) where node.isEnabled {
      if !versioned.isEmpty, node.resourceType == .model, node.version == nil,
        let other = versioned["\(node.packageName).\(node.name)"]
      {
        failures.append(Self.versionedAndPlain(node, other.patch?.path ?? ""))
      }
      if let other = byID[node.uniqueID] {
        if node.testMetadata != nil {
          failures.append(duplicateTest(node, other))
          continue
        }
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
              hint: "rename one of them; the other is at "
                + (other.declaration?.placeText ?? other.originalFilePath)
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
              hint: "give one of them another alias or schema; the other is at "
                + (other.declaration?.placeText ?? other.originalFilePath)
            )
          )
        )
      } else {
        byRelation[relation] = node
      }
    }
  }

  private func readPlainResources(
    _ files: [PropertiesFile],
    _ descriptions: DescriptionRenderer,
    into manifest: inout Manifest,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) {
    let reader = PlainResourceReader(
      workspace: workspace,
      descriptions: descriptions,
      createdAt: createdAt
    )
    for file in files { reader.read(file, into: &manifest, &warnings, &failures) }
    SemanticReader(workspace: workspace, descriptions: descriptions, createdAt: createdAt)
      .read(files, into: &manifest, &warnings, &failures)
    let unitTests = UnitTestReader(
      workspace: workspace,
      descriptions: descriptions,
      createdAt: createdAt
    )
    for file in files { unitTests.read(file, into: &manifest, &failures) }
    for path: WritableKeyPath<Manifest, [PlainResource]> in [
      \.groups, \.exposures, \.metrics, \.semanticModels, \.savedQueries, \.unitTests,
    ] {
      var seen: [String: PlainResource] = [:]
      manifest[keyPath: path].removeAll { resource in
        guard let other = seen[resource.uniqueID] else {
          seen[resource.uniqueID] = resource
          return false
        }
        failures.append(PlainResourceReader.twice(resource, other))
        return true
      }
    }
  }
}

/// The renderers of properties files that one thread uses, with the contexts that they need kept alive.
final class PackageRenderers {
  private let workspace: Workspace
  private let target: DatumMap
  private var contexts: [String: (renderer: YAMLRenderer, context: ConfigurationContext)] = [:]

  init(_ workspace: Workspace) {
    self.workspace = workspace
    target = workspace.profile.targetVariable
  }

  func renderer(of package: String) -> YAMLRenderer {
    if let known = contexts[package] { return known.renderer }
    let context = ConfigurationContext(ofPropertiesIn: package, workspace, target: target)
    let renderer = context.renderer(workspace.nativeEnvironment)
    contexts[package] = (renderer, context)
    return renderer
  }
}

extension ConfigurationContext {
  /// What templates in the properties files of a package may use.
  ///
  /// `target`: the profile's, made once for many contexts.
  convenience init(
    ofPropertiesIn package: String,
    _ workspace: Workspace,
    target: DatumMap,
    members: [Symbol: Value] = [:]
  ) {
    var all = members
    all["target"] = Value(target)
    all["env"] = Value(target)
    all["project_name"] = .string(workspace.root.name)
    self.init(
      workspace.invocation,
      environment: workspace.processEnvironment,
      vars: workspace.vars(for: package),
      subject: "<Configuration>",
      members: all
    )
  }
}

extension Diagnostic {
  fileprivate var mattersToCallers: Bool { Environment.assertions.contains(id) }

  /// Whether it may come from a macro that could not be read.
  fileprivate var isOfMissingMacro: Bool {
    id == "jinja.undefined" || message.hasPrefix("In dispatch: No macro named")
  }
}

extension ConfigTree.Level {
  /// The levels from here down that set something.
  var configuredBelow: [ConfigTree.Level] {
    (layer.values.isEmpty ? [] : [self])
      + below.values.flatMap(\.configuredBelow)
  }
}
