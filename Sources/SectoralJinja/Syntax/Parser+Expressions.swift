import SectoralText

extension Parser {
  /// Counts a level of nesting for as long as `body` runs.
  private mutating func nested<Result>(
    _ body: (inout Parser) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= options.limits.nestingDepth else {
      throw fail(
        "nested too deeply (more than \(options.limits.nestingDepth) levels)",
        id: "jinja.limit-exceeded",
        at: current
      )
    }
    return try body(&self)
  }

  mutating func parseExpression(withConditional: Bool = true) throws(Failure) -> NodeID {
    // Most expressions are one name or literal: not worth the way down the ladder.
    if let node = parseSimple() { return node }
    return try parseOperators(withConditional)
  }

  private mutating func parseSimple() -> NodeID? {
    let token = current
    switch token.kind {
    case .name, .string, .integer, .float: break
    default: return nil
    }
    switch self.token(ahead: 1).kind {
    case .comma, .end, .rightParenthesis, .rightBracket, .rightBrace, .colon: break
    default: return nil
    }
    let node: NodeID
    switch (token.kind, token.known) {
    case (.name, .true?), (.name, .True?), (.name, .false?), (.name, .False?), (.name, .none?),
      (.name, .None?), (.name, .not?):
      return nil
    case (.name, _): node = loadName(token)
    default: node = addNode(.constant, a: token.value, start: Int(token.start), end: Int(token.end))
    }
    move(to: cursor + 1)
    return node
  }

  private mutating func parseOperators(_ withConditional: Bool) throws(Failure) -> NodeID {
    try nested { (parser) throws(Failure) in
      withConditional ? try parser.parseConditional() : try parser.parseOr()
    }
  }

  private mutating func parseConditional() throws(Failure) -> NodeID {
    let reported = diagnostics.count
    var expression = try parseOr()
    while isAt(.if) {
      advance()
      // What is on one side of a condition may be unknown as long as it does not run.
      diagnostics[reported...].removeAll {
        $0.id == "jinja.unknown-filter" || $0.id == "jinja.unknown-test"
      }
      softDepth += 1
      defer { softDepth -= 1 }
      let test = try parseOr()
      var otherwise: NodeID = -1
      if take(.else) {
        otherwise = try nested { (parser) throws(Failure) in try parser.parseConditional() }
      }
      expression = addNode(
        .conditional,
        a: test,
        b: expression,
        c: otherwise,
        start: startOf(expression),
        end: endOf(otherwise >= 0 ? otherwise : test)
      )
    }
    return expression
  }

  private mutating func binary(_ kind: Node.Kind, _ left: NodeID, _ right: NodeID) -> NodeID {
    addNode(kind, a: left, b: right, start: startOf(left), end: endOf(right))
  }

  private mutating func parseOr() throws(Failure) -> NodeID {
    var left = try parseAnd()
    while take(.or) { left = binary(.or, left, try parseAnd()) }
    return left
  }

  private mutating func parseAnd() throws(Failure) -> NodeID {
    var left = try parseNot()
    while take(.and) { left = binary(.and, left, try parseNot()) }
    return left
  }

  private mutating func parseNot() throws(Failure) -> NodeID {
    guard isAt(.not) else { return try parseComparison() }
    let start = Int(advance().start)
    let operand = try nested { (parser) throws(Failure) in try parser.parseNot() }
    return addNode(.not, a: operand, start: start, end: endOf(operand))
  }

  private mutating func comparisonOperator() -> Node.Kind? {
    let kind: Node.Kind
    switch current.kind {
    case .equal: kind = .equal
    case .notEqual: kind = .notEqual
    case .less: kind = .less
    case .lessOrEqual: kind = .lessOrEqual
    case .greater: kind = .greater
    case .greaterOrEqual: kind = .greaterOrEqual
    case .name where isAt(.in): kind = .contains
    case .name where isAt(.not) && symbol(of: token(ahead: 1)) == .in:
      advance()
      kind = .notContains
    default: return nil
    }
    advance()
    return kind
  }

