import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

/// An entry of a properties file that describes a resource defined elsewhere.
///
/// Read on one thread, marked as used on one thread.
final class Patch: @unchecked Sendable {
  let section: String
  let name: String
  let entry: YAMLNode
  let file: ProjectFile
  let package: String
  /// Where the entry is that of one version.
  let version: ModelVersion?
  /// What stands under `config`, templates and all; only where that is asked for.
  let writtenConfig: DatumMap?
  var isUsed = false
  /// The node of the entry's own package that its name means, though the entry does not describe it.
  var namesake: Node?

  init(
    section: String,
    name: String,
    entry: YAMLNode,
    file: ProjectFile,
    package: String,
    version: ModelVersion? = nil,
    writtenConfig: DatumMap? = nil
  ) {
    self.section = section
    self.name = name
    self.entry = entry
    self.file = file
    self.package = package
    self.version = version
    self.writtenConfig = writtenConfig
  }

  /// As the manifest names the file of a patch.
  var path: String { "\(package)://\(file.originalFilePath)" }
  /// `models.stg_a`
  var fileKeyName: String { "\(section).\(name)" }
}

/// One properties file, read and rendered.
struct PropertiesFile: Sendable {
  let file: ProjectFile
  let package: String
  let root: YAMLNode?
  /// The same, as it was written.
  let raw: YAMLNode?
  let failures: [Failure]
  /// Sources were written in a way that none were made of them.
  private(set) var leavesOutSources = false
  let warnings: [Diagnostic]

  /// What else stands at the top of a file is passed over, `tests` as well.
  static let sections = [
    "models", "seeds", "snapshots", "analyses", "functions", "data_tests", "macros", "sources",
    "exposures", "groups", "metrics", "semantic_models", "saved_queries", "unit_tests",
  ]

  /// Values that are rendered later, or never. In a path, list items are "".
  private static func staysRaw(_ path: [String]) -> Bool {
    guard path.count > 2, let section = path.first else { return false }
    let entry = path[2...]
    switch section {
    case "sources":
      if entry[2] == "tables" { return path.count > 4 && isDeferred(path[4...]) }
      return ["description", "loaded_at_query"].contains(entry[2])
        || path.count > 3 && entry[2] == "config" && path[3] == "loaded_at_query"
    case "macros":
      if entry[2] == "arguments" { return path.count > 3 && isDeferred(path[3...]) }
    case "metrics", "semantic_models":
      if path.last == "filter" || path[path.count - 2] == "filter" { return true }
    case "saved_queries":
      if entry[2] == "query_params", path.count > 3, path[3] == "where" { return true }
    default: break
    }
    return isDeferred(entry)
  }

  private static let deferred: Set = ["description", "tests", "data_tests", "loaded_at_query"]

  /// Descriptions, tests and hooks of an entry, by the keys that lead to them from it. The same words
  /// deeper down, as names of columns for instance, mean nothing.
  private static func isDeferred(_ keys: ArraySlice<String>) -> Bool {
    let keys = Array(keys)
    // dbt goes by the length of the path: so these stay raw below `meta` and others as well.
    // What versions say, their columns' descriptions aside, is rendered at once, and so are hooks under
    // their other spelling, `pre-hook`.
    if keys.count == 2, deferred.contains(keys[1]) { return true }
    if keys.count == 5, keys[4] == "description" { return true }
    guard let first = keys.first else { return false }
    if deferred.contains(first) { return true }
    switch first {
    case "config":
      return keys.count > 1 && ["pre_hook", "post_hook", "loaded_at_query"].contains(keys[1])
    case "columns", "dimensions", "measures", "entities":
      return keys.count > 2 && keys[2] != "loaded_at_query" && deferred.contains(keys[2])
    default: return false
    }
  }

