#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Knows how much of the thread's stack is left.
///
/// Depth limits alone do not protect: how much one level needs depends on the host's functions,
/// and a thread's stack may be half a megabyte or sixteen.
enum StackGuard {
  /// Kept free for the host's functions and the machinery of errors.
  private static let reserve: UInt = 128 << 10

  /// Where this thread's limit is kept: finding it reads a file on the main thread.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// The lowest address that rendering may reach on this thread.
  static func limit() -> UInt {
    if let known = pthread_getspecific(key) { return UInt(bitPattern: known) }
    let bounds = threadBounds()
    // On a tiny stack, half of it; on an unlimited one, 64 MB.
    let size = min(bounds.high - bounds.low, 64 << 20)
    let limit = bounds.high - size + min(reserve, size / 2)
    pthread_setspecific(key, UnsafeRawPointer(bitPattern: limit))
    return limit
  }

  /// An address in the caller's frame, or near it.
  @inline(__always)
  static func currentAddress() -> UInt {
    var marker: UInt8 = 0
    return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
  }

  /// For code without an interpreter at hand (equality of nested values).
  static var hasRoom: Bool { currentAddress() > limit() }

  #if canImport(Glibc)
  private typealias Query =
    @convention(c) (pthread_t, UnsafeMutablePointer<pthread_attr_t>) -> Int32

  /// `pthread_getattr_np`, which the Glibc module does not declare.
  private static let query: Query? = dlsym(nil, "pthread_getattr_np").map {
    unsafeBitCast($0, to: Query.self)
  }
  #endif

  private static func threadBounds() -> (low: UInt, high: UInt) {
    #if canImport(Glibc)
    // Not `pthread_attr_t()`: which module its initializer is found in depends on what else the
    // build has loaded (6.3.1).
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    guard let query, query(pthread_self(), attributes) == 0 else { return guess() }
    defer { pthread_attr_destroy(attributes) }
    var base: UnsafeMutableRawPointer?
    var size = 0
    guard pthread_attr_getstack(attributes, &base, &size) == 0, let base else { return guess() }
    return (UInt(bitPattern: base), UInt(bitPattern: base) + UInt(size))
    #else
    let high = UInt(bitPattern: pthread_get_stackaddr_np(pthread_self()))
    return (high - UInt(pthread_get_stacksize_np(pthread_self())), high)
    #endif
  }

  private static func guess() -> (low: UInt, high: UInt) {
    let here = currentAddress()
    return (here - 384 << 10, here)
  }
}
