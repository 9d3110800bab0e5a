import Foundation
import SectoralText
import SectoralYAML
import Testing

/// What PyYAML and Python's `json` did with the same input; `Data/record.py` recorded it.
struct YAMLConformanceTests {
  static let loads = recorded("load")
  static let dumps = recorded("dump")
  static let jsonTexts = recorded("json_parse")
  static let jsonValues = recorded("json_write")

  @Test(arguments: loads) func loadsAsPyYAML(_ row: Row) throws {
    let text = row.text("yaml")
    let (root, diagnostics) = YAMLParser.parse(text)
    let errors = diagnostics.filter { $0.severity == .error }
    guard let value = row.datum["value"]?.string else {
      #expect(!errors.isEmpty, "PyYAML refuses this: \(row.text("error"))")
      // Another place than PyYAML's is ours on purpose: the beginning of what is wrong.
      for error in errors { #expect(error.span != nil) }
      return
    }
    #expect(errors.isEmpty, "\(errors.map(\.message))")
    #expect(try canonical(#require(root).datum) == value)
  }

  @Test(arguments: dumps) func dumpsAsPyYAML(_ row: Row) throws {
    let value = unwrapped(try #require(row.datum["value"]))
    #expect(YAMLWriter.text(of: value) == row.text("text"))
    #expect(YAMLWriter.text(of: value, sortKeys: true) == row.text("sorted"))
  }

  @Test(arguments: dumps) func readsBackWhatItWrote(_ row: Row) throws {
    let value = unwrapped(try #require(row.datum["value"]))
    let (root, diagnostics) = YAMLParser.parse(YAMLWriter.text(of: value))
    #expect(diagnostics.isEmpty)
    #expect(try canonical(#require(root).datum) == canonical(value))
  }

  @Test(arguments: jsonValues) func writesJSONAsPython(_ row: Row) throws {
    let value = unwrapped(try #require(row.datum["value"]))
    #expect(JSON.text(of: value) == row.text("text"))
    #expect(JSON.text(of: value, sortKeys: true) == row.text("sorted"))
    #expect(JSON.text(of: value, asciiOnly: false) == row.text("unicode"))
  }

  @Test(arguments: jsonTexts) func parsesJSONAsPython(_ row: Row) {
    do throws(JSONError) {
      let value = try JSON.parse(row.text("text"))
      #expect(canonical(value) == row.text("value"))
    } catch {
      #expect(error.description == row.text("error"))
    }
  }
}

/// One recorded case, shown by its input.
struct Row: Sendable, CustomTestStringConvertible {
  let datum: Datum

  var testDescription: String { JSON.text(of: datum) }

  func text(_ key: String) -> String { datum[key]?.string ?? "" }
}

private func recorded(_ name: String) -> [Row] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Data")
  do {
    let bytes = try Data(contentsOf: folder.appending(path: name + ".json"))
    return try (JSON.parse([UInt8](bytes)).list ?? []).map(Row.init)
  } catch {
    Issue.record("cannot read the recorded cases '\(name)': \(error)")
    return []
  }
}

/// One text per value, in which types differ; the same as in `Data/record.py`.
private func canonical(_ datum: Datum) -> String {
  switch datum {
  case .null: "null"
  case .bool(let bool): bool ? "true" : "false"
  case .int(let int): "\(int)"
  case .bigInt(let digits): digits
  case .float(let double): "f\(double)"
  case .string: JSON.text(of: datum)
  case .date(let iso): "d\(iso)"
  case .list(let items): "[" + items.map(canonical).joined(separator: ",") + "]"
  case .map(let map):
    "{"
      + map.entries.map { JSON.text(of: .string($0.key)) + ":" + canonical($0.value) }
      .joined(separator: ",") + "}"
  }
}

/// Floats and dates that the recorder wrapped.
private func unwrapped(_ datum: Datum) -> Datum {
  switch datum {
  case .list(let items): .list(items.map(unwrapped))
  case .map(let map):
    if let text = map["$float"]?.string {
      .float(Double(text) ?? .nan)
    } else if let text = map["$date"]?.string {
      .date(text)
    } else {
      .map(DatumMap(lastWins: map.entries.map { ($0.key, unwrapped($0.value)) }))
    }
  default: datum
  }
}
