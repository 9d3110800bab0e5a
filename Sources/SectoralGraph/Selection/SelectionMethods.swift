import SectoralProject
import SectoralText
import SectoralYAML

/// Which members a method and its value match, before any walking along edges.
struct MethodMatcher {
  let graph: Graph
  let projectName: String
  let fileExists: (String) -> Bool
  let state: StateMatcher

  func matches(_ criterion: Criterion) throws(Failure) -> MemberSet {
    let value = criterion.value
    switch criterion.method {
    case .fqn:
      let pattern = NamePattern(value)
      return members { member in
        member.resourceType != .source && pattern.matches(member)
      }
    case .tag:
      let pattern = WildcardPattern(value)
      return members { $0.tags.contains(where: pattern.matches) }
    case .source: return try sources(criterion)
    case .path: return try paths(criterion)
    case .file:
      let pattern = WildcardPattern(value)
      return members { member in
        let path = member.originalFilePath
        return pattern.matches(FileSystem.name(of: path))
          || pattern.matches(FileSystem.stem(of: path))
      }
    case .package:
      let pattern = WildcardPattern(value == "this" ? projectName : value)
      return members { pattern.matches($0.packageName) }
    case .config: return config(value, path: criterion.arguments)
    case .resourceType:
      guard let type = ResourceType(rawValue: value) else {
        throw criterion.invalid(
          "Invalid resource_type selector \"\(value)\"",
          near: ResourceType.allCases.map(\.rawValue),
          hint: "types are " + ResourceType.allCases.map(\.rawValue).joined(separator: ", ")
        )
      }
      return members { $0.resourceType == type }
    case .testType: return try testType(criterion)
    case .testName:
      let pattern = WildcardPattern(value)
      return members { member in
        switch member {
        case .node(let node): node.testMetadata.map { pattern.matches($0.name) } ?? false
        case .resource(let resource):
          resource.resourceType == .unitTest && pattern.matches(resource.name)
        case .source: false
        }
      }
    case .exposure: return try named(criterion, .exposure, "exposure")
    case .metric: return try named(criterion, .metric, "metric")
    case .semanticModel: return try named(criterion, .semanticModel, "semantic model")
    case .savedQuery: return try named(criterion, .savedQuery, "saved query")
    case .unitTest: return try named(criterion, .unitTest, "unit test")
    case .group:
      let pattern = WildcardPattern(value)
      return members { member in
        guard member.node != nil || member.resourceType == .metric else { return false }
        return member.config["group"]?.string.map(pattern.matches) ?? false
      }
    case .access:
      return members { member in
        guard let node = member.node, node.resourceType == .model else { return false }
        return node.access == value
      }
    case .version: return try version(criterion)
    case .result: return try state.results(criterion)
    case .sourceStatus: return try state.sourceStatus(criterion)
    case .state, .selector:
      preconditionFailure("the selector itself evaluates \(criterion.method.rawValue):")
    }
  }

  private func members(where matches: (GraphMember) -> Bool) -> MemberSet {
    var set = graph.emptySet
    for id in graph.ids where matches(graph[id]) { set.insert(id) }
    return set
  }

  // MARK: Methods with a grammar of their own

  private func sources(_ criterion: Criterion) throws(Failure) -> MemberSet {
    let value = criterion.value
    let parts = value.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 3 else {
      throw criterion.invalid(
        """
        Invalid source selector value "\(value)". Sources must be of the form `${source_name}`, \
        `${source_name}.${target_name}`, or `${package_name}.${source_name}.${target_name}
        """,
        hint: "leave out the parts beyond package, source and table"
      )
    }
    let package = WildcardPattern(parts.count == 3 ? parts[0] : "*")
    let source = WildcardPattern(parts.count == 3 ? parts[1] : parts[0])
    let table = WildcardPattern(parts.count == 1 ? "*" : parts[parts.count - 1])
    return members { member in
      guard case .source(let candidate) = member else { return false }
      return package.matches(candidate.packageName) && source.matches(candidate.sourceName)
        && table.matches(candidate.name)
    }
  }

