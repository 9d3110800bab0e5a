import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Plain threads for work that uses the CPU: with stacks deep enough for the deepest template, and
/// never on the cooperative pool.
package enum Threads {
  /// In bytes; the template engine's depth limits fit into it with a wide margin.
  package static let stackSize = 64 << 20

  /// One more than the last index of the cores that this process may use.
  package static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

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

  /// Calls `body` for every index of `0..<count`, spread over the cores, each thread with a state of
  /// its own. The order of calls is not fixed: results are to be stored by index.
  package static func forEach<State>(
    _ count: Int,
    state: @escaping @Sendable () -> State,
    _ body: @escaping @Sendable (inout State, Int) -> Void
  ) {
    let threads = min(coreCount, max(1, count / 8))
    let next = Atomic(0)
    run(threads) { _ in
      var own = state()
      while true {
        let start = next.wrappingAdd(8, ordering: .relaxed).oldValue
        if start >= count { return }
        for index in start..<min(start + 8, count) { body(&own, index) }
      }
    }
  }
}
