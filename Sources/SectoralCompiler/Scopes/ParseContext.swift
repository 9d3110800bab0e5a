package import SectoralJinja
package import SectoralProject
import SectoralPython
package import SectoralText
import SectoralWarehouse
import SectoralYAML

/// The context in which a node's template runs while the project is read: references and
/// configurations are noted, nothing touches the database.
package final class ParseContext: NodeContext {
  package private(set) var refs: [Reference] = []
  package private(set) var refSpans: [TextSpan?] = []
  package private(set) var sources: [[String]] = []
  package private(set) var sourceSpans: [TextSpan?] = []
  package private(set) var metrics: [[String]] = []
  package private(set) var functions: [[String]] = []
  package private(set) var macroIDs: [String] = []
  /// One layer for each `config()` call.
  package private(set) var configCalls: [ConfigLayer] = []
  /// Whether macros that are called count as the node's.
  var notesCalls = true
  /// Whether a naming macro is being run.
  var isNaming = false
  /// While the node's own text is rendered: the configuration that `model` has until then.
  var earlyConfig: (() -> DatumMap)?
  /// Where references are written that stand in a text made of something else: a test's argument.
  var referencePlace: TextSpan?

  /// Of a generic test: its macro. While it is read, whatever the macro calls, however far down, can be
  /// called by its bare name, even from a package that is not the test's.
  var testMacro: MacroEntry?
  private lazy var testMacros = testMacro.map { workspace.macros.reachable(from: $0) } ?? [:]

  package override func builtin(_ name: Symbol) -> Value? {
    if let value = super.builtin(name) { return value }
    guard testMacro != nil, let entry = testMacros[name] else { return nil }
    return thread.value(of: entry)
  }

  override func calledDirectly(_ macro: Macro) {
    // As dbt, which sees no macro of the project under these names while it reads tests.
    if testMacro != nil, Self.referenceNames.contains(macro.name) { return }
    if !isNaming, notesCalls, !macroIDs.contains(macro.uniqueID) { macroIDs.append(macro.uniqueID) }
  }

  private static let referenceNames: Set = ["ref", "source", "metric", "function"]

  /// As dbt while it reads tests: asked without a namespace, the implementation of any package will do.
  /// (When the test runs, only one that the node itself can call.)
  package override func dispatch(
    _ name: String,
    namespace: String?,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    do throws(TemplateError) {
      return try super.dispatch(name, namespace: namespace, interpreter)
    } catch {
      guard
        testMacro != nil, namespace.flatMap(workspace.macros.searchOrder) == nil,
        let entry = workspace.macros.implementation(of: name)
      else { throw error }
      return thread.value(of: entry)
    }
  }

  package override func member(_ name: Symbol) -> Value? {
    switch name {
    case Names.ref:
      let body: ReferenceFunction.Body = {
        [unowned self] arguments, interpreter throws(TemplateError) in
        refs.append(try Reference(arguments, interpreter))
        refSpans.append(referencePlace ?? interpreter.currentSpan)
        return ownRelation
      }
      return .object(ReferenceFunction(self, body))
    case Names.source:
      return .function("source") { [unowned self] arguments, interpreter throws(TemplateError) in
        sources.append(try sourceArguments(arguments))
        sourceSpans.append(referencePlace ?? interpreter.currentSpan)
        return ownRelation
      }
    case Names.metric:
      return .function("metric") { [unowned self] arguments, _ throws(TemplateError) in
        let names = try metricArguments(arguments)
        metrics.append(names)
        return .object(MetricObject(names))
      }
    case Names.function:
      return .function("function") { [unowned self] arguments, _ throws(TemplateError) in
        functions.append(arguments.positional.compactMap(\.asString))
        return ownRelation
      }
    case Names.config: return .object(ParseConfigObject(self))
    case Names.this: return ownRelation
    case Names.model:
      guard let node else { return .dict([]) }
      var layout = node.templateLayout(config: earlyConfig?())
      for (key, nothing) in Self.joinedLater where layout[key] != nil { layout[key] = nothing }
      return Value(omittingNulls: layout)
    case Names.graph:
      let empty = ["nodes", "sources", "exposures", "metrics", "groups", "functions"]
      return .dict(empty.map { ($0, .dict([])) })
    case Names.preHooks, Names.postHooks: return .list([])
    case Names.sql, Names.compiledCode: return Value.none
    case Names.selectedResources: return .list([])
    default: return nil
    }
  }

  /// What dbt takes from properties files only when all templates have been read.
  private static let joinedLater: [(String, Datum)] = [
    ("description", ""), ("columns", .map([:])), ("constraints", .list([])), ("time_spine", .null),
    ("patch_path", .null), ("deprecation_date", .null), ("attached_node", .null),
    ("version", .null), ("latest_version", .null), ("group", .null), ("meta", .map([:])),
    ("doc_blocks", .list([])),
  ]

  /// While parsing, every reference is the node itself: it has a name, and that is all that a
  /// template may ask of it.
  private var ownRelation: Value {
    guard let node else {
      return .object(
        RelationObject(
          Relation(
            database: workspace.profile.database,
            schema: workspace.profile.schema,
            identifier: nil,
            quotePolicy: workspace.quoting
          ),
          adapterType: workspace.profile.type
        )
      )
    }
    return .object(
      RelationObject(workspace.relation(of: node), adapterType: workspace.profile.type)
    )
  }

  /// A reference outside of the node's text. `repeats`: whether one that is known counts again.
  func note(_ reference: ReferenceText, at place: TextSpan?, repeats: Bool = false) {
    switch reference {
    case .ref(let target):
      guard repeats || !refs.contains(target) else { return }
      refs.append(target)
      refSpans.append(place)
    case .source(let names):
      guard repeats || !sources.contains(names) else { return }
      sources.append(names)
      sourceSpans.append(place)
    }
  }

  func note(target: Reference?, source: [String]?, at place: TextSpan) {
    if let target {
      refs.append(target)
      refSpans.append(place)
    }
    if let source {
      sources.append(source)
      sourceSpans.append(place)
    }
  }

  fileprivate func note(_ values: DatumMap, at span: TextSpan?) {
    configCalls.append(ConfigLayer(values, origin: span))
  }
}

