internal import SectoralAWS
internal import SectoralProject
package import SectoralWarehouse
internal import Synchronization

/// Loads rows by parts in S3 and one `COPY`.
///
/// The parts are gzip, made and sent on several threads, named by a manifest, and removed afterwards,
/// also after a failure and after Ctrl-C.
package final class S3Loader: BulkLoader {
  let settings: BulkLoadSettings
  let profile: RedshiftProfile
  private let store: S3Client
  /// Opens a connection beside that of the load, whose transaction is broken when it is needed.
  private let open: @Sendable (String) throws(WarehouseError) -> any WarehouseConnection
  private let count = Mutex(0)

  package var minimumByteCount: Int { settings.minimumByteCount }

  /// How many parts are on their way at once: the network waits longer than it sends.
  static let uploads = 8

  init(
    _ settings: BulkLoadSettings,
    _ profile: RedshiftProfile,
    account: AWSAccount,
    open: @escaping @Sendable (String) throws(WarehouseError) -> any WarehouseConnection
  ) {
    self.settings = settings
    self.profile = profile
    self.open = open
    store = S3Client(account, bucket: settings.bucket, region: settings.region)
  }

  package func load(
    _ load: BulkLoad,
    execute: (String) throws(WarehouseError) -> Void
  ) throws(BulkLoadError) -> [String] {
    let folder = newFolder(load.owner)
    let parts = (0..<load.pieceCount).map { folder + "part\(Self.padded($0)).csv.gz" }
    let manifest = folder + "manifest"
    var failure: BulkLoadError?
    let sent = upload(load, parts, &failure)
    if failure == nil {
      do throws(AWSError) {
        let text = parts.map { #"{"url": "\#(url($0))", "mandatory": true}"# }
        let bytes = Array("{\"entries\": [\n\(text.joined(separator: ",\n"))\n]}\n".utf8)
        try store.put(manifest, bytes, contentType: "application/json")
      } catch { failure = BulkLoadError(explained(error)) }
    }
    if failure == nil {
      do throws(WarehouseError) {
        try execute(copy(load, manifest))
      } catch { failure = explained(error, load, parts) }
    }
    let left = remove(sent + [manifest])
    if let failure { throw failure }
    return left
  }

  // MARK: Objects

  /// One of its own for each load, so that two runs at once do not meet.
  private func newFolder(_ owner: String) -> String {
    let number = count.withLock { count in
      count += 1
      return count
    }
    var random = SystemRandomNumberGenerator()
    let mark = String(random.next() as UInt64, radix: 36)
    let name = String(owner.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "_" })
    let prefix = settings.prefix.isEmpty ? "" : settings.prefix + "/"
    return "\(prefix)\(name)/\(mark)-\(number)/"
  }

  private func url(_ key: String) -> String { "s3://\(settings.bucket)/\(key)" }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// Sends the parts; returns the names of those that may be there.
  private func upload(
    _ load: BulkLoad,
    _ parts: [String],
    _ failure: inout BulkLoadError?
  ) -> [String] {
    let next = Atomic(0)
    let state = Mutex<(begun: Int, problem: WarehouseError?)>((0, nil))
    Threads.run(min(Self.uploads, parts.count)) { _ in
      while state.withLock({ $0.problem == nil }) {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < parts.count else { return }
        state.withLock { $0.begun = max($0.begun, index + 1) }
        guard let bytes = Gzip.pack(load.piece(index)) else {
          let error = WarehouseError(kind: .statement, message: "out of memory while packing rows")
          return state.withLock { $0.problem = $0.problem ?? error }
        }
        do throws(AWSError) {
          try self.store.put(parts[index], bytes, contentType: "application/gzip")
        } catch {
          let error = self.explained(error)
          state.withLock { $0.problem = $0.problem ?? error }
        }
      }
    }
    let (begun, problem) = state.withLock { $0 }
    failure = problem.map { BulkLoadError($0) }
    return Array(parts.prefix(begun))
  }

  /// Removes them; returns a sentence where some are left.
  private func remove(_ keys: [String]) -> [String] {
    let problems = Mutex<[String]>([])
    let next = Atomic(0)
    Threads.run(min(Self.uploads, keys.count)) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < keys.count else { return }
        do throws(AWSError) {
          try self.store.delete(keys[index])
        } catch {
          let message = error.message
          problems.withLock { $0.append(message) }
        }
      }
    }
    let found = problems.withLock { $0 }
    guard let first = found.first, let key = keys.first else { return [] }
    let folder = url(String(key[...(key.lastIndex(of: "/") ?? key.startIndex)]))
    return [
      "\(found.count) of \(keys.count) files of the load are left in \(folder): \(first). Give the "
        + "right to s3:DeleteObject, or let the bucket expire what lies below the prefix"
    ]
  }

  // MARK: The statement

  func copy(_ load: BulkLoad, _ manifest: String) -> String {
    let roles =
      settings.role == "default" ? "default" : TextLiteral.redshift.quoted(settings.role)
    var lines = [
      "copy \(load.relation) (\(load.columns.joined(separator: ", ")))",
      "from \(TextLiteral.redshift.quoted(url(manifest)))", "iam_role \(roles)",
      "manifest gzip csv",
      "null as \(TextLiteral.redshift.quoted(load.nullMark))",
      "dateformat 'auto' timeformat 'auto'",
      // Encodings were chosen when the table was made, or are left to Redshift.
      "compupdate off statupdate \(load.fillsRelation ? "on" : "off")",
    ]
    // Found right by the uploads; the cluster itself may be elsewhere.
    lines.append("region \(TextLiteral.redshift.quoted(store.region))")
    return lines.joined(separator: "\n")
  }

  // MARK: Words

  private func explained(_ error: AWSError) -> WarehouseError {
    var hint = error.hint
    switch error.kind {
    case .notFound:
      hint =
        "check 'bucket' ('\(settings.bucket)') and 'region' of 'bulk_load' of \(profile.place)"
    case .denied:
      hint =
        "your own AWS identity needs s3:PutObject and s3:DeleteObject on "
        + "arn:aws:s3:::\(settings.bucket)/\(settings.prefix.isEmpty ? "" : settings.prefix + "/")*"
    default: break
    }
    return WarehouseError(
      kind: error.kind == .cancelled ? .cancelled : .statement,
      sqlState: error.kind == .cancelled ? "57014" : nil,
      message: "the rows could not be put into s3://\(settings.bucket): \(error.message)",
      hint: hint
    )
  }

  private func explained(
    _ error: WarehouseError,
    _ load: BulkLoad,
    _ parts: [String]
  ) -> BulkLoadError {
    guard error.kind == .statement else { return BulkLoadError(error) }
    var error = error
    // The server's own layout has no place for our hint.
    error.report = nil
    let words = [error.message, error.detail ?? ""].joined(separator: " ").lowercased()
    if words.contains("assume") || words.contains("not authorized") && words.contains("role") {
      error.hint =
        "the role \(settings.role) must be attached to the cluster, and trust "
        + "redshift.amazonaws.com ('iam_role' of 'bulk_load' of \(profile.place))"
      return BulkLoadError(error)
    }
    if words.contains("s3serviceexception") || words.contains("s3 prefix") {
      error.hint =
        words.contains("accessdenied") || words.contains("access denied")
        ? "the role \(settings.role) needs s3:GetObject on arn:aws:s3:::\(settings.bucket)/* and "
          + "s3:ListBucket ('iam_role' of 'bulk_load' of \(profile.place))"
        : "check 'bucket' and 'region' of 'bulk_load' of \(profile.place)"
      return BulkLoadError(error)
    }
    guard words.contains("load_error") || words.contains("load into table") else {
      return BulkLoadError(error)
    }
    return BulkLoadError(error, faults: LoadErrors(load, parts.map(url)).read(open))
  }
}
