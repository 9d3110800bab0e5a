import SectoralJinja
import SectoralProject
import SectoralPython
import SectoralYAML

/// `ref` as a value: besides being called it has members, of which packages use `config`.
final class ReferenceFunction: ContextObject {
  typealias Body = (Arguments, Interpreter) throws(TemplateError) -> Value

  private unowned let context: NodeContext
  private let body: Body

  init(_ context: NodeContext, _ body: @escaping Body) {
    self.context = context
    self.body = body
  }

  override var typeName: String { "RefResolver" }
  override var isCallable: Bool { true }

  override func call(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value { try body(arguments, interpreter) }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name.name {
    case "config":
      return .object(RuntimeConfigObject(context.workspace.root, context.workspace))
    case "model": return context.lookup(Names.model)
    case "current_project": return .string(context.packageName)
    default: return nil
    }
  }
}

/// What is configured of a whole project: `builtins.ref.config`, and each of its `dependencies`.
/// Credentials are not among it.
private final class RuntimeConfigObject: MappingObject {
  private let package: Package
  private let workspace: Workspace

  init(_ package: Package, _ workspace: Workspace) {
    self.package = package
    self.workspace = workspace
  }

  override var typeName: String { "RuntimeConfig" }

  override var keys: [String] {
    [
      "project_name", "version", "profile_name", "target_name", "threads", "project_root",
      "model_paths", "seed_paths", "snapshot_paths", "test_paths", "analysis_paths", "macro_paths",
      "function_paths", "docs_paths", "asset_paths", "target_path", "log_path",
      "packages_install_path", "clean_targets", "quoting", "on_run_start", "on_run_end",
      "restrict_access", "vars", "cli_vars", "args", "dependencies",
    ]
  }

  override func member(
    _ name: String,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    let definition = package.definition
    let target = workspace.invocation.target
    func texts(_ values: [String]) -> Value { .list(values.map(Value.string)) }
    switch name {
    case "project_name": return .string(definition.name)
    case "version": return definition.version.map(Value.string) ?? Value.none
    case "profile_name", "target_name", "threads": return Value(target[name] ?? .null)
    case "project_root": return .string(definition.root)
    case "model_paths": return texts(definition.modelPaths)
    case "seed_paths": return texts(definition.seedPaths)
    case "snapshot_paths": return texts(definition.snapshotPaths)
    case "test_paths": return texts(definition.testPaths)
    case "analysis_paths": return texts(definition.analysisPaths)
    case "macro_paths": return texts(definition.macroPaths)
    case "function_paths": return texts(definition.functionPaths)
    case "docs_paths": return texts(definition.docsPaths)
    case "asset_paths": return texts(definition.assetPaths)
    case "target_path": return .string(definition.targetPath)
    case "log_path": return .string(definition.logPath)
    case "packages_install_path": return .string(definition.packagesInstallPath)
    case "clean_targets": return texts(definition.cleanTargets)
    case "quoting": return Value(.map(definition.quoting))
    case "on_run_start": return texts(definition.onRunStart)
    case "on_run_end": return texts(definition.onRunEnd)
    case "restrict_access": return .bool(definition.restrictsAccess)
    case "vars": return .object(ProjectVariables(definition.vars))
    case "cli_vars": return Value(.map(workspace.cliVars))
    case "args": return .object(CommandArguments(workspace.invocation))
    case "dependencies":
      return .dict(
        workspace.packages.map { ($0.name, .object(RuntimeConfigObject($0, workspace))) }
      )
    default: return nil
    }
  }
}

/// `vars` of a project's configuration.
private final class ProjectVariables: ContextObject {
  private let values: Value

  init(_ vars: DatumMap) { values = Value(.map(vars)) }

  override var typeName: String { "VarProvider" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    switch name.name {
    case "vars": return values
    case "to_dict": return .function("to_dict") { [values] _, _ in values }
    default: return nil
    }
  }
}

/// `args` of a project's configuration: the command's options, in small or capital letters.
private final class CommandArguments: ContextObject {
  private let invocation: Invocation

  init(_ invocation: Invocation) { self.invocation = invocation }

  override var typeName: String { "Namespace" }

  override func attribute(
    _ name: Symbol,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? {
    (invocation.arguments[name.name.lowercased()] ?? invocation.flags[name.name.uppercased()])
      .map { Value($0) }
  }
}
