/// What the database says that one statement took.
public struct QueryCost: Sendable, Hashable {
  /// The beginning of the statement, with the comment that tells whose it is.
  public var text: String
  /// From its arrival to its end, in microseconds.
  public var elapsedMicroseconds: Int
  /// Of these, until it was let in.
  public var queuedMicroseconds: Int
  /// Of these, at work.
  public var executedMicroseconds: Int
  /// nil where the database does not say.
  public var scannedBytes: Int?
  /// Written to disk for want of memory; nil where the database does not say.
  public var spilledBytes: Int?

  public init(
    text: String,
    elapsedMicroseconds: Int,
    queuedMicroseconds: Int,
    executedMicroseconds: Int,
    scannedBytes: Int?,
    spilledBytes: Int?
  ) {
    self.text = text
    self.elapsedMicroseconds = elapsedMicroseconds
    self.queuedMicroseconds = queuedMicroseconds
    self.executedMicroseconds = executedMicroseconds
    self.scannedBytes = scannedBytes
    self.spilledBytes = spilledBytes
  }
}

/// Asks the database's records what statements took.
public protocol QueryCostReader: Sendable {
  /// Reads them for sessions, which are known by their `serverSession`, so many seconds back.
  func costs(ofSessions sessions: [Int], within seconds: Int) throws(WarehouseError) -> [QueryCost]
}
