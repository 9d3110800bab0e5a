import SectoralRunner

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the operating system says about this process.
enum ProcessEnvironment {
  static var variables: [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let pair = String(cString: text)
      if let equals = pair.firstIndex(of: "=") {
        variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
      }
      entry += 1
    }
    return variables
  }

  static var processID: Int { Int(getpid()) }

  static var currentDirectory: String {
    guard let buffer = getcwd(nil, 0) else { return "/" }
    defer { free(buffer) }
    return String(cString: buffer)
  }

  /// `$HOME`, else the account's directory.
  static func homeDirectory(_ environment: [String: String]) -> String {
    if let home = environment["HOME"], !home.isEmpty { return home }
    if let account = getpwuid(getuid()), let home = account.pointee.pw_dir {
      return String(cString: home)
    }
    return "/"
  }

  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(
      microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    )
  }

  /// What this process has taken so far.
  struct Resources {
    var userSeconds: Double
    var kernelSeconds: Double
    var peakKilobytes: Int
    /// Of 512 bytes, from and to disks.
    var blocksRead: Int
    var blocksWritten: Int
  }

  static func resources() -> Resources {
    func seconds(_ time: timeval) -> Double {
      Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }
    var usage = rusage()
    #if canImport(Glibc)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let unit = 1
    #else
    getrusage(RUSAGE_SELF, &usage)
    // In bytes there.
    let unit = 1024
    #endif
    return Resources(
      userSeconds: seconds(usage.ru_utime),
      kernelSeconds: seconds(usage.ru_stime),
      peakKilobytes: Int(usage.ru_maxrss) / unit,
      blocksRead: Int(usage.ru_inblock),
      blocksWritten: Int(usage.ru_oublock)
    )
  }

  /// Of local time, east of UTC.
  static var secondsFromUTC: Int {
    var now = time(nil)
    var local = tm()
    localtime_r(&now, &local)
    return local.tm_gmtoff
  }

  /// A random identifier (RFC 9562, version 4).
  static func randomUUID() -> String {
    var random = SystemRandomNumberGenerator()
    var bytes: [UInt8] = []
    for _ in 0..<2 { withUnsafeBytes(of: random.next() as UInt64) { bytes += $0 } }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    var out = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { out += "-" }
      out += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return out
  }

  static func files(_ environment: [String: String]) -> FileQuestions {
    FileQuestions(
      currentDirectory: currentDirectory,
      homeDirectory: homeDirectory(environment),
      exists: { access($0, F_OK) == 0 },
      read: { TextFile.read($0) }
    )
  }
}

/// Small files, without Foundation.
enum TextFile {
  /// nil when it cannot be read.
  static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  /// Writes a new file; the error's text when that fails.
  static func create(_ path: String, _ text: String) -> String? {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    return FileDescriptor(number: descriptor).write(text) ? nil : String(cString: strerror(errno))
  }
}
