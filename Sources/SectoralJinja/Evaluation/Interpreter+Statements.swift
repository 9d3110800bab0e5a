/// What a statement does to the loop around it.
enum Flow {
  case next, leave, again
}

extension Interpreter {
  /// Runs a template's top level, and the templates it extends.
  func executeRoot(_ frame: Frame) throws(TemplateError) {
    let body = frame.program.functions[0].body
    guard frame.program.hasExtends || !frame.program.blocks.isEmpty else {
      _ = try execute(body, frame)
      return
    }
    let inheritance = frame.inheritance ?? Inheritance()
    frame.inheritance = inheritance
    let blockScope = ExportScope(frame)
    for block in frame.program.blocks where block.function >= 0 {
      inheritance.blocks[block.name, default: []].append(
        Inheritance.Block(
          program: frame.program,
          function: block.function,
          isRequired: block.isRequired,
          scope: blockScope
        )
      )
    }
    inheritance.parent = nil
    let node = frame.nodes[Int(body)]
    if node.kind == .sequence {
      for index in 0..<Int(node.b) {
        let child = frame.extra[Int(node.a) + index]
        if inheritance.parent != nil {
          // What stands outside of blocks is not shown once another template is extended.
          switch frame.nodes[Int(child)].kind {
          case .text, .output, .outputEscaped, .sequence, .block: continue
          default: break
          }
        }
        _ = try execute(child, frame)
      }
    } else {
      _ = try execute(body, frame)
    }
    guard let parent = inheritance.parent else { return }
    var base = takeFrame(
      parent.program,
      0,
      parent: nil,
      scope: ExportScope(frame),
      undefined: frame.undefined
    )
    defer { giveBack(&base) }
    base.inheritance = inheritance
    let next = base
    try running(next, nil) { (interpreter) throws(TemplateError) in
      try interpreter.executeRoot(next)
    }
  }

  func execute(_ id: NodeID, _ frame: Frame) throws(TemplateError) -> Flow {
    let node = frame.nodes + Int(id)
    switch node.pointee.kind {
    case .text:
      if let origins {
        origins.note(text: id, in: frame, at: output.count, Int(node.pointee.b))
      }
      output.append(
        frame.program.text + Int(node.pointee.a),
        Int(node.pointee.b)
      )
      return .next
    case .output:
      if origins != nil {
        try recordOutput(node.pointee.a, frame)
      } else {
        try executeOutput(node.pointee.a, frame)
      }
      return .next
    case .sequence:
      let children = frame.extra + Int(node.pointee.a)
      for index in 0..<Int(node.pointee.b) {
        let flow = try execute(children[index], frame)
        if flow != .next { return flow }
      }
      return .next
    case .if:
      if try condition(node.pointee.a, frame) { return try execute(node.pointee.b, frame) }
      return node.pointee.c >= 0 ? try executeElse(node.pointee.c, frame) : .next
    case .for:
      try executeFor(id, node, frame)
      return .next
    case .set:
      let value = try evaluate(node.pointee.b, frame)
      place = id
      try assign(node.pointee.a, value, frame)
      return .next
    case .break: return .leave
    case .continue: return .again
    default: return try executeRare(id, node, frame)
    }
  }

  /// What follows a condition that did not hold: a chain of `elif` may be long, so it is gone
  /// through here and not by recursion.
  private func executeElse(_ first: NodeID, _ frame: Frame) throws(TemplateError) -> Flow {
    var id = first
    while true {
      let node = frame.nodes + Int(id)
      guard node.pointee.kind == .if else { return try execute(id, frame) }
      if try condition(node.pointee.a, frame) { return try execute(node.pointee.b, frame) }
      guard node.pointee.c >= 0 else { return .next }
      id = node.pointee.c
    }
  }

  @inline(never)
  private func recordOutput(_ expression: NodeID, _ frame: Frame) throws(TemplateError) {
    try noting(expression, frame) { (interpreter) throws(TemplateError) in
      try interpreter.executeOutput(expression, frame)
    }
  }

  /// Does what writes the value of an expression, and notes that it did.
  func noting(
    _ expression: NodeID,
    _ frame: Frame,
    _ body: (Interpreter) throws(TemplateError) -> Void
  ) throws(TemplateError) {
    guard let origins else { return try body(self) }
    let mark = output.count
    let textsBefore = origins.textCount
    try body(self)
    origins.note(value: expression, in: frame, from: mark, of: output, textsBefore: textsBefore)
  }

