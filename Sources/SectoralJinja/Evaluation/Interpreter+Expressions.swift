extension Interpreter {
  /// The value of an expression.
  ///
  /// The commonest kinds stand here; the rest is one call away, which keeps this frame small: it
  /// is the one that repeats when expressions nest.
  func evaluate(_ id: NodeID, _ frame: Frame) throws(TemplateError) -> Value {
    let node = frame.nodes + Int(id)
    switch node.pointee.kind {
    case .constant:
      return frame.constants[Int(node.pointee.a)]
    case .name:
      if node.pointee.a == 0, let value = frame.slots[Int(node.pointee.b)] { return value }
      place = id
      return load(node, frame)
    default:
      if StackGuard.currentAddress() < stackLimit {
        place = id
        try checkStack()
      }
      return try evaluateOperation(id, node, frame)
    }
  }

  private func evaluateOperation(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Value
  {
    switch node.pointee.kind {
    case .attribute: return try evaluateAttribute(id, node, frame)
    case .item: return try evaluateItem(id, node, frame)
    case .call: return try evaluateCall(id, node, frame, captures: true) ?? .none
    case .callMethod: return try evaluateMethodCall(id, node, frame, captures: true) ?? .none
    case .filter: return try evaluateFilter(id, node, frame, operand: nil)
    case .concat: return try evaluateConcatenation(id, node, frame)
    case .conditional:
      if try condition(node.pointee.a, frame) { return try evaluate(node.pointee.b, frame) }
      if node.pointee.c >= 0 { return try evaluate(node.pointee.c, frame) }
      return .undefined(
        Undefined(
          name: "",
          kind: .standard,
          message: "the inline if-expression evaluated to false and no else section was defined."
        )
      )
    case .and:
      let left = try evaluate(node.pointee.a, frame)
      place = id
      return try truth(left) ? try evaluate(node.pointee.b, frame) : left
    case .or:
      let left = try evaluate(node.pointee.a, frame)
      place = id
      return try truth(left) ? left : try evaluate(node.pointee.b, frame)
    case .add, .subtract, .multiply, .divide, .floorDivide, .modulo, .power:
      return try evaluateArithmetic(id, node, frame)
    case .list:
      let items = try evaluateItems(node, frame)
      try account(bytes: items.count &* 24)
      return .list(ListValue(items))
    case .tuple:
      let items = try evaluateItems(node, frame)
      try account(bytes: items.count &* 24)
      return .tuple(TupleValue(items))
    case .dict: return try evaluateDict(id, node, frame)
    case .negative, .positive:
      let operand = try evaluate(node.pointee.a, frame)
      place = id
      return try signed(operand, negative: node.pointee.kind == .negative)
    default: return .bool(try condition(id, frame))
    }
  }

  /// The truth of an expression, without making a value of a comparison.
  func condition(_ id: NodeID, _ frame: Frame) throws(TemplateError) -> Bool {
    let node = frame.nodes + Int(id)
    switch node.pointee.kind {
    case .not:
      try checkStack()
      return try !condition(node.pointee.a, frame)
    case .and:
      try checkStack()
      guard try condition(node.pointee.a, frame) else { return false }
      return try condition(node.pointee.b, frame)
    case .or:
      try checkStack()
      if try condition(node.pointee.a, frame) { return true }
      return try condition(node.pointee.b, frame)
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .contains,
      .notContains:
      try checkStack()
      return try evaluateComparison(id, node, frame)
    case .comparison: return try evaluateChain(id, node, frame)
    case .test: return try evaluateTest(id, node, frame)
    default:
      let value = try evaluate(id, frame)
      if case .bool(let bool) = value { return bool }
      place = id
      return try truth(value)
    }
  }

  // MARK: Names

  @inline(never)
  private func load(_ node: UnsafePointer<Node>, _ frame: Frame) -> Value {
    guard let owner = frame.outer(node.pointee.a) else {
      // A macro called by its definition: the text around it, which defines this name, is not
      // running. The host knows the macro by that name.
      return resolve(Symbol(index: UInt32(bitPattern: node.pointee.c)), frame)
        ?? undefinedName(node, frame)
    }
    let slot = Int(node.pointee.b)
    guard slot < owner.count else {
      // The frame's function ended, and its render with it.
      return undefinedName(node, frame)
    }
    if let value = owner.slots[slot] { return value }
    let program = owner.program
    let info = program.slots[Int(program.functions[Int(owner.function)].firstSlot) + slot]
    guard info.resolves, let value = resolve(Symbol(index: info.symbol), owner) else {
      return undefinedName(node, frame)
    }
    owner.slots[slot] = value
    return value
  }

  /// A name of the context, or one of the engine's own functions.
  private func resolve(_ symbol: Symbol, _ frame: Frame) -> Value? {
    if let value = frame.scope.lookup(symbol) { return value }
    if let known = symbol.known {
      switch known {
      case .self:
        if let inheritance = frame.inheritance {
          return .object(TemplateReference(inheritance))
        }
      case .super:
        if let inheritance = frame.inheritance {
          return BlockReference.parent(inheritance, frame.undefined)
        }
      default: break
      }
    }
    return Globals.lookup(symbol)
  }

  private func undefinedName(_ node: UnsafePointer<Node>, _ frame: Frame) -> Value {
    let symbol = Symbol(index: UInt32(bitPattern: node.pointee.c))
    return .undefined(Undefined(name: symbol.name, kind: frame.undefined))
  }

  // MARK: Containers

  private func evaluateItems(
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  ) throws(TemplateError)
    -> [Value]
  {
    let list = frame.extra + Int(node.pointee.a)
    let count = Int(node.pointee.b)
    var items: [Value] = []
    items.reserveCapacity(count)
    for index in 0..<count { items.append(try evaluate(list[index], frame)) }
    return items
  }

  private func evaluateDict(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Value
  {
    let list = frame.extra + Int(node.pointee.a)
    let dictionary = DictValue()
    for index in 0..<Int(node.pointee.b) {
      let key = try evaluate(list[index * 2], frame)
      let value = try evaluate(list[index * 2 + 1], frame)
      if case .string = key {
      } else {
        place = id
        try checkHashable(key)
      }
      dictionary[key] = value
    }
    try account(bytes: dictionary.count &* 64)
    return .dict(dictionary)
  }

  private func evaluateConcatenation(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  ) throws(TemplateError) -> Value {
    let list = frame.extra + Int(node.pointee.a)
    let count = Int(node.pointee.b)
    if node.pointee.flag != Escaping.off.rawValue, isEscaping(node.pointee.flag) {
      return try evaluateEscapedConcatenation(id, node, frame)
    }
    if count == 2 {
      // Two strings need no detour through the output.
      let left = try evaluate(list[0], frame)
      let right = try evaluate(list[1], frame)
      place = id
      if case .string(let a) = left, case .string(let b) = right { return try joined(a, b) }
      let mark = output.count
      try write(left)
      try write(right)
      return try captured(from: mark)
    }
    // All are evaluated before the first is written. They wait on a stack that keeps its memory.
    let first = operands.count
    defer { operands.removeLast(operands.count - first) }
    for index in 0..<count { operands.append(try evaluate(list[index], frame)) }
    place = id
    let mark = output.count
    for index in first..<operands.count { try write(operands[index]) }
    return try captured(from: mark)
  }

  // MARK: Attributes and items

  private func evaluateAttribute(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Value
  {
    let object = try evaluate(node.pointee.a, frame)
    place = id
    let symbol = Symbol(index: UInt32(bitPattern: node.pointee.c))
    if case .object(let host) = object, !symbol.isReserved,
      let member = try host.attribute(symbol, self)
    {
      return member
    }
    return try attribute(symbol, frame.program.names[Int(node.pointee.b)], of: object)
  }

  private func evaluateItem(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Value
  {
    let object = try evaluate(node.pointee.a, frame)
    let key = frame.nodes + Int(node.pointee.b)
    if key.pointee.kind == .slice {
      let start = key.pointee.a >= 0 ? try evaluate(key.pointee.a, frame) : Value.none
      let stop = key.pointee.b >= 0 ? try evaluate(key.pointee.b, frame) : Value.none
      let step = key.pointee.c >= 0 ? try evaluate(key.pointee.c, frame) : Value.none
      place = id
      return try slice(object, start, stop, step)
    }
    let value = try evaluate(node.pointee.b, frame)
    place = id
    return try subscriptValue(object, value)
  }

  // MARK: Arithmetic and comparison

  private func evaluateArithmetic(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Value
  {
    let left = try evaluate(node.pointee.a, frame)
    let right = try evaluate(node.pointee.b, frame)
    place = id
    if case .int(let a) = left, case .int(let b) = right {
      switch node.pointee.kind {
      case .add:
        let (sum, overflow) = a.addingReportingOverflow(b)
        if !overflow { return .int(sum) }
      case .subtract:
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        if !overflow { return .int(difference) }
      case .multiply:
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        if !overflow { return .int(product) }
      default: break
      }
    }
    let operation: BinaryOperator =
      switch node.pointee.kind {
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .floorDivide: .floorDivide
      case .modulo: .modulo
      default: .power
      }
    return try arithmetic(operation, left, right)
  }

  private func evaluateComparison(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Bool
  {
    let left = try evaluate(node.pointee.a, frame)
    let right = try evaluate(node.pointee.b, frame)
    place = id
    return try compare(node.pointee.kind, left, right)
  }

  func compare(_ kind: Node.Kind, _ left: Value, _ right: Value) throws(TemplateError) -> Bool {
    switch kind {
    case .equal: return try compareEqual(left, right)
    case .notEqual: return try !compareEqual(left, right)
    case .less: return try order(left, right, operator: "<") == -1
    case .lessOrEqual: return [-1, 0].contains(try order(left, right, operator: "<="))
    case .greater: return try order(left, right, operator: ">") == 1
    case .greaterOrEqual: return [0, 1].contains(try order(left, right, operator: ">="))
    case .contains: return try contains(right, left)
    default: return try !contains(right, left)
    }
  }

  private func compareEqual(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
    if case .undefined(let undefined) = left, undefined.kind == .strict {
      throw undefinedError(undefined)
    }
    if case .undefined(let undefined) = right, undefined.kind == .strict {
      throw undefinedError(undefined)
    }
    if undefinedKind == .strict { try checkNoStrictUndefined(left, right) }
    switch (left, right) {
    case (.int(let a), .int(let b)): return a == b
    default: return try areEqual(left, right)
    }
  }

  /// Comparing containers compares what they hold, which strict undefined values refuse.
  func checkNoStrictUndefined(_ left: Value, _ right: Value) throws(TemplateError) {
    try checkStack()
    switch (left, right) {
    case (.undefined(let undefined), _) where undefined.kind == .strict,
      (_, .undefined(let undefined)) where undefined.kind == .strict:
      throw undefinedError(undefined)
    case (.list(let a), .list(let b)) where a !== b && a.items.count == b.items.count:
      for (x, y) in zip(a.items, b.items) {
        try checkNoStrictUndefined(x, y)
        if !x.isEqual(to: y) { return }
      }
    case (.tuple(let a), .tuple(let b)) where a !== b && a.items.count == b.items.count:
      for (x, y) in zip(a.items, b.items) {
        try checkNoStrictUndefined(x, y)
        if !x.isEqual(to: y) { return }
      }
    case (.dict(let a), .dict(let b)) where a !== b && a.count == b.count:
      for (key, value) in a.pairs {
        guard let other = b[key] else { return }
        try checkNoStrictUndefined(value, other)
        if !value.isEqual(to: other) { return }
      }
    default: break
    }
  }

  private func evaluateChain(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Bool
  {
    let list = frame.extra + Int(node.pointee.b)
    var left = try evaluate(node.pointee.a, frame)
    for index in 0..<Int(list[0]) {
      let right = try evaluate(list[2 + index * 2], frame)
      place = id
      // The parser wrote a kind there.
      let kind = Node.Kind(rawValue: UInt8(list[1 + index * 2])) ?? .equal
      guard try compare(kind, left, right) else { return false }
      left = right
    }
    return true
  }

  // MARK: Calls

  /// Arguments as values.
  ///
  /// `callBlock`: What `{% call %}` adds as `caller`.
  func arguments(
    _ list: Int32,
    _ frame: Frame,
    callBlock: Value? = nil
  ) throws(TemplateError)
    -> Arguments
  {
    var result = Arguments()
    if list >= 0 {
      let arguments = frame.extra + Int(list)
      let positional = Int(arguments[0])
      if positional > 0 {
        result.positional.reserveCapacity(positional)
        for index in 0..<positional {
          result.positional.append(try evaluate(arguments[4 + index], frame))
        }
      }
      if arguments[2] >= 0 {
        result.positional += try items(of: evaluate(arguments[2], frame))
      }
      let keywords = arguments + 4 + positional
      for index in 0..<Int(arguments[1]) {
        result.keyword.append(
          (
            name: frame.program.names[Int(keywords[index * 2])],
            value: try evaluate(keywords[index * 2 + 1], frame)
          )
        )
      }
      if arguments[3] >= 0 {
        for (name, value) in try keywordPairs(evaluate(arguments[3], frame)) {
          guard result[keyword: name] == nil else {
            throw .type("got multiple values for keyword argument '\(name)'")
          }
          result.keyword.append((name: name, value: value))
        }
      }
    }
    if let callBlock { result.keyword.append((name: "caller", value: callBlock)) }
    return result
  }

  /// A call.
  ///
  /// `captures`: False lets a macro write to the output; nil is then given.
  func evaluateCall(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame,
    callBlock: Value? = nil,
    captures: Bool
  ) throws(TemplateError) -> Value? {
    let callee = try evaluate(node.pointee.a, frame)
    return try call(
      callee,
      id,
      node.pointee.b,
      frame,
      callBlock: callBlock,
      captures: captures
    )
  }

  private func call(
    _ callee: Value,
    _ id: NodeID,
    _ list: Int32,
    _ frame: Frame,
    callBlock: Value?,
    captures: Bool
  ) throws(TemplateError) -> Value? {
    guard case .object(let object) = callee else {
      // What is wrong with an argument is found before that nothing takes it.
      _ = try arguments(list, frame, callBlock: callBlock)
      place = id
      return try callValue(callee, Arguments())
    }
    if let macro = object as? MacroFunction {
      place = id
      return try callMacro(macro, list, frame, callBlock: callBlock, captures: captures)
    }
    let arguments = try arguments(list, frame, callBlock: callBlock)
    place = id
    try countStep()
    let result =
      usesMarkup && !object.takesMarkup
      ? try object.call(arguments.withoutMarkup, self) : try object.call(arguments, self)
    try account(result)
    return result
  }

  /// A call of a value by the engine or the host.
  func callValue(_ callee: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
    switch callee {
    case .object(let object):
      try checkStack()
      try countStep()
      if usesMarkup, !object.takesMarkup { return try object.call(arguments.withoutMarkup, self) }
      return try object.call(arguments, self)
    case .undefined(let undefined):
      if undefined.kind == .silent {
        if undefined.isName { silentCall?(undefined.name, currentSpan) }
        return callee
      }
      throw undefinedError(undefined)
    default: throw .type("'\(callee.typeName)' object is not callable")
    }
  }

  func evaluateMethodCall(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame,
    callBlock: Value? = nil,
    captures: Bool
  ) throws(TemplateError) -> Value? {
    let object = try evaluate(node.pointee.a, frame)
    let symbol = frame.symbols[Int(node.pointee.c)]
    switch object {
    case .object(let host):
      place = id
      if !symbol.isReserved, let member = try host.attribute(symbol, self) {
        return try call(
          member,
          id,
          node.pointee.b,
          frame,
          callBlock: callBlock,
          captures: captures
        )
      }
    case .string, .list, .dict, .tuple, .set, .int, .float, .bool, .bigInt:
      if let known = symbol.known, Methods.has(known, object) {
        var arguments = try arguments(node.pointee.b, frame, callBlock: callBlock)
        place = id
        if usesMarkup, case .string = object { arguments = arguments.withoutMarkup }
        return try Methods.call(known, object, arguments, self)
      }
    default: break
    }
    place = id
    let member = try attribute(symbol, frame.program.names[Int(node.pointee.c)], of: object)
    return try call(member, id, node.pointee.b, frame, callBlock: callBlock, captures: captures)
  }

  // MARK: Filters and tests

  /// `operand`: The text of a filter block or set block.
  func evaluateFilter(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame,
    operand: Value?
  ) throws(TemplateError) -> Value {
    let value: Value
    if node.pointee.a >= 0 {
      let inner = frame.nodes + Int(node.pointee.a)
      value =
        operand != nil && inner.pointee.kind == .filter
        ? try evaluateFilter(node.pointee.a, inner, frame, operand: operand)
        : try evaluate(node.pointee.a, frame)
    } else {
      value = operand ?? .none
    }
    let arguments =
      node.pointee.b >= 0 ? try arguments(node.pointee.b, frame) : Arguments()
    place = id
    let entry = frame.filters + Int(node.pointee.c)
    guard let filter = entry.pointee.filter else { throw unknownFilter(entry.pointee.name) }
    if filter.goesThrough {
      try charge(value)
    } else if case .string = value {
      try charge(value)
    }
    let result = try filter.body(value, arguments, self)
    try account(result)
    return result
  }

  @inline(never)
  private func unknownFilter(_ name: String) -> TemplateError {
    TemplateError(
      .runtime,
      id: "jinja.unknown-filter",
      "No filter named '\(name)'",
      hint: environment.nearestFilter(to: name).map { "did you mean '\($0)'?" }
    )
  }

  private func evaluateTest(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Bool
  {
    try checkStack()
    let value = try evaluate(node.pointee.a, frame)
    let arguments =
      node.pointee.b >= 0 ? try arguments(node.pointee.b, frame) : Arguments()
    place = id
    let entry = frame.program.tests + Int(node.pointee.c)
    guard let test = entry.pointee.test else { throw unknownTest(entry.pointee.name) }
    return try test.body(value, arguments, self) != (node.pointee.flag == 1)
  }

  @inline(never)
  private func unknownTest(_ name: String) -> TemplateError {
    TemplateError(
      .runtime,
      id: "jinja.unknown-test",
      "No test named '\(name)'",
      hint: environment.nearestTest(to: name).map { "did you mean '\($0)'?" }
    )
  }
}
