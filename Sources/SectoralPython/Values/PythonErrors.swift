package import SectoralJinja

extension ErrorKind {
  package static let arithmetic = ErrorKind(rawValue: "ArithmeticError")
  package static let regularExpression = ErrorKind(rawValue: "re.error")
}

extension TemplateError {
  /// An error of Python's library.
  package static func python(_ kind: ErrorKind, _ message: String) -> TemplateError {
    TemplateError(kind, id: "python.\(kind.rawValue)", message)
  }

  package static func typeError(_ message: String) -> TemplateError { python(.type, message) }
  package static func valueError(_ message: String) -> TemplateError { python(.value, message) }
}