  private func executeOutput(_ expression: NodeID, _ frame: Frame) throws(TemplateError) {
    let node = frame.nodes + Int(expression)
    let value: Value
    switch node.pointee.kind {
    case .call:
      // A macro writes its text to where it belongs; only other results come back.
      guard let result = try evaluateCall(expression, node, frame, captures: false) else {
        return
      }
      value = result
    case .callMethod:
      guard let result = try evaluateMethodCall(expression, node, frame, captures: false) else {
        return
      }
      value = result
    case .constant:
      value = frame.constants[Int(node.pointee.a)]
    case .conditional where node.pointee.c < 0:
      // Without an else there is nothing to print, whatever undefined values do elsewhere.
      value = try evaluate(expression, frame)
    default:
      value = try evaluate(expression, frame)
    }
    if case .string(let text) = value {
      output.append(text)
    } else {
      place = expression
      try write(value)
    }
  }

  private func executeRare(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError) -> Flow
  {
    switch node.pointee.kind {
    case .do:
      _ = try evaluate(node.pointee.a, frame)
    case .outputEscaped: try executeEscapedOutput(node, frame)
    case .autoescape: return try executeAutoescape(node, frame)
    case .macro:
      let target = frame.nodes[Int(node.pointee.b)]
      frame.slots[Int(target.b)] = .object(makeMacro(node.pointee.a, frame))
    case .callBlock:
      try executeCallBlock(node, frame)
    case .setBlock:
      let mark = output.count
      let flow = try execute(node.pointee.b, frame)
      place = id
      var value = try captured(from: mark, asMarkup: isEscaping(node.pointee.flag))
      if node.pointee.c >= 0 {
        value = try evaluateFilter(
          node.pointee.c,
          frame.nodes + Int(node.pointee.c),
          frame,
          operand: value
        )
      }
      place = id
      try assign(node.pointee.a, value, frame)
      return flow
    case .filterBlock:
      let mark = output.count
      let textsBefore = origins?.textCount ?? 0
      frame.enter(node.pointee.c)
      let flow = try execute(node.pointee.b, frame)
      place = id
      let text = try captured(from: mark, asMarkup: isEscaping(node.pointee.flag))
      let value = try evaluateFilter(
        node.pointee.a,
        frame.nodes + Int(node.pointee.a),
        frame,
        operand: text
      )
      place = id
      // What a filter block gives is put out as it is, so it must be text.
      guard let result = value.text else {
        throw .type("sequence item 0: expected str instance, \(value.typeName) found")
      }
      output.append(result)
      origins?.note(value: id, in: frame, from: mark, of: output, textsBefore: textsBefore)
      return flow
    case .with:
      let list = frame.extra + Int(node.pointee.a)
      var values: [Value] = []
      for index in 0..<Int(list[0]) {
        values.append(try evaluate(list[2 + index * 2], frame))
      }
      frame.enter(node.pointee.c)
      place = id
      for index in values.indices { try assign(list[1 + index * 2], values[index], frame) }
      return try execute(node.pointee.b, frame)
    case .scope:
      frame.enter(node.pointee.b)
      return try execute(node.pointee.a, frame)
    case .include: try executeInclude(id, node, frame)
    case .importModule: try executeImport(id, node, frame)
    case .importNames: try executeFromImport(id, node, frame)
    case .extends: try executeExtends(id, node, frame)
    case .block: try executeBlock(id, node, frame)
    default: break
    }
    return .next
  }

  private func executeCallBlock(
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let caller = Value.object(makeMacro(node.pointee.b, frame))
    let call = frame.nodes + Int(node.pointee.a)
    try noting(node.pointee.a, frame) { (interpreter) throws(TemplateError) in
      let id = node.pointee.a
      let result =
        call.pointee.kind == .call
        ? try interpreter.evaluateCall(id, call, frame, callBlock: caller, captures: false)
        : try interpreter.evaluateMethodCall(id, call, frame, callBlock: caller, captures: false)
      if let result {
        interpreter.place = id
        try interpreter.write(result)
      }
    }
  }

  // MARK: Assignment

