import SectoralText

/// A macro, or the body of a call block, as a value.
final class MacroFunction: Object {
  let program: Program
  let index: Int32
  /// The frame of the function around the macro's text.
  let closure: Frame?
  let scope: Scope
  let undefined: UndefinedKind
  /// Whether text was escaped where the macro was defined.
  let escapes: Bool
  let label: String?

  init(
    program: Program,
    index: Int32,
    closure: Frame?,
    scope: Scope,
    undefined: UndefinedKind,
    escapes: Bool,
    label: String?
  ) {
    self.program = program
    self.index = index
    self.closure = closure
    self.scope = scope
    self.undefined = undefined
    self.escapes = escapes
    self.label = label
  }

  /// For the trail of errors.
  var shownLabel: String {
    function.pointee.kind == .macro ? label ?? "macro \(name)" : "call block"
  }

  var name: String { program.name(program.functions[Int(index)]) }
  var function: UnsafePointer<Function> { program.functions + Int(index) }

  override var typeName: String { "Macro" }
  override var describedTypeName: String { "jinja2.runtime.Macro" }
  override var isCallable: Bool { true }
  override var takesMarkup: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value
  {
    try interpreter.callMacro(self, arguments)
  }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError)
    -> Value?
  {
    switch name.known {
    case .name: return .string(self.name)
    case .arguments:
      let first = Int(function.pointee.firstParameter)
      return .tuple(
        program.parameters[first..<first + Int(function.pointee.parameterCount)].map {
          .string(program.names[Int($0.name)])
        }
      )
    case .catch_kwargs: return .bool(function.pointee.kwargsSlot >= 0)
    case .catch_varargs: return .bool(function.pointee.varargsSlot >= 0)
    case .caller: return .bool(function.pointee.callerSlot >= 0)
    default: return nil
    }
  }

  override func repr(_ interpreter: Interpreter) throws(TemplateError) -> String {
    function.pointee.kind == .caller ? "<Macro anonymous>" : "<Macro '\(name)'>"
  }
}

extension Interpreter {
  func makeMacro(_ index: Int32, _ frame: Frame) -> MacroFunction {
    MacroFunction(
      program: frame.program,
      index: index,
      closure: frame,
      scope: frame.scope,
      undefined: frame.undefined,
      escapes: escapes,
      label: nil
    )
  }

  private func newFrame(_ macro: MacroFunction) -> Frame {
    takeFrame(
      macro.program,
      macro.index,
      parent: macro.closure,
      scope: macro.scope,
      undefined: macro.undefined
    )
  }

  // MARK: From the host

  func callMacro(_ macro: MacroFunction, _ arguments: Arguments) throws(TemplateError) -> Value {
    var frame = newFrame(macro)
    defer { giveBack(&frame) }
    let function = macro.function
    let count = Int(function.pointee.parameterCount)
    let first = Int(function.pointee.firstParameter)
    for position in 0..<min(count, arguments.positional.count) {
      frame.slots[Int(macro.program.parameters[first + position].slot)] =
        arguments.positional[position]
    }
    if arguments.positional.count > count || function.pointee.varargsSlot >= 0 {
      try bindRest(macro, frame, Array(arguments.positional.dropFirst(count)))
    }
    var extra: [(Value, Value)] = []
    for (name, value) in arguments.keyword {
      try bindKeyword(
        macro,
        frame,
        Symbol(name),
        name,
        value,
        given: arguments.positional.count,
        &extra
      )
    }
    bindExtraKeywords(macro, frame, extra)
    return try run(macro, frame, captures: true) ?? .none
  }

  // MARK: From a template

