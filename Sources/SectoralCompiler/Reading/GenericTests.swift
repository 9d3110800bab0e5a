import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

/// The parts of a generic test, from which it is rendered.
final class GenericTestDraft: Sendable {
  /// `test_unique`, or `dbt_utils.test_x`.
  let namespace: String?
  let macroName: String
  /// In the order in which they are rendered: column_name, the user's, model.
  let arguments: DatumMap
  let target: Reference?
  let source: [String]?
  let place: TextSpan

  init(
    namespace: String?,
    macroName: String,
    arguments: DatumMap,
    target: Reference?,
    source: [String]?,
    place: TextSpan
  ) {
    self.namespace = namespace
    self.macroName = macroName
    self.arguments = arguments
    self.target = target
    self.source = source
    self.place = place
  }

  /// Renders the test as its raw code would: the macro with its arguments.
  func render(in context: ParseContext) throws(TemplateError) {
    guard let entry = macro(in: context) else {
      // Reported when the test is compiled; what its arguments refer to is its parent all the same.
      _ = try context.hosting { () throws(TemplateError) in try rendered(in: context) }
      return
    }
    context.testMacro = entry
    if Self.isShortcut(entry) {
      // dbt notes no more than these for its two commonest tests; neither do we render them.
      context.noteBuiltinTest(entry.macro, target: target, source: source, at: place)
      return
    }
    // dbt notes the test before what its arguments call, and by its bare name, whatever namespace it
    // is called through.
    let bare = context.workspace.macros.resolve(Symbol(macroName), for: context.packageName)
    if case .macro(let named)? = bare {
      context.calledDirectly(named.macro)
      context.testMacro = named
      // It then knows nothing but what that macro calls: a namespace's own test of a name that the
      // project has as well is not run, and what it would configure is not seen.
      if named === entry
        || context.workspace.macros.called(from: named).contains(where: { $0 === entry })
      {
        _ = try text(in: context, entry)
      } else {
        _ = try context.hosting { () throws(TemplateError) in try rendered(in: context) }
      }
    } else {
      context.calledDirectly(entry.macro)
      _ = try text(in: context, entry)
    }
  }

  /// dbt notes no more than the reference of these.
  private static func isShortcut(_ entry: MacroEntry) -> Bool {
    ["macro.dbt.test_unique", "macro.dbt.test_not_null"].contains(entry.macro.uniqueID)
  }

  /// Whether the test's own code is run while the project is read, as far as there is any.
  func isRendered(_ workspace: Workspace, for package: String) -> Bool {
    macro(in: workspace.macros, for: package).map { !Self.isShortcut($0) } ?? true
  }

  func macro(in context: NodeContext) -> MacroEntry? {
    macro(in: context.workspace.macros, for: context.packageName)
  }

  func macro(in catalog: MacroCatalog, for package: String) -> MacroEntry? {
    if let namespace { return catalog.member(Symbol(macroName), of: namespace) }
    if case .macro(let entry)? = catalog.resolve(Symbol(macroName), for: package) { return entry }
    return nil
  }

  /// The SQL of the test.
  func text(
    in context: NodeContext,
    _ entry: MacroEntry
  ) throws(TemplateError) -> String {
    try context.hosting { () throws(TemplateError) in
      let keyword = try rendered(in: context)
      let result = try context.call(entry, Arguments(keyword: keyword))
      return try context.interpreter.string(result)
    }
  }

  /// The arguments, evaluated.
  private func rendered(
    in context: NodeContext
  ) throws(TemplateError) -> [(name: String, value: Value)] {
    var keyword: [(name: String, value: Value)] = []
    for (name, value) in arguments.entries {
      // What arguments call is noted when the test is compiled; what stands for the model, at once.
      let parsing = name == "model" ? nil : context as? ParseContext
      parsing?.notesCalls = false
      defer { parsing?.notesCalls = true }
      keyword.append((name, try render(value, name: name, in: context)))
    }
    return keyword
  }