  func assign(_ target: NodeID, _ value: Value, _ frame: Frame) throws(TemplateError) {
    let node = frame.nodes + Int(target)
    switch node.pointee.kind {
    case .name:
      frame.slots[Int(node.pointee.b)] = value
    case .namespaceTarget:
      let namespace = try evaluate(node.pointee.a, frame)
      place = target
      guard case .object(let object) = namespace else {
        throw TemplateError(
          .runtime,
          id: "jinja.not-a-namespace",
          "cannot assign attribute on non-namespace object",
          hint: "only a value made by namespace() takes attributes"
        )
      }
      try object.setAttribute(
        Symbol(index: UInt32(bitPattern: node.pointee.c)),
        value,
        self
      )
    default:
      let items = try unpackable(value)
      let count = Int(node.pointee.b)
      guard items.count >= count else {
        throw .value("not enough values to unpack (expected \(count), got \(items.count))")
      }
      guard items.count == count else {
        throw .value("too many values to unpack (expected \(count))")
      }
      let targets = frame.extra + Int(node.pointee.a)
      for index in 0..<count { try assign(targets[index], items[index], frame) }
    }
  }

  private func unpackable(_ value: Value) throws(TemplateError) -> [Value] {
    switch value {
    case .tuple(let tuple): return tuple.items
    case .list(let list): return list.items
    case .none, .bool, .int, .bigInt, .float:
      throw .type("cannot unpack non-iterable \(value.typeName) object")
    default: return try items(of: value)
    }
  }

  // MARK: Loops

  private func executeFor(
    _ id: NodeID,
    _ node: UnsafePointer<Node>,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    try checkStack()
    let loop = frame.program.loops + Int(node.pointee.a)
    let iterable = try evaluate(loop.pointee.iterable, frame)
    place = loop.pointee.iterable
    try run(loop, over: iterable, frame, depth: 0)
  }

  /// Runs a loop over a value; `depth` counts recursion, from 0.
  func run(
    _ loop: UnsafePointer<Loop>,
    over iterable: Value,
    _ frame: Frame,
    depth: Int
  )
    throws(TemplateError)
  {
    if case .object(let object) = iterable, let range = object as? RangeValue,
      loop.pointee.loopSlot < 0, loop.pointee.test < 0
    {
      return try run(loop, over: range, frame)
    }
    if case .object(let object) = iterable, object.isIterator, loop.pointee.loopSlot < 0,
      loop.pointee.test < 0
    {
      return try run(loop, through: object, frame)
    }
    let filtered =
      loop.pointee.test >= 0 ? try FilteredItems(self, loop, iterable, frame) : nil
    let items = filtered == nil ? try items(of: iterable) : []
    guard filtered != nil || !items.isEmpty else { return try runElse(loop, frame) }
    let context: LoopValue?
    if loop.pointee.loopSlot >= 0 {
      let value = LoopValue(items, ahead: filtered, depth: depth)
      if loop.pointee.isRecursive { value.recursion = (loop: loop, frame: frame) }
      context = value
    } else {
      context = nil
    }
    let target = frame.nodes[Int(loop.pointee.target)]
    let body = loop.pointee.body
    // A list is followed as it is, not as it was: the body may change it.
    var live: ListValue?
    if loop.pointee.test < 0, case .list(let list) = iterable { live = list }
    let watched = filtered == nil ? dictionary(behind: iterable) : nil
    let size = watched?.count
    var isCompleted = false
    var index = -1
    while true {
      index += 1
      if let watched, watched.count != size {
        throw changedWhileIterating(loop)
      }
      let item: Value
      if let filtered {
        guard let next = context == nil ? try filtered.next() : try context?.next(index) else {
          break
        }
        item = next
      } else if let live {
        guard index < live.items.count else { break }
        item = live.items[index]
      } else {
        guard index < items.count else { break }
        item = items[index]
      }
      try countStep()
      if index >= limits.loopIterations { throw tooManyIterations(loop) }
      frame.enter(loop.pointee.entry)
      if target.kind == .name {
        frame.slots[Int(target.b)] = item
      } else {
        place = loop.pointee.target
        try assign(loop.pointee.target, item, frame)
      }
      if let context {
        context.index = index
        frame.slots[Int(loop.pointee.loopSlot)] = .object(context)
      }
      let flow = try execute(body, frame)
      if flow == .leave { break }
      if flow == .next { isCompleted = true }
      if let context, context.isDrained { break }
    }
    if let context {
      context.recursion = nil
      context.ahead = nil
      frame.slots[Int(loop.pointee.loopSlot)] = nil
    }
    // As in Jinja, an iteration that `continue` or `break` cut short does not count.
    if !isCompleted { try runElse(loop, frame) }
  }

  @inline(never)
  func changedWhileIterating(_ loop: UnsafePointer<Loop>) -> TemplateError {
    place = loop.pointee.iterable
    return TemplateError(
      ErrorKind(rawValue: "RuntimeError"),
      id: "jinja.changed-while-iterating",
      "dictionary changed size during iteration",
      hint: "go through a copy: `| list`"
    )
  }

