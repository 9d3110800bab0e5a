/// Bounds that no honest template meets; each ends in an error that names the place.
///
/// Besides these, rendering stops with an error before the thread's stack is used up, whatever
/// its size is.
public struct Limits: Sendable {
  /// Macro calls within macro calls, includes, recursive loops.
  public var callDepth = 200
  /// Statements and expressions within each other in a template's text.
  public var nestingDepth = 200
  /// Statements, loop iterations and calls of one render.
  public var steps = 500_000_000
  public var rangeSize = 100_000
  public var outputBytes = 256 << 20
  /// The length of a string or list made by repetition, padding or formatting.
  public var repetition = 64 << 20
  /// Bits of an integer.
  public var integerBits = 1 << 18
  public init() {}
}

/// A block tag that defines a macro: `{% test unique(model) %}…{% endtest %}`.
public struct DefinitionTag: Sendable {
  public enum Signature: Sendable {
    /// `name(a, b=1)`
    case macro
    /// `name` alone, or `name, word, key='text'`: the macro takes no arguments.
    case name
  }

  /// "test"; ends with "end" + tag.
  public let tag: String
  /// "test_": put before the name that the tag gives.
  public let prefix: String
  public let signature: Signature

  public init(tag: String, prefix: String, signature: Signature) {
    self.tag = tag
    self.prefix = prefix
    self.signature = signature
  }
}

/// How templates are read, and what they may do.
public struct Options: Sendable {
  /// Drop the first line end after a block tag.
  public var trimBlocks = false
  /// Drop spaces before a block tag that begins a line.
  public var lstripBlocks = false
  public var keepTrailingNewline = false
  public var undefined = UndefinedKind.standard
  /// Escape for HTML what templates put out, as `{% autoescape true %}` does for a part.
  public var autoescape = false
  /// `break` and `continue`.
  public var loopControls = true
  public var definitionTags: [DefinitionTag] = []
  /// Appended to the message of every "is undefined" error.
  public var undefinedHint: String?
  public var limits = Limits()
  public init() {}
}