  init(_ file: ProjectFile, package: String, renderer: YAMLRenderer) {
    self.file = file
    self.package = package
    // dbt reads the file without the blanks around it: a block text at its end has no line end.
    let (parsed, diagnostics) = YAMLParser.parse(
      file.file.withoutFinalBlanks,
      skippingBlanks: true
    )
    raw = parsed
    var warnings = diagnostics.filter { $0.severity != .error }
    for index in warnings.indices where warnings[index].id == "yaml.duplicate-key" {
      guard let span = warnings[index].span else { continue }
      // As dbt counts lines: without the blank ones at the beginning.
      let above = file.file.bytes.prefix { $0 == 0x20 || (0x09...0x0D).contains($0) }
      let line = span.position.line - above.count { $0 == 0x0A }
      warnings[index].message =
        "Duplicate key '\(span.file.text(in: span.start..<span.end))' in \"<unicode string>\", line "
        + "\(line), column \(span.position.column) in file \(file.originalFilePath)"
    }
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty, let parsed, !parsed.isNull else {
      root = nil
      failures =
        errors.isEmpty
        ? []
        : [
          Failure(
            .parsing,
            errors.map { error in
              var error = error.asSyntaxError
              error.message =
                "Error reading \(package): \(file.path) - "
                + "Runtime Error\n  " + error.message
              return error
            }
          )
        ]
      self.warnings = warnings
      return
    }
    var problems: [Diagnostic] = []
    guard let pairs = parsed.mapping else {
      root = nil
      failures = [
        Failure(
          .parsing,
          Diagnostic(
            id: "properties.not-a-mapping",
            message: "Error reading \(package): \(file.path) - "
              + "Runtime Error\n  Contents of file '\(file.originalFilePath)' are not valid. "
              + "Dictionary expected.",
            span: parsed.span,
            hint: "begin with 'models:' or 'sources:'"
          )
        )
      ]
      self.warnings = warnings
      return
    }
    // What is wrong is left out, and the rest is read.
    var losesSources = false
    var kept: [(key: YAMLNode, value: YAMLNode)] = []
    for (key, value) in pairs {
      let name = key.keyText
      kept.append((key, value))
      if name == "version" {
        // dbt has stopped looking at what stands here.
        continue
      } else if name == "anchors" {
        continue
      } else if !Self.sections.contains(name) {
        // Others are places for anchors, or the file is another program's: dbt says nothing on Postgres.
        if let near = Spelling.nearest(to: name, among: Self.sections) {
          warnings.append(
            Diagnostic(
              id: "properties.unknown-key",
              severity: .warning,
              message: "the key '\(name)' in \(file.originalFilePath) means nothing to dbt",
              span: key.span,
              hint: "did you mean '\(near)'?"
            )
          )
        }
        // As dbt: its templates are not rendered.
        kept.removeLast()
      } else {
        /// What is wrong with data tests is no error to dbt, which goes on without the section.
        func report(_ id: String, _ message: String, at span: TextSpan, hint: String) {
          guard name == "data_tests" else {
            if name == "sources" { losesSources = true }
            problems.append(Diagnostic(id: id, message: message, span: span, hint: hint))
            return
          }
          let head = "Unable to parse '\(name)' section of file '\(file.originalFilePath)'"
          warnings.append(
            Diagnostic(
              id: "properties.left-out",
              severity: .warning,
              message: "\(head)\nParsing Error\n  \(message)",
              span: span,
              hint: hint
            )
          )
        }
        let head = "The schema file at \(file.originalFilePath) is invalid because "
        guard let items = value.sequence else {
          report(
            "properties.not-a-list",
            head + "the value of '\(name)' is not a list",
            at: value.span,
            hint: value.isNull ? "remove the key" : "write each entry as '- name: …'"
          )
          kept.removeLast()
          continue
        }
        let named = items.filter { $0["name"]?.string != nil }
        for item in items where item["name"]?.string == nil {
          let isMapping = item.mapping != nil
          report(
            "properties.no-name",
            isMapping && name == "data_tests"
              ? "Entry did not contain a name"
              : head + "a list element for '\(name)' "
                + (isMapping ? "does not have a name attribute." : "is not a dictionary."),
            at: item.span,
            hint: item["name"].map { "the name must be text, and is \($0.datum.words)" }
              ?? "add 'name:'"
          )
          if name == "data_tests" { break }
        }
        if named.count < items.count {
          if name == "data_tests" {
            kept.removeLast()
          } else {
            kept[kept.count - 1].value = YAMLNode(.sequence(named), at: value.span)
          }
        }
        for item in named { warnings += Self.misspeltKeys(of: item, in: name) }
      }
    }
    var failures = problems.isEmpty ? [] : [Failure(.parsing, problems)]
    var rendered =
      renderer.render(
        YAMLNode(.mapping(kept), at: parsed.span),
        keeping: Self.staysRaw,
        &failures
      )?.mapping ?? []
    var wrong: [Diagnostic] = []
    for index in rendered.indices {
      guard let items = rendered[index].value.sequence else { continue }
      let known = wrong.count
      let name = rendered[index].key.keyText
      var checked = PropertyTypes.checked(items, name, file.originalFilePath, &wrong)
      // What is written in a spec that dbt no longer reads is left out by those who read it.
      checked.removeAll { item in
        guard !SemanticReader.isOfOldSpec(item, in: name) else { return false }
        let problems = PropertyShape.problems(of: item, in: name, file.originalFilePath)
        wrong += problems
        return !problems.isEmpty
      }
      let isWrong = wrong.count > known
      if isWrong, name == "sources" { losesSources = true }
      for item in items {
        wrong += PropertyKeys.problems(of: item, in: name, file.originalFilePath)
      }
      if isWrong {
        rendered[index].value = YAMLNode(.sequence(checked), at: rendered[index].value.span)
      }
    }
    if !wrong.isEmpty { failures.append(Failure(.parsing, wrong)) }
    root = YAMLNode(.mapping(rendered), at: parsed.span)
    leavesOutSources = losesSources
    self.failures = failures
    self.warnings = warnings
  }

