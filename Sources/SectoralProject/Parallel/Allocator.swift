import CSystem

/// What the C library's allocator is told; other allocators are left alone.
package enum Allocator {
  /// For a process that makes many small objects and ends soon: to be called before all else.
  package static func tune() { csystem_tune_allocator() }

  /// Room for the objects of one thread, none of it used yet.
  static func growThreadHeap() { csystem_grow_thread_heap(8 << 20) }
}
