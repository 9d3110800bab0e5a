package import SectoralJinja
package import SectoralProject
package import SectoralWarehouse
package import SectoralYAML

/// What the objects of the template context ask of whoever runs a template: `Interpreter.host`.
///
/// One host per worker or per node, used by one thread.
package protocol ContextHost: AnyObject {
  /// False while the project is read.
  var isExecuting: Bool { get }
  var invocation: Invocation { get }
  /// `MainThread`, `Thread-1 (worker)`.
  var threadName: String { get }
  /// What is being rendered or run; nil outside of nodes.
  var currentNode: CurrentNode? { get }
  /// Whether `env_var` may hand out secrets: profiles and packages alone.
  var allowsSecrets: Bool { get }
  /// The way to the database; nil where there is none (reading, no profile).
  var session: WarehouseSession? { get }
  /// What the current node's statements gave.
  var results: StatementResults { get }

  /// nil when the variable is not set. The host notes that it was asked for.
  func environmentVariable(_ name: String) -> String?
  /// Throws where a warning is promoted to an error.
  func emit(_ event: ContextEvent) throws(TemplateError)

  /// Calls a macro by its bare name, as the context of the current node finds it: the root project's
  /// own before packages' before built-in ones. nil when there is none.
  func callMacro(
    _ name: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value?
  /// The macro that `adapter.dispatch(name, namespace)` stands for; an error when there is none.
  func dispatch(
    _ name: String,
    namespace: String?,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value

  /// Writes the node's file under target/run.
  func writeRunFile(_ text: String) throws(TemplateError)
  /// How the current node takes its old relation's place, on which `dependents` stand.
  func swapSettings(dependents: [Relation]) -> SwapSettings
  /// Whether a node of the project makes the relation of that name.
  func builds(schema: String, table: String) -> Bool
  /// A setting of the current node that dbt does not know: `meta: {sectoral: {name: …}}`.
  func ownSetting(_ name: String) -> Datum?
  /// The rows of the current seed.
  func loadSeed() throws(TemplateError) -> SeedTable
}

/// The node in whose name templates run, for messages.
package struct CurrentNode: Sendable {
  package let uniqueID: String
  /// `model`, as `resource_type` says it.
  package let resourceType: String
  package let name: String
  package let originalFilePath: String

  package init(uniqueID: String, resourceType: String, name: String, originalFilePath: String) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.name = name
    self.originalFilePath = originalFilePath
  }
}

/// What is the same for everything that one command renders.
package final class Invocation: Sendable {
  package let id: String
  /// Microseconds since 1970, UTC.
  package let startedAt: Int
  /// The version that templates compare with, `1.11.16`.
  package let dbtVersion: String
  package let projectName: String
  /// `postgres` or `redshift`.
  package let adapterType: String
  /// `target` as templates see it: no secrets. Empty where there is no profile.
  package let target: DatumMap
  /// Upper-case names to values.
  package let flags: DatumMap
  /// `invocation_args_dict`: lower-case names to values.
  package let arguments: DatumMap
  /// `DBT_ENV_CUSTOM_ENV_` variables without the prefix.
  package let metadataEnvironment: DatumMap
  /// The project's quoting, for relations made from scratch.
  package let quoting: NamePolicy
  /// The flags of dbt_project.yml that are neither command line flags nor known to every adapter.
  package let behavior: DatumMap
  /// Default query comment and the like are made by the host.
  package init(
    id: String,
    startedAt: Int,
    dbtVersion: String,
    projectName: String,
    adapterType: String,
    target: DatumMap = DatumMap(),
    flags: DatumMap = DatumMap(),
    arguments: DatumMap = DatumMap(),
    metadataEnvironment: DatumMap = DatumMap(),
    quoting: NamePolicy = NamePolicy(),
    behavior: DatumMap = DatumMap()
  ) {
    self.id = id
    self.startedAt = startedAt
    self.dbtVersion = dbtVersion
    self.projectName = projectName
    self.adapterType = adapterType
    self.target = target
    self.flags = flags
    self.arguments = arguments
    self.metadataEnvironment = metadataEnvironment
    self.quoting = quoting
    self.behavior = behavior
  }

  /// The longest name that the database keeps.
  package var maximumNameLength: Int { adapterType == "redshift" ? 127 : 63 }
}

/// Takes what templates say while a project is read, with the node that says it; throws where a
/// warning is an error.
package typealias ReadingEventHandler =
  @Sendable (ContextEvent, Node) throws(TemplateError) -> Void

/// Something that a template said.
package enum ContextEvent: Sendable {
  /// `log(message, info)`: to the console only with `info`.
  case log(String, info: Bool)
  /// `print(message)`.
  case print(String)
  /// A warning by its event name (`JinjaLogWarning`): subject to the warn-error options.
  case warning(name: String, message: String)
  /// Something to know, by its event name, with what the JSON log has beside the text.
  case notice(name: String, message: String, data: DatumMap)

  /// A schema is made.
  static func creation(of schema: Relation) -> ContextEvent {
    let database = schema.database ?? ""
    let name = schema.schema ?? ""
    return .notice(
      name: "SchemaCreation",
      message: "Creating schema \"database: \"\(database)\"\nschema: \"\(name)\"\n\"",
      data: [
        "relation": .map([
          "database": .string(database), "schema": .string(name), "identifier": .string(""),
        ])
      ]
    )
  }
}

extension Interpreter {
  /// The host as the context knows it.
  package var contextHost: any ContextHost {
    guard let host = host as? any ContextHost else {
      preconditionFailure("the template context was used in an interpreter without its host")
    }
    return host
  }
}
