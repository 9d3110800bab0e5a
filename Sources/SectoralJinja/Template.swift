public import SectoralText

/// A compiled template: immutable, rendered from any number of threads at once.
public final class Template: Sendable {
  /// A macro that the template's text defines at its top level.
  public struct Definition: Sendable {
    /// The macro's name.
    public let name: String
    /// The names of its parameters.
    public let parameters: [String]
    /// Which of the template's functions it is.
    public let index: Int
    /// Where it stands.
    public let span: TextSpan
  }

  let program: Program

  init(program: Program) { self.program = program }

  /// The text that was compiled.
  public var file: SourceFile { program.file }

  /// The macros at the top level, in the order of the text.
  public var definitions: [Definition] {
    program.definitions.map { index in
      let function = program.functions[Int(index)]
      let first = Int(function.firstParameter)
      let parameters = program.parameters[first..<first + Int(function.parameterCount)]
      return Definition(
        name: program.name(function),
        parameters: parameters.map { program.names[Int($0.name)] },
        index: Int(index),
        span: TextSpan(file: file, start: Int(function.start), end: Int(function.end))
      )
    }
  }

  /// Whether the template is one expression and nothing else.
  public var isSingleExpression: Bool {
    program.nodes[Int(program.functions[0].body)].kind == .output
  }

  /// The text of a template that has no tags at all.
  public var plainText: String? {
    let node = program.nodes[Int(program.functions[0].body)]
    switch node.kind {
    case .text:
      return String(
        decoding: UnsafeBufferPointer(start: program.text + Int(node.a), count: Int(node.b)),
        as: UTF8.self
      )
    case .sequence where node.b == 0: return ""
    default: return nil
    }
  }
}

/// A call that the template's text contains: `a.b('x', c=1)`; constants only, nil where not
/// constant.
public struct StaticCall: Sendable {
  /// A value that is written out in the text.
  public enum Constant: Sendable {
    /// `'text'`
    case string(String)
    /// `1`
    case int(Int)
    /// `true`
    case bool(Bool)
    /// `1.5`
    case float(Double)
    /// `none`
    case none
  }

  /// ["adapter", "dispatch"]
  public let path: [String]
  /// The positional arguments.
  public let positional: [Constant?]
  /// The keyword arguments.
  public let keyword: [(name: String, value: Constant?)]
  /// `*args` or `**kwargs` stand there too.
  public let isOpen: Bool
  /// Where it stands.
  public let span: TextSpan
}

extension Template {
  /// In the order of the text, macro bodies included.
  public var staticCalls: [StaticCall] {
    var calls: [StaticCall] = []
    for index in 0..<program.nodeCount {
      let node = program.nodes[index]
      let path: [String]?
      switch node.kind {
      case .call: path = program.path(of: node.a)
      case .callMethod: path = program.path(of: node.a).map { $0 + [program.names[Int(node.c)]] }
      default: continue
      }
      guard let path else { continue }
      calls.append(call(node, path))
    }
    return calls.sorted { $0.span.start < $1.span.start }
  }

  private func call(_ node: Node, _ path: [String]) -> StaticCall {
    var positional: [StaticCall.Constant?] = []
    var keyword: [(name: String, value: StaticCall.Constant?)] = []
    var isOpen = false
    if node.b >= 0 {
      let list = program.extra + Int(node.b)
      let count = Int(list[0])
      isOpen = list[2] >= 0 || list[3] >= 0
      for index in 0..<count { positional.append(constant(list[4 + index])) }
      for index in 0..<Int(list[1]) {
        let pair = list + 4 + count + index * 2
        keyword.append((name: program.names[Int(pair[0])], value: constant(pair[1])))
      }
    }
    return StaticCall(
      path: path,
      positional: positional,
      keyword: keyword,
      isOpen: isOpen,
      span: TextSpan(file: file, start: Int(node.start), end: Int(node.end))
    )
  }

  private func constant(_ id: NodeID) -> StaticCall.Constant? {
    let node = program.nodes[Int(id)]
    guard node.kind == .constant else { return nil }
    switch program.constants[Int(node.a)] {
    case .string(let text): return .string(text)
    case .int(let int): return .int(int)
    case .bool(let bool): return .bool(bool)
    case .float(let double): return .float(double)
    case .none: return StaticCall.Constant.none
    default: return nil
    }
  }
}
