import SectoralCompiler
import SectoralProject
import SectoralText
import SectoralWarehouse

extension Engine {
  /// Refuses a `show` that says of nothing what is to be shown.
  func checkShow() throws(Failure) {
    guard flags.select.isEmpty, flags.selector == nil, flags.inline == nil,
      invocation.retried == nil
    else { return }
    throw Failure(
      .runtime,
      Diagnostic(
        id: "show.nothing",
        message: "Either --select or --inline must be passed to show",
        hint: "for instance: sectoral show --select orders"
      )
    )
  }

  /// `show --inline-direct`: sends a text as it is, without reading the project's resources.
  func showDirect(_ sql: String) throws -> ExitStatus {
    let workspace = try loadWorkspace()
    events.emit(
      .adapterRegistered(
        name: workspace.profile.type,
        version: Self.adapterVersion(workspace.profile.type)
      )
    )
    let name = "show"
    let events = events
    let comment = QueryComments(workspace)
      .source(connection: name, node: nil, thread: Event.mainThread)
    let session = WarehouseSession(
      name: name,
      warehouse: LazyWarehouse(provider, workspace.profile),
      cache: RelationCache(),
      style: TransactionStyle(workspace),
      comment: { () throws(WarehouseError) in try comment?.comment() },
      onEvent: { event in
        RunState.emit(event, to: events, node: nil, thread: Event.mainThread)
      }
    )
    defer { session.release() }
    let cancellation = invocation.cancellation
    session.didOpen = { canceller in
      guard let canceller else { return }
      cancellation.onCancel { canceller.cancel() }
    }
    do throws(WarehouseError) {
      let table = try session.execute(
        sql,
        fetch: true,
        limit: flags.limit < 0 ? nil : flags.limit
      ).table
      events.emit(.showNode(Preview(nodeName: nil, table: table, format: flags.printFormat)))
    } catch {
      throw Failure(.database, Diagnostic(id: "show.direct", message: error.message))
    }
    return .success
  }
}
