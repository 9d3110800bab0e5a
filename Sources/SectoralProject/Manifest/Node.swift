package import SectoralText
package import SectoralYAML

/// A `ref('package', 'name', v=…)` as it was written.
package struct Reference: Sendable, Hashable {
  package var name: String
  package var package: String?
  package var version: Datum?

  package init(name: String, package: String? = nil, version: Datum? = nil) {
    self.name = name
    self.package = package
    self.version = version
  }

  /// As messages name it.
  package var words: String {
    var text = "a node named '\(name)'"
    if let package { text += " in package or project '\(package)'" }
    if let version { text += " with version '\(version.pythonText)'" }
    return text
  }
}

/// The digest by which a changed file is known.
package struct Checksum: Sendable, Hashable {
  package var name: String
  package var checksum: String

  package init(name: String, checksum: String) {
    self.name = name
    self.checksum = checksum
  }

  package static let none = Checksum(name: "none", checksum: "")
}

/// What a generic test was made from.
package struct TestMetadata: Sendable {
  package var name: String
  package var namespace: String?
  /// In dbt's order: column_name, the user's arguments, model.
  package var arguments: DatumMap

  package init(name: String, namespace: String?, arguments: DatumMap) {
    self.name = name
    self.namespace = namespace
    self.arguments = arguments
  }
}

/// An ephemeral model's SQL, put into a node's SQL as a CTE.
package struct ExtraCTE: Sendable, Hashable {
  package var uniqueID: String
  package var sql: String

  package init(uniqueID: String, sql: String) {
    self.uniqueID = uniqueID
    self.sql = sql
  }
}

/// A model, seed, snapshot, analysis, test, hook or inline query.
///
/// Unchecked because it is a class that is filled in place: while a project is read, a node belongs
/// to the one worker that renders it; from then on only the runner writes, and only the compiled
/// fields of the node that its worker has taken from the queue.
package final class Node: @unchecked Sendable {
  package var uniqueID: String
  package let resourceType: ResourceType
  package var name: String
  package let packageName: String
  /// Below the resource directory.
  package var path: String
  /// Below the project's root.
  package let originalFilePath: String
  package var fqn: [String]
  package var checksum: Checksum
  package var rawCode: String
  package let createdAt: Double
  /// Where `rawCode` stands; nil where it was made (generic tests).
  package var source: TextSpan?
  /// Where a message about this node should point when there is no code: its properties entry.
  package var declaration: TextSpan?
  /// The entry of a properties file that describes it.
  package var properties: TextSpan?

  package var alias: String
  package var schema: String?
  package var database: String?
  package var relationName: String?

  /// Merged, with defaults, in the order of declaration.
  package var config: DatumMap
  /// Settings that the node's own template changed in place when it was compiled: they stand in the
  /// manifest.
  package var changedSettings: DatumMap = [:] { didSet { changes &+= 1 } }
  package var unrenderedConfig = DatumMap()
  package var tags: [String] = []
  package var description = ""
  /// Name to column object, in the order of the properties file.
  package var columns = DatumMap()
  package var docBlocks: [String] = []
  package var patchPath: String?
  package var language: String? = "sql"

  package var refs: [Reference] = []
  /// Where each of `refs` and `sources` was written, as far as it is known.
  package var refSpans: [TextSpan?] = []
  package var sourceSpans: [TextSpan?] = []
  package var sources: [[String]] = []
  package var metrics: [[String]] = []
  package var functions: [[String]] = []
  package var dependsOnNodes: [String] = []
  package var dependsOnMacros: [String] = []

  // Models.
  package var contractChecksum: String?
  package var constraints: [Datum] = []
  package var version: Datum?
  package var latestVersion: Datum?
  /// The name, in the node's schema, of the view that shows this version for as long as it is the
  /// latest; nil where the model asks for none.
  package var latestVersionPointer: String?
  package var deprecationDate: String?
  package var primaryKey: [String] = []
  package var timeSpine: Datum?

  // Tests.
  package var testMetadata: TestMetadata?
  package var columnName: String?
  package var fileKeyName: String?
  package var attachedNode: String?
  /// The group of what a generic test is attached to.
  package var inheritedGroup: String?

  // Seeds: the absolute folder of their package. Hooks: their place in the list.
  package var rootPath: String?
  package var hookIndex: Int?

  // Snapshots in YAML, unit tests and others keep here what only they have, as the manifest does.
  package var extraFields = DatumMap()

  // Set when the node is compiled.
  package var compiledCode: String? { didSet { changes &+= 1 } }
  package var compiledPath: String? { didSet { changes &+= 1 } }
  package var buildPath: String? { didSet { changes &+= 1 } }
  package var extraCTEs: [ExtraCTE] = [] { didSet { changes &+= 1 } }
  package var isCompiled = false { didSet { changes &+= 1 } }
  /// How often something was written that may be written after the project is read.
  package private(set) var changes = 0

  package init(
    uniqueID: String,
    resourceType: ResourceType,
    name: String,
    packageName: String,
    path: String,
    originalFilePath: String,
    fqn: [String],
    checksum: Checksum,
    rawCode: String,
    createdAt: Double,
    config: DatumMap = DatumMap()
  ) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.name = name
    self.packageName = packageName
    self.path = path
    self.originalFilePath = originalFilePath
    self.fqn = fqn
    self.checksum = checksum
    self.rawCode = rawCode
    self.createdAt = createdAt
    self.config = config
    self.alias = name
  }
}

extension Node {
  package var materialized: String { config["materialized"]?.string ?? "view" }
  package var isEnabled: Bool { config["enabled"]?.bool ?? true }
  package var isEphemeralModel: Bool { resourceType == .model && materialized == "ephemeral" }
  /// Whether a model's children are built although it failed (`on_error: continue`).
  package var isOptional: Bool {
    resourceType == .model && config["on_error"]?.string == "continue"
  }
  package var meta: Datum { config["meta"] ?? .map(DatumMap()) }
  package var group: String? { inheritedGroup ?? config["group"]?.string }
  package var access: String { config["access"]?.string ?? "protected" }

  /// Whether the node stands for something in the warehouse that has a name.
  package var isRelational: Bool {
    switch resourceType {
    case .model: !isEphemeralModel
    case .seed, .snapshot, .function: true
    case .test: storesFailures
    default: false
    }
  }

  /// Whether a test keeps its failing rows, as its configuration (not the flag) says.
  package var storesFailures: Bool {
    guard resourceType == .test else { return false }
    if let kind = config["store_failures_as"]?.string { return kind != "ephemeral" }
    return config["store_failures"]?.bool ?? false
  }

  /// The name by which `ref` and the user know it: with its version, where it has one.
  package var searchName: String {
    guard let version else { return name }
    return "\(name).v\(version.pythonText)"
  }
}
