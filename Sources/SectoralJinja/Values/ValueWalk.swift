#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Bounds for going through nested values where no interpreter is at hand: `==`, hashes, and the
/// end of values.
///
/// Values can share parts and contain themselves, so that a value of a hundred lists may take
/// longer than anybody waits, or more stack than there is. One of these belongs to each thread.
final class ValueWalk {
  /// Containers around the one being gone through.
  private var depth = 0
  private var depthLimit = 900
  private var workLimit = 1 << 26
  /// Items gone through since the outermost container.
  private(set) var work = 0
  /// The walk was broken off, and its result says nothing.
  var isExceeded = false
  private(set) var isTooDeep = false

  private init() {}

  /// Where the walk of a thread is kept.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      #if canImport(Glibc)
      guard let pointer else { return }
      #endif
      Unmanaged<ValueWalk>.fromOpaque(pointer).release()
    }
    return key
  }()

  static var current: ValueWalk {
    if let known = pthread_getspecific(key) {
      return Unmanaged<ValueWalk>.fromOpaque(known).takeUnretainedValue()
    }
    let walk = ValueWalk()
    pthread_setspecific(key, Unmanaged.passRetained(walk).toOpaque())
    return walk
  }

  // MARK: Comparing and hashing

  func begin(depth: Int, work: Int) {
    guard self.depth == 0 else { return }
    depthLimit = depth
    workLimit = work
    self.work = 0
    isExceeded = false
    isTooDeep = false
  }

  /// Goes into a container of so many items; false: no further.
  func enter(_ count: Int) -> Bool {
    if depth == 0 {
      work = 0
      isExceeded = false
      isTooDeep = false
    }
    work &+= count &+ 1
    guard !isExceeded, depth < depthLimit, work < workLimit, StackGuard.hasRoom else {
      isTooDeep = isTooDeep || (!isExceeded && work < workLimit)
      isExceeded = true
      return false
    }
    depth += 1
    return true
  }

  func leave() { depth -= 1 }

  // MARK: Ending

  private var ending = 0
  private var waiting: [Value] = []

  /// Lets go of values without using more stack than there is, however deep they nest: beyond
  /// some levels they wait until the stack is short again.
  func end(_ items: inout [Value]) {
    guard ending < 100 else {
      waiting += items
      items = []
      return
    }
    ending += 1
    items = []
    ending -= 1
    guard ending == 0 else { return }
    while !waiting.isEmpty {
      var some: [Value] = []
      swap(&some, &waiting)
      ending += 1
      some.removeAll()
      ending -= 1
    }
  }

  /// For `deinit`: ends items among which are others that have items.
  @inline(__always)
  static func end(_ items: inout [Value]) {
    if haveParts(items) { current.end(&items) }
  }

  /// Not in the loop itself: nothing may hold the items when they end.
  @inline(never)
  private static func haveParts(_ items: borrowing [Value]) -> Bool {
    for index in 0..<items.count {
      switch items[index] {
      case .list, .tuple, .dict, .set, .object: return true
      default: continue
      }
    }
    return false
  }
}
