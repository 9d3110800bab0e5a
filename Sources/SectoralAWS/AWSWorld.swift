package import SectoralHTTP
internal import SectoralProcess

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// What the outside gives to whoever calls AWS.
package struct AWSWorld: Sendable {
  package let environment: [String: String]
  package let http: HTTPClient
  /// In seconds since 1970.
  package let now: @Sendable () -> Int
  package let isCancelled: @Sendable () -> Bool

  package init(
    environment: [String: String],
    http: HTTPClient,
    now: @escaping @Sendable () -> Int,
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.environment = environment
    self.http = http
    self.now = now
    self.isCancelled = isCancelled
  }

  /// The value of a variable, unless it is empty.
  func variable(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  func isOn(_ name: String) -> Bool { variable(name)?.lowercased() == "true" }

  /// With the home in place of a leading `~`.
  func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = variable("HOME") else { return path }
    return home + path.dropFirst()
  }

  /// A file's bytes; nil where it cannot be read.
  func read(_ path: String) -> [UInt8]? {
    let descriptor = open(expanded(path), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = readBytes(descriptor, &chunk, chunk.count)
      if count < 0 { return nil }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
  }

  /// Runs a command line as a shell would, and gives what it prints.
  func output(of command: String) -> (status: Int32, output: String, errors: String)? {
    let shell = Subprocess(
      program: "/bin/sh",
      environment: environment,
      isCancelled: isCancelled
    )
    return shell.run(["-c", command]).map { ($0.status, $0.output, $0.errors) }
  }
}

/// The system's call: `AWSWorld.read` hides its name.
private func readBytes(_ descriptor: Int32, _ bytes: inout [UInt8], _ count: Int) -> Int {
  read(descriptor, &bytes, count)
}
