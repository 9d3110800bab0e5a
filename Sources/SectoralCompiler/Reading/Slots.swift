/// Results of parallel work, stored by index.
///
/// Unchecked: every index is written by one thread alone, and read when all threads have ended.
final class Slots<Value>: @unchecked Sendable {
  private var storage: UnsafeMutableBufferPointer<Value?>

  init(_ count: Int) {
    storage = .allocate(capacity: count)
    storage.initialize(repeating: nil)
  }

  func set(_ index: Int, _ value: Value) { storage[index] = value }

  var values: [Value] { storage.compactMap { $0 } }

  deinit {
    storage.deinitialize()
    storage.deallocate()
  }
}
