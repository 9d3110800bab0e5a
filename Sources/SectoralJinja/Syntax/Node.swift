/// One node of a compiled template: 24 bytes in the program's arena.
///
/// What `a`, `b`, `c` mean depends on the kind; they are indexes of other nodes, of the program's
/// tables (`names`, `constants`, `functions`, …) or of its list of integers, `extra`. -1: absent.
struct Node {
  enum Kind: UInt8 {
    // Expressions.
    /// a: constant.
    case constant
    /// a: how many functions further out, b: slot, c: symbol.
    case name
    /// a: object, b: name, c: symbol.
    case attribute
    /// a: object, b: key.
    case item
    /// a: start, b: stop, c: step.
    case slice
    /// a: callee, b: arguments in `extra`.
    case call
    /// a: object, b: arguments in `extra`, c: name.
    case callMethod
    /// a: operand (-1 in a filter block), b: arguments in `extra`, c: filter.
    case filter
    /// a: operand, b: arguments in `extra`, c: test. flag 1: `is not`.
    case test
    case not, negative, positive
    case and, or
    case add, subtract, multiply, divide, floorDivide, modulo, power
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, contains, notContains
    /// a: first operand, b: `extra`: count, then pairs of a node kind and an operand.
    case comparison
    /// a: `extra`, b: count. A concatenation's flag: `Escaping`.
    case concat, list, tuple
    /// a: `extra` (keys and values alternate), b: count of pairs.
    case dict
    /// a: test, b: then, c: else.
    case conditional
    /// A target `namespace.name`. a: the namespace's name node, b: name, c: symbol.
    case namespaceTarget

    // Statements.
    /// a: offset in `text`, b: length.
    case text
    /// a: expression.
    case output
    /// The same within `autoescape`. flag: `Escaping`.
    case outputEscaped
    /// a: expression, b: body.
    case autoescape
    /// a: `extra`, b: count.
    case sequence
    /// a: test, b: body, c: else.
    case `if`
    /// a: loop.
    case `for`
    /// a: target, b: value.
    case set
    /// a: target, b: body, c: filter. flag: `Escaping`.
    case setBlock
    /// a: function, b: target name node.
    case macro
    /// a: call, b: function.
    case callBlock
    /// a: filter, b: body, c: entry.
    case filterBlock
    /// a: `extra`: count, then pairs of target and value; b: body; c: entry.
    case with
    /// a: body, b: entry.
    case scope
    /// a: expression.
    case `do`
    case `break`, `continue`
    /// a: expression, b: visible names in `extra` or -1 without context. flag 1: ignore missing.
    case include
    /// a: expression, b: target, c: visible names.
    case importModule
    /// a: expression, b: `extra`: count, then triples of name, target, symbol; c: visible names.
    case importNames
    /// a: expression.
    case extends
    /// a: block. b: visible names (scoped) or -1.
    case block
  }

  var kind: Kind
  var flag: UInt8 = 0
  var a: Int32 = -1
  var b: Int32 = -1
  var c: Int32 = -1
  var start: Int32
  var end: Int32
}

/// Whether output is escaped at a place of the text.
enum Escaping: UInt8 {
  case off, on
  /// Known when it runs: `{% autoescape is_html %}`.
  case dynamic
}

typealias NodeID = Int32

/// A `for` statement.
struct Loop {
  var target: NodeID
  var iterable: NodeID
  /// The condition after `if`, or -1.
  var test: NodeID
  var body: NodeID
  var otherwise: NodeID
  /// Slot of `loop`, or -1 when the body does not use it.
  var loopSlot: Int32
  /// What begins each iteration, in `extra`.
  var entry: Int32
  var otherwiseEntry: Int32
  /// For a single name as target.
  var targetSlot: Int32
  var isRecursive: Bool
}

/// A macro, the body of a call block, a block, or the template's top level: what has a frame.
struct Function {
  enum Kind: UInt8 { case root, macro, caller, block }

  var kind: Kind
  /// Index of the name.
  var name: Int32
  /// Range of `program.parameters`.
  var firstParameter: Int32 = 0
  var parameterCount: Int32 = 0
  var body: NodeID = -1
  var slotCount: Int32 = 0
  /// Offset in `program.slots`: what is known of each slot.
  var firstSlot: Int32 = 0
  /// Slots of the special variables, -1 when the body does not mention them.
  var varargsSlot: Int32 = -1
  var kwargsSlot: Int32 = -1
  var callerSlot: Int32 = -1
  var entry: Int32 = -1
  /// Something inside may hold on to the frame: macros, call blocks.
  var hasClosures = false
  var start: Int32 = 0
  var end: Int32 = 0
}

/// A parameter of a macro.
struct Parameter {
  var name: Int32
  var symbol: UInt32
  var slot: Int32
  /// The default's expression, or -1.
  var value: NodeID
}

/// What a slot of a frame is for.
struct SlotInfo {
  var symbol: UInt32
  var name: Int32
  /// While it holds nothing: look the name up in the context (else it is undefined).
  var resolves: Bool
}
