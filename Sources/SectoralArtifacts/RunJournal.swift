package import SectoralProject
import SectoralText
package import SectoralYAML

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a run has done so far: a file beside run_results.json for as long as that is not written, so that
/// `retry` knows what a run had done that was killed.
///
/// The first line has the run's flags and all that it was to do; then a line for each node that came to
/// its end. Whoever writes it holds a lock on it, which ends with the process.
///
/// Unchecked because of the descriptor, which is written to in whole lines only: `O_APPEND` keeps those of
/// several threads apart.
package final class RunJournal: @unchecked Sendable {
  private let path: String
  private let mask: SecretMask
  private let descriptor: Int32

  /// `selected`: unique ids of the nodes that the run is to do.
  package init(
    _ metadata: ArtifactMetadata,
    arguments: DatumMap,
    selected: [String],
    to path: String
  ) throws(Failure) {
    self.path = path
    mask = metadata.mask
    // A new file: another run may still write to one of this name.
    unlink(path)
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileSystem.failure("write", path) }
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
    guard
      write([
        "metadata": .map(metadata.layout(.runResults)), "args": .map(arguments),
        "selected": .list(selected.map(Datum.string)),
      ])
    else { throw FileSystem.failure("write", path) }
  }

  /// Notes the end of a node. Where that cannot be written, `retry` does the node once more.
  package func append(_ uniqueID: String, status: String, batches: Datum?) {
    _ = write([
      "unique_id": .string(uniqueID), "status": .string(status),
      "batch_results": batches ?? .null,
    ])
  }

  /// The run has ended, and run_results.json says how.
  package func remove() {
    var own = stat()
    var named = stat()
    guard fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino else {
      return
    }
    unlink(path)
  }

  deinit { close(descriptor) }

  private func write(_ line: DatumMap) -> Bool {
    var out = JSONBuffer(asciiOnly: true)
    out.append(.map(line))
    let bytes = mask.json(out.finish()) + [UInt8(ascii: "\n")]
    return bytes.withUnsafeBytes { buffer in
      #if canImport(Glibc)
      Glibc.write(descriptor, buffer.baseAddress, buffer.count) == buffer.count
      #else
      Darwin.write(descriptor, buffer.baseAddress, buffer.count) == buffer.count
      #endif
    }
  }

  /// Removes the journal of a run that was killed.
  package static func discard(_ path: String) {
    if !isWritten(path) { unlink(path) }
  }

  /// Whether the run that writes a journal still goes on.
  package static func isWritten(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}

extension EarlierRunResults {
  /// The results of a run that was killed: what it had not come to counts as skipped.
  package init(journal path: String) throws(Failure) {
    let bytes = try FileSystem.read(path)
    var lines: [Datum] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      // The last one may have been cut off.
      if let value = try? JSON.parse(Array(line)) { lines.append(value) }
    }
    guard let head = lines.first?.map, let arguments = head["args"]?.map else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "retry.journal",
          message: "the notes of the last run, \(path), cannot be read",
          hint: "run the command again"
        )
      )
    }
    var rows: [Row] = []
    var done: Set<String> = []
    for line in lines.dropFirst() {
      guard let id = line["unique_id"]?.string, let status = line["status"]?.string else {
        continue
      }
      done.insert(id)
      rows.append(Row(uniqueID: id, status: status, batches: line["batch_results"] ?? .null))
    }
    for id in head["selected"]?.list?.compactMap(\.string) ?? [] where !done.contains(id) {
      rows.append(Row(uniqueID: id, status: "skipped", batches: .null))
    }
    self.init(
      path: path,
      rows: rows,
      arguments: arguments,
      invocationStartedAt: head["metadata"]?["invocation_started_at"]?.string
    )
  }
}
