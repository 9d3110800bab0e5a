package import SectoralProject
import SectoralText
import SectoralYAML

/// What `ref` and `source` point to: every node and source by name and package.
package struct ReferenceIndex: Sendable {
  package enum Found {
    case node(Node)
    /// Of several packages, and nothing says which.
    case ambiguous([Node])
    case disabled
    case missing
  }

  private let rootName: String
  /// `require_ref_searches_node_package_before_root`
  private let prefersOwnPackage: Bool
  /// The packages whose models others may not use unless they are public.
  private let restrictingPackages: Set<String>
  /// Name to package to nodes (several where a model has versions).
  private let nodes: [String: [String: [Node]]]
  private let functions: [String: [String: Node]]
  private let disabledNodes: [String: [Node]]
  private let sources: [[String]: [String: SourceTable]]
  private let disabledSources: Set<[String]>

  init(
    _ manifest: Manifest,
    rootName: String,
    prefersOwnPackage: Bool = false,
    restrictingPackages: Set<String> = []
  ) {
    self.rootName = rootName
    self.prefersOwnPackage = prefersOwnPackage
    self.restrictingPackages = restrictingPackages
    var nodes: [String: [String: [Node]]] = [:]
    // Of a name that several kinds share, a seed is meant before a snapshot, a snapshot before a model.
    let refable = manifest.nodes.filter(\.resourceType.isRefable)
    for node in refable.filter({ $0.resourceType == .seed })
      + refable.filter({ $0.resourceType == .snapshot })
      + refable.filter({ ![.seed, .snapshot].contains($0.resourceType) })
    {
      nodes[node.name, default: [:]][node.packageName, default: []].append(node)
      if node.version != nil {
        nodes[node.searchName, default: [:]][node.packageName, default: []].append(node)
      }
    }
    self.nodes = nodes
    var functions: [String: [String: Node]] = [:]
    for node in manifest.nodes where node.resourceType == .function {
      functions[node.name, default: [:]][node.packageName] = node
    }
    self.functions = functions
    disabledNodes = Dictionary(grouping: manifest.disabledNodes.filter(\.resourceType.isRefable)) {
      $0.name
    }
    var sources: [[String]: [String: SourceTable]] = [:]
    for source in manifest.sources {
      sources[[source.sourceName, source.name], default: [:]][source.packageName] = source
    }
    self.sources = sources
    disabledSources = Set(manifest.disabledSources.map { [$0.sourceName, $0.name] })
  }

  /// `package`: of the node that refers.
  package func node(_ reference: Reference, from package: String) -> Found {
    if let byPackage = nodes[reference.name] {
      func node(in name: String) -> Node? {
        byPackage[name].flatMap { pick($0, reference.name, reference.version) }
      }
      if let explicit = reference.package {
        if let node = node(in: explicit) { return .node(node) }
      } else {
        let (first, second) = prefersOwnPackage ? (package, rootName) : (rootName, package)
        if let node = node(in: first) ?? node(in: second) { return .node(node) }
        let others = byPackage.keys.sorted().compactMap { node(in: $0) }
        if others.count > 1 { return .ambiguous(others) }
        if let node = others.first { return .node(node) }
      }
    }
    let isDisabled = (disabledNodes[reference.name] ?? []).contains { node in
      guard reference.package == nil || node.packageName == reference.package else { return false }
      // Of a model with versions, it is off only if that version is.
      guard let version = reference.version ?? node.latestVersion, let own = node.version else {
        return true
      }
      return own.pythonText == version.pythonText
    }
    return isDisabled ? .disabled : .missing
  }

  private func pick(_ candidates: [Node], _ name: String, _ version: Datum?) -> Node? {
    guard let version else {
      // `orders.v2` names one version, `orders` the latest.
      return candidates.first {
        $0.version == nil || $0.version == $0.latestVersion || $0.name != name
      }
    }
    return candidates.first { $0.version?.pythonText == version.pythonText }
  }

  /// The enabled versions of a model; that one alone where it was named (`orders.v2`).
  func versions(of model: Node, named name: String) -> [Node] {
    name == model.name ? nodes[name]?[model.packageName] ?? [] : [model]
  }

  package enum FoundSource {
    case source(SourceTable)
    case disabled
    case missing
  }

  package func source(_ names: [String], from package: String) -> FoundSource {
    if let byPackage = sources[names] {
      let (first, second) = prefersOwnPackage ? (package, rootName) : (rootName, package)
      if let source = byPackage[first] ?? byPackage[second] { return .source(source) }
      if let first = byPackage.min(by: { $0.key < $1.key }) { return .source(first.value) }
    }
    return disabledSources.contains(names) ? .disabled : .missing
  }

  /// What `function('name')` or `function('package', 'name')` means.
  package func function(_ names: [String], from package: String) -> Node? {
    guard let name = names.last, let byPackage = functions[name] else { return nil }
    if names.count == 2 { return byPackage[names[0]] }
    for package in [rootName, package] + byPackage.keys.sorted() {
      if let node = byPackage[package] { return node }
    }
    return nil
  }

  package func nearFunction(_ name: String) -> String? {
    Spelling.nearest(to: name, among: functions.keys)
  }

  /// The closest known name, for messages.
  package func near(_ name: String) -> String? { Spelling.nearest(to: name, among: nodes.keys) }

  // MARK: Resolution of a whole manifest

  /// Fills in `depends_on` of everything; tests of what is missing are dropped with a warning.
  func resolve(_ manifest: inout Manifest, _ failures: inout [Failure]) -> [NamedWarning] {
    var warnings: [NamedWarning] = []
    var dropped: Set<ObjectIdentifier> = []
    let nodes = manifest.nodes
    let found = Threads.map(nodes.count, by: 64) { index -> ([Diagnostic], [NamedWarning]) in
      var warnings: [NamedWarning] = []
      return (resolve(nodes[index], &warnings), warnings)
    }
    for (node, (problems, nodeWarnings)) in zip(nodes, found) {
      warnings += nodeWarnings
      if problems.isEmpty { continue }
      if node.resourceType == .test, !problems.contains(where: { $0.id == "ref.ambiguous" }) {
        dropped.insert(ObjectIdentifier(node))
        // A test of a disabled model is off as the model is: nothing to warn of.
        for problem in problems where problem.id != "ref.disabled" {
          var problem = problem
          problem.severity = .warning
          let name =
            problem.id == "source.disabled"
            ? "InvalidDisabledTargetInTestNode" : "NodeNotFoundOrDisabled"
          warnings.append(NamedWarning(name, problem))
        }
      } else {
        failures.append(Failure(.compilation, problems))
      }
    }
    // As dbt: they stay in the manifest, and are not enabled.
    for node in manifest.nodes where dropped.contains(ObjectIdentifier(node)) {
      node.config["enabled"] = .bool(false)
    }
    for exposure in manifest.exposures { resolve(exposure, &failures) }
    // A generic test belongs to the group of what it tests, though either be disabled.
    let disabled = Dictionary(
      manifest.disabledNodes.map { ($0.uniqueID, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let groups = Set(manifest.groups.map(\.name))
    for node in nodes + manifest.disabledNodes {
      if let attached = node.attachedNode,
        let group = (manifest.node(attached) ?? disabled[attached])?.config["group"]
      {
        node.inheritedGroup = group.string
      }
    }
    let access = AccessRules(
      manifest: manifest,
      groups: groups,
      restricting: restrictingPackages
    )
    let broken = Threads.map(nodes.count, by: 64) { index -> [Failure] in
      var failures: [Failure] = []
      access.check(nodes[index], &failures)
      return failures
    }
    for list in broken { failures += list }
    for exposure in manifest.exposures { access.check(exposure, &failures) }
    return warnings
  }

  /// Fills in what a resource of a properties file depends on: sources first, each once.
  func resolve(_ resource: PlainResource, _ failures: inout [Failure]) {
    let words =
      "\(resource.resourceType.title) '\(resource.uniqueID)' (\(resource.originalFilePath))"
    func place(_ name: String?) -> TextSpan? {
      name.flatMap { resource.place(of: $0, below: "depends_on", "model") } ?? resource.declaration
    }
    var ids: [String] = []
    var problems: [Diagnostic] = []
    for names in resource.sources {
      switch source(names, from: resource.packageName) {
      case .source(let target): ids.append(target.uniqueID)
      case .disabled:
        problems.append(missingSource(words, names, isDisabled: true, at: place(names.last)))
      case .missing:
        problems.append(missingSource(words, names, isDisabled: false, at: place(names.last)))
      }
    }
    for reference in resource.refs {
      let place = place(reference.name)
      switch node(reference, from: resource.packageName) {
      case .node(let target): ids.append(target.uniqueID)
      case .ambiguous(let nodes): problems.append(ambiguous(reference, nodes, at: place))
      case .disabled: problems.append(missing(words, reference, isDisabled: true, at: place))
      case .missing: problems.append(missing(words, reference, isDisabled: false, at: place))
      }
    }
    for id in ids where !resource.dependsOnNodes.contains(id) { resource.dependsOnNodes.append(id) }
    if !problems.isEmpty { failures.append(Failure(.compilation, problems)) }
  }

  /// A package that refers to a name of the root project: dbt looks there first.
  private func reachingUp(_ node: Node, _ target: Node, at span: TextSpan?) -> NamedWarning {
    NamedWarning(
      "PackageNodeDependsOnRootProjectNode",
      Diagnostic(
        id: "ref.package-on-root",
        severity: .warning,
        message: "The node '\(node.name)' in package '\(node.packageName)' depends on the root "
          + "project node '\(target.uniqueID)'. This may lead to unexpected cycles downstream.",
        span: span,
        hint: "the flag require_ref_searches_node_package_before_root lets a package's refs find "
          + "its own nodes first"
      ),
      details: [
        "node_name": .string(node.name), "package_name": .string(node.packageName),
        "root_project_unique_id": .string(target.uniqueID),
      ]
    )
  }

  private func resolve(_ node: Node, _ warnings: inout [NamedWarning]) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    var nodes: [String] = []
    var tables: [String] = []
    var words: String {
      "\(node.resourceType.title) '\(node.uniqueID)' (\(node.originalFilePath))"
    }
    for (index, reference) in node.refs.enumerated() {
      let span = (index < node.refSpans.count ? node.refSpans[index] : nil) ?? node.declaration
      switch self.node(reference, from: node.packageName) {
      case .node(let target):
        nodes.append(target.uniqueID)
        if reference.package == nil, target.packageName == rootName,
          node.packageName != rootName
        {
          warnings.append(reachingUp(node, target, at: span))
        }
      case .ambiguous(let nodes): problems.append(ambiguous(reference, nodes, at: span))
      case .disabled: problems.append(missing(words, reference, isDisabled: true, at: span))
      case .missing: problems.append(missing(words, reference, isDisabled: false, at: span))
      }
    }
    for (index, names) in node.sources.enumerated() {
      let span =
        (index < node.sourceSpans.count ? node.sourceSpans[index] : nil) ?? node.declaration
      switch source(names, from: node.packageName) {
      case .source(let target): tables.append(target.uniqueID)
      case .disabled: problems.append(missingSource(words, names, isDisabled: true, at: span))
      case .missing: problems.append(missingSource(words, names, isDisabled: false, at: span))
      }
    }
    for names in node.functions {
      if let target = function(names, from: node.packageName) {
        nodes.append(target.uniqueID)
      } else {
        let name = names.joined(separator: ".")
        problems.append(
          Diagnostic(
            id: "function.not-found",
            message: "\(words) depends on a function named '\(name)' which was not found",
            span: node.source ?? node.declaration,
            hint: nearFunction(names.last ?? "").map { "did you mean '\($0)'?" }
              ?? "a function is a file in a folder of 'function-paths'"
          )
        )
      }
    }
    // dbt resolves sources before refs.
    node.dependsOnNodes = []
    for id in tables + nodes where !node.dependsOnNodes.contains(id) {
      node.dependsOnNodes.append(id)
    }
    return problems
  }

  private func ambiguous(
    _ reference: Reference,
    _ nodes: [Node],
    at span: TextSpan?
  ) -> Diagnostic {
    func list(_ texts: [String], _ separator: String) -> String {
      texts.map { "'\($0)'" }.joined(separator: separator)
    }
    let places = nodes.compactMap { $0.declaration?.placeText ?? $0.source?.placeText }
    return Diagnostic(
      id: "ref.ambiguous",
      message: "When referencing '\(reference.name)', dbt found nodes in multiple packages: "
        + list(nodes.map(\.uniqueID), ", ")
        + "\nTo fix this, use two-argument 'ref', with the package name first: "
        + list(nodes.map(\.packageName), " or "),
      span: span,
      hint: "write ref('\(nodes[0].packageName)', '\(reference.name)'); they are at "
        + places.joined(separator: " and ")
    )
  }

  private func missing(
    _ words: String,
    _ reference: Reference,
    isDisabled: Bool,
    at span: TextSpan?
  ) -> Diagnostic {
    let text =
      "\(words) depends on \(reference.words) which "
      + (isDisabled ? "is disabled" : "was not found")
    let names = nodes.keys
    let hint = versionHint(reference)
    return Diagnostic(
      id: isDisabled ? "ref.disabled" : "ref.not-found",
      message: text,
      span: span,
      hint: isDisabled
        ? "enable it ('enabled: true'), or take the reference out"
        : hint ?? Spelling.nearest(to: reference.name, among: names).map { "did you mean '\($0)'?" }
          ?? "a ref names a model, seed or snapshot by its file name, without the extension"
    )
  }

  /// Which versions there are of a model that is known.
  private func versionHint(_ reference: Reference) -> String? {
    let found = (nodes[reference.name] ?? [:])
      .filter { reference.package == nil || reference.package == $0.key }
      .sorted { $0.key < $1.key }.flatMap(\.value)
    guard reference.version != nil, let first = found.first else { return nil }
    let versions = found.compactMap { $0.version?.pythonText }.sorted()
    if versions.isEmpty { return "'\(first.name)' has no versions: leave 'v' out" }
    return "there is no such version; these there are: \(versions.joined(separator: ", "))"
  }

  private func missingSource(
    _ words: String,
    _ names: [String],
    isDisabled: Bool,
    at span: TextSpan?
  ) -> Diagnostic {
    let known = sources.keys.map { $0.joined(separator: ".") }
    let wanted = names.joined(separator: ".")
    return Diagnostic(
      id: isDisabled ? "source.disabled" : "source.not-found",
      message: "\(words) depends on a source named '\(wanted)' "
        + (isDisabled ? "which is disabled" : "which was not found"),
      span: span,
      hint: isDisabled
        ? "enable it ('enabled: true'), or take the reference out"
        : Spelling.nearest(to: wanted, among: known).map {
          let parts = $0.split(separator: ".").map { "'\($0)'" }.joined(separator: ", ")
          return "did you mean source(\(parts))?"
        } ?? "declare it under 'sources:' in a properties file"
    )
  }
}

extension ResourceType {
  /// As a message begins with it: "Model", "Test".
  var title: String {
    rawValue.prefix(1).uppercased() + rawValue.dropFirst()
  }
}
