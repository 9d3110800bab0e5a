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
final class SymbolTable: Sendable {
  static let shared = SymbolTable()

  private struct State {
    var names: [String] = []
    var bytes: [UInt8] = []
    /// Of each name: hash, and where its bytes end.
    var hashes: [UInt32] = []
    var ends: [Int32] = []
    /// Open addressing: an index plus one, 0 is free.
    var buckets = [UInt32](repeating: 0, count: 4096)

    func find(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> UInt32? {
      let mask = buckets.count - 1
      var bucket = Int(hash ^ hash >> 15) & mask
      while buckets[bucket] != 0 {
        let index = Int(buckets[bucket]) - 1
        if hashes[index] == hash {
          let start = index == 0 ? 0 : Int(ends[index - 1])
          if Int(ends[index]) - start == name.count {
            var position = 0
            while position < name.count, bytes[start + position] == name[position] {
              position += 1
            }
            if position == name.count { return UInt32(index) }
          }
        }
        bucket = (bucket + 1) & mask
      }
      return nil
    }

    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> UInt32 {
      let index = UInt32(names.count)
      names.append(String(decoding: name, as: UTF8.self))
      bytes.append(contentsOf: name)
      hashes.append(hash)
      ends.append(Int32(bytes.count))
      if names.count * 2 > buckets.count {
        buckets = [UInt32](repeating: 0, count: buckets.count * 2)
        for index in names.indices { place(UInt32(index)) }
      } else {
        place(index)
      }
      return index
    }

    private mutating func place(_ index: UInt32) {
      let mask = buckets.count - 1
      let hash = hashes[Int(index)]
      var bucket = Int(hash ^ hash >> 15) & mask
      while buckets[bucket] != 0 { bucket = (bucket + 1) & mask }
      buckets[bucket] = index + 1
    }
  }
  private let state: Mutex<State>

  /// The known names come first, so that a symbol's index is its `KnownName`.
  private init() {
    var state = State()
    for known in KnownName.allCases {
      var name = "\(known)"
      _ = name.withUTF8 { state.add($0, SymbolTable.hash($0)) }
    }
    self.state = Mutex(state)
  }

  /// FNV-1a.
  static func hash(_ name: UnsafeBufferPointer<UInt8>) -> UInt32 {
    var hash: UInt32 = 2_166_136_261
    for byte in name { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return hash
  }

  func intern(_ name: String) -> Symbol {
    var name = name
    return name.withUTF8 { intern($0, SymbolTable.hash($0)).symbol }
  }

  func intern(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> (symbol: Symbol, name: String)
  {
    // The lock holds no pointer beyond the call.
    nonisolated(unsafe) let bytes = name
    return state.withLock { state in
      let index = state.find(bytes, hash) ?? state.add(bytes, hash)
      return (Symbol(index: index), state.names[Int(index)])
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
// swift-format-ignore: AlwaysUseLowerCamelCase
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
  case is_integer, hex, to_bytes, from_bytes, fromhex
  // markup, views of dictionaries
  case striptags, unescape, mapping
  // loop, macro, cycler, range
  case index0, revindex, revindex0, first, last, length, previtem, nextitem, depth, depth0, cycle
  case changed, name, arguments, catch_kwargs, catch_varargs, current, next, reset
  case start, stop, step
}
