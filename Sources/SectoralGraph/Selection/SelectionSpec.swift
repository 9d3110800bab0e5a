package import SectoralProject
package import SectoralText

/// Which tests come along with what they test; dbt's words.
package enum IndirectSelection: String, Sendable, Hashable, CaseIterable {
  /// Every test that touches something selected.
  case eager
  /// Tests whose parents are all selected.
  case cautious
  /// Tests whose parents are selected or above the selection.
  case buildable
  /// Only tests selected by themselves.
  case empty
}

/// One word of a selection: a method, its value, and how far to walk from what it matches.
package struct Criterion: Sendable {
  package var method: SelectionMethod
  /// `["materialized"]` of `config.materialized:`.
  package var arguments: [String]
  package var value: String
  /// nil: no ancestors; `.max`: all.
  package var parentsDepth: Int?
  package var childrenDepth: Int?
  /// The `@` operator: descendants and all their ancestors.
  package var takesChildrensParents: Bool
  package var indirectSelection: IndirectSelection
  /// Where the value is written.
  package var span: TextSpan?

  package init(
    method: SelectionMethod,
    arguments: [String] = [],
    value: String,
    parentsDepth: Int? = nil,
    childrenDepth: Int? = nil,
    takesChildrensParents: Bool = false,
    indirectSelection: IndirectSelection,
    span: TextSpan? = nil
  ) {
    self.method = method
    self.arguments = arguments
    self.value = value
    self.parentsDepth = parentsDepth
    self.childrenDepth = childrenDepth
    self.takesChildrensParents = takesChildrensParents
    self.indirectSelection = indirectSelection
    self.span = span
  }
}

/// The words before the colon.
package enum SelectionMethod: String, Sendable, Hashable, CaseIterable {
  case fqn, tag, group, access, source, path, file, package, config, exposure, metric, result
  case state, version
  case testName = "test_name"
  case testType = "test_type"
  case resourceType = "resource_type"
  case sourceStatus = "source_status"
  case semanticModel = "semantic_model"
  case savedQuery = "saved_query"
  case unitTest = "unit_test"
  /// What a selector of selectors.yml names.
  case selector
}

/// What to select: criteria and their combinations.
package indirect enum SelectionSpec: Sendable {
  case criterion(Criterion)
  /// `raw` is what the user wrote, if they should hear that it matches nothing.
  case union([SelectionSpec], raw: String?, IndirectSelection)
  case intersection([SelectionSpec], raw: String?, IndirectSelection)
  /// The first without all the others.
  case difference([SelectionSpec], IndirectSelection)
}

extension SelectionSpec {
  /// What `--select` and `--exclude` say together; nil or an empty list means everything, or
  /// nothing, respectively.
  package static func commandLine(
    select: [String],
    exclude: [String],
    indirectSelection: IndirectSelection
  ) throws(Failure) -> SelectionSpec {
    let included: SelectionSpec =
      if select.isEmpty {
        .union(
          [.fqn, .source, .exposure, .metric, .semanticModel].map {
            .criterion(
              Criterion(method: $0, value: "*", indirectSelection: indirectSelection)
            )
          },
          raw: nil,
          indirectSelection
        )
      } else {
        try arguments(select, option: "--select", indirectSelection)
      }
    if exclude.isEmpty { return .difference([included], indirectSelection) }
    return .difference(
      [included, try arguments(exclude, option: "--exclude", indirectSelection)],
      indirectSelection
    )
  }

  /// Words separated by blanks are united, words joined by commas intersected.
  private static func arguments(
    _ arguments: [String],
    option: String,
    _ indirectSelection: IndirectSelection
  ) throws(Failure) -> SelectionSpec {
    var elements: [SelectionSpec] = []
    var problems: [Failure] = []
    for argument in arguments {
      // The argument is the file that messages show.
      let file = SourceFile(path: option, text: argument)
      var start = 0
      for element in argument.split(separator: " ", omittingEmptySubsequences: false) {
        var criteria: [SelectionSpec] = []
        for word in element.split(separator: ",", omittingEmptySubsequences: false) {
          let end = start + word.utf8.count
          do {
            let criterion = try Criterion(
              parsing: word,
              at: TextSpan(file: file, start: start, end: end),
              indirectSelection: indirectSelection
            )
            criteria.append(.criterion(criterion))
          } catch { problems.append(error) }
          start = end + 1
        }
        elements.append(.intersection(criteria, raw: String(element), indirectSelection))
      }
    }
    if let all = Failure(problems) { throw all }
    return .union(elements, raw: nil, indirectSelection)
  }
}