  /// Strings with templates, and strings that are as a whole a call of `ref` and its like, are
  /// evaluated; the column's name never is.
  private func render(
    _ value: Datum,
    name: String,
    in context: NodeContext
  ) throws(TemplateError) -> Value {
    guard name != "column_name" else { return Value(value) }
    switch value {
    case .string(let text):
      let direct = DirectCall(text)
      let isCall = direct == nil && Self.isCall(text)
      guard direct != nil || isCall || YAMLRenderer.isTemplate(text) else {
        return .string(YAMLRenderer.plain(text))
      }
      let parsing = context as? ParseContext
      parsing?.referencePlace = place
      defer { parsing?.referencePlace = nil }
      do {
        if let value = try direct?.evaluate(in: context) { return value }
        let source = isCall ? "{{ \(text) }}" : text
        let file = SourceFile(path: place.file.path, text: source)
        let template = try context.workspace.environment.compile(file)
        return try context.interpreter.evaluate(
          template,
          scope: context,
          undefined: context.isExecuting ? nil : .silent
        )
      } catch {
        throw error.placed(at: place)
      }
    case .list(let items):
      var values: [Value] = []
      for item in items { values.append(try render(item, name: name, in: context)) }
      return .list(values)
    case .map(let map):
      var pairs: [(String, Value)] = []
      for (key, item) in map.entries {
        pairs.append((key, try render(item, name: name, in: context)))
      }
      return .dict(pairs)
    default: return Value(value)
    }
  }

  private static func isCall(_ text: String) -> Bool {
    let trimmed = text.trimmingBlanks
    guard trimmed.hasSuffix(")") else { return false }
    return ["ref", "source", "var", "env_var", "doc"].contains { name in
      guard trimmed.hasPrefix(name) else { return false }
      return trimmed.dropFirst(name.count).drop { $0 == " " }.first == "("
    }
  }
}

extension TemplateError {
  /// The same error, pointing to where its text was written rather than into a text made of it.
  func placed(at span: TextSpan) -> TemplateError {
    let moved = TemplateError(
      kind,
      id: diagnostic.id,
      diagnostic.message,
      span: span,
      hint: diagnostic.hint,
      payload: payload
    )
    return moved
  }
}

/// One entry under `data_tests:`, taken apart.
struct GenericTestEntry {
  let name: String
  let namespace: String?
  let customName: String?
  let description: YAMLNode?
  let arguments: DatumMap
  let config: DatumMap
  let configOrigins: [String: TextSpan]
  let span: TextSpan
  /// `column_name` of a test on a model, whatever stands there.
  let columnName: Datum?
  /// Where it is written in an older way.
  let deprecations: [Deprecation]

  /// A spelling that dbt warns of.
  enum Deprecation {
    /// Arguments beside `arguments:`, without one.
    case looseArguments
    /// A configuration beside `config:`.
    case looseConfig(key: String, at: TextSpan)
    /// An argument by the name of `arguments`, in a project that does not nest them.
    case customArguments(Datum)
  }

  /// Older spellings put these beside the arguments.
  private static let configKeys = [
    "severity", "tags", "enabled", "where", "limit", "warn_if", "error_if", "fail_calc",
    "store_failures", "store_failures_as", "meta", "database", "schema", "alias",
  ]

