package import SectoralJinja
package import SectoralProject
import SectoralPython
import SectoralText
package import SectoralWarehouse
package import SectoralYAML

/// The context for values in YAML files: base functions, variables, the target; no macros.
package final class ConfigurationContext: Scope, ContextHost {
  package let invocation: Invocation
  package let allowsSecrets: Bool
  private let environment: [String: String]
  private let vars: DatumMap
  private let subject: String
  private let base: BaseContext
  private let extraMembers: [Symbol: Value]

  /// `vars`: what `var` finds.
  /// `subject`: whom the message about a missing variable names.
  /// `allowsSecrets`: profiles and packages may read `DBT_ENV_SECRET_…`.
  package init(
    _ invocation: Invocation,
    environment: [String: String],
    vars: DatumMap,
    subject: String,
    allowsSecrets: Bool = false,
    members: [Symbol: Value] = [:]
  ) {
    self.invocation = invocation
    self.environment = environment
    self.vars = vars
    self.subject = subject
    self.allowsSecrets = allowsSecrets
    base = BaseContext(invocation, threadName: "MainThread")
    extraMembers = members
    super.init()
  }

  /// A renderer whose templates run in this context.
  package func renderer(_ environment: Environment) -> YAMLRenderer {
    let interpreter = Interpreter(environment, host: self)
    return YAMLRenderer(interpreter: interpreter, scope: self) {
      [allowsSecrets, secrets = self.environment] (value, interpreter) throws(TemplateError) in
      let value = try NativeRendering.finish(value, interpreter)
      let datum = try Datum(value, .lenient, interpreter)
      return allowsSecrets ? SecretPlaceholder.revealed(datum, secrets) : datum
    }
  }

  package override func lookup(_ name: Symbol) -> Value? {
    if let value = extraMembers[name] { return value }
    if name == Names.variable {
      return .function("var") { [unowned self] arguments, _ throws(TemplateError) in
        let bound = try CallArguments("var", arguments, ["var_name", "default"], required: 1)
        let name = try bound.string(0)
        if let value = vars[name] { return Value(value) }
        if let fallback = bound[1] { return fallback }
        throw TemplateError(
          .compilation,
          id: "var.missing",
          "Required var '\(name)' not found in config:\nVars supplied to \(subject) = "
            + vars.listing,
          hint: "give it with --vars '{\(name): …}'"
        )
      }
    }
    return base.lookup(name)
  }

  package var isExecuting: Bool { false }
  package var threadName: String { "MainThread" }
  package var currentNode: CurrentNode? { nil }
  package var session: WarehouseSession? { nil }
  package func environmentVariable(_ name: String) -> String? { environment[name] }
  package let results = StatementResults()
  package func emit(_ event: ContextEvent) throws(TemplateError) {}
  package func callMacro(
    _ name: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value? { nil }
  package func dispatch(
    _ name: String,
    namespace: String?,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    throw .compilation("macros cannot be called in YAML files")
  }
  package func writeRunFile(_ text: String) throws(TemplateError) {}
  package func swapSettings(dependents: [Relation]) -> SwapSettings { SwapSettings() }
  package func builds(schema: String, table: String) -> Bool { false }
  package func ownSetting(_ name: String) -> Datum? { nil }
  package func loadSeed() throws(TemplateError) -> SeedTable {
    throw .compilation("load_agate_table can only be called for a seed")
  }
}
