import CSystem
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Plain threads for work that uses the CPU, and never the cooperative pool.
package enum Threads {
  /// In bytes; the template engine's depth limits fit into it with a wide margin.
  package static let stackSize = 64 << 20

  /// How many threads share the work of `map` and `forEach`; nil: as many as there are cores. What
  /// comes out must not depend on it, and tests set it to see that.
  @TaskLocal package static var width: Int?

  /// The cores that this process may use.
  package static var coreCount: Int { max(1, Int(csystem_core_count())) }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Runs `body` on `count` threads with their index, and returns when all are done.
  package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var handles: [pthread_t] = []
    var rest: [Int] = []
    for index in 0..<count {
      if let handle = start({ body(index) }) { handles.append(handle) } else { rest.append(index) }
    }
    // No more threads to be had: the work is done all the same.
    for index in rest { body(index) }
    for handle in handles { pthread_join(handle, nil) }
  }

  /// Starts a thread that nobody waits for. Without any thread to be had nothing is done.
  package static func detached(_ body: @escaping @Sendable () -> Void) {
    if let handle = start(body) { pthread_detach(handle) }
  }

  /// Starts a thread; nil when the system has none left.
  private static func start(_ body: @escaping () -> Void) -> pthread_t? {
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    pthread_attr_init(attributes)
    defer {
      pthread_attr_destroy(attributes)
      attributes.deallocate()
    }
    pthread_attr_setstacksize(attributes, stackSize)
    var handle: pthread_t = 0
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
      &handle,
      attributes,
      { raw in
        Allocator.growThreadHeap()
        // The box was retained for this thread.
        if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      },
      box.toOpaque()
    )
    guard status == 0 else {
      box.release()
      return nil
    }
    return handle
  }

  /// Begins work on a thread of its own; done here and now where no thread is to be had.
  package static func begin<Value>(_ body: @escaping @Sendable () -> Value) -> Job<Value> {
    let slot = Slots<Value>(1)
    let handle = start { slot.set(0, body()) }
    if handle == nil { slot.set(0, body()) }
    return Job(handle, slot)
  }

  /// Does two things at a time, the second on a thread of its own.
  package static func both<First, Second>(
    _ first: () -> First,
    _ second: @escaping @Sendable () -> Second
  ) -> (First, Second) {
    let job = begin(second)
    let value = first()
    return (value, job.wait())
  }

  /// Work that was begun; it goes on by itself when it is let go of.
  ///
  /// Unchecked: `wait` is called once, by one thread.
  package final class Job<Value>: @unchecked Sendable {
    private var handle: pthread_t?
    private let slot: Slots<Value>

    fileprivate init(_ handle: pthread_t?, _ slot: Slots<Value>) {
      self.handle = handle
      self.slot = slot
    }

    /// Waits for the end of the work, and returns what came of it; to be called once.
    package func wait() -> Value {
      if let handle { pthread_join(handle, nil) }
      handle = nil
      return slot.take()[0]
    }

    deinit {
      if let handle { pthread_detach(handle) }
    }
  }

  /// Takes apart what nobody needs any more, while the caller goes on.
  package static func discard(_ leftovers: consuming any Sendable) {
    let last = leftovers
    detached { withExtendedLifetime(last) {} }
  }

  /// Who works on the indexes of a loop.
  package enum Workers {
    /// Threads with deep stacks, for whatever renders templates.
    case deep
    /// The calling thread, and others where there is enough to do.
    case any
  }

  /// Calls `body` for every index of `0..<count`, spread over the cores, each thread with a state of
  /// its own. The order of calls is not fixed: results are to be stored by index.
  ///
  /// `step`: how many neighbours a thread takes at a time.
  package static func forEach<State>(
    _ count: Int,
    by step: Int = 8,
    on workers: Workers = .any,
    state: @escaping @Sendable () -> State,
    _ body: @escaping @Sendable (inout State, Int) -> Void
  ) {
    guard count > 0 else { return }
    let next = Atomic(0)
    let work: @Sendable (Int) -> Void = { _ in
      var own = state()
      while true {
        let start = next.wrappingAdd(step, ordering: .relaxed).oldValue
        if start >= count { return }
        for index in start..<min(start + step, count) { body(&own, index) }
      }
    }
    let threads = min(width ?? coreCount, (count + step - 1) / step)
    switch workers {
    case .deep: run(threads, work)
    case .any where threads == 1: work(0)
    case .any:
      run(threads - 1, also: { work(0) }, work)
    }
  }

  /// The same for work that needs no state.
  package static func forEach(
    _ count: Int,
    by step: Int = 8,
    on workers: Workers = .any,
    _ body: @escaping @Sendable (Int) -> Void
  ) {
    let noState: @Sendable () -> Void = {}
    forEach(count, by: step, on: workers, state: noState) { _, index in body(index) }
  }

  /// Runs `also` on the calling thread meanwhile.
  private static func run(
    _ count: Int,
    also: () -> Void,
    _ body: @escaping @Sendable (Int) -> Void
  ) {
    let handles = (0..<count).compactMap { index in start { body(index) } }
    also()
    for handle in handles { pthread_join(handle, nil) }
  }

  /// The values of all indexes of `0..<count`, worked out on all cores.
  package static func map<State, Value>(
    _ count: Int,
    by step: Int = 8,
    on workers: Workers = .any,
    state: @escaping @Sendable () -> State,
    _ body: @escaping @Sendable (inout State, Int) -> Value
  ) -> [Value] {
    let slots = Slots<Value>(count)
    let work: @Sendable (inout State, Int) -> Void = { state, index in
      slots.set(index, body(&state, index))
    }
    forEach(count, by: step, on: workers, state: state, work)
    return slots.take()
  }

  /// The same for work that needs no state.
  package static func map<Value>(
    _ count: Int,
    by step: Int = 8,
    on workers: Workers = .any,
    _ body: @escaping @Sendable (Int) -> Value
  ) -> [Value] {
    let noState: @Sendable () -> Void = {}
    return map(count, by: step, on: workers, state: noState) { _, index in body(index) }
  }
}

/// Results of parallel work, stored by index.
///
/// Unchecked: every index is written once, by one thread alone, and read when all threads have ended.
private final class Slots<Value>: @unchecked Sendable {
  private let storage: UnsafeMutableBufferPointer<Value?>
  private var isTaken = false

  init(_ count: Int) {
    storage = .allocate(capacity: count)
    storage.initialize(repeating: nil)
  }

  func set(_ index: Int, _ value: Value) { storage[index] = value }

  /// Hands the values out; to be called once, when every index is set.
  func take() -> [Value] {
    precondition(!isTaken)
    isTaken = true
    return Array(unsafeUninitializedCapacity: storage.count) { values, count in
      for index in storage.indices {
        guard let value = storage.moveElement(from: index) else {
          preconditionFailure("no work was done for an index")
        }
        values.initializeElement(at: index, to: value)
      }
      count = storage.count
    }
  }

  deinit {
    if !isTaken { storage.deinitialize() }
    storage.deallocate()
  }
}