  /// `renderer`: for the templates among the configurations. Arguments are rendered with the test.
  /// `nestsArguments`: the flag `require_generic_test_arguments_property`.
  init(
    _ node: YAMLNode,
    file: String,
    nestsArguments: Bool,
    renderer: YAMLRenderer
  ) throws(Failure) {
    /// What stands deeper than a configuration's own text stays as it is, as in dbt.
    func rendered(_ value: YAMLNode) throws(Failure) -> Datum {
      guard let text = value.string else { return value.datum }
      guard YAMLRenderer.isTemplate(text) else { return .string(YAMLRenderer.plain(text)) }
      do throws(Failure) {
        return try renderer.render(text, at: value.span)
      } catch {
        throw Failure(
          error.kind,
          error.diagnostics.map { diagnostic in
            var diagnostic = diagnostic
            diagnostic.message =
              "Invalid generic test configuration given in \(value.span.file.path): "
              + diagnostic.message
            return diagnostic
          }
        )
      }
    }
    span = node.span
    var test = node.string
    var body: [(key: YAMLNode, value: YAMLNode)] = []
    if let pairs = node.mapping {
      if let name = node["test_name"]?.string {
        test = name
        body = pairs.filter { $0.key.keyText != "test_name" }
      } else if pairs.count == 1, let (key, value) = pairs.first {
        test = key.keyText
        if let inner = value.mapping {
          body = inner
        } else {
          throw Self.problem(
            value.span,
            "test arguments must be a dictionary, got \(value.kindName)",
            file,
            hint: "write the arguments below the test's name, indented"
          )
        }
      } else {
        let shown = pairs.map { "('\($0.key.keyText)', \($0.value.datum.pythonRepr))" }
          .joined(separator: ", ")
        throw Self.problem(
          node.span,
          "test definition dictionary must have exactly one key, got [\(shown)] instead "
            + "(\(pairs.count) keys)",
          file,
          hint: "indent the arguments two more columns than the test's name"
        )
      }
    }
    guard let test, !test.isEmpty else {
      throw Self.problem(
        node.span,
        "test must be dict or str, got \(node.kindName)",
        file,
        hint: "write '- unique' or '- accepted_values: {…}'"
      )
    }
    guard let (namespace, name) = Self.names(in: test) else {
      throw Failure(
        .compilation,
        Diagnostic(
          id: "test.bad-name",
          message: "Invalid generic test configuration given in \(file): \n"
            + "Test name string did not match expected pattern: \(test)",
          span: node.span,
          hint:
            "a test's name has letters, digits and underscores, perhaps behind a package's and a dot"
        )
      )
    }
    self.namespace = namespace
    self.name = name
    var arguments = DatumMap()
    var config = DatumMap()
    var origins: [String: TextSpan] = [:]
    var customName: String?
    var description: YAMLNode?
    var columnName: Datum?
    var deprecations: [Deprecation] = []
    if nestsArguments {
      let nested = body.last { $0.key.keyText == "arguments" }?.value
      body.removeAll { $0.key.keyText == "arguments" }
      for (key, value) in body where Self.configKeys.contains(key.keyText) {
        deprecations.append(.looseConfig(key: key.keyText, at: value.span))
      }
      // Empty ones count as none.
      if nested?.mapping?.isEmpty ?? nested?.sequence?.isEmpty ?? nested?.isNull ?? true,
        body.contains(where: { !Self.ownKeys.contains($0.key.keyText) })
      {
        deprecations.append(.looseArguments)
      }
      for pair in nested?.mapping ?? [] {
        body.removeAll { $0.key.keyText == pair.key.keyText }
        body.append(pair)
      }
    } else if let custom = body.last(where: { $0.key.keyText == "arguments" }) {
      deprecations.append(.customArguments(custom.value.datum))
    }
    let settings = body.last { $0.key.keyText == "config" }?.value
    if let settings, settings.mapping == nil {
      throw Self.problem(
        settings.span,
        "the config of a test must be a dictionary, got \(settings.kindName)",
        file,
        hint: "write the settings below 'config:', indented, or leave it out"
      )
    }
    for (key, value) in settings?.mapping ?? [] {
      let text = try rendered(value)
      // Without a value it is not set.
      if text.isNull { continue }
      config[key.keyText] = text
      origins[key.keyText] = value.span
    }
    for (key, value) in body {
      switch key.keyText {
      case "name":
        guard let name = value.string else {
          throw Self.problem(
            value.span,
            "the name of a test must be text, got \(value.kindName)",
            file,
            hint: "put it in quotes, or leave it out"
          )
        }
        customName = name
      case "description": description = value
      case "config": continue
      case "column_name": columnName = value.datum
      case let key where Self.configKeys.contains(key):
        // Beside a 'config', what is empty counts as not written.
        if settings != nil, value.datum.isFalsy { continue }
        if settings?[key] != nil { throw Self.sameKey(key, at: value.span, file) }
        let text = try rendered(value)
        if text.isNull { continue }
        config[key] = text
        origins[key] = value.span
      case let key: arguments[key] = value.datum
      }
    }
    self.arguments = arguments
    self.config = config
    self.configOrigins = origins
    self.customName = customName
    self.description = description
    self.columnName = columnName
    self.deprecations = deprecations
  }

  /// What may stand beside the arguments.
  private static let ownKeys: Set<String> = Set(configKeys).union([
    "config", "column_name", "description", "name",
  ])

