import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
import SectoralYAML

/// What a model reads while a unit test compiles it.
struct UnitTestInputs {
  /// Unique ids to the names of CTEs.
  var names: [String: String] = [:]
  /// The name of the CTE that `this` is; nil: nothing was given for it.
  var this: String?
  /// Unique ids of what was referenced, in the order of the first references.
  var used: [String] = []

  /// The name of an input that is referenced; nil: nothing was given for it.
  mutating func use(_ id: String) -> String? {
    guard let name = names[id] else { return nil }
    if !used.contains(id) { used.append(id) }
    return name
  }
}

extension Compiler {
  /// The node that runs a unit test.
  package func node(for test: PlainResource) -> Node {
    let node = Node(
      uniqueID: test.uniqueID,
      resourceType: .unitTest,
      name: test.name,
      packageName: test.packageName,
      path: (test.originalFilePath.split(separator: "/").dropLast().map(String.init)
        + ["\(test.name).sql"]).joined(separator: "/"),
      originalFilePath: test.originalFilePath,
      fqn: test.fqn,
      checksum: .none,
      rawCode: test.dependsOnNodes.first.flatMap(manifest.node)?.rawCode ?? "",
      createdAt: Self.createdAt(test),
      config: test.config
    )
    node.declaration = test.declaration
    node.dependsOnNodes = test.dependsOnNodes
    node.database = workspace.profile.database
    node.schema = workspace.profile.schema
    node.config["materialized"] = "unit"
    let expect = test.fields["expect"]?.map ?? DatumMap()
    if expect["format"]?.string == "sql" {
      node.config["expected_sql"] = expect["rows"] ?? .null
    } else {
      node.config["expected_rows"] = expect["rows"] ?? .list([])
    }
    return node
  }

  /// A node that stands for an exposure or a saved query in a build: there is nothing to do for it.
  package func standIn(for resource: PlainResource) -> Node {
    let node = Node(
      uniqueID: resource.uniqueID,
      resourceType: resource.resourceType,
      name: resource.name,
      packageName: resource.packageName,
      path: resource.path,
      originalFilePath: resource.originalFilePath,
      fqn: resource.fqn,
      checksum: .none,
      rawCode: "",
      createdAt: Self.createdAt(resource),
      config: resource.config
    )
    node.declaration = resource.declaration
    node.dependsOnNodes = resource.dependsOnNodes
    return node
  }

  private static func createdAt(_ test: PlainResource) -> Double {
    if case .float(let seconds)? = test.fields["created_at"] { seconds } else { 0 }
  }

  /// The tested model's SQL, reading rows that the test gives.
  func compileUnitTest(_ context: RunContext, _ node: Node) throws(Failure) -> CompiledSQL {
    guard let test = manifest.unitTests.first(where: { $0.uniqueID == node.uniqueID }),
      let model = node.dependsOnNodes.first.flatMap(manifest.node)
    else { preconditionFailure("a unit test knows its model") }
    var inputs = UnitTestInputs()
    var given: [(input: Input, rows: Datum)] = []
    for rows in test.fields["given"]?.list ?? [] {
      let input = try input(rows["input"]?.string ?? "", of: model, node, context)
      if let id = input.id { inputs.names[id] = "__dbt__cte__\(input.name)" }
      if input.id == nil { inputs.this = "__dbt__cte__\(input.name)" }
      given.append((input, rows))
    }
    let own = RunContext(
      context.thread,
      compiler: self,
      node: model,
      session: context.session,
      selectedResources: [],
      emit: context.emitEvent
    )
    own.unitTestInputs = inputs
    override(test.fields["overrides"]?.map ?? DatumMap(), in: own, beside: context)
    let text: String
    do throws(TemplateError) { text = try renderBody(of: model, own) } catch {
      throw Failure(error, node: node)
    }
    // As dbt: `this` first, then in the order of the references; what is not read is not there.
    let used = own.unitTestInputs?.used ?? []
    let read =
      given.filter { $0.input.id == nil }
      + used.compactMap { id in given.last { $0.input.id == id } }
    let queries = try read.map { (input, rows) throws(Failure) in
      (input: input, sql: try query(for: input, rows, context, node))
    }
    let ctes = queries.map { input, sql in
      ExtraCTE(
        uniqueID: "model.\(node.packageName).\(node.name)__\(input.name)",
        sql: CTEInjection.cte(name: "__dbt__cte__\(input.name)", sql: sql)
      )
    }
    var compiled = CompiledSQL(
      text: CTEInjection.inject(ctes.map(\.sql), into: text),
      ownText: text,
      ctes: ctes,
      origins: own.origins
    )
    compiled.inputs = queries.map { ($0.input.fileName, $0.sql) }
    return compiled
  }

