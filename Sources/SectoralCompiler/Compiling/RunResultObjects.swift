import SectoralJinja
import SectoralProject
import SectoralPython
package import SectoralWarehouse
import SectoralYAML

/// A result as on-run-end hooks see it in `results`.
package struct RunResultView: Sendable {
  /// A step of it; times are microseconds since 1970, UTC.
  package struct Timing: Sendable {
    package var name: String
    package var startedAt: (microseconds: Int, text: String)
    package var completedAt: (microseconds: Int, text: String)

    package init(
      name: String,
      startedAt: (microseconds: Int, text: String),
      completedAt: (microseconds: Int, text: String)
    ) {
      self.name = name
      self.startedAt = startedAt
      self.completedAt = completedAt
    }
  }

  package var uniqueID: String
  package var status: String
  package var message: String?
  package var failures: Int?
  /// In seconds.
  package var executionTime: Double
  package var threadID: String
  package var adapterResponse: AdapterResponse?
  package var timing: [Timing]

  package init(
    uniqueID: String,
    status: String,
    message: String?,
    failures: Int?,
    executionTime: Double,
    threadID: String,
    adapterResponse: AdapterResponse?,
    timing: [Timing]
  ) {
    self.uniqueID = uniqueID
    self.status = status
    self.message = message
    self.failures = failures
    self.executionTime = executionTime
    self.threadID = threadID
    self.adapterResponse = adapterResponse
    self.timing = timing
  }
}

