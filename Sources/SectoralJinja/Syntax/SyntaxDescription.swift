import SectoralText

/// A keyword argument of a call as it was written, described as Jinja2 shows its syntax tree
/// (`repr` of its nodes): `Keyword(key='a', value=Const(value=1))`.
public struct WrittenKeyword: Sendable {
  /// The argument's name.
  public let name: String
  /// The description of the argument.
  public let text: String
}

extension Template {
  /// The keyword arguments of the first call of a bare name in the text; nil where there is none.
  public func firstCall(of name: String, _ interpreter: Interpreter) -> [WrittenKeyword]? {
    var first: Node?
    for index in 0..<program.nodeCount {
      let node = program.nodes[index]
      guard node.kind == .call, program.path(of: node.a) == [name] else { continue }
      // What contains others begins where they do, or before.
      if let other = first, (other.start, -other.end) <= (node.start, -node.end) { continue }
      first = node
    }
    guard let first else { return nil }
    let describer = SyntaxDescriber(program: program, interpreter: interpreter)
    return describer.keywords(first.b).map { WrittenKeyword(name: $0.name, text: $0.text) }
  }
}

/// Writes expressions as Jinja2's nodes print themselves.
struct SyntaxDescriber {
  let program: Program
  let interpreter: Interpreter

  func keywords(_ list: Int32) -> [(name: String, text: String)] {
    guard list >= 0 else { return [] }
    let arguments = program.extra + Int(list)
    let pairs = arguments + 4 + Int(arguments[0])
    return (0..<Int(arguments[1])).map { index in
      let name = program.names[Int(pairs[index * 2])]
      let value = describe(pairs[index * 2 + 1])
      return (name, "Keyword(key=\(quoted(name)), value=\(value))")
    }
  }

  private func describe(_ id: NodeID) -> String {
    guard id >= 0 else { return "None" }
    let node = program.nodes[Int(id)]
    switch node.kind {
    case .constant: return "Const(value=\(repr(program.constants[Int(node.a)])))"
    case .name:
      let name = Symbol(index: UInt32(bitPattern: node.c)).name
      return "Name(name=\(quoted(name)), ctx='load')"
    case .attribute: return attribute(node.a, program.names[Int(node.b)])
    case .item:
      return "Getitem(node=\(describe(node.a)), arg=\(describe(node.b)), ctx='load')"
    case .slice:
      return "Slice(start=\(describe(node.a)), stop=\(describe(node.b)), step=\(describe(node.c)))"
    case .call: return "Call(node=\(describe(node.a)), \(arguments(node.b)))"
    case .callMethod:
      let callee = attribute(node.a, program.names[Int(node.c)])
      return "Call(node=\(callee), \(arguments(node.b)))"
    case .filter:
      let name = program.filters[Int(node.c)].name
      return "Filter(node=\(describe(node.a)), name=\(quoted(name)), \(arguments(node.b)))"
    case .test:
      let name = program.tests[Int(node.c)].name
      let test = "Test(node=\(describe(node.a)), name=\(quoted(name)), \(arguments(node.b)))"
      return node.flag == 1 ? "Not(node=\(test))" : test
    case .not: return "Not(node=\(describe(node.a)))"
    case .negative: return "Neg(node=\(describe(node.a)))"
    case .positive: return "Pos(node=\(describe(node.a)))"
    case .concat: return "Concat(nodes=[\(list(node.a, node.b))])"
    case .list: return "List(items=[\(list(node.a, node.b))])"
    case .tuple: return "Tuple(items=[\(list(node.a, node.b))], ctx='load')"
    case .dict:
      let pairs = (0..<Int(node.b)).map { index in
        let key = describe(program.extra[Int(node.a) + index * 2])
        return "Pair(key=\(key), value=\(describe(program.extra[Int(node.a) + index * 2 + 1])))"
      }
      return "Dict(items=[\(pairs.joined(separator: ", "))])"
    case .conditional:
      return "CondExpr(test=\(describe(node.a)), expr1=\(describe(node.b)), "
        + "expr2=\(describe(node.c)))"
    case .comparison:
      let operands = program.extra + Int(node.b)
      let parts = (0..<Int(operands[0])).map { index in
        // The parser wrote a kind there.
        let kind = Node.Kind(rawValue: UInt8(operands[1 + index * 2])) ?? .equal
        return operand(kind, operands[2 + index * 2])
      }
      return "Compare(expr=\(describe(node.a)), ops=[\(parts.joined(separator: ", "))])"
    default:
      if let name = Self.binaryNames[node.kind] {
        return "\(name)(left=\(describe(node.a)), right=\(describe(node.b)))"
      }
      return "Compare(expr=\(describe(node.a)), ops=[\(operand(node.kind, node.b))])"
    }
  }

