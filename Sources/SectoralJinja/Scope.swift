/// Names that a template sees besides its own: the render context.
open class Scope {
  public init() {}

  open func lookup(_ name: Symbol) -> Value? { nil }
}

/// A scope over a dictionary.
public final class DictionaryScope: Scope {
  public var values: [Symbol: Value]
  private let parent: Scope?

  public init(_ values: [Symbol: Value] = [:], parent: Scope? = nil) {
    self.values = values
    self.parent = parent
  }

  public override func lookup(_ name: Symbol) -> Value? { values[name] ?? parent?.lookup(name) }
}
