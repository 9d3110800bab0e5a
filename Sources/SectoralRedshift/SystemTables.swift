package import SectoralWarehouse

/// What statements took, by the views `sys_query_history` and `sys_query_detail`, which clusters and
/// Serverless have; one query for a run.
package struct SystemTables: QueryCostReader {
  let sessions: RedshiftSessions

  package func costs(
    ofSessions ids: [Int],
    within seconds: Int
  ) throws(WarehouseError) -> [QueryCost] {
    guard !ids.isEmpty else { return [] }
    let connection = try sessions.open(name: "query costs")
    defer { connection.close() }
    let rows: [[String?]]
    do throws(WarehouseError) {
      rows = try connection.execute(
        Self.query(ids, seconds, hasDetails: true),
        fetch: true,
        limit: nil
      ).table.rows
    } catch {
      // No such column, or no right to the view: the times alone then.
      guard ["42703", "42P01", "42501"].contains(error.sqlState) else { throw error }
      rows = try connection.execute(
        Self.query(ids, seconds, hasDetails: false),
        fetch: true,
        limit: nil
      ).table.rows
    }
    return rows.compactMap { row in
      func number(_ column: Int) -> Int? { row[column].flatMap { Int($0) } }
      guard row.count == 6, let text = row[0] else { return nil }
      return QueryCost(
        text: text,
        elapsedMicroseconds: number(1) ?? 0,
        queuedMicroseconds: number(2) ?? 0,
        executedMicroseconds: number(3) ?? 0,
        scannedBytes: number(4),
        // Blocks of a megabyte.
        spilledBytes: number(5).map { $0 << 20 }
      )
    }
  }

  /// By the database's clock alone: ours may differ.
  static func query(_ ids: [Int], _ seconds: Int, hasDetails: Bool) -> String {
    let since = "start_time >= dateadd(second, -\(seconds), getdate())"
    let details = """
      left join (
        select query_id, sum(case when step_name = 'scan' then input_bytes else 0 end) as scanned,
          sum(spilled_block_local_disk + spilled_block_remote_disk) as spilled
        from sys_query_detail where \(since) group by query_id
      ) d on d.query_id = h.query_id

      """
    return """
      select trim(substring(h.query_text, 1, 1000)), h.elapsed_time, h.queue_time, h.execution_time,
        \(hasDetails ? "d.scanned, d.spilled" : "null::bigint, null::bigint")
      from sys_query_history h
      \(hasDetails ? details : "")where h.session_id in (\(ids.map(String.init).joined(separator: ", ")))
        and h.\(since)
      """
  }
}
