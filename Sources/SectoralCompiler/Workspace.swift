package import SectoralJinja
package import SectoralProject
package import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// One project of an invocation: the root, or an installed package. An object, since each of its
/// resources has it.
package final class Package: Sendable {
  package let definition: ProjectDefinition
  package let files: [ProjectFile]
  /// Global keys and own section of the package's own vars, joined.
  package let vars: DatumMap

  init(definition: ProjectDefinition, files: [ProjectFile], vars: DatumMap) {
    self.definition = definition
    self.files = files
    self.vars = vars
  }

  package var name: String { definition.name }
}

/// Everything about an invocation that is known before a node is rendered, and does not change
/// afterwards: shared by all threads.
package final class Workspace: Sendable {
  package let root: Package
  /// The root first, then the installed packages by name.
  package let packages: [Package]
  package let profile: Profile
  package let macros: MacroCatalog
  /// In the order in which they are written to the manifest.
  package let allMacros: [MacroEntry]
  /// For SQL: what a value prints as is its text.
  package let environment: Environment
  /// For YAML: keeps the markers of `as_bool` and its like.
  package let nativeEnvironment: Environment
  package let invocation: Invocation
  package let processEnvironment: [String: String]
  package let cliVars: DatumMap
  package let flags: RenderingFlags
  /// Macros that replace `ref`, `source`, `config`, or a naming macro: shortcuts are off then.
  package let warnings: [Diagnostic]
  /// What is wrong with macro files: reported with the mistakes of everything else.
  package let macroProblems: [Diagnostic]
  /// What is wrong with dbt_project.yml and with packages: reported with everything else, too.
  package let projectProblems: [Failure]
  /// Whether packages are missing, and with them what the project uses of them.
  package let lacksPackages: Bool
  let parsedFiles = ParsedFiles()
  private let packageIndex: [String: Int]
  private let variables: [String: DatumMap]

  package init(
    packages: [Package],
    profile: Profile,
    macros: MacroCatalog,
    allMacros: [MacroEntry],
    environment: Environment,
    nativeEnvironment: Environment,
    invocation: Invocation,
    processEnvironment: [String: String],
    cliVars: DatumMap,
    flags: RenderingFlags,
    warnings: [Diagnostic],
    macroProblems: [Diagnostic] = [],
    projectProblems: [Failure] = [],
    lacksPackages: Bool = false
  ) {
    root = packages[0]
    self.packages = packages
    self.profile = profile
    self.macros = macros
    self.allMacros = allMacros
    self.environment = environment
    self.nativeEnvironment = nativeEnvironment
    self.invocation = invocation
    self.processEnvironment = processEnvironment
    self.cliVars = cliVars
    self.flags = flags
    self.warnings = warnings
    self.macroProblems = macroProblems
    self.projectProblems = projectProblems
    self.lacksPackages = lacksPackages
    packageIndex = Dictionary(
      packages.enumerated().map { ($1.name, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let root = packages[0]
    variables = Dictionary(
      packages.map { package in
        var vars = package.vars
        for (key, value) in root.definition.vars.entries { vars[key] = value }
        if let scoped = root.definition.vars[package.name]?.map {
          for (key, value) in scoped.entries { vars[key] = value }
        }
        for (key, value) in cliVars.entries { vars[key] = value }
        return (package.name, vars)
      },
      uniquingKeysWith: { first, _ in first }
    )
  }

  package func package(_ name: String) -> Package? { packageIndex[name].map { packages[$0] } }

  /// The variables that nodes of a package see, weak to strong already joined.
  package func vars(for package: String) -> DatumMap {
    variables[package] ?? variables[root.name] ?? cliVars
  }

  /// How names are quoted unless a node says otherwise.
  package var quoting: NamePolicy { invocation.quoting }

  /// Whether the adapter writes an alias behind a limited relation.
  package var aliasesSubqueries: Bool { profile.type != "redshift" }

  /// The relation of a node.
  package func relation(of node: Node, type: RelationType? = nil) -> Relation {
    // The config `quoting` of a node has no say in it: dbt keeps it, and looks at the project's.
    Relation(
      database: node.database,
      schema: node.schema,
      identifier: node.alias,
      type: type,
      quotePolicy: quoting,
      aliasesSubqueries: aliasesSubqueries
    )
  }

  /// The relation of a source: its own quoting over the adapter's, not the project's.
  package func relation(
    of source: SourceTable,
    over policy: NamePolicy = NamePolicy()
  ) -> Relation {
    var policy = policy
    if let flag = source.quoting["database"]?.bool { policy.database = flag }
    if let flag = source.quoting["schema"]?.bool { policy.schema = flag }
    if let flag = source.quoting["identifier"]?.bool { policy.identifier = flag }
    return Relation(
      database: source.database,
      schema: source.schema,
      identifier: source.identifier,
      quotePolicy: policy,
      aliasesSubqueries: aliasesSubqueries
    )
  }
}

/// The flags that templates and compilation depend on.
package struct RenderingFlags: Sendable {
  package var isFullRefresh: Bool
  package var isEmpty: Bool
  package var which: String
  package var storesFailures: Bool
  /// `--sample`: the time that models and snapshots read.
  package var sample: EventTimeWindow?

  package init(
    isFullRefresh: Bool = false,
    isEmpty: Bool = false,
    which: String = "parse",
    storesFailures: Bool = false,
    sample: EventTimeWindow? = nil
  ) {
    self.isFullRefresh = isFullRefresh
    self.isEmpty = isEmpty
    self.which = which
    self.storesFailures = storesFailures
    self.sample = sample
  }
}
