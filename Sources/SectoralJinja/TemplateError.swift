public import SectoralText

/// The kind of an error, by the name that Python and Jinja give it; hosts add their own.
public struct ErrorKind: Hashable, Sendable, RawRepresentable {
  /// The name: `TypeError`.
  public let rawValue: String
  /// A kind by its name.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The text is no template.
  public static let syntax = ErrorKind(rawValue: "TemplateSyntaxError")
  /// Unknown filters and tests, found while compiling.
  public static let assertion = ErrorKind(rawValue: "TemplateAssertionError")
  /// Other errors of rendering.
  public static let runtime = ErrorKind(rawValue: "TemplateRuntimeError")
  /// There is no template of that name.
  public static let notFound = ErrorKind(rawValue: "TemplateNotFound")
  /// There is no template of any of the names.
  public static let noneFound = ErrorKind(rawValue: "TemplatesNotFound")
  /// A missing value was used.
  public static let undefined = ErrorKind(rawValue: "UndefinedError")
  /// Something that templates may not reach.
  public static let security = ErrorKind(rawValue: "SecurityError")
  /// A filter does not take this argument.
  public static let filterArgument = ErrorKind(rawValue: "FilterArgumentError")
  /// An operation does not know this type.
  public static let type = ErrorKind(rawValue: "TypeError")
  /// The type is right, the value is not.
  public static let value = ErrorKind(rawValue: "ValueError")
  /// A dictionary has no such key.
  public static let key = ErrorKind(rawValue: "KeyError")
  /// A list has no such index.
  public static let index = ErrorKind(rawValue: "IndexError")
  /// A value has no such attribute.
  public static let attribute = ErrorKind(rawValue: "AttributeError")
  /// A number does not fit.
  public static let overflow = ErrorKind(rawValue: "OverflowError")
  /// Division by zero.
  public static let zeroDivision = ErrorKind(rawValue: "ZeroDivisionError")
  /// A limit of the host was met.
  public static let limit = ErrorKind(rawValue: "LimitExceeded")
}

/// An error while compiling or rendering; one word wide, so that calls that succeed do not pay.
public struct TemplateError: Error {
  private final class Box {
    let kind: ErrorKind
    var diagnostic: Diagnostic
    let payload: AnyObject?
    let returned: Value?

    init(kind: ErrorKind, diagnostic: Diagnostic, payload: AnyObject?, returned: Value?) {
      self.kind = kind
      self.diagnostic = diagnostic
      self.payload = payload
      self.returned = returned
    }
  }

  // An error is thrown and caught on the thread that rendered; nobody else has it.
  nonisolated(unsafe) private let box: Box

  /// An error; the engine adds place and trail where they are missing.
  public init(
    _ kind: ErrorKind,
    id: String,
    _ message: String,
    span: TextSpan? = nil,
    hint: String? = nil,
    payload: AnyObject? = nil
  ) {
    box = Box(
      kind: kind,
      diagnostic: Diagnostic(id: id, message: message, span: span, hint: hint),
      payload: payload,
      returned: nil
    )
  }

  /// An error that carries a diagnostic made elsewhere, for instance by the parser.
  public init(_ kind: ErrorKind, _ diagnostic: Diagnostic, payload: AnyObject? = nil) {
    box = Box(kind: kind, diagnostic: diagnostic, payload: payload, returned: nil)
  }

  private init(returned: Value) {
    box = Box(
      kind: .runtime,
      diagnostic: Diagnostic(
        id: "jinja.return-outside-macro",
        message: "return was called outside of a macro"
      ),
      payload: nil,
      returned: returned
    )
  }

  /// Not an error: unwinds to the innermost macro call, which yields the value.
  public static func returning(_ value: Value) -> TemplateError { TemplateError(returned: value) }

  /// The kind, by Python's name.
  public var kind: ErrorKind { box.kind }
  /// Message, place, trail and hint.
  public var diagnostic: Diagnostic { box.diagnostic }
  /// Whatever the host attached when it raised the error.
  public var payload: AnyObject? { box.payload }
  /// What `returning` was given.
  public var returned: Value? { box.returned }

  /// The same error with its place, when it had none yet.
  func placed(at span: @autoclosure () -> TextSpan?) -> TemplateError {
    if box.diagnostic.span == nil { box.diagnostic.span = span() }
    return self
  }

  /// The same error with one more frame of the trail.
  func through(_ frame: Diagnostic.Frame) -> TemplateError {
    // A runaway recursion would otherwise make a trail as long as the stack.
    if box.diagnostic.trail.count < 64 { box.diagnostic.trail.append(frame) }
    return self
  }
}

extension TemplateError {
  static func type(_ message: String) -> TemplateError {
    TemplateError(.type, id: "jinja.type-error", message)
  }

  static func value(_ message: String) -> TemplateError {
    TemplateError(.value, id: "jinja.value-error", message)
  }

  static func overflow(_ message: String) -> TemplateError {
    TemplateError(.overflow, id: "jinja.overflow", message)
  }

  static func zeroDivision(_ message: String) -> TemplateError {
    TemplateError(.zeroDivision, id: "jinja.division-by-zero", message)
  }

  static func limit(_ message: String) -> TemplateError {
    TemplateError(.limit, id: "jinja.limit-exceeded", message)
  }

  /// The host wanted the render to stop.
  static var stopped: TemplateError {
    TemplateError(.limit, id: "jinja.stopped", "the template was stopped")
  }

  static func filterArgument(_ message: String) -> TemplateError {
    TemplateError(.filterArgument, id: "jinja.filter-argument", message)
  }

  static func unhashable(_ value: Value) -> TemplateError {
    .type("unhashable type: '\(value.typeName)'")
  }
}
