import Foundation
import Glibc
import SectoralTestSupport
import Testing

/// Names of servers that are not to be had, and lists of them.
struct NameLookupTests {
  private let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  private func project(host: String, more: String = "") async throws -> FaultProject {
    let project = try await FaultProject(
      "names",
      on: server,
      files: ["models/m.sql": "{{ config(materialized='table') }}\nselect 1 as id\n"]
    )
    let profile = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
    try project.write(
      profile.replacing("host: 127.0.0.1", with: "host: '\(host)'")
        .replacing("sslmode: disable", with: "sslmode: disable, retries: 0\(more)"),
      to: "profiles.yml"
    )
    return project
  }

  /// The processes of a test see a name server that never answers.
  private struct SilentNameServer {
    let folder: String
    private let descriptor: Int32

    /// nil where that may not be arranged: it takes a port below 1024, and a file system of one's own.
    init?() throws {
      descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(53).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F35_0000 + UInt32.random(in: 1...0xFFFE)).bigEndian
      let descriptor = descriptor
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      folder = "/tmp/sectoral-names-\(UInt32.random(in: 0...UInt32.max))"
      var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
      inet_ntop(AF_INET, &address.sin_addr, &text, socklen_t(text.count))
      let name = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // Never empty.
      mkdir(folder, 0o755)
      try Data("nameserver \(name)\noptions timeout:30 attempts:5\n".utf8)
        .write(to: URL(fileURLWithPath: "\(folder)/resolv.conf"))
      guard status == 0, system("unshare -m \(mount) /bin/true 2>/dev/null") == 0 else {
        print("skipped: a name server that never answers cannot be arranged here")
        close()
        return nil
      }
    }

    private var mount: String {
      "/bin/sh -c 'mount --bind \(folder)/resolv.conf /etc/resolv.conf && exec \"$@\"' sh"
    }

    /// A run whose names are asked of it.
    func run(
      _ project: FaultProject,
      interrupt: Sectoral.Interrupt? = nil
    ) async throws -> Sectoral.Result {
      try await Sectoral.run(
        ["run"],
        in: project.folder,
        home: project.home,
        interrupt: interrupt,
        shell: "exec unshare -m \(mount) \"$@\""
      )
    }

    func close() {
      _ = Glibc.close(descriptor)
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  @Test func aLookupThatHangs() async throws {
    guard let names = try SilentNameServer() else { return }
    defer { names.close() }
    let project = try await project(host: "db.example.com", more: ", connect_timeout: 1")
    let result = try await names.run(project)
    #expect(result.exitCode == 2, "\(result)")
    #expect(
      result.output.contains(
        "could not translate host name \"db.example.com\" to address: timeout expired after 1 seconds"
      ),
      "\(result)"
    )
    #expect(result.output.contains("= hint: check `host`"), "\(result)")
  }

  /// The others of a list are tried.
  @Test func aLookupThatHangsInAList() async throws {
    guard let names = try SilentNameServer() else { return }
    defer { names.close() }
    let project = try await project(host: "db.example.com,127.0.0.1", more: ", connect_timeout: 1")
    let result = try await names.run(project)
    #expect(result.exitCode == 0, "\(result)")
  }

  @Test func ctrlCWhileALookupHangs() async throws {
    guard let names = try SilentNameServer() else { return }
    defer { names.close() }
    let project = try await project(host: "db.example.com", more: ", connect_timeout: 600")
    let result = try await names.run(project, interrupt: Sectoral.Interrupt(after: "Concurrency"))
    #expect(!result.timedOut)
    #expect(result.exitCode == 2, "\(result)")
    #expect(result.output.contains("Exited because of keyboard interrupt"), "\(result)")
  }

  @Test func namesAndAddressesInTheWordsOfTheLibrary() async throws {
    let project = try await project(host: "no-such-host.invalid")
    let unknown = try await project.run(["run"])
    #expect(unknown.exitCode == 2, "\(unknown)")
    #expect(
      unknown.output.contains(
        "could not translate host name \"no-such-host.invalid\" to address: "
      ),
      "\(unknown)"
    )
    let profile = try String(contentsOfFile: "\(project.folder)/profiles.yml", encoding: .utf8)
    let closed = try LoopbackSocket(listens: false)
    defer { closed.close() }
    try project.write(
      profile.replacing("no-such-host.invalid", with: "localhost")
        .replacing("port: \(server.port)", with: "port: \(closed.port)"),
      to: "profiles.yml"
    )
    let refused = try await project.run(["run"])
    #expect(refused.exitCode == 2, "\(refused)")
    #expect(
      refused.output.contains(
        "connection to server at \"localhost\" (127.0.0.1), port \(closed.port) failed: "
          + "Connection refused"
      ),
      "\(refused)"
    )
  }

  @Test func aHostThatIsUnknownInAList() async throws {
    let project = try await project(host: "no-such-host.invalid,localhost")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
  }

  /// An address of a list that takes connections and says nothing has its time, and no more.
  @Test func aHostThatSaysNothingInAList() async throws {
    let silent = try LoopbackSocket(listens: true, address: 0x7F00_0002, port: server.port)
    defer { silent.close() }
    let project = try await project(host: "127.0.0.2,localhost", more: ", connect_timeout: 2")
    let result = try await project.run(["run"])
    #expect(result.exitCode == 0, "\(result)")
  }

  /// `PGHOSTADDR` is libpq's: then no name is looked up.
  @Test func addressesOfTheEnvironment() async throws {
    let project = try await project(host: "no-such-host.invalid")
    let result = try await project.run(["run"], environment: ["PGHOSTADDR": "127.0.0.1"])
    #expect(result.exitCode == 0, "\(result)")
  }
}
