import SectoralJinja
import SectoralProject
import SectoralPython
import SectoralYAML

/// Built-in macros that are called for nearly every node and mostly have nothing to do: their usual case
/// is told here without running the template. Macros of a project that replace them are run as ever.
enum NativeMacro: Sendable {
  /// A test's own relation, where no `where` narrows it. Of ten thousand tests that were compiled, a
  /// tenth of the time went into finding that out.
  case whereSubquery

  /// nil: the macro has its template alone.
  init?(_ macro: Macro) {
    switch macro.uniqueID {
    case "macro.dbt.get_where_subquery": self = .whereSubquery
    default: return nil
    }
  }

  /// What a call gives; nil: the template has to tell.
  func call(
    in context: NodeContext,
    _ arguments: Arguments
  ) throws(TemplateError) -> Value? {
    switch self {
    case .whereSubquery:
      guard arguments.keyword.isEmpty, arguments.positional.count == 1, let node = context.node,
        context.isUsual(Names.config), context.isUsual(Names.adapter),
        try context.dispatches("get_where_subquery", to: "macro.dbt.default__get_where_subquery")
      else { return nil }
      switch node.config["where"] {
      case nil, .null?, .string("")?: return arguments.positional[0]
      default: return nil
      }
    }
  }
}

extension NodeContext {
  /// Whether a name of the context has the value that it has without a project's doing.
  fileprivate func isUsual(_ name: Symbol) -> Bool {
    extraMembers[name] == nil && workspace.macros.resolve(name, for: macroPackage) == nil
  }

  /// Whether `adapter.dispatch(name, 'dbt')` finds this macro.
  fileprivate func dispatches(
    _ name: String,
    to uniqueID: String
  ) throws(TemplateError) -> Bool {
    let found = try thread.dispatch(name, namespace: "dbt", for: macroPackage)
    return found.object(MacroObject.self)?.entry.macro.uniqueID == uniqueID
  }
}
