package import SectoralJinja
package import SectoralProject
import SectoralText
import Synchronization

/// A macro and its template, which is compiled when somebody first needs it.
package final class MacroEntry: Sendable {
  package let macro: Macro
  package let symbol: Symbol
  /// For the trail of errors.
  let label: String
  /// What tells its usual case without the template.
  let native: NativeMacro?
  /// What the text calls, where that is known without compiling it.
  let recordedCalls: StaticString?
  private let environment: Environment
  private let compiled = Mutex<Result<Compiled, TemplateError>?>(nil)

  /// The template of the macro's block, and the definition in it that the macro's name means.
  private struct Compiled {
    let template: Template
    let definition: Template.Definition?
  }

  package convenience init(_ macro: Macro, environment: Environment) {
    self.init(macro, environment: environment, calls: nil)
  }

  init(_ macro: Macro, environment: Environment, calls: StaticString?) {
    self.macro = macro
    self.native = NativeMacro(macro)
    self.recordedCalls = calls
    self.symbol = Symbol(macro.name)
    self.label = "macro \(macro.name)"
    self.environment = environment
  }

  /// The template of the macro's block.
  package func template() throws(TemplateError) -> Template { try made().template }

  /// Compiling under the lock is deliberate: the second thread waits some microseconds and does not do the
  /// work again.
  private func made() throws(TemplateError) -> Compiled {
    let result = compiled.withLock { state in
      if let state { return state }
      let made: Result<Compiled, TemplateError>
      do throws(TemplateError) {
        let span = macro.span
        let template = try environment.compile(span.file, in: span.start..<span.end)
        let definitions = template.definitions
        made = .success(
          Compiled(
            template: template,
            definition: definitions.first { $0.name == macro.name } ?? definitions.first
          )
        )
      } catch {
        made = .failure(error)
      }
      state = made
      return made
    }
    return try result.get()
  }

  /// The template and the definition in it that the macro's name means.
  package func definition() throws(TemplateError) -> (Template, Template.Definition) {
    let made = try made()
    if let definition = made.definition { return (made.template, definition) }
    throw TemplateError(
      ErrorKind(rawValue: "CompilationError"),
      id: "macro.no-definition",
      "the block of \(macro.name) defines nothing",
      span: macro.span
    )
  }
}
