public import SectoralText

/// Runs templates; belongs to one thread at a time.
///
/// Rendering may be nested: functions of the host that a template calls may render others, call
/// macros, turn values into text. A render's depth is bounded by `Limits` and by the thread's
/// stack, of which the last 128 KB are left to the host.
public final class Interpreter {
  /// Whose options, filters, tests and loader are used.
  public let environment: Environment
  /// Whatever the host wants its functions to find.
  public var host: AnyObject?
  /// Told of every call of a name that is undefined, where undefined names are silent.
  public var silentCall: ((_ name: String, _ place: TextSpan?) -> Void)?

  let output: Output
  /// The frame being run, and the node in it: where an error is.
  @exclusivity(unchecked) var current: Frame?
  @exclusivity(unchecked) var place: NodeID = -1
  @exclusivity(unchecked) var callDepth = 0
  @exclusivity(unchecked) var steps = 0
  /// How many steps may go by before a look at the limits, and at whether to stop.
  @exclusivity(unchecked) var stepBound: Int
  /// Bytes that operations of this render made.
  @exclusivity(unchecked) var allocated = 0
  @exclusivity(unchecked) var stackLimit: UInt = 0
  @exclusivity(unchecked) private var framePool: [Frame] = []
  /// Frames that something still held when their function ended, cleared after the render: a
  /// macro in a variable of the frame that defines it would otherwise keep both alive.
  @exclusivity(unchecked) private var escapedFrames: [Frame] = []
  /// Operands of `~` that wait for the others.
  @exclusivity(unchecked) var operands: [Value] = []
  /// Containers being printed, to stop at those that contain themselves.
  @exclusivity(unchecked) var printing: [ObjectIdentifier] = []
  @exclusivity(unchecked) var labels: [Activation] = []
  /// Markup exists: until a filter makes some, nobody looks for it.
  @exclusivity(unchecked) var usesMarkup = false
  /// Whether what filters and calls give is escaped, here and now (`autoescape`).
  @exclusivity(unchecked) var escapes: Bool
  /// Told where all text comes from that is rendered while it is set.
  @exclusivity(unchecked) public var origins: TextOrigins?
  let limits: Limits
  let isStopped: (@Sendable () -> Bool)?

  /// A macro being run.
  struct Activation {
    let macro: Unmanaged<MacroFunction>
    /// Where the caller was.
    let callerFrame: Unmanaged<Frame>?
    let callerPlace: NodeID
  }

  /// An interpreter for one thread; it may be used for any number of renders.
  public init(_ environment: Environment, host: AnyObject? = nil) {
    self.environment = environment
    self.host = host
    limits = environment.options.limits
    stepBound = limits.steps
    isStopped = environment.options.isStopped
    escapes = environment.options.autoescape
    usesMarkup = environment.options.autoescape
    output = Output(limit: environment.options.limits.outputBytes)
  }

  // MARK: Rendering

  /// Renders a template to text.
  ///
  /// `undefined`: For names that are missing in this template's own text; macros that it calls
  /// keep the environment's kind. nil: the environment's.
  /// `label`: What the template is, for the trail of errors: `model orders`.
  ///
  /// May be called from a host function, in the middle of another render.
  public func render(
    _ template: Template,
    scope: Scope,
    undefined: UndefinedKind? = nil,
    label: String? = nil
  ) throws(TemplateError) -> String {
    let mark = output.count
    do throws(TemplateError) {
      try renderRoot(template, scope, undefined, label)
    } catch {
      discard(from: mark)
      throw error
    }
    return take(from: mark)
  }

  /// A template that is one expression gives its value; anything else its text.
  public func evaluate(
    _ template: Template,
    scope: Scope,
    undefined: UndefinedKind? = nil,
    label: String? = nil
  ) throws(TemplateError) -> Value {
    let program = template.program
    guard !program.hasExtends, program.blocks.isEmpty else {
      return .string(
        try render(template, scope: scope, undefined: undefined, label: label)
      )
    }
    var frame = takeFrame(
      program,
      0,
      parent: nil,
      scope: scope,
      undefined: undefined ?? environment.options.undefined
    )
    defer { giveBack(&frame) }
    return try running(frame, label) { (interpreter) throws(TemplateError) in
      let pieces = try interpreter.pieces(of: program.functions[0].body, frame)
      if pieces.count == 1 { return pieces[0].withoutMarkup }
      var text = ""
      for piece in pieces { text += try interpreter.string(piece) }
      return .string(text)
    }
  }

