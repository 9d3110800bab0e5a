internal import SectoralProject
internal import SectoralText

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The folder of installed packages, filled beside its place and then exchanged for the old one.
///
/// Whatever happens before, the old packages stay; a killed process leaves a hidden folder, which the
/// next command removes. Only one process at a time works on a folder.
struct InstallFolder: ~Copyable {
  /// Absolute; without links, so that the place itself is exchanged.
  private let path: String
  /// New packages, and beside them what is needed meanwhile.
  let staging: String
  /// Where downloads and checkouts are unpacked.
  var workFolder: String { "\(staging)/work" }
  private let lock: Int32

  private var newFolder: String { "\(staging)/packages" }

  /// `path`: Absolute.
  init(_ path: String, world: PackageWorld) throws(Failure) {
    self.path = Self.resolved(path)
    let parent = FileSystem.parent(of: self.path)
    try FileSystem.makeFolder(parent)
    lock = try Self.lock(parent, world)
    let prefix = ".\(FileSystem.name(of: self.path)).new-"
    // Of processes that were killed: nobody else holds the lock.
    for name in FileSystem.names(in: parent) where name.hasPrefix(prefix) {
      try? FileSystem.removeTree("\(parent)/\(name)")
    }
    staging = "\(parent)/\(prefix)\(getpid())"
  }

  deinit {
    try? FileSystem.removeTree(staging)
    if lock >= 0 { close(lock) }
  }

  private static func resolved(_ path: String) -> String {
    guard let pointer = realpath(path, nil) else { return path }
    defer { free(pointer) }
    return String(cString: pointer)
  }

  /// The lock is on the folder itself: no file is left behind.
  private static func lock(_ folder: String, _ world: PackageWorld) throws(Failure) -> Int32 {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    var hasSaid = false
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      // Some network file systems lock no folders.
      guard errno == EWOULDBLOCK || errno == EINTR else { break }
      if world.isCancelled() {
        close(descriptor)
        throw Interrupted.failure
      }
      if !hasSaid { world.report(.waiting) }
      hasSaid = true
      world.pause(0.1)
    }
    return descriptor
  }

  /// Takes the files of a package over.
  func add(_ folder: String, as name: String) throws(Failure) {
    try FileSystem.makeFolder(newFolder)
    let place = "\(newFolder)/\(name)"
    if rename(folder, place) != 0 { try FileSystem.copyTree(folder, to: place) }
  }

  /// Makes a local package a link; a copy, where links are not possible.
  ///
  /// - Returns: Whether it is a link.
  func link(_ folder: String, as name: String) throws(Failure) -> Bool {
    try FileSystem.makeFolder(newFolder)
    let place = "\(newFolder)/\(name)"
    if symlink(folder, place) == 0 { return true }
    try FileSystem.copyTree(folder, to: place)
    return false
  }

  /// Puts the new packages where the old ones are.
  func exchange() throws(Failure) {
    try FileSystem.makeFolder(newFolder)
    if !FileSystem.exists(path) {
      if rename(newFolder, path) == 0 { return }
    } else if FileSystem.exchange(newFolder, path) {
      return
    } else {
      let old = "\(staging)/old"
      if rename(path, old) == 0 {
        if rename(newFolder, path) == 0 { return }
        rename(old, path)
      }
    }
    // A folder that cannot be renamed: a volume is mounted there, or it is on another disk.
    try exchangeOneByOne()
  }

  private func exchangeOneByOne() throws(Failure) {
    try FileSystem.makeFolder(path)
    let inside = "\(path)/.new-\(getpid())"
    try FileSystem.removeTree(inside)
    defer { try? FileSystem.removeTree(inside) }
    try FileSystem.copyTree(newFolder, to: inside)
    let names = FileSystem.names(in: inside)
    let old = FileSystem.names(in: path).filter { $0 != FileSystem.name(of: inside) }
    for name in names {
      let place = "\(path)/\(name)"
      if FileSystem.exchange("\(inside)/\(name)", place) { continue }
      try FileSystem.removeTree(place)
      guard rename("\(inside)/\(name)", place) == 0 else {
        throw FileSystem.failure("write", place)
      }
    }
    for name in old where !names.contains(name) { try FileSystem.removeTree("\(path)/\(name)") }
  }
}
