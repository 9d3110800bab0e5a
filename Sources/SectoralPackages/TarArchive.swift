internal import SectoralProject
internal import SectoralText

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The files of a .tar.gz, read as a whole before anything is written: packages are other people's
/// files, so a name or a link that leads out of the archive makes it refused.
struct TarArchive {
  struct Entry {
    enum Kind {
      case folder
      case file(Range<Int>, isExecutable: Bool)
      case link(String)
    }

    var path: [String]
    var kind: Kind
  }

  struct Problem: Error {
    let message: String
    let hint: String
    /// Whether another download may do better.
    var isPassing = false
  }

  static let maximumBytes = 1 << 30
  static let maximumEntries = 200_000

  private(set) var entries: [Entry] = []
  private let bytes: [UInt8]

  init(gzip: [UInt8]) throws(Problem) {
    do throws(Gunzip.Problem) {
      bytes = try Gunzip.unpack(gzip, limit: Self.maximumBytes)
    } catch {
      switch error {
      case .notGzip:
        throw Problem(
          message: "it is no .tar.gz file",
          hint: "check the address: a page that asks for a login looks like this too"
        )
      case .damaged:
        throw Problem(
          message: "the .tar.gz file is damaged",
          hint: "run the command again",
          isPassing: true
        )
      case .tooLarge:
        throw Problem(
          message: "it unpacks to more than \(Self.maximumBytes >> 20) MB",
          hint: "check the address: this is more than a package of templates should be"
        )
      }
    }
    try readEntries()
    try check()
  }

  // MARK: Reading

  private mutating func readEntries() throws(Problem) {
    var offset = 0
    var longName: String?
    var longLink: String?
    while offset + 512 <= bytes.count {
      let header = offset..<offset + 512
      if bytes[header].allSatisfy({ $0 == 0 }) { return }
      guard let size = number(offset + 124, 12), size >= 0, hasRightSum(offset),
        size <= bytes.count - offset - 512
      else {
        throw Problem(
          message: "the .tar.gz file is damaged",
          hint: "run the command again",
          isPassing: true
        )
      }
      let data = offset + 512..<offset + 512 + size
      offset += 512 + (size + 511) / 512 * 512
      let type = bytes[header.lowerBound + 156]
      switch type {
      case UInt8(ascii: "L"): longName = text(data)
      case UInt8(ascii: "K"): longLink = text(data)
      case UInt8(ascii: "x"):
        let values = extendedValues(data)
        longName = values["path"] ?? longName
        longLink = values["linkpath"] ?? longLink
      case UInt8(ascii: "g"): continue
      default:
        let name = longName ?? shortName(header.lowerBound)
        let link = longLink ?? text(header.lowerBound + 157..<header.lowerBound + 257)
        let isExecutable = (number(header.lowerBound + 100, 8) ?? 0) & 0o100 != 0
        (longName, longLink) = (nil, nil)
        try add(name, type, data, link, isExecutable)
      }
    }
    // Without the two empty blocks of the end, what came may be half of it.
    throw Problem(
      message: "the .tar file ends too early",
      hint: "run the command again",
      isPassing: true
    )
  }