func metricArguments(_ arguments: Arguments) throws(TemplateError) -> [String] {
  let names = arguments.positional.compactMap(\.asString)
  guard (1...2).contains(names.count), arguments.positional.count == names.count else {
    throw .compilation(
      "metric() takes one or two texts (\(arguments.positional.count) arguments given)",
      hint: "write metric('metric') or metric('package', 'metric')"
    )
  }
  return names
}

func sourceArguments(_ arguments: Arguments) throws(TemplateError) -> [String] {
  let names = arguments.positional.compactMap(\.asString)
  guard names.count == 2, arguments.positional.count == 2 else {
    throw .compilation(
      "source() takes exactly two arguments (\(arguments.positional.count) given)",
      hint: "write source('source_name', 'table_name')"
    )
  }
  return names
}

extension Reference {
  init(_ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) {
    let names = arguments.positional.compactMap(\.asString)
    if (1...2).contains(arguments.positional.count),
      let other = arguments.positional.first(where: { $0.asString == nil })
    {
      throw .compilation(
        "The \(arguments.positional.count == 2 && arguments.positional[0].asString == nil ? "package" : "name") "
          + "argument to ref() must be a string, got <class '\(other.typeName)'>",
        hint: "write ref('model') or ref('package', 'model')"
      )
    }
    guard (1...2).contains(arguments.positional.count) else {
      throw .compilation(
        "ref() takes at most two arguments (\(arguments.positional.count) given)",
        hint: "write ref('model') or ref('package', 'model')"
      )
    }
    var version: Datum?
    for (key, value) in arguments.keyword {
      guard key == "v" || key == "version" else {
        throw .compilation("ref() got an unexpected keyword argument '\(key)'")
      }
      if !value.isNone { version = try Datum(value, .lenient, interpreter) }
    }
    self.init(
      name: names[names.count - 1],
      package: names.count == 2 ? names[0] : nil,
      version: version
    )
  }
}

/// `config` while the project is read: calls are noted, every `get` is an empty text.
private final class ParseConfigObject: Object {
  private unowned let context: ParseContext

  init(_ context: ParseContext) {
    self.context = context
    super.init()
  }

