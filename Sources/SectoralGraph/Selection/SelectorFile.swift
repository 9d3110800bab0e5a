package import SectoralProject
package import SectoralText
package import SectoralYAML

/// A selection that selectors.yml gives a name.
package struct NamedSelector: Sendable {
  package let name: String
  package let description: String?
  package let isDefault: Bool
  package let definition: SelectionSpec
  /// As the manifest has it: every criterion a mapping.
  package let normalised: DatumMap
}

/// What selectors.yml holds.
package struct SelectorFile: Sendable {
  package private(set) var selectors: [NamedSelector] = []
  package private(set) var warnings: [Diagnostic] = []

  package init() {}

  /// Reads the file's value, which must be rendered already; the mode of indirect selection holds
  /// for criteria that name none.
  package init(_ root: YAMLNode, indirectSelection: IndirectSelection) throws(Failure) {
    var reader = SelectorReader(indirectSelection: indirectSelection)
    selectors = reader.selectors(root)
    warnings = reader.warnings
    if !reader.problems.isEmpty { throw Failure(.runtime, reader.problems) }
  }

  package var byDefault: NamedSelector? { selectors.first(where: \.isDefault) }

  package func selector(_ name: String, at span: TextSpan? = nil) throws(Failure) -> NamedSelector {
    if let found = selectors.first(where: { $0.name == name }) { return found }
    let names = selectors.map(\.name)
    let list = names.map { "'\($0)'" }.joined(separator: ", ")
    throw Failure(
      .runtime,
      Diagnostic(
        id: "selection.unknown-selector",
        message: "Could not find selector named \(name), expected one of [\(list)]",
        span: span,
        hint: Spelling.nearest(to: name, among: names).map { "did you mean '\($0)'?" }
          ?? (names.isEmpty ? "selectors are defined in selectors.yml" : nil)
      )
    )
  }

  /// The map of the manifest.
  package var normalised: DatumMap {
    DatumMap(lastWins: selectors.map { (key: $0.name, value: .map($0.normalised)) })
  }
}

/// Reads definitions, and collects what is wrong with them.
///
/// Combinations take in no tests by themselves (`.eager`, where nothing is left to take in): as in
/// dbt, the mode that the user chose holds for the criteria alone.
private struct SelectorReader {
  let indirectSelection: IndirectSelection
  var known: [String: (spec: SelectionSpec, normalised: Datum)] = [:]
  var problems: [Diagnostic] = []
  var warnings: [Diagnostic] = []

  private typealias Definition = (spec: SelectionSpec, normalised: Datum)

  init(indirectSelection: IndirectSelection) { self.indirectSelection = indirectSelection }

  mutating func selectors(_ root: YAMLNode) -> [NamedSelector] {
    var found: [NamedSelector] = []
    guard let items = root["selectors"]?.sequence else {
      if !root.isNull {
        report("selectors.yml must hold a list 'selectors:'", root, hint: nil)
      }
      return []
    }
    var defaultName: String?
    for item in items {
      guard let name = item["name"]?.string, let definition = item["definition"] else {
        let missing = ["name", "definition"].filter { item[$0] == nil }
        let slip = item.mapping?.lazy.map(\.key).first { key in
          Spelling.nearest(to: key.keyText, among: missing) != nil
        }
        report(
          "a selector needs 'name:' and 'definition:'",
          slip ?? item,
          hint: slip.flatMap { Spelling.nearest(to: $0.keyText, among: missing) }
            .map { "did you mean '\($0)'?" }
            ?? (missing.isEmpty
              ? "the name must be text"
              : "add " + missing.map { "'\($0):'" }.joined(separator: " and "))
        )
        continue
      }
      if let other = found.firstIndex(where: { $0.name == name }) {
        // As dbt, for which the last one counts.
        found.remove(at: other)
        warnings.append(
          Diagnostic(
            id: "selectors.duplicate",
            severity: .warning,
            message: "there are two selectors named '\(name)': the last one counts",
            span: item["name"]?.span ?? item.span,
            hint: "rename one of them; the other is at "
              + (items.first { $0["name"]?.string == name }?["name"]?.span.placeText ?? "")
          )
        )
      }
      guard let (spec, normalised) = self.definition(definition, isRoot: true) else { continue }
      known[name] = (spec, normalised)
      var map: DatumMap = ["name": .string(name)]
      if let description = item["description"]?.string { map["description"] = .string(description) }
      map["definition"] = normalised
      let isDefault = item["default"]?.bool ?? false
      if let value = item["default"], value.bool == nil {
        report("'default:' must be true or false, and is \(value.kindName)", value, hint: nil)
      }
      if let value = item["default"]?.datum { map["default"] = value }
      if isDefault {
        if let defaultName {
          report(
            "selectors '\(defaultName)' and '\(name)' are both the default",
            item,
            hint: "only one selector can have 'default: true'"
          )
        }
        defaultName = name
      }
      found.append(
        NamedSelector(
          name: name,
          description: item["description"]?.string,
          isDefault: isDefault,
          definition: spec,
          normalised: map
        )
      )
    }
    return found
  }