extension Criterion {
  /// Reads `[@][N+][method:]value[+N]`. `place` is where exactly this text stands, if it is known.
  package init(
    parsing word: some StringProtocol,
    at place: TextSpan?,
    indirectSelection: IndirectSelection
  ) throws(Failure) {
    func span(_ part: some StringProtocol) -> TextSpan? {
      guard let place else { return nil }
      let start = place.start + word.utf8.distance(from: word.startIndex, to: part.startIndex)
      return TextSpan(file: place.file, start: start, end: start + part.utf8.count)
    }
    var rest = word[...]
    let takesChildrensParents = rest.first == "@"
    if takesChildrensParents { rest = rest.dropFirst() }
    var parentsDepth: Int?
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    if rest[digits.endIndex...].first == "+" {
      // More digits than fit mean all.
      parentsDepth = Int(digits) ?? .max
      rest = rest[digits.endIndex...].dropFirst()
    }
    var childrenDepth: Int?
    if let plus = rest.lastIndex(of: "+") {
      let depth = rest[rest.index(after: plus)...]
      if depth.allSatisfy({ $0.isASCII && $0.isNumber }) {
        childrenDepth = Int(depth) ?? .max
        rest = rest[..<plus]
      }
    }
    var methodText: String?
    var methodSpan: TextSpan?
    if let colon = rest.firstIndex(of: ":"), colon != rest.startIndex,
      rest[..<colon].allSatisfy({ $0 == "." || $0 == "_" || $0.isLetter || $0.isNumber })
    {
      methodText = String(rest[..<colon])
      methodSpan = span(rest[..<colon])
      rest = rest[rest.index(after: colon)...]
    }
    let value = String(rest)
    if takesChildrensParents, childrenDepth != nil {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "selection.incompatible-operators",
          message: "Invalid node spec \(word) - \"@\" prefix and \"+\" suffix are incompatible",
          span: place,
          hint: "'@\(value)' already takes everything downstream; leave the '+' away"
        )
      )
    }
    try self.init(
      method: methodText,
      value: value,
      parentsDepth: parentsDepth,
      childrenDepth: childrenDepth,
      takesChildrensParents: takesChildrensParents,
      indirectSelection: indirectSelection,
      methodSpan: methodSpan,
      span: rest.isEmpty ? place : span(rest)
    )
  }

  /// `methodText` is `tag` or `config.materialized`, and nil where the value decides.
  init(
    method methodText: String?,
    value: String,
    parentsDepth: Int?,
    childrenDepth: Int?,
    takesChildrensParents: Bool,
    indirectSelection: IndirectSelection,
    methodSpan: TextSpan?,
    span: TextSpan?
  ) throws(Failure) {
    let method: SelectionMethod
    var arguments: [String] = []
    if let methodText {
      let parts = methodText.split(separator: ".", omittingEmptySubsequences: false).map(
        String.init
      )
      guard let known = SelectionMethod(rawValue: parts[0]) else {
        let names = SelectionMethod.allCases.map(\.rawValue)
        throw Failure(
          .runtime,
          Diagnostic(
            id: "selection.unknown-method",
            message: "'\(parts[0])' is not a valid method name",
            span: methodSpan,
            hint: Spelling.nearest(to: parts[0], among: names).map { "did you mean '\($0):'?" }
              ?? "methods are \(names.sorted().joined(separator: ", "))"
          )
        )
      }
      method = known
      arguments = Array(parts.dropFirst())
    } else if value.contains("/") {
      method = .path
    } else if [".sql", ".py", ".csv"].contains(where: value.lowercased().hasSuffix) {
      method = .file
    } else {
      method = .fqn
    }
    self.init(
      method: method,
      arguments: arguments,
      value: value,
      parentsDepth: parentsDepth,
      childrenDepth: childrenDepth,
      takesChildrensParents: takesChildrensParents,
      indirectSelection: indirectSelection,
      span: span
    )
  }
}
