/// Names that a template sees besides its own: the render context.
open class Scope {
  /// A scope without names.
  public init() {}

  /// The value of a name; nil: this scope does not know it.
  open func lookup(_ name: Symbol) -> Value? { nil }
}

/// A scope over a dictionary.
public final class DictionaryScope: Scope {
  /// The values by name.
  public var values: [Symbol: Value]
  private let parent: Scope?

  /// A scope of these values; `parent`: Where other names are looked up.
  public init(_ values: [Symbol: Value] = [:], parent: Scope? = nil) {
    self.values = values
    self.parent = parent
  }

  /// The value here, or else in the parent.
  public override func lookup(_ name: Symbol) -> Value? { values[name] ?? parent?.lookup(name) }
}
