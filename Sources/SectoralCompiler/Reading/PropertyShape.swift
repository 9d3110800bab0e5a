import SectoralProject
import SectoralText
import SectoralYAML

/// The shape that dbt demands of a value in a properties file, down to its last part.
indirect enum PropertyShape: Sendable {
  case text, flag, whole, number, map, nothing, anything
  case word([String])
  case list(PropertyShape)
  /// `isOpen`: whether it may hold keys of the user's own.
  case object([String: PropertyShape], needs: [String] = [], isOpen: Bool = false)
  case either([PropertyShape])

  static func optional(_ shapes: PropertyShape...) -> PropertyShape { .either(shapes + [.nothing]) }

  /// What is wrong with an entry of a section: with its parts, their keys, their types.
  ///
  /// `path`: that of the file.
  static func problems(of entry: YAMLNode, in section: String, _ path: String) -> [Diagnostic] {
    guard let shape = PropertyShape.bySection[section] else { return [] }
    return shape.problems(of: entry, at: "").map { problem in
      Diagnostic(
        id: "properties.\(problem.id)",
        message: "Invalid \(section) config given in \(path) - at path "
          + "\(problem.place.isEmpty ? "[]" : problem.place): \(problem.message)",
        span: problem.span,
        hint: problem.hint
      )
    }
  }

  private struct Problem {
    let id: String
    /// `['type_params']['metrics'][0]`
    let place: String
    let message: String
    let span: TextSpan
    let hint: String
  }

  private func problems(of node: YAMLNode, at place: String) -> [Problem] {
    switch (self, node.value) {
    case (.anything, _), (.nothing, .scalar(.null)), (.text, .scalar(.string)),
      // Dates are texts to dbt's check.
      (.text, .scalar(.date)), (.flag, .scalar(.bool)), (.map, .mapping),
      (.whole, .scalar(.int)), (.whole, .scalar(.bigInt)), (.number, .scalar(.int)),
      (.number, .scalar(.bigInt)), (.number, .scalar(.float)):
      return []
    case (.whole, .scalar(.float(let value))) where value == value.rounded(): return []
    case (.word(let words), .scalar(.string(let text))) where words.contains(text): return []
    case (.list(let shape), .sequence(let items)):
      return items.enumerated().flatMap { shape.problems(of: $1, at: "\(place)[\($0)]") }
    case (.object(let shapes, let needs, let isOpen), .mapping(let pairs)):
      return Self.problems(of: node, pairs, shapes, needs, isOpen: isOpen, at: place)
    case (.either(let shapes), _):
      let found = shapes.map { $0.problems(of: node, at: place) }
      if found.contains(where: \.isEmpty) { return [] }
      // Of the one that was meant.
      let meant = shapes.firstIndex { $0.isOfKind(of: node) }
      return meant.map { found[$0] } ?? [complaint(about: node, at: place)]
    default: return [complaint(about: node, at: place)]
    }
  }

  private func isOfKind(of node: YAMLNode) -> Bool {
    switch (self, node.value) {
    case (.list, .sequence), (.object, .mapping): true
    default: false
    }
  }

  private static func problems(
    of node: YAMLNode,
    _ pairs: [(key: YAMLNode, value: YAMLNode)],
    _ shapes: [String: PropertyShape],
    _ needs: [String],
    isOpen: Bool,
    at place: String
  ) -> [Problem] {
    var problems: [Problem] = []
    for need in needs where node[need] == nil {
      problems.append(
        Problem(
          id: "missing-key",
          place: place,
          message: "'\(need)' is a required property",
          span: node.span,
          hint: "add '\(need):'"
        )
      )
    }
    for (key, value) in pairs {
      if let shape = shapes[key.keyText] {
        problems += shape.problems(of: value, at: "\(place)['\(key.keyText)']")
      } else if !isOpen {
        problems.append(
          Problem(
            id: "unexpected-key",
            place: place,
            message: "Additional properties are not allowed ('\(key.keyText)' was unexpected)",
            span: key.span,
            hint: Spelling.nearest(to: key.keyText, among: shapes.keys)
              .map { "did you mean '\($0)'?" }
              ?? "the keys here are " + shapes.keys.sorted().joined(separator: ", ")
          )
        )
      }
    }
    return problems
  }

  private func complaint(about node: YAMLNode, at place: String) -> Problem {
    Problem(
      id: "wrong-type",
      place: place,
      message: "\(node.datum.pythonRepr) \(complaint)",
      span: node.span,
      hint: node.isNull ? "give it a value, or leave the key out" : advice(on: node)
    )
  }

  /// As JSON Schema's validator words it.
  private var complaint: String {
    switch self {
    case .text: "is not of type 'string'"
    case .flag: "is not of type 'boolean'"
    case .whole: "is not of type 'integer'"
    case .number: "is not of type 'number'"
    case .nothing: "is not of type 'null'"
    case .map, .object: "is not of type 'object'"
    case .list: "is not of type 'array'"
    case .word(let words): "is not one of \(Datum.strings(words).pythonRepr)"
    case .either: "is not valid under any of the given schemas"
    case .anything: "is wrong"
    }
  }

  private func advice(on node: YAMLNode) -> String {
    switch self {
    case .text: "write text: put numbers and the like in quotes"
    case .flag: "write true or false"
    case .whole, .number: "write a number, without quotes"
    case .nothing, .anything: "leave the key out"
    case .map: "write keys with values below it, indented"
    case .object(let shapes, let needs, _):
      "write keys below it, indented: "
        + (needs.isEmpty ? shapes.keys.sorted() : needs).joined(separator: ", ")
    case .list: "write each item behind a '- '"
    case .word(let words):
      Spelling.nearest(to: node.keyText, among: words).map { "did you mean '\($0)'?" }
        ?? "it is one of \(words.joined(separator: ", "))"
    case .either(let shapes):
      shapes.filter { if case .nothing = $0 { false } else { true } }
        .map { $0.advice(on: node) }.joined(separator: "; or ")
    }
  }
}