  private mutating func add(
    _ name: String,
    _ type: UInt8,
    _ data: Range<Int>,
    _ link: String,
    _ isExecutable: Bool
  ) throws(Problem) {
    let path = name.split(separator: "/").filter { $0 != "." }.map(String.init)
    guard !path.isEmpty else { return }
    guard !name.hasPrefix("/"), !path.contains("..") else {
      throw Problem(
        message: "it holds the file '\(name)', which would be written outside the package",
        hint: "do not use this package, and tell those who made it"
      )
    }
    let kind: Entry.Kind
    switch type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
      kind = name.hasSuffix("/") ? .folder : .file(data, isExecutable: isExecutable)
    case UInt8(ascii: "5"): kind = .folder
    case UInt8(ascii: "2"): kind = .link(link)
    case UInt8(ascii: "1"):
      // A hard link: another name of a file that came before.
      let target = link.split(separator: "/").filter { $0 != "." }.map(String.init)
      guard let former = entries.last(where: { $0.path == target }) else {
        throw Problem(
          message: "'\(name)' is a link to '\(link)', which is not in the archive",
          hint: "do not use this package, and tell those who made it"
        )
      }
      kind = former.kind
    default: return  // Devices and pipes are nothing that a package needs.
    }
    entries.append(Entry(path: path, kind: kind))
    if entries.count > Self.maximumEntries {
      throw Problem(
        message: "it holds more than \(Self.maximumEntries) files",
        hint: "check the address: this is more than a package of templates should be"
      )
    }
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range].prefix { $0 != 0 }, as: UTF8.self)
  }

  private func shortName(_ header: Int) -> String {
    let name = text(header..<header + 100)
    let isUstar = text(header + 257..<header + 262) == "ustar"
    let prefix = isUstar ? text(header + 345..<header + 500) : ""
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  /// Octal digits, or big-endian with the highest bit set.
  private func number(_ start: Int, _ length: Int) -> Int? {
    let field = bytes[start..<start + length]
    if let first = field.first, first & 0x80 != 0 {
      return field.dropFirst().reduce(Int(first & 0x7F)) { value, byte in
        value > Int.max >> 9 ? Int.max >> 1 : value << 8 | Int(byte)
      }
    }
    let digits = field.filter { $0 != 0x20 && $0 != 0 }
    if digits.isEmpty { return 0 }
    return Int(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  private func hasRightSum(_ header: Int) -> Bool {
    var sum = 0
    for index in 0..<512 {
      sum += (148..<156).contains(index) ? 0x20 : Int(bytes[header + index])
    }
    return number(header + 148, 8) == sum
  }

  /// `27 path=some/long/name\n`, one after another.
  private func extendedValues(_ range: Range<Int>) -> [String: String] {
    var values: [String: String] = [:]
    var rest = bytes[range]
    while let space = rest.firstIndex(of: 0x20),
      let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
      length > space - rest.startIndex + 1, length <= rest.count
    {
      let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
      if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
        let key = String(decoding: record[..<equals], as: UTF8.self)
        values[key] = String(decoding: record[(equals + 1)...], as: UTF8.self)
      }
      rest = rest.dropFirst(length)
    }
    return values
  }

  // MARK: Safety

  private func check() throws(Problem) {
    var links: Set<[String]> = []
    for entry in entries {
      if case .link(let target) = entry.kind {
        var place = Array(entry.path.dropLast())
        // Within the top folder, which will be the package's own.
        var isInside = !target.hasPrefix("/") && entry.path.count > 1
        for part in target.split(separator: "/") where part != "." {
          if part == ".." {
            isInside = isInside && place.count > 1
            _ = place.popLast()
          } else {
            place.append(String(part))
          }
        }
        guard isInside else {
          throw Problem(
            message: "it holds the link '\(entry.path.joined(separator: "/"))' to '\(target)', "
              + "which leads out of the package",
            hint: "do not use this package, and tell those who made it"
          )
        }
        links.insert(entry.path)
      }
    }
    guard !links.isEmpty else { return }
    for entry in entries {
      for count in 1..<max(1, entry.path.count) where links.contains(Array(entry.path[..<count])) {
        throw Problem(
          message: "it holds the file '\(entry.path.joined(separator: "/"))' behind a link",
          hint: "do not use this package, and tell those who made it"
        )
      }
    }
  }

  // MARK: Writing

  /// Writes everything into a folder, without the one folder that archives have at their top.
  func extract(into folder: String) throws(Failure) {
    let top = entries.first?.path.first
    let hasTop = entries.allSatisfy { entry in
      if entry.path.first != top { return false }
      if entry.path.count == 1, case .folder = entry.kind { return true }
      return entry.path.count > 1
    }
    try FileSystem.makeFolder(folder)
    for entry in entries {
      let path = hasTop ? entry.path.dropFirst() : entry.path[...]
      guard !path.isEmpty else { continue }
      let place = folder + "/" + path.joined(separator: "/")
      switch entry.kind {
      case .folder: try FileSystem.makeFolder(place)
      case .file(let range, let isExecutable):
        try FileSystem.writeDerived(Array(bytes[range]), to: place)
        if isExecutable { chmod(place, 0o755) }
      case .link(let target):
        try FileSystem.makeFolder(FileSystem.parent(of: place))
        unlink(place)
        try FileSystem.link(place, to: target)
      }
    }
  }
}
