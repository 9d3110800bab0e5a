import CSystem
import SectoralText

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What installing packages needs of the disk.
extension FileSystem {
  /// Makes a symbolic link; `target` is not looked at.
  package static func link(_ path: String, to target: String) throws(Failure) {
    guard symlink(target, path) == 0 else { throw failure("link", path) }
  }

  /// Lets two files or folders take each other's place in one step; false where the system cannot.
  package static func exchange(_ first: String, _ second: String) -> Bool {
    csystem_exchange(first, second) == 0
  }

  /// Copies a folder with all that is in it; links stay links.
  package static func copyTree(_ source: String, to target: String) throws(Failure) {
    var status = stat()
    guard lstat(source, &status) == 0 else { throw failure("read", source) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      try makeFolder(target)
      for name in names(in: source) {
        try copyTree("\(source)/\(name)", to: "\(target)/\(name)")
      }
    case S_IFLNK:
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
      guard readlink(source, &buffer, Int(PATH_MAX)) >= 0 else { throw failure("read", source) }
      let place = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      try link(target, to: String(decoding: place, as: UTF8.self))
    default:
      try writeDerived(try read(source), to: target)
      chmod(target, status.st_mode & 0o777)
    }
  }
}
