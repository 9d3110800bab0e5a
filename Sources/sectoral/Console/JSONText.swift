import SectoralYAML

/// JSON over several lines, as `json.dumps(value, indent=2)` writes it; one line is `JSON.text`.
enum JSONText {
  static func encode(_ value: Datum, indent: Int = 2) -> String {
    var out = ""
    write(value, to: &out, depth: 0, indent: indent)
    return out
  }

  private static func write(_ value: Datum, to out: inout String, depth: Int, indent: Int) {
    let line = "\n" + String(repeating: " ", count: (depth + 1) * indent)
    let lastLine = "\n" + String(repeating: " ", count: depth * indent)
    switch value {
    case .list(let items) where !items.isEmpty:
      out += "["
      for (index, item) in items.enumerated() {
        out += (index == 0 ? "" : ",") + line
        write(item, to: &out, depth: depth + 1, indent: indent)
      }
      out += lastLine + "]"
    case .map(let map) where !map.isEmpty:
      out += "{"
      for (index, entry) in map.entries.enumerated() {
        out += (index == 0 ? "" : ",") + line + JSON.text(of: .string(entry.key)) + ": "
        write(entry.value, to: &out, depth: depth + 1, indent: indent)
      }
      out += lastLine + "}"
    default: out += JSON.text(of: value)
    }
  }
}
