import SectoralProject
import SectoralText
import SectoralYAML

extension ProjectReader {
  // MARK: Generic tests

  func genericTests(
    _ drafts: [Draft],
    _ patches: Patches,
    _ sources: [SourceReader.Entry],
    _ descriptions: DescriptionRenderer,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) -> [Draft] {
    let entries = testedEntries(drafts, patches, sources)
    let workspace = workspace
    let found = Threads.map(entries.count, on: .deep) {
      PackageRenderers(workspace)
    } _: { renderers, index -> ([Draft], [NamedWarning], [Failure]) in
      var failures: [Failure] = []
      var warnings: [NamedWarning] = []
      let (entry, target) = entries[index]
      let tests = self.tests(in: entry, target, renderers, &warnings, &failures)
      return (tests, warnings, failures)
    }
    var tests: [Draft] = []
    for (entryTests, entryWarnings, entryFailures) in found {
      tests += entryTests
      warnings += entryWarnings
      failures += entryFailures
    }
    for node in tests.lazy.map(\.node) where YAMLRenderer.isTemplate(node.description) {
      guard let place = node.declaration else { continue }
      do {
        (node.description, node.docBlocks) = try descriptions.render(
          YAMLNode(.scalar(.string(node.description)), at: place),
          package: node.packageName
        )
      } catch { failures.append(error) }
    }
    return tests
  }