  private mutating func definition(_ node: YAMLNode, isRoot: Bool = false) -> Definition? {
    if let text = node.string {
      let found = criterion(node) { (indirect) throws(Failure) in
        try Criterion(parsing: text, at: node.span(of: text), indirectSelection: indirect)
      }
      guard let found, case .criterion(let criterion) = found.spec, criterion.method == .selector
      else { return found }
      guard let earlier = named(criterion.value, node) else { return nil }
      return criterion.isPlain ? earlier : found
    }
    guard let entries = node.mapping, let first = entries.first else {
      report(
        "a definition is a text or a mapping, and this is \(node.kindName)",
        node,
        hint: "for instance: definition: \"tag:nightly\""
      )
      return nil
    }
    for word in ["union", "intersection"] {
      guard let parts = node[word] else { continue }
      if entries.count > 1 {
        report("'\(word)' stands alone in its definition", node, hint: "nest the other keys inside")
        return nil
      }
      return combination(word, parts)
    }
    if let method = node["method"], let value = node["value"] {
      return dictionary(node, method: method, value: value)
    }
    if entries.count == 1, first.key.keyText == SelectionMethod.selector.rawValue {
      return named(first.value.keyText, first.value)
    }
    if entries.count == 1 {
      return criterion(node) { [indirectSelection] _ throws(Failure) in
        try Criterion(
          method: first.key.keyText,
          value: first.value.keyText,
          parentsDepth: nil,
          childrenDepth: nil,
          takesChildrensParents: false,
          indirectSelection: indirectSelection,
          methodSpan: first.key.span,
          span: first.value.span
        )
      }
    }
    report(
      "a definition needs either one key, or 'method' and 'value', and has "
        + entries.map { "'\($0.key.keyText)'" }.joined(separator: ", "),
      node,
      hint: nil
    )
    return nil
  }

  private mutating func combination(_ word: String, _ node: YAMLNode) -> Definition? {
    guard let items = node.sequence else {
      report("'\(word)' takes a list of definitions", node, hint: nil)
      return nil
    }
    var parts: [Definition] = []
    var excluded: Definition?
    var normalised: [Datum] = []
    for item in items {
      if let list = item["exclude"] {
        if excluded != nil {
          report(
            "a '\(word)' can have only one 'exclude'",
            item,
            hint: "put both into one list"
          )
          continue
        }
        excluded = exclusion(list)
        if item.mapping?.count == 1 {
          if let excluded { normalised.append(.map(["exclude": excluded.normalised])) }
        } else if let part = definition(item) {
          normalised.append(part.normalised)
          warnings.append(
            Diagnostic(
              id: "selectors.exclude-alone",
              severity: .warning,
              message: "inside '\(word)' an entry with 'exclude' only excludes, as in dbt: "
                + "its method and value are ignored",
              span: item.span,
              hint: "put the criterion and its 'exclude' into two entries, "
                + "or into a selector of its own"
            )
          )
        }
      } else if let part = definition(item) {
        parts.append(part)
        normalised.append(part.normalised)
      }
    }
    let specs = parts.map(\.spec)
    var spec =
      word == "union"
      ? SelectionSpec.union(specs, raw: nil, .eager) : .intersection(specs, raw: nil, .eager)
    if let excluded { spec = .difference([spec, excluded.spec], .eager) }
    return (spec, .map([word: .list(normalised)]))
  }

  /// The entries of one `exclude` are united.
  private mutating func exclusion(_ node: YAMLNode) -> Definition? {
    guard let items = node.sequence else {
      report("'exclude' takes a list of definitions", node, hint: nil)
      return nil
    }
    let parts = items.compactMap { definition($0) }
    return (
      .union(parts.map(\.spec), raw: nil, .eager), .list(parts.map(\.normalised))
    )
  }

  /// A selector that stands above the one that is being read.
  private mutating func named(_ name: String, _ place: YAMLNode) -> Definition? {
    if let earlier = known[name] { return earlier }
    report(
      "there is no selector '\(name)' above this one",
      place,
      hint: Spelling.nearest(to: name, among: known.keys)
        .map { "did you mean '\($0)'?" } ?? "a selector can use those that stand above it"
    )
    return nil
  }

