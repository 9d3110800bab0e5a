import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

/// What `unrendered_config` says of `config()` calls under the flag
/// `state_modified_compare_more_unrendered_values`: how they are written, so that a value of the
/// environment changes nothing (as dbt-core 1.11's static parse of a node's first call).
struct WrittenConfigs {
  let workspace: Workspace
  let interpreter: Interpreter

  var isOn: Bool {
    workspace.invocation.behavior["state_modified_compare_more_unrendered_values"]?.bool ?? false
  }

  /// The keys of the node's first call with the text of each; nil where dbt keeps the values.
  func call(in node: Node) -> DatumMap? {
    guard let template = template(of: node),
      node.resourceType != .model || !isExtracted(template, of: node),
      let keywords = template.firstCall(of: "config", interpreter), !keywords.isEmpty
    else { return nil }
    return DatumMap(keywords.map { (key: $0.name, value: .string($0.text)) })
  }

  /// As dbt joins what is written under `config` in a properties file with its values: mappings key by
  /// key, lists before the others.
  static func merge(_ written: DatumMap, over values: DatumMap) -> DatumMap {
    var merged = values
    for (key, value) in written.entries {
      switch (value, merged[key]) {
      case (.map(let map), .map(let other)?): merged[key] = .map(merge(map, over: other))
      case (.list(let items), .list(let others)?): merged[key] = .list(items + others)
      default: merged[key] = value
      }
    }
    return merged
  }

  private func template(of node: Node) -> Template? {
    do throws(TemplateError) {
      guard let span = node.source else {
        return try workspace.environment.compile(
          SourceFile(path: node.originalFilePath, text: node.rawCode)
        )
      }
      return try workspace.environment.compile(span.file, in: span.start..<span.end)
    } catch {
      // It was rendered before, or its error has been told.
      return nil
    }
  }

  /// Whether dbt reads a model without rendering it: then it knows only the values. It does so for
  /// calls of `ref`, `source` and `config` with literals that its grammar knows.
  private func isExtracted(_ template: Template, of node: Node) -> Bool {
    let replaced = ["ref", "source", "config"].contains { name in
      guard case .macro? = workspace.macros.resolve(Symbol(name), for: node.packageName) else {
        return false
      }
      return true
    }
    guard !replaced, let calls = template.literalCalls else { return false }
    let code = node.rawCode
    if code.contains("{{-") || code.contains("-}}") { return false }
    return calls.allSatisfy { call in
      switch call.name {
      case "ref":
        (1...2).contains(call.positional.count) && call.positional.allSatisfy(\.isString)
          && call.keyword.allSatisfy { ["v", "version"].contains($0.name) && $0.value.isVersion }
      case "source":
        call.positional.count == 2 && call.keyword.isEmpty && call.positional.allSatisfy(\.isString)
      case "config":
        call.positional.isEmpty && !call.keyword.isEmpty
          && call.keyword.allSatisfy {
            !["pre_hook", "post_hook"].contains($0.name) && $0.value.isExtracted
          }
      default: false
      }
    }
  }
}

extension LiteralCall.Shape {
  fileprivate var isString: Bool {
    if case .string = self { return true }
    return false
  }

  fileprivate var isVersion: Bool {
    switch self {
    case .string, .integer: true
    default: false
    }
  }

  fileprivate var isExtracted: Bool {
    switch self {
    case .string, .pythonBool: true
    case .list(let items), .dict(let items): items.allSatisfy(\.isExtracted)
    case .integer, .other: false
    }
  }
}
