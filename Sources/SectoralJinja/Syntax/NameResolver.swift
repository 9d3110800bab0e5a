/// Something that happened to a name while parsing, in the order of the text.
struct NameEvent {
  enum Kind: UInt8 {
    /// value: name node.
    case load, store, parameter
    /// `loop` becomes known; value: loop.
    case loopVariable
    /// A scope inside; its own events follow. value: scope.
    case child
    case branchBegin, branchEnd
    /// The node wants to know all names visible here. value: node.
    case snapshot
    case nothing
  }

  var kind: Kind
  var value: Int32
}

/// A region of the text with variables of its own.
struct NameScope {
  var function: Int32
  var parent: Int32
  var firstEvent: Int32
  var endEvent: Int32 = 0
  /// The parser's `softDepth` around it.
  var softDepth = 0
  /// Where to note what has to be done at the scope's beginning.
  var owner = Owner.none

  enum Owner {
    case none
    case function(Int32)
    case loop(Int32)
    case loopElse(Int32)
    /// `entry` is the node's c.
    case nodeC(Int32)
    /// `entry` is the node's b.
    case nodeB(Int32)
  }
}

/// Gives every name its slot.
///
/// Scoping is static, as in Jinja: a name that a scope assigns belongs to that scope (for its
/// whole length: a loop's iteration begins with a copy of the outer variable); other names belong
/// to the nearest scope around, across macros and call blocks; the rest come from the context
/// and are cached in a slot of the function, since a context does not change during a call.
struct NameResolver {
  /// A variable of a scope, or a name that a function takes from the context.
  private struct Reference {
    /// A function's names from the context are filed under -1 - function.
    var scope: Int32
    var name: Int32
    var slot: Int32
    var isStored: Bool
  }

  private var references = ContiguousArray<Reference>()
  /// Finds a reference by its scope and name.
  private var table = PairTable()
  /// Names that a scope's own text mentions before it stores them: scope, name.
  private var loads = PairTable()
  private var slots = ContiguousArray<(function: Int32, info: SlotInfo)>()
  private var slotCounts: ContiguousArray<Int32>

  static func resolve(_ parser: inout Parser) {
    var resolver = NameResolver(parser)
    // Parents come before their children.
    for scope in parser.scopes.indices { resolver.resolveScope(Int32(scope), &parser) }
    resolver.finish(&parser)
  }

  private init(_ parser: borrowing Parser) {
    slotCounts = ContiguousArray(repeating: 0, count: parser.builder.functions.count)
    references.reserveCapacity(32)
    slots.reserveCapacity(32)
  }

  /// Puts the slots of each function side by side.
  private mutating func finish(_ parser: inout Parser) {
    var first: Int32 = 0
    for index in slotCounts.indices {
      parser.builder.functions[index].firstSlot = first
      parser.builder.functions[index].slotCount = slotCounts[index]
      first += slotCounts[index]
      slotCounts[index] = 0
    }
    let none = SlotInfo(symbol: 0, name: 0, resolves: false)
    parser.builder.slots = [SlotInfo](repeating: none, count: slots.count)
    for (function, info) in slots {
      let offset = parser.builder.functions[Int(function)].firstSlot + slotCounts[Int(function)]
      parser.builder.slots[Int(offset)] = info
      slotCounts[Int(function)] += 1
    }
  }

  private func find(_ name: Int32, in scope: Int32) -> Int32? { table.find(scope, name) }

  private func contextScope(_ function: Int32) -> Int32 { -1 - function }

  /// The nearest variable of that name around the scope, and how many functions out it is.
  private func lookup(
    _ name: Int32,
    from scope: Int32,
    _ parser: borrowing Parser
  ) -> (
    reference: Int32, depth: Int32
  )? {
    var scope = scope
    var depth: Int32 = 0
    while scope >= 0 {
      if let found = find(name, in: scope) { return (found, depth) }
      let parent = parser.scopes[Int(scope)].parent
      if parent >= 0 {
        let function = parser.scopes[Int(scope)].function
        if parser.scopes[Int(parent)].function != function {
          // A block sees only the context.
          if parser.builder.functions[Int(function)].kind == .block { return nil }
          depth += 1
        }
      }
      scope = parent
    }
    return nil
  }

  private mutating func newSlot(
    _ function: Int32,
    _ name: Int32,
    resolves: Bool,
    _ parser: borrowing Parser
  ) -> Int32 {
    let slot = slotCounts[Int(function)]
    slotCounts[Int(function)] += 1
    let symbol = parser.builder.symbols[Int(name)].index
    slots.append((function, SlotInfo(symbol: symbol, name: name, resolves: resolves)))
    return slot
  }

  private mutating func define(_ name: Int32, in scope: Int32, slot: Int32, isStored: Bool) {
    references.append(Reference(scope: scope, name: name, slot: slot, isStored: isStored))
    table.add(scope, name, Int32(references.count - 1))
  }

