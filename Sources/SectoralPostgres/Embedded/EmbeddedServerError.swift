internal import SectoralWarehouse

/// Why the private server is not there.
package struct EmbeddedServerError: Error, Sendable {
  package enum Kind: Sendable, Hashable {
    /// No Postgres on this machine, or one that is too old.
    case notInstalled
    /// No account to run the server as (Postgres refuses root), or no right to become it.
    case account
    /// A directory cannot be made, or is not safe to use.
    case directory
    /// `initdb` failed.
    case creation
    /// The server ended before it took connections, or did not take any in time.
    case start
    /// Other commands are using the server.
    case inUse
    /// The server runs, and refuses what is asked of it.
    case refused
  }

  package var kind: Kind
  package var message: String
  /// The end of the server's log, or of the output of `initdb`.
  package var log: String?
  package var hint: String?

  init(_ kind: Kind, _ message: String, log: String? = nil, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.log = log
    self.hint = hint
  }

  init(_ error: WarehouseError, doing what: String) {
    self.init(.refused, "\(what): \(error.message)", log: error.detail, hint: error.hint)
  }

  /// The same for whoever only wants a connection.
  var asWarehouseError: WarehouseError {
    WarehouseError(kind: .connection, message: message, detail: log, hint: hint)
  }
}

/// What a user may want to hear while the server is being started.
package enum EmbeddedServerEvent: Sendable, Hashable {
  /// Another command is starting or stopping the server.
  case waiting
  /// Once per user and major version; takes about a second.
  case creatingCluster(directory: String)
  case starting
  /// The old cluster would not start: it was moved away and an empty one made. What was in it comes
  /// back with `seed` and `run`.
  case recreated(reason: String, movedTo: String)
}
