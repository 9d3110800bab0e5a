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
  private struct Reference {
    var slot: Int32
    var depth: Int32
    var isStored: Bool
    var name: Int32
  }

  private var references = ContiguousArray<Reference>()
  /// For each scope, its references: first and count would move, so they are chained by scope.
  private var table: [UInt64: Int32] = [:]
  private var scopeReferences = ContiguousArray<ContiguousArray<Int32>>()

  static func resolve(_ parser: inout Parser) {
    var resolver = NameResolver()
    resolver.run(&parser)
  }

  private mutating func run(_ parser: inout Parser) {
    var slots = ContiguousArray<ContiguousArray<SlotInfo>>(
      repeating: [],
      count: parser.builder.functions.count
    )
    scopeReferences = ContiguousArray(repeating: [], count: parser.scopes.count)
    // Parents come before their children.
    for scope in parser.scopes.indices {
      resolveScope(Int32(scope), &parser, &slots)
    }
    for index in slots.indices {
      parser.builder.functions[index].firstSlot = Int32(parser.builder.slots.count)
      parser.builder.functions[index].slotCount = Int32(slots[index].count)
      parser.builder.slots.append(contentsOf: slots[index])
    }
  }

  private func key(_ scope: Int32, _ name: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: scope)) << 32 | UInt64(UInt32(bitPattern: name))
  }

  /// Names of the context are filed under the function, not a scope.
  private func contextKey(_ function: Int32, _ name: Int32) -> UInt64 {
    1 << 63 | key(function, name)
  }

  private mutating func newSlot(
    _ function: Int32,
    _ name: Int32,
    resolves: Bool,
    _ parser: Parser,
    _ slots: inout ContiguousArray<ContiguousArray<SlotInfo>>
  ) -> Int32 {
    let slot = Int32(slots[Int(function)].count)
    slots[Int(function)].append(
      SlotInfo(symbol: parser.builder.symbols[Int(name)].index, name: name, resolves: resolves)
    )
    return slot
  }

  /// The nearest variable of that name around the scope, and how many functions out it is.
  private func lookup(
    _ name: Int32,
    from scope: Int32,
    _ parser: Parser
  )
    -> (reference: Int32, depth: Int32)?
  {
    var scope = scope
    var depth: Int32 = 0
    while scope >= 0 {
      if let found = table[key(scope, name)] { return (found, depth) }
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

  private mutating func define(
    _ name: Int32,
    in scope: Int32,
    slot: Int32,
    isStored: Bool
  ) {
    references.append(Reference(slot: slot, depth: 0, isStored: isStored, name: name))
    table[key(scope, name)] = Int32(references.count - 1)
    scopeReferences[Int(scope)].append(Int32(references.count - 1))
  }

  private mutating func resolveScope(
    _ id: Int32,
    _ parser: inout Parser,
    _ slots: inout ContiguousArray<ContiguousArray<SlotInfo>>
  ) {
    let scope = parser.scopes[Int(id)]
    let function = scope.function
    var resets: [Int32] = []
    var aliases: [Int32] = []
    var branchDepth = 0
    if case .function(let index) = scope.owner {
      declareSpecials(index, scope: id, &parser, &slots)
    }
    var event = Int(scope.firstEvent) + 1
    while event < Int(scope.endEvent) {
      let kind = parser.events[event].kind
      let value = parser.events[event].value
      event += 1
      switch kind {
      case .load:
        let name = parser.builder.nodes[Int(value)].b
        let place = load(name, scope: id, function: function, &parser, &slots)
        parser.builder.nodes[Int(value)].a = place.depth
        parser.builder.nodes[Int(value)].b = place.slot
      case .parameter:
        let name = parser.builder.nodes[Int(value)].b
        let slot: Int32
        if let existing = table[key(id, name)] {
          slot = references[Int(existing)].slot
        } else {
          slot = newSlot(function, name, resolves: false, parser, &slots)
          define(name, in: id, slot: slot, isStored: true)
        }
        parser.builder.nodes[Int(value)].a = 0
        parser.builder.nodes[Int(value)].b = slot
      case .loopVariable:
        let name = parser.loopName
        let slot = newSlot(function, name, resolves: false, parser, &slots)
        define(name, in: id, slot: slot, isStored: true)
        parser.builder.loops[Int(value)].loopSlot = slot
      case .store:
        let name = parser.builder.nodes[Int(value)].b
        let slot: Int32
        if let existing = table[key(id, name)] {
          slot = references[Int(existing)].slot
        } else {
          // A block sees only the context.
          let isBlock =
            scope.parent >= 0 && parser.builder.functions[Int(function)].kind == .block
            && parser.scopes[Int(scope.parent)].function != function
          let outer =
            scope.parent < 0 || isBlock ? nil : lookup(name, from: scope.parent, parser)
          // Loaded before in this function: then the context's value stands until the store.
          let resolves = branchDepth > 0 || table[contextKey(function, name)] != nil
          slot = newSlot(function, name, resolves: resolves, parser, &slots)
          if let outer {
            let crosses =
              parser.scopes[Int(scope.parent)].function != function ? outer.depth + 1 : outer.depth
            aliases += [slot, crosses, references[Int(outer.reference)].slot]
          } else {
            resets.append(slot)
          }
          define(name, in: id, slot: slot, isStored: true)
        }
        parser.builder.nodes[Int(value)].a = 0
        parser.builder.nodes[Int(value)].b = slot
      case .child:
        event = Int(parser.scopes[Int(value)].endEvent)
      case .branchBegin: branchDepth += 1
      case .branchEnd: branchDepth -= 1
      case .snapshot: snapshot(value, scope: id, &parser)
      case .nothing: break
      }
    }
    if id == 0 {
      for reference in scopeReferences[0] where references[Int(reference)].isStored {
        let entry = references[Int(reference)]
        parser.builder.exports.append(
          (symbol: parser.builder.symbols[Int(entry.name)], slot: entry.slot)
        )
      }
    }
    noteEntry(scope.owner, resets, aliases, &parser)
  }

  private mutating func load(
    _ name: Int32,
    scope: Int32,
    function: Int32,
    _ parser: inout Parser,
    _ slots: inout ContiguousArray<ContiguousArray<SlotInfo>>
  ) -> (slot: Int32, depth: Int32) {
    if let (reference, depth) = lookup(name, from: scope, parser) {
      return (references[Int(reference)].slot, depth)
    }
    if let known = table[contextKey(function, name)] {
      return (references[Int(known)].slot, 0)
    }
    let slot = newSlot(function, name, resolves: true, parser, &slots)
    references.append(Reference(slot: slot, depth: 0, isStored: false, name: name))
    table[contextKey(function, name)] = Int32(references.count - 1)
    return (slot, 0)
  }

  /// `caller`, `varargs`, `kwargs` of a macro whose body mentions them.
  private mutating func declareSpecials(
    _ index: Int32,
    scope: Int32,
    _ parser: inout Parser,
    _ slots: inout ContiguousArray<ContiguousArray<SlotInfo>>
  ) {
    let function = parser.builder.functions[Int(index)]
    // The parser left the index of the name where the slot goes.
    func declare(_ name: Int32) -> Int32 {
      guard name >= 0 else { return -1 }
      let slot = newSlot(index, name, resolves: false, parser, &slots)
      define(name, in: scope, slot: slot, isStored: true)
      return slot
    }
    parser.builder.functions[Int(index)].callerSlot = declare(function.callerSlot)
    parser.builder.functions[Int(index)].kwargsSlot = declare(function.kwargsSlot)
    parser.builder.functions[Int(index)].varargsSlot = declare(function.varargsSlot)
    for position in 0..<Int(function.parameterCount) {
      let parameter = Int(function.firstParameter) + position
      let name = parser.builder.parameters[parameter].name
      let slot: Int32
      if let existing = table[key(scope, name)] {
        slot = references[Int(existing)].slot
      } else {
        slot = newSlot(index, name, resolves: false, parser, &slots)
        define(name, in: scope, slot: slot, isStored: true)
      }
      parser.builder.parameters[parameter].slot = slot
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
      for reference in scopeReferences[Int(scope)] {
        let entry = references[Int(reference)]
        guard entry.isStored, seen.insert(entry.name).inserted else { continue }
        let symbol = parser.builder.symbols[Int(entry.name)]
        parser.builder.extra += [Int32(bitPattern: symbol.index), depth, entry.slot]
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
