import SectoralProject

#if canImport(Glibc)
import Glibc
#endif

/// Hands nodes of a queue to worker threads until all are done or the work is stopped.
///
/// Unchecked: `queue` and `isStopped` are only touched with `mutex` held.
package final class Scheduler: @unchecked Sendable {
  private var queue: ReadyQueue
  private var isStopped = false
  private var running = 0
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  package init(_ queue: ReadyQueue) {
    self.queue = queue
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

  /// Runs `work` for every node on `threads` threads. `work` gets the state of its thread and the
  /// nodes' indexes: one, or several that `joins` says of that they may be done together, at most `limit`.
  /// `idle` is called on a thread that has nothing to do for now, or no more.
  package func run<State>(
    threads: Int,
    limit: Int = 1,
    joins: @escaping @Sendable (Int) -> Bool = { _ in false },
    state: @escaping @Sendable (Int) -> State,
    work: @escaping @Sendable (inout State, [Int]) -> Void,
    idle: @escaping @Sendable () -> Void = {}
  ) {
    Threads.run(max(1, threads)) { [self] number in
      var own = state(number)
      while let indexes = take(joins, limit, idle) {
        work(&own, indexes)
        finish(indexes)
      }
      idle()
    }
  }

  /// No further node is handed out.
  package func stop() {
    pthread_mutex_lock(mutex)
    isStopped = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  /// The nodes that were never handed out.
  package var untaken: [Int] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return queue.untaken
  }

  package func descendants(of index: Int) -> [Int] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return queue.descendants(of: index)
  }

  private func take(_ joins: (Int) -> Bool, _ limit: Int, _ idle: () -> Void) -> [Int]? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if !isStopped, !queue.isFinished, !queue.hasReady {
      pthread_mutex_unlock(mutex)
      idle()
      pthread_mutex_lock(mutex)
    }
    while !isStopped, !queue.isFinished {
      let indexes = queue.take(joining: joins, limit: limit)
      if !indexes.isEmpty {
        running += 1
        return indexes
      }
      // Nothing is ready and nothing runs that could make it so: a cycle, which the graph refuses.
      precondition(running > 0, "the queue is stuck")
      pthread_cond_wait(changed, mutex)
    }
    pthread_cond_broadcast(changed)
    return nil
  }

  private func finish(_ indexes: [Int]) {
    pthread_mutex_lock(mutex)
    for index in indexes { queue.finish(index) }
    running -= 1
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }
}