  /// The properties entries that may have tests, in dbt's order, and what each of them is about.
  private func testedEntries(
    _ drafts: [Draft],
    _ patches: Patches,
    _ sources: [SourceReader.Entry]
  ) -> [(YAMLNode, TestTarget)] {
    var entries: [(YAMLNode, TestTarget)] = []
    // Two models of a name, of which one is disabled, share their entry: it is tested once.
    var tested: Set<String> = []
    for draft in drafts {
      guard let patch = draft.patch else { continue }
      let node = draft.node
      guard node.resourceType != .test, node.resourceType != .analysis,
        tested.insert(node.uniqueID).inserted
      else { continue }
      let version = patch.version
      let target = TestTarget(
        name: version?.testName ?? node.name,
        reference: Reference(name: version?.model ?? node.name, version: version?.version),
        source: nil,
        attachedNode: node.packageName == patch.package
          ? version?.uniqueID(in: node.packageName) ?? node.uniqueID : nil,
        file: patch.file,
        package: workspace.package(patch.package) ?? draft.package,
        fileKeyName: patch.fileKeyName,
        tags: [],
        quotesColumns: patch.entry["quote_columns"]?.bool ?? false
      )
      entries.append((patch.entry, target))
    }
    // dbt makes the tests of an entry that describes nothing, too, and then finds nothing to test.
    for patch in patches.all
    where !patch.isUsed && ["models", "seeds", "snapshots"].contains(patch.section) {
      guard let package = workspace.package(patch.package) else { continue }
      let target = TestTarget(
        name: patch.version?.testName ?? patch.name,
        reference: Reference(name: patch.name, version: patch.version?.version),
        source: nil,
        attachedNode: patch.namesake?.uniqueID,
        file: patch.file,
        package: package,
        fileKeyName: patch.fileKeyName,
        tags: [],
        quotesColumns: patch.entry["quote_columns"]?.bool ?? false
      )
      entries.append((patch.entry, target))
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
        quotesColumns: table.quoting["column"]?.bool ?? false
      )
      entries.append((source.entry, target))
    }
    return entries
  }

  struct TestTarget: Sendable {
    let name: String
    let reference: Reference?
    let source: [String]?
    let attachedNode: String?
    let file: ProjectFile
    let package: Package
    let fileKeyName: String
    let tags: [String]
    let quotesColumns: Bool
    /// What an fqn of a test has between its package and its name.
    private(set) var folders: [String] = []

    init(
      name: String,
      reference: Reference?,
      source: [String]?,
      attachedNode: String?,
      file: ProjectFile,
      package: Package,
      fileKeyName: String,
      tags: [String],
      quotesColumns: Bool
    ) {
      self.name = name
      self.reference = reference
      self.source = source
      self.attachedNode = attachedNode
      self.file = file
      self.package = package
      self.fileKeyName = fileKeyName
      self.tags = tags
      self.quotesColumns = quotesColumns
    }

    /// Names the folders, on the thread that makes the tests.
    mutating func findFolders() {
      // dbt drops the first folder, whatever the resource path is.
      folders = file.originalFilePath.split(separator: "/").dropFirst().dropLast().map(String.init)
    }
  }

  func tests(
    in entry: YAMLNode,
    _ target: TestTarget,
    _ renderers: PackageRenderers,
    _ warnings: inout [NamedWarning],
    _ failures: inout [Failure]
  ) -> [Draft] {
    var target = target
    target.findFolders()
    var drafts: [Draft] = []
    let nestsArguments =
      workspace.invocation.behavior["require_generic_test_arguments_property"]?.bool ?? true
    func add(_ holder: YAMLNode, column: String?, tags: [String]) {
      let old = holder["tests"]
      let new = holder["data_tests"]
      if let old, new != nil, !old.datum.isFalsy {
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
      for (key, list) in [("data_tests", new), ("tests", old)] {
        guard let list, list.sequence == nil else { continue }
        failures.append(
          Failure(
            .parsing,
            Diagnostic(
              id: "test.not-a-list",
              message: "Invalid models config given in \(target.file.originalFilePath) - at path "
                + "['\(key)']: \(list.datum.pythonRepr) is not of type 'array'",
              span: list.span,
              hint: list.isNull ? "remove the key" : "write each test as '- unique'"
            )
          )
        )
      }
      for item in new?.sequence ?? old?.sequence ?? [] {
        do {
          let test = try GenericTestEntry(
            item,
            file: target.file.originalFilePath,
            nestsArguments: nestsArguments,
            renderer: renderers.renderer(of: target.package.name)
          )
          warnings += test.warnings(
            "'\(target.reference?.name ?? target.name)' in package '\(target.package.name)'",
            file: target.file.originalFilePath
          )
          drafts.append(try draft(test, target, column: column, tags: tags))
        } catch { failures.append(error) }
      }
    }
    add(entry, column: nil, tags: [])
    for column in entry["columns"]?.sequence ?? [] {
      guard let name = column["name"]?.datum.pythonText else { continue }
      let quotes = column["quote"]?.bool ?? target.quotesColumns
      let tags =
        (column["tags"]?.datum.texts ?? []) + (column["config"]?["tags"]?.datum.texts ?? [])
      add(column, column: quotes ? "\"\(name)\"" : name, tags: tags)
    }
    return drafts
  }

  func draft(
    _ test: GenericTestEntry,
    _ target: TestTarget,
    column: String?,
    tags: [String]
  ) throws(Failure) -> Draft {
    let columnName = column.map(Datum.string) ?? test.columnName
    var call: String
    if let source = target.source {
      call = "source('\(source[0])', '\(source[1])')"
    } else {
      let version = target.reference?.version.map { ", version='\($0.pythonText)'" } ?? ""
      call = "ref('\(target.reference?.name ?? "")'\(version))"
    }
    let model = "{{ get_where_subquery(\(call)) }}"
    var arguments = DatumMap()
    if let columnName { arguments["column_name"] = columnName }
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
      fqn: [target.package.name] + target.folders + [name.full],
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
}

/// The parts of all generic tests.
package struct TestParts: Sendable {
  /// By unique id.
  let drafts: [String: GenericTestDraft]

  init(_ drafts: [Draft]) {
    var tests: [String: GenericTestDraft] = [:]
    tests.reserveCapacity(drafts.count)
    // Of tests that share an id the first stays; the check of names tells of the others.
    for draft in drafts.reversed() {
      if let test = draft.test { tests[draft.node.uniqueID] = test }
    }
    self.drafts = tests
  }
}
