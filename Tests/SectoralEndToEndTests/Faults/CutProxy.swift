import Foundation
import Glibc
import Synchronization

/// A way to a server that breaks at a chosen place, once.
///
/// Bytes go through unchanged both ways, each connection on threads of its own.
final class CutProxy: Sendable {
  /// Where a connection is cut. All texts are looked for in single chunks.
  enum Place: Sendable {
    /// Instead of passing on what the client sends with this text in it.
    case request(String)
    /// After the client sent this text, instead of the server's next answer with this tag.
    case answer(tag: String, after: String)
    /// The same, and nothing that comes before that answer is passed on either.
    case silence(tag: String, after: String)
    /// So long after the client sent this text; what comes in between is passed on.
    case later(Duration, after: String)
    /// Not cut: after the client sent this text nothing is passed on any more, on no connection, and new ones get
    /// no answer. So it is when packets are dropped.
    case stillness(after: String)
  }

  let port: Int
  private let listener: Int32
  private let target: Int
  private let state: Mutex<State>

  private struct State {
    var place: Place?
    var cuts = 0
    var isStill = false
  }

  init(to target: Int, cutting place: Place) throws {
    self.target = target
    state = Mutex(State(place: place))
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard listener >= 0 else { throw SectoralError.system("socket", errno) }
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    var address = Self.address(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          ? getsockname(listener, $0, &length) : -1
      }
    }
    guard status == 0 else { throw SectoralError.system("bind", errno) }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in accept() }
  }

  /// How often a connection was cut.
  var cuts: Int { state.withLock { $0.cuts } }

  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func address(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private func accept() {
    while true {
      let client = Glibc.accept(listener, nil, nil)
      guard client >= 0 else { return }
      _ = fcntl(client, F_SETFD, FD_CLOEXEC)
      // It stays open, for as long as the tests run.
      if state.withLock({ $0.isStill }) { continue }
      let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      _ = fcntl(server, F_SETFD, FD_CLOEXEC)
      var address = Self.address(target)
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0 else {
        Glibc.close(client)
        Glibc.close(server)
        continue
      }
      let pair = Pair(client: client, server: server)
      Thread.detachNewThread { [self] in requests(pair) }
      Thread.detachNewThread { [self] in answers(pair) }
    }
  }

  private final class Pair: Sendable {
    let client: Int32
    let server: Int32
    /// The client sent what `answer` waits for.
    let isArmed = Atomic(false)

    init(client: Int32, server: Int32) {
      self.client = client
      self.server = server
    }

    deinit {
      Glibc.close(client)
      Glibc.close(server)
    }

    func cut() {
      shutdown(client, Int32(SHUT_RDWR))
      shutdown(server, Int32(SHUT_RDWR))
    }
  }

  private func take() { state.withLock { ($0.place, $0.cuts) = (nil, $0.cuts + 1) } }

  private func requests(_ pair: Pair) {
    while let chunk = Self.read(pair.client) {
      let text = String(decoding: chunk, as: UTF8.self)
      switch state.withLock({ $0.place }) {
      case .request(let words) where text.contains(words):
        take()
        return pair.cut()
      case .answer(_, let words) where text.contains(words),
        .silence(_, let words) where text.contains(words):
        pair.isArmed.store(true, ordering: .relaxed)
      case .later(let time, let words) where text.contains(words):
        take()
        Thread.detachNewThread {
          usleep(
            UInt32(time.components.seconds) * 1_000_000
              + UInt32(time.components.attoseconds / 1_000_000_000_000)
          )
          pair.cut()
        }
      case .stillness(let words) where text.contains(words):
        take()
        state.withLock { $0.isStill = true }
      default: break
      }
      guard Self.write(chunk, pair.server) else { break }
    }
    pair.cut()
  }

  private func answers(_ pair: Pair) {
    while let chunk = Self.read(pair.server) {
      if state.withLock({ $0.isStill }) { continue }
      if pair.isArmed.load(ordering: .relaxed), let place = state.withLock({ $0.place }) {
        let (tag, passesOn) =
          switch place {
          case .answer(let tag, _): (tag, true)
          case .silence(let tag, _): (tag, false)
          default: ("", true)
          }
        // C, the length in four bytes, the tag.
        let message = [UInt8(ascii: "C"), 0, 0, 0, UInt8(tag.utf8.count + 5)] + tag.utf8 + [0]
        let found = chunk.firstRange(of: message)?.lowerBound
        if let found {
          take()
          if passesOn { _ = Self.write(Array(chunk[..<found]), pair.client) }
          return pair.cut()
        }
        if !passesOn { continue }
      }
      guard Self.write(chunk, pair.client) else { break }
    }
    if !state.withLock({ $0.isStill }) { pair.cut() }
  }

  private static func read(_ socket: Int32) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(socket, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer[..<count]) : nil
  }

  private static func write(_ bytes: [UInt8], _ socket: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