  private mutating func parseComparison() throws(Failure) -> NodeID {
    let first = try parseSum()
    guard let kind = comparisonOperator() else { return first }
    let second = try parseSum()
    guard let next = comparisonOperator() else { return binary(kind, first, second) }
    let mark = pending.count
    pending += [Int32(kind.rawValue), second, Int32(next.rawValue)]
    pending.append(try parseSum())
    while let another = comparisonOperator() {
      pending.append(Int32(another.rawValue))
      pending.append(try parseSum())
    }
    let count = (pending.count - mark) / 2
    let last = pending[pending.count - 1]
    pending.insert(Int32(count), at: mark)
    let list = flushPending(from: mark)
    return addNode(.comparison, a: first, b: list, start: startOf(first), end: endOf(last))
  }

  private mutating func parseSum() throws(Failure) -> NodeID {
    var left = try parseConcatenation()
    while true {
      if take(Token.Kind.add) {
        left = binary(.add, left, try parseConcatenation())
      } else if take(.subtract) {
        left = binary(.subtract, left, try parseConcatenation())
      } else {
        return left
      }
    }
  }

  private mutating func parseConcatenation() throws(Failure) -> NodeID {
    let first = try parseProduct()
    guard isAt(.tilde) else { return first }
    let mark = pending.count
    pending.append(first)
    while take(.tilde) { pending.append(try parseProduct()) }
    let count = Int32(pending.count - mark)
    let end = endOf(pending[pending.count - 1])
    let list = flushPending(from: mark)
    return addNode(
      .concat,
      // Jinja's `~` knows of escaping only where it is known while compiling.
      flag: escaping == .on ? escaping.rawValue : 0,
      a: list,
      b: count,
      start: startOf(first),
      end: end
    )
  }

  private mutating func parseProduct() throws(Failure) -> NodeID {
    var left = try parsePower()
    while true {
      let kind: Node.Kind
      switch current.kind {
      case .multiply: kind = .multiply
      case .divide: kind = .divide
      case .floorDivide: kind = .floorDivide
      case .modulo: kind = .modulo
      default: return left
      }
      advance()
      left = binary(kind, left, try parsePower())
    }
  }

  private mutating func parsePower() throws(Failure) -> NodeID {
    var left = try parseUnary()
    while take(.power) { left = binary(.power, left, try parseUnary()) }
    return left
  }

  mutating func parseUnary(withFilter: Bool = true) throws(Failure) -> NodeID {
    let token = current
    var node: NodeID
    if token.kind == .subtract || token.kind == .add {
      advance()
      let operand = try nested { (parser) throws(Failure) in
        try parser.parseUnary(withFilter: false)
      }
      node = addNode(
        token.kind == .subtract ? .negative : .positive,
        a: operand,
        start: Int(token.start),
        end: endOf(operand)
      )
    } else {
      node = try parsePrimary()
    }
    node = try parsePostfix(node)
    return withFilter ? try parseFilters(node) : node
  }

  // MARK: Primaries

  mutating func parsePrimary() throws(Failure) -> NodeID {
    let token = current
    let start = Int(token.start)
    let end = Int(token.end)
    switch token.kind {
    case .name:
      advance()
      switch token.known {
      case .true?, .True?: return constant(.bool(true), start, end)
      case .false?, .False?: return constant(.bool(false), start, end)
      case .none?, .None?: return constant(.none, start, end)
      default: return loadName(token)
      }
    case .integer, .float:
      advance()
      return addNode(.constant, a: token.value, start: start, end: end)
    case .string:
      advance()
      guard isAt(.string) else {
        return addNode(.constant, a: token.value, start: start, end: end)
      }
      var text = builder.constants[Int(token.value)].asString ?? ""
      var last = end
      while isAt(.string) {
        let next = advance()
        text += builder.constants[Int(next.value)].asString ?? ""
        last = Int(next.end)
      }
      return constant(.string(text), start, last)
    case .leftParenthesis:
      advance()
      let node = try parseTuple(explicitParentheses: true)
      let close = try expect(.rightParenthesis)
      // The span takes the parentheses in, so that a caret under a sum shows all of it.
      if builder.nodes[Int(node)].kind == .tuple {
        builder.nodes[Int(node)].start = Int32(start)
        builder.nodes[Int(node)].end = close.end
      }
      return node
    case .leftBracket: return try parseList()
    case .leftBrace: return try parseDict()
    default:
      throw fail(
        token.kind == .end
          ? "expected an expression, got \(described(token))" : "unexpected \(described(token))",
        at: token
      )
    }
  }

