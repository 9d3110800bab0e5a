import SectoralRunner
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The console: prints what the level lets through; on a terminal it keeps a live line below.
final class Console: EventSink {
  private struct State {
    var live: LiveLine?
    /// What the terminal shows as live line now.
    var shownLine: String?
    /// The reader went away (`| head`): the run goes on, the printing does not.
    var isBroken = false
    /// The disk is full, or worse: nobody wanted that.
    var hasLostOutput = false
    var isClosed = false
  }

  private let output: any TextOutput
  private let formatter: LineFormatter
  private let minimumLevel: EventLevel?
  private let showsPrint: Bool
  private let showsCacheEvents: Bool
  private let columns: @Sendable () -> Int
  private let clock: @Sendable () -> Timestamp
  private let complain: @Sendable (String) -> Void
  private let state: Mutex<State>

  /// - Parameters:
  ///   - output: Where lines go.
  ///   - formatter: How lines look.
  ///   - minimumLevel: Quieter events are dropped; nil drops all of them.
  ///   - showsPrint: Whether `print()` of templates comes through.
  ///   - showsCacheEvents: Whether events about the relation cache do.
  ///   - live: The live line of a terminal.
  ///   - columns: The terminal's width, asked before each drawing.
  ///   - clock: The time of day.
  ///   - complain: Told once when output is lost for another reason than a reader that went away.
  init(
    output: any TextOutput,
    formatter: LineFormatter,
    minimumLevel: EventLevel?,
    showsPrint: Bool = true,
    showsCacheEvents: Bool = false,
    live: LiveLine? = nil,
    columns: @escaping @Sendable () -> Int = { 80 },
    clock: @escaping @Sendable () -> Timestamp,
    complain: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.output = output
    self.formatter = formatter
    self.minimumLevel = minimumLevel
    self.showsPrint = showsPrint
    self.showsCacheEvents = showsCacheEvents
    self.columns = columns
    self.clock = clock
    self.complain = complain
    state = Mutex(State(live: live))
  }

  func emit(_ event: Event, _ text: String?) {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.live?.observe(event)
      var lines = ""
      if shows(event), !(state.live?.replaces(event) ?? false) {
        lines = formatter.line(for: event)
      }
      // The live line alone can wait for the next tick.
      if !lines.isEmpty { draw(lines, &state) }
    }
  }

  /// Brings the live line up to date; called a few times a second.
  ///
  /// - Returns: false when there will be no more to draw.
  func tick() -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      draw("", &state)
      return true
    }
  }

  func close() {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.live = nil
      draw("", &state)
      state.isClosed = true
    }
  }

  /// Whether something that was to be printed is lost.
  var hasLostOutput: Bool { state.withLock { $0.hasLostOutput } }

  private func shows(_ event: Event) -> Bool {
    guard let minimumLevel else { return false }
    switch event.message {
    case .printEvent: return showsPrint
    case .other(let name, _, _) where name == "CacheAction" || name == "CacheDumpGraph":
      guard showsCacheEvents else { return false }
    default:
      if event.message.isOutput { return true }
    }
    return event.level >= minimumLevel
  }

  /// Writes lines above the live line, in one piece so that nothing flickers.
  private func draw(_ lines: String, _ state: inout State) {
    guard !state.isBroken else { return }
    let line = state.live?.text(at: clock(), columns: columns() - 1)
    let erase = state.shownLine == nil ? "" : "\r\u{1B}[K"
    let text: String
    if !lines.isEmpty {
      text = erase + lines + (line ?? "")
    } else if line == state.shownLine {
      return
    } else if let line {
      text = "\r\(line)\u{1B}[K"
    } else {
      text = erase
    }
    state.shownLine = line
    guard !output.write(text) else { return }
    state.isBroken = true
    let error = errno
    guard error != EPIPE else { return }
    state.hasLostOutput = true
    complain("cannot write to standard output: \(String(cString: strerror(error)))")
  }

  /// Starts the thread that moves the live line; it ends when the console is closed.
  func startTicking() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    let status = pthread_create(
      &thread,
      nil,
      { context in
        // Balances passRetained above; the thread keeps the console alive until it is closed.
        guard let context else { return nil }
        let console = Unmanaged<Console>.fromOpaque(context).takeRetainedValue()
        repeat { usleep(100_000) } while console.tick()
        return nil
      },
      context
    )
    if status == 0 {
      pthread_detach(thread)
    } else {
      Unmanaged<Console>.fromOpaque(context).release()
    }
  }
}