  /// `name` or `package.name`.
  private func named(
    _ criterion: Criterion,
    _ type: ResourceType,
    _ word: String
  ) throws(Failure) -> MemberSet {
    let value = criterion.value
    let parts = value.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2 else {
      let title = word.prefix(1).uppercased() + word.dropFirst()
      let key = type.rawValue
      throw criterion.invalid(
        """
        Invalid \(word) selector value "\(value)". \(title)s must be of the form ${\(key)_name} or \
        ${\(key)_package.\(key)_name}
        """
      )
    }
    let package = WildcardPattern(parts.count == 2 ? parts[0] : "*")
    let name = WildcardPattern(parts[parts.count - 1])
    return members { member in
      member.resourceType == type && package.matches(member.packageName)
        && name.matches(member.name)
    }
  }

  /// A member is matched by its file, by its properties file, and by any folder above its file.
  private func paths(_ criterion: Criterion) throws(Failure) -> MemberSet {
    let value = criterion.value
    if value.isEmpty || value.first == "/" {
      throw criterion.invalid(
        "Invalid path selector value \"\(value)\": a path below the project's folder is expected",
        hint: "'path:.' means all of the project"
      )
    }
    let pattern = PathPattern(value)
    // Thousands of members share a few folders and files.
    var known: [String: Bool] = [:]
    func isMatched(_ path: String, isFolder: Bool) -> Bool {
      let key = isFolder ? path + "/" : path
      if let answer = known[key] { return answer }
      let answer =
        pattern.matches(path.split(separator: "/"), isFolder: isFolder)
        && (path.isEmpty || fileExists(path))
      known[key] = answer
      return answer
    }
    return members { member in
      var path = member.originalFilePath
      // As hooks have it: `./dbt_project.yml`.
      if path.hasPrefix("./") { path.removeFirst(2) }
      if isMatched(path, isFolder: false) { return true }
      if let patch = member.patchPath, let mark = patch.utf8Index(after: "://"),
        isMatched(String(patch[mark...]), isFolder: false)
      {
        return true
      }
      while !path.isEmpty {
        path = FileSystem.parent(of: path)
        if isMatched(path, isFolder: true) { return true }
        if path == "/" { break }
      }
      return false
    }
  }

  private func config(_ value: String, path: [String]) -> MemberSet {
    let isBool: Bool? =
      switch value.lowercased() {
      case "true": true
      case "false": false
      default: nil
      }
    let ignoresCase = path == ["severity"]
    func isMatched(_ datum: Datum) -> Bool {
      switch datum {
      case .string(let text):
        return ignoresCase ? text.lowercased() == value.lowercased() : text == value
      case .bool(let bool): return bool == isBool
      default: return false
      }
    }
    return members { member in
      // As dbt, which looks among its nodes and sources: other resources have settings as well.
      if case .resource = member { return false }
      if member.resourceType == .function { return false }
      var datum = Datum.map(member.config)
      for key in path {
        guard let next = datum[key] else { return false }
        datum = next
      }
      if case .list(let items) = datum { return items.contains(where: isMatched) }
      return isMatched(datum)
    }
  }

  private func testType(_ criterion: Criterion) throws(Failure) -> MemberSet {
    let value = criterion.value
    let isWanted: (GraphMember) -> Bool
    switch value {
    case "generic", "schema": isWanted = { $0.node?.testMetadata != nil }
    case "singular": isWanted = { $0.resourceType == .test && $0.node?.testMetadata == nil }
    case "data": isWanted = { $0.resourceType == .test }
    case "unit": isWanted = { $0.resourceType == .unitTest }
    default:
      throw criterion.invalid(
        """
        Invalid test type selector \(value): expected "generic", "singular", "unit", or "data"
        """,
        near: ["generic", "singular", "unit", "data"]
      )
    }
    return members(where: isWanted)
  }