  /// What a template's top level prints, each value as it is.
  private func pieces(of id: NodeID, _ frame: Frame) throws(TemplateError) -> [Value] {
    let node = frame.nodes[Int(id)]
    switch node.kind {
    case .output: return [try evaluate(node.a, frame)]
    case .sequence:
      var pieces: [Value] = []
      for index in 0..<Int(node.b) {
        pieces += try self.pieces(of: frame.extra[Int(node.a) + index], frame)
      }
      return pieces
    case .if:
      if try condition(node.a, frame) { return try pieces(of: node.b, frame) }
      return node.c >= 0 ? try pieces(of: node.c, frame) : []
    default:
      let mark = output.count
      _ = try execute(id, frame)
      return output.count > mark ? [.string(take(from: mark))] : []
    }
  }

  private func renderRoot(
    _ template: Template,
    _ scope: Scope,
    _ undefined: UndefinedKind?,
    _ label: String?
  ) throws(TemplateError) {
    var frame = takeFrame(
      template.program,
      0,
      parent: nil,
      scope: scope,
      undefined: undefined ?? environment.options.undefined
    )
    defer { giveBack(&frame) }
    try running(frame, label) { (interpreter) throws(TemplateError) in
      try interpreter.executeRoot(frame)
    }
  }

  /// Runs a template's top level with `frame` as the current one.
  func running<Result>(
    _ frame: Frame,
    _ label: String?,
    _ body: (Interpreter) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    let outerFrame = current
    let outerPlace = place
    let outerLimit = stackLimit
    let outerEscapes = escapes
    current = frame
    place = -1
    // A block is escaped as the template that shows it; others begin anew.
    if frame.function == 0 { escapes = environment.options.autoescape }
    callDepth += 1
    stackLimit = StackGuard.limit()
    if outerFrame == nil { resetCounters() }
    defer {
      current = outerFrame
      place = outerPlace
      stackLimit = outerLimit
      escapes = outerEscapes
      callDepth -= 1
      if outerFrame == nil {
        output.isExceeded = false
        releaseEscapedFrames()
      }
    }
    do throws(TemplateError) {
      guard callDepth <= limits.callDepth else { throw tooDeep() }
      let result = try body(self)
      guard !output.isExceeded else { throw outputExceeded() }
      return result
    } catch {
      let here = placeSpan
      let isOutermost = error.diagnostic.span == nil
      let placed = error.placed(at: here)
      // The frame of the error's own place says nothing new, unless macros lie between.
      if isOutermost && label == nil { throw placed }
      throw placed.through(Diagnostic.Frame(label: label ?? "template", span: here))
    }
  }

  /// Calls a macro by its definition; yields its text (`Value.string`) or what `return` was given.
  ///
  /// `label`: For the trail of errors, `macro clean_name`.
  public func invoke(
    _ definition: Template.Definition,
    of template: Template,
    scope: Scope,
    _ arguments: Arguments,
    label: String
  ) throws(TemplateError) -> Value {
    try call(macro(definition, of: template, scope: scope, label: label), arguments)
  }

  /// The macro as a value that templates call; quicker than a host object around `invoke`.
  public func macro(
    _ definition: Template.Definition,
    of template: Template,
    scope: Scope,
    label: String
  ) -> Value {
    .object(
      MacroFunction(
        program: template.program,
        index: Int32(definition.index),
        closure: nil,
        scope: scope,
        undefined: environment.options.undefined,
        escapes: environment.options.autoescape,
        label: label
      )
    )
  }

  // MARK: Values

  /// Python's call of a value.
  public func call(_ callee: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
    try entering { (interpreter) throws(TemplateError) in
      try interpreter.callValue(callee, arguments).withoutMarkup
    }
  }

  /// `value.name`
  public func attribute(_ name: Symbol, of value: Value) throws(TemplateError) -> Value {
    try entering { (interpreter) throws(TemplateError) in
      try interpreter.attribute(name, name.name, of: value)
    }
  }

