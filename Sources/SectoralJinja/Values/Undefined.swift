/// What a missing name, attribute or item gives.
public final class Undefined {
  /// What was missing, for messages: `'x' is undefined`.
  public let name: String
  /// What using it does.
  public let kind: UndefinedKind
  private let cause: Cause

  enum Cause {
    case name
    /// The type of the value that has no such attribute.
    case attribute(of: String)
    /// The type of the value that has no such item; the name is the key's repr.
    case element(of: String)
    case message(String)
  }

  /// A missing name.
  public init(name: String, kind: UndefinedKind) {
    self.name = name
    self.kind = kind
    self.cause = .name
  }

  /// `message`: The message of the error that using the value gives.
  public init(name: String, kind: UndefinedKind, message: String) {
    self.name = name
    self.kind = kind
    self.cause = .message(message)
  }

  init(name: String, kind: UndefinedKind, cause: Cause) {
    self.name = name
    self.kind = kind
    self.cause = cause
  }

  /// Whether it stands for a name of the template, or for a member of such: `package.macro`.
  var isName: Bool {
    if case .name = cause { return true }
    return false
  }

  /// What an attribute of a silent one is.
  func member(_ attribute: String) -> Undefined {
    Undefined(name: isName ? "\(name).\(attribute)" : attribute, kind: kind, cause: cause)
  }

  var message: String {
    switch cause {
    case .name: "'\(name)' is undefined"
    case .attribute(let type): "'\(type)' has no attribute '\(name)'"
    case .element(let type): "\(type) has no element \(name)"
    case .message(let message): message
    }
  }

  /// What `debug` prints between its braces.
  var debugText: String {
    switch cause {
    case .name: name
    case .attribute(let type): "no such element: \(type)['\(name)']"
    case .element(let type): "no such element: \(type)[\(name)]"
    case .message(let message): "undefined value printed: \(message)"
    }
  }
}

/// What a missing name does when it is used.
public enum UndefinedKind: Sendable {
  /// Prints as nothing, is false and empty; attributes, items and calls are errors.
  case standard
  /// Every use is an error.
  case strict
  /// Attributes and items give another undefined.
  case chainable
  /// Prints as `{{ name }}`.
  case debug
  /// Everything, calls included, gives another undefined.
  case silent
}
