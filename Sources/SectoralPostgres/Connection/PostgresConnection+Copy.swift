internal import CPostgres
package import SectoralWarehouse

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

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
        _ = cpq_set_nonblocking(handle, 1)
        // A server that takes no more for a while is not lost; see `waitForRoom`.
        if credentials.patience != nil { Self.limitSilence(handle, seconds: 0) }
        do throws(WarehouseError) {
          try feed(handle, sql: sql, next: next)
        } catch {
          interruption = error
        }
        _ = cpq_set_nonblocking(handle, 0)
        if let patience = credentials.patience { Self.limitSilence(handle, seconds: patience) }
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
      try flush(handle, sql: sql)
    }
  }

  /// Sends what libpq holds.
  private func flush(_ handle: OpaquePointer, sql: String) throws(WarehouseError) {
    while true {
      let status = cpq_flush(handle)
      if status == 0 { return }
      guard status == 1 else { throw lost(sql) }
      try waitForRoom(handle, sql: sql)
    }
  }

  /// Waits until the server takes more, or says something.
  ///
  /// The time that the system gives to what is not acknowledged would also end a connection to a server that
  /// answers, and reads nothing because it is busy with the rows before.
  private func waitForRoom(_ handle: OpaquePointer, sql: String) throws(WarehouseError) {
    let socket = cpq_socket(handle)
    var descriptor = pollfd(fd: socket, events: Int16(POLLIN | POLLOUT), revents: 0)
    guard poll(&descriptor, 1, 1000) == 0 else {
      if descriptor.revents & Int16(POLLIN) != 0, cpq_consume_input(handle) == 0 { throw lost(sql) }
      return
    }
    if let patience = credentials.patience, cpq_is_silent(socket, Int32(clamping: patience)) == 1 {
      _ = shutdown(socket, Int32(SHUT_RDWR))
    }
  }
}
