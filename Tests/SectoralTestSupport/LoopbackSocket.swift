import Glibc

/// A port of this machine, picked by the system, that nobody else has until `close`.
package struct LoopbackSocket {
  package struct Failure: Error {
    package let errorNumber: Int32
  }

  package let port: Int
  private let descriptor: Int32

  /// `listens`: connections are taken, and nothing is said on them.
  /// `address`, `port`: where a certain one is wanted.
  package init(listens: Bool, address host: UInt32 = 0x7F00_0001, port: Int = 0) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(errorNumber: errno) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = host.bigEndian
    address.sin_port = in_port_t(port).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && (!listens || listen(descriptor, 4) == 0)
          ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard status == 0 else {
      let failure = Failure(errorNumber: errno)
      Glibc.close(descriptor)
      throw failure
    }
    self.port = Int(UInt16(bigEndian: address.sin_port))
  }

  package func close() { _ = Glibc.close(descriptor) }
}
