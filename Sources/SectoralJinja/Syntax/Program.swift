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
  let filters: UnsafePointer<FilterEntry>
  let tests: UnsafePointer<TestEntry>
  let symbolAt: UnsafePointer<Symbol>
  let blocks: [BlockInfo]
  /// Variables that the top level defines: what `import` gives.
  let exports: [(symbol: Symbol, slot: Int32)]
  /// Macros at the top level, as indexes of `functions`.
  let definitions: [Int32]
  let hasExtends: Bool

  private let constantCount: Int
  /// What the pointers point into.
  private let memory: UnsafeMutableRawPointer
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
    // One block for all of them: a compilation is too short for ten allocations.
    var size = BlockSize()
    size.add(builder.nodes)
    size.add(builder.extra)
    size.add(builder.constants)
    size.add(builder.text)
    size.add(builder.loops)
    size.add(builder.functions)
    size.add(builder.filters)
    size.add(builder.tests)
    size.add(builder.symbols)
    var block = Block(size)
    memory = block.memory
    nodes = block.take(builder.nodes)
    nodeCount = builder.nodes.count
    extra = block.take(builder.extra)
    constants = block.take(builder.constants)
    constantCount = builder.constants.count
    text = block.take(builder.text)
    loops = block.take(builder.loops)
    functions = block.take(builder.functions)
    functionCount = builder.functions.count
    filters = block.take(builder.filters)
    filterCount = builder.filters.count
    tests = block.take(builder.tests)
    testCount = builder.tests.count
    symbolAt = block.take(builder.symbols)
    parameters = builder.parameters
    slots = builder.slots
    names = builder.names
    blocks = builder.blocks
    exports = builder.exports
    definitions = builder.definitions
    hasExtends = builder.hasExtends
  }

  deinit {
    UnsafeMutablePointer(mutating: constants).deinitialize(count: constantCount)
    UnsafeMutablePointer(mutating: filters).deinitialize(count: filterCount)
    UnsafeMutablePointer(mutating: tests).deinitialize(count: testCount)
    memory.deallocate()
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

/// How large a block has to be for some arrays.
private struct BlockSize {
  private(set) var bytes = 0

  @inline(__always)
  static func aligned<Element>(_ offset: Int, for type: Element.Type) -> Int {
    (offset + MemoryLayout<Element>.alignment - 1) & ~(MemoryLayout<Element>.alignment - 1)
  }

  @inline(__always)
  mutating func add<Element>(_ elements: ContiguousArray<Element>) {
    bytes =
      Self.aligned(bytes, for: Element.self) + elements.count * MemoryLayout<Element>.stride
  }
}

/// Arrays copied behind each other into one block of memory, in the order in which the size was
/// counted.
private struct Block {
  let memory: UnsafeMutableRawPointer
  private var offset = 0

  init(_ size: BlockSize) {
    memory = .allocate(byteCount: max(16, size.bytes), alignment: 16)
  }

  @inline(__always)
  mutating func take<Element>(_ elements: ContiguousArray<Element>) -> UnsafePointer<Element> {
    let start = BlockSize.aligned(offset, for: Element.self)
    offset = start + elements.count * MemoryLayout<Element>.stride
    return elements.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        return UnsafePointer((memory + start).assumingMemoryBound(to: Element.self))
      }
      return UnsafePointer(
        (memory + start).initializeMemory(as: Element.self, from: base, count: buffer.count)
      )
    }
  }
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
  var symbols = ContiguousArray<Symbol>()
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
  /// Whether it goes through all items of a value at once, which is paid for.
  let goesThrough: Bool

  init(_ body: @escaping FilterBody, goesThrough: Bool = true) {
    self.body = body
    self.goesThrough = goesThrough
  }
}

/// A test's body in a box.
final class Test: Sendable {
  let body: TestBody
  init(_ body: @escaping TestBody) { self.body = body }
}
