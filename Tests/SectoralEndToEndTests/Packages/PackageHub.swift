import Foundation
import Synchronization

/// A stand-in for the package hub: an HTTP server on this machine that answers as it was told.
final class PackageHub: Sendable {
  enum Answer: Sendable {
    case body([UInt8])
    case status(Int)
    /// Half of what was announced.
    case half([UInt8])
    /// Nothing at all.
    case silence
    case redirection(String)

    static func text(_ text: String) -> Answer { .body(Array(text.utf8)) }
  }

  private struct State {
    /// The answers to come for each path; the last one stays.
    var answers: [String: [Answer]] = [:]
    var requests: [String] = []
  }

  private let listener: Int32
  let address: String
  private let state = Mutex(State())

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let status = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) | listen(listener, 16)
          | getsockname(listener, address, &length)
      }
    }
    guard listener >= 0, status == 0 else { throw SectoralError.system("listen", errno) }
    address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    let thread = Thread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let self else { return }
        self.serve(connection)
      }
    }
    thread.start()
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  var requests: [String] { state.withLock { $0.requests } }

  func answer(_ path: String, _ answers: Answer...) {
    state.withLock { $0.answers[path] = answers }
  }

  /// Publishes versions of a package, with their archives.
  ///
  /// `versions`: The files of each; a dbt_project.yml is added.
  /// `packages`: What each asks for, as JSON.
  func publish(
    _ name: String,
    _ versions: [String: [String: String]],
    packages: [String: String] = [:],
    requires: [String: String] = [:],
    project: String? = nil,
    sha1: String? = nil,
    further: String = ""
  ) {
    let bare = name.split(separator: "/").last.map(String.init) ?? name
    let entries = versions.sorted { $0.key < $1.key }.map { version, files in
      var files = files
      files["dbt_project.yml"] = "name: \(project ?? bare)\nversion: '1.0.0'\nprofile: x\n"
      files["version.txt"] = version
      let path = "/tar/\(bare)-\(version).tar.gz"
      let archive = TarGzip.make(files.map { ("\(bare)-\(version)/\($0)", $1) })
      answer(path, .body(archive))
      let sum = sha1.map { ", \"sha1\": \"\($0)\"" } ?? ""
      let required = requires[version].map { ", \"require_dbt_version\": \($0)" } ?? ""
      return """
        "\(version)": {"name": "\(bare)", "version": "\(version)", "packages": \
        \(packages[version] ?? "[]"), "downloads": {"tarball": "\(address)\(path)"\(sum)}\(required)}
        """
    }
    let namespace = name.split(separator: "/").first.map(String.init) ?? ""
    let text = """
      {"name": "\(bare)", "namespace": "\(namespace)", \(further)"versions": {\
      \(entries.joined(separator: ", "))}}
      """
    answer("/api/v1/\(name).json", .text(text))
    state.withLock { state in
      let names = state.answers.keys.filter {
        $0.hasPrefix("/api/v1/") && $0 != "/api/v1/index.json"
      }
      .map { "\"\($0.dropFirst(8).dropLast(5))\"" }.sorted()
      state.answers["/api/v1/index.json"] = [.text("[\(names.joined(separator: ", "))]")]
    }
  }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var request: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
      let count = read(connection, &chunk, chunk.count)
      guard count > 0 else { return }
      request += chunk[..<count]
    }
    let words = String(decoding: request, as: UTF8.self).split(separator: " ")
    guard words.count > 1 else { return }
    let path = String(words[1])
    let answer = state.withLock { state -> Answer in
      state.requests.append(path)
      guard let answers = state.answers[path], let first = answers.first else {
        return .status(404)
      }
      if answers.count > 1 { state.answers[path] = Array(answers.dropFirst()) }
      return first
    }
    func send(_ head: String, _ body: ArraySlice<UInt8> = []) {
      var bytes = Array("HTTP/1.1 \(head)\r\nConnection: close\r\n\r\n".utf8)[...] + body
      while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        bytes = bytes.dropFirst(count)
      }
    }
    switch answer {
    case .body(let body): send("200 OK\r\nContent-Length: \(body.count)", body[...])
    case .half(let body):
      send("200 OK\r\nContent-Length: \(body.count)", body[..<(body.count / 2)])
    case .status(let status): send("\(status) Trouble\r\nContent-Length: 0")
    case .redirection(let place): send("302 Found\r\nContent-Length: 0\r\nLocation: \(place)")
    case .silence: return
    }
  }
}

/// Archives for tests, made without any tool: tar in gzip that does not compress.
enum TarGzip {
  enum Kind: UInt8 {
    case file = 0x30
    case link = 0x32
    case folder = 0x35
  }

  static func make(_ files: [(String, String)]) -> [UInt8] {
    make(files.sorted { $0.0 < $1.0 }.map { ($0.0, Kind.file, $0.1) })
  }

  /// For a link, the text is where it leads.
  static func make(_ entries: [(name: String, kind: Kind, text: String)]) -> [UInt8] {
    var tar: [UInt8] = []
    for (name, kind, text) in entries {
      let data = kind == .file ? Array(text.utf8) : []
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at offset: Int) {
        header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
      }
      put(name, at: 0)
      put("0000644\0", at: 100)
      let size = String(data.count, radix: 8)
      put(String(repeating: "0", count: 11 - size.count) + size + "\0", at: 124)
      put("00000000000\0", at: 136)
      put("        ", at: 148)
      header[156] = kind.rawValue
      if kind == .link { put(text, at: 157) }
      put("ustar\0", at: 257)
      let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
      put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
      tar += header + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }
    return gzip(tar + [UInt8](repeating: 0, count: 1024))
  }

  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    var rest = bytes[...]
    repeat {
      let block = rest.prefix(65535)
      rest = rest.dropFirst(block.count)
      out += [rest.isEmpty ? 1 : 0] + little(block.count, 2) + little(~block.count, 2) + block
    } while !rest.isEmpty
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return out + little(Int(~crc), 4) + little(bytes.count, 4)
  }
}
