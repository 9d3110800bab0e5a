import SectoralText
package import SectoralYAML

/// The `models:`, `seeds:` … tree of one dbt_project.yml: configurations by folder and name.
package struct ConfigTree: Sendable {
  /// The configurations of one level, and the levels below by name.
  package final class Level: Sendable {
    package let layer: ConfigLayer
    /// The layer's values as they were written, templates and all.
    package let unrendered: DatumMap
    package let below: [String: Level]
    /// The keys that lead here, for the warning about unused paths.
    package let path: [String]

    init(_ node: YAMLNode, raw: YAMLNode?, path: [String]) {
      var values = DatumMap()
      var unrendered = DatumMap()
      var origins: [String: TextSpan] = [:]
      var below: [String: Level] = [:]
      for (key, value) in node.mapping ?? [] {
        let name = key.keyText
        if name.hasPrefix("+") {
          let config = String(name.drop { $0 == "+" || $0 == " " })
          values[config] = value.datum
          unrendered[config] = (raw?[name] ?? value).datum
          origins[config] = value.span
        } else if case .mapping = value.value {
          below[name] = Level(value, raw: raw?[name], path: path + [name])
        } else {
          values[name] = value.datum
          unrendered[name] = (raw?[name] ?? value).datum
          origins[name] = value.span
        }
      }
      self.layer = ConfigLayer(values, origin: node.span, origins: origins)
      self.unrendered = unrendered
      self.below = below
      self.path = path
    }
  }

  package let root: Level
  /// What stands at the root without a "+": settings, and the folders and packages below.
  package let plain: DatumMap

  /// `raw` is the tree before it was rendered, `key` the tree's key in the file: `models`.
  package init(_ node: YAMLNode, raw: YAMLNode? = nil, key: String) {
    root = Level(node, raw: raw, path: [key])
    plain = DatumMap(
      lastWins: (node.mapping ?? []).filter { !$0.key.keyText.hasPrefix("+") }.map {
        (key: $0.key.keyText, value: $0.value.datum)
      }
    )
  }

  /// The levels that apply to a resource, weak to strong; levels without a configuration included.
  package func levels(for fqn: [String]) -> [Level] {
    var levels = [root]
    var level = root
    for name in fqn {
      guard let next = level.below[name] else { break }
      levels.append(next)
      level = next
    }
    return levels
  }

  /// Every level that sets something, as the keys that lead to it.
  package var configuredPaths: [[String]] {
    func collect(_ level: Level) -> [[String]] {
      (level.layer.values.isEmpty ? [] : [level.path])
        + level.below.sorted { $0.key < $1.key }.flatMap { collect($0.value) }
    }
    return collect(root)
  }
}
