/// An ordered dictionary with Python's rules for keys (1 == True == 1.0).
public final class DictValue {
  @exclusivity(unchecked) private var table = KeyTable()
  @exclusivity(unchecked) private var stored: [Value] = []
  /// What the dictionary holds, where nobody has looked at it yet.
  @exclusivity(unchecked) private var contents: (() -> DictValue)?

  /// An empty dictionary.
  public init() {}
  deinit { ValueWalk.end(&stored) }

  /// A dictionary of these pairs; of equal keys the last one's value counts.
  public convenience init(_ pairs: [(String, Value)]) {
    self.init()
    stored.reserveCapacity(pairs.count)
    for (key, value) in pairs { self[key] = value }
  }

  /// A dictionary that is made when it is first looked at: for what templates are given and seldom
  /// use.
  public init(later contents: @escaping () -> DictValue) { self.contents = contents }

  init(copying other: DictValue) {
    other.fill()
    table = other.table
    stored = other.stored
  }

  private func fill() {
    guard let contents else { return }
    self.contents = nil
    let made = contents()
    table = made.table
    stored = made.stored
  }

  /// How many keys there are.
  public var count: Int { values.count }
  var keys: [Value] {
    fill()
    return table.keys
  }
  var values: [Value] {
    fill()
    return stored
  }

  /// The value of a key; nil: there is none, or take the key away.
  public subscript(key: String) -> Value? {
    get {
      fill()
      return table.find(key).map { stored[$0] }
    }
    set {
      fill()
      set(table.find(key), .string(key), newValue)
    }
  }

  /// The value of a key; nil: there is none, or take the key away.
  ///
  /// - Precondition: A key that is set is hashable (`isHashable`); others are ignored.
  public subscript(key: Value) -> Value? {
    get {
      if case .string(let text) = key { return self[text] }
      fill()
      return table.find(key).map { stored[$0] }
    }
    set {
      guard newValue == nil || key.isHashable else { return }
      fill()
      set(table.find(key), key, newValue)
    }
  }

  /// In order of insertion.
  public var pairs: [(key: Value, value: Value)] {
    zip(keys, values).map { (key: $0, value: $1) }
  }

  func position(of key: Value) -> Int? {
    fill()
    return table.find(key)
  }
  func key(at position: Int) -> Value {
    fill()
    return table.keys[position]
  }

  private func set(_ position: Int?, _ key: Value, _ value: Value?) {
    switch (position, value) {
    case (let position?, let value?): stored[position] = value
    case (let position?, nil): remove(at: position)
    case (nil, let value?):
      table.append(key)
      stored.append(value)
    case (nil, nil): break
    }
  }

  func remove(at position: Int) {
    fill()
    if position == stored.count - 1 { table.removeLast() } else { table.remove(at: position) }
    stored.remove(at: position)
  }

  func removeAll() {
    contents = nil
    table.removeAll()
    stored = []
  }
}

/// Python's `set`; iterated in order of insertion.
public final class SetValue {
  @exclusivity(unchecked) private var table = KeyTable()

  /// A set of these items.
  ///
  /// - Precondition: The items are hashable; others are ignored.
  public init(_ items: [Value]) {
    for item in items { insert(item) }
  }

  /// The items in the order in which they were added.
  public var items: [Value] { table.keys }
  /// How many items there are.
  public var count: Int { table.count }

  /// Whether an equal item is in the set.
  public func contains(_ item: Value) -> Bool { table.find(item) != nil }

  /// Adds an item unless an equal one is there.
  public func insert(_ item: Value) {
    if table.find(item) == nil, item.isHashable { table.append(item) }
  }

  /// True when the item was there.
  @discardableResult
  public func remove(_ item: Value) -> Bool {
    guard let position = table.find(item) else { return false }
    if position == table.count - 1 { table.removeLast() } else { table.remove(at: position) }
    return true
  }

  func removeAll() { table.removeAll() }
}
