import Synchronization

/// An interned name: equal names have equal symbols, process-wide, and compare as integers.
public struct Symbol: Hashable, Sendable, ExpressibleByStringLiteral {
  public let index: UInt32

  public init(_ name: String) { self = SymbolTable.shared.intern(name) }
  public init(stringLiteral value: StaticString) { self.init(value.description) }

  fileprivate init(index: UInt32) { self.index = index }

  public var name: String { SymbolTable.shared.name(of: self) }
}

/// The table behind `Symbol`: grows, never shrinks.
private final class SymbolTable: Sendable {
  static let shared = SymbolTable()

  private struct State {
    var names: [String] = []
    var indexes: [String: UInt32] = [:]
  }
  private let state = Mutex(State())

  func intern(_ name: String) -> Symbol {
    state.withLock { state in
      if let index = state.indexes[name] { return Symbol(index: index) }
      let index = UInt32(state.names.count)
      state.names.append(name)
      state.indexes[name] = index
      return Symbol(index: index)
    }
  }

  func name(of symbol: Symbol) -> String {
    state.withLock { $0.names[Int(symbol.index)] }
  }
}