  private mutating func resolveScope(_ id: Int32, _ parser: inout Parser) {
    let scope = parser.scopes[Int(id)]
    let function = scope.function
    var resets: [Int32] = []
    var aliases: [Int32] = []
    var branchDepth = 0
    if case .function(let index) = scope.owner { declareSpecials(index, scope: id, &parser) }
    var event = Int(scope.firstEvent) + 1
    while event < Int(scope.endEvent) {
      let kind = parser.events[event].kind
      let value = parser.events[event].value
      event += 1
      switch kind {
      case .load:
        let name = parser.builder.nodes[Int(value)].b
        if loads.find(id, name) == nil { loads.add(id, name, 0) }
        let place = load(name, scope: id, function: function, parser)
        parser.builder.nodes[Int(value)].a = place.depth
        parser.builder.nodes[Int(value)].b = place.slot
      case .parameter:
        let name = parser.builder.nodes[Int(value)].b
        parser.builder.nodes[Int(value)].a = 0
        parser.builder.nodes[Int(value)].b = declared(name, scope: id, function: function, parser)
      case .loopVariable:
        // Not mentioned anywhere: the loop's body was left because of a mistake.
        guard parser.loopName >= 0 else { continue }
        let slot = newSlot(function, parser.loopName, resolves: false, parser)
        define(parser.loopName, in: id, slot: slot, isStored: true)
        parser.builder.loops[Int(value)].loopSlot = slot
      case .store:
        let name = parser.builder.nodes[Int(value)].b
        let slot: Int32
        if let existing = find(name, in: id) {
          slot = references[Int(existing)].slot
        } else {
          slot = newVariable(
            name,
            id,
            scope,
            isConditional: branchDepth > 0,
            &resets,
            &aliases,
            parser
          )
        }
        parser.builder.nodes[Int(value)].a = 0
        parser.builder.nodes[Int(value)].b = slot
      case .child: event = Int(parser.scopes[Int(value)].endEvent)
      case .branchBegin: branchDepth += 1
      case .branchEnd: branchDepth -= 1
      case .snapshot: snapshot(value, scope: id, &parser)
      case .nothing: break
      }
    }
    if id == 0 {
      for reference in references where reference.scope == 0 && reference.isStored {
        parser.builder.exports.append(
          (symbol: parser.builder.symbols[Int(reference.name)], slot: reference.slot)
        )
      }
    }
    noteEntry(scope.owner, resets, aliases, &parser)
  }

  /// The slot of a variable that the scope begins with.
  private mutating func declared(
    _ name: Int32,
    scope: Int32,
    function: Int32,
    _ parser: borrowing Parser
  ) -> Int32 {
    if let existing = find(name, in: scope) { return references[Int(existing)].slot }
    let slot = newSlot(function, name, resolves: false, parser)
    define(name, in: scope, slot: slot, isStored: true)
    return slot
  }

  /// A variable that the scope assigns for the first time.
  private mutating func newVariable(
    _ name: Int32,
    _ id: Int32,
    _ scope: NameScope,
    isConditional: Bool,
    _ resets: inout [Int32],
    _ aliases: inout [Int32],
    _ parser: borrowing Parser
  ) -> Int32 {
    let function = scope.function
    let crosses = scope.parent >= 0 && parser.scopes[Int(scope.parent)].function != function
    // A block sees only the context.
    let isClosed = crosses && parser.builder.functions[Int(function)].kind == .block
    let outer =
      scope.parent < 0 || isClosed ? nil : lookup(name, from: scope.parent, parser)
    let resolves = isConditional || isLoaded(name, in: id, parser)
    let slot = newSlot(function, name, resolves: resolves, parser)
    if let (reference, depth) = outer {
      aliases += [slot, crosses ? depth + 1 : depth, references[Int(reference)].slot]
    } else {
      resets.append(slot)
    }
    define(name, in: id, slot: slot, isStored: true)
    return slot
  }

  /// Whether the scope loads the name before it stores it, or a scope around loads it anywhere: the
  /// context's value then stands until the store.
  private func isLoaded(_ name: Int32, in scope: Int32, _ parser: borrowing Parser) -> Bool {
    var scope = scope
    while scope >= 0 {
      if loads.find(scope, name) != nil { return true }
      let parent = parser.scopes[Int(scope)].parent
      let function = parser.scopes[Int(scope)].function
      if parent >= 0, parser.scopes[Int(parent)].function != function,
        parser.builder.functions[Int(function)].kind == .block
      {
        return false
      }
      scope = parent
    }
    return false
  }

  private mutating func load(
    _ name: Int32,
    scope: Int32,
    function: Int32,
    _ parser: borrowing Parser
  ) -> (slot: Int32, depth: Int32) {
    if let (reference, depth) = lookup(name, from: scope, parser) {
      return (references[Int(reference)].slot, depth)
    }
    if let known = find(name, in: contextScope(function)) {
      return (references[Int(known)].slot, 0)
    }
    let slot = newSlot(function, name, resolves: true, parser)
    define(name, in: contextScope(function), slot: slot, isStored: false)
    return (slot, 0)
  }

