import SectoralText

#if canImport(Glibc)
import Glibc
#endif

/// The few calls on the disk that reading a project needs, with errors that name the file.
package enum FileSystem {
  /// Reads a whole file, or no more than its first `limit` bytes.
  package static func read(_ path: String, limit: Int = .max) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("read", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("read", path) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      errno = EISDIR
      throw failure("read", path)
    }
    var failed = false
    var isComplete = false
    // One byte more than there should be: a read that stops short of it has seen the end.
    let room = min(Int(status.st_size) + 1, limit)
    let isRegular = status.st_mode & S_IFMT == S_IFREG
    var bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      while count < room, !isComplete {
        let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, room - count)
        if got < 0, errno == EINTR { continue }
        failed = got < 0
        if got <= 0 { break }
        count += got
        isComplete = isRegular && count < room
      }
      isComplete = isComplete || count < room || count == limit
    }
    // A file without a size (a pipe) or one that grew meanwhile.
    var chunk = [UInt8](repeating: 0, count: isComplete || failed ? 0 : 65536)
    while !failed, !isComplete, bytes.count < limit {
      let got = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
      if got < 0, errno == EINTR { continue }
      failed = got < 0
      if got <= 0 { break }
      bytes += chunk[..<got]
    }
    if failed { throw failure("read", path) }
    return bytes
  }

  /// Writes a whole file, making the folders above it: beside its place first, then renamed, so that
  /// a full disk or a killed process leaves the old file.
  package static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    try makeFolder(parent(of: path))
    let temporary = "\(path).tmp\(getpid())"
    guard create(temporary, bytes), rename(temporary, path) == 0 else {
      let reason = errno
      unlink(temporary)
      errno = reason
      throw failure("write", path)
    }
  }

  /// Writes a whole file as `write` does, from parts that are made on all cores: they are written in
  /// their order as soon as they are there, so that few of them are in memory at a time.
  ///
  /// `longest`: the part that takes longest, which is begun first.
  @discardableResult package static func write(
    parts count: Int,
    longest: Int? = nil,
    to path: String,
    _ make: @escaping @Sendable (Int) -> [UInt8]
  ) throws(Failure) -> WrittenFile {
    try makeFolder(parent(of: path))
    let temporary = "\(path).tmp\(getpid())"
    let descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("write", path) }
    let output = PartOutput(descriptor)
    Threads.forEach(count, by: 1) { place in
      var index = place
      if let longest { index = place == 0 ? longest : place <= longest ? place - 1 : place }
      output.add(make(index), at: index)
    }
    let (ends, error) = output.outcome
    let file = WrittenFile(descriptor, ends)
    if error == nil, rename(temporary, path) == 0 { return file }
    let reason = error ?? errno
    unlink(temporary)
    errno = reason
    throw failure("write", path)
  }

  /// Writes a file that can be made again at any time, unless it holds these bytes already.
  ///
  /// Not by renaming, and never over an old file: both make the file system wait for the disk, which
  /// took half of the time of a compile.
  package static func writeDerived(_ bytes: [UInt8], to path: String) throws(Failure) {
    // Most often there is no such file yet, and its folder is there.
    if create(path, bytes, isNew: true) { return }
    if errno == ENOENT {
      try makeFolder(parent(of: path))
      if create(path, bytes, isNew: true) { return }
    }
    if errno == EEXIST {
      if holds(path, bytes) { return }
      unlink(path)
      if create(path, bytes) { return }
    }
    let reason = errno
    unlink(path)
    errno = reason
    throw failure("write", path)
  }

  /// Whether all bytes came into a file; `isNew`: which may not be there before.
  private static func create(_ path: String, _ bytes: [UInt8], isNew: Bool = false) -> Bool {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (isNew ? O_EXCL : O_TRUNC)
    let descriptor = open(path, flags, 0o666)
    guard descriptor >= 0 else { return false }
    guard writeAll(bytes, descriptor) else {
      let reason = errno
      close(descriptor)
      errno = reason
      return false
    }
    return close(descriptor) == 0
  }

  fileprivate static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let rest = buffer.baseAddress.map { $0 + written }
        let got = Glibc.write(descriptor, rest, buffer.count - written)
        if got < 0, errno == EINTR { continue }
        if got <= 0 { return false }
        written += got
      }
      return true
    }
  }

  private static func holds(_ path: String, _ bytes: [UInt8]) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) == bytes.count else { return false }
    let old = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
      count = max(0, Glibc.read(descriptor, buffer.baseAddress, bytes.count))
    }
    return old == bytes
  }

  package static func makeFolder(_ path: String) throws(Failure) {
    if path.isEmpty || isFolder(path) { return }
    try makeFolder(parent(of: path))
    // Another thread may have been quicker; a file of that name is in the way.
    if mkdir(path, 0o777) != 0, errno != EEXIST || !isFolder(path) {
      throw failure("make the folder", path)
    }
  }

  /// Removes a file, or a folder with everything in it; links are removed, not followed. What does
  /// not exist is fine.
  package static func removeTree(_ path: String) throws(Failure) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in names(in: path) { try removeTree("\(path)/\(name)") }
      guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    } else {
      guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }
  }

  /// Everything in a folder, hidden files too; nothing where there is none.
  package static func names(in folder: String) -> [String] {
    guard let handle = opendir(folder) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// In bytes; nil where nothing is.
  package static func size(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The files below a folder, as paths relative to it, sorted; hidden by none of our rules.
  /// Symbolic links to folders are not followed, as dbt doesn't. A missing folder is empty.
  package static func files(below folder: String) -> [String] {
    var found: [String] = []
    walk(folder, prefix: "", into: &found)
    return found.sorted { $0.precedesByCodePoints($1) }
  }

  private static func walk(_ folder: String, prefix: String, into found: inout [String]) {
    guard let handle = opendir(folder) else { return }
    defer { closedir(handle) }
    var folders: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      var kind = Int32(entry.pointee.d_type)
      if kind == Int32(DT_UNKNOWN) || kind == Int32(DT_LNK) {
        var status = stat()
        let path = "\(folder)/\(name)"
        guard stat(path, &status) == 0 else { continue }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if isFolder, kind == Int32(DT_LNK) { continue }
        kind = Int32(isFolder ? DT_DIR : DT_REG)
      }
      if kind == Int32(DT_DIR) {
        folders.append(name)
      } else {
        found.append(prefix + name)
      }
    }
    for name in folders { walk("\(folder)/\(name)", prefix: "\(prefix)\(name)/", into: &found) }
  }

  /// The names of the folders in a folder, links to folders included, sorted.
  package static func folders(in folder: String) -> [String] {
    names(in: folder).filter { !$0.hasPrefix(".") && isFolder("\(folder)/\($0)") }.sorted()
  }

  /// The folder of a path: "" for a bare name.
  package static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last part of a path.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// The last part of a path without its extension.
  package static func stem(of path: String) -> String {
    let name = name(of: path)
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot != name.startIndex else {
      return name
    }
    return String(name[..<dot])
  }

  package static var currentFolder: String {
    guard let pointer = getcwd(nil, 0) else { return "." }
    defer { free(pointer) }
    return String(cString: pointer)
  }

  /// An absolute path without `.` and `..`; links are left as they are.
  package static func absolute(_ path: String, from base: String = currentFolder) -> String {
    let whole = path.hasPrefix("/") ? path : "\(base)/\(path)"
    if isPlain(whole) { return whole }
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Whether an absolute path has no part that is empty, `.` or `..`.
  private static func isPlain(_ path: String) -> Bool {
    let (slash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
    var beginsPart = false
    for byte in path.utf8 {
      // Names that begin with a dot are rare: no need to look further.
      if beginsPart, byte == slash || byte == dot { return false }
      beginsPart = byte == slash
    }
    return !beginsPart
  }

  /// What `errno` says about a file.
  package static func failure(_ verb: String, _ path: String) -> Failure {
    let reason = String(cString: strerror(errno))
    let hint: String? =
      switch errno {
      case ENOSPC, EDQUOT: "the disk is full: free some space and run the command again"
      case EFBIG: "files may not grow so large here (ulimit -f): raise the limit"
      case EACCES, EPERM: "the user that runs the command may not \(verb) it"
      case EROFS: "the disk is mounted read-only: choose another folder with --target-path"
      case ENOTDIR, EEXIST, EISDIR:
        "a file stands where a folder must be, or the other way round: move it away"
      case ENAMETOOLONG: "the name is too long for this disk: choose a shorter one"
      default: nil
      }
    return Failure(
      .runtime,
      Diagnostic(
        id: "file.\(verb.split(separator: " ")[0])-failed",
        message: "could not \(verb) \(path): \(reason)",
        hint: hint
      )
    )
  }
}

/// A file that was written from parts, kept open: what is to be written again can be taken from it.
package final class WrittenFile: Sendable {
  private let descriptor: Int32
  private let ends: [Int]
  private let stamp: Stamp?

  /// What changes when somebody writes into the file.
  private struct Stamp: Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init?(_ descriptor: Int32) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { return nil }
      size = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  /// Owns the descriptor from now on.
  fileprivate init(_ descriptor: Int32, _ ends: [Int]) {
    self.descriptor = descriptor
    self.ends = ends
    stamp = Stamp(descriptor)
  }

  deinit { close(descriptor) }

  /// Whether it still holds what was written, as far as its size and time of change tell.
  package var isUntouched: Bool {
    guard let stamp, stamp.size == ends.last ?? 0 else { return false }
    return stamp == Stamp(descriptor)
  }

  /// The bytes of a part; nil where they cannot be read.
  package func part(_ index: Int) -> [UInt8]? {
    let start = index == 0 ? 0 : ends[index - 1]
    let count = ends[index] - start
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let rest = buffer.baseAddress.map { $0 + filled }
        let got = pread(descriptor, rest, count - filled, off_t(start + filled))
        if got < 0, errno == EINTR { continue }
        if got <= 0 { return }
        filled += got
      }
    }
    return bytes.count == count ? bytes : nil
  }
}

