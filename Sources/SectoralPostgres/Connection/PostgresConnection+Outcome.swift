internal import SectoralWarehouse

extension PostgresConnection {
  /// What came of another connection's transaction; one that still runs is ended.
  ///
  /// `wait`: sleeps between two looks, in seconds.
  func outcome(
    of transaction: TransactionMark,
    wait: (Int) -> Void
  ) throws(WarehouseError) -> TransactionOutcome {
    let number: String?
    switch transaction {
    case .empty: return .undone
    case .number(let known): number = known
    case .process(let process, let sent): number = try transactionNumber(of: process, since: sent)
    }
    // Only what the server itself wrote goes into the statements.
    guard let number, !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return .unknown
    }
    let status = "select pg_catalog.txid_status(\(number))"
    // `backend_xid` has no epoch.
    let end = """
      select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity \
      where backend_xid::text::bigint = \(number) & 4294967295
      """
    for attempt in 0..<60 {
      switch try ask(status) {
      case "committed": return .committed
      case "aborted": return .undone
      case "in progress": break
      // So long ago that the server has forgotten it.
      default: return .unknown
      }
      // A COMMIT that is under way comes to its end by itself.
      if attempt > 0 { _ = try ask(end) }
      wait(1)
    }
    return .unknown
  }

  /// The number of the transaction that a server process is in; nil when the process is gone or has
  /// written nothing.
  ///
  /// A process that began after the statements were sent is another one with the same id.
  private func transactionNumber(
    of process: Int,
    since sent: ContinuousClock.Instant
  ) throws(WarehouseError) -> String? {
    let age = ContinuousClock.now - sent
    let milliseconds =
      age.components.seconds * 1000 + age.components.attoseconds / 1_000_000_000_000_000
    return try ask(
      """
      select (m >> 32 << 32) + x - case when x > m & 4294967295 then 4294967296 else 0 end
      from (
        select backend_xid::text::bigint as x,
          pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) as m
        from pg_catalog.pg_stat_activity
        where pid = \(process) and usename = session_user
          and backend_start <= clock_timestamp() - interval '\(milliseconds) milliseconds'
      ) as a
      """
    )
  }

  private func ask(_ sql: String) throws(WarehouseError) -> String? {
    try execute(sql, fetch: true, limit: nil).table.rows.first?.first ?? nil
  }
}
