import SectoralJinja

/// `graph` of a project whose macros keep things in it: one dictionary for all nodes of a run, as in
/// dbt, where packages carry results from tests to on-run-end hooks this way.
///
/// Unchecked: where the graph is shared, one node is run at a time (`Compiler.sharesGraph`), and
/// starting and joining a worker orders what the threads see.
final class SharedGraph: @unchecked Sendable {
  private var value: Value?

  func get(_ make: () -> Value) -> Value {
    if let value { return value }
    let made = make()
    value = made
    return made
  }
}

extension MacroCatalog {
  /// Whether a macro of the project or of a package puts something into `graph`.
  var writesGraph: Bool {
    let writers: Set<String> = ["setdefault", "update", "pop", "clear"]
    return tables.contains { package, table in
      !internalNames.contains(package)
        && table.values.contains { entry in
          let calls = (try? entry.template())?.staticCalls ?? []
          return calls.contains { call in
            call.path.count == 2 && call.path[0] == "graph" && writers.contains(call.path[1])
          }
        }
    }
  }
}