  private static let binaryNames: [Node.Kind: String] = [
    .and: "And", .or: "Or", .add: "Add", .subtract: "Sub", .multiply: "Mul", .divide: "Div",
    .floorDivide: "FloorDiv", .modulo: "Mod", .power: "Pow",
  ]

  private static let comparisonNames: [Node.Kind: String] = [
    .equal: "eq", .notEqual: "ne", .less: "lt", .lessOrEqual: "lteq", .greater: "gt",
    .greaterOrEqual: "gteq", .contains: "in", .notContains: "notin",
  ]

  private func operand(_ kind: Node.Kind, _ id: NodeID) -> String {
    "Operand(op='\(Self.comparisonNames[kind] ?? "eq")', expr=\(describe(id)))"
  }

  private func attribute(_ object: NodeID, _ name: String) -> String {
    "Getattr(node=\(describe(object)), attr=\(quoted(name)), ctx='load')"
  }

  private func list(_ start: Int32, _ count: Int32) -> String {
    (0..<Int(count)).map { describe(program.extra[Int(start) + $0]) }.joined(separator: ", ")
  }

  private func arguments(_ list: Int32) -> String {
    guard list >= 0 else { return "args=[], kwargs=[], dyn_args=None, dyn_kwargs=None" }
    let arguments = program.extra + Int(list)
    let positional = (0..<Int(arguments[0])).map { describe(arguments[4 + $0]) }
    return "args=[\(positional.joined(separator: ", "))], "
      + "kwargs=[\(keywords(list).map(\.text).joined(separator: ", "))], "
      + "dyn_args=\(describe(arguments[2])), dyn_kwargs=\(describe(arguments[3]))"
  }

  private func quoted(_ text: String) -> String { repr(.string(text)) }

  /// As Python writes a constant; those of templates can always be written.
  private func repr(_ value: Value) -> String {
    do { return try interpreter.reprText(of: value) } catch { return error.diagnostic.message }
  }
}

/// A call whose arguments are all written out: `ref('a', v=1)`.
public struct LiteralCall: Sendable {
  /// What an argument is made of.
  public indirect enum Shape: Sendable {
    /// A text.
    case string
    /// A whole number without a sign.
    case integer
    /// `True` or `False`, as Python writes them.
    case pythonBool
    /// A list.
    case list([Shape])
    /// The keys and values of a dictionary.
    case dict([Shape])
    /// Anything else: numbers, `true`, names, calls.
    case other
  }

  /// The name that is called.
  public let name: String
  /// The positional arguments.
  public let positional: [Shape]
  /// The keyword arguments.
  public let keyword: [(name: String, value: Shape)]
}

extension Template {
  /// The calls of a template that has nothing but texts, comments, and outputs of one call of a bare
  /// name each; nil for any other.
  public var literalCalls: [LiteralCall]? {
    let describer = SyntaxShapes(program: program)
    let body = program.functions[0].body
    let root = program.nodes[Int(body)]
    let statements =
      root.kind == .sequence ? (0..<Int(root.b)).map { program.extra[Int(root.a) + $0] } : [body]
    var calls: [LiteralCall] = []
    for statement in statements {
      let node = program.nodes[Int(statement)]
      switch node.kind {
      case .text: continue
      case .output:
        guard let call = describer.call(node.a) else { return nil }
        calls.append(call)
      default: return nil
      }
    }
    return calls
  }
}

/// What the arguments of calls are made of.
private struct SyntaxShapes {
  let program: Program

