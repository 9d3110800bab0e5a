import SectoralJinja
import SectoralProject

extension MacroCatalog {
  /// The macros that a macro's text calls, found without running it: direct calls, and for each
  /// `adapter.dispatch('x')` the name itself and the first implementation of the adapter's.
  package func staticDependencies(of entry: MacroEntry) -> [String] {
    let package = entry.macro.packageName
    var found: [String] = []
    func add(_ candidate: MacroEntry?) {
      guard let id = candidate?.macro.uniqueID, id != entry.macro.uniqueID, !found.contains(id)
      else { return }
      found.append(id)
    }
    func named(_ name: String) -> MacroEntry? {
      if case .macro(let entry)? = resolve(Symbol(name), for: package) { return entry }
      return nil
    }
    if let recorded = entry.recordedCalls {
      for call in recorded.words {
        if call.utf8.first == UInt8(ascii: "@") {
          let parts = call.split(separator: "@").map(String.init)
          add(named(parts[0]))
          add(dispatch(parts[0], namespace: parts.count > 1 ? parts[1] : nil, for: package).entry)
        } else if let dot = call.firstIndex(of: ".") {
          add(member(Symbol(String(call[call.index(after: dot)...])), of: String(call[..<dot])))
        } else {
          add(named(call))
        }
      }
      return found
    }
    guard let template = try? entry.template() else { return [] }
    for call in template.staticCalls {
      switch call.path.count {
      case 1: add(named(call.path[0]))
      case 2 where call.path == ["adapter", "dispatch"]:
        guard case .string(let name)?? = call.positional.first else { continue }
        add(named(name))
        var namespace: String?
        let second =
          call.positional.count > 1
          ? call.positional[1] : call.keyword.first { $0.name == "macro_namespace" }?.value
        if case .string(let text)? = second { namespace = text }
        add(dispatch(name, namespace: namespace, for: package).entry)
      case 2:
        if isNamespace(call.path[0]) {
          add(member(Symbol(call.path[1]), of: call.path[0]))
        } else if call.path[0] != "adapter", let id = global(call.path[1])?.macro.uniqueID,
          !found.contains(id)
        {
          // As dbt: what no package is called is left out of account, whatever it is.
          found.append(id)
        }
      default: break
      }
    }
    return found
  }

  private func isNamespace(_ name: String) -> Bool { name == "dbt" || tables[name] != nil }

  /// A macro of the project, or a built-in one.
  private func global(_ name: String) -> MacroEntry? {
    tables[rootName]?[Symbol(name)] ?? internalTable[Symbol(name)]
  }

  /// The macros that a macro calls, and those that these call, by name.
  func reachable(from entry: MacroEntry) -> [Symbol: MacroEntry] {
    var found: [Symbol: MacroEntry] = [:]
    var seen: Set<String> = []
    var waiting = [entry]
    while let next = waiting.popLast() {
      guard seen.insert(next.macro.uniqueID).inserted else { continue }
      found[next.symbol] = next
      for id in staticDependencies(of: next) {
        let parts = id.split(separator: ".", maxSplits: 2).map(String.init)
        guard parts.count == 3, let entry = tables[parts[1]]?[Symbol(parts[2])] else { continue }
        waiting.append(entry)
      }
    }
    return found
  }
}
