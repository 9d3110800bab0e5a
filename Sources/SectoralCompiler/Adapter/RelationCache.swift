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
    /// Those that are dependents of others.
    var linked: Set<Key> = []

    subscript(key: Key) -> Entry? {
      get { schemas[SchemaKey(key.database, key.schema)]?[key.identifier] }
      set { schemas[SchemaKey(key.database, key.schema), default: [:]][key.identifier] = newValue }
    }
  }

  private let state = Mutex(State())

  package init() {}

  // MARK: Filling

  package func isLoaded(database: String?, schema: String?) -> Bool {
    state.withLock { $0.loaded.contains(SchemaKey(database, schema)) }
  }

  /// Puts in what a schema's listing gave; what was there of the schema is forgotten.
  package func fill(database: String?, schema: String?, with relations: [Relation]) {
    state.withLock { state in
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
    state.withLock { state in
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

  package func clear() { state.withLock { $0 = State() } }

  // MARK: Changes

  package func add(_ relation: Relation) {
    state.withLock { Self.add(relation, &$0) }
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
    state.withLock { state in
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
    state.withLock { state in
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
    state.withLock { state in
      let (oldKey, newKey) = (Key(old), Key(new))
      guard oldKey != newKey else { return }
      var entry = state[oldKey] ?? Entry(relations: [])
      state[oldKey] = nil
      var renamed = new
      renamed.type = new.type ?? entry.relations.first?.type
      entry.relations = [renamed]
      state[newKey] = entry
      // Views follow their tables through a rename, and so do links to views.
      guard state.linked.remove(oldKey) != nil else { return }
      state.linked.insert(newKey)
      for schema in state.schemas.keys {
        for identifier in Array((state.schemas[schema] ?? [:]).keys)
        where state.schemas[schema]?[identifier]?.dependents.contains(oldKey) == true {
          state.schemas[schema]?[identifier]?.dependents.remove(oldKey)
          state.schemas[schema]?[identifier]?.dependents.insert(newKey)
        }
      }
    }
  }

  /// A finished relation takes the place of another: the views on that one stand on it from now on.
  package func swap(_ built: Relation, into target: Relation) {
    state.withLock { state in
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
    state.withLock { state in
      state.schemas[SchemaKey(database, schema)] = [:]
    }
  }

  // MARK: Questions

  /// The views on a relation, and the views on those.
  package func dependents(of relation: Relation) -> [Relation] {
    state.withLock { state in
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
    state.withLock { state in
      let key = SchemaKey(database, schema)
      guard state.loaded.contains(key) else { return nil }
      return (state.schemas[key] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value.relations)
    }
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
    let candidates = state.withLock { $0[Key(wanted)]?.relations ?? [] }
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
