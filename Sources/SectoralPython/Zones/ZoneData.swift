#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The history of a zone, read from the machine's zoneinfo.
package final class ZoneData: Sendable {
  package struct Phase: Sendable {
    package var offset: Int
    package var isDaylight: Bool
    package var abbreviation: String
  }

  package let name: String
  package let phases: [Phase]
  private let transitions: [(time: Int, phase: Int)]

  /// nil when the bytes are no TZif file.
  init?(name: String, tzif bytes: [UInt8]) {
    guard let (phases, transitions) = ZoneData.read(bytes) else { return nil }
    self.name = name
    self.phases = phases
    self.transitions = transitions
  }

  package func phase(atUTC seconds: Int) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].time <= seconds { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : transitions[low - 1].phase
  }

  /// The phases in which the wall clock shows that time: none in a gap, two in an overlap, earliest
  /// first.
  package func phases(atLocal seconds: Int) -> [Int] {
    var found: [Int] = []
    for probe in [seconds - 86_400, seconds + 86_400] {
      let phase = phase(atUTC: probe - phases[self.phase(atUTC: probe)].offset)
      for candidate in [phase, self.phase(atUTC: probe)] where !found.contains(candidate) {
        let utc = seconds - phases[candidate].offset
        if self.phase(atUTC: utc) == candidate { found.append(candidate) }
      }
    }
    return found.sorted { seconds - phases[$0].offset < seconds - phases[$1].offset }
  }

  private static func read(_ bytes: [UInt8]) -> ([Phase], [(time: Int, phase: Int)])? {
    func header(at start: Int) -> [Int]? {
      guard start + 44 <= bytes.count, Array(bytes[start..<start + 4]) == Array("TZif".utf8) else {
        return nil
      }
      return (0..<6).map { integer(at: start + 20 + $0 * 4, size: 4) }
    }
    func integer(at start: Int, size: Int) -> Int {
      var value = 0
      for byte in bytes[start..<start + size] { value = value << 8 | Int(byte) }
      if size == 4, value > Int(Int32.max) { value -= 1 << 32 }
      return value
    }
    // utc flags, standard flags, leap seconds, times, types, characters
    guard var counts = header(at: 0) else { return nil }
    var start = 44
    var timeSize = 4
    if bytes[4] >= UInt8(ascii: "2") {
      start +=
        counts[3] * 5 + counts[4] * 6 + counts[5] + counts[2] * 8 + counts[1] + counts[0]
      guard let second = header(at: start) else { return nil }
      counts = second
      start += 44
      timeSize = 8
    }
    let indexes = start + counts[3] * timeSize
    let types = indexes + counts[3]
    let characters = types + counts[4] * 6
    guard counts.allSatisfy({ $0 >= 0 }), characters + counts[5] <= bytes.count, counts[4] > 0
    else { return nil }
    let phases = (0..<counts[4]).map { index in
      let entry = types + index * 6
      let nameStart = min(characters + Int(bytes[entry + 5]), characters + counts[5])
      let name = bytes[nameStart..<characters + counts[5]].prefix { $0 != 0 }
      // Whole minutes, as pytz has them: local mean times would have seconds.
      let minutes = CalendarMath.floorDivide(integer(at: entry, size: 4) + 30, 60)
      return Phase(
        offset: minutes * 60,
        isDaylight: bytes[entry + 4] != 0,
        abbreviation: String(decoding: name, as: UTF8.self)
      )
    }
    var transitions: [(time: Int, phase: Int)] = []
    for index in 0..<counts[3] {
      let phase = Int(bytes[indexes + index])
      guard phase < phases.count else { return nil }
      transitions.append((integer(at: start + index * timeSize, size: timeSize), phase))
    }
    return (phases, transitions)
  }

  // MARK: The machine's zones

  private static let folders = [
    "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
  ]

  /// Names are found in any case, as pytz finds them. nil: no such zone.
  package static func named(_ name: String) -> ZoneData? {
    guard !name.isEmpty, !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
      name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    for folder in folders {
      if let bytes = readFile("\(folder)/\(name)"), let data = ZoneData(name: name, tzif: bytes) {
        return data
      }
    }
    let lowered = name.lowercased()
    guard let exact = allNames().first(where: { $0.lowercased() == lowered }), exact != name else {
      return nil
    }
    return named(exact)
  }

  /// The names of all zones, sorted.
  static func allNames() -> [String] {
    var names: Set<String> = []
    for folder in folders {
      guard let text = table(["tzdata.zi"], in: folder) else { continue }
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        if words.count >= 2, words[0] == "Z" { names.insert(String(words[1])) }
        if words.count >= 3, words[0] == "L" { names.insert(String(words[2])) }
      }
      if !names.isEmpty { break }
    }
    return names.sorted()
  }

  /// Country codes with their zones, in the order of the table.
  static func zonesByCountry() -> [(code: String, zones: [String])] {
    var order: [String] = []
    var zones: [String: [String]] = [:]
    for folder in folders {
      guard let text = table(["zone.tab"], in: folder) else { continue }
      for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let fields = line.split(separator: "\t")
        guard fields.count >= 3 else { continue }
        let code = String(fields[0])
        if zones[code] == nil { order.append(code) }
        zones[code, default: []].append(String(fields[2]))
      }
      break
    }
    return order.map { ($0, zones[$0] ?? []) }
  }

  static func countryNames() -> [(code: String, name: String)] {
    for folder in folders {
      guard let text = table(["iso3166.tab"], in: folder) else { continue }
      return text.split(separator: "\n").compactMap { line in
        let fields = line.split(separator: "\t", maxSplits: 1)
        guard !line.hasPrefix("#"), fields.count == 2 else { return nil }
        return (String(fields[0]), String(fields[1]))
      }
    }
    return []
  }

  private static func table(_ names: [String], in folder: String) -> String? {
    for name in names {
      if let bytes = readFile("\(folder)/\(name)") { return String(decoding: bytes, as: UTF8.self) }
    }
    return nil
  }

  private static func readFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        // The buffer has bytes left, so it has an address.
        Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
      }
      if count <= 0 { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }
}
