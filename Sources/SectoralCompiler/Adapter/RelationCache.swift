package import SectoralWarehouse
import Synchronization

/// Which relations exist, as far as the run knows: filled before the first node, kept up to date by
/// what the nodes do, shared by all workers.
package final class RelationCache: Sendable {
  /// A relation by its lower-cased path.
  private struct Key: Hashable {
    let database: String
    let schema: String
    let identifier: String

    init(_ relation: Relation) {
      database = (relation.database ?? "").lowercased()
      schema = (relation.schema ?? "").lowercased()
      identifier = (relation.identifier ?? "").lowercased()
    }

    init(_ schema: SchemaKey, _ identifier: String) {
      database = schema.database
      self.schema = schema.schema
      self.identifier = identifier
    }
  }

  private struct SchemaKey: Hashable {
    let database: String
    let schema: String

    init(_ database: String?, _ schema: String?) {
      self.database = (database ?? "").lowercased()
      self.schema = (schema ?? "").lowercased()
    }
  }

  private struct Entry {
    /// Names that differ in case alone are different relations.
    var relations: [Relation]
    /// Views that select from it: dropping it with cascade drops them.
    var dependents: Set<Key> = []
  }

  private struct State {
    var loaded: Set<SchemaKey> = []
    var schemas: [SchemaKey: [String: Entry]] = [:]
    /// Those that are, or were, dependents of others.
    var linked: Set<Key> = []

    /// What was where something changes; nil while nobody wants to know.
    var former: [Former]?

    subscript(key: Key) -> Entry? {
      get { schemas[SchemaKey(key.database, key.schema)]?[key.identifier] }
      set {
        let old = self[key]
        former?.append(Former(key: key, entry: old))
        schemas[SchemaKey(key.database, key.schema), default: [:]][key.identifier] = newValue
      }
    }
  }

  /// What stood at a place before a change.
  private struct Former {
    let key: Key
    let entry: Entry?
  }

  private final class Storage: Sendable {
    let state = Mutex(State())
  }

  private let storage: Storage
  /// The changes that were made by way of this cache, to be taken back; nil for the shared one.
  private let changes: Changes?

  private final class Changes: Sendable {
    let former = Mutex<[Former]>([])
  }

  package convenience init() { self.init(Storage(), changes: nil) }

  private init(_ storage: Storage, changes: Changes?) {
    self.storage = storage
    self.changes = changes
  }

  // MARK: Taking back

  /// The same cache, for one session: what is changed by way of it can be taken back.
  func forSession() -> RelationCache { RelationCache(storage, changes: Changes()) }

  /// The session's transaction was undone, and so are its changes.
  func takeBack() {
    guard let changes else { return }
    let former = changes.former.withLock { former in
      defer { former = [] }
      return former
    }
    guard !former.isEmpty else { return }
    storage.state.withLock { state in
      for item in former.reversed() { state[item.key] = item.entry }
    }
  }

  /// What was changed so far stays.
  package func keepChanges() { changes?.former.withLock { $0 = [] } }

  private func change(_ body: (inout State) -> Void) {
    storage.state.withLock { state in
      state.former = changes == nil ? nil : []
      body(&state)
      if let changes, let former = state.former {
        changes.former.withLock { $0 += former }
      }
      state.former = nil
    }
  }

  // MARK: Filling

  package func isLoaded(database: String?, schema: String?) -> Bool {
    storage.state.withLock { $0.loaded.contains(SchemaKey(database, schema)) }
  }

  /// Puts in what a schema's listing gave; what was there of the schema is forgotten.
  package func fill(database: String?, schema: String?, with relations: [Relation]) {
    storage.state.withLock { state in
      let key = SchemaKey(database, schema)
      state.loaded.insert(key)
      let links = (state.schemas[key] ?? [:]).mapValues(\.dependents)
      state.schemas[key] = [:]
      for relation in relations { Self.add(relation, &state) }
      for (identifier, dependents) in links {
        state.schemas[key]?[identifier]?.dependents = dependents
      }
    }
  }

  /// Notes that a view selects from a relation. Links to relations that are not known are kept:
  /// they become known with their schema.
  package func link(from dependent: Relation, to referenced: Relation) {
    storage.state.withLock { state in
      let key = Key(referenced)
      guard Key(dependent) != key else { return }
      if state[key] == nil {
        // A schema outside of the project's own, or a relation that was dropped meanwhile.
        guard !state.loaded.contains(SchemaKey(referenced.database, referenced.schema)) else {
          return
        }
        state[key] = Entry(relations: [])
      }
      state[key]?.dependents.insert(Key(dependent))
      state.linked.insert(Key(dependent))
    }
  }

  package func clear() { storage.state.withLock { $0 = State() } }

  // MARK: Changes

  package func add(_ relation: Relation) {
    change { Self.add(relation, &$0) }
  }

  private static func add(_ relation: Relation, _ state: inout State) {
    let key = Key(relation)
    var entry = state[key] ?? Entry(relations: [])
    entry.relations.removeAll { $0.identifier == relation.identifier }
    entry.relations.append(relation)
    state[key] = entry
  }

  /// Forgets the relation and every view that would go with it.
  package func drop(_ relation: Relation) {
    change { state in
      var pending = [Key(relation)]
      while let key = pending.popLast() {
        guard let entry = state[key] else { continue }
        pending.append(contentsOf: entry.dependents)
        state[key] = nil
      }
    }
  }

  /// Forgets the views on a relation, and the views on those: they go when one of its columns is
  /// dropped with cascade.
  package func dropDependents(of relation: Relation) {
    change { state in
      var pending = Array(state[Key(relation)]?.dependents ?? [])
      state[Key(relation)]?.dependents = []
      while let key = pending.popLast() {
        guard let entry = state[key] else { continue }
        pending.append(contentsOf: entry.dependents)
        state[key] = nil
      }
    }
  }

  /// A rename moves a relation with the views on it, and replaces what had the new name.
  package func rename(_ old: Relation, to new: Relation) {
    change { state in
      let (oldKey, newKey) = (Key(old), Key(new))
      guard oldKey != newKey else { return }
      var entry = state[oldKey] ?? Entry(relations: [])
      state[oldKey] = nil
      var renamed = new
      renamed.type = new.type ?? entry.relations.first?.type
      entry.relations = [renamed]
      state[newKey] = entry
      // Views follow their tables through a rename, and so do links to views.
      guard state.linked.contains(oldKey) else { return }
      state.linked.insert(newKey)
      for (schema, entries) in state.schemas {
        for (identifier, entry) in entries where entry.dependents.contains(oldKey) {
          let key = Key(schema, identifier)
          state[key]?.dependents.remove(oldKey)
          state[key]?.dependents.insert(newKey)
        }
      }
    }
  }

  /// A finished relation takes the place of another: the views on that one stand on it from now on.
  package func swap(_ built: Relation, into target: Relation) {
    change { state in
      let type = target.type ?? state[Key(built)]?.relations.first?.type
      state[Key(built)] = nil
      var relation = target
      relation.type = type
      var entry = state[Key(target)] ?? Entry(relations: [])
      entry.relations = [relation]
      state[Key(target)] = entry
    }
  }

  package func dropSchema(database: String?, schema: String?) {
    change { state in
      let key = SchemaKey(database, schema)
      for identifier in (state.schemas[key] ?? [:]).keys { state[Key(key, identifier)] = nil }
      state.schemas[key] = [:]
    }
  }

  // MARK: Questions

  /// The views on a relation, and the views on those.
  package func dependents(of relation: Relation) -> [Relation] {
    storage.state.withLock { state in
      var seen: Set<Key> = []
      var pending = Array(state[Key(relation)]?.dependents ?? [])
      var found: [Relation] = []
      while let key = pending.popLast() {
        guard seen.insert(key).inserted, let entry = state[key] else { continue }
        found.append(contentsOf: entry.relations)
        pending.append(contentsOf: entry.dependents)
      }
      return found
    }
  }

  /// All relations of a schema, by name; nil when the schema was never listed.
  package func relations(database: String?, schema: String?) -> [Relation]? {
    storage.state.withLock { state in
      let key = SchemaKey(database, schema)
      guard state.loaded.contains(key) else { return nil }
      return (state.schemas[key] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value.relations)
    }
  }

  /// The kind of what stands in a relation's place; nil where nothing is known to stand.
  package func kind(of relation: Relation) -> RelationType? {
    storage.state.withLock { $0[Key(relation)]?.relations.first?.type }
  }

  /// What a search found.
  package enum Match: Sendable {
    case none
    case relation(Relation)
    /// The names agree but for their case, and case counts.
    case approximate(Relation)
    case several([Relation])
  }

  /// `quoting`: Names that the project does not quote are searched in lower case.
  package func find(
    database: String?,
    schema: String?,
    identifier: String?,
    quoting: NamePolicy
  ) -> Match {
    func part(_ name: String?, isQuoted: Bool) -> String? { isQuoted ? name : name?.lowercased() }
    let wanted = Relation(
      database: part(database, isQuoted: quoting.database),
      schema: part(schema, isQuoted: quoting.schema),
      identifier: part(identifier, isQuoted: quoting.identifier)
    )
    let candidates = storage.state.withLock { $0[Key(wanted)]?.relations ?? [] }
    let exact = candidates.filter {
      $0.database == wanted.database && $0.schema == wanted.schema
        && $0.identifier == wanted.identifier
    }
    switch (exact.count, candidates.first) {
    case (1, _): return .relation(exact[0])
    case (2..., _): return .several(exact)
    case (_, let candidate?): return .approximate(candidate)
    default: return .none
    }
  }
}
