import SectoralJinja
import SectoralProject
import SectoralText
import SectoralYAML

extension ParseContext {
  /// What a naming macro gives: `custom` is the name that is configured, `node` what it is a name of, `words`
  /// how messages call that.
  func name(
    by macro: MacroEntry,
    _ custom: Datum?,
    of node: DatumMap,
    _ words: String
  ) throws(TemplateError) -> String? {
    let result = try hosting { () throws(TemplateError) in
      try call(macro, Arguments([custom.map { Value($0) } ?? .none, Value(node)]))
    }
    if result.isNone { return nil }
    let text = String(try thread.interpreter.string(result).trimmingBlanks)
    guard !text.unicodeScalars.contains(where: { $0 == "\"" || $0.value == 0 }) else {
      throw .compilation(
        "\(macro.macro.name) gave the name '\(text)' for \(words): a name may hold no double quote",
        hint: "change the macro \(macro.macro.name) in \(macro.macro.originalFilePath)"
      )
    }
    return text
  }
}

/// The names of what a saved query exports. dbt sends them through the root project's naming macros, whatever
/// package the query is of; a schema or an alias that is configured stays as it is.
struct ExportNames {
  private let workspace: Workspace
  private let context: ParseContext

  init(_ workspace: Workspace) {
    self.workspace = workspace
    context = ParseContext(
      RenderingThread(workspace, threadName: "MainThread"),
      node: nil,
      packageName: workspace.root.name,
      emit: { _ in }
    )
    context.isNaming = true
  }

  /// `export`: as the manifest shows it, with `config` as it is before it has names.
  func complete(_ export: inout DatumMap, at place: TextSpan) throws(Failure) {
    var config = export["config"]?.map ?? DatumMap()
    let words = "the export '\(export["name"]?.string ?? "")'"
    func name(_ naming: NamingMacro, _ custom: Datum?, usual: String) throws(Failure) -> Datum {
      guard let macro = workspace.macros.replacement(of: naming, for: workspace.root.name) else {
        return .string(usual)
      }
      do throws(TemplateError) {
        return .optional(try context.name(by: macro, custom, of: export, words))
      } catch {
        var failure = Failure(error, node: nil)
        if failure.diagnostics.first?.span == nil, !failure.diagnostics.isEmpty {
          failure.diagnostics[0].span = place
        }
        throw failure
      }
    }
    let profile = workspace.profile
    let schema = try name(.schema, nil, usual: profile.schema)
    let database = try name(
      .database,
      config["database"],
      usual: config["database"]?.string ?? profile.database
    )
    let alias = try name(.alias, nil, usual: export["name"]?.string ?? "")
    if (config["schema_name"] ?? .null).isNull { config["schema_name"] = schema }
    if (config["alias"] ?? .null).isNull { config["alias"] = alias }
    if !database.isNull { config["database"] = database }
    export["config"] = .map(config)
  }
}
