package import SectoralText
package import SectoralYAML

/// One entry of packages.yml, dependencies.yml or package-lock.yml.
package struct PackageEntry: Sendable {
  package enum Source: Sendable, Hashable {
    /// `namespace/name`.
    case hub(String)
    case git(url: String, subdirectory: String?)
    /// Relative to the root project.
    case local(String)
    case tarball(url: String)
  }

  package let source: Source
  /// What hub packages may be, as it was written; empty for the others.
  package let versions: [String]
  package let installsPrereleases: Bool
  /// Branch, tag or commit of git packages.
  package let revision: String?
  package let warnsUnpinned: Bool
  /// `name:`; the lock file has it for every entry.
  package let name: String?
  /// The value of the key that says what kind of package it is.
  package let place: String
  /// The same as the lock file has it: addresses with their templates, which may hold secrets.
  package let lockedPlace: String
  /// `private:` and its `provider:` in the lock file, for a repository that is not named by `git:`.
  package let isPrivate: Bool
  package let provider: String?
  /// The entry as the lock file's check sum sees it.
  package let checkedData: Datum
  package var span: TextSpan
  /// Who asks for it: a package's name, nil for the project itself.
  package var demander: String?

  /// `node`: The rendered entry.
  /// `raw`: The same as it was written.
  package init(
    _ node: YAMLNode,
    raw: YAMLNode,
    in file: String,
    problems: inout [Diagnostic]
  ) throws(Unreadable) {
    guard let pairs = node.mapping, let kind = Kind.of(node) else {
      throw Unreadable(Self.unknownKind(node, file))
    }
    var values: [Key: YAMLNode] = [:]
    for (key, value) in pairs {
      guard let known = Key(key.keyText), kind.keys.contains(known) else {
        let names = kind.keys.map(\.rawValue)
        let near = Spelling.nearest(to: key.keyText, among: names)
        problems.append(
          PackageProblem.malformed(
            file,
            "'\(key.keyText)' is unexpected in a \(kind.title) package",
            at: key.span,
            hint: near.map { "did you mean '\($0)'?" }
              ?? "its keys are \(names.joined(separator: ", "))"
          )
        )
        continue
      }
      guard known.accepts(value) else {
        problems.append(
          PackageProblem.malformed(
            file,
            "'\(key.keyText)' is \(value.kindName)",
            at: value.span,
            hint: "write \(known.expected)"
          )
        )
        continue
      }
      values[known] = value
    }
    func text(_ key: Key) -> String? {
      guard let value = values[key], !value.isNull else { return nil }
      return value.datum.pythonText
    }
    guard let place = text(Key(kind)) else {
      throw Unreadable(
        PackageProblem.malformed(
          file,
          "'\(kind.rawValue)' has no value",
          at: node.span,
          hint: "write \(Key(kind).expected)"
        )
      )
    }
    if let missing = kind.required.first(where: { values[$0] == nil }) {
      throw Unreadable(
        PackageProblem.malformed(
          file,
          "'\(missing.rawValue)' is a required property of a \(kind.title) package",
          at: node.span,
          hint: missing == .version
            ? "write, for instance, version: [\">=1.0.0\", \"<2.0.0\"]"
            : "write \(missing.rawValue): and \(missing.expected)"
        )
      )
    }
    if place.isEmpty {
      problems.append(
        PackageProblem.malformed(
          file,
          "A \(kind.title) package is missing the value. It is a required property.",
          at: node.span,
          hint: "write \(kind.rawValue): and where the package is"
        )
      )
    }
    switch kind {
    case .hub:
      source = .hub(place)
      if !place.isEmpty, !place.contains("/") {
        problems.append(
          PackageProblem.malformed(
            file,
            "\(place) was not found in the package index. Packages on the index require a "
              + "namespace, e.g dbt-labs/dbt_utils",
            at: values[Key(kind)]?.span ?? node.span,
            hint: "write namespace/\(place)"
          )
        )
      }
    case .git: source = .git(url: place, subdirectory: text(.subdirectory))
    case .privateGit:
      let url = try Self.privateURL(place, provider: text(.provider), node, file)
      source = .git(url: url, subdirectory: text(.subdirectory))
    case .local: source = .local(place)
    case .tarball: source = .tarball(url: place)
    }
    versions =
      switch values[.version]?.datum {
      case .list(let items)?: items.flatMap { Self.parts($0.pythonText) }
      case let datum?: Self.parts(datum.pythonText)
      case nil: []
      }
    revision = text(.revision)
    installsPrereleases = values[.installPrerelease]?.bool ?? false
    warnsUnpinned = values[.warnUnpinned]?.bool ?? true
    name = text(.name)
    let rawPlace = raw[kind.rawValue]?.string
    lockedPlace = kind == .git || kind == .tarball ? rawPlace ?? place : place
    if kind == .privateGit, case .git(let url, _) = source {
      self.place = url
    } else {
      self.place = place
    }
    isPrivate = kind == .privateGit
    provider = text(.provider)
    checkedData = Self.checkedData(kind, node, raw)
    span = node.span
  }

  package struct Unreadable: Error {
    let diagnostic: Diagnostic
    init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
  }

  /// Bounds of a range may stand in one text, apart by commas.
  private static func parts(_ text: String) -> [String] {
    let bare = text.trimmingPrefix("[").reversed().drop { $0 == "]" }.reversed()
    return String(bare).split(separator: ",").map { part in
      part.filter { $0 != "\"" && $0 != "'" && $0 != " " }
    }
  }

  /// A repository of one of the hosts that dbt's platform knows, through the user's own ssh.
  private static func privateURL(
    _ place: String,
    provider: String?,
    _ node: YAMLNode,
    _ file: String
  ) throws(Unreadable) -> String {
    let hosts = [
      "github": "git@github.com:", "gitlab": "git@gitlab.com:",
      "ado": "git@ssh.dev.azure.com:v3/", "azure_devops": "git@ssh.dev.azure.com:v3/",
    ]
    guard let host = hosts[provider ?? "github"] else {
      throw Unreadable(
        PackageProblem.malformed(
          file,
          "'\(provider ?? "")' is no provider of private packages",
          at: node["provider"]?.span ?? node.span,
          hint: Spelling.nearest(to: provider ?? "", among: hosts.keys)
            .map { "did you mean '\($0)'?" }
            ?? "it is one of github, gitlab, azure_devops; elsewhere write git: and the address"
        )
      )
    }
    let suffix = host.contains("azure") ? "" : ".git"
    return host + place + (place.hasSuffix(suffix) ? "" : suffix)
  }

  /// What dbt makes of an entry before it writes it as JSON: its own keys all there, but for the
  /// name, and the entry as it was written beside them.
  private static func checkedData(_ kind: Kind, _ node: YAMLNode, _ raw: YAMLNode) -> Datum {
    var data = DatumMap()
    switch kind {
    case .hub: data["install_prerelease"] = .bool(false)
    case .git, .privateGit:
      for key in ["revision", "warn-unpinned", "subdirectory"] { data[key] = .null }
      if kind == .privateGit { data["provider"] = .null }
    case .local, .tarball: break
    }
    for (key, value) in node.datum.map?.entries ?? [] where !(key == "name" && value.isNull) {
      let known = Key(key)?.checkedName ?? key
      data[known] = value
    }
    data["unrendered"] = raw.datum
    return .map(data)
  }

  /// The likely folder of the package among the installed ones.
  package var likelyFolder: String {
    let name = name ?? FileSystem.name(of: lockedPlace)
    return name.hasSuffix(".git") ? String(name.dropLast(4)) : name
  }

  private static func unknownKind(_ node: YAMLNode, _ file: String) -> Diagnostic {
    let kinds = Kind.allCases.map(\.rawValue)
    guard let pairs = node.mapping else {
      return PackageProblem.malformed(
        file,
        "an entry is \(node.kindName)",
        at: node.span,
        hint: "write, for instance, - package: dbt-labs/dbt_utils, and version: below it"
      )
    }
    let near = pairs.lazy.compactMap { key, _ in
      Spelling.nearest(to: key.keyText, among: kinds).map { (key, $0) }
    }.first
    return PackageProblem.malformed(
      file,
      "\(node.datum.pythonRepr) names no package",
      at: near?.0.span ?? node.span,
      hint: near.map { "did you mean '\($0.1)'?" }
        ?? "an entry has one of the keys \(kinds.joined(separator: ", "))"
    )
  }
}

