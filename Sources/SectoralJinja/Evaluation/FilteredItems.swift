/// The items of a loop with `if`: as in Jinja, whether one takes part is asked when its turn comes, after
/// the body ran for those before it.
final class FilteredItems {
  private unowned let interpreter: Interpreter
  private let loop: UnsafePointer<Loop>
  private let frame: Frame
  private let items: [Value]
  /// A list is followed as it is, not as it was: the body may change it.
  private let live: ListValue?
  private let watched: DictValue?
  private let size: Int?
  private var position = 0

  init(
    _ interpreter: Interpreter,
    _ loop: UnsafePointer<Loop>,
    _ iterable: Value,
    _ frame: Frame
  ) throws(TemplateError) {
    self.interpreter = interpreter
    self.loop = loop
    self.frame = frame
    items = try interpreter.items(of: iterable)
    if case .list(let list) = iterable { live = list } else { live = nil }
    watched = interpreter.dictionary(behind: iterable)
    size = watched?.count
  }

  /// The next item that the condition holds for; the loop's variables have its values.
  func next() throws(TemplateError) -> Value? {
    while true {
      if let watched, watched.count != size { throw interpreter.changedWhileIterating(loop) }
      let all = live?.items ?? items
      guard position < all.count else { return nil }
      let item = all[position]
      position += 1
      try interpreter.countStep()
      interpreter.place = loop.pointee.target
      try interpreter.assign(loop.pointee.target, item, frame)
      guard try interpreter.condition(loop.pointee.test, frame) else { continue }
      return interpreter.assigned(loop.pointee.target, item, frame)
    }
  }

  /// The same from within the body, whose variables keep their values.
  func nextAhead() throws(TemplateError) -> Value? {
    let slots = interpreter.slots(of: loop.pointee.target, frame)
    let (values, place) = (slots.map { frame.slots[$0] }, interpreter.place)
    defer {
      for (slot, value) in zip(slots, values) { frame.slots[slot] = value }
      interpreter.place = place
    }
    return try next()
  }
}
