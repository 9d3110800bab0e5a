import SectoralJinja
import SectoralProject

extension MacroCatalog {
  /// What the context has by itself: a call of it is never taken for one of a macro.
  private static let members: Set<String> = [
    "source", "ref", "config", "var", "env_var", "return", "fromjson", "tojson", "fromyaml",
    "toyaml", "set", "set_strict", "zip", "zip_strict", "log", "print", "local_md5",
    "diff_of_two_dicts",
  ]

  /// The macros that a macro's text calls, found without running it, by dbt's static search: for
  /// `f()` and `x.f()` the macro `f`, whatever `x` is, and for each `adapter.dispatch('x')` the name
  /// itself and the first implementation for the adapter.
  ///
  /// A macro that calls itself by its package's name is among them; by its bare name it is not.
  package func staticDependencies(of entry: MacroEntry) -> [String] {
    let package = entry.macro.packageName
    var found: [String] = []
    func add(_ candidate: MacroEntry?) {
      guard let id = candidate?.macro.uniqueID, !found.contains(id) else { return }
      found.append(id)
    }
    func called(_ name: String) {
      if name != entry.macro.name { add(searched(name, in: package)) }
    }
    func dispatched(_ name: String, _ namespace: String?) {
      called(name)
      if let target = searchedDispatch(name, namespace: namespace), target !== entry { add(target) }
    }
    if let recorded = entry.recordedCalls {
      for call in recorded.words {
        if call.utf8.first == UInt8(ascii: "@") {
          let parts = call.split(separator: "@").map(String.init)
          dispatched(parts[0], parts.count > 1 ? parts[1] : nil)
        } else if let dot = call.firstIndex(of: ".") {
          guard call[..<dot] != "adapter" else { continue }
          add(searched(String(call[call.index(after: dot)...]), in: String(call[..<dot])))
        } else {
          called(call)
        }
      }
      return found
    }
    guard let template = try? entry.template() else { return [] }
    for call in template.staticCalls {
      switch call.path.count {
      case 1: if !Self.members.contains(call.path[0]) { called(call.path[0]) }
      case 2 where call.path == ["adapter", "dispatch"]:
        let first =
          call.positional.first ?? call.keyword.first { $0.name == "macro_name" }?.value
        guard case .string(let name)? = first else { continue }
        let second =
          call.positional.count > 1
          ? call.positional[1] : call.keyword.first { $0.name == "macro_namespace" }?.value
        if case .string(let text)? = second {
          dispatched(name, text)
        } else {
          dispatched(name, nil)
        }
      case 2 where call.path[0] == "adapter": break
      case 2: add(searched(call.path[1], in: call.path[0]))
      default: break
      }
    }
    return found
  }

  /// Where dbt's static search looks for a name: in the package of the caller, or in the one that is
  /// named; then in the root, the imported packages, the internal ones.
  private func searched(_ name: String, in package: String) -> MacroEntry? {
    let symbol = Symbol(name)
    return tables[package]?[symbol] ?? searchedEverywhere(symbol)
  }

  private func searchedEverywhere(_ symbol: Symbol) -> MacroEntry? {
    if let entry = tables[rootName]?[symbol] { return entry }
    for package in importedNames.reversed() {
      if let entry = tables[package]?[symbol] { return entry }
    }
    return internalTable[symbol]
  }

  /// As `dispatch`, for a caller that belongs to no package.
  private func searchedDispatch(_ name: String, namespace: String?) -> MacroEntry? {
    let symbols = prefixes.map { Symbol("\($0)__\(name)") }
    guard let namespace, let order = searchOrder(of: namespace) else {
      return symbols.lazy.compactMap { self.searchedEverywhere($0) }.first
    }
    for package in order {
      for symbol in symbols {
        if let entry = member(symbol, of: package) { return entry }
      }
    }
    return nil
  }

  /// The macros that a macro calls, and those that these call, by name.
  func reachable(from entry: MacroEntry) -> [Symbol: MacroEntry] {
    Dictionary(called(from: entry).map { ($0.symbol, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// A macro, the macros that it calls, and those that these call.
  func called(from entry: MacroEntry) -> [MacroEntry] {
    var found: [MacroEntry] = []
    var seen: Set<String> = []
    var waiting = [entry]
    while let next = waiting.popLast() {
      guard seen.insert(next.macro.uniqueID).inserted else { continue }
      found.append(next)
      for id in staticDependencies(of: next) {
        let parts = id.split(separator: ".", maxSplits: 2).map(String.init)
        guard parts.count == 3, let entry = tables[parts[1]]?[Symbol(parts[2])] else { continue }
        waiting.append(entry)
      }
    }
    return found
  }
}
