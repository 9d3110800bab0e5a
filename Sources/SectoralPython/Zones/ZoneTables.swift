#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The machine's tables of time zones.
package enum ZoneTables {
  private static let folders = [
    "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
  ]

  /// In the folders, but not among pytz's names.
  private static let foreign: Set<String> = ["Factory", "localtime", "posixrules"]

  /// Names are found in any case, as pytz finds them. nil: no such zone.
  package static func named(_ name: String) -> ZoneData? {
    guard !name.isEmpty, !foreign.contains(name), !name.hasPrefix("posix/"),
      !name.hasPrefix("right/"), !name.hasPrefix("/"), !name.split(separator: "/").contains(".."),
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
    return names.subtracting(foreign).sorted()
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