/// Which key says what kind of package an entry is.
private enum Kind: String, CaseIterable {
  case hub = "package"
  case git = "git"
  case privateGit = "private"
  case local = "local"
  case tarball = "tarball"

  static func of(_ node: YAMLNode) -> Kind? { allCases.first { node[$0.rawValue] != nil } }

  var keys: [Key] {
    switch self {
    case .hub: [.package, .version, .installPrerelease, .name]
    case .git: [.git, .revision, .warnUnpinned, .subdirectory, .name]
    case .privateGit: [.privateGit, .provider, .revision, .warnUnpinned, .subdirectory, .name]
    case .local: [.local, .name]
    case .tarball: [.tarball, .name]
    }
  }

  var title: String { self == .hub ? "hub" : rawValue }

  var required: [Key] {
    switch self {
    case .hub: [.version]
    case .tarball: [.name]
    case .git, .privateGit, .local: []
    }
  }
}

private enum Key: String {
  case package
  case version
  case installPrerelease = "install-prerelease"
  case git
  case privateGit = "private"
  case provider
  case revision
  case warnUnpinned = "warn-unpinned"
  case subdirectory
  case local
  case tarball
  case name

  init(_ kind: Kind) {
    self =
      switch kind {
      case .hub: .package
      case .git: .git
      case .privateGit: .privateGit
      case .local: .local
      case .tarball: .tarball
      }
  }

  /// dbt takes some with a dash, some with an underscore, some with both: here both always.
  init?(_ text: String) { self.init(rawValue: text.split(separator: "_").joined(separator: "-")) }

  /// In the lock file's check sum.
  var checkedName: String { self == .installPrerelease ? "install_prerelease" : rawValue }

  func accepts(_ node: YAMLNode) -> Bool {
    if node.isNull { return self != .version }
    switch self {
    case .installPrerelease, .warnUnpinned: return node.bool != nil
    case .version, .revision:
      if self == .version, let items = node.sequence { return items.allSatisfy(isTextOrNumber) }
      return isTextOrNumber(node)
    default: return node.string != nil
    }
  }

  private func isTextOrNumber(_ node: YAMLNode) -> Bool {
    switch node.scalar {
    case .string?, .int?, .float?, .bigInt?: true
    default: false
    }
  }

  var expected: String {
    switch self {
    case .installPrerelease, .warnUnpinned: "true or false"
    case .version: "text, or a list of texts such as [\">=1.0.0\", \"<2.0.0\"]"
    case .revision: "a branch, a tag or a commit"
    case .package: "namespace/name"
    case .local: "a folder, relative to the project"
    case .git, .tarball: "an address"
    default: "text"
    }
  }
}

/// What is said about package files.
enum PackageProblem {
  static func malformed(
    _ file: String,
    _ message: String,
    at span: TextSpan,
    hint: String
  ) -> Diagnostic {
    Diagnostic(
      id: "packages.malformed",
      message: "The \(file) file in this project is malformed: \(message)",
      span: span,
      hint: hint
    )
  }
}
