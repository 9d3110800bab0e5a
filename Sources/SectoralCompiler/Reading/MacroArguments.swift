import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

/// The flag `validate_macro_args`: a macro's described arguments against those that it has.
enum MacroArguments {
  /// The arguments in a macro's signature. A materialization's settings count as such in dbt.
  static func names(of entry: MacroEntry) -> [String] {
    guard let (_, definition) = try? entry.definition() else { return [] }
    if entry.macro.supportedLanguages != nil { return ["supported_languages"] }
    return definition.parameters
  }

  static func problems(of entry: MacroEntry, _ described: YAMLNode) -> [NamedWarning] {
    let names = names(of: entry)
    let macro = entry.macro.name
    var warnings: [NamedWarning] = []
    func warn(_ message: String, at node: YAMLNode, hint: String?) {
      warnings.append(
        NamedWarning(
          "InvalidMacroAnnotation",
          Diagnostic(
            id: "macro.bad-argument",
            severity: .warning,
            message: message,
            span: node.span,
            hint: hint
          )
        )
      )
    }
    let arguments = described["arguments"]?.sequence ?? []
    if !arguments.isEmpty, arguments.count != names.count {
      warn(
        "The number of arguments in the yaml for macro \(macro) does not match the jinja definition.",
        at: described["arguments"] ?? described,
        hint: "the macro takes \(names.isEmpty ? "none" : names.joined(separator: ", "))"
      )
    }
    for (index, argument) in arguments.enumerated() {
      let name = argument["name"]?.datum.pythonText ?? ""
      if index < names.count, names[index] != name {
        warn(
          "Argument \(name) in yaml for macro \(macro) does not match the jinja definition.",
          at: argument["name"] ?? argument,
          hint: "the macro calls it '\(names[index])'"
        )
      }
      if let type = argument["type"]?.string, !isType(type[...]) {
        warn(
          "Argument \(name) in the yaml for macro \(macro) has an invalid type.",
          at: argument["type"] ?? argument,
          hint: "string, integer, float, boolean, any, relation, column, list[…], dict[…, …] or "
            + "optional[…]"
        )
      }
    }
    return warnings
  }

  private static let plain: Set<String> = [
    "string", "str", "boolean", "bool", "integer", "int", "float", "any", "relation", "column",
  ]

  private static func isType(_ text: Substring) -> Bool {
    let text = text.trimmingBlanks
    if plain.contains(String(text)) { return true }
    guard let open = text.firstIndex(of: "["), text.hasSuffix("]") else { return false }
    let inner = text[text.index(after: open)...].dropLast()
    switch text[..<open].trimmingBlanks {
    case "list", "optional": return isType(inner[...])
    case "dict":
      guard let comma = inner.firstIndex(of: ",") else { return false }
      return isType(inner[..<comma]) && isType(inner[inner.index(after: comma)...])
    default: return false
    }
  }
}
