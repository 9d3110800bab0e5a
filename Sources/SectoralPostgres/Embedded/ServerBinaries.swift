#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A Postgres installation.
package struct ServerBinaries: Sendable, Hashable {
  package let directory: String
  /// 15 of 15.4.
  package let majorVersion: Int

  package func path(of program: String) -> String { "\(directory)/\(program)" }

  /// `drop database … with (force)` came with 13; anything older is out of support.
  static let oldestVersion = 13

  /// Finds one: the directory of the configuration and nothing else if it names one, else the search
  /// path, `pg_config`, and the newest of the places where packages put it (Debian keeps `postgres`
  /// off the search path).
  package static func find(
    _ configuration: EmbeddedConfiguration
  )
    throws(EmbeddedServerError) -> ServerBinaries
  {
    if let given = configuration.binaryDirectory {
      let directory = Paths.absolute(given)
      guard holdsServer(directory) else {
        throw EmbeddedServerError(
          .notInstalled,
          "there is no `postgres` and `initdb` in \(directory)",
          hint: "correct SECTORAL_DB_BIN, or remove it to have Postgres looked for"
        )
      }
      guard let version = version(in: directory) else {
        throw EmbeddedServerError(.notInstalled, "cannot tell the version of \(directory)/postgres")
      }
      try requireRecent(version, in: directory)
      return ServerBinaries(directory: directory, majorVersion: version)
    }
    var old: (version: Int, directory: String)?
    for directory in candidates(searchPath: configuration.searchPath) where holdsServer(directory) {
      guard let version = version(in: directory) else { continue }
      if version >= oldestVersion {
        return ServerBinaries(directory: directory, majorVersion: version)
      }
      old = old ?? (version, directory)
    }
    if let old { try requireRecent(old.version, in: old.directory) }
    throw EmbeddedServerError(
      .notInstalled,
      "Postgres is not installed on this machine",
      hint: "install it: apt-get install postgresql; or name the folder of `postgres` and `initdb`"
        + " with SECTORAL_DB_BIN; or write a profile that names a server"
    )
  }

  private static func requireRecent(
    _ version: Int,
    in directory: String
  )
    throws(EmbeddedServerError)
  {
    guard version < oldestVersion else { return }
    throw EmbeddedServerError(
      .notInstalled,
      "Postgres \(version) in \(directory) is too old: \(oldestVersion) is needed",
      hint: "install a newer one: apt-get install postgresql"
    )
  }

  private static func holdsServer(_ directory: String) -> Bool {
    Paths.isExecutable("\(directory)/postgres") && Paths.isExecutable("\(directory)/initdb")
  }

  private static func candidates(searchPath: String?) -> some Sequence<String> {
    let path = (searchPath ?? "").split(separator: ":").map(String.init).filter {
      $0.hasPrefix("/")
    }
    // Lazily: `pg_config` is only asked when the search path has no server.
    let stages: [() -> [String]] = [
      { path },
      {
        path.lazy.map { $0 + "/pg_config" }.first(where: Paths.isExecutable).flatMap(ask).map {
          [$0]
        } ?? []
      },
      packaged,
    ]
    return stages.lazy.flatMap { $0() }
  }

  private static func ask(_ pgConfig: String) -> String? {
    var program = Program(path: pgConfig)
    program.arguments = ["--bindir"]
    guard let (status, output) = try? program.runToEnd(), status == 0 else { return nil }
    return output.split(separator: "\n").first.map(String.init)
  }

  private static func packaged() -> [String] {
    let debian = Paths.entries("/usr/lib/postgresql").compactMap { Int($0) }.sorted(by: >)
    let redHat = Paths.entries("/usr").filter { $0.hasPrefix("pgsql-") }
      .compactMap { Int($0.dropFirst(6)) }.sorted(by: >)
    return debian.map { "/usr/lib/postgresql/\($0)/bin" } + redHat.map { "/usr/pgsql-\($0)/bin" }
      + ["/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql/bin"]
  }

  private static func version(in directory: String) -> Int? {
    // Debian's path tells it without starting anything.
    let parts = directory.split(separator: "/")
    if directory.hasPrefix("/usr/lib/postgresql/"), parts.count == 5, let major = Int(parts[3]) {
      return major
    }
    var program = Program(path: "\(directory)/postgres")
    program.arguments = ["--version"]
    guard let (status, output) = try? program.runToEnd(), status == 0 else { return nil }
    // postgres (PostgreSQL) 15.4 (Debian 15.4-1)
    for word in output.split(separator: " ") {
      let digits = word.prefix { $0.isNumber }
      if !digits.isEmpty { return Int(digits) }
    }
    return nil
  }
}
