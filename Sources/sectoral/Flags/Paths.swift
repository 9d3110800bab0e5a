/// Paths as text.
enum Paths {
  /// `path` below `directory`, unless it is absolute; without `.` and `..`.
  static func join(_ directory: String, _ path: String) -> String {
    normalized(path.hasPrefix("/") ? path : directory + "/" + path)
  }

  static func parent(of path: String) -> String { normalized(path + "/..") }

  static func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// An absolute path without empty, `.` and `..` parts.
  static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") {
      switch part {
      case ".": continue
      case "..": _ = parts.popLast()
      default: parts.append(part)
      }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Whether `path` is `directory` or lies below it; both absolute and normalized.
  static func contains(_ directory: String, _ path: String) -> Bool {
    directory == "/" || path == directory || path.hasPrefix(directory + "/")
  }
}
