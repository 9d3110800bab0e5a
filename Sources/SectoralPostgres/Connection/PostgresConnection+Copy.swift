internal import CPostgres
package import SectoralWarehouse

extension PostgresConnection {
  package func copyIn(
    _ sql: String,
    next: () throws(WarehouseError) -> [UInt8]?
  )
    throws(WarehouseError) -> Int
  {
    try settleSession()
    try beginIfDue()
    isUndoable = isUndoable && isInTransaction
    let handle = try send(sql)
    var failure: WarehouseError?
    var rows = 0
    // What `next` threw: it weighs more than the server's echo of the abort.
    var interruption: WarehouseError?
    while let result = cpq_get_result(handle) {
      switch Int(cpq_result_status(result)) {
      case CPQ_COPY_IN:
        do throws(WarehouseError) {
          try feed(handle, sql: sql, next: next)
        } catch {
          interruption = error
        }
      case CPQ_COMMAND_OK:
        rows = cpq_affected_rows(result).flatMap { Int(String(cString: $0)) } ?? rows
      case CPQ_FATAL_ERROR, CPQ_BAD_RESPONSE:
        if failure == nil { failure = WarehouseError(result: result, sql: sql) }
      default:
        failure =
          failure
          ?? WarehouseError(
            kind: .statement,
            message: "the statement is not a COPY … FROM STDIN",
            sql: sql
          )
        var buffer: UnsafeMutablePointer<CChar>?
        if Int(cpq_result_status(result)) == CPQ_COPY_OUT {
          while cpq_get_copy_data(handle, &buffer) > 0 { cpq_free_memory(buffer) }
        }
      }
      cpq_clear(result)
    }
    if let interruption {
      _ = statementCanceller.statementEnded()
      guard !isOpen else { throw interruption }
      var lost = failure ?? interruption
      lost.kind = .lost
      throw lost
    }
    try finish(sql, failure: failure)
    return rows
  }

  /// Sends all data, or ends the copy so that the server takes back what came.
  private func feed(
    _ handle: OpaquePointer,
    sql: String,
    next: () throws(WarehouseError) -> [UInt8]?
  ) throws(WarehouseError) {
    do throws(WarehouseError) {
      while let chunk = try next() {
        if statementCanceller.isRequested {
          throw WarehouseError(
            kind: .cancelled,
            sqlState: "57014",
            message: "the load was stopped",
            sql: sql
          )
        }
        try put(chunk, handle, sql: sql)
      }
    } catch {
      if isOpen { _ = cpq_put_copy_end(handle, "the client stopped: \(error.message)") }
      throw error
    }
    guard cpq_put_copy_end(handle, nil) == 1 else { throw lost(sql) }
  }

  /// In pieces: libpq's buffer grows to the largest piece and stays so large.
  private func put(_ chunk: [UInt8], _ handle: OpaquePointer, sql: String) throws(WarehouseError) {
    let pieceSize = 256 << 10
    var start = 0
    while start < chunk.count {
      let count = min(pieceSize, chunk.count - start)
      let status = chunk.withUnsafeBufferPointer { buffer in
        buffer[start..<(start + count)].withMemoryRebound(to: CChar.self) {
          cpq_put_copy_data(handle, $0.baseAddress, Int32(count))
        }
      }
      guard status == 1 else { throw lost(sql) }
      start += count
    }
  }
}