  /// `holder`: `'orders' in package 'shop'`.
  func warnings(_ holder: String, file: String) -> [NamedWarning] {
    let test = namespace.map { "\($0).\(name)" } ?? name
    func warning(
      _ event: String,
      _ id: String,
      _ message: String,
      at place: TextSpan? = nil,
      hint: String,
      details: DatumMap = DatumMap()
    ) -> NamedWarning {
      NamedWarning(
        event,
        Diagnostic(
          id: "test." + id,
          severity: .warning,
          message: message,
          span: place ?? span,
          hint: hint
        ),
        details: details
      )
    }
    return deprecations.map { deprecation in
      switch deprecation {
      case .looseArguments:
        warning(
          "MissingArgumentsPropertyInGenericTestDeprecation",
          "loose-arguments",
          "The arguments of the test `\(test)` defined on \(holder) (\(file)) stand at its top level. "
            + "They belong below its `arguments` property.",
          hint: "put 'arguments:' above them, and indent them",
          details: ["test_name": .string("`\(test)` defined on \(holder) (\(file))")]
        )
      case .looseConfig(let key, let place):
        warning(
          "PropertyMovedToConfigDeprecation",
          "loose-config",
          "`\(key)` is a top-level property of `data_tests.\(test).\(key)` in file `\(file)`. It belongs "
            + "into the `config` there.",
          at: place,
          hint: "put 'config:' above it, and indent it"
        )
      case .customArguments(let value):
        warning(
          "ArgumentsPropertyInGenericTestDeprecation",
          "custom-arguments",
          "The test `\(test)` (\(value.pythonText)) has an `arguments` property, and the flag "
            + "`require_generic_test_arguments_property` is off. Later versions of dbt take what "
            + "stands below it for the test's arguments.",
          hint: "give the argument another name, or switch the flag on"
        )
      }
    }
  }

  /// `unique`, or `dbt_utils.unique`: as dbt, as much of the beginning as can be such a name, so that
  /// `unique::` is a `unique`.
  private static func names(in test: String) -> (namespace: String?, name: String)? {
    func word(_ text: Substring) -> Substring {
      guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return "" }
      return text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
    let first = word(test[...])
    guard !first.isEmpty else { return nil }
    let rest = test[first.endIndex...]
    let second = rest.first == "." ? word(rest.dropFirst()) : ""
    return second.isEmpty ? (nil, String(first)) : (String(first), String(second))
  }

  private static func sameKey(_ key: String, at span: TextSpan, _ file: String) -> Failure {
    Failure(
      .compilation,
      Diagnostic(
        id: "test.same-key",
        message:
          "Invalid generic test configuration given in \(file): \nTest cannot have the same key "
          + "at the top-level and in config: '\(key)'",
        span: span,
        hint: "keep the one in 'config'"
      )
    )
  }

  private static func problem(
    _ span: TextSpan,
    _ message: String,
    _ file: String,
    hint: String
  ) -> Failure {
    Failure(
      .parsing,
      Diagnostic(
        id: "test.bad-entry",
        message: "Invalid test config given in \(file):\n\(message)",
        span: span,
        hint: hint
      )
    )
  }

  /// The node's code, as dbt writes it.
  func rawCode(alias: String?) -> String {
    let macro = namespace.map { "\($0).test_\(name)" } ?? "test_\(name)"
    var values: [String] = []
    var written = config
    var ordered = Self.configKeys + written.keys.filter { !Self.configKeys.contains($0) }
    if let alias, written["alias"] == nil {
      written["alias"] = .string(alias)
      ordered.removeAll { $0 == "alias" }
      ordered.append("alias")
    }
    for key in ordered {
      guard let value = written[key] else { continue }
      let text =
        value.string.map {
          "\"\($0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
        }
        ?? value.pythonRepr
      values.append("\(key)=\(text)")
    }
    let call = values.isEmpty ? "" : "{{ config(\(values.joined(separator: ","))) }}"
    return "{{ \(macro)(**_dbt_generic_test_kwargs) }}\(call)"
  }
}

extension ParseContext {
  /// What reading notes about a `unique` or `not_null` test.
  func noteBuiltinTest(
    _ macro: Macro,
    target: Reference?,
    source: [String]?,
    at place: TextSpan
  ) {
    calledDirectly(macro)
    note(target: target, source: source, at: place)
  }
}
