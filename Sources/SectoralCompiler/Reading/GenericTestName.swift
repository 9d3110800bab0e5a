import SectoralProject
import SectoralText
package import SectoralYAML

/// The names and the id of a generic test (spec: artifacts, section 4).
package struct GenericTestName: Sendable, Equatable {
  /// The node's name.
  package let full: String
  /// At most 63 characters: the compiled file's name, and the alias where it differs from `full`.
  package let short: String
  /// The last part of the unique id.
  package let hash: String

  /// `test`: the test's name, `unique`.
  /// `target`: `stg_a`; of a version `stg_a_v2`; of a source `raw_orders`.
  /// `arguments`: with `column_name`, without `model`.
  /// `model`: the text of the argument `model`.
  /// `customName`: `name:` of the entry.
  package init(
    test: String,
    namespace: String?,
    isSource: Bool,
    target: String,
    arguments: DatumMap,
    model: String,
    customName: String?
  ) {
    var prefix = isSource ? "source_\(test)" : test
    if let namespace { prefix = "\(namespace)_\(prefix)" }
    var pieces: [String] = []
    for key in arguments.keys.sorted(by: { $0.precedesByCodePoints($1) }) {
      switch arguments[key] ?? .null {
      case .map(let map): pieces += map.values.map(\.pythonString)
      case .list(let items): pieces += items.map(\.pythonString)
      case let value: pieces.append(value.pythonString)
      }
    }
    let cleaned = pieces.map(Self.replacingOtherCharacters).joined(separator: "__")
    let long = "\(prefix)_\(target)_\(cleaned)"
    let stem = "\(prefix)_\(target)"
    let shortened =
      long.utf8.count < 64 || long.unicodeScalars.count < 64
      ? long
      : String(String.UnicodeScalarView(stem.unicodeScalars.prefix(30))) + "_"
        + Digest.md5(long.utf8)
    full = customName ?? long
    short = customName ?? shortened

    var kwargs = arguments
    kwargs["model"] = .string(model)
    let metadata: DatumMap = [
      "kwargs": .map(kwargs), "name": .string(test),
      "namespace": .string(namespace ?? "None"),
    ]
    var digested = Array(full.utf8)
    Datum.map(metadata).appendSortedRepr(to: &digested)
    let digest = Digest.md5(digested)
    hash = String(digest.suffix(10))
  }

  /// Each run of characters other than ASCII letters, digits and `_` becomes one `_`.
  private static func replacingOtherCharacters(_ text: String) -> String {
    let kept = text.utf8.allSatisfy(isKept)
    if kept { return text }
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    var inRun = false
    for byte in text.utf8 {
      let isKept = isKept(byte)
      if isKept { out.append(byte) } else if !inRun { out.append(UInt8(ascii: "_")) }
      inRun = !isKept
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func isKept(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

extension Datum {
  /// Adds the `repr` of the value with sorted keys and every scalar turned to text.
  fileprivate func appendSortedRepr(to out: inout [UInt8]) {
    switch self {
    case .list(let items):
      out.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { out += ", ".utf8 }
        item.appendSortedRepr(to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .map(let map):
      out.append(UInt8(ascii: "{"))
      let entries = map.entries.sorted { $0.key.precedesByCodePoints($1.key) }
      for (index, entry) in entries.enumerated() {
        if index > 0 { out += ", ".utf8 }
        Datum.appendPythonQuoted(entry.key, to: &out)
        out += ": ".utf8
        entry.value.appendSortedRepr(to: &out)
      }
      out.append(UInt8(ascii: "}"))
    default: Datum.appendPythonQuoted(pythonText, to: &out)
    }
  }
}