extension RunContext {
  /// Gives on-run-end hooks their extra names: `results`, `schemas`, `database_schemas`.
  package func addResults(_ results: [RunResultView]) {
    var schemas: [String] = []
    var pairs: [(String, String)] = []
    let manifest = compiler.manifest
    let others = Dictionary(
      (manifest.unitTests + manifest.exposures + manifest.savedQueries + manifest.functions)
        .map { ($0.uniqueID, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let values = results.map { result -> Value in
      let node = manifest.node(result.uniqueID)
      if let node, holdsRows(node), !["error", "fail", "skipped"].contains(result.status),
        let schema = node.schema
      {
        if !schemas.contains(schema) { schemas.append(schema) }
        let pair = (node.database ?? "", schema)
        if !pairs.contains(where: { $0 == pair }) { pairs.append(pair) }
      }
      let subject =
        node.map { RecordObject(node: $0) }
        ?? manifest.source(result.uniqueID).map {
          RecordObject(layout: $0.layout(), typeName: "SourceDefinition")
        }
        ?? others[result.uniqueID].map {
          RecordObject(layout: $0.layout(), typeName: "ParsedResource")
        }
      return .object(RecordObject(result: result, subject: subject))
    }
    extraMembers["results"] = .list(values)
    extraMembers["schemas"] = .list(schemas.map(Value.string))
    extraMembers["database_schemas"] = .list(
      pairs.map { .tuple([.string($0.0), .string($0.1)]) }
    )
  }

  private func holdsRows(_ node: Node) -> Bool {
    switch node.resourceType {
    case .model, .seed, .snapshot: true
    case .test: node.storesFailures || compiler.workspace.flags.storesFailures
    default: false
    }
  }
}

/// An object with fields, which `to_dict()` gives as a dictionary.
final class RecordObject: Object {
  private let fields: DictValue
  private let plain: DictValue
  private let name: String
  /// Whether `get` reads fields, as a configuration's does.
  private let hasGet: Bool

  /// `plain`: what `to_dict` gives, where a field is no plain value; the fields otherwise.
  init(
    _ fields: [(String, Value)],
    plain: [(String, Value)]? = nil,
    typeName: String,
    hasGet: Bool = false
  ) {
    self.fields = DictValue(fields)
    self.plain = plain.map { DictValue($0) } ?? self.fields
    self.hasGet = hasGet
    name = typeName
    super.init()
  }

  override var typeName: String { name }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    var texts: [String] = []
    for (key, value) in fields.pairs {
      texts.append("\(key.asString ?? "")=\(try interpreter.repr(value))")
    }
    return "\(name)(\(texts.joined(separator: ", ")))"
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    if let value = fields[name.name] { return value }
    switch name.name {
    case "to_dict":
      return .function("to_dict") { [plain] arguments, interpreter throws(TemplateError) in
        let bound = try CallArguments("to_dict", arguments, ["omit_none"])
        guard let flag = bound[0], try interpreter.isTrue(flag) else { return .dict(plain) }
        return Self.withoutNone(.dict(plain))
      }
    case "get" where hasGet:
      return .function("get") { [fields] arguments, _ throws(TemplateError) in
        let bound = try CallArguments("get", arguments, ["key", "default"], required: 1)
        return fields[try bound.string(0)] ?? bound.value(1)
      }
    // dbt's configurations answer none for what they do not have.
    default: return hasGet ? Value.none : nil
    }
  }

  private static func withoutNone(_ value: Value) -> Value {
    guard case .dict(let dict) = value else { return value }
    let result = DictValue()
    for (key, item) in dict.pairs where !item.isNone { result[key] = withoutNone(item) }
    return .dict(result)
  }
}

extension RecordObject {
  /// A result of a run; `subject` is the node, or other resource, that it is of.
  convenience init(result: RunResultView, subject: RecordObject?) {
    let response = result.adapterResponse.map {
      Value.dict([
        ("_message", .string($0.message)), ("code", .string($0.code)),
        ("rows_affected", .int($0.rowsAffected)),
      ])
    }
    func pairs(timing: [Value], node: Value) -> [(String, Value)] {
      [
        ("status", .string(result.status)), ("timing", .list(timing)),
        ("thread_id", .string(result.threadID)), ("execution_time", .float(result.executionTime)),
        ("adapter_response", response ?? .dict([])),
        ("message", result.message.map(Value.string) ?? .none),
        ("failures", result.failures.map(Value.int) ?? .none), ("node", node),
        ("agate_table", .none), ("batch_results", .none),
      ]
    }
    let plainTiming = result.timing.map { timing -> [(String, Value)] in
      [
        ("name", .string(timing.name)), ("started_at", .string(timing.startedAt.text)),
        ("completed_at", .string(timing.completedAt.text)),
      ]
    }
    let timing = zip(result.timing, plainTiming).map { timing, plain -> Value in
      let fields: [(String, Value)] = [
        ("name", .string(timing.name)),
        ("started_at", .object(DateTimeObject(local: timing.startedAt.microseconds, zone: nil))),
        (
          "completed_at", .object(DateTimeObject(local: timing.completedAt.microseconds, zone: nil))
        ),
      ]
      return .object(RecordObject(fields, plain: plain, typeName: "TimingInfo"))
    }
    self.init(
      pairs(timing: timing, node: subject.map { .object($0) } ?? .none),
      plain: pairs(
        timing: plainTiming.map { .dict($0) },
        node: subject.map { .dict($0.plain) } ?? .none
      ),
      typeName: "RunResult"
    )
  }

  /// A node as `results` shows it.
  convenience init(node: Node) {
    self.init(
      layout: node.layout(),
      adding: [
        ("file_id", .string("\(node.packageName)://\(node.originalFilePath)")),
        ("identifier", .string(node.alias)), ("search_name", .string(node.searchName)),
        ("is_relational", .bool(node.isRelational || node.isEphemeralModel)),
        ("is_ephemeral", .bool(node.config["materialized"]?.string == "ephemeral")),
        ("is_ephemeral_model", .bool(node.isEphemeralModel)),
        ("empty", .bool(node.rawCode.trimmingBlanks.isEmpty)),
      ],
      typeName: "ParsedNode"
    )
  }

  /// A resource as `results` shows it: what the manifest has of it, and `others`.
  convenience init(layout: DatumMap, adding others: [(String, Value)] = [], typeName: String) {
    let plain = layout.entries.map { ($0.key, Value($0.value)) }
    let types = [
      "checksum": "FileHash", "depends_on": "DependsOn", "docs": "Docs", "contract": "Contract",
    ]
    let fields = layout.entries.map { key, value -> (String, Value) in
      if key == "config", let map = value.map {
        var values = map.entries.map { ($0.key, Value($0.value)) }
        for (key, value) in map.entries where key.hasSuffix("-hook") {
          values.append((key == "pre-hook" ? "pre_hook" : "post_hook", Value(value)))
        }
        let plain = map.entries.map { ($0.key, Value($0.value)) }
        let config = RecordObject(values, plain: plain, typeName: "NodeConfig", hasGet: true)
        return (key, .object(config))
      }
      if let type = types[key], let map = value.map {
        let values = map.entries.map { ($0.key, Value($0.value)) }
        return (key, .object(RecordObject(values, typeName: type)))
      }
      return (key, Value(value))
    }
    self.init(fields + others, plain: plain, typeName: typeName)
  }
}
