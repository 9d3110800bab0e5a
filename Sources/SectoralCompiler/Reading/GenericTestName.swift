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
    for key in arguments.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
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
      long.unicodeScalars.count < 64
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
    let digest = Digest.md5((full + Datum.map(metadata).sortedRepr).utf8)
    hash = String(digest.suffix(10))
  }

  /// Each run of characters other than ASCII letters, digits and `_` becomes one `_`.
  private static func replacingOtherCharacters(_ text: String) -> String {
    var out = ""
    var inRun = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_":
        out.unicodeScalars.append(scalar)
        inRun = false
      default:
        if !inRun { out += "_" }
        inRun = true
      }
    }
    return out
  }
}

extension Datum {
  /// `repr` of the value with sorted keys and every scalar turned to text.
  fileprivate var sortedRepr: String {
    switch self {
    case .list(let items): "[" + items.map(\.sortedRepr).joined(separator: ", ") + "]"
    case .map(let map):
      "{"
        + map.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        .map { "\(Datum.pythonQuoted($0)): \((map[$0] ?? .null).sortedRepr)" }.joined(
          separator: ", "
        )
        + "}"
    default: Datum.pythonQuoted(pythonText)
    }
  }
}