  override var typeName: String { "ParseConfigObject" }
  override var isCallable: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    var values = DatumMap()
    var written: [String] = []
    guard arguments.positional.count + (arguments.keyword.isEmpty ? 0 : 1) == 1 else {
      throw .compilation(
        "Invalid inline model config",
        hint: arguments.keyword.isEmpty && arguments.positional.isEmpty
          ? "say what is to be set: config(key=value, …)"
          : "write config(key=value, …) or config({…}), not both"
      )
    }
    if let first = arguments.positional.first {
      for (key, value) in try settings(first, interpreter) {
        written.append(key)
        values[ConfigBuilder.canonicalKey(key)] = value
      }
    }
    for name in ["pre", "post"] {
      let both = ["\(name)_hook", "\(name)-hook"]
      let given = written + arguments.keyword.map(\.name)
      guard both.allSatisfy(given.contains) else { continue }
      throw TemplateError(
        .compilation,
        id: "config.hook-twice",
        "\(both[0]) and \(both[1]) are two spellings of one config, and both are given",
        span: interpreter.currentSpan,
        hint: "put all hooks into one list"
      )
    }
    // dbt gives these two their names last.
    let renamed = ["pre_hook", "post_hook"]
    for (key, value) in arguments.keyword where !renamed.contains(key) {
      values[key] = try setting(key, value, interpreter)
    }
    for name in renamed {
      guard let value = arguments.keyword.first(where: { $0.name == name })?.value else { continue }
      let key = "\(name.prefix { $0 != "_" })-hook"
      values[key] = try setting(key, value, interpreter)
    }
    context.note(values, at: interpreter.currentSpan)
    return .string("")
  }

  /// What is set for a key. As dbt, nothing that is undefined, however deep it is.
  private func setting(
    _ key: String,
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Datum {
    let datum = try Datum(value, .lenient, interpreter)
    guard value.holdsUndefined else { return datum }
    throw TemplateError(
      .parsing,
      id: "config.undefined",
      "at path ['\(key)']: Undefined is not valid under any of the given schemas",
      span: interpreter.currentSpan,
      hint: "the config '\(key)' is set to something that is not defined: "
        + "look for a slip in its name"
    )
  }

  /// What a single argument sets: a dictionary, or what Python makes one of.
  private func settings(
    _ value: Value,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> [(String, Datum)] {
    if value.isUndefined { return [] }
    if case .dict(let dict) = value {
      var settings: [(String, Datum)] = []
      for (key, value) in dict.pairs {
        guard let key = key.asString else {
          throw .compilation(
            "Invalid inline model config: a key of it is no text",
            hint: "write config({'key': value, …})"
          )
        }
        settings.append((key, try setting(key, value, interpreter)))
      }
      return settings
    }
    switch try Datum(value, .lenient, interpreter) {
    case .map(let map): return map.entries.map { ($0.key, $0.value) }
    case .list(let items):
      let pairs = items.compactMap { item -> (String, Datum)? in
        guard let pair = item.list, pair.count == 2, let key = pair[0].string else { return nil }
        return (key, pair[1])
      }
      if pairs.count == items.count { return pairs }
    default: break
    }
    throw .compilation(
      "Invalid inline model config",
      hint: "write config(key=value, …) or config({…})"
    )
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name {
    case "get", "require", "meta_get", "meta_require":
      return .function(name.name) { arguments, _ throws(TemplateError) in
        let names = ["name", "default", "validator"].filter {
          $0 != "default" || name == "get" || name == "meta_get"
        }
        _ = try CallArguments(name.name, arguments, names, required: 1)
        return .string("")
      }
    case "set":
      return .function("set") { [self] arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments("set", arguments, ["name", "value"], required: 2)
        let name = try bound.string(0)
        let value = try setting(name, bound.value(1), interpreter)
        context.note([name: value], at: interpreter.currentSpan)
        return .string("")
      }
    case "persist_relation_docs", "persist_column_docs":
      return .function(name.name) { _, _ in .bool(false) }
    default: return nil
    }
  }
}

extension Value {
  /// Whether something in a value is undefined; it is a tree.
  fileprivate var holdsUndefined: Bool {
    switch self {
    case .undefined: true
    case .list(let items): items.items.contains(where: \.holdsUndefined)
    case .tuple(let items): items.items.contains(where: \.holdsUndefined)
    case .dict(let dict): dict.pairs.contains { $0.1.holdsUndefined }
    default: false
    }
  }
}
