import BigInt

/// What keeps a render within its limits.
///
/// Every operation is paid for: a step for a statement or call and for so many bytes or items that
/// it goes through, and the bytes that it makes. Both sums have a limit, so that neither time nor
/// memory of a render depends on how cleverly its operations are put together.
extension Interpreter {
  func resetCounters() {
    steps = 0
    allocated = 0
    stepBound = isStopped == nil ? limits.steps : min(limits.steps, Self.stepsUnasked)
  }

  // MARK: Depth

  /// Stops a recursion before the thread's stack is used up.
  @inline(__always)
  func checkStack() throws(TemplateError) {
    if StackGuard.currentAddress() < stackLimit { throw stackExhausted() }
  }

  @inline(never)
  private func stackExhausted() -> TemplateError {
    .limit("recursion is too deep: the stack is used up")
  }

  func tooDeep() -> TemplateError {
    .limit("calls are nested more than \(limits.callDepth) deep")
  }

  func valueTooDeep() -> TemplateError {
    .limit("a value is nested more than \(limits.valueDepth) deep, or contains itself")
  }

  // MARK: Steps

  @inline(__always)
  func countStep() throws(TemplateError) {
    steps += 1
    if steps > stepBound || output.isExceeded { try goOn() }
  }

  @inline(__always)
  func countSteps(_ count: Int) throws(TemplateError) {
    steps &+= count
    if steps > stepBound { try goOn() }
  }

  /// Counts what it costs to go through a value once.
  @inline(__always)
  func charge(_ value: Value) throws(TemplateError) {
    switch value {
    case .string(let text):
      let count = text.utf8.count
      if count >= 64 { try countSteps(count >> 6) }
    case .list(let list):
      let count = list.items.count
      if count >= 8 { try countSteps(count >> 3) }
    case .tuple(let tuple):
      let count = tuple.items.count
      if count >= 8 { try countSteps(count >> 3) }
    case .dict(let dictionary): try countSteps(dictionary.count >> 2)
    case .set(let set): try countSteps(set.count >> 2)
    default: break
    }
  }

  /// Counts what arithmetic of a big integer costs.
  func charge(_ a: BigInt, _ b: BigInt) throws(TemplateError) {
    let words = (a.bitWidth &+ b.bitWidth) >> 6
    try countSteps(words &* words >> 6)
    try account(bytes: words &* 8)
  }

  /// How many steps go by before the host is asked again whether to stop: about a millisecond.
  private static let stepsUnasked = 1 << 16

  /// A bound is met: throws where it is one of the limits, or the host wants the render to stop.
  @inline(never)
  private func goOn() throws(TemplateError) {
    if let isStopped, isStopped() { throw .stopped }
    guard steps <= limits.steps, allocated <= limits.allocation, !output.isExceeded else {
      throw limitExceeded()
    }
    stepBound = min(limits.steps, steps &+ Self.stepsUnasked)
  }

  func limitExceeded() -> TemplateError {
    if output.isExceeded { return outputExceeded() }
    if steps > limits.steps {
      return .limit("the template ran for more than \(limits.steps) steps")
    }
    return .limit("the template's operations made more than \(limits.allocation) bytes of values")
  }

  func outputExceeded() -> TemplateError {
    .limit("the output is larger than \(limits.outputBytes) bytes")
  }

  // MARK: Memory

  /// Counts bytes that an operation made.
  @inline(__always)
  func account(bytes count: Int) throws(TemplateError) {
    allocated &+= count &+ 32
    steps &+= count >> 6
    if allocated > limits.allocation || steps > stepBound { try goOn() }
  }

  /// Counts what an operation made.
  @inline(__always)
  func account(_ value: Value) throws(TemplateError) {
    switch value {
    case .string(let text):
      let count = text.utf8.count
      // Shorter ones need no memory of their own.
      if count > 15 { try account(bytes: count) }
    case .list(let list): try account(bytes: list.items.count &* 24)
    case .tuple(let tuple): try account(bytes: tuple.items.count &* 24)
    case .dict(let dictionary): try account(bytes: dictionary.count &* 64)
    case .set(let set): try account(bytes: set.count &* 40)
    default: break
    }
  }

  /// The text of the output from `mark` on, which is taken away.
  @inline(__always)
  func take(from mark: Int) -> String {
    let text = output.take(from: mark)
    if let origins { origins.keep(text, from: mark) }
    return text
  }

  /// Throws the output away from `mark` on.
  func discard(from mark: Int) {
    output.truncate(to: mark)
    origins?.forget(from: mark)
  }

