internal import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// package-lock.yml: what the entries of packages.yml amounted to when it was last looked at.
struct PackageLock {
  static let fileName = "package-lock.yml"

  let entries: [PackageEntry]
  let checkSum: String

  /// nil where there is no lock file.
  static func read(root: String, render: PackageRenderer) throws(Failure) -> PackageLock? {
    do throws(Failure) {
      guard let node = try PackagesFile.parse("\(root)/\(fileName)", shown: fileName) else {
        return nil
      }
      guard let list = node["packages"] else { return PackageLock(entries: [], checkSum: "") }
      return PackageLock(
        entries: try PackagesFile.entries(of: list, fileName, render),
        checkSum: node["sha1_hash"]?.string ?? ""
      )
    } catch {
      var failure = error
      for index in failure.diagnostics.indices
      where failure.diagnostics[index].span?.file.path == fileName {
        failure.diagnostics[index].hint =
          "the file is written by deps: delete it, or run deps --upgrade"
      }
      throw failure
    }
  }

  /// Of the entries of packages.yml, in whatever order they stand there.
  static func checkSum(of entries: [PackageEntry]) -> String {
    let texts = entries.map { JSON.text(of: $0.checkedData, sortKeys: true) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return Digest.sha1(texts.joined(separator: "\n").utf8)
  }

  /// The bytes of a lock file.
  static func bytes(_ packages: [ResolvedPackage], checkSum: String) -> [UInt8] {
    let data: Datum = .map([
      "packages": .list(packages.map { .map(entry($0)) }), "sha1_hash": .string(checkSum),
    ])
    return Array(YAMLWriter.text(of: data, sortKeys: true, indentsLists: true).utf8)
  }

  private static func entry(_ package: ResolvedPackage) -> DatumMap {
    let entry = package.entry
    var data: DatumMap = ["name": .string(package.name)]
    switch (entry.source, package.content) {
    case (.hub(let name), .hub(let version)):
      data["package"] = .string(name)
      data["version"] = .string(version.text)
    case (.git(_, let subdirectory), .git(let commit)):
      data[entry.isPrivate ? "private" : "git"] = .string(entry.lockedPlace)
      if let provider = entry.provider { data["provider"] = .string(provider) }
      data["revision"] = .string(commit)
      if let subdirectory { data["subdirectory"] = .string(subdirectory) }
    case (.tarball, _): data["tarball"] = .string(entry.lockedPlace)
    default: data["local"] = .string(entry.lockedPlace)
    }
    return data
  }
}
