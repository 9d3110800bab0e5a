import SectoralText

/// The compiled form of a template: arenas of plain data, read through pointers.
///
/// Immutable once made, so any number of threads read it without locks. The constants are
/// strings, numbers and the like, never lists or objects that a template could change.
final class Program: @unchecked Sendable {
  let file: SourceFile
  let options: Options
  let nodes: UnsafePointer<Node>
  let nodeCount: Int
  let extra: UnsafePointer<Int32>
  let constants: UnsafePointer<Value>
  let text: UnsafePointer<UInt8>
  let loops: UnsafePointer<Loop>
  let functions: UnsafePointer<Function>
  let functionCount: Int
  let parameters: [Parameter]
  let slots: [SlotInfo]
  let names: [String]
  let symbols: [Symbol]
  let filters: UnsafePointer<FilterEntry>
  let tests: UnsafePointer<TestEntry>
  let blocks: [BlockInfo]
  /// Variables that the top level defines: what `import` gives.
  let exports: [(symbol: Symbol, slot: Int32)]
  /// Macros at the top level, as indexes of `functions`.
  let definitions: [Int32]
  let hasExtends: Bool

  private let constantCount: Int
  private let filterCount: Int
  private let testCount: Int

  struct BlockInfo {
    var name: Symbol
    var function: Int32
    var isRequired: Bool
    var isScoped: Bool
  }

  init(
    file: SourceFile,
    options: Options,
    builder: ProgramBuilder
  ) {
    self.file = file
    self.options = options
    nodes = copyOf(builder.nodes)
    nodeCount = builder.nodes.count
    extra = copyOf(builder.extra)
    constants = copyOf(builder.constants)
    constantCount = builder.constants.count
    text = copyOf(builder.text)
    loops = copyOf(builder.loops)
    functions = copyOf(builder.functions)
    functionCount = builder.functions.count
    parameters = builder.parameters
    slots = builder.slots
    names = builder.names
    symbols = builder.symbols
    filters = copyOf(builder.filters)
    filterCount = builder.filters.count
    tests = copyOf(builder.tests)
    testCount = builder.tests.count
    blocks = builder.blocks
    exports = builder.exports
    definitions = builder.definitions
    hasExtends = builder.hasExtends
  }

  deinit {
    UnsafeMutablePointer(mutating: constants).deinitialize(count: constantCount)
    UnsafeMutablePointer(mutating: filters).deinitialize(count: filterCount)
    UnsafeMutablePointer(mutating: tests).deinitialize(count: testCount)
    filters.deallocate()
    tests.deallocate()
    nodes.deallocate()
    extra.deallocate()
    constants.deallocate()
    text.deallocate()
    loops.deallocate()
    functions.deallocate()
  }

  func span(of node: NodeID) -> TextSpan {
    guard node >= 0, Int(node) < nodeCount else { return TextSpan(file: file, start: 0, end: 0) }
    let node = nodes[Int(node)]
    return TextSpan(file: file, start: Int(node.start), end: Int(node.end))
  }

  /// `adapter.dispatch` as its parts; nil for anything but names and attributes.
  func path(of id: NodeID) -> [String]? {
    var parts: [String] = []
    var id = id
    while true {
      let node = nodes[Int(id)]
      switch node.kind {
      case .name:
        parts.append(Symbol(index: UInt32(bitPattern: node.c)).name)
        return parts.reversed()
      case .attribute:
        parts.append(names[Int(node.b)])
        id = node.a
      default: return nil
      }
    }
  }

  func name(_ function: Function) -> String {
    function.name < 0 ? "" : names[Int(function.name)]
  }
}

/// A copy of the elements at an address that lasts as long as its owner.
private func copyOf<Element>(_ elements: ContiguousArray<Element>) -> UnsafePointer<Element> {
  let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
  elements.withUnsafeBufferPointer { buffer in
    if let base = buffer.baseAddress { copy.initialize(from: base, count: buffer.count) }
  }
  return UnsafePointer(copy)
}

/// What the parser fills.
struct ProgramBuilder {
  var nodes = ContiguousArray<Node>()
  var extra = ContiguousArray<Int32>()
  var constants = ContiguousArray<Value>()
  var text = ContiguousArray<UInt8>()
  var loops = ContiguousArray<Loop>()
  var functions = ContiguousArray<Function>()
  var parameters: [Parameter] = []
  var slots: [SlotInfo] = []
  var names: [String] = []
  var symbols: [Symbol] = []
  var filters = ContiguousArray<FilterEntry>()
  var tests = ContiguousArray<TestEntry>()
  var blocks: [Program.BlockInfo] = []
  var exports: [(symbol: Symbol, slot: Int32)] = []
  var definitions: [Int32] = []
  var hasExtends = false
}

/// A filter as a template refers to it.
struct FilterEntry {
  let name: String
  /// nil: unknown, allowed inside `if` as in Jinja, an error when it runs.
  let filter: Filter?
}

/// A test as a template refers to it.
struct TestEntry {
  let name: String
  let test: Test?
}

/// A filter's body in a box: closures that are kept in generic containers themselves are called
/// through a thunk.
final class Filter: Sendable {
  let body: FilterBody
  init(_ body: @escaping FilterBody) { self.body = body }
}

/// A test's body in a box.
final class Test: Sendable {
  let body: TestBody
  init(_ body: @escaping TestBody) { self.body = body }
}
