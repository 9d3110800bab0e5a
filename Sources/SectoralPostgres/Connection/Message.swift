internal import SectoralWarehouse

/// Texts that go to the server as one: each but the last is one statement.
struct Message {
  let parts: [String]
  let text: String
  /// Which part asks for the transaction's number.
  let witness: Int?

  /// Between two parts. On a line of its own: a part may end with a comment.
  private static let separator = "\n;\n"

  init(_ parts: [String], witness: Int? = nil) {
    self.parts = parts
    self.witness = witness
    text = parts.count == 1 ? parts[0] : parts.joined(separator: Self.separator)
  }

  /// The error as if its part had been sent alone.
  ///
  /// `answered`: How many parts came to their end; but a text with a fault in its grammar fails before any
  /// part is run, and only the position tells which one it is.
  func narrowed(_ error: WarehouseError, answered: Int) -> WarehouseError {
    var error = error
    var index = min(answered, parts.count - 1)
    error.part = index
    guard parts.count > 1 else { return error }
    error.sql = parts[index]
    guard let position = error.position else { return error }
    var start = 0
    var isBetween = false
    for (number, part) in parts.enumerated() {
      let count = part.unicodeScalars.count
      let end = start + count + Self.separator.unicodeScalars.count
      if position <= end || number == parts.count - 1 {
        index = number
        isBetween = position > start + count && number < parts.count - 1
        error.position = min(position - start, count + 1)
        break
      }
      start = end
    }
    error.part = index
    error.sql = parts[index]
    let before = error.message
    if isBetween, error.sqlState == "42601" {
      // Alone, the part would have ended here.
      error.message = error.message.replacing("at or near \";\"", with: "at end of input")
    }
    if let report = error.report, let position = error.position {
      error.report = ErrorReport.relocated(
        report.replacing(before, with: error.message),
        position: position,
        in: parts[index]
      )
    }
    return error
  }
}

/// The lines of libpq's reports that show where in a statement an error is:
///
///     LINE 3: select x from nowhere
///                           ^
enum ErrorReport {
  /// The longest excerpt of a line, and what must be seen behind the place, in characters.
  private static let width = 60
  private static let margin = 10

  /// Shows another place in a report. A report that shows none stays as it is.
  ///
  /// `position`: in characters, from 1.
  static func relocated(_ report: String, position: Int, in sql: String) -> String {
    var lines = report.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard
      let caret = lines.indices.dropFirst().first(where: { index in
        lines[index].hasSuffix("^") && lines[index].dropLast().allSatisfy { $0 == " " }
      }), let digits = lines[caret - 1].firstIndex(where: \.isNumber)
    else { return report }
    // The word for a line is in the user's language.
    let word = lines[caret - 1][..<digits]
    (lines[caret - 1], lines[caret]) = excerpt(of: sql, position: position, word: String(word))
    return lines.joined(separator: "\n")
  }

  private static func excerpt(
    of sql: String,
    position: Int,
    word: String
  ) -> (line: String, caret: String) {
    let scalars = Array(sql.unicodeScalars)
    let place = min(max(position - 1, 0), scalars.count)
    var number = 1
    var start = 0
    for index in 0..<place where scalars[index] == "\n" || scalars[index] == "\r" {
      // A carriage return and its newline are one line's end.
      let isPair = scalars[index] == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n"
      if !isPair { number += 1 }
      start = index + 1
    }
    var end = place
    while end < scalars.count, scalars[end] != "\n", scalars[end] != "\r" { end += 1 }
    var isCutBefore = false
    var isCutAfter = false
    if end - start > width {
      if start + width >= place + margin {
        end = start + width
        isCutAfter = true
      } else {
        if place + margin < end {
          end = place + margin
          isCutAfter = true
        }
        if end - start > width {
          start = end - width
          isCutBefore = true
        }
      }
    }
    var shown = String.UnicodeScalarView()
    for scalar in scalars[start..<end] { shown.append(scalar == "\t" ? " " : scalar) }
    let lead = "\(word)\(number): " + (isCutBefore ? "..." : "")
    let line = lead + String(shown) + (isCutAfter ? "..." : "")
    let blanks = lead.unicodeScalars.count + place - start
    return (line, String(repeating: " ", count: blanks) + "^")
  }
}