  mutating func constant(_ value: Value, _ start: Int, _ end: Int) -> NodeID {
    addNode(.constant, a: addConstant(value), start: start, end: end)
  }

  mutating func loadName(_ token: Token) -> NodeID {
    let symbol = builder.symbols[Int(token.value)]
    let node = addNode(
      .name,
      a: 0,
      b: token.value,
      c: Int32(bitPattern: symbol.index),
      start: Int(token.start),
      end: Int(token.end)
    )
    record(.load, node)
    switch symbol.known {
    case .loop:
      loopMentions += 1
      loopName = token.value
    case .caller, .varargs, .kwargs: noteSpecial(symbol, token.value)
    default: break
    }
    return node
  }

  private mutating func parseList() throws(Failure) -> NodeID {
    let start = Int(advance().start)
    let mark = pending.count
    while !isAt(.rightBracket) {
      if pending.count > mark { try expect(.comma) }
      if isAt(.rightBracket) { break }
      pending.append(try parseExpression())
    }
    let end = Int(try expect(.rightBracket).end)
    let count = Int32(pending.count - mark)
    let list = flushPending(from: mark)
    return addNode(.list, a: list, b: count, start: start, end: end)
  }

  private mutating func parseDict() throws(Failure) -> NodeID {
    let start = Int(advance().start)
    let mark = pending.count
    while !isAt(.rightBrace) {
      if pending.count > mark { try expect(.comma) }
      if isAt(.rightBrace) { break }
      pending.append(try parseExpression())
      try expect(.colon)
      pending.append(try parseExpression())
    }
    let end = Int(try expect(.rightBrace).end)
    let count = Int32((pending.count - mark) / 2)
    let list = flushPending(from: mark)
    return addNode(.dict, a: list, b: count, start: start, end: end)
  }

  /// An expression, or several with commas as a tuple.
  ///
  /// `stop`: A word that ends the tuple, besides the usual tokens.
  mutating func parseTuple(
    withConditional: Bool = true,
    stop: KnownName? = nil,
    explicitParentheses: Bool = false
  ) throws(Failure) -> NodeID {
    let start = current
    let mark = pending.count
    var isTuple = false
    while true {
      if pending.count > mark { try expect(.comma) }
      if atTupleEnd(stop) { break }
      pending.append(try parseExpression(withConditional: withConditional))
      guard isAt(.comma) else { break }
      isTuple = true
    }
    let count = pending.count - mark
    if !isTuple {
      if count == 1 { return pending.removeLast() }
      guard explicitParentheses else {
        throw fail("expected an expression, got \(described(current))", at: current)
      }
    }
    let end = count == 0 ? Int(start.end) : endOf(pending[pending.count - 1])
    let list = flushPending(from: mark)
    return addNode(.tuple, a: list, b: Int32(count), start: Int(start.start), end: end)
  }

  private func atTupleEnd(_ stop: KnownName?) -> Bool {
    switch current.kind {
    case .end, .rightParenthesis: return true
    case .name: return stop.map { isAt($0) } ?? false
    default: return false
    }
  }

  // MARK: Postfix

  mutating func parsePostfix(_ node: NodeID) throws(Failure) -> NodeID {
    var node = node
    var length = 0
    while true {
      switch current.kind {
      case .dot, .leftBracket: node = try parseSubscript(node)
      case .leftParenthesis: node = try parseCall(node)
      default: return node
      }
      length += 1
      try checkChain(length)
    }
  }

  /// Chains nest as deeply as parentheses when they are evaluated.
  private mutating func checkChain(_ length: Int) throws(Failure) {
    guard length <= 4096 else {
      throw fail("expression is too long", id: "jinja.limit-exceeded", at: current)
    }
  }

  private mutating func parseFilters(_ node: NodeID) throws(Failure) -> NodeID {
    var node = node
    var length = 0
    while true {
      if isAt(.pipe) {
        node = try parseFilter(node)
      } else if isAt(.is) {
        node = try parseTest(node)
      } else if isAt(.leftParenthesis) {
        node = try parseCall(node)
      } else {
        return node
      }
      length += 1
      try checkChain(length)
    }
  }

