#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Distinct hashable values in order of insertion: the keys of a dictionary, the items of a set.
///
/// Up to eight keys are looked for one by one, which is quicker than hashing; beyond that an
/// open-addressing index is kept.
struct KeyTable {
  private(set) var keys: [Value] = []
  private var hashes: [Int] = []
  /// Positions in `keys` plus one; 0 is free, -1 was deleted. Empty while the table is small.
  private var index: [Int32] = []

  private static let linearLimit = 8

  var count: Int { keys.count }

  func find(_ key: Value) -> Int? {
    if index.isEmpty {
      for position in keys.indices where keys[position].isEqual(to: key) { return position }
      return nil
    }
    guard let hash = key.pythonHash else { return nil }
    return probe(hash) { $0.isEqual(to: key) }
  }

  func find(_ key: String) -> Int? {
    if index.isEmpty {
      for position in keys.indices {
        switch keys[position] {
        case .string(let text): if text.isSame(as: key) { return position }
        case .object(let object): if object.isEqual(to: .string(key)) { return position }
        default: break
        }
      }
      return nil
    }
    return probe(Value.hash(of: key)) {
      switch $0 {
      case .string(let text): text.isSame(as: key)
      case .object(let object): object.isEqual(to: .string(key))
      default: false
      }
    }
  }

  private func probe(_ hash: Int, _ matches: (Value) -> Bool) -> Int? {
    let mask = index.count - 1
    var bucket = hash & mask
    while true {
      let entry = Int(index[bucket])
      if entry == 0 { return nil }
      if entry > 0, hashes[entry - 1] == hash, matches(keys[entry - 1]) { return entry - 1 }
      bucket = (bucket + 1) & mask
    }
  }

  /// Adds a key that `find` did not find and that is hashable.
  mutating func append(_ key: Value) {
    keys.append(key)
    guard keys.count > Self.linearLimit else { return }
    if hashes.isEmpty || (keys.count + 1) * 2 > index.count {
      rebuild()
    } else {
      let hash = key.pythonHash ?? 0
      hashes.append(hash)
      place(hash, keys.count - 1)
    }
  }

  mutating func remove(at position: Int) {
    keys.remove(at: position)
    if !index.isEmpty { rebuild() }
  }

  mutating func removeLast() {
    let position = keys.count - 1
    keys.removeLast()
    guard !index.isEmpty else { return }
    let hash = hashes.removeLast()
    let mask = index.count - 1
    var bucket = hash & mask
    while index[bucket] != Int32(position + 1) { bucket = (bucket + 1) & mask }
    index[bucket] = -1
  }

  mutating func removeAll() { self = KeyTable() }

  /// Keeps the keys at the given positions, in that order.
  mutating func keep(_ positions: [Int]) {
    keys = positions.map { keys[$0] }
    rebuild()
  }

  private mutating func place(_ hash: Int, _ position: Int) {
    let mask = index.count - 1
    var bucket = hash & mask
    while index[bucket] > 0 { bucket = (bucket + 1) & mask }
    index[bucket] = Int32(position + 1)
  }

  private mutating func rebuild() {
    guard keys.count > Self.linearLimit else {
      index = []
      hashes = []
      return
    }
    var size = 32
    while size < keys.count * 4 { size *= 2 }
    index = [Int32](repeating: 0, count: size)
    hashes = keys.map { $0.pythonHash ?? 0 }
    for position in keys.indices { place(hashes[position], position) }
  }
}

extension String {
  /// Python's equality of strings: the same code points, where Swift's `==` would also take
  /// canonically equivalent ones.
  func isSame(as other: String) -> Bool {
    let count = utf8.count
    guard count == other.utf8.count else { return false }
    return utf8.withContiguousStorageIfAvailable { a in
      other.utf8.withContiguousStorageIfAvailable { b in
        guard let x = a.baseAddress, let y = b.baseAddress, count > 0 else { return true }
        return x == y || memcmp(x, y, count) == 0
      } ?? utf8.elementsEqual(other.utf8)
    } ?? utf8.elementsEqual(other.utf8)
  }
}