  func call(_ id: NodeID) -> LiteralCall? {
    let node = program.nodes[Int(id)]
    guard node.kind == .call, let path = program.path(of: node.a), path.count == 1 else {
      return nil
    }
    guard node.b >= 0 else { return LiteralCall(name: path[0], positional: [], keyword: []) }
    let arguments = program.extra + Int(node.b)
    guard arguments[2] < 0, arguments[3] < 0 else { return nil }
    let count = Int(arguments[0])
    let pairs = arguments + 4 + count
    return LiteralCall(
      name: path[0],
      positional: (0..<count).map { shape(arguments[4 + $0]) },
      keyword: (0..<Int(arguments[1])).map { index in
        (program.names[Int(pairs[index * 2])], shape(pairs[index * 2 + 1]))
      }
    )
  }

  private func shape(_ id: NodeID) -> LiteralCall.Shape {
    let node = program.nodes[Int(id)]
    func items(_ count: Int) -> [LiteralCall.Shape] {
      (0..<count).map { shape(program.extra[Int(node.a) + $0]) }
    }
    switch node.kind {
    case .constant:
      switch program.constants[Int(node.a)] {
      case .string: return .string
      case .int: return .integer
      case .bool:
        let first = program.file.bytes[Int(node.start)]
        return first == UInt8(ascii: "T") || first == UInt8(ascii: "F") ? .pythonBool : .other
      default: return .other
      }
    case .list: return .list(items(Int(node.b)))
    case .dict: return .dict(items(Int(node.b) * 2))
    default: return .other
    }
  }
}

extension Template {
  /// Whether the template is one expression that is made of literals alone, filters and tests included
  /// that need no context; `excluding`: filters that do not count as such.
  ///
  /// Jinja evaluates those while it compiles, and keeps the text that they print.
  public func isConstant(excluding filters: Set<String> = []) -> Bool {
    let root = program.nodes[Int(program.functions[0].body)]
    guard root.kind == .output else { return false }
    return SyntaxConstants(program: program, excluded: filters).isConstant(root.a)
  }
}

/// What Jinja's optimizer can evaluate.
private struct SyntaxConstants {
  let program: Program
  let excluded: Set<String>

  /// Filters that look at the context.
  private static let contextual: Set<String> = [
    "map", "select", "reject", "selectattr", "rejectattr", "random",
  ]

  func isConstant(_ id: NodeID) -> Bool {
    guard id >= 0 else { return true }
    let node = program.nodes[Int(id)]
    switch node.kind {
    case .constant: return true
    case .list, .tuple, .concat: return areConstant(node.a, node.b)
    case .dict: return areConstant(node.a, node.b * 2)
    case .item, .and, .or, .add, .subtract, .multiply, .divide, .floorDivide, .modulo, .power,
      .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .contains, .notContains:
      return isConstant(node.a) && isConstant(node.b)
    case .slice, .conditional:
      return isConstant(node.a) && isConstant(node.b) && isConstant(node.c)
    case .attribute, .not, .negative, .positive: return isConstant(node.a)
    case .filter:
      let name = program.filters[Int(node.c)].name
      return !excluded.contains(name) && !Self.contextual.contains(name) && isConstant(node.a)
        && areArgumentsConstant(node.b)
    case .test: return isConstant(node.a) && areArgumentsConstant(node.b)
    case .comparison:
      let operands = program.extra + Int(node.b)
      return isConstant(node.a)
        && (0..<Int(operands[0])).allSatisfy { isConstant(operands[2 + $0 * 2]) }
    default: return false
    }
  }

  private func areConstant(_ start: Int32, _ count: Int32) -> Bool {
    (0..<Int(count)).allSatisfy { isConstant(program.extra[Int(start) + $0]) }
  }

  private func areArgumentsConstant(_ list: Int32) -> Bool {
    guard list >= 0 else { return true }
    let arguments = program.extra + Int(list)
    let count = Int(arguments[0])
    return arguments[2] < 0 && arguments[3] < 0
      && (0..<count).allSatisfy { isConstant(arguments[4 + $0]) }
      && (0..<Int(arguments[1])).allSatisfy { isConstant(arguments[4 + count + $0 * 2 + 1]) }
  }
}