// MARK: - What there is

extension PropertyShape {
  fileprivate static let bySection: [String: PropertyShape] = [
    "metrics": metric, "semantic_models": semanticModel, "saved_queries": savedQuery,
    "exposures": exposure, "groups": group, "functions": function,
  ]

  private static let filter = optional(.text, .list(.text))
  private static let owner = object(
    ["email": optional(.text, .list(.text)), "name": optional(.text)],
    isOpen: true
  )

  private static let group = object(
    ["name": .text, "owner": owner, "description": optional(.text), "config": .map],
    needs: ["owner"]
  )

  private static let exposure = object(
    [
      "name": .text, "type": .word(["dashboard", "notebook", "analysis", "ml", "application"]),
      "owner": owner, "description": .text, "label": optional(.text),
      "maturity": optional(.word(["low", "medium", "high"])), "meta": .map, "tags": .list(.text),
      "url": optional(.text), "depends_on": .list(.text), "config": .map,
    ],
    needs: ["type", "owner"]
  )

  private static let function = object(
    [
      "description": .text, "meta": .map, "data_type": optional(.text),
      "constraints": .list(.map), "docs": object(["show": .flag, "node_color": optional(.text)]),
      "config": .map, "access": optional(.text),
      "returns": object(
        ["data_type": .text, "description": optional(.text)],
        needs: ["data_type"]
      ),
      "arguments": .list(
        object(
          [
            "name": .text, "data_type": .text, "description": optional(.text),
            "default_value": .anything,
          ],
          needs: ["name", "data_type"]
        )
      ),
    ],
    isOpen: true
  )

  // MARK: The semantic layer

  private static let inputMeasure = object(
    [
      "name": .text, "filter": filter, "alias": optional(.text), "join_to_timespine": .flag,
      "fill_nulls_with": optional(.whole),
    ],
    needs: ["name"]
  )

  private static let inputMetric = object(
    [
      "name": .text, "filter": filter, "alias": optional(.text), "offset_window": optional(.text),
      "offset_to_grain": optional(.text),
    ],
    needs: ["name"]
  )

  private static let conversion = object(
    [
      "base_measure": .either([inputMeasure, .text]),
      "conversion_measure": .either([inputMeasure, .text]), "entity": .text, "calculation": .text,
      "window": optional(.text),
      "constant_properties": optional(
        .list(
          object(
            ["base_property": .text, "conversion_property": .text],
            needs: ["base_property", "conversion_property"]
          )
        )
      ),
    ],
    needs: ["base_measure", "conversion_measure", "entity"]
  )

  private static let metric = object(
    [
      "name": .text, "label": .text, "type": .text, "description": .text, "filter": filter,
      "time_granularity": optional(.text), "meta": .map, "tags": .list(.text), "config": .map,
      "type_params": object([
        "measure": optional(inputMeasure, .text), "numerator": optional(inputMetric, .text),
        "denominator": optional(inputMetric, .text), "expr": optional(.text, .flag),
        "window": optional(.text), "grain_to_date": optional(.text),
        "metrics": optional(.list(.either([inputMetric, .text]))),
        "conversion_type_params": optional(conversion),
        "cumulative_type_params": optional(
          object([
            "window": optional(.text), "grain_to_date": optional(.text), "period_agg": .text,
          ])
        ),
      ]),
    ],
    needs: ["label", "type", "type_params"]
  )

  private static let entity = object(
    [
      "name": .text, "type": .text, "description": optional(.text), "label": optional(.text),
      "role": optional(.text), "expr": optional(.text), "config": .map,
    ],
    needs: ["name", "type"]
  )

  private static let measure = object(
    [
      "name": .text, "agg": .text, "description": optional(.text), "label": optional(.text),
      "expr": optional(.text, .flag, .whole),
      "agg_params": optional(
        object([
          "percentile": optional(.number), "use_discrete_percentile": .flag,
          "use_approximate_percentile": .flag,
        ])
      ),
      "non_additive_dimension": optional(
        object(
          ["name": .text, "window_choice": .text, "window_groupings": .list(.text)],
          needs: ["name", "window_choice"]
        )
      ), "agg_time_dimension": optional(.text), "create_metric": .flag, "config": .map,
    ],
    needs: ["name", "agg"]
  )

  private static let dimension = object(
    [
      "name": .text, "type": .text, "description": optional(.text), "label": optional(.text),
      "is_partition": .flag,
      "type_params": optional(
        object(
          [
            "time_granularity": .text,
            "validity_params": optional(object(["is_start": .flag, "is_end": .flag])),
          ],
          needs: ["time_granularity"]
        )
      ), "expr": optional(.text), "config": .map,
    ],
    needs: ["name", "type"]
  )

  private static let semanticModel = object(
    [
      "name": .text, "model": .text, "config": .map, "description": optional(.text),
      "label": optional(.text),
      "defaults": optional(object(["agg_time_dimension": optional(.text)])),
      "entities": .list(entity), "measures": .list(measure), "dimensions": .list(dimension),
      "primary_entity": optional(.text),
    ],
    needs: ["model"]
  )

  private static let savedQuery = object(
    [
      "name": .text,
      "query_params": object([
        "metrics": .list(.text), "group_by": .list(.text), "where": filter,
        "order_by": .list(.text), "limit": optional(.whole),
      ]), "description": optional(.text), "label": optional(.text),
      "exports": .list(object(["name": .text, "config": .map], needs: ["name"])),
      "config": .map, "tags": .either([.text, .list(.text)]),
    ],
    needs: ["query_params"]
  )
}
