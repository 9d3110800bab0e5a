import SectoralProject
package import SectoralText
package import SectoralYAML

/// Takes events, one at a time and in order.
package protocol EventSink: Sendable {
  /// What will be written of an event, where that can be said beforehand: the thread that emits works
  /// it out while others have their turns.
  func text(of event: Event) -> String?
  /// `text`: what `text(of:)` gave.
  func emit(_ event: Event, _ text: String?)
  /// Nothing follows: write what is buffered.
  func close()
}

extension EventSink {
  package func text(of event: Event) -> String? { nil }
  package func close() {}

  /// Both steps at once.
  package func emit(_ event: Event) { emit(event, text(of: event)) }
}

/// The one stream of events: every thread emits into it, and each sink sees the same order.
package final class EventBus: Sendable {
  private struct State {
    var deprecations: [(name: String, count: Int)] = []
  }

  private let sinks: [any EventSink]
  private let policy: WarningPolicy
  private let showsAllDeprecations: Bool
  private let clock: @Sendable () -> Timestamp
  private let state = SleepingMutex(State())

  // `showsAllDeprecations` passes every deprecation on, not just the first of each name. The clock
  // is a parameter so that a test can hold it still.
  package init(
    sinks: [any EventSink],
    policy: WarningPolicy = WarningPolicy(),
    showsAllDeprecations: Bool = false,
    clock: @escaping @Sendable () -> Timestamp
  ) {
    self.sinks = sinks
    self.policy = policy
    self.showsAllDeprecations = showsAllDeprecations
    self.clock = clock
  }

  package var now: Timestamp { clock() }
  package var warningPolicy: WarningPolicy { policy }

  package func emit(
    _ message: EventMessage,
    node: NodeInfo? = nil,
    thread: String = Event.mainThread,
    level: EventLevel? = nil
  ) {
    deliver(Event(message, level: level, timestamp: clock(), thread: thread, node: node))
  }

  /// Emits a warning, unless `--warn-error` turns it into an error; a deprecation is counted.
  /// `name` is one of `EventCatalog.names`, `details` what dbt's JSON log has beside the message.
  package func warn(
    _ name: String,
    _ diagnostic: Diagnostic,
    details: DatumMap = DatumMap(),
    node: NodeInfo? = nil,
    thread: String = Event.mainThread
  ) throws(PromotedWarning) {
    if EventCatalog.isCounted(name) {
      return try deprecate(name, diagnostic, details: details, node: node, thread: thread)
    }
    switch policy.disposition(of: name) {
    case .silence: return
    case .error: throw PromotedWarning(name: name, diagnostic: diagnostic, node: node)
    case .warn:
      deliver(
        Event(
          .warning(name: name, diagnostic),
          timestamp: clock(),
          thread: thread,
          node: node,
          details: details
        )
      )
    }
  }

  /// Emits a deprecation, unless `--warn-error` turns it into an error; only the
  /// first of each name is shown, all are counted. What is most likely a slip of the hand is shown
  /// each time.
  package func deprecate(
    _ name: String,
    _ diagnostic: Diagnostic,
    details: DatumMap = DatumMap(),
    node: NodeInfo? = nil,
    thread: String = Event.mainThread
  ) throws(PromotedWarning) {
    switch policy.disposition(of: name) {
    case .silence: return
    case .error: throw PromotedWarning(name: name, diagnostic: diagnostic, node: node)
    case .warn: break
    }
    state.withLock { state in
      if let index = state.deprecations.firstIndex(where: { $0.name == name }) {
        state.deprecations[index].count += 1
        guard showsAllDeprecations || diagnostic.isSlip else { return }
      } else {
        state.deprecations.append((name: name, count: 1))
      }
      let event = Event(
        .deprecation(name: name, diagnostic),
        timestamp: clock(),
        thread: thread,
        node: node,
        details: details
      )
      for sink in sinks { sink.emit(event) }
    }
  }

  /// Sums up the deprecations since the last call, if there were any.
  package func summarizeDeprecations() {
    state.withLock { state in
      if !state.deprecations.isEmpty, policy.disposition(of: "DeprecationsSummary") != .silence {
        let counts = state.deprecations.sorted { $0.name < $1.name }
        let event = Event(
          .deprecationsSummary(counts, isWhole: showsAllDeprecations),
          timestamp: clock()
        )
        for sink in sinks { sink.emit(event) }
      }
      state.deprecations = []
    }
  }

  /// Sums up the deprecations, where nobody has done so, and closes the sinks.
  package func close() {
    summarizeDeprecations()
    state.withLock { _ in
      for sink in sinks { sink.close() }
    }
  }

  private func deliver(_ event: Event) {
    let texts = sinks.map { $0.text(of: event) }
    state.withLock { _ in
      for (sink, text) in zip(sinks, texts) { sink.emit(event, text) }
    }
  }
}

/// A warning that `--warn-error` made an error; outside a node it ends the command.
package struct PromotedWarning: Error, Sendable {
  package let name: String
  package let diagnostic: Diagnostic
  package let node: NodeInfo?

  /// As dbt words it: a compilation error with the warning's text.
  package var failure: CommandFailure {
    var promoted = diagnostic
    promoted.severity = .error
    if EventCatalog.isCounted(name) {
      promoted.message = "[WARNING][\(name)]: Deprecated functionality\n\(diagnostic.message)"
    } else if !EventCatalog.isPlain(name) {
      promoted.message = "[WARNING]: \(diagnostic.message)"
    }
    return CommandFailure(head: "Compilation Error", diagnostic: promoted)
  }
}
