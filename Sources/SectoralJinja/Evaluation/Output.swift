/// The text being rendered: one growing buffer, of which captures are slices.
final class Output {
  @exclusivity(unchecked) private(set) var base: UnsafeMutablePointer<UInt8>
  @exclusivity(unchecked) private(set) var count = 0
  @exclusivity(unchecked) private var capacity: Int
  /// More was written than is allowed; what came after is lost.
  @exclusivity(unchecked) var isExceeded = false
  private let limit: Int

  init(limit: Int) {
    // The limit is looked at only where the buffer is full.
    capacity = min(16 << 10, max(64, limit))
    base = .allocate(capacity: capacity)
    self.limit = limit
  }

  deinit { base.deallocate() }

  @inline(never)
  private func grow(by length: Int) {
    guard count + length <= limit else {
      isExceeded = true
      return
    }
    while capacity < count + length { capacity *= 2 }
    capacity = max(count + length, min(capacity, limit))
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  @inline(__always)
  private func reserve(_ length: Int) -> Bool {
    if count + length <= capacity { return true }
    grow(by: length)
    return count + length <= capacity
  }

  @inline(__always)
  func append(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
    guard reserve(length) else { return }
    (base + count).update(from: bytes, count: length)
    count += length
  }

  @inline(__always)
  func append(_ byte: UInt8) {
    guard reserve(1) else { return }
    base[count] = byte
    count += 1
  }

  @inline(__always)
  func append(_ text: String) {
    let done: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
      if let start = bytes.baseAddress { append(start, bytes.count) }
    }
    if done == nil { appendSlowly(text) }
  }

  @inline(never)
  private func appendSlowly(_ text: String) {
    for byte in text.utf8 { append(byte) }
  }

  func append(_ text: StaticString) {
    append(text.utf8Start, text.utf8CodeUnitCount)
  }

  func append(_ value: Int) {
    guard reserve(20) else { return }
    if value >= 0, value < 10 {
      base[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)
      count += 1
      return
    }
    var magnitude = value.magnitude
    var length = value < 0 ? 1 : 0
    var rest = magnitude
    repeat {
      length += 1
      rest /= 10
    } while rest > 0
    var end = count + length
    if value < 0 { base[count] = UInt8(ascii: "-") }
    count = end
    repeat {
      end -= 1
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      base[end] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      magnitude = quotient
    } while magnitude > 0
  }

  func truncate(to mark: Int) { count = min(mark, count) }

  func text(from mark: Int) -> String {
    String(
      decoding: UnsafeBufferPointer(start: base + min(mark, count), count: max(0, count - mark)),
      as: UTF8.self
    )
  }

  /// The text from `mark` on, which is taken away.
  func take(from mark: Int) -> String {
    let result = text(from: mark)
    count = min(mark, count)
    return result
  }
}
