/// A version as semver orders them.
package struct SemanticVersion: Sendable, Comparable {
  package let numbers: [Int]
  package let prerelease: [String]

  package init?(_ text: some StringProtocol) {
    let text = text.trimmingBlanks
    let withoutBuild = text.prefix { $0 != "+" }
    // The hyphen before a pre-release may be missing, as in Python's `1.6.0rc2`.
    let core = withoutBuild.prefix { $0.isWholeNumber || $0 == "." }
    let rest = withoutBuild.dropFirst(core.count).drop { $0 == "-" }
    let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map {
      Int(String($0))
    }
    guard (1...3).contains(numbers.count), !numbers.contains(nil) else { return nil }
    self.numbers = numbers.compactMap { $0 } + Array(repeating: 0, count: 3 - numbers.count)
    prerelease = rest.split { $0 == "." }.map { String($0) }
  }

  package static func < (a: SemanticVersion, b: SemanticVersion) -> Bool {
    if a.numbers != b.numbers { return a.numbers.lexicographicallyPrecedes(b.numbers) }
    if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty }
    return a.prerelease.lexicographicallyPrecedes(b.prerelease) { x, y in
      switch (Int(x), Int(y)) {
      case (let x?, let y?): x < y
      case (_?, nil): true
      case (nil, _?): false
      case (nil, nil): x < y
      }
    }
  }
}

extension SemanticVersion: CustomStringConvertible {
  package var description: String {
    let core = numbers.map(String.init).joined(separator: ".")
    return prerelease.isEmpty ? core : core + "-" + prerelease.joined(separator: ".")
  }
}

/// One bound of a version: `>=1.3.0`.
package struct VersionSpecifier: Sendable, CustomStringConvertible {
  /// `=` where none is written.
  package let operation: String
  package let version: SemanticVersion

  package init?(_ text: some StringProtocol) {
    let text = text.trimmingBlanks
    let sign = text.prefix { "<>=".contains($0) }
    guard ["", "=", ">", ">=", "<", "<="].contains(sign),
      let version = SemanticVersion(text.dropFirst(sign.count))
    else { return nil }
    operation = sign.isEmpty ? "=" : String(sign)
    self.version = version
  }

  /// With its sign: `=1.0.0`.
  package var description: String { "\(operation)\(version)" }

  package func admits(_ other: SemanticVersion) -> Bool {
    switch operation {
    case ">": other > version
    case ">=": other >= version
    case "<": other < version
    case "<=": other <= version
    default: other == version
    }
  }
}
