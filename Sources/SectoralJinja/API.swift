// The public face that the other targets are written against. Bodies are being filled in.
public import BigInt
public import SectoralText

public final class Undefined {
  /// What was missing, for messages: `'x' is undefined`.
  public let name: String
  public let kind: UndefinedKind
  public init(name: String, kind: UndefinedKind) { self.name = name; self.kind = kind }
}

/// What a missing name does when it is used.
public enum UndefinedKind: Sendable {
  /// Prints as nothing, is false and empty; attributes, items and calls are errors.
  case standard
  /// Every use is an error.
  case strict
  /// Attributes and items give another undefined.
  case chainable
  /// Prints as `{{ name }}`.
  case debug
  /// Everything, calls included, gives another undefined.
  case silent
}

public final class BigInteger { public let value: BigInt; public init(_ value: BigInt) { self.value = value } }
public final class ListValue { public var items: [Value]; public init(_ items: [Value] = []) { self.items = items } }
public final class TupleValue { public let items: [Value]; public init(_ items: [Value]) { self.items = items } }

/// An ordered dictionary with Python's rules for keys (1 == True == 1.0).
public final class DictValue {
  public init() { fatalError() }
  public convenience init(_ pairs: [(String, Value)]) { fatalError() }
  public var count: Int { fatalError() }
  public subscript(key: String) -> Value? { get { fatalError() } set { fatalError() } }
  public subscript(key: Value) -> Value? { get { fatalError() } set { fatalError() } }   // key must be hashable
  /// In order of insertion.
  public var pairs: [(key: Value, value: Value)] { fatalError() }
}
public final class SetValue {
  public var count: Int { fatalError() }
  public func contains(_ item: Value) -> Bool { fatalError() }
  public func insert(_ item: Value) { fatalError() }
  public init(_ items: [Value]) { fatalError() }
  public var items: [Value] { fatalError() }
}

/// Arguments of a call.
public struct Arguments {
  public var positional: [Value]
  public var keyword: [(name: String, value: Value)]
  public init(_ positional: [Value] = [], keyword: [(name: String, value: Value)] = []) {
    self.positional = positional
    self.keyword = keyword
  }
  public subscript(keyword name: String) -> Value? { keyword.first { $0.name == name }?.value }
  public var isEmpty: Bool { positional.isEmpty && keyword.isEmpty }
  public func bound(_ function: String, _ parameters: [String], required: Int = 0) throws(TemplateError) -> [Value?] { fatalError() }
}

/// A value of the host: subclasses say what attributes, items and calls do.
///
/// The defaults are those of a plain Python object: true, equal only to itself, not callable.
open class Object {
  public init() {}
  open var typeName: String { "object" }
  /// nil: no such attribute (the engine then tries an item, then makes an undefined).
  open func attribute(_ name: Symbol, _ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }
  open func item(_ key: Value, _ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }
  open func setItem(_ key: Value, _ value: Value, _ interpreter: Interpreter) throws(TemplateError) { fatalError() }
  open var isCallable: Bool { false }
  open func call(_ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) -> Value { fatalError() }
  /// nil: not iterable.
  open func iterate(_ interpreter: Interpreter) throws(TemplateError) -> [Value]? { nil }
  /// nil: has no length.
  open var length: Int? { nil }
  open var isTrue: Bool { length.map { $0 != 0 } ?? true }
  /// True for what `x is mapping` holds of; `**x` then uses `iterate` for keys and `item`.
  open var isMapping: Bool { false }
  open func string(_ interpreter: Interpreter) throws(TemplateError) -> String { try repr(interpreter) }
  open func repr(_ interpreter: Interpreter) throws(TemplateError) -> String { "<\(typeName) object>" }
  open func isEqual(to other: Value) -> Bool { if case .object(let o) = other { o === self } else { false } }
  open func contains(_ needle: Value, _ interpreter: Interpreter) throws(TemplateError) -> Bool? { nil }
  open func operate(_ operation: BinaryOperator, _ other: Value, reversed: Bool, _ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }
  open func negated(_ interpreter: Interpreter) throws(TemplateError) -> Value? { nil }
  open func compare(to other: Value, _ interpreter: Interpreter) throws(TemplateError) -> Int? { nil }
  open var numericValue: Value? { nil }
  open func formatted(_ specification: String, _ interpreter: Interpreter) throws(TemplateError) -> String? { nil }
  open func setAttribute(_ name: Symbol, _ value: Value, _ interpreter: Interpreter) throws(TemplateError) {}
  /// Equal objects must hash equally; nil: unhashable.
  open func hash(into hasher: inout Hasher) -> Bool { hasher.combine(ObjectIdentifier(self)); return true }
}

