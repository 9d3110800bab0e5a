import Synchronization

/// An interned name: equal names have equal symbols, process-wide, and compare as integers.
public struct Symbol: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name's place in the process's table: small, and another one in each process.
  public let index: UInt32

  /// The symbol of a name; names are kept for as long as the process runs.
  public init(_ name: String) { self = SymbolTable.shared.intern(name) }
  /// The symbol of a literal name.
  public init(stringLiteral value: StaticString) { self.init(value.description) }

  init(index: UInt32) { self.index = index }
  init(_ known: KnownName) { self.index = known.rawValue }

  /// nil: nothing has that name yet.
  init?(existing name: String) {
    guard let symbol = SymbolTable.shared.find(name) else { return nil }
    self = symbol
  }

  /// The name itself.
  public var name: String { SymbolTable.shared.name(of: self) }

  /// Whether the name begins with two underscores, which no attribute may.
  var isReserved: Bool { index >= SymbolTable.knownCount && SymbolTable.shared.isReserved(self) }

  /// The engine's own name for this symbol, when it is one the engine treats specially.
  @inline(__always)
  var known: KnownName? { KnownName(rawValue: index) }
}

/// The table behind `Symbol`: grows, never shrinks.
///
/// Rendering reads it from many threads at once, so finding a symbol and its name takes no lock:
/// entries stay where they are once they are published, and a hash table that has become too
/// small is replaced and left to its readers. Only a name that was never seen takes the lock.
final class SymbolTable: @unchecked Sendable {
  // What the pointers lead to is written before it is published through an atomic, and by whoever
  // holds the lock.
  static let shared = SymbolTable()

  /// None of the known names is reserved.
  static let knownCount = UInt32(KnownName.allCases.count)

  private struct Entry {
    let name: String
    let isReserved: Bool
    let bytes: UnsafeBufferPointer<UInt8>
    let hash: UInt32
  }

  /// Open addressing: an index plus one, 0 is free.
  private struct Buckets {
    let mask: Int
    let places: UnsafeMutablePointer<Atomic<UInt32>>

    init(count: Int) {
      mask = count - 1
      places = .allocate(capacity: count)
      for index in 0..<count { (places + index).initialize(to: Atomic(0)) }
    }
  }

  /// Entries in chunks, each as large as all before it.
  private static let firstChunk = 10
  private let chunks: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Entry>?>>
  private let buckets: Atomic<UnsafeMutablePointer<Buckets>>
  /// How many entries there are; held by whoever adds one.
  private let count: Mutex<UInt32>

  /// The known names come first, so that a symbol's index is its `KnownName`.
  private init() {
    chunks = .allocate(capacity: 32)
    for index in 0..<32 { (chunks + index).initialize(to: Atomic(nil)) }
    let table = UnsafeMutablePointer<Buckets>.allocate(capacity: 1)
    table.initialize(to: Buckets(count: 4096))
    buckets = Atomic(table)
    count = Mutex(0)
    for known in KnownName.allCases { _ = intern("\(known)") }
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
    if let index = find(name, hash) { return (Symbol(index: index), entry(index).pointee.name) }
    // The lock holds no pointer beyond the call.
    nonisolated(unsafe) let bytes = name
    return count.withLock { count in
      let index = find(bytes, hash) ?? add(bytes, hash, &count)
      return (Symbol(index: index), entry(index).pointee.name)
    }
  }

  func find(_ name: String) -> Symbol? {
    var name = name
    return name.withUTF8 { find($0, SymbolTable.hash($0)) }.map { Symbol(index: $0) }
  }

  func name(of symbol: Symbol) -> String { entry(symbol.index).pointee.name }

  func isReserved(_ symbol: Symbol) -> Bool { entry(symbol.index).pointee.isReserved }

  private func find(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> UInt32? {
    let table = buckets.load(ordering: .acquiring).pointee
    var bucket = Int(hash ^ hash >> 15) & table.mask
    while true {
      let place = table.places[bucket].load(ordering: .acquiring)
      if place == 0 { return nil }
      let entry = entry(place - 1)
      if entry.pointee.hash == hash, entry.pointee.bytes.elementsEqual(name) { return place - 1 }
      bucket = (bucket + 1) & table.mask
    }
  }

  /// The chunk of an index, and the place in it.
  private static func position(_ index: UInt32) -> (chunk: Int, offset: Int) {
    let shifted = Int(index) + (1 << firstChunk)
    let chunk = Int.bitWidth - 1 - shifted.leadingZeroBitCount
    return (chunk - firstChunk, shifted - (1 << chunk))
  }

  private func entry(_ index: UInt32) -> UnsafeMutablePointer<Entry> {
    let (chunk, offset) = Self.position(index)
    guard let entries = chunks[chunk].load(ordering: .acquiring) else {
      preconditionFailure("a symbol that no table made")
    }
    return entries + offset
  }

  /// With the lock held.
  private func add(
    _ name: UnsafeBufferPointer<UInt8>,
    _ hash: UInt32,
    _ count: inout UInt32
  ) -> UInt32 {
    let index = count
    let (chunk, offset) = Self.position(index)
    if chunks[chunk].load(ordering: .relaxed) == nil {
      chunks[chunk].store(.allocate(capacity: 1 << (chunk + Self.firstChunk)), ordering: .releasing)
    }
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: name.count)
    _ = bytes.initialize(from: name)
    guard let entries = chunks[chunk].load(ordering: .relaxed) else {
      preconditionFailure("the chunk was made above")
    }
    (entries + offset).initialize(
      to: Entry(
        name: String(decoding: name, as: UTF8.self),
        isReserved: name.starts(with: "__".utf8),
        bytes: UnsafeBufferPointer(bytes),
        hash: hash
      )
    )
    count += 1
    var table = buckets.load(ordering: .relaxed).pointee
    if Int(count) * 2 > table.mask {
      table = Buckets(count: (table.mask + 1) * 2)
      for index in 0..<count { place(index, in: table) }
      let larger = UnsafeMutablePointer<Buckets>.allocate(capacity: 1)
      larger.initialize(to: table)
      buckets.store(larger, ordering: .releasing)
    } else {
      place(index, in: table)
    }
    return index
  }

  private func place(_ index: UInt32, in table: Buckets) {
    let hash = entry(index).pointee.hash
    var bucket = Int(hash ^ hash >> 15) & table.mask
    while table.places[bucket].load(ordering: .relaxed) != 0 {
      bucket = (bucket + 1) & table.mask
    }
    table.places[bucket].store(index + 1, ordering: .releasing)
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
  case print, ignore, missing, scoped, required, autoescape, endautoescape, raw, endraw
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
