internal import SectoralWarehouse
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The addresses of a server, one of which is to be connected to; libpq tries them in this order.
///
/// libpq would look names up by itself, within a call that can neither be interrupted nor be given a time: where
/// no name server answers, that takes the system half a minute and more.
struct ServerAddresses {
  /// One address of one of the hosts that a profile names.
  struct Place: Equatable {
    /// As the profile writes it; certificates and password files are looked up by it.
    var host: String
    /// nil for the folder of a Unix socket.
    var address: String?
  }

  private(set) var places: [Place]
  /// What is to be said of hosts without an address, and of addresses that were given up.
  private var troubles: [String] = []

  /// `host`: as libpq's parameter, one or several with commas between them.
  init(
    of host: String,
    timeout: Int,
    _ isCancelled: @Sendable () -> Bool
  ) throws(WarehouseError) {
    let hosts = host.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let names = Set(hosts.filter { !Self.needsNoLookup($0) })
    let lookups = names.map { NameLookup($0) }
    let deadline = timeout > 0 ? ContinuousClock.now.advanced(by: .seconds(timeout)) : nil
    var found: [String: NameLookup.Outcome] = [:]
    for lookup in lookups {
      found[lookup.name] = try lookup.wait(until: deadline, isCancelled)
    }
    places = []
    for host in hosts {
      switch found[host] {
      case .addresses(let addresses)?: places += addresses.map { Place(host: host, address: $0) }
      case .failure(let words)?:
        troubles.append("could not translate host name \"\(host)\" to address: \(words)")
      case .timeout?:
        troubles.append(
          "could not translate host name \"\(host)\" to address: timeout expired after "
            + "\(timeout) seconds"
        )
      case nil: places.append(Place(host: host, address: Self.isSocket(host) ? nil : host))
      }
    }
  }

  private static func isSocket(_ host: String) -> Bool {
    host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@")
  }

  private static func needsNoLookup(_ host: String) -> Bool {
    var buffer = in6_addr()
    return isSocket(host) || inet_pton(AF_INET, host, &buffer) == 1
      || inet_pton(AF_INET6, host, &buffer) == 1
  }

  /// libpq's parameters.
  var parameters: [(keyword: String, value: String)] {
    var parameters = [
      (keyword: "host", value: places.map(\.host).joined(separator: ","))
    ]
    if places.contains(where: { $0.address != nil && $0.address != $0.host }) {
      parameters.append(
        ("hostaddr", places.map { $0.address ?? "" }.joined(separator: ","))
      )
    }
    return parameters
  }

  /// Leaves out an address that did not answer in its time. Returns whether there are others.
  mutating func giveUp(_ place: Place, saying words: String) -> Bool {
    guard places.count > 1, let index = places.firstIndex(of: place) else { return false }
    troubles.append(words)
    places.remove(at: index)
    return true
  }

  /// All that went wrong, `words` being libpq's.
  func report(_ words: String) -> String {
    var lines: [Substring] = []
    for line in (troubles + [words]).joined(separator: "\n").split(separator: "\n") {
      let line = naming(line)
      // What was tried again says the same again.
      if !lines.contains(line) { lines.append(line) }
    }
    return lines.joined(separator: "\n")
  }

  /// Where libpq is given addresses it names those alone.
  private func naming(_ line: Substring) -> Substring {
    for place in places {
      guard let address = place.address, address != place.host,
        let range = line.firstRange(of: "at \"\(address)\",")
      else { continue }
      return line[..<range.lowerBound] + "at \"\(place.host)\" (\(address)),"
        + line[range.upperBound...]
    }
    return line
  }
}

/// The look-up of one name, on a thread of its own. It may outlive whoever waits for it.
private final class NameLookup: Sendable {
  enum Outcome: Sendable {
    case addresses([String])
    case failure(String)
    case timeout
  }

  let name: String
  private let outcome = Mutex<Outcome?>(nil)
  /// The thread closes the writing end when it is done.
  private let pipe: (reading: Int32, writing: Int32)

  /// Begins.
  init(_ name: String) {
    self.name = name
    var ends: [Int32] = [-1, -1]
    if Self.makePipe(&ends) {
      pipe = (ends[0], ends[1])
    } else {
      pipe = (-1, -1)
      run()
      return
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread,
      nil,
      { context in
        // Balances passRetained; C hands on what it was given.
        guard let context else { return nil }
        Unmanaged<NameLookup>.fromOpaque(context).takeRetainedValue().run()
        return nil
      },
      context.toOpaque()
    )
    if status == 0 {
      pthread_detach(thread)
    } else {
      context.release()
      run()
    }
  }

  deinit { if pipe.reading >= 0 { close(pipe.reading) } }

  /// No program that is started meanwhile may keep the ends open.
  private static func makePipe(_ ends: inout [Int32]) -> Bool {
    #if canImport(Glibc)
    guard Glibc.pipe(&ends) == 0 else { return false }
    #else
    guard Darwin.pipe(&ends) == 0 else { return false }
    #endif
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return true
  }

  private func run() {
    let found = lookUp()
    outcome.withLock { $0 = found }
    if pipe.writing >= 0 { close(pipe.writing) }
  }

  private func lookUp() -> Outcome {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    #if os(Linux)
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #else
    hints.ai_socktype = SOCK_STREAM
    #endif
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(name, nil, &hints, &list)
    guard status == 0 else { return .failure(String(cString: gai_strerror(status))) }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ai_next
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let status = getnameinfo(
        entry.ai_addr,
        entry.ai_addrlen,
        &text,
        socklen_t(text.count),
        nil,
        0,
        NI_NUMERICHOST
      )
      let address = String(nulTerminated: text)
      if status == 0, !addresses.contains(address) { addresses.append(address) }
    }
    return addresses.isEmpty ? .failure("no address") : .addresses(addresses)
  }

  /// `isCancelled`: asked ten times a second.
  func wait(
    until deadline: ContinuousClock.Instant?,
    _ isCancelled: @Sendable () -> Bool
  ) throws(WarehouseError) -> Outcome {
    while true {
      if let outcome = outcome.withLock({ $0 }) { return outcome }
      if isCancelled() { throw .givenUpConnecting }
      var patience: Int32 = 100
      if let deadline {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return .timeout }
        patience = Int32(min(Double(patience), left / .milliseconds(1) + 1))
      }
      var descriptor = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
      _ = poll(&descriptor, 1, patience)
    }
  }
}