public enum BinaryOperator: UInt8, Sendable { case add, subtract, multiply, divide, floorDivide, modulo, power }

public typealias NativeBody = (Arguments, Interpreter) throws(TemplateError) -> Value

public final class NativeFunction: Object {
  public let name: String
  private let body: NativeBody
  public init(_ name: String, _ body: @escaping NativeBody) { self.name = name; self.body = body }
  public override var isCallable: Bool { true }
  public override func call(_ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) -> Value {
    try body(arguments, interpreter)
  }
}

/// The kind of an error, by the name that Python and Jinja give it; hosts add their own.
public struct ErrorKind: Hashable, Sendable, RawRepresentable {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public static let syntax = ErrorKind(rawValue: "TemplateSyntaxError")
  public static let undefined = ErrorKind(rawValue: "UndefinedError")
  public static let security = ErrorKind(rawValue: "SecurityError")
  public static let type = ErrorKind(rawValue: "TypeError")
  public static let value = ErrorKind(rawValue: "ValueError")
  public static let key = ErrorKind(rawValue: "KeyError")
  public static let index = ErrorKind(rawValue: "IndexError")
  public static let attribute = ErrorKind(rawValue: "AttributeError")
  public static let overflow = ErrorKind(rawValue: "OverflowError")
  public static let zeroDivision = ErrorKind(rawValue: "ZeroDivisionError")
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
      self.kind = kind; self.diagnostic = diagnostic; self.payload = payload; self.returned = returned
    }
  }
  nonisolated(unsafe) private let box: Box
  public init(_ kind: ErrorKind, id: String, _ message: String, span: TextSpan? = nil, hint: String? = nil, payload: AnyObject? = nil) {
    box = Box(kind: kind, diagnostic: Diagnostic(id: id, message: message, span: span, hint: hint), payload: payload, returned: nil)
  }
  /// Not an error: unwinds to the innermost macro call, which yields the value.
  public static func returning(_ value: Value) -> TemplateError { fatalError() }
  public var kind: ErrorKind { box.kind }
  public var diagnostic: Diagnostic { box.diagnostic }
  /// Whatever the host attached when it raised the error.
  public var payload: AnyObject? { box.payload }
  public var returned: Value? { box.returned }
}

/// Names that a template sees besides its own: the render context.
open class Scope {
  public init() {}
  open func lookup(_ name: Symbol) -> Value? { nil }
}
/// A scope over a dictionary.
public final class DictionaryScope: Scope {
  public var values: [Symbol: Value]
  private let parent: Scope?
  public init(_ values: [Symbol: Value] = [:], parent: Scope? = nil) { self.values = values; self.parent = parent }
  public override func lookup(_ name: Symbol) -> Value? { values[name] ?? parent?.lookup(name) }
}

public typealias FilterBody = @Sendable (Value, Arguments, Interpreter) throws(TemplateError) -> Value

/// Bounds that no honest template meets.
public struct Limits: Sendable {
  public var callDepth = 200
  public var nestingDepth = 200
  public var steps = 500_000_000
  public var rangeSize = 100_000
  public var outputBytes = 256 << 20
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
  public let tag: String            // "test"; ends with "end" + tag
  public let prefix: String         // "test_"
  public let signature: Signature
  public init(tag: String, prefix: String, signature: Signature) { self.tag = tag; self.prefix = prefix; self.signature = signature }
}

public struct Options: Sendable {
  public var trimBlocks = false
  public var lstripBlocks = false
  public var keepTrailingNewline = false
  public var undefined = UndefinedKind.standard
  public var loopControls = true
  public var definitionTags: [DefinitionTag] = []
  /// Appended to the message of every "is undefined" error.
  public var undefinedHint: String?
  public var limits = Limits()
  public init() {}
}

/// What templates are compiled for: options, filters, tests. Immutable, shared by all threads.
public final class Environment: Sendable {
  public let options: Options
  public init(_ options: Options = Options(), filters: [String: FilterBody] = [:]) { self.options = options }
  public func compile(_ file: SourceFile) throws(TemplateError) -> Template { fatalError() }
}

