/// Bounds that no honest template meets; each ends in an error that names the place.
///
/// Besides these, rendering stops with an error before the thread's stack is used up, whatever
/// its size is.
public struct Limits: Sendable {
  /// Macro calls within macro calls, includes, recursive loops.
  public var callDepth = 200
  /// Statements and expressions within each other in a template's text.
  public var nestingDepth = 200
  /// Lists, tuples and dictionaries within each other, where they are printed, compared, hashed or
  /// made JSON.
  public var valueDepth = 900
  /// Statements, loop iterations and calls of one render; filters and methods also count one for
  /// every 64 bytes or 8 items that they go through.
  public var steps = 500_000_000
  /// Iterations of one loop.
  public var loopIterations = 50_000_000
  /// The length of a `range`.
  public var rangeSize = 100_000
  /// The text of one render, and any one string that is put together from parts.
  public var outputBytes = 256 << 20
  /// The length of a string or list made by repetition, padding or formatting: bytes, or items
  /// eight times.
  public var repetition = 64 << 20
  /// Bytes of text and of items that the operations of one render make, kept or not.
  public var allocation = 8 << 30
  /// Bits of an integer.
  public var integerBits = 1 << 18
  /// Digits of a decimal integer that is read from text or written to it, as in Python.
  public var integerDigits = 4300
  /// Digits behind the point in a format.
  public var formatPrecision = 100_000

  /// The defaults.
  public init() {}
}

/// A block tag that defines a macro: `{% test unique(model) %}…{% endtest %}`.
public struct DefinitionTag: Sendable {
  /// What stands behind the tag's name.
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
  /// How its name and parameters are written.
  public let signature: Signature

  /// A tag, its prefix, and how it is written.
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
  /// Keep one line end at the end of the template.
  public var keepTrailingNewline = false
  /// What a missing name does when it is used.
  public var undefined = UndefinedKind.standard
  /// Escape for HTML what templates put out, as `{% autoescape true %}` does for a part.
  public var autoescape = false
  /// `break` and `continue`.
  public var loopControls = true
  /// Block tags of the host that define macros.
  public var definitionTags: [DefinitionTag] = []
  /// Appended to the message of "is undefined" errors, but not within macros that the host calls.
  public var undefinedHint: String?
  /// What a render may cost.
  public var limits = Limits()
  /// Asked now and then in the middle of a render, from any thread: whether it is to end with an error.
  public var isStopped: (@Sendable () -> Bool)?
  /// Jinja's defaults.
  public init() {}
}