  private func query(
    for input: Input,
    _ given: Datum,
    _ context: RunContext,
    _ node: Node
  ) throws(Failure) -> String {
    given["format"]?.string == "sql"
      ? given["rows"]?.string ?? ""
      : try fixture(given["rows"] ?? .list([]), for: input, context, node)
  }

  private struct Input {
    /// nil for `this`.
    var id: String?
    /// What its rows go by in the query.
    var name: String
    var relation: Relation
    /// Sources go by the table's name.
    var fileName: String
    /// As it is written.
    var text: String
  }

  private func input(
    _ text: String,
    of model: Node,
    _ node: Node,
    _ context: RunContext
  ) throws(Failure) -> Input {
    switch UnitTestInput(text) {
    case .this?:
      return Input(
        id: nil,
        name: model.alias,
        relation: workspace.relation(of: model),
        fileName: model.name,
        text: text
      )
    case .reference(.ref(let reference))?:
      if case .node(let target) = references.node(reference, from: node.packageName) {
        let deferred: Relation?
        do throws(TemplateError) { deferred = try context.deferredRelation(of: target) } catch {
          throw Failure(error, node: node)
        }
        return Input(
          id: target.uniqueID,
          name: target.alias,
          relation: deferred ?? workspace.relation(of: target),
          fileName: target.name,
          text: text
        )
      }
    case .reference(.source(let names))?:
      if case .source(let target) = references.source(names, from: node.packageName) {
        return Input(
          id: target.uniqueID,
          name: "\(target.sourceName)__\(target.name)",
          relation: workspace.relation(of: target),
          fileName: target.name,
          text: text
        )
      }
    case nil: break
    }
    throw Failure(
      .parsing,
      subject: node.words,
      Diagnostic(
        id: "unit-test.input-not-found",
        message:
          "Unit test '\(node.name)' had an input (\(text)) which was not found in the manifest.",
        span: node.declaration
      )
    )
  }

  /// The rows as a query; the types of the columns come from the input as it stands.
  private func fixture(
    _ rows: Datum,
    for input: Input,
    _ context: RunContext,
    _ node: Node
  ) throws(Failure) -> String {
    let stand = Node(
      uniqueID: "model.\(node.packageName).\(node.name)__\(input.name)",
      resourceType: .model,
      name: input.fileName,
      packageName: node.packageName,
      path: "\(input.fileName).sql",
      originalFilePath: node.originalFilePath,
      fqn: node.fqn + [input.name],
      checksum: .none,
      rawCode: "",
      createdAt: node.createdAt,
      config: ConfigSchema.of(.model).defaults
    )
    stand.database = input.relation.database
    stand.schema = input.relation.schema
    stand.alias = input.relation.identifier ?? input.name
    let own = RunContext(
      context.thread,
      compiler: self,
      node: stand,
      session: context.session,
      selectedResources: [],
      emit: context.emitEvent
    )
    do throws(TemplateError) {
      return try own.hosting { () throws(TemplateError) in
        let value = try own.callMacroForNode(
          "get_fixture_sql",
          Arguments([Value(rows), .none])
        )
        guard let value else { throw .compilation("the macro get_fixture_sql is missing") }
        return try own.interpreter.string(value)
      }
    } catch {
      // As dbt: what the rows are for is to blame; the place is the test's.
      throw Failure(error, node: stand).placed(
        in: node,
        input: input.text,
        workspace,
        hint: hint(of: input)
      )
    }
  }

  /// What to do about an input that is not there, or whose columns nobody tells.
  private func hint(of input: Input) -> String {
    let node = input.id.flatMap(manifest.node)
    switch node?.resourceType {
    case .model where node?.materialized == "materialized_view":
      return "the columns of a materialized view are not looked up: write these rows as SQL, with "
        + "'format: sql'"
    case .seed: return "'seed --select \(input.fileName)' makes it"
    case nil where input.id != nil:
      return "the source's table is not in this database: check its `schema` and `identifier`"
    default: return "'run --empty --select +\(input.fileName)' makes it, without rows"
    }
  }

