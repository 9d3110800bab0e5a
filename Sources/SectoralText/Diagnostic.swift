/// One thing a user should know about their project: what, where, and what to do next.
public struct Diagnostic: Sendable {
  public enum Severity: Sendable { case error, warning, note }

  /// A place that led to the one of the diagnostic, for instance the call of a macro.
  public struct Frame: Sendable {
    /// What was running there: `macro clean_name`, `model orders`.
    public let label: String
    public let span: TextSpan?

    public init(label: String, span: TextSpan?) {
      self.label = label
      self.span = span
    }
  }

  /// "jinja.unknown-filter": stable, searchable, never reworded.
  public let id: String
  public var severity: Severity
  /// One line, lower case, no full stop; more lines only where dbt's own wording has them.
  public var message: String
  /// nil when no file is to blame.
  public var span: TextSpan?
  /// What to try next.
  public var hint: String?
  /// Macro calls that led here, innermost first.
  public var trail: [Frame]

  public init(
    id: String,
    severity: Severity = .error,
    message: String,
    span: TextSpan? = nil,
    hint: String? = nil,
    trail: [Frame] = []
  ) {
    self.id = id
    self.severity = severity
    self.message = message
    self.span = span
    self.hint = hint
    self.trail = trail
  }

  /// Whether it names what was probably meant.
  public var isSlip: Bool { hint?.hasPrefix("did you mean ") ?? false }
}

/// Words a diagnostic with its snippet, as `error[id]: message`, ` --> file:line:column`, the line
/// with a caret, the trail and the hint.
public struct DiagnosticFormatter: Sendable {
  public var colors: Bool

  public init(colors: Bool = false) { self.colors = colors }

  public func format(_ diagnostic: Diagnostic) -> String {
    let word =
      switch diagnostic.severity {
      case .error: "error"
      case .warning: "warning"
      case .note: "note"
      }
    var out = "\(paint(word, diagnostic.severity))[\(diagnostic.id)]: \(diagnostic.message)"
    let details = details(of: diagnostic)
    if !details.isEmpty { out += "\n" + details }
    return out
  }

  /// Everything below the first line: place, snippet, trail, hint. Empty when there is nothing.
  public func details(of diagnostic: Diagnostic) -> String {
    var lines: [String] = []
    var gutter = ""
    if let span = diagnostic.span {
      let (line, column) = span.position
      let number = String(line)
      gutter = String(repeating: " ", count: number.count)
      lines.append("\(gutter)--> \(span.file.path):\(line):\(column)")
      let whole = span.file.lineRange(line)
      let range = window(of: whole, around: span)
      let source = span.file.text(in: range)
      if !source.isEmpty, !span.file.holdsSecret(in: whole) {
        let isCut = range.lowerBound > whole.lowerBound
        lines.append("\(gutter) |")
        lines.append(
          "\(number) | \(isCut ? "…" : "")\(shown(source))"
            + (range.upperBound < whole.upperBound ? "…" : "")
        )
        let lead =
          (isCut ? "…" : "")
          + shown(span.file.text(in: range.lowerBound..<max(range.lowerBound, span.start)))
        let marked = span.file.text(
          in: span.start..<max(span.start, min(span.end, range.upperBound))
        )
        let carets = String(repeating: "^", count: max(1, shown(marked).unicodeScalars.count))
        let pad = String(repeating: " ", count: lead.unicodeScalars.count)
        lines.append("\(gutter) | \(pad)\(paint(carets, diagnostic.severity))")
      }
    }
    for (index, frame) in diagnostic.trail.enumerated() {
      guard let span = frame.span else {
        lines.append("\(gutter) = in \(frame.label)")
        continue
      }
      let (line, column) = span.position
      let verb = index == 0 ? "in" : "called from"
      lines.append("\(gutter) = \(verb) \(frame.label) (\(span.file.path):\(line):\(column))")
    }
    if let hint = diagnostic.hint { lines.append("\(gutter) = hint: \(hint)") }
    return lines.joined(separator: "\n")
  }

  /// The part of a line that is shown: all of it, unless it is too long to be read.
  private func window(of line: Range<Int>, around span: TextSpan) -> Range<Int> {
    let size = 160
    guard line.count > 2 * size else { return line }
    let bytes = span.file.bytes
    var start = max(line.lowerBound, min(span.start, line.upperBound) - size)
    var end = min(line.upperBound, max(span.start, line.lowerBound) + size)
    // Not in the middle of a character.
    while start > line.lowerBound, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    while end < line.upperBound, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return start..<max(start, end)
  }

  private func shown(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
          switch scalar {
          case "\t": [" ", " ", " ", " "]
          case _ where scalar.value < 0x20 || scalar.value == 0x7F: ["\u{FFFD}"]
          default: [scalar]
          }
        }
      )
    )
  }

  private func paint(_ text: String, _ severity: Diagnostic.Severity) -> String {
    guard colors else { return text }
    let code =
      switch severity {
      case .error: "31"
      case .warning: "33"
      case .note: "36"
      }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
