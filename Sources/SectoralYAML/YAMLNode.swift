public import SectoralText

/// A YAML value that knows where it was written.
public struct YAMLNode: Sendable {
  public enum Kind: Sendable {
    /// Never `.list` or `.map`.
    case scalar(Datum)
    case sequence([YAMLNode])
    /// Keys are scalars, each once, in the order of a Python dictionary: merged keys (`<<`) first,
    /// a repeated key at its first place with its last value.
    case mapping([(key: YAMLNode, value: YAMLNode)])
  }

  public var value: Kind
  /// A value that an alias stands for keeps the place of its anchor.
  public var span: TextSpan

  public init(_ value: Kind, at span: TextSpan) {
    self.value = value
    self.span = span
  }
}

extension YAMLNode {
  /// The value without its places. Keys that are not text become what Python's `str` makes of them.
  public var datum: Datum {
    switch value {
    case .scalar(let datum): datum
    case .sequence(let items): .list(items.map(\.datum))
    case .mapping(let entries):
      .map(DatumMap(lastWins: entries.map { ($0.key.keyText, $0.value.datum) }))
    }
  }

  /// The value of a key, compared with the keys' texts.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = value, let index = Self.index(of: key, in: entries) else {
      return nil
    }
    return entries[index].value
  }

  /// A key and its value: the key's node says where the key is written.
  public func entry(_ key: String) -> (key: YAMLNode, value: YAMLNode)? {
    guard case .mapping(let entries) = value, let index = Self.index(of: key, in: entries) else {
      return nil
    }
    return entries[index]
  }

  /// Through a buffer: elements of an array would be copied before they are compared.
  private static func index(of key: String, in entries: [(key: YAMLNode, value: YAMLNode)]) -> Int?
  {
    entries.withUnsafeBufferPointer { buffer in
      buffer.indices.first { buffer[$0].key.hasKeyText(key) }
    }
  }

  public var scalar: Datum? { if case .scalar(let datum) = value { datum } else { nil } }
  public var sequence: [YAMLNode]? { if case .sequence(let items) = value { items } else { nil } }
  public var mapping: [(key: YAMLNode, value: YAMLNode)]? {
    if case .mapping(let entries) = value { entries } else { nil }
  }

  /// The text of a string, and of nothing else.
  public var string: String? { scalar?.string }
  public var bool: Bool? { scalar?.bool }
  public var int: Int? { scalar?.int }
  public var isNull: Bool { scalar?.isNull ?? false }

  /// A scalar as Python's `str` prints it; empty for collections.
  public var keyText: String { scalar?.pythonText ?? "" }

  /// What a message calls this value: "a list", "a mapping", "text", "a number".
  public var kindName: String {
    switch value {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let datum): datum.kindName
    }
  }

  private func hasKeyText(_ text: String) -> Bool {
    guard case .scalar(let datum) = value else { return false }
    if case .string(let string) = datum { return string == text }
    return datum.pythonText == text
  }
}

extension Datum {
  /// A scalar as Python's `str` prints it; empty for lists and mappings.
  public var pythonText: String {
    switch self {
    case .null: "None"
    case .bool(let bool): bool ? "True" : "False"
    case .int(let int): String(int)
    case .bigInt(let digits): digits
    case .float(let double): double.description
    case .string(let string): string
    case .date(let iso): String(iso.map { $0 == "T" ? " " : $0 })
    case .list, .map: ""
    }
  }

  /// What a message calls this value: "a list", "a mapping", "text", "a number".
  public var kindName: String {
    switch self {
    case .null: "nothing"
    case .bool: "true or false"
    case .int, .bigInt, .float: "a number"
    case .string: "text"
    case .date: "a date"
    case .list: "a list"
    case .map: "a mapping"
    }
  }
}
