#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Names that a session has to itself until its transaction ends; who wants one of them waits, on its own
/// worker's thread.
///
/// A session takes all it needs at once and has nothing when it does, so that none waits for another in a
/// circle. Unchecked because the names are only touched with the mutex held.
final class DropTurns: @unchecked Sendable {
  static let shared = DropTurns()

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var taken: Set<String> = []

  private init() {
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  /// Waits until nobody has one of the names.
  func take(_ names: Set<String>) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !taken.isDisjoint(with: names) { pthread_cond_wait(changed, mutex) }
    taken.formUnion(names)
  }

  func giveBack(_ names: Set<String>) {
    pthread_mutex_lock(mutex)
    taken.subtract(names)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }
}