  /// `other`: a context without overrides.
  private func override(
    _ overrides: DatumMap,
    in context: RunContext,
    beside other: RunContext
  ) {
    let macros = (overrides["macros"]?.map?.entries ?? []).map { name, value in
      (parts: name.split(separator: ".").map(String.init), name: name, value: value)
    }
    // The bare names last: as in dbt, they are stronger, and built-in macros have both.
    for (parts, name, value) in macros.filter({ $0.parts.count == 2 })
      + macros.filter({ $0.parts.count == 1 })
    {
      // What is no function in the first place is replaced by the value itself.
      let isPlain =
        other.lookup(Symbol(name)).map { $0.object(Object.self)?.isCallable != true } ?? false
      let constant = isPlain ? Value(value) : Value.function(name) { _, _ in Value(value) }
      let symbol = Symbol(parts[parts.count - 1])
      let isBuiltIn = workspace.macros.member(symbol, of: "dbt") != nil
      if parts.count == 2 || isBuiltIn {
        context.memberOverrides[parts.count == 2 ? parts[0] : "dbt", default: [:]][symbol] =
          constant
      }
      if parts.count == 1 || parts[0] == "dbt" { context.extraMembers[symbol] = constant }
    }
    context.variableOverrides = overrides["vars"]?.map ?? DatumMap()
    for (name, value) in overrides["env_vars"]?.map?.entries ?? [] {
      context.environmentOverrides[name] = value.pythonText
    }
  }
}

/// What a unit test found.
package struct UnitTestOutcome: Sendable {
  /// How the rows differ; nil: they don't.
  package var difference: String?
  package var response: AdapterResponse?
}

extension RunContext {
  /// Runs a unit test and compares its rows.
  package func runUnitTest(_ compiled: CompiledSQL) throws(Failure) -> UnitTestOutcome {
    do throws(Failure) { _ = try materialize(compiled) } catch {
      let failure = node.map { error.placed(in: $0, workspace) } ?? error
      throw Self.asTestDefinition(failure, of: node?.name ?? "")
    }
    guard let table = results.table("main"),
      let mark = table.columns.firstIndex(where: { $0.name == "actual_or_expected" })
    else {
      throw Failure(
        .internalError,
        subject: node?.words,
        Diagnostic(
          id: "unit-test.bad-result",
          message: "the materialization 'unit' must select a column actual_or_expected",
          span: node?.declaration
        )
      )
    }
    func rows(_ kind: String) -> [[String?]] {
      table.rows.filter { $0[mark] == kind }.map { row in
        row.indices.filter { $0 != mark }.map { row[$0] }
      }
    }
    let columns = table.columns.indices.filter { $0 != mark }.map { table.columns[$0].name }
    let difference = RowDifference(
      columns: columns,
      actual: rows("actual"),
      expected: rows("expected")
    )
    return UnitTestOutcome(
      difference: difference.isEmpty ? nil : difference.text,
      response: results.mainResponse
    )
  }

  /// What cannot be done with a unit test's rows is most often a matter of their types.
  private static func asTestDefinition(_ failure: Failure, of test: String) -> Failure {
    guard [.database, .compilation].contains(failure.kind), var first = failure.diagnostics.first
    else {
      return failure
    }
    let heading = failure.kind == .database ? failure.kind.rawValue : failure.heading ?? ""
    let lines = first.message.split(separator: "\n", omittingEmptySubsequences: false)
    first.message =
      "An error occurred during execution of unit test '\(test)'. There may be an error in the unit "
      + "test definition: check the data types.\n \(heading)\n"
      + lines.map { "  \($0)" }.joined(separator: "\n")
    return Failure(
      .runtime,
      subject: failure.subject,
      [first] + failure.diagnostics.dropFirst()
    )
  }
}

extension Failure {
  /// With the place in a unit test's entry that a message about its rows speaks of, where it has none.
  ///
  /// `input`: whose rows they are, as it is written; `hint`: what to do where it is not there.
  fileprivate func placed(
    in test: Node,
    input: String? = nil,
    _ workspace: Workspace,
    hint: String? = nil
  ) -> Failure {
    guard kind == .compilation, var first = diagnostics.first,
      first.span == nil || first.span?.start == test.declaration?.start
    else { return self }
    let declared = DeclaredPlaces(test, workspace)
    if let column = first.message.wrapped(in: "Invalid column name: '", "'") {
      first.span = declared.cells(of: column) ?? test.declaration
    } else if let input {
      first.span = declared.input(input) ?? test.declaration
      if first.message.hasPrefix("Not able to get columns") { first.hint = first.hint ?? hint }
    }
    if input != nil, first.trail.isEmpty {
      first.trail = [Diagnostic.Frame(label: "unit test \(test.name)", span: test.declaration)]
    }
    return Failure(kind, subject: subject, [first] + diagnostics.dropFirst())
  }
}

extension String {
  /// What stands behind a beginning, up to an end.
  fileprivate func wrapped(in beginning: String, _ end: Character) -> String? {
    guard hasPrefix(beginning) else { return nil }
    let rest = dropFirst(beginning.count)
    return rest.firstIndex(of: end).map { String(rest[..<$0]) }
  }
}