  /// `value[key]`
  public func item(_ key: Value, of value: Value) throws(TemplateError) -> Value {
    try entering { (interpreter) throws(TemplateError) in
      try interpreter.subscriptValue(value, key)
    }
  }

  /// Python's `str`.
  public func string(_ value: Value) throws(TemplateError) -> String {
    if case .string(let text) = value { return text }
    return try entering { (interpreter) throws(TemplateError) in
      try interpreter.text(of: value)
    }
  }

  /// Python's `repr`.
  public func repr(_ value: Value) throws(TemplateError) -> String {
    try entering { (interpreter) throws(TemplateError) in
      try interpreter.reprText(of: value)
    }
  }

  /// Python's truth.
  public func isTrue(_ value: Value) throws(TemplateError) -> Bool { try truth(value) }

  /// The items of anything iterable.
  public func iterate(_ value: Value) throws(TemplateError) -> [Value] {
    try entering { (interpreter) throws(TemplateError) in try interpreter.items(of: value) }
  }

  /// Python's order: -1, 0, 1.
  public func compare(_ a: Value, _ b: Value) throws(TemplateError) -> Int {
    try order(a, b, operator: "<")
  }

  /// Arithmetic of Python between two values.
  public func operate(
    _ operation: BinaryOperator,
    _ left: Value,
    _ right: Value
  )
    throws(TemplateError) -> Value
  {
    try entering { (interpreter) throws(TemplateError) in
      try interpreter.arithmetic(operation, left, right)
    }
  }

  /// Sets the stack's bound when nothing is being rendered yet.
  private func entering<Result>(
    _ body: (Interpreter) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    if current != nil { return try body(self) }
    stackLimit = StackGuard.limit()
    resetCounters()
    defer { if current == nil { releaseEscapedFrames() } }
    return try body(self)
  }

  // MARK: Places

  /// The place being evaluated, for host errors.
  public var currentSpan: TextSpan? { placeSpan }

  private var placeSpan: TextSpan? {
    guard let current, place >= 0 else { return nil }
    return current.program.span(of: place)
  }

  /// Frames of the macros being run, innermost first.
  public var trail: [Diagnostic.Frame] {
    var frames: [Diagnostic.Frame] = []
    var span = placeSpan
    for activation in labels.reversed() {
      frames.append(
        Diagnostic.Frame(label: activation.macro.takeUnretainedValue().shownLabel, span: span)
      )
      span = activation.callerFrame.map {
        $0.takeUnretainedValue().program.span(of: activation.callerPlace)
      }
    }
    return frames
  }

  // MARK: Frames

  func takeFrame(
    _ program: Program,
    _ function: Int32,
    parent: Frame?,
    scope: Scope,
    undefined: UndefinedKind
  ) -> Frame {
    if let frame = framePool.popLast() {
      frame.reuse(program, function, parent: parent, scope: scope, undefined: undefined)
      return frame
    }
    return Frame(program, function, parent: parent, scope: scope, undefined: undefined)
  }

  /// Ends the use of a frame that `takeFrame` gave.
  func giveBack(_ frame: inout Frame) {
    if isKnownUniquelyReferenced(&frame) {
      frame.clear()
      if framePool.count < 64 { framePool.append(frame) }
    } else {
      escapedFrames.append(frame)
    }
  }

  // What the last render left: a macro and the frame that it was made in hold each other.
  deinit { releaseEscapedFrames() }

  private func releaseEscapedFrames() {
    guard !escapedFrames.isEmpty else { return }
    let frames = escapedFrames
    escapedFrames = []
    for frame in frames { frame.clear() }
  }

  // MARK: Errors

  @inline(never)
  func undefinedError(_ undefined: Undefined) -> TemplateError {
    var message = undefined.message
    let isInMacro = labels.contains { $0.macro.takeUnretainedValue().label != nil }
    if !isInMacro, let hint = environment.options.undefinedHint {
      message += hint.first.map { $0 == "." || $0 == "," || $0 == " " } ?? true ? hint : ". " + hint
    }
    return TemplateError(.undefined, id: "jinja.undefined", message)
  }
}
