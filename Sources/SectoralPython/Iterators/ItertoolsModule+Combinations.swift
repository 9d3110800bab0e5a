import SectoralJinja

extension ItertoolsModule {
  @Sendable static func product(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    var pools: [[Value]] = []
    for value in arguments.positional { pools.append(try interpreter.iterate(value)) }
    try only("repeat", arguments, "product")
    let given = try CallArguments(
      "product",
      Arguments([], keyword: arguments.keyword),
      ["repeat"]
    )
    let times = try given.int(0, default: 1)
    guard times >= 0, times * pools.count <= 1000 else {
      throw .valueError("repeat argument cannot be negative or huge")
    }
    pools = Array(repeatElement(pools, count: times).joined())
    var indexes = [Int](repeating: 0, count: pools.count)
    var isDone = pools.contains(where: \.isEmpty)
    return iterator("product") { () throws(TemplateError) in
      guard !isDone else { return nil }
      let tuple = Value.tuple(indexes.indices.map { pools[$0][indexes[$0]] })
      var place = indexes.count - 1
      while place >= 0 {
        indexes[place] += 1
        if indexes[place] < pools[place].count { break }
        indexes[place] = 0
        place -= 1
      }
      isDone = place < 0
      return tuple
    }
  }

  @Sendable static func permutations(
    _ arguments: Arguments,
    _ interpreter: Interpreter
  )
    throws(TemplateError) -> Value
  {
    let arguments = try CallArguments("permutations", arguments, ["iterable", "r"], required: 1)
    let pool = try interpreter.iterate(arguments.value(0))
    let size = arguments.optional(1) == nil ? pool.count : try arguments.int(1)
    guard size >= 0 else { throw .valueError("r must be non-negative") }
    return selections("permutations", pool, size) { chosen, index in !chosen.contains(index) }
  }

  static func combine(
    _ name: String,
    _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws(TemplateError) -> Value {
    let arguments = try CallArguments(name, arguments, ["iterable", "r"], required: 2)
    let pool = try interpreter.iterate(arguments.value(0))
    let isRepeating = name != "combinations"
    let size = try arguments.int(1)
    guard size >= 0 else { throw .valueError("r must be non-negative") }
    return selections(name, pool, size) { chosen, index in
      // No more than leaves room for the rest: otherwise there are dead ends without number.
      guard isRepeating || index <= pool.count - (size - chosen.count) else { return false }
      guard let last = chosen.last else { return true }
      return isRepeating ? index >= last : index > last
    }
  }

  /// All tuples of `size` items whose indexes are admitted, in order of the indexes.
  private static func selections(
    _ name: String,
    _ pool: [Value],
    _ size: Int,
    admits: @escaping ([Int], Int) -> Bool
  ) -> Value {
    var chosen: [Int] = []
    var candidate = 0
    var isDone = size > pool.count && (name != "combinations_with_replacement" || pool.isEmpty)
    return iterator(name) { () throws(TemplateError) in
      while !isDone {
        if chosen.count == size {
          let tuple = Value.tuple(chosen.map { pool[$0] })
          if let last = chosen.popLast() { candidate = last + 1 } else { isDone = true }
          return tuple
        }
        if candidate == pool.count {
          guard let last = chosen.popLast() else {
            isDone = true
            break
          }
          candidate = last + 1
        } else if admits(chosen, candidate) {
          chosen.append(candidate)
          candidate = 0
        } else {
          candidate += 1
        }
      }
      return nil
    }
  }
}
