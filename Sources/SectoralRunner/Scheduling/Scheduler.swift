#if canImport(Glibc)
  import Glibc
#endif
package import SectoralCompiler
package import SectoralGraph

/// Hands the members of a queue to worker threads until all are done or the work is stopped.
///
/// Unchecked: `queue`, `isStopped` and `running` are only touched with `mutex` held.
package final class Scheduler: @unchecked Sendable {
  private var queue: RunQueue
  private var isStopped = false
  private var running = 0
  private var untakenIDs: Set<MemberID>
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  package init(_ queue: RunQueue) {
    self.queue = queue
    untakenIDs = Set(queue.order)
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(changed)
    mutex.deallocate()
    changed.deallocate()
  }

  /// Calls `work` for every member, on `threads` threads, each with a state of its own; returns when
  /// all have ended.
  ///
  /// - Parameter state: given the thread's number, from 0.
  package func run<State>(
    threads: Int, state: @escaping @Sendable (Int) -> State,
    work: @escaping @Sendable (inout State, MemberID) -> Void,
    end: @escaping @Sendable (inout State) -> Void
  ) {
    Threads.run(max(1, threads), name: "sectoral-worker") { [self] number in
      var own = state(number)
      while let id = take() {
        work(&own, id)
        finish(id)
      }
      end(&own)
    }
  }

  /// No further member is handed out.
  package func stop() {
    locked { isStopped = true }
  }

  /// The members that were never handed out, in the order of a run.
  package var untaken: [MemberID] {
    locked { queue.order.filter { untakenIDs.contains($0) } }
  }

  /// What is to be skipped when this member fails.
  package func dependents(of id: MemberID) -> MemberSet {
    locked { queue.dependents(of: id) }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    return body()
  }

  private func take() -> MemberID? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isStopped, !queue.isFinished {
      if let id = queue.next() {
        running += 1
        untakenIDs.remove(id)
        return id
      }
      // Nothing is ready and nothing runs that could make it so: a cycle, which the graph refuses.
      precondition(running > 0, "the queue is stuck")
      pthread_cond_wait(changed, mutex)
    }
    return nil
  }

  private func finish(_ id: MemberID) {
    locked {
      queue.finish(id)
      running -= 1
    }
  }
}
