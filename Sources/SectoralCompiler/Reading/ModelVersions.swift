import SectoralProject
import SectoralText
import SectoralYAML

/// One version of a model (spec: project, section 5.2).
struct ModelVersion: Sendable {
  /// The model's name, which all versions share.
  let model: String
  let version: Datum
  let latest: Datum

  /// `v2`
  var suffix: String { "v\(version.pythonText)" }
  var isLatest: Bool { version.pythonText == latest.pythonText }

  /// As generic tests name their target: `orders_v2`.
  var testName: String { "\(model)_\(suffix)" }

  func uniqueID(in package: String) -> String { "model.\(package).\(model).\(suffix)" }

  /// Makes the node of a file the node of a version.
  func apply(to node: Node) {
    node.name = model
    node.uniqueID = uniqueID(in: node.packageName)
    node.fqn = node.fqn.dropLast() + [model, suffix]
    node.alias = model
    node.version = version
    node.latestVersion = latest
  }
}

/// The entry of a model with versions, taken apart into an entry for each of them.
struct VersionedEntry {
  /// One version, with what its entry says over what the model's says.
  struct Version {
    let version: ModelVersion
    /// As the entry of a model without versions would say it.
    let entry: YAMLNode
    /// The file, without its extension.
    let stem: String
  }

  let versions: [Version]

  /// Nil for an entry without versions.
  init?(name: String, entry: YAMLNode, path: String) throws(Failure) {
    let items = entry["versions"]?.sequence ?? []
    func problem(_ message: String, at node: YAMLNode, hint: String) -> Failure {
      Failure(
        .parsing,
        Diagnostic(id: "version.bad-entry", message: message, span: node.span, hint: hint)
      )
    }
    if items.isEmpty {
      if let given = entry["latest_version"], let latest = given.scalar, !latest.isNull {
        throw problem(
          "latest_version: \(latest.pythonText) is not one of model '\(name)' versions: []",
          at: given,
          hint: "list the versions below 'versions:', or leave it out"
        )
      }
      return nil
    }
    var values: [Datum] = []
    for item in items {
      guard let value = item["v"]?.scalar, !value.isNull else {
        throw problem(
          "Invalid models config given in \(path) - at path ['versions'][\(values.count)]: 'v' is a "
            + "required property",
          at: item,
          hint: "write '- v: 1'"
        )
      }
      if values.contains(where: { $0.pythonText == value.pythonText }) {
        throw problem(
          "Found duplicate version: '\(value.pythonText)' in versions list of model '\(name)'",
          at: item["v"] ?? item,
          hint: "give each version a 'v' of its own"
        )
      }
      values.append(value)
    }
    var latest = values.reduce(values[0]) { $0.isOlderVersion(than: $1) ? $1 : $0 }
    if let given = entry["latest_version"], let value = given.scalar, !value.isNull {
      guard let known = values.first(where: { $0.pythonText == value.pythonText }) else {
        throw problem(
          "latest_version: \(value.pythonText) is not one of model '\(name)' versions: "
            + Datum.list(values).pythonRepr,
          at: given,
          hint: "name one of them, or leave latest_version out: then it is the highest"
        )
      }
      latest = known
    }

    let base = try Self.movingConfigs(of: entry, name: name)
    var versions: [Version] = []
    for (item, value) in zip(items, values) {
      let version = ModelVersion(model: name, version: value, latest: latest)
      versions.append(
        Version(
          version: version,
          entry: try Self.join(item, over: base, name: name),
          stem: item["defined_in"]?.string ?? "\(name)_\(version.suffix)"
        )
      )
    }
    self.versions = versions
  }

  /// What dbt keeps as configurations: at the top of an entry they mean the same.
  static let configProperties = ["meta", "docs", "group", "access", "contract"]

  /// The entry with its configurations all below `config`.
  static func movingConfigs(of entry: YAMLNode, name: String) throws(Failure) -> YAMLNode {
    var pairs = entry.mapping ?? []
    var config = entry["config"]?.mapping ?? []
    for key in configProperties {
      guard let index = pairs.firstIndex(where: { $0.key.keyText == key }) else { continue }
      let moved = pairs.remove(at: index)
      if config.contains(where: { $0.key.keyText == key }) {
        throw Failure(
          .parsing,
          Diagnostic(
            id: "properties.key-twice",
            message: "'\(key)' of \(name) is given both as a property and under 'config'",
            span: moved.value.span,
            hint: "keep the one under 'config'"
          )
        )
      }
      config.append(moved)
    }
    let node = YAMLNode(.mapping(config), at: entry["config"]?.span ?? entry.span)
    pairs.removeAll { $0.key.keyText == "config" }
    if !config.isEmpty { pairs.append((key: key("config", at: node), value: node)) }
    return YAMLNode(.mapping(pairs), at: entry.span)
  }