  /// `caller`, `varargs`, `kwargs` of a macro whose body mentions them, and its parameters.
  private mutating func declareSpecials(_ index: Int32, scope: Int32, _ parser: inout Parser) {
    let function = parser.builder.functions[Int(index)]
    // The parser left the index of the name where the slot goes.
    if function.callerSlot >= 0 {
      parser.builder.functions[Int(index)].callerSlot = declared(
        function.callerSlot,
        scope: scope,
        function: index,
        parser
      )
    }
    if function.kwargsSlot >= 0 {
      parser.builder.functions[Int(index)].kwargsSlot = declared(
        function.kwargsSlot,
        scope: scope,
        function: index,
        parser
      )
    }
    if function.varargsSlot >= 0 {
      parser.builder.functions[Int(index)].varargsSlot = declared(
        function.varargsSlot,
        scope: scope,
        function: index,
        parser
      )
    }
    for position in 0..<Int(function.parameterCount) {
      let parameter = Int(function.firstParameter) + position
      parser.builder.parameters[parameter].slot = declared(
        parser.builder.parameters[parameter].name,
        scope: scope,
        function: index,
        parser
      )
    }
  }

  /// Lists what is assigned around the node, nearest first: count, then symbol, depth, slot.
  private mutating func snapshot(_ node: Int32, scope: Int32, _ parser: inout Parser) {
    var scope = scope
    var depth: Int32 = 0
    var seen: Set<Int32> = []
    let first = parser.builder.extra.count
    parser.builder.extra.append(0)
    while scope >= 0 {
      for reference in references where reference.scope == scope && reference.isStored {
        guard seen.insert(reference.name).inserted else { continue }
        let symbol = parser.builder.symbols[Int(reference.name)]
        parser.builder.extra += [Int32(bitPattern: symbol.index), depth, reference.slot]
      }
      let parent = parser.scopes[Int(scope)].parent
      if parent >= 0 {
        let function = parser.scopes[Int(scope)].function
        if parser.scopes[Int(parent)].function != function {
          if parser.builder.functions[Int(function)].kind == .block { break }
          depth += 1
        }
      }
      scope = parent
    }
    parser.builder.extra[first] = Int32(seen.count)
    switch parser.builder.nodes[Int(node)].kind {
    case .include, .block: parser.builder.nodes[Int(node)].b = Int32(first)
    default: parser.builder.nodes[Int(node)].c = Int32(first)
    }
  }

  private func noteEntry(
    _ owner: NameScope.Owner,
    _ resets: [Int32],
    _ aliases: [Int32],
    _ parser: inout Parser
  ) {
    guard !resets.isEmpty || !aliases.isEmpty else { return }
    let entry = Int32(parser.builder.extra.count)
    parser.builder.extra.append(Int32(resets.count))
    parser.builder.extra.append(contentsOf: resets)
    parser.builder.extra.append(Int32(aliases.count / 3))
    parser.builder.extra.append(contentsOf: aliases)
    switch owner {
    case .none: break
    case .function(let index):
      // A fresh frame needs no resets.
      if !aliases.isEmpty { parser.builder.functions[Int(index)].entry = entry }
    case .loop(let index): parser.builder.loops[Int(index)].entry = entry
    case .loopElse(let index): parser.builder.loops[Int(index)].otherwiseEntry = entry
    case .nodeC(let node): parser.builder.nodes[Int(node)].c = entry
    case .nodeB(let node): parser.builder.nodes[Int(node)].b = entry
    }
  }
}

/// A hash table from pairs of integers to integers that are not negative.
struct PairTable {
  private var keys: ContiguousArray<UInt64>
  private var values: ContiguousArray<Int32>
  private var count = 0

  init() {
    keys = ContiguousArray(repeating: 0, count: 64)
    values = ContiguousArray(repeating: -1, count: 64)
  }

  private static func key(_ a: Int32, _ b: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: a)) << 32 | UInt64(UInt32(bitPattern: b))
  }

  private func bucket(_ key: UInt64) -> Int {
    let mixed = key &* 0x9E37_79B9_7F4A_7C15
    var bucket = Int(truncatingIfNeeded: mixed >> 32) & (keys.count - 1)
    while values[bucket] >= 0, keys[bucket] != key { bucket = (bucket + 1) & (keys.count - 1) }
    return bucket
  }

  func find(_ a: Int32, _ b: Int32) -> Int32? {
    let value = values[bucket(Self.key(a, b))]
    return value < 0 ? nil : value
  }

  mutating func add(_ a: Int32, _ b: Int32, _ value: Int32) {
    let key = Self.key(a, b)
    let place = bucket(key)
    keys[place] = key
    values[place] = value
    count += 1
    guard count * 2 > keys.count else { return }
    let (oldKeys, oldValues) = (keys, values)
    keys = ContiguousArray(repeating: 0, count: oldKeys.count * 2)
    values = ContiguousArray(repeating: -1, count: oldKeys.count * 2)
    for index in oldKeys.indices where oldValues[index] >= 0 {
      let place = bucket(oldKeys[index])
      keys[place] = oldKeys[index]
      values[place] = oldValues[index]
    }
  }
}