  @inline(never)
  private func tooManyIterations(_ loop: UnsafePointer<Loop>) -> TemplateError {
    place = loop.pointee.iterable
    return .limit("the loop ran more than \(limits.loopIterations) times")
  }

  /// The dictionary that a loop goes through, itself or by a view.
  func dictionary(behind iterable: Value) -> DictValue? {
    switch iterable {
    case .dict(let dictionary): dictionary
    case .object(let object): (object as? DictView)?.dictionary
    default: nil
    }
  }

  private func runElse(_ loop: UnsafePointer<Loop>, _ frame: Frame) throws(TemplateError) {
    guard loop.pointee.otherwise >= 0 else { return }
    frame.enter(loop.pointee.otherwiseEntry)
    _ = try execute(loop.pointee.otherwise, frame)
  }

  private func run(
    _ loop: UnsafePointer<Loop>,
    over range: RangeValue,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    let count = range.count
    guard count > 0 else { return try runElse(loop, frame) }
    var isCompleted = false
    let target = frame.nodes[Int(loop.pointee.target)]
    for index in 0..<count {
      try countStep()
      if index >= limits.loopIterations { throw tooManyIterations(loop) }
      let flow = try turn(loop, target, .int(range.element(index)), frame)
      if flow == .leave { break }
      if flow == .next { isCompleted = true }
    }
    if !isCompleted { try runElse(loop, frame) }
  }

  /// One turn of a loop that does not mention `loop`.
  @inline(__always)
  private func turn(
    _ loop: UnsafePointer<Loop>,
    _ target: Node,
    _ value: Value,
    _ frame: Frame
  ) throws(TemplateError) -> Flow {
    frame.enter(loop.pointee.entry)
    if target.kind == .name {
      frame.slots[Int(target.b)] = value
    } else {
      place = loop.pointee.target
      try assign(loop.pointee.target, value, frame)
    }
    return try execute(loop.pointee.body, frame)
  }

  /// A loop that takes from an iterator what it needs and leaves the rest.
  private func run(
    _ loop: UnsafePointer<Loop>,
    through iterator: Object,
    _ frame: Frame
  )
    throws(TemplateError)
  {
    var isCompleted = false
    let target = frame.nodes[Int(loop.pointee.target)]
    while true {
      place = loop.pointee.iterable
      guard let value = try iterator.next(self) else { break }
      try countStep()
      let flow = try turn(loop, target, value, frame)
      if flow == .leave { break }
      if flow == .next { isCompleted = true }
    }
    if !isCompleted { try runElse(loop, frame) }
  }

  /// What a target holds after an assignment: a target of several names is a tuple of theirs.
  func assigned(_ target: NodeID, _ item: Value, _ frame: Frame) -> Value {
    let node = frame.nodes + Int(target)
    switch node.pointee.kind {
    case .name: return frame.slots[Int(node.pointee.b)] ?? item
    case .namespaceTarget: return item
    default:
      let targets = frame.extra + Int(node.pointee.a)
      return .tuple((0..<Int(node.pointee.b)).map { assigned(targets[$0], item, frame) })
    }
  }

  /// The slots of the names in a loop's target.
  func slots(of target: NodeID, _ frame: Frame) -> [Int] {
    let node = frame.nodes + Int(target)
    switch node.pointee.kind {
    case .name: return [Int(node.pointee.b)]
    case .namespaceTarget: return []
    default:
      let targets = frame.extra + Int(node.pointee.a)
      return (0..<Int(node.pointee.b)).flatMap { slots(of: targets[$0], frame) }
    }
  }

  /// `loop(items)` in a recursive loop: the loop's text for other items.
  func recurse(
    _ loop: UnsafePointer<Loop>,
    _ frame: Frame,
    _ iterable: Value,
    depth: Int
  )
    throws(TemplateError) -> Value
  {
    try checkStack()
    callDepth += 1
    defer { callDepth -= 1 }
    guard callDepth <= limits.callDepth else { throw tooDeep() }
    // The inner run uses the same variables; ours come back afterwards.
    let saved = (0..<frame.count).map { frame.slots[$0] }
    defer { for index in 0..<min(saved.count, frame.count) { frame.slots[index] = saved[index] } }
    let outerFrame = current
    let outerPlace = place
    current = frame
    defer {
      current = outerFrame
      place = outerPlace
    }
    let mark = output.count
    try run(loop, over: iterable, frame, depth: depth)
    return try captured(from: mark, asMarkup: escapes)
  }
}