  /// What dbt calls a warning about such a file.
  static func warningName(_ warning: Diagnostic) -> String {
    switch warning.id {
    case "properties.unknown-key": "CustomTopLevelKeyDeprecation"
    case "properties.misspelt-key": "CustomKeyInObjectDeprecation"
    case "properties.left-out": "Note"
    default: "DuplicateYAMLKeysDeprecation"
    }
  }

  private static let entryKeys: Set<String> = [
    "name", "description", "columns", "config", "docs", "meta", "tests", "data_tests", "group",
    "latest_version", "versions", "access", "constraints", "deprecation_date", "time_spine",
    "freshness", "relation",
  ]
  private static let functionKeys: Set<String> = [
    "name", "description", "meta", "docs", "config", "access", "arguments", "returns", "data_type",
    "constraints",
  ]
  private static let constraintKeys: Set<String> = [
    "type", "name", "expression", "warn_unenforced", "warn_unsupported", "to", "to_columns",
    "columns",
  ]
  private static let columnKeys: Set<String> = [
    "name", "description", "data_type", "tests", "data_tests", "meta", "tags", "quote",
    "constraints", "config", "docs", "policy_tags", "granularity",
  ]
  private static let tableKeys: Set<String> = [
    "name", "description", "identifier", "columns", "external", "config", "meta", "loader",
    "loaded_at_field", "loaded_at_query", "freshness", "tests", "data_tests", "tags", "quoting",
  ]

