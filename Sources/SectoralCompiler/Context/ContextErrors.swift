package import SectoralJinja
package import SectoralWarehouse

extension ErrorKind {
  package static let compilation = ErrorKind(rawValue: "CompilationError")
  package static let parsing = ErrorKind(rawValue: "ParsingError")
  package static let runtime = ErrorKind(rawValue: "DbtRuntimeError")
  package static let database = ErrorKind(rawValue: "DatabaseError")
  package static let dependency = ErrorKind(rawValue: "DependencyError")
  package static let failFast = ErrorKind(rawValue: "FailFastError")
  package static let notImplemented = ErrorKind(rawValue: "NotImplementedError")
  package static let internalError = ErrorKind(rawValue: "InternalError")
}

/// A database's error on its way through a template: `TemplateError.payload`.
package final class WarehouseFailure {
  package let error: WarehouseError

  package init(_ error: WarehouseError) { self.error = error }
}

extension TemplateError {
  /// dbt's Compilation Error.
  package static func compilation(_ message: String, hint: String? = nil) -> TemplateError {
    TemplateError(.compilation, id: "compile.error", message, hint: hint)
  }

  /// dbt's Runtime Error.
  package static func runtime(_ message: String, hint: String? = nil) -> TemplateError {
    TemplateError(.runtime, id: "run.error", message, hint: hint)
  }

  /// What the database said, with everything it said in the payload.
  package static func warehouse(_ error: WarehouseError) -> TemplateError {
    var lines = [error.report ?? error.message]
    if error.report == nil {
      if let detail = error.detail {
        lines.append(error.kind == .statement ? "DETAIL:  \(detail)" : "\t\(detail)")
      }
      if error.kind == .statement {
        if let hint = error.hint { lines.append("HINT:  \(hint)") }
        if let context = error.context { lines.append("CONTEXT:  \(context)") }
      }
    }
    return TemplateError(
      .database,
      id: "database.\(error.sqlState ?? "error")",
      lines.joined(separator: "\n"),
      hint: error.kind == .statement ? nil : error.hint,
      payload: WarehouseFailure(error)
    )
  }
}
