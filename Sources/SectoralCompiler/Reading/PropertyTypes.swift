import SectoralProject
import SectoralText
import SectoralYAML

/// The types that dbt demands of values in properties files. `PropertyShape` has those of the sections
/// that are strict throughout.
enum PropertyTypes {
  private enum Shape {
    case text, optionalText, map, optionalMap, list

    func accepts(_ node: YAMLNode) -> Bool {
      switch (self, node.value) {
      case (.optionalText, .scalar(.null)), (.optionalMap, .scalar(.null)): true
      case (.map, .mapping), (.optionalMap, .mapping), (.list, .sequence): true
      // Dates are texts to dbt's check.
      case (.text, .scalar(.string)), (.optionalText, .scalar(.string)), (.text, .scalar(.date)),
        (.optionalText, .scalar(.date)):
        true
      default: false
      }
    }

    var complaint: String {
      switch self {
      case .text: "is not of type 'string'"
      case .optionalText, .optionalMap: "is not valid under any of the given schemas"
      case .map: "is not of type 'object'"
      case .list: "is not of type 'array'"
      }
    }

    var advice: String {
      switch self {
      case .text, .optionalText: "write text: put numbers and the like in quotes"
      case .map, .optionalMap: "write keys with values below it, indented"
      case .list: "write each item behind a '- '"
      }
    }
  }

  private typealias Shapes = [String: Shape]

  private static let common: Shapes = ["description": .text, "meta": .map, "config": .map]
  private static let ofNodes = common.merging([
    "docs": .map, "constraints": .list, "columns": .list,
  ]) { $1 }
  private static let ofModels = ofNodes.merging(["versions": .list, "access": .text]) { $1 }
  private static let ofColumns = common.merging([
    "name": .text, "data_type": .optionalText, "constraints": .list, "tags": .list,
  ]) { $1 }
  private static let ofSources = common.merging([
    "tables": .list, "quoting": .map, "schema": .optionalText, "database": .optionalText,
  ]) { $1 }
  private static let ofTables = common.merging([
    "name": .text, "columns": .list, "quoting": .map, "identifier": .optionalText,
  ]) { $1 }
  private static let bySection: [String: Shapes] = [
    "models": ofModels, "seeds": ofNodes, "snapshots": ofNodes, "analyses": ofNodes,
    "macros": common.merging(["arguments": .list]) { $1 },
    "sources": ofSources,
    "unit_tests": common.merging([
      "given": .list, "expect": .map, "overrides": .optionalMap,
    ]) { $1 },
  ]

  /// The entries of a section without what is of another type, each of which is a problem.
  static func checked(
    _ entries: [YAMLNode],
    _ section: String,
    _ path: String,
    _ problems: inout [Diagnostic]
  ) -> [YAMLNode] {
    guard let shapes = bySection[section] else { return entries }
    var checker = Checker(section: section, path: path)
    let checked = entries.map { entry in
      var entry = checker.check(entry, shapes, at: "")
      entry = checker.checkItems(of: entry, "columns", ofColumns, at: "") { column, _, _ in column }
      return checker.checkItems(of: entry, "tables", ofTables, at: "") { table, place, checker in
        checker.checkItems(of: table, "columns", ofColumns, at: place) { column, _, _ in column }
      }
    }
    problems += checker.problems
    return checker.problems.isEmpty ? entries : checked
  }

  private struct Checker {
    let section: String
    let path: String
    var problems: [Diagnostic] = []

    mutating func check(_ node: YAMLNode, _ shapes: Shapes, at place: String) -> YAMLNode {
      guard let pairs = node.mapping else { return node }
      var kept = pairs
      kept.removeAll { key, value in
        guard let shape = shapes[key.keyText], !shape.accepts(value) else { return false }
        problems.append(
          Diagnostic(
            id: "properties.wrong-type",
            message: "Invalid \(section) config given in \(path) - at path "
              + "\(place)['\(key.keyText)']: \(value.datum.pythonRepr) \(shape.complaint)",
            span: value.span,
            hint: value.isNull ? "give it a value, or leave the key out" : shape.advice
          )
        )
        return true
      }
      if kept.count == pairs.count { return node }
      // It has been told of: nobody else is to miss it.
      if let (key, name) = pairs.first(where: { $0.key.keyText == "name" }),
        !kept.contains(where: { $0.key.keyText == "name" })
      {
        let text = YAMLNode(.scalar(.string(name.datum.pythonText)), at: name.span)
        kept.append((key: key, value: text))
      }
      return YAMLNode(.mapping(kept), at: node.span)
    }

    /// Checks each item of the list under a key, and then what `inside` does of it.
    mutating func checkItems(
      of node: YAMLNode,
      _ key: String,
      _ shapes: Shapes,
      at place: String,
      _ inside: (YAMLNode, String, inout Checker) -> YAMLNode
    ) -> YAMLNode {
      guard let list = node[key], let items = list.sequence else { return node }
      let known = problems.count
      let checked = items.enumerated().map { index, item in
        let below = "\(place)['\(key)'][\(index)]"
        return inside(check(item, shapes, at: below), below, &self)
      }
      guard problems.count > known, var pairs = node.mapping else { return node }
      for index in pairs.indices where pairs[index].key.keyText == key {
        pairs[index].value = YAMLNode(.sequence(checked), at: list.span)
      }
      return YAMLNode(.mapping(pairs), at: node.span)
    }
  }
}
