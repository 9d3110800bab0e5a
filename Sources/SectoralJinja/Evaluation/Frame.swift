/// The variables of one running function, and what it needs to run.
///
/// Recycled by the interpreter, unless something (a macro defined inside) still holds it.
final class Frame {
  @exclusivity(unchecked) private(set) var program: Program
  @exclusivity(unchecked) private(set) var nodes: UnsafePointer<Node>
  @exclusivity(unchecked) private(set) var extra: UnsafePointer<Int32>
  @exclusivity(unchecked) private(set) var constants: UnsafePointer<Value>
  @exclusivity(unchecked) private(set) var filters: UnsafePointer<FilterEntry>
  @exclusivity(unchecked) private(set) var symbols: UnsafePointer<Symbol>
  @exclusivity(unchecked) private(set) var slots: UnsafeMutablePointer<Value?>
  @exclusivity(unchecked) private(set) var count = 0
  @exclusivity(unchecked) private var capacity: Int
  /// The frame of the function around this one's text.
  @exclusivity(unchecked) private(set) var parent: Frame?
  @exclusivity(unchecked) private(set) var scope: Scope
  @exclusivity(unchecked) private(set) var undefined: UndefinedKind
  @exclusivity(unchecked) private(set) var function: Int32
  /// Blocks of the chain of templates; only in templates with blocks.
  @exclusivity(unchecked) var inheritance: Inheritance?

  init(
    _ program: Program,
    _ function: Int32,
    parent: Frame?,
    scope: Scope,
    undefined: UndefinedKind
  ) {
    self.program = program
    nodes = program.nodes
    extra = program.extra
    constants = program.constants
    filters = program.filters
    symbols = program.symbolAt
    count = Int(program.functions[Int(function)].slotCount)
    capacity = max(16, count)
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: nil, count: count)
    self.parent = parent
    self.scope = scope
    self.undefined = undefined
    self.function = function
  }

  /// Makes a cleared frame ready for another function.
  func reuse(
    _ program: Program,
    _ function: Int32,
    parent: Frame?,
    scope: Scope,
    undefined: UndefinedKind
  ) {
    if program !== self.program {
      self.program = program
      nodes = program.nodes
      extra = program.extra
      constants = program.constants
      filters = program.filters
      symbols = program.symbolAt
    }
    count = Int(program.functions[Int(function)].slotCount)
    if capacity < count {
      slots.deallocate()
      capacity = count * 2
      slots = .allocate(capacity: capacity)
    }
    slots.initialize(repeating: nil, count: count)
    self.parent = parent
    if scope !== self.scope { self.scope = scope }
    self.undefined = undefined
    self.function = function
  }

  /// Lets go of the variables.
  func clear() {
    slots.deinitialize(count: count)
    count = 0
    parent = nil
    inheritance = nil
  }

  deinit {
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  /// Begins a scope: forgets what an earlier pass left, copies outer variables.
  @inline(__always)
  func enter(_ entry: Int32) {
    if entry >= 0 { begin(entry) }
  }

  private func begin(_ entry: Int32) {
    var list = extra + Int(entry)
    let resets = Int(list[0])
    for index in 0..<resets { slots[Int(list[1 + index])] = nil }
    list += 1 + resets
    for index in 0..<Int(list[0]) {
      let alias = list + 1 + index * 3
      slots[Int(alias[0])] = outer(alias[1])?.slots[Int(alias[2])] ?? nil
    }
  }

  /// The frame of the function so many functions around this one's text; nil: it is not running.
  @inline(__always)
  func outer(_ depth: Int32) -> Frame? {
    if depth == 0 { return self }
    var frame = self
    for _ in 0..<depth {
      // Depths come from the resolver, which counted functions around this one.
      guard let parent = frame.parent else { return nil }
      frame = parent
    }
    return frame
  }
}

/// Variables of a running template, as another template sees them.
final class SnapshotScope: Scope {
  private let frame: Frame
  private let names: [(symbol: UInt32, depth: Int32, slot: Int32)]
  private let next: Scope

  /// `list`: In `extra`: count, then symbol, depth, slot; -1: nothing.
  init(_ frame: Frame, list: Int32) {
    self.frame = frame
    next = frame.scope
    var names: [(symbol: UInt32, depth: Int32, slot: Int32)] = []
    if list >= 0 {
      let entries = frame.extra + Int(list)
      for index in 0..<Int(entries[0]) {
        let entry = entries + 1 + index * 3
        names.append((UInt32(bitPattern: entry[0]), entry[1], entry[2]))
      }
    }
    self.names = names
  }

  override func lookup(_ name: Symbol) -> Value? {
    for entry in names where entry.symbol == name.index {
      guard let owner = frame.outer(entry.depth), entry.slot < owner.count else { continue }
      if let value = owner.slots[Int(entry.slot)] { return value }
    }
    return next.lookup(name)
  }
}

/// What the top level of a running template has assigned so far.
final class ExportScope: Scope {
  private let frame: Frame
  private let next: Scope

  init(_ frame: Frame) {
    self.frame = frame
    next = frame.scope
  }

  override func lookup(_ name: Symbol) -> Value? {
    for export in frame.program.exports where export.symbol == name {
      guard export.slot < frame.count else { continue }
      if let value = frame.slots[Int(export.slot)] { return value }
    }
    return next.lookup(name)
  }
}

/// The blocks of a template and of those it extends.
final class Inheritance {
  struct Block {
    let program: Program
    let function: Int32
    let isRequired: Bool
    /// For names that the block looks up.
    let scope: Scope
  }

  /// For each name, from the most derived template to the base.
  @exclusivity(unchecked) var blocks: [Symbol: [Block]] = [:]
  /// What the running template extends, once its tag has run.
  @exclusivity(unchecked) var parent: Template?
  /// The block being rendered, for `super`.
  @exclusivity(unchecked) var current: (name: Symbol, level: Int)?
}
