import SectoralJinja
package import SectoralProject
package import SectoralText
import SectoralWarehouse
package import SectoralYAML

/// Finds and reads a project, its profile, its packages and all macros.
package struct WorkspaceLoader {
  /// What the outside world gives an invocation.
  package struct Settings: Sendable {
    /// Absolute.
    package var projectDirectory: String
    /// Absolute; empty where none was found.
    package var profilesDirectory: String
    /// As the user wrote it: then a profile must be in it.
    package var givenProfilesDirectory: String?
    package var profile: String?
    package var target: String?
    package var threads: Int?
    package var vars: DatumMap
    package var environment: [String: String]
    package var invocationID: String
    /// Microseconds since 1970.
    package var startedAt: Int
    package var flags: RenderingFlags
    /// Upper-case names to values, as templates see them.
    package var templateFlags: DatumMap
    /// `invocation_args_dict`.
    package var arguments: DatumMap
    package var checksVersions: Bool
    /// Ctrl-C: a template in the middle of a loop ends as well.
    package var isInterrupted: @Sendable () -> Bool
    /// The database in the embedded server that belongs to a project (its name, its folder).
    package var embeddedDatabase: @Sendable (String, String) -> String

    package init(
      projectDirectory: String,
      profilesDirectory: String,
      givenProfilesDirectory: String? = nil,
      profile: String?,
      target: String?,
      threads: Int?,
      vars: DatumMap,
      environment: [String: String],
      invocationID: String,
      startedAt: Int,
      flags: RenderingFlags,
      templateFlags: DatumMap,
      arguments: DatumMap,
      checksVersions: Bool,
      isInterrupted: @escaping @Sendable () -> Bool = { false },
      embeddedDatabase: @escaping @Sendable (String, String) -> String
    ) {
      self.projectDirectory = projectDirectory
      self.profilesDirectory = profilesDirectory
      self.givenProfilesDirectory = givenProfilesDirectory
      self.profile = profile
      self.target = target
      self.threads = threads
      self.vars = vars
      self.environment = environment
      self.invocationID = invocationID
      self.startedAt = startedAt
      self.flags = flags
      self.templateFlags = templateFlags
      self.arguments = arguments
      self.checksVersions = checksVersions
      self.isInterrupted = isInterrupted
      self.embeddedDatabase = embeddedDatabase
    }
  }

  /// The version that projects, packages and templates see.
  package static let compatibleVersion = "1.11.16"

  private let settings: Settings
  private let environment: Environment
  private let nativeEnvironment: Environment

  package init(_ settings: Settings) {
    self.settings = settings
    var options = Options()
    options.isStopped = settings.isInterrupted
    options.definitionTags = [
      DefinitionTag(tag: "test", prefix: "test_", signature: .macro),
      DefinitionTag(tag: "data_test", prefix: "test_", signature: .macro),
      DefinitionTag(tag: "materialization", prefix: "materialization_", signature: .name),
    ]
    options.undefinedHint =
      "This can happen when calling a macro that does not exist. Check for typos and/or install "
      + "package dependencies with \"dbt deps\"."
    environment = Environment(options, filters: NativeRendering.textFilters)
    nativeEnvironment = Environment(options, filters: NativeRendering.nativeFilters)
  }

  private func invocation(
    projectName: String,
    adapterType: String = "postgres",
    target: DatumMap = DatumMap(),
    quoting: NamePolicy = NamePolicy(),
    behavior: DatumMap = DatumMap()
  ) -> Invocation {
    var metadata = DatumMap()
    let prefix = "DBT_ENV_CUSTOM_ENV_"
    for (key, value) in settings.environment.sorted(by: { $0.key < $1.key })
    where key.hasPrefix(prefix) {
      metadata[String(key.dropFirst(prefix.count))] = .string(value)
    }
    return Invocation(
      id: settings.invocationID,
      startedAt: settings.startedAt,
      dbtVersion: Self.compatibleVersion,
      projectName: projectName,
      adapterType: adapterType,
      target: target,
      flags: settings.templateFlags,
      arguments: settings.arguments,
      metadataEnvironment: metadata,
      quoting: quoting,
      behavior: behavior
    )
  }

  private func context(
    _ invocation: Invocation,
    vars: DatumMap? = nil,
    allowsSecrets: Bool = false,
    members: [Symbol: Value] = [:]
  ) -> ConfigurationContext {
    ConfigurationContext(
      invocation,
      environment: settings.environment,
      vars: vars ?? settings.vars,
      subject: "<Configuration>",
      allowsSecrets: allowsSecrets,
      members: members
    )
  }

  /// The profile for `debug`; where asked to, it does without a readable dbt_project.yml if the
  /// profile was named on the command line, or profiles.yml has no other.
  package func loadProfile(toleratesBadProject: Bool) throws(Failure) -> Profile {
    do {
      return try loadProfile().profile
    } catch {
      guard toleratesBadProject else { throw error }
      var words = "{}"
      if settings.profile == nil {
        let isThere = FileSystem.exists("\(settings.projectDirectory)/dbt_project.yml")
        guard !isThere, let only = try onlyProfile() else { throw error }
        words = JSON.text(of: .map(["profile": .string(only)]))
      }
      let file = SourceFile(path: "dbt_project.yml", text: words)
      guard let standIn = YAMLParser.parse(file).0 else { throw error }
      return try loadProfile(for: standIn)
    }
  }

  /// The one profile of the first profiles.yml; nil where there is none. Several are an error.
  private func onlyProfile() throws(Failure) -> String? {
    let paths = profileFolders.map { "\($0)/profiles.yml" }
    guard let path = paths.first(where: FileSystem.exists),
      // Whoever loads the profile says what is wrong with the file.
      let bytes = try? FileSystem.read(path),
      let root = YAMLParser.parse(SourceFile(path: path, bytes: bytes)).0
    else { return nil }
    let names = (root.mapping ?? []).map(\.key.keyText).filter { $0 != "config" }
    guard names.count > 1 else { return names.first }
    throw Failure(
      .runtime,
      Diagnostic(
        id: "profile.several",
        message: "there is no dbt_project.yml here that names a profile, and profiles.yml has "
          + "several:\n" + names.map { " - \($0)" }.joined(separator: "\n"),
        hint: "name one with --profile"
      )
    )
  }

  /// Reads dbt_project.yml for its mistakes alone. Returns what there is to warn of.
  package func checkProject(_ profile: Profile?) throws(Failure) -> [NamedWarning] {
    let raw = try ProjectDefinition.parse(root: settings.projectDirectory)
    let target = profile?.targetVariable ?? DatumMap()
    let configuring = invocation(
      projectName: raw["name"]?.string ?? "",
      adapterType: profile?.type ?? "postgres",
      target: target
    )
    let (definition, _, problems) = try definition(
      raw,
      root: settings.projectDirectory,
      configuring
    )
    try Self.refuse(problems)
    return definition.namedWarnings
  }

  /// What templates see of a target where there is no profile.
  private static let noTarget: DatumMap = [
    "name": "", "target_name": "", "profile_name": "", "type": "", "schema": "", "database": "",
    "threads": .int(1),
  ]

  private static func refuse(_ problems: [Failure]) throws(Failure) {
    if let first = problems.first {
      throw Failure(first.kind, problems.flatMap(\.diagnostics))
    }
  }

  /// The project's file alone, for commands that do without a profile: `target` is empty where there
  /// is none.
  ///
  /// `toleratesMissingVariables`: what only lacks a variable is no mistake yet.
  package func loadDefinition(
    toleratesMissingVariables: Bool = false
  ) throws(Failure) -> ProjectDefinition {
    let raw = try ProjectDefinition.parse(root: settings.projectDirectory)
    let profile = try? loadProfile(for: raw)
    let target = profile?.targetVariable ?? Self.noTarget
    let configuring = invocation(
      projectName: raw["name"]?.string ?? "",
      adapterType: profile?.type ?? "postgres",
      target: target
    )
    let (definition, _, problems) = try definition(
      raw,
      root: settings.projectDirectory,
      configuring
    )
    let mistakes = problems.filter { problem in
      !toleratesMissingVariables || !problem.diagnostics.allSatisfy { $0.id == "var.missing" }
    }
    try Self.refuse(mistakes + versionProblems(definition))
    return definition
  }

  /// Renders and checks the file of the project, or of an installed package, and the list of packages
  /// beside it. Its templates see the variables of vars.yml beside it, and the project's those of the
  /// command line.
  /// What is wrong in it and leaves the rest readable is a problem.
  ///
  /// `declared`: nil where the list cannot be read.
  private func definition(
    _ raw: YAMLNode,
    root: String,
    shownFolder: String = "",
    seesCommandLine: Bool = true,
    _ configuring: Invocation
  ) throws(Failure) -> (
    definition: ProjectDefinition, declared: PackagesFile?, problems: [Failure]
  ) {
    let variables = try ProjectDefinition.parseVariables(root: root, shownFolder: shownFolder)
    var vars = variables?.datum.map ?? DatumMap()
    for (key, value) in (vars[raw["name"]?.string ?? ""]?.map ?? [:]).entries { vars[key] = value }
    if seesCommandLine {
      for (key, value) in settings.vars.entries { vars[key] = value }
    }
    let renderer = context(
      configuring,
      vars: vars,
      members: ["target": Value(configuring.target)]
    ).renderer(nativeEnvironment)
    var problems: [Failure] = []
    let node = renderer.render(raw, keeping: ProjectDefinition.staysRaw, &problems) ?? raw
    let definition = try ProjectDefinition(
      root: root,
      node: node,
      raw: raw,
      variables: variables
    )
    if !definition.problems.isEmpty { problems.append(Failure(.runtime, definition.problems)) }
    var declared: PackagesFile?
    do throws(Failure) {
      declared = try PackagesFile.read(
        root: root,
        shownFolder: shownFolder,
        render: renderPackages
      )
    } catch { problems.append(error) }
    return (definition, declared, problems)
  }

  /// Renders packages.yml and package-lock.yml: with variables of the command line and secrets, and
  /// without a target.
  package func renderPackages(_ node: YAMLNode) throws(Failure) -> YAMLNode {
    try context(invocation(projectName: ""), allowsSecrets: true)
      .renderer(nativeEnvironment).render(node)
  }

  /// The profile alone: what `db` needs.
  package func loadProfile() throws(Failure) -> (project: YAMLNode, profile: Profile) {
    let raw = try ProjectDefinition.parse(root: settings.projectDirectory)
    return (raw, try loadProfile(for: raw))
  }

  /// Throws as well what is wrong with the values of the target.
  private func loadProfile(for raw: YAMLNode) throws(Failure) -> Profile {
    let profile = try findProfile(for: raw)
    try Self.refuse(profile.problems)
    return profile
  }

  private func findProfile(for raw: YAMLNode) throws(Failure) -> Profile {
    let projectName = raw["name"]?.string ?? ""
    let database = settings.embeddedDatabase(projectName, settings.projectDirectory)
    let context = context(invocation(projectName: projectName), allowsSecrets: true)
    let renderer = context.renderer(nativeEnvironment)
    var profileName = settings.profile
    if profileName == nil, let node = raw["profile"] {
      profileName = try renderer.render(node).datum.pythonText
    }
    var notFound: Failure?
    for folder in profileFolders {
      if !FileSystem.exists("\(folder)/profiles.yml") {
        guard let given = settings.givenProfilesDirectory else { continue }
        throw Failure(
          .runtime,
          Diagnostic(
            id: "profile.no-file",
            message: "dbt looked for a profiles.yml file in \(given)/profiles.yml, but did not "
              + "find one",
            hint: "name another folder, or leave --profiles-dir out: without a profile the "
              + "embedded Postgres is used"
          )
        )
      }
      guard let name = profileName else { throw Self.noProfileNamed(raw) }
      do {
        let profile = try Profile.load(
          folder: folder,
          profileName: name,
          target: settings.target,
          threads: settings.threads,
          embeddedDatabase: database,
          renderer: renderer
        )
        return profile
      } catch {
        // The home folder's file is for all projects, and need not know this one. Any other file
        // that lacks the profile is a mistake.
        let isMissing = error.diagnostics.allSatisfy { $0.id == "profile.not-found" }
        guard isMissing, folder.hasSuffix("/.dbt"), settings.givenProfilesDirectory == nil else {
          throw error
        }
        notFound = error
      }
    }
    if settings.profile != nil || settings.target != nil {
      guard let profileName else { throw Self.noProfileNamed(raw) }
      throw notFound
        ?? Failure(
          .runtime,
          Diagnostic(
            id: "profile.not-found",
            message:
              "Could not find profile named '\(profileName)': there is no profiles.yml",
            hint:
              "leave out --profile and --target to use the embedded Postgres; a profiles.yml may "
              + "lie in the current folder, in ~/.dbt, or in the project's folder 'profiles'"
          )
        )
    }
    return embeddedProfile(profileName, database)
  }

  private static func noProfileNamed(_ raw: YAMLNode) -> Failure {
    Failure(
      .runtime,
      Diagnostic(
        id: "profile.not-named",
        message: "dbt cannot run because no profile was specified for this dbt project",
        span: raw.span.file.startSpan,
        hint: "add 'profile: …' to dbt_project.yml, or give --profile"
      )
    )
  }

  /// Where profiles.yml is looked for; a repository may bring its own in `profiles/`.
  private var profileFolders: [String] {
    if settings.givenProfilesDirectory != nil { return [settings.profilesDirectory] }
    return [settings.profilesDirectory, "\(settings.projectDirectory)/profiles"]
      .filter { !$0.isEmpty }
  }

  private func embeddedProfile(_ name: String?, _ database: String) -> Profile {
    Profile.embedded(
      profileName: name ?? "embedded",
      targetName: settings.target ?? "local",
      threads: settings.threads,
      database: database
    )
  }

  package func load() throws(Failure) -> Workspace {
    let rawRoot = try ProjectDefinition.parse(root: settings.projectDirectory)
    let profile: Profile
    // The project may have mistakes of its own: they are mended together.
    do { profile = try findProfile(for: rawRoot) } catch { profile = .unusable(error) }
    let rootName = rawRoot["name"]?.string ?? ""
    let target = profile.targetVariable
    let configuring = invocation(
      projectName: rootName,
      adapterType: profile.type,
      target: target
    )
    var (root, declared, failures) = try definition(
      rawRoot,
      root: settings.projectDirectory,
      configuring
    )
    let internals =
      profile.type == "redshift"
      ? ["dbt_redshift", "dbt_postgres", "dbt"] : ["dbt_postgres", "dbt"]
    if internals.contains(root.name) { throw Self.sameName(root.name, at: rawRoot["name"]?.span) }
    var definitions = [(root, "")]
    failures.insert(contentsOf: profile.problems, at: 0)
    for package in installedPackages(of: root, declared?.entries ?? [], configuring, &failures) {
      let name = package.0.name
      if internals.contains(name) {
        failures.append(Self.sameName(name, at: package.0.file.startSpan))
      } else {
        definitions.append(package)
      }
    }
    let lacksPackages =
      declared == nil && definitions.count == 1
      || failures.contains { failure in
        failure.diagnostics.contains { $0.id.hasPrefix("package.") }
      }
    for (definition, _) in definitions { failures += versionProblems(definition) }

    var quoting = NamePolicy()
    if let flag = root.quoting["database"]?.bool {
      quoting.database = flag
    }
    if let flag = root.quoting["schema"]?.bool { quoting.schema = flag }
    if let flag = root.quoting["identifier"]?.bool { quoting.identifier = flag }
    let invocation = invocation(
      projectName: root.name,
      adapterType: profile.type,
      target: target,
      quoting: quoting,
      behavior: root.flags
    )

    var packages: [Package] = []
    var warnings: [Diagnostic] = []
    for (definition, shownFolder) in definitions {
      var vars = definition.vars
      for (key, value) in (definition.vars[definition.name]?.map ?? [:]).entries {
        vars[key] = value
      }
      let (files, unread) = try ProjectFiles.read(definition, shownFolder: shownFolder)
      failures += unread
      packages.append(Package(definition: definition, files: files, vars: vars))
      warnings += definition.warnings
    }

    let reader = MacroReader(environment: environment, createdAt: Double(settings.startedAt) / 1e6)
    var entries: [String: [MacroEntry]] = [:]
    var all: [MacroEntry] = []
    var problems: [Diagnostic] = []
    for name in internals.reversed() {
      let found = reader.builtins(of: name)
      entries[name] = found
      all += found
    }
    for package in packages {
      let (found, diagnostics) = reader.macros(of: package)
      entries[package.name] = found
      all += found
      problems += diagnostics.filter { $0.severity == .error }
      warnings += diagnostics.filter { $0.severity != .error }
    }
    let catalog = MacroCatalog(
      rootName: root.name,
      adapterType: profile.type,
      entries: entries,
      internalNames: internals,
      dispatch: root.dispatch,
      lendsMaterializations: root.flags[
        "require_explicit_package_overrides_for_builtin_materializations"
      ]?.bool == false
    )
    return Workspace(
      packages: packages,
      profile: profile,
      macros: catalog,
      allMacros: all,
      environment: environment,
      nativeEnvironment: nativeEnvironment,
      invocation: invocation,
      processEnvironment: settings.environment,
      cliVars: settings.vars,
      flags: settings.flags,
      warnings: warnings,
      macroProblems: problems,
      projectProblems: failures,
      lacksPackages: lacksPackages
    )
  }

  /// Renders another YAML file of the root project, as dbt_project.yml is rendered.
  package func render(_ node: YAMLNode, for workspace: Workspace) throws(Failure) -> YAMLNode {
    try context(
      workspace.invocation,
      members: ["target": Value(workspace.profile.targetVariable)]
    ).renderer(nativeEnvironment).render(node)
  }

  /// The projects below the packages folder, by name.
  private func installedPackages(
    of root: ProjectDefinition,
    _ declared: [PackageEntry],
    _ configuring: Invocation,
    _ failures: inout [Failure]
  ) -> [(ProjectDefinition, String)] {
    let folder = root.packagesInstallPath
    let path = FileSystem.absolute(folder, from: root.root)
    var found: [(ProjectDefinition, String)] = []
    for name in FileSystem.folders(in: path)
    where FileSystem.exists("\(path)/\(name)/dbt_project.yml") {
      let shown = "\(folder)/\(name)/"
      let raw: YAMLNode
      let definition: ProjectDefinition
      do {
        raw = try ProjectDefinition.parse(root: "\(path)/\(name)", shownFolder: shown)
        let problems: [Failure]
        (definition, _, problems) = try self.definition(
          raw,
          root: "\(path)/\(name)",
          shownFolder: shown,
          seesCommandLine: false,
          configuring
        )
        failures += problems
      } catch {
        failures.append(
          Failure(
            error.kind,
            error.diagnostics.map { problem in
              // By this name, what others miss of the package is not told.
              Diagnostic(
                id: "package.unreadable",
                message: problem.message,
                span: problem.span,
                hint: problem.hint
              )
            }
          )
        )
        continue
      }
      if let other = found.first(where: { $0.0.name == definition.name })
        ?? (definition.name == root.name ? (root, "") : nil)
      {
        failures.append(
          Self.sameName(
            definition.name,
            at: raw["name"]?.span ?? other.0.file.startSpan,
            hint: "rename one of them, or remove it from \(folder)"
          )
        )
        continue
      }
      found.append((definition, shown))
    }
    let isRefused = failures.contains { $0.diagnostics.contains { $0.id.hasPrefix("package.") } }
    if declared.count > found.count, !isRefused {
      let names = Set(found.map(\.0.name))
      let missing = declared.filter { !names.contains($0.likelyFolder) }
      // A repository's name need not be that of its project.
      let isSure = missing.count == declared.count - found.count
      failures.append(
        Failure(
          .compilation,
          Diagnostic(
            id: "package.not-installed",
            message: "dbt found \(declared.count) package(s) specified in "
              + "\(declared[0].span.file.path), but only \(found.count) package(s) installed in "
              + "\(folder). Run \"dbt deps\" to install package dependencies.",
            span: (isSure ? missing.first : declared.last)?.span,
            hint: "run 'sectoral deps' to install "
              + (isSure ? missing.map(\.lockedPlace).joined(separator: ", ") : "the packages")
          )
        )
      )
    }
    return found.sorted { $0.0.name < $1.0.name }
  }

  private static func sameName(
    _ name: String,
    at span: TextSpan?,
    hint: String = "give it another name: the built-in macros are a package of this one"
  ) -> Failure {
    Failure(
      .compilation,
      Diagnostic(
        id: "package.same-name",
        message: "dbt found more than one package with the name \"\(name)\" "
          + "included in this project. Package names must be unique in a project.",
        span: span,
        hint: hint
      )
    )
  }

  private func versionProblems(_ definition: ProjectDefinition) -> [Failure] {
    var problems: [Failure] = []
    let own = SemanticVersion(Self.compatibleVersion)
    for requirement in definition.requiredVersions {
      guard let specifier = VersionSpecifier(requirement) else {
        problems.append(
          Failure(
            .runtime,
            Diagnostic(
              id: "project.bad-version-requirement",
              message: "\"\(requirement)\" is not a valid semantic version",
              span: definition.file.startSpan,
              hint: "write, for instance, '>=1.8.0'"
            )
          )
        )
        continue
      }
      if settings.checksVersions, let own, !specifier.admits(own) {
        let problem = Failure(
          .runtime,
          Diagnostic(
            id: "project.version-mismatch",
            message: "This version of dbt is not supported with the '\(definition.name)' package.\n"
              + "  Installed version of dbt: =\(Self.compatibleVersion)\n"
              + "  Required version of dbt for '\(definition.name)': "
              + "\(definition.requiredVersions)",
            span: definition.file.startSpan,
            hint: "use another version of the package, or --no-version-check"
          )
        )
        problems.append(problem)
      }
    }
    return problems
  }
}

extension SourceFile {
  /// The place to point to when a file as a whole is meant.
  package var startSpan: TextSpan { TextSpan(file: self, start: 0, end: 0) }
}