  private mutating func parseSubscript(_ object: NodeID) throws(Failure) -> NodeID {
    let opening = advance()
    let start = startOf(object)
    if opening.kind == .dot {
      let token = advance()
      switch token.kind {
      case .name:
        let symbol = builder.symbols[Int(token.value)]
        return addNode(
          .attribute,
          a: object,
          b: token.value,
          c: Int32(bitPattern: symbol.index),
          start: start,
          end: Int(token.end)
        )
      case .integer:
        let key = addNode(
          .constant,
          a: token.value,
          start: Int(token.start),
          end: Int(token.end)
        )
        return addNode(.item, a: object, b: key, start: start, end: Int(token.end))
      default:
        throw fail("expected name or number, got \(described(token))", at: token)
      }
    }
    let mark = pending.count
    while !isAt(.rightBracket) {
      if pending.count > mark { try expect(.comma) }
      pending.append(try parseSubscribed())
    }
    let end = Int(try expect(.rightBracket).end)
    let count = pending.count - mark
    let key: NodeID
    if count == 1 {
      key = pending.removeLast()
    } else {
      let list = flushPending(from: mark)
      key = addNode(.tuple, a: list, b: Int32(count), start: Int(opening.start), end: end)
    }
    return addNode(.item, a: object, b: key, start: start, end: end)
  }

  /// What stands between brackets: an index or a slice.
  private mutating func parseSubscribed() throws(Failure) -> NodeID {
    let start = Int(current.start)
    var parts: [NodeID] = [-1, -1, -1]
    if !isAt(.colon) {
      let first = try parseExpression()
      guard isAt(.colon) else { return first }
      parts[0] = first
    }
    advance()
    if !isAt(.colon), !isAt(.rightBracket), !isAt(.comma) { parts[1] = try parseExpression() }
    if take(.colon), !isAt(.rightBracket), !isAt(.comma) { parts[2] = try parseExpression() }
    return addNode(
      .slice,
      a: parts[0],
      b: parts[1],
      c: parts[2],
      start: start,
      end: Int(current.start)
    )
  }

  // MARK: Calls

  private mutating func parseCall(_ callee: NodeID) throws(Failure) -> NodeID {
    let start = startOf(callee)
    let (arguments, end) = try parseArguments()
    let node = builder.nodes[Int(callee)]
    if node.kind == .attribute {
      // The attribute's node becomes the call: `x.append(1)` makes no bound method.
      return addNode(
        .callMethod,
        a: node.a,
        b: arguments,
        c: node.b,
        start: start,
        end: end
      )
    }
    return addNode(.call, a: callee, b: arguments, start: start, end: end)
  }

  /// Arguments with their parentheses.
  ///
  /// Gives where they are in `extra` (counts of positional and keyword arguments, star and
  ///   double star or -1, the positional ones, pairs of name and value), -1 when there are none.
  mutating func parseArguments() throws(Failure) -> (list: Int32, end: Int) {
    try expect(.leftParenthesis)
    if isAt(.rightParenthesis) { return (-1, Int(advance().end)) }
    let mark = pending.count
    var positional = 0
    var keywordNames: Set<Int32> = []
    var star: NodeID = -1
    var doubleStar: NodeID = -1
    var needsComma = false
    while !isAt(.rightParenthesis) {
      if needsComma {
        try expect(.comma)
        if isAt(.rightParenthesis) { break }
      }
      if isAt(.multiply) {
        let token = advance()
        guard star < 0, doubleStar < 0 else { throw invalidCall(token) }
        star = try parseExpression()
      } else if isAt(.power) {
        let token = advance()
        guard doubleStar < 0 else { throw invalidCall(token) }
        doubleStar = try parseExpression()
      } else if current.kind == .name, token(ahead: 1).kind == .assign {
        let name = advance()
        guard doubleStar < 0 else { throw invalidCall(name) }
        advance()
        // As Python, to which Jinja2 leaves it.
        if !keywordNames.insert(name.value).inserted {
          _ = fail(
            "keyword argument repeated: \(builder.names[Int(name.value)])",
            id: "jinja.repeated-name",
            at: name,
            hint: "take one of them out"
          )
        }
        pending.append(name.value)
        pending.append(try parseExpression())
      } else {
        guard star < 0, doubleStar < 0, pending.count == mark + positional else {
          throw invalidCall(current)
        }
        pending.append(try parseExpression())
        positional += 1
      }
      needsComma = true
    }
    let end = Int(try expect(.rightParenthesis).end)
    let keywords = pending.count - mark - positional
    let first = Int32(builder.extra.count)
    builder.extra.append(Int32(positional))
    builder.extra.append(Int32(keywords / 2))
    builder.extra.append(star)
    builder.extra.append(doubleStar)
    builder.extra.append(contentsOf: pending[mark...])
    pending.removeLast(pending.count - mark)
    return (first, end)
  }

