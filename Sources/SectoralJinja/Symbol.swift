import Synchronization

/// An interned name: equal names have equal symbols, process-wide, and compare as integers.
public struct Symbol: Hashable, Sendable, ExpressibleByStringLiteral {
  public let index: UInt32

  public init(_ name: String) { self = SymbolTable.shared.intern(name) }
  public init(stringLiteral value: StaticString) { self.init(value.description) }

  init(index: UInt32) { self.index = index }
  init(_ known: KnownName) { self.index = known.rawValue }

  public var name: String { SymbolTable.shared.name(of: self) }

  /// The engine's own name for this symbol, when it is one the engine treats specially.
  @inline(__always)
  var known: KnownName? { KnownName(rawValue: index) }
}

/// The table behind `Symbol`: grows, never shrinks.
private final class SymbolTable: Sendable {
  static let shared = SymbolTable()

  private struct State {
    var names: [String] = []
    var indexes: [String: UInt32] = [:]
  }
  private let state: Mutex<State>

  /// The known names come first, so that a symbol's index is its `KnownName`.
  private init() {
    var state = State()
    state.names.reserveCapacity(2048)
    state.indexes.reserveCapacity(2048)
    for known in KnownName.allCases {
      let name = "\(known)"
      state.indexes[name] = UInt32(state.names.count)
      state.names.append(name)
    }
    self.state = Mutex(state)
  }

  func intern(_ name: String) -> Symbol {
    state.withLock { state in
      if let index = state.indexes[name] { return Symbol(index: index) }
      let index = UInt32(state.names.count)
      state.names.append(name)
      state.indexes[name] = index
      return Symbol(index: index)
    }
  }

  func name(of symbol: Symbol) -> String {
    state.withLock { $0.names[Int(symbol.index)] }
  }
}

/// Names that the engine itself switches over: words of the grammar, methods of Python's types,
/// members of its own objects.
///
/// The spelling of a case is the name; raw values are indexes of the symbol table.
enum KnownName: UInt32, CaseIterable {
  // Words of the grammar.
  case and, or, not, `in`, `is`, `if`, `else`, elif, endif, `for`, endfor, recursive, set, endset
  case macro, endmacro, call, endcall, filter, endfilter, with, endwith, without, context
  case `do`, `break`, `continue`, block, endblock, extends, include, `import`, from, `as`
  case ignore, missing, scoped, required, autoescape, endautoescape, raw, endraw
  case `true`, `false`, none, True, False, None
  case loop, caller, varargs, kwargs, `self`, `super`, namespace
  // str
  case capitalize, casefold, center, count, encode, endswith, expandtabs, find, format, format_map
  case index, isalnum, isalpha, isascii, isdecimal, isdigit, isidentifier, islower, isnumeric
  case isprintable, isspace, istitle, isupper, join, ljust, lower, lstrip, maketrans, partition
  case removeprefix, removesuffix, replace, rfind, rindex, rjust, rpartition, rsplit, rstrip, split
  case splitlines, startswith, strip, swapcase, title, translate, upper, zfill
  // list, dict, set
  case append, clear, copy, extend, insert, pop, remove, reverse, sort
  case fromkeys, get, items, keys, popitem, setdefault, update, values
  case add, difference, difference_update, discard, intersection, intersection_update, isdisjoint
  case issubset, issuperset, symmetric_difference, symmetric_difference_update, union
  // int, float
  case bit_length, bit_count, conjugate, denominator, imag, numerator, real, as_integer_ratio
  case is_integer, hex, to_bytes
  // loop, macro, cycler, range
  case index0, revindex, revindex0, first, last, length, previtem, nextitem, depth, depth0, cycle
  case changed, name, arguments, catch_kwargs, catch_varargs, current, next, reset
  case start, stop, step
}