  private mutating func dictionary(
    _ node: YAMLNode,
    method: YAMLNode,
    value: YAMLNode
  ) -> Definition? {
    if method.string == SelectionMethod.selector.rawValue {
      guard let earlier = named(value.keyText, value) else { return nil }
      guard let exclude = node["exclude"] else { return earlier }
      guard let excluded = exclusion(exclude) else { return nil }
      return (.difference([earlier.spec, excluded.spec], .eager), earlier.normalised)
    }
    var problem: String?
    func flag(_ key: String) -> Bool {
      guard let value = node[key] else { return false }
      if value.bool == nil { problem = "'\(key)' must be true or false" }
      return value.bool ?? false
    }
    func depth(_ key: String) -> Int? {
      guard flag(key) else { return nil }
      guard let value = node[key + "_depth"] else { return .max }
      if value.int == nil { problem = "'\(key)_depth' must be a number" }
      return value.int ?? .max
    }
    let parents = depth("parents")
    let children = depth("children")
    let childrensParents = flag("childrens_parents")
    if childrensParents, children != nil {
      problem = "'childrens_parents' and 'children' are incompatible"
    }
    if let problem {
      report(problem, node, hint: nil)
      return nil
    }
    let base = criterion(node) { (indirect) throws(Failure) in
      try Criterion(
        method: method.keyText,
        value: value.keyText,
        parentsDepth: parents,
        childrenDepth: children,
        takesChildrensParents: childrensParents,
        indirectSelection: indirect,
        methodSpan: method.span,
        span: value.span
      )
    }
    guard let base, var map = base.normalised.map else { return base }
    // As dbt: a mapping is kept as it was written.
    for key in ["parents", "children", "childrens_parents"] where map[key] == nil {
      if let written = node[key]?.datum { map[key] = written }
    }
    guard let exclude = node["exclude"] else { return (base.spec, .map(map)) }
    guard let excluded = exclusion(exclude) else { return nil }
    map["exclude"] = excluded.normalised
    return (.difference([base.spec, excluded.spec], .eager), .map(map))
  }

  private mutating func criterion(
    _ node: YAMLNode,
    _ make: (IndirectSelection) throws(Failure) -> Criterion
  ) -> Definition? {
    var mode = indirectSelection
    if let wanted = node["indirect_selection"] {
      guard let known = IndirectSelection(rawValue: wanted.keyText) else {
        let names = IndirectSelection.allCases.map(\.rawValue)
        report(
          "'\(wanted.keyText)' is no mode of indirect selection",
          wanted,
          hint: "modes are \(names.joined(separator: ", "))"
        )
        return nil
      }
      mode = known
    }
    do throws(Failure) {
      let criterion = try make(mode)
      return (.criterion(criterion), .map(criterion.normalised(mode: node["indirect_selection"])))
    } catch {
      for var diagnostic in error.diagnostics {
        if diagnostic.span == nil { diagnostic.span = node.span }
        problems.append(diagnostic)
      }
      return nil
    }
  }

  private mutating func report(_ message: String, _ node: YAMLNode, hint: String?) {
    problems.append(
      Diagnostic(id: "selectors.invalid", message: message, span: node.span, hint: hint)
    )
  }
}

extension YAMLNode {
  /// Where the text of a scalar stands: without its quotes; nil where it is written otherwise.
  fileprivate func span(of text: String) -> TextSpan? {
    if span.text == text { return span }
    guard span.end - span.start >= 2 else { return nil }
    let inner = TextSpan(file: span.file, start: span.start + 1, end: span.end - 1)
    return inner.text == text ? inner : nil
  }
}

extension Criterion {
  /// Whether it only names what it selects.
  fileprivate var isPlain: Bool {
    !takesChildrensParents && parentsDepth == nil && childrenDepth == nil
  }

  /// The mapping of the manifest: only what is set.
  fileprivate func normalised(mode: YAMLNode?) -> DatumMap {
    var map: DatumMap = [
      "method": .string(([method.rawValue] + arguments).joined(separator: ".")),
      "value": .string(value),
    ]
    if takesChildrensParents { map["childrens_parents"] = .bool(true) }
    if let parentsDepth {
      map["parents"] = .bool(true)
      if parentsDepth != .max { map["parents_depth"] = .int(parentsDepth) }
    }
    if let childrenDepth {
      map["children"] = .bool(true)
      if childrenDepth != .max { map["children_depth"] = .int(childrenDepth) }
    }
    if let mode { map["indirect_selection"] = .string(mode.keyText) }
    return map
  }
}