  /// Keys that dbt silently leaves aside, and that look like one that it does not.
  private static func misspeltKeys(of entry: YAMLNode, in section: String) -> [Diagnostic] {
    var warnings: [Diagnostic] = []
    func check(_ node: YAMLNode, _ known: Set<String>) {
      for (key, _) in node.mapping ?? [] where !known.contains(key.keyText) {
        guard let near = Spelling.nearest(to: key.keyText, among: known) else { continue }
        warnings.append(
          Diagnostic(
            id: "properties.misspelt-key",
            severity: .warning,
            message: "Custom key `\(key.keyText)` found in \(section), which means nothing to dbt",
            span: key.span,
            hint: "did you mean '\(near)'?"
          )
        )
      }
    }
    func checkColumns(of entry: YAMLNode) {
      for column in entry["columns"]?.sequence ?? [] {
        check(column, columnKeys)
        for item in column["constraints"]?.sequence ?? [] { check(item, constraintKeys) }
      }
      for item in entry["constraints"]?.sequence ?? [] { check(item, constraintKeys) }
    }
    switch section {
    case "macros": check(entry, ["name", "description", "meta", "docs", "config", "arguments"])
    case "models", "seeds", "snapshots", "analyses":
      check(entry, entryKeys)
      checkColumns(of: entry)
      for version in entry["versions"]?.sequence ?? [] { checkColumns(of: version) }
    case "functions": check(entry, functionKeys)
    case "data_tests": check(entry, ["name", "description", "meta", "docs", "config"])
    case "sources":
      for table in entry["tables"]?.sequence ?? [] {
        check(table, tableKeys)
        checkColumns(of: table)
      }
    default: break
    }
    return warnings
  }

  /// The entries of a section, with their names.
  func entries(_ section: String) -> [(name: String, entry: YAMLNode)] {
    (root?[section]?.sequence ?? []).compactMap { entry in
      entry["name"]?.string.map { ($0, entry) }
    }
  }

  /// The `config` of an entry, or of one of its versions, as it was written.
  func writtenConfig(_ section: String, _ name: String, _ version: ModelVersion?) -> DatumMap? {
    let entry = raw?[section]?.sequence?.first { $0["name"]?.string == name }
    guard let version else { return entry?["config"]?.datum.map }
    return entry?["versions"]?.sequence?
      .first { $0["v"]?.datum.pythonText == version.version.pythonText }?["config"]?.datum.map
  }

  /// The folders of the file below its resource folder.
  var folders: [String] { Array(file.path.split(separator: "/").dropLast().map(String.init)) }
}

/// Descriptions, and the docs blocks that they name.
struct DescriptionRenderer {
  let docs: [String: DocBlock]
  let workspace: Workspace
  let target: DatumMap

  /// - Returns: The text, and the ids of the blocks in it, as often as they stand there.
  func render(
    _ node: YAMLNode?,
    package: String
  ) throws(Failure) -> (text: String, blocks: [String]) {
    guard let node, !node.isNull else { return ("", []) }
    let text = node.datum.pythonText
    guard YAMLRenderer.isTemplate(text) else { return (text, []) }
    var used: [String] = []
    let doc = Value.function("doc") { arguments, _ throws(TemplateError) in
      let names = arguments.positional.compactMap(\.asString)
      guard (1...2).contains(names.count) else {
        throw .compilation("doc() takes at most two arguments (\(names.count) given)")
      }
      guard let block = find(names, package: package) else {
        throw .compilation(
          "Documentation for '\(names.joined(separator: "."))' not found",
          hint: Spelling.nearest(to: names[names.count - 1], among: docs.values.map(\.name))
            .map { "did you mean '\($0)'?" }
        )
      }
      used.append(block.uniqueID)
      return .string(block.contents)
    }
    let context = ConfigurationContext(
      ofPropertiesIn: package,
      workspace,
      target: target,
      members: ["doc": doc]
    )
    let environment = workspace.environment
    do {
      let template = try environment.compile(SourceFile(path: node.span.file.path, text: text))
      let rendered = try Interpreter(environment, host: context).render(template, scope: context)
      return (rendered, used)
    } catch {
      var diagnostic = error.diagnostic
      diagnostic.span = node.span
      throw Failure(.compilation, diagnostic)
    }
  }

  /// The flag is named for refs, and holds for docs blocks as well.
  private var prefersOwnPackage: Bool {
    workspace.invocation.behavior["require_ref_searches_node_package_before_root"]?.bool ?? false
  }

