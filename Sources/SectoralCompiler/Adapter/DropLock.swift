#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Held while a relation is dropped on Redshift; waiting blocks the worker's own thread.
///
/// Not a `Mutex`: what happens under the lock runs templates, whose values cannot be sent into a
/// closure. Unchecked because the pointer never changes and what it points to is made for sharing.
final class DropLock: @unchecked Sendable {
  static let shared = DropLock()

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  private init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}