  /// The same as a value.
  @inline(__always)
  func captured(from mark: Int, asMarkup: Bool = false) throws(TemplateError) -> Value {
    let text = take(from: mark)
    if text.utf8.count > 15 { try account(bytes: text.utf8.count) }
    return asMarkup ? markup(text) : .string(text)
  }

  /// Refuses a string of so many bytes before it is put together.
  @inline(__always)
  func checkLength(_ count: Int) throws(TemplateError) {
    if count > limits.outputBytes { throw textTooLong() }
  }

  @inline(never)
  private func textTooLong() -> TemplateError {
    .limit("a string would be longer than \(limits.outputBytes) bytes")
  }

  /// Refuses a list of so many items before it is put together.
  func checkItems(_ count: Int) throws(TemplateError) {
    guard count <= limits.repetition / 8 else {
      throw .limit("a list would be longer than \(limits.repetition / 8) items")
    }
  }

  /// Refuses a width that nobody means.
  func checkWidth(_ width: Int) throws(TemplateError) {
    guard width <= limits.repetition else {
      throw .limit("the width is larger than \(limits.repetition)")
    }
  }

  /// `a + b`
  func joined(_ a: String, _ b: String) throws(TemplateError) -> Value {
    let count = a.utf8.count + b.utf8.count
    if count > 15 {
      try checkLength(count)
      try account(bytes: count)
    }
    return .string(a + b)
  }

  /// `parts` with a separator between them: they may share their text many times over.
  func joined(_ parts: [String], separator: String) throws(TemplateError) -> String {
    var length = separator.utf8.count.multipliedReportingOverflow(by: max(0, parts.count - 1))
      .partialValue
    for part in parts {
      length &+= part.utf8.count
      try checkLength(length)
    }
    try checkLength(length)
    try account(bytes: length)
    return parts.joined(separator: separator)
  }

  /// Refuses an integer of so many bits before it is computed.
  func checkBits(_ bits: Int) throws(TemplateError) {
    guard bits <= limits.integerBits else {
      throw .limit("an integer is larger than \(limits.integerBits) bits")
    }
  }

  /// The digits of an integer, within Python's bound on them.
  func decimalText(_ integer: BigInt) throws(TemplateError) -> String {
    // A digit has more than three bits.
    if integer.magnitude.bitWidth / 3 > limits.integerDigits {
      // One digit is at most 3.33 bits; this many bits are more digits than allowed.
      guard integer.magnitude.bitWidth * 3 <= limits.integerDigits * 10 + 10 else {
        throw tooManyDigits()
      }
      let text = String(integer)
      guard text.utf8.count - (integer < 0 ? 1 : 0) <= limits.integerDigits else {
        throw tooManyDigits()
      }
      return text
    }
    return String(integer)
  }

  private func tooManyDigits() -> TemplateError {
    .value("Exceeds the limit (\(limits.integerDigits) digits) for integer string conversion")
  }

  // MARK: Nested values

  /// Python's `==`, within bounds.
  func areEqual(_ a: Value, _ b: Value) throws(TemplateError) -> Bool {
    switch (a, b) {
    case (.string(let x), .string(let y)):
      let count = x.utf8.count
      if count >= 1024, count == y.utf8.count { try countSteps(count >> 6) }
      return x.isSame(as: y)
    case (.list, .list), (.tuple, .tuple), (.dict, .dict), (.set, .set), (.object, _), (_, .object):
      return try walking { a.isEqual(to: b) }
    default: return a.isEqual(to: b)
    }
  }

  /// Whether an item of the list equals the value.
  func contains(_ items: [Value], _ needle: Value) throws(TemplateError) -> Bool {
    try firstIndex(of: needle, in: items) != nil
  }

  func firstIndex(of needle: Value, in items: [Value]) throws(TemplateError) -> Int? {
    for index in items.indices where try areEqual(items[index], needle) { return index }
    return nil
  }

  /// Throws when a value cannot be a key.
  func requireHashable(_ key: Value) throws(TemplateError) {
    switch key {
    case .string(let text):
      let count = text.utf8.count
      if count >= 1024 { try countSteps(count >> 6) }
    case .tuple, .object:
      guard try walking({ key.isHashable }) else { throw .unhashable(key) }
    case .list, .dict, .set: throw .unhashable(key)
    default: break
    }
  }

  private func walking(_ body: () -> Bool) throws(TemplateError) -> Bool {
    let walk = ValueWalk.current
    walk.begin(depth: limits.valueDepth, work: min(limits.steps - steps, 1 << 26))
    let result = body()
    let work = walk.work
    if walk.isExceeded {
      walk.isExceeded = false
      throw walk.isTooDeep ? valueTooDeep() : .limit("values are too large to be compared")
    }
    try countSteps(work >> 3)
    return result
  }
}
