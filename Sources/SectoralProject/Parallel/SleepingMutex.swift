#if canImport(Glibc)
import Glibc
#endif

/// A mutex for which a thread that has to wait sleeps at once.
///
/// `Mutex` of the standard library spins first. Where threads outnumber the cores, the one that holds
/// it is often not running: waiting for it that way took a tenth of a compile's time.
///
/// Unchecked: the value is touched with the mutex held alone.
package final class SleepingMutex<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
