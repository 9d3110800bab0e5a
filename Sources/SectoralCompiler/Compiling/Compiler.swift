package import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
import SectoralYAML
import Synchronization

/// Rows of a node for somebody to look at: `show`.
package struct QueryPreview: Sendable {
  package var table: ResultTable
  package var response: AdapterResponse
  /// What was sent for them.
  package var sql: String
}

/// A node's SQL, as it is sent and as it is remembered.
package struct CompiledSQL: Sendable {
  /// With the CTEs of ephemeral models.
  package var text: String
  /// Without them.
  package var ownText: String
  package var ctes: [ExtraCTE]
  /// The inputs of a unit test by name, as the queries that stand for them.
  package var inputs: [(name: String, sql: String)] = []
  /// Where `ownText` came from, for messages.
  package var origins: TextOrigins?

  package init(text: String, ownText: String, ctes: [ExtraCTE], origins: TextOrigins? = nil) {
    self.text = text
    self.ownText = ownText
    self.ctes = ctes
    self.origins = origins
  }
}

/// Turns nodes into SQL.
package final class Compiler: Sendable {
  package let workspace: Workspace
  package let manifest: Manifest
  package let references: ReferenceIndex
  /// Whether nodes must be run one after the other, because macros hand each other things in `graph`.
  package var sharesGraph: Bool {
    sharing.withLock { known in
      let shares = known ?? workspace.macros.writesGraph
      known = shares
      return shares
    }
  }
  private let sharing = Mutex<Bool?>(nil)
  let sharedGraph = SharedGraph()
  private let tests: TestParts
  /// Ephemeral models' own SQL: they are compiled when somebody first needs them.
  private let ephemeralModels = SleepingMutex<[String: CompiledSQL]>([:])
  private let deferralState = Mutex<Deferral?>(nil)

  /// What references mean to what is not there; nil: an error of the database. Set before the first
  /// node is compiled.
  package var deferral: Deferral? {
    get { deferralState.withLock { $0 } }
    set { deferralState.withLock { $0 = newValue } }
  }

  package init(_ workspace: Workspace, _ project: ProjectReader.Result) {
    self.workspace = workspace
    manifest = project.manifest
    references = project.references
    tests = project.tests
  }

  /// Compiles the node of a context, and notes the result in the node and the context.
  ///
  /// `injects`: whether ephemeral models are put in as CTEs.
  package func compile(_ context: RunContext, injects: Bool = true) throws(Failure) -> CompiledSQL {
    guard let node = context.node else { preconditionFailure("only nodes are compiled") }
    context.notesCalls = true
    let compiled = try compile(context, node, injects: injects, below: [])
    try context.resolveConstraints()
    context.compiledCode = compiled.text
    // There is no SQL of the whole model where it is built in batches.
    guard context.batch == nil else { return compiled }
    node.compiledCode = compiled.text
    node.extraCTEs = compiled.ctes
    node.isCompiled = true
    context.keepChangedSettings()
    return compiled
  }

  private func compile(
    _ context: RunContext,
    _ node: Node,
    injects: Bool,
    below path: [Node]
  ) throws(Failure) -> CompiledSQL {
    if node.resourceType == .unitTest { return try compileUnitTest(context, node) }
    if node.language == "python", node.resourceType == .model {
      do throws(TemplateError) {
        let postfix = try context.render(text: "{{ py_script_postfix(model) }}")
        let text = "\(node.rawCode)\n\n\(postfix)"
        return CompiledSQL(text: text, ownText: text, ctes: [])
      } catch {
        throw context.failure(error, nil)
      }
    }
    let own: String
    do throws(TemplateError) {
      if let test = tests.drafts[node.uniqueID] {
        guard let entry = test.macro(in: context) else {
          throw Self.unknownTest(test, node, workspace)
        }
        own = try test.text(in: context, entry)
      } else {
        own = try renderBody(of: node, context)
      }
    } catch {
      throw context.failure(error, nil)
    }
    // Depth first, each once: the CTEs of what is referred to come before it.
    var ctes: [ExtraCTE] = []
    for target in context.ephemeralReferences {
      if let cycle = path.firstIndex(where: { $0 === target }) {
        let names = (path[cycle...] + [target]).map(\.uniqueID).joined(separator: " --> ")
        throw Failure(
          .runtime,
          Diagnostic(id: "graph.cycle", message: "Found a cycle: \(names)", span: node.source)
        )
      }
      let compiled = try ephemeral(target, for: context, below: path + [node])
      for cte in compiled.ctes where !ctes.contains(where: { $0.uniqueID == cte.uniqueID }) {
        ctes.append(cte)
      }
      guard !ctes.contains(where: { $0.uniqueID == target.uniqueID }) else { continue }
      ctes.append(
        ExtraCTE(
          uniqueID: target.uniqueID,
          sql: CTEInjection.cte(name: "__dbt__cte__\(target.alias)", sql: compiled.ownText)
        )
      )
    }
    let text = injects ? CTEInjection.inject(ctes.map(\.sql), into: own) : own
    return CompiledSQL(text: text, ownText: own, ctes: ctes, origins: context.origins)
  }

  private func ephemeral(
    _ node: Node,
    for context: RunContext,
    below path: [Node]
  ) throws(Failure) -> CompiledSQL {
    if let known = ephemeralModels.withLock({ $0[node.uniqueID] }) { return known }
    let own = RunContext(
      context.thread,
      compiler: self,
      node: node,
      session: context.session,
      selectedResources: [],
      emit: context.emitEvent
    )
    let compiled = try compile(own, node, injects: true, below: path)
    // Two threads may compile one model at a time; the texts are the same, and one of them stays.
    return ephemeralModels.withLock { models in
      if let known = models[node.uniqueID] { return known }
      models[node.uniqueID] = compiled
      node.compiledCode = compiled.text
      node.extraCTEs = compiled.ctes
      node.isCompiled = true
      return compiled
    }
  }

  /// An ephemeral model that was compiled for another.
  func compiledEphemeral(_ uniqueID: String) -> CompiledSQL? {
    ephemeralModels.withLock { $0[uniqueID] }
  }

  func renderBody(of node: Node, _ context: RunContext) throws(TemplateError) -> String {
    guard let span = node.source else { return node.rawCode }
    guard YAMLRenderer.isTemplate(node.rawCode) else {
      context.origins?.add(node.rawCode, from: span)
      return node.rawCode
    }
    let template = try workspace.environment.compile(span.file, in: span.start..<span.end)
    return try context.hosting { () throws(TemplateError) in
      try context.interpreter.render(template, scope: context)
    }
  }

  static func unknownTest(
    _ test: GenericTestDraft,
    _ node: Node,
    _ workspace: Workspace
  ) -> TemplateError {
    let names = workspace.macros.names(for: node.packageName)
      .filter { $0.hasPrefix("test_") }.map { String($0.dropFirst(5)) }
    let written = String(test.macroName.dropFirst(5))
    return TemplateError(
      .compilation,
      id: "test.unknown",
      "'\(test.namespace.map { "\($0)." } ?? "")\(test.macroName)' is undefined. This can happen "
        + "when calling a macro that does not exist. Check for typos and/or install package "
        + "dependencies with \"dbt deps\".",
      span: test.place,
      hint: Spelling.nearest(to: written, among: names).map { "did you mean '\($0)'?" }
    )
  }
}
