/// A value as YAML and JSON know it: immutable data that may cross threads.
///
/// Keys of mappings are text; a YAML key of another type is turned into the text that Python's
/// `str` gives.
public enum Datum: Sendable, Hashable, ExpressibleByStringLiteral {
  case null
  case bool(Bool)
  case int(Int)
  /// An integer beyond 64 bits, as its decimal digits.
  case bigInt(String)
  case float(Double)
  case string(String)
  /// A YAML date or timestamp, in ISO form (`2024-01-02`, `2024-01-02T03:04:05+00:00`).
  case date(String)
  case list([Datum])
  case map(DatumMap)
}

/// A mapping that keeps the order of insertion.
///
/// Looked up by scanning: mappings in project files are small, and comparing short strings is
/// quicker than hashing them.
public struct DatumMap: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public private(set) var entries: [(key: String, value: Datum)]

  public init() { entries = [] }

  public init(dictionaryLiteral elements: (String, Datum)...) {
    entries = elements.map { (key: $0.0, value: $0.1) }
  }

  public init(_ pairs: some Sequence<(key: String, value: Datum)>) {
    entries = []
    for (key, value) in pairs { self[key] = value }
  }

  /// Entries in which a key may come again: as in Python, its last value stands at its first
  /// place. Quick for thousands of entries, too.
  public init(lastWins pairs: [(key: String, value: Datum)]) {
    entries = []
    if pairs.count <= 16 {
      for (key, value) in pairs { self[key] = value }
      return
    }
    entries.reserveCapacity(pairs.count)
    var places: [String: Int] = [:]
    places.reserveCapacity(pairs.count)
    for pair in pairs {
      if let place = places[pair.key] {
        entries[place].value = pair.value
      } else {
        places[pair.key] = entries.count
        entries.append(pair)
      }
    }
  }

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }
  public var keys: [String] { entries.map(\.key) }
  public var values: [Datum] { entries.map(\.value) }

  public func index(of key: String) -> Int? { entries.firstIndex { $0.key == key } }

  /// Setting an existing key keeps its place; setting nil removes it.
  public subscript(key: String) -> Datum? {
    get { index(of: key).map { entries[$0].value } }
    set {
      if let index = index(of: key) {
        if let newValue { entries[index].value = newValue } else { entries.remove(at: index) }
      } else if let newValue {
        entries.append((key: key, value: newValue))
      }
    }
  }

  public mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

  /// Adds a key that the caller knows to be new: no search for an older one.
  public mutating func append(_ key: String, _ value: Datum) {
    entries.append((key: key, value: value))
  }

  public static func == (a: DatumMap, b: DatumMap) -> Bool {
    a.count == b.count && a.entries.allSatisfy { b[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for key in keys.sorted() { hasher.combine(key) }
  }
}

extension Datum {
  public init(stringLiteral value: String) { self = .string(value) }

  public subscript(key: String) -> Datum? { map?[key] }

  public var map: DatumMap? { if case .map(let map) = self { map } else { nil } }
  public var list: [Datum]? { if case .list(let list) = self { list } else { nil } }
  /// The text of a string, and of nothing else.
  public var string: String? { if case .string(let string) = self { string } else { nil } }
  public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  public var int: Int? { if case .int(let int) = self { int } else { nil } }
  public var isNull: Bool { if case .null = self { true } else { false } }
  /// What Python takes for false: nothing, `false`, zero, and what is empty.
  public var isFalsy: Bool {
    switch self {
    case .null: true
    case .bool(let bool): !bool
    case .int(let int): int == 0
    case .float(let double): double == 0
    case .string(let string): string.isEmpty
    case .list(let items): items.isEmpty
    case .map(let map): map.isEmpty
    case .bigInt, .date: false
    }
  }
}
