package import SectoralProject
package import SectoralYAML

/// The place of a resource in a graph. Members are sorted by unique id, so comparing places compares
/// ids.
package struct MemberID: Sendable, Hashable, Comparable {
  package let index: Int32

  package init(_ index: Int) { self.index = Int32(index) }

  package var offset: Int { Int(index) }

  package static func < (a: MemberID, b: MemberID) -> Bool { a.index < b.index }
}

/// Anything that can depend on something or be depended on.
package enum GraphMember: Sendable {
  case node(Node)
  case source(SourceTable)
  /// An exposure, metric, semantic model, saved query, unit test or function.
  case resource(PlainResource)

  package var uniqueID: String {
    switch self {
    case .node(let node): node.uniqueID
    case .source(let source): source.uniqueID
    case .resource(let resource): resource.uniqueID
    }
  }

  package var resourceType: ResourceType {
    switch self {
    case .node(let node): node.resourceType
    case .source: .source
    case .resource(let resource): resource.resourceType
    }
  }

  package var name: String {
    switch self {
    case .node(let node): node.name
    case .source(let source): source.name
    case .resource(let resource): resource.name
    }
  }

  package var packageName: String {
    switch self {
    case .node(let node): node.packageName
    case .source(let source): source.packageName
    case .resource(let resource): resource.packageName
    }
  }

  package var fqn: [String] {
    switch self {
    case .node(let node): node.fqn
    case .source(let source): source.fqn
    case .resource(let resource): resource.fqn
    }
  }

  package var tags: [String] {
    switch self {
    case .node(let node): node.tags
    case .source(let source): source.tags
    case .resource(let resource):
      // Only the configuration of unit tests has tags.
      resource.resourceType == .unitTest ? resource.config["tags"]?.texts ?? [] : resource.tags
    }
  }

  package var config: DatumMap {
    switch self {
    case .node(let node): node.config
    case .source(let source): source.config
    case .resource(let resource): resource.config
    }
  }

  package var originalFilePath: String {
    switch self {
    case .node(let node): node.originalFilePath
    case .source(let source): source.originalFilePath
    case .resource(let resource): resource.originalFilePath
    }
  }

  /// `package://path` of the properties file, where there is one.
  package var patchPath: String? {
    switch self {
    case .node(let node): node.patchPath
    case .source(let source): source.patchPath
    case .resource(let resource): resource.fields["patch_path"]?.string
    }
  }

  package var dependsOnNodes: [String] {
    switch self {
    case .node(let node): node.dependsOnNodes
    case .source: []
    case .resource(let resource): resource.dependsOnNodes
    }
  }

  package var node: Node? { if case .node(let node) = self { node } else { nil } }

  /// Data tests and unit tests: what indirect selection takes along.
  package var isTest: Bool { resourceType == .test || resourceType == .unitTest }

  /// SQL nodes without any code, which no command runs.
  package var isEmpty: Bool {
    guard let node, node.resourceType != .seed else { return false }
    return node.rawCode.isBlank
  }

  package var layout: DatumMap {
    switch self {
    case .node(let node): node.layout()
    case .source(let source): source.layout()
    case .resource(let resource): resource.layout()
    }
  }
}
