package import SectoralJinja
package import SectoralProject
import SectoralText
import Synchronization

/// A macro and its template, which is compiled when somebody first needs it.
package final class MacroEntry: Sendable {
  package let macro: Macro
  package let symbol: Symbol
  /// What the text calls, where that is known without compiling it.
  let recordedCalls: StaticString?
  private let environment: Environment
  private let compiled = Mutex<Result<Template, TemplateError>?>(nil)

  package convenience init(_ macro: Macro, environment: Environment) {
    self.init(macro, environment: environment, calls: nil)
  }

  init(_ macro: Macro, environment: Environment, calls: StaticString?) {
    self.macro = macro
    self.recordedCalls = calls
    self.symbol = Symbol(macro.name)
    self.environment = environment
  }

  /// The template of the macro's block. Compiling under the lock is deliberate: the second thread
  /// waits some microseconds and does not do the work again.
  package func template() throws(TemplateError) -> Template {
    let result = compiled.withLock { state in
      if let state { return state }
      let made: Result<Template, TemplateError>
      do throws(TemplateError) {
        let span = macro.span
        made = .success(
          try environment.compile(span.file, in: span.start..<span.end)
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
    let template = try template()
    if let definition = template.definitions.first(where: { $0.name == macro.name })
      ?? template.definitions.first
    {
      return (template, definition)
    }
    throw TemplateError(
      ErrorKind(rawValue: "CompilationError"),
      id: "macro.no-definition",
      "the block of \(macro.name) defines nothing",
      span: macro.span
    )
  }
}
