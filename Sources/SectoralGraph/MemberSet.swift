/// A set of members of one graph, a bit for each.
package struct MemberSet: Sendable, Hashable {
  private var words: [UInt64]

  /// An empty set for a graph of so many members.
  package init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

  package func contains(_ member: MemberID) -> Bool {
    words[member.offset >> 6] & (1 << UInt64(member.offset & 63)) != 0
  }

  /// Returns whether the member is new.
  @discardableResult
  package mutating func insert(_ member: MemberID) -> Bool {
    let bit: UInt64 = 1 << UInt64(member.offset & 63)
    defer { words[member.offset >> 6] |= bit }
    return words[member.offset >> 6] & bit == 0
  }

  package mutating func remove(_ member: MemberID) {
    words[member.offset >> 6] &= ~(1 << UInt64(member.offset & 63))
  }

  package mutating func formUnion(_ other: MemberSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  package mutating func formIntersection(_ other: MemberSet) {
    for index in words.indices { words[index] &= other.words[index] }
  }

  package mutating func subtract(_ other: MemberSet) {
    for index in words.indices { words[index] &= ~other.words[index] }
  }

  package func union(_ other: MemberSet) -> MemberSet {
    var copy = self
    copy.formUnion(other)
    return copy
  }

  package func isSuperset(of members: some Sequence<MemberID>) -> Bool {
    members.allSatisfy(contains)
  }

  package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
  package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
}

extension MemberSet: Sequence {
  /// Members in the order of their unique ids.
  package struct Iterator: IteratorProtocol {
    fileprivate let words: [UInt64]
    fileprivate var word: UInt64
    fileprivate var place = 0

    package mutating func next() -> MemberID? {
      while word == 0 {
        place += 1
        guard place < words.count else { return nil }
        word = words[place]
      }
      let bit = word.trailingZeroBitCount
      word &= word - 1
      return MemberID(place * 64 + bit)
    }
  }

  package func makeIterator() -> Iterator { Iterator(words: words, word: words.first ?? 0) }
}
