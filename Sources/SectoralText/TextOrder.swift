extension String {
  /// Python's order of texts: by code points. (Swift's own compares canonical forms.)
  public func precedesByCodePoints(_ other: String) -> Bool {
    // UTF-8 sorts as code points do. Texts of ours are contiguous; others are walked.
    utf8.withContiguousStorageIfAvailable { a in
      other.utf8.withContiguousStorageIfAvailable { b in precedes(a, b) }
    }.flatMap { $0 } ?? utf8.lexicographicallyPrecedes(other.utf8)
  }
}

extension [String] {
  /// The indexes of the texts, in the order of the texts by code points.
  public func orderByCodePoints() -> [Int] {
    // All texts in one buffer: sorting compares bytes, and touches no object.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(reduce(0) { $0 + $1.utf8.count })
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(count)
    for text in self {
      let start = bytes.count
      bytes.append(contentsOf: text.utf8)
      ranges.append(start..<bytes.count)
    }
    return bytes.withUnsafeBufferPointer { bytes in
      ranges.withUnsafeBufferPointer { ranges in
        indices.sorted { a, b in
          let (left, right) = (ranges[a], ranges[b])
          return precedes(.init(rebasing: bytes[left]), .init(rebasing: bytes[right]))
        }
      }
    }
  }
}

/// Eight bytes a step.
private func precedes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  let shorter = min(a.count, b.count)
  let (left, right) = (UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
  var index = 0
  while index + 8 <= shorter {
    let x = left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    let y = right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    if x != y { return x.bigEndian < y.bigEndian }
    index += 8
  }
  while index < shorter {
    if left[index] != right[index] { return left[index] < right[index] }
    index += 1
  }
  return a.count < b.count
}
