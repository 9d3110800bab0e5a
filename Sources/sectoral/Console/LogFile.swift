import SectoralRunner
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `dbt.log`: appended to, turned over at a size, never in the way of a run.
final class LogFile: EventSink {
  private struct State {
    var descriptor: Int32 = -1
    var size = 0
    var buffer = ""
    var isBroken = false
  }

  static let backups = 5
  private static let bufferLimit = 1 << 15

  private let path: String
  private let formatter: LineFormatter
  private let minimumLevel: EventLevel
  private let maximumBytes: Int
  private let showsCacheEvents: Bool
  private let complain: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - directory: Made when it is missing.
  ///   - formatter: How lines look.
  ///   - minimumLevel: Quieter events are dropped.
  ///   - maximumBytes: A larger file is renamed to `dbt.log.1`; 0: never.
  ///   - showsCacheEvents: Whether events about the relation cache are written.
  ///   - complain: Told once when the file cannot be written.
  init(
    directory: String,
    formatter: LineFormatter,
    minimumLevel: EventLevel,
    maximumBytes: Int,
    showsCacheEvents: Bool = false,
    complain: @escaping @Sendable (String) -> Void
  ) {
    path = directory + "/dbt.log"
    self.formatter = formatter
    self.minimumLevel = minimumLevel
    self.maximumBytes = maximumBytes
    self.showsCacheEvents = showsCacheEvents
    self.complain = complain
  }

  func text(of event: Event) -> String? {
    guard event.level >= minimumLevel, !event.message.isKeptOutOfFile else { return nil }
    if case .other(let name, _, _) = event.message, !showsCacheEvents,
      name == "CacheAction" || name == "CacheDumpGraph"
    {
      return nil
    }
    return formatter.line(for: event)
  }

  func emit(_ event: Event, _ text: String?) {
    guard let line = text else { return }
    state.withLock { state in
      guard !state.isBroken else { return }
      state.buffer += line
      // Debug lines wait for the next louder one: a write per line would be most of the cost.
      if event.level > .debug || state.buffer.utf8.count > Self.bufferLimit { flush(&state) }
    }
  }

  func close() {
    state.withLock { state in
      flush(&state)
      if state.descriptor >= 0 { _ = systemClose(state.descriptor) }
      state.descriptor = -1
    }
  }

  private func flush(_ state: inout State) {
    guard !state.buffer.isEmpty, !state.isBroken else { return }
    let count = state.buffer.utf8.count
    if state.descriptor < 0 { open(&state) }
    if maximumBytes > 0, state.size > 0, state.size + count > maximumBytes {
      _ = systemClose(state.descriptor)
      rotate()
      open(&state)
    }
    guard !state.isBroken else { return }
    if FileDescriptor(number: state.descriptor).write(state.buffer) {
      state.size += count
    } else {
      fail("write", &state)
    }
    state.buffer = ""
  }

  private func open(_ state: inout State) {
    let directory = String(path.dropLast("/dbt.log".utf8.count))
    guard Directory.create(directory) else { return fail("create", &state) }
    state.descriptor = systemOpen(path)
    guard state.descriptor >= 0 else { return fail("open", &state) }
    state.size = max(0, Int(lseek(state.descriptor, 0, SEEK_END)))
  }

  private func rotate() {
    for number in stride(from: Self.backups - 1, through: 1, by: -1) {
      rename("\(path).\(number)", "\(path).\(number + 1)")
    }
    rename(path, "\(path).1")
  }

  private func fail(_ verb: String, _ state: inout State) {
    let reason = String(cString: strerror(errno))
    state.isBroken = true
    state.buffer = ""
    complain("cannot \(verb) the log file \(path): \(reason); going on without it")
  }
}

/// Directories, without Foundation.
enum Directory {
  /// Creates it with its parents; true when it is there in the end.
  static func create(_ path: String) -> Bool {
    if exists(path) { return true }
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    if !parent.isEmpty, !create((path.hasPrefix("/") ? "/" : "") + parent) { return false }
    return mkdir(path, 0o777) == 0 || exists(path)
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

private func systemOpen(_ path: String) -> Int32 {
  open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