  private func find(_ names: [String], package: String) -> DocBlock? {
    if names.count == 2 { return docs["doc.\(names[0]).\(names[1])"] }
    let own = docs["doc.\(package).\(names[0])"]
    if prefersOwnPackage, let own { return own }
    return docs["doc.\(workspace.root.name).\(names[0])"] ?? own
      ?? docs.values.filter { $0.name == names[0] }.min { $0.uniqueID < $1.uniqueID }
  }
}

/// The parts of a properties entry, in the shapes that the manifest has.
struct PropertyShapes {
  /// Nil to keep descriptions as they are written, as dbt does for what is disabled.
  let descriptions: DescriptionRenderer?
  let package: String

  func description(_ node: YAMLNode?) throws(Failure) -> (text: String, blocks: [String]) {
    if let descriptions { return try descriptions.render(node, package: package) }
    guard let node, !node.isNull else { return ("", []) }
    return (node.datum.pythonText, [])
  }

  /// `joinsTags`: whether the tags of a column's `config` join those beside it, and none stands twice.
  /// - Returns: The map of columns, by name.
  func columns(_ node: YAMLNode?, joinsTags: Bool = true) throws(Failure) -> DatumMap {
    var columns = DatumMap()
    for column in node?.sequence ?? [] {
      guard let name = column["name"]?.datum.pythonText else {
        throw Failure(
          .parsing,
          Diagnostic(
            id: "properties.column-without-name",
            message: "The schema file at \(column.span.file.path) is invalid because a column has "
              + "no name",
            span: column.span,
            hint: "add 'name:'"
          )
        )
      }
      columns[name] = .map(try self.column(name, column, joinsTags: joinsTags))
    }
    return columns
  }

  private func column(
    _ name: String,
    _ node: YAMLNode,
    joinsTags: Bool
  ) throws(Failure) -> DatumMap {
    let (description, blocks) = try self.description(node["description"])
    var meta = node["meta"]?.datum.map ?? DatumMap()
    var tags: [String] = []
    let written = node["config"]?.datum.map ?? DatumMap()
    for (key, value) in (written["meta"]?.map ?? [:]).entries { meta[key] = value }
    for tag in (node["tags"]?.datum.texts ?? []) + (written["tags"]?.texts ?? [])
    where !tags.contains(tag) {
      tags.append(tag)
    }
    if !joinsTags, let beside = node["tags"]?.datum.texts, !beside.isEmpty { tags = beside }
    // Columns have no other configurations.
    let config: DatumMap = ["meta": .map(meta), "tags": .strings(tags)]
    var column: DatumMap = [
      "name": .string(name), "description": .string(description), "meta": .map(meta),
      "data_type": node["data_type"]?.datum ?? .null,
      "constraints": .list(Self.constraints(node["constraints"], isModelLevel: false)),
      "quote": node["quote"]?.datum ?? .null, "config": .map(config), "tags": .strings(tags),
      "granularity": node["granularity"]?.datum ?? .null, "doc_blocks": .strings(blocks),
    ]
    for (key, value) in node.mapping ?? []
    where column[key.keyText] == nil && !["tests", "data_tests", "docs"].contains(key.keyText) {
      column[key.keyText] = value.datum
    }
    return column
  }

  static func constraints(_ node: YAMLNode?, isModelLevel: Bool) -> [Datum] {
    (node?.sequence ?? []).map { constraint in
      var shape: DatumMap = [
        "type": constraint["type"]?.datum ?? .null, "name": constraint["name"]?.datum ?? .null,
        "expression": constraint["expression"]?.datum ?? .null,
        "warn_unenforced": constraint["warn_unenforced"]?.datum ?? .bool(true),
        "warn_unsupported": constraint["warn_unsupported"]?.datum ?? .bool(true),
        "to": constraint["to"]?.datum ?? .null,
        "to_columns": constraint["to_columns"]?.datum ?? .list([]),
      ]
      if isModelLevel { shape["columns"] = constraint["columns"]?.datum ?? .list([]) }
      return .map(shape)
    }
  }
}