/// A call that the template's text contains: `a.b('x', c=1)`; constants only, nil where not constant.
public struct StaticCall: Sendable {
  public enum Constant: Sendable { case string(String), int(Int), bool(Bool), float(Double), none }
  public let path: [String]                 // ["adapter", "dispatch"]
  public let positional: [Constant?]
  public let keyword: [(name: String, value: Constant?)]
  public let span: TextSpan
}

/// A compiled template: immutable, rendered from any number of threads at once.
public final class Template: Sendable {
  /// A macro that the template's text defines at its top level.
  public struct Definition: Sendable {
    public let name: String
    public let parameters: [String]
    public let index: Int
    public let span: TextSpan
  }
  public let file: SourceFile
  public var definitions: [Definition] { fatalError() }
  /// In the order of the text, macro bodies included.
  public var staticCalls: [StaticCall] { fatalError() }
  init(file: SourceFile) { self.file = file }
}

/// Runs templates; belongs to one thread.
public final class Interpreter {
  public let environment: Environment
  /// Whatever the host wants its functions to find.
  public var host: AnyObject?
  public init(_ environment: Environment, host: AnyObject? = nil) { self.environment = environment; self.host = host }

  /// - Parameter undefined: for names that are missing in this template's own text; macros that it
  ///   calls keep the environment's kind. nil: the environment's.
  /// May be called from a host function, in the middle of another render.
  public func render(_ template: Template, scope: Scope, undefined: UndefinedKind? = nil) throws(TemplateError) -> String { fatalError() }
  /// A template that is one expression gives its value; anything else its text.
  public func evaluate(_ template: Template, scope: Scope, undefined: UndefinedKind? = nil) throws(TemplateError) -> Value { fatalError() }
  /// Calls a macro by its definition; yields its text (`Value.string`) or what `return` was given.
  /// - Parameter label: for the trail of errors, `macro clean_name`.
  public func invoke(_ definition: Template.Definition, of template: Template, scope: Scope, _ arguments: Arguments, label: String) throws(TemplateError) -> Value { fatalError() }
  public func call(_ callee: Value, _ arguments: Arguments) throws(TemplateError) -> Value { fatalError() }
  public func attribute(_ name: Symbol, of value: Value) throws(TemplateError) -> Value { fatalError() }
  public func string(_ value: Value) throws(TemplateError) -> String { fatalError() }   // str()
  public func repr(_ value: Value) throws(TemplateError) -> String { fatalError() }
  public func isTrue(_ value: Value) throws(TemplateError) -> Bool { fatalError() }
  /// The items of anything iterable.
  public func iterate(_ value: Value) throws(TemplateError) -> [Value] { fatalError() }
  /// The place being evaluated, for host errors.
  public var currentSpan: TextSpan? { nil }
  /// Frames of the macros being run, innermost first.
  public var trail: [Diagnostic.Frame] { [] }
}

extension Value {
  /// Python's `==`.
  public func isEqual(to other: Value) -> Bool { fatalError() }
  public var typeName: String { fatalError() }
  public var isHashable: Bool { fatalError() }
  public static func integer(_ value: BigInt) -> Value { fatalError() }
  public var isUndefined: Bool { if case .undefined = self { true } else { false } }
  public var isNone: Bool { if case .none = self { true } else { false } }
  public var asString: String? { if case .string(let s) = self { s } else { nil } }
  public static func list(_ items: [Value]) -> Value { .list(ListValue(items)) }
  public static func tuple(_ items: [Value]) -> Value { .tuple(TupleValue(items)) }
  public static func dict(_ pairs: [(String, Value)]) -> Value { .dict(DictValue(pairs)) }
  public static func function(_ name: String, _ body: @escaping NativeBody) -> Value { .object(NativeFunction(name, body)) }
}

/// A block at the top level of a file: `{% macro x() %}…{% endmacro %}`.
public struct TopLevelBlock: Sendable {
  public let tag: String           // "macro"
  public let signature: TextSpan   // what stands after the tag's name: `x()`
  public let whole: TextSpan       // with both tags
  public let contents: TextSpan    // between them
}
public enum BlockScanner {
  /// Splits a file into the blocks of the given tags. Text outside is skipped; unknown top-level
  /// tags, nested and unclosed blocks are diagnostics. Raw blocks, comments, strings are understood.
  public static func blocks(in file: SourceFile, tags: Set<String>) -> (blocks: [TopLevelBlock], diagnostics: [Diagnostic]) { fatalError() }
}
