/// The names of one template: finds the index of a name by its bytes without making a `String`.
struct NameTable {
  private struct Entry {
    var hash: UInt32
    var start: Int32
    var length: Int32
    var index: Int32
  }

  private var entries = ContiguousArray<Entry>(
    repeating: Entry(hash: 0, start: 0, length: -1, index: 0),
    count: 64
  )
  private var count = 0

  /// The index of the name in `builder.names`, added there when new.
  mutating func intern(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ start: Int,
    _ end: Int,
    _ builder: inout ProgramBuilder
  ) -> Int32 {
    var hash: UInt32 = 2_166_136_261
    for index in start..<end { hash = (hash ^ UInt32(bytes[index])) &* 16_777_619 }
    let length = end - start
    let mask = entries.count - 1
    var bucket = Int(hash ^ hash >> 15) & mask
    while entries[bucket].length >= 0 {
      let entry = entries[bucket]
      if entry.hash == hash, entry.length == length {
        var position = 0
        let other = Int(entry.start)
        while position < length, bytes[other + position] == bytes[start + position] {
          position += 1
        }
        if position == length { return entry.index }
      }
      bucket = (bucket + 1) & mask
    }
    let (symbol, name) = SymbolTable.shared.intern(
      UnsafeBufferPointer(rebasing: bytes[start..<end]),
      hash
    )
    let index = Int32(builder.names.count)
    builder.names.append(name)
    builder.symbols.append(symbol)
    entries[bucket] = Entry(
      hash: hash,
      start: Int32(start),
      length: Int32(length),
      index: index
    )
    count += 1
    if count * 2 > entries.count { grow() }
    return index
  }

  private mutating func grow() {
    let old = entries
    entries = ContiguousArray(
      repeating: Entry(hash: 0, start: 0, length: -1, index: 0),
      count: old.count * 2
    )
    let mask = entries.count - 1
    for entry in old where entry.length >= 0 {
      var bucket = Int(entry.hash ^ entry.hash >> 15) & mask
      while entries[bucket].length >= 0 { bucket = (bucket + 1) & mask }
      entries[bucket] = entry
    }
  }
}
