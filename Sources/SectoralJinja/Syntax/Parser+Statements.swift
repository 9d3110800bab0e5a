extension Parser {
  /// Parses the statement whose tag name is at the cursor; nil for one that leaves no node.
  mutating func parseStatement(_ symbol: Symbol) throws(Failure) -> NodeID? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= options.limits.nestingDepth else {
      throw fail(
        "nested too deeply (more than \(options.limits.nestingDepth) levels)",
        id: "jinja.limit-exceeded",
        at: current
      )
    }
    switch symbol.known {
    case .if: return try parseIf()
    case .for: return try parseFor()
    case .set: return try parseSet()
    case .macro: return try parseMacro()
    case .call: return try parseCallBlock()
    case .filter: return try parseFilterBlock()
    case .with: return try parseWith()
    case .do: return try parseDo()
    case .print: return try parsePrint()
    case .break, .continue:
      guard options.loopControls else { return try unknownTag(symbol) }
      return try parseLoopControl(symbol.known == .break ? .break : .continue)
    case .autoescape: return try parseAutoescape()
    case .include: return try parseInclude()
    case .import: return try parseImport()
    case .from: return try parseFromImport()
    case .extends: return try parseExtends()
    case .block: return try parseBlock()
    default:
      let name = builder.names[Int(current.value)]
      if let definition = options.definitionTags.first(where: { $0.tag == name }) {
        return try parseDefinition(definition)
      }
      return try unknownTag(symbol)
    }
  }

  private static let tags = [
    "if", "for", "set", "macro", "call", "filter", "with", "do", "print", "break", "continue",
    "autoescape",
    "include", "import", "from", "extends", "block", "raw",
  ]
  private static let ends = [
    "endif", "endfor", "endset", "endmacro", "endcall", "endfilter", "endwith", "endautoescape",
    "endblock", "endraw", "else", "elif",
  ]

  private mutating func unknownTag(_ symbol: Symbol) throws(Failure) -> NodeID? {
    let token = current
    let name = builder.names[Int(token.value)]
    if let count = orphanedEnds[symbol], count > 0 {
      // Its beginning was already reported.
      orphanedEnds[symbol] = count - 1
      move(to: tokens.count - 1)
      return nil
    }
    let isEnd =
      Self.ends.contains(name)
      || options.definitionTags.contains { "end" + $0.tag == name }
    if isEnd {
      if let open = openTags.last {
        // The block that is missing its end ends here, and the tag counts for its own.
        endsOuterBlock = openTags.dropLast().contains { "end" + $0.name == name }
        if let known = mismatch(behind: open.start) { throw known }
        let problem = fail(
          "Encountered unknown tag '\(name)'. "
            + (endsOuterBlock
              ? "You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for "
              : "Jinja was looking for the following tags: ")
            + "\(Self.expected(in: open.name)). The innermost block that needs to be closed is "
            + "'\(open.name)'.",
          id: "jinja.unexpected-end",
          at: token,
          hint:
            "close the '\(open.name)' of line \(line(at: open.start)) first, with "
            + "'{% end\(open.name) %}'"
        )
        lastMismatch = (Int(token.start), problem)
        throw problem
      }
      throw fail(
        "Encountered unknown tag '\(name)'.",
        id: "jinja.unexpected-end",
        at: token,
        hint: "no block is open here"
      )
    }
    let known = Self.tags + Self.ends + options.definitionTags.map(\.tag)
    throw fail(
      "Encountered unknown tag '\(name)'.",
      id: "jinja.unknown-tag",
      at: token,
      hint: Environment.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
    )
  }

  /// Parses what is between a block's tags, up to one of the end tags, which is then current.
  ///
  /// `name`: The block's tag, for messages.
  private mutating func parseBody(
    of name: String,
    _ tag: (start: Int, end: Int),
    until ends: [KnownName]
  ) throws(Failure) -> NodeID {
    openTags.append((name: name, start: tag.start, end: tag.end))
    defer { openTags.removeLast() }
    let outer = definitionEnd
    definitionEnd = nil
    defer { definitionEnd = outer }
    let body = parseStatements(until: ends)
    guard !tokens.isEmpty else { throw unclosed(name, tag) }
    return body
  }

  /// The tags that may follow in a block, in Jinja's order.
  private static func expected(in name: String) -> String {
    switch name {
    case "if": "'elif' or 'else' or 'endif'"
    case "for": "'endfor' or 'else'"
    default: "'end\(name)'"
    }
  }

  private mutating func unclosed(_ name: String, _ tag: (start: Int, end: Int)) -> Failure {
    isStatementTag = true
    if let known = mismatch(behind: tag.start) { return known }
    return fail(
      "Unexpected end of template. Jinja was looking for the following tags: "
        + "\(Self.expected(in: name)). The innermost block that needs to be closed is '\(name)'.",
      id: "jinja.unclosed-block",
      at: tag.start..<tag.end,
      hint: "close it with '{% end\(name) %}'"
    )
  }

  private var tag: (start: Int, end: Int) { (tagStart, offset) }

  /// Remembers that a block began with a mistake, so that its end is not one more.
  private mutating func orphaning<Result>(
    _ end: KnownName,
    _ body: (inout Parser) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = tagStart
    do throws(Failure) {
      return try body(&self)
    } catch {
      if tagStart == start { orphanedEnds[Symbol(end), default: 0] += 1 }
      throw error
    }
  }

  // MARK: if

  private mutating func parseIf() throws(Failure) -> NodeID {
    try orphaning(.endif) { (parser) throws(Failure) in
      parser.softDepth += 1
      defer { parser.softDepth -= 1 }
      let opening = parser.tag
      // Each part: start, test, body; the else has no test.
      let mark = parser.pending.count
      var otherwise: NodeID = -1
      parser.advance()
      while true {
        let start = parser.tagStart
        let test = try parser.parseTuple(withConditional: false)
        try parser.expectBody()
        parser.record(.branchBegin, 0)
        let body = try parser.parseBody(of: "if", opening, until: [.elif, .else, .endif])
        parser.record(.branchEnd, 0)
        parser.pending.append(Int32(start))
        parser.pending.append(test)
        parser.pending.append(body)
        if parser.take(.elif) { continue }
        if parser.take(.else) {
          try parser.expectBody()
          parser.record(.branchBegin, 0)
          otherwise = try parser.parseBody(of: "if", opening, until: [.endif])
          parser.record(.branchEnd, 0)
        }
        parser.advance()
        try parser.expectEnd()
        break
      }
      var node = otherwise
      while parser.pending.count > mark {
        let body = parser.pending.removeLast()
        let test = parser.pending.removeLast()
        node = parser.addNode(
          .if,
          a: test,
          b: body,
          c: node,
          start: Int(parser.pending.removeLast()),
          end: parser.offset
        )
      }
      return node
    }
  }

  // MARK: for

  private mutating func parseFor() throws(Failure) -> NodeID {
    try orphaning(.endfor) { (parser) throws(Failure) in try parser.parseForLoop() }
  }

  private mutating func parseForLoop() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let targetNames = builder.nodes.count
    let target = try parseTarget(stop: .in)
    let targetEnd = builder.nodes.count
    guard take(.in) else {
      throw fail("expected token 'in', got \(described(current))", at: current)
    }
    let iterable = try parseTuple(withConditional: false, stop: .recursive)
    let index = Int32(builder.loops.count)
    builder.loops.append(
      Loop(
        target: target,
        iterable: iterable,
        test: -1,
        body: -1,
        otherwise: -1,
        loopSlot: -1,
        entry: -1,
        otherwiseEntry: -1,
        targetSlot: -1,
        isRecursive: false
      )
    )
    _ = try inScope { (parser) throws(Failure) in
      parser.scopes[Int(parser.currentScope)].owner = .loop(index)
      for node in targetNames..<targetEnd where parser.builder.nodes[node].kind == .name {
        parser.record(.parameter, Int32(node))
      }
      if parser.take(.if) {
        parser.builder.loops[Int(index)].test = try parser.parseExpression()
      }
      parser.builder.loops[Int(index)].isRecursive = parser.take(.recursive)
      try parser.expectBody()
      let event = parser.events.count
      parser.record(.loopVariable, index)
      let mentions = parser.loopMentions
      parser.loopDepth += 1
      defer { parser.loopDepth -= 1 }
      parser.builder.loops[Int(index)].body = try parser.parseBody(
        of: "for",
        opening,
        until: [.endfor, .else]
      )
      if parser.loopMentions == mentions {
        parser.events[event].kind = .nothing
      } else {
        // An outer loop's variable is not mentioned by a mention of ours.
        parser.loopMentions = mentions
      }
    }
    if take(.else) {
      try expectBody()
      _ = try inScope { (parser) throws(Failure) in
        parser.scopes[Int(parser.currentScope)].owner = .loopElse(index)
        parser.builder.loops[Int(index)].otherwise = try parser.parseBody(
          of: "for",
          opening,
          until: [.endfor]
        )
      }
    }
    advance()
    try expectEnd()
    return addNode(.for, a: index, start: opening.start, end: offset)
  }

  /// A target of an assignment: names, tuples of them, `namespace.name`.
  private mutating func parseTarget(
    stop: KnownName? = nil,
    allowsNamespace: Bool = false,
    recordsStores: Bool = false
  ) throws(Failure) -> NodeID {
    let start = current
    let mark = pending.count
    var isTuple = false
    while true {
      if pending.count > mark { try expect(.comma) }
      // A comma may end a tuple, but not that of a `set`.
      if isAt(.assign), pending.count > mark {
        throw fail("unexpected '='", at: current)
      }
      if current.kind == .end || isAt(.rightParenthesis) || isAt(.assign) { break }
      if let stop, isAt(stop), pending.count > mark {
        throw fail("unexpected \(described(current))", at: current)
      }
      pending.append(try parseTargetItem(allowsNamespace, recordsStores))
      guard isAt(.comma) else { break }
      isTuple = true
    }
    let count = pending.count - mark
    if !isTuple {
      if count == 1 { return pending.removeLast() }
      throw fail("expected a name to assign to, got \(described(current))", at: current)
    }
    let end = count == 0 ? Int(start.end) : endOf(pending[pending.count - 1])
    let list = flushPending(from: mark)
    return addNode(.tuple, a: list, b: Int32(count), start: Int(start.start), end: end)
  }

  private mutating func parseTargetItem(
    _ allowsNamespace: Bool,
    _ recordsStores: Bool
  )
    throws(Failure) -> NodeID
  {
    depth += 1
    defer { depth -= 1 }
    guard depth <= options.limits.nestingDepth else {
      throw fail("nested too deeply", id: "jinja.limit-exceeded", at: current)
    }
    let token = current
    if take(.leftParenthesis) {
      let node = try parseTarget(
        allowsNamespace: allowsNamespace,
        recordsStores: recordsStores
      )
      try expect(.rightParenthesis)
      return node
    }
    guard token.kind == .name else {
      throw fail("can't assign to \(described(token))", at: token)
    }
    switch symbol(of: token) {
    case .true?, .false?, .none?, .True?, .False?, .None?:
      throw fail("can't assign to \(described(token))", at: token)
    default: break
    }
    advance()
    if allowsNamespace, isAt(.dot) {
      advance()
      let attribute = try expect(.name)
      let namespace = loadName(token)
      let symbol = builder.symbols[Int(attribute.value)]
      return addNode(
        .namespaceTarget,
        a: namespace,
        b: attribute.value,
        c: Int32(bitPattern: symbol.index),
        start: Int(token.start),
        end: Int(attribute.end)
      )
    }
    let node = addNode(
      .name,
      a: 0,
      b: token.value,
      c: Int32(bitPattern: builder.symbols[Int(token.value)].index),
      start: Int(token.start),
      end: Int(token.end)
    )
    if recordsStores { record(.store, node) }
    return node
  }

  /// Records the names among some nodes as assigned, but for those that events load.
  private mutating func recordStores(_ nodes: Range<Int>, without loads: Range<Int>) {
    // Both are in the order of the text.
    var load = loads.lowerBound
    for node in nodes where builder.nodes[node].kind == .name {
      while load < loads.upperBound, events[load].value < Int32(node) { load += 1 }
      if load < loads.upperBound, events[load].value == Int32(node) { continue }
      record(.store, Int32(node))
    }
  }

  // MARK: set

  private mutating func parseSet() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    // A namespace's name is loaded and names are stored, but only after the value.
    let eventsBefore = events.count
    let targetStart = builder.nodes.count
    let target = try parseTarget(allowsNamespace: true)
    let targetEnd = builder.nodes.count
    let targetEvents = eventsBefore..<events.count
    let targetNodes = targetStart..<targetEnd
    if take(.assign) {
      let value = try parseTuple()
      try expectEnd()
      recordStores(targetNodes, without: targetEvents)
      return addNode(.set, a: target, b: value, start: opening.start, end: offset)
    }
    return try orphaning(.endset) { (parser) throws(Failure) in
      var filter: NodeID = -1
      let (body, scope) = try parser.inScope { (parser) throws(Failure) in
        while parser.isAt(.pipe) { filter = try parser.parseFilter(filter) }
        try parser.expectBody()
        return try parser.parseBody(of: "set", opening, until: [.endset])
      }
      parser.advance()
      try parser.expectEnd()
      parser.recordStores(targetNodes, without: targetEvents)
      let inner = parser.addNode(.scope, a: body, start: opening.start, end: parser.offset)
      parser.scopes[Int(scope)].owner = .nodeB(inner)
      return parser.addNode(
        .setBlock,
        flag: parser.escaping.rawValue,
        a: target,
        b: inner,
        c: filter,
        start: opening.start,
        end: parser.offset
      )
    }
  }

  // MARK: macro, call

  private mutating func parseMacro() throws(Failure) -> NodeID {
    try orphaning(.endmacro) { (parser) throws(Failure) in
      let opening = parser.tag
      parser.advance()
      let name = try parser.expect(.name)
      let target = parser.macroTarget(name, name.value)
      let function = try parser.parseFunction(
        kind: .macro,
        name: name.value,
        nameToken: name,
        opening: opening,
        tag: "macro",
        ends: [.endmacro]
      ) { (parser) throws(Failure) in
        try parser.parseSignature(isRequired: true)
        try parser.expectBody()
      }
      return parser.finishMacro(function, target, opening)
    }
  }

  private mutating func macroTarget(_ token: Token, _ name: Int32) -> NodeID {
    let target = addNode(
      .name,
      a: 0,
      b: name,
      c: Int32(bitPattern: builder.symbols[Int(name)].index),
      start: Int(token.start),
      end: Int(token.end)
    )
    record(.store, target)
    return target
  }

  private mutating func finishMacro(
    _ function: Int32,
    _ target: NodeID,
    _ opening: (start: Int, end: Int)
  ) -> NodeID {
    if currentScope == 0 { builder.definitions.append(function) }
    for outer in functionStack { builder.functions[Int(outer)].hasClosures = true }
    return addNode(.macro, a: function, b: target, start: opening.start, end: offset)
  }

  /// Parses a function's signature and body in a scope of its own.
  private mutating func parseFunction(
    kind: Function.Kind,
    name: Int32,
    nameToken: Token,
    opening: (start: Int, end: Int),
    tag: String,
    ends: [KnownName],
    definitionEnd end: String? = nil,
    signature: (inout Parser) throws(Failure) -> Void
  ) throws(Failure) -> Int32 {
    let index = Int32(builder.functions.count)
    builder.functions.append(
      Function(kind: kind, name: name, start: nameToken.start, end: nameToken.end)
    )
    functionStack.append(index)
    let parent = currentScope
    openScope(function: index)
    scopes[Int(currentScope)].owner = .function(index)
    let mentions = loopMentions
    let outerLoops = loopDepth
    loopDepth = 0
    defer {
      loopDepth = outerLoops
      functionStack.removeLast()
      while currentScope != parent { closeScope() }
      _ = mentions
    }
    try signature(&self)
    openTags.append((name: tag, start: opening.start, end: opening.end))
    defer { openTags.removeLast() }
    let outerEnd = definitionEnd
    definitionEnd = end
    defer { definitionEnd = outerEnd }
    let body = parseStatements(until: ends)
    guard !tokens.isEmpty else { throw unclosed(tag, opening) }
    advance()
    if kind == .block || tag == "macro" {
      // `{% endblock name %}`; Jinja allows nothing behind `endmacro`.
      if kind == .block, current.kind == .name {
        let token = current
        guard token.value == name else {
          throw fail(
            "expected 'endblock \(builder.names[Int(name)])', got \(described(token))",
            at: token
          )
        }
        advance()
      }
    }
    try expectEnd()
    builder.functions[Int(index)].body = body
    return index
  }

  /// `(a, b=1, c: list[str] = [])`; annotations are read over.
  private mutating func parseSignature(isRequired: Bool) throws(Failure) {
    if !isRequired, !isAt(.leftParenthesis) { return }
    try expect(.leftParenthesis)
    let function = Int(functionStack[functionStack.count - 1])
    var found: [Parameter] = []
    var names: Set<Int32> = []
    while !isAt(.rightParenthesis) {
      if !found.isEmpty { try expect(.comma) }
      if isAt(.rightParenthesis) { break }
      let token = current
      guard token.kind == .name else {
        throw fail("expected a parameter's name, got \(described(token))", at: token)
      }
      switch symbol(of: token) {
      case .true?, .false?, .none?, .True?, .False?, .None?:
        throw fail("can't assign to \(described(token))", at: token)
      default: break
      }
      if !names.insert(token.value).inserted {
        _ = fail(
          "duplicate argument '\(builder.names[Int(token.value)])' in function definition",
          id: "jinja.repeated-name",
          at: token,
          hint: "give it another name"
        )
      }
      advance()
      if take(.colon) { try parseAnnotation() }
      var value: NodeID = -1
      if take(.assign) {
        value = try parseExpression()
      } else if let last = found.last, last.value >= 0 {
        throw fail("non-default argument follows default argument", at: token)
      }
      found.append(
        Parameter(
          name: token.value,
          symbol: builder.symbols[Int(token.value)].index,
          slot: -1,
          value: value
        )
      )
    }
    advance()
    builder.functions[function].firstParameter = Int32(builder.parameters.count)
    builder.functions[function].parameterCount = Int32(found.count)
    builder.parameters += found
  }

  /// `str`, `dict[str, any]`, `optional[list[int]]`, `adapter.Relation`.
  private mutating func parseAnnotation() throws(Failure) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= options.limits.nestingDepth else {
      throw fail("nested too deeply", id: "jinja.limit-exceeded", at: current)
    }
    try expect(.name)
    while take(.dot) { try expect(.name) }
    if take(.leftBracket) {
      while !isAt(.rightBracket) {
        try parseAnnotation()
        if !take(.comma) { break }
      }
      try expect(.rightBracket)
    }
  }

  /// A tag of the host that defines a macro.
  private mutating func parseDefinition(_ definition: DefinitionTag) throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let token = try expect(.name)
    let text = definition.prefix + builder.names[Int(token.value)]
    var index = token.value
    if !definition.prefix.isEmpty {
      builder.names.append(text)
      builder.symbols.append(Symbol(text))
      index = Int32(builder.names.count - 1)
    }
    let target = macroTarget(token, index)
    let function = try parseFunction(
      kind: .macro,
      name: index,
      nameToken: token,
      opening: opening,
      tag: definition.tag,
      ends: [],
      definitionEnd: "end" + definition.tag
    ) { (parser) throws(Failure) in
      switch definition.signature {
      case .macro: try parser.parseSignature(isRequired: false)
      case .name: try parser.parseWords()
      }
      try parser.expectBody()
    }
    return finishMacro(function, target, opening)
  }

  /// `, word`, `, key='text'`, `, keys=['a', 'b']`.
  private mutating func parseWords() throws(Failure) {
    while take(.comma) {
      try expect(.name)
      if take(.assign) { _ = try parseExpression() }
    }
  }

  private mutating func parseCallBlock() throws(Failure) -> NodeID {
    try orphaning(.endcall) { (parser) throws(Failure) in
      let opening = parser.tag
      let word = parser.advance()
      var call: NodeID = -1
      // The call itself belongs to the scope outside, yet comes behind the parameters.
      let signatureAt = parser.cursor
      if parser.isAt(.leftParenthesis) { try parser.skipParentheses() }
      call = try parser.parseExpression()
      let kind = parser.builder.nodes[Int(call)].kind
      guard kind == .call || kind == .callMethod else {
        throw parser.fail(
          "expected call",
          at: parser.startOf(call)..<parser.endOf(call)
        )
      }
      let end = parser.cursor
      let function = try parser.parseFunction(
        kind: .caller,
        name: parser.callerName(),
        nameToken: word,
        opening: opening,
        tag: "call",
        ends: [.endcall]
      ) { (parser) throws(Failure) in
        parser.move(to: signatureAt)
        try parser.parseSignature(isRequired: false)
        parser.move(to: end)
        try parser.expectBody()
      }
      for outer in parser.functionStack {
        parser.builder.functions[Int(outer)].hasClosures = true
      }
      return parser.addNode(
        .callBlock,
        a: call,
        b: function,
        start: opening.start,
        end: parser.offset
      )
    }
  }

  private mutating func skipParentheses() throws(Failure) {
    var open = 0
    repeat {
      let token = advance()
      switch token.kind {
      case .leftParenthesis: open += 1
      case .rightParenthesis: open -= 1
      case .end: throw fail("unexpected end of the tag", at: token)
      default: break
      }
    } while open > 0
  }

  // MARK: Other blocks

  private mutating func parseFilterBlock() throws(Failure) -> NodeID {
    try orphaning(.endfilter) { (parser) throws(Failure) in
      let opening = parser.tag
      parser.advance()
      // The filter's arguments belong to the scope around; unknown filters are refused as inside.
      let soft = parser.softDepth
      defer { parser.softDepth = soft }
      parser.softDepth = 0
      var filter = try parser.parseFilterName(-1, start: Int(parser.current.start))
      while parser.isAt(.pipe) { filter = try parser.parseFilter(filter) }
      try parser.expectBody()
      let (body, scope) = try parser.inScope { (parser) throws(Failure) in
        try parser.parseBody(of: "filter", opening, until: [.endfilter])
      }
      parser.advance()
      try parser.expectEnd()
      let node = parser.addNode(
        .filterBlock,
        flag: parser.escaping.rawValue,
        a: filter,
        b: body,
        start: opening.start,
        end: parser.offset
      )
      parser.scopes[Int(scope)].owner = .nodeC(node)
      return node
    }
  }

  private mutating func parseWith() throws(Failure) -> NodeID {
    try orphaning(.endwith) { (parser) throws(Failure) in
      let opening = parser.tag
      parser.advance()
      let mark = parser.pending.count
      var targets: [Int32] = []
      while parser.current.kind != .end {
        if parser.pending.count > mark { try parser.expect(.comma) }
        let first = parser.builder.nodes.count
        let target = try parser.parseTargetItem(false, false)
        for node in first..<parser.builder.nodes.count
        where parser.builder.nodes[node].kind == .name {
          targets.append(Int32(node))
        }
        try parser.expect(.assign)
        parser.pending.append(target)
        parser.pending.append(try parser.parseExpression())
      }
      try parser.expectBody()
      let count = (parser.pending.count - mark) / 2
      parser.pending.insert(Int32(count), at: mark)
      let list = parser.flushPending(from: mark)
      let (body, scope) = try parser.inScope { (parser) throws(Failure) in
        for node in targets { parser.record(.parameter, node) }
        return try parser.parseBody(of: "with", opening, until: [.endwith])
      }
      parser.advance()
      try parser.expectEnd()
      let node = parser.addNode(
        .with,
        a: list,
        b: body,
        start: opening.start,
        end: parser.offset
      )
      parser.scopes[Int(scope)].owner = .nodeC(node)
      return node
    }
  }

  private mutating func parseAutoescape() throws(Failure) -> NodeID {
    try orphaning(.endautoescape) { (parser) throws(Failure) in
      let opening = parser.tag
      parser.advance()
      let value = try parser.parseExpression()
      try parser.expectBody()
      let (body, scope) = try parser.inScope { (parser) throws(Failure) in
        let outer = parser.escaping
        defer { parser.escaping = outer }
        if outer != .dynamic { parser.escaping = parser.escaping(by: value) }
        return try parser.parseBody(of: "autoescape", opening, until: [.endautoescape])
      }
      parser.advance()
      try parser.expectEnd()
      let inner = parser.addNode(.scope, a: body, start: opening.start, end: parser.offset)
      parser.scopes[Int(scope)].owner = .nodeB(inner)
      return parser.addNode(
        .autoescape,
        a: value,
        b: inner,
        start: opening.start,
        end: parser.offset
      )
    }
  }

  private func escaping(by value: NodeID) -> Escaping {
    let node = builder.nodes[Int(value)]
    guard node.kind == .constant else { return .dynamic }
    switch builder.constants[Int(node.a)] {
    case .none, .bool(false), .int(0): return .off
    case .string(let text): return text.isEmpty ? .off : .on
    default: return .on
    }
  }

  private mutating func parseDo() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let expression = try parseTuple()
    try expectEnd()
    return addNode(.do, a: expression, start: opening.start, end: offset)
  }

  /// `{% print a, b %}` puts out what it is given, as `{{ a }}{{ b }}` does.
  private mutating func parsePrint() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let mark = pending.count
    while current.kind != .end {
      if pending.count > mark { try expect(.comma) }
      let expression = try parseExpression()
      pending.append(
        addNode(
          escaping == .off ? .output : .outputEscaped,
          flag: escaping.rawValue,
          a: expression,
          start: opening.start,
          end: opening.end
        )
      )
    }
    try expectEnd()
    let count = Int32(pending.count - mark)
    if count == 1 { return pending.removeLast() }
    let list = flushPending(from: mark)
    return addNode(.sequence, a: list, b: count, start: opening.start, end: offset)
  }

  private mutating func parseLoopControl(_ kind: Node.Kind) throws(Failure) -> NodeID {
    let token = advance()
    guard loopDepth > 0 else {
      throw fail(
        "'\(builder.names[Int(token.value)])' outside of a loop",
        id: "jinja.outside-loop",
        at: token
      )
    }
    try expectEnd()
    return addNode(kind, start: tagStart, end: offset)
  }

  // MARK: Other templates

  /// `with context` or `without context`, if it stands here.
  private mutating func parseContextWords(default isDefault: Bool) -> Bool {
    guard isAt(.with) || isAt(.without), symbol(of: token(ahead: 1)) == .context else {
      return isDefault
    }
    let result = isAt(.with)
    move(to: cursor + 2)
    return result
  }

  private mutating func parseInclude() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let name = try parseExpression()
    var ignoresMissing = false
    if isAt(.ignore), symbol(of: token(ahead: 1)) == .missing {
      ignoresMissing = true
      move(to: cursor + 2)
    }
    let withContext = parseContextWords(default: true)
    try expectEnd()
    let node = addNode(
      .include,
      flag: ignoresMissing ? 1 : 0,
      a: name,
      start: opening.start,
      end: offset
    )
    if withContext {
      record(.snapshot, node)
      loopMentions += 1
    }
    return node
  }

  private mutating func parseImport() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let name = try parseExpression()
    guard take(.as) else {
      throw fail("expected token 'as', got \(described(current))", at: current)
    }
    let token = try expect(.name)
    let withContext = parseContextWords(default: false)
    try expectEnd()
    let target = macroTarget(token, token.value)
    let node = addNode(.importModule, a: name, b: target, start: opening.start, end: offset)
    if withContext { record(.snapshot, node) }
    return node
  }

  private mutating func parseFromImport() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let name = try parseExpression()
    guard take(.import) else {
      throw fail("expected token 'import', got \(described(current))", at: current)
    }
    let mark = pending.count
    var withContext = false
    while true {
      if pending.count > mark { try expect(.comma) }
      if isAt(.with) || isAt(.without), symbol(of: token(ahead: 1)) == .context {
        withContext = parseContextWords(default: false)
        break
      }
      let token = try expect(.name)
      var alias = token
      if take(.as) { alias = try expect(.name) }
      pending += [token.value, 0, Int32(bitPattern: builder.symbols[Int(token.value)].index)]
      let target = macroTarget(alias, alias.value)
      pending[pending.count - 2] = target
      if isAt(.with) || isAt(.without), symbol(of: self.token(ahead: 1)) == .context {
        withContext = parseContextWords(default: false)
        break
      }
      guard isAt(.comma) else { break }
    }
    guard pending.count > mark else {
      throw fail("expected token 'name', got \(described(current))", at: current)
    }
    try expectEnd()
    let count = (pending.count - mark) / 3
    pending.insert(Int32(count), at: mark)
    let list = flushPending(from: mark)
    let node = addNode(.importNames, a: name, b: list, start: opening.start, end: offset)
    if withContext { record(.snapshot, node) }
    return node
  }

  private mutating func parseExtends() throws(Failure) -> NodeID {
    let opening = tag
    advance()
    let name = try parseExpression()
    try expectEnd()
    builder.hasExtends = true
    return addNode(.extends, a: name, start: opening.start, end: offset)
  }

  private mutating func parseBlock() throws(Failure) -> NodeID {
    try orphaning(.endblock) { (parser) throws(Failure) in
      let opening = parser.tag
      parser.advance()
      let name = try parser.expect(.name)
      let isScoped = parser.take(.scoped)
      let isRequired = parser.take(.required)
      if parser.isAt(.subtract) {
        throw parser.fail(
          "block names in jinja have to be valid identifiers and may not contain hyphens, use an "
            + "underscore instead",
          at: parser.current
        )
      }
      let symbol = parser.builder.symbols[Int(name.value)]
      if parser.builder.blocks.contains(where: { $0.name == symbol }) {
        throw parser.fail(
          "block '\(symbol.name)' defined twice",
          id: "jinja.duplicate-block",
          at: name
        )
      }
      let index = Int32(parser.builder.blocks.count)
      parser.builder.blocks.append(
        Program.BlockInfo(
          name: symbol,
          function: -1,
          isRequired: isRequired,
          isScoped: isScoped
        )
      )
      let node = parser.addNode(.block, a: index, start: opening.start, end: opening.end)
      if isScoped {
        parser.record(.snapshot, node)
        parser.loopMentions += 1
      }
      // A block is compiled by itself: what stands around it does not escape it.
      let outer = parser.escaping
      defer { parser.escaping = outer }
      parser.escaping = parser.options.autoescape ? .on : .off
      let function = try parser.parseFunction(
        kind: .block,
        name: name.value,
        nameToken: name,
        opening: opening,
        tag: "block",
        ends: [.endblock]
      ) { (parser) throws(Failure) in try parser.expectBody() }
      parser.builder.blocks[Int(index)].function = function
      parser.builder.nodes[Int(node)].end = Int32(parser.offset)
      return node
    }
  }
}
