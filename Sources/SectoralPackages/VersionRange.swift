internal import SectoralProject

/// What several demands for a version leave: the newest lower bound and the oldest upper one.
struct VersionRange: Sendable {
  /// As they were written, exact ones with their `=`.
  let demands: [String]
  private let specifiers: [VersionSpecifier]

  struct NotAVersion: Error {
    let text: String
  }

  init(_ texts: [String]) throws(NotAVersion) {
    var demands: [String] = []
    var specifiers: [VersionSpecifier] = []
    for text in texts {
      guard let specifier = VersionSpecifier(text), Self.isComplete(text) else {
        throw NotAVersion(text: text)
      }
      demands.append(specifier.description)
      specifiers.append(specifier)
    }
    self.demands = demands
    self.specifiers = specifiers
  }

  /// Three numbers: dbt knows no `1.0`.
  private static func isComplete(_ text: String) -> Bool {
    let version = text.drop { "<>= ".contains($0) }.prefix { $0 != "-" && $0 != "+" && $0 != " " }
    return version.split(separator: ".", omittingEmptySubsequences: false).count == 3
  }

  func admits(_ version: SemanticVersion) -> Bool { specifiers.allSatisfy { $0.admits(version) } }

  /// Whether any version at all could satisfy every demand.
  var isSatisfiable: Bool {
    guard let lower, let upper else { return true }
    if lower.version == upper.version { return lower.isClosed && upper.isClosed }
    return lower.version < upper.version
  }

  /// Whether a version before its release is named, which then may be taken.
  var namesPrerelease: Bool { specifiers.contains { !$0.version.prerelease.isEmpty } }

  /// Both ends, as dbt's messages show a range.
  var description: String {
    [lower, upper].compactMap { $0.map { "\($0.sign)\($0.version)" } }.joined(separator: ", ")
  }

  private typealias Bound = (version: SemanticVersion, isClosed: Bool, sign: String)

  private var lower: Bound? {
    specifiers.filter { !$0.operation.hasPrefix("<") }
      .map { ($0.version, $0.operation != ">", $0.operation) }
      .max { a, b in a.0 == b.0 ? a.1 && !b.1 : a.0 < b.0 }
  }

  private var upper: Bound? {
    specifiers.filter { !$0.operation.hasPrefix(">") }
      .map { ($0.version, $0.operation != "<", $0.operation) }
      .min { a, b in a.0 == b.0 ? !a.1 && b.1 : a.0 < b.0 }
  }
}