  private func version(_ criterion: Criterion) throws(Failure) -> MemberSet {
    let value = criterion.value
    guard ["latest", "prerelease", "old", "none"].contains(value) else {
      throw criterion.invalid(
        """
        Invalid version type selector \(value): expected one of: "latest", "prerelease", "old", or \
        "none"
        """,
        near: ["latest", "prerelease", "old", "none"]
      )
    }
    return members { member in
      guard let node = member.node, node.resourceType == .model else { return false }
      guard let version = node.version, !version.isNull else { return value == "none" }
      guard let latest = node.latestVersion, !latest.isNull else { return false }
      return switch value {
      case "latest": version.isSameVersion(as: latest)
      case "prerelease": latest.isOlderVersion(than: version)
      case "old": version.isOlderVersion(than: latest)
      default: false
      }
    }
  }
}

extension Criterion {
  /// The value is none that the method knows.
  func invalid(_ message: String, near names: [String] = [], hint: String? = nil) -> Failure {
    Failure(
      .runtime,
      Diagnostic(
        id: "selection.invalid-value",
        message: message,
        span: span,
        hint: Spelling.nearest(to: value, among: names).map { "did you mean '\($0)'?" } ?? hint
      )
    )
  }
}

extension Datum {
  fileprivate var number: Double? {
    switch self {
    case .int(let int): Double(int)
    case .float(let double): double
    case .string(let text), .bigInt(let text): Double(text)
    default: nil
    }
  }

  fileprivate func isSameVersion(as other: Datum) -> Bool { pythonText == other.pythonText }

  fileprivate func isOlderVersion(than other: Datum) -> Bool {
    if let number, let otherNumber = other.number { return number < otherNumber }
    return pythonText.precedesByCodePoints(other.pythonText)
  }
}

extension String {
  fileprivate func utf8Index(after mark: StaticString) -> String.Index? {
    let count = mark.utf8CodeUnitCount
    let needle = UnsafeBufferPointer(start: mark.utf8Start, count: count)
    var start = utf8.startIndex
    while start != utf8.endIndex {
      if utf8[start...].starts(with: needle) { return utf8.index(start, offsetBy: count) }
      start = utf8.index(after: start)
    }
    return nil
  }
}

/// The value of `fqn:`: a name, or the beginning of a dotted path, with or without the package.
struct NamePattern {
  private let value: String
  private let parts: [String]
  private let firstWildcard: Int?
  private let tail: WildcardPattern
  private let whole: WildcardPattern?

  init(_ value: String) {
    self.value = value
    parts = value.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    firstWildcard = parts.firstIndex(where: WildcardPattern.isSpecial)
    tail = WildcardPattern(parts[(firstWildcard ?? 0)...].joined(separator: "."))
    whole = parts.count == 1 ? WildcardPattern(value) : nil
  }

  func matches(_ member: GraphMember) -> Bool {
    let fqn = member.fqn
    if whole?.matchesAll ?? false { return !fqn.isEmpty }
    let isVersioned = member.node?.version.map { !$0.isNull } ?? false
    return matches(fqn[...], isVersioned) || matches(fqn.dropFirst(), isVersioned)
  }

  private func matches(_ fqn: ArraySlice<String>, _ isVersioned: Bool) -> Bool {
    guard let last = fqn.last else { return false }
    var leaf = last
    if isVersioned, fqn.count >= 2 {
      leaf = fqn[fqn.endIndex - 2]
      if leaf == value { return true }
      if leaf + "_" + last == parts.suffix(2).joined(separator: "_") { return true }
    } else if last == value {
      return true
    }
    // Names with dots count as several parts.
    let flat =
      fqn.contains { $0.utf8.contains(UInt8(ascii: ".")) }
      ? fqn.flatMap { $0.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
      : Array(fqn)
    guard parts.count <= flat.count else { return false }
    let fixed = firstWildcard ?? parts.count
    for index in 0..<fixed where flat[index] != parts[index] { return false }
    guard firstWildcard != nil else { return true }
    if tail.matches(flat[fixed...].joined(separator: ".")) { return true }
    return whole?.matches(leaf) ?? false
  }
}