  /// Calls a macro with arguments that are still expressions.
  ///
  /// `list`: The arguments, as `Parser.parseArguments` left them.
  /// `captures`: Give the text as a value; otherwise it stays in the output, and nil is given.
  func callMacro(
    _ macro: MacroFunction,
    _ list: Int32,
    _ caller: Frame,
    callBlock: Value?,
    captures: Bool
  ) throws(TemplateError) -> Value? {
    let node = place
    var frame = newFrame(macro)
    defer { giveBack(&frame) }
    let function = macro.function
    let count = Int(function.pointee.parameterCount)
    let parameters = macro.program.parameters
    let first = Int(function.pointee.firstParameter)
    var given = 0
    var extra: [(Value, Value)] = []
    var rest: [Value] = []
    var isCallerBound = false
    if list >= 0 {
      let arguments = caller.extra + Int(list)
      let positional = Int(arguments[0])
      for index in 0..<positional {
        let value = try evaluate(arguments[4 + index], caller)
        if index < count {
          frame.slots[Int(parameters[first + index].slot)] = value
        } else {
          rest.append(value)
        }
      }
      given = positional
      if arguments[2] >= 0 {
        for value in try items(of: evaluate(arguments[2], caller)) {
          if given < count {
            frame.slots[Int(parameters[first + given].slot)] = value
          } else {
            rest.append(value)
          }
          given += 1
        }
      }
      let keywords = arguments + 4 + positional
      for index in 0..<Int(arguments[1]) {
        let name = Int(keywords[index * 2])
        let value = try evaluate(keywords[index * 2 + 1], caller)
        place = node
        try bindKeyword(
          macro,
          frame,
          caller.symbols[name],
          caller.program.names[name],
          value,
          given: given,
          &extra
        )
      }
      if arguments[3] >= 0 {
        // Behind the other keywords, before those of `**`.
        try bindCaller(callBlock, macro, frame, given, &extra)
        isCallerBound = true
        for (name, value) in try keywordPairs(evaluate(arguments[3], caller)) {
          try bindKeyword(macro, frame, Symbol(name), name, value, given: given, &extra)
        }
      }
    }
    place = node
    if !isCallerBound { try bindCaller(callBlock, macro, frame, given, &extra) }
    if !rest.isEmpty || function.pointee.varargsSlot >= 0 { try bindRest(macro, frame, rest) }
    bindExtraKeywords(macro, frame, extra)
    return try run(macro, frame, captures: captures)
  }

  private func bindCaller(
    _ value: Value?,
    _ macro: MacroFunction,
    _ frame: Frame,
    _ given: Int,
    _ extra: inout [(Value, Value)]
  ) throws(TemplateError) {
    guard let value else { return }
    try bindKeyword(
      macro,
      frame,
      Symbol(KnownName.caller),
      "caller",
      value,
      given: given,
      &extra
    )
  }

  private func bindRest(
    _ macro: MacroFunction,
    _ frame: Frame,
    _ rest: [Value]
  )
    throws(TemplateError)
  {
    let slot = macro.function.pointee.varargsSlot
    if slot >= 0 {
      // A parameter of that name keeps its own value.
      frame.slots[Int(slot)] = .tuple(rest)
    } else if !rest.isEmpty {
      throw unexpected(
        "macro '\(macro.name)' takes not more than "
          + "\(macro.function.pointee.parameterCount) argument(s)"
      )
    }
  }

  private func bindKeyword(
    _ macro: MacroFunction,
    _ frame: Frame,
    _ symbol: Symbol,
    _ name: String,
    _ value: Value,
    given: Int,
    _ extra: inout [(Value, Value)]
  ) throws(TemplateError) {
    let function = macro.function
    let first = Int(function.pointee.firstParameter)
    var position = given
    while position < Int(function.pointee.parameterCount) {
      let parameter = macro.program.parameters[first + position]
      if parameter.symbol == symbol.index {
        frame.slots[Int(parameter.slot)] = value
        return
      }
      position += 1
    }
    if symbol.known == .caller, function.pointee.callerSlot >= 0 {
      frame.slots[Int(function.pointee.callerSlot)] = value
      return
    }
    guard function.pointee.kwargsSlot >= 0 else {
      if symbol.known == .caller {
        throw unexpected(
          "macro '\(macro.name)' was invoked with a call block, but it does not use 'caller'"
        )
      }
      throw unexpectedKeyword(macro, name)
    }
    extra.append((.string(name), value))
  }

  private func unexpectedKeyword(_ macro: MacroFunction, _ name: String) -> TemplateError {
    let first = Int(macro.function.pointee.firstParameter)
    let count = Int(macro.function.pointee.parameterCount)
    let known = macro.program.parameters[first..<first + count].map {
      macro.program.names[Int($0.name)]
    }
    return unexpected(
      "macro '\(macro.name)' takes no keyword argument '\(name)'",
      hint: Environment.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
    )
  }