  private mutating func invalidCall(_ token: Token) -> Failure {
    fail(
      "invalid syntax for function call expression",
      at: token,
      hint: "positional arguments come first, then name=value, then *args and **kwargs"
    )
  }

  // MARK: Filters and tests

  /// A name with dots, as filters and tests have.
  private mutating func parseDottedName() throws(Failure) -> (index: Int32, token: Token) {
    var token = try expect(.name)
    guard isAt(.dot) else { return (token.value, token) }
    var name = builder.names[Int(token.value)]
    while take(.dot) {
      let part = try expect(.name)
      name += "." + builder.names[Int(part.value)]
      token.end = part.end
    }
    builder.names.append(name)
    builder.symbols.append(Symbol(name))
    return (Int32(builder.names.count - 1), token)
  }

  /// A filter behind the pipe at the cursor.
  mutating func parseFilter(_ operand: NodeID) throws(Failure) -> NodeID {
    advance()
    return try parseFilterName(operand, start: operand < 0 ? tagStart : startOf(operand))
  }

  /// A filter whose name is at the cursor.
  mutating func parseFilterName(_ operand: NodeID, start: Int) throws(Failure) -> NodeID {
    let (name, token) = try parseDottedName()
    let filter = try filterIndex(name, token)
    var arguments: Int32 = -1
    var end = Int(token.end)
    if isAt(.leftParenthesis) { (arguments, end) = try parseArguments() }
    let node = addNode(.filter, a: operand, b: arguments, c: filter, start: start, end: end)
    return node
  }

  private mutating func filterIndex(_ name: Int32, _ token: Token) throws(Failure) -> Int32 {
    if let known = filterIndexes[name], builder.filters[Int(known)].filter != nil || softDepth > 0 {
      return known
    }
    let text = builder.names[Int(name)]
    let filter = environment.filter(named: text)
    if filter == nil, softDepth == 0 {
      _ = fail(
        "No filter named '\(text)'",
        id: "jinja.unknown-filter",
        at: token,
        hint: environment.nearestFilter(to: text).map { "did you mean '\($0)'?" }
      )
    }
    builder.filters.append(FilterEntry(name: text, filter: filter))
    let index = Int32(builder.filters.count - 1)
    filterIndexes[name] = index
    return index
  }

  private mutating func parseTest(_ operand: NodeID) throws(Failure) -> NodeID {
    advance()
    let isNegated = take(.not)
    let (name, token) = try parseDottedName()
    let text = builder.names[Int(name)]
    let index: Int32
    if let known = testIndexes[name], builder.tests[Int(known)].test != nil || softDepth > 0 {
      index = known
    } else {
      let test = environment.test(named: text)
      if test == nil, softDepth == 0 {
        _ = fail(
          "No test named '\(text)'",
          id: "jinja.unknown-test",
          at: token,
          hint: environment.nearestTest(to: text).map { "did you mean '\($0)'?" }
        )
      }
      builder.tests.append(TestEntry(name: text, test: test))
      index = Int32(builder.tests.count - 1)
      testIndexes[name] = index
    }
    var arguments: Int32 = -1
    var end = Int(token.end)
    if isAt(.leftParenthesis) {
      (arguments, end) = try parseArguments()
    } else if beginsTestArgument {
      if isAt(.is) {
        throw fail("you cannot chain multiple tests with 'is'", at: current)
      }
      let argument = try nested { (parser) throws(Failure) in
        try parser.parsePostfix(try parser.parsePrimary())
      }
      arguments = Int32(builder.extra.count)
      builder.extra += [1, 0, -1, -1, argument]
      end = endOf(argument)
    }
    return addNode(
      .test,
      flag: isNegated ? 1 : 0,
      a: operand,
      b: arguments,
      c: index,
      start: startOf(operand),
      end: end
    )
  }

  private var beginsTestArgument: Bool {
    switch current.kind {
    case .name: !(isAt(.else) || isAt(.or) || isAt(.and))
    case .string, .integer, .float, .leftParenthesis, .leftBracket, .leftBrace: true
    default: false
    }
  }
}