  private static func join(
    _ version: YAMLNode,
    over base: YAMLNode,
    name: String
  ) throws(Failure) -> YAMLNode {
    let replaced: Set = [
      "versions", "columns", "config", "deprecation_date", "latest_version", "data_tests", "tests",
    ]
    var pairs = (base.mapping ?? []).filter { !replaced.contains($0.key.keyText) }
    func set(_ name: String, _ value: YAMLNode) {
      pairs.removeAll { $0.key.keyText == name }
      pairs.append((key: key(name, at: value), value: value))
    }
    // An empty text or list is as good as none.
    if let text = version["description"], !text.isNull, text.string != "" {
      set("description", text)
    }
    if let list = version["constraints"], !(list.sequence ?? []).isEmpty {
      set("constraints", list)
    }
    if let date = version["deprecation_date"] { set("deprecation_date", date) }
    let tests = ["data_tests", "tests"]
    let holder = tests.contains { version[$0]?.isNull == false } ? version : base
    for name in tests { if let list = holder[name] { set(name, list) } }
    switch (base["config"], version["config"]) {
    case (let base?, let own?) where !own.isNull: set("config", merge(own, over: base))
    case (let config?, _), (nil, let config?): set("config", config)
    default: break
    }
    set("columns", try columns(version["columns"], of: base["columns"], at: version, name: name))
    return YAMLNode(.mapping(pairs), at: version.span)
  }

  /// Mappings join, lists follow the version's own, anything else is replaced.
  private static func merge(_ own: YAMLNode, over base: YAMLNode) -> YAMLNode {
    switch (own.value, base.value) {
    case (.mapping(let added), .mapping(let pairs)):
      var joined = pairs
      for pair in added {
        if let index = joined.firstIndex(where: { $0.key.keyText == pair.key.keyText }) {
          joined[index].value = merge(pair.value, over: joined[index].value)
        } else {
          joined.append(pair)
        }
      }
      return YAMLNode(.mapping(joined), at: own.span)
    case (.sequence(let items), .sequence(let others)):
      return YAMLNode(.sequence(items + others), at: own.span)
    case (.sequence(let items), _): return YAMLNode(.sequence(items + [base]), at: own.span)
    case (_, .sequence(let others)): return YAMLNode(.sequence([own] + others), at: own.span)
    default: return own
    }
  }

  /// The model's columns, as far as they are included, and the version's own.
  private static func columns(
    _ own: YAMLNode?,
    of base: YAMLNode?,
    at version: YAMLNode,
    name: String
  ) throws(Failure) -> YAMLNode {
    var included: [YAMLNode] = base?.sequence ?? []
    var added: [YAMLNode] = []
    var rule: YAMLNode?
    for item in own?.sequence ?? [] {
      guard item["include"] != nil || item["exclude"] != nil else {
        added.append(item)
        continue
      }
      let include = item["include"]?.datum ?? "all"
      let exclude = item["exclude"]?.datum.texts ?? []
      let isAll = include.string == "all" || include.string == "*"
      guard rule == nil, isAll || include.list != nil, isAll || exclude.isEmpty else {
        throw Failure(
          .parsing,
          Diagnostic(
            id: "version.bad-columns",
            message: rule == nil
              ? "the columns of a version of '\(name)' include neither all nor a list, or exclude "
                + "from a list"
              : "the columns of a version of '\(name)' are included twice",
            span: item.span,
            hint: "write one '- include: all' with 'exclude: […]', or one '- include: […]'"
          )
        )
      }
      rule = item
      let names = Set(include.texts)
      included = included.filter { column in
        let name = column["name"]?.datum.pythonText ?? ""
        return (isAll || names.contains(name)) && !exclude.contains(name)
      }
    }
    return YAMLNode(.sequence(included + added), at: own?.span ?? base?.span ?? version.span)
  }

  private static func key(_ name: String, at node: YAMLNode) -> YAMLNode {
    YAMLNode(.scalar(.string(name)), at: node.span)
  }
}

extension Datum {
  /// As dbt orders versions: both as the type of either, if that is possible; else as texts.
  func isOlderVersion(than other: Datum) -> Bool {
    switch (self, other) {
    case (.int(let one), .int(let two)): return one < two
    case (.float(let one), .float(let two)): return one < two
    case (.string(let one), .string(let two)): return one < two
    default: break
    }
    if case .string = other { return pythonText < other.pythonText }
    if let one = Double(pythonText), let two = Double(other.pythonText) {
      if case .int = other { return one.rounded(.towardZero) < two }
      return one < two
    }
    return pythonText < other.pythonText
  }
}