/// Parts of a file on their way to it: whoever brings the next one writes it, and those behind it that
/// are there already.
private final class PartOutput: Sendable {
  private struct State {
    var next = 0
    var waiting: [Int: [UInt8]] = [:]
    var isWriting = false
    /// Of the parts written: where each ends.
    var ends: [Int] = []
    var error: Int32?
  }

  private let descriptor: Int32
  private let state = SleepingMutex(State())

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Where each part ends, and the first error, once all parts were added.
  var outcome: (ends: [Int], error: Int32?) { state.withLock { ($0.ends, $0.error) } }

  func add(_ bytes: [UInt8], at index: Int) {
    let isWriter = state.withLock { state in
      state.waiting[index] = bytes
      if state.isWriting || index != state.next { return false }
      state.isWriting = true
      return true
    }
    guard isWriter else { return }
    while let part = next() {
      guard FileSystem.writeAll(part, descriptor) else {
        let reason = errno
        state.withLock { $0.error = $0.error ?? reason }
        continue
      }
    }
  }

  private func next() -> [UInt8]? {
    state.withLock { state in
      guard let part = state.waiting.removeValue(forKey: state.next) else {
        state.isWriting = false
        return nil
      }
      state.next += 1
      state.ends.append((state.ends.last ?? 0) + part.count)
      return state.error == nil ? part : []
    }
  }
}
