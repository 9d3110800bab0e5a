package import SectoralWarehouse

/// One transaction for the work of several nodes, where a commit costs more than the work.
///
/// Each node has a session of its own: the first opens the connection, and it goes from one to the next with
/// the transaction open. What a `commit()` of theirs would end, the last one ends. Without savepoints, what one
/// of them fails with undoes the work of all.
extension WarehouseSession {
  /// Goes on where another session stopped, if there is one, and does not end the transaction.
  package func continueTransaction(of former: WarehouseSession?) {
    precondition(style.beginsLate, "the driver's own transaction cannot be shared")
    sharesTransaction = true
    guard let former, let connection = former.connection else { return }
    former.didOpen(nil)
    former.connection = nil
    self.connection = connection
    turn = former.turn
    former.turn = []
    didOpen(connection.canceller)
  }

  /// Commits what those before this session and itself did.
  package func endSharedTransaction() throws(WarehouseError) {
    try flush()
    guard connection?.isInTransaction == true else { return }
    _ = try send("COMMIT", fetch: false, limit: nil, commented: false)
    giveBackTurn()
  }

  /// Ends the session's part: what it knows of relations stays where the transaction was committed.
  package func releaseShared(isCommitted: Bool) {
    isMarkedOpen = isMarkedOpen || connection?.isInTransaction == true
    if isCommitted { cache.keepChanges() } else { cache.takeBack() }
    release()
  }
}
