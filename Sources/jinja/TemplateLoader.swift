import SectoralJinja
import SectoralText

/// Makes environments whose templates find each other by name.
enum TemplateLoader {
  // Set once, before the first template is rendered, on the same thread.
  private final class Holder: @unchecked Sendable {
    /// The loader needs the environment that needs the loader.
    weak var environment: Environment?
  }

  /// `source`: A template's text by its name; nil: there is none.
  static func environment(
    _ options: Options,
    source: @escaping @Sendable (String) -> SourceFile?
  )
    -> Environment
  {
    let holder = Holder()
    let environment = Environment(options) { (name) throws(TemplateError) in
      guard let file = source(name) else { return nil }
      return try holder.environment?.compile(file)
    }
    holder.environment = environment
    return environment
  }
}