  private func unexpected(_ message: String, hint: String? = nil) -> TemplateError {
    TemplateError(.type, id: "jinja.unexpected-argument", message, hint: hint)
  }

  private func bindExtraKeywords(
    _ macro: MacroFunction,
    _ frame: Frame,
    _ extra: [(Value, Value)]
  ) {
    let slot = macro.function.pointee.kwargsSlot
    guard slot >= 0 else { return }
    let dictionary = DictValue()
    for (key, value) in extra { dictionary[key] = value }
    frame.slots[Int(slot)] = .dict(dictionary)
  }

  /// The pairs behind `**`.
  func keywordPairs(_ value: Value) throws(TemplateError) -> [(String, Value)] {
    var pairs: [(String, Value)] = []
    func add(_ key: Value, _ value: Value) throws(TemplateError) {
      guard case .string(let name) = key else { throw .type("keywords must be strings") }
      pairs.append((name, value))
    }
    switch value {
    case .dict(let dictionary):
      for (key, value) in dictionary.pairs { try add(key, value) }
    case .object(let object) where object.isMapping:
      for key in try object.iterate(self) ?? [] {
        try add(key, try object.item(key, self) ?? .none)
      }
    case .undefined(let undefined): throw undefinedError(undefined)
    default:
      throw .type("argument after ** must be a mapping, not \(value.typeName)")
    }
    return pairs
  }

  // MARK: Running

  /// Fills in defaults and runs the body.
  private func run(
    _ macro: MacroFunction,
    _ frame: Frame,
    captures: Bool
  ) throws(TemplateError)
    -> Value?
  {
    let function = macro.function
    let mark = output.count
    let outerFrame = current
    let outerPlace = place
    callDepth += 1
    let outerLimit = stackLimit
    if outerFrame == nil { stackLimit = StackGuard.limit() }
    let outerEscapes = escapes
    // A macro of another template runs as that one is escaped.
    if outerEscapes != macro.escapes, macro.program !== outerFrame?.program {
      escapes = macro.escapes
    }
    defer {
      escapes = outerEscapes
      current = outerFrame
      place = outerPlace
      callDepth -= 1
      stackLimit = outerLimit
    }
    let isMacro = function.pointee.kind == .macro
    labels.append(
      Activation(
        macro: .passUnretained(macro),
        callerFrame: outerFrame.map { .passUnretained($0) },
        callerPlace: outerPlace
      )
    )
    defer { labels.removeLast() }
    do throws(TemplateError) {
      guard callDepth <= limits.callDepth else { throw tooDeep() }
      try checkStack()
      try countStep()
      current = frame
      place = -1
      frame.enter(function.pointee.entry)
      let first = Int(function.pointee.firstParameter)
      for position in 0..<Int(function.pointee.parameterCount) {
        let parameter = macro.program.parameters[first + position]
        guard frame.slots[Int(parameter.slot)] == nil else { continue }
        frame.slots[Int(parameter.slot)] =
          parameter.value >= 0
          ? try evaluate(parameter.value, frame) : missingParameter(parameter, frame)
      }
      if function.pointee.callerSlot >= 0, frame.slots[Int(function.pointee.callerSlot)] == nil {
        frame.slots[Int(function.pointee.callerSlot)] = .undefined(
          Undefined(name: "caller", kind: frame.undefined, message: "No caller defined")
        )
      }
      _ = try execute(function.pointee.body, frame)
    } catch {
      if isMacro, let returned = error.returned {
        discard(from: mark)
        return returned
      }
      discard(from: mark)
      if error.returned != nil { throw error }
      let span = current === frame && place >= 0 ? frame.program.span(of: place) : nil
      throw error.placed(at: span).through(
        Diagnostic.Frame(label: macro.shownLabel, span: span)
      )
    }
    return captures ? try captured(from: mark, asMarkup: outerEscapes) : nil
  }

  private func missingParameter(_ parameter: Parameter, _ frame: Frame) -> Value {
    let name = frame.program.names[Int(parameter.name)]
    return .undefined(
      Undefined(
        name: name,
        kind: frame.undefined,
        message: "parameter '\(name)' was not provided"
      )
    )
  }
}
