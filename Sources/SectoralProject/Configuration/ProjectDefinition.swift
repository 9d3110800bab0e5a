package import SectoralText
package import SectoralYAML

/// What a dbt_project.yml says, rendered.
package struct ProjectDefinition: Sendable {
  /// Absolute.
  package let root: String
  package let name: String
  package let file: SourceFile
  package let version: String?
  package let profile: String?
  package let modelPaths: [String]
  package let seedPaths: [String]
  package let snapshotPaths: [String]
  package let testPaths: [String]
  package let analysisPaths: [String]
  package let macroPaths: [String]
  package let functionPaths: [String]
  package let docsPaths: [String]
  /// Files for a docs site, copied beside the catalog.
  package let assetPaths: [String]
  package let targetPath: String
  package let logPath: String
  package let packagesInstallPath: String
  package let cleanTargets: [String]
  /// The raw value; nil where the key is absent.
  package let queryComment: Datum?
  package let requiredVersions: [String]
  package let dispatch: [(namespace: String, searchOrder: [String])]
  package let quoting: DatumMap
  package let onRunStart: [String]
  package let onRunEnd: [String]
  package let vars: DatumMap
  package let flags: DatumMap
  package let restrictsAccess: Bool
  package let trees: [ResourceType: ConfigTree]
  package let warnings: [Diagnostic]
  /// The file as it was written.
  package let raw: YAMLNode
  /// What is wrong with the file, and leaves the rest of it readable.
  package let problems: [Diagnostic]

  /// The keys of the file and the type of value that each takes.
  private static let keys: [(name: String, type: KeyType)] = [
    ("name", .text), ("version", .scalar), ("config-version", .two), ("profile", .text),
    ("model-paths", .texts), ("seed-paths", .texts), ("snapshot-paths", .texts),
    ("test-paths", .texts), ("analysis-paths", .texts), ("macro-paths", .texts),
    ("function-paths", .texts), ("docs-paths", .texts), ("asset-paths", .texts),
    ("source-paths", .texts), ("data-paths", .texts), ("target-path", .text), ("log-path", .text),
    ("packages-install-path", .text), ("clean-targets", .texts), ("query-comment", .comment),
    ("require-dbt-version", .any), ("dispatch", .list), ("quoting", .quoting),
    ("on-run-start", .textOrTexts), ("on-run-end", .textOrTexts), ("vars", .map), ("models", .map),
    ("seeds", .map), ("snapshots", .map), ("analyses", .map), ("sources", .map), ("tests", .map),
    ("data_tests", .map), ("unit_tests", .map), ("metrics", .map), ("semantic-models", .map),
    ("saved-queries", .map), ("exposures", .map), ("functions", .map), ("packages", .any),
    ("restrict-access", .bool), ("flags", .map), ("dbt-cloud", .map),
  ]

  /// What must not be null where it is written.
  private static let needsValue: Set = [
    "config-version", "dispatch", "analyses", "sources", "tests", "data_tests", "unit_tests",
    "metrics", "semantic-models", "saved-queries", "exposures", "functions", "packages",
    "restrict-access", "flags",
  ]

  private enum KeyType: String {
    case text = "text"
    case two = "2"
    case comment = "text, or a mapping of comment, append and job-label"
    case scalar = "text or a number"
    case texts = "a list of texts"
    case textOrTexts = "text or a list of texts"
    case list = "a list"
    case map = "a mapping"
    case quoting = "a mapping of database, schema and identifier to true or false"
    case bool = "true or false"
    case any = "a value"

    private static let quotable = [
      "database", "project", "schema", "identifier", "snowflake_ignore_case",
    ]

    /// What dbt says of a value that does not fit.
    func complaint(about value: YAMLNode) -> String {
      switch self {
      case .bool: "is not of type 'boolean'"
      case .map where value.isNull: "is not of type 'object'"
      case .list where value.isNull: "is not of type 'array'"
      default: "is not valid under any of the given schemas"
      }
    }

    func accepts(_ node: YAMLNode) -> Bool {
      if case .scalar(.null) = node.value { return true }
      return switch (self, node.value) {
      case (.any, _), (.list, .sequence), (.map, .mapping), (.scalar, .scalar): true
      case (.text, .scalar(.string)), (.textOrTexts, .scalar(.string)): true
      case (.bool, .scalar(.bool)): true
      case (.quoting, .mapping(let pairs)):
        pairs.allSatisfy { key, value in
          Self.quotable.contains(key.keyText) && KeyType.bool.accepts(value)
        }
      case (.two, .scalar(.int)), (.two, .scalar(.float)): true
      case (.comment, .scalar(.string)): true
      case (.comment, .mapping(let pairs)):
        pairs.allSatisfy { key, value in
          switch key.keyText {
          case "comment": value.string != nil
          case "append", "job-label": KeyType.bool.accepts(value)
          default: false
          }
        }
      case (.texts, .sequence(let items)), (.textOrTexts, .sequence(let items)):
        items.allSatisfy { $0.string != nil }
      default: false
      }
    }
  }

  /// Values that stay as they were written: hooks and variables are rendered when they are used.
  package static func staysRaw(_ path: [String]) -> Bool {
    guard let first = path.first else { return false }
    switch first {
    case "name", "on-run-start", "on-run-end", "query-comment", "vars": return true
    case "models", "seeds", "snapshots", "tests", "data_tests":
      let last = path.last.map { $0.hasPrefix("+") ? String($0.dropFirst()) : $0 }
      return ["pre-hook", "post-hook", "pre_hook", "post_hook"].contains(last)
    default: return false
    }
  }

  /// What dbt calls a warning about the file.
  package static func warningName(_ warning: Diagnostic) -> String {
    switch warning.id {
    case "project.old-data-paths": "ConfigDataPathDeprecation"
    case "project.old-source-paths": "ConfigSourcePathDeprecation"
    case "project.target-path": "ConfigTargetPathDeprecation"
    case "project.log-path": "ConfigLogPathDeprecation"
    case "jinja.unknown-tag": "UnexpectedJinjaBlockDeprecation"
    case "yaml.duplicate-key": "DuplicateYAMLKeysDeprecation"
    default: "ProjectWarning"
    }
  }

  /// Reads and checks the YAML of a project's file, without rendering anything.
  package static func parse(root: String, shownFolder: String = "") throws(Failure) -> YAMLNode {
    let path = "\(root)/dbt_project.yml"
    guard FileSystem.exists(path) else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "project.not-found",
          message: "No dbt_project.yml found at expected path \(path)",
          hint: "run the command inside a project, or name it with --project-dir; "
            + "'sectoral init' makes a new one"
        )
      )
    }
    let file = SourceFile(path: shownFolder + "dbt_project.yml", bytes: try FileSystem.read(path))
      .withoutFinalBlanks
    let (node, diagnostics) = YAMLParser.parse(file, skippingBlanks: true)
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw Failure(.runtime, errors.map(\.asSyntaxError)) }
    guard let node, case .mapping = node.value else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "project.not-a-mapping",
          message: "dbt_project.yml does not parse to a dictionary",
          span: TextSpan(file: file, start: 0, end: 0),
          hint: "the smallest project file is 'name: my_project'"
        )
      )
    }
    return node
  }

  /// Keys that stand twice in one mapping, in dbt's words: it looks at the root project's file alone.
  private static func doubleKeys(in file: SourceFile, of root: String) -> [Diagnostic] {
    guard file.path == "dbt_project.yml" else { return [] }
    return YAMLParser.parse(file, skippingBlanks: true).1.filter { $0.id == "yaml.duplicate-key" }
      .map { warning in
        guard let span = warning.span else { return warning }
        var warning = warning
        let (line, column) = span.position
        warning.message =
          "Duplicate key '\(span.text)' in \"<unicode string>\", line \(line), column \(column) in file "
          + "\(root)/dbt_project.yml"
        return warning
      }
  }

  /// The value of `vars:` in vars.yml, beside a project's file; nil where it says nothing.
  package static func parseVariables(
    root: String,
    shownFolder: String = ""
  ) throws(Failure) -> YAMLNode? {
    let path = "\(root)/vars.yml"
    guard FileSystem.exists(path) else { return nil }
    let file = SourceFile(path: shownFolder + "vars.yml", bytes: try FileSystem.read(path))
    let (node, diagnostics) = YAMLParser.parse(file)
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw Failure(.runtime, errors.map(\.asSyntaxError)) }
    for (key, _) in node?.mapping ?? [] where key.keyText != "vars" {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "project.vars",
          message: "the key '\(key.keyText)' means nothing in vars.yml",
          span: key.span,
          hint: "put all variables under 'vars:'"
        )
      )
    }
    guard let vars = node?["vars"], !vars.isNull else { return nil }
    guard let pairs = vars.mapping else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "project.vars",
          message: "'vars' in vars.yml is \(vars.kindName)",
          span: vars.span,
          hint: "write a mapping, as under 'vars:' of dbt_project.yml"
        )
      )
    }
    return pairs.isEmpty ? nil : vars
  }

  /// `raw` is the file as `parse` gave it, `node` the same, rendered where `staysRaw` does not
  /// forbid it; `variables` comes from `parseVariables`. Without a name there is no project.
  package init(
    root: String,
    node: YAMLNode,
    raw: YAMLNode? = nil,
    variables: YAMLNode? = nil
  ) throws(Failure) {
    self.raw = raw ?? node
    let file = node.span.file
    var problems: [Diagnostic] = []
    var warnings = Self.doubleKeys(in: file, of: root)
    let known = Dictionary(
      Self.keys.map { ($0.name, $0.type) },
      uniquingKeysWith: { first, _ in first }
    )
    for (key, value) in node.mapping ?? [] {
      guard let type = known[key.keyText] else {
        let near = Spelling.nearest(to: key.keyText, among: known.keys)
        problems.append(
          Diagnostic(
            id: "project.unknown-key",
            message: "at path []: Additional properties are not allowed "
              + "('\(key.keyText)' was unexpected)",
            span: key.span,
            hint: near.map { "did you mean '\($0)'?" }
              ?? "remove the key; own values belong under 'vars:'"
          )
        )
        continue
      }
      if !type.accepts(value) || value.isNull && Self.needsValue.contains(key.keyText) {
        problems.append(
          Diagnostic(
            id: "project.wrong-type",
            message: "at path ['\(key.keyText)']: \(value.datum.pythonRepr) "
              + type.complaint(about: value),
            span: value.span,
            hint: value.isNull
              ? "give it a value, or leave the key out"
              : type == .texts
                ? "write it as a list: \(key.keyText): [\"…\"]" : "write \(type.rawValue)"
          )
        )
      }
    }
    func value(_ key: String) -> YAMLNode? {
      guard let value = node[key] else { return nil }
      if case .scalar(.null) = value.value { return nil }
      return value
    }
    func texts(_ key: String, old: String? = nil, or fallback: [String]) -> [String] {
      if let old, let node = value(old) {
        warnings.append(
          Diagnostic(
            id: old == "data-paths" ? "project.old-data-paths" : "project.old-source-paths",
            severity: .warning,
            message:
              "The `\(old)` config has been renamed to `\(key)`, and the old name is deprecated.",
            span: node.span,
            hint: "rename the key"
          )
        )
        if value(key) == nil { return node.datum.texts }
        problems.append(
          Diagnostic(
            id: "project.both-names",
            message: "both '\(key)' and '\(old)' are given",
            span: node.span,
            hint: "keep '\(key)'"
          )
        )
      }
      return value(key)?.datum.texts ?? fallback
    }

    let name = node["name"]?.string ?? ""
    if !Self.isIdentifier(name) {
      problems.append(
        Diagnostic(
          id: "project.bad-name",
          message: name.isEmpty
            ? "Required \"name\" field not present in project"
            : "at path ['name']: '\(name)' does not match '^[^\\\\d\\\\W]\\\\w*$'",
          span: node["name"]?.span ?? TextSpan(file: file, start: 0, end: 0),
          hint: "give 'name:' letters, digits and underscores, the first no digit"
        )
      )
    }
    if Self.reservedNames.contains(name) {
      problems.append(
        Diagnostic(
          id: "project.reserved-name",
          message: "Invalid project name: \(name) is a reserved word",
          span: node["name"]?.span ?? TextSpan(file: file, start: 0, end: 0),
          hint: "templates know something else by it: give the project another name"
        )
      )
    }
    if let version = value("version"), !Self.isVersion(version.datum) {
      problems.append(
        Diagnostic(
          id: "project.version",
          message: "at path ['version']: \(version.datum.pythonRepr) is not valid under any of the "
            + "given schemas",
          span: version.span,
          hint: "write two or three numbers, such as '1.0.0', or leave the key out"
        )
      )
    }
    if let configVersion = value("config-version"), KeyType.two.accepts(configVersion),
      !["2", "2.0"].contains(configVersion.datum.pythonText)
    {
      problems.append(
        Diagnostic(
          id: "project.config-version",
          message: "config-version \(configVersion.datum.pythonText) is not supported",
          span: configVersion.span,
          hint: "write config-version: 2, or leave the key out"
        )
      )
    }
    let resourcePaths = [
      ("model-paths", "source-paths"), ("seed-paths", "data-paths"), ("snapshot-paths", nil),
      ("test-paths", nil), ("analysis-paths", nil), ("macro-paths", nil), ("function-paths", nil),
      ("docs-paths", nil),
    ]
    // Macros and documentation may come from anywhere. Of the others files are written, at their paths
    // below the target folder.
    for (key, _) in resourcePaths where !["macro-paths", "docs-paths"].contains(key) {
      for item in value(key)?.sequence ?? [] {
        guard let path = item.string, path.hasPrefix("/") else { continue }
        problems.append(
          Diagnostic(
            id: "project.path-outside",
            message: "\(key) may only hold paths that are relative to the project: '\(path)'",
            span: item.span,
            hint: "give the path relative to dbt_project.yml, with .. where it lies outside"
          )
        )
      }
    }
    if let tests = value("tests"), let dataTests = value("data_tests"),
      tests.mapping?.isEmpty == false, dataTests.mapping?.isEmpty == false
    {
      problems.append(
        Diagnostic(
          id: "project.both-names",
          message: "Invalid project config: cannot have both 'tests' and 'data_tests' defined",
          span: tests.span,
          hint: "keep 'data_tests'"
        )
      )
    }

    if let variables, let own = value("vars"), own.mapping?.isEmpty == false {
      problems.append(
        Diagnostic(
          id: "project.two-vars",
          message: "Variables are defined both in vars.yml and under 'vars' in dbt_project.yml",
          span: own.span,
          hint: "keep them in one place: vars.yml has \(variables.mapping?.count ?? 0) of them"
        )
      )
    }

    for (key, usual, flag) in [
      ("target-path", "target", "--target-path"), ("log-path", "logs", "--log-path"),
    ] {
      guard let path = value(key), path.string != usual else { continue }
      warnings.append(
        Diagnostic(
          id: "project.\(key)",
          severity: .warning,
          message: "The `\(key)` config in `dbt_project.yml` is deprecated.",
          span: path.span,
          hint: "use \(flag), or the environment variable of that name"
        )
      )
    }

    self.root = root
    self.name = name
    self.file = file
    self.version = value("version")?.datum.pythonText
    self.profile = value("profile")?.string
    modelPaths = texts("model-paths", old: "source-paths", or: ["models"])
    seedPaths = texts("seed-paths", old: "data-paths", or: ["seeds"])
    snapshotPaths = texts("snapshot-paths", or: ["snapshots"])
    testPaths = texts("test-paths", or: ["tests"])
    analysisPaths = texts("analysis-paths", or: ["analyses"])
    macroPaths = texts("macro-paths", or: ["macros"])
    functionPaths = texts("function-paths", or: ["functions"])
    docsPaths = texts(
      "docs-paths",
      or: modelPaths + seedPaths + snapshotPaths + analysisPaths + macroPaths + testPaths
        + functionPaths
    )
    assetPaths = texts("asset-paths", or: [])
    targetPath = value("target-path")?.string ?? "target"
    logPath = value("log-path")?.string ?? "logs"
    packagesInstallPath = value("packages-install-path")?.string ?? "dbt_packages"
    cleanTargets = value("clean-targets")?.datum.texts ?? [targetPath]
    queryComment = node["query-comment"]?.datum
    requiredVersions =
      switch value("require-dbt-version")?.datum {
      case .string(let text)?: text.split(separator: ",").map { String($0.trimmingBlanks) }
      case .list(let items)?: items.map(\.pythonText)
      default: []
      }
    dispatch = (value("dispatch")?.sequence ?? []).compactMap { item in
      item["macro_namespace"]?.string.map { ($0, item["search_order"]?.datum.texts ?? []) }
    }
    for item in value("dispatch")?.sequence ?? []
    where item["macro_namespace"] == nil || item["search_order"]?.sequence == nil {
      problems.append(
        Diagnostic(
          id: "project.dispatch",
          message: "Invalid project dispatch config: \(item.datum.pythonRepr)",
          span: item.span,
          hint: "write {macro_namespace: dbt, search_order: [\(name), dbt]}"
        )
      )
    }
    quoting = value("quoting")?.datum.map ?? DatumMap()
    onRunStart = value("on-run-start")?.datum.texts ?? []
    onRunEnd = value("on-run-end")?.datum.texts ?? []
    vars = variables?.datum.map ?? value("vars")?.datum.map ?? DatumMap()
    flags = value("flags")?.datum.map ?? DatumMap()
    restrictsAccess = value("restrict-access")?.datum.bool ?? false
    var trees: [ResourceType: ConfigTree] = [:]
    let treeKeys: [(ResourceType, [String])] = [
      (.model, ["models"]), (.seed, ["seeds"]), (.snapshot, ["snapshots"]),
      (.analysis, ["analyses"]), (.source, ["sources"]), (.test, ["data_tests", "tests"]),
      (.unitTest, ["unit_tests"]), (.metric, ["metrics"]), (.semanticModel, ["semantic-models"]),
      (.savedQuery, ["saved-queries"]), (.exposure, ["exposures"]), (.function, ["functions"]),
    ]
    for (type, keys) in treeKeys {
      for key in keys {
        if let tree = value(key), case .mapping(let pairs) = tree.value, !pairs.isEmpty {
          trees[type] = trees[type] ?? ConfigTree(tree, raw: raw?[key], key: keys[0])
        }
      }
    }
    self.trees = trees
    self.warnings = warnings
    self.problems = problems
    guard Self.isIdentifier(name) else { throw Failure(.runtime, problems) }
  }

  /// `1.0`, `1.0.0`, `1.0.0-rc1+build`, each as text; a number with a decimal point.
  private static func isVersion(_ version: Datum) -> Bool {
    if case .float = version { return true }
    // What is no scalar is told of by its type.
    guard version.list == nil, version.map == nil else { return true }
    guard let text = version.string else { return false }
    let core = text.prefix { $0 != "-" && $0 != "+" }
    let numbers = core.split(separator: ".", omittingEmptySubsequences: false)
    let rest = text.dropFirst(core.count)
    return (2...3).contains(numbers.count) && (rest.isEmpty || numbers.count == 3)
      && rest.utf8.allSatisfy { byte in
        Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
          || "-+.".utf8.contains(byte)
      }
      && numbers.allSatisfy { number in
        !number.isEmpty && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
          && (number == "0" || !number.hasPrefix("0"))
      }
  }

  /// What templates know by a name of its own cannot be a project's, as in dbt.
  private static let reservedNames: Set = [
    "_sql_results", "adapter", "api", "column", "config", "context", "database", "env", "env_var",
    "exceptions", "execute", "flags", "fromjson", "fromyaml", "graph", "invocation_id",
    "load_agate_table", "load_result", "log", "model", "modules", "post_hooks", "pre_hooks", "ref",
    "render", "return", "run_started_at", "schema", "source", "sql", "sql_now", "store_result",
    "store_raw_result", "target", "this", "tojson", "toyaml", "try_or_compiler_error", "var",
    "write",
  ]

  private static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first, first == "_" || first.properties.isAlphabetic
    else {
      return false
    }
    return name.unicodeScalars.allSatisfy {
      $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
    }
  }
}

extension Datum {
  /// The texts of a list, or the one text itself; nothing for null.
  package var texts: [String] {
    switch self {
    case .null: []
    case .list(let items): items.map(\.pythonText)
    default: [pythonText]
    }
  }
}

extension StringProtocol {
  /// Whether there is nothing but blanks, tabs and line ends in it.
  package var isBlank: Bool { allSatisfy(\.isWhitespace) }

  /// Without blanks, tabs and line ends at both ends.
  package var trimmingBlanks: SubSequence {
    // Nearly all texts begin and end so.
    if let first = unicodeScalars.first, let last = unicodeScalars.last,
      ("!"..."~").contains(first), ("!"..."~").contains(last)
    {
      return self[startIndex..<endIndex]
    }
    func isBlank(_ character: Character) -> Bool { character.isWhitespace }
    guard let first = firstIndex(where: { !isBlank($0) }),
      let last = lastIndex(where: { !isBlank($0) })
    else { return self[endIndex..<endIndex] }
    return self[first...last]
  }
}
