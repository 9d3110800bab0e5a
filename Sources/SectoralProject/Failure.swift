package import SectoralText

/// Why a command, or one node, could not go on: what dbt calls the kind of error, whom it concerns,
/// and everything that was found wrong.
package struct Failure: Error, Sendable {
  /// The head word of the message, as dbt prints it.
  package enum Kind: String, Sendable {
    case compilation = "Compilation Error"
    case database = "Database Error"
    case runtime = "Runtime Error"
    case parsing = "Parsing Error"
    case validation = "Validation Error"
    case dependency = "Dependency Error"
    case internalError = "Internal Error"
    case usage = "Usage Error"
    case failFast = "FailFast Error"
    case contract = "Breaking change to contract Error"
    /// What dbt prints without a heading.
    case plain = ""
  }

  package var kind: Kind
  /// `model x (models/x.sql)`; nil when the whole project is concerned.
  package var subject: String?
  package var diagnostics: [Diagnostic]
  /// The macros on the error's way, innermost first, and the subject: `macro boom (macros/boom.sql)`. As dbt
  /// has them behind the message; empty where no macro was on the way.
  package var calls: [String] = []

  package init(_ kind: Kind, subject: String? = nil, _ diagnostics: [Diagnostic]) {
    self.kind = kind
    self.subject = subject
    self.diagnostics = diagnostics
  }

  package init(_ kind: Kind, subject: String? = nil, _ diagnostic: Diagnostic) {
    self.init(kind, subject: subject, [diagnostic])
  }

  /// Several as one, of the first one's kind, each mistake once; nil where there are none.
  package init?(_ failures: [Failure]) {
    guard let first = failures.first else { return nil }
    var seen: Set<String> = []
    self.init(
      first.kind,
      subject: first.subject,
      failures.flatMap(\.diagnostics).filter {
        seen.insert("\($0.message) \($0.span?.placeText ?? "")").inserted
      }
    )
  }

  /// The line above the message; nil where there is none.
  package var heading: String? {
    kind == .plain ? nil : subject.map { "\(kind.rawValue) in \($0)" } ?? kind.rawValue
  }

  /// The text as dbt lays it out: heading, then the message lines indented by two, then for each
  /// diagnostic its place, snippet, trail and hint; without places, the calls.
  package func text(colors: Bool = false, showsPlaces: Bool = true) -> String {
    var lines = heading.map { [$0] } ?? []
    let indent = lines.isEmpty ? "" : "  "
    let formatter = DiagnosticFormatter(colors: colors)
    for (index, diagnostic) in diagnostics.enumerated() {
      if index > 0 { lines.append("") }
      for line in diagnostic.message.split(separator: "\n", omittingEmptySubsequences: false) {
        lines.append("\(indent)\(line)")
      }
      let details = showsPlaces ? formatter.details(of: diagnostic) : ""
      if !details.isEmpty {
        lines += details.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
      }
    }
    return lines.joined(separator: "\n") + (showsPlaces ? "" : callText)
  }

  /// The lines that list the calls, with the line break before them; empty where there are none.
  package var callText: String {
    guard !calls.isEmpty else { return "" }
    let lines = calls.enumerated().map { "\n  > \($0 == 0 ? "in" : "called by") \($1)" }
    return "\n  " + lines.joined()
  }
}

/// Everything that keeps a project from being read, found in one pass.
package struct Failures: Error, Sendable {
  package var list: [Failure]

  package init(_ list: [Failure]) { self.list = list }
}

extension Diagnostic {
  /// What libyaml says, with dbt's words in front.
  package var asSyntaxError: Diagnostic {
    var copy = self
    if let span { copy.message = "Syntax error near line \(span.position.line)\n  \(message)" }
    return copy
  }
}
