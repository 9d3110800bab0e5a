/// A TZif file (RFC 9636), taken apart.
struct ZoneFile {
  struct LocalType: Equatable {
    var offset: Int
    var isDaylight: Bool
    var abbreviation: String
  }

  private(set) var types: [LocalType] = []
  /// In order, from 1901 to 2037: what 32 bits of seconds hold, as in the files that pytz brings.
  private(set) var transitions: [(time: Int, type: Int)] = []

  /// nil: no such file, or a damaged one.
  init?(_ bytes: [UInt8]) {
    let reader = Reader(bytes: bytes)
    guard var block = reader.block(at: 0, timeSize: 4) else { return nil }
    var footer: Substring?
    if bytes[4] >= UInt8(ascii: "2") {
      guard let second = reader.block(at: block.end, timeSize: 8) else { return nil }
      block = second
      footer = reader.footer(at: block.end)
    }
    guard let types = reader.types(block) else { return nil }
    self.types = types
    guard var found = reader.transitions(block, typeCount: types.count) else { return nil }
    if let footer, let rule = ZoneRule(footer) { found += later(rule, after: found.last?.time) }
    keep(found)
  }

  /// The transitions that the rule makes after those of the table, to the end of 2037.
  private mutating func later(_ rule: ZoneRule, after last: Int?) -> [(time: Int, type: Int)] {
    guard let daylight = rule.daylight, let last else { return [] }
    func index(_ type: LocalType, _ types: inout [LocalType]) -> Int {
      if let known = types.firstIndex(of: type) { return known }
      types.append(type)
      return types.count - 1
    }
    let standardIndex = index(rule.standard, &types)
    let daylightIndex = index(daylight.type, &types)
    var found: [(time: Int, type: Int)] = []
    let first = CalendarMath.date(ofDay: CalendarMath.floorDivide(last, 86_400)).year
    guard first <= 2037 else { return [] }
    for year in first...2037 {
      var both = [
        (time: daylight.start.seconds(in: year) - rule.standard.offset, type: daylightIndex),
        (time: daylight.end.seconds(in: year) - daylight.type.offset, type: standardIndex),
      ]
      if both[0].time > both[1].time { both.swapAt(0, 1) }
      found += both.filter { $0.time > last }
    }
    return found
  }

  /// What came before 1901 is one step at the first second of the range.
  private mutating func keep(_ all: [(time: Int, type: Int)]) {
    let range = Int(Int32.min)...Int(Int32.max)
    if let early = all.last(where: { $0.time < range.lowerBound }),
      all.first(where: { $0.time >= range.lowerBound })?.time != range.lowerBound
    {
      transitions.append((range.lowerBound, early.type))
    }
    transitions += all.filter { range.contains($0.time) }
  }

  // MARK: Bytes

  private struct Block {
    var counts: [Int]
    var times: Int
    var timeSize: Int
    var indexes: Int { times + timeCount * timeSize }
    var types: Int { indexes + timeCount }
    var characters: Int { types + typeCount * 6 }
    var end: Int {
      characters + characterCount + leapCount * (timeSize + 4) + counts[1] + counts[0]
    }
    var leapCount: Int { counts[2] }
    var timeCount: Int { counts[3] }
    var typeCount: Int { counts[4] }
    var characterCount: Int { counts[5] }
  }

  private struct Reader {
    let bytes: [UInt8]

    func integer(at start: Int, size: Int) -> Int {
      var value = 0
      for byte in bytes[start..<start + size] { value = value << 8 | Int(byte) }
      if size == 4, value > Int(Int32.max) { value -= 1 << 32 }
      return value
    }

    func block(at start: Int, timeSize: Int) -> Block? {
      guard start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else {
        return nil
      }
      let counts = (0..<6).map { integer(at: start + 20 + $0 * 4, size: 4) }
      guard counts.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else { return nil }
      let block = Block(counts: counts, times: start + 44, timeSize: timeSize)
      guard block.end <= bytes.count, block.typeCount > 0 else { return nil }
      return block
    }

    func types(_ block: Block) -> [LocalType]? {
      let end = block.characters + block.characterCount
      return (0..<block.typeCount).map { index in
        let entry = block.types + index * 6
        let start = min(block.characters + Int(bytes[entry + 5]), end)
        return LocalType(
          offset: integer(at: entry, size: 4),
          isDaylight: bytes[entry + 4] != 0,
          abbreviation: String(decoding: bytes[start..<end].prefix { $0 != 0 }, as: UTF8.self)
        )
      }
    }

    func transitions(_ block: Block, typeCount: Int) -> [(time: Int, type: Int)]? {
      var found: [(time: Int, type: Int)] = []
      for index in 0..<block.timeCount {
        let type = Int(bytes[block.indexes + index])
        guard type < typeCount else { return nil }
        let time = integer(at: block.times + index * block.timeSize, size: block.timeSize)
        found.append((time, type))
      }
      return found
    }

    /// The rule for all later times, between two line ends.
    func footer(at start: Int) -> Substring? {
      guard start < bytes.count, bytes[start] == 10,
        let end = bytes[(start + 1)...].firstIndex(of: 10)
      else { return nil }
      return Substring(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    }
  }
}
