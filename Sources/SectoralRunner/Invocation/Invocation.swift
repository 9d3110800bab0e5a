package import SectoralArtifacts

/// One call of the tool: everything the outside world gives it, as values.
package struct Invocation: Sendable {
  package var id: String
  package var command: Command
  package var flags: InvocationFlags
  /// What templates see through `env_var`; the only way the environment comes in.
  package var environment: [String: String]
  package var events: EventBus
  /// The nodes are to end: Ctrl-C, or one of them failed with --fail-fast.
  package var cancellation: CancellationFlag
  /// Ctrl-C, which cancels as well: all is to end, hooks and templates included.
  package var interruption: CancellationFlag
  /// What is masked in all that is printed and written.
  package var secrets: Secrets
  /// `retry`: what is run instead of the selection, by unique id.
  package var retried: Retried?

  package init(
    id: String,
    command: Command,
    flags: InvocationFlags,
    environment: [String: String],
    events: EventBus,
    cancellation: CancellationFlag,
    interruption: CancellationFlag,
    secrets: Secrets = Secrets(),
    retried: Retried? = nil
  ) {
    self.id = id
    self.command = command
    self.flags = flags
    self.environment = environment
    self.events = events
    self.cancellation = cancellation
    self.interruption = interruption
    self.secrets = secrets
    self.retried = retried
  }
}

/// What of an earlier run is run again.
package struct Retried: Sendable {
  package var uniqueIDs: [String]
  /// Of models of which some batches went well: only the others are run.
  package var batches: [String: BatchResults]
  /// When the run was called that is done again, in microseconds since 1970: batches end there.
  package var startedAt: Int?

  package init(
    uniqueIDs: [String],
    batches: [String: BatchResults] = [:],
    startedAt: Int? = nil
  ) {
    self.uniqueIDs = uniqueIDs
    self.batches = batches
    self.startedAt = startedAt
  }
}
